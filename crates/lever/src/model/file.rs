//! Files, resumes and uploads.

use serde::Deserialize;
use serde_json::Value;

use super::open::open_enum;
use super::{debug_id_only, debug_nothing, lenient};
use crate::{FileActionId, FileId, OpportunityId, ResumeId, Timestamp, UploadId, UserId};

/// A file kept with an opportunity.
///
/// Lever: "Files"; fixture `file.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Lever's id.
    pub id: FileId,
    /// The name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The ending, with or without its dot.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub ext: Option<String>,
    /// Where people download it; the API has its own call.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub download_url: Option<String>,
    /// When it came into Lever.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub uploaded_at: Option<Timestamp>,
    /// Whether it can be read.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub status: Option<FileStatus>,
    /// In bytes.
    #[serde(default, deserialize_with = "lenient::number")]
    pub size: Option<i64>,
}

open_enum! {
    /// How far Lever is with a file.
    FileStatus {
        /// Being read.
        Processing = "processing",
        /// Read.
        Processed = "processed",
        /// Kept, of a kind Lever does not read.
        Unsupported = "unsupported",
        /// It could not be read, and cannot be downloaded.
        Error = "error",
    }
}

/// A resume, with or without a file.
///
/// Lever: "Resumes"; fixture `resume.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resume {
    /// Lever's id.
    pub id: ResumeId,
    /// When it came into Lever.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// Its file; none when it was read from a page of the web.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub file: Option<ResumeFile>,
    /// What Lever read in it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub parsed_data: Option<ParsedResume>,
}

/// The file of a resume.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResumeFile {
    /// The name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The ending.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub ext: Option<String>,
    /// Where people download it; the API has its own call.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub download_url: Option<String>,
    /// When it came into Lever.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub uploaded_at: Option<Timestamp>,
    /// Whether it can be read.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub status: Option<FileStatus>,
    /// In bytes.
    #[serde(default, deserialize_with = "lenient::number")]
    pub size: Option<i64>,
}

/// What Lever read in a resume.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParsedResume {
    /// Where the person worked.
    #[serde(default, deserialize_with = "lenient::list")]
    pub positions: Vec<ParsedPosition>,
    /// Where the person learned.
    #[serde(default, deserialize_with = "lenient::list")]
    pub schools: Vec<ParsedSchool>,
}

/// A place of work in a resume.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParsedPosition {
    /// The employer.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub org: Option<String>,
    /// As what.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub title: Option<String>,
    /// What was done there.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub summary: Option<String>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub location: Option<String>,
    /// From when.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub start: Option<PartialDate>,
    /// Until when.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub end: Option<PartialDate>,
}

/// A school in a resume.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParsedSchool {
    /// The school.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub org: Option<String>,
    /// The degree.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub degree: Option<String>,
    /// In what.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub field: Option<String>,
    /// What was done there.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub summary: Option<String>,
    /// From when.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub start: Option<PartialDate>,
    /// Until when.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub end: Option<PartialDate>,
}

/// A month, or a year alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartialDate {
    /// The year.
    #[serde(default, deserialize_with = "lenient::number")]
    pub year: Option<i64>,
    /// The month, from 1.
    #[serde(default, deserialize_with = "lenient::number")]
    pub month: Option<i64>,
}

/// Something that happened to the files of an opportunity.
///
/// Lever: "List all file actions"; fixture `opportunity.file-actions.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileAction {
    /// Lever's id.
    pub id: FileActionId,
    /// Of which opportunity.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub opportunity_id: Option<OpportunityId>,
    /// What happened (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::optional")]
    pub kind: Option<FileActionKind>,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub occurred_at: Option<Timestamp>,
    /// When Lever wrote it down.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// Who did it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// More of it, as Lever tells it.
    #[serde(default)]
    pub meta: Value,
}

open_enum! {
    /// What happened to a file.
    FileActionKind {
        /// It was added.
        FileAdded = "file-added",
        /// A resume was read in.
        ResumeImported = "resume-imported",
        /// It was removed.
        FileRemoved = "file-remove",
    }
}

/// A file waiting to be named in an application; it lives 24 hours.
///
/// Lever: "Uploads"; fixture `upload.response.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    /// Lever's id: a UUID with the name of the file behind it.
    pub id: UploadId,
    /// What the application names it by.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uri: String,
    /// The name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub filename: Option<String>,
    /// Until when it lives.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub expires_at: Option<Timestamp>,
    /// In bytes.
    #[serde(default, deserialize_with = "lenient::number")]
    pub size: Option<i64>,
}

debug_id_only! { File Resume FileAction Upload }

debug_nothing! { ResumeFile ParsedResume ParsedPosition ParsedSchool }
