//! What a stage move finds before each try, and what came after it.
//!
//! Lever gives no id to the moves in a person's history, so nothing in an entry tells whose it is. The history is read
//! before each try, and a digest of what the first try found is kept in the commit that notes the try: what is there
//! beyond it came later, whatever the clocks say.

use domain::Operation;
use domain::operation::{Attempt, Event};
use lever::{Opportunity, StageChange};
use sha2::{Digest as _, Sha256};

use super::decide::decide;
use super::first_look::{self, Look};
use super::plan;
use super::tried::{Tried, tried_at};
use crate::engine::Shared;
use crate::link::Link;

/// What follows from the look before a try.
pub(super) enum Looked {
    /// The move goes out, with the look noted and what it showed.
    Go(Box<Operation>),
    /// It need not, or must not, go out.
    Ends(Box<Operation>, Event),
}

/// Reads the opportunity before a try of the move in hand; `operation` ends with the attempt about to be made.
pub(super) async fn before(shared: &Shared, link: &Link, operation: Operation) -> Looked {
    let Look { call, found } = first_look::look(shared, link, &operation).await;
    let ends = |operation, call, event| {
        let ended = first_look::ends(operation, call);
        Looked::Ends(Box::new(ended), event)
    };
    let present = match found {
        Ok(record) => record.value,
        Err(event) => return ends(operation, call, event),
    };
    let tried = match tried_at(&operation) {
        Some(at) => Some(Tried::at(shared, link, &operation, at).await),
        None => None,
    };
    let call = call.map(|call| Attempt {
        seen: tried.is_none().then(|| digest(&present)),
        ..call
    });
    match decide(&operation, &present, tried.as_ref()) {
        Some(event) => ends(operation, call, event),
        None => Looked::Go(Box::new(first_look::goes_on(shared, operation, call))),
    }
}

/// What the first try of the move in hand found of the history; none for what comes from an earlier version, or from a
/// backup that was taken before any try.
pub(super) fn found(operation: &Operation) -> Option<[u8; 32]> {
    let step = plan::step_number(operation);
    let mut looks = operation.attempts.iter().rev();
    // Looks are digested until there is a try.
    looks.find_map(|look| look.seen.filter(|_| look.step == step))
}

/// A digest of the history.
pub(super) fn digest(present: &Opportunity) -> [u8; 32] {
    let mut hash = Sha256::new();
    let entries = in_order(present);
    entries.iter().for_each(|entry| add(&mut hash, entry));
    hash.finalize().into()
}

/// What the history has beyond what a look found; none where Lever no longer has just that before it.
pub(super) fn beyond(present: &Opportunity, found: [u8; 32]) -> Option<Vec<&StageChange>> {
    let entries = in_order(present);
    let mut hash = Sha256::new();
    for (number, entry) in entries.iter().enumerate() {
        if found == <[u8; 32]>::from(hash.clone().finalize()) {
            return Some(entries[number..].to_vec());
        }
        add(&mut hash, entry);
    }
    (found == <[u8; 32]>::from(hash.finalize())).then(Vec::new)
}

fn in_order(present: &Opportunity) -> Vec<&StageChange> {
    let mut entries: Vec<_> = present.stage_changes.iter().collect();
    entries.sort_by_key(|entry| entry.updated_at);
    entries
}

/// Adds what of an entry never changes: a user who leaves may be named no more.
fn add(hash: &mut Sha256, entry: &StageChange) {
    let at = entry.updated_at.unwrap_or_default().as_millis();
    let stage = entry
        .to_stage_id
        .as_ref()
        .map_or("", |stage| stage.as_str());
    hash.update(at.to_be_bytes());
    hash.update((stage.len() as u64).to_be_bytes());
    hash.update(stage.as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn person(entries: &[(&str, i64)]) -> Opportunity {
        let entry = |(stage, at): &(&str, i64)| json!({"toStageId": stage, "updatedAt": at});
        let entries: Vec<Value> = entries.iter().map(entry).collect();
        serde_json::from_value(json!({"id": "o", "stageChanges": entries})).unwrap()
    }

    fn stages(entries: Option<Vec<&StageChange>>) -> Option<Vec<String>> {
        let stage = |entry: &StageChange| entry.to_stage_id.clone().unwrap().as_str().to_owned();
        entries.map(|entries| entries.into_iter().map(stage).collect())
    }

    #[test]
    fn what_came_after_a_look_is_told_from_what_it_found_whenever_that_was() {
        let found = digest(&person(&[("a", 1), ("b", 5)]));
        // In the same millisecond, and in whatever order Lever lists them.
        let now = person(&[("c", 6), ("a", 1), ("b", 5), ("b", 6)]);
        assert_eq!(
            stages(beyond(&now, found)),
            Some(vec!["c".to_owned(), "b".to_owned()])
        );
        let same = person(&[("b", 5), ("a", 1)]);
        assert_eq!(stages(beyond(&same, found)), Some(Vec::new()));
        let first = digest(&person(&[]));
        assert_eq!(
            stages(beyond(&same, first)),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        // What was there is gone: nobody can tell.
        assert_eq!(beyond(&person(&[("a", 1), ("c", 6)]), found), None);
        assert_eq!(beyond(&person(&[]), found), None);
    }
}
