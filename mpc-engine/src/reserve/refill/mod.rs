//! Making a lot with three parties, when one is away.
//!
//! Each component of a, b and the seeds is drawn by its live holders; for products three elements
//! cross, which nobody vouches for ([`Crossing::multiply_unvouched`]). So whoever lies can make
//! products wrong by numbers that it chooses, and no more: nothing that it could see depends on a lie,
//! and all values are random. Before anything is kept, triples are checked: more are made than are
//! kept, a coin that all three toss puts them into buckets, in each bucket the first is checked
//! against the others, and a few are opened completely (`bucket`, `check`). A check that fails stops the
//! session with [`Stop::Spoiled`], which names nobody: to find who lied would need everything that
//! crossed.
//!
//! Four rounds for each batch, none of which is larger than a lot as `wire::limits` has it:
//!
//! 1. products, and commitments to the coin;
//! 2. the coin. A party opens its part when it has what it is sent in round 1; so when the last honest
//!    part is opened, all messages of products are there;
//! 3. what `check` opens first, and the triples that are opened completely;
//! 4. the errors, which must be 0.
//!
//! All that is opened is vouched for, as everywhere. The absent party gets its components later, from
//! those who hold them; the hashes in the log say whether they are right.

mod bucket;
mod check;
mod coin;
mod plan;
#[cfg(test)]
mod tests;

use wire::limits::{LOT_BITS, LOT_R64, LOT_R128};

use super::{Amounts, Material, SEED_BYTES};
use crate::{
    EngineError, FrameFault, Stop,
    machine::{Next, Results},
    protocol::{Arrivals, Crossing, Place, Ring, random_order, take_product},
    roles::Roles,
    session::Frames,
    vector::{Domain, Share, Vector},
};
use bucket::Buckets;
use check::Triple;
pub(crate) use coin::Contributions;
use coin::{Coin, HASH_BYTES, Hash};

/// Opened values of one material: ρ, σ, then a, b and c of the triples that are opened.
const OPENED: usize = 5;

/// One party's part in making a lot with three.
pub(crate) struct Refill {
    crossing: Crossing,
    ring: Ring,
    contributions: Contributions,
    amounts: Amounts,
    /// Batches that are begun.
    begun: u32,
    /// Batches in all.
    batches: u32,
    /// a, b and c of each material, as far as they are made and checked.
    kept: [Vec<Triple>; 3],
    stage: Stage,
}

/// What the next frames are for.
enum Stage {
    /// They bring products and commitments.
    Products(Vec<Batch>, Coin),
    /// They bring contributions to the coin.
    Coin(Vec<Batch>, Coin, [Option<Hash>; 4]),
    /// They bring what is opened first.
    Differences(Vec<Batch>, Vec<Vector>),
    /// They bring the errors.
    Errors(Vec<Batch>, Vec<Vector>),
    Done,
}

/// Triples of one material that are made and checked together.
struct Batch {
    material: Material,
    buckets: Buckets,
    triple: Triple,
}

/// Most triples of a material in one batch: bounds memory and frames. A larger batch takes no smaller
/// buckets.
const fn most(material: Material) -> u64 {
    match material {
        Material::Bits => LOT_BITS,
        Material::R64 => LOT_R64,
        Material::R128 => LOT_R128,
    }
}

/// Triples of a material are made by so many at once: whole words.
const fn unit(material: Material) -> u64 {
    match material {
        Material::Bits => 64,
        Material::R64 | Material::R128 => 1,
    }
}

/// Batches that it takes to make a lot.
fn batches(amounts: &Amounts) -> u32 {
    let batches = Material::ALL.map(|m| amounts.of(m).div_ceil(most(m)));
    batches.into_iter().max().unwrap_or(0) as u32
}

/// The buckets of a material in a batch, of which there are so many: nearly the same in each, so that
/// none is small.
fn buckets(amounts: &Amounts, material: Material, number: u32, batches: u32) -> Buckets {
    let unit = unit(material);
    let units = amounts.of(material) / unit;
    let until = |batch: u32| units * u64::from(batch) / u64::from(batches.max(1));
    let count = (until(number + 1) - until(number)) * unit;
    Buckets::of(count as usize, unit as usize)
}

impl Refill {
    /// Begins with keys that are set up for the three: `crossing` has sent nothing yet.
    ///
    /// # Errors
    /// [`EngineError::ReserveForm`] if there is too much; [`EngineError::Defect`] if nobody is absent.
    pub(crate) fn new(
        crossing: Crossing,
        amounts: Amounts,
        contributions: Contributions,
    ) -> Result<Self, EngineError> {
        amounts.check()?;
        let absent = crossing.absent();
        let absent = absent.ok_or(EngineError::Defect("nobody is absent from a refill"))?;
        Ok(Self {
            ring: Ring::new(crossing.me, absent),
            crossing,
            contributions,
            amounts,
            begun: 0,
            batches: batches(&amounts),
            kept: Default::default(),
            stage: Stage::Done,
        })
    }

    /// Runs the first round, if there is anything to make but seeds.
    pub(crate) fn begin(&mut self) -> Next {
        if self.begun == self.batches {
            return Next::Done(Results::Kept(self.finish()));
        }
        let coin = self.contributions.coin(self.begun);
        self.crossing.name_operation(self.begun, 0, 1);
        let mut made = Vec::with_capacity(Material::ALL.len());
        for material in Material::ALL {
            let buckets = buckets(&self.amounts, material, self.begun, self.batches);
            if buckets.count > 0 {
                let [a, b] =
                    [(); 2].map(|()| self.crossing.random(material.domain(), buckets.made, None));
                let c = self.crossing.multiply_unvouched(self.ring, &a, &b);
                made.push(Batch {
                    material,
                    buckets,
                    triple: [a, b, c],
                });
            }
        }
        for peer in self.ring.peers() {
            self.crossing.tell(peer, &coin.commitment());
            self.crossing.expect_told(peer, HASH_BYTES);
        }
        self.begun += 1;
        self.stage = Stage::Products(made, coin);
        Next::Rounds(vec![self.crossing.close()])
    }

    /// Verifies the frames of the last round, then runs the next.
    ///
    /// # Errors
    /// [`Stop`]; [`Stop::Spoiled`] if a check fails.
    pub(crate) fn step(&mut self, frames: Frames) -> Result<Next, Stop> {
        let round = self.crossing.awaited();
        let arrivals = self.crossing.verify(frames)?;
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Products(made, coin) => self.open_coin(made, coin, arrivals),
            Stage::Coin(made, coin, said) => {
                self.open_differences(made, &coin, &said, arrivals, round)
            }
            Stage::Differences(made, opened) => self.open_errors(made, opened, arrivals, round),
            Stage::Errors(made, errors) => self.keep(made, errors, arrivals, round),
            Stage::Done => Err(EngineError::Defect("a refill goes on after its end").into()),
        }
    }

    /// Takes products and commitments; opens this party's part of the coin.
    fn open_coin(
        &mut self,
        mut made: Vec<Batch>,
        coin: Coin,
        arrivals: Arrivals,
    ) -> Result<Next, Stop> {
        let ring = self.ring;
        let mut told = arrivals.unvouched(ring.previous);
        for batch in &mut made {
            let product = &mut batch.triple[2];
            let bytes = product.domain().wire_bytes(product.lanes());
            let (own, rest) = told.split_at_checked(bytes).unwrap_or_default();
            take_product(ring, product, own);
            told = rest;
        }
        let mut said = [None; 4];
        said[ring.me] = Some(coin.commitment());
        for peer in ring.peers() {
            said[peer] = arrivals.unvouched(peer).last_chunk().copied();
        }
        self.crossing.done(arrivals);
        self.crossing.name_operation(self.begun, 0, 2);
        for peer in ring.peers() {
            self.crossing.tell(peer, coin.opening());
            self.crossing.expect_told(peer, HASH_BYTES);
        }
        for sender in ring.live() {
            for receiver in ring.live().filter(|receiver| *receiver != sender) {
                let roles = Roles {
                    sender,
                    backup: 6 - ring.absent - sender - receiver,
                    receiver,
                    outsider: ring.absent,
                };
                let said = said[sender].unwrap_or_default();
                self.crossing.repeat(roles, &said, Place::Revealed(sender));
            }
        }
        self.stage = Stage::Coin(made, coin, said);
        Ok(Next::Rounds(vec![self.crossing.close()]))
    }

    /// Takes the coin, puts triples into its order; opens what of them is checked first.
    fn open_differences(
        &mut self,
        mut made: Vec<Batch>,
        coin: &Coin,
        said: &[Option<Hash>; 4],
        mut arrivals: Arrivals,
        round: u32,
    ) -> Result<Next, Stop> {
        let ring = self.ring;
        let bad = |peer: usize, fault| Stop::BadFrame {
            round,
            peer: peer as u8,
            fault,
        };
        while let Some((place, _, repeated)) = arrivals.next() {
            if let Place::Revealed(peer) = place
                && said[peer].is_none_or(|said| said != repeated)
            {
                // What it said to the other live party is vouched for: to this one it said otherwise.
                return Err(bad(peer, FrameFault::Echo));
            }
        }
        let mut contributions = [None; 4];
        contributions[ring.me] = Some(*coin.opening());
        for peer in ring.peers() {
            let contribution: Option<Hash> = arrivals.unvouched(peer).last_chunk().copied();
            let opens = |contribution: &Hash| {
                said[peer].is_some_and(|said| coin.opens(peer, &said, contribution))
            };
            if !contribution.as_ref().is_some_and(opens) {
                return Err(bad(peer, FrameFault::Commitment));
            }
            contributions[peer] = contribution;
        }
        self.crossing.done(arrivals);
        let toss = coin.toss(&contributions);
        self.crossing.name_operation(self.begun, 0, 3);
        let mut sums = Vec::with_capacity(OPENED * made.len());
        for batch in &mut made {
            let buckets = batch.buckets;
            // The order is large, and gone before there is more.
            let material = batch.material as u32;
            check::reorder(
                &mut batch.triple,
                &random_order(&toss, material, buckets.made),
            );
            let [a, b, c] = &batch.triple;
            let opened = |x: &Share| x.view(buckets.made - buckets.opened(), buckets.opened());
            let differences = [a, b].map(|x| check::differences(x, buckets));
            let completely = [a, b, c].map(opened);
            for share in differences.iter().chain(&completely) {
                let place = Place::Revealed(sums.len());
                sums.push(self.crossing.open(share, place));
            }
        }
        self.stage = Stage::Differences(made, sums);
        Ok(Next::Rounds(vec![self.crossing.close()]))
    }

    /// Checks the triples that are opened completely; opens by how much the others are wrong.
    fn open_errors(
        &mut self,
        mut made: Vec<Batch>,
        opened: Vec<Vector>,
        arrivals: Arrivals,
        round: u32,
    ) -> Result<Next, Stop> {
        let opened = self.take(opened, arrivals);
        self.crossing.name_operation(self.begun, 0, 4);
        let mut sums = Vec::with_capacity(made.len());
        for (batch, opened) in made.iter_mut().zip(opened.chunks(OPENED)) {
            let [rho, sigma, a, b, c] = opened else {
                return Err(EngineError::Defect("an opened value is missing").into());
            };
            if !check::are_products([a, b, c]) {
                return Err(Stop::Spoiled { round });
            }
            let errors =
                check::errors(&batch.triple, [rho, sigma], batch.buckets, self.ring.absent);
            let place = Place::Revealed(sums.len());
            sums.push(self.crossing.open(&errors, place));
            for x in &mut batch.triple {
                *x = x.window(0, batch.buckets.count);
            }
        }
        self.stage = Stage::Errors(made, sums);
        Ok(Next::Rounds(vec![self.crossing.close()]))
    }

    /// Checks that nothing is wrong; keeps the first of each bucket, and goes on.
    fn keep(
        &mut self,
        made: Vec<Batch>,
        errors: Vec<Vector>,
        arrivals: Arrivals,
        round: u32,
    ) -> Result<Next, Stop> {
        let errors = self.take(errors, arrivals);
        if !errors.iter().all(check::is_zero) {
            return Err(Stop::Spoiled { round });
        }
        for batch in made {
            self.kept[batch.material as usize].push(batch.triple);
        }
        Ok(self.begin())
    }

    /// Adds what was missing to opened values.
    fn take(&mut self, mut sums: Vec<Vector>, mut arrivals: Arrivals) -> Vec<Vector> {
        while let Some((place, _, value)) = arrivals.next() {
            if let Place::Revealed(number) = place
                && let Some(sum) = sums.get_mut(number)
            {
                sum.add_encoded(value);
            }
        }
        self.crossing.done(arrivals);
        sums
    }

    /// What was kept, and seeds: as the results of [`super::production`].
    fn finish(&mut self) -> Vec<Share> {
        let mut results = Vec::new();
        for (material, kept) in Material::ALL
            .into_iter()
            .zip(std::mem::take(&mut self.kept))
        {
            let len = self.amounts.of(material) as usize;
            if len == 0 {
                continue;
            }
            let whole = || Share::zero(material.domain(), len);
            let mut triple: Triple = [whole(), whole(), whole()];
            let mut at = 0;
            for part in kept {
                for (whole, part) in triple.iter_mut().zip(&part) {
                    whole.paste(at, part);
                }
                at += part[0].lanes();
            }
            results.extend(triple);
        }
        if self.amounts.seeds > 0 {
            let elements = self.amounts.seeds as usize * SEED_BYTES / 16;
            results.push(self.crossing.random(Domain::R128, elements, None));
        }
        results
    }
}
