//! Messages of consensus, in and out.
//!
//! What comes in is bounded and checked before anything is done with it: the height is the next one
//! (or the one after, then it waits), the round is not far ahead, the proposer's turn it is, the
//! signature holds. What goes out goes after the write-ahead log.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
};

use alloy_primitives::{B256, Bytes, keccak256};
use malachite_types::Round;
use wire::{
    consensus::{CommitCertificate, Proposal, RoundCertificate, Signed, Vote},
    peer::PeerMessage,
};
use zk_contract_runtime::CheckedBlock;

use super::{Ordering, peers::Held};
use crate::{
    Effect, OrderingError, Suspicion,
    consensus::{
        BlockHash, Entry, Number, Offer, Output, Party, RECORD_BYTES, SignedOffer, encode_record,
    },
};

/// Rounds whose proposals are remembered.
const ROUNDS: usize = 32;
/// Different proposals of one round that are looked at: one too many is proof enough.
const OFFERS_PER_ROUND: usize = 2;
/// The highest round of a message that waits for its height.
const HELD_ROUND: u32 = 10;

/// A valid block that was proposed.
pub(super) struct Candidate {
    pub(super) checked: CheckedBlock,
    pub(super) bytes: Bytes,
    /// The last round in which it was proposed.
    pub(super) round: u32,
    /// Whether its time was found acceptable, now or before.
    pub(super) timely: bool,
}

/// What is known of the height after the head.
#[derive(Default)]
pub(super) struct Height {
    /// Blocks that were proposed.
    pub(super) blocks: BTreeMap<B256, Candidate>,
    /// Proposals by round: hash, and round of the lock that they claim.
    pub(super) offers: BTreeMap<u32, Vec<(B256, Option<u32>)>>,
    /// The last proposal, for a peer that connects.
    last_offer: Option<SignedOffer>,
    /// Repeated proposals whose time has passed, until the proof of their lock arrives.
    pub(super) waiting: Vec<Offer>,
    /// Entries of the write-ahead log that are written before the next message.
    unwritten: Vec<Entry>,
    unwritten_bytes: usize,
    pub(super) logged_blocks: BTreeSet<B256>,
    pub(super) wal_used: bool,
    /// The height is decided, and the block must come from a peer.
    pub(super) undelivered: Option<CommitCertificate>,
    /// The last block moved the time: contracts see it with the next.
    pub(super) time_moved: bool,
}

/// When a message of consensus is looked at.
#[derive(PartialEq)]
enum Place {
    Now,
    Later,
    Never,
}

impl Ordering {
    fn place(&mut self, from: u8, height: u64) -> Place {
        let next = self.next_height();
        if height < next {
            self.tell_height(from);
            Place::Never
        } else if height > next {
            self.note_height(from, height);
            self.ask_blocks(from);
            if height == next + 1 {
                Place::Later
            } else {
                Place::Never
            }
        } else if self.engine.is_running() {
            Place::Now
        } else {
            Place::Later
        }
    }

    pub(super) fn on_vote(&mut self, from: u8, vote: Signed<Vote>) {
        if vote.message.voter != from {
            return self.suspect(from, Suspicion::Unexpected);
        }
        let place = self.place(from, vote.message.height);
        if place == Place::Never || !self.takes_round(&place, vote.message.round) {
            return;
        }
        if !self.may_check(from) {
            return self.suspect(from, Suspicion::Flood("votes"));
        }
        if let Err(error) = self.engine.checker().vote(&vote) {
            return self.suspect(from, error.into());
        }
        match place {
            Place::Now => self.deliver(Held::Vote(vote)),
            _ => self.hold(from, Held::Vote(vote)),
        }
    }

    pub(super) fn on_proposal(&mut self, from: u8, proposal: Signed<Proposal>) {
        let Proposal {
            height,
            round,
            proposer,
            ..
        } = proposal.message;
        let place = self.place(from, height);
        if place == Place::Never || !self.takes_round(&place, round) {
            return;
        }
        if self.engine.proposer(height, round) != proposer {
            let suspicion = Suspicion::OutOfTurn {
                height,
                round,
                proposer,
            };
            return self.suspect(from, suspicion);
        }
        if !self.may_check(from) {
            return self.suspect(from, Suspicion::Flood("proposals"));
        }
        let offer = offer_of(&proposal.message);
        if let Err(error) = self.engine.checker().offer(&offer, &proposal.signature) {
            return self.suspect(from, error.into());
        }
        match place {
            Place::Now => self.deliver(Held::Proposal(proposal)),
            _ => self.hold(from, Held::Proposal(proposal)),
        }
    }

    pub(super) fn on_certificate(&mut self, from: u8, certificate: RoundCertificate) {
        let Some(first) = certificate.votes.first() else {
            return self.suspect(from, Suspicion::RoundCertificate);
        };
        match self.place(from, first.message.height) {
            Place::Never => {}
            Place::Now => {
                if !self.may_check(from) {
                    return self.suspect(from, Suspicion::Flood("certificates"));
                }
                let now_ms = self.pace.now_ms();
                match self.engine.certificate(&certificate, now_ms) {
                    Ok(outputs) => self.act(outputs),
                    Err(suspicion) => self.suspect(from, suspicion),
                }
            }
            // Its sender's own vote is what matters before the height begins.
            Place::Later => {
                let own = certificate
                    .votes
                    .into_iter()
                    .find(|vote| vote.message.voter == from);
                if let Some(vote) = own {
                    self.on_vote(from, vote);
                }
            }
        }
    }

    fn takes_round(&self, place: &Place, round: u32) -> bool {
        match place {
            Place::Now => self.engine.takes_round(round),
            _ => round <= HELD_ROUND,
        }
    }

    /// Gives the core a checked message of the height that is under way.
    fn deliver(&mut self, message: Held) {
        if !self.engine.is_running() || self.halted {
            return;
        }
        let now_ms = self.pace.now_ms();
        match message {
            Held::Vote(vote) => {
                let outputs = self.engine.vote(&vote, now_ms);
                self.act(outputs);
            }
            Held::Proposal(Signed { message, signature }) => {
                let offer = offer_of(&message);
                if !self.notes(&offer) {
                    return;
                }
                let signed = SignedOffer::new(offer.clone(), signature);
                let verdict = self.judge(&offer, &message.block);
                self.height.last_offer = Some(signed.clone());
                if offer.proposer.0 == self.config.me && offer.pol_round.is_defined() {
                    // This node has signed it and has forgotten that. The core would sign it anew,
                    // without its proof of lock.
                    return;
                }
                let outputs = self.engine.offer(signed, now_ms);
                self.act(outputs);
                match verdict {
                    Some(valid) => {
                        let outputs = self.engine.judged(&offer, valid, now_ms);
                        self.act(outputs);
                    }
                    None => self.height.waiting.push(offer),
                }
            }
        }
    }

    /// Whether a proposal is new, and not one too many.
    pub(super) fn notes(&mut self, offer: &Offer) -> bool {
        let round = offer.round.as_u32().unwrap_or_default();
        let name = (offer.block.0, offer.pol_round.as_u32());
        let earliest = self.height.offers.first_key_value();
        let gone = earliest.is_some_and(|(earliest, _)| round < *earliest);
        if gone && self.height.offers.len() >= ROUNDS {
            return false;
        }
        let offers = self.height.offers.entry(round).or_default();
        if offers.contains(&name) {
            return false;
        }
        if offers.len() >= OFFERS_PER_ROUND {
            // Whoever passed it on may be honest: the proposer signed it.
            self.suspect(offer.proposer.0, Suspicion::Flood("proposals"));
            return false;
        }
        offers.push(name);
        if self.height.offers.len() > ROUNDS {
            self.height.offers.pop_first();
        }
        true
    }

    /// Begins the next height, with what has arrived for it already.
    pub(super) fn begin_height(&mut self) {
        let height = self.next_height();
        let outputs = self.engine.start(height, self.pace.now_ms());
        self.act(outputs);
        for message in self.take_held(height) {
            if self.next_height() == height {
                self.deliver(message);
            }
        }
    }

    /// Does what the core asks for, in order.
    pub(super) fn act(&mut self, outputs: Vec<Output>) {
        let mut queue = VecDeque::from(outputs);
        while let Some(output) = queue.pop_front() {
            if self.halted {
                return;
            }
            match output {
                Output::Log(entry) => self.log(entry),
                Output::Vote(vote) => self.publish(PeerMessage::Vote(vote)),
                Output::Certificate(certificate) => {
                    self.publish(PeerMessage::RoundCertificate(certificate));
                }
                Output::Offer(offer) => {
                    if let Some(proposal) = self.with_block(&offer) {
                        self.publish(PeerMessage::Proposal(proposal));
                    }
                    self.height.last_offer = Some(offer);
                }
                Output::NeedBlock { round } => queue.extend(self.propose(round)),
                Output::Decided(certificate) => self.decided(certificate),
                Output::Equivocation { party, what } => {
                    self.suspect(party, Suspicion::Equivocation(what));
                }
                Output::Refused { why, fatal: true } => self.halt(OrderingError::Consensus(why)),
                Output::Refused { why, fatal: false } => {
                    self.suspect(self.config.me, Suspicion::Core(why));
                }
            }
        }
    }

    /// Notes an entry for the write-ahead log. It is written before the next message is sent: what
    /// no message rests on may be lost.
    fn log(&mut self, entry: Entry) {
        if !self.engine.is_running() {
            return;
        }
        if let Entry::Value {
            block, valid: true, ..
        } = entry
            && let Some(candidate) = self.height.blocks.get(&block)
            && self.height.logged_blocks.insert(block)
        {
            let bytes = candidate.bytes.clone();
            self.note_unwritten(Entry::Block(bytes));
        }
        self.note_unwritten(entry);
    }

    fn note_unwritten(&mut self, entry: Entry) {
        self.height.unwritten_bytes += entry.bytes();
        self.height.unwritten.push(entry);
        if self.height.unwritten_bytes > RECORD_BYTES {
            self.write_wal();
        }
    }

    fn write_wal(&mut self) {
        if !self.height.unwritten.is_empty() {
            let entries = mem::take(&mut self.height.unwritten);
            self.height.unwritten_bytes = 0;
            self.height.wal_used = true;
            let record = encode_record(self.next_height(), entries);
            self.effects.push(Effect::AppendWal(record));
        }
    }

    fn publish(&mut self, message: PeerMessage) {
        self.write_wal();
        self.broadcast(message);
    }

    /// A proposal as it is sent, if its block is still at hand.
    fn with_block(&self, offer: &SignedOffer) -> Option<Signed<Proposal>> {
        let candidate = self.height.blocks.get(&offer.message.block.0)?;
        let message = Proposal {
            height: offer.message.height.0,
            round: offer.message.round.as_u32()?,
            pol_round: offer.message.pol_round.as_u32(),
            proposer: offer.message.proposer.0,
            block: candidate.bytes.clone(),
        };
        Some(Signed {
            message,
            signature: offer.signature,
        })
    }

    /// Sends a peer that has just connected what it needs for the round that is under way.
    pub(super) fn send_round(&mut self, peer: u8) {
        if !self.engine.is_running() {
            return;
        }
        self.write_wal();
        let proposal = self.height.last_offer.as_ref();
        if let Some(proposal) = proposal.and_then(|offer| self.with_block(offer)) {
            self.send(peer, PeerMessage::Proposal(proposal));
        }
        for vote in self.engine.last_votes() {
            self.send(peer, PeerMessage::Vote(vote));
        }
    }
}

/// A proposal as the core knows it.
fn offer_of(proposal: &Proposal) -> Offer {
    Offer {
        height: Number(proposal.height),
        round: Round::new(proposal.round),
        block: BlockHash(keccak256(&proposal.block)),
        pol_round: Round::from(proposal.pol_round),
        proposer: Party(proposal.proposer),
    }
}
