//! What a change of the mapping does to the people it is about (X3).

use std::collections::BTreeMap;

use lever::{StageChange, Timestamp};

use super::{StageCode, StageMapping, Violation};
use crate::Candidacy;
use crate::calendar::Calendar;
use crate::sla::{self, SlaState};

/// How many open candidacies a change of the mapping moves, and how.
///
/// Only what differs is counted: a pair of equals is in none of the maps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effect {
    /// The open candidacies that were looked at.
    pub candidacies: u64,
    /// Those that change their product stage, by the one before and the one after.
    pub moves: BTreeMap<(StageCode, StageCode), u64>,
    /// Those that change their SLA state, by the one before and the one after.
    pub sla_changes: BTreeMap<(SlaState, SlaState), u64>,
    /// Those that become inbound applicants.
    pub becoming_inbound: u64,
    /// Those that are inbound applicants no longer.
    pub leaving_inbound: u64,
}

/// A mapping and the calendar it counts days by.
#[derive(Debug)]
pub struct Side<'a> {
    mapping: &'a StageMapping,
    calendar: Calendar,
}

impl<'a> Side<'a> {
    /// Prepares a mapping for being compared with another.
    ///
    /// # Errors
    /// As [`Calendar::new`]; a mapping that was validated has none.
    pub fn new(mapping: &'a StageMapping) -> Result<Side<'a>, Violation> {
        Ok(Side {
            mapping,
            calendar: Calendar::new(&mapping.sla)?,
        })
    }

    fn sla_state(
        &self,
        candidacy: &Candidacy,
        changes: &[StageChange],
        now: Timestamp,
    ) -> SlaState {
        let stage = candidacy.stage.as_ref();
        let group_entered_at =
            stage.and_then(|stage| sla::group_entered_at(changes, self.mapping, stage));
        sla::assess(
            candidacy,
            self.mapping,
            &self.calendar,
            now,
            group_entered_at,
        )
        .state
    }

    fn code_of(&self, candidacy: &Candidacy) -> &StageCode {
        let stage = candidacy.stage.as_ref();
        stage.map_or(StageCode::unmapped(), |stage| self.mapping.code_of(stage))
    }

    fn inbound(&self, candidacy: &Candidacy) -> bool {
        let stage = candidacy.stage.as_ref();
        stage.is_some_and(|stage| self.mapping.inbound_stages.contains(stage))
    }
}

impl Effect {
    /// Counts in one candidacy; an archived one is none of the open ones.
    ///
    /// `changes` is its history, needed only where a mapping counts from the entry into the product stage.
    pub fn count(
        &mut self,
        candidacy: &Candidacy,
        changes: &[StageChange],
        before: &Side<'_>,
        after: &Side<'_>,
        now: Timestamp,
    ) {
        if !candidacy.active() {
            return;
        }
        self.candidacies += 1;
        let (from, to) = (before.code_of(candidacy), after.code_of(candidacy));
        if from != to {
            *self.moves.entry((from.clone(), to.clone())).or_default() += 1;
        }
        let sla = |side: &Side<'_>| side.sla_state(candidacy, changes, now);
        let (from, to) = (sla(before), sla(after));
        if from != to {
            *self.sla_changes.entry((from, to)).or_default() += 1;
        }
        let inbound = (before.inbound(candidacy), after.inbound(candidacy));
        self.becoming_inbound += u64::from(inbound == (false, true));
        self.leaving_inbound += u64::from(inbound == (true, false));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ClockScope;
    use super::super::tests::{code, initial};
    use super::*;

    const DAY: i64 = 24 * 3600 * 1000;

    /// Somebody who entered a stage on day 4 of the epoch, which is a Monday.
    fn person(stage: &str) -> Candidacy {
        let opportunity = json!({"id": "o", "stage": stage, "createdAt": 4 * DAY});
        let opportunity = serde_json::from_value(opportunity).unwrap();
        Candidacy::from_lever(&opportunity, None)
    }

    fn effect(before: &StageMapping, after: &StageMapping, people: &[Candidacy]) -> Effect {
        let (before, after) = (Side::new(before).unwrap(), Side::new(after).unwrap());
        let mut effect = Effect::default();
        for person in people {
            let now = Timestamp::from_millis(8 * DAY);
            effect.count(person, &[], &before, &after, now);
        }
        effect
    }

    #[test]
    fn x3_people_who_change_group_sla_state_or_inbound_are_counted() {
        let before = initial();
        let mut after = before.clone();
        after
            .assign("applicant-new".into(), &code("REVIEW"))
            .unwrap();
        after.assign("new-one".into(), &code("REVIEW")).unwrap();
        after.stage_sla_days.insert("applicant-new".into(), 30);
        after.inbound_stages = ["new-one".into()].into();
        let mut archived = person("applicant-new");
        archived.archived = Some(crate::candidacy::Archived {
            at: Timestamp::default(),
            reason: None,
        });
        let people = [
            person("applicant-new"),
            person("applicant-new"),
            person("new-one"),
            person("offer"),
            archived,
        ];
        assert_eq!(
            effect(&before, &after, &people),
            Effect {
                candidacies: 4,
                moves: [
                    ((code("NEW_APPLICANT"), code("REVIEW")), 2),
                    ((StageCode::unmapped().clone(), code("REVIEW")), 1),
                ]
                .into(),
                sla_changes: [
                    // Due on Thursday, and it is Friday.
                    ((SlaState::Breached, SlaState::OnTrack), 2),
                    ((SlaState::None, SlaState::Breached), 1),
                ]
                .into(),
                becoming_inbound: 1,
                leaving_inbound: 2,
            }
        );
    }

    #[test]
    fn the_same_mapping_has_no_effect() {
        let people = [person("applicant-new"), person("elsewhere")];
        let unchanged = Effect {
            candidacies: 2,
            ..Effect::default()
        };
        assert_eq!(effect(&initial(), &initial(), &people), unchanged);
    }

    #[test]
    fn where_the_group_counts_the_history_decides() {
        let before = initial();
        let mut after = before.clone();
        after.sla.clock_scope = ClockScope::Group;
        after.assign("second".into(), &code("OFFER")).unwrap();
        let mut before = after.clone();
        before.sla.clock_scope = ClockScope::Stage;
        let changes: Vec<StageChange> = serde_json::from_value(json!([
            {"toStageId": "offer", "updatedAt": 4 * DAY},
            {"toStageId": "second", "updatedAt": 17 * DAY},
        ]))
        .unwrap();
        let opportunity = json!({"id": "o", "stage": "second", "stageChanges": [
            {"toStageId": "second", "updatedAt": 17 * DAY}]});
        let person = Candidacy::from_lever(&serde_json::from_value(opportunity).unwrap(), None);
        let mut effect = Effect::default();
        let (before, after) = (Side::new(&before).unwrap(), Side::new(&after).unwrap());
        let now = Timestamp::from_millis(18 * DAY);
        effect.count(&person, &changes, &before, &after, now);
        let change = (SlaState::OnTrack, SlaState::Breached);
        assert_eq!(effect.sla_changes, [(change, 1)].into());
    }
}
