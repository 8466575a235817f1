//! What this node has to say in the log, until it is in a block.
//!
//! Whether something still needs to be said is read from the replicated state, so a message is
//! repeated until a block holds it, and never after; the same rule decides whether what a peer says
//! is worth a block.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, Bytes};
use k256::ecdsa::SigningKey;
use wire::{
    codec,
    committee::Committee,
    limits::{NODE_TRANSACTION_BYTES, PENDING_INPUTS, RUNNING_COMPUTATIONS},
    node_transaction::{NodeMessage, NodeTransaction, SignedNodeTransaction, StopReason},
    rpc::InputStatus,
    signing::{self, Signature},
};
use zk_contract_runtime::Runtime;

/// Inputs in one message, at most: a tenth of a megabyte.
const INPUTS_PER_MESSAGE: usize = 3_000;
/// Requests to advance the time that wait, at most.
const ADVANCES: usize = 16;
/// Room for what is around the messages of a node transaction.
const MARGIN_BYTES: usize = 64;

/// Everything that this node wants in the next block.
#[derive(Default)]
pub(crate) struct Outbox {
    held: BTreeSet<B256>,
    missing: BTreeSet<B256>,
    results: BTreeMap<B256, Bytes>,
    stops: BTreeMap<B256, (u32, StopReason)>,
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

    /// The node opened these values.
    pub(crate) fn result(&mut self, computation: B256, opened: Bytes) {
        if self.results.len() < RUNNING_COMPUTATIONS {
            self.results.insert(computation, opened);
        }
    }

    /// An attempt stopped at the node; the first reason counts.
    pub(crate) fn stop(&mut self, computation: B256, attempt: u32, reason: StopReason) {
        if self.stops.len() >= RUNNING_COMPUTATIONS {
            return;
        }
        let stop = self
            .stops
            .entry(computation)
            .or_insert((attempt, reason.clone()));
        if stop.0 < attempt {
            *stop = (attempt, reason);
        }
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
                NodeMessage::Result {
                    computation,
                    opened,
                } => {
                    if self.results.get(computation) == Some(opened) {
                        self.results.remove(computation);
                    }
                }
                NodeMessage::Stop {
                    computation,
                    attempt,
                    ..
                } => {
                    if self
                        .stops
                        .get(computation)
                        .is_some_and(|stop| stop.0 == *attempt)
                    {
                        self.stops.remove(computation);
                    }
                }
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
            && self.results.is_empty()
            && self.stops.is_empty()
            && self.signatures.is_empty()
            && self.advances.is_empty()
    }

    /// Drops what need not be said any more.
    pub(crate) fn prune(&mut self, runtime: &Runtime, me: u8) {
        self.held
            .retain(|&input| vote_needed(runtime, me, input, true));
        self.missing
            .retain(|&input| vote_needed(runtime, me, input, false));
        self.results.retain(|&id, _| result_needed(runtime, me, id));
        self.stops
            .retain(|&id, &mut (attempt, _)| stop_needed(runtime, me, id, attempt));
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
        let results = self.results.iter();
        let results = results.map(|(&computation, opened)| NodeMessage::Result {
            computation,
            opened: opened.clone(),
        });
        let stops = self.stops.iter();
        let stops = stops.map(|(&computation, (attempt, reason))| NodeMessage::Stop {
            computation,
            attempt: *attempt,
            reason: reason.clone(),
        });
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
            .chain(stops)
            .chain(advances)
            .chain(missing)
            .chain(held)
            .chain(results);
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
        NodeMessage::Result {
            computation,
            opened,
        } => runtime.takes_result(*computation, node, opened),
        NodeMessage::Stop {
            computation,
            attempt,
            ..
        } => stop_needed(runtime, node, *computation, *attempt),
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

fn result_needed(runtime: &Runtime, node: u8, computation: B256) -> bool {
    runtime.posted_result(computation, node).is_none() && runtime.job(computation).is_some()
}

fn stop_needed(runtime: &Runtime, node: u8, computation: B256, attempt: u32) -> bool {
    !runtime.posted_stop(computation, node)
        && runtime
            .job(computation)
            .is_some_and(|job| job.attempt == attempt)
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
