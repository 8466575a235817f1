//! Who does what when a value crosses.
//!
//! A value that two parties know is sent by one of them, the sender, and vouched for by the other,
//! the backup, to a receiver; the fourth, the outsider, needs nothing. Roles rotate from message
//! to message, so that every directed link carries the same.

/// The six pairs of components, and for each the pair of parties that knows both.
pub(crate) const PAIRS: [([usize; 2], [usize; 2]); 6] = [
    ([0, 1], [2, 3]),
    ([0, 2], [1, 3]),
    ([0, 3], [1, 2]),
    ([1, 2], [0, 3]),
    ([1, 3], [0, 2]),
    ([2, 3], [0, 1]),
];

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

/// Roles for the value that the parties outside components `PAIRS[pair].0` know, in message
/// `counter`.
pub(crate) const fn rotate(pair: usize, counter: u64) -> Roles {
    let ([a, b], [c, d]) = PAIRS[pair];
    // Four messages in a row take the four turns; the shifts keep patterns in the program from
    // falling in step with them.
    let turn = (counter + (counter >> 2) + (counter >> 5) + (counter >> 9) + pair as u64) & 3;
    let (sender, backup) = if turn & 1 == 0 { (c, d) } else { (d, c) };
    let (receiver, outsider) = if turn & 2 == 0 { (a, b) } else { (b, a) };
    Roles {
        sender,
        backup,
        receiver,
        outsider,
    }
}

/// Roles in the message that gives component `receiver` of an opened value to the party that
/// lacks it.
pub(crate) const fn opening(receiver: usize, counter: u64) -> Roles {
    let turn = (counter % 3) as usize;
    Roles {
        sender: (receiver + 1 + turn) % 4,
        backup: (receiver + 1 + (turn + 1) % 3) % 4,
        receiver,
        outsider: (receiver + 1 + (turn + 2) % 3) % 4,
    }
}

/// Roles in message `turn` (0 to 2) of the three by which a shuffle's pass reaches the party that
/// lacks its permutation. The outsider is the party that lacks the component.
pub(crate) const fn pass(receiver: usize, turn: usize, counter: u64) -> Roles {
    let turns = if counter & 1 == 0 { [1, 2] } else { [2, 1] };
    Roles {
        sender: (receiver + 1 + (turn + turns[0]) % 3) % 4,
        backup: (receiver + 1 + (turn + turns[1]) % 3) % 4,
        receiver,
        outsider: (receiver + 1 + turn) % 4,
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

    #[test]
    fn four_multiplications_load_every_link_with_two_elements() {
        let mut load = [[0; 4]; 4];
        for counter in 0..4 {
            for (pair, (components, _)) in PAIRS.iter().enumerate() {
                let roles = rotate(pair, counter);
                assert!(is_permutation(roles));
                assert!(components.contains(&roles.receiver));
                load[roles.sender][roles.receiver] += 1;
            }
        }
        for (from, links) in load.iter().enumerate() {
            assert!(
                links
                    .iter()
                    .enumerate()
                    .all(|(to, n)| *n == if from == to { 0 } else { 2 })
            );
        }
    }

    #[test]
    fn openings_reach_everybody_and_rotate() {
        for receiver in 0..4 {
            let senders: std::collections::BTreeSet<_> = (0..3)
                .map(|counter| opening(receiver, counter).sender)
                .collect();
            assert_eq!(senders.len(), 3);
            assert!((0..3).all(|counter| is_permutation(opening(receiver, counter))));
        }
    }

    #[test]
    fn a_pass_loads_the_links_to_the_receiver_evenly() {
        for receiver in 0..4 {
            for counter in 0..2 {
                let all: Vec<Roles> = (0..3).map(|turn| pass(receiver, turn, counter)).collect();
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
