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

use super::refusal::Refused;
use super::{Console, ROOT};
use crate::wire::status::status;
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

/// Leads on where a list is longer than its page, and back to its beginning; `tokens` are those of this page and of the
/// next one.
fn more(path: &str, tokens: [&str; 2]) -> Markup {
    go_on(path, &[], tokens, "Older")
}

/// The same for a list that was narrowed: what was asked for stays. A token tells where a page begins and not where the
/// one before did, so that the way back leads to the first.
fn go_on(path: &str, asked: &[(&str, &str)], tokens: [&str; 2], label: &str) -> Markup {
    let [here, next] = tokens;
    let on = [asked, &[("after", next)]].concat();
    html! {
        @if !here.is_empty() || !next.is_empty() {
            p {
                @if !here.is_empty() { a.button href=(href(path, asked)) { "First page" } " " }
                @if !next.is_empty() { a.button rel="next" href=(href(path, &on)) { (label) } }
            }
        }
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

/// Refuses a page that asks for what none of `all` is asked for by, which are the values with the words for them.
///
/// # Errors
/// Invalid, with what can be asked for.
fn offered(name: &str, value: &str, all: &[(&str, &str)]) -> Result<(), Refused> {
    if all.iter().any(|(one, _)| *one == value) {
        return Ok(());
    }
    let others = all
        .iter()
        .map(|(one, _)| *one)
        .filter(|one| !one.is_empty());
    let others: Vec<&str> = others.collect();
    let message = format!(
        "in the address of this page, give {}, or leave it out",
        others.join(", ")
    );
    Err(status(engine::Error::invalid(name, message)).into())
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
        let link = |tokens| go_on("/c", &asked, tokens, "More").into_string();
        let first = link(["", "t+/"]);
        let on = "href=\"/c?stage=a+b&amp;after=t%2B%2F\">More<";
        assert!(
            first.contains(on) && !first.contains("First page"),
            "{first}"
        );
        let back = "href=\"/c?stage=a+b\">First page<";
        let middle = link(["s", "t+/"]);
        assert!(middle.contains(on) && middle.contains(back), "{middle}");
        let last = link(["s", ""]);
        assert!(last.contains(back) && !last.contains("More"), "{last}");
        assert_eq!(link(["", ""]), "");
        assert_eq!(href("/c", &[("a", "")]), "/c");
    }
}
