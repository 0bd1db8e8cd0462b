//! Disconnecting an account: what stays, what goes and when, before anything is done (product.md, screen 15).

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use proto::v1::operation_service_server::OperationService as _;

use super::{DELETE, disconnect_path};
use crate::console::ROOT;
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::refusal::Refused;
use crate::console::words::{count, moment};
use crate::grpc::Api;
use crate::wire::status::status;

/// How long what is kept of a disconnected account stays, in days.
const DAYS: u64 = domain::Disconnected::KEPT.as_secs() / (24 * 3600);

/// Writes that are counted at most.
const MOST_COUNTED: usize = 1_000;

/// Pages of writes that are looked through at most.
const MOST_PAGES: usize = 10;

/// What the page shows.
struct View<'a> {
    connection: &'a pb::Connection,
    /// Writes that would be cancelled; none where the reader may not know.
    waiting: Option<usize>,
    /// What was typed as the name.
    typed: &'a str,
    refused: Option<&'a Refused>,
    csrf: &'a str,
}

pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    opened(&desk, &id, "", None).await
}

pub(super) async fn disconnect(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    match disconnected(&desk, &id, &form).await {
        Ok(said) => Ok(desk.done(ROOT, said)),
        Err(refused) => opened(&desk, &id, form.text("name"), Some(&refused)).await,
    }
}

async fn opened(
    desk: &Desk,
    id: &str,
    typed: &str,
    refused: Option<&Refused>,
) -> Result<Response, Refused> {
    desk.check(DELETE)?;
    let connection = desk.connection(id).await?;
    let view = View {
        waiting: waiting(desk, id).await,
        connection: &connection,
        typed,
        refused,
        csrf: desk.csrf(),
    };
    let page = desk.below(&connection, Tab::Settings, "Disconnect", page(&view));
    Ok(match refused {
        Some(refused) => (refused.http(), page).into_response(),
        None => page,
    })
}

/// The writes that wait or are held; not told where they cannot be listed just now.
async fn waiting(desk: &Desk, id: &str) -> Option<usize> {
    let states = [pb::OperationState::Recorded, pb::OperationState::Held];
    let mut request = pb::ListOperationsRequest {
        connection_id: id.to_owned(),
        states: states.map(Into::into).to_vec(),
        page_size: 1_000,
        ..Default::default()
    };
    let mut waiting = 0;
    // Where few are among many, pages are short.
    for _page in 0..MOST_PAGES {
        let rpc = Tab::Operations.rpc();
        let asked = desk.call(rpc, request.clone(), Api::list_operations);
        let answer = asked.await.ok()?;
        waiting += writes(&answer.operations);
        if answer.next_page_token.is_empty() || waiting >= MOST_COUNTED {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    Some(waiting)
}

/// How many writes to Lever operations are: a bulk makes those of its items and none of its own.
fn writes(operations: &[pb::Operation]) -> usize {
    let bulk = |one: &&pb::Operation| one.kind() == pb::OperationKind::Bulk;
    operations.len() - operations.iter().filter(bulk).count()
}

/// What is said of an account that is no longer connected.
async fn disconnected(desk: &Desk, id: &str, form: &Form) -> Result<String, Refused> {
    let connection = desk.connection(id).await?;
    if form.text("name") != connection.display_name.trim() {
        let message = "type the name of the connection to disconnect it";
        return Err(status(engine::Error::invalid("name", message)).into());
    }
    let request = pb::DeleteConnectionRequest {
        connection_id: id.to_owned(),
        purge_now: false,
    };
    let answer = desk.call(DELETE, request, Api::delete_connection).await?;
    let said = format!(
        "{} is disconnected. Its mirror is kept for {DAYS} days. {}",
        connection.display_name,
        reminder(&connection)
    );
    Ok(match answer.webhook_error.as_str() {
        "" => said,
        error => format!("{said} {error}"),
    })
}

/// What is left to do in Lever.
fn reminder(connection: &pb::Connection) -> String {
    match (
        connection.credential_kind(),
        connection.key_last_four.as_str(),
    ) {
        (pb::CredentialKind::Oauth, _) => {
            "Remove the integration in Lever, under Settings → Integrations and API.".to_owned()
        }
        (_, "") => "Delete its key in Lever, under Settings → Integrations and API.".to_owned(),
        (_, end) => format!(
            "Delete its key, which ends with {end}, in Lever, under Settings → Integrations and API."
        ),
    }
}

fn page(view: &View<'_>) -> Markup {
    let connection = view.connection;
    html! {
        h1 { "Disconnect " (connection.display_name) }
        @if connection.disconnect_time.is_some() {
            section.panel {
                p { "It was disconnected " (moment(connection.disconnect_time.as_ref())) "; what is mirrored is deleted on " (moment(connection.purge_time.as_ref())) ". Connecting Lever anew until then can bring it back." }
            }
        } @else {
            (consequences(view))
            @if let Some(refused) = view.refused { (refused.notice()) }
            form.stack method="post" action=(disconnect_path(&connection.id)) {
                (csrf(view.csrf))
                (Field { name: "name", label: "Type the name of the connection", help: "", refused: view.refused.map(|refused| (refused, "name")) }.line(view.typed))
                div.actions {
                    button.danger type="submit" { "Disconnect" }
                    a.button href=(Tab::Settings.path(&connection.id)) { "Keep it connected" }
                }
            }
        }
    }
}

fn consequences(view: &View<'_>) -> Markup {
    let operations = Tab::Operations.path(&view.connection.id);
    html! {
        section.panel {
            h2 { "At once" }
            ul {
                li { "Nothing more is read from Lever or written to it, and Lever’s webhooks are taken back." }
                li {
                    "Writes that wait or are held are cancelled"
                    @match view.waiting {
                        Some(0) => ": there are none just now.",
                        Some(many) => {
                            ": " a href=(operations) { (count(many as u64, "write", "writes")) @if many >= MOST_COUNTED { " or more" } } " just now."
                        },
                        None => ".",
                    }
                }
                li { "The key is destroyed here. People cannot be looked up any more." }
            }
            h2 { "Stays for " (DAYS) " days" }
            ul {
                li { "The mirror, the mappings of stages and fields, the settings, and what became of each write." }
                li { "Connecting Lever anew within these days brings all of it back: the page asks for that." }
                li { "After that everything is removed. An administrator can have it removed earlier: " code { "fulcrum disconnect --purge-now" } "." }
            }
            h2 { "Before you go" }
            ul {
                li { "The mirror can be exported while the account is connected: your developers read all of it through the programming interface, everybody with Lever’s own records as JSON, page by page; an operator has the whole service in one file with " code { "fulcrum store backup" } "." }
                li { (reminder(view.connection)) " Fulcrum cannot do that." }
                li { "Nothing in Lever is changed or deleted: whatever was written there stays." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(waiting: Option<usize>, refused: Option<&Refused>) -> String {
        let connection = pb::Connection {
            id: "c1".to_owned(),
            display_name: "Ac<me".to_owned(),
            key_last_four: "wxyz".to_owned(),
            ..Default::default()
        };
        page(&View {
            connection: &connection,
            waiting,
            typed: "Ac<",
            refused,
            csrf: "t",
        })
        .into_string()
    }

    #[test]
    fn what_goes_and_what_stays_is_said_before_anything_is_done() {
        let text = shown(Some(3), None);
        assert!(text.contains("Disconnect Ac&lt;me") && text.contains("Stays for 14 days"));
        assert!(text.contains(">3 writes</a> just now") && text.contains("ends with wxyz"));
        assert!(text.contains("name=\"csrf\" value=\"t\""));
        assert!(shown(Some(0), None).contains("there are none just now"));
        assert!(shown(None, None).contains("are cancelled."));
    }

    #[test]
    fn a_bulk_is_no_write_beside_its_items() {
        let of = |kind: pb::OperationKind| pb::Operation {
            kind: kind.into(),
            ..Default::default()
        };
        let (bulk, item) = (pb::OperationKind::Bulk, pb::OperationKind::Archive);
        assert_eq!(writes(&[of(bulk), of(item), of(item)]), 2);
        assert_eq!(writes(&[]), 0);
    }

    #[test]
    fn another_name_disconnects_nothing() {
        let refused = Refused::from(status(engine::Error::invalid("name", "type the name")));
        let text = shown(None, Some(&refused));
        assert!(text.contains("id=\"field-name-problem\">Type the name."));
        assert!(
            text.contains("value=\"Ac&lt;\""),
            "what was typed is still there"
        );
    }

    #[test]
    fn what_is_disconnected_already_says_until_when_it_is_kept() {
        let connection = pb::Connection {
            disconnect_time: Some(prost_types::Timestamp::default()),
            purge_time: Some(prost_types::Timestamp::default()),
            ..Default::default()
        };
        let view = View {
            connection: &connection,
            waiting: None,
            typed: "",
            refused: None,
            csrf: "t",
        };
        let text = page(&view).into_string();
        assert!(text.contains("It was disconnected <time") && !text.contains("<form"));
    }

    #[test]
    fn an_account_by_consent_has_an_integration_to_remove() {
        let connection = pb::Connection {
            credential_kind: pb::CredentialKind::Oauth.into(),
            ..Default::default()
        };
        assert!(reminder(&connection).contains("Remove the integration"));
    }
}
