//! What it costs to make a lot with three parties.

use std::sync::Arc;

use super::{Material, OPENED, batches, bucket::Buckets, buckets, coin::HASH_BYTES};
use crate::{
    EngineError, Plan,
    frame::frame_bytes,
    protocol::Ring,
    reserve::{Amounts, production},
    roles::{Links, Parties, Roles},
    schedule::Layout,
    session::setup_frame_bytes,
    template::Mode,
};

/// Rounds of a batch.
const ROUNDS: usize = 4;
/// Components that a party holds.
const HELD: u64 = 3;

/// One batch: the buckets of each material of which it has any.
type Sizes = Vec<(Material, Buckets)>;

/// Counts frames.
struct Meter {
    plan: Plan,
    ring: Ring,
    links: Links,
    /// Bytes of this round's streams, by sender, receiver and backup.
    streams: [[[u64; 4]; 4]; 4],
    /// Bytes for which nobody vouches, by sender and receiver.
    told: [[u64; 4]; 4],
}

impl Amounts {
    /// What it costs to make a lot of this much, with all four parties or without one.
    ///
    /// # Errors
    /// [`EngineError::ReserveForm`] or [`EngineError::Program`] if it is too much,
    /// [`EngineError::NoSuchParty`].
    pub fn production_plan(&self, absent: Option<u8>) -> Result<Plan, EngineError> {
        match absent {
            None => {
                let circuit = Arc::new(production(self)?);
                Ok(Plan::of(&Arc::new(Layout::new(Mode::Normal, circuit))))
            }
            Some(party) if party >= 4 => Err(EngineError::NoSuchParty { party }),
            Some(party) => {
                self.check()?;
                Ok(plan(self, party.into()))
            }
        }
    }
}

fn plan(amounts: &Amounts, absent: usize) -> Plan {
    let parties = Parties::without(Some(absent));
    let setup = setup_frame_bytes(3);
    let mut meter = Meter {
        plan: Plan {
            rounds: setup.len(),
            latency: setup.len(),
            largest_frame: setup.into_iter().max().unwrap_or(0),
            ..Plan::default()
        },
        ring: Ring::new((absent + 1) % 4, absent),
        links: Links::of(parties),
        streams: [[[0; 4]; 4]; 4],
        told: [[0; 4]; 4],
    };
    for from in parties.live() {
        for to in parties.peers(from) {
            meter.plan.link_bytes[from][to] = setup.iter().sum::<usize>() as u64;
        }
    }
    let batches = batches(amounts);
    let mut most = 0;
    for number in 0..batches {
        let all = Material::ALL.map(|m| (m, buckets(amounts, m, number, batches)));
        let sizes: Sizes = all.into_iter().filter(|(_, b)| b.count > 0).collect();
        let frames = meter.batch(&sizes);
        most = most.max(frames + shares(&sizes));
    }
    // What is kept of the batches, and, at the end, put together and written.
    let kept = HELD * amounts.component_bytes() as u64;
    meter.plan.memory_bytes = kept + most.max(2 * kept);
    meter.plan
}

/// An upper estimate of what one party holds of a batch, frames apart, in bytes.
fn shares(sizes: &Sizes) -> u64 {
    let bytes = |(material, _): &(Material, Buckets), lanes: usize| {
        material.domain().memory_bytes(lanes) as u64
    };
    let triples: u64 = sizes.iter().map(|s| 3 * HELD * bytes(s, s.1.made)).sum();
    // One of a, b and c, again in the order; and the order.
    let ordered = |s: &(Material, Buckets)| HELD * bytes(s, s.1.made) + 4 * s.1.made as u64;
    // Of a material, differences of a and b, or errors, and what they are made of; of all, what is
    // opened.
    let differences = |s: &(Material, Buckets)| 4 * HELD * bytes(s, s.1.others());
    let opened = |s: &(Material, Buckets)| 3 * bytes(s, s.1.others()) + 3 * bytes(s, s.1.opened());
    let at_once = sizes.iter().map(|s| ordered(s).max(differences(s)));
    triples + at_once.max().unwrap_or(0) + sizes.iter().map(opened).sum::<u64>()
}

impl Meter {
    /// Adds the rounds of a batch. Returns the bytes of the frames, and of copies of them, that one
    /// party has at once.
    fn batch(&mut self, sizes: &Sizes) -> u64 {
        let mut most = 0;
        let live: Vec<usize> = self.ring.live().collect();
        for me in &live {
            let ring = Ring::new(*me, self.ring.absent);
            for (material, buckets) in sizes {
                let bytes = material.domain().wire_bytes(buckets.made) as u64;
                self.told[ring.me][ring.next] += bytes;
                self.plan.value_bytes += bytes;
            }
        }
        self.tell_hashes();
        most = most.max(self.send());
        self.tell_hashes();
        for sender in &live {
            for receiver in live.iter().filter(|receiver| *receiver != sender) {
                let backup = 6 - self.ring.absent - sender - receiver;
                self.streams[*sender][*receiver][backup] += HASH_BYTES as u64;
                self.plan.value_bytes += HASH_BYTES as u64;
            }
        }
        most = most.max(self.send());
        for (material, buckets) in sizes {
            let lanes = [buckets.others(), buckets.opened()];
            for i in 0..OPENED {
                self.open(material.domain().wire_bytes(lanes[usize::from(i > 1)]));
            }
        }
        most = most.max(self.send());
        for (material, buckets) in sizes {
            self.open(material.domain().wire_bytes(buckets.others()));
        }
        most = most.max(self.send());
        self.plan.rounds += ROUNDS;
        self.plan.latency += ROUNDS;
        most
    }

    fn tell_hashes(&mut self) {
        for from in self.ring.live() {
            for to in self.ring.live().filter(|to| *to != from) {
                self.told[from][to] += HASH_BYTES as u64;
                self.plan.value_bytes += HASH_BYTES as u64;
            }
        }
    }

    fn open(&mut self, bytes: usize) {
        for receiver in self.ring.live() {
            let Roles { sender, backup, .. } = self.links.open(receiver, bytes);
            self.streams[sender][receiver][backup] += bytes as u64;
            self.plan.value_bytes += bytes as u64;
        }
    }

    /// Ends a round.
    fn send(&mut self) -> u64 {
        let mut at_party = [0; 4];
        for from in self.ring.live() {
            for to in self.ring.live().filter(|to| *to != from) {
                let told = self.told[from][to];
                let bytes = frame_bytes(&self.streams, from, to) + told;
                self.plan.link_bytes[from][to] += bytes;
                self.plan.largest_frame = self.plan.largest_frame.max(bytes as usize);
                // Sent and received, and copies: of what is told while the round grows, of what was
                // said until the receivers have verified it.
                at_party[from] += 2 * bytes + told;
                at_party[to] += bytes;
            }
        }
        self.streams = [[[0; 4]; 4]; 4];
        self.told = [[0; 4]; 4];
        2 * at_party.into_iter().max().unwrap_or(0)
    }
}
