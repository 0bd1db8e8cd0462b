//! Issues: what somebody should look after, one entry for each distinct problem of a connection (F-52, screen 11).
//!
//! A problem is known by its kind and what it is about, so that it has one issue however often it shows.
//! [`looked`] merges what a look at a connection has found into the issues that are known: new ones open, those that
//! show again count on, those that are gone resolve by themselves, and what comes back opens its old issue again.
//! Texts are for people, name ids at most, and say the way out.

mod kind;
mod merge;
mod problem;
#[cfg(test)]
mod tests;
mod writes;

use crate::Timestamp;
use crate::id::our_id;

pub use kind::IssueKind;
pub use merge::{Look, Lookup, looked, standing};
pub use problem::{Finding, Problem};
pub use writes::{MOST_WRITES, Mended, of_writes, reject_key};

our_id! {
    /// Our own id of an issue.
    IssueId
}

/// How many issues of a connection are kept; beyond that the oldest that are resolved go first.
pub const MOST_ISSUES: usize = 200;

/// How many objects an issue names at most, the newest first.
pub const MOST_AFFECTED: usize = 20;

/// The longest note of who mutes or resolves an issue, in bytes.
pub const LONGEST_NOTE: usize = 1_000;

/// Something that a problem concerns, by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Affected {
    /// What it is: `stream`, `operation`, `stage`, `archive_reason`, `user`, `product_field`, or the name of a stream for a record of it.
    pub what: String,
    /// Its id, or the name of the stream.
    pub id: String,
}

impl Affected {
    /// Names one.
    pub fn new(what: &str, id: impl Into<String>) -> Affected {
        Affected {
            what: what.to_owned(),
            id: id.into(),
        }
    }
}

/// What somebody said about an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The name of the token that said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// In their words; may be empty.
    pub note: String,
}

/// How an issue was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The problem was gone when it was looked for.
    Gone {
        /// When.
        at: Timestamp,
    },
    /// Somebody said so.
    ByHand(Remark),
}

impl Resolved {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Resolved::Gone { at } => *at,
            Resolved::ByHand(remark) => remark.at,
        }
    }
}

/// Where an issue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueState {
    /// The problem is there, and wants looking after.
    Open,
    /// The problem is there, and somebody does not want to hear of it.
    Muted,
    /// The problem is gone, or somebody says so.
    Resolved,
}

/// One distinct problem of a connection, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Ours.
    pub id: IssueId,
    /// What kind of problem.
    pub kind: IssueKind,
    /// What it is about, such as a stream, a permission or a kind of write; empty where the kind says it all.
    pub subject: String,
    /// What is wrong, for people.
    pub message: String,
    /// What to do about it, for people.
    pub repair: String,
    /// What it concerns, the newest first; at most [`MOST_AFFECTED`].
    pub affected: Vec<Affected>,
    /// How often it has shown, over all its life.
    pub count: u64,
    /// How often it came back after it was resolved.
    pub reopened: u32,
    /// When it showed first.
    pub first_seen: Timestamp,
    /// When it showed last, or was last found to be there still.
    pub last_seen: Timestamp,
    /// Whether the problem was there at the last look, whatever people say.
    pub present: bool,
    /// Who does not want to hear of it; outlives a resolution.
    pub muted: Option<Remark>,
    /// How it was resolved; none while it is not.
    pub resolved: Option<Resolved>,
}

impl Issue {
    /// Where it stands.
    pub fn state(&self) -> IssueState {
        match (&self.resolved, &self.muted) {
            (Some(_), _) => IssueState::Resolved,
            (None, Some(_)) => IssueState::Muted,
            (None, None) => IssueState::Open,
        }
    }

    /// The issue once somebody does not want to hear of it, also when it comes back.
    #[must_use]
    pub fn mute(self, remark: Remark) -> Issue {
        Issue {
            muted: Some(remark),
            ..self
        }
    }

    /// The issue once somebody wants to hear of it again.
    #[must_use]
    pub fn unmute(self) -> Issue {
        Issue {
            muted: None,
            ..self
        }
    }

    /// The issue once somebody says that it is done with; it opens again when the problem shows anew.
    #[must_use]
    pub fn resolve(self, remark: Remark) -> Issue {
        Issue {
            resolved: Some(Resolved::ByHand(remark)),
            ..self
        }
    }
}
