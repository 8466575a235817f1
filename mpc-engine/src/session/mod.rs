//! A session: one attempt at running a program among four parties.
//!
//! Three rounds set up its keys (see `keys`), the others run the program. Every round takes one
//! frame from each peer and gives one to each. Rounds are numbered as they are sent, from 0.
//!
//! The caller sends the frames of every round that [`Session::start`] and [`Session::step`] give it,
//! in that order; feeds the peers' frames of the oldest round that it has sent and not yet fed; and
//! goes on so until the session is done. A step gives no round, one or several: where the program
//! has work that does not depend on rounds whose frames are still to come, its rounds are sent ahead
//! of them, so several rounds can be outstanding. How many follows from the program alone and is the
//! same at all parties; at least one is outstanding until the session is done.

mod keys;

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::{
    EngineError, PartyInputs, Program, Stop, encode_opened,
    machine::{Machine, Next},
    vector::Pool,
};

pub(crate) use keys::SETUP_FRAME_BYTES;

/// Frames of one round by peer: to be sent to, or received from, party i. One's own is empty.
pub type Frames = [Vec<u8>; 4];

/// What a session is bound to besides the program; all four parties must agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBinding {
    /// Id of the L2 chain.
    pub chain_id: u64,
    /// Epoch of the committee.
    pub epoch: u64,
    /// The computation.
    pub computation: [u8; 32],
    /// Number of the attempt.
    pub attempt: u32,
}

/// What was opened to everybody, in the order of [`Program::outputs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    values: Vec<Vec<u128>>,
    encoded: Vec<u8>,
}

impl Opened {
    /// The values, each element in the low bits of a number.
    #[must_use]
    pub fn values(&self) -> &[Vec<u128>] {
        &self.values
    }

    /// As [`crate::encode_opened`] encodes them.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}

/// What comes after a round.
pub enum Step {
    /// The session goes on: these rounds (none, one or several) are to be sent, in this order; then
    /// the peers' frames of the oldest outstanding round are to be fed.
    Continue(Session, Vec<Frames>),
    /// The result; nothing more is to be sent.
    Done(Opened),
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Those who see all frames of a session know its secrets.
            Self::Continue(session, _) => write!(f, "Continue({session:?}, <redacted>)"),
            Self::Done(opened) => write!(f, "Done({opened:?})"),
        }
    }
}

/// One party's part in a session. Each step consumes it, so none can be run twice.
pub struct Session {
    me: usize,
    program: Arc<Program>,
    phase: Phase,
}

enum Phase {
    Committed(Box<keys::Committed>, PartyInputs),
    Opened(Box<keys::Opened>, PartyInputs),
    Confirmed(Box<keys::Confirmed>, PartyInputs),
    Running(Box<Machine>, Pool),
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session(party {}, <redacted>)", self.me)
    }
}

impl SessionBinding {
    /// The hash that all parties must agree on: of this, the program, and who is live.
    fn hash(&self, program: &Program) -> [u8; 32] {
        const LIVE: u8 = 0b1111;
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 session binding");
        hasher.update(&self.chain_id.to_le_bytes());
        hasher.update(&self.epoch.to_le_bytes());
        hasher.update(&self.computation);
        hasher.update(&self.attempt.to_le_bytes());
        hasher.update(&program.hash());
        hasher.update(&[LIVE]);
        *hasher.finalize().as_bytes()
    }
}

impl Session {
    /// Begins a session as party `me`. `entropy` must be 32 fresh, uniformly random bytes that
    /// nothing else uses.
    ///
    /// # Errors
    /// [`EngineError::NoSuchParty`], [`EngineError::ColumnCount`], [`EngineError::ColumnLength`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "entropy is used once and erased"
    )]
    pub fn start(
        me: u8,
        binding: SessionBinding,
        program: Arc<Program>,
        inputs: PartyInputs,
        entropy: Zeroizing<[u8; 32]>,
    ) -> Result<(Self, Frames), EngineError> {
        inputs.check(me, &program)?;
        let me = usize::from(me);
        let (committed, frames) = keys::Committed::new(me, binding.hash(&program), &entropy);
        let session = Self {
            me,
            program,
            phase: Phase::Committed(Box::new(committed), inputs),
        };
        Ok((session, frames))
    }

    /// Takes the three peers' frames of the oldest outstanding round. Checks all of them before
    /// anything that depends on them is computed or sent.
    ///
    /// # Errors
    /// [`Stop`] names who is to blame.
    pub fn step(self, frames: Frames) -> Result<Step, Stop> {
        let Self { me, program, phase } = self;
        let (phase, rounds) = match phase {
            Phase::Committed(state, inputs) => {
                let (state, frames) = state.step(&frames)?;
                (Phase::Opened(Box::new(state), inputs), vec![frames])
            }
            Phase::Opened(state, inputs) => {
                // Contributions to keys are in these.
                let (state, frames) = state.step(&Zeroizing::new(frames))?;
                (Phase::Confirmed(Box::new(state), inputs), vec![frames])
            }
            Phase::Confirmed(state, inputs) => {
                let keys = state.step(&frames)?;
                let round = SETUP_FRAME_BYTES.len() as u32;
                let mut machine = Machine::new(me, program.layout().clone(), inputs, keys, round);
                let mut pool = Pool::default();
                let rounds = pool.lend(|| machine.begin())?;
                (Phase::Running(Box::new(machine), pool), rounds)
            }
            Phase::Running(mut machine, mut pool) => match pool.lend(|| machine.step(frames))? {
                Next::Rounds(rounds) => (Phase::Running(machine, pool), rounds),
                Next::Done(values) => {
                    let encoded = encode_opened(&program, &values)?;
                    return Ok(Step::Done(Opened { values, encoded }));
                }
            },
        };
        Ok(Step::Continue(Self { me, program, phase }, rounds))
    }
}
