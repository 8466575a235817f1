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

    #[action]
    fn raise(_s: &mut Auction, price: Secret<u64>) {}
}

fn main() {}
