//! Finding an application again: by the person's address, the posting and its time.

use std::collections::HashSet;

use crate::access::Confidential;
use domain::Timestamp;
use domain::operation::RawWrite;
use lever::{Application, ConfidentialityFilter, ErrorKind, ListOpportunities, OpportunityExpand};
use serde::Deserialize;

use super::{Reads, pages};
use crate::error::Result;
use crate::link::Link;
use crate::push::turn::applicant;

/// Lever's id of the application that a call has made since then.
pub(super) async fn find(
    link: &Link,
    call: &RawWrite,
    since: Timestamp,
    others: &HashSet<String>,
    reads: &mut Reads<'_>,
) -> Result<Option<String>> {
    let (Some(email), Some(posting)) = (applicant(call), call.path.get("posting")) else {
        return Ok(None);
    };
    let known = link.access.present().confidential;
    let is_ours = |application: &Application| {
        !others.contains(application.id.as_str()) && is_for(application, posting, since)
    };
    if known == Confidential::Denied {
        return Ok(first(link, &email, None, is_ours, reads).await?);
    }
    let all = Some(ConfidentialityFilter::All);
    match first(link, &email, all, is_ours, reads).await {
        // Such a key can apply to no confidential posting either.
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden { .. }) => {
            Ok(first(link, &email, None, is_ours, reads).await?)
        }
        found => Ok(found?),
    }
}

/// Lever's id of the first application like this of anybody with the address.
async fn first(
    link: &Link,
    email: &str,
    confidentiality: Option<ConfidentialityFilter>,
    like: impl Fn(&Application) -> bool,
    reads: &mut Reads<'_>,
) -> Result<Option<String>, lever::Error> {
    let list = ListOpportunities {
        email: Some(email.to_owned()),
        expand: vec![OpportunityExpand::Applications],
        confidentiality,
        limit: Some(100),
        ..ListOpportunities::default()
    };
    let mut pages = pages(link, &list);
    while let Some(page) = reads.page::<ListOpportunities>(&mut pages).await {
        let people = page?.records.into_iter().flatten();
        let applications = people.flat_map(|person| applications(person.raw.get()));
        if let Some(found) = applications.into_iter().find(|one| like(one)) {
            return Ok(Some(found.id.as_str().to_owned()));
        }
    }
    Ok(None)
}

/// The applications that an opportunity comes with.
fn applications(opportunity: &str) -> Vec<Application> {
    #[derive(Deserialize)]
    struct Expanded {
        applications: Vec<serde_json::Value>,
    }
    let expanded: Option<Expanded> = serde_json::from_str(opportunity).ok();
    let applications = expanded.map(|it| it.applications).unwrap_or_default();
    let read = |one| serde_json::from_value(one).ok();
    applications.into_iter().filter_map(read).collect()
}

fn is_for(application: &Application, posting: &str, since: Timestamp) -> bool {
    let found = application.posting.as_ref();
    found.is_some_and(|found| found.as_str() == posting)
        && application.created_at.is_some_and(|at| at >= since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_known_by_its_posting_and_its_time() {
        let person = r#"{"id": "o", "applications": [
            {"id": "a", "posting": "p", "createdAt": 2000}, "b", {"id": "c", "posting": "p", "createdAt": 1999},
            {"id": "d", "posting": "q", "createdAt": 2000}, {"id": "e", "createdAt": 2000}
        ]}"#;
        let at = Timestamp::from_millis(2000);
        let found = applications(person);
        assert_eq!(found.len(), 4);
        let ours = found.iter().filter(|one| is_for(one, "p", at));
        let ours: Vec<_> = ours.map(|one| one.id.as_str()).collect();
        assert_eq!(ours, ["a"]);
        assert!(applications(r#"{"id": "o", "applications": ["a"]}"#).is_empty());
    }
}
