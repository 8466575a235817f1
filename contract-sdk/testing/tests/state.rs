//! Public state: what is kept, under which keys, and what an error drops.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use contract_testing::{World, user};
use quartet::Message;

/// A contract that keeps one of everything.
#[quartet::contract]
mod keeper {
    use quartet::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, AbiType)]
    pub struct Note {
        pub text: String,
        pub at: Time,
    }

    #[state]
    pub struct Shelf {
        count: u64,
        names: Vec<String>,
        last: Item<Note>,
        notes: Map<(Address, u32), Note>,
        other: Map<u32, bool>,
    }

    #[init]
    fn open(s: &mut Shelf, first: u64) -> Result<()> {
        ensure!(first < 100, "too many to start with");
        s.count = first;
        Ok(())
    }

    #[action]
    fn put(s: &mut Shelf, ctx: &Ctx, place: u32, text: String) -> Result<u64> {
        let note = Note {
            text: text.clone(),
            at: ctx.time,
        };
        s.notes.insert(&(ctx.sender, place), &note);
        s.last.set(&note);
        s.names.push(text);
        s.count += 1;
        s.other.insert(&place, &true);
        ensure!(place != 13, Message(format!("not at {place}")));
        Ok(s.count)
    }

    #[action]
    fn forget(s: &mut Shelf, ctx: &Ctx, place: u32) {
        s.notes.remove(&(ctx.sender, place));
        s.last.clear();
    }

    #[view]
    fn note(s: &Shelf, of: Address, place: u32) -> Result<Note> {
        s.notes.get(&(of, place)).ok_or(Message::from("no note"))
    }

    #[view]
    fn last(s: &Shelf) -> Vec<Note> {
        s.last.get().into_iter().collect()
    }

    #[view]
    fn summary(s: &Shelf, place: u32) -> (u64, Vec<String>, bool) {
        (s.count, s.names.clone(), s.other.contains(&place))
    }
}

use keeper::{Contract, Note, calls};

fn world() -> World<Contract> {
    World::deploy(50, user("opener"), &calls::open(5)).unwrap()
}

fn note(text: &str, at: u64) -> Note {
    Note {
        text: text.into(),
        at,
    }
}

#[test]
fn values_are_kept() {
    let mut world = world();
    assert_eq!(world.view(&calls::last()), Ok(vec![]));
    assert_eq!(world.call(user("ada"), &calls::put(1, "one".into())), Ok(6));
    world.set_time(60);
    assert_eq!(world.call(user("ben"), &calls::put(1, "uno".into())), Ok(7));
    assert_eq!(
        world.view(&calls::note(user("ada"), 1)),
        Ok(note("one", 50))
    );
    assert_eq!(
        world.view(&calls::note(user("ben"), 1)),
        Ok(note("uno", 60))
    );
    assert_eq!(
        world.view(&calls::note(user("ada"), 2)),
        Err(Message::from("no note"))
    );
    assert_eq!(world.view(&calls::last()), Ok(vec![note("uno", 60)]));
    assert_eq!(
        world.view(&calls::summary(1)),
        Ok((7, vec!["one".into(), "uno".into()], true))
    );
    assert!(!world.view(&calls::summary(256)).unwrap().2);

    world.call(user("ada"), &calls::forget(1)).unwrap();
    assert!(world.view(&calls::note(user("ada"), 1)).is_err());
    assert!(world.view(&calls::note(user("ben"), 1)).is_ok());
    assert_eq!(world.view(&calls::last()), Ok(vec![]));
}

#[test]
fn an_error_drops_every_write() {
    let mut world = world();
    let refused = world.call(user("ada"), &calls::put(13, "unlucky".into()));
    assert_eq!(refused, Err(Message::from("not at 13")));
    assert_eq!(world.view(&calls::summary(13)), Ok((5, vec![], false)));
    assert_eq!(world.view(&calls::last()), Ok(vec![]));
    assert!(world.view(&calls::note(user("ada"), 13)).is_err());
}

#[test]
fn a_deployment_can_be_refused() {
    let refused = World::<Contract>::deploy(0, user("opener"), &calls::open(100));
    assert_eq!(refused.err(), Some(Message::from("too many to start with")));
}
