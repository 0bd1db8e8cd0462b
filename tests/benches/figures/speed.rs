//! How fast records come in when Lever sets no limit, and what they cost.

use std::time::Instant;

use lever_sim::DEFAULT_KEY;

use crate::service::{NO_LIMIT, ON_DEMAND, Service, records};
use crate::table::{Figure, Table, Target};
use crate::{Size, account, dropping, process, tap};

/// What is stored: opportunities with their applications and contacts.
const STREAMS: [&str; 3] = ["opportunities", "applications", "contacts"];

pub(crate) async fn measure(size: Size, table: &mut Table) {
    let sim = account::start(account::config(size.or_quick(30_000, 5_000), None)).await;
    let base_url = sim.base_url();
    let dropped = dropping::measure(&base_url).await;
    let stored = store(&base_url).await;
    table.row(&Figure {
        name: "opportunities with applications stored, beside read and dropped",
        measured: stored.opportunities / stored.seconds,
        floor: dropped.opportunities / dropped.seconds,
        unit: "a second",
        target: Target::AtLeast(0.2),
    });
    table.note(&format!(
        "{} records of {} opportunities; CPU seconds: {:.2} stored, {:.2} read and dropped",
        stored.records, stored.opportunities, stored.cpu_seconds, dropped.cpu_seconds
    ));
    let ours = stored.records / stored.cpu_seconds;
    let name = "records a CPU second, beside tap-lever with applications";
    match tap::measure(&base_url, true).await {
        Ok(tap) => table.row(&Figure {
            name,
            measured: ours,
            floor: tap.rate(),
            unit: "a CPU second",
            target: Target::AtLeast(20.0),
        }),
        Err(why) => table.missing(name, &why),
    }
    if let Ok(tap) = tap::measure(&base_url, false).await {
        table.note(&format!(
            "tap-lever without applications, one list and one page at a time: {:.0} records a CPU second",
            tap.rate()
        ));
    }
    sim.shutdown().await;
}

/// What a mirror of the account took.
struct Stored {
    seconds: f64,
    cpu_seconds: f64,
    opportunities: f64,
    /// Opportunities, applications and contacts.
    records: f64,
}

async fn store(base_url: &str) -> Stored {
    let service = Service::start(&[&NO_LIMIT[..], &ON_DEMAND[..]].concat()).await;
    let cpu = process::cpu_seconds(service.id());
    let began = Instant::now();
    let connection = service.connect(base_url, DEFAULT_KEY, &STREAMS).await;
    // The walk over everybody comes after that, in a lane of its own.
    service.until_read(&connection, "opportunities").await;
    let seconds = began.elapsed().as_secs_f64();
    let status = service.status(&connection).await;
    Stored {
        seconds,
        cpu_seconds: process::cpu_seconds(service.id()) - cpu,
        opportunities: records(&status, "opportunities") as f64,
        records: STREAMS
            .iter()
            .map(|stream| records(&status, stream) as f64)
            .sum(),
    }
}
