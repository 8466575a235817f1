use std::{error::Error, path::Path};

use mpc_engine::component_hash;
use prometheus_client::metrics::counter::Counter;

use super::*;
use crate::network::tests::{Cluster, PATIENCE};

type TestResult = Result<(), Box<dyn Error>>;

const PIECE: Piece = Piece {
    lot: 3,
    component: 2,
};

/// Bytes of more than two parts.
fn component() -> Vec<u8> {
    (0..2 * LOT_PART_BYTES + 77)
        .map(|at| (at * 3 + at / 255) as u8)
        .collect()
}

fn wanted(bytes: &[u8]) -> Wanted {
    Wanted {
        piece: PIECE,
        hash: component_hash(bytes).into(),
        length: bytes.len() as u64,
    }
}

fn part(offset: u64, bytes: &[u8]) -> LotPart {
    LotPart {
        lot: PIECE.lot,
        component: PIECE.component,
        offset,
        bytes: bytes.to_vec(),
    }
}

fn now() -> Instant {
    Instant::now()
}

/// What an honest peer answers.
fn answer(all: &[u8], offset: u64) -> LotPart {
    let start = usize::try_from(offset).unwrap_or_default();
    let end = (start + LOT_PART_BYTES).min(all.len());
    part(offset, &all[start..end])
}

#[test]
fn nobody_is_sent_the_component_that_is_not_for_them() {
    for me in 0..4 {
        for asker in (0..4).filter(|asker| *asker != me) {
            let components = (0..6).filter(|component| may_have(me, asker, *component));
            let expected = (0..4).filter(|component| *component != me && *component != asker);
            assert!(components.eq(expected), "{asker} of {me}");
        }
        assert!(!(0..4).any(|component| may_have(me, me, component)));
    }
}

#[test]
fn parts_are_put_together_in_order() -> TestResult {
    let all = component();
    let now = Instant::now();
    let mut fetches = Fetches::new(1, 0);
    fetches.add(wanted(&all), now);
    let mut parts = 0;
    loop {
        // Node 2 lacks component 2, and node 1 asks.
        let (peer, piece, offset) = fetches.next(&[0, 2, 3], [], now).ok_or("a question")?;
        assert_eq!((peer, piece), (0, PIECE));
        assert!(fetches.next(&[0, 2, 3], [], now).is_none(), "one at a time");
        for late in [part(offset + 1, b"x"), part(offset, b"x")] {
            assert!(matches!(fetches.weigh(3, &late, now), Weighed::Nothing));
        }
        parts += 1;
        match fetches.weigh(0, &answer(&all, offset), now) {
            Weighed::Complete(want, bytes) => {
                assert_eq!((want, &bytes[..]), (wanted(&all), &all[..]));
                break;
            }
            Weighed::Nothing => {}
            Weighed::Lie => return Err("an honest answer was refused".into()),
        }
    }
    assert_eq!(parts, 3);
    assert!(fetches.next(&[0, 3], [], now).is_none(), "wanted no more");
    Ok(())
}

#[test]
fn whoever_lies_lacks_it_or_is_silent_is_not_asked_again_before_the_others() -> TestResult {
    let all = component();
    let mut wrong = all.clone();
    wrong[5] ^= 1;
    let lie: fn(&mut Fetches, &[u8]) -> Weighed = |fetches, bytes| {
        for offset in [0, LOT_PART_BYTES as u64, 2 * LOT_PART_BYTES as u64] {
            let weighed = fetches.weigh(0, &answer(bytes, offset), now());
            if !matches!(weighed, Weighed::Nothing) {
                return weighed;
            }
            fetches.next(&[0, 3], [], Instant::now());
        }
        Weighed::Nothing
    };
    let cut: fn(&mut Fetches, &[u8]) -> Weighed =
        |fetches, bytes| fetches.weigh(0, &part(0, &bytes[..100]), now());
    let lacks: fn(&mut Fetches, &[u8]) -> Weighed =
        |fetches, _| fetches.weigh(0, &part(0, b""), now());
    for (how, is_lie) in [(lie, true), (cut, true), (lacks, false)] {
        let now = Instant::now();
        let mut fetches = Fetches::new(1, 0);
        fetches.add(wanted(&all), now);
        assert_eq!(fetches.next(&[0, 3], [], now), Some((0, PIECE, 0)));
        let weighed = how(&mut fetches, &wrong);
        assert_eq!(matches!(weighed, Weighed::Lie), is_lie);
        assert_eq!(fetches.next(&[0, 3], [], now), Some((3, PIECE, 0)));
        // Silence: after a while nobody is left, and all begins again later.
        let later = now + Duration::from_secs(4);
        assert_eq!(fetches.next(&[0, 3], [], later), None);
        assert_eq!(fetches.next(&[0, 3], [], later), None);
        let again = later + Duration::from_secs(1);
        // Who has not got it did nothing wrong; otherwise a slow one is better than a liar.
        let best = if is_lie { 3 } else { 0 };
        assert_eq!(fetches.next(&[0, 3], [], again), Some((best, PIECE, 0)));
    }
    Ok(())
}

#[test]
fn a_component_that_nobody_has_does_not_keep_others_waiting() {
    let all = component();
    let now = Instant::now();
    let mut fetches = Fetches::new(1, 0);
    fetches.add(wanted(&all), now);
    let mut other = wanted(&all);
    other.piece = Piece {
        lot: 9,
        component: 0,
    };
    fetches.add(other, now);
    assert_eq!(fetches.next(&[0], [], now), Some((0, PIECE, 0)));
    assert!(matches!(
        fetches.weigh(0, &part(0, b""), now),
        Weighed::Nothing
    ));
    assert_eq!(fetches.next(&[0], [], now), None);
    // Node 0 lacks component 0; node 2 holds it.
    assert_eq!(fetches.next(&[0, 2], [], now), Some((2, other.piece, 0)));
    fetches.retain(&BTreeSet::from([3]));
    assert_eq!(fetches.next(&[0, 2], [], now), None);
}

/// The component of another lot.
fn numbered(lot: u64, bytes: &[u8]) -> Wanted {
    let piece = Piece { lot, ..PIECE };
    Wanted {
        piece,
        ..wanted(bytes)
    }
}

/// Gets all components of some lots from nodes 0 and 3, of which node 0 is slow and, if it lies,
/// sends garbage. How long it takes.
fn fetch_all(lies: bool, takes: Duration) -> Result<Duration, Box<dyn Error>> {
    let all = component();
    let mut wrong = all.clone();
    wrong[7] ^= 1;
    let start = now();
    let mut time = start;
    let mut fetches = Fetches::new(1, 0);
    for lot in 0..24 {
        fetches.add(numbered(lot, &all), start);
    }
    let mut got = 0;
    while got < 24 {
        let Some((peer, piece, offset)) = fetches.next(&[0, 3], [], time) else {
            time += TICK;
            continue;
        };
        let bytes = if lies && peer == 0 { &wrong } else { &all };
        let mut part = answer(bytes, offset);
        part.lot = piece.lot;
        if peer == 0 && takes > Duration::from_secs(1) {
            // Its answer comes when it is not waited for any more.
            continue;
        }
        time += if peer == 0 { takes } else { TICK };
        if let Weighed::Complete(want, bytes) = fetches.weigh(peer, &part, time) {
            assert_eq!((want.piece, &bytes[..]), (piece, &all[..]));
            got += 1;
        }
    }
    Ok(time - start)
}

#[test]
fn one_corrupt_peer_costs_little_time() -> TestResult {
    // All from the honest one takes 24 * 3 ticks.
    let most = Duration::from_secs(25);
    for takes in [100, 900, 2_900] {
        for lies in [true, false] {
            let time = fetch_all(lies, Duration::from_millis(takes))?;
            assert!(
                time < most,
                "{time:?} with answers in {takes} ms, lies: {lies}"
            );
        }
    }
    Ok(())
}

#[test]
fn what_somebody_waits_for_comes_first() {
    let (all, now) = (component(), now());
    let mut fetches = Fetches::new(1, 3);
    for lot in [1, 2, 5] {
        fetches.add(numbered(lot, &all), now);
    }
    let urgent = [8, 5, 2].map(|lot| Piece { lot, ..PIECE });
    let expected = Some((3, urgent[1], 0));
    assert_eq!(fetches.next(&[0, 3], &urgent, now), expected);
}

#[test]
fn lots_that_came_after_the_order_stay() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = store(folder.path())?;
    for lot in [1, 4, 6, 7] {
        let piece = Piece { lot, component: 0 };
        store.write(piece, 0, B256::ZERO, b"bytes")?;
    }
    forget_others(&store, &BTreeSet::from([4]), 6)?;
    assert_eq!(store.lots()?, BTreeSet::from([4, 7]));
    Ok(())
}

fn store(folder: &Path) -> Result<LotStore, crate::NodeError> {
    LotStore::open(folder, &[7; 32], Counter::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_component_comes_back_from_a_peer() -> TestResult {
    let folder = tempfile::tempdir()?;
    let all = component();
    let cluster = Cluster::new()?;
    let mut keepers = Vec::new();
    let mut nodes = Vec::new();
    for me in [0u8, 1] {
        let node = cluster.start(usize::from(me)).await?;
        let store = store(&folder.path().join(me.to_string()))?;
        let (network, metrics) = (node.network.clone(), Arc::new(Metrics::new()));
        let (keeper, _) = LotKeeper::start(me, store, network, metrics);
        keepers.push(keeper);
        nodes.push(node);
    }
    let want = wanted(&all);
    keepers[0].store().write(PIECE, 0, want.hash, &all)?;
    nodes[0].wait_up(1).await?;
    nodes[1].wait_up(0).await?;
    for (node, keeper) in nodes.into_iter().zip(keepers.clone()) {
        node.serve_lots(keeper);
    }
    tokio::time::timeout(PATIENCE, keepers[1].hold(vec![want])).await?;
    let read = keepers[1].store().read(PIECE, want.hash, 0..want.length);
    assert_eq!(read.ok_or("it is here")?[..], all[..]);
    // What is here need not be asked for.
    tokio::time::timeout(PATIENCE, keepers[1].hold(vec![want])).await?;
    Ok(())
}
