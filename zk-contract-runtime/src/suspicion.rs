//! Who is left out of the next attempt of a job: a pure function of what stops have named.
//!
//! A stop names a pair of nodes. Of a *proven* pair one has lied, for its two signed statements
//! exclude each other; an unproven one may be the fault of the link between two honest nodes. So
//! nobody is ever blamed alone. One corrupt node is a member of all proven pairs: it is *convicted*
//! once they have only one member in common.
//!
//! Read [`Standing`] (what holds for all jobs), then [`History`] (what holds for one).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use serde::Serialize;
use wire::{
    limits::{CONTRADICTIONS, NODES, PROOF_MS},
    rpc::Contradiction,
};

/// Two nodes, the lower number first.
pub(crate) type Pair = [u8; 2];

/// Pairs that four nodes can form.
const PAIRS: usize = NODES * (NODES - 1) / 2;

/// Two nodes as a pair.
pub(crate) fn pair(a: u8, b: u8) -> Pair {
    [a.min(b), a.max(b)]
}

/// What an attempt was stopped for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Blame {
    /// A node could not take part, as it says or as its silence shows: it is away.
    Away(u8),
    /// One node says that another, or the link to it, is at fault.
    Accused {
        /// Who says so.
        accuser: u8,
        /// The other.
        accused: u8,
    },
    /// One of the two has lied.
    Proven {
        /// The two.
        pair: Pair,
        /// What about.
        about: Lie,
    },
}

/// What two nodes contradict each other about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Lie {
    /// What one sent to the other.
    Sent {
        /// In this round.
        round: u32,
    },
    /// What they both hold and one of them sent.
    Held {
        /// In this round.
        round: u32,
    },
    /// What they both computed.
    Computed,
}

impl std::fmt::Display for Lie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sent { round } => {
                write!(f, "what one of them sent to the other in round {round}")
            }
            Self::Held { round } => write!(f, "what both held in round {round}"),
            Self::Computed => f.write_str("what both computed"),
        }
    }
}

/// What the nodes have shown of themselves so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Standing {
    /// Nodes that did not take part and have not come back; the last one that went is the last.
    away: Vec<u8>,
    /// The pairs of the contradictions that count, and when each was last proven, in milliseconds of
    /// block time.
    proven: BTreeMap<Pair, u64>,
    /// The first contradictions of each pair, oldest first.
    contradictions: Vec<Contradiction>,
}

impl Standing {
    /// A node is away. Whether that is news.
    pub(crate) fn leave(&mut self, node: u8) -> bool {
        let news = !self.away.contains(&node);
        self.away.retain(|other| *other != node);
        self.away.push(node);
        news
    }

    /// A node is there. Whether that is news.
    pub(crate) fn come(&mut self, node: u8) -> bool {
        let news = self.away.contains(&node);
        self.away.retain(|other| *other != node);
        news
    }

    /// Nodes that are away.
    pub(crate) fn away(&self) -> &[u8] {
        &self.away
    }

    /// Counts a contradiction, and keeps it unless there are many of its pair.
    pub(crate) fn contradict(&mut self, contradiction: Contradiction, now_ms: u64) {
        let pair = contradiction.pair;
        self.proven.insert(pair, now_ms);
        let same = self.contradictions.iter().filter(|c| c.pair == pair);
        if same.count() < CONTRADICTIONS / PAIRS {
            self.contradictions.push(contradiction);
        }
    }

    /// Whether a pair was proven too long ago to count.
    pub(crate) fn has_outdated(&self, now_ms: u64) -> bool {
        self.proven
            .values()
            .any(|at_ms| is_outdated(*at_ms, now_ms))
    }

    /// Lets pairs that were proven too long ago count no more. Their contradictions stay as evidence.
    pub(crate) fn forget_outdated(&mut self, now_ms: u64) {
        self.proven.retain(|_, at_ms| !is_outdated(*at_ms, now_ms));
    }

    /// Lets no pair count that was proven up to now. Their contradictions stay as evidence.
    pub(crate) fn forget_proofs(&mut self) {
        self.proven.clear();
    }

    /// Contradictions, oldest first.
    pub(crate) fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// Members of all proven pairs: if one node is corrupt, it is one of them. None if nothing is
    /// proven, or if more than one must be corrupt.
    pub(crate) fn suspects(&self) -> Vec<u8> {
        if self.proven.is_empty() {
            return Vec::new();
        }
        let in_all = |node: &u8| self.proven.keys().all(|pair| pair.contains(node));
        (0..NODES as u8).filter(in_all).collect()
    }

    /// The node that must be corrupt, if only one is.
    pub(crate) fn convicted(&self) -> Option<u8> {
        only(&self.suspects())
    }

    /// Those suspects that count in a job: none once it was stopped without each of them. Then what
    /// was proven is of another time, and a node that has become corrupt since would be beyond
    /// suspicion.
    fn suspects_in(&self, history: &History) -> Vec<u8> {
        let mut suspects = self.suspects();
        if suspects.iter().all(|node| history.was_left_out(*node)) {
            suspects.clear();
        }
        suspects
    }

    /// The node that must be corrupt, unless the job was stopped without it.
    pub(crate) fn convicted_in(&self, history: &History) -> Option<u8> {
        only(&self.suspects_in(history))
    }

    /// The node without which the next attempt of a job is made whatever has stopped it, if there is
    /// one.
    pub(crate) fn out_of(&self, history: &History) -> Option<u8> {
        let convicted = self.convicted_in(history);
        convicted.or_else(|| self.away.last().copied())
    }

    /// The node without which a job goes on after what has stopped it.
    pub(crate) fn next_of(&self, history: &History) -> Option<u8> {
        history.next(&self.suspects_in(history))
    }
}

const fn is_outdated(at_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(at_ms) > PROOF_MS
}

fn only(suspects: &[u8]) -> Option<u8> {
    match suspects {
        [node] => Some(*node),
        _ => None,
    }
}

/// What stopped the attempts of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct History {
    /// The last attempt that did without each node.
    left_out: [Option<u32>; NODES],
    /// Pairs that stops have named, the last one last, and who was accused last.
    pairs: Vec<(Pair, Option<u8>)>,
    /// Whether one of them is proven.
    proven: bool,
    /// Who named itself, or did not join, when the last attempt was stopped.
    alone: Option<u8>,
}

impl History {
    /// Notes that an attempt without `absent` was stopped; `blames` may be empty.
    pub(crate) fn note(&mut self, attempt: u32, absent: Option<u8>, blames: &[Blame]) {
        if let Some(slot) = absent.and_then(|node| self.left_out.get_mut(usize::from(node))) {
            *slot = Some(attempt);
        }
        self.alone = None;
        for blame in blames {
            let (named, accused) = match blame {
                Blame::Away(node) => {
                    self.alone = Some(*node);
                    continue;
                }
                Blame::Accused { accuser, accused } => (pair(*accuser, *accused), Some(*accused)),
                Blame::Proven { pair, .. } => {
                    self.proven = true;
                    (*pair, None)
                }
            };
            self.pairs.retain(|(other, _)| *other != named);
            self.pairs.push((named, accused));
        }
    }

    fn was_left_out(&self, node: u8) -> bool {
        self.left_out
            .get(usize::from(node))
            .is_some_and(Option::is_some)
    }

    /// The pairs that stops have named, in order.
    pub(crate) fn pairs(&self) -> Vec<Pair> {
        let pairs: BTreeSet<_> = self.pairs.iter().map(|(pair, _)| *pair).collect();
        pairs.into_iter().collect()
    }

    /// Who is left out next, if nobody is convicted or away; nobody if nothing has been stopped.
    /// `suspects` are those of [`Standing::suspects`] that count in this job.
    ///
    /// Who named itself is left out, also if it is there again: else it could do so for ever. If only
    /// others are suspects, the pairs come first, if there are any. Else
    /// whoever was not left out yet, or the longest ago, comes first; among those the members of
    /// the last pair, then who is in most pairs, then the accused. If something is proven, only
    /// suspects are left out.
    fn next(&self, suspects: &[u8]) -> Option<u8> {
        let innocent = |node: &u8| !suspects.is_empty() && !suspects.contains(node);
        if let Some(node) = self.alone.filter(|node| !innocent(node)) {
            return Some(node);
        }
        let Some((last, accused)) = self.pairs.last() else {
            return self.alone;
        };
        let mut degrees: BTreeMap<u8, usize> = BTreeMap::new();
        for node in self.pairs.iter().flat_map(|(pair, _)| pair) {
            *degrees.entry(*node).or_default() += 1;
        }
        let rank = |node: &u8| {
            let left_out = self.left_out.get(usize::from(*node)).copied().flatten();
            let degree = degrees.get(node).copied().unwrap_or(0);
            let elsewhere = !last.contains(node);
            (
                left_out,
                elsewhere,
                Reverse(degree),
                *accused != Some(*node),
                *node,
            )
        };
        let touched = suspects.iter().any(|node| last.contains(node));
        let all: Vec<u8> = (0..NODES as u8).collect();
        let proof = !suspects.is_empty() && (self.proven || touched);
        let candidates = if proof { suspects } else { &all };
        candidates.iter().copied().min_by_key(rank)
    }
}

#[cfg(test)]
mod tests;
