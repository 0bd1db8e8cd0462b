//! Which of two things known about a record counts: pure decisions.

use domain::hydration::overtaken;
use lever::Timestamp;

use crate::format::Head;

/// What a record that was read from Lever means beside what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Something newer is known.
    Stale,
    /// It is what is stored.
    Unchanged,
    /// It was not in the mirror.
    Created,
    /// It differs from what is stored.
    Updated,
}

/// What the news of a deletion means beside what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Burial {
    /// The record was changed after that deletion.
    Stale,
    /// It is known already.
    Known,
    /// The record was live until now.
    Buried,
    /// The record was not live: remembered, so that a late page does not bring it.
    Remembered,
}

/// Judges a record that was read.
///
/// The request sent later counts, since an answer can be overtaken by another.
/// A deletion Lever told of wins unless the record was changed after it;
/// one that was concluded from absence ends as soon as a later request shows the record.
pub(crate) fn judge(
    known: Option<&Head>,
    requested_at: Timestamp,
    updated_at: Option<Timestamp>,
    digest: &[u8; 16],
) -> Verdict {
    match known {
        None => Verdict::Created,
        Some(head) if overtaken(head.requested_at, requested_at) => Verdict::Stale,
        Some(Head {
            deleted_at: Some(deleted),
            absent: false,
            ..
        }) if updated_at <= Some(*deleted) => Verdict::Stale,
        Some(Head {
            deleted_at: Some(_),
            ..
        }) => Verdict::Created,
        Some(head) if head.digest == *digest => Verdict::Unchanged,
        Some(_) => Verdict::Updated,
    }
}

/// Judges the news that a record was deleted `at`.
pub(crate) fn judge_deletion(known: Option<&Head>, at: Timestamp) -> Burial {
    match known {
        None
        | Some(Head {
            deleted_at: Some(_),
            absent: true,
            ..
        }) => Burial::Remembered,
        Some(Head {
            deleted_at: Some(_),
            ..
        }) => Burial::Known,
        Some(Head { updated_at, .. }) if *updated_at > Some(at) => Burial::Stale,
        Some(_) => Burial::Buried,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 16] = [1; 16];
    const B: [u8; 16] = [2; 16];

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn live(requested: i64, updated: Option<i64>) -> Head {
        Head {
            requested_at: at(requested),
            updated_at: updated.map(at),
            deleted_at: None,
            absent: false,
            rank: 0,
            digest: A,
            parent: None,
            frame: None,
        }
    }

    fn dead(requested: i64, deleted: i64, absent: bool) -> Head {
        Head {
            deleted_at: Some(at(deleted)),
            absent,
            ..live(requested, None)
        }
    }

    #[test]
    fn the_request_sent_later_counts() {
        for (known, requested, digest, verdict) in [
            (None, 10, A, Verdict::Created),
            (Some(live(10, None)), 9, B, Verdict::Stale),
            (Some(live(10, None)), 10, B, Verdict::Updated),
            (Some(live(10, None)), 11, B, Verdict::Updated),
            (Some(live(10, None)), 11, A, Verdict::Unchanged),
            (Some(live(10, None)), 9, A, Verdict::Stale),
        ] {
            assert_eq!(judge(known.as_ref(), at(requested), None, &digest), verdict);
        }
    }

    #[test]
    fn p22_a_clock_that_was_far_ahead_does_not_freeze_a_record() {
        let hour = 3_600_000;
        let judged = |known| judge(Some(&live(known, None)), at(10), None, &B);
        assert_eq!(judged(10 + hour), Verdict::Stale);
        assert_eq!(judged(11 + hour), Verdict::Updated);
    }

    #[test]
    fn a_tombstone_wins_unless_the_record_was_changed_after_it() {
        for (known, updated, verdict) in [
            (dead(10, 50, false), None, Verdict::Stale),
            (dead(10, 50, false), Some(49), Verdict::Stale),
            (dead(10, 50, false), Some(50), Verdict::Stale),
            (dead(10, 50, false), Some(51), Verdict::Created),
            (dead(99, 50, false), Some(51), Verdict::Stale),
        ] {
            assert_eq!(judge(Some(&known), at(20), updated.map(at), &A), verdict);
        }
    }

    #[test]
    fn a_record_missed_once_comes_back_when_a_later_request_shows_it() {
        let missed = dead(10, 50, true);
        assert_eq!(judge(Some(&missed), at(10), None, &A), Verdict::Created);
        assert_eq!(judge(Some(&missed), at(9), None, &A), Verdict::Stale);
    }

    #[test]
    fn a_deletion_older_than_the_last_change_is_ignored() {
        for (known, deleted, burial) in [
            (None, 50, Burial::Remembered),
            (Some(live(10, None)), 50, Burial::Buried),
            (Some(live(10, Some(50))), 50, Burial::Buried),
            (Some(live(10, Some(51))), 50, Burial::Stale),
            (Some(dead(10, 40, false)), 50, Burial::Known),
            (Some(dead(10, 40, true)), 50, Burial::Remembered),
        ] {
            assert_eq!(judge_deletion(known.as_ref(), at(deleted)), burial);
        }
    }
}
