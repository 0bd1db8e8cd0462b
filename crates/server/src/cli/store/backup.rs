//! `fulcrum store backup`: the bytes of a running service's backup, in a file that is whole or not there.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use proto::v1 as pb;
use proto::v1::backup_response::Part;
use serde_json::json;
use tokio_stream::StreamExt as _;
use tonic::Streaming;

use crate::cli::{Client, Failure, Global, Output, Progress};

/// What to back up, and where to.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Backup {
    /// The file; it must not be there.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Leave out the mirrors: whatever can be read again from Lever.
    #[arg(long)]
    only_ours: bool,
}

/// Runs it.
pub(super) async fn run(
    global: &Global,
    command: Backup,
    output: &mut Output,
) -> Result<(), Failure> {
    let Backup { file, only_ours } = command;
    refuse_if_there(&file)?;
    let client = Client::open(global).await?;
    let request = pb::BackupRequest { only_ours };
    let mut parts = client.store().backup(request).await?.into_inner();
    let Some(Part::Info(info)) = parts.next().await.transpose()?.and_then(|first| first.part)
    else {
        return Err(Failure::new("the service did not say what the backup is"));
    };
    let beside = beside(&file);
    let received = receive(&mut parts, &beside, output, global.json).await;
    let placed = received.and_then(|received| put_in_place(&beside, &file).map(|()| received));
    if placed.is_err() {
        // Half a backup must not pass for a whole one.
        let _ = fs::remove_file(&beside);
    }
    let Received { bytes, entries } = placed?;
    if global.json {
        return output.json(&json!({
            "file": file.display().to_string(),
            "commit": info.commit,
            "entries": entries,
            "bytes": bytes,
        }));
    }
    output.line(format!(
        "{}: {entries} entries as of commit {}, {}; keep the master key apart from it",
        file.display(),
        info.commit,
        super::megabytes(bytes)
    ))
}

struct Received {
    bytes: u64,
    entries: u64,
}

/// Writes what comes, and makes it durable.
async fn receive(
    parts: &mut Streaming<pb::BackupResponse>,
    path: &Path,
    output: &mut Output,
    quiet: bool,
) -> Result<Received, Failure> {
    let failed = |error| cannot_write(path, &error);
    let mut file = create(path).map_err(failed)?;
    let mut received = Received {
        bytes: 0,
        entries: 0,
    };
    let mut progress = Progress::records(output, None);
    while let Some(response) = parts.next().await {
        let response = response?;
        received.entries = response.entries;
        if let Some(Part::Chunk(bytes)) = response.part {
            file.write_all(&bytes).map_err(failed)?;
            received.bytes += bytes.len() as u64;
        }
        if !quiet {
            let so_far = super::megabytes(received.bytes);
            progress.show(output, received.entries, &so_far, || {
                format!("backing up · {} entries, {so_far}", received.entries)
            })?;
        }
    }
    file.sync_all().map_err(failed)?;
    Ok(received)
}

fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

/// Where a backup is until it is whole.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn put_in_place(beside: &Path, file: &Path) -> Result<(), Failure> {
    refuse_if_there(file)?;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::rename(beside, file)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| cannot_write(file, &error))
}

fn refuse_if_there(file: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(file) {
        Ok(_) => Err(Failure::new(format!(
            "{} is there already: move it, or name another file",
            file.display()
        ))),
        Err(_not_there) => Ok(()),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}
