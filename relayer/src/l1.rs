//! What is read from L1: voter lists and accepted results.

use alloy::{
    primitives::{Address, B256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent as _,
};
use client::ClientError;
use tracing::debug;

use crate::{
    Class, RelayerError,
    abi::{App, Electorate},
    chain::Chain,
    config::Confirmations,
};

/// L1 as the relayer sees it.
#[derive(Clone, Debug)]
pub struct L1 {
    /// The chain.
    pub chain: Chain,
    /// From when on its events are believed.
    pub confirmations: Confirmations,
    /// Blocks per `eth_getLogs`.
    pub log_blocks: u64,
}

/// What an app says about its voter list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// Root of its tree; none while it may still grow.
    pub root: Option<B256>,
    /// How many batches it has.
    pub batches: u32,
}

/// A batch of voters, from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its place in the list.
    pub index: u32,
    /// The voters.
    pub voters: Vec<Address>,
    /// Block of the event.
    pub block: u64,
}

impl Batch {
    /// The batch in an event, if it is one that the chain still holds.
    #[must_use]
    pub fn from_log(log: &Log) -> Option<Self> {
        if log.removed {
            return None;
        }
        let decoded = Electorate::VotersAdded::decode_log(&log.inner);
        // What does not decode is no batch; the root will show whether it mattered.
        let (Ok(event), Some(block)) = (decoded, log.block_number) else {
            debug!(?log, "an event that is none");
            return None;
        };
        Some(Self {
            index: event.index,
            voters: event.data.voters,
            block,
        })
    }
}

impl L1 {
    /// Number of the last block that is believed; none while there is none.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn believed(&self) -> Result<Option<u64>, RelayerError> {
        match self.confirmations {
            Confirmations::Finalized => self.chain.finalized().await,
            Confirmations::Blocks(blocks) => Ok(self.chain.head().await?.checked_sub(blocks)),
        }
    }

    /// What an app says about its voter list.
    ///
    /// # Errors
    /// As [`Chain::view`].
    pub async fn list(&self, app: Address) -> Result<List, RelayerError> {
        let open = self.chain.view(app, Electorate::phaseCall {}).await? == 0;
        let root = self.chain.view(app, Electorate::treeRootCall {}).await?;
        let batches = self.chain.view(app, Electorate::batchCountCall {}).await?;
        Ok(List {
            root: (!open).then_some(root),
            batches,
        })
    }

    /// Whether an app has accepted the result of a computation.
    ///
    /// # Errors
    /// As [`Chain::view`].
    pub async fn accepted(&self, app: Address, computation: B256) -> Result<bool, RelayerError> {
        let call = App::acceptedCall {
            computationId: computation,
        };
        self.chain.view(app, call).await
    }

    /// Batches that were added in these blocks, both included. A node that refuses a range is asked
    /// for half of it, down to a single block.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn batches(
        &self,
        app: Address,
        from: u64,
        to: u64,
    ) -> Result<Vec<Batch>, RelayerError> {
        let mut batches = Vec::new();
        let (mut start, mut size) = (from, self.log_blocks.max(1));
        while start <= to {
            let end = to.min(start.saturating_add(size - 1));
            let filter = Filter::new()
                .address(app)
                .event_signature(Electorate::VotersAdded::SIGNATURE_HASH)
                .from_block(start)
                .to_block(end);
            match self.chain.logs(filter).await {
                Ok(logs) => {
                    batches.extend(logs.iter().filter_map(Batch::from_log));
                    start = end.saturating_add(1);
                }
                Err(error) if size > 1 && is_refusal(&error) => {
                    debug!(%error, start, end, "asking for half the blocks");
                    size = ((end - start).saturating_add(1) / 2).max(1);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(batches)
    }
}

/// Whether the node answered and did not want to, as it does when a range is too long.
fn is_refusal(error: &RelayerError) -> bool {
    let answered = matches!(
        error,
        RelayerError::Client {
            source: ClientError::Refused { .. },
            ..
        }
    );
    answered && error.class() != Class::Waiting
}
