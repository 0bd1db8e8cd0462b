//! What Lever's webhooks are verified with, sealed.

use std::fmt;

use domain::ConnectionId;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Secret, key, open_texts, plain_texts};
use crate::ring::Ring;
use crate::store::Store;
use crate::table::Table;

/// What webhooks are sealed for; the context is their key.
pub(crate) const WEBHOOK: &str = "lever webhook";
/// What the signature tokens of an admin are sealed for; the context is their key.
pub(crate) const SIGNATURE_TOKENS: &str = "lever webhook signature tokens";

/// A webhook that was registered in Lever.
#[derive(Clone)]
pub struct StoredWebhook {
    /// Lever's id of it.
    pub id: String,
    /// Which event it tells of, such as `candidateStageChange`.
    pub event: String,
    /// What its deliveries are signed with.
    pub signature_token: SecretString,
}

impl fmt::Debug for StoredWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredWebhook")
            .field("id", &self.id)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Stores a webhook, in place of the one that has its id.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection,
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an id that cannot be stored.
    pub async fn set_webhook(
        &self,
        connection: ConnectionId,
        webhook: StoredWebhook,
    ) -> Result<(), Error> {
        let key = key::webhook(connection, &webhook.id)?;
        let ring = self.ring().clone();
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let plain = plain_texts(&[&webhook.event, webhook.signature_token.expose_secret()]);
            let sealed = Secret(ring.seal(WEBHOOK, &key, &plain)?);
            draft.put(Table::Webhooks, key, &sealed);
            Ok(())
        })
        .await
    }

    /// Lists the webhooks of a connection.
    ///
    /// # Errors
    /// [`ErrorKind::Unsealed`](crate::ErrorKind::Unsealed) when one was altered.
    pub async fn webhooks(&self, connection: ConnectionId) -> Result<Vec<StoredWebhook>, Error> {
        let prefix = key::connection(connection);
        let tables = self.tables();
        let mut webhooks = Vec::new();
        for entry in tables.scan(Table::Webhooks, &prefix) {
            let (key, value) = entry?;
            let sealed: Option<Secret> = tables.value(Table::Webhooks, Ok((key.clone(), value)))?;
            if let Some(Secret(sealed)) = sealed {
                webhooks.push(self.open_webhook(&key, &sealed)?);
            }
        }
        Ok(webhooks)
    }

    /// How many webhooks of a connection are stored; needs no key.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt).
    pub async fn count_webhooks(&self, connection: ConnectionId) -> Result<u32, Error> {
        let tables = self.tables();
        let entries = tables.scan(Table::Webhooks, &key::connection(connection));
        entries.map(|entry| entry.map(|_| 1)).sum()
    }

    fn open_webhook(&self, key: &[u8], sealed: &[u8]) -> Result<StoredWebhook, Error> {
        let plain = Zeroizing::new(self.unseal(WEBHOOK, key, sealed)?);
        let corrupt = || Error::corrupt(Table::Webhooks);
        let id = key::text_after(key, 16).ok_or_else(corrupt)?;
        match open_texts(&plain).ok_or_else(corrupt)?.as_slice() {
            [event, token] => Ok(StoredWebhook {
                id: id.to_owned(),
                event: event.expose_secret().to_owned(),
                signature_token: token.clone(),
            }),
            _ => Err(corrupt()),
        }
    }

    /// Forgets a webhook; one that is not there is no error.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an id that cannot be stored.
    pub async fn remove_webhook(&self, connection: ConnectionId, id: &str) -> Result<(), Error> {
        let key = key::webhook(connection, id)?;
        self.commit(move |draft| {
            if draft.contains(Table::Webhooks, &key)? {
                draft.remove(Table::Webhooks, key);
            }
            Ok(())
        })
        .await
    }

    /// The signature tokens that an admin has given.
    ///
    /// # Errors
    /// [`ErrorKind::Unsealed`](crate::ErrorKind::Unsealed) when they were altered.
    pub async fn webhook_signature_tokens(
        &self,
        connection: ConnectionId,
    ) -> Result<Vec<SecretString>, Error> {
        let key = key::connection(connection);
        let Some(Secret(sealed)) = self.tables().get(Table::WebhookTokens, &key)? else {
            return Ok(Vec::new());
        };
        let plain = Zeroizing::new(self.unseal(SIGNATURE_TOKENS, &key, &sealed)?);
        open_texts(&plain).ok_or_else(|| Error::corrupt(Table::WebhookTokens))
    }
}

/// Seals the signature tokens that an admin has given, and puts them in place of those of a connection.
pub(crate) fn put_signature_tokens(
    draft: &mut Draft<'_>,
    ring: &Ring,
    connection: ConnectionId,
    tokens: &[SecretString],
) -> Result<(), Error> {
    let key = key::connection(connection);
    if tokens.is_empty() {
        draft.remove(Table::WebhookTokens, key);
        return Ok(());
    }
    let texts: Vec<&str> = tokens.iter().map(ExposeSecret::expose_secret).collect();
    let sealed = Secret(ring.seal(SIGNATURE_TOKENS, &key, &plain_texts(&texts))?);
    draft.put(Table::WebhookTokens, key, &sealed);
    Ok(())
}
