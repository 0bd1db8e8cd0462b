//! Credentials: what opens an account at Lever, sealed.

use std::fmt;

use domain::{Connection, ConnectionId};
use lever::Timestamp;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::connections;
use crate::draft::Draft;
use crate::error::Error;
use crate::format::{CredentialForm, SealedCredential, key, open_credential, plain_credential};
use crate::ring::Ring;
use crate::store::Store;
use crate::table::Table;
use crate::webhooks;

/// What values of the first format are sealed for: the text of an API key.
const API_KEY: &str = "lever api key";
const CREDENTIAL: &str = "lever credential";

/// What opens an account at Lever.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A key from Lever's page of API credentials.
    ApiKey(SecretString),
    /// What an OAuth grant gave.
    OAuth(OAuthTokens),
}

/// The tokens of an OAuth grant.
#[derive(Clone)]
pub struct OAuthTokens {
    /// Goes with each call.
    pub access_token: SecretString,
    /// When the access token stops working.
    pub expires_at: Timestamp,
    /// Is given for the next pair of tokens, once.
    pub refresh_token: SecretString,
    /// The name of the client key in the configuration that the grant was made with.
    pub client: String,
}

/// A credential and how often it was replaced.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    /// The credential.
    pub credential: Credential,
    /// Counts replacements; [`Store::rotate_oauth`] asks for it.
    pub generation: u64,
    /// When a renewal of its tokens was begun, by [`Store::note_renewal`]; none once it has ended.
    pub renewal_begun: Option<Timestamp>,
}

/// What a connection is stored with and never shown.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// What opens the account.
    pub credential: Credential,
    /// The signature tokens of webhooks that were made by hand in Lever.
    pub signature_tokens: Vec<SecretString>,
}

impl<C: Into<Credential>> From<C> for Secrets {
    fn from(credential: C) -> Self {
        Self {
            credential: credential.into(),
            signature_tokens: Vec::new(),
        }
    }
}

impl fmt::Debug for OAuthTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthTokens")
            .field("expires_at", &self.expires_at)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl From<SecretString> for Credential {
    fn from(api_key: SecretString) -> Self {
        Credential::ApiKey(api_key)
    }
}

impl From<OAuthTokens> for Credential {
    fn from(tokens: OAuthTokens) -> Self {
        Credential::OAuth(tokens)
    }
}

impl Store {
    /// Opens the credential of a connection; none for one that is disconnected or does not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Unsealed`](crate::ErrorKind::Unsealed) when it was altered.
    pub async fn credential(&self, id: ConnectionId) -> Result<Option<StoredCredential>, Error> {
        let stored: Option<SealedCredential> = self
            .tables()
            .get(Table::Credentials, &key::connection(id))?;
        stored
            .map(|stored| self.open_credential(id, &stored))
            .transpose()
    }

    /// Opens the API key of a connection; none where the credential is of another kind.
    ///
    /// # Errors
    /// As [`Store::credential`].
    pub async fn api_key(&self, id: ConnectionId) -> Result<Option<SecretString>, Error> {
        Ok(match self.credential(id).await? {
            Some(StoredCredential {
                credential: Credential::ApiKey(api_key),
                ..
            }) => Some(api_key),
            _ => None,
        })
    }

    /// Replaces the API key; mappings, cursors and mirror stay. Gives the connection with its new revision.
    ///
    /// # Errors
    /// As [`Store::replace_credential`].
    pub async fn replace_api_key(
        &self,
        id: ConnectionId,
        api_key: SecretString,
        last_four: String,
        at: Timestamp,
    ) -> Result<Connection, Error> {
        self.replace_credential(id, api_key, last_four, at).await
    }

    /// Replaces the credential by one of any kind; mappings, cursors and mirror stay.
    ///
    /// `last_four` are the characters people recognize a key by; empty for an OAuth grant. `at` is now.
    /// Gives the connection with its new revision.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection, or when it is disconnected.
    pub async fn replace_credential(
        &self,
        id: ConnectionId,
        credential: impl Into<Credential>,
        last_four: String,
        at: Timestamp,
    ) -> Result<Connection, Error> {
        self.replace_credential_with(id, credential, last_four, at, |_| Ok(()))
            .await
    }

    /// The same, together with something else that is to be stored or refused in the same step.
    pub(crate) async fn replace_credential_with(
        &self,
        id: ConnectionId,
        credential: impl Into<Credential>,
        last_four: String,
        at: Timestamp,
        also: impl FnOnce(&mut Draft<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<Connection, Error> {
        let (ring, credential) = (self.ring().clone(), credential.into());
        self.commit(move |draft| {
            draft.require_connection(id)?;
            also(draft)?;
            let key = key::connection(id);
            let before: Option<SealedCredential> = draft.get(Table::Credentials, &key)?;
            let sealed = seal_credential(&ring, id, &credential)?.after(before.as_ref());
            draft.put(Table::Credentials, key, &sealed);
            let stored = connections::stored(draft, id)?;
            Ok(connections::save(
                draft,
                Connection {
                    key_last_four: last_four,
                    credential_since: Some(at),
                    ..stored
                },
            ))
        })
        .await
    }

    /// Stores the tokens that a refresh gave, if nobody has replaced the credential since it was read.
    ///
    /// The settings and their revision stay. Gives the new generation.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when `generation` is no longer the stored one,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without a credential; nothing is written.
    pub async fn rotate_oauth(
        &self,
        id: ConnectionId,
        generation: u64,
        tokens: OAuthTokens,
    ) -> Result<u64, Error> {
        let (ring, credential) = (self.ring().clone(), Credential::OAuth(tokens));
        self.commit(move |draft| {
            let before = of_generation(draft, id, generation)?;
            let sealed = seal_credential(&ring, id, &credential)?.after(Some(&before));
            draft.put(Table::Credentials, key::connection(id), &sealed);
            Ok(sealed.generation)
        })
        .await
    }

    /// Notes that a renewal of OAuth tokens is about to begin, or, with none, that it has ended without new ones.
    ///
    /// Generation and tokens stay. Any other credential that is stored later carries no such note.
    ///
    /// # Errors
    /// As [`Store::rotate_oauth`].
    pub async fn note_renewal(
        &self,
        id: ConnectionId,
        generation: u64,
        begun: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            let noted = SealedCredential {
                renewal_begun: begun,
                ..of_generation(draft, id, generation)?
            };
            draft.put(Table::Credentials, key::connection(id), &noted);
            Ok(())
        })
        .await
    }

    fn open_credential(
        &self,
        id: ConnectionId,
        stored: &SealedCredential,
    ) -> Result<StoredCredential, Error> {
        let purpose = stored.purpose();
        let plain = Zeroizing::new(self.unseal(purpose, id.as_bytes(), &stored.sealed)?);
        let credential = match stored.form {
            CredentialForm::ApiKeyText => std::str::from_utf8(&plain)
                .ok()
                .map(|text| Credential::ApiKey(SecretString::from(text))),
            CredentialForm::Message => open_credential(&plain),
        };
        Ok(StoredCredential {
            credential: credential.ok_or_else(|| Error::corrupt(Table::Credentials))?,
            generation: stored.generation,
            renewal_begun: stored.renewal_begun,
        })
    }
}

/// The stored credential, if nobody has replaced it since it was read.
fn of_generation(
    draft: &Draft<'_>,
    id: ConnectionId,
    generation: u64,
) -> Result<SealedCredential, Error> {
    let stored: SealedCredential = draft
        .get(Table::Credentials, &key::connection(id))?
        .ok_or_else(|| Error::not_found("credential"))?;
    if stored.generation != generation {
        return Err(Error::conflict("credential"));
    }
    Ok(stored)
}

impl Secrets {
    /// Seals them for a connection and puts them in place of those it has. In a commit, as all that seals what is kept.
    pub(crate) fn put(
        &self,
        draft: &mut Draft<'_>,
        ring: &Ring,
        connection: ConnectionId,
        generation: u64,
    ) -> Result<(), Error> {
        let credential = SealedCredential {
            generation,
            ..seal_credential(ring, connection, &self.credential)?
        };
        draft.put(Table::Credentials, key::connection(connection), &credential);
        webhooks::put_signature_tokens(draft, ring, connection, &self.signature_tokens)
    }
}

fn seal_credential(
    ring: &Ring,
    id: ConnectionId,
    credential: &Credential,
) -> Result<SealedCredential, Error> {
    let plain = plain_credential(credential);
    Ok(SealedCredential {
        form: CredentialForm::Message,
        sealed: ring.seal(CREDENTIAL, id.as_bytes(), &plain)?,
        generation: 0,
        renewal_begun: None,
    })
}

impl SealedCredential {
    /// What it is sealed for; its context are the bytes of its connection.
    pub(crate) fn purpose(&self) -> &'static str {
        match self.form {
            CredentialForm::ApiKeyText => API_KEY,
            CredentialForm::Message => CREDENTIAL,
        }
    }

    /// The same as the successor of `before`.
    fn after(self, before: Option<&SealedCredential>) -> SealedCredential {
        SealedCredential {
            generation: before.map_or(0, |before| before.generation + 1),
            ..self
        }
    }
}
