//! The sender against a small chain with a mempool of one, over real HTTP.

use std::sync::{Arc, Mutex};

use alloy::{
    consensus::{Transaction as _, TxEnvelope, transaction::SignerRecoverable as _},
    eips::Decodable2718 as _,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::chain::Side;

const GWEI: u128 = 1_000_000_000;

/// A chain that mines what pays enough, and can be told to misbehave.
#[derive(Debug)]
struct World {
    mined: Vec<TxEnvelope>,
    pool: Option<TxEnvelope>,
    offers: Vec<u128>,
    base_fee: u128,
    /// Transactions that offer less stay in the pool.
    price: u128,
    balance: u128,
    /// Answers to this many sends are refusals, and the transaction is dropped.
    refuse: usize,
    /// Answers to this many sends are refusals, although the transaction is taken.
    lie: usize,
    fail_in_block: bool,
    /// This many questions for a receipt find none.
    receipt_lag: usize,
}

impl World {
    fn new() -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            mined: Vec::new(),
            pool: None,
            offers: Vec::new(),
            base_fee: 10 * GWEI,
            price: 0,
            balance: 1 << 100,
            refuse: 0,
            lie: 0,
            fail_in_block: false,
            receipt_lag: 0,
        }))
    }

    fn answer(&mut self, method: &str, parameters: &Value) -> Result<Value, Value> {
        if self
            .pool
            .as_ref()
            .is_some_and(|tx| tx.max_fee_per_gas() >= self.price)
        {
            self.mined.extend(self.pool.take());
        }
        let quantity = |number: u128| Ok(json!(format!("{number:#x}")));
        let count = self.mined.len() as u128;
        match method {
            "eth_chainId" => quantity(7),
            "eth_getTransactionCount" => {
                let pending = parameters[1] == "pending" && self.pool.is_some();
                quantity(count + u128::from(pending))
            }
            "eth_getBalance" => quantity(self.balance),
            "eth_estimateGas" => quantity(100_000),
            "eth_maxPriorityFeePerGas" => quantity(GWEI),
            "eth_getBlockByNumber" => Ok(self.block()),
            "eth_getTransactionReceipt" if self.receipt_lag > 0 => {
                self.receipt_lag -= 1;
                Ok(Value::Null)
            }
            "eth_getTransactionReceipt" => {
                let found = |tx: &&TxEnvelope| parameters[0] == json!(tx.tx_hash());
                Ok(self
                    .mined
                    .iter()
                    .find(found)
                    .map_or(Value::Null, |tx| self.receipt(tx)))
            }
            "eth_sendRawTransaction" => self.send(parameters),
            other => Err(json!({"code": -32601, "message": other})),
        }
    }

    fn send(&mut self, parameters: &Value) -> Result<Value, Value> {
        let refused = |why: &str| Err(json!({"code": -32000, "message": why}));
        let raw: Bytes = serde_json::from_value(parameters[0].clone()).unwrap();
        let tx = TxEnvelope::decode_2718_exact(&raw).unwrap();
        assert_eq!((tx.chain_id(), tx.gas_limit()), (Some(7), 125_000));
        if self.refuse > 0 {
            self.refuse -= 1;
            return refused("the node is having a bad day");
        }
        if tx.nonce() != self.mined.len() as u64 {
            return refused("nonce");
        }
        if let Some(earlier) = &self.pool {
            let enough = earlier.max_fee_per_gas() * 11 / 10;
            if tx.max_fee_per_gas() < enough {
                return refused("replacement transaction underpriced");
            }
        }
        self.offers.push(tx.max_fee_per_gas());
        let hash = *tx.tx_hash();
        self.pool = Some(tx);
        if self.lie > 0 {
            self.lie -= 1;
            return refused("internal");
        }
        Ok(json!(hash))
    }

    fn block(&self) -> Value {
        let zero = B256::ZERO;
        let bloom = format!("0x{}", "00".repeat(256));
        json!({
            "hash": zero, "parentHash": zero, "sha3Uncles": zero, "miner": Address::ZERO,
            "stateRoot": zero, "transactionsRoot": zero, "receiptsRoot": zero, "logsBloom": bloom,
            "difficulty": "0x0", "number": "0x9", "gasLimit": "0x1", "gasUsed": "0x0",
            "timestamp": "0x1", "extraData": "0x", "mixHash": zero, "nonce": "0x0000000000000000",
            "baseFeePerGas": format!("{:#x}", self.base_fee), "uncles": [], "transactions": [],
            "size": "0x1",
        })
    }

    fn receipt(&self, tx: &TxEnvelope) -> Value {
        let zero = B256::ZERO;
        let status = if self.fail_in_block { "0x0" } else { "0x1" };
        let bloom = format!("0x{}", "00".repeat(256));
        json!({
            "transactionHash": tx.tx_hash(), "transactionIndex": "0x0", "blockHash": zero,
            "blockNumber": "0x9", "from": tx.recover_signer().unwrap(), "to": tx.to(),
            "contractAddress": null, "status": status, "gasUsed": "0x64",
            "cumulativeGasUsed": "0x64", "effectiveGasPrice": "0x1", "logs": [],
            "logsBloom": bloom, "type": "0x2",
        })
    }
}

async fn serve(world: Arc<Mutex<World>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            one(stream, &world).await;
        }
    });
    url
}

async fn one(mut stream: TcpStream, world: &Mutex<World>) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    let json: Value = loop {
        let length = stream.read(&mut part).await.unwrap();
        request.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        if let Some(json) = body.and_then(|body| serde_json::from_str(&body).ok()) {
            break json;
        }
        assert!(length > 0, "a request is cut short");
    };
    let answer = world
        .lock()
        .unwrap()
        .answer(json["method"].as_str().unwrap(), &json["params"]);
    let (member, value) = match answer {
        Ok(value) => ("result", value),
        Err(value) => ("error", value),
    };
    let body = json!({"jsonrpc": "2.0", "id": json["id"], member: value}).to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
}

async fn sender(world: &Arc<Mutex<World>>, policy: FeePolicy) -> Sender {
    let chain = Chain::new(Side::L1, &[serve(world.clone()).await]).unwrap();
    let key = UserKey::from_bytes(&[5; 32]).unwrap();
    let patience = Patience {
        poll: Duration::from_millis(5),
        resend_after: Duration::from_millis(60),
        give_up_after: Duration::from_millis(1500),
    };
    Sender::new(chain, key, policy, patience)
}

const POLICY: FeePolicy = FeePolicy::Capped { cap: 100 * GWEI };

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.json")).unwrap();
    (dir, store)
}

fn call(byte: u8) -> Call {
    Call {
        to: Address::repeat_byte(1),
        data: vec![byte].into(),
        what: "a test".into(),
    }
}

#[tokio::test]
async fn a_transaction_gets_into_a_block_and_the_next_follows() {
    let (world, (_dir, mut store)) = (World::new(), store());
    let sender = sender(&world, POLICY).await;
    for byte in 0..3 {
        let mined = sender.send(&call(byte), &mut store).await.unwrap();
        assert_eq!((mined.block, mined.gas_used), (9, 100));
    }
    let world = world.lock().unwrap();
    let nonces: Vec<_> = world.mined.iter().map(|tx| tx.nonce()).collect();
    assert_eq!(nonces, [0, 1, 2]);
    assert_eq!(world.offers, [21 * GWEI; 3]);
    assert!(store.state.in_flight.is_empty());
}

#[tokio::test]
async fn a_receipt_may_come_later_than_the_nonce() {
    let (world, (_dir, mut store)) = (World::new(), store());
    world.lock().unwrap().receipt_lag = 4;
    let sender = sender(&world, POLICY).await;
    let mined = sender.send(&call(0), &mut store).await.unwrap();
    assert_eq!(mined.block, 9);

    // But one that never comes is somebody else's.
    world.lock().unwrap().receipt_lag = usize::MAX;
    let error = sender.send(&call(1), &mut store).await.unwrap_err();
    assert!(matches!(error, RelayerError::NonceTaken { .. }), "{error}");
}

#[tokio::test]
async fn a_failed_send_leaves_no_gap_behind() {
    let (world, (_dir, mut store)) = (World::new(), store());
    world.lock().unwrap().refuse = 1;
    let sender = sender(&world, POLICY).await;
    let error = sender.send(&call(0), &mut store).await.unwrap_err();
    assert!(matches!(error, RelayerError::NotTaken { .. }), "{error}");
    assert_eq!(error.class(), Class::Retryable);
    assert!(
        store.state.in_flight.is_empty(),
        "so the next offer need not be higher"
    );
    sender.send(&call(0), &mut store).await.unwrap();
    assert_eq!(world.lock().unwrap().mined.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_not_believed_when_the_chain_says_otherwise() {
    let (world, (_dir, mut store)) = (World::new(), store());
    world.lock().unwrap().lie = 1;
    let sender = sender(&world, POLICY).await;
    sender.send(&call(0), &mut store).await.unwrap();
    assert_eq!(world.lock().unwrap().mined.len(), 1);
}

#[tokio::test]
async fn what_is_not_mined_offers_more_until_it_is() {
    let (world, (_dir, mut store)) = (World::new(), store());
    world.lock().unwrap().price = 30 * GWEI;
    let sender = sender(&world, POLICY).await;
    sender.send(&call(0), &mut store).await.unwrap();
    let world = world.lock().unwrap();
    assert_eq!(world.mined.len(), 1);
    assert!(world.offers.len() > 2, "{:?}", world.offers);
    assert!(world.offers.is_sorted() && world.offers.last() >= Some(&(30 * GWEI)));
}

#[tokio::test]
async fn offers_end_at_the_cap_and_a_restart_goes_on_from_there() {
    let (world, (_dir, mut store)) = (World::new(), store());
    world.lock().unwrap().price = 50 * GWEI;
    let low = sender(&world, FeePolicy::Capped { cap: 40 * GWEI }).await;
    let error = low.send(&call(0), &mut store).await.unwrap_err();
    assert!(matches!(error, RelayerError::NotMined { .. }), "{error}");
    let highest = *world.lock().unwrap().offers.last().unwrap();
    assert!((35 * GWEI..=40 * GWEI).contains(&highest));
    assert_eq!(store.state.in_flight[&Side::L1].max_fee_per_gas, highest);

    // Another process, with another call: what is pending is replaced, not waited for.
    let restarted = sender(&world, POLICY).await;
    restarted.send(&call(1), &mut store).await.unwrap();
    let world = world.lock().unwrap();
    assert_eq!(world.mined.len(), 1);
    assert_eq!(world.mined[0].input().as_ref(), [1]);
}

#[tokio::test]
async fn without_the_state_file_what_is_pending_is_waited_for_then_replaced() {
    let (world, (_dir, mut lost)) = (World::new(), store());
    world.lock().unwrap().price = 22 * GWEI;
    let sender = sender(&world, FeePolicy::Capped { cap: 21 * GWEI }).await;
    let _ = sender.send(&call(0), &mut lost).await.unwrap_err();
    let (_dir, mut fresh) = store();
    world.lock().unwrap().base_fee = 20 * GWEI;
    let sender = super::tests::sender(&world, POLICY).await;
    sender.send(&call(1), &mut fresh).await.unwrap();
    assert_eq!(world.lock().unwrap().mined[0].input().as_ref(), [1]);
}

#[tokio::test]
async fn a_chain_without_fees_never_replaces() {
    let (world, (_dir, mut store)) = (World::new(), store());
    world.lock().unwrap().price = GWEI;
    let sender = sender(&world, FeePolicy::Free).await;
    let error = sender.send(&call(0), &mut store).await.unwrap_err();
    assert!(matches!(error, RelayerError::NotMined { .. }), "{error}");
    let error = sender.send(&call(1), &mut store).await.unwrap_err();
    assert!(
        matches!(error, RelayerError::EarlierPending { .. }),
        "{error}"
    );
    assert_eq!(world.lock().unwrap().offers, [0]);
}

#[tokio::test]
async fn what_cannot_be_paid_is_not_sent() {
    let (world, (_dir, mut store)) = (World::new(), store());
    let sender = sender(&world, POLICY).await;
    world.lock().unwrap().balance = 125_000 * 21 * GWEI - 1;
    let error = sender.send(&call(0), &mut store).await.unwrap_err();
    assert!(
        matches!(error, RelayerError::InsufficientFunds { .. }),
        "{error}"
    );
    world.lock().unwrap().base_fee = 101 * GWEI;
    let error = sender.send(&call(0), &mut store).await.unwrap_err();
    assert!(matches!(error, RelayerError::FeeOverCap { .. }), "{error}");
    assert!(world.lock().unwrap().offers.is_empty());
}

#[tokio::test]
async fn a_transaction_that_fails_in_its_block_is_reported_once() {
    let (world, (_dir, mut store)) = (World::new(), store());
    world.lock().unwrap().fail_in_block = true;
    let sender = sender(&world, POLICY).await;
    let error = sender.send(&call(0), &mut store).await.unwrap_err();
    assert!(
        matches!(error, RelayerError::FailedInBlock { .. }),
        "{error}"
    );
    assert!(store.state.in_flight.is_empty());
}
