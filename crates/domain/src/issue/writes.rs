//! What operations tell of problems.

use std::collections::BTreeMap;
use std::time::Duration;

use super::merge::last_seen;
use super::problem::kind_in_words;
use super::{Affected, Finding, Issue, Problem};
use crate::Timestamp;
use crate::operation::{Failure, FailureKind, Operation, State, Write};

/// How many operations are worth looking at, the newest first.
pub const MOST_WRITES: usize = 500;

/// What failed longer ago is not told any more.
const RECENT: Duration = Duration::from_secs(7 * 24 * 3600);

/// What was done about the problems of writes.
#[derive(Debug, Clone, Default)]
pub struct Mended {
    /// Since when the present credential is used: what one before it lacked says nothing of this one.
    pub credential: Option<Timestamp>,
    /// When product users were linked to Lever users, by the e-mail that operations name.
    pub linked: BTreeMap<String, Timestamp>,
}

impl Mended {
    /// Whether a failure was for want of a permission of another credential than the present one.
    fn by_credential(&self, operation: &Operation, failure: &Failure) -> bool {
        failure.kind == FailureKind::PermissionMissing
            && self
                .credential
                .is_some_and(|since| since > operation.updated_at)
    }
}

/// The problems that operations tell of; `operations` are the newest first.
///
/// A failure is told until a later write of its kind succeeds, a missing permission until there is another credential,
/// what is uncertain until somebody decides, and a user who was passed over until a later write finds one for the same
/// product user, or that one is linked; each for seven days at most.
pub fn of_writes(
    operations: &[Operation],
    known: &[Issue],
    mended: &Mended,
    now: Timestamp,
) -> Vec<Finding> {
    let recent: Vec<&Operation> = operations
        .iter()
        .filter(|operation| now.since(operation.updated_at) < RECENT)
        // A bulk fails as its items do.
        .filter(|operation| !matches!(operation.write, Write::Bulk(_)))
        .collect();
    let succeeded = newest(&recent, |operation| {
        (operation.state == State::Succeeded).then(|| operation.write.kind())
    });
    let acted = newest(&recent, |operation| {
        let expected = operation.passed_over.is_none();
        operation.asked_for.as_deref().filter(|_| expected)
    });
    let mut found = Vec::new();
    for operation in recent {
        let kind = operation.write.kind();
        let overtaken = succeeded
            .get(kind)
            .is_some_and(|at| *at > operation.updated_at);
        let problem = match &operation.state {
            State::Uncertain(_) => Some(Problem::WritesUncertain {
                write: kind.to_owned(),
            }),
            State::Failed(failure) if !overtaken && !mended.by_credential(operation, failure) => {
                of_failure(kind, failure)
            }
            _ => None,
        };
        found.extend(
            problem.map(|problem| finding(problem, operation, operation.updated_at, known)),
        );
        let asked_for = operation.asked_for.as_deref().unwrap_or_default();
        let found_since = [acted.get(asked_for), mended.linked.get(asked_for)]
            .into_iter()
            .flatten()
            .any(|at| *at > operation.updated_at);
        // That the default may not act is a problem of its own.
        let passed_over = operation.passed_over.filter(|why| !why.is_of_default());
        if let Some(why) = passed_over.filter(|_| !found_since) {
            let problem = Problem::ActingUser(why);
            found.push(finding(problem, operation, operation.created_at, known));
        }
    }
    found
}

/// Whether Lever rejected the key for the operation that moved last of those that came to an end.
pub fn reject_key(operations: &[Operation]) -> bool {
    let ended = operations
        .iter()
        .filter(|operation| matches!(operation.state, State::Succeeded | State::Failed(_)));
    let last = ended.max_by_key(|operation| operation.updated_at);
    last.and_then(|operation| operation.state.failure())
        .is_some_and(|failure| failure.kind == FailureKind::KeyRejected)
}

/// The newest time of each name that operations have.
fn newest<'a>(
    operations: &[&'a Operation],
    name: impl Fn(&'a Operation) -> Option<&'a str>,
) -> BTreeMap<&'a str, Timestamp> {
    let mut newest = BTreeMap::new();
    for operation in operations {
        if let Some(name) = name(operation) {
            let at: &mut Timestamp = newest.entry(name).or_insert(operation.updated_at);
            *at = operation.updated_at.max(*at);
        }
    }
    newest
}

/// The problem behind a failure; none for an answer that is no problem: people were there first, or a rule holds.
fn of_failure(write: &str, failure: &Failure) -> Option<Problem> {
    match failure.kind {
        // It is the problem of the key, whatever is written.
        FailureKind::KeyRejected => None,
        FailureKind::StageMoved
        | FailureKind::AlreadyArchived
        | FailureKind::ChangedInLever
        | FailureKind::RemovedInLever
        | FailureKind::NotOurs
        | FailureKind::Blocked(_)
        | FailureKind::Disconnected
        | FailureKind::ItemsFailed => None,
        FailureKind::PermissionMissing => {
            let named = failure
                .details
                .iter()
                .find(|(name, _)| name == "permission");
            let permission = named.map(|(_, permission)| permission.clone())?;
            let loss = format!("writes of the kind “{}” fail", kind_in_words(write));
            Some(Problem::PermissionMissing { permission, loss })
        }
        kind => Some(Problem::WritesFailing {
            write: write.to_owned(),
            kind,
            message: failure.message.clone(),
        }),
    }
}

/// A problem of one operation; it shows anew where its issue was not seen since.
fn finding(problem: Problem, operation: &Operation, at: Timestamp, known: &[Issue]) -> Finding {
    let seen = last_seen(known, problem.kind(), &problem.subject());
    let affected = vec![Affected::new("operation", operation.told_id())];
    let lasting = Finding::lasting(problem, affected);
    match seen.is_none_or(|seen| at > seen) {
        true => lasting.shown(1, at),
        false => lasting,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::issue::{IssueId, IssueKind, Look, looked};
    use crate::operation::{NoteText, OperationId};
    use crate::{PassedOver, testing};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure {
            kind,
            message: "Lever refused it".to_owned(),
            details: vec![("permission".to_owned(), "create note".to_owned())],
        }
    }

    fn note(number: u128, state: State, seconds: i64) -> Operation {
        Operation {
            id: OperationId::new(Uuid::from_u128(number)),
            state,
            created_at: at(seconds),
            updated_at: at(seconds),
            ..testing::operation(Write::CreateNote(NoteText::plain("n")))
        }
    }

    fn failed(number: u128, kind: FailureKind, seconds: i64) -> Operation {
        note(number, State::Failed(failure(kind)), seconds)
    }

    fn kinds(operations: &[Operation], seconds: i64) -> Vec<(IssueKind, String)> {
        let found = of_writes(operations, &[], &Mended::default(), at(seconds));
        let place = |one: Finding| (one.problem.kind(), one.problem.subject());
        found.into_iter().map(place).collect()
    }

    #[test]
    fn failures_are_told_by_kind_and_reason_until_a_later_write_of_the_kind_succeeds() {
        let invalid = failed(1, FailureKind::Invalid, 10);
        let told = kinds(std::slice::from_ref(&invalid), 20);
        assert_eq!(
            told,
            [(
                IssueKind::WritesFailing,
                "CREATE_NOTE LEVER_REFUSED".to_owned()
            )]
        );
        let earlier = note(2, State::Succeeded, 9);
        assert_eq!(kinds(&[invalid.clone(), earlier], 20).len(), 1);
        let later = note(2, State::Succeeded, 11);
        assert!(kinds(&[later, invalid], 20).is_empty());
    }

    #[test]
    fn a_permission_that_writes_lack_is_the_problem_of_that_permission() {
        let told = kinds(&[failed(1, FailureKind::PermissionMissing, 10)], 20);
        assert_eq!(
            told,
            [(IssueKind::PermissionMissing, "create note".to_owned())]
        );
    }

    #[test]
    fn answers_that_are_no_problem_are_not_told() {
        for kind in [
            FailureKind::StageMoved,
            FailureKind::AlreadyArchived,
            FailureKind::ChangedInLever,
            FailureKind::KeyRejected,
        ] {
            assert!(kinds(&[failed(1, kind, 10)], 20).is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn the_key_is_rejected_where_the_last_operation_to_end_says_so() {
        let rejected = failed(1, FailureKind::KeyRejected, 10);
        assert!(reject_key(std::slice::from_ref(&rejected)));
        let waiting = note(2, State::Recorded { not_before: None }, 11);
        assert!(reject_key(&[waiting, rejected.clone()]));
        let later = note(2, State::Succeeded, 11);
        assert!(!reject_key(&[later, rejected]));
        assert!(!reject_key(&[]));
    }

    #[test]
    fn what_is_uncertain_is_told_whatever_succeeds_and_everything_for_seven_days_only() {
        let uncertain = note(1, State::Uncertain(failure(FailureKind::Unknown)), 10);
        let all = [note(2, State::Succeeded, 11), uncertain];
        let told = [(IssueKind::WritesUncertain, "CREATE_NOTE".to_owned())];
        assert_eq!(kinds(&all, 20), told);
        let days = 10 + 7 * 24 * 3600;
        assert_eq!(kinds(&all, days - 1), told);
        assert!(kinds(&all, days).is_empty());
    }

    #[test]
    fn a_product_user_who_was_passed_over_is_told_until_a_later_write_finds_one_for_them() {
        let passed = |number, email: &str, why, seconds| Operation {
            asked_for: Some(email.to_owned()),
            passed_over: why,
            ..note(number, State::Succeeded, seconds)
        };
        let over = passed(1, "a@b.c", Some(PassedOver::Deactivated), 10);
        let told = [(IssueKind::ActingUser, "DEACTIVATED".to_owned())];
        assert_eq!(kinds(std::slice::from_ref(&over), 20), told);
        let other = passed(2, "x@b.c", None, 11);
        assert_eq!(kinds(&[other, over.clone()], 20), told);
        let same = passed(2, "a@b.c", None, 11);
        assert!(kinds(&[same, over], 20).is_empty());
    }

    #[test]
    fn each_failure_is_counted_once_however_often_it_is_looked_at() {
        let mut issues: Vec<Issue> = Vec::new();
        let mut operations = vec![failed(1, FailureKind::Invalid, 10)];
        for (now, counted) in [(20, 1), (30, 1), (200, 2)] {
            if now == 200 {
                operations.insert(0, failed(2, FailureKind::Invalid, 190));
            }
            let look = Look {
                findings: of_writes(&operations, &issues, &Mended::default(), at(now)),
                ..Look::default()
            };
            let after = looked(&issues, &look, at(now), || IssueId::new(Uuid::from_u128(1)));
            issues = match after.changed.is_empty() {
                true => issues,
                false => after.changed,
            };
            assert_eq!(issues[0].count, counted, "at {now}");
        }
        assert_eq!(issues[0].affected.len(), 2);
    }

    #[test]
    fn an_item_of_a_bulk_is_named_as_everywhere() {
        let bulk = OperationId::with_room(Uuid::from_u128(1 << 20));
        let item = Operation {
            id: bulk.item(7),
            parent: Some(bulk),
            ..failed(1, FailureKind::Invalid, 10)
        };
        let found = of_writes(&[item], &[], &Mended::default(), at(20)).remove(0);
        assert_eq!(
            found.affected,
            [Affected::new("operation", format!("{bulk}/7"))]
        );
    }

    #[test]
    fn another_credential_and_a_link_end_what_they_mend() {
        let lacking = failed(1, FailureKind::PermissionMissing, 10);
        let passed_over = Operation {
            asked_for: Some("ada@example.com".to_owned()),
            passed_over: Some(PassedOver::Unknown),
            ..note(2, State::Succeeded, 10)
        };
        let told = |operation: &Operation, mended: &Mended| {
            let operations = std::slice::from_ref(operation);
            of_writes(operations, &[], mended, at(30)).len()
        };
        let since = |seconds| Mended {
            credential: Some(at(seconds)),
            ..Mended::default()
        };
        assert_eq!([9, 20].map(|at| told(&lacking, &since(at))), [1, 0]);
        let invalid = failed(3, FailureKind::Invalid, 10);
        assert_eq!(told(&invalid, &since(20)), 1, "no matter of the key");
        let linked = |email: &str, seconds| Mended {
            linked: [(email.to_owned(), at(seconds))].into(),
            ..Mended::default()
        };
        assert_eq!(told(&passed_over, &linked("ada@example.com", 20)), 0);
        assert_eq!(told(&passed_over, &linked("ada@example.com", 9)), 1);
        assert_eq!(told(&passed_over, &linked("other@example.com", 20)), 1);
    }
}
