//! The pause of a key after a 429: nothing goes out with it, and that is no trouble of any list.
//!
//! A person's call that the pause outlasts fails at once and says how long. What nobody waits for is put off until the
//! pause is over: no worker begins a round before, a walk asks for its page again after it, a write stays recorded.
//! Nothing of that is kept as a failure; the status tells of the pause as long as it lasts.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use lever::{Lane, Pause};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::link::Link;

/// A pause of a connection's key, by our clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPause {
    /// When Lever answered 429.
    pub since: Timestamp,
    /// When calls go out again.
    pub until: Timestamp,
    /// What Lever asked for in `Retry-After`; none where it named no time.
    pub told: Option<Duration>,
}

impl KeyPause {
    /// Why, in one sentence.
    pub fn reason(&self) -> String {
        let word = match self.told {
            Some(told) => format!("with Retry-After of {} seconds", told.as_secs()),
            None => "without Retry-After".to_owned(),
        };
        format!(
            "Lever answered 429 {word}: this key makes too many requests, and nothing is sent with it until the pause \
             is over"
        )
    }
}

/// A pause with its times by our clock, which are told alike each time.
pub(crate) type Told = (Pause, KeyPause);

impl Link {
    /// Requests a second that the budget of the key allows at present: fewer for a while after a 429.
    pub(crate) fn rate(&self) -> f64 {
        self.client(Lane::Interactive).budget().snapshot().rate
    }

    /// The pause after a 429 that the key is in now.
    pub(crate) fn pause(&self) -> Option<Pause> {
        self.client(Lane::Interactive).budget().snapshot().pause
    }

    /// The same by our clock.
    pub(crate) fn key_pause(&self, clock: &Clock) -> Option<KeyPause> {
        let pause = self.pause()?;
        let mut told = self.told_pause();
        let before = told.filter(|(known, _)| known.since == pause.since);
        let shown = match before {
            Some((known, shown)) if known == pause => shown,
            // Its end has moved.
            Some((_, before)) => KeyPause {
                since: before.since,
                ..shown(&pause, clock)
            },
            None => shown(&pause, clock),
        };
        *told = Some((pause, shown));
        Some(shown)
    }

    /// Waits until the key is in no pause, be it that another one has taken its place.
    pub(crate) async fn outlast_pause(&self) {
        let mut moves = self.watch();
        while let Some(pause) = self.pause() {
            tokio::select! {
                () = tokio::time::sleep_until(pause.until) => {}
                // The link counts them as long as it is there.
                _ = moves.changed() => {}
            }
        }
    }

    /// Tells watchers of the status when a pause of the key begins and when it ends, until the link is stopped.
    async fn tell_pauses(&self) {
        let mut told = None;
        while !self.stop.is_cancelled() {
            let mut moves = self.watch();
            let client = self.client(Lane::Interactive);
            let mut pauses = client.budget().pauses();
            let pause = self.pause();
            if pause != told {
                self.log_pause(pause);
                told = pause;
                self.moved();
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                _ = pauses.changed() => {}
                // The key may be another one.
                _ = moves.changed() => {}
                () = over(pause) => {}
            }
        }
    }

    /// The short pauses that Lever names no time for belong to an account that others use too.
    fn log_pause(&self, pause: Option<Pause>) {
        if let Some(pause) = pause.filter(|pause| pause.told.is_some()) {
            let wait_ms = u64::try_from(pause.left().as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(
                connection = %self.id(), wait_ms,
                "Lever answered 429 with Retry-After: nothing is sent with this key until then"
            );
        }
    }
}

/// Tells watchers of the status of a link when its key is in a pause, until the link is stopped.
pub(crate) async fn tell(link: Arc<Link>) {
    link.tell_pauses().await;
}

async fn over(pause: Option<Pause>) {
    match pause {
        Some(pause) => tokio::time::sleep_until(pause.until).await,
        None => std::future::pending().await,
    }
}

fn shown(pause: &Pause, clock: &Clock) -> KeyPause {
    let now = clock.now();
    KeyPause {
        since: now.minus(Instant::now().saturating_duration_since(pause.since)),
        until: now.plus(pause.left()),
        told: pause.told,
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use lever::BudgetConfig;

    use super::*;
    use crate::engine::Engine;
    use crate::{credential, testing};

    const HOUR: Duration = Duration::from_secs(3600);

    /// A link whose key Lever has just asked to wait for an hour.
    async fn in_pause() -> (tempfile::TempDir, Engine, Arc<Link>) {
        let (folder, engine, id) = testing::unlinked(BudgetConfig::default()).await;
        let link = engine.link(id).unwrap();
        strike(&link, HOUR);
        (folder, engine, link)
    }

    fn strike(link: &Link, told: Duration) {
        let client = link.client(Lane::Interactive);
        client.budget().saw_rate_limit(Some(told));
    }

    /// Sees the next change, within two hours of a time that only seems to pass.
    async fn changed(moves: &mut tokio::sync::watch::Receiver<u64>) {
        let change = tokio::time::timeout(2 * HOUR, moves.changed()).await;
        change.expect("a change").expect("a link");
    }

    async fn worked(link: &Link) -> Option<Duration> {
        link.work(async { Duration::from_secs(7) }.boxed()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_begins_when_the_pause_of_the_key_is_over() {
        let (_folder, _engine, link) = in_pause().await;
        let began = Instant::now();
        let (worked, ()) = tokio::join!(worked(&link), async {
            tokio::time::sleep(HOUR / 2).await;
            strike(&link, HOUR);
        });
        assert_eq!(worked, Some(Duration::from_secs(7)));
        assert_eq!(began.elapsed(), HOUR / 2 + HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_and_another_key_end_the_wait() {
        let (_folder, engine, link) = in_pause().await;
        let began = Instant::now();
        let connection = link.connection();
        let opened = credential::open(&engine.shared, &connection, link.progress()).await;
        let mut opened = opened.unwrap();
        opened.credential = lever::Credential::api_key("another".into());
        let (worked_after, ()) = tokio::join!(worked(&link), async {
            tokio::task::yield_now().await;
            let clients = &engine.shared.clients;
            link.set_credential(clients, opened).unwrap();
        });
        assert!(worked_after.is_some() && began.elapsed() < HOUR);

        strike(&link, HOUR);
        let (stopped, ()) = tokio::join!(worked(&link), async {
            tokio::task::yield_now().await;
            link.stop.cancel();
        });
        assert!(stopped.is_none() && began.elapsed() < HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn watchers_see_a_pause_begin_and_end_and_its_times_do_not_waver() {
        let (_folder, engine, id) = testing::unlinked(BudgetConfig::default()).await;
        // A link of its own, of which nobody tells anything else.
        let connection = engine.link(id).unwrap().connection();
        let link = credential::link(&engine.shared, connection).await.unwrap();
        tokio::spawn(tell(link.clone()));
        tokio::task::yield_now().await;
        let mut moves = link.watch();
        let origin = Instant::now();
        strike(&link, HOUR);
        changed(&mut moves).await;
        assert_eq!(origin.elapsed(), Duration::ZERO);
        let clock = Clock::new(move || {
            // A clock that wavers by some milliseconds.
            let wavers = origin.elapsed().subsec_millis() % 7;
            Timestamp::from_millis(1_000_000 + i64::from(wavers)).plus(origin.elapsed())
        });
        let first = link.key_pause(&clock).expect("a pause");
        assert_eq!(first.until.since(first.since), HOUR);
        assert_eq!(first.told, Some(HOUR));
        tokio::time::sleep(Duration::from_millis(1003)).await;
        assert_eq!(link.key_pause(&clock), Some(first));

        strike(&link, HOUR);
        changed(&mut moves).await;
        let longer = link.key_pause(&clock).expect("a pause");
        assert!(longer.since == first.since && longer.until > first.until);
        changed(&mut moves).await;
        assert_eq!(link.key_pause(&clock), None);
    }

    #[test]
    fn the_reason_tells_what_lever_has_said() {
        let reason = |told| {
            let since = Timestamp::default();
            KeyPause {
                since,
                until: since,
                told,
            }
            .reason()
        };
        let told = reason(Some(HOUR));
        assert!(
            told.starts_with("Lever answered 429 with Retry-After of 3600 seconds:"),
            "{told}"
        );
        assert!(reason(None).starts_with("Lever answered 429 without Retry-After:"));
    }
}
