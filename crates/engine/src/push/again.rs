//! Whether a write to a person is made again after its answer was lost.
//!
//! A tag, a source, a link, an archiving: once there, none of them tells whose it is. Lever is read before another try, and
//! where it shows what was asked, that is done. Where it does not, the lost try may have had no effect, or people may have
//! taken the effect back, and what people do must not be undone. While nothing about the person has changed since the first
//! try, it had none, and another one is right; Lever moves the stamp of the opportunity with each of these (behaviour.md:
//! what `updatedAt` follows). Where the stamp has moved nobody can tell, and the write ends uncertain.

use domain::operation::{Failure, FailureKind, PreparedKind};
use domain::provenance::{links, same_link, same_tag};
use domain::{Operation, Stream, Timestamp, Write};
use lever::Opportunity;
use sha2::{Digest as _, Sha256};
use store::Store;

use super::plan;
use crate::error::Result;

/// Whether the opportunity shows what the write came to, but not whose it is.
pub(super) fn shows(write: &Write) -> bool {
    match write {
        Write::AddTags { .. }
        | Write::RemoveTags { .. }
        | Write::AddSources { .. }
        | Write::RemoveSources { .. }
        | Write::Archive { .. }
        | Write::Unarchive => true,
        Write::Prepared(prepared) => matches!(
            prepared.kind,
            PreparedKind::AddLinks | PreparedKind::RemoveLinks
        ),
        _ => false,
    }
}

/// Whether the stamp of the opportunity moves with the write.
fn moves_the_stamp(write: &Write) -> bool {
    let contact = matches!(write, Write::Prepared(it) if it.kind == PreparedKind::UpdateContact);
    shows(write) || contact
}

/// What is noted with the first try since the write got in line: a digest of the stamp that the mirror has of the
/// opportunity. Writes to one person go one after the other, each shown in the mirror before the next.
pub(super) async fn stamp_before(store: &Store, operation: &Operation) -> Result<Option<[u8; 32]>> {
    let about = operation.opportunity.as_str();
    if about.is_empty()
        || !moves_the_stamp(operation.present_write())
        || noted_stamp(operation).is_some()
    {
        return Ok(None);
    }
    let record = store
        .record(operation.connection, Stream::Opportunities, about)
        .await?;
    let stamp = record.and_then(|record| record.updated_at);
    Ok(stamp.map(digest))
}

/// What was noted with the first try of the write in hand since it got in line.
pub(super) fn noted_stamp(operation: &Operation) -> Option<[u8; 32]> {
    let name = plan::lever_operation(operation.present_write());
    let step = plan::step_number(operation);
    let mut tries = operation.attempts.iter().filter(|one| {
        one.step == step && one.lever_operation == name && one.at >= operation.queued_at
    });
    tries.find_map(|one| one.seen)
}

/// Whether anything about the person may have changed since the first try, which was sent at `since` at the earliest.
pub(super) fn has_moved(present: &Opportunity, noted: Option<[u8; 32]>, since: Timestamp) -> bool {
    // Without a stamp nothing has changed since Lever has stamps.
    let Some(stamp) = present.updated_at else {
        return false;
    };
    stamp >= since && noted != Some(digest(stamp))
}

/// Whether Lever shows the tags, sources or links as they were to be; none for what is told otherwise.
pub(super) fn is_as_asked(write: &Write, present: &Opportunity) -> Option<bool> {
    let tagged = |tag: &String| present.tags.iter().any(|it| same_tag(it, tag));
    let known = |one: &String| present.sources.iter().any(|it| same_source(it, one));
    let leads = |one: &String| present.links.iter().any(|it| same_link(it, one));
    Some(match write {
        Write::AddTags { tags } => tags.iter().all(tagged),
        Write::RemoveTags { tags } => !tags.iter().any(tagged),
        Write::AddSources { sources } => sources.iter().all(known),
        Write::RemoveSources { sources } => !sources.iter().any(known),
        Write::Prepared(prepared) => match prepared.kind {
            PreparedKind::AddLinks => links(prepared).iter().all(leads),
            PreparedKind::RemoveLinks => !links(prepared).iter().any(leads),
            _ => return None,
        },
        _ => return None,
    })
}

/// Whether two sources are one. That Lever tells them apart by case, as it does tags, is not recorded.
fn same_source(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// What is told where people may have taken the effect back.
pub(super) fn may_be_undone() -> Failure {
    Failure {
        kind: FailureKind::Unknown,
        message: "the answer was lost, and Lever, read back, does not show this write but has changed the person since: \
                  somebody may have taken it back; look in Lever, and retry what is still wanted"
            .to_owned(),
        details: Vec::new(),
    }
}

fn digest(stamp: Timestamp) -> [u8; 32] {
    Sha256::digest(stamp.as_millis().to_be_bytes()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(updated_at: Option<i64>) -> Opportunity {
        let stamped = json!({
            "id": "o", "updatedAt": updated_at, "tags": ["Rust "], "sources": ["Fair"],
            "links": ["https://example.org/ada"],
        });
        serde_json::from_value(stamped).unwrap()
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_stamp_that_was_there_before_the_first_try_tells_of_no_change() {
        let noted = Some(digest(at(7)));
        // It is as it was, however near to the first try.
        assert!(!has_moved(&person(Some(7)), noted, at(5)));
        assert!(has_moved(&person(Some(8)), noted, at(5)));
        // The mirror was behind, and what it lacked came before the first try.
        assert!(!has_moved(&person(Some(4)), noted, at(5)));
        assert!(has_moved(&person(Some(5)), None, at(5)));
        assert!(!has_moved(&person(None), noted, at(5)));
    }

    #[test]
    fn what_lever_shows_is_compared_as_lever_tells_it_apart() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let add = |tags: &[&str]| Write::AddTags { tags: texts(tags) };
        let remove = |tags: &[&str]| Write::RemoveTags { tags: texts(tags) };
        let there = person(None);
        assert_eq!(is_as_asked(&add(&["Rust"]), &there), Some(true));
        assert_eq!(is_as_asked(&add(&["rust"]), &there), Some(false));
        assert_eq!(is_as_asked(&add(&["Rust", "go"]), &there), Some(false));
        assert_eq!(is_as_asked(&remove(&["go", "rust"]), &there), Some(true));
        assert_eq!(is_as_asked(&remove(&["go", "Rust"]), &there), Some(false));
        let fair = Write::AddSources {
            sources: texts(&["fair"]),
        };
        assert_eq!(is_as_asked(&fair, &there), Some(true));
        let fair = Write::RemoveSources {
            sources: texts(&["fair"]),
        };
        assert_eq!(is_as_asked(&fair, &there), Some(false));
        assert_eq!(is_as_asked(&Write::Unarchive, &there), None);
    }
}
