//! `fulcrum serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

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
    let settings = Settings::load(arguments.config.as_deref(), &flags)?;
    logging::start(&settings.log)?;
    if let Err(error) = hidden {
        tracing::warn!(%error, "the memory of the process can be read by other processes of its user");
    }
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
