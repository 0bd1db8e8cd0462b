//! What can go wrong with a call to Lever, and whether to make it again.

use std::fmt;
use std::time::Duration;

use crate::budget::Pause;
use crate::client::{Stopped, Unreached, redact};
use crate::registry::{Operation, Repeat};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A call to Lever that did not succeed.
///
/// The message holds no personal data: Lever's own words, requests and answers are left out.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed: {kind}")]
pub struct Error {
    operation: &'static str,
    kind: ErrorKind,
    repeat: Repeat,
    retry_after: Option<Duration>,
    acted_before: bool,
    told: Told,
    source: Option<Source>,
}

/// What an answer is beside its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// One as Lever tells its errors, or none.
    Plainly,
    /// That Lever no longer knows the page token.
    InvalidOffset,
    /// Without the document that Lever tells its errors in.
    Strangely,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Lever does not know the credential (401).
    Unauthorized,
    /// The credential may not do this (403); the permission is named as on Lever's API-key page.
    Forbidden {
        /// The permission that is missing, or the account setting behind it.
        permission: &'static str,
    },
    /// There is no such thing in Lever (404).
    NotFound,
    /// Lever refuses the request as it is (any other 3xx or 4xx).
    Invalid {
        /// The HTTP status.
        status: u16,
        /// Lever's message with addresses, quotations and long numbers masked, at most 200 characters; for who made
        /// the call alone, since a name may be left in it. `Display` leaves it out.
        message: String,
    },
    /// Too many requests (429).
    RateLimited,
    /// Lever is failing or under maintenance (5xx).
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// The request was never sent: no connection, or no turn before the deadline.
    Unreachable,
    /// The request was sent and no whole answer came back; Lever may have acted.
    Lost,
    /// Lever answered with success, but not with what was expected.
    Malformed,
    /// The request cannot be sent as it is; nothing was sent.
    InvalidRequest,
}

/// Whether the same call is worth making again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It is not, or only after somebody has looked.
    No,
    /// After this long, in Lever's own word.
    After(Duration),
    /// After a growing, random pause.
    Backoff,
}

impl ErrorKind {
    /// What an HTTP status other than success means for an operation.
    pub(crate) fn of_status(status: u16, message: &str, operation: &Operation) -> ErrorKind {
        match status {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden {
                permission: operation.permission,
            },
            404 => ErrorKind::NotFound,
            429 => ErrorKind::RateLimited,
            // A request that took too long may have been acted on (behaviour: "Files").
            408 | 500..=599 => ErrorKind::Unavailable { status },
            _ => ErrorKind::Invalid {
                status,
                message: redact::masked(message),
            },
        }
    }

    fn may_have_acted(&self) -> bool {
        matches!(
            self,
            ErrorKind::Unavailable { .. } | ErrorKind::Lost | ErrorKind::Malformed
        )
    }

    fn is_passing(&self) -> bool {
        matches!(
            self,
            ErrorKind::RateLimited
                | ErrorKind::Unavailable { .. }
                | ErrorKind::Unreachable
                | ErrorKind::Lost
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Unauthorized => f.write_str("Lever does not accept the credential"),
            ErrorKind::Forbidden { permission } => {
                write!(f, "the credential lacks the permission `{permission}`")
            }
            ErrorKind::NotFound => f.write_str("not found in Lever"),
            ErrorKind::Invalid { status, .. } => write!(f, "refused with status {status}"),
            ErrorKind::RateLimited => f.write_str("too many requests"),
            ErrorKind::Unavailable { status } => {
                write!(f, "Lever is unavailable (status {status})")
            }
            ErrorKind::Unreachable => f.write_str("Lever was not reached"),
            ErrorKind::Lost => f.write_str("the answer was lost"),
            ErrorKind::Malformed => f.write_str("the answer cannot be read"),
            ErrorKind::InvalidRequest => f.write_str("the request cannot be sent"),
        }
    }
}

impl Error {
    /// Why it failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether an OAuth grant is dead, so that only an admin's new consent helps.
    pub fn needs_reconnect(&self) -> bool {
        matches!(self.stopped(), Some(Stopped::Reconnect { .. }))
    }

    /// Whether the grant that is dead may have been used up by a renewal whose answer never came.
    pub fn lost_renewal(&self) -> bool {
        self.stopped() == Some(&Stopped::Reconnect { unanswered: true })
    }

    /// Whether Lever does not accept the app that renews OAuth grants: its client id or secret is wrong.
    pub fn is_refused_app(&self) -> bool {
        self.stopped() == Some(&Stopped::App)
    }

    /// Whether there is nothing where tokens are asked for: the address of the authority is wrong.
    pub fn lacks_authority(&self) -> bool {
        self.stopped() == Some(&Stopped::Nowhere)
    }

    /// Whether the request itself cannot be sent, such as for an id that no path can hold; nothing was sent.
    pub fn is_unsendable(&self) -> bool {
        self.kind == ErrorKind::InvalidRequest && self.stopped().is_none()
    }

    /// How long nothing goes out with this credential, never zero: in Lever's own word on a 429, as far as it is
    /// [believed](Pause::LONGEST_TOLD), or what is left of the pause after one, where that outlasts the deadline of
    /// the call.
    pub fn pause(&self) -> Option<Duration> {
        let left = match (&self.kind, self.stopped()) {
            (_, Some(Stopped::Paused(left))) => Some(*left),
            (ErrorKind::RateLimited, _) => {
                self.retry_after.map(|told| told.min(Pause::LONGEST_TOLD))
            }
            _ => None,
        };
        left.filter(|left| !left.is_zero())
    }

    /// Whether the call ended in a pause after a 429 without a request: Lever has not seen it.
    pub fn was_held_back(&self) -> bool {
        matches!(self.stopped(), Some(Stopped::Paused(_)))
    }

    /// Whether the rate limit left the call no turn: none came before its deadline, or Lever answered 429 to the last.
    pub fn had_no_turn(&self) -> bool {
        self.kind == ErrorKind::RateLimited || self.stopped() == Some(&Stopped::NoTurn)
    }

    /// Whether the call was not made since no access token could be had for it.
    pub fn had_no_token(&self) -> bool {
        self.stopped() == Some(&Stopped::NoToken)
    }

    /// Where no connection came about, and why; none for everything but [`ErrorKind::Unreachable`].
    pub fn unreached(&self) -> Option<&Unreached> {
        self.source.as_ref()?.downcast_ref()
    }

    fn stopped(&self) -> Option<&Stopped> {
        self.source.as_ref()?.downcast_ref()
    }

    /// The name of the operation, as in the [registry](crate::registry), or what was being set up.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether, and after how long, the same call is worth making again.
    ///
    /// A call that creates is, only when Lever surely did not act.
    pub fn retry(&self) -> Retry {
        let unsafe_to_repeat = self.repeat == Repeat::Creates && self.may_have_acted();
        let told = self.pause().or(self.retry_after);
        match told {
            _ if unsafe_to_repeat || !self.kind.is_passing() => Retry::No,
            Some(pause) => Retry::After(pause),
            None => Retry::Backoff,
        }
    }

    /// Whether Lever may have done what was asked, in this attempt or an earlier one of the same call.
    pub fn may_have_acted(&self) -> bool {
        self.acted_before || self.kind.may_have_acted()
    }

    /// Whether Lever no longer knows the page token: drop it and begin the list again.
    ///
    /// Lever answers 4xx with the words "Invalid offset token" (fixture `errors.json`).
    pub fn is_invalid_offset(&self) -> bool {
        self.told == Told::InvalidOffset
    }

    /// Whether it is an answer without the document that Lever tells its errors in, a code with a message: it may well
    /// be of a server that is not Lever's, or of one in between.
    pub fn is_from_a_stranger(&self) -> bool {
        self.told == Told::Strangely
    }

    /// The same error, of an answer without the document that Lever tells its errors in.
    pub(crate) fn told_by_a_stranger(self) -> Error {
        Error {
            told: match self.told {
                Told::Plainly => Told::Strangely,
                told => told,
            },
            ..self
        }
    }

    /// A failure while something was set up, before any operation.
    pub(crate) fn setup(what: &'static str, source: impl Into<Source>) -> Error {
        Error {
            operation: what,
            kind: ErrorKind::InvalidRequest,
            repeat: Repeat::Harmless,
            retry_after: None,
            acted_before: false,
            told: Told::Plainly,
            source: Some(source.into()),
        }
    }

    pub(crate) fn new(operation: &'static Operation, kind: ErrorKind) -> Error {
        Error {
            operation: operation.id,
            kind,
            repeat: operation.repeat,
            retry_after: None,
            acted_before: false,
            told: Told::Plainly,
            source: None,
        }
    }

    /// The error an answer with a status other than success stands for.
    pub(crate) fn of_answer(
        operation: &'static Operation,
        status: u16,
        message: &str,
        retry_after: Option<Duration>,
    ) -> Error {
        const INVALID_OFFSET: &str = "invalid offset token";
        let kind = ErrorKind::of_status(status, message, operation);
        let invalid = matches!(kind, ErrorKind::Invalid { .. } | ErrorKind::NotFound);
        Error {
            retry_after,
            told: match invalid && message.to_lowercase().contains(INVALID_OFFSET) {
                true => Told::InvalidOffset,
                false => Told::Plainly,
            },
            ..Error::new(operation, kind)
        }
    }

    /// The same error with another kind.
    pub(crate) fn of_kind(self, kind: ErrorKind) -> Error {
        Error { kind, ..self }
    }

    pub(crate) fn caused_by(self, source: impl Into<Source>) -> Error {
        Error {
            source: Some(source.into()),
            ..self
        }
    }

    /// This error as the end of a call whose attempt before failed with `earlier`.
    ///
    /// When time ran out before this attempt was sent, the earlier error says more.
    pub(crate) fn after(self, earlier: Option<Error>, remaining: Duration) -> Error {
        match earlier {
            None => self,
            Some(earlier) if self.kind == ErrorKind::Unreachable && remaining.is_zero() => earlier,
            Some(earlier) => Error {
                acted_before: earlier.may_have_acted(),
                ..self
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{CREATE_OPPORTUNITY_NOTE, LIST_USERS};

    fn of(operation: &'static Operation, status: u16) -> Error {
        Error::of_answer(operation, status, "", None)
    }

    #[test]
    fn every_status_has_its_kind() {
        let kind = |status| of(&LIST_USERS, status).kind;
        assert_eq!(kind(401), ErrorKind::Unauthorized);
        assert_eq!(
            kind(403),
            ErrorKind::Forbidden {
                permission: "find all users"
            }
        );
        assert_eq!(kind(404), ErrorKind::NotFound);
        assert_eq!(kind(429), ErrorKind::RateLimited);
        for status in [500, 502, 503, 599] {
            assert_eq!(kind(status), ErrorKind::Unavailable { status });
        }
        for status in [301, 400, 405, 422] {
            assert_eq!(
                kind(status),
                ErrorKind::Invalid {
                    status,
                    message: String::new()
                }
            );
        }
    }

    #[test]
    fn what_to_repeat_depends_on_the_operation() {
        let kinds = [
            (ErrorKind::Unauthorized, Retry::No, Retry::No, false),
            (
                ErrorKind::Forbidden { permission: "" },
                Retry::No,
                Retry::No,
                false,
            ),
            (ErrorKind::NotFound, Retry::No, Retry::No, false),
            (
                ErrorKind::Invalid {
                    status: 400,
                    message: String::new(),
                },
                Retry::No,
                Retry::No,
                false,
            ),
            (
                ErrorKind::RateLimited,
                Retry::Backoff,
                Retry::Backoff,
                false,
            ),
            (
                ErrorKind::Unavailable { status: 500 },
                Retry::Backoff,
                Retry::No,
                true,
            ),
            (
                ErrorKind::Unreachable,
                Retry::Backoff,
                Retry::Backoff,
                false,
            ),
            (ErrorKind::Lost, Retry::Backoff, Retry::No, true),
            (ErrorKind::Malformed, Retry::No, Retry::No, true),
            (ErrorKind::InvalidRequest, Retry::No, Retry::No, false),
        ];
        for (kind, harmless, creates, acted) in kinds {
            let read = Error::new(&LIST_USERS, kind.clone());
            let create = Error::new(&CREATE_OPPORTUNITY_NOTE, kind.clone());
            assert_eq!(
                (read.retry(), create.retry()),
                (harmless, creates),
                "{kind:?}"
            );
            assert_eq!(create.may_have_acted(), acted, "{kind:?}");
        }
    }

    #[test]
    fn lever_s_own_word_on_waiting_is_passed_on() {
        let pause = Duration::from_secs(7);
        let error = Error::of_answer(&CREATE_OPPORTUNITY_NOTE, 429, "", Some(pause));
        assert_eq!(error.retry(), Retry::After(pause));
        let refused = Error::of_answer(&CREATE_OPPORTUNITY_NOTE, 503, "", Some(pause));
        assert_eq!(refused.retry(), Retry::No);
    }

    #[test]
    fn an_earlier_attempt_is_not_forgotten() {
        let lost = || Error::new(&LIST_USERS, ErrorKind::Lost);
        let second = Duration::from_secs(1);
        let error = Error::new(&LIST_USERS, ErrorKind::RateLimited).after(Some(lost()), second);
        assert!(error.may_have_acted());
        let unsent = || Error::new(&LIST_USERS, ErrorKind::Unreachable);
        assert_eq!(
            unsent().after(Some(lost()), second).kind,
            ErrorKind::Unreachable
        );
        assert_eq!(
            unsent().after(Some(lost()), Duration::ZERO).kind,
            ErrorKind::Lost
        );
        assert_eq!(
            unsent().after(None, Duration::ZERO).kind,
            ErrorKind::Unreachable
        );
    }

    #[test]
    fn an_expired_offset_is_recognized() {
        assert!(
            Error::of_answer(&LIST_USERS, 400, "Invalid offset token", None).is_invalid_offset()
        );
        assert!(
            !Error::of_answer(&LIST_USERS, 400, "posting is not expandable", None)
                .is_invalid_offset()
        );
        assert!(
            !Error::of_answer(&LIST_USERS, 500, "Invalid offset token", None).is_invalid_offset()
        );
    }

    #[test]
    fn the_message_names_operation_and_reason() {
        assert_eq!(
            of(&LIST_USERS, 403).to_string(),
            "listUsers failed: the credential lacks the permission `find all users`"
        );
    }

    #[test]
    fn the_message_repeats_no_words_of_lever_s() {
        let error = Error::of_answer(&LIST_USERS, 400, "Ada Lovelace is no user", None);
        assert_eq!(
            error.to_string(),
            "listUsers failed: refused with status 400"
        );
    }
}
