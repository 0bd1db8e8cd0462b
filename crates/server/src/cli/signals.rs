//! Being asked to stop: SIGTERM and Ctrl-C alike.

use std::io;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;

/// Listens for requests to stop, from the moment it is made.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts to listen.
    pub(crate) fn listen() -> Result<Signals, Failure> {
        let listen = || -> io::Result<Signals> {
            Ok(Signals {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        };
        listen().map_err(|error| Failure::new(format!("cannot listen for signals: {error}")))
    }

    /// Waits until somebody asks to stop.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// From now on a Ctrl-C ends the process at once: the person has asked before.
    pub(crate) fn end_at_next_interrupt(mut self) {
        tokio::spawn(async move {
            self.interrupt.recv().await;
            process::exit(130);
        });
    }
}
