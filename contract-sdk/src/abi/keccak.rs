//! keccak-256 at compile time, for selectors and event topics.
//!
//! FIPS 202's permutation with Keccak's original padding, as Ethereum uses it.

const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];
const ROTATIONS: [u32; 24] = [
    1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
];
const LANES: [usize; 24] = [
    10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
];
const RATE_BYTES: usize = 136;

/// keccak-256 of the parts one after another.
#[must_use]
pub const fn hash(parts: &[&str]) -> [u8; 32] {
    let mut state = [0u64; 25];
    let mut at = 0;
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            state[at / 8] ^= (bytes[i] as u64) << (at % 8 * 8);
            at += 1;
            if at == RATE_BYTES {
                state = permute(state);
                at = 0;
            }
            i += 1;
        }
        part += 1;
    }
    state[at / 8] ^= 1 << (at % 8 * 8);
    state[RATE_BYTES / 8 - 1] ^= 1 << 63;
    state = permute(state);

    let mut digest = [0; 32];
    let mut i = 0;
    while i < 32 {
        digest[i] = (state[i / 8] >> (i % 8 * 8)) as u8;
        i += 1;
    }
    digest
}

/// The first four bytes of [`hash`]: the selector of a function or error with this signature.
#[must_use]
pub const fn selector(parts: &[&str]) -> [u8; 4] {
    let digest = hash(parts);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// Stops the compilation when two functions share a selector.
pub const fn assert_distinct(selectors: &[[u8; 4]]) {
    let mut i = 0;
    while i < selectors.len() {
        let mut j = i + 1;
        while j < selectors.len() {
            assert!(
                u32::from_be_bytes(selectors[i]) != u32::from_be_bytes(selectors[j]),
                "two functions of this contract have the same Solidity selector: rename one"
            );
            j += 1;
        }
        i += 1;
    }
}

const fn permute(mut a: [u64; 25]) -> [u64; 25] {
    let mut round = 0;
    while round < 24 {
        // θ
        let mut parity = [0u64; 5];
        let mut x = 0;
        while x < 5 {
            parity[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
            x += 1;
        }
        x = 0;
        while x < 5 {
            let d = parity[(x + 4) % 5] ^ parity[(x + 1) % 5].rotate_left(1);
            let mut y = 0;
            while y < 25 {
                a[y + x] ^= d;
                y += 5;
            }
            x += 1;
        }
        // ρ and π
        let mut last = a[1];
        let mut i = 0;
        while i < 24 {
            let lane = LANES[i];
            let kept = a[lane];
            a[lane] = last.rotate_left(ROTATIONS[i]);
            last = kept;
            i += 1;
        }
        // χ
        let mut y = 0;
        while y < 25 {
            let row = [a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]];
            x = 0;
            while x < 5 {
                a[y + x] = row[x] ^ (!row[(x + 1) % 5] & row[(x + 2) % 5]);
                x += 1;
            }
            y += 5;
        }
        // ι
        a[0] ^= ROUND_CONSTANTS[round];
        round += 1;
    }
    a
}

#[cfg(test)]
mod tests {
    use super::{hash, selector};

    #[test]
    fn agrees_with_alloy() {
        for length in [0, 1, 31, 135, 136, 137, 271, 272, 1000] {
            let text = "q".repeat(length);
            let expected = alloy_primitives::keccak256(text.as_bytes());
            assert_eq!(hash(&[&text]), expected.0, "{length} bytes");
            let (a, b) = text.split_at(length / 3);
            assert_eq!(hash(&[a, "", b]), expected.0, "{length} bytes in parts");
        }
    }

    #[test]
    fn known_selector() {
        const TRANSFER: [u8; 4] = selector(&["transfer", "(address,uint256)"]);
        assert_eq!(TRANSFER, [0xa9, 0x05, 0x9c, 0xbb]);
    }
}
