//! How streams are read over time, and what is told when that goes wrong (S-03, S-05, S-07, S-10, X12, X17, X18).

use std::collections::BTreeSet;
use std::time::Duration;

use lever_sim::{self as sim, Act, Action, Applicant, AuditEntry, FaultPlan, FaultRule};
use proto::v1 as pb;
use proto::v1::stream_schedule::When;
use serde_json::{Value, json};
use tonic::Code;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{LeverClock, Setup, World, refused, until};

/// An account of which these streams are kept.
fn keeping(streams: &[&str]) -> Setup {
    let mut setup = Setup::new(30);
    setup.connection.streams = streams.iter().map(|stream| (*stream).to_owned()).collect();
    setup
}

/// From now on this goes wrong, and nothing else.
fn fails(world: &World, operation: &str, action: Action) {
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on(operation, action)],
    });
}

/// S-03: at the set times of the set time zone, and hourly where nothing is set.
#[tokio::test]
async fn s03_a_stream_is_read_at_the_times_that_were_set_and_the_others_hourly() {
    let mut setup = keeping(&["stages", "users", "tags"]);
    let clock = LeverClock::of(&mut setup, 0);
    let world = World::synced(setup).await;
    let hourly = world.stream("tags").await.schedule.expect("a schedule");
    let hour = prost_types::Duration {
        seconds: 3600,
        nanos: 0,
    };
    assert_eq!(
        (hourly.is_default, hourly.when),
        (true, Some(When::Interval(hour)))
    );
    // Half past an hour in India is a full hour of UTC; this one is an hour and a half ahead, or more.
    let there = clock.seconds() + 5 * 3600 + 1800;
    let soon = (there / 3600 + 2) % 24;
    let schedule = pb::StreamSchedule {
        when: Some(When::Cron(format!("30 {soon} * * *"))),
        time_zone: "Asia/Kolkata".to_owned(),
        ..Default::default()
    };
    world.schedule("users", schedule).await;
    let next = world.stream("users").await.next_run_at.expect("a time");
    assert_eq!(next.seconds % 3600, 0);
    let wait = next.seconds - clock.seconds();
    assert!((5400..=9000).contains(&wait), "{wait}");

    let (users, tags) = (
        world.calls("listUsers").len(),
        world.calls("listTags").len(),
    );
    clock.advance(Duration::from_secs(wait.unsigned_abs() - 60));
    world.until_time_is_told().await;
    until("the hourly stream is read", async || {
        (world.calls("listTags").len() > tags).then_some(())
    })
    .await;
    assert_eq!(world.calls("listUsers").len(), users);
    clock.advance(Duration::from_secs(120));
    world.until_time_is_told().await;
    until("the other is read at its time", async || {
        (world.calls("listUsers").len() > users).then_some(())
    })
    .await;
}

/// S-03: however often somebody asks, a stream of one connection is not read twice at once.
#[tokio::test]
async fn s03_two_passes_over_one_list_never_overlap() {
    let world = World::synced(keeping(&["users"])).await;
    let slow = Action::StallBefore(Duration::from_millis(100));
    fails(&world, "listUsers", slow);
    let before = world.calls("listUsers").len();
    until("it was read five times more", async || {
        world.pull().await;
        (world.calls("listUsers").len() >= before + 5).then_some(())
    })
    .await;
    let request = pb::ListApiCallsRequest {
        connection_id: world.connection.clone(),
        page_size: 1000,
        ..Default::default()
    };
    let calls = until("the calls are written down", async || {
        let answer = world.api.sync().list_api_calls(request.clone()).await;
        let calls = answer.expect("listed").into_inner().api_calls;
        (calls.len() >= before + 4).then_some(calls)
    })
    .await;
    // Newest first.
    for pair in calls.windows(2) {
        let began = |call: &pb::ApiCall| {
            let at = call.call_time.expect("a time");
            at.seconds * 1000 + i64::from(at.nanos) / 1_000_000
        };
        assert!(
            began(&pair[1]) + pair[1].elapsed_ms <= began(&pair[0]),
            "{pair:?}"
        );
    }
}

/// S-05: nothing was read yet, and nothing is shown as empty.
#[tokio::test]
async fn s05_a_connection_whose_first_pull_has_not_begun_is_pending() {
    let setup = keeping(&["stages", "users"]).with("FULCRUM__PULL__ENABLED", "false");
    let mut world = World::new(setup).await;
    world.connect().await;
    let status = world.status().await;
    assert_eq!(status.state(), pb::SyncState::Pending);
    for name in ["stages", "users"] {
        let stream = world.stream(name).await;
        assert_eq!(
            (stream.state(), stream.records),
            (pb::StreamState::Pending, None)
        );
        assert_eq!((stream.next_run_at, stream.last_run), (None, None));
        assert_eq!(refused(world.records(name).await).reason, "STREAM_NOT_READ");
    }
    assert_eq!(world.settings().await.state(), pb::SyncState::Pending);
    world.pull().await;
    world.until_synced().await;
}

/// Whether a call asks for a part of a list only.
fn asks_for_a_part(call: &AuditEntry) -> bool {
    call.query
        .iter()
        .any(|(name, _)| name.starts_with("updated_at") || name.starts_with("created_at"))
}

/// S-07: all tables of that catalogue. It follows postings and requisitions by a stamp as well; the design reads every
/// list of the account whole, which shows what is gone. Candidates are the contacts of opportunities, and what hangs
/// on them is read by opportunity, of those alone that have changed.
#[tokio::test]
async fn s07_lists_of_the_account_are_read_whole_and_people_by_what_changed() {
    let world = World::synced(Setup::full(60)).await;
    let whole = [
        ("archive_reasons", "listArchiveReasons"),
        ("sources", "listSources"),
        ("stages", "listStages"),
        ("users", "listUsers"),
        ("postings", "listPostings"),
        ("requisitions", "listRequisitions"),
    ];
    let below = [
        ("offers", "listOpportunityOffers"),
        ("referrals", "listOpportunityReferrals"),
        ("resumes", "listOpportunityResumes"),
    ];
    let with_people = ["opportunities", "applications", "contacts"];
    let tables = whole.iter().chain(&below).map(|(table, _)| *table);
    for table in tables.chain(with_people) {
        assert!(
            !world.records(table).await.expect("read").is_empty(),
            "{table}"
        );
    }
    for (text, raw) in world.records("sources").await.expect("read") {
        let source: Value = serde_json::from_str(&raw).expect("JSON");
        assert_eq!(source["text"], text);
    }
    let contacts = world.records("contacts").await.expect("read");
    let people = world.lever.opportunities().into_iter();
    let wanted: BTreeSet<_> = people
        .map(|person| person["contact"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(contacts.into_keys().collect::<BTreeSet<_>>(), wanted);

    let seen = world.lever.audit().len();
    world.pull().await;
    let again = |operation: &str| -> Vec<AuditEntry> {
        let audit = world.lever.audit().into_iter().skip(seen);
        audit
            .filter(|entry| entry.operation.as_deref() == Some(operation))
            .collect()
    };
    until("everything was read again", async || {
        let mut lists = whole.iter().map(|(_, operation)| *operation);
        lists
            .all(|operation| !again(operation).is_empty())
            .then_some(())?;
        (!again("listOpportunities").is_empty()).then_some(())
    })
    .await;
    for (table, operation) in whole {
        assert!(!again(operation).iter().any(asks_for_a_part), "{table}");
    }
    assert!(again("listOpportunities").iter().all(asks_for_a_part));
    for (table, operation) in below {
        assert!(again(operation).is_empty(), "{table}: nothing has changed");
    }
}

/// S-10: five tries, then it is told; the others go on, and so does the failed one once Lever answers.
#[tokio::test]
async fn s10_a_list_that_fails_is_tried_five_times_and_then_told() {
    let mut world = World::new(keeping(&["stages", "users", "tags"])).await;
    fails(&world, "listTags", Action::ServerErrorBefore(503));
    world.connect().await;
    let stream = until("the failure is told", async || {
        let stream = world.stream("tags").await;
        (!stream.error.is_empty()).then_some(stream)
    })
    .await;
    assert_eq!(stream.state(), pb::StreamState::Failed);
    assert_eq!(world.calls("listTags").len(), 5);
    let run = until("the run is listed", async || {
        world.runs("tags").await.into_iter().next()
    })
    .await;
    assert_eq!(run.state(), pb::RunState::Failed);
    assert_eq!(run.error, stream.error);
    for other in ["stages", "users"] {
        let state = world.stream(other).await.state();
        assert_eq!(state, pb::StreamState::Synced, "{other}");
    }
    world.lever.set_faults(FaultPlan::default());
    world.pull().await;
    world.until_synced().await;
    assert!(world.stream("tags").await.error.is_empty());
}

/// X12: three hours old where it should be one; and the whole mirror is as old as its people.
#[tokio::test]
async fn x12_a_stream_that_was_not_read_for_three_hours_is_stale_until_it_is() {
    let mut setup = keeping(&["stages", "users", "opportunities"]);
    let clock = LeverClock::of(&mut setup, 0);
    let mut world = World::synced(setup).await;
    assert!(world.stop().await.success());
    clock.advance(Duration::from_secs(3 * 3600));
    let mut world = world.configured_like(|_| vec![("FULCRUM__PULL__ENABLED", "false".to_owned())]);
    world.start().await;
    world.until_time_is_told().await;
    until("the streams are stale", async || {
        let users = world.stream("users").await.state();
        (users == pb::StreamState::Stale).then_some(())
    })
    .await;
    let status = world.status().await;
    assert_eq!(status.state(), pb::SyncState::Stale);
    // The time was told by a read of the stages, which may be stored a moment after it.
    until("the stages are read", async || {
        let stages = world.stream("stages").await.state();
        (stages == pb::StreamState::Synced).then_some(())
    })
    .await;
    let request = pb::ListUsersRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let answer = world.api.lever().list_users(request).await.expect("read");
    let age = clock.seconds() - answer.into_inner().as_of.expect("a time").seconds;
    assert!(age >= 3 * 3600, "{age}");
    world.pull_only(&["users", "opportunities"]).await;
    world.until_synced().await;
    // The mirror is as old as its people, who may be read before the users.
    until("the users are read", async || {
        let users = world.stream("users").await.state();
        (users == pb::StreamState::Synced).then_some(())
    })
    .await;
}

/// X17: of a page of a hundred with one that cannot be read ninety-nine are there, and the one is shown as it came.
#[tokio::test]
async fn x17_one_record_that_cannot_be_read_does_not_take_its_page_with_it() {
    let lever = MockServer::start().await;
    let odd = r#"{"id":null,"name":"nobody knows","email":7}"#;
    let mut records: Vec<String> = (0..99)
        .map(|number| json!({"id": format!("user-{number}"), "name": "somebody"}).to_string())
        .collect();
    records.insert(41, odd.to_owned());
    let body = format!("{{\"data\":[{}],\"hasNext\":false}}", records.join(","));
    Mock::given(method("GET"))
        .and(path("/v1/users"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
        .mount(&lever)
        .await;
    let mut setup = keeping(&["users"]);
    setup.connection.base_url = format!("{}/v1", lever.uri());
    let world = World::synced(setup).await;
    assert_eq!(world.records("users").await.expect("read").len(), 99);
    assert_eq!(world.stream("users").await.quarantined, 1);
    let request = pb::ListQuarantineRequest {
        connection_id: world.connection.clone(),
        stream: "users".to_owned(),
        include_raw_json: true,
        ..Default::default()
    };
    let answer = world.api.sync().list_quarantine(request.clone()).await;
    let records = answer.expect("listed").into_inner().records;
    let [record] = records.as_slice() else {
        panic!("one was expected: {records:?}")
    };
    assert_eq!(record.raw_json, odd.as_bytes());
    assert!(!record.reason.is_empty());

    // What is left out by now is not shown of it either.
    let wants = pb::Connection {
        excluded_fields: vec!["users.name".to_owned()],
        ..Default::default()
    };
    let changed = world.change(wants, &["excluded_fields"]).await;
    changed.expect("changed");
    let answer = world.api.sync().list_quarantine(request).await;
    let records = answer.expect("listed").into_inner().records;
    assert!(!records.is_empty());
    for record in records {
        assert_eq!(record.raw_json, r#"{"id":null,"email":7}"#.as_bytes());
    }
}

/// X18: while the postings cannot be read, what hangs on them is not begun, no posting is closed or gone, and the
/// others go on: the design orders conclusions, not reading.
#[tokio::test]
async fn x18_nothing_is_concluded_from_postings_that_could_not_be_read() {
    let setup =
        keeping(&["users", "postings", "posting_forms"]).with("FULCRUM__LEVER__MAX_ATTEMPTS", "1");
    let mut world = World::new(setup).await;
    let broken = Action::ServerErrorBefore(500);
    fails(&world, "listPostings", broken);
    world.connect().await;
    let failed = async |world: &World| {
        until("the postings have failed", async || {
            let stream = world.stream("postings").await;
            (stream.state() == pb::StreamState::Failed).then_some(())
        })
        .await;
    };
    failed(&world).await;
    until("the users are read all the same", async || {
        let users = world.stream("users").await;
        (users.state() == pb::StreamState::Synced).then_some(())
    })
    .await;
    let told = refused(world.records("posting_forms").await);
    assert_eq!(told.code, Code::FailedPrecondition);
    assert!(world.calls("getPostingApplyForm").is_empty());
    world.lever.set_faults(FaultPlan::default());
    world.pull().await;
    world.until_synced().await;
    let before = world.records("postings").await.expect("read");
    let forms = world.records("posting_forms").await.expect("read");
    assert!(!before.is_empty() && !forms.is_empty());

    // One is deleted meanwhile; a pass that failed does not know.
    fails(&world, "listPostings", broken);
    let gone = before.keys().next().expect("a posting").clone();
    let delete = Act::DeletePosting {
        posting: gone.clone(),
    };
    world.lever.act(delete).expect("known");
    world.pull().await;
    failed(&world).await;
    assert_eq!(world.records("postings").await.expect("read"), before);
    assert_eq!(world.records("posting_forms").await.expect("read"), forms);
    world.lever.set_faults(FaultPlan::default());
    world.pull().await;
    let mut left = before;
    left.remove(&gone);
    until("the posting is gone", async || {
        (world.records("postings").await.ok()? == left).then_some(())
    })
    .await;
}

/// The first walk goes by the stages that Lever lists; whoever is in another one must not have to wait for a day.
#[tokio::test]
async fn x10_people_in_a_stage_that_lever_does_not_list_are_there_with_the_first_import() {
    let mut setup = keeping(&["stages", "opportunities", "notes"]);
    let slow = Action::StallBefore(Duration::from_millis(200));
    let slow = FaultRule::on("listOpportunities", slow);
    setup.lever.faults.rules.push(slow);
    let mut world = World::new(setup).await;
    let people = world.lever.opportunities();
    let mut stages = people.iter().filter_map(|person| person["stage"].as_str());
    let stage = stages.find(|stage| *stage != "applicant-new");
    let stage = stage.expect("somebody got further").to_owned();
    let gone = Act::DeactivateStage { stage };
    world.lever.act(gone).expect("known");
    world.connect().await;
    world.until_synced().await;
    world.assert_mirror_equals_lever().await;
}

/// The walk over everybody takes long: here it hangs.
#[tokio::test]
async fn x12_what_changes_during_the_walk_over_everybody_is_followed_meanwhile() {
    let mut setup =
        keeping(&["stages", "opportunities"]).with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "300s");
    // After the two parts of the walk by stages, and the pass that repairs it.
    let fourth = sim::When::Nth(4);
    let stuck = Action::StallBefore(Duration::from_secs(300));
    let stuck = FaultRule::on("listOpportunities", stuck).when(fourth);
    setup.lever.faults.rules.push(stuck);
    let mut world = World::new(setup).await;
    world.connect().await;
    until("the walk over everybody has begun", async || {
        let sweep = world.stream("opportunities").await;
        (sweep.state() == pb::StreamState::Synced).then_some(())
    })
    .await;
    let applicant = Applicant::default();
    world.lever.act(Act::Apply { applicant }).expect("applied");
    world.pull_until_mirror_equals_lever().await;
    assert_eq!(world.status().await.state(), pb::SyncState::Syncing);
}

/// As with the first import.
#[tokio::test]
async fn x10_a_reset_reads_everybody_whatever_their_stage() {
    let world = World::synced(keeping(&["stages", "opportunities"])).await;
    let walks = || {
        let calls = world.calls("listOpportunities").into_iter();
        let unfiltered = |call: &AuditEntry| {
            let filters = ["stage_id", "updated_at_start"];
            call.query
                .iter()
                .all(|(name, _)| !filters.contains(&name.as_str()))
        };
        calls.filter(unfiltered).count()
    };
    let before = walks();
    world.reset("opportunities").await;
    // What was read is shown meanwhile.
    assert_eq!(world.mirrored().await.len(), 30);
    until("everybody is read", async || {
        (walks() > before).then_some(())
    })
    .await;
    world.pull_until_mirror_equals_lever().await;
}
