//! What was refused, told in the frame of whoever is signed in: the tabs, the name and the way out stay where they are.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;
use tonic::{Code, Status};
use url::form_urlencoded;

use super::{connect, connections, setup, sync};
use crate::console::desk::Desk;
use crate::console::frame::{Place, Tab};
use crate::console::models::keeps;
use crate::console::refusal::Refused;
use crate::console::words::moment;
use crate::console::{Console, ROOT, see};

/// The longest answer in plain text that is looked at; the router's own are far shorter.
const LONGEST: usize = 4 * 1024;

const TITLE: &str = "This did not work";

/// What a browser asked for.
struct Asked {
    method: Method,
    path: String,
    query: String,
}

impl Asked {
    /// Whether nothing can have been changed by it.
    fn reads(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// The connection it is about, and the end of the path after that.
    fn connection(&self) -> Option<(&str, &str)> {
        let rest = self
            .path
            .strip_prefix(ROOT)?
            .strip_prefix("/connections/")?;
        let end = rest.find('/').unwrap_or(rest.len());
        Some(rest.split_at(end))
    }

    /// The tab that it belongs to.
    fn tab(&self) -> Tab {
        self.connection()
            .map_or(Tab::Overview, |(_, end)| Tab::of(end))
    }

    /// The page that a form which is sent here stands on.
    fn parent(&self) -> &str {
        if self.path.starts_with(super::links::LINKS) {
            return super::links::LINKS;
        }
        let above = self.path.rsplit_once('/').map_or(ROOT, |(above, _)| above);
        if above.starts_with(ROOT) { above } else { ROOT }
    }

    /// The same list from its beginning.
    fn first_page(&self) -> String {
        let asked: Vec<(String, String)> = form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .filter(|(name, _)| name != "after")
            .collect();
        let asked: Vec<(&str, &str)> = asked
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        super::href(&self.path, &asked)
    }
}

/// Has what a page refuses, and what no page answers, told in the frame of the console.
pub(in crate::console) async fn framed(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    let asked = Asked {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
    };
    let inside = asked.path.strip_prefix(ROOT);
    if !inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return next.run(request).await;
    }
    let headers = request.headers().clone();
    let mut response = next.run(request).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && asked.reads() {
        return see(asked.parent());
    }
    let code = response.status();
    let refused = match response.extensions_mut().remove::<Refused>() {
        Some(refused) => refused,
        None if code.is_client_error() && is_plain(response.headers()) => {
            unanswered(code, response).await
        }
        None => return response,
    };
    match console.seated(&headers).await {
        Ok(Some(desk)) => page(&desk, &asked, refused, code).await,
        Ok(None) | Err(_) => (code, refused.into_response()).into_response(),
    }
}

/// Whether an answer is the router's own, and no page.
fn is_plain(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// What the router says of an address that it cannot read, in our words.
async fn unanswered(code: StatusCode, response: Response) -> Refused {
    if code == StatusCode::METHOD_NOT_ALLOWED {
        return Status::invalid_argument("no form is sent to this address: it only shows a page")
            .into();
    }
    let text = to_bytes(response.into_body(), LONGEST).await;
    let text = text.unwrap_or_default();
    Status::invalid_argument(in_words(&String::from_utf8_lossy(&text))).into()
}

fn in_words(text: &str) -> String {
    let parts = [
        (
            "Failed to deserialize query string: ",
            "what follows the question mark",
        ),
        ("Invalid URL: ", "a part"),
    ];
    for (prefix, part) in parts {
        if let Some(why) = text.strip_prefix(prefix) {
            let why = why.replace("to a `u64`", "as a whole number");
            return format!("this address cannot be read, in {part}: {why}");
        }
    }
    "this address cannot be read: go there from another page".to_owned()
}

async fn page(desk: &Desk, asked: &Asked, refused: Refused, code: StatusCode) -> Response {
    let connection = match asked.connection() {
        Some((id, _)) => desk.connection(id).await.ok(),
        None => None,
    };
    let Some(connection) = connection else {
        let page = desk.page(TITLE, Place::Top, told(asked, &refused));
        return (code, page).into_response();
    };
    let tab = asked.tab();
    match refused.reason().as_deref() {
        Some("DISCONNECTED") if asked.reads() => {
            desk.at(&connection, tab, disconnected(&connection, tab))
        }
        Some("STREAM_NOT_READ" | "INBOUND_NOT_READ") if asked.reads() => {
            let content = not_read(desk, &connection, tab, &refused).await;
            desk.at(&connection, tab, content)
        }
        Some("STREAM_NOT_KEPT") if asked.reads() => {
            desk.at(&connection, tab, not_kept(desk, &connection, tab, &refused))
        }
        _ => {
            let page = desk.below(&connection, tab, TITLE, told(asked, &refused));
            (code, page).into_response()
        }
    }
}

/// What went wrong, and the way on.
fn told(asked: &Asked, refused: &Refused) -> Markup {
    let of_token = || {
        refused
            .fields()
            .iter()
            .any(|(field, _)| field == "page_token")
    };
    if asked.reads() && of_token() {
        return html! {
            h1 { "This place in the list is gone" }
            section.empty {
                p { "The address leads on from a page of the list that is not known any more: what was asked for has changed since, or the address was cut short." }
                a.button href=(asked.first_page()) { "Show the first page" }
            }
        };
    }
    let uncertain = matches!(
        refused.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Unknown
    );
    html! {
        h1 { (TITLE) }
        (refused.notice())
        p {
            @if asked.reads() { "Go back with your browser, or " }
            @else if uncertain { "Look whether it was done before you try again, or " }
            @else { "Nothing was changed. Go back with your browser to try again, or " }
            a href=(ROOT) { "start over" } "."
        }
    }
}

/// Whether anything can be changed at a connection: not while it is disconnected.
pub(super) fn is_open(connection: &pb::Connection) -> bool {
    connection.disconnect_time.is_none()
}

/// On a page that only shows how things were set: how a disconnected account comes back. Nothing for others.
pub(super) fn way_back(connection: &pb::Connection) -> Markup {
    html! {
        @if !is_open(connection) {
            div.notice.warn {
                p {
                    "This account is disconnected since " (moment(connection.disconnect_time.as_ref()))
                    ", so nothing can be changed here; what is kept of it is deleted on " (moment(connection.purge_time.as_ref())) ". "
                    a href=(connect::again_path(&connection.id)) { "Reconnect" } " it to go on with these settings."
                }
            }
        }
    }
}

/// What is left of an account that is disconnected, and how it comes back.
fn disconnected(connection: &pb::Connection, tab: Tab) -> Markup {
    html! {
        h1 { (tab.label()) }
        section.empty {
            h2 { "This account is disconnected" }
            p {
                "Since " (moment(connection.disconnect_time.as_ref())) " nothing is read from Lever or written to it. "
                "Its mirror is deleted on " (moment(connection.purge_time.as_ref())) "."
            }
            p {
                "Until then an administrator can bring it back, with its mirror, mappings and settings"
                @if !connection.external_id.is_empty() { "; it is known by the external id " code { (connection.external_id) } }
                "."
            }
            p { a.button href=(connect::again_path(&connection.id)) { "Reconnect" } }
        }
    }
}

/// What a page says until its records were read.
async fn not_read(desk: &Desk, connection: &pb::Connection, tab: Tab, refused: &Refused) -> Markup {
    let status = sync::status(desk, &connection.id).await;
    let unstarted = status.is_ok_and(|status| setup::is_unstarted(connection, &status.streams));
    let paused = connection.state() == pb::SyncState::Paused;
    html! {
        h1 { (tab.label()) }
        section.empty {
            h2 { "Not read yet" }
            p { (refused.message()) }
            @if unstarted { (connections::unstarted(connection, desk.may(connections::SET_UP))) }
            @else if paused { p { "Nothing is read while the account is paused: " a href=(Tab::Sync.path(&connection.id)) { "Sync" } "." } }
            @else { p { "The inbound stages are the first that are read; " a href=(Tab::Overview.path(&connection.id)) { "the overview" } " tells how far it is." } }
        }
    }
}

/// What a page says whose records are left out of the mirror.
fn not_kept(desk: &Desk, connection: &pb::Connection, tab: Tab, refused: &Refused) -> Markup {
    html! {
        h1 { (tab.label()) }
        section.empty {
            h2 { "Not mirrored" }
            @if keeps(connection, Stream::Opportunities) { p { (refused.message()) } }
            @else { p { "People are not mirrored for this account, so there is nobody to show." } }
            @if let Some(settings) = desk.way(Tab::Settings, &connection.id) {
                p { "What is mirrored is chosen in the " a href=(settings) { "settings" } "." }
            } @else { p { "Whoever administers the account chooses in its settings what is mirrored." } }
        }
    }
}

/// What no page is at.
pub(super) async fn nowhere(method: Method, uri: Uri) -> Result<Response, Refused> {
    // Whoever types an address may end it with a slash.
    if let (Some(page), Method::GET) = (uri.path().strip_suffix('/'), method) {
        let query = uri.query().map(|query| format!("?{query}"));
        return Ok(see(&format!("{page}{}", query.unwrap_or_default())));
    }
    Err(Status::not_found("there is no page at this address").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, path: &str, query: &str) -> Asked {
        Asked {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
        }
    }

    #[test]
    fn an_address_tells_its_connection_its_tab_and_the_page_it_stands_on() {
        let of = |path: &str| asked(Method::GET, path, "");
        let start = of("/console/connections/c1/sync/start");
        assert_eq!(start.connection(), Some(("c1", "/sync/start")));
        assert_eq!(
            (start.tab(), start.parent()),
            (Tab::Sync, "/console/connections/c1/sync")
        );
        assert_eq!(of("/console/connections/c1").tab(), Tab::Overview);
        assert_eq!(
            of("/console/connections/c1/setup/test").tab(),
            Tab::Overview
        );
        assert_eq!(
            of("/console/connections/c1/applicants/sla").tab(),
            Tab::Applicants
        );
        assert_eq!(of("/console/links/l1/revoke").parent(), "/console/links");
        assert_eq!(of("/console/sign-out").parent(), "/console");
        assert_eq!(of("/console/links").connection(), None);
    }

    #[test]
    fn an_old_place_in_a_list_leads_to_its_first_page_as_it_was_narrowed() {
        let error = engine::Error::invalid("page_token", "not ours");
        let refused = Refused::from(crate::wire::status::status(error));
        let list = asked(Method::GET, "/console/x", "stage=a+b&after=old");
        let text = told(&list, &refused).into_string();
        assert!(text.contains("href=\"/console/x?stage=a+b\""), "{text}");
    }

    #[test]
    fn only_what_could_change_something_says_that_nothing_was_changed() {
        let refused = Refused::from(Status::not_found("no connection"));
        let of = |method, refused: &Refused| {
            told(&asked(method, "/console/x", ""), refused).into_string()
        };
        assert!(!of(Method::GET, &refused).contains("Nothing was changed"));
        assert!(of(Method::POST, &refused).contains("Nothing was changed"));
        let cut = Refused::from(Status::unavailable("stopping"));
        assert!(of(Method::POST, &cut).contains("Look whether it was done"));
    }

    #[test]
    fn what_the_router_says_becomes_a_sentence_of_ours() {
        let told = in_words("Failed to deserialize query string: days: invalid digit");
        assert!(
            told.starts_with("this address cannot be read")
                && told.ends_with("days: invalid digit")
        );
        assert!(in_words("").starts_with("this address cannot be read"));
    }

    #[test]
    fn a_disconnected_account_says_how_it_comes_back() {
        let mut connection = pb::Connection {
            id: "c1".to_owned(),
            external_id: "<acme>".to_owned(),
            ..Default::default()
        };
        let text = disconnected(&connection, Tab::Calls).into_string();
        assert!(text.contains("<h1>API calls</h1>") && text.contains("<code>&lt;acme&gt;</code>"));
        connection.external_id.clear();
        let text = disconnected(&connection, Tab::Calls).into_string();
        assert!(text.contains("/console/connect?restore=c1") && !text.contains("external id"));
    }
}
