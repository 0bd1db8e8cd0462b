//! `fulcrum connect` and `fulcrum connections`.

use std::path::PathBuf;

use proto::v1 as pb;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Client, Failure, Global, Output, client, json, prompt, view};
use crate::config;

/// Arguments of `fulcrum connect`.
///
/// The API key comes from the variable FULCRUM_LEVER_KEY, a file, or a prompt.
#[derive(Debug, clap::Args)]
pub(super) struct Connect {
    /// A name for people.
    #[arg(long)]
    name: String,
    /// Your own id for this customer.
    #[arg(long, value_name = "X", default_value = "", hide_default_value = true)]
    external_id: String,
    /// Where Lever keeps the account.
    #[arg(long, value_enum, conflicts_with = "base_url")]
    region: Option<Region>,
    /// A server other than Lever's own, where the service allows it.
    #[arg(
        long,
        value_name = "URL",
        default_value = "",
        hide_default_value = true
    )]
    base_url: String,
    /// A stream to keep; repeat for more. Without any: all.
    #[arg(long = "stream", value_name = "S")]
    streams: Vec<String>,
    /// Have Lever tell of changes at once, by webhooks.
    #[arg(long)]
    webhooks: bool,
    /// Keep secret notes too.
    #[arg(long)]
    secret_notes: bool,
    /// A field not to keep, in Lever's names, such as contacts.phones; repeat for more.
    #[arg(long = "exclude-field", value_name = "STREAM.FIELD")]
    excluded_fields: Vec<String>,
    /// File with the Lever API key; without it, the variable FULCRUM_LEVER_KEY, or a prompt.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Where Lever keeps an account.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Region {
    /// api.lever.co
    Global,
    /// api.eu.lever.co
    Eu,
    /// api.sandbox.lever.co
    Sandbox,
}

impl From<Region> for pb::Region {
    fn from(region: Region) -> pb::Region {
        match region {
            Region::Global => pb::Region::Global,
            Region::Eu => pb::Region::Eu,
            Region::Sandbox => pb::Region::Sandbox,
        }
    }
}

/// Links an account.
pub(super) async fn connect(global: &Global, command: Connect) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let key = lever_key(&command).await?;
    let request = pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: command.name,
            external_id: command.external_id,
            region: command
                .region
                .map_or(pb::Region::Unspecified, Into::into)
                .into(),
            base_url: command.base_url,
            streams: command.streams,
            webhooks: command.webhooks,
            include_secret_notes: command.secret_notes,
            excluded_fields: command.excluded_fields,
            ..Default::default()
        }),
        api_key: key.expose_secret().to_owned(),
        oauth: None,
    };
    let response = client
        .connections()
        .create_connection(request)
        .await?
        .into_inner();
    let connection = response.connection.unwrap_or_default();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("Connection", &connection)?);
    }
    let how = if response.restored {
        "connected again, with its mirror:"
    } else {
        "connected"
    };
    output.line(format!(
        "{how} \"{}\" as {}",
        connection.display_name, connection.id
    ))?;
    output.line("the mirror fills now; watch it with `fulcrum status --watch`")
}

async fn lever_key(command: &Connect) -> Result<SecretString, Failure> {
    if let Some(path) = &command.key_file {
        return client::secret_file(path, "Lever API key");
    }
    if let Some(key) = config::secret("FULCRUM_LEVER_KEY") {
        return Ok(key);
    }
    if prompt::possible() {
        return prompt::secret("Lever API key").await;
    }
    Err(
        Failure::new("there is no Lever API key and no terminal to ask at")
            .with("give it in the variable FULCRUM_LEVER_KEY or with --key-file"),
    )
}

/// Lists the linked accounts.
pub(super) async fn list(global: &Global) -> Result<(), Failure> {
    let connections = Client::open(global).await?.all_connections().await?;
    let mut output = Output::standard();
    if global.json {
        let all: Result<Vec<Value>, Failure> = connections
            .iter()
            .map(|c| json::of("Connection", c))
            .collect();
        return output.json(&Value::Array(all?));
    }
    if connections.is_empty() {
        return output.line("no connection yet; link one with `fulcrum connect --name NAME`");
    }
    output.text(view::connections::table(&connections))
}
