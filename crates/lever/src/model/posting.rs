//! Advertised jobs.

use serde::{Deserialize, Serialize};

use super::open::open_enum;
use super::{debug_id_only, lenient};
use crate::{PostingId, Timestamp, UserId};

/// An advertised job.
///
/// Lever: "Postings"; fixture `posting.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Posting {
    /// Lever's id.
    pub id: PostingId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// Where it stands.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub state: Option<PostingState>,
    /// Where it is shown (`public`, `internal`); empty unless published.
    #[serde(default, deserialize_with = "lenient::list")]
    pub distribution_channels: Vec<String>,
    /// Who made it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// Who owns it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub owner: Option<UserId>,
    /// Whom the hire will work for.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub hiring_manager: Option<UserId>,
    /// Team, department, place and kind of work.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub categories: Categories,
    /// Tags.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tags: Vec<String>,
    /// Who follows it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub followers: Vec<UserId>,
    /// `confidential` or `non-confidential`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub confidentiality: Option<String>,
    /// Codes of its requisitions.
    #[serde(default, deserialize_with = "lenient::list")]
    pub requisition_codes: Vec<String>,
    /// Two-letter country code.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub country: Option<String>,
    /// `unspecified`, `onsite`, `remote` or `hybrid`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub workplace_type: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
}

super::debug_id_only! { Posting }

/// How a posting is filed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Categories {
    /// The team.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub team: Option<String>,
    /// The department the team belongs to.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub department: Option<String>,
    /// The main place.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub location: Option<String>,
    /// All places.
    #[serde(default, deserialize_with = "lenient::list")]
    pub all_locations: Vec<String>,
    /// The kind of work, such as `Full-time`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub commitment: Option<String>,
    /// The level; deprecated by Lever.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub level: Option<String>,
}

open_enum! {
    /// Where a posting stands.
    PostingState {
        /// On the public site, on the internal one, or both.
        Published = "published",
        /// Unlisted: open to those who have the link.
        Internal = "internal",
        /// No longer open.
        Closed = "closed",
        /// Not yet open.
        Draft = "draft",
        /// Waiting for approval.
        Pending = "pending",
        /// Approval was refused.
        Rejected = "rejected",
    }
}

/// Who may see a posting, and in which role; answered without an envelope.
///
/// Lever: "List all posting users"; fixture `posting-users.get.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostingUsers {
    /// The posting.
    pub posting: PostingId,
    /// The users.
    #[serde(default, deserialize_with = "lenient::list")]
    pub users: Vec<PostingUser>,
    /// The roles.
    #[serde(default, deserialize_with = "lenient::list")]
    pub roles: Vec<PostingRole>,
}

/// A user who may see a posting.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostingUser {
    /// The user.
    pub id: UserId,
    /// The name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The address.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub email: Option<String>,
    /// The role the right comes from.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub inherited_from_role_id: Option<String>,
}

/// A role whose users may see a posting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostingRole {
    /// `admin`, `limited`, `owner`, `team`, or the id of a custom role.
    pub id: String,
    /// The title people see.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// Whether it may only look.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub is_read_only: bool,
}

/// What may be paid.
///
/// Lever: "Postings", `salaryRange`, and "Requisitions", `compensationBand`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SalaryRange {
    /// At least.
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub min: Option<f64>,
    /// At most.
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub max: Option<f64>,
    /// The currency, such as `USD`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub currency: Option<String>,
    /// For how long, such as `per-year-salary`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub interval: Option<String>,
}

debug_id_only! { PostingUser }
