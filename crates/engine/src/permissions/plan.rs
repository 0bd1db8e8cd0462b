//! What to try, so that Lever tells whether it is allowed: reads only, one record at most, never a person's own.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Connection, Stream, Timestamp};
use lever::registry as r;
use lever::{AnswerKind, Operation, RawCall};

use super::list::Permission;
use super::need::home;

/// Whether a permission is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// With this operation.
    Try(&'static Operation),
    /// It is not.
    Leave(Left),
}

/// Why a permission is not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Trying it would change something in Lever.
    Writes,
    /// It reads what the connection must not ask for.
    Eeo,
    /// Nothing that is switched on needs it.
    NotKept,
}

/// What to try for one permission.
pub(super) fn plan(permission: &Permission, connection: &Connection, all: bool) -> Plan {
    let Some(operation) = permission.read() else {
        return Plan::Leave(Left::Writes);
    };
    if tells_of_background(operation) && !connection.keeps(Stream::EeoResponses) {
        return Plan::Leave(Left::Eeo);
    }
    if all || is_used(operation, connection) {
        return Plan::Try(operation);
    }
    Plan::Leave(Left::NotKept)
}

/// Whether an operation tells of race, gender and the like, of one or of all (X23).
fn tells_of_background(operation: &'static Operation) -> bool {
    home(operation) == Some(Stream::EeoResponses) || operation.id == r::LIST_DIVERSITY_SURVEYS.id
}

fn is_used(operation: &'static Operation, connection: &Connection) -> bool {
    if operation.id == r::LIST_WEBHOOKS.id {
        return connection.webhooks;
    }
    !operation.deprecated && home(operation).is_some_and(|stream| connection.keeps(stream))
}

/// A day: the lists of deletions take no longer windows than 30 (behaviour: "Postings").
const WINDOW: Duration = Duration::from_secs(24 * 3600);

/// What is asked: one record of a list, or the record that has the id `nobody`, which no record has.
pub(super) fn query(operation: &Operation, now: Timestamp) -> Vec<(String, String)> {
    let values = [
        ("limit", "1".to_owned()),
        (
            "deleted_at_start",
            now.minus(WINDOW).as_millis().to_string(),
        ),
        ("deleted_at_end", now.as_millis().to_string()),
    ];
    values
        .into_iter()
        .filter(|(name, _)| operation.query.contains(name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The call that tries a read; none where it answers with a file.
pub(super) fn call(
    operation: &'static Operation,
    nobody: &str,
    query: Vec<(String, String)>,
) -> Option<RawCall> {
    if operation.answer == AnswerKind::Bytes {
        return None;
    }
    let path: BTreeMap<String, String> = operation
        .path_parameters()
        .map(|name| (name.to_owned(), nobody.to_owned()))
        .collect();
    let call = RawCall::new(operation, &path, query, None);
    Some(call.expect("a read takes its path, parameters it is registered with, and no body"))
}

/// The lists that tell whether the credential sees confidential records, the most telling first.
pub(super) const CONFIDENTIAL: [&Operation; 3] = [
    &r::LIST_OPPORTUNITIES,
    &r::LIST_POSTINGS,
    &r::LIST_REQUISITIONS,
];

#[cfg(test)]
mod tests {
    use lever::{Access, Method};

    use super::super::list::permissions;
    use super::*;
    use crate::testing;

    fn tried(connection: &Connection, all: bool) -> Vec<&'static str> {
        permissions()
            .iter()
            .filter_map(|permission| match plan(permission, connection, all) {
                Plan::Try(operation) => Some(operation.id),
                Plan::Leave(_) => None,
            })
            .collect()
    }

    fn connection(streams: &[Stream]) -> Connection {
        testing::connection(streams, Timestamp::default())
    }

    #[test]
    fn only_what_is_kept_is_tried_unless_all_is_asked_for() {
        let mut notes = tried(&connection(&[Stream::Notes]), false);
        notes.sort_unstable();
        assert_eq!(notes, ["getOpportunityNote", "listOpportunityNotes"]);
        let mut resumes = tried(&connection(&[Stream::Resumes]), false);
        resumes.sort_unstable();
        assert_eq!(
            resumes,
            [
                "downloadOpportunityResume",
                "getOpportunityResume",
                "listOpportunityResumes"
            ]
        );
        let with_webhooks = Connection {
            webhooks: true,
            ..connection(&[Stream::Tags])
        };
        let mut tags = tried(&with_webhooks, false);
        tags.sort_unstable();
        assert_eq!(tags, ["listTags", "listWebhooks"]);
        let default = tried(&connection(Stream::DEFAULT), false);
        assert!(!default.contains(&"listCandidates"));
        let all = tried(&connection(&[Stream::Tags]), true);
        assert!(all.contains(&"listCandidates") && all.contains(&"listAuditEvents"));
    }

    /// X23.
    #[test]
    fn nothing_of_eeo_is_tried_while_it_is_off() {
        let eeo = [
            "listEeoResponses",
            "listEeoResponsesPii",
            "listDiversitySurveys",
        ];
        let off = tried(&connection(Stream::DEFAULT), true);
        assert!(eeo.iter().all(|id| !off.contains(id)), "{off:?}");
        let on = tried(&connection(Stream::ALL), true);
        assert!(eeo.iter().all(|id| on.contains(id)), "{on:?}");
    }

    #[test]
    fn what_is_tried_only_reads_and_all_of_it_can_be_asked() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for permission in permissions() {
            match plan(&permission, &connection(Stream::ALL), true) {
                Plan::Try(operation) => {
                    assert_eq!(operation.access, Access::Read);
                    assert_eq!(operation.method, Method::Get);
                    let call = call(operation, "nobody", query(operation, now));
                    assert_eq!(call.is_none(), operation.answer == AnswerKind::Bytes);
                }
                Plan::Leave(left) => assert_eq!(left, Left::Writes, "{}", permission.name),
            }
        }
        assert_eq!(
            query(&r::LIST_DELETED_POSTINGS, now),
            [
                ("limit".to_owned(), "1".to_owned()),
                ("deleted_at_start".to_owned(), "1699913600000".to_owned()),
                ("deleted_at_end".to_owned(), "1700000000000".to_owned())
            ]
        );
        assert_eq!(query(&r::GET_USER, now), []);
    }
}
