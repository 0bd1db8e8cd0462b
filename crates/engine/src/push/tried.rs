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

/// Earlier tries.
pub(super) struct Tried {
    /// Whether one may have had its effect.
    pub(super) unclear: bool,
    /// When the first was sent, on Lever's clock as far as we know it.
    pub(super) sent: Timestamp,
    /// How far that may be from the time which Lever has.
    pub(super) doubt: Duration,
    /// Whether one was made since the write got in line: what a person asks for again is made whatever was before.
    pub(super) in_line: bool,
    /// Since when one may have had its effect that was made since the write got in line, on Lever's clock at the earliest.
    pub(super) lost_since: Option<Timestamp>,
    /// What the first try of a move [found](moves::found).
    pub(super) found: Option<[u8; 32]>,
    /// What was [noted](again::noted_stamp) with the first try.
    pub(super) stamp: Option<[u8; 32]>,
    /// Since when moves of others stand against it: since the first try, but not of those before a person asked for it
    /// again. None while it was not tried since then.
    pub(super) stands_against: Option<Timestamp>,
    /// What other operations of ours have done since then.
    pub(super) ours: Ours,
}

impl Tried {
    pub(super) async fn at(
        shared: &Shared,
        link: &Link,
        operation: &Operation,
        at: Timestamp,
    ) -> Tried {
        let doubt = doubt(shared, link);
        let again = earlier(operation)
            .map(|attempt| attempt.at)
            .filter(|at| *at >= operation.queued_at);
        // By itself no clock tells: whatever came after the first look stands against it.
        let stands_against = match operation.stood_back() {
            true => again.min().map(|at| link.lever_time(at).minus(doubt)),
            false => Some(Timestamp::from_millis(i64::MIN)),
        };
        Tried {
            unclear: unclear_at(operation).is_some(),
            sent: link.lever_time(at),
            stands_against,
            doubt,
            in_line: earlier(operation).any(|one| one.at >= operation.queued_at),
            lost_since: lost_in_line(operation).map(|at| link.lever_time(at).minus(doubt)),
            found: moves::found(operation),
            stamp: again::noted_stamp(operation),
            ours: ours_before(shared, link, operation, at, doubt).await,
        }
    }

    /// Whether people may have taken back what Lever does not show.
    pub(super) fn may_be_undone(&self, present: &lever::Opportunity) -> bool {
        let moved = |since| again::has_moved(present, self.stamp, since);
        self.lost_since.is_some_and(moved)
    }

    /// Since when what is seen in Lever may have come after the first try.
    pub(super) fn since(&self) -> Timestamp {
        self.sent.minus(self.doubt)
    }

    /// Whether somebody has moved the person, and that stands against the move.
    pub(super) fn stand_against(&self, entries: &Entries<'_>) -> bool {
        let Some(since) = self.stands_against else {
            return false;
        };
        let mut entries = entries.list.iter();
        entries.any(|entry| entry.updated_at.is_some_and(|at| at >= since))
    }

    /// How the person came to stages since the first try, without what other operations of ours did.
    pub(super) fn entries<'p>(&self, present: &'p lever::Opportunity) -> Entries<'p> {
        let exact = self.found.and_then(|found| moves::beyond(present, found));
        let sure_since = match exact {
            Some(_) => None,
            None => Some(self.sent),
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
