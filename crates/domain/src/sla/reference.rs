//! The definition of the SLA (product.md 6.3, with the corner cases of design.md) told once more, slowly: the wall
//! clock is walked minute by minute, and every minute of a working day is counted. [`super::assess`] must agree.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use lever::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::{SlaState, Timetable, assess};
use crate::Candidacy;
use crate::calendar::Calendar;
use crate::candidacy::Archived;
use crate::stage_mapping::{DayUnit, SlaSettings, StageMapping, Weekday};

const MINUTES_A_DAY: u32 = 24 * 60;

/// What the wall clock of the time zone shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wall {
    date: Date,
    /// Of the day.
    minute: u32,
    /// Of the minute.
    ms: u32,
}

impl Wall {
    fn midnight(date: Date) -> Wall {
        Wall {
            date,
            minute: 0,
            ms: 0,
        }
    }

    fn a_minute_later(self) -> Wall {
        if self.minute + 1 < MINUTES_A_DAY {
            return Wall {
                minute: self.minute + 1,
                ..self
            };
        }
        Wall {
            date: self.date.tomorrow().unwrap(),
            minute: 0,
            ..self
        }
    }
}

/// The working days of a workspace.
struct Workspace<'s> {
    settings: &'s SlaSettings,
    zone: TimeZone,
}

impl Workspace<'_> {
    fn new(settings: &SlaSettings) -> Workspace<'_> {
        let zones = jiff::tz::TimeZoneDatabase::bundled();
        Workspace {
            settings,
            zone: zones.get(&settings.time_zone).unwrap(),
        }
    }

    fn wall(&self, at: Timestamp) -> Wall {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap();
        let shown = self.zone.to_datetime(at);
        let ms = shown.second() as u32 * 1_000 + shown.millisecond() as u32;
        Wall {
            date: shown.date(),
            minute: shown.hour() as u32 * 60 + shown.minute() as u32,
            ms,
        }
    }

    /// A local time that is missing moves forward; of two, the first.
    fn moment(&self, wall: Wall) -> Timestamp {
        let time = Time::midnight()
            + jiff::SignedDuration::from_mins(wall.minute.into())
            + jiff::SignedDuration::from_millis(wall.ms.into());
        let shown = DateTime::from_parts(wall.date, time);
        let moment = self.zone.to_ambiguous_timestamp(shown).compatible();
        Timestamp::from_millis(moment.unwrap().as_millisecond())
    }

    /// Whether people work on that day: a day that the zone leaves out is none.
    fn works(&self, date: Date) -> bool {
        let noon = date.at(12, 0, 0, 0);
        let there = self.zone.to_ambiguous_timestamp(noon).compatible().unwrap();
        if self.zone.to_datetime(there).date() != date {
            return false;
        }
        match self.settings.unit {
            DayUnit::Calendar => true,
            DayUnit::Business => {
                let place = date.weekday().to_monday_zero_offset() as usize;
                let on_the_list = self.settings.holidays.contains(&date);
                self.settings.working_week.contains(&Weekday::ALL[place]) && !on_the_list
            }
        }
    }

    fn next_working(&self, date: Date) -> Date {
        let mut date = date.tomorrow().unwrap();
        while !self.works(date) {
            date = date.tomorrow().unwrap();
        }
        date
    }

    /// "A start outside working days counts from the next working day 00:00 local."
    fn begin(&self, start: Timestamp) -> Wall {
        let shown = self.wall(start);
        match self.works(shown.date) {
            true => shown,
            false => Wall::midnight(self.next_working(shown.date)),
        }
    }

    /// What the clock shows when so many working minutes have passed; never outside a working day.
    fn after(&self, begin: Wall, minutes: u32) -> Wall {
        let (mut wall, mut working, mut passed) = (begin, self.works(begin.date), 0);
        while passed < minutes || !working {
            passed += u32::from(working);
            wall = wall.a_minute_later();
            if wall.minute == 0 {
                working = self.works(wall.date);
            }
        }
        wall
    }

    /// "Due = start + n working days at the same local time"; "n = 0 is due at the end of that working day".
    fn due(&self, start: Timestamp, days: u16) -> Timestamp {
        let begin = self.begin(start);
        if days == 0 {
            let next = self.moment(Wall::midnight(begin.date.tomorrow().unwrap()));
            return next.minus(Duration::from_millis(1));
        }
        self.moment(self.after(begin, u32::from(days) * MINUTES_A_DAY))
    }

    /// "AT_RISK at 75 % of the time, or, for SLAs of three days and more, with one working day left."
    fn at_risk_from(&self, start: Timestamp, days: u16) -> Timestamp {
        let begin = self.begin(start);
        let percent = u32::from(self.settings.at_risk_percent);
        if days == 0 {
            let ms = (MINUTES_A_DAY - begin.minute) * 60_000 - begin.ms;
            let ms = u64::from(ms) * u64::from(percent) / 100 + u64::from(begin.ms);
            let mut wall = Wall {
                ms: (ms % 60_000) as u32,
                ..begin
            };
            for _ in 0..ms / 60_000 {
                wall = wall.a_minute_later();
            }
            return self.moment(wall);
        }
        let minutes = u32::from(days) * MINUTES_A_DAY;
        let share = self.moment(self.after(begin, minutes * percent / 100));
        match days {
            3.. => share.min(self.moment(self.after(begin, minutes - MINUTES_A_DAY))),
            _ => share,
        }
    }

    /// The working time that the clock has shown between two moments.
    fn working_between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let (from, to) = (self.wall(from), self.wall(to));
        let (mut wall, mut working, mut ms) = (from, self.works(from.date), 0);
        if working {
            ms -= i64::from(from.ms);
        }
        while (wall.date, wall.minute) < (to.date, to.minute) {
            ms += if working { 60_000 } else { 0 };
            wall = wall.a_minute_later();
            if wall.minute == 0 {
                working = self.works(wall.date);
            }
        }
        if working {
            ms += i64::from(to.ms);
        }
        Duration::from_millis(ms.max(0).unsigned_abs())
    }
}

/// A zone, a date around which something happens to its clocks, and the time of day at which it does.
const CHANGES: &[(&str, &str)] = &[
    ("Europe/Berlin", "2026-03-29T02:00"),
    ("Europe/Berlin", "2026-10-25T02:00"),
    ("America/New_York", "2026-03-08T02:00"),
    ("America/New_York", "2026-11-01T01:00"),
    // Half an hour.
    ("Australia/Lord_Howe", "2026-04-05T01:30"),
    ("Australia/Lord_Howe", "2026-10-04T02:00"),
    // 2011-12-30 was left out.
    ("Pacific/Apia", "2011-12-30T00:00"),
    ("Pacific/Apia", "2012-04-01T03:00"),
    // At midnight.
    ("Africa/Cairo", "2026-04-24T00:00"),
    ("Africa/Cairo", "2026-10-30T00:00"),
    ("UTC", "2028-02-29T00:00"),
];

#[derive(Debug, Clone)]
struct Case {
    settings: SlaSettings,
    days: u16,
    start: Timestamp,
}

fn cases() -> impl Strategy<Value = Case> {
    let week = prop::collection::btree_set(prop::sample::select(Weekday::ALL.to_vec()), 1..=7);
    let five = Just(Weekday::ALL.into_iter().take(5).collect::<BTreeSet<_>>());
    let days_off = prop::collection::btree_set(-5i64..25, 0..5);
    // Around the change in minutes: near its time of day, or anywhere.
    let near = (-13i64..3, -200i64..200).prop_map(|(day, minutes)| day * 1_440 + minutes);
    let start = prop_oneof![near, -18_000i64..5_000];
    let sub_minute = prop_oneof![Just(0i64), 0i64..60_000];
    (
        prop::sample::select(CHANGES),
        prop_oneof![five, week],
        days_off,
        (any::<bool>(), any::<bool>()),
        prop::sample::select(vec![5u8, 50, 75, 80, 100]),
        0u16..=12,
        (start, sub_minute),
    )
        .prop_map(
            |((zone, change), working_week, days_off, (business, pause), percent, days, start)| {
                let change: DateTime = change.parse().unwrap();
                let holidays = days_off
                    .into_iter()
                    .map(|day| change.date().saturating_add(jiff::Span::new().days(day)))
                    .collect();
                let settings = SlaSettings {
                    unit: match business {
                        true => DayUnit::Business,
                        false => DayUnit::Calendar,
                    },
                    time_zone: zone.to_owned(),
                    working_week,
                    holidays,
                    pause_while_snoozed: pause,
                    at_risk_percent: percent,
                    ..SlaSettings::default()
                };
                let zone = Workspace::new(&settings).zone;
                let change = zone.to_ambiguous_timestamp(change).compatible().unwrap();
                let ms = change.as_millisecond() + start.0 * 60_000 + start.1;
                Case {
                    settings,
                    days,
                    start: Timestamp::from_millis(ms),
                }
            },
        )
}

/// One of the moments at which something happens, or its neighbor, or anywhere in the weeks after the start.
fn now(case: &Case, workspace: &Workspace<'_>, place: u8, off_ms: i64) -> Timestamp {
    let anchor = match place % 4 {
        0 => workspace.due(case.start, case.days),
        1 => workspace.at_risk_from(case.start, case.days),
        2 => case.start,
        _ => return Timestamp::from_millis(case.start.as_millis() + off_ms.abs() * 30),
    };
    let off_ms = match place / 4 % 2 {
        0 => off_ms % 2,
        _ => off_ms,
    };
    Timestamp::from_millis((anchor.as_millis() + off_ms).max(case.start.as_millis()))
}

fn candidacy(case: &Case) -> Candidacy {
    let opportunity =
        json!({ "id": "o", "stage": "applicant-new", "createdAt": case.start.as_millis() });
    Candidacy::from_lever(&serde_json::from_value(opportunity).unwrap(), None)
}

fn mapping(case: &Case) -> StageMapping {
    let mut mapping = StageMapping::initial(Timestamp::default());
    mapping
        .stage_sla_days
        .insert("applicant-new".into(), case.days);
    mapping.sla = case.settings.clone();
    mapping
}

proptest! {
    #[test]
    fn the_sla_is_what_walking_the_wall_clock_minute_by_minute_gives(
        case in cases(),
        nows in prop::collection::vec((any::<u8>(), -90_000_000i64..90_000_000), 6),
        snoozed_ms in prop::option::weighted(0.2, 0i64..2_000_000_000),
        archived in prop::bool::weighted(0.05),
    ) {
        let workspace = Workspace::new(&case.settings);
        let calendar = Calendar::new(&case.settings).unwrap();
        let mapping = mapping(&case);
        let mut candidacy = candidacy(&case);
        candidacy.archived = archived.then_some(Archived { at: case.start, reason: None });
        candidacy.snoozed_until = snoozed_ms.map(|ms| Timestamp::from_millis(case.start.as_millis() + ms));
        let due = workspace.due(case.start, case.days);
        let at_risk_from = workspace.at_risk_from(case.start, case.days);
        for (place, off_ms) in nows {
            let now = now(&case, &workspace, place, off_ms);
            let sla = assess(&candidacy, &mapping, &calendar, now, None);
            prop_assert_eq!(sla.entered_at, case.start);
            let timetable = Timetable::of_stage(&candidacy, &mapping, &calendar);
            let kept = timetable.map(|kept| (kept.state(now), kept.due_at));
            prop_assert_eq!(kept, sla.due_at.map(|due_at| (sla.state, due_at)));
            if archived {
                prop_assert_eq!((sla.state, sla.days, sla.due_at, sla.over_by), (SlaState::None, None, None, None));
                continue;
            }
            let asleep = candidacy.snoozed_until.is_some_and(|until| until > now);
            let state = if asleep && case.settings.pause_while_snoozed {
                SlaState::Paused
            } else if now > due {
                SlaState::Breached
            } else if now >= at_risk_from {
                SlaState::AtRisk
            } else {
                SlaState::OnTrack
            };
            let over_by = (state == SlaState::Breached).then(|| workspace.working_between(due, now));
            prop_assert_eq!((sla.days, sla.due_at), (Some(case.days), Some(due)));
            prop_assert_eq!((sla.state, sla.over_by), (state, over_by), "now {:?}", now);
        }
    }
}
