//! Forms that were filled in.

use axum::body::to_bytes;
use axum::extract::{FromRequest, OptionalFromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::desk::Desk;
use super::refusal::Refused;
use super::{Console, ROOT, frame, lapsed, pages};
use crate::auth::Lapsed;
use crate::wire::status::{permission_denied, status};

/// The largest form: a mapping of some thousand stages.
const LARGEST: usize = 512 * 1024;

/// The field that proves where a form comes from.
pub(super) const CSRF: &str = "csrf";

/// What was filled in, field by field, as a browser sends it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Form {
        Form(form_urlencoded::parse(body).into_owned().collect())
    }

    /// A form that is filled in like this.
    pub(super) fn of<'n>(fields: impl IntoIterator<Item = (&'n str, String)>) -> Form {
        let fields = fields.into_iter();
        Form(
            fields
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// The value of a field without the space around it; empty where it is missing.
    pub(super) fn text(&self, field: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The value of a field without the space around it, if the form has the field at all.
    pub(super) fn given(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map(|(_, value)| value.trim())
    }

    /// Every value of a field that can be there more than once, without the space around it and without blank ones.
    pub(super) fn all<'f>(&'f self, field: &str) -> impl Iterator<Item = &'f str> {
        let same = self.0.iter().filter(move |(name, _)| name == field);
        same.map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// Every field with its value without the space around it, in the order of the page.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter();
        fields.map(|(name, value)| (name.as_str(), value.trim()))
    }

    /// Whether a box was ticked.
    pub(super) fn ticked(&self, field: &str) -> bool {
        !self.text(field).is_empty()
    }
}

/// A form that comes from a page of the session it is sent in.
pub(super) struct Posted {
    pub(super) desk: Desk,
    pub(super) form: Form,
}

impl FromRequest<Console> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let seated =
            <Desk as OptionalFromRequestParts<Console>>::from_request_parts(&mut parts, console)
                .await?;
        let body = to_bytes(body, LARGEST).await.map_err(|_cut_short| {
            let message = format!("a form has at most {LARGEST} bytes");
            Refused::from(status(engine::Error::invalid("form", message))).into_response()
        })?;
        let form = Form::parse(&body);
        let Some(desk) = seated else {
            let content = match console.lapsed(&parts.headers).await {
                Some(lapsed) => lost(parts.uri.path(), &form, lapsed),
                None => kept(parts.uri.path(), &form),
            };
            let page = frame::guest("Signed out", content);
            return Err((StatusCode::UNAUTHORIZED, page).into_response());
        };
        if !same(form.text(CSRF), desk.csrf()) {
            let message =
                "this form is from an older visit: go back, reload the page and try again";
            return Err(Refused::from(permission_denied(message)).into_response());
        }
        Ok(Posted { desk, form })
    }
}

/// What somebody filled in whose session has ended meanwhile, to be sent again: the proof of a form outlasts sessions.
/// A key is in no page, and has to be given anew.
fn kept(path: &str, form: &Form) -> Markup {
    html! {
        h1 { "You are signed out" }
        p { "Nothing was done, and nothing is lost: sign in in another tab, with the same token if you were signed in, then send what you filled in again from here. With another token it cannot be sent, and is copied from below." }
        p { a.button href={ (ROOT) "/sign-in" } target="_blank" rel="noopener" { "Sign in in another tab" } }
        form method="post" action=(path) {
            @for (name, value) in form.fields() {
                @if name != "api_key" { input type="hidden" name=(name) value=(value); }
            }
            button.primary type="submit" { "Send it again" }
        }
        (to_copy(&pages::in_words(path, form)))
    }
}

/// What was typed, to be copied; nothing where nothing was.
fn to_copy(typed: &[(String, String)]) -> Markup {
    html! {
        @if !typed.is_empty() {
            dl.typed { @for (label, value) in typed { dt { (label) } dd { (value) } } }
            p.faint { "What was chosen from lists of the account, such as stages and people, boxes without a tick, and keys are not among it: choose and give those again." }
        }
    }
}

/// The same where the token does not work any more: the proof of the form goes with it, so what was filled in can only be
/// copied.
fn lost(path: &str, form: &Form, lapsed: Lapsed) -> Markup {
    let typed = pages::in_words(path, form);
    html! {
        h1 { "You are signed out" }
        (lapsed::told(lapsed))
        p {
            "Nothing was done."
            @if !typed.is_empty() { " What you filled in cannot be sent with another token; it stands here to be copied, and is kept nowhere else." }
        }
        p { a.button href={ (ROOT) "/sign-in" } target="_blank" rel="noopener" { "Sign in in another tab" } }
        (to_copy(&typed))
    }
}

/// Compares without telling by the time it takes where two texts differ.
fn same(one: &str, other: &str) -> bool {
    Sha256::digest(one.as_bytes()) == Sha256::digest(other.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_send_them() {
        let form =
            Form::parse(b"name=+Acme+%26+Co+&stream=notes&stream=offers&stage.a=on&stage.b=");
        assert_eq!(form.text("name"), "Acme & Co");
        assert_eq!(form.text("missing"), "");
        assert_eq!(form.text("stream"), "notes", "the first");
        assert_eq!(form.all("stream").collect::<Vec<_>>(), ["notes", "offers"]);
        assert_eq!(form.fields().last(), Some(("stage.b", "")));
        assert!(form.ticked("stage.a") && !form.ticked("stage.b"));
    }

    #[test]
    fn what_was_filled_in_when_a_session_ended_is_kept_but_for_keys() {
        let form = Form::parse(b"csrf=p&name=Acme+%22%3E&api_key=sesame-open&act=save");
        let text = kept("/console/connect", &form).into_string();
        assert!(text.contains("action=\"/console/connect\""));
        assert!(text.contains("name=\"csrf\" value=\"p\"") && text.contains("value=\"save\""));
        assert!(text.contains("Acme &quot;&gt;") && !text.contains("sesame-open"));
    }

    #[test]
    fn what_was_filled_in_when_a_token_ended_can_be_copied_and_is_not_said_to_go_on() {
        let form = Form::parse(b"csrf=p&etag=v1&display_name=Ac%3Cme&api_key=sesame-open&act=save");
        let at = lever::Timestamp::default();
        let path = "/console/connections/c/settings";
        let text = lost(path, &form, Lapsed::Revoked(at)).into_string();
        assert!(text.contains("was revoked") && text.contains("<dt>Name</dt><dd>Ac&lt;me</dd>"));
        for hidden in ["same token", "<form", "sesame-open", ">p<", ">v1<"] {
            assert!(!text.contains(hidden), "{hidden}");
        }
        let nothing = lost(path, &Form::default(), Lapsed::Revoked(at)).into_string();
        assert!(!nothing.contains("to be copied") && !nothing.contains("<dl"));
    }

    #[test]
    fn a_body_that_is_no_form_has_no_fields_anybody_asks_for() {
        let form = Form::parse(&[0xff, b'=', 0xfe, b'&', b'&', b'=']);
        assert_eq!(form.text("csrf"), "");
    }
}
