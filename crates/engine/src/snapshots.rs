//! Takes snapshots of what cannot be read again from Lever, now and then.

use std::time::Duration;

use crate::engine::Engine;
use crate::error::Result;

/// Where none are taken, those of before are still looked after.
const WITHOUT: Duration = Duration::from_secs(3600);

/// How often an interval it is looked whether the last snapshot is old enough.
const LOOKS: u32 = 4;

/// When snapshots are taken, and how many are kept.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotSettings {
    /// Between two snapshots at least; zero takes none.
    pub interval: Duration,
    /// How many are kept.
    pub kept: usize,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15 * 60),
            kept: 8,
        }
    }
}

/// Takes a snapshot when none was for an interval, if anything has changed, until the engine stops: a process that is
/// started again and again takes no more of them, and keeps those of before.
pub(crate) async fn run(engine: Engine) {
    let interval = engine.shared.settings.snapshots.interval;
    let pause = match interval.is_zero() {
        true => WITHOUT,
        false => interval / LOOKS,
    };
    loop {
        if let Err(error) = round(&engine).await {
            log_failure!(&error, "no snapshot could be taken; it is tried again");
            metrics::counter!(crate::figures::SNAPSHOTS.name, "event" => "failed").increment(1);
        }
        tokio::select! {
            () = engine.stopped() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn round(engine: &Engine) -> Result<()> {
    let (store, settings) = (&engine.shared.store, engine.shared.settings.snapshots);
    if settings.interval.is_zero() {
        return Ok(store.remove_outdated_snapshots()?);
    }
    let now = engine.shared.clock.now();
    let last = store.last_snapshot()?;
    // One from the future is of a clock that was wrong.
    if last.is_some_and(|last| last <= now && now.since(last) < settings.interval) {
        return Ok(());
    }
    if let Some(taken) = store.snapshot(now, settings.kept).await? {
        tracing::info!(
            commit = taken.commit, bytes = taken.bytes, path = %taken.path.display(),
            "a snapshot was taken"
        );
        metrics::counter!(crate::figures::SNAPSHOTS.name, "event" => "taken").increment(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::Timestamp;
    use secrecy::SecretString;
    use store::Store;

    use super::*;
    use crate::testing;
    use crate::{Clock, Settings};

    /// An engine on a store with one connection.
    async fn engine(store: &Store, interval: Duration) -> Engine {
        let mut settings = Settings::default();
        settings.snapshots.interval = interval;
        Engine::start(store.clone(), settings, Clock::new(Timestamp::default))
            .await
            .unwrap()
    }

    async fn connected(folder: &Path) -> (Store, domain::ConnectionId) {
        testing::install_crypto();
        let store = testing::store(folder).await;
        let mut connection = testing::connection(&[], Timestamp::default());
        connection.paused = true;
        let id = connection.id;
        store
            .create_connection(connection, SecretString::from("k"))
            .await
            .unwrap();
        (store, id)
    }

    fn snapshots(folder: &Path) -> usize {
        let ended = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.unwrap().file_name();
            name.to_str().unwrap().ends_with(".snapshot")
        };
        let entries = std::fs::read_dir(folder.join("snapshots"));
        entries.map_or(0, |entries| {
            entries.map(ended).filter(|ended| *ended).count()
        })
    }

    #[tokio::test]
    async fn a_start_takes_a_snapshot_of_what_has_changed() {
        let folder = tempfile::TempDir::new().unwrap();
        let (store, _id) = connected(folder.path()).await;
        let engine = engine(&store, Duration::from_secs(900)).await;
        while snapshots(folder.path()) == 0 {
            tokio::task::yield_now().await;
        }
        engine.stop(Duration::from_secs(5)).await;
        assert_eq!(snapshots(folder.path()), 1);
    }

    #[tokio::test]
    async fn one_that_was_taken_lately_is_not_followed_by_another_until_what_it_holds_has_to_be_gone()
     {
        let folder = tempfile::TempDir::new().unwrap();
        let (store, id) = connected(folder.path()).await;
        store.snapshot(Timestamp::default(), 8).await.unwrap();
        let engine = engine(&store, Duration::from_secs(900)).await;
        let mut connection = testing::connection(&[], Timestamp::default());
        connection.id = domain::ConnectionId::new(crate::push::new_id());
        let key = SecretString::from("k2");
        store.create_connection(connection, key).await.unwrap();
        round(&engine).await.unwrap();
        assert_eq!(snapshots(folder.path()), 1);
        let before = store.last_snapshot().unwrap();
        assert!(before.is_some());
        store.delete_connection(id).await.unwrap();
        assert_eq!(store.last_snapshot().unwrap(), None);
        round(&engine).await.unwrap();
        assert_eq!(store.last_snapshot().unwrap(), before);
        engine.stop(Duration::from_secs(5)).await;
    }

    #[tokio::test]
    async fn where_none_are_taken_those_that_hold_what_is_gone_are_removed() {
        let folder = tempfile::TempDir::new().unwrap();
        let (store, id) = connected(folder.path()).await;
        store.snapshot(Timestamp::default(), 8).await.unwrap();
        store.delete_connection(id).await.unwrap();
        let engine = engine(&store, Duration::ZERO).await;
        while snapshots(folder.path()) > 0 {
            tokio::task::yield_now().await;
        }
        engine.stop(Duration::from_secs(5)).await;
        assert_eq!(snapshots(folder.path()), 0);
    }
}
