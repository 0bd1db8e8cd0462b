//! Which stopped data directory a command works on.

use std::path::PathBuf;
use std::time::Duration;

use super::Failure;
use crate::config::{Flags, Settings};

/// Which data directory.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// Settings that differ from the built-in ones, as TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory [setting: store.dir].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    /// Whether one was named: a command that can ask a running service too does so otherwise.
    pub(super) fn is_named(&self) -> bool {
        self.data.is_some() || self.config.is_some()
    }

    /// The settings that hold for it.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let flags = Flags {
            data: self.data.clone(),
            ..Flags::default()
        };
        let mut settings = Settings::load(self.config.as_deref(), &flags)?;
        // Somebody is waiting at a terminal; a running service will not let go of its directory.
        settings.store.lock_wait = settings.store.lock_wait.min(Duration::from_secs(2));
        Ok(settings)
    }
}
