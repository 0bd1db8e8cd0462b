//! What is left of deleted records.

use serde_json::{Value, json};

use super::World;

/// A deleted opportunity. Fixture `opportunities.deleted.json`.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    pub(crate) id: String,
    pub(crate) by: Option<String>,
    pub(crate) at: i64,
    pub(crate) confidential: bool,
}

impl Deletion {
    pub(crate) fn json(&self) -> Value {
        json!({ "id": self.id, "deletedBy": self.by, "deletedAt": self.at })
    }
}

/// A deleted application. Fixture `applications.deleted.json`.
#[derive(Debug, Clone)]
pub(crate) struct DeletedApplication {
    pub(crate) id: String,
    pub(crate) opportunity: String,
    /// Unknown for sourced candidates.
    pub(crate) posting: Option<String>,
    pub(crate) at: i64,
    pub(crate) confidential: bool,
}

impl DeletedApplication {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "deletedAt": self.at,
            "opportunityId": self.opportunity,
            "postingId": self.posting,
        })
    }
}

/// A deleted posting. Fixture `postings.deleted.json`.
#[derive(Debug, Clone)]
pub(crate) struct DeletedPosting {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) confidential: bool,
}

impl DeletedPosting {
    pub(crate) fn json(&self) -> Value {
        json!({ "id": self.id, "deletedAt": self.at })
    }
}

impl World {
    /// Deletions, newest first.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = &Deletion> {
        self.deleted.iter().rev()
    }

    /// Keeps a deletion of before; the newest must come last.
    pub(crate) fn bury(&mut self, deletion: Deletion) {
        self.deleted.push(deletion);
    }

    /// Keeps a deletion of before; the newest must come last.
    pub(crate) fn bury_application(&mut self, deletion: DeletedApplication) {
        self.deleted_applications.push(deletion);
    }

    /// Keeps a deletion of before; the newest must come last.
    pub(crate) fn bury_posting(&mut self, deletion: DeletedPosting) {
        self.deleted_postings.push(deletion);
    }

    /// Deleted applications, newest first.
    pub(crate) fn deleted_applications(&self) -> impl Iterator<Item = &DeletedApplication> {
        self.deleted_applications.iter().rev()
    }

    /// Deleted postings, newest first.
    pub(crate) fn deleted_postings(&self) -> impl Iterator<Item = &DeletedPosting> {
        self.deleted_postings.iter().rev()
    }
}
