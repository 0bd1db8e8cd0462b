//! Answers to EEO questions, and diversity surveys.

use serde::Deserialize;
use serde_json::Value;

use super::{FormField, Origin, debug_id_only, debug_nothing, lenient};
use crate::{
    ApplicationId, ContactId, DiversitySurveyId, EeoResponseId, OpportunityId, PostingId, StageId,
    Timestamp, UserId,
};

/// What an applicant answered to the EEO questions, with who it was.
///
/// Questions left open are missing.
///
/// Lever: "EEO responses with PII"; fixture `eeo-responses-pii.list.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EeoResponse {
    /// Lever's id; that of the application in every recorded answer.
    pub id: EeoResponseId,
    /// The application.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_id: Option<ApplicationId>,
    /// The candidacy.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub opportunity_id: Option<OpportunityId>,
    /// The person.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub contact: Option<ContactId>,
    /// The posting.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub posting: Option<PostingId>,
    /// The hiring manager.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub hiring_manager: Option<UserId>,
    /// Who owns the opportunity.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub opportunity_owner: Option<UserId>,
    /// How the person came into Lever.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub origin: Option<Origin>,
    /// The sources.
    #[serde(default, deserialize_with = "lenient::list")]
    pub sources: Vec<String>,
    /// The requisitions, by the customer's own codes.
    #[serde(default, deserialize_with = "lenient::list")]
    pub requisition_codes: Vec<String>,
    /// The title of the posting.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_title: Option<String>,
    /// When the person applied.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub applied_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_archived_at: Option<Timestamp>,
    /// Who ended it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_archived_by: Option<UserId>,
    /// Why it ended, as text.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_archive_reason: Option<String>,
    /// The present stage.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub current_stage: Option<StageId>,
    /// When the person was hired.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub hired_date: Option<Timestamp>,
    /// Where the answers came from, such as `api`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub eeo_response_source: Option<String>,
    /// When the questions were answered.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub eeo_survey_responded_at: Option<Timestamp>,
    /// The answer on gender.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub gender: Option<String>,
    /// The answer on race.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub race: Option<String>,
    /// The answer on veteran status.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub veteran: Option<String>,
    /// The answer on disability.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub disability: Option<String>,
    /// The date under it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub disability_signature_date: Option<String>,
}

/// What an applicant answered to the EEO questions, without who it was.
///
/// Lever: "EEO responses"; fixture `eeo-responses.list.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnonymousEeoResponse {
    /// The title of the posting.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_title: Option<String>,
    /// When the person applied.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub applied_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_archived_at: Option<Timestamp>,
    /// Who ended it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_archived_by: Option<UserId>,
    /// Why it ended, as text.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub application_archive_reason: Option<String>,
    /// The present stage.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub current_stage: Option<StageId>,
    /// The answer on gender.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub gender: Option<String>,
    /// The answer on race.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub race: Option<String>,
    /// The answer on veteran status.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub veteran: Option<String>,
    /// The answer on disability.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub disability: Option<String>,
    /// The date under it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub disability_signature_date: Option<String>,
}

/// Questions on diversity asked with an application.
///
/// Lever: "Diversity surveys"; fixture `diversity-survey.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiversitySurvey {
    /// Lever's id.
    pub id: DiversitySurveyId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// What those who fill it in are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub instructions: Option<String>,
    /// The places the person may choose, as Lever tells them; depends on the account.
    #[serde(default)]
    pub candidate_locations: Value,
    /// The places of the posting, as Lever tells them; depends on the account.
    #[serde(default)]
    pub posting_locations: Value,
    /// The questions; their kinds come with a hyphen or a space (`multiple-choice`).
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<FormField>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
}

debug_id_only! { EeoResponse DiversitySurvey }

debug_nothing! { AnonymousEeoResponse }
