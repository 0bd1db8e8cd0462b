//! Log lines on standard error.

use std::io;

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use super::Failure;
use crate::config::{Log, LogFormat};

/// Starts logging; a second call changes nothing.
pub(crate) fn start(log: &Log) -> Result<(), Failure> {
    // sled tells of every page it touches: only who names it in the setting hears more than its warnings.
    let filter = EnvFilter::try_new(format!("sled=warn,{}", log.level))
        .map_err(|error| Failure::new(format!("`log.level` is not a log filter: {error}")))?;
    // A log line that cannot be written is lost: complaining about it on standard error would panic there.
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .log_internal_errors(false);
    // A second start happens only in tests; the first one's subscriber stays.
    let _ = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => {
            let colors = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
            lines.with_ansi(colors).try_init()
        }
    };
    Ok(())
}
