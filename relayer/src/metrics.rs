//! Counters and gauges, for Prometheus.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::Class;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

/// All metrics of a relayer; shared, cheap to update.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    failures: Family<ClassLabel, Counter>,
    /// Rounds over all routes.
    pub rounds: Counter,
    /// Batches of voters brought to L2.
    pub batches: Counter,
    /// Results brought to L1.
    pub results: Counter,
    /// Gas that results used on L1.
    pub gas: Counter,
    /// Things that wait for their time.
    pub waiting: Gauge,
    /// When the last round without a failure ended, in seconds since the Unix epoch.
    pub last_good_round: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("quartet_relayer"),
            failures: Family::default(),
            rounds: Counter::default(),
            batches: Counter::default(),
            results: Counter::default(),
            gas: Counter::default(),
            waiting: Gauge::default(),
            last_good_round: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        let failures = metrics.failures.clone();
        registry.register("failures", "Things that could not be done", failures);
        registry.register("rounds", "Rounds over all routes", metrics.rounds.clone());
        let batches = metrics.batches.clone();
        registry.register("batches", "Batches of voters brought to L2", batches);
        registry.register("results", "Results brought to L1", metrics.results.clone());
        registry.register("gas", "Gas that results used on L1", metrics.gas.clone());
        let waiting = metrics.waiting.clone();
        registry.register("waiting", "Things that wait for their time", waiting);
        registry.register(
            "last_good_round_timestamp_seconds",
            "End of the last round without a failure",
            metrics.last_good_round.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Counts a failure.
    pub fn failed(&self, class: Class) {
        let class = match class {
            Class::Waiting => "waiting",
            Class::Retryable => "retryable",
            Class::Final => "final",
        };
        self.failures.get_or_create(&ClassLabel { class }).inc();
    }

    /// All of them in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
