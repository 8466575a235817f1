//! Faults of nodes, disks and links, and the end of all of them.

use crate::{CALM, Cut, Disk, Event, Fault, Sim};

impl Sim {
    /// A fault happens, unless the state of the node it means does not allow it.
    pub(crate) fn strike(&mut self, fault: &Fault) {
        self.note(|| format!("{fault:?}"));
        match *fault {
            Fault::Crash { node, down_ms } => {
                if self.is_up(node) {
                    self.machines[node].doomed = Some(down_ms);
                }
            }
            Fault::PowerCut { down_ms } => {
                for node in 0..4 {
                    self.bring_down(node, down_ms);
                }
            }
            Fault::Copy { node } => {
                self.machines[node].copy = Some(self.machines[node].disk.clone())
            }
            Fault::Restore { node, down_ms } => {
                self.bring_down(node, down_ms);
                let forgot = self.signed.keys().filter(|slot| slot.0 == node);
                let machine = &mut self.machines[node];
                machine.forgot_to = forgot.map(|slot| slot.1).max().unwrap_or(0);
                machine.disk = machine.copy.clone().unwrap_or_default();
            }
            Fault::Wipe { node, down_ms } => {
                self.machines[node].copy = Some(Disk::default());
                self.strike(&Fault::Restore { node, down_ms });
            }
            Fault::Cut {
                ref cut,
                for_ms,
                noticed,
            } => self.cut(&cut.links(), for_ms, noticed),
        }
    }

    fn bring_down(&mut self, node: usize, down_ms: u64) {
        if self.is_up(node) {
            self.kill(node);
            self.at(down_ms, Event::Start(node));
        }
    }

    /// Cuts links, each in one direction, for a time. Connections end only if it is noticed.
    fn cut(&mut self, links: &[(usize, usize)], for_ms: u64, noticed: bool) {
        for &(from, to) in links {
            self.passes[from][to] = false;
            if noticed {
                let (a, b, up) = (from, to, false);
                self.at(1, Event::Links { a, b, up });
            }
        }
        self.at(for_ms, Event::Join(links.to_vec()));
    }

    pub(crate) fn join(&mut self, links: &[(usize, usize)]) {
        for &(from, to) in links {
            self.passes[from][to] = true;
            let (a, b, up) = (from, to, true);
            self.at(1, Event::Links { a, b, up });
        }
    }

    /// From now on nothing goes wrong but what the corrupt node and wrong clocks do.
    pub(crate) fn heal(&mut self) {
        self.note(|| "everything heals".into());
        self.drop_faults();
        self.network = CALM;
        for node in 0..4 {
            self.machines[node].doomed = None;
            if !self.is_up(node) {
                self.start(node);
            }
        }
        let all = (0..4).flat_map(|from| (0..4).map(move |to| (from, to)));
        let links: Vec<_> = all.filter(|(from, to)| from != to).collect();
        self.join(&links);
    }
}

impl Cut {
    /// The directions in which nothing passes: from, to.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, usize)> {
        let apart = |from: usize, to: usize| match *self {
            Self::Halves { with } => (from == 0 || from == with) != (to == 0 || to == with),
            Self::Alone { node } => (from == node) != (to == node),
            Self::Deaf { node } => to == node,
            Self::Mute { node } => from == node,
            Self::OneWay { from: a, to: b } => (from, to) == (a, b),
        };
        let all = (0..4).flat_map(|from| (0..4).map(move |to| (from, to)));
        all.filter(|&(from, to)| from != to && apart(from, to))
            .collect()
    }
}
