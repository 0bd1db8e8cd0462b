//! Files of a person: resumes, files, and files given as answers.
//!
//! The bytes are not mirrored, so the same file of two opportunities is recognized by its name and size.

use serde_json::Value;

use super::found::Finding;
use super::records::{Record, Records, list, moment, text};
use super::value::{Attachment, Confidence, Content, Warning};
use crate::Stream;

/// Every file, resumes first, each once.
pub(super) fn attachments(records: &Records) -> Finding {
    let mut files = Files::default();
    for resume in records.of(Stream::Resumes) {
        if let Some(file) = resume.document.get("file").filter(|file| file.is_object()) {
            files.add(resume, "file", file, &resume.id);
        }
    }
    for file in records.of(Stream::Files) {
        files.add(file, "", &file.document, &file.id);
    }
    for application in records.of(Stream::Applications) {
        for (path, answer) in answers(application) {
            let id = text(answer, "id").unwrap_or_default();
            files.add(application, &path, answer, &id);
        }
    }
    files.finding
}

#[derive(Default)]
struct Files {
    finding: Finding,
    seen: Vec<(String, u64)>,
}

impl Files {
    fn add(&mut self, record: &Record, path: &str, file: &Value, id: &str) {
        let attachment = attachment(record, file, id);
        let known = (attachment.name.to_lowercase(), attachment.size);
        if attachment.size > 0 && self.seen.contains(&known) {
            return;
        }
        self.seen.push(known);
        if !attachment.available {
            self.finding.warn(Warning::FileUnavailable);
        }
        self.finding.add(
            record,
            path.to_owned(),
            file,
            Content::Attachment(attachment),
            Confidence::Exact,
        );
    }
}

fn attachment(record: &Record, file: &Value, id: &str) -> Attachment {
    let size = text(file, "size").and_then(|size| size.parse().ok());
    let status = text(file, "status");
    let readable = status.as_deref() != Some("error") && size != Some(0);
    Attachment {
        id: id.to_owned(),
        opportunity: record.opportunity.clone().unwrap_or_default(),
        name: name(file),
        size: size.unwrap_or(0),
        available: readable,
        uploaded_at: moment(file, "uploadedAt").or_else(|| moment(&record.document, "createdAt")),
    }
}

/// With its ending, which Lever writes with or without a point, and in the name or beside it.
fn name(file: &Value) -> String {
    let name = text(file, "name").unwrap_or_default();
    let ending = text(file, "ext").unwrap_or_default();
    let ending = ending.trim_start_matches('.');
    let has = name
        .rsplit_once('.')
        .is_some_and(|(_, last)| last.eq_ignore_ascii_case(ending));
    match ending {
        "" => name.into_owned(),
        _ if has => name.into_owned(),
        ending if name.is_empty() => format!("file.{ending}"),
        ending => format!("{name}.{ending}"),
    }
}

/// What was given as an answer and is a file, with its place. Lever: "Forms", a field of type `file-upload`.
fn answers(application: &Record) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (set, questions) in list(&application.document, "customQuestions")
        .iter()
        .enumerate()
    {
        for (index, field) in list(questions, "fields").iter().enumerate() {
            let place = format!("customQuestions[{set}].fields[{index}].value");
            match field.get("value") {
                Some(Value::Array(values)) => {
                    let numbered = values
                        .iter()
                        .enumerate()
                        .filter(|(_, value)| is_file(value));
                    found.extend(numbered.map(|(at, value)| (format!("{place}[{at}]"), value)));
                }
                Some(value) if is_file(value) => found.push((place, value)),
                _ => {}
            }
        }
    }
    found
}

fn is_file(value: &Value) -> bool {
    value.get("downloadUrl").is_some() && text(value, "name").is_some()
}
