//! Seeds that peers are asked for.

use std::{collections::HashMap, time::Duration};

use alloy_primitives::B256;
use tokio::time::Instant;
use wire::{limits::NODES, peer::SharedSeeds, sealed::Seed};
use zk_contract_runtime::PendingInput;

use crate::storage::seed_box::HeldSeeds;

const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many times all connected peers must have said no. The first time they may not even have
/// seen the block.
const REFUSALS: u32 = 3;
/// After this time seeds count as missing even if no peer has said anything.
const DEADLINE: Duration = Duration::from_secs(8);

/// All seeds that are being asked for.
#[derive(Default)]
pub(super) struct Wants(HashMap<B256, Want>);

struct Want {
    me: u8,
    pending: PendingInput,
    have: HeldSeeds,
    since: Instant,
    next: Instant,
    pause: Duration,
    refused: u8,
    refusals: u32,
    reported: bool,
}

/// What came of a peer's answer.
pub(super) enum Weighed {
    /// It was not asked for, or did not help yet.
    Nothing,
    /// A seed does not open its commitment.
    Lie,
    /// All three components are there, of an input of this key epoch, which is not wanted any more.
    Complete(u64, HeldSeeds),
}

impl Wants {
    /// Begins to ask for the seeds of an input.
    pub(super) fn add(&mut self, input: B256, pending: PendingInput, me: u8, now: Instant) {
        self.0.entry(input).or_insert_with(|| Want {
            me,
            pending,
            have: [const { None }; NODES],
            since: now,
            next: now,
            pause: FIRST_PAUSE,
            refused: 0,
            refusals: 0,
            reported: false,
        });
    }

    /// Asks no more.
    pub(super) fn forget(&mut self, input: B256) {
        self.0.remove(&input);
    }

    /// Keeps on asking for inputs of some key epochs only.
    pub(super) fn retain(&mut self, wanted: impl Fn(u64) -> bool) {
        self.0
            .retain(|_, want| wanted(want.pending.binding.key_epoch));
    }

    /// Whether peers have been asked for all of them in vain, so far.
    pub(super) fn are_old(&self) -> bool {
        self.0.values().all(|want| want.reported)
    }

    /// Inputs that peers are to be asked for now; the next time is noted.
    pub(super) fn due(&mut self, now: Instant) -> Vec<B256> {
        let due = self.0.iter_mut().filter(|(_, want)| want.next <= now);
        due.map(|(input, want)| {
            want.next = now + want.pause;
            want.pause = (want.pause * 2).min(LONGEST_PAUSE);
            want.refused = 0;
            *input
        })
        .collect()
    }

    /// Checks what a peer sent, and keeps what is right.
    pub(super) fn weigh(&mut self, from: u8, shared: &SharedSeeds) -> Weighed {
        let Some(want) = self.0.get_mut(&shared.input) else {
            return Weighed::Nothing;
        };
        for (component, bytes) in &shared.seeds {
            let seed = Seed::new(*bytes);
            let Some(place) = want.have.get_mut(usize::from(*component)) else {
                return Weighed::Lie;
            };
            // One's own component is nobody's to send.
            if *component == want.me || want.pending.check_seed(*component, &seed).is_err() {
                return Weighed::Lie;
            }
            *place = Some(seed);
        }
        if want.have.iter().flatten().count() == NODES - 1 {
            let epoch = want.pending.binding.key_epoch;
            let have = std::mem::take(&mut want.have);
            self.0.remove(&shared.input);
            return Weighed::Complete(epoch, have);
        }
        if shared.seeds.is_empty() {
            want.refused |= 1 << from;
        }
        Weighed::Nothing
    }

    /// Inputs whose seeds count as missing from now on: each is returned once.
    pub(super) fn overdue(&mut self, connected: &[u8], now: Instant) -> Vec<B256> {
        let everybody = connected.iter().fold(0u8, |bits, peer| bits | 1 << peer);
        let mut overdue = Vec::new();
        for (input, want) in &mut self.0 {
            if everybody != 0 && want.refused & everybody == everybody {
                want.refused = 0;
                want.refusals += 1;
            }
            let refused = want.refusals >= REFUSALS;
            if !want.reported && (refused || now >= want.since + DEADLINE) {
                want.reported = true;
                overdue.push(*input);
            }
        }
        overdue
    }
}
