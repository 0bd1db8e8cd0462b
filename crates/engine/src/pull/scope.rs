//! What belongs to the mirror of a connection, and what goes with what.

use domain::absence::LeftOut;
use domain::{Candidacy, Stream};
use store::Deleted;

use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;

/// Whether the settings let an opportunity in; if the mirror has it, its new state must be seen all the same.
pub(crate) async fn keeps(shared: &Shared, link: &Link, candidacy: &Candidacy) -> Result<bool> {
    let now = shared.clock.now();
    let wanted = LeftOut::all(&link.connection(), candidacy, None, now).is_empty();
    Ok(wanted || is_known(shared, link, candidacy).await?)
}

/// Whether the mirror has an opportunity.
pub(crate) async fn is_known(shared: &Shared, link: &Link, candidacy: &Candidacy) -> Result<bool> {
    let store = &shared.store;
    let known = store.candidacy(link.id(), &candidacy.opportunity).await?;
    Ok(known.is_some())
}

/// A deleted opportunity takes its applications with it, and its contact if that has no other opportunity.
pub(crate) async fn with_belongings(
    shared: &Shared,
    link: &Link,
    mut deleted: Vec<Deleted>,
) -> Result<Vec<Deleted>> {
    let store = &shared.store;
    for gone in deleted.clone() {
        let record = store.record(link.id(), gone.stream, &gone.id).await?;
        let document =
            record.and_then(|record| serde_json::from_str::<lever::Opportunity>(&record.raw).ok());
        let Some(document) = document else { continue };
        deleted.extend(document.applications.iter().map(|application| Deleted {
            stream: Stream::Applications,
            id: application.as_str().to_owned(),
            at: gone.at,
        }));
        let Some(contact) = document.contact else {
            continue;
        };
        let others = store.opportunities_of_contact(link.id(), &contact).await?;
        if others.iter().all(|other| other.as_str() == gone.id) {
            deleted.push(Deleted {
                stream: Stream::Contacts,
                id: contact.as_str().to_owned(),
                at: gone.at,
            });
        }
    }
    Ok(deleted)
}
