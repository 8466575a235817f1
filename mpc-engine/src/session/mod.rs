//! A session: one attempt at running a program among four parties, or among three with one absent.
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
//!
//! A session may end before anything is opened ([`Ending::Commit`]); [`Outputs`] then has what the
//! log is told. If it stops because two copies of a message differ, a [`Transcript`] has what the two
//! parties that sent them said.

mod keys;
mod outputs;
mod task;
mod transcript;

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::{
    Amounts, EngineError, LotShares, PartyInputs, Program, Stop, encode_opened,
    machine::{Machine, Next, Results, Supplies},
    protocol::Crossing,
    refresh::{self, RefreshKey},
    reserve::{Contributions, Refill, production},
    roles::Parties,
    schedule::Layout,
    template::Mode,
    vector::Pool,
};

pub(crate) use keys::{SETUP_FRAME_BYTES, setup_frame_bytes};
pub use outputs::{Opening, Outputs, combine, commitment};
pub use task::{Ending, Outcome, SessionBinding, Task};
pub use transcript::Transcript;
pub(crate) use transcript::{DisputeKeys, SPARE_ROUNDS, Streams};

/// Frames of one round by peer: to be sent to, or received from, party i. One's own is empty, and so
/// is that of an absent party.
pub type Frames = [Vec<u8>; 4];

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
    /// What came of it; nothing more is to be sent.
    Done(Outcome),
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Those who see all frames of a session know its secrets.
            Self::Continue(session, _) => write!(f, "Continue({session:?}, <redacted>)"),
            Self::Done(outcome) => write!(f, "Done({outcome:?})"),
        }
    }
}

/// One party's part in a session. Each step consumes it, so none can be run twice.
pub struct Session {
    part: Box<Part>,
    phase: Phase,
}

/// What stays the same all the time.
struct Part {
    me: usize,
    parties: Parties,
    binding: SessionBinding,
    goal: Goal,
    transcript: Transcript,
}

/// What becomes of the results.
enum Goal {
    Open(Arc<Program>),
    Commit,
    /// They are a lot.
    Make(Amounts),
    /// Nothing is computed: the key of all live parties is the result.
    Toss,
}

enum Phase {
    Committed(Box<keys::Committed>, Box<Run>),
    Opened(Box<keys::Opened>, Box<Run>),
    Confirmed(Box<keys::Confirmed>, Box<Run>),
    Running(Worker, Pool, keys::Blindings),
}

/// What is run when there are keys.
enum Run {
    Circuit(Arc<Layout>, Supplies),
    /// Three make a lot.
    Refill(Amounts, Contributions),
    /// Nothing: the keys are what was wanted.
    Toss,
}

/// What runs.
enum Worker {
    Circuit(Box<Machine>),
    Refill(Box<Refill>),
}

impl Worker {
    fn begin(&mut self) -> Result<Next, Stop> {
        match self {
            Self::Circuit(machine) => Ok(machine.begin()?),
            Self::Refill(refill) => Ok(refill.begin()),
        }
    }

    fn step(&mut self, frames: Frames) -> Result<Next, Stop> {
        match self {
            Self::Circuit(machine) => machine.step(frames),
            Self::Refill(refill) => refill.step(frames),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session(party {}, <redacted>)", self.part.me)
    }
}

impl Session {
    /// Begins a session as party `me`. `entropy` must be 32 fresh, uniformly random bytes that
    /// nothing else uses.
    ///
    /// # Errors
    /// [`EngineError::NoSuchParty`], [`EngineError::ColumnCount`], [`EngineError::ColumnLength`],
    /// [`EngineError::ReserveUse`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "entropy is used once and erased"
    )]
    pub fn start(
        me: u8,
        binding: SessionBinding,
        task: Task,
        entropy: Zeroizing<[u8; 32]>,
    ) -> Result<(Self, Frames), EngineError> {
        let parties = Parties::without(binding.absent(me)?);
        let (goal, run, bound) = prepare(me, &binding, task, &entropy)?;
        let me = usize::from(me);
        let transcript = Transcript::new(me, parties);
        let (committed, frames) = keys::Committed::new((me, parties), bound, &entropy);
        transcript.heard(committed.heard());
        let part = Box::new(Part {
            me,
            parties,
            binding,
            goal,
            transcript,
        });
        let phase = Phase::Committed(Box::new(committed), Box::new(run));
        Ok((Self { part, phase }, frames))
    }

    /// What this party says in the session; it can be asked while the session runs, and when it has
    /// ended in whatever way.
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        self.part.transcript.clone()
    }

    /// Takes the peers' frames of the oldest outstanding round. Checks all of them before anything
    /// that depends on them is computed or sent.
    ///
    /// # Errors
    /// [`Stop`] names who is to blame.
    pub fn step(self, frames: Frames) -> Result<Step, Stop> {
        let Self { part, phase } = self;
        let (worker, pool, blindings, next) = match phase {
            Phase::Committed(state, run) => {
                let (state, frames) = state.step(&frames)?;
                part.transcript.heard(state.heard());
                let phase = Phase::Opened(Box::new(state), run);
                return Ok(Step::Continue(Self { part, phase }, vec![frames]));
            }
            Phase::Opened(state, run) => {
                // Contributions to keys are in these.
                let (state, frames) = state.step(&Zeroizing::new(frames))?;
                let phase = Phase::Confirmed(Box::new(state), run);
                return Ok(Step::Continue(Self { part, phase }, vec![frames]));
            }
            Phase::Confirmed(state, run) => {
                let keys = state.step(&frames)?;
                part.transcript
                    .has_keys(keys.protocol.digests.disputes.clone());
                let crossing = Crossing::new(
                    (part.me, part.parties),
                    keys.protocol,
                    part.transcript.clone(),
                );
                let mut worker = match *run {
                    Run::Circuit(layout, supplies) => {
                        let opens = matches!(part.goal, Goal::Open(_));
                        let machine = Machine::new(layout, supplies, crossing, opens);
                        Worker::Circuit(Box::new(machine))
                    }
                    Run::Refill(amounts, contributions) => {
                        let refill = Refill::new(crossing, amounts, contributions)?;
                        Worker::Refill(Box::new(refill))
                    }
                    Run::Toss => {
                        let key = RefreshKey::new(keys.common);
                        return Ok(Step::Done(Outcome::Tossed(key)));
                    }
                };
                let mut pool = Pool::default();
                let next = pool.lend(|| worker.begin())?;
                (worker, pool, keys.blindings, next)
            }
            Phase::Running(mut worker, mut pool, blindings) => {
                let next = pool.lend(|| worker.step(frames))?;
                (worker, pool, blindings, next)
            }
        };
        match next {
            Next::Rounds(rounds) => {
                let phase = Phase::Running(worker, pool, blindings);
                Ok(Step::Continue(Self { part, phase }, rounds))
            }
            Next::Done(results) => Ok(Step::Done(part.outcome(results, blindings)?)),
        }
    }
}

/// What becomes of the results, what party `me` runs, and what the session is bound to, on which all must
/// agree.
fn prepare(
    me: u8,
    binding: &SessionBinding,
    task: Task,
    entropy: &[u8; 32],
) -> Result<(Goal, Run, [u8; 32]), EngineError> {
    match task {
        Task::Compute {
            program,
            inputs,
            seeds,
            reserve,
            ending,
        } => {
            inputs.check(me, &program)?;
            let layout = program.layout_without(binding.absent);
            match (&reserve, binding.absent) {
                (Some(reserve), Some(_)) => reserve.check(me.into(), &layout.reserve_need())?,
                (None, None) => {}
                _ => return Err(EngineError::ReserveUse),
            }
            if let Some(seeds) = &seeds {
                seeds.check(me.into())?;
            }
            let bound = binding.hash(&program.hash());
            let supplies = Supplies {
                inputs,
                seeds,
                reserve,
            };
            let goal = match ending {
                Ending::Open => Goal::Open(program),
                Ending::Commit => Goal::Commit,
            };
            Ok((goal, Run::Circuit(layout, supplies), bound))
        }
        Task::Produce { amounts } => {
            let bound = binding.hash(&amounts.hash());
            if binding.absent.is_some() {
                amounts.check()?;
                let contributions = Contributions::new(me.into(), bound, entropy);
                return Ok((
                    Goal::Make(amounts),
                    Run::Refill(amounts, contributions),
                    bound,
                ));
            }
            let circuit = production(&amounts)?;
            let supplies = Supplies {
                inputs: PartyInputs::new(me, Vec::new()),
                seeds: None,
                reserve: None,
            };
            let layout = Arc::new(Layout::new(Mode::Normal, Arc::new(circuit)));
            Ok((Goal::Make(amounts), Run::Circuit(layout, supplies), bound))
        }
        Task::Toss => {
            let bound = binding.hash(&refresh::toss_hash());
            Ok((Goal::Toss, Run::Toss, bound))
        }
    }
}

impl Part {
    fn outcome(&self, results: Results, blindings: keys::Blindings) -> Result<Outcome, Stop> {
        match (&self.goal, results) {
            (Goal::Open(program), Results::Opened(values)) => {
                let encoded = encode_opened(program, &values)?;
                Ok(Outcome::Opened(Opened { values, encoded }))
            }
            (Goal::Commit, Results::Kept(shares)) => {
                let outputs = Outputs::of(self.me, &self.binding, &shares, blindings);
                Ok(Outcome::Committed(outputs))
            }
            (Goal::Make(amounts), Results::Kept(shares)) => {
                Ok(Outcome::Made(LotShares::of(self.me, *amounts, &shares)))
            }
            _ => Err(EngineError::Defect("results do not fit the goal").into()),
        }
    }
}
