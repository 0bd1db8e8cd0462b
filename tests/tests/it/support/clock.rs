//! The clock of the simulated Lever: the real one, moved ahead at will.
//!
//! The service reckons by Lever's clock, so hours pass for it as soon as it hears the time from Lever again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::world::Setup;

/// Moves a Lever's clock.
#[derive(Debug, Clone)]
pub(crate) struct LeverClock(Arc<AtomicI64>);

impl LeverClock {
    /// Gives the Lever of `setup` a clock that is ahead of the real one, or behind it, by `ahead_ms`.
    pub(crate) fn of(setup: &mut Setup, ahead_ms: i64) -> LeverClock {
        let ahead = Arc::new(AtomicI64::new(ahead_ms));
        let of_lever = ahead.clone();
        setup.lever.clock = Arc::new(move || now() + of_lever.load(Ordering::Relaxed));
        LeverClock(ahead)
    }

    /// Lets time pass in Lever.
    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).expect("not for ages");
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// The time in Lever, in seconds since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        (now() + self.0.load(Ordering::Relaxed)).div_euclid(1000)
    }
}

/// The time of day in milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the clock of this Lever is told from the real one"
)]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292277026")
}
