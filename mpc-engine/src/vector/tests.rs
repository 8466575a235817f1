use super::*;

#[test]
fn bits_are_pasted_at_any_alignment() {
    let source: Vec<u128> = (0..300).map(|i| (i * i / 7 + i / 3) & 1).collect();
    let vector = Vector::from_numbers(Domain::Bits, &source);
    for at in [0, 1, 63, 64, 65, 130] {
        for from in [0, 1, 63, 64, 65, 100] {
            for lanes in [0, 1, 2, 63, 64, 65, 128, 150] {
                let mut to = Vector::splat(Domain::Bits, 1, 400);
                to.paste(at, &vector, from, lanes);
                let mut expected = vec![1; 400];
                expected[at..at + lanes].copy_from_slice(&source[from..from + lanes]);
                assert_eq!(to.to_numbers(), expected, "{at} {from} {lanes}");
            }
        }
    }
}

#[test]
fn what_is_written_is_read_again_without_stray_bits() {
    for domain in [
        Domain::Bits,
        Domain::R8,
        Domain::R16,
        Domain::R32,
        Domain::R64,
        Domain::R128,
    ] {
        for lanes in [0usize, 1, 7, 8, 9, 63, 64, 65, 200] {
            let mask = u128::MAX >> (128 - domain.bits());
            let number =
                |i| (i as u128 + 3).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            let numbers: Vec<u128> = (0..lanes).map(|i| number(i) & mask).collect();
            let vector = Vector::from_numbers(domain, &numbers);
            let mut bytes = vec![0xaa];
            vector.write(&mut bytes);
            assert_eq!(bytes.len(), 1 + domain.wire_bytes(lanes));
            if let Some(last) = bytes
                .last_mut()
                .filter(|_| domain == Domain::Bits && lanes % 8 != 0)
            {
                *last |= 0xff << (lanes % 8);
            }
            let read = Vector::read(domain, lanes, &bytes[1..]);
            assert_eq!(read.to_numbers(), numbers);
            if domain == Domain::Bits {
                let ones = read.elements::<Word>().iter().map(|w| w.0.count_ones());
                assert_eq!(u128::from(ones.sum::<u32>()), numbers.iter().sum::<u128>());
            }
            let mut twice = read.copy();
            twice.add_encoded(&bytes[1..]);
            let expected: Vec<u128> = numbers.iter().map(|x| x.wrapping_add(*x) & mask).collect();
            assert_eq!(twice.to_numbers(), expected);
            assert_eq!(read.to_numbers(), numbers, "a copy is a vector of its own");
        }
    }
}

#[test]
fn a_single_lane_is_spread() {
    let one = Vector::from_numbers(Domain::Bits, &[1]);
    assert_eq!(one.window(0, 70).to_numbers(), vec![1; 70]);
    let x = Vector::from_numbers(Domain::R16, &[500]);
    assert_eq!(x.window(64, 3).to_numbers(), vec![500; 3]);
}

#[test]
fn nothing_secret_is_printed() {
    let x = Vector::from_numbers(Domain::R64, &[0x1234_5678]);
    assert!(!format!("{x:?}").contains("305419896"));
}

#[test]
fn a_view_is_a_window() {
    for domain in [Domain::Bits, Domain::R8, Domain::R64, Domain::R128] {
        let numbers: Vec<u128> = (0..300).map(|i| (i * i / 7 + i / 3) & 1).collect();
        let vector = Vector::from_numbers(domain, &numbers);
        for (start, lanes) in [
            (0, 300),
            (64, 128),
            (128, 172),
            (64, 100),
            (3, 64),
            (300, 0),
        ] {
            let mut view = vector.view(start, lanes);
            assert_eq!(view.to_numbers(), numbers[start..start + lanes]);
            if domain == Domain::Bits {
                let ones = view.elements::<Word>().iter().map(|w| w.0.count_ones());
                assert_eq!(
                    u128::from(ones.sum::<u32>()),
                    numbers[start..start + lanes].iter().sum()
                );
            }
            view.add_public(1);
            assert_eq!(vector.to_numbers(), numbers, "{domain:?} {start} {lanes}");
        }
    }
}

#[test]
fn a_share_is_made_of_pieces_in_any_order() {
    for domain in [Domain::Bits, Domain::R16, Domain::R64] {
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut pool = Pool::default();
            pool.lend(|| {
                drop(Vector::splat(domain, u128::MAX, 300)); // Memory that is not zero.
                let mut whole = Share::zero(domain, 300);
                for piece in order {
                    // Component c is there in all pieces but number c.
                    let mut share = Share::zero(domain, 100);
                    for c in (0..4).filter(|c| *c != piece) {
                        share.set(c, Vector::splat(domain, 1, 100));
                    }
                    whole.paste(100 * piece, &share);
                }
                for c in 0..4 {
                    let expected: Vec<u128> = (0..300).map(|i| u128::from(i / 100 != c)).collect();
                    let part = whole.part(c).map(Vector::to_numbers);
                    assert_eq!(part, Some(expected), "{domain:?} {order:?} {c}");
                }
            });
        }
    }
}
