//! How a candidacy stands, with the names a person needs: answered from the mirror.

use std::cmp::Reverse;
use std::collections::HashMap;

use domain::sla::Sla;
use domain::stage_mapping::StageCode;
use domain::{Candidacy, ConnectionId};
use lever::{ArchiveReason, ArchiveReasonId, ReasonKind};

use crate::engine::{Engine, Shared};
use crate::error::Result;
use crate::inbound::Applicant;
use crate::legend::Legend;
use crate::mapping;

/// What became of a candidacy; Lever tells a hire from everything else and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is open.
    Pending,
    /// Archived with a reason of type `hired`.
    Hired,
    /// Archived with another reason, or without one.
    Declined,
    /// Archived with a reason that the mirror does not have.
    Unknown,
}

impl Outcome {
    /// The product stage it makes; none where the Lever stage does.
    pub(crate) fn code(self) -> Option<StageCode> {
        match self {
            Outcome::Hired => Some(StageCode::HIRED),
            Outcome::Declined => Some(StageCode::REJECTED),
            Outcome::Pending | Outcome::Unknown => None,
        }
    }
}

/// How one candidacy stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The candidacy.
    pub candidacy: Candidacy,
    /// Lever's text of the stage.
    pub stage_text: String,
    /// The product stage; HIRED or REJECTED for an archived one whose outcome is known.
    pub code: StageCode,
    /// What became of it.
    pub outcome: Outcome,
    /// Lever's text of the archive reason; empty while it is open.
    pub archive_reason_text: String,
    /// The title of the posting.
    pub posting_text: String,
    /// The owner's name.
    pub owner_name: String,
    /// How it stands against its SLA now.
    pub sla: Sla,
    /// Whether it is asleep now.
    pub snoozed: bool,
}

impl Standing {
    /// In the order of a person's candidacies: open ones first, then by their last change.
    pub(crate) fn order(&self) -> impl Ord + use<> {
        let changed = self
            .candidacy
            .updated_at
            .unwrap_or(self.candidacy.entered_stage_at);
        Reverse((self.candidacy.active(), changed))
    }
}

impl Engine {
    /// Tells how candidacies stand, in the order given.
    ///
    /// # Errors
    /// As every read of the store.
    pub(crate) async fn standings(
        &self,
        id: ConnectionId,
        rows: Vec<Candidacy>,
    ) -> Result<Vec<Standing>> {
        let legend = Legend::of(&self.shared, id).await?;
        let reasons = &legend.reasons;
        let now = self.shared.clock.now();
        let mut standings = Vec::with_capacity(rows.len());
        for applicant in self.described(id, &legend, rows).await? {
            let Applicant {
                candidacy,
                stage_text,
                code,
                posting_text,
                sla,
            } = applicant;
            let outcome = reasons.outcome(&candidacy);
            let owner_name = match &candidacy.owner {
                Some(owner) => legend.user_name(&self.shared, id, owner).await?,
                None => String::new(),
            };
            standings.push(Standing {
                snoozed: candidacy.snoozed(now),
                archive_reason_text: reasons.text(&candidacy),
                candidacy,
                stage_text,
                code: outcome.code().unwrap_or(code),
                outcome,
                posting_text,
                owner_name,
                sla,
            });
        }
        Ok(standings)
    }
}

/// The archive reasons of an account.
#[derive(Debug)]
pub(crate) struct Reasons(HashMap<ArchiveReasonId, ArchiveReason>);

impl Reasons {
    pub(crate) async fn read(shared: &Shared, id: ConnectionId) -> Result<Reasons> {
        let reasons = mapping::archive_reasons(shared, id).await?.into_iter();
        let reasons = reasons.map(|reason| (reason.id.clone(), reason));
        Ok(Reasons(reasons.collect()))
    }

    /// The reason of that id.
    pub(crate) fn get(&self, id: &ArchiveReasonId) -> Option<&ArchiveReason> {
        self.0.get(id)
    }

    /// What became of a candidacy.
    pub(crate) fn outcome(&self, candidacy: &Candidacy) -> Outcome {
        let Some(archived) = &candidacy.archived else {
            return Outcome::Pending;
        };
        match &archived.reason {
            None => Outcome::Declined,
            Some(reason) => match self.0.get(reason).map(|reason| &reason.kind) {
                None => Outcome::Unknown,
                Some(ReasonKind::Hired) => Outcome::Hired,
                Some(_) => Outcome::Declined,
            },
        }
    }

    /// Lever's text of the reason a candidacy is archived with; empty where there is none.
    pub(crate) fn text(&self, candidacy: &Candidacy) -> String {
        let reason = candidacy
            .archived
            .as_ref()
            .and_then(|archived| archived.reason.as_ref());
        let reason = reason.and_then(|reason| self.0.get(reason));
        reason.map(|reason| reason.text.clone()).unwrap_or_default()
    }
}
