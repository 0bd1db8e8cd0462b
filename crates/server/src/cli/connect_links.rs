//! `fulcrum connect-link`.

use std::time::Duration;

use lever::Timestamp;
use proto::v1 as pb;

use super::connections::Region;
use super::output::WIDTH;
use super::view::{DIM, connect_links as page, counted, styled, time};
use super::{Client, Failure, Global, Output, json};
use crate::config::parse_duration;
use crate::wire::time::to_timestamp;

/// Arguments of `fulcrum connect-link`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Makes a link for one use and prints it, once: for whoever may authorise at the customer.
    Create(Create),
    /// Lists links, the newest first, with what became of them.
    List(List),
    /// Takes a link back.
    Revoke(Revoke),
}

/// Arguments of `fulcrum connect-link create`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["name", "relink"]))]
pub(super) struct Create {
    /// The name of the account to connect.
    #[arg(long)]
    name: Option<String>,
    /// Instead of another account: a connection to give another credential, by id, external id or name.
    #[arg(long, value_name = "CONNECTION", conflicts_with_all = ["external_id", "region", "base_url"])]
    relink: Option<String>,
    /// Your own id for this customer.
    #[arg(long, value_name = "X")]
    external_id: Option<String>,
    /// Where Lever keeps the account.
    #[arg(long, value_enum, conflicts_with = "base_url")]
    region: Option<Region>,
    /// A server other than Lever's own, where the service allows it.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// How long it works, such as 2d; 30d at most. Without it: 7 days.
    #[arg(long, value_parser = ttl)]
    ttl: Option<Duration>,
}

/// Arguments of `fulcrum connect-link list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// How many to show, 1 to 1,000.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=1000))]
    limit: i32,
    /// Go on after a page, with the token that it ended with.
    #[arg(
        long,
        value_name = "TOKEN",
        default_value = "",
        hide_default_value = true
    )]
    after: String,
}

/// Arguments of `fulcrum connect-link revoke`.
#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The id that `fulcrum connect-link list` shows.
    id: String,
}

fn ttl(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|ttl| !ttl.is_zero())
        .ok_or_else(|| "expected a duration such as 12h or 7d".to_owned())
}

/// Does what was asked.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    match command {
        Command::Create(command) => create(global, &client, command).await,
        Command::List(command) => list(global, &client, command).await,
        Command::Revoke(command) => {
            let request = pb::RevokeConnectLinkRequest {
                link_id: command.id,
            };
            let answer = client.connections().revoke_connect_link(request).await?;
            let link = answer.into_inner().link.unwrap_or_default();
            let mut output = Output::standard();
            match global.json {
                true => output.json(&json::of("ConnectLink", &link)?),
                false => output.line(page::sentence(&link, time::now_ms())),
            }
        }
    }
}

/// Prints the address and nothing else on standard output.
async fn create(global: &Global, client: &Client, command: Create) -> Result<(), Failure> {
    let now = Timestamp::from_millis(time::now_ms());
    let connection_id = match &command.relink {
        Some(named) => client.connection(Some(named)).await?.id,
        None => String::new(),
    };
    let region = command.region.map_or(pb::Region::Unspecified, Into::into);
    let request = pb::CreateConnectLinkRequest {
        connection_id,
        display_name: command.name.unwrap_or_default(),
        external_id: command.external_id.unwrap_or_default(),
        region: region.into(),
        base_url: command.base_url.unwrap_or_default(),
        expire_time: command.ttl.map(|ttl| to_timestamp(now.plus(ttl))),
    };
    let answer = client.connections().create_connect_link(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    match global.json {
        true => output.json(&json::of("CreateConnectLinkResponse", &answer)?),
        false => output.line(&answer.url),
    }
}

async fn list(global: &Global, client: &Client, command: List) -> Result<(), Failure> {
    let request = pb::ListConnectLinksRequest {
        page_size: command.limit,
        page_token: command.after,
    };
    let answer = client.connections().list_connect_links(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("ListConnectLinksResponse", &answer)?);
    }
    if !answer.links.is_empty() {
        output.text(page::table(&answer.links, WIDTH, time::now_ms()))?;
    }
    let links = counted(answer.links.len() as u64, "link");
    output.line(styled(DIM, &links))?;
    if answer.next_page_token.is_empty() {
        return Ok(());
    }
    let more = format!("more with --after {}", answer.next_page_token);
    output.line(styled(DIM, &more))
}
