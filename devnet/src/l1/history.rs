//! The state as it was after a recent block.
//!
//! Of each block is kept what it overwrote; an old state is the newest one with that put back.

use std::collections::VecDeque;

use alloy::{
    consensus::Header,
    eips::BlockId,
    primitives::{Address, U256},
};
use revm::{
    Database as _, DatabaseRef as _,
    database::AccountState,
    state::{AccountInfo, EvmState},
};

use super::{
    chain::{Chain, State},
    refusal::Refusal,
};

/// Blocks whose state can be asked for, besides the newest; as many as common nodes keep.
const BLOCKS: usize = 128;

/// What the newest blocks overwrote, oldest first.
#[derive(Default)]
pub(super) struct History(VecDeque<Overwritten>);

struct Overwritten {
    accounts: Vec<(Address, Option<AccountInfo>)>,
    words: Vec<(Address, U256, U256)>,
}

impl History {
    /// Remembers what the block with these changes is about to overwrite.
    pub(super) fn remember(&mut self, state: &State, changes: &EvmState) {
        let accounts = changes.keys().map(|address| {
            let Ok(info) = state.basic_ref(*address);
            (*address, info)
        });
        let words = changes.iter().flat_map(|(address, account)| {
            account.storage.keys().map(|slot| {
                let Ok(word) = state.storage_ref(*address, *slot);
                (*address, *slot, word)
            })
        });
        self.0.push_back(Overwritten {
            accounts: accounts.collect(),
            words: words.collect(),
        });
        if self.0.len() > BLOCKS {
            self.0.pop_front();
        }
    }

    /// The state `blocks` before the newest, if it is kept.
    fn before(&self, state: &State, blocks: usize) -> Option<State> {
        let first = self.0.len().checked_sub(blocks)?;
        let mut state = state.clone();
        for overwritten in self.0.range(first..).rev() {
            for (address, slot, word) in &overwritten.words {
                let Ok(account) = state.load_account(*address);
                account.storage.insert(*slot, *word);
            }
            for (address, info) in &overwritten.accounts {
                let Ok(account) = state.load_account(*address);
                match info {
                    Some(info) => account.info = info.clone(),
                    None => {
                        account.info = AccountInfo::default();
                        account.account_state = AccountState::NotExisting;
                    }
                }
            }
        }
        Some(state)
    }
}

impl Chain {
    /// Reads the state after a block, by default the newest, together with its header.
    ///
    /// # Errors
    /// [`Refusal::UnknownBlock`], [`Refusal::OldState`].
    pub(super) fn at<T>(
        &mut self,
        id: Option<BlockId>,
        read: impl FnOnce(&mut State, &Header) -> T,
    ) -> Result<T, Refusal> {
        let id = id.unwrap_or_default();
        let unknown = || Refusal::UnknownBlock(id.to_string());
        let header = self.find(id).ok_or_else(unknown)?.header.clone();
        let head = self.head().header.number;
        if header.number == head {
            return Ok(read(&mut self.state, &header));
        }
        let asked = header.number;
        let old = usize::try_from(head - asked).ok();
        let old = old.and_then(|blocks| self.history.before(&self.state, blocks));
        match old {
            Some(mut state) => Ok(read(&mut state, &header)),
            None => Err(Refusal::OldState { asked, head }),
        }
    }
}

/// An account; one that nobody has touched is empty.
pub(super) fn account(state: &mut State, address: Address) -> AccountInfo {
    let Ok(info) = state.basic(address);
    info.unwrap_or_default()
}
