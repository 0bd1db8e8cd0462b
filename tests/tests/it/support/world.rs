//! A simulated Lever, the service, and the connection between them.

use std::net::{Ipv4Addr, SocketAddr};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::Stream;
use lever_sim::{
    Action, Children, Config, DEFAULT_KEY, ErrorKind, FaultPlan, FaultRule, Population, Sim, When,
};
use proto::v1 as pb;

use super::api::Api;
use super::service::{Home, Service};
use super::wait::until;

/// How a world is made.
pub(crate) struct Setup {
    pub(crate) lever: Config,
    /// Variables of the service beside the usual ones.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// What to link; the base URL is filled in.
    pub(crate) connection: pb::Connection,
    pub(crate) key: String,
}

impl Setup {
    pub(crate) fn new(opportunities: usize) -> Setup {
        Setup {
            lever: Config {
                population: Population {
                    opportunities,
                    seed: 7,
                },
                rate_limit: None,
                ..Config::default()
            },
            settings: Vec::new(),
            connection: pb::Connection {
                display_name: "Acme".to_owned(),
                ..Default::default()
            },
            key: DEFAULT_KEY.to_owned(),
        }
    }

    /// Of what is read person by person only these streams are kept, so that large accounts are mirrored fast.
    pub(crate) fn keeping(mut self, children: &[Stream]) -> Setup {
        let kept = Stream::DEFAULT.iter();
        let kept = kept.filter(|stream| !stream.hydrated() || children.contains(stream));
        self.connection.streams = kept.map(|stream| stream.name().to_owned()).collect();
        self
    }

    /// An account with something of everything, all of it kept.
    pub(crate) fn full(opportunities: usize) -> Setup {
        let mut setup = Setup::new(opportunities);
        setup.lever.children = Children::Full;
        // What is archived for longer is read on demand.
        setup.with("FULCRUM__PULL__CHILDREN_ARCHIVED_WITHIN", "36500d")
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Setup {
        self.settings.push((name, value.to_owned()));
        self
    }
}

/// A simulated Lever, the service, and the connection between them.
pub(crate) struct World {
    pub(crate) lever: Sim,
    pub(crate) api: Api,
    pub(crate) home: Home,
    /// The linked account; empty until [`World::connect`].
    pub(crate) connection: String,
    service: Option<Service>,
    settings: Vec<(&'static str, String)>,
    asked: pb::Connection,
    key: String,
}

/// An id for a write that nobody has used.
pub(crate) fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

impl World {
    /// Both sides run; nothing is linked yet.
    pub(crate) async fn new(setup: Setup) -> World {
        let lever = start_lever(setup.lever).await;
        let home = Home::new();
        let service = Service::start(&home, &setup.settings).await;
        World {
            api: Api::at(service.grpc),
            home,
            connection: String::new(),
            service: Some(service),
            settings: setup.settings,
            asked: at(&lever, setup.connection),
            key: setup.key,
            lever,
        }
    }

    /// Both sides run; nothing is linked yet.
    pub(crate) async fn with_opportunities(count: usize) -> World {
        World::new(Setup::new(count)).await
    }

    /// The account is linked and wholly mirrored.
    pub(crate) async fn synced(setup: Setup) -> World {
        let mut world = World::new(setup).await;
        world.connect().await;
        world.until_synced().await;
        world
    }

    /// More settings of the service, from its next start on; they may name the Lever that runs.
    pub(crate) fn configured_like(
        mut self,
        settings: impl FnOnce(&Sim) -> Vec<(&'static str, String)>,
    ) -> World {
        self.settings.extend(settings(&self.lever));
        self
    }

    /// The key of the account.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Links the account.
    pub(crate) async fn connect(&mut self) {
        self.connected().await.expect("connected");
    }

    /// Links the account, where Lever answers the call that tries the key.
    pub(crate) async fn connected(&mut self) -> Result<(), tonic::Status> {
        let request = pb::CreateConnectionRequest {
            connection: Some(self.asked.clone()),
            api_key: self.key.clone(),
            // Who links twice means it: the other one is as good as another account.
            allow_connected_account: true,
            ..Default::default()
        };
        let answer = self.api.connections().create_connection(request).await?;
        self.connection = answer.into_inner().connection.expect("a connection").id;
        Ok(())
    }

    /// Runs a command on the stopped data directory, with the settings of the service.
    pub(crate) async fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.home.run_with(arguments, &self.settings).await
    }

    // The life of the service.

    pub(crate) fn service(&self) -> &Service {
        self.service.as_ref().expect("the service is running")
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        self.service
            .take()
            .expect("the service is running")
            .kill()
            .await;
    }

    /// SIGTERM, to the end.
    pub(crate) async fn stop(&mut self) -> std::process::ExitStatus {
        self.service
            .take()
            .expect("the service is running")
            .stop()
            .await
    }

    /// Starts the service again on the same data directory.
    pub(crate) async fn start(&mut self) {
        let started = self.try_start().await;
        started.unwrap_or_else(|said| panic!("the service did not start:\n{said}"));
    }

    /// As [`World::start`]; what the service said when it ended instead.
    pub(crate) async fn try_start(&mut self) -> Result<(), String> {
        let service = Service::try_start(&self.home, &self.settings).await?;
        self.api = Api::at(service.grpc);
        self.service = Some(service);
        Ok(())
    }

    /// Kills the service while Lever holds back the answer after this many pages.
    ///
    /// Starts the service and links the account first, where that has not been done.
    pub(crate) async fn kill_after_page(&mut self, pages: u64) {
        let wanted = self.calls("listOpportunities").len()
            + usize::try_from(pages + 1).expect("a small number");
        let hold = Action::StallAfter(Duration::from_secs(600));
        let rule = FaultRule::on("listOpportunities", hold).when(When::Nth(pages + 1));
        self.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
        if self.service.is_none() {
            self.start().await;
        }
        if self.connection.is_empty() {
            self.connect().await;
        }
        until("Lever is asked for the page", async || {
            (self.calls("listOpportunities").len() >= wanted).then_some(())
        })
        .await;
        self.kill().await;
        self.lever.set_faults(FaultPlan::default());
    }

    pub(crate) async fn restart_until_settled(&mut self) {
        self.start().await;
        self.until_synced().await;
    }

    /// Puts another account in the place of the present one.
    pub(crate) async fn replace_lever(&mut self, config: Config) {
        let listen = self.lever.address();
        let placeholder = Sim::start(Config::default())
            .await
            .expect("a loopback port");
        std::mem::replace(&mut self.lever, placeholder)
            .shutdown()
            .await;
        self.lever = Sim::start(Config { listen, ..config })
            .await
            .expect("the port of the one before");
    }
}

/// Starts a simulator on a port that nobody else is given, so that another may take its place there: the system gives
/// away those from 32,768 on.
async fn start_lever(config: Config) -> Sim {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    const PORTS: std::ops::Range<u32> = 20_000..32_000;
    if config.listen.port() != 0 {
        return Sim::start(config).await.expect("the port asked for");
    }
    loop {
        // Another process of tests begins elsewhere.
        let before = TRIED.fetch_add(1, Ordering::Relaxed);
        let tried = process::id().wrapping_mul(97).wrapping_add(before);
        let port = PORTS.start + tried % (PORTS.end - PORTS.start);
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).expect("a port")));
        let config = Config {
            listen,
            ..config.clone()
        };
        match Sim::start(config).await {
            Ok(lever) => return lever,
            Err(error) if matches!(error.kind(), ErrorKind::Listen(_)) => {}
            Err(error) => panic!("the simulator starts: {error}"),
        }
    }
}

/// The account to link: at this simulator, unless it names another server.
fn at(lever: &Sim, connection: pb::Connection) -> pb::Connection {
    let base_url = if connection.base_url.is_empty() {
        lever.base_url()
    } else {
        connection.base_url
    };
    pb::Connection {
        base_url,
        ..connection
    }
}

impl Drop for World {
    #[allow(
        clippy::print_stderr,
        reason = "what the service said belongs to the failure of the scenario"
    )]
    fn drop(&mut self) {
        let log = self.home.log();
        if std::thread::panicking() {
            eprintln!("the service said:\n{log}");
        } else {
            assert!(!log.contains("panicked at"), "the service panicked:\n{log}");
        }
    }
}
