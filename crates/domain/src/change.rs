//! What has happened to a mirror, numbered per connection.

use lever::{OpportunityId, StageId, Timestamp};

use crate::{Candidacy, Stream};

/// One thing that has happened: ids and kinds only, never personal data (X16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The number, from 1 without gaps within one connection.
    pub sequence: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What can happen to a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A difference between Lever and the mirror, which the mirror has taken in.
    Record(RecordChange),
    /// A candidacy has come closer to its due time; once for each of its stays (product.md 6.3).
    Sla {
        /// Whose.
        opportunity: OpportunityId,
        /// How close.
        mark: SlaMark,
    },
    /// The snooze of a candidacy has ended by itself; once for each snooze.
    Awake {
        /// Whose.
        opportunity: OpportunityId,
    },
    /// A version of the stage mapping was saved.
    StagesMapped {
        /// The version.
        version: u64,
    },
    /// Confidential records were hidden, or are shown again, since the key of the connection may see them or not.
    Confidential {
        /// Whether they are hidden now.
        hidden: bool,
    },
}

/// What happened to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChange {
    /// The kind of record.
    pub stream: Stream,
    /// Lever's id of the record (the text, for tags and sources).
    pub id: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Of an opportunity: where it stood before and after; none where that was not noted.
    pub moved: Option<Move>,
}

/// What can happen to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was not in the mirror before.
    Created,
    /// Its document differs from the one before.
    Updated,
    /// It is known to be deleted in Lever.
    Deleted,
}

/// Where a candidacy stood before a change, and after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Move {
    /// Before; none while it was archived, without a stage or not in the mirror.
    pub from: Option<Place>,
    /// After.
    pub to: Option<Place>,
}

/// Where an open candidacy stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The stage.
    pub stage: StageId,
    /// Whether only those may see it who may see confidential people.
    pub confidential: bool,
}

impl Place {
    /// Where a candidacy stands; none when it is archived or in no stage.
    pub fn of(candidacy: &Candidacy) -> Option<Place> {
        let stage = candidacy.stage.clone().filter(|_| candidacy.active())?;
        Some(Place {
            stage,
            confidential: candidacy.confidential,
        })
    }
}

/// What is told of an SLA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlaMark {
    /// It is at risk.
    AtRisk,
    /// It is breached.
    Breached,
}

/// What the passing of time has made of an SLA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlaEvent {
    /// Whose.
    pub opportunity: OpportunityId,
    /// What.
    pub turn: SlaTurn,
}

/// What time can make of an SLA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlaTurn {
    /// It has come closer to its due time: a mark of one stay.
    Closer {
        /// When the clock of the stay started.
        entered_at: Timestamp,
        /// Which.
        mark: SlaMark,
    },
    /// A snooze has ended by itself.
    Awake {
        /// Until when it lasted.
        snoozed_until: Timestamp,
    },
}
