//! The stage mapping of a connection: kept in versions, read often, changed rarely.

use std::collections::BTreeMap;

use domain::stage_mapping::effect::{Effect, Side};
use domain::stage_mapping::{self, ClockScope, KnownAccount, StageCode, StageMapping};
use domain::suggest::{self, Suggestion};
use domain::{Candidacy, ConnectionId, Stream, Versioned as _};
use lever::{ArchiveReason, Stage, StageChange, StageId};
use store::{ErrorKind as StoreErrorKind, MappingVersion, Tombstones};

use crate::engine::{Engine, Shared};
use crate::error::{Error, Result, Violation, not_read_yet};

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

/// A version of the mapping.
#[derive(Debug, Clone)]
pub struct StageMappingVersion {
    /// The version.
    pub mapping: StageMapping,
    /// What differs from the version before, one line for people each; empty for version 0.
    pub differences: Vec<String>,
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
        let versions = versions(&self.shared, id).await?;
        let wanted = versions.into_iter().find(|one| one.version == version);
        // It was checked when it was saved; what Lever has dropped since is shown as missing.
        let wanted = wanted
            .ok_or_else(|| Error::not_found("version of the mapping", &version.to_string()))?;
        self.save(id, &before, wanted, author).await
    }

    /// All versions of the mapping with what each changed, the newest first; version 0 is the last.
    ///
    /// # Errors
    /// Not found.
    pub async fn stage_mapping_versions(
        &self,
        id: ConnectionId,
    ) -> Result<Vec<StageMappingVersion>> {
        self.connection(id).await?;
        let versions = versions(&self.shared, id).await?;
        let mut told: Vec<_> = versions
            .iter()
            .zip(std::iter::once(None).chain(versions.iter().map(Some)))
            .map(|(mapping, before)| StageMappingVersion {
                mapping: mapping.clone(),
                differences: before
                    .map(|before| stage_mapping::diff(before, mapping))
                    .unwrap_or_default(),
            })
            .collect();
        told.reverse();
        Ok(told)
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
        after.refresh_texts(&stages(&self.shared, id).await?);
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

    /// The present mapping, if that is the one somebody changed.
    async fn present_if(&self, id: ConnectionId, etag: &str, field: &str) -> Result<StageMapping> {
        let present = present(&self.shared, id).await?;
        match etag {
            "" => Err(Error::invalid(
                field,
                "give the etag of the version you changed, as GetStageMapping tells it",
            )),
            etag if etag == present.etag() => Ok(present),
            _ => Err(somebody_saved(&present)),
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
        mapping.refresh_texts(&stages(&self.shared, id).await?);
        let version = to_version(&mapping)?;
        let saved = self.shared.store.put_mapping(id, version, before.version);
        match saved.await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), StoreErrorKind::MappingMoved { .. }) => {
                let present = present(&self.shared, id).await?;
                return Err(somebody_saved(&present));
            }
            Err(error) => return Err(error.into()),
        }
        tracing::info!(connection = %id, version = mapping.version, "stage mapping saved");
        view(&self.shared, id, mapping).await
    }

    /// Suggests a product stage for each Lever stage; changes nothing.
    ///
    /// # Errors
    /// Not found; precondition while Lever's stages have not been read.
    pub async fn suggest_stage_mapping(&self, id: ConnectionId) -> Result<Suggestions> {
        self.link(id)?;
        let stages = stages(&self.shared, id).await?;
        if stages.is_empty() {
            return Err(not_read_yet("STAGES_NOT_READ", "the stages", None));
        }
        let mapping = present(&self.shared, id).await?;
        let suggestions = suggest::suggest(&stages);
        let suggested = suggest::apply(&mapping, &suggestions, SURE);
        let suggestions = suggestions
            .into_iter()
            .zip(&stages)
            .map(|(suggestion, stage)| SuggestedStage {
                present: mapping.code_of(&stage.id).clone(),
                text: stage.text.clone(),
                suggestion,
            })
            .collect();
        Ok(Suggestions {
            suggestions,
            suggested,
        })
    }
}

/// The present mapping, or version 0.
pub(crate) async fn present(shared: &Shared, id: ConnectionId) -> Result<StageMapping> {
    match shared.store.mapping(id).await? {
        Some(version) => from_version(&version),
        None => version_zero(shared, id).await,
    }
}

/// The shipped mapping, as old as the connection.
async fn version_zero(shared: &Shared, id: ConnectionId) -> Result<StageMapping> {
    let connection = shared.store.connection(id).await?;
    let created_at = connection.map(|connection| connection.created_at);
    Ok(StageMapping::initial(created_at.unwrap_or_default()))
}

/// All versions, the oldest first; version 0 is in no table.
async fn versions(shared: &Shared, id: ConnectionId) -> Result<Vec<StageMapping>> {
    let mut versions = vec![version_zero(shared, id).await?];
    for version in shared.store.mapping_versions(id).await? {
        versions.push(from_version(&version)?);
    }
    Ok(versions)
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

async fn view(shared: &Shared, id: ConnectionId, mapping: StageMapping) -> Result<MappingView> {
    let stages = stages(shared, id).await?;
    let mut counts = shared.store.count_by_stage(id).await?;
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
    Ok(MappingView {
        mapping,
        stages: rows,
    })
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

fn violations(violations: Vec<domain::stage_mapping::Violation>) -> Error {
    Error::violations(
        violations
            .into_iter()
            .map(|violation| Violation {
                field: format!("stage_mapping.{}", violation.field),
                message: violation.message,
            })
            .collect(),
    )
}

fn somebody_saved(present: &StageMapping) -> Error {
    Error::aborted(
        "ETAG_MISMATCH",
        "somebody else saved the mapping first: read it again, then repeat the change",
        vec![
            ("etag", present.etag()),
            ("version", present.version.to_string()),
            ("author", present.author.clone()),
        ],
    )
}

fn to_version(mapping: &StageMapping) -> Result<MappingVersion> {
    Ok(MappingVersion {
        version: mapping.version,
        author: mapping.author.clone(),
        created_at: mapping.created_at,
        document: serde_json::to_vec(mapping).map_err(Error::internal)?,
    })
}

fn from_version(version: &MappingVersion) -> Result<StageMapping> {
    let mut mapping: StageMapping =
        serde_json::from_slice(&version.document).map_err(Error::internal)?;
    mapping.version = version.version;
    mapping.author.clone_from(&version.author);
    mapping.created_at = version.created_at;
    Ok(mapping)
}
