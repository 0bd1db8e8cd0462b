//! Working time: when so many days have passed, and how much of them lies between two moments.
//!
//! Days are counted on the wall clock of one time zone (product.md 6.3): a day later is the same local time
//! one working day on, and a working day counts 24 hours even when the clocks change during it.
//! Moments outside the years 1 to 9998 are taken as their nearest bound; nothing here fails or panics on a moment.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use lever::Timestamp;

use crate::stage_mapping::{DayUnit, SlaSettings, Violation, Weekday};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// The year 1 begins.
const FIRST_MS: i64 = -62_135_596_800_000;
/// The year 9999 begins; the year left over keeps every local time within jiff's range.
const LAST_MS: i64 = 253_370_764_800_000;
const LAST_DAY: i64 = LAST_MS / DAY_MS;

/// The working days of one time zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    /// Whether each day of the week works, Monday first.
    week: [bool; 7],
    /// The holidays, and the days that the zone left out, that fall on a working day of the week; in order, as days
    /// since 1970-01-01.
    off: Vec<i64>,
}

/// A local time of day on a day counted from 1970-01-01.
#[derive(Clone, Copy)]
struct Local {
    day: i64,
    ms: i64,
}

impl Calendar {
    /// A calendar as the settings ask; with calendar days, every day is a working day.
    ///
    /// Time zones come from the bundled database, so that every machine counts alike.
    ///
    /// # Errors
    /// A [`Violation`] of `sla.time_zone` or `sla.working_week`.
    pub fn new(settings: &SlaSettings) -> Result<Calendar, Violation> {
        let zone = TimeZoneDatabase::bundled()
            .get(&settings.time_zone)
            .map_err(|_| {
                let message =
                    "there is no such time zone; use an IANA name such as Europe/Berlin, or UTC";
                Violation::new("sla.time_zone", message)
            })?;
        if settings.working_week.is_empty() {
            return Err(Violation::new(
                "sla.working_week",
                "name at least one working day",
            ));
        }
        let mut off = left_out(&zone);
        let week = match settings.unit {
            DayUnit::Calendar => [true; 7],
            DayUnit::Business => {
                off.extend(settings.holidays.iter().map(|date| day_number(*date)));
                Weekday::ALL.map(|day| settings.working_week.contains(&day))
            }
        };
        off.retain(|day| week[weekday(*day)]);
        off.sort_unstable();
        off.dedup();
        Ok(Calendar { zone, week, off })
    }

    /// The end of an SLA of `days` working days that began at `start`: the same local time so many working
    /// days later; for 0 days the last millisecond of the working day.
    ///
    /// A start outside working days counts from the next working day, 00:00. A local time that the change of
    /// clocks leaves out moves forward. Never before `start`.
    pub fn due(&self, start: Timestamp, days: u16) -> Timestamp {
        let begin = self.begin(start);
        let due = if days == 0 {
            self.resolve(begin.day + 1, 0)
                .minus(Duration::from_millis(1))
        } else {
            self.advance(begin, i64::from(days) * DAY_MS)
        };
        due.max(start)
    }

    /// When `percent` (at most 100) of the working time from `start` to [`Calendar::due`] has passed.
    pub fn share(&self, start: Timestamp, days: u16, percent: u8) -> Timestamp {
        let begin = self.begin(start);
        let length = if days == 0 {
            DAY_MS - begin.ms
        } else {
            i64::from(days) * DAY_MS
        };
        self.advance(begin, length * i64::from(percent.min(100)) / 100)
            .max(start)
    }

    /// The time on working days between two moments, 24 hours for each whole one; zero when `to` is earlier.
    pub fn working_time_between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let passed = self.passed(to) - self.passed(from);
        Duration::from_millis(u64::try_from(passed).unwrap_or(0))
    }

    /// Whether a moment lies on a working day.
    pub fn is_working(&self, at: Timestamp) -> bool {
        self.works(self.local(at).day)
    }

    /// Where counting begins: `start` itself, or the beginning of the next working day.
    fn begin(&self, start: Timestamp) -> Local {
        let local = self.local(start);
        if self.works(local.day) {
            return local;
        }
        Local {
            day: self.next_working(local.day),
            ms: 0,
        }
    }

    fn advance(&self, begin: Local, working_ms: i64) -> Timestamp {
        let total = begin.ms + working_ms;
        let mut day = begin.day;
        for _ in 0..total / DAY_MS {
            day = self.next_working(day);
        }
        self.resolve(day, total % DAY_MS)
    }

    /// The moment of a local time: the earlier of two, and moved forward where the clocks skip it.
    fn resolve(&self, day: i64, ms: i64) -> Timestamp {
        let as_utc = instant(day * DAY_MS + ms);
        let civil = Offset::UTC.to_datetime(as_utc);
        let moment = self.zone.to_ambiguous_timestamp(civil).compatible();
        Timestamp::from_millis(moment.unwrap_or(as_utc).as_millisecond())
    }

    fn local(&self, at: Timestamp) -> Local {
        let at = at.as_millis().clamp(FIRST_MS, LAST_MS);
        let offset = i64::from(self.zone.to_offset(instant(at)).seconds());
        let local = at + offset * 1_000;
        Local {
            day: local.div_euclid(DAY_MS),
            ms: local.rem_euclid(DAY_MS),
        }
    }

    fn works(&self, day: i64) -> bool {
        self.week[weekday(day)] && self.off.binary_search(&day).is_err()
    }

    /// The first working day after `day`; the last day of all when there is none.
    fn next_working(&self, day: i64) -> i64 {
        let later = day.saturating_add(1)..LAST_DAY;
        later
            .into_iter()
            .find(|day| self.works(*day))
            .unwrap_or(LAST_DAY)
    }

    /// The working milliseconds from a fixed day long ago; only differences mean something.
    fn passed(&self, at: Timestamp) -> i64 {
        let Local { day, ms } = self.local(at);
        let monday = day - weekday(day) as i64;
        let in_whole_weeks = monday.div_euclid(7) * count(&self.week);
        let in_this_week = count(&self.week[..weekday(day)]);
        let off = self.off.partition_point(|off| *off < day) as i64;
        let today = if self.works(day) { ms } else { 0 };
        (in_whole_weeks + in_this_week - off) * DAY_MS + today
    }
}

/// The days that the clocks of a zone skipped whole, such as when it moved to the other side of the date line.
///
/// It has happened from 1844 to 2011; what is known of the future holds nothing of the kind.
fn left_out(zone: &TimeZone) -> Vec<i64> {
    const LAST: jiff::Timestamp = jiff::Timestamp::constant(2_145_916_800, 0);
    let mut left_out = Vec::new();
    let mut before = zone.to_offset(jiff::Timestamp::MIN);
    for change in zone.following(jiff::Timestamp::MIN) {
        if change.timestamp() >= LAST {
            break;
        }
        let local = |offset: Offset| change.timestamp().as_second() + i64::from(offset.seconds());
        let day = DAY_MS / 1_000;
        let first = (local(before) + day - 1).div_euclid(day);
        left_out.extend(first..local(change.offset()).div_euclid(day));
        before = change.offset();
    }
    left_out
}

fn count(days: &[bool]) -> i64 {
    days.iter().map(|works| i64::from(*works)).sum()
}

/// The index of a day in the week, from Monday; 1970-01-01 was a Thursday.
fn weekday(day: i64) -> usize {
    (day + 3).rem_euclid(7) as usize
}

fn day_number(date: Date) -> i64 {
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0));
    midnight.map_or(LAST_DAY, |midnight| {
        midnight.as_second().div_euclid(DAY_MS / 1_000)
    })
}

/// The instant of a number of milliseconds within the years this module keeps to.
fn instant(ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn at(zoned: &str) -> Timestamp {
        let zoned: jiff::Zoned = zoned.parse().unwrap();
        Timestamp::from_millis(zoned.timestamp().as_millisecond())
    }

    pub(crate) fn settings(zone: &str, holidays: &[&str]) -> SlaSettings {
        SlaSettings {
            time_zone: zone.to_owned(),
            holidays: holidays.iter().map(|date| date.parse().unwrap()).collect(),
            ..SlaSettings::default()
        }
    }

    fn business(zone: &str, holidays: &[&str]) -> Calendar {
        Calendar::new(&settings(zone, holidays)).unwrap()
    }

    fn everyday(zone: &str) -> Calendar {
        let settings = SlaSettings {
            unit: DayUnit::Calendar,
            ..settings(zone, &["2026-03-09"])
        };
        Calendar::new(&settings).unwrap()
    }

    #[test]
    fn x9_two_days_from_friday_afternoon_over_a_monday_off_end_on_wednesday_afternoon() {
        let calendar = business("Europe/Berlin", &["2026-04-06"]);
        let due = calendar.due(at("2026-04-03T16:00[Europe/Berlin]"), 2);
        assert_eq!(due, at("2026-04-08T16:00[Europe/Berlin]"));
    }

    #[test]
    fn a_start_outside_working_days_counts_from_the_next_working_midnight() {
        let calendar = business("America/New_York", &["2026-11-23"]);
        let saturday = at("2026-11-21T11:30[America/New_York]");
        assert_eq!(
            calendar.due(saturday, 1),
            at("2026-11-25T00:00[America/New_York]")
        );
        let end_of_tuesday = at("2026-11-24T23:59:59.999[America/New_York]");
        assert_eq!(calendar.due(saturday, 0), end_of_tuesday);
        let on_the_holiday = at("2026-11-23T09:00[America/New_York]");
        assert_eq!(calendar.due(on_the_holiday, 0), end_of_tuesday);
    }

    #[test]
    fn no_days_end_with_the_working_day() {
        let tuesday = at("2026-11-24T23:59:59.999[UTC]");
        assert_eq!(
            business("UTC", &[]).due(at("2026-11-24T00:00[UTC]"), 0),
            tuesday
        );
        assert_eq!(business("UTC", &[]).due(tuesday, 0), tuesday);
    }

    #[test]
    fn calendar_days_know_neither_weekends_nor_holidays() {
        let calendar = everyday("UTC");
        assert_eq!(
            calendar.due(at("2026-03-06T16:00[UTC]"), 3),
            at("2026-03-09T16:00[UTC]")
        );
        let saturday = at("2026-03-07T16:00[UTC]");
        assert_eq!(
            calendar.due(saturday, 0),
            at("2026-03-07T23:59:59.999[UTC]")
        );
        let elapsed = calendar.working_time_between(saturday, calendar.due(saturday, 4));
        assert_eq!(elapsed, Duration::from_hours(96));
    }

    #[test]
    fn the_local_time_stays_when_the_clocks_change() {
        let calendar = everyday("America/New_York");
        let before = at("2026-03-07T16:00[America/New_York]");
        let after = at("2026-03-08T16:00[America/New_York]");
        assert_eq!(calendar.due(before, 1), after);
        assert_eq!(after.since(before), Duration::from_hours(23));
        assert_eq!(
            calendar.working_time_between(before, after),
            Duration::from_hours(24)
        );
    }

    #[test]
    fn a_missing_local_time_moves_forward_and_a_double_one_is_the_first() {
        let calendar = everyday("America/New_York");
        let in_the_gap = calendar.due(at("2026-03-07T02:30[America/New_York]"), 1);
        assert_eq!(in_the_gap, at("2026-03-08T03:30-04:00[America/New_York]"));
        let doubled = calendar.due(at("2026-10-31T01:30[America/New_York]"), 1);
        assert_eq!(doubled, at("2026-11-01T01:30-04:00[America/New_York]"));
    }

    #[test]
    fn a_missing_midnight_ends_the_day_before_it() {
        let calendar = everyday("Africa/Cairo");
        let end = calendar.due(at("2026-04-23T12:00[Africa/Cairo]"), 0);
        assert_eq!(end, at("2026-04-23T23:59:59.999[Africa/Cairo]"));
        assert_eq!(
            calendar.due(end.plus(Duration::from_millis(1)), 0),
            at("2026-04-24T23:59:59.999[Africa/Cairo]")
        );
    }

    #[test]
    fn a_day_the_zone_left_out_is_no_working_day() {
        // Samoa went from Thursday, 2011-12-29, to Saturday, 2011-12-31.
        let calendar = business("Pacific/Apia", &[]);
        let due = calendar.due(at("2011-12-29T10:00[Pacific/Apia]"), 1);
        assert_eq!(due, at("2012-01-02T10:00[Pacific/Apia]"));
        let every_day = everyday("Pacific/Apia");
        let thursday = at("2011-12-29T10:00[Pacific/Apia]");
        for (days, due) in [(1, "2011-12-31T10:00"), (2, "2012-01-01T10:00")] {
            let due = at(&format!("{due}[Pacific/Apia]"));
            assert_eq!(every_day.due(thursday, days), due);
            let passed = every_day.working_time_between(thursday, due);
            assert_eq!(passed, Duration::from_hours(24 * u64::from(days)));
        }
    }

    #[test]
    fn the_days_that_zones_left_out_are_known() {
        for (zone, days) in [
            ("Pacific/Apia", &["2011-12-30"][..]),
            ("Pacific/Kwajalein", &["1993-08-21"]),
            ("Asia/Manila", &["1844-12-31"]),
            ("Europe/Berlin", &[]),
            ("America/New_York", &[]),
            ("UTC", &[]),
        ] {
            let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
            let dates = days.iter().map(|day| day_number(day.parse().unwrap()));
            assert_eq!(left_out(&zone), dates.collect::<Vec<_>>(), "{zone:?}");
        }
    }

    #[test]
    fn working_time_leaves_out_nights_of_no_day_but_whole_weekends_and_holidays() {
        let calendar = business("UTC", &["2026-11-26", "2026-11-28"]);
        let monday = at("2026-11-23T06:00[UTC]");
        let cases = [
            ("2026-11-23T06:00[UTC]", 0),
            ("2026-11-24T07:00[UTC]", 25),
            ("2026-11-26T23:00[UTC]", 66),
            ("2026-11-28T12:00[UTC]", 90),
            ("2026-11-30T01:00[UTC]", 91),
            ("2026-11-20T00:00[UTC]", 0),
        ];
        for (to, hours) in cases {
            let passed = calendar.working_time_between(monday, at(to));
            assert_eq!(passed, Duration::from_hours(hours), "{to}");
        }
    }

    #[test]
    fn a_share_of_the_time_lands_on_working_days() {
        let calendar = business("UTC", &[]);
        let friday = at("2026-11-20T16:00[UTC]");
        assert_eq!(calendar.share(friday, 2, 75), at("2026-11-24T04:00[UTC]"));
        assert_eq!(calendar.share(friday, 2, 100), calendar.due(friday, 2));
        assert_eq!(calendar.share(friday, 0, 50), at("2026-11-20T20:00[UTC]"));
    }

    #[test]
    fn an_unknown_zone_and_an_empty_week_are_refused() {
        let zone = Calendar::new(&settings("Nowhere/Land", &[])).unwrap_err();
        assert_eq!(zone.field, "sla.time_zone");
        let mut idle = SlaSettings::default();
        idle.working_week.clear();
        assert_eq!(Calendar::new(&idle).unwrap_err().field, "sla.working_week");
    }

    #[test]
    fn the_bundled_zones_include_those_people_name() {
        for zone in [
            "UTC",
            "Etc/UTC",
            "Europe/Berlin",
            "america/new_york",
            "Asia/Kolkata",
            "Pacific/Kiritimati",
        ] {
            assert!(Calendar::new(&settings(zone, &[])).is_ok(), "{zone}");
        }
    }

    fn zones() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "UTC",
            "America/New_York",
            "Europe/Berlin",
            "Asia/Kolkata",
            "Pacific/Kiritimati",
            "Pacific/Pago_Pago",
            "Pacific/Apia",
            "Australia/Lord_Howe",
            "Africa/Cairo",
        ])
    }

    /// Calendars with any week, any unit and some holidays of our days.
    pub(crate) fn calendars() -> impl Strategy<Value = Calendar> {
        let week = prop::collection::btree_set(prop::sample::select(Weekday::ALL.to_vec()), 1..=7);
        let holidays = prop::collection::btree_set((2000i16..2040, 1i8..=12, 1i8..=28), 0..30);
        (zones(), week, holidays, any::<bool>()).prop_map(
            |(zone, working_week, holidays, business)| {
                let dates = holidays
                    .into_iter()
                    .map(|(year, month, day)| Date::constant(year, month, day));
                let settings = SlaSettings {
                    unit: if business {
                        DayUnit::Business
                    } else {
                        DayUnit::Calendar
                    },
                    time_zone: zone.to_owned(),
                    working_week,
                    holidays: dates.collect(),
                    ..SlaSettings::default()
                };
                Calendar::new(&settings).unwrap()
            },
        )
    }

    /// Moments from 1970 to 2100.
    fn moments() -> impl Strategy<Value = Timestamp> {
        (0..4_102_444_800_000i64).prop_map(Timestamp::from_millis)
    }

    proptest! {
        #[test]
        fn an_sla_never_ends_before_it_begins(calendar in calendars(), ms: i64, days in 0u16..400) {
            let start = Timestamp::from_millis(ms);
            prop_assert!(calendar.due(start, days) >= start);
        }

        #[test]
        fn more_days_never_end_earlier(calendar in calendars(), start in moments(), days in 0u16..400) {
            prop_assert!(calendar.due(start, days) <= calendar.due(start, days + 1));
        }

        #[test]
        fn an_sla_ends_on_a_working_day(calendar in calendars(), start in moments(), days in 0u16..400) {
            prop_assert!(calendar.is_working(calendar.due(start, days)));
        }

        #[test]
        fn the_working_time_until_due_is_that_of_the_days(
            calendar in calendars(),
            start in moments(),
            days in 1u16..400,
        ) {
            let due = calendar.due(start, days);
            let hours = calendar.working_time_between(start, due).as_secs_f64() / 3600.0;
            // A due time that the clocks skip is later by up to an hour.
            let expected = f64::from(days) * 24.0;
            prop_assert!((expected - 1.0..=expected + 1.0).contains(&hours), "{hours} of {expected}");
        }

        #[test]
        fn no_moment_however_absurd_makes_it_panic(
            calendar in calendars(),
            from: i64,
            to: i64,
            days: u16,
            percent: u8,
        ) {
            let (from, to) = (Timestamp::from_millis(from), Timestamp::from_millis(to));
            calendar.working_time_between(from, to);
            calendar.share(from, days, percent);
            calendar.due(to, days);
        }
    }

    #[test]
    fn the_ends_of_time_are_clamped() {
        let calendar = business("Pacific/Kiritimati", &[]);
        for ms in [i64::MIN, i64::MIN + 1, FIRST_MS, LAST_MS, i64::MAX] {
            let start = Timestamp::from_millis(ms);
            for days in [0, 1, 365, u16::MAX] {
                assert!(calendar.due(start, days) >= start);
            }
        }
    }
}
