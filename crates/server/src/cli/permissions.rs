//! `fulcrum permissions`.

use proto::v1 as pb;

use super::view::{permissions as page, time};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum permissions`.
#[derive(Debug, clap::Args)]
pub(super) struct Permissions {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Try every read there is, not only those of streams that are kept.
    #[arg(long)]
    probe_all: bool,
    /// Tell what the last test of this credential told, without asking Lever again.
    #[arg(long, conflicts_with = "probe_all")]
    last: bool,
}

/// Tells what Lever lets the credential do.
pub(super) async fn run(global: &Global, command: Permissions) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let request = pb::CheckPermissionsRequest {
        connection_id: connection.id.clone(),
        probe_all: command.probe_all,
        last: command.last,
    };
    let report = client
        .connections()
        .check_permissions(request)
        .await?
        .into_inner();
    if command.last && report.check_time.is_none() {
        let none = "no test was made since the credential was given";
        return Err(Failure::new(none.to_owned()));
    }
    let mut output = Output::standard();
    if global.json {
        output.json(&json::of("CheckPermissionsResponse", &report)?)?;
    } else {
        output.text(page::page(&connection, &report, time::now_ms()))?;
    }
    match report.key_state() {
        pb::KeyState::Accepted => Ok(()),
        _ => Err(Failure::told()),
    }
}
