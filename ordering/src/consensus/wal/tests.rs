use wire::consensus::RoundCertificateKind;

use super::*;
use crate::fixtures::{proposal, sign_vote, vote};

const HASH: B256 = B256::repeat_byte(0xab);

/// One entry of each kind.
fn entries() -> Vec<Entry> {
    let prevote = |voter| {
        let mut message = vote(voter, 5, 0, Some(HASH)).message;
        message.kind = wire::consensus::VoteKind::Prevote;
        sign_vote(message)
    };
    vec![
        Entry::Block(vec![7; 3_000].into()),
        Entry::Value {
            round: 1,
            pol_round: Some(0),
            proposer: 2,
            block: HASH,
            valid: true,
        },
        Entry::Proposal {
            round: 0,
            pol_round: None,
            proposer: 1,
            block: HASH,
            signature: proposal(1, 5, 0, vec![1].into()).signature,
        },
        Entry::Vote(vote(3, 5, 2, None)),
        Entry::Polka(RoundCertificate {
            votes: (0..3).map(prevote).collect(),
            kind: RoundCertificateKind::Polka,
        }),
        Entry::Timeout {
            kind: WaitedFor::Proposal,
            round: 0,
        },
        Entry::Timeout {
            kind: WaitedFor::Prevotes,
            round: 1,
        },
        Entry::Timeout {
            kind: WaitedFor::Precommits,
            round: 2,
        },
    ]
}

#[test]
fn every_entry_comes_back_as_the_input_that_it_was() {
    for entry in entries() {
        let records = [encode(5, vec![entry.clone()])];
        assert_eq!(decode(&records, 5), std::slice::from_ref(&entry));
        let input = entry.to_input(Number(5));
        assert_eq!(
            input.is_none(),
            matches!(entry, Entry::Block(_)),
            "{entry:?}"
        );
        if let Some(input) = input {
            assert_eq!(Entry::from_input(&input), Some(entry));
        }
    }
}

#[test]
fn a_torn_or_damaged_record_is_skipped_and_no_other() {
    let all = entries();
    let good = |entries: &[Entry]| encode(5, entries.to_vec());
    let (first, damaged, last) = (good(&all[1..3]), good(&all[3..5]), good(&all[5..]));
    let expected = [&all[1..3], &all[5..]].concat();
    let check = |middle: Bytes| {
        let records = [first.clone(), middle, last.clone()];
        assert_eq!(decode(&records, 5), expected);
    };
    (0..damaged.len()).for_each(|length| check(damaged.slice(..length)));
    for at in 0..damaged.len() {
        let mut bytes = damaged.to_vec();
        bytes[at] ^= 1;
        check(bytes.into());
    }
}

#[test]
fn records_of_other_heights_do_not_count() {
    let all = entries();
    let records = [4, 5, 6].map(|height| encode(height, vec![all[height as usize].clone()]));
    assert_eq!(decode(&records, 5), [all[5].clone()]);
    assert_eq!(decode(&records, 7), []);
}
