//! Runs the test of each promise and prints a table: promise, test, runs, faults, result.
//!
//! `just prove` runs the quick forms, which `cargo test` runs as well; `--long` the thorough ones; names such as `P13`
//! choose. What needs root, strace or loop devices is marked, and `--outside` runs only that.
//! How each test was seen to fail, its description or docs/promises.md tells.

#![expect(clippy::print_stdout, reason = "the table is what the program is for")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use serde_json::Value;

/// One promise and what puts it to the test.
struct Promise {
    number: &'static str,
    says: &'static str,
    proof: Proof,
}

/// Where the test is.
enum Proof {
    /// In the package, tests of its target whose names contain one of the texts.
    Tests(&'static str, &'static [&'static str]),
    /// A program of its own, which needs more of the machine than a test may.
    Outside(&'static [&'static str]),
}

use Proof::{Outside, Tests};

/// The promises that are put to the test.
const PROMISES: &[Promise] = &[
    promise(
        "P1",
        "what was acknowledged survives SIGKILL",
        Tests("store", &["crash::a_killed_process", "compaction::"]),
    ),
    promise(
        "P1",
        "a mirror that is killed while it is read ends complete",
        Tests("scenarios", &["crash_pull::"]),
    ),
    promise(
        "P2",
        "what was acknowledged survives a power failure",
        Outside(&["python3", "tests/power/run.py"]),
    ),
    promise(
        "P3",
        "a damaged store is never used silently",
        Tests("store", &["damage::", "opening::", "examining::"]),
    ),
    promise(
        "P4",
        "a full disk destroys nothing",
        Outside(&[
            "bash",
            "-c",
            "cargo test --quiet --workspace --no-run && python3 tests/disk/run.py target/debug/fulcrum",
        ]),
    ),
    promise(
        "P5",
        "a backfill ends correct whatever Lever answers",
        Tests("scenarios", &["troubled_reads::p5_", "rate::"]),
    ),
    promise(
        "P6",
        "no change is missed, whatever the history",
        Tests("scenarios", &["histories::"]),
    ),
    promise(
        "P7",
        "a list that moves while it is read is read whole",
        Tests(
            "scenarios",
            &["troubled_reads::people", "troubled_reads::s09"],
        ),
    ),
    promise(
        "P8",
        "what is deleted in Lever is gone, and stays gone",
        Tests("scenarios", &["deletions::"]),
    ),
    promise(
        "P9",
        "changes are told in order and without a gap",
        Tests("scenarios", &["changes::p9_"]),
    ),
    promise(
        "P10",
        "a write to Lever happens once",
        Tests(
            "scenarios",
            &["crash_push::", "crash_write::", "lost_answers::"],
        ),
    ),
    promise(
        "P11",
        "the same request has one effect",
        Tests("scenarios", &["repeats::"]),
    ),
    promise(
        "P12",
        "forged and replayed webhooks change nothing",
        Tests(
            "scenarios",
            &[
                "webhooks::p12_",
                "webhooks::a_delivery_that",
                "webhooks::data_that",
            ],
        ),
    ),
    promise(
        "P13",
        "no account is seen through another's token",
        Tests("scenarios", &["isolation::", "access::"]),
    ),
    promise(
        "P14",
        "secrets are readable nowhere",
        Tests("scenarios", &["secrets::", "access::f01"]),
    ),
    promise(
        "P15",
        "a master key is exchanged without downtime",
        Tests("scenarios", &["master_key::"]),
    ),
    promise(
        "P16",
        "whoever calls badly costs others nothing",
        Tests("scenarios", &["hostile::", "tls::", "tokens::"]),
    ),
    promise(
        "P16",
        "hostile input breaks nothing",
        Tests(
            "fuzz",
            &[
                "document", "page", "link", "mapping", "stored", "request", "token", "webhook",
            ],
        ),
    ),
    promise(
        "P17",
        "what nobody reads is not kept in memory",
        Tests(
            "scenarios",
            &[
                "hostile::answers_that",
                "hostile::streams_that",
                "hostile::one_token",
            ],
        ),
    ),
    promise(
        "P18",
        "a stop is clean at any moment",
        Tests("scenarios", &["stopping::"]),
    ),
    promise(
        "P21",
        "nothing grows with what is over",
        Tests("scenarios", &["growth::"]),
    ),
    promise(
        "P22",
        "clocks that differ do no harm",
        Tests("scenarios", &["p22_"]),
    ),
    promise(
        "P22",
        "a clock that jumps does no harm",
        Outside(&["bash", "tests/clock/run.sh"]),
    ),
];

const fn promise(number: &'static str, says: &'static str, proof: Proof) -> Promise {
    Promise {
        number,
        says,
        proof,
    }
}

/// The tests of a package, built.
struct Built {
    executable: String,
    folder: PathBuf,
}

/// Builds all tests as `cargo test --workspace` does, and finds those of a package among them; asked for one package,
/// cargo would choose other features and build everything it needs again.
fn built(package: &str) -> Result<Built, String> {
    let output = Command::new("cargo")
        .args(["test", "--quiet", "--workspace", "--test", "it", "--no-run"])
        .arg("--message-format=json")
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err("the tests cannot be built".to_owned());
    }
    let artifacts = String::from_utf8_lossy(&output.stdout);
    let found = artifacts.lines().find_map(|line| {
        let artifact: Value = serde_json::from_str(line).ok()?;
        let executable = artifact["executable"].as_str()?.to_owned();
        let manifest = Path::new(artifact["manifest_path"].as_str()?);
        let (_, id) = artifact["package_id"].as_str()?.rsplit_once('/')?;
        let is_it = artifact["target"]["name"] == "it";
        // Such as `store#0.1.0`, or `tests#scenarios@0.1.0` where the folder has another name.
        let (folder, rest) = id.split_once('#')?;
        let name = rest.split_once('@').map_or(folder, |(name, _)| name);
        (is_it && name == package).then(|| Built {
            executable,
            folder: manifest.parent().unwrap_or(manifest).to_owned(),
        })
    });
    found.ok_or_else(|| format!("the package {package} has no tests called `it`"))
}

/// The tests, if each of the texts is in the name of one: what was renamed or left out proves nothing.
fn named(test: Built, filters: &[&str]) -> Result<Built, String> {
    let output = Command::new(&test.executable)
        .args(["--list", "--format=terse"])
        .current_dir(&test.folder)
        .output()
        .map_err(|error| format!("the tests cannot be listed: {error}"))?;
    let names = String::from_utf8_lossy(&output.stdout);
    match filters.iter().find(|filter| !names.contains(**filter)) {
        Some(nowhere) => Err(format!("no test is called {nowhere}")),
        None => Ok(test),
    }
}

/// What a run came to.
#[derive(Default)]
struct Outcome {
    passed: bool,
    tests: u64,
    /// What the tests told of their runs.
    told: Vec<String>,
    seconds: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let long = arguments.iter().any(|argument| argument == "--long");
    let outside = arguments.iter().any(|argument| argument == "--outside");
    let names: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let chosen = PROMISES.iter().filter(|promise| {
        (names.is_empty() || names.iter().any(|name| *name == promise.number))
            && (!outside || matches!(promise.proof, Outside(_)))
    });
    let mut failed = 0;
    for promise in chosen {
        let outcome = run(promise, long);
        println!("{}", row(promise, &outcome));
        failed += u32::from(!outcome.passed);
    }
    println!("{failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(promise: &Promise, long: bool) -> Outcome {
    let began = Instant::now();
    let mut command = match promise.proof {
        Tests(package, filters) => match built(package).and_then(|test| named(test, filters)) {
            Ok(test) => {
                let mut command = Command::new(test.executable);
                command.current_dir(test.folder).arg("--nocapture");
                command.args(filters);
                command
            }
            Err(why) => {
                println!("{why}");
                return Outcome::default();
            }
        },
        Outside(program) => {
            let mut command = Command::new(program[0]);
            command.args(&program[1..]);
            command
        }
    };
    if long {
        command.env("FULCRUM_PROVE", "long");
    }
    let output = command.stderr(Stdio::piped()).output();
    let (success, said) = match output {
        Ok(output) => (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ),
        Err(error) => (false, format!("cannot be run: {error}")),
    };
    let told: Vec<String> = said
        .lines()
        .filter_map(|line| line.split_once("proved ").map(|(_, told)| told.to_owned()))
        .filter_map(|told| {
            let (number, runs) = told.split_once(": ")?;
            (number == promise.number).then(|| runs.to_owned())
        })
        .collect();
    let tests = passed(&said);
    Outcome {
        passed: success && (tests > 0 || !told.is_empty()),
        tests,
        told,
        seconds: began.elapsed().as_secs(),
    }
}

/// How many tests have passed, by the lines of cargo.
fn passed(said: &str) -> u64 {
    said.lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

fn row(promise: &Promise, outcome: &Outcome) -> String {
    let place = match promise.proof {
        Tests(package, filters) => format!("{package}: {}", filters.join(" ")),
        Outside(program) => program.join(" "),
    };
    let result = if outcome.passed { "pass" } else { "FAIL" };
    let told = if outcome.told.is_empty() {
        format!("{} tests", outcome.tests)
    } else {
        format!("{} tests; {}", outcome.tests, outcome.told.join("; "))
    };
    format!(
        "{:<4} {result}  {}\n           {place}\n           {told}; {} s",
        promise.number, promise.says, outcome.seconds
    )
}
