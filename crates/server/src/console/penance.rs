//! Slows down whoever guesses secrets.

use std::time::Duration;

use tokio::sync::Semaphore;

/// How long a wrong secret waits for its answer.
const PENANCE: Duration = Duration::from_secs(1);

/// How many wrong secrets wait at a time; more are turned away at once. A right one never waits.
static PENITENTS: Semaphore = Semaphore::const_new(8);

/// Waits as long as a wrong secret has to; false at once where too many wait already.
pub(super) async fn penance() -> bool {
    let Ok(_waits) = PENITENTS.try_acquire() else {
        return false;
    };
    tokio::time::sleep(PENANCE).await;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_wait_and_the_others_are_turned_away() {
        let all = futures::future::join_all((0..12).map(|_| penance())).await;
        let waited = all.iter().filter(|waited| **waited).count();
        assert!((1..=8).contains(&waited), "{waited} waited");
    }
}
