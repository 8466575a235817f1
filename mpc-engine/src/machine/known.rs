//! Local work on values that two parties know in clear.

use super::{Register, defect};
use crate::{
    EngineError,
    template::{Instruction, Reg, Step},
    vector::{Domain, Vector, Word, kernels},
};

/// Runs an instruction on known values. At a party that does not know them, the result is unknown.
pub(super) fn execute(
    instruction: &Instruction,
    step: &Step,
    file: &mut [Register],
) -> Result<(), EngineError> {
    let result = match instruction {
        Instruction::KnownNot(a) => known(file, *a)?.map(not),
        Instruction::KnownNegate(a) => known(file, *a)?.map(|a| a.affine(u128::MAX, 0)),
        Instruction::KnownWiden(a) => known(file, *a)?.map(|a| a.resize(step.domain)),
        Instruction::KnownShift(a, by) => known(file, *a)?.map(|a| shift(a, *by)),
        Instruction::KnownSplit { known, .. } => return split_into(*known, step, file),
        _ => return Err(defect("an instruction is not implemented")),
    };
    file[step.to.0 as usize] = Register::Known(result);
    Ok(())
}

pub(super) fn known(file: &[Register], register: Reg) -> Result<Option<&Vector>, EngineError> {
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
    // On bits a + 1, in a ring −a − 1.
    let factor = if a.domain() == Domain::Bits {
        1
    } else {
        u128::MAX
    };
    a.affine(factor, u128::MAX)
}

/// a >> by, unsigned.
fn shift(a: &Vector, by: u32) -> Vector {
    match a.domain() {
        Domain::Bits => a.copy(),
        Domain::R8 => Vector::fill::<u8>(a.lanes(), |z| kernels::shift(z, a.elements(), by)),
        Domain::R16 => Vector::fill::<u16>(a.lanes(), |z| kernels::shift(z, a.elements(), by)),
        Domain::R32 => Vector::fill::<u32>(a.lanes(), |z| kernels::shift(z, a.elements(), by)),
        Domain::R64 => Vector::fill::<u64>(a.lanes(), |z| kernels::shift(z, a.elements(), by)),
        Domain::R128 => Vector::fill::<u128>(a.lanes(), |z| kernels::shift(z, a.elements(), by)),
    }
}

/// The bits of every lane: vector i holds bit i of all lanes.
fn split(a: &Vector) -> Vec<Vector> {
    let bits = a.domain().bits() as usize;
    if bits == 1 {
        return vec![a.copy()];
    }
    let unset = || Vector::unset(Domain::Bits, a.lanes());
    let mut planes: Vec<Vector> = std::iter::repeat_with(unset).take(bits).collect();
    for (part, planes) in planes.chunks_mut(64).enumerate() {
        let mut planes: Vec<&mut [Word]> = planes.iter_mut().map(Vector::elements_mut).collect();
        match a.domain() {
            Domain::Bits => {}
            Domain::R8 => kernels::split::<u8>(&mut planes, a.elements(), part),
            Domain::R16 => kernels::split::<u16>(&mut planes, a.elements(), part),
            Domain::R32 => kernels::split::<u32>(&mut planes, a.elements(), part),
            Domain::R64 => kernels::split::<u64>(&mut planes, a.elements(), part),
            Domain::R128 => kernels::split::<u128>(&mut planes, a.elements(), part),
        }
    }
    planes
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
        assert_eq!(a.elements::<Word>()[0].0, 0b010);
    }
}
