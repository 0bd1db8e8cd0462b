//! Links by which somebody at the customer connects an account: made, listed, and taken back.

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use serde::Deserialize;

use crate::connect_links::{LONGEST_LIFE, USUAL_LIFE};
use crate::console::Console;
use crate::console::checklist::copy;
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Place, Tab, csrf};
use crate::console::refusal::Refused;
use crate::console::words::{moment, plain};
use crate::wire::status::status;
use crate::wire::time::to_timestamp;

use super::connect::{allows_address, called, environment_of, environments};

const CREATE: &str = "/fulcrum.v1.ConnectionService/CreateConnectLink";
const LIST: &str = "/fulcrum.v1.ConnectionService/ListConnectLinks";
const REVOKE: &str = "/fulcrum.v1.ConnectionService/RevokeConnectLink";

/// Where the page is.
pub(super) const LINKS: &str = "/console/links";

const DAY_SECONDS: u64 = 24 * 3600;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(LINKS, get(show).post(create))
        .route("/console/links/{id}/revoke", post(revoke))
}

/// What the page begins with.
#[derive(Debug, Default, Deserialize)]
struct Wish {
    /// A connection to relink.
    #[serde(default)]
    connection: String,
}

/// What the page shows.
struct View<'a> {
    csrf: &'a str,
    connections: Vec<pb::Connection>,
    /// Whether an account may be at an address of its own.
    address: bool,
    /// Whether links can be made, and taken back.
    may: (bool, bool),
    links: Vec<pb::ConnectLink>,
    /// A link that was just made.
    made: Option<pb::CreateConnectLinkResponse>,
    form: Form,
    refused: Option<&'a Refused>,
}

async fn show(desk: Desk, Query(wish): Query<Wish>) -> Result<Response, Refused> {
    let form = Form::of([("connection", wish.connection)]);
    answer(&desk, form, None, None).await
}

async fn create(Posted { desk, form }: Posted) -> Result<Response, Refused> {
    match made(&desk, &form).await {
        // Its address is shown in this answer and nowhere else.
        Ok(made) => answer(&desk, Form::default(), Some(made), None).await,
        Err(refused) => {
            let page = answer(&desk, form, None, Some(&refused)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

async fn made(desk: &Desk, form: &Form) -> Result<pb::CreateConnectLinkResponse, Refused> {
    let days = form.text("days").parse::<u64>().ok();
    let days = days.filter(|days| (1..=LONGEST_LIFE.as_secs() / DAY_SECONDS).contains(days));
    let asked = asked(form);
    let days = days.ok_or_else(|| {
        let message = "give a whole number from 1 to 30";
        let days = Refused::from(status(engine::Error::invalid("expire_time", message)));
        let place = asked.as_ref().err().map(Refused::fields);
        // Both are told at once.
        Refused::of_fields(place.into_iter().flatten().chain(days.fields()))
    })?;
    let life = std::time::Duration::from_secs(days * DAY_SECONDS);
    let now = desk.api().authority.now();
    let request = pb::CreateConnectLinkRequest {
        expire_time: Some(to_timestamp(now.plus(life))),
        ..asked?
    };
    let request = desk.ask(CREATE, request)?;
    Ok(desk.api().create_connect_link(request).await?.into_inner())
}

/// What the form asks for, but for the time.
fn asked(form: &Form) -> Result<pb::CreateConnectLinkRequest, Refused> {
    if !form.text("connection").is_empty() {
        return Ok(pb::CreateConnectLinkRequest {
            connection_id: form.text("connection").to_owned(),
            ..Default::default()
        });
    }
    let (region, base_url) = environment_of(form)?;
    Ok(pb::CreateConnectLinkRequest {
        display_name: form.text("display_name").to_owned(),
        external_id: form.text("external_id").to_owned(),
        region: region.into(),
        base_url,
        ..Default::default()
    })
}

async fn revoke(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    let request = desk.ask(REVOKE, pb::RevokeConnectLinkRequest { link_id: id })?;
    desk.api().revoke_connect_link(request).await?;
    Ok(desk.done(LINKS, "The link is taken back: nobody can use it any more."))
}

async fn answer(
    desk: &Desk,
    form: Form,
    made: Option<pb::CreateConnectLinkResponse>,
    refused: Option<&Refused>,
) -> Result<Response, Refused> {
    let request = pb::ListConnectLinksRequest {
        page_size: 200,
        ..Default::default()
    };
    let links = desk.api().list_connect_links(desk.ask(LIST, request)?);
    let links = links.await?.into_inner().links;
    let request = pb::ListConnectionsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let request = desk.ask("/fulcrum.v1.ConnectionService/ListConnections", request)?;
    let connections = desk.api().list_connections(request).await?.into_inner();
    let view = View {
        csrf: desk.csrf(),
        connections: connections.connections,
        address: allows_address(desk),
        may: (desk.may(CREATE), desk.may(REVOKE)),
        links,
        made,
        form,
        refused,
    };
    Ok(desk.page("Connect links", Place::Top, page(&view)))
}

fn page(view: &View<'_>) -> Markup {
    html! {
        h1 { "Connect links" }
        @if let Some(refused) = view.refused { (refused.notice()) }
        @if let Some(made) = &view.made { (shown_once(made)) }
        p { "A link lets whoever may authorise at your customer connect Lever without a token of Fulcrum: with an API key, or on Lever’s consent page. It works once, and shows what Fulcrum reads and writes first." }
        @if view.may.0 { (make(view)) }
        h2 { "Links so far" }
        @if view.links.is_empty() {
            section.empty { p { "No link was made yet. Those that have ended are listed for 90 days." } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Links" {
                table {
                    thead { tr { th { "State" } th { "For" } th { "Made by" } th { "Made" } th { "Ends" } th { "To do" } } }
                    tbody { @for link in &view.links { (row(view, link)) } }
                }
            }
        }
    }
}

fn shown_once(made: &pb::CreateConnectLinkResponse) -> Markup {
    let whole = !made.url.starts_with('/');
    html! {
        div.notice.good role="status" {
            p { strong { "The link is made. It is shown this once: copy it now, and send it to the person it is for alone." } }
            div.copied {
                label for="made" { "Address" }
                input id="made" readonly value=(made.url) data-whole[!whole];
                (copy("made"))
            }
            @if !whole { p data-not-whole { "Put the address of this service before it. The operator can set " code { "server.public_url" } " so that it is whole." } }
        }
    }
}

fn make(view: &View<'_>) -> Markup {
    let form = &view.form;
    let chosen = form.text("connection");
    let again = !chosen.is_empty();
    html! {
        div.columns {
            section.panel {
                h2 { "For another account" }
                form.stack method="post" action=(LINKS) {
                    (csrf(view.csrf))
                    (called(form, view.refused))
                    (environments(form, view.address, view.refused))
                    (days(view, "days", !again))
                    button.primary type="submit" { "Make a link" }
                }
            }
            section.panel {
                h2 { "For a new key of a connected account" }
                @if view.connections.is_empty() {
                    p { "No account is connected yet." }
                } @else {
                    form.stack method="post" action=(LINKS) {
                        (csrf(view.csrf))
                        label { "Connection"
                            select name="connection" {
                                @for one in &view.connections { option value=(one.id) selected[one.id == chosen] { (one.display_name) } }
                            }
                        }
                        (days(view, "days-again", again))
                        button type="submit" { "Make a link" }
                        p.faint { "Its id, mappings and mirror stay." }
                    }
                }
            }
        }
    }
}

/// How long a link works; what was typed and what is wrong with it only in the form that was sent, `here`.
fn days(view: &View<'_>, id: &str, here: bool) -> Markup {
    let usual = (USUAL_LIFE.as_secs() / DAY_SECONDS).to_string();
    let typed = view.form.given("days").filter(|_| here);
    let refused = view.refused.filter(|_| here);
    let wrong = refused.and_then(|refused| refused.about("expire_time"));
    let problem = format!("{id}-problem");
    let described = wrong.as_ref().map(|_| &problem);
    html! {
        div.field {
            label for=(id) { "Number of days it works" }
            input.short id=(id) name="days" inputmode="numeric" required autocomplete="off" value=(typed.unwrap_or(&usual))
                aria-invalid=[wrong.as_ref().map(|_| "true")] aria-describedby=[described] autofocus[wrong.is_some()];
            p.faint { "1 to " (LONGEST_LIFE.as_secs() / DAY_SECONDS) "." }
            @if let Some(wrong) = &wrong { p.problem id=(problem) { (wrong) } }
        }
    }
}

fn row(view: &View<'_>, link: &pb::ConnectLink) -> Markup {
    let state = link.state();
    let class = match state {
        pb::ConnectLinkState::Open => "badge good",
        pb::ConnectLinkState::Expired => "badge warn",
        pb::ConnectLinkState::Revoked => "badge bad",
        _ => "badge",
    };
    let connection = view
        .connections
        .iter()
        .find(|one| one.id == link.connection_id);
    let name = match connection {
        Some(connection) => &connection.display_name,
        None => &link.display_name,
    };
    html! {
        tr {
            td { span class=(class) { (plain(state.as_str_name(), "CONNECT_LINK_STATE")) } }
            td {
                @match connection {
                    Some(connection) => a href=(Tab::Overview.path(&connection.id)) { (name) },
                    None => @if name.is_empty() { "a connection that was removed" } @else { (name) },
                }
                @if link.relink { " " span.faint { "(new key)" } }
            }
            td { (link.created_by) }
            td { (moment(link.create_time.as_ref())) }
            td {
                @match state {
                    pb::ConnectLinkState::Used => { "used " (moment(link.use_time.as_ref())) }
                    pb::ConnectLinkState::Revoked => { "revoked " (moment(link.revoke_time.as_ref())) " by " (link.revoked_by) }
                    _ => (moment(link.expire_time.as_ref())),
                }
            }
            td {
                @if state == pb::ConnectLinkState::Open && view.may.1 {
                    form.inline method="post" action={ (LINKS) "/" (link.id) "/revoke" } {
                        (csrf(view.csrf))
                        button type="submit" aria-label={ "Revoke the link for " (name) } { "Revoke" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(links: Vec<pb::ConnectLink>) -> View<'static> {
        View {
            csrf: "t",
            connections: vec![pb::Connection {
                id: "c1".to_owned(),
                display_name: "Acme & Co".to_owned(),
                ..Default::default()
            }],
            address: false,
            may: (true, true),
            links,
            made: None,
            form: Form::default(),
            refused: None,
        }
    }

    #[test]
    fn a_link_is_listed_with_who_made_it_and_an_open_one_can_be_taken_back() {
        let open = pb::ConnectLink {
            id: "l1".to_owned(),
            state: pb::ConnectLinkState::Open.into(),
            display_name: "<b>Beta".to_owned(),
            created_by: "ada".to_owned(),
            ..Default::default()
        };
        let used = pb::ConnectLink {
            id: "l2".to_owned(),
            state: pb::ConnectLinkState::Used.into(),
            connection_id: "c1".to_owned(),
            ..open.clone()
        };
        let text = page(&view(vec![open, used])).into_string();
        assert!(text.contains("&lt;b&gt;Beta") && text.contains("ada"));
        assert!(text.contains("/console/links/l1/revoke"));
        assert!(!text.contains("/console/links/l2/revoke"));
        assert!(text.contains("Acme &amp; Co</a>"));
    }

    #[test]
    fn how_long_a_link_works_is_called_the_same_by_its_field_and_by_what_is_wrong_with_it() {
        let error = engine::Error::invalid("expire_time", "give a whole number from 1 to 30");
        let refused = Refused::from(status(error));
        let text = page(&View {
            refused: Some(&refused),
            form: Form::parse(b"display_name=Acme&days=soon"),
            ..view(Vec::new())
        })
        .into_string();
        let label = "Number of days it works</label>";
        assert_eq!(text.matches(label).count(), 2);
        assert!(text.contains("<p>Number of days it works: give a whole number from 1 to 30.</p>"));
        assert!(text.contains("id=\"days-problem\">Give a whole number from 1 to 30."));
        assert_eq!(
            text.matches("aria-invalid").count(),
            1,
            "the form that was sent"
        );
    }

    #[test]
    fn an_address_is_shown_once_and_said_to_be_a_path_where_it_is_one() {
        let made = |url: &str| pb::CreateConnectLinkResponse {
            link: None,
            url: url.to_owned(),
        };
        let whole = shown_once(&made("https://f.example/connect/fcl_x")).into_string();
        assert!(whole.contains("value=\"https://f.example/connect/fcl_x\""));
        assert!(!whole.contains("server.public_url"));
        let part = shown_once(&made("/connect/fcl_x")).into_string();
        assert!(part.contains("server.public_url"));
        assert!(!page(&view(Vec::new())).into_string().contains("fcl_"));
    }

    #[test]
    fn days_that_are_none_come_back_as_typed_with_what_is_wrong_in_their_own_form() {
        let error = engine::Error::invalid("expire_time", "give 1 to 30 days");
        let refused = Refused::from(status(error));
        for (form, own, other) in [
            ("display_name=A&days=", "days", "days-again"),
            ("connection=c1&days=", "days-again", "days"),
        ] {
            let mut view = view(Vec::new());
            view.form = Form::parse(form.as_bytes());
            view.refused = Some(&refused);
            let text = page(&view).into_string();
            assert!(
                text.contains(&format!("id=\"{own}-problem\">Give 1 to 30 days.")),
                "{form}"
            );
            assert!(!text.contains(&format!("id=\"{other}-problem\"")), "{form}");
            assert!(text.contains("value=\"\" aria-invalid"), "{text}");
            assert_eq!(text.matches("value=\"7\"").count(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_asked_is_a_new_account_or_another_key() {
        let relink = asked(&Form::parse(b"connection=c1&display_name=x")).unwrap();
        assert_eq!(
            (relink.connection_id.as_str(), relink.display_name.as_str()),
            ("c1", "")
        );
        let of = |form: &[u8]| asked(&Form::parse(form));
        let new = of(b"display_name=Acme&region=eu").unwrap();
        assert_eq!((new.region(), new.base_url.as_str()), (pb::Region::Eu, ""));
        assert!(of(b"display_name=Acme&region=other").is_err());
        assert!(of(b"display_name=Acme&region=eu&base_url=http://a").is_err());
    }
}
