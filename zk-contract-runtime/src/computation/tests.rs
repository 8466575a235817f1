use super::*;

#[test]
fn pauses_grow_to_half_a_minute() {
    let pauses: Vec<_> = (0..8).map(pause_ms).collect();
    assert_eq!(pauses, [0, 0, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert_eq!(pause_ms(63), 30_000);
    assert_eq!(pause_ms(u32::MAX), 30_000);
}
