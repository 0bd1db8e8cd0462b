//! What Lever's answers say about permissions and about the credential.

use std::collections::BTreeMap;

use domain::Timestamp;
use lever::Operation;
use store::Experience;

use super::plan::Left;

/// Whether the credential has a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionState {
    /// It has.
    Granted,
    /// It has not.
    Missing,
    /// Nobody knows.
    NotTested,
}

/// What a state is told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Lever's answer to a call that was made to find out.
    Probed,
    /// Lever's 404 to such a call for a record that does not exist: it would have answered 403 first.
    Inferred,
    /// The newest call that tells, in the last 30 days and since the credential was given.
    Used(Timestamp),
}

/// What is known of one permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: PermissionState,
    /// None when not tested.
    pub(super) evidence: Option<Evidence>,
    /// Why it was not tested; empty otherwise.
    pub(super) reason: String,
}

/// What came of trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// Lever answered with this status.
    Answered(u16),
    /// It did not answer, or with something that cannot be read.
    Nothing,
    /// It was not tried.
    Left(Left),
    /// It was to be tried, but Lever rejects the credential or does not answer.
    Stopped,
}

/// What follows from trying and from real use.
///
/// The permissions of a credential never change (product: X6), so one success outweighs a later refusal in real use,
/// which can be about one confidential record. For the same reason a refusal in use does not outweigh an answer to a
/// try, which is about nobody.
pub(super) fn verdict(operation: Option<&Operation>, tried: Tried, used: Experience) -> Verdict {
    let nobody = operation.is_some_and(|operation| operation.path_parameters().next().is_some());
    match (tried, used) {
        (Tried::Answered(200..=299), _) => known(PermissionState::Granted, Evidence::Probed),
        (Tried::Answered(403), _) => known(PermissionState::Missing, Evidence::Probed),
        (
            _,
            Experience {
                succeeded_at: Some(at),
                ..
            },
        ) => known(PermissionState::Granted, Evidence::Used(at)),
        (Tried::Answered(404), _) if nobody => known(PermissionState::Granted, Evidence::Inferred),
        (
            _,
            Experience {
                refused_at: Some(at),
                ..
            },
        ) => known(PermissionState::Missing, Evidence::Used(at)),
        (tried, _) => Verdict {
            state: PermissionState::NotTested,
            evidence: None,
            reason: reason(tried),
        },
    }
}

/// Whether a try alone shows that the credential may do what was tried.
pub(super) fn allows(operation: Option<&Operation>, tried: Tried) -> bool {
    let verdict = verdict(operation, tried, Experience::default());
    verdict.state == PermissionState::Granted
}

fn known(state: PermissionState, evidence: Evidence) -> Verdict {
    Verdict {
        state,
        evidence: Some(evidence),
        reason: String::new(),
    }
}

fn reason(tried: Tried) -> String {
    match tried {
        Tried::Answered(401) => "Lever rejects the credential".to_owned(),
        Tried::Answered(status) => {
            format!("Lever answered with status {status}, which does not tell")
        }
        Tried::Nothing => "Lever did not answer: check again".to_owned(),
        Tried::Stopped => "not tried: Lever rejects the credential or does not answer".to_owned(),
        Tried::Left(Left::Writes) => {
            "it writes: only real use tells, and none was known when the key was tested".to_owned()
        }
        Tried::Left(Left::Eeo) => {
            "the connection does not keep eeo_responses, so nothing of the kind is asked for"
                .to_owned()
        }
        Tried::Left(Left::NotKept) => {
            "nothing that is switched on needs it: check with probe_all".to_owned()
        }
    }
}

/// What Lever thinks of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Lever accepts it.
    Accepted,
    /// Lever rejects it (401), and accepted it before: it was revoked.
    Revoked,
    /// Lever rejects it (401), and nothing shows that it ever accepted it.
    Rejected,
    /// Lever did not answer.
    Unknown,
}

/// What the answers to tries say about the credential; `worked_at` is when Lever last accepted it in real use.
pub(super) fn key_state(
    tried: impl IntoIterator<Item = Tried>,
    worked_at: Option<Timestamp>,
) -> KeyState {
    let mut state = KeyState::Unknown;
    for tried in tried {
        match tried {
            Tried::Answered(401) if worked_at.is_some() => return KeyState::Revoked,
            Tried::Answered(401) => return KeyState::Rejected,
            Tried::Answered(status) if tells(status) => state = KeyState::Accepted,
            _ => {}
        }
    }
    state
}

/// Whether a status is an answer to somebody who is known.
fn tells(status: u16) -> bool {
    matches!(status, 200..=299 | 403 | 404)
}

/// Whether it is worth trying more after the first answer.
pub(super) fn goes_on(first: Tried) -> bool {
    !matches!(
        first,
        Tried::Answered(401 | 429 | 500..) | Tried::Nothing | Tried::Stopped
    )
}

/// When Lever last showed that it knows the credential.
pub(super) fn worked_at(used: &BTreeMap<String, Experience>) -> Option<Timestamp> {
    let times = |experience: &Experience| experience.succeeded_at.max(experience.refused_at);
    used.values().filter_map(times).max()
}

#[cfg(test)]
mod tests {
    use lever::registry as r;

    use super::*;

    fn at(ms: i64) -> Option<Timestamp> {
        Some(Timestamp::from_millis(ms))
    }

    #[test]
    fn only_what_was_answered_now_shows_that_something_is_allowed() {
        let (one, list) = (Some(&r::GET_USER), Some(&r::LIST_USERS));
        for (operation, tried, allowed) in [
            (list, Tried::Answered(200), true),
            (one, Tried::Answered(404), true),
            (list, Tried::Answered(404), false),
            (list, Tried::Answered(403), false),
            (list, Tried::Nothing, false),
            (list, Tried::Left(Left::NotKept), false),
            (None, Tried::Left(Left::Writes), false),
        ] {
            assert_eq!(allows(operation, tried), allowed, "{tried:?}");
        }
    }

    #[test]
    fn answers_and_use_decide_together() {
        use Evidence::{Inferred, Probed, Used};
        use PermissionState::{Granted, Missing, NotTested};
        let use_at = |ms| Some(Used(Timestamp::from_millis(ms)));
        let used = |succeeded_at, refused_at| Experience {
            succeeded_at,
            refused_at,
        };
        let never = Experience::default();
        let (one, list) = (&r::GET_USER, &r::LIST_USERS);
        let cases = [
            (list, Tried::Answered(200), never, Granted, Some(Probed)),
            (one, Tried::Answered(403), never, Missing, Some(Probed)),
            (one, Tried::Answered(404), never, Granted, Some(Inferred)),
            // No list is missing, whoever asks: the server is not Lever's.
            (list, Tried::Answered(404), never, NotTested, None),
            (one, Tried::Answered(400), never, NotTested, None),
            (one, Tried::Answered(401), never, NotTested, None),
            (list, Tried::Nothing, never, NotTested, None),
            (list, Tried::Stopped, never, NotTested, None),
            (
                list,
                Tried::Answered(503),
                used(at(5), None),
                Granted,
                use_at(5),
            ),
            // The newest answer to a probe tells more than what was.
            (
                list,
                Tried::Answered(403),
                used(at(5), None),
                Missing,
                Some(Probed),
            ),
            // A refusal in use can be about one confidential record; a try is about nobody.
            (
                one,
                Tried::Answered(404),
                used(None, at(6)),
                Granted,
                Some(Inferred),
            ),
            (one, Tried::Nothing, used(None, at(6)), Missing, use_at(6)),
            // A later refusal is about one record.
            (
                one,
                Tried::Answered(404),
                used(at(5), at(6)),
                Granted,
                use_at(5),
            ),
        ];
        for (operation, tried, used, state, evidence) in cases {
            let told = verdict(Some(operation), tried, used);
            let expected = (state, evidence);
            assert_eq!((told.state, told.evidence), expected, "{tried:?} {used:?}");
            assert_eq!(told.reason.is_empty(), state != NotTested);
        }
        let writes = Tried::Left(Left::Writes);
        let told = verdict(None, writes, never);
        assert_eq!(told.state, NotTested);
        assert!(told.reason.contains("real use"), "{}", told.reason);
        let told = verdict(None, writes, used(None, at(7)));
        assert_eq!((told.state, told.evidence), (Missing, use_at(7)));
    }

    /// X25.
    #[test]
    fn a_rejected_credential_that_worked_before_was_revoked() {
        let cases: &[(&[Tried], Option<Timestamp>, KeyState)] = &[
            (&[], None, KeyState::Unknown),
            (
                &[Tried::Nothing, Tried::Answered(503)],
                None,
                KeyState::Unknown,
            ),
            (
                &[Tried::Answered(403), Tried::Nothing],
                None,
                KeyState::Accepted,
            ),
            (&[Tried::Answered(404)], at(3), KeyState::Accepted),
            (&[Tried::Answered(401)], None, KeyState::Rejected),
            (&[Tried::Answered(401)], at(3), KeyState::Revoked),
            // It was revoked while we asked.
            (
                &[Tried::Answered(200), Tried::Answered(401)],
                at(3),
                KeyState::Revoked,
            ),
        ];
        for (tried, worked_at, state) in cases {
            assert_eq!(
                key_state(tried.iter().copied(), *worked_at),
                *state,
                "{tried:?}"
            );
        }
    }

    #[test]
    fn a_first_answer_that_says_no_to_everything_ends_the_trying() {
        for tried in [
            Tried::Answered(401),
            Tried::Answered(429),
            Tried::Answered(503),
            Tried::Nothing,
        ] {
            assert!(!goes_on(tried), "{tried:?}");
        }
        for status in [200, 403, 404, 400] {
            assert!(goes_on(Tried::Answered(status)), "{status}");
        }
    }
}
