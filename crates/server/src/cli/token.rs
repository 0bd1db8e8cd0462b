//! `fulcrum token`: the way in for the first caller, on a stopped data directory.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use store::TokenRecord;

use super::place::Place;
use super::view::time;
use super::{Failure, Output};
use crate::config::parse_duration;
use crate::tokens::{self, NewToken};

/// What can be done with tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Creates a token and prints it, once.
    Create(Create),
    /// Lists the tokens that were made.
    List(Place),
    /// Revokes a token; the service refuses it from its next start on.
    Revoke(Revoke),
}

/// Arguments of `fulcrum token revoke`.
#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The id that `fulcrum token list` shows.
    id: String,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `fulcrum token create`.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    #[command(flatten)]
    place: Place,
    /// What its bearer may do.
    #[arg(long, value_parser = ["admin", "product", "reader", "inbound"])]
    role: String,
    /// A name for people, to tell tokens apart.
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// A connection its bearer may see; repeat for more. Without any: all of them.
    #[arg(long = "connection", value_name = "ID")]
    connections: Vec<String>,
    /// A further right; repeat for more.
    #[arg(long = "right", value_name = "R", value_parser = ["confidential", "eeo", "act_as_any"])]
    rights: Vec<String>,
    /// How long it is good for, such as 90d. Without it: until revoked.
    #[arg(long, value_parser = ttl)]
    ttl: Option<Duration>,
}

fn ttl(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|ttl| !ttl.is_zero())
        .ok_or_else(|| "expected a duration such as 12h or 90d".to_owned())
}

/// Runs one of the commands.
pub(super) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(create) => make(create).await,
        Command::List(place) => list(&place).await,
        Command::Revoke(revoke) => {
            let token = tokens::revoke(&revoke.place.settings()?, &revoke.id).await?;
            Output::standard().line(format!("revoked \"{}\"", token.name))
        }
    }
}

/// Prints the token and nothing else on standard output.
async fn make(create: Create) -> Result<(), Failure> {
    let request = NewToken {
        name: create.name,
        role: create.role,
        connections: create.connections,
        rights: create.rights,
        ttl: create.ttl,
    };
    let token = tokens::create(&create.place.settings()?, request).await?;
    Output::standard().line(token.expose_secret())
}

async fn list(place: &Place) -> Result<(), Failure> {
    let mut output = Output::standard();
    let tokens = tokens::list(&place.settings()?).await?;
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

/// One token on one line: what it is, never the token itself.
fn line(token: &TokenRecord, now_ms: i64) -> String {
    let state = match (token.revoked_at, token.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at.as_millis() <= now_ms => "expired",
        (None, Some(_)) => "valid for a time",
        (None, None) => "valid until revoked",
    };
    let scope = match token.connections.len() {
        0 => "all connections".to_owned(),
        1 => "1 connection".to_owned(),
        count => format!("{count} connections"),
    };
    format!(
        "{}  {}...  {}, {scope}, {state}  {}",
        token.id, token.prefix, token.role, token.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_a_token_is_and_whether_it_is_good() {
        let token = TokenRecord {
            id: "id".to_owned(),
            name: "backend".to_owned(),
            role: "product".to_owned(),
            connections: Vec::new(),
            rights: Vec::new(),
            hash: [0; 32],
            prefix: "flc_abcd".to_owned(),
            created_at: Default::default(),
            expires_at: Some(lever::Timestamp::from_millis(100)),
            revoked_at: None,
        };
        assert_eq!(
            line(&token, 99),
            "id  flc_abcd...  product, all connections, valid for a time  backend"
        );
        assert!(line(&token, 100).contains("expired"));
        let revoked = TokenRecord {
            revoked_at: Some(Default::default()),
            ..token
        };
        assert!(line(&revoked, 0).contains("revoked"));
    }
}
