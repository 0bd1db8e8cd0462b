//! How soon the first inbound applicants of a large account are served.

use std::time::{Duration, Instant};

use lever_sim::RateLimit;

use crate::service::Service;
use crate::table::{Figure, Table, Target};
use crate::{Size, account};

const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

pub(crate) async fn measure(size: Size, table: &mut Table) {
    let opportunities = size.or_quick(100_000, 10_000);
    let sim = account::start(account::config(opportunities, Some(RateLimit::default()))).await;
    let floor = bare(&sim.base_url()).await;
    let service = Service::start(&[]).await;
    let began = Instant::now();
    let connection = service.connect_all(&sim.base_url()).await;
    let applicants = loop {
        match service.applicants(&connection).await {
            Some(applicants) if !applicants.is_empty() => break applicants,
            _ => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    };
    table.row(&Figure {
        name: "first inbound applicants served after CreateConnection",
        measured: began.elapsed().as_secs_f64(),
        floor,
        unit: "seconds",
        target: Target::Bound(3.0),
    });
    table.note(&format!(
        "{} applicants on the first page, of {opportunities} opportunities",
        applicants.len()
    ));
    sim.shutdown().await;
}

/// Seconds that the requests take which nobody can do without: a key that works, the stages, one page of applicants.
async fn bare(base_url: &str) -> f64 {
    let began = Instant::now();
    let client = reqwest::Client::new();
    let page = [
        ("stage_id", "applicant-new"),
        ("expand", "applications"),
        ("expand", "contact"),
    ];
    for (path, query) in [("/stages", &page[..0]), ("/opportunities", &page[..])] {
        let request = client
            .get(format!("{base_url}{path}"))
            .basic_auth(lever_sim::DEFAULT_KEY, Some(""))
            .query(query);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success());
        answer.bytes().await.expect("a body");
    }
    began.elapsed().as_secs_f64()
}
