//! How a mirror is doing.

mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::absence::Reading;
use domain::{Connection, ConnectionId, Cursor, Listing, Stream, Timestamp};
use lever::StageId;
use store::{ListingState, RunCause, Shortage};
use tokio::sync::watch;

use crate::ask::refuse_paused;
use crate::engine::{Engine, Shared};
use crate::error::{Error, Result};
use crate::link::Link;
use crate::pause::KeyPause;
use crate::pull::inbound::Inbound;
use crate::pull::{Trouble, listing_of};
use crate::sync::StreamSchedule;
use view::{View, sync_state};

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
