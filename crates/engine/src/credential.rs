//! What opens an account at Lever: API keys, and OAuth grants that renew themselves.
//!
//! Callers give a key, a code or a refresh token; the store keeps a key or tokens; the client is given a credential
//! that keeps renewed tokens in the store before it uses them. A refresh token works once, so whoever replaces the
//! credential at the same time must not be overwritten: each renewal names the generation it follows. That a renewal
//! is under way is stored before Lever is asked, so that a grant lost to a kill is told from one that was taken back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use domain::{Connection, ConnectionId, Environment, Timestamp};
use futures::FutureExt;
use futures::future::BoxFuture;
use lever::oauth::{self, Authority, Keep, OAuthApp, OAuthCredential, SaveError, Tokens, Underway};
use lever::{Credential, Region};
use secrecy::{ExposeSecret, SecretString};
use store::{ErrorKind as StoreErrorKind, OAuthTokens, Store, StoredCredential};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::engine::{Engine, Shared};
use crate::error::{APP_REFUSED, Error, KEY_REJECTED, NO_AUTHORITY, Result, grant_refused_message};
use crate::link::{Link, lever_region};
use crate::settings::OAuthClient;

/// What a caller gives to open an account.
#[derive(Debug)]
pub enum NewCredential {
    /// Lever's API key.
    ApiKey(SecretString),
    /// Lever's word that an admin has consented.
    OAuth(OAuthGrant),
}

/// Lever's word that an admin has consented.
#[derive(Debug)]
pub enum OAuthGrant {
    /// The code that Lever sent the admin back with; it works once, for minutes.
    Code {
        /// The code.
        code: SecretString,
        /// Where Lever sent it, to the letter.
        redirect_uri: String,
        /// What it was asked with, so that nobody else can exchange it; none where that was asked without.
        verifier: Option<SecretString>,
    },
    /// A refresh token from an exchange made elsewhere.
    RefreshToken(SecretString),
}

/// How a connection proves itself to Lever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// With an API key.
    ApiKey,
    /// With OAuth.
    OAuth,
}

/// A credential as it is stored.
pub(crate) struct Obtained(store::Credential);

impl From<Obtained> for store::Credential {
    fn from(obtained: Obtained) -> store::Credential {
        obtained.0
    }
}

impl Obtained {
    /// What may be shown of it: nothing of a short key, or of a grant.
    pub(crate) fn last_four(&self) -> String {
        match &self.0 {
            store::Credential::ApiKey(key) => Credential::api_key(key.clone()).last_four(),
            store::Credential::OAuth(_) => String::new(),
        }
    }

    /// The key, where it is one.
    pub(crate) fn api_key(&self) -> Option<&SecretString> {
        match &self.0 {
            store::Credential::ApiKey(key) => Some(key),
            store::Credential::OAuth(_) => None,
        }
    }

    /// The same for one call that is made before it is stored: it renews nothing.
    pub(crate) fn for_a_trial(&self) -> Credential {
        match &self.0 {
            store::Credential::ApiKey(key) => Credential::api_key(key.clone()),
            store::Credential::OAuth(tokens) => Credential::bearer(tokens.access_token.clone()),
        }
    }

    /// Whether Lever has accepted it already.
    pub(crate) fn proved(&self) -> bool {
        matches!(self.0, store::Credential::OAuth(_))
    }
}

impl Engine {
    /// How a connection proves itself to Lever; none while it has no credential.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn credential_kind(&self, id: ConnectionId) -> Result<Option<CredentialKind>> {
        let stored = self.shared.store.credential(id).await?;
        Ok(stored.map(|stored| match stored.credential {
            store::Credential::ApiKey(_) => CredentialKind::ApiKey,
            store::Credential::OAuth(_) => CredentialKind::OAuth,
        }))
    }

    /// What to store of what a caller gives; a code or refresh token is used up by this.
    pub(crate) async fn obtain(
        &self,
        environment: &Environment,
        new: NewCredential,
    ) -> Result<Obtained> {
        match new {
            NewCredential::ApiKey(api_key) => {
                check_key(&api_key)?;
                Ok(Obtained(store::Credential::ApiKey(api_key)))
            }
            NewCredential::OAuth(grant) => {
                let client = client(&self.shared)?;
                let tokens = self.exchange(client, environment, grant).await?;
                Ok(Obtained(store::Credential::OAuth(tokens)))
            }
        }
    }

    async fn exchange(
        &self,
        client: &OAuthClient,
        environment: &Environment,
        grant: OAuthGrant,
    ) -> Result<OAuthTokens> {
        let (http, now) = (self.shared.clients.http(), self.shared.clock.now());
        let (tokens, given) = match grant {
            OAuthGrant::Code {
                code,
                redirect_uri,
                verifier,
            } => {
                let app = app(client, environment, redirect_uri);
                let code = code.expose_secret();
                let tokens = app.exchange(http, code, verifier.as_ref(), now).await;
                (tokens, None)
            }
            OAuthGrant::RefreshToken(token) => {
                let app = app(client, environment, String::new());
                (app.refresh(http, &token, now).await, Some(token))
            }
        };
        let mut tokens = tokens.map_err(not_granted)?;
        // An authority that does not rotate leaves the given one in force.
        tokens.refresh_token = tokens.refresh_token.or(given);
        let client = client.id.clone();
        to_store(tokens, client).ok_or_else(|| {
            Error::invalid(
                "oauth",
                "Lever gave no refresh token: ask for the scope offline_access when the admin consents",
            )
        })
    }
}

/// A credential ready for use.
pub(crate) struct Opened {
    pub(crate) credential: Credential,
    pub(crate) refusal: Refusal,
}

/// Whether Lever has refused to renew a credential for good: only another one helps then.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    why: Arc<OnceLock<&'static str>>,
    progress: watch::Sender<u64>,
}

impl Refusal {
    /// No refusal yet; one that comes is counted in `progress`, for who watches the status.
    fn none(progress: watch::Sender<u64>) -> Refusal {
        Refusal {
            why: Arc::default(),
            progress,
        }
    }

    /// What to say of it.
    pub(crate) fn why(&self) -> Option<&'static str> {
        self.why.get().copied()
    }

    fn note(&self, why: &'static str) {
        if self.why.set(why).is_ok() {
            self.progress.send_modify(|count| *count += 1);
        }
    }
}

/// The link of a connection, opened with what the store has for it.
pub(crate) async fn link(shared: &Arc<Shared>, connection: Connection) -> Result<Arc<Link>> {
    let progress = watch::Sender::new(0);
    let opened = open(shared, &connection, progress.clone()).await?;
    Link::new(connection, &shared.clients, opened, progress)
}

/// The credential of a connection, ready for use; `progress` counts what a watcher of the status should see.
pub(crate) async fn open(
    shared: &Arc<Shared>,
    connection: &Connection,
    progress: watch::Sender<u64>,
) -> Result<Opened> {
    let stored = shared.store.credential(connection.id).await?;
    let Some(StoredCredential {
        credential,
        generation,
        renewal_begun,
    }) = stored
    else {
        return Err(Error::invalid(
            "api_key",
            "the connection has no credential: RotateCredential (`fulcrum rotate-credential`) gives it one",
        ));
    };
    let refusal = Refusal::none(progress);
    let tokens = match credential {
        store::Credential::ApiKey(api_key) => {
            let credential = Credential::api_key(api_key);
            return Ok(Opened {
                credential,
                refusal,
            });
        }
        store::Credential::OAuth(tokens) => tokens,
    };
    if let Some(begun) = renewal_begun {
        tracing::warn!(
            connection = %connection.id, begun_at_ms = begun.as_millis(),
            "a renewal of the OAuth tokens was cut off: if Lever refuses them now, the account must be linked again"
        );
    }
    let client = client(shared)?;
    if tokens.client != client.id {
        return Err(Error::invalid(
            "oauth",
            "the account was linked with another OAuth client than lever.oauth_client_id: \
             set that one again, or link the account again",
        ));
    }
    let clock = shared.clock.clone();
    let grant = OAuthCredential::new(
        app(client, &connection.environment, String::new()),
        shared.clients.http().clone(),
        connection.id.to_string(),
        Tokens {
            access_token: tokens.access_token,
            refresh_token: Some(tokens.refresh_token),
            expires_at: tokens.expires_at,
            scopes: Vec::new(),
        },
        Arc::new(move || clock.now()),
        Arc::new(Keeper {
            store: shared.store.clone(),
            clock: shared.clock.clone(),
            renewals: shared.renewals.clone(),
            connection: connection.id,
            client: tokens.client,
            generation: AtomicU64::new(generation),
            noted: AtomicBool::new(renewal_begun.is_some()),
            refusal: refusal.clone(),
        }),
        renewal_begun.is_some(),
    );
    Ok(Opened {
        credential: Credential::oauth(grant),
        refusal,
    })
}

/// The renewals of OAuth tokens of all connections: a stop waits for those under way and lets none begin.
#[derive(Debug, Clone)]
pub(crate) struct Renewals {
    ended: CancellationToken,
    under_way: TaskTracker,
}

impl Renewals {
    /// Those that count among `tasks` while they are under way.
    pub(crate) fn among(tasks: TaskTracker) -> Renewals {
        Renewals {
            ended: CancellationToken::new(),
            under_way: tasks,
        }
    }

    /// None begins from here on.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Counts one that is about to begin; none once they have ended.
    fn begin(&self) -> Option<Underway> {
        // Taken before the look, so that a stop either sees it or is seen.
        let counted = self.under_way.token();
        (!self.ended.is_cancelled()).then(|| Box::new(counted) as Underway)
    }
}

/// Keeps renewed tokens, as long as they follow those that are stored.
struct Keeper {
    store: Store,
    clock: Clock,
    renewals: Renewals,
    connection: ConnectionId,
    client: String,
    generation: AtomicU64,
    /// Whether the store says that a renewal is under way.
    noted: AtomicBool,
    refusal: Refusal,
}

impl Keep for Keeper {
    fn begin(&self) -> BoxFuture<'_, Result<Underway, SaveError>> {
        async move {
            let underway = self.renewals.begin().ok_or("the service is stopping")?;
            if !self.noted.load(Ordering::Acquire) {
                self.note(Some(self.clock.now())).await?;
            }
            Ok(underway)
        }
        .boxed()
    }

    fn end(&self) -> BoxFuture<'_, ()> {
        async move {
            if let Err(error) = self.note(None).await {
                tracing::warn!(
                    connection = %self.connection, error = %crate::report(&error),
                    "the end of a renewal of OAuth tokens could not be noted"
                );
            }
        }
        .boxed()
    }

    fn refused(&self, unanswered: bool) {
        self.refusal.note(grant_refused_message(unanswered));
        tracing::warn!(connection = %self.connection, "Lever refuses to renew the OAuth tokens: link the account again");
    }

    fn keep(&self, tokens: Tokens) -> BoxFuture<'_, Result<(), SaveError>> {
        self.store_renewed(tokens).boxed()
    }
}

impl Keeper {
    async fn note(&self, begun: Option<Timestamp>) -> Result<(), store::Error> {
        let generation = self.generation.load(Ordering::Acquire);
        let noted = self.store.note_renewal(self.connection, generation, begun);
        noted.await?;
        self.noted.store(begun.is_some(), Ordering::Release);
        Ok(())
    }

    async fn store_renewed(&self, tokens: Tokens) -> Result<(), SaveError> {
        let tokens = to_store(tokens, self.client.clone()).ok_or("no refresh token")?;
        let expected = self.generation.load(Ordering::Acquire);
        let kept = self
            .store
            .rotate_oauth(self.connection, expected, tokens.clone())
            .await;
        let generation = match kept {
            Ok(generation) => generation,
            // The answer to an earlier try may have been lost.
            Err(error) if matches!(error.kind(), StoreErrorKind::Conflict) => {
                self.stored(&tokens).await?.ok_or(error)?
            }
            Err(error) => return Err(error.into()),
        };
        self.generation.store(generation, Ordering::Release);
        self.noted.store(false, Ordering::Release);
        Ok(())
    }

    /// The stored generation, if these are the stored tokens.
    async fn stored(&self, tokens: &OAuthTokens) -> Result<Option<u64>, SaveError> {
        let stored = self.store.credential(self.connection).await?;
        Ok(stored.and_then(|stored| match stored.credential {
            store::Credential::OAuth(known)
                if known.refresh_token.expose_secret() == tokens.refresh_token.expose_secret() =>
            {
                Some(stored.generation)
            }
            _ => None,
        }))
    }
}

fn to_store(tokens: Tokens, client: String) -> Option<OAuthTokens> {
    Some(OAuthTokens {
        access_token: tokens.access_token,
        expires_at: tokens.expires_at,
        refresh_token: tokens.refresh_token?,
        client,
    })
}

pub(crate) fn client(shared: &Shared) -> Result<&OAuthClient> {
    shared.settings.oauth.as_ref().ok_or_else(|| {
        Error::precondition(
            "OAUTH_NOT_CONFIGURED",
            "this service has no OAuth client: have the operator set lever.oauth_client_id and \
             lever.oauth_client_secret, or give an API key",
            Vec::new(),
        )
    })
}

pub(crate) fn app(
    client: &OAuthClient,
    environment: &Environment,
    redirect_uri: String,
) -> OAuthApp {
    let region = match environment {
        Environment::Region(region) => lever_region(*region),
        Environment::BaseUrl(_) => Region::Global,
    };
    let authority = match &client.authority {
        Some(base) => Authority::of(region).moved_to(base),
        None => Authority::of(region),
    };
    OAuthApp {
        client_id: client.id.clone(),
        client_secret: client.secret.clone(),
        redirect_uri,
        authority,
    }
}

/// Why there are no tokens.
fn not_granted(error: oauth::Error) -> Error {
    match error {
        oauth::Error::Refused { .. } => Error::precondition(
            KEY_REJECTED,
            "Lever refuses the code or refresh token: each works once, a code for minutes only and with the \
             redirect URI it was asked with; let the admin consent again",
            Vec::new(),
        ),
        oauth::Error::App { .. } => Error::precondition(KEY_REJECTED, APP_REFUSED, Vec::new()),
        oauth::Error::Nowhere => Error::precondition(KEY_REJECTED, NO_AUTHORITY, Vec::new()),
        oauth::Error::Unreachable { reason, .. } => Error::unavailable(format!(
            "Lever's authorization server did not answer as it should: {reason}; ask again"
        )),
        oauth::Error::Malformed | oauth::Error::NotBegun | oauth::Error::NotKept => {
            Error::unavailable(
                "Lever's authorization server did not answer as it should; ask again",
            )
        }
    }
}

fn check_key(api_key: &SecretString) -> Result<()> {
    let key = api_key.expose_secret();
    if key.is_empty() {
        return Err(Error::invalid(
            "api_key",
            "give the API key that Lever showed when it was made",
        ));
    }
    if key.len() > 1024 || !key.chars().all(|c| c.is_ascii_graphic()) || key.contains(':') {
        return Err(Error::invalid(
            "api_key",
            "this cannot be a Lever API key: it holds spaces, colons or other characters a key never has",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn what_is_no_key_is_refused_before_lever_is_asked() {
        for bad in ["", "two words", "user:key", "k\u{e4}se", "tab\t"] {
            assert!(
                check_key(&SecretString::from(bad.to_owned())).is_err(),
                "{bad:?}"
            );
        }
        assert!(check_key(&SecretString::from("abc123==/+".to_owned())).is_ok());
    }

    #[test]
    fn nothing_is_shown_of_a_short_key_or_of_a_grant() {
        let shown = |key: &str| Obtained(SecretString::from(key).into()).last_four();
        assert_eq!(shown("0123456789ab"), "89ab");
        assert_eq!(shown("0123456789a"), "");
        assert_eq!(Obtained(stored("a").into()).last_four(), "");
    }

    fn stored(name: &str) -> OAuthTokens {
        OAuthTokens {
            access_token: SecretString::from(format!("access-{name}")),
            expires_at: Timestamp::from_millis(5),
            refresh_token: SecretString::from(format!("refresh-{name}")),
            client: "main".to_owned(),
        }
    }

    fn renewed(name: &str) -> Tokens {
        Tokens {
            access_token: SecretString::from(format!("access-{name}")),
            refresh_token: Some(SecretString::from(format!("refresh-{name}"))),
            expires_at: Timestamp::from_millis(9),
            scopes: Vec::new(),
        }
    }

    #[tokio::test]
    async fn renewed_tokens_are_kept_one_after_the_other_and_never_over_a_new_credential() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = testing::store(folder.path()).await;
        let connection = testing::connection(&[], Timestamp::default());
        let id = connection.id;
        store
            .create_connection(connection, stored("1"))
            .await
            .unwrap();
        let tasks = TaskTracker::new();
        let keeper = || keeper(&store, id, &tasks);
        let first = keeper();
        first.keep(renewed("2")).await.unwrap();
        // As if the answer of the store had been lost: the same tokens again.
        first.keep(renewed("2")).await.unwrap();
        first.keep(renewed("3")).await.unwrap();
        keeper().keep(renewed("3")).await.unwrap();
        store
            .replace_credential(id, stored("other"), String::new(), Timestamp::default())
            .await
            .unwrap();
        assert!(first.keep(renewed("4")).await.is_err());
        assert!(
            first.begin().await.is_err(),
            "the credential is another one"
        );
        let kept = store.credential(id).await.unwrap().unwrap().credential;
        let store::Credential::OAuth(kept) = kept else {
            panic!("a key")
        };
        assert_eq!(kept.refresh_token.expose_secret(), "refresh-other");
    }

    fn keeper(store: &Store, connection: ConnectionId, tasks: &TaskTracker) -> Keeper {
        Keeper {
            store: store.clone(),
            clock: Clock::system(),
            renewals: Renewals::among(tasks.clone()),
            connection,
            client: "main".to_owned(),
            generation: AtomicU64::new(0),
            noted: AtomicBool::new(false),
            refusal: Refusal::none(watch::Sender::new(0)),
        }
    }

    #[tokio::test]
    async fn a_refusal_stays_and_is_told_once_to_who_watches() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = testing::store(folder.path()).await;
        let id = testing::connection(&[], Timestamp::default()).id;
        let keeper = keeper(&store, id, &TaskTracker::new());
        let refusal = keeper.refusal.clone();
        let mut watcher = refusal.progress.subscribe();
        assert_eq!(refusal.why(), None);
        keeper.refused(true);
        assert_eq!(refusal.why(), Some(grant_refused_message(true)));
        assert!(watcher.has_changed().unwrap());
        watcher.mark_unchanged();
        keeper.refused(false);
        assert_eq!(refusal.why(), Some(grant_refused_message(true)));
        assert!(!watcher.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_renewal_is_noted_before_it_begins_until_it_has_ended() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = testing::store(folder.path()).await;
        let connection = testing::connection(&[], Timestamp::default());
        let id = connection.id;
        store
            .create_connection(connection, stored("1"))
            .await
            .unwrap();
        let noted = async || {
            let stored = store.credential(id).await.unwrap().unwrap();
            stored.renewal_begun.is_some()
        };
        let tasks = TaskTracker::new();
        let keeper = keeper(&store, id, &tasks);
        let underway = keeper.begin().await.unwrap();
        assert!(noted().await && !tasks.is_empty());
        keeper.end().await;
        assert!(!noted().await);
        drop(underway);
        assert!(tasks.is_empty());
        drop(keeper.begin().await.unwrap());
        assert!(noted().await, "nobody knows how it went");
        keeper.keep(renewed("2")).await.unwrap();
        assert!(!noted().await);

        keeper.renewals.end();
        assert!(keeper.begin().await.is_err(), "a stop has begun");
        assert!(!noted().await && tasks.is_empty());
    }
}
