//! What honest nodes say about jobs.

use alloy_primitives::{B256, Bytes};
use mpc_engine::{Opening, commitment};
use wire::node_transaction::{NodeMessage, OpenedComponent, StopReason};

use super::*;
use crate::Stage;

/// The nonce of a node for an attempt.
pub(crate) fn nonce(node: u8, attempt: u32) -> B256 {
    let mut nonce = B256::repeat_byte(0x90 + node);
    nonce.0[28..].copy_from_slice(&attempt.to_be_bytes());
    nonce
}

/// The bytes that opening these numbers gives.
pub(crate) fn opened(values: &[u64]) -> Bytes {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Components that add up to numbers, and what blinds them.
pub(crate) fn openings(values: &[u64]) -> [Opening; 4] {
    std::array::from_fn(|c| {
        // All components depend on all numbers.
        let key: u64 = values.iter().fold(7, |key, v| key.wrapping_mul(31) + v);
        let part = |(i, value): (usize, &u64)| {
            let mask = |c: usize| (key + c as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15 + i as u64);
            let others: u64 = (1..4).map(mask).fold(0, u64::wrapping_add);
            match c {
                0 => value.wrapping_sub(others),
                c => mask(c),
            }
        };
        Opening {
            blinding: [c as u8 + 1; 32],
            value: values
                .iter()
                .enumerate()
                .flat_map(|v| part(v).to_le_bytes())
                .collect(),
        }
    })
}

/// What a node that has computed these numbers says.
pub(crate) fn ready(job: B256, attempt: u32, node: u8, values: &[u64]) -> NodeMessage {
    let openings = openings(values);
    let commitments = std::array::from_fn(|c| {
        let commitment = commitment(&job.0, attempt, c as u8, &openings[c]);
        (c != usize::from(node)).then_some(commitment.into())
    });
    NodeMessage::Ready {
        job,
        attempt,
        commitments,
    }
}

/// Some components of these numbers, opened.
pub(crate) fn open(job: B256, components: &[u8], values: &[u64]) -> NodeMessage {
    let openings = openings(values);
    let opened = |c: &u8| {
        let opening = &openings[usize::from(*c)];
        OpenedComponent {
            component: *c,
            blinding: opening.blinding.into(),
            value: opening.value.clone().into(),
        }
    };
    let components = components.iter().map(opened).collect();
    NodeMessage::Open { job, components }
}

pub(crate) fn stop(job: B256, attempt: u32, reason: StopReason) -> NodeMessage {
    NodeMessage::Stop {
        job,
        attempt,
        reason,
    }
}

pub(crate) fn silence(job: B256, attempt: u32, peer: u8) -> NodeMessage {
    stop(job, attempt, StopReason::Silence { peer })
}

impl Chain {
    /// The current attempt of a job: its number, and who takes part.
    pub(crate) fn attempt(&self, job: B256) -> (u32, Vec<u8>) {
        let current = self.runtime.job(job);
        let current = current.unwrap_or_else(|| panic!("{:?}", self.runtime.computation(job)));
        let live = (0..4)
            .filter(|node| current.absent != Some(*node))
            .collect();
        (current.attempt, live)
    }

    /// A block in which nodes say one thing each.
    pub(crate) fn say(&mut self, messages: Vec<(u8, NodeMessage)>) -> Applied {
        let messages = messages.into_iter();
        let messages = messages.map(|(node, message)| (node, vec![message]));
        self.block(messages.collect(), vec![])
    }

    /// A block in which these nodes join the current attempt.
    pub(crate) fn join(&mut self, job: B256, nodes: &[u8]) -> Applied {
        let (attempt, _) = self.attempt(job);
        let join = |node: &u8| {
            let nonce = nonce(*node, attempt);
            let message = NodeMessage::Join {
                job,
                attempt,
                nonce,
            };
            (*node, message)
        };
        self.say(nodes.iter().map(join).collect())
    }

    /// A block in which all join that take part.
    pub(crate) fn join_all(&mut self, job: B256) -> Applied {
        let (_, live) = self.attempt(job);
        let applied = self.join(job, &live);
        let stage = self.runtime.job(job).unwrap().stage;
        assert!(matches!(stage, Stage::Running { .. }), "{stage:?}");
        applied
    }

    /// A block in which these nodes are ready with numbers.
    pub(crate) fn ready(&mut self, job: B256, nodes: &[u8], values: &[u64]) -> Applied {
        let (attempt, _) = self.attempt(job);
        let ready = |node: &u8| (*node, ready(job, attempt, *node, values));
        self.say(nodes.iter().map(ready).collect())
    }

    /// Runs the current attempt until the result is in the log.
    pub(crate) fn complete(&mut self, job: B256, values: &[u64]) -> Applied {
        self.join_all(job);
        let (_, live) = self.attempt(job);
        self.ready(job, &live[..3], values);
        self.say(vec![
            (0, open(job, &[1, 2, 3], values)),
            (1, open(job, &[0], values)),
        ])
    }

    /// Lets time pass in an empty block.
    pub(crate) fn pass(&mut self, by_ms: u64) -> Applied {
        let mut block = self.next(vec![], vec![]);
        block.header.time_ms = self.time_ms + by_ms;
        self.accept(&block).unwrap()
    }

    /// A block when the state says that one is due.
    pub(crate) fn pass_until_due(&mut self) -> Applied {
        let due_ms = self.runtime.next_due_ms().unwrap();
        assert!(due_ms > self.time_ms, "{due_ms} has passed");
        self.pass(due_ms - self.time_ms)
    }

    /// Has a lot of the reserve made.
    pub(crate) fn fill(&mut self) -> u64 {
        let produces = |chain: &Self| {
            let jobs = chain.runtime.jobs().into_iter();
            let jobs = jobs.filter_map(|job| Some((job, chain.runtime.job(job)?.task)));
            let mut lots = jobs.filter_map(|(job, task)| match task {
                crate::JobTask::Produce { lot, .. } => Some((job, lot)),
                crate::JobTask::Compute { .. } | crate::JobTask::Refresh { .. } => None,
            });
            lots.next()
        };
        if produces(self).is_none() {
            self.pass_until_due();
        }
        let (job, lot) = produces(self).unwrap();
        self.join_all(job);
        let (_, live) = self.attempt(job);
        let applied = self.ready(job, &live, &[lot]);
        assert!(applied.events.contains(&Event::LotAvailable { lot }));
        lot
    }
}
