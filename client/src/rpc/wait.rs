//! Waiting, with bounds: for receipts, verdicts and results.

use std::time::Duration;

use alloy::rpc::types::TransactionReceipt;
use alloy_primitives::{Address, B256, Bytes};
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use wire::rpc::{ComputationInfo, ComputationStatus, InputInfo, InputStatus};

use super::Client;
use crate::ClientError;

/// First and longest pause between two looks.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

impl Client {
    /// Waits until a transaction is in a block. Whether it succeeded is in the receipt.
    ///
    /// # Errors
    /// [`ClientError::TimedOut`]; those of [`Client::request`] that are final.
    pub async fn wait_receipt(
        &self,
        hash: B256,
        timeout: Duration,
    ) -> Result<TransactionReceipt, ClientError> {
        poll("the inclusion of a transaction", timeout, async || {
            self.receipt(hash).await
        })
        .await
    }

    /// Waits for the verdict on an input: accepted, or rejected with the reason in the contract's
    /// words.
    ///
    /// # Errors
    /// [`ClientError::Reverted`] if the contract refused it at ordering already;
    /// [`ClientError::TimedOut`]; those of [`Client::request`] that are final.
    pub async fn wait_input(&self, id: B256, timeout: Duration) -> Result<InputInfo, ClientError> {
        let mut info = poll("the verdict on an input", timeout, async || {
            match self.input(id).await? {
                Some(info) => Ok((info.status != InputStatus::Ordered).then_some(info)),
                None => self.refused_at_ordering(id).await,
            }
        })
        .await?;
        if let InputStatus::Rejected { reason, data } = &mut info.status
            && !data.is_empty()
        {
            *reason = self.reason(info.contract, data).await;
        }
        Ok(info)
    }

    /// A transaction that is in a block although there is no such input was reverted there.
    async fn refused_at_ordering(&self, id: B256) -> Result<Option<InputInfo>, ClientError> {
        let Some(receipt) = self.receipt(id).await? else {
            return Ok(None);
        };
        if receipt.status() {
            // The two answers may be of two moments; look again.
            return Ok(None);
        }
        Err(self.revert_of(receipt.to.unwrap_or_default(), id).await)
    }

    /// Why a transaction that is in a block was reverted, from the fields that nodes of Quartet add
    /// to its receipt.
    pub(super) async fn revert_of(&self, contract: Address, hash: B256) -> ClientError {
        #[derive(Debug, Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Fields {
            revert_reason: Option<Bytes>,
            revert_message: Option<String>,
        }
        let fields = self.request("eth_getTransactionReceipt", (hash,)).await;
        let fields: Option<Fields> = match fields {
            Ok(fields) => fields,
            Err(error) => return error,
        };
        let fields = fields.unwrap_or_default();
        let data = fields.revert_reason.unwrap_or_default();
        let reason = match fields.revert_message {
            Some(message) if data.is_empty() => message,
            _ => self.reason(contract, &data).await,
        };
        ClientError::Reverted {
            contract,
            reason,
            data,
        }
    }

    /// Waits until an input is accepted.
    ///
    /// # Errors
    /// As [`Client::wait_input`]; [`ClientError::InputRejected`].
    pub async fn wait_accepted(
        &self,
        id: B256,
        timeout: Duration,
    ) -> Result<InputInfo, ClientError> {
        let info = self.wait_input(id, timeout).await?;
        match info.status {
            InputStatus::Rejected { reason, data } => {
                Err(ClientError::InputRejected { id, reason, data })
            }
            InputStatus::Ordered
            | InputStatus::Accepted
            | InputStatus::Replaced { .. }
            | InputStatus::Deleted => Ok(info),
        }
    }

    /// Waits until three nodes have signed the output of a computation.
    ///
    /// # Errors
    /// [`ClientError::ComputationFailed`]; [`ClientError::TimedOut`]; those of [`Client::request`]
    /// that are final.
    pub async fn wait_computation(
        &self,
        id: B256,
        timeout: Duration,
    ) -> Result<ComputationInfo, ClientError> {
        poll("the attestation of a computation", timeout, async || {
            let Some(info) = self.computation(id).await? else {
                return Ok(None);
            };
            match &info.status {
                ComputationStatus::Attested { .. } => Ok(Some(info)),
                ComputationStatus::Failed { fault, reason } => {
                    Err(ClientError::ComputationFailed {
                        id,
                        fault: *fault,
                        reason: reason.clone(),
                    })
                }
                ComputationStatus::Waiting { .. }
                | ComputationStatus::Running { .. }
                | ComputationStatus::Opened { .. } => Ok(None),
            }
        })
        .await
    }
}

/// Looks until there is something, with growing pauses. Errors that may pass are borne until the
/// time is over; then the last of them is the answer.
async fn poll<T>(
    what: &str,
    timeout: Duration,
    look: impl AsyncFn() -> Result<Option<T>, ClientError>,
) -> Result<T, ClientError> {
    let start = Instant::now();
    let mut pause = PAUSE.0;
    loop {
        let failure = match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) if error.is_retryable() => Some(error),
            Err(error) => return Err(error),
        };
        if start.elapsed() >= timeout {
            return Err(failure.unwrap_or_else(|| ClientError::TimedOut {
                what: what.to_owned(),
                waited_ms: start.elapsed().as_millis(),
            }));
        }
        sleep(pause.min(timeout.saturating_sub(start.elapsed()))).await;
        pause = (pause * 3 / 2).min(PAUSE.1);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn silent() -> ClientError {
        ClientError::Unreachable {
            urls: String::new(),
            why: String::new(),
        }
    }

    #[tokio::test]
    async fn waiting_bears_silence_but_not_refusals_and_ends() {
        let looks = Cell::new(0);
        let found = poll("x", Duration::from_secs(5), async || {
            looks.set(looks.get() + 1);
            match looks.get() {
                1 => Ok(None),
                2 => Err(silent()),
                _ => Ok(Some(7)),
            }
        });
        assert_eq!(found.await.unwrap(), 7);

        let start = Instant::now();
        let never = poll("x", Duration::from_millis(300), async || Ok(None::<()>)).await;
        assert!(matches!(never, Err(ClientError::TimedOut { .. })));
        assert!(start.elapsed() >= Duration::from_millis(300));

        let refused = poll("x", Duration::from_secs(5), async || {
            looks.set(looks.get() + 1);
            Err::<Option<()>, _>(ClientError::NotFound { what: "x".into() })
        });
        let before = looks.get();
        assert!(matches!(refused.await, Err(ClientError::NotFound { .. })));
        assert_eq!(looks.get(), before + 1);
    }
}
