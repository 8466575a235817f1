//! How frames, and what owners of secrets are told, are altered.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use alloy_primitives::B256;
use clap::ValueEnum;
use mpc_node::filter::{FrameFilter, OutgoingFrame};
use wire::{limits::NODES, read::Components};

/// What a misbehaving node does to the frames of computations that it sends, or to what it holds of
/// secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Behaviour {
    /// Flips one bit in the second half of the frame, in another place in every round.
    Flip,
    /// Flips one bit, and denies it when it is asked what it sent.
    Deny,
    /// Sends nothing.
    Drop,
    /// Adds one to the last byte.
    PlusOne,
    /// Sends the frame of the round before once more.
    Replay,
    /// Cuts the last byte off.
    Truncate,
    /// Adds a byte.
    Lengthen,
    /// Tells owners of secrets other components than it holds.
    Misinform,
    /// Does so in the name of the next node.
    Impersonate,
}

/// Which frames are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Where {
    /// First round.
    pub(crate) from_round: u32,
    /// Only those to this party, if given.
    pub(crate) to: Option<u8>,
}

/// Alters frames.
#[derive(Debug)]
pub(crate) struct Liar {
    behaviour: Behaviour,
    place: Where,
    /// The frame before, by receiver.
    earlier: Mutex<HashMap<u8, Vec<u8>>>,
}

impl Liar {
    pub(crate) fn new(behaviour: Behaviour, place: Where) -> Self {
        Self {
            behaviour,
            place,
            earlier: Mutex::default(),
        }
    }
}

impl FrameFilter for Liar {
    fn outgoing(&self, place: OutgoingFrame, mut frame: Vec<u8>) -> Option<Vec<u8>> {
        let earlier = {
            let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
            earlier.insert(place.to, frame.clone())
        };
        let spared = self.place.to.is_some_and(|to| to != place.to);
        if spared || place.round < self.place.from_round {
            return Some(frame);
        }
        match self.behaviour {
            Behaviour::Drop => return None,
            Behaviour::Replay => return Some(earlier.unwrap_or(frame)),
            Behaviour::Flip | Behaviour::Deny if !frame.is_empty() => {
                // In the second half: a lie about values, not a frame of another session.
                let half = frame.len() * 4;
                let bit = half + place.round as usize * 13 % half;
                frame[bit / 8] ^= 1 << (bit % 8);
            }
            Behaviour::PlusOne => {
                if let Some(last) = frame.last_mut() {
                    *last = last.wrapping_add(1);
                }
            }
            Behaviour::Truncate => {
                frame.pop();
            }
            Behaviour::Lengthen | Behaviour::Flip | Behaviour::Deny => frame.push(0),
            Behaviour::Misinform | Behaviour::Impersonate => {}
        }
        Some(frame)
    }

    fn statement(&self, digest: B256) -> B256 {
        match self.behaviour {
            Behaviour::Deny => !digest,
            _ => digest,
        }
    }

    fn secret(&self, node: u8, mut held: Components) -> (u8, Components) {
        let name = match self.behaviour {
            Behaviour::Misinform => node,
            Behaviour::Impersonate => (node + 1) % NODES as u8,
            _ => return (node, held),
        };
        held.components.swap(usize::from(node), usize::from(name));
        let bytes = held.components.iter_mut().flatten().flatten();
        bytes.for_each(|byte| *byte = !*byte);
        (name, held)
    }
}

#[cfg(test)]
mod tests {
    use mpc_node::transport::sessions::SessionId;

    use super::*;

    fn send(liar: &Liar, round: u32, to: u8, frame: &[u8]) -> Option<Vec<u8>> {
        let session = SessionId {
            job: B256::ZERO,
            attempt: 0,
        };
        liar.outgoing(OutgoingFrame { session, round, to }, frame.to_vec())
    }

    #[test]
    fn every_behaviour_alters_exactly_the_frames_it_should() {
        for behaviour in Behaviour::value_variants() {
            let place = Where {
                from_round: 1,
                to: Some(2),
            };
            let liar = Liar::new(*behaviour, place);
            for to in 0..3 {
                assert_eq!(send(&liar, 0, to, b"one").as_deref(), Some(&b"one"[..]));
            }
            assert_eq!(send(&liar, 1, 0, b"two").as_deref(), Some(&b"two"[..]));
            let honest = matches!(behaviour, Behaviour::Misinform | Behaviour::Impersonate);
            assert_eq!(
                send(&liar, 1, 2, b"two").as_deref() == Some(&b"two"[..]),
                honest,
                "{behaviour:?}"
            );
        }
    }

    #[test]
    fn owners_of_secrets_are_told_lies_in_one_name_or_another() {
        let place = Where {
            from_round: 0,
            to: None,
        };
        let held = Components {
            epoch: 1,
            components: [Some(vec![1]), Some(vec![2]), Some(vec![3]), None],
        };
        let told = |behaviour| Liar::new(behaviour, place).secret(3, held.clone());
        assert_eq!(told(Behaviour::Flip), (3, held.clone()));
        let (name, lie) = told(Behaviour::Misinform);
        let lies = [Some(vec![0xfe]), Some(vec![0xfd]), Some(vec![0xfc]), None];
        assert_eq!((name, &lie.components), (3, &lies));
        let (name, lie) = told(Behaviour::Impersonate);
        let lies = [None, Some(vec![0xfd]), Some(vec![0xfc]), Some(vec![0xfe])];
        assert_eq!((name, &lie.components), (0, &lies));
    }

    #[test]
    fn only_who_denies_lies_in_disputes() {
        let place = Where {
            from_round: 0,
            to: None,
        };
        let digest = B256::repeat_byte(3);
        for behaviour in Behaviour::value_variants() {
            let honest = Liar::new(*behaviour, place).statement(digest) == digest;
            assert_eq!(honest, *behaviour != Behaviour::Deny);
        }
    }

    #[test]
    fn a_replayed_frame_is_the_one_before() {
        let place = Where {
            from_round: 0,
            to: None,
        };
        let liar = Liar::new(Behaviour::Replay, place);
        send(&liar, 0, 1, b"one");
        assert_eq!(send(&liar, 1, 1, b"two").as_deref(), Some(&b"one"[..]));
        let liar = Liar::new(Behaviour::Flip, place);
        assert_eq!(send(&liar, 3, 1, b""), Some(vec![0]));
    }
}
