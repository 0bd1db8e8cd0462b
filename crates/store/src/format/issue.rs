//! Issues.

use domain::issue::{Affected, Remark, Resolved};
use domain::{Issue, IssueId, IssueKind};
use lever::Timestamp;
use prost::{Message, Oneof};

use super::{Stored, version_1};

#[derive(Clone, PartialEq, Message)]
struct IssueV1 {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(string, tag = "2")]
    kind: String,
    #[prost(string, tag = "3")]
    subject: String,
    #[prost(string, tag = "4")]
    message: String,
    #[prost(string, tag = "5")]
    repair: String,
    #[prost(message, repeated, tag = "6")]
    affected: Vec<AffectedV1>,
    #[prost(uint64, tag = "7")]
    count: u64,
    #[prost(uint32, tag = "8")]
    reopened: u32,
    #[prost(int64, tag = "9")]
    first_seen: i64,
    #[prost(int64, tag = "10")]
    last_seen: i64,
    #[prost(bool, tag = "11")]
    present: bool,
    #[prost(message, optional, tag = "12")]
    muted: Option<RemarkV1>,
    #[prost(oneof = "ResolvedV1", tags = "13, 14")]
    resolved: Option<ResolvedV1>,
}

#[derive(Clone, PartialEq, Oneof)]
enum ResolvedV1 {
    #[prost(int64, tag = "13")]
    Gone(i64),
    #[prost(message, tag = "14")]
    ByHand(RemarkV1),
}

#[derive(Clone, PartialEq, Message)]
struct AffectedV1 {
    #[prost(string, tag = "1")]
    what: String,
    #[prost(string, tag = "2")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct RemarkV1 {
    #[prost(string, tag = "1")]
    by: String,
    #[prost(int64, tag = "2")]
    at: i64,
    #[prost(string, tag = "3")]
    note: String,
}

impl Stored for Issue {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        IssueV1 {
            id: self.id.as_bytes().to_vec(),
            kind: self.kind.name().to_owned(),
            subject: self.subject.clone(),
            message: self.message.clone(),
            repair: self.repair.clone(),
            affected: self.affected.iter().map(from_affected).collect(),
            count: self.count,
            reopened: self.reopened,
            first_seen: self.first_seen.as_millis(),
            last_seen: self.last_seen.as_millis(),
            present: self.present,
            muted: self.muted.as_ref().map(from_remark),
            resolved: self.resolved.as_ref().map(|resolved| match resolved {
                Resolved::Gone { at } => ResolvedV1::Gone(at.as_millis()),
                Resolved::ByHand(remark) => ResolvedV1::ByHand(from_remark(remark)),
            }),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: IssueV1 = version_1(version, payload)?;
        Some(Issue {
            id: IssueId::from_bytes(stored.id.try_into().ok()?),
            kind: IssueKind::from_name(&stored.kind)?,
            subject: stored.subject,
            message: stored.message,
            repair: stored.repair,
            affected: stored.affected.into_iter().map(to_affected).collect(),
            count: stored.count,
            reopened: stored.reopened,
            first_seen: Timestamp::from_millis(stored.first_seen),
            last_seen: Timestamp::from_millis(stored.last_seen),
            present: stored.present,
            muted: stored.muted.map(to_remark),
            resolved: stored.resolved.map(|resolved| match resolved {
                ResolvedV1::Gone(at) => Resolved::Gone {
                    at: Timestamp::from_millis(at),
                },
                ResolvedV1::ByHand(remark) => Resolved::ByHand(to_remark(remark)),
            }),
        })
    }
}

fn from_affected(affected: &Affected) -> AffectedV1 {
    AffectedV1 {
        what: affected.what.clone(),
        id: affected.id.clone(),
    }
}

fn to_affected(affected: AffectedV1) -> Affected {
    Affected {
        what: affected.what,
        id: affected.id,
    }
}

fn from_remark(remark: &Remark) -> RemarkV1 {
    RemarkV1 {
        by: remark.by.clone(),
        at: remark.at.as_millis(),
        note: remark.note.clone(),
    }
}

fn to_remark(remark: RemarkV1) -> Remark {
    Remark {
        by: remark.by,
        at: Timestamp::from_millis(remark.at),
        note: remark.note,
    }
}
