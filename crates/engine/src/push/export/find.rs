//! Looking for a person before they are exported: in the mirror, and then in Lever itself, since the mirror may be
//! behind or begin late. On what the mirror alone says nobody is taken for somebody.

mod rows;

use std::collections::HashMap;
use std::pin::pin;

use domain::Stream;
use domain::export::Asked;
use domain::export::guard::Seen;
use domain::field_mapping::{Record, Records, Scope};
use domain::identity::IdentityKey;
use domain::operation::{Attempt, Failure, FailureKind};
use futures::StreamExt as _;
use lever::{
    ArchiveReason, ArchiveReasonId, Client, ConfidentialityFilter, ContactId, Endpoint, Lane,
    ListArchiveReasons, ListOpportunities, OpportunityExpand, OpportunityId, ReasonKind,
};
use serde_json::Value;
use store::{Sought, Tombstones};

use self::rows::{Live, Rows};
use crate::access::Confidential;
use crate::engine::Shared;
use crate::error::Error;
use crate::link::Link;
use crate::push::plan::{self, PlannedCall};
use crate::push::send;

/// How many people Lever is asked for at once: an address has its limits.
const PEOPLE_AT_ONCE: usize = 20;

/// Why somebody could not be looked for.
pub(in crate::push) enum Trouble {
    Lever(Box<lever::Error>),
    Ours(Error),
    /// Lever has nobody of the id that was asked for.
    Nobody,
}

/// The field that names a person by Lever's id, and what to say where Lever has nobody of that.
const CONTACT: &str = "profile.contact_id";
const NOBODY: &str =
    "Lever has nobody of this id (any more): leave it out, and the person is looked for";

impl Trouble {
    /// The same for whoever asks and waits.
    pub(in crate::push) fn error(self) -> Error {
        match self {
            Trouble::Lever(error) => Error::from(*error),
            Trouble::Ours(error) => error,
            Trouble::Nobody => Error::invalid(CONTACT, NOBODY),
        }
    }

    /// Why an export fails whose person is not there.
    pub(in crate::push) fn nobody() -> Failure {
        Failure {
            kind: FailureKind::NotFound,
            message: format!("{CONTACT}: {NOBODY}"),
            details: vec![("field".to_owned(), CONTACT.to_owned())],
        }
    }
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
    pub(super) shared: &'a Shared,
    pub(super) link: &'a Link,
    pub(super) client: Client,
    pub(super) asked: &'a Asked,
    /// Whether the key may see no confidential records, as far as that is known.
    denied: bool,
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
            denied: link.access.present().confidential == Confidential::Denied,
            calls: Vec::new(),
            attempts: Vec::new(),
        }
    }

    /// Whom the export may be about, in the order of what they are recognized by (product.md 5.3).
    pub(in crate::push) async fn people(&mut self) -> Result<Seen, Trouble> {
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
        let asked = self.asked.contact.as_ref();
        let asked = asked.map(|asked| found.merged.get(asked).unwrap_or(asked).clone());
        let by_key = keys.into_iter().zip(found.by_key).collect();
        let mut rows = Rows::new(by_key, found.candidacies);
        self.hide(&mut rows);
        let asked = match asked {
            Some(asked) => Some(self.ask_by_id(&mut rows, asked).await?),
            None => None,
        };
        self.ask_by_address(&mut rows).await?;
        self.ask_for_the_rest(&mut rows).await?;
        self.hide(&mut rows);
        let hired = self.hired(&rows).await?;
        Ok(rows.seen(asked, &hired))
    }

    /// Takes out whom the caller may not see.
    fn hide(&self, rows: &mut Rows) {
        if !self.asked.confidential {
            rows.hide_confidential();
        }
    }

    /// Whether Lever has somebody of an id.
    pub(in crate::push) async fn has(&mut self, contact: &ContactId) -> Result<bool, Trouble> {
        let list = ListOpportunities {
            contact_id: vec![contact.clone()],
            ..self.list()
        };
        Ok(!self.listed(&list).await?.is_empty())
    }

    /// Reads the person that the request names; gives the id that Lever knows them by now.
    async fn ask_by_id(&mut self, rows: &mut Rows, asked: ContactId) -> Result<ContactId, Trouble> {
        let list = ListOpportunities {
            contact_id: vec![asked.clone()],
            ..self.list()
        };
        let found = self.listed(&list).await?;
        let first = found.first().ok_or(Trouble::Nobody)?;
        // Lever may have merged them with somebody else since.
        let now = first.contact().cloned().unwrap_or_else(|| asked.clone());
        rows.has_read([asked, now.clone()], found);
        Ok(now)
    }

    /// Asks Lever for everybody with one of the addresses, archived or not.
    async fn ask_by_address(&mut self, rows: &mut Rows) -> Result<(), Trouble> {
        let keys = self.asked.profile.identity().keys().into_iter();
        for key in keys {
            let IdentityKey::Email(address) = &key else {
                continue;
            };
            let list = ListOpportunities {
                email: Some(address.clone()),
                ..self.list()
            };
            for live in self.listed(&list).await? {
                rows.has_address(&key, live);
            }
        }
        Ok(())
    }

    /// Reads in Lever whoever is known for sure from the mirror alone.
    async fn ask_for_the_rest(&mut self, rows: &mut Rows) -> Result<(), Trouble> {
        loop {
            let people = rows.people_to_read(PEOPLE_AT_ONCE);
            if !people.is_empty() {
                let list = ListOpportunities {
                    contact_id: people.clone(),
                    ..self.list()
                };
                let found = self.listed(&list).await?;
                rows.has_read(people, found);
            } else if let Some(opportunity) = rows.opportunity_to_read() {
                match self.single(&opportunity).await? {
                    Single::Gone => rows.is_gone(&opportunity),
                    Single::There(live) => rows.is_there(*live),
                    Single::Closed => rows.is_unread(&opportunity),
                }
            } else {
                return Ok(());
            }
        }
    }

    /// A list of opportunities of people that the caller, and the key, may see, with what is judged of them.
    fn list(&self) -> ListOpportunities {
        ListOpportunities {
            expand: vec![OpportunityExpand::Applications, OpportunityExpand::Contact],
            confidentiality: (self.asked.confidential && !self.denied)
                .then_some(ConfidentialityFilter::All),
            limit: Some(100),
            ..ListOpportunities::default()
        }
    }

    /// What Lever lists; without what is confidential where the key may not see that, which its refusal tells.
    async fn listed(&mut self, list: &ListOpportunities) -> Result<Vec<Live>, Trouble> {
        match self.listed_as_asked(list).await {
            Err(Trouble::Lever(error))
                if list.confidentiality.is_some()
                    && matches!(error.kind(), lever::ErrorKind::Forbidden { .. }) =>
            {
                self.denied = true;
                let visible = ListOpportunities {
                    confidentiality: None,
                    ..list.clone()
                };
                self.listed_as_asked(&visible).await
            }
            found => found,
        }
    }

    async fn listed_as_asked(&mut self, list: &ListOpportunities) -> Result<Vec<Live>, Trouble> {
        self.calls.push(plan::call(list));
        let client = self.client.clone();
        let mut pages = pin!(client.pages(list));
        let mut found = Vec::new();
        loop {
            let at = self.shared.clock.now();
            let Some(page) = pages.next().await else {
                return Ok(found);
            };
            self.note(ListOpportunities::OPERATION.id, at, &page);
            for record in page?.value.records {
                found.push(match record {
                    Ok(record) => Live::read(&record.raw),
                    Err(malformed) => Live::unread(&malformed.raw),
                }?);
            }
        }
    }

    async fn single(&mut self, opportunity: &OpportunityId) -> Result<Single, Trouble> {
        let read = send::fresh_read(opportunity);
        match self.call(&read).await {
            Ok(record) => Ok(Single::There(Box::new(Live::read(&record.raw)?))),
            Err(error) => match error.kind() {
                lever::ErrorKind::NotFound => Ok(Single::Gone),
                lever::ErrorKind::Forbidden { .. } => Ok(Single::Closed),
                _ => Err(error.into()),
            },
        }
    }

    async fn call<E: Endpoint>(&mut self, endpoint: &E) -> Result<E::Reply, lever::Error> {
        self.calls.push(plan::call(endpoint));
        let at = self.shared.clock.now();
        let answer = self.client.answer(endpoint).await;
        self.note(E::OPERATION.id, at, &answer);
        answer.map(|answer| answer.value)
    }

    /// What Lever has of an opportunity now; none if it is gone.
    pub(in crate::push) async fn present(
        &mut self,
        opportunity: &OpportunityId,
    ) -> Result<Option<Present>, Trouble> {
        let record = match self.call(&send::fresh_read(opportunity)).await {
            Err(error) if matches!(error.kind(), lever::ErrorKind::NotFound) => return Ok(None),
            record => record?,
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

    /// Which archive reasons stand for a hire and which do not, among those that somebody here was archived for.
    ///
    /// Lever is asked where the mirror has not read one of them.
    async fn hired(&mut self, rows: &Rows) -> Result<HashMap<ArchiveReasonId, bool>, Trouble> {
        let (id, store) = (self.link.id(), &self.shared.store);
        let stream = Stream::ArchiveReasons;
        // Those that Lever has no longer, too: somebody was archived for them.
        let records = store.records(id, stream, None, usize::MAX, Tombstones::With);
        let records = records.await?;
        let reasons = records
            .iter()
            .filter_map(|record| serde_json::from_str(&record.raw).ok());
        let known = meanings(reasons);
        if rows.reasons().all(|reason| known.contains_key(reason)) {
            return Ok(known);
        }
        let live = meanings(self.archive_reasons().await?);
        Ok(known.into_iter().chain(live).collect())
    }

    /// Lever's archive reasons; none where the key may not read them.
    async fn archive_reasons(&mut self) -> Result<Vec<ArchiveReason>, Trouble> {
        let list = ListArchiveReasons {
            kind: None,
            limit: Some(100),
            offset: None,
        };
        self.calls.push(plan::call(&list));
        let client = self.client.clone();
        let mut pages = pin!(client.pages(&list));
        let mut found = Vec::new();
        loop {
            let at = self.shared.clock.now();
            let Some(page) = pages.next().await else {
                return Ok(found);
            };
            self.note(ListArchiveReasons::OPERATION.id, at, &page);
            match page {
                Ok(page) => {
                    let reasons = page.value.records.into_iter().flatten();
                    found.extend(reasons.map(|reason| reason.value));
                }
                Err(error) if matches!(error.kind(), lever::ErrorKind::Forbidden { .. }) => {
                    return Ok(found);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn note<T>(
        &mut self,
        operation: &str,
        at: lever::Timestamp,
        answer: &Result<lever::Answer<T>, lever::Error>,
    ) {
        self.attempts
            .extend(send::attempt(operation, at, 0, answer));
    }
}

/// One opportunity as Lever answers for it.
enum Single {
    Gone,
    There(Box<Live>),
    /// The key may not read it.
    Closed,
}

/// What archive reasons mean: whether they stand for a hire. One of another kind means nothing that is known.
fn meanings(reasons: impl IntoIterator<Item = ArchiveReason>) -> HashMap<ArchiveReasonId, bool> {
    let meaning = |reason: ArchiveReason| match reason.kind {
        ReasonKind::Hired => Some((reason.id, true)),
        ReasonKind::NonHired => Some((reason.id, false)),
        ReasonKind::Other(_) => None,
    };
    reasons.into_iter().filter_map(meaning).collect()
}

/// The texts of a list in a document.
pub(in crate::push) fn texts(document: &Value, key: &str) -> Vec<String> {
    let values = document.get(key).and_then(Value::as_array);
    let texts = values.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}
