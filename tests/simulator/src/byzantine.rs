//! A node that does what it likes: it says different things to different peers, and sends rubbish.

use alloy_primitives::{B256, Bytes, keccak256};
use rand::RngExt as _;
use wire::{
    block::Block,
    consensus::{
        CommitCertificate, DecidedBlock, Proposal, RoundCertificate, RoundCertificateKind, Signed,
        Vote, VoteKind,
    },
    limits::BLOCK_BYTES,
    node_transaction::{NodeMessage, NodeTransaction, OpenedComponent, StopReason},
    peer::{InputShares, PeerMessage},
    seal_keys::SignedSealKey,
    signing::{self, Purpose},
};

use crate::{Event, Sim};

/// Messages that are kept to be sent again.
const OLD: usize = 64;

/// A way in which a node breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// A tenth of what it should send is not sent.
    Drop,
    /// A third is sent up to three seconds late.
    Delay,
    /// Old messages are sent again.
    Replay,
    /// Peers with odd numbers hear nothing.
    Mute,
    /// Peers with odd numbers get another proposal.
    Proposals,
    /// Peers with odd numbers get other votes.
    Votes,
    /// Peers get what no honest node sends.
    Junk,
    /// It says that it lacks its seeds.
    Seeds,
    /// It commits to something else than it computed.
    Ready,
    /// It says that it sent something else than it sent.
    Statements,
    /// It says that what it got of two others differs.
    Complaints,
    /// It says that others are silent.
    Stops,
    /// It opens one component only.
    Openings,
    /// It gives wrong seeds and wrong parts of lots.
    Parts,
    /// Of frames, a tenth is not sent.
    NoFrames,
    /// A tenth of frames is sent up to three seconds late.
    LateFrames,
    /// A bit of one frame in ten is flipped.
    Flips,
    /// A byte of one frame in ten is one more.
    Adds,
    /// One frame in ten is the one before.
    OldFrames,
}

/// All of them.
pub(crate) const LIES: [Lie; 19] = [
    Lie::Drop,
    Lie::Delay,
    Lie::Replay,
    Lie::Mute,
    Lie::Proposals,
    Lie::Votes,
    Lie::Junk,
    Lie::Seeds,
    Lie::Ready,
    Lie::Statements,
    Lie::Complaints,
    Lie::Stops,
    Lie::Openings,
    Lie::Parts,
    Lie::NoFrames,
    Lie::LateFrames,
    Lie::Flips,
    Lie::Adds,
    Lie::OldFrames,
];

/// The node that lies.
#[derive(Clone, Debug)]
pub struct Corrupt {
    /// Which one.
    pub node: usize,
    /// Another node that lies in the same ways: one too many.
    pub accomplice: Option<usize>,
    /// How they lie.
    pub lies: Vec<Lie>,
    old: Vec<PeerMessage>,
    old_frame: Vec<u8>,
}

impl Corrupt {
    /// A node that lies in these ways.
    #[must_use]
    pub const fn new(node: usize, lies: Vec<Lie>) -> Self {
        Self {
            node,
            accomplice: None,
            lies,
            old: Vec::new(),
            old_frame: Vec::new(),
        }
    }
}

impl Sim {
    /// Whether a node lies in a way.
    pub(crate) fn lies(&self, node: usize, lie: Lie) -> bool {
        let corrupt = self.corrupt.as_ref();
        !self.is_honest(node) && corrupt.is_some_and(|corrupt| corrupt.lies.contains(&lie))
    }

    fn liar(&self) -> usize {
        self.corrupt.as_ref().map_or(0, |corrupt| corrupt.node)
    }

    fn liar_party(&self) -> u8 {
        u8::try_from(self.liar()).unwrap()
    }

    /// What the corrupt node sends in place of an honest message, and how late, in milliseconds.
    pub(crate) fn twist(&mut self, to: usize, message: &PeerMessage) -> Option<(PeerMessage, u64)> {
        let (me, odd) = (self.liar(), to % 2 == 1);
        if self.lies(me, Lie::Replay) {
            self.replay(to, message);
        }
        let dropped = self.lies(me, Lie::Drop) && self.rng.random_bool(0.1);
        if dropped || (odd && self.lies(me, Lie::Mute)) {
            return None;
        }
        let late = self.lies(me, Lie::Delay) && self.rng.random_bool(0.3);
        let late_ms = if late {
            self.rng.random_range(0..3_000)
        } else {
            0
        };
        let message = match message {
            PeerMessage::Proposal(signed)
                if odd
                    && self.lies(me, Lie::Proposals)
                    && usize::from(signed.message.proposer) == me =>
            {
                let mut block = Block::decode(&signed.message.block).unwrap();
                block.header.time_ms += 1;
                block.transactions.truncate(1);
                let mut proposal = signed.message.clone();
                proposal.block = block.encode().into();
                PeerMessage::Proposal(self.sign_proposal(proposal))
            }
            PeerMessage::Vote(signed) if odd && self.lies(me, Lie::Votes) => {
                let mut vote = signed.message.clone();
                let other = B256::from(self.rng.random::<[u8; 32]>());
                vote.block = if self.rng.random_bool(0.5) {
                    None
                } else {
                    Some(other)
                };
                PeerMessage::Vote(self.sign_vote(vote))
            }
            other => other.clone(),
        };
        Some((message, late_ms))
    }

    /// What the corrupt node sends in place of a frame of a session, whether that is another one,
    /// and how late, in milliseconds.
    pub(crate) fn twist_frame(&mut self, bytes: Vec<u8>) -> Option<(Vec<u8>, bool, u64)> {
        let me = self.liar();
        let now = self.rng.random_bool(0.1);
        let (place, bit) = (self.rng.random::<u64>(), self.rng.random_range(0..8u32));
        let place = usize::try_from(place % (bytes.len() as u64).max(1)).unwrap();
        let last = match &mut self.corrupt {
            Some(corrupt) => std::mem::replace(&mut corrupt.old_frame, bytes.clone()),
            None => Vec::new(),
        };
        if !now {
            return Some((bytes, false, 0));
        }
        if self.lies(me, Lie::NoFrames) {
            return None;
        }
        let mut twisted = match self.lies(me, Lie::OldFrames) {
            true => last,
            false => bytes.clone(),
        };
        if let Some(byte) = twisted.get_mut(place) {
            *byte ^= u8::from(self.lies(me, Lie::Flips)) << bit;
            *byte = byte.wrapping_add(u8::from(self.lies(me, Lie::Adds)));
        }
        let late_ms = match self.lies(me, Lie::LateFrames) {
            true => self.rng.random_range(0..3_000),
            false => 0,
        };
        let altered = twisted != bytes;
        Some((twisted, altered, late_ms))
    }

    fn replay(&mut self, to: usize, message: &PeerMessage) {
        let again = self.rng.random_bool(0.2);
        let at = self.rng.random_range(0..OLD);
        let Some(corrupt) = &mut self.corrupt else {
            return;
        };
        let from = corrupt.node;
        if corrupt.old.len() < OLD {
            corrupt.old.push(message.clone());
            return;
        }
        let old = std::mem::replace(&mut corrupt.old[at], message.clone());
        if again {
            self.post(from, to, &old, 0);
        }
    }

    fn sign_proposal(&self, message: Proposal) -> Signed<Proposal> {
        let (key, domain) = (&self.keys[self.liar()], self.committee.domain());
        let signature = signing::sign(key, Purpose::Proposal, domain, &message.signed_bytes());
        Signed { message, signature }
    }

    fn sign_vote(&self, message: Vote) -> Signed<Vote> {
        let (key, domain) = (&self.keys[self.liar()], self.committee.domain());
        let signature = signing::sign(key, Purpose::Vote, domain, &message.signed_bytes());
        Signed { message, signature }
    }

    /// Sends rubbish from now on.
    pub fn begin_junk(&mut self) {
        self.at(40, Event::Junk);
    }

    /// Something that no honest node sends.
    pub(crate) fn send_junk(&mut self) {
        let me = self.liar();
        if !self.is_up(me) {
            return;
        }
        let head = *self.runtime(me).head();
        let party = self.liar_party();
        let height = head.number + self.rng.random_range(0..4);
        let round = [0, 0, 1, 9, 11, 1_000, u32::MAX][self.rng.random_range(0..7)];
        let hash = B256::from(self.rng.random::<[u8; 32]>());
        let mut vote = Vote {
            kind: VoteKind::Precommit,
            height,
            round,
            block: Some(hash),
            voter: party,
        };
        let message = match self.rng.random_range(0..18) {
            0 => PeerMessage::Vote(self.sign_vote(vote)),
            1 => {
                vote.voter = (party + 1) % 4;
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
                    .find(|round| (head.number + 1 + round) % 4 == u64::from(party))
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
                    signatures: [0, 1, party].map(|party| (party, signature)).to_vec(),
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
            16 => PeerMessage::WantShares {
                sharing: self.runtime(me).sharing().tag,
                inputs: vec![hash],
            },
            17 => PeerMessage::Shares {
                sharing: self.runtime(me).sharing().tag,
                shares: vec![InputShares {
                    input: self.accepted.first().copied().unwrap_or(hash),
                    components: (0..6).map(|c| (c, self.random_bytes(65))).collect(),
                }],
            },
            n => {
                let node = if n == 11 { (party + 1) % 4 } else { party };
                let messages = self.junk_messages(hash, round, n == 12);
                let transaction = NodeTransaction { node, messages };
                PeerMessage::NodeTransaction(
                    transaction.sign(&self.keys[self.liar()], &self.committee),
                )
            }
        };
        let to = (me + self.rng.random_range(1..4)) % 4;
        self.post(me, to, &message, 0);
    }

    /// What no honest node says in the log, about a job that there is, if there is one.
    fn junk_messages(&mut self, hash: B256, round: u32, far: bool) -> Vec<NodeMessage> {
        let jobs = self.runtime(self.liar()).jobs();
        let job = jobs.first().copied().unwrap_or(hash);
        let known = self.runtime(self.liar()).job(job);
        let attempt = known.map_or(round, |job| job.attempt);
        let component = OpenedComponent {
            component: self.rng.random_range(0..5),
            blinding: hash,
            value: vec![1; 24].into(),
        };
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: 1,
            round: 0,
            block: Some(hash),
            voter: self.liar_party(),
        };
        let all = vec![
            NodeMessage::Hold { inputs: vec![hash] },
            NodeMessage::Attest {
                computation: job,
                signature: self.sign_vote(vote.clone()).signature,
            },
            NodeMessage::Join {
                job,
                attempt,
                nonce: hash,
            },
            NodeMessage::Ready {
                job,
                attempt,
                commitments: [Some(hash); 4],
            },
            NodeMessage::Statement {
                job,
                attempt,
                digest: hash,
            },
            NodeMessage::Open {
                job,
                components: vec![component],
            },
            NodeMessage::Here,
            NodeMessage::SealKey {
                epoch: self.runtime(self.liar()).seal_keys().epoch + 1,
                key: SignedSealKey {
                    key: hash,
                    signature: self.sign_vote(vote).signature,
                },
            },
            NodeMessage::Stop {
                job,
                attempt,
                reason: StopReason::Silence { peer: 0 },
            },
            NodeMessage::AdvanceTime {
                request: hash,
                by_ms: if far { u64::MAX } else { 0 },
            },
        ];
        all.into_iter()
            .filter(|_| self.rng.random_bool(0.3))
            .collect()
    }

    fn junk_proposal(&mut self, height: u64, round: u32, length: usize) -> Signed<Proposal> {
        let block = self.random_bytes(length).into();
        let pol_round = self.rng.random_bool(0.3).then_some(0);
        self.sign_proposal(Proposal {
            height,
            round,
            pol_round,
            proposer: self.liar_party(),
            block,
        })
    }
}
