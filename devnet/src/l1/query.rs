//! Reading the chain: accounts, blocks, receipts, logs, fees.

use super::{
    chain::{Chain, Mined, SealedBlock},
    refusal::Refusal,
};
use alloy::{
    consensus::Transaction as _,
    eips::{BlockId, BlockNumberOrTag},
    primitives::U256,
    rpc::types::{
        Block, BlockTransactions, FeeHistory, Filter, FilterBlockOption, Header, Log, Transaction,
    },
};

/// What a transaction offers a proposer over the base fee, when it asks for advice; wei per gas.
pub(super) const PRIORITY_FEE: u128 = 1_000_000_000;
/// Blocks of one answer about fees.
const FEE_HISTORY_BLOCKS: u64 = 1024;

impl Chain {
    /// The block that a name stands for; `pending` is the newest, since nothing ever waits.
    pub(super) fn find(&self, id: BlockId) -> Option<&SealedBlock> {
        match id {
            BlockId::Hash(hash) => self.block_by_hash(hash.block_hash),
            BlockId::Number(BlockNumberOrTag::Number(number)) => self.block(number),
            BlockId::Number(BlockNumberOrTag::Earliest) => self.block(0),
            BlockId::Number(_) => Some(self.head()),
        }
    }

    /// The logs that a filter asks for, in order.
    pub(super) fn logs(&self, filter: &Filter) -> Result<Vec<Log>, Refusal> {
        let blocks = match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => {
                let unknown = || Refusal::UnknownBlock(hash.to_string());
                let number = self.block_by_hash(hash).ok_or_else(unknown)?.header.number;
                number..=number
            }
            FilterBlockOption::Range {
                from_block,
                to_block,
            } => {
                let head = self.head().header.number;
                let number = |tag: Option<BlockNumberOrTag>| match tag {
                    Some(BlockNumberOrTag::Number(number)) => number,
                    Some(BlockNumberOrTag::Earliest) => 0,
                    _ => head,
                };
                let (from, to) = (number(from_block), number(to_block));
                if from > to {
                    return Err(Refusal::Parameters("invalid block range params".into()));
                }
                from..=to.min(head)
            }
        };
        let blocks = blocks.filter_map(|number| self.block(number));
        let logs = blocks.flat_map(SealedBlock::logs);
        Ok(logs
            .filter(|log| filter.matches(&log.inner))
            .cloned()
            .collect())
    }

    /// Fees of the `count` blocks up to `newest`, and the base fee of the next.
    pub(super) fn fee_history(
        &self,
        count: u64,
        newest: BlockNumberOrTag,
        percentiles: Option<&[f64]>,
    ) -> Result<FeeHistory, Refusal> {
        let newest = BlockId::Number(newest);
        let unknown = || Refusal::UnknownBlock(newest.to_string());
        let newest = self.find(newest).ok_or_else(unknown)?.header.number;
        let count = count.clamp(1, FEE_HISTORY_BLOCKS).min(newest + 1);
        let oldest = newest + 1 - count;
        let blocks = || (oldest..=newest).filter_map(|number| self.block(number));
        let mut base_fees: Vec<_> = blocks().map(base_fee).collect();
        base_fees.push(match self.block(newest + 1) {
            Some(block) => base_fee(block),
            None => u128::from(self.next_header().base_fee_per_gas.unwrap_or_default()),
        });
        #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
        let ratio = |b: &SealedBlock| b.header.gas_used as f64 / b.header.gas_limit as f64;
        let tip = |block: &SealedBlock| {
            let transaction = block.mined.as_ref().map(|m| &m.transaction);
            let tip =
                transaction.and_then(|t| t.effective_tip_per_gas(block.header.base_fee_per_gas?));
            tip.unwrap_or_default()
        };
        Ok(FeeHistory {
            base_fee_per_gas: base_fees,
            gas_used_ratio: blocks().map(ratio).collect(),
            oldest_block: oldest,
            reward: percentiles.map(|p| blocks().map(|b| vec![tip(b); p.len()]).collect()),
            ..FeeHistory::default()
        })
    }
}

fn base_fee(block: &SealedBlock) -> u128 {
    u128::from(block.header.base_fee_per_gas.unwrap_or_default())
}

/// A block as the RPC shows it, with whole transactions or their hashes.
pub(super) fn show_block(block: &SealedBlock, whole: bool) -> Block {
    let size = U256::from(alloy::rlp::Encodable::length(&block.consensus()));
    let header = Header {
        hash: block.hash,
        inner: block.header.clone(),
        total_difficulty: None,
        size: Some(size),
    };
    let mined = block.mined.iter();
    let transactions = if whole {
        BlockTransactions::Full(mined.map(|m| show_transaction(block, m)).collect())
    } else {
        BlockTransactions::Hashes(mined.map(|m| m.receipt.transaction_hash).collect())
    };
    Block::new(header, transactions).with_withdrawals(Some(vec![].into()))
}

/// A transaction as the RPC shows it.
pub(super) fn show_transaction(block: &SealedBlock, mined: &Mined) -> Transaction {
    Transaction {
        inner: mined.transaction.clone(),
        block_hash: Some(block.hash),
        block_number: Some(block.header.number),
        transaction_index: Some(0),
        effective_gas_price: Some(mined.receipt.effective_gas_price),
        block_timestamp: Some(block.header.timestamp),
    }
}
