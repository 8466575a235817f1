//! The bytes of opened values: one value after another, each as [`Kind::bytes`] says.

use wire::kind::Kind;

use super::Program;
use crate::EngineError;

/// Encodes opened values, which are in the low bits of each number.
///
/// # Errors
/// [`EngineError::OpenedForm`] if they are not what the program opens.
pub fn encode_opened(program: &Program, values: &[Vec<u128>]) -> Result<Vec<u8>, EngineError> {
    let outputs = program.outputs();
    if outputs.len() != values.len() {
        return Err(EngineError::OpenedForm);
    }
    let mut bytes = Vec::new();
    for ((kind, len), value) in outputs.into_iter().zip(values) {
        if value.len() != len || value.iter().any(|v| v & !kind.mask() != 0) {
            return Err(EngineError::OpenedForm);
        }
        let start = bytes.len();
        if kind == Kind::Bool {
            bytes.resize(start + kind.bytes(len), 0);
            for (i, v) in value.iter().enumerate() {
                bytes[start + i / 8] |= u8::from(*v == 1) << (i % 8);
            }
        } else {
            let width = kind.bytes(1);
            for v in value {
                bytes.extend_from_slice(&v.to_le_bytes()[..width]);
            }
        }
    }
    Ok(bytes)
}

/// Decodes what [`encode_opened`] encodes, and nothing else.
///
/// # Errors
/// [`EngineError::OpenedForm`].
pub fn decode_opened(program: &Program, mut bytes: &[u8]) -> Result<Vec<Vec<u128>>, EngineError> {
    let mut values = Vec::new();
    for (kind, len) in program.outputs() {
        let (own, rest) = bytes
            .split_at_checked(kind.bytes(len))
            .ok_or(EngineError::OpenedForm)?;
        bytes = rest;
        if kind == Kind::Bool {
            let bit = |i: usize| u128::from(own[i / 8] >> (i % 8) & 1);
            values.push((0..len).map(bit).collect::<Vec<_>>());
            let used = len % 8;
            if used != 0 && own.last().is_some_and(|last| last >> used != 0) {
                return Err(EngineError::OpenedForm);
            }
        } else {
            let number = |chunk: &[u8]| {
                let mut wide = [0; 16];
                wide[..chunk.len()].copy_from_slice(chunk);
                u128::from_le_bytes(wide)
            };
            values.push(own.chunks_exact(kind.bytes(1)).map(number).collect());
        }
    }
    if !bytes.is_empty() {
        return Err(EngineError::OpenedForm);
    }
    Ok(values)
}
