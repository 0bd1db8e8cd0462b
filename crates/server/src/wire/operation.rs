//! Operations, and the requests that make them.

use std::time::Duration;

use ::lever::{ArchiveReasonId, OpportunityId, RequisitionId, StageId, UserId};
use domain::operation::{Attempt, State};
use domain::{Operation, Write};
use engine::{Acting, DryRun, Error, PlannedCall, Result, WriteRequest};
use proto::v1 as pb;

use super::connection::non_empty;
use super::connection_id;
use super::status::failure;
use super::time::{from_duration, to_timestamp};
use super::upload::from_upload;

/// The longest a write waits for Lever.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// An operation as the wire has it.
pub fn to_pb(operation: &Operation) -> pb::Operation {
    let error = match &operation.state {
        State::Failed(why) | State::Uncertain(why) => Some(failure(why)),
        _ => None,
    };
    let state = to_state(&operation.state);
    pb::Operation {
        id: operation.id.to_string(),
        parent_id: String::new(),
        request_id: operation.request_id.clone(),
        kind: to_kind(&operation.write).into(),
        state: state.into(),
        reconciling: operation.reconciling(),
        error,
        lever_calls: operation
            .attempts
            .iter()
            .map(|attempt| to_call(operation, attempt))
            .collect(),
        steps: vec![pb::OperationStep {
            name: step_name(&operation.write),
            state: state.into(),
        }],
        result_id: operation.result_id.clone().unwrap_or_default(),
        acting_user_id: user_id(operation.acting_user.as_ref()),
        connection_id: operation.connection.to_string(),
        opportunity_id: operation.opportunity.as_str().to_owned(),
        create_time: Some(to_timestamp(operation.created_at)),
        update_time: Some(to_timestamp(operation.updated_at)),
        lever_operation: lever_operation(&operation.write),
        // Who may see it is for the service to say.
        result_json: bytes::Bytes::new(),
    }
}

/// What a dry run would do, in the shape of an operation that was never recorded.
pub fn to_dry_run(request: &WriteRequest, planned: &DryRun) -> pb::Operation {
    pb::Operation {
        request_id: request.request_id.clone(),
        kind: to_kind(&request.write).into(),
        state: pb::OperationState::Unspecified.into(),
        lever_calls: planned.calls.iter().map(to_planned).collect(),
        acting_user_id: user_id(planned.acting_user.as_ref()),
        connection_id: request.connection.to_string(),
        opportunity_id: request.opportunity.as_str().to_owned(),
        lever_operation: lever_operation(&request.write),
        ..Default::default()
    }
}

fn user_id(user: Option<&UserId>) -> String {
    user.map(|user| user.as_str().to_owned())
        .unwrap_or_default()
}

fn to_state(state: &State) -> pb::OperationState {
    match state {
        State::Recorded { .. } => pb::OperationState::Recorded,
        State::Sending { .. } | State::Reconciling { .. } => pb::OperationState::Sending,
        State::Succeeded => pb::OperationState::Succeeded,
        State::Failed(_) => pb::OperationState::Failed,
        State::Uncertain(_) => pb::OperationState::Uncertain,
        State::Cancelled => pb::OperationState::Cancelled,
    }
}

fn to_kind(write: &Write) -> pb::OperationKind {
    match write {
        Write::CreateNote { .. } => pb::OperationKind::CreateNote,
        Write::AddTags { .. } => pb::OperationKind::AddTags,
        Write::RemoveTags { .. } => pb::OperationKind::RemoveTags,
        Write::AddSources { .. } => pb::OperationKind::AddSources,
        Write::RemoveSources { .. } => pb::OperationKind::RemoveSources,
        Write::ChangeStage { .. } => pb::OperationKind::ChangeStage,
        Write::Archive { .. } => pb::OperationKind::Archive,
        Write::Unarchive => pb::OperationKind::Unarchive,
        Write::Raw(_) => pb::OperationKind::Raw,
        Write::UploadFile(_) => pb::OperationKind::UploadFile,
    }
}

fn step_name(write: &Write) -> String {
    if let Write::Raw(raw) = write {
        return raw.operation.clone();
    }
    write.kind().to_lowercase().replace('_', " ")
}

/// A call as the registry describes it, with the opportunity's id in its path.
fn to_call(operation: &Operation, attempt: &Attempt) -> pb::LeverCall {
    let entry = ::lever::registry::find(&attempt.lever_operation);
    pb::LeverCall {
        method: entry
            .map(|entry| entry.method.to_string())
            .unwrap_or_default(),
        path: entry
            .map(|entry| filled(entry.path, operation))
            .unwrap_or_default(),
        query: Vec::new(),
        body_json: String::new(),
        status: attempt.status.map(i32::from).unwrap_or_default(),
        call_time: Some(to_timestamp(attempt.at)),
        lever_operation: attempt.lever_operation.clone(),
        file: None,
    }
}

/// A path with the ids of the operation in place of its parameters.
fn filled(path: &str, operation: &Operation) -> String {
    let id = operation.opportunity.as_str();
    let path = path.replace("{opportunity}", id).replace("{candidate}", id);
    match &operation.write {
        Write::Raw(raw) => raw.path.iter().fold(path, |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value)
        }),
        _ => path,
    }
}

fn lever_operation(write: &Write) -> String {
    match write {
        Write::Raw(raw) => raw.operation.clone(),
        _ => String::new(),
    }
}

fn to_planned(call: &PlannedCall) -> pb::LeverCall {
    pb::LeverCall {
        method: call.method.clone(),
        path: call.path.clone(),
        query: call
            .query
            .iter()
            .map(|(name, value)| pb::QueryParameter {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
        body_json: call.body.clone().unwrap_or_default(),
        status: 0,
        call_time: None,
        lever_operation: call.lever_operation.to_owned(),
        file: call.file.as_ref().map(|file| pb::PlannedFile {
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            size: file.size,
        }),
    }
}

/// The fields that every write request has.
#[derive(Debug)]
pub struct Common {
    /// What is asked, for the engine.
    pub request: WriteRequest,
    /// Whether nothing is to be sent.
    pub dry_run: bool,
    /// How long to wait.
    pub wait: Duration,
    /// Whether the caller names a Lever user itself.
    pub names_lever_user: bool,
}

/// A write request of the wire.
pub trait WriteMessage {
    /// Reads what all writes share, and the write itself.
    ///
    /// # Errors
    /// Invalid, naming the field; not found for what is no connection id.
    fn read(self, asked_by: &str, default_wait: Duration) -> Result<Common>;
}

macro_rules! write_message {
    ($message:ty, $request:ident => $write:expr) => {
        impl WriteMessage for $message {
            fn read(self, asked_by: &str, default_wait: Duration) -> Result<Common> {
                let $request = &self;
                let write = $write;
                let envelope = Envelope {
                    connection_id: &self.connection_id,
                    opportunity_id: &self.opportunity_id,
                    request_id: &self.request_id,
                    dry_run: self.dry_run,
                    wait: self.wait.as_ref(),
                    acting_user: &self.acting_user,
                    perform_as: &self.perform_as,
                };
                envelope.asks(write, asked_by, default_wait)
            }
        }
    };
}

write_message!(pb::CreateNoteRequest, request => Write::CreateNote {
    value: request.value.clone(),
    secret: request.secret,
});
write_message!(pb::AddTagsRequest, request => Write::AddTags { tags: request.tags.clone() });
write_message!(pb::RemoveTagsRequest, request => Write::RemoveTags { tags: request.tags.clone() });
write_message!(pb::AddSourcesRequest, request => Write::AddSources { sources: request.sources.clone() });
write_message!(pb::RemoveSourcesRequest, request => Write::RemoveSources { sources: request.sources.clone() });
write_message!(pb::ChangeStageRequest, request => Write::ChangeStage {
    stage: StageId::from(request.stage_id.as_str()),
    expected_stage: non_empty(&request.expected_stage_id).map(StageId::from),
});
write_message!(pb::ArchiveRequest, request => Write::Archive {
    reason: ArchiveReasonId::from(request.archive_reason_id.as_str()),
    requisition: non_empty(&request.requisition_id).map(RequisitionId::from),
    clean_interviews: request.clean_interviews,
});
write_message!(pb::UnarchiveRequest, _request => Write::Unarchive);
write_message!(pb::UploadFileRequest, request => from_upload(request)?);

/// The fields that every write request has, as the wire has them.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// Ours.
    pub connection_id: &'a str,
    /// Lever's; empty for a raw write, whose path names it.
    pub opportunity_id: &'a str,
    /// The caller's.
    pub request_id: &'a str,
    /// Whether nothing is to be sent.
    pub dry_run: bool,
    /// How long to wait.
    pub wait: Option<&'a prost_types::Duration>,
    /// An e-mail, or empty.
    pub acting_user: &'a str,
    /// A Lever user id, or empty.
    pub perform_as: &'a str,
}

impl Envelope<'_> {
    /// The write that is asked for.
    ///
    /// # Errors
    /// Invalid, naming the field; not found for what is no connection id.
    pub fn asks(self, write: Write, asked_by: &str, default_wait: Duration) -> Result<Common> {
        common(self, write, asked_by, default_wait)
    }
}

fn common(
    envelope: Envelope<'_>,
    write: Write,
    asked_by: &str,
    default_wait: Duration,
) -> Result<Common> {
    let opportunity = match &write {
        Write::Raw(raw) => raw.opportunity(),
        _ => None,
    };
    let opportunity = opportunity.unwrap_or_else(|| OpportunityId::from(envelope.opportunity_id));
    let acting = match (envelope.acting_user, envelope.perform_as) {
        ("", "") => Acting::Default,
        (email, "") => Acting::Email(email.to_owned()),
        ("", user) => Acting::LeverUser(UserId::from(user)),
        _ => {
            return Err(Error::invalid(
                "perform_as",
                "name either acting_user or perform_as, not both",
            ));
        }
    };
    let wait = match envelope.wait {
        Some(wait) => from_duration("wait", wait, LONGEST_WAIT)?,
        None => default_wait,
    };
    let names_lever_user = matches!(acting, Acting::LeverUser(_));
    Ok(Common {
        request: WriteRequest {
            connection: connection_id(envelope.connection_id)?,
            opportunity,
            request_id: envelope.request_id.to_owned(),
            write,
            acting,
            // What the caller may see is for the service to say.
            confidential: false,
            asked_by: asked_by.to_owned(),
        },
        dry_run: envelope.dry_run,
        wait,
        names_lever_user,
    })
}
