//! The rate limit: one token bucket per key. Lever: "Rate limits".

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::config::RateLimit;

/// The buckets of all keys.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: Option<RateLimit>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Limiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Limiter {
        Limiter {
            limit,
            buckets: Mutex::default(),
        }
    }

    /// Takes one request from the bucket of a key; `false` means 429.
    pub(crate) fn admit(&self, key: &str, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket {
            tokens: f64::from(limit.burst),
            filled_at: now,
        };
        let bucket = buckets.entry(key.to_owned()).or_insert(full);
        bucket.fill(limit, now);
        bucket.take()
    }
}

impl Bucket {
    fn fill(&mut self, limit: RateLimit, now: Instant) {
        let elapsed = now.duration_since(self.filled_at).as_secs_f64();
        let refilled = self.tokens + elapsed * f64::from(limit.per_second);
        self.tokens = refilled.min(f64::from(limit.burst));
        self.filled_at = now;
    }

    fn take(&mut self) -> bool {
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn twenty_pass_at_once_and_then_ten_a_second() {
        let limiter = Limiter::new(Some(RateLimit::default()));
        let start = Instant::now();
        let granted = |now| (0..100).filter(|_| limiter.admit("key", now)).count();
        assert_eq!(granted(start), 20);
        assert_eq!(granted(start + Duration::from_millis(500)), 5);
        assert_eq!(granted(start + Duration::from_secs(60)), 20);
    }

    #[test]
    fn keys_do_not_share_a_bucket() {
        let limiter = Limiter::new(Some(RateLimit {
            burst: 1,
            per_second: 1,
        }));
        let now = Instant::now();
        assert!(limiter.admit("one", now));
        assert!(limiter.admit("two", now));
        assert!(!limiter.admit("one", now));
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let limiter = Limiter::new(None);
        let now = Instant::now();
        assert!((0..1000).all(|_| limiter.admit("key", now)));
    }
}
