//! Lever is told to take two applications a second, and to lose those that are refused (behaviour: "Rate limits").

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until};

/// Between two applications.
const GAP: Duration = Duration::from_millis(500);

/// When the last application of a connection was sent.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<Instant>>);

/// The one whose turn it is; the others wait while it lives.
#[derive(Debug)]
pub(super) struct Next<'a>(MutexGuard<'a, Option<Instant>>);

impl Pace {
    /// Waits until nobody else is next.
    pub(super) async fn next(&self) -> Next<'_> {
        Next(self.0.lock().await)
    }
}

impl Next<'_> {
    /// Waits until the application may be sent, which is at once then.
    pub(super) async fn wait(mut self) {
        if let Some(last) = *self.0 {
            sleep_until(last + GAP).await;
        }
        *self.0 = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-29.
    #[tokio::test(start_paused = true)]
    async fn f29_no_second_sees_more_than_two_applications() {
        let pace = Pace::default();
        let began = Instant::now();
        let sent = (0..6).map(async |_| {
            pace.next().await.wait().await;
            began.elapsed().as_millis()
        });
        let sent = futures::future::join_all(sent).await;
        assert_eq!(sent, [0, 500, 1000, 1500, 2000, 2500]);
        tokio::time::sleep(GAP * 10).await;
        let waited = Instant::now();
        pace.next().await.wait().await;
        assert!(waited.elapsed().is_zero(), "nobody waits after a rest");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_its_turn_holds_nobody_up() {
        let pace = Pace::default();
        let began = Instant::now();
        drop(pace.next().await);
        pace.next().await.wait().await;
        assert!(began.elapsed().is_zero());
    }
}
