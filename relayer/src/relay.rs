//! Going round: every route, both directions, again and again.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use client::Client;
use tokio::{sync::watch, time::Instant};
use tracing::{error, info, warn};

use crate::{
    Class, RelayerError,
    admin::Health,
    chain::{Chain, Side},
    config::{Config, Route},
    fees::FeePolicy,
    l1::L1,
    l2::L2,
    metrics::Metrics,
    sender::{Patience, Sender},
    stages::{self, Outcome, World},
    state::Store,
};

const WEI_PER_GWEI: u128 = 1_000_000_000;
/// Longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Rounds of `--once`, if failures may pass.
const ONCE_ROUNDS: u32 = 3;
/// How long a transaction on L2 may take: its blocks are fast, and there is no fee to raise.
const L2_PATIENCE: Duration = Duration::from_secs(120);
/// How often to look for a transaction's receipt, at most and at least.
const RECEIPT_POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(4));

/// A relayer.
#[derive(Debug)]
pub struct Relay {
    config: Config,
    l1: L1,
    l2: L2,
    to_l1: Sender,
    to_l2: Sender,
    store: Store,
    /// Metrics, for whoever serves them.
    pub metrics: Arc<Metrics>,
    chains_checked: bool,
    routes: Vec<RouteState>,
}

/// What is remembered of a route between rounds.
#[derive(Clone, Debug, Default)]
struct RouteState {
    failures: u32,
    not_before: Option<Instant>,
    said: Vec<String>,
}

/// What came of a round.
#[derive(Debug, Default)]
pub struct Report {
    /// Transactions brought into blocks.
    pub carried: u64,
    /// What is not due yet.
    pub waits: Vec<String>,
    /// What could not be done.
    pub failures: Vec<RelayerError>,
}

impl Report {
    /// The worst of it; none if nothing is left to do.
    #[must_use]
    pub fn worst(&self) -> Option<Class> {
        let failures = self.failures.iter().map(RelayerError::class);
        let waits = self.waits.first().map(|_| Class::Waiting);
        failures.chain(waits).max()
    }
}

impl Relay {
    /// Reads keys, locks the state file. Sends nothing.
    ///
    /// # Errors
    /// [`RelayerError::Key`], [`RelayerError::Config`], [`RelayerError::Locked`],
    /// [`RelayerError::File`].
    pub fn new(config: Config) -> Result<Self, RelayerError> {
        let l1 = L1 {
            chain: Chain::new(Side::L1, &config.l1.urls)?,
            confirmations: config.l1.confirmations,
            log_blocks: config.l1.log_blocks,
        };
        let client =
            Client::connect_any(&config.l2.urls).map_err(|source| RelayerError::Client {
                side: Side::L2,
                source,
            })?;
        let client = match config.committee()? {
            Some(committee) => client.pinned(committee),
            None => client,
        };
        let chain = Chain::new(Side::L2, &config.l2.urls)?;
        let l2 = L2 { chain, client };
        let patience = Patience {
            poll: config.poll().clamp(RECEIPT_POLL.0, RECEIPT_POLL.1),
            resend_after: Duration::from_millis(config.l1.resend_after_ms),
            give_up_after: Duration::from_millis(config.l1.give_up_after_ms),
        };
        let policy = FeePolicy::Capped {
            cap: u128::from(config.l1.max_fee_gwei) * WEI_PER_GWEI,
        };
        let to_l1 = Sender::new(l1.chain.clone(), config.l1_key()?, policy, patience);
        let patience = Patience {
            poll: RECEIPT_POLL.0,
            resend_after: L2_PATIENCE,
            give_up_after: L2_PATIENCE,
        };
        let free = FeePolicy::Free;
        let to_l2 = Sender::new(l2.chain.clone(), config.l2_key()?, free, patience);
        info!(l1 = %to_l1.account(), l2 = %to_l2.account(), "accounts");
        Ok(Self {
            l1,
            l2,
            to_l1,
            to_l2,
            store: Store::open(&config.state_file)?,
            metrics: Arc::default(),
            chains_checked: false,
            routes: vec![RouteState::default(); config.routes.len()],
            config,
        })
    }

    /// Goes round until it is dropped.
    pub async fn watch(&mut self, health: watch::Sender<Health>) -> ! {
        loop {
            let report = self.round().await;
            let failures = report
                .failures
                .iter()
                .filter(|e| e.class() != Class::Waiting);
            let failures: Vec<_> = failures.map(ToString::to_string).collect();
            let backing_off = self.routes.iter().any(|route| route.failures > 0);
            if !failures.is_empty() {
                health.send_replace(Some(Err(failures.join("\n"))));
            } else if !backing_off {
                health.send_replace(Some(Ok(())));
            }
            tokio::time::sleep(self.config.poll()).await;
        }
    }

    /// Does what is due, once; failures that may pass are tried a few times.
    pub async fn once(&mut self) -> Report {
        let mut total = Report::default();
        for round in 1.. {
            let report = self.round().await;
            total.carried += report.carried;
            (total.waits, total.failures) = (report.waits, report.failures);
            let retryable = |error: &RelayerError| error.class() == Class::Retryable;
            if !total.failures.iter().any(retryable) || round == ONCE_ROUNDS {
                break;
            }
            let pause = pause(self.config.poll(), round).unwrap_or_default();
            let at_least = Instant::now() + pause;
            let pauses = self.routes.iter().filter_map(|route| route.not_before);
            tokio::time::sleep_until(pauses.fold(at_least, Instant::max)).await;
        }
        total
    }

    /// Goes over all routes once, but for those that failed just before.
    pub async fn round(&mut self) -> Report {
        let mut report = Report::default();
        self.metrics.rounds.inc();
        if let Err(error) = self.check_chains().await {
            self.metrics.failed(error.class());
            warn!(%error, "the chains cannot be used");
            report.failures.push(error);
            return report;
        }
        let now = Instant::now();
        let routes: Vec<Route> = self.config.routes.clone();
        for (place, route) in routes.iter().enumerate() {
            let due = self
                .routes
                .get(place)
                .is_none_or(|state| state.not_before.is_none_or(|at| at <= now));
            if due {
                self.go(place, route, &mut report).await;
            }
        }
        let waiting = i64::try_from(report.waits.len()).unwrap_or(i64::MAX);
        self.metrics.waiting.set(waiting);
        if self.routes.iter().all(|route| route.failures == 0) {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
            self.metrics.last_good_round.set(seconds);
        }
        report
    }

    /// Goes over one route. A failure in one direction does not stop the other.
    async fn go(&mut self, place: usize, route: &Route, report: &mut Report) {
        let mut world = World {
            l1: &self.l1,
            l2: &self.l2,
            to_l1: &self.to_l1,
            to_l2: &self.to_l2,
            store: &mut self.store,
        };
        let electorate = match route.electorate {
            true => stages::electorate::carry(route, &mut world).await,
            false => Ok(Outcome::default()),
        };
        let result = stages::result::carry(route, &mut world).await;
        let carried = |outcome: &Result<Outcome, _>| outcome.as_ref().map_or(0, |o| o.carried);
        self.metrics.batches.inc_by(carried(&electorate));
        self.metrics.results.inc_by(carried(&result));
        self.metrics
            .gas
            .inc_by(result.as_ref().map_or(0, |o| o.gas_used));

        let (mut said, mut failed) = (Vec::new(), false);
        for outcome in [electorate, result] {
            match outcome {
                Ok(outcome) => {
                    report.carried += outcome.carried;
                    said.extend(outcome.waits.iter().cloned());
                    report.waits.extend(outcome.waits);
                }
                Err(error) => {
                    said.push(error.to_string());
                    failed |= error.class() != Class::Waiting;
                    self.metrics.failed(error.class());
                    report.failures.push(error);
                }
            }
        }
        let Some(state) = self.routes.get_mut(place) else {
            return;
        };
        // What has not changed since the last round is not said again.
        for line in said.iter().filter(|line| !state.said.contains(line)) {
            match failed {
                true => error!(app = %route.l1_app, contract = %route.l2_contract, "{line}"),
                false => info!(app = %route.l1_app, contract = %route.l2_contract, "{line}"),
            }
        }
        state.said = said;
        state.failures = if failed { state.failures + 1 } else { 0 };
        let pause = pause(self.config.poll(), state.failures);
        state.not_before = pause.map(|pause| Instant::now() + pause);
    }

    /// Checks once that both chains are those that are meant.
    async fn check_chains(&mut self) -> Result<(), RelayerError> {
        if self.chains_checked {
            return Ok(());
        }
        let committee = self.l2.client.committee().await.map_err(|source| {
            let side = Side::L2;
            RelayerError::Client { side, source }
        })?;
        let expect = |side, expected, actual, because| match expected == actual {
            true => Ok(()),
            false => Err(RelayerError::WrongChain {
                side,
                expected,
                actual,
                because,
            }),
        };
        let l1 = self.l1.chain.id().await?;
        if let Some(expected) = self.config.l1.chain_id {
            expect(Side::L1, expected, l1, "the configuration says so")?;
        }
        expect(
            Side::L1,
            committee.l1.chain_id,
            l1,
            "the committee signs for it",
        )?;
        let l2 = self.l2.chain.id().await?;
        expect(Side::L2, committee.chain_id, l2, "its committee says so")?;
        info!(l1, l2, epoch = committee.epoch, "both chains are there");
        self.chains_checked = true;
        Ok(())
    }

    /// Reaches both chains and every contract, and says what it finds. Sends nothing.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub async fn check(&mut self) -> Result<Vec<String>, RelayerError> {
        self.check_chains().await?;
        let (account, sender) = (self.to_l1.account(), self.to_l2.account());
        let balance = self.l1.chain.balance(account).await?;
        let mut found = vec![
            format!("L1: account {account} has {balance} wei"),
            format!("L2: account {sender} pays nothing"),
        ];
        for route in &self.config.routes {
            let (app, contract) = (route.l1_app, route.l2_contract);
            let info = self.l2.contract(contract).await?;
            self.l1.accepted(app, Default::default()).await?;
            let name = &info.description.name;
            let mut line = format!("{app} takes the results of {name} at {contract}");
            if route.electorate {
                let list = self.l1.list(app).await?;
                let complete = self.l2.complete(contract).await?;
                let (batches, sealed) = (list.batches, list.root.is_some());
                line = format!(
                    "{line}; {batches} batches of voters, sealed: {sealed}, all on L2: {complete}"
                );
            }
            found.push(line);
        }
        Ok(found)
    }
}

/// How long to leave a route alone after so many failures in a row; none after a success.
fn pause(poll: Duration, failures: u32) -> Option<Duration> {
    let doubled = 2u32
        .checked_pow(failures.checked_sub(1)?)
        .unwrap_or(u32::MAX);
    Some(poll.saturating_mul(doubled).min(LONGEST_PAUSE.max(poll)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let poll = Duration::from_millis(250);
        assert_eq!(pause(poll, 0), None);
        assert_eq!(pause(poll, 1), Some(poll));
        assert_eq!(pause(poll, 3), Some(4 * poll));
        assert_eq!(pause(poll, u32::MAX), Some(LONGEST_PAUSE));
        let slow = Duration::from_secs(60);
        assert_eq!(pause(slow, 9), Some(slow));
    }

    #[test]
    fn the_worst_of_a_report_counts() {
        let mut report = Report::default();
        assert_eq!(report.worst(), None);
        report.waits.push("the list is not sealed".into());
        assert_eq!(report.worst(), Some(Class::Waiting));
        report.failures.push(RelayerError::FailedInBlock {
            side: Side::L1,
            what: String::new(),
            hash: Default::default(),
        });
        assert_eq!(report.worst(), Some(Class::Retryable));
        let path = "state.lock".into();
        report.failures.insert(0, RelayerError::Locked { path });
        assert_eq!(report.worst(), Some(Class::Final));
    }
}
