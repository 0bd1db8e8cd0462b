//! The settings of a connection and its key (product.md, screen 2); `leaving` is the end of it.

mod leaving;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use engine::ACCOUNT_CONNECTED;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use super::connect::{at_field, wrong_names};
use super::links::LINKS;
use super::refused::{is_open, way_back};
use super::setup::{self, Reach};
use crate::console::Console;
use crate::console::compare::{Setting, two};
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::models::MODELS;
use crate::console::refusal::Refused;
use crate::grpc::Api;

const ROTATE: &str = "/fulcrum.v1.ConnectionService/RotateCredential";
pub(super) const DELETE: &str = "/fulcrum.v1.ConnectionService/DeleteConnection";

/// Where an account is disconnected.
pub(super) fn disconnect_path(connection: &str) -> String {
    format!("{}/disconnect", Tab::Settings.path(connection))
}

/// What the form sets.
const PATHS: [&str; 8] = [
    "display_name",
    "streams",
    "include_secret_notes",
    "sync_start_time",
    "include_archived",
    "include_snoozed",
    "default_acting_user_id",
    "strict_acting_user",
];

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/settings", get(show).post(act))
        .route("/console/connections/{id}/settings/key", post(replace_key))
        .route(
            "/console/connections/{id}/settings/disconnect",
            get(leaving::show).post(leaving::disconnect),
        )
}

/// The form as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Typed {
    etag: String,
    name: String,
    streams: Vec<String>,
    secret_notes: bool,
    reach: Reach,
    acting: String,
    strict: bool,
    /// Whether what is left out may go from the mirror.
    lose: bool,
}

impl Typed {
    fn of(connection: &pb::Connection) -> Typed {
        Typed {
            etag: connection.etag.clone(),
            name: connection.display_name.clone(),
            streams: connection.streams.clone(),
            secret_notes: connection.include_secret_notes,
            reach: Reach::of(connection),
            acting: connection.default_acting_user_id.clone(),
            strict: connection.strict_acting_user,
            lose: false,
        }
    }

    fn from_form(form: &Form) -> Typed {
        Typed {
            etag: form.text("etag").to_owned(),
            name: form.text("display_name").to_owned(),
            streams: setup::chosen(form),
            secret_notes: form.ticked("include_secret_notes"),
            reach: Reach::from_form(form),
            acting: form.text("user").to_owned(),
            strict: form.ticked("strict"),
            lose: form.ticked("lose"),
        }
    }

    fn keeps(&self, stream: &str) -> bool {
        self.streams.iter().any(|kept| kept == stream)
    }

    /// What is mirrored now and would go, in the words of the form.
    fn lost(&self, present: &Typed) -> Vec<&'static str> {
        let models = MODELS.iter().flat_map(|(_, models)| *models);
        let gone = models
            .filter(|model| present.keeps(model.stream) && !self.keeps(model.stream))
            .map(|model| model.label);
        let earlier = match (present.reach.all, self.reach.all) {
            (_, true) => false,
            // What is no day is told of for itself.
            (_, false) if !self.reach.has_day() => false,
            (true, false) => true,
            (false, false) => self.reach.start > present.reach.start,
        };
        let rest = [
            (present.secret_notes && !self.secret_notes, "Secret notes"),
            (
                present.reach.archived && !self.reach.archived,
                "Archived opportunities",
            ),
            (
                present.reach.snoozed && !self.reach.snoozed,
                "Snoozed opportunities",
            ),
            (earlier, "Opportunities before the new day"),
        ];
        let rest = rest
            .into_iter()
            .filter_map(|(lost, what)| lost.then_some(what));
        gone.chain(rest).collect()
    }

    /// Each setting in words, in the order of the page.
    /// `acting` is what whoever acts is called.
    fn told(&self, acting: &str) -> Vec<Setting> {
        let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
        let models = MODELS.iter().flat_map(|(_, models)| *models);
        let kept: Vec<&str> = models
            .filter(|model| self.keeps(model.stream))
            .map(|model| model.label)
            .collect();
        let since = match self.reach.all {
            true => "all there are".to_owned(),
            false => format!("created on {} or later", self.reach.start),
        };
        let acting = match self.acting.as_str() {
            "" => "nobody",
            _ => acting,
        };
        let told = [
            ("Name", self.name.clone()),
            ("Mirrored", kept.join(", ")),
            ("Secret notes", yes(self.secret_notes)),
            ("Opportunities", since),
            ("Archived opportunities", yes(self.reach.archived)),
            ("Snoozed opportunities", yes(self.reach.snoozed)),
            ("Who acts where nobody else is found", acting.to_owned()),
            ("Refuse instead", yes(self.strict)),
        ];
        told.map(|(name, value)| Setting::new(name, name, value))
            .into()
    }
}

/// A form of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Settings,
    Key,
}

/// What the page shows.
struct View<'a> {
    connection: &'a pb::Connection,
    typed: &'a Typed,
    /// What somebody else has saved since the form was opened.
    theirs: Option<&'a Typed>,
    refused: Option<(Part, &'a Refused)>,
    /// The words by which a user is looked for, and who fits them.
    words: &'a str,
    users: Result<&'a [pb::User], &'a Refused>,
    /// What whoever is chosen to act is called, here and by whoever saved meanwhile.
    acting: &'a str,
    their_acting: &'a str,
    csrf: &'a str,
}

impl View<'_> {
    fn refused(&self, part: Part) -> Option<&Refused> {
        self.refused
            .filter(|(refused, _)| *refused == part)
            .map(|(_, why)| why)
    }
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    opened(&desk, &id, None, "", None).await
}

/// The page: as it is, or with what was typed and why it was refused.
async fn opened(
    desk: &Desk,
    id: &str,
    typed: Option<Typed>,
    words: &str,
    refused: Option<(Part, &Refused)>,
) -> Result<Response, Refused> {
    // Nobody else is shown the end of the key, or offered what would be refused.
    desk.check(Tab::Settings.rpc())?;
    let connection = desk.connection(id).await?;
    let present = Typed::of(&connection);
    let mut typed = typed.unwrap_or_else(|| present.clone());
    let overtaken = typed.etag != present.etag;
    // Saving once more is meant to go over what the page shows of theirs.
    typed.etag.clone_from(&present.etag);
    let users = match words {
        "" => Ok(Vec::new()),
        words => setup::users(desk, id, words, setup::users_from(&connection)).await,
    };
    let acting = setup::user(desk, id, &typed.acting).await;
    let their_acting = match overtaken {
        true => setup::user(desk, id, &present.acting).await,
        false => None,
    };
    let view = View {
        connection: &connection,
        typed: &typed,
        theirs: overtaken.then_some(&present),
        refused,
        words,
        users: users.as_deref(),
        acting: &setup::called(acting.as_ref()),
        their_acting: &setup::called(their_acting.as_ref()),
        csrf: desk.csrf(),
    };
    let page = desk.at(&connection, Tab::Settings, page(&view));
    Ok(match refused {
        Some((_, refused)) => (refused.http(), page).into_response(),
        None => page,
    })
}

async fn act(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let typed = Typed::from_form(&form);
    let words = form.text("words");
    // Enter in the field to look somebody up presses no button of its own.
    let finds = match form.text("act") {
        "find" => true,
        "save" => false,
        _ => !words.is_empty(),
    };
    if finds {
        return opened(&desk, &id, Some(typed), words, None).await;
    }
    match save(&desk, &id, &form, &typed).await {
        Ok(()) => Ok(desk.done(&Tab::Settings.path(&id), "The settings are saved.")),
        Err(refused) => {
            let told = Some((Part::Settings, &refused));
            opened(&desk, &id, Some(typed), words, told).await
        }
    }
}

async fn save(desk: &Desk, id: &str, form: &Form, typed: &Typed) -> Result<(), Refused> {
    desk.check(Tab::Settings.rpc())?;
    let mut wrong = wrong_names(form);
    let start = setup::start_of(form).map_err(Refused::from);
    let start = start.map_err(|refused| wrong.extend(refused.fields()));
    let lost = typed.lost(&Typed::of(&desk.connection(id).await?));
    if !lost.is_empty() && !typed.lose {
        let lost = lost.join(", ");
        let message =
            format!("what is left out goes from the mirror ({lost}): tick this to save that");
        wrong.push(("lose".to_owned(), message));
    }
    let (Ok(sync_start_time), true) = (start, wrong.is_empty()) else {
        return Err(Refused::of_fields(wrong));
    };
    let connection = pb::Connection {
        id: id.to_owned(),
        etag: typed.etag.clone(),
        display_name: typed.name.clone(),
        streams: typed.streams.clone(),
        include_secret_notes: typed.secret_notes,
        sync_start_time,
        include_archived: Some(typed.reach.archived),
        include_snoozed: Some(typed.reach.snoozed),
        default_acting_user_id: typed.acting.clone(),
        strict_acting_user: typed.strict,
        ..Default::default()
    };
    setup::update(desk, connection, &PATHS).await
}

async fn replace_key(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let request = pb::RotateCredentialRequest {
        connection_id: id.clone(),
        api_key: form.text("api_key").to_owned(),
        oauth: None,
        allow_connected_account: form.ticked("again"),
    };
    let replaced = desk.call(ROTATE, request, Api::rotate_credential).await;
    let Err(refused) = replaced else {
        let said = "The key is replaced. Delete the old one in Lever.";
        return Ok(desk.done(&Tab::Permissions.path(&id), said));
    };
    let refused = at_field(refused);
    opened(&desk, &id, None, "", Some((Part::Key, &refused))).await
}

fn page(view: &View<'_>) -> Markup {
    let connection = view.connection;
    let path = Tab::Settings.path(&connection.id);
    html! {
        h1 { "Settings" }
        (way_back(connection))
        (settings(view, &path))
        @if is_open(connection) { (key_and_end(view, &path)) }
    }
}

/// What is done about an account that is connected.
fn key_and_end(view: &View<'_>, path: &str) -> Markup {
    let connection = view.connection;
    html! {
        section.panel.wide {
            h2 { "Replace the key" }
            @if let Some(refused) = view.refused(Part::Key) { (refused.notice()) }
            p { "The present key ends with " code { (connection.key_last_four) } ". The permissions of a key cannot be changed in Lever; a new one replaces it here." }
            form.stack method="post" action={ (path) "/key" } {
                (csrf(view.csrf))
                (Field { name: "api_key", label: "New API key", help: "", refused: view.refused(Part::Key).map(|refused| (refused, "api_key")) }.secret())
                @if view.refused(Part::Key).is_some_and(|refused| refused.reason().as_deref() == Some(ACCOUNT_CONNECTED)) {
                    label.check { input type="checkbox" name="again"; "It is meant: both connections share this account" }
                }
                button type="submit" { "Test and replace" }
            }
            p { "Somebody else has the key, or consents in Lever? " a href={ (LINKS) "?connection=" (connection.id) } { "Send them a link" } " instead: id, mappings and mirror stay." }
        }
        section.panel.wide {
            h2 { "Disconnect" }
            p { "Ends what Fulcrum reads and writes for this account; the next page says what stays and what goes before anything is done." }
            a.button.danger href=(disconnect_path(&connection.id)) { "Disconnect" }
        }
    }
}

fn settings(view: &View<'_>, path: &str) -> Markup {
    let typed = view.typed;
    let refused = view.refused(Part::Settings);
    let problem = |field| refused.and_then(|refused: &Refused| refused.about(field));
    let lose = problem("lose");
    let open = is_open(view.connection);
    html! {
        @if let Some(theirs) = view.theirs { (overtaken(view, theirs, path)) }
        @else if let Some(refused) = refused { (refused.notice()) }
        form.stack.wide method="post" action=(path) {
            (csrf(view.csrf))
            input type="hidden" name="etag" value=(typed.etag);
            // What Enter in a field presses: to save, not to look somebody up.
            @if open { button type="submit" hidden { "Save" } }
            (Field { name: "display_name", label: "Name", help: "", refused: refused.map(|refused| (refused, "connection.display_name")) }.line(&typed.name))
            details.panel open[refused.is_some() || view.theirs.is_some()] {
                summary { "What is mirrored" }
                p { "What is left out goes from the mirror; nothing changes in Lever. What is added is read with the next walk." }
                @if let Some(problem) = problem("connection.streams") { p.problem { (problem) } }
                (setup::kinds(|model| typed.keeps(model.stream), typed.secret_notes))
            }
            section.panel {
                h2 { "How far back" }
                p { "What is left out goes from the mirror here too." }
                (typed.reach.fields(refused))
            }
            section.panel {
                h2 { "Who acts" }
                p { (setup::IN_WHOSE_NAME) }
                div.row {
                    label { "Find a Lever user by name or e-mail" input type="search" name="words" value=(view.words) autocomplete="off"; }
                    @if open { button type="submit" name="act" value="find" { "Find" } }
                }
                @if let Err(refused) = view.users { (refused.notice()) }
                @if let Some(problem) = problem("connection.default_acting_user_id") { p.problem { (problem) } }
                @let looked = (!view.words.is_empty() && view.users.is_ok()).then_some(view.words);
                (setup::actors(view.users.unwrap_or_default(), &typed.acting, view.acting, looked))
                (setup::refuse_instead(typed.strict))
            }
            label.check {
                input type="checkbox" name="lose" checked[typed.lose] aria-invalid=[lose.as_ref().map(|_| "true")] aria-describedby=[lose.as_ref().map(|_| "lose-problem")];
                "What I leave out may go from the mirror"
            }
            @if let Some(lose) = &lose { p.problem id="lose-problem" { (lose) } }
            @if open { button.primary type="submit" name="act" value="save" { "Save" } }
        }
    }
}

/// Somebody else saved first: both sides where they differ, and the two ways on.
fn overtaken(view: &View<'_>, theirs: &Typed, path: &str) -> Markup {
    let theirs = theirs.told(view.their_acting);
    let mine = view.typed.told(view.acting);
    html! {
        div.notice.warn role="alert" {
            p { "While this form was open, somebody else changed the connection. Nothing of yours is saved yet." }
            (two("There now", "Yours", &theirs, &mine))
            p { "Save below to put yours in place of theirs, or " a href=(path) { "take theirs" } "." }
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
            key_last_four: "wxyz".to_owned(),
            include_archived: Some(true),
            include_snoozed: Some(false),
            streams: vec!["users".to_owned(), "notes".to_owned()],
            default_acting_user_id: "u1".to_owned(),
            etag: "v2".to_owned(),
            ..Default::default()
        }
    }

    fn shown(typed: &Typed, theirs: Option<&Typed>, refused: Option<(Part, &Refused)>) -> String {
        let view = View {
            connection: &connection(),
            typed,
            theirs,
            refused,
            words: "",
            users: Ok(&[]),
            acting: "Ada <Lovelace>",
            their_acting: "",
            csrf: "t",
        };
        page(&view).into_string()
    }

    #[test]
    fn the_settings_of_a_disconnected_account_are_shown_without_what_would_be_refused() {
        let gone = pb::Connection {
            disconnect_time: Some(prost_types::Timestamp::default()),
            purge_time: Some(prost_types::Timestamp::default()),
            ..connection()
        };
        let view = View {
            connection: &gone,
            typed: &Typed::of(&gone),
            theirs: None,
            refused: None,
            words: "",
            users: Ok(&[]),
            acting: "",
            their_acting: "",
            csrf: "t",
        };
        let text = page(&view).into_string();
        assert!(
            text.contains("This account is disconnected since") && text.contains(">Reconnect</a>")
        );
        assert!(!text.contains("<button") && !text.contains("New API key"));
        let open = shown(&Typed::of(&connection()), None, None);
        assert!(open.contains("value=\"save\"") && !open.contains("is disconnected since"));
    }

    #[test]
    fn settings_show_no_more_of_a_key_than_its_end_and_who_acts_by_name() {
        let text = shown(&Typed::of(&connection()), None, None);
        assert!(text.contains("<code>wxyz</code>"));
        assert!(text.contains("name=\"include_archived\" checked"));
        assert!(
            text.contains("name=\"include_snoozed\"")
                && !text.contains("name=\"include_snoozed\" checked")
        );
        assert!(text.contains("/connections/c1/settings/disconnect\""));
        assert!(text.contains("Ada &lt;Lovelace&gt;") && text.contains("value=\"u1\" checked"));
    }

    #[test]
    fn what_would_go_from_the_mirror_is_named_and_what_is_added_is_not() {
        let present = Typed::of(&connection());
        let form = Form::parse(b"stream.users=on&stream.offers=on&from=date&start=2026-01-31");
        let typed = Typed::from_form(&form);
        let lost = typed.lost(&present);
        assert_eq!(
            lost,
            [
                "Notes",
                "Archived opportunities",
                "Opportunities before the new day"
            ]
        );
        assert!(present.lost(&typed).contains(&"Offers"));
        assert!(present.lost(&present).is_empty());
    }

    #[test]
    fn what_is_refused_stays_as_it_was_typed_with_what_is_wrong_beside_it() {
        let typed = Typed {
            name: "B<cme".to_owned(),
            ..Typed::of(&connection())
        };
        let error = engine::Error::invalid("connection.default_acting_user_id", "no such user");
        let refused = Refused::from(crate::wire::status::status(error));
        let text = shown(&typed, None, Some((Part::Settings, &refused)));
        assert!(text.contains("value=\"B&lt;cme\"") && text.contains("problem\">No such user."));
    }

    #[test]
    fn who_was_overtaken_sees_both_sides() {
        let theirs = Typed::of(&connection());
        let mine = Typed {
            strict: true,
            ..theirs.clone()
        };
        let text = shown(&mine, Some(&theirs), None);
        assert!(text.contains("Refuse instead</th><td>no</td><td><ins>yes</ins></td>"));
        assert!(
            !text.contains("Secret notes</th>"),
            "what is the same is not told"
        );
        assert!(text.contains("name=\"etag\" value=\"v2\""));
    }
}
