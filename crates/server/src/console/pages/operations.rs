//! Writes to Lever: what waits, what was sent, what became of it (product.md, screen 12).

use std::borrow::Cow;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::operation_service_server::OperationService as _;
use serde::Deserialize;

use super::edit::has_form;
use super::operation::{CANCEL, cancel};
use super::refused::{is_open, way_back};
use super::{go_on, href, offered, views};
use crate::console::deed::{ends_a_candidacy, headline, is_bulk};
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, csrf};
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, isolated, moment, number, plain};
use crate::console::{Console, see};
use crate::console::{in_lever, live};
use crate::grpc::Api;
use crate::wire::connection_id;
use crate::wire::status::status;

/// Whoever may ask this may know of people.
const PEOPLE: &str = "/fulcrum.v1.CandidateService/GetCandidate";

/// Operations in one state: how a page asks for them, and what they are called.
const VIEWS: [(&str, &str); 7] = [
    ("", "All"),
    ("held", "Held"),
    ("waiting", "Waiting"),
    ("uncertain", "Uncertain"),
    ("failed", "Failed"),
    ("done", "Done"),
    ("cancelled", "Cancelled"),
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
        .route("/console/connections/{id}/operations/person", post(narrow))
        .route("/console/connections/{id}/operations/live", get(moves))
        .route(
            "/console/connections/{id}/operations/cancel",
            post(cancel_chosen),
        )
        .route(
            "/console/connections/{id}/operations/cancel-held",
            post(cancel_held),
        )
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    after: String,
    show: String,
    /// Lever's id of an opportunity: only writes about that.
    person: String,
}

impl Asked {
    /// A path with the view that is shown.
    pub(super) fn at(&self, path: &str) -> String {
        let view = [
            ("show", self.show.as_str()),
            ("person", &self.person),
            ("after", &self.after),
        ];
        href(path, &view)
    }

    fn states(&self) -> Vec<i32> {
        use pb::OperationState as State;
        let states: &[State] = match self.show.as_str() {
            "held" => &[State::Held],
            "waiting" => &[State::Recorded, State::Sending],
            "uncertain" => &[State::Uncertain],
            "failed" => &[State::Failed],
            "done" => &[State::Succeeded],
            "cancelled" => &[State::Cancelled],
            _ => &[],
        };
        states.iter().map(|state| (*state).into()).collect()
    }
}

/// Operations line by line.
pub(super) struct Rows<'a> {
    /// Where operations are.
    pub(super) path: &'a str,
    pub(super) region: pb::Region,
    /// Whether the reader may know of people.
    pub(super) people: bool,
    /// What forms carry, where the reader may act.
    pub(super) csrf: Option<&'a str>,
    /// What is added to the address of an action, so that it leads back here.
    pub(super) back: String,
    /// Whether lines can be chosen.
    pub(super) boxes: bool,
}

impl<'a> Rows<'a> {
    /// Lines for whoever is signed in.
    pub(super) fn new(desk: &'a Desk, path: &'a str, connection: &pb::Connection) -> Rows<'a> {
        Rows {
            path,
            region: connection.region(),
            people: desk.may(PEOPLE),
            csrf: (desk.may(CANCEL) && is_open(connection)).then_some(desk.csrf()),
            back: String::new(),
            boxes: false,
        }
    }
}

/// What the page shows.
struct View<'a> {
    asked: &'a Asked,
    operations: &'a [pb::Operation],
    next_page_token: &'a str,
    rows: Rows<'a>,
    /// What a form carries that asks for one person, for whoever may know of people.
    asks: Option<&'a str>,
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    offered("show", &asked.show, &VIEWS)?;
    if !asked.person.is_empty() && !in_lever::is_id(&asked.person) {
        return Ok(of_nobody(&desk, &connection, "", NO_ID_IN_ADDRESS));
    }
    let request = pb::ListOperationsRequest {
        connection_id: id.clone(),
        page_size: 50,
        page_token: asked.after.clone(),
        states: asked.states(),
        opportunity_id: asked.person.clone(),
        ..Default::default()
    };
    let rpc = Tab::Operations.rpc();
    let answer = desk.call(rpc, request, Api::list_operations).await?;
    let path = Tab::Operations.path(&id);
    let rows = Rows::new(&desk, &path, &connection);
    let view = View {
        asked: &asked,
        operations: &answer.operations,
        next_page_token: &answer.next_page_token,
        rows: Rows {
            back: asked.at(""),
            boxes: asked.show == "held" && rows.csrf.is_some(),
            ..rows
        },
        asks: desk.may(PEOPLE).then_some(desk.csrf()),
    };
    let content = html! { (way_back(&connection)) (show(&view)) };
    Ok(desk.at(&connection, Tab::Operations, content))
}

/// Tells a page whenever an operation of the connection is recorded or moves.
async fn moves(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    desk.check(Tab::Operations.rpc())?;
    let moves = desk.api().engine.watch_operations();
    let connection = desk.connection(&id).await?;
    let of = connection_id(&connection.id).map_err(status)?;
    live::tell(
        &desk,
        live::of_operations(moves, move |moved| moved.connection == of),
    )
}

/// Leads to what was written about somebody, once what was typed is an id of Lever's and no name or address of theirs:
/// addresses are kept in many places.
async fn narrow(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    desk.check(Tab::Operations.rpc())?;
    let typed = form.text("person");
    let opportunity = in_lever::opportunity(typed);
    if in_lever::is_id(opportunity) {
        let path = Tab::Operations.path(&id);
        return Ok(see(&href(&path, &[("person", opportunity)])));
    }
    Ok(of_nobody(&desk, &connection, typed, NO_ID))
}

const NO_ID: &str = "Give Lever’s id of the opportunity, or the address of its page in Lever: nobody is found here by \
                     name or e-mail, but under Find a person.";
const NO_ID_IN_ADDRESS: &str = "The address of this page takes Lever’s id of an opportunity only, since addresses are \
                                kept in many places. Whose writes are looked for is typed here.";

/// Why nobody's writes are shown, and where to say whose.
fn of_nobody(desk: &Desk, connection: &pb::Connection, typed: &str, why: &str) -> Response {
    let path = Tab::Operations.path(&connection.id);
    let content = html! {
        div.head { h1 { "Operations" } a.button href=(path) { "All operations" } }
        (by_person(&path, desk.csrf(), typed, Some(why)))
    };
    let page = desk.at(connection, Tab::Operations, content);
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

/// Asks whose writes are to be shown, in the body of a request.
fn by_person(path: &str, token: &str, typed: &str, problem: Option<&str>) -> Markup {
    let wrong = problem.map(|_| "true");
    html! {
        details.panel open[problem.is_some()] {
            summary { "Looking for what was written about one person?" }
            form.row method="post" action={ (path) "/person" } {
                (csrf(token))
                label { "Lever’s id of the opportunity, or the address of its page in Lever"
                    input name="person" value=(typed) required autocomplete="off" aria-invalid=[wrong] aria-describedby=[problem.map(|_| "person-problem")];
                }
                button type="submit" { "Show" }
            }
            @if let Some(problem) = problem { p.problem id="person-problem" role="alert" { (problem) } }
        }
    }
}

async fn cancel_chosen(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    desk.check(CANCEL)?;
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
    desk.check(CANCEL)?;
    let path = format!("{}?show=held", Tab::Operations.path(&id));
    if !form.ticked("sure") {
        let said = "Nothing was cancelled: tick “all that are held” to have every held operation cancelled.";
        return Ok(desk.done(&path, said));
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
    let (asked, path) = (view.asked, view.rows.path);
    let narrowed = [("person", asked.person.as_str())];
    html! {
        div.head { h1 { "Operations" } (views("Which operations", path, "show", &asked.show, &narrowed, &VIEWS)) }
        @if !asked.person.is_empty() { (only(view)) }
        @else if let Some(token) = view.asks { (by_person(path, token, "", None)) }
        // What comes is shown where lists begin; further on everything would move along.
        @if asked.after.is_empty() { div data-live={ (path) "/live" } {} }
        div id="writes" data-live-part {
            @if view.operations.is_empty() {
                section.empty {
                    @if asked.show.is_empty() && asked.person.is_empty() { h2 { "Nothing was written yet" } p { "Each write to Lever shows up here: notes, tags, stage changes, exports." } }
                    @else { h2 { "None of these" } p { a href=(path) { "Show all operations" } } }
                }
            } @else {
                @if view.rows.boxes { @if let Some(token) = view.rows.csrf { (cancel_forms(path, token, asked)) } }
                (table(view.operations, &view.rows))
                (go_on(path, &[("show", &asked.show), ("person", &asked.person)], [&asked.after, view.next_page_token], "Older"))
            }
        }
    }
}

/// Whose writes are shown, and the way back to everybody's.
fn only(view: &View<'_>) -> Markup {
    let mut names = view.operations.iter().filter_map(name);
    let name = names.next().filter(|_| view.rows.people);
    let all = href(view.rows.path, &[("show", &view.asked.show)]);
    html! {
        p.chips {
            "Only " span.badge { "about " (name.as_deref().unwrap_or("one person")) } " "
            a href=(all) { "all" span.unseen { " people" } }
        }
    }
}

/// The ways to take back what is held: the boxes of the table, or all of it.
fn cancel_forms(path: &str, token: &str, asked: &Asked) -> Markup {
    html! {
        div.row.held {
            form id=(CHOSEN) method="post" action={ (path) "/cancel" } {
                (csrf(token))
                button type="submit" { "Cancel those chosen below" }
            }
            // All are those of everybody, so not where one person is looked at.
            @if asked.person.is_empty() {
                form.unit method="post" action={ (path) "/cancel-held" } {
                    (csrf(token))
                    label.check { input type="checkbox" name="sure" required; "all that are held" }
                    button.danger type="submit" { "Cancel all" }
                }
            }
        }
    }
}

/// Operations as a table.
pub(super) fn table(operations: &[pb::Operation], rows: &Rows<'_>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Operations" {
            table.stacked {
                thead { tr { @if rows.boxes { th { "Choose" } } th { "Asked" } th { "What" } th { "Whom" } th { "State" } th { "By" } th { "Details" } th { "Actions" } } }
                tbody { @for operation in operations { (one(operation, rows)) } }
            }
        }
    }
}

fn one(operation: &pb::Operation, rows: &Rows<'_>) -> Markup {
    let page = format!("{}/{}", rows.path, operation.id);
    html! {
        tr {
            @if rows.boxes {
                td data-label="Choose" { input type="checkbox" form=(CHOSEN) name=(OPERATION) value=(operation.id) aria-label={ "Choose: " (headline(operation)) (for_whom(operation, rows)) }; }
            }
            td data-label="Asked" { (moment(operation.create_time.as_ref())) }
            td data-label="What" { a href=(page) { (headline(operation)) span.unseen { (for_whom(operation, rows)) } } }
            td data-label="Whom" { (person(operation, rows)) }
            td data-label="State" { (state(operation)) }
            td data-label="By" { (by(operation)) }
            td data-label="Details" { (to_tell(operation)) }
            td.deeds data-label="Actions" {
                @if let Some(token) = rows.csrf {
                    @if operation.state() == pb::OperationState::Failed && has_form(operation.kind()) {
                        a.button href={ (page) "/edit" } { "Edit…" span.unseen { (for_whom(operation, rows)) } } " "
                    }
                    @for (name, label) in ways(operation) {
                        // What cannot be taken back is looked at first.
                        @if *name == "release" && ends_a_candidacy(operation) {
                            a.button href={ (page) "#release" } { (label) "…" span.unseen { (for_whom(operation, rows)) } } " "
                        } @else {
                            form.inline method="post" action={ (page) (rows.back) } {
                                (csrf(token))
                                input type="hidden" name="action" value=(name);
                                button type="submit" { (label) span.unseen { ": " (headline(operation)) (for_whom(operation, rows)) } }
                            } " "
                        }
                    }
                }
            }
        }
    }
}

/// The person's name, if the mirror has it.
pub(super) fn name(operation: &pb::Operation) -> Option<Cow<'_, str>> {
    let name = operation.summary.as_ref()?.person_name.as_str();
    (!name.is_empty()).then(|| isolated(name))
}

/// The title of the posting that the person is a candidate for, if the mirror has it.
fn posting(operation: &pb::Operation) -> Option<Cow<'_, str>> {
    let posting = operation.summary.as_ref()?.present_posting_text.as_str();
    (!posting.is_empty()).then(|| isolated(posting))
}

/// Whom it is about, for those who do not see the line.
fn for_whom(operation: &pb::Operation, rows: &Rows<'_>) -> String {
    match name(operation).filter(|_| rows.people) {
        Some(name) => match posting(operation) {
            Some(posting) => format!(" for {name} ({posting})"),
            None => format!(" for {name}"),
        },
        None => format!(", {}", operation.id),
    }
}

/// Whom it is about, with the ways to Lever and to all that was written about that person.
pub(super) fn person(operation: &pb::Operation, rows: &Rows<'_>) -> Markup {
    let opportunity = operation.opportunity_id.as_str();
    html! {
        @if opportunity.is_empty() || !rows.people {
            @match name(operation).filter(|_| rows.people) { Some(name) => (name), None => "–" }
        } @else {
            (in_lever::named(rows.region, opportunity, name(operation).as_deref().unwrap_or("(not mirrored)")))
            // One person can be a candidate for several.
            @if let Some(posting) = posting(operation) { br; "for " (posting) }
            br; a.faint href=(href(rows.path, &[("person", opportunity)])) { "all of this person" }
        }
    }
}

/// Where it stands, in a word and a color.
pub(super) fn state(operation: &pb::Operation) -> Markup {
    html! { span class=(class(standing(operation))) { (stands(operation)) } }
}

/// The same in words alone.
pub(super) fn stands(operation: &pb::Operation) -> String {
    match standing(operation) {
        pb::OperationState::Sending if operation.reconciling => "finding out".to_owned(),
        state => plain(state.as_str_name(), "OPERATION_STATE"),
    }
}

/// Where it stands: a bulk is held while all its items are.
fn standing(operation: &pb::Operation) -> pb::OperationState {
    let all_held = |tally: pb::Tally| tally.items > 0 && tally.held == tally.items;
    match operation.state() {
        pb::OperationState::Recorded if operation.tally.is_some_and(all_held) => {
            pb::OperationState::Held
        }
        state => state,
    }
}

/// Who asked, for whom, and who acts in Lever.
fn by(operation: &pb::Operation) -> Markup {
    let acting = operation.summary.as_ref();
    let acting = acting.map_or("", |told| &told.acting_user_name);
    html! {
        (operation.asked_by)
        @if !operation.acting_user.is_empty() { br; span.faint { "for " (operation.acting_user) } }
        @if !acting.is_empty() { br; span.faint { "as " (acting) } }
    }
}

/// What is kept back.
fn held(operation: &pb::Operation) -> &'static str {
    match is_bulk(operation) {
        true => "What is held",
        false => "Held",
    }
}

/// What is out of the ordinary.
fn to_tell(operation: &pb::Operation) -> Markup {
    html! {
        @if let Some(error) = &operation.error { p { (sentence(&error.message)) } }
        @if let Some(at) = &operation.release_time { p { (held(operation)) ": sent " (moment(Some(at))) " unless it is cancelled" } }
        @if let Some(tally) = &operation.tally { p.faint { (tallied(tally)) } }
        @if waits(operation) { p { (waiting(operation)) } }
        @else if !operation.lever_calls.is_empty() { p.faint { (count(operation.lever_calls.len() as u64, "call to Lever", "calls to Lever")) } }
    }
}

/// The tries since Lever last took a call of it.
fn tries(operation: &pb::Operation) -> u64 {
    let calls = operation.lever_calls.iter().rev();
    let in_vain = calls.take_while(|call| matches!(call.status, 0 | 429 | 500..));
    in_vain.count() as u64
}

/// Whether it was tried, and is tried again.
pub(super) fn waits(operation: &pb::Operation) -> bool {
    operation.state() == pb::OperationState::Recorded && tries(operation) > 0
}

/// Why a write that was tried is not done yet, and when it is tried next.
pub(super) fn waiting(operation: &pb::Operation) -> Markup {
    let tries = tries(operation);
    let last = operation.lever_calls.last().map_or(0, |call| call.status);
    html! {
        "Waits: "
        @match last {
            0 => "Lever has not answered",
            429 => "Lever asks for a pause",
            status => { "Lever has answered " (status) },
        }
        ", " @if tries == 1 { "tried once" } @else { "tried " (tries) " times" }
        @if let Some(at) = &operation.next_try_time { ", next try " (moment(Some(at))) } @else { ", tried again at once" }
        "."
    }
}

/// What became of the items of a bulk, in words.
pub(super) fn tallied(tally: &pb::Tally) -> String {
    let parts = [
        (tally.succeeded, "done"),
        (tally.failed, "failed"),
        (tally.uncertain, "uncertain"),
        (tally.cancelled, "cancelled"),
        (tally.held, "held"),
        (tally.open, "under way"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(many, what)| format!("{} {what}", number((*many).into())))
        .collect();
    let items = count(tally.items.into(), "item", "items");
    format!("{items}: {}", parts.join(", "))
}

/// What can be done about an operation, with the label of the button.
pub(super) fn ways(operation: &pb::Operation) -> &'static [(&'static str, &'static str)] {
    match operation.state() {
        pb::OperationState::Recorded => &[("cancel", "Cancel")],
        pb::OperationState::Held => &[("release", "Send now"), ("cancel", "Cancel")],
        pb::OperationState::Uncertain => &[("retry", "Retry"), ("cancel", "Give up")],
        // Of a bulk, each that failed is given up by itself.
        pb::OperationState::Failed if is_bulk(operation) => &[("retry", "Retry")],
        pb::OperationState::Failed => &[("retry", "Retry"), ("cancel", "Give up")],
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
    use tonic::Status;

    use super::*;

    fn held() -> pb::Operation {
        pb::Operation {
            id: "o1".to_owned(),
            kind: pb::OperationKind::Archive.into(),
            state: pb::OperationState::Held.into(),
            opportunity_id: "p/1".to_owned(),
            lever_calls: vec![pb::LeverCall {
                method: "PUT".to_owned(),
                body_json: "{\"secret\":1}".to_owned(),
                ..Default::default()
            }],
            summary: Some(pb::OperationSummary {
                person_name: "Ada <L>".to_owned(),
                archive_reason_text: "Underqualified".to_owned(),
                rejects: true,
                acting_user_name: "Grace".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn page(
        operations: &[pb::Operation],
        asked: &Asked,
        csrf: Option<&str>,
        people: bool,
    ) -> String {
        let view = View {
            asked,
            operations,
            next_page_token: "",
            rows: Rows {
                path: "/c/operations",
                region: pb::Region::Global,
                people,
                csrf,
                back: asked.at(""),
                boxes: asked.show == "held" && csrf.is_some(),
            },
            asks: people.then_some("t"),
        };
        show(&view).into_string()
    }

    fn of(state: &str, person: &str) -> Asked {
        Asked {
            show: state.to_owned(),
            person: person.to_owned(),
            ..Asked::default()
        }
    }

    #[test]
    fn what_can_be_done_about_an_operation_is_offered_to_whoever_may() {
        let text = page(&[held()], &of("", ""), Some("t"), true);
        // A rejection is sent from its own page, where it is asked about.
        assert!(text.contains("href=\"/c/operations/o1#release\""));
        assert!(!text.contains("value=\"release\""));
        assert!(text.contains("action=\"/c/operations/o1\"") && text.contains("value=\"cancel\""));
        assert!(
            !text.contains("secret"),
            "what a call carries can tell of somebody"
        );
        assert!(!text.contains("type=\"checkbox\""));
        let moved = pb::Operation {
            kind: pb::OperationKind::ChangeStage.into(),
            ..held()
        };
        assert!(page(&[moved], &of("", ""), Some("t"), true).contains("value=\"release\""));
        let chosen = page(&[held()], &of("held", ""), Some("t"), true);
        assert!(chosen.contains("form=\"chosen\" name=\"operation\" value=\"o1\""));
        assert!(chosen.contains("id=\"chosen\" method=\"post\" action=\"/c/operations/cancel\""));
        assert!(chosen.contains("action=\"/c/operations/o1?show=held\""));
        let looked_at = page(&[held()], &of("held", ""), None, false);
        assert!(!looked_at.contains("<form") && !looked_at.contains("checkbox"));
        assert!(!looked_at.contains("#release"));
    }

    #[test]
    fn a_line_tells_whom_and_what_by_name_and_leads_to_lever_and_to_the_rest() {
        let text = page(&[held()], &of("", ""), None, true);
        assert!(text.contains("Reject with the reason “Underqualified”"));
        assert!(
            text.contains("https://hire.lever.co/candidates/p%2F1")
                && text.contains("Ada &lt;L&gt;")
        );
        assert!(text.contains("as Grace"));
        assert!(text.contains("href=\"/c/operations?person=p%2F1\""));
        let nobody = page(&[held()], &of("", ""), Some("t"), false);
        assert!(!nobody.contains("Ada") && !nobody.contains("p%2F1"));
    }

    #[test]
    fn a_write_that_lever_does_not_answer_says_that_it_waits_and_until_when() {
        let tried = |status| pb::LeverCall {
            status,
            ..Default::default()
        };
        let mut one = pb::Operation {
            state: pb::OperationState::Recorded.into(),
            lever_calls: vec![tried(503), tried(0)],
            next_try_time: Some(prost_types::Timestamp {
                seconds: 1_790_000_000,
                nanos: 0,
            }),
            ..held()
        };
        let text = to_tell(&one).into_string();
        assert!(text.contains("Waits: Lever has not answered, tried 2 times, next try <time"));
        assert!(text.contains("14:13 UTC") && !text.contains("calls to Lever"));
        one.lever_calls.truncate(1);
        assert!(
            to_tell(&one)
                .into_string()
                .contains("Lever has answered 503, tried once")
        );
        // The step before this one went well.
        one.lever_calls.insert(0, tried(200));
        assert!(to_tell(&one).into_string().contains("503, tried once"));
        one.lever_calls.truncate(1);
        assert!(to_tell(&one).into_string().contains("1 call to Lever"));
    }

    #[test]
    fn a_bulk_is_held_while_all_its_items_are() {
        let bulk = |held| pb::Operation {
            kind: pb::OperationKind::Bulk.into(),
            state: pb::OperationState::Recorded.into(),
            tally: Some(pb::Tally {
                items: 3,
                held,
                ..Default::default()
            }),
            ..Default::default()
        };
        assert!(state(&bulk(3)).into_string().contains("badge warn\">held"));
        assert!(state(&bulk(2)).into_string().contains("badge\">recorded"));
    }

    #[test]
    fn the_writes_about_one_person_say_so_and_lead_back_to_all() {
        let text = page(&[held()], &of("held", "p/1"), Some("t"), true);
        assert!(
            text.contains("about Ada &lt;L&gt;")
                && text.contains("href=\"/c/operations?show=held\"")
        );
        assert!(text.contains("href=\"/c/operations?show=done&amp;person=p%2F1\""));
        assert!(!text.contains("cancel-held"), "that is everybody's");
        let none = page(&[], &of("", "p/1"), None, true);
        assert!(none.contains("None of these") && none.contains("about one person"));
    }

    #[test]
    fn one_person_is_asked_for_in_the_body_of_a_request_by_whoever_may_know_of_people() {
        let text = page(&[held()], &of("", ""), None, true);
        assert!(text.contains("method=\"post\" action=\"/c/operations/person\""));
        let reader = page(&[held()], &of("", ""), None, false);
        assert!(!reader.contains("/operations/person"));
        let wrong = by_person("/c/operations", "t", "<Ada>", Some(NO_ID)).into_string();
        assert!(wrong.contains("value=\"&lt;Ada&gt;\"") && wrong.contains("id=\"person-problem\""));
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
