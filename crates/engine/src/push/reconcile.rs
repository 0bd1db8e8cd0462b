//! Finding out, from Lever itself, whether a write whose answer was lost had its effect.

mod application;
mod form;

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use domain::operation::{
    Event, Failure, FailureKind, FileUpload, NoteText, Prepared, PreparedKind, State, UploadTarget,
};
use domain::{Operation, Timestamp, Write};
use futures::{Stream, StreamExt};
use lever::{Answer, File, Lane, Legacy, ListFiles, ListNotes, Note, Page};

use super::{doubled, export};
use crate::engine::Shared;
use crate::error::{Error, ErrorKind, PERMISSION_MISSING, Result};
use crate::link::Link;

/// How far Lever's stamps may lie before our sending of a note: clocks differ.
pub(super) const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// Reads Lever back once; tells nothing where the key is in a pause after a 429.
pub(super) async fn look(shared: &Shared, link: &Link, operation: &Operation) -> Option<Event> {
    if let Write::CreateOpportunity(new) = operation.present_write() {
        return export::look(shared, link, operation, new).await;
    }
    let found = result_of(shared, link, operation).await;
    told(link, operation, found.map(|found| found.map(found_as)))
}

fn found_as(id: String) -> Event {
    Event::Found {
        result_id: Some(id),
    }
}

/// What a look came to; tells nothing where the key is in a pause after a 429.
pub(super) fn told(
    link: &Link,
    operation: &Operation,
    found: Result<Option<Event>>,
) -> Option<Event> {
    let event = match found {
        Err(error) if error.pause().is_some() => return None,
        Ok(Some(event)) => event,
        Ok(None) => Event::NotFound,
        Err(error) if missing_permission(&error).is_some() => {
            let permission = missing_permission(&error).unwrap_or_default();
            Event::LookRefused(Failure {
                kind: FailureKind::PermissionMissing,
                message: format!(
                    "the answer was lost, and the key lacks the permission to look for what it made: \
                     look in Lever before asking again ({permission})"
                ),
                details: vec![("permission".to_owned(), permission.to_owned())],
            })
        }
        Err(error) => {
            tracing::warn!(
                connection = %link.id(), operation = %operation.id, error = %crate::report(&error),
                "cannot read Lever back"
            );
            Event::LookFailed
        }
    };
    Some(event)
}

/// The permission that Lever misses, if that is why it refused.
pub(super) fn missing_permission(error: &Error) -> Option<&str> {
    match error.kind() {
        ErrorKind::Precondition { reason, details } if *reason == PERMISSION_MISSING => details
            .iter()
            .find(|(name, _)| *name == "permission")
            .map(|(_, permission)| permission.as_str()),
        _ => None,
    }
}

/// Lever's id of what an operation has made, if it can be found.
async fn result_of(shared: &Shared, link: &Link, operation: &Operation) -> Result<Option<String>> {
    let State::Reconciling { sent, .. } = operation.state else {
        return Ok(None);
    };
    let since = link.lever_time(sent).minus(CLOCKS_DIFFER);
    let others = results_of_others(shared, operation).await?;
    let others = &others;
    match operation.present_write() {
        Write::CreateNote(note) => note_of(shared, link, operation, note, since, others).await,
        Write::UploadFile(upload) => file_of(link, operation, upload, since, others).await,
        Write::Prepared(Prepared { kind, call }) => match kind {
            PreparedKind::CreateForm => form::find(link, operation, call, since, others).await,
            PreparedKind::ApplyToPosting => application::find(link, call, since, others).await,
            // Sent again without harm, so never looked for.
            PreparedKind::UpdateNote
            | PreparedKind::AddLinks
            | PreparedKind::RemoveLinks
            | PreparedKind::UpdateContact
            | PreparedKind::UpdateUser => Ok(None),
        },
        _ => Ok(None),
    }
}

async fn file_of(
    link: &Link,
    operation: &Operation,
    upload: &FileUpload,
    since: Timestamp,
    others: &HashSet<String>,
) -> Result<Option<String>> {
    // Not filtered by time: Lever's clock is not ours.
    let list = ListFiles {
        opportunity: operation.opportunity.clone(),
        uploaded_at_start: None,
        uploaded_at_end: None,
        limit: Some(100),
        offset: None,
    };
    let is_ours =
        |file: &File| !others.contains(file.id.as_str()) && same_file_since(file, upload, since);
    let client = link.client(Lane::Interactive);
    match upload.target {
        // The key may have no other permission than those of the old path.
        UploadTarget::Candidate => first_file(client.pages(&Legacy(list)), is_ours).await,
        UploadTarget::Opportunity | UploadTarget::Application => {
            first_file(client.pages(&list), is_ours).await
        }
    }
}

/// Lever's id of the first file like this.
async fn first_file(
    pages: impl Stream<Item = Result<Answer<Page<File>>, lever::Error>>,
    like: impl Fn(&File) -> bool,
) -> Result<Option<String>> {
    let mut pages = pin!(pages);
    while let Some(page) = pages.next().await {
        let mut files = page?.value.records.into_iter().flatten();
        if let Some(file) = files.find(|file| like(&file.value)) {
            return Ok(Some(file.value.id.as_str().to_owned()));
        }
    }
    Ok(None)
}

/// Name, size and time are all that tells one file from another.
fn same_file_since(file: &File, upload: &FileUpload, since: Timestamp) -> bool {
    let size = i64::try_from(upload.size).unwrap_or(i64::MAX);
    file.name
        .as_deref()
        .is_some_and(|name| name.trim() == upload.name.trim())
        && file.size.is_none_or(|found| found == size)
        && file.uploaded_at.is_some_and(|at| at >= since)
}

/// The sure sign is the millisecond we gave as `createdAt`, which no other operation carries. The text is not compared
/// then: Lever may keep it trimmed, escaped, or with other line ends.
///
/// A comment is looked for on its note, which an earlier operation may have made, and by its marker only.
async fn note_of(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
    asked: &NoteText,
    since: Timestamp,
    others: &HashSet<String>,
) -> Result<Option<String>> {
    let list = ListNotes {
        opportunity: operation.opportunity.clone(),
        limit: Some(100),
        offset: None,
    };
    let client = link.client(Lane::Interactive);
    let mut pages = pin!(client.pages(&list));
    // More than one where a write had its effect twice.
    let mut marked = Vec::new();
    let mut by_text = None;
    while let Some(page) = pages.next().await {
        for note in page?
            .value
            .records
            .into_iter()
            .filter_map(std::result::Result::ok)
        {
            let note = note.value;
            let elsewhere = match &asked.thread {
                Some(thread) => note.id != *thread,
                None => others.contains(note.id.as_str()),
            };
            if elsewhere || note.deleted_at.is_some() {
                continue;
            }
            if doubled::carries(&note, operation.present_marker()) {
                marked.push(note);
                continue;
            }
            let may_be = asked.thread.is_none() && same_text_since(&note, &asked.value, since);
            if by_text.is_none() && may_be {
                by_text = Some(note.id.as_str().to_owned());
            }
        }
        let alike: Vec<&Note> = marked.iter().collect();
        if let Some(ours) = doubled::oldest(&alike) {
            if alike.len() > 1 {
                doubled::tell(shared, link, &operation.opportunity, ours, &alike);
            }
            return Ok(Some(ours.id.as_str().to_owned()));
        }
    }
    Ok(by_text)
}

/// What other operations on the opportunity have made, and other steps of this one: what is equal to ours there is not
/// ours.
async fn results_of_others(shared: &Shared, operation: &Operation) -> Result<HashSet<String>> {
    let operations = shared
        .store
        .operations(
            operation.connection,
            Some(&operation.opportunity),
            None,
            1000,
        )
        .await?;
    let results = operations.into_iter().flat_map(|other| {
        let whole = other.result_id.filter(|_| other.id != operation.id);
        let steps = other.steps.into_iter().filter_map(|step| step.result_id);
        whole.into_iter().chain(steps)
    });
    Ok(results.collect())
}

/// The weaker sign, for a Lever that dates notes itself.
fn same_text_since(note: &Note, value: &str, since: Timestamp) -> bool {
    has_text(note, value) && note.created_at.is_some_and(|at| at >= since)
}

/// Whether a note says this, however Lever has tidied it.
pub(super) fn has_text(note: &Note, value: &str) -> bool {
    let value = letters(value);
    note.fields
        .iter()
        .any(|field| letters(&field.value) == value)
}

/// A text without what Lever may change of it: white space, markup, escapes.
fn letters(text: &str) -> String {
    const ESCAPES: [(&str, &str); 6] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    let plain = ESCAPES
        .iter()
        .fold(text.to_owned(), |text, (escape, plain)| {
            text.replace(escape, plain)
        });
    let mut in_tag = false;
    plain
        .chars()
        .filter(|c| {
            let kept = !in_tag && *c != '<' && !c.is_whitespace();
            in_tag = *c == '<' || (in_tag && *c != '>');
            kept
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn note(created_at: i64, value: &str) -> Note {
        serde_json::from_value(json!({
            "id": "n", "createdAt": created_at,
            "fields": [{"type": "note", "value": value, "createdAt": created_at}]
        }))
        .unwrap()
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn the_marker_finds_the_note_whatever_became_of_its_text() {
        assert!(doubled::carries(&note(1234, "hello"), at(1234)));
        assert!(doubled::carries(&note(1234, "<p>hello</p>"), at(1234)));
        assert!(!doubled::carries(&note(1235, "hello"), at(1234)));
    }

    #[test]
    fn a_text_that_lever_has_tidied_is_still_the_same_text() {
        let asked = "Keen & <free>\n from May ";
        for kept in [
            "Keen & <free>\r\n from May",
            "Keen &amp; &lt;free&gt;\n from May",
            "<p>Keen &amp; &lt;free&gt;</p> <br/>from&nbsp;May",
        ] {
            assert!(
                same_text_since(&note(2000, kept), asked, at(2000)),
                "{kept}"
            );
        }
        assert!(!same_text_since(
            &note(2000, "Keen & free from June"),
            asked,
            at(2000)
        ));
    }

    #[test]
    fn a_file_is_known_by_name_size_and_time() {
        let upload = FileUpload {
            target: UploadTarget::Opportunity,
            name: "resume.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            size: 12,
            sha256: [0; 32],
            number: 0,
        };
        let found = |file: serde_json::Value| {
            let file: File = serde_json::from_value(file).unwrap();
            same_file_since(&file, &upload, at(2000))
        };
        let file = json!({"id": "f", "name": "resume.pdf", "size": 12, "uploadedAt": 2000});
        assert!(found(file.clone()));
        for (field, other) in [
            ("name", json!("Resume.pdf")),
            ("name", json!(null)),
            ("size", json!(13)),
            ("uploadedAt", json!(1999)),
            ("uploadedAt", json!(null)),
        ] {
            let mut file = file.clone();
            file[field] = other.clone();
            assert!(!found(file), "{field}: {other}");
        }
        // Lever has not measured it yet.
        let mut file = file;
        file["size"] = json!(null);
        assert!(found(file));
    }

    #[test]
    fn where_lever_dates_notes_itself_the_text_since_the_sending_finds_it() {
        assert!(same_text_since(&note(2000, "hello"), "hello", at(2000)));
        assert!(!same_text_since(&note(1999, "hello"), "hello", at(2000)));
        assert!(!same_text_since(&note(2000, "hello!"), "hello", at(2000)));
    }
}
