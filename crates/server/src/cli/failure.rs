//! How a command fails: one sentence, the details that help, an exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use proto::google::rpc::Status as StoredStatus;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::tls;
use super::view::time;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    details: Vec<String>,
    code: u8,
}

impl Failure {
    /// A failure told in one sentence.
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            details: Vec::new(),
            code: 1,
        }
    }

    /// The arguments do not go together; ends as those do that cannot be read at all.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure {
            code: 2,
            ..Failure::new(message)
        }
    }

    /// The reader of standard output went away: nothing to say, nothing wrong.
    fn quiet() -> Failure {
        Failure {
            message: String::new(),
            details: Vec::new(),
            code: 0,
        }
    }

    /// Ended by the person at the keyboard.
    pub(crate) fn interrupted() -> Failure {
        Failure {
            code: 130,
            ..Failure::quiet()
        }
    }

    /// Already told on standard output; only the exit code is left.
    pub(crate) fn told() -> Failure {
        Failure {
            code: 1,
            ..Failure::quiet()
        }
    }

    /// Adds a line below the sentence.
    pub(crate) fn with(mut self, detail: impl Into<String>) -> Failure {
        self.details.push(detail.into());
        self
    }

    /// Adds lines below the sentence.
    pub(crate) fn with_all(mut self, details: impl IntoIterator<Item = String>) -> Failure {
        self.details.extend(details);
        self
    }

    /// Tells it in other words: each word as `told` gives it.
    pub(super) fn in_words(mut self, told: impl Fn(&str) -> String) -> Failure {
        let text = |text: &str| text.split(' ').map(&told).collect::<Vec<_>>().join(" ");
        self.message = text(&self.message);
        self.details = self.details.iter().map(|detail| text(detail)).collect();
        self
    }

    /// Prints the failure to standard error.
    pub(super) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            // There is nobody left to tell when standard error is closed too.
            let _ = io::stderr().write_all(self.text().as_bytes());
        }
        ExitCode::from(self.code)
    }

    /// The sentence and its details, a line each.
    pub(crate) fn text(&self) -> String {
        let details: String = self
            .details
            .iter()
            .map(|detail| format!("  {detail}\n"))
            .collect();
        format!("error: {}\n{details}", self.message)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::quiet(),
            _ => Failure::new(format!("cannot write the answer: {error}")),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        let failure = match status.code() {
            Code::Unauthenticated => Failure::new(status.message())
                .with("give a token in the variable FULCRUM_TOKEN or with --token-file"),
            // Raised by the transport below us when the service goes away; its own message speaks of frames.
            Code::Unknown | Code::Unavailable | Code::Cancelled | Code::Internal
                if status.details().is_empty() && broken(&status) =>
            {
                went_away(&status)
            }
            _ if status.message().is_empty() => {
                Failure::new(format!("the service answered {}", status.code()))
            }
            _ => Failure::new(status.message()),
        };
        let told = lines(&status.get_error_details());
        failure.with_all(
            told.into_iter()
                .filter(|line| !status.message().contains(line)),
        )
    }
}

/// A server asks for certificates of callers only once we believe that TLS stands, so it may end the first call.
fn went_away(status: &Status) -> Failure {
    match tls::fault(status) {
        Some(fault) => Failure::new(format!("the call was ended: {fault}")),
        None => Failure::new(
            "the service closed the connection in the middle of the call: it was stopped, or it serves TLS and was asked \
             without; see its log, then try again",
        )
        .with("a service with TLS is named with https://, as in --server https://localhost:7460")
        .with("one that asks callers for certificates takes those of its authority only: --cert and --cert-key"),
    }
}

fn broken(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// What an operation recorded as its error, as one line each.
pub(super) fn stored(status: &StoredStatus) -> Vec<String> {
    use prost::Message as _;
    let details = tonic_types::pb::Status {
        code: status.code,
        message: status.message.clone(),
        details: status.details.clone(),
    };
    let status = Status::with_details(
        Code::from(status.code),
        &status.message,
        details.encode_to_vec().into(),
    );
    let mut told = vec![status.message().to_owned()];
    told.extend(lines(&status.get_error_details()));
    told
}

/// Reasons that say no more than the sentence does.
const GENERAL: [&str; 2] = ["NOT_FOUND", "INVALID_ARGUMENT"];

/// The details that help somebody at a terminal, a line each.
fn lines(details: &ErrorDetails) -> Vec<String> {
    let mut lines = Vec::new();
    for violation in details
        .bad_request()
        .iter()
        .flat_map(|bad| &bad.field_violations)
    {
        lines.push(format!("{}: {}", violation.field, violation.description));
    }
    for violation in details
        .precondition_failure()
        .iter()
        .flat_map(|failure| &failure.violations)
    {
        lines.push(violation.description.clone());
    }
    if let Some(info) = details
        .error_info()
        .filter(|info| !GENERAL.contains(&info.reason.as_str()))
    {
        let mut facts: Vec<String> = info
            .metadata
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        facts.sort();
        lines.push(format!("reason: {}", info.reason));
        lines.extend(facts);
    }
    if let Some(delay) = details.retry_info().and_then(|retry| retry.retry_delay) {
        lines.push(format!("try again in {}", time::length(delay)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::time::Duration;

    #[test]
    fn a_refusal_is_one_sentence_and_the_details_that_help() {
        let mut details = ErrorDetails::new();
        details
            .add_bad_request_violation("connection.region", "give a region or a base URL, not both")
            .set_error_info(
                "REGION_AND_BASE_URL",
                "fulcrum",
                HashMap::from([("permission".into(), "read".into())]),
            )
            .set_retry_info(Some(Duration::from_secs(90)));
        let status = Status::with_error_details(
            Code::InvalidArgument,
            "the connection is not valid",
            details,
        );
        assert_eq!(
            Failure::from(status).text(),
            "error: the connection is not valid\n  \
             connection.region: give a region or a base URL, not both\n  \
             reason: REGION_AND_BASE_URL\n  permission: read\n  try again in 2 min\n"
        );
    }

    #[test]
    fn a_missing_token_says_how_to_give_one() {
        let text = Failure::from(Status::unauthenticated("a token is required")).text();
        assert!(text.contains("FULCRUM_TOKEN"), "{text}");
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.code, failure.message.as_str()), (0, ""));
    }
}
