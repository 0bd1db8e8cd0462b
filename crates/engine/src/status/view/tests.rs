use domain::Cursor;
use lever::Lane;

use super::super::as_of;
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
        rate: 10.0,
        people: 0,
        mirrored: 0,
        pause: None,
        stopped: Duration::ZERO,
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
fn state(stages: Option<ListingState>, opportunities: Option<ListingState>, now: i64) -> SyncState {
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
fn x12_a_stream_below_others_is_complete_when_nothing_waits_and_tells_what_it_needs_until_then() {
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

/// 500 requests to make, at nearly 10 a second and then with what others leave of the limit.
#[tokio::test]
async fn x12_the_time_left_goes_by_the_rate_that_a_429_has_left_and_by_the_pause_after_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let raw = r#"{"text":"a","count":50000}"#;
    let records = vec![testing::incoming(Stream::Sources, "a", raw)];
    let (engine, id) = testing::engine(folder.path(), records).await;
    let left = async || {
        let told = engine.sync_status(id).await.unwrap();
        let mut streams = told.streams.into_iter();
        let people = streams.find(|told| told.stream == Stream::Opportunities);
        people.unwrap().eta.map(|left| left.as_secs())
    };
    assert_eq!(left().await, Some(50));

    let client = engine.running(id).unwrap().link.client(Lane::Backfill);
    client
        .budget()
        .saw_rate_limit(Some(Duration::from_secs(60)));
    // Some of the pause may have gone by.
    let told = left().await.expect("a time");
    assert!((150..=162).contains(&told), "{told} s");
}
