//! How many requests a mirror costs, counted by the simulator.

use std::time::Duration;

use lever_sim::Sim;
use serde_json::Value;

use crate::Size;
use crate::account::{self, CHILD_LISTS};
use crate::service::{NO_LIMIT, ON_DEMAND, Service};
use crate::table::{Figure, Table, Target};

/// The lists of the account that are small, with what shows all their records.
const LISTS: &[(&str, &[(&str, &str)])] = &[
    ("/users", &[("includeDeactivated", "true")]),
    ("/stages", &[]),
    ("/archive_reasons", &[]),
    ("/tags", &[]),
    ("/sources", &[]),
    ("/postings", &[("confidentiality", "all")]),
    ("/requisitions", &[("confidentiality", "all")]),
    ("/requisition_fields", &[]),
    ("/feedback_templates", &[]),
    ("/form_templates", &[]),
];
/// Opportunities, applications and postings that were deleted: a page each, there being none.
const DELETED_LISTS: usize = 3;
/// No request for so long means that nothing more is read.
const QUIET: Duration = Duration::from_secs(3);

pub(crate) async fn measure(size: Size, table: &mut Table) {
    let opportunities = size.or_quick(10_000, 1_000);
    let sim = account::start(account::config(opportunities, None)).await;
    let lists = account_lists(&sim).await;
    let service = Service::start(&[&NO_LIMIT[..], &ON_DEMAND[..]].concat()).await;

    let began = account::sequence(&sim);
    let connection = service.connect_all(&sim.base_url()).await;
    service.until_synced(&connection).await;
    until_quiet(&sim).await;
    let people = sim.opportunities();
    let now_ms = now_of(&sim);
    let hydrated = people.iter().filter(|it| account::hydrated(it, now_ms));
    let pages = lists.pages + DELETED_LISTS + account::pages(people.len());
    let below = hydrated.count() * CHILD_LISTS + lists.forms;
    table.row(&Figure {
        name: "requests of a full mirror",
        measured: made(&sim, began),
        floor: (pages + below) as f64,
        unit: "requests",
        target: Target::AtMost(1.02),
    });
    table.note(&format!(
        "{opportunities} opportunities: {pages} pages of lists, {below} lists below records"
    ));

    let began = account::sequence(&sim);
    let changed = change_one_in_a_hundred(&sim, &people, now_ms);
    service.sync(&connection).await;
    until_quiet(&sim).await;
    let pages = lists.pages + DELETED_LISTS + pages_of_changes(&sim, began);
    table.row(&Figure {
        name: "requests of a follow pass after 1 % changed",
        measured: made(&sim, began),
        floor: (pages + changed * CHILD_LISTS) as f64,
        unit: "requests",
        target: Target::AtMost(1.0),
    });

    let began = account::sequence(&sim);
    service.sync(&connection).await;
    until_quiet(&sim).await;
    table.row(&Figure {
        name: "requests of a follow pass without a change",
        measured: made(&sim, began),
        floor: (lists.pages + DELETED_LISTS + 1) as f64,
        unit: "requests",
        target: Target::Bound(20.0),
    });
    sim.shutdown().await;
}

/// What the small lists hold.
struct Lists {
    pages: usize,
    /// Application forms of postings that take applications.
    forms: usize,
}

async fn account_lists(sim: &Sim) -> Lists {
    let mut lists = Lists { pages: 0, forms: 0 };
    for (path, query) in LISTS {
        let list = account::read(&sim.base_url(), path, query).await;
        lists.pages += list.pages;
        if *path == "/postings" {
            let open = |posting: &&Value| {
                matches!(posting["state"].as_str(), Some("published" | "internal"))
            };
            lists.forms = list.records.iter().filter(open).count();
        }
    }
    lists
}

/// Requests since, as the simulator counted them.
fn made(sim: &Sim, since: u64) -> f64 {
    (account::sequence(sim) - since) as f64
}

/// The simulator's clock, by its last answer.
fn now_of(sim: &Sim) -> i64 {
    sim.audit().last().map_or(0, |entry| entry.at_ms)
}

/// Moves or edits every hundredth opportunity that is open; gives how many.
fn change_one_in_a_hundred(sim: &Sim, people: &[Value], now_ms: i64) -> usize {
    const ELSEWHERE: &str = "lead-responded";
    let open: Vec<&Value> = people
        .iter()
        .filter(|it| it["archived"].is_null() && account::hydrated(it, now_ms))
        .collect();
    let chosen = people.len() / 100;
    let spread = open.iter().step_by(open.len() / chosen).take(chosen);
    for (at, person) in spread.enumerate() {
        let id = person["id"].as_str().expect("an opportunity has an id");
        let done = if at % 2 == 0 || person["stage"] == ELSEWHERE {
            sim.touch(id)
        } else {
            sim.move_stage(id, ELSEWHERE)
        };
        done.expect("it is there");
    }
    chosen
}

/// Pages of the list that the follow pass has asked for, overlap included.
fn pages_of_changes(sim: &Sim, since: u64) -> usize {
    let entries = account::since(sim, since);
    let bound = entries
        .iter()
        .flat_map(|entry| &entry.query)
        .find(|(name, _)| name == "updated_at_start")
        .and_then(|(_, value)| value.parse::<i64>().ok())
        .expect("the follow pass has a lower bound");
    let people = sim.opportunities();
    let changed = people
        .iter()
        .filter(|it| it["updatedAt"].as_i64().is_some_and(|at| at >= bound));
    account::pages(changed.count())
}

async fn until_quiet(sim: &Sim) {
    loop {
        let before = account::sequence(sim);
        tokio::time::sleep(QUIET).await;
        if account::sequence(sim) == before {
            return;
        }
    }
}
