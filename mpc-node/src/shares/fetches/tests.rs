use mpc_engine::{RefreshKey, Tree};

use super::*;

const ID: B256 = B256::repeat_byte(7);
/// Bytes of a component.
const LENGTH: usize = 3;

fn key() -> RefreshKey {
    RefreshKey::new(Zeroizing::new([1; 32]))
}

/// The commitments to a component of three inputs, the second of which is wanted.
fn tree(c: u8) -> Tree {
    let leaves = [9, c, 8].map(|byte| key().leaf(&ID.0, c, &[byte; LENGTH]));
    Tree::new(leaves.to_vec())
}

fn proven(c: u8) -> Vec<u8> {
    key().prove(&ID.0, c, &[c; LENGTH], (&tree(c), 1)).to_vec()
}

fn shares(components: Vec<(u8, Vec<u8>)>) -> InputShares {
    InputShares {
        input: ID,
        components,
    }
}

/// What an honest peer sends to node 2: what both hold.
fn honest(peer: u8) -> InputShares {
    let held = (0..4).filter(|c| *c != peer && *c != 2);
    shares(held.map(|c| (c, proven(c))).collect())
}

/// Of node 2, which wants the input.
fn fetches() -> Fetches {
    let roots = [0, 1, 2, 3].map(|c| tree(c).root().into());
    let mut fetches = Fetches::new(2, roots);
    fetches.add(ID, LENGTH, Instant::now());
    fetches
}

fn is_complete(weighed: &Weighed) -> bool {
    let expected = [0, 1, 2, 3].map(|c| (c != 2).then(|| Zeroizing::new(proven(c))));
    matches!(weighed, Weighed::Complete(held) if *held == expected)
}

#[test]
fn any_two_peers_give_all_components() {
    for [a, b] in [[0, 1], [3, 0], [1, 3]] {
        let mut fetches = fetches();
        assert!(matches!(fetches.weigh(&honest(a)), Weighed::Nothing));
        assert!(fetches.wants(ID));
        assert!(is_complete(&fetches.weigh(&honest(b))), "{a} and {b}");
        assert!(!fetches.wants(ID));
        assert!(matches!(fetches.weigh(&honest(a)), Weighed::Nothing));
    }
}

#[test]
fn a_liar_is_noticed_and_costs_nothing() {
    let mut fetches = fetches();
    let mut wrong = proven(0);
    wrong[0] ^= 1;
    for lie in [
        (0, wrong),
        // Another component's, too short, one that this node is not to have, and none that exists.
        (0, proven(1)),
        (1, vec![1; LENGTH]),
        (1, Vec::new()),
        (2, proven(2)),
        (4, proven(3)),
    ] {
        assert!(matches!(fetches.weigh(&shares(vec![lie])), Weighed::False));
    }
    fetches.weigh(&honest(0));
    assert!(is_complete(&fetches.weigh(&honest(1))));
}

#[test]
fn what_is_wanted_is_asked_for_again_later() {
    let (mut fetches, now) = (fetches(), Instant::now());
    assert!(fetches.due(now, 0).is_empty());
    assert_eq!(fetches.due(now, 9), [ID]);
    assert!(fetches.due(now, 9).is_empty());
    assert_eq!(fetches.due(now + PAUSE, 9), [ID]);
    assert!(fetches.due(now + 2 * PAUSE, 9).is_empty());
}
