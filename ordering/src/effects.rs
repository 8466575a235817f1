//! What goes into a node's part in the log, and what comes out.

use alloy_primitives::{B256, Bytes};
use wire::{
    WireError,
    block::Block,
    consensus::DecidedBlock,
    limits::{NODES, PENDING_BYTES, PENDING_PER_SENDER, PENDING_TRANSACTIONS},
    node_transaction::{OpenedComponent, StopReason},
    peer::PeerMessage,
};
use zk_contract_runtime::{Applied, BlockError};

use crate::{CertificateError, OrderingError};

/// Something that happened at this node.
#[derive(Clone, Debug)]
pub enum Input {
    /// The time asked for by [`Effect::Wake`] has come.
    Tick,
    /// A peer sent a message; the transport has authenticated the peer.
    Peer {
        /// Party number of the sender.
        from: u8,
        /// What it sent.
        message: PeerMessage,
    },
    /// A connection to a peer has come up.
    PeerUp {
        /// Party number of the peer.
        peer: u8,
    },
    /// The last connection to a peer is gone.
    PeerDown {
        /// Party number of the peer.
        peer: u8,
    },
    /// A user sent a transaction.
    Submit {
        /// Names the answer, [`Effect::Reply`].
        request: u64,
        /// The envelope.
        raw: Bytes,
    },
    /// Somebody asked for time to move; clusters for development only.
    AdvanceTime {
        /// Names the request, so that it takes effect once.
        request: B256,
        /// By how much, in milliseconds.
        by_ms: u64,
    },
    /// This node holds its seeds of an input.
    SeedsHeld {
        /// Id of the input.
        input: B256,
    },
    /// This node could get its seeds neither from the seal nor from its peers, so far.
    SeedsMissing {
        /// Id of the input.
        input: B256,
    },
    /// The answer to [`Effect::Prepare`].
    Prepared {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// Fresh and random; kept in memory only.
        nonce: B256,
    },
    /// A session has computed everything, and what it made is on disk (fsync).
    SessionReady {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// Commitments to the outputs, or hashes of a lot's components.
        commitments: [Option<B256>; NODES],
    },
    /// A session ended without a result, or cannot be run.
    SessionStopped {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// Why.
        reason: StopReason,
    },
    /// The answer to [`Effect::AnswerDispute`].
    Statement {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// Digest of the stream as this node sent it, or vouched for it.
        digest: B256,
    },
    /// The answer to [`Effect::OpenOutputs`].
    OutputsOpened {
        /// The computation.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// Those that this node holds.
        components: Vec<OpenedComponent>,
    },
    /// The answer to [`Effect::TakeStock`].
    Stocked,
    /// The answer to [`Effect::DrawSealKey`].
    SealKeyDrawn {
        /// The key epoch.
        epoch: u64,
        /// The public key; the secret one is on disk (fsync).
        key: B256,
    },
}

/// What the shell is to do. Effects are performed strictly in order, and [`Effect::AppendWal`] and
/// [`Effect::AppendBlock`] are on disk (fsync) before the next one is performed.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Append one record to the write-ahead log.
    AppendWal(Bytes),
    /// Empty the write-ahead log: its records are of a height that is decided.
    ResetWal,
    /// Append a block to the block log.
    AppendBlock(DecidedBlock),
    /// Send a message to one peer; it may be lost.
    Send {
        /// Party number of the peer.
        to: u8,
        /// The message.
        message: PeerMessage,
    },
    /// Send a message to every peer; it may be lost.
    Broadcast(PeerMessage),
    /// Send [`PeerMessage::Blocks`] from the block log, bounded by [`crate::SyncBatch`].
    SendBlocks {
        /// Party number of the peer.
        to: u8,
        /// Number of the first block.
        from: u64,
    },
    /// The answer to [`Input::Submit`]: the transaction's hash once peers have been sent it.
    Reply {
        /// Names the question.
        request: u64,
        /// The hash, or why the transaction is not taken.
        result: Result<B256, Refusal>,
    },
    /// Give [`Input::Tick`] at this time of the shell's clock; replaces the one before.
    Wake {
        /// Milliseconds since the Unix epoch.
        at_ms: u64,
    },
    /// A block has been applied: index it.
    Applied(Applied, Block),
    /// Open the seal of an input, or ask peers for the seeds, and answer with
    /// [`Input::SeedsHeld`] or [`Input::SeedsMissing`].
    OpenSeal {
        /// Id of the input.
        input: B256,
    },
    /// Get ready for an attempt: the seeds of its inputs, its part of the reserve, and a fresh
    /// nonce. [`Input::Prepared`] is the answer, however long it takes, unless the log goes on
    /// without it. What an earlier attempt of the same job has under way ends.
    Prepare {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Run the session of an attempt for which all nonces are in the log. If the one of this node
    /// is not the one in memory, it was drawn before the node was started anew: then there must be
    /// no session, and the answer is [`Input::SessionReady`] if what it made is on disk, else
    /// [`Input::SessionStopped`] for a local reason.
    StartSession {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
    },
    /// End whatever session of this job runs: the log has gone on. What it has sent is kept for a
    /// while, for [`Effect::AnswerDispute`].
    StopSession {
        /// The job.
        job: B256,
    },
    /// Say what this node sent, or vouched for, of the disputed stream; [`Input::Statement`] is the
    /// answer, if it is still known.
    AnswerDispute {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
    },
    /// The result of an attempt is final: open the outputs that are kept of it, if there are any.
    /// [`Input::OutputsOpened`] is the answer.
    OpenOutputs {
        /// The computation.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
    },
    /// The result is in the log, or there will be none: the kept outputs are of no use.
    DropOutputs {
        /// The computation.
        job: B256,
    },
    /// A lot of the reserve counts: keep what a session made of it, or get it from peers.
    KeepLot {
        /// Its number.
        lot: u64,
    },
    /// Nobody needs a lot any more, or it was not made in the end.
    DropLot {
        /// Its number.
        lot: u64,
    },
    /// This node is away in the state, and could be back: get whatever of seeds and lots it lacks,
    /// and then answer with [`Input::Stocked`].
    TakeStock,
    /// Draw the sealing key of a key epoch, unless there is one; [`Input::SealKeyDrawn`] is the answer.
    DrawSealKey {
        /// The key epoch.
        epoch: u64,
    },
    /// The inputs are shared anew: erase keys and shares of the key epochs before this one.
    EraseEpochs {
        /// The key epoch of the sharing that counts.
        before: u64,
    },
    /// A peer did what no honest node does, or a message could not be used: for logs and metrics.
    Suspect {
        /// Party number of the peer.
        peer: u8,
        /// What it did.
        suspicion: Suspicion,
    },
    /// The node cannot go on safely and takes no further part: stop it.
    Halt(OrderingError),
}

/// Why a message of a peer was dropped.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspicion {
    /// A signature does not verify, or the signer is no node.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// A proposal by a node whose turn it is not.
    #[error("proposal of height {height} and round {round} by node {proposer}, out of turn")]
    OutOfTurn {
        /// Height.
        height: u64,
        /// Round.
        round: u32,
        /// Who made it.
        proposer: u8,
    },
    /// A proposed block is not valid after the head.
    #[error("invalid proposal: {0}")]
    InvalidBlock(#[from] BlockError),
    /// A proposed block does not name its proposer.
    #[error("the proposed block names another proposer")]
    ForeignBlock,
    /// The time of a new proposal is too far from this node's clock.
    #[error("the time of a proposal is {block_ms} ms, and this node's is {own_ms} ms")]
    Clock {
        /// Time of the block, in milliseconds since the Unix epoch.
        block_ms: u64,
        /// Time of this node, moved as the log says, in the same unit.
        own_ms: u64,
    },
    /// It signed two messages that exclude each other.
    #[error("conflicting {0}")]
    Equivocation(&'static str),
    /// More messages than an honest node sends.
    #[error("too many {0}")]
    Flood(&'static str),
    /// The proof of a decided block does not hold.
    #[error("certificate of block {number}: {error}")]
    Certificate {
        /// Number of the block.
        number: u64,
        /// What is wrong with it.
        error: CertificateError,
    },
    /// Votes that do not show what they are sent for.
    #[error("a round certificate of other votes than it should have")]
    RoundCertificate,
    /// The consensus core refused an input; not a peer's fault.
    #[error("the consensus core refused an input: {0}")]
    Core(String),
    /// A message that ordering never gets from a peer.
    #[error("a message that is not for ordering")]
    Unexpected,
}

/// How far a node is behind its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Number of its last block when it was started.
    pub start: u64,
    /// Number of its last block.
    pub head: u64,
    /// The height that two peers have reached; `head` if that is not known yet.
    pub highest: u64,
}

/// Why a user's transaction is not taken.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are no transaction for this chain.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The state has no place for it: nonce, gas, or the call would fail.
    #[error(transparent)]
    State(#[from] zk_contract_runtime::Refusal),
    /// The state has no place for it, but it is not the newest one.
    #[error(
        "this node is catching up, at block {} of {} or more: ask another one, or try again",
        .0.head, .0.highest
    )]
    CatchingUp(Lag),
    /// The sender has as many pending as one sender may have.
    #[error("the sender has {PENDING_PER_SENDER} pending transactions: wait for a block")]
    SenderFull,
    /// All pending transactions together are at their bound, or those of this node's own users at
    /// theirs.
    #[error(
        "the pool is full ({PENDING_TRANSACTIONS} transactions or {PENDING_BYTES} bytes): try \
         again later"
    )]
    PoolFull,
}
