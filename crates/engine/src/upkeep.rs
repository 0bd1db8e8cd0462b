//! Removes what has been kept long enough, accounts that were disconnected for long included.

use std::time::Duration;

use crate::engine::Engine;
use crate::error::Result;

/// Between two rounds at most: a day is what is promised, an hour makes each short.
const PERIOD: Duration = Duration::from_secs(3600);
/// So many rounds fall into the time for which something is kept, if that is short.
const ROUNDS: u32 = 6;

/// Prunes the store now and once an hour or more often, until the engine stops.
pub(crate) async fn run(engine: Engine) {
    let kept = engine.shared.store.retention();
    let period = PERIOD.min(kept.changes.min(kept.logs) / ROUNDS);
    loop {
        if let Err(error) = round(&engine).await {
            log_failure!(
                &error,
                "what is old could not be removed; it is tried again"
            );
        }
        tokio::select! {
            () = engine.stopped() => return,
            () = tokio::time::sleep(period) => {}
        }
    }
}

async fn round(engine: &Engine) -> Result<()> {
    let store = &engine.shared.store;
    let pruned = store.prune(engine.shared.clock.now()).await?;
    if pruned.tokens > 0 {
        tracing::info!(
            tokens = pruned.tokens,
            "tokens that ended over 90 days ago are removed"
        );
    }
    if pruned.connections > 0 {
        tracing::info!(
            connections = pruned.connections,
            "disconnected for so long that their mirrors are removed"
        );
        let known = store.connections().await?;
        let ids = known.iter().map(|connection| connection.id).collect();
        engine.forget_all_but(&ids);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use domain::{Disconnected, Timestamp};
    use secrecy::SecretString;

    use super::*;
    use crate::testing;
    use crate::{Clock, ErrorKind, Settings};

    #[tokio::test]
    async fn the_mirror_of_a_disconnected_account_goes_after_its_time_and_the_engine_forgets_it() {
        testing::install_crypto();
        let folder = tempfile::TempDir::new().unwrap();
        let store = testing::store(folder.path()).await;
        let connection = testing::connection(&[], Timestamp::default());
        let id = connection.id;
        let key = SecretString::from("k");
        store.create_connection(connection, key).await.unwrap();
        store
            .disconnect(id, Disconnected::at(Timestamp::default()))
            .await
            .unwrap();
        let days = Arc::new(AtomicI64::new(13));
        let told = days.clone();
        let clock = Clock::new(move || {
            let ms = told.load(Ordering::Relaxed) * 24 * 3600 * 1000;
            Timestamp::from_millis(ms)
        });
        let engine = Engine::start(store.clone(), Settings::default(), clock)
            .await
            .unwrap();

        round(&engine).await.unwrap();
        let kept = engine.connection(id).await.unwrap();
        assert_eq!(
            kept.disconnected,
            Some(Disconnected::at(Timestamp::default()))
        );
        let reason = |error: crate::Error| match error.kind() {
            ErrorKind::Precondition { reason, .. } => Some(*reason),
            _ => None,
        };
        assert_eq!(reason(engine.link(id).unwrap_err()), Some("DISCONNECTED"));

        days.store(14, Ordering::Relaxed);
        round(&engine).await.unwrap();
        assert!(store.connection(id).await.unwrap().is_none());
        assert_eq!(reason(engine.link(id).unwrap_err()), None);
        engine.stop(Duration::from_secs(5)).await;
    }
}
