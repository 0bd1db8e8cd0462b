//! Offers.

use serde::Deserialize;
use serde_json::Value;

use super::open::open_enum;
use super::{debug_id_only, debug_nothing, lenient};
use crate::{OfferId, PostingId, Timestamp, UserId};

/// An offer of a job.
///
/// Lever: "Offers"; fixture `offers.list.signed.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// Lever's id.
    pub id: OfferId,
    /// The posting it is for.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub posting: Option<PostingId>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// Who made it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub creator: Option<UserId>,
    /// Where it stands.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub status: Option<OfferStatus>,
    /// What it says, field by field.
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<OfferField>,
    /// Who signs it and who has, by role, as Lever tells it; null while there are none.
    #[serde(default)]
    pub signatures: Value,
    /// Whether it was approved; none before the decision.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub approved: Option<bool>,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub approved_at: Option<Timestamp>,
    /// When it was sent to the person.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub sent_at: Option<Timestamp>,
    /// The document sent.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub sent_document: Option<OfferDocument>,
    /// The document signed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub signed_document: Option<OfferDocument>,
}

open_enum! {
    /// Where an offer stands.
    OfferStatus {
        /// Being written.
        Draft = "draft",
        /// Waiting for approval.
        ApprovalSent = "approval-sent",
        /// Approved and not yet sent.
        Approved = "approved",
        /// Sent to the person.
        Sent = "sent",
        /// Sent outside Lever.
        SentManually = "sent-manually",
        /// Seen by the person.
        Opened = "opened",
        /// Not approved.
        Denied = "denied",
        /// Signed by everybody.
        Signed = "signed",
    }
}

/// One field of an offer.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferField {
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// What it stands for, such as `salary_amount`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub identifier: String,
    /// What was filled in, in the form of its kind.
    #[serde(default)]
    pub value: Value,
}

/// A document of an offer.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferDocument {
    /// Its name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub file_name: Option<String>,
    /// When it came into Lever.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub uploaded_at: Option<Timestamp>,
    /// Where it is, at the API.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub download_url: Option<String>,
}

debug_id_only! { Offer }

debug_nothing! { OfferField OfferDocument }
