//! How much of something long one transaction takes in.
//!
//! As much as costs nothing, while nobody else writes. Once somebody has pressed a button others may follow, and then so
//! much as takes [`LONGEST`] on this machine: one wait until the next look at what is urgent.

use std::time::{Duration, Instant};

/// How many records of a page one transaction takes in at most, and how many people one makes tombstones of.
///
/// With 30 a page takes a fifth more CPU, with this many no more than whole.
pub(crate) const MOST: usize = 50;

/// The least: a transaction costs something itself.
const LEAST: usize = 10;

/// How long such a transaction should take where somebody may be waiting.
const LONGEST: Duration = Duration::from_millis(5);

/// So long after something urgent more of it may come.
const HURRY: Duration = Duration::from_secs(10);

/// The pace of one committer.
#[derive(Debug)]
pub(crate) struct Pace {
    /// So many took [`LONGEST`] last, or less and there are no more.
    fitting: usize,
    hurry_until: Option<Instant>,
}

impl Pace {
    pub(crate) fn new() -> Pace {
        Pace {
            fitting: MOST,
            hurry_until: None,
        }
    }

    /// Something urgent has come.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.hurry_until = Some(now + HURRY);
    }

    /// How many records the next transaction takes in, [`LEAST`] to [`MOST`].
    pub(crate) fn records(&self, now: Instant) -> usize {
        match self.hurry_until {
            Some(until) if now < until => self.fitting,
            _ => MOST,
        }
    }

    /// Learns from a transaction of so many records, which took so long.
    pub(crate) fn took(&mut self, records: usize, time: Duration) {
        let fitting = (records as f64 * LONGEST.as_secs_f64() / time.as_secs_f64()) as usize;
        // One that was held up says little of the next: half of the way is gone at a time.
        self.fitting = (self.fitting + fitting.min(2 * MOST)) / 2;
        self.fitting = self.fitting.clamp(LEAST, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn while_nobody_hurries_as_many_are_taken_as_cost_nothing() {
        let (mut pace, now) = (Pace::new(), Instant::now());
        pace.took(MOST, ms(500));
        assert_eq!(pace.records(now), MOST);
        pace.hurry(now);
        assert!(pace.records(now) < MOST);
        assert_eq!(pace.records(now + HURRY), MOST);
    }

    #[test]
    fn in_a_hurry_a_transaction_comes_to_take_as_long_as_it_should() {
        let (mut pace, now) = (Pace::new(), Instant::now());
        pace.hurry(now);
        for (each, wanted) in [(250, 20), (100, 50), (10, 50), (5_000, LEAST), (250, 20)] {
            for _ in 0..10 {
                let records = pace.records(now);
                pace.took(records, Duration::from_micros(each) * records as u32);
            }
            assert!(
                pace.records(now).abs_diff(wanted) <= 1,
                "{each} us each: {pace:?}"
            );
        }
    }

    #[test]
    fn one_that_took_no_time_is_no_fault() {
        let mut pace = Pace::new();
        pace.took(MOST, Duration::ZERO);
        pace.took(0, Duration::ZERO);
        pace.hurry(Instant::now());
        assert!((LEAST..=MOST).contains(&pace.records(Instant::now())));
    }
}
