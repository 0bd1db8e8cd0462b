//! How a candidacy stands, with the names a person needs: answered from the mirror.

use std::collections::HashMap;

use domain::sla::Sla;
use domain::stage_mapping::StageCode;
use domain::{Candidacy, ConnectionId, Stream};
use lever::{ArchiveReason, ArchiveReasonId, ReasonKind, User, UserId};

use crate::engine::Engine;
use crate::error::Result;
use crate::inbound::Applicant;
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
        let mapping = mapping::present(&self.shared, id).await?;
        let reasons: HashMap<ArchiveReasonId, ArchiveReason> =
            mapping::archive_reasons(&self.shared, id)
                .await?
                .into_iter()
                .map(|reason| (reason.id.clone(), reason))
                .collect();
        let now = self.shared.clock.now();
        let mut names: HashMap<UserId, String> = HashMap::new();
        let mut standings = Vec::with_capacity(rows.len());
        for applicant in self.described(id, &mapping, rows).await? {
            let Applicant {
                candidacy,
                stage_text,
                code,
                posting_text,
                sla,
            } = applicant;
            let (outcome, archive_reason_text) = outcome(&candidacy, &reasons);
            let owner_name = match &candidacy.owner {
                Some(owner) => self.user_name(id, owner, &mut names).await?,
                None => String::new(),
            };
            standings.push(Standing {
                snoozed: candidacy.snoozed(now),
                candidacy,
                stage_text,
                code: match outcome {
                    Outcome::Hired => StageCode::HIRED,
                    Outcome::Declined => StageCode::REJECTED,
                    Outcome::Pending | Outcome::Unknown => code,
                },
                outcome,
                archive_reason_text,
                posting_text,
                owner_name,
                sla,
            });
        }
        Ok(standings)
    }

    async fn user_name(
        &self,
        id: ConnectionId,
        user: &UserId,
        known: &mut HashMap<UserId, String>,
    ) -> Result<String> {
        if let Some(name) = known.get(user) {
            return Ok(name.clone());
        }
        let record = self
            .shared
            .store
            .record(id, Stream::Users, user.as_str())
            .await?;
        let name = record
            .and_then(|record| serde_json::from_str::<User>(&record.raw).ok())
            .and_then(|user| user.name)
            .unwrap_or_default();
        known.insert(user.clone(), name.clone());
        Ok(name)
    }
}

/// What became of a candidacy, and the text of the reason.
fn outcome(
    candidacy: &Candidacy,
    reasons: &HashMap<ArchiveReasonId, ArchiveReason>,
) -> (Outcome, String) {
    let Some(archived) = &candidacy.archived else {
        return (Outcome::Pending, String::new());
    };
    let Some(reason) = &archived.reason else {
        return (Outcome::Declined, String::new());
    };
    match reasons.get(reason) {
        None => (Outcome::Unknown, String::new()),
        Some(reason) if reason.kind == ReasonKind::Hired => (Outcome::Hired, reason.text.clone()),
        Some(reason) => (Outcome::Declined, reason.text.clone()),
    }
}
