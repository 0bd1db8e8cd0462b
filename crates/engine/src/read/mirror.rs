//! Reading the mirror.

use std::collections::BTreeMap;

use domain::{Connection, Hydration, Listing, Parent, Stream, Timestamp};
use lever::OpportunityId;
use store::{ListingState, StoredRecord, StreamState, Tombstones};

use super::visible::Sight;
use super::{RawRecord, ReadPage, ReadQuery, filter, resource};
use crate::error::{Error, PERMISSION_MISSING, Result, not_read_yet, permission_message};
use crate::pull::{Trouble, listing_of};
use crate::status;

/// gRPC clients take messages of 4 MB unless told otherwise; a page with its fields stays below.
const LARGEST_PAGE_BYTES: usize = 3 << 20;

/// How many records one page looks at, at most, for those that pass its filters.
const MOST_SCANNED: usize = 5_000;

/// How many records are read from the store at once, at most.
const CHUNK: usize = 1_000;

/// One page of a stream, or of what belongs to one opportunity.
pub(super) async fn page(
    sight: &Sight<'_>,
    query: &ReadQuery,
    after: Option<String>,
) -> Result<ReadPage> {
    filter::check_answerable(&query.filters)?;
    let as_of = check(sight, query.stream, query.opportunity.as_ref()).await?;
    let mut page = Filling::new(query.limit);
    let mut last = after;
    while !page.full {
        let want = page.room().min(CHUNK);
        let records = chunk(sight, query, last.as_deref(), want).await?;
        let ended = records.len() < want;
        for record in records {
            let id = record.id.clone();
            let shown = match filter::holds(&query.filters, &record.raw) {
                true => sight.shown(query.stream, to_raw(query, record)).await?,
                false => None,
            };
            if !page.take(shown) {
                break;
            }
            last = Some(id);
        }
        if ended && !page.full {
            last = None;
            break;
        }
    }
    Ok(ReadPage {
        records: page.records,
        next: last,
        as_of,
    })
}

/// One record.
pub(super) async fn one(
    sight: &Sight<'_>,
    stream: Stream,
    id: &str,
    opportunity: Option<&OpportunityId>,
) -> Result<(RawRecord, Option<Timestamp>)> {
    let unknown = || Error::not_found(resource::one(stream), id);
    let store = &sight.engine.shared.store;
    let as_of = check(sight, stream, opportunity).await?;
    let record = store.record(sight.connection.id, stream, id).await?;
    let Some(record) = record.filter(|record| record.deleted_at.is_none()) else {
        return Err(absent(sight, stream, id).await?);
    };
    let belongs = |record: &RawRecord| {
        opportunity.is_none_or(|wanted| record.opportunity.as_deref() == Some(wanted.as_str()))
    };
    let mut record = from_stored(stream, record);
    if let Some(wanted) = opportunity
        && !belongs(&record)
        && is_below(sight, stream, wanted, id).await?
    {
        record.opportunity = Some(wanted.as_str().to_owned());
    }
    let shown = sight.shown(stream, record).await?;
    let record = shown.filter(belongs).ok_or_else(unknown)?;
    Ok((record, as_of))
}

/// What the absence of a record means: the form of a posting that is there has only not been read.
async fn absent(sight: &Sight<'_>, stream: Stream, id: &str) -> Result<Error> {
    let unknown = Error::not_found(resource::one(stream), id);
    if stream != Stream::PostingForms {
        return Ok(unknown);
    }
    let store = &sight.engine.shared.store;
    let connection = sight.connection.id;
    let posting = store.record(connection, Stream::Postings, id).await?;
    let Some(posting) = posting.filter(|posting| posting.deleted_at.is_none()) else {
        return Ok(unknown);
    };
    let shown = seen_record(sight, Stream::Postings, posting).await?;
    Ok(shown.map_or(unknown, |posting| form_not_hydrated(&posting.id)))
}

/// Whether the list of an opportunity has brought a record, though another list brought it last.
async fn is_below(
    sight: &Sight<'_>,
    stream: Stream,
    opportunity: &OpportunityId,
    id: &str,
) -> Result<bool> {
    let parent = Parent::Opportunity(opportunity.clone());
    let store = &sight.engine.shared.store;
    let connection = sight.connection.id;
    Ok(store.is_below(connection, stream, &parent, id).await?)
}

/// A page on its way.
struct Filling {
    records: Vec<RawRecord>,
    limit: usize,
    bytes: usize,
    scanned: usize,
    full: bool,
}

impl Filling {
    fn new(limit: usize) -> Filling {
        Filling {
            records: Vec::new(),
            limit: limit.max(1),
            bytes: 0,
            scanned: 0,
            full: false,
        }
    }

    /// How many records to read: one more than fit tells whether the page is the last.
    fn room(&self) -> usize {
        self.limit - self.records.len() + 1
    }

    /// Takes a record, or passes over one that is not shown; false when the page ends before it.
    fn take(&mut self, shown: Option<RawRecord>) -> bool {
        let bytes = shown.as_ref().map_or(0, |record| record.raw.len());
        let large = self.bytes + bytes > LARGEST_PAGE_BYTES && !self.records.is_empty();
        if self.records.len() >= self.limit || large || self.scanned >= MOST_SCANNED {
            self.full = true;
            return false;
        }
        self.scanned += 1;
        self.bytes += bytes;
        self.records.extend(shown);
        true
    }
}

async fn chunk(
    sight: &Sight<'_>,
    query: &ReadQuery,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<StoredRecord>> {
    let store = &sight.engine.shared.store;
    let id = sight.connection.id;
    let records = match &query.opportunity {
        None => {
            store
                .records(id, query.stream, after, limit, Tombstones::Without)
                .await
        }
        Some(opportunity) if query.stream == Stream::Applications => {
            return applications(sight, opportunity, after).await;
        }
        Some(opportunity) => {
            let parent = Parent::Opportunity(opportunity.clone());
            store
                .children(id, query.stream, &parent, after, limit)
                .await
        }
    };
    Ok(records?)
}

/// The applications an opportunity names: at most one in today's Lever.
pub(super) async fn applications(
    sight: &Sight<'_>,
    opportunity: &OpportunityId,
    after: Option<&str>,
) -> Result<Vec<StoredRecord>> {
    #[derive(serde::Deserialize)]
    struct Named {
        #[serde(default)]
        applications: Vec<serde_json::Value>,
    }
    let store = &sight.engine.shared.store;
    let id = sight.connection.id;
    let document = store
        .record(id, Stream::Opportunities, opportunity.as_str())
        .await?;
    let named = document.and_then(|record| serde_json::from_str::<Named>(&record.raw).ok());
    let mut ids: Vec<String> = named
        .map(|named| named.applications)
        .unwrap_or_default()
        .iter()
        .filter_map(|application| application.as_str().map(str::to_owned))
        .filter(|id| after.is_none_or(|after| id.as_str() > after))
        .collect();
    ids.sort();
    let mut records = Vec::new();
    for application in ids {
        let record = store.record(id, Stream::Applications, &application).await?;
        records.extend(record.filter(|record| record.deleted_at.is_none()));
    }
    Ok(records)
}

fn to_raw(query: &ReadQuery, record: StoredRecord) -> RawRecord {
    let record = from_stored(query.stream, record);
    RawRecord {
        opportunity: query
            .opportunity
            .as_ref()
            .map(|opportunity| opportunity.as_str().to_owned())
            .or(record.opportunity),
        ..record
    }
}

pub(super) fn from_stored(stream: Stream, record: StoredRecord) -> RawRecord {
    let below_a_person = stream.parent() == Some(Stream::Opportunities);
    RawRecord {
        id: record.id,
        opportunity: record.parent.filter(|_| below_a_person),
        raw: record.raw,
    }
}

/// A stored record as the caller may see it; none of what the caller may not.
pub(crate) async fn seen_record(
    sight: &Sight<'_>,
    stream: Stream,
    record: StoredRecord,
) -> Result<Option<RawRecord>> {
    sight.shown(stream, from_stored(stream, record)).await
}

/// Whether the mirror can answer, and how new the answer is.
async fn check(
    sight: &Sight<'_>,
    stream: Stream,
    opportunity: Option<&OpportunityId>,
) -> Result<Option<Timestamp>> {
    let store = &sight.engine.shared.store;
    let id = sight.connection.id;
    let listings = store.cursors(id).await?;
    let states = store.stream_states(id).await?;
    readable(&sight.connection, &listings, stream)?;
    if stream.hydrated() {
        not_refused(states.get(&stream))?;
    }
    let Some(opportunity) = opportunity else {
        let caught_up = || states.get(&stream).and_then(|state| state.caught_up_at);
        return Ok(match stream.hydrated() {
            true => caught_up(),
            false => status::as_of(&sight.connection, &listings, &[stream]),
        });
    };
    sight
        .check_path("opportunity", opportunity.as_str())
        .await?;
    let known = store
        .record(id, Stream::Opportunities, opportunity.as_str())
        .await?;
    if known.is_none_or(|record| record.deleted_at.is_some()) {
        return Err(Error::not_found("opportunity", opportunity.as_str()));
    }
    if !stream.hydrated() {
        return Ok(status::as_of(&sight.connection, &listings, &[stream]));
    }
    let parent = Parent::Opportunity(opportunity.clone());
    let hydration = store.hydration(id, &parent).await?;
    read_below(hydration.as_ref(), stream, opportunity).map(Some)
}

/// When a list below an opportunity was last read whole.
///
/// # Errors
/// Precondition until it was.
pub(crate) fn read_below(
    hydration: Option<&Hydration>,
    stream: Stream,
    opportunity: &OpportunityId,
) -> Result<Timestamp> {
    let read = hydration.and_then(|hydration| hydration.read.get(&stream).copied());
    read.ok_or_else(|| not_hydrated(stream, opportunity))
}

pub(crate) fn not_refused(state: Option<&StreamState>) -> Result<()> {
    let trouble = state
        .and_then(|state| state.last_error.as_deref())
        .map(Trouble::from_text);
    match trouble {
        Some(Trouble::Forbidden(permission)) => Err(missing(permission)),
        _ => Ok(()),
    }
}

fn missing(permission: String) -> Error {
    Error::precondition(
        PERMISSION_MISSING,
        permission_message(&permission),
        vec![("permission", permission)],
    )
}

fn not_hydrated(stream: Stream, opportunity: &OpportunityId) -> Error {
    Error::precondition(
        "NOT_HYDRATED",
        format!(
            "{stream} of this opportunity have not been read from Lever: set read_from to READ_FROM_LEVER, \
             or call StartSync with the opportunity_id to keep them"
        ),
        vec![
            ("stream", stream.name().to_owned()),
            ("opportunity_id", opportunity.as_str().to_owned()),
        ],
    )
}

fn form_not_hydrated(posting: &str) -> Error {
    Error::precondition(
        "NOT_HYDRATED",
        "the application form of this posting has not been read from Lever, or is not kept since the posting takes no \
         applications: set read_from to READ_FROM_LEVER",
        vec![
            ("stream", Stream::PostingForms.name().to_owned()),
            ("posting_id", posting.to_owned()),
        ],
    )
}

/// Refuses a stream that the connection does not keep.
pub(crate) fn kept(connection: &Connection, stream: Stream) -> Result<()> {
    if connection.keeps(stream) {
        return Ok(());
    }
    Err(Error::precondition(
        "STREAM_NOT_KEPT",
        format!("this connection does not keep {stream}: add it to the streams of the connection"),
        vec![("stream", stream.name().to_owned())],
    ))
}

/// Whether the mirror can answer for a stream at all: a missing permission is never an empty list (X6).
///
/// What hangs on other records is read once those have been.
pub(crate) fn readable(
    connection: &Connection,
    listings: &BTreeMap<Listing, ListingState>,
    stream: Stream,
) -> Result<()> {
    permitted(connection, listings, stream)?;
    let state = listed(stream).and_then(|listing| listings.get(&listing));
    // A reset forgets the cursor, not the records.
    let never_read = state
        .is_none_or(|state| state.cursor == domain::Cursor::New && state.last_success_at.is_none());
    match never_read {
        true => Err(not_read_yet(
            "STREAM_NOT_READ",
            &stream.to_string(),
            connection,
        )),
        false => Ok(()),
    }
}

/// Whether the mirror will answer for a stream one day: it is kept, and the key is not known to lack the permission.
pub(crate) fn permitted(
    connection: &Connection,
    listings: &BTreeMap<Listing, ListingState>,
    stream: Stream,
) -> Result<()> {
    kept(connection, stream)?;
    let state = listed(stream).and_then(|listing| listings.get(&listing));
    let trouble = state.and_then(|state| state.last_error.as_deref());
    match trouble.map(Trouble::from_text) {
        Some(Trouble::Forbidden(permission)) => Err(missing(permission)),
        _ => Ok(()),
    }
}

/// The listing that a stream, or what it hangs on, is read by.
fn listed(stream: Stream) -> Option<Listing> {
    listing_of(stream.parent().unwrap_or(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: usize) -> Option<RawRecord> {
        Some(RawRecord {
            id: "id".to_owned(),
            opportunity: None,
            raw: "x".repeat(bytes),
        })
    }

    /// How many of the records a page of at most `limit` takes.
    fn taken(limit: usize, records: impl IntoIterator<Item = Option<RawRecord>>) -> usize {
        let mut page = Filling::new(limit);
        records
            .into_iter()
            .take_while(|record| page.take(record.clone()))
            .count()
    }

    #[test]
    fn a_page_ends_before_it_is_too_large_for_a_message_but_always_goes_on() {
        let five = || (0..5).map(|_| record(1 << 20));
        assert_eq!(taken(5, five()), 3);
        assert_eq!(taken(2, five()), 2);
        assert_eq!(taken(5, [record(10 << 20), record(1)]), 1);
    }

    #[test]
    fn a_page_passes_over_what_is_not_shown_but_not_for_ever() {
        assert_eq!(taken(1, [None, None, record(1), None]), 3);
        assert_eq!(taken(1, (0..MOST_SCANNED + 1).map(|_| None)), MOST_SCANNED);
    }

    #[test]
    fn a_list_that_was_not_read_is_told_with_the_way_out() {
        let error = not_hydrated(Stream::Notes, &OpportunityId::from("o"));
        let text = error.to_string();
        assert!(
            text.contains("READ_FROM_LEVER") && text.contains("StartSync"),
            "{text}"
        );
    }
}
