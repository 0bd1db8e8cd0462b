//! What went wrong, as a page.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::frame::bare;

/// A refusal of a service.
#[derive(Debug)]
pub(super) struct Refused(Status);

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

impl Refused {
    /// The message with what is wrong field by field, for a page that shows its form again.
    pub(super) fn notice(&self) -> Markup {
        let fields = self.fields();
        html! {
            div.notice.bad role="alert" {
                p { (sentence(self.0.message())) }
                @if fields.len() > 1 {
                    ul { @for (field, why) in &fields { li { code { (field) } ": " (why) } } }
                }
            }
        }
    }

    /// What it is, for pages that show a form again.
    pub(super) fn code(&self) -> Code {
        self.0.code()
    }

    /// Whether somebody else saved first.
    pub(super) fn is_conflict(&self) -> bool {
        let info = self.0.get_details_error_info();
        info.is_some_and(|info| info.reason == "ETAG_MISMATCH")
    }

    /// The message, as services have it.
    pub(super) fn message(&self) -> &str {
        self.0.message()
    }

    /// What is wrong, field by field: the name of the field in the message, and why.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let fields = self.0.get_details_bad_request();
        let fields = fields.map(|bad| bad.field_violations).unwrap_or_default();
        let pairs = fields.into_iter();
        pairs.map(|bad| (bad.field, bad.description)).collect()
    }

    fn http(&self) -> StatusCode {
        match self.0.code() {
            Code::InvalidArgument | Code::OutOfRange => StatusCode::UNPROCESSABLE_ENTITY,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::PermissionDenied | Code::Unauthenticated => StatusCode::FORBIDDEN,
            Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => StatusCode::CONFLICT,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::Unavailable | Code::DeadlineExceeded => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let content = html! {
            h1 { "This did not work" }
            (self.notice())
            p { "Nothing was changed. Go back with your browser to try again, or " a href=(super::ROOT) { "start over" } "." }
        };
        (self.http(), bare("This did not work", content)).into_response()
    }
}

/// A message of a service, which begins small, as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let stop = if message.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(
            sentence("api_key: Lever rejects the key"),
            "Api_key: Lever rejects the key."
        );
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn what_was_refused_is_shown_without_being_taken_for_markup() {
        let refused = Refused::from(Status::not_found("no connection <b>x</b>"));
        assert_eq!(refused.http(), StatusCode::NOT_FOUND);
        assert!(
            refused
                .notice()
                .into_string()
                .contains("No connection &lt;b&gt;x&lt;/b&gt;.")
        );
    }
}
