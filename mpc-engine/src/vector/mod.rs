//! Vectors of secret ring elements and bits, and the share vectors made of them.
//!
//! Owns memory: every [`Vector`] is erased when it is dropped, cannot be cloned implicitly and does
//! not print its elements.

mod element;
mod share;
#[cfg(test)]
mod tests;

use wire::kind::Kind;
use zeroize::optimization_barrier;

pub(crate) use element::{Element, Word};
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

/// A vector of `lanes` elements of one domain. Bits beyond the last lane are zero.
pub(crate) struct Vector {
    lanes: usize,
    data: Data,
}

/// The elements.
pub(crate) enum Data {
    Bits(Vec<Word>),
    R8(Vec<u8>),
    R16(Vec<u16>),
    R32(Vec<u32>),
    R64(Vec<u64>),
    R128(Vec<u128>),
}

impl std::fmt::Debug for Vector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vector({:?}, {}, <redacted>)", self.domain(), self.lanes)
    }
}

impl Drop for Vector {
    fn drop(&mut self) {
        with_element!(self.domain(), E => erase(E::slice_mut(self)));
    }
}

/// Overwrites elements with zeros in a way that the compiler does not drop.
pub(crate) fn erase<E: Element>(elements: &mut [E]) {
    elements.fill(E::default());
    optimization_barrier(elements);
}

impl Vector {
    pub(crate) fn zero(domain: Domain, lanes: usize) -> Self {
        with_element!(domain, E => Self::new(vec![E::default(); E::count(lanes)], lanes))
    }

    /// `lanes` times the same value, whose low bits count.
    pub(crate) fn splat(domain: Domain, value: u128, lanes: usize) -> Self {
        with_element!(domain, E => {
            let mut elements = vec![E::splat(value); E::count(lanes)];
            E::mask_tail(&mut elements, lanes);
            Self::new(elements, lanes)
        })
    }

    /// Takes elements, as many as `lanes` need.
    pub(crate) fn new<E: Element>(elements: Vec<E>, lanes: usize) -> Self {
        debug_assert_eq!(elements.len(), E::count(lanes));
        Self {
            lanes,
            data: E::wrap(elements),
        }
    }

    pub(crate) const fn lanes(&self) -> usize {
        self.lanes
    }

    pub(crate) const fn domain(&self) -> Domain {
        match self.data {
            Data::Bits(_) => Domain::Bits,
            Data::R8(_) => Domain::R8,
            Data::R16(_) => Domain::R16,
            Data::R32(_) => Domain::R32,
            Data::R64(_) => Domain::R64,
            Data::R128(_) => Domain::R128,
        }
    }

    pub(crate) const fn data(&self) -> &Data {
        &self.data
    }

    pub(crate) const fn data_mut(&mut self) -> &mut Data {
        &mut self.data
    }

    /// A copy, where one is meant.
    pub(crate) fn copy(&self) -> Self {
        with_element!(self.domain(), E => Self::new(E::slice(self).to_vec(), self.lanes))
    }

    /// Element `i` in the low bits.
    pub(crate) fn get(&self, i: usize) -> u128 {
        match &self.data {
            Data::Bits(words) => u128::from(words[i / 64].0 >> (i % 64) & 1),
            Data::R8(x) => u128::from(x[i]),
            Data::R16(x) => u128::from(x[i]),
            Data::R32(x) => u128::from(x[i]),
            Data::R64(x) => u128::from(x[i]),
            Data::R128(x) => x[i],
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
            let word = |chunk: &[u128]| {
                let bits = chunk.iter().enumerate();
                Word(bits.fold(0, |word, (i, bit)| word | ((*bit as u64) & 1) << i))
            };
            return Self::new(numbers.chunks(64).map(word).collect(), lanes);
        }
        with_element!(domain, E => {
            Self::new(numbers.iter().map(|n| E::splat(*n)).collect::<Vec<E>>(), lanes)
        })
    }

    /// `self += other`, lane by lane.
    pub(crate) fn add(&mut self, other: &Self) {
        with_element!(self.domain(), E => {
            for (x, y) in E::slice_mut(self).iter_mut().zip(E::slice(other)) {
                *x = x.add(*y);
            }
        });
    }

    /// `self -= other`, lane by lane.
    pub(crate) fn subtract(&mut self, other: &Self) {
        with_element!(self.domain(), E => {
            for (x, y) in E::slice_mut(self).iter_mut().zip(E::slice(other)) {
                *x = x.sub(*y);
            }
        });
    }

    /// Adds the same public value to every lane.
    pub(crate) fn add_public(&mut self, value: u128) {
        let lanes = self.lanes;
        with_element!(self.domain(), E => {
            let value = E::splat(value);
            let elements = E::slice_mut(self);
            elements.iter_mut().for_each(|x| *x = x.add(value));
            E::mask_tail(elements, lanes);
        });
    }

    /// Multiplies every lane with the same public value.
    pub(crate) fn scale(&mut self, factor: u128) {
        with_element!(self.domain(), E => {
            let factor = E::splat(factor);
            E::slice_mut(self).iter_mut().for_each(|x| *x = x.mul(factor));
        });
    }

    /// Multiplies with another vector, lane by lane.
    pub(crate) fn multiply(&mut self, other: &Self) {
        with_element!(self.domain(), E => {
            for (x, y) in E::slice_mut(self).iter_mut().zip(E::slice(other)) {
                *x = x.mul(*y);
            }
        });
    }

    /// The sums of so many rows of equal length. Bits only in one row.
    pub(crate) fn sum_rows(&self, rows: usize) -> Self {
        if let Data::Bits(words) = &self.data {
            let parity = words.iter().fold(0, |p, w| p ^ w.0).count_ones() & 1;
            return Self::new(vec![Word(u64::from(parity))], 1);
        }
        let row = self.lanes / rows.max(1);
        with_element!(self.domain(), E => {
            let sum = |r: usize| {
                let row = &E::slice(self)[r * row..(r + 1) * row];
                row.iter().fold(E::default(), |s, x| s.add(*x))
            };
            Self::new((0..rows).map(sum).collect::<Vec<E>>(), rows)
        })
    }

    /// Lane `lanes[i]` at place i.
    pub(crate) fn gather(&self, lanes: &[u32]) -> Self {
        if let Data::Bits(words) = &self.data {
            let bit = |i: &u32| words[*i as usize / 64].0 >> (i % 64) & 1;
            let word = |chunk: &[u32]| {
                let bits = chunk.iter().enumerate();
                Word(bits.fold(0, |word, (i, lane)| word | bit(lane) << i))
            };
            return Self::new(lanes.chunks(64).map(word).collect(), lanes.len());
        }
        with_element!(self.domain(), E => {
            let own = E::slice(self);
            let gathered = lanes.iter().map(|i| own[*i as usize]);
            Self::new(gathered.collect::<Vec<E>>(), lanes.len())
        })
    }

    /// `lanes` lanes from `start` on; a vector of one lane is spread instead.
    pub(crate) fn window(&self, start: usize, lanes: usize) -> Self {
        if self.lanes == 1 && (start, lanes) != (0, 1) {
            return Self::splat(self.domain(), self.get(0), lanes);
        }
        let mut window = Self::zero(self.domain(), lanes);
        window.paste(0, self, start, lanes);
        window
    }

    /// Copies `lanes` lanes of `source` from `from` on to this vector's lanes from `at` on.
    pub(crate) fn paste(&mut self, at: usize, source: &Self, from: usize, lanes: usize) {
        if let (Data::Bits(to), Data::Bits(words)) = (&mut self.data, &source.data) {
            element::paste_bits(to, at, words, from, lanes);
            return;
        }
        with_element!(source.domain(), E => {
            E::slice_mut(self)[at..at + lanes].copy_from_slice(&E::slice(source)[from..from + lanes]);
        });
    }

    /// Appends `lanes` elements in the encoding of [`Kind::bytes`].
    #[cfg(test)]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.domain().wire_bytes(self.lanes), 0);
        with_element!(self.domain(), E => E::store(E::slice(self), &mut out[start..]));
    }

    /// Reads `lanes` elements in the encoding of [`Kind::bytes`]; bits beyond the last lane are
    /// cleared.
    pub(crate) fn read(domain: Domain, lanes: usize, bytes: &[u8]) -> Self {
        with_element!(domain, E => {
            let mut elements = vec![E::default(); E::count(lanes)];
            E::load(bytes, &mut elements);
            E::mask_tail(&mut elements, lanes);
            Self::new(elements, lanes)
        })
    }
}
