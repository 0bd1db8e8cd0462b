//! Setting a connection up before its first import (product.md, screen 2).
//!
//! The connection is there from its key on, paused; each step is a setting of it, saved by itself. So the way can be
//! left at any step and gone on with, also after a restart, and the last step does nothing but resume the pull.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use proto::v1::lever_service_server::LeverService as _;
use proto::v1::sync_service_server::SyncService as _;
use tonic::Status;

use super::sync::status;
use super::{permissions, privacy};
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Place, Tab, csrf};
use crate::console::models::{MODELS, Model, keeps};
use crate::console::refusal::Refused;
use crate::console::words::{about as roughly, count, number, plain};
use crate::console::{Console, ROOT, see};
use crate::grpc::Api;
use crate::wire::status::status as to_status;

const UPDATE: &str = "/fulcrum.v1.ConnectionService/UpdateConnection";
const USER: &str = "/fulcrum.v1.LeverService/GetUser";
const USERS: &str = "/fulcrum.v1.LeverService/ListUsers";
const ESTIMATE: &str = "/fulcrum.v1.SyncService/EstimateImport";
const RESUME: &str = "/fulcrum.v1.SyncService/ResumeSync";

/// Users of Lever are looked through a hundred at a time, so often at most.
const MOST_PAGES: usize = 20;

/// An import that takes so long has applicants long before its end.
const LONG_SECONDS: i64 = 20 * 60;

/// How many users that fit are shown.
const MOST_USERS: usize = 25;

pub(super) fn routes() -> Router<Console> {
    let at = |step: Step| format!("/console/connections/{{id}}/setup{}", step.slug());
    Router::new()
        .route("/console/connections/{id}/setup", get(begin))
        .route(&at(Step::Test), get(test).post(check))
        .route(&at(Step::Scopes), get(scopes).post(save_scopes))
        .route(&at(Step::History), get(history).post(save_history))
        .route(&at(Step::Acting), get(acting).post(save_acting))
        .route(&at(Step::Start), get(summary).post(start))
}

/// A step after the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Test,
    Scopes,
    History,
    Acting,
    Start,
}

impl Step {
    const ALL: [Step; 5] = [
        Step::Test,
        Step::Scopes,
        Step::History,
        Step::Acting,
        Step::Start,
    ];

    fn label(self) -> &'static str {
        match self {
            Step::Test => "Test and permissions",
            Step::Scopes => "What is mirrored",
            Step::History => "How far back",
            Step::Acting => "Who acts",
            Step::Start => "Start",
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Step::Test => "/test",
            Step::Scopes => "/scopes",
            Step::History => "/history",
            Step::Acting => "/acting",
            Step::Start => "/start",
        }
    }

    fn path(self, connection: &str) -> String {
        format!("{}{}", path(connection), self.slug())
    }

    fn next(self) -> Step {
        match self {
            Step::Test => Step::Scopes,
            Step::Scopes => Step::History,
            Step::History => Step::Acting,
            Step::Acting | Step::Start => Step::Start,
        }
    }
}

/// Where the setting up of a connection goes on.
pub(super) fn path(connection: &str) -> String {
    format!("{ROOT}/connections/{connection}/setup")
}

/// Whether a connection waits for its first import to be started.
pub(super) fn is_unstarted(connection: &pb::Connection, streams: &[pb::StreamStatus]) -> bool {
    let nothing_read = || {
        streams
            .iter()
            .all(|stream| stream.last_success_at.is_none())
    };
    connection.state() == pb::SyncState::Paused && nothing_read()
}

/// The connection that is set up; one that is started already has its overview instead, or its settings.
async fn paused(desk: &Desk, id: &str) -> Result<Result<pb::Connection, Response>, Refused> {
    let (connection, unstarted) = looked_up(desk, id).await?;
    Ok(match unstarted {
        true => Ok(connection),
        // What was read once and is paused is changed there.
        false if connection.state() == pb::SyncState::Paused => Err(see(&Tab::Settings.path(id))),
        false => Err(see(&Tab::Overview.path(id))),
    })
}

/// The same for a form that is sent: from a page that was left open, it would change an account that is mirrored.
async fn still_set_up(desk: &Desk, id: &str) -> Result<Result<pb::Connection, Response>, Refused> {
    let (connection, unstarted) = looked_up(desk, id).await?;
    Ok(match unstarted {
        true => Ok(connection),
        false => Err(over(desk, &connection)),
    })
}

/// The connection, and whether its first import still waits to be started.
async fn looked_up(desk: &Desk, id: &str) -> Result<(pb::Connection, bool), Refused> {
    desk.check(UPDATE)?;
    let connection = desk.connection(id).await?;
    if connection.state() != pb::SyncState::Paused {
        return Ok((connection, false));
    }
    let status = status(desk, id).await?;
    let unstarted = is_unstarted(&connection, &status.streams);
    Ok((connection, unstarted))
}

/// What a form is told that comes after the account was started.
fn over(desk: &Desk, connection: &pb::Connection) -> Response {
    let content = html! {
        h1 { "This account is set up already" }
        section.empty {
            p { "The page you sent this from was opened before the first import was started, here or by somebody else. Nothing was changed by it." }
            p { "What is mirrored, how far back and who acts is changed in the settings, which also say what a change would take from the mirror." }
            p {
                a.button.primary href=(Tab::Settings.path(&connection.id)) { "Open the settings" } " "
                a.button href=(Tab::Overview.path(&connection.id)) { "Look at the account" }
            }
        }
    };
    let page = desk.at(connection, Tab::Overview, content);
    (StatusCode::CONFLICT, page).into_response()
}

/// Which settings a form was filled in over.
fn known(connection: &pb::Connection) -> Markup {
    html! { input type="hidden" name="etag" value=(connection.etag); }
}

/// Why a step was not saved. The form below it has the present state as its own: saving once more is meant.
fn why(refused: &Refused, step: &str) -> Markup {
    html! {
        @if refused.is_conflict() { (overtaken(step)) } @else { (refused.notice()) }
    }
}

fn overtaken(step: &str) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { strong { "Nothing is saved yet: " } "the settings of this account were changed since you opened this step, by somebody else or in another tab. What you filled in is still here." }
            p { "Save it again to have it so, or " a href=(step) { "look at what is saved now" } "." }
        }
    }
}

async fn begin(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = match paused(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    // The first step is the only one whose doing leaves no setting behind.
    let step = match permissions::last(&desk, &connection.id).await? {
        None => Step::Test,
        Some(_) => Step::Scopes,
    };
    Ok(see(&step.path(&id)))
}

/// A step in its frame, with the way through all of them.
fn stepped(desk: &Desk, connection: &pb::Connection, step: Step, content: Markup) -> Response {
    let title = format!("{} · {}", step.label(), connection.display_name);
    let content = html! {
        h1 { "Connect " (connection.display_name) }
        (ways(&connection.id, step))
        (content)
        p.faint { "You can leave this at any time: everything is kept, nothing is read from Lever but what you ask for here, and the " a href=(ROOT) { "connections" } " lead back." }
    };
    desk.page(&title, Place::Top, content)
}

fn ways(connection: &str, at: Step) -> Markup {
    html! {
        nav aria-label="Steps" {
            ol.steps {
                li { span { "Name and key" } }
                @for step in Step::ALL {
                    li { a href=(step.path(connection)) aria-current=[(step == at).then_some("step")] { (step.label()) } }
                }
            }
        }
    }
}

pub(super) async fn update(
    desk: &Desk,
    connection: pb::Connection,
    paths: &[&str],
) -> Result<(), Refused> {
    let request = pb::UpdateConnectionRequest {
        connection: Some(connection),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
    };
    let request = desk.ask(UPDATE, request)?;
    desk.api().update_connection(request).await?;
    Ok(())
}

// The test.

async fn test(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = match paused(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let report = permissions::last(&desk, &id).await?;
    let step = Step::Test;
    // Below the table, which is long, nobody would find it.
    let content = html! {
        p { a.button.primary[report.is_some()] href=(step.next().path(&id)) { @if report.is_some() { "Continue" } @else { "Continue without a test" } } }
        (permissions::page(&connection, report.as_ref(), desk.csrf(), &step.path(&id)))
    };
    Ok(stepped(&desk, &connection, step, content))
}

async fn check(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    if let Err(elsewhere) = still_set_up(&desk, &id).await? {
        return Ok(elsewhere);
    }
    let said = permissions::check(&desk, &id).await?;
    Ok(desk.done(&Step::Test.path(&id), said))
}

// What is mirrored.

async fn scopes(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = match paused(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let content = scopes_form(&connection, desk.csrf(), None, None);
    Ok(stepped(&desk, &connection, Step::Scopes, content))
}

async fn save_scopes(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    if let Err(elsewhere) = still_set_up(&desk, &id).await? {
        return Ok(elsewhere);
    }
    let change = pb::Connection {
        id: id.clone(),
        etag: form.text("etag").to_owned(),
        streams: chosen(&form),
        include_secret_notes: form.ticked("include_secret_notes"),
        ..Default::default()
    };
    let saved = update(&desk, change, &["streams", "include_secret_notes"]).await;
    let Err(refused) = saved else {
        return Ok(see(&Step::Scopes.next().path(&id)));
    };
    let connection = desk.connection(&id).await?;
    let content = scopes_form(&connection, desk.csrf(), Some(&form), Some(&refused));
    let page = stepped(&desk, &connection, Step::Scopes, content);
    Ok((refused.http(), page).into_response())
}

/// The streams that are ticked.
pub(super) fn chosen(form: &Form) -> Vec<String> {
    let models = MODELS.iter().flat_map(|(_, models)| *models);
    models
        .filter(|model| form.ticked(&field(model)))
        .map(|model| model.stream.to_owned())
        .collect()
}

fn field(model: &Model) -> String {
    format!("stream.{}", model.stream)
}

const EEO: &str = "eeo_responses";

fn scopes_form(
    connection: &pb::Connection,
    token: &str,
    form: Option<&Form>,
    refused: Option<&Refused>,
) -> Markup {
    let kept = |model: &Model| match form {
        Some(form) => form.ticked(&field(model)),
        None => connection
            .streams
            .iter()
            .any(|stream| stream == model.stream),
    };
    let secret = match form {
        Some(form) => form.ticked("include_secret_notes"),
        None => connection.include_secret_notes,
    };
    html! {
        @if let Some(refused) = refused { (why(refused, &Step::Scopes.path(&connection.id))) }
        form.stack.wide method="post" action=(Step::Scopes.path(&connection.id)) {
            (csrf(token))
            (known(connection))
            (kinds(kept, secret))
            button.primary type="submit" { "Save and continue" }
        }
    }
}

/// Boxes for the kinds of record, with what is kept apart.
pub(super) fn kinds(kept: impl Fn(&Model) -> bool, secret: bool) -> Markup {
    let tick = |model: &Model| {
        html! {
            label.check {
                input type="checkbox" name=(field(model)) checked[kept(model)];
                span { strong { (model.label) } " " span.faint { (model.about) } }
            }
        }
    };
    html! {
        @for (heading, models) in MODELS {
            fieldset {
                legend { (heading) }
                @for model in *models { @if model.stream != EEO { (tick(model)) } }
            }
        }
        fieldset {
            legend { "Kept apart" }
            label.check {
                input type="checkbox" name="include_secret_notes" checked[secret];
                span { strong { "Secret notes" } " " span.faint { "Off unless you switch them on: in Lever only some people may read them, and a key does not tell whom." } }
            }
            @for model in MODELS.iter().flat_map(|(_, models)| *models) { @if model.stream == EEO { (tick(model)) } }
            p.faint { "EEO responses are off as shipped: they tell gender, race, veteran and disability status, nothing in the product needs them, and only tokens with the right " code { "eeo" } " read them. Switch them on only for a report that the law asks for." }
        }
    }
}

// How far back.

async fn history(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = match paused(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let content = history_form(&connection, desk.csrf(), &Reach::of(&connection), None);
    Ok(stepped(&desk, &connection, Step::History, content))
}

async fn save_history(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    if let Err(elsewhere) = still_set_up(&desk, &id).await? {
        return Ok(elsewhere);
    }
    let Err(refused) = keep_history(&desk, &id, &form).await else {
        return Ok(see(&Step::History.next().path(&id)));
    };
    let connection = desk.connection(&id).await?;
    let reach = Reach::from_form(&form);
    let content = history_form(&connection, desk.csrf(), &reach, Some(&refused));
    let page = stepped(&desk, &connection, Step::History, content);
    Ok((refused.http(), page).into_response())
}

async fn keep_history(desk: &Desk, id: &str, form: &Form) -> Result<(), Refused> {
    let change = pb::Connection {
        id: id.to_owned(),
        etag: form.text("etag").to_owned(),
        sync_start_time: start_of(form)?,
        include_archived: Some(form.ticked("include_archived")),
        include_snoozed: Some(form.ticked("include_snoozed")),
        ..Default::default()
    };
    let paths = ["sync_start_time", "include_archived", "include_snoozed"];
    update(desk, change, &paths).await
}

/// The start that a form asks for; none for everything there is.
pub(super) fn start_of(form: &Form) -> Result<Option<prost_types::Timestamp>, Status> {
    if form.text("from") == "all" {
        return Ok(None);
    }
    let date = form.text("start").parse::<jiff::civil::Date>();
    let midnight = date.ok().and_then(|date| {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(midnight.timestamp().as_second())
    });
    let seconds = midnight.ok_or_else(|| {
        let message = "give a date such as 2026-01-31, or choose everything";
        to_status(engine::Error::invalid(
            "connection.sync_start_time",
            message,
        ))
    })?;
    Ok(Some(prost_types::Timestamp { seconds, nanos: 0 }))
}

/// A year before a moment: how far back an import goes unless somebody says otherwise.
pub(super) fn a_year_before(now_ms: i64) -> prost_types::Timestamp {
    const DAY_SECONDS: i64 = 24 * 3600;
    let today = now_ms.div_euclid(1_000).div_euclid(DAY_SECONDS);
    prost_types::Timestamp {
        seconds: (today - 365) * DAY_SECONDS,
        nanos: 0,
    }
}

pub(super) fn date(at: &prost_types::Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.seconds).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

/// Which opportunities are mirrored, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) all: bool,
    pub(super) start: String,
    pub(super) archived: bool,
    pub(super) snoozed: bool,
}

impl Reach {
    pub(super) fn of(connection: &pb::Connection) -> Reach {
        let start = connection.sync_start_time.as_ref();
        Reach {
            all: start.is_none(),
            start: start.map(date).unwrap_or_default(),
            archived: connection.include_archived(),
            snoozed: connection.include_snoozed(),
        }
    }

    pub(super) fn from_form(form: &Form) -> Reach {
        Reach {
            all: form.text("from") == "all",
            start: form.text("start").to_owned(),
            archived: form.ticked("include_archived"),
            snoozed: form.ticked("include_snoozed"),
        }
    }

    /// Its fields.
    pub(super) fn fields(&self, refused: Option<&Refused>) -> Markup {
        let problem = refused.and_then(|refused| refused.about("connection.sync_start_time"));
        let invalid = problem.as_ref().map(|_| "true");
        let described = problem.as_ref().map(|_| "start-problem");
        html! {
            fieldset {
                legend { "Opportunities" }
                label.check { input type="radio" name="from" value="date" checked[!self.all]; "Those created on this day or later" }
                label { "Day (UTC)" input type="date" name="start" min="2000-01-01" value=(self.start) aria-invalid=[invalid] aria-describedby=[described]; }
                @if let Some(problem) = problem { p.problem id="start-problem" { (problem) } }
                label.check { input type="radio" name="from" value="all" checked[self.all]; "All there are, to find everybody again" }
            }
            fieldset {
                legend { "Also" }
                label.check {
                    input type="checkbox" name="include_archived" checked[self.archived];
                    span { strong { "Archived opportunities" } " " span.faint { "who was hired or rejected: to find people again; without them there is less to read" } }
                }
                label.check {
                    input type="checkbox" name="include_snoozed" checked[self.snoozed];
                    span { strong { "Snoozed opportunities" } " " span.faint { "who is to be looked at again later" } }
                }
            }
        }
    }
}

fn history_form(
    connection: &pb::Connection,
    token: &str,
    reach: &Reach,
    refused: Option<&Refused>,
) -> Markup {
    html! {
        @if let Some(refused) = refused { (why(refused, &Step::History.path(&connection.id))) }
        form.stack.wide method="post" action=(Step::History.path(&connection.id)) {
            (csrf(token))
            (known(connection))
            (reach.fields(refused))
            button.primary type="submit" { "Save and continue" }
        }
    }
}

// Who acts.

async fn acting(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    show_acting(&desk, &id, "", None).await
}

/// The step with the users who fit the words; what is looked for is in no address.
async fn show_acting(
    desk: &Desk,
    id: &str,
    words: &str,
    refused: Option<(&Refused, &Form)>,
) -> Result<Response, Refused> {
    let mut connection = match paused(desk, id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let found = match words {
        "" => Ok(Vec::new()),
        words => users(desk, id, words, pb::ReadFrom::Lever).await,
    };
    if let Some((_, form)) = refused {
        form.text("user")
            .clone_into(&mut connection.default_acting_user_id);
        connection.strict_acting_user = form.ticked("strict");
    }
    let chosen = user(desk, id, &connection.default_acting_user_id).await;
    let chosen = called(chosen.as_ref());
    let content = html! {
        @if let Some((refused, _)) = refused { (why(refused, &Step::Acting.path(id))) }
        (acting_form(&connection, desk.csrf(), words, found.as_deref(), &chosen))
    };
    let page = stepped(desk, &connection, Step::Acting, content);
    Ok(match refused {
        Some((refused, _)) => (refused.http(), page).into_response(),
        None => page,
    })
}

/// The active users of Lever whose name or e-mail has these words.
pub(super) async fn users(
    desk: &Desk,
    id: &str,
    words: &str,
    read_from: pb::ReadFrom,
) -> Result<Vec<pb::User>, Refused> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    for _ in 0..MOST_PAGES {
        let request = pb::ListUsersRequest {
            connection_id: id.to_owned(),
            page_size: 100,
            page_token,
            read_from: read_from.into(),
            include_deactivated: Some(false),
            ..Default::default()
        };
        let answer = desk.api().list_users(desk.ask(USERS, request)?).await?;
        let answer = answer.into_inner();
        found.extend(answer.users.into_iter().filter(|user| fits(user, words)));
        page_token = answer.next_page_token;
        if found.len() >= MOST_USERS || page_token.is_empty() {
            break;
        }
    }
    found.truncate(MOST_USERS);
    Ok(found)
}

/// Where users are looked up: in the mirror where they are kept there and were read.
pub(super) fn users_from(connection: &pb::Connection) -> pb::ReadFrom {
    match keeps(connection, Stream::Users) {
        true => pb::ReadFrom::Mirror,
        false => pb::ReadFrom::Lever,
    }
}

/// A user as the mirror has it, else as Lever tells; none where neither does.
pub(super) async fn user(desk: &Desk, id: &str, user: &str) -> Option<pb::User> {
    if user.is_empty() {
        return None;
    }
    for read_from in [pb::ReadFrom::Mirror, pb::ReadFrom::Lever] {
        let request = pb::GetUserRequest {
            connection_id: id.to_owned(),
            user_id: user.to_owned(),
            read_from: read_from.into(),
            ..Default::default()
        };
        let found = desk.call(USER, request, Api::get_user).await;
        if let Some(user) = found.ok().and_then(|answer| answer.user) {
            return Some(user);
        }
    }
    None
}

/// A user by name and e-mail, for one who is chosen; in words where neither is known.
pub(super) fn called(user: Option<&pb::User>) -> String {
    match user {
        Some(user) if user.email.is_empty() => user.name.clone(),
        Some(user) => format!("{} ({})", user.name, user.email),
        None => "a user whom Lever does not tell of just now".to_owned(),
    }
}

/// What is told of a user beside the name.
pub(super) fn about(user: &pb::User) -> String {
    match (user.email.as_str(), role(&user.access_role)) {
        (email, "") => email.to_owned(),
        ("", role) => role.to_owned(),
        (email, role) => format!("{email}, {role}"),
    }
}

/// The word for a role; a role that an account has made up is known by an id alone.
pub(super) fn role(access_role: &str) -> &str {
    let made_up = access_role.len() == 36 && access_role.matches('-').count() == 4;
    if made_up {
        "a role of the account"
    } else {
        access_role
    }
}

/// Whether a name or an e-mail has all of these words, in any case.
fn fits(user: &pb::User, words: &str) -> bool {
    let text = format!("{} {}", user.name, user.email).to_lowercase();
    words
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word))
}

async fn save_acting(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    if let Err(elsewhere) = still_set_up(&desk, &id).await? {
        return Ok(elsewhere);
    }
    if form.text("act") == "find" {
        return show_acting(&desk, &id, form.text("words"), None).await;
    }
    let change = pb::Connection {
        id: id.clone(),
        etag: form.text("etag").to_owned(),
        default_acting_user_id: form.text("user").to_owned(),
        strict_acting_user: form.ticked("strict"),
        ..Default::default()
    };
    let paths = ["default_acting_user_id", "strict_acting_user"];
    let saved = match refuse_unknown(&desk, &id, form.text("user")).await {
        Ok(()) => update(&desk, change, &paths).await,
        refused => refused,
    };
    match saved {
        Ok(()) => Ok(see(&Step::Acting.next().path(&id))),
        Err(refused) => {
            let told = Some((&refused, &form));
            show_acting(&desk, &id, form.text("words"), told).await
        }
    }
}

/// Refuses whom Lever does not know, or not any more. Before the first import the mirror knows nobody, so Lever is asked;
/// where it does not tell, nobody can be refused.
async fn refuse_unknown(desk: &Desk, id: &str, user: &str) -> Result<(), Refused> {
    if user.is_empty() {
        return Ok(());
    }
    let request = pb::GetUserRequest {
        connection_id: id.to_owned(),
        user_id: user.to_owned(),
        read_from: pb::ReadFrom::Lever.into(),
        ..Default::default()
    };
    let found = desk.call(USER, request, Api::get_user).await;
    let active = found.map(|answer| {
        answer
            .user
            .is_some_and(|user| user.deactivated_at.is_none())
    });
    let message = match active {
        Ok(false) => "this Lever user is deactivated: choose an active one",
        Err(refused)
            if matches!(
                refused.code(),
                tonic::Code::NotFound | tonic::Code::InvalidArgument
            ) =>
        {
            "Lever has no such user: find one by name or e-mail and choose from the list"
        }
        Ok(true) | Err(_) => return Ok(()),
    };
    let field = "connection.default_acting_user_id";
    Err(to_status(engine::Error::invalid(field, message)).into())
}

fn acting_form(
    connection: &pb::Connection,
    token: &str,
    words: &str,
    found: Result<&[pb::User], &Refused>,
    chosen: &str,
) -> Markup {
    let path = Step::Acting.path(&connection.id);
    let present = connection.default_acting_user_id.as_str();
    let users = found.unwrap_or_default();
    html! {
        p { "What Fulcrum writes appears in Lever under somebody’s name: the Lever user with the e-mail address of whoever asked for it in the product, or who is linked to it by hand; else the owner of the opportunity; else the user chosen here; else nobody." }
        form.search method="post" action=(path) role="search" {
            (csrf(token))
            label { "Find a Lever user by name or e-mail" input type="search" name="words" value=(words) autocomplete="off"; }
            button type="submit" name="act" value="find" { "Find" }
        }
        @if let Err(refused) = found { (refused.notice()) }
        form.stack.wide method="post" action=(path) {
            (csrf(token))
            (known(connection))
            (actors(users, present, chosen, (!words.is_empty() && found.is_ok()).then_some(words)))
            (refuse_instead(connection.strict_acting_user))
            button.primary type="submit" { "Save and continue" }
        }
    }
}

/// Whom to choose from, with whoever is chosen, by id and by what people call them; and the words that were looked for,
/// to say that nobody fits them.
pub(super) fn actors(
    users: &[pb::User],
    present: &str,
    called: &str,
    words: Option<&str>,
) -> Markup {
    let listed = users.iter().any(|user| user.id == present);
    html! {
        fieldset {
            legend { "Who acts where nobody else is found" }
            @for user in users {
                label.check {
                    input type="radio" name="user" value=(user.id) checked[user.id == present];
                    span { strong { (user.name) } " " span.faint { (about(user)) } }
                }
            }
            @if let Some(words) = words { @if users.is_empty() { p { "No active user of Lever’s fits “" (words) "”." } } }
            @if !present.is_empty() && !listed {
                label.check { input type="radio" name="user" value=(present) checked; span { "As chosen: " strong { (called) } } }
            }
            label.check { input type="radio" name="user" value="" checked[present.is_empty()]; "Nobody: Lever then names the integration" }
        }
    }
}

/// The box for what becomes of unknown users.
pub(super) fn refuse_instead(on: bool) -> Markup {
    html! {
        label.check {
            input type="checkbox" name="strict" checked[on];
            span { strong { "Refuse instead" } " " span.faint { "what somebody asks for who is no active Lever user, rather than writing it under another name" } }
        }
    }
}

// The start.

async fn summary(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    match paused(&desk, &id).await? {
        Ok(connection) => summed_up(&desk, &connection, false).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// What the import will be; `changed` where somebody was about to start another one.
async fn summed_up(
    desk: &Desk,
    connection: &pb::Connection,
    changed: bool,
) -> Result<Response, Refused> {
    let id = connection.id.as_str();
    let report = permissions::last(desk, id).await?;
    let request = pb::EstimateImportRequest {
        connection_id: id.to_owned(),
    };
    let estimate = match desk.ask(ESTIMATE, request) {
        Ok(request) => desk.api().estimate_import(request).await,
        Err(status) => Err(status),
    };
    let estimate = estimate
        .map(tonic::Response::into_inner)
        .map_err(Refused::from);
    let acting = user(desk, id, &connection.default_acting_user_id).await;
    let who = seeing(desk, id).await;
    let view = Summary {
        connection,
        report: report.as_ref(),
        estimate: &estimate,
        acting: &called(acting.as_ref()),
        seeing: who.as_deref(),
        csrf: desk.csrf(),
    };
    if !changed {
        return Ok(stepped(desk, connection, Step::Start, summary_of(&view)));
    }
    let content = html! {
        div.notice.bad role="alert" {
            p { strong { "Nothing is started yet: " } "the settings of this account were changed since you opened this step, by somebody else or in another tab. This is how they are now." }
        }
        (summary_of(&view))
    };
    let page = stepped(desk, connection, Step::Start, content);
    Ok((StatusCode::CONFLICT, page).into_response())
}

async fn start(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let connection = match still_set_up(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if form
        .given("etag")
        .is_some_and(|seen| seen != connection.etag)
    {
        return summed_up(&desk, &connection, true).await;
    }
    let request = pb::ResumeSyncRequest {
        connection_id: id.clone(),
    };
    desk.api().resume_sync(desk.ask(RESUME, request)?).await?;
    // It stands beside whatever the import comes to while the page is open.
    let said = "The first import was started.";
    Ok(desk.done(&Tab::Overview.path(&id), said))
}

/// The names of the tokens that see a connection; none where the reader may not know, or there are none at all.
async fn seeing(desk: &Desk, id: &str) -> Option<Vec<String>> {
    let tokens = privacy::tokens(desk).await.ok()?;
    let now = super::applicants::at(desk.now().as_millis());
    let seeing = tokens
        .iter()
        .filter(|token| privacy::sees(token, id, &now))
        .map(|token| {
            format!(
                "{} ({})",
                token.name,
                plain(token.role().as_str_name(), "TOKEN_ROLE")
            )
        });
    (!tokens.is_empty()).then(|| seeing.collect())
}

/// What the last step shows.
struct Summary<'a> {
    connection: &'a pb::Connection,
    report: Option<&'a pb::CheckPermissionsResponse>,
    estimate: &'a Result<pb::EstimateImportResponse, Refused>,
    /// What whoever acts by default is called.
    acting: &'a str,
    seeing: Option<&'a [String]>,
    csrf: &'a str,
}

fn summary_of(view: &Summary<'_>) -> Markup {
    let Summary {
        connection,
        report,
        estimate,
        ..
    } = *view;
    let id = &connection.id;
    let change = |step: Step| html! { " " a href=(step.path(id)) { "Change" } };
    html! {
        section.panel {
            h2 { "As it will be" }
            dl {
                dt { "Permissions" } dd { (permissions_in_short(report)) (change(Step::Test)) }
                dt { "Mirrored" } dd { (count(connection.streams.len() as u64, "kind of record", "kinds of record")) @if connection.include_secret_notes { ", with secret notes" } (change(Step::Scopes)) }
                @if keeps(connection, Stream::Opportunities) { dt { "History" } dd {
                    @match &connection.sync_start_time { Some(start) => { "opportunities since " (date(start)) } None => "all opportunities" }
                    @if !connection.include_archived() { ", without archived ones" }
                    @if !connection.include_snoozed() { ", without snoozed ones" }
                    (change(Step::History))
                } }
                dt { "Acts" } dd {
                    @if connection.default_acting_user_id.is_empty() { "the integration itself, where nobody else is found" } @else { (view.acting) " where nobody else is found" }
                    @if connection.strict_acting_user { "; unknown users are refused" }
                    (change(Step::Acting))
                }
                @if let Some(seeing) = view.seeing {
                    dt { "May be used with" } dd {
                        @if seeing.is_empty() { "no token" } @else { (seeing.join(", ")) }
                        span.faint { " – tokens that name no account see every one; another one is made by " code { "fulcrum token create" } }
                    }
                }
            }
        }
        section.panel {
            h2 { "What the first import takes" }
            @match estimate {
                Ok(estimate) => (cost(connection, estimate)),
                Err(refused) => { p { "It cannot be estimated just now, which is no obstacle:" } (refused.notice()) }
            }
        }
        form method="post" action=(Step::Start.path(id)) {
            (csrf(view.csrf))
            (known(connection))
            button.primary type="submit" { "Start the first import" }
        }
    }
}

fn permissions_in_short(report: Option<&pb::CheckPermissionsResponse>) -> String {
    let Some(report) = report else {
        return "not tested yet".to_owned();
    };
    match report.key_state() {
        pb::KeyState::Accepted => {}
        pb::KeyState::Unspecified => {
            return "not tested: Lever did not answer the last time".to_owned();
        }
        pb::KeyState::Revoked | pb::KeyState::Rejected => {
            return "not tested: Lever did not accept the key".to_owned();
        }
    }
    let missing = |required: bool| {
        let all = report.permissions.iter();
        let missing = all.filter(|one| one.state() == pb::PermissionState::Missing);
        missing.filter(|one| one.required == required).count() as u64
    };
    match (missing(true), missing(false)) {
        (0, 0) => "nothing that was tested is missing".to_owned(),
        (0, many) => count(many, "optional one is missing", "optional ones are missing"),
        (many, _) => count(many, "is missing", "are missing"),
    }
}

fn cost(connection: &pb::Connection, estimate: &pb::EstimateImportResponse) -> Markup {
    if !keeps(connection, Stream::Opportunities) {
        return html! { p { "People are not mirrored, so it takes few requests: one for each hundred records of a kind, and one for the questions of each posting where those are mirrored." } };
    }
    let takes = |duration: &Option<prost_types::Duration>| duration.as_ref().map(roughly);
    // What is all there by then needs no word of what is there first.
    let full = estimate.at_full_rate.as_ref();
    let long = full.is_some_and(|full| full.seconds >= LONG_SECONDS);
    html! {
        p {
            "Lever tells of about " (count(estimate.opportunities, "opportunity", "opportunities")) " by its sources, which is up to "
            strong { (count(estimate.requests, "request", "requests")) } ":"
        }
        dl {
            dt { "At Lever’s full rate" } dd { "about " (takes(&estimate.at_full_rate).unwrap_or_default()) }
            dt { "At half of it" } dd { "about " (takes(&estimate.at_half_rate).unwrap_or_default()) ", which leaves room for your other integrations" }
        }
        p.faint {
            "People come a hundred to a request, and each kind of record below a person takes one request for each person ("
            (number(u64::from(estimate.lists_per_opportunity))) " of them are mirrored)."
            @if connection.sync_start_time.is_some() { " The start date makes it less." }
            @if long { " Applicants come first, so that the inbound list can be used after some minutes." }
            @else { " Applicants come first, so that the inbound list can be used before the rest is here." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> pb::Connection {
        pb::Connection {
            id: "c1".to_owned(),
            display_name: "Acme".to_owned(),
            streams: vec!["users".to_owned(), "opportunities".to_owned()],
            state: pb::SyncState::Paused.into(),
            ..Default::default()
        }
    }

    #[test]
    fn every_step_leads_to_the_next_and_the_last_to_itself() {
        let mut step = Step::Test;
        for expected in Step::ALL {
            assert_eq!(step, expected);
            step = step.next();
        }
        assert_eq!(step, Step::Start);
        let text = ways("c1", Step::History).into_string();
        assert!(text.contains("/setup/history\" aria-current=\"step\""));
    }

    #[test]
    fn what_is_ticked_is_mirrored_and_eeo_is_off_with_its_reason() {
        let form = Form::parse(b"stream.users=on&stream.notes=on&stream.nothing=on");
        assert_eq!(chosen(&form), ["users", "notes"]);
        let text = scopes_form(&connection(), "t", None, None).into_string();
        assert!(text.contains("name=\"stream.users\" checked"));
        assert!(text.contains("name=\"stream.eeo_responses\"><"));
        assert!(text.contains("EEO responses are off as shipped"));
        let again = scopes_form(&connection(), "t", Some(&form), None).into_string();
        assert!(again.contains("name=\"stream.notes\" checked"));
        assert!(!again.contains("name=\"stream.opportunities\" checked"));
    }

    #[test]
    fn a_start_is_a_day_or_nothing_and_a_year_back_unless_told() {
        let of = |text: &str| start_of(&Form::parse(text.as_bytes()));
        assert_eq!(of("from=all&start=2026-01-31").unwrap(), None);
        let day = of("from=date&start=2026-01-31").unwrap().unwrap();
        assert_eq!(date(&day), "2026-01-31");
        assert!(of("from=date&start=31.1.").is_err());
        assert_eq!(date(&a_year_before(day.seconds * 1_000 + 5)), "2025-01-31");
    }

    #[test]
    fn users_are_found_by_parts_of_name_and_e_mail_in_any_case() {
        let ada = pb::User {
            id: "u1".to_owned(),
            name: "Ada Lovelace".to_owned(),
            email: "ada@example.com".to_owned(),
            ..Default::default()
        };
        assert!(fits(&ada, "LOVE") && fits(&ada, "ada example") && !fits(&ada, "ada b"));
        let text = acting_form(&connection(), "t", "ada", Ok(&[ada]), "").into_string();
        assert!(text.contains("name=\"user\" value=\"u1\""));
        let none = acting_form(&connection(), "t", "<zoe>", Ok(&[]), "").into_string();
        assert!(none.contains("fits “&lt;zoe&gt;”"));
    }

    #[test]
    fn a_summary_tells_what_the_import_takes_or_that_nobody_knows() {
        let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let estimate = pb::EstimateImportResponse {
            opportunities: 18_400,
            requests: 110_600,
            lists_per_opportunity: 6,
            at_full_rate: seconds(11_060),
            at_half_rate: seconds(22_120),
        };
        let connection = pb::Connection {
            default_acting_user_id: "raw-id".to_owned(),
            ..connection()
        };
        let seeing = ["recruiting (product)".to_owned()];
        let shown = |estimate: &Result<pb::EstimateImportResponse, Refused>| {
            let view = Summary {
                connection: &connection,
                report: None,
                estimate,
                acting: "Ada (ada@example.com)",
                seeing: Some(&seeing),
                csrf: "t",
            };
            summary_of(&view).into_string()
        };
        let text = shown(&Ok(estimate));
        assert!(text.contains("110,600 requests") && text.contains("3 h 4 min"));
        assert!(text.contains("not tested yet") && text.contains("Start the first import"));
        assert!(text.contains("Ada (ada@example.com) where") && !text.contains("raw-id"));
        assert!(text.contains("recruiting (product)"));
        let short = pb::EstimateImportResponse {
            at_full_rate: seconds(52),
            at_half_rate: seconds(105),
            ..estimate
        };
        assert!(text.contains("after some minutes"));
        let text = shown(&Ok(short));
        assert!(text.contains("about 52 s") && text.contains("about 2 min"));
        assert!(text.contains("before the rest is here") && !text.contains("some minutes"));
        let text = shown(&Err(Refused::from(Status::unavailable(
            "Lever does not answer",
        ))));
        assert!(text.contains("no obstacle") && text.contains("Start the first import"));
    }

    #[test]
    fn permissions_are_in_order_only_where_lever_answered() {
        let of = |state: pb::KeyState| {
            permissions_in_short(Some(&pb::CheckPermissionsResponse {
                key_state: state.into(),
                ..Default::default()
            }))
        };
        assert!(of(pb::KeyState::Unspecified).contains("Lever did not answer"));
        assert!(of(pb::KeyState::Revoked).contains("did not accept"));
        assert_eq!(
            of(pb::KeyState::Accepted),
            "nothing that was tested is missing"
        );
    }

    #[test]
    fn users_are_called_by_name_and_e_mail_and_never_by_an_id() {
        let user = pb::User {
            name: "Ada".to_owned(),
            email: "ada@example.com".to_owned(),
            access_role: "1b3c5d7e-0000-4000-8000-000000000000".to_owned(),
            ..Default::default()
        };
        assert_eq!(called(Some(&user)), "Ada (ada@example.com)");
        assert_eq!(about(&user), "ada@example.com, a role of the account");
        assert_eq!(role("super admin"), "super admin");
        assert!(called(None).contains("does not tell"));
    }

    #[test]
    fn what_was_read_once_is_no_longer_set_up() {
        let read = |seconds: Option<i64>| pb::StreamStatus {
            last_success_at: seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
            ..Default::default()
        };
        assert!(is_unstarted(&connection(), &[read(None)]));
        assert!(!is_unstarted(&connection(), &[read(None), read(Some(1))]));
        let started = pb::Connection {
            state: pb::SyncState::Syncing.into(),
            ..connection()
        };
        assert!(!is_unstarted(&started, &[read(None)]));
    }
}
