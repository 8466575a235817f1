#[quartet::contract]
mod auction {
    use quartet::prelude::*;

    #[state]
    pub struct Auction {
        seller: Address,
    }

    #[derive(SecretInput)]
    pub struct Bid {
        pub price: Secret<u64>,
    }

    #[input]
    fn bid(_s: &mut Auction, _bid: Sealed<Bid>) {}

    #[action]
    fn close(_s: &mut Auction) -> Start<best> {
        Start::new()
    }

    #[action]
    fn end(s: &mut Auction) -> Start<count> {
        Start::new().reader(s.seller)
    }

    #[compute]
    fn best(bids: SecretVec<Bid>) -> ToReader<Bid> {
        let price = bids.price.maximum();
        ToReader::new(Bid { price })
    }

    #[compute]
    fn count(bids: SecretVec<Bid>) -> Secret<u64> {
        Secret::public(bids.len() as u64)
    }
}

fn main() {}
