//! The doors: taking in connections, greeting them, serving HTTP on them, and seeing them off.
//!
//! gRPC's own server takes in any number of connections, waits for a greeting for ever, and lets an old connection go
//! only by cutting it; so the loop is here, around the same HTTP library.

mod spare;
mod wire;

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::{Router, middleware};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use spare::{Spare, spare_again};
pub(crate) use wire::Wire;
use wire::{Counted, OnWire};

/// What connections may cost.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Connections open at once.
    pub(crate) connections: usize,
    /// Calls under way at once on one of them.
    pub(crate) calls_per_connection: u32,
    /// The largest head of a request, in bytes.
    pub(crate) header_size: usize,
    /// How long a greeting may take, and the head of a request of HTTP/1.
    pub(crate) handshake: Duration,
    /// So often a silent connection is asked whether somebody is there.
    pub(crate) keepalive: Duration,
    /// How old a connection grows.
    pub(crate) age: Duration,
    /// How long calls under way on an old one may go on.
    pub(crate) grace: Duration,
    /// How long an answer of HTTP/1 may go unread; those of gRPC are looked after where they are given.
    pub(crate) unread: Duration,
}

/// What is spoken behind a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// HTTP/2, for gRPC.
    Grpc,
    /// HTTP/1.
    Http,
}

impl Speech {
    fn name(self) -> &'static str {
        match self {
            Speech::Grpc => "grpc",
            Speech::Http => "http",
        }
    }
}

/// Gives the greeting of TLS as it is now.
pub(crate) type Greeting = Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>;

/// How long the answer to the question whether somebody is there may take.
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(20);
/// Streams that a client may begin and take back before they are looked at; it is cut off at more (rapid reset).
const RESETS_PENDING: usize = 20;
/// Streams of a client that we had to take back for its errors; it is cut off at more.
const RESETS_OF_OURS: usize = 1024;
/// What waits for a slow reader in each stream, beside what its window holds.
const SEND_BUFFER: usize = 128 << 10;
/// The first bytes of every HTTP/2 connection are always the same 24.
const PREFACE: u64 = 24;
/// So often it is told that callers are turned away for a certificate.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How long a caller whom TLS turns away is listened to, so that what it was told arrives.
const LAST_WORD: Duration = Duration::from_secs(1);
/// The most that is read of it meanwhile, in bytes.
const LAST_BYTES: u64 = 64 * 1024;
/// How long a connection waits for the place of one that has to make room.
const ROOM_IS_MADE: Duration = Duration::from_secs(1);
/// After the system has refused us a connection, such as for want of open files.
const BREATH: Duration = Duration::from_millis(50);

/// A door that is open.
pub(crate) struct Door {
    pub(crate) speech: Speech,
    pub(crate) listener: TcpListener,
    pub(crate) greeting: Option<Greeting>,
    pub(crate) limits: Limits,
}

/// What every connection through a door needs.
struct Inside {
    speech: Speech,
    greeting: Option<Greeting>,
    limits: Limits,
    http: Builder<TokioExecutor>,
    router: Router,
    room: Arc<Semaphore>,
    spare: Spare,
    stop: CancellationToken,
    /// When a greeting that failed was last told of.
    told: Mutex<Option<Instant>>,
}

impl Door {
    /// Serves until `stop`, and then until the connections are done; dropped, it cuts them.
    pub(crate) async fn serve(self, router: Router, stop: CancellationToken) {
        let spare = Spare::new(self.limits.connections);
        let router = match self.speech {
            Speech::Grpc => router,
            Speech::Http => {
                router.layer(middleware::from_fn_with_state(spare.clone(), spare_again))
            }
        };
        let inside = Arc::new(Inside {
            speech: self.speech,
            http: http(self.speech, &self.limits),
            greeting: self.greeting,
            room: Arc::new(Semaphore::new(self.limits.connections)),
            spare,
            limits: self.limits,
            router,
            stop,
            told: Mutex::default(),
        });
        let mut connections = JoinSet::new();
        let mut failing = false;
        loop {
            let accepted = tokio::select! {
                () = inside.stop.cancelled() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((tcp, _)) => inside.take_in(tcp, &mut connections),
                Err(error) if of_the_peer(&error) => {}
                Err(error) => {
                    if !failing {
                        tracing::error!(%error, door = self.speech.name(), "no connection can be taken in");
                    }
                    sleep(BREATH).await;
                    failing = true;
                    continue;
                }
            }
            failing = false;
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// Whether a connection was gone before it was taken in.
fn of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// What to do about a greeting that failed for a certificate, of the caller or of ours; none for any other, which is
/// what strangers who do not speak TLS come to.
fn of_certificates(error: &io::Error) -> Option<&'static str> {
    use rustls::AlertDescription as Alert;
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::NoCertificatesPresented => Some(
            "it gave no certificate: give callers one that an authority of server.tls_client_ca has signed, or leave \
             that setting empty to ask for none",
        ),
        rustls::Error::InvalidCertificate(_) => Some(
            "its certificate was not accepted: it must have been signed by an authority of server.tls_client_ca, for \
             clients, and not have expired",
        ),
        rustls::Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::UnsupportedCertificate,
        ) => Some(
            "it does not trust server.tls_cert: have the caller trust the authority that has signed it, and ask for a \
             name that is in it; renew it if it has expired",
        ),
        _ => None,
    }
}

fn http(speech: Speech, limits: &Limits) -> Builder<TokioExecutor> {
    let builder = Builder::new(TokioExecutor::new());
    match speech {
        Speech::Grpc => {
            let mut builder = builder.http2_only();
            builder
                .http2()
                .timer(TokioTimer::new())
                .initial_stream_window_size(1 << 20)
                .initial_connection_window_size(4 << 20)
                .max_concurrent_streams(limits.calls_per_connection)
                .max_header_list_size(u32::try_from(limits.header_size).unwrap_or(u32::MAX))
                .max_pending_accept_reset_streams(RESETS_PENDING)
                .max_local_error_reset_streams(RESETS_OF_OURS)
                .max_send_buf_size(SEND_BUFFER)
                .keep_alive_interval(limits.keepalive)
                .keep_alive_timeout(KEEPALIVE_ANSWER);
            builder
        }
        Speech::Http => {
            let mut builder = builder.http1_only();
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.handshake)
                // The library takes no less.
                .max_buf_size(limits.header_size.max(8192));
            builder
        }
    }
}

impl Inside {
    /// Serves a connection in a task of its own, if there is room for it, or the oldest that is of use to nobody has to make
    /// some: whoever fills the door with silent connections keeps nobody out who has something to say.
    fn take_in(self: &Arc<Self>, tcp: TcpStream, connections: &mut JoinSet<()>) {
        let seat = self.room.clone().try_acquire_owned().ok();
        if seat.is_none() && !self.spare.make_room() {
            self.count("full");
            return;
        }
        let inside = self.clone();
        let wire = Wire::default();
        self.spare.add(wire.clone());
        connections.spawn(async move {
            let made = async {
                let seat = inside.room.clone().acquire_owned();
                timeout(ROOM_IS_MADE, seat).await.ok()?.ok()
            };
            let seat = match seat {
                Some(seat) => Some(seat),
                None => made.await,
            };
            let reason = match seat {
                Some(_seat) => inside.seated(tcp, &wire).await,
                None => "full",
            };
            wire.end();
            inside.count(reason);
        });
    }

    /// Serves a connection that has its place; why it ended.
    async fn seated(&self, tcp: TcpStream, wire: &Wire) -> &'static str {
        let door = self.speech.name();
        metrics::gauge!(engine::figures::CONNECTIONS.name, "door" => door).increment(1.0);
        let reason = tokio::select! {
            reason = self.greet(tcp, wire) => reason,
            () = wire.yields() => "unproven",
            () = self.stops_unasked(wire) => "done",
        };
        metrics::gauge!(engine::figures::CONNECTIONS.name, "door" => door).decrement(1.0);
        reason
    }

    /// Waits for a stop that finds nothing asked over the connection yet.
    async fn stops_unasked(&self, wire: &Wire) {
        self.stop.cancelled().await;
        if wire.arrived() > 0 {
            std::future::pending::<()>().await;
        }
    }

    fn count(&self, reason: &'static str) {
        let door = self.speech.name();
        metrics::counter!(engine::figures::CONNECTIONS_ENDED.name, "door" => door, "reason" => reason)
            .increment(1);
    }

    /// Greets a connection and serves it to its end; why it ended.
    async fn greet(&self, tcp: TcpStream, wire: &Wire) -> &'static str {
        // Without it answers wait for more to send; a socket that cannot be told is about to fail anyway.
        let _ = tcp.set_nodelay(true);
        let Some(greeting) = &self.greeting else {
            return self.serve(Either::Left(tcp), wire).await;
        };
        let acceptor = TlsAcceptor::from(greeting());
        let accepted = acceptor.accept(tcp).into_fallible();
        match timeout(self.limits.handshake, accepted).await {
            Ok(Ok(tls)) => self.serve(Either::Right(Box::new(tls)), wire).await,
            Ok(Err((error, tcp))) => {
                self.tell(&error);
                let _ = timeout(LAST_WORD, heard_out(tcp)).await;
                "handshake"
            }
            Err(_) => "slow",
        }
    }

    /// Logs a greeting that failed: what a certificate is wrong with as a warning, now and then.
    fn tell(&self, error: &io::Error) {
        let door = self.speech.name();
        match of_certificates(error) {
            Some(remedy) if self.may_tell() => {
                tracing::warn!(%error, door, remedy, "a caller was turned away by TLS");
            }
            _ => tracing::debug!(%error, door, "a connection was not greeted"),
        }
    }

    fn may_tell(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let may = told.is_none_or(|at| at.elapsed() >= TOLD_EVERY);
        if may {
            *told = Some(Instant::now());
        }
        may
    }

    async fn serve(
        &self,
        io: Either<TcpStream, Box<TlsStream<TcpStream>>>,
        wire: &Wire,
    ) -> &'static str {
        let io = TokioIo::new(Counted::new(io, wire.clone()));
        let service = TowerToHyperService::new(OnWire {
            router: self.router.clone(),
            wire: wire.clone(),
            any_request_proves: self.speech == Speech::Http,
        });
        let mut served = pin!(self.http.serve_connection(io, service));
        let mut old = pin!(sleep(self.limits.age));
        let mut look = tokio::time::interval(match self.speech {
            Speech::Grpc => self.limits.handshake,
            Speech::Http => self.limits.unread.min(self.limits.handshake),
        });
        look.tick().await;
        let mut cut_at = None;
        loop {
            let never = Instant::now() + Duration::from_secs(86_400);
            tokio::select! {
                done = served.as_mut() => return ended(done),
                _ = look.tick() => {
                    if let Some(reason) = self.unwanted(wire) {
                        return reason;
                    }
                    continue;
                }
                () = sleep_until(cut_at.unwrap_or(never)), if cut_at.is_some() => return "cut",
                () = self.stop.cancelled(), if cut_at.is_none() => {}
                () = wire.hangup().0.cancelled(), if cut_at.is_none() => {}
                () = old.as_mut(), if cut_at.is_none() => {}
            }
            cut_at = Some(Instant::now() + self.limits.grace);
            served.as_mut().graceful_shutdown();
        }
    }

    /// Why a connection that has had its time is not kept: it has not even greeted, it was of no use to anybody while there
    /// is little room left for others, or nobody reads it.
    fn unwanted(&self, wire: &Wire) -> Option<&'static str> {
        if self.speech == Speech::Http {
            let unread = wire.unread_for()?;
            return (unread >= self.limits.unread).then_some("cut");
        }
        let scarce = self.room.available_permits() < self.limits.connections / 2;
        match wire.arrived() {
            ..PREFACE => Some("slow"),
            _ if scarce && !wire.is_proven() => Some("unproven"),
            _ => None,
        }
    }
}

/// Why a connection ended that was served.
fn ended(served: Result<(), Box<dyn std::error::Error + Send + Sync>>) -> &'static str {
    match served {
        Ok(()) => "done",
        Err(error) => {
            let error = error.downcast_ref::<hyper::Error>();
            match error.is_some_and(hyper::Error::is_timeout) {
                true => "slow",
                false => "error",
            }
        }
    }
}

/// Reads what a caller was still sending, until it hangs up. A socket that is closed with something unread resets the
/// connection, and the alert that tells the caller why is lost with it.
async fn heard_out(mut tcp: TcpStream) -> io::Result<()> {
    tcp.shutdown().await?;
    tokio::io::copy(&mut tcp.take(LAST_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}
