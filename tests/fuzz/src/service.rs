//! The service as a whole, from outside: any bytes as a message of any rpc, as a token, as a delivery of a webhook.

use std::sync::{Arc, LazyLock, Mutex};

use bytes::{Buf as _, BufMut as _};
use lever_sim::{Children, Config, Population, Sim};
use prost::Message as _;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, ReflectMessage as _, Value,
};
use server::config::{Flags, Settings};
use server::serve::{self, Running};
use tokio::runtime::Runtime;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// A stream that says nothing for so long is let go.
const SILENCE: std::time::Duration = std::time::Duration::from_millis(20);

/// The rpcs that would end what the other inputs are about.
const LEFT_OUT: &[&str] = &["CreateToken", "DeleteConnection", "RotateMasterKey"];

/// A service with one small account.
struct Service {
    runtime: Runtime,
    lever: Sim,
    /// Stops when dropped.
    _running: Running,
    _folder: tempfile::TempDir,
    channel: Channel,
    http: String,
    connection: String,
    rpcs: Vec<MethodDescriptor>,
    client: reqwest::Client,
    panics: Arc<Mutex<Vec<String>>>,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let made = runtime.block_on(start());
    made(runtime)
});

/// The Lever that the account is in.
pub(crate) fn lever() -> &'static Sim {
    &SERVICE.lever
}

async fn start() -> impl FnOnce(Runtime) -> Service {
    serve::install_crypto();
    let panics = Arc::new(Mutex::new(Vec::new()));
    remember_panics(panics.clone());
    let lever = Sim::start(Config {
        population: Population {
            opportunities: 12,
            seed: 5,
        },
        children: Children::Full,
        rate_limit: None,
        ..Config::default()
    })
    .await
    .expect("a loopback port");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let running = serve::start(&settings(folder.path())).await;
    let running = running.expect("the service starts");
    let channel = Endpoint::from_shared(format!("http://{}", running.grpc))
        .expect("an address makes a URL")
        .connect_lazy();
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("compiled descriptors");
    let rpcs = pool
        .services()
        .filter(|service| service.package_name() == "fulcrum.v1")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .filter(|rpc| !LEFT_OUT.contains(&rpc.name()))
        .collect();
    let connection = link(&channel, &lever).await;
    let http = format!("http://{}", running.http);
    move |runtime| Service {
        runtime,
        lever,
        _running: running,
        _folder: folder,
        channel,
        http,
        connection,
        rpcs,
        client: reqwest::Client::new(),
        panics,
    }
}

fn settings(folder: &std::path::Path) -> Settings {
    let mut settings = Settings::load(None, &Flags::default()).expect("the settings built in");
    settings.store.dir = folder.join("data");
    settings.store.open_min_free = 0;
    settings.store.write_min_free = 0;
    settings.store.backfill_min_free = 0;
    settings.store.reserve_size = 0;
    settings.server.listen = ([127, 0, 0, 1], 0).into();
    settings.server.http_listen = ([127, 0, 0, 1], 0).into();
    settings.lever.allow_base_url = true;
    settings.lever.requests_per_second = 1000.0;
    settings.lever.burst = 1000;
    settings.push.default_wait = std::time::Duration::from_millis(1);
    settings
}

async fn link(channel: &Channel, lever: &Sim) -> String {
    let mut client =
        proto::v1::connection_service_client::ConnectionServiceClient::new(channel.clone());
    let request = proto::v1::CreateConnectionRequest {
        connection: Some(proto::v1::Connection {
            display_name: "Acme".to_owned(),
            base_url: lever.base_url(),
            webhook_signature_tokens: vec!["a-signature-token-of-the-account".to_owned()],
            ..Default::default()
        }),
        api_key: lever_sim::DEFAULT_KEY.to_owned(),
        ..Default::default()
    };
    let linked = client.create_connection(request).await.expect("linked");
    linked.into_inner().connection.expect("a connection").id
}

/// A panic of a worker ends no process by itself, so it is remembered.
fn remember_panics(panics: Arc<Mutex<Vec<String>>>) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Ok(mut panics) = panics.lock() {
            panics.push(panic.to_string());
        }
        before(panic);
    }));
}

impl Service {
    fn assert_sound(&self) {
        let panics = self.panics.lock().map(|panics| panics.clone());
        assert_eq!(panics.unwrap_or_default(), Vec::<String>::new());
    }

    /// Sends a message to an rpc; the caller is answered, and never that the service is broken.
    fn ask(&self, rpc: &MethodDescriptor, message: Vec<u8>) {
        let path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
        let path = PathAndQuery::try_from(path).expect("a path");
        let answer = self.runtime.block_on(async {
            let mut client = Grpc::new(self.channel.clone()).max_decoding_message_size(64 << 20);
            client
                .ready()
                .await
                .map_err(|error| Status::unknown(error.to_string()))?;
            let request = Request::new(futures::stream::iter([message]));
            let mut stream = client.streaming(request, path, Raw).await?.into_inner();
            match tokio::time::timeout(SILENCE, stream.message()).await {
                Ok(first) => first.map(drop),
                Err(_silent) => Ok(()),
            }
        });
        self.assert_sound();
        if let Err(status) = answer {
            let broken = [
                Code::Internal,
                Code::Unknown,
                Code::DataLoss,
                Code::Cancelled,
            ];
            assert!(!broken.contains(&status.code()), "{}: {status}", rpc.name());
        }
    }

    fn rpc(&self, number: usize) -> &MethodDescriptor {
        &self.rpcs[number % self.rpcs.len()]
    }
}

/// The first byte chooses the rpc, the rest is the message.
pub(crate) fn request(input: &[u8]) {
    let Some((number, message)) = input.split_first() else {
        return;
    };
    let service = &*SERVICE;
    service.ask(service.rpc(usize::from(*number)), message.to_vec());
}

/// A message of each rpc with every field set, and an empty one about the account.
pub(crate) fn request_seeds() -> Vec<Vec<u8>> {
    let service = &*SERVICE;
    let mut seeds = Vec::new();
    for (number, rpc) in service.rpcs.iter().enumerate() {
        let number = u8::try_from(number).expect("fewer than 256 rpcs");
        let mut small = DynamicMessage::new(rpc.input());
        about(&mut small, &service.connection);
        let mut large = filled(&rpc.input(), 4);
        about(&mut large, &service.connection);
        for message in [small, large] {
            seeds.push([&[number][..], &message.encode_to_vec()].concat());
        }
    }
    seeds
}

fn about(message: &mut DynamicMessage, connection: &str) {
    if message
        .descriptor()
        .get_field_by_name("connection_id")
        .is_some()
    {
        message.set_field_by_name("connection_id", Value::String(connection.to_owned()));
    }
}

fn filled(of: &MessageDescriptor, depth: u8) -> DynamicMessage {
    let mut message = DynamicMessage::new(of.clone());
    for field in of.fields().filter(|field| !field.is_map()) {
        if let Some(value) = value(&field, depth) {
            let value = match field.cardinality() {
                Cardinality::Repeated => Value::List(vec![value.clone(), value]),
                _ => value,
            };
            message.set_field(&field, value);
        }
    }
    message
}

fn value(field: &FieldDescriptor, depth: u8) -> Option<Value> {
    Some(match field.kind() {
        Kind::String if field.name() == "opportunity_id" => Value::String(somebody()),
        Kind::String => Value::String(field.name().to_owned()),
        Kind::Bytes => Value::Bytes(b"bytes".to_vec().into()),
        Kind::Bool => Value::Bool(true),
        Kind::Int32 => Value::I32(3),
        Kind::Int64 => Value::I64(3),
        Kind::Uint32 => Value::U32(3),
        Kind::Uint64 => Value::U64(3),
        Kind::Double => Value::F64(0.5),
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::Message(of) if depth > 0 => Value::Message(filled(&of, depth - 1)),
        _ => return None,
    })
}

fn somebody() -> String {
    let people = SERVICE.lever.opportunities();
    people[0]["id"].as_str().unwrap_or_default().to_owned()
}

/// The first byte chooses an rpc that takes a token of a page, or one to go on with; the rest is the token.
pub(crate) fn token(input: &[u8]) {
    let Some((number, token)) = input.split_first() else {
        return;
    };
    let service = &*SERVICE;
    let token = String::from_utf8_lossy(token).into_owned();
    for name in ["page_token", "resume_token", "watch_token"] {
        let taking: Vec<&MethodDescriptor> = service
            .rpcs
            .iter()
            .filter(|rpc| rpc.input().get_field_by_name(name).is_some())
            .collect();
        let Some(rpc) = taking.get(usize::from(*number) % taking.len().max(1)) else {
            continue;
        };
        let mut message = DynamicMessage::new(rpc.input());
        about(&mut message, &service.connection);
        message.set_field_by_name(name, Value::String(token.clone()));
        service.ask(rpc, message.encode_to_vec());
    }
}

pub(crate) fn token_seeds() -> Vec<Vec<u8>> {
    (0..40)
        .map(|number: u8| {
            let sealed = vec![b'A' + number % 26; usize::from(number) * 5];
            [&[number][..], &sealed].concat()
        })
        .collect()
}

/// The body of a delivery, which nobody has signed: it is refused, whatever it says.
pub(crate) fn webhook(input: &[u8]) {
    let service = &*SERVICE;
    let url = format!("{}/webhooks/lever/{}", service.http, service.connection);
    let status = service.runtime.block_on(async {
        let sent = service.client.post(&url).body(input.to_vec()).send().await;
        sent.expect("an answer").status().as_u16()
    });
    service.assert_sound();
    assert!([401, 413].contains(&status), "answered with {status}");
}

pub(crate) fn webhook_seeds() -> Vec<Vec<u8>> {
    let events = [
        "candidateStageChange",
        "candidateHire",
        "contactUpdated",
        "interviewDeleted",
    ];
    events
        .map(|event| {
            let body = serde_json::json!({
                "id": "1", "token": "68e1d2a9", "triggeredAt": 1_790_000_000_000_u64,
                "signature": "0f".repeat(32), "event": event,
                "data": {"opportunityId": somebody(), "contactId": "c", "toStageId": "offer"},
            });
            body.to_string().into_bytes()
        })
        .into()
}

/// Messages that are not looked into.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        from.advance(from.remaining());
        Ok(Some(()))
    }
}
