//! Writes to Lever: what waits, what was sent, what became of it (product.md, screen 12).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::operation_service_server::OperationService as _;
use serde::Deserialize;
use tonic::Status;

use super::{go_on, href, views};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, action, csrf};
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, moment, plain};
use crate::grpc::Api;

const CANCEL: &str = "/fulcrum.v1.OperationService/CancelOperation";
const RELEASE: &str = "/fulcrum.v1.OperationService/ReleaseOperation";
const RETRY: &str = "/fulcrum.v1.OperationService/RetryOperation";

/// Operations in one state: how a page asks for them, and what they are called.
const VIEWS: [(&str, &str); 6] = [
    ("", "All"),
    ("held", "Held"),
    ("waiting", "Waiting"),
    ("uncertain", "Uncertain"),
    ("failed", "Failed"),
    ("done", "Done"),
];

/// The form that the boxes of a page belong to, wherever they stand.
const CHOSEN: &str = "chosen";
/// The field of such a box.
const OPERATION: &str = "operation";
/// Cancelled at most by one press: more take another.
const AT_ONCE: usize = 1_000;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/operations", get(list))
        .route(
            "/console/connections/{id}/operations/cancel",
            post(cancel_chosen),
        )
        .route(
            "/console/connections/{id}/operations/cancel-held",
            post(cancel_held),
        )
        .route(
            "/console/connections/{id}/operations/{operation}",
            post(act),
        )
        // An item of a bulk has the id of the bulk, a slash, and its number.
        .route(
            "/console/connections/{id}/operations/{operation}/{item}",
            post(act_on_item),
        )
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
    show: String,
}

impl Asked {
    /// A path with the view that is shown.
    fn at(&self, path: &str) -> String {
        href(path, &[("show", &self.show), ("after", &self.after)])
    }

    fn states(&self) -> Vec<i32> {
        use pb::OperationState as State;
        let states: &[State] = match self.show.as_str() {
            "held" => &[State::Held],
            "waiting" => &[State::Recorded, State::Sending],
            "uncertain" => &[State::Uncertain],
            "failed" => &[State::Failed],
            "done" => &[State::Succeeded, State::Cancelled],
            _ => &[],
        };
        states.iter().map(|state| (*state).into()).collect()
    }
}

/// What the page shows.
struct View<'a> {
    path: String,
    asked: &'a Asked,
    operations: &'a [pb::Operation],
    next_page_token: &'a str,
    /// What forms carry, where the reader may act.
    csrf: Option<&'a str>,
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let request = pb::ListOperationsRequest {
        connection_id: id.clone(),
        page_size: 50,
        page_token: asked.after.clone(),
        states: asked.states(),
        ..Default::default()
    };
    let rpc = Tab::Operations.rpc();
    let answer = desk.call(rpc, request, Api::list_operations).await?;
    let view = View {
        path: Tab::Operations.path(&id),
        asked: &asked,
        operations: &answer.operations,
        next_page_token: &answer.next_page_token,
        csrf: desk.may(CANCEL).then_some(desk.csrf()),
    };
    Ok(desk.at(&connection, Tab::Operations, show(&view)))
}

async fn act(
    Path((connection, operation)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    posted: Posted,
) -> Result<Response, Refused> {
    act_on(connection, operation, &asked, posted).await
}

async fn act_on_item(
    Path((connection, bulk, item)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
    posted: Posted,
) -> Result<Response, Refused> {
    act_on(connection, format!("{bulk}/{item}"), &asked, posted).await
}

async fn act_on(
    connection_id: String,
    operation_id: String,
    asked: &Asked,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let path = asked.at(&Tab::Operations.path(&connection_id));
    let said = match form.text("action") {
        "cancel" => {
            cancel(&desk, &connection_id, &operation_id).await?;
            "The operation is cancelled: Lever is not told."
        }
        "release" => {
            let request = pb::ReleaseOperationRequest {
                connection_id,
                operation_id,
            };
            desk.call(RELEASE, request, Api::release_operation).await?;
            "The operation is released: it is sent now."
        }
        "retry" => {
            let request = pb::RetryOperationRequest {
                connection_id,
                operation_id,
            };
            desk.call(RETRY, request, Api::retry_operation).await?;
            "The operation is tried again, after looking for it in Lever."
        }
        _ => {
            let message = "action: an operation is cancelled, released or tried again";
            return Err(Status::invalid_argument(message).into());
        }
    };
    Ok(desk.done(&path, said))
}

async fn cancel(desk: &Desk, connection: &str, operation: &str) -> Result<(), Refused> {
    let request = pb::CancelOperationRequest {
        connection_id: connection.to_owned(),
        operation_id: operation.to_owned(),
    };
    desk.call(CANCEL, request, Api::cancel_operation).await?;
    Ok(())
}

async fn cancel_chosen(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let chosen: Vec<String> = form.all(OPERATION).map(str::to_owned).collect();
    let said = match chosen.as_slice() {
        [] => "Nothing was chosen: tick the operations to cancel first.".to_owned(),
        chosen => cancel_all(&desk, &id, chosen).await,
    };
    let path = format!("{}?show=held", Tab::Operations.path(&id));
    Ok(desk.done(&path, said))
}

async fn cancel_held(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    if !form.ticked("sure") {
        let message = "sure: tick the box to have every held operation cancelled";
        return Err(Status::invalid_argument(message).into());
    }
    let request = pb::ListOperationsRequest {
        connection_id: id.clone(),
        page_size: AT_ONCE as i32,
        states: vec![pb::OperationState::Held.into()],
        ..Default::default()
    };
    let rpc = Tab::Operations.rpc();
    let held = desk.call(rpc, request, Api::list_operations).await?;
    let ids: Vec<String> = held.operations.into_iter().map(|one| one.id).collect();
    let mut said = cancel_all(&desk, &id, &ids).await;
    if !held.next_page_token.is_empty() {
        said = format!("{said} There are more: press again for the next.");
    }
    let path = format!("{}?show=held", Tab::Operations.path(&id));
    Ok(desk.done(&path, said))
}

/// Cancels one after the other, and says what came of it: one that was sent meanwhile stops nothing.
async fn cancel_all(desk: &Desk, connection: &str, operations: &[String]) -> String {
    let (mut cancelled, mut refusals) = (0, Vec::new());
    for operation in operations.iter().take(AT_ONCE) {
        match cancel(desk, connection, operation).await {
            Ok(()) => cancelled += 1,
            Err(refused) => refusals.push(refused),
        }
    }
    outcome(cancelled, &refusals)
}

fn outcome(cancelled: u64, refusals: &[Refused]) -> String {
    let done = match cancelled {
        0 => "Nothing was cancelled.".to_owned(),
        1 => "1 operation is cancelled: Lever is not told.".to_owned(),
        several => {
            let several = count(several, "operation", "operations");
            format!("{several} are cancelled: Lever is not told.")
        }
    };
    let others = count(refusals.len() as u64, "other", "others");
    match refusals.first() {
        None => done,
        Some(first) => format!("{done} {others} could not be: {}", first.message()),
    }
}

fn show(view: &View<'_>) -> Markup {
    let held = view.asked.show == "held";
    html! {
        div.head { h1 { "Operations" } (views("Which operations", &view.path, "show", &view.asked.show, &VIEWS)) }
        @if view.operations.is_empty() {
            section.empty {
                @if view.asked.show.is_empty() { h2 { "Nothing was written yet" } p { "Each write to Lever shows up here: notes, tags, stage changes, exports." } }
                @else { h2 { "None of these" } p { a href=(view.path) { "Show all operations" } } }
            }
        } @else {
            @if held { @if let Some(token) = view.csrf { (cancel_forms(&view.path, token)) } }
            div.scroll tabindex="0" role="region" aria-label="Operations" {
                table {
                    thead { tr { @if held && view.csrf.is_some() { th { "Choose" } } th { "Asked" } th { "What" } th { "State" } th { "By" } th { "To tell" } th { "Actions" } } }
                    tbody { @for operation in view.operations { (one(operation, view)) } }
                }
            }
            (go_on(&view.path, &[("show", &view.asked.show)], view.next_page_token, "Older"))
        }
    }
}

/// The ways to take back what is held: the boxes of the table, or all of it.
fn cancel_forms(path: &str, token: &str) -> Markup {
    html! {
        div.row {
            form id=(CHOSEN) method="post" action={ (path) "/cancel" } {
                (csrf(token))
                button type="submit" { "Cancel those chosen below" }
            }
            form method="post" action={ (path) "/cancel-held" } {
                (csrf(token))
                label.check { input type="checkbox" name="sure" required; "all that are held" }
                " " button.danger type="submit" { "Cancel all" }
            }
        }
    }
}

fn one(operation: &pb::Operation, view: &View<'_>) -> Markup {
    html! {
        tr {
            @if view.asked.show == "held" && view.csrf.is_some() {
                td { input type="checkbox" form=(CHOSEN) name=(OPERATION) value=(operation.id) aria-label={ "Choose " (operation.id) }; }
            }
            td { (moment(operation.create_time.as_ref())) }
            td {
                (plain(operation.kind().as_str_name(), "OPERATION_KIND"))
                br; code.faint { (operation.id) }
            }
            td { span class=(class(operation.state())) { (plain(operation.state().as_str_name(), "OPERATION_STATE")) } }
            td { (operation.asked_by) }
            td {
                @if let Some(error) = &operation.error { p { (sentence(&error.message)) } }
                @if let Some(at) = &operation.release_time { p { "Held: sent " (moment(Some(at))) " unless it is cancelled" } }
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
                    @let path = view.asked.at(&format!("{}/{}", view.path, operation.id));
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
        let page = |show_only: &str, csrf| {
            let asked = Asked {
                show: show_only.to_owned(),
                ..Asked::default()
            };
            let view = View {
                path: "/c/operations".to_owned(),
                asked: &asked,
                operations: std::slice::from_ref(&held),
                next_page_token: "",
                csrf,
            };
            show(&view).into_string()
        };
        let text = page("", Some("t"));
        assert!(text.contains("Send now") && text.contains("action=\"/c/operations/o1\""));
        assert!(
            !text.contains("secret"),
            "what a call carries can tell of somebody"
        );
        assert!(!text.contains("type=\"checkbox\""));
        let held = page("held", Some("t"));
        assert!(held.contains("form=\"chosen\" name=\"operation\" value=\"o1\""));
        assert!(held.contains("id=\"chosen\" method=\"post\" action=\"/c/operations/cancel\""));
        assert!(!page("held", None).contains("<form") && !page("held", None).contains("checkbox"));
    }

    #[test]
    fn what_came_of_cancelling_many_is_told() {
        assert_eq!(outcome(0, &[]), "Nothing was cancelled.");
        assert_eq!(
            outcome(12, &[]),
            "12 operations are cancelled: Lever is not told."
        );
        let sent = Refused::from(Status::failed_precondition("it is on its way"));
        assert_eq!(
            outcome(1, &[sent]),
            "1 operation is cancelled: Lever is not told. 1 other could not be: It is on its way."
        );
    }
}
