//! The connections: plain TCP whose lines can be cut, so that a client sees a real reset and shutdown never waits.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Accepts connections until the simulator stops.
#[derive(Debug)]
pub(crate) struct Wires {
    listener: TcpListener,
    stop: CancellationToken,
}

impl Wires {
    pub(crate) fn new(listener: TcpListener, stop: CancellationToken) -> Wires {
        Wires { listener, stop }
    }
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = Line;

    async fn accept(&mut self) -> (Wire, Line) {
        let (stream, _) = Listener::accept(&mut self.listener).await;
        let line = Line(self.stop.child_token());
        (Wire::new(stream, &line), line)
    }

    fn local_addr(&self) -> io::Result<Line> {
        Ok(Line(self.stop.clone()))
    }
}

/// A handle on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Line(CancellationToken);

impl Line {
    /// Resets the connection at once.
    pub(crate) fn cut(&self) {
        self.0.cancel();
    }

    /// Returns when the connection was cut, which stopping the simulator does too.
    pub(crate) async fn was_cut(&self) {
        self.0.cancelled().await;
    }
}

impl Connected<IncomingStream<'_, Wires>> for Line {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Line {
        stream.remote_addr().clone()
    }
}

/// A connection that fails as soon as its line is cut.
pub(crate) struct Wire {
    stream: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    is_cut: bool,
}

impl Wire {
    fn new(stream: TcpStream, line: &Line) -> Wire {
        // Answers are written whole; waiting to fill a packet only slows tests down.
        let _ = stream.set_nodelay(true);
        Wire {
            stream,
            cut: Box::pin(line.0.clone().cancelled_owned()),
            is_cut: false,
        }
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.is_cut && self.cut.as_mut().poll(context).is_ready() {
            self.is_cut = true;
            // Without lingering the peer gets a reset instead of an orderly end.
            let _ = self.stream.set_zero_linger();
        }
        if self.is_cut {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Where a listener really listens, once it has a port.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
