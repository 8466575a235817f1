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
        let first = bids.len() == 1;
        if first || bids.price <= 3 {}
        bids.price.sum()
    }

    fn larger(a: Secret<u64>, b: Secret<u64>) -> bool {
        a == b
    }
}

fn main() {}
