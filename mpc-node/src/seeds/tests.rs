use std::error::Error;

use alloy_primitives::Address;
use rand::SeedableRng as _;
use wire::{
    committee::{Committee, L1},
    kind::{Field, InputType, Kind},
    seal_keys::SealKeys,
    sealed::{Binding, Seed, seal},
};

use super::*;
use crate::{keys::NodeKeys, network::tests::Cluster};

fn pending() -> Result<(PendingInput, Vec<NodeKeys>), Box<dyn Error>> {
    let keys = [(); 4].map(|()| NodeKeys::generate());
    let keys: Vec<NodeKeys> = keys.into_iter().collect::<Result<_, _>>()?;
    let nodes: Result<Vec<_>, _> = keys.iter().map(|keys| keys.public("x")).collect();
    let committee = Committee {
        chain_id: 7,
        epoch: 1,
        genesis_ms: 0,
        dev: true,
        reserve_lots: wire::limits::RESERVE_LOTS,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::ZERO,
        },
        nodes: nodes?.try_into().map_err(|_| "four")?,
    };
    let input_type = InputType {
        name: "Ballot".into(),
        fields: vec![Field {
            name: "choice".into(),
            kind: Kind::U8,
            len: 1,
        }],
    };
    let binding = Binding {
        chain_id: 7,
        epoch: 1,
        key_epoch: 0,
        contract: Address::ZERO,
        code_hash: B256::ZERO,
        sender: Address::ZERO,
        nonce: 0,
        input: 0,
        length: 1,
    };
    let seeds = [1, 2, 3, 4].map(|byte| Seed::new([byte; 32]));
    let mut random = rand::rngs::StdRng::seed_from_u64(1);
    let sealed = seal(
        &SealKeys::first(&committee),
        &binding,
        &input_type,
        &[2],
        &seeds,
        &mut random,
    )?;
    let pending = PendingInput {
        binding,
        sealed: Arc::new(sealed),
        input_type: Arc::new(input_type),
        row: None,
    };
    Ok((pending, keys))
}

fn shared(components: &[(u8, u8)]) -> SharedSeeds {
    SharedSeeds {
        input: B256::ZERO,
        seeds: components
            .iter()
            .map(|(c, byte)| (*c, [*byte; 32]))
            .collect(),
    }
}

#[test]
fn nobody_is_sent_the_component_that_is_not_for_them() {
    let held = [
        Some(Seed::new([1; 32])),
        None,
        Some(Seed::new([3; 32])),
        Some(Seed::new([4; 32])),
    ];
    for asker in [0u8, 2, 3] {
        let answer = entitled(asker, B256::ZERO, Some(&held));
        let components: Vec<u8> = answer.seeds.iter().map(|(c, _)| *c).collect();
        assert_eq!(components.len(), 2);
        assert!(!components.contains(&asker) && !components.contains(&1));
        assert!(answer.seeds.iter().all(|(c, seed)| *seed == [c + 1; 32]));
    }
    assert!(entitled(0, B256::ZERO, None).seeds.is_empty());
}

#[tokio::test]
async fn two_honest_peers_make_up_for_a_bad_seal() -> Result<(), Box<dyn Error>> {
    let (pending, keys) = pending()?;
    let mut wants = Wants::default();
    wants.add(B256::ZERO, pending.clone(), 1, Instant::now());
    // What parties 0 and 2 hold, as they would answer party 1.
    for (from, complete) in [(0, false), (2, true)] {
        let held = keys[usize::from(from)].seal()?.ok_or("a key")?.open(
            from,
            &pending.binding,
            &pending.sealed,
        )?;
        let answer = entitled(1, B256::ZERO, Some(&held));
        let weighed = wants.weigh(from, &answer);
        match weighed {
            Weighed::Complete(0, seeds) => {
                assert!(complete);
                assert!(seeds[1].is_none());
                assert_eq!(seeds[3].as_ref().map(Seed::expose), Some(&[4; 32]));
            }
            Weighed::Nothing => assert!(!complete),
            Weighed::Complete(..) | Weighed::Lie => {
                return Err("an honest answer was refused".into());
            }
        }
    }
    assert!(
        matches!(wants.weigh(0, &shared(&[(0, 1)])), Weighed::Nothing),
        "wanted no more"
    );
    Ok(())
}

/// An input may be rejected while its seal waits to be opened; nobody is asked for its seeds then.
#[tokio::test]
async fn a_rejected_input_is_not_asked_for() -> Result<(), Box<dyn Error>> {
    let (pending, _) = pending()?;
    let folder = tempfile::tempdir()?;
    let epochs = EpochKeys::open(&folder.path().join("epochs"), &[1; 32], None)?;
    let (derived, _) = Derived::open(&folder.path().join("derived"), &epochs)?;
    let node = Cluster::new()?.start(0).await?;
    let (verdicts, _verdicts) = mpsc::channel(8);
    let mut keeper = Keeper {
        me: 0,
        // Without the key to which it was sealed.
        epochs,
        derived,
        network: node.network.clone(),
        metrics: Arc::new(Metrics::new()),
        verdicts,
        sealed: VecDeque::new(),
        opening: HashSet::new(),
        wants: Wants::default(),
        sessions: Vec::new(),
        settling: Vec::new(),
        jobs: JoinSet::new(),
    };
    for (forgotten, due) in [(false, 1), (true, 0)] {
        let input = B256::repeat_byte(u8::from(forgotten));
        let pending = pending.clone();
        keeper.take(Order::Open { input, pending }).await;
        keeper.start_jobs();
        if forgotten {
            keeper.take(Order::Forget { input }).await;
        }
        let opened = keeper.jobs.join_next().await.ok_or("no job")??;
        keeper.opened(opened).await;
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(keeper.wants.due(later).len(), due);
        keeper.wants = Wants::default();
    }
    Ok(())
}

#[tokio::test]
async fn a_peer_that_floods_keeps_nobody_out() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let epochs = EpochKeys::open(&folder.path().join("epochs"), &[1; 32], None)?;
    let (derived, _) = Derived::open(&folder.path().join("derived"), &epochs)?;
    let node = Cluster::new()?.start(0).await?;
    let (verdicts, _verdicts) = mpsc::channel(8);
    let metrics = Arc::new(Metrics::new());
    // On this one thread it does not run before the test waits.
    let (keeper, task) =
        SeedKeeper::start(0, epochs, derived, node.network.clone(), metrics, verdicts);
    let question = |from| Order::Asked {
        from,
        inputs: Vec::new(),
    };
    let taken = (0..100).take_while(|_| keeper.peer_said(1, question(1)));
    assert_eq!(taken.count(), QUESTIONS);
    assert!(keeper.peer_said(2, question(2)));
    while !keeper.peer_said(1, question(1)) {
        tokio::task::yield_now().await;
    }
    task.abort();
    Ok(())
}

#[tokio::test]
async fn wrong_seeds_are_never_kept() -> Result<(), Box<dyn Error>> {
    let (pending, _) = pending()?;
    let mut wants = Wants::default();
    wants.add(B256::ZERO, pending, 1, Instant::now());
    for lie in [&[(0, 9)][..], &[(2, 1)], &[(1, 2)], &[(7, 1)]] {
        assert!(
            matches!(wants.weigh(3, &shared(lie)), Weighed::Lie),
            "{lie:?}"
        );
    }
    assert!(matches!(
        wants.weigh(3, &shared(&[(0, 1), (2, 3)])),
        Weighed::Nothing
    ));
    assert!(matches!(
        wants.weigh(0, &shared(&[(3, 4)])),
        Weighed::Complete(0, _)
    ));
    Ok(())
}

#[tokio::test]
async fn seeds_are_missing_only_after_repeated_refusals_or_long_silence()
-> Result<(), Box<dyn Error>> {
    let (pending, _) = pending()?;
    let mut wants = Wants::default();
    let start = Instant::now();
    wants.add(B256::ZERO, pending.clone(), 1, start);
    let mut now = start;
    let mut rounds = 0;
    let missing = loop {
        if !wants.due(now).is_empty() {
            rounds += 1;
            wants.weigh(0, &shared(&[]));
            assert!(
                wants.overdue(&[0, 2], now).is_empty(),
                "peer 2 has not answered"
            );
            wants.weigh(2, &shared(&[]));
        }
        let missing = wants.overdue(&[0, 2], now);
        if !missing.is_empty() {
            break missing;
        }
        now += TICK;
        assert!(now < start + Duration::from_secs(60), "never missing");
    };
    assert_eq!((missing, rounds), (vec![B256::ZERO], 3));
    assert!(wants.overdue(&[0, 2], now).is_empty(), "reported once");
    assert!(
        !wants.due(now + Duration::from_secs(60)).is_empty(),
        "asked for on"
    );

    let mut silent = Wants::default();
    silent.add(B256::ZERO, pending, 1, start);
    assert!(
        silent
            .overdue(&[0], start + Duration::from_secs(7))
            .is_empty()
    );
    assert_eq!(silent.overdue(&[], start + Duration::from_secs(9)).len(), 1);
    Ok(())
}
