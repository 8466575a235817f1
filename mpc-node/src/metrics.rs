//! Counters and gauges of a node, for Prometheus and for `quartet_status`.

use mpc_engine::Amounts;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use wire::limits::NODES;

use crate::sparing::Sparing;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeerLabel {
    peer: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabel {
    method: &'static str,
    ok: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NodeLabel {
    node: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModeLabel {
    nodes: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MaterialLabel {
    material: &'static str,
}

/// What there is in the reserve.
const MATERIALS: [&str; 4] = ["bits", "r64", "r128", "seeds"];

/// A counter for each party.
pub type PerPeer = [Counter; NODES];

/// All metrics of a node; shared, cheap to update.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<MethodLabel, Counter>,
    /// Number of the last block.
    pub block: Gauge,
    /// Time of the last block, in seconds since the Unix epoch.
    pub block_time: Gauge,
    /// Users' transactions in blocks.
    pub transactions: Counter,
    /// Users' transactions that wait for a block.
    pub pending_transactions: Gauge,
    /// Inputs that wait for a verdict.
    pub pending_inputs: Gauge,
    /// Computations that are not finished.
    pub running_computations: Gauge,
    /// Peers that are connected.
    pub connected_peers: Gauge,
    /// Bytes sent outside of computations, by peer.
    pub swarm_sent: PerPeer,
    /// Bytes received outside of computations, by peer.
    pub swarm_received: PerPeer,
    /// Messages that were dropped because a peer did not take them in time.
    pub swarm_dropped: PerPeer,
    /// Frames that no honest peer sends.
    pub bad_frames: PerPeer,
    /// Peer's messages that ordering refused.
    pub suspicions: PerPeer,
    /// Connections of strangers that the handshake refused, and failed handshakes.
    pub refused_connections: Counter,
    /// Connections to JSON-RPC that were refused, since there are too many.
    pub rpc_refused_connections: Counter,
    /// Requests that had to wait, since their client asks faster than it may.
    pub rpc_delayed: Counter,
    /// Clients that were cut off, since they were too slow.
    pub rpc_cut_off: Counter,
    /// Bytes of computations sent, by peer.
    pub session_sent: PerPeer,
    /// Bytes of computations received, by peer.
    pub session_received: PerPeer,
    /// Sessions begun.
    pub sessions_started: Counter,
    /// Sessions that ended with a result.
    pub sessions_done: Counter,
    /// Sessions that stopped.
    pub sessions_stopped: Counter,
    /// Inputs of which this node holds its seeds.
    pub seeds_held: Counter,
    /// Seals that did not open, so that peers had to be asked.
    pub seals_bad: Counter,
    /// Inputs of which the seeds could not be had in time.
    pub seeds_missing: Counter,
    /// Sessions begun with all four nodes.
    sessions_of_four: Counter,
    /// Sessions begun with three, from the reserve.
    sessions_of_three: Counter,
    /// Nodes without which jobs begin: 1 for each that is away.
    pub away: [Gauge; NODES],
    /// Contradictions in the log.
    pub contradictions: Gauge,
    /// What is left in the reserve, by material.
    reserve: [Gauge; 4],
    /// Lots of the reserve that this node made with the others.
    pub lots_made: Counter,
    /// Components of lots that came from peers.
    pub lots_refetched: Counter,
    /// Secrets on disk that do not open.
    pub damaged_records: Counter,
    complaints: [Sparing; NODES],
    complaints_of_strangers: Sparing,
    complaints_of_clients: Sparing,
}

impl Metrics {
    /// Registers everything.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("quartet");
        let r = &mut registry;
        let requests = Family::default();
        r.register("rpc_requests", "JSON-RPC requests", requests.clone());
        let modes = Family::<ModeLabel, Counter>::default();
        r.register("sessions_by_mode", "Sessions begun", modes.clone());
        let away = Family::<NodeLabel, Gauge>::default();
        r.register("away", "Nodes without which jobs begin", away.clone());
        let reserve = Family::<MaterialLabel, Gauge>::default();
        r.register("reserve", "What is left in the reserve", reserve.clone());
        Self {
            requests,
            block: gauge(r, "block", "Number of the last block"),
            block_time: seconds(r, "block_time", "Time of the last block"),
            transactions: counter(r, "transactions", "Transactions in blocks"),
            pending_transactions: gauge(r, "pending_transactions", "Transactions that wait"),
            pending_inputs: gauge(r, "pending_inputs", "Inputs that wait for a verdict"),
            running_computations: gauge(r, "running_computations", "Computations under way"),
            connected_peers: gauge(r, "connected_peers", "Peers that are connected"),
            swarm_sent: bytes(r, "swarm_sent", "Sent outside of computations"),
            swarm_received: bytes(r, "swarm_received", "Received outside of computations"),
            swarm_dropped: per_peer(r, "swarm_dropped", "Messages dropped, since a peer is slow"),
            bad_frames: per_peer(r, "bad_frames", "Frames that no honest peer sends"),
            suspicions: per_peer(r, "suspicions", "Messages that ordering refused"),
            refused_connections: counter(r, "refused_connections", "Failed handshakes"),
            rpc_refused_connections: counter(
                r,
                "rpc_refused_connections",
                "Connections to JSON-RPC that were too many",
            ),
            rpc_delayed: counter(
                r,
                "rpc_delayed",
                "Requests that came too fast, and had to wait",
            ),
            rpc_cut_off: counter(r, "rpc_cut_off", "Clients that were too slow"),
            session_sent: bytes(r, "session_sent", "Sent in computations"),
            session_received: bytes(r, "session_received", "Received in computations"),
            sessions_started: counter(r, "sessions_started", "Sessions begun"),
            sessions_done: counter(r, "sessions_done", "Sessions that ended with a result"),
            sessions_stopped: counter(r, "sessions_stopped", "Sessions that stopped"),
            seeds_held: counter(r, "seeds_held", "Inputs of which the seeds are held"),
            seals_bad: counter(r, "seals_bad", "Seals that did not open"),
            seeds_missing: counter(r, "seeds_missing", "Inputs of which the seeds are missing"),
            sessions_of_four: mode(&modes, "four"),
            sessions_of_three: mode(&modes, "three"),
            away: std::array::from_fn(|party| {
                let peer = u8::try_from(party).unwrap_or(u8::MAX);
                away.get_or_create(&NodeLabel { node: peer }).clone()
            }),
            contradictions: gauge(r, "contradictions", "Contradictions in the log"),
            reserve: MATERIALS.map(|material| {
                let label = MaterialLabel { material };
                reserve.get_or_create(&label).clone()
            }),
            lots_made: counter(r, "lots_made", "Lots of the reserve made"),
            lots_refetched: counter(r, "lots_refetched", "Components of lots from peers"),
            damaged_records: counter(r, "damaged_records", "Secrets on disk that do not open"),
            complaints: Default::default(),
            complaints_of_strangers: Sparing::default(),
            complaints_of_clients: Sparing::default(),
            registry,
        }
    }

    /// Whether one more log line about what this peer did wrong may be written; it is counted in
    /// any case.
    #[must_use]
    pub fn may_complain(&self, peer: u8) -> bool {
        let complaints = self.complaints.get(usize::from(peer));
        complaints.is_some_and(Sparing::admits)
    }

    /// Likewise of those who are not in the committee.
    #[must_use]
    pub fn may_complain_of_strangers(&self) -> bool {
        self.complaints_of_strangers.admits()
    }

    /// Counts a session that begins, with three nodes or with all four.
    pub fn session_started(&self, with_three: bool) {
        self.sessions_started.inc();
        if with_three {
            self.sessions_of_three.inc();
        } else {
            self.sessions_of_four.inc();
        }
    }

    /// Shows what is left in the reserve.
    pub fn show_reserve(&self, left: &Amounts) {
        let amounts = [left.bits, left.r64, left.r128, left.seeds];
        for (gauge, amount) in self.reserve.iter().zip(amounts) {
            gauge.set(i64::try_from(amount).unwrap_or(i64::MAX));
        }
    }

    /// Likewise of clients of JSON-RPC.
    #[must_use]
    pub fn may_complain_of_clients(&self) -> bool {
        self.complaints_of_clients.admits()
    }

    /// Counts a JSON-RPC request.
    pub fn request(&self, method: &'static str, ok: bool) {
        let ok = if ok { "true" } else { "false" };
        self.requests
            .get_or_create(&MethodLabel { method, ok })
            .inc();
    }

    /// The exposition in OpenMetrics text format.
    ///
    /// # Errors
    /// None in practice: writing to a string.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The values of counters, by party.
#[must_use]
pub fn totals(counters: &PerPeer) -> [u64; NODES] {
    std::array::from_fn(|party| counters[party].get())
}

fn mode(modes: &Family<ModeLabel, Counter>, nodes: &'static str) -> Counter {
    modes.get_or_create(&ModeLabel { nodes }).clone()
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn seconds(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
    gauge
}

fn per_peer(registry: &mut Registry, name: &str, help: &str) -> PerPeer {
    let family = Family::<PeerLabel, Counter>::default();
    registry.register(name, help, family.clone());
    members(&family)
}

fn bytes(registry: &mut Registry, name: &str, help: &str) -> PerPeer {
    let family = Family::<PeerLabel, Counter>::default();
    registry.register_with_unit(name, help, Unit::Bytes, family.clone());
    members(&family)
}

fn members(family: &Family<PeerLabel, Counter>) -> PerPeer {
    std::array::from_fn(|party| {
        let peer = u8::try_from(party).unwrap_or(u8::MAX);
        family.get_or_create(&PeerLabel { peer }).clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_exposed_with_their_labels() -> Result<(), std::fmt::Error> {
        let metrics = Metrics::new();
        metrics.session_sent[2].inc_by(41);
        metrics.request("eth_call", false);
        let text = metrics.text()?;
        for line in [
            "quartet_session_sent_bytes_total{peer=\"2\"} 41",
            "quartet_rpc_requests_total{method=\"eth_call\",ok=\"false\"} 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(totals(&metrics.session_sent), [0, 0, 41, 0]);
        Ok(())
    }
}
