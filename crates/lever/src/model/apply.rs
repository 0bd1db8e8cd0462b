//! The form to apply to a posting with.

use serde::Deserialize;
use serde_json::Value;

use super::{FormOption, lenient};
use crate::{ApplicationId, PostingId};

/// What an applicant is asked.
///
/// Lever: "Retrieve posting application questions"; fixtures `posting-apply.eeo.json`, `posting-apply.custom-questions.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyForm {
    /// The posting.
    pub id: PostingId,
    /// Its title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// The posting's own questions; their answers are told apart by order.
    #[serde(default, deserialize_with = "lenient::list")]
    pub custom_questions: Vec<QuestionSet>,
    /// The EEO questions that are switched on, by name, as Lever tells them.
    #[serde(default)]
    pub eeo_questions: Value,
    /// Name, address and the like.
    #[serde(default, deserialize_with = "lenient::list")]
    pub personal_information: Vec<FormQuestion>,
    /// Links.
    #[serde(default, deserialize_with = "lenient::list")]
    pub urls: Vec<FormQuestion>,
    /// What the person must agree to, as Lever tells it; null without a policy.
    #[serde(default)]
    pub consent_disclosures: Value,
}

/// Questions asked together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuestionSet {
    /// Lever's id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// The questions, in the order the answers are given in.
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<FormQuestion>,
    /// Where it is asked: `external`, `internal`.
    #[serde(default, deserialize_with = "lenient::list")]
    pub distribution: Vec<String>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormQuestion {
    /// Lever's id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// The name its answer is given by, such as `fullName`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// What is asked.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// More of it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub description: Option<String>,
    /// The kind of the answer (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::or_default")]
    pub kind: String,
    /// Whether it must be answered.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub required: bool,
    /// What an empty choice shows.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub prompt: Option<String>,
    /// What can be chosen.
    #[serde(default, deserialize_with = "lenient::list")]
    pub options: Vec<FormOption>,
    /// What is filled in from the start.
    #[serde(default)]
    pub value: Value,
}

/// What became of an application handed in.
///
/// Lever: "Apply to a posting"; fixture `posting-apply.response.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// The application Lever made; its opportunity comes with it.
    pub application_id: ApplicationId,
}
