//! The inner loops over elements, compiled for the widest vectors that the processor has.
//!
//! The loops are plain code that the compiler vectorises. Each is compiled several times, for
//! different sets of instructions; which one runs is decided when it is called. Lengths are those of
//! the first argument. That others are not shorter is checked, once for each call: what is left of memory
//! that was used before must not pass for a result.

use super::{Element, Word};
use crate::digest::{BLOCK_WORDS, PASSES, SHIFT};

/// Compiles a loop for several sets of instructions, and chooses among them at run time.
macro_rules! vectorised {
    ($($(#[$doc:meta])* fn $name:ident$(<$E:ident: $Bound:ident>)?($($arg:ident: $T:ty),*) $(-> $R:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name$(<$E: $Bound>)?($($arg: $T),*) $(-> $R)? {
            #[inline(always)]
            fn plain$(<$E: $Bound>)?($($arg: $T),*) $(-> $R)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512$(<$E: $Bound>)?($($arg: $T),*) $(-> $R)? {
                    plain($($arg),*)
                }
                #[target_feature(enable = "avx2")]
                fn avx2$(<$E: $Bound>)?($($arg: $T),*) $(-> $R)? {
                    plain($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    #[allow(unsafe_code, reason = "only a call with features that are there")]
                    // SAFETY: the processor has the features for which this is compiled.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") {
                    #[allow(unsafe_code, reason = "only a call with features that are there")]
                    // SAFETY: the processor has the feature for which this is compiled.
                    return unsafe { avx2($($arg),*) };
                }
            }
            plain($($arg),*)
        }
    )*};
}

vectorised! {
    /// x += y
    fn add_to<E: Element>(x: &mut [E], y: &[E]) {
        let y = &y[..x.len()];
        for (x, y) in x.iter_mut().zip(y) {
            *x = x.add(*y);
        }
    }

    /// x −= y
    fn subtract_from<E: Element>(x: &mut [E], y: &[E]) {
        let y = &y[..x.len()];
        for (x, y) in x.iter_mut().zip(y) {
            *x = x.sub(*y);
        }
    }

    /// z = x + y
    fn add<E: Element>(z: &mut [E], x: &[E], y: &[E]) {
        let (x, y) = (&x[..z.len()], &y[..z.len()]);
        for (z, (x, y)) in z.iter_mut().zip(x.iter().zip(y)) {
            *z = x.add(*y);
        }
    }

    /// z = x − y
    fn subtract<E: Element>(z: &mut [E], x: &[E], y: &[E]) {
        let (x, y) = (&x[..z.len()], &y[..z.len()]);
        for (z, (x, y)) in z.iter_mut().zip(x.iter().zip(y)) {
            *z = x.sub(*y);
        }
    }

    /// z = x·y
    fn multiply<E: Element>(z: &mut [E], x: &[E], y: &[E]) {
        let (x, y) = (&x[..z.len()], &y[..z.len()]);
        for (z, (x, y)) in z.iter_mut().zip(x.iter().zip(y)) {
            *z = x.mul(*y);
        }
    }

    /// x = x·y
    fn multiply_by<E: Element>(x: &mut [E], y: &[E]) {
        let y = &y[..x.len()];
        for (x, y) in x.iter_mut().zip(y) {
            *x = x.mul(*y);
        }
    }

    /// z += x·y
    fn multiply_add<E: Element>(z: &mut [E], x: &[E], y: &[E]) {
        let (x, y) = (&x[..z.len()], &y[..z.len()]);
        for (z, (x, y)) in z.iter_mut().zip(x.iter().zip(y)) {
            *z = z.add(x.mul(*y));
        }
    }

    /// z = p·q + x·y
    fn multiply_two<E: Element>(z: &mut [E], p: &[E], q: &[E], x: &[E], y: &[E]) {
        let n = z.len();
        let (p, q, x, y) = (&p[..n], &q[..n], &x[..n], &y[..n]);
        for i in 0..n {
            z[i] = p[i].mul(q[i]).add(x[i].mul(y[i]));
        }
    }

    /// z += p·q + x·y
    fn multiply_add_two<E: Element>(z: &mut [E], p: &[E], q: &[E], x: &[E], y: &[E]) {
        let n = z.len();
        let (p, q, x, y) = (&p[..n], &q[..n], &x[..n], &y[..n]);
        for i in 0..n {
            z[i] = z[i].add(p[i].mul(q[i]).add(x[i].mul(y[i])));
        }
    }

    /// v −= r, then h += r and g += v: a value split into a mask and the rest.
    fn split_off<E: Element>(v: &mut [E], r: &[E], h: &mut [E], g: &mut [E]) {
        let n = v.len();
        let (r, h, g) = (&r[..n], &mut h[..n], &mut g[..n]);
        for i in 0..n {
            v[i] = v[i].sub(r[i]);
            h[i] = h[i].add(r[i]);
            g[i] = g[i].add(v[i]);
        }
    }

    /// Every x + value.
    fn add_value<E: Element>(x: &mut [E], value: E) {
        for x in x {
            *x = x.add(value);
        }
    }

    /// Every x·value.
    fn scale<E: Element>(x: &mut [E], value: E) {
        for x in x {
            *x = x.mul(value);
        }
    }

    /// z = a·x + b
    fn affine<E: Element>(z: &mut [E], x: &[E], a: E, b: E) {
        let x = &x[..z.len()];
        for (z, x) in z.iter_mut().zip(x) {
            *z = x.mul(a).add(b);
        }
    }

    /// The sum of all x.
    fn sum<E: Element>(x: &[E]) -> E {
        x.iter().fold(E::default(), |sum, x| sum.add(*x))
    }

    /// The sum of all x·y.
    fn dot<E: Element>(x: &[E], y: &[E]) -> E {
        let y = &y[..x.len()];
        x.iter().zip(y).fold(E::default(), |sum, (x, y)| sum.add(x.mul(*y)))
    }

    /// Adds elements from their encoding; as many as are there in full.
    fn add_encoded<E: Element>(x: &mut [E], bytes: &[u8]) {
        E::add_encoded(x, bytes);
    }

    /// The numbers from `first` on, in 16 bytes each.
    fn count(blocks: &mut [[u8; 16]], first: u64) {
        // Half a number at a time, so that whole vectors are written.
        let (halves, _) = blocks.as_flattened_mut().as_chunks_mut();
        for (i, half) in halves.iter_mut().enumerate() {
            let is_low = (i as u64 & 1).wrapping_sub(1);
            let number = first.wrapping_add(i as u64 >> 1) & is_low;
            *half = number.to_le_bytes();
        }
    }

    /// NH of blocks of words, in several passes; see [`crate::digest`]. The last block may be
    /// shorter. The key's words hold 32 bits each.
    fn condense(left: &mut [[u64; PASSES]], key: [&[u64]; 2], words: &[[u8; 8]]) {
        let low_half = u64::from(u32::MAX);
        for (left, block) in left.iter_mut().zip(words.chunks(BLOCK_WORDS)) {
            let n = block.len();
            let low: [&[u64]; PASSES] = std::array::from_fn(|pass| &key[0][pass * SHIFT..][..n]);
            let high: [&[u64]; PASSES] = std::array::from_fn(|pass| &key[1][pass * SHIFT..][..n]);
            let mut sums = [0u64; PASSES];
            for i in 0..n {
                let word = u64::from_le_bytes(block[i]);
                for (pass, sum) in sums.iter_mut().enumerate() {
                    let low = word.wrapping_add(low[pass][i]) & low_half;
                    let high = (word >> 32).wrapping_add(high[pass][i]) & low_half;
                    *sum = sum.wrapping_add(low * high);
                }
            }
            *left = sums;
        }
    }

    /// Every bit as 0 or 1.
    fn spread<E: Element>(z: &mut [E], bits: &[Word]) {
        let bits = &bits[..z.len().div_ceil(64)];
        for (z, word) in z.chunks_mut(64).zip(bits) {
            for (i, z) in z.iter_mut().enumerate() {
                *z = E::splat((word.0 >> i & 1).into());
            }
        }
    }

    /// x >> by
    fn shift<T: Number>(z: &mut [T], x: &[T], by: u32) {
        let x = &x[..z.len()];
        for (z, x) in z.iter_mut().zip(x) {
            *z = x.shift(by);
        }
    }

    /// Word w of plane i gets bit 64·part + i of the elements from 64·w on.
    fn split<T: Number>(planes: &mut [&mut [Word]], x: &[T], part: usize) {
        for (block, x) in x.chunks(64 * WIDE).enumerate() {
            let mut rows = [[0; WIDE]; 64];
            for (j, x) in x.chunks(64).enumerate() {
                for (row, x) in rows.iter_mut().zip(x) {
                    row[j] = x.word(part);
                }
            }
            transpose(&mut rows);
            for (plane, row) in planes.iter_mut().zip(&rows) {
                for (word, row) in plane[block * WIDE..].iter_mut().zip(row) {
                    *word = Word(*row);
                }
            }
        }
    }
}

/// The low bits of numbers.
#[inline]
pub(crate) fn resize<E: Element, T: Number>(z: &mut [E], x: &[T]) {
    let x = &x[..z.len()];
    for (z, x) in z.iter_mut().zip(x) {
        *z = E::splat(x.number());
    }
}

/// Matrices that are transposed side by side.
const WIDE: usize = 8;

/// Transposes 64 by 64 matrices of bits: bit j of row i goes to bit i of row j (H. S. Warren,
/// Hacker's Delight, section 7-3).
#[inline(always)]
fn transpose(rows: &mut [[u64; WIDE]; 64]) {
    let mut width = 32;
    let mut mask = 0xffff_ffff_u64;
    while width != 0 {
        let mut i = 0;
        while i < 64 {
            let (low, high) = rows.split_at_mut(i + width);
            for (low, high) in low[i].iter_mut().zip(&mut high[0]) {
                let swap = (*low >> width ^ *high) & mask;
                *low ^= swap << width;
                *high ^= swap;
            }
            i = (i + width + 1) & !width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

/// An unsigned number.
pub(crate) trait Number: Copy {
    fn number(self) -> u128;
    fn shift(self, by: u32) -> Self;
    /// Bits 64·part to 64·part + 63.
    fn word(self, part: usize) -> u64;
}

macro_rules! number {
    ($($T:ident)*) => {$(
        impl Number for $T {
            #[inline(always)]
            fn number(self) -> u128 {
                self.into()
            }
            #[inline(always)]
            fn shift(self, by: u32) -> Self {
                self >> by
            }
            #[inline(always)]
            fn word(self, part: usize) -> u64 {
                (u128::from(self) >> (64 * part)) as u64
            }
        }
    )*};
}

number!(u8 u16 u32 u64 u128);

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern.
    fn numbers(seed: u128, count: usize) -> Vec<u128> {
        let number = |i| {
            let x = (seed + i as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            (x ^ x >> 59).wrapping_mul(0xd6e8_feb8_6659_fd93_2545_f491_4f6c_dd1d)
        };
        (0..count).map(number).collect()
    }

    fn elements<E: Element>(seed: u128, count: usize) -> Vec<E> {
        let mut elements = vec![E::default(); count];
        for (x, number) in elements.iter_mut().zip(numbers(seed, 2 * count).chunks(2)) {
            let number = number[0].to_le_bytes();
            *x = E::read_from_prefix(&number).map_or_else(|_| E::default(), |(x, _)| x.to_le());
        }
        elements
    }

    /// Each loop against the arithmetic of one element, at lengths around those of vectors.
    fn agree<E: Element>() {
        for n in [0, 1, 7, 8, 9, 31, 63, 64, 65, 200] {
            let [p, q, x, y, r] = [1, 2, 3, 4, 5].map(|seed| elements::<E>(seed << 20, n));
            let map = |f: &dyn Fn(usize) -> E| (0..n).map(f).collect::<Vec<E>>();
            let check = |run: &dyn Fn(&mut [E]), expected: &dyn Fn(usize) -> E| {
                let mut z = p.clone();
                run(&mut z);
                assert!(z == map(expected), "{n}");
            };
            check(&|z| add_to(z, &x), &|i| p[i].add(x[i]));
            check(&|z| subtract_from(z, &x), &|i| p[i].sub(x[i]));
            check(&|z| add(z, &x, &y), &|i| x[i].add(y[i]));
            check(&|z| subtract(z, &x, &y), &|i| x[i].sub(y[i]));
            check(&|z| multiply(z, &x, &y), &|i| x[i].mul(y[i]));
            check(&|z| multiply_by(z, &x), &|i| p[i].mul(x[i]));
            check(&|z| multiply_add(z, &x, &y), &|i| p[i].add(x[i].mul(y[i])));
            check(&|z| multiply_two(z, &q, &r, &x, &y), &|i| {
                q[i].mul(r[i]).add(x[i].mul(y[i]))
            });
            check(&|z| multiply_add_two(z, &q, &r, &x, &y), &|i| {
                p[i].add(q[i].mul(r[i])).add(x[i].mul(y[i]))
            });
            let (a, b) = (E::splat(0x1235), E::splat(0x777));
            check(&|z| add_value(z, a), &|i| p[i].add(a));
            check(&|z| scale(z, a), &|i| p[i].mul(a));
            check(&|z| affine(z, &x, a, b), &|i| x[i].mul(a).add(b));
            let encoded: Vec<u8> = x
                .iter()
                .flat_map(|x| x.to_le().as_bytes().to_vec())
                .collect();
            check(&|z| add_encoded(z, &encoded), &|i| p[i].add(x[i]));

            let (mut v, mut h, mut g) = (p.clone(), x.clone(), y.clone());
            split_off(&mut v, &r, &mut h, &mut g);
            assert!(v == map(&|i| p[i].sub(r[i])));
            assert!(h == map(&|i| x[i].add(r[i])));
            assert!(g == map(&|i| y[i].add(v[i])));

            let total = |x: Vec<E>| x.into_iter().fold(E::default(), E::add);
            assert!(sum(&x) == total(x.clone()));
            assert!(dot(&x, &y) == total(map(&|i| x[i].mul(y[i]))));
        }
    }

    #[test]
    fn loops_agree_with_the_arithmetic_of_elements() {
        agree::<u8>();
        agree::<u16>();
        agree::<u32>();
        agree::<u64>();
        agree::<u128>();
        agree::<Word>();
    }

    #[test]
    fn an_operand_that_is_too_short_is_a_defect() {
        type Loop = fn(&mut [u32], &[u32]);
        let loops: [Loop; 9] = [
            |z, x| add_to(z, x),
            |z, x| subtract_from(z, x),
            |z, x| multiply_by(z, x),
            |z, x| add(z, x, &[1; 4]),
            |z, x| subtract(z, &[1; 4], x),
            |z, x| multiply(z, x, x),
            |z, x| multiply_add(z, &[1; 4], x),
            |z, x| affine(z, x, 2, 3),
            |z, x| shift(z, x, 1),
        ];
        for run in loops {
            let ends = |n| std::panic::catch_unwind(|| run(&mut [7; 4], &[1; 5][..n])).is_ok();
            assert!(!ends(0) && !ends(3) && ends(4) && ends(5));
        }
    }

    #[test]
    fn blocks_are_counted() {
        for n in [0, 1, 3, 4, 5, 64, 130] {
            let mut blocks = vec![[7; 16]; n];
            count(&mut blocks, u64::from(u32::MAX) - 2);
            let numbers = (u128::from(u32::MAX) - 2..).take(n);
            assert!(blocks.iter().copied().eq(numbers.map(u128::to_le_bytes)));
        }
    }

    #[test]
    fn bits_are_spread_and_numbers_shifted() {
        for n in [0usize, 1, 63, 64, 65, 511, 512, 513, 700] {
            let words: Vec<Word> = elements(1, n.div_ceil(64));
            let mut wide = vec![7u32; n];
            spread(&mut wide, &words);
            assert!((0..n).all(|i| u64::from(wide[i]) == words[i / 64].0 >> (i % 64) & 1));
            let x: Vec<u64> = elements(2, n);
            let mut shifted = vec![0; n];
            shift(&mut shifted, &x, 5);
            assert!((0..n).all(|i| shifted[i] == x[i] >> 5));
        }
    }
}
