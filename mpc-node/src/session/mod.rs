//! Sessions of computations, each on its own worker.
//!
//! A worker is a thread that collects its shares, waits for the workers of the same session at the
//! other nodes, and then alternates between the engine's step and the exchange of frames, both on
//! its own time ([`driver`], [`exchange`]). Nothing of a session is stored: whatever interrupts it
//! ends it, and the log starts another attempt with fresh keys.

pub mod driver;
pub mod exchange;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::Bytes;
use mpc_engine::{InputCollector, PartyInputs, Program, SessionBinding};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;
use wire::{kind::InputType, node_transaction::StopReason, sealed::SealedInput};

use crate::{
    config::Membership,
    storage::seed_box::HeldSeeds,
    transport::{connection::Connection, sessions::SessionId},
};
use driver::{Driver, Progress};
use exchange::{Exchange, Links};

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
    /// How workers exchange frames with those of the other nodes.
    pub exchange: Exchange,
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
            let metrics = workers.exchange.sessions.metrics();
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
        let connections = self.wait(cancelled, self.link(id))?;
        let token = cancelled.clone();
        let mut links = Links::new(id, connections, &self.exchange, token, &self.runtime)?;
        let outcome = self.rounds(id, program, shares, &mut links);
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

    /// Connections to the workers at all three peers. Whoever is not there in time is silent.
    async fn link(&self, id: SessionId) -> Result<Vec<(u8, Connection)>, StopReason> {
        let Exchange {
            sessions,
            round_timeout,
            ..
        } = &self.exchange;
        let linking = self.membership.others().map(|peer| async move {
            let linked = timeout(*round_timeout, sessions.link(peer, id)).await;
            match linked {
                Ok(connection) => Ok((peer, connection)),
                Err(_) => Err(StopReason::Silence { peer }),
            }
        });
        futures::future::try_join_all(linking).await
    }

    fn rounds(
        &self,
        id: SessionId,
        program: Arc<Program>,
        shares: PartyInputs,
        links: &mut Links,
    ) -> Result<Outcome, Outcome> {
        let committee = &self.membership.committee;
        let binding = SessionBinding {
            chain_id: committee.chain_id,
            epoch: committee.epoch,
            computation: id.computation.0,
            attempt: id.attempt,
        };
        let mut driver = Driver::start(self.membership.me, binding, program, shares, links)?;
        loop {
            match driver.round(links)? {
                Progress::Running(next) => driver = next,
                Progress::Done(opened) => {
                    return Ok(Outcome::Done(Bytes::copy_from_slice(opened.encoded())));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
