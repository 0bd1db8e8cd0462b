//! Reads one page of a listing from Lever.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::cursor::{DATE_SLACK, Pass};
use domain::stage_mapping::StageMapping;
use domain::{Listing, Part, Stream, Timestamp};
use lever::{Answer, Client, Endpoint, ErrorKind, Lane, ListEndpoint, Offset, Page, StageId};
use store::Deleted;

use super::page::{self, Content};
use super::request::{self, Parts};
use crate::engine::Shared;
use crate::error::Result;
use crate::link::{Confidential, Link};

/// One page as read from Lever, ready to be committed.
pub(super) struct Fetched {
    pub(super) content: Content,
    pub(super) deleted: Vec<Deleted>,
    pub(super) next: Option<Offset>,
    /// When Lever answered, by its own clock, or a little earlier.
    pub(super) lever_now: Timestamp,
    /// When the request was sent, by Lever's clock.
    pub(super) requested_at: Timestamp,
}

/// Reads the pages of one pass.
pub(super) struct Fetcher<'a> {
    shared: &'a Shared,
    link: &'a Link,
    listing: Listing,
    parts: Parts,
    /// Records of an account list read so far: the place of the next one in Lever's order.
    /// A list whose order counts (stages) fits one page, so that no restart falls between two of its pages.
    read: AtomicU32,
}

impl<'a> Fetcher<'a> {
    pub(super) async fn new(shared: &'a Shared, link: &'a Link, listing: Listing) -> Result<Self> {
        let parts = match listing {
            Listing::Opportunities => parts(shared, link).await?,
            _ => Parts::default(),
        };
        Ok(Self {
            shared,
            link,
            listing,
            parts,
            read: AtomicU32::new(0),
        })
    }

    /// The part a walk of everything begins with.
    pub(super) fn first_part(&self) -> Part {
        if self.parts.inbound.is_empty() || self.parts.rest.is_empty() {
            Part::All
        } else {
            Part::Inbound
        }
    }

    /// Reads the page that `pass` names.
    pub(super) async fn fetch(&self, pass: &Pass) -> Result<Fetched, lever::Error> {
        let sent = self.shared.clock.now();
        let (content, deleted, next, date) = match self.listing {
            Listing::Opportunities | Listing::OpportunitySweep => {
                self.fetch_opportunities(pass).await?
            }
            Listing::DeletedOpportunities => self.fetch_deleted(pass).await?,
            _ => self.fetch_account(pass).await?,
        };
        self.link.saw_date(date, self.shared.clock.now());
        let requested_at = self.link.lever_time(sent);
        let lever_now = date.unwrap_or(requested_at).minus(DATE_SLACK);
        Ok(Fetched {
            content,
            deleted,
            next,
            lever_now,
            requested_at,
        })
    }

    async fn fetch_opportunities(&self, pass: &Pass) -> Result<Parsed, lever::Error> {
        let connection = self.link.connection();
        let lane = if self.listing == Listing::OpportunitySweep {
            Lane::Sweep
        } else {
            request::opportunity_lane(pass)
        };
        let client = self.link.client(lane);
        let answer = self
            .with_confidential(&client, |confidential| {
                request::opportunities(&connection, pass, &self.parts, confidential)
            })
            .await?;
        let now = self.shared.clock.now();
        let next = answer.value.next.clone();
        Ok((
            page::opportunity_page(&connection, answer.value, now),
            Vec::new(),
            next,
            answer.date,
        ))
    }

    async fn fetch_deleted(&self, pass: &Pass) -> Result<Parsed, lever::Error> {
        let (since, offset) = match pass {
            Pass::Follow { since, offset } => (*since, offset.clone()),
            Pass::Backfill { offset, .. } => (self.link.connection().created_at, offset.clone()),
        };
        let answer = self
            .link
            .client(Lane::Follow)
            .answer(&request::deleted(since, offset))
            .await?;
        let next = answer.value.next.clone();
        let (content, deleted) = page::deleted_page(answer.value, self.shared.clock.now());
        Ok((content, deleted, next, answer.date))
    }

    async fn fetch_account(&self, pass: &Pass) -> Result<Parsed, lever::Error> {
        let offset = match pass {
            Pass::Backfill { offset, .. } | Pass::Follow { offset, .. } => offset.clone(),
        };
        let client = self.link.client(Lane::Follow);
        let first = self.link.client(Lane::Inbound);
        let now = self.shared.clock.now();
        let rank = self.read.load(Ordering::Relaxed);
        let parsed = match self.listing {
            Listing::Users => {
                account(&client, &request::users(offset), Stream::Users, rank, now).await
            }
            Listing::Stages => {
                account(&first, &request::stages(offset), Stream::Stages, rank, now).await
            }
            Listing::ArchiveReasons => {
                account(
                    &first,
                    &request::archive_reasons(offset),
                    Stream::ArchiveReasons,
                    rank,
                    now,
                )
                .await
            }
            Listing::Tags => {
                account(&client, &request::tags(offset), Stream::Tags, rank, now).await
            }
            Listing::Sources => {
                account(
                    &client,
                    &request::sources(offset),
                    Stream::Sources,
                    rank,
                    now,
                )
                .await
            }
            Listing::Postings
            | Listing::Opportunities
            | Listing::DeletedOpportunities
            | Listing::OpportunitySweep => {
                let answer = self
                    .with_confidential(&client, |confidential| {
                        request::postings(confidential, offset.clone())
                    })
                    .await?;
                let next = answer.value.next.clone();
                Ok((
                    page::account_page(Stream::Postings, answer.value, rank, now),
                    Vec::new(),
                    next,
                    answer.date,
                ))
            }
        }?;
        let read = u32::try_from(parsed.0.records.len()).unwrap_or(u32::MAX);
        self.read.fetch_add(read, Ordering::Relaxed);
        Ok(parsed)
    }

    /// Asks for confidential records too until Lever refuses; then without them (design.md, "Pull").
    async fn with_confidential<E: Endpoint>(
        &self,
        client: &Client,
        request: impl Fn(Confidential) -> E,
    ) -> Result<Answer<E::Reply>, lever::Error> {
        let known = self.link.confidential();
        let first = request(known);
        match client.answer(&first).await {
            Err(error)
                if known == Confidential::Unknown
                    && matches!(error.kind(), ErrorKind::Forbidden { .. }) =>
            {
                let without = request(Confidential::Denied);
                let answer = client.answer(&without).await?;
                self.link.set_confidential(Confidential::Denied);
                tracing::info!(connection = %self.link.id(), "the key has no access to confidential records");
                Ok(answer)
            }
            Ok(answer) => {
                if known == Confidential::Unknown {
                    self.link.set_confidential(Confidential::Allowed);
                }
                Ok(answer)
            }
            Err(error) => Err(error),
        }
    }
}

type Parsed = (Content, Vec<Deleted>, Option<Offset>, Option<Timestamp>);

async fn account<E>(
    client: &Client,
    request: &E,
    stream: Stream,
    first_rank: u32,
    now: Timestamp,
) -> Result<Parsed, lever::Error>
where
    E: ListEndpoint,
    E::Item: page::Keyed,
{
    let answer: Answer<Page<E::Item>> = client.answer(request).await?;
    let next = answer.value.next.clone();
    Ok((
        page::account_page(stream, answer.value, first_rank, now),
        Vec::new(),
        next,
        answer.date,
    ))
}

/// Splits the stages Lever lists into the inbound ones and the rest.
///
/// Inbound are those of mapping version 0, whatever was saved since: a walk that goes on after a restart
/// must be split as it was when it began, or people would fall between its parts.
async fn parts(shared: &Shared, link: &Link) -> Result<Parts> {
    let mapping = StageMapping::initial(link.connection().created_at);
    let stages = crate::mapping::stages(shared, link.id()).await?;
    let (inbound, rest): (Vec<StageId>, Vec<StageId>) = stages
        .into_iter()
        .map(|stage| stage.id)
        .partition(|stage| mapping.inbound_stages.contains(stage));
    Ok(Parts { inbound, rest })
}
