//! The applications of OAuth, and how they are treated.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// The client id of the application that [`OAuthConfig::default`] makes.
pub const DEFAULT_CLIENT_ID: &str = "fulcrum-simulator-client";
/// The secret of that application.
pub const DEFAULT_CLIENT_SECRET: &str = "fulcrum-simulator-client-secret";

/// How the simulator authorizes.
#[derive(Debug, Clone)]
pub struct OAuthConfig {
    /// The applications that are registered.
    pub apps: Vec<OAuthApp>,
    /// How long an access token is good, by the simulator's clock.
    pub access_ttl: Duration,
    /// What the Super Admin answers who is asked for consent.
    pub consent: Consent,
}

impl Default for OAuthConfig {
    /// One application that may redirect anywhere, tokens of an hour, consent.
    fn default() -> OAuthConfig {
        OAuthConfig {
            apps: vec![OAuthApp {
                client_id: DEFAULT_CLIENT_ID.to_owned(),
                client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
                redirect_uris: Vec::new(),
            }],
            access_ttl: Duration::from_secs(3600),
            consent: Consent::Grant,
        }
    }
}

/// A registered application.
#[derive(Clone)]
pub struct OAuthApp {
    /// Its public name.
    pub client_id: String,
    /// What it proves itself with.
    pub client_secret: String,
    /// Where it may be redirected to, exactly; anywhere when empty.
    pub redirect_uris: Vec<String>,
}

impl fmt::Debug for OAuthApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthApp")
            .field("client_id", &self.client_id)
            .field("client_secret", &"[redacted]")
            .field("redirect_uris", &self.redirect_uris)
            .finish()
    }
}

/// The answer of the person who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Access is granted.
    Grant,
    /// Access is denied: the redirect carries `error=access_denied`.
    Deny,
}
