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
}

/// Tells what Lever lets the credential do.
pub(super) async fn run(global: &Global, command: Permissions) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let request = pb::CheckPermissionsRequest {
        connection_id: connection.id.clone(),
        probe_all: command.probe_all,
    };
    let report = client
        .connections()
        .check_permissions(request)
        .await?
        .into_inner();
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
