//! Signing in with a token, and out.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use crate::auth::{self, Lapsed};
use crate::console::desk::{Desk, cookie};
use crate::console::form::{Form, Posted};
use crate::console::frame::bare;
use crate::console::penance::penance;
use crate::console::refusal::Refused;
use crate::console::{Console, ROOT, lapsed, see};
use crate::wire::status::status;

/// A token is shorter by far.
const LARGEST: usize = 4 * 1024;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/sign-in", get(show).post(sign_in))
        .route("/console/sign-out", post(sign_out))
}

/// Where somebody wanted to go.
#[derive(Debug, Deserialize)]
struct Wish {
    #[serde(default)]
    to: String,
}

async fn show(
    State(console): State<Console>,
    headers: HeaderMap,
    desk: Option<Desk>,
    Query(wish): Query<Wish>,
) -> Response {
    if desk.is_some() {
        return see(within(&wish.to));
    }
    let lapsed = console.lapsed(&headers).await;
    page(&wish.to, lapsed.map(lapsed::told)).into_response()
}

/// Needs no proof that it comes from a page of ours: whoever knows the token may sign in.
async fn sign_in(State(console): State<Console>, request: Request) -> Result<Response, Refused> {
    if from_elsewhere(request.headers()) {
        let message = html! { p { "Sign in on this page itself." } };
        return Ok(page("", Some(message)).into_response());
    }
    let body = to_bytes(request.into_body(), LARGEST).await;
    let form = Form::parse(&body.unwrap_or_default());
    let to = within(form.text("to")).to_owned();
    let hash = auth::hash(form.text("token"));
    let proven = console.api.authority.proven_by_hash(Some(hash)).await;
    if proven.map_err(status)?.is_none() {
        let lapsed = console.api.authority.lapsed(hash).await.map_err(status)?;
        return Ok(refused(&to, lapsed).await);
    }
    let token = console.api.authority.required().then_some(hash);
    let (secret, _session) = console.sessions.begin(token).map_err(status)?;
    let mut response = see(&to);
    if let Ok(cookie) = HeaderValue::from_str(&cookie(&secret, console.secure)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn refused(to: &str, lapsed: Option<Lapsed>) -> Response {
    if !penance().await {
        let message = html! { p { "Too many wrong tokens just now: try again in a few seconds." } };
        return (StatusCode::TOO_MANY_REQUESTS, page(to, Some(message))).into_response();
    }
    let message = match lapsed {
        Some(lapsed) => lapsed::told(lapsed),
        None => html! { p { "This token does not work: it is mistyped, or not known here." } },
    };
    (StatusCode::FORBIDDEN, page(to, Some(message))).into_response()
}

async fn sign_out(Posted { desk, .. }: Posted) -> Response {
    desk.leave();
    see(&format!("{ROOT}/sign-in"))
}

/// Whether a page of another site sends it.
fn from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

/// A page of the console; whatever else was asked for leads to its beginning.
fn within(path: &str) -> &str {
    let inside = path
        .strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.?&=+%*~".contains(&byte));
    if inside && plain { path } else { ROOT }
}

fn page(to: &str, wrong: Option<Markup>) -> Markup {
    bare(
        "Sign in",
        html! {
            h1 { "Sign in" }
            @if let Some(wrong) = wrong { div.notice.bad role="alert" { (wrong) } }
            form.stack method="post" action={ (ROOT) "/sign-in" } {
                input type="hidden" name="to" value=(within(to));
                label { "Token"
                    input type="password" name="token" required autofocus autocomplete="current-password" spellcheck="false";
                }
                button.primary type="submit" { "Sign in" }
            }
            p.faint {
                "An administrator of Fulcrum makes tokens with " code { "fulcrum token create --role admin" }
                ". What you see and may do here is what your token may do."
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_a_page_of_the_console_and_nowhere_else() {
        assert_eq!(
            within("/console/connections/a-b/sync"),
            "/console/connections/a-b/sync"
        );
        let held = "/console/connections/a-b/operations?show=held&after=a%2Bb";
        assert_eq!(within(held), held);
        for elsewhere in [
            "",
            "/consoles",
            "//evil.example",
            "/console/\\evil",
            "https://evil.example/console",
            "/console/x?y=\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(within(elsewhere), ROOT, "{elsewhere}");
        }
    }

    #[test]
    fn a_form_on_another_site_signs_nobody_in() {
        let of = |site: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            from_elsewhere(&headers)
        };
        assert!(of("cross-site") && of("same-site"));
        assert!(!of("same-origin") && !of("none"));
        assert!(!from_elsewhere(&HeaderMap::new()));
    }
}
