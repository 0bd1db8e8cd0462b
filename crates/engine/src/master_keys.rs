//! Exchanges the master key of the store beside everything else.
//!
//! What has to be done next is the store's to say; here it is done, told in the log, and done again later if it fails.

use std::time::Duration;

use store::{MasterKeys, Resealing};

use crate::engine::Engine;
use crate::error::Result;

/// Between two looks for keys that have had their time.
const PERIOD: Duration = Duration::from_secs(3600);
/// Until what failed is tried again.
const RETRY: Duration = Duration::from_secs(60);

impl Engine {
    /// Makes a new master key and lets it seal; tells how the exchange stands, also where one is under way already.
    ///
    /// # Errors
    /// Precondition `MASTER_KEY_GIVEN` where the keys come from the settings; exhausted on a full disk.
    pub async fn rotate_master_key(&self) -> Result<MasterKeys> {
        let shared = self.shared.clone();
        self.to_the_end(async move {
            let keys = shared.store.rotate_master_key(shared.clock.now()).await?;
            tracing::info!(key = %keys.present, values = keys.remaining(), "a new master key seals");
            shared.resealing.notify_one();
            Ok(keys)
        })
        .await
    }

    /// Tells which master keys there are, and how much is sealed with each.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn master_keys(&self) -> Result<MasterKeys> {
        Ok(self.shared.store.master_keys().await?)
    }
}

/// Seals anew what a former key has sealed, now and whenever a key is exchanged, and removes former keys in time.
pub(crate) async fn run(engine: Engine) {
    loop {
        let pause = match round(&engine).await {
            Ok(()) => PERIOD,
            Err(error) => {
                log_failure!(
                    &error,
                    "the master key could not be exchanged; it is tried again"
                );
                RETRY
            }
        };
        tokio::select! {
            () = engine.stopped() => return,
            () = engine.shared.resealing.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn round(engine: &Engine) -> Result<()> {
    let (store, clock) = (&engine.shared.store, &engine.shared.clock);
    loop {
        let step = tokio::select! {
            biased;
            () = engine.stopped() => return Ok(()),
            step = store.reseal(clock.now()) => step?,
        };
        match step {
            Resealing::Idle => break,
            Resealing::Underway => {}
            Resealing::Begun => {
                tracing::info!("secrets are sealed anew with the newest master key")
            }
            Resealing::Ended => {
                tracing::info!("every secret is sealed with the present master key")
            }
            Resealing::Stuck { values } => {
                tracing::error!(
                    values,
                    "secrets that a former master key has sealed do not open: `fulcrum store check` names their tables; \
                     give the accounts new credentials"
                );
                break;
            }
        }
    }
    for key in store.remove_former_keys(clock.now()).await? {
        tracing::info!(%key, "a former master key has had its time and was removed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use domain::Timestamp;
    use secrecy::{ExposeSecret, SecretString};

    use super::*;
    use crate::{Clock, Settings, testing};

    #[tokio::test]
    async fn an_exchange_is_done_to_its_end_and_the_key_of_before_goes_after_seven_days() {
        testing::install_crypto();
        let folder = tempfile::TempDir::new().unwrap();
        let store = testing::store(folder.path()).await;
        let connection = testing::connection(&[], Timestamp::default());
        let id = connection.id;
        let key = SecretString::from("k");
        store.create_connection(connection, key).await.unwrap();
        let days = Arc::new(AtomicI64::new(0));
        let told = days.clone();
        let clock = Clock::new(move || {
            Timestamp::from_millis(told.load(Ordering::Relaxed) * 24 * 3600 * 1000)
        });
        let engine = Engine::start(store.clone(), Settings::default(), clock)
            .await
            .unwrap();

        let begun = engine.rotate_master_key().await.unwrap();
        round(&engine).await.unwrap();
        let ended = engine.master_keys().await.unwrap();
        assert_eq!((ended.present, ended.remaining()), (begun.present, 0));
        assert_eq!(ended.former.len(), 1);

        days.store(6, Ordering::Relaxed);
        round(&engine).await.unwrap();
        assert_eq!(engine.master_keys().await.unwrap().former.len(), 1);
        days.store(7, Ordering::Relaxed);
        round(&engine).await.unwrap();
        assert!(engine.master_keys().await.unwrap().former.is_empty());
        let key = store.api_key(id).await.unwrap().unwrap();
        assert_eq!(key.expose_secret(), "k");
        engine.stop(Duration::from_secs(5)).await;
    }
}
