//! The status of a mirror, told from everything that is known of it.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Backlog, Connection, ConnectionId, Listing, Schedule, Stream, Timestamp};
use store::{ListingState, StreamState as StreamBelow};

use super::{
    InboundStatus, MOST_COUNTED, StreamState, StreamStatus, SyncState, inbound_ready, set_aside,
};
use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::mapping;
use crate::pause::KeyPause;
use crate::progress::PassProgress;
use crate::pull::inbound::Inbound;
use crate::pull::{self, Again, Trouble, listing_of};
use crate::settings::PullSettings;
use crate::sync::StreamSchedule;

/// Everything the status of a mirror is told from.
pub(super) struct View {
    pub(super) connection: Connection,
    /// Why nothing more can be read, once Lever has refused the credential for good.
    refusal: Option<&'static str>,
    pub(super) listings: BTreeMap<Listing, ListingState>,
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
    /// Requests a second, as the budget of the key has it now: less than is configured while others use the limit too.
    rate: f64,
    /// How many opportunities Lever may have, by what it says of its sources.
    people: u64,
    /// How many opportunities are mirrored.
    mirrored: u64,
    /// The pause after a 429 that the key is in.
    pub(super) pause: Option<KeyPause>,
    /// How much longer it lasts.
    stopped: Duration,
    now: Timestamp,
}

impl View {
    pub(super) async fn of(shared: &Shared, link: &Link) -> Result<View> {
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
            rate: link.rate().max(0.1),
            people: match link.people_estimate() {
                // Not read by this process.
                0 => told_by_sources(shared, id).await?,
                read => read,
            },
            mirrored: store.count(id, Stream::Opportunities).await?,
            pause: link.key_pause(&shared.clock),
            stopped: link.pause().map_or(Duration::ZERO, |pause| pause.left()),
            now,
        })
    }

    pub(super) fn stream(&self, stream: Stream, records: u64) -> StreamStatus {
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
    pub(super) fn trouble(&self, stream: Stream) -> Option<Trouble> {
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
        let forbidden = matches!(self.trouble(stream), Some(Trouble::Forbidden(_)));
        match self.backlog.of(stream) {
            0 if !forbidden => parents,
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
    pub(super) fn stale_streams(&self) -> Vec<(Listing, Stream)> {
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
    pub(super) fn inbound_status(&self) -> InboundStatus {
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
    pub(super) fn eta(&self, requests: u64) -> Option<Duration> {
        let unknown = self.walking_people() && self.people == 0;
        let working = Duration::from_secs_f64(requests as f64 / self.rate);
        (requests > 0 && !unknown).then(|| self.stopped.saturating_add(working))
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

pub(super) fn sync_state(view: &View, streams: &[StreamStatus]) -> SyncState {
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
mod tests;
