//! A sealed-bid auction at the second price (Vickrey): the highest bidder wins and pays what the
//! second highest bid, so that everybody does best by bidding what the thing is worth to them.
//!
//! Everybody learns whether the thing was sold, and at what price. Each bidder learns, alone,
//! whether they won. The seller learns, alone, who won. No bid is ever opened.

#[quartet::contract]
pub mod auction {
    //! The contract.

    use quartet::prelude::*;

    /// An auction of one thing.
    #[state]
    pub struct Auction {
        /// Who sells.
        seller: Address,
        /// The least price at which the seller sells.
        reserve: u64,
        /// When bidding ends.
        closes: Time,
        /// Who has bid; a bidder's place here is their number.
        bidders: List<Address>,
        /// Numbers of the bidders.
        numbers: Map<Address, u64>,
        /// Whether it is being settled.
        settling: bool,
        /// How it ended.
        outcome: Item<Outcome>,
    }

    /// What a bidder seals.
    #[derive(SecretInput)]
    pub struct Bid {
        /// The most that they would pay.
        pub price: Secret<u64>,
    }

    /// What everybody learns.
    #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
    pub struct Outcome {
        /// Whether anybody bid the reserve or more.
        pub sold: bool,
        /// The second highest bid, but at least the reserve; 0 if nothing was sold.
        pub price: u64,
    }

    /// What a bidder learns, and nobody else.
    #[derive(SecretInput)]
    pub struct Notice {
        /// Whether they won.
        pub won: Secret<bool>,
        /// What they pay; 0 if they did not win.
        pub pays: Secret<u64>,
    }

    /// What the seller learns, and nobody else.
    #[derive(SecretInput)]
    pub struct Sale {
        /// Number of the bidder who won, if the thing was sold; else 0.
        pub bidder: Secret<u64>,
    }

    /// Why the auction refuses.
    #[error]
    pub enum AuctionError {
        /// Bidding has ended.
        BiddingClosed,
        /// Bidding ends at this time.
        BiddingOpen {
            /// Seconds since the Unix epoch.
            closes: Time,
        },
        /// The seller may not bid.
        SellerMayNotBid,
        /// The auction is being settled, or was.
        AlreadySettled,
        /// There is no outcome yet.
        NotSettledYet,
        /// No bidder has this number.
        NoSuchBidder,
    }

    /// Somebody bid, or changed their bid. What they bid is not told.
    #[event]
    pub struct BidPlaced {
        /// Who.
        #[indexed]
        pub bidder: Address,
        /// Their number.
        pub number: u64,
    }

    /// The auction has ended.
    #[event]
    pub struct Settled {
        /// Whether the thing was sold.
        pub sold: bool,
        /// At what price.
        pub price: u64,
    }

    #[init]
    fn new(s: &mut Auction, ctx: &Ctx, reserve: u64, closes: Time) {
        s.seller = ctx.sender;
        s.reserve = reserve;
        s.closes = closes;
    }

    /// The last bid of a bidder counts.
    #[input]
    fn bid(s: &mut Auction, ctx: &Ctx, bid: Sealed<Bid>) -> Result<()> {
        ensure!(ctx.time < s.closes, AuctionError::BiddingClosed);
        ensure!(ctx.sender != s.seller, AuctionError::SellerMayNotBid);
        let number = s.numbers.get(&ctx.sender).unwrap_or_else(|| {
            let number = s.bidders.push(&ctx.sender);
            s.numbers.insert(&ctx.sender, &number);
            number
        });
        bid.set_tag(number);
        bid.replace();
        BidPlaced {
            bidder: ctx.sender,
            number,
        }
        .emit();
        Ok(())
    }

    /// Happens by itself when bidding has ended. Should it fail, anybody may do it.
    #[action]
    #[at(closes)]
    fn close(s: &mut Auction, ctx: &Ctx) -> Result<Start<settle>> {
        ensure!(
            ctx.time >= s.closes,
            AuctionError::BiddingOpen { closes: s.closes }
        );
        ensure!(!s.settling, AuctionError::AlreadySettled);
        s.settling = true;
        Ok(Start::with((s.reserve,)).reader(s.seller))
    }

    #[compute]
    fn settle(
        bids: SecretVec<Bid>,
        reserve: u64,
    ) -> (Secret<Outcome>, ToOwners<Notice>, ToReader<Sale>) {
        let prices = bids.price;
        if prices.is_empty() {
            let nothing = Outcome::secret(Secret::public(false), Secret::ZERO);
            let notices = NoticeColumns {
                won: SecretVec::repeat(false, 0),
                pays: prices,
            };
            let nobody = Sale {
                bidder: Secret::ZERO,
            };
            return (
                nothing,
                ToOwners::new(&bids, notices),
                ToReader::new(nobody),
            );
        }
        // Among equal bids the first one wins.
        let best = prices.argmax();
        let places: Vec<u64> = (0..prices.len() as u64).collect();
        let is_best = SecretVec::public(&places).eq(best);
        // The best bid alone, and the others alone: sums and differences are free, comparisons are not.
        let highest = is_best.select(prices, SecretVec::repeat(0, prices.len()));
        let second = (prices - highest).maximum();
        let sold = highest.sum().ge(reserve);
        let price = sold.select(second.max(reserve), Secret::ZERO);
        let won = is_best & sold;
        let bidder = SecretVec::public(&bids.tags()).lookup_one(best);
        (
            Outcome::secret(sold, price),
            ToOwners::new(
                &bids,
                NoticeColumns {
                    won,
                    pays: won.select(price, Secret::ZERO),
                },
            ),
            ToReader::new(Sale {
                bidder: sold.select(bidder, Secret::ZERO),
            }),
        )
    }

    #[attested]
    fn settled(s: &mut Auction, outcome: Outcome) {
        s.outcome.set(&outcome);
        Settled {
            sold: outcome.sold,
            price: outcome.price,
        }
        .emit();
    }

    /// After this anybody may close the auction again.
    #[failed]
    fn failed(s: &mut Auction, _fault: Fault) {
        s.settling = false;
    }

    #[view]
    fn closes(s: &Auction) -> Time {
        s.closes
    }

    #[view]
    fn bidder(s: &Auction, number: u64) -> Result<Address> {
        s.bidders.get(number).ok_or(AuctionError::NoSuchBidder)
    }

    #[view]
    fn outcome(s: &Auction) -> Result<Outcome> {
        s.outcome.get().ok_or(AuctionError::NotSettledYet)
    }
}
