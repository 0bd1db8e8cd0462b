//! `fulcrum mapping`.

mod subject;

use std::path::{Path, PathBuf};

use domain::Versioned as _;
use domain::mapping_document::{self as document, MappingDocument};
use proto::v1 as pb;
use serde_json::{Map, Value};

use self::subject::{Present, Subject, fields_of, stages_of};
use super::output::WIDTH;
use super::view::mapping::{self as page, Saved, Wanted};
use super::view::time::now_ms;
use super::view::{DIM, counted, styled};
use super::{Failure, Global, Output, json, prompt};

/// What can be done with the mappings of a connection.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows where each Lever stage is mapped, with SLA days and open candidacies.
    Show(Show),
    /// Lists the paths in Lever that can feed a field of the product.
    Fields(Target),
    /// Suggests a product stage for each Lever stage; changes nothing.
    Suggest(Target),
    /// Prints both mappings as one TOML document for `apply`.
    Export(Target),
    /// Shows what applying a document would change, and for whom.
    Diff(Document),
    /// Replaces the mappings that a document has, after showing what changes.
    Apply(Apply),
    /// Lists the versions, the newest first, each with what it changed.
    Versions(Chosen),
    /// Saves an earlier version as a new one, after showing what changes.
    Rollback(Rollback),
}

/// Which connection.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
}

/// Which of the two mappings of a connection.
#[derive(Debug, clap::Args)]
pub(super) struct Chosen {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// The field mapping instead of the stage mapping.
    #[arg(long)]
    fields: bool,
}

/// Arguments of `fulcrum mapping show`.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    chosen: Chosen,
    /// Show the ids of the stages, which writes take, instead of SLA days and inbound stages.
    #[arg(long, conflicts_with = "fields")]
    ids: bool,
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
    /// A document as `export` prints it; a mapping that is not in it stays as it is.
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
    #[command(flatten)]
    chosen: Chosen,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Does what was asked.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    match command {
        Command::Show(asked) => show(global, asked).await,
        Command::Fields(target) => {
            let subject = Subject::open(global, target.connection).await?;
            fields(global, &subject).await
        }
        Command::Suggest(target) => {
            let subject = Subject::open(global, target.connection).await?;
            suggest(global, &subject).await
        }
        Command::Export(target) => export(&Subject::open(global, target.connection).await?).await,
        Command::Diff(given) => {
            let wanted = read_document(&given.file)?;
            let subject = Subject::open(global, given.connection).await?;
            told(global, &subject.preview(&wanted).await?)
        }
        Command::Apply(apply) => self::apply(global, apply).await,
        Command::Versions(chosen) => versions(global, chosen).await,
        Command::Rollback(rollback) => self::rollback(global, rollback).await,
    }
}

async fn show(global: &Global, Show { chosen, ids }: Show) -> Result<(), Failure> {
    let subject = Subject::open(global, chosen.connection).await?;
    let mut output = Output::standard();
    if chosen.fields {
        let mapping = subject.fields().await?;
        if global.json {
            return output.json(&json::of("FieldMapping", &mapping)?);
        }
        output.text(page::rules(&mapping.rules, WIDTH))?;
        return output.line(styled(DIM, &format!("version {}", mapping.version)));
    }
    let answer = subject.stages().await?;
    if global.json {
        return output.json(&json::of("GetStageMappingResponse", &answer)?);
    }
    output.text(match ids {
        true => page::stage_ids(&answer.stages),
        false => page::stages(&answer.stages),
    })?;
    output.text(page::notices(&answer.notices))?;
    let version = answer.stage_mapping.unwrap_or_default().version;
    output.line(styled(DIM, &format!("version {version}")))
}

async fn fields(global: &Global, subject: &Subject) -> Result<(), Failure> {
    let answer = subject.source_fields().await?;
    let mut output = Output::standard();
    match global.json {
        true => output.json(&json::of("ListSourceFieldsResponse", &answer)?),
        false => output.text(page::source_fields(&answer.fields)),
    }
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
    let present = subject.present().await?;
    let mappings = MappingDocument {
        stages: Some(stages_of(&present.stages)?),
        fields: Some(fields_of(&present.fields)?),
    };
    Output::standard().text(document::to_toml(&mappings))
}

/// Shows what would change.
fn told(global: &Global, wanted: &Wanted) -> Result<(), Failure> {
    let mut output = Output::standard();
    if !global.json {
        return output.text(page::preview(wanted));
    }
    let stages = wanted.stages.as_ref();
    let stages = stages.map(|one| json::of("PreviewStageMappingResponse", one));
    let fields = wanted.fields.as_ref();
    let fields = fields.map(|one| json::of("PreviewFieldMappingResponse", one));
    output.json(&both(stages.transpose()?, fields.transpose()?))
}

/// A JSON object with what there is of each mapping.
fn both(stages: Option<Value>, fields: Option<Value>) -> Value {
    let named = [("stageMapping", stages), ("fieldMapping", fields)];
    let present = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

async fn apply(global: &Global, apply: Apply) -> Result<(), Failure> {
    let given = apply.file.as_deref().map(read_document).transpose()?;
    let subject = Subject::open(global, apply.connection).await?;
    let present = subject.present().await?;
    let wanted = match given {
        Some(given) => given,
        None => suggested(&subject).await?,
    };
    let preview = subject.preview(&wanted).await?;
    if !agreed(global, &preview, apply.yes).await? {
        return told_versions(global, &unchanged(present, &wanted));
    }
    told_versions(global, &save(&subject, &wanted, &preview, present).await?)
}

async fn suggested(subject: &Subject) -> Result<MappingDocument, Failure> {
    let suggested = subject.suggestions().await?.suggested.unwrap_or_default();
    Ok(MappingDocument {
        stages: Some(stages_of(&suggested)?),
        fields: None,
    })
}

/// Saves the mappings that differ, over the versions whose difference was shown.
async fn save(
    subject: &Subject,
    wanted: &MappingDocument,
    preview: &Wanted,
    present: Present,
) -> Result<Saved, Failure> {
    let differ = preview.differ();
    let (etag, fields_etag) = (present.stages.etag.clone(), present.fields.etag.clone());
    let mut saved = unchanged(present, wanted);
    if let Some(stages) = wanted.stages.as_ref().filter(|_| differ.stages) {
        saved.stages = Some(subject.save_stages(stages, &etag).await?);
    }
    if let Some(fields) = wanted.fields.as_ref().filter(|_| differ.fields) {
        saved.fields = Some(subject.save_fields(fields, &fields_etag).await?);
    }
    Ok(saved)
}

/// The present versions of the mappings that a document speaks of.
fn unchanged(present: Present, wanted: &MappingDocument) -> Saved {
    Saved {
        stages: wanted.stages.as_ref().map(|_| present.stages),
        fields: wanted.fields.as_ref().map(|_| present.fields),
    }
}

async fn versions(global: &Global, chosen: Chosen) -> Result<(), Failure> {
    let subject = Subject::open(global, chosen.connection).await?;
    let mut output = Output::standard();
    if chosen.fields {
        let versions = subject.field_versions().await?;
        if !global.json {
            return output.text(page::versions(&versions, now_ms()));
        }
        let answer = pb::ListFieldMappingVersionsResponse {
            versions,
            ..Default::default()
        };
        return output.json(&json::of("ListFieldMappingVersionsResponse", &answer)?);
    }
    let versions = subject.stage_versions().await?;
    if !global.json {
        return output.text(page::versions(&versions, now_ms()));
    }
    let answer = pb::ListStageMappingVersionsResponse {
        versions,
        ..Default::default()
    };
    output.json(&json::of("ListStageMappingVersionsResponse", &answer)?)
}

async fn rollback(global: &Global, rollback: Rollback) -> Result<(), Failure> {
    let subject = Subject::open(global, rollback.chosen.connection).await?;
    let present = subject.present().await?;
    let version = rollback.version;
    // What Lever has dropped since is part of the version, though no new mapping may name it: a preview would refuse.
    let differences = match rollback.chosen.fields {
        true => {
            let versions = subject.field_versions().await?.into_iter();
            let mut mappings = versions.filter_map(|one| one.field_mapping);
            let wanted = mappings.find(|one| one.version == version);
            let wanted = wanted.ok_or_else(|| no_version(version))?;
            fields_of(&wanted)?.differences(&fields_of(&present.fields)?)
        }
        false => {
            let versions = subject.stage_versions().await?.into_iter();
            let mut mappings = versions.filter_map(|one| one.stage_mapping);
            let wanted = mappings.find(|one| one.version == version);
            let wanted = wanted.ok_or_else(|| no_version(version))?;
            stages_of(&wanted)?.differences(&stages_of(&present.stages)?)
        }
    };
    let preview = Wanted::of(rollback.chosen.fields, differences);
    let agreed = agreed(global, &preview, rollback.yes).await?;
    let saved = match (agreed, rollback.chosen.fields) {
        (false, true) => Saved {
            stages: None,
            fields: Some(present.fields),
        },
        (false, false) => Saved {
            stages: Some(present.stages),
            fields: None,
        },
        (true, true) => {
            subject
                .roll_fields_back(version, &present.fields.etag)
                .await?
        }
        (true, false) => {
            subject
                .roll_stages_back(version, &present.stages.etag)
                .await?
        }
    };
    told_versions(global, &saved)
}

fn no_version(version: u64) -> Failure {
    Failure::new(format!("there is no version {version}"))
        .with("`fulcrum mapping versions` lists those there are, with --fields those of the fields")
}

/// Shows what changes and asks; false when nothing does.
async fn agreed(global: &Global, preview: &Wanted, yes: bool) -> Result<bool, Failure> {
    if !global.json {
        Output::standard().text(page::preview(preview))?;
    }
    match preview.changes() {
        0 => Ok(false),
        _ if yes => Ok(true),
        changes if confirmed(changes).await? => Ok(true),
        _ => Err(Failure::new("nothing was changed")),
    }
}

fn told_versions(global: &Global, saved: &Saved) -> Result<(), Failure> {
    let mut output = Output::standard();
    if !global.json {
        return output.text(page::saved(saved));
    }
    let stages = saved.stages.as_ref();
    let stages = stages.map(|one| json::of("StageMapping", one));
    let fields = saved.fields.as_ref();
    let fields = fields.map(|one| json::of("FieldMapping", one));
    output.json(&both(stages.transpose()?, fields.transpose()?))
}

async fn confirmed(changes: usize) -> Result<bool, Failure> {
    if !prompt::possible() {
        return Err(Failure::new(
            "there is no terminal to ask at, so nothing was changed; repeat with --yes",
        ));
    }
    prompt::agreed(format!("Apply {}?", counted(changes as u64, "change"))).await
}

fn read_document(path: &Path) -> Result<MappingDocument, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    document::from_toml(&text).map_err(|error| failed(&error))
}
