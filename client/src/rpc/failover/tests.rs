use alloy::{providers::Provider as _, transports::RpcError};
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

#[tokio::test]
async fn a_refusal_is_an_answer_and_goes_to_one_node_only() {
    let (first, _) = node(200, r#""error":{"code":-32000,"message":"no"}"#).await;
    let (second, second_count) = node(200, r#""result":"0x7""#).await;
    let answer = ask(&provider(&[first, second])).await;
    assert!(matches!(answer, Err(RpcError::ErrorResp(_))));
    assert_eq!(second_count.load(Ordering::Relaxed), 0);
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
