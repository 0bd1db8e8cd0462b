//! `fulcrum inbound`.

use proto::v1 as pb;
use tokio_stream::StreamExt as _;

use super::output::WIDTH;
use super::view::applicants::{self, Detail};
use super::view::{DIM, counted, grouped, styled, time};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum inbound`.
#[derive(Debug, clap::Args)]
pub(super) struct Inbound {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Only this Lever stage; repeat for more.
    #[arg(long = "stage", value_name = "ID")]
    stages: Vec<String>,
    /// Those who wait longest come first.
    #[arg(long)]
    oldest_first: bool,
    /// How many to show, 1 to 1,000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    limit: i32,
    /// Show the ids that writes take instead of job and waiting time.
    #[arg(long)]
    ids: bool,
    /// Then tell who comes, changes and goes, until interrupted or the service goes away.
    #[arg(long)]
    watch: bool,
}

/// Lists inbound applicants.
pub(super) async fn run(global: &Global, command: Inbound) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let order = if command.oldest_first {
        pb::ApplicantOrder::OldestFirst
    } else {
        pb::ApplicantOrder::NewestFirst
    };
    let request = pb::ListApplicantsRequest {
        connection_id: connection.id.clone(),
        page_size: command.limit,
        stage_ids: command.stages.clone(),
        order: order.into(),
        ..Default::default()
    };
    let page = client
        .inbound()
        .list_applicants(request)
        .await?
        .into_inner();
    let mut output = Output::standard();
    if !global.json {
        let now = time::now_ms();
        let detail = if command.ids {
            Detail::Ids
        } else {
            Detail::Job
        };
        output.text(applicants::table(&page.applicants, detail, now, WIDTH))?;
        output.line(styled(DIM, &footer(&page, now)))?;
    } else if !command.watch {
        return output.json(&json::of("ListApplicantsResponse", &page)?);
    } else {
        output.line(json::of("ListApplicantsResponse", &page)?.to_string())?;
    }
    if !command.watch {
        return Ok(());
    }
    let request = pb::WatchApplicantsRequest {
        connection_id: connection.id,
        resume_token: page.watch_token,
        stage_ids: command.stages,
    };
    watch(global, &client, request, &mut output).await
}

/// Each event is a line, or each answer a JSON document on one.
async fn watch(
    global: &Global,
    client: &Client,
    request: pb::WatchApplicantsRequest,
    output: &mut Output,
) -> Result<(), Failure> {
    let answers = client.inbound().watch_applicants(request).await?;
    let mut answers = answers.into_inner();
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        if global.json {
            output.line(json::of("WatchApplicantsResponse", &answer)?.to_string())?;
            continue;
        }
        let now = time::now_ms();
        for event in &answer.events {
            output.line(applicants::event(event, now))?;
        }
    }
    Ok(())
}

fn footer(page: &pb::ListApplicantsResponse, now_ms: i64) -> String {
    let shown = page.applicants.len() as u64;
    let more = page.total_size.saturating_sub(shown);
    let more = if more > 0 {
        format!(", {} more", grouped(more))
    } else {
        String::new()
    };
    let as_of = match &page.as_of {
        Some(as_of) => format!(", as of {}", time::ago(Some(as_of), now_ms)),
        None => ", the first walk is still under way".to_owned(),
    };
    format!("{}{more}{as_of}", counted(shown, "applicant"))
}
