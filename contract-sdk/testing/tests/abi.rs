//! What the macro makes of Rust types and names is what Solidity makes of its own.

use alloy_json_abi::{JsonAbi, StateMutability};
use alloy_primitives::{Address, B256, Bytes, FixedBytes, I256, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent, SolValue, sol};
use contract_testing::{World, user};
use quartet::{Contract as _, Event as _, contract::ContractError as _};

/// A contract with a function for each kind of type.
#[quartet::contract]
mod everything {
    use quartet::prelude::*;

    #[state]
    pub struct Nothing {}

    #[derive(Clone, Debug, PartialEq, Eq, AbiType)]
    pub struct Point {
        pub x_value: i64,
        pub labels: Vec<String>,
    }

    #[derive(SecretInput)]
    pub struct Bid {
        pub price: Secret<u64>,
        pub flags: [Secret<bool>; 3],
        pub delta: Secret<i128>,
    }

    #[derive(SecretInput)]
    pub struct Ask {
        pub price: Secret<u64>,
    }

    #[derive(Debug, PartialEq, Eq, Reveal)]
    pub struct Inner {
        pub flags: [bool; 2],
    }

    #[derive(Debug, PartialEq, Eq, Reveal)]
    pub struct Outer {
        pub inner: [Inner; 2],
        pub sum: i128,
    }

    #[error]
    pub enum Refusal {
        Plain,
        Named { by: Address, how_much: U256 },
        Tuple(Point, bool),
    }

    #[event]
    pub struct Everything {
        pub points: Vec<Point>,
        #[indexed]
        pub who_else: Address,
        pub amount: u128,
        #[indexed]
        pub signed: i8,
        #[indexed]
        pub ok: bool,
    }

    #[event]
    pub struct Empty;

    #[action]
    fn integers(_s: &mut Nothing, a: u8, b: u16, c: u32, d: u64, e: u128, f: U256) -> U256 {
        f + U256::from(e) + U256::from(d) + U256::from(c) + U256::from(b) + U256::from(a)
    }

    #[view]
    fn signed_integers(
        _s: &Nothing,
        a: i8,
        b: i16,
        c: i32,
        d: i64,
        e: i128,
        f: I256,
    ) -> (i128, I256) {
        (
            e + i128::from(d) + i128::from(c) + i128::from(b) + i128::from(a),
            f,
        )
    }

    #[view]
    fn bytes_and_text(
        _s: &Nothing,
        a: B256,
        b: FixedBytes<3>,
        c: Bytes,
        d: String,
    ) -> (Bytes, String, B256, FixedBytes<3>) {
        (c, d, a, b)
    }

    #[view]
    fn structs(
        _s: &Nothing,
        point: Point,
        many_points: Vec<[Point; 2]>,
        _flag: bool,
    ) -> Result<Vec<Point>> {
        let mut points: Vec<Point> = many_points.into_iter().flatten().collect();
        ensure!(points.len() != 4, Refusal::Tuple(point, true));
        points.push(point);
        Ok(points)
    }

    #[view]
    fn context(_s: &Nothing, ctx: &Ctx) -> (Address, Address, u64, u64, Time) {
        (ctx.sender, ctx.contract, ctx.chain_id, ctx.block, ctx.time)
    }

    #[input]
    fn bid(_s: &mut Nothing, on_behalf: Address, note: String, _bid: Sealed<Bid>) {
        let _ = (on_behalf, note);
    }

    #[input]
    fn ask(_s: &mut Nothing, _ask: Sealed<Ask>) {}

    #[action]
    fn open_both(_s: &mut Nothing) -> Start<both> {
        Start::with_context(B256::ZERO)
    }

    #[compute]
    fn both(bids: SecretVec<Bid>, asks: SecretVec<Ask>) -> Secret<Outer> {
        let inner = |flag: SecretVec<bool>| Inner::secret([flag.get(0), !flag.get(0)]);
        let [first, second, _] = bids.flags;
        let spread = bids.price.sum() - asks.price.sum();
        Outer::secret(
            [inner(first), inner(second)],
            spread.cast() + bids.delta.sum(),
        )
    }

    #[compute]
    fn asks(asks: SecretVec<Ask>) -> Secret<u64> {
        asks.price.sum()
    }

    #[attested(both)]
    fn done(_s: &mut Nothing, index: u64, outer: Outer) {
        Everything {
            points: vec![],
            who_else: Address::ZERO,
            amount: outer.sum as u128 + u128::from(index),
            signed: -1,
            ok: outer.inner[0].flags[0],
        }
        .emit();
    }
}

use everything::{Ask, Bid, Contract, Empty, Everything, Inner, Outer, Point, Refusal, calls};

sol! {
    #[derive(Debug, Default, PartialEq, Eq, Hash)]
    struct SolPoint { int64 xValue; string[] labels; }

    #[sol(all_derives)]
    contract Expected {
        error Plain();
        error Named(address by, uint256 howMuch);
        error Tuple(SolPoint a, bool b);
        event Everything(SolPoint[] points, address indexed whoElse, uint128 amount, int8 indexed signed, bool indexed ok);
        event Empty();
        function integers(uint8 a, uint16 b, uint32 c, uint64 d, uint128 e, uint256 f) external returns (uint256);
        function signedIntegers(int8 a, int16 b, int32 c, int64 d, int128 e, int256 f) external view returns (int128, int256);
        function bytesAndText(bytes32 a, bytes3 b, bytes c, string d) external view returns (bytes, string, bytes32, bytes3);
        function structs(SolPoint point, SolPoint[2][] manyPoints, bool flag) external view returns (SolPoint[]);
        function context() external view returns (address, address, uint64, uint64, uint64);
        function bid(address onBehalf, string note, bytes bid) external;
    }
}

fn world() -> World<Contract> {
    World::deploy(7, user("deployer"), &calls::deploy()).unwrap()
}

fn point(x: i64) -> Point {
    Point {
        x_value: x,
        labels: vec!["a".into(), "ü".repeat(40)],
    }
}

fn sol_point(x: i64) -> SolPoint {
    SolPoint {
        xValue: x,
        labels: vec!["a".into(), "ü".repeat(40)],
    }
}

#[test]
fn calls_and_results() {
    let mut world = world();
    let call = calls::integers(1, 2, 3, 4, 5, U256::MAX - U256::from(15));
    let expected = Expected::integersCall {
        a: 1,
        b: 2,
        c: 3,
        d: 4,
        e: 5,
        f: U256::MAX - U256::from(15),
    };
    assert_eq!(call.data(), &expected.abi_encode());
    assert_eq!(world.call(user("a"), &call), Ok(U256::MAX));

    let call = calls::signed_integers(-1, -2, -3, -4, i128::MIN + 10, I256::MINUS_ONE);
    let (e, f) = (i128::MIN + 10, I256::MINUS_ONE);
    let expected = Expected::signedIntegersCall {
        a: -1,
        b: -2,
        c: -3,
        d: -4,
        e,
        f,
    };
    assert_eq!(call.data(), &expected.abi_encode());
    assert_eq!(world.view(&call), Ok((i128::MIN, I256::MINUS_ONE)));

    let (a, b, c, d) = (
        B256::repeat_byte(1),
        FixedBytes([1, 2, 3]),
        Bytes::from(vec![9; 33]),
        "é".repeat(17),
    );
    let call = calls::bytes_and_text(a, b, c.clone(), d.clone());
    let expected = Expected::bytesAndTextCall {
        a,
        b,
        c: c.clone(),
        d: d.clone(),
    };
    assert_eq!(call.data(), &expected.abi_encode());
    assert_eq!(world.view(&call), Ok((c, d, a, b)));

    let call = calls::structs(point(-5), vec![[point(1), point(2)]], true);
    let expected = Expected::structsCall {
        point: sol_point(-5),
        manyPoints: vec![[sol_point(1), sol_point(2)]],
        flag: true,
    };
    assert_eq!(call.data(), &expected.abi_encode());
    assert_eq!(world.view(&call), Ok(vec![point(1), point(2), point(-5)]));
    let output = Contract::call(call.data()).unwrap();
    assert_eq!(
        output,
        vec![sol_point(1), sol_point(2), sol_point(-5)].abi_encode()
    );

    let (_, own, _, _, time) = world.view(&calls::context()).unwrap();
    assert_eq!((own, time), (world.address(), 7));

    let bid = Bid::plain(1, [true, false, true], -1);
    let call = calls::bid(Address::ZERO, "note".into(), &bid).sealed(Bytes::from_static(&[1]));
    let expected = Expected::bidCall {
        onBehalf: Address::ZERO,
        note: "note".into(),
        bid: Bytes::from_static(&[1]),
    };
    assert_eq!(call.data(), &expected.abi_encode());
}

#[test]
fn what_does_not_decode_is_a_bad_call() {
    use quartet::contract::Refused::BadCall;
    let good = Expected::signedIntegersCall {
        a: -1,
        b: 0,
        c: 0,
        d: 0,
        e: 0,
        f: I256::ZERO,
    }
    .abi_encode();
    assert!(Contract::call(&good).is_ok());
    assert_eq!(Contract::call(&[]), Err(BadCall));
    assert_eq!(Contract::call(&good[..3]), Err(BadCall), "no selector");
    assert_eq!(
        Contract::call(&[&[0; 4], &good[4..]].concat()),
        Err(BadCall),
        "no such function"
    );
    assert_eq!(
        Contract::call(&good[..good.len() - 1]),
        Err(BadCall),
        "too short"
    );
    let mut dirty = good.clone();
    dirty[4] = 0;
    assert_eq!(
        Contract::call(&dirty),
        Err(BadCall),
        "not the sign extension of an int8"
    );
    assert_eq!(
        Contract::init(&[0; 32]),
        Err(BadCall),
        "there is no #[init] with arguments"
    );
    assert_eq!(
        Contract::compute(2, &[]),
        Err(BadCall),
        "there are two computations"
    );
    assert_eq!(Contract::attested(0, 0, &[]), Err(BadCall));
}

#[test]
fn errors() {
    let (by, amount) = (Address::repeat_byte(1), U256::from(2));
    let named = Refusal::Named {
        by,
        how_much: amount,
    };
    assert_eq!(
        named.encode(),
        Expected::Named {
            by,
            howMuch: amount
        }
        .abi_encode()
    );
    let tuple = Refusal::Tuple(point(3), true);
    assert_eq!(
        tuple.encode(),
        Expected::Tuple {
            a: sol_point(3),
            b: true
        }
        .abi_encode()
    );
    assert_eq!(Refusal::Plain.encode(), Expected::Plain {}.abi_encode());
    for error in [named, tuple, Refusal::Plain] {
        assert_eq!(Refusal::decode(&error.encode()), Some(error));
    }
    let four = vec![[point(1), point(2)], [point(3), point(4)]];
    let refused = world().view(&calls::structs(point(9), four, false));
    assert_eq!(refused, Err(Refusal::Tuple(point(9), true)));
}

#[test]
fn text_errors_are_those_of_require() {
    let error = quartet::Message::from("too late");
    let expected = alloy_sol_types::Revert::from("too late").abi_encode();
    assert_eq!(error.encode(), expected);
    assert_eq!(quartet::Message::decode(&expected), Some(error));
}

#[test]
fn events() {
    let who = Address::repeat_byte(3);
    let event = Everything {
        points: vec![point(1)],
        who_else: who,
        amount: 5,
        signed: -2,
        ok: true,
    };
    let expected = Expected::Everything {
        points: vec![sol_point(1)],
        whoElse: who,
        amount: 5,
        signed: -2,
        ok: true,
    }
    .encode_log_data();
    let (topics, data) = event.encode();
    assert_eq!(
        (topics.as_slice(), data.as_slice()),
        (expected.topics(), expected.data.as_ref())
    );
    assert_eq!(Everything::decode(&topics, &data), Some(event));
    assert_eq!(Everything::decode(&topics[1..], &data), None);
    assert_eq!(
        Empty.encode(),
        (vec![Expected::Empty::SIGNATURE_HASH], vec![])
    );
}

#[test]
fn description_is_an_abi_for_others() {
    let world = world();
    let description = world.description();
    let abi: JsonAbi = serde_json::from_value(description.abi.clone()).unwrap();
    assert!(abi.constructor.is_some());
    for (name, selector, mutability) in [
        (
            "integers",
            Expected::integersCall::SELECTOR,
            StateMutability::NonPayable,
        ),
        (
            "signedIntegers",
            Expected::signedIntegersCall::SELECTOR,
            StateMutability::View,
        ),
        (
            "bytesAndText",
            Expected::bytesAndTextCall::SELECTOR,
            StateMutability::View,
        ),
        (
            "structs",
            Expected::structsCall::SELECTOR,
            StateMutability::View,
        ),
        (
            "context",
            Expected::contextCall::SELECTOR,
            StateMutability::View,
        ),
        (
            "bid",
            Expected::bidCall::SELECTOR,
            StateMutability::NonPayable,
        ),
    ] {
        let function = &abi.function(name).unwrap()[0];
        assert_eq!(function.selector(), selector, "{name}");
        assert_eq!(function.state_mutability, mutability, "{name}");
    }
    let structs = &abi.function("structs").unwrap()[0];
    assert_eq!(structs.inputs[1].name, "manyPoints");
    assert_eq!(structs.inputs[1].ty, "tuple[2][]");
    assert_eq!(structs.inputs[1].components[0].name, "xValue");
    assert_eq!(structs.inputs[2].name, "flag");
    assert_eq!(structs.outputs[0].ty, "tuple[]");
    assert_eq!(
        abi.event("Everything").unwrap()[0].selector(),
        Expected::Everything::SIGNATURE_HASH
    );
    let indexed: Vec<_> = abi.event("Everything").unwrap()[0]
        .inputs
        .iter()
        .map(|i| i.indexed)
        .collect();
    assert_eq!(indexed, [false, true, false, true, true]);
    assert_eq!(
        abi.error("Tuple").unwrap()[0].selector(),
        Expected::Tuple::SELECTOR
    );

    let fields = |number: usize| {
        let fields = description.inputs[number].fields.iter();
        fields
            .map(|field| (field.name.as_str(), field.kind, field.len))
            .collect::<Vec<_>>()
    };
    use wire::kind::Kind;
    let bid = [
        ("price", Kind::U64, 1),
        ("flags", Kind::Bool, 3),
        ("delta", Kind::I128, 1),
    ];
    assert_eq!(fields(0), bid);
    assert_eq!(fields(1), [("price", Kind::U64, 1)]);
    let inputs: Vec<_> = description
        .input_functions
        .iter()
        .map(|f| (f.name.as_str(), f.input))
        .collect();
    assert_eq!(inputs, [("bid", 0), ("ask", 1)]);
    let computations: Vec<_> = description
        .computations
        .iter()
        .map(|c| (c.name.as_str(), c.inputs.as_slice(), c.output.as_str()))
        .collect();
    let both = ("both", [0, 1].as_slice(), "((bool[2])[2],int128)");
    assert_eq!(computations, [both, ("asks", &[1], "uint64")]);
}

#[test]
fn two_input_types_and_nested_structs_are_computed() {
    let mut world = world();
    let bid = Bid::plain(10, [true, false, true], -7);
    world
        .input(user("a"), &calls::bid(Address::ZERO, String::new(), &bid))
        .unwrap();
    world.input(user("b"), &calls::ask(&Ask::plain(4))).unwrap();
    let started = world.call(user("c"), &calls::open_both()).unwrap();
    let inner = |flag: bool| Inner {
        flags: [flag, !flag],
    };
    assert_eq!(
        world.run(started),
        Outer {
            inner: [inner(true), inner(false)],
            sum: -1
        }
    );
    assert_eq!(world.events::<Everything>()[0].amount, u128::MAX);
}
