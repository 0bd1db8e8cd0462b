//! Settings of a connection that are kept in versions: each save is a new one, and none is ever changed.

use lever::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The documents of a connection that are kept in versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MappingKind {
    /// The stage mapping.
    Stages,
    /// The field mapping.
    Fields,
    /// How people are exported.
    Exports,
}

impl MappingKind {
    /// Every kind.
    pub const ALL: &[MappingKind] = &[
        MappingKind::Stages,
        MappingKind::Fields,
        MappingKind::Exports,
    ];

    /// The name in logs and in messages for people.
    pub fn name(self) -> &'static str {
        match self {
            MappingKind::Stages => "stage_mapping",
            MappingKind::Fields => "field_mapping",
            MappingKind::Exports => "export_settings",
        }
    }

    /// The name in sentences.
    pub fn words(self) -> &'static str {
        match self {
            MappingKind::Stages => "stage mapping",
            MappingKind::Fields => "field mapping",
            MappingKind::Exports => "export settings",
        }
    }
}

/// Which version of a document it is, and whose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Counts saves; 0 is the shipped version, never saved by anyone.
    pub version: u64,
    /// Who saved it; empty for version 0.
    pub author: &'a str,
    /// When.
    pub created_at: Timestamp,
}

/// A document that is kept in versions.
pub trait Versioned: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Which one it is.
    const KIND: MappingKind;

    /// Version 0, as it is shipped.
    fn initial(now: Timestamp) -> Self;

    /// Which version it is, and whose.
    fn stamp(&self) -> Stamp<'_>;

    /// Makes it another version.
    fn set_stamp(&mut self, stamp: Stamp<'_>);

    /// Takes over what a new version keeps of the one before though nobody has written it.
    fn inherit(&mut self, _previous: &Self) {}

    /// What differs from the version before, in lines for people.
    fn differences(&self, before: &Self) -> Vec<String>;

    /// Whether another version says the same, whoever saved it and when.
    fn says_the_same_as(&self, other: &Self) -> bool {
        let mut same = self.clone();
        same.set_stamp(other.stamp());
        same == *other
    }

    /// These settings as the version after `previous`.
    #[must_use]
    fn succeeding(mut self, previous: &Self, author: &str, now: Timestamp) -> Self {
        self.set_stamp(Stamp {
            version: previous.stamp().version.saturating_add(1),
            author,
            created_at: now,
        });
        self.inherit(previous);
        self
    }

    /// The tag a caller gives back to change exactly this version, such as `v3`.
    fn etag(&self) -> String {
        format!("v{}", self.stamp().version)
    }
}
