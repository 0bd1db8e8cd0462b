//! `fulcrum op`: what was written to Lever.

use proto::v1 as pb;

use super::view::{operation as page, time};
use super::{Client, Failure, Global, Output, json};

/// What can be asked about operations.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists operations, newest first.
    List(List),
    /// Shows one operation with the calls made to Lever.
    Show(Show),
    /// Withdraws an operation that waits or is held, or closes one that failed or is uncertain; of a bulk, its items that
    /// wait or are uncertain.
    Cancel(Show),
    /// Puts a held operation in line now; of a bulk, its items.
    Release(Show),
    /// Tries an operation again that failed or is uncertain; of a bulk, its items.
    Retry(Show),
}

/// Arguments of `fulcrum op list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Only those of this opportunity.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    opportunity: String,
    /// How many to show, 1 to 1,000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    limit: i32,
}

/// Arguments of `fulcrum op show`.
#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
pub(super) struct Show {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// The operation.
    #[arg(required = true)]
    id: String,
}

/// What is easily mixed up where there are two names.
const ORDER: &str = "the connection is named before the operation: `fulcrum op show CONNECTION ID`";

/// Does what was asked.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    match command {
        Command::List(command) => list(global, &client, command).await,
        Command::Show(command) => show(global, &client, command).await,
        Command::Cancel(named) => {
            let (connection_id, operation_id) = named.ids(&client).await?;
            let request = pb::CancelOperationRequest {
                connection_id,
                operation_id,
            };
            let answer = client.operations().cancel_operation(request).await?;
            page_of(global, answer.into_inner().operation)
        }
        Command::Release(named) => {
            let (connection_id, operation_id) = named.ids(&client).await?;
            let request = pb::ReleaseOperationRequest {
                connection_id,
                operation_id,
            };
            let answer = client.operations().release_operation(request).await?;
            page_of(global, answer.into_inner().operation)
        }
        Command::Retry(named) => {
            let (connection_id, operation_id) = named.ids(&client).await?;
            let request = pb::RetryOperationRequest {
                connection_id,
                operation_id,
            };
            let answer = client.operations().retry_operation(request).await?;
            page_of(global, answer.into_inner().operation)
        }
    }
}

async fn list(global: &Global, client: &Client, command: List) -> Result<(), Failure> {
    let request = pb::ListOperationsRequest {
        connection_id: client.connection(command.connection.as_deref()).await?.id,
        opportunity_id: command.opportunity,
        page_size: command.limit,
        ..Default::default()
    };
    let page = client
        .operations()
        .list_operations(request)
        .await?
        .into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("ListOperationsResponse", &page)?);
    }
    if page.operations.is_empty() {
        return output.line("nothing has been written yet");
    }
    output.text(page::table(&page.operations, time::now_ms()))
}

impl Show {
    /// The ids of the connection and the operation.
    async fn ids(self, client: &Client) -> Result<(String, String), Failure> {
        let named = self.connection.as_deref();
        let connection = client
            .connection(named)
            .await
            .map_err(|failure| match named {
                Some(_) => failure.with(ORDER),
                None => failure,
            })?;
        Ok((connection.id, self.id))
    }
}

async fn show(global: &Global, client: &Client, command: Show) -> Result<(), Failure> {
    let (connection_id, operation_id) = command.ids(client).await?;
    let request = pb::GetOperationRequest {
        connection_id,
        operation_id,
    };
    let answer = client.operations().get_operation(request).await?;
    page_of(global, answer.into_inner().operation)
}

fn page_of(global: &Global, operation: Option<pb::Operation>) -> Result<(), Failure> {
    let operation = operation.unwrap_or_default();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("Operation", &operation)?);
    }
    output.text(page::page(&operation, time::now_ms()))
}
