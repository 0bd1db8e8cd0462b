//! `fulcrum connect`, `fulcrum rotate-credential`, `fulcrum disconnect` and `fulcrum connections`.

use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// A stream to keep; repeat for more. Without any: all but eeo_responses.
    #[arg(long = "stream", value_name = "S")]
    streams: Vec<String>,
    /// Refuse writes for product users who are no active Lever user, instead of making them for somebody else.
    #[arg(long)]
    strict_acting_user: bool,
    /// Have Lever tell of changes at once, by webhooks.
    #[arg(long)]
    webhooks: bool,
    /// Pull nothing until the sync is resumed, in the console or with ResumeSync.
    #[arg(long)]
    paused: bool,
    /// Bring a disconnected connection back, by its id, instead of making a new one; it needs no external id.
    #[arg(
        long,
        value_name = "CONNECTION",
        default_value = "",
        hide_default_value = true
    )]
    restore: String,
    /// Connect it although another connection has the same Lever account.
    #[arg(long)]
    allow_connected_account: bool,
    /// Keep secret notes too.
    #[arg(long)]
    secret_notes: bool,
    /// A field not to keep, in Lever's names, such as contacts.phones; repeat for more.
    #[arg(long = "exclude-field", value_name = "STREAM.FIELD")]
    excluded_fields: Vec<String>,
    #[command(flatten)]
    credential: Credential,
}

/// Arguments of `fulcrum rotate-credential`.
///
/// The API key comes from the variable FULCRUM_LEVER_KEY, a file, or a prompt.
#[derive(Debug, clap::Args)]
pub(super) struct RotateCredential {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Take it although another connection has the same Lever account.
    #[arg(long)]
    allow_connected_account: bool,
    #[command(flatten)]
    credential: Credential,
}

/// Where the credential comes from.
#[derive(Debug, clap::Args)]
struct Credential {
    /// File with the Lever API key; without it, the variable FULCRUM_LEVER_KEY, or a prompt.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Instead of a key: the code that Lever sent to the redirect URI after an admin's consent; it works once.
    #[arg(
        long,
        value_name = "CODE",
        requires = "redirect_uri",
        conflicts_with = "key_file"
    )]
    oauth_code: Option<String>,
    /// The redirect URI that the code was asked with, to the letter.
    #[arg(long, value_name = "URI", requires = "oauth_code")]
    redirect_uri: Option<String>,
}

/// Arguments of `fulcrum disconnect`.
#[derive(Debug, clap::Args)]
pub(super) struct Disconnect {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Remove the mirror, mappings and operations at once instead of after 14 days.
    #[arg(long)]
    purge_now: bool,
    /// Do not ask. Without a terminal only --purge-now needs it.
    #[arg(long)]
    yes: bool,
}

/// Where Lever keeps an account.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Region {
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
    let (api_key, oauth) = command.credential.read().await?;
    let (webhooks, paused) = (command.webhooks, command.paused);
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
            strict_acting_user: command.strict_acting_user,
            include_secret_notes: command.secret_notes,
            excluded_fields: command.excluded_fields,
            ..Default::default()
        }),
        api_key,
        oauth,
        paused: command.paused,
        restore_connection_id: command.restore,
        allow_connected_account: command.allow_connected_account,
    };
    let response = client
        .connections()
        .create_connection(request)
        .await?
        .into_inner();
    let mut connection = response.connection.unwrap_or_default();
    if webhooks {
        connection = registered(&client, connection).await?;
    }
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
    if webhooks {
        output.line(webhook_line(&connection))?;
    }
    output.line(match paused {
        true => "nothing is read until you start it in the console; see `fulcrum status --estimate` for what it takes",
        false => "the mirror fills now; watch it with `fulcrum status --watch`",
    })
}

impl Credential {
    /// What a request says of it.
    async fn read(&self) -> Result<(String, Option<pb::OAuthGrant>), Failure> {
        if let Some(code) = &self.oauth_code {
            let grant = pb::OAuthGrant {
                authorization_code: code.clone(),
                redirect_uri: self.redirect_uri.clone().unwrap_or_default(),
                refresh_token: String::new(),
            };
            return Ok((String::new(), Some(grant)));
        }
        let key = lever_key(self.key_file.as_deref()).await?;
        Ok((key.expose_secret().to_owned(), None))
    }
}

/// Replaces the credential of a linked account.
pub(super) async fn rotate(global: &Global, command: RotateCredential) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let (api_key, oauth) = command.credential.read().await?;
    let request = pb::RotateCredentialRequest {
        connection_id: connection.id,
        api_key,
        oauth,
        allow_connected_account: command.allow_connected_account,
    };
    let answer = client.connections().rotate_credential(request).await?;
    let connection = answer.into_inner().connection.unwrap_or_default();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("Connection", &connection)?);
    }
    output.line(format!(
        "\"{}\" has a new credential, which Lever accepts; all lists are read with it now",
        connection.display_name
    ))
}

/// How long registering webhooks is watched; it goes on after that.
const REGISTERING: Duration = Duration::from_secs(15);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// The connection once its webhooks are registered or refused, or after a while.
async fn registered(
    client: &Client,
    mut connection: pb::Connection,
) -> Result<pb::Connection, Failure> {
    let deadline = tokio::time::Instant::now() + REGISTERING;
    while connection.webhook_state() == pb::WebhookState::Pending
        && connection.webhook_error.is_empty()
        && tokio::time::Instant::now() < deadline
    {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let request = pb::GetConnectionRequest {
            connection_id: connection.id.clone(),
        };
        let response = client.connections().get_connection(request).await?;
        connection = response.into_inner().connection.unwrap_or_default();
    }
    Ok(connection)
}

fn webhook_line(connection: &pb::Connection) -> String {
    match (
        connection.webhook_state(),
        connection.webhook_error.as_str(),
    ) {
        (pb::WebhookState::Registered, _) => "webhooks are registered in Lever".to_owned(),
        (_, "") => "webhooks are still being registered in Lever".to_owned(),
        (_, error) => format!("webhooks are not registered: {error}"),
    }
}

/// Unlinks an account.
pub(super) async fn disconnect(global: &Global, command: Disconnect) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let name = &connection.display_name;
    if command.purge_now && !command.yes && !prompt::possible() {
        return Err(Failure::new(
            "there is no terminal to ask at, so nothing was removed; repeat with --yes",
        ));
    }
    if !command.yes && prompt::possible() {
        let question = match command.purge_now {
            true => format!("remove the mirror, mappings and operations of \"{name}\" for good?"),
            false => format!("destroy the key of \"{name}\" and cancel its writes that wait?"),
        };
        if !prompt::agreed(question).await? {
            return Err(Failure::new("nothing was changed"));
        }
    }
    let request = pb::DeleteConnectionRequest {
        connection_id: connection.id.clone(),
        purge_now: command.purge_now,
    };
    let answer = client.connections().delete_connection(request).await?;
    let left = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&serde_json::json!({
            "id": connection.id,
            "purged": command.purge_now,
            "webhooksLeft": left.webhooks_left,
            "webhookError": left.webhook_error,
        }));
    }
    if !left.webhook_error.is_empty() {
        output.line(&left.webhook_error)?;
    }
    if command.purge_now {
        return output.line(format!("removed \"{name}\" and all that was kept of it"));
    }
    output.line(format!("disconnected \"{name}\"; its key is destroyed"))?;
    output.line(format!(
        "the mirror is kept for 14 days: `{}` brings it back",
        reconnecting(&connection)
    ))
}

/// The command that connects a disconnected account again, for a shell.
fn reconnecting(connection: &pb::Connection) -> String {
    let place = match connection.region() {
        pb::Region::Unspecified if !connection.base_url.is_empty() => {
            format!(" --base-url {}", in_shell(&connection.base_url))
        }
        pb::Region::Eu => " --region eu".to_owned(),
        pb::Region::Sandbox => " --region sandbox".to_owned(),
        pb::Region::Unspecified | pb::Region::Global => String::new(),
    };
    let which = match connection.external_id.as_str() {
        "" => format!("--restore {}", connection.id),
        external => format!("--external-id {}", in_shell(external)),
    };
    let name = in_shell(&connection.display_name);
    format!("fulcrum connect --name {name} {which}{place}")
}

/// A word as a POSIX shell takes it.
fn in_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

async fn lever_key(key_file: Option<&Path>) -> Result<SecretString, Failure> {
    if let Some(path) = key_file {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_connects_again_can_be_pasted_into_a_shell() {
        let mut connection = pb::Connection {
            id: "0190f3a1-7c1e-7d2a-9a57-000000000000".to_owned(),
            display_name: "Ada's shop".to_owned(),
            external_id: "customer-1".to_owned(),
            region: pb::Region::Eu.into(),
            ..Default::default()
        };
        assert_eq!(
            reconnecting(&connection),
            r"fulcrum connect --name 'Ada'\''s shop' --external-id customer-1 --region eu"
        );
        connection.external_id = String::new();
        connection.region = pb::Region::Unspecified.into();
        connection.base_url = "http://127.0.0.1:7470/v1".to_owned();
        assert_eq!(
            reconnecting(&connection),
            r"fulcrum connect --name 'Ada'\''s shop' --restore 0190f3a1-7c1e-7d2a-9a57-000000000000 --base-url http://127.0.0.1:7470/v1"
        );
    }
}
