//! What an operator sees: where a call came from, how everything stands, and that a stop is coming.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proto::v1 as pb;
use tonic::metadata::MetadataMap;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Told;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{Setup, World, fresh_id, http, program, until};

const ID: &str = "x-request-id";

/// A request under an id of the caller's.
fn under<T>(id: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let id = id.parse().expect("visible ASCII");
    request.metadata_mut().insert(ID, id);
    request
}

fn id_of(metadata: &MetadataMap) -> String {
    let id = metadata.get(ID).expect("an id").to_str();
    id.expect("visible ASCII").to_owned()
}

impl World {
    async fn api_calls(&self, lever_operation: &str) -> Vec<pb::ApiCall> {
        let request = pb::ListApiCallsRequest {
            connection_id: self.connection.clone(),
            page_size: 1000,
            ..Default::default()
        };
        let answer = self.api.sync().list_api_calls(request).await;
        let mut calls = answer.expect("a list").into_inner().api_calls;
        calls.retain(|call| call.lever_operation == lever_operation);
        calls
    }

    async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.service().http);
        let answer = http().get(url).send().await.expect("an answer");
        answer.text().await.expect("text")
    }
}

/// From an rpc to the operation, the call to Lever and the lines of the log, also where the call is made later.
#[tokio::test]
async fn the_id_of_an_rpc_leads_to_what_came_of_it() {
    let world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let note = pb::CreateNoteRequest {
        connection_id: world.connection.clone(),
        opportunity_id: opportunity,
        request_id: fresh_id(),
        value: "hello".to_owned(),
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let answer = world
        .api
        .candidates()
        .create_note(under("from-afar:1", note))
        .await;
    let answer = answer.expect("recorded");
    assert_eq!(id_of(answer.metadata()), "from-afar:1");
    let recorded = answer.into_inner().operation.expect("an operation");
    assert_eq!(recorded.rpc_id, "from-afar:1");
    let settled = world.settled(&recorded.id).await;
    assert_eq!(settled.rpc_id, "from-afar:1");
    let call = until("the call is logged", async || {
        world.api_calls("createOpportunityNote").await.pop()
    })
    .await;
    assert_eq!(
        (call.rpc_id.as_str(), call.operation_id.as_str()),
        ("from-afar:1", recorded.id.as_str())
    );
    let log = world.home.log();
    let line = log.lines().find(|line| line.contains("operation settled"));
    assert!(line.expect("a line").contains("from-afar:1"), "{log}");

    // What nobody asked for has none.
    let pulled = world.api_calls("listStages").await;
    assert!(!pulled.is_empty() && pulled.iter().all(|call| call.rpc_id.is_empty()));
}

/// A read that goes to Lever is found by its id, whatever becomes of it.
#[tokio::test]
async fn a_call_to_lever_tells_which_rpc_caused_it_and_errors_carry_the_id_too() {
    let world = World::synced(Setup::new(20)).await;
    let call = pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: "listUsers".to_owned(),
        ..Default::default()
    };
    let answer = world.api.lever().call(under("live-1", call.clone())).await;
    assert_eq!(id_of(answer.expect("answered").metadata()), "live-1");
    until("the call is logged", async || {
        let mut calls = world.api_calls("listUsers").await;
        calls.retain(|call| call.rpc_id == "live-1");
        calls.pop()
    })
    .await;

    let wrong = pb::GetConnectionRequest {
        connection_id: fresh_id(),
    };
    let refused = world
        .api
        .connections()
        .get_connection(under("wrong-1", wrong.clone()))
        .await;
    let refused = refused.expect_err("there is none");
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(id_of(refused.metadata()), "wrong-1");
    // One that is too long for a line of the log is replaced.
    let long = "x".repeat(129);
    let refused = world
        .api
        .connections()
        .get_connection(under(&long, wrong))
        .await;
    let made = id_of(refused.expect_err("there is none").metadata());
    assert!(uuid::Uuid::parse_str(&made).is_ok(), "{made}");
}

/// A stop is told before the port closes, of the whole and of each service, and ends the streams of who listens.
#[tokio::test]
async fn who_watches_the_health_hears_of_a_stop_before_it_comes() {
    let mut world = World::with_opportunities(10).await;
    let endpoint = format!("http://{}", world.service().grpc);
    let endpoint = Endpoint::from_shared(endpoint).expect("a URL");
    let client = HealthClient::new(endpoint.connect_lazy());
    let mut watched = Vec::new();
    for service in [
        "",
        "fulcrum.v1.ConnectionService",
        "fulcrum.v1.LeverService",
    ] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let told = client.clone().check(request.clone()).await.expect("known");
        assert_eq!(told.into_inner().status(), Told::Serving, "{service}");
        let stream = client.clone().watch(request).await.expect("a stream");
        let mut stream = stream.into_inner();
        let first = stream.message().await.expect("told").expect("a status");
        assert_eq!(first.status(), Told::Serving);
        watched.push(stream);
    }
    assert_eq!(world.stop().await.code(), Some(0));
    for mut stream in watched {
        let last = stream.message().await.expect("told").expect("a status");
        assert_eq!(last.status(), Told::NotServing);
        assert!(!matches!(stream.message().await, Ok(Some(_))));
    }
}

/// The page of metrics has all that a service tells, and a service that works tells the most of it.
#[tokio::test]
async fn a_service_tells_the_metrics_that_the_page_lists() {
    let world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    world
        .note(&opportunity, &fresh_id(), "hello")
        .await
        .expect("recorded");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let listed: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let metrics = world.metrics().await;
    let told: BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    assert!(told.is_subset(&listed), "{told:?} {listed:?}");
    let connection = &world.connection;
    for line in [
        "fulcrum_build_info{version=\"".to_owned(),
        "process_start_time_seconds 1".to_owned(),
        format!("fulcrum_stream_stale{{connection=\"{connection}\",stream=\"opportunities\"}} 0"),
        format!("fulcrum_stream_age_seconds{{connection=\"{connection}\",stream=\"users\"}} "),
        format!("fulcrum_operations_waiting{{connection=\"{connection}\",state=\"HELD\"}} 0"),
        format!("fulcrum_lever_paused{{connection=\"{connection}\"}} 0"),
        "fulcrum_disk_free_bytes ".to_owned(),
        "fulcrum_store_commits_total ".to_owned(),
        "fulcrum_rpcs_total{rpc=\"/fulcrum.v1.CandidateService/CreateNote\",code=\"OK\"} 1"
            .to_owned(),
        "fulcrum_rpcs_in_flight{rpc=\"/fulcrum.v1.CandidateService/CreateNote\"} 0".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    // Nobody's name or address is in a label.
    let person = world.lever.opportunity(&opportunity).expect("there");
    for secret in [&person["name"], &person["emails"][0]] {
        let secret = secret.as_str().expect("text");
        assert!(!metrics.contains(secret), "{secret}");
    }
}

/// What is written and what is not: an operator must not have to guess it from a mirror that grows old.
#[tokio::test]
async fn a_status_says_that_writes_are_refused_and_why() {
    let mut world = World::synced(Setup::new(20)).await;
    assert_eq!(world.status().await.writes_refused, "");
    world.stop().await;
    let floor = ("FULCRUM__STORE__WRITE_MIN_FREE", "1000TB".to_owned());
    let mut world = world.configured_like(|_| vec![floor]);
    world.start().await;
    let refused = world.status().await.writes_refused;
    for part in [
        "the disk of the service is nearly full",
        "writes stop below 1000000000 MB",
        "free-reserve",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    let person = world.open_opportunities().remove(0);
    let note = world.note(&person, &fresh_id(), "hello").await;
    let told = note.expect_err("no room");
    assert_eq!(told.code(), Code::ResourceExhausted);
    let server = format!("http://{}", world.service().grpc);
    let shown = program()
        .arg("status")
        .env("FULCRUM_SERVER", server)
        .output()
        .await
        .expect("it runs");
    let page = String::from_utf8_lossy(&shown.stdout).into_owned();
    let told = format!("writes are refused: {refused}");
    assert!(shown.status.success() && page.contains(&told), "{page}");
}

/// What the metric of operations says, by event, all kinds together.
fn operations(metrics: &str) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    for line in metrics.lines() {
        let Some(labels) = line.strip_prefix("fulcrum_operations_total{") else {
            continue;
        };
        let event = labels.split("event=\"").nth(1).expect("an event");
        let event = event.split('"').next().expect("its end").to_owned();
        let count = line.rsplit(' ').next().expect("a count");
        *counted.entry(event).or_default() += count.parse::<u64>().expect("a number");
    }
    counted
}

/// However an operation ends, it is counted: refused or needless when it is recorded, cancelled while it is held, with
/// its bulk, and at the end of the connection. One that is tried again ends twice.
#[tokio::test]
async fn every_operation_that_is_counted_as_recorded_is_counted_when_it_ends() {
    let world = World::synced(Setup::new(40)).await;
    let people = world.open_opportunities();
    let hold = || {
        Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        })
    };
    let archive = |person: &str| pb::ArchiveRequest {
        opportunity_id: person.to_owned(),
        request_id: fresh_id(),
        archive_reason_id: world.reject_reason(),
        hold: hold(),
        ..Default::default()
    };
    let cancelled = world.archive(archive(&people[0])).await.expect("held");
    world.cancel(&cancelled.id).await.expect("cancelled");
    world.archive(archive(&people[1])).await.expect("held");
    let item = |person: &str, reason: &str| pb::BulkItem {
        opportunity_id: person.to_owned(),
        write: Some(pb::bulk_item::Write::Archive(pb::BulkArchive {
            archive_reason_id: reason.to_owned(),
            ..Default::default()
        })),
    };
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: vec![
            item(&people[2], &world.reject_reason()),
            item(&people[3], "no-such-reason"),
        ],
        ..Default::default()
    };
    let stream = world.api.candidates().bulk_write(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let mut bulk = None;
    while let Some(told) = stream.message().await.expect("no error") {
        bulk = told.operation;
    }
    let bulk = bulk.expect("the bulk");
    assert_eq!(bulk.tally.expect("a tally").failed, 1, "{bulk:?}");
    let counted = operations(&world.metrics().await);
    let expected = [
        ("CANCELLED", 1),
        ("FAILED", 2),
        ("SUCCEEDED", 1),
        ("recorded", 5),
    ];
    let expected = expected.map(|(event, count)| (event.to_owned(), count));
    assert_eq!(counted, BTreeMap::from(expected));
    let stands = world.lever.opportunity(&people[2]).expect("there")["stage"].clone();
    let mut stages = ["lead-new", "applicant-new"].into_iter();
    let elsewhere = stages.find(|stage| stands != *stage);
    let moved = pb::ChangeStageRequest {
        opportunity_id: people[2].clone(),
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        expected_stage_id: elsewhere.expect("one of two").to_owned(),
        ..Default::default()
    };
    let moved = world.change_stage(moved).await.expect("recorded");
    world.retry(&moved.id).await.expect("in line");
    world.settled(&moved.id).await;
    let unlinked = pb::DeleteConnectionRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let unlinked = world.api.connections().delete_connection(unlinked).await;
    unlinked.expect("unlinked");
    let counted = operations(&world.metrics().await);
    let of = |event: &str| counted.get(event).copied().unwrap_or_default();
    let retried = (of("FAILED"), of("retried"));
    assert_eq!((of("CANCELLED"), retried), (2, (4, 1)), "{counted:?}");
    let ended = ["SUCCEEDED", "FAILED", "UNCERTAIN", "CANCELLED"].map(of);
    assert_eq!(of("recorded") + of("retried"), ended.iter().sum::<u64>());
}
