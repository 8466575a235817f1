//! Vectors of secret ring elements and bits, and the share vectors made of them.
//!
//! Owns memory (see `memory`): what a [`Vector`] held is erased before the system gets it back. A
//! vector is not cloned implicitly and does not print its elements. `kernels` has the inner loops.

mod element;
pub(crate) mod kernels;
mod memory;
mod share;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wire::kind::Kind;
use zerocopy::{FromBytes as _, IntoBytes as _};
use zeroize::optimization_barrier;

pub(crate) use element::{Element, Word, append};
use memory::Memory;
pub(crate) use memory::Pool;
pub(crate) use share::Share;

/// Where elements live: Z_2 packed 64 to a word, or Z_2^k.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Domain {
    Bits,
    R8,
    R16,
    R32,
    R64,
    R128,
}

impl Domain {
    pub(crate) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::Bits,
            Kind::U8 | Kind::I8 => Self::R8,
            Kind::U16 | Kind::I16 => Self::R16,
            Kind::U32 | Kind::I32 => Self::R32,
            Kind::U64 | Kind::I64 | Kind::Fixed64(_) => Self::R64,
            Kind::U128 | Kind::I128 | Kind::Fixed128(_) => Self::R128,
        }
    }

    /// Width of an element in bits.
    pub(crate) const fn bits(self) -> u32 {
        match self {
            Self::Bits => 1,
            Self::R8 => 8,
            Self::R16 => 16,
            Self::R32 => 32,
            Self::R64 => 64,
            Self::R128 => 128,
        }
    }

    /// Bytes of `lanes` elements on the wire.
    pub(crate) const fn wire_bytes(self, lanes: usize) -> usize {
        match self {
            Self::Bits => lanes.div_ceil(8),
            _ => lanes * (self.bits() as usize / 8),
        }
    }

    /// Bytes of `lanes` elements in memory.
    pub(crate) const fn memory_bytes(self, lanes: usize) -> usize {
        match self {
            Self::Bits => lanes.div_ceil(64) * 8,
            _ => self.wire_bytes(lanes),
        }
    }
}

/// Runs `$body` with `$E` standing for the element type of a domain.
macro_rules! with_element {
    ($domain:expr, $E:ident => $body:expr) => {
        match $domain {
            $crate::vector::Domain::Bits => {
                type $E = $crate::vector::Word;
                $body
            }
            $crate::vector::Domain::R8 => {
                type $E = u8;
                $body
            }
            $crate::vector::Domain::R16 => {
                type $E = u16;
                $body
            }
            $crate::vector::Domain::R32 => {
                type $E = u32;
                $body
            }
            $crate::vector::Domain::R64 => {
                type $E = u64;
                $body
            }
            $crate::vector::Domain::R128 => {
                type $E = u128;
                $body
            }
        }
    };
}
pub(crate) use with_element;

/// A vector of `lanes` elements of one domain. Bits beyond the last lane are zero. Memory may be
/// shared with other vectors until one of them is changed.
pub(crate) struct Vector {
    lanes: usize,
    domain: Domain,
    /// Where the elements begin, in bytes.
    start: usize,
    /// None if there are no elements.
    memory: Option<Arc<Memory>>,
}

impl std::fmt::Debug for Vector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vector({:?}, {}, <redacted>)", self.domain(), self.lanes)
    }
}

impl Drop for Vector {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            memory::give_back(memory);
        }
    }
}

/// Overwrites elements with zeros in a way that the compiler does not drop.
pub(crate) fn erase<E: Element>(elements: &mut [E]) {
    elements.fill(E::default());
    optimization_barrier(elements);
}

impl Vector {
    /// A vector with anything in it, for somebody who fills all of it.
    pub(crate) fn unset(domain: Domain, lanes: usize) -> Self {
        Self::on(memory::take, domain, lanes)
    }

    pub(crate) fn zero(domain: Domain, lanes: usize) -> Self {
        Self::on(memory::take_zeros, domain, lanes)
    }

    fn on(take: fn(usize) -> Arc<Memory>, domain: Domain, lanes: usize) -> Self {
        let bytes = domain.memory_bytes(lanes);
        Self {
            lanes,
            domain,
            start: 0,
            memory: (bytes > 0).then(|| take(bytes)),
        }
    }

    /// `lanes` times the same value, whose low bits count.
    pub(crate) fn splat(domain: Domain, value: u128, lanes: usize) -> Self {
        with_element!(domain, E => Self::fill(lanes, |elements: &mut [E]| {
            elements.fill(E::splat(value));
            E::mask_tail(elements, lanes);
        }))
    }

    /// `lanes` lanes that `f` sets; bits beyond the last lane must be zero.
    pub(crate) fn fill<E: Element>(lanes: usize, f: impl FnOnce(&mut [E])) -> Self {
        let mut vector = Self::unset(E::DOMAIN, lanes);
        f(vector.elements_mut());
        vector
    }

    /// The elements of a vector of this domain, nothing of any other.
    pub(crate) fn elements<E: Element>(&self) -> &[E] {
        let Some(memory) = self.memory.as_ref().filter(|_| self.domain == E::DOMAIN) else {
            return &[];
        };
        let bytes = self.start..self.start + E::count(self.lanes) * size_of::<E>();
        <[E]>::ref_from_bytes(&memory.bytes()[bytes]).unwrap_or_default()
    }

    /// Likewise, to change. Memory that is shared is copied before.
    pub(crate) fn elements_mut<E: Element>(&mut self) -> &mut [E] {
        let length = E::count(self.lanes) * size_of::<E>();
        let Some(memory) = self.memory.as_mut().filter(|_| self.domain == E::DOMAIN) else {
            return &mut [];
        };
        if memory::is_shared(memory) {
            let mut own = memory::take(length);
            if let Some(own) = Arc::get_mut(&mut own) {
                let bytes = &memory.bytes()[self.start..self.start + length];
                own.bytes_mut()[..length].copy_from_slice(bytes);
            }
            self.start = 0;
            memory::give_back(std::mem::replace(memory, own));
        }
        let bytes = self.start..self.start + length;
        match Arc::get_mut(memory) {
            Some(memory) => {
                <[E]>::mut_from_bytes(&mut memory.bytes_mut()[bytes]).unwrap_or_default()
            }
            None => &mut [], // Not reached: what was shared has been replaced.
        }
    }

    pub(crate) const fn lanes(&self) -> usize {
        self.lanes
    }

    pub(crate) const fn domain(&self) -> Domain {
        self.domain
    }

    /// A copy, where one is meant; it shares the memory until one of the two is changed.
    pub(crate) fn copy(&self) -> Self {
        Self {
            lanes: self.lanes,
            domain: self.domain,
            start: self.start,
            memory: self.memory.clone(),
        }
    }

    /// Element `i` in the low bits.
    pub(crate) fn get(&self, i: usize) -> u128 {
        match self.domain {
            Domain::Bits => u128::from(self.elements::<Word>()[i / 64].0 >> (i % 64) & 1),
            Domain::R8 => u128::from(self.elements::<u8>()[i]),
            Domain::R16 => u128::from(self.elements::<u16>()[i]),
            Domain::R32 => u128::from(self.elements::<u32>()[i]),
            Domain::R64 => u128::from(self.elements::<u64>()[i]),
            Domain::R128 => self.elements::<u128>()[i],
        }
    }

    /// All elements, each in the low bits.
    pub(crate) fn to_numbers(&self) -> Vec<u128> {
        (0..self.lanes).map(|i| self.get(i)).collect()
    }

    /// From numbers, of which the low bits count.
    pub(crate) fn from_numbers(domain: Domain, numbers: &[u128]) -> Self {
        let lanes = numbers.len();
        if domain == Domain::Bits {
            return Self::fill(lanes, |words| {
                for (word, bits) in words.iter_mut().zip(numbers.chunks(64)) {
                    let bits = bits.iter().enumerate();
                    *word = Word(bits.fold(0, |word, (i, bit)| word | ((*bit as u64) & 1) << i));
                }
            });
        }
        with_element!(domain, E => Self::fill(lanes, |elements: &mut [E]| {
            for (x, number) in elements.iter_mut().zip(numbers) {
                *x = E::splat(*number);
            }
        }))
    }

    /// Whether a change would copy the elements first.
    fn is_shared(&self) -> bool {
        self.memory.as_ref().is_some_and(memory::is_shared)
    }

    /// `self += other`, lane by lane.
    pub(crate) fn add(&mut self, other: &Self) {
        if self.is_shared() {
            *self = self.plus(other);
            return;
        }
        with_element!(self.domain, E => {
            kernels::add_to::<E>(self.elements_mut(), other.elements());
        });
    }

    /// `self -= other`, lane by lane.
    pub(crate) fn subtract(&mut self, other: &Self) {
        if self.is_shared() {
            *self = self.minus(other);
            return;
        }
        with_element!(self.domain, E => {
            kernels::subtract_from::<E>(self.elements_mut(), other.elements());
        });
    }

    /// Adds the same public value to every lane.
    pub(crate) fn add_public(&mut self, value: u128) {
        if self.is_shared() {
            *self = self.affine(1, value);
            return;
        }
        let lanes = self.lanes;
        with_element!(self.domain, E => {
            let elements = self.elements_mut();
            kernels::add_value(elements, E::splat(value));
            E::mask_tail(elements, lanes);
        });
    }

    /// Multiplies every lane with the same public value.
    pub(crate) fn scale(&mut self, factor: u128) {
        if self.is_shared() {
            *self = self.affine(factor, 0);
            return;
        }
        with_element!(self.domain, E => {
            kernels::scale(self.elements_mut(), E::splat(factor));
        });
    }

    /// a·x + b for every lane x.
    pub(crate) fn affine(&self, a: u128, b: u128) -> Self {
        with_element!(self.domain, E => Self::fill(self.lanes, |z| {
            kernels::affine(z, self.elements(), E::splat(a), E::splat(b));
            E::mask_tail(z, self.lanes);
        }))
    }

    /// x + y lane by lane.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        with_element!(self.domain, E => Self::fill(self.lanes, |z: &mut [E]| {
            kernels::add(z, self.elements(), other.elements());
        }))
    }

    /// x − y lane by lane.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        with_element!(self.domain, E => Self::fill(self.lanes, |z: &mut [E]| {
            kernels::subtract(z, self.elements(), other.elements());
        }))
    }

    /// x·y lane by lane.
    pub(crate) fn times(&self, other: &Self) -> Self {
        with_element!(self.domain, E => Self::fill(self.lanes, |z: &mut [E]| {
            kernels::multiply(z, self.elements(), other.elements());
        }))
    }

    /// Multiplies with another vector, lane by lane.
    pub(crate) fn multiply(&mut self, other: &Self) {
        if self.is_shared() {
            *self = self.times(other);
            return;
        }
        with_element!(self.domain, E => {
            kernels::multiply_by::<E>(self.elements_mut(), other.elements());
        });
    }

    /// In another ring: cut off, or extended with zeros. A bit becomes 0 or 1.
    pub(crate) fn resize(&self, to: Domain) -> Self {
        if self.domain == to {
            return self.copy();
        }
        with_element!(to, E => Self::fill::<E>(self.lanes, |z| match self.domain {
            Domain::Bits => kernels::spread(z, self.elements()),
            Domain::R8 => kernels::resize::<E, u8>(z, self.elements()),
            Domain::R16 => kernels::resize::<E, u16>(z, self.elements()),
            Domain::R32 => kernels::resize::<E, u32>(z, self.elements()),
            Domain::R64 => kernels::resize::<E, u64>(z, self.elements()),
            Domain::R128 => kernels::resize::<E, u128>(z, self.elements()),
        }))
    }

    /// The sums of so many rows of equal length. Bits only in one row.
    pub(crate) fn sum_rows(&self, rows: usize) -> Self {
        if self.domain == Domain::Bits {
            let parity = kernels::sum(self.elements::<Word>()).0.count_ones() & 1;
            return Self::splat(Domain::Bits, parity.into(), 1);
        }
        let row = self.lanes / rows.max(1);
        with_element!(self.domain, E => Self::fill::<E>(rows, |sums| {
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum = kernels::sum(&self.elements()[r * row..(r + 1) * row]);
            }
        }))
    }

    /// The sum of the lanes up to and with each. Not for bits.
    pub(crate) fn prefix_sum(&self) -> Self {
        with_element!(self.domain, E => Self::fill::<E>(self.lanes, |sums| {
            let mut last = E::default();
            for (sum, x) in sums.iter_mut().zip(self.elements::<E>()) {
                last = last.add(*x);
                *sum = last;
            }
        }))
    }

    /// Lane `lanes[i]` at place i.
    pub(crate) fn gather(&self, lanes: &[u32]) -> Self {
        if self.domain == Domain::Bits {
            let own = self.elements::<Word>();
            let bit = |i: &u32| own[*i as usize / 64].0 >> (i % 64) & 1;
            return Self::fill(lanes.len(), |words| {
                for (word, chunk) in words.iter_mut().zip(lanes.chunks(64)) {
                    let bits = chunk.iter().enumerate();
                    *word = Word(bits.fold(0, |word, (i, lane)| word | bit(lane) << i));
                }
            });
        }
        with_element!(self.domain, E => Self::fill::<E>(lanes.len(), |gathered| {
            let own = self.elements();
            for (x, i) in gathered.iter_mut().zip(lanes) {
                *x = own[*i as usize];
            }
        }))
    }

    /// `lanes` lanes from `start` on; a vector of one lane is spread instead.
    pub(crate) fn window(&self, start: usize, lanes: usize) -> Self {
        if self.lanes == 1 && (start, lanes) != (0, 1) {
            return Self::splat(self.domain, self.get(0), lanes);
        }
        let mut window = Self::unset(self.domain, lanes);
        window.paste(0, self, start, lanes);
        if self.domain == Domain::Bits {
            Word::mask_tail(window.elements_mut(), lanes);
        }
        window
    }

    /// Likewise, for a short time: it keeps the memory of the whole vector, if it can do without
    /// a copy.
    pub(crate) fn view(&self, start: usize, lanes: usize) -> Self {
        let whole_words = (start | lanes).is_multiple_of(64)
            || start.is_multiple_of(64) && start + lanes == self.lanes;
        if self.lanes == 1 || self.domain == Domain::Bits && !whole_words {
            return self.window(start, lanes);
        }
        let mut view = self.copy();
        view.start += self.domain.memory_bytes(start);
        view.lanes = lanes;
        view
    }

    /// Copies `lanes` lanes of `source` from `from` on to this vector's lanes from `at` on.
    pub(crate) fn paste(&mut self, at: usize, source: &Self, from: usize, lanes: usize) {
        if self.domain == Domain::Bits {
            element::paste_bits(self.elements_mut(), at, source.elements(), from, lanes);
            return;
        }
        with_element!(source.domain, E => {
            let from = &source.elements::<E>()[from..from + lanes];
            self.elements_mut::<E>()[at..at + lanes].copy_from_slice(from);
        });
    }

    /// Sets lanes to zero.
    pub(crate) fn clear(&mut self, at: usize, lanes: usize) {
        if self.domain == Domain::Bits {
            element::clear_bits(self.elements_mut(), at, lanes);
            return;
        }
        with_element!(self.domain, E => {
            self.elements_mut::<E>()[at..at + lanes].fill(E::default());
        });
    }

    /// Appends all elements in the encoding of [`Kind::bytes`].
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.domain.wire_bytes(self.lanes);
        with_element!(self.domain, E => append::<E>(self.elements(), bytes, out));
    }

    /// Reads `lanes` elements in the encoding of [`Kind::bytes`]; bits beyond the last lane are
    /// cleared.
    pub(crate) fn read(domain: Domain, lanes: usize, bytes: &[u8]) -> Self {
        let mut read = Self::unset(domain, lanes);
        with_element!(domain, E => {
            let elements = read.elements_mut::<E>();
            elements.fill(E::default());
            let memory = elements.as_mut_bytes();
            let length = bytes.len().min(memory.len());
            memory[..length].copy_from_slice(&bytes[..length]);
            elements.iter_mut().for_each(|x| *x = x.to_le());
            E::mask_tail(elements, lanes);
        });
        read
    }

    /// `self += ` what is encoded in `bytes`, lane by lane.
    pub(crate) fn add_encoded(&mut self, bytes: &[u8]) {
        let lanes = self.lanes;
        with_element!(self.domain, E => {
            let elements = self.elements_mut();
            kernels::add_encoded::<E>(elements, bytes);
            E::mask_tail(elements, lanes);
        });
    }
}
