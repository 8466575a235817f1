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
                let mut plan = Plan::of(&Arc::new(Layout::new(Mode::Normal, circuit)));
                // What is made is written before it is forgotten.
                plan.memory_bytes += HELD * self.component_bytes() as u64;
                Ok(plan)
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
    // What is kept of the batches is put together at the end, and written.
    let kept = HELD * amounts.component_bytes() as u64;
    meter.plan.memory_bytes = most + 3 * kept;
    meter.plan
}

/// An upper estimate of what one party holds of a batch, frames apart, in bytes. Memory that served once
/// is kept for what has the same size, so all that is made counts.
fn shares(sizes: &Sizes) -> u64 {
    let of = |(material, buckets): &(Material, Buckets)| {
        let bytes = |lanes: usize| material.domain().memory_bytes(lanes) as u64;
        let (made, others) = (bytes(buckets.made), bytes(buckets.others()));
        // Triples; one of a, b and c, again in the order; the order; differences of a and b, errors,
        // and what these are made of; what is opened.
        3 * HELD * made
            + HELD * made
            + size_of::<u32>() as u64 * buckets.made as u64
            + 4 * HELD * others
            + 3 * others
            + 3 * (1 + HELD) * bytes(buckets.opened())
    };
    sizes.iter().map(of).sum()
}

impl Meter {
    /// Adds the rounds of a batch. Returns the bytes of the frames of all of them at one party, and of
    /// copies of what it said.
    fn batch(&mut self, sizes: &Sizes) -> u64 {
        let mut bytes_at_party = 0;
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
        bytes_at_party += self.send();
        self.tell_hashes();
        for sender in &live {
            for receiver in live.iter().filter(|receiver| *receiver != sender) {
                let backup = 6 - self.ring.absent - sender - receiver;
                self.streams[*sender][*receiver][backup] += HASH_BYTES as u64;
                self.plan.value_bytes += HASH_BYTES as u64;
            }
        }
        bytes_at_party += self.send();
        for (material, buckets) in sizes {
            let lanes = [buckets.others(), buckets.opened()];
            for i in 0..OPENED {
                self.open(material.domain().wire_bytes(lanes[usize::from(i > 1)]));
            }
        }
        bytes_at_party += self.send();
        for (material, buckets) in sizes {
            self.open(material.domain().wire_bytes(buckets.others()));
        }
        bytes_at_party += self.send();
        self.plan.rounds += ROUNDS;
        self.plan.latency += ROUNDS;
        bytes_at_party
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
                at_party[from] += bytes + told;
                at_party[to] += bytes;
                for backup in self.ring.live() {
                    // Both keep a copy of what they say.
                    at_party[from] += self.streams[from][to][backup];
                    at_party[backup] += self.streams[from][to][backup];
                }
            }
        }
        self.streams = [[[0; 4]; 4]; 4];
        self.told = [[0; 4]; 4];
        at_party.into_iter().max().unwrap_or(0)
    }
}
