//! The token bucket behind a budget: values in, decisions out, time as an argument.

use std::collections::VecDeque;
use std::time::Duration;

use super::config::BudgetConfig;
use super::lane::{Lane, PerLane};
use super::pace::Pace;
use super::pause::Pause;
use super::shares::Shares;

/// The first pause after a 429 that names none.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause of our own choice.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
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
    pace: Pace,
    /// Requests a second at `filled_at`.
    rate: f64,
    tokens: f64,
    filled_at: Duration,
    pause: Pause<Duration>,
    next_pause: Duration,
    shares: Shares,
    queues: PerLane<VecDeque<Ticket>>,
    granted: PerLane<u64>,
    last_ticket: u64,
}

impl Bucket {
    /// A full bucket at the highest rate `config` allows.
    pub fn new(config: BudgetConfig) -> Bucket {
        Bucket {
            pace: Pace::new(config.ceiling()),
            rate: config.ceiling(),
            tokens: config.burst(),
            config,
            filled_at: Duration::ZERO,
            pause: Pause::default(),
            next_pause: FIRST_PAUSE,
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
        if now < self.pause.until {
            return Step::Wait(self.pause.until);
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
        self.rate = self.pace.at(self.filled_at);
    }

    /// Stops everybody after a 429: for `told` when Lever said how long, else a second, doubling to thirty.
    ///
    /// Lowers the rate, once for all calls that were on their way when the limit struck: by half, or to what passed
    /// since it struck before, which is what others leave us.
    pub fn saw_rate_limit(&mut self, now: Duration, told: Option<Duration>) {
        let lasts = told.map(|told| told.min(Pause::LONGEST_TOLD));
        if now < self.pause.until {
            let until = now.saturating_add(lasts.unwrap_or_default());
            if until > self.pause.until {
                self.pause = Pause {
                    until,
                    told,
                    ..self.pause
                };
            }
            return;
        }
        self.pause = Pause {
            since: now,
            until: now.saturating_add(lasts.unwrap_or(self.next_pause)),
            told,
        };
        self.next_pause = (self.next_pause * 2).min(LONGEST_PAUSE);
        self.pace.strike(now, self.pause.until);
        self.rate = self.pace.at(self.pause.until);
        // The pause refills nothing: what is there when it ends is what interactive calls were promised.
        self.tokens = self.config.reserve();
        self.filled_at = self.pause.until;
    }

    /// Notes an answer that was no 429.
    pub fn saw_success(&mut self, now: Duration) {
        self.pace.passed();
        if now >= self.pause.until {
            self.next_pause = FIRST_PAUSE;
        }
    }

    /// Requests a second at `now`.
    pub fn rate(&self, now: Duration) -> f64 {
        self.pace.at(now)
    }

    /// The pause after a 429 that holds at `now`.
    pub fn pause(&self, now: Duration) -> Option<Pause<Duration>> {
        Some(self.pause).filter(|pause| now < pause.until)
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
        Bucket::new(BudgetConfig::even())
    }

    /// How long a pause still lasts; zero when there is none.
    fn paused_for(bucket: &Bucket, now: Duration) -> Duration {
        bucket
            .pause(now)
            .map_or(Duration::ZERO, |pause| pause.until - now)
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
        assert_eq!(bucket.rate(ms(1_000)), 5.0);
        assert_eq!(run(&mut bucket, ms(1_000), ms(1_000)).len(), 3);
        assert_eq!(run(&mut bucket, ms(1_000), ms(2_000)).len(), 5);
    }

    #[test]
    fn calls_on_their_way_when_the_limit_struck_count_once() {
        let mut bucket = bucket();
        for _ in 0..5 {
            bucket.saw_rate_limit(ms(10), None);
        }
        assert_eq!(
            (bucket.rate(ms(10)), paused_for(&bucket, ms(10))),
            (5.0, ms(1_000))
        );
        bucket.saw_rate_limit(ms(20), Some(ms(5_000)));
        assert_eq!(
            (bucket.rate(ms(20)), paused_for(&bucket, ms(20))),
            (5.0, ms(5_000))
        );
    }

    #[test]
    fn pauses_double_to_thirty_seconds_and_start_over_after_success() {
        let mut bucket = bucket();
        let mut now = ms(0);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            bucket.saw_rate_limit(now, None);
            pauses.push(paused_for(&bucket, now).as_secs());
            now += paused_for(&bucket, now);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(bucket.rate(now), 1.0);
        bucket.saw_success(now);
        bucket.saw_rate_limit(now, None);
        assert_eq!(paused_for(&bucket, now), ms(1_000));
    }

    #[test]
    fn lever_s_own_word_decides_the_pause() {
        let mut bucket = bucket();
        bucket.saw_rate_limit(ms(0), Some(ms(45_000)));
        assert_eq!(paused_for(&bucket, ms(0)), ms(45_000));
        bucket.saw_rate_limit(ms(0), Some(Duration::MAX));
        assert_eq!(paused_for(&bucket, ms(0)), Pause::LONGEST_TOLD);
    }

    #[test]
    fn a_pause_tells_its_first_answer_and_the_word_that_decides_its_end() {
        let mut bucket = bucket();
        assert_eq!(bucket.pause(ms(0)), None);
        bucket.saw_rate_limit(ms(10), None);
        bucket.saw_rate_limit(ms(20), Some(ms(5_000)));
        bucket.saw_rate_limit(ms(30), Some(ms(100)));
        let pause = Pause {
            since: ms(10),
            until: ms(5_020),
            told: Some(ms(5_000)),
        };
        assert_eq!(bucket.pause(ms(5_019)), Some(pause));
        assert_eq!(bucket.pause(ms(5_020)), None);
    }

    #[test]
    fn half_a_minute_without_another_429_wins_the_rate_back() {
        let mut bucket = bucket();
        join_many(&mut bucket, Lane::Backfill, 1_000);
        run(&mut bucket, ms(0), ms(10_000));
        bucket.saw_rate_limit(ms(10_000), None);
        assert_eq!(bucket.rate(ms(11_000)), 5.0);
        assert!(bucket.rate(ms(21_000)) > 8.0);
        assert_eq!(bucket.rate(ms(41_000)), 10.0);
        let grants = run(&mut bucket, ms(10_000), ms(51_000));
        let last = grants.iter().filter(|(at, _)| *at > ms(41_000)).count();
        assert!((99..=101).contains(&last), "{last} in the last ten seconds");
    }

    /// Lever's side: twenty at once, ten a second, and somebody else who spends from it every so often.
    struct Account {
        tokens: f64,
        filled_at: Duration,
        stranger_every: Option<Duration>,
        stranger_next: Duration,
        /// What the stranger asked for and got.
        stranger: (u32, u32),
        random: u64,
    }

    impl Account {
        fn shared(stranger_every: Option<Duration>) -> Account {
            Account {
                tokens: 20.0,
                filled_at: ms(0),
                stranger_every,
                stranger_next: ms(0),
                stranger: (0, 0),
                random: 7,
            }
        }

        /// From 0 to 1, the same in every run.
        fn chance(&mut self) -> f64 {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            (self.random >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn take(&mut self, now: Duration) -> bool {
            let elapsed = (now - self.filled_at).as_secs_f64();
            self.tokens = (self.tokens + elapsed * 10.0).min(20.0);
            self.filled_at = now;
            let granted = self.tokens >= 1.0;
            self.tokens -= f64::from(u8::from(granted));
            granted
        }

        fn stranger_until(&mut self, now: Duration) {
            while let Some(every) = self.stranger_every
                && self.stranger_next <= now
            {
                let granted = self.take(self.stranger_next.max(self.filled_at));
                self.stranger.0 += 1;
                self.stranger.1 += u32::from(granted);
                let pause = every.mul_f64(0.5 + self.chance());
                self.stranger_next += pause;
            }
        }
    }

    /// What became of our calls: those that passed and those that were answered 429.
    #[derive(Debug, Default, Clone, Copy)]
    struct Tally {
        passed: u32,
        refused: u32,
    }

    /// Calls of every lane, always waiting, spent from the account for a while.
    fn spend(bucket: &mut Bucket, account: &mut Account, from: Duration, end: Duration) -> Tally {
        let mut tally = Tally::default();
        let mut now = from;
        while now < end {
            for lane in Lane::ALL {
                if bucket.waiting()[lane] < 4 {
                    join_many(bucket, lane, 4);
                }
            }
            match bucket.next(now) {
                Step::Grant(..) => {
                    account.stranger_until(now);
                    if account.take(now) {
                        tally.passed += 1;
                        bucket.saw_success(now);
                    } else {
                        tally.refused += 1;
                        bucket.saw_rate_limit(now, None);
                    }
                }
                Step::Wait(until) => now = until,
                Step::Idle => unreachable!("somebody waits"),
            }
        }
        tally
    }

    fn assert_shared_well(tally: Tally, left_per_second: f64, seconds: f64) {
        let asked = f64::from(tally.passed + tally.refused);
        assert!(f64::from(tally.refused) <= asked * 0.01, "{tally:?}");
        let left = left_per_second * seconds;
        assert!(f64::from(tally.passed) >= left * 0.9, "{tally:?} of {left}");
    }

    #[test]
    fn alone_nothing_is_refused_and_a_hundredth_is_left() {
        let mut bucket = Bucket::new(BudgetConfig::default());
        let mut account = Account::shared(None);
        let tally = spend(&mut bucket, &mut account, ms(0), ms(60_000));
        // The burst, and 9.9 a second up to the last tick.
        assert_eq!((tally.passed, tally.refused), (603, 0));
    }

    #[test]
    fn beside_a_stranger_one_in_a_hundred_is_refused_at_most_and_little_is_left() {
        for (every, left) in [
            (ms(1_000), 9.0),
            (ms(500), 8.0),
            (ms(200), 5.0),
            (ms(143), 3.0),
        ] {
            let mut bucket = Bucket::new(BudgetConfig::default());
            let mut account = Account::shared(Some(every));
            let tally = spend(&mut bucket, &mut account, ms(0), ms(600_000));
            assert_shared_well(tally, left, 600.0);
            let (asked, got) = account.stranger;
            assert!(got * 100 >= asked * 90, "the stranger got {got} of {asked}");
            let per_lane = PerLane::from_fn(|lane| f64::from(lane.share()) / 10.0);
            let granted = bucket.granted();
            let all: u64 = Lane::ALL.iter().map(|lane| granted[*lane]).sum();
            for lane in Lane::ALL {
                let part = granted[lane] as f64 / all as f64;
                assert!((part - per_lane[lane]).abs() < 0.02, "{lane}: {part}");
            }
        }
    }

    /// However the stranger's requests fall between ours.
    #[test]
    fn a_stranger_is_noticed_and_gets_what_it_asks_for() {
        for seed in 1..=30 {
            let mut bucket = Bucket::new(BudgetConfig::default());
            let mut account = Account {
                random: seed,
                ..Account::shared(Some(ms(200)))
            };
            spend(&mut bucket, &mut account, ms(0), ms(120_000));
            let (asked, got) = account.stranger;
            assert!(got * 100 >= asked * 90, "{seed}: {got} of {asked}");
        }
    }

    #[test]
    fn a_stranger_who_comes_later_is_made_room_for_and_one_who_goes_leaves_the_rate() {
        let mut bucket = Bucket::new(BudgetConfig::default());
        let mut account = Account::shared(None);
        spend(&mut bucket, &mut account, ms(0), ms(300_000));
        account.stranger_every = Some(ms(200));
        account.stranger_next = ms(300_000);
        let beside = spend(&mut bucket, &mut account, ms(300_000), ms(600_000));
        assert_shared_well(beside, 5.0, 300.0);
        account.stranger_every = None;
        spend(&mut bucket, &mut account, ms(600_000), ms(720_000));
        let alone = spend(&mut bucket, &mut account, ms(720_000), ms(780_000));
        assert!(alone.passed >= 588 && alone.refused == 0, "{alone:?}");
    }

    #[test]
    fn a_grant_given_back_goes_to_the_next() {
        let mut bucket = Bucket::new(BudgetConfig {
            burst: 1,
            ..BudgetConfig::even()
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
