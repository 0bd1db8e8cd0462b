//! Finding out, from Lever itself, whether a write whose answer was lost had its effect.

mod application;
mod form;

use std::collections::HashSet;
use std::pin::Pin;
use std::time::Duration;

use domain::operation::{
    Attempt, Event, Failure, FailureKind, FileUpload, NoteText, Prepared, PreparedKind, State,
    UploadTarget,
};
use domain::{Operation, Timestamp, Write};
use futures::{Stream, StreamExt};
use lever::{Answer, File, Lane, Legacy, ListEndpoint, ListFiles, ListNotes, Note, Page, UserId};

use super::{doubled, export, overwrite, plan, send};
use crate::engine::Shared;
use crate::error::{Error, ErrorKind, PERMISSION_MISSING, Result};
use crate::link::Link;

/// How far Lever's stamps may lie before our sending of a note: clocks differ.
pub(super) const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// Reads Lever back once, and tells the calls of that; no event where the key is in a pause after a 429, which may have
/// begun in the middle.
pub(super) async fn look(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
) -> (Option<Event>, Vec<Attempt>) {
    let write = operation.present_write();
    if write.overwrites() {
        let (found, calls) = overwrite::after(shared, link, operation).await;
        return (told(link, operation, found), calls);
    }
    let mut reads = Reads::new(shared, operation);
    let event = match write {
        Write::CreateOpportunity(new) => {
            export::look(shared, link, operation, new, &mut reads).await
        }
        _ => {
            let found = result_of(shared, link, operation, &mut reads).await;
            told(link, operation, found.map(|found| found.map(found_as)))
        }
    };
    (event, reads.calls)
}

/// The calls that a look is made of, as they are kept with the operation.
pub(super) struct Reads<'a> {
    shared: &'a Shared,
    step: u32,
    calls: Vec<Attempt>,
}

impl<'a> Reads<'a> {
    fn new(shared: &'a Shared, operation: &Operation) -> Reads<'a> {
        Reads {
            shared,
            step: plan::step_number(operation),
            calls: Vec::new(),
        }
    }

    /// The next page of a list; none behind the last.
    pub(super) async fn page<L: ListEndpoint>(
        &mut self,
        pages: &mut Pages<L>,
    ) -> Option<Result<Page<L::Item>, lever::Error>> {
        let at = self.shared.clock.now();
        let page = pages.next().await?;
        let call = send::attempt(L::OPERATION.id, at, self.step, &page);
        self.calls.extend(call);
        Some(page.map(|page| page.value))
    }
}

/// The pages of a list.
pub(super) type Pages<L> = Pin<
    Box<dyn Stream<Item = Result<Answer<Page<<L as ListEndpoint>::Item>>, lever::Error>> + Send>,
>;

/// The pages of a list, to be read with [`Reads::page`].
pub(super) fn pages<L: ListEndpoint>(link: &Link, list: &L) -> Pages<L> {
    Box::pin(link.client(Lane::Interactive).pages(list))
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
        // However often it is asked, Lever will not tell any more.
        Err(error) if error.is_not_found() => Event::LookRefused(Failure {
            kind: FailureKind::NotFound,
            message: "the answer was lost, and Lever no longer has the person or the record that was written to: \
                      look in Lever before asking again"
                .to_owned(),
            details: Vec::new(),
        }),
        Err(error) => {
            tracing::warn!(
                connection = %link.id(), operation = operation.told_id(), error = %crate::report(&error),
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
async fn result_of(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
    reads: &mut Reads<'_>,
) -> Result<Option<String>> {
    let State::Reconciling { sent, .. } = operation.state else {
        return Ok(None);
    };
    let since = link.lever_time(sent).minus(CLOCKS_DIFFER);
    let others = match operation.present_write() {
        Write::Prepared(Prepared {
            kind: PreparedKind::ApplyToPosting,
            ..
        }) => applications_of_others(shared, operation).await?,
        _ => results_of_others(shared, operation).await?,
    };
    let others = &others;
    match operation.present_write() {
        Write::CreateNote(note) => {
            note_of(shared, link, operation, note, since, others, reads).await
        }
        Write::UploadFile(upload) => file_of(link, operation, upload, since, others, reads).await,
        Write::Prepared(Prepared { kind, call }) => match kind {
            PreparedKind::CreateForm => {
                form::find(link, operation, call, since, others, reads).await
            }
            PreparedKind::ApplyToPosting => {
                application::find(link, call, since, others, reads).await
            }
            // Sent again without harm, so never looked for; or looked at above.
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
    reads: &mut Reads<'_>,
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
    match upload.target {
        // The key may have no other permission than those of the old path.
        UploadTarget::Candidate => first_file(link, &Legacy(list), is_ours, reads).await,
        UploadTarget::Opportunity | UploadTarget::Application => {
            first_file(link, &list, is_ours, reads).await
        }
    }
}

/// Lever's id of the first file like this.
async fn first_file<L: ListEndpoint<Item = File>>(
    link: &Link,
    list: &L,
    like: impl Fn(&File) -> bool,
    reads: &mut Reads<'_>,
) -> Result<Option<String>> {
    let mut pages = pages(link, list);
    while let Some(page) = reads.page::<L>(&mut pages).await {
        let mut files = page?.records.into_iter().flatten();
        if let Some(file) = files.find(|file| like(&file.value)) {
            return Ok(Some(file.value.id.as_str().to_owned()));
        }
    }
    Ok(None)
}

/// Name, size and time are all that tells one file from another.
///
/// A name need not come back as it was sent: a `"` travels as `%22`, which not everybody undoes, and letters beyond
/// ASCII are read as Latin-1 by some. Where the size is as sent, what no reader alters has to be the same; where Lever
/// has not measured the file yet, the whole name.
fn same_file_since(file: &File, upload: &FileUpload, since: Timestamp) -> bool {
    let size = i64::try_from(upload.size).unwrap_or(i64::MAX);
    let named = |same: fn(&str, &str) -> bool| {
        let name = file.name.as_deref();
        name.is_some_and(|name| same(name, &upload.name))
    };
    let alike = match file.size {
        Some(found) => found == size && named(|one, other| plain(one).eq(plain(other))),
        None => named(|one, other| one.trim() == other.trim()),
    };
    alike && file.uploaded_at.is_some_and(|at| at >= since)
}

/// The letters and digits of a file name that come back from anybody as they were sent.
fn plain(name: &str) -> impl Iterator<Item = char> {
    let parts = name.split("%22");
    parts.flat_map(|part| part.chars().filter(char::is_ascii_alphanumeric))
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
    reads: &mut Reads<'_>,
) -> Result<Option<String>> {
    let list = ListNotes {
        opportunity: operation.opportunity.clone(),
        limit: Some(100),
        offset: None,
    };
    let mut pages = pages(link, &list);
    // More than one where a write had its effect twice.
    let mut marked = Vec::new();
    let mut by_text = None;
    while let Some(page) = reads.page::<ListNotes>(&mut pages).await {
        for note in page?
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
            let may_be = asked.thread.is_none()
                && same_text_since(&note, &asked.value, since)
                && may_be_by(&note, operation.acting_user.as_ref());
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

/// The applications that other operations have made: whom one is about is known only afterwards, so all are looked
/// through that are kept.
async fn applications_of_others(shared: &Shared, operation: &Operation) -> Result<HashSet<String>> {
    const AT_A_TIME: usize = 500;
    let is_application = |other: &Operation| {
        let kind = match &other.write {
            Write::Prepared(prepared) => Some(prepared.kind),
            _ => None,
        };
        kind == Some(PreparedKind::ApplyToPosting) && other.id != operation.id
    };
    let (store, connection) = (&shared.store, operation.connection);
    let mut applications = HashSet::new();
    let mut before = None;
    loop {
        let others = store
            .operations(connection, None, before, AT_A_TIME)
            .await?;
        before = others.last().map(|other| other.id);
        let is_last = others.len() < AT_A_TIME;
        let made = others.into_iter().filter(is_application);
        applications.extend(made.filter_map(|other| other.result_id));
        if is_last {
            return Ok(applications);
        }
    }
}

/// Whether a note may have been written for somebody: not if it is another's. Whom Lever names where nobody acts is not
/// known.
fn may_be_by(note: &Note, acting: Option<&UserId>) -> bool {
    match (&note.user, acting) {
        (Some(author), Some(acting)) => author == acting,
        _ => true,
    }
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
pub(super) fn letters(text: &str) -> String {
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
    fn a_file_is_known_however_its_name_comes_back() {
        let found = |sent: &str, kept: &str, size: Option<i64>| {
            let upload = FileUpload {
                target: UploadTarget::Opportunity,
                name: sent.to_owned(),
                content_type: "application/pdf".to_owned(),
                size: 12,
                sha256: [0; 32],
                number: 0,
            };
            let file = json!({"id": "f", "name": kept, "size": size, "uploadedAt": 2000});
            same_file_since(&serde_json::from_value(file).unwrap(), &upload, at(2000))
        };
        for (sent, kept) in [
            ("Jörg \"Jo\" 2.pdf", "Jörg %22Jo%22 2.pdf"),
            ("Jörg \"Jo\" 2.pdf", "Jörg 'Jo' 2.pdf"),
            ("Jörg 2.pdf", "J\u{c3}\u{b6}rg 2.pdf"),
            ("履歴書.pdf", "???.pdf"),
        ] {
            assert!(found(sent, kept, Some(12)), "{kept}");
            assert!(!found(sent, kept, Some(13)), "{kept}, of another size");
            assert!(!found(sent, kept, None), "{kept}, not measured yet");
        }
        assert!(!found("Jörg 2.pdf", "Jörg 3.pdf", Some(12)));
    }

    #[test]
    fn what_another_has_written_is_not_ours_whatever_it_says() {
        let by = |author: serde_json::Value| -> Note {
            serde_json::from_value(json!({"id": "n", "user": author})).unwrap()
        };
        let (ours, theirs) = (UserId::from("u"), UserId::from("v"));
        assert!(may_be_by(&by(json!("u")), Some(&ours)));
        assert!(!may_be_by(&by(json!("u")), Some(&theirs)));
        for (author, acting) in [(json!(null), Some(&ours)), (json!("u"), None)] {
            assert!(may_be_by(&by(author), acting));
        }
    }

    #[test]
    fn where_lever_dates_notes_itself_the_text_since_the_sending_finds_it() {
        assert!(same_text_since(&note(2000, "hello"), "hello", at(2000)));
        assert!(!same_text_since(&note(1999, "hello"), "hello", at(2000)));
        assert!(!same_text_since(&note(2000, "hello!"), "hello", at(2000)));
    }
}
