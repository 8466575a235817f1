//! The processes of real nodes: their end, their start, and their clock.

use std::{collections::BTreeSet, path::Path};

use alloy_primitives::B256;
use quartet::Time;

use super::{Real, must, until};

/// The most by which the clock is moved on at once, in seconds.
const LONGEST_ADVANCE: u64 = 300_000_000;

impl Real {
    pub(crate) fn time(&self) -> Time {
        must("asking for the time", self.wait(self.client.status())).time
    }

    /// Lets time pass until then, at every node that runs.
    pub(crate) fn advance_to(&self, time: Time) {
        // A step tells the time of the next block: the newest block's is still the old one.
        let mut now = self.time();
        while now < time {
            let step = (time - now).min(LONGEST_ADVANCE);
            let moved = self.wait(self.client.advance_time(step));
            now = must("letting time pass", moved);
        }
        let all = self.direct.iter().enumerate();
        for (_, client) in all.filter(|(node, _)| self.cluster.process_id(*node).is_some()) {
            self.wait(until("a node to get there in time", async || {
                let status = client.status().await;
                status.is_ok_and(|status| status.time >= time)
            }));
        }
    }

    pub(crate) fn stop(&self, node: usize) {
        must("stopping a node", self.cluster.stop(node));
    }

    pub(crate) fn start(&self, node: usize) {
        self.replace(node, &self.programs[0], &[]);
    }

    pub(crate) fn tamper(&self, node: usize) {
        let lies = ["--behaviour", "flip", "--from-round", "3"];
        self.replace(node, &self.programs[1], &lies);
    }

    /// Starts another program in a node's place, and waits until it has caught up.
    fn replace(&self, node: usize, program: &Path, arguments: &[&str]) {
        let arguments = arguments.iter().copied().map(String::from).collect();
        let replaced = self
            .cluster
            .replace_program(node, program.into(), arguments);
        must("replacing a node", replaced);
        self.wait(async {
            must("starting a node", self.cluster.restart(node).await);
            let block = must("asking for the block", self.client.block_number().await);
            until("a node to catch up", async || {
                let own = self.direct[node].block_number().await;
                own.is_ok_and(|own| own >= block)
            })
            .await;
        });
    }

    /// Pairs of nodes that contradict each other, by computation.
    pub(crate) fn contradictions(&self) -> Vec<Vec<[u8; 2]>> {
        let status = must("asking for contradictions", self.wait(self.client.status()));
        let jobs: BTreeSet<B256> = status
            .contradictions
            .iter()
            .map(|found| found.job)
            .collect();
        let of = |job: &B256| {
            let found = status
                .contradictions
                .iter()
                .filter(|found| found.job == *job);
            found.map(|found| found.pair).collect()
        };
        jobs.iter().map(of).collect()
    }
}
