use std::collections::BTreeSet;

use wire::{kind::Kind, secret::Op};

use super::{Builder, Gate, range::Range};
use crate::{ColumnId, Program, ProgramBuilder, ProgramError, ValueId, program::Form};

fn input(b: &mut Builder, kind: Kind, column: u32) -> ValueId {
    b.input(column, Form { kind, len: 8 })
}

#[test]
fn equal_gates_are_one() {
    let mut b = Builder::default();
    let [x, y] = [0, 1].map(|c| input(&mut b, Kind::U64, c));
    let first = b.mul(x, y);
    assert_eq!(b.mul(y, x), first);
    let less = b.less(x, y);
    assert_eq!(b.less(x, y), less);
    // The order the other way round finds the highest bits of both again.
    let gates = |b: &Builder| b.gates.len();
    let before = gates(&b);
    b.less(y, x);
    assert!(gates(&b) - before <= 7, "{} more gates", gates(&b) - before);
}

#[test]
fn public_values_are_computed_at_once() {
    let mut b = Builder::default();
    let kind = Kind::I32;
    let five = b.constant(kind, 5, 8);
    let minus = b.constant(kind, u128::MAX - 6, 8);
    let table = b.public(kind, vec![3, 1, 4, 1, 5, 9, 2, 6].into());
    let less = b.less(five, minus);
    assert_eq!(b.single(less), Some(0));
    let product = b.mul(table, five);
    let sum = b.sum(product, 8);
    assert_eq!(b.single(sum), Some(155));
    let and = b.and(five, minus);
    assert_eq!(b.single(and), Some(5 & (u128::MAX - 6)));
    assert_eq!(b.bits(five), b.bits(five));
    assert!(b.gates.iter().all(Gate::is_public));
}

#[test]
fn small_values_are_compared_by_few_bits() {
    let mut b = Builder::default();
    let x = input(&mut b, Kind::U8, 0);
    let [wide, other] = [x, input(&mut b, Kind::U8, 1)].map(|v| b.resize(v, Kind::I64));
    assert_eq!(
        b.range(wide),
        Range {
            bits: 8,
            negative: false
        }
    );
    let less = b.less(wide, other);
    assert!(matches!(b.gate(less), Gate::Bit { position: 8, .. }));
    let hundred = b.constant(Kind::I64, 100, 1);
    let moved = b.sub(wide, hundred);
    assert_eq!(
        b.range(moved),
        Range {
            bits: 8,
            negative: true
        }
    );
    let zero = b.constant(Kind::I64, 0, 1);
    let negative = b.less(moved, zero);
    assert!(matches!(b.gate(negative), Gate::Bit { position: 9, .. }));
}

/// Ranges hold for all pairs of edge values under every operation that follows them.
#[test]
fn ranges_hold() {
    let kind = Kind::I8;
    let signed = |x: u128| i64::from(x as u8 as i8);
    for a in 0..=255u128 {
        for c in [0u128, 1, 2, 127, 128, 129, 255, a] {
            let mut b = Builder::default();
            let [x, y] = [a, c].map(|v| b.constant(kind, v, 1));
            let (p, q) = (b.range(x), b.range(y));
            let holds = |r: Range, v: i64| {
                let most = 1i64 << r.bits;
                v < most && v >= if r.negative { -most } else { 0 }
            };
            assert!(holds(p, signed(a)));
            for (range, exact) in [
                (p.plus(q, kind), signed(a) + signed(c)),
                (p.minus(q, kind), signed(a) - signed(c)),
                (p.times(q, kind), signed(a) * signed(c)),
                (p.sum(3, kind), signed(a) * 3),
            ] {
                let wrapped = i64::from(exact as i8);
                assert!(holds(range, wrapped), "{a} {c} {range:?} {wrapped}");
                let full = range == Range::full(kind);
                assert!(full || exact == wrapped, "{a} {c} wraps unnoticed");
            }
        }
    }
}

#[test]
fn what_is_not_opened_is_not_computed() {
    let mut program = ProgramBuilder::new();
    let id = ColumnId {
        input_type: 0,
        field: 0,
        element: 0,
    };
    let x = program.input(id, Kind::U64, 8).unwrap();
    let square = program.apply(Op::Mul, &[x, x], 0).unwrap();
    program.apply(Op::Lt, &[x, square], 0).unwrap();
    program.apply(Op::Mul, &[x, x], 0).unwrap();
    program.reveal(square).unwrap();
    let program: Program = program.finish().unwrap();
    let circuit = program.circuit();
    assert_eq!(circuit.gates().len(), 2);
    assert!(matches!(circuit.gate(ValueId(1)), Gate::Mul(..)));
}

/// What is opened on the way is shuffled in an order that nothing else opened has, and that has no
/// part in how the shuffled value came about: so it tells nothing but that it is a permutation.
#[test]
fn what_is_opened_on_the_way_is_in_a_fresh_order() {
    let id = |field| ColumnId {
        input_type: 0,
        field,
        element: 0,
    };
    for (kind, len) in [(Kind::U8, 5), (Kind::I64, 100), (Kind::U16, 3000)] {
        let mut program = ProgramBuilder::new();
        let x = program.input(id(0), kind, len).unwrap();
        let places = program.input(id(1), Kind::U32, len).unwrap();
        for (op, operands, immediate) in [
            (Op::Sort, &[x][..], 0),
            (Op::Sort, &[x], 0),
            (Op::Places, &[x], 0),
            (Op::TopK, &[x], 3),
            (Op::Permute, &[x, places], 0),
        ] {
            let value = program.apply(op, operands, immediate).unwrap();
            program.reveal(value).unwrap();
        }
        let program: Program = program.finish().unwrap();
        let circuit = program.circuit();
        let mut opened = BTreeSet::new();
        for gate in circuit.gates() {
            let Gate::Open(value) = gate else { continue };
            let Gate::Shuffle { x, stream, .. } = *circuit.gate(*value) else {
                panic!("{:?} is opened", circuit.gate(*value));
            };
            assert!(opened.insert(stream), "an order is opened twice");
            let mut ancestors = vec![x];
            let mut seen = BTreeSet::new();
            while let Some(value) = ancestors.pop() {
                let gate = circuit.gate(value);
                assert!(!matches!(gate, Gate::Shuffle { stream: s, .. } if *s == stream));
                ancestors.extend(gate.operands().filter(|operand| seen.insert(*operand)));
            }
        }
        // Places from all pairs need none.
        assert!(opened.len() >= 4);
    }
}

/// What would make a node build more tables than a circuit may hold is refused, soon.
#[test]
fn tables_are_bounded() {
    let long = 1 << 26;
    let below = |op, kinds: &[(Kind, usize)], immediate: u64| {
        let mut program = ProgramBuilder::new();
        let operands: Vec<ValueId> = (0..)
            .zip(kinds)
            .map(|(field, (kind, len))| {
                let id = ColumnId {
                    input_type: 0,
                    field,
                    element: 0,
                };
                program.input(id, *kind, *len).unwrap()
            })
            .collect();
        let result = program.apply(op, &operands, immediate).unwrap();
        let one = program.apply(Op::Slice, &[result], 1).unwrap();
        program.reveal(one).unwrap();
        program.finish().map(|_| ())
    };
    for (op, kinds, immediate) in [
        (Op::Sort, vec![(Kind::U64, long)], 0),
        (Op::ArgMin, vec![(Kind::U64, long)], 0),
        (Op::RandomPermutation, vec![], long as u64),
        (Op::Dot, vec![(Kind::U8, 1), (Kind::U8, long)], 0),
        (Op::LtRows, vec![(Kind::U8, long); 2], long as u64),
        (Op::Lookup, vec![(Kind::U64, long), (Kind::U64, 1)], 0),
    ] {
        let refused = below(op, &kinds, immediate);
        assert!(
            matches!(refused, Err(ProgramError::TooMany { .. })),
            "{op:?}: {refused:?}"
        );
    }
    // Sums of public vectors that differ in every lane.
    let mut program = ProgramBuilder::new();
    let values: Vec<u128> = (0..1 << 16).collect();
    let first = program.public(Kind::U128, &values).unwrap();
    let mut sum = first;
    for _ in 0..200 {
        sum = program.apply(Op::Add, &[sum, first], 0).unwrap();
    }
    let sum = program.apply(Op::Sum, &[sum], 0).unwrap();
    program.reveal(sum).unwrap();
    assert!(matches!(
        program.finish(),
        Err(ProgramError::TooMany { .. })
    ));
}
