//! The stage mapping of a connection: kept in versions, read often, changed rarely.

use std::collections::{BTreeMap, BTreeSet};

use domain::stage_mapping::effect::{Effect, Side};
use domain::stage_mapping::{
    self, ClockScope, Drift, DriftKind, KnownAccount, StageCode, StageMapping,
};
use domain::suggest::{self, Suggestion};
use domain::{Candidacy, ConnectionId, Stream, Timestamp, Versioned as _, sla};
use lever::{ArchiveReason, Stage, StageChange, StageId};
use store::Tombstones;

use crate::engine::{Engine, Shared};
use crate::error::{Error, Result, Violation, not_read_yet};
use crate::link::Link;
use crate::{read, versions};

/// How sure a suggestion must be to be part of the suggested mapping, in percent.
const SURE: u8 = 50;

/// How many candidacies a preview reads at a time.
const PREVIEW_STEP: usize = 1000;

/// A mapping and what it means today.
#[derive(Debug, Clone)]
pub struct MappingView {
    /// The present version.
    pub mapping: StageMapping,
    /// Lever's stages in pipeline order, then missing ones.
    pub stages: Vec<MappedStage>,
    /// What Lever has changed since the mapping was saved.
    pub notices: Vec<Notice>,
}

/// Something that Lever has changed since a mapping was saved.
#[derive(Debug, Clone)]
pub struct Notice {
    /// What.
    pub drift: Drift,
    /// Where a new or renamed stage probably belongs, if that is somewhere else than it is.
    pub suggestion: Option<SuggestedStage>,
}

/// A Lever stage and where the mapping puts it.
#[derive(Debug, Clone)]
pub struct MappedStage {
    /// Lever's id.
    pub stage: StageId,
    /// Lever's text; the last known one when missing.
    pub text: String,
    /// The product stage, or UNMAPPED.
    pub code: StageCode,
    /// The SLA days that apply.
    pub sla_days: Option<u16>,
    /// Whether its people are inbound applicants.
    pub inbound: bool,
    /// Open candidacies in it.
    pub active: u64,
    /// Whether Lever no longer lists it.
    pub missing: bool,
}

/// What a mapping would change.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The settings that differ, one line for people each.
    pub differences: Vec<String>,
    /// What happens to the open candidacies.
    pub effect: Effect,
    /// Where each Lever stage would stand.
    pub stages: Vec<MappedStage>,
}

/// Suggestions, and the mapping they would make.
#[derive(Debug, Clone)]
pub struct Suggestions {
    /// In Lever's stage order.
    pub suggestions: Vec<SuggestedStage>,
    /// The present mapping with its unmapped stages assigned.
    pub suggested: StageMapping,
}

/// A suggestion with the names a person needs.
#[derive(Debug, Clone)]
pub struct SuggestedStage {
    /// What is suggested, and why.
    pub suggestion: Suggestion,
    /// Lever's text.
    pub text: String,
    /// Where the stage is now.
    pub present: StageCode,
}

impl Engine {
    /// The mapping and what it means today; version 0 exists from connect.
    ///
    /// # Errors
    /// Not found.
    pub async fn stage_mapping(&self, id: ConnectionId) -> Result<MappingView> {
        self.connection(id).await?;
        let mapping = present(&self.shared, id).await?;
        view(&self.shared, id, mapping).await
    }

    /// Replaces the mapping; `etag` must be the present one.
    ///
    /// # Errors
    /// Not found; invalid with every bad field; aborted with the present etag if somebody else saved first.
    pub async fn update_stage_mapping(
        &self,
        id: ConnectionId,
        etag: &str,
        proposed: StageMapping,
        author: &str,
    ) -> Result<MappingView> {
        self.link(id)?;
        let before = self.present_if(id, etag, "stage_mapping.etag").await?;
        self.check(id, &proposed, &before).await?;
        self.save(id, &before, proposed, author).await
    }

    /// Saves the settings of an earlier version as a new one (X21); `etag` must be the present one.
    ///
    /// # Errors
    /// Not found, also for a version that never was; aborted with the present etag if somebody else saved first.
    pub async fn rollback_stage_mapping(
        &self,
        id: ConnectionId,
        etag: &str,
        version: u64,
        author: &str,
    ) -> Result<MappingView> {
        self.link(id)?;
        let before = self.present_if(id, etag, "etag").await?;
        // It was checked when it was saved; what Lever has dropped since is shown as missing.
        let wanted = self.earlier(id, version).await?;
        self.save(id, &before, wanted, author).await
    }

    /// What a mapping would change if it were saved now (X3); changes nothing.
    ///
    /// # Errors
    /// Not found; invalid with every bad field.
    pub async fn preview_stage_mapping(
        &self,
        id: ConnectionId,
        proposed: StageMapping,
    ) -> Result<Preview> {
        self.link(id)?;
        let before = present(&self.shared, id).await?;
        self.check(id, &proposed, &before).await?;
        let mut after = proposed.succeeding(&before, "", self.shared.clock.now());
        note_texts(&self.shared, id, &mut after).await?;
        Ok(Preview {
            differences: stage_mapping::diff(&before, &after),
            effect: self.effect(id, &before, &after).await?,
            stages: view(&self.shared, id, after).await?.stages,
        })
    }

    async fn effect(
        &self,
        id: ConnectionId,
        before: &StageMapping,
        after: &StageMapping,
    ) -> Result<Effect> {
        let by_group = [before, after]
            .iter()
            .any(|mapping| mapping.sla.clock_scope == ClockScope::Group);
        let side = |mapping| Side::new(mapping).map_err(|bad| violations(vec![bad]));
        let (before, after) = (side(before)?, side(after)?);
        let now = self.shared.clock.now();
        let mut effect = Effect::default();
        let mut last = None;
        loop {
            let store = &self.shared.store;
            let found = store.candidacies(id, last.as_ref(), PREVIEW_STEP).await?;
            for candidacy in found.iter().filter(|candidacy| candidacy.active()) {
                let changes = match by_group {
                    true => history(&self.shared, id, candidacy).await?,
                    false => Vec::new(),
                };
                effect.count(candidacy, &changes, &before, &after, now);
            }
            match found.last().filter(|_| found.len() == PREVIEW_STEP) {
                Some(candidacy) => last = Some(candidacy.opportunity.clone()),
                None => return Ok(effect),
            }
        }
    }

    async fn check(
        &self,
        id: ConnectionId,
        proposed: &StageMapping,
        before: &StageMapping,
    ) -> Result<()> {
        let stages = stages(&self.shared, id).await?;
        let reasons = archive_reasons(&self.shared, id).await?;
        let known = KnownAccount {
            stages: &stages,
            reasons: &reasons,
        };
        proposed.validate(&known, Some(before)).map_err(violations)
    }

    async fn save(
        &self,
        id: ConnectionId,
        before: &StageMapping,
        settings: StageMapping,
        author: &str,
    ) -> Result<MappingView> {
        let mut mapping = settings.succeeding(before, author, self.shared.clock.now());
        note_texts(&self.shared, id, &mut mapping).await?;
        let mapping = self.save_if_changed(id, before, mapping).await?;
        if mapping.inbound_stages != before.inbound_stages {
            self.link(id)?.inbound_now.notify_one();
        }
        view(&self.shared, id, mapping).await
    }

    /// Suggests a product stage for each Lever stage; changes nothing.
    ///
    /// # Errors
    /// Not found; precondition while Lever's stages have not been read, and where they are not kept or the key may not
    /// list them.
    pub async fn suggest_stage_mapping(&self, id: ConnectionId) -> Result<Suggestions> {
        let link = self.link(id)?;
        let stages = stages(&self.shared, id).await?;
        if stages.is_empty() {
            none_is_an_answer(&self.shared, &link, Stream::Stages, "STAGES_NOT_READ").await?;
        }
        let mapping = present(&self.shared, id).await?;
        let suggestions = suggest::suggest(&stages);
        let suggested = suggest::apply(&mapping, &suggestions, SURE);
        let suggestions = suggestions
            .into_iter()
            .zip(&stages)
            .map(|(suggestion, stage)| suggested_stage(&mapping, stage, suggestion))
            .collect();
        Ok(Suggestions {
            suggestions,
            suggested,
        })
    }
}

/// The present stage mapping, or version 0.
pub(crate) async fn present(shared: &Shared, id: ConnectionId) -> Result<StageMapping> {
    versions::present(shared, id).await
}

/// The moves of somebody through the stages: the compact record has none, the document does.
pub(crate) async fn history(
    shared: &Shared,
    id: ConnectionId,
    candidacy: &Candidacy,
) -> Result<Vec<StageChange>> {
    let opportunity = candidacy.opportunity.as_str();
    let record = shared
        .store
        .record(id, Stream::Opportunities, opportunity)
        .await?;
    let document =
        record.and_then(|record| serde_json::from_str::<lever::Opportunity>(&record.raw).ok());
    Ok(document
        .map(|document| document.stage_changes)
        .unwrap_or_default())
}

/// When the person entered the product stage, where the mapping counts from then.
pub(crate) async fn group_entered_at(
    shared: &Shared,
    id: ConnectionId,
    mapping: &StageMapping,
    candidacy: &Candidacy,
) -> Result<Option<Timestamp>> {
    let (ClockScope::Group, Some(stage)) = (mapping.sla.clock_scope, &candidacy.stage) else {
        return Ok(None);
    };
    let changes = history(shared, id, candidacy).await?;
    Ok(sla::group_entered_at(&changes, mapping, stage))
}

/// Lever's stages in pipeline order; empty until they have been read.
pub(crate) async fn stages(shared: &Shared, id: ConnectionId) -> Result<Vec<Stage>> {
    typed(shared, id, Stream::Stages).await
}

/// Lever's archive reasons.
pub(crate) async fn archive_reasons(
    shared: &Shared,
    id: ConnectionId,
) -> Result<Vec<ArchiveReason>> {
    typed(shared, id, Stream::ArchiveReasons).await
}

/// All live records of a small stream, decoded, in Lever's order.
pub(crate) async fn typed<T: serde::de::DeserializeOwned>(
    shared: &Shared,
    id: ConnectionId,
    stream: Stream,
) -> Result<Vec<T>> {
    let mut records = shared
        .store
        .records(id, stream, None, usize::MAX, Tombstones::Without)
        .await?;
    records.sort_by_key(|record| record.rank);
    // What cannot be decoded never got here: a malformed record goes to quarantine.
    Ok(records
        .iter()
        .filter_map(|record| serde_json::from_str(&record.raw).ok())
        .collect())
}

/// Whether the account has nothing of a small stream that the mirror has nothing of (X6).
///
/// # Errors
/// Precondition: with this reason while the stream was never read, and where it is not kept or the key may not read it.
pub(crate) async fn none_is_an_answer(
    shared: &Shared,
    link: &Link,
    stream: Stream,
    reason: &'static str,
) -> Result<()> {
    let connection = link.connection();
    let listings = shared.store.cursors(link.id()).await?;
    read::permitted(&connection, &listings, stream)?;
    match read::readable(&connection, &listings, stream) {
        Ok(()) => Ok(()),
        Err(_) => Err(not_read_yet(
            reason,
            &format!("the {}", stream.name().replace('_', " ")),
            &connection,
        )),
    }
}

async fn view(shared: &Shared, id: ConnectionId, mapping: StageMapping) -> Result<MappingView> {
    let stages = stages(shared, id).await?;
    let mut counts = shared.store.count_by_stage(id).await?;
    let occupied: BTreeSet<StageId> = counts.keys().cloned().collect();
    let mut rows: Vec<MappedStage> = stages
        .iter()
        .map(|stage| {
            row(
                &mapping,
                &stage.id,
                stage.text.clone(),
                counts.remove(&stage.id),
                false,
            )
        })
        .collect();
    if !stages.is_empty() {
        let gone = missing(&mapping, &stages, &counts);
        rows.extend(gone.into_iter().map(|(stage, text)| {
            let active = counts.get(&stage).copied();
            row(&mapping, &stage, text, active, true)
        }));
    }
    let reasons = archive_reasons(shared, id).await?;
    Ok(MappingView {
        notices: notices(&mapping, &stages, &reasons, &occupied),
        mapping,
        stages: rows,
    })
}

fn notices(
    mapping: &StageMapping,
    stages: &[Stage],
    reasons: &[ArchiveReason],
    occupied: &BTreeSet<StageId>,
) -> Vec<Notice> {
    let account = KnownAccount { stages, reasons };
    let drift = mapping.drift(&account, occupied);
    let stage_of = |one: &Drift| {
        matches!(one.kind, DriftKind::NewStage | DriftKind::RenamedStage)
            .then(|| stages.iter().position(|stage| stage.id.as_str() == one.id))
            .flatten()
    };
    let suggestions = match drift.is_empty() {
        true => Vec::new(),
        false => suggest::suggest(stages),
    };
    let notices = drift.into_iter().map(|drift| {
        let suggestion = stage_of(&drift).and_then(|at| {
            let suggested = suggested_stage(mapping, &stages[at], suggestions.get(at)?.clone());
            let code = &suggested.suggestion.code;
            let elsewhere = *code != suggested.present && code != StageCode::unmapped();
            elsewhere.then_some(suggested)
        });
        Notice { drift, suggestion }
    });
    notices.collect()
}

fn suggested_stage(
    mapping: &StageMapping,
    stage: &Stage,
    suggestion: Suggestion,
) -> SuggestedStage {
    SuggestedStage {
        present: mapping.code_of(&stage.id).clone(),
        text: stage.text.clone(),
        suggestion,
    }
}

/// Has a mapping note what Lever calls things now.
async fn note_texts(shared: &Shared, id: ConnectionId, mapping: &mut StageMapping) -> Result<()> {
    mapping.refresh_texts(&stages(shared, id).await?);
    mapping.refresh_reason_texts(&archive_reasons(shared, id).await?);
    Ok(())
}

/// Stages that Lever no longer lists but the mapping or somebody's candidacy still names: never dropped (6.6).
fn missing(
    mapping: &StageMapping,
    stages: &[Stage],
    counts: &BTreeMap<StageId, u64>,
) -> BTreeMap<StageId, String> {
    let mapped = mapping
        .product_stages
        .iter()
        .flat_map(|product_stage| &product_stage.stages);
    mapped
        .chain(counts.keys())
        .filter(|id| !stages.iter().any(|stage| stage.id == **id))
        .map(|id| {
            (
                id.clone(),
                mapping.last_known_text.get(id).cloned().unwrap_or_default(),
            )
        })
        .collect()
}

fn row(
    mapping: &StageMapping,
    stage: &StageId,
    text: String,
    active: Option<u64>,
    missing: bool,
) -> MappedStage {
    MappedStage {
        stage: stage.clone(),
        text,
        code: mapping.code_of(stage).clone(),
        sla_days: mapping.sla_days(stage),
        inbound: mapping.inbound_stages.contains(stage),
        active: active.unwrap_or(0),
        missing,
    }
}

fn violations(found: Vec<domain::Violation>) -> Error {
    Error::violations(Violation::within("stage_mapping", found))
}
