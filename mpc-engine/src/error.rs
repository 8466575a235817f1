//! What can go wrong: a program that does not type-check, inputs that do not fit it, and a session
//! that stopped. Only [`Stop`] names parties.

use wire::{kind::Kind, node_transaction::StopReason, secret::Op};

use crate::reserve::Amounts;

/// Why a program, its inputs or its opened values are refused.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineError {
    /// The program is not well-formed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A party number above 3.
    #[error("party {party} does not exist: parties are 0 to 3")]
    NoSuchParty {
        /// The number.
        party: u8,
    },
    /// The program reads a column of an input type that was not given.
    #[error("the program reads field {field} of input type {input_type}, which does not exist")]
    NoSuchColumn {
        /// Number of the input type.
        input_type: u32,
        /// Number of the field.
        field: u32,
    },
    /// A column has another kind in the program than in its input type.
    #[error("the program reads a {expected:?} where the input type has a {actual:?}")]
    ColumnKind {
        /// In the program.
        expected: Kind,
        /// In the input type.
        actual: Kind,
    },
    /// A column has another length than the program says.
    #[error("column {column} has {actual} elements, and the program reads {expected}")]
    ColumnLength {
        /// Its place in [`crate::Program::columns`].
        column: usize,
        /// In the program.
        expected: usize,
        /// In the inputs.
        actual: usize,
    },
    /// There are more or fewer columns than the program reads.
    #[error("{actual} columns were given, and the program reads {expected}")]
    ColumnCount {
        /// In the program.
        expected: usize,
        /// Given.
        actual: usize,
    },
    /// A masked input does not have the length of its type.
    #[error("a masked input has {actual} bytes, and its type has {expected}")]
    InputLength {
        /// Bytes of the type.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// A seed that this party holds is missing.
    #[error("the seed of component {component} is missing")]
    MissingSeed {
        /// The component.
        component: u8,
    },
    /// A lot of the reserve, or a part of one, that does not have the form it should have.
    #[error("what was read of the reserve is not within its lot, or has another length")]
    ReserveForm,
    /// Another amount of the reserve than the attempt takes, or another party's.
    #[error("the attempt takes {expected} of the reserve, and was given {actual}")]
    ReserveNeed {
        /// What it takes.
        expected: Amounts,
        /// What was given.
        actual: Amounts,
    },
    /// Opened values that do not have the form that the program's outputs have.
    #[error("the opened values do not fit the program's outputs")]
    OpenedForm,
    /// Stored components of outputs that are not whole.
    #[error("the stored components of the outputs are damaged: stop this attempt")]
    OutputsForm,
    /// The reserve is used if a party is absent, and only then.
    #[error("an attempt takes of the reserve if a party is absent, and only then")]
    ReserveUse,
    /// The engine contradicts itself: a defect, never a peer's doing.
    #[error("defect in the engine: {0}")]
    Defect(&'static str),
}

/// Why a program is refused.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramError {
    /// A handle that names no value.
    #[error("value {value} does not exist")]
    NoSuchValue {
        /// The handle.
        value: u32,
    },
    /// The wrong number of operands.
    #[error("{op:?} takes {expected} operands, not {actual}")]
    OperandCount {
        /// The operation.
        op: Op,
        /// What it takes.
        expected: usize,
        /// What it got.
        actual: usize,
    },
    /// An operand of a kind for which the operation is not defined.
    #[error("{op:?} is not defined on {kind:?}")]
    UndefinedOn {
        /// The operation.
        op: Op,
        /// The kind.
        kind: Kind,
    },
    /// Two operands whose kinds should be equal.
    #[error("{op:?} needs operands of one kind, not {left:?} and {right:?}")]
    KindsDiffer {
        /// The operation.
        op: Op,
        /// Kind of one operand.
        left: Kind,
        /// Kind of the other.
        right: Kind,
    },
    /// Two operands whose lengths should be equal, or one of them 1.
    #[error("{op:?} needs operands of equal length (or of length 1), not {left} and {right}")]
    LengthsDiffer {
        /// The operation.
        op: Op,
        /// Length of one operand.
        left: usize,
        /// Length of the other.
        right: usize,
    },
    /// A public number that the operation does not allow: a shift by the whole width or more, a
    /// code of no kind, a slice outside its operand.
    #[error("{op:?} does not allow the public number {immediate}")]
    Immediate {
        /// The operation.
        op: Op,
        /// The number.
        immediate: u64,
    },
    /// A public number on an operation that has none must be 0.
    #[error("{op:?} has no public number, and {immediate} was given")]
    NoImmediate {
        /// The operation.
        op: Op,
        /// The number.
        immediate: u64,
    },
    /// A cast that Rust's `as` does not have: an integer to a boolean (compare with 0 instead).
    #[error("a cast from {from:?} to {to:?} does not exist; compare with 0 instead")]
    NoSuchCast {
        /// Kind of the operand.
        from: Kind,
        /// Kind that was asked for.
        to: Kind,
    },
    /// A bound of random numbers that is secret, not positive, or too large.
    #[error(
        "random numbers need a public bound between 1 and 2^126{}",
        bound.map_or(String::new(), |bound| format!(", not {bound}"))
    )]
    RandomBound {
        /// The bound, if it is public.
        bound: Option<u128>,
    },
    /// A fixed-point kind with more fraction bits than it can have, or none.
    #[error("{kind:?} does not exist: Fixed64 has 1 to 62 fraction bits, Fixed128 1 to 126")]
    NoSuchKind {
        /// The kind.
        kind: Kind,
    },
    /// An operation that has no result without elements.
    #[error("{op:?} needs at least one element; give it one that counts when there is no other")]
    NoElements {
        /// The operation.
        op: Op,
    },
    /// An operand that must be a vector of public values.
    #[error("{op:?} needs indices that are public; look secret ones up instead")]
    IndicesNotPublic {
        /// The operation.
        op: Op,
    },
    /// A public index outside of its vector.
    #[error("index {index} is outside of a vector of {len} elements")]
    IndexOutside {
        /// The index.
        index: u128,
        /// Elements of the vector.
        len: usize,
    },
    /// A constant that does not fit its kind.
    #[error("the constant {value} does not fit a {kind:?}")]
    ConstantTooLarge {
        /// Its kind.
        kind: Kind,
        /// Its value.
        value: u128,
    },
    /// A result that stays secret in another form than its type has.
    #[error("secret result {result}: {why}")]
    SecretResult {
        /// Its number among those of the computation.
        result: u32,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A column that was read before with another kind or length.
    #[error("column {field}.{element} of input type {input_type} was read before in another form")]
    ColumnForm {
        /// Number of the input type.
        input_type: u32,
        /// Number of the field.
        field: u32,
        /// Number of the element in the field.
        element: u32,
    },
    /// More of something than the limit allows.
    #[error("{what}: {actual}, and at most {limit} are allowed")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many.
        actual: usize,
        /// The bound.
        limit: usize,
    },
    /// Nothing is revealed, so there is nothing to compute.
    #[error("the program reveals nothing")]
    NothingRevealed,
}

/// Why a session ended without a result. Nothing that depends on the offending message has left
/// this party.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// Two copies of one message differ: one of the two who sent them lied.
    #[error("round {round}: parties {sender} and {backup} disagree on one message")]
    Mismatch {
        /// Number of the round, from 0.
        round: u32,
        /// Who sent the message.
        sender: u8,
        /// Who vouched for it.
        backup: u8,
        /// Digest of the message as the sender sent it, to compare with what
        /// [`crate::Transcript::statement`] says.
        digest: [u8; 32],
    },
    /// A frame that no honest party sends.
    #[error("round {round}: bad frame from party {peer}: {fault}")]
    BadFrame {
        /// Number of the round, from 0.
        round: u32,
        /// Who sent it.
        peer: u8,
        /// What is wrong with it.
        fault: FrameFault,
    },
    /// What three parties made for the reserve failed its check: one of the three lied, and nobody can
    /// say which.
    #[error("round {round}: what was made for the reserve is wrong; one of the three lied")]
    Spoiled {
        /// Number of the round, from 0.
        round: u32,
    },
    /// This party cannot go on, through no fault of a peer.
    #[error(transparent)]
    Local(#[from] EngineError),
}

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameFault {
    /// Its length is not the one that the program determines.
    #[error("{actual} bytes instead of {expected}")]
    Length {
        /// In bytes.
        expected: usize,
        /// In bytes.
        actual: usize,
    },
    /// It belongs to another session or another round.
    #[error("it belongs to another session or round")]
    Header,
    /// The peer takes part in another session: other chain, computation, attempt or program.
    #[error("it is bound to another computation")]
    Binding,
    /// A key contribution that does not open its commitment.
    #[error("a key contribution does not open its commitment")]
    Commitment,
    /// The peer repeats what this party or itself said otherwise than it was said.
    #[error("it misquotes the first round")]
    Echo,
    /// The peer confirms another key than the agreed contributions give.
    #[error("it confirms another key")]
    Confirmation,
}

impl From<&Stop> for StopReason {
    fn from(stop: &Stop) -> Self {
        match stop {
            Stop::Mismatch {
                round,
                sender,
                backup,
                digest,
            } => Self::Mismatch {
                round: *round,
                sender: *sender,
                backup: *backup,
                digest: (*digest).into(),
            },
            Stop::BadFrame { peer, .. } => Self::BadFrame { peer: *peer },
            Stop::Spoiled { .. } => Self::Spoiled,
            Stop::Local(_) => Self::Local,
        }
    }
}

impl From<Stop> for StopReason {
    fn from(stop: Stop) -> Self {
        Self::from(&stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_gets_what_a_verdict_needs() {
        let (round, sender, backup, peer) = (3, 1, 2, 3);
        let (fault, digest) = (FrameFault::Header, [4; 32]);
        for (stop, reason) in [
            (
                Stop::Mismatch {
                    round,
                    sender,
                    backup,
                    digest,
                },
                StopReason::Mismatch {
                    round,
                    sender,
                    backup,
                    digest: digest.into(),
                },
            ),
            (
                Stop::BadFrame { round, peer, fault },
                StopReason::BadFrame { peer },
            ),
            (Stop::Spoiled { round }, StopReason::Spoiled),
            (Stop::Local(EngineError::OpenedForm), StopReason::Local),
        ] {
            assert_eq!(StopReason::from(stop), reason);
        }
    }
}
