//! One party's rounds: alternates between the engine's step and the exchange of frames.

use mpc_engine::{Session, SessionBinding, Step, Task, Transcript};
use wire::node_transaction::StopReason;

use super::{Outcome, exchange::Links};
use crate::keys;

/// A session that runs. Rounds are numbered from 0, in both directions; what is sent may be ahead
/// of what has been received.
#[derive(Debug)]
pub struct Driver {
    session: Session,
    /// Rounds of which the frames have been given to the links.
    sent: u32,
    /// Rounds of which the peers' frames have been given to the engine.
    received: u32,
}

/// What comes after a round.
#[derive(Debug)]
pub enum Progress {
    /// Another round.
    Running(Driver),
    /// What came of it.
    Done(mpc_engine::Outcome),
}

impl Driver {
    /// Begins a session as party `me`.
    ///
    /// # Errors
    /// [`StopReason::Local`] if it cannot start.
    pub fn start(
        me: u8,
        binding: SessionBinding,
        task: Task,
        links: &mut Links,
    ) -> Result<Self, StopReason> {
        let entropy = keys::random().map_err(|_| StopReason::Local)?;
        let started = Session::start(me, binding, task, entropy);
        let (session, frames) = started.map_err(|error| {
            tracing::error!(%error, "a session cannot start");
            StopReason::Local
        })?;
        links.send(0, frames);
        Ok(Self {
            session,
            sent: 1,
            received: 0,
        })
    }

    /// Rounds that are behind it.
    #[must_use]
    pub const fn rounds(&self) -> u32 {
        self.received
    }

    /// What it has sent of late, also after it has ended.
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        self.session.transcript()
    }

    /// Receives one round, and sends what follows from it.
    ///
    /// # Errors
    /// Why the session ended without a result.
    pub fn round(self, links: &mut Links) -> Result<Progress, Outcome> {
        let Self {
            session,
            mut sent,
            received,
        } = self;
        if received == sent {
            tracing::error!(round = received, "the engine waits for what nobody sends");
            return Err(StopReason::Local.into());
        }
        let incoming = links.receive(received)?;
        let step = session.step(incoming).map_err(|stop| {
            tracing::warn!(round = received, %stop, "the engine stopped");
            StopReason::from(stop)
        })?;
        let (session, rounds) = match step {
            Step::Done(outcome) => return Ok(Progress::Done(outcome)),
            Step::Continue(session, rounds) => (session, rounds),
        };
        for frames in rounds {
            links.send(sent, frames);
            sent = sent.checked_add(1).ok_or(StopReason::Local)?;
        }
        Ok(Progress::Running(Self {
            session,
            sent,
            received: received + 1,
        }))
    }
}
