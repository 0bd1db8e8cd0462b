//! The `next` tokens of pages: percent-encoded JSON that names the first record of the next page, and that expires.
//!
//! Fixture: `opportunities.pagination-trace.json`. Tokens are opaque to callers, so only issued ones are taken back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use url::form_urlencoded;

use crate::answer::Refusal;

/// The tokens that are still good.
#[derive(Debug)]
pub(crate) struct Offsets {
    ttl: Duration,
    issued: Mutex<HashMap<(&'static str, String), Issued>>,
}

#[derive(Debug)]
struct Issued {
    names: Value,
    at: Instant,
}

impl Offsets {
    pub(crate) fn new(ttl: Duration) -> Offsets {
        Offsets {
            ttl,
            issued: Mutex::default(),
        }
    }

    /// Issues a token for a listing that goes on at the record `names` stands for.
    pub(crate) fn issue(&self, listing: &'static str, names: Value) -> String {
        let token: String = form_urlencoded::byte_serialize(names.to_string().as_bytes()).collect();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let (ttl, at) = (self.ttl, Instant::now());
        issued.retain(|_, token| at.duration_since(token.at) < ttl);
        issued.insert((listing, token.clone()), Issued { names, at });
        token
    }

    /// Ends all tokens issued so far.
    pub(crate) fn expire(&self) {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.clear();
    }

    /// What a token stands for, if this listing issued it and it has not expired.
    pub(crate) fn read(&self, listing: &'static str, token: &str) -> Result<Value, Refusal> {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued
            .get(&(listing, token.to_owned()))
            .filter(|issued| issued.at.elapsed() < self.ttl)
            .map(|issued| issued.names.clone())
            .ok_or_else(|| Refusal::bad_request("Invalid offset token"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_reads_back_until_it_expires() {
        let offsets = Offsets::new(Duration::from_secs(60));
        let token = offsets.issue("listUsers", json!([230.5, 1491435120000_i64, "5599"]));
        assert_eq!(token, "%5B230.5%2C1491435120000%2C%225599%22%5D");
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(offsets.read("listUsers", &token).is_ok());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(offsets.read("listUsers", &token).is_err());
        let ended = offsets.issue("listUsers", json!([1, "a"]));
        offsets.expire();
        assert!(offsets.read("listUsers", &ended).is_err());
    }

    #[tokio::test]
    async fn a_token_of_another_listing_or_without_its_percent_signs_is_refused() {
        let offsets = Offsets::new(Duration::from_secs(60));
        let token = offsets.issue("listUsers", json!([1, "a"]));
        assert!(offsets.read("listTags", &token).is_err());
        assert!(offsets.read("listUsers", r#"[1,"a"]"#).is_err());
    }
}
