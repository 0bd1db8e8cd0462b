//! Whether a write can be right in this account, for a caller with these rights.

use std::collections::{HashMap, HashSet};

use domain::operation::{Failure, FailureKind, RawWrite, Sight};
use domain::stage_mapping::Refusal;
use domain::{Candidacy, ConnectionId, StageMapping, Write};
use lever::{ArchiveReasonId, Opportunity, OpportunityId, Record, StageId, registry};
use serde_json::Value;

use crate::engine::{Engine, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping;
use crate::read::is_confidential;

/// Whom a caller may write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Whether the caller may see confidential people; to others they do not exist.
    pub confidential: bool,
    /// Whether the caller works with inbound applicants only; to them nobody else exists.
    pub inbound_only: bool,
}

/// What is known of whether somebody exists for a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// They do.
    Shown,
    /// The mirror does not have them, and the caller may see no more than this: Lever is asked before each call.
    Unknown(Sight),
    /// The mirror has them, and the caller may not see them. They are written about as if it did not.
    Hidden(Sight),
}

impl Seen {
    /// As [`Operation::unseen`](domain::Operation::unseen).
    pub(super) fn sight(self) -> Option<Sight> {
        match self {
            Seen::Shown => None,
            Seen::Unknown(sight) | Seen::Hidden(sight) => Some(sight),
        }
    }

    /// The opportunity for what is told of it; without an id where its caller must not learn what the mirror has.
    pub(super) fn told_of(self, opportunity: &OpportunityId) -> OpportunityId {
        match self {
            Seen::Hidden(_) => OpportunityId::from(""),
            Seen::Shown | Seen::Unknown(_) => opportunity.clone(),
        }
    }
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
    /// Stages somebody may be expected in.
    expected: HashSet<StageId>,
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
            expected: HashSet::new(),
        })
    }

    /// Whether an opportunity exists for the caller, as far as the mirror knows it.
    pub(super) async fn seen(&self, opportunity: &OpportunityId) -> Result<Seen> {
        let sight = Sight {
            confidential: self.confidential,
            applicants_only: self.inbound.is_some(),
        };
        let sees_all = sight.confidential && !sight.applicants_only;
        if opportunity.as_str().is_empty() {
            return Ok(match sight.applicants_only {
                true => Seen::Hidden(sight),
                false => Seen::Shown,
            });
        }
        let store = &self.engine.shared.store;
        let known = store.candidacy(self.connection, opportunity).await?;
        let is_shown = |known: &Candidacy| {
            let inbound = self.inbound.as_ref();
            let (stage, archived) = (known.stage.as_ref(), known.archived.is_some());
            inbound.is_none_or(|mapping| is_applicant(mapping, stage, archived))
                && (self.confidential || !known.confidential)
        };
        Ok(match known {
            Some(known) if !is_shown(&known) => Seen::Hidden(sight),
            None if !sees_all => Seen::Unknown(sight),
            _ => Seen::Shown,
        })
    }

    /// Why a write cannot be right, whoever it is about.
    ///
    /// # Errors
    /// What is about no single write: the store cannot be read.
    pub(super) async fn objection(
        &mut self,
        opportunity: &OpportunityId,
        write: &Write,
    ) -> Result<Option<Failure>> {
        if let Some(expected) = expected_stage(write)
            && !self.expected.contains(expected)
        {
            let (shared, id) = (&self.engine.shared, self.connection);
            if let Err(error) = check_expected(shared, id, opportunity, write).await {
                return failure_of(error).map(Some);
            }
            self.expected.insert(expected.clone());
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

/// What a caller is told of somebody who does not exist for them: the same of whom they may not see and of nobody.
pub(super) fn hidden(opportunity: &OpportunityId) -> Failure {
    let unknown = Error::not_found("opportunity", opportunity.as_str());
    Failure {
        kind: FailureKind::NotFound,
        // It is told on as an issue, so what was written in the place of an id is not repeated.
        message: unknown.to_string(),
        details: Vec::new(),
    }
}

/// Whether somebody who stands there is an inbound applicant.
fn is_applicant(mapping: &StageMapping, stage: Option<&StageId>, archived: bool) -> bool {
    !archived && stage.is_some_and(|stage| mapping.inbound_stages.contains(stage))
}

/// Whether a person, as Lever has them now, exists for a caller.
///
/// # Errors
/// If the store cannot be read.
pub(super) async fn sees(
    shared: &Shared,
    connection: ConnectionId,
    sight: Sight,
    present: &Record<Opportunity>,
) -> Result<bool> {
    if !sight.confidential && is_confidential(present.raw.get()) {
        return Ok(false);
    }
    if !sight.applicants_only {
        return Ok(true);
    }
    let mapping = mapping::present(shared, connection).await?;
    let Opportunity {
        stage, archived, ..
    } = &present.value;
    Ok(is_applicant(&mapping, stage.as_ref(), archived.is_some()))
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
        Write::Raw(raw) => check_raw(shared, connection, raw).await,
        _ => Ok(()),
    }
}

/// The stage that somebody is expected in.
fn expected_stage(write: &Write) -> Option<&StageId> {
    match write {
        Write::ChangeStage { expected_stage, .. } => expected_stage.as_ref(),
        Write::Archive {
            rejects: Some(rejects),
            ..
        } => rejects.expected_stage.as_ref(),
        _ => None,
    }
}

/// Whether somebody can be in the stage they are expected in, as far as the stages have been read: a stage that Lever does
/// not list has people now and then.
pub(super) async fn check_expected(
    shared: &Shared,
    id: ConnectionId,
    opportunity: &OpportunityId,
    write: &Write,
) -> Result<()> {
    let Some(expected) = expected_stage(write) else {
        return Ok(());
    };
    if is_stage(shared, id, expected).await? {
        return Ok(());
    }
    let known = shared.store.candidacy(id, opportunity).await?;
    if known.is_some_and(|known| known.stage.as_ref() == Some(expected)) {
        return Ok(());
    }
    Err(Error::invalid("expected_stage_id", NO_SUCH_STAGE))
}

const NO_SUCH_STAGE: &str =
    "Lever has no such stage: GetStageMapping lists the stages of the account";

/// Whether the account lists a stage, or its stages have not been read.
async fn is_stage(shared: &Shared, id: ConnectionId, stage: &StageId) -> Result<bool> {
    let stages = mapping::stages(shared, id).await?;
    Ok(stages.is_empty() || stages.iter().any(|known| known.id == *stage))
}

/// Whether the mapping allows what a raw write asks, where that is a move or an archiving: Lever judges the rest.
async fn check_raw(shared: &Shared, id: ConnectionId, raw: &RawWrite) -> Result<()> {
    let text = |name: &str| {
        let body = raw.body.as_deref().unwrap_or_default();
        let body: Value = serde_json::from_str(body).ok()?;
        body.get(name)?.as_str().map(str::to_owned)
    };
    let checked = match raw.operation.as_str() {
        MOVES | CANDIDATE_MOVES => match text("stage") {
            Some(stage) => check_stage_allowed(shared, id, &StageId::from(stage.as_str())).await,
            None => Ok(()),
        },
        ARCHIVES | CANDIDATE_ARCHIVES => match text("reason") {
            Some(reason) => {
                let reason = ArchiveReasonId::from(reason.as_str());
                check_reason(shared, id, &reason, false).await
            }
            None => Ok(()),
        },
        _ => Ok(()),
    };
    match checked {
        Err(error) if matches!(error.kind(), ErrorKind::Invalid { .. }) => Ok(()),
        checked => checked,
    }
}

const MOVES: &str = registry::UPDATE_OPPORTUNITY_STAGE.id;
const CANDIDATE_MOVES: &str = registry::UPDATE_CANDIDATE_STAGE.id;
const ARCHIVES: &str = registry::UPDATE_OPPORTUNITY_ARCHIVED.id;
const CANDIDATE_ARCHIVES: &str = registry::UPDATE_CANDIDATE_ARCHIVED.id;

async fn check_stage(shared: &Shared, id: ConnectionId, stage: &StageId) -> Result<()> {
    check_stage_known(shared, id, stage).await?;
    check_stage_allowed(shared, id, stage).await
}

async fn check_stage_allowed(shared: &Shared, id: ConnectionId, stage: &StageId) -> Result<()> {
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
    stage: &StageId,
) -> Result<()> {
    match is_stage(shared, id, stage).await? {
        true => Ok(()),
        false => Err(Error::invalid("stage_id", NO_SUCH_STAGE)),
    }
}

async fn check_reason(
    shared: &Shared,
    id: ConnectionId,
    reason: &ArchiveReasonId,
    rejects: bool,
) -> Result<()> {
    let reasons = mapping::archive_reasons(shared, id).await?;
    if reasons.is_empty() {
        return Ok(());
    }
    let Some(known) = reasons.iter().find(|known| known.id == *reason) else {
        let lists = match rejects {
            true => "ListRejectReasons lists those allowed",
            false => "LeverService.ListArchiveReasons lists them",
        };
        return Err(Error::invalid(
            "archive_reason_id",
            format!("Lever has no such archive reason: {lists}"),
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
