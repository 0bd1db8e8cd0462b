//! When a stream is pulled: every so often, or at times of the wall clock.
//!
//! Cron expressions have the five fields minute, hour, day of month, month and day of week (names such as `MON`
//! and nicknames such as `@daily` too), so nothing is asked for more than once a minute.
//! Where clocks go forward, a time that is skipped is taken at the first moment after the gap;
//! where they go back, a fixed time comes once.

use std::fmt;
use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZoneDatabase;
use lever::Timestamp;

/// When a stream is pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// So long after the last pass began; made by [`Schedule::every`], which knows the bounds.
    Interval(Duration),
    /// At times of the wall clock.
    Cron(Box<Cron>),
}

/// A cron expression and the time zone it is read in.
#[derive(Clone)]
pub struct Cron {
    expression: String,
    time_zone: String,
    pattern: Box<croner::Cron>,
    zone: jiff::tz::TimeZone,
}

/// Why a schedule is refused; one sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The interval is out of bounds.
    #[error("an interval is between 10 seconds and 30 days")]
    Interval,
    /// The expression is none.
    #[error(
        "not a cron expression of the five fields minute, hour, day of month, month, day of week"
    )]
    Expression,
    /// The expression names times that never come, such as 30 February.
    #[error("the cron expression never comes due")]
    Never,
    /// No such time zone.
    #[error("there is no such time zone; use an IANA name such as Europe/Berlin, or UTC")]
    TimeZone,
}

impl Schedule {
    /// The shortest interval.
    pub const SHORTEST: Duration = Duration::from_secs(10);
    /// The longest interval.
    pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

    /// Every so often.
    ///
    /// # Errors
    /// [`ScheduleError::Interval`] outside of [`Schedule::SHORTEST`] and [`Schedule::LONGEST`].
    pub fn every(interval: Duration) -> Result<Schedule, ScheduleError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&interval) {
            Ok(Schedule::Interval(interval))
        } else {
            Err(ScheduleError::Interval)
        }
    }

    /// At times of the wall clock in a time zone of the bundled database.
    ///
    /// # Errors
    /// [`ScheduleError::Expression`], [`ScheduleError::Never`] or [`ScheduleError::TimeZone`].
    pub fn cron(expression: &str, time_zone: &str) -> Result<Schedule, ScheduleError> {
        Cron::new(expression, time_zone).map(|cron| Schedule::Cron(Box::new(cron)))
    }

    /// When to pull again, `last` being when the last pass began; always later than `last`.
    ///
    /// Times of the wall clock that passed since are not made up for.
    /// Beyond the years a calendar has, it is the longest interval later.
    pub fn next_after(&self, last: Timestamp) -> Timestamp {
        match self {
            Schedule::Interval(interval) => {
                last.plus((*interval).clamp(Self::SHORTEST, Self::LONGEST))
            }
            Schedule::Cron(cron) => cron
                .next_after(last)
                .filter(|next| *next > last)
                .unwrap_or_else(|| last.plus(Self::LONGEST)),
        }
    }
}

/// A leap day once in 28 years falls on a given day of the week; from here on croner finds the next.
const PROBE: Timestamp = Timestamp::from_millis(946_684_800_000);

impl Cron {
    fn new(expression: &str, time_zone: &str) -> Result<Cron, ScheduleError> {
        // Longer ones say nothing that a short one does not, and croner's work grows with them.
        if expression.len() > 256 || !expression.is_ascii() {
            return Err(ScheduleError::Expression);
        }
        let pattern = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(expression)
            .map_err(|_| ScheduleError::Expression)?;
        let zone = TimeZoneDatabase::bundled()
            .get(time_zone)
            .map_err(|_| ScheduleError::TimeZone)?;
        let cron = Cron {
            expression: expression.to_owned(),
            time_zone: time_zone.to_owned(),
            pattern: Box::new(pattern),
            zone,
        };
        match cron.next_after(PROBE) {
            Some(_) => Ok(cron),
            None => Err(ScheduleError::Never),
        }
    }

    /// The expression as it was given.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The IANA name of the time zone.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        let last = jiff::Timestamp::from_millisecond(last.as_millis()).ok()?;
        let next = self
            .pattern
            .find_next_occurrence(&last.to_zoned(self.zone.clone()), false)
            .ok()?;
        Some(Timestamp::from_millis(next.timestamp().as_millisecond()))
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.expression, self.time_zone)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression && self.time_zone == other.time_zone
    }
}

impl Eq for Cron {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        let moment: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(moment.as_millisecond())
    }

    /// What comes due after `from`, in order.
    #[track_caller]
    fn due(expression: &str, zone: &str, from: &str, expected: &[&str]) {
        let schedule = Schedule::cron(expression, zone).unwrap();
        let mut last = at(from);
        for next in expected {
            last = schedule.next_after(last);
            assert_eq!(last, at(next), "{expression} in {zone}");
        }
    }

    #[test]
    fn intervals_have_bounds() {
        let day = Duration::from_secs(24 * 3600);
        let hour = Schedule::every(Duration::from_secs(3600)).unwrap();
        assert_eq!(
            hour.next_after(at("2026-01-01T00:00:00Z")),
            at("2026-01-01T01:00:00Z")
        );
        for good in [Schedule::SHORTEST, Schedule::LONGEST] {
            assert!(Schedule::every(good).is_ok());
        }
        for bad in [
            Duration::ZERO,
            Schedule::SHORTEST - Duration::from_millis(1),
            30 * day + Duration::from_millis(1),
            Duration::MAX,
        ] {
            assert_eq!(Schedule::every(bad), Err(ScheduleError::Interval));
        }
    }

    #[test]
    fn expressions_that_are_none_or_never_come_are_refused() {
        for (expression, zone, error) in [
            ("", "UTC", ScheduleError::Expression),
            ("every day", "UTC", ScheduleError::Expression),
            ("* * * *", "UTC", ScheduleError::Expression),
            ("*/10 * * * * *", "UTC", ScheduleError::Expression),
            ("0 0 1 1 * 2099", "UTC", ScheduleError::Expression),
            ("61 * * * *", "UTC", ScheduleError::Expression),
            ("é * * * *", "UTC", ScheduleError::Expression),
            (&"*".repeat(1000), "UTC", ScheduleError::Expression),
            ("0 0 30 2 *", "UTC", ScheduleError::Never),
            ("0 0 * * *", "Mars/Olympus", ScheduleError::TimeZone),
        ] {
            assert_eq!(
                Schedule::cron(expression, zone),
                Err(error),
                "{expression:?}"
            );
        }
    }

    #[test]
    fn a_fixed_time_keeps_its_place_on_the_wall_clock_over_both_changes_of_it() {
        due(
            "0 6 * * *",
            "Europe/Berlin",
            "2026-03-28T00:00:00Z",
            &[
                "2026-03-28T05:00:00Z",
                "2026-03-29T04:00:00Z",
                "2026-03-30T04:00:00Z",
            ],
        );
        due(
            "0 6 * * MON-FRI",
            "America/New_York",
            "2026-10-30T12:00:00Z",
            &["2026-11-02T11:00:00Z", "2026-11-03T11:00:00Z"],
        );
    }

    #[test]
    fn a_time_in_the_gap_comes_after_it_and_one_in_the_overlap_comes_once() {
        due(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        );
        due(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        );
    }

    #[test]
    fn every_quarter_of_an_hour_goes_on_through_the_overlap() {
        due(
            "*/15 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:40:00Z",
            &[
                "2026-10-25T00:45:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:15:00Z",
            ],
        );
    }

    #[test]
    fn leap_days_and_nicknames_are_understood() {
        due(
            "0 0 29 2 *",
            "UTC",
            "2026-01-01T00:00:00Z",
            &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"],
        );
        due(
            "@daily",
            "UTC",
            "2026-01-01T00:00:00Z",
            &["2026-01-02T00:00:00Z"],
        );
    }

    proptest! {
        #[test]
        fn the_next_time_is_always_later(last in any::<i64>(), minute in 0..60u8, hour in 0..24u8) {
            let last = Timestamp::from_millis(last.min(i64::MAX - (1 << 40)));
            for zone in ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"] {
                let schedule = Schedule::cron(&format!("{minute} {hour} * * *"), zone).unwrap();
                prop_assert!(schedule.next_after(last) > last);
            }
        }

        #[test]
        fn no_text_panics(text in "[ -~]{0,40}") {
            if let Ok(schedule) = Schedule::cron(&text, "Europe/Berlin") {
                schedule.next_after(at("2026-03-29T00:59:59Z"));
            }
        }
    }
}
