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
        let bid = bids.at(0);
        let equal = bid.price == bids.at(1).price;
        bids.price.sum()
    }
}

fn main() {}
