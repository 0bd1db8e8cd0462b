//! The compact candidacy: under 400 bytes with ordinary content.

use domain::Candidacy;
use domain::candidacy::Archived;
use lever::Timestamp;
use prost::Message;

use super::id::{pack, unpack, unpack_option};
use super::{Stored, versions_to};

#[derive(Clone, PartialEq, Message)]
struct CandidacyV1 {
    #[prost(bytes = "vec", tag = "1")]
    opportunity: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "2")]
    contact: Option<Vec<u8>>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(bytes = "vec", optional, tag = "4")]
    stage: Option<Vec<u8>>,
    #[prost(int64, tag = "5")]
    entered_stage_at: i64,
    #[prost(int64, tag = "6")]
    applied_at: i64,
    #[prost(message, optional, tag = "7")]
    archived: Option<ArchivedV1>,
    #[prost(int64, optional, tag = "8")]
    snoozed_until: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "9")]
    owner: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "10")]
    posting: Option<Vec<u8>>,
    #[prost(string, repeated, tag = "11")]
    tags: Vec<String>,
    #[prost(string, tag = "12")]
    origin: String,
    #[prost(bool, tag = "13")]
    confidential: bool,
    #[prost(int64, optional, tag = "14")]
    updated_at: Option<i64>,
    #[prost(int64, optional, tag = "15")]
    last_interaction_at: Option<i64>,
    /// Since version 2.
    #[prost(bool, tag = "16")]
    anonymized: bool,
}

#[derive(Clone, PartialEq, Message)]
struct ArchivedV1 {
    #[prost(int64, tag = "1")]
    at: i64,
    #[prost(bytes = "vec", optional, tag = "2")]
    reason: Option<Vec<u8>>,
}

impl Stored for Candidacy {
    const VERSION: u8 = 2;

    fn to_payload(&self) -> Vec<u8> {
        CandidacyV1 {
            opportunity: pack(self.opportunity.as_str()),
            contact: self.contact.as_ref().map(|contact| pack(contact.as_str())),
            name: self.name.clone(),
            stage: self.stage.as_ref().map(|stage| pack(stage.as_str())),
            entered_stage_at: self.entered_stage_at.as_millis(),
            applied_at: self.applied_at.as_millis(),
            archived: self.archived.as_ref().map(|archived| ArchivedV1 {
                at: archived.at.as_millis(),
                reason: archived.reason.as_ref().map(|reason| pack(reason.as_str())),
            }),
            snoozed_until: self.snoozed_until.map(Timestamp::as_millis),
            owner: self.owner.as_ref().map(|owner| pack(owner.as_str())),
            posting: self.posting.as_ref().map(|posting| pack(posting.as_str())),
            tags: self.tags.clone(),
            origin: self.origin.clone(),
            confidential: self.confidential,
            updated_at: self.updated_at.map(Timestamp::as_millis),
            last_interaction_at: self.last_interaction_at.map(Timestamp::as_millis),
            anonymized: self.anonymized,
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: CandidacyV1 = versions_to(Self::VERSION, version, payload)?;
        let archived = match stored.archived {
            None => None,
            Some(archived) => Some(Archived {
                at: Timestamp::from_millis(archived.at),
                reason: unpack_option(archived.reason)?,
            }),
        };
        Some(Candidacy {
            opportunity: unpack(&stored.opportunity)?.into(),
            contact: unpack_option(stored.contact)?,
            name: stored.name,
            stage: unpack_option(stored.stage)?,
            entered_stage_at: Timestamp::from_millis(stored.entered_stage_at),
            applied_at: Timestamp::from_millis(stored.applied_at),
            archived,
            snoozed_until: stored.snoozed_until.map(Timestamp::from_millis),
            owner: unpack_option(stored.owner)?,
            posting: unpack_option(stored.posting)?,
            tags: stored.tags,
            origin: stored.origin,
            confidential: stored.confidential,
            updated_at: stored.updated_at.map(Timestamp::from_millis),
            last_interaction_at: stored.last_interaction_at.map(Timestamp::from_millis),
            anonymized: stored.anonymized,
        })
    }
}
