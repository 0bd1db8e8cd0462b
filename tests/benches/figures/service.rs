//! The service as a child process, as shipped but for what a figure is about.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use lever_sim::DEFAULT_KEY;
use proto::v1 as pb;
use proto::v1::connection_service_client::ConnectionServiceClient;
use proto::v1::inbound_service_client::InboundServiceClient;
use proto::v1::sync_service_client::SyncServiceClient;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};

/// What every figure needs: the simulator is not one of Lever's regions.
const ALWAYS: (&str, &str) = ("FULCRUM__LEVER__ALLOW_BASE_URL", "true");

/// Settings that take Lever's limit away.
pub(crate) const NO_LIMIT: [(&str, &str); 2] = [
    ("FULCRUM__LEVER__REQUESTS_PER_SECOND", "1000"),
    ("FULCRUM__LEVER__BURST", "1000"),
];

/// Settings that leave a pull to whoever asks for it, once the first one is over.
pub(crate) const ON_DEMAND: [(&str, &str); 5] = [
    ("FULCRUM__PULL__ACCOUNT_INTERVAL", "24h"),
    ("FULCRUM__PULL__POSTINGS_INTERVAL", "24h"),
    ("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", "24h"),
    ("FULCRUM__PULL__INBOUND_INTERVAL", "24h"),
    ("FULCRUM__PULL__DELETED_INTERVAL", "24h"),
];

/// A running service. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    channel: Channel,
    http: SocketAddr,
    _home: TempDir,
}

impl Service {
    /// Starts it on free ports and an empty data directory, and waits until it serves.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Service {
        let home = TempDir::new().expect("a temporary folder");
        let data = home.path().join("data");
        Self::start_in(home, &data, settings).await
    }

    /// The same with a data directory that is there and stays.
    pub(crate) async fn start_on(data: &Path, settings: &[(&str, &str)]) -> Service {
        let home = TempDir::new().expect("a temporary folder");
        Self::start_in(home, data, settings).await
    }

    async fn start_in(home: TempDir, data: &Path, settings: &[(&str, &str)]) -> Service {
        let log = home.path().join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_fulcrum-under-test"))
            .env_clear()
            .envs([ALWAYS])
            .envs(settings.iter().copied())
            .env("FULCRUM__LOG__FORMAT", "json")
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a file in a temporary folder"))
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let (grpc, http) = serving(&log).await;
        let endpoint = Endpoint::from_shared(format!("http://{grpc}"));
        Service {
            child,
            http,
            channel: endpoint.expect("an address makes a URL").connect_lazy(),
            _home: home,
        }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it is running")
    }

    /// Where the console is.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// The way to it, for a client of any of its services.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Links an account and gives the id of the connection; `streams` names what to keep, all when empty.
    pub(crate) async fn connect(&self, base_url: &str, key: &str, streams: &[&str]) -> String {
        let request = pb::CreateConnectionRequest {
            connection: Some(pb::Connection {
                display_name: "Acme".to_owned(),
                base_url: base_url.to_owned(),
                streams: streams.iter().map(|&stream| stream.to_owned()).collect(),
                ..pb::Connection::default()
            }),
            api_key: key.to_owned(),
            // Many connections of one simulator stand for as many accounts.
            allow_connected_account: true,
            ..pb::CreateConnectionRequest::default()
        };
        let mut client = ConnectionServiceClient::new(self.channel.clone());
        let answer = client.create_connection(request).await.expect("connected");
        answer.into_inner().connection.expect("a connection").id
    }

    /// Links the account with the key every simulator knows.
    pub(crate) async fn connect_all(&self, base_url: &str) -> String {
        self.connect(base_url, DEFAULT_KEY, &[]).await
    }

    /// How a mirror is doing.
    pub(crate) async fn status(&self, connection: &str) -> pb::GetSyncStatusResponse {
        let request = pb::GetSyncStatusRequest {
            connection_id: connection.to_owned(),
        };
        let mut client = SyncServiceClient::new(self.channel.clone());
        client
            .get_sync_status(request)
            .await
            .expect("a status")
            .into_inner()
    }

    /// Pulls everything now.
    pub(crate) async fn sync(&self, connection: &str) {
        let request = pb::StartSyncRequest {
            connection_id: connection.to_owned(),
            ..pb::StartSyncRequest::default()
        };
        let mut client = SyncServiceClient::new(self.channel.clone());
        client.start_sync(request).await.expect("a pull");
    }

    /// Waits until the mirror is complete, children included.
    pub(crate) async fn until_synced(&self, connection: &str) {
        while self.status(connection).await.state() != pb::SyncState::Synced {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a stream was read whole.
    pub(crate) async fn until_read(&self, connection: &str, stream: &str) {
        let read = |status: &pb::GetSyncStatusResponse| {
            let mut streams = status.streams.iter();
            streams.any(|it| it.name == stream && it.state() == pb::StreamState::Synced)
        };
        while !read(&self.status(connection).await) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The first page of inbound applicants; none while it cannot be told.
    pub(crate) async fn applicants(&self, connection: &str) -> Option<Vec<pb::Applicant>> {
        let request = pb::ListApplicantsRequest {
            connection_id: connection.to_owned(),
            ..pb::ListApplicantsRequest::default()
        };
        let mut client = InboundServiceClient::new(self.channel.clone());
        let answer = client.list_applicants(request).await.ok()?;
        Some(answer.into_inner().applicants)
    }
}

/// Records of a stream in a mirror.
pub(crate) fn records(status: &pb::GetSyncStatusResponse, stream: &str) -> u64 {
    let stream = status.streams.iter().find(|it| it.name == stream);
    stream.and_then(|stream| stream.records).unwrap_or_default()
}

/// Where gRPC and HTTP are served, by what the log says.
async fn serving(log: &PathBuf) -> (SocketAddr, SocketAddr) {
    let began = Instant::now();
    loop {
        let said = fs::read_to_string(log).unwrap_or_default();
        let lines = said
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let addresses = lines
            .into_iter()
            .find(|line| line["message"] == "serving")
            .and_then(|line| {
                let of = |side: &str| line[side].as_str()?.parse().ok();
                Some((of("grpc")?, of("http")?))
            });
        if let Some(addresses) = addresses {
            return addresses;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it does not serve:\n{said}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
