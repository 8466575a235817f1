//! An L1 that loses events, takes back what was in a block, or becomes dear for a while: the voter
//! list and the result still get to the other side, once.

use std::sync::{Arc, Mutex, PoisonError};

use alloy::{
    network::{EthereumWallet, TransactionBuilder as _},
    primitives::{Address, Bytes, U256, keccak256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use eyre::{Result, ensure, eyre};
use serde_json::{Value, json};
use system_tests::{World, l1_proxy::Trouble, until};
use voting::electorate;

/// Blocks that the relayer reads again each time are fewer.
const MANY_BLOCKS: usize = 20;
/// More than any relayer here offers per gas, in wei.
const DEAR: u64 = 1_000_000_000_000;

/// Loses all events, until it is well again.
#[derive(Default)]
struct Forgetful {
    well: bool,
    /// The last block of which it lost events.
    lost: u64,
}

impl Trouble for Forgetful {
    fn alter(&mut self, method: &str, params: &Value, result: &mut Value) {
        if method == "eth_getLogs" && !self.well {
            *result = json!([]);
            self.lost = self.lost.max(number(&params[0]["toBlock"]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_which_l1_has_lost_the_events_is_read_again() -> Result<()> {
    let trouble = Arc::new(Mutex::new(Forgetful::default()));
    let (world, _proxy) = World::before_l1(6, 0, trouble.clone()).await?;
    world
        .play(async |world| {
            let miner = Miner::new(world).await?;
            let registering =
                electorate::register(&world.stage, &world.electorate, &world.narrator);
            let recovering = async {
                until("the sealing of the list on L1", async || {
                    let root = world.stage.voting().treeRoot().call().await?;
                    Ok((root == world.electorate.root()).then_some(()))
                })
                .await?;
                let mut head = 0;
                for _ in 0..MANY_BLOCKS {
                    head = miner.block().await?;
                }
                until("the loss of all events", async || {
                    Ok((lock(&trouble).lost >= head).then_some(()))
                })
                .await?;
                lock(&trouble).well = true;
                Ok(())
            };
            let registering = async { registering.await.map_err(eyre::Report::from) };
            tokio::try_join!(registering, recovering)?;
            world.vote(0..6, 6).await?;
            world.count_all().await
        })
        .await
}

/// Says that the first transaction is in a block, and later knows nothing of it.
#[derive(Default)]
struct Fickle {
    /// Its hash.
    taken_back: Option<Value>,
    head: u64,
    /// Transactions that got through to the chain.
    sent: usize,
}

impl Trouble for Fickle {
    fn instead(&mut self, method: &str, params: &Value) -> Option<Value> {
        if method != "eth_sendRawTransaction" {
            return None;
        }
        if self.taken_back.is_some() {
            self.sent += 1;
            return None;
        }
        let raw: Bytes = params[0].as_str()?.parse().ok()?;
        let hash = json!(keccak256(raw));
        self.taken_back = Some(hash.clone());
        Some(hash)
    }

    fn alter(&mut self, method: &str, params: &Value, result: &mut Value) {
        match method {
            "eth_blockNumber" => self.head = number(result),
            "eth_getTransactionReceipt" if Some(&params[0]) == self.taken_back.as_ref() => {
                *result = receipt(&params[0], self.head);
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_whose_block_is_reorganised_away_is_sent_again() -> Result<()> {
    let trouble = Arc::new(Mutex::new(Fickle::default()));
    let (world, _proxy) = World::before_l1(6, 2, trouble.clone()).await?;
    world
        .play(async |world| {
            let miner = Miner::new(world).await?;
            let everything = async {
                electorate::register(&world.stage, &world.electorate, &world.narrator).await?;
                world.vote(0..6, 6).await?;
                world.count_all().await
            };
            // L1 goes on all the while.
            tokio::select! {
                done = everything => done?,
                failed = miner.run() => return Err(failed),
            }
            let sent = lock(&trouble).sent;
            ensure!(sent > 0, "what was taken back was not sent again");
            ensure!(published(world).await? == 1, "the tally is published once");
            Ok(())
        })
        .await
}

/// Is dear, until it is well again.
#[derive(Default)]
struct Dear {
    well: bool,
    /// How often somebody asked for its fees while it was dear.
    asked: usize,
    /// Transactions that were sent while it was dear.
    sent: usize,
}

impl Trouble for Dear {
    fn alter(&mut self, method: &str, _: &Value, result: &mut Value) {
        if self.well {
            return;
        }
        match method {
            "eth_getBlockByNumber" if result["baseFeePerGas"].is_string() => {
                result["baseFeePerGas"] = json!(format!("{DEAR:#x}"));
                self.asked += 1;
            }
            "eth_sendRawTransaction" => self.sent += 1,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_waits_while_gas_is_dearer_than_allowed() -> Result<()> {
    let trouble = Arc::new(Mutex::new(Dear::default()));
    let (world, _proxy) = World::before_l1(6, 0, trouble.clone()).await?;
    world
        .play(async |world| {
            electorate::register(&world.stage, &world.electorate, &world.narrator).await?;
            world.vote(0..6, 6).await?;
            let calming = async {
                until("some looks at the fees", async || {
                    Ok((lock(&trouble).asked >= 3).then_some(()))
                })
                .await?;
                ensure!(published(world).await? == 0, "nothing was paid that dearly");
                lock(&trouble).well = true;
                Ok(())
            };
            tokio::try_join!(world.count_all(), calming)?;
            ensure!(lock(&trouble).sent == 0, "it sent nothing at such a price");
            ensure!(published(world).await? == 1, "the tally is published once");
            Ok(())
        })
        .await
}

fn lock<T>(trouble: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    trouble.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A quantity of JSON-RPC.
fn number(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default()
}

/// The receipt of a transaction that is in no block.
fn receipt(hash: &Value, block: u64) -> Value {
    json!({
        "transactionHash": hash,
        "transactionIndex": "0x0",
        "blockHash": hash,
        "blockNumber": format!("{block:#x}"),
        "from": Address::ZERO,
        "to": Address::ZERO,
        "contractAddress": null,
        "cumulativeGasUsed": "0x5208",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x1",
        "logs": [],
        "logsBloom": format!("0x{}", "00".repeat(256)),
        "status": "0x1",
        "type": "0x2",
    })
}

/// How often the tally was published.
async fn published(world: &World) -> Result<usize> {
    let from = world.stage.contracts.voting_block;
    let voting = world.stage.voting();
    let events = voting
        .TallyPublished_filter()
        .from_block(from)
        .query()
        .await?;
    Ok(events.len())
}

/// Makes blocks on L1 by sending money to itself.
struct Miner {
    provider: DynProvider,
    address: Address,
}

impl Miner {
    async fn new(world: &World) -> Result<Self> {
        let embedded = world
            .stage
            .l1
            .embedded
            .as_ref()
            .ok_or_else(|| eyre!("an embedded L1"))?;
        let key = PrivateKeySigner::random();
        let address = key.address();
        let ether = U256::from(10).pow(U256::from(18));
        let funding = TransactionRequest::default()
            .with_to(address)
            .with_value(ether);
        let funding = world.stage.l1.provider.send_transaction(funding).await?;
        ensure!(
            funding.get_receipt().await?.status(),
            "the miner has no money"
        );
        let provider = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(EthereumWallet::from(key))
            .connect_http(embedded.url().parse()?)
            .erased();
        Ok(Self { provider, address })
    }

    /// Makes a block; its number.
    async fn block(&self) -> Result<u64> {
        let nothing = TransactionRequest::default().with_to(self.address);
        let sent = self.provider.send_transaction(nothing).await?;
        let receipt = sent.get_receipt().await?;
        Ok(receipt.block_number.unwrap_or_default())
    }

    /// Makes blocks until one cannot be made.
    async fn run(&self) -> eyre::Report {
        // The rhythm of the chain, not a wait for anything.
        let mut rhythm = tokio::time::interval(std::time::Duration::from_millis(250));
        loop {
            rhythm.tick().await;
            if let Err(error) = self.block().await {
                return error;
            }
        }
    }
}
