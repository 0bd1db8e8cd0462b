//! Values as Lever has them at a path.

use std::borrow::Cow;

use serde_json::Value;

use super::attachments::attachments;
use super::catalog::{ATTACHMENTS, NOTES, leads_to_many};
use super::found::Finding;
use super::path::Found;
use super::person::lists_companies;
use super::records::{Record, Records, Scope, list, moment, text};
use super::value::{Confidence, Content, Note, Warning};
use super::{Rule, SourcePath};
use crate::Stream;
use crate::identity::{IdentityKey, bare_address};
use crate::link::Link;

/// A longer name is cut, in characters.
const LONGEST_NAME: usize = 256;

/// Beginnings of addresses that belong to an office rather than to a person.
const OFFICES: [&str; 12] = [
    "admin",
    "careers",
    "contact",
    "hello",
    "hr",
    "info",
    "jobs",
    "mail",
    "no-reply",
    "noreply",
    "office",
    "recruiting",
];

/// What a path of a rule leads to, in all records of the person.
pub(super) fn read(
    rule: &Rule,
    path: &SourcePath,
    records: &Records,
    platform_hosts: &[String],
) -> Finding {
    match path.to_string().as_str() {
        NOTES => return notes(records),
        ATTACHMENTS => return attachments(records),
        _ => {}
    }
    let mut reading = Reading {
        rule,
        records,
        platform_hosts,
        finding: Finding::default(),
    };
    let many = leads_to_many(path) && rule.link.is_none();
    for (record, path) in sources(path, records) {
        for found in path.read(&record.document) {
            reading.take(record, &path, found);
        }
        if !many && !reading.finding.values.is_empty() {
            break;
        }
    }
    reading.finding
}

/// The records to look in, in order of precedence, with the path in each. What Lever repeats of the person on each
/// opportunity is also on the contact.
fn sources<'r, 'p>(
    path: &'p SourcePath,
    records: &'r Records,
) -> Vec<(&'r Record, Cow<'p, SourcePath>)> {
    let own = records
        .of(path.stream())
        .map(|record| (record, Cow::Borrowed(path)));
    let twin = twin(path);
    let others = twin.iter().flat_map(|twin| {
        records
            .of(twin.stream())
            .map(move |record| (record, Cow::Owned(twin.clone())))
    });
    let mut found: Vec<_> = own.chain(others).collect();
    if twin.is_some() {
        let first = match records.scope() {
            Scope::Person => Stream::Contacts,
            Scope::Opportunity => Stream::Opportunities,
        };
        found.sort_by_key(|(record, _)| record.stream != first);
    }
    found
}

/// The same of the contact for an opportunity, and the other way about.
fn twin(path: &SourcePath) -> Option<SourcePath> {
    const SHARED: [&str; 5] = ["name", "emails", "phones", "phones.type", "phones.value"];
    let shape = path.shape();
    let other = match path.stream() {
        Stream::Opportunities => Stream::Contacts,
        Stream::Contacts => Stream::Opportunities,
        _ => return None,
    };
    let shared = SHARED.contains(&shape.as_str()) && path.entries().next().is_none();
    shared.then(|| SourcePath::parse(&format!("{other}.{shape}")).ok())?
}

struct Reading<'a> {
    rule: &'a Rule,
    records: &'a Records,
    platform_hosts: &'a [String],
    finding: Finding,
}

impl Reading<'_> {
    fn take(&mut self, record: &Record, path: &SourcePath, found: Found<'_>) {
        match found.value {
            Value::Null => {}
            Value::String(text) => self.text(record, path, found.place, text),
            Value::Number(_) | Value::Bool(_) => {
                let content = Content::Text(found.value.to_string());
                self.finding
                    .add(record, found.place, found.value, content, Confidence::Exact);
            }
            Value::Array(_) | Value::Object(_) => {
                let content = Content::Json(found.value.to_string());
                self.finding
                    .add(record, found.place, found.value, content, Confidence::Exact);
            }
        }
    }

    fn text(&mut self, record: &Record, path: &SourcePath, place: String, raw: &str) {
        if self.rule.link.is_some() {
            return self.link(record, place, raw);
        }
        let Some(meant) = self.finding.meaningful(Some(raw)) else {
            return;
        };
        let (value, confidence) = match path.shape().as_str() {
            "name" => self.name(meant),
            "emails" => self.address(bare_address(raw)),
            "headline" => (self.headline(raw), Confidence::Exact),
            // Tags and sources are told apart by every letter.
            _ => (raw.trim().to_owned(), Confidence::Exact),
        };
        if self
            .finding
            .texts()
            .any(|known| known.to_lowercase() == value.to_lowercase())
        {
            return;
        }
        self.finding.add(
            record,
            place,
            &Value::from(raw),
            Content::Text(value),
            confidence,
        );
    }

    fn name(&mut self, name: String) -> (String, Confidence) {
        if name.chars().count() > LONGEST_NAME {
            self.finding.warn(Warning::Shortened);
            return (name.chars().take(LONGEST_NAME).collect(), Confidence::Low);
        }
        match IdentityKey::email(&name) {
            Some(_) => {
                self.finding.warn(Warning::NameIsAddress);
                (name, Confidence::Low)
            }
            None => (name, Confidence::Exact),
        }
    }

    fn address(&mut self, address: &str) -> (String, Confidence) {
        let office = address.split('@').next().unwrap_or_default().to_lowercase();
        let doubtful = IdentityKey::email(address).is_none()
            || OFFICES.contains(&office.as_str())
            || self.records.is_user(address);
        if doubtful {
            self.finding.warn(Warning::DoubtfulAddress);
        }
        let confidence = if doubtful {
            Confidence::Low
        } else {
            Confidence::Exact
        };
        (address.to_owned(), confidence)
    }

    /// Word for word, as the product guide maps it, though it may be no title (product.md 5.0).
    fn headline(&mut self, raw: &str) -> String {
        if lists_companies(raw, self.records) {
            self.finding.warn(Warning::HeadlineListsCompanies);
        }
        raw.trim().to_owned()
    }

    fn link(&mut self, record: &Record, place: String, raw: &str) {
        let wanted = self.rule.link.map(super::LinkPick::kind);
        let link =
            Link::classify(raw, self.platform_hosts).filter(|link| Some(link.kind) == wanted);
        if let Some(link) = link.filter(|_| self.finding.values.is_empty()) {
            let value = link.canonical.unwrap_or(link.raw);
            self.finding.add(
                record,
                place,
                &Value::from(raw),
                Content::Text(value),
                Confidence::Exact,
            );
        }
    }
}

/// Every comment, the newest note first.
fn notes(records: &Records) -> Finding {
    let mut finding = Finding::default();
    for record in records.of(Stream::Notes) {
        for (index, field) in list(&record.document, "fields").iter().enumerate() {
            let note = note(record, field, records);
            if !note.text.trim().is_empty() || note.score.is_some() {
                let path = format!("fields[{index}].value");
                let raw = field.get("value").unwrap_or(&Value::Null);
                finding.add(record, path, raw, Content::Note(note), Confidence::Exact);
            }
        }
    }
    finding
}

fn note(record: &Record, field: &Value, records: &Records) -> Note {
    let author = text(field, "user").or_else(|| text(&record.document, "user"));
    Note {
        id: record.id.clone(),
        text: field
            .get("value")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        score: field.get("score").and_then(Value::as_i64),
        author: author.map(|author| author.into_owned()),
        created_at: moment(field, "createdAt").or_else(|| moment(&record.document, "createdAt")),
        own: records.is_own_note(&record.id),
    }
}
