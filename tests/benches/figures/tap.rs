//! A Lever client that we did not write: tap-lever 1.1.0, in a virtual environment under `target/`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lever_sim::DEFAULT_KEY;
use tempfile::TempDir;
use tokio::process::Command;

const PACKAGE: &str = "tap-lever==1.1.0";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/figures/tap.py");

/// What a run of it took.
#[derive(Debug)]
pub(crate) struct Tapped {
    pub(crate) cpu_seconds: f64,
    pub(crate) records: f64,
}

impl Tapped {
    /// Records a CPU second.
    pub(crate) fn rate(&self) -> f64 {
        self.records / self.cpu_seconds
    }
}

/// Has it read the opportunities, with their applications or without; why not, when it cannot be run.
pub(crate) async fn measure(base_url: &str, with_applications: bool) -> Result<Tapped, String> {
    let python = environment().await?;
    let folder = TempDir::new().expect("a temporary folder");
    let records = folder.path().join("records");
    let streams: &[&str] = if with_applications {
        &["opportunities", "opportunity_applications"]
    } else {
        &["opportunities"]
    };
    let output = Command::new(python)
        .args([SCRIPT, base_url, DEFAULT_KEY])
        .args(streams)
        .stdout(File::create(&records).expect("a file in a temporary folder"))
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?
        // Unlike `output`, this leaves standard output where it was sent to.
        .wait_with_output()
        .await
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let cpu_seconds = said.lines().last().and_then(|line| line.parse().ok());
    match cpu_seconds.filter(|_| output.status.success()) {
        Some(cpu_seconds) => Ok(Tapped {
            cpu_seconds,
            records: count(&records),
        }),
        None => Err(format!("tap-lever failed: {said}")),
    }
}

/// The records among the messages it wrote.
fn count(messages: &Path) -> f64 {
    let lines = BufReader::new(File::open(messages).expect("it was made")).lines();
    let records = lines
        .map_while(Result::ok)
        .filter(|line| line.contains("\"type\": \"RECORD\""));
    records.count() as f64
}

/// Its interpreter; made when it is missing, which needs the network.
async fn environment() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tap-lever");
    let python = folder.join("bin/python");
    let installed = folder.join("installed");
    if !installed.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).await?;
        let install = ["-m", "pip", "install", "--quiet", PACKAGE];
        run(Command::new(&python).args(install)).await?;
        File::create(&installed).map_err(|error| error.to_string())?;
    }
    Ok(python)
}

async fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
