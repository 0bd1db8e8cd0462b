//! `fulcrum duplicates`.

use proto::v1 as pb;

use super::output::WIDTH;
use super::view::{DIM, counted, duplicates as page, styled, time};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum duplicates`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Duplicates {
    #[command(subcommand)]
    verdict: Option<Verdict>,
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Also pairs that agree only in a telephone number, or a name with an employer.
    #[arg(long)]
    weak: bool,
    /// Also pairs that were told apart.
    #[arg(long)]
    dismissed: bool,
    /// How many to show, 1 to 200.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=200))]
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

/// What can be said of two people.
#[derive(Debug, clap::Subcommand)]
enum Verdict {
    /// Remembers that two people are not the same person; nothing is written to Lever.
    Dismiss(Dismiss),
}

/// Arguments of `fulcrum duplicates dismiss`.
#[derive(Debug, clap::Args)]
struct Dismiss {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// Lever's id of the one.
    contact: String,
    /// Lever's id of the other.
    other: String,
    /// Take it back: they may be the same person after all.
    #[arg(long)]
    undo: bool,
}

/// Does what was asked.
pub(super) async fn run(global: &Global, mut command: Duplicates) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    match command.verdict.take() {
        Some(Verdict::Dismiss(verdict)) => dismiss(global, &client, verdict).await,
        None => list(global, &client, command).await,
    }
}

async fn list(global: &Global, client: &Client, command: Duplicates) -> Result<(), Failure> {
    let request = pb::ListDuplicatesRequest {
        connection_id: client.connection(command.connection.as_deref()).await?.id,
        page_size: command.limit,
        page_token: command.after,
        include_weak: command.weak,
        include_dismissed: command.dismissed,
    };
    let answer = found(client, request).await?;
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("ListDuplicatesResponse", &answer)?);
    }
    let now = time::now_ms();
    if !answer.pairs.is_empty() {
        output.text(page::table(&answer.pairs, now, WIDTH))?;
    }
    for crowd in &answer.crowds {
        output.line(page::crowd(crowd))?;
    }
    let as_of = match &answer.as_of {
        Some(as_of) => format!(", as of {}", time::ago(Some(as_of), now)),
        None => ", and not everybody has been read yet".to_owned(),
    };
    let pairs = counted(answer.pairs.len() as u64, "pair");
    output.line(styled(DIM, &format!("{pairs}{as_of}")))?;
    if answer.next_page_token.is_empty() {
        return Ok(());
    }
    let more = format!("more with --after {}", answer.next_page_token);
    output.line(styled(DIM, &more))
}

/// As many as are asked for: a page ends early where duplicates are rare.
async fn found(
    client: &Client,
    mut request: pb::ListDuplicatesRequest,
) -> Result<pb::ListDuplicatesResponse, Failure> {
    let mut all = pb::ListDuplicatesResponse::default();
    loop {
        let page = client.candidates().list_duplicates(request.clone()).await?;
        let page = page.into_inner();
        let met = page.pairs.len() + page.crowds.len();
        // A page has as many as were asked for at most.
        request.page_size -= i32::try_from(met).unwrap_or(i32::MAX);
        request.page_token.clone_from(&page.next_page_token);
        all = pb::ListDuplicatesResponse {
            pairs: [all.pairs, page.pairs].concat(),
            crowds: [all.crowds, page.crowds].concat(),
            ..page
        };
        if request.page_size <= 0 || request.page_token.is_empty() {
            return Ok(all);
        }
    }
}

async fn dismiss(global: &Global, client: &Client, command: Dismiss) -> Result<(), Failure> {
    let request = pb::DismissDuplicateRequest {
        connection_id: client.connection(command.connection.as_deref()).await?.id,
        contact_id: command.contact,
        other_contact_id: command.other,
        undo: command.undo,
    };
    let answer = client.candidates().dismiss_duplicate(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("DismissDuplicateResponse", &answer)?);
    }
    output.line(match &answer.dismissal {
        Some(dismissal) => page::dismissed(dismissal, time::now_ms()),
        None => "may be one person after all".to_owned(),
    })
}
