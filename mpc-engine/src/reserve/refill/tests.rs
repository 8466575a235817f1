//! Three parties without the rounds that set up keys, all of them honest.

mod lies;

use std::time::Instant;

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use wire::limits::SESSION_FRAME_BYTES;
use zeroize::Zeroizing;

use super::{coin::Contributions, *};
use crate::{
    Plan,
    digest::DigestKey,
    frame::{DigestKeys, HEADER_BYTES},
    prf::Masks,
    protocol::SessionKeys,
    reserve::{LotShares, Ranges},
    roles::{Parties, pair_of},
    session::{DisputeKeys, Transcript},
};

type End = Result<LotShares, Stop>;

const SMALL: Amounts = Amounts {
    bits: 64,
    r64: 3,
    r128: 2,
    seeds: 2,
};

fn seed() -> u64 {
    let seed = std::env::var("QUARTET_SEED").ok();
    let seed = seed.and_then(|s| s.parse().ok()).unwrap_or(2024);
    println!("QUARTET_SEED={seed}");
    seed
}

/// Three parties, and what each has sent in the round that is to be delivered.
struct Trio {
    absent: usize,
    parties: [Option<Refill>; 4],
    sent: [Frames; 4],
    ends: [Option<End>; 4],
    /// Rounds that were delivered.
    round: usize,
}

fn keys(me: usize, absent: usize, random: &mut ChaCha20Rng) -> SessionKeys {
    let mut all = [[0; 32]; 10];
    all.iter_mut().for_each(|key| random.fill_bytes(key));
    let session = *b"test session";
    SessionKeys {
        masks: std::array::from_fn(|l| {
            (l != me).then(|| Masks::new(all[l].first_chunk().unwrap()))
        }),
        permutations: [const { None }; 4],
        digests: DigestKeys {
            keys: std::array::from_fn(|peer| {
                let is_peer = peer != me && peer != absent;
                is_peer.then(|| DigestKey::new(&all[4 + pair_of(me, peer)]))
            }),
            session,
            disputes: DisputeKeys {
                keys: std::array::from_fn(|l| (l != me).then(|| Zeroizing::new(all[l]))),
                session,
            },
        },
    }
}

impl Trio {
    /// All randomness is from `seed`, but that of one party's coin.
    fn new(absent: usize, amounts: Amounts, seed: u64, coins: [u64; 4]) -> Self {
        let members = Parties::without(Some(absent));
        let mut trio = Self {
            absent,
            parties: [const { None }; 4],
            sent: Default::default(),
            ends: [const { None }; 4],
            round: 0,
        };
        for me in members.live() {
            let keys = keys(me, absent, &mut ChaCha20Rng::seed_from_u64(seed));
            let transcript = Transcript::new(me, members);
            let crossing = Crossing::new((me, members), keys, transcript);
            let mut entropy = [me as u8; 32];
            entropy[1..9].copy_from_slice(&coins[me].to_le_bytes());
            let contributions = Contributions::new(me, [7; 32], &entropy);
            let mut refill = Refill::new(crossing, amounts, contributions).unwrap();
            let next = refill.begin();
            trio.parties[me] = Some(refill);
            trio.take(me, Ok(next));
        }
        trio
    }

    fn live(&self) -> Vec<usize> {
        (0..4).filter(|party| *party != self.absent).collect()
    }

    fn take(&mut self, me: usize, next: Result<Next, Stop>) {
        match next {
            Ok(Next::Rounds(mut rounds)) => {
                assert_eq!(rounds.len(), 1);
                self.sent[me] = rounds.remove(0);
                return;
            }
            Ok(Next::Done(Results::Kept(shares))) => {
                let amounts = self.parties[me].as_ref().unwrap().amounts;
                self.ends[me] = Some(Ok(LotShares::of(me, amounts, &shares)));
            }
            Ok(Next::Done(Results::Opened(_))) => panic!("a lot is not opened"),
            Err(stop) => self.ends[me] = Some(Err(stop)),
        }
        self.parties[me] = None;
    }

    /// Delivers what was sent; ends with the first who stops.
    fn deliver(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        for me in self.live() {
            if let Some(party) = &mut self.parties[me] {
                let frames = std::array::from_fn(|from| sent[from][me].clone());
                let next = party.step(frames);
                self.take(me, next);
            }
        }
        self.round += 1;
    }

    fn is_over(&self) -> bool {
        self.parties.iter().all(Option::is_none) || self.ends.iter().flatten().any(Result::is_err)
    }

    /// Runs to the end; `liar` may change its mind and its frames before each delivery.
    fn run(mut self, mut meddle: impl FnMut(&mut Self)) -> Self {
        while !self.is_over() {
            meddle(&mut self);
            self.deliver();
        }
        self
    }

    fn lots(self) -> [Option<LotShares>; 4] {
        self.ends.map(|end| end.map(Result::unwrap))
    }
}

/// The components of a vector of a lot, and their sum: a, b and c of the materials in turn.
fn vectors(amounts: &Amounts, lots: &[Option<LotShares>; 4]) -> Vec<([Vector; 4], Vector)> {
    let strings: [&[u8]; 4] = std::array::from_fn(|c| {
        let mut holders = lots
            .iter()
            .flatten()
            .filter_map(|lot| lot.component(c as u8));
        let string = holders.next().unwrap();
        assert_eq!(string.len(), amounts.component_bytes());
        assert!(holders.all(|other| other == string), "holders of {c} agree");
        string
    });
    let ranges = amounts.byte_ranges(&Ranges::all(amounts));
    let materials = Material::ALL.into_iter().filter(|m| amounts.of(*m) > 0);
    let kinds = materials.flat_map(|material| [material; 3]);
    let mut vectors = Vec::new();
    for (material, range) in kinds.zip(ranges) {
        let (domain, len) = (material.domain(), amounts.of(material) as usize);
        let range = range.start as usize..range.end as usize;
        let parts = strings.map(|string| Vector::read(domain, len, &string[range.clone()]));
        let mut sum = Vector::zero(domain, len);
        parts.iter().for_each(|part| sum.add(part));
        vectors.push((parts, sum));
    }
    vectors
}

/// Whether all products of a lot are right; checks everything else about it.
fn is_right(absent: usize, amounts: &Amounts, lots: &[Option<LotShares>; 4]) -> bool {
    for (me, lot) in lots.iter().enumerate() {
        let Some(lot) = lot else {
            assert_eq!(me, absent);
            continue;
        };
        assert_eq!(lot.amounts(), *amounts);
        for (c, hash) in (0..4).zip(lot.hashes()) {
            assert_eq!(hash, lot.component(c).map(crate::component_hash));
            assert_eq!(hash.is_none(), usize::from(c) == me);
        }
    }
    vectors(amounts, lots).chunks(3).all(|abc| {
        let [(_, a), (_, b), (_, c)] = abc else {
            panic!("three vectors make triples");
        };
        check::are_products([a, b, c])
    })
}

#[test]
fn three_make_a_lot_whoever_is_away() {
    for absent in 0..4 {
        for amounts in [
            SMALL,
            Amounts {
                bits: 4096,
                r64: 100,
                r128: 17,
                seeds: 1,
            },
            Amounts {
                bits: 640,
                ..Amounts::default()
            },
            Amounts {
                r64: 1,
                ..Amounts::default()
            },
            Amounts {
                seeds: 3,
                ..Amounts::default()
            },
        ] {
            let trio = Trio::new(absent, amounts, seed(), [0; 4]).run(|_| {});
            let rounds = trio.round;
            let lots = trio.lots();
            assert!(is_right(absent, &amounts, &lots), "{absent} {amounts}");
            let triples = Material::ALL.iter().any(|m| amounts.of(*m) > 0);
            assert_eq!(rounds, if triples { 4 } else { 0 });
        }
    }
}

#[test]
fn what_is_made_is_random_and_tells_the_absent_nothing() {
    let amounts = Amounts {
        bits: 1024,
        r64: 20,
        r128: 20,
        seeds: 2,
    };
    for absent in 0..4 {
        let [first, second] =
            [1, 2].map(|seed| Trio::new(absent, amounts, seed, [0; 4]).run(|_| {}).lots());
        let both = vectors(&amounts, &first)
            .into_iter()
            .zip(vectors(&amounts, &second));
        for ((one, sum), (other, other_sum)) in both {
            for c in 0..4 {
                assert!(!check::is_zero(&one[c]) && !check::is_zero(&one[c].minus(&other[c])));
            }
            assert!(!check::is_zero(&sum) && !check::is_zero(&sum.minus(&other_sum)));
        }
        // Without masks, components of c that the absent party gets would tell it those that it
        // lacks of a and b.
        for abc in vectors(&amounts, &first).chunks(3) {
            let [a, b, c] = [0, 1, 2].map(|i| &abc[i].0[absent]);
            assert!(!check::are_products([a, b, c]));
        }
        let seeds = first.iter().flatten().flat_map(|lot| {
            let strings = (0..4).filter_map(|c| lot.component(c));
            strings.map(|s| s[amounts.component_bytes() - 64..].to_vec())
        });
        let seeds: std::collections::BTreeSet<Vec<u8>> = seeds.collect();
        assert_eq!(seeds.len(), 4);
        assert!(seeds.iter().all(|two| two[..32] != two[32..]));
    }
}

#[test]
fn what_is_more_than_a_lot_is_made_in_batches() {
    let amounts = Amounts {
        bits: 192,
        r64: 5,
        r128: 2 * LOT_R128 + 1,
        seeds: 1,
    };
    let trio = Trio::new(2, amounts, seed(), [0; 4]).run(|_| {});
    assert_eq!(trio.round, 4 * 3);
    assert!(is_right(2, &amounts, &trio.lots()));
    for total in [1, 5, 64, 640] {
        for batches in 1..7 {
            let of = |material, unit| {
                let amounts = Amounts {
                    bits: 64 * total,
                    r64: total,
                    ..amounts
                };
                let all = (0..batches).map(|n| buckets(&amounts, material, n, batches).count);
                let all: Vec<usize> = all.collect();
                let spread = all.iter().max().unwrap() - all.iter().min().unwrap();
                assert_eq!(all.iter().sum::<usize>(), total as usize * unit);
                assert!(spread <= unit, "{all:?}");
            };
            of(Material::Bits, 64);
            of(Material::R64, 1);
        }
    }
}

#[test]
fn plans_say_what_crosses() {
    for absent in 0..4 {
        for amounts in [
            SMALL,
            Amounts {
                bits: 4096,
                r64: 100,
                r128: 17,
                seeds: 1,
            },
            Amounts {
                seeds: 2,
                ..Amounts::default()
            },
            Amounts {
                r128: LOT_R128 + 1,
                ..SMALL
            },
        ] {
            let plan = amounts.production_plan(Some(absent as u8)).unwrap();
            let mut links = [[0; 4]; 4];
            let (mut rounds, mut largest) = (0, 0);
            Trio::new(absent, amounts, 1, [0; 4]).run(|trio| {
                rounds += 1;
                for (from, to) in (0..16).map(|link| (link / 4, link % 4)) {
                    links[from][to] += trio.sent[from][to].len() as u64;
                    largest = largest.max(trio.sent[from][to].len());
                }
            });
            let setup = plan_of_setup(absent);
            for (from, to) in (0..16).map(|link| (link / 4, link % 4)) {
                assert_eq!(
                    links[from][to] + setup.link_bytes[from][to],
                    plan.link_bytes[from][to]
                );
            }
            assert_eq!(plan.rounds, rounds + setup.rounds);
            assert_eq!(plan.largest_frame, largest.max(setup.largest_frame));
        }
    }
}

fn plan_of_setup(absent: usize) -> Plan {
    Amounts::default()
        .production_plan(Some(absent as u8))
        .unwrap()
}

#[test]
fn frames_of_lots_are_within_bounds() {
    let lot = Amounts {
        bits: LOT_BITS,
        r64: LOT_R64,
        r128: LOT_R128,
        seeds: 32,
    };
    let plan = lot.production_plan(Some(0)).unwrap();
    println!("{plan}");
    assert!(plan.largest_frame <= SESSION_FRAME_BYTES);
    assert!(plan.memory_bytes <= 256 << 20);
}

/// What a lot takes in one process, three parties in turn.
#[test]
#[ignore = "measures, and asserts nothing"]
fn rate() {
    let lot = Amounts {
        bits: LOT_BITS,
        r64: LOT_R64,
        r128: LOT_R128,
        seeds: 32,
    };
    for amounts in [
        lot,
        Amounts {
            bits: LOT_BITS,
            ..Amounts::default()
        },
        Amounts {
            r64: LOT_R64,
            ..Amounts::default()
        },
        Amounts {
            r128: LOT_R128,
            ..Amounts::default()
        },
    ] {
        let start = Instant::now();
        let trio = Trio::new(0, amounts, 1, [0; 4]).run(|_| {});
        let seconds = start.elapsed().as_secs_f64();
        assert!(trio.ends.iter().flatten().all(Result::is_ok));
        let triples = (amounts.bits + amounts.r64 + amounts.r128) as f64;
        println!(
            "{amounts}: {:.0} triples/s at one party",
            3.0 * triples / seconds
        );
    }
}
