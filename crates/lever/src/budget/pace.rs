//! How fast calls may go: learned from when the limit of the account struck.
//!
//! Others may spend from the same account, and only a 429 tells. But a 429 also says that Lever's bucket is empty,
//! so between two of them Lever has let through exactly what it refilled: what passed of ours in that time is what
//! the others leave us. The pace then stays a little below, which refills Lever's bucket, and rises past it slowly:
//! what was not spent below is spent above, and the next 429 is as far away as the curve is flat.
//! The curve is that of TCP CUBIC (RFC 9438): steep far from the limit, flat around it, steep again beyond it,
//! where the others seem to have gone.

use std::time::Duration;

use super::config::BudgetConfig;

/// How long the pace takes back to the limit that struck.
const RECOVERY: Duration = Duration::from_secs(30);
/// The part of a limit that was measured at which the pace goes on.
const BELOW_MEASURED: f64 = 0.9;
/// The part of the pace at which it goes on while the limit is not known.
const BELOW_UNKNOWN: f64 = 0.5;
/// What passed since a 429 longer ago says nothing: the account may have stood idle, or others may have come.
const MEMORY: Duration = Duration::from_secs(180);

/// The pace of one budget, in requests a second.
#[derive(Debug)]
pub(crate) struct Pace {
    ceiling: f64,
    struck: Option<Strike>,
}

/// The last time the limit struck.
#[derive(Debug)]
struct Strike {
    at: Duration,
    /// When the pause after it ends.
    resumed_at: Duration,
    /// The pace it went on at; always below `limit`, else there would be no way back up.
    low: f64,
    /// The pace it comes back to.
    limit: f64,
    /// Calls that Lever has let through since.
    passed: u64,
}

impl Pace {
    pub(crate) fn new(ceiling: f64) -> Pace {
        Pace {
            ceiling,
            struck: None,
        }
    }

    /// Requests a second at `now`.
    pub(crate) fn at(&self, now: Duration) -> f64 {
        let Some(strike) = &self.struck else {
            return self.ceiling;
        };
        let elapsed = now.saturating_sub(strike.resumed_at).as_secs_f64();
        let from_limit = elapsed / RECOVERY.as_secs_f64() - 1.0;
        let pace = strike.limit + (strike.limit - strike.low) * from_limit.powi(3);
        pace.clamp(BudgetConfig::FLOOR, self.ceiling)
    }

    /// Counts a call that Lever has let through.
    pub(crate) fn passed(&mut self) {
        if let Some(strike) = &mut self.struck {
            strike.passed += 1;
        }
    }

    /// The limit has struck at `now`; nobody goes until `resumed_at`.
    pub(crate) fn strike(&mut self, now: Duration, resumed_at: Duration) {
        let pace = self.at(now);
        let (below, limit) = match self.measured(now) {
            // Idle time looks like a lower limit; halving bounds the error.
            Some(limit) => {
                let limit = limit.clamp(pace * BELOW_UNKNOWN, pace);
                (BELOW_MEASURED, limit.max(BudgetConfig::FLOOR))
            }
            None => (BELOW_UNKNOWN, pace),
        };
        self.struck = Some(Strike {
            at: now,
            resumed_at,
            low: limit * below,
            limit,
            passed: 0,
        });
    }

    /// What Lever has let through since it struck last, a second.
    fn measured(&self, now: Duration) -> Option<f64> {
        let strike = self.struck.as_ref()?;
        let elapsed = now.saturating_sub(strike.at);
        (elapsed <= MEMORY && !elapsed.is_zero())
            .then(|| strike.passed as f64 / elapsed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn passed(pace: &mut Pace, calls: u64) {
        for _ in 0..calls {
            pace.passed();
        }
    }

    #[test]
    fn the_first_strike_halves_and_half_a_minute_wins_everything_back() {
        let mut pace = Pace::new(10.0);
        assert_eq!(pace.at(s(100)), 10.0);
        pace.strike(s(100), s(101));
        let curve = [101, 106, 116, 131, 200].map(|at| (pace.at(s(at)) * 10.0).round() / 10.0);
        assert_eq!(curve, [5.0, 7.1, 9.4, 10.0, 10.0]);
    }

    #[test]
    fn between_two_strikes_what_passed_is_the_limit() {
        let mut pace = Pace::new(10.0);
        pace.strike(s(100), s(101));
        passed(&mut pace, 50);
        pace.strike(s(110), s(111));
        assert_eq!(pace.at(s(111)), 4.5);
        assert_eq!(pace.at(s(141)), 5.0);
        assert!(
            (5.0..5.1).contains(&pace.at(s(150))),
            "flat around the limit"
        );
        assert!(
            pace.at(s(210)) >= 9.5,
            "steep where nobody else seems to be"
        );
    }

    #[test]
    fn a_strike_of_long_ago_measures_nothing() {
        let mut pace = Pace::new(10.0);
        pace.strike(s(100), s(101));
        passed(&mut pace, 10);
        pace.strike(s(400), s(401));
        assert_eq!(pace.at(s(401)), 5.0);
    }

    #[test]
    fn idle_time_never_costs_more_than_half() {
        let mut pace = Pace::new(10.0);
        pace.strike(s(100), s(101));
        passed(&mut pace, 2);
        pace.strike(s(200), s(201));
        assert_eq!(pace.at(s(201)), 4.5);
        for second in 202..220 {
            pace.strike(s(second), s(second + 1));
        }
        assert_eq!(pace.at(s(220)), BudgetConfig::FLOOR);
    }

    #[test]
    fn there_is_a_way_back_from_the_slowest_pace() {
        let mut pace = Pace::new(10.0);
        for second in 100..200 {
            pace.strike(s(second), s(second + 1));
        }
        assert_eq!(pace.at(s(200)), BudgetConfig::FLOOR);
        let minutes = [1, 2, 4, 8].map(|minutes| pace.at(s(200 + minutes * 60)));
        assert!(minutes.is_sorted() && minutes[1] > minutes[0]);
        assert_eq!(minutes[3], 10.0);
    }
}
