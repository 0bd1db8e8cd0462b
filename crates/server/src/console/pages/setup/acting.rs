//! The step of who acts, and how users of Lever are found and called.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::lever_service_server::LeverService as _;

use super::{Step, known, paused, stepped, still_set_up, update, why};
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::csrf;
use crate::console::models::keeps;
use crate::console::refusal::Refused;
use crate::console::see;
use crate::grpc::Api;
use crate::wire::status::status as to_status;

const USER: &str = "/fulcrum.v1.LeverService/GetUser";
const USERS: &str = "/fulcrum.v1.LeverService/ListUsers";

/// Users of Lever are looked through a hundred at a time, so often at most.
const MOST_PAGES: usize = 20;

/// How many users that fit are shown.
const MOST_USERS: usize = 25;

pub(super) async fn acting(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
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
    let page = stepped(desk, &connection, Step::Acting, content).await?;
    Ok(match refused {
        Some((refused, _)) => (refused.http(), page).into_response(),
        None => page,
    })
}

/// The active users of Lever whose name or e-mail has these words.
pub(in crate::console::pages) async fn users(
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
pub(in crate::console::pages) fn users_from(connection: &pb::Connection) -> pb::ReadFrom {
    match keeps(connection, Stream::Users) {
        true => pb::ReadFrom::Mirror,
        false => pb::ReadFrom::Lever,
    }
}

/// A user as the mirror has it, else as Lever tells; none where neither does.
pub(in crate::console::pages) async fn user(desk: &Desk, id: &str, user: &str) -> Option<pb::User> {
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
pub(in crate::console::pages) fn called(user: Option<&pb::User>) -> String {
    match user {
        Some(user) if user.email.is_empty() => user.name.clone(),
        Some(user) => format!("{} ({})", user.name, user.email),
        None => "a user whom Lever does not tell of just now".to_owned(),
    }
}

/// What is told of a user beside the name.
pub(in crate::console::pages) fn about(user: &pb::User) -> String {
    match (user.email.as_str(), role(&user.access_role)) {
        (email, "") => email.to_owned(),
        ("", role) => role.to_owned(),
        (email, role) => format!("{email}, {role}"),
    }
}

/// The word for a role; a role that an account has made up is known by an id alone.
pub(in crate::console::pages) fn role(access_role: &str) -> &str {
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

pub(super) async fn save_acting(
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
        p { (IN_WHOSE_NAME) }
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

/// In whose name writes are made, as the engine decides it.
pub(in crate::console::pages) const IN_WHOSE_NAME: &str = "What Fulcrum writes appears in Lever under somebody’s name. \
    Where the product says who asked for it, that is the Lever user who is linked to them by hand or has their e-mail \
    address, else the owner of the opportunity, else the owner of its posting, else the user chosen here, else nobody. \
    Where it does not say, it is the user chosen here, else nobody.";

/// Whom to choose from, with whoever is chosen, by id and by what people call them; and the words that were looked for,
/// to say that nobody fits them.
pub(in crate::console::pages) fn actors(
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
pub(in crate::console::pages) fn refuse_instead(on: bool) -> Markup {
    html! {
        label.check {
            input type="checkbox" name="strict" checked[on];
            span { strong { "Refuse instead" } " " span.faint { "what somebody asks for who is no active Lever user, rather than writing it under another name" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::connection;
    use super::*;

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
}
