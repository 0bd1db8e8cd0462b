//! How the commits of a store go.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What commits came to since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Commits {
    /// How many groups of requests were made durable.
    pub count: u64,
    /// How long that took, all together.
    pub time: Duration,
    /// How many requests wait for theirs now.
    pub waiting: u64,
}

/// Counts commits.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Tally {
    /// Takes note of a commit that took so long.
    pub(crate) fn note(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What they came to, with how many requests wait.
    pub(crate) fn commits(&self, waiting: u64) -> Commits {
        Commits {
            count: self.count.load(Ordering::Relaxed),
            time: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
            waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_add_up() {
        let tally = Tally::default();
        tally.note(Duration::from_millis(2));
        tally.note(Duration::from_millis(3));
        let expected = Commits {
            count: 2,
            time: Duration::from_millis(5),
            waiting: 7,
        };
        assert_eq!(tally.commits(7), expected);
    }
}
