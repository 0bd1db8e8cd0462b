//! Lever's own records.

use ::lever::Timestamp;
use engine::{Error, RawRecord, ReadFrom, Result};
use proto::v1 as pb;
use serde::de::DeserializeOwned;

use super::time::to_timestamp;

/// A record that can be shown.
pub trait Shown: Sized {
    /// The record as the wire has it; `raw` carries the document when it was asked for.
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self;
}

/// Where to read from.
///
/// # Errors
/// Invalid for an unknown source.
pub fn from_read_from(read_from: i32) -> Result<ReadFrom> {
    match pb::ReadFrom::try_from(read_from) {
        Ok(pb::ReadFrom::Unspecified | pb::ReadFrom::Mirror) => Ok(ReadFrom::Mirror),
        Ok(pb::ReadFrom::Lever) => Ok(ReadFrom::Lever),
        Err(_) => Err(Error::invalid(
            "read_from",
            "give READ_FROM_MIRROR or READ_FROM_LEVER",
        )),
    }
}

/// Decodes leniently; what cannot be decoded shows as its id and raw document alone.
fn decoded<T: DeserializeOwned>(record: &RawRecord) -> Option<T> {
    serde_json::from_str(&record.raw).ok()
}

fn raw(record: &RawRecord, include: bool) -> bytes::Bytes {
    if include {
        record.raw.clone().into_bytes().into()
    } else {
        bytes::Bytes::new()
    }
}

fn time(at: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    at.map(to_timestamp)
}

impl Shown for pb::Opportunity {
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self {
        let base = pb::Opportunity {
            id: record.id.clone(),
            raw_json: raw(record, include_raw_json),
            ..Default::default()
        };
        let Some(opportunity) = decoded::<::lever::Opportunity>(record) else {
            return base;
        };
        let archived = opportunity.archived.as_ref();
        pb::Opportunity {
            contact_id: text(opportunity.contact.as_ref().map(|contact| contact.as_str())),
            name: text(opportunity.name.as_deref()),
            stage_id: text(opportunity.stage.as_ref().map(|stage| stage.as_str())),
            owner_id: text(opportunity.owner.as_ref().map(|owner| owner.as_str())),
            archived_at: time(archived.and_then(|archived| archived.archived_at)),
            archive_reason_id: text(
                archived
                    .and_then(|archived| archived.reason.as_ref())
                    .map(|reason| reason.as_str()),
            ),
            origin: text(opportunity.origin.as_ref().map(|origin| origin.as_str())),
            created_at: time(opportunity.created_at),
            updated_at: time(opportunity.updated_at),
            tags: opportunity.tags,
            sources: opportunity.sources,
            ..base
        }
    }
}

impl Shown for pb::Stage {
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self {
        let stage = decoded::<::lever::Stage>(record);
        pb::Stage {
            id: record.id.clone(),
            raw_json: raw(record, include_raw_json),
            text: stage.map(|stage| stage.text).unwrap_or_default(),
        }
    }
}

impl Shown for pb::ArchiveReason {
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self {
        let fields: Fields = decoded(record).unwrap_or_default();
        pb::ArchiveReason {
            id: record.id.clone(),
            raw_json: raw(record, include_raw_json),
            text: fields.text.unwrap_or_default(),
            status: fields.status.unwrap_or_default(),
            r#type: fields.kind.unwrap_or_default(),
        }
    }
}

impl Shown for pb::User {
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self {
        let base = pb::User {
            id: record.id.clone(),
            raw_json: raw(record, include_raw_json),
            ..Default::default()
        };
        let Some(user) = decoded::<::lever::User>(record) else {
            return base;
        };
        pb::User {
            name: text(user.name.as_deref()),
            email: text(user.email.as_deref()),
            access_role: text(user.access_role.as_deref()),
            deactivated_at: time(user.deactivated_at),
            ..base
        }
    }
}

impl Shown for pb::Posting {
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self {
        let base = pb::Posting {
            id: record.id.clone(),
            raw_json: raw(record, include_raw_json),
            ..Default::default()
        };
        let fields: Fields = decoded(record).unwrap_or_default();
        let Some(posting) = decoded::<::lever::Posting>(record) else {
            return base;
        };
        pb::Posting {
            text: posting.text,
            state: fields.state.unwrap_or_default(),
            owner_id: text(posting.owner.as_ref().map(|owner| owner.as_str())),
            hiring_manager_id: text(
                posting
                    .hiring_manager
                    .as_ref()
                    .map(|manager| manager.as_str()),
            ),
            created_at: time(posting.created_at),
            ..base
        }
    }
}

impl Shown for pb::Tag {
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self {
        let fields: Fields = decoded(record).unwrap_or_default();
        pb::Tag {
            id: record.id.clone(),
            raw_json: raw(record, include_raw_json),
            count: fields.count.unwrap_or_default(),
        }
    }
}

impl Shown for pb::Source {
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self {
        let fields: Fields = decoded(record).unwrap_or_default();
        pb::Source {
            id: record.id.clone(),
            raw_json: raw(record, include_raw_json),
            count: fields.count.unwrap_or_default(),
        }
    }
}

/// Words of Lever's that are passed on as they are.
#[derive(Debug, Default, serde::Deserialize)]
struct Fields {
    text: Option<String>,
    status: Option<String>,
    state: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    count: Option<u64>,
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}
