//! A node that lies, and one whose clock is wrong.

use simulator::{CALM, Corrupt, Lie, Network, Sim, seed};
use wire::{consensus::VoteKind, peer::PeerMessage};

use crate::{finish, summary};

#[test]
fn a_corrupt_node_divides_nobody() {
    let network = Network {
        latency_ms: (1, 10),
        loss: 0.0,
    };
    let mut sim = Sim::new(seed(), network);
    let lies = vec![Lie::Drop, Lie::Proposals, Lie::Votes, Lie::Junk];
    sim.corrupt = Some(Corrupt::new(3, lies));
    sim.start_all();
    sim.begin_junk();
    sim.with_users(4, 40, 500);
    finish(&mut sim, 180_000);
    summary("corrupt", &mut sim);
    for (suspicion, count) in &sim.suspicions {
        println!("{count:5} {suspicion}");
    }
    let seen = |text: &str| {
        sim.suspicions
            .keys()
            .any(|suspicion| suspicion.contains(text))
    };
    assert!(seen("conflicting") && seen("signature"));
}

#[test]
fn a_clock_an_hour_off_moves_no_time() {
    for skew_ms in [3_600_000, -3_600_000] {
        let mut sim = Sim::new(seed(), CALM);
        sim.machines[1].skew_ms = skew_ms;
        sim.start_all();
        sim.with_users(3, 30, 600);
        finish(&mut sim, 60_000);
        sim.pass(15_000);
        summary("clock", &mut sim);
        for (block_ms, true_ms) in &sim.users.times {
            assert!(
                block_ms.abs_diff(*true_ms) <= 5_000,
                "block at {block_ms}, true {true_ms}"
            );
        }
        assert!(!sim.suspicions.is_empty(), "the wrong clock was seen");
    }
}

/// In the first round of every height: the proposal does not reach the last in turn, and of the
/// other three only two learn that all three prevoted for it. Later on the first in turn says
/// nothing more, so that it takes the one who has not seen the proposal in time.
fn splits_locks(from: usize, to: usize, message: &PeerMessage) -> bool {
    let turn = |height: u64, node: usize| (node as u64 + 8 - height % 4) % 4;
    match message {
        PeerMessage::Proposal(proposal) if proposal.message.round == 0 => {
            turn(proposal.message.height, to) != 3
        }
        PeerMessage::Vote(vote) if vote.message.round == 0 => {
            let (kind, height) = (vote.message.kind, vote.message.height);
            let (from, to) = (turn(height, from), turn(height, to));
            kind == VoteKind::Precommit || to < 2 || from == 3 || from == 0
        }
        PeerMessage::Vote(vote) => turn(vote.message.height, from) != 0,
        PeerMessage::RoundCertificate(certificate) => {
            let votes = certificate.votes.iter().map(|vote| &vote.message);
            votes.clone().all(|vote| vote.kind == VoteKind::Prevote)
                && votes.clone().all(|vote| turn(vote.height, from) != 0)
        }
        _ => true,
    }
}

#[test]
fn a_locked_block_is_taken_however_late() {
    let network = Network {
        latency_ms: (1, 40),
        loss: 0.0,
    };
    let mut sim = Sim::new(seed(), network);
    // A block that is proposed again is far too old for this bound.
    sim.adjust = |config| config.clock_bound_ms = 150;
    sim.filter = splits_locks;
    sim.start_all();
    sim.with_users(3, 10, 3_000);
    finish(&mut sim, 120_000);
    summary("locked", &mut sim);
    let late = sim.machines[0]
        .blocks
        .iter()
        .filter(|block| block.certificate.round > 0)
        .count();
    let times = sim
        .users
        .times
        .iter()
        .filter(|(block_ms, true_ms)| block_ms + 400 < *true_ms);
    let (old, blocks) = (times.count(), sim.machines[0].blocks.len());
    println!("{late} of {blocks} blocks in a later round, {old} of them old");
    assert!(
        old * 2 > blocks,
        "most blocks were locked and proposed again"
    );
}
