//! Slows down whoever guesses secrets.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::Markup;
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

/// What whoever is turned away is told, and in how many seconds to come back: when those who wait now have their answers.
pub(super) fn turned_away(page: Markup) -> Response {
    let again = [(header::RETRY_AFTER, "2")];
    (StatusCode::TOO_MANY_REQUESTS, again, page).into_response()
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
