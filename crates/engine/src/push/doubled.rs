//! Notes of ours that are in Lever twice (reliability.md 6): counted and told, and never deleted from here.
//!
//! Each note we write carries a millisecond of its own; two notes on one person that carry the same one, and one of
//! ours, are one write that had its effect twice. The one that the operation names counts as ours, else the oldest.

use std::collections::{BTreeMap, BTreeSet};

use domain::issue::{Affected, Problem};
use domain::{Operation, Timestamp, Write};
use lever::{Note, OpportunityId};

use crate::engine::Shared;
use crate::error::Result;
use crate::figures::DUPLICATES;
use crate::link::Link;

/// How many operations on one opportunity are looked through for a mark.
const LOOKED_THROUGH: usize = 1000;

/// Looks through the notes on an opportunity, documents of Lever's in its order, for some that are there twice.
///
/// # Errors
/// If the store cannot be read.
pub(crate) async fn look<'a>(
    shared: &Shared,
    link: &Link,
    opportunity: &OpportunityId,
    notes: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let notes: Vec<Note> = notes
        .filter_map(|raw| serde_json::from_str(raw).ok())
        .collect();
    let alike = alike(&notes);
    if alike.is_empty() {
        return Ok(());
    }
    let store = &shared.store;
    let operations = store
        .operations(link.id(), Some(opportunity), None, LOOKED_THROUGH)
        .await?;
    let ours: BTreeMap<_, _> = operations.iter().flat_map(marks).collect();
    for (mark, notes) in alike {
        if let Some(result) = ours.get(&mark) {
            let kept = notes.iter().find(|note| *result == Some(note.id.as_str()));
            if let Some(kept) = kept.copied().or_else(|| oldest(&notes)) {
                tell(shared, link, opportunity, kept, &notes);
            }
        }
    }
    Ok(())
}

/// The millisecond that a note of ours is written with is its own or, where Lever dates notes itself, that of its text.
pub(super) fn carries(note: &Note, mark: Timestamp) -> bool {
    stamps(note).any(|stamp| stamp == mark)
}

fn stamps(note: &Note) -> impl Iterator<Item = Timestamp> {
    let texts = note.fields.iter().filter_map(|field| field.created_at);
    texts.chain(note.created_at)
}

/// Notes that carry the same millisecond, by that, in Lever's order.
fn alike(notes: &[Note]) -> BTreeMap<Timestamp, Vec<&Note>> {
    let mut by_stamp: BTreeMap<_, Vec<&Note>> = BTreeMap::new();
    for note in notes.iter().filter(|note| note.deleted_at.is_none()) {
        for stamp in stamps(note).collect::<BTreeSet<_>>() {
            by_stamp.entry(stamp).or_default().push(note);
        }
    }
    by_stamp.retain(|_, notes| notes.len() > 1);
    by_stamp
}

/// The marks that an operation has given to notes, each with the note that is known to be the one.
fn marks(operation: &Operation) -> Vec<(Timestamp, Option<&str>)> {
    let writes_note = |write: &Write| matches!(write, Write::CreateNote(_));
    let alone = (operation.marker, operation.result_id.as_deref());
    let alone = writes_note(&operation.write).then_some(alone);
    let steps = operation.steps.iter();
    let steps = steps.filter(|step| writes_note(&step.write));
    let steps = steps.map(|step| (step.marker, step.result_id.as_deref()));
    alone.into_iter().chain(steps).collect()
}

/// Of notes that carry one mark, in Lever's order, the newest first: the oldest, which is ours.
pub(super) fn oldest<'a>(notes: &[&'a Note]) -> Option<&'a Note> {
    notes
        .iter()
        .rev()
        .min_by_key(|note| note.created_at)
        .copied()
}

/// Counts what is there beside the one that is kept as ours, each note once, and has it told.
pub(super) fn tell(
    shared: &Shared,
    link: &Link,
    opportunity: &OpportunityId,
    kept: &Note,
    notes: &[&Note],
) {
    let others = notes.iter().filter(|note| note.id != kept.id);
    let mut news = 0;
    for note in others.clone() {
        if link.issues.is_news(&note.id) {
            news += 1;
            tracing::warn!(
                connection = %link.id(), opportunity = crate::error::logged(opportunity.as_str()), note = %note.id,
                "a note of ours is in Lever twice"
            );
        }
    }
    metrics::counter!(DUPLICATES.name).increment(news);
    let notes = std::iter::once(kept).chain(others.copied());
    let notes = notes.map(|note| Affected::new("notes", note.id.as_str()));
    let about = Affected::new("opportunities", opportunity.as_str());
    let affected = notes.chain([about]).collect();
    link.issues
        .saw(Problem::NoteTwice, affected, shared.clock.now());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn note(id: &str, created_at: i64, text_at: i64) -> Note {
        serde_json::from_value(json!({
            "id": id, "createdAt": created_at, "fields": [{"value": "hello", "createdAt": text_at}]
        }))
        .unwrap()
    }

    #[test]
    fn notes_of_one_millisecond_are_found_whichever_stamp_lever_has_kept() {
        let mut notes = vec![
            note("newer", 7_000, 1_234),
            note("other", 5_000, 5_000),
            note("older", 6_000, 1_234),
        ];
        let mark = Timestamp::from_millis(1_234);
        let found = alike(&notes);
        assert_eq!(found.keys().collect::<Vec<_>>(), [&mark]);
        assert_eq!(oldest(&found[&mark]).unwrap().id.as_str(), "older");
        // Of those that Lever has dated alike the one it lists last.
        notes[0].created_at = notes[2].created_at;
        assert_eq!(oldest(&alike(&notes)[&mark]).unwrap().id.as_str(), "older");
        notes[2].deleted_at = Some(mark);
        assert!(alike(&notes).is_empty());
    }
}
