//! A coin that three parties toss: nobody knows it before all have said what they add to it.
//!
//! Everybody commits to a contribution, and opens it one round or more later, when it has all that
//! must not depend on the coin. With the opening it repeats its commitment, now as a message that
//! another party vouches for: so everybody has the same commitments, and the same coin.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

pub(super) const HASH_BYTES: usize = 32;
pub(super) type Hash = [u8; HASH_BYTES];

/// The contributions of one party, one for each coin of a session.
pub(crate) struct Contributions {
    key: Zeroizing<Hash>,
    /// What the session is bound to.
    session: Hash,
    me: usize,
}

/// One party's part in one coin.
pub(super) struct Coin {
    session: Hash,
    number: u32,
    me: usize,
    contribution: Zeroizing<Hash>,
}

impl Contributions {
    /// From the entropy of a session.
    pub(crate) fn new(me: usize, session: Hash, entropy: &Hash) -> Self {
        Self {
            key: Zeroizing::new(blake3::derive_key("quartet v1 coins of a refill", entropy)),
            session,
            me,
        }
    }

    /// The coin with this number; each has its own contribution.
    pub(super) fn coin(&self, number: u32) -> Coin {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&number.to_le_bytes());
        Coin {
            session: self.session,
            number,
            me: self.me,
            contribution: Zeroizing::new(*hasher.finalize().as_bytes()),
        }
    }
}

impl Coin {
    /// What this party says first.
    pub(super) fn commitment(&self) -> Hash {
        self.commitment_of(self.me, &self.contribution)
    }

    /// What it says last.
    pub(super) fn opening(&self) -> &Hash {
        &self.contribution
    }

    fn commitment_of(&self, party: usize, contribution: &Hash) -> Hash {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 commitment to a coin");
        hasher.update(&self.session);
        hasher.update(&self.number.to_le_bytes());
        hasher.update(&[party as u8]);
        hasher.update(contribution);
        *hasher.finalize().as_bytes()
    }

    /// Whether a contribution opens the commitment of a party.
    pub(super) fn opens(&self, party: usize, commitment: &[u8], contribution: &Hash) -> bool {
        let expected = self.commitment_of(party, contribution);
        expected.as_slice().ct_eq(commitment).into()
    }

    /// The coin: of all contributions, in the order of the parties.
    pub(super) fn toss(&self, contributions: &[Option<Hash>; 4]) -> Hash {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 coin of a refill");
        hasher.update(&self.session);
        hasher.update(&self.number.to_le_bytes());
        for (party, contribution) in (0u8..).zip(contributions) {
            if let Some(contribution) = contribution {
                hasher.update(&[party]).update(contribution);
            }
        }
        *hasher.finalize().as_bytes()
    }
}
