//! `/healthz` and `/metrics` over HTTP.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::timeout,
};
use tracing::{debug, info};

use crate::{RelayerError, metrics::Metrics};

/// Bytes of a request that are read; its first line suffices.
const REQUEST_BYTES: usize = 4096;
/// Requests that are answered at once.
const CONNECTIONS: usize = 16;
/// How long one may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How the last round went: none before the first, else well or the errors.
pub type Health = Option<Result<(), String>>;

/// Serves until it is dropped; the address that it listens on.
///
/// # Errors
/// [`RelayerError::Config`] if the address cannot be had.
pub async fn serve(
    listen: SocketAddr,
    metrics: Arc<Metrics>,
    health: watch::Receiver<Health>,
) -> Result<SocketAddr, RelayerError> {
    let fails = |error: std::io::Error| RelayerError::Config {
        path: "admin_listen".into(),
        why: format!("{listen}: {error}"),
    };
    let listener = TcpListener::bind(listen).await.map_err(fails)?;
    let address = listener.local_addr().map_err(fails)?;
    info!(%address, "serving /healthz and /metrics");
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    tokio::spawn(async move {
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file descriptors, most likely.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (metrics, health) = (metrics.clone(), health.clone());
            tokio::spawn(async move {
                let answered = timeout(REQUEST_TIMEOUT, answer(stream, &metrics, &health)).await;
                debug!(?answered, "request");
                drop(permit);
            });
        }
    });
    Ok(address)
}

async fn answer(
    mut stream: TcpStream,
    metrics: &Metrics,
    health: &watch::Receiver<Health>,
) -> std::io::Result<()> {
    let mut request = Vec::with_capacity(512);
    let mut part = [0; 512];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES {
        let length = stream.read(&mut part).await?;
        if length == 0 {
            break;
        }
        request.extend_from_slice(&part[..length]);
    }
    let line = request
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let (status, kind, body) = respond(line, metrics, &health.borrow());
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// Status, content type and body for a request line.
fn respond(
    line: &[u8],
    metrics: &Metrics,
    health: &Health,
) -> (&'static str, &'static str, String) {
    const TEXT: &str = "text/plain; charset=utf-8";
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut words = line.split(|byte| *byte == b' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    match (method, path) {
        (b"GET", b"/healthz") => match health {
            None => ("503 Service Unavailable", TEXT, "starting\n".into()),
            Some(Ok(())) => ("200 OK", TEXT, "ok\n".into()),
            Some(Err(why)) => ("503 Service Unavailable", TEXT, format!("{why}\n")),
        },
        (b"GET", b"/metrics") => ("200 OK", OPEN_METRICS, metrics.render()),
        (b"GET", _) => ("404 Not Found", TEXT, "/healthz or /metrics\n".into()),
        _ => ("405 Method Not Allowed", TEXT, "GET only\n".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn health_follows_the_last_round_and_metrics_count() {
        let metrics = Arc::new(Metrics::default());
        metrics.results.inc();
        metrics.failed(crate::Class::Retryable);
        let (tell, health) = watch::channel(None);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = serve(listen, metrics, health).await.unwrap();
        let healthz = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        assert!(get(address, healthz).await.starts_with("HTTP/1.1 503"));
        tell.send_replace(Some(Ok(())));
        assert!(get(address, healthz).await.ends_with("\r\n\r\nok\n"));
        tell.send_replace(Some(Err("L1: no node answers".into())));
        let sick = get(address, healthz).await;
        assert!(sick.starts_with("HTTP/1.1 503") && sick.contains("L1: no node answers"));
        let metrics = get(address, "GET /metrics HTTP/1.1\r\n\r\n").await;
        assert!(
            metrics.contains("quartet_relayer_results_total 1"),
            "{metrics}"
        );
        assert!(
            metrics.contains("failures_total{class=\"retryable\"} 1"),
            "{metrics}"
        );
        assert!(
            get(address, "GET / HTTP/1.1\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 404")
        );
        assert!(
            get(address, "POST /metrics HTTP/1.1\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 405")
        );
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(3000));
        assert!(get(address, &long).await.starts_with("HTTP/1.1 404"));
    }
}
