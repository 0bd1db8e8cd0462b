//! How a mirror is doing.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Connection, ConnectionId, Listing, Stream, Timestamp};
use store::ListingState;
use tokio::sync::watch;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::pull::{Trouble, listing_of};

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
    /// The last pass failed.
    Failed,
    /// The key lacks the permission.
    Forbidden,
    /// Not kept.
    Off,
}

/// One stream of a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// A mirror as a whole and stream by stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncStatus {
    /// As a whole.
    pub state: SyncState,
    /// Stream by stream.
    pub streams: Vec<StreamStatus>,
    /// Requests made to Lever since the start of the process.
    pub made_requests: u64,
    /// The start of the oldest last-complete pass the mirror rests on.
    pub as_of: Option<Timestamp>,
    /// Whether the inbound stages have been read once.
    pub inbound_ready: bool,
}

impl Engine {
    /// How a connection's mirror is doing.
    ///
    /// # Errors
    /// Not found.
    pub async fn sync_status(&self, id: ConnectionId) -> Result<SyncStatus> {
        let link = self.link(id)?;
        let connection = link.connection();
        let listings = self.shared.store.cursors(id).await?;
        let quarantined = self
            .shared
            .store
            .quarantined(id, None, MOST_COUNTED)
            .await?;
        let mut streams = Vec::new();
        for stream in Stream::PULLED {
            let records = self.shared.store.count(id, *stream).await?;
            let mut status = stream_status(&connection, *stream, &listings, records);
            let aside = quarantined
                .iter()
                .filter(|record| record.stream == *stream)
                .count();
            if aside > 0 && status.error.is_none() {
                status.error = Some(set_aside(aside));
            }
            streams.push(status);
        }
        let now = link.lever_time(self.shared.clock.now());
        let as_of = as_of(&connection, &listings, Stream::PULLED);
        let period = self.shared.settings.pull.opportunities_interval;
        Ok(SyncStatus {
            state: sync_state(&connection, &streams, &listings, now, period),
            streams,
            made_requests: link.requests(),
            as_of,
            inbound_ready: inbound_ready(&listings),
        })
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
    /// # Errors
    /// Not found; precondition while paused; invalid for a stream the connection does not keep.
    pub async fn start_sync(&self, id: ConnectionId, streams: &[Stream]) -> Result<SyncStatus> {
        let link = self.link(id)?;
        let connection = link.connection();
        if connection.paused {
            return Err(Error::precondition(
                "SYNC_PAUSED",
                "pulling is paused: call ResumeSync first",
                Vec::new(),
            ));
        }
        let mut listings = Vec::new();
        for (index, stream) in streams.iter().enumerate() {
            let listing = listing_of(*stream)
                .filter(|_| connection.keeps(*stream))
                .ok_or_else(|| {
                    Error::invalid(
                        format!("streams[{index}]"),
                        format!("{stream} is not kept by this connection"),
                    )
                })?;
            listings.push(listing);
            if listing == Listing::Opportunities {
                listings.push(Listing::DeletedOpportunities);
            }
        }
        if streams.is_empty() {
            listings = Listing::ALL
                .iter()
                .copied()
                .filter(|listing| *listing != Listing::OpportunitySweep)
                .collect();
        }
        link.force(&listings);
        self.sync_status(id).await
    }
}

/// Records in quarantine are counted up to here.
const MOST_COUNTED: usize = 1000;

fn set_aside(records: usize) -> String {
    let many = if records >= MOST_COUNTED {
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

fn stream_status(
    connection: &Connection,
    stream: Stream,
    listings: &BTreeMap<Listing, ListingState>,
    records: u64,
) -> StreamStatus {
    let listing = listing_of(stream).and_then(|listing| listings.get(&listing));
    let trouble = listing
        .and_then(|state| state.last_error.as_deref())
        .map(Trouble::from_text);
    let state = if connection.keeps(stream) {
        stream_state(listing, trouble.as_ref())
    } else {
        StreamState::Off
    };
    let shown = !matches!(
        state,
        StreamState::Pending | StreamState::Forbidden | StreamState::Off
    );
    StreamStatus {
        stream,
        state,
        records: shown.then_some(records),
        last_success_at: listing.and_then(|state| state.last_success_at),
        error: trouble
            .filter(|_| state != StreamState::Off)
            .map(|trouble| trouble.sentence()),
    }
}

/// An account list is complete after one walk; opportunities after the follow pass that repairs theirs:
/// either way a success was noted then.
fn stream_state(listing: Option<&ListingState>, trouble: Option<&Trouble>) -> StreamState {
    match (listing, trouble) {
        (_, Some(Trouble::Forbidden(_))) => StreamState::Forbidden,
        (_, Some(_)) => StreamState::Failed,
        (None, None) => StreamState::Pending,
        (Some(state), None) if state.last_success_at.is_some() => StreamState::Synced,
        (Some(_), None) => StreamState::Syncing,
    }
}

fn sync_state(
    connection: &Connection,
    streams: &[StreamStatus],
    listings: &BTreeMap<Listing, ListingState>,
    now: Timestamp,
    period: Duration,
) -> SyncState {
    if connection.paused {
        return SyncState::Paused;
    }
    let kept = || {
        streams
            .iter()
            .filter(|status| status.state != StreamState::Off)
    };
    let key_rejected = listings
        .values()
        .filter_map(|state| state.last_error.as_deref())
        .any(|text| matches!(Trouble::from_text(text), Trouble::KeyRejected(_)));
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
    let oldest = readable()
        .filter(|status| status.stream == Stream::Opportunities)
        .filter_map(|status| status.last_success_at)
        .min();
    match oldest {
        Some(at) if now.since(at) > period.saturating_mul(2).max(Duration::from_secs(60)) => {
            SyncState::Stale
        }
        _ => SyncState::Synced,
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

    /// The state of a connection that keeps stages and opportunities.
    fn state(
        stages: Option<ListingState>,
        opportunities: Option<ListingState>,
        now: i64,
    ) -> SyncState {
        let connection = testing::connection(&[Stream::Stages, Stream::Opportunities], at(0));
        let mut listings = BTreeMap::new();
        listings.extend(stages.map(|state| (Listing::Stages, state)));
        listings.extend(opportunities.map(|state| (Listing::Opportunities, state)));
        let streams: Vec<_> = Stream::PULLED
            .iter()
            .map(|stream| stream_status(&connection, *stream, &listings, 1))
            .collect();
        sync_state(&connection, &streams, &listings, at(now), PERIOD)
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
    fn a_forbidden_stream_does_not_hold_up_the_others_but_is_never_zero_rows() {
        let opportunities = Some(read(Some(100), None));
        assert_eq!(
            state(Some(read(None, forbidden())), opportunities, 100),
            SyncState::Synced
        );
        let connection = testing::connection(&[Stream::Stages], at(0));
        let listings = BTreeMap::from([(Listing::Stages, read(None, forbidden()))]);
        let status = stream_status(&connection, Stream::Stages, &listings, 0);
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
    fn a_mirror_is_as_new_as_its_oldest_stream_and_a_forbidden_one_does_not_count() {
        let connection = testing::connection(&[Stream::Stages, Stream::Opportunities], at(0));
        let mut listings = BTreeMap::from([
            (Listing::Stages, read(Some(50), None)),
            (Listing::Opportunities, read(Some(90), None)),
        ]);
        assert_eq!(as_of(&connection, &listings, Stream::PULLED), Some(at(50)));
        listings.insert(Listing::Stages, read(None, forbidden()));
        assert_eq!(as_of(&connection, &listings, Stream::PULLED), Some(at(90)));
        listings.remove(&Listing::Opportunities);
        assert_eq!(as_of(&connection, &listings, Stream::PULLED), None);
    }
}
