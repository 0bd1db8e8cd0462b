//! Connecting an account by a link: the page of whoever may authorise at the customer, who has no token of ours.
//!
//! What a visitor may do here is what the link is for, and nothing else: see what Fulcrum would read and write, and give
//! the credential. The secret is part of the address, so nobody is told where a visitor comes from, and nothing is kept
//! by browsers. Consent begins with a link and not with a form, since a form may lead to ourselves only.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::{Environment, Region};
use engine::{
    ACCOUNT_CONNECTED, CONSENT_BACK, Error, ErrorKind, KEY_REJECTED, LinkTarget, NewCredential,
    OAuthGrant,
};
use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use store::{ConnectLink, LinkPurpose, LinkState};

use crate::auth;
use crate::console::checklist::{Only, checklist};
use crate::console::consent::{self, COOKIE, Errand, cookie, no_cookie};
use crate::console::desk::cookie_of;
use crate::console::form::Form;
use crate::console::frame::guest;
use crate::console::models::{MODELS, Model, WRITES};
use crate::console::penance::{penance, turned_away};
use crate::console::refusal::sentence;
use crate::console::words::moment;
use crate::console::{Console, see};
use crate::wire::time::to_timestamp;

/// A key is shorter by far.
const LARGEST: usize = 8 * 1024;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/connect/{secret}", get(show).post(give_key))
        .route("/connect/{secret}/", get(without_slash))
        .route("/connect/{secret}/lever", get(to_lever))
        .route(CONSENT_BACK, get(back))
}

const TOO_MANY: &str = "Too many wrong tries just now";

/// Who copies an address may end it with a slash.
async fn without_slash(Path(secret): Path<String>) -> Response {
    private(see(&path(&secret)))
}

/// What Lever said, where it said no.
#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    consent: String,
}

async fn show(
    State(console): State<Console>,
    Path(secret): Path<String>,
    Query(said): Query<Said>,
) -> Response {
    let notice = match said.consent.as_str() {
        "refused" => Some(
            "Lever was not allowed to give access, so nothing was connected. The link still works: only a Lever Super \
             Admin can consent.",
        ),
        _ => None,
    };
    match found(&console, &secret).await {
        Ok(link) => page(&console, &secret, &link, notice.map(Notice::other)).await,
        Err(response) => response,
    }
}

async fn give_key(
    State(console): State<Console>,
    Path(secret): Path<String>,
    request: Request,
) -> Response {
    let link = match found(&console, &secret).await {
        Ok(link) => link,
        Err(response) => return response,
    };
    let body = to_bytes(request.into_body(), LARGEST).await;
    let form = Form::parse(&body.unwrap_or_default());
    let key = SecretString::from(form.text("api_key"));
    let credential = NewCredential::ApiKey(key);
    follow(&console, &secret, link, credential).await
}

/// Connects the account, or says why not. Whoever comes too late sees what became of the link.
async fn follow(
    console: &Console,
    secret: &str,
    link: ConnectLink,
    credential: NewCredential,
) -> Response {
    let engine = &console.api.engine;
    let Err(error) = engine.follow_connect_link(link.clone(), credential).await else {
        return private(see(&path(secret)));
    };
    if reason(&error) == Some("CONNECT_LINK_ENDED") {
        return private(see(&path(secret)));
    }
    if reason(&error) == Some(KEY_REJECTED) && !penance().await {
        return too_many();
    }
    tracing::info!(link = %link.id, error = %error.for_log(), "a link was followed in vain");
    let said = words(&error);
    let notice = Notice {
        text: &said,
        of_key: is_of_key(&error),
    };
    let mut response = page(console, secret, &link, Some(notice)).await;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

fn reason(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Precondition { reason, .. } => Some(*reason),
        _ => None,
    }
}

/// Whether it is the key that was given.
fn is_of_key(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Invalid { violations } => violations.iter().all(|bad| bad.field == "api_key"),
        _ => reason(error) == Some(KEY_REJECTED),
    }
}

/// What a visitor is told: of the key, and of Lever, but nothing about other accounts or the service.
fn words(error: &Error) -> String {
    let unavailable = matches!(error.kind(), ErrorKind::Unavailable { .. });
    let of_the_key = is_of_key(error) || unavailable;
    if reason(error) == Some(ACCOUNT_CONNECTED) {
        // Of which connection, and for whom, is nobody's business here.
        return "This Lever account is connected already, so nothing was changed and the link still works. Tell whoever \
                sent you the link: they can replace the key of the account that is connected, or connect it a second \
                time. If you meant another account, give its key."
            .to_owned();
    }
    match of_the_key {
        true => format!("{} The link still works.", sentence(&error.for_caller())),
        false => "This cannot be done as it was prepared: tell whoever sent you the link, and give them the time at \
                  which you read this."
            .to_owned(),
    }
}

async fn to_lever(State(console): State<Console>, Path(secret): Path<String>) -> Response {
    let link = match found(&console, &secret).await {
        Ok(link) => link,
        Err(response) => return response,
    };
    if console.api.engine.state_of(&link) != LinkState::Open {
        return private(see(&path(&secret)));
    }
    match sent(&console, &secret, &link).await {
        Ok((url, cookie)) => {
            let mut response = see(&url);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            private(response)
        }
        Err(error) => {
            let said = words(&error);
            page(&console, &secret, &link, Some(Notice::other(&said))).await
        }
    }
}

/// Where a visitor is sent to consent, and with which cookie.
async fn sent(
    console: &Console,
    secret: &str,
    link: &ConnectLink,
) -> engine::Result<(String, String)> {
    let engine = &console.api.engine;
    let target = engine.link_target(link).await?;
    let sent = consent::begin(engine.store(), secret, console.api.authority.now())?;
    let url = engine.consent_url(&target, &sent.state, &sent.verifier)?;
    Ok((url, cookie(&sent.browser, console.secure)))
}

/// What Lever sends people back with.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
}

async fn back(
    State(console): State<Console>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Response {
    let browser = cookie_of(&headers, COOKIE).unwrap_or_default();
    let (store, now) = (console.api.engine.store(), console.api.authority.now());
    let Some(errand) = consent::end(store, &answer.state, browser, now) else {
        if !penance().await {
            return too_many();
        }
        return dead_end(
            StatusCode::FORBIDDEN,
            "This answer came too late, or to another browser",
            "What Lever answers counts once, for ten minutes, and in the browser in which you began. Nothing was \
             connected by it: open the link that you were sent, and begin again there.",
        );
    };
    let mut response = answered(&console, errand, answer).await;
    if let Ok(none) = HeaderValue::from_str(&no_cookie(console.secure)) {
        response.headers_mut().insert(header::SET_COOKIE, none);
    }
    response
}

/// Goes on with what somebody was sent to Lever for.
async fn answered(console: &Console, errand: Errand, answer: Answer) -> Response {
    let Errand { link, verifier } = errand;
    let secret = link.expose_secret();
    let found = match found(console, secret).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    if answer.code.is_empty() {
        return private(see(&format!("{}?consent=refused", path(secret))));
    }
    let grant = OAuthGrant::Code {
        code: answer.code.into(),
        redirect_uri: console.api.engine.consent_back().unwrap_or_default(),
        verifier: Some(verifier),
    };
    follow(console, secret, found, NewCredential::OAuth(grant)).await
}

/// The link of a secret, whatever became of it.
async fn found(console: &Console, secret: &str) -> Result<ConnectLink, Response> {
    let link = console.api.engine.connect_link(&auth::hash(secret)).await;
    match link {
        Ok(Some(link)) => Ok(link),
        Ok(None) if !penance().await => Err(too_many()),
        Ok(None) => Err(dead_end(
            StatusCode::NOT_FOUND,
            "There is no such link",
            "It may have been cut off on its way: copy it whole, or ask whoever sent it for another.",
        )),
        Err(error) => {
            tracing::error!(error = %engine::report(&error), "a connect link could not be read");
            Err(dead_end(
                StatusCode::SERVICE_UNAVAILABLE,
                "This does not work just now",
                "Try again in a minute; the link is not used up.",
            ))
        }
    }
}

fn path(secret: &str) -> String {
    // What is no secret of ours leads to no link, but must not lead elsewhere either.
    let safe: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    format!("/connect/{safe}")
}

fn too_many() -> Response {
    let content = html! { h1 { (TOO_MANY) } p { "Try again in a few seconds." } };
    private(turned_away(guest(TOO_MANY, content)))
}

fn dead_end(status: StatusCode, title: &str, text: &str) -> Response {
    let content = html! { h1 { (title) } p { (text) } };
    private((status, guest(title, content)).into_response())
}

/// Whose address nobody is told, and no search engine keeps.
fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    let robots = HeaderName::from_static("x-robots-tag");
    headers.insert(robots, HeaderValue::from_static("noindex, nofollow"));
    response
}

/// The page of a link, which is its form while it is open.
async fn page(
    console: &Console,
    secret: &str,
    link: &ConnectLink,
    notice: Option<Notice<'_>>,
) -> Response {
    let engine = &console.api.engine;
    let (title, text) = match engine.state_of(link) {
        LinkState::Open => match engine.link_target(link).await {
            Ok(target) => {
                let view = View {
                    path: path(secret),
                    relink: matches!(link.purpose, LinkPurpose::Relink(_)),
                    target,
                    expires_at: to_timestamp(link.expires_at),
                    consent: engine.consent_back().is_some(),
                    notice,
                };
                let title = format!("Connect Lever for {}", view.target.display_name);
                return private(guest(&title, form(&view)).into_response());
            }
            Err(_) => (
                "This link leads nowhere any more",
                html! { p { "The account that it was for was removed. Ask whoever sent it for another." } },
            ),
        },
        LinkState::Used => {
            let at = link.used.as_ref().map(|(at, _)| to_timestamp(*at));
            let text = html! {
                p { "This link was used " (moment(at.as_ref())) ": Lever is connected, and what is needed is being read by itself. There is nothing more to do here, and the link does not work again." }
                p { "If that was not you, or one of your colleagues, tell whoever sent you the link, and take the key, or the consent, back in Lever." }
            };
            return private(
                guest(
                    "Lever is connected",
                    html! { h1 { "Lever is connected" } (text) },
                )
                .into_response(),
            );
        }
        LinkState::Expired => (
            "This link has expired",
            html! { p { "It worked until " (moment(Some(&to_timestamp(link.expires_at)))) ". Ask whoever sent it for another." } },
        ),
        LinkState::Revoked => (
            "This link was taken back",
            html! { p { "Whoever made it does not want it to be used any more. Ask them for another." } },
        ),
    };
    let content = html! { h1 { (title) } (text) };
    private((StatusCode::GONE, guest(title, content)).into_response())
}

/// What the form shows.
struct View<'a> {
    path: String,
    relink: bool,
    target: LinkTarget,
    expires_at: prost_types::Timestamp,
    /// Whether Lever's consent page can be had.
    consent: bool,
    notice: Option<Notice<'a>>,
}

/// Why nothing was connected.
#[derive(Debug, Clone, Copy)]
struct Notice<'a> {
    text: &'a str,
    /// Whether it is the key that was given.
    of_key: bool,
}

impl Notice<'_> {
    fn other(text: &str) -> Notice<'_> {
        Notice {
            text,
            of_key: false,
        }
    }
}

/// What Fulcrum would do comes before anything that can be filled in.
fn form(view: &View<'_>) -> Markup {
    let target = &view.target;
    html! {
        h1 { "Connect Lever for " (target.display_name) }
        @if let Some(notice) = view.notice {
            div.notice.bad role="alert" {
                p { (notice.text) @if notice.of_key { " " a href="#api_key" { "To the key" } } }
            }
        }
        (scopes(target))
        @if view.relink {
            div.notice { p { "The account is connected already. What you give here replaces the present key; everything else stays." } }
        }
        p.faint { "For the account in Lever’s " (environment(&target.environment)) " environment. This link works once, until " (moment(Some(&view.expires_at))) "." }
        @if view.consent { (with_consent(view)) }
        (with_key(view))
    }
}

/// What is read and written, in plain words.
fn scopes(target: &LinkTarget) -> Markup {
    let kept = |model: &&Model| {
        let stream = domain::Stream::from_name(model.stream);
        stream.is_some_and(|stream| target.streams.contains(&stream))
    };
    let reads_eeo = target.streams.contains(&domain::Stream::EeoResponses);
    html! {
        section.panel aria-labelledby="reads" {
            h2 id="reads" { "What Fulcrum reads from Lever" }
            p { "It keeps a copy, so that recruiters see who is in which stage without asking Lever each time." }
            @for (heading, models) in MODELS {
                @let kept: Vec<&Model> = models.iter().filter(kept).collect();
                @if !kept.is_empty() {
                    h3 { (heading) }
                    ul.scopes { @for model in kept { li { strong { (model.label) } ": " (model.about) } } }
                }
            }
            @if !target.secret_notes { p { "It does not keep secret notes." } }
            @if !reads_eeo { p { "It does not read answers to equal-opportunity (EEO) questions." } }
        }
        section.panel aria-labelledby="writes" {
            h2 id="writes" { "What Fulcrum writes to Lever" }
            p { "Nothing by itself. When somebody in your team asks for it, it can:" }
            ul.scopes { @for write in WRITES { li { (write) } } }
            p { "It deletes nobody in Lever." }
        }
    }
}

fn with_consent(view: &View<'_>) -> Markup {
    html! {
        section.panel {
            h2 { "With your sign-in to Lever" }
            p { "Lever asks you for consent. Only a Super Admin of your Lever account can give it, and takes it back in Lever at any time." }
            p { a.button.primary href={ (view.path) "/lever" } rel="nofollow" { "Continue to Lever" } }
            details {
                summary { "The scopes that Lever shows" }
                ul { @for scope in engine::consent_scopes(&view.target.streams) { li { code { (scope) } } } }
            }
        }
    }
}

fn with_key(view: &View<'_>) -> Markup {
    let refused = view.notice.filter(|notice| notice.of_key);
    let invalid = refused.map(|_| "true");
    let why = refused.map(|_| "api_key.why");
    html! {
        section.panel {
            h2 { @if view.consent { "Or with an API key" } @else { "With an API key" } }
            p { "In Lever, a Super Admin opens Settings → Integrations and API → API Credentials, generates a key with the permissions of this list, and copies it here. Lever shows the key once." }
            details {
                summary { "The permissions to tick, in Lever’s order" }
                (checklist(Only::Everything))
            }
            form.stack method="post" action=(view.path) {
                label { "API key"
                    input id="api_key" type="password" name="api_key" required autocomplete="off" spellcheck="false"
                        aria-invalid=[invalid] aria-describedby=[why] autofocus[refused.is_some()];
                }
                @if let Some(notice) = refused { span.wrong id=[why] { (notice.text) } }
                button.primary[!view.consent] type="submit" { "Test and connect" }
                p.faint { "The key is tried with one call to Lever and kept sealed. Nobody can read it again, neither here nor at Fulcrum." }
            }
        }
    }
}

fn environment(environment: &Environment) -> &'static str {
    match environment {
        Environment::Region(Region::Global) => "production",
        Environment::Region(Region::Eu) => "production (EU)",
        Environment::Region(Region::Sandbox) => "sandbox",
        Environment::BaseUrl(_) => "test",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::Stream;

    use super::*;

    fn shown(consent: bool, streams: BTreeSet<Stream>, refused_key: Option<bool>) -> String {
        let view = View {
            path: "/connect/fcl_x".to_owned(),
            relink: false,
            target: LinkTarget {
                display_name: "<i>Acme".to_owned(),
                environment: Environment::Region(Region::Eu),
                streams,
                secret_notes: false,
            },
            expires_at: prost_types::Timestamp::default(),
            consent,
            notice: refused_key.map(|of_key| Notice {
                text: "No good.",
                of_key,
            }),
        };
        form(&view).into_string()
    }

    #[test]
    fn a_key_that_is_refused_is_told_beside_its_field_which_has_the_focus() {
        let refused = shown(false, BTreeSet::new(), Some(true));
        let field = refused.split("id=\"api_key\"").nth(1).expect("the field");
        let (field, rest) = field.split_once('>').expect("its end");
        assert!(field.contains("aria-invalid=\"true\"") && field.contains("autofocus"));
        assert!(field.contains("aria-describedby=\"api_key.why\""));
        assert!(rest.contains("id=\"api_key.why\">No good."));
        let other = shown(false, BTreeSet::new(), Some(false));
        assert!(other.contains("No good.") && !other.contains("aria-invalid"));
    }

    #[test]
    fn what_is_read_and_written_comes_before_anything_to_fill_in() {
        let text = shown(true, Stream::DEFAULT.iter().copied().collect(), None);
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}"));
        assert!(place("What Fulcrum reads") < place("What Fulcrum writes"));
        assert!(place("What Fulcrum writes") < place("Continue to Lever"));
        assert!(place("Continue to Lever") < place("<form"));
        assert!(text.contains("does not read answers to equal-opportunity"));
        assert!(text.contains("&lt;i&gt;Acme") && text.contains("production (EU)"));
        assert!(text.contains("<code>offline_access</code>"));
    }

    #[test]
    fn what_is_not_kept_is_not_said_to_be_read_and_consent_is_offered_where_it_can_be_had() {
        let text = shown(false, BTreeSet::from([Stream::Users]), None);
        assert!(text.contains("Users") && !text.contains("<strong>Interviews</strong>"));
        assert!(!text.contains("Continue to Lever") && text.contains("With an API key"));
    }

    #[test]
    fn a_visitor_is_told_of_the_key_and_of_nothing_else() {
        let rejected = Error::precondition(KEY_REJECTED, "Lever rejects the key", Vec::new());
        assert_eq!(
            words(&rejected),
            "Lever rejects the key. The link still works."
        );
        let other = Error::already_exists("connection 7 has this external_id", Vec::new());
        assert!(!words(&other).contains("external_id"));
        let field = Error::invalid("connection.base_url", "not allowed");
        assert!(!words(&field).contains("base_url"));
    }

    #[test]
    fn a_secret_leads_nowhere_else() {
        assert_eq!(path("a/../b"), "/connect/a%2F..%2Fb");
    }
}
