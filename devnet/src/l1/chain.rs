//! The chain itself: state, blocks, and the way of a transaction into a block of its own.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::{
    consensus::{
        Block, BlockBody, Header, ReceiptEnvelope, Transaction as _, TxEnvelope, Typed2718 as _,
        constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS},
        proofs::{calculate_receipt_root, calculate_transaction_root},
        transaction::{Recovered, SignerRecoverable as _},
    },
    eips::{
        Decodable2718 as _,
        eip1559::{BaseFeeParams, calc_next_block_base_fee},
        eip7685::EMPTY_REQUESTS_HASH,
    },
    primitives::{Address, B256, Bytes, U256},
    rpc::types::{Log, TransactionReceipt},
};
use revm::{
    DatabaseCommit as _,
    context::{TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    state::AccountInfo,
};

use super::{
    execute::{self, Execution},
    history::History,
    refusal::Refusal,
};

/// Gas that a block may use, as on Ethereum's main network.
pub(super) const BLOCK_GAS: u64 = 60_000_000;
/// Base fee of the first block, in wei per gas.
const FIRST_BASE_FEE: u64 = 1_000_000_000;

/// State in memory.
pub(super) type State = CacheDB<EmptyDB>;

/// A block with at most one transaction; only the first has none.
pub(super) struct SealedBlock {
    pub(super) header: Header,
    pub(super) hash: B256,
    pub(super) mined: Option<Mined>,
}

/// A transaction with what came of it.
pub(super) struct Mined {
    pub(super) transaction: Recovered<TxEnvelope>,
    pub(super) receipt: TransactionReceipt,
}

impl SealedBlock {
    fn new(header: Header, mined: Option<Mined>) -> Self {
        Self {
            hash: header.hash_slow(),
            header,
            mined,
        }
    }

    /// The block as consensus sees it.
    pub(super) fn consensus(&self) -> Block<TxEnvelope> {
        let transactions = self.mined.iter();
        let transactions = transactions
            .map(|m| m.transaction.inner().clone())
            .collect();
        Block::new(
            self.header.clone(),
            BlockBody {
                transactions,
                ommers: vec![],
                withdrawals: Some(vec![].into()),
            },
        )
    }

    /// Its logs, in order.
    pub(super) fn logs(&self) -> &[Log] {
        self.mined.as_ref().map_or(&[], |m| m.receipt.logs())
    }
}

/// A chain that makes a block of every transaction, at once. What is in it is final.
pub(super) struct Chain {
    pub(super) id: u64,
    pub(super) state: State,
    pub(super) history: History,
    /// By how much its clock is ahead, in seconds.
    ahead: u64,
    /// All blocks, from number 0; never empty.
    blocks: Vec<SealedBlock>,
    by_hash: HashMap<B256, usize>,
    by_transaction: HashMap<B256, usize>,
}

impl Chain {
    /// A chain of which the given accounts own `balance` wei each.
    pub(super) fn new(id: u64, funded: &[Address], balance: U256) -> Self {
        let mut state = State::new(EmptyDB::default());
        for account in funded {
            let info = AccountInfo {
                balance,
                ..AccountInfo::default()
            };
            state.insert_account_info(*account, info);
        }
        let mut chain = Self {
            id,
            state,
            history: History::default(),
            ahead: 0,
            blocks: vec![],
            by_hash: HashMap::new(),
            by_transaction: HashMap::new(),
        };
        let first = Header {
            gas_limit: BLOCK_GAS,
            timestamp: now(),
            base_fee_per_gas: Some(FIRST_BASE_FEE),
            ..empty_header()
        };
        chain.push(SealedBlock::new(first, None));
        chain
    }

    /// The newest block.
    pub(super) fn head(&self) -> &SealedBlock {
        &self.blocks[self.blocks.len() - 1]
    }

    /// A block by its number.
    pub(super) fn block(&self, number: u64) -> Option<&SealedBlock> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// A block by its hash.
    pub(super) fn block_by_hash(&self, hash: B256) -> Option<&SealedBlock> {
        self.blocks.get(*self.by_hash.get(&hash)?)
    }

    /// A transaction, with its block.
    pub(super) fn mined(&self, transaction: B256) -> Option<(&SealedBlock, &Mined)> {
        let block = self.blocks.get(*self.by_transaction.get(&transaction)?)?;
        Some((block, block.mined.as_ref()?))
    }

    /// The header of the block that would come next, without its roots.
    pub(super) fn next_header(&self) -> Header {
        let SealedBlock {
            header: parent,
            hash,
            ..
        } = self.head();
        let base_fee = calc_next_block_base_fee(
            parent.gas_used,
            parent.gas_limit,
            parent.base_fee_per_gas.unwrap_or(FIRST_BASE_FEE),
            BaseFeeParams::ethereum(),
        );
        Header {
            parent_hash: *hash,
            number: parent.number + 1,
            gas_limit: parent.gas_limit,
            timestamp: now().saturating_add(self.ahead).max(parent.timestamp),
            base_fee_per_gas: Some(base_fee),
            ..empty_header()
        }
    }

    /// Moves the clock of later blocks on; by how much it is ahead now, in seconds.
    pub(super) fn pass(&mut self, seconds: u64) -> u64 {
        // So far ahead that nobody needs more, and sums of times do not overflow.
        self.ahead = self.ahead.saturating_add(seconds).min(u64::MAX / 4);
        self.ahead
    }

    /// Checks a signed transaction and makes a block of it. Whatever is refused changes nothing; a
    /// transaction that reverts is in the chain all the same.
    ///
    /// # Errors
    /// As a node's mempool would refuse it, but that a nonce gap is refused and not kept.
    pub(super) fn submit(&mut self, raw: &Bytes) -> Result<B256, Refusal> {
        let transaction = self.decode(raw)?;
        let header = self.next_header();
        let environment = transaction_environment(&transaction);
        let sender = transaction.signer();
        let Execution { result, state } =
            execute::run(self.id, &mut self.state, &header, environment, false)
                .map_err(|error| Refusal::from_evm(error, sender))?;
        self.history.remember(&self.state, &state);
        self.state.commit(state);
        let block = seal(header, transaction, &result);
        let hash = block.mined.as_ref().map(|m| m.receipt.transaction_hash);
        self.push(block);
        Ok(hash.unwrap_or_default())
    }

    fn decode(&self, raw: &Bytes) -> Result<Recovered<TxEnvelope>, Refusal> {
        let envelope = TxEnvelope::decode_2718_exact(raw)
            .map_err(|error| Refusal::Encoding(error.to_string()))?;
        if self.by_transaction.contains_key(envelope.tx_hash()) {
            return Err(Refusal::AlreadyKnown);
        }
        if envelope.is_eip4844() || envelope.is_eip7702() {
            return Err(Refusal::TypeNotSupported(envelope.ty()));
        }
        match envelope.chain_id() {
            None => return Err(Refusal::NotReplayProtected),
            Some(actual) if actual != self.id => {
                let expected = self.id;
                return Err(Refusal::WrongChain { expected, actual });
            }
            Some(_) => {}
        }
        envelope
            .try_into_recovered()
            .map_err(|_| Refusal::BadSignature)
    }

    fn push(&mut self, block: SealedBlock) {
        let (number, hash) = (block.header.number, block.hash);
        // The BLOCKHASH instruction finds it here.
        let hashes = &mut self.state.cache.block_hashes;
        hashes.insert(U256::from(number), hash);
        self.by_hash.insert(hash, self.blocks.len());
        if let Some(mined) = &block.mined {
            let transaction = mined.receipt.transaction_hash;
            self.by_transaction.insert(transaction, self.blocks.len());
        }
        self.blocks.push(block);
    }
}

/// The fields that are the same in all headers. The state root is left zero: nothing here proves
/// state to anybody.
fn empty_header() -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

fn transaction_environment(transaction: &Recovered<TxEnvelope>) -> TxEnv {
    TxEnv {
        tx_type: transaction.ty(),
        caller: transaction.signer(),
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        gas_priority_fee: transaction.max_priority_fee_per_gas(),
        kind: transaction.kind(),
        value: transaction.value(),
        data: transaction.input().clone(),
        nonce: transaction.nonce(),
        chain_id: transaction.chain_id(),
        access_list: transaction.access_list().cloned().unwrap_or_default(),
        ..TxEnv::default()
    }
}

/// Closes a block over its one transaction.
fn seal(
    mut header: Header,
    transaction: Recovered<TxEnvelope>,
    result: &ExecutionResult,
) -> SealedBlock {
    let plain = ReceiptEnvelope::from_typed(
        transaction.tx_type(),
        alloy::consensus::Receipt {
            status: result.is_success().into(),
            cumulative_gas_used: result.tx_gas_used(),
            logs: result.logs().to_vec(),
        }
        .with_bloom(),
    );
    header.gas_used = result.tx_gas_used();
    header.transactions_root = calculate_transaction_root(&[transaction.inner()]);
    header.receipts_root = calculate_receipt_root(&[&plain]);
    header.logs_bloom = *plain.logs_bloom();
    let (hash, number) = (header.hash_slow(), header.number);
    let transaction_hash = *transaction.tx_hash();
    let mut log_index = 0;
    let inner = plain.map_logs(|inner| {
        log_index += 1;
        Log {
            inner,
            block_hash: Some(hash),
            block_number: Some(number),
            block_timestamp: Some(header.timestamp),
            transaction_hash: Some(transaction_hash),
            transaction_index: Some(0),
            log_index: Some(log_index - 1),
            removed: false,
        }
    });
    let receipt = TransactionReceipt {
        inner,
        transaction_hash,
        transaction_index: Some(0),
        block_hash: Some(hash),
        block_number: Some(number),
        gas_used: header.gas_used,
        effective_gas_price: transaction.effective_gas_price(header.base_fee_per_gas),
        blob_gas_used: None,
        blob_gas_price: None,
        from: transaction.signer(),
        to: transaction.to(),
        contract_address: result.created_address(),
    };
    let mined = Mined {
        transaction,
        receipt,
    };
    SealedBlock {
        header,
        hash,
        mined: Some(mined),
    }
}

/// Seconds since the Unix epoch.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
