//! How much memory the pull of a large account takes.

use std::time::{Duration, Instant};

use proto::v1 as pb;

use crate::service::{NO_LIMIT, ON_DEMAND, Service, records};
use crate::table::{Figure, Table, Target};
use crate::{Size, account, process};

const MEGABYTE: f64 = 1e6;
/// Half the default, so that the data outgrows it.
const CACHE: (&str, &str) = ("FULCRUM__STORE__CACHE_SIZE", "128MB");
const CACHE_MB: f64 = 128.0;

pub(crate) async fn measure(size: Size, table: &mut Table) {
    let opportunities = size.or_quick(100_000, 5_000);
    let sim = account::start(account::config(opportunities, None)).await;
    let service = Service::start(&[&NO_LIMIT[..], &ON_DEMAND[..], &[CACHE]].concat()).await;
    let floor = process::resident(service.id()) / MEGABYTE;
    let began = Instant::now();
    let connection = service.connect_all(&sim.base_url()).await;
    let status = loop {
        let status = service.status(&connection).await;
        if status.state() == pb::SyncState::Synced || began.elapsed() > size.pull_for {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    table.row(&Figure {
        name: "most memory while a large account is pulled",
        measured: process::most_resident(service.id()) / MEGABYTE,
        floor,
        unit: "MB",
        target: Target::Bound(2.0 * CACHE_MB + 100.0),
    });
    let below: u64 = [
        "notes",
        "offers",
        "interviews",
        "panels",
        "feedback",
        "resumes",
        "files",
        "forms",
        "referrals",
    ]
    .iter()
    .map(|stream| records(&status, stream))
    .sum();
    table.note(&format!(
        "pulled in {:.0} s with {} requests: {} of {opportunities} opportunities and {below} records below them{}",
        began.elapsed().as_secs_f64(),
        status.made_requests,
        records(&status, "opportunities"),
        if status.state() == pb::SyncState::Synced { ", everything" } else { ", then it was stopped" },
    ));
    sim.shutdown().await;
}
