use wire::WireError;

use super::*;
use crate::fixtures::{committee, decided, sign_vote, vote};

const HASH: B256 = B256::repeat_byte(0xab);

#[test]
fn proofs_of_decisions() {
    struct Case {
        desc: &'static str,
        alter: fn(&mut DecidedBlock),
        expected: Result<(), CertificateError>,
    }
    let bad = || {
        Err(CertificateError::Signature(WireError::BadSignature {
            what: "vote",
        }))
    };
    let cases = [
        Case {
            desc: "three nodes",
            alter: |_| {},
            expected: Ok(()),
        },
        Case {
            desc: "four nodes",
            alter: |d| *d = decided(d.block.clone(), 5, &[3, 0, 1, 2]),
            expected: Ok(()),
        },
        Case {
            desc: "two nodes",
            alter: |d| d.certificate.signatures.truncate(2),
            expected: Err(CertificateError::TooFew(2)),
        },
        Case {
            desc: "one node three times",
            alter: |d| d.certificate.signatures = vec![d.certificate.signatures[0]; 3],
            expected: Err(CertificateError::Party(0)),
        },
        Case {
            desc: "a party that is none",
            alter: |d| d.certificate.signatures[2].0 = 4,
            expected: Err(CertificateError::Party(4)),
        },
        Case {
            desc: "one node's signature under another's name",
            alter: |d| d.certificate.signatures[2].0 = 3,
            expected: bad(),
        },
        Case {
            desc: "another height",
            alter: |d| d.certificate.height += 1,
            expected: bad(),
        },
        Case {
            desc: "another round",
            alter: |d| d.certificate.round += 1,
            expected: bad(),
        },
        Case {
            desc: "a prevote among the precommits",
            alter: |d| {
                let mut prevote = vote(1, 5, 0, Some(d.certificate.block)).message;
                prevote.kind = VoteKind::Prevote;
                d.certificate.signatures[1].1 = sign_vote(prevote).signature;
            },
            expected: bad(),
        },
        Case {
            desc: "another block",
            alter: |d| d.block = vec![1, 2].into(),
            expected: Err(CertificateError::OtherBlock {
                expected: keccak256([1]),
                actual: keccak256([1, 2]),
            }),
        },
    ];
    for Case {
        desc,
        alter,
        expected,
    } in cases
    {
        let mut decided = decided(vec![1].into(), 5, &[0, 1, 2]);
        alter(&mut decided);
        let checker = Checker::new(&committee());
        assert_eq!(verify_decided(&checker, &decided), expected, "{desc}");
        assert_eq!(
            verify_decided(&checker, &decided),
            expected,
            "{desc}, asked again"
        );
    }
}

#[test]
fn a_signature_of_another_chain_or_epoch_is_none() {
    let decided = decided(vec![1].into(), 5, &[0, 1, 2]);
    let mut other = committee();
    other.chain_id += 1;
    assert!(verify_decided(&Checker::new(&other), &decided).is_err());
    let mut other = committee();
    other.epoch += 1;
    assert!(verify_decided(&Checker::new(&other), &decided).is_err());
}

#[test]
fn certificates_of_votes_that_do_not_belong_together() {
    struct Case {
        desc: &'static str,
        input: Vec<Signed<Vote>>,
        polka: bool,
        expected: bool,
    }
    let precommit = |voter, round, block| vote(voter, 5, round, block);
    let prevote = |voter, block| {
        let mut message = vote(voter, 5, 0, block).message;
        message.kind = VoteKind::Prevote;
        sign_vote(message)
    };
    let cases = [
        Case {
            desc: "no votes",
            input: vec![],
            polka: true,
            expected: false,
        },
        Case {
            desc: "prevotes for one block",
            input: (0..3).map(|voter| prevote(voter, Some(HASH))).collect(),
            polka: true,
            expected: true,
        },
        Case {
            desc: "prevotes for nil show no lock",
            input: (0..3).map(|voter| prevote(voter, None)).collect(),
            polka: true,
            expected: false,
        },
        Case {
            desc: "precommits show no lock",
            input: (0..3)
                .map(|voter| precommit(voter, 0, Some(HASH)))
                .collect(),
            polka: true,
            expected: false,
        },
        Case {
            desc: "precommits for different things leave a round",
            input: vec![
                precommit(0, 0, None),
                precommit(1, 0, Some(HASH)),
                precommit(2, 0, None),
            ],
            polka: false,
            expected: true,
        },
        Case {
            desc: "votes of two rounds",
            input: vec![
                precommit(0, 0, None),
                precommit(1, 1, None),
                precommit(2, 0, None),
            ],
            polka: false,
            expected: false,
        },
        Case {
            desc: "more votes than nodes",
            input: vec![precommit(0, 0, None); 5],
            polka: false,
            expected: false,
        },
    ];
    for Case {
        desc,
        input,
        polka,
        expected,
    } in cases
    {
        let kind = if polka {
            RoundCertificateKind::Polka
        } else {
            RoundCertificateKind::Precommits
        };
        let certificate = RoundCertificate { votes: input, kind };
        let core = certificate_from_wire(&certificate);
        assert_eq!(core.is_some(), expected, "{desc}");
        let back = core.map(|core| match core {
            CoreCertificate::Polka(polka) => polka_to_wire(&polka),
            CoreCertificate::Round(round) => round_to_wire(&round),
        });
        assert_eq!(
            back,
            expected.then_some(certificate),
            "{desc}: there and back"
        );
    }
}
