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
        at(bids.price.get(0))
    }

    fn at(place: Secret<u64>) -> Secret<u64> {
        let table = [1, 2, 3];
        Secret::public(table[place])
    }
}

fn main() {}
