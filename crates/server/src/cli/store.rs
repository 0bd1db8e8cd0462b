//! `fulcrum store`: looking after a data directory, stopped or running.

mod backup;
mod online;

use std::path::{Path, PathBuf};

use serde_json::json;
use store::{Compacted, Examined, Restored};
use tokio::sync::watch;

use super::place::Place;
use super::{Failure, Global, Output, Progress, master_keys};
use crate::serve;

/// What can be done with a data directory.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Writes the data anew, without what was replaced or removed since.
    Compact(Place),
    /// Reads every value and tells what is wrong; the exit code is 1 if anything is. Of a stopped directory with --data
    /// or --config, of the running service without.
    Check(Place),
    /// Writes a backup of the running service into a file.
    Backup(backup::Backup),
    /// Makes a data directory of a backup; it needs the master key of the store that the backup is of.
    Restore(Restore),
    /// Gives back the room that the running service has set aside for a full disk.
    FreeReserve,
    /// Makes a new master key in a running service, and has all secrets sealed with it.
    RotateKey(master_keys::RotateKey),
    /// Shows the master keys of a running service.
    Keys,
}

/// What to restore where.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The backup, or a snapshot.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// Runs one of the commands.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let mut output = Output::standard();
    match command {
        Command::Compact(place) => {
            let compacted = work(&place, &mut output, global.json, store::compact).await?;
            report_compacted(&mut output, global.json, &compacted)
        }
        Command::Check(place) if !place.is_named() => online::check(global, &mut output).await,
        Command::Check(place) => {
            let examined = work(&place, &mut output, global.json, store::check).await?;
            report_examined(&mut output, global.json, &examined)
        }
        Command::Backup(command) => backup::run(global, command, &mut output).await,
        Command::Restore(Restore { file, place }) => {
            let restore = move |folder: &Path, options: &_, progress: &mut dyn FnMut(_)| {
                store::restore(&file, folder, options, progress)
            };
            let restored = work(&place, &mut output, global.json, restore).await?;
            report_restored(&mut output, global.json, &restored, &place)
        }
        Command::FreeReserve => online::free_reserve(global, &mut output).await,
        Command::RotateKey(command) => master_keys::rotate(global, command).await,
        Command::Keys => master_keys::list(global).await,
    }
}

/// Works on the data directory in a thread of its own, and shows how far that has come.
async fn work<T, F>(place: &Place, output: &mut Output, quiet: bool, work: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce(
            &std::path::Path,
            &store::Options,
            &mut dyn FnMut(store::Progress),
        ) -> Result<T, store::Error>
        + Send
        + 'static,
{
    let settings = place.settings()?;
    let options = serve::store_options(&settings)?;
    let (sender, mut steps) = watch::channel(None);
    let working = tokio::task::spawn_blocking(move || {
        let mut tell = |step| {
            sender.send_replace(Some(step));
        };
        work(&settings.store.dir, &options, &mut tell)
    });
    let mut progress = None;
    while !quiet && steps.changed().await.is_ok() {
        if let Some(step) = *steps.borrow_and_update() {
            show(output, &mut progress, step)?;
        }
    }
    drop(progress);
    match working.await {
        Ok(done) => Ok(done?),
        Err(_panicked) => Err(Failure::new("the work on the data directory was cut short")),
    }
}

/// Each kind of step has a progress of its own.
fn show(
    output: &mut Output,
    shown: &mut Option<(&'static str, Progress)>,
    step: store::Progress,
) -> Result<(), Failure> {
    if shown.as_ref().is_none_or(|(doing, _)| *doing != step.doing) {
        *shown = Some((step.doing, Progress::records(output, step.total)));
    }
    let Some((_, progress)) = shown else {
        return Ok(());
    };
    progress.show(output, step.entries, step.doing, || {
        format!("{} · {} entries", step.doing, step.entries)
    })
}

fn report_compacted(output: &mut Output, json: bool, compacted: &Compacted) -> Result<(), Failure> {
    let Compacted {
        entries,
        bytes_before,
        bytes_after,
    } = compacted;
    if json {
        return output.json(&json!({
            "entries": entries,
            "bytesBefore": bytes_before,
            "bytesAfter": bytes_after,
        }));
    }
    output.line(format!(
        "compacted {entries} entries: {} before, {} now",
        megabytes(*bytes_before),
        megabytes(*bytes_after)
    ))
}

/// What has to be known before the service is started again.
fn report_restored(
    output: &mut Output,
    json: bool,
    restored: &Restored,
    place: &Place,
) -> Result<(), Failure> {
    let Restored {
        header,
        entries,
        left_out,
        unsure_operations,
    } = restored;
    let only_ours = header.scope == store::Scope::Ours;
    if json {
        return output.json(&json!({
            "commit": header.commit,
            "takenMs": header.taken.as_millis(),
            "onlyOurs": only_ours,
            "entries": entries,
            "leftOut": left_out,
            "unsureOperations": unsure_operations,
        }));
    }
    let folder = place.settings()?.store.dir;
    output.line(format!(
        "restored {entries} entries as of commit {} into {}",
        header.commit,
        folder.display()
    ))?;
    if *left_out > 0 {
        output.line(format!(
            "{left_out} entries of the change journal were left out, since its numbers begin anew: consumers begin from the present state"
        ))?;
    }
    if only_ours {
        output.line("the mirrors are not in this backup: they are read from Lever anew")?;
    }
    if *unsure_operations > 0 {
        output.line(format!(
            "{unsure_operations} operations may have been sent after the backup was taken: Lever is asked before they are sent"
        ))?;
    }
    if !folder.join("master.key").exists() {
        output.line(format!(
            "put the master key of the former store at {} before the first start",
            folder.join("master.key").display()
        ))?;
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// What is wrong is told as the answer; the exit code says that something is.
fn report_examined(output: &mut Output, json: bool, examined: &Examined) -> Result<(), Failure> {
    let Examined { entries, findings } = examined;
    if json {
        output.json(&json!({ "entries": entries, "findings": findings }))?;
        return if findings.is_empty() {
            Ok(())
        } else {
            Err(Failure::told())
        };
    }
    if findings.is_empty() {
        return output.line(format!("sound: {entries} entries were read"));
    }
    let failure =
        Failure::new("the store is damaged: keep the folder, and restore a backup into a new one");
    Err(failure.with_all(findings.iter().cloned()))
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure::new(error.told())
    }
}
