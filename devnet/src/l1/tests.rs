//! The embedded L1 as alloy sees it.

use alloy::{
    consensus::{
        EthereumTxEnvelope, SignableTransaction as _, TxEip1559, proofs::calculate_transaction_root,
    },
    eips::{BlockId, Encodable2718 as _},
    network::{TransactionBuilder as _, TxSignerSync as _},
    primitives::{Bytes, TxKind, U256, address},
    providers::{DynProvider, Provider},
    rpc::types::{Filter, TransactionRequest},
    sol,
};
use serde_json::{Value, json};

use super::*;

sol! {
    #[sol(rpc)]
    #[derive(Debug)]
    interface Counter {
        event Added(uint256 indexed amount);
        error Zero();
        function add(uint256 amount) external;
        function total() external view returns (uint256);
    }
}

/// Creation code of a hand-assembled contract: `total()` returns slot 0; `add(x)` reverts with
/// `Zero()` for 0, else adds x to slot 0 and emits `Added(x)`; anything else reverts.
fn counter_code() -> Bytes {
    use alloy::sol_types::{SolCall as _, SolError as _, SolEvent as _};
    let mut code = vec![0x5f, 0x35, 0x60, 0xe0, 0x1c]; // selector
    let mut targets = Vec::new();
    for selector in [Counter::totalCall::SELECTOR, Counter::addCall::SELECTOR] {
        code.extend([0x80, 0x63]); // dup, push4
        code.extend(selector);
        code.extend([0x14, 0x60, 0x00, 0x57]); // eq, push1 target, jumpi
        targets.push(code.len() - 2);
    }
    code.extend([0x5f, 0x5f, 0xfd]); // revert(0, 0)
    code[targets[0]] = u8::try_from(code.len()).unwrap();
    code.extend([0x5b, 0x5f, 0x54, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]); // return sload(0)
    code[targets[1]] = u8::try_from(code.len()).unwrap();
    code.extend([0x5b, 0x60, 0x04, 0x35, 0x80, 0x60, 0x00, 0x57]); // x; if x jump
    let non_zero = code.len() - 2;
    code.push(0x63);
    code.extend(Counter::Zero::SELECTOR);
    code.extend([0x60, 0xe0, 0x1b, 0x5f, 0x52, 0x60, 0x04, 0x5f, 0xfd]); // revert Zero()
    code[non_zero] = u8::try_from(code.len()).unwrap();
    code.extend([0x5b, 0x80, 0x5f, 0x54, 0x01, 0x5f, 0x55, 0x7f]); // slot 0 += x; push32 topic
    code.extend(Counter::Added::SIGNATURE_HASH);
    code.extend([0x5f, 0x5f, 0xa2, 0x00]); // log2(0, 0, topic, x); stop
    let length = u8::try_from(code.len()).unwrap();
    let mut creation = vec![0x60, length, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3];
    creation.extend(code);
    creation.into()
}

fn provider(l1: &EmbeddedL1) -> DynProvider {
    let provider = l1.provider().unwrap();
    provider
        .client()
        .set_poll_interval(std::time::Duration::from_millis(10));
    provider
}

async fn deploy(provider: &DynProvider) -> Counter::CounterInstance<DynProvider> {
    let request = TransactionRequest::default().with_deploy_code(counter_code());
    let receipt = provider.send_transaction(request).await.unwrap();
    let receipt = receipt.get_receipt().await.unwrap();
    assert!(receipt.status());
    Counter::new(receipt.contract_address.unwrap(), provider.clone())
}

/// A plain transfer, signed by the second account.
fn transfer(l1: &EmbeddedL1, change: impl FnOnce(&mut TxEip1559)) -> Bytes {
    let mut transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(address!("0x00000000000000000000000000000000000000aa")),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    change(&mut transaction);
    let signature = l1.accounts()[1]
        .sign_transaction_sync(&mut transaction)
        .unwrap();
    let envelope = EthereumTxEnvelope::<alloy::consensus::TxEip4844Variant>::from(
        transaction.into_signed(signature),
    );
    envelope.encoded_2718().into()
}

async fn refusal(provider: &DynProvider, raw: &Bytes) -> String {
    let before = provider.get_block_number().await.unwrap();
    let error = provider.send_raw_transaction(raw).await.unwrap_err();
    assert_eq!(
        provider.get_block_number().await.unwrap(),
        before,
        "no block"
    );
    let error = error.as_error_resp().unwrap().clone();
    assert_eq!(error.code, -32000);
    error.message.into_owned()
}

#[tokio::test]
async fn a_contract_is_deployed_called_and_read() {
    let l1 = EmbeddedL1::start(1).await.unwrap();
    let provider = provider(&l1);
    assert_eq!(provider.get_chain_id().await.unwrap(), CHAIN_ID);
    let counter = deploy(&provider).await;
    let added = counter.add(U256::from(5)).send().await.unwrap();
    let receipt = added.get_receipt().await.unwrap();
    assert_eq!(counter.total().call().await.unwrap(), U256::from(5));
    assert_eq!(receipt.block_number, Some(2));

    let slot = provider
        .get_storage_at(*counter.address(), U256::ZERO)
        .await;
    assert_eq!(slot.unwrap(), U256::from(5));
    let code = provider.get_code_at(*counter.address()).await.unwrap();
    assert_eq!(code, counter_code()[9..]);

    // The sender paid for the gas at the price that the receipt names.
    let sender = l1.accounts()[0].address();
    let first = provider
        .get_block_receipts(BlockId::number(1))
        .await
        .unwrap()
        .unwrap();
    let spent = |r: &alloy::rpc::types::TransactionReceipt| {
        U256::from(r.gas_used) * U256::from(r.effective_gas_price)
    };
    let funds = U256::from(FUNDS_ETHER) * U256::from(10).pow(U256::from(18));
    let left = provider.get_balance(sender).await.unwrap();
    assert_eq!(left, funds - spent(&first[0]) - spent(&receipt));
}

#[tokio::test]
async fn a_revert_carries_its_data() {
    let l1 = EmbeddedL1::start(1).await.unwrap();
    let counter = deploy(&provider(&l1)).await;
    for error in [
        counter.add(U256::ZERO).call().await.unwrap_err(),
        counter.add(U256::ZERO).estimate_gas().await.unwrap_err(),
    ] {
        assert!(
            error.as_decoded_error::<Counter::Zero>().is_some(),
            "{error}"
        );
    }
    // Sent with a gas limit, so that nothing is estimated: it is in the chain, and failed.
    let sent = counter.add(U256::ZERO).gas(100_000).send().await.unwrap();
    let receipt = sent.get_receipt().await.unwrap();
    assert!(!receipt.status());
    assert!(receipt.logs().is_empty());
    assert_eq!(counter.total().call().await.unwrap(), U256::ZERO);
}

#[tokio::test]
async fn logs_are_filtered_by_block_address_and_topic() {
    let l1 = EmbeddedL1::start(1).await.unwrap();
    let provider = provider(&l1);
    let (one, other) = (deploy(&provider).await, deploy(&provider).await);
    for (counter, amount) in [(&one, 7), (&other, 7), (&one, 8)] {
        let sent = counter.add(U256::from(amount)).send().await.unwrap();
        sent.get_receipt().await.unwrap();
    }
    let count = async |filter: &Filter| provider.get_logs(filter).await.unwrap().len();
    let all = Filter::new().from_block(0);
    assert_eq!(count(&all).await, 3);
    assert_eq!(count(&all.clone().address(*one.address())).await, 2);
    assert_eq!(count(&all.clone().topic1(U256::from(7))).await, 2);
    assert_eq!(count(&Filter::new().from_block(4).to_block(4)).await, 1);
    assert_eq!(count(&Filter::new().from_block(6).to_block(9)).await, 0);
    let block = provider
        .get_block_by_number(5.into())
        .full()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        count(&Filter::new().at_block_hash(block.header.hash)).await,
        1
    );
    let reversed = provider
        .get_logs(&Filter::new().from_block(5).to_block(2))
        .await;
    assert_eq!(reversed.unwrap_err().as_error_resp().unwrap().code, -32602);
    let events = one.Added_filter().from_block(0).query().await.unwrap();
    assert_eq!(events[1].0.amount, U256::from(8));
    assert_eq!(events[1].1.block_hash, Some(block.header.hash));
}

#[tokio::test]
async fn blocks_form_a_chain_whose_hashes_verify() {
    let l1 = EmbeddedL1::start(1).await.unwrap();
    let provider = provider(&l1);
    deploy(&provider).await;
    deploy(&provider).await;
    let mut parent = None;
    for number in 0..3 {
        let block = provider.get_block_by_number(number.into()).full().await;
        let block = block.unwrap().unwrap();
        assert_eq!(block.header.inner.hash_slow(), block.header.hash);
        assert_eq!(parent.unwrap_or_default(), block.header.parent_hash);
        let transactions = block.transactions.txns().map(|t| t.inner.inner().clone());
        let root = calculate_transaction_root(&transactions.collect::<Vec<_>>());
        if number > 0 {
            assert_eq!(root, block.header.transactions_root);
        }
        parent = Some(block.header.hash);
    }
    for tag in ["latest", "safe", "finalized", "pending"] {
        let block =
            provider.get_block(tag.parse::<alloy::eips::BlockNumberOrTag>().unwrap().into());
        assert_eq!(block.await.unwrap().unwrap().header.number, 2, "{tag}");
    }
    assert!(
        provider
            .get_block_by_number(3.into())
            .await
            .unwrap()
            .is_none()
    );
    let history = provider
        .get_fee_history(2, 2.into(), &[50.0])
        .await
        .unwrap();
    assert_eq!(history.oldest_block, 1);
    assert_eq!(history.base_fee_per_gas.len(), 3);
    assert!(
        history.base_fee_per_gas[2] < history.base_fee_per_gas[0],
        "little gas was used"
    );
}

#[tokio::test]
async fn a_transaction_that_breaks_a_rule_is_refused_and_changes_nothing() {
    let l1 = EmbeddedL1::start(2).await.unwrap();
    let provider = provider(&l1);
    let good = transfer(&l1, |_| {});
    let gap = refusal(&provider, &transfer(&l1, |t| t.nonce = 1)).await;
    assert_eq!(gap, "nonce too high: next nonce 0, tx nonce 1");
    let chain = refusal(&provider, &transfer(&l1, |t| t.chain_id = 1)).await;
    assert_eq!(
        chain,
        format!("invalid chain id for signer: have 1, want {CHAIN_ID}")
    );
    let poor = refusal(
        &provider,
        &transfer(&l1, |t| t.value = U256::MAX / U256::from(2)),
    )
    .await;
    assert!(
        poor.starts_with("insufficient funds for gas * price + value"),
        "{poor}"
    );
    let cheap = refusal(&provider, &transfer(&l1, |t| t.max_fee_per_gas = 1)).await;
    assert_eq!(cheap, "max fee per gas less than block base fee");
    let gas = refusal(&provider, &transfer(&l1, |t| t.gas_limit = 20_999)).await;
    assert_eq!(gas, "intrinsic gas too low: have 20999, want 21000");
    let cut = refusal(&provider, &good.slice(..good.len() - 1)).await;
    assert!(cut.starts_with("rlp: "), "{cut}");
    // An altered signature recovers to somebody who owns nothing, or to nobody.
    let mut altered = good.to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let altered = refusal(&provider, &altered.into()).await;
    assert!(
        altered.starts_with("insufficient funds") || altered.starts_with("invalid sender"),
        "{altered}"
    );

    let hash = *provider
        .send_raw_transaction(&good)
        .await
        .unwrap()
        .tx_hash();
    assert!(
        provider
            .get_transaction_by_hash(hash)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(refusal(&provider, &good).await, "already known");
    let again = refusal(&provider, &transfer(&l1, |t| t.value = U256::from(2))).await;
    assert_eq!(again, "nonce too low: next nonce 1, tx nonce 0");
}

#[tokio::test]
async fn its_clock_moves_on_when_told_to() {
    const YEAR: u64 = 365 * 24 * 3_600;
    let l1 = EmbeddedL1::start(2).await.unwrap();
    let provider = provider(&l1);
    let time = async || {
        let block = provider.get_block(BlockId::latest()).await.unwrap();
        block.unwrap().header.timestamp
    };
    let before = time().await;
    for years in 1..=2 {
        let ahead: u64 = provider
            .raw_request("evm_increaseTime".into(), [YEAR])
            .await
            .unwrap();
        assert_eq!(ahead, years * YEAR);
    }
    deploy(&provider).await;
    assert!(time().await >= before + 2 * YEAR);
}

#[tokio::test]
async fn the_state_after_each_recent_block_can_be_read() {
    let l1 = EmbeddedL1::start(1).await.unwrap();
    let provider = provider(&l1);
    let counter = deploy(&provider).await;
    for amount in 1..=3 {
        let sent = counter.add(U256::from(amount)).send().await.unwrap();
        sent.get_receipt().await.unwrap();
    }
    for (block, total) in [(1, 0), (2, 1), (3, 3), (4, 6)] {
        let id = BlockId::number(block);
        let read = counter.total().block(id).call().await.unwrap();
        assert_eq!(read, U256::from(total), "after block {block}");
        let nonce = provider.get_transaction_count(l1.accounts()[0].address());
        assert_eq!(nonce.block_id(id).await.unwrap(), block);
    }
    // Before the deployment there is nothing to call, and the money is all there.
    let code = provider
        .get_code_at(*counter.address())
        .block_id(BlockId::number(0))
        .await;
    assert!(code.unwrap().is_empty());
    let funds = U256::from(FUNDS_ETHER) * U256::from(10).pow(U256::from(18));
    let balance = provider.get_balance(l1.accounts()[0].address());
    assert_eq!(balance.block_id(BlockId::number(0)).await.unwrap(), funds);
    let unknown = counter
        .total()
        .block(BlockId::number(9))
        .call()
        .await
        .unwrap_err();
    assert!(unknown.to_string().contains("not known"), "{unknown}");
}

#[tokio::test]
async fn state_that_is_too_old_is_refused_rather_than_invented() {
    let l1 = EmbeddedL1::start(2).await.unwrap();
    let provider = provider(&l1);
    for nonce in 0..130 {
        let raw = transfer(&l1, |t| t.nonce = nonce);
        let _ = provider.send_raw_transaction(&raw).await.unwrap();
    }
    let address = l1.accounts()[1].address();
    let nonce = async |block| {
        let nonce = provider.get_transaction_count(address);
        nonce.block_id(BlockId::number(block)).await
    };
    assert_eq!(nonce(2).await.unwrap(), 2);
    let old = nonce(1).await.unwrap_err();
    assert!(
        old.to_string().contains("historical state of block 1"),
        "{old}"
    );
}

#[tokio::test]
async fn bad_requests_get_typed_errors() {
    let l1 = EmbeddedL1::start(1).await.unwrap();
    let provider = provider(&l1);
    let cases: [(&'static str, Value, i64); 9] = [
        ("eth_getBalance", json!([]), -32602),
        ("eth_getBalance", json!(["0x12"]), -32602),
        ("eth_getBlockByNumber", json!(["newest", false]), -32602),
        ("eth_getLogs", json!([{ "topics": 3 }]), -32602),
        ("eth_call", json!([{ "data": "0xzz" }]), -32602),
        ("eth_call", json!([{}, "latest", { "0x0": {} }]), -32602),
        ("eth_sendRawTransaction", json!([5]), -32602),
        ("eth_sendRawTransaction", json!(["0x"]), -32000),
        ("eth_mine", json!([]), -32601),
    ];
    for (method, params, code) in cases {
        let answer = provider
            .raw_request::<_, Value>(method.into(), &params)
            .await;
        let error = answer.unwrap_err();
        let error = error.as_error_resp().unwrap();
        assert_eq!(error.code, code, "{method} {params}: {}", error.message);
    }
    let call = json!([{ "gas": "0xffffffffffffffff", "maxFeePerGas": "0xffffffffffffffffffff" }]);
    let answer = provider
        .raw_request::<_, Value>("eth_call".into(), call)
        .await;
    assert!(
        answer.is_err(),
        "an unpayable call is refused, and nothing overflows"
    );
    assert_eq!(provider.get_block_number().await.unwrap(), 0);
}

#[tokio::test]
async fn estimates_suffice_and_are_not_far_off() {
    let l1 = EmbeddedL1::start(1).await.unwrap();
    let counter = deploy(&provider(&l1)).await;
    let estimate = counter.add(U256::from(1)).estimate_gas().await.unwrap();
    let sent = counter
        .add(U256::from(1))
        .gas(estimate)
        .send()
        .await
        .unwrap();
    let receipt = sent.get_receipt().await.unwrap();
    assert!(receipt.status());
    assert!(
        estimate <= receipt.gas_used * 103 / 100,
        "{estimate} for {}",
        receipt.gas_used
    );
}
