//! A market that meets once: buyers and sellers of one thing name limits that nobody sees, as many
//! as can agree do, all at one price, and each learns alone whether they trade.
//!
//! Everybody learns the price and how many trades there are. No limit is ever opened, not even of
//! those who trade.

#[quartet::contract]
pub mod matching {
    //! The contract.

    use quartet::prelude::*;

    /// The market.
    #[state]
    pub struct Market {
        /// When it meets.
        meets: Time,
        /// Who has an order.
        traders: Set<Address>,
        /// Whether it has met.
        met: bool,
        /// What came of it.
        session: Item<Session>,
    }

    /// What a buyer of one piece seals.
    #[derive(SecretInput)]
    pub struct Buy {
        /// The most that they pay.
        pub limit: Secret<u32>,
    }

    /// What a seller of one piece seals.
    #[derive(SecretInput)]
    pub struct Sell {
        /// The least that they take.
        pub limit: Secret<u32>,
    }

    /// What each trader learns, and nobody else.
    #[derive(SecretInput)]
    pub struct Fill {
        /// Whether they trade, at the price of the session.
        pub trades: Secret<bool>,
    }

    /// What everybody learns.
    #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
    pub struct Session {
        /// How many pieces change hands.
        pub trades: u64,
        /// The price of each: halfway between the limits of the last pair that trades, rounded down;
        /// 0 if nobody trades.
        pub price: u32,
    }

    /// Why the market refuses.
    #[error]
    pub enum MarketError {
        /// It has met.
        Closed,
        /// It meets at this time.
        NotYet {
            /// Seconds since the Unix epoch.
            meets: Time,
        },
        /// Each trader has one order.
        OneOrderEach,
        /// It has not met, or the nodes are still matching.
        NoSession,
    }

    /// An order came in. Whether somebody buys or sells is public, their limit is not.
    #[event]
    pub struct Ordered {
        /// Whose it is.
        #[indexed]
        pub trader: Address,
        /// Whether they buy.
        pub buys: bool,
    }

    /// The market has met.
    #[event]
    pub struct Cleared {
        /// How many trades there are.
        pub trades: u64,
        /// Their price.
        pub price: u32,
    }

    #[init]
    fn new(s: &mut Market, meets: Time) {
        s.meets = meets;
    }

    #[input]
    fn buy(s: &mut Market, ctx: &Ctx, _order: Sealed<Buy>) -> Result<()> {
        take_order(s, ctx, true)
    }

    #[input]
    fn sell(s: &mut Market, ctx: &Ctx, _order: Sealed<Sell>) -> Result<()> {
        take_order(s, ctx, false)
    }

    fn take_order(s: &mut Market, ctx: &Ctx, buys: bool) -> Result<()> {
        ensure!(ctx.time < s.meets, MarketError::Closed);
        ensure!(!s.traders.contains(&ctx.sender), MarketError::OneOrderEach);
        s.traders.insert(&ctx.sender);
        Ordered {
            trader: ctx.sender,
            buys,
        }
        .emit();
        Ok(())
    }

    /// Happens by itself when the market meets. Should it fail, anybody may do it.
    #[action]
    #[at(meets)]
    fn meet(s: &mut Market, ctx: &Ctx) -> Result<Start<clear>> {
        ensure!(ctx.time >= s.meets, MarketError::NotYet { meets: s.meets });
        ensure!(!s.met, MarketError::Closed);
        s.met = true;
        Ok(Start::new())
    }

    #[compute]
    fn clear(
        buys: SecretVec<Buy>,
        sells: SecretVec<Sell>,
    ) -> (Secret<Session>, ToOwners<Fill>, ToOwners<Fill>) {
        // Who comes first wins among equals: places keep the order of equal keys.
        let buyers = (!buys.limit).places();
        let sellers = sells.limit.places();
        let pairs = buys.limit.len().min(sells.limit.len());
        let highest = buys.limit.permute(buyers).slice(0, pairs);
        let lowest = sells.limit.permute(sellers).slice(0, pairs);

        // As limits fall on one side and rise on the other, pairs agree up to some place.
        let agree = highest.ge(lowest);
        let trades = agree.count();
        let after = agree.concat(SecretVec::repeat(false, 1)).slice(1, pairs);
        let is_last = agree & !after;
        let middle = highest.midpoint(lowest);
        let price = is_last.select(middle, SecretVec::repeat(0, pairs)).sum();

        let fills = |places: SecretVec<u32>| FillColumns {
            trades: places.cast::<u64>().lt(trades),
        };
        (
            Session::secret(trades, price),
            ToOwners::new(&buys, fills(buyers.places())),
            ToOwners::new(&sells, fills(sellers.places())),
        )
    }

    #[attested]
    fn cleared(s: &mut Market, session: Session) {
        s.session.set(&session);
        Cleared {
            trades: session.trades,
            price: session.price,
        }
        .emit();
    }

    /// After this anybody may let the market meet again.
    #[failed]
    fn failed(s: &mut Market, _fault: Fault) {
        s.met = false;
    }

    #[view]
    fn session(s: &Market) -> Result<Session> {
        s.session.get().ok_or(MarketError::NoSession)
    }
}
