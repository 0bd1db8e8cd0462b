//! Keeps a worker going.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long a worker that panicked waits before it starts again.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs a worker to its end, and again from its durable state if it panics.
///
/// A panic is a defect of ours; it is reported once each time, also to `panicked`, and costs one connection seconds, not
/// its life.
pub(crate) async fn supervise<F>(
    name: &'static str,
    stop: CancellationToken,
    panicked: impl Fn(),
    mut worker: impl FnMut() -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        match tokio::spawn(worker()).await {
            Ok(()) => return,
            Err(error) if error.is_panic() => {
                tracing::error!(
                    worker = name,
                    "a worker panicked and begins again; please report this"
                );
                metrics::counter!(crate::figures::WORKER_PANICS.name, "worker" => name)
                    .increment(1);
                panicked();
            }
            Err(_cancelled) => return,
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_begins_again() {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let told = AtomicU32::new(0);
        let panicked = || {
            told.fetch_add(1, Ordering::Relaxed);
        };
        supervise("test", CancellationToken::new(), panicked, move || {
            let runs = counted.clone();
            async move {
                assert!(runs.fetch_add(1, Ordering::Relaxed) >= 2, "a defect");
            }
        })
        .await;
        assert_eq!(runs.load(Ordering::Relaxed), 3);
        assert_eq!(told.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_pause_after_a_panic() {
        let stop = CancellationToken::new();
        stop.cancel();
        supervise("test", stop, || {}, || async { panic!("a defect") }).await;
    }
}
