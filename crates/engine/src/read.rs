//! Lever's own records, from the mirror or live.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Connection, ConnectionId, Listing, Stream, Timestamp};
use lever::{
    Client, GetOpportunity, Lane, ListArchiveReasons, ListEndpoint, ListOpportunities,
    ListPostings, ListSources, ListStages, ListTags, ListUsers, Offset, OpportunityId,
};
use store::{ListingState, Tombstones};

use crate::engine::Engine;
use crate::error::{Error, PERMISSION_MISSING, Result, not_read_yet, permission_message};
use crate::pull::{Keyed, Trouble, listing_of};
use crate::status;

/// Where a read comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// Our copy.
    Mirror,
    /// Lever itself.
    Lever,
}

/// One record as Lever has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Lever's id, or the text for tags and sources.
    pub id: String,
    /// The whole document.
    pub raw: String,
}

/// One page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPage {
    /// The records.
    pub records: Vec<RawRecord>,
    /// What to give back for the next page; none on the last.
    pub next: Option<String>,
    /// How new they are.
    pub as_of: Option<Timestamp>,
}

/// gRPC clients take messages of 4 MB unless told otherwise; a page with its fields stays below.
const LARGEST_PAGE_BYTES: usize = 3 << 20;

/// What to read, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadQuery {
    /// The kind of record.
    pub stream: Stream,
    /// Where from.
    pub from: ReadFrom,
    /// At most this many; a page can hold fewer although more follow.
    pub limit: usize,
    /// Whether confidential records are shown.
    pub confidential: bool,
}

/// Whether a document says that it is confidential; only opportunities and postings do.
pub(crate) fn is_confidential(raw: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Mark {
        confidentiality: Option<String>,
    }
    serde_json::from_str::<Mark>(raw)
        .is_ok_and(|mark| mark.confidentiality.as_deref() == Some("confidential"))
}

impl Engine {
    /// One page of a stream.
    ///
    /// `after` is what the page before gave as `next`, from the same source.
    ///
    /// # Errors
    /// Not found; precondition for a stream that is not kept, forbidden or not read yet; Lever's refusals when live.
    pub async fn read_page(
        &self,
        id: ConnectionId,
        query: ReadQuery,
        after: Option<String>,
    ) -> Result<ReadPage> {
        let mut page = match query.from {
            ReadFrom::Mirror => {
                self.mirror_page(id, query.stream, after, query.limit)
                    .await?
            }
            ReadFrom::Lever => self.live_page(id, query.stream, after, query.limit).await?,
        };
        if !query.confidential {
            page.records.retain(|record| !is_confidential(&record.raw));
        }
        Ok(page)
    }

    async fn mirror_page(
        &self,
        id: ConnectionId,
        stream: Stream,
        after: Option<String>,
        limit: usize,
    ) -> Result<ReadPage> {
        let connection = self.link(id)?.connection();
        let listings = self.shared.store.cursors(id).await?;
        readable(&connection, &listings, stream)?;
        let mut records = self
            .shared
            .store
            .records(id, stream, after.as_deref(), limit + 1, Tombstones::Without)
            .await?;
        let fitting = fitting(&records, limit);
        let more = records.len() > fitting;
        records.truncate(fitting);
        let next = more
            .then(|| records.last().map(|record| record.id.clone()))
            .flatten();
        let records = records
            .into_iter()
            .map(|record| RawRecord {
                id: record.id,
                raw: record.raw,
            })
            .collect();
        Ok(ReadPage {
            records,
            next,
            as_of: status::as_of(&connection, &listings, &[stream]),
        })
    }

    async fn live_page(
        &self,
        id: ConnectionId,
        stream: Stream,
        after: Option<String>,
        limit: usize,
    ) -> Result<ReadPage> {
        let client = self.link(id)?.client(Lane::Interactive);
        let limit = u16::try_from(limit.clamp(1, 100)).unwrap_or(100);
        let listing = listing_of(stream).filter(|listing| listing.stream() == stream);
        let listing = listing
            .ok_or_else(|| Error::invalid("read_from", format!("{stream} cannot be read live")))?;
        let now = self.shared.clock.now();
        match raw_page(&client, listing, after.map(Offset::from), limit).await {
            Ok((records, next)) => Ok(ReadPage {
                records,
                next: next.map(|next| next.as_str().to_owned()),
                as_of: Some(now),
            }),
            Err(error) if error.is_invalid_offset() => Err(Error::invalid(
                "page_token",
                "Lever no longer knows this page: start again without a token",
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// One opportunity.
    ///
    /// # Errors
    /// As [`Engine::read_page`], and not found for an unknown opportunity.
    pub async fn read_opportunity(
        &self,
        id: ConnectionId,
        opportunity: &OpportunityId,
        from: ReadFrom,
        confidential: bool,
    ) -> Result<(RawRecord, Option<Timestamp>)> {
        let link = self.link(id)?;
        let unknown = || Error::not_found("opportunity", opportunity.as_str());
        let (record, as_of) = match from {
            ReadFrom::Mirror => {
                let connection = link.connection();
                let listings = self.shared.store.cursors(id).await?;
                let record = self
                    .shared
                    .store
                    .record(id, Stream::Opportunities, opportunity.as_str())
                    .await?;
                let record = record
                    .filter(|record| record.deleted_at.is_none())
                    .ok_or_else(unknown)?;
                let raw = RawRecord {
                    id: record.id,
                    raw: record.raw,
                };
                (
                    raw,
                    status::as_of(&connection, &listings, &[Stream::Opportunities]),
                )
            }
            ReadFrom::Lever => {
                let client = link.client(Lane::Interactive);
                let now = self.shared.clock.now();
                let request = GetOpportunity {
                    opportunity: opportunity.clone(),
                    expand: Vec::new(),
                };
                let record = match client.send(&request).await {
                    Ok(record) => record,
                    Err(error) if matches!(error.kind(), lever::ErrorKind::NotFound) => {
                        return Err(unknown());
                    }
                    Err(error) => return Err(error.into()),
                };
                let raw = RawRecord {
                    id: opportunity.as_str().to_owned(),
                    raw: record.raw.get().to_owned(),
                };
                (raw, Some(now))
            }
        };
        if confidential || !is_confidential(&record.raw) {
            Ok((record, as_of))
        } else {
            Err(unknown())
        }
    }
}

/// How many records a page takes: at most `limit`, and at most what fits a message, but at least one.
fn fitting(records: &[store::StoredRecord], limit: usize) -> usize {
    let mut bytes = 0;
    let fitting = records.iter().take(limit).take_while(|record| {
        bytes += record.raw.len();
        bytes <= LARGEST_PAGE_BYTES
    });
    fitting.count().max(1)
}

type RawPage = (Vec<RawRecord>, Option<Offset>);

/// One page of a listing as Lever has it, without filters.
async fn raw_page(
    client: &Client,
    listing: Listing,
    offset: Option<Offset>,
    limit: u16,
) -> Result<RawPage, lever::Error> {
    let limit = Some(limit);
    match listing {
        Listing::Stages => raw(client, &ListStages { limit, offset }).await,
        Listing::Tags => raw(client, &ListTags { limit, offset }).await,
        Listing::Sources => raw(client, &ListSources { limit, offset }).await,
        Listing::ArchiveReasons => {
            let list = ListArchiveReasons {
                limit,
                offset,
                ..Default::default()
            };
            raw(client, &list).await
        }
        Listing::Users => {
            let list = ListUsers {
                include_deactivated: true,
                limit,
                offset,
                ..Default::default()
            };
            raw(client, &list).await
        }
        Listing::Postings => {
            let list = ListPostings {
                limit,
                offset,
                ..Default::default()
            };
            raw(client, &list).await
        }
        Listing::Requisitions
        | Listing::RequisitionFields
        | Listing::FeedbackTemplates
        | Listing::FormTemplates
        | Listing::EeoResponses => kept(client, listing, offset).await,
        Listing::Opportunities
        | Listing::DeletedOpportunities
        | Listing::DeletedApplications
        | Listing::DeletedPostings
        | Listing::OpportunitySweep => {
            let list = ListOpportunities {
                limit,
                offset,
                ..Default::default()
            };
            raw(client, &list).await
        }
    }
}

/// A list whose records are known by their id alone.
async fn kept(
    client: &Client,
    listing: Listing,
    offset: Option<Offset>,
) -> Result<RawPage, lever::Error> {
    let _ = (client, listing, offset);
    Ok((Vec::new(), None))
}

async fn raw<E>(client: &Client, list: &E) -> Result<RawPage, lever::Error>
where
    E: ListEndpoint,
    E::Item: Keyed,
{
    let page = client.send(list).await?;
    let records = page.records.into_iter().filter_map(Result::ok);
    let records = records.map(|record| RawRecord {
        id: record.value.key().to_owned(),
        raw: record.raw.get().to_owned(),
    });
    Ok((records.collect(), page.next))
}

/// Whether the mirror can answer for a stream at all: a missing permission is never an empty list (X6).
pub(crate) fn readable(
    connection: &Connection,
    listings: &BTreeMap<Listing, ListingState>,
    stream: Stream,
) -> Result<()> {
    if !connection.keeps(stream) {
        return Err(Error::precondition(
            "STREAM_NOT_KEPT",
            format!(
                "this connection does not keep {stream}: add it to the streams of the connection"
            ),
            vec![("stream", stream.name().to_owned())],
        ));
    }
    let state = listing_of(stream).and_then(|listing| listings.get(&listing));
    let trouble = state
        .and_then(|state| state.last_error.as_deref())
        .map(Trouble::from_text);
    let never_read = state.is_none_or(|state| state.cursor == domain::Cursor::New);
    match trouble {
        Some(Trouble::Forbidden(permission)) => Err(Error::precondition(
            PERMISSION_MISSING,
            permission_message(&permission),
            vec![("permission", permission)],
        )),
        _ if never_read => Err(not_read_yet("STREAM_NOT_READ", &stream.to_string(), None)),
        _ => Ok(()),
    }
}

/// Asks for one record of the first stream that has a list of its own.
pub(crate) async fn first_page(
    client: &Client,
    streams: &BTreeSet<Stream>,
) -> Result<(), lever::Error> {
    let first = streams.iter().find_map(|stream| listing_of(*stream));
    let page = raw_page(client, first.unwrap_or(Listing::Stages), None, 1).await;
    page.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: usize) -> store::StoredRecord {
        store::StoredRecord {
            id: "id".to_owned(),
            raw: "x".repeat(bytes),
            requested_at: Timestamp::default(),
            updated_at: None,
            rank: 0,
            deleted_at: None,
            parent: None,
        }
    }

    #[test]
    fn a_page_ends_before_it_is_too_large_for_a_message_but_always_goes_on() {
        let records: Vec<_> = (0..5).map(|_| record(1 << 20)).collect();
        assert_eq!(fitting(&records, 5), 3);
        assert_eq!(fitting(&records, 2), 2);
        assert_eq!(fitting(&[record(10 << 20), record(1)], 5), 1);
    }

    #[test]
    fn only_a_document_that_says_so_is_confidential() {
        assert!(is_confidential(r#"{"confidentiality":"confidential"}"#));
        for open in [
            r#"{"confidentiality":"non-confidential"}"#,
            r#"{"confidentiality":null}"#,
            "{}",
            "[]",
            "",
        ] {
            assert!(!is_confidential(open), "{open}");
        }
    }
}
