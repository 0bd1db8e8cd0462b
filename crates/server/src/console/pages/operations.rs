//! Writes to Lever: what waits, what was sent, what became of it (product.md, screen 12).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::operation_service_server::OperationService as _;

use super::{After, more};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, action};
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, moment, plain};

const CANCEL: &str = "/fulcrum.v1.OperationService/CancelOperation";
const RELEASE: &str = "/fulcrum.v1.OperationService/ReleaseOperation";
const RETRY: &str = "/fulcrum.v1.OperationService/RetryOperation";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/operations", get(list))
        .route(
            "/console/connections/{id}/operations/{operation}",
            post(act),
        )
}

/// What the page shows.
struct View<'a> {
    path: String,
    operations: &'a [pb::Operation],
    next_page_token: &'a str,
    /// What forms carry, where the reader may act.
    csrf: Option<&'a str>,
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let request = pb::ListOperationsRequest {
        connection_id: id.clone(),
        page_size: 50,
        page_token: page.after,
        ..Default::default()
    };
    let request = desk.ask(Tab::Operations.rpc(), request)?;
    let answer = desk.api().list_operations(request).await?.into_inner();
    let view = View {
        path: Tab::Operations.path(&id),
        operations: &answer.operations,
        next_page_token: &answer.next_page_token,
        csrf: desk.may(CANCEL).then_some(desk.csrf()),
    };
    Ok(desk.at(&connection, Tab::Operations, show(&view)))
}

async fn act(
    Path((connection_id, operation_id)): Path<(String, String)>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let path = Tab::Operations.path(&connection_id);
    let said = match form.text("action") {
        "cancel" => {
            let request = pb::CancelOperationRequest {
                connection_id,
                operation_id,
            };
            desk.api()
                .cancel_operation(desk.ask(CANCEL, request)?)
                .await?;
            "The operation is cancelled: Lever is not told."
        }
        "release" => {
            let request = pb::ReleaseOperationRequest {
                connection_id,
                operation_id,
            };
            desk.api()
                .release_operation(desk.ask(RELEASE, request)?)
                .await?;
            "The operation is released: it is sent now."
        }
        _ => {
            let request = pb::RetryOperationRequest {
                connection_id,
                operation_id,
            };
            desk.api()
                .retry_operation(desk.ask(RETRY, request)?)
                .await?;
            "The operation is tried again, after looking for it in Lever."
        }
    };
    Ok(desk.done(&path, said))
}

fn show(view: &View<'_>) -> Markup {
    html! {
        h1 { "Operations" }
        @if view.operations.is_empty() {
            section.empty { h2 { "Nothing was written yet" } p { "Each write to Lever shows up here: notes, tags, stage changes, exports." } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Operations" {
                table {
                    thead { tr { th { "Asked" } th { "What" } th { "State" } th { "By" } th { "To tell" } th { "Actions" } } }
                    tbody { @for operation in view.operations { (one(operation, view)) } }
                }
            }
            (more(&view.path, view.next_page_token))
        }
    }
}

fn one(operation: &pb::Operation, view: &View<'_>) -> Markup {
    html! {
        tr {
            td { (moment(operation.create_time.as_ref())) }
            td {
                (plain(operation.kind().as_str_name(), "OPERATION_KIND"))
                br; code.faint { (operation.id) }
            }
            td { span class=(class(operation.state())) { (plain(operation.state().as_str_name(), "OPERATION_STATE")) } }
            td { (operation.asked_by) }
            td {
                @if let Some(error) = &operation.error { p { (sentence(&error.message)) } }
                @if let Some(at) = &operation.release_time { p.faint { "sent " (moment(Some(at))) } }
                @if let Some(tally) = &operation.tally {
                    p.faint {
                        (count(tally.items.into(), "item", "items")) ": " (tally.succeeded) " done, " (tally.failed) " failed, "
                        (tally.uncertain) " uncertain, " (tally.cancelled) " cancelled"
                    }
                }
                @if !operation.lever_calls.is_empty() { (calls(&operation.lever_calls)) }
            }
            td {
                @if let Some(csrf) = view.csrf {
                    @let path = format!("{}/{}", view.path, operation.id);
                    @for (name, label) in ways(operation.state()) { (action(csrf, &path, label, &[("action", name)])) " " }
                }
            }
        }
    }
}

/// The calls themselves, without what they carry: that can be a note about somebody.
fn calls(calls: &[pb::LeverCall]) -> Markup {
    html! {
        details {
            summary { (count(calls.len() as u64, "call to Lever", "calls to Lever")) }
            ul {
                @for call in calls {
                    li { code { (call.method) " " (call.path) } @if call.status != 0 { " " (call.status) } }
                }
            }
        }
    }
}

/// What can be done about an operation, with the label of the button.
fn ways(state: pb::OperationState) -> &'static [(&'static str, &'static str)] {
    match state {
        pb::OperationState::Recorded => &[("cancel", "Cancel")],
        pb::OperationState::Held => &[("release", "Send now"), ("cancel", "Cancel")],
        pb::OperationState::Uncertain => &[("retry", "Retry"), ("cancel", "Give up")],
        pb::OperationState::Failed => &[("retry", "Retry")],
        _ => &[],
    }
}

fn class(state: pb::OperationState) -> &'static str {
    match state {
        pb::OperationState::Succeeded => "badge good",
        pb::OperationState::Failed => "badge bad",
        pb::OperationState::Uncertain | pb::OperationState::Held => "badge warn",
        _ => "badge",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_about_an_operation_is_offered_to_whoever_may() {
        let held = pb::Operation {
            id: "o1".to_owned(),
            kind: pb::OperationKind::Archive.into(),
            state: pb::OperationState::Held.into(),
            lever_calls: vec![pb::LeverCall {
                method: "PUT".to_owned(),
                body_json: "{\"secret\":1}".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let page = |csrf| {
            let view = View {
                path: "/c/operations".to_owned(),
                operations: std::slice::from_ref(&held),
                next_page_token: "",
                csrf,
            };
            show(&view).into_string()
        };
        let text = page(Some("t"));
        assert!(text.contains("Send now") && text.contains("action=\"/c/operations/o1\""));
        assert!(
            !text.contains("secret"),
            "what a call carries can tell of somebody"
        );
        assert!(!page(None).contains("<form"));
    }
}
