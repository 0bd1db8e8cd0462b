//! How many candidacies stand how against their SLA: by stage, by posting, by owner (product.md 6.3).

use std::collections::BTreeMap;

use lever::{OpportunityId, PostingId, StageId, Timestamp, UserId};

use crate::Candidacy;
use crate::sla::SlaState;

/// Candidacies by the state of their SLA.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlaCounts {
    /// No SLA days apply.
    pub none: u64,
    /// In time.
    pub on_track: u64,
    /// Close to due.
    pub at_risk: u64,
    /// Past due.
    pub breached: u64,
    /// The clock is stopped.
    pub paused: u64,
}

impl SlaCounts {
    fn count(&mut self, state: SlaState) {
        let count = match state {
            SlaState::None => &mut self.none,
            SlaState::OnTrack => &mut self.on_track,
            SlaState::AtRisk => &mut self.at_risk,
            SlaState::Breached => &mut self.breached,
            SlaState::Paused => &mut self.paused,
        };
        *count += 1;
    }
}

/// A candidacy whose SLA is due, or will be soon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When it is due.
    pub at: Timestamp,
    /// Whose.
    pub opportunity: OpportunityId,
}

/// The report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlaReport {
    /// All together.
    pub total: SlaCounts,
    /// By stage.
    pub by_stage: BTreeMap<StageId, SlaCounts>,
    /// By posting; none for general opportunities.
    pub by_posting: BTreeMap<Option<PostingId>, SlaCounts>,
    /// By owner; none where nobody owns it.
    pub by_owner: BTreeMap<Option<UserId>, SlaCounts>,
    /// Those that breach by the time asked about and have not yet, the earliest first.
    pub due: Vec<Due>,
}

impl SlaReport {
    /// Counts in one candidacy that stands so and is due then; `until` is the last moment at which one is due that is
    /// told.
    pub fn count(
        &mut self,
        candidacy: &Candidacy,
        state: SlaState,
        due_at: Option<Timestamp>,
        until: Timestamp,
    ) {
        if let Some(stage) = &candidacy.stage {
            count(&mut self.by_stage, stage, state);
        }
        count(&mut self.by_posting, &candidacy.posting, state);
        count(&mut self.by_owner, &candidacy.owner, state);
        self.total.count(state);
        let running = matches!(state, SlaState::OnTrack | SlaState::AtRisk);
        if let Some(at) = due_at.filter(|at| running && *at <= until) {
            let opportunity = candidacy.opportunity.clone();
            self.due.push(Due { at, opportunity });
        }
    }

    /// Puts those that are due in order, once everybody is counted.
    pub fn finish(mut self) -> SlaReport {
        self.due.sort();
        self
    }
}

/// The key is copied only where it is new: everybody is counted here.
fn count<K: Ord + Clone>(counts: &mut BTreeMap<K, SlaCounts>, key: &K, state: SlaState) {
    match counts.get_mut(key) {
        Some(known) => known.count(state),
        None => counts.entry(key.clone()).or_default().count(state),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn candidacy(id: &str, stage: &str, owner: Option<&str>) -> Candidacy {
        let opportunity = json!({"id": id, "stage": stage, "owner": owner});
        Candidacy::from_lever(&serde_json::from_value(opportunity).unwrap(), None)
    }

    /// None, on track, at risk, breached, paused.
    fn counts([none, on_track, at_risk, breached, paused]: [u64; 5]) -> SlaCounts {
        SlaCounts {
            none,
            on_track,
            at_risk,
            breached,
            paused,
        }
    }

    #[test]
    fn people_are_counted_by_stage_posting_and_owner_and_the_next_due_come_first() {
        let mut report = SlaReport::default();
        for (id, stage, owner, state, due) in [
            ("last", "s", Some("u"), SlaState::AtRisk, Some(100)),
            ("soon", "s", None, SlaState::OnTrack, Some(50)),
            ("later", "s", None, SlaState::OnTrack, Some(101)),
            ("over", "t", Some("u"), SlaState::Breached, Some(10)),
            ("long", "s", Some("u"), SlaState::Breached, Some(1)),
            ("gone", "s", Some("u"), SlaState::Breached, Some(2)),
            ("asleep", "s", None, SlaState::Paused, Some(60)),
            ("free", "s", None, SlaState::None, None),
        ] {
            report.count(&candidacy(id, stage, owner), state, due.map(at), at(100));
        }
        let applied = Candidacy {
            posting: Some("p".into()),
            ..candidacy("applied", "s", None)
        };
        report.count(&applied, SlaState::None, None, at(100));
        let report = report.finish();
        assert_eq!(report.total, counts([2, 2, 1, 3, 1]));
        let stages = [
            ("s".into(), counts([2, 2, 1, 2, 1])),
            ("t".into(), counts([0, 0, 0, 1, 0])),
        ];
        assert_eq!(report.by_stage, stages.into());
        let postings = [
            (None, counts([1, 2, 1, 3, 1])),
            (Some("p".into()), counts([1, 0, 0, 0, 0])),
        ];
        assert_eq!(report.by_posting, postings.into());
        let owners = [
            (None, counts([2, 2, 0, 0, 1])),
            (Some("u".into()), counts([0, 0, 1, 3, 0])),
        ];
        assert_eq!(report.by_owner, owners.into());
        let due: Vec<_> = report
            .due
            .iter()
            .map(|due| due.opportunity.as_str())
            .collect();
        assert_eq!(due, ["soon", "last"]);
    }
}
