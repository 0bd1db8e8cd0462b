//! Which user of the product is which user of Lever (product.md, screen 8).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use super::{After, more};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::refusal::Refused;
use crate::console::words::{moment, plain};
use crate::grpc::Api;

const UPDATE: &str = "/fulcrum.v1.ConnectionService/UpdateUserLink";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/users", get(list).post(link))
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    opened(&desk, &id, page.after, &Form::default(), None).await
}

/// The page, with a link that was refused if there is one.
async fn opened(
    desk: &Desk,
    id: &str,
    after: String,
    typed: &Form,
    refused: Option<&Refused>,
) -> Result<Response, Refused> {
    let connection = desk.connection(id).await?;
    let request = pb::ListUserLinksRequest {
        connection_id: id.to_owned(),
        page_size: 100,
        page_token: after,
    };
    let answer = desk
        .call(Tab::Users.rpc(), request, Api::list_user_links)
        .await?;
    let path = Tab::Users.path(id);
    let form = desk
        .may(UPDATE)
        .then(|| link_form(&path, desk.csrf(), typed, refused));
    let page = desk.at(&connection, Tab::Users, show(&path, &answer, form));
    Ok(match refused {
        Some(refused) => (refused.http(), page).into_response(),
        None => page,
    })
}

async fn link(
    Path(connection_id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let path = Tab::Users.path(&connection_id);
    let request = pb::UpdateUserLinkRequest {
        connection_id,
        email: form.text("email").to_owned(),
        lever_user_id: form.text("lever_user_id").to_owned(),
    };
    let said = match request.lever_user_id.as_str() {
        "" => "The link is removed: the e-mail address decides again.",
        _ => "The user is linked.",
    };
    let connection = request.connection_id.clone();
    match desk.call(UPDATE, request, Api::update_user_link).await {
        Ok(_) => Ok(desk.done(&path, said)),
        Err(refused) => opened(&desk, &connection, String::new(), &form, Some(&refused)).await,
    }
}

fn link_form(path: &str, token: &str, typed: &Form, refused: Option<&Refused>) -> Markup {
    let field = |name, label, help| Field {
        name,
        label,
        help,
        refused: refused.map(|refused| (refused, name)),
    };
    html! {
        details.panel open[refused.is_some()] {
            summary { "Link a user by hand" }
            @if let Some(refused) = refused { (refused.notice()) }
            form.stack method="post" action=(path) {
                (csrf(token))
                (field("email", "E-mail address in the product", "").line(typed.text("email")))
                (field("lever_user_id", "Id of the Lever user", "As the table tells it; empty removes the link.").line(typed.text("lever_user_id")))
                button type="submit" { "Save" }
            }
        }
    }
}

fn show(path: &str, answer: &pb::ListUserLinksResponse, form: Option<Markup>) -> Markup {
    html! {
        h1 { "Users" }
        p { "Writes appear in Lever under the name of whoever asked for them, found by e-mail address or by a link made here. As of " (moment(answer.as_of.as_ref())) "." }
        @if let Some(form) = form { (form) }
        @if answer.links.is_empty() {
            section.empty { h2 { "No users yet" } p { "Lever's users show up here when they have been read." } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Users" {
                table {
                    thead { tr { th { "In the product" } th { "In Lever" } th { "Matched" } th { "To tell" } } }
                    tbody { @for link in &answer.links { (one(link)) } }
                }
            }
            (more(path, &answer.next_page_token))
        }
    }
}

fn one(link: &pb::UserLink) -> Markup {
    let class = match link.r#match() {
        pb::UserMatch::Email | pb::UserMatch::Linked => "badge good",
        pb::UserMatch::NoEmail | pb::UserMatch::Unspecified => "badge",
        _ => "badge warn",
    };
    html! {
        tr {
            td { (link.email) }
            td { (link.lever_user_name) br; code.faint { (link.lever_user_id) } }
            td { span class=(class) { (plain(link.r#match().as_str_name(), "USER_MATCH")) } }
            td {
                (link.reason)
                @if !link.linked_by.is_empty() { p.faint { "linked by " (link.linked_by) ", " (moment(link.link_time.as_ref())) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_does_not_work_stands_out_with_its_reason() {
        let answer = pb::ListUserLinksResponse {
            links: vec![pb::UserLink {
                email: "ada@example.com".to_owned(),
                r#match: pb::UserMatch::LinkDeactivated.into(),
                reason: "deactivated in Lever".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let text = show("/u", &answer, None).into_string();
        assert!(
            text.contains("badge warn\">link deactivated") && text.contains("deactivated in Lever")
        );
        assert!(!text.contains("<form"));
        let typed = Form::parse(b"email=ada%40example.com&lever_user_id=%3Cx%3E");
        let error = engine::Error::invalid("lever_user_id", "Lever has no such user");
        let refused = Refused::from(crate::wire::status::status(error));
        let form = link_form("/u", "t", &typed, Some(&refused));
        let text = show("/u", &answer, Some(form)).into_string();
        assert!(text.contains("name=\"csrf\" value=\"t\"") && text.contains("value=\"&lt;x&gt;\""));
        assert!(text.contains("id=\"field-lever_user_id-problem\">Lever has no such user."));
    }
}
