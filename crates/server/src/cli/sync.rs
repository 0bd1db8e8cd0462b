//! `fulcrum status` and `fulcrum sync`.

use proto::v1 as pb;
use tokio_stream::StreamExt as _;

use super::view::{sync as page, time};
use super::{Client, Failure, Global, Output, Progress, history, json};

/// Arguments of `fulcrum status`.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Show every change until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// Tell what the first import takes at most, begun or not; asks Lever for its sources.
    #[arg(long, conflicts_with = "watch")]
    estimate: bool,
}

/// Arguments of `fulcrum sync`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Sync {
    #[command(subcommand)]
    history: Option<history::Command>,
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// A stream to pull; repeat for more. Without any: all.
    #[arg(long = "stream", value_name = "S")]
    streams: Vec<String>,
    /// One opportunity to read now, with all that belongs to it, by Lever's id.
    #[arg(
        long,
        value_name = "ID",
        default_value = "",
        hide_default_value = true,
        conflicts_with = "streams"
    )]
    opportunity: String,
    /// Wait until the mirror is complete.
    #[arg(long, conflicts_with = "opportunity")]
    wait: bool,
}

/// Tells how far the mirror has come.
pub(super) async fn status(global: &Global, command: Status) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let mut output = Output::standard();
    if command.estimate {
        return estimate(global, &client, &connection, &mut output).await;
    }
    if command.watch {
        return watch(global, &client, &connection, &mut output).await;
    }
    let request = pb::GetSyncStatusRequest {
        connection_id: connection.id.clone(),
    };
    let status = page::status(client.sync().get_sync_status(request).await?.into_inner());
    show(global, &connection, &status, &mut output)?;
    if global.json {
        return Ok(());
    }
    match open_issues(&client, &connection).await? {
        0 => Ok(()),
        open => output.line(page::open_issues(open)),
    }
}

async fn estimate(
    global: &Global,
    client: &Client,
    connection: &pb::Connection,
    output: &mut Output,
) -> Result<(), Failure> {
    let request = pb::EstimateImportRequest {
        connection_id: connection.id.clone(),
    };
    let estimate = client.sync().estimate_import(request).await?.into_inner();
    match global.json {
        true => output.json(&json::of("EstimateImportResponse", &estimate)?),
        false => output.line(page::estimate(&estimate)),
    }
}

/// How many problems of a connection want looking after; none where the token may not list them.
async fn open_issues(client: &Client, connection: &pb::Connection) -> Result<u32, Failure> {
    let request = pb::ListIssuesRequest {
        connection_id: connection.id.clone(),
        states: vec![pb::IssueState::Open.into()],
        page_size: 1,
        ..Default::default()
    };
    match client.connections().list_issues(request).await {
        Ok(answer) => Ok(answer.into_inner().open),
        Err(refused) if refused.code() == tonic::Code::PermissionDenied => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn show(
    global: &Global,
    connection: &pb::Connection,
    status: &pb::SyncStatus,
    output: &mut Output,
) -> Result<(), Failure> {
    if global.json {
        return output.json(&json::of("SyncStatus", status)?);
    }
    output.text(page::page(connection, status, time::now_ms()))
}

/// In a terminal the page is drawn anew with each change; elsewhere each change is a line, or a JSON document.
async fn watch(
    global: &Global,
    client: &Client,
    connection: &pb::Connection,
    output: &mut Output,
) -> Result<(), Failure> {
    const CLEAR: &str = "\u{1b}[2J\u{1b}[H";
    let request = pb::WatchSyncRequest {
        connection_id: connection.id.clone(),
    };
    let mut changes = client.sync().watch_sync(request).await?.into_inner();
    while let Some(change) = changes.next().await {
        let status = change?.status.unwrap_or_default();
        match (global.json, output.lively()) {
            (true, _) => output.line(json::of("SyncStatus", &status)?.to_string())?,
            (false, true) => {
                output.text(CLEAR)?;
                show(global, connection, &status, output)?;
            }
            (false, false) => output.line(page::line(&status))?,
        }
    }
    Ok(())
}

/// Pulls now, and waits if that was asked for.
pub(super) async fn sync(global: &Global, command: Sync) -> Result<(), Failure> {
    if let Some(command) = command.history {
        return history::run(global, command).await;
    }
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let request = pb::StartSyncRequest {
        connection_id: connection.id.clone(),
        streams: command.streams.clone(),
        opportunity_id: command.opportunity.clone(),
    };
    let started = client.sync().start_sync(request).await?.into_inner();
    let before = started.status.unwrap_or_default();
    let mut output = Output::standard();
    if !command.wait {
        return show(global, &connection, &before, &mut output);
    }
    let goal = Goal {
        before,
        streams: command.streams,
    };
    let status = wait(&client, &connection, &goal, &mut output).await?;
    show(global, &connection, &status, &mut output)
}

async fn wait(
    client: &Client,
    connection: &pb::Connection,
    goal: &Goal,
    output: &mut Output,
) -> Result<pb::SyncStatus, Failure> {
    let request = pb::WatchSyncRequest {
        connection_id: connection.id.clone(),
    };
    let mut changes = client.sync().watch_sync(request).await?.into_inner();
    let mut progress = Progress::records(output, None);
    while let Some(change) = changes.next().await {
        let status = change?.status.unwrap_or_default();
        if let Some(stopped) = stopped(&status) {
            return Err(stopped);
        }
        if goal.reached(&status) {
            return Ok(status);
        }
        progress.show(
            output,
            page::records(&status),
            &page::requests(&status),
            || page::line(&status),
        )?;
    }
    Err(Failure::new(
        "the service stopped telling how far it has come; see `fulcrum status`",
    ))
}

/// Why waiting longer is of no use.
fn stopped(status: &pb::SyncStatus) -> Option<Failure> {
    let sentence = match status.state() {
        pb::SyncState::Failed => "the pull cannot go on",
        pb::SyncState::Paused => "the pull is paused",
        _ => return None,
    };
    let errors = status
        .streams
        .iter()
        .filter(|stream| !stream.error.is_empty());
    Some(
        Failure::new(sentence)
            .with_all(errors.map(|stream| format!("{}: {}", stream.name, stream.error))),
    )
}

/// What `sync --wait` waits for: each stream asked for has ended a pass since the pull was started.
struct Goal {
    before: pb::SyncStatus,
    streams: Vec<String>,
}

impl Goal {
    fn reached(&self, status: &pb::SyncStatus) -> bool {
        let asked = |stream: &&pb::StreamStatus| {
            self.streams.is_empty() || self.streams.contains(&stream.name)
        };
        status
            .streams
            .iter()
            .filter(asked)
            .all(|stream| self.settled(stream))
    }

    fn settled(&self, stream: &pb::StreamStatus) -> bool {
        let before = self
            .before
            .streams
            .iter()
            .find(|before| before.name == stream.name);
        match stream.state() {
            pb::StreamState::Off | pb::StreamState::Forbidden => true,
            pb::StreamState::Failed => before.is_none_or(|before| before.error != stream.error),
            _ => {
                stream.last_success_at.is_some()
                    && before.is_none_or(|b| b.last_success_at != stream.last_success_at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str, state: pb::StreamState, success: Option<i64>) -> pb::SyncStatus {
        let last_success_at = success.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        let stream = pb::StreamStatus {
            name: name.to_owned(),
            state: state.into(),
            last_success_at,
            ..Default::default()
        };
        pb::SyncStatus {
            streams: vec![stream],
            ..Default::default()
        }
    }

    #[test]
    fn waiting_ends_when_every_stream_asked_for_has_ended_a_new_pass() {
        let goal = Goal {
            before: status("users", pb::StreamState::Synced, Some(5)),
            streams: Vec::new(),
        };
        assert!(!goal.reached(&status("users", pb::StreamState::Synced, Some(5))));
        assert!(goal.reached(&status("users", pb::StreamState::Synced, Some(6))));
        assert!(goal.reached(&status("users", pb::StreamState::Forbidden, None)));
        let other = Goal {
            streams: vec!["stages".to_owned()],
            ..goal
        };
        assert!(other.reached(&status("users", pb::StreamState::Syncing, None)));
    }

    #[test]
    fn waiting_for_a_pull_that_cannot_go_on_is_a_failure_with_its_reasons() {
        let mut failed = status("users", pb::StreamState::Failed, None);
        failed.state = pb::SyncState::Failed.into();
        failed.streams[0].error = "Lever refuses the key".to_owned();
        let failure = stopped(&failed).expect("failed");
        assert_eq!(
            failure.text(),
            "error: the pull cannot go on\n  users: Lever refuses the key\n"
        );
    }
}
