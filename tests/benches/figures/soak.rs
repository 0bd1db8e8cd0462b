//! Whether anything grows slowly: rows that change and reads that go on, with faults, for as long as is asked (P21).

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lever_sim::{Act, Action, Calls, FaultPlan, FaultRule, Sim, When};
use proto::v1 as pb;
use proto::v1::candidate_service_client::CandidateServiceClient;
use proto::v1::inbound_service_client::InboundServiceClient;
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::service::{NO_LIMIT, Service};
use crate::table::{Figure, Table, Target};
use crate::{Size, account, process};

/// Opportunities of the account.
const PEOPLE: usize = 5_000;
/// Opportunities that change in Lever each second; the application and the contact come with each.
const ROWS: usize = 500;
/// Reads each second, a tenth of them lists.
const READS: usize = 500;
/// Readers at once.
const READERS: usize = 8;
/// Between two looks at the process.
const LOOK: Duration = Duration::from_secs(10);
/// The part of the time in which memory still finds its size.
const WARM: f64 = 0.25;
/// Shorter runs say nothing about a megabyte an hour.
const TELLING: Duration = Duration::from_secs(30 * 60);

/// What is kept, so that each change costs one row and not the lists below the person.
const STREAMS: [&str; 5] = [
    "stages",
    "users",
    "postings",
    "archive_reasons",
    "opportunities",
];
/// What is kept for a time is as old as it gets before the warming up ends, so that nothing has a reason to grow.
const SETTINGS: [(&str, &str); 5] = [
    ("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", "1s"),
    ("FULCRUM__PULL__DELETED_INTERVAL", "1m"),
    ("FULCRUM__STORE__CACHE_SIZE", "64MB"),
    ("FULCRUM__STORE__CHANGES_KEPT", "2m"),
    ("FULCRUM__STORE__LOGS_KEPT", "2m"),
];

/// The process at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    seconds: f64,
    resident_mb: f64,
    files: f64,
    disk_mb: f64,
    /// Of the reads since the look before.
    p99_ms: f64,
}

/// How long each read of the last seconds took, in milliseconds.
type Times = Arc<Mutex<Vec<f64>>>;

pub(crate) async fn measure(size: Size, table: &mut Table) {
    let sim = Arc::new(account::start(account::config(PEOPLE, None)).await);
    sim.set_faults(faults());
    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("data");
    let service = Service::start_on(&data, &[NO_LIMIT.as_slice(), &SETTINGS].concat()).await;
    let connection = service
        .connect(&sim.base_url(), lever_sim::DEFAULT_KEY, &STREAMS)
        .await;
    service.until_read(&connection, "opportunities").await;
    let people: Vec<String> = sim
        .opportunities()
        .iter()
        .filter_map(|person| person["id"].as_str().map(str::to_owned))
        .collect();
    let times = Times::default();
    let mut busy = vec![tokio::spawn(change(sim.clone(), people.clone()))];
    for reader in 0..READERS {
        let read = read(
            service.channel(),
            connection.clone(),
            people.clone(),
            reader,
            times.clone(),
        );
        busy.push(tokio::spawn(read));
    }
    let looks = look(&service, &data, &times, size.soak_for).await;
    for task in busy {
        task.abort();
    }
    tell(&looks, size.soak_for, table);
}

/// One call in fifty goes wrong.
fn faults() -> FaultPlan {
    let of = |action| FaultRule {
        calls: Calls::Reads,
        when: When::Probability(0.005),
        ..FaultRule::always(action)
    };
    let actions = [
        Action::TooManyRequests,
        Action::ServerErrorBefore(503),
        Action::ResetBefore,
        Action::TruncatedBody,
    ];
    FaultPlan {
        seed: 21,
        rules: actions.map(of).to_vec(),
    }
}

/// Changes rows at an even pace.
async fn change(sim: Arc<Sim>, people: Vec<String>) {
    const TURNS: usize = 10;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / 10);
    let mut next = 0;
    loop {
        pace.tick().await;
        for _ in 0..ROWS / TURNS {
            let opportunity = people[next % people.len()].clone();
            next += 1;
            // Who was deleted meanwhile is passed over.
            let _ = sim.act(Act::Touch { opportunity });
        }
    }
}

/// Reads at an even pace, one in ten a page of applicants.
async fn read(
    channel: Channel,
    connection: String,
    people: Vec<String>,
    reader: usize,
    times: Times,
) {
    let mut candidates = CandidateServiceClient::new(channel.clone());
    let mut inbound = InboundServiceClient::new(channel);
    let mut pace = tokio::time::interval(
        Duration::from_secs(1) * u32::try_from(READERS).unwrap_or(1)
            / u32::try_from(READS).unwrap_or(1),
    );
    let mut number = reader * 997;
    loop {
        pace.tick().await;
        number += 1;
        let began = Instant::now();
        if number.is_multiple_of(10) {
            let request = pb::ListApplicantsRequest {
                connection_id: connection.clone(),
                page_size: 50,
                ..pb::ListApplicantsRequest::default()
            };
            inbound.list_applicants(request).await.expect("a page");
        } else {
            let request = pb::GetCandidateRequest {
                connection_id: connection.clone(),
                whose: Some(pb::get_candidate_request::Whose::OpportunityId(
                    people[number * 7919 % people.len()].clone(),
                )),
                ..pb::GetCandidateRequest::default()
            };
            candidates.get_candidate(request).await.expect("a person");
        }
        let took = began.elapsed().as_secs_f64() * 1e3;
        if let Ok(mut times) = times.lock() {
            times.push(took);
        }
    }
}

async fn look(service: &Service, data: &Path, times: &Times, soak: Duration) -> Vec<Look> {
    let began = Instant::now();
    let mut looks = Vec::new();
    while began.elapsed() < soak {
        tokio::time::sleep(LOOK).await;
        let mut taken = times
            .lock()
            .map(|mut times| std::mem::take(&mut *times))
            .unwrap_or_default();
        taken.sort_by(f64::total_cmp);
        let p99 = taken
            .get(taken.len() * 99 / 100)
            .copied()
            .unwrap_or(f64::NAN);
        looks.push(Look {
            seconds: began.elapsed().as_secs_f64(),
            resident_mb: process::resident(service.id()) / 1e6,
            files: process::open_files(service.id()),
            disk_mb: bytes_in(data) / 1e6,
            p99_ms: p99,
        });
    }
    looks
}

fn bytes_in(folder: &Path) -> f64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0.0;
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
            Ok(metadata) => metadata.len() as f64,
            Err(_gone) => 0.0,
        })
        .sum()
}

fn tell(looks: &[Look], soak: Duration, table: &mut Table) {
    let warm = looks
        .iter()
        .filter(|look| look.seconds >= WARM * soak.as_secs_f64());
    let warm: Vec<Look> = warm.copied().collect();
    let (Some(first), Some(last)) = (warm.first(), warm.last()) else {
        table.missing("slow growth", "the time was too short for two looks");
        return;
    };
    let slope = hourly(&warm, |look| look.resident_mb);
    table.note(&format!(
        "memory, twelve times over the whole: {}",
        course(looks)
    ));
    table.note(&format!(
        "{} minutes: {ROWS} rows and {READS} reads a second, one call in fifty goes wrong; memory {:.0} to {:.0} MB ({slope:+.2} MB an hour), \
         files {:.0} to {:.0}, disk {:.0} to {:.0} MB ({:+.0} MB an hour)",
        soak.as_secs() / 60,
        first.resident_mb,
        last.resident_mb,
        first.files,
        last.files,
        first.disk_mb,
        last.disk_mb,
        hourly(&warm, |look| look.disk_mb),
    ));
    if soak >= TELLING {
        table.row(&Figure {
            name: "growth of memory after warming up, in an hour",
            measured: slope,
            floor: 1.0,
            unit: "MB",
            target: Target::Bound(1.0),
        });
    }
    table.row(&Figure {
        name: "files open at the end beside those after warming up",
        measured: last.files,
        floor: first.files,
        unit: "files",
        target: Target::Bound(first.files + 8.0),
    });
    let part = warm.len().div_ceil(6);
    table.row(&Figure {
        name: "p99 of reads in the last sixth beside the first",
        measured: middle(&warm[warm.len() - part..]),
        floor: middle(&warm[..part]),
        unit: "ms",
        target: Target::AtMost(1.2),
    });
}

/// Megabytes at twelve moments, evenly spread: whether growth slows down is seen better than told by a slope.
fn course(looks: &[Look]) -> String {
    let every = looks.len().div_ceil(12).max(1);
    let shown = looks.chunks(every).filter_map(<[Look]>::last);
    let shown: Vec<String> = shown
        .map(|look| format!("{:.0}", look.resident_mb))
        .collect();
    shown.join(", ")
}

/// The slope by least squares, in an hour.
fn hourly(looks: &[Look], of: impl Fn(&Look) -> f64) -> f64 {
    let count = looks.len() as f64;
    let mean = |value: &dyn Fn(&Look) -> f64| looks.iter().map(value).sum::<f64>() / count;
    let (time, size) = (mean(&|look| look.seconds), mean(&|look| of(look)));
    let both: f64 = looks
        .iter()
        .map(|look| (look.seconds - time) * (of(look) - size))
        .sum();
    let square: f64 = looks.iter().map(|look| (look.seconds - time).powi(2)).sum();
    both / square * 3600.0
}

/// The middle of the percentiles of some looks.
fn middle(looks: &[Look]) -> f64 {
    let mut times: Vec<f64> = looks.iter().map(|look| look.p99_ms).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
