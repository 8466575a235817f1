//! Sessions that do nothing but toss a key of all who take part.

use crate::support::{Cluster, single, without};
use mpc_engine::{Outcome, Task};
use wire::{kind::Kind, secret::Op};

fn toss(absent: Option<u8>, seed: u64) -> Cluster {
    let bound = |_| without(absent);
    // The support deals inputs, which nobody asks for here.
    let program = single(Op::Not, &[(Kind::Bool, 1)], 0);
    Cluster::start_with(&program, &[vec![1]], seed, bound, |_, _| Task::Toss)
}

fn key(outcome: Outcome) -> [u8; 32] {
    match outcome {
        Outcome::Tossed(key) => key.leaf(&[0; 32], 0, &[]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_who_take_part_get_the_same_key_and_another_one_each_time() {
    let mut seen = std::collections::BTreeSet::new();
    for absent in [None, Some(0), Some(1), Some(2), Some(3)] {
        for seed in [1, 2] {
            let ends = toss(absent, seed).finish();
            let keys: Vec<[u8; 32]> = ends
                .into_iter()
                .flatten()
                .map(|e| key(e.unwrap()))
                .collect();
            assert_eq!(keys.len(), if absent.is_some() { 3 } else { 4 });
            assert!(keys.iter().all(|key| *key == keys[0]));
            assert!(seen.insert(keys[0]), "a key came twice");
        }
    }
}

#[test]
fn it_takes_the_rounds_of_the_keys_only() {
    let mut cluster = toss(None, 1);
    let mut rounds = 0;
    while cluster.sessions.iter().any(Option::is_some) {
        let results = cluster.round();
        cluster.advance(results);
        rounds += 1;
    }
    assert_eq!(rounds, 3);
}
