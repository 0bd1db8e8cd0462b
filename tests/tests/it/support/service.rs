//! The service as a child process.

use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::wait::{until, until_within};

/// Settings under which a scenario takes seconds: Lever's rate is not what it is about.
const QUICK: &[(&str, &str)] = &[
    ("FULCRUM__LEVER__ALLOW_BASE_URL", "true"),
    ("FULCRUM__LEVER__REQUESTS_PER_SECOND", "1000"),
    ("FULCRUM__LEVER__BURST", "1000"),
    ("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "5s"),
    ("FULCRUM__STORE__OPEN_MIN_FREE", "0B"),
    ("FULCRUM__STORE__WRITE_MIN_FREE", "0B"),
    ("FULCRUM__STORE__BACKFILL_MIN_FREE", "0B"),
    ("FULCRUM__STORE__RESERVE_SIZE", "0B"),
    ("FULCRUM__STORE__CACHE_SIZE", "32MB"),
    ("FULCRUM__PUSH__SETTLE", "200ms"),
    ("FULCRUM__LOG__FORMAT", "json"),
];

/// The program with none of the environment of whoever runs the tests.
pub(crate) fn program() -> Command {
    bare(Path::new(env!("CARGO_BIN_EXE_fulcrum-under-test")))
}

/// The same from a copy of it, and as another user.
pub(crate) fn as_user(copy: &Path, user: u32) -> Command {
    let mut command = bare(copy);
    command.uid(user).gid(user);
    command
}

fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(QUICK.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A folder for one scenario: the data directory and what the service said on standard error.
#[derive(Debug)]
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Home {
        Home(TempDir::new().expect("a temporary folder"))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// A path for something else.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// All that every process of this home has said so far.
    pub(crate) fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.path("stderr")
    }

    fn log_file(&self) -> File {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path());
        file.expect("a file in a temporary folder")
    }

    /// Runs a command on the data directory to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.run_with(arguments, &[]).await
    }

    /// The same with settings, which the service of this directory has too.
    pub(crate) async fn run_with(
        &self,
        arguments: &[&str],
        settings: &[(&str, String)],
    ) -> std::process::Output {
        let output = program()
            .args(arguments)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .arg("--data")
            .arg(self.data())
            .output()
            .await;
        output.expect("the program runs")
    }

    /// Makes a token in the stopped data directory.
    pub(crate) async fn token(&self, arguments: &[&str]) -> String {
        let output = self.run(&[&["token", "create"], arguments].concat()).await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .expect("UTF-8")
            .trim()
            .to_owned()
    }
}

/// A running service. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
}

impl Service {
    /// Starts it on free ports and waits until it serves.
    pub(crate) async fn start(home: &Home, settings: &[(&str, String)]) -> Service {
        let started = Service::try_start(home, settings).await;
        started.unwrap_or_else(|said| panic!("the service did not start:\n{said}"))
    }

    /// As [`Service::start`]; what the service said when it ended instead.
    pub(crate) async fn try_start(
        home: &Home,
        settings: &[(&str, String)],
    ) -> Result<Service, String> {
        let said_before = home.log().len();
        let mut child = program()
            .arg("serve")
            .arg("--data")
            .arg(home.data())
            .args(["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(home.log_file())
            .spawn()
            .expect("the program starts");
        let found = until("the service says where it serves", async || {
            let ended = child.try_wait().expect("a child of ours").is_some();
            let log = home.log();
            let said = log.get(said_before..).unwrap_or_default();
            match addresses(said) {
                Some(addresses) => Some(Ok(addresses)),
                None => ended.then(|| Err(said.to_owned())),
            }
        })
        .await;
        let (grpc, http) = found?;
        Ok(Service { child, grpc, http })
    }

    /// Ends it as a power cut would end the process: SIGKILL, nothing is flushed.
    pub(crate) async fn kill(mut self) {
        self.child.start_kill().expect("it was running");
        self.child.wait().await.expect("a child of ours");
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.ask_to_stop().await;
        self.ended().await
    }

    /// The memory it has from the system, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let id = self.child.id().expect("it is running");
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        kilobytes
            .and_then(|text| text.parse::<u64>().ok())
            .expect("a number")
            << 10
    }

    /// How many files it has open, sockets included.
    pub(crate) fn files(&self) -> usize {
        let id = self.child.id().expect("it is running");
        let open = fs::read_dir(format!("/proc/{id}/fd")).expect("Linux");
        open.count()
    }

    /// Sends SIGTERM.
    pub(crate) async fn ask_to_stop(&self) {
        let id = self.child.id().expect("it is running");
        let sent = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {id}"))
            .status()
            .await;
        assert!(sent.expect("a shell").success());
    }

    /// Waits for its end, at most ten seconds (P18).
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        until_within(Duration::from_secs(10), "the service ends", async || {
            self.child.try_wait().expect("a child of ours")
        })
        .await
    }
}

/// Where a log says that it serves, for machines or for people.
fn addresses(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    in_json(log).or_else(|| in_text(log))
}

fn in_text(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line = log.lines().find(|line| line.contains(": serving grpc="))?;
    let address = |name: &str| {
        let (_, rest) = line.split_once(name)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    Some((address("grpc=")?, address("http=")?))
}

fn in_json(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let serving = lines
        .into_iter()
        .find(|line| line["message"] == "serving")?;
    let address = |name: &str| serving[name].as_str().and_then(|text| text.parse().ok());
    Some((address("grpc")?, address("http")?))
}
