//! Lists of the account: users, stages, archive reasons, tags and sources.

use serde::Deserialize;

use super::open::open_enum;
use super::{debug_id_only, lenient};
use crate::{ArchiveReasonId, StageId, Timestamp, UserId};

/// A person who works in Lever.
///
/// Lever: "Users"; fixture `user.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Lever's id.
    pub id: UserId,
    /// The full name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The user name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub username: Option<String>,
    /// The address used to sign in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub email: Option<String>,
    /// The role (`super admin`, `interviewer`, ...), or the id of a custom role.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub access_role: Option<String>,
    /// When the user was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When the user was deactivated; users are never deleted.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub deactivated_at: Option<Timestamp>,
    /// The id in the customer's own directory.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub external_directory_id: Option<String>,
    /// The job title.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub job_title: Option<String>,
    /// The user this one reports to.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub manager_id: Option<UserId>,
}

debug_id_only! { User }

/// A step of the pipeline.
///
/// Lever: "Stages"; fixture `stages.list.json`, which is in pipeline order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// Lever's id: a UUID, or a slug for the built-in stages.
    pub id: StageId,
    /// The title people see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
}

/// Why an opportunity ended, hires included.
///
/// Lever: "Archive reasons"; fixture `archive-reasons.list.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveReason {
    /// Lever's id.
    pub id: ArchiveReasonId,
    /// The title people see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// `active` or `inactive`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub status: Option<String>,
    /// Whether it stands for a hire (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::or_default")]
    pub kind: ReasonKind,
}

open_enum! {
    /// Whether an archive reason stands for a hire; `Other("")` when Lever does not say.
    ReasonKind {
        /// The opportunity ended in a hire.
        Hired = "hired",
        /// It ended without one.
        NonHired = "non-hired",
    }
}

impl Default for ReasonKind {
    fn default() -> ReasonKind {
        ReasonKind::Other(String::new())
    }
}

/// A tag or a source and how many opportunities carry it.
///
/// Lever: "Tags", "Sources"; fixtures `tags.list.json`, `sources.list.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountedText {
    /// The text; tags that differ in case are different tags.
    pub text: String,
    /// How many opportunities carry it.
    #[serde(default, deserialize_with = "lenient::number")]
    pub count: Option<i64>,
}

/// Every stage with its place in the pipeline, and every archive reason.
///
/// Lever: "Disposition stages"; fixture `disposition-stages.get.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispositionStages {
    /// The stages, in pipeline order.
    #[serde(default, deserialize_with = "lenient::list")]
    pub stages: Vec<DispositionStage>,
    /// The archive reasons.
    #[serde(default, deserialize_with = "lenient::list")]
    pub archive_reasons: Vec<DispositionReason>,
}

/// A stage with its place in the pipeline.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispositionStage {
    /// Lever's id.
    pub id: StageId,
    /// The title people see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// The part of the pipeline it is in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub pipeline: Option<Pipeline>,
    /// Its place; opportunities are listed by it. Not always whole.
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub rank: Option<f64>,
    /// Whether interviews are planned in it.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub has_interview: bool,
}

open_enum! {
    /// A part of the pipeline.
    Pipeline {
        /// People found.
        Lead = "lead",
        /// People who applied.
        Applicant = "applicant",
        /// First talks.
        Screen = "screen",
        /// Interviews.
        Onsite = "onsite",
        /// Offers.
        Offer = "offer",
    }
}

/// An archive reason as it stands beside the stages: `type` is null unless it stands for a hire.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispositionReason {
    /// Lever's id.
    pub id: ArchiveReasonId,
    /// The title people see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// `active` or `inactive`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub status: Option<String>,
    /// Whether it stands for a hire (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::optional")]
    pub kind: Option<ReasonKind>,
}
