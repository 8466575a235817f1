//! One corrupt node against everything that the rules can do: all nodes, all strategies.

use alloy_primitives::B256;

use super::*;

/// When things are proven, and before that, in another time.
const NOW_MS: u64 = 1_000;
const BEFORE_MS: u64 = 0;

/// How the corrupt node stops attempts in which it takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    /// By contradicting somebody.
    Lies,
    /// Also by accusing others, by being silent towards them, or by stopping for itself and saying
    /// that it is there again.
    Silence,
    /// Also by spoiling the lot that three make, which names nobody.
    Productions,
    /// As with silence, and so that an honest node seems silent to another honest node.
    Cascades,
}

const STRATEGIES: [Strategy; 4] = [
    Strategy::Lies,
    Strategy::Silence,
    Strategy::Productions,
    Strategy::Cascades,
];

fn contradiction(pair: Pair) -> Contradiction {
    Contradiction {
        job: B256::ZERO,
        attempt: 0,
        pair,
        block: 1,
        about: String::new(),
    }
}

/// All ways in which an attempt without `absent` can be stopped by `corrupt`.
fn stops(corrupt: u8, absent: Option<u8>, strategy: Strategy) -> Vec<Vec<Blame>> {
    let live: Vec<u8> = (0..4).filter(|node| absent != Some(*node)).collect();
    let mut stops = Vec::new();
    if strategy != Strategy::Lies {
        stops.push(vec![Blame::Away(corrupt)]);
    }
    for a in &live {
        for b in &live {
            let (accuser, accused) = (*a, *b);
            let touched = accuser == corrupt || accused == corrupt;
            if accuser == accused {
                continue;
            }
            if accuser == corrupt {
                let (pair, about) = (pair(accuser, accused), Lie::Computed);
                stops.push(vec![Blame::Proven { pair, about }]);
            }
            if strategy == Strategy::Cascades || (strategy != Strategy::Lies && touched) {
                stops.push(vec![Blame::Accused { accuser, accused }]);
            }
        }
    }
    if strategy == Strategy::Productions && absent.is_some() {
        stops.push(Vec::new());
    }
    stops
}

/// The most attempts that the corrupt node can stop, and how many of them after something was
/// proven, itself included.
fn worst(
    corrupt: u8,
    strategy: Strategy,
    standing: &Standing,
    history: &History,
    attempt: u32,
) -> (u32, u32) {
    assert!(attempt < 12, "it goes on for ever");
    // Nobody honest is convicted, but by what was proven in another time.
    let mut now = standing.clone();
    now.forget_outdated(PROOF_MS + 1);
    let suspects = now.suspects();
    assert!(suspects.is_empty() || suspects.contains(&corrupt));
    let out = standing.out_of(history);
    let absent = out.or_else(|| standing.next_of(history));
    if absent == Some(corrupt) {
        return (0, 0);
    }
    let mut most = (0, 0);
    for blames in stops(corrupt, absent, strategy) {
        let (mut standing, mut history) = (standing.clone(), history.clone());
        if let [Blame::Proven { pair, .. }] = &blames[..] {
            standing.contradict(contradiction(*pair), NOW_MS);
        }
        let proven = !standing.proven.is_empty();
        history.note(attempt, absent, &blames);
        let (stopped, after) = worst(corrupt, strategy, &standing, &history, attempt + 1);
        let after = if proven { after + 1 } else { after };
        most = (most.0.max(stopped + 1), most.1.max(after));
    }
    most
}

#[test]
fn one_corrupt_node_stops_few_attempts() {
    let worst = |strategy| {
        let of = |corrupt| {
            let (standing, history) = (Standing::default(), History::default());
            worst(corrupt, strategy, &standing, &history, 0)
        };
        let most = |a: (u32, u32), b: (u32, u32)| (a.0.max(b.0), a.1.max(b.1));
        (0..4).map(of).fold((0, 0), most)
    };
    // Two are stopped, so the third succeeds: that of the proven contradiction, and one more.
    assert_eq!(worst(Strategy::Lies), (2, 2));
    assert_eq!(worst(Strategy::Silence), (2, 2));
    // After a lot is spoiled, the other of the pair is left out.
    assert_eq!(worst(Strategy::Productions), (2, 2));
    // Each of the other three may be left out once before it is the corrupt one's turn.
    assert_eq!(worst(Strategy::Cascades), (4, 2));
}

/// What was proven in other jobs helps, even if only one pair is known.
#[test]
fn a_known_pair_is_remembered_in_later_jobs() {
    for corrupt in 0..4u8 {
        for other in (0..4).filter(|node| *node != corrupt) {
            let mut standing = Standing::default();
            standing.contradict(contradiction(pair(corrupt, other)), NOW_MS);
            assert_eq!(standing.convicted(), None);
            assert_eq!(History::default().next(&standing.suspects()), None);
            let (stopped, _) = worst(
                corrupt,
                Strategy::Silence,
                &standing,
                &History::default(),
                0,
            );
            assert!(stopped <= 2, "{corrupt}, {other}: {stopped}");
        }
    }
}

/// Whoever lied in another time, perhaps before it was repaired, does not shield who lies now.
#[test]
fn what_was_proven_in_another_time_makes_nobody_immune() {
    let mut most = 0;
    for corrupt in 0..4u8 {
        let others: Vec<u8> = (0..4).filter(|node| *node != corrupt).collect();
        let [a, b, c] = [others[0], others[1], others[2]];
        for pairs in [
            vec![[a, b]],
            vec![[a, c]],
            vec![[b, c]],
            vec![[a, b], [b, c]],
            vec![[a, b], [a, c]],
            vec![pair(corrupt, a), [a, b]],
            vec![pair(corrupt, a), pair(a, c), [a, b]],
        ] {
            let mut standing = Standing::default();
            for pair in &pairs {
                standing.contradict(contradiction(*pair), BEFORE_MS);
            }
            for strategy in STRATEGIES {
                let history = History::default();
                let (stopped, _) = worst(corrupt, strategy, &standing, &history, 0);
                most = most.max(stopped);
            }
        }
    }
    assert_eq!(most, 4);
}

#[test]
fn a_pair_counts_for_a_bounded_time_after_it_was_last_proven() {
    let mut standing = Standing::default();
    standing.contradict(contradiction([0, 1]), 5);
    standing.contradict(contradiction([0, 3]), 7);
    assert_eq!(standing.convicted(), Some(0));
    assert!(!standing.has_outdated(5 + PROOF_MS) && standing.has_outdated(6 + PROOF_MS));
    standing.forget_outdated(6 + PROOF_MS);
    assert_eq!(
        (standing.convicted(), standing.suspects()),
        (None, vec![0, 3])
    );
    standing.contradict(contradiction([0, 3]), 9);
    standing.forget_outdated(9 + PROOF_MS);
    assert_eq!(standing.suspects(), [0, 3]);
    standing.forget_outdated(10 + PROOF_MS);
    assert_eq!(standing.suspects(), Vec::<u8>::new());
    assert_eq!(standing.contradictions().len(), 3, "evidence stays");
    standing.contradict(contradiction([0, 3]), 11);
    standing.forget_proofs();
    assert_eq!(standing.suspects(), Vec::<u8>::new());
    assert_eq!(standing.contradictions().len(), 4, "likewise");
}

#[test]
fn the_convicted_node_is_left_out_of_first_attempts_and_before_one_that_is_away() {
    let mut standing = Standing::default();
    standing.contradict(contradiction([1, 2]), NOW_MS);
    standing.contradict(contradiction([1, 2]), NOW_MS);
    assert_eq!(
        (standing.convicted(), standing.out_of(&History::default())),
        (None, None)
    );
    assert!(standing.leave(0) && standing.leave(3) && !standing.leave(0));
    assert_eq!(
        (standing.away(), standing.out_of(&History::default())),
        (&[3, 0][..], Some(0))
    );
    standing.contradict(contradiction([0, 2]), NOW_MS);
    assert_eq!(
        (standing.convicted(), standing.out_of(&History::default())),
        (Some(2), Some(2))
    );
    assert!(standing.come(0) && !standing.come(0));
    assert_eq!(standing.away(), [3]);
}

/// With more than one corrupt node nothing is promised, but nobody is convicted wrongly either.
#[test]
fn pairs_without_a_common_member_convict_nobody() {
    let mut standing = Standing::default();
    standing.contradict(contradiction([0, 1]), NOW_MS);
    standing.contradict(contradiction([2, 3]), NOW_MS);
    assert_eq!((standing.suspects(), standing.convicted()), (vec![], None));
    let mut history = History::default();
    let (pair, about) = ([2, 3], Lie::Computed);
    history.note(0, None, &[Blame::Proven { pair, about }]);
    assert_eq!(history.next(&standing.suspects()), Some(2));
}

#[test]
fn contradictions_are_bounded_by_pair() {
    let mut standing = Standing::default();
    for _ in 0..2 * CONTRADICTIONS {
        standing.contradict(contradiction([0, 1]), NOW_MS);
    }
    standing.contradict(contradiction([0, 3]), NOW_MS);
    assert_eq!(standing.contradictions().len(), CONTRADICTIONS / PAIRS + 1);
    assert_eq!(standing.convicted(), Some(0));
}

/// Links that break again and again leave everybody out in turn, the accused first.
#[test]
fn without_proof_everybody_is_left_out_in_turn() {
    let mut history = History::default();
    let mut left_out = Vec::new();
    let mut absent = None;
    for attempt in 0..9 {
        let live: Vec<u8> = (0..4).filter(|node| absent != Some(*node)).collect();
        let (accuser, accused) = (live[0], live[1]);
        history.note(attempt, absent, &[Blame::Accused { accuser, accused }]);
        absent = history.next(&[]);
        left_out.extend(absent);
    }
    assert_eq!(left_out[0], 1);
    for four in left_out.chunks_exact(4) {
        let distinct: BTreeSet<_> = four.iter().collect();
        assert_eq!(distinct.len(), 4, "{left_out:?}");
    }
    assert!(history.pairs().len() <= PAIRS);
}

/// Who names itself is left out of the next attempt, even if it is there again, unless somebody else is
/// known to have lied.
#[test]
fn who_names_itself_is_left_out_next() {
    let mut history = History::default();
    history.note(0, None, &[Blame::Away(2)]);
    assert_eq!(history.next(&[]), Some(2));
    assert_eq!(history.next(&[1, 2]), Some(2));
    assert_eq!(history.next(&[0, 1]), Some(2), "no pair is named yet");
    let (pair, about) = ([0, 1], Lie::Computed);
    history.note(1, Some(2), &[Blame::Proven { pair, about }]);
    assert_eq!(history.next(&[0, 1]), Some(0));
    history.note(2, Some(0), &[Blame::Away(3)]);
    assert_eq!(history.next(&[0, 1]), Some(1));
}

/// What three made was spoiled: whoever of the last pair was there is next, then all others in turn.
#[test]
fn after_a_stop_that_names_nobody_the_next_is_left_out() {
    let mut history = History::default();
    history.note(0, None, &[]);
    assert_eq!(history.next(&[]), None);
    let (accuser, accused) = (3, 1);
    history.note(1, None, &[Blame::Accused { accuser, accused }]);
    let mut left_out = Vec::new();
    for attempt in 2..7 {
        let absent = history.next(&[]);
        history.note(attempt, absent, &[]);
        left_out.extend(absent);
    }
    assert_eq!(left_out, [1, 3, 0, 2, 1]);
}
