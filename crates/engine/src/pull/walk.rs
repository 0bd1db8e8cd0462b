//! One pass over one listing, page by page.

use domain::cursor::Pass;
use domain::{Cursor, Listing, Parent, Part, Stream, Timestamp};
use store::{RunCounts, Secrecy};

use super::fetch::{Fetched, Fetcher};
use super::page::Content;
use super::scope;
use crate::access::Access;
use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::link::Link;

/// How often a pass may start again because Lever refused an offset.
const MAX_REWINDS: u32 = 5;

/// How far a pass came.
#[derive(Debug, Default, Clone)]
pub(super) struct Walked {
    pub(super) pages: u64,
    /// Requests for pages, also those that were refused.
    pub(super) requests: u64,
    pub(super) records: u64,
    pub(super) counts: RunCounts,
    /// Whether it began as one over everything; none before that was known.
    pub(super) whole: Option<bool>,
    /// The cursor before it, and the one after what was committed last.
    pub(super) cursors: Option<(Cursor, Cursor)>,
    /// When the pass began, by Lever's clock: the mirror shows everything up to then.
    pub(super) began: Timestamp,
    /// When this process began the pass.
    pub(super) started: Option<Timestamp>,
    /// What was known then of what the key may see.
    pub(super) access: Access,
    /// The same, if it is known of every record which one it is: what was not seen since is gone.
    pub(super) whole_since: Option<Timestamp>,
    /// Whether a record of this list could not be read, not even its id.
    pub(super) unread: bool,
}

impl Walked {
    /// Notes the cursor after a page.
    fn reach(&mut self, cursor: &Cursor) {
        if let Some((_, after)) = &mut self.cursors {
            after.clone_from(cursor);
        }
    }
}

/// Walks a listing until its pass has ended, and notes how far it came, also where it fails.
///
/// While a page is being committed the next one is already being read.
pub(super) async fn walk(
    shared: &Shared,
    link: &Link,
    listing: Listing,
    walked: &mut Walked,
) -> Result<()> {
    walked.access = link.access.present();
    let walk = Walk::new(shared, link, listing).await?;
    walk.run(walked).await
}

/// Buries the records of a stream that no request since `started` has brought; tells how many.
///
/// Only after a walk of everything that began then, with the key of `asked`, has ended well. Confidential records go
/// only if that key read every page, and sees them.
pub(super) async fn retire_unseen(
    shared: &Shared,
    link: &Link,
    stream: Stream,
    started: Timestamp,
    asked: Access,
) -> Result<u64> {
    let sees_all = link.access.sees_all_since(asked);
    let spared: Option<fn(&str) -> Secrecy> =
        (!sees_all).then_some(crate::read::secrecy as fn(&str) -> Secrecy);
    let now = shared.clock.now();
    let store = &shared.store;
    // Of who found no room in quarantine nobody knows that they are there.
    if store.quarantine_count(link.id()).await?.dropped > 0 {
        return Ok(0);
    }
    let retired = store
        .retire_unseen(link.id(), stream, started, now, spared)
        .await?;
    if retired > 0 {
        tracing::info!(connection = %link.id(), %stream, records = retired, "gone from Lever's list");
    }
    Ok(retired)
}

/// Removes from quarantine what no request since `started` has brought of the streams that a listing brings.
///
/// Only after a walk of everything that began then has ended well.
pub(super) async fn release_unseen(
    shared: &Shared,
    link: &Link,
    listing: Listing,
    started: Timestamp,
) -> Result<()> {
    let lifted = [Stream::Applications, Stream::Contacts];
    let lifted = lifted
        .iter()
        .filter(|_| listing.stream() == Stream::Opportunities);
    for stream in [listing.stream()].iter().chain(lifted) {
        let released = shared
            .store
            .release_unseen(link.id(), *stream, started)
            .await?;
        if released > 0 {
            tracing::info!(
                connection = %link.id(), %stream, records = released,
                "left quarantine: Lever's list no longer has them"
            );
        }
    }
    Ok(())
}

/// Up to when the listing over everybody has read the inbound stages, where that is of use.
///
/// Should it have begun anew just now, what changed since the account was linked is more than enough.
async fn read_until(shared: &Shared, link: &Link, listing: Listing) -> Result<Timestamp> {
    if !Listing::INBOUND.contains(&listing) {
        return Ok(Timestamp::default());
    }
    let main = shared
        .store
        .cursor(link.id(), Listing::Opportunities)
        .await?;
    let linked = link.connection().created_at;
    Ok(main.inbound_since().unwrap_or(linked))
}

struct Walk<'a> {
    shared: &'a Shared,
    link: &'a Link,
    listing: Listing,
    fetcher: Fetcher<'a>,
    /// When this process began the pass; none when it goes on with one begun before a restart.
    started: Option<Timestamp>,
    /// Whether the pass is one over everything.
    of_everything: bool,
    /// Up to when the listing over everybody has read the inbound stages, for the passes over these.
    read_until: Timestamp,
}

impl<'a> Walk<'a> {
    async fn new(shared: &'a Shared, link: &'a Link, listing: Listing) -> Result<Self> {
        Ok(Self {
            shared,
            link,
            listing,
            fetcher: Fetcher::new(shared, link, listing).await?,
            started: None,
            of_everything: false,
            read_until: read_until(shared, link, listing).await?,
        })
    }

    async fn run(mut self, walked: &mut Walked) -> Result<()> {
        let mut rewinds = 0;
        let mut cursor = self
            .shared
            .store
            .cursor(self.link.id(), self.listing)
            .await?;
        walked.cursors = Some((cursor.clone(), cursor.clone()));
        cursor = self.with_stages(cursor).await?;
        let begins = cursor.at_the_beginning();
        let mut pass = self.next(&cursor);
        walked.whole = Some(matches!(pass, Pass::Backfill { .. }));
        self.check_room(&pass)?;
        walked.requests += 1;
        let mut fetched = self.fetcher.fetch(&pass).await;
        loop {
            let page = match fetched {
                Ok(page) => page,
                Err(error) if error.is_invalid_offset() && rewinds < MAX_REWINDS => {
                    rewinds += 1;
                    tracing::info!(connection = %self.link.id(), listing = %self.listing, "offset expired, pass begins again");
                    cursor = self.move_cursor(&cursor, cursor.rewound()).await?;
                    pass = self.next(&cursor);
                    walked.requests += 1;
                    fetched = self.fetcher.fetch(&pass).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if pass.stands_still(page.next.as_ref()) {
                return Err(Error::unavailable(
                    "Lever's list names a page as its own next one: the pass was given up, and goes on by itself later",
                ));
            }
            let next = cursor.after(&pass, page.next.clone(), page.lever_now);
            if begins && walked.pages == 0 {
                self.started = Some(page.requested_at);
                self.of_everything = matches!(pass, Pass::Backfill { .. });
            }
            // Should Lever's clock be set back during the walk, no page of it was asked for before it began.
            self.started = self.started.map(|began| began.min(page.requested_at));
            // Who has no id may be anybody; who has one is known to be there. A contact that is missing says nothing of
            // who is there.
            let may_be_anybody = |set_aside: &store::Quarantined| {
                set_aside.stream == self.listing.stream() && set_aside.id.is_none()
            };
            walked.unread |= page.content.quarantined.iter().any(may_be_anybody);
            walked.started = self.started;
            walked.whole_since = self.started.filter(|_| !walked.unread);
            walked.pages += 1;
            let records = (page.content.records.len() + page.deleted.len()) as u64;
            walked.records += records;
            let own = |record: &&store::Incoming| record.stream == self.listing.stream();
            let listed = page.content.records.iter().filter(own).count() as u64;
            self.link.passes.page(self.listing, records, listed);
            if next.idle() {
                walked.began = next.as_of().unwrap_or_default();
                walked.counts += self.commit(&cursor, &next, page).await?;
                walked.reach(&next);
                // The walk of everything is repaired by a follow pass at once (design.md, "Pull").
                let repair = self.listing == Listing::Opportunities && !next.complete();
                if !repair {
                    self.release().await?;
                    walked.counts.deleted += self.retire(walked).await?;
                    return Ok(());
                }
                pass = self.next(&next);
                walked.requests += 1;
                fetched = self.fetcher.fetch(&pass).await;
            } else {
                pass = self.next(&next);
                self.check_room(&pass)?;
                walked.requests += 1;
                let (committed, read) =
                    tokio::join!(self.commit(&cursor, &next, page), self.fetcher.fetch(&pass));
                walked.counts += committed?;
                walked.reach(&next);
                fetched = read;
            }
            cursor = next;
        }
    }

    /// What to ask next: account lists and the sweep are read whole each time.
    fn next(&self, cursor: &Cursor) -> Pass {
        match self.listing {
            Listing::Opportunities => cursor.next(self.fetcher.first_part()),
            inbound if Listing::INBOUND.contains(&inbound) => cursor.next_from(self.read_until),
            deletions if deletions.tells_deletions() => match cursor.next(Part::All) {
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

    /// A pass over other inbound stages than the one before begins from where everybody was read: what changed since
    /// in a stage that is new among them was not asked for.
    async fn with_stages(&self, cursor: Cursor) -> Result<Cursor> {
        let Some(stages) = self.fetcher.inbound() else {
            return Ok(cursor);
        };
        if self.link.followed.are(stages) {
            return Ok(cursor);
        }
        let anew = Cursor::following(self.read_until);
        if cursor != anew {
            self.move_cursor(&cursor, anew.clone()).await?;
        }
        self.link.followed.begin(stages.clone());
        Ok(anew)
    }

    async fn commit(&self, from: &Cursor, to: &Cursor, page: Fetched) -> Result<RunCounts> {
        let content = self.in_scope(page.content).await?;
        let deleted = scope::with_belongings(self.shared, self.link, page.deleted).await?;
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
                policy: super::policy::policy_of(self.shared, self.link, self.listing),
            })
            .await?;
        self.note_planned(applied.planned);
        metrics::counter!(crate::figures::PULL_RECORDS.name, "listing" => self.listing.name(), "result" => "created")
            .increment(applied.created);
        metrics::counter!(crate::figures::PULL_RECORDS.name, "listing" => self.listing.name(), "result" => "updated")
            .increment(applied.updated);
        if applied.quarantined > 0 {
            tracing::warn!(
                connection = %self.link.id(), listing = %self.listing, records = applied.quarantined,
                "records could not be read and are in quarantine"
            );
        }
        self.link.moved();
        Ok(applied.into())
    }

    fn note_planned(&self, planned: u64) {
        if planned == 0 {
            return;
        }
        if self.listing == Listing::OpportunitySweep {
            let now = self.link.lever_now(&self.shared.clock);
            self.link.count_rechecks(now, planned);
        }
        self.link.hydrate_now.notify_one();
    }

    async fn move_cursor(&self, from: &Cursor, to: Cursor) -> Result<Cursor> {
        let now = self.link.lever_now(&self.shared.clock);
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
        let mut kept = Content {
            records: Vec::new(),
            quarantined: content.quarantined,
        };
        let mut keep = true;
        for record in content.records {
            if let Some(candidacy) = &record.candidacy {
                keep = scope::keeps(self.shared, self.link, candidacy).await?;
                let inside = Some(Parent::Opportunity(candidacy.opportunity.clone()));
                kept.quarantined
                    .retain(|aside| keep || aside.parent != inside);
            }
            // Applications and contacts follow their opportunity in the page.
            if keep {
                kept.records.push(record);
            }
        }
        Ok(kept)
    }

    /// After a whole walk, what is in quarantine of this list and did not come again goes.
    ///
    /// For the sweep that waits until who moved meanwhile was seen.
    async fn release(&self) -> Result<()> {
        match self.started.filter(|_| self.of_everything) {
            Some(started) if self.listing != Listing::OpportunitySweep => {
                release_unseen(self.shared, self.link, self.listing, started).await
            }
            _ => Ok(()),
        }
    }

    /// After a whole walk of an account list, what was not seen is gone (X10).
    ///
    /// A key without access to confidential records does not see them: it hides them, and buries none.
    async fn retire(&self, walked: &Walked) -> Result<u64> {
        match walked.whole_since {
            Some(started) if Listing::ACCOUNT.contains(&self.listing) => {
                let stream = self.listing.stream();
                retire_unseen(self.shared, self.link, stream, started, walked.access).await
            }
            _ => Ok(0),
        }
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
