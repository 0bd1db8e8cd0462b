//! Reading an account while Lever answers badly, and while people work in it (P5, P7).

use std::time::Duration;

use lever_sim::{Action, Calls, FaultPlan, FaultRule, When};
use proto::v1 as pb;

use crate::support::{LeverClock, Setup, World, proved, rounds, until};

/// What goes wrong with reads, and with each how manieth: a fifth of them in all.
const STORM: [(Action, u64); 6] = [
    (Action::TooManyRequests, 19),
    (Action::ServerErrorBefore(500), 21),
    (Action::ServerErrorAfter(503), 23),
    (Action::ResetBefore, 25),
    (Action::TruncatedBody, 27),
    (Action::StallBefore(Duration::from_millis(900)), 61),
];

/// Seen to fail with reads that are tried once only: each page that goes wrong ends its pass, and the mirror is not
/// complete in the time it has.
#[tokio::test]
async fn p5_a_backfill_through_a_storm_of_faults_ends_complete_with_few_requests_more() {
    let rule = |(action, every): (Action, u64)| {
        FaultRule {
            calls: Calls::Reads,
            ..FaultRule::always(action)
        }
        .when(When::Every(every))
    };
    for seed in 1..=rounds(1, 10) {
        let mut setup = Setup::new(2_500 + 100 * usize::try_from(seed).expect("a few"))
            .with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "600ms");
        setup.lever.faults.rules = STORM.map(rule).to_vec();
        setup.connection.streams = [
            "stages",
            "users",
            "tags",
            "sources",
            "postings",
            "opportunities",
        ]
        .map(str::to_owned)
        .into();
        let mut world = World::new(setup).await;
        while world.connected().await.is_err() {}
        world.until_synced().await;
        world.assert_mirror_equals_lever().await;
        let audit = world.lever.audit();
        let struck = |status| audit.iter().filter(|entry| entry.status == status).count();
        assert!(
            struck(Some(429)) > 0 && struck(Some(500)) > 0 && struck(None) > 0,
            "the storm was there"
        );
        let answered = struck(Some(200));
        assert!(
            audit.len() * 100 <= answered * 135,
            "seed {seed}: {} requests for {answered} answers",
            audit.len()
        );
    }
    proved("P5", rounds(1, 10), "a fifth of all reads goes wrong");
}

/// Lever sorts by stage and last advance: who moves while others are read can be passed over by the walk. The pass over
/// what changed since the walk began brings them, however long it took; nothing else reads anything here.
#[tokio::test]
async fn people_who_move_while_the_list_is_read_are_mirrored_where_they_ended() {
    let mut setup = Setup::new(650).asked_only();
    let clock = LeverClock::of(&mut setup, 0);
    let mut world = World::new(setup).await;
    world.connect().await;
    world.until_time_is_told().await;
    let ids: Vec<_> = world.in_lever().into_keys().collect();
    let stages: Vec<_> = world
        .lever
        .stages()
        .iter()
        .map(|stage| stage["id"].as_str().expect("an id").to_owned())
        .collect();
    let mut moves = 0;
    world
        .held_pass(async |world, page| {
            let asks = |wanted| page.query.iter().any(|(name, _)| name == wanted);
            if asks("updated_at_start") {
                return;
            }
            for step in 0..25_usize {
                // Forwards and backwards over pages that were read and pages that were not.
                let (id, stage) = (
                    &ids[(moves * 131 + 7) % ids.len()],
                    &stages[(moves * 5 + step) % stages.len()],
                );
                world.lever.move_stage(id, stage).expect("known");
                moves += 1;
            }
            if asks("offset") {
                clock.advance(Duration::from_secs(20 * 60));
            }
        })
        .await;
    assert!(moves >= 100, "only {moves} moves");
    world.assert_mirror_equals_lever().await;
    proved("P7", 1, &format!("{moves} moves while the list is read"));
}

/// S-09: an offset is Lever's and may expire: that is an answer, not a failure.
#[tokio::test]
async fn s09_an_offset_that_expires_in_the_middle_of_a_walk_costs_nothing_but_a_restart_of_it() {
    let mut setup = Setup::new(700).keeping(&[]);
    setup.lever.offset_ttl = Duration::from_millis(1500);
    let late = FaultRule::on(
        "listOpportunities",
        Action::StallBefore(Duration::from_millis(2000)),
    );
    setup.lever.faults.rules.push(late.when(When::Nth(3)));
    let mut world = World::new(setup).await;
    world.connect().await;
    world.until_synced().await;
    let expired = world
        .calls("listOpportunities")
        .iter()
        .filter(|call| call.status == Some(400))
        .count();
    assert_eq!(expired, 1);
    // Not in windows of a day or a week: one walk, then what changed since (design.md, "Pull").
    let calls = world.calls("listOpportunities");
    let mut asked = calls.iter().flat_map(|call| &call.query);
    assert!(asked.all(|(name, _)| name != "updated_at_end"));
    world.assert_mirror_equals_lever().await;
}

#[tokio::test]
async fn s09_an_offset_that_expires_while_the_service_is_down_costs_nothing_but_a_restart_of_the_walk()
 {
    let mut setup = Setup::new(700).keeping(&[]);
    setup.lever.offset_ttl = Duration::from_millis(800);
    let mut world = World::new(setup).await;
    world.kill_after_page(2).await;
    // Time itself is what this scenario is about.
    tokio::time::sleep(Duration::from_millis(900)).await;
    world.restart_until_settled().await;
    assert!(
        world
            .calls("listOpportunities")
            .iter()
            .any(|call| call.status == Some(400))
    );
    world.assert_mirror_equals_lever().await;
}

#[tokio::test]
async fn a_pass_whose_stream_is_reset_under_it_is_interrupted_and_begins_anew() {
    let world = World::synced(Setup::new(300).keeping(&[])).await;
    let slow = FaultRule::on(
        "listOpportunities",
        Action::StallBefore(Duration::from_millis(300)),
    );
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![slow],
    });
    let reset = async || {
        let request = pb::ResetStreamRequest {
            connection_id: world.connection.clone(),
            stream: "opportunities".to_owned(),
            since: None,
        };
        world.api.sync().reset_stream(request).await.expect("reset");
    };
    reset().await;
    until("everybody is being read anew", async || {
        let stream = world.stream("opportunities").await;
        let phase = stream.cursor.map(|cursor| cursor.phase);
        (stream.pages > 0 && phase.as_deref() == Some("BACKFILL")).then_some(())
    })
    .await;
    reset().await;
    let states = async || {
        let runs = world.runs("opportunities").await;
        let states = runs.iter().map(pb::SyncRun::state);
        states.collect::<Vec<_>>()
    };
    until("the pass is told as interrupted", async || {
        let states = states().await;
        states
            .contains(&pb::RunState::Interrupted)
            .then_some(states)
    })
    .await;
    world.lever.set_faults(FaultPlan::default());
    let states = until("it was read anew", async || {
        let states = states().await;
        let newest = states.first() == Some(&pb::RunState::Succeeded);
        newest.then_some(states)
    })
    .await;
    assert!(!states.contains(&pb::RunState::Failed), "{states:?}");
    world.until_synced().await;
    assert_eq!(world.stream("opportunities").await.error, "");
    let request = pb::ListIssuesRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let issues = world.api.connections().list_issues(request).await;
    let issues = issues.expect("a list").into_inner().issues;
    let failing = pb::IssueKind::StreamFailing;
    assert!(
        issues.iter().all(|issue| issue.kind() != failing),
        "{issues:?}"
    );
}
