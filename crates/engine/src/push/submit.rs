//! Recording a write, and waiting for it.

use std::time::Duration;

use domain::operation::State;
use domain::{ConnectionId, Operation, OperationId, Write};
use lever::{GetOpportunity, Lane, OpportunityId, UserId};
use store::{ErrorKind as StoreErrorKind, ReceivedFile, Recording};

pub use super::acting::Acting;
use super::content::{check_content, check_request_id, digest};
use super::plan::{self, PlannedCall};
use super::{acting, new_id};
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
    /// Whether the caller may see confidential people; to others they do not exist.
    pub confidential: bool,
    /// The name of the token that asks.
    pub asked_by: String,
}

/// What a write would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    /// The calls in order.
    pub calls: Vec<PlannedCall>,
    /// The Lever user they would be made for.
    pub acting_user: Option<UserId>,
}

impl Engine {
    /// Records a write and waits for it up to `wait`.
    ///
    /// # Errors
    /// Invalid with each bad field; not found for an opportunity Lever does not have; already exists if the request
    /// id was used for something else; precondition for what the mapping excludes; exhausted on a full disk.
    /// A refusal by Lever is no error here: it is in the operation.
    pub async fn write(&self, request: WriteRequest, wait: Duration) -> Result<Operation> {
        self.write_with(self.narrowed(request), None, wait).await
    }

    /// The request with the right that is left of the caller's while the key of the connection lacks it.
    pub(super) fn narrowed(&self, request: WriteRequest) -> WriteRequest {
        WriteRequest {
            confidential: request.confidential && self.shows_confidential(request.connection),
            ..request
        }
    }

    /// [`Engine::write`] of a request that is narrowed, with the file of an upload.
    pub(super) async fn write_with(
        &self,
        request: WriteRequest,
        file: Option<ReceivedFile>,
        wait: Duration,
    ) -> Result<Operation> {
        let connection = request.connection;
        let engine = self.clone();
        // A caller who goes away must not leave behind what is recorded and in no queue.
        let id = self
            .to_the_end(async move { engine.record(request, file).await })
            .await?;
        self.wait_for(connection, id, wait).await
    }

    /// Records a write and puts it in line, unless its request id stands for one already.
    async fn record(
        &self,
        request: WriteRequest,
        file: Option<ReceivedFile>,
    ) -> Result<OperationId> {
        let outbox = self.running(request.connection)?.outbox;
        if let Some(known) = self.checked(&request).await? {
            return Ok(known.id);
        }
        self.check_against_account(&request).await?;
        let acting_user = acting::choose(&self.shared, &request).await?;
        let now = self.shared.clock.now();
        let digest = digest(&request);
        let operation = Operation {
            id: OperationId::new(new_id()),
            connection: request.connection,
            opportunity: request.opportunity.clone(),
            digest,
            request_id: request.request_id,
            write: request.write,
            state: State::Recorded { not_before: None },
            attempts: Vec::new(),
            result_id: None,
            answer: None,
            acting_user,
            marker: outbox.marker(now),
            asked_by: request.asked_by,
            created_at: now,
            updated_at: now,
            revision: 1,
        };
        let store = &self.shared.store;
        let recording = match file {
            Some(file) => {
                store
                    .record_operation_with_file(operation, REMEMBERED, file)
                    .await?
            }
            None => store.record_operation(operation, REMEMBERED).await?,
        };
        match recording {
            Recording::New(operation) => {
                metrics::counter!("fulcrum_operations_total", "kind" => operation.write.kind(), "event" => "recorded")
                    .increment(1);
                outbox.submit(operation.opportunity, operation.id);
                Ok(operation.id)
            }
            Recording::Existing(operation) => Ok(operation.id),
            Recording::Mismatch { existing } => Err(used_request_id(&existing, &digest)),
        }
    }

    /// Whether a write can be right at all; gives the operation that its request id stands for already.
    async fn checked(&self, request: &WriteRequest) -> Result<Option<Operation>> {
        self.check_alone(request).await?;
        self.remembered(request).await
    }

    /// What can be told of a write without asking Lever or knowing what was asked before.
    pub(super) async fn check_alone(&self, request: &WriteRequest) -> Result<()> {
        check_request_id(&request.request_id)?;
        check_content(&request.write)?;
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

    /// The calls a write would make; nothing is recorded or sent (X3).
    ///
    /// # Errors
    /// As [`Engine::write`].
    pub async fn dry_run(&self, request: &WriteRequest) -> Result<DryRun> {
        let outbox = self.running(request.connection)?.outbox;
        let request = self.narrowed(request.clone());
        check_content(&request.write)?;
        self.check_against_account(&request).await?;
        let acting_user = acting::choose(&self.shared, &request).await?;
        let marker = outbox.marker(self.shared.clock.now());
        let calls = plan::planned(
            &request.write,
            &request.opportunity,
            acting_user.clone(),
            marker,
        );
        Ok(DryRun { calls, acting_user })
    }

    /// Waits until an operation has settled, at most `wait`; answers with it as it stands then.
    ///
    /// # Errors
    /// Not found.
    pub async fn wait_for(
        &self,
        connection: ConnectionId,
        id: OperationId,
        wait: Duration,
    ) -> Result<Operation> {
        let mut moved = self.shared.moved.subscribe();
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let operation = self.operation(connection, id).await?;
            if operation.state.settled() || tokio::time::Instant::now() >= deadline {
                return Ok(operation);
            }
            loop {
                match tokio::time::timeout_at(deadline, moved.recv()).await {
                    Ok(Ok(other)) if other != id => {}
                    // Ours has moved, some moves were missed, or the time is up: look again.
                    _ => break,
                }
            }
        }
    }

    /// One operation.
    ///
    /// # Errors
    /// Not found.
    pub async fn operation(&self, connection: ConnectionId, id: OperationId) -> Result<Operation> {
        let stored = self.shared.store.operation(connection, id).await?;
        stored.ok_or_else(|| Error::not_found("operation", &id.to_string()))
    }

    /// Whether an opportunity is confidential, as far as the mirror knows it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn is_confidential(
        &self,
        connection: ConnectionId,
        opportunity: &OpportunityId,
    ) -> Result<bool> {
        let candidacy = self.shared.store.candidacy(connection, opportunity).await?;
        Ok(candidacy.is_some_and(|candidacy| candidacy.confidential))
    }

    /// Operations, newest first.
    ///
    /// # Errors
    /// Not found.
    pub async fn operations(
        &self,
        connection: ConnectionId,
        opportunity: Option<&OpportunityId>,
        before: Option<OperationId>,
        limit: usize,
    ) -> Result<Vec<Operation>> {
        self.connection(connection).await?;
        Ok(self
            .shared
            .store
            .operations(connection, opportunity, before, limit)
            .await?)
    }

    /// Sees each operation that moves.
    pub fn watch_operations(&self) -> tokio::sync::broadcast::Receiver<OperationId> {
        self.shared.moved.subscribe()
    }

    /// Withdraws an operation that has not been sent.
    ///
    /// # Errors
    /// Not found; precondition once it is being sent or has settled.
    pub async fn cancel_operation(
        &self,
        connection: ConnectionId,
        id: OperationId,
    ) -> Result<Operation> {
        let operation = self.operation(connection, id).await?;
        let too_late = || {
            Error::precondition(
                "OPERATION_NOT_WAITING",
                "only an operation that waits to be sent can be cancelled",
                Vec::new(),
            )
        };
        if !matches!(operation.state, State::Recorded { .. }) {
            return Err(too_late());
        }
        let now = self.shared.clock.now();
        let withdrawn = operation.after(
            domain::operation::Event::Withdrawn,
            now,
            &self.shared.settings.patience,
        );
        match self.shared.store.save_operation(withdrawn.clone()).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), StoreErrorKind::Conflict) => {
                return Err(too_late());
            }
            Err(error) => return Err(error.into()),
        }
        // Nobody listening is fine: the state is in the store.
        let _ = self.shared.moved.send(id);
        Ok(withdrawn)
    }

    /// The operation this request id stands for already.
    async fn remembered(&self, request: &WriteRequest) -> Result<Option<Operation>> {
        let known = self
            .shared
            .store
            .operation_by_request(request.connection, &request.request_id)
            .await?;
        let now = self.shared.clock.now();
        match known.filter(|known| now.since(known.created_at) < REMEMBERED) {
            Some(known) if known.digest == digest(request) => Ok(Some(known)),
            Some(known) => Err(used_request_id(&known, &digest(request))),
            None => Ok(None),
        }
    }

    /// What can be told to be wrong before Lever is asked.
    pub(super) async fn check_against_account(&self, request: &WriteRequest) -> Result<()> {
        match &request.write {
            Write::ChangeStage { stage, .. } => self.check_stage(request.connection, stage).await?,
            Write::Archive { reason, .. } => self.check_reason(request.connection, reason).await?,
            // Lever itself judges what the path names.
            Write::Raw(_) => return Ok(()),
            Write::UploadFile(file) if !file.target.keeps() => return Ok(()),
            _ => {}
        }
        self.check_opportunity(request).await
    }

    async fn check_stage(&self, id: ConnectionId, stage: &lever::StageId) -> Result<()> {
        let stages = mapping::stages(&self.shared, id).await?;
        if !stages.is_empty() && !stages.iter().any(|known| known.id == *stage) {
            return Err(Error::invalid(
                "stage_id",
                "Lever has no such stage: GetStageMapping lists the stages of the account",
            ));
        }
        let mapping = mapping::present(&self.shared, id).await?;
        mapping.may_advance_to(stage).map_err(|_| {
            Error::precondition(
                "STAGE_EXCLUDED",
                "the stage mapping excludes this stage when advancing: ListAdvanceTargets lists those allowed",
                vec![("stage_id", stage.as_str().to_owned())],
            )
        })
    }

    async fn check_reason(&self, id: ConnectionId, reason: &lever::ArchiveReasonId) -> Result<()> {
        let reasons = mapping::archive_reasons(&self.shared, id).await?;
        if reasons.is_empty() {
            return Ok(());
        }
        if !reasons.iter().any(|known| known.id == *reason) {
            return Err(Error::invalid(
                "archive_reason_id",
                "Lever has no such archive reason: LeverService.ListArchiveReasons lists them",
            ));
        }
        let mapping = mapping::present(&self.shared, id).await?;
        if mapping.reject_excluded_reasons.contains(reason) {
            return Err(Error::precondition(
                "REASON_EXCLUDED",
                "the stage mapping excludes this archive reason when rejecting: ListRejectReasons lists those allowed",
                vec![("archive_reason_id", reason.as_str().to_owned())],
            ));
        }
        Ok(())
    }

    /// An opportunity the mirror lacks may be new: Lever is asked. When Lever is away the write is taken anyway.
    async fn check_opportunity(&self, request: &WriteRequest) -> Result<()> {
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
            Some(_) => return Ok(()),
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
            _ => Ok(()),
        }
    }
}

fn used_request_id(existing: &Operation, asked: &[u8; 32]) -> Error {
    Error::already_exists(
        "this request_id was used for another write within seven days: give a new one",
        vec![
            ("operation_id", existing.id.to_string()),
            ("digest", hex(&existing.digest)),
            ("asked_digest", hex(asked)),
        ],
    )
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
