//! Enums, options and what nests in them: on the ABI and in the state.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a helper that fails is a test that fails; enums of Solidity have no comments"
)]

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolEvent, SolValue, sol};
use contract_testing::{World, user};
use quartet::{Contract as _, Event as _, contract::Refused};

/// A contract of enums and options.
#[quartet::contract]
mod orders {
    use quartet::prelude::*;

    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, AbiType)]
    pub enum Side {
        #[default]
        Buy,
        Sell,
        BuyToCover,
    }

    #[derive(Clone, Debug, PartialEq, Eq, AbiType)]
    pub struct Order {
        pub side: Side,
        pub limit: Option<i64>,
        pub note: Option<String>,
        pub legs: Vec<Leg>,
    }

    #[derive(Clone, Debug, PartialEq, Eq, AbiType)]
    pub struct Leg {
        pub venue: Option<Address>,
        pub sizes: [U256; 2],
    }

    #[state]
    pub struct Orders {
        last: Item<Order>,
        side: Side,
        by_side: Map<Side, u32>,
        best: Option<Time>,
    }

    #[event]
    pub struct Placed {
        #[indexed]
        pub side: Side,
        pub limit: Option<i64>,
    }

    #[action]
    fn place(s: &mut Orders, order: Order, more: Option<Vec<Order>>) -> (Option<Order>, u32) {
        let before = s.last.get();
        s.side = order.side;
        s.best = order.limit.map(|limit| limit as u64);
        s.by_side.insert(&order.side, &7);
        Placed {
            side: order.side,
            limit: order.limit,
        }
        .emit();
        s.last.set(&order);
        (before, more.map_or(u32::MAX, |more| more.len() as u32))
    }

    #[view]
    fn sides(s: &Orders, all: [Side; 3]) -> (Side, Vec<Side>, Option<Time>, Option<Side>) {
        (s.side, s.by_side.keys().chain(all).collect(), s.best, None)
    }
}

use orders::{Contract, Leg, Order, Placed, Side, calls};

sol! {
    #[derive(Debug, PartialEq, Eq)]
    enum SolSide { Buy, Sell, BuyToCover }
    #[derive(Debug, PartialEq, Eq)]
    struct MaybeInt64 { bool isSome; int64 value; }
    #[derive(Debug, PartialEq, Eq)]
    struct MaybeString { bool isSome; string value; }
    #[derive(Debug, PartialEq, Eq)]
    struct MaybeAddress { bool isSome; address value; }
    #[derive(Debug, PartialEq, Eq)]
    struct SolLeg { MaybeAddress venue; uint256[2] sizes; }
    #[derive(Debug, PartialEq, Eq)]
    struct SolOrder { SolSide side; MaybeInt64 limit; MaybeString note; SolLeg[] legs; }
    #[derive(Debug, PartialEq, Eq)]
    struct MaybeOrder { bool isSome; SolOrder value; }
    #[derive(Debug, PartialEq, Eq)]
    struct MaybeOrders { bool isSome; SolOrder[] value; }

    contract Expected {
        event Placed(SolSide indexed side, MaybeInt64 limit);
        function place(SolOrder order, MaybeOrders more) external returns (MaybeOrder before, uint32 count);
    }
}

fn order(side: Side, limit: Option<i64>) -> Order {
    Order {
        side,
        limit,
        note: limit.map(|limit| format!("{limit}").repeat(20)),
        legs: vec![
            Leg {
                venue: Some(Address::repeat_byte(7)),
                sizes: [U256::from(1), U256::MAX],
            },
            Leg {
                venue: None,
                sizes: [U256::ZERO; 2],
            },
        ],
    }
}

fn sol_order(order: &Order) -> SolOrder {
    SolOrder {
        side: match order.side {
            Side::Buy => SolSide::Buy,
            Side::Sell => SolSide::Sell,
            Side::BuyToCover => SolSide::BuyToCover,
        },
        limit: MaybeInt64 {
            isSome: order.limit.is_some(),
            value: order.limit.unwrap_or(0),
        },
        note: MaybeString {
            isSome: order.note.is_some(),
            value: order.note.clone().unwrap_or_default(),
        },
        legs: order
            .legs
            .iter()
            .map(|leg| SolLeg {
                venue: MaybeAddress {
                    isSome: leg.venue.is_some(),
                    value: leg.venue.unwrap_or(Address::ZERO),
                },
                sizes: leg.sizes,
            })
            .collect(),
    }
}

fn world() -> World<Contract> {
    let Ok(world) = World::deploy(7, user("deployer"), &calls::deploy());
    world
}

#[test]
fn arguments_and_results_are_encoded_as_by_alloy() {
    let mut world = world();
    let (first, second) = (
        order(Side::BuyToCover, None),
        order(Side::Sell, Some(i64::MIN)),
    );
    for (call, placed, more, expected) in [
        (
            calls::place(first.clone(), None),
            &first,
            vec![],
            (None, u32::MAX),
        ),
        (
            calls::place(second.clone(), Some(vec![first.clone(), second.clone()])),
            &second,
            vec![&first, &second],
            (Some(first.clone()), 2),
        ),
    ] {
        let data = Expected::placeCall {
            order: sol_order(placed),
            more: MaybeOrders {
                isSome: !more.is_empty(),
                value: more.into_iter().map(sol_order).collect(),
            },
        };
        assert_eq!(call.data(), &data.abi_encode());
        assert_eq!(call.data()[..4], Expected::placeCall::SELECTOR);
        let before = MaybeOrder {
            isSome: expected.0.is_some(),
            value: sol_order(expected.0.as_ref().unwrap_or(&Order {
                side: Side::Buy,
                limit: None,
                note: None,
                legs: vec![],
            })),
        };
        let output = (before, expected.1).abi_encode_params();
        assert_eq!(call.decode_output(&output), Some(expected.clone()));
        assert_eq!(world.call(user("a"), &call), Ok(expected));
    }
    let view = calls::sides([Side::Buy, Side::Sell, Side::Sell]);
    let sides = vec![
        Side::Sell,
        Side::BuyToCover,
        Side::Buy,
        Side::Sell,
        Side::Sell,
    ];
    let best = Some(i64::MIN as u64);
    assert_eq!(world.view(&view), Ok((Side::Sell, sides, best, None)));
}

#[test]
fn a_number_that_is_no_variant_is_a_bad_call() {
    let call = calls::sides([Side::Buy, Side::Sell, Side::BuyToCover]);
    let mut data = call.data().to_vec();
    assert_eq!(data[4 + 95], 2);
    data[4 + 95] = 3;
    assert_eq!(Contract::call(&data), Err(Refused::BadCall));
    data[4 + 95] = 2;
    data[4] = 1;
    assert_eq!(Contract::call(&data), Err(Refused::BadCall));
}

#[test]
fn an_event_has_an_enum_as_a_topic() {
    let event = Placed {
        side: Side::Sell,
        limit: Some(-1),
    };
    let expected = Expected::Placed {
        side: SolSide::Sell,
        limit: MaybeInt64 {
            isSome: true,
            value: -1,
        },
    }
    .encode_log_data();
    let (topics, data) = event.encode();
    assert_eq!(topics, expected.topics());
    assert_eq!(data, expected.data);
    assert_eq!(Placed::decode(&topics, &data), Some(event));
    let mut wrong = topics;
    wrong[1].0[31] = 3;
    assert_eq!(Placed::decode(&wrong, &data), None);
}

#[test]
fn the_description_names_what_is_inside() {
    let abi: JsonAbi = serde_json::from_value(world().description().abi.clone()).unwrap();
    let place = &abi.function("place").unwrap()[0];
    assert_eq!(place.selector(), Expected::placeCall::SELECTOR);
    let order = &place.inputs[0].components;
    let types: Vec<_> = order
        .iter()
        .map(|part| (part.name.as_str(), part.ty.as_str()))
        .collect();
    let expected = [
        ("side", "uint8"),
        ("limit", "tuple"),
        ("note", "tuple"),
        ("legs", "tuple[]"),
    ];
    assert_eq!(types, expected);
    let limit = &order[1].components;
    assert_eq!(
        (limit[0].name.as_str(), limit[0].ty.as_str()),
        ("isSome", "bool")
    );
    assert_eq!(
        (limit[1].name.as_str(), limit[1].ty.as_str()),
        ("value", "int64")
    );
    let venue = &order[3].components[0];
    assert_eq!(venue.components[1].ty, "address");
}
