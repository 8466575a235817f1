//! A poll with secret votes: who voted is public, how they voted is not, and only the sums are opened.

#[quartet::contract]
pub mod my_contract {
    //! The contract.

    use quartet::prelude::*;

    /// What everybody sees.
    #[state]
    pub struct Poll {
        /// When voting ends, in seconds since the Unix epoch.
        closes: Time,
        /// Who has voted.
        voted: Map<Address, bool>,
        /// How many have.
        votes: u64,
        /// Whether votes are being counted.
        counting: bool,
        /// The result, once three nodes have signed it.
        result: Item<Tally>,
    }

    /// What a voter keeps secret: shared among the nodes, of which none can read it.
    #[derive(SecretInput)]
    pub struct Vote {
        /// Whether the voter agrees.
        pub yes: Secret<bool>,
    }

    /// What is opened, and nothing else.
    #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
    pub struct Tally {
        /// How many agree.
        pub yes: u64,
        /// How many do not.
        pub no: u64,
    }

    /// Why the poll refuses.
    #[error]
    pub enum PollError {
        /// The sender has voted.
        AlreadyVoted,
        /// Voting has ended.
        Closed,
        /// Voting ends at this time.
        StillOpen {
            /// Seconds since the Unix epoch.
            closes: Time,
        },
        /// The votes are being counted, or were.
        AlreadyCounted,
        /// There is no result yet.
        NoResult,
    }

    /// Runs once, at deployment.
    #[init]
    fn new(s: &mut Poll, closes: Time) {
        s.closes = closes;
    }

    /// Checks in public whether a secret vote may count.
    #[input]
    fn vote(s: &mut Poll, ctx: &Ctx, _vote: Sealed<Vote>) -> Result<()> {
        ensure!(ctx.time < s.closes, PollError::Closed);
        ensure!(!s.voted.contains(&ctx.sender), PollError::AlreadyVoted);
        s.voted.insert(&ctx.sender, &true);
        s.votes += 1;
        Ok(())
    }

    /// Starts the count: by itself when voting has ended, and anybody may if that failed.
    #[action]
    #[at(closes)]
    fn close(s: &mut Poll, ctx: &Ctx) -> Result<Start<count>> {
        ensure!(
            ctx.time >= s.closes,
            PollError::StillOpen { closes: s.closes }
        );
        ensure!(!s.counting, PollError::AlreadyCounted);
        s.counting = true;
        Ok(Start::with_context(B256::ZERO))
    }

    /// Runs on shares: no node sees a vote.
    #[compute]
    fn count(votes: SecretVec<Vote>) -> Secret<Tally> {
        let yes = votes.yes.count();
        Tally::secret(yes, votes.len() as u64 - yes)
    }

    /// Three nodes have signed the result.
    #[attested]
    fn counted(s: &mut Poll, tally: Tally) {
        s.result.set(&tally);
    }

    /// The count ended without a result; anybody may start it again.
    #[failed]
    fn failed(s: &mut Poll, _fault: Fault) {
        s.counting = false;
    }

    /// How many have voted.
    #[view]
    fn votes(s: &Poll) -> u64 {
        s.votes
    }

    /// The result.
    #[view]
    fn result(s: &Poll) -> Result<Tally> {
        s.result.get().ok_or(PollError::NoResult)
    }
}
