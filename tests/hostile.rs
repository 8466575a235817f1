//! Bad input from clients, to real nodes: each gets a clear error, changes nothing, and the cluster
//! goes on to the right tally.

use alloy::{
    primitives::{B256, Bytes},
    sol_types::SolCall as _,
    transports::http::reqwest,
};
use client::{
    UserKey,
    transaction::{Draft, sign},
};
use eyre::{Result, bail, ensure, eyre};
use serde_json::{Value, json};
use system_tests::World;
use voting::{ballots, count, stage::Poll};
use wire::{limits, transaction::Deployment};

/// What a module needs to be deployed at all.
const EXPORTS: &str = r#"
    (memory (export "memory") 1)
    (func (export "quartet_describe") (result i32) (i32.const 0))
    (func (export "quartet_init") (result i32) (i32.const 0))
    (func (export "quartet_call") (result i32) (i32.const 0))
    (func (export "quartet_compute") (result i32) (i32.const 0))
    (func (export "quartet_encode") (result i32) (i32.const 0))
    (func (export "quartet_attested") (result i32) (i32.const 0))
    (func (export "quartet_failed") (result i32) (i32.const 0))"#;

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_name_and_harms_nobody() -> Result<()> {
    World::with_voters(6)
        .await?
        .play(async |world| {
            bad_requests(world).await?;
            bad_transactions(world).await?;
            bad_inputs(world).await?;
            bad_modules(world).await?;

            // And all is well.
            let expected = world.electorate.sum();
            ballots::cast(&world.stage, world.electorate.voters(), &world.narrator).await?;
            ballots::accepted(&world.stage, 6, &world.narrator).await?;
            world.pass_deadline().await?;
            let (_, id, _) = count::start_by_stranger(&world.stage).await?;
            ensure!(world.attested(id).await? == expected);
            world.agree(&[0, 1, 2, 3]).await
        })
        .await
}

/// Posts a body to a node; its answer, which is JSON where there is one.
async fn post(world: &World, body: impl Into<reqwest::Body>) -> Result<(u16, Value)> {
    let request = reqwest::Client::new()
        .post(world.stage.cluster.rpc_url(2))
        .header("content-type", "application/json")
        .body(body);
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((
        status,
        serde_json::from_str(&answer.text().await?).unwrap_or(Value::Null),
    ))
}

async fn bad_requests(world: &World) -> Result<()> {
    for (what, body, code) in [
        ("no JSON", "{".to_owned(), -32700),
        ("no request", "[1]".to_owned(), -32600),
        ("an unknown method", call("eth_mine", &json!([])), -32601),
        (
            "too few parameters",
            call("eth_getBalance", &json!([])),
            -32602,
        ),
        (
            "a parameter of another type",
            call("eth_getBalance", &json!([7, "latest"])),
            -32602,
        ),
        (
            "a short hash",
            call("eth_getTransactionReceipt", &json!(["0x12"])),
            -32602,
        ),
        (
            "no hexadecimal digits",
            call("eth_sendRawTransaction", &json!(["hello"])),
            -32602,
        ),
        (
            "a computation that is a number",
            call("quartet_computation", &json!([1])),
            -32602,
        ),
    ] {
        let (_, answer) = post(world, body).await?;
        let error = answer.get(0).unwrap_or(&answer)["error"].clone();
        ensure!(error["code"] == code, "{what}: {answer}");
        ensure!(
            !error["message"].as_str().unwrap_or_default().is_empty(),
            "{what}: {answer}"
        );
    }
    let huge = post(world, vec![b' '; 32 << 20]).await;
    ensure!(
        !matches!(huge, Ok((200, ref answer)) if answer["error"].is_null()),
        "{huge:?}"
    );
    let deep = "[".repeat(100_000);
    post(world, deep).await?;
    let (_, unknown) = post(
        world,
        call("quartet_input", &json!([format!("{:#x}", B256::ZERO)])),
    )
    .await?;
    ensure!(
        unknown["result"].is_null() && unknown["error"].is_null(),
        "{unknown}"
    );
    Ok(())
}

fn call(method: &str, parameters: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).to_string()
}

async fn bad_transactions(world: &World) -> Result<()> {
    let client = &world.stage.direct[1];
    let (key, l2) = (UserKey::random(&mut rand::rng()), world.stage.contracts.l2);
    let chain_id = client.chain_id().await?;
    let view: Bytes = Poll::completeCall {}.abi_encode().into();
    let draft = |chain_id, nonce, data: &Bytes| {
        sign(
            &key,
            &Draft::call(chain_id, nonce, 1_000_000, l2, data.clone()),
        )
        .raw
    };
    let mut forged = draft(chain_id, 0, &view).to_vec();
    if let Some(last) = forged.last_mut() {
        *last ^= 1;
    }
    let oversize = vec![0; limits::TRANSACTION_BYTES + 1].into();
    for (what, raw, expected) in [
        ("another chain's", draft(1, 0, &view), "chain"),
        (
            "one with a nonce gap",
            draft(chain_id, 5, &view),
            "nonce too high",
        ),
        ("an oversize one", draft(chain_id, 0, &oversize), "at most"),
        ("noise", vec![2, 0xc1, 0x80].into(), "malformed"),
        (
            "an unknown function",
            draft(chain_id, 0, &Bytes::from(vec![1, 2, 3, 4])),
            "selector",
        ),
    ] {
        let body = call("eth_sendRawTransaction", &json!([raw]));
        let (_, answer) = post(world, body).await?;
        let message = answer["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        ensure!(message.contains(expected), "{what}: {answer}");
    }
    // A changed signature is another sender's, or nobody's; the key's own account is untouched.
    post(
        world,
        call("eth_sendRawTransaction", &json!([Bytes::from(forged)])),
    )
    .await?;
    ensure!(
        client.nonce(key.address()).await? == 0,
        "the nonce has moved"
    );
    Ok(())
}

async fn bad_inputs(world: &World) -> Result<()> {
    let client = world.stage.client(0);
    let (contracts, voter) = (&world.stage.contracts, &world.electorate.voters()[0]);
    let good = ballots::seal(client, contracts, &voter.key, 0, 1)
        .await?
        .sealed;
    let mut long = good.clone();
    long.masked.push(0);
    let mut short = good.clone();
    short.seals[2].ciphertext.pop();
    for (what, sealed) in [("a long masked value", long), ("a short seal", short)] {
        let ballot = ballots::carry(client, contracts, &voter.key, 0, sealed).await?;
        match client.send_input(&ballot).await {
            Err(error) => ensure!(error.to_string().contains("bytes"), "{what}: {error}"),
            Ok(id) => bail!("{what} was taken as {id}"),
        }
    }
    ensure!(
        client.nonce(voter.key.address()).await? == 0,
        "the nonce has moved"
    );
    Ok(())
}

async fn bad_modules(world: &World) -> Result<()> {
    let client = world.stage.client(3);
    let key = UserKey::random(&mut rand::rng());
    let with = |text: &str| format!("(module {text} {EXPORTS})");
    let spin = "(loop $again (br $again))";
    let looping = EXPORTS.replace(
        r#"(func (export "quartet_describe") (result i32) (i32.const 0))"#,
        &format!(r#"(func (export "quartet_describe") (result i32) {spin} (i32.const 0))"#),
    );
    let float = r#"(func (export "float") (result f64) (f64.const 1))"#;
    let bomb = EXPORTS.replace(
        r#"(memory (export "memory") 1)"#,
        r#"(memory (export "memory") 60000)"#,
    );
    for (what, text, expected) in [
        (
            "an unknown import",
            with(r#"(import "env" "exit" (func))"#),
            "imports",
        ),
        (
            "a wrong import",
            with(r#"(import "quartet" "reveal" (func))"#),
            "reveal",
        ),
        ("no exports", "(module)".to_owned(), "export"),
        (
            "a start function",
            with("(func $s) (start $s)"),
            "start function",
        ),
        ("floats", with(float), "float"),
        ("an endless loop", format!("(module {looping})"), "gas"),
        ("much memory", format!("(module {bomb})"), "memory"),
        ("no description", with(""), "descri"),
    ] {
        let code = wat::parse_str(&text).map_err(|error| eyre!("{what}: {error}"))?;
        refused(client, &key, what, code, expected).await?;
    }
    refused(client, &key, "no module", b"hello".to_vec(), "WebAssembly").await?;
    let large = vec![0; limits::CODE_BYTES + 1];
    refused(client, &key, "a large module", large, "at most").await?;
    ensure!(
        client.nonce(key.address()).await? == 0,
        "the nonce has moved"
    );
    Ok(())
}

async fn refused(
    client: &client::Client,
    key: &UserKey,
    what: &str,
    code: Vec<u8>,
    expected: &str,
) -> Result<()> {
    let deployment = Deployment {
        salt: B256::ZERO,
        code: code.into(),
        init: Bytes::new(),
    };
    match client.deploy(key, &deployment).await {
        Err(error) => {
            ensure!(error.to_string().contains(expected), "{what}: {error}");
            Ok(())
        }
        Ok(address) => bail!("{what} was deployed at {address}"),
    }
}
