//! `fulcrum user`.

use proto::v1 as pb;

use super::output::WIDTH;
use super::view::{DIM, counted, styled, time, users as page};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum user`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists every link and every Lever user, with who acts for whom.
    List(List),
    /// Links the e-mail of a product user to a Lever user.
    Link(Link),
    /// Takes a link back.
    Unlink(Unlink),
    /// Tells for whom a write of a product user would be made, and why; nothing is written.
    Test(Test),
}

/// Arguments of `fulcrum user list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
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

/// Arguments of `fulcrum user link`.
#[derive(Debug, clap::Args)]
pub(super) struct Link {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// The e-mail, as the product gives it in acting_user.
    email: String,
    /// Lever's id of the user; `fulcrum user list` shows it.
    lever_user: String,
}

/// Arguments of `fulcrum user unlink`.
#[derive(Debug, clap::Args)]
pub(super) struct Unlink {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// The e-mail that is linked.
    email: String,
}

/// Arguments of `fulcrum user test`.
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// The e-mail, as the product gives it in acting_user.
    email: String,
    /// Lever's id of the opportunity that the write would be about; without it, owners are left out.
    #[arg(
        long,
        value_name = "OPPORTUNITY",
        default_value = "",
        hide_default_value = true
    )]
    about: String,
}

/// Does what was asked.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    match command {
        Command::List(command) => list(global, &client, command).await,
        Command::Link(command) => {
            let connection = command.connection.as_deref();
            update(
                global,
                &client,
                connection,
                command.email,
                command.lever_user,
            )
            .await
        }
        Command::Unlink(command) => {
            let connection = command.connection.as_deref();
            update(global, &client, connection, command.email, String::new()).await
        }
        Command::Test(command) => test(global, &client, command).await,
    }
}

async fn test(global: &Global, client: &Client, command: Test) -> Result<(), Failure> {
    let request = pb::PreviewActingUserRequest {
        connection_id: client.connection(command.connection.as_deref()).await?.id,
        email: command.email,
        opportunity_id: command.about,
    };
    let answer = client.connections().preview_acting_user(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("PreviewActingUserResponse", &answer)?);
    }
    output.line(page::acting(&answer))
}

async fn list(global: &Global, client: &Client, command: List) -> Result<(), Failure> {
    let request = pb::ListUserLinksRequest {
        connection_id: client.connection(command.connection.as_deref()).await?.id,
        page_size: command.limit,
        page_token: command.after,
    };
    let answer = client.connections().list_user_links(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("ListUserLinksResponse", &answer)?);
    }
    if !answer.links.is_empty() {
        output.text(page::table(&answer.links, WIDTH))?;
    }
    let as_of = match &answer.as_of {
        Some(as_of) => format!(", as of {}", time::ago(Some(as_of), time::now_ms())),
        None => ", and Lever's users have not been read yet".to_owned(),
    };
    let users = counted(answer.links.len() as u64, "row");
    output.line(styled(DIM, &format!("{users}{as_of}")))?;
    if answer.next_page_token.is_empty() {
        return Ok(());
    }
    let more = format!("more with --after {}", answer.next_page_token);
    output.line(styled(DIM, &more))
}

async fn update(
    global: &Global,
    client: &Client,
    connection: Option<&str>,
    email: String,
    lever_user_id: String,
) -> Result<(), Failure> {
    let request = pb::UpdateUserLinkRequest {
        connection_id: client.connection(connection).await?.id,
        email,
        lever_user_id,
    };
    let email = request.email.clone();
    let answer = client.connections().update_user_link(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("UpdateUserLinkResponse", &answer)?);
    }
    output.line(match &answer.link {
        Some(link) => page::linked(link),
        None => format!("{email} is linked to nobody"),
    })
}
