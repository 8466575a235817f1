//! Results that stay secret become inputs of their owners.

use mpc_engine::{Opening, commitment};
use wire::{
    attestation::computation_id,
    limits::NODES,
    node_transaction::{NodeMessage, OpenedComponent},
    results::{MASKS, RowPlace, commit},
    rpc::ComputationStatus,
    sealed::Seed,
};

use super::{computations::status, *};
use crate::{Event, JobTask::Compute};

/// What all nodes hold of a component: everything is in component 0 but the commitments.
fn openings(job: B256, votes: [u64; 3], masked: &[u8]) -> [Opening; NODES] {
    std::array::from_fn(|c| {
        let mut value: Vec<u8> = votes.iter().flat_map(|v| v.to_le_bytes()).collect();
        value.extend_from_slice(masked);
        if c > 0 {
            value.fill(0);
        }
        value.extend_from_slice(commit(job, c as u8, &base(c)).as_slice());
        Opening {
            blinding: [c as u8 + 1; 32],
            value,
        }
    })
}

fn base(c: usize) -> Seed {
    Seed::new([0x60 + c as u8; 32])
}

/// Runs a tally until its result is in the log.
fn complete(chain: &mut Chain, job: B256, votes: [u64; 3], masked: &[u8]) -> Applied {
    chain.join_all(job);
    let (attempt, live) = chain.attempt(job);
    let openings = openings(job, votes, masked);
    let ready = |node: &u8| {
        let commitments = std::array::from_fn(|c| {
            let commitment = commitment(&job.0, attempt, c as u8, &openings[c]);
            (c != usize::from(*node)).then_some(commitment.into())
        });
        let message = NodeMessage::Ready {
            job,
            attempt,
            commitments,
        };
        (*node, message)
    };
    let votes = live.iter().take(3).map(ready).collect();
    chain.say(votes);
    let components = openings
        .iter()
        .zip(0..)
        .map(|(opening, component)| OpenedComponent {
            component,
            blinding: opening.blinding.into(),
            value: opening.value.clone().into(),
        });
    let components = components.collect();
    chain.say(vec![(0, NodeMessage::Open { job, components })])
}

fn start(chain: &mut Chain, poll: Address, who: u8) -> B256 {
    let (receipt, _) = chain.act(&user(who), poll, call("close"));
    assert!(receipt.status, "{receipt:?}");
    let started = chain.runtime.contract(poll).unwrap().computations;
    computation_id(poll, started - 1)
}

/// A poll with a reserve and two ballots, of users 1 and 2.
fn poll() -> (Chain, Address) {
    let mut chain = Chain::with_reserve(true, 1);
    let poll = chain.deploy(&poll::keeping_poll_code(), &closes_argument());
    chain.vote(&user(1), poll, 2);
    chain.vote(&user(2), poll, 0);
    chain.fill();
    chain.time_ms = chain.time_ms.max(CLOSES * 1_000);
    (chain, poll)
}

#[test]
fn rows_are_accepted_inputs_of_their_owners_and_the_contract_sees_nothing_of_them() {
    let (mut chain, poll) = poll();
    let id = start(&mut chain, poll, 9);
    let job = chain.runtime.job(id).unwrap();
    let Compute {
        program,
        types,
        seed,
        ..
    } = job.task
    else {
        panic!("{job:?}");
    };
    assert!(seed.is_some(), "masks follow from a seed");
    assert_eq!(types, [(0, ballot_type()), (MASKS, ballot_type())]);
    assert!(program.has_secret_results());

    let applied = complete(&mut chain, id, [1, 0, 1], &[70, 80]);
    assert_eq!(
        applied.events,
        [
            Event::ResultsKept { computation: id },
            Event::Opened { computation: id }
        ]
    );
    let output = chain.runtime.attestation(id).unwrap().output;
    assert_eq!(output.len(), 96, "what is attested is as before");
    for (row, who, masked) in [(0, 1, 70), (1, 2, 80)] {
        let owner = user(who).address;
        let secrets = chain.runtime.secrets(poll, owner);
        assert_eq!(secrets.len(), 1);
        let place = RowPlace {
            computation: id,
            result: 0,
            row,
        };
        assert_eq!((secrets[0].id, secrets[0].owner), (place.id(), owner));
        let pending = chain.runtime.pending_input(place.id()).unwrap();
        assert_eq!(pending.sealed.masked, [masked]);
        assert_eq!(pending.seeds_id(place.id()), id);
        for c in 0..4 {
            assert!(pending.check_seed(c, &base(c.into())).is_ok());
            assert!(pending.check_seed(c, &base(5)).is_err());
        }
        let kept = [0, 1, 2, 3].map(|c| Some(base(c)));
        let seeds = pending.seeds(&kept);
        let expected = place.seed(&base(2));
        assert_eq!(seeds[2].as_ref().unwrap().expose(), expected.expose());
    }
    assert!(chain.runtime.pending_seeds(id).is_some());
    assert!(chain.runtime.secrets(poll, user(9).address).is_empty());

    // The next tally reads them, after the ballots.
    let next = start(&mut chain, poll, 8);
    let Some(Compute { inputs, .. }) = chain.runtime.job(next).map(|job| job.task) else {
        panic!("{:?}", status(&chain, next));
    };
    assert_eq!(inputs.len(), 4);
    assert_eq!(
        inputs[3].0,
        RowPlace {
            computation: id,
            result: 0,
            row: 1
        }
        .id()
    );
}

#[test]
fn a_computation_waits_for_results_of_one_that_started_before() {
    let (mut chain, poll) = poll();
    let first = start(&mut chain, poll, 8);
    let second = start(&mut chain, poll, 9);
    let waiting = ComputationStatus::Waiting {
        undecided: 1,
        missing: None,
    };
    assert_eq!(status(&chain, second), waiting);
    complete(&mut chain, first, [1, 0, 1], &[70, 80]);
    assert_ne!(status(&chain, second), waiting);
    let Some(Compute { inputs, .. }) = chain.runtime.job(second).map(|job| job.task) else {
        panic!("{:?}", status(&chain, second));
    };
    assert_eq!(inputs.len(), 4);
}

#[test]
fn a_component_without_a_commitment_to_its_seed_is_no_result() {
    let (mut chain, poll) = poll();
    let id = start(&mut chain, poll, 9);
    let second = start(&mut chain, poll, 8);
    chain.join_all(id);
    // As if all nodes ran another version: the lengths do not fit.
    chain.ready(id, &[0, 1, 2], &[1, 0, 1]);
    chain.say(vec![
        (0, play::open(id, &[1, 2, 3], &[1, 0, 1])),
        (1, play::open(id, &[0], &[1, 0, 1])),
    ]);
    assert!(matches!(
        status(&chain, id),
        ComputationStatus::Failed { .. }
    ));
    assert!(chain.runtime.secrets(poll, user(1).address).is_empty());
    // Nobody waits for it any more.
    assert!(chain.runtime.job(second).is_some());
}
