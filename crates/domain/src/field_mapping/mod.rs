//! The field mapping: how Lever's records and the fields of the product speak to each other (product.md 5).
//!
//! A mapping is a versioned value whose rules are data: product field, path or derivation, direction, policy, strict or
//! derived. The shipped one is the table of the product guide, word for word: what it marks NA stays NA until somebody
//! switches the derivation on (F-31). [`FieldMapping::evaluate`] reads a person's records by it, and
//! [`export::export`] writes the product's values by the same rules.
//!
//! This module does not decide who may see which record, and never learns of answers for equal opportunity.

mod activity;
mod attachments;
pub mod catalog;
mod difference;
mod evaluate;
pub mod export;
mod found;
mod path;
mod person;
mod records;
mod resume;
mod rule;
mod strict;
#[cfg(test)]
mod tests;
mod validation;
mod value;

use std::fmt;

use lever::Timestamp;
use serde::{Deserialize, Serialize};

pub use difference::diff;
pub use path::{InvalidPath, LONGEST_PATH, SourcePath};
pub use records::{Record, Records, Scope, Unread};
pub use rule::{Derivation, Direction, FieldCode, InvalidFieldCode, LinkPick, Policy, Rule};
pub use value::{
    Activity, ActivityKind, Attachment, Confidence, Content, Field, FieldState, MonthOfYear, Note,
    Position, School, Source, Sourced, Warning,
};

use crate::mapping_document;
use crate::versioned::{MappingKind, Stamp, Versioned};

/// One version of an account's field mapping.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMapping {
    /// Counts saves; 0 is the shipped mapping, never saved by anyone.
    #[serde(default)]
    pub version: u64,
    /// Who saved this version; empty for version 0.
    #[serde(default)]
    pub author: String,
    /// When this version was saved.
    #[serde(default)]
    pub created_at: Timestamp,
    /// Hosts of the sourcing product, present and former, without scheme: links there are profiles of its own.
    #[serde(default)]
    pub platform_hosts: Vec<String>,
    /// The rules, in the order the product shows them.
    pub rules: Vec<Rule>,
}

impl FieldMapping {
    /// The shipped mapping, version 0: the 14 rows of product.md 5.1, strict.
    pub fn initial(now: Timestamp) -> FieldMapping {
        FieldMapping {
            created_at: now,
            ..mapping_document::shipped().fields.clone()
        }
    }

    /// The rule of a field in one direction; two rules of a field never go the same way.
    pub fn rule(&self, field: &FieldCode, direction: Direction) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|rule| rule.field == *field && rule.direction.overlaps(direction))
    }
}

impl Versioned for FieldMapping {
    const KIND: MappingKind = MappingKind::Fields;

    fn initial(now: Timestamp) -> FieldMapping {
        FieldMapping::initial(now)
    }

    fn stamp(&self) -> Stamp<'_> {
        Stamp {
            version: self.version,
            author: &self.author,
            created_at: self.created_at,
        }
    }

    fn set_stamp(&mut self, stamp: Stamp<'_>) {
        self.version = stamp.version;
        self.author = stamp.author.to_owned();
        self.created_at = stamp.created_at;
    }

    fn differences(&self, before: &FieldMapping) -> Vec<String> {
        diff(before, self)
    }
}

/// Leaves out the author, who is a person.
impl fmt::Debug for FieldMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldMapping")
            .field("version", &self.version)
            .field("created_at", &self.created_at)
            .field("platform_hosts", &self.platform_hosts)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
