//! Sessions of jobs, each on its own worker.
//!
//! A worker is a thread that gets ready for an attempt ([`supplies`]), draws a nonce, waits until the
//! log has the nonces of all who take part, links with their workers, and then alternates between the
//! engine's step and the exchange of frames, both on its own time ([`driver`], [`exchange`]). The
//! nonce is only in its memory, and so is the session: whatever interrupts it ends it, and the log
//! starts another attempt. What it has made is on disk before the worker says so.

pub mod driver;
pub mod exchange;
pub mod refresh;
pub mod supplies;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use alloy_primitives::B256;
use futures::future::BoxFuture;
use mpc_engine::{LotShares, Outputs, RefreshKey, SessionBinding, Task, Transcript};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;
use wire::{limits::NODES, node_transaction::StopReason, results};

use crate::{
    NodeError,
    config::Membership,
    keys,
    storage::{
        lots::{LotStore, Piece},
        outputs::OutputStore,
        results::ResultStore,
    },
    transport::{
        connection::Connection,
        sessions::{Reach, SessionId},
    },
};
use driver::{Driver, Progress};
use exchange::{Exchange, Links};
use refresh::Refresh;
use supplies::{Bases, Supplied};

/// The nonces of an attempt, by party number; zero for who is absent.
pub type Nonces = [B256; NODES];

/// What a worker is to do.
pub struct Assignment {
    /// The session.
    pub id: SessionId,
    /// Party number of the node that the attempt does without.
    pub absent: Option<u8>,
    /// Number of the lot that is made, if one is.
    pub lot: Option<u64>,
    /// What is shared anew, if that is the task.
    pub refresh: Option<Refresh>,
    /// Gets what is to be computed, and on what.
    pub task: BoxFuture<'static, Result<Supplied, StopReason>>,
    /// The nonces, once the log has them all, and this worker's among them.
    pub go: oneshot::Receiver<Nonces>,
}

/// What all workers of a node share.
#[derive(Clone)]
pub struct Workers {
    /// The committee and this node's place in it.
    pub membership: Arc<Membership>,
    /// How workers exchange frames with those of the other nodes.
    pub exchange: Exchange,
    /// Where outputs are kept that are not open yet.
    pub outputs: OutputStore,
    /// Where base seeds of secret results are kept.
    pub results: ResultStore,
    /// Where lots of the reserve are kept.
    pub lots: LotStore,
    /// Where asynchronous parts run.
    pub runtime: Handle,
}

/// What a worker says.
#[derive(Debug)]
pub enum Report {
    /// It is ready, and has drawn this nonce.
    Prepared(B256),
    /// It has ended.
    Ended(Outcome, Option<Transcript>),
}

/// By component: the commitment to it, or the hash of it; none for the one that this party lacks.
pub type Commitments = [Option<B256>; NODES];

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With something that is on disk now.
    Ready(Box<Commitments>),
    /// Without.
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
    /// Starts a worker; `report` is called on its thread, at last when it ends.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        &self,
        assignment: Assignment,
        cancelled: CancellationToken,
        mut report: impl FnMut(SessionId, Report) + Send + 'static,
    ) -> std::io::Result<()> {
        let workers = self.clone();
        let id = assignment.id;
        let name = format!("session-{}", hex::encode(&id.job[..4]));
        let thread = std::thread::Builder::new().name(name);
        thread.spawn(move || {
            let mut transcript = None;
            // Whatever breaks breaks this attempt only, and is said in the log like any other stop.
            let session = AssertUnwindSafe(|| {
                let prepared = |nonce| report(id, Report::Prepared(nonce));
                workers.run(assignment, &cancelled, prepared, &mut transcript)
            });
            let outcome = match catch_unwind(session) {
                Ok(Ok(outcome) | Err(outcome)) => outcome,
                Err(_) => StopReason::Local.into(),
            };
            let metrics = workers.exchange.sessions.metrics();
            match &outcome {
                Outcome::Ready(_) => metrics.sessions_done.inc(),
                Outcome::Stopped(reason) => {
                    metrics.sessions_stopped.inc();
                    tracing::warn!(job = %id.job, attempt = id.attempt, ?reason, "session stopped");
                    0
                }
                Outcome::Cancelled => {
                    tracing::debug!(job = %id.job, attempt = id.attempt, "session called off");
                    0
                }
            };
            report(id, Report::Ended(outcome, transcript));
        })?;
        Ok(())
    }

    /// The whole of it, on the worker's thread.
    fn run(
        &self,
        assignment: Assignment,
        cancelled: &CancellationToken,
        prepared: impl FnOnce(B256),
        transcript: &mut Option<Transcript>,
    ) -> Result<Outcome, Outcome> {
        let Assignment {
            id,
            absent,
            lot,
            refresh,
            task,
            go,
        } = assignment;
        let Supplied { task, bases } = self.wait(cancelled, task)?;
        let reaches = self.reaches(absent);
        let nonce = keys::random().map_err(|_| StopReason::Local)?;
        prepared(B256::from(*nonce));
        let nonces = self.runtime.block_on(async {
            tokio::select! {
                () = cancelled.cancelled() => Err(Outcome::Cancelled),
                nonces = go => nonces.map_err(|_| Outcome::Cancelled),
            }
        })?;
        let metrics = self.exchange.sessions.metrics();
        metrics.session_started(absent.is_some());
        let started = std::time::Instant::now();
        let connections = self.wait(cancelled, self.link(id, reaches))?;
        let token = cancelled.clone();
        let mut links = Links::new(id, connections, &self.exchange, token, &self.runtime)?;
        let binding = self.binding(id, absent, nonces);
        let made = self.rounds(binding, task, &mut links, transcript);
        links.close(&self.runtime, made.is_ok());
        let (made, elapsed_ms) = (made?, started.elapsed().as_millis());
        if cancelled.is_cancelled() {
            return Err(Outcome::Cancelled);
        }
        tracing::info!(job = %id.job, attempt = id.attempt, ?absent, %elapsed_ms, "session done");
        let kept = match made {
            Made::Outputs(outputs) => self.keep_outputs(id, outputs, bases.as_ref()),
            Made::Lot(shares) => self.keep_lot(id, lot, &shares),
            Made::Key(key) => {
                let refresh = refresh.ok_or(StopReason::Local)?;
                refresh.keep(self.membership.me, id.attempt, key)
            }
        };
        let ready = kept.map(|commitments| Outcome::Ready(Box::new(commitments)));
        ready.map_err(|error| {
            tracing::error!(%error, "what a session made could not be kept");
            StopReason::Local.into()
        })
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

    fn binding(&self, id: SessionId, absent: Option<u8>, nonces: Nonces) -> SessionBinding {
        let committee = &self.membership.committee;
        SessionBinding {
            chain_id: committee.chain_id,
            epoch: committee.epoch,
            computation: id.job.0,
            attempt: id.attempt,
            absent,
            nonces: nonces.map(|nonce| nonce.0),
        }
    }

    /// Looks from now on whether the peers that take part are reached.
    fn reaches(&self, absent: Option<u8>) -> Vec<(u8, Reach)> {
        let peers = self.membership.others();
        let peers = peers.filter(|peer| Some(*peer) != absent);
        let reach = |peer| (peer, self.exchange.sessions.reach(peer));
        peers.map(reach).collect()
    }

    /// Connections to the workers at all peers that take part. Whoever is not there in time is
    /// silent, and so is whoever is gone.
    async fn link(
        &self,
        id: SessionId,
        reaches: Vec<(u8, Reach)>,
    ) -> Result<Vec<(u8, Connection)>, StopReason> {
        let Exchange {
            sessions,
            round_timeout,
            ..
        } = &self.exchange;
        let linking = reaches.into_iter().map(|(peer, reach)| async move {
            let linked = tokio::select! {
                linked = timeout(*round_timeout, sessions.link(peer, id)) => linked.ok(),
                () = reach.lost() => None,
            };
            match linked {
                Some(connection) => Ok((peer, connection)),
                None => Err(StopReason::Silence { peer }),
            }
        });
        futures::future::try_join_all(linking).await
    }

    fn rounds(
        &self,
        binding: SessionBinding,
        task: Task,
        links: &mut Links,
        transcript: &mut Option<Transcript>,
    ) -> Result<Made, Outcome> {
        let mut driver = Driver::start(self.membership.me, binding, task, links)?;
        *transcript = Some(driver.transcript());
        loop {
            match driver.round(links)? {
                Progress::Running(next) => driver = next,
                Progress::Done(mpc_engine::Outcome::Committed(outputs)) => {
                    return Ok(Made::Outputs(outputs));
                }
                Progress::Done(mpc_engine::Outcome::Made(shares)) => return Ok(Made::Lot(shares)),
                Progress::Done(mpc_engine::Outcome::Tossed(key)) => return Ok(Made::Key(key)),
                Progress::Done(mpc_engine::Outcome::Opened(_)) => {
                    tracing::error!("a session opened what was to be committed to");
                    return Err(StopReason::Local.into());
                }
            }
        }
    }

    /// Keeps outputs, and what the seeds of secret results follow from. Commitments to that are opened
    /// with the outputs.
    fn keep_outputs(
        &self,
        id: SessionId,
        mut outputs: Outputs,
        bases: Option<&Bases>,
    ) -> Result<Commitments, NodeError> {
        if let Some(Bases { seeds, epoch }) = bases {
            let mut tails = [None; NODES];
            for ((component, seed), tail) in (0..).zip(seeds).zip(&mut tails) {
                let commitment = |seed| results::commit(id.job, component, seed).0;
                *tail = seed.as_ref().map(commitment);
            }
            outputs.append(&tails);
            self.results.keep(id.job, *epoch, seeds)?;
        }
        self.outputs.keep(id.job, id.attempt, &outputs.encode())?;
        Ok(outputs.commitments().map(|c| c.map(B256::from)))
    }

    fn keep_lot(
        &self,
        id: SessionId,
        lot: Option<u64>,
        shares: &LotShares,
    ) -> Result<Commitments, NodeError> {
        let lot = lot.ok_or(NodeError::Ended("making of a lot without a number"))?;
        let hashes = shares.hashes().map(|hash| hash.map(B256::from));
        for (component, hash) in (0..).zip(hashes) {
            if let (Some(hash), Some(bytes)) = (hash, shares.component(component)) {
                let piece = Piece { lot, component };
                self.lots.write(piece, id.attempt, hash, bytes)?;
            }
        }
        self.exchange.sessions.metrics().lots_made.inc();
        Ok(hashes)
    }
}

/// What a session has made.
enum Made {
    Outputs(Outputs),
    Lot(LotShares),
    Key(RefreshKey),
}

#[cfg(test)]
mod tests;
