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
    fn best(s: &Auction, bids: SecretVec<Bid>) -> Secret<u64> {
        bids.price.maximum()
    }
}

fn main() {}
