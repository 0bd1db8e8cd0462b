//! The waiting side of a budget.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::bucket::{Bucket, Step, Ticket};
use super::config::BudgetConfig;
use super::lane::{Lane, PerLane};
use super::pause::Pause;

/// The budget all calls of one credential share. Runs inside a tokio runtime.
#[derive(Debug)]
pub struct Budget {
    origin: Instant,
    state: Mutex<State>,
    /// The last pause, whether it still lasts or not.
    pauses: watch::Sender<Option<Pause>>,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    waiters: HashMap<Ticket, oneshot::Sender<()>>,
}

/// Leave to make one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// How long the call waited for it.
    pub waited: Duration,
}

/// Why a call got no leave before its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// Its turn did not come.
    NoTurn,
    /// A pause after a 429 lasts until after the deadline; it is over this long after now.
    Paused(Duration),
}

/// What a budget looks like at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// Requests a second at present.
    pub rate: f64,
    /// The pause after a 429 that holds now.
    pub pause: Option<Pause>,
    /// Calls waiting in each lane.
    pub waiting: PerLane<usize>,
    /// Calls granted to each lane since the start.
    pub granted: PerLane<u64>,
}

impl Budget {
    /// A budget that nothing has been spent of.
    pub fn new(config: BudgetConfig) -> Budget {
        let state = State {
            bucket: Bucket::new(config),
            waiters: HashMap::new(),
        };
        Budget {
            origin: Instant::now(),
            state: Mutex::new(state),
            pauses: watch::Sender::new(None),
        }
    }

    /// Waits for leave to make one attempt in `lane`.
    ///
    /// Dropping the future gives back the place, or the grant when it came in that moment.
    pub async fn acquire(&self, lane: Lane) -> Granted {
        let began = Instant::now();
        let mut place = Place::take(self, lane);
        while let Some(wake) = place.look() {
            tokio::select! {
                _ = &mut place.grant => place.granted = true,
                () = tokio::time::sleep_until(self.origin + wake) => {}
            }
        }
        place.done = true;
        Granted {
            waited: began.elapsed(),
        }
    }

    /// Waits for leave to make one attempt in `lane` before `deadline`.
    ///
    /// # Errors
    /// That none came; at once where a pause lasts for longer, whether it holds already or begins while this waits.
    pub async fn acquire_before(&self, lane: Lane, deadline: Instant) -> Result<Granted, Late> {
        tokio::select! {
            biased;
            left = self.pause_beyond(deadline) => Err(Late::Paused(left)),
            turn = tokio::time::timeout_at(deadline, self.acquire(lane)) => turn.map_err(|_| Late::NoTurn),
        }
    }

    /// Waits for a pause that lasts until after `deadline`; tells how long it is.
    async fn pause_beyond(&self, deadline: Instant) -> Duration {
        let mut pauses = self.pauses();
        let outlasts = |pause: &Option<Pause>| {
            pause.is_some_and(|pause| pause.until > deadline && !pause.left().is_zero())
        };
        let pause = pauses
            .wait_for(outlasts)
            .await
            .ok()
            .and_then(|pause| *pause);
        match pause {
            Some(pause) => pause.left(),
            // The budget, and with it who tells of pauses, is there as long as somebody waits at it.
            None => std::future::pending().await,
        }
    }

    /// Notes a 429: everybody pauses for `told`, or as long as the budget thinks fit.
    pub fn saw_rate_limit(&self, told: Option<Duration>) {
        let now = self.now();
        let mut state = self.state();
        state.bucket.saw_rate_limit(now, told);
        let pause = state.bucket.pause(now);
        self.pauses
            .send_replace(pause.map(|pause| pause.counted_from(self.origin)));
    }

    /// Tells of each pause as it begins, and as its end moves; the last one stays when it is over.
    pub fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.pauses.subscribe()
    }

    /// Notes an answer that was no 429.
    pub fn saw_success(&self) {
        let now = self.now();
        self.state().bucket.saw_success(now);
    }

    /// What the budget looks like now.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.now();
        let state = self.state();
        Snapshot {
            rate: state.bucket.rate(now),
            pause: state
                .bucket
                .pause(now)
                .map(|pause| pause.counted_from(self.origin)),
            waiting: state.bucket.waiting(),
            granted: state.bucket.granted(),
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing done under the lock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets everybody go who may; when to look again if somebody still waits.
    fn pump(&mut self, now: Duration) -> Option<Duration> {
        loop {
            match self.bucket.next(now) {
                Step::Grant(lane, ticket) => {
                    let taken = self
                        .waiters
                        .remove(&ticket)
                        .is_some_and(|waiter| waiter.send(()).is_ok());
                    if !taken {
                        self.bucket.give_back(lane);
                    }
                }
                Step::Wait(until) => return Some(until),
                Step::Idle => return None,
            }
        }
    }
}

/// A place in the queue that is given back when it is dropped.
struct Place<'a> {
    budget: &'a Budget,
    lane: Lane,
    ticket: Ticket,
    grant: oneshot::Receiver<()>,
    granted: bool,
    done: bool,
}

impl<'a> Place<'a> {
    fn take(budget: &'a Budget, lane: Lane) -> Place<'a> {
        let (waiter, grant) = oneshot::channel();
        let mut state = budget.state();
        let ticket = state.bucket.join(lane);
        state.waiters.insert(ticket, waiter);
        Place {
            budget,
            lane,
            ticket,
            grant,
            granted: false,
            done: false,
        }
    }

    /// Lets everybody go who may; when to look again, or nothing once this call was granted.
    ///
    /// Every waiter looks when its own time comes, so nobody depends on another one staying.
    fn look(&mut self) -> Option<Duration> {
        let now = self.budget.now();
        let wake = self.budget.state().pump(now);
        self.granted = self.granted || self.grant.try_recv().is_ok();
        if self.granted {
            None
        } else {
            Some(wake.unwrap_or(now))
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let now = self.budget.now();
        let mut state = self.budget.state();
        state.bucket.leave(self.lane, self.ticket);
        let unused = self.granted || self.grant.try_recv().is_ok();
        state.waiters.remove(&self.ticket);
        if unused {
            state.bucket.give_back(self.lane);
            state.pump(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::task::JoinSet;

    fn shared(config: BudgetConfig) -> Arc<Budget> {
        Arc::new(Budget::new(config))
    }

    /// Keeps `tasks` callers of a lane busy, each asking again as soon as it was granted.
    fn saturate(budget: &Arc<Budget>, lane: Lane, tasks: usize, callers: &mut JoinSet<()>) {
        for _ in 0..tasks {
            let budget = Arc::clone(budget);
            callers.spawn(async move {
                loop {
                    budget.acquire(lane).await;
                }
            });
        }
    }

    async fn pass(millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_holds_and_no_time_is_wasted() {
        let budget = shared(BudgetConfig::even());
        let mut callers = JoinSet::new();
        saturate(&budget, Lane::Backfill, 20, &mut callers);
        pass(60_050).await;
        assert_eq!(budget.snapshot().granted[Lane::Backfill], 7 + 600);
    }

    #[tokio::test(start_paused = true)]
    async fn an_interactive_call_goes_at_once_beside_a_saturating_backfill() {
        let budget = shared(BudgetConfig::even());
        let mut callers = JoinSet::new();
        saturate(&budget, Lane::Backfill, 50, &mut callers);
        pass(5_000).await;
        for _ in 0..3 {
            assert_eq!(
                budget.acquire(Lane::Interactive).await.waited,
                Duration::ZERO
            );
        }
        // The reserve is spent; from now on a call waits for a token, or two when backfill takes its share.
        for _ in 0..20 {
            let waited = budget.acquire(Lane::Interactive).await.waited;
            assert!(waited <= Duration::from_millis(202), "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn saturated_lanes_get_their_shares() {
        let budget = shared(BudgetConfig::even());
        let mut callers = JoinSet::new();
        for lane in Lane::ALL {
            saturate(&budget, lane, 20, &mut callers);
        }
        pass(1_050).await;
        let before = budget.snapshot().granted;
        pass(10_000).await;
        let after = budget.snapshot().granted;
        let granted = PerLane::from_fn(|lane| after[lane] - before[lane]);
        assert_eq!(
            granted,
            PerLane::from_fn(|lane| u64::from(lane.share()) * 10)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_pauses_every_caller() {
        let budget = shared(BudgetConfig::even());
        budget.saw_rate_limit(None);
        let pause = budget.snapshot().pause.expect("a pause");
        assert_eq!(pause.left(), Duration::from_secs(1));
        assert_eq!(budget.snapshot().rate, 5.0);
        let (a, b) = tokio::join!(
            budget.acquire(Lane::Interactive),
            budget.acquire(Lane::Sweep)
        );
        assert_eq!(a.waited, Duration::from_secs(1));
        assert!(b.waited > Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_when_a_pause_begins_that_lasts_too_long_is_sent_away_at_once() {
        let budget = shared(BudgetConfig {
            burst: 1,
            interactive_reserve: 0,
            ..BudgetConfig::even()
        });
        budget.acquire(Lane::Follow).await;
        let began = Instant::now();
        let (short, long, ()) = tokio::join!(
            budget.acquire_before(Lane::Interactive, began + Duration::from_secs(20)),
            budget.acquire_before(Lane::Sweep, began + Duration::from_secs(3600)),
            async {
                pass(50).await;
                budget.saw_rate_limit(Some(Duration::from_secs(60)));
                pass(1).await;
                assert_eq!(budget.snapshot().waiting[Lane::Interactive], 0);
                assert_eq!(budget.snapshot().waiting[Lane::Sweep], 1);
            }
        );
        assert_eq!(short, Err(Late::Paused(Duration::from_secs(60))));
        // The pause, and then the token that it did not fill.
        assert_eq!(long.unwrap().waited, Duration::from_millis(60_250));
        // A pause that is over is no reason any more.
        assert_eq!(
            budget.acquire_before(Lane::Sweep, began).await,
            Err(Late::NoTurn)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_during_a_pause_waits_only_if_it_ends_in_time() {
        let budget = shared(BudgetConfig::even());
        budget.saw_rate_limit(Some(Duration::from_secs(60)));
        let began = Instant::now();
        let in_time = began + Duration::from_secs(61);
        let late = budget.acquire_before(Lane::Interactive, began + Duration::from_secs(59));
        assert_eq!(late.await, Err(Late::Paused(Duration::from_secs(60))));
        assert_eq!(Instant::now(), began);
        let turn = budget.acquire_before(Lane::Interactive, in_time).await;
        assert_eq!(turn.unwrap().waited, Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_gives_up_leaves_no_trace() {
        let budget = shared(BudgetConfig {
            burst: 1,
            interactive_reserve: 0,
            ..BudgetConfig::even()
        });
        budget.acquire(Lane::Follow).await;
        let gone =
            tokio::time::timeout(Duration::from_millis(50), budget.acquire(Lane::Interactive))
                .await;
        assert!(gone.is_err());
        assert_eq!(budget.snapshot().waiting, PerLane::default());
        assert_eq!(
            budget.acquire(Lane::Sweep).await.waited,
            Duration::from_millis(50)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_grant_nobody_takes_goes_to_the_next() {
        let budget = shared(BudgetConfig {
            burst: 1,
            interactive_reserve: 0,
            ..BudgetConfig::even()
        });
        budget.acquire(Lane::Follow).await;
        let mut leaving = Box::pin(budget.acquire(Lane::Interactive));
        assert!(futures::poll!(leaving.as_mut()).is_pending());
        let waiting = tokio::spawn({
            let budget = Arc::clone(&budget);
            async move { budget.acquire(Lane::Sweep).await }
        });
        pass(100).await;
        // Whoever looks first hands the token to the interactive call, which is dropped before it runs again.
        pass(5).await;
        drop(leaving);
        assert!(waiting.await.unwrap().waited <= Duration::from_millis(106));
        assert_eq!(budget.snapshot().granted[Lane::Interactive], 0);
    }
}
