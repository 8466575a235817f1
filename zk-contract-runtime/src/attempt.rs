//! One attempt of a job, which nodes' statements and block time move.
//!
//! `joining → running → opening | made`, or `→ disputed →` stopped. A job is a computation or the
//! production of a lot of the reserve. Nothing here knows which job it is, what becomes of it, or who
//! is left out next: each method says in a [`Turn`] what has happened. Times are those of clocks,
//! in milliseconds since the Unix epoch.

mod dispute;

use alloy_primitives::{B256, Bytes};
use mpc_engine::{Opening, commitment};
use serde::Serialize;
use wire::{
    limits::{JOIN_MS, LONGEST_PAUSE_MS, NODES, QUORUM, READY_MS, STATEMENT_MS},
    node_transaction::{OpenedComponent, StopReason},
};

use crate::suspicion::{Blame, Lie, pair};

pub(crate) use dispute::Dispute;

/// How often the time for joining is put off before a convicted node takes the place of one that
/// does not join.
const PATIENCE: u32 = 3;

/// What a node writes of inputs that it shares anew, each of which takes it up to a millisecond more,
/// as slow disks do it.
const SHARING_BYTES_PER_MS: u64 = 1024;

/// What a node commits to, by component; none for its own number.
pub(crate) type Commitments = [Option<B256>; NODES];

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Purpose {
    /// Opens outputs: three nodes that are ready suffice.
    Open,
    /// Makes a lot of the reserve: all must be ready.
    Make,
    /// Shares inputs anew: all must be ready.
    Share,
}

/// What an attempt is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Progress {
    /// Nodes say that they take part.
    Joining {
        /// Their nonces.
        nonces: [Option<B256>; NODES],
        /// When it is looked who is missing.
        deadline_ms: u64,
        /// How often that was put off, or how many attempts of the kind were stopped before: each
        /// doubles the time.
        extensions: u32,
    },
    /// Nodes compute.
    Running {
        /// Their nonces; zero for the one that is left out.
        nonces: [B256; NODES],
        /// What those commit to that are ready.
        votes: Box<[Option<Commitments>; NODES]>,
        /// When the others must be ready, if it matters.
        deadline_ms: Option<u64>,
    },
    /// Two nodes say what they had.
    Disputed {
        /// What about.
        dispute: Dispute,
        /// When they must have said it.
        deadline_ms: u64,
    },
    /// The result is fixed, and no later attempt is made.
    Opening {
        /// What opens each component.
        commitments: [B256; NODES],
        /// Components that are in the log.
        components: [Option<Bytes>; NODES],
    },
    /// The lot is made, or the inputs are shared anew.
    Made {
        /// Hashes of its components.
        hashes: [B256; NODES],
    },
}

/// What a statement or the time led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing that anybody waits for.
    Nothing,
    /// A node has joined.
    Joined,
    /// The last one has: the session begins.
    Started,
    /// Two nodes must say what they had.
    Disputed,
    /// The result is fixed.
    Final,
    /// All components are there.
    Opened,
    /// The attempt is over. It may be that nobody is named.
    Stopped(Vec<Blame>),
}

/// An attempt of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Attempt {
    /// Its number, from 0.
    pub(crate) number: u32,
    /// The node that it does without.
    pub(crate) absent: Option<u8>,
    /// What for.
    pub(crate) purpose: Purpose,
    /// How long the last node may take to be ready after two others are, in milliseconds.
    ready_ms: u64,
    /// What it is at.
    pub(crate) progress: Progress,
}

impl Progress {
    const fn joining(number: u32, extensions: u32, now_ms: u64) -> Self {
        let join_ms = join_ms(number.saturating_add(extensions));
        Self::Joining {
            nonces: [None; NODES],
            deadline_ms: now_ms.saturating_add(join_ms),
            extensions,
        }
    }
}

impl Attempt {
    /// An attempt of a computation that nodes may join from `now_ms` on.
    pub(crate) fn new(number: u32, absent: Option<u8>, now_ms: u64) -> Self {
        Self {
            number,
            absent,
            purpose: Purpose::Open,
            ready_ms: READY_MS,
            progress: Progress::joining(number, 0, now_ms),
        }
    }

    /// An attempt to share anew so many inputs of so many bytes together, likewise.
    pub(crate) fn sharing(
        (number, absent): (u32, Option<u8>),
        (inputs, bytes): (u64, u64),
        now_ms: u64,
    ) -> Self {
        let writing_ms = inputs.saturating_add(bytes / SHARING_BYTES_PER_MS);
        Self {
            purpose: Purpose::Share,
            ready_ms: READY_MS.saturating_add(writing_ms),
            ..Self::new(number, absent, now_ms)
        }
    }

    /// The only attempt to make a lot, likewise, after so many productions that were stopped.
    pub(crate) fn production(failures: u32, absent: Option<u8>, now_ms: u64) -> Self {
        Self {
            number: 0,
            absent,
            purpose: Purpose::Make,
            ready_ms: READY_MS,
            progress: Progress::joining(0, failures, now_ms),
        }
    }

    /// Whether a node takes part.
    pub(crate) fn is_live(&self, node: u8) -> bool {
        usize::from(node) < NODES && self.absent != Some(node)
    }

    fn live(&self) -> impl Iterator<Item = u8> + use<> {
        let absent = self.absent;
        (0..NODES as u8).filter(move |node| absent != Some(*node))
    }

    /// A node joins with a nonce.
    pub(crate) fn join(&mut self, node: u8, nonce: B256) -> Turn {
        let (is_live, mut live) = (self.is_live(node), self.live());
        let Progress::Joining { nonces, .. } = &mut self.progress else {
            return Turn::Nothing;
        };
        let Some(slot) = nonces.get_mut(usize::from(node)) else {
            return Turn::Nothing;
        };
        if !is_live || slot.is_some() {
            return Turn::Nothing;
        }
        *slot = Some(nonce);
        let joined = |node: u8| nonces.get(usize::from(node)).is_some_and(Option::is_some);
        if !live.all(joined) {
            return Turn::Joined;
        }
        self.progress = Progress::Running {
            nonces: nonces.map(Option::unwrap_or_default),
            votes: Box::default(),
            deadline_ms: None,
        };
        Turn::Started
    }

    /// The attempt stopped at a node. One stop ends it, unless its result is fixed.
    pub(crate) fn stop(&mut self, node: u8, reason: &StopReason, now_ms: u64) -> Turn {
        if !self.is_live(node) {
            return Turn::Nothing;
        }
        let other = |peer: u8| peer != node && self.is_live(peer);
        match (&self.progress, reason) {
            // Before the session there is nothing that a peer could have done.
            (Progress::Joining { .. }, StopReason::Local) => Turn::Stopped(vec![Blame::Away(node)]),
            (
                Progress::Running { .. },
                StopReason::Silence { peer } | StopReason::BadFrame { peer },
            ) if other(*peer) => Turn::Stopped(vec![Blame::Accused {
                accuser: node,
                accused: *peer,
            }]),
            (
                Progress::Running { .. },
                StopReason::Mismatch {
                    round,
                    sender,
                    backup,
                    digest,
                },
            ) if other(*sender) && other(*backup) && sender != backup => {
                let dispute = Dispute::new(*round, [*sender, *backup, node], *digest);
                self.progress = Progress::Disputed {
                    dispute,
                    deadline_ms: now_ms.saturating_add(STATEMENT_MS),
                };
                Turn::Disputed
            }
            // Three made something for the reserve that failed its check, and cannot tell whose lie it
            // was.
            (Progress::Running { .. }, StopReason::Spoiled)
                if self.purpose == Purpose::Make && self.absent.is_some() =>
            {
                Turn::Stopped(Vec::new())
            }
            // Who names itself, or nobody that it could name, is left out.
            (Progress::Running { .. }, _) => Turn::Stopped(vec![Blame::Away(node)]),
            _ => Turn::Nothing,
        }
    }

    /// A node says what it had of a disputed stream.
    pub(crate) fn state(&mut self, node: u8, digest: B256) -> Turn {
        let Progress::Disputed { dispute, .. } = &mut self.progress else {
            return Turn::Nothing;
        };
        dispute.state(node, digest);
        match dispute.is_complete() {
            true => Turn::Stopped(dispute.verdict()),
            false => Turn::Nothing,
        }
    }

    /// A node is ready. The first vote of a node counts.
    pub(crate) fn ready(&mut self, node: u8, commitments: &Commitments, now_ms: u64) -> Turn {
        let is_live = self.is_live(node);
        let all = self.live().count();
        let needed = match self.purpose {
            Purpose::Open => QUORUM,
            Purpose::Make | Purpose::Share => all,
        };
        let Progress::Running {
            votes, deadline_ms, ..
        } = &mut self.progress
        else {
            return Turn::Nothing;
        };
        let place = usize::from(node);
        let holds = |(c, commitment): (usize, &Option<B256>)| commitment.is_some() == (c != place);
        if !is_live || votes.get(place).is_none_or(Option::is_some) {
            return Turn::Nothing;
        }
        if !commitments.iter().enumerate().all(holds) {
            return Turn::Nothing;
        }
        let lies: Vec<_> = (0..)
            .zip(votes.iter())
            .filter(|(_, vote)| vote.as_ref().is_some_and(|vote| differ(vote, commitments)))
            .map(|(other, _)| Blame::Proven {
                pair: pair(node, other),
                about: Lie::Computed,
            })
            .collect();
        if let Some(slot) = votes.get_mut(place) {
            *slot = Some(*commitments);
        }
        if !lies.is_empty() {
            return Turn::Stopped(lies);
        }
        let ready = votes.iter().flatten().count();
        if ready >= needed {
            let agreed = |c: usize| votes.iter().flatten().find_map(|v| v.get(c).copied()?);
            let agreed = std::array::from_fn(|c| agreed(c).unwrap_or_default());
            self.progress = match self.purpose {
                Purpose::Open => Progress::Opening {
                    commitments: agreed,
                    components: Default::default(),
                },
                Purpose::Make | Purpose::Share => Progress::Made { hashes: agreed },
            };
            return Turn::Final;
        }
        // One that is missing holds up the others only if all are needed.
        if ready >= 2 && needed == all && deadline_ms.is_none() {
            *deadline_ms = Some(now_ms.saturating_add(self.ready_ms));
        }
        Turn::Nothing
    }

    /// What opens a component that the log lacks.
    pub(crate) fn wanted(&self, component: u8) -> Option<B256> {
        let Progress::Opening {
            commitments,
            components,
        } = &self.progress
        else {
            return None;
        };
        let place = usize::from(component);
        let lacking = components.get(place)?.is_none();
        commitments.get(place).copied().filter(|_| lacking)
    }

    /// Whether the log lacks a component, and this opens what was agreed on. `job` is the
    /// computation.
    pub(crate) fn is_opened_by(&self, job: B256, opened: &OpenedComponent) -> bool {
        let Some(wanted) = self.wanted(opened.component) else {
            return false;
        };
        let opening = Opening {
            blinding: opened.blinding.0,
            value: opened.value.to_vec(),
        };
        commitment(&job.0, self.number, opened.component, &opening) == wanted.0
    }

    /// A component, which opens what [`Self::wanted`] says.
    pub(crate) fn open(&mut self, component: u8, value: Bytes) -> Turn {
        let Progress::Opening { components, .. } = &mut self.progress else {
            return Turn::Nothing;
        };
        let Some(slot) = components.get_mut(usize::from(component)) else {
            return Turn::Nothing;
        };
        if slot.is_some() {
            return Turn::Nothing;
        }
        *slot = Some(value);
        match components.iter().all(Option::is_some) {
            true => Turn::Opened,
            false => Turn::Nothing,
        }
    }

    /// When the time alone has something to say.
    pub(crate) const fn due_ms(&self) -> Option<u64> {
        match &self.progress {
            Progress::Joining { deadline_ms, .. } | Progress::Disputed { deadline_ms, .. } => {
                Some(*deadline_ms)
            }
            Progress::Running { deadline_ms, .. } => *deadline_ms,
            Progress::Opening { .. } | Progress::Made { .. } => None,
        }
    }

    /// What the time has to say. `convicted` takes the place of another node only when that has been
    /// waited for long: the proof may be of another time.
    pub(crate) fn wake(&mut self, now_ms: u64, convicted: Option<u8>) -> Turn {
        if self.due_ms().is_none_or(|due_ms| due_ms > now_ms) {
            return Turn::Nothing;
        }
        let live: Vec<u8> = self.live().collect();
        let number = self.number;
        match &mut self.progress {
            Progress::Joining {
                nonces,
                deadline_ms,
                extensions,
            } => {
                let missing = |node: &u8| nonces.get(usize::from(*node)) == Some(&None);
                let missing: Vec<u8> = live.into_iter().filter(missing).collect();
                let waited = *extensions >= PATIENCE;
                let replaced = waited || self.absent.is_none() || self.absent != convicted;
                match &missing[..] {
                    [node] if replaced => Turn::Stopped(vec![Blame::Away(*node)]),
                    // If more are missing, time may have passed faster in the log than for them.
                    _ => {
                        *extensions = extensions.saturating_add(1);
                        let pause_ms = join_ms(number.saturating_add(*extensions));
                        *deadline_ms = now_ms.saturating_add(pause_ms);
                        Turn::Nothing
                    }
                }
            }
            Progress::Running { votes, .. } => {
                let voted = |node: &u8| votes.get(usize::from(*node)).is_some_and(Option::is_some);
                let (voters, missing): (Vec<u8>, Vec<u8>) = live.into_iter().partition(voted);
                let accused = voters.first().zip(missing.first());
                let blame = accused.map(|(accuser, accused)| Blame::Accused {
                    accuser: *accuser,
                    accused: *accused,
                });
                Turn::Stopped(blame.into_iter().collect())
            }
            Progress::Disputed { dispute, .. } => Turn::Stopped(dispute.verdict()),
            Progress::Opening { .. } | Progress::Made { .. } => Turn::Nothing,
        }
    }
}

/// Whether two nodes commit to different values of a component that both hold.
fn differ(a: &Commitments, b: &Commitments) -> bool {
    let both = a.iter().zip(b);
    both.filter_map(|(a, b)| a.zip(*b)).any(|(a, b)| a != b)
}

/// How long nodes may take to join an attempt.
const fn join_ms(attempt: u32) -> u64 {
    // Beyond four doublings the bound rules.
    let doublings = if attempt < 4 { attempt } else { 4 };
    let join_ms = JOIN_MS << doublings;
    if join_ms < LONGEST_PAUSE_MS {
        join_ms
    } else {
        LONGEST_PAUSE_MS
    }
}

/// How long an attempt waits after the stop of the one before: the first three, with which one
/// corrupt node is found, not at all, then longer and longer.
pub(crate) fn pause_ms(attempt: u32) -> u64 {
    match attempt {
        0..3 => 0,
        _ => (1_000 << (attempt - 2).min(5)).min(LONGEST_PAUSE_MS),
    }
}

#[cfg(test)]
mod tests;
