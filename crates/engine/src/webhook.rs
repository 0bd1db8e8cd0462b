//! Webhooks: taking in what Lever sends, and having them registered there.
//!
//! A delivery is verified, remembered and answered; what it asks for is done by [`nudge`](crate::nudge).
//! Registration brings Lever to what the settings wish, over and over from what Lever lists, so that no crash leaves
//! more than another round to do.

mod plan;
pub(crate) mod receive;
pub(crate) mod register;

use std::sync::{Arc, PoisonError, RwLock};

use domain::{Connection, ConnectionId};
use secrecy::SecretString;
use store::Store;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use crate::engine::Engine;
use crate::error::Result;

/// How the registration of webhooks in Lever stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookState {
    /// Not wished.
    Off,
    /// To be registered, or to be removed; with what went wrong last, if anything did.
    Pending(Option<String>),
    /// All are registered.
    Registered,
    /// Lever refuses; in one sentence, with the way out.
    Failed(String),
}

/// The webhooks of one connection.
#[derive(Debug)]
pub(crate) struct Webhooks {
    state: RwLock<WebhookState>,
    tokens: RwLock<Arc<Tokens>>,
    /// Wakes the worker that registers them.
    pub(crate) now: Notify,
    /// Held by whoever changes them in Lever.
    turn: Mutex<()>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            state: RwLock::new(WebhookState::Off),
            tokens: RwLock::new(Arc::new(Tokens::padded(Vec::new()))),
            now: Notify::new(),
            turn: Mutex::new(()),
        }
    }
}

impl Webhooks {
    /// How their registration stands.
    pub(crate) fn state(&self) -> WebhookState {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_state(&self, state: WebhookState) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// What verifies their deliveries.
    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        self.tokens
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes over what the store has: of the webhooks that were registered, and what an admin has given.
    pub(crate) async fn load_tokens(&self, store: &Store, id: ConnectionId) -> Result<()> {
        let registered = store.webhooks(id).await?.into_iter();
        let mut tokens: Vec<_> = registered.map(|webhook| webhook.signature_token).collect();
        tokens.extend(store.webhook_signature_tokens(id).await?);
        let tokens = Arc::new(Tokens::padded(tokens));
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
        Ok(())
    }
}

impl Engine {
    /// How the webhooks of a connection stand in Lever.
    pub fn webhook_state(&self, connection: &Connection) -> WebhookState {
        let state = self.link(connection.id).map(|link| link.webhooks.state());
        if let Some(disconnected) = connection.disconnected {
            let left = webhooks_left(connection.id, disconnected.webhooks_left);
            return left.map_or(WebhookState::Off, WebhookState::Failed);
        }
        match (connection.webhooks, state) {
            (true, Ok(WebhookState::Off) | Err(_)) | (false, Ok(WebhookState::Registered)) => {
                WebhookState::Pending(None)
            }
            (_, state) => state.unwrap_or(WebhookState::Off),
        }
    }
}

/// What to say of webhooks that Lever may still have after the connection has ended; nothing where none is left.
///
/// `left` is how many; none where Lever could not be asked.
pub fn webhooks_left(id: ConnectionId, left: Option<u32>) -> Option<String> {
    let which = match left {
        Some(0) => return None,
        Some(1) => "Lever did not remove one webhook of this account".to_owned(),
        Some(left) => format!("Lever did not remove {left} webhooks of this account"),
        None => "Lever did not answer which webhooks this account still has".to_owned(),
    };
    Some(format!(
        "{which}, and nothing is left here to remove any with: on Lever's settings page for webhooks, delete those \
         whose address ends in /webhooks/lever/{id}; what they deliver is refused"
    ))
}

/// Signature tokens, always as many as any connection can have.
///
/// Verification tries each of them, so it takes as long for a connection that has none, or that does not exist.
#[derive(Debug)]
pub(crate) struct Tokens(Vec<SecretString>);

/// Signature tokens an admin can give.
pub const MOST_GIVEN_TOKENS: usize = 20;

/// Those given, those of the ten events, and some that are just being replaced.
const SLOTS: usize = MOST_GIVEN_TOKENS + 20;

impl Tokens {
    /// The places left free are filled with random ones, which nothing is signed with.
    pub(crate) fn padded(mut tokens: Vec<SecretString>) -> Tokens {
        while tokens.len() < SLOTS {
            let decoy = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            tokens.push(SecretString::from(decoy));
        }
        Tokens(tokens)
    }

    pub(crate) fn all(&self) -> &[SecretString] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn every_connection_has_as_many_tokens_and_none_can_be_guessed() {
        let none = Tokens::padded(Vec::new());
        let one = Tokens::padded(vec![SecretString::from("t")]);
        assert_eq!(none.all().len(), one.all().len());
        assert_eq!(one.all()[0].expose_secret(), "t");
        let all: Vec<_> = none.all().iter().chain(&one.all()[1..]).collect();
        assert!(all.iter().all(|token| token.expose_secret().len() == 64));
        let mut distinct: Vec<_> = all.iter().map(|token| token.expose_secret()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
    }
}
