//! Who does what when a value crosses.
//!
//! A value that two parties know is sent by one of them, the sender, and vouched for by the other,
//! the backup, to a receiver; the fourth, the outsider, needs nothing. Of the parties that could
//! send a value and of those that could receive it, the two take the roles whose link has carried
//! least so far ([`Links`]), so that all links carry nearly the same, whatever the program.

use crate::frame::COPY_BELOW;

/// The six pairs of components, and for each the pair of parties that knows both.
pub(crate) const PAIRS: [([usize; 2], [usize; 2]); 6] = [
    ([0, 1], [2, 3]),
    ([0, 2], [1, 3]),
    ([0, 3], [1, 2]),
    ([1, 2], [0, 3]),
    ([1, 3], [0, 2]),
    ([2, 3], [0, 1]),
];

/// For each pair of components, who prefers to send to the party that lacks the first; the other
/// prefers to send to the party that lacks the second. The preferred links of all pairs are all twelve.
const FIRST_SENDERS: [usize; 6] = [2, 3, 1, 0, 2, 0];

/// Roles in one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Sends the value.
    pub(crate) sender: usize,
    /// Sends the second copy or its digest.
    pub(crate) backup: usize,
    /// Lacks the value.
    pub(crate) receiver: usize,
    /// Takes no part.
    pub(crate) outsider: usize,
}

/// The parties of a session: all four, or all but one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parties {
    absent: Option<usize>,
}

impl Parties {
    pub(crate) const fn without(absent: Option<usize>) -> Self {
        Self { absent }
    }

    pub(crate) const fn absent(self) -> Option<usize> {
        self.absent
    }

    pub(crate) fn is_live(self, party: usize) -> bool {
        party < 4 && self.absent != Some(party)
    }

    /// All of them, in order.
    pub(crate) fn live(self) -> impl Iterator<Item = usize> {
        (0..4).filter(move |party| self.is_live(*party))
    }

    /// All but one, in order.
    pub(crate) fn peers(self, me: usize) -> impl Iterator<Item = usize> {
        self.live().filter(move |party| *party != me)
    }
}

/// What each directed link has carried so far, in bytes of values. All parties keep the same count.
#[derive(Debug, Default)]
pub(crate) struct Links {
    parties: Parties,
    /// By sender and receiver.
    bytes: [[u64; 4]; 4],
}

impl Links {
    pub(crate) const fn of(parties: Parties) -> Self {
        Self {
            parties,
            bytes: [[0; 4]; 4],
        }
    }

    /// Roles for a message of so many bytes: the value that the parties outside components
    /// `PAIRS[pair].0` know.
    pub(crate) fn cross(&mut self, pair: usize, bytes: usize) -> Roles {
        let ([a, b], [c, d]) = PAIRS[pair];
        let (to_a, to_b) = if FIRST_SENDERS[pair] == c {
            (c, d)
        } else {
            (d, c)
        };
        self.assign(
            [(to_a, a), (to_b, b), (to_a, b), (to_b, a)].map(|(sender, receiver)| Roles {
                sender,
                backup: c + d - sender,
                receiver,
                outsider: a + b - receiver,
            }),
            bytes,
        )
    }

    /// Roles in the message that gives component `receiver` of an opened value to the party that
    /// lacks it, which is live. An absent party is the outsider.
    pub(crate) fn open(&mut self, receiver: usize, bytes: usize) -> Roles {
        let [a, b, c] = [1, 2, 3].map(|turn| (receiver + turn) % 4);
        if let Some(outsider) = self.parties.absent {
            let [a, b] = match outsider {
                _ if outsider == a => [b, c],
                _ if outsider == b => [c, a],
                _ => [a, b],
            };
            return self.assign(
                [(a, b), (b, a)].map(|(sender, backup)| Roles {
                    sender,
                    backup,
                    receiver,
                    outsider,
                }),
                bytes,
            );
        }
        self.assign(
            [(a, b, c), (b, c, a), (c, a, b)].map(|(sender, backup, outsider)| Roles {
                sender,
                backup,
                receiver,
                outsider,
            }),
            bytes,
        )
    }

    /// Roles in message `turn` (0 to 2) of the three by which a shuffle's pass reaches the party that
    /// lacks its permutation. The outsider is the party that lacks the component.
    pub(crate) fn pass(&mut self, receiver: usize, turn: usize, bytes: usize) -> Roles {
        let [outsider, b, c] = [0, 1, 2].map(|next| (receiver + 1 + (turn + next) % 3) % 4);
        self.assign(
            [(b, c), (c, b)].map(|(sender, backup)| Roles {
                sender,
                backup,
                receiver,
                outsider,
            }),
            bytes,
        )
    }

    /// The first of the choices whose link has carried least.
    fn assign<const N: usize>(&mut self, choices: [Roles; N], bytes: usize) -> Roles {
        let load = |roles: &Roles| self.bytes[roles.sender][roles.receiver];
        let mut best = choices[0];
        for roles in &choices[1..] {
            if load(roles) < load(&best) {
                best = *roles;
            }
        }
        self.bytes[best.sender][best.receiver] += bytes as u64;
        if bytes < COPY_BELOW {
            self.bytes[best.backup][best.receiver] += bytes as u64;
        }
        best
    }
}

/// The place in [`PAIRS`] of the components a and b.
pub(crate) const fn pair_of(a: usize, b: usize) -> usize {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    match (low, high) {
        (0, _) => high - 1,
        (1, _) => high + 1,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_permutation(roles: Roles) -> bool {
        let mut all = [roles.sender, roles.backup, roles.receiver, roles.outsider];
        all.sort_unstable();
        all == [0, 1, 2, 3]
    }

    fn spread(links: &Links) -> (u64, u64) {
        let carried = (0..16).filter(|link| link / 4 != link % 4);
        let carried = carried.map(|link| links.bytes[link / 4][link % 4]);
        (carried.clone().min().unwrap(), carried.max().unwrap())
    }

    #[test]
    fn multiplications_load_every_link_alike() {
        let mut links = Links::default();
        for count in 1..50 {
            for (pair, (components, _)) in PAIRS.iter().enumerate() {
                let roles = links.cross(pair, 100);
                assert!(is_permutation(roles));
                assert!(components.contains(&roles.receiver));
            }
            let (least, most) = spread(&links);
            assert!(most - least <= 100 * (count % 2), "{count}: {links:?}");
        }
    }

    #[test]
    fn messages_of_any_size_load_every_link_alike() {
        let mut links = Links::default();
        for i in 0..3000usize {
            let (half, bytes) = (i / 7 % 3, 64 + i * 7919 % 1000);
            links.cross(half, bytes);
            links.cross(5 - half, bytes / 3);
            assert!(is_permutation(links.open(i % 4, 8)));
        }
        let (least, most) = spread(&links);
        assert!(most - least < 3000 && least > 100_000, "{links:?}");
    }

    #[test]
    fn openings_reach_everybody_and_change_senders() {
        for receiver in 0..4 {
            let mut links = Links::default();
            let senders: std::collections::BTreeSet<_> =
                (0..3).map(|_| links.open(receiver, 64).sender).collect();
            assert_eq!(senders.len(), 3);
        }
    }

    #[test]
    fn openings_among_three_load_their_links_alike() {
        for absent in 0..4 {
            let parties = Parties::without(Some(absent));
            let mut links = Links::of(parties);
            for i in 0..1000usize {
                for receiver in parties.live() {
                    let roles = links.open(receiver, 64 + i * 7919 % 1000);
                    assert!(is_permutation(roles));
                    assert_eq!((roles.receiver, roles.outsider), (receiver, absent));
                }
            }
            for (from, to) in (0..16).map(|link| (link / 4, link % 4)) {
                let is_used = from != to && from != absent && to != absent;
                let carried = links.bytes[from][to];
                assert_eq!(carried > 250_000, is_used, "{links:?}");
                assert!(carried < 310_000, "{links:?}");
            }
        }
    }

    #[test]
    fn a_pass_loads_the_links_to_the_receiver_evenly() {
        for receiver in 0..4 {
            let mut links = Links::default();
            for _ in 0..2 {
                let all = [0, 1, 2].map(|turn| links.pass(receiver, turn, 64));
                assert!(all.iter().all(|roles| is_permutation(*roles)));
                let senders: std::collections::BTreeSet<_> =
                    all.iter().map(|roles| roles.sender).collect();
                let outsiders: std::collections::BTreeSet<_> =
                    all.iter().map(|roles| roles.outsider).collect();
                assert_eq!((senders.len(), outsiders.len()), (3, 3));
            }
        }
    }

    #[test]
    fn pairs_are_found() {
        for (place, ([a, b], _)) in PAIRS.iter().enumerate() {
            assert_eq!((pair_of(*a, *b), pair_of(*b, *a)), (place, place));
        }
    }
}
