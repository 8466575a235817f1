use super::*;
use crate::EngineError;

fn column(field: u32) -> ColumnId {
    ColumnId {
        input_type: 0,
        field,
        element: 0,
    }
}

fn forms(builder: &mut ProgramBuilder, forms: &[(Kind, usize)]) -> Vec<ValueId> {
    let inputs = (0..).zip(forms);
    inputs
        .map(|(i, (kind, len))| builder.input(column(i), *kind, *len).unwrap())
        .collect()
}

#[test]
fn types_are_checked() {
    use Kind::{Bool, I8, U8, U64};
    type Case<'a> = (
        &'a str,
        Op,
        &'a [(Kind, usize)],
        u64,
        Result<(Kind, usize), ProgramError>,
    );
    let undefined = |op, kind| Err(ProgramError::UndefinedOn { op, kind });
    let immediate = |op, immediate| Err(ProgramError::Immediate { op, immediate });
    let cases: &[Case<'_>] = &[
        ("spread", Op::Add, &[(U8, 1), (U8, 9)], 0, Ok((U8, 9))),
        (
            "spread over none",
            Op::Lt,
            &[(U8, 0), (U8, 1)],
            0,
            Ok((Bool, 0)),
        ),
        (
            "three spread",
            Op::Select,
            &[(Bool, 5), (I8, 1), (I8, 1)],
            0,
            Ok((I8, 5)),
        ),
        ("dot", Op::Dot, &[(U64, 9), (U64, 9)], 0, Ok((U64, 1))),
        ("count", Op::Count, &[(Bool, 9)], 0, Ok((U64, 1))),
        ("shift", Op::Shr, &[(U8, 9)], 7, Ok((U8, 9))),
        (
            "cast",
            Op::Cast,
            &[(Bool, 9)],
            u64::from(U64.code()),
            Ok((U64, 9)),
        ),
        ("slice", Op::Slice, &[(U8, 9)], 4 << 32 | 5, Ok((U8, 5))),
        ("concat", Op::Concat, &[(U8, 9), (U8, 0)], 0, Ok((U8, 9))),
        (
            "sum of bits",
            Op::Add,
            &[(Bool, 1), (Bool, 1)],
            0,
            undefined(Op::Add, Bool),
        ),
        (
            "shifted bits",
            Op::Shl,
            &[(Bool, 1)],
            0,
            undefined(Op::Shl, Bool),
        ),
        (
            "count of numbers",
            Op::Count,
            &[(U8, 1)],
            0,
            undefined(Op::Count, U8),
        ),
        (
            "condition",
            Op::Select,
            &[(U8, 1); 3],
            0,
            undefined(Op::Select, U8),
        ),
        ("whole shift", Op::Shl, &[(U8, 1)], 8, immediate(Op::Shl, 8)),
        ("no kind", Op::Cast, &[(U8, 1)], 11, immediate(Op::Cast, 11)),
        (
            "no kind",
            Op::Cast,
            &[(U8, 1)],
            1 << 32,
            immediate(Op::Cast, 1 << 32),
        ),
        (
            "outside",
            Op::Slice,
            &[(U8, 9)],
            5 << 32 | 5,
            immediate(Op::Slice, 5 << 32 | 5),
        ),
        (
            "far outside",
            Op::Slice,
            &[(U8, 9)],
            u64::MAX,
            immediate(Op::Slice, u64::MAX),
        ),
        (
            "to a boolean",
            Op::Cast,
            &[(U8, 1)],
            u64::from(Bool.code()),
            Err(ProgramError::NoSuchCast { from: U8, to: Bool }),
        ),
        (
            "kinds",
            Op::Eq,
            &[(U8, 1), (I8, 1)],
            0,
            Err(ProgramError::KindsDiffer {
                op: Op::Eq,
                left: U8,
                right: I8,
            }),
        ),
        (
            "lengths",
            Op::Mul,
            &[(U8, 2), (U8, 3)],
            0,
            Err(ProgramError::LengthsDiffer {
                op: Op::Mul,
                left: 2,
                right: 3,
            }),
        ),
        (
            "operands",
            Op::Mul,
            &[(U8, 2)],
            0,
            Err(ProgramError::OperandCount {
                op: Op::Mul,
                expected: 2,
                actual: 1,
            }),
        ),
        (
            "number",
            Op::Mul,
            &[(U8, 2), (U8, 2)],
            1,
            Err(ProgramError::NoImmediate {
                op: Op::Mul,
                immediate: 1,
            }),
        ),
    ];
    for (what, op, operands, immediate, expected) in cases {
        let mut builder = ProgramBuilder::new();
        let operands = forms(&mut builder, operands);
        let result = builder.apply(*op, &operands, *immediate);
        let form = result.map(|v| (builder.kind(v).unwrap(), builder.len(v).unwrap()));
        assert_eq!(form, *expected, "{what}");
    }
}

#[test]
fn bounds_hold_and_errors_change_nothing() {
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U8, 9).unwrap();
    assert_eq!(builder.input(column(0), Kind::U8, 9), Ok(x));
    let other = builder.input(column(0), Kind::I8, 9);
    assert!(matches!(other, Err(ProgramError::ColumnForm { .. })));
    let no = ProgramError::NoSuchValue { value: 7 };
    assert_eq!(builder.apply(Op::Neg, &[ValueId(7)], 0), Err(no.clone()));
    assert_eq!(builder.reveal(ValueId(7)), Err(no));
    let large = builder.constant(Kind::U8, 256, 1);
    assert!(matches!(large, Err(ProgramError::ConstantTooLarge { .. })));
    let long = builder.constant(Kind::U8, 0, wire::limits::VALUE_ELEMENTS + 1);
    assert!(matches!(long, Err(ProgramError::TooMany { .. })));
    let block = builder.constant(Kind::U64, 0, 8192).unwrap();
    builder.reveal(block).unwrap();
    assert!(matches!(
        builder.reveal(x),
        Err(ProgramError::TooMany { .. })
    ));
    for _ in 0..7 {
        builder
            .constant(Kind::Bool, 0, wire::limits::VALUE_ELEMENTS)
            .unwrap();
    }
    let most = builder.constant(Kind::Bool, 0, wire::limits::VALUE_ELEMENTS);
    assert!(matches!(most, Err(ProgramError::TooMany { .. })));
    let program = builder.finish().unwrap();
    assert_eq!(
        (program.nodes().len(), program.outputs()),
        (9, vec![(Kind::U64, 8192)])
    );
    assert_eq!(
        ProgramBuilder::new().finish(),
        Err(ProgramError::NothingRevealed)
    );
}

fn sample() -> Program {
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(3), Kind::U8, 9).unwrap();
    let two = builder.constant(Kind::U8, 2, 1).unwrap();
    let same = builder.apply(Op::Eq, &[x, two], 0).unwrap();
    let count = builder.apply(Op::Count, &[same], 0).unwrap();
    builder.reveal(count).unwrap();
    builder.reveal(same).unwrap();
    builder.finish().unwrap()
}

#[test]
fn a_program_survives_its_encoding_and_its_hash_is_frozen() {
    let program = sample();
    let bytes = wire::codec::encode(&program);
    let decoded: Program = wire::codec::decode("program", &bytes, 1 << 20).unwrap();
    assert_eq!(decoded, program);
    let hash: String = program
        .hash()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hash,
        "2df9fe6931f425013c30f47a8f7d04da2cb8aae642587567035e45698cde63bd"
    );
}

#[test]
fn no_ill_typed_program_decodes() {
    let program = sample();
    let bytes = wire::codec::encode(&program);
    let mut accepted = 0;
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            let Ok(other) = wire::codec::decode::<Program>("program", &changed, 1 << 20) else {
                continue;
            };
            // What decodes was built: it has forms, and is another program.
            assert_ne!(other.hash(), program.hash());
            accepted += 1;
        }
    }
    assert!(accepted > 0, "some changes give other programs");
}

#[test]
fn opened_values_are_encoded_one_way() {
    let program = sample();
    let values = vec![vec![300], vec![1, 0, 0, 1, 0, 0, 0, 0, 1]];
    let bytes = encode_opened(&program, &values).unwrap();
    assert_eq!(bytes, [44, 1, 0, 0, 0, 0, 0, 0, 0b1001, 1]);
    assert_eq!(decode_opened(&program, &bytes).unwrap(), values);
    let refused = Err(EngineError::OpenedForm);
    assert_eq!(decode_opened(&program, &bytes[1..]), refused);
    assert_eq!(
        decode_opened(&program, &[&bytes[..], &[0]].concat()),
        refused
    );
    let mut stray = bytes;
    stray[9] |= 2;
    assert_eq!(decode_opened(&program, &stray), refused);
    for wrong in [
        vec![vec![300]],
        vec![vec![300], vec![2; 9]],
        vec![vec![], vec![0; 9]],
    ] {
        assert!(encode_opened(&program, &wrong).is_err());
    }
}

/// The text for people, frozen.
#[test]
fn a_program_explains_itself() {
    let mut builder = ProgramBuilder::new();
    let id = |field| ColumnId {
        input_type: 0,
        field,
        element: 0,
    };
    let x = builder.input(id(0), Kind::U8, 64).unwrap();
    let y = builder.input(id(1), Kind::U8, 64).unwrap();
    let three = builder.constant(Kind::U8, 3, 1).unwrap();
    let equal = builder.apply(Op::Eq, &[x, three], 0).unwrap();
    let again = builder.apply(Op::Eq, &[x, three], 0).unwrap();
    builder.apply(Op::Mul, &[x, y], 0).unwrap();
    let both = builder.apply(Op::And, &[equal, again], 0).unwrap();
    let count = builder.apply(Op::Count, &[both], 0).unwrap();
    builder.reveal(count).unwrap();
    let explanation = builder.finish().unwrap().explain();
    let text = explanation.to_string();
    println!("{text}");
    assert_eq!(
        text.lines().next(),
        Some("%0 = input type 0, field 0, element 0: u8[64]; free")
    );
    assert!(text.contains("%1 = input type 0, field 1, element 0: u8[64]; nothing to do"));
    assert!(text.contains("%2 = constant 3: u8[1]; free"));
    assert!(text.contains("%4 = eq %0 %2: bool[64]; nothing to do"));
    let bytes: u64 = explanation.operations.iter().map(|o| o.bytes).sum();
    let opened = 4 * 8;
    assert_eq!(bytes + opened, explanation.plan.value_bytes);
    let rounds: u64 = explanation.rounds.iter().map(|r| r.bytes).sum();
    assert_eq!(rounds, explanation.plan.value_bytes);
    assert_eq!(explanation.rounds.len() + 3, explanation.plan.rounds);
    let equal = &explanation.operations[3];
    assert!(equal.bytes > 0 && equal.rounds > 0 && equal.gates > 1);
}
