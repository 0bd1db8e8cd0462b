//! What the present state says about a write: whether it is done, needless or wrong by now.

use domain::operation::{Event, Failure, FailureKind, Rejection};
use domain::{Operation, Write};
use lever::ArchiveReasonId;

use super::again;
use super::tried::{Entries, Tried};

/// What the present state says about a write that may not be needed, or not be right, any more.
///
/// `tried` tells of earlier tries: a move that the history shows since the first of them, beside those of other
/// operations, was ours, and must not undo what somebody did after it.
pub(super) fn decide(
    operation: &Operation,
    present: &lever::Opportunity,
    tried: Option<&Tried>,
) -> Option<Event> {
    let done = Some(Event::Done { result_id: None });
    match operation.present_write() {
        Write::ChangeStage {
            stage,
            expected_stage,
        } => {
            let entries = tried.map_or_else(Entries::default, |tried| tried.entries(present));
            let unclear = tried.is_some_and(|tried| tried.unclear);
            let expected = expected_stage.as_ref();
            let acting = operation.acting_user.as_ref();
            if present.stage.as_ref() == Some(stage) || unclear && entries.have_ours(acting, stage)
            {
                return done;
            }
            // What a person asks for again is made, as far as nothing else is in its way.
            let lost = tried.is_some_and(|tried| tried.lost_in_line.is_some());
            if lost && entries.may_have_ours(acting, stage) {
                return Some(Event::Undecided(moved_by_somebody(present)));
            }
            // Somebody else was first, or has moved the person after our first try, which had no effect.
            if expected.is_some_and(|expected| present.stage.as_ref() != Some(expected))
                || tried.is_some_and(|tried| tried.stand_against(&entries, operation.stood_back()))
            {
                return Some(Event::Refused(moved(present)));
            }
            // Who was to be active in a stage, or is one of many, is left alone where they were archived.
            let yields = expected.is_some() || operation.parent.is_some();
            (yields && present.archived.is_some())
                .then(|| Event::Skipped(already_archived(present)))
        }
        Write::Archive {
            reason, rejects, ..
        } => {
            if present.archived.is_none() && tried.is_some_and(|tried| tried.may_be_undone(present))
            {
                return Some(Event::Undecided(again::may_be_undone()));
            }
            let unclear = tried.is_some_and(|tried| tried.unclear);
            let ours = unclear && archived_for(present) == Some(reason);
            let yields = rejects.is_some()
                || operation.stood_back()
                || tried.is_some_and(|tried| archived_by_others(present, tried));
            match present.archived {
                Some(_) if ours => done,
                Some(_) if yields => Some(Event::Skipped(already_archived(present))),
                Some(_) => None,
                None => rejected_elsewhere(rejects.as_ref()?, present),
            }
        }
        Write::Unarchive if present.archived.is_none() => done,
        Write::Unarchive if tried.is_some_and(|tried| tried.may_be_undone(present)) => {
            Some(Event::Undecided(again::may_be_undone()))
        }
        // Others have archived the person after our first try.
        Write::Unarchive => tried
            .filter(|tried| tried.in_line.is_some() && archived_by_others(present, tried))
            .map(|_| Event::Skipped(already_archived(present))),
        write => {
            let tried = tried.filter(|tried| tried.lost_in_line.is_some())?;
            match again::is_as_asked(write, present)? {
                true => done,
                false => tried
                    .may_be_undone(present)
                    .then(|| Event::Undecided(again::may_be_undone())),
            }
        }
    }
}

/// Whether others have archived an opportunity since it was tried first.
fn archived_by_others(present: &lever::Opportunity, tried: &Tried) -> bool {
    let at = present.archived.as_ref().and_then(|it| it.archived_at);
    let reason = archived_for(present);
    let ours = reason.is_some_and(|reason| tried.ours.archived_for.contains(reason));
    at.is_some_and(|at| at >= tried.since()) && !ours
}

/// The reason that an opportunity is archived for.
fn archived_for(present: &lever::Opportunity) -> Option<&ArchiveReasonId> {
    present.archived.as_ref()?.reason.as_ref()
}

/// Somebody else was first, for whatever reason: what follows from an archiving, such as an e-mail, is theirs.
fn already_archived(present: &lever::Opportunity) -> Failure {
    let reason = archived_for(present).map_or("", |reason| reason.as_str());
    Failure {
        kind: FailureKind::AlreadyArchived,
        message: "the person is archived already: nothing was written over that".to_owned(),
        details: vec![("present_archive_reason_id".to_owned(), reason.to_owned())],
    }
}

/// What follows from a rejection of somebody who was to be in another stage.
fn rejected_elsewhere(rejects: &Rejection, present: &lever::Opportunity) -> Option<Event> {
    let expected = rejects.expected_stage.as_ref()?;
    (present.stage.as_ref() != Some(expected)).then(|| Event::Refused(moved(present)))
}

/// Somebody else was first.
fn moved(present: &lever::Opportunity) -> Failure {
    let present_stage = present.stage.as_ref().map_or("", |stage| stage.as_str());
    Failure {
        kind: FailureKind::StageMoved,
        message: "the person is in another stage: nothing was written over that; RetryOperation writes over it where \
                  no stage was expected, else ask anew with the present stage as the expected one"
            .to_owned(),
        details: vec![("present_stage_id".to_owned(), present_stage.to_owned())],
    }
}

/// Lever shows the move, and whose it is cannot be told.
fn moved_by_somebody(present: &lever::Opportunity) -> Failure {
    Failure {
        kind: FailureKind::Unknown,
        message: "the answer was lost, and the move that Lever shows since may be this one or somebody's own: \
                  look in Lever before asking again"
            .to_owned(),
        ..moved(present)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{ConnectionId, Timestamp};
    use lever::{StageId, UserId};
    use serde_json::json;

    use super::super::moves;
    use super::super::tried::{CLOCKS_DIFFER, Moved, Ours};
    use super::*;
    use crate::testing;

    fn opportunity(value: serde_json::Value) -> lever::Opportunity {
        serde_json::from_value(value).unwrap()
    }

    fn asked(write: Write) -> Operation {
        testing::operation(ConnectionId::from_bytes([0; 16]), "r", write)
    }

    fn move_to(stage: &str, expected: Option<&str>) -> Operation {
        asked(Write::ChangeStage {
            stage: StageId::from(stage),
            expected_stage: expected.map(StageId::from),
        })
    }

    fn archive(reason: &str, rejects: Option<Rejection>) -> Operation {
        asked(Write::Archive {
            reason: ArchiveReasonId::from(reason),
            requisition: None,
            clean_interviews: false,
            rejects,
        })
    }

    /// Tried first at a time; nobody else of ours has done anything since.
    fn tried(ms: i64) -> Tried {
        Tried {
            first: Timestamp::from_millis(ms),
            doubt: Duration::ZERO,
            unclear: true,
            in_line: Some(Timestamp::from_millis(ms)),
            lost_in_line: Some(Timestamp::from_millis(ms)),
            found: None,
            stamp: None,
            ours: Ours::default(),
        }
    }

    #[test]
    fn what_is_done_already_is_not_done_again() {
        let present = opportunity(
            json!({"id": "o", "stage": "b", "archived": {"reason": "r", "archivedAt": 1}}),
        );
        let done = Some(Event::Done { result_id: None });
        assert_eq!(decide(&move_to("b", None), &present, None), done);
        assert_eq!(decide(&move_to("b", Some("a")), &present, None), done);
        assert_eq!(decide(&archive("r", None), &present, Some(&tried(0))), done);
        assert_eq!(decide(&asked(Write::Unarchive), &present, None), None);
        let active = opportunity(json!({"id": "o", "stage": "b", "archived": null}));
        assert_eq!(decide(&asked(Write::Unarchive), &active, None), done);
    }

    #[test]
    fn whoever_was_archived_by_others_is_not_rejected_and_not_archived_after_a_hold() {
        let present = opportunity(json!({"id": "o", "archived": {"reason": "r", "archivedAt": 1}}));
        let rejection = |reason| archive(reason, Some(Rejection::default()));
        let held = |reason| {
            let recorded = archive(reason, None);
            Operation {
                queued_at: recorded.created_at.plus(Duration::from_secs(60)),
                ..recorded
            }
        };
        let tried = tried(0);
        let why =
            |operation: &Operation, tried: Option<&Tried>| match decide(operation, &present, tried)
            {
                Some(Event::Skipped(why)) => why,
                other => panic!("{other:?}"),
            };
        for operation in [rejection("r"), rejection("other"), held("r"), held("other")] {
            let why = why(&operation, None);
            assert_eq!(why.kind, FailureKind::AlreadyArchived);
            let reason = ("present_archive_reason_id".to_owned(), "r".to_owned());
            assert_eq!(why.details, [reason]);
        }
        // An earlier try of ours may have done it, but not for another reason.
        for (ours, not_ours) in [
            (rejection("r"), rejection("other")),
            (held("r"), held("other")),
        ] {
            let done = Some(Event::Done { result_id: None });
            assert_eq!(decide(&ours, &present, Some(&tried)), done);
            assert_eq!(
                why(&not_ours, Some(&tried)).kind,
                FailureKind::AlreadyArchived
            );
        }
        let active = opportunity(json!({"id": "o", "archived": null}));
        assert_eq!(decide(&rejection("r"), &active, None), None);
        assert_eq!(decide(&held("r"), &active, None), None);
    }

    /// A hire, say, while our archiving was under way or turned away for now.
    #[test]
    fn what_others_archived_after_the_first_try_stays_as_it_is() {
        let present = opportunity(
            json!({"id": "o", "updatedAt": 9, "archived": {"reason": "hired", "archivedAt": 9}}),
        );
        for unclear in [true, false] {
            let after = Tried {
                unclear,
                lost_in_line: unclear.then(|| Timestamp::from_millis(5)),
                ..tried(5)
            };
            for write in [archive("r", None), asked(Write::Unarchive)] {
                let told = decide(&write, &present, Some(&after));
                // An unarchiving whose answer was lost may have been made before that.
                match unclear && write.write == Write::Unarchive {
                    true => assert!(matches!(told, Some(Event::Undecided(_))), "{told:?}"),
                    false => assert!(matches!(told, Some(Event::Skipped(_))), "{told:?}"),
                }
                // Before it, the caller may have known.
                assert_eq!(decide(&write, &present, Some(&tried(10))), None);
                let ours = Ours {
                    archived_for: vec![ArchiveReasonId::from("hired")],
                    ..Ours::default()
                };
                let ours = Tried {
                    ours,
                    lost_in_line: None,
                    ..tried(5)
                };
                assert_eq!(decide(&write, &present, Some(&ours)), None);
            }
        }
    }

    #[test]
    fn nobody_who_was_archived_is_moved_on_where_that_was_not_expected() {
        let present = opportunity(
            json!({"id": "o", "stage": "a", "archived": {"reason": "r", "archivedAt": 1}}),
        );
        let skipped = |operation: &Operation| {
            matches!(decide(operation, &present, None), Some(Event::Skipped(_)))
        };
        let of_bulk = Operation {
            parent: Some(move_to("b", None).id),
            ..move_to("b", None)
        };
        assert!(skipped(&move_to("b", Some("a"))) && skipped(&of_bulk));
        assert!(!skipped(&move_to("b", None)));
        assert!(matches!(
            decide(&move_to("b", Some("c")), &present, None),
            Some(Event::Refused(_))
        ));
    }

    #[test]
    fn somebody_else_s_move_is_respected_and_told() {
        let present = opportunity(json!({"id": "o", "stage": "elsewhere"}));
        let Some(Event::Refused(failure)) = decide(&move_to("b", Some("a")), &present, None) else {
            panic!("the move was not refused");
        };
        assert_eq!(failure.kind, FailureKind::StageMoved);
        assert_eq!(
            failure.details,
            [("present_stage_id".to_owned(), "elsewhere".to_owned())]
        );
        assert_eq!(
            decide(&move_to("b", Some("elsewhere")), &present, None),
            None
        );
        assert_eq!(decide(&move_to("b", None), &present, None), None);
    }

    #[test]
    fn tags_are_written_at_first_whatever_is_there() {
        let present = opportunity(json!({"id": "o", "tags": ["a"]}));
        assert_eq!(
            decide(
                &asked(Write::AddTags {
                    tags: vec!["a".to_owned()]
                }),
                &present,
                None
            ),
            None
        );
    }

    #[test]
    fn a_move_that_had_its_effect_does_not_undo_what_somebody_did_since() {
        let present = opportunity(json!({"id": "o", "stage": "c", "stageChanges": [
            {"toStageId": "a", "updatedAt": 1_000}, {"toStageId": "b", "updatedAt": 5_000}, {"toStageId": "c", "updatedAt": 6_000}
        ]}));
        let done = Some(Event::Done { result_id: None });
        let (wary, plain) = (move_to("b", Some("a")), move_to("b", None));
        assert_eq!(decide(&wary, &present, Some(&tried(4_000))), done);
        assert_eq!(decide(&plain, &present, Some(&tried(4_000))), done);
        // The entries that the history shows were those of other operations.
        let moved = |to: &str, at: i64| Moved {
            to: StageId::from(to),
            from: Timestamp::from_millis(at - 10),
            until: Timestamp::from_millis(at + 10),
        };
        let others = |moved: Vec<Moved>| Tried {
            ours: Ours {
                moved,
                ..Ours::default()
            },
            ..tried(4_000)
        };
        let both = others(vec![moved("b", 5_000), moved("c", 6_000)]);
        assert_eq!(decide(&plain, &present, Some(&both)), None);
        // One was not, or came after a try without an effect: a person's, which stays.
        let one = others(vec![moved("b", 5_000)]);
        for tried in [one, tried(5_001)] {
            let told = decide(&plain, &present, Some(&tried));
            assert!(matches!(told, Some(Event::Refused(_))), "{told:?}");
        }
        // Whoever asks again has seen it.
        let again = Operation {
            queued_at: plain.created_at.plus(Duration::from_secs(60)),
            ..plain.clone()
        };
        let asked_again = |since: Option<i64>| Tried {
            in_line: since.map(Timestamp::from_millis),
            ..tried(5_001)
        };
        for since in [None, Some(6_001)] {
            let tried = asked_again(since);
            assert_eq!(decide(&again, &present, Some(&tried)), None);
        }
        let told = decide(&again, &present, Some(&asked_again(Some(5_999))));
        assert!(matches!(told, Some(Event::Refused(_))), "{told:?}");
        // Another of the same stage, long before: this one was ours.
        let long_ago = others(vec![moved("b", 4_100)]);
        assert_eq!(decide(&plain, &present, Some(&long_ago)), done);
        assert_eq!(decide(&move_to("b", None), &present, None), None);
    }

    #[test]
    fn what_people_did_just_before_a_try_is_not_its_effect() {
        let moved_by = |user: serde_json::Value| {
            opportunity(json!({"id": "o", "stage": "c", "stageChanges": [
                {"toStageId": "b", "updatedAt": 5_000, "userId": user}, {"toStageId": "c", "updatedAt": 5_500, "userId": "human"}
            ]}))
        };
        let done = Some(Event::Done { result_id: None });
        let sent = |ms| Tried {
            doubt: Duration::from_millis(2_000),
            ..tried(ms)
        };
        let mut asked_for = move_to("b", None);
        asked_for.acting_user = Some("us".into());
        let ours = [
            (move_to("b", None), moved_by(json!(null))),
            (asked_for.clone(), moved_by(json!("us"))),
        ];
        for (operation, present) in &ours {
            assert_eq!(decide(operation, present, Some(&sent(4_900))), done);
            // By a clock that is ahead of Lever's.
            assert_eq!(decide(operation, present, Some(&sent(6_900))), done);
        }
        let theirs = moved_by(json!("human"));
        for operation in [move_to("b", None), asked_for] {
            let told = decide(&operation, &theirs, Some(&sent(6_900)));
            assert!(matches!(told, Some(Event::Refused(_))), "{told:?}");
            // What is older than the clocks can differ is of no account.
            assert_eq!(decide(&operation, &theirs, Some(&sent(7_600))), None);
        }
    }

    #[test]
    fn what_the_first_try_found_is_nobody_s_move_since_whatever_the_clocks_say() {
        let person = |entries: &[serde_json::Value]| {
            let last = entries.last().unwrap()["toStageId"].clone();
            opportunity(json!({"id": "o", "stage": last, "stageChanges": entries}))
        };
        let entry = |stage: &str, at: i64, user: Option<&str>| json!({"toStageId": stage, "updatedAt": at, "userId": user});
        let before = [
            entry("a", 1_000, None),
            entry("b", 5_000, None),
            entry("c", 5_500, Some("human")),
        ];
        // A clock that is right, one an hour ahead of Lever's, and one an hour behind.
        for sent in [5_600, 3_605_600, -3_594_400] {
            let tried = Tried {
                doubt: CLOCKS_DIFFER,
                found: Some(moves::digest(&person(&before))),
                ..tried(sent)
            };
            let told = |since: &[serde_json::Value], acting: Option<&str>| {
                let mut operation = move_to("b", None);
                operation.acting_user = acting.map(UserId::from);
                let now = [before.as_slice(), since].concat();
                decide(&operation, &person(&now), Some(&tried))
            };
            let done = Some(Event::Done { result_id: None });
            // What people did just before it is of no account, also in the same stage.
            assert_eq!(told(&[], None), None);
            let theirs = entry("d", 5_700, Some("human"));
            for (by, acting) in [(None, None), (Some("us"), Some("us"))] {
                let ours = entry("b", 5_650, by);
                assert_eq!(told(&[ours, theirs.clone()], acting), done);
            }
            // Made for nobody, it may be ours in somebody's name.
            let perhaps = told(&[entry("b", 5_650, Some("human")), theirs.clone()], None);
            assert!(matches!(perhaps, Some(Event::Undecided(_))), "{perhaps:?}");
            for (by, acting) in [(Some("human"), Some("us")), (None, Some("us"))] {
                let not_ours = entry("b", 5_650, by);
                let told = told(&[not_ours, theirs.clone()], acting);
                assert!(matches!(told, Some(Event::Refused(_))), "{told:?}");
            }
        }
        // Where Lever no longer shows what was found, its times tell.
        let gone = person(&[entry("c", 5_500, Some("human"))]);
        let tried = Tried {
            found: Some([7; 32]),
            ..tried(5_600)
        };
        assert_eq!(decide(&move_to("b", None), &gone, Some(&tried)), None);
    }
}
