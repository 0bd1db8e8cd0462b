//! The stage mapping of a connection: kept in versions, read often, changed rarely.

use std::collections::BTreeMap;

use domain::stage_mapping::{KnownAccount, StageCode, StageMapping};
use domain::suggest::{self, Suggestion};
use domain::{ConnectionId, Stream};
use lever::{ArchiveReason, Stage, StageId};
use store::{ErrorKind as StoreErrorKind, MappingVersion, Tombstones};

use crate::engine::{Engine, Shared};
use crate::error::{Error, Result, Violation, not_read_yet};

/// How sure a suggestion must be to be part of the suggested mapping, in percent.
const SURE: u8 = 50;

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
        let before = present(&self.shared, id).await?;
        if etag.is_empty() {
            return Err(Error::invalid(
                "stage_mapping.etag",
                "give the etag of the version you changed, as GetStageMapping tells it",
            ));
        }
        if etag != before.etag() {
            return Err(somebody_saved(&before));
        }
        let stages = stages(&self.shared, id).await?;
        let reasons = archive_reasons(&self.shared, id).await?;
        let known = KnownAccount {
            stages: &stages,
            reasons: &reasons,
        };
        proposed
            .validate(&known, Some(&before))
            .map_err(violations)?;

        let mut mapping = proposed.succeeding(&before, author, self.shared.clock.now());
        mapping.refresh_texts(&stages);
        let version = to_version(&mapping)?;
        match self
            .shared
            .store
            .put_mapping(id, version, before.version)
            .await
        {
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
        None => {
            let connection = shared.store.connection(id).await?;
            let created_at = connection
                .map(|connection| connection.created_at)
                .unwrap_or_default();
            Ok(StageMapping::initial(created_at))
        }
    }
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
