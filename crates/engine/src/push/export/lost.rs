//! Finding an opportunity whose making got no answer (reliability.md 6).

use std::collections::BTreeSet;

use domain::export::{Made, NewOpportunity};
use domain::identity::IdentityKey;
use domain::link::Link as WebLink;
use domain::operation::{Event, State};
use domain::{Operation, Timestamp, Write};
use lever::{
    Application, ConfidentialityFilter, ListOpportunities, Opportunity, OpportunityExpand,
    OpportunityId, PostingId,
};

use crate::access::Confidential;
use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::push::reconcile::{CLOCKS_DIFFER, Reads, missing_permission, pages, told};

/// Reads Lever back once; tells nothing where the key is in a pause after a 429.
pub(in crate::push) async fn look(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
    new: &NewOpportunity,
    reads: &mut Reads<'_>,
) -> Option<Event> {
    let State::Reconciling { sent, .. } = operation.state else {
        return None;
    };
    let since = link.lever_time(sent).minus(CLOCKS_DIFFER);
    let denied = link.access.hides() || link.access.present().confidential == Confidential::Denied;
    let all = (!denied).then_some(ConfidentialityFilter::All);
    let found = match find(shared, link, operation, new, since, all, reads).await {
        // Such a key makes nobody confidential either.
        Err(error) if !denied && missing_permission(&error).is_some() => {
            find(shared, link, operation, new, since, None, reads).await
        }
        found => found,
    };
    told(link, operation, found.map(|made| made.map(Event::Made)))
}

async fn find(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
    new: &NewOpportunity,
    since: Timestamp,
    confidentiality: Option<ConfidentialityFilter>,
    reads: &mut Reads<'_>,
) -> Result<Option<Made>> {
    for list in lists(confidentiality, new, since) {
        let mut pages = pages(link, &list);
        while let Some(page) = reads.page::<ListOpportunities>(&mut pages).await {
            for record in page?.records.into_iter().flatten() {
                let lifted = lever::expand::lift(&record.raw).map_err(crate::Error::internal)?;
                let applications = lifted.applications.into_iter().flatten();
                let posting = applications
                    .filter_map(|raw| serde_json::from_str::<Application>(raw.get()).ok())
                    .find_map(|application| application.posting);
                let found = &record.value;
                if is_ours(new, found, posting.as_ref(), since)
                    && !of_another(shared, operation, &found.id).await?
                {
                    return Ok(Some(Made {
                        opportunity: found.id.clone(),
                        contact: found.contact.clone(),
                        deduped: None,
                    }));
                }
            }
        }
    }
    Ok(None)
}

/// What to read: all that the person has whom Lever knows, or that people of each address have; of somebody without
/// either, all that was made since.
fn lists(
    confidentiality: Option<ConfidentialityFilter>,
    new: &NewOpportunity,
    since: Timestamp,
) -> Vec<ListOpportunities> {
    let list = ListOpportunities {
        expand: vec![OpportunityExpand::Applications],
        confidentiality,
        limit: Some(100),
        ..ListOpportunities::default()
    };
    if let Some(contact) = &new.contact {
        return vec![ListOpportunities {
            contact_id: vec![contact.clone()],
            ..list
        }];
    }
    if new.emails.is_empty() {
        return vec![ListOpportunities {
            created_at_start: Some(since),
            ..list
        }];
    }
    let of = |email: &String| ListOpportunities {
        email: Some(email.clone()),
        ..list.clone()
    };
    new.emails.iter().map(of).collect()
}

/// Whether an opportunity can only be the one that was asked for: made since, for the same posting, and of the person
/// with our link, one of the addresses, or, where neither is given, the name.
fn is_ours(
    new: &NewOpportunity,
    found: &Opportunity,
    posting: Option<&PostingId>,
    since: Timestamp,
) -> bool {
    let links = |links: &[String]| -> BTreeSet<String> {
        let links = links.iter().filter_map(|raw| WebLink::classify(raw, &[]));
        links.filter_map(|link| link.canonical).collect()
    };
    let keys = |emails: &[String]| -> BTreeSet<IdentityKey> {
        let keys = emails.iter().filter_map(|email| IdentityKey::email(email));
        keys.collect()
    };
    let (ours, theirs) = (links(&new.links), links(&found.links));
    let same_person = match (new.emails.is_empty(), ours.is_empty()) {
        (false, _) => !keys(&new.emails).is_disjoint(&keys(&found.emails)),
        (true, false) => !ours.is_disjoint(&theirs),
        (true, true) => new.name.is_some() && new.name == found.name,
    };
    let same_contact = match &new.contact {
        Some(contact) => found.contact.as_ref() == Some(contact),
        None => same_person,
    };
    same_contact
        && posting == new.posting.as_ref()
        && found.created_at.is_some_and(|at| at >= since)
}

/// Whether another operation has made it.
async fn of_another(shared: &Shared, operation: &Operation, found: &OpportunityId) -> Result<bool> {
    let store = &shared.store;
    let about = store
        .operations(operation.connection, Some(found), None, usize::MAX)
        .await?;
    let is_it = |result: Option<&str>| result == Some(found.as_str());
    // One that has only added to it has it for its result, too.
    let made = |other: &Operation| match other.write {
        Write::Export(_) => other.steps.iter().any(|step| {
            let creates = matches!(step.write, Write::CreateOpportunity(_));
            creates && is_it(step.result_id.as_deref())
        }),
        _ => is_it(other.result_id.as_deref()),
    };
    let others = about.iter().filter(|other| other.id != operation.id);
    Ok(others.into_iter().any(made))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ours(new: &NewOpportunity, found: Value, posting: Option<&str>) -> bool {
        let found: Opportunity = serde_json::from_value(found).unwrap();
        let posting = posting.map(PostingId::from);
        is_ours(new, &found, posting.as_ref(), Timestamp::from_millis(2000))
    }

    #[test]
    fn address_posting_and_time_tell_the_one_that_was_made() {
        let new = NewOpportunity {
            emails: vec!["Ada@example.com".to_owned()],
            posting: Some("p".into()),
            ..NewOpportunity::default()
        };
        let made = json!({"id": "o", "createdAt": 2000, "emails": ["ada@example.com"]});
        assert!(ours(&new, made.clone(), Some("p")));
        assert!(!ours(&new, made.clone(), Some("other")));
        assert!(!ours(&new, made.clone(), None));
        for (field, other) in [
            ("createdAt", json!(1999)),
            ("createdAt", json!(null)),
            ("emails", json!(["grace@example.com"])),
        ] {
            let mut made = made.clone();
            made[field] = other.clone();
            assert!(!ours(&new, made, Some("p")), "{field}: {other}");
        }
    }

    #[test]
    fn who_is_known_to_lever_is_looked_for_by_that_and_others_by_address_or_time() {
        let since = Timestamp::from_millis(2000);
        let mut new = NewOpportunity {
            contact: Some("c".into()),
            emails: vec!["ada@example.com".to_owned()],
            ..NewOpportunity::default()
        };
        let asks = |new: &NewOpportunity| {
            let lists = lists(None, new, since).into_iter();
            let asks = lists.map(|list| (list.contact_id, list.email, list.created_at_start));
            asks.collect::<Vec<_>>()
        };
        assert_eq!(asks(&new), [(vec!["c".into()], None, None)]);
        new.contact = None;
        let email = Some("ada@example.com".to_owned());
        assert_eq!(asks(&new), [(Vec::new(), email, None)]);
        new.emails.clear();
        assert_eq!(asks(&new), [(Vec::new(), None, Some(since))]);
    }

    #[test]
    fn who_has_no_address_is_known_by_our_link_or_else_the_name() {
        let mut new = NewOpportunity {
            name: Some("Ada".to_owned()),
            links: vec!["https://app.example.com/p/1".to_owned()],
            ..NewOpportunity::default()
        };
        let made = json!({"id": "o", "createdAt": 2000, "name": "Ada", "links": ["http://app.example.com/p/1/"]});
        assert!(ours(&new, made.clone(), None));
        new.links = vec!["https://app.example.com/p/2".to_owned()];
        assert!(!ours(&new, made.clone(), None));
        new.links.clear();
        assert!(ours(&new, made.clone(), None));
        new.contact = Some("c".into());
        assert!(!ours(&new, made, None));
    }
}
