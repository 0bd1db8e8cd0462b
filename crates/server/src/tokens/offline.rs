//! Tokens in a data directory that no service has open: the way in for the first caller, and for whoever lost the last.

use std::collections::HashSet;
use std::time::Duration;

use domain::ConnectionId;
use engine::{Clock, Violation};
use secrecy::SecretString;
use store::{Store, TokenRecord};

use super::{NewToken, mint};
use crate::config::Settings;
use crate::serve::{StartError, open_existing_store, open_store};

/// Makes a token that is good for `ttl`, or until revoked. It is returned once; a hash is kept.
///
/// # Errors
/// One sentence for each thing that can be wrong.
pub async fn create(
    settings: &Settings,
    new: NewToken,
    ttl: Option<Duration>,
) -> Result<SecretString, StartError> {
    let store = open_store(settings).await?;
    let made = make(&store, new, ttl).await;
    store.close().await?;
    made
}

async fn make(
    store: &Store,
    new: NewToken,
    ttl: Option<Duration>,
) -> Result<SecretString, StartError> {
    let now = Clock::system().now();
    let new = NewToken {
        expires_at: ttl.map(|ttl| now.plus(ttl)),
        ..new
    };
    if let Some(Violation { field, message }) = new.faults(now).first() {
        return Err(StartError::new(format!("{field}: {message}")));
    }
    check_known(store, &new.connections).await?;
    let (token, record) = mint(new, now)?;
    store.create_token(record).await?;
    Ok(token)
}

async fn check_known(store: &Store, ids: &[ConnectionId]) -> Result<(), StartError> {
    let known = store.connections().await?;
    let known: HashSet<ConnectionId> = known.into_iter().map(|connection| connection.id).collect();
    match ids.iter().find(|id| !known.contains(id)) {
        Some(id) => Err(StartError::new(format!(
            "there is no connection {id}: give the id as `fulcrum connections` shows it"
        ))),
        None => Ok(()),
    }
}

/// Lists the tokens, the oldest first; of each only a hash and the first characters are kept.
///
/// # Errors
/// One sentence for each thing that can be wrong.
pub async fn list(settings: &Settings) -> Result<Vec<TokenRecord>, StartError> {
    let store = open_existing_store(settings).await?;
    let tokens = store.tokens().await;
    store.close().await?;
    Ok(tokens?)
}

/// Revokes a token by its id: the next start of the service refuses it.
///
/// # Errors
/// One sentence for each thing that can be wrong.
pub async fn revoke(settings: &Settings, id: &str) -> Result<TokenRecord, StartError> {
    let store = open_existing_store(settings).await?;
    let revoked = store.revoke_token(id, Clock::system().now()).await;
    store.close().await?;
    revoked.map_err(|error| match error.kind() {
        store::ErrorKind::NotFound => StartError::new(format!(
            "there is no token {id}: `fulcrum token list` shows the ids"
        )),
        _ => error.into(),
    })
}
