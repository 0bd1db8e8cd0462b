//! Settings: what they are, where they come from, and whether they make sense.
//!
//! `config/fulcrum.toml` is built in, documents every setting and holds every default.
//! Over it go the file of `--config`, variables named `FULCRUM__SECTION__KEY`, and flags; later layers win.
//! An unknown key or a value of the wrong type is an error that names its layer.
//!
//! This is the only module that reads the environment.

mod check;
mod environment;
mod error;
mod layer;
mod master_keys;
mod secret;
mod units;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use serde::{Deserialize, Serialize};

pub use environment::secret;
pub use error::Error;
pub use secret::Secret;
pub use units::{parse_duration, parse_size};

use layer::{Known, Layer};

/// Everything the operator can set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where and how Fulcrum is served.
    pub server: Server,
    /// What callers may cost.
    pub limits: Limits,
    /// The data directory.
    pub store: Store,
    /// How Lever is called.
    pub lever: Lever,
    /// When Lever is read.
    pub pull: Pull,
    /// How Lever is written to.
    pub push: Push,
    /// What is logged.
    pub log: Log,
}

/// Where and how Fulcrum is served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where gRPC is served; port 0 takes a free one.
    #[serde(with = "units::address")]
    pub listen: SocketAddr,
    /// Where health and metrics are served; port 0 takes a free one.
    #[serde(with = "units::address")]
    pub http_listen: SocketAddr,
    /// Where the HTTP side is reached from outside, https or loopback; empty when it is not.
    pub public_url: String,
    /// The largest gRPC message taken, in bytes; 64,000 to 1,000,000,000.
    #[serde(with = "units::size")]
    pub max_message_size: u64,
    /// How long a stop waits for calls under way.
    #[serde(with = "units::duration")]
    pub shutdown_grace: Duration,
    /// The certificate chain in PEM; empty for no TLS.
    pub tls_cert: PathBuf,
    /// Its private key in PEM.
    pub tls_key: PathBuf,
    /// Who signs the certificates of callers, in PEM; empty to ask for none.
    pub tls_client_ca: PathBuf,
    /// Whether the HTTP side has TLS too.
    pub http_tls: bool,
}

/// What callers may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Connections open at once on each port; 16 to 100,000.
    pub connections: usize,
    /// Calls under way at once on one connection; 1 to 100,000.
    pub calls_per_connection: u32,
    /// Calls under way at once; 16 to 1,000,000.
    pub calls: usize,
    /// Calls with one answer that one token may have under way; 1 to 1,000,000.
    pub calls_per_token: usize,
    /// Streams that one token may have under way; 1 to 1,000,000.
    pub streams_per_token: usize,
    /// Questions for health that one connection may have answered for as long as it lasts; 1 to 1,000.
    pub health_watches: usize,
    /// Calls a second that one token may begin; 1 to 1,000,000.
    pub rate_per_token: u32,
    /// Tokens that may name one connection and be good at once, and as many for all connections; 1 to 100,000.
    pub tokens: usize,
    /// How long a call with one answer may take; at least 1 s.
    #[serde(with = "units::duration")]
    pub longest_call: Duration,
    /// The largest head of a request, in bytes; 4,000 to 1,000,000.
    #[serde(with = "units::size")]
    pub header_size: u64,
    /// How long a connection may take to greet; at least 100 ms.
    #[serde(with = "units::duration")]
    pub handshake: Duration,
    /// So often a silent connection is asked whether somebody is there; at least 1 s.
    #[serde(with = "units::duration")]
    pub keepalive: Duration,
    /// How old a connection grows; at least 1 s.
    #[serde(with = "units::duration")]
    pub connection_age: Duration,
    /// How long calls on an old connection may go on.
    #[serde(with = "units::duration")]
    pub connection_grace: Duration,
    /// How many bytes of answers may wait for the readers of one token; 1 MB to 1 TB.
    #[serde(with = "units::size")]
    pub unread_size: u64,
    /// How long an answer may go unread; at least 100 ms.
    #[serde(with = "units::duration")]
    pub unread: Duration,
}

/// The data directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The directory; relative to the working directory.
    pub dir: PathBuf,
    /// Memory for the page cache, in bytes; 1 MB to 1 TB.
    #[serde(with = "units::size")]
    pub cache_size: u64,
    /// Free bytes without which the service does not start.
    #[serde(with = "units::size")]
    pub open_min_free: u64,
    /// Free bytes below which the first walk of an account waits.
    #[serde(with = "units::size")]
    pub backfill_min_free: u64,
    /// Free bytes below which nothing is written.
    #[serde(with = "units::size")]
    pub write_min_free: u64,
    /// Bytes set aside for the day the disk is full.
    #[serde(with = "units::size")]
    pub reserve_size: u64,
    /// How long a start waits for another process to let go of the directory.
    #[serde(with = "units::duration")]
    pub lock_wait: Duration,
    /// Whether a directory is opened of which acknowledged commits are missing, or may be.
    pub accept_loss: bool,
    /// Whether Lever's documents are compressed.
    pub compress: bool,
    /// How long numbered changes are kept; 1 minute to 7 days.
    #[serde(with = "units::duration")]
    pub changes_kept: Duration,
    /// How long runs and the log of calls are kept; 1 minute to 90 days.
    #[serde(with = "units::duration")]
    pub logs_kept: Duration,
    /// Between two snapshots of what Lever cannot give back; zero for none.
    #[serde(with = "units::duration")]
    pub snapshot_interval: Duration,
    /// How many snapshots are kept; 1 to 1,000.
    pub snapshots_kept: usize,
    /// Master keys from outside the data directory; see [`Store::master_keys`].
    pub master_key: Secret,
    /// A file with such keys; empty for none.
    pub master_key_file: PathBuf,
}

/// How Lever is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lever {
    /// Whether a connection may name a base URL instead of a region.
    pub allow_base_url: bool,
    /// What Lever allows each key; above 0 and at most 1,000.
    pub requests_per_second: f64,
    /// Requests that may go out at once; 1 to 1,000.
    pub burst: u32,
    /// How many of those are kept for people who are waiting; less than `burst`.
    pub interactive_reserve: u32,
    /// Share of the rate left to other integrations; 0 to 0.9.
    pub share_left: f64,
    /// How long one try of a call may take.
    #[serde(with = "units::duration")]
    pub attempt_timeout: Duration,
    /// How long a call may take with all its tries.
    #[serde(with = "units::duration")]
    pub deadline: Duration,
    /// How often a call is tried; 1 to 20.
    pub max_attempts: u32,
    /// The id of the OAuth client registered with Lever; empty for none.
    pub oauth_client_id: String,
    /// Its secret.
    pub oauth_client_secret: Secret,
    /// The base of where its tokens are had, `/oauth/token` is appended; empty for Lever's own place.
    pub oauth_url: String,
}

/// When Lever is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// Whether anything is read on a schedule.
    pub enabled: bool,
    /// Between two reads of users, stages, archive reasons, tags and sources.
    #[serde(with = "units::duration")]
    pub account_interval: Duration,
    /// Between two reads of the postings.
    #[serde(with = "units::duration")]
    pub postings_interval: Duration,
    /// Between two looks at what changed among the opportunities.
    #[serde(with = "units::duration")]
    pub opportunities_interval: Duration,
    /// How old what is known of the inbound stages may grow until they are read on their own.
    #[serde(with = "units::duration")]
    pub inbound_interval: Duration,
    /// Between two looks at what was deleted.
    #[serde(with = "units::duration")]
    pub deleted_interval: Duration,
    /// Between two complete walks.
    #[serde(with = "units::duration")]
    pub sweep_interval: Duration,
    /// Notes, interviews and the like are kept of opportunities archived within this time, and of open ones.
    #[serde(with = "units::duration")]
    pub children_archived_within: Duration,
    /// How long such a list may go without being looked at.
    #[serde(with = "units::duration")]
    pub children_recheck: Duration,
    /// How many lists a day are looked at again for that reason.
    pub children_recheck_per_day: u64,
    /// Records below which lists are read at once; 1 to 64.
    pub children_parallel: usize,
}

/// How Lever is written to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// How long after a lost answer Lever is read back.
    #[serde(with = "units::duration")]
    pub settle: Duration,
    /// How often it is read back without finding the write before that is sent again; 2 to 10, and 0 or 1 only where
    /// `lever.allow_base_url` is on.
    pub looks: u32,
    /// When a write that Lever keeps putting off is given up.
    #[serde(with = "units::duration")]
    pub give_up: Duration,
    /// Writes of one connection under way at once; 1 to 256.
    pub parallel: usize,
    /// How long a write waits for its result when the caller does not say; at most 60 s.
    #[serde(with = "units::duration")]
    pub default_wait: Duration,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Directives of `tracing_subscriber::EnvFilter`.
    pub level: String,
    /// For whom the lines are.
    pub format: LogFormat,
}

/// For whom log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// People.
    Text,
    /// Machines: one JSON object a line.
    Json,
}

/// The settings that have a flag.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--data`: `store.dir`.
    pub data: Option<PathBuf>,
    /// `--listen`: `server.listen`.
    pub listen: Option<SocketAddr>,
    /// `--http-listen`: `server.http_listen`.
    pub http_listen: Option<SocketAddr>,
}

impl Settings {
    /// Reads all layers and checks the result.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value of the wrong type or out of bounds; each names its layer.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Settings, Error> {
        let mut layers = Vec::new();
        if let Some(path) = file {
            layers.push(Layer::file(path)?);
        }
        layers.push(Layer::variables(environment::settings()?));
        layers.push(Layer::flags(flags));
        Settings::from_layers(layers)
    }

    fn from_layers(layers: Vec<Layer>) -> Result<Settings, Error> {
        let shipped = Layer::shipped();
        let known = Known::of(&shipped);
        let mut figment = Figment::from(shipped);
        for layer in layers {
            let layer = layer.typed_like(&known);
            known.check(&layer)?;
            figment = figment.merge(layer);
        }
        let settings: Settings = figment.extract().map_err(Error::mistyped)?;
        check::check(&settings).map_err(|fault| Error::out_of_bounds(&figment, &fault))?;
        Ok(settings)
    }
}

impl Default for Settings {
    /// The shipped defaults, untouched by file, environment and flags.
    fn default() -> Settings {
        Settings::from_layers(Vec::new()).expect("a test reads the embedded file")
    }
}

#[cfg(test)]
mod tests;
