//! Looking for a person before they are exported: in the mirror, and by address in Lever itself, since the mirror may
//! be behind or begin late.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;

use domain::export::Asked;
use domain::export::guard::{Known, Person};
use domain::field_mapping::{Record, Records, Scope};
use domain::identity::{IdentityKey, Strength};
use domain::operation::Attempt;
use domain::{Candidacy, Stream};
use futures::StreamExt as _;
use lever::{
    ArchiveReasonId, Client, ConfidentialityFilter, ContactId, Endpoint as _, GetOpportunity, Lane,
    ListOpportunities, OpportunityExpand, OpportunityId, ReasonKind,
};
use serde_json::Value;
use store::Sought;

use crate::engine::Shared;
use crate::error::Error;
use crate::link::Link;
use crate::mapping;
use crate::pull::incoming_opportunity;
use crate::push::plan::{self, PlannedCall};
use crate::push::send;

/// Why somebody could not be looked for.
pub(in crate::push) enum Trouble {
    Lever(Box<lever::Error>),
    Ours(Error),
}

impl From<lever::Error> for Trouble {
    fn from(error: lever::Error) -> Trouble {
        Trouble::Lever(Box::new(error))
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Ours(error)
    }
}

impl From<store::Error> for Trouble {
    fn from(error: store::Error) -> Trouble {
        Trouble::Ours(error.into())
    }
}

/// What Lever has now of somebody who is updated.
pub(in crate::push) struct Present {
    pub(in crate::push) opportunity: OpportunityId,
    pub(in crate::push) contact: Option<ContactId>,
    pub(in crate::push) records: Records,
    pub(in crate::push) sources: Vec<String>,
}

/// A look for one person, with the calls it made.
pub(in crate::push) struct Search<'a> {
    shared: &'a Shared,
    link: &'a Link,
    client: Client,
    asked: &'a Asked,
    pub(in crate::push) calls: Vec<PlannedCall>,
    pub(in crate::push) attempts: Vec<Attempt>,
}

impl<'a> Search<'a> {
    pub(in crate::push) fn new(shared: &'a Shared, link: &'a Link, asked: &'a Asked) -> Self {
        let client = link.client(Lane::Interactive);
        Search {
            shared,
            link,
            client: client.with_limits(shared.clients.single_try()),
            asked,
            calls: Vec::new(),
            attempts: Vec::new(),
        }
    }

    /// Whom the export may be about, in the order of what they are recognized by (product.md 5.3).
    pub(in crate::push) async fn people(&mut self) -> Result<Vec<Person>, Trouble> {
        let id = self.link.id();
        if !self.shared.store.identities_complete().await? {
            return Err(Error::unavailable("the index of people is being made").into());
        }
        let keys: Vec<_> = self.asked.profile.identity().keys().into_iter().collect();
        let sought = Sought {
            keys: keys.clone(),
            contacts: self.asked.contact.iter().cloned().collect(),
        };
        let found = self.shared.store.find_people(id, sought).await?;
        let contact = self.asked.contact.as_ref();
        let contact = contact.map(|asked| found.merged.get(asked).unwrap_or(asked).clone());
        let mut rows = Rows {
            by_key: keys.into_iter().zip(found.by_key).collect(),
            candidacies: found.candidacies,
            hired: self.hired().await?,
        };
        self.ask_lever(&mut rows).await?;
        if !self.asked.confidential {
            rows.candidacies.retain(|_, row| !row.confidential);
        }
        Ok(rows.people(contact))
    }

    /// Asks Lever for everybody with one of the addresses, archived or not.
    async fn ask_lever(&mut self, rows: &mut Rows) -> Result<(), Trouble> {
        let keys = self.asked.profile.identity().keys().into_iter();
        for key in keys {
            let IdentityKey::Email(address) = &key else {
                continue;
            };
            let list = ListOpportunities {
                email: Some(address.clone()),
                expand: vec![OpportunityExpand::Applications, OpportunityExpand::Contact],
                confidentiality: self
                    .asked
                    .confidential
                    .then_some(ConfidentialityFilter::All),
                limit: Some(100),
                ..ListOpportunities::default()
            };
            self.calls.push(plan::call(&list));
            for candidacy in self.listed(&list).await? {
                let of_key = rows.by_key.entry(key.clone()).or_default();
                if !of_key.contains(&candidacy.opportunity) {
                    of_key.push(candidacy.opportunity.clone());
                }
                rows.candidacies
                    .insert(candidacy.opportunity.clone(), candidacy);
            }
        }
        Ok(())
    }

    async fn listed(&mut self, list: &ListOpportunities) -> Result<Vec<Candidacy>, Trouble> {
        let (connection, now) = (self.link.connection(), self.shared.clock.now());
        let client = self.client.clone();
        let mut pages = pin!(client.pages(list));
        let mut found = Vec::new();
        loop {
            let at = self.shared.clock.now();
            let Some(page) = pages.next().await else {
                return Ok(found);
            };
            self.note(ListOpportunities::OPERATION.id, at, &page);
            // One that cannot be read cannot be compared either.
            for record in page?.value.records.into_iter().flatten() {
                let content = incoming_opportunity(&connection, &record.raw, now);
                let incoming = content.map(|content| content.records).unwrap_or_default();
                found.extend(incoming.into_iter().filter_map(|one| one.candidacy));
            }
        }
    }

    /// What Lever has of an opportunity now; none if it is gone.
    pub(in crate::push) async fn present(
        &mut self,
        opportunity: &OpportunityId,
    ) -> Result<Option<Present>, Trouble> {
        let read = send::fresh_read(opportunity);
        self.calls.push(plan::call(&read));
        let at = self.shared.clock.now();
        let answer = self.client.answer(&read).await;
        self.note(GetOpportunity::OPERATION.id, at, &answer);
        let record = match answer {
            Err(error) if matches!(error.kind(), lever::ErrorKind::NotFound) => return Ok(None),
            answer => answer?.value,
        };
        let lifted = lever::expand::lift(&record.raw).map_err(Error::internal)?;
        let contact = record.value.contact.clone();
        let id = opportunity.as_str();
        let person = lifted.contact.and_then(Result::ok);
        let person = person.and_then(|raw| {
            let id = contact.as_ref()?.as_str();
            Record::read(Stream::Contacts, id, None, raw.get())
        });
        let own = Record::read(
            Stream::Opportunities,
            id,
            Some(id),
            lifted.opportunity.get(),
        );
        Ok(Some(Present {
            opportunity: opportunity.clone(),
            contact,
            sources: record.value.sources,
            records: Records::new(Scope::Person, own.into_iter().chain(person).collect()),
        }))
    }

    async fn hired(&self) -> Result<BTreeSet<ArchiveReasonId>, Trouble> {
        let reasons = mapping::archive_reasons(self.shared, self.link.id()).await?;
        let hired = reasons
            .into_iter()
            .filter(|reason| reason.kind == ReasonKind::Hired);
        Ok(hired.map(|reason| reason.id).collect())
    }

    fn note<T>(
        &mut self,
        operation: &str,
        at: lever::Timestamp,
        answer: &Result<lever::Answer<T>, lever::Error>,
    ) {
        self.attempts
            .extend(send::attempt(operation, at, 0, answer));
    }
}

/// Candidacies, and who has which key.
struct Rows {
    by_key: BTreeMap<IdentityKey, Vec<OpportunityId>>,
    candidacies: HashMap<OpportunityId, Candidacy>,
    hired: BTreeSet<ArchiveReasonId>,
}

impl Rows {
    fn people(&self, contact: Option<ContactId>) -> Vec<Person> {
        let mut people: Vec<Person> = Vec::new();
        if let Some(contact) = contact {
            let candidacies = self.of_contact(&contact);
            if !candidacies.is_empty() {
                people.push(Person {
                    contact: Some(contact),
                    by: "contact_id",
                    strength: Strength::Strong,
                    candidacies,
                });
            }
        }
        for (key, opportunities) in &self.by_key {
            for row in opportunities
                .iter()
                .filter_map(|id| self.candidacies.get(id))
            {
                let met = |person: &Person| match &row.contact {
                    Some(contact) => person.contact.as_ref() == Some(contact),
                    None => person
                        .candidacies
                        .iter()
                        .any(|one| one.candidacy.opportunity == row.opportunity),
                };
                if people.iter().any(met) {
                    continue;
                }
                people.push(Person {
                    contact: row.contact.clone(),
                    by: key.kind(),
                    strength: key.strength(),
                    candidacies: match &row.contact {
                        Some(contact) => self.of_contact(contact),
                        None => vec![self.known(row)],
                    },
                });
            }
        }
        people
    }

    fn of_contact(&self, contact: &ContactId) -> Vec<Known> {
        let rows = self.candidacies.values();
        let mut rows: Vec<_> = rows
            .filter(|row| row.contact.as_ref() == Some(contact))
            .collect();
        rows.sort_by(|a, b| a.opportunity.cmp(&b.opportunity));
        rows.into_iter().map(|row| self.known(row)).collect()
    }

    fn known(&self, row: &Candidacy) -> Known {
        let reason = row
            .archived
            .as_ref()
            .and_then(|ended| ended.reason.as_ref());
        Known {
            hired: reason.is_some_and(|reason| self.hired.contains(reason)),
            candidacy: row.clone(),
        }
    }
}

/// The texts of a list in a document.
pub(in crate::push) fn texts(document: &Value, key: &str) -> Vec<String> {
    let values = document.get(key).and_then(Value::as_array);
    let texts = values.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}
