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
    fn best(bids: SecretVec<Bid>, ctx: &Ctx) -> Secret<u64> {
        bids.price.maximum()
    }
}

fn main() {}
