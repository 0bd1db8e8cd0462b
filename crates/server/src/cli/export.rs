//! `fulcrum export`: hands a person over to Lever, and shows or sets how that is done.

use std::path::PathBuf;

use proto::v1 as pb;

use super::view::{export as page, operation, time};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum export`.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    #[command(subcommand)]
    what: What,
}

/// What can be done about exports.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Hands a person over, as a file says.
    Person(Person),
    /// Shows how people are exported, or sets it from a file as `--json` shows it.
    Settings(Settings),
}

/// Arguments of `fulcrum export person`.
#[derive(Debug, clap::Args)]
struct Person {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// An ExportCandidateRequest as JSON; connectionId may be left out.
    file: PathBuf,
    /// Look for the person, show the verdict and the calls, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `fulcrum export settings`.
#[derive(Debug, clap::Args)]
struct Settings {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// The settings to put in place, as `--json` shows them.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
}

/// Does what was asked.
pub(super) async fn run(global: &Global, command: Export) -> Result<(), Failure> {
    match command.what {
        What::Person(person) => hand_over(global, person).await,
        What::Settings(settings) => show_or_set(global, settings).await,
    }
}

async fn hand_over(global: &Global, command: Person) -> Result<(), Failure> {
    let text = contents(&command.file)?;
    let mut request: pb::ExportCandidateRequest = json::read("ExportCandidateRequest", &text)?;
    let client = Client::open(global).await?;
    request.connection_id = client.connection(command.connection.as_deref()).await?.id;
    request.dry_run |= command.dry_run;
    let answer = client.candidates().export_candidate(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        output.json(&json::of("ExportCandidateResponse", &answer)?)?;
    } else {
        output.text(page::page(&answer, time::now_ms()))?;
    }
    match &answer.operation {
        Some(told) if !operation::well(told) => Err(Failure::told()),
        _ => Ok(()),
    }
}

async fn show_or_set(global: &Global, command: Settings) -> Result<(), Failure> {
    let given = command.set.as_ref().map(|file| {
        let text = contents(file)?;
        json::read::<pb::ExportSettings>("ExportSettings", &text)
    });
    let given = given.transpose()?;
    let client = Client::open(global).await?;
    let connection_id = client.connection(command.connection.as_deref()).await?.id;
    let settings = match given {
        Some(settings) => {
            let request = pb::UpdateExportSettingsRequest {
                connection_id,
                settings: Some(settings),
            };
            let answer = client.candidates().update_export_settings(request).await?;
            answer.into_inner().settings
        }
        None => {
            let request = pb::GetExportSettingsRequest { connection_id };
            let answer = client.candidates().get_export_settings(request).await?;
            answer.into_inner().settings
        }
    };
    let settings = settings.unwrap_or_default();
    let mut output = Output::standard();
    match global.json {
        true => output.json(&json::of("ExportSettings", &settings)?),
        false => output.text(page::settings(&settings)),
    }
}

fn contents(file: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_were_shown_can_be_set_again() {
        let settings = pb::ExportSettings {
            etag: "v3".to_owned(),
            cool_off_days: 30,
            guards: vec![pb::ExportGuard {
                ground: pb::ExportGround::Hired.into(),
                rule: pb::GuardRule::Allow.into(),
            }],
            ..Default::default()
        };
        let shown = json::of("ExportSettings", &settings).unwrap().to_string();
        let read: pb::ExportSettings = json::read("ExportSettings", &shown).unwrap();
        assert_eq!(read, settings);
        assert!(json::read::<pb::ExportSettings>("ExportSettings", "{\"nonsense\": 1}").is_err());
    }
}
