//! Who is at Lever's consent page just now, and in which browser.
//!
//! Kept in memory: a restart in the middle has people begin again, with the same link. What comes back counts in the
//! browser that was sent there, once, and for ten minutes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Result;
use secrecy::SecretString;
use tokio::time::Instant;

use super::session::{Hash, hash, secret};

/// The cookie that binds what comes back to a browser.
pub(super) const COOKIE: &str = "fulcrum_connect";

/// How long somebody may take to consent.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The most who are there at a time; whoever went first makes room.
const MOST: usize = 1_000;

/// Those who are at Lever's consent page, by the hash of their `state`.
#[derive(Debug, Default)]
pub(super) struct Consents(Mutex<HashMap<Hash, Waiting>>);

#[derive(Debug)]
struct Waiting {
    /// The hash of the cookie of the browser.
    browser: Hash,
    errand: Errand,
    since: Instant,
}

/// What somebody was sent to Lever for.
#[derive(Debug)]
pub(super) struct Errand {
    /// The secret of the link that is followed.
    pub(super) link: SecretString,
    /// What the code is exchanged with.
    pub(super) verifier: SecretString,
}

/// What somebody is sent to Lever with.
pub(super) struct Sent {
    /// For the consent page, which gives it back.
    pub(super) state: String,
    /// For the cookie.
    pub(super) browser: String,
    /// For the consent page, hashed.
    pub(super) verifier: SecretString,
}

impl Consents {
    /// Takes note that somebody is sent to Lever.
    ///
    /// # Errors
    /// If the operating system gives no random numbers.
    pub(super) fn begin(&self, link: &str) -> Result<Sent> {
        let (state, browser, verifier) = (secret()?, secret()?, SecretString::from(secret()?));
        let waiting = Waiting {
            browser: hash(&browser),
            errand: Errand {
                link: link.into(),
                verifier: verifier.clone(),
            },
            since: Instant::now(),
        };
        let mut all = self.all();
        all.retain(|_, waiting| waiting.since.elapsed() < PATIENCE);
        if all.len() >= MOST {
            let first = all.iter().min_by_key(|(_, waiting)| waiting.since);
            if let Some(state) = first.map(|(state, _)| *state) {
                all.remove(&state);
            }
        }
        all.insert(hash(&state), waiting);
        Ok(Sent {
            state,
            browser,
            verifier,
        })
    }

    /// What somebody was sent for who comes back, once; none for another browser, which changes nothing.
    pub(super) fn end(&self, state: &str, browser: &str) -> Option<Errand> {
        let mut all = self.all();
        let state = hash(state);
        let fits = all.get(&state).is_some_and(|waiting| {
            waiting.browser == hash(browser) && waiting.since.elapsed() < PATIENCE
        });
        fits.then(|| all.remove(&state))?
            .map(|waiting| waiting.errand)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Hash, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_counts_once_in_its_browser_and_for_ten_minutes() {
        let consents = Consents::default();
        let sent = consents.begin("fcl_x").unwrap();
        let other = consents.begin("fcl_y").unwrap();
        assert!(consents.end(&sent.state, &other.browser).is_none());
        assert!(consents.end(&sent.state, "").is_none());
        let errand = consents.end(&sent.state, &sent.browser).unwrap();
        assert_eq!(errand.link.expose_secret(), "fcl_x");
        assert_eq!(
            errand.verifier.expose_secret(),
            sent.verifier.expose_secret()
        );
        assert!(consents.end(&sent.state, &sent.browser).is_none(), "once");
        tokio::time::advance(PATIENCE).await;
        assert!(consents.end(&other.state, &other.browser).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_than_fit() {
        let consents = Consents::default();
        let first = consents.begin("fcl_first").unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..MOST {
            consents.begin("fcl_x").unwrap();
        }
        assert_eq!(consents.all().len(), MOST);
        assert!(consents.end(&first.state, &first.browser).is_none());
    }
}
