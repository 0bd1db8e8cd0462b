//! The log of what happened to the files of an opportunity.

use serde::Deserialize;
use serde_json::{Value, json};

/// What happened to a file. Lever: "File actions".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum FileActionKind {
    /// A file was added.
    #[serde(rename = "file-added")]
    Added,
    /// A resume was imported.
    #[serde(rename = "resume-imported")]
    Imported,
    /// A file was removed.
    #[serde(rename = "file-remove")]
    Removed,
}

impl FileActionKind {
    fn name(self) -> &'static str {
        match self {
            FileActionKind::Added => "file-added",
            FileActionKind::Imported => "resume-imported",
            FileActionKind::Removed => "file-remove",
        }
    }
}

/// One entry. Fixture `opportunity.file-actions.json`; what stands in `meta` is unknown.
#[derive(Debug, Clone)]
pub(crate) struct FileAction {
    pub(crate) id: String,
    pub(crate) kind: FileActionKind,
    pub(crate) at: i64,
    pub(crate) user: Option<String>,
}

impl FileAction {
    pub(crate) fn json(&self, opportunity: &str) -> Value {
        json!({
            "id": self.id,
            "opportunityId": opportunity,
            "type": self.kind.name(),
            "occurredAt": self.at,
            "createdAt": self.at + 5,
            "user": self.user.as_ref().map(|user| json!({ "id": user })),
            "meta": {},
        })
    }
}
