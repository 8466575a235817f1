//! A poll with secret ballots: who voted is public, what they voted is not, and only the tally is
//! ever opened. Voters may change their mind until the end: the last ballot counts.
//!
//! The list of voters is fixed on L1. Here it arrives in batches, carried by anybody: each comes
//! with a proof against the root that the contract was deployed with ([`electorate`]), so a hostile
//! carrier can neither alter the list nor spoil the poll. Voting opens when the list is complete.

pub mod electorate;

#[quartet::contract]
pub mod voting {
    //! The contract.

    use quartet::prelude::*;

    use crate::electorate;

    /// How many choices a poll has.
    pub const CHOICES: usize = 3;

    /// The poll.
    #[state]
    pub struct Poll {
        /// The contract on L1 that publishes the tally.
        l1_poll: Address,
        /// Root of the tree over the batches of voters.
        tree_root: B256,
        /// How many batches there are.
        batches: u32,
        /// When voting ends.
        closes: Time,
        /// How many batches have arrived.
        batches_added: u32,
        /// How many voters have voted.
        votes_cast: u64,
        /// Whether the tally has been started.
        started: bool,
        /// Which batches have arrived.
        added: Map<u32, bool>,
        /// How many votes each voter has: as many as the list names them.
        voters: Map<Address, u64>,
        /// Who has voted.
        voted: Set<Address>,
        /// The attested result.
        tally: Item<Tally>,
    }

    /// What a voter seals.
    #[derive(SecretInput)]
    pub struct Ballot {
        /// Number of the choice; any other number is an invalid ballot.
        pub choice: Secret<u8>,
    }

    /// What is revealed.
    #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
    pub struct Tally {
        /// Votes for each choice.
        pub votes: [u64; CHOICES],
        /// Votes for none of them.
        pub invalid: u64,
    }

    /// Why the poll refuses.
    #[error]
    pub enum PollError {
        /// The batch is not part of the list that the poll was deployed with.
        NotInElectorate,
        /// The batch has arrived before.
        AlreadyAdded,
        /// Voting opens when all batches have arrived.
        ElectorateIncomplete,
        /// The sender may not vote.
        NotOnTheList,
        /// Voting has ended.
        PollClosed,
        /// Voting ends at this time.
        PollStillOpen {
            /// Seconds since the Unix epoch.
            closes: Time,
        },
        /// The tally has been started.
        AlreadyStarted,
        /// There is no attested tally yet.
        NotTalliedYet,
    }

    /// A batch of voters has arrived.
    #[event]
    pub struct BatchAdded {
        /// Its number.
        #[indexed]
        pub index: u32,
        /// How many voters it has.
        pub voters: u32,
    }

    /// A ballot counts, in place of an earlier one of this voter. Whose it is, is public.
    #[event]
    pub struct VoteCast {
        /// The voter.
        #[indexed]
        pub voter: Address,
    }

    /// Three nodes have signed the tally.
    #[event]
    pub struct Tallied {
        /// Votes for each choice.
        pub votes: [u64; CHOICES],
        /// Votes for none of them.
        pub invalid: u64,
    }

    #[init]
    fn new(s: &mut Poll, l1_poll: Address, tree_root: B256, batches: u32, closes: Time) {
        s.l1_poll = l1_poll;
        s.tree_root = tree_root;
        s.batches = batches;
        s.closes = closes;
    }

    #[action]
    fn add_voters(s: &mut Poll, index: u32, voters: Vec<Address>, proof: Vec<B256>) -> Result<()> {
        ensure!(index < s.batches, PollError::NotInElectorate);
        ensure!(!s.added.contains(&index), PollError::AlreadyAdded);
        let root = electorate::root_from(index, &voters, &proof);
        ensure!(root == Some(s.tree_root), PollError::NotInElectorate);

        for voter in &voters {
            let votes = s.voters.get(voter).unwrap_or_default();
            s.voters.insert(voter, &(votes + 1));
        }
        s.added.insert(&index, &true);
        s.batches_added += 1;
        BatchAdded {
            index,
            voters: voters.len() as u32,
        }
        .emit();
        Ok(())
    }

    #[input]
    fn cast(s: &mut Poll, ctx: &Ctx, ballot: Sealed<Ballot>) -> Result<()> {
        ensure!(complete(s), PollError::ElectorateIncomplete);
        ensure!(ctx.time < s.closes, PollError::PollClosed);
        let votes = s.voters.get(&ctx.sender).ok_or(PollError::NotOnTheList)?;

        ballot.set_tag(votes);
        ballot.replace();
        if !s.voted.contains(&ctx.sender) {
            s.voted.insert(&ctx.sender);
            s.votes_cast += 1;
        }
        VoteCast { voter: ctx.sender }.emit();
        Ok(())
    }

    /// Anybody may do this once voting has ended.
    #[action]
    fn close(s: &mut Poll, ctx: &Ctx) -> Result<Start<tally>> {
        ensure!(
            ctx.time >= s.closes,
            PollError::PollStillOpen { closes: s.closes }
        );
        ensure!(complete(s), PollError::ElectorateIncomplete);
        ensure!(!s.started, PollError::AlreadyStarted);

        s.started = true;
        let context = electorate::context(s.l1_poll, s.tree_root, s.batches);
        Ok(Start::with_context(context))
    }

    #[compute]
    fn tally(ballots: SecretVec<Ballot>) -> Secret<Tally> {
        let weights = ballots.tags();
        let all: u64 = weights.iter().sum();
        let weights = SecretVec::public(&weights);
        let mut votes = [Secret::ZERO; CHOICES];
        let mut valid = Secret::ZERO;
        for (i, v) in votes.iter_mut().enumerate() {
            *v = (ballots.choice.eq(i as u8).cast::<u64>() * weights).sum();
            valid += *v;
        }
        Tally::secret(votes, all - valid)
    }

    #[attested]
    fn done(s: &mut Poll, tally: Tally) {
        s.tally.set(&tally);
        Tallied {
            votes: tally.votes,
            invalid: tally.invalid,
        }
        .emit();
    }

    /// After this anybody may close the poll again.
    #[failed]
    fn failed(s: &mut Poll, _fault: Fault) {
        s.started = false;
    }

    #[view]
    fn complete(s: &Poll) -> bool {
        s.batches_added == s.batches
    }

    #[view]
    fn votes_cast(s: &Poll) -> u64 {
        s.votes_cast
    }

    #[view]
    fn closes(s: &Poll) -> Time {
        s.closes
    }

    #[view]
    fn batch_added(s: &Poll, index: u32) -> bool {
        s.added.contains(&index)
    }

    #[view]
    fn result(s: &Poll) -> Result<Tally> {
        s.tally.get().ok_or(PollError::NotTalliedYet)
    }
}
