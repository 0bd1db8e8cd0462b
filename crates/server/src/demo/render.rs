//! The pages of the demo as text: pure functions.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::v1 as pb;
use serde_json::Value;

use crate::cli::view::table::cut;
use crate::cli::view::{BAD, DIM, GOOD, HEADING, WARN, counted, operation, styled, time};

/// Columns left of what changed.
const BESIDE: usize = 36;
/// Columns for what changed.
const CHANGE: usize = 80 - BESIDE;

/// Columns of an indented page.
pub(super) const INDENTED: usize = 77;

/// A numbered heading, with something beside it.
pub(super) fn heading(number: usize, title: &str, beside: &str) -> String {
    let beside = if beside.is_empty() {
        String::new()
    } else {
        format!("  {beside}")
    };
    format!(
        "\n{}{beside}",
        styled(HEADING, &format!("{number}  {title}"))
    )
}

/// Every line of a text, moved to the right.
pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   {line}\n")).collect()
}

/// The counts behind a list of applicants, in the colors of the list.
pub(super) fn summary(applicants: &[pb::Applicant]) -> String {
    let count = |state: pb::SlaState| {
        applicants
            .iter()
            .filter(|a| a.sla.as_ref().is_some_and(|sla| sla.state() == state))
            .count()
    };
    let parts = [
        (pb::SlaState::OnTrack, GOOD, "on track"),
        (pb::SlaState::AtRisk, WARN, "at risk"),
        (pb::SlaState::Breached, BAD, "late"),
        (pb::SlaState::Paused, DIM, "paused"),
    ];
    let parts = parts.map(|(state, style, word)| (count(state), style, word));
    let parts = parts.iter().filter(|(count, ..)| *count > 0);
    parts
        .map(|(count, style, word)| styled(*style, &format!("{count} {word}")))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Up to `room` applicants around the moment their answer is due: some late, some close, some with time left.
pub(super) fn around_due(
    applicants: &[pb::Applicant],
    room: usize,
    now_ms: i64,
) -> Vec<pb::Applicant> {
    let due = |applicant: &pb::Applicant| {
        applicant
            .sla
            .as_ref()
            .and_then(|sla| sla.due_at.as_ref())
            .map_or(i64::MAX, time::millis)
    };
    let mut ordered = applicants.to_vec();
    ordered.sort_by_key(due);
    let late = ordered.partition_point(|applicant| due(applicant) <= now_ms);
    let last_start = ordered.len().saturating_sub(room);
    let start = late.saturating_sub(room * 2 / 5).min(last_start);
    ordered.into_iter().skip(start).take(room).collect()
}

/// What the demo compares of an opportunity in Lever, before and after a write.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Snapshot {
    stage: String,
    archive_reason: Option<String>,
    tags: Vec<String>,
    sources: Vec<String>,
    notes: Vec<String>,
}

impl Snapshot {
    /// Reads Lever's documents.
    pub(super) fn of(opportunity: &Value, notes: &[Value]) -> Snapshot {
        let kept = notes.iter().filter(|note| note["deletedAt"].is_null());
        let fields = kept.filter_map(|note| note["fields"].as_array()).flatten();
        Snapshot {
            stage: text(&opportunity["stage"]),
            archive_reason: opportunity["archived"].get("reason").map(text),
            tags: texts(&opportunity["tags"]),
            sources: texts(&opportunity["sources"]),
            notes: fields.map(|field| text(&field["value"])).collect(),
        }
    }

    /// What is different afterwards, a line for each difference; ids are named by `names` where it knows them.
    pub(super) fn changes(
        &self,
        after: &Snapshot,
        names: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let named = |id: &String| names.get(id).unwrap_or(id).clone();
        let mut lines = Vec::new();
        lines.extend(items("note", &self.notes, &after.notes));
        lines.extend(items("tag", &self.tags, &after.tags));
        lines.extend(items("source", &self.sources, &after.sources));
        if self.stage != after.stage {
            lines.push(format!(
                "stage  {} -> {}",
                named(&self.stage),
                named(&after.stage)
            ));
        }
        match (&self.archive_reason, &after.archive_reason) {
            (None, Some(reason)) => lines.push(format!("archived: {}", named(reason))),
            (Some(_), None) => lines.push("back from the archive".to_owned()),
            _ => {}
        }
        lines
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn items(name: &str, before: &[String], after: &[String]) -> Vec<String> {
    let added = after
        .iter()
        .filter(|item| !before.contains(item))
        .map(|item| format!("{name}  + \"{item}\""));
    let removed = before
        .iter()
        .filter(|item| !after.contains(item))
        .map(|item| format!("{name}  - \"{item}\""));
    added.chain(removed).collect()
}

/// A settled operation, and what it changed in Lever.
pub(super) fn settled(operation: &pb::Operation, took: Duration, changes: &[String]) -> String {
    let kind = operation::kind(operation);
    let state = operation::state(operation);
    let took = format!("{:.1} s", took.as_secs_f64());
    let nothing = ["no change seen in Lever".to_owned()];
    let changes = if changes.is_empty() {
        &nothing[..]
    } else {
        changes
    };
    let mut lines = String::new();
    for (at, change) in changes.iter().enumerate() {
        let beside = match at {
            0 => {
                let padding = " ".repeat(10usize.saturating_sub(state.len()));
                format!(
                    "   {kind:<15}{}{padding}{took:>6}  ",
                    styled(operation::style(operation), &state)
                )
            }
            _ => " ".repeat(BESIDE),
        };
        lines.push_str(&format!("{beside}{}\n", cut(change, CHANGE)));
    }
    lines
}

/// What the tour took.
pub(super) fn totals(requests: usize, took: Duration) -> String {
    format!(
        "{} to Lever in {:.0} seconds.",
        counted(requests as u64, "request"),
        took.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::plain;
    use serde_json::json;

    fn applicant(name: &str, due_seconds: i64, state: pb::SlaState) -> pb::Applicant {
        let due_at = Some(prost_types::Timestamp {
            seconds: due_seconds,
            nanos: 0,
        });
        let sla = Some(pb::Sla {
            state: state.into(),
            due_at,
            ..Default::default()
        });
        pb::Applicant {
            name: name.to_owned(),
            sla,
            ..Default::default()
        }
    }

    #[test]
    fn the_list_shows_people_on_both_sides_of_the_due_time() {
        let mut all: Vec<_> = (1..=50)
            .map(|n| applicant("late", n, pb::SlaState::Breached))
            .collect();
        all.extend((101..=150).map(|n| applicant("early", n, pb::SlaState::OnTrack)));
        let shown = around_due(&all, 10, 100_000);
        assert_eq!(shown.iter().filter(|a| a.name == "late").count(), 4);
        assert_eq!(shown.len(), 10);
        assert_eq!(around_due(&all[..3], 10, 100_000).len(), 3);
        assert_eq!(around_due(&all[..50], 10, 100_000).len(), 10);
    }

    #[test]
    fn the_summary_counts_only_what_is_there() {
        let all = [
            applicant("a", 1, pb::SlaState::Breached),
            applicant("b", 1, pb::SlaState::OnTrack),
        ];
        assert_eq!(plain(&summary(&all)), "1 on track, 1 late");
    }

    #[test]
    fn each_kind_of_write_shows_what_changed() {
        let names = BTreeMap::from([
            ("s1".to_owned(), "New applicant".to_owned()),
            ("s2".to_owned(), "HM Review".to_owned()),
            ("r1".to_owned(), "Underqualified".to_owned()),
        ]);
        let opportunity =
            json!({"stage": "s1", "archived": null, "tags": ["a"], "sources": ["Referral"]});
        let before = Snapshot::of(&opportunity, &[]);
        let note = json!({"deletedAt": null, "fields": [{"value": "Hello"}]});
        let moved = json!({"stage": "s2", "archived": {"reason": "r1"}, "tags": ["b"], "sources": ["Referral"]});
        let after = Snapshot::of(&moved, &[note]);
        assert_eq!(
            before.changes(&after, &names),
            [
                "note  + \"Hello\"",
                "tag  + \"b\"",
                "tag  - \"a\"",
                "stage  New applicant -> HM Review",
                "archived: Underqualified",
            ]
        );
        assert_eq!(before.changes(&before, &names), Vec::<String>::new());
        assert!(
            after
                .changes(&before, &names)
                .contains(&"back from the archive".to_owned())
        );
    }

    #[test]
    fn a_document_of_another_shape_is_no_accident() {
        assert_eq!(Snapshot::of(&json!(null), &[json!(7)]), Snapshot::default());
    }

    #[test]
    fn a_settled_operation_fits_the_page() {
        let operation = pb::Operation {
            kind: pb::OperationKind::RemoveSources.into(),
            state: pb::OperationState::Succeeded.into(),
            ..Default::default()
        };
        let changes = [
            "source  - \"Fulcrum demo\"".to_owned(),
            format!("note  + \"{}\"", "long ".repeat(30)),
        ];
        let text = plain(&settled(&operation, Duration::from_millis(240), &changes));
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some("   remove sources succeeded  0.2 s  source  - \"Fulcrum demo\"")
        );
        assert!(lines.all(|line| line.chars().count() <= 80), "{text}");
    }
}
