//! How the rate that Lever allows is used: alone, and beside a stranger on the same account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lever::{
    Attempt, BaseUrl, Budget, BudgetConfig, Client, Credential, Http, Lane, Limits, ListStages,
    PerLane,
};
use lever_sim::{DEFAULT_KEY, RateLimit, Sim};
use tokio::task::JoinSet;

use crate::table::{Figure, Table, Target};
use crate::{Size, account};

/// What Lever allows a key.
const PER_SECOND: f64 = 10.0;
const BURST: f64 = 20.0;
/// Callers of each lane: one waits always.
const CALLERS: usize = 4;
/// What the stranger spends, on average: a clock that ticks with ours would always come just before, or just after.
const STRANGER_EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn measure(size: Size, table: &mut Table) {
    let alone = Run::of(Duration::from_secs(size.or_quick(60, 20)), false).await;
    table.row(&Figure {
        name: "limiter, alone: requests that passed",
        measured: f64::from(alone.passed),
        floor: alone.allowed(0.0),
        unit: "requests",
        target: Target::AtLeast(0.98),
    });
    table.row(&Figure {
        name: "limiter, alone: requests answered 429",
        measured: f64::from(alone.refused),
        floor: f64::from(alone.passed),
        unit: "requests",
        target: Target::AtMost(0.0),
    });
    let beside = Run::of(Duration::from_secs(size.or_quick(120, 60)), true).await;
    table.row(&Figure {
        name: "limiter, beside a stranger: requests answered 429",
        measured: f64::from(beside.refused),
        floor: f64::from(beside.passed + beside.refused),
        unit: "requests",
        target: Target::AtMost(0.01),
    });
    table.row(&Figure {
        name: "limiter, beside a stranger: requests that passed of what is left",
        measured: f64::from(beside.passed),
        floor: beside.allowed(f64::from(beside.stranger.passed)) + BURST,
        unit: "requests",
        target: Target::AtLeast(0.9),
    });
    // A stranger who gets nothing spends nothing: the two rows above would then be those of an account of our own.
    table.row(&Figure {
        name: "limiter: the stranger's requests that passed",
        measured: f64::from(beside.stranger.passed),
        floor: f64::from(beside.stranger.asked),
        unit: "requests",
        target: Target::AtLeast(0.9),
    });
    for (name, run) in [
        ("limiter, alone: the lane farthest below its share", &alone),
        (
            "limiter, beside a stranger: the lane farthest below its share",
            &beside,
        ),
    ] {
        let (granted, share) = run.worst_lane();
        table.row(&Figure {
            name,
            measured: granted,
            floor: share,
            unit: "of all grants",
            target: Target::AtLeast(0.95),
        });
    }
}

/// What became of the requests of a while.
#[derive(Debug)]
struct Run {
    lasted: Duration,
    passed: u32,
    refused: u32,
    stranger: Stranger,
    granted: PerLane<u64>,
}

/// What became of the stranger's requests.
#[derive(Debug, Default, Clone, Copy)]
struct Stranger {
    asked: u32,
    passed: u32,
}

impl Run {
    /// Keeps all lanes busy for a while. Alone the burst is over when the counting begins; beside a stranger it
    /// begins with the first request, so that learning counts too.
    async fn of(lasts: Duration, beside: bool) -> Run {
        let sim = account::start(account::config(50, Some(RateLimit::default()))).await;
        let budget = Arc::new(Budget::new(BudgetConfig::default()));
        let counts = Arc::new(Mutex::new(HashMap::new()));
        let client = client(&sim, budget.clone(), counts.clone());
        let mut tasks = JoinSet::new();
        for lane in Lane::ALL.repeat(CALLERS) {
            tasks.spawn(call_for_ever(client.lane(lane)));
        }
        let stranger = Arc::new(Mutex::new(Stranger::default()));
        if beside {
            tasks.spawn(be_a_stranger(sim.base_url(), stranger.clone()));
        } else {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        let count = |status: u16| -> u32 {
            let counts = counts.lock().expect("nobody panics");
            counts.get(&status).copied().unwrap_or_default()
        };
        let before = (count(200), count(429), budget.snapshot().granted);
        let began = tokio::time::Instant::now();
        tokio::time::sleep(lasts).await;
        let after = budget.snapshot().granted;
        let run = Run {
            lasted: began.elapsed(),
            passed: count(200) - before.0,
            refused: count(429) - before.1,
            stranger: *stranger.lock().expect("nobody panics"),
            granted: PerLane::from_fn(|lane| after[lane] - before.2[lane]),
        };
        tasks.shutdown().await;
        sim.shutdown().await;
        run
    }

    /// What Lever has refilled, less what others took.
    fn allowed(&self, others: f64) -> f64 {
        self.lasted.as_secs_f64() * PER_SECOND - others
    }

    /// What the lane that came off worst was granted, and its share, as parts of all grants.
    fn worst_lane(&self) -> (f64, f64) {
        let all: u64 = Lane::ALL.iter().map(|lane| self.granted[*lane]).sum();
        Lane::ALL
            .iter()
            .map(|lane| {
                let granted = self.granted[*lane] as f64 / all as f64;
                (granted, f64::from(lane.share()) / 10.0)
            })
            .min_by(|one, other| (one.0 / one.1).total_cmp(&(other.0 / other.1)))
            .expect("there are lanes")
    }
}

/// A client that counts the answers of each status.
fn client(sim: &Sim, budget: Arc<Budget>, counts: Arc<Mutex<HashMap<u16, u32>>>) -> Client {
    let base_url = BaseUrl::parse(&sim.base_url()).expect("a URL");
    let credential = Credential::api_key(DEFAULT_KEY.into());
    let http = Http::new().expect("a pool");
    Client::new(http, base_url, credential, budget, Limits::default()).with_observer(Arc::new(
        move |attempt: &Attempt| {
            let status = attempt.status.unwrap_or_default();
            *counts
                .lock()
                .expect("nobody panics")
                .entry(status)
                .or_default() += 1;
        },
    ))
}

async fn call_for_ever(client: Client) {
    loop {
        // A call that was refused to the end is counted by its attempts.
        let _ = client.send(&ListStages::default()).await;
    }
}

/// Somebody else's program: so many requests a second, at no fixed beat, whatever is answered.
async fn be_a_stranger(base_url: String, seen: Arc<Mutex<Stranger>>) {
    let client = reqwest::Client::new();
    let mut random = Random(7);
    let mut next = tokio::time::Instant::now();
    loop {
        tokio::time::sleep_until(next).await;
        next += STRANGER_EVERY.mul_f64(0.5 + random.part());
        let request = client
            .get(format!("{base_url}/tags"))
            .basic_auth(DEFAULT_KEY, Some(""));
        let answer = request.send().await.expect("an answer");
        let mut seen = seen.lock().expect("nobody panics");
        seen.asked += 1;
        seen.passed += u32::from(answer.status().is_success());
    }
}

/// Numbers without a pattern, the same in every run (xorshift).
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn part(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
