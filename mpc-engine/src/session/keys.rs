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
    frame::{DigestKeys, HEADER_BYTES},
    prf::Masks,
    protocol::SessionKeys,
    roles::{PAIRS, pair_of},
    session::Frames,
};

const HASH_BYTES: usize = 32;
/// Key l < 4, for masks, is held by all but party l; key 4 + i, for digests, by the two parties
/// `PAIRS[i].0` only.
const KEYS: usize = MASK_KEYS + PAIRS.len();
const MASK_KEYS: usize = 4;
const KEYS_OF_PARTY: usize = 6;
/// Keys that two parties share.
const KEYS_OF_PAIR: usize = 3;

/// Bytes of each frame of the three rounds.
pub(crate) const SETUP_FRAME_BYTES: [usize; 3] = [
    HEADER_BYTES + HASH_BYTES * (2 + KEYS_OF_PARTY),
    HEADER_BYTES + HASH_BYTES * (KEYS_OF_PAIR + 4),
    HEADER_BYTES + HASH_BYTES * KEYS_OF_PAIR,
];

type Secret = Zeroizing<[u8; HASH_BYTES]>;
type Hash = [u8; HASH_BYTES];

/// Whether a party holds key l.
fn holds(party: usize, l: usize) -> bool {
    match l.checked_sub(MASK_KEYS) {
        None => l != party,
        Some(pair) => PAIRS[pair].0.contains(&party),
    }
}

/// Numbers of the keys that a party holds.
fn held(party: usize) -> impl Iterator<Item = usize> {
    (0..KEYS).filter(move |l| holds(party, *l))
}

/// Numbers of the keys that both hold.
fn shared(a: usize, b: usize) -> impl Iterator<Item = usize> {
    held(a).filter(move |l| holds(b, *l))
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
    let none = DigestKeys {
        keys: [const { None }; 4],
        session: *b"quartet v1 s",
    };
    none.header(round)
}

/// Checks lengths and headers of a round's frames.
fn check_form(me: usize, round: u32, frames: &Frames) -> Result<(), Stop> {
    let expected = SETUP_FRAME_BYTES[round as usize];
    for peer in (0..4).filter(|peer| *peer != me) {
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
fn frames(me: usize, round: u32, write: impl Fn(usize, &mut Vec<u8>)) -> Frames {
    std::array::from_fn(|to| {
        if to == me {
            return Vec::new();
        }
        let mut frame = Vec::with_capacity(SETUP_FRAME_BYTES[round as usize]);
        frame.extend_from_slice(&header(round));
        write(to, &mut frame);
        frame
    })
}

/// After the first round was sent.
pub(super) struct Committed {
    me: usize,
    binding: Hash,
    /// What this party said: binding, nonce, commitments.
    said: Vec<Hash>,
    /// Its contributions, by number of the key.
    contributions: [Option<Secret>; KEYS],
}

/// After the second round was sent.
pub(super) struct Opened {
    me: usize,
    said: [Vec<Hash>; 4],
    contributions: [Option<Secret>; KEYS],
}

/// After the third round was sent.
pub(super) struct Confirmed {
    me: usize,
    session: Hash,
    keys: [Option<Secret>; KEYS],
}

impl Committed {
    /// Draws a nonce and contributions from fresh entropy, and commits to them.
    pub(super) fn new(me: usize, binding: Hash, entropy: &[u8; 32]) -> (Self, Frames) {
        let mut stream = blake3::Hasher::new_derive_key("quartet v1 session entropy");
        let mut stream = stream
            .update(&binding)
            .update(&[me as u8])
            .update(entropy)
            .finalize_xof();
        let mut nonce = [0; HASH_BYTES];
        stream.fill(&mut nonce);
        let contributions = std::array::from_fn(|l| {
            holds(me, l).then(|| {
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
        let frames = frames(me, 0, |_, frame| {
            frame.extend_from_slice(said.as_flattened());
        });
        let state = Self {
            me,
            binding,
            said,
            contributions,
        };
        (state, frames)
    }

    /// Takes the peers' commitments, opens contributions to those who share a key.
    pub(super) fn step(self, received: &Frames) -> Result<(Opened, Frames), Stop> {
        let me = self.me;
        check_form(me, 0, received)?;
        let said: [Vec<Hash>; 4] = std::array::from_fn(|party| {
            if party == me {
                self.said.clone()
            } else {
                words(&received[party]).to_vec()
            }
        });
        if let Some(peer) = (0..4).find(|party| said[*party][0] != self.binding) {
            return Err(bad(0, peer, FrameFault::Binding));
        }
        let echo: Vec<Hash> = said.iter().map(|said| echo(said)).collect();
        let frames = frames(me, 1, |to, frame| {
            for contribution in shared(me, to).filter_map(|l| self.contributions[l].as_ref()) {
                frame.extend_from_slice(&**contribution);
            }
            frame.extend_from_slice(echo.as_flattened());
        });
        let state = Opened {
            me,
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

impl Opened {
    /// Takes the peers' contributions; confirms the keys that they make.
    pub(super) fn step(self, received: &Frames) -> Result<(Confirmed, Frames), Stop> {
        let me = self.me;
        check_form(me, 1, received)?;
        for peer in (0..4).filter(|peer| *peer != me) {
            self.check_echo(peer, &words(&received[peer])[KEYS_OF_PAIR..])?;
        }
        let mut parts: [[Option<Secret>; 4]; KEYS] = Default::default();
        for (parts, own) in parts.iter_mut().zip(self.contributions) {
            parts[me] = own;
        }
        for peer in (0..4).filter(|peer| *peer != me) {
            for (l, contribution) in shared(me, peer).zip(words(&received[peer])) {
                let said = &self.said[peer];
                let place = 2 + held(peer).take_while(|earlier| *earlier < l).count();
                if said[place] != commit(&said[0], &said[1], peer, l, contribution) {
                    return Err(bad(1, peer, FrameFault::Commitment));
                }
                parts[l][peer] = Some(Zeroizing::new(*contribution));
            }
        }
        let nonces: Vec<Hash> = self.said.iter().map(|said| said[1]).collect();
        let binding = &self.said[me][0];
        let session = hash("quartet v1 session id", &[binding, nonces.as_flattened()]);
        let keys = std::array::from_fn(|l| {
            holds(me, l).then(|| {
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
        let state = Confirmed { me, session, keys };
        let frames = frames(me, 2, |to, frame| {
            frame.extend_from_slice(state.confirmations(me, to).as_flattened());
        });
        Ok((state, frames))
    }

    /// Whoever repeats another's words differently than they were heard here, or that other, lied.
    fn check_echo(&self, peer: usize, echoes: &[Hash]) -> Result<(), Stop> {
        for (party, (said, repeated)) in self.said.iter().zip(echoes).enumerate() {
            if echo(said) == *repeated {
                continue;
            }
            if party == self.me || party == peer {
                return Err(bad(1, peer, FrameFault::Echo));
            }
            let pair = [peer.min(party) as u8, peer.max(party) as u8];
            return Err(Stop::Mismatch { round: 1, pair });
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
        shared(from, to).filter_map(confirmation).collect()
    }

    /// Takes the peers' confirmations; the keys can be used.
    pub(super) fn step(self, received: &Frames) -> Result<SessionKeys, Stop> {
        let me = self.me;
        check_form(me, 2, received)?;
        for peer in (0..4).filter(|peer| *peer != me) {
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
                let pair = (peer != me).then(|| pair_of(me, peer))?;
                self.keys[MASK_KEYS + pair].as_deref().map(DigestKey::new)
            }),
            session,
        };
        let permutations = std::array::from_fn(|l| derive(l, "quartet v1 permutation key"));
        Ok(SessionKeys {
            masks,
            permutations,
            digests,
        })
    }
}
