//! When to walk what.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{Connection, Listing, Schedule, Stream, Timestamp};
use store::ListingState;

use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::pull::{Trouble, listing_of};
use crate::settings::PullSettings;

/// How long a pass that failed waits: what is refused will be refused again until somebody acts (S-06).
pub(super) fn pause_after(trouble: &Trouble) -> Duration {
    match trouble {
        Trouble::Failed(_) => Duration::from_secs(30),
        Trouble::KeyRejected(_) => Duration::from_secs(15 * 60),
        Trouble::Forbidden(_) => LONGEST_PAUSE,
    }
}

/// Long past.
const AT_ONCE: Timestamp = Timestamp::from_millis(0);

const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Who walks a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worker {
    /// Everything but the sweep.
    Pull,
    /// The walk over everybody.
    Sweep,
}

impl Worker {
    fn walks(self, listing: Listing) -> bool {
        (self == Worker::Sweep) == (listing == Listing::OpportunitySweep)
    }
}

/// The listings a worker is to walk now.
pub(super) async fn due(shared: &Shared, link: &Link, worker: Worker) -> Result<Vec<Listing>> {
    let states = shared.store.cursors(link.id()).await?;
    let forced = link.take_forced(|listing| worker.walks(listing));
    let connection = link.connection();
    let now = link.lever_time(shared.clock.now());
    Ok(kept(&connection)
        .filter(|listing| worker.walks(*listing))
        .filter(|listing| {
            forced.contains(listing)
                || shared.settings.pull.enabled
                    && plan(
                        link,
                        &connection,
                        *listing,
                        &states,
                        &shared.settings.pull,
                        now,
                    ) <= now
        })
        .collect())
}

/// How long until something is due for a worker.
pub(super) async fn until_next(shared: &Shared, link: &Link, worker: Worker) -> Result<Duration> {
    let states = shared.store.cursors(link.id()).await?;
    if !shared.settings.pull.enabled {
        return Ok(LONGEST_PAUSE);
    }
    let connection = link.connection();
    let now = link.lever_time(shared.clock.now());
    let next = kept(&connection)
        .filter(|listing| worker.walks(*listing))
        .map(|listing| {
            plan(
                link,
                &connection,
                listing,
                &states,
                &shared.settings.pull,
                now,
            )
        })
        .min()
        .unwrap_or_else(|| now.plus(LONGEST_PAUSE));
    Ok(next.since(now).max(Duration::from_millis(100)))
}

/// When each listing a connection needs is due, by Lever's clock; nothing while pulling is off or paused by somebody.
pub(crate) fn due_times(
    shared: &Shared,
    link: &Link,
    states: &BTreeMap<Listing, ListingState>,
) -> BTreeMap<Listing, Timestamp> {
    let connection = link.connection();
    if !shared.settings.pull.enabled || connection.paused {
        return BTreeMap::new();
    }
    let now = link.lever_time(shared.clock.now());
    let settings = &shared.settings.pull;
    // Nothing begins while the key is in a pause.
    let pause = link.key_pause(&shared.clock);
    let earliest = pause.map_or(now, |pause| link.lever_time(pause.until).max(now));
    kept(&connection)
        .map(|listing| {
            let at = plan(link, &connection, listing, states, settings, now);
            (listing, at.max(earliest))
        })
        .collect()
}

/// When a listing is due, from all that is known of it.
fn plan(
    link: &Link,
    connection: &Connection,
    listing: Listing,
    states: &BTreeMap<Listing, ListingState>,
    settings: &PullSettings,
    now: Timestamp,
) -> Timestamp {
    let again = Again::of(listing, &link.schedules(), settings);
    let walked = |listing| states.get(&listing).and_then(|state| state.last_success_at);
    // The walk by stages comes first, for a while at least.
    let waits = listing == Listing::OpportunitySweep && walked(Listing::Opportunities).is_none();
    let first_at = if waits {
        again.next(connection.created_at)
    } else {
        AT_ONCE
    };
    next_at(
        first_at,
        states.get(&listing),
        link.retry_in(listing).map(|pause| now.plus(pause)),
        &again,
        now,
    )
}

/// When a listing is walked again after it was.
pub(crate) enum Again {
    /// After this time.
    After(Duration),
    /// As somebody has set it (S-03).
    Scheduled(Schedule),
}

impl Again {
    /// A schedule of a stream is for its own list; deletions and the walk over everybody keep theirs.
    pub(crate) fn of(
        listing: Listing,
        schedules: &BTreeMap<Stream, Schedule>,
        settings: &PullSettings,
    ) -> Again {
        let own = listing_of(listing.stream()) == Some(listing);
        match schedules.get(&listing.stream()).filter(|_| own) {
            Some(schedule) => Again::Scheduled(schedule.clone()),
            None => Again::After(settings.interval(listing)),
        }
    }

    /// When it is walked again, `last` being when the last walk began.
    pub(crate) fn next(&self, last: Timestamp) -> Timestamp {
        match self {
            Again::After(interval) => last.plus(*interval),
            Again::Scheduled(schedule) => schedule.next_after(last),
        }
    }

    /// What lies further ahead than this was set by a wrong clock.
    fn longest(&self) -> Duration {
        match self {
            Again::After(interval) => *interval,
            Again::Scheduled(_) => Schedule::LONGEST,
        }
    }
}

/// The listings a connection's streams need.
fn kept(connection: &Connection) -> impl Iterator<Item = Listing> + use<> {
    let streams = connection.streams.clone();
    Listing::ALL
        .iter()
        .copied()
        .filter(move |listing| needed(&streams, *listing))
}

/// Whether a connection walks a listing at all.
pub(crate) fn walks(connection: &Connection, listing: Listing) -> bool {
    needed(&connection.streams, listing)
}

/// Whether the streams need a listing.
///
/// What hangs on a record needs the record's own list. Who keeps nothing but a bare list learns from the complete
/// walks over it what is gone: the lists of deletions are permissions of their own, and nothing that was not
/// asked for is called (P-01, T-01).
fn needed(streams: &BTreeSet<Stream>, listing: Listing) -> bool {
    let keeps = |stream| streams.contains(&stream);
    let below = |parent| streams.iter().any(|stream| stream.parent() == Some(parent));
    let people = keeps(Stream::Opportunities) || below(Stream::Opportunities);
    match listing {
        Listing::Opportunities | Listing::OpportunitySweep => people,
        Listing::DeletedOpportunities => below(Stream::Opportunities),
        Listing::DeletedApplications => keeps(Stream::Applications),
        Listing::DeletedPostings => keeps(Stream::Postings) && people,
        Listing::Postings => keeps(Stream::Postings) || below(Stream::Postings),
        other => keeps(other.stream()),
    }
}

/// When a listing is due, by Lever's clock, but not before `retry_at`: at `first_at` for one that was never read; at
/// once where a pass was cut short, and where it was read in the future: a clock was wrong then.
fn next_at(
    first_at: Timestamp,
    state: Option<&ListingState>,
    retry_at: Option<Timestamp>,
    again: &Again,
    now: Timestamp,
) -> Timestamp {
    let last_success_at = state.and_then(|state| state.last_success_at);
    let idle = state.is_none_or(|state| state.cursor.idle());
    let in_time = match last_success_at {
        Some(at) if idle && at.since(now) < again.longest() => again.next(at),
        None if idle => first_at,
        _ => AT_ONCE,
    };
    retry_at.map_or(in_time, |retry_at| in_time.max(retry_at))
}

#[cfg(test)]
mod tests {
    use domain::Cursor;

    use super::*;
    use crate::testing;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn read(last_success_at: Option<i64>, cursor: Cursor) -> ListingState {
        ListingState {
            cursor,
            last_success_at: last_success_at.map(at),
            last_error: None,
        }
    }

    fn due(state: Option<&ListingState>, retry_at: Option<i64>, now: i64) -> bool {
        next_at(
            AT_ONCE,
            state,
            retry_at.map(at),
            &Again::After(INTERVAL),
            at(now),
        ) <= at(now)
    }

    #[test]
    fn a_listing_is_due_at_once_and_then_once_an_interval() {
        let idle = Cursor::Idle {
            since: at(1000),
            complete: true,
        };
        assert!(due(None, None, 1000));
        assert!(!due(Some(&read(Some(1000), idle.clone())), None, 1059));
        assert!(due(Some(&read(Some(1000), idle)), None, 1060));
    }

    #[test]
    fn a_pass_that_was_cut_short_goes_on_at_once() {
        let cursor = Cursor::Follow {
            since: at(900),
            began: at(1000),
            offset: None,
        };
        assert!(due(Some(&read(Some(1000), cursor)), None, 1001));
    }

    #[test]
    fn s03_a_stream_is_walked_at_the_times_that_were_set_for_it() {
        let idle = Cursor::Idle {
            since: at(3600),
            complete: true,
        };
        let state = read(Some(3600), idle);
        let nightly = Again::Scheduled(Schedule::cron("0 2 * * *", "UTC").unwrap());
        let next = next_at(AT_ONCE, Some(&state), None, &nightly, at(3700));
        assert_eq!(next, at(7200));
    }

    #[test]
    fn a_failed_listing_waits() {
        assert!(!due(None, Some(1030), 1029));
        assert!(due(None, Some(1030), 1030));
    }

    #[test]
    fn a_success_in_the_future_does_not_stop_the_pull() {
        let idle = Cursor::Idle {
            since: at(90_000),
            complete: true,
        };
        assert!(due(Some(&read(Some(90_000), idle)), None, 1000));
    }

    #[test]
    fn only_what_the_streams_need_is_walked() {
        let walked = |streams: &[Stream]| -> Vec<Listing> {
            kept(&testing::connection(streams, at(0))).collect()
        };
        assert_eq!(walked(&[Stream::Postings]), [Listing::Postings]);
        assert_eq!(walked(&[Stream::PostingForms]), [Listing::Postings]);
        assert_eq!(
            walked(&[Stream::Opportunities]),
            [Listing::Opportunities, Listing::OpportunitySweep]
        );
        assert_eq!(
            walked(&[Stream::Notes]),
            [
                Listing::Opportunities,
                Listing::DeletedOpportunities,
                Listing::OpportunitySweep
            ]
        );
    }

    #[test]
    fn x23_eeo_responses_are_walked_only_where_they_are_named() {
        let everything_else = testing::connection(Stream::DEFAULT, at(0));
        assert!(kept(&everything_else).all(|listing| listing != Listing::EeoResponses));
        let named = testing::connection(&[Stream::EeoResponses], at(0));
        assert_eq!(kept(&named).collect::<Vec<_>>(), [Listing::EeoResponses]);
    }

    #[test]
    fn what_is_refused_is_not_asked_again_soon() {
        let failed = pause_after(&Trouble::Failed(String::new()));
        let rejected = pause_after(&Trouble::KeyRejected(String::new()));
        let forbidden = pause_after(&Trouble::Forbidden(String::new()));
        assert!(failed < rejected && rejected < forbidden);
    }
}
