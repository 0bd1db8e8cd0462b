//! A client of a running service: address, token, and finding the connection that is meant.

use std::path::Path;
use std::time::Duration;

use proto::v1 as pb;
use proto::v1::candidate_service_client::CandidateServiceClient;
use proto::v1::connection_service_client::ConnectionServiceClient;
use proto::v1::field_mapping_service_client::FieldMappingServiceClient;
use proto::v1::inbound_service_client::InboundServiceClient;
use proto::v1::lever_service_client::LeverServiceClient;
use proto::v1::operation_service_client::OperationServiceClient;
use proto::v1::stage_mapping_service_client::StageMappingServiceClient;
use proto::v1::store_service_client::StoreServiceClient;
use proto::v1::sync_service_client::SyncServiceClient;
use proto::v1::token_service_client::TokenServiceClient;
use secrecy::{ExposeSecret as _, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use super::{Failure, Global, tls};
use crate::{config, serve};

/// Where `fulcrum serve` listens unless told otherwise.
pub(super) const DEFAULT_SERVER: &str = "http://127.0.0.1:7460";

/// An answer larger than this is not taken; the largest page of applicants is far smaller.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A channel that carries the caller's token.
pub(crate) type Authorized = InterceptedService<Channel, Bearer>;

/// Puts the token on every call.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A client of a running service; cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    channel: Authorized,
}

impl Client {
    /// Reaches the service of the command line with its token.
    pub(super) async fn open(global: &Global) -> Result<Client, Failure> {
        let token = match &global.token_file {
            Some(path) => Some(secret_file(path, "token")?),
            None => config::secret("FULCRUM_TOKEN"),
        };
        Client::reach(&global.server, token, tls::trust(global)?).await
    }

    /// Reaches the service at a URL; `trust` is for https.
    pub(crate) async fn reach(
        server: &str,
        token: Option<SecretString>,
        trust: ClientTlsConfig,
    ) -> Result<Client, Failure> {
        let secure = server.starts_with("https://");
        if !secure && !server.starts_with("http://") {
            return Err(no_url(server));
        }
        let mut endpoint = Endpoint::from_shared(server.to_owned())
            .map_err(|_| no_url(server))?
            .connect_timeout(Duration::from_secs(5));
        if secure {
            serve::install_crypto();
            endpoint = endpoint
                .tls_config(trust)
                .map_err(|error| insecure_server(server, &error))?;
        }
        let channel = endpoint.connect().await.map_err(|error| match secure {
            true => insecure_server(server, &error),
            false => unreachable_server(server),
        })?;
        Ok(Client {
            channel: InterceptedService::new(channel, Bearer(token.map(bearer).transpose()?)),
        })
    }

    /// Links accounts.
    pub(crate) fn connections(&self) -> ConnectionServiceClient<Authorized> {
        ConnectionServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Makes and revokes tokens.
    pub(super) fn tokens(&self) -> TokenServiceClient<Authorized> {
        TokenServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Pulls.
    pub(crate) fn sync(&self) -> SyncServiceClient<Authorized> {
        SyncServiceClient::new(self.channel.clone())
    }

    /// Looks after the data directory.
    pub(crate) fn store(&self) -> StoreServiceClient<Authorized> {
        StoreServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Lists applicants.
    pub(crate) fn inbound(&self) -> InboundServiceClient<Authorized> {
        InboundServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Maps fields.
    pub(crate) fn field_mapping(&self) -> FieldMappingServiceClient<Authorized> {
        FieldMappingServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Maps stages.
    pub(crate) fn stage_mapping(&self) -> StageMappingServiceClient<Authorized> {
        StageMappingServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Writes.
    pub(crate) fn candidates(&self) -> CandidateServiceClient<Authorized> {
        CandidateServiceClient::new(self.channel.clone())
    }

    /// Reads Lever's own records, and calls any operation.
    pub(super) fn lever(&self) -> LeverServiceClient<Authorized> {
        LeverServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// What was written to Lever.
    pub(crate) fn operations(&self) -> OperationServiceClient<Authorized> {
        OperationServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Every connection the caller may see.
    pub(super) async fn all_connections(&self) -> Result<Vec<pb::Connection>, Failure> {
        let mut connections = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListConnectionsRequest {
                page_size: 1_000,
                page_token,
            };
            let page = self
                .connections()
                .list_connections(request)
                .await?
                .into_inner();
            connections.extend(page.connections);
            if page.next_page_token.is_empty() {
                return Ok(connections);
            }
            page_token = page.next_page_token;
        }
    }

    /// The connection that is meant: by id, external id or display name, or the only one there is.
    pub(super) async fn connection(&self, named: Option<&str>) -> Result<pb::Connection, Failure> {
        choose(self.all_connections().await?, named)
    }
}

/// A duration as the wire has it.
pub(crate) fn wire_duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(duration).unwrap_or_default()
}

/// Reads a secret from a file, without the line break at its end.
pub(super) fn secret_file(path: &Path, what: &str) -> Result<SecretString, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(format!(
            "cannot read the {what} from {}: {error}",
            path.display()
        ))
    })?;
    match text.trim() {
        "" => Err(Failure::new(format!(
            "there is no {what} in {}",
            path.display()
        ))),
        secret => Ok(SecretString::from(secret.to_owned())),
    }
}

fn bearer(token: SecretString) -> Result<MetadataValue<Ascii>, Failure> {
    let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.expose_secret())
        .parse()
        .map_err(|_| {
            Failure::new("the token has characters that no token has; was the right file given?")
        })?;
    value.set_sensitive(true);
    Ok(value)
}

fn no_url(server: &str) -> Failure {
    Failure::new(format!(
        "--server takes a URL such as {DEFAULT_SERVER}, not {server}"
    ))
}

/// A server that does not answer, or not as one to be trusted: TLS tells why, else the last cause does.
fn insecure_server(server: &str, error: &tonic::transport::Error) -> Failure {
    if let Some(fault) = tls::fault(error) {
        return Failure::new(format!("cannot connect to {server}: {fault}"));
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Failure::new(format!("cannot connect to {server}: {cause}")).with(
        "--ca names who has signed its certificate, --cert and --cert-key give yours if it asks for one",
    )
}

fn unreachable_server(server: &str) -> Failure {
    Failure::new(format!("no service answers at {server}")).with(
        "start one with `fulcrum serve`, or name another address with --server or FULCRUM_SERVER",
    )
}

fn choose(
    connections: Vec<pb::Connection>,
    named: Option<&str>,
) -> Result<pb::Connection, Failure> {
    let known: Vec<String> = connections
        .iter()
        .map(|c| format!("{}  {}", c.id, c.display_name))
        .collect();
    let Some(named) = named.filter(|name| !name.is_empty()) else {
        // One that is disconnected is meant only by those who name it.
        let linked = connections
            .into_iter()
            .filter(|c| c.disconnect_time.is_none())
            .collect();
        return only(
            linked,
            "there is no connection yet; link one with `fulcrum connect --name NAME`",
        )
        .map_err(|failure| failure.with_all(known));
    };
    let by_key = |c: &pb::Connection| c.id == named || c.external_id == named;
    let (exact, others): (Vec<_>, Vec<_>) = connections.into_iter().partition(by_key);
    let found = if exact.is_empty() {
        others
            .into_iter()
            .filter(|c| c.display_name.eq_ignore_ascii_case(named))
            .collect()
    } else {
        exact
    };
    only(found, &format!("there is no connection \"{named}\""))
        .map_err(|failure| failure.with_all(known))
}

fn only(mut connections: Vec<pb::Connection>, none: &str) -> Result<pb::Connection, Failure> {
    match (connections.pop(), connections.is_empty()) {
        (Some(connection), true) => Ok(connection),
        (Some(_), false) => Err(Failure::new(
            "several connections are possible; say which one by its id",
        )),
        (None, _) => Err(Failure::new(none)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(id: &str, external_id: &str, display_name: &str) -> pb::Connection {
        pb::Connection {
            id: id.to_owned(),
            external_id: external_id.to_owned(),
            display_name: display_name.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_connection_is_found_by_id_external_id_or_name() {
        let all = || {
            vec![
                connection("1", "cust-1", "Acme"),
                connection("2", "cust-2", "Bolt"),
            ]
        };
        for named in ["2", "cust-2", "bolt"] {
            assert_eq!(
                choose(all(), Some(named)).expect("known").id,
                "2",
                "{named}"
            );
        }
        assert_eq!(
            choose(vec![connection("1", "", "Acme")], None)
                .expect("the only one")
                .id,
            "1"
        );
    }

    #[test]
    fn a_connection_that_is_unclear_is_refused_with_those_there_are() {
        let two = || vec![connection("1", "", "Acme"), connection("2", "", "Acme")];
        for named in [None, Some("Acme"), Some("Nobody")] {
            let text = choose(two(), named).expect_err("unclear").text();
            assert!(
                text.contains("1  Acme") && text.contains("2  Acme"),
                "{text}"
            );
        }
        assert!(
            choose(Vec::new(), None)
                .expect_err("none")
                .text()
                .contains("fulcrum connect")
        );
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_is_named_with_the_way_to_start_it() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port");
        let failure = Client::reach(&format!("http://{free}"), None, ClientTlsConfig::new())
            .await
            .err()
            .expect("nobody listens");
        assert!(
            failure.text().contains(&free.to_string()) && failure.text().contains("fulcrum serve")
        );
    }
}
