//! One pass over one listing, page by page.

use domain::cursor::Pass;
use domain::{Cursor, Listing, Part, Stream, Timestamp};
use store::Deleted;

use super::fetch::{Fetched, Fetcher};
use super::page::Content;
use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::link::{Confidential, Link};

/// How often a pass may start again because Lever refused an offset.
const MAX_REWINDS: u32 = 5;

/// How a pass went.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Walked {
    pub(super) pages: u64,
    pub(super) records: u64,
    pub(super) changes: u64,
    /// When the pass began, by Lever's clock: the mirror shows everything up to then.
    pub(super) began: Timestamp,
}

/// Walks a listing until its pass has ended.
///
/// While a page is being committed the next one is already being read.
pub(super) async fn walk(shared: &Shared, link: &Link, listing: Listing) -> Result<Walked> {
    let walk = Walk::new(shared, link, listing).await?;
    walk.run().await
}

struct Walk<'a> {
    shared: &'a Shared,
    link: &'a Link,
    listing: Listing,
    fetcher: Fetcher<'a>,
    /// When this process began the pass; none when it goes on with one begun before a restart.
    started: Option<Timestamp>,
}

impl<'a> Walk<'a> {
    async fn new(shared: &'a Shared, link: &'a Link, listing: Listing) -> Result<Self> {
        Ok(Self {
            shared,
            link,
            listing,
            fetcher: Fetcher::new(shared, link, listing).await?,
            started: None,
        })
    }

    async fn run(mut self) -> Result<Walked> {
        let mut walked = Walked::default();
        let mut rewinds = 0;
        let mut cursor = self
            .shared
            .store
            .cursor(self.link.id(), self.listing)
            .await?;
        let begins = cursor.idle();
        let mut pass = self.next(&cursor);
        self.check_room(&pass)?;
        let mut fetched = self.fetcher.fetch(&pass).await;
        loop {
            let page = match fetched {
                Ok(page) => page,
                Err(error) if error.is_invalid_offset() && rewinds < MAX_REWINDS => {
                    rewinds += 1;
                    tracing::info!(connection = %self.link.id(), listing = %self.listing, "offset expired, pass begins again");
                    cursor = self.move_cursor(&cursor, cursor.rewound()).await?;
                    pass = self.next(&cursor);
                    fetched = self.fetcher.fetch(&pass).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if pass.stands_still(page.next.as_ref()) {
                return Err(Error::unavailable(
                    "Lever's list names the same page again and again: the pass was given up",
                ));
            }
            let next = cursor.after(&pass, page.next.clone(), page.lever_now);
            if begins && walked.pages == 0 {
                self.started = Some(page.requested_at);
            }
            walked.pages += 1;
            walked.records += (page.content.records.len() + page.deleted.len()) as u64;
            if next.idle() {
                walked.began = next.as_of().unwrap_or_default();
                walked.changes += self.commit(&cursor, &next, page).await?;
                // The walk of everything is repaired by a follow pass at once (design.md, "Pull").
                let repair = self.listing == Listing::Opportunities && !next.complete();
                if !repair {
                    self.retire().await?;
                    return Ok(walked);
                }
                pass = self.next(&next);
                fetched = self.fetcher.fetch(&pass).await;
            } else {
                pass = self.next(&next);
                self.check_room(&pass)?;
                let (committed, read) =
                    tokio::join!(self.commit(&cursor, &next, page), self.fetcher.fetch(&pass));
                walked.changes += committed?;
                fetched = read;
            }
            cursor = next;
        }
    }

    /// What to ask next: account lists and the sweep are read whole each time.
    fn next(&self, cursor: &Cursor) -> Pass {
        match self.listing {
            Listing::Opportunities => cursor.next(self.fetcher.first_part()),
            Listing::DeletedOpportunities => match cursor.next(Part::All) {
                Pass::Backfill { .. } => Pass::Follow {
                    since: self.link.connection().created_at,
                    offset: None,
                },
                follow => follow,
            },
            _ if cursor.idle() => Cursor::New.next(Part::All),
            _ => cursor.next(Part::All),
        }
    }

    async fn commit(&self, from: &Cursor, to: &Cursor, page: Fetched) -> Result<u64> {
        let content = self.in_scope(page.content).await?;
        let deleted = self.with_belongings(page.deleted).await?;
        let applied = self
            .shared
            .store
            .apply(store::Page {
                connection: self.link.id(),
                listing: self.listing,
                expected: from.clone(),
                next: to.clone(),
                requested_at: page.requested_at,
                now: self.shared.clock.now(),
                records: content.records,
                deleted,
                quarantined: content.quarantined,
            })
            .await?;
        metrics::counter!("fulcrum_pull_records_total", "listing" => self.listing.name(), "result" => "created")
            .increment(applied.created);
        metrics::counter!("fulcrum_pull_records_total", "listing" => self.listing.name(), "result" => "updated")
            .increment(applied.updated);
        if applied.quarantined > 0 {
            tracing::warn!(
                connection = %self.link.id(), listing = %self.listing, records = applied.quarantined,
                "records could not be read and are in quarantine"
            );
        }
        self.link.moved();
        Ok(applied.created + applied.updated + applied.deleted)
    }

    async fn move_cursor(&self, from: &Cursor, to: Cursor) -> Result<Cursor> {
        let now = self.shared.clock.now();
        let page = Fetched {
            content: Content::default(),
            deleted: Vec::new(),
            next: None,
            lever_now: now,
            requested_at: now,
        };
        self.commit(from, &to, page).await?;
        Ok(to)
    }

    /// Leaves out what the settings leave out, unless the mirror has it: then its new state must be seen.
    async fn in_scope(&self, content: Content) -> Result<Content> {
        let connection = self.link.connection();
        if connection.include_archived && connection.include_snoozed {
            return Ok(content);
        }
        let now = self.shared.clock.now();
        let mut kept = Content {
            records: Vec::new(),
            quarantined: content.quarantined,
        };
        let mut keep = true;
        for record in content.records {
            if let Some(candidacy) = &record.candidacy {
                let wanted = (connection.include_archived || candidacy.active())
                    && (connection.include_snoozed || !candidacy.snoozed(now));
                keep = wanted
                    || self
                        .shared
                        .store
                        .candidacy(connection.id, &candidacy.opportunity)
                        .await?
                        .is_some();
            }
            // Applications and contacts follow their opportunity in the page.
            if keep {
                kept.records.push(record);
            }
        }
        Ok(kept)
    }

    /// A deleted opportunity takes its applications with it, and its contact if that has no other opportunity.
    async fn with_belongings(&self, mut deleted: Vec<Deleted>) -> Result<Vec<Deleted>> {
        let store = &self.shared.store;
        for gone in deleted.clone() {
            let record = store.record(self.link.id(), gone.stream, &gone.id).await?;
            let document = record
                .and_then(|record| serde_json::from_str::<lever::Opportunity>(&record.raw).ok());
            let Some(document) = document else { continue };
            deleted.extend(document.applications.iter().map(|application| Deleted {
                stream: Stream::Applications,
                id: application.as_str().to_owned(),
                at: gone.at,
            }));
            let Some(contact) = document.contact else {
                continue;
            };
            let others = store
                .opportunities_of_contact(self.link.id(), &contact)
                .await?;
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

    /// After a whole walk of an account list, what was not seen is gone.
    ///
    /// A key without access to confidential postings does not see them: it hides them, and buries none.
    async fn retire(&self) -> Result<()> {
        if self.listing == Listing::Postings && self.link.confidential() != Confidential::Allowed {
            return Ok(());
        }
        if let (true, Some(started)) = (Listing::ACCOUNT.contains(&self.listing), self.started) {
            let now = self.shared.clock.now();
            self.shared
                .store
                .retire_unseen(self.link.id(), self.listing.stream(), started, now)
                .await?;
        }
        Ok(())
    }

    /// History waits while the disk is nearly full; what changes today does not (reliability.md 1.7).
    fn check_room(&self, pass: &Pass) -> Result<()> {
        let history = matches!(
            pass,
            Pass::Backfill {
                part: Part::Rest | Part::All,
                ..
            }
        );
        if history
            && self.listing.stream() == Stream::Opportunities
            && !self.shared.store.backfill_allowed()
        {
            return Err(Error::exhausted(
                "the disk of the service is nearly full: the import waits until space is freed",
            ));
        }
        Ok(())
    }
}
