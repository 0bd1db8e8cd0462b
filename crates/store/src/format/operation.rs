//! Operations: the outbox.

use domain::acting::Former;
use domain::export::{Export, NewOpportunity};
use domain::operation::{
    Attempt, Bulk, Failure, FailureKind, FileUpload, NoteText, Prepared, PreparedKind, RawWrite,
    Rejection, Sight, State, Step, Tally, UploadTarget,
};
use domain::{ActingBecause, ConnectionId, Operation, OperationId, PassedOver, Write};
use lever::Timestamp;
use prost::{Message, Oneof};

use super::id::{pack, unpack, unpack_option};
use super::{Stored, versions_to};

#[derive(Clone, PartialEq, Message)]
struct OperationV1 {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    connection: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    opportunity: Vec<u8>,
    #[prost(string, tag = "4")]
    request_id: String,
    #[prost(bytes = "vec", tag = "5")]
    digest: Vec<u8>,
    #[prost(
        oneof = "WriteV1",
        tags = "6, 7, 8, 9, 10, 11, 12, 13, 29, 31, 38, 39, 42, 43"
    )]
    write: Option<WriteV1>,
    #[prost(oneof = "StateV1", tags = "14, 15, 16, 17, 18, 19, 20, 36, 37")]
    state: Option<StateV1>,
    #[prost(message, repeated, tag = "21")]
    attempts: Vec<AttemptV1>,
    #[prost(string, optional, tag = "22")]
    result_id: Option<String>,
    #[prost(bytes = "vec", optional, tag = "23")]
    acting_user: Option<Vec<u8>>,
    #[prost(int64, tag = "24")]
    marker: i64,
    #[prost(string, tag = "25")]
    asked_by: String,
    #[prost(int64, tag = "26")]
    created_at: i64,
    #[prost(int64, tag = "27")]
    updated_at: i64,
    #[prost(uint64, tag = "28")]
    revision: u64,
    /// Since version 2.
    #[prost(string, optional, tag = "30")]
    answer: Option<String>,
    /// Since version 4, as all that follows.
    #[prost(bytes = "vec", optional, tag = "32")]
    parent: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "33")]
    steps: Vec<StepV4>,
    #[prost(string, tag = "34")]
    acting_because: String,
    #[prost(string, optional, tag = "35")]
    asked_for: Option<String>,
    #[prost(int64, tag = "40")]
    queued_at: i64,
    #[prost(string, repeated, tag = "50")]
    found: Vec<String>,
    #[prost(string, repeated, tag = "51")]
    left_out: Vec<String>,
    #[prost(string, optional, tag = "41")]
    passed_over: Option<String>,
    /// Since version 5.
    #[prost(int64, optional, tag = "52")]
    restored_at: Option<i64>,
    #[prost(string, optional, tag = "53")]
    rpc: Option<String>,
    #[prost(bool, tag = "54")]
    minds_provenance: bool,
    /// Since it can be chosen anew for whom a write is made.
    #[prost(message, repeated, tag = "55")]
    acted_before: Vec<FormerV5>,
    /// Since people whom the mirror lacks are looked at before something is written to them.
    #[prost(message, optional, tag = "56")]
    unseen: Option<SightV5>,
}

#[derive(Clone, PartialEq, Message)]
struct FormerV5 {
    #[prost(bytes = "vec", optional, tag = "1")]
    user: Option<Vec<u8>>,
    #[prost(int64, tag = "2")]
    until: i64,
}

#[derive(Clone, PartialEq, Message)]
struct SightV5 {
    #[prost(bool, tag = "1")]
    confidential: bool,
    #[prost(bool, tag = "2")]
    applicants_only: bool,
}

#[derive(Clone, PartialEq, Message)]
struct StepV4 {
    #[prost(
        oneof = "WriteV1",
        tags = "6, 7, 8, 9, 10, 11, 12, 13, 29, 31, 38, 39, 42, 43"
    )]
    write: Option<WriteV1>,
    #[prost(int64, tag = "1")]
    marker: i64,
    #[prost(bool, tag = "2")]
    done: bool,
    #[prost(string, optional, tag = "3")]
    result_id: Option<String>,
    /// Since version 5.
    #[prost(bool, tag = "4")]
    there: bool,
}

#[derive(Clone, PartialEq, Oneof)]
enum WriteV1 {
    #[prost(message, tag = "6")]
    CreateNote(NoteV1),
    #[prost(message, tag = "7")]
    AddTags(TextsV1),
    #[prost(message, tag = "8")]
    RemoveTags(TextsV1),
    #[prost(message, tag = "9")]
    AddSources(TextsV1),
    #[prost(message, tag = "10")]
    RemoveSources(TextsV1),
    #[prost(message, tag = "11")]
    ChangeStage(ChangeStageV1),
    #[prost(message, tag = "12")]
    Archive(ArchiveV1),
    #[prost(message, tag = "13")]
    Unarchive(()),
    /// Since version 2.
    #[prost(message, tag = "29")]
    Raw(RawV2),
    /// Since version 3.
    #[prost(message, tag = "31")]
    UploadFile(UploadV3),
    /// Since version 4.
    #[prost(message, tag = "38")]
    Prepared(PreparedV4),
    /// Since version 4.
    #[prost(message, tag = "39")]
    Bulk(BulkV4),
    /// As JSON; since version 4.
    #[prost(bytes = "vec", tag = "42")]
    Export(Vec<u8>),
    /// As JSON; since version 4.
    #[prost(bytes = "vec", tag = "43")]
    CreateOpportunity(Vec<u8>),
}

#[derive(Clone, PartialEq, Oneof)]
enum StateV1 {
    #[prost(message, tag = "14")]
    Recorded(RecordedV1),
    #[prost(int64, tag = "15")]
    Sending(i64),
    #[prost(message, tag = "16")]
    Reconciling(ReconcilingV1),
    #[prost(message, tag = "17")]
    Succeeded(()),
    #[prost(message, tag = "18")]
    Failed(FailureV1),
    #[prost(message, tag = "19")]
    Uncertain(FailureV1),
    /// Withdrawn; without a reason.
    #[prost(message, tag = "20")]
    Cancelled(()),
    /// Since version 4.
    #[prost(int64, tag = "36")]
    Held(i64),
    /// Cancelled with a reason; since version 4.
    #[prost(message, tag = "37")]
    Skipped(FailureV1),
}

#[derive(Clone, PartialEq, Message)]
struct NoteV1 {
    #[prost(string, tag = "1")]
    value: String,
    #[prost(bool, tag = "2")]
    secret: bool,
    /// Since version 4, as all that follows.
    #[prost(uint32, optional, tag = "3")]
    score: Option<u32>,
    #[prost(bool, tag = "4")]
    notify_followers: bool,
    #[prost(bytes = "vec", optional, tag = "5")]
    thread: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct PreparedV4 {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(message, optional, tag = "2")]
    call: Option<RawV2>,
}

#[derive(Clone, PartialEq, Message)]
struct BulkV4 {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(uint32, tag = "2")]
    items: u32,
    /// Since version 5.
    #[prost(message, optional, tag = "3")]
    tally: Option<TallyV5>,
}

#[derive(Clone, PartialEq, Message)]
struct TallyV5 {
    #[prost(uint32, tag = "1")]
    succeeded: u32,
    #[prost(uint32, tag = "2")]
    failed: u32,
    #[prost(uint32, tag = "3")]
    uncertain: u32,
    #[prost(uint32, tag = "4")]
    cancelled: u32,
}

#[derive(Clone, PartialEq, Message)]
struct TextsV1 {
    #[prost(string, repeated, tag = "1")]
    texts: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ChangeStageV1 {
    #[prost(bytes = "vec", tag = "1")]
    stage: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "2")]
    expected_stage: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct ArchiveV1 {
    #[prost(bytes = "vec", tag = "1")]
    reason: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "2")]
    requisition: Option<Vec<u8>>,
    #[prost(bool, tag = "3")]
    clean_interviews: bool,
    /// Since version 4.
    #[prost(message, optional, tag = "4")]
    rejects: Option<RejectionV4>,
}

#[derive(Clone, PartialEq, Message)]
struct RejectionV4 {
    #[prost(bytes = "vec", optional, tag = "1")]
    expected_stage: Option<Vec<u8>>,
    #[prost(string, optional, tag = "2")]
    email_template: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct RawV2 {
    #[prost(string, tag = "1")]
    operation: String,
    #[prost(message, repeated, tag = "2")]
    path: Vec<DetailV1>,
    #[prost(message, repeated, tag = "3")]
    query: Vec<DetailV1>,
    #[prost(string, optional, tag = "4")]
    body: Option<String>,
    #[prost(bool, tag = "5")]
    creates: bool,
    /// Since version 5.
    #[prost(bool, tag = "6")]
    bare: bool,
}

#[derive(Clone, PartialEq, Message)]
struct UploadV3 {
    /// 1 opportunity, 2 candidate, 3 application.
    #[prost(uint32, tag = "1")]
    target: u32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    content_type: String,
    #[prost(uint64, tag = "4")]
    size: u64,
    #[prost(bytes = "vec", tag = "5")]
    sha256: Vec<u8>,
    /// Since version 4.
    #[prost(uint32, tag = "6")]
    number: u32,
}

#[derive(Clone, PartialEq, Message)]
struct RecordedV1 {
    #[prost(int64, optional, tag = "1")]
    not_before: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct ReconcilingV1 {
    #[prost(int64, tag = "1")]
    sent: i64,
    #[prost(uint32, tag = "2")]
    looks: u32,
    #[prost(int64, tag = "3")]
    look_at: i64,
}

#[derive(Clone, PartialEq, Message)]
struct FailureV1 {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<DetailV1>,
}

#[derive(Clone, PartialEq, Message)]
struct DetailV1 {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct AttemptV1 {
    #[prost(string, tag = "1")]
    lever_operation: String,
    #[prost(int64, tag = "2")]
    at: i64,
    #[prost(uint32, optional, tag = "3")]
    status: Option<u32>,
    /// Since version 4.
    #[prost(uint32, tag = "4")]
    step: u32,
    /// Since version 5.
    #[prost(bytes = "vec", optional, tag = "5")]
    seen: Option<Vec<u8>>,
}

fn from_former(former: &Former) -> FormerV5 {
    FormerV5 {
        user: former.user.as_ref().map(|user| pack(user.as_str())),
        until: former.until.as_millis(),
    }
}

fn to_formers(stored: Vec<FormerV5>) -> Option<Vec<Former>> {
    let read = |FormerV5 { user, until }| {
        Some(Former {
            user: unpack_option(user)?,
            until: Timestamp::from_millis(until),
        })
    };
    stored.into_iter().map(read).collect()
}

impl Stored for Operation {
    const VERSION: u8 = 5;

    fn to_payload(&self) -> Vec<u8> {
        OperationV1 {
            id: self.id.as_bytes().to_vec(),
            connection: self.connection.as_bytes().to_vec(),
            opportunity: pack(self.opportunity.as_str()),
            request_id: self.request_id.clone(),
            digest: self.digest.to_vec(),
            write: Some(from_write(&self.write)),
            state: Some(from_state(&self.state)),
            attempts: self.attempts.iter().map(from_attempt).collect(),
            result_id: self.result_id.clone(),
            acting_user: self.acting_user.as_ref().map(|user| pack(user.as_str())),
            marker: self.marker.as_millis(),
            asked_by: self.asked_by.clone(),
            rpc: self.rpc.clone(),
            created_at: self.created_at.as_millis(),
            updated_at: self.updated_at.as_millis(),
            revision: self.revision,
            answer: self.answer.clone(),
            parent: self.parent.map(|parent| parent.as_bytes().to_vec()),
            steps: self.steps.iter().map(from_step).collect(),
            acting_because: self.acting_because.name().to_owned(),
            asked_for: self.asked_for.clone(),
            queued_at: self.queued_at.as_millis(),
            found: self.found.clone(),
            left_out: self.left_out.clone(),
            minds_provenance: self.minds_provenance,
            passed_over: self.passed_over.map(|why| why.name().to_owned()),
            restored_at: self.restored_at.map(Timestamp::as_millis),
            acted_before: self.acted_before.iter().map(from_former).collect(),
            unseen: self.unseen.map(|sight| SightV5 {
                confidential: sight.confidential,
                applicants_only: sight.applicants_only,
            }),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: OperationV1 = versions_to(Self::VERSION, version, payload)?;
        let (acting_because, queued_at) = match version {
            // Why an acting user was chosen was not kept, nor was there any other way into the line.
            1..=3 => (ActingBecause::Nobody, stored.created_at),
            _ => (
                ActingBecause::from_name(&stored.acting_because)?,
                stored.queued_at,
            ),
        };
        let operation = Operation {
            id: OperationId::from_bytes(stored.id.try_into().ok()?),
            connection: ConnectionId::from_bytes(stored.connection.try_into().ok()?),
            parent: match stored.parent {
                Some(parent) => Some(OperationId::from_bytes(parent.try_into().ok()?)),
                None => None,
            },
            opportunity: unpack(&stored.opportunity)?.into(),
            request_id: stored.request_id,
            digest: stored.digest.try_into().ok()?,
            write: to_write(stored.write?)?,
            steps: stored
                .steps
                .into_iter()
                .map(to_step)
                .collect::<Option<_>>()?,
            state: to_state(stored.state?)?,
            attempts: stored
                .attempts
                .into_iter()
                .map(to_attempt)
                .collect::<Option<_>>()?,
            result_id: stored.result_id,
            answer: stored.answer,
            acting_user: unpack_option(stored.acting_user)?,
            acting_because,
            passed_over: match stored.passed_over {
                Some(why) => Some(PassedOver::from_name(&why)?),
                None => None,
            },
            asked_for: stored.asked_for,
            acted_before: to_formers(stored.acted_before)?,
            unseen: stored.unseen.map(|sight| Sight {
                confidential: sight.confidential,
                applicants_only: sight.applicants_only,
            }),
            found: stored.found,
            left_out: stored.left_out,
            minds_provenance: stored.minds_provenance,
            marker: Timestamp::from_millis(stored.marker),
            asked_by: stored.asked_by,
            rpc: stored.rpc,
            created_at: Timestamp::from_millis(stored.created_at),
            queued_at: Timestamp::from_millis(queued_at),
            restored_at: stored.restored_at.map(Timestamp::from_millis),
            updated_at: Timestamp::from_millis(stored.updated_at),
            revision: stored.revision,
        };
        Some(match version {
            1..=4 => with_doubt(operation),
            _ => operation,
        })
    }
}

/// Up to version 4 nothing told a call that had lost what it carried from one that never carried anything: of what has
/// settled, neither is sent again.
fn with_doubt(mut operation: Operation) -> Operation {
    let settled = operation.state.settled();
    if let Write::Raw(raw) = &mut operation.write {
        raw.bare = settled && raw.query.is_empty() && raw.body.is_none();
    }
    operation
}

/// Why an export always has a JSON form.
const HAS_JSON: &str = "texts, numbers and lists of them have a JSON form";

fn from_write(write: &Write) -> WriteV1 {
    let texts = |texts: &Vec<String>| TextsV1 {
        texts: texts.clone(),
    };
    match write {
        Write::CreateNote(note) => WriteV1::CreateNote(NoteV1 {
            value: note.value.clone(),
            secret: note.secret,
            score: note.score.map(u32::from),
            notify_followers: note.notify_followers,
            thread: note.thread.as_ref().map(|thread| pack(thread.as_str())),
        }),
        Write::AddTags { tags } => WriteV1::AddTags(texts(tags)),
        Write::RemoveTags { tags } => WriteV1::RemoveTags(texts(tags)),
        Write::AddSources { sources } => WriteV1::AddSources(texts(sources)),
        Write::RemoveSources { sources } => WriteV1::RemoveSources(texts(sources)),
        Write::ChangeStage {
            stage,
            expected_stage,
        } => WriteV1::ChangeStage(ChangeStageV1 {
            stage: pack(stage.as_str()),
            expected_stage: expected_stage.as_ref().map(|stage| pack(stage.as_str())),
        }),
        Write::Archive {
            reason,
            requisition,
            clean_interviews,
            rejects,
        } => WriteV1::Archive(ArchiveV1 {
            reason: pack(reason.as_str()),
            requisition: requisition
                .as_ref()
                .map(|requisition| pack(requisition.as_str())),
            clean_interviews: *clean_interviews,
            rejects: rejects.as_ref().map(|rejects| RejectionV4 {
                expected_stage: rejects
                    .expected_stage
                    .as_ref()
                    .map(|stage| pack(stage.as_str())),
                email_template: rejects.email_template.clone(),
            }),
        }),
        Write::Unarchive => WriteV1::Unarchive(()),
        Write::Raw(raw) => WriteV1::Raw(from_raw(raw)),
        Write::UploadFile(file) => WriteV1::UploadFile(UploadV3 {
            target: from_target(file.target),
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            size: file.size,
            sha256: file.sha256.to_vec(),
            number: file.number,
        }),
        Write::Prepared(prepared) => WriteV1::Prepared(PreparedV4 {
            kind: prepared.kind.name().to_owned(),
            call: Some(from_raw(&prepared.call)),
        }),
        Write::Bulk(bulk) => WriteV1::Bulk(BulkV4 {
            kind: bulk.kind.clone(),
            items: bulk.items,
            tally: bulk.tally.map(from_tally),
        }),
        Write::Export(export) => WriteV1::Export(serde_json::to_vec(export).expect(HAS_JSON)),
        Write::CreateOpportunity(new) => {
            WriteV1::CreateOpportunity(serde_json::to_vec(new).expect(HAS_JSON))
        }
    }
}

fn to_export(json: &[u8]) -> Option<Export> {
    serde_json::from_slice(json).ok()
}

fn to_new(json: &[u8]) -> Option<NewOpportunity> {
    serde_json::from_slice(json).ok()
}

fn from_raw(raw: &RawWrite) -> RawV2 {
    RawV2 {
        operation: raw.operation.clone(),
        path: raw.path.iter().map(from_pair).collect(),
        query: raw
            .query
            .iter()
            .map(|(name, value)| from_pair((name, value)))
            .collect(),
        body: raw.body.clone(),
        creates: raw.creates,
        bare: raw.bare,
    }
}

fn to_raw(raw: RawV2) -> RawWrite {
    RawWrite {
        operation: raw.operation,
        path: raw.path.into_iter().map(to_pair).collect(),
        query: raw.query.into_iter().map(to_pair).collect(),
        body: raw.body,
        creates: raw.creates,
        bare: raw.bare,
    }
}

/// Of a bulk whose items have all settled.
fn from_tally(tally: Tally) -> TallyV5 {
    TallyV5 {
        succeeded: tally.succeeded,
        failed: tally.failed,
        uncertain: tally.uncertain,
        cancelled: tally.cancelled,
    }
}

fn to_tally(stored: TallyV5) -> Tally {
    Tally {
        succeeded: stored.succeeded,
        failed: stored.failed,
        uncertain: stored.uncertain,
        cancelled: stored.cancelled,
        ..Tally::default()
    }
}

fn from_step(step: &Step) -> StepV4 {
    StepV4 {
        write: Some(from_write(&step.write)),
        marker: step.marker.as_millis(),
        done: step.done,
        result_id: step.result_id.clone(),
        there: step.there,
    }
}

fn to_step(stored: StepV4) -> Option<Step> {
    Some(Step {
        write: to_write(stored.write?)?,
        marker: Timestamp::from_millis(stored.marker),
        done: stored.done,
        result_id: stored.result_id,
        there: stored.there,
    })
}

fn from_target(target: UploadTarget) -> u32 {
    match target {
        UploadTarget::Opportunity => 1,
        UploadTarget::Candidate => 2,
        UploadTarget::Application => 3,
    }
}

fn to_target(number: u32) -> Option<UploadTarget> {
    let all = [
        UploadTarget::Opportunity,
        UploadTarget::Candidate,
        UploadTarget::Application,
    ];
    all.into_iter()
        .find(|target| from_target(*target) == number)
}

fn to_write(write: WriteV1) -> Option<Write> {
    Some(match write {
        WriteV1::CreateNote(note) => Write::CreateNote(NoteText {
            value: note.value,
            secret: note.secret,
            score: note.score.map(u8::try_from).transpose().ok()?,
            notify_followers: note.notify_followers,
            thread: unpack_option(note.thread)?,
        }),
        WriteV1::AddTags(TextsV1 { texts }) => Write::AddTags { tags: texts },
        WriteV1::RemoveTags(TextsV1 { texts }) => Write::RemoveTags { tags: texts },
        WriteV1::AddSources(TextsV1 { texts }) => Write::AddSources { sources: texts },
        WriteV1::RemoveSources(TextsV1 { texts }) => Write::RemoveSources { sources: texts },
        WriteV1::ChangeStage(ChangeStageV1 {
            stage,
            expected_stage,
        }) => Write::ChangeStage {
            stage: unpack(&stage)?.into(),
            expected_stage: unpack_option(expected_stage)?,
        },
        WriteV1::Archive(ArchiveV1 {
            reason,
            requisition,
            clean_interviews,
            rejects,
        }) => Write::Archive {
            reason: unpack(&reason)?.into(),
            requisition: unpack_option(requisition)?,
            clean_interviews,
            rejects: match rejects {
                Some(rejects) => Some(Rejection {
                    expected_stage: unpack_option(rejects.expected_stage)?,
                    email_template: rejects.email_template,
                }),
                None => None,
            },
        },
        WriteV1::Unarchive(()) => Write::Unarchive,
        WriteV1::Raw(raw) => Write::Raw(to_raw(raw)),
        WriteV1::UploadFile(file) => Write::UploadFile(FileUpload {
            target: to_target(file.target)?,
            name: file.name,
            content_type: file.content_type,
            size: file.size,
            sha256: file.sha256.try_into().ok()?,
            number: file.number,
        }),
        WriteV1::Prepared(prepared) => Write::Prepared(Prepared {
            kind: PreparedKind::from_name(&prepared.kind)?,
            call: to_raw(prepared.call?),
        }),
        WriteV1::Bulk(bulk) => Write::Bulk(Bulk {
            kind: bulk.kind,
            items: bulk.items,
            tally: bulk.tally.map(to_tally),
        }),
        WriteV1::Export(json) => Write::Export(Box::new(to_export(&json)?)),
        WriteV1::CreateOpportunity(json) => Write::CreateOpportunity(Box::new(to_new(&json)?)),
    })
}

fn from_state(state: &State) -> StateV1 {
    match state {
        State::Recorded { not_before } => StateV1::Recorded(RecordedV1 {
            not_before: not_before.map(Timestamp::as_millis),
        }),
        State::Sending { since } => StateV1::Sending(since.as_millis()),
        State::Reconciling {
            sent,
            looks,
            look_at,
        } => StateV1::Reconciling(ReconcilingV1 {
            sent: sent.as_millis(),
            looks: *looks,
            look_at: look_at.as_millis(),
        }),
        State::Succeeded => StateV1::Succeeded(()),
        State::Failed(failure) => StateV1::Failed(from_failure(failure)),
        State::Uncertain(failure) => StateV1::Uncertain(from_failure(failure)),
        State::Cancelled(None) => StateV1::Cancelled(()),
        State::Cancelled(Some(why)) => StateV1::Skipped(from_failure(why)),
        State::Held { release_at } => StateV1::Held(release_at.as_millis()),
    }
}

fn to_state(state: StateV1) -> Option<State> {
    Some(match state {
        StateV1::Recorded(RecordedV1 { not_before }) => State::Recorded {
            not_before: not_before.map(Timestamp::from_millis),
        },
        StateV1::Sending(since) => State::Sending {
            since: Timestamp::from_millis(since),
        },
        StateV1::Reconciling(ReconcilingV1 {
            sent,
            looks,
            look_at,
        }) => State::Reconciling {
            sent: Timestamp::from_millis(sent),
            looks,
            look_at: Timestamp::from_millis(look_at),
        },
        StateV1::Succeeded(()) => State::Succeeded,
        StateV1::Failed(failure) => State::Failed(to_failure(failure)?),
        StateV1::Uncertain(failure) => State::Uncertain(to_failure(failure)?),
        StateV1::Cancelled(()) => State::Cancelled(None),
        StateV1::Skipped(why) => State::Cancelled(Some(to_failure(why)?)),
        StateV1::Held(release_at) => State::Held {
            release_at: Timestamp::from_millis(release_at),
        },
    })
}

fn from_failure(failure: &Failure) -> FailureV1 {
    FailureV1 {
        kind: failure.kind.reason().to_owned(),
        message: failure.message.clone(),
        details: failure
            .details
            .iter()
            .map(|(name, value)| from_pair((name, value)))
            .collect(),
    }
}

fn to_failure(stored: FailureV1) -> Option<Failure> {
    Some(Failure {
        kind: FailureKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.reason() == stored.kind)?,
        message: stored.message,
        details: stored.details.into_iter().map(to_pair).collect(),
    })
}

fn from_pair((name, value): (&String, &String)) -> DetailV1 {
    DetailV1 {
        name: name.clone(),
        value: value.clone(),
    }
}

fn to_pair(DetailV1 { name, value }: DetailV1) -> (String, String) {
    (name, value)
}

fn from_attempt(attempt: &Attempt) -> AttemptV1 {
    AttemptV1 {
        lever_operation: attempt.lever_operation.clone(),
        at: attempt.at.as_millis(),
        status: attempt.status.map(u32::from),
        step: attempt.step,
        seen: attempt.seen.map(|digest| digest.to_vec()),
    }
}

fn to_attempt(stored: AttemptV1) -> Option<Attempt> {
    Some(Attempt {
        lever_operation: stored.lever_operation,
        at: Timestamp::from_millis(stored.at),
        status: stored.status.map(u16::try_from).transpose().ok()?,
        step: stored.step,
        seen: stored.seen.map(TryInto::try_into).transpose().ok()?,
    })
}
