//! What Lever still says of deleted records.

use serde::Deserialize;

use super::lenient;
use crate::{ApplicationId, OpportunityId, PostingId, Timestamp};

/// What Lever still says of a deleted application.
///
/// Lever: "List deleted applications"; fixture `applications.deleted.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedApplication {
    /// Lever's id.
    pub id: ApplicationId,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub deleted_at: Option<Timestamp>,
    /// Whose it was.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub opportunity_id: Option<OpportunityId>,
    /// To which posting; none when the person was sourced.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub posting_id: Option<PostingId>,
}

/// What Lever still says of a deleted posting.
///
/// Lever: "List deleted postings"; fixture `postings.deleted.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedPosting {
    /// Lever's id.
    pub id: PostingId,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub deleted_at: Option<Timestamp>,
}
