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

    pub struct Result {
        pub price: u64,
    }

    #[compute]
    fn best(bids: SecretVec<Bid>) -> Secret<Result> {
        unimplemented!()
    }
}

fn main() {}
