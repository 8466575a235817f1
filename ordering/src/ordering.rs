//! The state of one node's part in the log, and its step.
//!
//! `agree.rs`: messages of consensus, in and out. `propose.rs`: blocks made and judged.
//! `commit.rs`: a decided block is applied. `pace.rs`: when a height begins, and all timers.
//! `submit.rs`: users' transactions. `peers.rs`: what is kept of each peer, and sync.
//! `budget.rs`: bounds of the work that others cause.
//! `duties.rs`: what the log asks of this node, and what it says in the log.

mod agree;
mod budget;
mod commit;
mod duties;
mod pace;
mod peers;
mod propose;
mod submit;

use std::mem;

use alloy_primitives::{Address, B256, Bytes};
use wire::{consensus::DecidedBlock, limits::NODES, peer::PeerMessage};
use zk_contract_runtime::{Applied, Runtime};

use self::{
    agree::Height, budget::Budget, duties::Duties, pace::Pace, peers::Peer, submit::TRIAL_FUEL,
};
use crate::{
    Config, Effect, Input, OrderingError, Suspicion,
    consensus::{Checker, Engine, Entry, decode_records, verify_decided},
    mempool::Mempool,
};

/// One node's part in the log.
pub struct Ordering {
    config: Config,
    runtime: Runtime,
    engine: Engine,
    mempool: Mempool,
    /// What is known of the height after the head.
    height: Height,
    peers: [Peer; NODES],
    pace: Pace,
    duties: Duties,
    /// Users who wait for an answer until their transaction has been sent to peers.
    replies: Vec<(u64, B256)>,
    to_forward: Vec<Bytes>,
    /// Fuel for trying what users submit.
    trials: Budget<TRIAL_FUEL>,
    /// Number of the last block when this node was started.
    start: u64,
    halted: bool,
    effects: Vec<Effect>,
}

impl Ordering {
    /// Starts from the state after the stored blocks ([`Ordering::replay`]) and from the records of
    /// the write-ahead log, oldest first. Records that are damaged or of earlier heights are
    /// skipped. `now_ms` is the time of the shell's clock, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`OrderingError::WrongKey`] and [`OrderingError::Committee`] for a configuration that cannot
    /// be, [`OrderingError::Consensus`] if the write-ahead log contradicts itself.
    pub fn new(
        config: Config,
        runtime: Runtime,
        wal: Vec<Bytes>,
        now_ms: u64,
    ) -> Result<(Self, Vec<Effect>), OrderingError> {
        config.check()?;
        let height = runtime.head().number + 1;
        let mut ordering = Self {
            engine: Engine::new(&config, height),
            mempool: Mempool::default(),
            height: Height::default(),
            peers: Default::default(),
            pace: Pace::new(now_ms, &config),
            duties: Duties::default(),
            replies: Vec::new(),
            to_forward: Vec::new(),
            trials: Budget::default(),
            start: runtime.head().number,
            halted: false,
            effects: Vec::new(),
            config,
            runtime,
        };
        ordering.restore(&wal)?;
        ordering.resume_duties();
        ordering.settle();
        let effects = mem::take(&mut ordering.effects);
        Ok((ordering, effects))
    }

    /// Applies a stored block, after checking it and its certificate.
    ///
    /// # Errors
    /// [`OrderingError::Block`], [`OrderingError::Certificate`] and [`OrderingError::Host`].
    pub fn replay(runtime: &mut Runtime, decided: &DecidedBlock) -> Result<Applied, OrderingError> {
        let number = decided.certificate.height;
        let checker = Checker::new(runtime.committee());
        verify_decided(&checker, decided)
            .map_err(|error| OrderingError::Certificate { number, error })?;
        let checked = runtime
            .check(&decided.block, &mut |_| None)
            .map_err(|error| OrderingError::Block { number, error })?;
        Ok(runtime.apply(checked)?)
    }

    /// Takes one input at a time of the shell's clock (milliseconds since the Unix epoch), and
    /// says what is to be done.
    pub fn step(&mut self, input: Input, now_ms: u64) -> Vec<Effect> {
        if self.halted {
            return Vec::new();
        }
        self.pace.tick(now_ms);
        match input {
            Input::Tick => {}
            Input::Peer { from, message } => self.on_message(from, message),
            Input::PeerUp { peer } => self.on_peer_up(peer),
            Input::PeerDown { peer } => self.on_peer_down(peer),
            Input::Submit { request, raw } => self.on_submit(request, raw),
            Input::AdvanceTime { request, by_ms } => self.on_advance_time(request, by_ms),
            Input::SeedsHeld { input } => self.on_seeds(input, true),
            Input::SeedsMissing { input } => self.on_seeds(input, false),
            Input::Prepared {
                job,
                attempt,
                nonce,
            } => self.on_prepared(job, attempt, nonce),
            Input::SessionReady {
                job,
                attempt,
                commitments,
            } => self.on_session_ready(job, attempt, commitments),
            Input::SessionStopped {
                job,
                attempt,
                reason,
            } => self.on_session_stopped(job, attempt, reason),
            Input::Statement {
                job,
                attempt,
                digest,
            } => self.on_statement(job, attempt, digest),
            Input::OutputsOpened {
                job,
                attempt,
                components,
            } => self.on_outputs_opened(job, attempt, components),
            Input::Stocked => self.on_stocked(),
            Input::SealKeyDrawn { epoch, key } => self.on_seal_key_drawn(epoch, key),
        }
        self.settle();
        mem::take(&mut self.effects)
    }

    /// The replicated state.
    #[must_use]
    pub const fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// How many users' transactions wait for a block.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.mempool.len()
    }

    /// The next nonce of an account, counting its pending transactions.
    #[must_use]
    pub fn next_nonce(&self, account: Address) -> u64 {
        self.runtime.nonce(account) + self.mempool.pending_of(account)
    }

    /// Number of the block that is to come.
    const fn next_height(&self) -> u64 {
        self.runtime.head().number + 1
    }

    /// Goes on with the height where the write-ahead log ends.
    fn restore(&mut self, wal: &[Bytes]) -> Result<(), OrderingError> {
        self.height.wal_used = !wal.is_empty();
        let height = self.next_height();
        let entries = decode_records(wal, height);
        if entries.is_empty() {
            return Ok(());
        }
        for entry in &entries {
            if let Entry::Block(bytes) = entry {
                self.restore_block(bytes);
            }
        }
        let outputs = self.engine.restore(height, &entries, self.pace.now_ms());
        self.act(outputs);
        let halted = self.effects.iter().find_map(|effect| match effect {
            Effect::Halt(error) => Some(error.clone()),
            _ => None,
        });
        halted.map_or(Ok(()), Err)
    }

    fn on_message(&mut self, from: u8, message: PeerMessage) {
        if from == self.config.me || usize::from(from) >= NODES {
            return;
        }
        match message {
            PeerMessage::Proposal(proposal) => self.on_proposal(from, proposal),
            PeerMessage::Vote(vote) => self.on_vote(from, vote),
            PeerMessage::RoundCertificate(certificate) => self.on_certificate(from, certificate),
            PeerMessage::Transactions(envelopes) => self.on_transactions(from, envelopes),
            PeerMessage::NodeTransaction(transaction) => {
                self.on_node_transaction(from, transaction);
            }
            PeerMessage::Status { height } => self.on_status(from, height),
            PeerMessage::WantBlocks { from: first } => self.on_want_blocks(from, first),
            PeerMessage::Blocks(blocks) => self.on_blocks(from, blocks),
            PeerMessage::WantSeeds { .. }
            | PeerMessage::Seeds(_)
            | PeerMessage::WantLot { .. }
            | PeerMessage::LotPart(_)
            | PeerMessage::WantShares { .. }
            | PeerMessage::Shares { .. } => {
                self.suspect(from, Suspicion::Unexpected);
            }
        }
    }

    fn suspect(&mut self, peer: u8, suspicion: Suspicion) {
        self.effects.push(Effect::Suspect { peer, suspicion });
    }

    fn send(&mut self, to: u8, message: PeerMessage) {
        self.effects.push(Effect::Send { to, message });
    }

    fn broadcast(&mut self, message: PeerMessage) {
        self.effects.push(Effect::Broadcast(message));
    }

    fn halt(&mut self, error: OrderingError) {
        self.halted = true;
        self.effects.push(Effect::Halt(error));
    }
}

#[cfg(test)]
mod tests;
