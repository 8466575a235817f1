//! Random scenarios: what goes wrong, and what users do meanwhile.

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use crate::{Lie, Mischief, byzantine::LIES};

/// Links that are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Node 0 and this one from the other two.
    Halves {
        /// The other one on node 0's side.
        with: usize,
    },
    /// One node from all others.
    Alone {
        /// Which.
        node: usize,
    },
    /// One node hears nothing.
    Deaf {
        /// Which.
        node: usize,
    },
    /// One node is not heard.
    Mute {
        /// Which.
        node: usize,
    },
    /// One node does not hear one other.
    OneWay {
        /// Who is not heard.
        from: usize,
        /// By whom.
        to: usize,
    },
}

/// Something that goes wrong at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A node dies in the middle of what it does next.
    Crash {
        /// Which.
        node: usize,
        /// For how long, in milliseconds.
        down_ms: u64,
    },
    /// All nodes die at once.
    PowerCut {
        /// For how long, in milliseconds.
        down_ms: u64,
    },
    /// A node's disk is copied.
    Copy {
        /// Which.
        node: usize,
    },
    /// A node dies and gets the copy of its disk, or an empty one if there is none.
    Restore {
        /// Which.
        node: usize,
        /// For how long it is down, in milliseconds.
        down_ms: u64,
    },
    /// A node dies and gets an empty disk.
    Wipe {
        /// Which.
        node: usize,
        /// For how long it is down, in milliseconds.
        down_ms: u64,
    },
    /// Links are cut.
    Cut {
        /// Which.
        cut: Cut,
        /// For how long, in milliseconds.
        for_ms: u64,
        /// Whether connections end; else messages vanish.
        noticed: bool,
    },
}

/// One thing that makes a scenario harder. Without any, all is well and nobody does anything.
#[derive(Clone, Debug, PartialEq)]
pub enum Feature {
    /// The network is slow and changes the order of messages.
    Latency {
        /// Longest way of a message, in milliseconds; the shortest is 1.
        longest_ms: u64,
    },
    /// The network loses messages.
    Loss {
        /// Of a thousand, how many.
        per_mille: u32,
    },
    /// A node's clock is wrong, for ever.
    Skew {
        /// Which node.
        node: usize,
        /// By how much, in milliseconds.
        by_ms: i64,
    },
    /// A node breaks the rules in a way, for ever.
    Lie {
        /// Which node; the same in a whole scenario.
        node: usize,
        /// How.
        lie: Lie,
    },
    /// Something goes wrong at a time.
    At {
        /// When, in milliseconds from the beginning.
        at_ms: u64,
        /// What.
        fault: Fault,
    },
    /// A user who calls the contract.
    Caller {
        /// How often.
        calls: usize,
    },
    /// A user who casts a ballot.
    Ballot {
        /// Its choice.
        choice: u8,
        /// When, in milliseconds from the beginning.
        at_ms: u64,
        /// The node that cannot open its seal, if there is one.
        spoiled: Option<usize>,
    },
    /// A user who means harm.
    Rogue {
        /// How.
        mischief: Mischief,
        /// From when on, in milliseconds from the beginning.
        at_ms: u64,
        /// How often.
        deeds: u32,
    },
    /// Ballots are shuffled before they are counted.
    Shuffle,
    /// A key epoch ends.
    Refresh {
        /// When the first one ends, in milliseconds from the beginning.
        first_ms: u64,
    },
    /// The poll is tallied after it has closed.
    Tally {
        /// Not before this, in milliseconds from the beginning.
        at_ms: u64,
    },
}

/// A run: how long things go wrong, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What all that is random comes from.
    pub seed: u64,
    /// For how long faults happen, in milliseconds.
    pub chaos_ms: u64,
    /// When the poll closes, in seconds from the beginning.
    pub closes_s: u64,
    /// What is special, each with the number by which it is switched off.
    pub features: Vec<(usize, Feature)>,
}

impl Scenario {
    /// The scenario of a seed.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut maker = Maker {
            rng: ChaCha20Rng::seed_from_u64(seed ^ 0x5ce_a210),
            chaos_ms: 0,
            features: Vec::new(),
        };
        maker.chaos_ms = maker.rng.random_range(2_000..8_000);
        let closes_s = maker.rng.random_range(1..=maker.chaos_ms / 1_000 + 1);
        maker.users();
        maker.network();
        maker.nodes();
        maker.epochs();
        maker.rogues();
        Self {
            seed,
            chaos_ms: maker.chaos_ms,
            closes_s,
            features: maker.features.into_iter().enumerate().collect(),
        }
    }

    /// The same without some features, by their numbers.
    #[must_use]
    pub fn without(&self, numbers: &[usize]) -> Self {
        let mut less = self.clone();
        less.features
            .retain(|(number, _)| !numbers.contains(number));
        less
    }
}

struct Maker {
    rng: ChaCha20Rng,
    chaos_ms: u64,
    features: Vec<Feature>,
}

impl Maker {
    fn users(&mut self) {
        for _ in 0..self.rng.random_range(0..3) {
            let calls = self.rng.random_range(1..5);
            self.features.push(Feature::Caller { calls });
        }
        for _ in 0..self.rng.random_range(0..6) {
            let choice = self.rng.random_range(0..4);
            let at_ms = self.time();
            let spoiled = self.rng.random_bool(0.15);
            let spoiled = spoiled.then(|| self.rng.random_range(0..4));
            self.features.push(Feature::Ballot {
                choice,
                at_ms,
                spoiled,
            });
        }
        if self.rng.random_bool(0.4) {
            self.features.push(Feature::Shuffle);
        }
        for _ in 0..self.count(&[0, 1, 1, 1, 2, 3]) {
            let at_ms = self.time();
            self.features.push(Feature::Tally { at_ms });
        }
    }

    fn rogues(&mut self) {
        for mischief in [Mischief::Flood, Mischief::Nonces, Mischief::Copies] {
            if self.rng.random_bool(0.25) {
                let (at_ms, deeds) = (self.time(), self.rng.random_range(1..8));
                self.features.push(Feature::Rogue {
                    mischief,
                    at_ms,
                    deeds,
                });
            }
        }
    }

    fn network(&mut self) {
        if self.rng.random_bool(0.5) {
            let longest_ms = [10, 40, 150, 600][self.rng.random_range(0..4)];
            self.features.push(Feature::Latency { longest_ms });
        }
        if self.rng.random_bool(0.4) {
            let per_mille = [5, 30, 150][self.rng.random_range(0..3)];
            self.features.push(Feature::Loss { per_mille });
        }
        for _ in 0..self.count(&[0, 0, 1, 1, 2, 4]) {
            let cut = self.cut();
            let (for_ms, noticed) = (self.rng.random_range(50..3_000), self.rng.random_bool(0.5));
            let at_ms = self.time();
            // Some flap.
            let (times, for_ms) = if self.rng.random_bool(0.2) {
                (5, for_ms / 10)
            } else {
                (1, for_ms)
            };
            for flap in 0..times {
                let at_ms = at_ms + flap * 2 * for_ms;
                let fault = Fault::Cut {
                    cut,
                    for_ms,
                    noticed,
                };
                self.features.push(Feature::At { at_ms, fault });
            }
        }
    }

    /// Crashes rotate among the nodes. Beyond them one node at most is bad: it lies, or has an
    /// older copy of its disk, or a wrong clock.
    fn nodes(&mut self) {
        for _ in 0..self.count(&[0, 0, 1, 2, 3, 6]) {
            let (node, down_ms) = (
                self.rng.random_range(0..4),
                self.rng.random_range(10..2_500),
            );
            self.fault(Fault::Crash { node, down_ms });
        }
        if self.rng.random_bool(0.1) {
            let down_ms = self.rng.random_range(10..1_500);
            self.fault(Fault::PowerCut { down_ms });
        }
        let node = self.rng.random_range(0..4);
        match self.rng.random_range(0..8) {
            0..=2 => {
                let how_many = self.rng.random_range(1..=3);
                for _ in 0..how_many {
                    let lie = LIES[self.rng.random_range(0..LIES.len())];
                    self.features.push(Feature::Lie { node, lie });
                }
            }
            3 => {
                let (copied_ms, restored_ms) = (self.time(), self.time());
                let down_ms = self.rng.random_range(10..1_500);
                let (at_ms, fault) = (copied_ms.min(restored_ms), Fault::Copy { node });
                self.features.push(Feature::At { at_ms, fault });
                let at_ms = copied_ms.max(restored_ms);
                let fault = Fault::Restore { node, down_ms };
                self.features.push(Feature::At { at_ms, fault });
            }
            4 => {
                let down_ms = self.rng.random_range(10..1_500);
                self.fault(Fault::Wipe { node, down_ms });
            }
            5 => {
                let by_ms = self.rng.random_range(-3_600_000..=3_600_000);
                self.features.push(Feature::Skew { node, by_ms });
            }
            _ => {}
        }
        for node in 0..4 {
            if self.rng.random_bool(0.1) {
                let by_ms = self.rng.random_range(-800..=800);
                self.features.push(Feature::Skew { node, by_ms });
            }
        }
    }

    /// The first key epoch ends while things go wrong. A refresh takes six seconds and more: some are
    /// under way when that is over. The next one does not end soon: each end takes what is left of the
    /// reserve, and with it what was learnt of a node that lies.
    fn epochs(&mut self) {
        if self.rng.random_bool(0.4) {
            let first_ms = self.rng.random_range(500..self.chaos_ms);
            self.features.push(Feature::Refresh { first_ms });
        }
    }

    fn cut(&mut self) -> Cut {
        let node = self.rng.random_range(0..4);
        match self.rng.random_range(0..5) {
            0 => Cut::Halves {
                with: self.rng.random_range(1..4),
            },
            1 => Cut::Alone { node },
            2 => Cut::Deaf { node },
            3 => Cut::Mute { node },
            _ => Cut::OneWay {
                from: node,
                to: (node + self.rng.random_range(1..4)) % 4,
            },
        }
    }

    fn fault(&mut self, fault: Fault) {
        let at_ms = self.time();
        self.features.push(Feature::At { at_ms, fault });
    }

    fn time(&mut self) -> u64 {
        self.rng.random_range(0..self.chaos_ms)
    }

    fn count(&mut self, among: &[usize]) -> usize {
        among[self.rng.next_u32() as usize % among.len()]
    }
}
