//! Where a candidacy stands against its SLA.
//!
//! It is computed when read and never stored, so a change of the mapping holds at once for every candidacy.
//! Snoozes of the past do not move the due time: Lever tells only the present one.

use std::time::Duration;

use lever::{StageChange, StageId, Timestamp};

use crate::Candidacy;
use crate::calendar::Calendar;
use crate::change::SlaMark;
use crate::stage_mapping::{ClockScope, StageCode, StageMapping};

/// SLAs of at least so many days are at risk with one day left, whatever the percentage.
const LONG_DAYS: u16 = 3;

/// Where a candidacy stands against its SLA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlaState {
    /// No SLA applies.
    None,
    /// There is time.
    OnTrack,
    /// Most of the time has passed, or one working day or less of a long SLA is left.
    AtRisk,
    /// The due time has passed; exactly at it, it has not.
    Breached,
    /// Snoozed, and the settings stop the clock meanwhile.
    Paused,
}

/// The SLA of one candidacy at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sla {
    /// Where it stands.
    pub state: SlaState,
    /// The SLA days that apply.
    pub days: Option<u16>,
    /// When it is, or was, due; also while paused.
    pub due_at: Option<Timestamp>,
    /// The working time since it was due; only when breached, and zero while no working time has passed since.
    pub over_by: Option<Duration>,
    /// When the clock started: with the stay in the stage, or in the product stage where the scope is the group.
    pub entered_at: Timestamp,
}

/// Assesses a candidacy at `now` (product.md 6.3).
///
/// No SLA applies when it is archived or its stage has no SLA days.
/// `group_entered_at` (see [`group_entered_at`]) counts only with [`ClockScope::Group`]; without it the stay in
/// the stage does.
pub fn assess(
    candidacy: &Candidacy,
    mapping: &StageMapping,
    calendar: &Calendar,
    now: Timestamp,
    group_entered_at: Option<Timestamp>,
) -> Sla {
    let entered_at = match mapping.sla.clock_scope {
        ClockScope::Stage => candidacy.entered_stage_at,
        ClockScope::Group => group_entered_at.unwrap_or(candidacy.entered_stage_at),
    };
    let Some(days) = days(candidacy, mapping) else {
        return Sla {
            state: SlaState::None,
            days: None,
            due_at: None,
            over_by: None,
            entered_at,
        };
    };
    let due_at = calendar.due(entered_at, days);
    let at_risk = || at_risk_at(calendar, entered_at, days, mapping.sla.at_risk_percent);
    let state = state(paused_until(candidacy, mapping), due_at, at_risk, now);
    Sla {
        state,
        days: Some(days),
        due_at: Some(due_at),
        over_by: (state == SlaState::Breached).then(|| calendar.working_time_between(due_at, now)),
        entered_at,
    }
}

/// The SLA days that apply.
fn days(candidacy: &Candidacy, mapping: &StageMapping) -> Option<u16> {
    let stage = candidacy.stage.as_ref()?;
    mapping.sla_days(stage).filter(|_| candidacy.active())
}

/// Until when a snooze stops the clock.
fn paused_until(candidacy: &Candidacy, mapping: &StageMapping) -> Option<Timestamp> {
    let until = candidacy.snoozed_until;
    until.filter(|_| mapping.sla.pause_while_snoozed)
}

fn state(
    paused_until: Option<Timestamp>,
    due_at: Timestamp,
    at_risk_at: impl FnOnce() -> Timestamp,
    now: Timestamp,
) -> SlaState {
    if paused_until.is_some_and(|until| until > now) {
        SlaState::Paused
    } else if now > due_at {
        SlaState::Breached
    } else if now >= at_risk_at() {
        SlaState::AtRisk
    } else {
        SlaState::OnTrack
    }
}

/// The moments at which the SLA of a candidacy turns: what is left of [`assess`] without the time it is now.
///
/// It holds until the candidacy or the mapping changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timetable {
    /// When it is, or was, due.
    pub due_at: Timestamp,
    at_risk_at: Timestamp,
    paused_until: Option<Timestamp>,
}

impl Timetable {
    /// The timetable of the present stay in the stage, for mappings with [`ClockScope::Stage`]; none without an SLA.
    pub fn of_stage(
        candidacy: &Candidacy,
        mapping: &StageMapping,
        calendar: &Calendar,
    ) -> Option<Timetable> {
        let days = days(candidacy, mapping)?;
        let (start, percent) = (candidacy.entered_stage_at, mapping.sla.at_risk_percent);
        Some(Timetable {
            due_at: calendar.due(start, days),
            at_risk_at: at_risk_at(calendar, start, days, percent),
            paused_until: paused_until(candidacy, mapping),
        })
    }

    /// Where the candidacy stands at `now`.
    pub fn state(&self, now: Timestamp) -> SlaState {
        state(self.paused_until, self.due_at, || self.at_risk_at, now)
    }
}

/// From when on an SLA is at risk.
fn at_risk_at(calendar: &Calendar, start: Timestamp, days: u16, percent: u8) -> Timestamp {
    let by_share = calendar.share(start, days, percent);
    match days {
        LONG_DAYS.. => by_share.min(calendar.due(start, days - 1)),
        _ => by_share,
    }
}

/// What there is to tell of an SLA, and when to look at it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    /// The mark that holds, and since when it does.
    pub mark: Option<(SlaMark, Timestamp)>,
    /// When the next mark, or the end of a snooze, comes if nothing else happens; none for never.
    pub next: Option<Timestamp>,
}

/// What there is to tell of the SLA of a candidacy that was assessed at `now`.
///
/// A mark holds from the first millisecond at which [`assess`] tells it.
pub fn turns(
    candidacy: &Candidacy,
    mapping: &StageMapping,
    calendar: &Calendar,
    sla: &Sla,
) -> Turns {
    let (Some(days), Some(due_at)) = (sla.days, sla.due_at) else {
        return Turns {
            mark: None,
            next: None,
        };
    };
    let at_risk = at_risk_at(calendar, sla.entered_at, days, mapping.sla.at_risk_percent);
    let breached = due_at.plus(Duration::from_millis(1));
    let (mark, next) = match sla.state {
        SlaState::None => (None, None),
        SlaState::Paused => (None, candidacy.snoozed_until),
        SlaState::OnTrack => (None, Some(at_risk.min(breached))),
        SlaState::AtRisk => (Some((SlaMark::AtRisk, at_risk)), Some(breached)),
        SlaState::Breached => (Some((SlaMark::Breached, breached)), None),
    };
    Turns { mark, next }
}

/// When the present, unbroken stay in the product stage began, read from Lever's `stageChanges`.
///
/// None if the present stage is unmapped or the history does not end in it.
pub fn group_entered_at(
    changes: &[StageChange],
    mapping: &StageMapping,
    present: &StageId,
) -> Option<Timestamp> {
    let code = mapping.code_of(present);
    if code == StageCode::unmapped() {
        return None;
    }
    let mut entries: Vec<_> = changes
        .iter()
        .filter_map(|change| Some((change.updated_at?, change.to_stage_id.as_ref()?)))
        .collect();
    entries.sort_by_key(|(at, _)| *at);
    let stay = entries
        .iter()
        .rev()
        .take_while(|(_, stage)| mapping.code_of(stage) == code);
    stay.last().map(|(at, _)| *at)
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::tests::{at, calendars, settings};
    use proptest::prelude::*;
    use serde_json::json;

    fn candidacy(stage: &str, entered_at: Timestamp) -> Candidacy {
        let opportunity = json!({ "id": "o", "stage": stage, "createdAt": entered_at.as_millis() });
        Candidacy::from_lever(&serde_json::from_value(opportunity).unwrap(), None)
    }

    fn mapping(days: Option<u16>) -> StageMapping {
        let mut mapping = StageMapping::initial(Timestamp::default());
        mapping.sla = settings("Europe/Berlin", &["2026-04-06"]);
        mapping.product_stages[3].sla_days = days;
        mapping
    }

    fn state(days: u16, now: &str) -> SlaState {
        let entered = at("2026-04-03T16:00[Europe/Berlin]");
        assess_at(
            &candidacy("applicant-new", entered),
            &mapping(Some(days)),
            now,
        )
        .state
    }

    fn assess_at(candidacy: &Candidacy, mapping: &StageMapping, now: &str) -> Sla {
        let calendar = Calendar::new(&mapping.sla).unwrap();
        assess(candidacy, mapping, &calendar, at(now), None)
    }

    #[test]
    fn exactly_at_due_is_not_breached_and_a_millisecond_later_is() {
        assert_eq!(
            state(2, "2026-04-08T16:00[Europe/Berlin]"),
            SlaState::AtRisk
        );
        assert_eq!(
            state(2, "2026-04-08T16:00:00.001[Europe/Berlin]"),
            SlaState::Breached
        );
    }

    #[test]
    fn a_short_sla_is_at_risk_by_its_share_of_the_working_time() {
        assert_eq!(
            state(2, "2026-04-08T03:59:59.999[Europe/Berlin]"),
            SlaState::OnTrack
        );
        assert_eq!(
            state(2, "2026-04-08T04:00[Europe/Berlin]"),
            SlaState::AtRisk
        );
    }

    #[test]
    fn a_sla_of_three_days_and_more_is_at_risk_with_one_day_left() {
        // 75 % of three days would be Wednesday 22:00; one day is left from 16:00.
        assert_eq!(
            state(3, "2026-04-08T15:59:59.999[Europe/Berlin]"),
            SlaState::OnTrack
        );
        assert_eq!(
            state(3, "2026-04-08T16:00[Europe/Berlin]"),
            SlaState::AtRisk
        );
        // 75 % of eight days is two days before the end.
        assert_eq!(
            state(8, "2026-04-14T15:59[Europe/Berlin]"),
            SlaState::OnTrack
        );
        assert_eq!(
            state(8, "2026-04-14T16:00[Europe/Berlin]"),
            SlaState::AtRisk
        );
    }

    #[test]
    fn zero_days_are_due_at_the_end_of_the_working_day() {
        assert_eq!(
            state(0, "2026-04-03T21:59[Europe/Berlin]"),
            SlaState::OnTrack
        );
        assert_eq!(
            state(0, "2026-04-03T22:00[Europe/Berlin]"),
            SlaState::AtRisk
        );
        assert_eq!(
            state(0, "2026-04-04T00:00[Europe/Berlin]"),
            SlaState::Breached
        );
    }

    #[test]
    fn a_breach_is_measured_in_working_time() {
        let candidacy = candidacy("applicant-new", at("2026-04-01T16:00[Europe/Berlin]"));
        let sla = assess_at(
            &candidacy,
            &mapping(Some(2)),
            "2026-04-07T02:00[Europe/Berlin]",
        );
        assert_eq!(sla.due_at, Some(at("2026-04-03T16:00[Europe/Berlin]")));
        assert_eq!(sla.over_by, Some(Duration::from_hours(10)));
        assert_eq!((sla.state, sla.days), (SlaState::Breached, Some(2)));
    }

    #[test]
    fn snoozed_is_paused_with_its_due_time_unless_the_settings_say_otherwise() {
        let mut snoozed = candidacy("applicant-new", at("2026-04-01T16:00[Europe/Berlin]"));
        snoozed.snoozed_until = Some(at("2026-06-01T00:00[Europe/Berlin]"));
        let mut mapping = mapping(Some(2));
        let sla = assess_at(&snoozed, &mapping, "2026-05-01T00:00[Europe/Berlin]");
        assert_eq!((sla.state, sla.over_by), (SlaState::Paused, None));
        assert!(sla.due_at.is_some());
        let awake = assess_at(&snoozed, &mapping, "2026-06-01T00:00[Europe/Berlin]");
        assert_eq!(awake.state, SlaState::Breached);
        mapping.sla.pause_while_snoozed = false;
        let running = assess_at(&snoozed, &mapping, "2026-05-01T00:00[Europe/Berlin]");
        assert_eq!(running.state, SlaState::Breached);
    }

    #[test]
    fn without_days_or_when_archived_there_is_no_sla() {
        let now = "2026-05-01T00:00[Europe/Berlin]";
        let entered = at("2026-04-01T16:00[Europe/Berlin]");
        let none = |candidacy: &Candidacy, mapping: &StageMapping| {
            let sla = assess_at(candidacy, mapping, now);
            (sla.state, sla.due_at, sla.entered_at) == (SlaState::None, None, entered)
        };
        let open = candidacy("applicant-new", entered);
        assert!(none(&open, &mapping(None)));
        let mut archived = open.clone();
        archived.archived = Some(crate::candidacy::Archived {
            at: entered,
            reason: None,
        });
        assert!(none(&archived, &mapping(Some(1))));
        let mut nowhere = open.clone();
        nowhere.stage = None;
        assert!(none(&nowhere, &mapping(Some(1))));
    }

    #[test]
    fn an_unmapped_stage_has_an_sla_only_of_its_own() {
        let now = "2026-05-01T00:00[Europe/Berlin]";
        let unmapped = candidacy("elsewhere", at("2026-04-01T16:00[Europe/Berlin]"));
        let mut mapping = mapping(Some(1));
        assert_eq!(assess_at(&unmapped, &mapping, now).state, SlaState::None);
        mapping.stage_sla_days.insert("elsewhere".into(), 1);
        assert_eq!(
            assess_at(&unmapped, &mapping, now).state,
            SlaState::Breached
        );
    }

    #[test]
    fn with_group_scope_a_move_inside_the_group_does_not_restart_the_clock() {
        let mut mapping = mapping(Some(2));
        mapping.product_stages[3].stages.push("second".into());
        let change =
            |to: &str, at: i64| json!({ "toStageId": to, "toStageIndex": 0, "updatedAt": at });
        let history = json!([
            change("second", 50),
            change("applicant-new", 10),
            change("lead-new", 20),
            change("applicant-new", 30),
        ]);
        let changes: Vec<StageChange> = serde_json::from_value(history).unwrap();
        let since = group_entered_at(&changes, &mapping, &"second".into());
        assert_eq!(since, Some(Timestamp::from_millis(30)));
        assert_eq!(
            group_entered_at(&changes, &mapping, &"elsewhere".into()),
            None
        );
        assert_eq!(group_entered_at(&changes, &mapping, &"offer".into()), None);

        let calendar = Calendar::new(&mapping.sla).unwrap();
        let moved = candidacy("second", Timestamp::from_millis(50));
        let entered = |mapping: &StageMapping| {
            assess(
                &moved,
                mapping,
                &calendar,
                Timestamp::from_millis(60),
                since,
            )
            .entered_at
        };
        assert_eq!(entered(&mapping), Timestamp::from_millis(50));
        mapping.sla.clock_scope = ClockScope::Group;
        assert_eq!(entered(&mapping), Timestamp::from_millis(30));
    }

    proptest! {
        #[test]
        fn each_turn_is_the_next_moment_at_which_the_state_is_another(
            calendar in calendars(),
            days in 0u16..9,
            percent in 0u8..=100,
            snoozed in prop::option::of(0i64..20 * 86_400_000),
            later in 0i64..20 * 86_400_000,
            between in 0.0f64..1.0,
        ) {
            let start = at("2026-03-24T10:11:12.131[UTC]");
            let mut candidacy = candidacy("applicant-new", start);
            candidacy.snoozed_until = snoozed.map(|ms| Timestamp::from_millis(start.as_millis() + ms));
            let mut mapping = mapping(Some(days));
            mapping.sla.at_risk_percent = percent;
            let judged = |now| assess(&candidacy, &mapping, &calendar, now, None);
            let mut now = Timestamp::from_millis(start.as_millis() + later);
            for _ in 0..4 {
                let sla = judged(now);
                let Turns { mark, next } = turns(&candidacy, &mapping, &calendar, &sla);
                let expected = match sla.state {
                    SlaState::AtRisk => Some(SlaMark::AtRisk),
                    SlaState::Breached => Some(SlaMark::Breached),
                    _ => None,
                };
                prop_assert_eq!(mark.map(|(mark, _)| mark), expected);
                prop_assert!(mark.is_none_or(|(_, since)| since <= now));
                let Some(next) = next else {
                    prop_assert_eq!(sla.state, SlaState::Breached);
                    break;
                };
                prop_assert!(next > now);
                let some = now.as_millis() + ((next.as_millis() - now.as_millis()) as f64 * between) as i64;
                for same in [some.min(next.as_millis() - 1), next.as_millis() - 1] {
                    prop_assert_eq!(judged(Timestamp::from_millis(same)).state, sla.state);
                }
                prop_assert!(judged(next).state != sla.state);
                now = next;
            }
        }

        #[test]
        fn no_moment_however_absurd_makes_it_panic(
            calendar in calendars(),
            entered: i64,
            now: i64,
            snoozed: Option<i64>,
            days: u16,
        ) {
            let mut candidacy = candidacy("applicant-new", Timestamp::default());
            candidacy.entered_stage_at = Timestamp::from_millis(entered);
            candidacy.snoozed_until = snoozed.map(Timestamp::from_millis);
            let sla = assess(&candidacy, &mapping(Some(days)), &calendar, Timestamp::from_millis(now), None);
            prop_assert!(sla.due_at >= Some(candidacy.entered_stage_at));
        }
    }
}
