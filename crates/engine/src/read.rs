//! Lever's own records, from the mirror or live, as a caller may see them.
//!
//! Both ways end in the same rules: confidential records and what belongs to them only for callers with the right,
//! secret notes only where the connection keeps them, and no field the connection leaves out.

pub(crate) mod account_fields;
mod filter;
mod live;
mod mirror;
pub(crate) mod person;
mod resource;
mod visible;

use std::fmt;

use domain::{ConnectionId, Stream, Timestamp};
use lever::OpportunityId;

pub use filter::Filter;
pub(crate) use live::first_page;
pub(crate) use mirror::{kept, not_refused, permitted, read_below, readable, seen_record};
pub use person::Whose;
pub(crate) use resource::{list, stream_of};
pub use visible::Viewer;
pub(crate) use visible::{
    LONGEST_ID, Sight, is_confidential, is_secret, opportunity_in, secrecy, surely_open,
};

use crate::engine::Engine;
use crate::error::Result;

/// Where a read comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// Our copy.
    Mirror,
    /// Lever itself.
    Lever,
}

/// One record as Lever has it.
#[derive(Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Lever's id, or the text for tags and sources.
    pub id: String,
    /// The opportunity it belongs to, as far as that is known.
    pub opportunity: Option<String>,
    /// The whole document, without the fields the connection leaves out.
    pub raw: String,
}

impl fmt::Debug for RawRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRecord")
            .field("id", &self.id)
            .field("opportunity", &self.opportunity)
            .finish_non_exhaustive()
    }
}

/// One page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPage {
    /// The records.
    pub records: Vec<RawRecord>,
    /// What to give back for the next page; none on the last.
    pub next: Option<String>,
    /// How new they are; none while the stream was not read whole yet.
    pub as_of: Option<Timestamp>,
}

/// What to read, and for whom.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadQuery {
    /// The kind of record.
    pub stream: Stream,
    /// Where from.
    pub from: ReadFrom,
    /// At most this many; a page can hold fewer although more follow.
    pub limit: usize,
    /// Only what belongs to this opportunity.
    pub opportunity: Option<OpportunityId>,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Who reads.
    pub viewer: Viewer,
}

impl ReadQuery {
    /// A whole stream, without filters.
    pub fn new(stream: Stream, from: ReadFrom, limit: usize, viewer: Viewer) -> ReadQuery {
        ReadQuery {
            stream,
            from,
            limit,
            opportunity: None,
            filters: Vec::new(),
            viewer,
        }
    }
}

/// Which single record to read, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOne {
    /// The kind of record.
    pub stream: Stream,
    /// Lever's id, not empty; of an application form, that of its posting.
    pub id: String,
    /// The opportunity it belongs to; required live for what belongs to one.
    pub opportunity: Option<OpportunityId>,
    /// Where from.
    pub from: ReadFrom,
    /// Who reads.
    pub viewer: Viewer,
}

impl Engine {
    /// One page of a stream.
    ///
    /// `after` is what the page before gave as `next`, from the same source.
    ///
    /// # Errors
    /// Not found; invalid for a filter only Lever can answer and for a list Lever does not have; precondition for a
    /// stream that is not kept, forbidden, or not read yet; Lever's refusals when live.
    pub async fn read_page(
        &self,
        id: ConnectionId,
        query: &ReadQuery,
        after: Option<String>,
    ) -> Result<ReadPage> {
        let sight = self.sight(id, query.viewer)?;
        match query.from {
            ReadFrom::Mirror => mirror::page(&sight, query, after).await,
            ReadFrom::Lever => live::page(&sight, query, after).await,
        }
    }

    /// One record, and how new it is.
    ///
    /// # Errors
    /// As [`Engine::read_page`], and not found for an unknown record.
    pub async fn read_one(
        &self,
        id: ConnectionId,
        wanted: &ReadOne,
    ) -> Result<(RawRecord, Option<Timestamp>)> {
        let sight = self.sight(id, wanted.viewer)?;
        let opportunity = wanted.opportunity.as_ref();
        match wanted.from {
            ReadFrom::Mirror => mirror::one(&sight, wanted.stream, &wanted.id, opportunity).await,
            ReadFrom::Lever => {
                let now = self.shared.clock.now();
                let record = live::one(&sight, wanted.stream, &wanted.id, opportunity).await?;
                Ok((record, Some(now)))
            }
        }
    }

    /// The present moment, as this engine counts time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// What a caller may see of a connection.
    pub(crate) fn sight(&self, id: ConnectionId, viewer: Viewer) -> Result<Sight<'_>> {
        let link = self.link(id)?;
        Ok(Sight {
            engine: self,
            connection: link.connection(),
            link,
            viewer,
        })
    }

    /// Whether a connection shows confidential records to those who may see them: its key can see them too.
    pub fn shows_confidential(&self, id: ConnectionId) -> bool {
        !self.link(id).is_ok_and(|link| link.access.hides())
    }
}
