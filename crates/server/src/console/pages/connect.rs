//! Linking a Lever account (product.md, screen 2).

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Place, Tab, csrf};
use crate::console::refusal::Refused;

const CREATE: &str = "/fulcrum.v1.ConnectionService/CreateConnection";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connect", get(show).post(connect))
}

async fn show(desk: Desk) -> Response {
    let content = page(desk.csrf(), &Form::parse(b"include_archived=on"), None);
    desk.page("Connect Lever", Place::Top, content)
}

async fn connect(Posted { desk, form }: Posted) -> Response {
    match create(&desk, &form).await {
        Ok((id, restored)) => {
            let said = match restored {
                true => "The account is connected again, with its mappings and mirror.",
                false => {
                    "The account is connected, and the first import has begun. This is what the key may do."
                }
            };
            desk.done(&Tab::Permissions.path(&id), said)
        }
        Err(refused) => {
            let content = page(desk.csrf(), &form, Some(&refused));
            let page = desk.page("Connect Lever", Place::Top, content);
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    }
}

async fn create(desk: &Desk, form: &Form) -> Result<(String, bool), Refused> {
    let request = pb::CreateConnectionRequest {
        connection: Some(asked(form)),
        api_key: form.text("api_key").to_owned(),
        ..Default::default()
    };
    let request = desk.ask(CREATE, request)?;
    let answer = desk.api().create_connection(request).await?.into_inner();
    let id = answer.connection.map(|connection| connection.id);
    Ok((id.unwrap_or_default(), answer.restored))
}

/// The settings that a form asks for; what it leaves out has the service's defaults.
fn asked(form: &Form) -> pb::Connection {
    let (region, base_url) = environment_of(form);
    pb::Connection {
        display_name: form.text("display_name").to_owned(),
        external_id: form.text("external_id").to_owned(),
        region: region.into(),
        base_url,
        include_archived: Some(form.ticked("include_archived")),
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
    html! {
        h1 { "Connect Lever" }
        @if let Some(refused) = refused { (refused.notice()) }
        p { "In Lever, a Super Admin makes an API key under Settings → Integrations and API → API credentials, with the permissions Fulcrum needs. After it is connected you see which of them are missing." }
        form.stack method="post" action="/console/connect" {
            (csrf(token))
            label { "Name" input name="display_name" required maxlength="200" value=(form.text("display_name")) autocomplete="off"; }
            label { "Id of this customer in the product (optional)" input name="external_id" value=(form.text("external_id")) autocomplete="off"; }
            (environments(form))
            label { "API key" input type="password" name="api_key" required autocomplete="off" spellcheck="false"; }
            label.check { input type="checkbox" name="include_archived" checked[form.ticked("include_archived")]; "Also mirror archived opportunities, to find people again" }
            button.primary type="submit" { "Test and connect" }
            p.faint { "The key is tried with one call to Lever, then kept sealed; only its last four characters are ever shown." }
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
