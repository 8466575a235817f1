//! Who may call: `only`.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::{SolError, sol};
use contract_testing::{World, user};
use quartet::{Denied, Message, contract::ContractError};

/// A contract with every kind of field that says who may call.
#[quartet::contract]
mod club {
    use quartet::prelude::*;

    #[state]
    pub struct Club {
        owner: Address,
        deputy: Option<Address>,
        guest: Item<Address>,
        board: Vec<Address>,
        members: Set<Address>,
        judges: Map<Address, bool>,
        count: u64,
    }

    #[derive(SecretInput)]
    pub struct Vote {
        pub yes: Secret<bool>,
    }

    #[init]
    fn found(s: &mut Club, ctx: &Ctx) {
        s.owner = ctx.sender;
    }

    #[action(only = owner)]
    fn admit(s: &mut Club, who: Address, full: bool) -> Result<u64> {
        s.members.insert(&who);
        s.judges.insert(&who, &full);
        s.board = vec![who];
        s.deputy = full.then_some(who);
        s.guest.set(&who);
        s.count += 1;
        ensure!(s.count < 4, "the club is full");
        Ok(s.count)
    }

    #[action(only = deputy)]
    fn as_deputy(s: &mut Club) -> u64 {
        s.count
    }

    #[action(only = guest)]
    fn as_guest(_s: &mut Club) {}

    #[action(only = board)]
    fn on_board(_s: &mut Club) {}

    #[action(only = members)]
    fn as_member(_s: &mut Club) {}

    #[action(only = judges)]
    fn as_judge(_s: &mut Club) {}

    #[input(only = members)]
    fn vote(s: &mut Club, _vote: Sealed<Vote>) {
        s.count += 1;
    }

    #[view]
    fn count(s: &Club) -> u64 {
        s.count
    }
}

use club::{Contract, Vote, calls};

sol! {
    error Unauthorized(address sender);
}

#[test]
fn only_whom_a_field_names_may_call() {
    let (ada, ben, eve) = (user("ada"), user("ben"), user("eve"));
    let Ok(mut club) = World::<Contract>::deploy(9, ada, &calls::found());
    let refused = club.call(eve, &calls::admit(eve, true));
    assert_eq!(refused, Err(Denied::Unauthorized(eve)));
    assert_eq!(club.view(&calls::count()), Ok(0), "nothing has changed");
    assert!(
        club.call(eve, &calls::as_deputy()).is_err(),
        "there is none"
    );
    assert!(club.call(eve, &calls::as_guest()).is_err(), "there is none");

    assert_eq!(club.call(ada, &calls::admit(ben, true)), Ok(1));
    for (who, allowed) in [(ben, true), (ada, false), (eve, false)] {
        let denied = Err(Denied::Unauthorized(who));
        let expected = if allowed { Ok(()) } else { denied };
        assert_eq!(club.call(who, &calls::as_deputy()).map(|_| ()), expected);
        assert_eq!(club.call(who, &calls::as_guest()), expected);
        assert_eq!(club.call(who, &calls::on_board()), expected);
        assert_eq!(club.call(who, &calls::as_member()), expected);
        assert_eq!(club.call(who, &calls::as_judge()), expected);
        let vote = calls::vote(&Vote::plain(true));
        assert_eq!(club.input(who, &vote), expected);
    }
    // A judge of whom the map says false is none.
    assert_eq!(club.call(ada, &calls::admit(ben, false)), Ok(3));
    let refused = club.call(ben, &calls::as_judge());
    assert_eq!(refused, Err(Denied::Unauthorized(ben)));

    let full = club.call(ada, &calls::admit(eve, true));
    assert_eq!(
        full,
        Err(Denied::Refused(Message::from("the club is full")))
    );
}

#[test]
fn the_error_is_one_of_solidity_and_of_the_description() {
    let eve = user("eve");
    let error = Denied::<Message>::Unauthorized(eve);
    let expected = Unauthorized { sender: eve }.abi_encode();
    assert_eq!(error.encode(), expected);
    assert_eq!(Denied::<Message>::decode(&expected), Some(error));
    let own = Denied::Refused(Message::from("no"));
    assert_eq!(own.encode(), Message::from("no").encode());
    assert_eq!(Denied::<Message>::decode(&own.encode()), Some(own));
    assert_eq!(Denied::<Message>::decode(&expected[..35]), None);

    let Ok(club) = World::<Contract>::deploy(9, eve, &calls::found());
    let abi: JsonAbi = serde_json::from_value(club.description().abi.clone()).unwrap();
    let errors = abi.error("Unauthorized").unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].selector(), Unauthorized::SELECTOR);
}
