//! The pages, and what can be done on them.

mod applicants;
mod calls;
mod connect;
mod connections;
mod duplicates;
mod edit;
mod export;
mod fields;
mod find;
mod guest;
mod inbound;
mod issues;
mod links;
mod operation;
mod operations;
mod overview;
mod permissions;
mod person;
mod privacy;
mod refused;
mod settings;
mod setup;
mod sign_in;
mod sla;
mod stages;
mod stream;
mod sync;
mod typed;
mod users;
mod versions;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{any, get};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Console, ROOT};
pub(super) use refused::framed;
pub(super) use typed::in_words;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .merge(sign_in::routes())
        .merge(connections::routes())
        .merge(connect::routes())
        .merge(links::routes())
        .merge(guest::routes())
        .merge(overview::routes())
        .merge(applicants::routes())
        .merge(sla::routes())
        .merge(duplicates::routes())
        .merge(find::routes())
        .merge(issues::routes())
        .merge(permissions::routes())
        .merge(sync::routes())
        .merge(stream::routes())
        .merge(person::routes())
        .merge(operations::routes())
        .merge(operation::routes())
        .merge(edit::routes())
        .merge(calls::routes())
        .merge(users::routes())
        .merge(inbound::routes())
        .merge(export::routes())
        .merge(privacy::routes())
        .merge(settings::routes())
        .merge(stages::routes())
        .merge(fields::routes())
        .merge(setup::routes())
        .route("/console/", get(|| async { Redirect::to(ROOT) }))
        .route("/console/{*rest}", any(refused::nowhere))
}

/// The page of a list that is asked for, by the token that the one before ended with.
#[derive(Debug, Default, Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

/// Leads on where a list is longer than its page.
fn more(path: &str, next_page_token: &str) -> Markup {
    go_on(path, &[], next_page_token, "Older")
}

/// The same for a list that was narrowed: what was asked for stays.
fn go_on(path: &str, asked: &[(&str, &str)], next_page_token: &str, label: &str) -> Markup {
    let after = [asked, &[("after", next_page_token)]].concat();
    html! {
        @if !next_page_token.is_empty() { p { a.button href=(href(path, &after)) { (label) } } }
    }
}

/// A path with what is asked for there; what is empty is left out.
fn href(path: &str, asked: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish().as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// Views of one list, side by side: each with the value that asks for it. What else was asked for stays.
fn views(
    label: &str,
    path: &str,
    name: &str,
    present: &str,
    asked: &[(&str, &str)],
    all: &[(&str, &str)],
) -> Markup {
    html! {
        nav.views aria-label=(label) {
            @for (value, shown) in all {
                a.button href=(href(path, &[&[(name, *value)], asked].concat())) aria-current=[(*value == present).then_some("page")] { (shown) } " "
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrowed_list_goes_on_narrowed_and_ends_with_its_last_page() {
        let asked = [("stage", "a b"), ("owner", "")];
        let link = go_on("/c", &asked, "t+/", "More").into_string();
        assert!(
            link.contains("href=\"/c?stage=a+b&amp;after=t%2B%2F\""),
            "{link}"
        );
        assert_eq!(go_on("/c", &asked, "", "More").into_string(), "");
        assert_eq!(href("/c", &[("a", "")]), "/c");
    }
}
