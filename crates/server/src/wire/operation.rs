//! Operations, and the requests that make them.

use std::time::Duration;

use ::lever::{ArchiveReasonId, NoteId, OpportunityId, RequisitionId, StageId, UserId, registry};
use domain::operation::{Attempt, Failure, NoteText, Prepared, PreparedKind, State, Tally};
use domain::{ActingBecause, Operation, PassedOver, Write};
use engine::{
    Acting, BulkDryRun, BulkItem, BulkRequest, Chosen, DryRun, Error, Hold, LONGEST_EMAIL,
    OperationFilter, Planned, PlannedCall, Result, Shown, Summary, WriteRequest, prepare,
};
use proto::v1 as pb;
use serde_json::Value;

use super::connection::non_empty;
use super::connection_id;
use super::status::failure;
use super::time::{from_duration, from_timestamp, to_duration, to_timestamp};
use super::upload::from_upload;

/// The longest a write waits for Lever.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// An operation as the wire has it.
pub fn to_pb(operation: &Operation) -> pb::Operation {
    let error = operation.state.failure().map(failure);
    let state = to_state(&operation.state);
    pb::Operation {
        id: operation.told_id(),
        parent_id: operation
            .parent
            .map(|parent| parent.to_string())
            .unwrap_or_default(),
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
        steps: to_steps(operation),
        result_id: operation.result_id.clone().unwrap_or_default(),
        acting_user_id: user_id(operation.acting_user.as_ref()),
        connection_id: operation.connection.to_string(),
        opportunity_id: operation.opportunity.as_str().to_owned(),
        create_time: Some(to_timestamp(operation.created_at)),
        update_time: Some(to_timestamp(operation.updated_at)),
        lever_operation: lever_operation(&operation.write),
        // Who may see it is for the service to say.
        result_json: bytes::Bytes::new(),
        acting_because: to_because(operation.acting_because).into(),
        acting_user: operation.asked_for.clone().unwrap_or_default(),
        asked_by: operation.asked_by.clone(),
        release_time: match operation.state {
            State::Held { release_at } => Some(to_timestamp(release_at)),
            _ => None,
        },
        tally: None,
        item_kind: match &operation.write {
            Write::Bulk(bulk) => kind_of_name(&bulk.kind).into(),
            _ => pb::OperationKind::Unspecified.into(),
        },
        eta: None,
        planned_calls: 0,
        background_calls: 0,
        left_out: operation.left_out.clone(),
        email_intent: to_email_intent(operation),
        passed_over: to_passed_over(operation.passed_over).into(),
        rpc_id: operation.rpc.clone().unwrap_or_default(),
        // It takes reading, and depends on who asks.
        summary: None,
        content: None,
        next_try_time: match operation.state {
            State::Recorded { not_before } => not_before.map(to_timestamp),
            _ => None,
        },
    }
}

/// What a caller may be told of an operation in words.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The person's name.
    pub person: bool,
    /// What was written.
    pub content: bool,
}

/// Whom an operation is about and what it asks for, as the wire has it.
pub fn to_summary(summary: Summary, told: Told) -> pb::OperationSummary {
    let many = |texts: &[String]| count(texts.len());
    let content = |texts| if told.content { texts } else { Vec::new() };
    let written_name = Some(summary.written_name).filter(|_| told.content);
    let name = Some(summary.person).filter(|name| !name.is_empty());
    let name = name.or(written_name).filter(|_| told.person);
    let (present_stage_id, present_stage_text) = id_and_text(summary.present_stage);
    let (stage_id, stage_text) = id_and_text(summary.stage);
    let (expected_stage_id, expected_stage_text) = id_and_text(summary.expected_stage);
    let (archive_reason_id, archive_reason_text) = id_and_text(summary.archive_reason);
    let (posting_id, posting_text) = id_and_text(summary.posting);
    let (present_posting_id, present_posting_text) = id_and_text(summary.present_posting);
    pb::OperationSummary {
        person_name: name.unwrap_or_default(),
        present_stage_id,
        present_stage_text,
        archived: summary.archived,
        stage_id,
        stage_text,
        expected_stage_id,
        expected_stage_text,
        archive_reason_id,
        archive_reason_text,
        hires: summary.hires,
        rejects: summary.rejects,
        posting_id,
        posting_text,
        tag_count: many(&summary.tags),
        tags: content(summary.tags),
        source_count: many(&summary.sources),
        sources: content(summary.sources),
        acting_user_name: summary.acting_user,
        present_posting_id,
        present_posting_text,
    }
}

fn id_and_text(shown: Option<Shown>) -> (String, String) {
    shown.map_or_else(Default::default, |shown| (shown.id, shown.text))
}

/// The e-mail that the product sends once somebody is rejected (X20).
fn to_email_intent(operation: &Operation) -> Option<pb::EmailIntent> {
    match (&operation.write, &operation.state) {
        (
            Write::Archive {
                reason,
                rejects: Some(rejects),
                ..
            },
            State::Succeeded,
        ) => Some(pb::EmailIntent {
            email_template_id: rejects.email_template.clone()?,
            archive_reason_id: reason.as_str().to_owned(),
        }),
        _ => None,
    }
}

/// What became of the items of a bulk.
pub fn to_tally(tally: Tally) -> pb::Tally {
    let Tally {
        succeeded,
        failed,
        uncertain,
        cancelled,
        held,
        open,
    } = tally;
    pb::Tally {
        items: succeeded + failed + uncertain + cancelled + held + open,
        succeeded,
        failed,
        uncertain,
        cancelled,
        held,
        open,
    }
}

pub(super) fn to_because(because: ActingBecause) -> pb::ActingBecause {
    match because {
        ActingBecause::Nobody => pb::ActingBecause::Nobody,
        ActingBecause::Named => pb::ActingBecause::Named,
        ActingBecause::Email => pb::ActingBecause::Email,
        ActingBecause::Linked => pb::ActingBecause::Linked,
        ActingBecause::OpportunityOwner => pb::ActingBecause::OpportunityOwner,
        ActingBecause::PostingOwner => pb::ActingBecause::PostingOwner,
        ActingBecause::ConnectionDefault => pb::ActingBecause::ConnectionDefault,
        ActingBecause::ItemsDiffer => pb::ActingBecause::ItemsDiffer,
    }
}

pub(super) fn to_passed_over(passed_over: Option<PassedOver>) -> pb::PassedOver {
    match passed_over {
        None => pb::PassedOver::Unspecified,
        Some(PassedOver::Unknown) => pb::PassedOver::Unknown,
        Some(PassedOver::Deactivated) => pb::PassedOver::Deactivated,
        Some(PassedOver::LinkUnknown) => pb::PassedOver::LinkUnknown,
        Some(PassedOver::LinkDeactivated) => pb::PassedOver::LinkDeactivated,
        Some(PassedOver::DefaultDeactivated) => pb::PassedOver::DefaultDeactivated,
        Some(PassedOver::DefaultUnknown) => pb::PassedOver::DefaultUnknown,
        Some(PassedOver::UsersUnreadable) => pb::PassedOver::UsersUnreadable,
    }
}

/// The steps of an operation; one that is a single write is its own step.
fn to_steps(operation: &Operation) -> Vec<pb::OperationStep> {
    let state = to_state(&operation.state);
    if operation.steps.is_empty() {
        return vec![pb::OperationStep {
            name: step_name(&operation.write),
            state: state.into(),
            there_already: false,
        }];
    }
    let present = operation.present_step();
    let state_of = |index: usize, done: bool| match (done, index == present) {
        (true, _) => pb::OperationState::Succeeded,
        (false, true) => state,
        // What comes after a step that ended badly is not sent.
        (false, false) if operation.state.settled() => pb::OperationState::Cancelled,
        (false, false) => pb::OperationState::Recorded,
    };
    let steps = operation.steps.iter().enumerate();
    steps
        .map(|(index, step)| pb::OperationStep {
            name: step_name(&step.write),
            state: state_of(index, step.done).into(),
            there_already: step.there,
        })
        .collect()
}

/// What a write asks for beside its summary; none of kinds that it has no words for, or where that is not kept any more.
fn to_content(operation: &Operation) -> Option<pb::OperationContent> {
    let (write, minds) = (&operation.write, operation.minds_provenance);
    if !engine::has_content(write) {
        return None;
    }
    let nothing = pb::OperationContent::default();
    let text = |id: Option<&str>| id.unwrap_or_default().to_owned();
    Some(match write {
        Write::CreateNote(note) => pb::OperationContent {
            note: note.value.clone(),
            secret: note.secret,
            score: note.score.map(u32::from).unwrap_or_default(),
            notify_followers: note.notify_followers,
            note_id: text(note.thread.as_ref().map(NoteId::as_str)),
            ..nothing
        },
        Write::Prepared(prepared) => match prepared.kind {
            PreparedKind::UpdateNote => pb::OperationContent {
                note_id: text(prepared.call.path.get("note").map(String::as_str)),
                values: prepare::note_texts(prepared),
                ..nothing
            },
            PreparedKind::AddLinks | PreparedKind::RemoveLinks => pb::OperationContent {
                links: domain::provenance::links(prepared),
                only_ours: minds && prepared.kind == PreparedKind::RemoveLinks,
                ..nothing
            },
            _ => return None,
        },
        Write::Archive {
            requisition,
            clean_interviews,
            rejects,
            ..
        } => pb::OperationContent {
            requisition_id: text(requisition.as_ref().map(RequisitionId::as_str)),
            clean_interviews: *clean_interviews,
            email_template_id: rejects
                .as_ref()
                .and_then(|rejects| rejects.email_template.clone())
                .unwrap_or_default(),
            ..nothing
        },
        // What else these ask is in the summary.
        Write::AddTags { .. } => pb::OperationContent {
            respect_removals: minds,
            ..nothing
        },
        Write::RemoveTags { .. } => pb::OperationContent {
            only_ours: minds,
            ..nothing
        },
        // All that these ask is there.
        Write::AddSources { .. }
        | Write::RemoveSources { .. }
        | Write::ChangeStage { .. }
        | Write::Unarchive => nothing,
        Write::Raw(_)
        | Write::UploadFile(_)
        | Write::Bulk(_)
        | Write::Export(_)
        | Write::CreateOpportunity(_) => return None,
    })
}

/// Adds what was asked for, and what was sent with each call, for callers who may know it.
pub fn with_content(shown: pb::Operation, operation: &Operation) -> pb::Operation {
    let sent = engine::sent(operation);
    let calls = shown.lever_calls.into_iter().zip(sent);
    let with = |(call, sent): (pb::LeverCall, Option<PlannedCall>)| match sent {
        Some(sent) => pb::LeverCall {
            status: call.status,
            call_time: call.call_time,
            ..to_planned(&sent)
        },
        None => call,
    };
    pb::Operation {
        lever_calls: calls.map(with).collect(),
        content: to_content(operation),
        ..shown
    }
}

/// Whether only few may know what an operation wrote: a secret note.
pub fn is_secret(operation: &Operation) -> bool {
    let secret = |write: &Write| match write {
        Write::CreateNote(note) => note.secret,
        Write::Raw(raw) => {
            WRITES_OF_NOTES.contains(&raw.operation.as_str())
                && raw.body.as_deref().is_some_and(says_secret)
        }
        _ => false,
    };
    secret(&operation.write) || operation.steps.iter().any(|step| secret(&step.write))
}

/// The calls that may write a secret note.
const WRITES_OF_NOTES: [&str; 4] = [
    registry::CREATE_OPPORTUNITY_NOTE.id,
    registry::UPDATE_OPPORTUNITY_NOTE.id,
    registry::CREATE_CANDIDATE_NOTE.id,
    registry::UPDATE_CANDIDATE_NOTE.id,
];

/// Whether the body of a call has `secret` set, wherever in it; one that cannot be read may.
fn says_secret(body: &str) -> bool {
    fn is_set(value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields.iter().any(|(name, value)| {
                let off = matches!(value, Value::Null | Value::Bool(false));
                name == "secret" && !off || is_set(value)
            }),
            Value::Array(values) => values.iter().any(is_set),
            _ => false,
        }
    }
    serde_json::from_str(body).map_or(true, |body| is_set(&body))
}

/// What a dry run would do, in the shape of an operation that was never recorded.
pub fn to_dry_run(request: &WriteRequest, planned: &DryRun) -> pb::Operation {
    pb::Operation {
        request_id: request.request_id.clone(),
        kind: to_kind(&request.write).into(),
        state: pb::OperationState::Unspecified.into(),
        connection_id: request.connection.to_string(),
        opportunity_id: request.opportunity.as_str().to_owned(),
        lever_operation: lever_operation(&request.write),
        eta: Some(to_duration(planned.eta)),
        background_calls: count(planned.background),
        ..to_planned_one(&planned.planned)
    }
}

/// What is told of a write that is planned, alone or among many.
fn to_planned_one(planned: &Planned) -> pb::Operation {
    pb::Operation {
        left_out: planned.left_out.clone(),
        release_time: planned.release_at.map(to_timestamp),
        error: planned.refused.as_ref().map(failure),
        ..to_planned_write(&planned.calls, &planned.acting)
    }
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The part of a dry run that is about the calls of one write.
pub(super) fn to_planned_write(calls: &[PlannedCall], acting: &Chosen) -> pb::Operation {
    pb::Operation {
        lever_calls: calls.iter().map(to_planned).collect(),
        planned_calls: count(calls.len()),
        acting_user_id: user_id(acting.user.as_ref()),
        acting_because: to_because(acting.because).into(),
        passed_over: to_passed_over(acting.passed_over).into(),
        ..Default::default()
    }
}

/// What a bulk would do: the bulk, and then each of its items.
pub fn to_bulk_dry_run(request: &BulkRequest, planned: &BulkDryRun) -> Vec<pb::Operation> {
    let item_kind = request
        .items
        .first()
        .map_or(pb::OperationKind::Unspecified, |item| to_kind(&item.write));
    let mut tally = Tally::default();
    for item in &planned.items {
        let refused = match item {
            Ok(planned) => planned.refused.as_ref(),
            Err(why) => Some(why),
        };
        *match refused {
            None => &mut tally.open,
            Some(why) if why.kind.is_needless() => &mut tally.cancelled,
            Some(_) => &mut tally.failed,
        } += 1;
    }
    let mut held = planned.items.iter().flatten();
    let held = held.find_map(|item| item.release_at);
    let bulk = pb::Operation {
        request_id: request.request_id.clone(),
        kind: pb::OperationKind::Bulk.into(),
        item_kind: item_kind.into(),
        connection_id: request.connection.to_string(),
        eta: Some(to_duration(planned.eta)),
        planned_calls: count(planned.calls),
        background_calls: count(planned.background),
        release_time: held.map(to_timestamp),
        tally: Some(to_tally(tally)),
        ..Default::default()
    };
    let items = request.items.iter().zip(&planned.items);
    let item = |(item, planned): (&BulkItem, &std::result::Result<Planned, Failure>)| {
        let shown = match planned {
            Ok(planned) => to_planned_one(planned),
            Err(why) => pb::Operation {
                error: Some(failure(why)),
                ..Default::default()
            },
        };
        pb::Operation {
            kind: to_kind(&item.write).into(),
            connection_id: request.connection.to_string(),
            opportunity_id: item.opportunity.as_str().to_owned(),
            ..shown
        }
    };
    std::iter::once(bulk).chain(items.map(item)).collect()
}

fn user_id(user: Option<&UserId>) -> String {
    user.map(|user| user.as_str().to_owned())
        .unwrap_or_default()
}

fn to_state(state: &State) -> pb::OperationState {
    match state {
        State::Held { .. } => pb::OperationState::Held,
        State::Recorded { .. } => pb::OperationState::Recorded,
        State::Sending { .. } | State::Reconciling { .. } => pb::OperationState::Sending,
        State::Succeeded => pb::OperationState::Succeeded,
        State::Failed(_) => pb::OperationState::Failed,
        State::Uncertain(_) => pb::OperationState::Uncertain,
        State::Cancelled(_) => pb::OperationState::Cancelled,
    }
}

fn to_kind(write: &Write) -> pb::OperationKind {
    kind_of_name(write.kind())
}

/// The kind whose name, without its prefix, is this.
fn kind_of_name(name: &str) -> pb::OperationKind {
    pb::OperationKind::from_str_name(&format!("OPERATION_KIND_{name}")).unwrap_or_default()
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
            .map(|entry| filled(entry.path, operation, attempt))
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
fn filled(path: &str, operation: &Operation, attempt: &Attempt) -> String {
    let id = operation.opportunity.as_str();
    let path = path.replace("{opportunity}", id).replace("{candidate}", id);
    let step = operation.steps.get(attempt.step as usize);
    match step.map_or(&operation.write, |step| &step.write) {
        Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. }) => {
            raw.path.iter().fold(path, |path, (name, value)| {
                path.replace(&format!("{{{name}}}"), value)
            })
        }
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
        write_message!($message, $request, None, false => $write);
    };
    ($message:ty, $request:ident, $hold:expr, $minds:expr => $write:expr) => {
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
                    hold: $hold,
                    minds_provenance: $minds,
                };
                envelope.asks(write, asked_by, default_wait)
            }
        }
    };
}

write_message!(pb::CreateNoteRequest, request => Write::CreateNote(NoteText {
    value: request.value.clone(),
    secret: request.secret,
    score: from_score(request.score)?,
    notify_followers: request.notify_followers,
    thread: non_empty(&request.note_id).map(NoteId::from),
}));
write_message!(pb::UpdateNoteRequest, request => prepare::update_note(
    &OpportunityId::from(request.opportunity_id.as_str()),
    &NoteId::from(request.note_id.as_str()),
    request.values.clone(),
)?);
write_message!(pb::AddLinksRequest, request => prepare::add_links(
    &OpportunityId::from(request.opportunity_id.as_str()),
    request.links.clone(),
)?);
write_message!(pb::RemoveLinksRequest, request, None, request.only_ours => prepare::remove_links(
    &OpportunityId::from(request.opportunity_id.as_str()),
    request.links.clone(),
)?);
write_message!(pb::AddTagsRequest, request, None, request.respect_removals => Write::AddTags { tags: request.tags.clone() });
write_message!(pb::RemoveTagsRequest, request, None, request.only_ours => Write::RemoveTags { tags: request.tags.clone() });
write_message!(pb::AddSourcesRequest, request => Write::AddSources { sources: request.sources.clone() });
write_message!(pb::RemoveSourcesRequest, request => Write::RemoveSources { sources: request.sources.clone() });
write_message!(pb::ChangeStageRequest, request => Write::ChangeStage {
    stage: StageId::from(request.stage_id.as_str()),
    expected_stage: non_empty(&request.expected_stage_id).map(StageId::from),
});
write_message!(pb::ArchiveRequest, request, request.hold.as_ref(), false => Write::Archive {
    reason: ArchiveReasonId::from(request.archive_reason_id.as_str()),
    requisition: non_empty(&request.requisition_id).map(RequisitionId::from),
    clean_interviews: request.clean_interviews,
    rejects: None,
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
    /// How long it is kept back.
    pub hold: Option<&'a pb::Hold>,
    /// Whether it minds who put there what.
    pub minds_provenance: bool,
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

/// Which operations are asked for.
///
/// # Errors
/// Invalid, naming the field; not found for a parent that is no operation id.
pub fn from_filter(request: &pb::ListOperationsRequest) -> Result<OperationFilter> {
    let states = names(&request.states, "states", |number| {
        let state = pb::OperationState::try_from(number).ok();
        state.map(|state| state.as_str_name().trim_start_matches("OPERATION_STATE_"))
    })?;
    let kinds = names(&request.kinds, "kinds", |number| {
        let kind = pb::OperationKind::try_from(number).ok();
        kind.map(|kind| kind.as_str_name().trim_start_matches("OPERATION_KIND_"))
    })?;
    let time = |field, at: &Option<prost_types::Timestamp>| {
        at.as_ref().map(|at| from_timestamp(field, at)).transpose()
    };
    Ok(OperationFilter {
        opportunity: non_empty(&request.opportunity_id).map(OpportunityId::from),
        states,
        kinds,
        request_id: non_empty(&request.request_id),
        parent: non_empty(&request.parent_id)
            .map(|id| super::operation_id(&id))
            .transpose()?,
        acting_user: non_empty(&request.acting_user_id).map(UserId::from),
        asked_by: non_empty(&request.asked_by),
        since: time("created_since", &request.created_since)?,
        before: time("created_before", &request.created_before)?,
    })
}

/// The names of enum values without their prefix.
fn names(
    numbers: &[i32],
    field: &str,
    name: impl Fn(i32) -> Option<&'static str>,
) -> Result<Vec<String>> {
    let known = |(index, number): (usize, &i32)| {
        let name = name(*number).filter(|name| *name != "UNSPECIFIED");
        name.map(str::to_owned)
            .ok_or_else(|| Error::invalid(format!("{field}[{index}]"), "there is no such value"))
    };
    numbers.iter().enumerate().map(known).collect()
}

/// For whom a write is made.
///
/// # Errors
/// Invalid when both are given, and for an e-mail over 320 bytes or without an @.
pub fn from_acting(acting_user: &str, perform_as: &str) -> Result<Acting> {
    match (acting_user, perform_as) {
        ("", "") => Ok(Acting::Default),
        (email, "") if email.len() > LONGEST_EMAIL || !email.contains('@') => Err(Error::invalid(
            "acting_user",
            "give the e-mail of a product user, at most 320 bytes with an @",
        )),
        (email, "") => Ok(Acting::Email(email.to_owned())),
        ("", user) => Ok(Acting::LeverUser(UserId::from(user))),
        _ => Err(Error::invalid(
            "perform_as",
            "name either acting_user or perform_as, not both",
        )),
    }
}

/// How long a write is kept back.
///
/// # Errors
/// Invalid, naming the field.
pub fn from_hold(hold: &pb::Hold) -> Result<Hold> {
    match &hold.delay {
        Some(pb::hold::Delay::Duration(time)) => {
            let longest = Duration::from_secs(30 * 24 * 3600);
            Ok(Hold::For(from_duration("hold.duration", time, longest)?))
        }
        Some(pb::hold::Delay::BusinessDays(days)) => u16::try_from(*days)
            .map(Hold::BusinessDays)
            .map_err(|_| Error::invalid("hold.business_days", "give at most 30 days")),
        None => Err(Error::invalid(
            "hold",
            "give duration or business_days, or leave hold out",
        )),
    }
}

fn from_score(score: u32) -> Result<Option<u8>> {
    match score {
        0 => Ok(None),
        score => u8::try_from(score).map(Some).map_err(|_| {
            Error::invalid(
                "score",
                "give 1 (strong no) to 4 (strong yes), or leave it out",
            )
        }),
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
    let acting = from_acting(envelope.acting_user, envelope.perform_as)?;
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
            hold: envelope.hold.map(from_hold).transpose()?,
            minds_provenance: envelope.minds_provenance,
            // What the caller may see is for the service to say.
            confidential: false,
            asked_by: asked_by.to_owned(),
        },
        dry_run: envelope.dry_run,
        wait,
        names_lever_user,
    })
}
