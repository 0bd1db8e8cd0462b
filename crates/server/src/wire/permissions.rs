//! What Lever lets a credential do.

use engine::{
    ConfidentialAccess, Evidence, KeyState, PermissionReport, PermissionState, PermissionStatus,
};
use proto::v1 as pb;

use super::time::{to_duration, to_timestamp};

/// The report as the wire has it.
pub fn to_report(report: &PermissionReport) -> pb::CheckPermissionsResponse {
    let (key_state, key_message) = to_key_state(report.key);
    pb::CheckPermissionsResponse {
        permissions: report.permissions.iter().map(to_permission).collect(),
        confidential_access: to_confidential(report.confidential).into(),
        key_state: key_state.into(),
        key_message: key_message.to_owned(),
        key_accept_time: report.worked_at.map(to_timestamp),
        check_time: Some(to_timestamp(report.checked_at)),
        answer_time: report.answered_in.map(to_duration),
    }
}

fn to_permission(status: &PermissionStatus) -> pb::Permission {
    let kind = if status.reads {
        pb::PermissionKind::Read
    } else {
        pb::PermissionKind::Write
    };
    let (evidence, use_time) = match status.evidence {
        None => (pb::PermissionEvidence::Unspecified, None),
        Some(Evidence::Probed) => (pb::PermissionEvidence::Probed, None),
        Some(Evidence::Inferred) => (pb::PermissionEvidence::Inferred, None),
        Some(Evidence::Used(at)) => (pb::PermissionEvidence::Used, Some(at)),
    };
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    pb::Permission {
        name: status.name.to_owned(),
        kind: kind.into(),
        in_guide: status.guide,
        state: to_state(status.state).into(),
        evidence: evidence.into(),
        use_time: use_time.map(to_timestamp),
        reason: status.reason.clone(),
        streams: status
            .streams
            .iter()
            .map(|stream| stream.name().to_owned())
            .collect(),
        features: owned(&status.features),
        required: status.required,
        loss: status.loss.clone(),
        oauth_scopes: owned(&status.scopes),
    }
}

fn to_state(state: PermissionState) -> pb::PermissionState {
    match state {
        PermissionState::Granted => pb::PermissionState::Granted,
        PermissionState::Missing => pb::PermissionState::Missing,
        PermissionState::NotTested => pb::PermissionState::NotTested,
    }
}

fn to_confidential(access: ConfidentialAccess) -> pb::ConfidentialAccess {
    match access {
        ConfidentialAccess::On => pb::ConfidentialAccess::On,
        ConfidentialAccess::Off => pb::ConfidentialAccess::Off,
        ConfidentialAccess::Unknown => pb::ConfidentialAccess::Unspecified,
    }
}

/// The state, and what to do about it (X25).
fn to_key_state(state: KeyState) -> (pb::KeyState, &'static str) {
    match state {
        KeyState::Accepted => (pb::KeyState::Accepted, ""),
        KeyState::Revoked => (
            pb::KeyState::Revoked,
            "Lever accepted this credential before and rejects it now: it was revoked; \
             have a Lever Super Admin make a new one, then call RotateCredential \
             (`fulcrum rotate-credential`)",
        ),
        KeyState::Rejected => (
            pb::KeyState::Rejected,
            "Lever rejects this credential: check that it is a Data API key (v1) and no Postings API key (v0), \
             that it belongs to the environment of this connection, and that it was not revoked",
        ),
        KeyState::Unknown => (
            pb::KeyState::Unspecified,
            "Lever did not answer, or not as Lever does, so nothing was found out: check again later",
        ),
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn report(key: KeyState, evidence: Option<Evidence>) -> pb::CheckPermissionsResponse {
        to_report(&PermissionReport {
            permissions: vec![PermissionStatus {
                name: "find all users",
                reads: true,
                guide: true,
                state: PermissionState::Granted,
                evidence,
                reason: String::new(),
                streams: vec![domain::Stream::Users],
                features: vec!["LeverService.ListUsers"],
                required: true,
                loss: "not mirrored: users".to_owned(),
                scopes: vec!["users:read:admin"],
            }],
            confidential: ConfidentialAccess::Off,
            key,
            worked_at: Some(Timestamp::from_millis(1_000)),
            answered_in: None,
            checked_at: Timestamp::from_millis(2_000),
        })
    }

    #[test]
    fn the_time_of_use_goes_with_what_use_has_shown() {
        let used = report(
            KeyState::Accepted,
            Some(Evidence::Used(Timestamp::from_millis(3_000))),
        );
        let permission = &used.permissions[0];
        assert_eq!(permission.evidence(), pb::PermissionEvidence::Used);
        assert_eq!(
            permission.use_time.as_ref().map(|time| time.seconds),
            Some(3)
        );
        assert_eq!(permission.streams, ["users"]);
        let probed = report(KeyState::Accepted, Some(Evidence::Probed));
        assert_eq!(probed.permissions[0].use_time, None);
    }

    #[test]
    fn a_credential_that_is_not_accepted_comes_with_the_way_out() {
        for (state, says) in [
            (KeyState::Accepted, ""),
            (KeyState::Revoked, "RotateCredential"),
            (KeyState::Rejected, "Postings API key"),
            (KeyState::Unknown, "check again"),
        ] {
            let message = report(state, None).key_message;
            assert_eq!(message.is_empty(), state == KeyState::Accepted);
            assert!(message.contains(says), "{message}");
        }
    }
}
