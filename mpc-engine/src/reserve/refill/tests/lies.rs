//! Three parties of which one lies, and stands by it.

use super::*;

impl Trio {
    /// Adds to the product at this place what the liar tells, and stands by it: the message and the
    /// liar's own component.
    fn lie(&mut self, liar: usize, material: Material, place: usize, by: u128) {
        let party = self.parties[liar].as_mut().unwrap();
        let ring = party.ring;
        let Stage::Products(made, _) = &mut party.stage else {
            panic!("products are not told now");
        };
        let mut at = HEADER_BYTES;
        for batch in made {
            let domain = batch.material.domain();
            let bytes = domain.wire_bytes(batch.buckets.made);
            if batch.material != material {
                at += bytes;
                continue;
            }
            let mut error = vec![0; batch.buckets.made];
            error[place] = by;
            let error = Vector::from_numbers(domain, &error);
            batch.triple[2].part_mut(ring.previous).add(&error);
            let told = &mut self.sent[liar][ring.next][at..at + bytes];
            let mut wrong = Vector::read(domain, batch.buckets.made, told);
            wrong.add(&error);
            let mut encoded = Vec::new();
            wrong.write(&mut encoded);
            told.copy_from_slice(&encoded);
            return;
        }
        panic!("there are no such triples");
    }
}

fn random(stream: u64) -> ChaCha20Rng {
    let mut random = ChaCha20Rng::seed_from_u64(seed());
    random.set_stream(stream);
    random
}

fn below(random: &mut ChaCha20Rng, bound: usize) -> usize {
    (random.next_u64() % bound as u64) as usize
}

/// Whether the liar is among those who are named, if somebody is.
fn may_name(stop: &Stop, liar: usize) -> bool {
    let liar = liar as u8;
    match stop {
        Stop::Mismatch { sender, backup, .. } => *sender == liar || *backup == liar,
        Stop::BadFrame { peer, .. } => *peer == liar,
        Stop::Spoiled { .. } => true,
        Stop::Local(_) => false,
    }
}

/// Who tells a wrong product and stands by it is caught, in whatever triples it does so.
#[test]
fn wrong_products_spoil_the_lot() {
    let mut random = random(1);
    let amounts = Amounts {
        bits: 128,
        r64: 6,
        r128: 6,
        seeds: 1,
    };
    for (absent, liar) in (0..16).map(|i| (i / 4, i % 4)).filter(|(a, l)| a != l) {
        for material in Material::ALL {
            let buckets = buckets(&amounts, material, 0, 1);
            for wrong in [1, 2, buckets.size, 2 * buckets.size, buckets.made] {
                let same = random.next_u64().is_multiple_of(2);
                let mut places: Vec<usize> = (0..buckets.made).collect();
                let trio = Trio::new(absent, amounts, random.next_u64(), [0; 4]).run(|trio| {
                    if trio.round > 0 {
                        return;
                    }
                    for i in 0..wrong {
                        let j = i + below(&mut random, places.len() - i);
                        places.swap(i, j);
                        let by = if same {
                            1
                        } else {
                            1 + u128::from(random.next_u64() >> 1)
                        };
                        trio.lie(liar, material, places[i], by | 1);
                    }
                });
                // Everybody honest sees the error, and nobody is named.
                for party in trio.live().into_iter().filter(|party| *party != liar) {
                    let end = &trio.ends[party];
                    assert!(
                        matches!(end, Some(Err(Stop::Spoiled { .. }))),
                        "{absent} {liar} {material:?} {wrong}: {party}: {end:?}"
                    );
                }
            }
        }
    }
}

/// The permutation is what catches: with errors that are the same in all triples of a bucket, a lot with
/// wrong products passes. Who tosses the coin again catches it.
#[test]
fn who_knew_the_coin_would_get_away_with_it() {
    let (absent, liar) = (1, 2);
    let amounts = Amounts {
        bits: 128,
        r64: 6,
        r128: 6,
        seeds: 0,
    };
    for material in Material::ALL {
        let buckets = buckets(&amounts, material, 0, 1);
        let mut known = None;
        Trio::new(absent, amounts, 5, [0; 4]).run(|trio| {
            if let Some(Stage::Coin(_, coin, _)) = trio.parties[liar].as_ref().map(|p| &p.stage) {
                let mut contributions = [None; 4];
                for party in trio.live() {
                    let party = trio.parties[party].as_ref().unwrap();
                    contributions[party.ring.me] = Some(*party.contributions.coin(0).opening());
                }
                let toss = coin.toss(&contributions);
                known = Some(random_order(&toss, material as u32, buckets.made));
            }
        });
        let known = known.unwrap();
        let run = |coins| {
            Trio::new(absent, amounts, 5, coins).run(|trio| {
                if trio.round == 0 {
                    let bucket = (0..buckets.size).map(|turn| turn * buckets.count + 4);
                    bucket.for_each(|i| trio.lie(liar, material, known[i] as usize, 3));
                }
            })
        };
        let lots = run([0; 4]).lots();
        assert!(!is_right(absent, &amounts, &lots), "the lie is in the lot");
        for honest in [0, 3] {
            let mut coins = [0; 4];
            coins[honest] = 1;
            let spoiled = run(coins).ends.into_iter().flatten();
            assert!(
                spoiled
                    .into_iter()
                    .any(|end| matches!(end, Err(Stop::Spoiled { .. })))
            );
        }
    }
}

/// Nothing tells a contribution before all products are there.
#[test]
fn a_coin_that_is_opened_too_early_is_refused() {
    let absent = 3;
    let honest = || Trio::new(absent, SMALL, 9, [0; 4]);
    let mut later = honest();
    let first: Vec<Frames> = later.sent.to_vec();
    later.deliver();
    for (party, first) in first.iter().enumerate().take(3) {
        let contribution = *later.parties[party]
            .as_ref()
            .unwrap()
            .contributions
            .coin(0)
            .opening();
        let tells = |frames: &Frames| {
            let all = frames.iter().flat_map(|frame| frame.windows(HASH_BYTES));
            all.into_iter().any(|window| window == contribution)
        };
        assert!(!tells(first) && tells(&later.sent[party]));
    }
    for (liar, victim) in (0..9).map(|i| (i / 3, i % 3)).filter(|(a, b)| a != b) {
        // In the place of what is due, or after it.
        for keep in [false, true] {
            let mut trio = honest();
            let frame = &mut trio.sent[liar][victim];
            let early = &later.sent[liar][victim];
            if keep {
                frame.extend_from_slice(early);
            } else {
                early.clone_into(frame);
            }
            trio.deliver();
            let end = trio.ends[victim].as_ref().unwrap().as_ref().unwrap_err();
            assert!(matches!(end, Stop::BadFrame { peer, .. } if usize::from(*peer) == liar));
            assert!(trio.sent[victim].iter().all(Vec::is_empty));
        }
        // Who gets no products opens nothing.
        let mut trio = honest();
        trio.sent[liar][victim].clear();
        trio.deliver();
        assert!(trio.ends[victim].as_ref().unwrap().is_err());
        assert!(trio.sent[victim].iter().all(Vec::is_empty));
    }
}

/// A commitment that says different things to the two others, or is opened to something else, ends the
/// session before the coin is used.
#[test]
fn a_coin_is_the_same_for_all() {
    for (absent, liar) in (0..16).map(|i| (i / 4, i % 4)).filter(|(a, l)| a != l) {
        for (at_round, receivers, swap) in [
            (0, 1, false),
            (0, 2, false),
            (1, 1, false),
            (1, 2, false),
            (0, 1, true),
        ] {
            let trio = Trio::new(absent, SMALL, 4, [0; 4]).run(|trio| {
                let ring = Ring::new(liar, trio.absent);
                let other = Contributions::new(liar, [7; 32], &[99; 32]).coin(0);
                if trio.round == at_round {
                    let said = if at_round == 0 {
                        other.commitment()
                    } else {
                        *other.opening()
                    };
                    for peer in &ring.peers()[..receivers] {
                        let frame = &mut trio.sent[liar][*peer];
                        let end = frame.len() - HASH_BYTES;
                        frame[end..].copy_from_slice(&said);
                    }
                }
                if swap && trio.round == 1 {
                    // It repeats to each what it said to the other, and opens what it said first.
                    let mut entropy = [0; 32];
                    entropy[0] = liar as u8;
                    entropy[9..].fill(liar as u8);
                    let own = Contributions::new(liar, [7; 32], &entropy).coin(0);
                    let [next, previous] = ring.peers();
                    for (peer, said) in [(next, own.commitment()), (previous, other.commitment())] {
                        trio.sent[liar][peer][HEADER_BYTES..][..HASH_BYTES].copy_from_slice(&said);
                    }
                    let frame = &mut trio.sent[liar][next];
                    let end = frame.len() - HASH_BYTES;
                    frame[end..].copy_from_slice(other.opening());
                }
            });
            let context = format!("{absent} {liar} {at_round} {receivers} {swap}");
            assert_eq!(trio.round, 2, "{context}");
            let honest = trio.live().into_iter().filter(|party| *party != liar);
            let stops: Vec<&Stop> = honest
                .filter_map(|party| trio.ends[party].as_ref()?.as_ref().err())
                .collect();
            assert!(!stops.is_empty(), "{context}");
            for stop in stops {
                assert!(may_name(stop, liar), "{context}: {stop}");
                assert!(!matches!(stop, Stop::Spoiled { .. }), "{context}");
            }
        }
    }
}

/// Every message, altered in every place: who gets it stops in that round, but for products, which
/// spoil the lot.
#[test]
fn whatever_is_altered_is_caught() {
    let mut random = random(2);
    let sizes: Vec<[Frames; 4]> = {
        let mut all = Vec::new();
        Trio::new(0, SMALL, 3, [0; 4]).run(|trio| all.push(trio.sent.clone()));
        all
    };
    assert_eq!(sizes.len(), 4);
    let honest = Trio::new(0, SMALL, 3, [0; 4]).run(|_| {}).lots();
    for (altered_in, sent) in sizes.iter().enumerate() {
        for (liar, victim) in (0..16).map(|i| (i / 4, i % 4)) {
            let length = sent[liar][victim].len();
            let step = 1 + length / 60;
            for place in (0..length).step_by(step).chain([length.saturating_sub(1)]) {
                if length == 0 {
                    continue;
                }
                let bit = 1 << below(&mut random, 8);
                let trio = Trio::new(0, SMALL, 3, [0; 4]).run(|trio| {
                    if trio.round == altered_in {
                        trio.sent[liar][victim][place] ^= bit;
                    }
                });
                let context = format!("round {altered_in}, {liar} to {victim}, byte {place}");
                let mut stops = 0;
                for party in trio.live().into_iter().filter(|party| *party != liar) {
                    match &trio.ends[party] {
                        None => {}
                        // In the last round the other has all that it needs.
                        Some(Ok(lot)) => {
                            assert!(altered_in == 3 && party != victim, "{context}");
                            let expected = honest[party].as_ref().unwrap();
                            assert_eq!(lot.hashes(), expected.hashes(), "{context}");
                        }
                        Some(Err(stop)) => {
                            stops += 1;
                            assert!(may_name(stop, liar), "{context}: {party}: {stop}");
                        }
                    }
                }
                assert!(stops > 0, "{context}");
                if altered_in > 0 {
                    assert_eq!(trio.round, altered_in + 1, "{context}");
                    assert!(trio.ends[victim].is_some(), "{context}");
                }
            }
        }
    }
}
