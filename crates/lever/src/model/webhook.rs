//! Webhooks an account has set up.

use serde::Deserialize;

use super::open::open_enum;
use super::{Origin, debug_id_only, debug_nothing, lenient};
use crate::{Timestamp, WebhookId};

/// An address that Lever tells of events.
///
/// Lever: "Webhooks"; fixtures `webhook.create.response.json`, `webhooks.list.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Lever's id.
    pub id: WebhookId,
    /// The address.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub url: String,
    /// What it is told of.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub event: Option<WebhookEvent>,
    /// On which conditions, and how the deliveries are signed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub configuration: WebhookConfiguration,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
}

/// Conditions and signature of a webhook.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookConfiguration {
    /// Which events count.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub conditions: WebhookConditions,
    /// The secret its deliveries are signed with; only the answer to its creation tells it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub signature_token: Option<String>,
}

/// Which events count; events of interviews and contacts take no conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookConditions {
    /// Only of opportunities that came this way; empty for all.
    #[serde(default, deserialize_with = "lenient::list")]
    pub origins: Vec<Origin>,
}

open_enum! {
    /// What a webhook is told of.
    WebhookEvent {
        /// Somebody applied or was added to a posting.
        ApplicationCreated = "applicationCreated",
        /// Somebody was hired.
        CandidateHired = "candidateHired",
        /// An opportunity moved.
        CandidateStageChange = "candidateStageChange",
        /// An opportunity ended or was brought back.
        CandidateArchiveChange = "candidateArchiveChange",
        /// An opportunity was deleted.
        CandidateDeleted = "candidateDeleted",
        /// An interview was planned.
        InterviewCreated = "interviewCreated",
        /// An interview changed.
        InterviewUpdated = "interviewUpdated",
        /// An interview was deleted.
        InterviewDeleted = "interviewDeleted",
        /// There is a new person.
        ContactCreated = "contactCreated",
        /// A person changed.
        ContactUpdated = "contactUpdated",
    }
}

debug_id_only! { Webhook }

debug_nothing! { WebhookConfiguration }
