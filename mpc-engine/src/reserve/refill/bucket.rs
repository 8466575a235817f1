//! How many triples are made for each that is kept.
//!
//! Of N triples that are kept, each is the first of a bucket of B; C = B further ones are opened
//! completely. Who belongs where is random, and is drawn when all are made. A triple is wrong by
//! what the corrupt party added to its product, and a bucket passes only if all its triples are wrong
//! by the same (see `check`). So who cheats in t triples gets away with it only if these fill k = t/B of
//! the buckets, which has probability binom(N, k) / binom(B·(N + 1), B·k). In k from 1 to N this is
//! largest at an end, for the quotient of one and the one before grows with k; at k = N it is an Nth of
//! what it is at k = 1. So nobody gets away with more than
//!
//! N / binom(B·(N + 1), B) ≤ N^(1−B),
//!
//! whatever is wrong with however many triples. To open more than B lowers it further. This is
//! the analysis of Furukawa, Lindell, Nof and Weinstein (High-throughput secure three-party computation
//! for malicious adversaries and an honest majority, EUROCRYPT 2017, section 5), which Araki et al.
//! (Optimized honest-majority MPC for malicious adversaries, IEEE S&P 2017) build upon, with the
//! binomial itself instead of its bound, since B must be right for small N, too.

/// A wrong triple is kept with probability at most 2 to the minus so many.
const SECURITY_BITS: u32 = 40;

/// How triples are put into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buckets {
    /// N: triples that are kept.
    pub(super) count: usize,
    /// B: triples of each bucket, the one that is kept among them.
    pub(super) size: usize,
    /// N·B, and those that are opened.
    pub(super) made: usize,
}

impl Buckets {
    /// For N triples, fewer than 2^32; the number of those that are made is a multiple of `unit`.
    pub(super) fn of(count: usize, unit: usize) -> Self {
        if count == 0 {
            let (size, made) = (1, 0);
            return Self { count, size, made };
        }
        let mut size = 2;
        while !suffices(count, size) {
            size += 1;
        }
        Self {
            count,
            size,
            made: (size * (count + 1)).next_multiple_of(unit),
        }
    }

    /// Triples that are opened completely: C ≥ B.
    pub(super) const fn opened(&self) -> usize {
        self.made - self.size * self.count
    }

    /// Triples of which the first of each bucket is checked against the others.
    pub(super) const fn others(&self) -> usize {
        (self.size - 1) * self.count
    }
}

/// Whether N / binom(B·(N + 1), B) is small enough.
fn suffices(count: usize, size: usize) -> bool {
    let enough = (count as u128) << SECURITY_BITS;
    let made = (size * (count + 1)) as u128;
    let mut ways = 1;
    for i in 0..size as u128 {
        // Exact: this is binom(made, i + 1). It grows with i, up to half of `made`.
        ways = ways * (made - i) / (i + 1);
        if ways >= enough {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use wire::limits::{LOT_BITS, LOT_R64, LOT_R128};

    use super::*;

    /// ln of binom(n, k).
    fn ln_ways(n: usize, k: usize) -> f64 {
        (0..k.min(n - k))
            .map(|i| ((n - i) as f64 / (i + 1) as f64).ln())
            .sum()
    }

    /// The best that a cheater can do, over all numbers of buckets.
    fn best(buckets: Buckets) -> (usize, f64) {
        let Buckets { count, size, made } = buckets;
        let chance = |k: &usize| ln_ways(count, *k) - ln_ways(made, k * size);
        (1..=count)
            .map(|k| (k, chance(&k)))
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .unwrap()
    }

    #[test]
    fn lots_have_small_buckets() {
        for (count, unit, size) in [(LOT_BITS, 64, 3), (LOT_R64, 1, 4), (LOT_R128, 1, 5)] {
            let buckets = Buckets::of(count as usize, unit);
            assert_eq!(buckets.size, size, "{count}");
            let bits = -(ln_ways(buckets.made, size) - (count as f64).ln()) / f64::ln(2.0);
            println!("{count}: buckets of {size}, a cheat passes with 2^{bits:.1}");
            assert!(bits <= -40.0);
        }
    }

    #[test]
    fn nobody_gets_away_more_often_than_the_bound() {
        let bound = -f64::from(SECURITY_BITS) * f64::ln(2.0);
        for count in (1..40).chain([64, 100, 128, 500]) {
            for unit in [1, 64] {
                let buckets = Buckets::of(count, unit);
                let (k, chance) = best(buckets);
                assert!(chance <= bound, "{buckets:?}: {k} buckets, e^{chance}");
                assert!(buckets.made.is_multiple_of(unit) && buckets.opened() >= buckets.size);
                assert_eq!(
                    count + buckets.others() + buckets.opened(),
                    buckets.made,
                    "{buckets:?}"
                );
            }
            // One less would not do.
            let buckets = Buckets::of(count, 1);
            let size = buckets.size - 1;
            let made = size * (count + 1);
            let smaller = Buckets { count, size, made };
            assert!(size == 1 || best(smaller).1 > bound, "{buckets:?}");
        }
        assert_eq!(Buckets::of(1, 1).size, 22);
        assert_eq!(Buckets::of(0, 64).made, 0);
    }

    /// All placements of wrong triples, counted for a small case: those that pass are as many as the
    /// formula says.
    #[test]
    fn the_formula_counts_what_passes() {
        let (count, size, made) = (3, 2, 8);
        let mut passing = [0.0; 9];
        let mut all = [0.0; 9];
        for wrong in 1u32..1 << made {
            let is_wrong = |i: usize| wrong >> i & 1 == 1;
            let opened = (size * count..made).any(is_wrong);
            let mixed = (0..count).any(|i| is_wrong(i) != is_wrong(count + i));
            let t = wrong.count_ones() as usize;
            all[t] += 1.0;
            passing[t] += f64::from(u8::from(!opened && !mixed));
        }
        for t in 1..=made {
            let expected = if t % size == 0 && t / size <= count {
                (ln_ways(count, t / size) - ln_ways(made, t)).exp()
            } else {
                0.0
            };
            let actual: f64 = passing[t] / all[t];
            assert!((actual - expected).abs() < 1e-9, "{t}");
        }
    }
}
