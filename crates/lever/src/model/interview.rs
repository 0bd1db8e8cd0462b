//! Interviews and panels.

use serde::Deserialize;

use super::open::open_enum;
use super::{debug_id_only, debug_nothing, lenient};
use crate::{
    ApplicationId, FeedbackId, FeedbackTemplateId, InterviewId, OpportunityId, PanelId, PostingId,
    StageId, Timestamp, UserId,
};

/// One meeting with a person.
///
/// Lever: "Interviews"; fixtures `interview.get.json`, `interviews.list.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interview {
    /// Lever's id.
    pub id: InterviewId,
    /// The panel it stands in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub panel: Option<PanelId>,
    /// Whose candidacy; missing in old records.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub opportunity_id: Option<OpportunityId>,
    /// The title.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub subject: Option<String>,
    /// What the interviewers are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub note: Option<String>,
    /// Who meets the person.
    #[serde(default, deserialize_with = "lenient::list")]
    pub interviewers: Vec<Interviewer>,
    /// The time zone it was planned in, such as `Europe/Kiev`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub timezone: Option<String>,
    /// When it was planned.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it begins.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub date: Option<Timestamp>,
    /// How long, in minutes.
    #[serde(default, deserialize_with = "lenient::number")]
    pub duration: Option<i64>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub location: Option<String>,
    /// The form for the impressions.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub feedback_template: Option<FeedbackTemplateId>,
    /// The forms filled in.
    #[serde(default, deserialize_with = "lenient::list")]
    pub feedback_forms: Vec<FeedbackId>,
    /// How often interviewers are reminded.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub feedback_reminder: Option<FeedbackReminder>,
    /// Who planned it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// The stage the opportunity was in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub stage: Option<StageId>,
    /// When it was called off.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub canceled_at: Option<Timestamp>,
    /// For which postings.
    #[serde(default, deserialize_with = "lenient::list")]
    pub postings: Vec<PostingId>,
    /// Its entry in a calendar.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub gcal_event_url: Option<String>,
}

/// A user who interviews.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interviewer {
    /// The user.
    pub id: UserId,
    /// The name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The address.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub email: Option<String>,
    /// The user's own form.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub feedback_template: Option<FeedbackTemplateId>,
    /// How the invitation was answered, such as `needsAction`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub response_status: Option<String>,
}

open_enum! {
    /// How often interviewers are reminded to write down their impressions.
    FeedbackReminder {
        /// Once.
        Once = "once",
        /// Every day.
        Daily = "daily",
        /// Every six hours.
        Frequently = "frequently",
        /// Never.
        None = "none",
    }
}

/// Interviews planned together.
///
/// Lever: "Panels"; fixture `panels.list.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// Lever's id.
    pub id: PanelId,
    /// Which applications it is about.
    #[serde(default, deserialize_with = "lenient::list")]
    pub applications: Vec<ApplicationId>,
    /// When it was called off.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub canceled_at: Option<Timestamp>,
    /// When it was planned.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When its first interview begins.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub start: Option<Timestamp>,
    /// When its last interview ends.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub end: Option<Timestamp>,
    /// The time zone it was planned in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub timezone: Option<String>,
    /// How often interviewers are reminded.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub feedback_reminder: Option<FeedbackReminder>,
    /// Who planned it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// The stage the opportunity was in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub stage: Option<StageId>,
    /// What the interviewers are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub note: Option<String>,
    /// Whether it was made through the API; only such a panel can be changed there.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub externally_managed: bool,
    /// Where it is managed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub external_url: Option<String>,
    /// The interviews.
    #[serde(default, deserialize_with = "lenient::list")]
    pub interviews: Vec<PanelInterview>,
}

/// An interview as its panel shows it.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PanelInterview {
    /// Lever's id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<InterviewId>,
    /// The title.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub subject: Option<String>,
    /// What the interviewers are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub note: Option<String>,
    /// When it begins.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub date: Option<Timestamp>,
    /// How long, in minutes.
    #[serde(default, deserialize_with = "lenient::number")]
    pub duration: Option<i64>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub location: Option<String>,
    /// The form for the impressions.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub feedback_template: Option<FeedbackTemplateId>,
    /// How often interviewers are reminded.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub feedback_reminder: Option<FeedbackReminder>,
    /// Who meets the person.
    #[serde(default, deserialize_with = "lenient::list")]
    pub interviewers: Vec<Interviewer>,
}

debug_id_only! { Interview Interviewer Panel }

debug_nothing! { PanelInterview }
