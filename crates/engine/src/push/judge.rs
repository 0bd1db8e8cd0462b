//! Whether a write can be right in this account, for a caller with these rights.

use std::collections::HashMap;

use domain::operation::{Failure, FailureKind};
use domain::stage_mapping::Refusal;
use domain::{ConnectionId, StageMapping, Write};
use lever::OpportunityId;

use crate::engine::{Engine, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping;

/// Whom a caller may write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Whether the caller may see confidential people; to others they do not exist.
    pub confidential: bool,
    /// Whether the caller works with inbound applicants only; to them nobody else exists.
    pub inbound_only: bool,
}

/// Judges many writes; what they have in common is looked up once.
pub(super) struct Judge<'a> {
    engine: &'a Engine,
    connection: ConnectionId,
    confidential: bool,
    /// The mapping that says who is an applicant, for a caller who works with nobody else.
    inbound: Option<StageMapping>,
    /// What is known of stages and archive reasons that writes go to.
    targets: HashMap<String, Option<Failure>>,
}

impl<'a> Judge<'a> {
    pub(super) async fn new(
        engine: &'a Engine,
        connection: ConnectionId,
        rights: Rights,
    ) -> Result<Judge<'a>> {
        Ok(Judge {
            engine,
            connection,
            confidential: rights.confidential && engine.shows_confidential(connection),
            inbound: match rights.inbound_only {
                true => Some(mapping::present(&engine.shared, connection).await?),
                false => None,
            },
            targets: HashMap::new(),
        })
    }

    /// Whether the caller may write to an opportunity, as far as the mirror knows it; `in_lever` tells that Lever has
    /// been asked for one which the mirror does not have.
    pub(super) async fn may_write_to(
        &self,
        opportunity: &OpportunityId,
        in_lever: bool,
    ) -> Result<bool> {
        if opportunity.as_str().is_empty() {
            return Ok(self.inbound.is_none());
        }
        let store = &self.engine.shared.store;
        let known = store.candidacy(self.connection, opportunity).await?;
        let Some(known) = known else {
            // Whether there is such a person, Lever tells; who may not know of everybody is not told of them.
            return Ok(self.inbound.is_none() && (self.confidential || in_lever));
        };
        let applicant = self.inbound.as_ref().is_none_or(|mapping| {
            let stage = known.stage.as_ref();
            known.archived.is_none()
                && stage.is_some_and(|stage| mapping.inbound_stages.contains(stage))
        });
        Ok(applicant && (self.confidential || !known.confidential))
    }

    /// Why a write cannot be right.
    ///
    /// # Errors
    /// What is about no single write: the store cannot be read.
    pub(super) async fn objection(
        &mut self,
        opportunity: &OpportunityId,
        in_lever: bool,
        write: &Write,
    ) -> Result<Option<Failure>> {
        if !self.may_write_to(opportunity, in_lever).await? {
            let unknown = Error::not_found("opportunity", opportunity.as_str());
            return failure_of(unknown).map(Some);
        }
        let Some(target) = target(write) else {
            return Ok(None);
        };
        if let Some(known) = self.targets.get(target) {
            return Ok(known.clone());
        }
        let outcome = check_target(&self.engine.shared, self.connection, write).await;
        let failure = outcome.err().map(failure_of).transpose()?;
        self.targets.insert(target.to_owned(), failure.clone());
        Ok(failure)
    }
}

/// Whether the account has the stage or the archive reason that a write names, and may be given it.
pub(super) async fn check_target(
    shared: &Shared,
    connection: ConnectionId,
    write: &Write,
) -> Result<()> {
    match write {
        Write::ChangeStage { stage, .. } => check_stage(shared, connection, stage).await,
        Write::Archive {
            reason, rejects, ..
        } => check_reason(shared, connection, reason, rejects.is_some()).await,
        _ => Ok(()),
    }
}

async fn check_stage(shared: &Shared, id: ConnectionId, stage: &lever::StageId) -> Result<()> {
    check_stage_known(shared, id, stage).await?;
    let mapping = mapping::present(shared, id).await?;
    mapping.may_advance_to(stage).map_err(|_| {
        Error::precondition(
            "STAGE_EXCLUDED",
            "the stage mapping excludes this stage when advancing: ListAdvanceTargets lists those allowed",
            vec![("stage_id", stage.as_str().to_owned())],
        )
    })
}

/// Whether the account has a stage, as far as its stages have been read.
pub(super) async fn check_stage_known(
    shared: &Shared,
    id: ConnectionId,
    stage: &lever::StageId,
) -> Result<()> {
    let stages = mapping::stages(shared, id).await?;
    if !stages.is_empty() && !stages.iter().any(|known| known.id == *stage) {
        return Err(Error::invalid(
            "stage_id",
            "Lever has no such stage: GetStageMapping lists the stages of the account",
        ));
    }
    Ok(())
}

async fn check_reason(
    shared: &Shared,
    id: ConnectionId,
    reason: &lever::ArchiveReasonId,
    rejects: bool,
) -> Result<()> {
    let reasons = mapping::archive_reasons(shared, id).await?;
    if reasons.is_empty() {
        return Ok(());
    }
    let Some(known) = reasons.iter().find(|known| known.id == *reason) else {
        return Err(Error::invalid(
            "archive_reason_id",
            "Lever has no such archive reason: LeverService.ListArchiveReasons lists them",
        ));
    };
    let mapping = mapping::present(shared, id).await?;
    let why = match mapping.may_reject_with(known) {
        Ok(()) => return Ok(()),
        // Whoever is archived without being rejected may have been hired; an inactive reason is for Lever to refuse.
        Err(Refusal::ReasonHires(_) | Refusal::ReasonInactive(_)) if !rejects => return Ok(()),
        Err(Refusal::ReasonHires(_)) => {
            "this archive reason hires, and nobody is rejected with it: ListRejectReasons lists those allowed"
        }
        Err(Refusal::ReasonInactive(_)) => {
            "this archive reason is inactive in Lever: ListRejectReasons lists those allowed"
        }
        Err(_) => {
            "the stage mapping excludes this archive reason when rejecting: ListRejectReasons lists those allowed"
        }
    };
    Err(Error::precondition(
        "REASON_EXCLUDED",
        why,
        vec![("archive_reason_id", reason.as_str().to_owned())],
    ))
}

/// Lever's id of the stage or the archive reason that a write names.
pub(super) fn target(write: &Write) -> Option<&str> {
    match write {
        Write::ChangeStage { stage, .. } => Some(stage.as_str()),
        Write::Archive { reason, .. } => Some(reason.as_str()),
        _ => None,
    }
}

/// What an error that is about one write says of it; any other is handed back.
pub(super) fn failure_of(error: Error) -> Result<Failure> {
    let (kind, details) = match error.kind() {
        ErrorKind::NotFound { .. } => (FailureKind::NotFound, Vec::new()),
        ErrorKind::Invalid { .. } => (FailureKind::Invalid, Vec::new()),
        ErrorKind::Precondition { reason, details } => {
            let kind = FailureKind::ALL
                .iter()
                .copied()
                .find(|kind| kind.reason() == *reason);
            let Some(kind) = kind else {
                return Err(error);
            };
            let owned = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
            (kind, details.iter().map(owned).collect())
        }
        _ => return Err(error),
    };
    Ok(Failure {
        kind,
        message: error.sentence().to_owned(),
        details,
    })
}
