//! When to walk what.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{Connection, Listing, Schedule, Stream, Timestamp};
use store::{ListingState, RunCause};

use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::pull::Trouble;
use crate::pull::inbound::Inbound;
use crate::settings::PullSettings;

/// How long a pass that failed waits: what is refused will be refused again until somebody acts (S-06).
pub(super) fn pause_after(trouble: &Trouble) -> Duration {
    match trouble {
        Trouble::Unreachable(_) | Trouble::NoTurn(_) | Trouble::Failed(_) => {
            Duration::from_secs(30)
        }
        Trouble::KeyRejected(_) => Duration::from_secs(15 * 60),
        Trouble::Forbidden(_) => LONGEST_PAUSE,
    }
}

/// Long past.
const AT_ONCE: Timestamp = Timestamp::from_millis(0);

/// How long a pass over the inbound stages waits for one over everybody, which reads the same and comes due at the same
/// moment: most end sooner.
const GRACE: Duration = Duration::from_secs(30);

const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Who walks a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worker {
    /// Everything that has no worker of its own.
    Pull,
    /// The walk over everybody.
    Sweep,
    /// The passes over the inbound stages.
    Inbound,
}

impl Worker {
    fn of(listing: Listing) -> Worker {
        match listing {
            Listing::OpportunitySweep => Worker::Sweep,
            Listing::InboundApplicants | Listing::StageMoves => Worker::Inbound,
            _ => Worker::Pull,
        }
    }

    fn walks(self, listing: Listing) -> bool {
        Worker::of(listing) == self
    }

    /// What only the passes over the inbound stages depend on.
    async fn inbound(self, shared: &Shared, link: &Link) -> Result<Inbound> {
        match self {
            Worker::Inbound => Inbound::of(shared, link).await,
            Worker::Pull | Worker::Sweep => Ok(Inbound::default()),
        }
    }
}

/// Why a listing is walked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) cause: RunCause,
    /// Whether no pass over it has ended well yet.
    pub(super) first: bool,
}

/// The listings a worker is to walk now.
pub(super) async fn due(
    shared: &Shared,
    link: &Link,
    worker: Worker,
) -> Result<BTreeMap<Listing, Due>> {
    let states = shared.store.cursors(link.id()).await?;
    let mut forced = link.take_forced(|listing| worker.walks(listing));
    // Who asks for these asks for everybody too: only the pause after a failure ends.
    for listing in Listing::INBOUND {
        if forced.remove(listing).is_some() {
            link.set_retry_at(*listing, None);
        }
    }
    let connection = link.connection();
    let known = Known {
        inbound: worker.inbound(shared, link).await?,
        states: &states,
        settings: &shared.settings.pull,
        now: link.lever_now(&shared.clock),
    };
    Ok(kept(&connection)
        .filter(|listing| worker.walks(*listing))
        .filter_map(|listing| {
            let in_time =
                || known.settings.enabled && plan(link, &connection, listing, &known) <= known.now;
            let cause = match forced.get(&listing) {
                Some(cause) => *cause,
                None if in_time() => RunCause::Schedule,
                None => return None,
            };
            let ended = states.get(&listing).and_then(|state| state.last_success_at);
            let first = ended.is_none();
            Some((listing, Due { cause, first }))
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
    let known = Known {
        inbound: worker.inbound(shared, link).await?,
        states: &states,
        settings: &shared.settings.pull,
        now: link.lever_now(&shared.clock),
    };
    let next = kept(&connection)
        .filter(|listing| worker.walks(*listing))
        .map(|listing| plan(link, &connection, listing, &known))
        .min()
        .unwrap_or_else(|| known.now.plus(LONGEST_PAUSE));
    Ok(next.since(known.now).max(Duration::from_millis(100)))
}

/// When each listing a connection needs is due, by Lever's clock; nothing while pulling is off or paused by somebody.
pub(crate) fn due_times(
    shared: &Shared,
    link: &Link,
    states: &BTreeMap<Listing, ListingState>,
    inbound: Inbound,
) -> BTreeMap<Listing, Timestamp> {
    let connection = link.connection();
    if !shared.settings.pull.enabled || connection.paused {
        return BTreeMap::new();
    }
    let now = link.lever_now(&shared.clock);
    let known = Known {
        inbound,
        states,
        settings: &shared.settings.pull,
        now,
    };
    // Nothing begins while the key is in a pause.
    let pause = link.key_pause(&shared.clock);
    let earliest = pause.map_or(now, |pause| link.lever_time(pause.until).max(now));
    kept(&connection)
        .filter(|listing| known.can_be_walked(*listing))
        .map(|listing| {
            let at = plan(link, &connection, listing, &known);
            (listing, at.max(earliest))
        })
        .collect()
}

/// What the plan of each listing rests on.
struct Known<'a> {
    states: &'a BTreeMap<Listing, ListingState>,
    inbound: Inbound,
    settings: &'a PullSettings,
    /// By Lever's clock.
    now: Timestamp,
}

impl Known<'_> {
    /// Whether there is anything to walk: the inbound stages are followed only once they have been read.
    fn can_be_walked(&self, listing: Listing) -> bool {
        !Listing::INBOUND.contains(&listing) || self.inbound.begins(self.states).is_some()
    }

    /// When one of the passes over the inbound stages is due: it is put off by every pass over everybody, and waits for
    /// one that comes due at the same moment, at `main_at`.
    fn inbound_at(
        &self,
        listing: Listing,
        retry_at: Option<Timestamp>,
        again: &Again,
        main_at: Option<Timestamp>,
    ) -> Timestamp {
        let own_at = self.own_at(listing, retry_at, again);
        // What was cut short goes on; it has asked for most already.
        if own_at == AT_ONCE {
            return own_at;
        }
        match main_at {
            Some(main_at) if main_at <= own_at.plus(GRACE) => own_at.max(main_at.plus(GRACE)),
            _ => own_at,
        }
    }

    /// When it is due by what it rests on alone.
    fn own_at(&self, listing: Listing, retry_at: Option<Timestamp>, again: &Again) -> Timestamp {
        let Some(begins) = self.inbound.begins(self.states) else {
            return again.next(self.now);
        };
        let own = self.states.get(&listing).cloned().unwrap_or_default();
        let state = ListingState {
            last_success_at: self.inbound.read_at(listing, self.states),
            ..own
        };
        next_at(again.next(begins), Some(&state), retry_at, again, self.now)
    }
}

/// When a listing is due, from all that is known of it.
fn plan(link: &Link, connection: &Connection, listing: Listing, known: &Known<'_>) -> Timestamp {
    let (states, now) = (known.states, known.now);
    let again = Again::of(listing, &link.schedules(), known.settings);
    let retry_at = link.retry_in(listing).map(|pause| now.plus(pause));
    if Listing::INBOUND.contains(&listing) {
        let main_at = main_at(link, known);
        return known.inbound_at(listing, retry_at, &again, main_at);
    }
    let walked = |listing| states.get(&listing).and_then(|state| state.last_success_at);
    // The walk by stages comes first, for a while at least.
    let waits = listing == Listing::OpportunitySweep && walked(Listing::Opportunities).is_none();
    let first_at = if waits {
        again.next(connection.created_at)
    } else {
        AT_ONCE
    };
    next_at(first_at, states.get(&listing), retry_at, &again, now)
}

/// When the pass over everybody comes due, or came due that is under way; none before the first one has ended.
fn main_at(link: &Link, known: &Known<'_>) -> Option<Timestamp> {
    let main = Listing::Opportunities;
    let read = known.states.get(&main)?.last_success_at?;
    let due = Again::of(main, &link.schedules(), known.settings).next(read);
    let retry_at = link.retry_in(main).map(|pause| known.now.plus(pause));
    Some(retry_at.map_or(due, |retry_at| due.max(retry_at)))
}

/// When a listing is walked again after it was.
pub(crate) enum Again {
    /// After this time.
    After(Duration),
    /// As somebody has set it (S-03).
    Scheduled(Schedule),
}

impl Again {
    /// Both passes over the inbound stages go by one schedule.
    pub(crate) fn of(
        listing: Listing,
        schedules: &BTreeMap<Listing, Schedule>,
        settings: &PullSettings,
    ) -> Again {
        let by = match listing {
            Listing::StageMoves => Listing::InboundApplicants,
            other => other,
        };
        match schedules.get(&by) {
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
        Listing::Opportunities
        | Listing::OpportunitySweep
        | Listing::InboundApplicants
        | Listing::StageMoves => people,
        Listing::DeletedOpportunities => below(Stream::Opportunities),
        Listing::DeletedApplications => keeps(Stream::Applications),
        Listing::DeletedPostings => keeps(Stream::Postings) && people,
        Listing::Postings => keeps(Stream::Postings) || below(Stream::Postings),
        other => keeps(other.stream()),
    }
}

/// When a listing is due, by Lever's clock, but not before `retry_at`: at `first_at` for one that was never read; at
/// once where a pass was cut short or failed, whatever it was begun for, and where it was read in the future: a clock was
/// wrong then.
fn next_at(
    first_at: Timestamp,
    state: Option<&ListingState>,
    retry_at: Option<Timestamp>,
    again: &Again,
    now: Timestamp,
) -> Timestamp {
    let last_success_at = state.and_then(|state| state.last_success_at);
    let idle = state.is_none_or(|state| state.cursor.idle());
    let failed = state.is_some_and(|state| state.last_error.is_some());
    let in_time = match last_success_at {
        Some(at) if idle && !failed && at.since(now) < again.longest() => again.next(at),
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
            [
                &[Listing::Opportunities, Listing::OpportunitySweep],
                Listing::INBOUND
            ]
            .concat()
        );
        assert_eq!(
            walked(&[Stream::Notes]),
            [
                &[
                    Listing::Opportunities,
                    Listing::DeletedOpportunities,
                    Listing::OpportunitySweep
                ],
                Listing::INBOUND
            ]
            .concat()
        );
    }

    #[test]
    fn each_listing_has_one_worker() {
        for listing in Listing::ALL {
            let workers = [Worker::Pull, Worker::Sweep, Worker::Inbound];
            let theirs = workers.iter().filter(|worker| worker.walks(*listing));
            assert_eq!(theirs.count(), 1, "{listing}");
        }
        assert!(Worker::Pull.walks(Listing::Opportunities));
        assert!(Worker::Sweep.walks(Listing::OpportunitySweep));
        for listing in Listing::INBOUND {
            assert!(Worker::Inbound.walks(*listing));
        }
    }

    #[test]
    fn both_passes_over_the_inbound_stages_go_by_their_schedule_and_nothing_else_does() {
        let hour = Schedule::every(Duration::from_secs(3600)).unwrap();
        let schedules = BTreeMap::from([(Listing::InboundApplicants, hour)]);
        let settings = PullSettings::default();
        for listing in Listing::ALL {
            let again = Again::of(*listing, &schedules, &settings);
            let by_schedule = matches!(again, Again::Scheduled(_));
            assert_eq!(by_schedule, Listing::INBOUND.contains(listing), "{listing}");
        }
    }

    /// When the inbound stages are due that were last read by the main listing and by their own at these times.
    fn inbound_at(main: Option<i64>, own: Option<i64>, now: i64) -> Timestamp {
        let states = BTreeMap::from([
            (
                Listing::Opportunities,
                read(main, Cursor::following(at(500))),
            ),
            (Listing::StageMoves, read(own, Cursor::following(at(500)))),
        ]);
        inbound_of(&states, now)
    }

    fn inbound_of(states: &BTreeMap<Listing, ListingState>, now: i64) -> Timestamp {
        let known = Known {
            states,
            inbound: Inbound::with_stages(),
            settings: &PullSettings::default(),
            now: at(now),
        };
        known.inbound_at(Listing::StageMoves, None, &Again::After(INTERVAL), None)
    }

    #[test]
    fn the_inbound_stages_are_due_an_interval_after_they_were_last_read_either_way() {
        assert_eq!(inbound_at(Some(1000), None, 1010), at(1060));
        assert_eq!(inbound_at(Some(1000), Some(1030), 1040), at(1090));
        assert_eq!(inbound_at(Some(1050), Some(1030), 1055), at(1110));
        // During the first walk: an interval after they were read.
        assert_eq!(inbound_at(None, None, 510), at(560));
        assert!(inbound_at(Some(1000), None, 1070) <= at(1070));
    }

    #[test]
    fn a_pass_over_the_inbound_stages_waits_for_one_over_everybody_that_comes_due_with_it() {
        let due = |main_at: Option<i64>, own_cut: bool| {
            let own = match own_cut {
                true => Cursor::Follow {
                    since: at(900),
                    began: at(1000),
                    offset: None,
                },
                false => Cursor::following(at(500)),
            };
            let states = BTreeMap::from([
                (
                    Listing::Opportunities,
                    read(Some(1000), Cursor::following(at(500))),
                ),
                (Listing::StageMoves, read(Some(1000), own)),
            ]);
            let known = Known {
                states: &states,
                inbound: Inbound::with_stages(),
                settings: &PullSettings::default(),
                now: at(1070),
            };
            let again = Again::After(INTERVAL);
            known.inbound_at(Listing::StageMoves, None, &again, main_at.map(at))
        };
        assert_eq!(due(None, false), at(1060));
        // It has half a minute to end; from then on the inbound stages are read whatever it does.
        assert_eq!(due(Some(1060), false), at(1090));
        assert_eq!(due(Some(1075), false), at(1105));
        assert_eq!(due(Some(1040), false), at(1070));
        // One that takes long, and one that is far away, are not waited for.
        assert_eq!(due(Some(1020), false), at(1060));
        assert_eq!(due(Some(1091), false), at(1060));
        // What was cut short goes on.
        assert_eq!(due(Some(1060), true), AT_ONCE);
    }

    #[test]
    fn the_inbound_stages_are_not_due_before_they_were_read_once() {
        let unread = BTreeMap::from([(Listing::Opportunities, read(None, Cursor::New))]);
        for now in [0, 1000, 100_000] {
            assert_eq!(inbound_of(&unread, now), at(now + 60));
        }
    }

    #[test]
    fn a_pass_over_the_inbound_stages_that_was_cut_short_goes_on_at_once() {
        let cut = Cursor::Follow {
            since: at(900),
            began: at(1000),
            offset: None,
        };
        let states = BTreeMap::from([
            (
                Listing::Opportunities,
                read(Some(1000), Cursor::following(at(1000))),
            ),
            (Listing::StageMoves, read(Some(900), cut)),
        ]);
        assert_eq!(inbound_of(&states, 1001), AT_ONCE);
    }

    #[test]
    fn x23_eeo_responses_are_walked_only_where_they_are_named() {
        let everything_else = testing::connection(Stream::DEFAULT, at(0));
        assert!(kept(&everything_else).all(|listing| listing != Listing::EeoResponses));
        let named = testing::connection(&[Stream::EeoResponses], at(0));
        assert_eq!(kept(&named).collect::<Vec<_>>(), [Listing::EeoResponses]);
    }

    #[test]
    fn what_failed_is_tried_again_though_it_was_read_not_long_ago() {
        let mut state = read(Some(1_000), Cursor::New);
        assert!(!due(Some(&state), None, 1_010));
        state.last_error = Some("away".to_owned());
        assert!(!due(Some(&state), Some(1_030), 1_010));
        assert!(due(Some(&state), Some(1_030), 1_030));
    }

    #[test]
    fn what_is_refused_is_not_asked_again_soon() {
        let failed = pause_after(&Trouble::Failed(String::new()));
        let rejected = pause_after(&Trouble::KeyRejected(String::new()));
        let forbidden = pause_after(&Trouble::Forbidden(String::new()));
        assert!(failed < rejected && rejected < forbidden);
    }
}
