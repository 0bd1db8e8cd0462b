//! What is known about one connection.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::calls::{Account, Calls, Connected, Hangup, Refusal};

/// One connection, as those see it who answer what comes over it; clones speak of the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    arrived: AtomicU64,
    proven: AtomicBool,
    hangup: Hangup,
    /// Of the calls over it that anybody may make.
    anybody: Arc<Account>,
    /// Cancelled when it has to make room for another.
    yields: CancellationToken,
    /// Whose calls were let in over it.
    callers: Mutex<Vec<Connected>>,
    /// Whether it has ended.
    ended: AtomicBool,
    /// Whether it is among those that may have to make room.
    listed: AtomicBool,
    /// Since when what is written to it waits for its reader; none while it is read.
    unread_since: Mutex<Option<Instant>>,
}

impl Wire {
    /// Takes note that a call of this caller came over it that was let in.
    ///
    /// # Errors
    /// The limit of connections that it has met.
    pub(crate) fn prove_for(&self, calls: &Calls, account: &Arc<Account>) -> Result<(), Refusal> {
        let mut callers = self.callers();
        if !callers.iter().any(|caller| caller.is_of(account)) {
            callers.push(calls.connect(account)?);
        }
        self.prove();
        Ok(())
    }

    fn callers(&self) -> MutexGuard<'_, Vec<Connected>> {
        let callers = self.0.callers.lock();
        callers.unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that it is of use to somebody.
    pub(super) fn prove(&self) {
        self.0.proven.store(true, Ordering::Relaxed);
    }

    /// Takes note that it is of no use to anybody until another call comes.
    pub(super) fn rest(&self) {
        self.0.proven.store(false, Ordering::Relaxed);
    }

    /// Takes note that it is among those that may have to make room; false if it is already.
    pub(super) fn list(&self) -> bool {
        !self.0.listed.swap(true, Ordering::Relaxed)
    }

    /// Takes note that it is not; always false.
    pub(super) fn unlist(&self) -> bool {
        self.0.listed.store(false, Ordering::Relaxed);
        false
    }

    /// How long what is written to it has waited for its reader.
    pub(super) fn unread_for(&self) -> Option<Duration> {
        self.unread_since().map(|since| since.elapsed())
    }

    /// Takes note of whether what is written has to wait.
    fn note_reader<T>(&self, written: &Poll<io::Result<T>>) {
        let mut since = self.unread_since();
        *since = match written {
            Poll::Pending => since.or_else(|| Some(Instant::now())),
            Poll::Ready(_) => None,
        };
    }

    fn unread_since(&self) -> MutexGuard<'_, Option<Instant>> {
        let since = self.0.unread_since.lock();
        since.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_proven(&self) -> bool {
        self.0.proven.load(Ordering::Relaxed)
    }

    /// How many bytes have arrived.
    pub(super) fn arrived(&self) -> u64 {
        self.0.arrived.load(Ordering::Relaxed)
    }

    /// The account of the calls over it that anybody may make.
    pub(crate) fn anybody(&self) -> &Arc<Account> {
        &self.0.anybody
    }

    /// Has it make room for another, unless it has ended, or been of use to somebody; tells whether it does.
    pub(super) fn make_room(&self) -> bool {
        let yields = self.may_have_to_yield();
        if yields {
            self.0.yields.cancel();
        }
        yields
    }

    /// Is over when it has to make room for another.
    pub(super) async fn yields(&self) {
        self.0.yields.cancelled().await;
    }

    /// Whether it has to make room.
    #[cfg(test)]
    pub(super) fn yielded(&self) -> bool {
        self.0.yields.is_cancelled()
    }

    /// Takes note that it has ended.
    pub(super) fn end(&self) {
        self.0.ended.store(true, Ordering::Relaxed);
        self.callers().clear();
    }

    /// Whether it may still have to make room for another.
    pub(super) fn may_have_to_yield(&self) -> bool {
        !self.is_proven() && !self.0.ended.load(Ordering::Relaxed)
    }

    /// Ends it, when it is to end early.
    pub(crate) fn hangup(&self) -> &Hangup {
        &self.0.hangup
    }
}

/// Tells each request over which connection it came.
#[derive(Debug, Clone)]
pub(super) struct OnWire {
    pub(super) router: Router,
    pub(super) wire: Wire,
    /// Whether any request is of use to somebody: where none of them needs a token first.
    pub(super) any_request_proves: bool,
}

impl<B> Service<http::Request<B>> for OnWire
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = <Router as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        if self.any_request_proves {
            self.wire.prove();
        }
        request.extensions_mut().insert(self.wire.clone());
        self.router.call(request)
    }
}

/// Counts what arrives.
pub(super) struct Counted<T> {
    io: T,
    wire: Wire,
}

impl<T> Counted<T> {
    pub(super) fn new(io: T, wire: Wire) -> Self {
        Self { io, wire }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        let arrived = buffer.filled().len() - before;
        self.wire
            .0
            .arrived
            .fetch_add(arrived as u64, Ordering::Relaxed);
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.wire.note_reader(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.wire.note_reader(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.wire.note_reader(&flushed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
