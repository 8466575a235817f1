//! What this node has to say in the log, until it is in a block.
//!
//! Whether something still needs to be said is read from the replicated state, so a message is
//! repeated until a block holds it, and never after; the same rule decides whether what a peer says
//! is worth a block.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use k256::ecdsa::SigningKey;
use wire::{
    codec,
    committee::Committee,
    limits::{NODE_TRANSACTION_BYTES, NODES, PENDING_INPUTS, RUNNING_COMPUTATIONS},
    node_transaction::{
        NodeMessage, NodeTransaction, OpenedComponent, SignedNodeTransaction, StopReason,
    },
    rpc::InputStatus,
    seal_keys::SignedSealKey,
    signing::{self, Signature},
};
use zk_contract_runtime::{Runtime, Stage};

/// Inputs in one message, at most: a tenth of a megabyte.
const INPUTS_PER_MESSAGE: usize = 3_000;
/// Requests to advance the time that wait, at most.
const ADVANCES: usize = 16;
/// Jobs of which there is something to say: all computations, and the making of some lots.
const JOBS: usize = 2 * RUNNING_COMPUTATIONS;
/// Room for what is around the messages of a node transaction.
const MARGIN_BYTES: usize = 64;

/// What a node has to say of an attempt of a job. There is one of each kind at most, of the latest
/// attempt, and the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Stop,
    Statement,
    Join,
    Ready,
    /// One component of an opening.
    Open(u8),
}

/// Everything that this node wants in the next block.
#[derive(Default)]
pub(crate) struct Outbox {
    held: BTreeSet<B256>,
    missing: BTreeSet<B256>,
    jobs: BTreeMap<(Kind, B256), (u32, NodeMessage)>,
    here: bool,
    seal_key: Option<(u64, SignedSealKey)>,
    signatures: BTreeMap<B256, Signature>,
    advances: BTreeMap<B256, u64>,
    signed: Option<SignedNodeTransaction>,
}

impl Outbox {
    /// The node holds its seeds of an input.
    pub(crate) fn hold(&mut self, input: B256) {
        self.missing.remove(&input);
        if self.held.len() < PENDING_INPUTS {
            self.held.insert(input);
        }
    }

    /// The node could not get its seeds of an input; ignored if it ever held them.
    pub(crate) fn miss(&mut self, input: B256) {
        if !self.held.contains(&input) && self.missing.len() < PENDING_INPUTS {
            self.missing.insert(input);
        }
    }

    /// The node takes part in an attempt.
    pub(crate) fn join(&mut self, job: B256, attempt: u32, nonce: B256) {
        let message = NodeMessage::Join {
            job,
            attempt,
            nonce,
        };
        self.of_job(Kind::Join, job, attempt, message);
    }

    /// An attempt stopped at the node; the first reason counts.
    pub(crate) fn stop(&mut self, job: B256, attempt: u32, reason: StopReason) {
        let message = NodeMessage::Stop {
            job,
            attempt,
            reason,
        };
        self.of_job(Kind::Stop, job, attempt, message);
    }

    /// What the node sent of a stream that is disputed.
    pub(crate) fn state(&mut self, job: B256, attempt: u32, digest: B256) {
        let message = NodeMessage::Statement {
            job,
            attempt,
            digest,
        };
        self.of_job(Kind::Statement, job, attempt, message);
    }

    /// The node has computed everything.
    pub(crate) fn ready(&mut self, job: B256, attempt: u32, commitments: [Option<B256>; NODES]) {
        let message = NodeMessage::Ready {
            job,
            attempt,
            commitments,
        };
        self.of_job(Kind::Ready, job, attempt, message);
    }

    /// The node opens a component: one message for each, so that every one fits.
    pub(crate) fn open(&mut self, job: B256, attempt: u32, component: OpenedComponent) {
        let kind = Kind::Open(component.component);
        let components = vec![component];
        self.of_job(kind, job, attempt, NodeMessage::Open { job, components });
    }

    fn of_job(&mut self, kind: Kind, job: B256, attempt: u32, message: NodeMessage) {
        let known = self.jobs.get(&(kind, job));
        let newer = known.is_none_or(|known| known.0 < attempt);
        let room = known.is_some() || self.jobs.len() < JOBS * (NODES + 4);
        if newer && room {
            self.jobs.insert((kind, job), (attempt, message));
        }
    }

    /// The node is back.
    pub(crate) const fn here(&mut self) {
        self.here = true;
    }

    /// The node has a sealing key for a key epoch.
    pub(crate) const fn seal_key(&mut self, epoch: u64, key: SignedSealKey) {
        self.seal_key = Some((epoch, key));
    }

    /// Whether it says its key for a key epoch.
    pub(crate) fn has_seal_key(&self, epoch: u64) -> bool {
        self.seal_key.is_some_and(|(known, _)| known == epoch)
    }

    /// The node signs an attestation.
    pub(crate) fn attest(&mut self, computation: B256, signature: Signature) {
        if self.signatures.len() < RUNNING_COMPUTATIONS {
            self.signatures.insert(computation, signature);
        }
    }

    /// Somebody wants time to move.
    pub(crate) fn advance_time(&mut self, request: B256, by_ms: u64) {
        if self.advances.len() < ADVANCES {
            self.advances.insert(request, by_ms);
        }
    }

    /// Drops what is in the log, word for word.
    pub(crate) fn said(&mut self, messages: &[NodeMessage]) {
        for message in messages {
            match message {
                NodeMessage::Hold { inputs } => {
                    for input in inputs {
                        self.held.remove(input);
                    }
                }
                NodeMessage::Missing { inputs } => {
                    for input in inputs {
                        self.missing.remove(input);
                    }
                }
                NodeMessage::Join { .. }
                | NodeMessage::Stop { .. }
                | NodeMessage::Statement { .. }
                | NodeMessage::Ready { .. }
                | NodeMessage::Open { .. } => {
                    self.jobs.retain(|_, (_, waiting)| waiting != message)
                }
                NodeMessage::Here => self.here = false,
                NodeMessage::SealKey { .. } => self.seal_key = None,
                NodeMessage::Attest { computation, .. } => {
                    self.signatures.remove(computation);
                }
                NodeMessage::AdvanceTime { request, .. } => {
                    self.advances.remove(request);
                }
            }
        }
    }

    /// Whether there is nothing to say.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
            && self.missing.is_empty()
            && self.jobs.is_empty()
            && !self.here
            && self.seal_key.is_none()
            && self.signatures.is_empty()
            && self.advances.is_empty()
    }

    /// Drops what need not be said any more.
    pub(crate) fn prune(&mut self, runtime: &Runtime, me: u8) {
        self.held
            .retain(|&input| vote_needed(runtime, me, input, true));
        self.missing
            .retain(|&input| vote_needed(runtime, me, input, false));
        self.jobs
            .retain(|_, (_, message)| job_needed(runtime, me, message));
        self.here &= runtime.is_away(me);
        let wanted = runtime.wants_seal_key(me);
        self.seal_key.take_if(|(epoch, _)| wanted != Some(*epoch));
        self.signatures
            .retain(|&id, _| signature_needed(runtime, me, id));
        self.advances
            .retain(|&request, _| advance_needed(runtime, request));
    }

    /// All of it as one signed transaction, as far as there is room; none if there is nothing to
    /// say. It is signed anew only when it has changed.
    pub(crate) fn transaction(
        &mut self,
        me: u8,
        key: &SigningKey,
        committee: &Committee,
    ) -> Option<&SignedNodeTransaction> {
        let messages = self.messages();
        if messages.is_empty() {
            self.signed = None;
            return None;
        }
        let same = |signed: &SignedNodeTransaction| signed.transaction.messages == messages;
        if !self.signed.as_ref().is_some_and(same) {
            let transaction = NodeTransaction { node: me, messages };
            self.signed = Some(transaction.sign(key, committee));
        }
        self.signed.as_ref()
    }

    fn messages(&self) -> Vec<NodeMessage> {
        let signatures = self.signatures.iter();
        let signatures = signatures.map(|(&computation, &signature)| NodeMessage::Attest {
            computation,
            signature,
        });
        let of_jobs = |long: bool| {
            let kept = self.jobs.iter();
            let kept = kept.filter(move |((kind, _), _)| matches!(kind, Kind::Open(_)) == long);
            kept.map(|(_, (_, message))| message.clone())
        };
        let here = self.here.then_some(NodeMessage::Here);
        let seal_key = self.seal_key.iter();
        let seal_key = seal_key.map(|&(epoch, key)| NodeMessage::SealKey { epoch, key });
        let advances = self.advances.iter();
        let advances =
            advances.map(|(&request, &by_ms)| NodeMessage::AdvanceTime { request, by_ms });
        let inputs = |set: &BTreeSet<B256>| -> Vec<_> {
            set.iter().take(INPUTS_PER_MESSAGE).copied().collect()
        };
        let (held, missing) = (inputs(&self.held), inputs(&self.missing));
        let held = (!held.is_empty()).then_some(NodeMessage::Hold { inputs: held });
        let missing = (!missing.is_empty()).then_some(NodeMessage::Missing { inputs: missing });

        let all = signatures
            .chain(here)
            .chain(seal_key)
            .chain(of_jobs(false))
            .chain(advances)
            .chain(missing)
            .chain(held)
            .chain(of_jobs(true));
        let mut room = NODE_TRANSACTION_BYTES - MARGIN_BYTES;
        let mut chosen = Vec::new();
        for message in all {
            let bytes = codec::encode(&message).len();
            if bytes <= room {
                room -= bytes;
                chosen.push(message);
            }
        }
        chosen
    }
}

/// Whether a transaction of a node says anything that the log does not have yet.
pub(crate) fn is_useful(runtime: &Runtime, transaction: &NodeTransaction) -> bool {
    let node = transaction.node;
    transaction.messages.iter().any(|message| match message {
        NodeMessage::Hold { inputs } => inputs
            .iter()
            .any(|&input| vote_needed(runtime, node, input, true)),
        NodeMessage::Missing { inputs } => inputs
            .iter()
            .any(|&input| vote_needed(runtime, node, input, false)),
        NodeMessage::Join { .. }
        | NodeMessage::Stop { .. }
        | NodeMessage::Statement { .. }
        | NodeMessage::Ready { .. }
        | NodeMessage::Open { .. } => job_needed(runtime, node, message),
        NodeMessage::Here => runtime.is_away(node),
        NodeMessage::SealKey { epoch, key } => {
            runtime.wants_seal_key(node) == Some(*epoch)
                && key.verify(*epoch, node, runtime.committee()).is_ok()
        }
        NodeMessage::Attest {
            computation,
            signature,
        } => {
            signature_needed(runtime, node, *computation)
                && is_signature(runtime, node, *computation, signature)
        }
        NodeMessage::AdvanceTime { request, .. } => advance_needed(runtime, *request),
    })
}

/// Whether an input is without a verdict.
pub(crate) fn is_undecided(runtime: &Runtime, input: B256) -> bool {
    runtime
        .input(input)
        .is_some_and(|info| info.status == InputStatus::Ordered)
}

fn vote_needed(runtime: &Runtime, node: u8, input: B256, holds: bool) -> bool {
    let said = runtime.vote(input, node);
    let news = if holds {
        said != Some(true)
    } else {
        said.is_none()
    };
    news && is_undecided(runtime, input)
}

/// Whether what a node says of a job counts, and is not in the log.
fn job_needed(runtime: &Runtime, node: u8, message: &NodeMessage) -> bool {
    let stage = |id: &B256, attempt: &u32| {
        let job = runtime.job(*id)?;
        (job.attempt == *attempt && job.absent != Some(node)).then_some(job.stage)
    };
    match message {
        NodeMessage::Join { job, attempt, .. } => {
            stage(job, attempt) == Some(Stage::Joining) && runtime.joined(*job, node).is_none()
        }
        NodeMessage::Stop {
            job,
            attempt,
            reason,
        } => match stage(job, attempt) {
            Some(Stage::Joining) => *reason == StopReason::Local,
            Some(Stage::Running { .. }) => true,
            _ => false,
        },
        NodeMessage::Statement { job, attempt, .. } => {
            stage(job, attempt).is_some() && runtime.wants_statement(*job, node)
        }
        NodeMessage::Ready { job, attempt, .. } => {
            matches!(stage(job, attempt), Some(Stage::Running { .. }))
                && !runtime.posted_ready(*job, node)
        }
        NodeMessage::Open { job, components } => {
            components.iter().any(|opened| runtime.opens(*job, opened))
        }
        _ => false,
    }
}

fn signature_needed(runtime: &Runtime, node: u8, computation: B256) -> bool {
    !runtime.posted_signature(computation, node) && runtime.attestation(computation).is_some()
}

/// Whether a node signed the attestation of a computation with this.
fn is_signature(runtime: &Runtime, node: u8, computation: B256, signature: &Signature) -> bool {
    let committee = runtime.committee();
    let (Some(attestation), Some(node)) = (
        runtime.attestation(computation),
        committee.nodes.get(usize::from(node)),
    ) else {
        return false;
    };
    let digest = attestation.digest(&committee.l1);
    signing::recover("attestation", digest, signature) == Ok(node.address)
}

fn advance_needed(runtime: &Runtime, request: B256) -> bool {
    runtime.committee().dev && !runtime.time_request_applied(request)
}

#[cfg(test)]
mod tests;
