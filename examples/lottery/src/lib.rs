//! The draw of a lottery whose tickets are sold, and whose prize is paid, on L1.
//!
//! Nobody knows the number before it is drawn, and nobody can draw again: no node, no buyer, no
//! seller. When the sale on L1 has ended, its contract fixes a *closing* that nobody could know
//! before; here one number is drawn for each closing, and L1 takes the result of no other.

#[quartet::contract]
pub mod lottery {
    //! The contract.

    use quartet::prelude::*;

    /// The lottery.
    #[state]
    pub struct Lottery {
        /// The contract on L1 that sells the tickets and pays the prize.
        l1_lottery: Address,
        /// For what a number was drawn, or is being drawn: hashes of lottery, tickets and closing.
        draws: Set<B256>,
        /// For what each computation draws.
        contexts: Map<u64, B256>,
        /// How many computations there are.
        computations: u64,
    }

    /// What is drawn.
    #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
    pub struct Winner {
        /// Number of the ticket that wins, counted from 0.
        pub ticket: u64,
    }

    /// Why the lottery refuses.
    #[error]
    pub enum LotteryError {
        /// No tickets were sold, so none can win.
        NoTickets,
        /// For this closing a number was drawn.
        AlreadyDrawn,
    }

    /// A number was drawn.
    #[event]
    pub struct Drawn {
        /// For which lottery, number of tickets and closing: their hash, as L1 makes it.
        #[indexed]
        pub context: B256,
        /// The ticket that wins.
        pub ticket: u64,
    }

    #[init]
    fn new(s: &mut Lottery, l1_lottery: Address) {
        s.l1_lottery = l1_lottery;
    }

    /// Anybody may ask for the draw, once for each closing. Who names a wrong number of tickets
    /// gets a result that L1 does not take, and the right one can still be asked for.
    #[action]
    fn draw(s: &mut Lottery, tickets: u64, closing: B256) -> Result<Start<pick>> {
        ensure!(tickets > 0, LotteryError::NoTickets);
        let context = keccak256(&abi_encode(&(s.l1_lottery, tickets, closing)));
        ensure!(!s.draws.contains(&context), LotteryError::AlreadyDrawn);
        s.draws.insert(&context);
        s.contexts.insert(&s.computations, &context);
        s.computations += 1;
        Ok(Start::with((tickets,)).context(context))
    }

    #[compute]
    fn pick(tickets: u64) -> Secret<Winner> {
        Winner::secret(Secret::random_below(tickets))
    }

    #[attested]
    fn drawn(s: &mut Lottery, index: u64, winner: Winner) {
        Drawn {
            context: s.contexts.get(&index).unwrap_or_default(),
            ticket: winner.ticket,
        }
        .emit();
    }

    /// After this anybody may ask for the draw again.
    #[failed]
    fn failed(s: &mut Lottery, index: u64, _fault: Fault) {
        let context = s.contexts.get(&index).unwrap_or_default();
        s.draws.remove(&context);
    }
}
