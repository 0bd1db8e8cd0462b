//! The tokens of one account, renewed when they are about to end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Error, OAuthApp, Tokens};
use crate::client::Http;
use crate::time::Timestamp;

/// How long before its end an access token is renewed; one that lives shortly, at half its life.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// How long a token that still works is used before a failed renewal is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// A clock, as an argument.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why new tokens could not be kept.
pub type SaveError = Box<dyn std::error::Error + Send + Sync>;

/// Is held while a renewal is under way: whoever ends the process waits until it is dropped.
pub type Underway = Box<dyn Send>;

/// Where tokens outlive the process.
pub trait Keep: Send + Sync {
    /// Takes durable note that the refresh token is about to be given away.
    ///
    /// # Errors
    /// If it must not be now; nothing is asked then.
    fn begin(&self) -> BoxFuture<'_, Result<Underway, SaveError>>;

    /// Takes note that the renewal gave no tokens for sure, so that the refresh token was not used up by it.
    fn end(&self) -> BoxFuture<'_, ()>;

    /// Takes note that no renewal will be granted any more: only connecting the account again helps. The access token
    /// may work to its end. `unanswered` says that a renewal before was begun and never answered.
    fn refused(&self, unanswered: bool);

    /// Keeps new tokens. The old refresh token is dead by then, so it must not lie.
    ///
    /// # Errors
    /// If they could not be kept; it is asked again before they are used.
    fn keep(&self, tokens: Tokens) -> BoxFuture<'_, Result<(), SaveError>>;
}

/// Access to one account that renews itself. Cheap to clone; clones share tokens and refresher.
#[derive(Clone)]
pub struct OAuthCredential(Arc<Grant>);

struct Grant {
    app: OAuthApp,
    http: Http,
    account: String,
    clock: Clock,
    keeper: Arc<dyn Keep>,
    state: Arc<Mutex<State>>,
    /// How many renewals have ended; lets those who waited for one share its failure.
    renewals: AtomicU64,
}

struct State {
    tokens: Tokens,
    /// How long before its end the access token is renewed.
    early: Duration,
    /// Whether the caller does not have these tokens yet.
    unkept: bool,
    /// Whether a renewal was begun that nobody knows the answer to: the refresh token may be used up.
    unanswered: bool,
    /// Whether Lever refused the access token.
    refused: bool,
    /// How the last renewal failed, and when; none after a success.
    failed: Option<(Error, Timestamp)>,
}

impl OAuthCredential {
    /// Access with `tokens`, which the caller has kept. `account` names the account; it tells rate budgets apart, so
    /// it must stay the same for the same account. `unanswered` says that a renewal with these tokens was begun by a
    /// process that did not live to see its end.
    pub fn new(
        app: OAuthApp,
        http: Http,
        account: impl Into<String>,
        tokens: Tokens,
        clock: Clock,
        keeper: Arc<dyn Keep>,
        unanswered: bool,
    ) -> OAuthCredential {
        OAuthCredential(Arc::new(Grant {
            app,
            http,
            account: account.into(),
            clock,
            keeper,
            state: Arc::new(Mutex::new(State {
                tokens,
                early: EARLY,
                unkept: false,
                unanswered,
                refused: false,
                failed: None,
            })),
            renewals: AtomicU64::new(0),
        }))
    }

    /// The name of the account.
    pub fn account(&self) -> &str {
        &self.0.account
    }

    /// An access token that works, renewed if need be.
    ///
    /// Only one caller renews; the others wait and share how it went. A renewal goes on when the caller that began it
    /// is gone: half done it would leave the account without a refresh token.
    ///
    /// # Errors
    /// Why there is none. While the old token still works a failed renewal is no error.
    pub async fn access_token(&self) -> Result<SecretString, Error> {
        let seen = self.0.renewals.load(Ordering::Acquire);
        let state = Arc::clone(&self.0.state).lock_owned().await;
        let renewed_meanwhile = self.0.renewals.load(Ordering::Acquire) != seen;
        match state.next((self.0.clock)(), renewed_meanwhile) {
            Next::Use => Ok(state.tokens.access_token.clone()),
            Next::Fail(error) => Err(error),
            Next::Renew => {
                let grant = Arc::clone(&self.0);
                let renewal = tokio::spawn(async move { grant.renew(state).await });
                renewal.await.unwrap_or(Err(Error::NotKept))
            }
        }
    }

    /// Takes note that Lever refused the access token, if it is the present one.
    pub(crate) async fn refused(&self, is_it: impl Fn(&SecretString) -> bool) {
        let mut state = self.0.state.lock().await;
        if is_it(&state.tokens.access_token) {
            state.refused = true;
        }
    }
}

impl fmt::Debug for OAuthCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthCredential")
            .field("account", &self.0.account)
            .finish_non_exhaustive()
    }
}

/// What to do for somebody who wants an access token.
enum Next {
    Use,
    Renew,
    Fail(Error),
}

impl State {
    fn next(&self, now: Timestamp, renewed_meanwhile: bool) -> Next {
        let works = self.works(now);
        if works && now < self.tokens.expires_at.minus(self.early) {
            return Next::Use;
        }
        let Some((error, at)) = &self.failed else {
            return Next::Renew;
        };
        let recent = now.since(*at) < PAUSE;
        let settled = error.needs_reconnect() || renewed_meanwhile || (works && recent);
        match (settled, works) {
            (false, _) => Next::Renew,
            (true, true) => Next::Use,
            (true, false) => Next::Fail(error.clone()),
        }
    }

    /// Whether the access token opens the account and the caller has its successor.
    fn works(&self, now: Timestamp) -> bool {
        !self.refused && !self.unkept && now < self.tokens.expires_at
    }
}

impl Grant {
    async fn renew(&self, mut state: OwnedMutexGuard<State>) -> Result<SecretString, Error> {
        let result = self.renewed(&mut state).await;
        let now = (self.clock)();
        state.failed = result.as_ref().err().map(|error| (error.clone(), now));
        self.renewals.fetch_add(1, Ordering::Release);
        if let Err(Error::Refused { unanswered, .. }) = result {
            self.keeper.refused(unanswered);
        }
        match result {
            Err(error) if !state.works(now) => Err(error),
            Ok(()) | Err(_) => Ok(state.tokens.access_token.clone()),
        }
    }

    async fn renewed(&self, state: &mut State) -> Result<(), Error> {
        let _underway = if state.unkept {
            None
        } else {
            let underway = self.keeper.begin().await;
            let underway = underway.map_err(|_| Error::NotBegun)?;
            self.ask(state).await?;
            Some(underway)
        };
        let kept = self.keeper.keep(state.tokens.clone()).await;
        kept.map_err(|_| Error::NotKept)?;
        state.unkept = false;
        Ok(())
    }

    /// Gives the refresh token away for new tokens.
    async fn ask(&self, state: &mut State) -> Result<(), Error> {
        let old = state.tokens.refresh_token.clone();
        let refresh_token = old.ok_or_else(|| Error::Refused {
            code: "no refresh token".to_owned(),
            unanswered: false,
        })?;
        let unanswered_before = std::mem::replace(&mut state.unanswered, true);
        let now = (self.clock)();
        let new = match self.app.refresh(&self.http, &refresh_token, now).await {
            Ok(new) => new,
            Err(Error::Refused { code, .. }) if unanswered_before => {
                return Err(Error::Refused {
                    code,
                    unanswered: true,
                });
            }
            Err(error) => {
                if error.gave_nothing() && !unanswered_before {
                    state.unanswered = false;
                    self.keeper.end().await;
                }
                return Err(error);
            }
        };
        state.early = EARLY.min(new.expires_at.since(now) / 2);
        state.tokens = Tokens {
            // An authority that does not rotate leaves the old one in force.
            refresh_token: new.refresh_token.or(Some(refresh_token)),
            ..new
        };
        state.refused = false;
        state.unanswered = false;
        state.unkept = true;
        Ok(())
    }
}
