//! What a check told, as it is kept over a restart.
//!
//! Kept is what was found out; what a permission is needed for follows from the present settings.

use std::time::Duration;

use domain::{Connection, Timestamp};
use store::{PermissionReport as Kept, ReportedPermission};

use super::list::{Permission, permissions};
use super::verdict::Verdict;
use super::{
    ConfidentialAccess, Evidence, KeyState, PermissionReport, PermissionState, PermissionStatus,
    told,
};

const KEYS: [(KeyState, &str); 4] = [
    (KeyState::Accepted, "accepted"),
    (KeyState::Revoked, "revoked"),
    (KeyState::Rejected, "rejected"),
    (KeyState::Unknown, "unknown"),
];

const STATES: [(PermissionState, &str); 3] = [
    (PermissionState::Granted, "granted"),
    (PermissionState::Missing, "missing"),
    (PermissionState::NotTested, "not_tested"),
];

/// What is kept of a report about the credential that is used since then.
pub(super) fn to_store(report: &PermissionReport, credential_since: Option<Timestamp>) -> Kept {
    let whole = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Kept {
        credential_since,
        checked_at: report.checked_at,
        worked_at: report.worked_at,
        answered_in_ms: report.answered_in.map(whole),
        key: word(&KEYS, report.key).to_owned(),
        confidential: match report.confidential {
            ConfidentialAccess::On => Some(true),
            ConfidentialAccess::Off => Some(false),
            ConfidentialAccess::Unknown => None,
        },
        permissions: report.permissions.iter().map(one).collect(),
    }
}

fn one(status: &PermissionStatus) -> ReportedPermission {
    let (evidence, used_at) = match status.evidence {
        None => ("", None),
        Some(Evidence::Probed) => ("probed", None),
        Some(Evidence::Inferred) => ("inferred", None),
        Some(Evidence::Used(at)) => ("used", Some(at)),
    };
    ReportedPermission {
        name: status.name.to_owned(),
        state: word(&STATES, status.state).to_owned(),
        evidence: evidence.to_owned(),
        used_at,
        reason: status.reason.clone(),
    }
}

/// The report that is kept, for the present settings. A permission that nobody knew when it was made was not tested.
pub(super) fn from_store(kept: &Kept, connection: &Connection) -> PermissionReport {
    let all = permissions();
    let status = |permission: &Permission| {
        let mut found = kept.permissions.iter();
        let found = found.find(|one| one.name == permission.name);
        let verdict = match found {
            Some(one) => verdict(one),
            None => Verdict {
                state: PermissionState::NotTested,
                evidence: None,
                reason: "the last check did not know it: check again".to_owned(),
            },
        };
        told(permission, connection, verdict)
    };
    PermissionReport {
        permissions: all.iter().map(status).collect(),
        confidential: match kept.confidential {
            Some(true) => ConfidentialAccess::On,
            Some(false) => ConfidentialAccess::Off,
            None => ConfidentialAccess::Unknown,
        },
        key: value(&KEYS, &kept.key).unwrap_or(KeyState::Unknown),
        worked_at: kept.worked_at,
        checked_at: kept.checked_at,
        answered_in: kept.answered_in_ms.map(Duration::from_millis),
    }
}

fn verdict(one: &ReportedPermission) -> Verdict {
    let evidence = match (one.evidence.as_str(), one.used_at) {
        ("probed", _) => Some(Evidence::Probed),
        ("inferred", _) => Some(Evidence::Inferred),
        ("used", Some(at)) => Some(Evidence::Used(at)),
        _ => None,
    };
    Verdict {
        state: value(&STATES, &one.state).unwrap_or(PermissionState::NotTested),
        evidence,
        reason: one.reason.clone(),
    }
}

fn word<T: Copy + PartialEq>(words: &[(T, &'static str)], value: T) -> &'static str {
    let found = words.iter().find(|(one, _)| *one == value);
    found.map_or("", |(_, word)| word)
}

fn value<T: Copy>(words: &[(T, &str)], word: &str) -> Option<T> {
    let found = words.iter().find(|(_, one)| *one == word);
    found.map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use domain::Stream;

    use super::*;
    use crate::testing;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_report_is_the_same_after_it_was_kept() {
        let connection = testing::connection(&[Stream::Notes, Stream::Opportunities], at(0));
        let evidence = [
            None,
            Some(Evidence::Probed),
            Some(Evidence::Inferred),
            Some(Evidence::Used(at(7))),
        ];
        for (key, _) in KEYS {
            let statuses = permissions();
            let statuses = statuses.iter().enumerate().map(|(place, permission)| {
                let verdict = Verdict {
                    state: STATES[place % STATES.len()].0,
                    evidence: evidence[place % evidence.len()],
                    reason: format!("reason {place}"),
                };
                told(permission, &connection, verdict)
            });
            let report = PermissionReport {
                permissions: statuses.collect(),
                confidential: ConfidentialAccess::Off,
                key,
                worked_at: Some(at(8)),
                checked_at: at(9),
                answered_in: Some(Duration::from_millis(42)),
            };
            let kept = to_store(&report, Some(at(1)));
            assert_eq!(kept.credential_since, Some(at(1)));
            assert_eq!(from_store(&kept, &connection), report);
        }
    }

    #[test]
    fn a_permission_that_came_later_was_not_tested() {
        let connection = testing::connection(&[Stream::Notes], at(0));
        let report = from_store(&Kept::default(), &connection);
        let untested = |one: &PermissionStatus| one.state == PermissionState::NotTested;
        assert!(report.permissions.iter().all(untested) && !report.permissions.is_empty());
    }
}
