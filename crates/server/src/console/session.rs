//! Who is signed in, in which browser.
//!
//! Sessions live in memory: a restart signs everybody out. A session keeps the hash of the token it was begun with,
//! which is looked up anew with every request, so that a token that was revoked or has expired ends it at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::{Error, Result};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The cookie with the secret of a session.
pub(super) const COOKIE: &str = "fulcrum_session";

/// How long a session lasts that nobody uses.
const IDLE: Duration = Duration::from_secs(8 * 3600);

/// How long a session lasts at most.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The most sessions at a time; the one that was idle longest makes room.
const MOST: usize = 2_000;

pub(super) type Hash = [u8; 32];

/// A session, as a request finds it.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The hash of the token it was begun with; none where the service has no tokens.
    pub(super) token: Option<Hash>,
    /// What forms carry to prove that they come from a page of this session.
    pub(super) csrf: String,
    /// Is cancelled when the session has ended.
    pub(super) over: CancellationToken,
}

/// How long what was done is worth telling. A page that could not be shown, as one that was refused, tells it later.
const NEWS: Duration = Duration::from_secs(60);

/// The sessions there are, by the hash of their secret.
#[derive(Default)]
pub(super) struct Sessions {
    all: Mutex<HashMap<Hash, Held>>,
    /// What forms carry where the service has no tokens; none has every session make up its own.
    anybody: Option<String>,
}

/// What the page at an address is to say.
#[derive(Debug)]
struct Said {
    path: String,
    text: String,
    at: Instant,
}

#[derive(Debug)]
struct Held {
    session: Session,
    /// What a page says first.
    said: Option<Said>,
    began: Instant,
    used: Instant,
    /// Whoever waits for the end of the session hears of it when this goes.
    _over: DropGuard,
}

impl Held {
    fn lasts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) < IDLE
            && now.saturating_duration_since(self.began) < LONGEST
    }
}

impl Sessions {
    /// None yet. Where the service has no tokens, forms carry what follows from this secret, which outlasts the process
    /// as a token does.
    pub(super) fn new(lasting: Option<[u8; 24]>) -> Sessions {
        Sessions {
            all: Mutex::default(),
            anybody: lasting.map(|secret| URL_SAFE_NO_PAD.encode(secret)),
        }
    }

    /// Begins a session; gives the secret for its cookie.
    ///
    /// # Errors
    /// If the operating system gives no random numbers.
    pub(super) fn begin(&self, token: Option<Hash>) -> Result<(String, Session)> {
        let (secret, csrf) = (secret()?, self.proof(token)?);
        let over = CancellationToken::new();
        let _over = over.clone().drop_guard();
        let session = Session { token, csrf, over };
        let now = Instant::now();
        let mut all = self.all();
        all.retain(|_, held| held.lasts(now));
        if all.len() >= MOST {
            let idlest = all.iter().min_by_key(|(_, held)| held.used);
            if let Some(id) = idlest.map(|(id, _)| *id) {
                all.remove(&id);
            }
        }
        let held = Held {
            session: session.clone(),
            said: None,
            began: now,
            used: now,
            _over,
        };
        all.insert(hash(&secret), held);
        Ok((secret, session))
    }

    /// The session of a cookie's secret, as long as it lasts.
    pub(super) fn find(&self, secret: &str) -> Option<Session> {
        let now = Instant::now();
        let mut all = self.all();
        let held = all.get_mut(&hash(secret)).filter(|held| held.lasts(now))?;
        held.used = now;
        Some(held.session.clone())
    }

    /// Ends a session.
    pub(super) fn end(&self, secret: &str) {
        self.all().remove(&hash(secret));
    }

    /// Has the page at an address say something, which a session is sent to now.
    pub(super) fn say(&self, secret: &str, address: &str, text: String) {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        if let Some(held) = self.all().get_mut(&hash(secret)) {
            held.said = Some(Said {
                path: path.to_owned(),
                text,
                at: Instant::now(),
            });
        }
    }

    /// What the page at a path is to say, once; other pages of the session, in other tabs, have nothing of it.
    pub(super) fn said(&self, secret: &str, path: &str) -> Option<String> {
        let mut all = self.all();
        let said = &mut all.get_mut(&hash(secret))?.said;
        let told = said.take_if(|said| said.path == path)?;
        let fresh = Instant::now().saturating_duration_since(told.at) < NEWS;
        fresh.then_some(told.text)
    }

    /// What forms carry. It is the same in all sessions of a token, so that a form that was being filled in when its
    /// session ended can still be sent from the next one; the hash of a token is told to nobody, and neither is the
    /// secret of the store, so nobody else can make it.
    fn proof(&self, token: Option<Hash>) -> Result<String> {
        let Some(token) = token else {
            return self.anybody.clone().map_or_else(secret, Ok);
        };
        let digest = Sha256::new()
            .chain_update("form of the console")
            .chain_update(token);
        Ok(URL_SAFE_NO_PAD.encode(digest.finalize()))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Hash, Held>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// A secret that nobody guesses.
pub(super) fn secret() -> Result<String> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| {
        Error::unavailable("the operating system gives no random numbers: try again")
    })?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_it_is_idle_too_long_and_after_a_day_in_any_case() {
        let sessions = Sessions::default();
        let (secret, begun) = sessions.begin(Some([7; 32])).unwrap();
        assert_eq!(sessions.find(&secret).unwrap().csrf, begun.csrf);
        for _ in 0..3 {
            tokio::time::advance(IDLE - Duration::from_secs(1)).await;
            let found = sessions.find(&secret);
            assert_eq!(found.unwrap().token, Some([7; 32]));
        }
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(sessions.find(&secret).is_none(), "a day has passed");

        let (secret, _) = sessions.begin(None).unwrap();
        tokio::time::advance(IDLE).await;
        assert!(sessions.find(&secret).is_none(), "idle for too long");
    }

    #[test]
    fn forms_of_a_token_outlast_its_session_and_no_other_token_has_them() {
        let proof = |token| Sessions::default().begin(token).unwrap().1.csrf;
        assert_eq!(proof(Some([7; 32])), proof(Some([7; 32])));
        assert_ne!(proof(Some([7; 32])), proof(Some([8; 32])));
        assert_ne!(proof(None), proof(None));
        // Without tokens the store stands for them.
        let stored = |secret| Sessions::new(Some(secret)).begin(None).unwrap().1.csrf;
        assert_eq!(stored([7; 24]), stored([7; 24]));
        assert_ne!(stored([7; 24]), stored([8; 24]));
    }

    #[tokio::test(start_paused = true)]
    async fn the_idlest_session_makes_room() {
        let sessions = Sessions::default();
        let (first, _) = sessions.begin(None).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let (second, _) = sessions.begin(None).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        sessions.find(&first).unwrap();
        for _ in 2..=MOST {
            sessions.begin(None).unwrap();
        }
        assert!(sessions.find(&first).is_some());
        assert!(sessions.find(&second).is_none());
    }

    #[test]
    fn a_page_says_what_was_done_once() {
        let sessions = Sessions::default();
        let (secret, _) = sessions.begin(None).unwrap();
        sessions.say(&secret, "/a?x=1", "done".to_owned());
        assert_eq!(sessions.said(&secret, "/b"), None, "another tab");
        assert_eq!(sessions.said("another", "/a"), None);
        assert_eq!(sessions.said(&secret, "/a").as_deref(), Some("done"));
        assert_eq!(sessions.said(&secret, "/a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_done_a_while_ago_is_no_news() {
        let sessions = Sessions::default();
        let (secret, _) = sessions.begin(None).unwrap();
        sessions.say(&secret, "/a", "done".to_owned());
        tokio::time::advance(NEWS).await;
        assert_eq!(sessions.said(&secret, "/a"), None);
    }
}
