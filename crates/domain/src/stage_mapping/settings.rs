//! How SLA days are counted.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What a day of an SLA is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayUnit {
    /// A day of the working week that is no holiday.
    #[default]
    Business,
    /// Every day.
    Calendar,
}

impl DayUnit {
    /// The unit as it is written in a mapping document.
    pub fn as_str(self) -> &'static str {
        match self {
            DayUnit::Business => "business",
            DayUnit::Calendar => "calendar",
        }
    }
}

/// What a move inside one product stage does to the SLA clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockScope {
    /// Each Lever stage starts it anew.
    #[default]
    Stage,
    /// It runs on while the person stays in the product stage.
    Group,
}

impl ClockScope {
    /// The scope as it is written in a mapping document.
    pub fn as_str(self) -> &'static str {
        match self {
            ClockScope::Stage => "stage",
            ClockScope::Group => "group",
        }
    }
}

/// A day of the week, ordered from Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names of the days say it all")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// The days in order, Monday first.
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
}

/// As it is written in a mapping document: `monday`.
impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Weekday::Monday => "monday",
            Weekday::Tuesday => "tuesday",
            Weekday::Wednesday => "wednesday",
            Weekday::Thursday => "thursday",
            Weekday::Friday => "friday",
            Weekday::Saturday => "saturday",
            Weekday::Sunday => "sunday",
        })
    }
}

/// How SLA days are counted (product.md 6.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlaSettings {
    /// What a day is.
    pub unit: DayUnit,
    /// The IANA name of the time zone days are counted in, such as `Europe/Berlin`.
    pub time_zone: String,
    /// The working days of the week; never empty.
    pub working_week: BTreeSet<Weekday>,
    /// Days off, written `YYYY-MM-DD`.
    pub holidays: BTreeSet<Date>,
    /// Whether the clock shows as paused while a candidacy is snoozed.
    pub pause_while_snoozed: bool,
    /// What a move inside a product stage does to the clock.
    pub clock_scope: ClockScope,
    /// From which share of the time a candidacy is at risk, 1 to 100.
    pub at_risk_percent: u8,
}

impl Default for SlaSettings {
    /// Business days, Monday to Friday in UTC, no holidays, at risk from 75 %.
    fn default() -> Self {
        SlaSettings {
            unit: DayUnit::Business,
            time_zone: "UTC".to_owned(),
            working_week: Weekday::ALL.into_iter().take(5).collect(),
            holidays: BTreeSet::new(),
            pause_while_snoozed: true,
            clock_scope: ClockScope::Stage,
            at_risk_percent: 75,
        }
    }
}
