//! What a pull did, and when it is to do more.

use std::collections::{BTreeMap, BTreeSet};

use domain::cursor::OVERLAP;
use domain::hydration::Policy;
use domain::{ConnectionId, Cursor, Listing, OperationId, Schedule, Stream, Timestamp, excluded};
use lever::registry::{self, Access, Operation};
use store::{ApiCall, CallFilter, CallMark, Quarantined, Run, RunCause, RunFilter};

use crate::call::{unknown, written};
use crate::engine::Engine;
use crate::error::{Error, Result, STREAM_MOVED};
use crate::link::Link;
use crate::permissions::home;
use crate::pull::listing_of;
use crate::settings::PullSettings;
use crate::status::SyncStatus;
use crate::traffic;

/// One page of calls to Lever.
#[derive(Debug, Clone)]
pub struct ApiCallPage {
    /// Newest first.
    pub calls: Vec<ApiCall>,
    /// Where the next page begins; none when there are no more.
    pub next: Option<CallMark>,
    /// Those of the operations they were made for that are items of bulks.
    pub items: BTreeSet<OperationId>,
}

/// When a list is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSchedule {
    /// When.
    pub schedule: Schedule,
    /// Whether nobody has set it.
    pub is_default: bool,
}

impl StreamSchedule {
    pub(crate) fn of(
        listing: Listing,
        set: &BTreeMap<Listing, Schedule>,
        settings: &PullSettings,
    ) -> StreamSchedule {
        let own = set.get(&listing).cloned();
        StreamSchedule {
            is_default: own.is_none(),
            schedule: own.unwrap_or(Schedule::Interval(settings.interval(listing))),
        }
    }
}

/// What is read on a schedule, and has passes to tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduled {
    /// The list of a stream.
    Stream(Stream),
    /// The inbound stages on their own.
    InboundApplicants,
}

impl Scheduled {
    /// What has that name: a stream, or `inbound_applicants`.
    pub fn from_name(name: &str) -> Option<Scheduled> {
        if name == Listing::InboundApplicants.name() {
            return Some(Scheduled::InboundApplicants);
        }
        Stream::from_name(name).map(Scheduled::Stream)
    }

    /// All names that [`Scheduled::from_name`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let streams = Stream::ALL.iter().map(|stream| stream.name());
        streams.chain([Listing::InboundApplicants.name()])
    }

    /// The name of its passes. What arrives inside opportunities is read by theirs.
    fn passes(self) -> &'static str {
        match self {
            Scheduled::InboundApplicants => Listing::InboundApplicants.name(),
            Scheduled::Stream(stream) => listing_of(stream).map_or(stream.name(), Listing::name),
        }
    }

    /// The listing whose schedule it is.
    fn listing(self) -> Result<Listing> {
        match self {
            Scheduled::InboundApplicants => Ok(Listing::InboundApplicants),
            Scheduled::Stream(stream) => own_listing(stream),
        }
    }
}

/// Where a list of runs goes on: the beginning and the listing of the last one given.
pub type RunMark = (Timestamp, String);

/// Where a list of records in quarantine goes on: the name of the last one given.
pub type QuarantineMark = [u8; 17];

impl Engine {
    /// Passes that ended, newest first, of one list or of all.
    ///
    /// # Errors
    /// Not found.
    pub async fn runs(
        &self,
        id: ConnectionId,
        of: Option<Scheduled>,
        after: Option<RunMark>,
        limit: usize,
    ) -> Result<Vec<Run>> {
        self.link(id)?;
        let filter = RunFilter {
            listing: of.map(|of| of.passes().to_owned()),
            ..RunFilter::default()
        };
        Ok(self.shared.store.runs(id, filter, after, limit).await?)
    }

    /// The last pass of each stream that had one, among the newest.
    ///
    /// # Errors
    /// Not found.
    pub async fn last_runs(&self, id: ConnectionId) -> Result<BTreeMap<String, Run>> {
        let mut last = BTreeMap::new();
        for run in self.runs(id, None, None, NEWEST_RUNS).await? {
            last.entry(run.listing.clone()).or_insert(run);
        }
        // What arrives inside opportunities is read by their passes.
        for stream in Stream::ALL {
            let listing = listing_of(*stream).map(Listing::name);
            if let Some(run) = listing.and_then(|listing| last.get(listing)).cloned() {
                last.entry(stream.name().to_owned()).or_insert(run);
            }
        }
        Ok(last)
    }

    /// Calls made to Lever, newest first; of a stream, those that read or write its records.
    ///
    /// # Errors
    /// Not found; invalid for an operation that Lever's API does not have.
    pub async fn api_calls(
        &self,
        id: ConnectionId,
        mut filter: CallFilter,
        stream: Option<Stream>,
        after: Option<CallMark>,
        limit: usize,
    ) -> Result<ApiCallPage> {
        let link = self.link(id)?;
        if let Some(operation) = &filter.operation
            && registry::find(operation).is_none()
        {
            return Err(Error::invalid("lever_operation", unknown(operation)));
        }
        filter.among = stream.map(operations_about);
        if after.is_none() {
            // Whoever looks just after a call looks for that one.
            traffic::log(&self.shared, &link).await;
        }
        let store = &self.shared.store;
        let page = store.calls(id, filter, after, limit).await?;
        let made_for: BTreeSet<OperationId> =
            page.calls.iter().filter_map(|call| call.write).collect();
        let mut items = BTreeSet::new();
        for made_for in made_for {
            let operation = store.operation(id, made_for).await?;
            if operation.is_some_and(|operation| operation.parent.is_some()) {
                items.insert(made_for);
            }
        }
        Ok(ApiCallPage {
            calls: page.calls,
            next: page.next,
            items,
        })
    }

    /// When each stream is read that has a list of its own.
    ///
    /// # Errors
    /// Not found.
    pub async fn schedules(&self, id: ConnectionId) -> Result<BTreeMap<Stream, StreamSchedule>> {
        self.link(id)?;
        let set = self.shared.store.schedules(id).await?;
        let settings = &self.shared.settings.pull;
        let schedules = Stream::ALL.iter().filter_map(|stream| {
            let listing = listing_of(*stream)?;
            Some((*stream, StreamSchedule::of(listing, &set, settings)))
        });
        Ok(schedules.collect())
    }

    /// Sets when a list is read; none goes back to the default.
    ///
    /// # Errors
    /// Not found; invalid for a stream that is read together with another, or below other records.
    pub async fn set_schedule(
        &self,
        id: ConnectionId,
        of: Scheduled,
        schedule: Option<Schedule>,
    ) -> Result<StreamSchedule> {
        let link = self.link(id)?;
        let (store, listing) = (&self.shared.store, of.listing()?);
        store.set_schedule(id, listing, schedule).await?;
        let set = store.schedules(id).await?;
        let holds = StreamSchedule::of(listing, &set, &self.shared.settings.pull);
        link.set_schedules(set);
        link.moved();
        Ok(holds)
    }

    /// Forgets how far a stream was read and reads it whole again; its records stay until then.
    ///
    /// # Errors
    /// Not found; precondition for a stream the connection does not keep; invalid for a stream that is read together
    /// with another.
    pub async fn reset_stream(&self, id: ConnectionId, stream: Stream) -> Result<SyncStatus> {
        let link = self.link(id)?;
        crate::read::kept(&link.connection(), stream)?;
        if stream.hydrated() {
            self.plan_below(link.clone(), [stream].into());
            return self.sync_status(id).await;
        }
        let listings = match own_listing(stream)? {
            // By stage, as the first time; then everybody, for those in stages that Lever does not list.
            Listing::Opportunities => vec![Listing::Opportunities, Listing::OpportunitySweep],
            other => vec![other],
        };
        for listing in &listings {
            match listing {
                Listing::OpportunitySweep => self.walk_anew(&link, *listing).await?,
                _ => self.insist(&link, *listing, &Cursor::New).await?,
            }
        }
        link.force(&listings, RunCause::Request);
        link.moved();
        self.sync_status(id).await
    }

    /// Has what changed at or after `since`, by Lever's clock, read once more.
    ///
    /// # Errors
    /// Not found; precondition for a stream the connection does not keep, and until everybody was read once; invalid for
    /// a stream that is not read by what has changed, and for a time that was not read yet.
    pub async fn read_again(
        &self,
        id: ConnectionId,
        stream: Stream,
        since: Timestamp,
    ) -> Result<SyncStatus> {
        let link = self.link(id)?;
        crate::read::kept(&link.connection(), stream)?;
        if stream != Stream::Opportunities {
            return Err(Error::invalid(
                "since",
                format!(
                    "{stream} are not read by what has changed: leave it out to have all of it read again"
                ),
            ));
        }
        let listing = Listing::Opportunities;
        // Lever knows no times before its own first one.
        let since = since.max(Timestamp::from_millis(0).plus(OVERLAP));
        loop {
            let cursor = self.shared.store.cursor(id, listing).await?;
            if cursor.as_of().is_none() {
                return Err(Error::precondition(
                    "STREAM_NOT_READ",
                    "everybody is read for the first time, or anew: nothing needs to be read again",
                    Vec::new(),
                ));
            }
            let Some(next) = cursor.again_since(since) else {
                return Err(Error::invalid(
                    "since",
                    "give a time up to which Lever was read: what changes later is read next anyway",
                ));
            };
            match self.set_cursor(&link, listing, next).await {
                Ok(()) => break,
                // The pull committed a page in between.
                Err(error) if matches!(error.kind(), crate::ErrorKind::Aborted { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        link.force(&[listing], RunCause::Request);
        link.moved();
        self.sync_status(id).await
    }

    /// Puts another cursor in the place of the one a listing has, however often the pull moves that meanwhile.
    pub(crate) async fn insist(&self, link: &Link, listing: Listing, next: &Cursor) -> Result<()> {
        while let Err(error) = self.set_cursor(link, listing, next.clone()).await {
            // The pull committed a page in between; its next page is refused.
            if !matches!(error.kind(), crate::ErrorKind::Aborted { .. }) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Puts another cursor in the place of the one a listing has.
    ///
    /// # Errors
    /// Aborted if the pull moves it at the same moment.
    async fn set_cursor(&self, link: &Link, listing: Listing, next: Cursor) -> Result<()> {
        let now = self.shared.clock.now();
        let expected = self.shared.store.cursor(link.id(), listing).await?;
        let page = store::Page {
            connection: link.id(),
            listing,
            expected,
            next,
            requested_at: link.lever_now(&self.shared.clock),
            now,
            records: Vec::new(),
            deleted: Vec::new(),
            quarantined: Vec::new(),
            policy: Policy::none(),
        };
        match self.shared.store.apply(page).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), store::ErrorKind::CursorMoved) => {
                Err(Error::aborted(
                    STREAM_MOVED,
                    "the pull read on at the same moment: ask again",
                    Vec::new(),
                ))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Up to `limit` records of Lever's that could not be read, by stream, after the one named by `after`; each with
    /// its name, and without what the connection leaves out by now.
    ///
    /// # Errors
    /// Not found.
    pub async fn quarantine(
        &self,
        id: ConnectionId,
        stream: Option<Stream>,
        after: Option<QuarantineMark>,
        limit: usize,
    ) -> Result<Vec<(QuarantineMark, Quarantined)>> {
        let connection = self.link(id)?.connection();
        // The names of a stream's records begin with its tag.
        let first = stream.map(|stream| {
            let mut mark = [0; 17];
            mark[0] = stream.tag();
            mark
        });
        let after = after.or(first);
        let records = self.shared.store.quarantined(id, after, limit).await?;
        let wanted = |record: &Quarantined| stream.is_none_or(|stream| record.stream == stream);
        let shown = |record: Quarantined| {
            let fields = &connection.excluded_fields;
            let raw = excluded::without(record.stream, &record.raw, fields).into_owned();
            (record.name(), Quarantined { raw, ..record })
        };
        Ok(records.into_iter().filter(wanted).map(shown).collect())
    }
}

/// The operations of Lever's API that read or write records of a stream.
fn operations_about(stream: Stream) -> BTreeSet<&'static str> {
    let about = |operation: &&'static Operation| match operation.access {
        Access::Read => home(operation) == Some(stream),
        _ => written(operation.id) == Some(stream),
    };
    let operations = registry::OPERATIONS.iter().filter(about);
    operations.map(|operation| operation.id).collect()
}

/// Runs that are looked through for the last one of each stream.
const NEWEST_RUNS: usize = 200;

/// The listing of a stream that has one of its own.
fn own_listing(stream: Stream) -> Result<Listing> {
    match listing_of(stream) {
        Some(listing) if listing.stream() == stream => Ok(listing),
        Some(listing) => Err(Error::invalid(
            "stream",
            format!(
                "{stream} are read together with {}: name that stream",
                listing.stream()
            ),
        )),
        None => Err(Error::invalid(
            "stream",
            format!(
                "{stream} are read when the records they hang on change: they have no schedule"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_about_a_stream_are_those_that_read_or_write_it() {
        let notes = operations_about(Stream::Notes);
        assert!(notes.contains("listOpportunityNotes") && notes.contains("createOpportunityNote"));
        assert!(!notes.contains("listOpportunities"));
        let people = operations_about(Stream::Opportunities);
        assert!(
            people.contains("listOpportunities") && people.contains("listDeletedOpportunities")
        );
        for stream in Stream::ALL {
            assert!(!operations_about(*stream).is_empty(), "{stream}");
        }
    }

    #[test]
    fn only_a_stream_with_a_list_of_its_own_can_be_scheduled() {
        assert_eq!(own_listing(Stream::Users).unwrap(), Listing::Users);
        let refused = |stream| own_listing(stream).unwrap_err().to_string();
        assert!(refused(Stream::Contacts).contains("opportunities"));
        assert!(refused(Stream::Notes).starts_with("stream"));
        for name in Scheduled::names() {
            assert!(Scheduled::from_name(name).is_some(), "{name}");
        }
        let inbound = Scheduled::from_name("inbound_applicants").unwrap();
        assert_eq!(inbound.listing().unwrap(), Listing::InboundApplicants);
        assert_eq!(inbound.passes(), "inbound_applicants");
        let contacts = Scheduled::from_name("contacts").unwrap();
        assert_eq!(contacts.passes(), "opportunities");
        for name in ["stage_moves", "opportunity_sweep", ""] {
            assert_eq!(Scheduled::from_name(name), None, "{name}");
        }
    }

    /// Schedules were stored under the tag of their stream.
    #[test]
    fn the_listing_of_a_stream_is_known_by_the_same_number() {
        for stream in Stream::ALL {
            if let Ok(listing) = own_listing(*stream) {
                assert_eq!(listing.tag(), stream.tag(), "{stream}");
            }
        }
        for listing in Listing::INBOUND {
            let stream = Stream::from_tag(listing.tag());
            assert!(
                stream.is_none_or(|stream| own_listing(stream).is_err()),
                "{listing}"
            );
        }
    }
}
