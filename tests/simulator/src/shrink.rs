//! The smallest scenario that still breaks the same promise.

use crate::{Scenario, Violation, run};

/// Switches features off, more and more at once and then one by one, and shortens the time of
/// faults, as long as the run violates the same. `tried` is told of each success.
#[must_use]
pub fn shrink(scenario: &Scenario, like: &Violation, tried: &mut dyn FnMut(&Scenario)) -> Scenario {
    let fails = |candidate: &Scenario| {
        let violation = run(candidate, false).violation;
        violation.is_some_and(|violation| violation.is_like(like))
    };
    let mut smallest = scenario.clone();
    let mut size = smallest.features.len().div_ceil(2);
    loop {
        let before = smallest.features.len();
        let mut at = 0;
        while at < smallest.features.len() {
            let mut candidate = smallest.clone();
            let end = (at + size).min(candidate.features.len());
            candidate.features.drain(at..end);
            if fails(&candidate) {
                smallest = candidate;
                tried(&smallest);
            } else {
                at += size;
            }
        }
        if size <= 1 && smallest.features.len() == before {
            return smallest;
        }
        size = size.div_ceil(2).max(1);
        if size > 1 && smallest.features.is_empty() {
            return smallest;
        }
    }
}
