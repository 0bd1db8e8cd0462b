//! Tokens in a data directory that no service has open.

use std::collections::HashSet;
use std::str::FromStr as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ConnectionId;
use engine::Clock;
use secrecy::SecretString;
use store::{Store, TokenRecord};

use crate::auth::{self, RIGHTS, Role};
use crate::config::Settings;
use crate::serve::{StartError, open_store};

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// A name for people; empty for one made up.
    pub name: String,
    /// The name of a role.
    pub role: String,
    /// Ids of connections it may see; empty for all.
    pub connections: Vec<String>,
    /// Extra rights.
    pub rights: Vec<String>,
    /// How long it is valid; none for ever.
    pub ttl: Option<Duration>,
}

/// Makes a token in a data directory that no service has open. The token is returned once; a hash is kept.
///
/// # Errors
/// One sentence for each thing that can be wrong.
pub async fn create(settings: &Settings, request: NewToken) -> Result<SecretString, StartError> {
    let store = open_store(settings).await?;
    let made = make(&store, request).await;
    store.close().await?;
    made
}

async fn make(store: &Store, request: NewToken) -> Result<SecretString, StartError> {
    let role = Role::from_name(&request.role).ok_or_else(|| {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        StartError::new(format!(
            "there is no role {}: the roles are {}",
            request.role,
            names.join(", ")
        ))
    })?;
    if let Some(right) = request
        .rights
        .iter()
        .find(|right| !RIGHTS.contains(&right.as_str()))
    {
        return Err(StartError::new(format!(
            "there is no right {right}: the rights are {}",
            RIGHTS.join(", ")
        )));
    }
    let connections = known_connections(store, &request.connections).await?;
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| {
        StartError::new("the operating system gives no random numbers: the token was not made")
    })?;
    let token = format!("flc_{}", URL_SAFE_NO_PAD.encode(random));
    let id = uuid::Uuid::now_v7().to_string();
    let now = Clock::system().now();
    let record = TokenRecord {
        name: if request.name.is_empty() {
            format!("{} {}", role.name(), &id[..8])
        } else {
            request.name
        },
        id,
        role: role.name().to_owned(),
        connections,
        rights: request.rights,
        hash: auth::hash(&token),
        prefix: token[..8].to_owned(),
        created_at: now,
        expires_at: request.ttl.map(|ttl| now.plus(ttl)),
        revoked_at: None,
    };
    store.create_token(record).await?;
    Ok(SecretString::from(token))
}

async fn known_connections(store: &Store, ids: &[String]) -> Result<Vec<ConnectionId>, StartError> {
    let known: HashSet<ConnectionId> = store
        .connections()
        .await?
        .into_iter()
        .map(|connection| connection.id)
        .collect();
    ids.iter()
        .map(|text| {
            ConnectionId::from_str(text)
                .ok()
                .filter(|id| known.contains(id))
                .ok_or_else(|| StartError::new(format!("there is no connection {text}: give the id as `fulcrum connections` shows it")))
        })
        .collect()
}

/// Lists the tokens, the oldest first; of each only a hash and the first characters are kept.
///
/// # Errors
/// One sentence for each thing that can be wrong.
pub async fn list(settings: &Settings) -> Result<Vec<TokenRecord>, StartError> {
    let store = open_store(settings).await?;
    let tokens = store.tokens().await;
    store.close().await?;
    Ok(tokens?)
}

/// Revokes a token by its id: the next start of the service refuses it.
///
/// # Errors
/// One sentence for each thing that can be wrong.
pub async fn revoke(settings: &Settings, id: &str) -> Result<TokenRecord, StartError> {
    let store = open_store(settings).await?;
    let revoked = store.revoke_token(id, Clock::system().now()).await;
    store.close().await?;
    revoked.map_err(|error| match error.kind() {
        store::ErrorKind::NotFound => StartError::new(format!(
            "there is no token {id}: `fulcrum token list` shows the ids"
        )),
        _ => error.into(),
    })
}
