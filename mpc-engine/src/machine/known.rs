//! Local work on values that two parties know in clear.

use super::{Register, defect};
use crate::{
    EngineError,
    template::{Instruction, Reg, Step},
    vector::{Data, Domain, Element, Vector, Word, with_element},
};

/// Runs an instruction on known values. At a party that does not know them, the result is unknown.
pub(super) fn execute(
    instruction: &Instruction,
    step: &Step,
    file: &mut [Register],
) -> Result<(), EngineError> {
    let result = match instruction {
        Instruction::KnownNot(a) => known(file, *a)?.map(not),
        Instruction::KnownNegate(a) => known(file, *a)?.map(|a| {
            let mut negative = a.copy();
            negative.scale(u128::MAX);
            negative
        }),
        Instruction::KnownXor(a, b) => known(file, *a)?.zip(known(file, *b)?).map(|(a, b)| {
            let mut sum = a.copy();
            sum.add(b);
            sum
        }),
        Instruction::KnownAnd(a, b) => known(file, *a)?
            .zip(known(file, *b)?)
            .map(|(a, b)| and(a, b)),
        Instruction::KnownWiden(a) => known(file, *a)?.map(|a| resize(a, step.domain)),
        Instruction::KnownShift(a, by) => known(file, *a)?.map(|a| shift(a, *by)),
        Instruction::KnownSplit { known, .. } => return split_into(*known, step, file),
        _ => return Err(defect("an instruction is not implemented")),
    };
    file[step.to.0 as usize] = Register::Known(result);
    Ok(())
}

fn known(file: &[Register], register: Reg) -> Result<Option<&Vector>, EngineError> {
    match &file[register.0 as usize] {
        Register::Known(value) => Ok(value.as_ref()),
        _ => Err(defect("a register holds no known value")),
    }
}

fn split_into(a: Reg, step: &Step, file: &mut [Register]) -> Result<(), EngineError> {
    let bits = known(file, a)?.map(split);
    let first = step.to.0 as usize;
    let registers = &mut file[first..first + step.instruction.results()];
    match bits {
        Some(bits) => {
            for (register, bit) in registers.iter_mut().zip(bits) {
                *register = Register::Known(Some(bit));
            }
        }
        None => registers.fill_with(|| Register::Known(None)),
    }
    Ok(())
}

fn not(a: &Vector) -> Vector {
    let mut not = a.copy();
    if a.domain() != Domain::Bits {
        not.scale(u128::MAX);
    }
    // On bits a + 1, in a ring −a − 1.
    not.add_public(u128::MAX);
    not
}

fn and(a: &Vector, b: &Vector) -> Vector {
    with_element!(a.domain(), E => {
        let products = E::slice(a).iter().zip(E::slice(b)).map(|(a, b)| a.mul(*b));
        Vector::new(products.collect::<Vec<E>>(), a.lanes())
    })
}

/// In another ring: cut off, or extended with zeros. A bit becomes 0 or 1.
pub(super) fn resize(a: &Vector, to: Domain) -> Vector {
    with_element!(to, E => {
        let elements: Vec<E> = match a.data() {
            Data::Bits(words) => {
                let bit = |i: usize| E::splat(u128::from(words[i / 64].0 >> (i % 64) & 1));
                (0..a.lanes()).map(bit).collect()
            }
            Data::R8(x) => x.iter().map(|x| E::splat(u128::from(*x))).collect(),
            Data::R16(x) => x.iter().map(|x| E::splat(u128::from(*x))).collect(),
            Data::R32(x) => x.iter().map(|x| E::splat(u128::from(*x))).collect(),
            Data::R64(x) => x.iter().map(|x| E::splat(u128::from(*x))).collect(),
            Data::R128(x) => x.iter().map(|x| E::splat(*x)).collect(),
        };
        Vector::new(elements, a.lanes())
    })
}

/// a >> by, unsigned.
fn shift(a: &Vector, by: u32) -> Vector {
    let lanes = a.lanes();
    match a.data() {
        Data::Bits(_) => a.copy(),
        Data::R8(x) => Vector::new(x.iter().map(|x| x >> by).collect::<Vec<_>>(), lanes),
        Data::R16(x) => Vector::new(x.iter().map(|x| x >> by).collect::<Vec<_>>(), lanes),
        Data::R32(x) => Vector::new(x.iter().map(|x| x >> by).collect::<Vec<_>>(), lanes),
        Data::R64(x) => Vector::new(x.iter().map(|x| x >> by).collect::<Vec<_>>(), lanes),
        Data::R128(x) => Vector::new(x.iter().map(|x| x >> by).collect::<Vec<_>>(), lanes),
    }
}

/// The bits of every lane: vector i holds bit i of all lanes.
fn split(a: &Vector) -> Vec<Vector> {
    let lanes = a.lanes();
    let bits = a.domain().bits() as usize;
    let mut planes: Vec<Vec<Word>> = vec![Vec::with_capacity(lanes.div_ceil(64)); bits];
    let mut transpose = |part: usize, block: &mut [u64; 64]| {
        transpose_64(block);
        for (plane, word) in planes[part * 64..].iter_mut().zip(block) {
            plane.push(Word(*word));
        }
    };
    macro_rules! blocks {
        ($x:expr, $parts:expr) => {
            for chunk in $x.chunks(64) {
                for part in 0..$parts {
                    let mut block = [0; 64];
                    for (to, from) in block.iter_mut().zip(chunk) {
                        *to = (u128::from(*from) >> (64 * part)) as u64;
                    }
                    transpose(part, &mut block);
                }
            }
        };
    }
    match a.data() {
        Data::Bits(words) => planes[0].extend_from_slice(words),
        Data::R8(x) => blocks!(x, 1),
        Data::R16(x) => blocks!(x, 1),
        Data::R32(x) => blocks!(x, 1),
        Data::R64(x) => blocks!(x, 1),
        Data::R128(x) => blocks!(x, 2),
    }
    planes
        .into_iter()
        .map(|plane| Vector::new(plane, lanes))
        .collect()
}

/// Transposes a 64 by 64 matrix of bits: bit j of row i goes to bit i of row j (H. S. Warren,
/// Hacker's Delight, section 7-3).
fn transpose_64(rows: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0xffff_ffff_u64;
    while width != 0 {
        let mut i = 0;
        while i < 64 {
            let swap = (rows[i] >> width ^ rows[i + width]) & mask;
            rows[i] ^= swap << width;
            rows[i + width] ^= swap;
            i = (i + width + 1) & !width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_every_lane_are_found() {
        for domain in [
            Domain::R8,
            Domain::R16,
            Domain::R32,
            Domain::R64,
            Domain::R128,
        ] {
            for lanes in [0usize, 1, 63, 64, 65, 130] {
                let number = |i: usize| {
                    (i as u128 + 1).wrapping_mul(0x1234_5678_9abc_def0_0fed_cba9_8765_4321)
                };
                let numbers: Vec<u128> = (0..lanes).map(number).collect();
                let bits = split(&Vector::from_numbers(domain, &numbers));
                assert_eq!(bits.len(), domain.bits() as usize);
                for (i, plane) in bits.iter().enumerate() {
                    let expected: Vec<u128> = numbers.iter().map(|x| x >> i & 1).collect();
                    assert_eq!(plane.to_numbers(), expected);
                }
            }
        }
    }

    #[test]
    fn the_complement_has_no_stray_bits() {
        let a = not(&Vector::from_numbers(Domain::Bits, &[1, 0, 1]));
        assert_eq!(a.to_numbers(), [0, 1, 0]);
        let Data::Bits(words) = a.data() else {
            panic!("bits")
        };
        assert_eq!(words[0].0, 0b010);
    }
}
