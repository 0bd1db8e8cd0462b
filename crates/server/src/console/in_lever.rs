//! Where people are on Lever's own pages.

use proto::v1 as pb;

/// The page of a candidacy in Lever, as `urls.show` of an opportunity has it (data: "Opportunities").
///
/// Each data center has a site of its own; a server that is none of Lever's names the first one in its records.
pub(super) fn person(region: pb::Region, opportunity: &str) -> String {
    let site = match region {
        pb::Region::Eu => "hire.eu.lever.co",
        pb::Region::Sandbox => "hire.sandbox.lever.co",
        pb::Region::Global | pb::Region::Unspecified => "hire.lever.co",
    };
    let id: String = url::form_urlencoded::byte_serialize(opportunity.as_bytes()).collect();
    format!("https://{site}/candidates/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_looked_at_in_the_data_center_of_the_account() {
        let of = |region| person(region, "0a/b");
        assert_eq!(
            of(pb::Region::Global),
            "https://hire.lever.co/candidates/0a%2Fb"
        );
        assert!(of(pb::Region::Eu).starts_with("https://hire.eu.lever.co/"));
        assert!(of(pb::Region::Sandbox).starts_with("https://hire.sandbox.lever.co/"));
    }
}
