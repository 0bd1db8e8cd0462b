//! Applicants stay fresh while everybody else is read seldom, slowly, or not at all (S-03, X12, X17).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lever_sim::{self as sim, Act, Action, FaultPlan, FaultRule};
use proto::v1 as pb;
use proto::v1::stream_schedule::When;
use serde_json::json;
use tonic::Code;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{LeverClock, Setup, World, http, refused, until};

/// An account whose opportunities are read every six hours, and whose inbound stages after `inbound`.
fn seldom(inbound: &str) -> Setup {
    Setup::new(60)
        .with("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", "6h")
        .with("FULCRUM__PULL__INBOUND_INTERVAL", inbound)
}

impl World {
    async fn inbound(&self) -> pb::InboundStatus {
        self.status().await.inbound.expect("told")
    }

    async fn applicant_ids(&self) -> BTreeSet<String> {
        let rows = self.applicants().await.applicants.into_iter();
        rows.map(|row| row.opportunity_id).collect()
    }

    async fn until_mirrored_as_in_lever(&self, id: &str) {
        until(
            "the opportunity is mirrored as it is in Lever",
            async || (self.mirrored().await.get(id) == self.in_lever().get(id)).then_some(()),
        )
        .await;
    }

    /// Until what is told of the inbound stages is from after this moment of Lever's.
    async fn until_inbound_as_of(&self, seconds: i64) {
        until("the inbound stages were read since", async || {
            let as_of = self.inbound().await.as_of?;
            (as_of.seconds >= seconds).then_some(())
        })
        .await;
    }

    /// The age that the metrics tell of this account's inbound stages.
    async fn age_in_metrics(&self) -> Option<f64> {
        let url = format!("http://{}/metrics", self.service().http);
        let answer = http().get(url).send().await.expect("an answer");
        let text = answer.text().await.expect("text");
        let name = format!(
            "fulcrum_inbound_age_seconds{{connection=\"{}\"}} ",
            self.connection
        );
        let line = text.lines().find_map(|line| line.strip_prefix(&name))?;
        Some(line.parse().expect("seconds"))
    }

    async fn pause_and_resume(&self) {
        let connection_id = self.connection.clone();
        let pause = pb::PauseSyncRequest {
            connection_id: connection_id.clone(),
        };
        self.api.sync().pause_sync(pause).await.expect("paused");
        let resume = pb::ResumeSyncRequest { connection_id };
        self.api.sync().resume_sync(resume).await.expect("resumed");
    }

    async fn read_inbound_every(&self, seconds: i64) -> pb::StreamSchedule {
        let schedule = pb::StreamSchedule {
            when: Some(When::Interval(prost_types::Duration { seconds, nanos: 0 })),
            ..Default::default()
        };
        self.schedule("inbound_applicants", schedule.clone()).await;
        schedule
    }
}

/// Who applies is listed, and who leaves is not, though everybody is read every six hours only.
#[tokio::test]
async fn applicants_come_and_go_within_the_inbound_interval() {
    let world = World::synced(seldom("1s")).await;
    world.until_at_rest().await;
    let asked = world.calls("listOpportunities").len();
    let (moved, archived) = (world.apply("Ada Applicant"), world.apply("Ada Applicant"));
    until("they are listed", async || {
        let listed = world.applicant_ids().await;
        (listed.contains(&moved) && listed.contains(&archived)).then_some(())
    })
    .await;
    let read = world.stream("opportunities").await.last_success_at;

    let stages = world.lever.stages().into_iter();
    let stage = stages
        .map(|stage| stage["id"].as_str().expect("an id").to_owned())
        .find(|stage| stage != "applicant-new")
        .expect("another stage");
    world.lever.move_stage(&moved, &stage).expect("moved");
    world.archive_in_lever(&archived);
    until("they are not listed any more", async || {
        let listed = world.applicant_ids().await;
        (!listed.contains(&moved) && !listed.contains(&archived)).then_some(())
    })
    .await;

    // The main listing had no part in it, and the list says how fresh it is.
    assert_eq!(world.stream("opportunities").await.last_success_at, read);
    until(
        "the list is newer than the pass over everybody",
        async || {
            let as_of = world.applicants().await.as_of?;
            let read = read.expect("read");
            (as_of.seconds > read.seconds).then_some(())
        },
    )
    .await;
    for call in &world.calls("listOpportunities")[asked..] {
        let names = call.query.iter().map(|(name, _)| name.as_str());
        let names: BTreeSet<&str> = names.collect();
        assert!(
            names.contains("stage_id") && names.contains("updated_at_start")
                || names.contains("advanced_at_start"),
            "{names:?}"
        );
    }
    for name in ["inbound_applicants", "stage_moves"] {
        let runs = until("its passes are kept", async || {
            let runs = world.runs("").await.into_iter();
            let runs: Vec<_> = runs.filter(|run| run.listing == name).collect();
            (!runs.is_empty()).then_some(runs)
        })
        .await;
        assert!(runs.iter().all(|run| run.lane == "inbound"), "{runs:?}");
    }
    let named = world.runs("inbound_applicants").await;
    assert!(named.iter().all(|run| run.listing == "inbound_applicants"));
    assert!(!named.is_empty());
    let lanes = until("the calls are written down", async || {
        let request = pb::ListApiCallsRequest {
            connection_id: world.connection.clone(),
            page_size: 1000,
            lever_operation: "listOpportunities".to_owned(),
            ..Default::default()
        };
        let answer = world.api.sync().list_api_calls(request).await;
        let calls = answer.expect("listed").into_inner().api_calls;
        let newer = calls.len().checked_sub(asked).filter(|newer| *newer >= 2)?;
        Some(calls.into_iter().take(newer).map(|call| call.lane))
    })
    .await;
    assert_eq!(
        lanes.collect::<BTreeSet<_>>(),
        ["inbound".to_owned()].into()
    );
}

/// A pass over everybody covers the inbound stages too: while it is fresh, nothing is asked for twice.
#[tokio::test]
async fn the_inbound_stages_cost_nothing_while_everybody_is_read() {
    let setup = Setup::new(30)
        .with("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", "1s")
        .with("FULCRUM__PULL__INBOUND_INTERVAL", "5m");
    let world = World::synced(setup).await;
    let id = world.apply("Ada Applicant");
    until("the applicant is listed", async || {
        world.applicant_ids().await.contains(&id).then_some(())
    })
    .await;
    let own = |call: &sim::AuditEntry| {
        call.query
            .iter()
            .any(|(name, _)| name == "advanced_at_start")
    };
    assert!(!world.calls("listOpportunities").iter().any(own));
    let status = world.inbound().await;
    assert_eq!(status.state(), pb::StreamState::Synced);
    assert!(status.as_of.is_some());
}

/// S-03, X12: at the interval that was set, and told as stale where it passes twice without a look.
#[tokio::test]
async fn s03_x12_the_inbound_stages_have_an_interval_and_an_age_of_their_own() {
    let mut setup = seldom("5m");
    let clock = LeverClock::of(&mut setup, 0);
    let world = World::synced(setup).await;
    let told = world.inbound().await;
    assert_eq!(told.state(), pb::StreamState::Synced);
    let default = told.schedule.expect("a schedule");
    let five_minutes = When::Interval(prost_types::Duration {
        seconds: 300,
        nanos: 0,
    });
    assert_eq!(
        (default.is_default, default.when),
        (true, Some(five_minutes))
    );
    let set = world.read_inbound_every(3600).await;
    let told = world.inbound().await;
    let schedule = told.schedule.expect("a schedule");
    assert_eq!((schedule.is_default, schedule.when), (false, set.when));
    let (next, as_of) = (told.next_run_at.expect("due"), told.as_of.expect("read"));
    assert_eq!(next.seconds - as_of.seconds, 3600);
    let request = pb::UpdateScheduleRequest {
        connection_id: world.connection.clone(),
        stream: "stage_moves".to_owned(),
        schedule: None,
    };
    let told = refused(world.api.sync().update_schedule(request).await);
    assert_eq!(told.code, Code::InvalidArgument);

    // Lever answers nobody who asks for people: nothing is wrong yet, and nothing is fresh any more.
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on(
            "listOpportunities",
            Action::StallBefore(Duration::from_secs(600)),
        )],
    });
    clock.advance(Duration::from_secs(2 * 3600 + 60));
    world.until_time_is_told().await;
    let stale = world.inbound().await;
    assert_eq!(stale.state(), pb::StreamState::Stale);
    assert_eq!(stale.as_of, Some(as_of));
    let age = world.age_in_metrics().await.expect("told");
    assert!((7200.0..9000.0).contains(&age), "{age}");
    assert_eq!(
        world.stream("opportunities").await.state(),
        pb::StreamState::Synced
    );

    world.lever.set_faults(FaultPlan::default());
    // A call that is held back is given up by a pause.
    world.pause_and_resume().await;
    until("they are fresh again", async || {
        world.pull_only(&["stages"]).await;
        (world.inbound().await.state() == pb::StreamState::Synced).then_some(())
    })
    .await;
    let age = world.age_in_metrics().await.expect("told");
    assert!(age < 600.0, "{age}");
}

/// A stage put into the inbound set is followed from where everybody was read, however long the others were since.
#[tokio::test]
async fn a_stage_that_becomes_inbound_is_followed_from_where_everybody_was_read() {
    let mut setup = seldom("1s");
    let clock = LeverClock::of(&mut setup, 0);
    let world = World::synced(setup).await;
    let id = world
        .open_opportunities()
        .into_iter()
        .find(|id| {
            let person = world.lever.opportunity(id).expect("an opportunity");
            person["stage"] != "applicant-new"
        })
        .expect("somebody elsewhere");
    let person = world.lever.opportunity(&id).expect("an opportunity");
    let stage = person["stage"].as_str().expect("an id").to_owned();
    let touch = || {
        let opportunity = id.clone();
        world.lever.act(Act::Touch { opportunity }).expect("known");
    };
    touch();
    clock.advance(Duration::from_secs(2 * 3600));
    world.until_inbound_as_of(clock.seconds() - 60).await;
    assert_ne!(world.mirrored().await.get(&id), world.in_lever().get(&id));

    let before = world.mapping().await.stage_mapping.expect("a mapping");
    let mut more = before.clone();
    more.inbound_stage_ids.push(stage);
    let saved = world.save_mapping(more).await.expect("saved");
    world.until_mirrored_as_in_lever(&id).await;
    assert!(world.applicant_ids().await.contains(&id));

    // And followed no longer once it is taken out again.
    let fewer = pb::StageMapping {
        etag: saved.etag,
        ..before
    };
    world.save_mapping(fewer).await.expect("saved");
    assert!(!world.applicant_ids().await.contains(&id));
    clock.advance(Duration::from_secs(60));
    world.until_inbound_as_of(clock.seconds() - 5).await;
    touch();
    let asked = world.calls("listOpportunities").len();
    let applied = world.apply("Ada Applicant");
    world.until_mirrored_as_in_lever(&applied).await;
    for call in &world.calls("listOpportunities")[asked..] {
        let stages = call.query.iter().filter(|(name, _)| name == "stage_id");
        assert!(stages.count() <= 1, "{call:?}");
    }
    assert_ne!(world.mirrored().await.get(&id), world.in_lever().get(&id));
}

/// Without any inbound stage there is nothing to follow, and nothing to be told.
#[tokio::test]
async fn without_inbound_stages_nothing_is_followed() {
    let world = World::synced(seldom("1s")).await;
    let mut none = world.mapping().await.stage_mapping.expect("a mapping");
    none.inbound_stage_ids.clear();
    world.save_mapping(none).await.expect("saved");
    until("it is off", async || {
        (world.inbound().await.state() == pb::StreamState::Off).then_some(())
    })
    .await;
    assert_eq!(world.inbound().await.as_of, None);
    assert_eq!(world.age_in_metrics().await, None);
}

fn page(ids: &[&str]) -> ResponseTemplate {
    let records = ids.iter().map(|id| json!({"id": id, "text": id}));
    let data: Vec<_> = records.collect();
    ResponseTemplate::new(200).set_body_json(json!({"data": data, "hasNext": false}))
}

/// A stage that Lever no longer has, and refuses to be asked for, keeps nobody else from being read.
#[tokio::test]
async fn a_stage_that_is_gone_from_lever_is_missed_at_once_and_not_asked_for_again() {
    let lever = MockServer::start().await;
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = gone.clone();
    let stages = move |_: &Request| match is_gone.load(Ordering::Relaxed) {
        true => page(&["interview"]),
        false => page(&["applicant-new", "interview"]),
    };
    let is_gone = gone.clone();
    let people = move |request: &Request| {
        let named = request.url.query().unwrap_or_default();
        match is_gone.load(Ordering::Relaxed) && named.contains("stage_id=applicant-new") {
            true => ResponseTemplate::new(400).set_body_json(json!({"code": "BadRequestError"})),
            false => page(&[]),
        }
    };
    let mock = Mock::given(method("GET")).and(path("/v1/stages"));
    mock.respond_with(stages).mount(&lever).await;
    let mock = Mock::given(method("GET")).and(path("/v1/opportunities"));
    mock.respond_with(people).mount(&lever).await;
    let mut setup = seldom("1s");
    setup.connection.streams = vec!["stages".to_owned(), "opportunities".to_owned()];
    setup.connection.base_url = format!("{}/v1", lever.uri());
    let world = World::synced(setup).await;
    assert_eq!(world.inbound().await.state(), pb::StreamState::Synced);

    gone.store(true, Ordering::Relaxed);
    until("nobody asks for the stage any more", async || {
        (world.inbound().await.state() == pb::StreamState::Off).then_some(())
    })
    .await;
    assert_eq!(world.status().await.state(), pb::SyncState::Synced);
}
