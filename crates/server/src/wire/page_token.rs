//! Page tokens: sealed, and bound to the caller, the rpc and the question they belong to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use store::Store;

const PURPOSE: &str = "page token";

/// What a token is bound to; a token from anywhere else does not open.
#[derive(Debug, Clone)]
pub struct Bound {
    context: Vec<u8>,
}

impl Bound {
    /// Binds to a caller, an rpc, and the parts of the question that must not change between pages.
    pub fn new(caller: &str, rpc: &str, question: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in [caller, rpc].iter().chain(question) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self {
            context: hash.finalize().to_vec(),
        }
    }

    /// Seals the position a next page begins at; nothing for the last page.
    pub fn seal<T: Serialize>(&self, store: &Store, position: Option<&T>) -> Result<String> {
        let Some(position) = position else {
            return Ok(String::new());
        };
        let plain = serde_json::to_vec(position).map_err(Error::internal)?;
        let sealed = store.seal(PURPOSE, &self.context, &plain)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a page token; nothing for the first page.
    pub fn open<T: DeserializeOwned>(&self, store: &Store, token: &str) -> Result<Option<T>> {
        self.open_named(store, "page_token", token)
    }

    /// Opens a token that a request gives as `field`; nothing for an empty one.
    ///
    /// A resume token whose master key was removed since is as old as one whose changes were.
    pub fn open_named<T: DeserializeOwned>(
        &self,
        store: &Store,
        field: &'static str,
        token: &str,
    ) -> Result<Option<T>> {
        if token.is_empty() {
            return Ok(None);
        }
        let bad = || {
            Error::invalid(
                field,
                "this token does not belong to this question of this caller: send the same fields as before, with the bearer \
                 token it was given to, or start without it",
            )
        };
        let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
        let plain = store
            .unseal(PURPOSE, &self.context, &sealed)
            .map_err(|error| match error.kind() {
                store::ErrorKind::KeyRemoved if field == "resume_token" => expired(),
                _ => bad(),
            })?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| bad())
    }
}

fn expired() -> Error {
    Error::precondition(
        "RESUME_TOKEN_EXPIRED",
        "this token is older than the time for which changes are kept (seven days, unless set to less), or is of another service: read the present \
         state, then watch from there without a token",
        Vec::new(),
    )
}
