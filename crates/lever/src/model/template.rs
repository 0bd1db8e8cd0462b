//! Templates of feedback and profile forms.

use serde::Deserialize;

use super::{FormField, Group, debug_id_only, lenient};
use crate::{FeedbackTemplateId, FormTemplateId, StageId, Timestamp};

/// A form for impressions of a person.
///
/// Lever: "Feedback templates"; fixture `feedback-template.get.json`. The built-in one has the id `no-feedback`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackTemplate {
    /// Lever's id.
    pub id: FeedbackTemplateId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// What those who fill it in are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub instructions: Option<String>,
    /// The group it is in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub group: Option<Group>,
    /// The stage it belongs to.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub stage: Option<StageId>,
    /// The fields; an update gives all of them new ids.
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<FormField>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
}

/// A form kept with opportunities.
///
/// Lever: "Profile form templates"; fixture `form-template.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormTemplate {
    /// Lever's id.
    pub id: FormTemplateId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// What those who fill it in are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub instructions: Option<String>,
    /// The group it is in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub group: Option<Group>,
    /// Whether its forms are secret unless said otherwise.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub secret_by_default: bool,
    /// The fields.
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<FormField>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
}

debug_id_only! { FeedbackTemplate FormTemplate }
