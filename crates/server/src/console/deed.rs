//! What an operation does in Lever, in words.

use std::borrow::Cow;

use proto::v1 as pb;

use super::refusal::apart;
use super::words::{capital, count, isolated, plain};

/// Names in a list that are told one by one; of the rest, how many there are.
const TOLD: usize = 5;

/// What an operation does, such as `move from “Applied” to “On-site”`.
pub(super) fn deed(operation: &pb::Operation) -> String {
    if !is_bulk(operation) {
        return single(operation);
    }
    let items = operation.tally.map_or(0, |tally| tally.items);
    let items = count(items.into(), "write", "writes");
    format!("{items}: {}", single(operation))
}

/// What one write of an operation does: of a bulk, the first.
fn single(operation: &pb::Operation) -> String {
    let none = pb::OperationSummary::default();
    let told = operation.summary.as_ref().unwrap_or(&none);
    let kind = match is_bulk(operation) {
        true => operation.item_kind(),
        false => operation.kind(),
    };
    of_kind(kind, operation, told)
}

pub(super) fn is_bulk(operation: &pb::Operation) -> bool {
    operation.kind() == pb::OperationKind::Bulk
}

/// The same as the beginning of a line.
pub(super) fn headline(operation: &pb::Operation) -> String {
    capital(&deed(operation))
}

fn of_kind(
    kind: pb::OperationKind,
    operation: &pb::Operation,
    told: &pb::OperationSummary,
) -> String {
    use pb::OperationKind as Kind;
    let to_posting = |what: &str| match told.posting_id.as_str() {
        "" => what.to_owned(),
        id => format!("{what} {}", named(&told.posting_text, "posting", id)),
    };
    match kind {
        Kind::CreateNote => "write a note".to_owned(),
        Kind::UpdateNote => "change a note".to_owned(),
        Kind::AddTags => several("add", "tag", told.tag_count, &told.tags),
        Kind::RemoveTags => several("remove", "tag", told.tag_count, &told.tags),
        Kind::AddSources => several("add", "source", told.source_count, &told.sources),
        Kind::RemoveSources => several("remove", "source", told.source_count, &told.sources),
        Kind::AddLinks => "add links".to_owned(),
        Kind::RemoveLinks => "remove links".to_owned(),
        Kind::ChangeStage => {
            let to = named(&told.stage_text, "stage", &told.stage_id);
            let from = from(operation, told).map(|from| format!(" from {from}"));
            format!("move{} to {to}", from.unwrap_or_default())
        }
        Kind::Archive => {
            let reason = named(&told.archive_reason_text, "reason", &told.archive_reason_id);
            let what = match (told.hires, told.rejects) {
                (true, _) => "hire",
                (false, true) => "reject",
                (false, false) => "archive",
            };
            format!("{what} with the reason {reason}")
        }
        Kind::Unarchive => "take out of the archive".to_owned(),
        Kind::UploadFile => "upload a file".to_owned(),
        Kind::CreateForm => "fill in a form".to_owned(),
        Kind::ApplyToPosting => to_posting("apply to"),
        Kind::UpdateContact => "change contact details".to_owned(),
        Kind::UpdateUser => "change a user of Lever".to_owned(),
        Kind::ExportCandidate => {
            let stage = (!told.stage_id.is_empty())
                .then(|| format!(", in {}", named(&told.stage_text, "stage", &told.stage_id)));
            let posting = match told.posting_id.as_str() {
                "" => "export to Lever".to_owned(),
                _ => to_posting("export to"),
            };
            format!("{posting}{}", stage.unwrap_or_default())
        }
        Kind::Raw => match told.posting_id.as_str() {
            "" => apart(&operation.lever_operation),
            _ => to_posting(&format!("{}:", apart(&operation.lever_operation))),
        },
        Kind::CreateOpportunity | Kind::Bulk | Kind::Unspecified => {
            plain(kind.as_str_name(), "OPERATION_KIND")
        }
    }
}

/// Where a move leads from: where the caller has said, else where the person is while Lever has not been told.
fn from(operation: &pb::Operation, told: &pb::OperationSummary) -> Option<String> {
    if !told.expected_stage_id.is_empty() {
        let (text, id) = (&told.expected_stage_text, &told.expected_stage_id);
        return Some(named(text, "stage", id));
    }
    let present = !is_bulk(operation) && waits(operation.state()) && !told.archived;
    let text = told.present_stage_text.as_str();
    (present && !text.is_empty()).then(|| format!("“{}”", isolated(text)))
}

/// Whether Lever has surely not been told yet.
fn waits(state: pb::OperationState) -> bool {
    matches!(
        state,
        pb::OperationState::Held | pb::OperationState::Recorded
    )
}

/// Lever's text, or the id of what the mirror does not have.
fn named(text: &str, what: &str, id: &str) -> String {
    match text {
        "" => format!("the {what} {id}"),
        text => format!("“{}”", isolated(text)),
    }
}

/// What is done to several things of one sort: by their names, or how many there are.
fn several(act: &str, thing: &str, number: u32, names: &[String]) -> String {
    let others = names.len().saturating_sub(TOLD);
    let names = names.get(..TOLD).unwrap_or(names).iter();
    let names: Vec<_> = names.map(|name| isolated(name)).collect();
    let names = names.join(", ");
    match (number, names.as_str(), others) {
        (0, "", _) => format!("{act} {thing}s"),
        (number, "", _) => format!(
            "{act} {}",
            count(number.into(), thing, &format!("{thing}s"))
        ),
        (1, names, _) => format!("{act} the {thing} {names}"),
        (_, names, 0) => format!("{act} the {thing}s {names}"),
        (_, names, others) => format!("{act} the {thing}s {names} and {others} more"),
    }
}

/// Whether it ends a candidacy: that is asked about once more before it is sent.
pub(super) fn ends_a_candidacy(operation: &pb::Operation) -> bool {
    let archives = pb::OperationKind::Archive;
    operation.kind() == archives || operation.item_kind() == archives
}

/// Whom it is about, as part of a sentence.
fn whom(operation: &pb::Operation) -> Cow<'_, str> {
    let name = operation.summary.as_ref().map(|told| &told.person_name);
    match name.map_or("", String::as_str) {
        "" => Cow::Borrowed("this person"),
        name => isolated(name),
    }
}

/// What sending it does, as a sentence.
pub(super) fn if_sent(operation: &pb::Operation) -> String {
    if is_bulk(operation) {
        let held = operation.tally.map_or(0, |tally| tally.held);
        let held = count(held.into(), "held write goes", "held writes go");
        return format!("{held} to Lever at once: {}.", single(operation));
    }
    format!(
        "Lever is told at once to {}, for {}{}.",
        deed(operation),
        whom(operation),
        stands(operation, ", who is in ")
    )
}

/// What cancelling it does, as a sentence.
pub(super) fn if_cancelled(operation: &pb::Operation) -> String {
    if is_bulk(operation) {
        let waiting = operation.tally.map_or(0, |tally| tally.held + tally.open);
        let waiting = count(waiting.into(), "write that waits", "writes that wait");
        let each = single(operation);
        return format!("Lever is not told of the {waiting}: {each}.");
    }
    format!(
        "Lever is not told to {}: nothing changes there for {}{}.",
        deed(operation),
        whom(operation),
        stands(operation, ", who stays in ")
    )
}

/// Where the person is now, behind some words; nothing where that is not known.
fn stands(operation: &pb::Operation, words: &str) -> String {
    let told = operation.summary.as_ref();
    match told.map(|told| (told.archived, told.present_stage_text.as_str())) {
        Some((true, _)) => format!("{words}the archive"),
        Some((false, stage)) if !stage.is_empty() => format!("{words}“{}”", isolated(stage)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(kind: pb::OperationKind, told: pb::OperationSummary) -> pb::Operation {
        pb::Operation {
            kind: kind.into(),
            state: pb::OperationState::Held.into(),
            summary: Some(told),
            ..Default::default()
        }
    }

    fn moved() -> pb::OperationSummary {
        pb::OperationSummary {
            person_name: "Ada Lovelace".to_owned(),
            present_stage_text: "Applied".to_owned(),
            stage_id: "s-1".to_owned(),
            stage_text: "On-site".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_move_tells_where_from_until_lever_was_told() {
        let held = operation(pb::OperationKind::ChangeStage, moved());
        assert_eq!(headline(&held), "Move from “Applied” to “On-site”");
        let done = pb::Operation {
            state: pb::OperationState::Succeeded.into(),
            ..held.clone()
        };
        assert_eq!(deed(&done), "move to “On-site”", "she may have moved since");
        let expected = pb::OperationSummary {
            expected_stage_id: "s-0".to_owned(),
            stage_text: String::new(),
            ..moved()
        };
        let gone = operation(pb::OperationKind::ChangeStage, expected);
        assert_eq!(deed(&gone), "move from the stage s-0 to the stage s-1");
    }

    #[test]
    fn what_is_held_says_what_sending_and_cancelling_do_to_whom() {
        let told = pb::OperationSummary {
            archive_reason_text: "Underqualified".to_owned(),
            rejects: true,
            ..moved()
        };
        let held = operation(pb::OperationKind::Archive, told);
        assert_eq!(
            if_sent(&held),
            "Lever is told at once to reject with the reason “Underqualified”, for Ada Lovelace, who is in “Applied”."
        );
        assert_eq!(
            if_cancelled(&held),
            "Lever is not told to reject with the reason “Underqualified”: nothing changes there for Ada Lovelace, who \
             stays in “Applied”."
        );
        assert!(ends_a_candidacy(&held));
        let bulk = pb::Operation {
            kind: pb::OperationKind::Bulk.into(),
            item_kind: pb::OperationKind::Archive.into(),
            tally: Some(pb::Tally {
                items: 3,
                held: 2,
                succeeded: 1,
                ..Default::default()
            }),
            ..held
        };
        assert!(ends_a_candidacy(&bulk));
        assert_eq!(
            if_sent(&bulk),
            "2 held writes go to Lever at once: reject with the reason “Underqualified”."
        );
        assert_eq!(
            headline(&bulk),
            "3 writes: reject with the reason “Underqualified”"
        );
    }

    #[test]
    fn tags_are_told_by_name_or_by_number() {
        let tags = |names: &[&str], tag_count| {
            let told = pb::OperationSummary {
                tags: names.iter().map(|name| (*name).to_owned()).collect(),
                tag_count,
                ..Default::default()
            };
            deed(&operation(pb::OperationKind::AddTags, told))
        };
        assert_eq!(tags(&["a"], 1), "add the tag a");
        assert_eq!(tags(&["a", "b"], 2), "add the tags a, b");
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(tags(&many, 7), "add the tags a, b, c, d, e and 2 more");
        assert_eq!(tags(&[], 2), "add 2 tags");
        assert_eq!(tags(&[], 0), "add tags");
    }

    #[test]
    fn every_kind_has_words() {
        for number in 1..=20 {
            let kind = pb::OperationKind::try_from(number).unwrap();
            let words = deed(&operation(kind, Default::default()));
            let raw = kind == pb::OperationKind::Raw;
            assert!(raw || !words.is_empty(), "{}", kind.as_str_name());
            assert!(!words.contains('_'), "{words}");
        }
    }
}
