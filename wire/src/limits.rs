//! Sizes that every node must agree on, in one place.

/// Nodes of a committee; also the number of share components.
pub const NODES: usize = 4;
/// Nodes that must agree for anything to be final: 3 of 4.
pub const QUORUM: usize = 3;
/// Nodes of which at least one is honest: 2 of 4.
pub const ONE_HONEST: usize = 2;

/// A signed Ethereum transaction, in bytes.
pub const TRANSACTION_BYTES: usize = 128 * 1024;
/// A transaction that deploys a contract, in bytes.
pub const DEPLOYMENT_BYTES: usize = 1024 * 1024;
/// An encoded block, in bytes.
pub const BLOCK_BYTES: usize = 4 * 1024 * 1024;
/// Transactions of users in one block: every node checks their signatures before it votes.
pub const BLOCK_TRANSACTIONS: usize = 4_096;
/// The share of a block kept for transactions of nodes, in bytes.
pub const BLOCK_NODE_BYTES: usize = 1024 * 1024;
/// One transaction of a node, in bytes.
pub const NODE_TRANSACTION_BYTES: usize = 256 * 1024;
/// The secret part of one input, in bytes of its masked encoding.
pub const INPUT_BYTES: usize = 64 * 1024;
/// One frame between two nodes on the swarm (consensus, sync, transactions), in bytes.
pub const PEER_FRAME_BYTES: usize = 6 * 1024 * 1024;
/// One frame of a computation between two nodes, in bytes.
pub const SESSION_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// Pending transactions of one sender.
pub const PENDING_PER_SENDER: usize = 16;
/// Pending transactions of all senders.
pub const PENDING_TRANSACTIONS: usize = 16_384;
/// Bytes of all pending transactions.
pub const PENDING_BYTES: usize = 64 * 1024 * 1024;

/// Fuel of one call, which is also the gas limit of a transaction.
pub const CALL_FUEL: u64 = 500_000_000;
/// Fuel of all calls of one block: no block is valid whose transactions' gas limits sum to more, and
/// inputs that are accepted in excess of it wait for the next block.
pub const BLOCK_FUEL: u64 = 1_000_000_000;
/// Fuel that tracing one computation may use.
pub const TRACE_FUEL: u64 = 1_000_000_000;
/// Linear memory of a contract, in 64 KiB pages.
pub const MEMORY_PAGES: u32 = 256;
/// Bytes of a contract's code.
pub const CODE_BYTES: usize = 768 * 1024;
/// Bytes of one storage key.
pub const STORAGE_KEY_BYTES: usize = 1024;
/// Bytes of one storage value.
pub const STORAGE_VALUE_BYTES: usize = 64 * 1024;
/// Bytes of a selector and its arguments, when a contract calls another.
pub const CALL_BYTES: usize = 64 * 1024;
/// Calls of contracts by contracts that lead to one another.
pub const CALL_DEPTH: usize = 4;
/// Timers of one contract.
pub const TIMERS: usize = 8;
/// Timers that one block lets go off; they may together use [`CALL_FUEL`] before the last of them.
pub const BLOCK_TIMERS: usize = 256;
/// How long a timer is put off whose computation would be one too many, in seconds.
pub const TIMER_PAUSE_S: u64 = 10;
/// Bytes that a call may return, also as a revert.
pub const RETURN_BYTES: usize = 64 * 1024;
/// Events of one call.
pub const EVENTS_PER_CALL: usize = 256;
/// Bytes of the data of one event.
pub const EVENT_BYTES: usize = 16 * 1024;
/// Inputs that a computation names one by one.
pub const START_INPUTS: usize = 4_096;
/// Deletions of inputs in one call.
pub const DELETIONS_PER_CALL: usize = 64;
/// Bytes of the ABI-encoded public arguments of a computation.
pub const START_ARGUMENT_BYTES: usize = 64 * 1024;
/// Sets of inputs of one type that are kept for each contract to compare later ones with.
pub const GUARDED_SETS: usize = 1_024;
/// Ranges of which all those sets of a contract consist.
pub const GUARDED_RANGES: usize = 1 << 18;
/// Operations of one secret program.
pub const PROGRAM_OPERATIONS: usize = 1 << 20;
/// Elements of one public vector in a secret program.
pub const PUBLIC_ELEMENTS: usize = 1 << 16;
/// Gates of the circuit that a secret program becomes.
pub const CIRCUIT_GATES: usize = 1 << 21;
/// Bytes of the tables of public numbers and of indices that a circuit holds.
pub const CIRCUIT_TABLE_BYTES: usize = 64 << 20;
/// Elements of all gates of a circuit together: bounds the work that one program can ask for.
pub const CIRCUIT_ELEMENTS: usize = u32::MAX as usize;
/// Elements of one secret value.
pub const VALUE_ELEMENTS: usize = 1 << 27;
/// Bytes of everything that one computation opens.
pub const OUTPUT_BYTES: usize = 64 * 1024;
/// Inputs that await their verdict, over all contracts.
pub const PENDING_INPUTS: usize = 65_536;
/// Inputs of one sender that await their verdict.
pub const PENDING_INPUTS_PER_SENDER: usize = 64;
/// Rounds of one session.
pub const SESSION_ROUNDS: usize = 1 << 16;
/// Bytes that one session sends on one directed link.
pub const SESSION_LINK_BYTES: u64 = 8 << 30;
/// Bytes that the shares of all large sessions that run at once take at one node, as their plans
/// say. Computations wait for their turn.
pub const SESSIONS_MEMORY_BYTES: u64 = 2 << 30;
/// Bytes up to which a session is not large: it waits for nobody.
pub const SMALL_SESSION_BYTES: u64 = 16 << 20;
/// Computations that are not finished, over all contracts.
pub const RUNNING_COMPUTATIONS: usize = 64;

/// How far the time of a new block may be from a node's clock, in milliseconds: as much may a corrupt
/// proposer take away from any deadline at each end. In later rounds of consensus a block may be
/// older, by as much as proposals are waited for longer.
pub const CLOCK_BOUND_MS: u64 = 1_000;
/// How long nodes may take to join an attempt of a job, in milliseconds of block time; twice as long
/// for every further attempt, up to [`LONGEST_PAUSE_MS`].
pub const JOIN_MS: u64 = 3_000;
/// How long a node may take to say what it sent when two copies differ, in milliseconds of block time.
pub const STATEMENT_MS: u64 = 3_000;
/// How long the last node may take to be ready after two others are, in milliseconds of block time.
pub const READY_MS: u64 = 10_000;
/// What is left of a deadline, in milliseconds, if one proposer sets the clock back when it begins
/// and forward when it ends.
const LEFT_MS: u64 = 1_000;
const _: () = assert!(JOIN_MS >= 2 * CLOCK_BOUND_MS + LEFT_MS);
const _: () = assert!(STATEMENT_MS >= 2 * CLOCK_BOUND_MS + LEFT_MS);
const _: () = assert!(READY_MS >= 2 * CLOCK_BOUND_MS + LEFT_MS);
/// Longest time for joining, and longest pause before an attempt, in milliseconds.
pub const LONGEST_PAUSE_MS: u64 = 30_000;
/// How long a contradiction counts against its pair, in milliseconds of block time: after that the
/// node that lied may have been repaired, and another may be corrupt.
pub const PROOF_MS: u64 = 24 * 60 * 60 * 1_000;
/// How long a key epoch lasts unless the committee's file says otherwise, in milliseconds: a day.
pub const REFRESH_MS: u64 = 24 * 3_600_000;
/// Shortest key epoch that a committee's file may ask for, in milliseconds: what the nodes know of one
/// that lies, and their reserve, end with the epoch, so attempts without it must fit in.
pub const LEAST_REFRESH_MS: u64 = 5 * 60_000;
/// How long the last node may take to say its new sealing key, in milliseconds of block time.
pub const SEAL_KEY_MS: u64 = 10_000;
/// How long inputs are still taken that are sealed to the keys before the new ones, in milliseconds
/// of block time.
pub const OLD_KEYS_MS: u64 = 5_000;
/// Contradictions that are kept.
pub const CONTRADICTIONS: usize = 64;

/// Bit triples in a lot of the reserve.
pub const LOT_BITS: u64 = 4 << 20;
/// Triples of 64-bit numbers in a lot.
pub const LOT_R64: u64 = 32 << 10;
/// Triples of 128-bit numbers in a lot.
pub const LOT_R128: u64 = 2 << 10;
/// Seeds of computations in a lot.
pub const LOT_SEEDS: u64 = 32;
/// Lots that are kept in reserve, unless the committee's file says otherwise.
pub const RESERVE_LOTS: u32 = 8;
/// Most lots that a committee's file may ask for.
pub const MOST_RESERVE_LOTS: u32 = 256;
/// How long a cluster has been without work before it makes a lot, in milliseconds of block time.
pub const RESERVE_IDLE_MS: u64 = 300;
/// Bytes of components of inputs in one message between nodes, and inputs that are asked for in one.
pub const SHARES_BYTES: usize = 1024 * 1024;
/// What comes with a component of an input that was shared anew, and proves it, in bytes: a blinding
/// and up to 32 hashes.
pub const SHARE_PROOF_BYTES: usize = 32 * (1 + 32);
/// See [`SHARES_BYTES`].
pub const SHARES_INPUTS: usize = 1024;
/// Bytes of a lot's component in one message between nodes.
pub const LOT_PART_BYTES: usize = 1024 * 1024;
