//! Linking a Lever account (product.md, screen 2).

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use serde::Deserialize;

use super::links::LINKS;
use super::setup;
use crate::console::Console;
use crate::console::checklist::checklist;
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Place, Tab, csrf};
use crate::console::refusal::Refused;
use crate::grpc::Api;
use crate::wire::status::status;

const CREATE: &str = "/fulcrum.v1.ConnectionService/CreateConnection";
const LIST: &str = "/fulcrum.v1.ConnectionService/ListConnections";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connect", get(show).post(connect))
}

/// What the list of permissions is to have.
#[derive(Debug, Default, Deserialize)]
struct Wish {
    #[serde(default)]
    read_only: bool,
}

async fn show(desk: Desk, Query(wish): Query<Wish>) -> Result<Response, Refused> {
    desk.check(CREATE)?;
    let read_only = if wish.read_only { "on" } else { "" };
    let form = Form::of([("read_only", read_only.to_owned())]);
    let content = page(desk.csrf(), &form, allows_address(&desk), None);
    Ok(desk.page("Connect Lever", Place::Top, content))
}

async fn connect(Posted { desk, form }: Posted) -> Result<Response, Refused> {
    desk.check(CREATE)?;
    Ok(match create(&desk, &form).await {
        Ok((id, restored)) => {
            let said = match (restored, set_up_first(&form)) {
                (true, _) => "The account is connected again, with its mappings and mirror.",
                (false, true) => "Lever accepts the key. Nothing is read before you start it.",
                (false, false) => "The account is connected, and the first import has begun.",
            };
            let path = match set_up_first(&form) {
                true => setup::path(&id),
                false => Tab::Permissions.path(&id),
            };
            desk.done(&path, said)
        }
        Err(refused) => {
            let content = page(desk.csrf(), &form, allows_address(&desk), Some(&refused));
            let page = desk.page("Connect Lever", Place::Top, content);
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    })
}

/// Whether an account may be at an address of its own, which is for simulators.
pub(super) fn allows_address(desk: &Desk) -> bool {
    desk.api().engine.allows_base_url()
}

/// Refuses an account whose key is connected already, unless somebody has said that this is meant.
async fn refuse_twice(desk: &Desk, form: &Form, asked: &pb::Connection) -> Result<(), Refused> {
    if form.ticked("again") {
        return Ok(());
    }
    let request = pb::ListConnectionsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let listed = desk.call(LIST, request, Api::list_connections).await?;
    match twin(&listed.connections, form.text("api_key"), asked) {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "an account with a key of this end is connected already as “{name}”: tick this, and give the key once \
                 more, to connect it twice"
            );
            Err(status(engine::Error::invalid("again", message)).into())
        }
    }
}

/// The name of a connection of the same environment whose key has the same end.
fn twin<'c>(all: &'c [pb::Connection], key: &str, asked: &pb::Connection) -> Option<&'c str> {
    let found = all.iter().find(|one| {
        !one.key_last_four.is_empty()
            && key.ends_with(&one.key_last_four)
            && one.region() == asked.region()
            && one.base_url == asked.base_url
            && one.disconnect_time.is_none()
    });
    found.map(|one| one.display_name.as_str())
}

async fn create(desk: &Desk, form: &Form) -> Result<(String, bool), Refused> {
    let mut connection = asked(form)?;
    refuse_twice(desk, form, &connection).await?;
    if set_up_first(form) {
        let now = desk.api().authority.now();
        connection.sync_start_time = Some(setup::a_year_before(now.as_millis()));
    }
    let request = pb::CreateConnectionRequest {
        connection: Some(connection),
        paused: set_up_first(form),
        api_key: form.text("api_key").to_owned(),
        ..Default::default()
    };
    let request = desk.ask(CREATE, request)?;
    let answer = desk.api().create_connection(request).await?.into_inner();
    let id = answer.connection.map(|connection| connection.id);
    Ok((id.unwrap_or_default(), answer.restored))
}

/// Whether the account is set up step by step before anything is read.
fn set_up_first(form: &Form) -> bool {
    form.text("next") == "setup"
}

/// The settings that a form asks for; what it leaves out has the service's defaults.
fn asked(form: &Form) -> Result<pb::Connection, Refused> {
    let (region, base_url) = environment_of(form)?;
    Ok(pb::Connection {
        display_name: form.text("display_name").to_owned(),
        external_id: form.text("external_id").to_owned(),
        region: region.into(),
        base_url,
        ..Default::default()
    })
}

/// The region that a form asks for, or the address where it asks for another environment.
///
/// # Errors
/// Invalid for a region that no form offers: the key would go to an account that nobody meant.
pub(super) fn environment_of(form: &Form) -> Result<(pb::Region, String), Refused> {
    let region = match form.text("region") {
        "eu" => pb::Region::Eu,
        "sandbox" => pb::Region::Sandbox,
        "other" => pb::Region::Unspecified,
        "global" => pb::Region::Global,
        _ => {
            let message = "choose one of the environments that are offered";
            return Err(status(engine::Error::invalid("connection.region", message)).into());
        }
    };
    let base_url = match region {
        pb::Region::Unspecified => form.text("base_url").to_owned(),
        _ => String::new(),
    };
    Ok((region, base_url))
}

/// The fields to choose an environment with.
pub(super) fn environments(form: &Form, address: bool, refused: Option<&Refused>) -> Markup {
    let region = form.text("region");
    let choices = [
        ("global", "Production"),
        ("eu", "Production, EU"),
        ("sandbox", "Sandbox"),
        ("other", "Another address (a simulator)"),
    ];
    let offered = if address { &choices[..] } else { &choices[..3] };
    let field = |name, label, field| Field {
        name,
        label,
        help: "",
        refused: refused.map(|refused| (refused, field)),
    };
    html! {
        (field("region", "Environment", "connection.region").choice(region, offered))
        @if address { (field("base_url", "Address, for another environment only", "connection.base_url").line(form.text("base_url"))) }
    }
}

/// The key is not filled in again: it is in no page.
fn page(token: &str, form: &Form, address: bool, refused: Option<&Refused>) -> Markup {
    let again = refused.and_then(|refused| refused.about("again"));
    let read_only = form.ticked("read_only");
    html! {
        h1 { "Connect Lever" }
        @if let Some(refused) = refused { (refused.notice()) }
        p { "You need an API key, which a Lever Super Admin makes under Settings → Integrations and API → API Credentials. Somebody else has it, or you would rather consent in Lever? " a href=(LINKS) { "Make a link" } " instead." }
        details.panel {
            summary { "The permissions to tick for the key, in Lever’s order" }
            @if read_only { p { "To read only: nothing can be written to Lever with such a key. " a href="/console/connect" { "Read and write" } } }
            @else { p { "To read and write. " a href="/console/connect?read_only=true" { "Read only" } " is shorter." } }
            (checklist(read_only))
        }
        form.stack method="post" action="/console/connect" {
            (csrf(token))
            @if read_only { input type="hidden" name="read_only" value="on"; }
            label { "Name" input name="display_name" required maxlength="200" value=(form.text("display_name")) autocomplete="off"; }
            label { "Id of this customer in the product (optional)" input name="external_id" value=(form.text("external_id")) autocomplete="off"; }
            (environments(form, address, refused))
            label { "API key" input type="password" name="api_key" required autocomplete="off" spellcheck="false"; }
            @if again.is_some() || form.ticked("again") {
                label.check { input type="checkbox" name="again" checked[form.ticked("again")] aria-invalid=[again.as_ref().map(|_| "true")] aria-describedby=[again.as_ref().map(|_| "again-problem")]; "Connect it all the same" }
                @if let Some(problem) = &again { p.problem id="again-problem" { (problem) } }
            }
            p.faint { "The key is tried with one call to Lever, then kept sealed; only its last four characters are ever shown." }
            div.actions {
                button.primary type="submit" name="next" value="setup" { "Test and continue" }
                button type="submit" { "Test and start with the usual settings" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_was_refused_comes_back_filled_in_but_for_the_key() {
        let form = Form::parse(b"display_name=Acme&api_key=sesame-open&region=eu");
        let refused = Refused::from(tonic::Status::failed_precondition("Lever rejects the key"));
        let text = page("t", &form, true, Some(&refused)).into_string();
        assert!(text.contains("value=\"Acme\"") && text.contains("value=\"eu\" selected"));
        assert!(text.contains("Lever rejects the key."));
        assert!(!text.contains("sesame-open"));
    }

    #[test]
    fn an_account_is_set_up_first_where_that_is_asked_for() {
        assert!(set_up_first(&Form::parse(b"next=setup")));
        assert!(!set_up_first(&Form::parse(b"next=")));
    }

    #[test]
    fn a_key_to_read_only_needs_fewer_permissions() {
        let of = |form: &[u8]| page("t", &Form::parse(form), false, None).into_string();
        assert!(of(b"").contains("create an opportunity note"));
        assert!(!of(b"read_only=on").contains("create an opportunity note"));
    }

    #[test]
    fn an_address_counts_only_where_it_is_asked_for() {
        let of = |region: &str| {
            asked(&Form::parse(
                format!("region={region}&base_url=http://a").as_bytes(),
            ))
        };
        assert_eq!(of("other").unwrap().base_url, "http://a");
        assert_eq!(of("sandbox").unwrap().base_url, "");
        assert_eq!(of("sandbox").unwrap().region(), pb::Region::Sandbox);
        assert_eq!(of("global").unwrap().region(), pb::Region::Global);
    }

    #[test]
    fn an_environment_that_is_not_offered_is_refused_beside_its_field() {
        for region in ["", "mars"] {
            let form = Form::parse(format!("region={region}").as_bytes());
            let refused = asked(&form).unwrap_err();
            let text = environments(&form, false, Some(&refused)).into_string();
            assert!(text.contains("field-region-problem"), "{text}");
        }
    }

    #[test]
    fn another_address_is_offered_only_where_it_is_allowed() {
        let of = |address| environments(&Form::default(), address, None).into_string();
        assert!(of(true).contains("simulator") && of(true).contains("name=\"base_url\""));
        assert!(!of(false).contains("simulator") && !of(false).contains("base_url"));
    }

    #[test]
    fn a_key_that_is_connected_already_is_known_by_its_end_and_environment() {
        let known = [pb::Connection {
            display_name: "Acme".to_owned(),
            key_last_four: "wxyz".to_owned(),
            region: pb::Region::Eu.into(),
            ..Default::default()
        }];
        let of = |region: &str| asked(&Form::parse(region.as_bytes())).unwrap();
        assert_eq!(twin(&known, "key-wxyz", &of("region=eu")), Some("Acme"));
        assert_eq!(twin(&known, "key-wxyz", &of("region=global")), None);
        assert_eq!(twin(&known, "key-abcd", &of("region=eu")), None);
    }
}
