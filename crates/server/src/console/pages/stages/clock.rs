//! How SLA days are counted, as it stands in the form of a stage mapping.

use std::collections::BTreeSet;

use proto::v1 as pb;

use crate::console::fault::Fault;
use crate::console::form::Form;
use crate::console::words::plain;

/// The days of the week in their order.
pub(super) const WEEK: [pb::Weekday; 7] = [
    pb::Weekday::Monday,
    pb::Weekday::Tuesday,
    pb::Weekday::Wednesday,
    pb::Weekday::Thursday,
    pb::Weekday::Friday,
    pb::Weekday::Saturday,
    pb::Weekday::Sunday,
];

/// How SLA days are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) unit: pb::DayUnit,
    pub(super) scope: pb::ClockScope,
    pub(super) zone: String,
    pub(super) week: Vec<pb::Weekday>,
    pub(super) holidays: String,
    pub(super) pause: bool,
    pub(super) at_risk: String,
}

impl Clock {
    /// As a saved mapping has it.
    pub(super) fn of(sla: pb::SlaSettings) -> Clock {
        Clock {
            unit: sla.unit(),
            scope: sla.clock_scope(),
            week: sla.working_week().collect(),
            holidays: sla.holidays.join("\n"),
            pause: sla.pause_while_snoozed(),
            at_risk: sla.at_risk_percent.to_string(),
            zone: sla.time_zone,
        }
    }

    /// What was filled in, but for the unit and the scope.
    pub(super) fn read(form: &Form) -> Clock {
        let ticked: BTreeSet<&str> = form.all("week").collect();
        Clock {
            zone: form.text("zone").to_owned(),
            week: WEEK
                .into_iter()
                .filter(|day| ticked.contains(day_name(*day).as_str()))
                .collect(),
            holidays: form.text("holidays").to_owned(),
            pause: form.ticked("pause"),
            at_risk: form.text("at_risk").to_owned(),
            ..Clock::default()
        }
    }

    /// What is sent, without what cannot be read; that is told in `faults`.
    pub(super) fn settings(&self, faults: &mut Vec<Fault>) -> pb::SlaSettings {
        if self.week.is_empty() {
            let message = "tick at least one day on which people work";
            faults.push(Fault::new("week", "Working week", message));
        }
        let at_risk = self
            .at_risk
            .parse()
            .ok()
            .filter(|percent| (1..=100).contains(percent));
        if at_risk.is_none() {
            let message = "give a whole number from 1 to 100 percent; 75 is usual";
            faults.push(Fault::new("at_risk", "At risk", message));
        }
        let days = self
            .holidays
            .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
            .filter(|day| !day.is_empty());
        let (holidays, odd): (Vec<&str>, Vec<&str>) =
            days.partition(|day| day.parse::<jiff::civil::Date>().is_ok());
        for day in odd {
            let message = format!("“{day}” is no date: give each as YYYY-MM-DD");
            faults.push(Fault::new("holidays", "Holidays", message));
        }
        pb::SlaSettings {
            unit: self.unit.into(),
            time_zone: self.zone.clone(),
            working_week: self.week.iter().map(|day| i32::from(*day)).collect(),
            holidays: holidays.into_iter().map(str::to_owned).collect(),
            pause_while_snoozed: Some(self.pause),
            clock_scope: self.scope.into(),
            at_risk_percent: at_risk.unwrap_or_default(),
        }
    }
}

/// How days are counted; business days where nothing is said.
pub(super) fn unit(word: &str) -> Option<pb::DayUnit> {
    match word {
        "" | "business" => Some(pb::DayUnit::Business),
        "calendar" => Some(pb::DayUnit::Calendar),
        _ => None,
    }
}

/// When the clock starts; with each stage where nothing is said.
pub(super) fn scope(word: &str) -> Option<pb::ClockScope> {
    match word {
        "" | "stage" => Some(pb::ClockScope::Stage),
        "group" => Some(pb::ClockScope::Group),
        _ => None,
    }
}

/// The word for a day of the week.
pub(super) fn day_name(day: pb::Weekday) -> String {
    plain(day.as_str_name(), "WEEKDAY")
}
