//! Frames of sessions on the network. They travel on connections: what does not get through is sent
//! again, so it comes late and in the end in order; a connection ends with either node.

use mpc_engine::{Frames, Step};
use rand::RngExt as _;
use wire::node_transaction::StopReason;

use super::{Frame, SessionId, State};
use crate::{Event, Sim, Violation};

/// How long a peer may be quiet in a round, in milliseconds.
const ROUND_MS: u64 = 2_000;
/// How many of these a peer may take that shows signs of life.
const PATIENCE: u64 = 3;
/// Rounds in which sessions agree on their keys.
const SETUP_ROUNDS: u32 = 3;
/// After how long what was lost is sent again, in milliseconds.
const AGAIN_MS: u64 = 200;

impl Sim {
    /// Sends the frames of the next round.
    pub(super) fn send_round(&mut self, node: usize, id: SessionId, frames: Frames) {
        let Some(run) = self.running(node, id) else {
            return;
        };
        let (round, live) = (run.sent, run.live);
        run.sent += 1;
        for (to, bytes) in frames.into_iter().enumerate() {
            if to == node || !live[to] {
                continue;
            }
            let sent = if self.is_honest(node) {
                Some((bytes, false, 0))
            } else {
                self.twist_frame(bytes)
            };
            if let Some((bytes, altered, late_ms)) = sent {
                let frame = Frame { bytes, altered };
                self.post_frame((node, to), id, round, frame, late_ms);
            }
        }
    }

    fn post_frame(
        &mut self,
        (from, to): (usize, usize),
        id: SessionId,
        round: u32,
        frame: Frame,
        late_ms: u64,
    ) {
        if !self.is_up(to) {
            return;
        }
        let (shortest, longest) = self.network.latency_ms;
        let mut in_ms = late_ms + self.rng.random_range(shortest..=longest);
        while self.rng.random_bool(self.network.loss) {
            in_ms += AGAIN_MS;
        }
        self.messages += 1;
        let lives = [from, to].map(|node| self.machines[node].life);
        self.at(
            in_ms,
            Event::Frame {
                from,
                to,
                id,
                round,
                frame,
                lives,
            },
        );
    }

    /// A frame arrives, if there is a way for it.
    pub(crate) fn carry_frame(
        &mut self,
        (from, to): (usize, usize),
        id: SessionId,
        round: u32,
        frame: Frame,
        lives: [u32; 2],
    ) {
        if [from, to].map(|node| self.machines[node].life) != lives {
            return;
        }
        if self.passes[from][to] {
            return self.on_frame(to, from, id, round, frame);
        }
        self.at(
            AGAIN_MS,
            Event::Frame {
                from,
                to,
                id,
                round,
                frame,
                lives,
            },
        );
    }

    pub(super) fn on_frame(
        &mut self,
        node: usize,
        from: usize,
        id: SessionId,
        round: u32,
        frame: Frame,
    ) {
        let now_ms = self.now_ms;
        if let Some(run) = self.running(node, id) {
            run.heard_ms[from] = now_ms;
            run.frames.entry((round, from)).or_insert(frame);
            return self.advance(node, id);
        }
        // It is ahead of this node, or late.
        let machine = &mut self.machines[node];
        let job = machine
            .ordering
            .as_ref()
            .and_then(|o| o.runtime().job(id.0));
        let past = machine.sessions.contains(&id) || job.is_some_and(|job| job.attempt > id.1);
        if !past && machine.shell.early.len() < 64 {
            let early = machine.shell.early.entry(id).or_default();
            early.push((from, round, frame));
        }
    }

    /// Feeds the rounds that are complete.
    fn advance(&mut self, node: usize, id: SessionId) {
        let now_ms = self.now_ms;
        loop {
            let Some(run) = self.running(node, id) else {
                return;
            };
            let round = run.received;
            if round >= run.sent {
                return;
            }
            let peers: Vec<usize> = (0..4).filter(|p| *p != node && run.live[*p]).collect();
            let whole = peers.iter().all(|p| run.frames.contains_key(&(round, *p)));
            if !whole {
                return;
            }
            let (mut frames, mut altered) = (Frames::default(), false);
            for peer in peers {
                if let Some(frame) = run.frames.remove(&(round, peer)) {
                    frames[peer] = frame.bytes;
                    altered |= frame.altered;
                }
            }
            // Keys are agreed on in several rounds; what three make for the reserve is checked in
            // the end, before it counts.
            let unchecked = round < SETUP_ROUNDS || (run.lot.is_some() && run.live != [true; 4]);
            (run.received, run.since_ms) = (round + 1, now_ms);
            let Some(session) = run.session.take() else {
                return;
            };
            let step = session.step(frames);
            if altered && !unchecked && step.is_ok() && self.is_honest(node) {
                let (job, _) = id;
                return self.violate(Violation::UsedUnchecked { node, job, round });
            }
            let Some(run) = self.running(node, id) else {
                return;
            };
            match step {
                Ok(Step::Continue(session, rounds)) => {
                    run.session = Some(session);
                    for frames in rounds {
                        self.send_round(node, id, frames);
                    }
                }
                Ok(Step::Done(outcome)) => return self.session_done(node, id, &outcome),
                Err(stop) => return self.session_stopped(node, id, StopReason::from(stop)),
            }
        }
    }

    /// Stops sessions in which a peer is silent.
    pub(super) fn check_patience(&mut self, node: usize) {
        let ids: Vec<_> = self.machines[node]
            .shell
            .sessions
            .iter()
            .filter(|(_, current)| matches!(current.state, State::Running(_)))
            .map(|(job, current)| (*job, current.attempt))
            .collect();
        for id in ids {
            let now_ms = self.now_ms;
            let alive: [bool; 4] = std::array::from_fn(|peer| {
                self.is_up(peer) && self.passes[peer][node] && self.running(peer, id).is_some()
            });
            let Some(run) = self.running(node, id) else {
                continue;
            };
            let mut silent = None;
            for peer in (0..4).filter(|p| *p != node && run.live[*p]) {
                if alive[peer] {
                    run.heard_ms[peer] = now_ms;
                }
                let quiet_ms = now_ms - run.heard_ms[peer].max(run.since_ms);
                let waited_ms = now_ms - run.since_ms;
                let late = quiet_ms > ROUND_MS || waited_ms > ROUND_MS * PATIENCE;
                if late && !run.frames.contains_key(&(run.received, peer)) {
                    silent = silent.or(Some(peer));
                }
            }
            if let Some(peer) = silent {
                let peer = u8::try_from(peer).unwrap();
                self.session_stopped(node, id, StopReason::Silence { peer });
            }
        }
    }
}
