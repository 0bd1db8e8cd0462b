//! Feedback on a person.

use serde::Deserialize;

use super::open::open_enum;
use super::{FormField, debug_id_only, lenient};
use crate::{
    FeedbackId, FeedbackTemplateId, InterviewId, OpportunityId, PanelId, Timestamp, UserId,
};

/// What somebody thinks of a person.
///
/// A deleted form stays readable by id. The answer to an update comes in the form Lever stores it in
/// (fixture `feedback.update.response.json`), with other names for the same things; both read.
///
/// Lever: "Feedback"; fixture `feedback.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedback {
    /// Lever's id.
    pub id: FeedbackId,
    /// What it is about (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::optional")]
    pub kind: Option<FeedbackKind>,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// What those who fill it in are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub instructions: Option<String>,
    /// The fields and what was filled in.
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<FormField>,
    /// The template it was made from.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub base_template_id: Option<FeedbackTemplateId>,
    /// The interview it is about.
    #[serde(alias = "interviewId", default, deserialize_with = "lenient::optional")]
    pub interview: Option<InterviewId>,
    /// The panel of that interview.
    #[serde(alias = "panelId", default, deserialize_with = "lenient::optional")]
    pub panel: Option<PanelId>,
    /// Who wrote it.
    #[serde(alias = "userId", default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// Whose candidacy; only the answer to an update says it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub profile_id: Option<OpportunityId>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it was finished.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub completed_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub deleted_at: Option<Timestamp>,
}

open_enum! {
    /// What feedback is about.
    FeedbackKind {
        /// An interview.
        Interview = "interview",
        /// A task the person did.
        Assignment = "assignment",
        /// The person was shown to somebody.
        Share = "share",
    }
}

debug_id_only! { Feedback }
