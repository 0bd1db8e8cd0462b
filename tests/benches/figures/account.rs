//! The simulated Lever account, and what a mirror of it cannot do without.

use std::collections::BTreeMap;

use lever_sim::{AuditEntry, Children, Config, DEFAULT_KEY, Population, RateLimit, Sim};
use serde_json::Value;

/// Lever's largest page.
const PAGE: usize = 100;
/// Lists of children are kept of open opportunities and of those archived within a year, by default.
const KEPT_FOR_MS: i64 = 365 * 24 * 3_600_000;
/// Lists below an opportunity that a mirror reads one by one.
pub(crate) const CHILD_LISTS: usize = 9;

/// How an account of so many opportunities is set up.
pub(crate) fn config(opportunities: usize, rate_limit: Option<RateLimit>) -> Config {
    Config {
        population: Population {
            opportunities,
            seed: 11,
        },
        children: Children::Light,
        rate_limit,
        ..Config::default()
    }
}

/// Starts one.
pub(crate) async fn start(config: Config) -> Sim {
    Sim::start(config).await.expect("a loopback port")
}

/// A list as somebody reads it who is not Fulcrum.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) pages: usize,
    pub(crate) records: Vec<Value>,
}

/// Reads a list of the account from its first page to its last.
pub(crate) async fn read(base_url: &str, path: &str, query: &[(&str, &str)]) -> List {
    let client = reqwest::Client::new();
    let mut list = List {
        pages: 0,
        records: Vec::new(),
    };
    let mut offset: Option<String> = None;
    loop {
        let mut request = client
            .get(format!("{base_url}{path}"))
            .basic_auth(DEFAULT_KEY, Some(""))
            .query(query);
        if let Some(offset) = &offset {
            request = request.query(&[("offset", offset)]);
        }
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let mut page: Value = answer.json().await.expect("JSON");
        list.pages += 1;
        if let Value::Array(records) = page["data"].take() {
            list.records.extend(records);
        }
        match page["next"].as_str() {
            Some(next) => offset = Some(next.to_owned()),
            None => return list,
        }
    }
}

/// Pages of a list of so many records; an empty list has one too.
pub(crate) fn pages(records: usize) -> usize {
    records.div_ceil(PAGE).max(1)
}

/// Whether the lists below an opportunity are kept, and not known to be empty as those of anonymized people are.
pub(crate) fn hydrated(opportunity: &Value, now_ms: i64) -> bool {
    if opportunity["isAnonymized"] == true {
        return false;
    }
    match opportunity["archived"]["archivedAt"].as_i64() {
        None => true,
        Some(at) => at >= now_ms - KEPT_FOR_MS,
    }
}

/// How often each operation was asked for.
pub(crate) fn counted(entries: &[AuditEntry]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        let operation = entry
            .operation
            .clone()
            .unwrap_or_else(|| entry.path.clone());
        *counts.entry(operation).or_default() += 1;
    }
    counts
}

/// The entries after a sequence, oldest first.
pub(crate) fn since(sim: &Sim, sequence: u64) -> Vec<AuditEntry> {
    let mut entries = sim.audit();
    entries.retain(|entry| entry.sequence > sequence);
    entries
}

/// How many requests have come so far.
pub(crate) fn sequence(sim: &Sim) -> u64 {
    sim.audit().last().map_or(0, |entry| entry.sequence)
}
