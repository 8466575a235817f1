//! Checking triples against each other.
//!
//! Triples are in a random order: first those that are kept, one of each bucket; then the others of the
//! buckets, turn by turn; then those that are opened completely. For a kept triple (a, b, c) and another
//! one of its bucket (a', b', c'), ρ = a − a' and σ = b − b' are opened, and then
//!
//! c − c' − σ·a' − ρ·b' − ρ·σ,
//!
//! which is (c − a·b) − (c' − a'·b'): 0 unless one of the two is wrong, and also if both are wrong by the
//! same. The others are never used again, so ρ and σ tell nothing about a and b.

use super::bucket::Buckets;
use crate::vector::{Share, Vector, with_element};

/// A triple of shares a, b and c.
pub(super) type Triple = [Share; 3];

/// x of the triples that are kept less x of the others of their buckets.
pub(super) fn differences(x: &Share, buckets: Buckets) -> Share {
    x.map(x.domain(), buckets.others(), |x| {
        in_turn(x, buckets, |turn, kept| {
            kept.minus(&x.view(turn * buckets.count, buckets.count))
        })
    })
}

/// By how much the products of two triples of a bucket are wrong by different numbers, with ρ and σ
/// opened. `public` is a component that all live parties hold.
pub(super) fn errors(
    [a, b, c]: &Triple,
    [rho, sigma]: [&Vector; 2],
    buckets: Buckets,
    public: usize,
) -> Share {
    let count = buckets.count;
    let mut errors = Share::zero(c.domain(), buckets.others());
    for component in 0..4 {
        let [Some(a), Some(b), Some(c)] = [a, b, c].map(|x| x.part(component)) else {
            continue;
        };
        let error = in_turn(c, buckets, |turn, kept| {
            let of = |x: &Vector| x.view(turn * count, count);
            let opened = |x: &Vector| x.view((turn - 1) * count, count);
            let (rho, sigma) = (opened(rho), opened(sigma));
            let mut error = kept.minus(&of(c));
            error.subtract(&of(a).times(&sigma));
            error.subtract(&of(b).times(&rho));
            if component == public {
                error.subtract(&rho.times(&sigma));
            }
            error
        });
        errors.set(component, error);
    }
    errors
}

/// What `f` makes of each turn of the others, from 1 on, and of what is kept of x; one after another.
fn in_turn(x: &Vector, buckets: Buckets, f: impl Fn(usize, &Vector) -> Vector) -> Vector {
    let count = buckets.count;
    let kept = x.view(0, count);
    let mut all = Vector::unset(x.domain(), buckets.others());
    for turn in 1..buckets.size {
        all.paste((turn - 1) * count, &f(turn, &kept), 0, count);
    }
    all
}

/// Whether opened products are right.
pub(super) fn are_products([a, b, c]: [&Vector; 3]) -> bool {
    is_zero(&c.minus(&a.times(b)))
}

/// Whether an opened vector is zero.
pub(super) fn is_zero(x: &Vector) -> bool {
    with_element!(x.domain(), E => x.elements::<E>().iter().all(|x| *x == <E as Default>::default()))
}

/// The triples in this order.
pub(super) fn reorder(triple: &mut Triple, order: &[u32]) {
    for x in triple {
        *x = x.gather(order);
    }
}
