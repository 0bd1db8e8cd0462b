//! Which user of the product is which user of Lever (product.md, screen 8).
//!
//! People are looked for and chosen by name and e-mail; Lever's ids travel in forms and are shown to nobody.

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use super::sync::{START, read_now};
use super::{After, go_on, setup};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, action, csrf};
use crate::console::models::keeps;
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, isolated, moment, plain};
use crate::grpc::Api;
use crate::wire::status::status;
use crate::wire::user_links::told;

const UPDATE: &str = "/fulcrum.v1.ConnectionService/UpdateUserLink";
const PREVIEW: &str = "/fulcrum.v1.ConnectionService/PreviewActingUser";

/// Roles that may do little in Lever, in its words.
const LIMITED: [&str; 2] = ["limited team member", "interviewer"];

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/users", get(list).post(act))
}

/// What somebody was doing on the page.
#[derive(Default)]
struct Doing {
    email: String,
    words: String,
    /// Lever's id of whoever is chosen.
    chosen: String,
    /// Who fits the words, once they were looked for.
    found: Option<Vec<pb::User>>,
    tested: Option<Tested>,
    refused: Option<Refused>,
}

/// What a test told of an e-mail.
struct Tested {
    email: String,
    told: Result<pb::PreviewActingUserResponse, Refused>,
}

impl Doing {
    fn read(form: &Form) -> Doing {
        Doing {
            email: form.given("whose").unwrap_or(form.text("email")).to_owned(),
            words: form.text("words").to_owned(),
            chosen: form.text("user").to_owned(),
            ..Doing::default()
        }
    }

    /// Whether the form to link somebody is in use.
    fn links(&self) -> bool {
        self.refused.is_some() || self.found.is_some()
    }
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    opened(&desk, &id, page.after, Doing::default()).await
}

async fn opened(desk: &Desk, id: &str, after: String, doing: Doing) -> Result<Response, Refused> {
    let connection = desk.connection(id).await?;
    let request = pb::ListUserLinksRequest {
        connection_id: id.to_owned(),
        page_size: 100,
        page_token: after.clone(),
    };
    let answer = desk
        .call(Tab::Users.rpc(), request, Api::list_user_links)
        .await?;
    let view = View {
        path: &Tab::Users.path(id),
        csrf: desk.csrf(),
        may_link: desk.may(UPDATE),
        may_test: desk.may(PREVIEW),
        may_read: desk.may(START),
        strict: connection.strict_acting_user,
        kept: keeps(&connection, Stream::Users),
        answer: &answer,
        after: &after,
        doing: &doing,
    };
    let page = desk.at(&connection, Tab::Users, show(&view));
    Ok(match &doing.refused {
        Some(refused) => (refused.http(), page).into_response(),
        None => page,
    })
}

async fn act(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let doing = Doing::read(&form);
    match form.text("act") {
        "find" => found(&desk, &id, doing).await,
        "pick" => picked(&desk, &id, doing).await,
        "test" => test(&desk, &id, doing).await,
        "read" => read_anew(&desk, &id).await,
        "unlink" => {
            let said = "The link is removed: the e-mail address decides again.";
            update(&desk, &id, doing, String::new(), said).await
        }
        _ => link(&desk, &id, doing).await,
    }
}

/// Has Lever's users read now, whatever their schedule.
async fn read_anew(desk: &Desk, id: &str) -> Result<Response, Refused> {
    let request = pb::StartSyncRequest {
        connection_id: id.to_owned(),
        streams: vec![Stream::Users.name().to_owned()],
        ..Default::default()
    };
    let now = "Lever’s users are read now: load this page again in a moment.";
    let said = read_now(desk, request, now, "Lever’s users are read").await?;
    Ok(desk.done(&Tab::Users.path(id), said))
}

/// Shows who fits the words.
async fn found(desk: &Desk, id: &str, mut doing: Doing) -> Result<Response, Refused> {
    match looked_up(desk, id, &doing.words).await {
        Ok(users) => doing.found = Some(users),
        Err(refused) => doing.refused = Some(refused),
    }
    opened(desk, id, String::new(), doing).await
}

/// Begins a link to a user of the table.
async fn picked(desk: &Desk, id: &str, mut doing: Doing) -> Result<Response, Refused> {
    let user = setup::user(desk, id, &doing.chosen).await;
    doing.words = user
        .as_ref()
        .map(|user| user.name.clone())
        .unwrap_or_default();
    doing.found = Some(user.into_iter().collect());
    doing.email.clear();
    opened(desk, id, String::new(), doing).await
}

/// Tells who would act; nothing is written.
async fn test(desk: &Desk, id: &str, mut doing: Doing) -> Result<Response, Refused> {
    let request = pb::PreviewActingUserRequest {
        connection_id: id.to_owned(),
        email: doing.email.clone(),
        opportunity_id: String::new(),
    };
    let told = desk.call(PREVIEW, request, Api::preview_acting_user).await;
    let failed = told.as_ref().err().map(Refused::http);
    doing.tested = Some(Tested {
        email: std::mem::take(&mut doing.email),
        told,
    });
    let page = opened(desk, id, String::new(), doing).await?;
    Ok(match failed {
        Some(status) => (status, page).into_response(),
        None => page,
    })
}

/// Links whoever is chosen, or the only one who fits the words.
async fn link(desk: &Desk, id: &str, mut doing: Doing) -> Result<Response, Refused> {
    if doing.chosen.is_empty() {
        let found = match looked_up(desk, id, &doing.words).await {
            Ok(found) => found,
            Err(refused) => {
                doing.refused = Some(refused);
                return opened(desk, id, String::new(), doing).await;
            }
        };
        let [only] = found.as_slice() else {
            let message = match (doing.words.as_str(), found.len()) {
                ("", _) => "give a name or an e-mail address of the Lever user",
                (_, 0) => "no active user of Lever’s fits this",
                _ => "several users of Lever’s fit this: choose one",
            };
            doing.found = Some(found);
            doing.refused = Some(status(engine::Error::invalid("words", message)).into());
            return opened(desk, id, String::new(), doing).await;
        };
        doing.chosen.clone_from(&only.id);
        doing.found = Some(found);
    }
    let user = doing.chosen.clone();
    let found = doing
        .found
        .iter()
        .flatten()
        .find(|one| one.id == user)
        .cloned();
    let whom = match found {
        None => setup::user(desk, id, &user).await,
        found => found,
    };
    let said = linked(&doing.email, whom.as_ref());
    update(desk, id, doing, user, &said).await
}

/// What is said of a link, and to whom it leads.
fn linked(email: &str, whom: Option<&pb::User>) -> String {
    match whom {
        Some(user) if !user.email.is_empty() => {
            format!(
                "{email} is linked to {} ({}).",
                isolated(&user.name),
                user.email
            )
        }
        Some(user) => format!("{email} is linked to {}.", isolated(&user.name)),
        None => format!("{email} is linked to a user whom Lever does not list."),
    }
}

async fn update(
    desk: &Desk,
    id: &str,
    mut doing: Doing,
    lever_user_id: String,
    said: &str,
) -> Result<Response, Refused> {
    let request = pb::UpdateUserLinkRequest {
        connection_id: id.to_owned(),
        email: doing.email.clone(),
        lever_user_id,
    };
    match desk.call(UPDATE, request, Api::update_user_link).await {
        Ok(_) => Ok(desk.done(&Tab::Users.path(id), said)),
        Err(refused) => {
            if doing.found.is_none() && !doing.chosen.is_empty() {
                doing.found = Some(
                    setup::user(desk, id, &doing.chosen)
                        .await
                        .into_iter()
                        .collect(),
                );
            }
            doing.refused = Some(refused);
            opened(desk, id, String::new(), doing).await
        }
    }
}

/// The active users of Lever who fit the words; nobody without any.
async fn looked_up(desk: &Desk, id: &str, words: &str) -> Result<Vec<pb::User>, Refused> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let connection = desk.connection(id).await?;
    setup::users(desk, id, words, setup::users_from(&connection)).await
}

/// What the page shows.
struct View<'a> {
    path: &'a str,
    csrf: &'a str,
    may_link: bool,
    may_test: bool,
    may_read: bool,
    strict: bool,
    /// Whether the account keeps Lever's users.
    kept: bool,
    answer: &'a pb::ListUserLinksResponse,
    /// Where the page begins.
    after: &'a str,
    doing: &'a Doing,
}

fn show(view: &View<'_>) -> Markup {
    let answer = view.answer;
    html! {
        div.head {
            h1 { "Users" }
            @if view.may_read && view.kept { (action(view.csrf, view.path, "Read users now", &[("act", "read")])) }
        }
        p { "Writes appear in Lever under the name of whoever asked for them, found by e-mail address or by a link made here. As of " (moment(answer.as_of.as_ref())) "." }
        @if let Some(tested) = &view.doing.tested { (outcome(tested)) }
        @if view.may_test { (test_form(view)) }
        @if view.may_link { (link_form(view)) }
        @if answer.links.is_empty() {
            section.empty {
                @if view.kept { h2 { "No users yet" } p { "Lever's users show up here when they have been read." } }
                @else { h2 { "Users are not mirrored" } p { "Who writes is looked up in Lever each time. What is mirrored is chosen in the settings." } }
            }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Users" {
                table.stacked {
                    thead { tr { th { "In the product" } th { "In Lever" } th { "Role in Lever" } th { "Matched" } th { "Details" } @if view.may_link || view.may_test { th { "Actions" } } } }
                    tbody { @for link in &answer.links { (one(view, link)) } }
                }
            }
            (go_on(view.path, &[], [view.after, &answer.next_page_token], "More users"))
        }
    }
}

fn test_form(view: &View<'_>) -> Markup {
    let refused = view.doing.tested.as_ref();
    let refused = refused.and_then(|tested| tested.told.as_ref().err());
    let email = view
        .doing
        .tested
        .as_ref()
        .map_or("", |tested| tested.email.as_str());
    html! {
        details.panel open[view.doing.tested.is_some()] {
            summary { "Test under whose name somebody writes" }
            form.stack method="post" action=(view.path) {
                (csrf(view.csrf))
                (Field { name: "whose", label: "E-mail address in the product", help: "Nothing is written to Lever.", refused: refused.map(|refused| (refused, "email")) }.line(email))
                button type="submit" name="act" value="test" { "Test" }
            }
        }
    }
}

/// Who would act for an e-mail address, and why.
fn outcome(tested: &Tested) -> Markup {
    let answer = match &tested.told {
        Ok(answer) => answer,
        Err(refused) => return refused.notice(),
    };
    let why = told(answer.passed_over()).map(sentence);
    let class = match (answer.refused, &why) {
        (true, _) => "notice bad",
        (false, Some(_)) => "notice warn",
        (false, None) => "notice good",
    };
    html! {
        div class=(class) role="status" {
            p { strong { (tested.email) } ": " @if let Some(why) = &why { (why) " " } (acts(answer)) }
        }
    }
}

fn acts(answer: &pb::PreviewActingUserResponse) -> Markup {
    let who = html! {
        strong { @if answer.lever_user_name.is_empty() { "a user whom Lever does not list" } @else { (answer.lever_user_name) } }
        @if !answer.lever_user_email.is_empty() { " (" (answer.lever_user_email) ")" }
    };
    let owners = "A write is made for the owner of the opportunity, else for the owner of its posting, where they are active; else for ";
    html! {
        @if answer.refused {
            "What this user asks for is refused, since Settings say “Refuse instead”. Link the address to an active Lever user below."
        } @else {
            @match answer.because() {
                pb::ActingBecause::Email => { "Writes appear in Lever under " (who) ", who has this e-mail address there." },
                pb::ActingBecause::Linked => { "Writes appear in Lever under " (who) ", who is linked to this address." },
                pb::ActingBecause::ConnectionDefault => { (owners) (who) ", who is chosen in Settings." },
                pb::ActingBecause::Nobody | pb::ActingBecause::Unspecified => { (owners) "nobody: Lever then names the integration." },
                _ => { "Writes appear in Lever under " (who) "." },
            }
        }
    }
}

fn link_form(view: &View<'_>) -> Markup {
    let doing = view.doing;
    let refused = doing.refused.as_ref();
    let field = |name, label, help, field| Field {
        name,
        label,
        help,
        refused: refused.map(|refused| (refused, field)),
    };
    html! {
        details.panel open[doing.links()] {
            summary { "Link a user by hand" }
            @if let Some(refused) = refused { (refused.notice()) }
            form.stack method="post" action=(view.path) {
                (csrf(view.csrf))
                (field("email", "E-mail address in the product", "As the product names its user.", "email").line(&doing.email))
                (field("words", "Lever user, by name or e-mail", "Parts of the name or of the address are enough.", "words").line(&doing.words))
                div.actions { button type="submit" name="act" value="find" { "Find" } }
                @if let Some(found) = &doing.found { (choice(found, &doing.chosen, refused)) }
                div.actions { button.primary type="submit" name="act" value="link" { "Link" } }
            }
        }
    }
}

fn choice(found: &[pb::User], chosen: &str, refused: Option<&Refused>) -> Markup {
    let only = found.len() == 1;
    let problem = refused.and_then(|refused| refused.about("lever_user_id"));
    html! {
        @if found.is_empty() {
            p { "No active user of Lever’s fits this." }
        } @else {
            fieldset {
                legend { (count(found.len() as u64, "Lever user fits", "Lever users fit")) }
                @for user in found {
                    label.check {
                        input type="radio" name="user" value=(user.id) checked[only || user.id == chosen];
                        span { strong { (user.name) } " " span.faint { (setup::about(user)) } }
                    }
                }
                @if let Some(problem) = problem { p.problem { (problem) } }
            }
        }
    }
}

fn one(view: &View<'_>, link: &pb::UserLink) -> Markup {
    let class = match link.r#match() {
        pb::UserMatch::Email | pb::UserMatch::Linked => "badge good",
        pb::UserMatch::NoEmail | pb::UserMatch::Unspecified => "badge",
        _ => "badge warn",
    };
    let limited = LIMITED.contains(&link.lever_user_role.as_str());
    html! {
        tr {
            td data-label="In the product" { (link.email) }
            td data-label="In Lever" {
                @if link.lever_user_name.is_empty() { span.faint { "a user whom Lever does not list" } } @else { (link.lever_user_name) }
                @if !link.lever_user_email.is_empty() && link.lever_user_email.to_lowercase() != link.email { br; span.faint { (link.lever_user_email) } }
            }
            td data-label="Role in Lever" {
                (setup::role(&link.lever_user_role))
                @if link.lever_user_deactivated { " " span.badge.warn { "deactivated" } }
                @else if limited { " " span.badge.warn { "limited role" } p.faint { "May do little in Lever: writes under this name can be refused there." } }
            }
            td data-label="Matched" { span class=(class) { (matched(link.r#match())) } }
            td data-label="Details" {
                @if !link.reason.is_empty() { (sentence(&link.reason)) }
                @if !link.linked_by.is_empty() { p.faint { "linked by " (link.linked_by) ", " (moment(link.link_time.as_ref())) } }
            }
            @if view.may_link || view.may_test { td.deeds data-label="Actions" { (actions(view, link)) } }
        }
    }
}

/// What can be done about a row; each button says for whom to those who only hear it.
fn actions(view: &View<'_>, link: &pb::UserLink) -> Markup {
    let whose = match link.email.as_str() {
        "" => link.lever_user_name.as_str(),
        email => email,
    };
    let button = |act: &str, label: &str| {
        html! {
            form.inline method="post" action=(view.path) {
                (csrf(view.csrf))
                input type="hidden" name="email" value=(link.email);
                input type="hidden" name="user" value=(link.lever_user_id);
                button type="submit" name="act" value=(act) { (label) span.unseen { ": " (whose) } }
            } " "
        }
    };
    let active = !link.lever_user_deactivated && !link.lever_user_name.is_empty();
    html! {
        @if view.may_test && !link.email.is_empty() { (button("test", "Test")) }
        @if view.may_link && active { (button("pick", "Link another address")) }
        @if view.may_link && !link.linked_by.is_empty() { (button("unlink", "Remove the link")) }
        @if view.strict && link.r#match() != pb::UserMatch::Email && link.r#match() != pb::UserMatch::Linked && !link.email.is_empty() { p.faint { "Unless another one acts for this address, what it asks for is refused." } }
    }
}

fn matched(matched: pb::UserMatch) -> String {
    match matched {
        pb::UserMatch::Email => "by e-mail".to_owned(),
        pb::UserMatch::Linked => "by hand".to_owned(),
        pb::UserMatch::NoEmail => "unmatched".to_owned(),
        other => plain(other.as_str_name(), "USER_MATCH"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(matched: pb::UserMatch) -> pb::UserLink {
        pb::UserLink {
            email: "ada@example.com".to_owned(),
            lever_user_id: "raw-id".to_owned(),
            lever_user_name: "Ada <L>".to_owned(),
            lever_user_role: "interviewer".to_owned(),
            r#match: matched.into(),
            ..Default::default()
        }
    }

    fn shown(link: pb::UserLink, may: bool, doing: &Doing) -> String {
        let answer = pb::ListUserLinksResponse {
            links: vec![link],
            ..Default::default()
        };
        show(&View {
            path: "/u",
            csrf: "t",
            may_link: may,
            may_test: may,
            may_read: may,
            strict: false,
            kept: true,
            answer: &answer,
            after: "",
            doing,
        })
        .into_string()
    }

    #[test]
    fn a_link_says_to_whom_it_leads() {
        let grace = pb::User {
            name: "Grace".to_owned(),
            email: "g@lever.example".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            linked("ada@x.example", Some(&grace)),
            "ada@x.example is linked to Grace (g@lever.example)."
        );
        assert!(linked("a@b.c", None).ends_with("whom Lever does not list."));
    }

    #[test]
    fn a_link_that_does_not_work_stands_out_with_its_reason_and_no_id() {
        let broken = pb::UserLink {
            reason: "deactivated in Lever".to_owned(),
            lever_user_deactivated: true,
            linked_by: "ben".to_owned(),
            ..link(pb::UserMatch::LinkDeactivated)
        };
        let text = shown(broken.clone(), false, &Doing::default());
        assert!(
            text.contains("badge warn\">link deactivated")
                && text.contains("Deactivated in Lever.")
        );
        assert!(text.contains("Ada &lt;L&gt;") && !text.contains("raw-id"));
        assert!(!text.contains("<form"), "its reader may not");
        let text = shown(broken, true, &Doing::default());
        assert!(text.contains("value=\"unlink\"") && !text.contains("value=\"pick\""));
        assert!(
            text.contains("value=\"read\""),
            "users are read anew from here"
        );
        assert!(!text.contains(">raw-id<"));
    }

    #[test]
    fn a_role_that_may_do_little_is_told() {
        let text = shown(link(pb::UserMatch::Email), true, &Doing::default());
        assert!(text.contains("limited role") && text.contains("by e-mail"));
        let admin = pb::UserLink {
            lever_user_role: "super admin".to_owned(),
            ..link(pb::UserMatch::Email)
        };
        let text = shown(admin, true, &Doing::default());
        assert!(text.contains("super admin") && !text.contains("limited role"));
        assert!(text.contains("value=\"pick\"") && text.contains("value=\"test\""));
    }

    #[test]
    fn users_are_chosen_by_name_and_e_mail_and_what_was_typed_stays() {
        let user = |id: &str, name: &str| pb::User {
            id: id.to_owned(),
            name: name.to_owned(),
            email: format!("{id}@example.com"),
            ..Default::default()
        };
        let error = engine::Error::invalid("words", "several users of Lever’s fit this");
        let doing = Doing {
            email: "x@y.z".to_owned(),
            words: "<lo>".to_owned(),
            found: Some(vec![user("u1", "Ada Lo"), user("u2", "Ben Lo")]),
            refused: Some(status(error).into()),
            ..Doing::default()
        };
        let text = shown(link(pb::UserMatch::Email), true, &doing);
        assert!(text.contains("value=\"&lt;lo&gt;\"") && text.contains("value=\"x@y.z\""));
        assert!(text.contains("2 Lever users fit") && text.contains("u2@example.com"));
        assert!(text.contains("id=\"field-words-problem\">Several users"));
        assert!(
            !text.contains("value=\"u1\" checked"),
            "nobody is chosen for them"
        );
        let only = Doing {
            found: Some(vec![user("u1", "Ada Lo")]),
            ..Doing::default()
        };
        assert!(shown(link(pb::UserMatch::Email), true, &only).contains("value=\"u1\" checked"));
    }

    #[test]
    fn a_test_tells_who_acts_and_why() {
        let told = |because: pb::ActingBecause, over: pb::PassedOver, refused| {
            let answer = pb::PreviewActingUserResponse {
                lever_user_name: "Ben".to_owned(),
                because: because.into(),
                passed_over: over.into(),
                refused,
                ..Default::default()
            };
            let tested = Tested {
                email: "ada@example.com".to_owned(),
                told: Ok(answer),
            };
            outcome(&tested).into_string()
        };
        use pb::{ActingBecause as Because, PassedOver as Over};
        let text = told(Because::Linked, Over::Unspecified, false);
        assert!(
            text.contains("notice good") && text.contains("<strong>Ben</strong>, who is linked")
        );
        let text = told(Because::ConnectionDefault, Over::Unknown, false);
        assert!(
            text.contains("No Lever user has this e-mail.")
                && text.contains("owner of the opportunity")
        );
        let text = told(Because::Nobody, Over::Unknown, false);
        assert!(text.contains("nobody: Lever then names the integration"));
        let text = told(Because::Nobody, Over::Deactivated, true);
        assert!(text.contains("notice bad") && text.contains("“Refuse instead”"));
    }
}
