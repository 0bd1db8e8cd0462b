//! How soon a write is durable and on its way, and how long a thousand take.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{Duration, Instant};

use lever_sim::{AuditEntry, RateLimit, Sim};
use proto::v1 as pb;
use proto::v1::candidate_service_client::CandidateServiceClient;
use proto::v1::inbound_service_client::InboundServiceClient;
use proto::v1::operation_service_client::OperationServiceClient;
use tempfile::TempDir;

use crate::service::Service;
use crate::table::{Figure, Table, Target};
use crate::{Size, account};

/// Between two writes while the limit is full.
const PACE: Duration = Duration::from_millis(500);

pub(crate) async fn measure(size: Size, table: &mut Table) {
    beside_a_backfill(size, table).await;
    rejections(size, table).await;
}

/// Notes, two a second, while a backfill takes all that the limit gives.
async fn beside_a_backfill(size: Size, table: &mut Table) {
    let opportunities = size.or_quick(100_000, 20_000);
    let writes = size.or_quick(120, 30);
    let sim = account::start(account::config(opportunities, Some(RateLimit::default()))).await;
    let service = Service::start(&[]).await;
    let connection = service.connect_all(&sim.base_url()).await;
    let people = loop {
        match service.applicants(&connection).await {
            Some(people) if !people.is_empty() => break people,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let mut candidates = CandidateServiceClient::new(service.channel());
    let (mut accepted, mut sent, mut floor) = (Vec::new(), Vec::new(), Vec::new());
    let mut bare = Bare::new();
    for number in 0..writes {
        let request = pb::CreateNoteRequest {
            connection_id: connection.clone(),
            opportunity_id: people[number % people.len()].opportunity_id.clone(),
            request_id: format!("note-{number}"),
            value: format!("note {number}"),
            wait: Some(prost_types::Duration::default()),
            ..pb::CreateNoteRequest::default()
        };
        floor.push(bare.append());
        let began = Instant::now();
        let answer = candidates.create_note(request).await.expect("recorded");
        accepted.push(began.elapsed().as_secs_f64() * 1e3);
        let operation = answer.into_inner().operation.expect("an operation");
        tokio::time::sleep(PACE.saturating_sub(began.elapsed())).await;
        sent.push(until_sent(&service, &connection, &operation).await);
    }
    let status = service.status(&connection).await;
    let busy = status.state() == pb::SyncState::Syncing;
    if !busy {
        table.missing("accepted to first call", "the backfill ended too soon");
    }
    table.row(&Figure {
        name: "write accepted, durable, at the 99th percentile",
        measured: high(&mut accepted),
        floor: high(&mut floor),
        unit: "ms",
        target: Target::AtMost(4.0),
    });
    let first = high(&mut sent);
    table.row(&Figure {
        name: "accepted to first call to Lever beside a backfill, 99th percentile",
        measured: first,
        floor: 100.0,
        unit: "ms",
        target: Target::Bound(250.0),
    });
    table.note(&format!(
        "half of the writes were accepted within {:.1} ms, nine of ten within {:.1}",
        part(&accepted, 50),
        part(&accepted, 90)
    ));
    table.note(&format!(
        "{writes} notes, 2 a second, 10 requests a second to Lever; floor: the time between two requests at that rate"
    ));
    sim.shutdown().await;
}

/// Milliseconds from the recording of an operation to its first call.
async fn until_sent(service: &Service, connection: &str, asked: &pb::Operation) -> f64 {
    let mut operations = OperationServiceClient::new(service.channel());
    loop {
        let request = pb::GetOperationRequest {
            connection_id: connection.to_owned(),
            operation_id: asked.id.clone(),
        };
        let answer = operations.get_operation(request).await.expect("an answer");
        let operation = answer.into_inner().operation.expect("an operation");
        let sent = operation
            .lever_calls
            .first()
            .filter(|call| call.status != 0);
        if let (Some(call), Some(recorded)) = (sent, operation.create_time) {
            let at = call.call_time.expect("a time");
            return millis(&at) - millis(&recorded);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn millis(at: &prost_types::Timestamp) -> f64 {
    at.seconds as f64 * 1e3 + f64::from(at.nanos) / 1e6
}

/// A file to which bare records are appended, one before each write: what the disk alone takes in the same moments.
struct Bare {
    file: std::fs::File,
    _folder: TempDir,
}

impl Bare {
    fn new() -> Bare {
        let folder = TempDir::new().expect("a temporary folder");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(folder.path().join("log"))
            .expect("a file in a temporary folder");
        Bare {
            file,
            _folder: folder,
        }
    }

    /// Appends as many bytes as an operation has and makes them durable; the milliseconds that took.
    fn append(&mut self) -> f64 {
        let began = Instant::now();
        self.file.write_all(&[7_u8; 400]).expect("written");
        self.file.sync_data().expect("durable");
        began.elapsed().as_secs_f64() * 1e3
    }
}

/// The 99th percentile.
fn high(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    part(times, 99)
}

/// A percentile of times in their order.
fn part(times: &[f64], percent: usize) -> f64 {
    let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(index).copied().unwrap_or(f64::NAN)
}

/// One call that rejects many, with a kill in the middle.
async fn rejections(size: Size, table: &mut Table) {
    let many = size.or_quick(1000, 100);
    let sim = account::start(account::config(many * 12, None)).await;
    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("data");
    // At Lever's rate from the first call on; before, the mirror is filled as fast as it goes.
    let quick = [
        crate::service::NO_LIMIT.as_slice(),
        &crate::service::ON_DEMAND,
    ]
    .concat();
    let service = Service::start_on(&data, &quick).await;
    let connection = service.connect_all(&sim.base_url()).await;
    service.until_synced(&connection).await;
    drop(service);
    let paced = crate::service::ON_DEMAND;
    let service = Service::start_on(&data, &paced).await;
    let people = open_people(&sim, many);
    let request = pb::RejectApplicantsRequest {
        connection_id: connection.clone(),
        applicants: people,
        archive_reason_id: reject_reason(&sim),
        request_id: "rejections".to_owned(),
        ..pb::RejectApplicantsRequest::default()
    };
    let planned = planned(&service, request.clone()).await;
    let since = account::sequence(&sim);
    let began = Instant::now();
    let mut inbound = InboundServiceClient::new(service.channel());
    let stream = inbound.reject_applicants(request).await.expect("accepted");
    let mut stream = stream.into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk");
    for _ in 0..many / 2 {
        stream.message().await.expect("told");
    }
    drop(service);
    let service = Service::start_on(&data, &paced).await;
    let mut operations = OperationServiceClient::new(service.channel());
    let watch = pb::WatchOperationsRequest {
        connection_id: connection,
        operation_id: bulk.id,
    };
    let watched = operations.watch_operations(watch).await.expect("watched");
    let mut watched = watched.into_inner();
    let mut last = None;
    while let Some(message) = watched.message().await.expect("told") {
        last = message.operation;
    }
    let took = began.elapsed().as_secs_f64();
    let tally = last.and_then(|bulk| bulk.tally).unwrap_or_default();
    table.row(&Figure {
        name: "many rejections in one call, with a kill in the middle",
        measured: took,
        floor: f64::from(planned) / 10.0,
        unit: "seconds",
        target: Target::AtMost(1.1),
    });
    table.note(&format!(
        "{many} people, {planned} calls to Lever by the dry run, 10 a second; {} rejected, {} failed",
        tally.succeeded, tally.failed
    ));
    let mut requests = sim.audit();
    requests.retain(|request| request.sequence > since);
    table.note(&format!(
        "{} requests: {}",
        requests.len(),
        course(&requests)
    ));
    sim.shutdown().await;
}

/// How many requests of each kind, and the longest times without any: where time was lost.
fn course(requests: &[AuditEntry]) -> String {
    let mut kinds = BTreeMap::<&str, u32>::new();
    for request in requests {
        *kinds
            .entry(request.operation.as_deref().unwrap_or("unknown"))
            .or_default() += 1;
    }
    let mut gaps: Vec<i64> = requests
        .windows(2)
        .map(|two| two[1].at_ms - two[0].at_ms)
        .collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    gaps.truncate(3);
    format!("{kinds:?}; the longest times without any, in milliseconds: {gaps:?}")
}

/// How many calls a rejection of many takes, by the dry run.
async fn planned(service: &Service, mut request: pb::RejectApplicantsRequest) -> u32 {
    request.dry_run = true;
    let mut inbound =
        InboundServiceClient::new(service.channel()).max_decoding_message_size(64 << 20);
    let stream = inbound.reject_applicants(request).await.expect("planned");
    let bulk = stream.into_inner().message().await.expect("told");
    let bulk = bulk.and_then(|message| message.operation);
    bulk.expect("the bulk").planned_calls
}

fn open_people(sim: &Sim, many: usize) -> Vec<pb::ApplicantRef> {
    let open = sim
        .opportunities()
        .into_iter()
        .filter(|person| person["archived"].is_null());
    let text = |person: &serde_json::Value, field: &str| {
        person[field].as_str().unwrap_or_default().to_owned()
    };
    let of = |person: serde_json::Value| pb::ApplicantRef {
        opportunity_id: text(&person, "id"),
        expected_stage_id: text(&person, "stage"),
    };
    let people: Vec<_> = open.map(of).take(many).collect();
    assert_eq!(people.len(), many, "there are people enough");
    people
}

fn reject_reason(sim: &Sim) -> String {
    let reasons = sim.archive_reasons();
    let reason = reasons
        .iter()
        .find(|reason| reason["type"] == "non-hired" && reason["status"] == "active");
    let id = reason.expect("an active reason")["id"].as_str();
    id.expect("an id").to_owned()
}
