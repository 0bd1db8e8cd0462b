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
use crate::console::form::{Form, Posted};
use crate::console::frame::{Place, Tab, csrf};
use crate::console::refusal::Refused;

const CREATE: &str = "/fulcrum.v1.ConnectionService/CreateConnection";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connect", get(show).post(connect))
}

/// What the list of permissions is to have.
#[derive(Debug, Default, Deserialize)]
struct Wish {
    #[serde(default)]
    read_only: bool,
}

async fn show(desk: Desk, Query(wish): Query<Wish>) -> Response {
    let read_only = if wish.read_only { "on" } else { "" };
    let form = Form::of([("read_only", read_only.to_owned())]);
    desk.page("Connect Lever", Place::Top, page(desk.csrf(), &form, None))
}

async fn connect(Posted { desk, form }: Posted) -> Response {
    match create(&desk, &form).await {
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
            let content = page(desk.csrf(), &form, Some(&refused));
            let page = desk.page("Connect Lever", Place::Top, content);
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    }
}

async fn create(desk: &Desk, form: &Form) -> Result<(String, bool), Refused> {
    let mut connection = asked(form);
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
fn asked(form: &Form) -> pb::Connection {
    let (region, base_url) = environment_of(form);
    pb::Connection {
        display_name: form.text("display_name").to_owned(),
        external_id: form.text("external_id").to_owned(),
        region: region.into(),
        base_url,
        ..Default::default()
    }
}

/// The region that a form asks for, or the address where it asks for another environment.
pub(super) fn environment_of(form: &Form) -> (pb::Region, String) {
    let region = match form.text("region") {
        "eu" => pb::Region::Eu,
        "sandbox" => pb::Region::Sandbox,
        "other" => pb::Region::Unspecified,
        _ => pb::Region::Global,
    };
    let base_url = match region {
        pb::Region::Unspecified => form.text("base_url").to_owned(),
        _ => String::new(),
    };
    (region, base_url)
}

/// The fields to choose an environment with.
pub(super) fn environments(form: &Form) -> Markup {
    let region = form.text("region");
    let choices = [
        ("global", "Production"),
        ("eu", "Production, EU"),
        ("sandbox", "Sandbox"),
        ("other", "Another address (a simulator)"),
    ];
    html! {
        label { "Environment"
            select name="region" {
                @for (value, label) in choices { option value=(value) selected[value == region] { (label) } }
            }
        }
        label { "Address, for another environment only" input name="base_url" type="url" value=(form.text("base_url")) placeholder="http://127.0.0.1:7470/v1" autocomplete="off"; }
    }
}

/// The key is not filled in again: it is in no page.
fn page(token: &str, form: &Form, refused: Option<&Refused>) -> Markup {
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
            (environments(form))
            label { "API key" input type="password" name="api_key" required autocomplete="off" spellcheck="false"; }
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
        let text = page("t", &form, Some(&refused)).into_string();
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
        let of = |form: &[u8]| page("t", &Form::parse(form), None).into_string();
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
        assert_eq!(of("other").base_url, "http://a");
        assert_eq!(of("sandbox").base_url, "");
        assert_eq!(of("sandbox").region(), pb::Region::Sandbox);
        assert_eq!(of("").region(), pb::Region::Global);
    }
}
