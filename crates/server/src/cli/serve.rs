//! `fulcrum serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Failure, Signals, logging};
use crate::config::{Flags, Settings};
use crate::serve;

/// Arguments of `fulcrum serve`; each wins over its setting.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Settings that differ from the built-in ones, as TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory [setting: store.dir].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where gRPC is served [setting: server.listen].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where health and metrics are served [setting: server.http_listen].
    #[arg(long, value_name = "ADDR")]
    http_listen: Option<SocketAddr>,
}

/// Serves until somebody asks to stop, or the service must end by itself.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let hidden = hide_memory();
    let flags = Flags {
        data: arguments.data,
        listen: arguments.listen,
        http_listen: arguments.http_listen,
    };
    let mut settings = Settings::load(arguments.config.as_deref(), &flags)?;
    logging::start(&settings.log)?;
    if let Err(error) = hidden {
        tracing::warn!(%error, "the memory of the process can be read by other processes of its user");
    }
    settings.limits.connections = within_open_files(settings.limits.connections);
    let mut signals = Signals::listen()?;
    let running = tokio::select! {
        running = serve::start(&settings) => running?,
        () = signals.stop() => return Ok(()),
    };
    tracing::info!(grpc = %running.grpc, http = %running.http, "serving");
    let broken = tokio::select! {
        () = signals.stop() => None,
        reason = running.failed() => Some(reason),
    };
    tracing::info!("stopping");
    signals.end_at_next_interrupt();
    let stopped = running.stop().await;
    match broken {
        Some(reason) => Err(Failure::new(reason)),
        None => Ok(stopped?),
    }
}

/// Keeps other processes of the same user from reading the memory and the environment of this one, and both out of
/// core dumps. Linux only; a debugger or profiler needs root then.
fn hide_memory() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Files that connections leave to the store, to Lever and to whatever else has to be opened while they are there.
const KEPT_FILES: u64 = 256;

/// Lets the process open as many files as the system lets it: each connection is one, and many systems begin with 1,024.
/// Gives how many connections each side may take in so that they leave some to the store, which ends without.
fn within_open_files(connections: usize) -> usize {
    let files = Resource::Nofile;
    let most = getrlimit(files).maximum;
    let all = Rlimit {
        current: most,
        maximum: most,
    };
    // What cannot be raised stays as it is, and is told of below.
    let _ = setrlimit(files, all);
    let Some(open_files) = getrlimit(files).current else {
        return connections;
    };
    let room = room_for_connections(open_files);
    if room < connections {
        tracing::warn!(
            open_files,
            connections = room,
            "each side takes in fewer connections than limits.connections, since the process may not open that many \
             files: raise the limit of open files"
        );
    }
    connections.min(room)
}

/// How many connections each of the two sides may take in where so many files may be open.
fn room_for_connections(open_files: u64) -> usize {
    let room = open_files.saturating_sub(KEPT_FILES).max(open_files / 2) / 2;
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}

impl From<crate::config::Error> for Failure {
    fn from(error: crate::config::Error) -> Failure {
        Failure::new(error.to_string())
    }
}

impl From<serve::StartError> for Failure {
    fn from(error: serve::StartError) -> Failure {
        Failure::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_to_the_store() {
        assert_eq!(room_for_connections(1024), 384);
        assert_eq!(room_for_connections(65_536), 32_640);
        assert_eq!(room_for_connections(256), 64);
        assert_eq!(room_for_connections(0), 1);
    }
}
