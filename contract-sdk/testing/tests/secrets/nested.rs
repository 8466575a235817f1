//! Structs of secrets within structs of secrets.

use contract_testing::{World, user};
use serde_json::json;

/// A contract that adds up what bids say.
#[quartet::contract]
mod auction {
    use quartet::prelude::*;

    #[state]
    pub struct Nothing {}

    #[derive(SecretInput)]
    pub struct Bid {
        pub price: Secret<u16>,
        pub terms: Terms,
        pub firm: Secret<bool>,
    }

    #[derive(SecretInput)]
    pub struct Terms {
        pub days: Secret<u8>,
        pub parts: [Part; 2],
        pub grid: [[Secret<u8>; 2]; 3],
    }

    #[derive(SecretInput)]
    pub struct Part {
        pub size: Secret<u32>,
        pub code: [Secret<u8>; 2],
    }

    /// An input of its own, and a part of none.
    #[derive(SecretInput)]
    pub struct Offer {
        pub part: Part,
    }

    #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
    pub struct Sums {
        pub price: u16,
        pub days: u8,
        pub firm: u64,
        pub sizes: [u32; 2],
        pub codes: [[u8; 2]; 2],
        pub grid: [[u8; 2]; 3],
        pub last_code: u8,
        pub last_day: u8,
        pub offered: u32,
    }

    #[input]
    fn give(_s: &mut Nothing, _bid: Sealed<Bid>) {}

    #[input]
    fn offer(_s: &mut Nothing, _offer: Sealed<Offer>) {}

    #[action]
    fn compute(_s: &mut Nothing) -> Start<sums> {
        Start::with_context(B256::ZERO)
    }

    #[compute]
    fn sums(bids: SecretVec<Bid>, offers: SecretVec<Offer>) -> Secret<Sums> {
        let last = bids.at(bids.len() - 1);
        let terms = bids.terms;
        Sums::secret(
            bids.price.sum(),
            terms.days.sum(),
            bids.firm.count(),
            terms.parts.map(|part| part.size.sum()),
            terms.parts.map(|part| part.code.map(SecretVec::sum)),
            terms.grid.map(|row| row.map(SecretVec::sum)),
            last.terms.parts[1].code[0],
            last.terms.days,
            offers.part.size.sum(),
        )
    }
}

use auction::{Bid, Contract, Offer, Part, Sums, Terms, calls};

#[test]
fn parts_of_inputs_keep_their_places() {
    let Ok(mut world) = World::deploy(0, user("d"), &calls::deploy());
    for bid in [1_u8, 2, 3] {
        let part = |size| Part::plain(u32::from(size) << 16, [size, size + 100]);
        let terms = Terms::plain(
            bid,
            [part(10 * bid), part(20 * bid)],
            [[bid, 0], [0, 2 * bid], [3 * bid, 1]],
        );
        let bid = Bid::plain(1_000 * u16::from(bid), terms, bid == 2);
        world.input(user("ada"), &calls::give(&bid)).unwrap();
    }
    let offer = Offer::plain(Part::plain(7, [0, 0]));
    world.input(user("ben"), &calls::offer(&offer)).unwrap();
    let started = world.call(user("d"), &calls::compute()).unwrap();
    let expected = Sums {
        price: 6_000,
        days: 6,
        firm: 1,
        sizes: [60 << 16, 120 << 16],
        codes: [[60, 104], [120, 164]],
        grid: [[6, 0], [0, 12], [18, 3]],
        last_code: 60,
        last_day: 3,
        offered: 7,
    };
    assert_eq!(world.run(started), expected);
}

#[test]
fn the_description_has_one_field_for_each_secret() {
    let Ok(world) = World::<Contract>::deploy(0, user("d"), &calls::deploy());
    let inputs = serde_json::to_value(&world.description().inputs).unwrap();
    let part = |name: &str, kind, len| json!({"name": name, "kind": kind, "len": len});
    let expected = json!([
        {"name": "Bid", "fields": [
            part("price", "u16", 1),
            part("terms.days", "u8", 1),
            part("terms.parts.size", "u32", 2),
            part("terms.parts.code", "u8", 4),
            part("terms.grid", "u8", 6),
            part("firm", "bool", 1),
        ]},
        {"name": "Offer", "fields": [part("part.size", "u32", 1), part("part.code", "u8", 2)]},
    ]);
    assert_eq!(inputs, expected, "parts are no input types of their own");
}
