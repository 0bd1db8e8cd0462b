//! What went wrong, as a page.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::frame::bare;

/// A refusal of a service.
#[derive(Debug, Clone)]
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
                p { (self.message()) }
                @if fields.len() > 1 {
                    ul { @for (field, why) in &fields { li { code { (field) } ": " (why) } } }
                }
            }
        }
    }

    /// What is wrong with a field, given by its name in the request; of a list, with the line it is in.
    pub(super) fn about(&self, field: &str) -> Option<String> {
        let bad = self.0.get_details_bad_request()?;
        let mut found = bad.field_violations.iter().filter_map(|violation| {
            let place = violation.field.strip_prefix(field)?;
            let told = sentence(&violation.description);
            if place.is_empty() {
                return Some(told);
            }
            let line: usize = place.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
            Some(format!("Line {}: {told}", line.saturating_add(1)))
        });
        found.next()
    }

    /// What went wrong, as a sentence.
    pub(super) fn message(&self) -> String {
        sentence(self.0.message())
    }

    /// Our word for why, such as `ETAG_MISMATCH`.
    pub(super) fn reason(&self) -> Option<String> {
        Some(self.0.get_details_error_info()?.reason)
    }

    /// What it is, for pages that show a form again.
    pub(super) fn code(&self) -> Code {
        self.0.code()
    }

    /// Whether somebody else saved first.
    pub(super) fn is_conflict(&self) -> bool {
        self.reason().as_deref() == Some("ETAG_MISMATCH")
    }

    /// What is wrong, field by field: the name of the field in the message, and why.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let fields = self.0.get_details_bad_request();
        let fields = fields.map(|bad| bad.field_violations).unwrap_or_default();
        let pairs = fields.into_iter();
        pairs.map(|bad| (bad.field, bad.description)).collect()
    }

    /// The status of a page that tells of it.
    pub(super) fn http(&self) -> StatusCode {
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
            p { "Go back with your browser to try again, or " a href=(super::ROOT) { "start over" } "." }
        };
        let page = bare("This did not work", content);
        let mut response = (self.http(), page).into_response();
        // Whoever is signed in is told in the frame of the console (pages::refused).
        response.extensions_mut().insert(self);
        response
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
    fn what_is_wrong_is_found_by_its_field_and_in_a_list_by_its_line() {
        let error = engine::Error::invalid("settings.tags[2]", "say something");
        let refused = Refused::from(crate::wire::status::status(error));
        let line = refused.about("settings.tags");
        assert_eq!(line.as_deref(), Some("Line 3: Say something."));
        assert_eq!(refused.about("settings.tag"), None);
        assert_eq!(refused.about("settings"), None);
        assert_eq!(refused.reason().as_deref(), Some("INVALID_ARGUMENT"));
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
