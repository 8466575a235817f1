//! AES-128 in counter mode on vectors of four blocks, for processors that have it.
//!
//! Counters are made in registers and masks are written where they are wanted, which the general
//! implementation cannot do. Its tests compare the two.

#![allow(
    unsafe_code,
    reason = "instructions that only some processors have; each call is behind a check for them"
)]

use std::arch::x86_64::{
    __m128i, __m512i, _mm_aeskeygenassist_si128, _mm_loadu_si128, _mm_shuffle_epi32,
    _mm_slli_si128, _mm_storeu_si128, _mm_xor_si128, _mm512_add_epi64, _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_set_epi64, _mm512_set1_epi64,
    _mm512_storeu_si512, _mm512_xor_si512,
};

use zeroize::Zeroizing;

const ROUND_KEYS: usize = 11;
/// Vectors that are worked on at once: as many as hide how long one round takes.
const AT_ONCE: usize = 8;

/// Four blocks.
pub(super) type Line = [u8; 64];

/// A key, expanded.
pub(super) struct Wide(Zeroizing<[[u8; 16]; ROUND_KEYS]>);

impl Wide {
    /// The key, if the processor has the instructions.
    pub(super) fn new(key: &[u8; 16]) -> Option<Self> {
        let has_them = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("avx512f");
        // SAFETY: the processor has AES.
        has_them.then(|| Self(unsafe { expand(key) }))
    }

    /// Encrypts the numbers from `first` on, four to a line.
    pub(super) fn count(&self, first: u64, lines: &mut [Line]) {
        // SAFETY: a key is made only where the processor has the instructions.
        unsafe { count(&self.0, first, lines) }
    }
}

#[target_feature(enable = "aes")]
fn expand(key: &[u8; 16]) -> Zeroizing<[[u8; 16]; ROUND_KEYS]> {
    let mut keys = Zeroizing::new([[0; 16]; ROUND_KEYS]);
    // SAFETY: 16 bytes are read.
    let mut last = unsafe { _mm_loadu_si128(key.as_ptr().cast()) };
    keys[0] = *key;
    macro_rules! rounds {
        ($($round:literal: $constant:literal,)*) => {$(
            last = next(last, _mm_aeskeygenassist_si128::<$constant>(last));
            // SAFETY: 16 bytes are written.
            unsafe { _mm_storeu_si128(keys[$round].as_mut_ptr().cast(), last) };
        )*};
    }
    rounds!(
        1: 0x01, 2: 0x02, 3: 0x04, 4: 0x08, 5: 0x10, 6: 0x20, 7: 0x40, 8: 0x80, 9: 0x1b, 10: 0x36,
    );
    keys
}

#[target_feature(enable = "aes")]
fn next(key: __m128i, assist: __m128i) -> __m128i {
    let mut sum = key;
    let mut shifted = key;
    for _ in 0..3 {
        shifted = _mm_slli_si128::<4>(shifted);
        sum = _mm_xor_si128(sum, shifted);
    }
    _mm_xor_si128(sum, _mm_shuffle_epi32::<0xff>(assist))
}

#[target_feature(enable = "avx512f,vaes")]
fn count(keys: &[[u8; 16]; ROUND_KEYS], first: u64, lines: &mut [Line]) {
    let mut wide = [_mm512_set1_epi64(0); ROUND_KEYS];
    for (wide, key) in wide.iter_mut().zip(keys) {
        // SAFETY: 16 bytes are read.
        *wide = _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(key.as_ptr().cast()) });
    }
    let first = first as i64;
    let mut number = _mm512_set_epi64(
        0,
        first.wrapping_add(3),
        0,
        first.wrapping_add(2),
        0,
        first.wrapping_add(1),
        0,
        first,
    );
    let four = _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4);
    let (many, few) = lines.as_chunks_mut::<AT_ONCE>();
    for lines in many {
        let mut blocks = [number; AT_ONCE];
        for block in &mut blocks {
            *block = number;
            number = _mm512_add_epi64(number, four);
        }
        encrypt(&wide, &mut blocks);
        for (line, block) in lines.iter_mut().zip(blocks) {
            // SAFETY: 64 bytes are written.
            unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), block) };
        }
    }
    for line in few {
        let mut block = [number];
        encrypt(&wide, &mut block);
        // SAFETY: 64 bytes are written.
        unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), block[0]) };
        number = _mm512_add_epi64(number, four);
    }
}

#[inline]
#[target_feature(enable = "avx512f,vaes")]
fn encrypt<const N: usize>(keys: &[__m512i; ROUND_KEYS], blocks: &mut [__m512i; N]) {
    for block in &mut *blocks {
        *block = _mm512_xor_si512(*block, keys[0]);
    }
    for key in &keys[1..ROUND_KEYS - 1] {
        for block in &mut *blocks {
            *block = _mm512_aesenc_epi128(*block, *key);
        }
    }
    for block in blocks {
        *block = _mm512_aesenclast_epi128(*block, keys[ROUND_KEYS - 1]);
    }
}
