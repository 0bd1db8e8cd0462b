//! What a look makes of issues.

use uuid::Uuid;

use super::*;
use crate::PassedOver;
use crate::operation::FailureKind;
use crate::stage_mapping::{Drift, DriftKind};

const MINUTE: i64 = 60;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn stale(stream: &str) -> Problem {
    Problem::StreamStale {
        stream: stream.to_owned(),
    }
}

fn key_rejected() -> Problem {
    Problem::KeyRejected {
        environment: "api.eu.lever.co".to_owned(),
        last_four: "1234".to_owned(),
    }
}

/// One connection's issues, looked at again and again.
#[derive(Default)]
struct Book {
    issues: Vec<Issue>,
    given: u128,
}

impl Book {
    fn look(&mut self, findings: Vec<Finding>, seconds: i64) -> Lookup {
        let look = Look {
            findings,
            unknown: Default::default(),
        };
        self.look_at(&look, seconds)
    }

    fn look_at(&mut self, look: &Look, seconds: i64) -> Lookup {
        let after = looked(&self.issues, look, at(seconds), || {
            self.given += 1;
            IssueId::new(Uuid::from_u128(self.given))
        });
        self.issues.retain(|issue| {
            let changed = after.changed.iter().any(|one| one.id == issue.id);
            !changed && !after.removed.contains(&issue.id)
        });
        self.issues.extend(after.changed.clone());
        after
    }

    fn only(&self) -> &Issue {
        assert_eq!(self.issues.len(), 1, "{:?}", self.issues);
        &self.issues[0]
    }
}

fn there(problem: Problem) -> Vec<Finding> {
    vec![Finding::lasting(problem, Vec::new())]
}

fn shown(problem: Problem, times: u64, seconds: i64) -> Vec<Finding> {
    vec![Finding::lasting(problem, Vec::new()).shown(times, at(seconds))]
}

fn remark(seconds: i64) -> Remark {
    Remark {
        by: "ada".to_owned(),
        at: at(seconds),
        note: "seen".to_owned(),
    }
}

#[test]
fn f52_a_problem_has_one_issue_however_often_it_shows() {
    let mut book = Book::default();
    book.look(shown(key_rejected(), 2, 10), 11);
    book.look(shown(key_rejected(), 3, 200), 201);
    let issue = book.only();
    assert_eq!((issue.count, issue.state()), (5, IssueState::Open));
    assert_eq!((issue.first_seen, issue.last_seen), (at(10), at(200)));
}

#[test]
fn problems_of_one_kind_about_different_things_have_an_issue_each() {
    let mut book = Book::default();
    book.look([there(stale("users")), there(stale("notes"))].concat(), 0);
    let subjects: Vec<_> = book.issues.iter().map(|issue| &*issue.subject).collect();
    assert_eq!(subjects, ["notes", "users"]);
}

#[test]
fn findings_of_one_problem_in_one_look_are_one() {
    let mut book = Book::default();
    let of = |stream: &str| vec![Affected::new("stream", stream)];
    let findings = ["notes", "offers", "notes"]
        .map(|stream| Finding::lasting(key_rejected(), of(stream)).shown(1, at(1)));
    book.look(findings.to_vec(), 1);
    let issue = book.only();
    assert_eq!(issue.count, 3);
    assert_eq!(issue.affected, [of("notes"), of("offers")].concat());
}

#[test]
fn what_a_problem_concerns_besides_is_told_with_the_next_look() {
    let mut book = Book::default();
    let of = |streams: &[&str]| {
        let all = streams.iter().map(|one| Affected::new("stream", *one));
        vec![Finding::lasting(key_rejected(), all.collect())]
    };
    book.look(of(&["notes"]), 0);
    let after = book.look(of(&["notes", "offers"]), 2);
    assert!(!after.may_wait);
    let issue = book.only();
    assert_eq!((issue.affected.len(), issue.count), (2, 1));
}

#[test]
fn what_is_gone_resolves_by_itself_and_what_comes_back_opens_the_old_issue_and_counts_on() {
    let mut book = Book::default();
    book.look(there(key_rejected()), 0);
    book.look(Vec::new(), 60);
    let gone = Some(Resolved::Gone { at: at(60) });
    assert_eq!((&book.only().resolved, book.only().present), (&gone, false));
    let id = book.only().id;
    book.look(there(key_rejected()), 120);
    let issue = book.only();
    assert_eq!((issue.id, issue.count, issue.reopened), (id, 2, 1));
    assert_eq!(
        (issue.state(), issue.first_seen, issue.last_seen),
        (IssueState::Open, at(0), at(120))
    );
}

#[test]
fn what_just_is_there_is_not_counted_again_and_kept_as_seen_once_an_hour() {
    let mut book = Book::default();
    book.look(there(key_rejected()), 0);
    assert_eq!(book.look(there(key_rejected()), 3000).changed, []);
    book.look(there(key_rejected()), 3601);
    assert_eq!((book.only().count, book.only().last_seen), (1, at(3601)));
}

#[test]
fn a_count_that_only_grows_may_wait_for_a_minute_and_nothing_else_may() {
    let mut book = Book::default();
    assert!(!book.look(shown(key_rejected(), 1, 0), 0).may_wait);
    assert!(book.look(shown(key_rejected(), 1, 30), 30).may_wait);
    assert!(
        !book
            .look(shown(key_rejected(), 1, 30 + MINUTE), 30 + MINUTE)
            .may_wait
    );
    assert!(!book.look(Vec::new(), 40 + MINUTE).may_wait);
    assert!(
        !book
            .look(shown(key_rejected(), 1, 41 + MINUTE), 41 + MINUTE)
            .may_wait
    );
}

#[test]
fn what_could_not_be_looked_for_stays_as_it_is() {
    let mut book = Book::default();
    book.look(there(key_rejected()), 0);
    let blind = Look {
        findings: Vec::new(),
        unknown: [IssueKind::KeyRejected].into(),
    };
    assert_eq!(book.look_at(&blind, 60).changed, []);
    assert_eq!(book.only().state(), IssueState::Open);
}

#[test]
fn what_nobody_can_look_for_is_gone_after_a_day_without_showing() {
    let mut book = Book::default();
    book.look(shown(Problem::WebhooksRefused, 1, 0), 0);
    book.look(Vec::new(), 24 * 3600 - 1);
    assert_eq!(book.only().state(), IssueState::Open);
    book.look(Vec::new(), 24 * 3600);
    assert_eq!(book.only().state(), IssueState::Resolved);
}

#[test]
fn a_muted_issue_stays_muted_when_it_shows_goes_and_comes_back_until_it_is_unmuted() {
    let mut book = Book::default();
    book.look(there(key_rejected()), 0);
    book.issues[0] = book.issues[0].clone().mute(remark(1));
    book.look(shown(key_rejected(), 1, 100), 100);
    assert_eq!(
        (book.only().state(), book.only().count),
        (IssueState::Muted, 2)
    );
    book.look(Vec::new(), 200);
    assert_eq!(book.only().state(), IssueState::Resolved);
    book.look(there(key_rejected()), 300);
    assert_eq!(book.only().state(), IssueState::Muted);
    assert_eq!(book.only().clone().unmute().state(), IssueState::Open);
}

#[test]
fn what_was_resolved_by_hand_opens_when_it_shows_anew_and_not_because_it_is_still_there() {
    let mut book = Book::default();
    book.look(there(key_rejected()), 0);
    book.issues[0] = book.issues[0].clone().resolve(remark(1));
    assert_eq!(book.look(there(key_rejected()), 7200).changed, []);
    assert_eq!(book.only().state(), IssueState::Resolved);
    book.look(shown(key_rejected(), 1, 7300), 7300);
    assert_eq!(
        (book.only().state(), book.only().reopened),
        (IssueState::Open, 1)
    );
}

#[test]
fn what_was_resolved_by_hand_and_then_went_opens_when_it_is_there_again() {
    let mut book = Book::default();
    book.look(there(key_rejected()), 0);
    book.issues[0] = book.issues[0].clone().resolve(remark(1));
    book.look(Vec::new(), 60);
    let by_hand = Some(Resolved::ByHand(remark(1)));
    assert_eq!(
        (&book.only().resolved, book.only().present),
        (&by_hand, false)
    );
    book.look(there(key_rejected()), 120);
    assert_eq!(book.only().state(), IssueState::Open);
}

#[test]
fn new_words_for_the_same_problem_take_the_place_of_the_old_ones() {
    let mut book = Book::default();
    let failing = |why: &str| Problem::StreamFailing {
        stream: "notes".to_owned(),
        why: why.to_owned(),
    };
    book.look(there(failing("away")), 0);
    book.look(there(failing("slow")), 1);
    assert!(book.only().message.contains("slow"), "{:?}", book.only());
    assert_eq!(book.only().count, 1);
}

#[test]
fn the_newest_affected_come_first_and_only_so_many() {
    let mut book = Book::default();
    let with = |from: usize, to: usize| {
        let affected = (from..to).map(|n| Affected::new("operation", n.to_string()));
        vec![Finding::lasting(key_rejected(), affected.collect()).shown(1, at(1))]
    };
    book.look(with(0, 15), 1);
    book.look(with(100, 110), 200);
    let affected = &book.only().affected;
    assert_eq!(affected.len(), MOST_AFFECTED);
    assert_eq!((&*affected[0].id, &*affected[10].id), ("100", "0"));
}

#[test]
fn the_oldest_resolved_issues_make_room_and_open_ones_do_not() {
    let mut book = Book::default();
    let streams = |from: usize, to: usize| -> Vec<Finding> {
        (from..to)
            .flat_map(|n| there(stale(&format!("{n:03}"))))
            .collect()
    };
    book.look(streams(0, MOST_ISSUES), 0);
    book.look(streams(1, MOST_ISSUES), 1);
    book.look(streams(1, MOST_ISSUES + 1), 2);
    assert_eq!(book.issues.len(), MOST_ISSUES);
    assert!(
        book.issues
            .iter()
            .all(|issue| issue.state() == IssueState::Open)
    );
    // There is no room for one more, and none of them goes for it.
    book.look(streams(1, MOST_ISSUES + 2), 3);
    assert_eq!(book.issues.len(), MOST_ISSUES);
    assert!(book.issues.iter().any(|issue| issue.subject == "001"));
}

#[test]
fn a_resolved_issue_is_kept_for_ninety_days() {
    let mut book = Book::default();
    book.look(there(key_rejected()), 0);
    book.look(Vec::new(), 60);
    let days = |days: i64| 60 + days * 24 * 3600;
    assert_eq!(book.look(Vec::new(), days(90) - 1).removed, []);
    assert_eq!(book.look(Vec::new(), days(90)).removed.len(), 1);
}

#[test]
fn f52_a_missing_permission_is_told_in_words_for_people() {
    let problem = Problem::PermissionMissing {
        permission: "find all opportunity notes".to_owned(),
        loss: String::new(),
    };
    assert_eq!(
        problem.message(),
        "Lever refused to list notes: the key lacks “find all opportunity notes”."
    );
    assert!(
        problem.repair().starts_with(
            "Ask a Lever Super Admin to make a new key, then replace the key with RotateCredential \
             (`fulcrum rotate-credential`)"
        ),
        "{}",
        problem.repair()
    );
}

#[test]
fn x25_a_rejected_key_is_told_with_where_it_must_be_from() {
    let problem = key_rejected();
    for text in [problem.message(), problem.repair()] {
        assert!(text.contains("api.eu.lever.co"), "{text}");
    }
    assert!(problem.message().contains("Data API key"));
}

#[test]
fn drift_is_one_problem_for_each_kind_of_change_and_tells_the_first_few() {
    let stage = |n: usize| Drift {
        kind: DriftKind::NewStage,
        id: format!("s{n}"),
        text: format!("Stage {n}"),
        last_known_text: String::new(),
    };
    let mut drift: Vec<Drift> = (0..5).map(stage).collect();
    drift.push(Drift {
        kind: DriftKind::MissingReason,
        ..stage(9)
    });
    let found = Problem::of_drift(&drift);
    let subjects: Vec<_> = found.iter().map(|one| one.problem.subject()).collect();
    assert_eq!(subjects, ["NEW_STAGE", "MISSING_REASON"]);
    assert_eq!(found[0].affected.len(), 5);
    let message = found[0].problem.message();
    assert!(
        message.contains("Stage 2") && !message.contains("Stage 3"),
        "{message}"
    );
    assert!(
        message.ends_with("There are 2 more of this kind."),
        "{message}"
    );
}

/// One problem of every kind.
fn every_problem() -> Vec<Problem> {
    let text = || "Something is not as it should be in this account.".to_owned();
    vec![
        key_rejected(),
        Problem::GrantLost { why: text() },
        Problem::Unusable { why: text() },
        Problem::PermissionMissing {
            permission: "create webhook".to_owned(),
            loss: "no webhooks".to_owned(),
        },
        Problem::StreamFailing {
            stream: "eeo_responses".to_owned(),
            why: text(),
        },
        stale("users"),
        Problem::PausedByLever { why: text() },
        Problem::WebhooksNotRegistered { why: text() },
        Problem::WebhooksRefused,
        Problem::Quarantined {
            stream: "users".to_owned(),
            records: 2,
        },
        Problem::MappingDrift {
            kind: DriftKind::NewStage,
            told: vec![text()],
            changes: 1,
        },
        Problem::WritesFailing {
            write: "CREATE_NOTE".to_owned(),
            kind: FailureKind::Invalid,
            message: text(),
        },
        Problem::WritesUncertain {
            write: "CREATE_NOTE".to_owned(),
        },
        Problem::ActingUser(PassedOver::Deactivated),
        Problem::DefaultActingUser { deactivated: true },
        Problem::DiskLow {
            writes_stopped: true,
        },
        Problem::WorkerPanicked {
            worker: "pull".to_owned(),
        },
        Problem::FieldGone {
            path: "requisitions.customFields[\"cost_center\"]".to_owned(),
            fields: vec!["COST_CENTER".to_owned()],
        },
        Problem::NoteTwice,
        Problem::LeverUnreachable {
            environment: "api.eu.lever.co".to_owned(),
        },
        Problem::NoTurn,
    ]
}

#[test]
fn every_problem_has_its_kind_and_whole_sentences_that_say_what_is_wrong_and_what_to_do() {
    let problems = every_problem();
    let kinds: Vec<IssueKind> = problems.iter().map(Problem::kind).collect();
    assert_eq!(kinds, IssueKind::ALL);
    for problem in problems {
        for text in [problem.message(), problem.repair()] {
            assert!(text.ends_with('.') && text.len() > 40, "{text}");
            assert!(!text.starts_with(char::is_lowercase), "{text}");
            assert!(!text.contains("  ") && !text.contains(".."), "{text}");
        }
    }
}

#[test]
fn kinds_are_found_by_their_names() {
    for kind in IssueKind::ALL {
        assert_eq!(IssueKind::from_name(kind.name()), Some(*kind));
    }
    assert_eq!(IssueKind::from_name("OTHER"), None);
}
