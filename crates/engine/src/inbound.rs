//! Inbound applicants, and where they may go: answered from the mirror.

use std::collections::HashMap;

use domain::sla::{self, Sla};
use domain::stage_mapping::{StageCode, StageMapping};
use domain::{Candidacy, ConnectionId, Stream, Timestamp};
use lever::{ArchiveReason, ArchiveReasonId, OpportunityId, StageId};
use store::Order;

use crate::applicant_watch::WatchPlace;
use crate::engine::Engine;
use crate::error::{Error, Result, not_read_yet};
use crate::legend::Legend;
use crate::{mapping, status};

/// Which applicants.
#[derive(Debug, Clone)]
pub struct ApplicantsQuery {
    /// Only these stages, which must be inbound ones; empty for all of them.
    pub stages: Vec<StageId>,
    /// Which come first.
    pub order: Order,
    /// The last row of the page before.
    pub after: Option<(Timestamp, OpportunityId)>,
    /// At most this many.
    pub limit: usize,
    /// Whether confidential people are shown.
    pub confidential: bool,
}

/// An archive reason somebody may be rejected with.
#[derive(Debug, Clone)]
pub struct RejectReason {
    /// Lever's.
    pub reason: ArchiveReason,
    /// What the product calls it.
    pub templates: Vec<String>,
}

/// One page of applicants.
#[derive(Debug, Clone)]
pub struct Applicants {
    /// In the order asked for.
    pub applicants: Vec<Applicant>,
    /// Where the next page begins; none on the last.
    pub next: Option<(Timestamp, OpportunityId)>,
    /// Open candidacies in the stages asked for, all pages together, confidential ones included.
    pub total: u64,
    /// Up to when the list has everything: the start of the newest complete pass over the inbound stages.
    pub as_of: Option<Timestamp>,
    /// From where changes of the list are told.
    pub place: WatchPlace,
}

/// One open candidacy in an inbound stage.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// The candidacy.
    pub candidacy: Candidacy,
    /// Lever's text of the stage.
    pub stage_text: String,
    /// The product stage.
    pub code: StageCode,
    /// The title of the posting.
    pub posting_text: String,
    /// How it stands against its SLA now.
    pub sla: Sla,
}

/// A stage somebody may be advanced to.
#[derive(Debug, Clone)]
pub struct AdvanceTarget {
    /// Lever's id.
    pub stage: StageId,
    /// Lever's text.
    pub text: String,
    /// The product stage.
    pub code: StageCode,
    /// Whether it lies before the present stage.
    pub moves_back: bool,
    /// Whether it is the next allowed one.
    pub suggested: bool,
}

impl Engine {
    /// Lists open candidacies in inbound stages (F-40, F-55).
    ///
    /// # Errors
    /// Not found; invalid for a stage that is not inbound; precondition until the first page of the inbound stages
    /// has been read, or when the key may not read opportunities. Until all of them have been read once, the list
    /// has those that were, newest first in Lever's order, and no `as_of`.
    pub async fn applicants(&self, id: ConnectionId, query: ApplicantsQuery) -> Result<Applicants> {
        let link = self.link(id)?;
        let connection = link.connection();
        let listings = self.shared.store.cursors(id).await?;
        crate::read::permitted(&connection, &listings, Stream::Opportunities)?;
        // Taken first: what changes while the list is made is told again rather than missed.
        let sequence = self.shared.store.last_sequence(id).await?;
        let legend = Legend::of(&self.shared, id).await?;
        let mapping = &legend.mapping;
        let stages = asked_stages(mapping, &query.stages)?;
        let mut rows = self.rows(id, &stages, &query).await?;
        // The first applicants are shown while the others are still being read; nobody is not an answer yet (X6).
        if rows.is_empty() && !status::inbound_ready(&listings) {
            return Err(not_read_yet(
                "INBOUND_NOT_READ",
                "the inbound stages",
                &connection,
            ));
        }
        let next = (rows.len() > query.limit)
            .then(|| {
                rows.truncate(query.limit);
                rows.last()
                    .map(|row| (row.entered_stage_at, row.opportunity.clone()))
            })
            .flatten();
        let total = self.shared.store.count_in_stages(id, &stages).await?;
        let applicants = self.described(id, &legend, rows).await?;
        Ok(Applicants {
            applicants,
            next,
            total,
            as_of: status::inbound_as_of(&link, &listings, &mapping.inbound_stages),
            place: WatchPlace {
                sequence,
                mapping_version: mapping.version,
            },
        })
    }

    /// One row more than asked for, so that the caller knows whether more follow.
    async fn rows(
        &self,
        id: ConnectionId,
        stages: &[StageId],
        query: &ApplicantsQuery,
    ) -> Result<Vec<Candidacy>> {
        let all = query.confidential && self.shows_confidential(id);
        let mut rows = Vec::new();
        let mut after = query.after.clone();
        loop {
            let wanted = query.limit + 1 - rows.len();
            let found = self
                .shared
                .store
                .list_in_stages(id, stages, query.order, after, wanted)
                .await?;
            let last = found.len() < wanted;
            after = found
                .last()
                .map(|row| (row.entered_stage_at, row.opportunity.clone()));
            rows.extend(found.into_iter().filter(|row| all || !row.confidential));
            if last || rows.len() > query.limit {
                return Ok(rows);
            }
        }
    }

    pub(crate) async fn described(
        &self,
        id: ConnectionId,
        legend: &Legend,
        rows: Vec<Candidacy>,
    ) -> Result<Vec<Applicant>> {
        let (mapping, calendar) = (&*legend.mapping, &*legend.calendar);
        let now = self.shared.clock.now();
        let mut applicants = Vec::with_capacity(rows.len());
        for candidacy in rows {
            let group_entered_at =
                mapping::group_entered_at(&self.shared, id, mapping, &candidacy).await?;
            let posting_text = match &candidacy.posting {
                Some(posting) => legend.posting_text(&self.shared, id, posting).await?,
                None => String::new(),
            };
            let stage = candidacy.stage.clone().unwrap_or_else(|| StageId::from(""));
            applicants.push(Applicant {
                stage_text: legend.stage_text(&stage),
                code: mapping.code_of(&stage).clone(),
                posting_text,
                sla: sla::assess(&candidacy, mapping, calendar, now, group_entered_at),
                candidacy,
            });
        }
        Ok(applicants)
    }

    /// Lists the stages a person may be advanced to, in Lever's order (F-41).
    ///
    /// # Errors
    /// Not found, also for an opportunity the mirror does not have; precondition while the stages have not been read, and
    /// where they are not kept or the key may not list them.
    pub async fn advance_targets(
        &self,
        id: ConnectionId,
        opportunity: Option<&OpportunityId>,
    ) -> Result<Vec<AdvanceTarget>> {
        let link = self.link(id)?;
        let (present, posting) = match opportunity {
            Some(opportunity) => {
                let candidacy = self.shared.store.candidacy(id, opportunity).await?;
                let candidacy = candidacy
                    .ok_or_else(|| Error::not_found("opportunity", opportunity.as_str()))?;
                (candidacy.stage, candidacy.posting)
            }
            None => (None, None),
        };
        let stages = mapping::stages(&self.shared, id).await?;
        if stages.is_empty() {
            let reason = "STAGES_NOT_READ";
            mapping::none_is_an_answer(&self.shared, &link, Stream::Stages, reason).await?;
        }
        let texts: HashMap<&StageId, &str> = stages
            .iter()
            .map(|stage| (&stage.id, stage.text.as_str()))
            .collect();
        let mapping = mapping::present(&self.shared, id).await?;
        let targets = mapping.advance_targets(&stages, present.as_ref(), posting.as_ref());
        Ok(targets
            .into_iter()
            .map(|target| AdvanceTarget {
                text: texts
                    .get(&target.stage)
                    .copied()
                    .unwrap_or_default()
                    .to_owned(),
                stage: target.stage,
                code: target.code,
                moves_back: target.moves_back,
                suggested: target.suggested,
            })
            .collect())
    }

    /// Lists the archive reasons a person may be rejected with (F-42).
    ///
    /// # Errors
    /// Not found; precondition while the archive reasons have not been read, and where they are not kept or the key may
    /// not list them.
    pub async fn reject_reasons(&self, id: ConnectionId) -> Result<Vec<RejectReason>> {
        let link = self.link(id)?;
        let reasons = mapping::archive_reasons(&self.shared, id).await?;
        if reasons.is_empty() {
            let reason = "ARCHIVE_REASONS_NOT_READ";
            mapping::none_is_an_answer(&self.shared, &link, Stream::ArchiveReasons, reason).await?;
        }
        let mapping = mapping::present(&self.shared, id).await?;
        let named = |reason: &ArchiveReason| {
            let templates = mapping.reject_templates.iter();
            let same = templates.filter(|(_, one)| **one == reason.id);
            same.map(|(name, _)| name.clone()).collect()
        };
        let reasons = mapping.reject_reasons(&reasons).into_iter();
        let shown = reasons.map(|reason| RejectReason {
            templates: named(reason),
            reason: reason.clone(),
        });
        Ok(shown.collect())
    }

    /// The archive reason that the product's own name for it stands for.
    ///
    /// # Errors
    /// Not found; invalid for a name that the stage mapping does not have.
    pub async fn reject_template(&self, id: ConnectionId, name: &str) -> Result<ArchiveReasonId> {
        self.link(id)?;
        let mapping = mapping::present(&self.shared, id).await?;
        mapping.reject_templates.get(name).cloned().ok_or_else(|| {
            let message = "the stage mapping has no reason of this name: ListRejectReasons tells those it has (templates)";
            Error::invalid("reject_template", message)
        })
    }
}

/// The stages to list: those asked for, which must be inbound, or all inbound ones.
pub(crate) fn asked_stages(mapping: &StageMapping, asked: &[StageId]) -> Result<Vec<StageId>> {
    if asked.is_empty() {
        return Ok(mapping.inbound_stages.iter().cloned().collect());
    }
    let stranger = asked
        .iter()
        .position(|stage| !mapping.inbound_stages.contains(stage));
    match stranger {
        Some(index) => Err(Error::invalid(
            format!("stage_ids[{index}]"),
            "this is not an inbound stage of the connection's mapping; GetStageMapping lists those",
        )),
        None => Ok(asked.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use domain::Listing;
    use store::ListingOutcome;

    use super::*;
    use crate::error::ErrorKind;
    use crate::pull::Trouble;
    use crate::testing;

    /// What each list of an account without stages and reasons answers: how many there are, or why nobody knows.
    async fn told(
        engine: &Engine,
        id: ConnectionId,
    ) -> [std::result::Result<usize, &'static str>; 3] {
        let why = |error: Error| match error.kind() {
            ErrorKind::Precondition { reason, .. } => *reason,
            _ => "something else",
        };
        let suggested = engine.suggest_stage_mapping(id).await;
        [
            suggested.map(|found| found.suggestions.len()).map_err(why),
            engine
                .advance_targets(id, None)
                .await
                .map(|found| found.len())
                .map_err(why),
            engine
                .reject_reasons(id)
                .await
                .map(|found| found.len())
                .map_err(why),
        ]
    }

    #[tokio::test]
    async fn x6_an_account_that_has_none_is_told_from_one_whose_list_is_unknown() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let lists = [Listing::Stages, Listing::ArchiveReasons];
        let ended = async |outcome: ListingOutcome| {
            for list in lists {
                let noted = engine.store().note_listing(id, list, outcome.clone()).await;
                noted.expect("noted");
            }
        };
        let (stages, reasons) = ("STAGES_NOT_READ", "ARCHIVE_REASONS_NOT_READ");
        assert_eq!(
            told(&engine, id).await,
            [Err(stages), Err(stages), Err(reasons)]
        );
        let lacks = Trouble::Forbidden("list all".to_owned());
        ended(ListingOutcome::Failed(lacks.to_text())).await;
        assert_eq!(
            told(&engine, id).await,
            [Err("LEVER_PERMISSION_MISSING"); 3]
        );
        ended(ListingOutcome::Succeeded(Timestamp::from_millis(1))).await;
        assert_eq!(told(&engine, id).await, [Ok(0); 3]);
    }
}
