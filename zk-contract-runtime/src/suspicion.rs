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
    limits::{CONTRADICTIONS, NODES},
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
    /// The pairs of all contradictions so far.
    proven: BTreeSet<Pair>,
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

    /// Keeps a contradiction, unless there are many of its pair.
    pub(crate) fn contradict(&mut self, contradiction: Contradiction) {
        let pair = contradiction.pair;
        self.proven.insert(pair);
        let same = self.contradictions.iter().filter(|c| c.pair == pair);
        if same.count() < CONTRADICTIONS / PAIRS {
            self.contradictions.push(contradiction);
        }
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
        let in_all = |node: &u8| self.proven.iter().all(|pair| pair.contains(node));
        (0..NODES as u8).filter(in_all).collect()
    }

    /// The node that must be corrupt, if only one is.
    pub(crate) fn convicted(&self) -> Option<u8> {
        match self.suspects()[..] {
            [node] => Some(node),
            _ => None,
        }
    }

    /// The node without which any attempt is made, if there is one.
    pub(crate) fn out(&self) -> Option<u8> {
        self.convicted().or_else(|| self.away.last().copied())
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

    /// The pairs that stops have named, in order.
    pub(crate) fn pairs(&self) -> Vec<Pair> {
        let pairs: BTreeSet<_> = self.pairs.iter().map(|(pair, _)| *pair).collect();
        pairs.into_iter().collect()
    }

    /// Who is left out next, if nobody is convicted or away; nobody if nothing has been stopped.
    /// `suspects` are those of [`Standing::suspects`].
    ///
    /// Who named itself is left out, also if it is there again: else it could do so for ever. Else
    /// whoever was not left out yet, or the longest ago, comes first; among those the members of
    /// the last pair, then who is in most pairs, then the accused. If something is proven, only
    /// suspects are left out.
    pub(crate) fn next(&self, suspects: &[u8]) -> Option<u8> {
        let innocent = |node: &u8| !suspects.is_empty() && !suspects.contains(node);
        if let Some(node) = self.alone.filter(|node| !innocent(node)) {
            return Some(node);
        }
        let (last, accused) = self.pairs.last()?;
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
