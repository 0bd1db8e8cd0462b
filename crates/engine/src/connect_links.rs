//! Links by which somebody else connects an account: the one at the customer who may, without a token of ours.
//!
//! What a link is for was said by whoever made it; whoever follows it only gives the credential. It is used up by the
//! commit that stores the account, so that of several who follow it at once one succeeds, and by nothing else.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use domain::{Connection, ConnectionId, Environment, Stream};
use lever::Operation;
use lever::registry as r;
use secrecy::SecretString;
use store::{ConnectLink, ErrorKind as StoreErrorKind, LinkPurpose, LinkState, LinkUse};

use crate::connect::{Linker, NewConnection};
use crate::credential::{NewCredential, app, client};
use crate::engine::{Engine, disconnected_error};
use crate::error::{Error, Result};
use crate::read::list;

/// How many links may be open at once.
const MOST_OPEN: usize = 500;

/// Where Lever sends whoever has consented, below `server.public_url`.
pub const CONSENT_BACK: &str = "/connect/callback";

/// What is written to Lever beside what is read; a write scope includes reading (Lever: "OAuth").
const WRITES: [&Operation; 6] = [
    &r::ADD_OPPORTUNITY_TAGS,
    &r::CREATE_OPPORTUNITY_NOTE,
    &r::UPDATE_CONTACT,
    &r::UPLOAD_OPPORTUNITY_FILE,
    &r::APPLY_TO_POSTING,
    &r::UPLOAD_FILE,
];

/// The OAuth scopes to ask for, for an account of which these streams are kept.
///
/// Nothing of EEO responses unless they are kept, and never what is confidential.
pub fn consent_scopes(streams: &BTreeSet<Stream>) -> Vec<&'static str> {
    let reads = streams.iter().filter_map(|stream| list(*stream));
    let mut scopes: Vec<&'static str> = Vec::new();
    for scope in WRITES.into_iter().chain(reads).flat_map(|one| one.scopes) {
        let covered = scope.replace(":read:", ":write:");
        if !scopes.contains(scope) && !scopes.contains(&covered.as_str()) {
            scopes.push(scope);
        }
    }
    scopes.sort_unstable();
    scopes.push("offline_access");
    scopes
}

/// What a link would connect, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTarget {
    /// The name of the account for people.
    pub display_name: String,
    /// Which server it is on.
    pub environment: Environment,
    /// What is kept of it.
    pub streams: BTreeSet<Stream>,
    /// Whether secret notes are.
    pub secret_notes: bool,
}

impl Engine {
    /// Makes a link, which whoever makes it could follow as well.
    ///
    /// # Errors
    /// As [`Engine::link_account`] refuses the settings, or as [`Engine::rotate_credential`] refuses the connection;
    /// precondition while 500 links of the same token are open.
    pub async fn add_connect_link(&self, link: ConnectLink, linker: Option<&Linker>) -> Result<()> {
        match &link.purpose {
            LinkPurpose::New { .. } => {
                if let Some(new) = new_connection(&link.purpose) {
                    self.admissible(&new, linker).await?;
                }
            }
            LinkPurpose::Relink(id) => {
                let connection = self.connection(*id).await?;
                if let Some(disconnected) = &connection.disconnected {
                    return Err(disconnected_error(disconnected));
                }
            }
        }
        let stored = self.shared.store.create_connect_link(link, MOST_OPEN).await;
        if stored? {
            return Ok(());
        }
        Err(Error::precondition(
            "TOO_MANY_LINKS",
            format!(
                "{MOST_OPEN} connect links of your token are open: revoke some with RevokeConnectLink first"
            ),
            Vec::new(),
        ))
    }

    /// All links that are kept, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn connect_links(&self) -> Result<Vec<ConnectLink>> {
        Ok(self.shared.store.connect_links().await?)
    }

    /// The link with the secret of this SHA-256, also when it cannot be followed any more.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn connect_link(&self, hash: &[u8; 32]) -> Result<Option<ConnectLink>> {
        Ok(self.shared.store.connect_link(hash).await?)
    }

    /// Takes a link back, by the name of a token; one that has ended stays as it is.
    ///
    /// # Errors
    /// Not found.
    pub async fn revoke_connect_link(&self, link: &ConnectLink, by: String) -> Result<ConnectLink> {
        let (store, now) = (&self.shared.store, self.shared.clock.now());
        let revoked = store.revoke_connect_link(link.hash, now, by).await;
        revoked.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => Error::not_found("connect link", &link.id),
            _ => error.into(),
        })
    }

    /// Where a link stands now.
    pub fn state_of(&self, link: &ConnectLink) -> LinkState {
        link.state(self.shared.clock.now())
    }

    /// What a link would connect.
    ///
    /// # Errors
    /// Not found for a connection that was deleted since.
    pub async fn link_target(&self, link: &ConnectLink) -> Result<LinkTarget> {
        match &link.purpose {
            LinkPurpose::New {
                display_name,
                environment,
                ..
            } => Ok(LinkTarget {
                display_name: display_name.clone(),
                environment: environment.clone(),
                streams: Stream::DEFAULT.iter().copied().collect(),
                secret_notes: false,
            }),
            LinkPurpose::Relink(id) => {
                let connection = self.connection(*id).await?;
                Ok(LinkTarget {
                    display_name: connection.display_name,
                    environment: connection.environment,
                    streams: connection.streams,
                    secret_notes: connection.include_secret_notes,
                })
            }
        }
    }

    /// Connects the account of a link, or gives it the credential: once, whoever asks how often at the same time.
    ///
    /// It is done to the end, also when nobody waits for it any more.
    ///
    /// # Errors
    /// Precondition with reason `CONNECT_LINK_ENDED` for a link that is not open, and `ACCOUNT_CONNECTED` for an account
    /// that another connection has, which no link connects twice; else as [`Engine::link_account`] and
    /// [`Engine::rotate_credential`], after which the link is still open.
    pub async fn follow_connect_link(
        &self,
        link: ConnectLink,
        credential: NewCredential,
    ) -> Result<Connection> {
        let engine = self.clone();
        self.to_the_end(async move { engine.follow_now(&link, credential).await })
            .await
    }

    async fn follow_now(
        &self,
        link: &ConnectLink,
        credential: NewCredential,
    ) -> Result<Connection> {
        if self.state_of(link) != LinkState::Open {
            return Err(ended());
        }
        let by_link = LinkUse {
            hash: link.hash,
            at: self.shared.clock.now(),
        };
        let connection = match &link.purpose {
            LinkPurpose::Relink(id) => self.rotate_by(*id, credential, false, Some(by_link)).await,
            LinkPurpose::New { .. } => {
                let linker = self.linker_of(link).await?;
                let new = new_connection(&link.purpose).ok_or_else(ended)?;
                let linked = self.link_by(new, credential, linker.as_ref(), Some(by_link));
                linked.await.map(|linked| linked.connection)
            }
        }?;
        tracing::info!(connection = %connection.id, link = %link.id, made_by = %link.made_by, "connected by a link");
        Ok(connection)
    }

    /// Whoever made a link, where its token names connections.
    async fn linker_of(&self, link: &ConnectLink) -> Result<Option<Linker>> {
        if !link.scoped {
            return Ok(None);
        }
        let tokens = self.shared.store.tokens().await?;
        let maker = tokens.into_iter().find(|token| token.id == link.made_by);
        let sees: HashSet<ConnectionId> =
            maker.ok_or_else(ended)?.connections.into_iter().collect();
        Ok(Some(Linker {
            token: link.made_by.clone(),
            sees: Arc::new(sees),
        }))
    }

    /// Where Lever sends whoever has consented; none where accounts are linked by key only, or nobody reaches us.
    pub fn consent_back(&self) -> Option<String> {
        self.shared.settings.oauth.as_ref()?;
        Some(format!("{}{CONSENT_BACK}", self.public_url()?))
    }

    /// Where to send whoever is to consent to what a link is for.
    ///
    /// # Errors
    /// Precondition without an OAuth client or without `server.public_url`.
    pub fn consent_url(
        &self,
        target: &LinkTarget,
        state: &str,
        verifier: &SecretString,
    ) -> Result<String> {
        let client = client(&self.shared)?;
        let back = self.consent_back().ok_or_else(|| {
            Error::precondition(
                "PUBLIC_URL_NOT_CONFIGURED",
                "Lever must know where to send people back to: have the operator set server.public_url, or give an API key",
                Vec::new(),
            )
        })?;
        let app = app(client, &target.environment, back);
        let scopes = consent_scopes(&target.streams);
        Ok(app
            .authorize_url(&scopes, state, Some(verifier))
            .to_string())
    }
}

/// The account a link is for; none for one that is connected already.
fn new_connection(purpose: &LinkPurpose) -> Option<NewConnection> {
    let LinkPurpose::New {
        display_name,
        external_id,
        environment,
    } = purpose
    else {
        return None;
    };
    Some(NewConnection {
        display_name: display_name.clone(),
        external_id: external_id.clone(),
        environment: environment.clone(),
        streams: BTreeSet::new(),
        sync_start: None,
        include_archived: true,
        include_snoozed: true,
        default_acting_user: None,
        strict_acting_user: false,
        excluded_fields: BTreeSet::new(),
        include_secret_notes: false,
        webhooks: false,
        paused: false,
        signature_tokens: Vec::new(),
        restore: None,
        again: false,
    })
}

/// That a link is used, expired or revoked.
pub(crate) fn ended() -> Error {
    Error::precondition(
        "CONNECT_LINK_ENDED",
        "this link was used, has expired, or was taken back: ask for another",
        Vec::new(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_asked_for_what_is_kept_and_written_and_for_each_thing_once() {
        let all = consent_scopes(&Stream::DEFAULT.iter().copied().collect());
        assert_eq!(all.last(), Some(&"offline_access"));
        assert!(all.contains(&"opportunities:write:admin") && all.contains(&"stages:read:admin"));
        for needless in [
            "opportunities:read:admin",
            "notes:read:admin",
            "eeo_responses_pii:read:admin",
            "confidential:access:admin",
        ] {
            assert!(!all.contains(&needless), "{needless}");
        }
        let mut once = all.clone();
        once.dedup();
        assert_eq!(once, all);
        let few = consent_scopes(&BTreeSet::from([Stream::Users]));
        assert!(few.contains(&"users:read:admin") && !few.contains(&"stages:read:admin"));
    }
}
