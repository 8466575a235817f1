use alloy::sol_types::SolError as _;
use wire::{
    guest::Fault,
    rpc::{AttemptStage, ReserveAmounts},
};

use super::*;

fn computation(status: ComputationStatus) -> ComputationInfo {
    ComputationInfo {
        id: B256::repeat_byte(1),
        contract: Address::repeat_byte(2),
        index: 0,
        name: "tally".into(),
        started_in: 1,
        context: B256::ZERO,
        attested_in: None,
        input_count: None,
        program_hash: None,
        rounds: None,
        status,
    }
}

fn attested() -> ComputationInfo {
    computation(ComputationStatus::Attested {
        output: vec![1].into(),
    })
}

#[test]
fn a_signed_result_is_due_until_its_acceptance_is_believed() {
    assert_eq!(due(&attested(), None, None), Due::Now);
    assert_eq!(due(&attested(), None, Some(100)), Due::Now);
    assert_eq!(due(&attested(), Some(100), None), Due::Now);
    assert_eq!(
        due(&attested(), Some(100), Some(99)),
        Due::Now,
        "it may be undone"
    );
    assert_eq!(due(&attested(), Some(100), Some(100)), Due::Nothing);
}

#[test]
fn what_is_not_signed_waits_and_what_failed_does_not() {
    for status in [
        ComputationStatus::Waiting {
            undecided: 3,
            missing: None,
        },
        ComputationStatus::Waiting {
            undecided: 0,
            missing: Some(ReserveAmounts::default()),
        },
        ComputationStatus::Running {
            attempt: 1,
            stage: AttemptStage::Running,
            absent: None,
            suspected: vec![[1, 2]],
        },
        ComputationStatus::Opened {
            output: vec![1].into(),
            signatures: 2,
        },
    ] {
        let due = due(&computation(status.clone()), None, Some(1));
        assert!(matches!(due, Due::Later(_)), "{status:?}");
    }
    let failed = computation(ComputationStatus::Failed {
        fault: Fault::TooFewInputs,
        reason: "no inputs".into(),
    });
    assert_eq!(due(&failed, None, Some(1)), Due::Nothing);
}

#[test]
fn refusals_are_told_apart_by_their_type() {
    let id = B256::repeat_byte(1);
    let accepted = App::AlreadyAccepted { computationId: id }.abi_encode();
    assert_eq!(verdict(&accepted), Verdict::Accepted);
    assert_eq!(
        verdict(&App::AlreadyPublished {}.abi_encode()),
        Verdict::Superseded
    );
    let early = verdict(&App::ElectorateNotSealed {}.abi_encode());
    assert!(matches!(early, Verdict::TooEarly(_)));
    let epoch = App::WrongEpoch {
        expected: 2,
        actual: 1,
    };
    let Verdict::Refused(reason) = verdict(&epoch.abi_encode()) else {
        panic!("an old epoch is refused");
    };
    assert!(
        reason.starts_with("WrongEpoch(expected 2, actual 1)"),
        "{reason}"
    );
    // The same words, but not the same type.
    let words = alloy::sol_types::Revert::from("AlreadyAccepted").abi_encode();
    assert_eq!(verdict(&words), Verdict::Refused("AlreadyAccepted".into()));
    assert!(matches!(verdict(&[]), Verdict::Refused(_)));
    assert!(matches!(verdict(&accepted[..20]), Verdict::Refused(_)));
}
