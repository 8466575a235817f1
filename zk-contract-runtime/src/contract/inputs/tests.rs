use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::*;

/// What happened to an input, written down as it happened.
#[derive(Clone, Copy)]
struct Known {
    input: Accepted,
    replaces: bool,
    /// From which computation on it was deleted.
    deleted: Option<u64>,
}

/// Whether an input counts for a computation, from first principles.
fn counts(known: &[Known], one: &Known, view: View) -> bool {
    let of = |i: &Accepted| (i.number, i.group, i.owner);
    let sequence = one.input.sequence;
    let replaced = known.iter().any(|other| {
        other.replaces
            && of(&other.input) == of(&one.input)
            && (sequence + 1..view.cutoff).contains(&other.input.sequence)
    });
    let deleted = one.deleted.is_some_and(|from| view.index >= from);
    sequence < view.cutoff && !replaced && !deleted
}

#[test]
fn a_computation_reads_what_counted_when_it_was_started() {
    let seed = crate::tests::seed();
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..100 {
        let mut inputs = Inputs::default();
        let mut known = Vec::new();
        // Computations that wait, of which forgetting must take nothing.
        let mut waiting: Vec<View> = Vec::new();
        let mut next = 0;
        for sequence in 0..60 {
            let input = Accepted {
                sequence,
                id: B256::from(alloy_primitives::U256::from(sequence)),
                number: random.random_range(0..2),
                group: random.random_range(0..3),
                owner: Address::repeat_byte(random.random_range(0..4)),
            };
            let replaces = random.random_bool(0.5);
            inputs.accept(input);
            if replaces {
                inputs.replace(&input);
            }
            known.push(Known {
                input,
                replaces,
                deleted: None,
            });
            let now = |index| View {
                index,
                cutoff: sequence + 1,
            };
            if random.random_bool(0.2) {
                waiting.push(now(next));
                next += 1;
            }
            if random.random_bool(0.2) {
                let one = random.random_range(0..=sequence);
                let here = counts(&known, &known[one as usize], now(next));
                assert_eq!(
                    inputs.named(&Deletion::Inputs(vec![one])).len(),
                    usize::from(here)
                );
                assert_eq!(inputs.delete(one, next).is_some(), here);
                if here {
                    known[one as usize].deleted = Some(next);
                }
            }
            if random.random_bool(0.1) {
                let used = BTreeSet::new();
                inputs.forget(&waiting, &used);
            }
            for view in waiting.iter().copied().chain([now(next)]) {
                let group = random.random_range(0..3);
                let types = if random.random() { vec![0, 1] } else { vec![1] };
                let expected = |group: Option<u64>| -> Vec<u64> {
                    let chosen = known.iter().filter(|one| {
                        types.contains(&one.input.number)
                            && group.is_none_or(|g| g == one.input.group)
                            && counts(&known, one, view)
                    });
                    chosen.map(|one| one.input.sequence).collect()
                };
                let selected = |selection: Selection| -> Vec<u64> {
                    let selected = inputs.select(&selection, &types, view);
                    selected.iter().map(|i| i.sequence).collect()
                };
                assert_eq!(selected(Selection::All), expected(None));
                assert_eq!(selected(Selection::Group(group)), expected(Some(group)));
            }
            if random.random_bool(0.1) {
                waiting.clear();
            }
        }
    }
}

#[test]
fn what_nobody_reads_is_forgotten() {
    let input = |sequence| Accepted {
        sequence,
        id: B256::repeat_byte(sequence as u8),
        number: 0,
        group: 0,
        owner: Address::ZERO,
    };
    let mut inputs = Inputs::default();
    inputs.accept(input(3));
    inputs.accept(input(5));
    assert_eq!(inputs.replace(&input(5)), [B256::repeat_byte(3)]);
    assert!(!inputs.has(3, &[0]) && inputs.has(5, &[0]) && !inputs.has(5, &[1]));
    let (none, used) = (BTreeSet::new(), inputs.leaving());
    assert_eq!(used, BTreeSet::from([B256::repeat_byte(3)]));
    // One that waits with a cutoff up to the replacement reads the earlier one.
    let view = |cutoff| View { index: 0, cutoff };
    assert!(inputs.forget(&[view(5)], &none).is_empty());
    assert!(inputs.forget(&[view(6)], &used).is_empty());
    let gone = inputs.forget(&[view(6), view(3)], &none);
    assert_eq!(gone, [B256::repeat_byte(3)]);
    assert!(inputs.forget(&[], &none).is_empty() && inputs.leaving().is_empty());
    assert!(inputs.has(5, &[0]));
    // One that was deleted is read by computations before.
    assert_eq!(inputs.delete(5, 1), Some(B256::repeat_byte(5)));
    assert_eq!(inputs.delete(5, 1), None);
    assert!(!inputs.has(5, &[0]));
    assert!(inputs.forget(&[view(6)], &none).is_empty());
    assert_eq!(inputs.forget(&[], &none), [B256::repeat_byte(5)]);
    inputs.accept(input(7));
    assert!(inputs.replace(&input(7)).is_empty());
}
