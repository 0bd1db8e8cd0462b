//! Notes on an opportunity.

use std::fmt;

use serde::Deserialize;

use super::{debug_id_only, lenient};
use crate::{NoteId, StageId, Timestamp, UserId};

/// A thread of comments on an opportunity.
///
/// Lever: "Notes"; fixture `note.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Lever's id.
    pub id: NoteId,
    /// The comments, oldest first.
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<NoteField>,
    /// The author; none when written through an API key without `perform_as`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// Whether only people with access to secret notes see it.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub secret: bool,
    /// When it was finished.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub completed_at: Option<Timestamp>,
    /// When it was deleted; deleted notes stay readable by id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub deleted_at: Option<Timestamp>,
    /// When it was written.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
}

/// One comment of a note.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoteField {
    /// The title of the field, `Comment`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub text: Option<String>,
    /// What was written.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub value: String,
    /// The author.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// From 1 (strong no) to 4 (strong yes).
    #[serde(default, deserialize_with = "lenient::number")]
    pub score: Option<i64>,
    /// The stage the opportunity was in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub stage: Option<StageId>,
    /// When it was written.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
}

debug_id_only! { Note }

impl fmt::Debug for NoteField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoteField")
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}
