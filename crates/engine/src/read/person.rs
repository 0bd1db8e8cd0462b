//! All records of one person in the mirror, as a caller may see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::field_mapping::{Record, Records, Scope, Unread};
use domain::operation::Write;
use domain::{Listing, Parent, Stream, Timestamp};
use lever::{ContactId, OpportunityId};
use serde_json::Value;
use store::{ListingState, StoredRecord, StreamState, Tombstones};

use super::mirror::{applications, from_stored, kept, not_refused, readable};
use super::visible::Sight;
use crate::error::{Error, Result};
use crate::status;

/// A person has so many candidacies in one account, at most; further ones are left out.
const MOST_OPPORTUNITIES: usize = 200;

/// So many records of one kind are read below an opportunity.
const MOST_BELOW: usize = 1_000;

/// Who is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// The person, with all candidacies.
    Contact(ContactId),
    /// One candidacy of a person.
    Opportunity(OpportunityId),
}

/// The records of a person that a caller may see.
#[derive(Debug)]
pub(crate) struct Person {
    /// The person.
    pub(crate) contact: Option<ContactId>,
    /// The candidacies that were read, in the order of their ids.
    pub(crate) opportunities: Vec<OpportunityId>,
    /// What is in them and below.
    pub(crate) records: Records,
    /// The start of the oldest last-complete pass they rest on.
    pub(crate) as_of: Option<Timestamp>,
}

/// Reads the records of these streams; opportunities and the contact are always read.
///
/// # Errors
/// Not found for nobody, and for somebody the caller may not see; precondition until opportunities have been read.
pub(crate) async fn person(
    sight: &Sight<'_>,
    whose: &Whose,
    streams: &BTreeSet<Stream>,
) -> Result<Person> {
    let store = &sight.engine.shared.store;
    let id = sight.connection.id;
    let listings = store.cursors(id).await?;
    readable(&sight.connection, &listings, Stream::Opportunities)?;
    let mut reader = Reader {
        sight,
        streams,
        states: store.stream_states(id).await?,
        listings,
        records: Vec::new(),
        unread: BTreeMap::new(),
    };
    let found = reader.opportunities(whose).await?;
    // Somebody who was merged is whoever they were merged into.
    let contact = reader.contact_of().or_else(|| match whose {
        Whose::Contact(contact) => Some(contact.clone()),
        Whose::Opportunity(_) => None,
    });
    if let Some(contact) = &contact {
        reader
            .account_record(Stream::Contacts, contact.as_str())
            .await?;
    }
    for opportunity in &found {
        reader.below(opportunity).await?;
    }
    if streams.contains(&Stream::Requisitions) {
        reader.requisitions().await?;
    }
    let own_notes = match streams.contains(&Stream::Notes) {
        true => own_notes(sight, &found).await?,
        false => BTreeSet::new(),
    };
    let addresses = user_addresses(sight, &reader.listings).await?;
    let as_of = status::as_of(
        &sight.connection,
        &reader.listings,
        &[Stream::Opportunities],
    );
    let scope = match whose {
        Whose::Contact(_) => Scope::Person,
        Whose::Opportunity(_) => Scope::Opportunity,
    };
    let records = Records::new(scope, reader.records)
        .with_users(addresses.iter().map(String::as_str))
        .with_own_notes(own_notes)
        .with_unread(reader.unread);
    Ok(Person {
        contact,
        opportunities: found,
        records,
        as_of,
    })
}

/// What was read so far.
struct Reader<'s, 'e> {
    sight: &'s Sight<'e>,
    streams: &'s BTreeSet<Stream>,
    listings: BTreeMap<Listing, ListingState>,
    states: BTreeMap<Stream, StreamState>,
    records: Vec<Record>,
    unread: BTreeMap<Stream, Unread>,
}

impl Reader<'_, '_> {
    /// The candidacies the caller may see; none is nobody.
    async fn opportunities(&mut self, whose: &Whose) -> Result<Vec<OpportunityId>> {
        let (asked, what, text) = match whose {
            Whose::Opportunity(one) => (vec![one.clone()], "opportunity", one.as_str()),
            Whose::Contact(contact) => {
                let store = &self.sight.engine.shared.store;
                let all = store.opportunities_of_contact(self.sight.connection.id, contact);
                (all.await?, "contact", contact.as_str())
            }
        };
        let mut found = Vec::new();
        for opportunity in asked.into_iter().take(MOST_OPPORTUNITIES) {
            if self
                .account_record(Stream::Opportunities, opportunity.as_str())
                .await?
            {
                found.push(opportunity);
            }
        }
        match found.is_empty() {
            true => Err(Error::not_found(what, text)),
            false => Ok(found),
        }
    }

    /// Whom the opportunity that was read is of.
    fn contact_of(&self) -> Option<ContactId> {
        let named = self.records.first()?.document.get("contact")?;
        named.as_str().map(ContactId::from)
    }

    /// A record by its id; tells whether the caller may see it.
    async fn account_record(&mut self, stream: Stream, id: &str) -> Result<bool> {
        let store = &self.sight.engine.shared.store;
        let record = store.record(self.sight.connection.id, stream, id).await?;
        match record.filter(|record| record.deleted_at.is_none()) {
            Some(record) => self.take(stream, record).await,
            None => Ok(false),
        }
    }

    async fn take(&mut self, stream: Stream, record: StoredRecord) -> Result<bool> {
        let as_of = record.requested_at;
        let Some(shown) = self
            .sight
            .shown(stream, from_stored(stream, record))
            .await?
        else {
            return Ok(false);
        };
        let record = Record::read(stream, &shown.id, shown.opportunity.as_deref(), &shown.raw);
        // What is no object was set aside when it was pulled.
        self.records.extend(record.map(|record| Record {
            as_of: Some(as_of),
            ..record
        }));
        Ok(true)
    }

    /// What the streams have below an opportunity, and which of them have not been read.
    async fn below(&mut self, opportunity: &OpportunityId) -> Result<()> {
        let store = &self.sight.engine.shared.store;
        let id = self.sight.connection.id;
        let parent = Parent::Opportunity(opportunity.clone());
        let hydration = store.hydration(id, &parent).await?;
        let read = |stream: &Stream| {
            hydration
                .as_ref()
                .is_some_and(|hydration| hydration.read.contains_key(stream))
        };
        for stream in self.streams.iter().copied() {
            let records = match stream {
                _ if stream.parent() != Some(Stream::Opportunities) => continue,
                _ if !self.has(stream) => {
                    self.unread.insert(stream, Unread::Withheld);
                    continue;
                }
                // The contact was read with the person.
                Stream::Contacts => continue,
                Stream::Applications => applications(self.sight, opportunity, None).await?,
                _ => {
                    if !read(&stream) {
                        self.unread.insert(stream, Unread::Pending);
                    }
                    store
                        .children(id, stream, &parent, None, MOST_BELOW)
                        .await?
                }
            };
            for mut record in records {
                record.parent = Some(opportunity.as_str().to_owned());
                self.take(stream, record).await?;
            }
        }
        Ok(())
    }

    fn has(&self, stream: Stream) -> bool {
        kept(&self.sight.connection, stream).is_ok()
            && not_refused(self.states.get(&stream)).is_ok()
    }

    /// The requisitions a person was hired against, else those of the postings applied to.
    async fn requisitions(&mut self) -> Result<()> {
        if readable(&self.sight.connection, &self.listings, Stream::Requisitions).is_err() {
            self.unread.insert(Stream::Requisitions, Unread::Withheld);
            return Ok(());
        }
        let applied: Vec<_> = self
            .records
            .iter()
            .filter(|record| record.stream == Stream::Applications)
            .map(|record| record.document.clone())
            .collect();
        let hired = applied
            .iter()
            .filter_map(|application| application.get("requisitionForHire")?.get("id")?.as_str());
        let hired: BTreeSet<&str> = hired.collect();
        let postings: BTreeSet<&str> = applied
            .iter()
            .filter_map(|application| application.get("posting")?.as_str())
            .collect();
        if !hired.is_empty() {
            for requisition in hired {
                self.account_record(Stream::Requisitions, requisition)
                    .await?;
            }
            return Ok(());
        }
        let store = &self.sight.engine.shared.store;
        let id = self.sight.connection.id;
        let all = store.records(
            id,
            Stream::Requisitions,
            None,
            usize::MAX,
            Tombstones::Without,
        );
        for record in all.await? {
            if opens(&record.raw, &postings) {
                self.take(Stream::Requisitions, record).await?;
            }
        }
        Ok(())
    }
}

/// Whether a requisition is for one of these postings.
fn opens(requisition: &str, postings: &BTreeSet<&str>) -> bool {
    #[derive(serde::Deserialize)]
    struct Opened {
        #[serde(default)]
        postings: Vec<Value>,
    }
    let opened = serde_json::from_str::<Opened>(requisition).map(|opened| opened.postings);
    let opened = opened.unwrap_or_default();
    opened
        .iter()
        .filter_map(Value::as_str)
        .any(|posting| postings.contains(posting))
}

/// Notes that were written through this service, as long as their operations are kept.
async fn own_notes(sight: &Sight<'_>, opportunities: &[OpportunityId]) -> Result<BTreeSet<String>> {
    let store = &sight.engine.shared.store;
    let mut notes = BTreeSet::new();
    for opportunity in opportunities {
        let written = store
            .operations(sight.connection.id, Some(opportunity), None, MOST_BELOW)
            .await?;
        let written = written
            .into_iter()
            .filter(|one| matches!(one.write, Write::CreateNote(_)));
        notes.extend(written.filter_map(|one| one.result_id));
    }
    Ok(notes)
}

/// Addresses of the account's users, read again when their list was; none until it was read.
async fn user_addresses(
    sight: &Sight<'_>,
    listings: &BTreeMap<Listing, ListingState>,
) -> Result<Arc<BTreeSet<String>>> {
    let read_at = listings
        .get(&Listing::Users)
        .and_then(|state| state.last_success_at);
    let Some(read_at) = read_at else {
        return Ok(Arc::default());
    };
    if let Some(known) = sight.link.user_addresses(read_at) {
        return Ok(known);
    }
    let shared = &sight.engine.shared;
    let users: Vec<lever::User> =
        crate::mapping::typed(shared, sight.connection.id, Stream::Users).await?;
    let addresses: BTreeSet<String> = users.into_iter().filter_map(|user| user.email).collect();
    let addresses = Arc::new(addresses);
    sight.link.keep_user_addresses(read_at, addresses.clone());
    Ok(addresses)
}
