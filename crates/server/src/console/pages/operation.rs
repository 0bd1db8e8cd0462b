//! One write to Lever: whom it is about, what became of it, and what can be done (product.md, screen 12).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use prost::Message as _;
use proto::v1 as pb;
use proto::v1::operation_service_server::OperationService as _;
use serde::Deserialize;
use tonic::{Code, Status};

use super::edit::{edited, in_its_place, replaced, why_not};
use super::operations::{Asked, Rows, person, stands, state, table, tallied, waiting, waits, ways};
use super::refused::way_back;
use super::{After, go_on, href};
use crate::console::Console;
use crate::console::deed::{ends_a_candidacy, headline, if_cancelled, if_sent, is_bulk};
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::live;
use crate::console::refusal::Refused;
use crate::console::words::{instant, moment, plain};
use crate::grpc::Api;
use crate::wire::operation_id;
use crate::wire::status::status as to_status;

pub(super) const CANCEL: &str = "/fulcrum.v1.OperationService/CancelOperation";
const RELEASE: &str = "/fulcrum.v1.OperationService/ReleaseOperation";
const RETRY: &str = "/fulcrum.v1.OperationService/RetryOperation";
const GET: &str = "/fulcrum.v1.OperationService/GetOperation";

/// Where an action leads back to that was taken on the page of its own operation.
const HERE: &str = "?back=operation";
/// The same for one that was taken on the page of its bulk.
const BULK: &str = "?back=bulk";

pub(super) fn routes() -> Router<Console> {
    let at = "/console/connections/{id}/operations/{operation}";
    Router::new()
        .route(at, get(show_one).post(act_on_one))
        .route(&format!("{at}/live"), get(changes_of_one))
        // An item of a bulk has the id of the bulk, a slash, and its number.
        .route(&format!("{at}/{{item}}"), get(show_item).post(act_on_item))
        .route(&format!("{at}/{{item}}/live"), get(changes_of_item))
}

/// Where an action was taken.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct From {
    back: String,
}

async fn show_one(
    desk: Desk,
    Path((connection, operation)): Path<(String, String)>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    opened(&desk, &connection, &operation, page.after, None).await
}

async fn show_item(
    desk: Desk,
    Path((connection, bulk, item)): Path<(String, String, String)>,
) -> Result<Response, Refused> {
    let operation = format!("{bulk}/{item}");
    opened(&desk, &connection, &operation, String::new(), None).await
}

async fn changes_of_one(
    desk: Desk,
    Path((connection, operation)): Path<(String, String)>,
) -> Result<Response, Refused> {
    changes(&desk, &connection, &operation).await
}

async fn changes_of_item(
    desk: Desk,
    Path((connection, bulk, item)): Path<(String, String, String)>,
) -> Result<Response, Refused> {
    changes(&desk, &connection, &format!("{bulk}/{item}")).await
}

/// Tells a page whenever its operation moves, or an item of it.
async fn changes(desk: &Desk, connection: &str, operation: &str) -> Result<Response, Refused> {
    let moves = desk.api().engine.watch_operations();
    let operation = found(desk, connection, operation).await?;
    let id = operation_id(&operation.id).map_err(to_status)?;
    live::tell(desk, live::of_operation(moves, id))
}

async fn act_on_one(
    Path((connection, operation)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    Query(from): Query<From>,
    posted: Posted,
) -> Result<Response, Refused> {
    act(connection, operation, &asked, &from, posted).await
}

async fn act_on_item(
    Path((connection, bulk, item)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
    Query(from): Query<From>,
    posted: Posted,
) -> Result<Response, Refused> {
    act(connection, format!("{bulk}/{item}"), &asked, &from, posted).await
}

async fn act(
    connection: String,
    operation: String,
    asked: &Asked,
    from: &From,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let list = Tab::Operations.path(&connection);
    let back = match from.back.as_str() {
        "operation" => format!("{list}/{operation}"),
        "bulk" => {
            let bulk = operation.split_once('/').map_or("", |(bulk, _)| bulk);
            format!("{list}/{bulk}")
        }
        _ => asked.at(&list),
    };
    match done(&desk, &connection, &operation, &form).await {
        Ok(said) => Ok(desk.done(&back, said)),
        Err(unsure) if unsure.about("sure").is_some() => {
            let page = opened(&desk, &connection, &operation, String::new(), Some(&unsure)).await?;
            Ok((unsure.http(), page).into_response())
        }
        Err(refused) => Err(refused),
    }
}

/// Does what was pressed, and says what that comes to.
async fn done(
    desk: &Desk,
    connection_id: &str,
    operation_id: &str,
    form: &Form,
) -> Result<String, Refused> {
    let operation = found(desk, connection_id, operation_id).await?;
    let (connection_id, operation_id) = (connection_id.to_owned(), operation_id.to_owned());
    match form.text("action") {
        "cancel" => {
            if let Err(refused) = cancel(desk, &connection_id, &operation_id).await {
                return too_late(desk, &connection_id, &operation_id, refused).await;
            }
            Ok(match operation.state() {
                pb::OperationState::Uncertain | pb::OperationState::Failed => {
                    "It is closed as it is: nothing more is sent, and what is in Lever stays."
                        .to_owned()
                }
                _ => format!("Cancelled. {}", if_cancelled(&operation)),
            })
        }
        "release" => {
            if ends_a_candidacy(&operation) && !form.ticked("sure") {
                let message = "tick the box to have it sent now: it cannot be called back";
                return Err(to_status(engine::Error::invalid("sure", message)).into());
            }
            let request = pb::ReleaseOperationRequest {
                connection_id: connection_id.clone(),
                operation_id: operation_id.clone(),
            };
            if let Err(refused) = desk.call(RELEASE, request, Api::release_operation).await {
                return too_late(desk, &connection_id, &operation_id, refused).await;
            }
            Ok(format!("Released. {}", if_sent(&operation)))
        }
        "retry" => {
            let request = pb::RetryOperationRequest {
                connection_id,
                operation_id,
            };
            desk.call(RETRY, request, Api::retry_operation).await?;
            Ok("The operation is tried again, after looking for it in Lever.".to_owned())
        }
        _ => {
            let message = "action: an operation is cancelled, released or tried again";
            Err(Status::invalid_argument(message).into())
        }
    }
}

/// What to say where an operation has gone on before somebody pressed; the refusal where it is about anything else.
async fn too_late(
    desk: &Desk,
    connection: &str,
    operation: &str,
    refused: Refused,
) -> Result<String, Refused> {
    let reason = refused.reason().unwrap_or_default();
    if !["OPERATION_NOT_WAITING", "OPERATION_NOT_HELD"].contains(&reason.as_str()) {
        return Err(refused);
    }
    let now = found(desk, connection, operation).await?;
    gone_on(&now).ok_or(refused)
}

/// How an operation stands that cannot be cancelled or released any more, and that nothing is left to do; none where
/// something is.
fn gone_on(operation: &pb::Operation) -> Option<String> {
    let words = match (operation.state(), &operation.tally) {
        (pb::OperationState::Cancelled, None) => {
            "It is cancelled already: nothing is sent, and nothing more is to be done."
        }
        (pb::OperationState::Succeeded, None) => {
            "It is done already: Lever has it, and nothing more is to be done."
        }
        (pb::OperationState::Recorded, None) => {
            "It was released already: it is sent as soon as it is its turn, and nothing more is to be done."
        }
        (pb::OperationState::Sending, None) => {
            "It is on its way to Lever just now: its page tells what becomes of it."
        }
        (_, Some(tally)) => {
            return Some(format!("Nothing of it waits any more: {}.", tallied(tally)));
        }
        _ => return None,
    };
    Some(words.to_owned())
}

pub(super) async fn cancel(desk: &Desk, connection: &str, operation: &str) -> Result<(), Refused> {
    let request = pb::CancelOperationRequest {
        connection_id: connection.to_owned(),
        operation_id: operation.to_owned(),
    };
    desk.call(CANCEL, request, Api::cancel_operation).await?;
    Ok(())
}

/// An operation, with what was asked for where the reader may know it.
pub(super) async fn found(
    desk: &Desk,
    connection: &str,
    operation: &str,
) -> Result<pb::Operation, Refused> {
    // Who may not list operations has no page about one either.
    desk.check(Tab::Operations.rpc())?;
    let request = pb::GetOperationRequest {
        connection_id: connection.to_owned(),
        operation_id: operation.to_owned(),
    };
    let answer = desk.call(GET, request, Api::get_operation).await?;
    Ok(answer.operation.unwrap_or_default())
}

/// The items of a bulk, the last first; none of anything else.
async fn items(
    desk: &Desk,
    operation: &pb::Operation,
    after: String,
) -> Result<pb::ListOperationsResponse, Refused> {
    if !is_bulk(operation) {
        return Ok(pb::ListOperationsResponse::default());
    }
    let request = pb::ListOperationsRequest {
        connection_id: operation.connection_id.clone(),
        parent_id: operation.id.clone(),
        page_size: 50,
        page_token: after,
        ..Default::default()
    };
    let rpc = Tab::Operations.rpc();
    desk.call(rpc, request, Api::list_operations).await
}

/// What the page shows.
struct View<'a> {
    operation: &'a pb::Operation,
    items: &'a pb::ListOperationsResponse,
    /// Where the items that are shown begin.
    after: &'a str,
    rows: Rows<'a>,
    /// Where the calls made for it are.
    calls: Option<String>,
    /// Why it is not sent.
    unsure: Option<&'a Refused>,
    /// What was sent in its place.
    instead: Option<&'a pb::Operation>,
}

/// The page, with why it was not sent if it was not.
async fn opened(
    desk: &Desk,
    id: &str,
    operation: &str,
    after: String,
    unsure: Option<&Refused>,
) -> Result<Response, Refused> {
    let connection = desk.connection(id).await?;
    let operation = found(desk, id, operation).await?;
    let items = items(desk, &operation, after.clone()).await?;
    let path = Tab::Operations.path(id);
    let instead = in_its_place(desk, &operation).await?;
    let calls = desk.may(Tab::Calls.rpc()).then(|| {
        // Nothing was sent for it before that day: older calls need no look.
        let day = operation
            .create_time
            .as_ref()
            .and_then(super::calls::day_of);
        let day = day.unwrap_or_default();
        let asked = [("for", operation.id.as_str()), ("from", &day)];
        href(&Tab::Calls.path(id), &asked)
    });
    let view = View {
        operation: &operation,
        items: &items,
        after: &after,
        rows: Rows {
            back: BULK.to_owned(),
            ..Rows::new(desk, &path, &connection)
        },
        calls,
        unsure,
        instead: instead.as_ref(),
    };
    let title = headline(&operation);
    let content = html! { (way_back(&connection)) (page(&view)) };
    Ok(desk.below(&connection, Tab::Operations, &title, content))
}

fn page(view: &View<'_>) -> Markup {
    let (operation, rows) = (view.operation, &view.rows);
    let at = format!("{}/{}", rows.path, operation.id);
    html! {
        div.head {
            h1 { (headline(operation)) }
            div {
                @if !operation.parent_id.is_empty() { a.button href={ (rows.path) "/" (operation.parent_id) } { "The whole bulk" } " " }
                a.button href=(rows.path) { "All operations" }
            }
        }
        // What was refused is told on a page that has no address of its own to be asked for anew.
        @if is_open(operation) && view.unsure.is_none() { div data-live={ (at) "/live" } {} }
        p.unseen id="stands" role="status" data-live-said { "This write: " (stands(operation)) }
        section.panel id="facts" data-live-part { dl { (facts(operation, rows)) } }
        div id="ways" data-live-part {
            @if let Some(instead) = view.instead { (replaced(instead, rows.path)) }
            @if let Some(refused) = failure(operation) { (way_out(&refused, operation)) }
            @if let Some(token) = rows.csrf {
                @if operation.state() == pb::OperationState::Failed { (edit(operation, &at)) }
                @for (act, label) in ways(operation) { (choice(view, &at, token, act, label)) }
                @if is_bulk(operation) { (for_all(view, &at, token)) }
            }
        }
        div id="sent" data-live-part {
            @if is_bulk(operation) {
                h2 { "Items" }
                @if let Some(tally) = &operation.tally { p { (tallied(tally)) } }
                @if !view.items.operations.is_empty() { (table(&view.items.operations, rows)) }
                (go_on(&at, &[], [view.after, &view.items.next_page_token], "Earlier items"))
            }
            @if operation.steps.len() > 1 { (steps(&operation.steps)) }
            @if !is_bulk(operation) { (calls(operation)) }
            @if let Some(calls) = view.calls.as_ref().filter(|_| is_bulk(operation) || !operation.lever_calls.is_empty()) { p { a href=(calls) { "How these calls went, try by try" } } }
        }
    }
}

/// Whether something happens to it by itself yet.
fn is_open(operation: &pb::Operation) -> bool {
    use pb::OperationState as State;
    matches!(
        operation.state(),
        State::Recorded | State::Held | State::Sending
    )
}

/// Why a part of what was asked for is left out.
fn why_left_out(kind: pb::OperationKind) -> &'static str {
    match kind {
        pb::OperationKind::ExportCandidate => {
            "nothing that Lever takes can be made of it, or it is longer than the tag it goes to can be"
        }
        _ => "people have removed that in Lever, or it is not ours to remove",
    }
}

fn facts(operation: &pb::Operation, rows: &Rows<'_>) -> Markup {
    let told = operation.summary.clone().unwrap_or_default();
    let because = because(operation.acting_because());
    let fact = |label: &str, value: &str| html! { @if !value.is_empty() { dt { (label) } dd { (value) } } };
    html! {
        @if !is_bulk(operation) {
            dt { "Whom" } dd { (person(operation, rows)) }
            @if !told.present_stage_text.is_empty() && rows.people {
                dt { "Is now in" } dd { (told.present_stage_text) @if told.archived { ", archived" } }
            }
        }
        dt { "State" } dd { (state(operation)) @if operation.reconciling { " Lever is looked at to find out what became of it." } @if waits(operation) { " " (waiting(operation)) } }
        @if let Some(at) = &operation.release_time { dt { "Held" } dd { "Sent " (moment(Some(at))) " unless it is cancelled before." } }
        dt { "Asked" } dd { (moment(operation.create_time.as_ref())) }
        (fact("By the token", &operation.asked_by))
        (fact("For the product user", &operation.acting_user))
        // Of a bulk each item says that for itself.
        @if !is_bulk(operation) {
            dt { "Acts in Lever" }
            dd {
                @match (told.acting_user_name.as_str(), operation.acting_user_id.as_str()) {
                    ("", "") => "nobody: Lever names the integration",
                    ("", _) => "a user whom the mirror does not have",
                    (name, _) => (name),
                }
                @if !because.is_empty() { ": " (because) }
                @if let Some(why) = passed_over(operation.passed_over()) { ". " (why) }
            }
        }
        dt { "Last moved" } dd { (moment(operation.update_time.as_ref())) }
        @if let Some(before) = edited(&operation.request_id) {
            dt { "Edited from" } dd { a href={ (rows.path) "/" (before) } { "the write that failed" } }
        }
        (fact("Left out", &operation.left_out.join(", ")))
        @if !operation.left_out.is_empty() { dt { "Because" } dd { (why_left_out(operation.kind())) } }
        (fact("Made in Lever", &operation.result_id))
        @if was_found(operation) { dt { "Found in Lever" } dd { "the answer to the call was lost, and a look showed that Lever has it" } }
        @if operation.email_intent.is_some() { dt { "E-mail" } dd { "the product was to send one then; Lever sends none" } }
        dt { "Ids" }
        dd {
            code { (operation.id) }
            // Of several candidacies of one person.
            @if !operation.opportunity_id.is_empty() { "; of the opportunity " code { (operation.opportunity_id) } }
            @if !operation.request_id.is_empty() { "; of the request " code { (operation.request_id) } }
            @if !operation.rpc_id.is_empty() { "; in the log " code { (operation.rpc_id) } }
        }
    }
}

/// Whether it is known to be done by a look alone: the answer to what was sent was lost.
fn was_found(operation: &pb::Operation) -> bool {
    let mut sent = operation.lever_calls.iter().rev();
    let last = sent.find(|call| call.method != "GET");
    operation.state() == pb::OperationState::Succeeded
        && last.is_some_and(|call| matches!(call.status, 0 | 500..))
}

/// How the Lever user was found.
fn because(because: pb::ActingBecause) -> &'static str {
    match because {
        pb::ActingBecause::Unspecified | pb::ActingBecause::Nobody => "",
        pb::ActingBecause::Named => "named by whoever asked",
        pb::ActingBecause::Email => "has the e-mail address of the product user",
        pb::ActingBecause::Linked => "linked to the product user on the Users page",
        pb::ActingBecause::OpportunityOwner => "owns the opportunity",
        pb::ActingBecause::PostingOwner => "owns the posting",
        pb::ActingBecause::ConnectionDefault => "acts where nobody else is found, by the Settings",
        pb::ActingBecause::ItemsDiffer => "differs between its items: each tells",
    }
}

/// Why it is not the product user who acts.
fn passed_over(why: pb::PassedOver) -> Option<&'static str> {
    match why {
        pb::PassedOver::Unspecified => None,
        pb::PassedOver::Unknown => {
            Some("No Lever user has the e-mail address of the product user: link them under Users.")
        }
        pb::PassedOver::Deactivated => {
            Some("The Lever user with the product user's e-mail address is deactivated.")
        }
        pb::PassedOver::LinkUnknown => {
            Some("The product user is linked to somebody whom Lever does not list: see Users.")
        }
        pb::PassedOver::LinkDeactivated => {
            Some("The product user is linked to a Lever user who is deactivated: see Users.")
        }
        pb::PassedOver::DefaultDeactivated => Some(
            "The Lever user who acts by default is deactivated: choose another under Settings.",
        ),
        pb::PassedOver::DefaultUnknown => {
            Some("Lever does not list the user who acts by default: choose another under Settings.")
        }
        pb::PassedOver::UsersUnreadable => Some(
            "Lever's users cannot be read with this key, or are not kept: link the product user under Users.",
        ),
    }
}

/// The way to the form that changes what was asked for, or why there is none.
fn edit(operation: &pb::Operation, at: &str) -> Markup {
    let why = why_not(operation).filter(|_| !is_bulk(operation));
    html! {
        @if !is_bulk(operation) {
            section.panel id="edit" {
                h2 { "Edit" }
                @if let Some(why) = why { p { (why) } }
                @else {
                    p { "What was asked for is changed and sent as a new write; this one is given up then, and stays as it was." }
                    a.button href={ (at) "/edit" } { "Edit…" }
                }
            }
        }
    }
}

/// Why it did not end well, as a sentence.
pub(super) fn why_it_failed(operation: &pb::Operation) -> Option<String> {
    failure(operation).map(|refused| refused.message())
}

/// Why it did not end well.
fn failure(operation: &pb::Operation) -> Option<Refused> {
    let error = operation.error.as_ref()?;
    let details = error.encode_to_vec().into();
    let status = Status::with_details(Code::from(error.code), error.message.clone(), details);
    Some(status.into())
}

/// What went wrong, and what to do about it.
fn way_out(refused: &Refused, operation: &pb::Operation) -> Markup {
    let reason = refused.reason().unwrap_or_default();
    // Of what is over nothing is left to be done.
    let over = operation.state() == pb::OperationState::Cancelled;
    html! {
        div.notice.bad {
            p { (refused.message()) }
            @if let Some(out) = remedy(&reason).filter(|_| !over) { p { (out) } }
        }
    }
}

fn remedy(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "LEVER_KEY_REJECTED" => "Replace the key in Settings, then press Retry.",
        "LEVER_PERMISSION_MISSING" => {
            "Permissions tells what the key lacks. Have a key made that may do it, replace the key in Settings, then press Retry."
        }
        "LEVER_NOT_FOUND" => {
            "It is no longer in Lever. Look there, and ask for it anew in the product where it is still wanted."
        }
        "LEVER_REFUSED" => {
            "Lever would refuse the same again: edit it to what Lever takes, or ask for it anew in the product."
        }
        "STAGE_MOVED" | "ALREADY_ARCHIVED" | "CHANGED_IN_LEVER" => {
            "Look at the person in Lever. Edit it where it is still wanted, or ask for it anew in the product."
        }
        "STAGE_EXCLUDED" | "REASON_EXCLUDED" => {
            "The stage mapping leaves that out. If it should not, change it under Stages, then press Retry."
        }
        "ACTING_USER_REQUIRED" | "ACTING_USER_UNKNOWN" => {
            "Link the product user under Users, or name in Settings who acts where nobody is found, then press Retry."
        }
        "DISCONNECTED" => {
            "The account was disconnected while it waited. Ask for it anew in the product where it is still wanted."
        }
        "LEVER_UNAVAILABLE" => "Press Retry once Lever answers again: API calls tells.",
        "ITEMS_FAILED" => "The items below tell why. Retry tries those again that failed.",
        _ => return None,
    })
}

/// One way to go on: what it does, and its button.
fn choice(view: &View<'_>, at: &str, token: &str, act: &str, label: &str) -> Markup {
    let operation = view.operation;
    let explained = match (act, operation.state()) {
        ("release", _) => if_sent(operation),
        ("retry", _) => "Lever is looked at first. What is there already is not sent again; what is not, is.".to_owned(),
        (_, pb::OperationState::Failed) => {
            "It is not in Lever. Giving up closes it as it is: it is not tried again, and why it failed stays to be seen.".to_owned()
        }
        (_, pb::OperationState::Uncertain) => {
            "Nobody can tell whether Lever has done it: the answer was lost, and looking did not settle it. Look at the \
             person in Lever. Giving up closes it as it is: nothing more is sent, nothing is taken back, and nobody is \
             told of it as open any more."
                .to_owned()
        }
        _ => if_cancelled(operation),
    };
    let asks = act == "release" && ends_a_candidacy(operation);
    let problem = view
        .unsure
        .and_then(|refused| refused.about("sure"))
        .filter(|_| asks);
    html! {
        section.panel id=(act) {
            h2 { (label) }
            p { (explained) }
            form method="post" action={ (at) (HERE) } {
                (csrf(token))
                input type="hidden" name="action" value=(act);
                @if asks {
                    p {
                        label.check {
                            input type="checkbox" name="sure" required aria-invalid=[problem.as_ref().map(|_| "true")] aria-describedby=[problem.as_ref().map(|_| "sure-problem")];
                            "I want that to happen now; it cannot be called back"
                        }
                    }
                    @if let Some(problem) = &problem { p.problem id="sure-problem" { (problem) } }
                }
                button.danger[asks] type="submit" { (label) }
            }
        }
    }
}

/// What can be done about all items of a bulk that still wait, whatever the bulk itself is in.
fn for_all(view: &View<'_>, at: &str, token: &str) -> Markup {
    let operation = view.operation;
    let tally = operation.tally.unwrap_or_default();
    let offered = |act: &str| ways(operation).iter().any(|(offered, _)| *offered == act);
    html! {
        @if tally.held > 0 && !offered("release") { (choice(view, at, token, "release", "Send now what is held")) }
        @if tally.held + tally.open > 0 && !offered("cancel") { (choice(view, at, token, "cancel", "Cancel what waits")) }
        @if tally.failed + tally.uncertain > 0 && !offered("retry") { (choice(view, at, token, "retry", "Retry what failed")) }
    }
}

fn steps(steps: &[pb::OperationStep]) -> Markup {
    html! {
        h2 { "Steps" }
        ol {
            @for step in steps {
                li {
                    (step.name) ": "
                    @if step.there_already { "in Lever already, not sent again" }
                    @else { (plain(step.state().as_str_name(), "OPERATION_STATE")) }
                }
            }
        }
    }
}

/// The calls themselves, without what they carry: that can be a note about somebody.
fn calls(operation: &pb::Operation) -> Markup {
    let sends = operation.state() == pb::OperationState::Sending && !operation.reconciling;
    html! {
        h2 { "Calls to Lever" }
        @if operation.lever_calls.is_empty() {
            p { "None yet." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Calls to Lever" {
                table {
                    thead { tr { th { "Time" } th { "Call" } th.num { "Answer" } } }
                    tbody {
                        @for (place, call) in operation.lever_calls.iter().enumerate() {
                            tr {
                                td { (instant(call.call_time.as_ref())) }
                                td { code { (call.method) " " (call.path) } }
                                td.num {
                                    @if call.status != 0 { (call.status) }
                                    @else if sends && place + 1 == operation.lever_calls.len() { "under way" }
                                    @else { "no answer" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> pb::Operation {
        pb::Operation {
            id: "o1".to_owned(),
            kind: pb::OperationKind::Archive.into(),
            state: pb::OperationState::Held.into(),
            opportunity_id: "p1".to_owned(),
            asked_by: "product".to_owned(),
            acting_user_id: "u".to_owned(),
            acting_because: pb::ActingBecause::ConnectionDefault.into(),
            passed_over: pb::PassedOver::Unknown.into(),
            lever_calls: vec![pb::LeverCall {
                method: "PUT".to_owned(),
                path: "/opportunities/p1/archived".to_owned(),
                body_json: "{\"secret\":1}".to_owned(),
                status: 403,
                ..Default::default()
            }],
            summary: Some(pb::OperationSummary {
                person_name: "Ada <L>".to_owned(),
                present_stage_text: "On-site".to_owned(),
                archive_reason_text: "Underqualified".to_owned(),
                rejects: true,
                acting_user_name: "Grace".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn shown(operation: &pb::Operation, csrf: Option<&str>, unsure: Option<&Refused>) -> String {
        let items = pb::ListOperationsResponse {
            operations: match is_bulk(operation) {
                true => vec![pb::Operation {
                    id: "o1/2".to_owned(),
                    ..held()
                }],
                false => Vec::new(),
            },
            next_page_token: String::new(),
        };
        page(&View {
            operation,
            items: &items,
            rows: Rows {
                path: "/c/operations",
                region: pb::Region::Unspecified,
                people: true,
                csrf,
                back: BULK.to_owned(),
                boxes: false,
            },
            calls: None,
            unsure,
            after: "",
            instead: None,
        })
        .into_string()
    }

    #[test]
    fn a_held_rejection_says_what_sending_and_cancelling_do_and_asks_before_it_is_sent() {
        let text = shown(&held(), Some("t"), None);
        assert!(text.contains("Reject with the reason “Underqualified”"));
        assert!(text.contains("for Ada &lt;L&gt;, who is in “On-site”."));
        assert!(text.contains("for Ada &lt;L&gt;, who stays in “On-site”."));
        assert!(text.contains("name=\"sure\" required"));
        assert!(text.contains("action=\"/c/operations/o1?back=operation\""));
        assert!(!shown(&held(), None, None).contains("<form"));
        let error = engine::Error::invalid("sure", "tick the box");
        let unsure = Refused::from(to_status(error));
        let refused = shown(&held(), Some("t"), Some(&unsure));
        assert!(refused.contains("id=\"sure-problem\">Tick the box."));
        let moved = pb::Operation {
            kind: pb::OperationKind::ChangeStage.into(),
            ..held()
        };
        assert!(!shown(&moved, Some("t"), None).contains("name=\"sure\""));
    }

    #[test]
    fn who_acts_and_why_and_what_was_called_is_told_without_what_was_sent() {
        let text = shown(&held(), None, None);
        assert!(text.contains("Grace: acts where nobody else is found"));
        assert!(text.contains("link them under Users"));
        assert!(text.contains("PUT /opportunities/p1/archived") && text.contains("403"));
        assert!(!text.contains("secret"));
    }

    #[test]
    fn what_went_wrong_comes_with_the_way_out_and_giving_up_is_explained() {
        let why = domain::operation::Failure {
            kind: domain::operation::FailureKind::PermissionMissing,
            message: "Lever refused".to_owned(),
            details: Vec::new(),
        };
        let failed = pb::Operation {
            state: pb::OperationState::Failed.into(),
            error: Some(crate::wire::status::failure(&why)),
            ..held()
        };
        let text = shown(&failed, Some("t"), None);
        assert!(
            text.contains("Lever refused.")
                && text.contains("Permissions tells what the key lacks")
        );
        let uncertain = pb::Operation {
            state: pb::OperationState::Uncertain.into(),
            ..held()
        };
        let text = shown(&uncertain, Some("t"), None);
        assert!(text.contains("Give up") && text.contains("nothing is taken back"));
        for kind in domain::operation::FailureKind::ALL {
            let blocked = matches!(kind, domain::operation::FailureKind::Blocked(_));
            let told_elsewhere = [
                domain::operation::FailureKind::Unknown,
                domain::operation::FailureKind::RemovedInLever,
                domain::operation::FailureKind::NotOurs,
            ];
            let expected = !blocked && !told_elsewhere.contains(kind);
            assert_eq!(remedy(kind.reason()).is_some(), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_bulk_lists_its_items_and_can_be_seen_to_as_a_whole() {
        let bulk = pb::Operation {
            kind: pb::OperationKind::Bulk.into(),
            item_kind: pb::OperationKind::Archive.into(),
            state: pb::OperationState::Sending.into(),
            tally: Some(pb::Tally {
                items: 3,
                held: 2,
                failed: 1,
                ..Default::default()
            }),
            ..held()
        };
        let text = shown(&bulk, Some("t"), None);
        assert!(text.contains("3 items: 1 failed, 2 held"));
        assert!(text.contains("href=\"/c/operations/o1/2\""));
        assert!(text.contains("Send now what is held") && text.contains("Retry what failed"));
        assert!(text.contains("action=\"/c/operations/o1/2?back=bulk\""));
        assert!(text.contains("name=\"sure\" required"));
    }

    #[test]
    fn an_operation_that_has_gone_on_is_told_as_it_stands_and_what_waits_for_somebody_is_not() {
        use pb::OperationState as State;
        let of = |state: State| {
            gone_on(&pb::Operation {
                state: state.into(),
                ..held()
            })
        };
        for (state, words) in [
            (State::Cancelled, "cancelled already: nothing is sent"),
            (State::Succeeded, "done already: Lever has it"),
            (State::Recorded, "released already"),
            (State::Sending, "on its way"),
        ] {
            assert!(of(state).unwrap().contains(words), "{state:?}");
        }
        assert!([State::Failed, State::Uncertain].map(of) == [None, None]);
        let bulk = pb::Operation {
            kind: pb::OperationKind::Bulk.into(),
            state: State::Succeeded.into(),
            tally: Some(pb::Tally {
                items: 3,
                succeeded: 2,
                cancelled: 1,
                ..Default::default()
            }),
            ..held()
        };
        let told = "Nothing of it waits any more: 3 items: 2 done, 1 cancelled.";
        assert_eq!(gone_on(&bulk).as_deref(), Some(told));
    }
}
