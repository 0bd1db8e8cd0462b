//! Recording a write, and waiting for it.

use std::time::Duration;

pub use domain::acting::Chosen;
pub use domain::operation::Hold;
use domain::operation::{LONGEST_NOTE, Prepared, PreparedKind, Sight, State, Step};
use domain::{ConnectionId, Operation, OperationId, Timestamp, Write};
use lever::{GetOpportunity, Lane, OpportunityId};
use store::{ReceivedFile, Recording};

pub use super::acting::Acting;
use super::asked::check_asked;
use super::content::{check_request_id, digest, former_digest};
use super::judge::{Seen, check_expected, check_target};
use super::outbox::Outbox;
use super::ready::Ready;
use super::{acting, count, new_id};
use crate::cause::Cause;
use crate::engine::Engine;
use crate::error::{Error, Result, about_id};
use crate::mapping;
use crate::read::is_confidential;

/// How long a request id is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// A write as the caller asks for it.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// The connection.
    pub connection: ConnectionId,
    /// The opportunity; empty for a raw write that is about none.
    pub opportunity: OpportunityId,
    /// The caller's id for it.
    pub request_id: String,
    /// What to write.
    pub write: Write,
    /// For whom.
    pub acting: Acting,
    /// How long it is kept back before it gets in line (X4).
    pub hold: Option<Hold>,
    /// Whether it minds who put there what: tags that people have removed in Lever are not added again, and nothing is
    /// removed that is not ours.
    pub minds_provenance: bool,
    /// Whether the caller may see confidential people; to others they do not exist.
    pub confidential: bool,
    /// The name of the token that asks.
    pub asked_by: String,
}

impl Engine {
    /// Records a write and waits for it up to `wait`.
    ///
    /// # Errors
    /// Invalid with each bad field; not found for an opportunity Lever does not have; already exists if the request
    /// id was used for something else; precondition for what the mapping excludes; exhausted on a full disk.
    /// A refusal by Lever is no error here: it is in the operation.
    pub async fn write(&self, request: WriteRequest, wait: Duration) -> Result<Operation> {
        let request = self.narrowed(request).await?;
        self.write_with(request, Vec::new(), wait).await
    }

    /// The request with the right that is left of the caller's while the key of the connection lacks it.
    ///
    /// While the connection is not worked on, that is as it was last: a repeated request is the same.
    pub(super) async fn narrowed(&self, request: WriteRequest) -> Result<WriteRequest> {
        let id = request.connection;
        let hides = match self.link(id) {
            Ok(link) => link.access.hides(),
            Err(_) => self.shared.store.hides_confidential(id).await?,
        };
        Ok(WriteRequest {
            confidential: request.confidential && !hides,
            ..request
        })
    }

    /// [`Engine::write`] of a request that is narrowed, with the files it hands on.
    pub(super) async fn write_with(
        &self,
        request: WriteRequest,
        files: Vec<ReceivedFile>,
        wait: Duration,
    ) -> Result<Operation> {
        let connection = request.connection;
        let engine = self.clone();
        // A caller who goes away must not leave behind what is recorded and in no queue.
        let id = self
            .to_the_end(async move { engine.record(request, files).await })
            .await?;
        self.wait_for(connection, id, wait).await
    }

    /// Records a write and puts it in line, unless its request id stands for one already.
    async fn record(&self, request: WriteRequest, files: Vec<ReceivedFile>) -> Result<OperationId> {
        if let Some(known) = self.checked(&request).await? {
            return Ok(known.id);
        }
        let outbox = self.running(request.connection)?.outbox;
        let seen = self.check_against_account(&request).await?;
        // What was asked, whatever becomes of it by what Lever asks.
        let digest = digest(&request);
        let Ready { request, asked } = self.ready(request).await?;
        let acting = acting::choose(self, &request).await?;
        let now = self.shared.clock.now();
        let minded = self.minded(&request, seen).await?;
        let mut left_out = self.left_out_of(&request).await?;
        left_out.extend(minded.left_out);
        let id = OperationId::new(new_id());
        let held = self
            .release_time(request.connection, request.hold, now)
            .await?;
        let operation = new_operation(id, request, digest, acting, outbox.marker(), now);
        let operation = in_steps(operation, &outbox);
        let operation = asked.into_iter().fold(operation, Operation::with_attempt);
        let operation = Operation {
            write: minded.write,
            left_out,
            unseen: seen.sight(),
            state: match (minded.nothing, held) {
                (Some(why), _) => State::Cancelled(Some(why)),
                (None, Some(release_at)) => State::Held { release_at },
                (None, None) => operation.state,
            },
            ..operation
        };
        let store = &self.shared.store;
        let recording = store
            .record_operation_with_files(operation, REMEMBERED, files)
            .await?;
        match recording {
            Recording::New(operation) => {
                count::recorded(&operation);
                self.shared.moves.tell(&operation);
                outbox.take_in(&operation);
                Ok(operation.id)
            }
            Recording::Existing(operation) => Ok(operation.id),
            Recording::Mismatch { existing } => Err(used_request_id(&existing, &digest)),
        }
    }

    /// When a write that is asked for `now` gets in line; none for at once.
    pub(super) async fn release_time(
        &self,
        connection: ConnectionId,
        hold: Option<Hold>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let Some(hold) = hold else {
            return Ok(None);
        };
        let mapping = mapping::present(&self.shared, connection).await?;
        hold.release_at(&mapping.sla, now)
            .map_err(|bad| Error::invalid(&bad.field, bad.message))
    }

    /// Whether a write can be right at all; gives the operation that its request id stands for already.
    pub(super) async fn checked(&self, request: &WriteRequest) -> Result<Option<Operation>> {
        self.connection(request.connection).await?;
        self.check_alone(request).await?;
        let (id, request_id) = (request.connection, &request.request_id);
        if let Some(former) = former_digest(request)
            && let Ok(Some(known)) = self.remembered(id, request_id, &former).await
        {
            return Ok(Some(known));
        }
        self.remembered(id, request_id, &digest(request)).await
    }

    /// What can be told of a write without asking Lever or knowing what was asked before.
    pub(super) async fn check_alone(&self, request: &WriteRequest) -> Result<()> {
        check_request_id(&request.request_id)?;
        self.check_sight(request).await
    }

    /// The same without the request id, which a dry run need not have.
    pub(super) async fn check_sight(&self, request: &WriteRequest) -> Result<()> {
        check_asked(&request.write)?;
        if !request.confidential
            && self
                .is_confidential(request.connection, &request.opportunity)
                .await?
        {
            return Err(Error::not_found(
                "opportunity",
                request.opportunity.as_str(),
            ));
        }
        Ok(())
    }

    /// Whether the request id stands for an operation already, for this write or another.
    pub(super) async fn is_remembered(&self, request: &WriteRequest) -> Result<bool> {
        let (connection, request_id) = (request.connection, &request.request_id);
        Ok(self.known_by(connection, request_id).await?.is_some())
    }

    async fn known_by(&self, id: ConnectionId, request_id: &str) -> Result<Option<Operation>> {
        let known = self.shared.store.operation_by_request(id, request_id);
        let now = self.shared.clock.now();
        let remembered = |known: &Operation| now.since(known.created_at) < REMEMBERED;
        Ok(known.await?.filter(remembered))
    }

    /// The operation this request id stands for already.
    pub(super) async fn remembered(
        &self,
        connection: ConnectionId,
        request_id: &str,
        digest: &[u8; 32],
    ) -> Result<Option<Operation>> {
        match self.known_by(connection, request_id).await? {
            Some(known) if known.digest == *digest => {
                // Read before it is durable, it could be gone after a kill, and be another then.
                self.shared.store.until_durable().await?;
                Ok(Some(known))
            }
            Some(known) => Err(used_request_id(&known, digest)),
            None => Ok(None),
        }
    }

    /// What can be told to be wrong before Lever is asked to write, and whether the person is known to exist for the
    /// caller.
    pub(super) async fn check_against_account(&self, request: &WriteRequest) -> Result<Seen> {
        match &request.write {
            // Lever itself judges what the path names.
            Write::Raw(_) => {
                check_target(&self.shared, request.connection, &request.write).await?;
                return Ok(Seen::Shown);
            }
            Write::Export(export) => {
                self.check_exported(request.connection, &export.asked)
                    .await?;
                return Ok(Seen::Shown);
            }
            Write::UploadFile(file) if !file.target.keeps() => return Ok(Seen::Shown),
            Write::Prepared(prepared) if about_no_opportunity(prepared) => return Ok(Seen::Shown),
            write => {
                let (shared, id) = (&self.shared, request.connection);
                check_target(shared, id, write).await?;
                check_expected(shared, id, &request.opportunity, write).await?;
            }
        }
        self.check_opportunity(request).await
    }

    /// An opportunity the mirror lacks may be new: Lever is asked. When Lever is away the write is taken anyway, and whether
    /// its caller may see the person is found out before it is sent.
    async fn check_opportunity(&self, request: &WriteRequest) -> Result<Seen> {
        let (id, opportunity) = (request.connection, &request.opportunity);
        let unknown = || Error::not_found("opportunity", opportunity.as_str());
        if opportunity.as_str().is_empty() {
            return Err(Error::invalid(
                "opportunity_id",
                "name the opportunity by Lever's id",
            ));
        }
        match self.shared.store.candidacy(id, opportunity).await? {
            Some(candidacy) if candidacy.confidential && !request.confidential => {
                return Err(unknown());
            }
            Some(_) => return Ok(Seen::Shown),
            None => {}
        }
        let client = self
            .link(id)?
            .client(Lane::Interactive)
            .with_limits(self.shared.clients.single_try());
        let read = GetOpportunity {
            opportunity: opportunity.clone(),
            expand: Vec::new(),
        };
        match client.send(&read).await {
            Err(error) if matches!(error.kind(), lever::ErrorKind::NotFound) => Err(unknown()),
            Ok(record) if !request.confidential && is_confidential(record.raw.get()) => {
                Err(unknown())
            }
            Err(error) if error.is_unsendable() => Err(about_id(error, "opportunity_id")),
            Err(_) if !request.confidential => Ok(Seen::Unknown(Sight {
                confidential: false,
                applicants_only: false,
            })),
            _ => Ok(Seen::Shown),
        }
    }
}

/// Whether a write names something else than an opportunity, which is looked at when it is made ready.
fn about_no_opportunity(prepared: &Prepared) -> bool {
    match prepared.kind {
        PreparedKind::ApplyToPosting | PreparedKind::UpdateUser => true,
        PreparedKind::UpdateContact => prepared.call.path.contains_key("contact"),
        _ => false,
    }
}

/// The operation with the notes that a long text is written as.
pub(super) fn in_steps(operation: Operation, outbox: &Outbox) -> Operation {
    let Write::CreateNote(note) = &operation.write else {
        return operation;
    };
    if note.value.len() <= LONGEST_NOTE {
        return operation;
    }
    let step = |part| Step::new(Write::CreateNote(part), outbox.marker());
    Operation {
        steps: note.parts().into_iter().map(step).collect(),
        ..operation
    }
}

/// What is recorded of a request.
pub(super) fn new_operation(
    id: OperationId,
    request: WriteRequest,
    digest: [u8; 32],
    acting: Chosen,
    marker: Timestamp,
    now: Timestamp,
) -> Operation {
    let asked_for = match request.acting {
        Acting::Email(email) => Some(email.trim().to_owned()),
        Acting::Default | Acting::LeverUser(_) => None,
    };
    Operation {
        id,
        connection: request.connection,
        parent: None,
        opportunity: request.opportunity,
        request_id: request.request_id,
        digest,
        write: request.write,
        steps: Vec::new(),
        state: State::Recorded { not_before: None },
        attempts: Vec::new(),
        result_id: None,
        answer: None,
        acting_user: acting.user,
        acting_because: acting.because,
        passed_over: acting.passed_over,
        asked_for,
        found: Vec::new(),
        left_out: Vec::new(),
        minds_provenance: request.minds_provenance,
        marker,
        asked_by: request.asked_by,
        rpc: Cause::present().rpc.map(|rpc| rpc.to_string()),
        created_at: now,
        queued_at: now,
        acted_before: Vec::new(),
        unseen: None,
        restored_at: None,
        updated_at: now,
        revision: 1,
    }
}

pub(super) fn used_request_id(existing: &Operation, asked: &[u8; 32]) -> Error {
    Error::already_exists(
        "this request_id was used for another write within seven days: give a new one",
        vec![
            ("operation_id", existing.told_id()),
            ("digest", hex(&existing.digest)),
            ("asked_digest", hex(asked)),
        ],
    )
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
