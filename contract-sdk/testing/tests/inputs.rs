//! Which inputs a computation reads, and what it sees of them in public.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use contract_testing::{World, user};
use lots::{Bid, calls};
use quartet::{Contract as _, Fault, InputId, alloy_primitives::Address};

#[quartet::contract]
mod lots {
    use quartet::prelude::*;

    #[state]
    pub struct Lots {
        last: Map<Address, InputId>,
        refused: u32,
    }

    #[derive(SecretInput)]
    pub struct Bid {
        pub price: Secret<u64>,
    }

    /// Emitted with every bid that counts.
    #[event]
    pub struct BidPlaced {
        #[indexed]
        pub id: InputId,
    }

    #[input]
    fn bid(s: &mut Lots, ctx: &Ctx, lot: u64, weight: u64, last: bool, bid: Sealed<Bid>) {
        bid.set_group(lot);
        bid.set_tag(weight);
        if last {
            bid.replace();
        }
        s.last.insert(&ctx.sender, &bid.id());
        BidPlaced { id: bid.id() }.emit();
    }

    #[action]
    fn sum_all(_s: &mut Lots) -> Start<sum> {
        Start::new()
    }

    #[action]
    fn sum_lot(_s: &mut Lots, lot: u64) -> Start<sum> {
        Start::new().group(lot).context(B256::repeat_byte(4))
    }

    #[action]
    fn sum_some(_s: &mut Lots, ids: Vec<InputId>) -> Start<sum> {
        Start::new().inputs(&ids)
    }

    #[compute]
    fn sum(bids: SecretVec<Bid>) -> Secret<u64> {
        bids.price.sum()
    }

    #[action]
    fn weigh(_s: &mut Lots, lot: u64, factor: u64, only: Vec<Address>) -> Start<weighted> {
        Start::with((factor, only)).group(lot)
    }

    /// The weighted sum of the prices of some bidders, times a factor.
    #[compute]
    fn weighted(bids: SecretVec<Bid>, factor: u64, only: Vec<Address>) -> Secret<u64> {
        let rows = bids.owners().into_iter().zip(bids.tags());
        let chosen = rows
            .enumerate()
            .filter(|(_, (owner, _))| only.contains(owner));
        chosen
            .map(|(place, (_, weight))| bids.at(place).price * (weight * factor))
            .sum()
    }

    #[action]
    fn average_lot(_s: &mut Lots, lot: u64, erase: bool) -> Start<average> {
        let start = Start::new().group(lot);
        if erase { start.delete_after() } else { start }
    }

    #[action]
    fn average_some(_s: &mut Lots, ids: Vec<InputId>) -> Start<average> {
        Start::new().inputs(&ids)
    }

    #[compute(min_inputs = 3)]
    fn average(bids: SecretVec<Bid>) -> Secret<u64> {
        bids.price.sum()
    }

    #[failed(average)]
    fn refused(s: &mut Lots, fault: Fault) {
        s.refused = fault as u32;
    }

    #[action]
    fn cancel(_s: &mut Lots, lot: u64) {
        delete_group::<Bid>(lot);
    }

    #[action]
    fn withdraw(_s: &mut Lots, ids: Vec<InputId>) {
        delete_inputs(&ids);
    }

    #[action]
    fn cancel_and_sum(_s: &mut Lots, lot: u64) -> Start<sum> {
        delete_group::<Bid>(lot);
        Start::new()
    }

    #[view]
    fn refusal(s: &Lots) -> u32 {
        s.refused
    }

    #[view]
    fn last_of(s: &Lots, who: Address) -> InputId {
        s.last.get(&who).unwrap_or(InputId(u64::MAX))
    }
}

fn world() -> World<lots::Contract> {
    World::deploy(100, user("host"), &calls::deploy()).unwrap()
}

fn bid(world: &mut World<lots::Contract>, who: &str, lot: u64, price: u64, last: bool) {
    let call = calls::bid(lot, price % 10, last, &Bid::plain(price));
    world.input(user(who), &call).unwrap();
}

#[test]
fn a_computation_reads_one_group_all_or_those_that_are_named() {
    let mut world = world();
    for (place, lot) in [7, 0, 7, 3].into_iter().enumerate() {
        bid(&mut world, "ada", lot, 10_u64.pow(place as u32), false);
    }
    let all = world.call(user("ben"), &calls::sum_all()).unwrap();
    let seven = world.call(user("ben"), &calls::sum_lot(7)).unwrap();
    let none = world.call(user("ben"), &calls::sum_lot(8)).unwrap();
    // In any order, and more than once.
    let some = calls::sum_some(vec![InputId(3), InputId(0), InputId(3)]);
    let some = world.call(user("ben"), &some).unwrap();
    assert_eq!(world.run(all), 1_111);
    assert_eq!(world.run(seven), 101);
    assert_eq!(world.run(none), 0);
    assert_eq!(world.run(some), 1_001);
    assert_eq!(world.context_of(seven), [4; 32]);
}

#[test]
#[should_panic(expected = "input 1 is no accepted input")]
fn inputs_that_do_not_count_cannot_be_named() {
    let mut world = world();
    bid(&mut world, "ada", 0, 1, false);
    let rejected = calls::bid(0, 0, false, &Bid::plain(2));
    let rejected = world.order(user("ben"), &rejected).unwrap();
    world.reject(rejected);
    let _ = world.call(user("ben"), &calls::sum_some(vec![InputId(1)]));
}

#[test]
fn the_last_input_of_an_owner_counts_where_it_replaces() {
    let mut world = world();
    bid(&mut world, "ada", 0, 1, true);
    bid(&mut world, "ada", 1, 20, true);
    bid(&mut world, "ben", 0, 300, true);
    let before = world.call(user("ben"), &calls::sum_all()).unwrap();
    bid(&mut world, "ada", 0, 4_000, true);
    bid(&mut world, "ada", 0, 50_000, false);
    let after = world.call(user("ben"), &calls::sum_all()).unwrap();
    bid(&mut world, "ada", 0, 600_000, true);
    let last = world.call(user("ben"), &calls::sum_all()).unwrap();
    // What has started reads what counted then.
    assert_eq!(world.run(before), 321);
    assert_eq!(world.run(after), 54_320);
    assert_eq!(world.run(last), 600_320);
}

#[test]
fn an_input_that_is_accepted_late_replaces_by_its_place_in_the_order() {
    let mut world = world();
    bid(&mut world, "ada", 0, 1, true);
    let second = calls::bid(0, 0, true, &Bid::plain(20));
    let second = world.order(user("ada"), &second).unwrap();
    let started = world.call(user("ben"), &calls::sum_all()).unwrap();
    world.accept(second).unwrap();
    assert_eq!(world.run(started), 20);
}

#[test]
fn computations_see_owners_tags_and_their_arguments() {
    let mut world = world();
    for (who, price) in [("ada", 12), ("ben", 23), ("eva", 34), ("ada", 45)] {
        bid(&mut world, who, 2, price, false);
    }
    let call = calls::weigh(2, 10, vec![user("ada"), user("eva")]);
    let started = world.call(user("ben"), &call).unwrap();
    assert_eq!(world.run(started), 10 * (12 * 2 + 34 * 4 + 45 * 5));
    let nobody = world
        .call(user("ben"), &calls::weigh(2, 10, vec![]))
        .unwrap();
    assert_eq!(world.run(nobody), 0);
}

#[test]
fn contracts_name_inputs_in_events_and_state() {
    let mut world = world();
    bid(&mut world, "ada", 0, 1, false);
    bid(&mut world, "ben", 0, 1, false);
    let placed: Vec<lots::BidPlaced> = world.events();
    let ids: Vec<_> = placed.into_iter().map(|event| event.id).collect();
    assert_eq!(ids, [InputId(0), InputId(1)]);
    let last = |who: Address| world.view(&calls::last_of(who)).unwrap();
    assert_eq!(last(user("ben")), InputId(1));
    assert_eq!(last(user("eva")), InputId(u64::MAX));
}

#[test]
fn the_description_tells_the_arguments_of_computations() {
    let description: serde_json::Value = serde_json::from_str(&lots::Contract::describe()).unwrap();
    let [sum, weighted, average] = [0, 1, 2].map(|n| &description["computations"][n]);
    assert!(sum.get("params").is_none() && sum.get("min_inputs").is_none());
    assert_eq!(average["min_inputs"], 3);
    let expected = serde_json::json!([
        {"name": "factor", "type": "uint64"},
        {"name": "only", "type": "address[]"},
    ]);
    assert_eq!(weighted["params"], expected);
    serde_json::from_value::<wire::contract::Description>(description).unwrap();
}

#[test]
fn a_computation_has_a_least_number_of_inputs() {
    let mut world = world();
    bid(&mut world, "ada", 1, 1, false);
    bid(&mut world, "ben", 1, 20, false);
    bid(&mut world, "eva", 2, 300, false);
    let few = world
        .call(user("eva"), &calls::average_lot(1, false))
        .unwrap();
    assert_eq!(world.try_run(few), Err(Fault::TooFewInputs));
    assert_eq!(
        world.view(&calls::refusal()),
        Ok(Fault::TooFewInputs as u32)
    );
    bid(&mut world, "eva", 1, 4_000, false);
    let enough = world
        .call(user("eva"), &calls::average_lot(1, false))
        .unwrap();
    assert_eq!(world.run(enough), 4_021);
}

#[test]
fn sets_that_are_opened_are_far_apart() {
    let mut world = world();
    for place in 0..6 {
        bid(&mut world, "ada", 0, 10_u64.pow(place), false);
    }
    let mut average = |ids: &[u64]| {
        let ids = ids.iter().copied().map(InputId).collect();
        let started = world.call(user("eva"), &calls::average_some(ids)).unwrap();
        world.try_run(started)
    };
    assert_eq!(average(&[0, 1, 2]), Ok(111));
    assert_eq!(average(&[0, 1, 2]), Ok(111));
    assert_eq!(average(&[0, 1, 2, 3]), Err(Fault::TooClose));
    assert_eq!(average(&[0, 1, 3]), Err(Fault::TooClose));
    assert_eq!(average(&[0, 3, 4]), Ok(11_001));
    assert_eq!(
        average(&[0, 1, 2, 3, 4]),
        Err(Fault::TooClose),
        "to the last"
    );
    assert_eq!(average(&[0, 1, 2, 3, 4, 5]), Ok(111_111));
}

#[test]
fn what_is_deleted_counts_no_more() {
    let mut world = world();
    for (place, lot) in [1, 1, 2, 3].into_iter().enumerate() {
        bid(&mut world, "ada", lot, 10_u64.pow(place as u32), false);
    }
    let before = world.call(user("eva"), &calls::sum_all()).unwrap();
    world.call(user("eva"), &calls::cancel(1)).unwrap();
    let after = world.call(user("eva"), &calls::sum_all()).unwrap();
    // What does not count is passed over.
    let ids = vec![InputId(3), InputId(0), InputId(77)];
    world.call(user("eva"), &calls::withdraw(ids)).unwrap();
    let last = world.call(user("eva"), &calls::sum_all()).unwrap();
    let none = world.call(user("eva"), &calls::cancel_and_sum(2)).unwrap();
    assert_eq!(world.run(before), 1_111);
    assert_eq!(world.run(after), 1_100);
    assert_eq!(world.run(last), 100);
    assert_eq!(world.run(none), 0);
}

#[test]
fn a_computation_deletes_its_inputs_when_it_has_ended() {
    let mut world = world();
    for place in 0..3 {
        bid(&mut world, "ada", 1, 10_u64.pow(place), false);
    }
    bid(&mut world, "ada", 2, 1_000, false);
    let started = world
        .call(user("eva"), &calls::average_lot(1, true))
        .unwrap();
    let meanwhile = world.call(user("eva"), &calls::sum_all()).unwrap();
    assert_eq!(world.run(started), 111);
    let after = world.call(user("eva"), &calls::sum_all()).unwrap();
    assert_eq!(world.run(meanwhile), 1_111);
    assert_eq!(world.run(after), 1_000);
    // If it fails they stay.
    let fails = world
        .call(user("eva"), &calls::average_lot(2, true))
        .unwrap();
    assert_eq!(world.try_run(fails), Err(Fault::TooFewInputs));
    let after = world.call(user("eva"), &calls::sum_all()).unwrap();
    assert_eq!(world.run(after), 1_000);
}

#[test]
#[should_panic(expected = "input 0 is no accepted input")]
fn deleted_inputs_cannot_be_named() {
    let mut world = world();
    bid(&mut world, "ada", 1, 1, false);
    world.call(user("eva"), &calls::cancel(1)).unwrap();
    let _ = world.call(user("eva"), &calls::sum_some(vec![InputId(0)]));
}
