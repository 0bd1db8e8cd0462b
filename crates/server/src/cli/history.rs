//! `fulcrum sync runs`, `calls` and `quarantine`: what a pull did.

use proto::v1 as pb;

use super::view::{history as page, time};
use super::{Client, Failure, Global, Output, json};

/// What can be asked about a pull.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists the passes over Lever's lists that have ended, newest first.
    Runs(Listed),
    /// Lists the calls made to Lever, newest first.
    Calls(Calls),
    /// Lists the records that could not be read.
    Quarantine(Quarantine),
}

/// Arguments of `fulcrum sync runs`.
#[derive(Debug, clap::Args)]
pub(super) struct Listed {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Only those of this stream.
    #[arg(long, value_name = "S", default_value = "", hide_default_value = true)]
    stream: String,
    /// How many to show, 1 to 1,000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    limit: i32,
}

/// Arguments of `fulcrum sync calls`.
#[derive(Debug, clap::Args)]
pub(super) struct Calls {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// How many to show, 1 to 1,000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    limit: i32,
    /// Only calls of this operation of Lever's API, such as listOpportunities.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    operation: String,
    /// Only calls that read or write records of this stream.
    #[arg(long, value_name = "S", default_value = "", hide_default_value = true)]
    stream: String,
    /// Only calls made for this operation of ours, or for the items of this bulk.
    #[arg(
        long = "for",
        value_name = "ID",
        default_value = "",
        hide_default_value = true
    )]
    made_for: String,
    /// Only calls that got no answer, or a status of 400 or more, but for what a test of permissions finds out by.
    #[arg(long)]
    failed: bool,
}

/// Arguments of `fulcrum sync quarantine`.
#[derive(Debug, clap::Args)]
pub(super) struct Quarantine {
    #[command(flatten)]
    listed: Listed,
    /// Show what Lever sent, in the JSON form; needs the right confidential.
    #[arg(long, requires = "json")]
    raw: bool,
}

/// Does what was asked.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let mut output = Output::standard();
    match command {
        Command::Runs(command) => runs(global, &client, command, &mut output).await,
        Command::Calls(command) => calls(global, &client, command, &mut output).await,
        Command::Quarantine(command) => quarantine(global, &client, command, &mut output).await,
    }
}

async fn runs(
    global: &Global,
    client: &Client,
    command: Listed,
    output: &mut Output,
) -> Result<(), Failure> {
    let request = pb::ListRunsRequest {
        connection_id: client.connection(command.connection.as_deref()).await?.id,
        page_size: command.limit,
        page_token: String::new(),
        stream: command.stream,
    };
    let answer = client.sync().list_runs(request).await?.into_inner();
    if global.json {
        return output.json(&json::of("ListRunsResponse", &answer)?);
    }
    if answer.runs.is_empty() {
        return output.line("no pass has ended yet");
    }
    output.text(page::runs(&answer.runs, time::now_ms()))
}

async fn calls(
    global: &Global,
    client: &Client,
    command: Calls,
    output: &mut Output,
) -> Result<(), Failure> {
    let request = pb::ListApiCallsRequest {
        connection_id: client.connection(command.connection.as_deref()).await?.id,
        page_size: command.limit,
        lever_operation: command.operation,
        stream: command.stream,
        operation_id: command.made_for,
        failed_only: command.failed,
        ..Default::default()
    };
    let answer = client.sync().list_api_calls(request).await?.into_inner();
    if global.json {
        return output.json(&json::of("ListApiCallsResponse", &answer)?);
    }
    if answer.api_calls.is_empty() {
        return output.line("no such call has been made yet");
    }
    output.text(page::calls(&answer.api_calls, time::now_ms()))
}

async fn quarantine(
    global: &Global,
    client: &Client,
    command: Quarantine,
    output: &mut Output,
) -> Result<(), Failure> {
    let Listed {
        connection,
        stream,
        limit,
    } = command.listed;
    let request = pb::ListQuarantineRequest {
        connection_id: client.connection(connection.as_deref()).await?.id,
        page_size: limit,
        page_token: String::new(),
        stream,
        include_raw_json: command.raw,
    };
    let answer = client.sync().list_quarantine(request).await?.into_inner();
    if global.json {
        return output.json(&json::of("ListQuarantineResponse", &answer)?);
    }
    if answer.records.is_empty() {
        return output.line("every record could be read");
    }
    output.text(page::quarantine(&answer.records, time::now_ms()))
}
