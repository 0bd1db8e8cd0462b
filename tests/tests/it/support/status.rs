//! What a refusal says, for people and for machines.

use std::collections::BTreeMap;

use prost::Message as _;
use proto::v1::Operation;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A refusal, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: Code,
    /// The machine-readable reason.
    pub(crate) reason: String,
    /// The sentence for people.
    pub(crate) message: String,
    /// Details by name.
    pub(crate) details: BTreeMap<String, String>,
    /// The fields it names.
    pub(crate) fields: Vec<String>,
    /// Whether it says when to ask again.
    pub(crate) retry: bool,
}

/// What an rpc was refused with.
///
/// # Panics
/// When it was not refused.
#[track_caller]
pub(crate) fn refused<T>(answer: Result<T, Status>) -> Told {
    match answer {
        Ok(_) => panic!("this should have been refused"),
        Err(status) => told(&status),
    }
}

/// Why an operation failed.
///
/// # Panics
/// When it has no error.
#[track_caller]
pub(crate) fn why(operation: &Operation) -> Told {
    let error = operation.error.clone().expect("an error");
    let status = Status::with_details(
        Code::from_i32(error.code),
        error.message.clone(),
        error.encode_to_vec().into(),
    );
    told(&status)
}

fn told(status: &Status) -> Told {
    let details = status.get_error_details();
    let info = details.error_info().cloned();
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.as_slice());
    Told {
        code: status.code(),
        message: status.message().to_owned(),
        reason: info
            .as_ref()
            .map(|info| info.reason.clone())
            .unwrap_or_default(),
        details: info
            .map(|info| info.metadata.into_iter().collect())
            .unwrap_or_default(),
        fields: violations
            .unwrap_or_default()
            .iter()
            .map(|bad| bad.field.clone())
            .collect(),
        retry: details.retry_info().is_some(),
    }
}
