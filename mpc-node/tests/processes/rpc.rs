//! What JSON-RPC refuses, and how; and that nothing changes for it.

use alloy::{
    consensus::{SignableTransaction as _, TxEip1559, TxEnvelope},
    eips::Encodable2718 as _,
    network::TxSignerSync as _,
    primitives::{Address, Bytes, TxKind, hex},
    signers::local::PrivateKeySigner,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use wire::{limits::TRANSACTION_BYTES, transaction::Deployment};

use crate::support::{CHAIN_ID, Cluster, TestResult, until};

/// Sends a body as it is, and returns the status line and the body of the answer.
async fn post(url: &str, body: &[u8]) -> TestResult<(String, String)> {
    let address = url.strip_prefix("http://").ok_or("not http")?;
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    // A server that refuses the size may close before it has read everything.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default().to_owned();
    Ok((status, body.to_owned()))
}

async fn ask(url: &str, method: &str, params: Value) -> TestResult<Value> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let (status, body) = post(url, request.to_string().as_bytes()).await?;
    serde_json::from_str(&body).map_err(|e| format!("{status}: {body}: {e}").into())
}

/// A transaction that is right unless `change` spoils it.
fn signed(change: impl FnOnce(&mut TxEip1559)) -> TestResult<Vec<u8>> {
    let key = PrivateKeySigner::random();
    let mut tx = TxEip1559 {
        chain_id: CHAIN_ID,
        gas_limit: 1_000_000,
        to: TxKind::Call(Address::repeat_byte(9)),
        ..TxEip1559::default()
    };
    change(&mut tx);
    let signature = key.sign_transaction_sync(&mut tx)?;
    Ok(TxEnvelope::Eip1559(tx.into_signed(signature)).encoded_2718())
}

fn raw(bytes: &[u8]) -> Value {
    json!([hex::encode_prefixed(bytes)])
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_clearly_and_change_nothing() -> TestResult {
    let cluster = Cluster::start().await?;
    let url = cluster.rpc(0);
    let before = ask(url, "quartet_status", json!([])).await?;

    let mut flipped = signed(|_| {})?;
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let legacy = hex::decode(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
    )?;
    let module = |code: Bytes| {
        let deployment = Deployment {
            salt: alloy::primitives::B256::ZERO,
            code,
            init: Bytes::new(),
        };
        signed(|tx| (tx.to, tx.input) = (TxKind::Create, deployment.encode()))
    };
    let wat = |source: &str| wat::parse_str(source).map(Bytes::from);
    let cases = [
        ("eth_nothing", json!([]), -32601, "not found"),
        (
            "eth_getBalance",
            json!([]),
            -32602,
            "parameter 0 (address) is missing",
        ),
        (
            "eth_getBalance",
            json!(["0x12", "latest"]),
            -32602,
            "parameter 0 (address)",
        ),
        (
            "eth_getBalance",
            json!([Address::ZERO, "newest"]),
            -32602,
            "parameter 1 (block)",
        ),
        (
            "eth_getBalance",
            json!([Address::ZERO, "0xffff"]),
            -32000,
            "there is no block",
        ),
        (
            "eth_getBalance",
            json!({"address": Address::ZERO}),
            -32602,
            "must be an array",
        ),
        (
            "eth_getBlockByNumber",
            json!([]),
            -32602,
            "parameter 0 (block)",
        ),
        (
            "eth_getBlockByNumber",
            json!(["latest", "yes"]),
            -32602,
            "parameter 1",
        ),
        (
            "eth_getTransactionReceipt",
            json!(["0x1234"]),
            -32602,
            "parameter 0",
        ),
        (
            "eth_call",
            json!([{"to": "nobody"}, "latest"]),
            -32602,
            "parameter 0 (call)",
        ),
        (
            "eth_call",
            json!([{"value": "0x1"}]),
            -32602,
            "this chain has no coin",
        ),
        (
            "eth_getLogs",
            json!([{"fromBlock": "0x0", "blockHash": [1]}]),
            -32602,
            "parameter 0",
        ),
        (
            "eth_getLogs",
            json!([{"topics": [null, null, null, null, null]}]),
            -32602,
            "4 topics",
        ),
        (
            "eth_feeHistory",
            json!(["0x1", "0xffff"]),
            -32000,
            "there is no block",
        ),
        (
            "eth_sendRawTransaction",
            json!(["hello"]),
            -32602,
            "parameter 0 (signed transaction)",
        ),
        (
            "eth_sendRawTransaction",
            json!(["0x"]),
            -32000,
            "transaction is malformed",
        ),
        (
            "eth_sendRawTransaction",
            json!(["0x02c0"]),
            -32000,
            "transaction is malformed",
        ),
        (
            "eth_sendRawTransaction",
            raw(&legacy),
            -32000,
            "only EIP-1559",
        ),
        (
            "eth_sendRawTransaction",
            raw(&signed(|tx| tx.chain_id = 1)?),
            -32000,
            "sign it for chain 7838",
        ),
        (
            "eth_sendRawTransaction",
            raw(&signed(|tx| tx.nonce = 3)?),
            -32000,
            "nonce too high",
        ),
        (
            "eth_sendRawTransaction",
            raw(&signed(|tx| tx.gas_limit = 1)?),
            -32000,
            "intrinsic gas too low",
        ),
        (
            "eth_sendRawTransaction",
            raw(&signed(|tx| tx.gas_limit = u64::MAX)?),
            -32000,
            "gas limit",
        ),
        (
            "eth_sendRawTransaction",
            raw(&signed(|tx| tx.value = alloy::primitives::U256::from(1))?),
            -32000,
            "no coin",
        ),
        (
            "eth_sendRawTransaction",
            raw(&signed(|_| {})?),
            -32000,
            "no contract at",
        ),
        (
            "eth_sendRawTransaction",
            raw(&signed(|tx| tx.input = vec![0; TRANSACTION_BYTES].into())?),
            -32000,
            "bytes long",
        ),
        (
            "eth_sendRawTransaction",
            raw(&signed(|tx| {
                (tx.to, tx.gas_limit) = (TxKind::Create, 10_000_000)
            })?),
            3,
            "QTET",
        ),
        (
            "eth_sendRawTransaction",
            raw(&module(Bytes::from_static(b"\0asm"))?),
            3,
            "WebAssembly",
        ),
        (
            "eth_sendRawTransaction",
            raw(&module(wat("(module (import \"env\" \"f\" (func)))")?)?),
            3,
            "imports",
        ),
        (
            "eth_sendRawTransaction",
            raw(&module(wat("(module (func $f) (start $f))")?)?),
            3,
            "start function",
        ),
        (
            "quartet_input",
            json!([7]),
            -32602,
            "parameter 0 (transaction hash)",
        ),
        (
            "quartet_computation",
            json!([]),
            -32602,
            "parameter 0 (computation id) is missing",
        ),
        (
            "quartet_advanceTime",
            json!(["soon"]),
            -32602,
            "parameter 0 (seconds)",
        ),
        (
            "quartet_advanceTime",
            json!([u64::MAX]),
            -32005,
            "step of time",
        ),
    ];
    for (method, params, code, text) in cases {
        let answer = ask(url, method, params.clone()).await?;
        let shown: String = format!("{method} {params}").chars().take(200).collect();
        assert_eq!(answer["error"]["code"], code, "{shown}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(
            message.to_lowercase().contains(&text.to_lowercase()),
            "{shown}: {message}"
        );
    }
    // A signature that was altered is another account's, or nobody's.
    let answer = ask(url, "eth_sendRawTransaction", raw(&flipped)).await?;
    assert!(answer["error"]["code"].is_i64(), "{answer}");

    let batch: Vec<_> = (0..101)
        .map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "eth_chainId"}))
        .collect();
    let bodies: [(&[u8], &str); 6] = [
        (b"", "-32700"),
        (b"{", "-32700"),
        (b"[]", "-32600"),
        (b"{\"jsonrpc\":\"2.0\"}", "-32700"),
        (b"\xff\xfe", "-32700"),
        (&serde_json::to_vec(&batch)?, "-32010"),
    ];
    for (body, code) in bodies {
        let (status, answer) = post(url, body).await?;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert!(answer.contains(code), "{shown}: {status} {answer}");
    }
    let (status, _) = post(url, &vec![b' '; 5 * 1024 * 1024]).await?;
    assert!(status.contains("413"), "{status}");

    let after = ask(url, "quartet_status", json!([])).await?;
    for field in ["stateRoot", "pendingTransactions", "pendingInputs"] {
        assert_eq!(after["result"][field], before["result"][field]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ethereums_tools_ask_first_is_answered() -> TestResult {
    let cluster = Cluster::start().await?;
    let url = cluster.rpc(1);
    let zero = Address::ZERO;
    for (method, params, expected) in [
        ("eth_chainId", json!([]), json!("0x1e9e")),
        ("eth_syncing", json!([]), json!(false)),
        ("net_version", json!([]), json!("7838")),
        ("eth_gasPrice", json!([]), json!("0x0")),
        ("eth_maxPriorityFeePerGas", json!([]), json!("0x0")),
        ("eth_accounts", json!([]), json!([])),
        ("eth_getCode", json!([zero, "latest"]), json!("0x")),
        (
            "eth_getTransactionCount",
            json!([zero, "pending"]),
            json!("0x0"),
        ),
        (
            "eth_getTransactionReceipt",
            json!([alloy::primitives::B256::ZERO]),
            Value::Null,
        ),
        (
            "eth_getTransactionByHash",
            json!([alloy::primitives::B256::ZERO]),
            Value::Null,
        ),
        (
            "eth_getBlockByNumber",
            json!(["0xffffff", false]),
            Value::Null,
        ),
        (
            "eth_getLogs",
            json!([{"fromBlock": "0x5", "toBlock": "0x2"}]),
            json!([]),
        ),
        ("quartet_contract", json!([zero]), Value::Null),
        ("quartet_computations", json!([zero]), json!([])),
        (
            "quartet_inputReceipt",
            json!([alloy::primitives::B256::ZERO, alloy::primitives::B256::ZERO]),
            Value::Null,
        ),
    ] {
        let answer = ask(url, method, params).await?;
        assert_eq!(answer["result"], expected, "{method}: {answer}");
    }
    let version = ask(url, "web3_clientVersion", json!([])).await?;
    assert!(
        version["result"]
            .as_str()
            .is_some_and(|v| v.starts_with("quartet/"))
    );
    let genesis = ask(url, "eth_getBlockByNumber", json!(["earliest", true])).await?;
    assert_eq!(genesis["result"]["number"], "0x0");
    let by_hash = json!([genesis["result"]["hash"], false]);
    let same = ask(url, "eth_getBlockByHash", by_hash).await?;
    assert_eq!(same["result"], genesis["result"]);
    let fees = ask(
        url,
        "eth_feeHistory",
        json!(["0x4", "latest", [10.0, 50.0]]),
    )
    .await?;
    assert_eq!(fees["result"]["baseFeePerGas"][0], "0x0");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_health_and_metrics() -> TestResult {
    let mut cluster = Cluster::start().await?;
    let get = |cluster: &Cluster, path: &str| {
        let address = cluster.admin(0).to_owned();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        async move {
            let mut stream = TcpStream::connect(&address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            TestResult::Ok(answer)
        }
    };
    until("node 0 is healthy and connected to all", || async {
        let health = get(&cluster, "/healthz").await?;
        let parts = ["HTTP/1.1 200", "\"ok\":true", "\"connected\":[1,2,3]"];
        Ok(parts.iter().all(|part| health.contains(part)).then_some(()))
    })
    .await?;
    ask(cluster.rpc(0), "eth_call", json!([])).await?;
    let metrics = get(&cluster, "/metrics").await?;
    for line in [
        "quartet_rpc_requests_total{method=\"eth_call\",ok=\"false\"} 1",
        "quartet_connected_peers 3",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(get(&cluster, "/").await?.starts_with("HTTP/1.1 404"));
    cluster.kill(1)?;
    cluster.kill(2)?;
    until("node 0 says that it is alone with one peer", || async {
        let health = get(&cluster, "/healthz").await?;
        Ok(health.starts_with("HTTP/1.1 503").then_some(()))
    })
    .await
}
