use super::*;

fn input() -> Input {
    Input {
        contract: Address::ZERO,
        owner: Address::ZERO,
        binding: Binding {
            chain_id: 1,
            key_epoch: 0,
            epoch: 1,
            contract: Address::ZERO,
            code_hash: B256::ZERO,
            sender: Address::ZERO,
            nonce: 0,
            input: 0,
            length: 1,
        },
        sequence: 0,
        ordered_in: 1,
        ordered_ms: 0,
        decided_in: None,
        fuel: 0,
        data: Bytes::new(),
        group: 0,
        tag: 0,
        sealed: None,
        row: None,
        votes: [None; NODES],
        status: Status::Ordered,
    }
}

#[test]
fn thresholds_are_three_and_two() {
    use Verdict::{Held, Missing as Rejected};
    use Vote::{Hold, Missing};
    // Votes in order, and the place and kind of the verdict.
    type Case = (&'static str, &'static [(u8, Vote)], Option<Verdict>);
    let cases: &[Case] = &[
        ("two hold", &[(0, Hold), (1, Hold)], None),
        ("three hold", &[(0, Hold), (1, Hold), (3, Hold)], Some(Held)),
        ("one holds thrice", &[(0, Hold), (0, Hold), (0, Hold)], None),
        ("one misses", &[(0, Missing)], None),
        ("one misses twice", &[(0, Missing), (0, Missing)], None),
        ("two miss", &[(0, Missing), (3, Missing)], Some(Rejected)),
        (
            "to hold and not back",
            &[(0, Missing), (0, Hold), (0, Missing), (1, Missing)],
            None,
        ),
        (
            "late hold",
            &[(0, Missing), (1, Hold), (2, Hold), (0, Hold)],
            Some(Held),
        ),
        (
            "two hold, two miss",
            &[(0, Hold), (1, Hold), (2, Missing), (3, Missing)],
            Some(Rejected),
        ),
        ("nobody", &[(4, Hold), (200, Missing)], None),
    ];
    for (name, votes, expected) in cases {
        let mut input = input();
        let verdicts: Vec<_> = votes
            .iter()
            .map(|(node, vote)| input.vote(*node, *vote))
            .collect();
        let (last, earlier) = verdicts.split_last().unwrap();
        assert!(earlier.iter().all(Option::is_none), "{name}");
        assert_eq!(last, expected, "{name}");
    }
}
