//! Where people are on Lever's own pages.

use maud::{Markup, html};
use proto::v1 as pb;

/// The page of a candidacy in Lever, as `urls.show` of an opportunity has it (data: "Opportunities").
///
/// Each data center has a site of its own; none is known of an account that has a base URL in place of a region.
pub(super) fn person(region: pb::Region, opportunity: &str) -> Option<String> {
    let site = match region {
        pb::Region::Eu => "hire.eu.lever.co",
        pb::Region::Sandbox => "hire.sandbox.lever.co",
        pb::Region::Global => "hire.lever.co",
        pb::Region::Unspecified => return None,
    };
    let id: String = url::form_urlencoded::byte_serialize(opportunity.as_bytes()).collect();
    Some(format!("https://{site}/candidates/{id}"))
}

/// Lever's id of an opportunity, out of what somebody has typed: the id itself, or the address of its page in Lever.
pub(super) fn opportunity(typed: &str) -> &str {
    let typed = typed.trim();
    let Some((_, page)) = typed.split_once("/candidates/") else {
        return typed;
    };
    page.split(['/', '?', '#']).next().unwrap_or(page)
}

/// Whether a text has the shape of an id of Lever's; names and e-mail addresses have not.
pub(super) fn is_id(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    let hex = |letter: char| letter == '-' || letter.is_ascii_hexdigit();
    parts == [8, 4, 4, 4, 12] && text.chars().all(hex)
}

/// A name that leads to the candidacy in Lever, where its page is known.
pub(super) fn named(region: pb::Region, opportunity: &str, name: &str) -> Markup {
    html! {
        @match person(region, opportunity) {
            Some(page) => { a href=(page) rel="noreferrer" { (name) span.unseen { " in Lever" } } },
            None => (name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_by_an_id_or_by_the_address_of_a_page() {
        for typed in [
            " 0a-b ",
            "https://hire.lever.co/candidates/0a-b",
            "https://hire.eu.lever.co/candidates/0a-b?tab=feed#notes",
            "hire.lever.co/candidates/0a-b/activity",
        ] {
            assert_eq!(opportunity(typed), "0a-b", "{typed}");
        }
        assert_eq!(opportunity("  "), "");
    }

    #[test]
    fn an_id_is_told_from_whatever_else_people_type() {
        assert!(is_id("8d49b010-cc6a-4f40-ace5-e86061c677ed"));
        for other in [
            "",
            "ada@example.com",
            "Ada",
            "8d49b010-cc6a-4f40-ace5-e86061c677eg",
            "é",
        ] {
            assert!(!is_id(other), "{other}");
        }
    }

    #[test]
    fn a_person_is_looked_at_in_the_data_center_of_the_account() {
        let of = |region| person(region, "0a/b").unwrap_or_default();
        assert_eq!(
            of(pb::Region::Global),
            "https://hire.lever.co/candidates/0a%2Fb"
        );
        assert!(of(pb::Region::Eu).starts_with("https://hire.eu.lever.co/"));
        assert!(of(pb::Region::Sandbox).starts_with("https://hire.sandbox.lever.co/"));
        let elsewhere = named(pb::Region::Unspecified, "o", "<Ada>");
        assert_eq!(elsewhere.into_string(), "&lt;Ada&gt;");
    }
}
