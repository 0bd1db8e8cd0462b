//! Which calls a write makes.

use std::time::Duration;

use domain::export::NewOpportunity;
use domain::operation::{Attempt, FileUpload, Prepared, PreparedKind, RawWrite, UploadTarget};
use domain::{Operation, Parent, Stream, Timestamp, Write};
use futures::{TryFutureExt as _, stream};
use lever::registry::{
    ADD_CANDIDATE_LINKS, ADD_OPPORTUNITY_LINKS, APPLY_TO_POSTING, CREATE_CANDIDATE,
    CREATE_OPPORTUNITY, REMOVE_CANDIDATE_LINKS, REMOVE_OPPORTUNITY_LINKS,
};
use lever::{
    AddComment, AddSources, AddTags, CreateNote, CreateOpportunity, Endpoint, FileSource,
    GetApplyForm, Legacy, Method, MoveToStage, OpportunityId, OpportunityWrite, Origin, PerformAs,
    Phone, PostingId, RawCall, RemoveSources, RemoveTags, Request, SetArchived, UploadFile,
    UploadOpportunityFile, UserId, registry,
};
use store::KeptFile;
use tokio_util::io::ReaderStream;

use super::content::check_content;
use crate::pull::hydrate::first_call;

/// One call to Lever that a dry run would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCall {
    /// The operation id of Lever's API description.
    pub lever_operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The path below the base URL.
    pub path: String,
    /// The query parameters in order, before encoding.
    pub query: Vec<(String, String)>,
    /// The JSON body.
    pub body: Option<String>,
    /// The file of a multipart body.
    pub file: Option<PlannedFile>,
}

/// The file that a call would carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// The name Lever shows.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// How many bytes it has; 0 when nobody has said.
    pub size: u64,
}

/// What stands for an opportunity in planned calls until it is made.
pub(super) const NOT_MADE_YET: &str = "new-opportunity";

/// The write itself, as the endpoint it goes to.
#[derive(Debug, Clone)]
pub(super) enum Sending {
    Note(CreateNote),
    Comment(AddComment),
    AddTags(AddTags),
    RemoveTags(RemoveTags),
    AddSources(AddSources),
    RemoveSources(RemoveSources),
    Stage(MoveToStage),
    Archived(SetArchived),
    Raw(RawCall),
    Create(Box<CreateOpportunity>),
    File(UploadOpportunityFile),
    CandidateFile(Legacy<UploadOpportunityFile>),
    Upload(UploadFile),
    /// The raw write no longer fits what is known of Lever; nothing can be sent.
    Unknown(String),
}

/// The endpoint an operation's write goes to; `kept` is the file of an upload.
pub(super) fn sending(operation: &Operation, kept: KeptFile) -> Sending {
    endpoint(
        operation.present_write(),
        &operation.opportunity,
        operation.acting_user.clone(),
        operation.present_marker(),
        Some(kept),
    )
}

/// Which of its steps an operation is at, as its attempts note it.
pub(super) fn step_number(operation: &Operation) -> u32 {
    u32::try_from(operation.present_step()).unwrap_or(u32::MAX)
}

/// The operation of Lever's API description that a write goes to.
pub(super) fn lever_operation(write: &Write) -> &str {
    match write {
        Write::CreateNote(_) => CreateNote::OPERATION.id,
        Write::AddTags { .. } => AddTags::OPERATION.id,
        Write::RemoveTags { .. } => RemoveTags::OPERATION.id,
        Write::AddSources { .. } => AddSources::OPERATION.id,
        Write::RemoveSources { .. } => RemoveSources::OPERATION.id,
        Write::ChangeStage { .. } => MoveToStage::OPERATION.id,
        Write::Archive { .. } | Write::Unarchive => SetArchived::OPERATION.id,
        Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. }) => &raw.operation,
        Write::Export(_) | Write::CreateOpportunity(_) => CreateOpportunity::OPERATION.id,
        // It makes none; its items do.
        Write::Bulk(_) => "",
        Write::UploadFile(file) => match file.target {
            UploadTarget::Opportunity => UploadOpportunityFile::OPERATION.id,
            UploadTarget::Candidate => Legacy::<UploadOpportunityFile>::OPERATION.id,
            UploadTarget::Application => UploadFile::OPERATION.id,
        },
    }
}

/// What tells, beside a write, which calls it makes.
pub(super) struct Around {
    /// Whether it is kept back first.
    pub(super) held: bool,
    /// The lists below opportunities that are read again once something in them was written.
    pub(super) lists: Vec<Stream>,
    /// The other candidacies of the person that it changes.
    pub(super) others: Vec<OpportunityId>,
}

/// The calls a write would make, in order, with the reads before it and those that show it in the mirror: those of each
/// note that a long text is written as.
pub(super) fn planned(
    write: &Write,
    opportunity: &OpportunityId,
    perform_as: Option<UserId>,
    marker: Timestamp,
    around: &Around,
) -> Vec<PlannedCall> {
    let mut calls = Vec::from_iter(look(write, opportunity, around));
    for (index, write) in (0..).zip(pieces(write)) {
        let (user, marker) = (
            perform_as.clone(),
            marker.plus(Duration::from_millis(index)),
        );
        calls.extend(planned_call_of(&write, opportunity, user, marker));
        calls.extend(shown(&write, opportunity, around));
    }
    calls
}

/// The calls of a write that the present state makes needless, or forbids: the look at that state, and the reads that show
/// it in the mirror.
pub(super) fn looked(
    write: &Write,
    opportunity: &OpportunityId,
    around: &Around,
) -> Vec<PlannedCall> {
    let look = look(write, opportunity, around).into_iter();
    look.chain(shown(write, opportunity, around)).collect()
}

/// The read that tells whether a write is made at all.
fn look(write: &Write, opportunity: &OpportunityId, around: &Around) -> Option<PlannedCall> {
    let look = || call(&super::send::fresh_read(opportunity));
    looks_first(write, around.held).then(look)
}

/// How many calls the [planned] ones are, with the look at what the write overwrites.
pub(super) fn count(write: &Write, opportunity: &OpportunityId, around: &Around) -> usize {
    let looks = usize::from(looks_first(write, around.held) || write.overwrites());
    let of_piece = |piece: &Write| 1 + shown(piece, opportunity, around).len();
    looks + pieces(write).iter().map(of_piece).sum::<usize>()
}

/// The reads that show in the mirror what was written, as the outbox makes them (`Outbox::show`).
fn shown(write: &Write, opportunity: &OpportunityId, around: &Around) -> Vec<PlannedCall> {
    let read = |opportunity: &OpportunityId| call(&super::send::fresh_read(opportunity));
    let mut calls: Vec<_> = around.others.iter().map(read).collect();
    let changed = match write {
        _ if !opportunity.as_str().is_empty() => opportunity.clone(),
        Write::Raw(raw) if makes_opportunity(raw) => OpportunityId::from(NOT_MADE_YET),
        _ => return calls,
    };
    calls.push(read(&changed));
    let list = changed_list(write).filter(|list| around.lists.contains(list));
    let list = list.and_then(|list| first_call(&Parent::Opportunity(changed), list));
    calls.extend(list.map(|list| planned_call(list.operation().id, list.request())));
    calls
}

/// The list below the opportunity that a write has changed.
pub(super) fn changed_list(write: &Write) -> Option<Stream> {
    let stream = match write {
        Write::CreateNote(_) => Some(Stream::Notes),
        Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. }) => {
            crate::call::written(&raw.operation)
        }
        Write::UploadFile(file) if file.target.keeps() => Some(Stream::Files),
        _ => None,
    };
    stream.filter(|stream| Stream::CHILDREN.contains(stream))
}

/// The read of the questions that a write answers; its call is made of them before it is recorded.
pub(super) fn form_read(write: &Write) -> Option<GetApplyForm> {
    let Write::Prepared(Prepared { kind, call }) = write else {
        return None;
    };
    if *kind != PreparedKind::ApplyToPosting {
        return None;
    }
    Some(GetApplyForm {
        posting: PostingId::from(call.path.get("posting")?.as_str()),
        location: None,
        distribution: None,
    })
}

/// Whether a call changes what all candidacies of a person show, though it names one of them only.
///
/// Lever: "Links belong to the contact" (behaviour.md).
pub(super) fn is_of_person(lever_operation: &str) -> bool {
    let links = [
        ADD_OPPORTUNITY_LINKS.id,
        REMOVE_OPPORTUNITY_LINKS.id,
        ADD_CANDIDATE_LINKS.id,
        REMOVE_CANDIDATE_LINKS.id,
    ];
    links.contains(&lever_operation)
}

/// Whether a write makes nothing, although Lever answers it with a record.
pub(super) fn makes_nothing(write: &Write) -> bool {
    let Write::Prepared(Prepared { kind, .. }) = write else {
        return false;
    };
    matches!(kind, PreparedKind::AddLinks | PreparedKind::RemoveLinks)
}

/// Whether a raw write makes an opportunity, whose id its answer tells.
pub(super) fn makes_opportunity(raw: &RawWrite) -> bool {
    [CREATE_OPPORTUNITY.id, CREATE_CANDIDATE.id].contains(&raw.operation.as_str())
}

/// Whether a raw write makes an opportunity, told by its answer or not.
pub(super) fn adds_opportunity(raw: &RawWrite) -> bool {
    makes_opportunity(raw) || raw.operation == APPLY_TO_POSTING.id
}

/// The writes that are sent for one.
fn pieces(write: &Write) -> Vec<Write> {
    match write {
        Write::CreateNote(note) => note.parts().into_iter().map(Write::CreateNote).collect(),
        write => vec![write.clone()],
    }
}

/// The call that writes; none for what cannot be sent.
fn planned_call_of(
    write: &Write,
    opportunity: &OpportunityId,
    perform_as: Option<UserId>,
    marker: Timestamp,
) -> Option<PlannedCall> {
    Some(
        match endpoint(write, opportunity, perform_as, marker, None) {
            Sending::Note(endpoint) => call(&endpoint),
            Sending::Comment(endpoint) => call(&endpoint),
            Sending::AddTags(endpoint) => call(&endpoint),
            Sending::RemoveTags(endpoint) => call(&endpoint),
            Sending::AddSources(endpoint) => call(&endpoint),
            Sending::RemoveSources(endpoint) => call(&endpoint),
            Sending::Stage(endpoint) => call(&endpoint),
            Sending::Archived(endpoint) => call(&endpoint),
            Sending::Raw(raw) => planned_call(raw.operation().id, raw.request()),
            Sending::Create(endpoint) => {
                // The parts of the body say the same as JSON does.
                let bare = CreateOpportunity {
                    resume: None,
                    ..*endpoint
                };
                call(&bare).with_file(write)
            }
            Sending::File(endpoint) => call(&endpoint).with_file(write),
            Sending::CandidateFile(endpoint) => call(&endpoint).with_file(write),
            Sending::Upload(endpoint) => call(&endpoint).with_file(write),
            Sending::Unknown(_) => return None,
        },
    )
}

/// Whether what a write asks for is still there in full: it is kept for 30 days after its end, unless its person is
/// forgotten before.
pub fn has_content(write: &Write) -> bool {
    check_content(write).is_ok()
}

/// What was sent with each of the calls made for an operation, in their order; none for reads, and where it is not kept
/// any more.
pub fn sent(operation: &Operation) -> Vec<Option<PlannedCall>> {
    let call_of = |attempt: &Attempt| {
        let step = operation.steps.get(attempt.step as usize);
        let (write, marker) = step.map_or((&operation.write, operation.marker), |step| {
            (&step.write, step.marker)
        });
        if attempt.lever_operation != lever_operation(write) || !has_content(write) {
            return None;
        }
        let acting = operation.acted_at(attempt.at).cloned();
        planned_call_of(write, &operation.opportunity, acting, marker)
    };
    operation.attempts.iter().map(call_of).collect()
}

/// Whether the write deletes something.
pub(super) fn deletes(write: &Write) -> bool {
    let operation = registry::find(lever_operation(write));
    operation.is_some_and(|operation| operation.method == Method::Delete)
}

/// Whether the present state decides if the write is made at all; `stood_back` as [`Operation::stood_back`].
pub(super) fn looks_first(write: &Write, stood_back: bool) -> bool {
    match write {
        Write::ChangeStage { .. } => true,
        Write::Archive { rejects, .. } => rejects.is_some() || stood_back,
        _ => false,
    }
}

fn endpoint(
    write: &Write,
    opportunity: &OpportunityId,
    perform_as: Option<UserId>,
    marker: Timestamp,
    kept: Option<KeptFile>,
) -> Sending {
    let opportunity = opportunity.clone();
    match write.clone() {
        Write::CreateNote(note) => {
            let create = CreateNote {
                opportunity,
                value: note.value,
                secret: note.secret,
                score: note.score,
                notify_followers: note.notify_followers,
                created_at: Some(marker),
                perform_as,
            };
            match note.thread {
                None => Sending::Note(create),
                Some(note) => Sending::Comment(AddComment {
                    comment: create,
                    note,
                }),
            }
        }
        Write::AddTags { tags } => Sending::AddTags(AddTags {
            opportunity,
            tags,
            perform_as,
        }),
        Write::RemoveTags { tags } => Sending::RemoveTags(RemoveTags {
            opportunity,
            tags,
            perform_as,
        }),
        Write::AddSources { sources } => Sending::AddSources(AddSources {
            opportunity,
            sources,
            perform_as,
        }),
        Write::RemoveSources { sources } => Sending::RemoveSources(RemoveSources {
            opportunity,
            sources,
            perform_as,
        }),
        Write::ChangeStage { stage, .. } => Sending::Stage(MoveToStage {
            opportunity,
            stage,
            perform_as,
        }),
        Write::Archive {
            reason,
            requisition,
            clean_interviews,
            rejects: _,
        } => Sending::Archived(SetArchived {
            opportunity,
            reason: Some(reason),
            clean_interviews,
            requisition,
            perform_as,
        }),
        Write::Unarchive => Sending::Archived(SetArchived {
            opportunity,
            reason: None,
            clean_interviews: false,
            requisition: None,
            perform_as,
        }),
        Write::Bulk(_) => Sending::Unknown("a bulk is written by its items".to_owned()),
        Write::Export(_) => Sending::Unknown("an export is written by its steps".to_owned()),
        Write::CreateOpportunity(new) => create(*new, perform_as, kept),
        Write::Raw(write) | Write::Prepared(Prepared { call: write, .. }) => {
            match raw(write, perform_as) {
                Ok(call) => Sending::Raw(call),
                Err(error) => Sending::Unknown(error),
            }
        }
        Write::UploadFile(file) => upload(opportunity, perform_as, &file, source(&file, kept)),
    }
}

fn upload(
    opportunity: OpportunityId,
    perform_as: Option<UserId>,
    upload: &FileUpload,
    file: FileSource,
) -> Sending {
    if upload.target == UploadTarget::Application {
        return Sending::Upload(UploadFile { file });
    }
    let Some(perform_as) = perform_as else {
        return Sending::Unknown("Lever wants to know for whom the file is added".to_owned());
    };
    let call = UploadOpportunityFile {
        opportunity,
        file,
        perform_as,
    };
    match upload.target {
        UploadTarget::Candidate => Sending::CandidateFile(Legacy(call)),
        _ => Sending::File(call),
    }
}

/// The making of an opportunity.
fn create(new: NewOpportunity, perform_as: Option<UserId>, kept: Option<KeptFile>) -> Sending {
    let Some(perform_as) = perform_as else {
        return Sending::Unknown("Lever wants to know for whom the person is added".to_owned());
    };
    let number = |value| Phone { kind: None, value };
    Sending::Create(Box::new(CreateOpportunity {
        perform_as,
        perform_as_posting_owner: false,
        parse: false,
        resume: new.resume.map(|file| source(&file, kept)),
        files: Vec::new(),
        body: OpportunityWrite {
            name: new.name,
            headline: new.headline,
            stage: new.stage,
            location: new.location,
            origin: Some(Origin::from(new.origin.as_str())),
            owner: new.owner,
            contact: new.contact,
            phones: new.phones.into_iter().map(number).collect(),
            emails: new.emails,
            links: new.links,
            tags: new.tags,
            sources: new.sources,
            postings: new.posting.into_iter().collect(),
            ..OpportunityWrite::default()
        },
    }))
}

/// The bytes of a file, read anew for each try; none where nothing is sent.
fn source(upload: &FileUpload, kept: Option<KeptFile>) -> FileSource {
    let source = FileSource::new(upload.name.clone(), upload.size, move || {
        match kept.clone() {
            Some(kept) => {
                let opened = async move { kept.open().await.map(ReaderStream::new) };
                Box::pin(opened.try_flatten_stream())
            }
            None => Box::pin(stream::empty()),
        }
    });
    source.with_content_type(upload.content_type.clone())
}

/// The call of a raw write; an error when it no longer fits what this version knows of Lever.
fn raw(write: RawWrite, perform_as: Option<UserId>) -> Result<RawCall, String> {
    let operation = registry::find(&write.operation)
        .ok_or_else(|| "this version of Fulcrum does not know the operation".to_owned())?;
    let body = write.body.as_deref().map(serde_json::from_str).transpose();
    let body = body.map_err(|_| "the body is no JSON".to_owned())?;
    let acts = perform_as.filter(|_| operation.perform_as != PerformAs::No);
    let acting = acts.map(|user| ("perform_as".to_owned(), user.as_str().to_owned()));
    let query = write.query.into_iter().chain(acting).collect();
    RawCall::new(operation, &write.path, query, body).map_err(|error| error.to_string())
}

pub(super) fn call<E: Endpoint>(endpoint: &E) -> PlannedCall {
    planned_call(E::OPERATION.id, &endpoint.request())
}

fn planned_call(lever_operation: &'static str, request: &Request) -> PlannedCall {
    PlannedCall {
        lever_operation,
        method: request.method().to_string(),
        path: request.path(),
        query: request
            .query_pairs()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: request.body().map(ToString::to_string),
        file: None,
    }
}

impl PlannedCall {
    /// The call with the file that its write hands on.
    fn with_file(self, write: &Write) -> PlannedCall {
        let file = write.file().map(|file| PlannedFile {
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            size: file.size,
        });
        PlannedCall { file, ..self }
    }
}
