//! What an evaluation finds: values, where each comes from, and what is odd about them.

use std::fmt;

use lever::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FieldCode, Policy};
use crate::Stream;

/// One product field of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The product field.
    pub code: FieldCode,
    /// For people.
    pub label: String,
    /// Whether there is a value, and if not, why.
    pub state: FieldState,
    /// The values: one at most for what a person has one of.
    pub values: Vec<Sourced>,
    /// What is odd.
    pub warnings: Vec<Warning>,
    /// What the product does where it has a value already.
    pub policy: Policy,
}

/// Whether a field has a value, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldState {
    /// There are values.
    Known,
    /// Lever's records have none.
    Blank,
    /// None yet: Lever is still reading a resume, or the lists below the person have not been read.
    Pending,
    /// None, since the connection does not keep the records it would come from, or Lever refuses them.
    Withheld,
    /// NA: the mapping has no source for it (F-31).
    NotAvailable,
}

/// A value and where it comes from (X5).
#[derive(Clone, PartialEq, Eq)]
pub struct Sourced {
    /// The value.
    pub content: Content,
    /// As Lever has it: the text, or JSON of what is no text.
    pub raw: String,
    /// The record and the place in it.
    pub source: Source,
    /// How sure it is.
    pub confidence: Confidence,
    /// When Lever was asked for the record.
    pub as_of: Option<Timestamp>,
}

/// A place in one of Lever's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The kind of record.
    pub stream: Stream,
    /// Lever's id.
    pub id: String,
    /// The place in the record, such as `parsedData.positions[0]`.
    pub path: String,
}

/// How sure a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// A guess.
    Low,
    /// Worked out by a rule.
    Derived,
    /// As Lever has it.
    Exact,
}

/// What a value is.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// A text, or a number or truth as its text.
    Text(String),
    /// Anything else Lever has at a path, as JSON.
    Json(String),
    /// A place of work.
    Position(Position),
    /// A school.
    School(School),
    /// A file.
    Attachment(Attachment),
    /// A note.
    Note(Note),
    /// Something that happened.
    Activity(Activity),
}

impl Content {
    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A year, and a month where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MonthOfYear {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: Option<u8>,
}

/// A place of work.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// The employer.
    pub company: Option<String>,
    /// As what.
    pub title: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// What was done there.
    pub summary: Option<String>,
    /// From when.
    pub start: Option<MonthOfYear>,
    /// Until when.
    pub end: Option<MonthOfYear>,
    /// Whether the person works there now: it began and has no end.
    pub current: bool,
}

/// A school.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct School {
    /// Its name.
    pub school: Option<String>,
    /// The degree.
    pub degree: Option<String>,
    /// In what.
    pub field: Option<String>,
    /// What was done there.
    pub summary: Option<String>,
    /// From when.
    pub start: Option<MonthOfYear>,
    /// Until when.
    pub end: Option<MonthOfYear>,
}

/// A file; its bytes are had by `DownloadFile`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Lever's id of the resume or file; of a file given as an answer, that of the upload.
    pub id: String,
    /// The opportunity it is kept with.
    pub opportunity: String,
    /// With its ending.
    pub name: String,
    /// In bytes; 0 when Lever does not say.
    pub size: u64,
    /// Whether it can be downloaded: it is not empty, and Lever could read it.
    pub available: bool,
    /// When it came into Lever.
    pub uploaded_at: Option<Timestamp>,
}

/// A comment of a note.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// Lever's id of the note.
    pub id: String,
    /// What was written, as it was written; empty where only a score was given.
    pub text: String,
    /// From 1 (strong no) to 4 (strong yes).
    pub score: Option<i64>,
    /// Lever's id of the author.
    pub author: Option<String>,
    /// When it was written.
    pub created_at: Option<Timestamp>,
    /// Whether it was written through this service: it is not to come back as new.
    pub own: bool,
}

/// Something that happened to a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Activity {
    /// What.
    pub kind: ActivityKind,
    /// When.
    pub at: Timestamp,
    /// Lever's id of the record it is about.
    pub id: String,
    /// Lever's id of who did it; none for the person, a program, or where Lever does not say.
    pub user: Option<String>,
    /// What more there is to say: the id of a stage or reason, a name, a status; empty for nothing.
    pub detail: String,
}

/// What happened. Of equal moments, the earlier one here comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActivityKind {
    /// The opportunity was made.
    Created,
    /// The person applied, or was added to a posting.
    Applied,
    /// Somebody referred the person.
    Referred,
    /// The opportunity entered a stage; `detail` is its id.
    StageEntered,
    /// A resume came in.
    Resume,
    /// A file came in; `detail` is its name.
    File,
    /// A note was written.
    Note,
    /// An interview takes place; `detail` is its subject.
    Interview,
    /// An interview was called off.
    InterviewCanceled,
    /// Somebody gave feedback.
    Feedback,
    /// An offer was made; `detail` is where it stands.
    Offer,
    /// A form was filled in; `detail` is its title.
    Form,
    /// The opportunity was archived; `detail` is the id of the reason.
    Archived,
}

/// What is odd about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// A value only said that nothing is known, and was left out (X22).
    Placeholder,
    /// The headline lists employers and is no title (product.md 5.0).
    HeadlineListsCompanies,
    /// The name is an e-mail address.
    NameIsAddress,
    /// A value was cut at its bound, and `raw` has all of it; or values beyond what a profile holds were left out.
    Shortened,
    /// An address that is none, that many people share, or that belongs to a user of the account.
    DoubtfulAddress,
    /// Lever could not or will not read a resume.
    ResumeNotParsed,
    /// Lever is still reading a resume.
    ResumeBeingRead,
    /// A date that cannot be, such as month 13 or an end before its start, was left out.
    ImpossibleDate,
    /// A file cannot be downloaded.
    FileUnavailable,
}

/// Shows nothing: contents are about a person.
macro_rules! debug_nothing {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

debug_nothing! { Content Position School Attachment Note Activity }

impl fmt::Debug for Sourced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sourced")
            .field("source", &self.source)
            .field("confidence", &self.confidence)
            .finish_non_exhaustive()
    }
}
