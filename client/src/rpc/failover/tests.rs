use alloy::providers::Provider as _;
use alloy_primitives::U64;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

/// A node that answers every request with this HTTP status and JSON-RPC member, and counts them.
async fn node(status: u16, member: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let body = String::from_utf8_lossy(&request[..length]).into_owned();
            let (_, json) = body.split_once("\r\n\r\n").unwrap();
            let id = serde_json::from_str::<serde_json::Value>(json).unwrap()["id"].clone();
            let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},{member}}}"#);
            let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: ");
            let answer = format!("{head}{}\r\n\r\n{answer}", answer.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, count)
}

/// A URL where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn provider(urls: &[String]) -> RootProvider {
    Failover::new(urls, Duration::from_secs(5))
        .unwrap()
        .provider()
}

async fn ask(provider: &RootProvider) -> Result<u64, TransportError> {
    let answer: U64 = provider.raw_request("eth_blockNumber".into(), ()).await?;
    Ok(answer.to())
}

#[tokio::test]
async fn the_next_url_is_asked_when_one_is_silent_and_remembered() {
    let (sick, sick_count) = node(503, r#""nothing":0"#).await;
    let (well, well_count) = node(200, r#""result":"0x7""#).await;
    let provider = provider(&[nobody().await, sick, well]);
    for _ in 0..3 {
        assert_eq!(ask(&provider).await.unwrap(), 7);
    }
    assert_eq!(sick_count.load(Ordering::Relaxed), 1);
    assert_eq!(well_count.load(Ordering::Relaxed), 3);
}

const NO: &str = r#""error":{"code":3,"message":"execution reverted","data":"0x01"}"#;
const OTHER_NO: &str = r#""error":{"code":-32000,"message":"nonce too low"}"#;
const BUSY: &str = r#""error":{"code":-32005,"message":"catching up"}"#;
const YES: &str = r#""result":"0x7""#;

/// What a client learns that believes two refusals, of nodes that say this, or nothing.
async fn learns(nodes: &[Option<&'static str>]) -> Result<u64, ClientError> {
    let mut urls = Vec::new();
    for said in nodes {
        urls.push(match said {
            Some(said) => node(200, said).await.0,
            None => nobody().await,
        });
    }
    let transport = Failover::new(&urls, Duration::from_secs(5)).unwrap();
    let answer = ask(&transport.believing(2).provider()).await;
    answer.map_err(|error| crate::rpc::rpc_error("eth_blockNumber", "urls", error))
}

#[tokio::test]
async fn what_one_node_does_counts_whatever_others_refuse() {
    for nodes in [
        vec![Some(NO), Some(YES)],
        vec![Some(BUSY), Some(YES)],
        vec![Some(NO), Some(BUSY), None, Some(YES)],
        vec![Some(NO), Some(NO), Some(OTHER_NO), Some(YES)],
    ] {
        let answer = learns(&nodes).await;
        assert!(matches!(answer, Ok(7)), "{nodes:?}: {answer:?}");
    }
}

#[tokio::test]
async fn two_must_refuse_and_one_if_there_are_no_others() {
    let refused = |code: i64| move |answer: &Result<u64, ClientError>| matches!(answer, Err(ClientError::Refused { code: given, .. }) if *given == code);
    for (nodes, code) in [
        (vec![Some(NO)], 3),
        (vec![Some(NO), Some(NO)], 3),
        (vec![None, Some(NO), Some(BUSY), Some(NO)], 3),
        // A liar, asked first, does not choose the reason.
        (vec![Some(NO), Some(OTHER_NO), Some(OTHER_NO), None], -32000),
        (vec![Some(NO), Some(OTHER_NO)], 3),
        // One that may lie, and others that cannot say yet.
        (vec![Some(NO), Some(BUSY), None, Some(BUSY)], -32005),
        (vec![Some(BUSY)], -32005),
    ] {
        let answer = learns(&nodes).await;
        assert!(refused(code)(&answer), "{nodes:?}: {answer:?}");
        assert_eq!(
            code == -32005,
            answer.is_err_and(|e| e.is_retryable()),
            "{nodes:?}"
        );
    }
    for nodes in [vec![Some(NO), None], vec![None, None, None, Some(NO)]] {
        let error = learns(&nodes).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
        assert!(error.is_retryable() && error.to_string().contains("execution reverted"));
    }
}

#[tokio::test]
async fn a_contract_that_one_node_does_not_know_is_looked_for_at_the_others() {
    const NOTHING: &str = r#""result":null"#;
    let (behind, _) = node(200, NOTHING).await;
    let (ahead, _) = node(200, YES).await;
    let provider = Failover::new(&[behind.clone(), ahead], Duration::from_secs(5));
    let provider = provider.unwrap().believing(2).provider();
    let found: Option<U64> = provider
        .raw_request("quartet_contract".into(), ())
        .await
        .unwrap();
    assert_eq!(found, Some(U64::from(7)));
    // A receipt may well not be there yet.
    let provider = Failover::new(&[behind.clone(), behind], Duration::from_secs(5));
    let provider = provider.unwrap().believing(2).provider();
    for method in ["quartet_contract", "eth_getTransactionReceipt"] {
        let found: Option<U64> = provider.raw_request(method.into(), ()).await.unwrap();
        assert_eq!(found, None);
    }
}

#[tokio::test]
async fn the_one_that_does_it_is_asked_first_from_then_on() {
    let (first, first_count) = node(200, NO).await;
    let (second, _) = node(200, YES).await;
    let provider = provider(&[first, second]);
    for _ in 0..3 {
        assert_eq!(ask(&provider).await.unwrap(), 7);
    }
    assert_eq!(first_count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn when_all_are_silent_the_error_is_retryable() {
    let answer = ask(&provider(&[nobody().await, nobody().await]))
        .await
        .unwrap_err();
    let error = crate::rpc::rpc_error("eth_blockNumber", "a, b", answer);
    assert!(matches!(error, ClientError::Unreachable { .. }));
    assert!(error.is_retryable());
}

#[test]
fn urls_that_are_none_are_refused() {
    for url in ["", "localhost", "ws://localhost:1", "ftp://a"] {
        let refused = Failover::new(&[url], Duration::from_secs(1));
        assert!(matches!(refused, Err(ClientError::BadUrl { .. })), "{url}");
    }
    assert!(Failover::new::<&str>(&[], Duration::from_secs(1)).is_err());
}

#[tokio::test]
async fn a_transaction_that_is_taken_is_handed_to_one_more_node() {
    let (first, _) = node(200, r#""result":"0x7""#).await;
    let (busy, busy_count) = node(200, r#""error":{"code":-32005,"message":"busy"}"#).await;
    let (second, second_count) = node(200, r#""result":"0x7""#).await;
    let (third, third_count) = node(200, r#""result":"0x7""#).await;
    let urls = [first, busy, second, third];
    let failover = Failover::new(&urls, Duration::from_secs(5)).unwrap();
    let provider = failover.believing(2).provider();
    ask(&provider).await.unwrap();
    assert_eq!(
        busy_count.load(Ordering::Relaxed),
        0,
        "nothing else is passed on"
    );

    let sent: U64 = provider.raw_request(SENDING.into(), ("0x",)).await.unwrap();
    assert_eq!(sent.to::<u64>(), 7);
    let passed_on = async {
        while second_count.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, passed_on).await.unwrap();
    assert_eq!(busy_count.load(Ordering::Relaxed), 1);
    assert_eq!(third_count.load(Ordering::Relaxed), 0);
}
