use super::*;
use crate::storage::epochs::EpochKeys;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn seeds() -> HeldSeeds {
    [
        Some(Seed::new([1; 32])),
        None,
        Some(Seed::new([3; 32])),
        Some(Seed::new([4; 32])),
    ]
}

fn shares() -> HeldShares {
    [Some(vec![5; 9]), None, Some(vec![6; 9]), Some(vec![7; 9])].map(|s| s.map(Zeroizing::new))
}

const SHARING: Sharing = Sharing {
    epoch: 2,
    tag: B256::repeat_byte(2),
    roots: [B256::ZERO; NODES],
};

#[test]
fn only_the_right_keys_and_input_open_a_record() -> TestResult {
    let folder = tempfile::tempdir()?;
    let epochs = EpochKeys::open(folder.path(), &[1; 32], None)?;
    let (keeper, input) = (SeedBox::new(epochs.clone()), B256::repeat_byte(1));
    let record = keeper.seal(input, 1, &seeds())?.ok_or("sealed")?;
    let shared = keeper
        .seal_shares(&SHARING, input, &shares())?
        .ok_or("sealed")?;
    assert_eq!((epoch_of(&record), epoch_of(&shared)), (Some(1), Some(2)));
    let opened = keeper.open(input, &record).ok_or("opens")?;
    let bytes = |seeds: &HeldSeeds| seeds.each_ref().map(|s| s.as_ref().map(|s| *s.expose()));
    assert_eq!(bytes(&opened), bytes(&seeds()));
    assert_eq!(keeper.open_shares(&SHARING, input, &shared), Some(shares()));

    let other = B256::repeat_byte(2);
    assert!(keeper.open(other, &record).is_none());
    assert!(keeper.open_shares(&SHARING, other, &shared).is_none());
    let sharing = Sharing {
        tag: other,
        ..SHARING
    };
    let moved = keeper.open_shares(
        &Sharing {
            tag: input,
            ..sharing
        },
        input,
        &shared,
    );
    assert!(moved.is_none());
    let elsewhere = tempfile::tempdir()?;
    let stranger = SeedBox::new(EpochKeys::open(elsewhere.path(), &[1; 32], None)?);
    assert!(stranger.open(input, &record).is_none());
    for at in 0..record.len() {
        let mut altered = record.clone();
        altered[at] ^= 1;
        assert!(keeper.open(input, &altered).is_none(), "byte {at}");
    }
    // What is left on a disk of an epoch that is over opens no more.
    epochs.erase_before(2)?;
    assert!(keeper.open(input, &record).is_none());
    assert!(keeper.seal(input, 1, &seeds())?.is_none());
    assert!(keeper.open_shares(&SHARING, input, &shared).is_some());
    Ok(())
}

#[test]
fn nothing_of_a_seed_is_readable_and_no_nonce_repeats() -> TestResult {
    let folder = tempfile::tempdir()?;
    let keeper = SeedBox::new(EpochKeys::open(folder.path(), &[1; 32], None)?);
    let one = keeper.seal(B256::ZERO, 0, &seeds())?.ok_or("sealed")?;
    let two = keeper.seal(B256::ZERO, 0, &seeds())?.ok_or("sealed")?;
    assert_ne!(one[8..32], two[8..32]);
    for seed in [[1; 8], [3; 8], [4; 8]] {
        assert!(!one.windows(8).any(|w| w == seed));
    }
    let two_only = [
        None,
        None,
        Some(Seed::new([3; 32])),
        Some(Seed::new([4; 32])),
    ];
    assert!(keeper.seal(B256::ZERO, 0, &two_only)?.is_none());
    Ok(())
}
