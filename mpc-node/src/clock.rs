//! The node's clock: the system's time when the node started, moved on by the monotonic clock.
//! It never goes backwards; a step of the system's clock takes effect when the node is started
//! again.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, monotonically.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start_ms: u64,
    start: Instant,
}

impl Clock {
    /// Reads the system's time.
    #[must_use]
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            start_ms: millis(since.unwrap_or_default()),
            start: Instant::now(),
        }
    }

    /// The time now, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.start_ms + millis(self.start.elapsed())
    }

    /// When the clock shows `at_ms`.
    #[must_use]
    pub fn instant(&self, at_ms: u64) -> Instant {
        self.start + Duration::from_millis(at_ms.saturating_sub(self.start_ms))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
