//! Removes what has been kept long enough, accounts that were disconnected for long included.

use std::time::Duration;

use crate::engine::Engine;
use crate::error::Result;

/// Between two rounds: a day is what is promised, an hour makes each short.
const PERIOD: Duration = Duration::from_secs(3600);

/// Prunes the store now and once an hour, until the engine stops.
pub(crate) async fn run(engine: Engine) {
    loop {
        if let Err(error) = round(&engine).await {
            tracing::error!(error = %crate::report(&error), "what is old could not be removed; it is tried again");
        }
        tokio::select! {
            () = engine.stopped() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn round(engine: &Engine) -> Result<()> {
    let store = &engine.shared.store;
    let pruned = store.prune(engine.shared.clock.now()).await?;
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
