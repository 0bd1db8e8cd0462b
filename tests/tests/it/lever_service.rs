//! Lever's records typed and raw, from the mirror and live, and any operation by its name (X6, X18, X23, X24).

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::call_request::Body;
use serde_json::{Value, json};
use tonic::Code;

use crate::support::{Setup, World, fresh_id, refused, until};

fn call(world: &World, operation: &str, path: &[(&str, &str)]) -> pb::CallRequest {
    let path = path
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: operation.to_owned(),
        path_parameters: path.collect(),
        request_id: fresh_id(),
        ..Default::default()
    }
}

async fn answer(world: &World, request: pb::CallRequest) -> (i32, Value) {
    let answer = world.api.lever().call(request).await.expect("answered");
    let answer = answer.into_inner();
    let body = serde_json::from_slice(&answer.raw_json).expect("JSON");
    (answer.status, body)
}

async fn write(world: &World, request: pb::CallRequest) -> pb::Operation {
    let answer = world.api.lever().call(request).await.expect("taken");
    answer.into_inner().operation.expect("an operation")
}

fn somebody(world: &World) -> String {
    let all = world.lever.opportunities();
    all[0]["id"].as_str().expect("an id").to_owned()
}

async fn notes(
    world: &World,
    opportunity: &str,
    from: pb::ReadFrom,
) -> Result<pb::ListNotesResponse, tonic::Status> {
    let request = pb::ListNotesRequest {
        connection_id: world.connection.clone(),
        opportunity_id: opportunity.to_owned(),
        read_from: from.into(),
        include_raw_json: true,
        ..Default::default()
    };
    let answer = world.api.lever().list_notes(request).await;
    answer.map(tonic::Response::into_inner)
}

fn with_body(request: pb::CallRequest, body: &Value) -> pb::CallRequest {
    pb::CallRequest {
        body: Some(Body::BodyJson(body.to_string().into())),
        ..request
    }
}

/// One opportunity, whichever way it is read.
#[tokio::test]
async fn a_record_is_the_same_typed_raw_mirrored_and_live() {
    let world = World::synced(Setup::new(30)).await;
    let id = somebody(&world);
    let mut seen = Vec::new();
    for from in [pb::ReadFrom::Mirror, pb::ReadFrom::Lever] {
        let request = pb::GetOpportunityRequest {
            connection_id: world.connection.clone(),
            opportunity_id: id.clone(),
            read_from: from.into(),
            include_raw_json: true,
        };
        let answer = world.api.lever().get_opportunity(request).await;
        seen.push(answer.expect("read").into_inner().opportunity.expect("one"));
    }
    assert_eq!(seen[0], seen[1]);
    let (status, body) = answer(
        &world,
        call(&world, "getOpportunity", &[("opportunity", &id)]),
    )
    .await;
    assert_eq!(status, 200);
    let raw: Value = serde_json::from_slice(&seen[0].raw_json).expect("JSON");
    assert_eq!(body["data"], raw);
    assert_eq!(
        seen[0].emails.len(),
        raw["emails"].as_array().expect("a list").len()
    );
    assert_eq!(
        seen[0].application_ids.len(),
        raw["applications"].as_array().expect("a list").len()
    );
}

#[tokio::test]
async fn filters_answer_alike_from_the_mirror_and_live() {
    let world = World::synced(Setup::new(60)).await;
    let ids = async |from: pb::ReadFrom, request: pb::ListOpportunitiesRequest| {
        let request = pb::ListOpportunitiesRequest {
            connection_id: world.connection.clone(),
            read_from: from.into(),
            ..request
        };
        let page = world
            .api
            .lever()
            .list_opportunities(request)
            .await
            .expect("read")
            .into_inner();
        let mut ids: Vec<_> = page.opportunities.into_iter().map(|one| one.id).collect();
        ids.sort();
        ids
    };
    let filters = [
        pb::ListOpportunitiesRequest {
            archived: Some(true),
            ..Default::default()
        },
        pb::ListOpportunitiesRequest {
            snoozed: Some(false),
            archived: Some(false),
            ..Default::default()
        },
        pb::ListOpportunitiesRequest {
            stage_ids: vec!["applicant-new".to_owned()],
            ..Default::default()
        },
        pb::ListOpportunitiesRequest {
            origins: vec!["sourced".to_owned()],
            ..Default::default()
        },
    ];
    for filter in filters {
        let mirrored = ids(pb::ReadFrom::Mirror, filter.clone()).await;
        assert_eq!(
            mirrored,
            ids(pb::ReadFrom::Lever, filter.clone()).await,
            "{filter:?}"
        );
        assert!(!mirrored.is_empty(), "{filter:?}");
    }
    let request = pb::ListOpportunitiesRequest {
        connection_id: world.connection.clone(),
        emails: vec!["ada@example.com".to_owned()],
        ..Default::default()
    };
    let told = refused(world.api.lever().list_opportunities(request).await);
    assert_eq!(told.code, Code::InvalidArgument);
    assert!(told.message.starts_with("emails"), "{}", told.message);
}

/// X24: a secret note is neither mirrored nor read live unless the connection keeps them.
#[tokio::test]
async fn x24_secret_notes_are_seen_only_where_the_connection_keeps_them() {
    for kept in [false, true] {
        let mut setup = Setup::new(20);
        setup.connection.include_secret_notes = kept;
        let world = World::synced(setup).await;
        let id = somebody(&world);
        for secret in [true, false] {
            let body = json!({"value": "between us", "secret": secret});
            let request = call(&world, "createOpportunityNote", &[("opportunity", &id)]);
            let operation = write(&world, with_body(request, &body)).await;
            assert_eq!(
                operation.state(),
                pb::OperationState::Succeeded,
                "{operation:?}"
            );
            assert_eq!(operation.kind(), pb::OperationKind::Raw);
            assert!(!operation.result_id.is_empty());
            assert_eq!(operation.result_json.is_empty(), secret && !kept);
        }
        let expected = if kept { 1 } else { 0 };
        let secrets =
            |page: &pb::ListNotesResponse| page.notes.iter().filter(|note| note.secret).count();
        let live = notes(&world, &id, pb::ReadFrom::Lever).await.expect("read");
        assert_eq!(secrets(&live), expected);
        until("the mirror has the notes", async || {
            let page = notes(&world, &id, pb::ReadFrom::Mirror).await.ok()?;
            let own = page
                .notes
                .iter()
                .filter(|note| note.opportunity_id == id)
                .count();
            (own == page.notes.len() && own == live.notes.len() && secrets(&page) == expected)
                .then_some(())
        })
        .await;
        let called = call(&world, "listOpportunityNotes", &[("opportunity", &id)]);
        let (_, body) = answer(&world, called).await;
        let raw = body["data"].as_array().expect("a list");
        assert_eq!(
            raw.iter().filter(|note| note["secret"] == true).count(),
            expected
        );
    }
}

/// F-11: what hangs on people is read by the old paths too, of the same id; the mirror itself uses the new ones only.
#[tokio::test]
async fn f11_what_hangs_on_people_is_the_same_by_the_paths_of_candidates() {
    let world = World::synced(Setup::full(12)).await;
    let audit = world.lever.audit();
    let old = |entry: &lever_sim::AuditEntry| entry.path.starts_with("/v1/candidates");
    assert!(!audit.iter().any(old));
    let mut found = 0;
    for person in world.in_lever().into_keys() {
        for kind in [
            "Applications",
            "Files",
            "Interviews",
            "Notes",
            "Offers",
            "Referrals",
            "Resumes",
            "Forms",
        ] {
            let by = async |parent: &str, name: &str| {
                let operation = format!("list{parent}{kind}");
                let request = call(&world, &operation, &[(name, &person)]);
                answer(&world, request).await.1["data"].take()
            };
            let new = by("Opportunity", "opportunity").await;
            assert_eq!(by("Candidate", "candidate").await, new, "{kind}");
            found += new.as_array().expect("a list").len();
        }
    }
    assert!(found > 50, "{found}");
}

/// A write through `Call` is an operation as any other: same id, same operation; a dry run sends nothing.
#[tokio::test]
async fn a_raw_write_happens_once_and_a_dry_run_never() {
    let world = World::synced(Setup::new(20)).await;
    let id = somebody(&world);
    let body = json!({"value": "raw"});
    let request = with_body(
        call(&world, "createOpportunityNote", &[("opportunity", &id)]),
        &body,
    );
    let before = world.calls("createOpportunityNote").len();
    let dry = pb::CallRequest {
        dry_run: true,
        ..request.clone()
    };
    let planned = write(&world, dry).await;
    assert_eq!(planned.state(), pb::OperationState::Unspecified);
    assert_eq!(
        planned.lever_calls[0].path,
        format!("/opportunities/{id}/notes")
    );
    assert_eq!(world.calls("createOpportunityNote").len(), before);
    let first = write(&world, request.clone()).await;
    let second = write(&world, request).await;
    assert_eq!(
        (first.id.as_str(), first.state()),
        (second.id.as_str(), pb::OperationState::Succeeded)
    );
    assert_eq!(world.calls("createOpportunityNote").len(), before + 1);
    assert_eq!(first.lever_operation, "createOpportunityNote");
}

/// Nobody knows what a raw write does when it is made twice: where its answer is lost a person decides, whatever its
/// method is, and before that nothing is repeated.
#[tokio::test]
async fn a_raw_write_whose_answer_is_lost_is_never_repeated_by_itself() {
    let world = World::synced(Setup::new(20)).await;
    let id = world.open_opportunities().remove(0);
    let reason = world.reject_reason();
    let moved = |stage: &str| {
        let request = call(&world, "updateOpportunityStage", &[("opportunity", &id)]);
        with_body(request, &json!({ "stage": stage }))
    };
    let archived = call(&world, "updateOpportunityArchived", &[("opportunity", &id)]);
    let archived = with_body(archived, &json!({ "reason": reason }));
    for (name, request, action, seen) in [
        (
            "updateOpportunityStage",
            moved("offer"),
            Action::ResetAfter,
            "no answer could be read",
        ),
        (
            "updateOpportunityArchived",
            archived,
            Action::ServerErrorAfter(500),
            "status 500",
        ),
    ] {
        let before = world.calls(name).len();
        let rule = FaultRule::on(name, action).when(When::Nth(1));
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
        let lost = write(&world, request).await;
        assert_eq!(lost.state(), pb::OperationState::Uncertain, "{lost:?}");
        let error = lost.error.as_ref().expect("a reason");
        assert!(error.message.contains(seen), "{}", error.message);
        assert_eq!(world.calls(name).len(), before + 1, "{name}");
        world.retry(&lost.id).await.expect("in line");
        let again = world.settled(&lost.id).await;
        assert_eq!(again.state(), pb::OperationState::Succeeded);
        assert_eq!(world.calls(name).len(), before + 2, "{name}");
    }
    // What Lever surely did not do is asked for again as ever.
    let rule = FaultRule::on("updateOpportunityStage", Action::TooManyRequests);
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![rule.when(When::Nth(1))],
    });
    let turned_away = write(&world, moved("lead-responded")).await;
    assert_eq!(turned_away.state(), pb::OperationState::Succeeded);
}

#[tokio::test]
async fn a_call_that_cannot_be_made_names_its_field() {
    let world = World::synced(Setup::new(5)).await;
    let id = somebody(&world);
    let named = |name: &str| pb::CallRequest {
        operation_id: name.to_owned(),
        ..call(&world, "", &[])
    };
    let query = pb::QueryParameter {
        name: "perform_as".to_owned(),
        value: "u".to_owned(),
    };
    let acting = pb::CallRequest {
        query: vec![query],
        ..with_body(
            call(&world, "addOpportunityTags", &[("opportunity", &id)]),
            &json!({"tags": ["a"]}),
        )
    };
    let cases = [
        (named("noSuchOperation"), "operation_id"),
        (named("getOpportunity"), "path_parameters.opportunity"),
        (
            call(&world, "listUsers", &[("user", "u")]),
            "path_parameters.user",
        ),
        (
            call(&world, "addOpportunityTags", &[("opportunity", &id)]),
            "body",
        ),
        (acting, "query.perform_as"),
    ];
    for (request, field) in cases {
        let told = refused(world.api.lever().call(request).await);
        assert_eq!(told.code, Code::InvalidArgument, "{field}");
        assert!(told.message.starts_with(field), "{}", told.message);
    }
    let unknown = call(
        &world,
        "getOpportunity",
        &[("opportunity", "00000000-0000-4000-8000-000000000000")],
    );
    assert_eq!(
        refused(world.api.lever().call(unknown).await).code,
        Code::NotFound
    );
}

/// X23: whatever the key allows, nobody is asked for answers about equal opportunity while the stream is off.
#[tokio::test]
async fn x23_nothing_is_asked_about_equal_opportunity_while_it_is_off() {
    let world = World::synced(Setup::new(10)).await;
    for operation in ["listEeoResponses", "listEeoResponsesPii"] {
        let told = refused(world.api.lever().call(call(&world, operation, &[])).await);
        assert_eq!(told.reason, "STREAM_NOT_KEPT", "{operation}");
        assert!(world.calls(operation).is_empty(), "{operation}");
    }
    for from in [pb::ReadFrom::Mirror, pb::ReadFrom::Lever] {
        let request = pb::ListEeoResponsesRequest {
            connection_id: world.connection.clone(),
            read_from: from.into(),
            ..Default::default()
        };
        let told = refused(world.api.lever().list_eeo_responses(request).await);
        assert_eq!(told.reason, "STREAM_NOT_KEPT");
    }
    assert!(world.calls("listEeoResponsesPii").is_empty());
}

/// X6: what was not read yet is told with the way out, and never an empty list.
#[tokio::test]
async fn x6_children_that_were_not_read_are_not_shown_as_none() {
    let setup = Setup::new(40).with("FULCRUM__PULL__CHILDREN_ARCHIVED_WITHIN", "1ms");
    let world = World::synced(setup).await;
    let archived = world.lever.opportunities();
    let archived = archived.iter().find(|one| !one["archived"].is_null());
    let id = archived.expect("somebody archived")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let told = refused(notes(&world, &id, pb::ReadFrom::Mirror).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "NOT_HYDRATED")
    );
    notes(&world, &id, pb::ReadFrom::Lever)
        .await
        .expect("live reads need no mirror");
    let request = pb::StartSyncRequest {
        connection_id: world.connection.clone(),
        opportunity_id: id.clone(),
        ..Default::default()
    };
    world.api.sync().start_sync(request).await.expect("started");
    until("the notes are read", async || {
        notes(&world, &id, pb::ReadFrom::Mirror)
            .await
            .is_ok()
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_pass_that_somebody_asks_for_is_told_even_where_it_finds_nothing() {
    let world = World::synced(Setup::new(20)).await;
    let stages = world.lever.stages().len() as u64;
    for asked in 1..=2 {
        let request = pb::StartSyncRequest {
            connection_id: world.connection.clone(),
            streams: vec!["stages".to_owned()],
            ..Default::default()
        };
        world.api.sync().start_sync(request).await.expect("started");
        let by_hand = until("the pass is told", async || {
            let mut runs = world.runs("stages").await;
            runs.retain(|run| run.cause() == pb::RunCause::Request);
            (runs.len() == asked).then(|| runs.remove(0))
        })
        .await;
        assert_eq!(by_hand.scope(), pb::RunScope::Whole);
        let counts = by_hand.counts.expect("counted");
        assert_eq!((counts.unchanged, by_hand.changes), (stages, 0));
    }
}

#[tokio::test]
async fn what_has_changed_since_a_time_is_read_once_more() {
    let world = World::synced(Setup::new(40)).await;
    let reset = async |stream: &str, seconds: i64| {
        let request = pb::ResetStreamRequest {
            connection_id: world.connection.clone(),
            stream: stream.to_owned(),
            since: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        };
        world.api.sync().reset_stream(request).await
    };
    const LONG_AGO: i64 = 1_000_000_000;
    assert_eq!(refused(reset("postings", LONG_AGO).await).fields, ["since"]);
    let never = refused(reset("opportunities", 4_000_000_000).await);
    assert_eq!(never.fields, ["since"]);
    reset("opportunities", LONG_AGO).await.expect("taken");
    let again = until("it is read again", async || {
        let runs = world.runs("opportunities").await;
        runs.into_iter()
            .find(|run| run.cause() == pb::RunCause::Request)
    })
    .await;
    assert_eq!(again.scope(), pb::RunScope::Changes);
    let before = again.cursor_before.expect("where it was").text;
    assert!(before.contains("2001-09-09T01:46:40Z"), "{before}");
    assert!(again.records > 0 && again.counts.expect("counted").unchanged > 0);
    let after = again.cursor_after.expect("where it is");
    assert!(!after.text.contains("2001"), "{}", after.text);
}

#[tokio::test]
async fn what_the_pull_did_can_be_listed() {
    let world = World::synced(Setup::new(20)).await;
    let request = pb::ListRunsRequest {
        connection_id: world.connection.clone(),
        stream: "stages".to_owned(),
        ..Default::default()
    };
    let runs = world
        .api
        .sync()
        .list_runs(request)
        .await
        .expect("listed")
        .into_inner()
        .runs;
    assert!(runs.iter().all(|run| run.listing == "stages"));
    assert_eq!(
        runs.first().map(pb::SyncRun::state),
        Some(pb::RunState::Succeeded)
    );
    let first = runs.last().expect("the first pass");
    assert_eq!(
        (first.cause(), first.scope()),
        (pb::RunCause::Schedule, pb::RunScope::First)
    );
    let phase = |cursor: &Option<pb::StreamCursor>| cursor.as_ref().map(|at| at.phase.clone());
    assert_eq!(phase(&first.cursor_before).as_deref(), Some("PENDING"));
    assert_eq!(phase(&first.cursor_after).as_deref(), Some("IDLE"));
    let counts = first.counts.expect("counted");
    assert_eq!(counts.created, first.records);
    assert_eq!(first.changes, counts.created);
    let calls = until("the calls are written down", async || {
        let request = pb::ListApiCallsRequest {
            connection_id: world.connection.clone(),
            page_size: 1000,
            ..Default::default()
        };
        let page = world
            .api
            .sync()
            .list_api_calls(request)
            .await
            .expect("listed")
            .into_inner();
        let stages = |call: &&pb::ApiCall| call.lever_operation == "listStages";
        page.api_calls.iter().find(stages).cloned()
    })
    .await;
    assert_eq!(
        (
            calls.method.as_str(),
            calls.path_template.as_str(),
            calls.status
        ),
        ("GET", "/stages", 200)
    );
    let listed = async |request: pb::ListApiCallsRequest| {
        let request = pb::ListApiCallsRequest {
            connection_id: world.connection.clone(),
            page_size: 1000,
            ..request
        };
        let answer = world.api.sync().list_api_calls(request).await;
        answer.map(|page| page.into_inner().api_calls)
    };
    let of_stages = pb::ListApiCallsRequest {
        lever_operation: "listStages".to_owned(),
        start_time: calls.call_time,
        ..Default::default()
    };
    let found = listed(of_stages.clone()).await.expect("listed");
    assert!(found.contains(&calls));
    assert!(
        found
            .iter()
            .all(|call| call.lever_operation == "listStages")
    );
    let before = pb::ListApiCallsRequest {
        start_time: None,
        end_time: found.last().expect("one").call_time,
        ..of_stages.clone()
    };
    assert_eq!(listed(before).await.expect("listed"), []);
    let of_stream = listed(pb::ListApiCallsRequest {
        stream: "tags".to_owned(),
        ..Default::default()
    });
    let of_stream = of_stream.await.expect("listed");
    assert!(!of_stream.is_empty());
    assert!(of_stream.iter().all(|call| call.path_template == "/tags"));
    let unknown = pb::ListApiCallsRequest {
        stream: "everything".to_owned(),
        ..Default::default()
    };
    assert_eq!(refused(listed(unknown).await).fields, ["stream"]);
    let nobody = pb::ListApiCallsRequest {
        rpc_id: "no such".to_owned(),
        ..Default::default()
    };
    assert_eq!(listed(nobody).await.expect("listed"), []);
    let failed = pb::ListApiCallsRequest {
        failed_only: true,
        ..of_stages
    };
    assert_eq!(listed(failed).await.expect("listed"), []);
    let unknown = pb::ListApiCallsRequest {
        lever_operation: "listEverything".to_owned(),
        ..Default::default()
    };
    assert_eq!(refused(listed(unknown).await).fields, ["lever_operation"]);
    let request = pb::UpdateScheduleRequest {
        connection_id: world.connection.clone(),
        stream: "stages".to_owned(),
        schedule: Some(pb::StreamSchedule {
            when: Some(pb::stream_schedule::When::Cron("0 6 * * *".to_owned())),
            ..Default::default()
        }),
    };
    let set = world
        .api
        .sync()
        .update_schedule(request)
        .await
        .expect("set")
        .into_inner();
    assert!(!set.schedule.expect("a schedule").is_default);
    let stages = world
        .status()
        .await
        .streams
        .into_iter()
        .find(|stream| stream.name == "stages");
    let schedule = stages
        .and_then(|stream| stream.schedule)
        .expect("a schedule");
    assert_eq!(schedule.time_zone, "UTC");
}
