//! `fulcrum mapping`.

use std::io;
use std::path::{Path, PathBuf};

use domain::mapping_document::{self as document, MappingDocument};
use domain::stage_mapping::StageMapping;
use proto::v1 as pb;
use serde_json::Value;

use super::output::WIDTH;
use super::view::mapping as page;
use super::view::time::now_ms;
use super::view::{DIM, counted, styled};
use super::{Client, Failure, Global, Output, json, prompt};
use crate::wire::stage_mapping as wire;

/// What can be done with a stage mapping.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows where each Lever stage is mapped, with SLA days and open candidacies.
    Show(Target),
    /// Suggests a product stage for each Lever stage; changes nothing.
    Suggest(Target),
    /// Prints the mapping as a TOML document for `apply`.
    Export(Target),
    /// Shows what applying a document would change, and for whom.
    Diff(Document),
    /// Replaces the mapping, after showing what changes.
    Apply(Apply),
    /// Lists the versions, the newest first, each with what it changed.
    Versions(Target),
    /// Saves an earlier version as a new one, after showing what changes.
    Rollback(Rollback),
}

/// Which connection.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
}

/// A document and the connection it is for.
#[derive(Debug, clap::Args)]
pub(super) struct Document {
    /// A document as `export` prints it.
    file: PathBuf,
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
}

/// Arguments of `fulcrum mapping apply`.
#[derive(Debug, clap::Args)]
pub(super) struct Apply {
    /// A document as `export` prints it.
    #[arg(required_unless_present = "suggested", conflicts_with = "suggested")]
    file: Option<PathBuf>,
    /// Apply the suggestions to the stages that are mapped nowhere.
    #[arg(long)]
    suggested: bool,
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Arguments of `fulcrum mapping rollback`.
#[derive(Debug, clap::Args)]
pub(super) struct Rollback {
    /// The version to go back to, as `versions` numbers them; 0 is the shipped one.
    version: u64,
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Does what was asked.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    match command {
        Command::Show(target) => {
            show(global, &Subject::open(global, target.connection).await?).await
        }
        Command::Suggest(target) => {
            suggest(global, &Subject::open(global, target.connection).await?).await
        }
        Command::Export(target) => export(&Subject::open(global, target.connection).await?).await,
        Command::Diff(given) => {
            let new = read_document(&given.file)?;
            let subject = Subject::open(global, given.connection).await?;
            diff(global, &subject, wire::to_pb(&new)).await
        }
        Command::Apply(apply) => self::apply(global, apply).await,
        Command::Versions(target) => {
            versions(global, &Subject::open(global, target.connection).await?).await
        }
        Command::Rollback(rollback) => self::rollback(global, rollback).await,
    }
}

/// The mapping of one connection.
struct Subject {
    client: Client,
    connection_id: String,
}

impl Subject {
    async fn open(global: &Global, named: Option<String>) -> Result<Subject, Failure> {
        let client = Client::open(global).await?;
        let connection_id = client.connection(named.as_deref()).await?.id;
        Ok(Subject {
            client,
            connection_id,
        })
    }

    async fn get(&self) -> Result<pb::GetStageMappingResponse, Failure> {
        let request = pb::GetStageMappingRequest {
            connection_id: self.connection_id.clone(),
        };
        Ok(self
            .client
            .stage_mapping()
            .get_stage_mapping(request)
            .await?
            .into_inner())
    }

    async fn present(&self) -> Result<pb::StageMapping, Failure> {
        Ok(self.get().await?.stage_mapping.unwrap_or_default())
    }

    async fn suggestions(&self) -> Result<pb::SuggestStageMappingResponse, Failure> {
        let request = pb::SuggestStageMappingRequest {
            connection_id: self.connection_id.clone(),
        };
        Ok(self
            .client
            .stage_mapping()
            .suggest_stage_mapping(request)
            .await?
            .into_inner())
    }

    async fn preview(
        &self,
        stage_mapping: pb::StageMapping,
    ) -> Result<pb::PreviewStageMappingResponse, Failure> {
        let request = pb::PreviewStageMappingRequest {
            connection_id: self.connection_id.clone(),
            stage_mapping: Some(stage_mapping),
        };
        Ok(self
            .client
            .stage_mapping()
            .preview_stage_mapping(request)
            .await?
            .into_inner())
    }

    /// All versions, the newest first.
    async fn versions(&self) -> Result<Vec<pb::StageMappingVersion>, Failure> {
        let mut request = pb::ListStageMappingVersionsRequest {
            connection_id: self.connection_id.clone(),
            ..Default::default()
        };
        let mut versions = Vec::new();
        loop {
            let mut client = self.client.stage_mapping();
            let page = client.list_stage_mapping_versions(request.clone()).await?;
            let page = page.into_inner();
            versions.extend(page.versions);
            if page.next_page_token.is_empty() {
                return Ok(versions);
            }
            request.page_token = page.next_page_token;
        }
    }

    async fn update(
        &self,
        stage_mapping: pb::StageMapping,
    ) -> Result<pb::UpdateStageMappingResponse, Failure> {
        let request = pb::UpdateStageMappingRequest {
            connection_id: self.connection_id.clone(),
            stage_mapping: Some(stage_mapping),
        };
        Ok(self
            .client
            .stage_mapping()
            .update_stage_mapping(request)
            .await?
            .into_inner())
    }
}

async fn show(global: &Global, subject: &Subject) -> Result<(), Failure> {
    let answer = subject.get().await?;
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("GetStageMappingResponse", &answer)?);
    }
    output.text(page::stages(&answer.stages))?;
    let version = answer.stage_mapping.unwrap_or_default().version;
    output.line(styled(DIM, &format!("version {version}")))
}

async fn suggest(global: &Global, subject: &Subject) -> Result<(), Failure> {
    let answer = subject.suggestions().await?;
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("SuggestStageMappingResponse", &answer)?);
    }
    output.text(page::suggestions(&answer.suggestions, WIDTH))?;
    output.line(styled(
        DIM,
        "apply them with `fulcrum mapping apply --suggested`",
    ))
}

async fn export(subject: &Subject) -> Result<(), Failure> {
    let mappings = MappingDocument {
        stages: Some(mapping(&subject.present().await?)?),
        fields: None,
    };
    Output::standard().text(document::to_toml(&mappings))
}

async fn diff(global: &Global, subject: &Subject, new: pb::StageMapping) -> Result<(), Failure> {
    let preview = subject.preview(new).await?;
    let mut output = Output::standard();
    match global.json {
        true => output.json(&json::of("PreviewStageMappingResponse", &preview)?),
        false => output.text(page::preview(&preview)),
    }
}

async fn apply(global: &Global, apply: Apply) -> Result<(), Failure> {
    let new = apply.file.as_deref().map(read_document).transpose()?;
    let subject = Subject::open(global, apply.connection).await?;
    let present = subject.present().await?;
    let new = match new {
        Some(new) => wire::to_pb(&new),
        None => subject.suggestions().await?.suggested.unwrap_or_default(),
    };
    let preview = subject.preview(new.clone()).await?;
    if !agreed(global, &preview, apply.yes).await? {
        return told_version(global, &present);
    }
    let saved = save(&subject, new, present.etag).await?;
    told_version(global, &saved)
}

async fn versions(global: &Global, subject: &Subject) -> Result<(), Failure> {
    let versions = subject.versions().await?;
    let mut output = Output::standard();
    if global.json {
        let answer = pb::ListStageMappingVersionsResponse {
            versions,
            ..Default::default()
        };
        return output.json(&json::of("ListStageMappingVersionsResponse", &answer)?);
    }
    output.text(page::versions(&versions, now_ms()))
}

async fn rollback(global: &Global, rollback: Rollback) -> Result<(), Failure> {
    let subject = Subject::open(global, rollback.connection).await?;
    let present = subject.present().await?;
    let versions = subject.versions().await?;
    let wanted = versions
        .into_iter()
        .filter_map(|version| version.stage_mapping)
        .find(|mapping| mapping.version == rollback.version)
        .ok_or_else(|| {
            Failure::new(format!("there is no version {}", rollback.version))
                .with("`fulcrum mapping versions` lists those there are")
        })?;
    // Stages that Lever has dropped since are part of the version, though no new mapping may name them.
    let lines = domain::stage_mapping::diff(&mapping(&present)?, &mapping(&wanted)?);
    let preview = pb::PreviewStageMappingResponse {
        differences: lines,
        ..Default::default()
    };
    if !agreed(global, &preview, rollback.yes).await? {
        return told_version(global, &present);
    }
    let request = pb::RollbackStageMappingRequest {
        connection_id: subject.connection_id.clone(),
        version: rollback.version,
        etag: present.etag,
    };
    let mut client = subject.client.stage_mapping();
    let saved = client.rollback_stage_mapping(request).await?.into_inner();
    told_version(global, &saved.stage_mapping.unwrap_or_default())
}

/// Shows what changes and asks; false when nothing does.
async fn agreed(
    global: &Global,
    preview: &pb::PreviewStageMappingResponse,
    yes: bool,
) -> Result<bool, Failure> {
    if !global.json {
        Output::standard().text(page::preview(preview))?;
    }
    let changes = preview.differences.len();
    match changes {
        0 => Ok(false),
        _ if yes || confirmed(changes).await? => Ok(true),
        _ => Err(Failure::new("nothing was changed")),
    }
}

fn told_version(global: &Global, mapping: &pb::StageMapping) -> Result<(), Failure> {
    let mut output = Output::standard();
    if global.json {
        return output.json(&Value::Object(
            [(
                "stageMapping".to_owned(),
                json::of("StageMapping", mapping)?,
            )]
            .into_iter()
            .collect(),
        ));
    }
    output.line(format!("the mapping is at version {}", mapping.version))
}

/// Saves the mapping over the version whose difference was shown.
async fn save(
    subject: &Subject,
    new: pb::StageMapping,
    etag: String,
) -> Result<pb::StageMapping, Failure> {
    let answer = subject.update(pb::StageMapping { etag, ..new }).await?;
    Ok(answer.stage_mapping.unwrap_or_default())
}

async fn confirmed(changes: usize) -> Result<bool, Failure> {
    if !prompt::possible() {
        return Err(Failure::new(
            "there is no terminal to ask at, so nothing was changed; repeat with --yes",
        ));
    }
    prompt::agreed(format!("Apply {}?", counted(changes as u64, "change"))).await
}

fn read_document(path: &Path) -> Result<StageMapping, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error: io::Error| failed(&error))?;
    let document = document::from_toml(&text).map_err(|error| failed(&error))?;
    document
        .stages
        .ok_or_else(|| failed(&"there are no product_stages in it"))
}

fn mapping(answer: &pb::StageMapping) -> Result<StageMapping, Failure> {
    wire::from_pb(answer).map_err(|violations| {
        Failure::new("the service answered with a mapping that this program does not understand; are both of one version?")
            .with_all(violations.into_iter().map(|violation| format!("{}: {}", violation.field, violation.message)))
    })
}
