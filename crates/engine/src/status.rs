//! How a mirror is doing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::absence::Reading;
use domain::{Backlog, Connection, ConnectionId, Cursor, Listing, Schedule, Stream, Timestamp};
use lever::StageId;
use store::{ListingState, RunCause, Shortage, StreamState as StreamBelow};
use tokio::sync::watch;

use crate::ask::refuse_paused;
use crate::engine::{Engine, Shared};
use crate::error::{Error, Result};
use crate::link::Link;
use crate::mapping;
use crate::pause::KeyPause;
use crate::progress::PassProgress;
use crate::pull::inbound::Inbound;
use crate::pull::{self, Again, Trouble, listing_of};
use crate::settings::PullSettings;
use crate::sync::StreamSchedule;

/// A mirror as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncState {
    /// Nothing was read yet.
    Pending,
    /// The first walk is under way.
    Syncing,
    /// Complete and fresh.
    Synced,
    /// Complete once, but older than twice the period (X12).
    Stale,
    /// Stopped by somebody.
    Paused,
    /// Lever refuses.
    Failed,
    /// The account is disconnected; its mirror is kept for a while.
    Disconnected,
}

/// One stream of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamState {
    /// Nothing was read yet.
    Pending,
    /// Its first walk is under way.
    Syncing,
    /// Complete.
    Synced,
    /// Complete once, but older than twice its period (X12).
    Stale,
    /// The last pass failed.
    Failed,
    /// The key lacks the permission.
    Forbidden,
    /// Not kept.
    Off,
}

/// One stream of a mirror.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamStatus {
    /// Which.
    pub stream: Stream,
    /// How it is doing.
    pub state: StreamState,
    /// Records in the mirror; none while nothing was read or the stream is forbidden (X6).
    pub records: Option<u64>,
    /// When the last pass ended well.
    pub last_success_at: Option<Timestamp>,
    /// What went wrong last, with the way out.
    pub error: Option<String>,
    /// Pages read by the pass under way, or by the last one of this process.
    pub pages: u64,
    /// Records a second of the pass under way; 0 while none is.
    pub rate: f64,
    /// Requests the stream needs until it is complete, by the present estimate; 0 when none or unknown.
    pub planned_requests: u64,
    /// The time those take at the rate Lever allows; none when none or unknown.
    pub eta: Option<Duration>,
    /// When the next pass is due, by Lever's clock; none for streams read below others.
    pub next_run_at: Option<Timestamp>,
    /// How far it was read; none for streams read below others.
    pub cursor: Option<Cursor>,
    /// How old a change in Lever can be without being here, while all goes well.
    pub data_age_bound: Duration,
    /// Records that could not be read and are missing here; counted up to 1,000 for all streams together.
    pub quarantined: u64,
    /// Lists of the stream that wait to be read; until then they answer that they are not hydrated.
    pub waiting: u64,
}

/// How fresh the inbound stages are.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundStatus {
    /// How they are doing; stale when older than twice their interval, off where nobody is kept or no stage is inbound.
    pub state: StreamState,
    /// The start of the last pass that has read who is in them and who left them: over everybody, or over them alone.
    pub as_of: Option<Timestamp>,
    /// When they are followed on their own, counted from `as_of`.
    pub schedule: StreamSchedule,
    /// When that is due next, by Lever's clock, unless everybody is read before.
    pub next_run_at: Option<Timestamp>,
    /// What went wrong when it was due, with the way out, or why it is late.
    pub error: Option<String>,
}

/// A mirror as a whole and stream by stream.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncStatus {
    /// As a whole.
    pub state: SyncState,
    /// Stream by stream.
    pub streams: Vec<StreamStatus>,
    /// Requests the first import needs until it is complete, by the present estimate; 0 when none or unknown.
    pub planned_requests: u64,
    /// Requests made to Lever since the start of the process.
    pub made_requests: u64,
    /// The time the planned requests take at the rate Lever allows.
    pub eta: Option<Duration>,
    /// The start of the oldest last-complete pass the mirror rests on.
    pub as_of: Option<Timestamp>,
    /// Whether the inbound stages have been read once.
    pub inbound_ready: bool,
    /// How fresh the inbound stages are.
    pub inbound: InboundStatus,
    /// The pause after a 429 that the key is in; none when calls go out.
    pub pause: Option<KeyPause>,
    /// Why nothing is written, to the store or to Lever, with the way out; none while writes are taken.
    pub writes_refused: Option<String>,
}

fn writes_refused(shortage: Shortage) -> String {
    format!(
        "the disk of the service is nearly full ({shortage}): free space on it, or what is set aside for that with \
         FreeReserve (`fulcrum store free-reserve`); what has stopped goes on by itself"
    )
}

impl Engine {
    /// How a connection's mirror is doing.
    ///
    /// # Errors
    /// Not found.
    pub async fn sync_status(&self, id: ConnectionId) -> Result<SyncStatus> {
        let link = self.link(id)?;
        let view = View::of(&self.shared, &link).await?;
        let mut streams = Vec::with_capacity(Stream::ALL.len());
        for stream in Stream::ALL {
            let records = self.shared.store.count(id, *stream).await?;
            streams.push(view.stream(*stream, records));
        }
        let planned_requests = streams.iter().map(|status| status.planned_requests).sum();
        Ok(SyncStatus {
            state: sync_state(&view, &streams),
            planned_requests,
            eta: view.eta(planned_requests),
            streams,
            made_requests: link.requests(),
            as_of: as_of(&view.connection, &view.listings, Stream::ALL),
            inbound_ready: inbound_ready(&view.listings),
            inbound: view.inbound_status(),
            pause: view.pause,
            writes_refused: self.shared.store.shortage().map(writes_refused),
        })
    }

    /// How old what each connection shows of its inbound stages is; those that never read them are left out.
    ///
    /// Reckoned when it is asked, so that it grows while nothing is read.
    pub async fn inbound_ages(&self) -> Vec<(ConnectionId, Duration)> {
        let mut ages = Vec::new();
        for link in self.links() {
            match inbound_age(&self.shared, &link).await {
                Ok(age) => ages.extend(age.map(|age| (link.id(), age))),
                Err(error) => {
                    tracing::warn!(connection = %link.id(), error = %crate::report(&error), "cannot tell an age");
                }
            }
        }
        ages.sort();
        ages
    }

    /// Sees each change of a connection's status.
    ///
    /// # Errors
    /// Not found.
    pub fn watch_sync(&self, id: ConnectionId) -> Result<watch::Receiver<u64>> {
        Ok(self.link(id)?.watch())
    }

    /// Pulls now: these streams, or all when none is named.
    ///
    /// Streams that are read below other records are looked at again for everybody, after what is more urgent.
    ///
    /// # Errors
    /// Not found; precondition while paused; invalid for a stream the connection does not keep.
    pub async fn start_sync(&self, id: ConnectionId, streams: &[Stream]) -> Result<SyncStatus> {
        let link = self.link(id)?;
        let connection = link.connection();
        refuse_paused(&link)?;
        if let Some((index, stream)) = streams
            .iter()
            .enumerate()
            .find(|(_, stream)| !connection.keeps(**stream))
        {
            return Err(Error::invalid(
                format!("streams[{index}]"),
                format!("{stream} is not kept by this connection"),
            ));
        }
        let below: BTreeSet<Stream> = streams
            .iter()
            .copied()
            .filter(|stream| stream.hydrated())
            .collect();
        if !below.is_empty() {
            self.plan_below(link.clone(), below);
        }
        link.force(&asked_listings(streams), RunCause::Request);
        self.sync_status(id).await
    }
}

/// What to walk when somebody asks for these streams, or for all when none is named.
fn asked_listings(streams: &[Stream]) -> Vec<Listing> {
    let asked: BTreeSet<Listing> = streams
        .iter()
        .filter_map(|stream| listing_of(*stream))
        .collect();
    let people = asked.contains(&Listing::Opportunities);
    Listing::ALL
        .iter()
        .copied()
        .filter(|listing| *listing != Listing::OpportunitySweep)
        .filter(|listing| !Listing::INBOUND.contains(listing))
        .filter(|listing| {
            streams.is_empty()
                || asked.contains(listing)
                || (people && listing.tells_deletions() && listing.stream() != Stream::Postings)
        })
        .collect()
}

/// Records in quarantine are counted up to here.
const MOST_COUNTED: usize = 1000;

fn set_aside(records: u64) -> String {
    let many = if records >= MOST_COUNTED as u64 {
        " or more"
    } else {
        ""
    };
    format!(
        "{records}{many} records that could not be read were set aside and are missing here; \
         they come back when Lever sends them in a form that can be read"
    )
}

/// Whether the key may not read a listing: nothing rests on it then.
fn forbidden(state: &ListingState) -> bool {
    let trouble = state.last_error.as_deref().map(Trouble::from_text);
    matches!(trouble, Some(Trouble::Forbidden(_)))
}

/// Whether applicants can be listed.
pub(crate) fn inbound_ready(listings: &BTreeMap<Listing, ListingState>) -> bool {
    listings
        .get(&Listing::Opportunities)
        .is_some_and(|state| state.cursor.inbound_read())
}

/// The streams that are stale, each with the list it rests on.
pub(crate) async fn stale_streams(shared: &Shared, link: &Link) -> Result<Vec<(Listing, Stream)>> {
    let view = View::of(shared, link).await?;
    Ok(view.stale_streams())
}

/// How the opportunities of a mirror are doing.
pub(crate) struct People {
    /// As far as that tells why somebody is not there.
    pub(crate) reading: Reading,
    /// Records in the mirror.
    pub(crate) records: u64,
    /// Records that could not be read, counted up to 1,000 of all streams.
    pub(crate) quarantined: u64,
}

/// How the opportunities of a mirror are doing.
pub(crate) async fn people(shared: &Shared, link: &Link) -> Result<People> {
    let view = View::of(shared, link).await?;
    let records = shared.store.count(link.id(), Stream::Opportunities).await?;
    let status = view.stream(Stream::Opportunities, records);
    let reading = match (view.trouble(Stream::Opportunities), status.state) {
        (Some(Trouble::Forbidden(permission)), _) => Reading::Forbidden { permission },
        (Some(Trouble::KeyRejected(detail)), _) => Reading::KeyRejected { detail },
        (
            Some(Trouble::Unreachable(detail) | Trouble::NoTurn(detail) | Trouble::Failed(detail)),
            _,
        ) => Reading::Failed { detail },
        (None, StreamState::Pending) => Reading::Pending,
        (None, StreamState::Syncing) => Reading::First,
        (None, StreamState::Stale) => Reading::Stale,
        (None, _) => Reading::Fresh,
    };
    Ok(People {
        reading,
        records,
        quarantined: status.quarantined,
    })
}

async fn inbound_age(shared: &Shared, link: &Link) -> Result<Option<Duration>> {
    let inbound = Inbound::of(shared, link).await?;
    let listings = shared.store.cursors(link.id()).await?;
    let now = link.lever_now(&shared.clock);
    let as_of = inbound.as_of(&listings).filter(|_| inbound.any());
    Ok(as_of.map(|as_of| now.since(as_of)))
}

/// As of when applicants are listed, by this choice of inbound stages.
pub(crate) fn inbound_as_of(
    link: &Link,
    listings: &BTreeMap<Listing, ListingState>,
    chosen: &BTreeSet<StageId>,
) -> Option<Timestamp> {
    Inbound::chosen(link, chosen).as_of(listings)
}

/// The start of the oldest last-complete pass that an answer about `streams` rests on.
///
/// Streams that are not kept, or that the key may not read, do not count: nothing rests on them.
pub(crate) fn as_of(
    connection: &Connection,
    listings: &BTreeMap<Listing, ListingState>,
    streams: &[Stream],
) -> Option<Timestamp> {
    streams
        .iter()
        .filter(|stream| connection.keeps(**stream))
        .filter_map(|stream| listing_of(*stream))
        .map(|listing| listings.get(&listing))
        .filter(|state| !state.is_some_and(forbidden))
        .map(|state| state.and_then(|state| state.last_success_at))
        .min()
        .flatten()
}

/// Everything the status of a mirror is told from.
struct View {
    connection: Connection,
    /// Why nothing more can be read, once Lever has refused the credential for good.
    refusal: Option<&'static str>,
    listings: BTreeMap<Listing, ListingState>,
    below: BTreeMap<Stream, StreamBelow>,
    backlog: Backlog,
    quarantined: BTreeMap<Stream, u64>,
    passes: BTreeMap<Listing, PassProgress>,
    passes_below: BTreeMap<Stream, PassProgress>,
    due: BTreeMap<Listing, Timestamp>,
    inbound: Inbound,
    /// When listings are walked, where that differs from `settings`.
    schedules: BTreeMap<Listing, Schedule>,
    settings: PullSettings,
    /// Requests a second.
    budget: f64,
    /// How many opportunities Lever may have, by what it says of its sources.
    people: u64,
    /// How many opportunities are mirrored.
    mirrored: u64,
    /// The pause after a 429 that the key is in.
    pause: Option<KeyPause>,
    now: Timestamp,
}

impl View {
    async fn of(shared: &Shared, link: &Link) -> Result<View> {
        let (store, id) = (&shared.store, link.id());
        let now = link.lever_now(&shared.clock);
        let mut quarantined = BTreeMap::new();
        for record in store.quarantined(id, None, MOST_COUNTED).await? {
            *quarantined.entry(record.stream).or_default() += 1;
        }
        let passes = Listing::ALL
            .iter()
            .filter_map(|listing| Some((*listing, link.passes.of(*listing)?)));
        let passes_below = Stream::ALL
            .iter()
            .filter_map(|stream| Some((*stream, link.below.of(*stream)?)));
        let budget = &shared.settings.budget;
        let listings = store.cursors(id).await?;
        let inbound = Inbound::of(shared, link).await?;
        Ok(View {
            due: pull::due_times(shared, link, &listings, inbound),
            inbound,
            connection: link.connection(),
            refusal: link.refusal(),
            listings,
            below: store.stream_states(id).await?,
            backlog: store.backlog(id).await?,
            quarantined,
            passes: passes.collect(),
            passes_below: passes_below.collect(),
            schedules: link.schedules(),
            settings: shared.settings.pull,
            budget: (budget.rate_per_second * (1.0 - budget.share_left)).max(1.0),
            people: match link.people_estimate() {
                // Not read by this process.
                0 => told_by_sources(shared, id).await?,
                read => read,
            },
            mirrored: store.count(id, Stream::Opportunities).await?,
            pause: link.key_pause(&shared.clock),
            now,
        })
    }

    fn stream(&self, stream: Stream, records: u64) -> StreamStatus {
        let trouble = self.trouble(stream);
        let state = if self.connection.keeps(stream) {
            self.state(stream, trouble.as_ref())
        } else {
            StreamState::Off
        };
        let off = state == StreamState::Off;
        let shown = !matches!(
            state,
            StreamState::Pending | StreamState::Forbidden | StreamState::Off
        );
        let aside = self.quarantined.get(&stream).copied().unwrap_or_default();
        let listing = listing_of(stream);
        let listed = listing.and_then(|listing| self.passes.get(&listing));
        let pass = listed.or_else(|| self.passes_below.get(&stream));
        let planned_requests = if off { 0 } else { self.planned(stream) };
        StreamStatus {
            stream,
            state,
            records: shown.then_some(records),
            last_success_at: self.last_success_at(stream).filter(|_| !off),
            error: trouble
                .map(|trouble| trouble.sentence())
                .or_else(|| self.trouble_beside(stream))
                .or_else(|| self.late(state))
                .or_else(|| (aside > 0).then(|| set_aside(aside)))
                .filter(|_| !off),
            pages: pass.map_or(0, |pass| pass.pages),
            rate: pass.map_or(0.0, |pass| pass.rate(tokio::time::Instant::now())),
            planned_requests,
            eta: self.eta(planned_requests),
            next_run_at: listing.and_then(|listing| self.due.get(&listing).copied()),
            cursor: listing.map(|listing| {
                self.listings
                    .get(&listing)
                    .cloned()
                    .unwrap_or_default()
                    .cursor
            }),
            data_age_bound: self.data_age_bound(stream),
            quarantined: aside,
            waiting: self.backlog.of(stream),
        }
    }

    /// Why a stream is older than it should be, though nothing is wrong with it.
    fn late(&self, state: StreamState) -> Option<String> {
        let pause = self.pause.filter(|_| state == StreamState::Stale);
        pause.map(|pause| pause.reason())
    }

    /// A refusal of the credential comes before the next pass can note it; a permission that is missing says more.
    fn trouble(&self, stream: Stream) -> Option<Trouble> {
        let own = self
            .below
            .get(&stream)
            .and_then(|state| state.last_error.as_deref());
        let listing = source(stream).and_then(|listing| self.listings.get(&listing));
        let noted = own
            .or_else(|| listing.and_then(|state| state.last_error.as_deref()))
            .map(Trouble::from_text);
        match (noted, self.refusal) {
            (noted @ Some(Trouble::Forbidden(_)), _) | (noted, None) => noted,
            (_, Some(why)) => Some(Trouble::KeyRejected(why.to_owned())),
        }
    }

    fn state(&self, stream: Stream, trouble: Option<&Trouble>) -> StreamState {
        let listing = source(stream).and_then(|listing| self.listings.get(&listing));
        match (listing, trouble) {
            (_, Some(Trouble::Forbidden(_))) => StreamState::Forbidden,
            (_, Some(_)) => StreamState::Failed,
            (None, None) => StreamState::Pending,
            (Some(_), None) => match self.last_success_at(stream) {
                None => StreamState::Syncing,
                Some(at) if self.stale(stream, at) => StreamState::Stale,
                Some(_) => StreamState::Synced,
            },
        }
    }

    /// An account list is complete after one walk; opportunities after the follow pass that repairs theirs.
    /// A stream below others is as new as its parents once nothing of it waits, else as when that was last so.
    fn last_success_at(&self, stream: Stream) -> Option<Timestamp> {
        let listing = self.listings.get(&source(stream)?)?;
        let parents = listing.last_success_at;
        if !stream.hydrated() {
            return parents;
        }
        let caught_up = self.below.get(&stream).and_then(|state| state.caught_up_at);
        match self.backlog.of(stream) {
            0 => parents,
            _ => caught_up.filter(|_| parents.is_some()),
        }
    }

    /// Older than twice its period (X12); a lower bound of a minute lets short periods breathe.
    ///
    /// For times of the wall clock: two of them have passed.
    fn stale(&self, stream: Stream, last: Timestamp) -> bool {
        source(stream).is_some_and(|listing| self.stale_listing(listing, last))
    }

    fn stale_listing(&self, listing: Listing, last: Timestamp) -> bool {
        let again = self.again(listing);
        let second = again.next(again.next(last));
        self.now > second.max(last.plus(Duration::from_secs(60)))
    }

    /// The streams that are stale, each with the list it rests on.
    fn stale_streams(&self) -> Vec<(Listing, Stream)> {
        let kept = Stream::ALL
            .iter()
            .filter(|stream| self.connection.keeps(**stream));
        let stale = kept.filter(|stream| {
            let trouble = self.trouble(**stream);
            self.state(**stream, trouble.as_ref()) == StreamState::Stale
        });
        stale
            .filter_map(|stream| Some((source(*stream)?, *stream)))
            .collect()
    }

    /// How fresh the inbound stages are.
    fn inbound_status(&self) -> InboundStatus {
        let as_of = self.inbound.as_of(&self.listings);
        let trouble = self.inbound_trouble();
        let state = match (&trouble, as_of) {
            _ if !self.inbound.any() => StreamState::Off,
            (Some(Trouble::Forbidden(_)), _) => StreamState::Forbidden,
            (Some(_), _) => StreamState::Failed,
            (None, None) if inbound_ready(&self.listings) => StreamState::Syncing,
            (None, None) => self.state(Stream::Opportunities, None),
            (None, Some(at)) if self.stale_listing(Listing::InboundApplicants, at) => {
                StreamState::Stale
            }
            (None, Some(_)) => StreamState::Synced,
        };
        let on = state != StreamState::Off;
        let due = Listing::INBOUND
            .iter()
            .filter_map(|listing| self.due.get(listing));
        InboundStatus {
            state,
            as_of: as_of.filter(|_| on),
            schedule: StreamSchedule::of(
                Listing::InboundApplicants,
                &self.schedules,
                &self.settings,
            ),
            next_run_at: due.min().copied().filter(|_| on),
            error: trouble
                .map(|trouble| trouble.sentence())
                .or_else(|| self.late(state))
                .filter(|_| on),
        }
    }

    /// Why the inbound stages could not be read when that was due: a pass over everybody since then makes up for it.
    fn inbound_trouble(&self) -> Option<Trouble> {
        let own = Listing::INBOUND.iter().find_map(|listing| {
            let error = self.listings.get(listing)?.last_error.as_deref()?;
            let read_at = self.inbound.read_at(*listing, &self.listings);
            let made_up = read_at.is_some_and(|at| self.again(*listing).next(at) > self.now);
            (!made_up).then(|| Trouble::from_text(error))
        });
        // Until they were read once, everything rests on the first walk.
        let first = || {
            let unread = self.inbound.as_of(&self.listings).is_none();
            unread.then(|| self.trouble(Stream::Opportunities))?
        };
        let refused = || Some(Trouble::KeyRejected(self.refusal?.to_owned()));
        own.or_else(first).or_else(refused)
    }

    /// Whether somebody may be missing whose stage Lever does not list: everybody was not walked over yet.
    fn first_sweep_is_due(&self) -> bool {
        let state = self.listings.get(&Listing::OpportunitySweep);
        self.settings.enabled && state.is_none_or(|state| state.last_success_at.is_none())
    }

    /// What is wrong with the lists that complete a stream: its records are shown, but not all that is new of them,
    /// or some that are gone (F-05).
    fn trouble_beside(&self, stream: Stream) -> Option<String> {
        let beside: &[Listing] = match stream {
            Stream::Opportunities => &[Listing::OpportunitySweep, Listing::DeletedOpportunities],
            Stream::Applications => &[Listing::DeletedApplications],
            Stream::Postings => &[Listing::DeletedPostings],
            _ => &[],
        };
        let walked = beside
            .iter()
            .filter(|listing| pull::walks(&self.connection, **listing));
        let troubles: Vec<String> = walked
            .filter_map(|listing| {
                let error = self.listings.get(listing)?.last_error.as_deref()?;
                let sentence = Trouble::from_text(error).sentence();
                Some(format!("{listing} cannot be read: {sentence}"))
            })
            .collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }

    fn again(&self, listing: Listing) -> Again {
        Again::of(listing, &self.schedules, &self.settings)
    }

    /// Requests a stream needs until it is complete.
    ///
    /// Lever tells no totals; before the first walk over the opportunities has ended, the candidates that its
    /// sources count are the best there is.
    fn planned(&self, stream: Stream) -> u64 {
        let unseen = self.people_unseen();
        match stream {
            Stream::Opportunities => unseen.div_ceil(100),
            hydrated if hydrated.parent() == Some(Stream::Opportunities) && hydrated.hydrated() => {
                self.backlog.of(stream) + unseen
            }
            hydrated if hydrated.hydrated() => self.backlog.of(stream),
            _ => 0,
        }
    }

    fn people_unseen(&self) -> u64 {
        let seen = self
            .passes
            .get(&Listing::Opportunities)
            .map_or(0, |pass| pass.listed);
        if self.walking_people() {
            // What a pass has listed is forgotten by a restart; the mirror is not.
            self.people.saturating_sub(seen.max(self.mirrored))
        } else {
            0
        }
    }

    /// None while nobody knows how many people there are: they and what is below them would be left out.
    fn eta(&self, requests: u64) -> Option<Duration> {
        let unknown = self.walking_people() && self.people == 0;
        (requests > 0 && !unknown).then(|| Duration::from_secs_f64(requests as f64 / self.budget))
    }

    /// Whether the first walk over the opportunities is still to end.
    fn walking_people(&self) -> bool {
        let walk = self.listings.get(&Listing::Opportunities);
        self.connection.keeps(Stream::Opportunities)
            && walk.is_none_or(|state| state.last_success_at.is_none())
    }

    /// A change that moves a stamp is seen by the next pass; one that moves none by the next look at its list.
    /// For times of the wall clock it is the time from the last pass to the next.
    fn data_age_bound(&self, stream: Stream) -> Duration {
        let Some(listing) = source(stream) else {
            return Duration::ZERO;
        };
        match stream {
            Stream::Opportunities | Stream::Applications | Stream::Contacts => {
                self.settings.sweep_interval
            }
            hydrated if hydrated.hydrated() => {
                self.settings.children_recheck + self.settings.sweep_interval
            }
            _ => {
                let last = self.last_success_at(stream).unwrap_or(self.now);
                self.again(listing).next(last).since(last)
            }
        }
    }
}

/// How many opportunities Lever may have, by what its sources counted when they were read last; 0 while unknown.
async fn told_by_sources(shared: &Shared, id: ConnectionId) -> Result<u64> {
    let sources: Vec<lever::CountedText> = mapping::typed(shared, id, Stream::Sources).await?;
    let counts = sources.iter().filter_map(|source| source.count);
    Ok(counts
        .filter_map(|count| u64::try_from(count).ok())
        .fold(0, u64::saturating_add))
}

/// The listing whose records a stream comes with, or hangs on.
fn source(stream: Stream) -> Option<Listing> {
    listing_of(stream).or_else(|| listing_of(stream.parent()?))
}

fn sync_state(view: &View, streams: &[StreamStatus]) -> SyncState {
    if view.connection.paused {
        return SyncState::Paused;
    }
    let kept = || {
        streams
            .iter()
            .filter(|status| status.state != StreamState::Off)
    };
    // What the inbound stages were refused may be made up for.
    let listings = view.listings.iter();
    let noted = listings
        .filter(|(listing, _)| !Listing::INBOUND.contains(listing))
        .filter_map(|(_, state)| state.last_error.as_deref().map(Trouble::from_text))
        .chain(view.inbound_trouble());
    let key_rejected = view.refusal.is_some()
        || noted
            .into_iter()
            .any(|trouble| matches!(trouble, Trouble::KeyRejected(_)));
    let refused = |status: &StreamStatus| status.state == StreamState::Forbidden;
    let people_refused =
        kept().any(|status| status.stream == Stream::Opportunities && refused(status));
    if key_rejected || people_refused || kept().all(refused) {
        return SyncState::Failed;
    }
    if kept().all(|status| status.state == StreamState::Pending) {
        return SyncState::Pending;
    }
    let readable = || kept().filter(|status| status.state != StreamState::Forbidden);
    if readable().any(|status| status.last_success_at.is_none()) {
        let failed_before_complete = readable()
            .filter(|status| status.last_success_at.is_none())
            .all(|status| status.state == StreamState::Failed);
        return if failed_before_complete {
            SyncState::Failed
        } else {
            SyncState::Syncing
        };
    }
    let people = readable().find(|status| status.stream == Stream::Opportunities);
    if people.is_some() && view.first_sweep_is_due() {
        return SyncState::Syncing;
    }
    let stale = |status: &StreamStatus| {
        status
            .last_success_at
            .is_some_and(|at| view.stale(status.stream, at))
    };
    if people.is_some_and(stale) {
        SyncState::Stale
    } else {
        SyncState::Synced
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const PERIOD: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn read(last_success_at: Option<i64>, last_error: Option<Trouble>) -> ListingState {
        ListingState {
            last_success_at: last_success_at.map(at),
            last_error: last_error.map(|trouble| trouble.to_text()),
            ..ListingState::default()
        }
    }

    /// What is known of a connection that keeps `streams`, and has walked over everybody once.
    fn view(streams: &[Stream], mut listings: BTreeMap<Listing, ListingState>, now: i64) -> View {
        listings.insert(Listing::OpportunitySweep, read(Some(0), None));
        View {
            connection: testing::connection(streams, at(0)),
            refusal: None,
            listings,
            below: BTreeMap::new(),
            backlog: Backlog::default(),
            quarantined: BTreeMap::new(),
            passes: BTreeMap::new(),
            passes_below: BTreeMap::new(),
            due: BTreeMap::new(),
            inbound: Inbound::with_stages(),
            schedules: BTreeMap::new(),
            settings: PullSettings {
                opportunities_interval: PERIOD,
                ..PullSettings::default()
            },
            budget: 10.0,
            people: 0,
            mirrored: 0,
            pause: None,
            now: at(now),
        }
    }

    fn whole(view: &View) -> SyncState {
        let streams: Vec<_> = Stream::ALL
            .iter()
            .map(|stream| view.stream(*stream, 1))
            .collect();
        sync_state(view, &streams)
    }

    /// The state of a connection that keeps stages and opportunities.
    fn state(
        stages: Option<ListingState>,
        opportunities: Option<ListingState>,
        now: i64,
    ) -> SyncState {
        let mut listings = BTreeMap::new();
        listings.extend(stages.map(|state| (Listing::Stages, state)));
        listings.extend(opportunities.map(|state| (Listing::Opportunities, state)));
        whole(&view(
            &[Stream::Stages, Stream::Opportunities],
            listings,
            now,
        ))
    }

    fn forbidden() -> Option<Trouble> {
        Some(Trouble::Forbidden("find all stages".to_owned()))
    }

    #[test]
    fn a_mirror_goes_from_pending_over_syncing_to_synced_and_grows_stale() {
        assert_eq!(state(None, None, 100), SyncState::Pending);
        let stages = || Some(read(Some(100), None));
        assert_eq!(state(stages(), None, 100), SyncState::Syncing);
        assert_eq!(
            state(stages(), Some(read(None, None)), 100),
            SyncState::Syncing
        );
        assert_eq!(
            state(stages(), Some(read(Some(100), None)), 220),
            SyncState::Synced
        );
        assert_eq!(
            state(stages(), Some(read(Some(100), None)), 221),
            SyncState::Stale
        );
    }

    #[test]
    fn x10_a_mirror_is_synced_once_everybody_was_walked_over() {
        let swept = |sweep: Option<ListingState>| {
            let read = BTreeMap::from([(Listing::Opportunities, read(Some(100), None))]);
            let mut view = view(&[Stream::Opportunities], read, 100);
            view.listings.remove(&Listing::OpportunitySweep);
            let sweep = sweep.map(|state| (Listing::OpportunitySweep, state));
            view.listings.extend(sweep);
            whole(&view)
        };
        assert_eq!(swept(None), SyncState::Syncing);
        assert_eq!(swept(Some(read(None, None))), SyncState::Syncing);
        assert_eq!(swept(Some(read(Some(90), None))), SyncState::Synced);
        let failed = || Some(Trouble::Failed("away".to_owned()));
        assert_eq!(swept(Some(read(None, failed()))), SyncState::Syncing);
        assert_eq!(swept(Some(read(Some(90), failed()))), SyncState::Synced);
    }

    #[test]
    fn f05_a_list_of_deletions_that_is_refused_is_told_with_its_stream() {
        let refused = Trouble::Forbidden("find all deleted postings".to_owned());
        let listings = BTreeMap::from([
            (Listing::Postings, read(Some(100), None)),
            (Listing::DeletedPostings, read(None, Some(refused))),
        ]);
        let view = view(&[Stream::Opportunities, Stream::Postings], listings, 100);
        let postings = view.stream(Stream::Postings, 3);
        assert_eq!(
            (postings.state, postings.records),
            (StreamState::Synced, Some(3))
        );
        let told = postings.error.unwrap();
        assert!(
            told.contains("deleted_postings") && told.contains("find all deleted postings"),
            "{told}"
        );
    }

    #[test]
    fn a_forbidden_stream_does_not_hold_up_the_others_but_is_never_zero_rows() {
        let opportunities = Some(read(Some(100), None));
        assert_eq!(
            state(Some(read(None, forbidden())), opportunities, 100),
            SyncState::Synced
        );
        let listings = BTreeMap::from([(Listing::Stages, read(None, forbidden()))]);
        let status = view(&[Stream::Stages], listings, 100).stream(Stream::Stages, 0);
        assert_eq!(
            (status.state, status.records),
            (StreamState::Forbidden, None)
        );
        assert!(
            status
                .error
                .is_some_and(|error| error.starts_with("forbidden: find all stages"))
        );
    }

    #[test]
    fn a_rejected_key_or_nothing_but_refusals_is_a_failure() {
        let rejected = Some(read(Some(100), Some(Trouble::KeyRejected("no".to_owned()))));
        assert_eq!(
            state(Some(read(Some(100), None)), rejected, 100),
            SyncState::Failed
        );
        let refused = || Some(read(None, forbidden()));
        assert_eq!(state(refused(), refused(), 100), SyncState::Failed);
        // Without the people, the other lists are no mirror.
        assert_eq!(
            state(Some(read(Some(100), None)), refused(), 100),
            SyncState::Failed
        );
    }

    #[test]
    fn a_credential_that_is_refused_for_good_is_a_failure_before_the_next_pass() {
        let listings = BTreeMap::from([
            (Listing::Stages, read(None, forbidden())),
            (Listing::Opportunities, read(Some(100), None)),
        ]);
        let mut view = view(&[Stream::Stages, Stream::Opportunities], listings, 100);
        assert_eq!(whole(&view), SyncState::Synced);
        view.refusal = Some("link it again");
        assert_eq!(whole(&view), SyncState::Failed);
        let people = view.stream(Stream::Opportunities, 3);
        assert_eq!(
            (people.state, people.records, people.error.as_deref()),
            (StreamState::Failed, Some(3), Some("link it again"))
        );
        let stages = view.stream(Stream::Stages, 0);
        assert_eq!(
            (stages.state, stages.records),
            (StreamState::Forbidden, None)
        );
        let off = view.stream(Stream::Users, 0);
        assert_eq!((off.state, off.error), (StreamState::Off, None));
    }

    #[test]
    fn a_mirror_is_as_new_as_its_oldest_stream_and_a_forbidden_one_does_not_count() {
        let connection = testing::connection(&[Stream::Stages, Stream::Opportunities], at(0));
        let mut listings = BTreeMap::from([
            (Listing::Stages, read(Some(50), None)),
            (Listing::Opportunities, read(Some(90), None)),
        ]);
        assert_eq!(as_of(&connection, &listings, Stream::ALL), Some(at(50)));
        listings.insert(Listing::Stages, read(None, forbidden()));
        assert_eq!(as_of(&connection, &listings, Stream::ALL), Some(at(90)));
        listings.remove(&Listing::Opportunities);
        assert_eq!(as_of(&connection, &listings, Stream::ALL), None);
    }

    /// A connection that keeps notes, with opportunities read at 100 and this many lists of notes waiting.
    fn with_notes(waiting: u64) -> View {
        let listings = BTreeMap::from([(Listing::Opportunities, read(Some(100), None))]);
        let mut view = view(&[Stream::Opportunities, Stream::Notes], listings, 110);
        view.backlog.lists = [(Stream::Notes, waiting)].into();
        view
    }

    #[test]
    fn x12_a_stream_below_others_is_complete_when_nothing_waits_and_tells_what_it_needs_until_then()
    {
        let waits = with_notes(50);
        let notes = waits.stream(Stream::Notes, 7);
        assert_eq!((notes.state, notes.waiting), (StreamState::Syncing, 50));
        assert_eq!(notes.planned_requests, 50);
        assert_eq!(notes.eta, Some(Duration::from_secs(5)));
        assert_eq!(whole(&waits), SyncState::Syncing);

        let done = with_notes(0);
        let notes = done.stream(Stream::Notes, 7);
        assert_eq!(
            (notes.state, notes.last_success_at),
            (StreamState::Synced, Some(at(100)))
        );
        assert_eq!((notes.planned_requests, notes.eta), (0, None));
        assert_eq!(whole(&done), SyncState::Synced);
    }

    #[test]
    fn a_stream_that_is_not_kept_was_not_read() {
        let mut view = with_notes(0);
        view.connection.streams.remove(&Stream::Notes);
        let notes = view.stream(Stream::Notes, 0);
        assert_eq!(
            (notes.state, notes.last_success_at),
            (StreamState::Off, None)
        );
    }

    #[test]
    fn a_complete_mirror_stays_complete_while_changes_are_read() {
        let mut view = with_notes(1);
        let caught_up = StreamBelow {
            caught_up_at: Some(at(90)),
            last_error: None,
        };
        view.below.insert(Stream::Notes, caught_up);
        let notes = view.stream(Stream::Notes, 7);
        assert_eq!(
            (notes.state, notes.last_success_at),
            (StreamState::Synced, Some(at(90)))
        );
        assert_eq!(whole(&view), SyncState::Synced);
    }

    #[test]
    fn x6_a_refused_stream_below_others_is_forbidden_by_name_and_has_no_count() {
        let mut view = with_notes(0);
        let refused = Trouble::Forbidden("find all opportunity notes".to_owned());
        let refused = StreamBelow {
            caught_up_at: None,
            last_error: Some(refused.to_text()),
        };
        view.below.insert(Stream::Notes, refused);
        let notes = view.stream(Stream::Notes, 0);
        assert_eq!((notes.state, notes.records), (StreamState::Forbidden, None));
        assert!(
            notes
                .error
                .is_some_and(|error| error.contains("find all opportunity notes"))
        );
        assert_eq!(whole(&view), SyncState::Synced);
    }

    #[test]
    fn x12_a_stream_that_is_older_than_twice_its_period_is_stale() {
        let listings = BTreeMap::from([(Listing::Users, read(Some(0), None))]);
        let hours = |hours: i64| {
            let view = view(&[Stream::Users], listings.clone(), hours * 3600);
            view.stream(Stream::Users, 1).state
        };
        assert_eq!(hours(1), StreamState::Synced);
        assert_eq!(hours(3), StreamState::Stale);
    }

    #[test]
    fn a_stream_that_is_late_in_a_pause_says_so_and_no_other_does() {
        let late = |hours: i64, trouble: Option<Trouble>| {
            let listings = BTreeMap::from([(Listing::Users, read(Some(0), trouble))]);
            let mut view = view(&[Stream::Users], listings, hours * 3600);
            view.pause = Some(KeyPause {
                since: at(0),
                until: at(3600),
                told: Some(Duration::from_secs(3600)),
            });
            let status = view.stream(Stream::Users, 1);
            (status.state, status.error.unwrap_or_default())
        };
        let (state, error) = late(3, None);
        assert_eq!(state, StreamState::Stale);
        assert!(
            error.starts_with("Lever answered 429 with Retry-After of 3600 seconds"),
            "{error}"
        );
        assert_eq!(late(1, None), (StreamState::Synced, String::new()));
        let failed = Trouble::Failed("no".to_owned());
        assert_eq!(
            late(3, Some(failed)),
            (StreamState::Failed, "no".to_owned())
        );
    }

    #[test]
    fn x12_the_period_of_a_stream_is_that_of_its_schedule() {
        let seen = |schedule: Schedule, hours: i64| {
            let listings = BTreeMap::from([(Listing::Users, read(Some(0), None))]);
            let mut view = view(&[Stream::Users], listings, hours * 3600);
            view.schedules = BTreeMap::from([(Listing::Users, schedule)]);
            let status = view.stream(Stream::Users, 1);
            (status.state, status.data_age_bound.as_secs() / 3600)
        };
        let six_hours = || Schedule::every(Duration::from_secs(6 * 3600)).unwrap();
        assert_eq!(seen(six_hours(), 12), (StreamState::Synced, 6));
        assert_eq!(seen(six_hours(), 13), (StreamState::Stale, 6));
        let at_two = || Schedule::cron("0 2 * * *", "UTC").unwrap();
        assert_eq!(seen(at_two(), 26), (StreamState::Synced, 2));
        assert_eq!(seen(at_two(), 27), (StreamState::Stale, 2));
    }

    /// A connection whose opportunities were last read at 1000, and asks for its inbound stages after 300 s.
    fn with_inbound(now: i64) -> View {
        let people = ListingState {
            cursor: Cursor::following(at(1000)),
            ..read(Some(1000), None)
        };
        let listings = BTreeMap::from([(Listing::Opportunities, people)]);
        view(&[Stream::Opportunities], listings, now)
    }

    #[test]
    fn x12_the_inbound_stages_are_stale_when_older_than_twice_their_interval() {
        let told = |now, moves: Option<i64>| {
            let mut view = with_inbound(now);
            view.schedules = BTreeMap::from([(
                Listing::Opportunities,
                Schedule::every(Duration::from_secs(24 * 3600)).unwrap(),
            )]);
            view.listings.insert(Listing::StageMoves, read(moves, None));
            let status = view.inbound_status();
            (status.state, status.as_of)
        };
        assert_eq!(told(1600, None), (StreamState::Synced, Some(at(1000))));
        assert_eq!(told(1601, None), (StreamState::Stale, Some(at(1000))));
        // Only who has left was read since.
        assert_eq!(told(1601, Some(1500)), (StreamState::Stale, Some(at(1000))));
    }

    #[test]
    fn s03_the_inbound_stages_have_a_schedule_of_their_own() {
        let mut view = with_inbound(2000);
        let default = view.inbound_status().schedule;
        let five_minutes = Schedule::Interval(Duration::from_secs(300));
        assert_eq!((default.schedule, default.is_default), (five_minutes, true));
        let hour = Schedule::every(Duration::from_secs(3600)).unwrap();
        view.schedules = BTreeMap::from([(Listing::InboundApplicants, hour.clone())]);
        let set = view.inbound_status();
        assert_eq!(
            (set.schedule.schedule, set.schedule.is_default),
            (hour, false)
        );
        assert_eq!(set.state, StreamState::Synced);
    }

    #[test]
    fn without_an_inbound_stage_there_is_nothing_to_be_told() {
        let mut view = with_inbound(1100);
        view.inbound = Inbound::default();
        view.due.insert(Listing::InboundApplicants, at(1300));
        let status = view.inbound_status();
        assert_eq!(
            (status.state, status.as_of, status.next_run_at),
            (StreamState::Off, None, None)
        );
    }

    #[test]
    fn before_the_first_walk_the_inbound_stages_are_pending_and_then_syncing() {
        let state = |cursor| {
            let mut view = with_inbound(1100);
            view.listings = BTreeMap::from([(
                Listing::Opportunities,
                ListingState {
                    cursor,
                    ..ListingState::default()
                },
            )]);
            view.inbound_status().state
        };
        let part = |part| Cursor::Backfill {
            began: at(1000),
            part,
            offset: None,
        };
        assert_eq!(state(part(domain::Part::Inbound)), StreamState::Syncing);
        assert_eq!(state(part(domain::Part::Rest)), StreamState::Syncing);
        let mut nothing = with_inbound(1100);
        nothing.listings.clear();
        assert_eq!(nothing.inbound_status().state, StreamState::Pending);
    }

    #[test]
    fn trouble_with_the_inbound_stages_is_told_until_a_pass_over_everybody_makes_up_for_it() {
        let with = |trouble: Trouble, now| {
            let mut view = with_inbound(now);
            let troubled = read(None, Some(trouble));
            view.listings.insert(Listing::InboundApplicants, troubled);
            view
        };
        let failed = || Trouble::Failed("away".to_owned());
        let status = with(failed(), 1301).inbound_status();
        assert_eq!(
            (status.state, status.as_of, status.error.as_deref()),
            (StreamState::Failed, Some(at(1000)), Some("away"))
        );
        let made_up = with(failed(), 1299).inbound_status();
        assert_eq!((made_up.state, made_up.error), (StreamState::Synced, None));

        let refused = Trouble::Forbidden("find all opportunities".to_owned());
        let status = with(refused, 1301).inbound_status();
        assert_eq!(status.state, StreamState::Forbidden);

        let rejected = || Trouble::KeyRejected("no".to_owned());
        assert_eq!(whole(&with(rejected(), 1301)), SyncState::Failed);
        let mut later = with(rejected(), 1299);
        later.settings.opportunities_interval = Duration::from_secs(3600);
        assert_eq!(whole(&later), SyncState::Synced);
    }

    #[test]
    fn before_the_first_walk_has_ended_the_sources_tell_how_many_people_there_may_be() {
        let listings = BTreeMap::from([(Listing::Opportunities, read(None, None))]);
        let mut view = view(&[Stream::Opportunities, Stream::Notes], listings, 110);
        // Fifty lists are not all that is to come.
        view.backlog.lists = [(Stream::Notes, 50)].into();
        let notes = view.stream(Stream::Notes, 0);
        assert_eq!((notes.planned_requests, notes.eta), (50, None));
        view.backlog.lists.clear();
        view.people = 1000;
        let people = view.stream(Stream::Opportunities, 0);
        assert_eq!(people.planned_requests, 10);
        assert_eq!(people.eta, Some(Duration::from_secs(1)));
        assert_eq!(view.stream(Stream::Notes, 0).planned_requests, 1000);

        // Two short pages, with what came inside the opportunities.
        let passes = crate::progress::Progress::default();
        passes.began(Listing::Opportunities);
        passes.page(Listing::Opportunities, 150, 50);
        passes.page(Listing::Opportunities, 150, 50);
        let pass = passes.of(Listing::Opportunities).unwrap();
        view.passes.insert(Listing::Opportunities, pass);
        assert_eq!(view.stream(Stream::Notes, 0).planned_requests, 900);
        // A process before this one had read more.
        view.mirrored = 400;
        assert_eq!(view.stream(Stream::Notes, 0).planned_requests, 600);
    }

    #[tokio::test]
    async fn a_process_that_has_not_read_the_sources_goes_by_those_that_are_mirrored() {
        let folder = tempfile::TempDir::new().unwrap();
        let source = |id: &str, count: i64| {
            let raw = format!(r#"{{"text":"{id}","count":{count}}}"#);
            testing::incoming(Stream::Sources, id, &raw)
        };
        let records = vec![source("a", 250), source("b", 151), source("c", -1)];
        let (engine, id) = testing::engine(folder.path(), records).await;
        let status = engine.sync_status(id).await.unwrap();
        let mut streams = status.streams.iter();
        let people = streams.find(|told| told.stream == Stream::Opportunities);
        assert_eq!(people.unwrap().planned_requests, 5);
        assert!(status.eta.is_some());
    }
}
