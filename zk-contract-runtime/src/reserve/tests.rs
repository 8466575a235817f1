use super::*;

fn amounts(bits: u64, r64: u64, r128: u64, seeds: u64) -> Amounts {
    Amounts {
        bits,
        r64,
        r128,
        seeds,
    }
}

fn make(reserve: &mut Reserve, amounts: Amounts) -> u64 {
    let begun = reserve.begin(amounts, Some(1), 0);
    let made = reserve.made([B256::ZERO; NODES]);
    assert_eq!(made, Some(begun));
    begun
}

#[test]
fn ranges_come_from_the_oldest_lots_and_never_twice() {
    let mut reserve = Reserve::default();
    assert_eq!(reserve.take(&amounts(1, 0, 0, 0)), None);
    assert_eq!(reserve.take(&Amounts::default()), Some(vec![]));
    make(&mut reserve, amounts(128, 10, 0, 1));
    make(&mut reserve, amounts(256, 10, 5, 1));
    assert_eq!(reserve.lots()[&0].live, [true, false, true, true]);
    assert_eq!(reserve.left(), amounts(384, 20, 5, 2));
    // Bits go by whole words; what spans lots is in two parts.
    let slices = reserve.take(&amounts(130, 12, 1, 0)).unwrap();
    let expected = [
        (0, [0..128, 0..10, 0..0, 0..0]),
        (1, [0..64, 0..2, 0..1, 0..0]),
    ]
    .map(|(lot, [bits, r64, r128, seeds])| {
        let ranges = Ranges {
            bits,
            r64,
            r128,
            seeds,
        };
        Slice { lot, ranges }
    });
    assert_eq!(slices, expected);
    assert_eq!(reserve.left(), amounts(192, 8, 4, 2));
    assert_eq!(
        reserve.lacks(&amounts(193, 8, 9, 0), &amounts(0, 0, 0, 0)),
        amounts(64, 0, 5, 0)
    );
    // Too much of one material takes nothing of another.
    assert_eq!(reserve.take(&amounts(64, 9, 0, 0)), None);
    assert_eq!(reserve.left(), amounts(192, 8, 4, 2));
    let seeds = [
        reserve.take_seed(),
        reserve.take_seed(),
        reserve.take_seed(),
    ];
    let seed = |lot| Some(SeedRef { lot, index: 0 });
    assert_eq!(seeds, [seed(0), seed(1), None]);
}

#[test]
fn spent_lots_go_once_nobody_holds_parts_of_them() {
    let mut reserve = Reserve::default();
    make(&mut reserve, amounts(64, 0, 0, 0));
    make(&mut reserve, amounts(64, 0, 0, 0));
    assert!(!reserve.has_spent());
    reserve.take(&amounts(64, 0, 0, 0)).unwrap();
    assert!(reserve.has_spent());
    assert!(reserve.drop_spent(|lot| lot == 0).is_empty());
    assert_eq!(reserve.drop_spent(|_| false), [0]);
    assert_eq!(reserve.lots().len(), 1);
}

#[test]
fn the_reserve_is_filled_up_to_its_target_and_never_beyond() {
    let mut reserve = Reserve::default();
    assert_eq!(reserve.short_of(0), Amounts::default());
    for _ in 0..3 {
        let short = reserve.short_of(3);
        assert_eq!(short, LOT);
        make(&mut reserve, short);
    }
    assert!(reserve.short_of(3).is_empty());
    // Only what was used is made again.
    reserve.take(&amounts(LOT_BITS - 64, 1, 0, 0)).unwrap();
    assert!(reserve.short_of(3).is_empty());
    reserve.take(&amounts(64, 0, 0, 0)).unwrap();
    assert_eq!(reserve.short_of(3), amounts(LOT_BITS, 0, 0, 0));
    assert_eq!(
        reserve.lot_for(&amounts(0, 0, 1, 2)),
        amounts(0, 0, LOT_R128, LOT_SEEDS)
    );
}

#[test]
fn productions_that_are_stopped_pause_longer_and_longer() {
    let mut reserve = Reserve::default();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let lot = reserve.begin(LOT, None, 0);
        assert_ne!(lot_job(lot), lot_job(lot + 1));
        reserve.abandon(&[], 1_000);
        assert!(reserve.production.is_none());
        pauses.push(reserve.not_before_ms() - 1_000);
    }
    assert_eq!(pauses, [0, 0, 2_000, 4_000, 8_000, 16_000]);
    assert_eq!(make(&mut reserve, LOT), 6, "numbers are not used again");
    reserve.begin(LOT, None, 0);
    reserve.abandon(&[], 1_000);
    assert_eq!(reserve.not_before_ms(), 1_000);
    reserve.busy_ms = 2_900;
    assert_eq!(reserve.idle_ms(), 2_900 + RESERVE_IDLE_MS);
}
