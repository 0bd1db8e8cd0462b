//! Starting and stopping the whole service.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::operation::Patience;
use engine::{Clock, Engine, PullSettings, SnapshotSettings};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::auth::Authority;
use crate::calls;
use crate::config::{self, Settings};
use crate::door::{self, Door, Greeting, Speech};
use crate::grpc::{self, Api};
use crate::http::{self, Health};
use crate::tls::Tls;
use crate::wire::connection::non_empty;

/// Between two times that the recorder takes in what was measured.
const TAKE_IN_EVERY: Duration = Duration::from_secs(5);

/// Why the service did not start or stop well: one sentence with the way out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StartError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StartError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    fn because(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            message: message.into(),
            source: Some(source.into()),
        }
    }
}

impl From<store::Error> for StartError {
    fn from(error: store::Error) -> Self {
        Self::because(error.told(), error)
    }
}

impl From<config::Error> for StartError {
    fn from(error: config::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<engine::Error> for StartError {
    fn from(error: engine::Error) -> Self {
        Self::because(engine::report(&error), error)
    }
}

/// A running service.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where health and metrics are served.
    pub http: SocketAddr,
    store: Store,
    engine: Engine,
    health: Health,
    reporter: HealthReporter,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
    grace: Duration,
}

/// Opens the store, starts the workers, binds both ports.
///
/// # Errors
/// One sentence for each thing that can be wrong; nothing is left running then.
pub async fn start(settings: &Settings) -> Result<Running, StartError> {
    install_crypto();
    let store = open_store(settings).await?;
    match serve(settings, store.clone()).await {
        Ok(running) => Ok(running),
        Err(error) => {
            store.close().await?;
            Err(error)
        }
    }
}

async fn serve(settings: &Settings, store: Store) -> Result<Running, StartError> {
    let clock = Clock::system();
    let tls = Tls::open(&settings.server).map_err(|fault| StartError::new(fault.to_string()))?;
    let limits = call_limits(&settings.limits);
    let authority = Authority::new(store.clone(), clock.clone(), limits).await?;
    if !authority.required() {
        refuse_open_doors(settings)?;
    } else if tls.is_none() {
        warn_of_plain_text(settings);
    }
    let grpc_listener = bind(settings.server.listen, "--listen").await?;
    let http_listener = bind(settings.server.http_listen, "--http-listen").await?;
    let (grpc, http) = (address(&grpc_listener)?, address(&http_listener)?);
    let metrics = recorder()?;
    let engine = Engine::start(store.clone(), engine_settings(settings), clock.clone()).await?;

    let stop = CancellationToken::new();
    let health = Health::new(metrics.clone(), store.clone(), clock.now());
    let api = Api {
        engine: engine.clone(),
        default_wait: settings.push.default_wait,
        stop: stop.clone(),
        authority: authority.clone(),
    };
    let largest = usize::try_from(settings.server.max_message_size).unwrap_or(usize::MAX);
    let (reporter, health_service) = tonic_health::server::health_reporter();
    report(&reporter, ServingStatus::Serving).await;
    let rpcs = grpc::routes(api.clone(), health_service, largest)
        .map_err(|error| StartError::because("the gRPC services cannot be set up", error))?;
    let pages = http::router(health.clone(), api, browsers_by_tls(&settings.server));
    let tls = tls.map(Arc::new);
    let doors = [
        (grpc_door(settings, grpc_listener, tls.as_ref()), rpcs),
        (http_door(settings, http_listener, tls.as_ref()), pages),
    ];
    let servers = doors
        .map(|(door, router)| tokio::spawn(door.serve(router, stop.clone())))
        .into();
    let upkeep = keep_up(authority, tls, metrics);
    tokio::spawn(stop.clone().run_until_cancelled_owned(upkeep));
    health.set_ready(true);
    Ok(Running {
        grpc,
        http,
        store,
        engine,
        health,
        reporter,
        stop,
        servers,
        grace: settings.server.shutdown_grace,
    })
}

/// How long workers have at least to end, however long callers took.
const LAST_STEP: Duration = Duration::from_secs(1);

impl Running {
    /// Stops: health says so first, then no new calls, streams end, workers end at the next page or step, the store is flushed.
    ///
    /// Calls under way get the grace of the settings.
    ///
    /// # Errors
    /// If the store cannot be closed well.
    pub async fn stop(self) -> Result<(), StartError> {
        self.health.set_ready(false);
        // Told before the port closes, and then the streams of those who watch end.
        report(&self.reporter, ServingStatus::NotServing).await;
        let mut reporter = self.reporter;
        for name in health_names() {
            reporter.clear_service_status(name).await;
        }
        self.engine.wind_down();
        self.stop.cancel();
        let deadline = tokio::time::Instant::now() + self.grace;
        for mut server in self.servers {
            if tokio::time::timeout_at(deadline, &mut server)
                .await
                .is_err()
            {
                server.abort();
            }
        }
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        // Workers end at the next step, also where callers have used all of the grace.
        self.engine.stop(left.max(LAST_STEP)).await;
        self.store.close().await?;
        Ok(())
    }

    /// Waits until the service cannot go on, and says why in one sentence.
    pub async fn failed(&self) -> String {
        self.store.fatal().await
    }
}

/// Whether browsers reach the console by TLS: ours, or that of a proxy in front.
fn browsers_by_tls(server: &config::Server) -> bool {
    (server.http_tls && !server.tls_cert.as_os_str().is_empty())
        || server.public_url.starts_with("https://")
}

fn grpc_door(settings: &Settings, listener: TcpListener, tls: Option<&Arc<Tls>>) -> Door {
    let greeting = |tls: Arc<Tls>| Arc::new(move || tls.grpc()) as Greeting;
    Door {
        speech: Speech::Grpc,
        listener,
        greeting: tls.cloned().map(greeting),
        limits: door_limits(&settings.limits),
    }
}

fn http_door(settings: &Settings, listener: TcpListener, tls: Option<&Arc<Tls>>) -> Door {
    let greeting = |tls: Arc<Tls>| Arc::new(move || tls.http()) as Greeting;
    let tls = tls.filter(|_| settings.server.http_tls);
    Door {
        speech: Speech::Http,
        listener,
        greeting: tls.cloned().map(greeting),
        limits: door_limits(&settings.limits),
    }
}

/// What goes on beside the calls: letting go of what nobody reads, and following the files of TLS.
async fn keep_up(authority: Authority, tls: Option<Arc<Tls>>, metrics: PrometheusHandle) {
    let follow = async {
        match tls {
            Some(tls) => tls.follow().await,
            None => std::future::pending().await,
        }
    };
    tokio::join!(authority.calls().give_up_unread(), follow, take_in(metrics));
}

/// Has the recorder take in what was measured, again and again.
///
/// Each measured duration waits in memory for that. A scrape does it as well, but nobody need ever scrape: without this
/// a soak of 1,000 reads and changes a second grew by 49 MB an hour.
async fn take_in(metrics: PrometheusHandle) {
    let mut pace = tokio::time::interval(TAKE_IN_EVERY);
    loop {
        pace.tick().await;
        metrics.run_upkeep();
    }
}

fn call_limits(limits: &config::Limits) -> calls::Limits {
    calls::Limits {
        calls: limits.calls,
        calls_per_token: limits.calls_per_token,
        streams_per_token: limits.streams_per_token,
        connections: limits.connections,
        health_watches: limits.health_watches,
        rate_per_token: limits.rate_per_token,
        tokens: limits.tokens,
        longest_call: limits.longest_call,
        unread_size: usize::try_from(limits.unread_size).unwrap_or(usize::MAX),
        unread: limits.unread,
    }
}

fn door_limits(limits: &config::Limits) -> door::Limits {
    door::Limits {
        connections: limits.connections,
        calls_per_connection: limits.calls_per_connection,
        header_size: usize::try_from(limits.header_size).unwrap_or(usize::MAX),
        handshake: limits.handshake,
        keepalive: limits.keepalive,
        age: limits.connection_age,
        grace: limits.connection_grace,
        unread: limits.unread,
    }
}

/// Tokens that others can listen to are worth little.
fn warn_of_plain_text(settings: &Settings) {
    let address = settings.server.listen;
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "others can reach this address, and tokens travel there in plain text: set server.tls_cert and \
             server.tls_key, or put a TLS proxy or a private network in front"
        );
    }
}

/// What the health service tells of: the whole, and each service.
fn health_names() -> impl Iterator<Item = &'static str> {
    std::iter::once("").chain(grpc::services())
}

async fn report(reporter: &HealthReporter, status: ServingStatus) {
    for name in health_names() {
        reporter.set_service_status(name, status).await;
    }
}

/// Without tokens anybody who reaches the ports is an administrator: only this machine may.
fn refuse_open_doors(settings: &Settings) -> Result<(), StartError> {
    let open = [
        ("server.listen", settings.server.listen),
        ("server.http_listen", settings.server.http_listen),
    ];
    match open
        .into_iter()
        .find(|(_, address)| !address.ip().is_loopback())
    {
        Some((name, address)) => Err(StartError::new(format!(
            "{name} is {address}, which others can reach, but no token exists: make one with \
             `fulcrum token create --data {} --role admin`, or listen on 127.0.0.1",
            settings.store.dir.display()
        ))),
        None => Ok(()),
    }
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| {
        let way_out = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("another program has this port: stop it, or choose another with {flag}")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("this user may not use the port: choose one above 1023 with {flag}")
            }
            _ => format!("{error}: choose another address with {flag}"),
        };
        StartError::because(format!("cannot listen on {address}: {way_out}"), error)
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener
        .local_addr()
        .map_err(|error| StartError::because("a port was lost while it was bound", error))
}

/// Opens the store of the settings, or makes it.
pub(crate) async fn open_store(settings: &Settings) -> Result<Store, StartError> {
    open_with(settings, Store::open).await
}

/// Opens the store of the settings, for what makes no sense in a new one.
pub(crate) async fn open_existing_store(settings: &Settings) -> Result<Store, StartError> {
    open_with(settings, Store::open_existing).await
}

async fn open_with(
    settings: &Settings,
    open: fn(&Path, store::Options) -> Result<Store, store::Error>,
) -> Result<Store, StartError> {
    let dir = settings.store.dir.clone();
    let options = store_options(settings)?;
    let opened = tokio::task::spawn_blocking(move || open(&dir, options)).await;
    match opened {
        Ok(store) => Ok(store?),
        Err(error) => Err(StartError::because(
            "opening the store was cut short",
            error,
        )),
    }
}

/// How the settings ask for the store to be opened.
///
/// # Errors
/// A file of master keys that cannot be used.
pub(crate) fn store_options(settings: &Settings) -> Result<store::Options, StartError> {
    let store = &settings.store;
    Ok(store::Options {
        lock_wait: store.lock_wait,
        open_floor_bytes: store.open_min_free,
        write_floor_bytes: store.write_min_free,
        backfill_floor_bytes: store.backfill_min_free,
        reserve_bytes: store.reserve_size,
        cache_bytes: store.cache_size,
        accept_loss: store.accept_loss,
        compress: store.compress,
        retention: store::Retention {
            changes: store.changes_kept,
            logs: store.logs_kept,
        },
        now: Clock::system().now(),
        master_keys: store.master_keys()?,
    })
}

fn engine_settings(settings: &Settings) -> engine::Settings {
    engine::Settings {
        allow_base_url: settings.lever.allow_base_url,
        public_url: non_empty(&settings.server.public_url),
        oauth: oauth_client(&settings.lever),
        budget: lever::BudgetConfig {
            rate_per_second: settings.lever.requests_per_second,
            burst: settings.lever.burst,
            interactive_reserve: settings.lever.interactive_reserve,
            share_left: settings.lever.share_left,
        },
        limits: lever::Limits {
            attempt_timeout: settings.lever.attempt_timeout,
            deadline: settings.lever.deadline,
            max_attempts: settings.lever.max_attempts,
        },
        pull: PullSettings {
            enabled: settings.pull.enabled,
            account_interval: settings.pull.account_interval,
            postings_interval: settings.pull.postings_interval,
            opportunities_interval: settings.pull.opportunities_interval,
            inbound_interval: settings.pull.inbound_interval,
            deleted_interval: settings.pull.deleted_interval,
            sweep_interval: settings.pull.sweep_interval,
            children_archived_within: settings.pull.children_archived_within,
            children_recheck: settings.pull.children_recheck,
            children_recheck_per_day: settings.pull.children_recheck_per_day,
            children_parallel: settings.pull.children_parallel,
        },
        patience: Patience {
            settle: settings.push.settle,
            looks: settings.push.looks,
            give_up: settings.push.give_up,
        },
        parallel_operations: settings.push.parallel,
        snapshots: SnapshotSettings {
            interval: settings.store.snapshot_interval,
            kept: settings.store.snapshots_kept,
        },
    }
}

/// The OAuth client of the settings; they were checked to have it whole or not at all.
fn oauth_client(settings: &config::Lever) -> Option<engine::OAuthClient> {
    Some(engine::OAuthClient {
        id: non_empty(&settings.oauth_client_id)?,
        secret: settings.oauth_client_secret.get()?.clone(),
        authority: lever::BaseUrl::parse(&settings.oauth_url).ok(),
    })
}

/// The one recorder of the process; a second service in it shares the first one's.
fn recorder() -> Result<PrometheusHandle, StartError> {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| StartError::because("the metrics cannot be set up", error))?;
    engine::figures::describe();
    Ok(RECORDER.get_or_init(|| handle).clone())
}

/// Chooses ring for TLS; once for the process, harmless when repeated.
pub fn install_crypto() {
    // An error only says that it was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// How much memory this process has from the system, in bytes.
    fn memory() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.unwrap().split_whitespace().nth(1);
        kilobytes.unwrap().parse::<u64>().unwrap() << 10
    }

    /// The recorder does not tell what waits, and takes it in when it is asked for its text: memory shows it.
    ///
    /// Seen to fail without taking in: it grew by 163 MB.
    #[test]
    fn what_was_measured_is_taken_in_though_nobody_scrapes() {
        // Other tests take memory too.
        let alone = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "serve::tests::measures_alone"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&alone.stdout);
        assert!(said.contains("1 passed"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    #[ignore = "the child of the other test here"]
    async fn measures_alone() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let measured = metrics::with_local_recorder(&recorder, || {
            metrics::histogram!(engine::figures::RPC_SECONDS.name)
        });
        let _taking = tokio::spawn(take_in(recorder.handle()));
        let before = memory();
        for _ in 0..20 {
            for _ in 0..400_000 {
                measured.record(0.001);
            }
            tokio::time::sleep(TAKE_IN_EVERY).await;
        }
        // Each sample takes sixteen bytes while it waits.
        let grown = memory().saturating_sub(before);
        assert!(grown < 64 << 20, "{grown} bytes of 128 MB");
    }
}
