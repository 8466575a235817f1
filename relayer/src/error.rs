//! What can keep the relayer from its work, and whether waiting helps.

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use client::ClientError;

use crate::chain::Side;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayerError {
    /// The configuration cannot be used.
    #[error("{path}: {why}")]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A key that cannot be used.
    #[error("key for {side}: {why}")]
    Key {
        /// Whose key.
        side: Side,
        /// What is wrong with it; never the key.
        why: String,
    },
    /// A file that cannot be written or read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another relayer has the same state file.
    #[error("another relayer runs with this state file (it holds {path})")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A request that failed, or an answer that must not be believed.
    #[error("{side}: {source}")]
    Client {
        /// Which chain.
        side: Side,
        /// What failed.
        source: ClientError,
    },
    /// A chain that is not the one that was meant.
    #[error("{side} is chain {actual}, and {expected} was expected ({because})")]
    WrongChain {
        /// Which chain.
        side: Side,
        /// The id that it must have.
        expected: u64,
        /// The id that it has.
        actual: u64,
        /// Who expects it.
        because: &'static str,
    },
    /// There is no contract, or one of another kind.
    #[error("{side}: the contract at {address} does not answer {function}: is the address right?")]
    NotThatContract {
        /// Which chain.
        side: Side,
        /// The address.
        address: Address,
        /// What it was asked.
        function: &'static str,
    },
    /// A contract refuses what is carried, and will refuse it again.
    #[error("{side} refuses {what}: {reason}")]
    Refused {
        /// Which chain.
        side: Side,
        /// What was carried.
        what: String,
        /// The contract's error.
        reason: String,
    },
    /// The batches in the logs do not build the root that is on L1.
    #[error(
        "the {batches} batches in the logs of {app} have root {actual}, and its root is {expected}: \
         the logs are read again"
    )]
    RootMismatch {
        /// The app on L1.
        app: Address,
        /// How many batches were found.
        batches: usize,
        /// The root on L1.
        expected: B256,
        /// The root of the batches.
        actual: B256,
    },
    /// Events are not there which must be.
    #[error(
        "L1 has {batches} batches of the voters of {app}, and shows the events of {found}: does its \
         node keep all events?"
    )]
    EventsMissing {
        /// The app on L1.
        app: Address,
        /// How many batches were found.
        found: usize,
        /// How many there are.
        batches: u32,
    },
    /// The key has too little to pay for the gas.
    #[error(
        "{side}: account {account} has {balance} wei, and the transaction may cost {needed}: fund it"
    )]
    InsufficientFunds {
        /// Which chain.
        side: Side,
        /// The account.
        account: Address,
        /// What it has, in wei.
        balance: String,
        /// What it needs, in wei.
        needed: String,
    },
    /// Gas costs more than the configuration allows.
    #[error("{side}: the base fee is {base_fee} wei, over the cap of {cap} wei")]
    FeeOverCap {
        /// Which chain.
        side: Side,
        /// Base fee of the last block, in wei.
        base_fee: u128,
        /// The cap, in wei.
        cap: u128,
    },
    /// A node does not take a transaction that passed its simulation.
    #[error("{side}: the node does not take the transaction for {what}: {source}")]
    NotTaken {
        /// Which chain.
        side: Side,
        /// What it carries.
        what: String,
        /// What the node says.
        source: ClientError,
    },
    /// A transaction that was sent and is not in a block yet.
    #[error("{side}: transaction {hash} for {what} is not in a block after {waited_ms} ms")]
    NotMined {
        /// Which chain.
        side: Side,
        /// What it carries.
        what: String,
        /// Its last hash.
        hash: B256,
        /// How long it was waited for, in milliseconds.
        waited_ms: u128,
    },
    /// An earlier transaction of this key is in no block yet, and cannot be replaced.
    #[error("{side}: account {account} has an earlier transaction that is not in a block yet")]
    EarlierPending {
        /// Which chain.
        side: Side,
        /// The account.
        account: Address,
    },
    /// Somebody else used the key at the same time.
    #[error(
        "{side}: nonce {nonce} of {account} was used by another program: give the relayer its own key"
    )]
    NonceTaken {
        /// Which chain.
        side: Side,
        /// The account.
        account: Address,
        /// The nonce.
        nonce: u64,
    },
    /// A transaction that passed its simulation and failed in its block: something came between.
    #[error("{side}: transaction {hash} for {what} failed in its block: it is looked at again")]
    FailedInBlock {
        /// Which chain.
        side: Side,
        /// What it carries.
        what: String,
        /// Its hash.
        hash: B256,
    },
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing is wrong; its time has not come.
    Waiting,
    /// It may pass without anybody's doing.
    Retryable,
    /// Somebody must do something.
    Final,
}

impl RelayerError {
    /// What to do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::FeeOverCap { .. } | Self::NotMined { .. } | Self::EarlierPending { .. } => {
                Class::Waiting
            }
            Self::Client { source, .. } if source.is_retryable() => Class::Retryable,
            // A node that refuses what passed its simulation has another transaction with this
            // nonce, or no room: neither lasts.
            Self::NotTaken { .. }
            | Self::RootMismatch { .. }
            | Self::EventsMissing { .. }
            | Self::FailedInBlock { .. }
            | Self::NonceTaken { .. } => Class::Retryable,
            Self::Client { .. }
            | Self::Config { .. }
            | Self::Key { .. }
            | Self::File { .. }
            | Self::Locked { .. }
            | Self::WrongChain { .. }
            | Self::NotThatContract { .. }
            | Self::Refused { .. }
            | Self::InsufficientFunds { .. } => Class::Final,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_goes_by_type_and_code_never_by_words() {
        let client = |source| RelayerError::Client {
            side: Side::L1,
            source,
        };
        let refused = |code, message: &str| {
            client(ClientError::Refused {
                method: "eth_call",
                code,
                message: message.to_owned(),
            })
        };
        let silent = client(ClientError::Unreachable {
            urls: String::new(),
            why: "execution reverted".into(),
        });
        assert_eq!(silent.class(), Class::Retryable);
        assert_eq!(
            refused(-32005, "execution reverted").class(),
            Class::Retryable
        );
        assert_eq!(refused(-32000, "timeout, try again").class(), Class::Final);
        let forged = client(ClientError::NotEnoughSignatures {
            computation: B256::ZERO,
            valid: 2,
        });
        assert_eq!(forged.class(), Class::Final);
        let slow = RelayerError::NotMined {
            side: Side::L1,
            what: String::new(),
            hash: B256::ZERO,
            waited_ms: 1,
        };
        assert_eq!(slow.class(), Class::Waiting);
    }
}
