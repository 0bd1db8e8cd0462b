//! What earlier tries of a write may have come to, and what others have done since.

use std::time::Duration;

use domain::operation::{Attempt, State};
use domain::{Operation, Timestamp, Write};
use lever::{ArchiveReasonId, StageChange, StageId, UserId};

use super::{again, moves, plan};
use crate::engine::Shared;
use crate::link::Link;

/// How far Lever's stamps may lie before our sending while Lever has not told its time.
pub(super) const CLOCKS_DIFFER: Duration = Duration::from_secs(60);
/// The same once it has: its `Date` is cut to seconds, and believed to some more (`skew`).
const TIME_IS_KNOWN: Duration = Duration::from_secs(4);

/// How many of the operations before one are looked through for what they did to the same person.
const LOOKED_THROUGH: usize = 1_000;

/// When the write was tried first, with whatever answer: since then others may have acted as well.
///
/// The last attempt is the one about to be made. One from a restored backup may have been sent since that was taken.
pub(super) fn tried_at(operation: &Operation) -> Option<Timestamp> {
    earlier(operation)
        .map(|attempt| attempt.at)
        .chain(operation.restored_at)
        .min()
}

/// When an earlier try may have had its effect first.
pub(super) fn unclear_at(operation: &Operation) -> Option<Timestamp> {
    earlier(operation)
        .filter(|attempt| attempt.is_unclear())
        .map(|attempt| attempt.at)
        .chain(operation.restored_at)
        .min()
}

/// When the write was tried first since it got in line.
fn tried_in_line(operation: &Operation) -> Option<Timestamp> {
    let tries = earlier(operation).map(|one| one.at);
    tries.filter(|at| *at >= operation.queued_at).min()
}

/// When an earlier try since the write got in line may have had its effect first.
fn lost_in_line(operation: &Operation) -> Option<Timestamp> {
    let queued = operation.queued_at;
    let tries = earlier(operation).filter(|one| one.is_unclear() && one.at >= queued);
    let restored = operation.restored_at.filter(|at| *at >= queued);
    tries.map(|one| one.at).chain(restored).min()
}

/// The tries of the write in hand before the one about to be made.
fn earlier(operation: &Operation) -> impl Iterator<Item = &Attempt> {
    let earlier = operation
        .attempts
        .split_last()
        .map_or(&[][..], |(_, earlier)| earlier);
    earlier
        .iter()
        .filter(|attempt| attempt.step == plan::step_number(operation))
        .filter(|attempt| {
            attempt.lever_operation == plan::lever_operation(operation.present_write())
        })
}

/// How far a time of ours may be from the one which Lever has.
fn doubt(shared: &Shared, link: &Link) -> Duration {
    match link.known_lever_now(&shared.clock) {
        Some(_) => TIME_IS_KNOWN,
        None => CLOCKS_DIFFER,
    }
}

/// The earliest time on Lever's clock at which what was sent at `at` may have come there.
pub(super) fn earliest(shared: &Shared, link: &Link, at: Timestamp) -> Timestamp {
    link.lever_time(at).minus(doubt(shared, link))
}

/// Earlier tries of the write in hand. Times are on Lever's clock, as far as we know it.
pub(super) struct Tried {
    /// When the first of all was sent, give or take `doubt`.
    pub(super) first: Timestamp,
    /// How far our times may be from those which Lever has.
    pub(super) doubt: Duration,
    /// Whether one of all may have had its effect.
    pub(super) unclear: bool,
    /// The earliest at which the first since the write got in line may have come there; none where it was not tried since
    /// then. What a person asks for again is made whatever was before.
    pub(super) in_line: Option<Timestamp>,
    /// The same of the first of these that may have had its effect.
    pub(super) lost_in_line: Option<Timestamp>,
    /// What the first try of a move [found](moves::found).
    pub(super) found: Option<[u8; 32]>,
    /// What was [noted](again::noted_stamp) with the first try since the write got in line.
    pub(super) stamp: Option<[u8; 32]>,
    /// What other operations of ours have done since the first.
    pub(super) ours: Ours,
}

impl Tried {
    /// The tries of an operation that was tried first at `at`.
    pub(super) async fn at(
        shared: &Shared,
        link: &Link,
        operation: &Operation,
        at: Timestamp,
    ) -> Tried {
        let doubt = doubt(shared, link);
        let at_earliest = |at| link.lever_time(at).minus(doubt);
        Tried {
            first: link.lever_time(at),
            doubt,
            unclear: unclear_at(operation).is_some(),
            in_line: tried_in_line(operation).map(at_earliest),
            lost_in_line: lost_in_line(operation).map(at_earliest),
            found: moves::found(operation),
            stamp: again::noted_stamp(operation),
            ours: ours_before(shared, link, operation, at, doubt).await,
        }
    }

    /// Whether people may have taken back what Lever does not show.
    pub(super) fn may_be_undone(&self, present: &lever::Opportunity) -> bool {
        let moved = |since| again::has_moved(present, self.stamp, since);
        self.lost_in_line.is_some_and(moved)
    }

    /// Since when what is seen in Lever may have come after the first try.
    pub(super) fn since(&self) -> Timestamp {
        self.first.minus(self.doubt)
    }

    /// Whether somebody has moved the person, and that stands against the move: of one that [stood
    /// back](Operation::stood_back) what came since it got in line, for whoever asked again has seen the rest.
    pub(super) fn stand_against(&self, entries: &Entries<'_>, stood_back: bool) -> bool {
        let counts = |at: Timestamp| match stood_back {
            true => self.in_line.is_some_and(|since| at >= since),
            // By itself no clock tells: whatever came after the first look stands against it.
            false => true,
        };
        let mut entries = entries.list.iter();
        entries.any(|entry| entry.updated_at.is_some_and(counts))
    }

    /// How the person came to stages since the first try, without what other operations of ours did.
    pub(super) fn entries<'p>(&self, present: &'p lever::Opportunity) -> Entries<'p> {
        let exact = self.found.and_then(|found| moves::beyond(present, found));
        let sure_since = match exact {
            Some(_) => None,
            None => Some(self.first),
        };
        let since = exact.unwrap_or_else(|| self.entries_by_time(present));
        let mut others: Vec<&Moved> = self.ours.moved.iter().collect();
        // Each of them made one.
        let of_none = |entry: &&StageChange| {
            let place = others.iter().position(|moved| moved.may_be(entry));
            place.map(|place| others.remove(place)).is_none()
        };
        Entries {
            list: since.into_iter().filter(of_none).collect(),
            sure_since,
        }
    }

    /// The same where it is not known what the first try found: by Lever's clock as far as it is known.
    fn entries_by_time<'p>(&self, present: &'p lever::Opportunity) -> Vec<&'p StageChange> {
        let since = self.since();
        let entries = present.stage_changes.iter();
        let recent = entries.filter(|entry| entry.updated_at.is_some_and(|at| at >= since));
        recent.collect()
    }
}

/// Moves since the first try that no other operation of ours has made: this one has, or people have.
#[derive(Default)]
pub(super) struct Entries<'p> {
    list: Vec<&'p StageChange>,
    /// Where they were told by the time alone: what is dated before this may have come before the first try.
    sure_since: Option<Timestamp>,
}

impl Entries<'_> {
    /// Whether one is the effect of a try that was made for `acting`: Lever names that user, and mostly nobody where nobody
    /// acts. Where the time alone speaks for us, what surely came after the first try may name nobody all the same.
    pub(super) fn have_ours(&self, acting: Option<&UserId>, stage: &StageId) -> bool {
        self.leading_to(stage).any(|entry| {
            let by = entry.user_id.as_ref();
            let unnamed = self.sure_since.is_some() && by.is_none();
            by == acting || unnamed && self.is_surely_since(entry)
        })
    }

    /// Whether one names somebody and may be the effect of a try that was made for nobody: whom Lever names then, it does
    /// not tell.
    pub(super) fn may_have_ours(&self, acting: Option<&UserId>, stage: &StageId) -> bool {
        let mut entries = self.leading_to(stage);
        acting.is_none() && entries.any(|entry| self.is_surely_since(entry))
    }

    fn leading_to(&self, stage: &StageId) -> impl Iterator<Item = &StageChange> {
        let entries = self.list.iter().copied();
        entries.filter(move |entry| entry.to_stage_id.as_ref() == Some(stage))
    }

    fn is_surely_since(&self, entry: &StageChange) -> bool {
        entry.updated_at >= self.sure_since
    }
}

/// What operations recorded before this one have done to the person since about `tried_at`.
///
/// Where that cannot be read, what Lever shows decides alone.
async fn ours_before(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
    tried_at: Timestamp,
    doubt: Duration,
) -> Ours {
    let mut ours = Ours::default();
    if !matches!(
        operation.present_write(),
        Write::ChangeStage { .. } | Write::Archive { .. } | Write::Unarchive
    ) {
        return ours;
    }
    let earlier = shared
        .store
        .operations(
            operation.connection,
            Some(&operation.opportunity),
            Some(operation.id),
            LOOKED_THROUGH,
        )
        .await;
    for other in earlier.unwrap_or_default() {
        let own = plan::lever_operation(&other.write);
        let attempts = other.attempts.iter();
        let mut sent = attempts.filter(|attempt| attempt.lever_operation == own);
        match &other.write {
            Write::ChangeStage { stage, .. } if other.state == State::Succeeded => {
                // Some that were earlier are not looked for in vain: each entry has its time.
                ours.moved.extend(sent.next().map(|first| Moved {
                    to: stage.clone(),
                    from: link.lever_time(first.at).minus(doubt),
                    until: link.lever_time(other.updated_at).plus(doubt),
                }));
            }
            Write::Archive { reason, .. } => {
                let since = tried_at.minus(doubt).minus(CLOCKS_DIFFER);
                if sent.any(|attempt| attempt.at >= since) {
                    ours.archived_for.push(reason.clone());
                }
            }
            _ => {}
        }
    }
    ours
}

/// What other operations of ours have done to a person.
#[derive(Default)]
pub(super) struct Ours {
    /// The stages they have moved the person to.
    pub(super) moved: Vec<Moved>,
    /// The reasons they may have archived the person for, since an operation was tried first.
    pub(super) archived_for: Vec<ArchiveReasonId>,
}

/// A move of an operation that succeeded; Lever dates it between two times on its clock.
pub(super) struct Moved {
    pub(super) to: StageId,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Moved {
    fn may_be(&self, entry: &StageChange) -> bool {
        let is_then = |at: Timestamp| self.from <= at && at <= self.until;
        entry.to_stage_id.as_ref() == Some(&self.to) && entry.updated_at.is_some_and(is_then)
    }
}
