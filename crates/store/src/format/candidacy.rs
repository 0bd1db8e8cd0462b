//! The compact candidacy with the digests of its identity keys: under 450 bytes with ordinary content.

use std::collections::BTreeSet;

use domain::Candidacy;
use domain::candidacy::Archived;
use lever::Timestamp;
use prost::Message;

use super::id::{pack, unpack, unpack_option};
use super::identity::KeyDigest;
use super::{Stored, versions_to};

#[derive(Clone, PartialEq, Message)]
struct CandidacyV3 {
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
    archived: Option<ArchivedV3>,
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
    /// Digests one behind the other; since version 3.
    #[prost(bytes = "vec", tag = "17")]
    keys: Vec<u8>,
    /// Since version 3.
    #[prost(int64, optional, tag = "18")]
    contact_until: Option<i64>,
    /// Since version 3.
    #[prost(string, repeated, tag = "19")]
    sources: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ArchivedV3 {
    #[prost(int64, tag = "1")]
    at: i64,
    #[prost(bytes = "vec", optional, tag = "2")]
    reason: Option<Vec<u8>>,
}

/// A candidacy, and what its person is recognized by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Indexed {
    pub(crate) candidacy: Candidacy,
    /// None where a version before 3 stored it.
    pub(crate) keys: Option<BTreeSet<KeyDigest>>,
}

impl CandidacyV3 {
    fn of(candidacy: &Candidacy, keys: Vec<u8>) -> CandidacyV3 {
        CandidacyV3 {
            opportunity: pack(candidacy.opportunity.as_str()),
            contact: candidacy
                .contact
                .as_ref()
                .map(|contact| pack(contact.as_str())),
            name: candidacy.name.clone(),
            stage: candidacy.stage.as_ref().map(|stage| pack(stage.as_str())),
            entered_stage_at: candidacy.entered_stage_at.as_millis(),
            applied_at: candidacy.applied_at.as_millis(),
            archived: candidacy.archived.as_ref().map(|archived| ArchivedV3 {
                at: archived.at.as_millis(),
                reason: archived.reason.as_ref().map(|reason| pack(reason.as_str())),
            }),
            snoozed_until: candidacy.snoozed_until.map(Timestamp::as_millis),
            owner: candidacy.owner.as_ref().map(|owner| pack(owner.as_str())),
            posting: candidacy
                .posting
                .as_ref()
                .map(|posting| pack(posting.as_str())),
            tags: candidacy.tags.clone(),
            origin: candidacy.origin.clone(),
            confidential: candidacy.confidential,
            updated_at: candidacy.updated_at.map(Timestamp::as_millis),
            last_interaction_at: candidacy.last_interaction_at.map(Timestamp::as_millis),
            anonymized: candidacy.anonymized,
            keys,
            sources: candidacy.sources.clone(),
            contact_until: candidacy.contact_until.map(Timestamp::as_millis),
        }
    }

    fn into_candidacy(self) -> Option<Candidacy> {
        let stored = self;
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
            sources: stored.sources,
            contact_until: stored.contact_until.map(Timestamp::from_millis),
        })
    }
}

/// Where its keys are not asked for.
impl Stored for Candidacy {
    const VERSION: u8 = 3;

    fn to_payload(&self) -> Vec<u8> {
        CandidacyV3::of(self, Vec::new()).encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        versions_to::<CandidacyV3>(Self::VERSION, version, payload)?.into_candidacy()
    }
}

impl Stored for Indexed {
    const VERSION: u8 = Candidacy::VERSION;

    fn to_payload(&self) -> Vec<u8> {
        let keys = self.keys.iter().flatten().flatten().copied().collect();
        CandidacyV3::of(&self.candidacy, keys).encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let mut stored: CandidacyV3 = versions_to(Self::VERSION, version, payload)?;
        let bytes = std::mem::take(&mut stored.keys);
        let (keys, rest) = bytes.as_chunks();
        let keys = (version >= 3).then(|| keys.iter().copied().collect());
        rest.is_empty().then_some(Indexed {
            candidacy: stored.into_candidacy()?,
            keys,
        })
    }
}
