//! Nodes of a [`World`] that fail: stopped ones, and one that lies in computations.

use std::collections::BTreeSet;

use mpc_engine::local;
use wire::limits::NODES;

use super::World;
use crate::nodes::Real;

/// How the nodes do.
#[derive(Default)]
pub(super) struct Nodes {
    failing: Option<(u8, Fault)>,
    suspects: BTreeSet<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Stopped,
    Lies,
}

impl Nodes {
    fn fail(&mut self, node: usize, fault: Fault) {
        let failing = self.failing.map(|(other, _)| usize::from(other));
        assert!(
            failing.is_none_or(|other| other == node),
            "node {failing:?} fails already, and a cluster bears one: start that one first"
        );
        self.failing = Some((number(node), fault));
    }

    /// As the parties of a computation.
    pub(super) fn faults(&self) -> local::Faults {
        let with = |fault| {
            self.failing
                .filter(|(_, f)| *f == fault)
                .map(|(node, _)| node)
        };
        local::Faults {
            stopped: with(Fault::Stopped),
            liar: with(Fault::Lies),
        }
    }

    /// Whoever is in all pairs of a computation is suspected.
    pub(super) fn blame(&mut self, pairs: &[[u8; 2]]) {
        let blamed = (0..4).filter(|node| pairs.iter().all(|pair| pair.contains(node)));
        if !pairs.is_empty() {
            self.suspects.extend(blamed);
        }
    }

    /// A computation ran in clear, in which nobody can be told from the others.
    pub(super) fn blame_liar(&mut self) {
        self.suspects.extend(self.faults().liar);
    }
}

/// # Panics
/// There is no such node.
#[expect(clippy::panic, reason = "a mistake in the test")]
fn number(node: usize) -> u8 {
    if node >= NODES {
        panic!("there are nodes 0 to {}, and no node {node}", NODES - 1);
    }
    node as u8
}

impl<C> World<C> {
    /// Stops a node. The others go on without it: three of four are enough for everything.
    ///
    /// # Panics
    /// There is no such node, or another one fails.
    pub fn stop_node(&mut self, node: usize) {
        self.nodes.fail(node, Fault::Stopped);
        if let Some(real) = &self.real {
            real.stop(node);
        }
    }

    /// From now on a node lies in computations, until it is stopped or started: it alters what it sends.
    /// The result is right all the same, and [`Self::suspects`] has the node when a computation has ended.
    ///
    /// # Panics
    /// There is no such node, or another one fails.
    pub fn tamper(&mut self, node: usize) {
        self.nodes.fail(node, Fault::Lies);
        if let Some(real) = &self.real {
            real.tamper(node);
        }
    }

    /// Starts a node that was stopped, or that lied, as an honest one.
    ///
    /// # Panics
    /// There is no such node.
    pub fn start_node(&mut self, node: usize) {
        let failing = number(node);
        self.nodes.failing.take_if(|(other, _)| *other == failing);
        if let Some(real) = &self.real {
            real.start(node);
        }
    }

    /// The nodes that may have lied in computations so far. Where two nodes contradict each other, one
    /// of them lied, and both are here unless more is known; none is where nobody lied.
    #[must_use]
    pub fn suspects(&self) -> BTreeSet<usize> {
        let mut found = Nodes::default();
        for pairs in self.real.iter().flat_map(Real::contradictions) {
            found.blame(&pairs);
        }
        let suspects = self.nodes.suspects.union(&found.suspects);
        suspects.map(|node| usize::from(*node)).collect()
    }
}
