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
use crate::console::penance::{penance, turned_away};
use crate::console::refusal::Refused;
use crate::console::{Console, ROOT, lapsed, see};
use crate::wire::status::status;

/// A token is shorter by far; where somebody wanted to go has room beside it, each byte of it as three.
const LARGEST: usize = 16 * 1024;

/// The longest address that is gone back to, in bytes: pages of ours have shorter ones.
const FARTHEST: usize = 4 * 1024;

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
    let over = lapsed.map(|lapsed| Wrong::before(lapsed::told(lapsed)));
    page(&wish.to, over).into_response()
}

/// Needs no proof that it comes from a page of ours: whoever knows the token may sign in.
async fn sign_in(State(console): State<Console>, request: Request) -> Result<Response, Refused> {
    if from_elsewhere(request.headers(), console.api.engine.public_url()) {
        let message =
            html! { p { "Sign in on this page itself: the form came from another site." } };
        let page = page("", Some(Wrong::before(message)));
        return Ok((StatusCode::FORBIDDEN, page).into_response());
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
        let page = page(to, Some(Wrong::before(message)));
        return turned_away(page);
    }
    let message = match lapsed {
        Some(lapsed) => lapsed::told(lapsed),
        None => html! { p { "This token does not work: it is mistyped, or not known here." } },
    };
    let wrong = Wrong {
        message,
        token: true,
    };
    (StatusCode::FORBIDDEN, page(to, Some(wrong))).into_response()
}

async fn sign_out(Posted { desk, .. }: Posted) -> Response {
    desk.leave();
    see(&format!("{ROOT}/sign-in"))
}

/// Whether a page of another site sends it, which would sign its visitor in as somebody else.
///
/// Browsers tell where a form comes from; over plain HTTP all they tell is the origin, which is then that of the address
/// asked for, or the public one where a proxy asks in the browser's place. What tells neither is no browser.
fn from_elsewhere(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    if let Some(site) = headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        return site != b"same-origin" && site != b"none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let Some(origin) = origin.to_str().ok().and_then(origin_of) else {
        return true;
    };
    let of_host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let of_host = of_host.is_some_and(|host| {
        let own = ["http", "https"].map(|scheme| origin_of(&format!("{scheme}://{host}")));
        own.iter().flatten().any(|own| *own == origin)
    });
    let public = public_url
        .and_then(origin_of)
        .is_some_and(|own| own == origin);
    !of_host && !public
}

/// The origin of an address, as browsers compare them: the usual port is none.
fn origin_of(url: &str) -> Option<String> {
    let origin = url::Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// A page of the console; whatever else was asked for leads to its beginning.
fn within(path: &str) -> &str {
    let inside = path
        .strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.?&=+%*~".contains(&byte));
    if inside && plain && path.len() <= FARTHEST {
        path
    } else {
        ROOT
    }
}

/// What stands above the form.
struct Wrong {
    message: Markup,
    /// Whether it is about the token that was filled in.
    token: bool,
}

impl Wrong {
    /// What is wrong whatever is filled in.
    fn before(message: Markup) -> Wrong {
        Wrong {
            message,
            token: false,
        }
    }
}

fn page(to: &str, wrong: Option<Wrong>) -> Markup {
    let described = wrong.is_some().then_some("token-problem");
    let invalid = wrong.as_ref().is_some_and(|wrong| wrong.token);
    bare(
        "Sign in",
        html! {
            h1 { "Sign in" }
            @if let Some(wrong) = wrong { div.notice.bad role="alert" id="token-problem" { (wrong.message) } }
            form.stack method="post" action={ (ROOT) "/sign-in" } {
                input type="hidden" name="to" value=(within(to));
                label { "Token"
                    input type="password" name="token" required autofocus autocomplete="current-password" spellcheck="false"
                        aria-describedby=[described] aria-invalid=[invalid.then_some("true")];
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
        let far = |bytes: usize| format!("{ROOT}?{}", "+".repeat(bytes - ROOT.len() - 1));
        assert_eq!(within(&far(FARTHEST)), far(FARTHEST));
        assert_eq!(within(&far(FARTHEST + 1)), ROOT);
    }

    #[test]
    fn a_wrong_token_is_told_at_its_field_which_has_the_focus() {
        let of = |wrong| page("", wrong).into_string();
        let message = || html! { p { "This token does not work." } };
        let wrong = of(Some(Wrong {
            message: message(),
            token: true,
        }));
        assert!(wrong.contains("id=\"token-problem\"><p>This token does not work."));
        let field = "aria-describedby=\"token-problem\" aria-invalid=\"true\"";
        assert!(wrong.contains(field) && wrong.contains(" autofocus "));
        let over = of(Some(Wrong::before(message())));
        assert!(over.contains("aria-describedby=\"token-problem\"") && !over.contains("invalid"));
        assert!(!of(None).contains("token-problem"));
    }

    #[test]
    fn a_form_on_another_site_signs_nobody_in() {
        let of = |site: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            from_elsewhere(&headers, None)
        };
        assert!(of("cross-site") && of("same-site"));
        assert!(!of("same-origin") && !of("none"));
        assert!(!from_elsewhere(&HeaderMap::new(), None));
    }

    #[test]
    fn where_browsers_tell_the_origin_alone_it_has_to_be_ours() {
        let of = |origin: &'static str, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            headers.insert(header::HOST, HeaderValue::from_static(host));
            from_elsewhere(&headers, Some("https://ats.example/"))
        };
        for (origin, host) in [
            ("http://10.0.0.7:7461", "10.0.0.7:7461"),
            ("https://fulcrum.example", "fulcrum.example:443"),
            ("http://Fulcrum.example", "fulcrum.example"),
            ("https://ats.example", "inside:7461"),
        ] {
            assert!(!of(origin, host), "{origin} at {host}");
        }
        for (origin, host) in [
            ("http://evil.example", "10.0.0.7:7461"),
            ("http://10.0.0.7:8080", "10.0.0.7:7461"),
            ("http://10.0.0.7.evil.example:7461", "10.0.0.7:7461"),
            ("http://ats.example", "inside:7461"),
            ("null", "10.0.0.7:7461"),
            ("null", ""),
            ("http://", ""),
        ] {
            assert!(of(origin, host), "{origin} at {host}");
        }
    }
}
