//! A write that failed, changed and sent anew (product.md, screen 12).
//!
//! The new one is a write of its own, asked for as the product would, for the same people. The one that failed is given
//! up once the new one is recorded, so that nobody sends both. An operation is edited once: its id is the request id of
//! what takes its place, and a button that is pressed twice sends one write.

mod page;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use proto::v1 as pb;
use proto::v1::OperationKind as Kind;
use proto::v1::candidate_service_server::CandidateService as _;
use proto::v1::inbound_service_server::InboundService as _;
use proto::v1::lever_service_server::LeverService as _;
use proto::v1::operation_service_server::OperationService as _;
use tokio_stream::StreamExt as _;

use self::page::{View, filled_in, page};
use super::export::stages;
use super::operation::{cancel, found};
use super::operations::Rows;
use super::refused::{is_open, way_back};
use crate::console::Console;
use crate::console::deed::ends_a_candidacy;
use crate::console::deed::headline;
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::Tab;
use crate::console::refusal::Refused;
use crate::grpc::Api;
use crate::wire::status::status;

pub(super) use self::page::replaced;

const REJECT: &str = "/fulcrum.v1.InboundService/RejectApplicants";
const REJECT_REASONS: &str = "/fulcrum.v1.InboundService/ListRejectReasons";
const REASONS: &str = "/fulcrum.v1.LeverService/ListArchiveReasons";

/// What the request id of an edit begins with; the id of the edited operation follows.
const EDIT: &str = "edit-";

/// Why an edit is refused after another one.
const OVERTAKEN: &str = "OPERATION_EDITED";

/// How long the page waits for Lever before it shows the new write as it stands.
const WAIT: prost_types::Duration = prost_types::Duration {
    seconds: 2,
    nanos: 0,
};

/// The longest note that fits into a form; what is longer is written in several notes.
const LONGEST: usize = domain::operation::LONGEST_NOTE;

pub(super) fn routes() -> Router<Console> {
    let at = "/console/connections/{id}/operations/{operation}";
    Router::new()
        .route(&format!("{at}/edit"), get(show_one).post(send_one))
        .route(
            &format!("{at}/{{item}}/edit"),
            get(show_item).post(send_item),
        )
}

async fn show_one(
    desk: Desk,
    Path((connection, operation)): Path<(String, String)>,
) -> Result<Response, Refused> {
    show(&desk, &connection, &operation).await
}

async fn show_item(
    desk: Desk,
    Path((connection, bulk, item)): Path<(String, String, String)>,
) -> Result<Response, Refused> {
    show(&desk, &connection, &format!("{bulk}/{item}")).await
}

async fn send_one(
    Path((connection, operation)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, Refused> {
    send(&connection, &operation, posted).await
}

async fn send_item(
    Path((connection, bulk, item)): Path<(String, String, String)>,
    posted: Posted,
) -> Result<Response, Refused> {
    send(&connection, &format!("{bulk}/{item}"), posted).await
}

/// The operation that an edit was made of, by the request id of the edit.
pub(super) fn edited(request_id: &str) -> Option<&str> {
    let id = request_id.strip_prefix(EDIT)?;
    let fits = |letter: char| letter.is_ascii_hexdigit() || matches!(letter, '-' | '/');
    (!id.is_empty() && id.chars().all(fits)).then_some(id)
}

/// What was sent in the place of an operation.
pub(super) async fn in_its_place(
    desk: &Desk,
    operation: &pb::Operation,
) -> Result<Option<pb::Operation>, Refused> {
    use pb::OperationState as State;
    let ended = matches!(operation.state(), State::Failed | State::Cancelled);
    if !ended || operation.error.is_none() || operation.opportunity_id.is_empty() {
        return Ok(None);
    }
    let request = pb::ListOperationsRequest {
        connection_id: operation.connection_id.clone(),
        opportunity_id: operation.opportunity_id.clone(),
        created_since: operation.create_time,
        page_size: 1_000,
        ..Default::default()
    };
    let rpc = Tab::Operations.rpc();
    let listed = desk.call(rpc, request, Api::list_operations).await?;
    let wanted = request_id(operation);
    let mut later = listed.operations.into_iter();
    Ok(later.find(|one| one.request_id == wanted))
}

fn request_id(operation: &pb::Operation) -> String {
    format!("{EDIT}{}", operation.id)
}

/// Whether a form can change what writes of this kind ask for.
pub(super) fn has_form(kind: Kind) -> bool {
    rpc(kind).is_some()
}

/// The rpc that asks for a write of this kind, where a form can.
fn rpc(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::CreateNote => "/fulcrum.v1.CandidateService/CreateNote",
        Kind::UpdateNote => "/fulcrum.v1.CandidateService/UpdateNote",
        Kind::AddTags => "/fulcrum.v1.CandidateService/AddTags",
        Kind::RemoveTags => "/fulcrum.v1.CandidateService/RemoveTags",
        Kind::AddSources => "/fulcrum.v1.CandidateService/AddSources",
        Kind::RemoveSources => "/fulcrum.v1.CandidateService/RemoveSources",
        Kind::AddLinks => "/fulcrum.v1.CandidateService/AddLinks",
        Kind::RemoveLinks => "/fulcrum.v1.CandidateService/RemoveLinks",
        Kind::ChangeStage => "/fulcrum.v1.CandidateService/ChangeStage",
        Kind::Archive => "/fulcrum.v1.CandidateService/Archive",
        _ => return None,
    })
}

/// Why no form changes it; none where one does.
pub(super) fn why_not(operation: &pb::Operation) -> Option<&'static str> {
    let kind = operation.kind();
    match kind {
        Kind::Bulk => return Some("Each write of a bulk is edited on its own page."),
        Kind::Unarchive => {
            return Some("There is nothing in it to change: Retry asks for the same again.");
        }
        Kind::UploadFile => {
            return Some(
                "A file is not kept once Lever has refused it: have the product send another.",
            );
        }
        Kind::ExportCandidate | Kind::CreateOpportunity => {
            return Some(
                "What is exported is the person as the product has it: change that there, and export again.",
            );
        }
        Kind::CreateForm | Kind::ApplyToPosting => {
            return Some(
                "It answers a form of Lever’s, which the product fills in: have it sent again from there.",
            );
        }
        Kind::UpdateContact | Kind::UpdateUser | Kind::Raw => {
            return Some(
                "What it changes in Lever only the product can name: have it sent again from there.",
            );
        }
        _ => {}
    }
    let done = |step: &pb::OperationStep| step.state() == pb::OperationState::Succeeded;
    let content = operation.content.as_ref();
    if operation.steps.iter().any(done) {
        Some("A part of it is in Lever already: Retry goes on with the rest.")
    } else if content.is_some_and(|content| content.note.len() > LONGEST) {
        Some(
            "The text is written as several notes, which no form takes: have the product send it again.",
        )
    } else if content.is_none() {
        Some("What it asked for is not kept any more, or is for admins alone to read.")
    } else {
        None
    }
}

async fn show(desk: &Desk, connection: &str, operation: &str) -> Result<Response, Refused> {
    let operation = found(desk, connection, operation).await?;
    let form = filled_in(&operation);
    page_of(desk, &operation, &form, None).await
}

async fn send(
    connection: &str,
    operation: &str,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let operation = found(&desk, connection, operation).await?;
    match sent(&desk, &operation, &form).await {
        Ok(new) => {
            if operation.state() == pb::OperationState::Failed {
                cancel(&desk, connection, &operation.id).await?;
            }
            let path = format!("{}/{new}", Tab::Operations.path(connection));
            let said = "This is the new write. The one that failed is given up: it stays as it was, and is not tried again.";
            Ok(desk.done(&path, said))
        }
        Err(refused) => {
            let operation = found(&desk, connection, &operation.id).await?;
            let refused = match in_its_place(&desk, &operation).await? {
                Some(_) if is_of_the_write(&refused) => overtaken(),
                _ => refused,
            };
            let page = page_of(&desk, &operation, &form, Some(&refused)).await?;
            Ok((refused.http(), page).into_response())
        }
    }
}

/// Whether a refusal is for what was asked, which nobody can ask for once the write was edited, and not for how the
/// service or whoever asked stands.
fn is_of_the_write(refused: &Refused) -> bool {
    use tonic::Code;
    matches!(
        refused.code(),
        Code::AlreadyExists | Code::FailedPrecondition | Code::InvalidArgument
    )
}

/// The refusal to edit what somebody has edited already, and otherwise.
fn overtaken() -> Refused {
    let message =
        "somebody else, or you in another window, has already changed and sent this write";
    status(engine::Error::precondition(OVERTAKEN, message, Vec::new())).into()
}

/// Asks for the write as it was filled in; the id of the new operation, which is the old one's where the same form came
/// before.
async fn sent(desk: &Desk, operation: &pb::Operation, form: &Form) -> Result<String, Refused> {
    let kind = operation.kind();
    let Some(rpc) = rpc(kind) else {
        return Err(no_longer(why_not(operation)));
    };
    if operation.state() != pb::OperationState::Failed {
        // The second press of a button, whose first has given it up.
        let Some(there) = in_its_place(desk, operation).await? else {
            return Err(no_longer(None));
        };
        if there.kind() == Kind::Archive && is_rejection(operation) {
            // Its content is told on its own page alone.
            let there = found(desk, &operation.connection_id, &there.id).await?;
            return match rejects_as_filled_in(&there, form) {
                true => Ok(there.id),
                false => Err(overtaken()),
            };
        }
    } else if let Some(why) = why_not(operation) {
        return Err(no_longer(Some(why)));
    }
    if ends_a_candidacy(operation) && !form.ticked("sure") {
        let message = "tick the box to have it sent: it cannot be called back";
        return Err(status(engine::Error::invalid("sure", message)).into());
    }
    let asked = operation.content.clone().unwrap_or_default();
    let named = operation.acting_because() == pb::ActingBecause::Named;
    macro_rules! ask {
        ($request:ident, $method:ident { $($field:ident: $value:expr,)* }) => {{
            let request = pb::$request {
                connection_id: operation.connection_id.clone(),
                opportunity_id: operation.opportunity_id.clone(),
                request_id: request_id(operation),
                wait: Some(WAIT),
                acting_user: operation.acting_user.clone(),
                perform_as: if named { operation.acting_user_id.clone() } else { String::new() },
                $($field: $value,)*
                ..Default::default()
            };
            desk.call(rpc, request, Api::$method).await?.operation
        }};
    }
    let lines = |field: &str| lines(form.text(field));
    let text = |field: &str| form.text(field).to_owned();
    let new = match kind {
        Kind::CreateNote => ask!(
            CreateNoteRequest,
            create_note {
                value: unix(form.text("value")),
                secret: form.ticked("secret"),
                score: score(form.text("score"))?,
                notify_followers: form.ticked("notify_followers"),
                note_id: asked.note_id,
            }
        ),
        Kind::UpdateNote => ask!(
            UpdateNoteRequest,
            update_note {
                note_id: asked.note_id,
                values: form.all("values").map(unix).collect(),
            }
        ),
        Kind::AddTags => ask!(
            AddTagsRequest,
            add_tags {
                tags: lines("tags"),
                respect_removals: form.ticked("respect_removals"),
            }
        ),
        Kind::RemoveTags => ask!(
            RemoveTagsRequest,
            remove_tags {
                tags: lines("tags"),
                only_ours: form.ticked("only_ours"),
            }
        ),
        Kind::AddSources => ask!(
            AddSourcesRequest,
            add_sources {
                sources: lines("sources"),
            }
        ),
        Kind::RemoveSources => ask!(
            RemoveSourcesRequest,
            remove_sources {
                sources: lines("sources"),
            }
        ),
        Kind::AddLinks => ask!(
            AddLinksRequest,
            add_links {
                links: lines("links"),
            }
        ),
        Kind::RemoveLinks => ask!(
            RemoveLinksRequest,
            remove_links {
                links: lines("links"),
                only_ours: form.ticked("only_ours"),
            }
        ),
        Kind::ChangeStage => ask!(
            ChangeStageRequest,
            change_stage {
                stage_id: text("stage_id"),
                expected_stage_id: text("expected_stage_id"),
            }
        ),
        Kind::Archive if is_rejection(operation) => {
            let perform_as = if named {
                operation.acting_user_id.as_str()
            } else {
                ""
            };
            return rejected(desk, operation, form, perform_as).await;
        }
        Kind::Archive => ask!(
            ArchiveRequest,
            archive {
                archive_reason_id: text("archive_reason_id"),
                requisition_id: asked.requisition_id,
                clean_interviews: form.ticked("clean_interviews"),
            }
        ),
        _ => None,
    };
    Ok(new.unwrap_or_default().id)
}

/// Asks for a rejection anew: it is held as long as all are.
async fn rejected(
    desk: &Desk,
    operation: &pb::Operation,
    form: &Form,
    perform_as: &str,
) -> Result<String, Refused> {
    let asked = operation.content.clone().unwrap_or_default();
    let request = pb::RejectApplicantsRequest {
        connection_id: operation.connection_id.clone(),
        applicants: vec![pb::ApplicantRef {
            opportunity_id: operation.opportunity_id.clone(),
            expected_stage_id: form.text("expected_stage_id").to_owned(),
        }],
        request_id: request_id(operation),
        acting_user: operation.acting_user.clone(),
        perform_as: perform_as.to_owned(),
        archive_reason_id: form.text("archive_reason_id").to_owned(),
        clean_interviews: form.ticked("clean_interviews"),
        email_template_id: asked.email_template_id,
        ..Default::default()
    };
    let mut told = desk.call(REJECT, request, Api::reject_applicants).await?;
    let bulk = told.next().await.transpose()?;
    let bulk = bulk.and_then(|told| told.operation).unwrap_or_default();
    Ok(format!("{}/1", bulk.id))
}

/// Whether a rejection is the one that a form asks for.
fn rejects_as_filled_in(rejection: &pb::Operation, form: &Form) -> bool {
    let told = rejection.summary.clone().unwrap_or_default();
    let cleans = rejection
        .content
        .as_ref()
        .map(|asked| asked.clean_interviews);
    told.archive_reason_id == form.text("archive_reason_id")
        && told.expected_stage_id == form.text("expected_stage_id")
        && cleans.is_none_or(|cleans| cleans == form.ticked("clean_interviews"))
}

fn is_rejection(operation: &pb::Operation) -> bool {
    operation.summary.as_ref().is_some_and(|told| told.rejects)
}

/// The refusal to edit what cannot be edited, or not any more.
fn no_longer(why: Option<&str>) -> Refused {
    let why =
        why.unwrap_or("only an operation that failed is edited: this one has moved meanwhile");
    status(engine::Error::precondition(
        "OPERATION_NOT_EDITABLE",
        why.to_owned(),
        Vec::new(),
    ))
    .into()
}

/// What was typed into several lines, as every system but a browser has it.
fn unix(typed: &str) -> String {
    typed.replace("\r\n", "\n")
}

fn lines(typed: &str) -> Vec<String> {
    let lines = typed.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn score(typed: &str) -> Result<u32, Refused> {
    let bad = |_| {
        status(engine::Error::invalid(
            "score",
            "choose one of those that are offered",
        ))
    };
    match typed {
        "" => Ok(0),
        typed => Ok(typed.parse().map_err(bad)?),
    }
}

async fn page_of(
    desk: &Desk,
    operation: &pb::Operation,
    form: &Form,
    refused: Option<&Refused>,
) -> Result<Response, Refused> {
    let id = &operation.connection_id;
    let connection = desk.connection(id).await?;
    if let Some(rpc) = rpc(operation.kind()) {
        desk.check(rpc)?;
    }
    let failed = operation.state() == pb::OperationState::Failed;
    let path = Tab::Operations.path(id);
    let instead = in_its_place(desk, operation).await?;
    let view = View {
        path: &path,
        operation,
        rows: Rows::new(desk, &path, &connection),
        form,
        offered: &offered(desk, operation).await?,
        refused,
        instead: instead.as_ref(),
        csrf: (failed && why_not(operation).is_none() && is_open(&connection))
            .then_some(desk.csrf()),
    };
    let title = format!("Edit: {}", headline(operation));
    let content = maud::html! { (way_back(&connection)) (page(&view)) };
    Ok(desk.below(&connection, Tab::Operations, &title, content))
}

/// What can be chosen from: where the person can go, or with which reason.
async fn offered(desk: &Desk, operation: &pb::Operation) -> Result<Vec<(String, String)>, Refused> {
    let connection_id = operation.connection_id.clone();
    Ok(match operation.kind() {
        Kind::ChangeStage => stages(desk, &connection_id).await,
        Kind::Archive if is_rejection(operation) => {
            let request = pb::ListRejectReasonsRequest { connection_id };
            let listed = desk.call(REJECT_REASONS, request, Api::list_reject_reasons);
            let reasons = listed.await?.reasons.into_iter();
            reasons
                .map(|one| (one.archive_reason_id, one.text))
                .collect()
        }
        Kind::Archive => {
            let request = pb::ListArchiveReasonsRequest {
                connection_id,
                page_size: 1_000,
                ..Default::default()
            };
            let listed = desk.call(REASONS, request, Api::list_archive_reasons);
            let reasons = listed.await?.archive_reasons.into_iter();
            reasons.map(|one| (one.id, one.text)).collect()
        }
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_edit_was_made_of_is_told_by_its_request_id() {
        assert_eq!(edited("edit-0a-1/2"), Some("0a-1/2"));
        for other in ["", "edit-", "edit-../x", "0a-1", "edit-<b>"] {
            assert_eq!(edited(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_typed_in_a_browser_has_the_line_ends_of_lever() {
        assert_eq!(unix("a\r\nb"), "a\nb");
        assert_eq!(lines(" a\r\n\r\n b "), ["a", "b"]);
    }
}
