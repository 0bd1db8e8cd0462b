//! The figures of Fulcrum, each beside a floor measured in the same run.
//!
//! `just bench` runs all of them; a name runs one, `--quick` runs them smaller. Ends with status 1 if one misses its
//! target. What each measures, and how, is told in `docs/benchmarks.md`.
//!
//! The service is a child process, the simulated Lever lives in this one: what the service costs is read from
//! `/proc`, so the simulator never counts. Linux only.

mod account;
mod answers;
mod calls;
mod console;
mod dropping;
mod echo;
mod first;
mod limiter;
mod memory;
mod past;
mod people;
mod polling;
mod process;
mod push;
mod requests;
mod service;
mod soak;
mod speed;
mod table;
mod tap;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::table::Table;

/// Measures the figures.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which; all when none is named.
    figures: Vec<Group>,
    /// Smaller accounts and shorter times.
    #[arg(long)]
    quick: bool,
    /// The longest time the figure `memory` pulls, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pull_for: u64,
    /// How many opportunities the mirror of `answers` and `console` has, 10,000 or more; 100,000 if not given.
    #[arg(long, value_name = "NUMBER")]
    people: Option<usize>,
    /// How long `soak` goes on, in minutes: 60 if not given, 3 with `--quick`.
    #[arg(long, value_name = "NUMBER")]
    minutes: Option<u64>,
    /// Answers every lookup and every candidate with what this folder holds: a floor of `answers`, a child process.
    #[arg(long, value_name = "FOLDER", hide = true)]
    echo: Option<std::path::PathBuf>,
    /// Reads the pages of opportunities at this base URL and drops them: the floor of `speed`, a child process.
    #[arg(long, value_name = "URL", hide = true)]
    drop_pages: Option<String>,
    /// What cargo passes.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Figures that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// How the rate that Lever allows is used, alone and beside a stranger.
    Limiter,
    /// Requests of a full mirror, after changes, and without any.
    Requests,
    /// Records a second and records per CPU second.
    Speed,
    /// The time until the first inbound applicants are served.
    First,
    /// What 1,000 idle connections cost.
    Polling,
    /// Resident memory while a large account is pulled.
    Memory,
    /// How fast a large mirror answers.
    Answers,
    /// How fast the pages of the console come, of a large mirror, and how large they are.
    Console,
    /// How soon a write is durable and on its way, and how long a thousand take.
    Push,
    /// Whether anything grows slowly; only when it is named.
    Soak,
}

/// How large the accounts are, and how long it is looked at them.
#[derive(Debug, Clone, Copy)]
struct Size {
    quick: bool,
    pull_for: std::time::Duration,
    people: Option<usize>,
    soak_for: std::time::Duration,
}

impl Size {
    /// One of two, for the whole run and the quick one.
    fn or_quick<T>(self, whole: T, quick: T) -> T {
        if self.quick { quick } else { whole }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nobody has installed one before");
    if let Some(base_url) = &arguments.drop_pages {
        dropping::run(base_url).await;
        return ExitCode::SUCCESS;
    }
    if let Some(folder) = &arguments.echo {
        echo::run(folder).await;
        return ExitCode::SUCCESS;
    }
    let size = Size {
        people: arguments.people,
        soak_for: std::time::Duration::from_secs(
            60 * arguments
                .minutes
                .unwrap_or(if arguments.quick { 3 } else { 60 }),
        ),
        quick: arguments.quick,
        pull_for: std::time::Duration::from_secs(arguments.pull_for),
    };
    let mut table = Table::new();
    for group in Group::value_variants() {
        let all = arguments.figures.is_empty() && *group != Group::Soak;
        if all || arguments.figures.contains(group) {
            measure(*group, size, &mut table).await;
        }
    }
    table.end()
}

async fn measure(group: Group, size: Size, table: &mut Table) {
    match group {
        Group::Limiter => limiter::measure(size, table).await,
        Group::Requests => requests::measure(size, table).await,
        Group::Speed => speed::measure(size, table).await,
        Group::First => first::measure(size, table).await,
        Group::Polling => polling::measure(size, table).await,
        Group::Memory => memory::measure(size, table).await,
        Group::Answers => answers::measure(size, table).await,
        Group::Console => console::measure(size, table).await,
        Group::Push => push::measure(size, table).await,
        Group::Soak => soak::measure(size, table).await,
    }
}
