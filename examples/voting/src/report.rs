//! What came of it, in numbers.

use std::{fmt, time::Duration};

/// Votes by choice, and ballots that named none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Votes of each choice.
    pub votes: [u64; 3],
    /// Ballots outside the choices.
    pub invalid: u64,
}

impl Tally {
    /// Counts a ballot in clear.
    pub fn count(&mut self, choice: u8) {
        match self.votes.get_mut(usize::from(choice)) {
            Some(votes) => *votes += 1,
            None => self.invalid += 1,
        }
    }

    /// All ballots in it.
    #[must_use]
    pub fn ballots(&self) -> u64 {
        self.votes.iter().sum::<u64>() + self.invalid
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.votes;
        write!(f, "{a} : {b} : {c}, invalid {}", self.invalid)
    }
}

/// An attempt of the count, as far as the runner saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 0.
    pub number: u32,
    /// Party number of the node that it did without.
    pub absent: Option<u8>,
    /// Pairs of nodes that stops before it named.
    pub suspected: Vec<[u8; 2]>,
}

/// The figures of one run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Voters on the list.
    pub voters: usize,
    /// The tally that L1 published.
    pub tally: Tally,
    /// The sum in clear of the ballots that must count; equal to `tally`.
    pub expected: Tally,
    /// From the first ordinary ballot to the acceptance of the last.
    pub casting: Duration,
    /// Ordinary ballots accepted in that time.
    pub cast: usize,
    /// From the sending of the transaction that starts the count to three signatures.
    pub close_to_attested: Duration,
    /// From the sending of the transaction that starts the count to the block on L1 with the tally.
    pub close_to_l1: Duration,
    /// Rounds of the computation.
    pub rounds: u64,
    /// Ballots that it ran on.
    pub inputs: u64,
    /// Bytes that nodes sent to each other while ballots were cast and accepted, for each of them.
    pub bytes_per_ballot_casting: u64,
    /// Bytes that nodes sent to each other for the count, for each ballot.
    pub bytes_per_ballot_counting: u64,
    /// Attempts of the count, in order.
    pub attempts: Vec<Attempt>,
    /// Gas of the transaction that published the tally.
    pub result_gas: u64,
    /// From the start of the program to its end, builds included.
    pub total: Duration,
}

impl Report {
    /// Ordinary ballots accepted per second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn ballots_per_second(&self) -> f64 {
        self.cast as f64 / self.casting.as_secs_f64().max(f64::EPSILON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_choice_is_invalid() {
        let mut tally = Tally::default();
        for choice in [0, 2, 2, 3, 255] {
            tally.count(choice);
        }
        assert_eq!((tally.votes, tally.invalid), ([1, 0, 2], 2));
        assert_eq!(tally.ballots(), 5);
        assert_eq!(tally.to_string(), "1 : 0 : 2, invalid 2");
    }
}
