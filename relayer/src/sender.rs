//! Getting one transaction into a block: one at a time for each key, with the nonce of the chain.
//!
//! The nonce is always the count of transactions in blocks, so a send that failed leaves no gap
//! behind. What was sent is written down first, so that after a restart its replacement offers more.

use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, Bytes, U256};
use client::{
    ClientError, UserKey,
    transaction::{Draft, Fees, sign},
};
use tracing::{debug, info, warn};
use wire::limits::CALL_FUEL;

use crate::{
    Class, RelayerError,
    chain::Chain,
    fees::FeePolicy,
    state::{InFlight, Store},
};

/// How long a receipt may be missing although the account's nonce is used. Nodes take it from an
/// index that may lag behind their state, and behind one URL there may be several nodes.
const RECEIPT_LAG: Duration = Duration::from_secs(5);
/// When to look for a transaction for the first time.
const FIRST_LOOK: Duration = Duration::from_millis(20);

/// When to do what about a transaction that is not in a block.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often to look.
    pub poll: Duration,
    /// When to offer more.
    pub resend_after: Duration,
    /// When to leave it to the next round.
    pub give_up_after: Duration,
}

/// Sends the transactions of one key on one chain.
#[derive(Debug)]
pub struct Sender {
    chain: Chain,
    key: UserKey,
    policy: FeePolicy,
    patience: Patience,
}

/// A call to be sent.
#[derive(Clone, Debug)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// What it carries, for people.
    pub what: String,
}

/// A call on its way: one nonce, one or more offers.
#[derive(Debug)]
struct Attempt<'a> {
    call: &'a Call,
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
    fees: Fees,
    /// Hashes of all offers so far.
    hashes: Vec<B256>,
}

impl Attempt<'_> {
    fn draft(&self) -> Draft {
        Draft {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            fees: self.fees,
            to: Some(self.call.to),
            data: self.call.data.clone(),
        }
    }
}

/// A transaction in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Its hash.
    pub hash: B256,
    /// The block.
    pub block: u64,
    /// Gas that it used.
    pub gas_used: u64,
}

impl Sender {
    /// A sender of this key's transactions.
    #[must_use]
    pub const fn new(chain: Chain, key: UserKey, policy: FeePolicy, patience: Patience) -> Self {
        Self {
            chain,
            key,
            policy,
            patience,
        }
    }

    /// The account that sends.
    #[must_use]
    pub const fn account(&self) -> Address {
        self.key.address()
    }

    /// Sends a call that passed its simulation and waits until it is in a block, offering more from
    /// time to time, up to the cap.
    ///
    /// # Errors
    /// All of [`RelayerError`]; after one that is retryable, look at the chain again.
    pub async fn send(&self, call: &Call, store: &mut Store) -> Result<Mined, RelayerError> {
        let start = Instant::now();
        let mut attempt = self.prepare(call, start, store).await?;
        self.broadcast(&mut attempt, store).await?;
        let mut sent_at = Instant::now();
        let mut pause = FIRST_LOOK.min(self.patience.poll);
        let lag = RECEIPT_LAG.min(self.patience.resend_after);
        let mut taken: Option<Instant> = None;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.patience.poll);
            match self.look(&attempt).await {
                Ok(None) => {}
                Err(RelayerError::NonceTaken { .. })
                    if taken.get_or_insert_with(Instant::now).elapsed() < lag => {}
                Err(error) if error.class() == Class::Retryable && !is_verdict(&error) => {
                    debug!(side = %self.chain.side, %error, "looking again");
                }
                verdict => {
                    store.state.in_flight.remove(&self.chain.side);
                    store.save()?;
                    if let Some(mined) = verdict? {
                        return Ok(mined);
                    }
                }
            }
            if start.elapsed() >= self.patience.give_up_after {
                return Err(RelayerError::NotMined {
                    side: self.chain.side,
                    what: call.what.clone(),
                    hash: attempt.hashes.last().copied().unwrap_or_default(),
                    waited_ms: start.elapsed().as_millis(),
                });
            }
            if sent_at.elapsed() >= self.patience.resend_after {
                sent_at = Instant::now();
                self.offer_more(&mut attempt, store).await?;
            }
        }
    }

    /// Nonce, gas and first offer for a call.
    async fn prepare<'a>(
        &self,
        call: &'a Call,
        start: Instant,
        store: &Store,
    ) -> Result<Attempt<'a>, RelayerError> {
        let account = self.account();
        let chain_id = self.chain.id().await?;
        let nonce = self.chain.nonce(account, false).await?;
        let earlier = self.earlier(nonce, store);
        if earlier.is_none() || self.policy == FeePolicy::Free {
            self.wait_for_earlier(nonce, start).await?;
        }
        let data = call.data.clone();
        let gas = self.chain.estimate(account, call.to, data, &call.what);
        let gas = gas.await?;
        // What a call takes can grow until it is in a block.
        let gas_limit = gas.saturating_add(gas / 4);
        let gas_limit = match self.policy {
            FeePolicy::Free => gas_limit.min(CALL_FUEL),
            FeePolicy::Capped { .. } => gas_limit,
        };
        let fees = self.offer(earlier).await?;
        self.check_funds(gas_limit, fees).await?;
        Ok(Attempt {
            call,
            chain_id,
            nonce,
            gas_limit,
            fees,
            hashes: Vec::new(),
        })
    }

    /// Writes the offer down and sends it. A refusal is an error only if no offer was taken before.
    async fn broadcast(
        &self,
        attempt: &mut Attempt<'_>,
        store: &mut Store,
    ) -> Result<(), RelayerError> {
        let (side, fees, nonce) = (self.chain.side, attempt.fees, attempt.nonce);
        let transaction = sign(&self.key, &attempt.draft());
        let sent = InFlight {
            nonce,
            max_fee_per_gas: fees.max_fee_per_gas,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
        };
        let before = store.state.in_flight.insert(side, sent);
        store.save()?;
        let sending = self.chain.send_raw(transaction.raw).await;
        // Also after an error: the node may have taken it and failed to say so.
        attempt.hashes.push(transaction.hash);
        match sending {
            Ok(_) => debug!(%side, hash = %transaction.hash, nonce, ?fees, "sent"),
            Err(error) if attempt.hashes.len() == 1 && !self.taken(attempt).await? => {
                match before {
                    Some(before) => store.state.in_flight.insert(side, before),
                    None => store.state.in_flight.remove(&side),
                };
                store.save()?;
                return Err(not_taken(error, attempt.call));
            }
            Err(error) => debug!(%side, %error, "not taken; an earlier offer may be"),
        }
        Ok(())
    }

    /// Replaces the transaction by one that offers more, unless that is over the cap.
    async fn offer_more(
        &self,
        attempt: &mut Attempt<'_>,
        store: &mut Store,
    ) -> Result<(), RelayerError> {
        let (side, what) = (self.chain.side, &attempt.call.what);
        match self.offer(Some(attempt.fees)).await {
            Ok(raised) if raised != attempt.fees => {
                warn!(%side, what, ?raised, "not in a block: offering more");
                attempt.fees = raised;
                self.broadcast(attempt, store).await
            }
            Ok(_) => {
                warn!(%side, what, "not in a block, and at the cap");
                Ok(())
            }
            Err(error) => {
                debug!(%side, %error, "no new offer");
                Ok(())
            }
        }
    }

    /// Fees of an earlier transaction with this nonce, if one was written down.
    fn earlier(&self, nonce: u64, store: &Store) -> Option<Fees> {
        let sent = store.state.in_flight.get(&self.chain.side)?;
        (sent.nonce == nonce).then_some(Fees {
            max_fee_per_gas: sent.max_fee_per_gas,
            max_priority_fee_per_gas: sent.max_priority_fee_per_gas,
        })
    }

    /// Waits until no transaction of the account is pending: none that this program knows of can be
    /// replaced.
    async fn wait_for_earlier(&self, nonce: u64, start: Instant) -> Result<(), RelayerError> {
        let account = self.account();
        while self.chain.nonce(account, true).await? > nonce {
            if self.chain.nonce(account, false).await? > nonce {
                return Err(RelayerError::NonceTaken {
                    side: self.chain.side,
                    account,
                    nonce,
                });
            }
            if start.elapsed() >= self.patience.resend_after {
                if self.policy == FeePolicy::Free {
                    let side = self.chain.side;
                    return Err(RelayerError::EarlierPending { side, account });
                }
                return Ok(());
            }
            tokio::time::sleep(self.patience.poll).await;
        }
        Ok(())
    }

    /// The first offer, or one that replaces `earlier`; `earlier` itself at the cap.
    async fn offer(&self, earlier: Option<Fees>) -> Result<Fees, RelayerError> {
        if self.policy == FeePolicy::Free {
            return Ok(Fees::default());
        }
        let (base_fee, tip) = self.chain.market().await?;
        let now = self.policy.first(base_fee, tip);
        let now = now.map_err(|over| RelayerError::FeeOverCap {
            side: self.chain.side,
            base_fee,
            cap: over.cap,
        })?;
        Ok(earlier.map_or(now, |earlier| {
            self.policy.raise(earlier, now).unwrap_or(earlier)
        }))
    }

    async fn check_funds(&self, gas_limit: u64, fees: Fees) -> Result<(), RelayerError> {
        let needed = U256::from(gas_limit).saturating_mul(U256::from(fees.max_fee_per_gas));
        if needed.is_zero() {
            return Ok(());
        }
        let balance = self.chain.balance(self.account()).await?;
        if balance >= needed {
            return Ok(());
        }
        Err(RelayerError::InsufficientFunds {
            side: self.chain.side,
            account: self.account(),
            balance: balance.to_string(),
            needed: needed.to_string(),
        })
    }

    /// Whether the chain knows of a transaction with this nonce, although the node said no.
    async fn taken(&self, attempt: &Attempt<'_>) -> Result<bool, RelayerError> {
        for hash in &attempt.hashes {
            if self.chain.receipt(*hash).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(self.chain.nonce(self.account(), true).await? > attempt.nonce)
    }

    /// Whether one of the offers is in a block.
    async fn look(&self, attempt: &Attempt<'_>) -> Result<Option<Mined>, RelayerError> {
        let (side, account, nonce) = (self.chain.side, self.account(), attempt.nonce);
        // The count first: were it read last, a block in between would look like somebody else's.
        let count = self.chain.nonce(account, false).await?;
        for hash in attempt.hashes.iter().copied() {
            let Some(receipt) = self.chain.receipt(hash).await? else {
                continue;
            };
            let what = &attempt.call.what;
            if !receipt.status() {
                let what = what.clone();
                return Err(RelayerError::FailedInBlock { side, what, hash });
            }
            let block = receipt.block_number.unwrap_or_default();
            let gas_used = receipt.gas_used;
            info!(%side, what, %hash, block, gas_used, "in a block");
            return Ok(Some(Mined {
                hash,
                block,
                gas_used,
            }));
        }
        if count > nonce {
            return Err(RelayerError::NonceTaken {
                side,
                account,
                nonce,
            });
        }
        Ok(None)
    }
}

/// What a node's refusal of a transaction means: it has no type of its own in JSON-RPC.
fn not_taken(error: RelayerError, call: &Call) -> RelayerError {
    match error {
        RelayerError::Client {
            side,
            source: source @ ClientError::Refused { .. },
        } => RelayerError::NotTaken {
            side,
            what: call.what.clone(),
            source,
        },
        other => other,
    }
}

/// Whether an error says how a transaction ended, rather than that the chain cannot be reached.
const fn is_verdict(error: &RelayerError) -> bool {
    matches!(
        error,
        RelayerError::FailedInBlock { .. } | RelayerError::NonceTaken { .. }
    )
}

#[cfg(test)]
mod tests;
