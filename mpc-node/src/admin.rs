//! Health and metrics over HTTP, for the operator.
//!
//! `/healthz` is 200 while the node has applied its log and at least two peers are connected, so
//! that blocks can be decided, and 503 otherwise, with a JSON body either way. `/metrics` is
//! Prometheus text.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use wire::limits::QUORUM;

use crate::{NodeError, core::Shared, metrics::Metrics, network::Network};

const CONNECTIONS: usize = 64;
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

struct State {
    shared: Arc<Shared>,
    network: Network,
    metrics: Arc<Metrics>,
}

/// Starts listening; the future serves.
///
/// # Errors
/// [`NodeError::Listen`].
pub async fn start(
    address: SocketAddr,
    shared: Arc<Shared>,
    network: Network,
    metrics: Arc<Metrics>,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send + 'static), NodeError> {
    let failed = |source| NodeError::Listen {
        what: "health and metrics",
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let state = Arc::new(State {
        shared,
        network,
        metrics,
    });
    Ok((bound, serve(listener, state)))
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: let some connections end first.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &state));
            let mut builder = http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(5))
                .keep_alive(false);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let _ = timeout(LONGEST_REQUEST, connection).await;
            drop(permit);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: &State,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, kind, body) = match request.uri().path() {
        _ if !get => (
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "only GET\n".into(),
        ),
        "/healthz" => health(state),
        "/metrics" => match state.metrics.text() {
            Ok(text) => (
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                text,
            ),
            Err(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain",
                String::new(),
            ),
        },
        _ => (
            StatusCode::NOT_FOUND,
            "text/plain",
            "there are /healthz and /metrics\n".into(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    Ok(response)
}

fn health(state: &State) -> (StatusCode, &'static str, String) {
    let connected = state.network.connected();
    let healthy = connected.len() + 1 >= QUORUM;
    let body = serde_json::json!({
        "ok": healthy,
        "block": *state.shared.height().borrow(),
        "connected": connected,
    });
    let status = if healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, "application/json", format!("{body}\n"))
}
