//! The one place where an error becomes a gRPC status.

use std::collections::HashMap;

use domain::operation::{Failure, FailureKind};
use engine::{Error, ErrorKind};
use prost::Message as _;
use proto::google::rpc;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::calls::{ALL, Refusal};

/// The domain of our reasons in error details.
pub const DOMAIN: &str = "fulcrum";

/// More would not fit the trailers of an answer; the message tells how many there are.
const MOST_VIOLATIONS: usize = 20;

/// An engine error as a status with details; its sources go to the log.
pub fn status(error: Error) -> Status {
    let message = error.for_caller();
    let (code, details) = code_and_details(&error);
    if code == Code::Internal {
        tracing::error!(error = %engine::report(&error), "a request failed");
    } else {
        tracing::debug!(error = %error.for_log(), "a request was refused");
    }
    Status::with_error_details(code, message, details)
}

fn code_and_details(error: &Error) -> (Code, ErrorDetails) {
    let mut details = ErrorDetails::new();
    let code = match error.kind() {
        ErrorKind::NotFound { what } => {
            details.set_error_info("NOT_FOUND", DOMAIN, named(&[("what", (*what).to_owned())]));
            Code::NotFound
        }
        ErrorKind::AlreadyExists { details: more } => {
            details.set_error_info("ALREADY_EXISTS", DOMAIN, named(more));
            Code::AlreadyExists
        }
        ErrorKind::Invalid { violations } => {
            details.set_error_info("INVALID_ARGUMENT", DOMAIN, HashMap::new());
            for violation in violations.iter().take(MOST_VIOLATIONS) {
                details.add_bad_request_violation(&violation.field, &violation.message);
            }
            Code::InvalidArgument
        }
        ErrorKind::Precondition {
            reason,
            details: more,
        } => {
            details.set_error_info(*reason, DOMAIN, named(more));
            Code::FailedPrecondition
        }
        ErrorKind::Aborted {
            reason,
            details: more,
        } => {
            details.set_error_info(*reason, DOMAIN, named(more));
            Code::Aborted
        }
        ErrorKind::Exhausted => {
            details.set_error_info("DISK_FULL", DOMAIN, HashMap::new());
            Code::ResourceExhausted
        }
        ErrorKind::Unavailable { retry_after } => {
            details.set_error_info("UNAVAILABLE", DOMAIN, HashMap::new());
            details.set_retry_info(Some(*retry_after));
            Code::Unavailable
        }
        ErrorKind::Internal => {
            details.set_error_info("INTERNAL", DOMAIN, HashMap::new());
            Code::Internal
        }
    };
    (code, details)
}

/// Why an operation failed, as the status an rpc would have had.
pub fn failure(failure: &Failure) -> rpc::Status {
    let mut details =
        ErrorDetails::with_error_info(failure.kind.reason(), DOMAIN, named(&failure.details));
    if failure.kind == FailureKind::Unavailable {
        details.set_retry_info(Some(std::time::Duration::from_secs(2)));
    }
    let code = failure_code(failure.kind);
    let status = Status::with_error_details(code, failure.message.clone(), details);
    // The details of a status are a google.rpc.Status on the wire; ours has the same fields.
    rpc::Status::decode(status.details()).unwrap_or_else(|_| rpc::Status {
        code: i32::from(code),
        message: failure.message.clone(),
        details: Vec::new(),
    })
}

fn failure_code(kind: FailureKind) -> Code {
    match kind {
        FailureKind::KeyRejected
        | FailureKind::PermissionMissing
        | FailureKind::AlreadyArchived
        | FailureKind::RemovedInLever
        | FailureKind::NotOurs
        | FailureKind::Disconnected
        | FailureKind::StageExcluded
        | FailureKind::ReasonExcluded
        | FailureKind::Blocked(_)
        | FailureKind::ActingUserRequired
        | FailureKind::ActingUserUnknown => Code::FailedPrecondition,
        FailureKind::NotFound => Code::NotFound,
        FailureKind::Invalid => Code::InvalidArgument,
        FailureKind::StageMoved | FailureKind::ChangedInLever | FailureKind::ItemsFailed => {
            Code::Aborted
        }
        FailureKind::Unavailable => Code::Unavailable,
        FailureKind::Unknown => Code::Unknown,
    }
}

fn named<K: AsRef<str>>(details: &[(K, String)]) -> HashMap<String, String> {
    details
        .iter()
        .map(|(name, value)| (name.as_ref().to_owned(), value.clone()))
        .collect()
}

/// A request that is no message of the rpc's.
pub fn undecodable() -> Status {
    let details = ErrorDetails::with_error_info("INVALID_ARGUMENT", DOMAIN, HashMap::new());
    let message = "the request is not the message this rpc takes: check its fields and their types";
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// A request that is compressed.
pub fn compressed() -> Status {
    let details = ErrorDetails::with_error_info("COMPRESSION_UNKNOWN", DOMAIN, HashMap::new());
    let message = "requests are taken as they are: switch the compression of your client off";
    Status::with_error_details(Code::Unimplemented, message, details)
}

/// A request over the limit.
pub fn too_large() -> Status {
    let details = ErrorDetails::with_error_info("MESSAGE_TOO_LARGE", DOMAIN, HashMap::new());
    let message = "the request is larger than the setting server.max_message_size allows";
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// An rpc that does not exist.
pub fn unknown_rpc(path: &str) -> Status {
    let shown: String = path.chars().take(200).collect();
    let details = ErrorDetails::with_error_info("RPC_UNKNOWN", DOMAIN, HashMap::new());
    let message = format!("there is no rpc {shown}; reflection lists those there are");
    Status::with_error_details(Code::Unimplemented, message, details)
}

/// A caller without a valid token.
pub fn unauthenticated() -> Status {
    Status::with_error_details(
        Code::Unauthenticated,
        "give a valid token as `authorization: Bearer ...`; `fulcrum token create` makes one",
        ErrorDetails::with_error_info("TOKEN_INVALID", DOMAIN, HashMap::new()),
    )
}

/// A caller whose token does not allow what it asks.
pub fn permission_denied(message: &str) -> Status {
    Status::with_error_details(
        Code::PermissionDenied,
        message,
        ErrorDetails::with_error_info("ROLE_MISSING", DOMAIN, HashMap::new()),
    )
}

/// A call that has met a limit, with when there is room again.
pub(crate) fn over_limit(refusal: Refusal) -> Status {
    let limit = refusal.limit.to_owned();
    let (code, reason) = match refusal.limit {
        ALL => (Code::Unavailable, "OVERLOADED"),
        _ => (Code::ResourceExhausted, "LIMIT_REACHED"),
    };
    let named = HashMap::from([("limit".to_owned(), limit)]);
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, named);
    details.set_retry_info(Some(refusal.retry_after));
    let message = match code {
        Code::Unavailable => format!(
            "the service has as many calls under way as {ALL} allows: ask again in a moment"
        ),
        _ => format!(
            "this is over the limit {}: ask again later, or less at once",
            refusal.limit
        ),
    };
    Status::with_error_details(code, message, details)
}

/// A call that was not done at the deadline of its caller.
pub(crate) fn too_late() -> Status {
    let details = ErrorDetails::with_error_info("DEADLINE_EXCEEDED", DOMAIN, HashMap::new());
    let message = "the call was not done within the time that its caller gave it";
    Status::with_error_details(Code::DeadlineExceeded, message, details)
}

/// A call that was not done within what any call may take.
pub(crate) fn too_long() -> Status {
    let details = ErrorDetails::with_error_info("CALL_TOO_LONG", DOMAIN, HashMap::new());
    let message = "the call was not done within the setting limits.longest_call";
    Status::with_error_details(Code::DeadlineExceeded, message, details)
}

/// An answer that was not read.
pub(crate) fn unread() -> Status {
    let details = ErrorDetails::with_error_info("UNREAD", DOMAIN, HashMap::new());
    let message = "nothing of the answer was read for the setting limits.unread: go on from the last of it that was";
    Status::with_error_details(Code::Aborted, message, details)
}

/// A request of which nothing more arrived.
pub(crate) fn unsent() -> Status {
    let details = ErrorDetails::with_error_info("UNSENT", DOMAIN, HashMap::new());
    let message =
        "nothing of the request arrived for the setting limits.unread: send all of it again";
    Status::with_error_details(Code::Aborted, message, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_field_is_named_in_the_details() {
        let status = status(Error::invalid("page_size", "give 1 to 1000"));
        assert_eq!(status.code(), Code::InvalidArgument);
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "page_size");
    }

    #[test]
    fn thousands_of_bad_fields_still_fit_an_answer() {
        let bad = |field: usize| engine::Violation {
            field: format!("stage_mapping.product_stages[{field}].code"),
            message: "bad".to_owned(),
        };
        let status = status(Error::violations((0..5000).map(bad).collect()));
        let told = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(told.len(), MOST_VIOLATIONS);
        assert!(
            status.message().contains("4999 more"),
            "{}",
            status.message()
        );
        assert!(status.details().len() < 8_000);
    }

    #[test]
    fn a_missing_permission_is_a_precondition_in_levers_words() {
        let details = vec![("permission", "find all users".to_owned())];
        let status = status(Error::precondition(
            engine::PERMISSION_MISSING,
            "no",
            details,
        ));
        assert_eq!(status.code(), Code::FailedPrecondition);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("LEVER_PERMISSION_MISSING", "fulcrum")
        );
        assert_eq!(info.metadata["permission"], "find all users");
    }

    #[test]
    fn the_failure_of_an_operation_carries_code_message_and_details() {
        let failed = failure(&Failure {
            kind: FailureKind::StageMoved,
            message: "moved".to_owned(),
            details: vec![("present_stage_id".to_owned(), "offer".to_owned())],
        });
        assert_eq!(failed.code, i32::from(Code::Aborted));
        assert_eq!(failed.message, "moved");
        assert!(failed.details[0].type_url.ends_with("google.rpc.ErrorInfo"));
    }
}
