//! The ledger of the reserve: which lots there are, and which parts of them are handed out.
//!
//! Each part is handed out once, in the order of the log, and never comes back, whatever becomes of
//! the attempt that took it.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use serde::Serialize;
use wire::limits::{LOT_BITS, LOT_R64, LOT_R128, LOT_SEEDS, NODES, RESERVE_IDLE_MS};

use crate::{
    Amounts, Ranges,
    attempt::{Attempt, pause_ms},
    suspicion::{Blame, History},
};

/// What a lot has, if it has all materials.
pub(crate) const LOT: Amounts = Amounts {
    bits: LOT_BITS,
    r64: LOT_R64,
    r128: LOT_R128,
    seeds: LOT_SEEDS,
};

/// A part of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// Number of the lot.
    pub lot: u64,
    /// Which part.
    pub ranges: Ranges,
}

/// A seed of a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SeedRef {
    /// Number of the lot.
    pub lot: u64,
    /// Its number among the lot's seeds.
    pub index: u64,
}

/// A lot of the reserve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LotInfo {
    /// What was in it when it was made.
    pub amounts: Amounts,
    /// Hashes of its components.
    pub hashes: [B256; NODES],
    /// Which nodes made it.
    pub live: [bool; NODES],
    /// How much of it is handed out; what is before that, of each material.
    pub used: Amounts,
}

impl LotInfo {
    /// What can still be handed out.
    #[must_use]
    pub const fn left(&self) -> Amounts {
        self.amounts.minus(&self.used)
    }
}

/// The production of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Production {
    /// Number of the lot.
    pub(crate) lot: u64,
    /// What it will have.
    pub(crate) amounts: Amounts,
    /// Its only attempt.
    pub(crate) attempt: Attempt,
}

/// Id of the job that makes a lot.
#[must_use]
pub fn lot_job(lot: u64) -> B256 {
    keccak256([&b"quartet lot"[..], &lot.to_be_bytes()].concat())
}

/// The reserve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reserve {
    /// What a lot has, if it has all materials: the same for ever and at all nodes.
    #[serde(skip)]
    pub(crate) whole_lot: Amounts,
    lots: BTreeMap<u64, LotInfo>,
    /// Number of the next lot that is begun.
    next: u64,
    /// The lot that is being made.
    pub(crate) production: Option<Production>,
    /// How many productions in a row were stopped.
    failures: u32,
    /// What stopped them.
    pub(crate) history: History,
    /// No production begins before this time.
    not_before_ms: u64,
    /// When the cluster last had work.
    pub(crate) busy_ms: u64,
}

impl Default for Reserve {
    fn default() -> Self {
        Self {
            whole_lot: LOT,
            lots: BTreeMap::new(),
            next: 0,
            production: None,
            failures: 0,
            history: History::default(),
            not_before_ms: 0,
            busy_ms: 0,
        }
    }
}

impl Reserve {
    /// All lots that are there, by number.
    pub(crate) const fn lots(&self) -> &BTreeMap<u64, LotInfo> {
        &self.lots
    }

    /// What is left of everything.
    pub(crate) fn left(&self) -> Amounts {
        let left = self.lots.values().map(LotInfo::left);
        left.fold(Amounts::default(), |sum, lot| sum.plus(&lot))
    }

    /// What it lacks of what is needed, without what is `claimed` by others.
    pub(crate) fn lacks(&self, need: &Amounts, claimed: &Amounts) -> Amounts {
        whole(need).minus(&self.left().minus(claimed))
    }

    /// Hands out what is needed, from the oldest lots first; nothing if there is not enough.
    pub(crate) fn take(&mut self, need: &Amounts) -> Option<Vec<Slice>> {
        let mut need = whole(need);
        if !self.left().covers(&need) {
            return None;
        }
        let mut slices = Vec::new();
        for (number, lot) in &mut self.lots {
            if need.is_empty() {
                break;
            }
            let ranges = lot.hand_out(&need);
            let taken = lengths(&ranges);
            if !taken.is_empty() {
                need = need.minus(&taken);
                slices.push(Slice {
                    lot: *number,
                    ranges,
                });
            }
        }
        Some(slices)
    }

    /// Hands out a seed.
    pub(crate) fn take_seed(&mut self) -> Option<SeedRef> {
        let need = Amounts {
            seeds: 1,
            ..Amounts::default()
        };
        let slices = self.take(&need)?;
        let slice = slices.first()?;
        Some(SeedRef {
            lot: slice.lot,
            index: slice.ranges.seeds.start,
        })
    }

    /// Whether nothing is left of a lot.
    pub(crate) fn has_spent(&self) -> bool {
        self.lots.values().any(|lot| lot.left().is_empty())
    }

    /// Whatever is left is not handed out any more.
    pub(crate) fn spend_all(&mut self) {
        for lot in self.lots.values_mut() {
            lot.used = lot.amounts;
        }
    }

    /// Takes away the lots of which nothing is left and that are not `held`.
    pub(crate) fn drop_spent(&mut self, held: impl Fn(u64) -> bool) -> Vec<u64> {
        let gone = |(number, lot): (&u64, &LotInfo)| {
            (lot.left().is_empty() && !held(*number)).then_some(*number)
        };
        let gone: Vec<u64> = self.lots.iter().filter_map(gone).collect();
        for number in &gone {
            self.lots.remove(number);
        }
        gone
    }

    /// What the next lot should have for the reserve to come nearer to its target without passing
    /// it; nothing if it is there.
    pub(crate) fn short_of(&self, target: u32) -> Amounts {
        let (left, lot) = (self.left(), &self.whole_lot);
        let target = u64::from(target);
        let part = |left: u64, lot: u64| match left.saturating_add(lot) <= target * lot {
            true => lot,
            false => 0,
        };
        Amounts {
            bits: part(left.bits, lot.bits),
            r64: part(left.r64, lot.r64),
            r128: part(left.r128, lot.r128),
            seeds: part(left.seeds, lot.seeds),
        }
    }

    /// The lot that has what is missing: as much of each material as a lot has.
    pub(crate) const fn lot_for(&self, missing: &Amounts) -> Amounts {
        const fn part(missing: u64, lot: u64) -> u64 {
            if missing > 0 { lot } else { 0 }
        }
        let lot = &self.whole_lot;
        Amounts {
            bits: part(missing.bits, lot.bits),
            r64: part(missing.r64, lot.r64),
            r128: part(missing.r128, lot.r128),
            seeds: part(missing.seeds, lot.seeds),
        }
    }

    /// When a production may begin on account of idleness.
    pub(crate) fn idle_ms(&self) -> u64 {
        let idle_ms = self.busy_ms.saturating_add(RESERVE_IDLE_MS);
        idle_ms.max(self.not_before_ms)
    }

    /// When a production may begin on account of a computation that waits.
    pub(crate) const fn not_before_ms(&self) -> u64 {
        self.not_before_ms
    }

    /// Begins to make a lot, without `absent`. Its number is never used again.
    pub(crate) fn begin(&mut self, amounts: Amounts, absent: Option<u8>, now_ms: u64) -> u64 {
        let lot = self.next;
        let attempt = Attempt::production(self.failures, absent, now_ms);
        self.next += 1;
        self.production = Some(Production {
            lot,
            amounts,
            attempt,
        });
        lot
    }

    /// The lot is made.
    pub(crate) fn made(&mut self, hashes: [B256; NODES]) -> Option<u64> {
        let production = self.production.take()?;
        self.failures = 0;
        self.history = History::default();
        let live = std::array::from_fn(|node| production.attempt.is_live(node as u8));
        let lot = LotInfo {
            amounts: production.amounts,
            hashes,
            live,
            used: Amounts::default(),
        };
        self.lots.insert(production.lot, lot);
        Some(production.lot)
    }

    /// The production is over without a lot. The next one, which is of another lot, counts as the next
    /// attempt: it leaves somebody else out, and waits as long.
    pub(crate) fn abandon(&mut self, blames: &[Blame], now_ms: u64) {
        let Some(production) = self.production.take() else {
            return;
        };
        let absent = production.attempt.absent;
        self.history.note(self.failures, absent, blames);
        self.failures = self.failures.saturating_add(1);
        self.not_before_ms = now_ms.saturating_add(pause_ms(self.failures));
    }
}

impl LotInfo {
    /// Hands out what it has of what is needed.
    fn hand_out(&mut self, need: &Amounts) -> Ranges {
        let next = |used: &mut u64, amount: u64, need: u64| {
            let start = *used;
            *used += need.min(amount.saturating_sub(start));
            start..*used
        };
        let (used, all) = (&mut self.used, &self.amounts);
        Ranges {
            bits: next(&mut used.bits, all.bits, need.bits),
            r64: next(&mut used.r64, all.r64, need.r64),
            r128: next(&mut used.r128, all.r128, need.r128),
            seeds: next(&mut used.seeds, all.seeds, need.seeds),
        }
    }
}

/// As it is handed out: bits by whole words.
pub(crate) const fn whole(need: &Amounts) -> Amounts {
    Amounts {
        bits: need.bits.next_multiple_of(64),
        ..*need
    }
}

/// How much ranges are.
const fn lengths(ranges: &Ranges) -> Amounts {
    Amounts {
        bits: ranges.bits.end - ranges.bits.start,
        r64: ranges.r64.end - ranges.r64.start,
        r128: ranges.r128.end - ranges.r128.start,
        seeds: ranges.seeds.end - ranges.seeds.start,
    }
}

#[cfg(test)]
mod tests;
