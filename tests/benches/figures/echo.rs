//! The floor of `answers`: a bare tonic server that answers what it was given, whatever it is asked.

#![expect(
    clippy::print_stdout,
    reason = "the address goes to the parent process"
)]

use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;

use prost::Message;
use proto::v1 as pb;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Context, Poll, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

const LOOKUP: &str = "lookup";
const CANDIDATE: &str = "candidate";

/// The server as a child process, as the service is one. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Echo {
    _child: Child,
    channel: Channel,
    _answers: TempDir,
}

impl Echo {
    /// Starts one that answers `LookupCandidates` and `GetCandidate` with these.
    pub(crate) async fn start(
        lookup: &pb::LookupCandidatesResponse,
        candidate: &pb::GetCandidateResponse,
    ) -> Echo {
        let answers = TempDir::new().expect("a temporary folder");
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(answers.path().join(name), bytes);
        write(LOOKUP, lookup.encode_to_vec()).expect("written");
        write(CANDIDATE, candidate.encode_to_vec()).expect("written");
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .arg("--echo")
            .arg(answers.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("this program starts again");
        let output = child.stdout.take().expect("its output is ours");
        let address = BufReader::new(output).lines().next_line().await;
        let address = address.expect("a line").expect("the address");
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        Echo {
            _child: child,
            channel: endpoint.expect("an address makes a URL").connect_lazy(),
            _answers: answers,
        }
    }

    /// The way to it.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

/// The server itself; never ends.
pub(crate) async fn run(answers: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a loopback port");
    println!("{}", listener.local_addr().expect("an address"));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let answers = Answers {
        lookup: read(&answers.join(LOOKUP)),
        candidate: read(&answers.join(CANDIDATE)),
    };
    let served = Server::builder()
        .add_service(answers)
        .serve_with_incoming(incoming);
    served.await.expect("served");
}

fn read<M: Message + Default>(path: &Path) -> M {
    let bytes = std::fs::read(path).expect("the parent has written it");
    M::decode(bytes.as_slice()).expect("a message of the parent")
}

#[derive(Debug, Clone)]
struct Answers {
    lookup: pb::LookupCandidatesResponse,
    candidate: pb::GetCandidateResponse,
}

impl NamedService for Answers {
    const NAME: &'static str = "fulcrum.v1.CandidateService";
}

impl Service<http::Request<Body>> for Answers {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answers = self.clone();
        Box::pin(async move {
            Ok(match request.uri().path().ends_with("/GetCandidate") {
                true => answer::<pb::GetCandidateRequest, _>(answers.candidate, request).await,
                false => answer::<pb::LookupCandidatesRequest, _>(answers.lookup, request).await,
            })
        })
    }
}

/// Decodes what is asked, and encodes what there is.
async fn answer<Asked, Told>(told: Told, request: http::Request<Body>) -> http::Response<Body>
where
    Asked: Message + Default + Send + 'static,
    Told: Message + Default + Clone + Send + 'static,
{
    let mut grpc = Grpc::new(ProstCodec::<Told, Asked>::default());
    grpc.unary(
        Telling::<Asked, Told>(told, std::marker::PhantomData),
        request,
    )
    .await
}

struct Telling<Asked, Told>(Told, std::marker::PhantomData<fn(Asked)>);

impl<Asked, Told: Clone + Send + 'static> UnaryService<Asked> for Telling<Asked, Told> {
    type Response = Told;
    type Future = std::future::Ready<Result<Response<Told>, Status>>;

    fn call(&mut self, _: Request<Asked>) -> Self::Future {
        std::future::ready(Ok(Response::new(self.0.clone())))
    }
}
