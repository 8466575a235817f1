//! Sessions of computations, each on its own worker.
//!
//! A worker is a thread that collects its shares, waits for the workers of the same session at the
//! other nodes, and then alternates between the engine's step (its own CPU time) and the exchange
//! of one frame for each link ([`exchange`]). Nothing of a session is stored: whatever interrupts
//! it ends it, and the log starts another attempt with fresh keys.

pub mod exchange;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::Bytes;
use mpc_engine::{InputCollector, PartyInputs, Program, Session, SessionBinding, Step};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;
use wire::{kind::InputType, node_transaction::StopReason, sealed::SealedInput};

use crate::{
    config::Membership,
    filter::FrameFilter,
    keys,
    network::sessions::{SessionId, SessionLinks},
    storage::seed_box::HeldSeeds,
};
use exchange::Links;

/// Seeds of inputs, in the order asked for; an element is missing if it could not be had in time.
pub type SeedsAnswer = oneshot::Receiver<Vec<Option<HeldSeeds>>>;

/// What a worker needs.
pub struct Assignment {
    /// The session.
    pub id: SessionId,
    /// How long to wait before it starts.
    pub delay: Duration,
    /// What to run.
    pub program: Arc<Program>,
    /// The inputs in ordering order, with the number of their type.
    pub inputs: Vec<(u32, Arc<SealedInput>)>,
    /// The input types that it reads, by number.
    pub types: Vec<(u32, InputType)>,
    /// This node's seeds of the inputs.
    pub seeds: SeedsAnswer,
}

/// What all workers of a node share.
#[derive(Clone)]
pub struct Workers {
    /// The committee and this node's place in it.
    pub membership: Arc<Membership>,
    /// Makes links to the other nodes' workers.
    pub links: SessionLinks,
    /// How long to wait for a peer in one round.
    pub round_timeout: Duration,
    /// The seam for tests.
    pub filter: Arc<dyn FrameFilter>,
    /// Where asynchronous parts run.
    pub runtime: Handle,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a result: the opened values.
    Done(Bytes),
    /// Without one.
    Stopped(StopReason),
    /// It was called off.
    Cancelled,
}

impl From<StopReason> for Outcome {
    fn from(reason: StopReason) -> Self {
        Self::Stopped(reason)
    }
}

impl Workers {
    /// Starts a worker; `done` is called on its thread when it ends.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        &self,
        assignment: Assignment,
        cancelled: CancellationToken,
        done: impl FnOnce(SessionId, Outcome) + Send + 'static,
    ) -> std::io::Result<()> {
        let workers = self.clone();
        let id = assignment.id;
        let name = format!("session-{}", hex::encode(&id.computation[..4]));
        let thread = std::thread::Builder::new().name(name);
        thread.spawn(move || {
            let metrics = workers.links.metrics();
            metrics.sessions_started.inc();
            let started = std::time::Instant::now();
            // Whatever breaks breaks this attempt only, and is said in the log like any other stop.
            let session = AssertUnwindSafe(|| workers.run(assignment, &cancelled));
            let outcome = match catch_unwind(session) {
                Ok(Ok(outcome) | Err(outcome)) => outcome,
                Err(_) => StopReason::Local.into(),
            };
            let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            match &outcome {
                Outcome::Done(_) => {
                    metrics.sessions_done.inc();
                    tracing::info!(computation = %id.computation, attempt = id.attempt, elapsed_ms,
                        "session done");
                }
                Outcome::Stopped(reason) => {
                    metrics.sessions_stopped.inc();
                    tracing::warn!(computation = %id.computation, attempt = id.attempt, elapsed_ms,
                        ?reason, "session stopped");
                }
                Outcome::Cancelled => {
                    tracing::debug!(computation = %id.computation, "session called off");
                }
            }
            done(id, outcome);
        })?;
        Ok(())
    }

    /// The whole session, on the worker's thread.
    fn run(
        &self,
        assignment: Assignment,
        cancelled: &CancellationToken,
    ) -> Result<Outcome, Outcome> {
        let Assignment {
            id,
            delay,
            program,
            inputs,
            types,
            seeds,
        } = assignment;
        let seeds = self.wait(cancelled, async move {
            tokio::time::sleep(delay).await;
            seeds.await.map_err(|_| StopReason::Local)
        })?;
        let shares = self.collect(&program, &types, &inputs, seeds)?;
        drop(inputs);
        let mut links = self.wait(cancelled, self.link(id))?;
        let outcome = self.rounds(id, program, shares, &mut links, cancelled);
        links.close(&self.runtime, matches!(outcome, Ok(Outcome::Done(_))));
        outcome
    }

    /// Waits on the worker's thread, unless the session is called off.
    fn wait<T>(
        &self,
        cancelled: &CancellationToken,
        future: impl Future<Output = Result<T, StopReason>>,
    ) -> Result<T, Outcome> {
        self.runtime.block_on(async {
            tokio::select! {
                () = cancelled.cancelled() => Err(Outcome::Cancelled),
                result = future => result.map_err(Outcome::from),
            }
        })
    }

    fn collect(
        &self,
        program: &Program,
        types: &[(u32, InputType)],
        inputs: &[(u32, Arc<SealedInput>)],
        seeds: Vec<Option<HeldSeeds>>,
    ) -> Result<PartyInputs, StopReason> {
        let collect = || {
            let mut collector = InputCollector::new(self.membership.me, program, types)?;
            for ((input_type, sealed), seeds) in inputs.iter().zip(&seeds) {
                let seeds = seeds.as_ref().unwrap_or(&[const { None }; 4]);
                collector.push(*input_type, &sealed.masked, seeds)?;
            }
            collector.finish()
        };
        collect().map_err(|error: mpc_engine::EngineError| {
            tracing::warn!(%error, "the shares of a computation are not complete");
            StopReason::Local
        })
    }

    /// Links to the workers at all three peers. Whoever is not there in time is silent.
    async fn link(&self, id: SessionId) -> Result<Links, StopReason> {
        let linking = self.membership.others().map(|peer| async move {
            let linked = timeout(self.round_timeout, self.links.link(peer, id)).await;
            match linked {
                Ok(stream) => Ok((peer, stream)),
                Err(_) => Err(StopReason::Silence { peer }),
            }
        });
        let streams = futures::future::try_join_all(linking).await?;
        Ok(Links::new(id, streams, self))
    }

    fn rounds(
        &self,
        id: SessionId,
        program: Arc<Program>,
        shares: PartyInputs,
        links: &mut Links,
        cancelled: &CancellationToken,
    ) -> Result<Outcome, Outcome> {
        let committee = &self.membership.committee;
        let binding = SessionBinding {
            chain_id: committee.chain_id,
            epoch: committee.epoch,
            computation: id.computation.0,
            attempt: id.attempt,
        };
        let entropy = keys::random().map_err(|_| StopReason::Local)?;
        let started = Session::start(self.membership.me, binding, program, shares, entropy);
        let (mut session, first) = started.map_err(|error| {
            tracing::error!(%error, "a session cannot start");
            StopReason::Local
        })?;
        let mut outgoing = VecDeque::from([first]);
        for round in 0u32.. {
            let frames = outgoing.pop_front().ok_or(StopReason::Local)?;
            let incoming = self.wait(cancelled, links.exchange(round, frames))?;
            let step = session.step(incoming).map_err(|stop| {
                tracing::warn!(computation = %id.computation, round, %stop, "the engine stopped");
                StopReason::from(stop)
            })?;
            match step {
                Step::Done(opened) => {
                    return Ok(Outcome::Done(Bytes::copy_from_slice(opened.encoded())));
                }
                Step::Continue(next, rounds) => {
                    session = next;
                    outgoing.extend(rounds);
                }
            }
        }
        Err(StopReason::Local.into())
    }
}

#[cfg(test)]
mod tests;
