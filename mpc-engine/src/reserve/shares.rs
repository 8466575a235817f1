//! What one attempt takes of the reserve.

use super::{Amounts, Material, Ranges};
use crate::{
    EngineError,
    vector::{Domain, Vector},
};

/// One party's shares of triples for one attempt.
pub struct ReserveShares {
    me: usize,
    amounts: Amounts,
    /// By material, by a, b and c, by component.
    triples: Box<[[[Vector; 4]; 3]; 3]>,
}

impl std::fmt::Debug for ReserveShares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReserveShares({}, <redacted>)", self.amounts)
    }
}

impl ReserveShares {
    /// Nothing yet, for party `me`.
    #[must_use]
    pub fn new(me: u8) -> Self {
        let none = |m: Material| {
            let none = || Vector::zero(m.domain(), 0);
            std::array::from_fn(|_| std::array::from_fn(|_| none()))
        };
        Self {
            me: me.into(),
            amounts: Amounts::default(),
            triples: Box::new(Material::ALL.map(none)),
        }
    }

    /// Adds a part of a lot. For each component that this party holds there are to be the bytes that
    /// [`Amounts::byte_ranges`] names, one after another; what is given for its own is ignored, and so
    /// are seeds.
    ///
    /// # Errors
    /// [`EngineError::ReserveForm`] if the part is not within the lot, or there are more or fewer
    /// bytes; nothing is added then.
    pub fn push(
        &mut self,
        lot: &Amounts,
        ranges: &Ranges,
        components: [Option<&[u8]>; 4],
    ) -> Result<(), EngineError> {
        lot.check()?;
        if self.me >= 4 || !lot.contains(ranges) {
            return Err(EngineError::ReserveForm);
        }
        let amounts = ranges.amounts();
        let bytes = amounts.component_bytes();
        let held = |c: &usize| *c != self.me;
        if (0..4)
            .filter(held)
            .any(|c| components[c].is_none_or(|all| all.len() != bytes))
        {
            return Err(EngineError::ReserveForm);
        }
        for (c, all) in components.iter().enumerate().filter(|(c, _)| *c != self.me) {
            let mut rest = all.unwrap_or_default();
            for (m, material) in Material::ALL.into_iter().enumerate() {
                let domain = material.domain();
                let lanes = amounts.of(material) as usize;
                for kind in &mut self.triples[m] {
                    let (own, after) = rest.split_at(domain.wire_bytes(lanes));
                    rest = after;
                    append(&mut kind[c], &Vector::read(domain, lanes, own));
                }
            }
        }
        self.amounts = self.amounts.plus(&Amounts {
            seeds: 0,
            ..amounts
        });
        Ok(())
    }

    /// What there is. There are never seeds among it.
    #[must_use]
    pub const fn amounts(&self) -> Amounts {
        self.amounts
    }

    /// Whether it is this party's, and what is needed, no more and no less.
    ///
    /// # Errors
    /// [`EngineError::ReserveNeed`].
    pub(crate) fn check(&self, me: usize, need: &Amounts) -> Result<(), EngineError> {
        if self.me == me && self.amounts == *need {
            return Ok(());
        }
        Err(EngineError::ReserveNeed {
            expected: *need,
            actual: self.amounts,
        })
    }
}

/// Puts `more` behind what there is.
fn append(to: &mut Vector, more: &Vector) {
    let (before, lanes) = (to.lanes(), more.lanes());
    if lanes == 0 {
        return;
    }
    let mut both = Vector::zero(to.domain(), before + lanes);
    both.paste(0, to, 0, before);
    both.paste(before, more, 0, lanes);
    *to = both;
}

/// Triples that are handed out in order, each once.
pub(crate) struct Reserve {
    shares: ReserveShares,
    /// By material.
    next: [usize; 3],
}

/// Some triples that were handed out.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    domain: Domain,
    start: usize,
    lanes: usize,
}

impl Reserve {
    pub(crate) const fn new(shares: ReserveShares) -> Self {
        Self {
            shares,
            next: [0; 3],
        }
    }

    /// Hands out triples for products in this domain.
    ///
    /// # Errors
    /// [`EngineError::Defect`] if there are not so many left.
    pub(crate) fn take(&mut self, domain: Domain, lanes: usize) -> Result<Taken, EngineError> {
        let material = Material::of(domain);
        let place = material as usize;
        let start = self.next[place];
        if (start + lanes) as u64 > self.shares.amounts.of(material) {
            return Err(EngineError::Defect("the reserve is used up"));
        }
        self.next[place] += lanes;
        Ok(Taken {
            domain,
            start,
            lanes,
        })
    }

    /// Component c of a (0), b (1) or c (2) of `lanes` of these triples from `at` on.
    pub(crate) fn part(
        &self,
        taken: Taken,
        abc: usize,
        c: usize,
        at: usize,
        lanes: usize,
    ) -> Vector {
        let lanes = lanes.min(taken.lanes - at.min(taken.lanes));
        let whole = &self.shares.triples[Material::of(taken.domain) as usize][abc][c];
        let part = whole.view(taken.start + at, lanes);
        part.resize(taken.domain)
    }

    /// Whether all of it has been handed out, but for bits that fill the last word.
    pub(crate) fn is_used_up(&self) -> bool {
        Material::ALL.into_iter().zip(self.next).all(|(m, next)| {
            let used = match m {
                Material::Bits => next.next_multiple_of(64),
                Material::R64 | Material::R128 => next,
            };
            used as u64 == self.shares.amounts.of(m)
        })
    }
}
