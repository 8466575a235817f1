//! Components that peers are asked for.

use std::{collections::BTreeMap, time::Duration};

use alloy_primitives::B256;
use tokio::time::Instant;
use wire::{limits::NODES, peer::InputShares};
use zeroize::Zeroizing;

use crate::storage::seed_box::HeldShares;

const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is lacking.
pub(super) struct Fetches {
    me: u8,
    wanted: BTreeMap<B256, Want>,
}

struct Want {
    length: usize,
    /// By peer, what it said last.
    said: [HeldShares; NODES],
    next: Instant,
    pause: Duration,
}

/// What came of a peer's answer.
pub(super) enum Weighed {
    /// It was not asked for, or did not help yet.
    Nothing,
    /// It is not what the other holder sent.
    Differ,
    /// All three components are there; the input is not wanted any more.
    Complete(HeldShares),
}

impl Fetches {
    pub(super) const fn new(me: u8) -> Self {
        Self {
            me,
            wanted: BTreeMap::new(),
        }
    }

    /// Begins to ask for the components of an input, each so many bytes long.
    pub(super) fn add(&mut self, input: B256, length: usize, now: Instant) {
        self.wanted.entry(input).or_insert_with(|| Want {
            length,
            said: Default::default(),
            next: now,
            pause: PAUSE,
        });
    }

    /// Whether an input is lacking.
    pub(super) fn wants(&self, input: B256) -> bool {
        self.wanted.contains_key(&input)
    }

    /// At most so many inputs that peers are to be asked for now; the next time is noted.
    pub(super) fn due(&mut self, now: Instant, limit: usize) -> Vec<B256> {
        let due = self.wanted.iter_mut().filter(|(_, want)| want.next <= now);
        let due = due.take(limit).map(|(input, want)| {
            want.next = now + want.pause;
            want.pause = (want.pause * 2).min(LONGEST_PAUSE);
            *input
        });
        due.collect()
    }

    /// Notes what a peer sent; takes what both holders of a component agree on.
    pub(super) fn weigh(&mut self, from: u8, shares: &InputShares) -> Weighed {
        let me = self.me;
        let Some(want) = self.wanted.get_mut(&shares.input) else {
            return Weighed::Nothing;
        };
        let Some(said) = want.said.get_mut(usize::from(from)) else {
            return Weighed::Nothing;
        };
        for (component, bytes) in &shares.components {
            let fits = bytes.len() == want.length && *component != me && *component != from;
            if let Some(place) = said.get_mut(usize::from(*component)).filter(|_| fits) {
                *place = Some(Zeroizing::new(bytes.clone()));
            }
        }
        let mut agreed: HeldShares = Default::default();
        for (component, place) in agreed.iter_mut().enumerate() {
            let mut said = want.said.iter().filter_map(|said| said[component].as_ref());
            // Two hold it besides this node and the one that lacks it.
            let (Some(one), Some(two)) = (said.next(), said.next()) else {
                continue;
            };
            if one != two {
                return Weighed::Differ;
            }
            *place = Some(one.clone());
        }
        if agreed.iter().flatten().count() < NODES - 1 {
            return Weighed::Nothing;
        }
        self.wanted.remove(&shares.input);
        Weighed::Complete(agreed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(of: &[(u8, u8)]) -> InputShares {
        InputShares {
            input: B256::ZERO,
            components: of.iter().map(|(c, byte)| (*c, vec![*byte; 3])).collect(),
        }
    }

    /// What peer p says that holds the components c of value c.
    fn honest(peer: u8) -> InputShares {
        let held: Vec<_> = (0..4).filter(|c| *c != peer).map(|c| (c, c)).collect();
        shares(&held)
    }

    #[test]
    fn a_component_is_believed_when_both_holders_send_the_same() {
        let mut fetches = Fetches::new(2);
        fetches.add(B256::ZERO, 3, Instant::now());
        for peer in [0, 1] {
            assert!(matches!(
                fetches.weigh(peer, &honest(peer)),
                Weighed::Nothing
            ));
        }
        assert!(fetches.wants(B256::ZERO));
        let Weighed::Complete(held) = fetches.weigh(3, &honest(3)) else {
            panic!("complete");
        };
        let expected = [Some(vec![0; 3]), Some(vec![1; 3]), None, Some(vec![3; 3])];
        assert_eq!(held.map(|h| h.map(|h| h.to_vec())), expected);
        assert!(!fetches.wants(B256::ZERO));
        assert!(matches!(fetches.weigh(3, &honest(3)), Weighed::Nothing));
    }

    #[test]
    fn a_liar_is_not_believed_and_may_change_its_mind() {
        let mut fetches = Fetches::new(2);
        fetches.add(B256::ZERO, 3, Instant::now());
        fetches.weigh(0, &honest(0));
        fetches.weigh(1, &honest(1));
        // A component that it cannot have, one of another length, and a wrong one.
        fetches.weigh(3, &shares(&[(3, 3)]));
        let long = InputShares {
            input: B256::ZERO,
            components: vec![(0, vec![0; 4]), (1, vec![1; 2])],
        };
        assert!(matches!(fetches.weigh(3, &long), Weighed::Nothing));
        assert!(matches!(
            fetches.weigh(3, &shares(&[(0, 9)])),
            Weighed::Differ
        ));
        assert!(fetches.wants(B256::ZERO));
        assert!(matches!(fetches.weigh(3, &honest(3)), Weighed::Complete(_)));
    }
}
