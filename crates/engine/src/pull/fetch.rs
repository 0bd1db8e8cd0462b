//! Reads one page of a listing from Lever.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::cursor::{DATE_SLACK, OVERLAP, Pass};
use domain::{Connection, Listing, Part, Stream, Timestamp};
use lever::{
    Answer, Any, Client, Endpoint, ErrorKind, Lane, ListEndpoint, Offset, Page, StageId, registry,
};
use store::Deleted;

use super::inbound::{self, InboundStages};
use super::kept::{Keeping, List, Read, Unread};
use super::page::{self, Content};
use super::request::{self, AsTheyCome, Parts};
use crate::access::{Access, Confidential};
use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::skew::Moment;

/// One page as read from Lever, ready to be committed.
pub(super) struct Fetched {
    pub(super) content: Content,
    pub(super) deleted: Vec<Deleted>,
    pub(super) next: Option<Offset>,
    /// When Lever answered, by its own clock, or a little earlier; for a window that was cut short, its end.
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
    /// For the pass over them: the inbound stages as they were when it began.
    inbound: Option<InboundStages>,
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
        let inbound = match listing {
            Listing::InboundApplicants => Some(InboundStages::present(shared, link).await?),
            _ => None,
        };
        Ok(Self {
            shared,
            link,
            listing,
            parts,
            inbound,
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

    /// The stages that a pass over the inbound ones asks for.
    pub(super) fn inbound(&self) -> Option<&InboundStages> {
        self.inbound.as_ref()
    }

    /// Reads the page that `pass` names; a pause of the key is waited for.
    pub(super) async fn fetch(&self, pass: &Pass) -> Result<Fetched, Unread> {
        loop {
            match self.fetch_now(pass).await {
                Err(unread) if unread.meets_a_pause() => self.link.outlast_pause().await,
                fetched => return fetched,
            }
        }
    }

    async fn fetch_now(&self, pass: &Pass) -> Result<Fetched, Unread> {
        let sent = Moment::now(&self.shared.clock);
        let window = Window::of(self.listing, pass);
        let (content, deleted, next, date) = match self.listing {
            Listing::Opportunities
            | Listing::OpportunitySweep
            | Listing::InboundApplicants
            | Listing::StageMoves => self.fetch_opportunities(pass).await?,
            deletions if deletions.tells_deletions() => self.fetch_deleted(pass, &window).await?,
            _ => self.fetch_account(pass).await?,
        };
        let received = Moment::now(&self.shared.clock);
        let requested_at = self.link.answered(date, sent, received);
        let lever_now = window.reached(date.unwrap_or(requested_at).minus(DATE_SLACK));
        Ok(Fetched {
            content,
            deleted,
            next,
            lever_now,
            requested_at,
        })
    }

    async fn fetch_opportunities(&self, pass: &Pass) -> Result<Parsed, Unread> {
        let connection = self.link.connection();
        let access = self.link.access.present();
        let lane = request::opportunity_lane(self.listing, pass);
        let client = self.link.client(lane);
        let answer = self
            .with_confidential(access, |confidential| {
                let list = request::opportunities(&connection, pass, &self.parts, confidential);
                let list = match (self.listing, &self.inbound) {
                    (Listing::OpportunitySweep, _) => request::whole(list),
                    (Listing::StageMoves, _) => request::by_entry(list),
                    (_, Some(stages)) => request::in_stages(list, &stages.asked),
                    _ => list,
                };
                answered(&client, AsTheyCome(list))
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

    async fn fetch_deleted(&self, pass: &Pass, window: &Window) -> Result<Parsed, Unread> {
        let list = match self.listing {
            Listing::DeletedApplications => &registry::LIST_DELETED_APPLICATIONS,
            Listing::DeletedPostings => &registry::LIST_DELETED_POSTINGS,
            _ => &registry::LIST_DELETED_OPPORTUNITIES,
        };
        let list = List::of_account(list)
            .with("deleted_at_start", Some(window.start))
            .with("deleted_at_end", window.end);
        let read = list
            .page(&self.link.client(Lane::Follow), pass.offset())
            .await?;
        let next = read.value.next.clone();
        let stream = self.listing.stream();
        let (content, deleted) = page::deleted_page(
            &self.link.connection(),
            stream,
            read.value,
            self.shared.clock.now(),
        );
        Ok((content, deleted, next, read.date))
    }

    async fn fetch_account(&self, pass: &Pass) -> Result<Parsed, Unread> {
        let offset = pass.offset().cloned();
        let connection = self.link.connection();
        let access = self.link.access.present();
        let client = self.link.client(Lane::Follow);
        let first = self.link.client(Lane::Inbound);
        let now = self.shared.clock.now();
        let rank = self.read.load(Ordering::Relaxed);
        let parsed = match self.listing {
            Listing::Users => {
                account(
                    &connection,
                    &client,
                    &request::users(offset),
                    Stream::Users,
                    rank,
                    now,
                )
                .await?
            }
            Listing::Stages => {
                account(
                    &connection,
                    &first,
                    &request::stages(offset),
                    Stream::Stages,
                    rank,
                    now,
                )
                .await?
            }
            Listing::ArchiveReasons => {
                let list = request::archive_reasons(offset);
                account(
                    &connection,
                    &first,
                    &list,
                    Stream::ArchiveReasons,
                    rank,
                    now,
                )
                .await?
            }
            Listing::Tags => {
                account(
                    &connection,
                    &client,
                    &request::tags(offset),
                    Stream::Tags,
                    rank,
                    now,
                )
                .await?
            }
            Listing::Sources => {
                let first_page = offset.is_none();
                let answer = client.answer(&request::sources(offset)).await?;
                let next = answer.value.next.clone();
                let counts = answer.value.records.iter().flatten();
                let candidates = counts
                    .filter_map(|source| u64::try_from(source.value.count?).ok())
                    .fold(0, u64::saturating_add);
                self.link.saw_source_counts(candidates, first_page);
                let content =
                    page::account_page(&connection, Stream::Sources, answer.value, rank, now);
                (content, Vec::new(), next, answer.date)
            }
            Listing::Postings => {
                let answer = self
                    .with_confidential(access, |confidential| {
                        answered(&client, request::postings(confidential, offset.clone()))
                    })
                    .await?;
                let next = answer.value.next.clone();
                let content =
                    page::account_page(&connection, Stream::Postings, answer.value, rank, now);
                (content, Vec::new(), next, answer.date)
            }
            _ => self.fetch_kept(access, &client, pass, now).await?,
        };
        let read = u32::try_from(parsed.0.records.len()).unwrap_or(u32::MAX);
        self.read.fetch_add(read, Ordering::Relaxed);
        Ok(parsed)
    }

    /// A list of the account whose records are kept as they come.
    async fn fetch_kept(
        &self,
        access: Access,
        client: &Client,
        pass: &Pass,
        now: Timestamp,
    ) -> Result<Parsed, Unread> {
        let list = match self.listing {
            Listing::RequisitionFields => List::of_account(&registry::LIST_REQUISITION_FIELDS),
            Listing::FeedbackTemplates => List::of_account(&registry::LIST_FEEDBACK_TEMPLATES),
            Listing::FormTemplates => List::of_account(&registry::LIST_FORM_TEMPLATES),
            // Without a bound Lever shows the last week only.
            Listing::EeoResponses => List::of_account(&registry::LIST_EEO_RESPONSES_PII)
                .with("created_at_start", Some(0)),
            _ => {
                let list = List::of_account(&registry::LIST_REQUISITIONS);
                let read = self.with_confidential(access, |confidential| {
                    let filter = request::confidentiality(confidential);
                    let list = list.clone().with("confidentiality", filter);
                    async move { list.page(client, pass.offset()).await }
                });
                return Ok(self.kept(read.await?, now));
            }
        };
        let read = list.page(client, pass.offset()).await?;
        Ok(self.kept(read, now))
    }

    fn kept(&self, read: Read<Page<Any>>, now: Timestamp) -> Parsed {
        let connection = self.link.connection();
        let keeping = Keeping {
            connection: &connection,
            stream: self.listing.stream(),
            parent: None,
            now,
        };
        let next = read.value.next.clone();
        (keeping.page(read.value), Vec::new(), next, read.date)
    }

    /// Reads confidential records too until Lever refuses; then without them (design.md, "Pull").
    ///
    /// `access` was taken before the client that `read` uses.
    async fn with_confidential<T, F>(
        &self,
        access: Access,
        read: impl Fn(Confidential) -> F,
    ) -> Result<T, Unread>
    where
        F: Future<Output = Result<T, Unread>>,
    {
        let untold = access.confidential == Confidential::Unknown;
        let (answer, sees) = match read(access.confidential).await {
            Err(Unread::Lever(error)) if untold && is_forbidden(&error) => {
                (read(Confidential::Denied).await?, false)
            }
            answer => (answer?, true),
        };
        if untold {
            let (store, id) = (&self.shared.store, self.link.id());
            let now = self.shared.clock.now();
            self.link.access.learn(store, id, access, sees, now).await;
        }
        Ok(answer)
    }
}

async fn answered<E: Endpoint>(client: &Client, request: E) -> Result<Answer<E::Reply>, Unread> {
    Ok(client.answer(&request).await?)
}

fn is_forbidden(error: &lever::Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden { .. })
}

type Parsed = (Content, Vec<Deleted>, Option<Offset>, Option<Timestamp>);

async fn account<E>(
    connection: &Connection,
    client: &Client,
    request: &E,
    stream: Stream,
    first_rank: u32,
    now: Timestamp,
) -> Result<Parsed, Unread>
where
    E: ListEndpoint,
    E::Item: page::Keyed,
{
    let answer: Answer<Page<E::Item>> = client.answer(request).await?;
    let next = answer.value.next.clone();
    Ok((
        page::account_page(connection, stream, answer.value, first_rank, now),
        Vec::new(),
        next,
        answer.date,
    ))
}

/// The span of time a pass over deletions asks for; the same for all its pages.
struct Window {
    start: Timestamp,
    /// None for "until now".
    end: Option<Timestamp>,
}

impl Window {
    fn of(listing: Listing, pass: &Pass) -> Window {
        let since = match pass {
            Pass::Follow { since, .. } => *since,
            Pass::Backfill { .. } => Timestamp::default(),
        };
        let start = since.minus(OVERLAP);
        Window {
            start,
            end: listing.longest_window().map(|longest| start.plus(longest)),
        }
    }

    /// Up to when the window tells everything: after a long standstill, not yet up to now.
    fn reached(&self, lever_now: Timestamp) -> Timestamp {
        self.end.map_or(lever_now, |end| end.min(lever_now))
    }
}

/// Splits the stages Lever lists into those that the first walk begins with and the rest.
async fn parts(shared: &Shared, link: &Link) -> Result<Parts> {
    let first = inbound::first_stages(&link.connection());
    let stages = crate::mapping::stages(shared, link.id()).await?;
    let (inbound, rest): (Vec<StageId>, Vec<StageId>) = stages
        .into_iter()
        .map(|stage| stage.id)
        .partition(|stage| first.contains(stage));
    Ok(Parts { inbound, rest })
}
