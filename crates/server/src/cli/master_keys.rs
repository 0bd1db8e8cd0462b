//! `fulcrum store rotate-key` and `fulcrum store keys`: the master keys of a running service.

use std::time::Duration;

use proto::v1 as pb;

use super::view::{master_keys as page, time};
use super::{Client, Failure, Global, Output, Progress, json};

/// Between two looks at how far an exchange has come.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Arguments of `fulcrum store rotate-key`.
#[derive(Debug, clap::Args)]
pub(super) struct RotateKey {
    /// End when the new key is in use, without waiting until all is sealed with it; `fulcrum store keys` tells.
    #[arg(long)]
    no_wait: bool,
}

/// Has a new master key made, and waits until everything is sealed with it.
pub(super) async fn rotate(global: &Global, command: RotateKey) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let request = pb::RotateMasterKeyRequest {};
    let begun = client.store().rotate_master_key(request).await?;
    let mut keys = begun.into_inner().keys.unwrap_or_default();
    let mut output = Output::standard();
    if !command.no_wait {
        keys = wait(global, &client, keys, &mut output).await?;
    }
    show(global, &keys, &mut output)
}

/// Shows the master keys.
pub(super) async fn list(global: &Global) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let keys = keys(&client).await?;
    show(global, &keys, &mut Output::standard())
}

async fn keys(client: &Client) -> Result<pb::MasterKeys, Failure> {
    let answer = client
        .store()
        .get_master_keys(pb::GetMasterKeysRequest {})
        .await?;
    Ok(answer.into_inner().keys.unwrap_or_default())
}

async fn wait(
    global: &Global,
    client: &Client,
    mut present: pb::MasterKeys,
    output: &mut Output,
) -> Result<pb::MasterKeys, Failure> {
    let mut progress = Progress::records(output, Some(present.sealed_values));
    while present.underway {
        if !global.json {
            let done = present.sealed_values - present.remaining_values;
            progress.show(output, done, "sealed anew", || page::line(&present))?;
        }
        tokio::time::sleep(LOOK_EVERY).await;
        present = keys(client).await?;
    }
    Ok(present)
}

fn show(global: &Global, keys: &pb::MasterKeys, output: &mut Output) -> Result<(), Failure> {
    if global.json {
        return output.json(&json::of("MasterKeys", keys)?);
    }
    output.text(page::page(keys, time::now_ms()))
}
