//! Searches, sums and look-ups over the elements of a vector.

use wire::secret::Op;

use super::{Operand, ordered};
use crate::program::Form;

pub(super) fn apply(op: Op, operands: &[Operand<'_>], immediate: u64, form: Form) -> Vec<u128> {
    let (a, mask) = (&operands[0], form.kind.mask());
    let key = |i: &usize| ordered(a.kind, a.values[*i]);
    let all = 0..a.values.len();
    let rows = |term: &dyn Fn(usize) -> u128| -> Vec<u128> {
        let row = immediate as usize;
        let sum = |r: usize| (r * row..(r + 1) * row).fold(0, |s: u128, i| s.wrapping_add(term(i)));
        (0..form.len).map(|r| sum(r) & mask).collect()
    };
    match op {
        // The first of equal elements.
        Op::ArgMin => all.min_by_key(key).map(|i| i as u128).into_iter().collect(),
        Op::ArgMax => all
            .rev()
            .max_by_key(key)
            .map(|i| i as u128)
            .into_iter()
            .collect(),
        Op::MinOf => all
            .min_by_key(key)
            .map(|i| a.values[i])
            .into_iter()
            .collect(),
        Op::MaxOf => all
            .max_by_key(key)
            .map(|i| a.values[i])
            .into_iter()
            .collect(),
        Op::All => vec![u128::from(a.values.iter().all(|x| *x == 1))],
        Op::Any => vec![u128::from(a.values.contains(&1))],
        Op::PrefixSum => {
            let mut sum: u128 = 0;
            let next = |x: &u128| {
                sum = sum.wrapping_add(*x) & mask;
                sum
            };
            a.values.iter().map(next).collect()
        }
        Op::Lookup | Op::Gather => {
            let at = |i: &u128| usize::try_from(*i).ok().and_then(|i| a.values.get(i));
            let b = operands[1].values;
            b.iter().map(|i| at(i).copied().unwrap_or(0)).collect()
        }
        Op::Histogram => {
            let count = |v: usize| a.values.iter().filter(|x| **x == v as u128).count() as u128;
            (0..form.len).map(count).collect()
        }
        Op::GroupSum => {
            let (b, len) = (&operands[1], a.values.len());
            let len = if len == 1 { b.values.len() } else { len };
            let sum = |v: usize| {
                let own = (0..len).filter(|i| a.at(*i) == v as u128);
                own.fold(0, |s: u128, i| s.wrapping_add(b.at(i))) & mask
            };
            (0..form.len).map(sum).collect()
        }
        Op::SumRows => rows(&|i| a.values[i]),
        Op::DotRows => rows(&|i| a.at(i).wrapping_mul(operands[1].at(i))),
        Op::EqRows | Op::LtRows => {
            let row = |of: &Operand<'_>, r: usize| -> Vec<u128> {
                let row = immediate as usize;
                let elements = r * row..(r + 1) * row;
                elements.map(|i| ordered(of.kind, of.at(i))).collect()
            };
            let holds = |r| {
                let (a, b) = (row(a, r), row(&operands[1], r));
                if op == Op::EqRows { a == b } else { a < b }
            };
            (0..form.len).map(|r| u128::from(holds(r))).collect()
        }
        _ => Vec::new(), // Not reached: another group.
    }
}
