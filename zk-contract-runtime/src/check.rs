//! Whether a block is valid after the head.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use wire::{
    block::Block,
    codec,
    limits::{BLOCK_FUEL, BLOCK_NODE_BYTES, BLOCK_TRANSACTIONS, CALL_FUEL},
    transaction::Transaction,
};

use crate::{BlockError, Refusal, Runtime, sandbox::limits};

/// A block that is valid after the head, whatever the time is.
#[derive(Clone, Debug)]
pub struct CheckedBlock {
    pub(crate) block: Block,
    pub(crate) hash: B256,
    pub(crate) transactions: Vec<Transaction>,
}

impl CheckedBlock {
    /// The block.
    #[must_use]
    pub const fn block(&self) -> &Block {
        &self.block
    }

    /// Its hash.
    #[must_use]
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// Its users' transactions, decoded.
    #[must_use]
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }
}

impl Runtime {
    /// Checks a block against the head: all validity that needs no clock. `known` gives the
    /// decoded transaction of an envelope whose signature was checked before, so that it is not
    /// checked again.
    ///
    /// # Errors
    /// [`BlockError`].
    pub fn check(
        &self,
        block: &[u8],
        known: &mut dyn FnMut(&Bytes) -> Option<Transaction>,
    ) -> Result<CheckedBlock, BlockError> {
        let hash = keccak256(block);
        let block = Block::decode(block)?;
        self.check_header(&block)?;
        self.check_node_transactions(&block)?;
        let transactions = self.check_transactions(&block, known)?;
        Ok(CheckedBlock {
            block,
            hash,
            transactions,
        })
    }

    fn check_header(&self, block: &Block) -> Result<(), BlockError> {
        let (header, head) = (&block.header, &self.head);
        if header.number != head.number + 1 {
            let (head, actual) = (head.number, header.number);
            return Err(BlockError::Number { head, actual });
        }
        if header.parent != head.hash {
            let (expected, actual) = (head.hash, header.parent);
            return Err(BlockError::Parent { expected, actual });
        }
        if header.state_root != head.state_root {
            let (expected, actual) = (head.state_root, header.state_root);
            return Err(BlockError::StateRoot { expected, actual });
        }
        if header.time_ms < head.time_ms {
            let (parent_ms, actual_ms) = (head.time_ms, header.time_ms);
            return Err(BlockError::Time {
                parent_ms,
                actual_ms,
            });
        }
        if self.committee.index_of(header.proposer).is_none() {
            return Err(BlockError::Proposer(header.proposer));
        }
        Ok(())
    }

    fn check_node_transactions(&self, block: &Block) -> Result<(), BlockError> {
        let transactions = &block.node_transactions;
        let nodes = transactions.iter().map(|signed| signed.transaction.node);
        if !nodes.is_sorted_by(|a, b| a < b) {
            return Err(BlockError::NodeOrder);
        }
        let actual = codec::encode(transactions).len();
        if actual > BLOCK_NODE_BYTES {
            let limit = BLOCK_NODE_BYTES;
            return Err(BlockError::NodeBytes { actual, limit });
        }
        for signed in transactions {
            signed.verify(&self.committee)?;
        }
        Ok(())
    }

    fn check_transactions(
        &self,
        block: &Block,
        known: &mut dyn FnMut(&Bytes) -> Option<Transaction>,
    ) -> Result<Vec<Transaction>, BlockError> {
        // Before any signature is checked.
        let (actual, limit) = (block.transactions.len(), BLOCK_TRANSACTIONS);
        if actual > limit {
            return Err(BlockError::TooMany { actual, limit });
        }
        let mut nonces: BTreeMap<Address, u64> = BTreeMap::new();
        let mut fuel = 0u64;
        let mut transactions = Vec::with_capacity(block.transactions.len());
        for raw in &block.transactions {
            let transaction = match known(raw) {
                Some(transaction) if transaction.raw == *raw => transaction,
                _ => Transaction::decode(raw.clone(), self.committee.chain_id)?,
            };
            let next = nonces
                .entry(transaction.sender)
                .or_insert_with(|| self.state.nonce(transaction.sender));
            let refused = |refusal| BlockError::Transaction {
                hash: transaction.hash,
                refusal,
            };
            check_nonce(&transaction, *next).map_err(refused)?;
            check_gas(&transaction).map_err(refused)?;
            *next += 1;
            fuel = fuel.saturating_add(transaction.gas_limit);
            if fuel > BLOCK_FUEL {
                let (actual, limit) = (fuel, BLOCK_FUEL);
                return Err(BlockError::Fuel { actual, limit });
            }
            transactions.push(transaction);
        }
        Ok(transactions)
    }
}

/// Whether a transaction has the nonce that is next.
pub(crate) fn check_nonce(transaction: &Transaction, expected: u64) -> Result<(), Refusal> {
    let actual = transaction.nonce;
    match actual.cmp(&expected) {
        std::cmp::Ordering::Less => Err(Refusal::NonceTooLow { expected, actual }),
        std::cmp::Ordering::Greater => Err(Refusal::NonceGap { expected, actual }),
        // The last nonce has no successor.
        std::cmp::Ordering::Equal if actual == u64::MAX => {
            Err(Refusal::NonceTooLow { expected, actual })
        }
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// Whether a transaction has gas to be carried, and no more than one may have.
pub(crate) fn check_gas(transaction: &Transaction) -> Result<(), Refusal> {
    let actual = transaction.gas_limit;
    let needed = limits::intrinsic(transaction.data.len(), transaction.to.is_none());
    if actual < needed {
        return Err(Refusal::GasTooLow { needed, actual });
    }
    if actual > CALL_FUEL {
        let limit = CALL_FUEL;
        return Err(Refusal::GasTooHigh { limit, actual });
    }
    Ok(())
}
