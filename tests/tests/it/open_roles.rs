//! A page of open roles, kept from the postings of an account alone (T-01 to T-07; T-01 is among the permissions).

use std::collections::BTreeSet;
use std::time::Duration;

use lever_sim::{Act, Key};
use proto::v1 as pb;
use serde_json::{Value, json};
use tokio::time::timeout;
use tonic::{Code, Streaming};

use crate::support::{Api, LeverClock, Setup, World, http, refused, until};

const HOUR: Duration = Duration::from_secs(3600);

/// Long enough for a slow machine; an event that comes is not waited for.
const PATIENCE: Duration = Duration::from_secs(45);

/// An account of which these streams are kept, with a key that reads no more.
fn setup(streams: &[&str]) -> Setup {
    let mut setup = Setup::new(20);
    let permissions = streams.iter().map(|stream| format!("find all {stream}"));
    setup.lever.keys = vec![
        Key::only(setup.key.clone(), permissions),
        Key::all(RECRUITER),
    ];
    setup.connection.streams = streams.iter().map(|stream| (*stream).to_owned()).collect();
    setup
}

/// The key of somebody who works in the account.
const RECRUITER: &str = "a-key-for-writing-postings-0002";

impl World {
    /// Closes a posting, as somebody in Lever does.
    async fn close(&self, posting: &Value) {
        let user = self.lever.active_users().remove(0);
        let request = http()
            .post(format!(
                "{}/postings/{}",
                self.lever.base_url(),
                id(posting)
            ))
            .query(&[("perform_as", user)])
            .basic_auth(RECRUITER, Some(""))
            .json(&json!({"state": "closed"}));
        let answer = request.send().await.expect("answered");
        assert_eq!(answer.status(), 200);
    }

    /// The open roles as the page shows them.
    async fn open_roles(&self) -> BTreeSet<String> {
        let request = pb::ListPostingsRequest {
            connection_id: self.connection.clone(),
            page_size: 1000,
            states: vec!["published".to_owned()],
            ..Default::default()
        };
        let answer = self.api.lever().list_postings(request).await;
        let postings = answer.expect("listed").into_inner().postings;
        postings.into_iter().map(|posting| posting.id).collect()
    }

    /// The postings in Lever that this key sees.
    async fn postings_in_lever(&self) -> Vec<Value> {
        let postings = self.listed_in_lever("/postings").await.into_values();
        let read = |raw: String| serde_json::from_str(&raw).expect("JSON");
        postings.map(read).collect()
    }

    /// A posting in Lever that is published.
    async fn published(&self) -> Value {
        let mut postings = self.postings_in_lever().await;
        postings.retain(|posting| posting["state"] == "published");
        postings.remove(0)
    }
}

fn id(record: &Value) -> &str {
    record["id"].as_str().expect("an id")
}

fn keys(object: &Value) -> BTreeSet<String> {
    object
        .as_object()
        .map(|fields| fields.keys().cloned().collect())
        .unwrap_or_default()
}

/// The parts of a posting that such a page shows, in Lever's names.
const SHOWN: [&str; 5] = ["text", "content", "state", "createdAt", "urls"];
const SHOWN_CATEGORIES: [&str; 2] = ["department", "location"];
/// What Fulcrum itself knows a record by.
const NEEDED: [&str; 2] = ["id", "confidentiality"];

/// T-02: title, description, department, location, state, creation date and address are kept and nothing else;
/// beside them only what a record is known by.
#[tokio::test]
async fn t02_of_a_posting_seven_fields_are_kept() {
    let mut setup = setup(&["postings"]);
    let probe = World::new(Setup::new(20)).await;
    let mut unwanted = BTreeSet::new();
    for posting in probe.postings_in_lever().await {
        let fields = keys(&posting).into_iter();
        unwanted.extend(
            fields
                .filter(|name| !SHOWN.contains(&name.as_str()) && !NEEDED.contains(&name.as_str()))
                .filter(|name| name != "categories"),
        );
        let categories = keys(&posting["categories"]).into_iter();
        unwanted.extend(
            categories
                .filter(|name| !SHOWN_CATEGORIES.contains(&name.as_str()))
                .map(|name| format!("categories.{name}")),
        );
    }
    assert!(unwanted.len() > 10, "{unwanted:?}");
    let excluded = unwanted.iter().map(|path| format!("postings.{path}"));
    setup.connection.excluded_fields = excluded.collect();

    let world = World::synced(setup).await;
    let kept = world.records("postings").await.expect("read");
    assert_eq!(kept.len(), world.postings_in_lever().await.len());
    let allowed: BTreeSet<_> = [&SHOWN[..], &NEEDED[..], &["categories"]]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect();
    for raw in kept.into_values() {
        let posting: Value = serde_json::from_str(&raw).expect("JSON");
        assert!(keys(&posting).is_subset(&allowed), "{raw}");
        let categories = keys(&posting["categories"]);
        let shown = SHOWN_CATEGORIES.map(str::to_owned).into();
        assert!(categories.is_subset(&shown), "{raw}");
    }
    let published = world.published().await;
    let request = pb::GetPostingRequest {
        connection_id: world.connection.clone(),
        posting_id: id(&published).to_owned(),
        ..Default::default()
    };
    let answer = world.api.lever().get_posting(request).await.expect("read");
    let posting = answer.into_inner().posting.expect("a posting");
    assert_eq!(posting.text, published["text"]);
    assert_eq!(posting.state, "published");
    assert!(posting.content.is_some() && posting.created_at.is_some() && posting.urls.is_some());
    let categories = posting.categories.expect("categories");
    assert_eq!(categories.department, published["categories"]["department"]);
    assert_eq!(categories.location, published["categories"]["location"]);
    assert!(categories.team.is_empty() && posting.owner_id.is_empty());
}

/// T-03: the open ones only, and a closed one goes with the next pull.
#[tokio::test]
async fn t03_a_role_that_is_closed_is_no_longer_listed_after_the_next_pull() {
    let world = World::synced(setup(&["postings"])).await;
    let postings = world.postings_in_lever().await;
    let open: BTreeSet<_> = postings
        .iter()
        .filter(|posting| posting["state"] == "published")
        .map(|posting| id(posting).to_owned())
        .collect();
    assert!(open.len() < postings.len(), "some are not open");
    assert_eq!(world.open_roles().await, open);
    let closed = world.published().await;
    world.close(&closed).await;
    assert_eq!(world.open_roles().await, open, "nothing was pulled yet");
    world.pull().await;
    let mut left = open;
    left.remove(id(&closed));
    until("the role is gone", async || {
        (world.open_roles().await == left).then_some(())
    })
    .await;
}

/// T-04: every six hours once that is set, which is not too old in between (X12), and at once when somebody asks.
#[tokio::test]
async fn t04_the_postings_are_read_every_six_hours_and_when_somebody_asks() {
    let mut setup = setup(&["stages", "postings"]);
    let clock = LeverClock::of(&mut setup, 0);
    let world = World::synced(setup).await;
    let six_hours = prost_types::Duration {
        seconds: 6 * 3600,
        nanos: 0,
    };
    let schedule = pb::StreamSchedule {
        when: Some(pb::stream_schedule::When::Interval(six_hours)),
        ..Default::default()
    };
    world.schedule("postings", schedule).await;
    let stream = world.stream("postings").await;
    let seconds = |at: Option<prost_types::Timestamp>| at.expect("a time").seconds;
    let wait = seconds(stream.next_run_at) - seconds(stream.last_success_at);
    assert_eq!(wait, 6 * 3600);

    let asked = world.calls("listPostings").len();
    clock.advance(5 * HOUR);
    world.until_time_is_told().await;
    assert_eq!(world.calls("listPostings").len(), asked);
    let stream = world.stream("postings").await;
    assert_eq!(stream.state(), pb::StreamState::Synced);
    clock.advance(HOUR);
    world.until_time_is_told().await;
    until("the postings are read by themselves", async || {
        (world.calls("listPostings").len() > asked).then_some(())
    })
    .await;

    let asked = world.calls("listPostings").len();
    world.pull_only(&["postings"]).await;
    until("the postings are read on demand", async || {
        (world.calls("listPostings").len() > asked).then_some(())
    })
    .await;
}

/// Watches the pull of the linked account.
async fn watch(api: &Api, connection: &str) -> Streaming<pb::WatchSyncResponse> {
    let request = pb::WatchSyncRequest {
        connection_id: connection.to_owned(),
    };
    let answer = api.sync().watch_sync(request).await;
    answer.expect("watching").into_inner()
}

/// The first status told of which this holds.
async fn told(
    events: &mut Streaming<pb::WatchSyncResponse>,
    holds: impl Fn(&pb::SyncStatus) -> bool,
) -> pb::SyncStatus {
    let told = timeout(PATIENCE, async {
        loop {
            let event = events.message().await.expect("no refusal");
            let status = event.expect("no end").status.expect("a status");
            if holds(&status) {
                return status;
            }
        }
    });
    told.await.expect("told in time")
}

fn postings(status: &pb::SyncStatus) -> &pb::StreamStatus {
    let found = status
        .streams
        .iter()
        .find(|stream| stream.name == "postings");
    found.expect("a stream of that name")
}

/// T-05: who watches is told of the end of the first import, and of each later one, also where it found nothing.
#[tokio::test]
async fn t05_whoever_watches_is_told_when_an_import_has_ended() {
    let mut world = World::new(setup(&["postings"])).await;
    world.connect().await;
    let mut events = watch(&world.api, &world.connection).await;
    let first = told(&mut events, |status| {
        status.state() == pb::SyncState::Synced
    })
    .await;
    let first = postings(&first).clone();
    assert_eq!(
        first.records,
        Some(world.postings_in_lever().await.len() as u64)
    );
    world.pull().await;
    let second = told(&mut events, |status| {
        postings(status).last_success_at != first.last_success_at
    })
    .await;
    let second = postings(&second).clone();
    assert_eq!(second.records, first.records);
    let gone = world.published().await;
    let delete = Act::DeletePosting {
        posting: id(&gone).to_owned(),
    };
    world.lever.act(delete).expect("known");
    world.pull().await;
    let third = told(&mut events, |status| {
        let run = postings(status).last_run.as_ref();
        run.is_some_and(|run| run.state() == pb::RunState::Succeeded && run.changes == 1)
    })
    .await;
    assert!(postings(&third).records < second.records);
}

/// T-06: within 72 hours, by the schedule alone: not a single call beside the list itself tells of deletions.
#[tokio::test]
async fn t06_a_posting_that_was_deleted_is_dropped_within_three_days() {
    let mut setup = setup(&["stages", "postings"]);
    let clock = LeverClock::of(&mut setup, 0);
    let world = World::synced(setup).await;
    let bound = world.stream("postings").await.data_age_bound;
    let bound = Duration::try_from(bound.expect("a bound")).expect("positive");
    assert!(bound <= 72 * HOUR, "{bound:?}");
    let deleted = world.published().await;
    let delete = Act::DeletePosting {
        posting: id(&deleted).to_owned(),
    };
    world.lever.act(delete).expect("known");
    assert!(world.open_roles().await.contains(id(&deleted)));
    clock.advance(bound);
    world.until_time_is_told().await;
    until("the posting is gone", async || {
        (!world.open_roles().await.contains(id(&deleted))).then_some(())
    })
    .await;
    assert!(world.calls("listDeletedPostings").is_empty());
}

/// T-07: nobody needs to be there while it goes on, and the result is shown later to whoever comes.
#[tokio::test]
async fn t07_an_import_goes_on_when_whoever_began_it_leaves() {
    let mut world = World::new(setup(&["postings"])).await;
    let page = Api::at(world.service().grpc);
    let api = std::mem::replace(&mut world.api, page);
    let slow = lever_sim::FaultRule::on(
        "listPostings",
        lever_sim::Action::StallBefore(Duration::from_millis(300)),
    );
    world.lever.set_faults(lever_sim::FaultPlan {
        seed: 0,
        rules: vec![slow],
    });
    world.connect().await;
    let mut events = watch(&world.api, &world.connection).await;
    let begun = told(&mut events, |_| true).await;
    assert_ne!(begun.state(), pb::SyncState::Synced);
    // The page is left: its stream and its connection end.
    drop(events);
    world.api = api;
    world.until_synced().await;
    let stream = world.stream("postings").await;
    let records = world.postings_in_lever().await.len() as u64;
    assert_eq!(stream.records, Some(records));
    let run = world.runs("postings").await.remove(0);
    assert_eq!(
        (run.state(), run.records),
        (pb::RunState::Succeeded, records)
    );
}

/// Nobody applies to a closed posting: its form is not read again, so it is not told as it was.
#[tokio::test]
async fn the_form_of_a_posting_goes_when_it_is_closed() {
    let mut setup = setup(&["postings", "posting_forms"]);
    setup.lever.keys = vec![Key::all(setup.key.clone()), Key::all(RECRUITER)];
    let world = World::synced(setup).await;
    let posting = world.published().await;
    let form = async |from: pb::ReadFrom| {
        let request = pb::GetPostingFormRequest {
            connection_id: world.connection.clone(),
            posting_id: id(&posting).to_owned(),
            read_from: from.into(),
            ..Default::default()
        };
        world.api.lever().get_posting_form(request).await
    };
    until("the form is read", async || {
        form(pb::ReadFrom::Mirror).await.ok()
    })
    .await;
    world.close(&posting).await;
    world.pull().await;
    let told = until("the form is gone", async || {
        form(pb::ReadFrom::Mirror).await.err()
    })
    .await;
    let told = refused::<()>(Err(told));
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "NOT_HYDRATED")
    );
    form(pb::ReadFrom::Lever).await.expect("Lever has it still");
}
