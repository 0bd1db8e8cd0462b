//! How long calls take, one after the other or several at once.

use std::time::{Duration, Instant};

use futures::StreamExt;

/// What calls took.
#[derive(Debug)]
pub(crate) struct Timed {
    /// Of each call, the shortest first.
    each: Vec<Duration>,
    /// Of all together.
    together: Duration,
}

/// Makes so many calls, `at_once` of them under way at any time; `call` is told which one it is.
pub(crate) async fn timed<F: Future<Output = ()>>(
    calls: usize,
    at_once: usize,
    call: impl Fn(usize) -> F,
) -> Timed {
    let began = Instant::now();
    let running = futures::stream::iter(0..calls).map(|number| {
        let call = call(number);
        async move {
            let began = Instant::now();
            call.await;
            began.elapsed()
        }
    });
    let mut each: Vec<Duration> = running.buffer_unordered(at_once).collect().await;
    each.sort();
    Timed {
        each,
        together: began.elapsed(),
    }
}

impl Timed {
    /// Of calls that were made one after the other.
    pub(crate) fn of(mut each: Vec<Duration>) -> Timed {
        each.sort();
        Timed {
            together: each.iter().sum(),
            each,
        }
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.each.len()
    }

    /// Milliseconds that `percent` of the calls took at most.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let place = (self.each.len() * percent).div_ceil(100).saturating_sub(1);
        self.each[place].as_secs_f64() * 1e3
    }

    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.each.len() as f64 / self.together.as_secs_f64()
    }
}

impl std::fmt::Display for Timed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (half, most) = (self.percentile(50), self.percentile(99));
        write!(
            f,
            "p50 {half:.2} ms, p99 {most:.2} ms, {:.0} a second",
            self.rate()
        )
    }
}
