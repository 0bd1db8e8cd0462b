//! What the demo plays on: the simulator, the service, and a directory that goes away with them.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lever_sim::{Config, Population, Sim};
use uuid::Uuid;

use super::Arguments;
use crate::cli::{Failure, logging};
use crate::config::{Flags, Settings};
use crate::serve::{self, Running};

/// The simulator and the service, running.
pub(super) struct Scene {
    /// Lever's side.
    pub(super) sim: Sim,
    /// Ours.
    pub(super) service: Running,
    /// When the demo was started.
    pub(super) began: Instant,
    data: Data,
}

impl Scene {
    /// Starts both on free loopback ports.
    pub(super) async fn set(arguments: &Arguments) -> Result<Scene, Failure> {
        let began = Instant::now();
        let data = Data::at(arguments.data.as_deref())?;
        let settings = settings(data.path())?;
        logging::start(&settings.log)?;
        let population = Population {
            opportunities: arguments.opportunities as usize,
            seed: arguments.seed,
        };
        let sim = Sim::start(Config {
            population,
            ..Config::default()
        })
        .await
        .map_err(|error| Failure::new(format!("cannot start the simulator: {error}")))?;
        let service = serve::start(&settings).await?;
        Ok(Scene {
            sim,
            service,
            began,
            data,
        })
    }

    /// Where the data is.
    pub(super) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Whether the data goes away at the end.
    pub(super) fn temporary(&self) -> bool {
        matches!(self.data, Data::Temporary(_))
    }

    /// Stops both and removes temporary data.
    pub(super) async fn strike(self) -> Result<(), Failure> {
        let stopped = self.service.stop().await;
        self.sim.shutdown().await;
        Ok(stopped?)
    }
}

/// Settings for a small disk and an impatient audience; logs only if something is amiss.
fn settings(dir: &Path) -> Result<Settings, Failure> {
    const MB: u64 = 1_000_000;
    let mut settings = Settings::load(None, &Flags::default())?;
    if settings.log == Settings::default().log {
        "warn".clone_into(&mut settings.log.level);
    }
    settings.server.listen = ([127, 0, 0, 1], 0).into();
    settings.server.http_listen = ([127, 0, 0, 1], 0).into();
    settings.store.dir = dir.to_owned();
    settings.store.cache_size = 64 * MB;
    settings.store.open_min_free = 32 * MB;
    settings.store.backfill_min_free = 32 * MB;
    settings.store.write_min_free = 16 * MB;
    settings.store.reserve_size = MB;
    settings.lever.allow_base_url = true;
    settings.pull.enabled = true;
    settings.pull.opportunities_interval = Duration::from_secs(5);
    Ok(settings)
}

/// The data directory of the demo.
enum Data {
    /// Ours: removed when dropped.
    Temporary(PathBuf),
    /// The caller's.
    Kept(PathBuf),
}

impl Data {
    fn at(dir: Option<&Path>) -> Result<Data, Failure> {
        let failed = |dir: &Path, error: std::io::Error| {
            Failure::new(format!(
                "cannot use {} for the demo's data: {error}",
                dir.display()
            ))
        };
        let Some(dir) = dir else {
            let dir =
                std::env::temp_dir().join(format!("fulcrum-demo-{}", Uuid::new_v4().simple()));
            fs::DirBuilder::new()
                .mode(0o700)
                .create(&dir)
                .map_err(|error| failed(&dir, error))?;
            return Ok(Data::Temporary(dir));
        };
        fs::create_dir_all(dir).map_err(|error| failed(dir, error))?;
        match fs::read_dir(dir)
            .map_err(|error| failed(dir, error))?
            .next()
        {
            None => Ok(Data::Kept(dir.to_owned())),
            Some(_) => Err(Failure::new(format!(
                "{} is not empty; the demo needs a directory of its own",
                dir.display()
            ))),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Data::Temporary(dir) | Data::Kept(dir) => dir,
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Data::Temporary(dir) = self {
            // What is left behind lies in the directory for temporary files, where the system cleans up.
            let _ = fs::remove_dir_all(dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_data_is_private_and_goes_away() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = Data::at(None).expect("a temporary directory");
        let dir = data.path().to_owned();
        assert_eq!(
            fs::metadata(&dir).expect("made").permissions().mode() & 0o777,
            0o700
        );
        drop(data);
        assert!(!dir.exists());
    }

    #[test]
    fn a_directory_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(Data::at(Some(dir.path())).is_ok());
        fs::write(dir.path().join("x"), "x").expect("written");
        let refusal = Data::at(Some(dir.path())).err().expect("refused").text();
        assert!(refusal.contains("is not empty"), "{refusal}");
        assert!(dir.path().join("x").exists());
    }
}
