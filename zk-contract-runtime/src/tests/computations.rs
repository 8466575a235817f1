//! Life of computations.

use wire::{
    attestation::computation_id,
    guest::Fault,
    node_transaction::NodeMessage,
    receipt::{self, InputTree},
    rpc::{AttemptStage, ComputationStatus},
};

use super::*;
use crate::{JobTask::Compute, Stage};

/// The inputs that a computation runs on.
fn inputs(chain: &Chain, id: B256) -> Vec<(B256, u32)> {
    match chain.runtime.job(id).map(|job| job.task) {
        Some(Compute { inputs, .. }) => inputs,
        other => panic!("{other:?}"),
    }
}

fn output(votes: [u64; 3]) -> Vec<u8> {
    votes
        .iter()
        .flat_map(|v| U256::from(*v).to_be_bytes::<32>())
        .collect()
}

fn attest(chain: &Chain, computation: B256, node: u8) -> Vec<NodeMessage> {
    let attestation = chain.runtime.attestation(computation).unwrap();
    let digest = attestation.digest(&chain.runtime.committee().l1);
    let signature = signing::sign_digest(&chain.keys[usize::from(node)], digest);
    vec![NodeMessage::Attest {
        computation,
        signature,
    }]
}

pub(crate) fn status(chain: &Chain, id: B256) -> ComputationStatus {
    chain.runtime.computation(id).unwrap().status
}

fn waiting(undecided: u64) -> ComputationStatus {
    ComputationStatus::Waiting {
        undecided,
        missing: None,
    }
}

/// A poll whose tally was started over these ballots, and the tally's id.
pub(crate) fn tally(choices: &[u8]) -> (Chain, Address, B256) {
    let (mut chain, poll) = Chain::with_poll();
    for (number, choice) in (1..).zip(choices) {
        chain.vote(&user(number), poll, *choice);
    }
    let id = close(&mut chain, poll);
    (chain, poll, id)
}

pub(crate) fn close(chain: &mut Chain, poll: Address) -> B256 {
    chain.time_ms = chain.time_ms.max(CLOSES * 1_000);
    let (receipt, _) = chain.act(&user(99), poll, call("close"));
    assert!(receipt.status, "{receipt:?}");
    let index = chain.runtime.contract(poll).unwrap().computations - 1;
    computation_id(poll, index)
}

#[test]
fn nobody_closes_before_the_deadline() {
    let (mut chain, poll) = Chain::with_poll();
    let (receipt, _) = chain.act(&user(9), poll, call("close"));
    assert!(!receipt.status);
    let expected = format!("PollStillOpen({CLOSES})");
    assert_eq!(receipt.revert_reason, Some(expected));
    assert_eq!(chain.runtime.computations(poll), []);
}

#[test]
fn a_tally_is_traced_opened_and_attested() {
    let (mut chain, poll, id) = tally(&[2, 0, 2, 7]);
    let job = chain.runtime.job(id).unwrap();
    assert_eq!(
        (job.attempt, job.absent, job.stage),
        (0, None, Stage::Joining)
    );
    let Compute {
        program,
        inputs,
        types,
        seed: None,
        reserve,
    } = job.task
    else {
        panic!("{job:?}");
    };
    assert_eq!((inputs.len(), reserve), (4, vec![]));
    assert_eq!(types, [(0, ballot_type())]);
    let kinds: Vec<_> = program.outputs();
    assert_eq!(kinds, [(wire::kind::Kind::U64, 1); 3]);
    assert_eq!(program.columns()[0].len, 4);
    assert!(chain.runtime.certificate(id).is_none());

    let applied = chain.join(id, &[3, 1, 0]);
    assert_eq!(applied.events, []);
    assert_eq!(chain.runtime.joined(id, 1), Some(nonce(1, 0)));
    assert_eq!(chain.runtime.joined(id, 2), None);
    let applied = chain.join(id, &[2]);
    let (job, attempt) = (id, 0);
    assert_eq!(applied.events, [Event::AttemptStarted { job, attempt }]);
    let nonces = [0, 1, 2, 3].map(|node| nonce(node, 0));
    assert_eq!(
        chain.runtime.job(id).unwrap().stage,
        Stage::Running { nonces }
    );
    let applied = chain.ready(id, &[0, 2], &[1, 0, 2]);
    assert_eq!(applied.events, []);
    assert!(chain.runtime.posted_ready(id, 2) && !chain.runtime.posted_ready(id, 1));
    assert!(chain.runtime.openings(id).is_empty());
    // Nothing is opened before the result is fixed.
    chain.say(vec![(0, open(id, &[1, 2, 3], &[1, 0, 2]))]);
    let applied = chain.ready(id, &[1], &[1, 0, 2]);
    assert_eq!(applied.events, [Event::OpeningFinal { job, attempt }]);
    let wanted = |chain: &Chain| {
        let openings = chain.runtime.openings(id).into_iter();
        openings.map(|(component, _)| component).collect::<Vec<_>>()
    };
    assert_eq!(wanted(&chain), [0, 1, 2, 3]);
    let running = ComputationStatus::Running {
        attempt: 0,
        stage: AttemptStage::Opening,
        absent: None,
        suspected: vec![],
    };
    assert_eq!(status(&chain, id), running);
    // Nothing but what was agreed on opens it, whoever sends it, and no stop counts any more.
    let last = silence(id, 0, 1);
    chain.say(vec![(0, open(id, &[1, 2], &[1, 0, 3])), (3, last)]);
    assert_eq!(wanted(&chain), [0, 1, 2, 3]);
    chain.say(vec![(3, open(id, &[0, 2], &[1, 0, 2]))]);
    assert_eq!(wanted(&chain), [1, 3]);
    chain.say(vec![(3, open(id, &[0, 2, 3], &[1, 0, 2, 4]))]);
    assert_eq!(wanted(&chain), [1, 3]);
    let applied = chain.say(vec![(0, open(id, &[1, 3], &[1, 0, 2]))]);
    assert_eq!(applied.events, [Event::Opened { computation: id }]);
    assert_eq!(chain.runtime.opened(id), Some(&opened(&[1, 0, 2])));

    let attestation = chain.runtime.attestation(id).unwrap();
    assert_eq!(attestation.output[..], output([1, 0, 2]));
    assert_eq!(attestation.context, CONTEXT);
    assert_eq!((attestation.inputCount, attestation.epoch), (4, 3));
    let leaf = |(id, _): &(B256, u32)| {
        let pending = chain.runtime.pending_input(*id).unwrap();
        receipt::leaf_of(*id, pending.binding.sender, &pending.sealed)
    };
    let root = InputTree::new(inputs.iter().map(leaf).collect()).root();
    assert_eq!(attestation.inputRoot, root);
    assert_eq!(attestation.l2Contract, poll);
    assert_eq!(attestation.programHash.0, program.hash());

    // Signatures: forged ones, somebody else's, and one too few.
    let mut forged = attest(&chain, id, 0);
    if let NodeMessage::Attest { signature, .. } = &mut forged[0] {
        signature.s.0[31] ^= 1;
    }
    let others = attest(&chain, id, 2);
    chain.block(vec![(0, forged), (1, others)], vec![]);
    assert!(!chain.runtime.posted_signature(id, 0) && !chain.runtime.posted_signature(id, 1));
    let signed = [0, 2].map(|node| (node, attest(&chain, id, node)));
    chain.block(signed.to_vec(), vec![]);
    let again = attest(&chain, id, 2);
    chain.block(vec![(2, again)], vec![]);
    assert!(chain.runtime.certificate(id).is_none());
    assert_eq!(chain.runtime.input_receipt(inputs[0].0, id), None);
    let third = attest(&chain, id, 3);
    let applied = chain.block(vec![(3, third)], vec![]);
    assert_eq!(applied.events, [Event::Attested { computation: id }]);
    // The contract has heard of it, in the name of the transaction that started the tally.
    assert_eq!(chain.read(poll, call("result"))[..], output([1, 0, 2]));
    assert_eq!(applied.system_logs.len(), 1);
    let certificate = chain.runtime.certificate(id).unwrap();
    let (bitmap, signatures) = certificate.quorum().unwrap();
    assert_eq!((bitmap, signatures.len()), (0b1101, 192));
    // Each input has its receipt, and what is none of them has not.
    for (place, (input, _)) in (0..).zip(&inputs[..]) {
        let receipt = chain.runtime.input_receipt(*input, id).unwrap();
        assert_eq!((receipt.input, receipt.place), (*input, place));
        assert_eq!(receipt.certificate, certificate);
        assert!(receipt.is_among_inputs());
        let mut altered = receipt.clone();
        altered.owner = Address::repeat_byte(1);
        assert!(!altered.is_among_inputs());
    }
    assert_eq!(chain.runtime.input_receipt(id, id), None);
    assert_eq!(chain.runtime.input_receipt(inputs[0].0, inputs[0].0), None);
    // The fourth is kept too, and nothing else happens.
    let fourth = attest(&chain, id, 1);
    let applied = chain.block(vec![(1, fourth)], vec![]);
    assert!(applied.events.is_empty() && applied.system_logs.is_empty());
    let certificate = chain.runtime.certificate(id).unwrap();
    assert_eq!(certificate.signatures.iter().flatten().count(), 4);
    assert_eq!(chain.runtime.counts().running_computations, 0);
    assert!(chain.runtime.job(id).is_none());
}

#[test]
fn a_tally_of_nothing_is_traced_too() {
    let (chain, _, id) = tally(&[]);
    assert_eq!(inputs(&chain, id), []);
    assert!(matches!(
        status(&chain, id),
        ComputationStatus::Running { attempt: 0, .. }
    ));
}

#[test]
fn a_tally_waits_for_what_was_ordered_before_it() {
    let (mut chain, poll) = Chain::with_poll();
    let first = chain.vote(&user(1), poll, 0);
    let (tx, second) = chain.cast(&user(2), poll, 1);
    let (tx3, third) = chain.cast(&user(3), poll, 1);
    chain.block(vec![], vec![tx, tx3]);
    let id = close(&mut chain, poll);
    assert_eq!(status(&chain, id), waiting(2));
    assert!(chain.runtime.job(id).is_none());
    // A vote for a result now makes no sense.
    chain.say(vec![(0, ready(id, 0, 0, &[1, 1, 0]))]);
    let missing = || {
        vec![NodeMessage::Missing {
            inputs: vec![third],
        }]
    };
    chain.block(vec![(0, missing()), (1, missing())], vec![]);
    assert_eq!(status(&chain, id), waiting(1));
    let applied = chain.hold(&[1, 2, 3], &[second]);
    let expected = [
        Event::InputAccepted { id: second },
        Event::JoinWanted {
            job: id,
            attempt: 0,
        },
    ];
    assert_eq!(applied.events, expected);
    assert_eq!(inputs(&chain, id), [(first, 0), (second, 0)]);
    assert!(!chain.runtime.posted_ready(id, 0));
}

#[test]
fn what_is_ordered_after_the_start_is_not_in_it() {
    // A poll that never closes for voters, but may be closed by anybody: code at the same
    // deadline, reached by a block whose transactions come in this order.
    let (mut chain, poll) = Chain::with_poll();
    let inside = chain.vote(&user(1), poll, 0);
    let (late, late_id) = chain.cast(&user(2), poll, 1);
    let id = {
        let close_tx = chain.call(&user(9), poll, call("close"));
        let mut block = chain.next(vec![], vec![close_tx, late]);
        block.header.time_ms = CLOSES * 1_000;
        let applied = chain.accept(&block).unwrap();
        assert!(applied.receipts[0].status && !applied.receipts[1].status);
        computation_id(poll, 0)
    };
    assert!(chain.runtime.input(late_id).is_none());
    assert_eq!(inputs(&chain, id), [(inside, 0)]);
}

#[test]
fn the_set_is_in_ordering_order_whatever_the_acceptance() {
    let (mut chain, poll) = Chain::with_poll();
    let cast: Vec<_> = (1..6).map(|n| chain.cast(&user(n), poll, n)).collect();
    chain.block(vec![], cast.iter().map(|(tx, _)| tx.clone()).collect());
    let ids: Vec<_> = cast.iter().map(|(_, id)| *id).collect();
    for id in ids.iter().rev() {
        chain.hold(&[0, 1, 2], &[*id]);
    }
    let id = close(&mut chain, poll);
    let frozen = inputs(&chain, id);
    assert_eq!(frozen.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
}

#[test]
fn statements_about_nothing_are_harmless() {
    let mut chain = Chain::new(true);
    let nothing = B256::repeat_byte(5);
    let root = chain.runtime.head().state_root;
    let signature = signing::sign_digest(&chain.keys[0], nothing);
    let mut messages = vec![
        ready(nothing, 0, 0, &[1, 2, 3]),
        open(nothing, &[1], &[1, 2, 3]),
        silence(nothing, 0, 1),
        NodeMessage::Here,
        NodeMessage::Join {
            job: nothing,
            attempt: 0,
            nonce: nothing,
        },
        NodeMessage::Statement {
            job: nothing,
            attempt: 0,
            digest: nothing,
        },
    ];
    messages.push(NodeMessage::Hold {
        inputs: vec![nothing],
    });
    messages.push(NodeMessage::Missing {
        inputs: vec![nothing],
    });
    messages.push(NodeMessage::Attest {
        computation: nothing,
        signature,
    });
    let applied = chain.block(vec![(0, messages)], vec![]);
    assert!(applied.events.is_empty());
    assert_eq!(chain.runtime.head().state_root, root);
}

#[test]
fn unfinished_computations_are_bounded() {
    let (mut chain, poll, first) = tally(&[]);
    let limit = wire::limits::RUNNING_COMPUTATIONS;
    for _ in 1..limit {
        close(&mut chain, poll);
    }
    let (receipt, _) = chain.act(&user(9), poll, call("close"));
    assert!(!receipt.status);
    assert!(receipt.revert_reason.unwrap().contains("unfinished"));
    assert_eq!(
        chain.runtime.contract(poll).unwrap().computations,
        limit as u64
    );
    // One that waits for signatures only, which a node may withhold, takes nobody's place.
    chain.complete(first, &[0; 3]);
    assert!(chain.runtime.opened(first).is_some());
    close(&mut chain, poll);
    assert!(!chain.act(&user(9), poll, call("close")).0.status);
}

/// A poll of one ballot that compares it, added to this many zeros, with one.
fn poll_over(elements: u32) -> Bytes {
    poll_that_computes(&format!(
        "(call $secret_op (i32.const 12)
           (call $secret_op (i32.const 0)
             (local.get $column)
             (call $secret_constant (i32.const 1) (i64.const 0) (i64.const 0) (i32.const {elements}))
             (i32.const -1) (i64.const 0))
           (call $secret_constant (i32.const 1) (i64.const 1) (i64.const 0) (i32.const 1))
           (i32.const -1) (i64.const 0))"
    ))
}

#[test]
fn a_program_that_takes_too_many_rounds_is_refused() {
    let mut chain = Chain::new(true);
    let endless = format!(
        "(local.set $j (local.get $column))
         (loop $rounds
           (local.set $j (call $secret_op (i32.const 3)
             (local.get $j) (local.get $j) (i32.const -1) (i64.const 0)))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $rounds (i32.lt_u (local.get $n) (i32.const {}))))
         (call $secret_op (i32.const 12)
           (local.get $j) (local.get $column) (i32.const -1) (i64.const 0))",
        wire::limits::SESSION_ROUNDS
    );
    let poll = chain.deploy(&poll_that_computes(&endless), &closes_argument());
    chain.vote(&user(1), poll, 1);
    let id = close(&mut chain, poll);
    let ComputationStatus::Failed { reason, .. } = status(&chain, id) else {
        panic!("{:?}", status(&chain, id));
    };
    assert!(reason.contains("rounds"), "{reason}");
    let told = chain.read(poll, call("result"));
    assert_eq!(told[12..], (Fault::Program as u32).to_be_bytes());
}

#[test]
fn what_only_running_takes_is_forgotten_afterwards() {
    let (mut chain, _, id) = tally(&[1, 2]);
    let kept = |chain: &Chain| {
        let computation = chain.runtime.state.computation(id).unwrap();
        let frozen = computation.frozen.as_ref().unwrap();
        (frozen.inputs.len(), frozen.program.is_some())
    };
    assert_eq!(kept(&chain), (2, true));
    chain.complete(id, &[0, 1, 1]);
    assert_eq!(chain.runtime.attestation(id).unwrap().inputCount, 2);
    assert_eq!(kept(&chain), (0, false));
    assert_eq!(chain.runtime.computation(id).unwrap().input_count, Some(2));
}

/// A large computation that cannot begin for another reason does not keep others of that size waiting.
#[test]
fn who_pauses_waits_for_no_memory() {
    let mut chain = Chain::new(true);
    let poll = chain.deploy(&poll_over(40_000_000), &closes_argument());
    chain.vote(&user(1), poll, 1);
    let ids: Vec<_> = (0..3).map(|_| close(&mut chain, poll)).collect();
    for attempt in 0..3 {
        chain.join_all(ids[0]);
        chain.say(vec![(0, silence(ids[0], attempt, 1))]);
    }
    // The first pauses while the second runs, and will take all memory. The third has room.
    assert!(chain.runtime.job(ids[0]).is_none() && chain.runtime.job(ids[1]).is_some());
    for (id, bytes) in [
        (ids[0], wire::limits::SESSIONS_MEMORY_BYTES),
        (ids[1], wire::limits::SMALL_SESSION_BYTES + 1),
    ] {
        let computation = chain.runtime.state.computation_mut(id).unwrap();
        computation.frozen.as_mut().unwrap().session_bytes = bytes;
    }
    chain.pass(1);
    assert!(chain.runtime.job(ids[0]).is_none() && chain.runtime.job(ids[2]).is_some());
}

#[test]
fn computations_wait_until_there_is_memory_for_their_sessions() {
    let mut chain = Chain::new(true);
    // Each takes more than half of what there is.
    let poll = chain.deploy(&poll_over(40_000_000), &closes_argument());
    chain.vote(&user(1), poll, 1);
    let ids: Vec<_> = (0..3).map(|_| close(&mut chain, poll)).collect();
    let first = chain.runtime.job(ids[0]);
    let first = first.unwrap_or_else(|| panic!("{:?}", status(&chain, ids[0])));
    let Compute { program, .. } = first.task else {
        panic!("{first:?}");
    };
    let (bytes, limit) = (
        program.reserve_plan().memory_bytes,
        wire::limits::SESSIONS_MEMORY_BYTES,
    );
    assert!(2 * bytes > limit && bytes <= limit, "{bytes}");
    let waits = |chain: &Chain, id: B256| {
        chain.runtime.job(id).is_none() && status(chain, id) == waiting(0)
    };
    assert!(waits(&chain, ids[1]) && waits(&chain, ids[2]));
    let begins = |job, attempt| Event::JoinWanted { job, attempt };
    // A small one waits for nobody.
    let small = chain.deploy(&poll_code(), &closes_argument());
    let id = close(&mut chain, small);
    assert!(chain.runtime.job(id).is_some());
    // The first one is stopped, and goes on before the others.
    chain.join_all(ids[0]);
    let applied = chain.say(vec![(0, silence(ids[0], 0, 1))]);
    assert!(applied.events.contains(&begins(ids[0], 1)));
    assert!(waits(&chain, ids[1]) && waits(&chain, ids[2]));
    // Its session ends well, and the next one begins.
    chain.join_all(ids[0]);
    let applied = chain.ready(ids[0], &[1, 2, 3], &[1, 1, 1]);
    assert!(applied.events.contains(&begins(ids[1], 0)));
    assert!(waits(&chain, ids[2]));
    // While it pauses, the one after that has its turn.
    for attempt in 0..3 {
        chain.join_all(ids[1]);
        let applied = chain.say(vec![(0, silence(ids[1], attempt, 1))]);
        let begun = applied.events.contains(&begins(ids[2], 0));
        assert_eq!(begun, attempt == 2);
    }
    chain.pass_until_due();
    assert!(chain.runtime.job(ids[1]).is_none());
    chain.complete(ids[2], &[1, 1, 1]);
    chain.complete(ids[1], &[1, 1, 1]);
    for id in [ids[1], ids[2]] {
        assert!(chain.runtime.opened(id).is_some());
    }
}
