//! The pages, and what can be done on them.

mod calls;
mod connect;
mod connections;
mod guest;
mod issues;
mod links;
mod operations;
mod overview;
mod permissions;
mod settings;
mod setup;
mod sign_in;
mod sync;
mod users;

use axum::Router;
use maud::{Markup, html};
use serde::Deserialize;

use super::Console;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .merge(sign_in::routes())
        .merge(connections::routes())
        .merge(connect::routes())
        .merge(links::routes())
        .merge(guest::routes())
        .merge(overview::routes())
        .merge(issues::routes())
        .merge(permissions::routes())
        .merge(sync::routes())
        .merge(operations::routes())
        .merge(calls::routes())
        .merge(users::routes())
        .merge(settings::routes())
        .merge(setup::routes())
}

/// The page of a list that is asked for, by the token that the one before ended with.
#[derive(Debug, Default, Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

/// Leads on where a list is longer than its page.
fn more(path: &str, next_page_token: &str) -> Markup {
    html! {
        @if !next_page_token.is_empty() {
            @let after: String = url::form_urlencoded::byte_serialize(next_page_token.as_bytes()).collect();
            p { a.button href={ (path) "?after=" (after) } { "Older" } }
        }
    }
}
