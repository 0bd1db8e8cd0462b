//! Who did what to the account.

use serde::Deserialize;
use serde_json::Value;

use super::{debug_id_only, debug_nothing, lenient};
use crate::{AuditEventId, Timestamp, UserId};

/// Something somebody did to the account.
///
/// Lever: "Audit events"; fixture `audit-events.list.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Lever's id.
    pub id: AuditEventId,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// What happened, such as `user.role:changed` (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::or_default")]
    pub kind: String,
    /// Who did it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<AuditActor>,
    /// To what.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub target: Option<AuditTarget>,
    /// More of it, as Lever tells it.
    #[serde(default)]
    pub meta: Value,
}

/// Who did something.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditActor {
    /// The user.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<UserId>,
    /// The address.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub email: Option<String>,
    /// The name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The role.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub role: Option<String>,
}

/// What something was done to.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditTarget {
    /// Its id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// Its kind (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::optional")]
    pub kind: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub label: Option<String>,
}

debug_id_only! { AuditEvent }

debug_nothing! { AuditActor AuditTarget }
