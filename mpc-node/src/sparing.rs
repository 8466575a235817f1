//! Log lines that somebody else can cause, kept few: whoever reaches this node could otherwise fill
//! its disk with them, and a full disk stops a node. The metrics count what is not logged.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const LINES: u32 = 60;
const PERIOD: Duration = Duration::from_secs(60);

/// Lets a few log lines through in a minute.
#[derive(Debug)]
pub(crate) struct Sparing(Mutex<Lines>);

#[derive(Debug)]
struct Lines {
    since: Instant,
    written: u32,
}

impl Default for Sparing {
    fn default() -> Self {
        Self(Mutex::new(Lines {
            since: Instant::now(),
            written: 0,
        }))
    }
}

impl Sparing {
    /// Whether one more line may be written now. Says once when it is one too many.
    #[must_use]
    pub(crate) fn admits(&self) -> bool {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.since.elapsed() >= PERIOD {
            *lines = Lines {
                since: Instant::now(),
                written: 0,
            };
        }
        if lines.written == LINES {
            tracing::warn!("more of the same is counted but not logged, for a minute");
        }
        lines.written = lines.written.saturating_add(1);
        lines.written <= LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_lines_a_minute_are_let_through() {
        let sparing = Sparing::default();
        let admitted = (0..10 * LINES).filter(|_| sparing.admits()).count();
        assert_eq!(admitted, LINES as usize);
        if let Ok(mut lines) = sparing.0.lock() {
            lines.since = lines.since.checked_sub(PERIOD).unwrap_or(lines.since);
        }
        assert!(sparing.admits(), "a minute later");
    }
}
