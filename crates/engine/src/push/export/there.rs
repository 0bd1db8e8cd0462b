//! What an export would add to an opportunity and Lever has there already: files by name and size, notes of ours by
//! their text. Where the key may not read a list, what our own operations have put there counts.

use std::collections::HashSet;
use std::pin::pin;

use domain::export::NewOpportunity;
use domain::operation::FileUpload;
use domain::{Operation, Timestamp, Write};
use futures::StreamExt as _;
use lever::{ListEndpoint, ListFiles, ListNotes, ListResumes, Note, OpportunityId};

use super::find::{Search, Trouble};
use crate::push::doubled;
use crate::push::reconcile::has_text;

/// Lever's id of what is there; none where only the operation that made it is known.
pub(in crate::push) type There = Option<String>;

impl Search<'_> {
    /// Which of these writes an opportunity does not need, in their order.
    pub(in crate::push) async fn there_already(
        &mut self,
        opportunity: &OpportunityId,
        writes: &[Write],
    ) -> Result<Vec<Option<There>>, Trouble> {
        let adds = |write: &Write| matches!(write, Write::UploadFile(_) | Write::CreateNote(_));
        if !writes.iter().any(adds) {
            return Ok(vec![None; writes.len()]);
        }
        let known = self.known(opportunity).await?;
        let mut files = None;
        let mut notes = None;
        let mut there = Vec::with_capacity(writes.len());
        for write in writes {
            there.push(match write {
                Write::UploadFile(upload) => {
                    if files.is_none() {
                        files = Some(self.files(opportunity, writes).await?);
                    }
                    match files.as_mut() {
                        Some(Some(held)) => known.take_file(held, upload),
                        _ => known.has_written_file(upload).then_some(None),
                    }
                }
                Write::CreateNote(note) => {
                    if notes.is_none() {
                        notes = Some(self.notes(opportunity).await?);
                    }
                    match notes.as_ref() {
                        Some(Some(held)) => known.note(held, &note.value).map(Some),
                        _ => known.has_written_note(&note.value).then_some(None),
                    }
                }
                _ => None,
            });
        }
        Ok(there)
    }

    /// What our operations have put on an opportunity, as far as it is kept.
    async fn known(&self, opportunity: &OpportunityId) -> Result<Known, Trouble> {
        let (store, id) = (&self.shared.store, self.link.id());
        let about = Some(opportunity);
        let operations = store.operations(id, about, None, usize::MAX).await?;
        let ours = store.ours(id, opportunity).await?;
        let notes = ours.notes.into_iter().map(|note| note.what);
        Ok(Known::of(&operations, notes))
    }

    /// The files and resumes of an opportunity; none where the key may not read them.
    async fn files(
        &mut self,
        opportunity: &OpportunityId,
        writes: &[Write],
    ) -> Result<Option<Vec<Held>>, Trouble> {
        let list = ListFiles {
            opportunity: opportunity.clone(),
            uploaded_at_start: None,
            uploaded_at_end: None,
            limit: Some(100),
            offset: None,
        };
        let Some(files) = self.all(&list).await? else {
            return Ok(None);
        };
        let mut held: Vec<_> = files
            .into_iter()
            .map(|file| Held {
                id: file.id.as_str().to_owned(),
                name: file.name,
                size: file.size,
                resume: false,
            })
            .collect();
        if !writes.iter().any(|write| self.is_resume(write)) {
            return Ok(Some(held));
        }
        // What an opportunity was made with is no file of its own.
        let list = ListResumes {
            opportunity: opportunity.clone(),
            uploaded_at_start: None,
            uploaded_at_end: None,
            limit: Some(100),
            offset: None,
        };
        let resumes = self.all(&list).await?.unwrap_or_default();
        held.extend(resumes.into_iter().filter_map(|resume| {
            let file = resume.file?;
            Some(Held {
                id: resume.id.as_str().to_owned(),
                name: file.name,
                size: file.size,
                resume: true,
            })
        }));
        Ok(Some(held))
    }

    fn is_resume(&self, write: &Write) -> bool {
        let Write::UploadFile(upload) = write else {
            return false;
        };
        let file = (1..).zip(&self.asked.files);
        let mut file = file.filter(|(number, _)| *number == upload.number);
        file.next().is_some_and(|(_, file)| file.resume)
    }

    /// The notes of an opportunity; none where the key may not read them.
    async fn notes(&mut self, opportunity: &OpportunityId) -> Result<Option<Vec<Note>>, Trouble> {
        let list = ListNotes {
            opportunity: opportunity.clone(),
            limit: Some(100),
            offset: None,
        };
        self.all(&list).await
    }

    /// All that a list has, without what cannot be read; none where the key may not read it.
    async fn all<L: ListEndpoint>(&mut self, list: &L) -> Result<Option<Vec<L::Item>>, Trouble> {
        self.calls.push(crate::push::plan::call(list));
        let client = self.client.clone();
        let mut pages = pin!(client.pages(list));
        let mut all = Vec::new();
        loop {
            let at = self.shared.clock.now();
            let Some(page) = pages.next().await else {
                return Ok(Some(all));
            };
            self.note(L::OPERATION.id, at, &page);
            match page {
                Ok(page) => {
                    let records = page.value.records.into_iter().flatten();
                    all.extend(records.map(|record| record.value));
                }
                Err(error) if matches!(error.kind(), lever::ErrorKind::Forbidden { .. }) => {
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A file that Lever has.
#[derive(Debug, Clone)]
struct Held {
    id: String,
    name: Option<String>,
    size: Option<i64>,
    /// Whether it is listed among the resumes.
    resume: bool,
}

impl Held {
    fn is_named(&self, upload: &FileUpload) -> bool {
        let size = i64::try_from(upload.size).unwrap_or(i64::MAX);
        let name = self.name.as_deref();
        name.is_some_and(|name| name.trim() == upload.name.trim())
            && self.size.is_none_or(|held| held == size)
    }
}

/// What our operations have put on one opportunity.
#[derive(Debug, Default)]
struct Known {
    /// Files, each with Lever's id; none of a resume that the opportunity was made with.
    files: Vec<(FileUpload, Option<String>)>,
    /// The texts of notes.
    texts: HashSet<String>,
    /// Lever's ids of notes.
    notes: HashSet<String>,
    /// What notes of ours are marked with.
    marks: HashSet<Timestamp>,
}

impl Known {
    fn of(operations: &[Operation], notes: impl Iterator<Item = String>) -> Known {
        let mut known = Known {
            notes: notes.collect(),
            ..Known::default()
        };
        for operation in operations {
            let done = operation.state == domain::operation::State::Succeeded;
            if operation.steps.is_empty() {
                let (write, id) = (&operation.write, operation.result_id.as_ref());
                known.learn(write, operation.marker, done, id);
            }
            // What was there without us is not ours.
            for step in operation.steps.iter().filter(|step| !step.there) {
                known.learn(&step.write, step.marker, step.done, step.result_id.as_ref());
            }
        }
        known
    }

    fn learn(&mut self, write: &Write, marker: Timestamp, done: bool, id: Option<&String>) {
        match write {
            Write::CreateNote(note) => {
                self.marks.insert(marker);
                if done {
                    self.texts.insert(note.value.clone());
                    self.notes.extend(id.cloned());
                }
            }
            Write::UploadFile(upload) if done => self.files.push((upload.clone(), id.cloned())),
            Write::CreateOpportunity(new) if done => {
                let NewOpportunity { resume, .. } = &**new;
                self.files
                    .extend(resume.clone().map(|resume| (resume, None)));
            }
            _ => {}
        }
    }

    /// Takes a file like this out of those that Lever has. One of ours is like it only if its bytes are the same.
    fn take_file(&self, held: &mut Vec<Held>, upload: &FileUpload) -> Option<There> {
        let same = |one: &Held| {
            let ours = self.files.iter().find(|(file, id)| match id {
                Some(id) => *id == one.id,
                None => one.resume && one.is_named(file),
            });
            one.is_named(upload) && ours.is_none_or(|(file, _)| file.sha256 == upload.sha256)
        };
        let at = held.iter().position(same)?;
        Some(Some(held.remove(at).id))
    }

    /// Lever's id of a note of ours that says this.
    fn note(&self, held: &[Note], text: &str) -> Option<String> {
        let is_ours = |note: &Note| {
            self.notes.contains(note.id.as_str())
                || self.marks.iter().any(|mark| doubled::carries(note, *mark))
        };
        let there = |note: &&Note| note.deleted_at.is_none() && has_text(note, text);
        let note = held.iter().filter(there).find(|note| is_ours(note));
        note.map(|note| note.id.as_str().to_owned())
    }

    fn has_written_file(&self, upload: &FileUpload) -> bool {
        let mut files = self.files.iter();
        files.any(|(file, _)| file.name == upload.name && file.sha256 == upload.sha256)
    }

    fn has_written_note(&self, text: &str) -> bool {
        self.texts.contains(text)
    }
}

#[cfg(test)]
mod tests {
    use domain::ConnectionId;
    use domain::operation::{NoteText, State, Step, UploadTarget};
    use serde_json::json;

    use super::*;
    use crate::testing;

    fn upload(name: &str, size: u64, bytes: u8) -> FileUpload {
        FileUpload {
            target: UploadTarget::Opportunity,
            name: name.to_owned(),
            content_type: "text/plain".to_owned(),
            size,
            sha256: [bytes; 32],
            number: 1,
        }
    }

    fn held(id: &str, name: &str, size: i64, resume: bool) -> Held {
        Held {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            size: Some(size),
            resume,
        }
    }

    fn export(steps: Vec<Step>) -> Operation {
        let write = Write::Export(Box::default());
        Operation {
            steps,
            state: State::Succeeded,
            ..testing::operation(ConnectionId::from_bytes([0; 16]), "r", write)
        }
    }

    fn done(write: Write, id: &str) -> Step {
        Step {
            done: true,
            result_id: Some(id.to_owned()),
            ..Step::new(write, Timestamp::from_millis(7))
        }
    }

    #[test]
    fn a_file_is_there_by_name_and_size_and_counts_once() {
        let known = Known::default();
        let mut files = vec![
            held("f", "cv.pdf", 9, false),
            held("g", "other.pdf", 9, false),
        ];
        assert_eq!(known.take_file(&mut files, &upload("cv.pdf", 8, 1)), None);
        let there = known.take_file(&mut files, &upload("cv.pdf", 9, 1));
        assert_eq!(there, Some(Some("f".to_owned())));
        assert_eq!(known.take_file(&mut files, &upload("cv.pdf", 9, 1)), None);
    }

    #[test]
    fn a_file_of_ours_with_other_bytes_is_another_file() {
        let new = NewOpportunity {
            resume: Some(upload("cv.pdf", 9, 1)),
            ..NewOpportunity::default()
        };
        let steps = vec![
            done(Write::CreateOpportunity(Box::new(new)), "o"),
            done(Write::UploadFile(upload("letter.txt", 5, 3)), "f"),
        ];
        let known = Known::of(&[export(steps)], std::iter::empty());
        let mut files = vec![
            held("r", "cv.pdf", 9, true),
            held("f", "letter.txt", 5, false),
        ];
        for other in [upload("cv.pdf", 9, 2), upload("letter.txt", 5, 4)] {
            assert_eq!(known.take_file(&mut files, &other), None);
        }
        let there = |id: &str| Some(Some(id.to_owned()));
        let same = upload("cv.pdf", 9, 1);
        assert_eq!(known.take_file(&mut files, &same), there("r"));
        let same = upload("letter.txt", 5, 3);
        assert_eq!(known.take_file(&mut files, &same), there("f"));
        assert!(known.has_written_file(&same) && !known.has_written_file(&upload("x", 5, 3)));
    }

    #[test]
    fn a_note_is_there_if_it_is_ours_says_the_same_and_was_not_deleted() {
        let note = |id: &str, text: &str, at: i64, deleted: Option<i64>| -> Note {
            serde_json::from_value(json!({
                "id": id, "createdAt": at, "deletedAt": deleted,
                "fields": [{"type": "note", "value": text, "createdAt": at}]
            }))
            .unwrap()
        };
        let steps = vec![done(Write::CreateNote(NoteText::plain("hello")), "n")];
        let known = Known::of(&[export(steps)], std::iter::once("old".to_owned()));
        let of = |notes: &[Note], text: &str| known.note(notes, text);
        // By its id, by its mark, and by what is kept longer than operations are.
        for ours in [
            note("n", "<p>hello</p>", 1, None),
            note("m", "hello", 7, None),
            note("old", "hello", 1, None),
        ] {
            let id = ours.id.to_string();
            let notes = [ours];
            assert_eq!(of(&notes, "hello"), Some(id));
            assert_eq!(of(&notes, "hello again"), None);
        }
        for other in [
            note("x", "hello", 1, None),
            note("n", "edited", 1, None),
            note("n", "hello", 1, Some(9)),
        ] {
            assert_eq!(of(&[other], "hello"), None);
        }
        assert!(known.has_written_note("hello"));
    }

    #[test]
    fn what_an_export_found_there_is_not_ours() {
        let at = Timestamp::from_millis(7);
        let write = Write::UploadFile(upload("cv.pdf", 9, 1));
        let there = Step::there_already(write, at, Some("f".to_owned()));
        let known = Known::of(&[export(vec![there])], std::iter::empty());
        let mut files = vec![held("f", "cv.pdf", 9, false)];
        let again = known.take_file(&mut files, &upload("cv.pdf", 9, 2));
        assert_eq!(again, Some(Some("f".to_owned())));
    }
}
