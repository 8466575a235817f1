use super::*;

/// A transaction of sender `s` with nonce `n`; its hash says both.
fn transaction(sender: u8, nonce: u64, length: usize) -> Transaction {
    let mut raw = vec![sender; length];
    raw[..8].copy_from_slice(&nonce.to_be_bytes());
    Transaction {
        hash: alloy_primitives::keccak256(&raw),
        sender: Address::repeat_byte(sender),
        nonce,
        to: None,
        data: Bytes::new(),
        gas_limit: 1_000,
        raw: raw.into(),
    }
}

/// The rule of the state, for accounts that have sent nothing yet.
fn strict(tx: &Transaction, before: u64) -> Result<(), zk_contract_runtime::Refusal> {
    let actual = tx.nonce;
    match actual.cmp(&before) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(zk_contract_runtime::Refusal::NonceTooLow {
            expected: before,
            actual,
        }),
        std::cmp::Ordering::Greater => Err(zk_contract_runtime::Refusal::NonceGap {
            expected: before,
            actual,
        }),
    }
}

const HERE: Origin = Origin::Submitted { at_ms: 0 };

fn pool(per_sender: usize, transactions: usize, bytes: usize) -> Mempool {
    Mempool {
        bounds: Bounds {
            per_sender,
            transactions,
            bytes,
        },
        ..Mempool::default()
    }
}

fn fill(pool: &mut Mempool, given: &[(u8, u64, usize)]) -> Vec<Result<(), Refusal>> {
    let insert = |&(sender, nonce, length): &(u8, u64, usize)| {
        pool.insert(transaction(sender, nonce, length), HERE, strict)
    };
    given.iter().map(insert).collect()
}

#[test]
fn takes_and_refuses() {
    use zk_contract_runtime::Refusal::{NonceGap, NonceTooLow};
    struct Case {
        desc: &'static str,
        input: Vec<(u8, u64, usize)>,
        expected: Result<(), Refusal>,
    }
    let state = |refusal| Err(Refusal::State(refusal));
    let cases = [
        Case {
            desc: "the next nonce",
            input: vec![(1, 0, 100), (1, 1, 100)],
            expected: Ok(()),
        },
        Case {
            desc: "another sender's first nonce",
            input: vec![(1, 0, 100), (2, 0, 100)],
            expected: Ok(()),
        },
        Case {
            desc: "a gap",
            input: vec![(1, 0, 100), (1, 2, 100)],
            expected: state(NonceGap {
                expected: 1,
                actual: 2,
            }),
        },
        Case {
            desc: "a replacement",
            input: vec![(1, 0, 100), (1, 0, 120)],
            expected: state(NonceTooLow {
                expected: 1,
                actual: 0,
            }),
        },
        Case {
            desc: "one more than a sender may have",
            input: vec![(1, 0, 100), (1, 1, 100), (1, 2, 100), (1, 3, 100)],
            expected: Err(Refusal::SenderFull),
        },
        Case {
            desc: "one more than all may have",
            input: vec![
                (1, 0, 9),
                (2, 0, 9),
                (3, 0, 9),
                (4, 0, 9),
                (5, 0, 9),
                (6, 0, 9),
            ],
            expected: Err(Refusal::PoolFull),
        },
        Case {
            desc: "one byte too much",
            input: vec![(1, 0, 500), (2, 0, 501)],
            expected: Err(Refusal::PoolFull),
        },
        Case {
            desc: "just all bytes",
            input: vec![(1, 0, 500), (2, 0, 500)],
            expected: Ok(()),
        },
    ];
    for Case {
        desc,
        input,
        expected,
    } in cases
    {
        // One source may have 5 transactions and 1000 bytes of these.
        let mut pool = pool(3, 8, 1_600);
        let mut results = fill(&mut pool, &input);
        let last = results.pop().unwrap();
        assert!(results.iter().all(Result::is_ok), "{desc}");
        assert_eq!(last, expected, "{desc}");
        let kept = input.len() - usize::from(expected.is_err());
        assert_eq!(
            pool.len(),
            kept,
            "{desc}: nothing is evicted, nothing refused is kept"
        );
    }
}

#[test]
fn selects_in_order_within_room() {
    struct Case {
        desc: &'static str,
        room: Room,
        expected: &'static [usize],
    }
    let given = [
        (1, 0, 100),
        (2, 0, 400),
        (1, 1, 100),
        (2, 1, 100),
        (3, 0, 100),
    ];
    let room = Room {
        transactions: 100,
        bytes: 4_000,
        fuel: 10_000,
    };
    let cases = [
        Case {
            desc: "three transactions",
            room: Room {
                transactions: 3,
                ..room
            },
            expected: &[0, 1, 2],
        },
        Case {
            desc: "room for all",
            room,
            expected: &[0, 1, 2, 3, 4],
        },
        Case {
            desc: "no room for the long one, so its sender's next one waits too",
            room: Room { bytes: 450, ..room },
            expected: &[0, 2, 4],
        },
        Case {
            desc: "fuel for two",
            room: Room {
                fuel: 2_000,
                ..room
            },
            expected: &[0, 1],
        },
        Case {
            desc: "no room",
            room: Room { bytes: 50, ..room },
            expected: &[],
        },
    ];
    for Case {
        desc,
        room,
        expected,
    } in cases
    {
        let mut pool = pool(16, 100, 20_000);
        assert!(fill(&mut pool, &given).iter().all(Result::is_ok));
        let expected: Vec<_> = expected
            .iter()
            .map(|&i| transaction(given[i].0, given[i].1, given[i].2).raw)
            .collect();
        assert_eq!(pool.select(room), expected, "{desc}");
    }
}

#[test]
fn drops_what_a_block_made_stale() {
    let mut pool = pool(16, 100, 20_000);
    let given = [(1, 0, 100), (1, 1, 100), (1, 2, 100), (2, 0, 100)];
    assert!(fill(&mut pool, &given).iter().all(Result::is_ok));
    // The block holds another transaction of sender 1 with nonce 1 than the pool does.
    let first = transaction(1, 0, 100);
    let foreign = transaction(1, 1, 300);
    let included = [(first.hash, first.sender), (foreign.hash, foreign.sender)];
    pool.prune(included.into_iter(), |sender| {
        2 * u64::from(sender == first.sender)
    });
    let left: Vec<_> = pool.pending.values().map(|p| &p.transaction).collect();
    assert_eq!(left, [&transaction(1, 2, 100), &transaction(2, 0, 100)]);
    assert_eq!(pool.usage[0].bytes, 200);
    assert_eq!(pool.pending_of(first.sender), 1);
    assert!(
        pool.knows(&first.hash) && pool.knows(&foreign.hash),
        "blocks are remembered"
    );
    assert!(
        !pool.knows(&transaction(1, 1, 100).hash),
        "the stale one is forgotten"
    );
}

#[test]
fn removes_a_transaction_with_those_that_need_it() {
    let mut pool = pool(16, 100, 20_000);
    let given = [(1, 0, 100), (2, 0, 100), (1, 1, 100), (1, 2, 100)];
    assert!(fill(&mut pool, &given).iter().all(Result::is_ok));
    pool.remove(&transaction(1, 1, 100).hash);
    let left: Vec<_> = pool.pending.values().map(|p| p.transaction.nonce).collect();
    assert_eq!(left, [0, 0]);
    pool.remove(&transaction(1, 0, 100).hash);
    pool.remove(&transaction(2, 0, 100).hash);
    assert!(pool.is_empty() && pool.by_sender.is_empty() && pool.by_hash.is_empty());
    assert_eq!(pool.usage, [Usage::default(); SOURCES]);
}

#[test]
fn forwards_again_only_what_was_submitted_here_a_while_ago() {
    let mut pool = pool(16, 100, 20_000);
    let submitted = |at_ms| Origin::Submitted { at_ms };
    let origins = [submitted(5), Origin::Peer(2), submitted(20), submitted(7)];
    for (sender, origin) in (1..).zip(origins) {
        pool.insert(transaction(sender, 0, 100), origin, strict)
            .unwrap();
    }
    let raw = |sender| transaction(sender, 0, 100).raw;
    assert_eq!(pool.to_forward(Some(10), 1_000), [raw(1), raw(4)]);
    assert_eq!(
        pool.to_forward(None, 1_000),
        [raw(1), raw(2), raw(3), raw(4)]
    );
    assert_eq!(pool.to_forward(None, 250), [raw(1), raw(2)]);
}

#[test]
fn remembers_a_bounded_number_of_hashes() {
    let mut pool = Mempool::default();
    let hash = |n: usize| B256::from(alloy_primitives::U256::from(n));
    let included = (0..RECENT + 10).map(|n| (hash(n), Address::ZERO));
    pool.prune(included, |_| 0);
    assert_eq!((pool.recent.len(), pool.recent_set.len()), (RECENT, RECENT));
    assert!(!pool.knows(&hash(9)) && pool.knows(&hash(10)));
}

#[test]
fn no_source_fills_the_pool_or_the_blocks() {
    let mut pool = pool(16, 160, 1_000_000);
    let flood = Origin::Peer(3);
    let mut taken = 0;
    for sender in 0..=99 {
        let of_sender = (0..16).map(|nonce| {
            let mut transaction = transaction(sender, nonce, 200);
            transaction.gas_limit = BLOCK_FUEL / 2;
            pool.insert(transaction, flood, strict).is_ok()
        });
        taken += of_sender.filter(|taken| *taken).count();
    }
    // Half of the pool, and its own part, which is an eighth.
    assert_eq!(taken, 100);
    for (sender, origin) in (200..).zip([HERE, Origin::Peer(0), Origin::Peer(1)]) {
        for nonce in 0..16 {
            pool.insert(transaction(sender, nonce, 200), origin, strict)
                .unwrap();
        }
    }
    let room = Room {
        transactions: 1_000,
        bytes: 1_000_000,
        fuel: BLOCK_FUEL,
    };
    let selected = pool.select(room);
    let of = |sender| selected.iter().filter(|raw| raw[8] == sender).count();
    assert_eq!([of(200), of(201), of(202)], [16; 3]);
    assert_eq!(selected.len(), 3 * 16 + 1);
}

#[test]
fn nonces_stay_in_order_whatever_their_sources() {
    let mut pool = pool(16, 100, 20_000);
    let origins = [
        Origin::Peer(1),
        HERE,
        Origin::Peer(2),
        HERE,
        Origin::Peer(1),
    ];
    for (nonce, origin) in (0..).zip(origins) {
        pool.insert(transaction(1, nonce, 100), origin, strict)
            .unwrap();
    }
    let room = Room {
        transactions: 100,
        bytes: 20_000,
        fuel: 100_000,
    };
    let expected: Vec<_> = (0..5).map(|nonce| transaction(1, nonce, 100).raw).collect();
    assert_eq!(pool.select(room), expected);
}

#[test]
fn cheap_calls_do_not_wait_behind_dear_ones() {
    let mut pool = pool(16, 1_000, 1_000_000);
    let mut insert = |sender, nonce, gas_limit| {
        let mut transaction = transaction(sender, nonce, 200);
        transaction.gas_limit = gas_limit;
        pool.insert(transaction, HERE, strict).unwrap();
    };
    for sender in 0..50 {
        // Not even by a cheap call in front of a dear one, or behind it.
        let dear = BLOCK_FUEL / 2 - 10_000_000;
        insert(sender, 0, if sender % 2 == 0 { 30_000 } else { dear });
        insert(sender, 1, if sender % 2 == 0 { dear } else { 30_000 });
    }
    (100..150).for_each(|sender| insert(sender, 0, 500_000));
    let room = Room {
        transactions: 1_000,
        bytes: 1_000_000,
        fuel: BLOCK_FUEL,
    };
    let selected = pool.select(room);
    let cheap = selected.iter().filter(|raw| raw[8] >= 100).count();
    assert_eq!(cheap, 50);
    assert!(selected.len() > 51, "{}", selected.len());
}
