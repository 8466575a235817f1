//! Orders of a vector's elements, which nobody learns, and random values, which nobody knows.
//!
//! What is random is drawn once: if an attempt at a computation is stopped, the next one draws the same
//! randomness, which is fixed when the computation starts and which nobody knows. Nothing is opened
//! before the nodes have fixed the result. So nobody can choose among draws, whichever nodes are
//! stopped, and once the result is fixed nobody can withhold it.

use wire::secret::Op;

use super::{
    Integer, Scalar, Secret, SecretVec, VectorOperand,
    operand::{Operand, scalar, sized},
};

/// Bounds of random numbers are at most this.
const MOST_BOUND: u128 = 1 << 126;

/// A secret rearrangement of as many elements: where each of them goes.
#[derive(Clone, Copy)]
pub struct Permutation {
    places: SecretVec<u32>,
}

impl std::fmt::Debug for Permutation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permutation(<redacted>)")
    }
}

impl Permutation {
    /// One of all permutations of so many elements, each as likely, that nobody knows. Costs a
    /// shuffle: some sendings of the vector, in a few rounds whatever its length.
    #[must_use]
    pub fn random(len: usize) -> Self {
        Self {
            places: sized(Op::RandomPermutation, &[], len as u64, len),
        }
    }

    /// The place of each element, from 0: a vector to compute with, which does not become a permutation
    /// again. [`SecretVec::permute`] opens the shuffled places, and only those that are all different,
    /// as a [`Permutation`]'s are by construction, tell nothing that way.
    #[must_use]
    pub const fn places(self) -> SecretVec<u32> {
        self.places
    }

    /// How many elements it rearranges; public.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

impl<T: Scalar> SecretVec<T> {
    /// The elements in ascending order; false is less than true. Costs a comparison of each pair of
    /// them, all at once, and a shuffle; for many, some shuffles and sums for each few bits of them.
    #[must_use]
    pub fn sort(self) -> Self {
        sized(Op::Sort, &[self.operand()], 0, self.len)
    }

    /// Where each element goes in ascending order; equal ones keep their order. Costs as much as
    /// [`Self::sort`]. Rearrange any number of columns by it with [`Self::permute`].
    #[must_use]
    pub fn places(self) -> Permutation {
        Permutation {
            places: sized(Op::Places, &[self.operand()], 0, self.len),
        }
    }

    /// The elements in the ascending order of their keys, of which equal ones keep their order. To
    /// sort several columns by the same keys, take the keys' [`Self::places`] once.
    ///
    /// # Panics
    /// The vectors differ in length.
    #[must_use]
    pub fn sort_by_key<K: Scalar>(self, keys: SecretVec<K>) -> Self {
        self.permute(keys.places())
    }

    /// Each element at its place in the permutation. Costs a shuffle and an opening of shuffled
    /// places.
    ///
    /// # Panics
    /// The permutation is of another number of elements.
    #[must_use]
    pub fn permute(self, permutation: Permutation) -> Self {
        assert!(
            permutation.len() == self.len,
            "a permutation of another number of elements"
        );
        let operands = [self.operand(), permutation.places.operand()];
        sized(Op::Permute, &operands, 0, self.len)
    }

    /// The elements in a random order that nobody knows; two vectors get two orders. Costs some
    /// sendings of the vector, in a few rounds whatever its length.
    #[must_use]
    pub fn shuffle(self) -> Self {
        sized(Op::Shuffle, &[self.operand()], 0, self.len)
    }

    /// The `k` greatest elements, the greatest first. Costs as much as [`Self::sort`].
    ///
    /// # Panics
    /// There are fewer.
    #[must_use]
    pub fn top_k(self, k: usize) -> Self {
        assert!(k <= self.len, "the vector has fewer elements");
        sized(Op::TopK, &[self.operand()], k as u64, k)
    }

    /// So many random elements, each of all values of the type as likely, that nobody knows. Free.
    #[must_use]
    pub fn random(len: usize) -> Self {
        sized(Op::Random, &[], random_form::<T>(len), len)
    }
}

impl<T: Scalar> Secret<T> {
    /// A random value, each of all of the type as likely, that nobody knows. Free.
    #[must_use]
    pub fn random() -> Self {
        scalar(Op::Random, &[], random_form::<T>(1))
    }
}

impl<T: Integer> SecretVec<T> {
    /// So many random numbers from 0 to `bound` − 1, each as likely up to 2⁻⁶⁴, that nobody knows.
    /// Costs a conversion and some comparisons with public numbers for each.
    ///
    /// # Panics
    /// The bound is not positive, or more than 2^126.
    #[must_use]
    pub fn random_below(bound: T, len: usize) -> Self {
        sized(Op::RandomBelow, &[random_bound(bound)], len as u64, len)
    }
}

impl<T: Integer> Secret<T> {
    /// A random number from 0 to `bound` − 1; see [`SecretVec::random_below`].
    ///
    /// # Panics
    /// The bound is not positive, or more than 2^126.
    #[must_use]
    pub fn random_below(bound: T) -> Self {
        scalar(Op::RandomBelow, &[random_bound(bound)], 1)
    }
}

fn random_form<T: Scalar>(len: usize) -> u64 {
    u64::from(T::KIND.code()) << 32 | len as u64
}

fn random_bound<T: Integer>(bound: T) -> Operand {
    let most = MOST_BOUND.min(T::KIND.mask() >> u32::from(T::KIND.is_signed()));
    assert!(
        (1..=most).contains(&bound.to_bits()),
        "a random number is below a positive bound of at most 2^126"
    );
    bound.operand()
}
