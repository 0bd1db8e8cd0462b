//! Typed clients of a running service.

use std::net::SocketAddr;

use proto::v1::candidate_service_client::CandidateServiceClient;
use proto::v1::change_service_client::ChangeServiceClient;
use proto::v1::connection_service_client::ConnectionServiceClient;
use proto::v1::field_mapping_service_client::FieldMappingServiceClient;
use proto::v1::inbound_service_client::InboundServiceClient;
use proto::v1::lever_service_client::LeverServiceClient;
use proto::v1::operation_service_client::OperationServiceClient;
use proto::v1::stage_mapping_service_client::StageMappingServiceClient;
use proto::v1::sync_service_client::SyncServiceClient;
use proto::v1::token_service_client::TokenServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

/// A page of whole documents is larger than what a client takes by default.
const LARGEST_ANSWER: usize = 64 << 20;

/// A channel to the service, with or without a token.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    channel: Channel,
    bearer: Bearer,
}

/// Adds the token to each call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}

macro_rules! clients {
    ($($method:ident: $client:ident;)*) => {
        $(pub(crate) fn $method(&self) -> $client<InterceptedService<Channel, Bearer>> {
            $client::with_interceptor(self.channel.clone(), self.bearer.clone())
                .max_decoding_message_size(LARGEST_ANSWER)
        })*
    };
}

impl Api {
    pub(crate) fn at(address: SocketAddr) -> Api {
        let endpoint =
            Endpoint::from_shared(format!("http://{address}")).expect("an address makes a URL");
        Api {
            channel: endpoint.connect_lazy(),
            bearer: Bearer::default(),
        }
    }

    /// A service that serves TLS, by the name `localhost`.
    pub(crate) fn secure(address: SocketAddr, trust: ClientTlsConfig) -> Api {
        let url = format!("https://localhost:{}", address.port());
        let endpoint = Endpoint::from_shared(url).expect("an address makes a URL");
        Api {
            channel: endpoint.tls_config(trust).expect("good PEM").connect_lazy(),
            bearer: Bearer::default(),
        }
    }

    /// The same service, called with a token.
    pub(crate) fn with_token(&self, token: &str) -> Api {
        let value = format!("Bearer {token}").parse().expect("a token is ASCII");
        Api {
            channel: self.channel.clone(),
            bearer: Bearer(Some(value)),
        }
    }

    clients! {
        candidates: CandidateServiceClient;
        changes: ChangeServiceClient;
        connections: ConnectionServiceClient;
        fields: FieldMappingServiceClient;
        inbound: InboundServiceClient;
        lever: LeverServiceClient;
        operations: OperationServiceClient;
        mapping: StageMappingServiceClient;
        sync: SyncServiceClient;
        tokens: TokenServiceClient;
    }
}
