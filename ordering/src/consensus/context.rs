//! The types over which Malachite's core runs: parties, block hashes, and the votes and proposals
//! of [`wire::consensus`].

use std::{convert::Infallible, fmt};

use alloy_primitives::{Address as EthereumAddress, B256};
use malachite_types::{
    Address, Context, Height, LinearTimeouts, NilOrVal, Proposal, ProposalPart, Round,
    SignedExtension, SignedMessage, SigningScheme, Validator, ValidatorSet, Value, Vote, VoteType,
    VotingPower,
};
use wire::{
    codec,
    committee::Committee,
    consensus::{self as wired, VoteKind},
    signing::Signature,
};

/// A node, by its party number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Party(pub(crate) u8);

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

impl Address for Party {}

/// Number of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(pub(crate) u64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Height for Number {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// What is decided on: the hash of a block. The blocks themselves are kept outside of the core, so
/// that it cannot be made to hold many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockHash(pub(crate) B256);

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Value for BlockHash {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

/// A proposal, with the block as its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) height: Number,
    pub(crate) round: Round,
    pub(crate) block: BlockHash,
    pub(crate) pol_round: Round,
    pub(crate) proposer: Party,
}

impl Offer {
    /// What is signed, as [`wired::Proposal::signed_bytes`] has it.
    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        wired::Proposal::bytes_to_sign(
            self.height.0,
            self.round.as_u32().unwrap_or_default(),
            self.pol_round.as_u32(),
            self.proposer.0,
            self.block.0,
        )
    }
}

impl Proposal<Consensus> for Offer {
    fn height(&self) -> Number {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockHash {
        &self.block
    }

    fn take_value(self) -> BlockHash {
        self.block
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Party {
        &self.proposer
    }
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ballot {
    pub(crate) kind: VoteType,
    pub(crate) height: Number,
    pub(crate) round: Round,
    pub(crate) block: NilOrVal<BlockHash>,
    pub(crate) voter: Party,
}

impl Ballot {
    /// The vote as it is signed, sent and stored.
    pub(crate) fn to_wire(&self) -> wired::Vote {
        wired::Vote {
            kind: match self.kind {
                VoteType::Prevote => VoteKind::Prevote,
                VoteType::Precommit => VoteKind::Precommit,
            },
            height: self.height.0,
            round: self.round.as_u32().unwrap_or_default(),
            block: match self.block {
                NilOrVal::Nil => None,
                NilOrVal::Val(BlockHash(hash)) => Some(hash),
            },
            voter: self.voter.0,
        }
    }

    /// The vote as the core knows it.
    pub(crate) fn from_wire(vote: &wired::Vote) -> Self {
        Self {
            kind: match vote.kind {
                VoteKind::Prevote => VoteType::Prevote,
                VoteKind::Precommit => VoteType::Precommit,
            },
            height: Number(vote.height),
            round: Round::new(vote.round),
            block: vote
                .block
                .map_or(NilOrVal::Nil, |hash| NilOrVal::Val(BlockHash(hash))),
            voter: Party(vote.voter),
        }
    }
}

impl Vote<Consensus> for Ballot {
    fn height(&self) -> Number {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockHash> {
        &self.block
    }

    fn take_value(self) -> NilOrVal<BlockHash> {
        self.block
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Party {
        &self.voter
    }

    fn extension(&self) -> Option<&SignedExtension<Consensus>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Consensus>> {
        None
    }

    fn extend(self, _: SignedExtension<Consensus>) -> Self {
        self
    }
}

/// Blocks are sent whole, with their proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whole;

impl ProposalPart<Consensus> for Whole {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

/// A node with its address, by which its signatures are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    party: Party,
    address: EthereumAddress,
}

impl Validator<Consensus> for Member {
    fn address(&self) -> &Party {
        &self.party
    }

    fn public_key(&self) -> &EthereumAddress {
        &self.address
    }

    fn voting_power(&self) -> VotingPower {
        1
    }
}

/// The committee, with one vote for each node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members(Vec<Member>);

impl Members {
    pub(crate) fn new(committee: &Committee) -> Self {
        let members = (0..).zip(&committee.nodes).map(|(index, node)| Member {
            party: Party(index),
            address: node.address,
        });
        Self(members.collect())
    }

    /// Whose turn it is: the nodes in order, over heights and over the rounds of a height.
    pub(crate) fn proposer(&self, height: u64, round: u32) -> &Member {
        let turn = height.wrapping_add(u64::from(round)) % self.0.len() as u64;
        &self.0[turn as usize]
    }

    pub(crate) fn proposer_party(&self, height: u64, round: u32) -> u8 {
        self.proposer(height, round).party.0
    }
}

impl ValidatorSet<Consensus> for Members {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total_voting_power(&self) -> VotingPower {
        self.0.len() as VotingPower
    }

    fn get_by_address(&self, party: &Party) -> Option<&Member> {
        self.0.get(usize::from(party.0))
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.0.get(index)
    }
}

/// Nodes sign with secp256k1, and are known by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scheme;

impl SigningScheme for Scheme {
    type DecodingError = wire::WireError;
    type Signature = Signature;
    type PublicKey = EthereumAddress;
    // The core never sees a key: it asks for signatures.
    type PrivateKey = Infallible;

    fn decode_signature(bytes: &[u8]) -> Result<Signature, wire::WireError> {
        codec::decode("signature", bytes, 128)
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        codec::encode(signature)
    }

    fn decode_public_key(bytes: &[u8]) -> Result<EthereumAddress, wire::WireError> {
        codec::decode("address", bytes, 32)
    }

    fn encode_public_key(address: &EthereumAddress) -> Vec<u8> {
        codec::encode(address)
    }
}

/// Names all of the above to the core.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Consensus;

/// A vote with its signature.
pub(crate) type SignedBallot = SignedMessage<Consensus, Ballot>;
/// A proposal with its signature.
pub(crate) type SignedOffer = SignedMessage<Consensus, Offer>;

impl Context for Consensus {
    type Address = Party;
    type Height = Number;
    type ProposalPart = Whole;
    type Proposal = Offer;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = LinearTimeouts;
    type Value = BlockHash;
    type Vote = Ballot;
    type Extension = ();
    type SigningScheme = Scheme;

    fn select_proposer<'a>(
        &self,
        members: &'a Members,
        height: Number,
        round: Round,
    ) -> &'a Member {
        members.proposer(height.0, round.as_u32().unwrap_or_default())
    }

    fn new_proposal(
        &self,
        height: Number,
        round: Round,
        block: BlockHash,
        pol_round: Round,
        proposer: Party,
    ) -> Offer {
        Offer {
            height,
            round,
            block,
            pol_round,
            proposer,
        }
    }

    fn new_prevote(
        &self,
        height: Number,
        round: Round,
        block: NilOrVal<BlockHash>,
        voter: Party,
    ) -> Ballot {
        Ballot {
            kind: VoteType::Prevote,
            height,
            round,
            block,
            voter,
        }
    }

    fn new_precommit(
        &self,
        height: Number,
        round: Round,
        block: NilOrVal<BlockHash>,
        voter: Party,
    ) -> Ballot {
        Ballot {
            kind: VoteType::Precommit,
            height,
            round,
            block,
            voter,
        }
    }
}
