//! The floor of `speed`: the same pages, read with the same client, and dropped.

#![expect(clippy::print_stdout, reason = "the result goes to the parent process")]

use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt;
use lever::{
    BaseUrl, Budget, BudgetConfig, Client, ConfidentialityFilter, Credential, Http, Limits,
    ListOpportunities, OpportunityExpand,
};
use lever_sim::DEFAULT_KEY;
use tokio::process::Command;

use crate::process;

/// What a loop over pages took.
#[derive(Debug)]
pub(crate) struct Dropped {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) opportunities: f64,
}

/// Runs the loop in a process of its own, as the service is one.
pub(crate) async fn measure(base_url: &str) -> Dropped {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["--drop-pages", base_url])
        .output()
        .await
        .expect("this program starts again");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = said
        .split_whitespace()
        .map(|word| word.parse().expect("a number"))
        .collect();
    Dropped {
        seconds: numbers[0],
        cpu_seconds: numbers[1],
        opportunities: numbers[2],
    }
}

/// The loop itself.
pub(crate) async fn run(base_url: &str) {
    let client = client(base_url);
    let list = ListOpportunities {
        limit: Some(100),
        expand: vec![OpportunityExpand::Applications, OpportunityExpand::Contact],
        confidentiality: Some(ConfidentialityFilter::All),
        ..ListOpportunities::default()
    };
    let began = Instant::now();
    let mut pages = std::pin::pin!(client.pages(&list));
    let mut opportunities = 0;
    while let Some(page) = pages.try_next().await.expect("a page") {
        opportunities += page.value.records.len();
    }
    println!(
        "{} {} {opportunities}",
        began.elapsed().as_secs_f64(),
        process::cpu_seconds(std::process::id())
    );
}

fn client(base_url: &str) -> Client {
    let budget = Budget::new(BudgetConfig {
        rate_per_second: 1000.0,
        burst: 1000,
        ..BudgetConfig::default()
    });
    Client::new(
        Http::new().expect("a pool"),
        BaseUrl::parse(base_url).expect("a URL"),
        Credential::api_key(DEFAULT_KEY.into()),
        Arc::new(budget),
        Limits::default(),
    )
}
