#[quartet::contract]
mod auction {
    use quartet::prelude::*;

    #[state]
    pub struct Auction {}

    #[derive(SecretInput)]
    pub struct Bid {
        pub price: Secret<u64>,
    }

    #[input]
    fn bid(_s: &mut Auction, _bid: Sealed<Bid>) {}

    #[compute]
    fn best(bids: SecretVec<Bid>) -> Secret<u64> {
        let (a, b) = (bids.at(0), bids.at(1));
        let public = bids.len() > 1 && !bids.is_empty();
        if public && a.price.gt(b.price) {
            a.price
        } else {
            while b.price.eq(3) {}
            b.price
        }
    }
}

fn main() {}
