//! One party's share of a vector.

use super::{Domain, Vector};

/// One party's share of a vector: its components by number. A component that is absent is zero, or
/// is the one that this party lacks; which of the two follows from the program alone.
#[derive(Debug)]
pub(crate) struct Share {
    domain: Domain,
    lanes: usize,
    parts: [Option<Vector>; 4],
    /// Whether lanes have been pasted.
    is_pasted: bool,
}

impl Share {
    /// A share of zeros.
    pub(crate) const fn zero(domain: Domain, lanes: usize) -> Self {
        Self {
            domain,
            lanes,
            parts: [const { None }; 4],
            is_pasted: false,
        }
    }

    /// A share of these components.
    pub(crate) const fn of(domain: Domain, lanes: usize, parts: [Option<Vector>; 4]) -> Self {
        Self {
            domain,
            lanes,
            parts,
            is_pasted: false,
        }
    }

    pub(crate) const fn domain(&self) -> Domain {
        self.domain
    }

    pub(crate) const fn lanes(&self) -> usize {
        self.lanes
    }

    /// Component c, if it is present.
    pub(crate) fn part(&self, c: usize) -> Option<&Vector> {
        self.parts[c].as_ref()
    }

    /// Component c, made zero if it is absent.
    pub(crate) fn part_mut(&mut self, c: usize) -> &mut Vector {
        self.parts[c].get_or_insert_with(|| Vector::zero(self.domain, self.lanes))
    }

    pub(crate) fn set(&mut self, c: usize, part: Vector) {
        self.parts[c] = Some(part);
    }

    /// A copy, where one is meant.
    pub(crate) fn copy(&self) -> Self {
        self.map(self.domain, self.lanes, Vector::copy)
    }

    /// A share with `f` of each component; f must be linear.
    pub(crate) fn map(&self, domain: Domain, lanes: usize, f: impl Fn(&Vector) -> Vector) -> Self {
        let mut result = Self::zero(domain, lanes);
        for (to, from) in result.parts.iter_mut().zip(&self.parts) {
            *to = from.as_ref().map(&f);
        }
        result
    }

    /// `self += other`.
    pub(crate) fn add(&mut self, other: &Self) {
        for (c, from) in other.parts.iter().enumerate() {
            if let Some(from) = from {
                match &mut self.parts[c] {
                    Some(to) => to.add(from),
                    to => *to = Some(from.copy()),
                }
            }
        }
    }

    /// Adds `other` to the lanes from `at` on.
    pub(crate) fn add_at(&mut self, at: usize, other: &Self) {
        for (c, from) in other.parts.iter().enumerate() {
            if let Some(from) = from {
                let part = self.part_mut(c);
                let mut sum = Vector::zero(from.domain(), from.lanes());
                sum.paste(0, part, at, from.lanes());
                sum.add(from);
                part.paste(at, &sum, 0, from.lanes());
            }
        }
    }

    /// `self -= other`.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (c, from) in other.parts.iter().enumerate() {
            if let Some(from) = from {
                self.part_mut(c).subtract(from);
            }
        }
    }

    /// Multiplies with a public value.
    pub(crate) fn scale(&mut self, factor: u128) {
        self.parts
            .iter_mut()
            .flatten()
            .for_each(|p| p.scale(factor));
    }

    /// Multiplies with public values, lane by lane.
    pub(crate) fn multiply(&mut self, factors: &Vector) {
        let parts = self.parts.iter_mut().flatten();
        parts.for_each(|p| p.multiply(factors));
    }

    /// Lane `lanes[i]` at place i.
    pub(crate) fn gather(&self, lanes: &[u32]) -> Self {
        self.map(self.domain, lanes.len(), |p| p.gather(lanes))
    }

    /// Lanes `start ..`, or the single lane spread.
    pub(crate) fn window(&self, start: usize, lanes: usize) -> Self {
        self.map(self.domain, lanes, |p| p.window(start, lanes))
    }

    /// Likewise, for a short time: see [`Vector::view`].
    pub(crate) fn view(&self, start: usize, lanes: usize) -> Self {
        self.map(self.domain, lanes, |p| p.view(start, lanes))
    }

    /// Copies all lanes of `source` to the lanes from `at` on. On a share of zeros that is made of
    /// pieces, all of it must be pasted, each lane once, before it is read.
    pub(crate) fn paste(&mut self, at: usize, source: &Self) {
        for (to, from) in self.parts.iter_mut().zip(&source.parts) {
            match (to, from) {
                (Some(to), Some(from)) => to.paste(at, from, 0, source.lanes),
                (Some(to), None) => to.clear(at, source.lanes),
                (to, Some(from)) => {
                    let lanes = self.lanes;
                    // What was pasted before was zero here.
                    let part = to.insert(if self.is_pasted || self.domain == Domain::Bits {
                        Vector::zero(self.domain, lanes)
                    } else {
                        Vector::unset(self.domain, lanes)
                    });
                    part.paste(at, from, 0, source.lanes);
                }
                (None, None) => {}
            }
        }
        self.is_pasted = true;
    }

    /// The sum of the components that are there: an opened value.
    pub(crate) fn total(&self) -> Vector {
        let mut sum = Vector::zero(self.domain, self.lanes);
        self.parts.iter().flatten().for_each(|part| sum.add(part));
        sum
    }

    /// The sum of components a and b: a value in the clear to whoever holds both.
    pub(crate) fn half(&self, a: usize, b: usize) -> Vector {
        match (&self.parts[a], &self.parts[b]) {
            (Some(x), Some(y)) => x.plus(y),
            (Some(x), None) | (None, Some(x)) => x.copy(),
            (None, None) => Vector::zero(self.domain, self.lanes),
        }
    }

    /// Component a, and component b if it is another one.
    pub(crate) fn summand(&self, a: usize, b: usize) -> Vector {
        if a != b {
            return self.half(a, b);
        }
        match &self.parts[a] {
            Some(x) => x.copy(),
            None => Vector::zero(self.domain, self.lanes),
        }
    }
}
