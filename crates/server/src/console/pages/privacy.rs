//! Who may see what is delicate, what is kept of it, and for how long (product.md, screen 14).
//!
//! Somebody is forgotten by being deleted or anonymized in Lever; nothing here does that.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use prost_types::Timestamp;
use proto::v1 as pb;
use proto::v1::token_service_server::TokenService as _;

use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::Tab;
use crate::console::refusal::Refused;
use crate::console::words::{count, moment, plain};
use crate::grpc::Api;

/// How long each thing is kept that is no part of the mirror (docs/operating.md).
const KEPT: [(&str, &str); 7] = [
    (
        "What has changed, as it is told to the product",
        "7 days, unless set to less",
    ),
    (
        "Runs, and calls to Lever without what they carried",
        "30 days, unless set otherwise",
    ),
    ("Records that could not be read", "30 days"),
    ("What a settled write carried", "30 days"),
    ("The write itself, without that", "400 days"),
    ("Resolved issues", "90 days"),
    ("All of an account that was disconnected", "14 days"),
];

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/privacy", get(show))
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let tokens = tokens(&desk).await?;
    let now = super::applicants::at(desk.now().as_millis());
    let content = page(&connection, &tokens, &now);
    Ok(desk.at(&connection, Tab::Privacy, content))
}

/// Every token its reader administers.
pub(super) async fn tokens(desk: &Desk) -> Result<Vec<pb::Token>, Refused> {
    let mut tokens = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListTokensRequest {
            page_size: 1_000,
            page_token,
        };
        let rpc = Tab::Privacy.rpc();
        let answer = desk.call(rpc, request, Api::list_tokens).await?;
        tokens.extend(answer.tokens);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(tokens);
        }
    }
}

/// Whether a token works and sees the connection.
pub(super) fn sees(token: &pb::Token, connection: &str, now: &Timestamp) -> bool {
    let ended = token
        .expire_time
        .is_some_and(|at| at.seconds <= now.seconds);
    let named =
        token.connection_ids.is_empty() || token.connection_ids.iter().any(|one| one == connection);
    token.revoke_time.is_none() && !ended && named
}

fn page(connection: &pb::Connection, tokens: &[pb::Token], now: &Timestamp) -> Markup {
    let seeing: Vec<&pb::Token> = tokens
        .iter()
        .filter(|token| sees(token, &connection.id, now))
        .collect();
    let with = |right: &str| {
        let have = seeing.iter().copied();
        have.filter(|token| token.rights.iter().any(|one| one == right))
            .collect::<Vec<_>>()
    };
    html! {
        h1 { "Privacy" }
        p { a href=(Tab::Find.path(&connection.id)) { "Find a person" } " tells where somebody is stored." }
        section.panel {
            h2 { "What is mirrored" }
            (kept(connection))
            p.faint { "What the " a href=(Tab::Settings.path(&connection.id)) { "settings" } " leave out goes from the mirror." }
        }
        section.panel {
            h2 { "Who sees it" }
            @if tokens.is_empty() { p { "There is no token yet: whoever is at the machine of the service sees all of it." } }
            @else {
                p { (count(seeing.len() as u64, "token", "tokens")) " may ask about this account. Of these:" }
                (holders("Confidential people and postings", &with("confidential")))
                (holders("Answers about equal opportunity", &with("eeo")))
            }
        }
        section.panel {
            h2 { "Forgetting somebody" }
            p { "Delete or anonymize the person in Lever. The next pass that finds it, ten minutes later unless that was set otherwise, removes name, addresses, notes and all else that is known here, what was written about them included; only the id is remembered as gone. Backups elsewhere are yours to remove." }
        }
        section.panel {
            h2 { "How long things are kept" }
            dl { @for (what, long) in KEPT { dt { (what) } dd { (long) } } }
            @if connection.purge_time.is_some() { p { "This account is disconnected: its mirror is deleted on " (moment(connection.purge_time.as_ref())) "." } }
        }
    }
}

fn kept(connection: &pb::Connection) -> Markup {
    let keeps = |stream: &str| connection.streams.iter().any(|one| one == stream);
    html! {
        dl {
            dt { "Secret notes" } dd { @if connection.include_secret_notes { "kept" } @else { "not kept" } }
            dt { "Equal opportunity" } dd { @if keeps("eeo_responses") { "kept, for tokens with the right to it" } @else { "not kept" } }
            dt { "History" } dd { @if connection.sync_start_time.is_some() { "from " (moment(connection.sync_start_time.as_ref())) } @else { "all of it" } }
            dt { "Archived people" } dd { @if connection.include_archived() { "kept" } @else { "not kept" } }
            dt { "Fields left out" } dd {
                @if connection.excluded_fields.is_empty() { "none" }
                @else { ul { @for field in &connection.excluded_fields { li { code { (field) } } } } }
            }
        }
    }
}

fn holders(what: &str, tokens: &[&pb::Token]) -> Markup {
    html! {
        h3 { (what) }
        @if tokens.is_empty() { p { "Nobody." } }
        @else {
            ul {
                @for token in tokens {
                    li {
                        (token.name) " " span.faint { "(" (plain(token.role().as_str_name(), "TOKEN_ROLE")) ", " code { (token.prefix) "…" } ")" }
                        ", last used " (moment(token.last_use_time.as_ref()))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str, rights: &[&str], connections: &[&str]) -> pb::Token {
        pb::Token {
            name: name.to_owned(),
            rights: rights.iter().map(|&right| right.to_owned()).collect(),
            connection_ids: connections.iter().map(|&id| id.to_owned()).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn whoever_may_see_what_is_confidential_is_named_and_nobody_else() {
        let now = Timestamp {
            seconds: 100,
            nanos: 0,
        };
        let tokens = [
            token("sees", &["confidential"], &[]),
            token("elsewhere", &["confidential"], &["c2"]),
            pb::Token {
                revoke_time: Some(now),
                ..token("revoked", &["confidential"], &[])
            },
            pb::Token {
                expire_time: Some(now),
                ..token("expired", &["confidential", "eeo"], &["c1"])
            },
            token("plain", &[], &["c1"]),
        ];
        let connection = pb::Connection {
            id: "c1".to_owned(),
            excluded_fields: vec!["opportunities.phones".to_owned()],
            ..Default::default()
        };
        let text = page(&connection, &tokens, &now).into_string();
        assert!(text.contains("2 tokens may ask") && text.contains("<li>sees"));
        for hidden in ["elsewhere", "revoked", "expired", "plain"] {
            assert!(!text.contains(&format!("<li>{hidden}")), "{hidden}");
        }
        let open = page(&connection, &[], &now).into_string();
        assert!(open.contains("whoever is at the machine"));
        assert!(text.contains("opportunities.phones") && text.contains("<p>Nobody.</p>"));
    }
}
