//! `fulcrum token`: at a running service, or in a stopped data directory, which is the way in for the first caller.

use std::io::Write as _;
use std::time::Duration;

use lever::Timestamp;
use proto::v1 as pb;
use secrecy::ExposeSecret as _;

use super::place::Place;
use super::view::time;
use super::{Client, Failure, Global, Output, json};
use crate::auth::Role;
use crate::config::parse_duration;
use crate::tokens::{self, NewToken};
use crate::wire::time::to_timestamp;
use crate::wire::token::{to_pb, to_role};

/// What can be done with tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Creates a token and prints it, once.
    Create(Create),
    /// Lists the tokens that were made.
    List(Place),
    /// Revokes a token: a running service refuses it at once.
    Revoke(Revoke),
}

/// Arguments of `fulcrum token revoke`.
#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The id that `fulcrum token list` shows.
    id: String,
    /// Revoke the last admin token too: afterwards only `fulcrum token create --data` helps.
    #[arg(long)]
    allow_last_admin: bool,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `fulcrum token create`.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    #[command(flatten)]
    place: Place,
    /// What its bearer may do.
    #[arg(long, value_parser = role)]
    role: Role,
    /// A name for people, to tell tokens apart.
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// A connection its bearer may see, by id, external id or name, with --data by id; repeat for more. Without any:
    /// all of them.
    #[arg(long = "connection", value_name = "CONNECTION")]
    connections: Vec<String>,
    /// A further right; repeat for more.
    #[arg(long = "right", value_name = "R", value_parser = ["confidential", "eeo", "act_as_any"])]
    rights: Vec<String>,
    /// How long it is good for, such as 90d. Without it: until revoked.
    #[arg(long, value_parser = ttl)]
    ttl: Option<Duration>,
}

fn role(name: &str) -> Result<Role, String> {
    let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
    Role::from_name(name).ok_or_else(|| format!("the roles are {}", names.join(", ")))
}

fn ttl(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|ttl| !ttl.is_zero())
        .ok_or_else(|| "expected a duration such as 12h or 90d".to_owned())
}

/// Runs one of the commands.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(create) if create.place.is_named() => create_offline(create).await,
        Command::Create(create) => create_online(global, create).await,
        Command::List(place) => list(global, &place).await,
        Command::Revoke(revoke) => {
            let token = match revoke.place.is_named() {
                true => {
                    let settings = revoke.place.settings()?;
                    to_pb(&tokens::revoke(&settings, &revoke.id).await?, None)
                }
                false => revoke_online(global, revoke).await?,
            };
            let mut output = Output::standard();
            match global.json {
                true => output.json(&json::of("Token", &token)?),
                false => output.line(format!("revoked \"{}\"", token.name)),
            }
        }
    }
}

/// Prints the token and nothing else on standard output.
async fn create_offline(create: Create) -> Result<(), Failure> {
    let connections = create.connections.iter().map(|text| {
        let known = text.parse();
        known.map_err(|_| {
            Failure::new(format!(
                "there is no connection {text}: give the id as `fulcrum connections` shows it"
            ))
        })
    });
    let new = NewToken {
        name: create.name,
        role: create.role,
        connections: connections.collect::<Result<_, _>>()?,
        rights: create.rights.into_iter().collect(),
        expires_at: None,
    };
    let settings = create.place.settings()?;
    let dir = settings.store.dir.clone();
    let is_new = !::store::is_store(&dir)?;
    let token = tokens::create(&settings, new, create.ttl).await?;
    if is_new {
        let note = format!(
            "there was no store at {}: a new one was made",
            dir.display()
        );
        writeln!(anstream::stderr(), "{note}")?;
    }
    Output::standard().line(token.expose_secret())
}

/// As [`create_offline`]; what the service has to say beside goes to standard error.
async fn create_online(global: &Global, create: Create) -> Result<(), Failure> {
    let now = Timestamp::from_millis(time::now_ms());
    let expires_at = create.ttl.map(|ttl| now.plus(ttl));
    let client = Client::open(global).await?;
    let mut connection_ids = Vec::new();
    for named in &create.connections {
        connection_ids.push(client.connection(Some(named)).await?.id);
    }
    let request = pb::CreateTokenRequest {
        name: create.name,
        role: to_role(create.role).into(),
        connection_ids,
        rights: create.rights,
        expire_time: expires_at.map(to_timestamp),
    };
    let answer = client.tokens().create_token(request).await?.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("CreateTokenResponse", &answer)?);
    }
    output.line(&answer.secret)?;
    if answer.closed_local_access {
        let note = "this is the first token: from now on every caller needs one";
        writeln!(anstream::stderr(), "{note}")?;
    }
    Ok(())
}

async fn revoke_online(global: &Global, revoke: Revoke) -> Result<pb::Token, Failure> {
    let request = pb::RevokeTokenRequest {
        token_id: revoke.id,
        allow_last_admin: revoke.allow_last_admin,
    };
    let client = Client::open(global).await?;
    let answer = client.tokens().revoke_token(request).await?;
    Ok(answer.into_inner().token.unwrap_or_default())
}

async fn list(global: &Global, place: &Place) -> Result<(), Failure> {
    let tokens = match place.is_named() {
        true => {
            let tokens = tokens::list(&place.settings()?).await?;
            tokens.iter().map(|token| to_pb(token, None)).collect()
        }
        false => all_online(global).await?,
    };
    let mut output = Output::standard();
    if global.json {
        let answer = pb::ListTokensResponse {
            tokens,
            next_page_token: String::new(),
        };
        return output.json(&json::of("ListTokensResponse", &answer)?);
    }
    if tokens.is_empty() {
        return output
            .line("no token exists: callers on this machine need none until the first is made");
    }
    let now = time::now_ms();
    for token in tokens {
        output.line(line(&token, now))?;
    }
    Ok(())
}

async fn all_online(global: &Global) -> Result<Vec<pb::Token>, Failure> {
    let client = Client::open(global).await?;
    let mut tokens = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListTokensRequest {
            page_size: 1_000,
            page_token,
        };
        let page = client.tokens().list_tokens(request).await?.into_inner();
        tokens.extend(page.tokens);
        if page.next_page_token.is_empty() {
            return Ok(tokens);
        }
        page_token = page.next_page_token;
    }
}

/// One token on one line: what it is, never the token itself.
fn line(token: &pb::Token, now_ms: i64) -> String {
    let state = match (&token.revoke_time, &token.expire_time) {
        (Some(_), _) => "revoked".to_owned(),
        (None, Some(at)) if time::millis(at) <= now_ms => "expired".to_owned(),
        (None, Some(at)) => format!("expires {}", time::until(at, now_ms)),
        (None, None) => "valid until revoked".to_owned(),
    };
    let scope = match token.connection_ids.len() {
        0 => "all connections".to_owned(),
        1 => "1 connection".to_owned(),
        count => format!("{count} connections"),
    };
    let rights: String = token
        .rights
        .iter()
        .map(|right| format!("{right}, "))
        .collect();
    let used = match &token.last_use_time {
        Some(at) => format!(", used {}", time::ago(Some(at), now_ms)),
        None => String::new(),
    };
    let role = crate::wire::token::from_role(token.role()).map_or("unknown", Role::name);
    format!(
        "{}  {}...  {role}, {scope}, {rights}{state}{used}  {}",
        token.id, token.prefix, token.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_a_token_is_and_whether_it_is_good() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let token = pb::Token {
            id: "id".to_owned(),
            prefix: "flc_abcd".to_owned(),
            name: "backend".to_owned(),
            role: pb::TokenRole::Product.into(),
            rights: vec!["eeo".to_owned()],
            expire_time: at(7_200),
            last_use_time: at(60),
            ..Default::default()
        };
        assert_eq!(
            line(&token, 3_600_000),
            "id  flc_abcd...  product, all connections, eeo, expires in 1 h, used 59 min ago  backend"
        );
        assert!(line(&token, 7_200_000).contains("expired"));
        let revoked = pb::Token {
            revoke_time: at(1),
            ..token
        };
        assert!(line(&revoked, 0).contains("revoked"));
    }
}
