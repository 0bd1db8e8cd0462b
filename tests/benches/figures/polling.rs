//! What many connections cost on which nothing happens.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use lever_sim::{Config, Key};

use crate::service::Service;
use crate::table::{Figure, Table, Target};
use crate::{Size, account, process};

const MEGABYTE: f64 = 1e6;
/// A small one, so that it is full: what an empty cache leaves free would hide what the connections take.
const CACHE: (&str, &str) = ("FULCRUM__STORE__CACHE_SIZE", "32MB");
const CACHE_SIZE: f64 = 32.0 * MEGABYTE;
/// Connections that are made at once.
const AT_ONCE: usize = 16;

pub(crate) async fn measure(size: Size, table: &mut Table) {
    let connections = size.or_quick(1000, 200);
    // As many polls a second in either case.
    let interval = Duration::from_secs(size.or_quick(300, 60));
    let keys: Vec<String> = (0..connections)
        .map(|at| format!("a-key-of-many-{at:06}"))
        .collect();
    let sim = account::start(Config {
        keys: keys.iter().map(Key::all).collect(),
        ..account::config(3, None)
    })
    .await;
    let every = format!("{}s", interval.as_secs());
    let service = Service::start(&[CACHE, ("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", &every)]).await;
    let idle = cost(&service, Duration::from_secs(size.or_quick(30, 10))).await;

    let base_url = sim.base_url();
    let linked: Vec<String> = stream::iter(&keys)
        .map(|key| service.connect(&base_url, key, &[]))
        .buffered(AT_ONCE)
        .collect()
        .await;
    for connection in &linked {
        service.until_synced(connection).await;
    }
    let began = account::sequence(&sim);
    let polled = cost(&service, interval).await;
    let requests = account::counted(&account::since(&sim, began));
    table.row(&Figure {
        name: &format!("CPU of {connections} connections polled every {every}"),
        measured: polled.cores,
        floor: idle.cores.max(1e-3),
        unit: "cores",
        target: Target::Bound(0.1),
    });
    table.row(&Figure {
        name: &format!("memory beyond the cache of {connections} connections"),
        measured: (polled.resident - CACHE_SIZE) / MEGABYTE,
        floor: idle.resident / MEGABYTE,
        unit: "MB",
        target: Target::Bound(150.0),
    });
    table.note(&format!("in {every}: {requests:?}"));
    table.note(&format!(
        "memory: {:.0} MB with all connections, {:.0} MB without any",
        polled.resident / MEGABYTE,
        idle.resident / MEGABYTE
    ));
    sim.shutdown().await;
}

/// What a service costs.
struct Cost {
    cores: f64,
    resident: f64,
}

async fn cost(service: &Service, during: Duration) -> Cost {
    let before = process::cpu_seconds(service.id());
    let began = Instant::now();
    tokio::time::sleep(during).await;
    let used = process::cpu_seconds(service.id()) - before;
    Cost {
        cores: used / began.elapsed().as_secs_f64(),
        resident: process::resident(service.id()),
    }
}
