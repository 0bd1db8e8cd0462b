//! The pace at which one caller may begin calls.

use std::time::Duration;

use tokio::time::Instant;

/// Fills at a rate, and holds what flows into it in a second at most.
#[derive(Debug)]
pub(super) struct Bucket {
    /// What has been taken out and has not flowed in again yet.
    missing: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn full(at: Instant) -> Bucket {
        Bucket { missing: 0.0, at }
    }

    /// Takes one out, or says how long it takes until there is one.
    pub(super) fn take(&mut self, per_second: u32, now: Instant) -> Result<(), Duration> {
        let rate = f64::from(per_second);
        let flowed = now.saturating_duration_since(self.at).as_secs_f64() * rate;
        self.missing = (self.missing - flowed).max(0.0);
        self.at = self.at.max(now);
        let over = self.missing + 1.0 - rate;
        if over > 0.0 {
            // A little more, so that rounding does not refuse whoever waits just that long.
            let wait = Duration::from_secs_f64(over / rate);
            return Err(wait + Duration::from_millis(1));
        }
        self.missing += 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn as_many_as_a_second_brings_go_at_once_and_then_one_for_each_that_flows_in() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        for _ in 0..10 {
            bucket.take(10, start).unwrap();
        }
        let wait = bucket.take(10, start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(101));
        bucket.take(10, start + wait).unwrap();
        assert!(bucket.take(10, start + wait).is_err());
        let later = start + Duration::from_secs(3600);
        let taken = (0..100).filter(|_| bucket.take(10, later).is_ok()).count();
        assert_eq!(taken, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_of_the_past_takes_but_fills_nothing() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut bucket = Bucket::full(start);
        bucket.take(1, start).unwrap();
        assert!(bucket.take(1, start - Duration::from_secs(5)).is_err());
        assert!(bucket.take(1, start + Duration::from_millis(500)).is_err());
    }
}
