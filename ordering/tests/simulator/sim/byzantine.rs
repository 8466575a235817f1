//! Node 3 does what it likes: it says different things to different peers, and sends rubbish.

use alloy_primitives::{B256, Bytes, keccak256};
use rand::RngExt as _;
use wire::{
    block::Block,
    consensus::{
        CommitCertificate, DecidedBlock, Proposal, RoundCertificate, RoundCertificateKind, Signed,
        Vote, VoteKind,
    },
    limits::BLOCK_BYTES,
    node_transaction::{NodeMessage, NodeTransaction, StopReason},
    peer::PeerMessage,
    signing::{self, Purpose},
};

use super::Sim;

pub struct Byzantine {
    pub node: usize,
}

impl Sim {
    /// What the corrupt node sends in place of an honest message.
    pub(super) fn corrupt(&mut self, to: usize, message: &PeerMessage) -> Option<PeerMessage> {
        if self.rng.random_bool(0.1) {
            return None;
        }
        let odd = to % 2 == 1;
        match message {
            PeerMessage::Proposal(signed) if odd && signed.message.proposer == 3 => {
                let mut block = Block::decode(&signed.message.block).unwrap();
                block.header.time_ms += 1;
                block.transactions.truncate(1);
                let mut proposal = signed.message.clone();
                proposal.block = block.encode().into();
                Some(PeerMessage::Proposal(self.sign_proposal(proposal)))
            }
            PeerMessage::Vote(signed) if odd => {
                let mut vote = signed.message.clone();
                let other = B256::from(self.rng.random::<[u8; 32]>());
                vote.block = if self.rng.random_bool(0.5) {
                    None
                } else {
                    Some(other)
                };
                Some(PeerMessage::Vote(self.sign_vote(vote)))
            }
            other => Some(other.clone()),
        }
    }

    fn sign_proposal(&self, message: Proposal) -> Signed<Proposal> {
        let (key, domain) = (&self.keys[3], self.committee.domain());
        let signature = signing::sign(key, Purpose::Proposal, domain, &message.signed_bytes());
        Signed { message, signature }
    }

    fn sign_vote(&self, message: Vote) -> Signed<Vote> {
        let (key, domain) = (&self.keys[3], self.committee.domain());
        let signature = signing::sign(key, Purpose::Vote, domain, &message.signed_bytes());
        Signed { message, signature }
    }

    /// Something that no honest node sends.
    pub(super) fn send_junk(&mut self) {
        if !self.is_up(3) {
            return;
        }
        let head = *self.runtime(3).head();
        let height = head.number + self.rng.random_range(0..4);
        let round = [0, 0, 1, 9, 11, 1_000, u32::MAX][self.rng.random_range(0..7)];
        let hash = B256::from(self.rng.random::<[u8; 32]>());
        let mut vote = Vote {
            kind: VoteKind::Precommit,
            height,
            round,
            block: Some(hash),
            voter: 3,
        };
        let message = match self.rng.random_range(0..16) {
            0 => PeerMessage::Vote(self.sign_vote(vote)),
            1 => {
                vote.voter = 1;
                PeerMessage::Vote(self.sign_vote(vote))
            }
            2 => {
                vote.voter = 200;
                PeerMessage::Vote(self.sign_vote(vote))
            }
            3 => PeerMessage::Proposal(self.junk_proposal(height, round, 1_000)),
            4 => {
                // In turn, signed, and too long.
                let turn = (0..4)
                    .find(|round| (head.number + 1 + round) % 4 == 3)
                    .unwrap();
                let turn = u32::try_from(turn).unwrap();
                PeerMessage::Proposal(self.junk_proposal(head.number + 1, turn, BLOCK_BYTES + 1))
            }
            5 => {
                let kinds = [
                    RoundCertificateKind::Polka,
                    RoundCertificateKind::Skip,
                    RoundCertificateKind::Precommits,
                ];
                let kind = kinds[self.rng.random_range(0..3)];
                let voters = self.rng.random_range(0..6);
                let votes = (0..voters).map(|voter| {
                    let vote = Vote {
                        voter,
                        kind: if kind == RoundCertificateKind::Polka {
                            VoteKind::Prevote
                        } else {
                            VoteKind::Precommit
                        },
                        ..vote.clone()
                    };
                    self.sign_vote(vote)
                });
                let votes = votes.collect();
                PeerMessage::RoundCertificate(RoundCertificate { votes, kind })
            }
            6 => {
                let block: Bytes = self.random_bytes(300).into();
                let vote = Vote {
                    block: Some(keccak256(&block)),
                    height: head.number + 1,
                    ..vote
                };
                let signature = self.sign_vote(vote.clone()).signature;
                let certificate = CommitCertificate {
                    height: head.number + 1,
                    round: vote.round,
                    block: keccak256(&block),
                    signatures: [0, 1, 3].map(|party| (party, signature)).to_vec(),
                };
                PeerMessage::Blocks(vec![DecidedBlock { block, certificate }])
            }
            7 => {
                let envelopes = (0..10).map(|_| self.random_bytes(100).into()).collect();
                PeerMessage::Transactions(envelopes)
            }
            8 => PeerMessage::Status { height: u64::MAX },
            9 => PeerMessage::WantBlocks {
                from: [0, 1, u64::MAX][self.rng.random_range(0..3)],
            },
            10 => PeerMessage::WantSeeds { inputs: vec![hash] },
            n => {
                let node = if n == 11 { 1 } else { 3 };
                let messages = vec![
                    NodeMessage::Hold { inputs: vec![hash] },
                    NodeMessage::Attest {
                        computation: hash,
                        signature: self.sign_vote(vote).signature,
                    },
                    NodeMessage::Stop {
                        computation: hash,
                        attempt: round,
                        reason: StopReason::Silence { peer: 0 },
                    },
                    NodeMessage::AdvanceTime {
                        request: hash,
                        by_ms: if n == 12 { u64::MAX } else { 0 },
                    },
                ];
                let transaction = NodeTransaction { node, messages };
                PeerMessage::NodeTransaction(transaction.sign(&self.keys[3], &self.committee))
            }
        };
        let to = self.rng.random_range(0..3);
        self.post(3, to, &message);
    }

    fn junk_proposal(&mut self, height: u64, round: u32, length: usize) -> Signed<Proposal> {
        let block = self.random_bytes(length).into();
        let pol_round = self.rng.random_bool(0.3).then_some(0);
        self.sign_proposal(Proposal {
            height,
            round,
            pol_round,
            proposer: 3,
            block,
        })
    }
}
