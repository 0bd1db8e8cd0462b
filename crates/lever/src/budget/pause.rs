//! What is known of a pause after a 429.

use std::time::Duration;

use tokio::time::Instant;

/// A pause of everybody who shares a budget, after Lever has answered 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pause<T = Instant> {
    /// When the first of the answers came that led to it.
    pub since: T,
    /// When calls may go again.
    pub until: T,
    /// What Lever asked for in `Retry-After`, with the answer that decides the end; none where the budget chose it.
    ///
    /// Never obeyed for longer than [`Pause::LONGEST_TOLD`].
    pub told: Option<Duration>,
}

impl Pause<Duration> {
    /// The longest pause Lever is believed to ask for.
    pub const LONGEST_TOLD: Duration = Duration::from_secs(3600);

    /// The same pause of a budget that counts from `origin`.
    pub(super) fn counted_from(self, origin: Instant) -> Pause {
        Pause {
            since: origin + self.since,
            until: origin + self.until,
            told: self.told,
        }
    }
}

impl Pause {
    /// How long it still lasts; zero once it is over.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}
