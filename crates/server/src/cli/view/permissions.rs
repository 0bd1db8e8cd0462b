//! What Lever lets a credential do.

use anstyle::Style;
use proto::v1 as pb;

use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, HEADING, WARN, counted, styled, time};

/// The key, then the permissions of the guide, then the others of which something is known.
pub(crate) fn page(
    connection: &pb::Connection,
    report: &pb::CheckPermissionsResponse,
    now_ms: i64,
) -> String {
    let mut text = head(connection, report);
    text.push_str(&missing(report));
    let (guide, others): (Vec<_>, Vec<_>) = report
        .permissions
        .iter()
        .partition(|permission| permission.in_guide);
    text.push('\n');
    text.push_str(&table(guide, now_ms));
    let known = |permission: &&pb::Permission| permission.state() != pb::PermissionState::NotTested;
    let (others, untested): (Vec<_>, Vec<_>) = others.into_iter().partition(known);
    if !others.is_empty() {
        text.push('\n');
        text.push_str(&styled(HEADING, "Beyond the set-up guide"));
        text.push('\n');
        text.push_str(&table(others, now_ms));
    }
    text.push('\n');
    text.push_str(&styled(DIM, &foot(report, untested.len())));
    text.push('\n');
    text
}

/// What access that cannot be given later costs (Lever: a key has it from the beginning, or never).
const WITHOUT_CONFIDENTIAL: &str = "Confidential people, notes and offers are not mirrored and cannot be written to. For them make a key \
                                    with “Allow access to confidential data”, which Lever gives no key later, and replace this \
                                    one: `fulcrum rotate-credential`.\n";

fn head(connection: &pb::Connection, report: &pb::CheckPermissionsResponse) -> String {
    let (style, key) = match report.key_state() {
        pb::KeyState::Accepted => (GOOD, "accepted"),
        pb::KeyState::Revoked => (BAD, "revoked"),
        pb::KeyState::Rejected => (BAD, "rejected"),
        pb::KeyState::Unspecified => (WARN, "unknown"),
    };
    let (confidential_style, confidential) = match report.confidential_access() {
        pb::ConfidentialAccess::On => (GOOD, "on"),
        pb::ConfidentialAccess::Off => (WARN, "off"),
        pb::ConfidentialAccess::Unspecified => (DIM, "unknown"),
    };
    let mut text = format!(
        "{}\nkey {}, access to confidential data {}\n",
        styled(HEADING, &connection.display_name),
        styled(style, key),
        styled(confidential_style, confidential)
    );
    if !report.key_message.is_empty() {
        text.push_str(&report.key_message);
        text.push('\n');
    }
    let accepted = report.key_state() == pb::KeyState::Accepted;
    if accepted && report.confidential_access() == pb::ConfidentialAccess::Off {
        text.push_str(WITHOUT_CONFIDENTIAL);
    }
    text
}

/// What is missing, with what is lost; what a kept stream needs comes first.
fn missing(report: &pb::CheckPermissionsResponse) -> String {
    let mut missing: Vec<_> = report
        .permissions
        .iter()
        .filter(|permission| permission.state() == pb::PermissionState::Missing)
        .collect();
    if missing.is_empty() {
        return String::new();
    }
    missing.sort_by_key(|permission| !permission.required);
    let mut text = format!("\n{}\n", styled(HEADING, "Missing"));
    for permission in missing {
        let (style, _) = state(permission);
        let name = styled(style, &permission.name);
        text.push_str(&format!("  {name}\n    {}\n", permission.loss));
    }
    text.push_str(
        "  A key keeps the permissions it was made with: give a new one with `fulcrum rotate-credential`.\n",
    );
    text
}

fn table(permissions: Vec<&pb::Permission>, now_ms: i64) -> String {
    let mut table = Table::new([
        Column::fixed("STATE", Align::Left),
        Column::fixed("PERMISSION", Align::Left),
        Column::flexible("KNOWN BY"),
    ]);
    for permission in permissions {
        let (style, state) = state(permission);
        table.row([
            Cell::new(style, state),
            Cell::from(&permission.name),
            Cell::new(DIM, evidence(permission, now_ms)),
        ]);
    }
    table.text(WIDTH)
}

fn state(permission: &pb::Permission) -> (Style, &'static str) {
    match permission.state() {
        pb::PermissionState::Granted => (GOOD, "granted"),
        pb::PermissionState::Missing if permission.required => (BAD, "missing"),
        pb::PermissionState::Missing => (WARN, "missing"),
        pb::PermissionState::NotTested | pb::PermissionState::Unspecified => (DIM, "not tested"),
    }
}

fn evidence(permission: &pb::Permission, now_ms: i64) -> String {
    match permission.evidence() {
        pb::PermissionEvidence::Unspecified => String::new(),
        pb::PermissionEvidence::Probed => "a try".to_owned(),
        pb::PermissionEvidence::Inferred => "inferred".to_owned(),
        pb::PermissionEvidence::Used => {
            format!("use {}", time::ago(permission.use_time.as_ref(), now_ms))
        }
    }
}

fn foot(report: &pb::CheckPermissionsResponse, left_out: usize) -> String {
    let count = |state: pb::PermissionState| {
        let of_state = |permission: &&pb::Permission| permission.state() == state;
        report.permissions.iter().filter(of_state).count()
    };
    let mut text = format!(
        "{} granted, {} missing, {} not tested",
        count(pb::PermissionState::Granted),
        count(pb::PermissionState::Missing),
        count(pb::PermissionState::NotTested)
    );
    if left_out > 0 {
        let left_out = counted(left_out as u64, "permission");
        text.push_str(&format!(
            "\nleft out, beyond the guide and not tested: {left_out}; --json shows all"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    fn permission(name: &str, state: pb::PermissionState, loss: &str) -> pb::Permission {
        pb::Permission {
            name: name.to_owned(),
            state: state.into(),
            in_guide: true,
            loss: loss.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_report_tells_the_key_then_each_permission() {
        use pb::PermissionState::{Granted, Missing, NotTested};
        let report = pb::CheckPermissionsResponse {
            permissions: vec![
                pb::Permission {
                    evidence: pb::PermissionEvidence::Probed.into(),
                    required: true,
                    ..permission("find all opportunity notes", Missing, "not mirrored: notes")
                },
                pb::Permission {
                    evidence: pb::PermissionEvidence::Inferred.into(),
                    ..permission(
                        "find a user",
                        Granted,
                        "LeverService.GetUser cannot answer from Lever",
                    )
                },
                permission(
                    "create an opportunity note",
                    NotTested,
                    "refused by Lever: CandidateService.CreateNote",
                ),
                pb::Permission {
                    evidence: pb::PermissionEvidence::Used.into(),
                    use_time: Some(prost_types::Timestamp {
                        seconds: 40,
                        nanos: 0,
                    }),
                    in_guide: false,
                    ..permission("create a posting", Granted, "only LeverService.Call")
                },
                pb::Permission {
                    in_guide: false,
                    ..permission("create a user", NotTested, "")
                },
            ],
            confidential_access: pb::ConfidentialAccess::Off.into(),
            key_state: pb::KeyState::Revoked.into(),
            key_message: "it was revoked".to_owned(),
            ..Default::default()
        };
        let connection = pb::Connection {
            display_name: "Acme".to_owned(),
            ..Default::default()
        };
        insta::assert_snapshot!(plain(&page(&connection, &report, 100_000)), @"
        Acme
        key revoked, access to confidential data off
        it was revoked

        Missing
          find all opportunity notes
            not mirrored: notes
          A key keeps the permissions it was made with: give a new one with `fulcrum rotate-credential`.

        STATE       PERMISSION                  KNOWN BY
        missing     find all opportunity notes  a try
        granted     find a user                 inferred
        not tested  create an opportunity note

        Beyond the set-up guide
        STATE    PERMISSION        KNOWN BY
        granted  create a posting  use 1 min ago

        2 granted, 1 missing, 2 not tested
        left out, beyond the guide and not tested: 1 permission; --json shows all
        ");
    }

    #[test]
    fn what_a_key_without_confidential_access_costs_is_told() {
        let told = |access: pb::ConfidentialAccess| {
            let report = pb::CheckPermissionsResponse {
                confidential_access: access.into(),
                key_state: pb::KeyState::Accepted.into(),
                ..Default::default()
            };
            plain(&head(&pb::Connection::default(), &report))
        };
        assert!(
            told(pb::ConfidentialAccess::Off)
                .contains("Confidential people, notes and offers are not mirrored")
        );
        assert!(!told(pb::ConfidentialAccess::On).contains("not mirrored"));
    }
}
