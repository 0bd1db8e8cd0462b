//! The settings of a connection, its key, and the end of it (product.md, screens 2 and 15).

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, csrf};
use crate::console::refusal::Refused;
use crate::console::words::moment;
use crate::console::{Console, ROOT};

use super::links::LINKS;

const UPDATE: &str = "/fulcrum.v1.ConnectionService/UpdateConnection";
const ROTATE: &str = "/fulcrum.v1.ConnectionService/RotateCredential";
const DELETE: &str = "/fulcrum.v1.ConnectionService/DeleteConnection";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/settings", get(show).post(update))
        .route("/console/connections/{id}/settings/key", post(replace_key))
        .route(
            "/console/connections/{id}/settings/disconnect",
            post(disconnect),
        )
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let content = page(&connection, desk.csrf());
    Ok(desk.at(&connection, Tab::Settings, content))
}

async fn update(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let connection = pb::Connection {
        id: id.clone(),
        etag: form.text("etag").to_owned(),
        display_name: form.text("display_name").to_owned(),
        include_archived: Some(form.ticked("include_archived")),
        include_snoozed: Some(form.ticked("include_snoozed")),
        include_secret_notes: form.ticked("include_secret_notes"),
        default_acting_user_id: form.text("default_acting_user_id").to_owned(),
        ..Default::default()
    };
    let paths = [
        "display_name",
        "include_archived",
        "include_snoozed",
        "include_secret_notes",
        "default_acting_user_id",
    ];
    let request = pb::UpdateConnectionRequest {
        connection: Some(connection),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.map(str::to_owned).into(),
        }),
    };
    desk.api()
        .update_connection(desk.ask(UPDATE, request)?)
        .await?;
    Ok(desk.done(&Tab::Settings.path(&id), "The settings are saved."))
}

async fn replace_key(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let request = pb::RotateCredentialRequest {
        connection_id: id.clone(),
        api_key: form.text("api_key").to_owned(),
        oauth: None,
    };
    desk.api()
        .rotate_credential(desk.ask(ROTATE, request)?)
        .await?;
    let said = "The key is replaced. Delete the old one in Lever.";
    Ok(desk.done(&Tab::Permissions.path(&id), said))
}

async fn disconnect(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    if form.text("name") != connection.display_name.trim() {
        let message = "name: type the name of the connection to disconnect it";
        return Err(tonic::Status::invalid_argument(message).into());
    }
    let request = pb::DeleteConnectionRequest {
        connection_id: id,
        purge_now: false,
    };
    let answer = desk
        .api()
        .delete_connection(desk.ask(DELETE, request)?)
        .await?
        .into_inner();
    let mut said = format!(
        "{} is disconnected. Its mirror is kept for 14 days. Delete the key in Lever.",
        connection.display_name
    );
    if !answer.webhook_error.is_empty() {
        said = format!("{said} {}", answer.webhook_error);
    }
    Ok(desk.done(ROOT, said))
}

fn page(connection: &pb::Connection, token: &str) -> Markup {
    let path = Tab::Settings.path(&connection.id);
    html! {
        h1 { "Settings" }
        section.panel {
            h2 { "What is mirrored" }
            form.stack method="post" action=(path) {
                (csrf(token))
                input type="hidden" name="etag" value=(connection.etag);
                label { "Name" input name="display_name" required maxlength="200" value=(connection.display_name); }
                (check("include_archived", "Archived opportunities", connection.include_archived()))
                (check("include_snoozed", "Snoozed opportunities", connection.include_snoozed()))
                (check("include_secret_notes", "Secret notes", connection.include_secret_notes))
                label { "Id of the Lever user who acts where nobody else is found (optional)"
                    input name="default_acting_user_id" value=(connection.default_acting_user_id) autocomplete="off";
                }
                button.primary type="submit" { "Save" }
            }
        }
        section.panel {
            h2 { "Key" }
            p { "The present key ends with " code { (connection.key_last_four) } ". The permissions of a key cannot be changed in Lever; a new one replaces it here." }
            form.stack method="post" action={ (path) "/key" } {
                (csrf(token))
                label { "New API key" input type="password" name="api_key" required autocomplete="off" spellcheck="false"; }
                button type="submit" { "Test and replace" }
            }
            p { "Somebody else has the key, or consents in Lever? " a href={ (LINKS) "?connection=" (connection.id) } { "Send them a link" } " instead: id, mappings and mirror stay." }
        }
        section.panel {
            h2 { "Disconnect" }
            @if connection.disconnect_time.is_some() {
                p { "Disconnected " (moment(connection.disconnect_time.as_ref())) "; what is mirrored goes " (moment(connection.purge_time.as_ref())) ". Connecting the account again until then brings it back." }
            } @else {
                p { "Nothing more is read or written. The mirror and the mappings are kept for 14 days, in which connecting the account again brings them back; held writes are cancelled. The key stays in Lever until somebody deletes it there." }
                form.stack method="post" action={ (path) "/disconnect" } {
                    (csrf(token))
                    label { "Type the name of the connection" input name="name" required autocomplete="off"; }
                    button.danger type="submit" { "Disconnect" }
                }
            }
        }
    }
}

fn check(name: &str, label: &str, on: bool) -> Markup {
    html! { label.check { input type="checkbox" name=(name) checked[on]; (label) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_show_no_more_of_a_key_than_its_end() {
        let connection = pb::Connection {
            id: "c1".to_owned(),
            display_name: "Acme".to_owned(),
            key_last_four: "wxyz".to_owned(),
            include_archived: Some(true),
            ..Default::default()
        };
        let text = page(&connection, "t").into_string();
        assert!(text.contains("<code>wxyz</code>"));
        assert!(text.contains("name=\"include_archived\" checked"));
        assert!(
            text.contains("name=\"include_snoozed\"")
                && !text.contains("name=\"include_snoozed\" checked")
        );
        assert!(text.contains("Type the name of the connection"));
    }
}
