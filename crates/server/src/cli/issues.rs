//! `fulcrum issues`.

use proto::v1 as pb;

use super::view::{DIM, issues as page, styled, time};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum issues`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Issues {
    #[command(subcommand)]
    command: Option<Command>,
    /// The connection by id, external id or name; without it those of all connections.
    connection: Option<String>,
    /// Also those that are muted or resolved.
    #[arg(long)]
    all: bool,
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

/// What can be done about an issue.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Does not tell of an issue any more, also when it comes back.
    Mute(Named),
    /// Tells of an issue again.
    Unmute(Named),
    /// Says that an issue is done with; it opens again when it shows anew.
    Resolve(Named),
}

/// Which issue.
#[derive(Debug, clap::Args)]
struct Named {
    /// The issue; `fulcrum issues` shows it.
    id: String,
    /// Why; whoever lists issues reads it.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,
}

/// Does what was asked.
pub(super) async fn run(global: &Global, issues: Issues) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let (action, named) = match issues.command {
        None => return list(global, &client, issues).await,
        Some(Command::Mute(named)) => (pb::IssueAction::Mute, named),
        Some(Command::Unmute(named)) => (pb::IssueAction::Unmute, named),
        Some(Command::Resolve(named)) => (pb::IssueAction::Resolve, named),
    };
    act(global, &client, action, named).await
}

async fn list(global: &Global, client: &Client, issues: Issues) -> Result<(), Failure> {
    let connection_id = match issues.connection.as_deref() {
        None => String::new(),
        named => client.connection(named).await?.id,
    };
    let states = if issues.all {
        Vec::new()
    } else {
        vec![pb::IssueState::Open.into()]
    };
    let muted = match issues.all {
        true => 0,
        false => muted(client, &connection_id).await?,
    };
    let request = pb::ListIssuesRequest {
        connection_id,
        states,
        page_size: issues.limit,
        page_token: issues.after,
        ..Default::default()
    };
    let answer = client
        .connections()
        .list_issues(request)
        .await?
        .into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("ListIssuesResponse", &answer)?);
    }
    if answer.issues.is_empty() {
        return output.line(nothing(muted));
    }
    let connections = client.all_connections().await?;
    output.text(page::page(&answer.issues, &connections, time::now_ms()))?;
    if muted > 0 {
        output.line(styled(DIM, &not_shown(muted)))?;
    }
    if answer.next_page_token.is_empty() {
        return Ok(());
    }
    let more = format!("more with --after {}", answer.next_page_token);
    output.line(styled(DIM, &more))
}

/// How many issues are muted, and so go on without being listed; of more than 1,000 that many.
async fn muted(client: &Client, connection_id: &str) -> Result<usize, Failure> {
    let request = pb::ListIssuesRequest {
        connection_id: connection_id.to_owned(),
        states: vec![pb::IssueState::Muted.into()],
        page_size: 1_000,
        ..Default::default()
    };
    let answer = client.connections().list_issues(request).await?;
    Ok(answer.into_inner().issues.len())
}

/// What is said where no issue is listed.
fn nothing(muted: usize) -> String {
    match muted {
        0 => "nothing is wrong that anybody knows of".to_owned(),
        _ => format!(
            "nothing else is wrong that anybody knows of; {}",
            not_shown(muted)
        ),
    }
}

fn not_shown(muted: usize) -> String {
    match muted {
        1 => "1 muted issue is not shown: --all lists it".to_owned(),
        _ => format!("{muted} muted issues are not shown: --all lists them"),
    }
}

async fn act(
    global: &Global,
    client: &Client,
    action: pb::IssueAction,
    named: Named,
) -> Result<(), Failure> {
    let request = pb::UpdateIssueRequest {
        connection_id: connection_of(client, &named.id).await?,
        issue_id: named.id,
        action: action.into(),
        note: named.note,
    };
    let answer = client.connections().update_issue(request).await?;
    let issue = answer.into_inner().issue.unwrap_or_default();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("Issue", &issue)?);
    }
    output.line(page::line(&issue))
}

/// The connection that has an issue of that id.
async fn connection_of(client: &Client, id: &str) -> Result<String, Failure> {
    let mut page_token = String::new();
    loop {
        let request = pb::ListIssuesRequest {
            page_size: 1000,
            page_token,
            ..Default::default()
        };
        let answer = client
            .connections()
            .list_issues(request)
            .await?
            .into_inner();
        let found = answer.issues.into_iter().find(|issue| issue.id == id);
        if let Some(issue) = found {
            return Ok(issue.connection_id);
        }
        if answer.next_page_token.is_empty() {
            return Err(Failure::new(format!(
                "no issue has the id {id}: `fulcrum issues --all` lists them"
            )));
        }
        page_token = answer.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_muted_goes_on_and_is_counted() {
        assert_eq!(nothing(0), "nothing is wrong that anybody knows of");
        let told = "nothing else is wrong that anybody knows of; 1 muted issue is not shown: --all lists it";
        assert_eq!(nothing(1), told);
        assert_eq!(
            not_shown(2),
            "2 muted issues are not shown: --all lists them"
        );
    }
}
