//! What the last check of a credential told.

use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};
use crate::permission_reports::{PermissionReport, ReportedPermission};

#[derive(Clone, PartialEq, Message)]
struct ReportV1 {
    #[prost(int64, optional, tag = "1")]
    credential_since: Option<i64>,
    #[prost(int64, tag = "2")]
    checked_at: i64,
    #[prost(int64, optional, tag = "3")]
    worked_at: Option<i64>,
    #[prost(uint64, optional, tag = "4")]
    answered_in_ms: Option<u64>,
    #[prost(string, tag = "5")]
    key: String,
    #[prost(bool, optional, tag = "6")]
    confidential: Option<bool>,
    #[prost(message, repeated, tag = "7")]
    permissions: Vec<PermissionV1>,
}

#[derive(Clone, PartialEq, Message)]
struct PermissionV1 {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    state: String,
    #[prost(string, tag = "3")]
    evidence: String,
    #[prost(int64, optional, tag = "4")]
    used_at: Option<i64>,
    #[prost(string, tag = "5")]
    reason: String,
}

impl Stored for PermissionReport {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        let permission = |one: &ReportedPermission| PermissionV1 {
            name: one.name.clone(),
            state: one.state.clone(),
            evidence: one.evidence.clone(),
            used_at: one.used_at.map(Timestamp::as_millis),
            reason: one.reason.clone(),
        };
        ReportV1 {
            credential_since: self.credential_since.map(Timestamp::as_millis),
            checked_at: self.checked_at.as_millis(),
            worked_at: self.worked_at.map(Timestamp::as_millis),
            answered_in_ms: self.answered_in_ms,
            key: self.key.clone(),
            confidential: self.confidential,
            permissions: self.permissions.iter().map(permission).collect(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: ReportV1 = version_1(version, payload)?;
        let permission = |one: PermissionV1| ReportedPermission {
            name: one.name,
            state: one.state,
            evidence: one.evidence,
            used_at: one.used_at.map(Timestamp::from_millis),
            reason: one.reason,
        };
        Some(Self {
            credential_since: stored.credential_since.map(Timestamp::from_millis),
            checked_at: Timestamp::from_millis(stored.checked_at),
            worked_at: stored.worked_at.map(Timestamp::from_millis),
            answered_in_ms: stored.answered_in_ms,
            key: stored.key,
            confidential: stored.confidential,
            permissions: stored.permissions.into_iter().map(permission).collect(),
        })
    }
}
