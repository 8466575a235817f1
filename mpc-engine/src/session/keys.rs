//! The keys of a session: tossed by their holders, by commit and open, and cross-confirmed.
//!
//! Three rounds. First every party says what the session is bound to, a fresh nonce, and a
//! commitment to its contribution to each key that it will hold: the same to all. Then it opens its
//! contributions to the other holders, and repeats what everybody said first, so that nobody can
//! have said different things to different parties. Then holders confirm the keys. No key outlives
//! the session.

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    FrameFault, Stop,
    digest::DigestKey,
    frame::{self, DigestKeys, HEADER_BYTES, stream_roles},
    prf::Masks,
    protocol::SessionKeys,
    roles::{PAIRS, Parties, Roles, pair_of},
    session::{DisputeKeys, Frames},
};

const HASH_BYTES: usize = 32;
/// Key l < 4, for masks, is held by all but party l; key 4 + i, for digests, by the two parties
/// `PAIRS[i].0` only; the last one by all that are live.
const KEYS: usize = COMMON_KEY + 1;
const MASK_KEYS: usize = 4;
const COMMON_KEY: usize = MASK_KEYS + PAIRS.len();
/// Keys that two live parties share: two for masks, one for digests, and that of all.
const KEYS_OF_PAIR: usize = 4;

/// Bytes of each frame of the three rounds, with all four parties.
pub(crate) const SETUP_FRAME_BYTES: [usize; 3] = setup_frame_bytes(4);
/// The round in which parties repeat what they heard in the first.
pub(super) const ECHO_ROUND: u32 = 1;

/// Bytes of each frame of the three rounds, with so many parties, three or four. Each party holds as
/// many keys for masks as if all were live, one with each peer, and that of all.
pub(crate) const fn setup_frame_bytes(parties: usize) -> [usize; 3] {
    [
        HEADER_BYTES + HASH_BYTES * (2 + 3 + parties),
        HEADER_BYTES + HASH_BYTES * (KEYS_OF_PAIR + parties),
        HEADER_BYTES + HASH_BYTES * KEYS_OF_PAIR,
    ]
}

type Secret = Zeroizing<[u8; HASH_BYTES]>;
type Hash = [u8; HASH_BYTES];
/// What blinds commitments to results, by the component of which the party that lacks it lacks this.
pub(super) type Blindings = [Option<Secret>; 4];

/// Whether a party, which is live, holds key l.
fn holds(parties: Parties, party: usize, l: usize) -> bool {
    match l.checked_sub(MASK_KEYS) {
        None => l != party,
        Some(_) if l == COMMON_KEY => true,
        Some(pair) => {
            let [a, b] = PAIRS[pair].0;
            (a == party || b == party) && parties.is_live(a) && parties.is_live(b)
        }
    }
}

/// Numbers of the keys that a party holds.
fn held(parties: Parties, party: usize) -> impl Iterator<Item = usize> {
    (0..KEYS).filter(move |l| holds(parties, party, *l))
}

/// Numbers of the keys that both hold.
fn shared(parties: Parties, a: usize, b: usize) -> impl Iterator<Item = usize> {
    held(parties, a).filter(move |l| holds(parties, b, *l))
}

fn hash(context: &str, parts: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(part);
    }
    let hash = *hasher.finalize().as_bytes();
    hasher.zeroize();
    hash
}

fn header(round: u32) -> [u8; HEADER_BYTES] {
    frame::header(b"quartet v1 s", round)
}

/// Checks lengths and headers of a round's frames.
fn check_form((me, parties): (usize, Parties), round: u32, frames: &Frames) -> Result<(), Stop> {
    let expected = setup_frame_bytes(parties.live().count())[round as usize];
    for peer in parties.peers(me) {
        let actual = frames[peer].len();
        if actual != expected {
            return Err(bad(round, peer, FrameFault::Length { expected, actual }));
        }
        if frames[peer][..HEADER_BYTES] != header(round) {
            return Err(bad(round, peer, FrameFault::Header));
        }
    }
    Ok(())
}

const fn bad(round: u32, peer: usize, fault: FrameFault) -> Stop {
    Stop::BadFrame {
        round,
        peer: peer as u8,
        fault,
    }
}

/// The 32-byte words of a frame, after its header.
fn words(frame: &[u8]) -> &[Hash] {
    frame[HEADER_BYTES..].as_chunks().0
}

/// Frames to all peers, each a header and what `write` appends. Nothing is copied on the way, since
/// a frame may hold secrets.
fn frames(
    (me, parties): (usize, Parties),
    round: u32,
    write: impl Fn(usize, &mut Vec<u8>),
) -> Frames {
    let bytes = setup_frame_bytes(parties.live().count())[round as usize];
    std::array::from_fn(|to| {
        if to == me || !parties.is_live(to) {
            return Vec::new();
        }
        let mut frame = Vec::with_capacity(bytes);
        frame.extend_from_slice(&header(round));
        write(to, &mut frame);
        frame
    })
}

/// What the three rounds give.
pub(super) struct Keys {
    /// Those that the protocol uses.
    pub(super) protocol: SessionKeys,
    /// What blinds commitments to results.
    pub(super) blindings: Blindings,
    /// One that all live parties know.
    pub(super) common: Secret,
}

/// After the first round was sent.
pub(super) struct Committed {
    me: usize,
    parties: Parties,
    binding: Hash,
    /// What this party said: binding, nonce, commitments.
    said: Vec<Hash>,
    /// Its contributions, by number of the key.
    contributions: [Option<Secret>; KEYS],
}

/// After the second round was sent.
pub(super) struct Opened {
    me: usize,
    parties: Parties,
    /// What each live party said.
    said: [Vec<Hash>; 4],
    contributions: [Option<Secret>; KEYS],
}

/// After the third round was sent.
pub(super) struct Confirmed {
    me: usize,
    parties: Parties,
    session: Hash,
    keys: [Option<Secret>; KEYS],
}

impl Committed {
    /// Draws a nonce and contributions from fresh entropy, and commits to them.
    pub(super) fn new(
        (me, parties): (usize, Parties),
        binding: Hash,
        entropy: &[u8; 32],
    ) -> (Self, Frames) {
        let mut stream = blake3::Hasher::new_derive_key("quartet v1 session entropy");
        let mut stream = stream
            .update(&binding)
            .update(&[me as u8])
            .update(entropy)
            .finalize_xof();
        let mut nonce = [0; HASH_BYTES];
        stream.fill(&mut nonce);
        let contributions = std::array::from_fn(|l| {
            holds(parties, me, l).then(|| {
                let mut contribution = Zeroizing::new([0; HASH_BYTES]);
                stream.fill(&mut *contribution);
                contribution
            })
        });
        stream.zeroize();
        let mut said = vec![binding, nonce];
        for (l, contribution) in contributions.iter().enumerate() {
            if let Some(contribution) = contribution {
                said.push(commit(&binding, &nonce, me, l, contribution));
            }
        }
        let frames = frames((me, parties), 0, |_, frame| {
            frame.extend_from_slice(said.as_flattened());
        });
        let state = Self {
            me,
            parties,
            binding,
            said,
            contributions,
        };
        (state, frames)
    }

    /// A digest of what this party said, at its place.
    pub(super) fn heard(&self) -> [Option<Hash>; 4] {
        std::array::from_fn(|party| (party == self.me).then(|| echo(&self.said)))
    }

    /// Takes the peers' commitments, opens contributions to those who share a key.
    pub(super) fn step(self, received: &Frames) -> Result<(Opened, Frames), Stop> {
        let (me, parties) = (self.me, self.parties);
        check_form((me, parties), 0, received)?;
        let mut said: [Vec<Hash>; 4] = Default::default();
        for peer in parties.peers(me) {
            said[peer] = words(&received[peer]).to_vec();
        }
        said[me] = self.said;
        if let Some(peer) = parties.peers(me).find(|p| said[*p][0] != self.binding) {
            return Err(bad(0, peer, FrameFault::Binding));
        }
        let echo: Vec<Hash> = parties.live().map(|party| echo(&said[party])).collect();
        let frames = frames((me, parties), ECHO_ROUND, |to, frame| {
            for contribution in
                shared(parties, me, to).filter_map(|l| self.contributions[l].as_ref())
            {
                frame.extend_from_slice(&**contribution);
            }
            frame.extend_from_slice(echo.as_flattened());
        });
        let state = Opened {
            me,
            parties,
            said,
            contributions: self.contributions,
        };
        Ok((state, frames))
    }
}

/// The commitment of a party to its contribution to key l.
fn commit(binding: &Hash, nonce: &Hash, party: usize, l: usize, contribution: &Hash) -> Hash {
    let roles = [party as u8, l as u8];
    hash(
        "quartet v1 key commitment",
        &[binding, nonce, &roles, contribution],
    )
}

/// What party p said first, in short.
fn echo(said: &[Hash]) -> Hash {
    hash("quartet v1 key echo", &[said.as_flattened()])
}

/// The digest by which parties say what they heard of a party in the first round, or said
/// themselves. All four heard it, so no key is needed.
pub(super) fn dispute(echo: &Hash, roles: Roles) -> Hash {
    let roles = [roles.sender as u8, roles.backup as u8, roles.receiver as u8];
    hash("quartet v1 key dispute", &[&roles, echo])
}

impl Opened {
    /// Digests of what each live party said.
    pub(super) fn heard(&self) -> [Option<Hash>; 4] {
        let said = |party: usize| echo(&self.said[party]);
        std::array::from_fn(|party| self.parties.is_live(party).then(|| said(party)))
    }

    /// Takes the peers' contributions; confirms the keys that they make.
    pub(super) fn step(self, received: &Frames) -> Result<(Confirmed, Frames), Stop> {
        let (me, parties) = (self.me, self.parties);
        check_form((me, parties), ECHO_ROUND, received)?;
        for peer in parties.peers(me) {
            self.check_echo(peer, &words(&received[peer])[KEYS_OF_PAIR..])?;
        }
        let mut parts: [[Option<Secret>; 4]; KEYS] = Default::default();
        for (parts, own) in parts.iter_mut().zip(self.contributions) {
            parts[me] = own;
        }
        for peer in parties.peers(me) {
            for (l, contribution) in shared(parties, me, peer).zip(words(&received[peer])) {
                let said = &self.said[peer];
                let place = 2 + held(parties, peer)
                    .take_while(|earlier| *earlier < l)
                    .count();
                if said[place] != commit(&said[0], &said[1], peer, l, contribution) {
                    return Err(bad(1, peer, FrameFault::Commitment));
                }
                parts[l][peer] = Some(Zeroizing::new(*contribution));
            }
        }
        let nonces: Vec<Hash> = parties.live().map(|p| self.said[p][1]).collect();
        let binding = &self.said[me][0];
        let session = hash("quartet v1 session id", &[binding, nonces.as_flattened()]);
        let keys = std::array::from_fn(|l| {
            holds(parties, me, l).then(|| {
                let mut hasher = blake3::Hasher::new_derive_key("quartet v1 session key");
                hasher.update(&session).update(&[l as u8]);
                for part in parts[l].iter().flatten() {
                    hasher.update(&**part);
                }
                let key = Zeroizing::new(*hasher.finalize().as_bytes());
                hasher.zeroize();
                key
            })
        });
        let state = Confirmed {
            me,
            parties,
            session,
            keys,
        };
        let frames = frames((me, parties), 2, |to, frame| {
            frame.extend_from_slice(state.confirmations(me, to).as_flattened());
        });
        Ok((state, frames))
    }

    /// Whoever repeats another's words differently than they were heard here, or that other, lied.
    fn check_echo(&self, peer: usize, echoes: &[Hash]) -> Result<(), Stop> {
        for (party, repeated) in self.parties.live().zip(echoes) {
            let heard = echo(&self.said[party]);
            if heard == *repeated {
                continue;
            }
            if party == self.me || party == peer {
                return Err(bad(1, peer, FrameFault::Echo));
            }
            return Err(Stop::Mismatch {
                round: ECHO_ROUND,
                sender: party as u8,
                backup: peer as u8,
                digest: dispute(&heard, stream_roles(party, peer, self.me)),
            });
        }
        Ok(())
    }
}

impl Confirmed {
    /// What `from` says to `to` about the keys that they share.
    fn confirmations(&self, from: usize, to: usize) -> Vec<Hash> {
        let confirmation = |l: usize| {
            let key = self.keys[l].as_deref()?;
            let mut hasher = blake3::Hasher::new_keyed(key);
            hasher
                .update(b"quartet v1 key confirmation")
                .update(&[from as u8, to as u8]);
            Some(*hasher.finalize().as_bytes())
        };
        shared(self.parties, from, to)
            .filter_map(confirmation)
            .collect()
    }

    /// Takes the peers' confirmations; the keys can be used.
    pub(super) fn step(self, received: &Frames) -> Result<Keys, Stop> {
        let (me, parties) = (self.me, self.parties);
        check_form((me, parties), 2, received)?;
        for peer in parties.peers(me) {
            let expected = self.confirmations(peer, me);
            let same = expected
                .as_flattened()
                .ct_eq(&received[peer][HEADER_BYTES..]);
            if !bool::from(same) {
                // Contributions and commitments agree with what everybody repeated, so the peer
                // knows the key if it followed the protocol.
                return Err(bad(2, peer, FrameFault::Confirmation));
            }
        }
        let derive = |l: usize, context| {
            let key = self.keys[l].as_deref()?;
            Some(Zeroizing::new(hash(context, &[key])))
        };
        let masks = std::array::from_fn(|l| {
            let key = derive(l, "quartet v1 mask key")?;
            key.first_chunk().map(Masks::new)
        });
        let mut session = [0; 12];
        session.copy_from_slice(&self.session[..12]);
        let digests = DigestKeys {
            keys: std::array::from_fn(|peer| {
                let is_peer = peer != me && parties.is_live(peer);
                let pair = is_peer.then(|| pair_of(me, peer))?;
                self.keys[MASK_KEYS + pair].as_deref().map(DigestKey::new)
            }),
            session,
            disputes: DisputeKeys {
                keys: std::array::from_fn(|l| derive(l, "quartet v1 dispute key")),
                session,
            },
        };
        let permutations = std::array::from_fn(|l| derive(l, "quartet v1 permutation key"));
        let blindings = std::array::from_fn(|l| derive(l, "quartet v1 output blinding"));
        let protocol = SessionKeys {
            masks,
            permutations,
            digests,
        };
        Ok(Keys {
            protocol,
            blindings,
            common: derive(COMMON_KEY, "quartet v1 common key").unwrap_or_default(),
        })
    }
}
