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
