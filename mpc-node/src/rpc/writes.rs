//! Methods that change the chain: they go through the core.

use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use serde_json::json;
use tokio::{sync::oneshot, time::timeout};
use wire::transaction::Transaction;

use super::{Answer, Rpc, error::RpcError, params::Arguments};
use crate::{core::Command, keys};

/// How long a transaction's admission may take.
const ADMISSION: Duration = Duration::from_secs(30);
/// How long it may take until time has moved.
const ADVANCE: Duration = Duration::from_secs(60);
/// The longest step of time: a hundred years.
const LONGEST_STEP_S: u64 = 100 * 366 * 24 * 3600;

/// Admits a transaction: answers when the node has tried it and sent it to its peers.
pub(super) async fn send_raw_transaction(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let raw: Bytes = arguments.get(0, "signed transaction")?;
    // Rubbish does not get as far as the core.
    let chain_id = rpc.membership.committee.chain_id;
    let decoding = {
        let raw = raw.clone();
        tokio::task::spawn_blocking(move || Transaction::decode(raw, chain_id))
    };
    decoding.await.map_err(|_| RpcError::Busy)??;
    let (answer, answered) = oneshot::channel();
    let admission = async {
        let command = Command::Submit { raw, answer };
        rpc.commands
            .send(command)
            .await
            .map_err(|_| RpcError::Busy)?;
        answered.await.map_err(|_| RpcError::Busy)
    };
    let result = timeout(ADMISSION, admission).await;
    let hash = result.map_err(|_| RpcError::Busy)???;
    Ok(json!(hash))
}

/// Moves the time of a cluster for development; answers with the time of the next block, in
/// seconds, once the step is in the log.
pub(super) async fn advance_time(rpc: &Rpc, arguments: &Arguments) -> Answer {
    if !rpc.membership.committee.dev {
        return Err(RpcError::NotDevelopment);
    }
    let seconds: u64 = arguments.get(0, "seconds")?;
    if seconds > LONGEST_STEP_S {
        return Err(RpcError::Limit {
            what: "a step of time, in seconds,",
            limit: LONGEST_STEP_S,
        });
    }
    let request = keys::random().map_err(|_| RpcError::Busy)?;
    let request = B256::from(*request);
    let by_ms = seconds * 1000;
    let mut height = rpc.shared.height();
    let command = Command::AdvanceTime { request, by_ms };
    rpc.commands
        .send(command)
        .await
        .map_err(|_| RpcError::Busy)?;
    let moved = async {
        loop {
            height.mark_unchanged();
            if is_applied(rpc, request).await {
                return;
            }
            // A block may have been applied between the two lines above.
            let _ = timeout(Duration::from_secs(1), height.changed()).await;
        }
    };
    timeout(ADVANCE, moved).await.map_err(|_| RpcError::Busy)?;
    let shared = rpc.shared.clone();
    let reading = tokio::task::spawn_blocking(move || {
        shared.read().runtime().next_time_ms(shared.clock.now_ms())
    });
    let time_ms = reading.await.map_err(|_| RpcError::Busy)?;
    Ok(json!(time_ms / 1000))
}

async fn is_applied(rpc: &Rpc, request: B256) -> bool {
    let shared = rpc.shared.clone();
    let reading =
        tokio::task::spawn_blocking(move || shared.read().runtime().time_request_applied(request));
    reading.await.unwrap_or(false)
}
