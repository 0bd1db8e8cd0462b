//! The token bucket behind a budget: values in, decisions out, time as an argument.

use std::collections::VecDeque;
use std::time::Duration;

use super::config::BudgetConfig;
use super::lane::{Lane, PerLane};
use super::shares::Shares;

/// The first pause after a 429 that names none.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause of our own choice.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause Lever is believed to ask for.
const LONGEST_TOLD: Duration = Duration::from_secs(3600);
/// How often the rate may rise, and by how many requests a second.
const PROBE_EVERY: Duration = Duration::from_secs(1);
const PROBE_STEP: f64 = 0.5;
/// Forgives the rounding of fractions of a token.
const ROUNDING: f64 = 1e-5;

/// A place in the queue of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Let this call go.
    Grant(Lane, Ticket),
    /// Ask again then, at the latest.
    Wait(Duration),
    /// Nobody is waiting.
    Idle,
}

/// A token bucket with lanes that learns from 429 answers.
///
/// All times are monotonic and count from one origin of the caller's choice.
#[derive(Debug)]
pub struct Bucket {
    config: BudgetConfig,
    rate: f64,
    tokens: f64,
    filled_at: Duration,
    paused_until: Duration,
    next_pause: Duration,
    probed_at: Duration,
    shares: Shares,
    queues: PerLane<VecDeque<Ticket>>,
    granted: PerLane<u64>,
    last_ticket: u64,
}

impl Bucket {
    /// A full bucket at the highest rate `config` allows.
    pub fn new(config: BudgetConfig) -> Bucket {
        Bucket {
            rate: config.ceiling(),
            tokens: config.burst(),
            config,
            filled_at: Duration::ZERO,
            paused_until: Duration::ZERO,
            next_pause: FIRST_PAUSE,
            probed_at: Duration::ZERO,
            shares: Shares::new(),
            queues: PerLane::default(),
            granted: PerLane::default(),
            last_ticket: 0,
        }
    }

    /// Queues a call behind the others of its lane.
    pub fn join(&mut self, lane: Lane) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.queues[lane].push_back(ticket);
        ticket
    }

    /// Takes back a place in the queue; nothing happens when it was granted already.
    pub fn leave(&mut self, lane: Lane, ticket: Ticket) {
        self.queues[lane].retain(|waiting| *waiting != ticket);
    }

    /// Takes back a grant that nobody used.
    ///
    /// The round is not rewound: the lane has had its turn.
    pub fn give_back(&mut self, lane: Lane) {
        self.tokens = (self.tokens + 1.0).min(self.config.burst());
        self.granted[lane] = self.granted[lane].saturating_sub(1);
    }

    /// Decides who goes at `now`. A grant is spent when this returns it; ask until nothing is granted.
    pub fn next(&mut self, now: Duration) -> Step {
        let Some(lane) = self.shares.choose(|lane| !self.queues[lane].is_empty()) else {
            return Step::Idle;
        };
        if now < self.paused_until {
            return Step::Wait(self.paused_until);
        }
        self.fill(now);
        let missing = self.needed(lane) - self.tokens;
        if missing > ROUNDING {
            return Step::Wait(now.saturating_add(Duration::from_secs_f64(missing / self.rate)));
        }
        match self.queues[lane].pop_front() {
            Some(ticket) => {
                self.tokens -= 1.0;
                self.shares.spend(lane);
                self.granted[lane] += 1;
                Step::Grant(lane, ticket)
            }
            None => Step::Idle,
        }
    }

    /// Tokens that must be there before the lane may go.
    ///
    /// The reserve is kept for interactive calls to come. It is not kept from a lane that takes its guaranteed
    /// share after interactive calls had theirs: those that wait behind it would wait for the reserve to fill.
    fn needed(&self, lane: Lane) -> f64 {
        let owed = self.shares.has(lane) && !self.shares.has(Lane::Interactive);
        if lane == Lane::Interactive || owed {
            1.0
        } else {
            1.0 + self.config.reserve()
        }
    }

    fn fill(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.rate).min(self.config.burst());
        self.filled_at = self.filled_at.max(now);
    }

    /// Stops everybody after a 429: for `told` when Lever said how long, else a second, doubling to thirty.
    ///
    /// Halves the rate, once for all calls that were on their way when the limit struck.
    pub fn saw_rate_limit(&mut self, now: Duration, told: Option<Duration>) {
        let told = told.map(|told| told.min(LONGEST_TOLD));
        if now < self.paused_until {
            self.paused_until = self
                .paused_until
                .max(now.saturating_add(told.unwrap_or_default()));
            return;
        }
        self.paused_until = now.saturating_add(told.unwrap_or(self.next_pause));
        self.next_pause = (self.next_pause * 2).min(LONGEST_PAUSE);
        self.rate = (self.rate / 2.0).max(BudgetConfig::FLOOR);
        // The pause refills nothing: what is there when it ends is what interactive calls were promised.
        self.tokens = self.config.reserve();
        self.filled_at = self.paused_until;
        self.probed_at = self.paused_until;
    }

    /// Notes an answer that was no 429: the rate rises a little, at most once a second.
    pub fn saw_success(&mut self, now: Duration) {
        if now < self.paused_until {
            return;
        }
        self.next_pause = FIRST_PAUSE;
        let ceiling = self.config.ceiling();
        if self.rate < ceiling && now.saturating_sub(self.probed_at) >= PROBE_EVERY {
            self.fill(now);
            self.rate = (self.rate + PROBE_STEP).min(ceiling);
            self.probed_at = now;
        }
    }

    /// Requests a second at present.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// How long the pause after a 429 still lasts; zero when there is none.
    pub fn paused_for(&self, now: Duration) -> Duration {
        self.paused_until.saturating_sub(now)
    }

    /// Calls waiting in each lane.
    pub fn waiting(&self) -> PerLane<usize> {
        PerLane::from_fn(|lane| self.queues[lane].len())
    }

    /// Calls granted to each lane since the start.
    pub fn granted(&self) -> PerLane<u64> {
        self.granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn bucket() -> Bucket {
        Bucket::new(BudgetConfig::default())
    }

    fn join_many(bucket: &mut Bucket, lane: Lane, count: usize) {
        for _ in 0..count {
            bucket.join(lane);
        }
    }

    /// Lets everybody go who may until `end`; who went when.
    fn run(bucket: &mut Bucket, from: Duration, end: Duration) -> Vec<(Duration, Lane)> {
        let mut now = from;
        let mut grants = Vec::new();
        loop {
            match bucket.next(now) {
                Step::Grant(lane, _) => grants.push((now, lane)),
                Step::Wait(until) if until <= end => {
                    assert!(until > now, "a wait must lie ahead");
                    now = until;
                }
                Step::Wait(_) | Step::Idle => return grants,
            }
        }
    }

    #[test]
    fn the_burst_goes_at_once_and_then_ten_a_second() {
        let mut bucket = bucket();
        join_many(&mut bucket, Lane::Interactive, 100);
        let grants = run(&mut bucket, ms(0), ms(3_000));
        assert_eq!(grants.iter().filter(|(at, _)| at.is_zero()).count(), 10);
        assert_eq!(grants.len(), 40);
    }

    #[test]
    fn other_lanes_leave_three_tokens_for_interactive() {
        let mut bucket = bucket();
        join_many(&mut bucket, Lane::Backfill, 100);
        assert_eq!(run(&mut bucket, ms(0), ms(0)).len(), 7);
        join_many(&mut bucket, Lane::Interactive, 3);
        let grants = run(&mut bucket, ms(0), ms(0));
        assert_eq!(
            grants.iter().map(|grant| grant.1).collect::<Vec<_>>()[..3],
            [Lane::Interactive; 3]
        );
    }

    #[test]
    fn a_saturating_backfill_runs_at_the_full_rate() {
        let mut bucket = bucket();
        join_many(&mut bucket, Lane::Backfill, 1_000);
        assert_eq!(run(&mut bucket, ms(0), ms(10_000)).len(), 7 + 100);
    }

    #[test]
    fn with_every_lane_saturated_a_hundred_grants_follow_the_shares() {
        let mut bucket = bucket();
        for lane in Lane::ALL {
            join_many(&mut bucket, lane, 100);
        }
        let grants = run(&mut bucket, ms(0), ms(9_000));
        assert_eq!(grants.len(), 100);
        assert_eq!(
            bucket.granted(),
            PerLane::from_fn(|lane| u64::from(lane.share()) * 10)
        );
    }

    #[test]
    fn a_steady_stream_of_interactive_calls_starves_nobody() {
        let mut bucket = bucket();
        join_many(&mut bucket, Lane::Sweep, 1_000);
        // Ten a second, each granted before the next one comes: interactive is never seen waiting.
        let mut waits = Vec::new();
        for tick in 0..300 {
            let now = ms(tick * 100);
            bucket.join(Lane::Interactive);
            waits.push(now);
            run(&mut bucket, now, ms(tick * 100 + 99));
        }
        assert!(
            bucket.granted()[Lane::Sweep] >= 29,
            "{:?}",
            bucket.granted()
        );
    }

    #[test]
    fn a_429_stops_everybody_and_halves_the_rate() {
        let mut bucket = bucket();
        join_many(&mut bucket, Lane::Interactive, 10);
        bucket.saw_rate_limit(ms(0), None);
        assert_eq!(bucket.next(ms(0)), Step::Wait(ms(1_000)));
        assert_eq!(bucket.rate(), 5.0);
        assert_eq!(run(&mut bucket, ms(1_000), ms(1_000)).len(), 3);
        assert_eq!(run(&mut bucket, ms(1_000), ms(2_000)).len(), 5);
    }

    #[test]
    fn calls_on_their_way_when_the_limit_struck_count_once() {
        let mut bucket = bucket();
        for _ in 0..5 {
            bucket.saw_rate_limit(ms(10), None);
        }
        assert_eq!((bucket.rate(), bucket.paused_for(ms(10))), (5.0, ms(1_000)));
        bucket.saw_rate_limit(ms(20), Some(ms(5_000)));
        assert_eq!((bucket.rate(), bucket.paused_for(ms(20))), (5.0, ms(5_000)));
    }

    #[test]
    fn pauses_double_to_thirty_seconds_and_start_over_after_success() {
        let mut bucket = bucket();
        let mut now = ms(0);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            bucket.saw_rate_limit(now, None);
            pauses.push(bucket.paused_for(now).as_secs());
            now += bucket.paused_for(now);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(bucket.rate(), 1.0);
        bucket.saw_success(now);
        bucket.saw_rate_limit(now, None);
        assert_eq!(bucket.paused_for(now), ms(1_000));
    }

    #[test]
    fn lever_s_own_word_decides_the_pause() {
        let mut bucket = bucket();
        bucket.saw_rate_limit(ms(0), Some(ms(45_000)));
        assert_eq!(bucket.paused_for(ms(0)), ms(45_000));
        bucket.saw_rate_limit(ms(0), Some(Duration::MAX));
        assert_eq!(bucket.paused_for(ms(0)), LONGEST_TOLD);
    }

    #[test]
    fn clean_seconds_win_the_rate_back() {
        let mut bucket = bucket();
        bucket.saw_rate_limit(ms(0), None);
        for tick in 0..=1_100 {
            bucket.saw_success(ms(1_000 + tick * 10));
        }
        assert_eq!(bucket.rate(), 10.0);
        bucket.saw_rate_limit(ms(20_000), None);
        bucket.saw_success(ms(20_500));
        bucket.saw_success(ms(21_500));
        assert_eq!(
            bucket.rate(),
            5.0,
            "no success counts in the pause or in its first second"
        );
    }

    #[test]
    fn a_grant_given_back_goes_to_the_next() {
        let mut bucket = Bucket::new(BudgetConfig {
            burst: 1,
            ..BudgetConfig::default()
        });
        join_many(&mut bucket, Lane::Follow, 2);
        assert!(matches!(bucket.next(ms(0)), Step::Grant(Lane::Follow, _)));
        assert_eq!(bucket.next(ms(0)), Step::Wait(ms(100)));
        bucket.give_back(Lane::Follow);
        assert!(matches!(bucket.next(ms(0)), Step::Grant(Lane::Follow, _)));
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_burst_and_rate(joins in proptest::collection::vec((0_u64..20_000, 0_usize..6), 1..300)) {
            let mut joins = joins;
            joins.sort_unstable();
            let mut bucket = bucket();
            let mut grants = Vec::new();
            for (index, (at, lane)) in joins.iter().enumerate() {
                let until = joins.get(index + 1).map_or(100_000, |next| next.0);
                bucket.join(Lane::ALL[*lane]);
                grants.extend(run(&mut bucket, ms(*at), ms(until)));
            }
            prop_assert_eq!(grants.len(), joins.len(), "everybody goes in the end");
            for (first, (start, _)) in grants.iter().enumerate() {
                for (last, (end, _)) in grants.iter().enumerate().skip(first) {
                    let allowed = 10.0 + (*end - *start).as_secs_f64() * 10.0;
                    prop_assert!((last - first + 1) as f64 <= allowed + 0.001);
                }
            }
        }
    }
}
