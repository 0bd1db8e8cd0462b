//! Reading one person anew at once, whom somebody misses or doubts (product.md, screen 9).

use std::borrow::Cow;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::lever_service_server::LeverService as _;
use proto::v1::sync_service_server::SyncService as _;

use super::sync;
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::Posted;
use crate::console::frame::{Tab, csrf};
use crate::console::in_lever;
use crate::console::refusal::Refused;
use crate::console::words::isolated;
use crate::grpc::Api;
use crate::wire::status::status;

const START: &str = "/fulcrum.v1.SyncService/StartSync";
const OPPORTUNITY: &str = "/fulcrum.v1.LeverService/GetOpportunity";
const STAGE: &str = "/fulcrum.v1.LeverService/GetStage";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/sync/person", post(read))
}

/// Somebody who was asked for and not read, as typed, and why.
#[derive(Clone, Copy)]
pub(super) struct Unread<'a> {
    typed: &'a str,
    refused: &'a Refused,
}

async fn read(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let typed = form.text("person");
    match read_now(&desk, &id, in_lever::opportunity(typed)).await {
        Ok(said) => Ok(desk.done(&Tab::Sync.path(&id), said)),
        Err(refused) => {
            let unread = Unread {
                typed,
                refused: &refused,
            };
            let page = sync::opened(&desk, &id, String::new(), Some(unread)).await?;
            Ok((refused.http(), page).into_response())
        }
    }
}

/// Reads the person, and says what came.
async fn read_now(desk: &Desk, id: &str, opportunity: &str) -> Result<String, Refused> {
    desk.check(START)?;
    // Anything else would be sent to Lever as a part of an address.
    if !in_lever::is_id(opportunity) {
        let message = "give Lever's id of the opportunity, or the address of its page in Lever";
        return Err(status(engine::Error::invalid("opportunity_id", message)).into());
    }
    let before = mirrored(desk, id, opportunity).await;
    let request = pb::StartSyncRequest {
        connection_id: id.to_owned(),
        opportunity_id: opportunity.to_owned(),
        ..Default::default()
    };
    let read = desk.call(START, request, Api::start_sync).await;
    let read = read.map_err(at_field)?;
    let Some(after) = mirrored(desk, id, opportunity).await else {
        return Ok("Lever was asked; nothing of it is kept here.".to_owned());
    };
    let stage = stage(desk, id, &after.stage_id).await;
    let came = came(before.as_ref(), &after, &stage);
    Ok(format!("{came}{}", goes_again(read.left_out())))
}

/// An id that Lever does not know is wrong in its field, with what to do.
fn at_field(refused: Refused) -> Refused {
    if refused.code() != tonic::Code::NotFound {
        return refused;
    }
    let message = "Lever has no opportunity with this id: take it from the address of the person's page in Lever, or look \
                   the person up under “Find a person”; one that was deleted in Lever does not come back";
    status(engine::Error::invalid("opportunity_id", message)).into()
}

/// What becomes of somebody who was read although the settings leave them out; empty for everybody else.
pub(super) fn goes_again(left_out: impl Iterator<Item = pb::LeftOut>) -> String {
    let why: Vec<&str> = left_out.map(why_left_out).collect();
    match why.is_empty() {
        true => String::new(),
        false => format!(
            " {} So the next walk over everybody takes them out of the mirror again, a day from now at the latest as \
             shipped: change the settings to keep them.",
            why.join(" ")
        ),
    }
}

/// Why the settings leave somebody out.
pub(super) fn why_left_out(left_out: pb::LeftOut) -> &'static str {
    match left_out {
        pb::LeftOut::Archived => {
            "Archived people are not mirrored by the settings of this account."
        }
        pb::LeftOut::Snoozed => "Snoozed people are not mirrored by the settings of this account.",
        pb::LeftOut::BeforeHistory => "It was created before the history of this account begins.",
        pb::LeftOut::Unspecified => "The settings of this account leave it out.",
    }
}

/// The opportunity as the mirror has it.
async fn mirrored(desk: &Desk, id: &str, opportunity: &str) -> Option<pb::Opportunity> {
    let request = pb::GetOpportunityRequest {
        connection_id: id.to_owned(),
        opportunity_id: opportunity.to_owned(),
        ..Default::default()
    };
    let answer = desk.call(OPPORTUNITY, request, Api::get_opportunity).await;
    answer.ok()?.opportunity
}

/// Lever's text of a stage; empty where the mirror has none.
async fn stage(desk: &Desk, id: &str, stage: &str) -> String {
    let request = pb::GetStageRequest {
        connection_id: id.to_owned(),
        stage_id: stage.to_owned(),
        ..Default::default()
    };
    let answer = desk.call(STAGE, request, Api::get_stage).await;
    let found = answer.ok().and_then(|answer| answer.stage);
    found.map(|stage| stage.text).unwrap_or_default()
}

/// What came of reading somebody.
fn came(before: Option<&pb::Opportunity>, after: &pb::Opportunity, stage: &str) -> String {
    let name = match after.name.as_str() {
        "" => Cow::Borrowed("This person"),
        name => isolated(name),
    };
    let news = match before {
        None => "was not mirrored, and is now",
        Some(before) if before == after => "was mirrored as Lever has it: nothing has changed",
        Some(_) => "has changed in Lever, and here too now",
    };
    let stands = match (stage, after.archived_at.is_some()) {
        ("", false) => String::new(),
        ("", true) => " Archived.".to_owned(),
        (stage, false) => format!(" In “{stage}”."),
        (stage, true) => format!(" Archived in “{stage}”."),
    };
    format!("{name} {news}.{stands} Notes, files and what else belongs there is read next.")
}

/// The form, for whoever may have somebody read.
pub(super) fn form(desk: &Desk, path: &str, unread: Option<Unread<'_>>) -> Markup {
    html! { @if desk.may(START) { (panel(desk.csrf(), path, unread)) } }
}

fn panel(token: &str, path: &str, unread: Option<Unread<'_>>) -> Markup {
    let field = Field {
        name: "person",
        label: "Lever's id of the opportunity, or the address of its page in Lever",
        help: "Read at once, also where the settings leave it out, with all that belongs to it.",
        refused: unread.map(|unread| (unread.refused, "opportunity_id")),
    };
    html! {
        section.panel id="person" {
            h2 { "Read one person now" }
            @if let Some(unread) = unread { (unread.refused.notice()) }
            form method="post" action={ (path) "/person" } {
                (csrf(token))
                (field.line(unread.map_or("", |unread| unread.typed)))
                button type="submit" { "Read now" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada(stage: &str) -> pb::Opportunity {
        pb::Opportunity {
            name: "Ada".to_owned(),
            stage_id: stage.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn what_came_of_reading_somebody_is_told() {
        let new = came(None, &ada("s"), "On-site");
        assert!(new.starts_with("Ada was not mirrored, and is now. In “On-site”."));
        let same = came(Some(&ada("s")), &ada("s"), "");
        assert!(same.contains("nothing has changed. Notes"), "{same}");
        let archived = pb::Opportunity {
            archived_at: Some(prost_types::Timestamp::default()),
            ..ada("s")
        };
        let changed = came(Some(&ada("s")), &archived, "On-site");
        assert!(changed.contains("has changed in Lever") && changed.contains("Archived in"));
    }

    #[test]
    fn an_id_that_lever_does_not_know_is_told_beside_its_field_with_what_to_do() {
        let refused = at_field(tonic::Status::not_found("opportunity abc was not found").into());
        let unread = Unread {
            typed: "abc",
            refused: &refused,
        };
        let text = panel("t", "/sync", Some(unread)).into_string();
        assert!(
            text.contains("id=\"field-person-problem\">Lever has no opportunity with this id:")
        );
        assert!(text.contains("aria-invalid") && text.contains("Find a person"));
        let other = at_field(tonic::Status::unavailable("Lever is away").into());
        assert_eq!(other.code(), tonic::Code::Unavailable);
    }

    #[test]
    fn what_is_refused_comes_back_as_it_was_typed() {
        let error = engine::Error::invalid("opportunity_id", "give an <id>");
        let refused = Refused::from(status(error));
        let unread = Unread {
            typed: "\"x\"",
            refused: &refused,
        };
        let text = panel("t", "/sync", Some(unread)).into_string();
        assert!(text.contains("value=\"&quot;x&quot;\"") && text.contains("Give an &lt;id&gt;."));
        assert!(text.contains("action=\"/sync/person\""));
    }
}
