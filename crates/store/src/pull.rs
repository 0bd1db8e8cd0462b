//! What a pull brings, and how it is applied.

use std::collections::BTreeSet;
use std::fmt;

use domain::hydration::Policy;
use domain::identity::IdentityKey;
use domain::{Candidacy, ConnectionId, Cursor, Listing, Parent, Stream};
use lever::{OpportunityId, PostingState, Timestamp};

use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::format::{Head, key};
use crate::identities::Noted;
use crate::listings;
use crate::quarantine::Quarantined;
use crate::records;
use crate::store::Store;
use crate::table::{Table, Tables};
use crate::upsert::Upsert;

/// How many heads one transaction of [`Store::retire_unseen`] looks at.
const RETIRE_STEP: usize = 500;

/// One record as it was read from Lever.
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The kind of record.
    pub stream: Stream,
    /// Lever's id (the text, for tags and sources).
    pub id: String,
    /// What Lever sent, byte for byte.
    pub raw: String,
    /// Lever's own stamp.
    pub updated_at: Option<Timestamp>,
    /// Its place in Lever's own order, for lists whose order means something (stages); 0 elsewhere.
    pub rank: u32,
    /// For opportunities: what lists and lookups read.
    pub candidacy: Option<Candidacy>,
    /// For opportunities: what the person is recognized by.
    pub identity: BTreeSet<IdentityKey>,
    /// For postings: whether they take applications decides about their form.
    pub posting_state: Option<PostingState>,
    /// For records that are read below another: which one.
    pub parent: Option<Parent>,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("stream", &self.stream)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A record Lever says is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The kind of record.
    pub stream: Stream,
    /// Lever's id.
    pub id: String,
    /// When it was deleted, by Lever's clock.
    pub at: Timestamp,
}

/// One page of a listing, and the cursors before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The connection.
    pub connection: ConnectionId,
    /// The listing.
    pub listing: Listing,
    /// The cursor the page was read from.
    pub expected: Cursor,
    /// The cursor after the page.
    pub next: Cursor,
    /// When the request was sent, by Lever's clock.
    pub requested_at: Timestamp,
    /// Stamps the changes.
    pub now: Timestamp,
    /// The records, and those lifted out of them.
    pub records: Vec<Incoming>,
    /// The deletions.
    pub deleted: Vec<Deleted>,
    /// The records that could not be read.
    pub quarantined: Vec<Quarantined>,
    /// Which lists below the records are worth reading.
    pub policy: Policy,
}

/// Records that were read outside of a listing, such as after our own write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// The connection.
    pub connection: ConnectionId,
    /// When the request was sent, by Lever's clock.
    pub requested_at: Timestamp,
    /// Stamps the changes.
    pub now: Timestamp,
    /// The records.
    pub records: Vec<Incoming>,
    /// The deletions.
    pub deleted: Vec<Deleted>,
    /// The records that could not be read.
    pub quarantined: Vec<Quarantined>,
    /// Which lists below the records are worth reading.
    pub policy: Policy,
}

/// What a document says about being confidential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secrecy {
    /// Nothing, or that it is not.
    Open,
    /// That it is.
    Confidential,
    /// That it belongs to an opportunity: it is as confidential as that.
    AsOpportunity(OpportunityId),
}

/// What became of the records of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Records that were not in the mirror.
    pub created: u64,
    /// Records that differ from what was stored.
    pub updated: u64,
    /// Records that are what was stored.
    pub unchanged: u64,
    /// Records and deletions older than what is known.
    pub stale: u64,
    /// Live records that became tombstones.
    pub deleted: u64,
    /// Records newly put into quarantine.
    pub quarantined: u64,
    /// Lists below the records that wait to be read because of them.
    pub planned: u64,
    /// The number of the connection's last change.
    pub last_sequence: u64,
}

impl Applied {
    /// Both together.
    #[must_use]
    pub(crate) fn plus(self, other: Applied) -> Applied {
        Applied {
            created: self.created + other.created,
            updated: self.updated + other.updated,
            unchanged: self.unchanged + other.unchanged,
            stale: self.stale + other.stale,
            deleted: self.deleted + other.deleted,
            quarantined: self.quarantined + other.quarantined,
            planned: self.planned + other.planned,
            last_sequence: self.last_sequence.max(other.last_sequence),
        }
    }
}

impl Store {
    /// Applies one page: its records, the changes they cause, the cursor after it.
    ///
    /// In slices of a few records, each a transaction of its own, so that nobody waits for all of it; deletions,
    /// quarantine and the cursor come with the last. One flush at the end makes them durable, as long as nothing urgent
    /// comes between. What a kill leaves of a page has no cursor: the page is read again, and brings no change twice.
    ///
    /// A record read by an older request than the stored one, or deleted since, is counted as stale and ignored;
    /// one with the same bytes is no change. A record with an unusable id is quarantined, and the page goes on.
    /// A page that brings nothing new and leaves the cursor where it is writes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::CursorMoved`] if the stored cursor is no longer `page.expected`,
    /// [`ErrorKind::NotFound`] without such a connection; nothing is written. After any error the cursor is where it was.
    pub async fn apply(&self, page: Page) -> Result<Applied, Error> {
        let mut slices = Slices::new(page);
        self.commit_in_slices(move |draft| slices.next(draft)).await
    }

    /// Applies records that were read outside of a listing, by the rules of [`Store::apply`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without such a connection.
    pub async fn apply_refresh(&self, refresh: Refresh) -> Result<Applied, Error> {
        self.commit_patiently(move |draft| apply_refresh(draft, &refresh))
            .await
    }

    /// Makes tombstones of the live records of a stream that no request since `before` has brought.
    ///
    /// Only for after a complete walk of a list that is read whole, `before` being when the walk began.
    /// With `secrecy`, which judges a document, what is confidential is left alone: the key may not see it any more.
    /// Done in several transactions; each record that shows again later comes back.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without such a connection.
    pub async fn retire_unseen(
        &self,
        connection: ConnectionId,
        stream: Stream,
        before: Timestamp,
        now: Timestamp,
        secrecy: Option<fn(&str) -> Secrecy>,
    ) -> Result<u64, Error> {
        let unseen = Unseen {
            connection,
            stream,
            before,
            now,
            secrecy,
        };
        let from = key::stream(connection, stream);
        self.commit_in_steps(from, move |draft, from| unseen.retire(draft, from))
            .await
    }
}

impl Store {
    /// Makes tombstones of the opportunities of which `left_out` is true, and of what hangs on them; tells how many
    /// records went.
    ///
    /// They count as missed, not as deleted: whoever a request sent after `as_of` brings is there again.
    /// Done in several transactions.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without such a connection.
    pub async fn retire_people(
        &self,
        connection: ConnectionId,
        as_of: Timestamp,
        now: Timestamp,
        left_out: impl Fn(&Candidacy) -> bool + Copy + Send + Sync + 'static,
    ) -> Result<u64, Error> {
        let prefix = key::connection(connection);
        self.commit_in_steps(prefix.clone(), move |draft, from| {
            draft.require_connection(connection)?;
            let (mut people, mut next) = (Vec::new(), None);
            let found = draft.tables().scan_after(Table::Candidacies, &prefix, from);
            for (looked_at, entry) in (1..).zip(found) {
                let (key, value) = entry?;
                let entry = Ok((key.clone(), value));
                let person: Option<Candidacy> = draft.tables().value(Table::Candidacies, entry)?;
                people.extend(person.filter(left_out));
                if looked_at == RETIRE_STEP || people.len() == draft.slice() {
                    next = Some(key);
                    break;
                }
            }
            let mut upsert = Upsert::new(draft, connection, as_of, now)?;
            for person in people {
                upsert.forget(Stream::Opportunities, person.opportunity.as_str(), true)?;
            }
            Ok((upsert.finish()?.deleted, next))
        })
        .await
    }
}

pub(crate) fn apply_refresh(draft: &mut Draft<'_>, refresh: &Refresh) -> Result<Applied, Error> {
    draft.require_connection(refresh.connection)?;
    let mut upsert = Upsert::new(draft, refresh.connection, refresh.requested_at, refresh.now)?
        .planning(&refresh.policy);
    refresh
        .records
        .iter()
        .try_for_each(|record| upsert.record(record))?;
    refresh
        .deleted
        .iter()
        .try_for_each(|deleted| upsert.deletion(deleted))?;
    refresh
        .quarantined
        .iter()
        .try_for_each(|record| upsert.quarantine(record))?;
    upsert.finish()
}

/// A page, and how much of it is taken in.
struct Slices {
    page: Page,
    /// Records that are.
    taken: usize,
    applied: Applied,
    /// What the page changes about who is recognized by what. Only what is urgent comes between two slices, and that
    /// touches none of it.
    identities: Noted,
}

impl Slices {
    fn new(page: Page) -> Slices {
        Slices {
            page,
            taken: 0,
            applied: Applied::default(),
            identities: Noted::default(),
        }
    }

    /// Takes in the next slice; tells what became of the page with the last one, none before.
    ///
    /// The deletions stay together: whose document is gone no longer tells which records went along.
    fn next(&mut self, draft: &mut Draft<'_>) -> Result<Option<Applied>, Error> {
        let page = &self.page;
        draft.require_connection(page.connection)?;
        let mut state = listings::state(draft, page.connection, page.listing)?;
        if state.cursor != page.expected {
            let message = format!("the cursor of {} was moved by another pull", page.listing);
            return Err(Error::new(ErrorKind::CursorMoved, message));
        }
        let end = self.end(draft.slice());
        let is_last = end == page.records.len();
        if is_last && page.next != page.expected {
            state.cursor = page.next.clone();
            // Nobody is to be buried after the first walk over everybody: a stop before its end is noted would only have
            // all of it walked again.
            if page.listing == Listing::OpportunitySweep && state.last_success_at.is_none() {
                state.last_success_at = page.next.as_of();
            }
            let key = key::listing(page.connection, page.listing);
            draft.put(Table::Listings, key, &state);
        }
        let mut upsert = Upsert::new(draft, page.connection, page.requested_at, page.now)?
            .planning(&page.policy)
            .noting_in(std::mem::take(&mut self.identities));
        page.records[self.taken..end]
            .iter()
            .try_for_each(|record| upsert.record(record))?;
        if is_last {
            page.deleted
                .iter()
                .try_for_each(|deleted| upsert.deletion(deleted))?;
            page.quarantined
                .iter()
                .try_for_each(|record| upsert.quarantine(record))?;
        }
        let (applied, identities) = upsert.finish_slice()?;
        self.identities = identities;
        self.applied = self.applied.plus(applied);
        self.taken = end;
        Ok(is_last.then_some(self.applied))
    }

    /// Where the next slice ends: what was lifted out of a record comes after it and stays with it.
    fn end(&self, most: usize) -> usize {
        let rest = self.page.records.iter().enumerate().skip(self.taken + most);
        let own = self.page.listing.stream();
        let mut ends = rest.filter(|(_, record)| record.stream == own);
        ends.next().map_or(self.page.records.len(), |(at, _)| at)
    }
}

/// One transaction's worth of looking for records that were not seen.
struct Unseen {
    connection: ConnectionId,
    stream: Stream,
    before: Timestamp,
    now: Timestamp,
    /// Judges the documents of which the confidential ones are left alone.
    secrecy: Option<fn(&str) -> Secrecy>,
}

impl Unseen {
    /// Gives how many were retired, and where to go on.
    fn retire(&self, draft: &mut Draft<'_>, from: &[u8]) -> Result<(u64, Option<Vec<u8>>), Error> {
        draft.require_connection(self.connection)?;
        let (unseen, next) = self.unseen(draft.tables(), from)?;
        let mut upsert = Upsert::new(draft, self.connection, self.before, self.now)?;
        for id in &unseen {
            upsert.missing(self.stream, id)?;
        }
        Ok((upsert.finish()?.deleted, next))
    }

    fn unseen(
        &self,
        tables: &Tables,
        from: &[u8],
    ) -> Result<(Vec<String>, Option<Vec<u8>>), Error> {
        let prefix = key::stream(self.connection, self.stream);
        let mut unseen = Vec::new();
        let mut last = None;
        let mut looked_at = 0;
        for entry in tables
            .scan_after(Table::heads(self.stream), &prefix, from)
            .take(RETIRE_STEP)
        {
            let (key, value) = entry?;
            let head: Option<Head> =
                tables.value(Table::heads(self.stream), Ok((key.clone(), value)))?;
            let gone =
                head.filter(|head| head.deleted_at.is_none() && head.requested_at < self.before);
            if let Some(head) = gone
                && !self.spares(tables, &key, &head)?
            {
                let id = key::text_after(&key, prefix.len())
                    .ok_or_else(|| Error::corrupt(Table::Heads))?;
                unseen.push(id.to_owned());
            }
            looked_at += 1;
            last = Some(key);
        }
        Ok((unseen, last.filter(|_| looked_at == RETIRE_STEP)))
    }

    fn spares(&self, tables: &Tables, key: &[u8], head: &Head) -> Result<bool, Error> {
        let Some(secrecy) = self.secrecy else {
            return Ok(false);
        };
        let document = records::document(tables, self.stream, key, head)?;
        match document.map(|document| secrecy(&document.0)) {
            Some(Secrecy::Confidential) => Ok(true),
            Some(Secrecy::AsOpportunity(opportunity)) => self.is_confidential(tables, &opportunity),
            Some(Secrecy::Open) | None => Ok(false),
        }
    }

    fn is_confidential(&self, tables: &Tables, opportunity: &OpportunityId) -> Result<bool, Error> {
        // Under an id that cannot be stored nobody is known.
        let Ok(key) = key::candidacy(self.connection, opportunity) else {
            return Ok(false);
        };
        let candidacy: Option<Candidacy> = tables.get(Table::Candidacies, &key)?;
        Ok(candidacy.is_some_and(|candidacy| candidacy.confidential))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::MOST;

    fn page(records: &[Stream]) -> Page {
        let record = |stream: &Stream| Incoming {
            stream: *stream,
            id: "id".to_owned(),
            raw: "{}".to_owned(),
            updated_at: None,
            rank: 0,
            candidacy: None,
            identity: BTreeSet::new(),
            posting_state: None,
            parent: None,
        };
        Page {
            connection: ConnectionId::from_bytes([1; 16]),
            listing: Listing::Opportunities,
            expected: Cursor::New,
            next: Cursor::New,
            requested_at: Timestamp::from_millis(1),
            now: Timestamp::from_millis(1),
            records: records.iter().map(record).collect(),
            deleted: Vec::new(),
            quarantined: Vec::new(),
            policy: Policy::none(),
        }
    }

    fn ends(records: &[Stream]) -> Vec<usize> {
        let mut slices = Slices::new(page(records));
        let mut ends = Vec::new();
        while ends.last() != Some(&records.len()) {
            slices.taken = slices.end(MOST);
            ends.push(slices.taken);
        }
        ends
    }

    #[test]
    fn what_was_lifted_out_of_an_opportunity_is_stored_with_it() {
        use Stream::{Applications, Contacts, Opportunities};
        assert_eq!(ends(&[]), [0]);
        assert_eq!(ends(&[Opportunities; MOST]), [MOST]);
        assert_eq!(ends(&[Opportunities; MOST + 1]), [MOST, MOST + 1]);
        let of_four = [Opportunities, Applications, Applications, Contacts];
        assert_eq!(ends(&of_four.repeat(30)), [52, 104, 120]);
    }
}
