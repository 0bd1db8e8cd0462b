//! The secret that opens an account.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// An API key or an OAuth access token. Never printed.
#[derive(Clone)]
pub struct Credential {
    scheme: Scheme,
    secret: SecretString,
}

#[derive(Clone, Copy)]
enum Scheme {
    Basic,
    Bearer,
}

impl Credential {
    /// An API key: sent as the user name of basic authentication, with an empty password (Lever: "Authentication").
    pub fn api_key(key: SecretString) -> Credential {
        Credential {
            scheme: Scheme::Basic,
            secret: key,
        }
    }

    /// An OAuth access token.
    pub fn bearer(token: SecretString) -> Credential {
        Credential {
            scheme: Scheme::Bearer,
            secret: token,
        }
    }

    /// Tells credentials apart without telling them: 32 hexadecimal digits of a SHA-256.
    ///
    /// Connections with the same fingerprint and base URL share one [`Budget`](crate::Budget).
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.secret.expose_secret().as_bytes());
        digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The last four characters, for people to recognize it by; empty when it is shorter than twelve.
    pub fn last_four(&self) -> String {
        let characters: Vec<char> = self.secret.expose_secret().chars().collect();
        if characters.len() < 12 {
            String::new()
        } else {
            characters[characters.len() - 4..].iter().collect()
        }
    }

    /// The `Authorization` header; nothing when the secret has characters no header can carry.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let secret = self.secret.expose_secret();
        let text = match self.scheme {
            Scheme::Basic => format!("Basic {}", BASE64_STANDARD.encode(format!("{secret}:"))),
            Scheme::Bearer => format!("Bearer {secret}"),
        };
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Basic => "api_key",
            Scheme::Bearer => "bearer",
        };
        write!(f, "Credential::{scheme}([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Credential {
        Credential::api_key(text.into())
    }

    #[test]
    fn an_api_key_is_the_user_name_with_an_empty_password() {
        assert_eq!(key("secret").header().unwrap(), "Basic c2VjcmV0Og==");
        assert_eq!(
            Credential::bearer("token".into()).header().unwrap(),
            "Bearer token"
        );
        assert!(Credential::bearer("two\nlines".into()).header().is_none());
    }

    #[test]
    fn a_credential_is_recognized_but_never_shown() {
        let shown = format!(
            "{:?} {:?}",
            key("abcdefgh1234"),
            key("abcdefgh1234").header()
        );
        assert!(
            !shown.contains("abcdefgh") && !shown.contains("YWJj"),
            "{shown}"
        );
        assert_eq!(key("abcdefgh1234").last_four(), "1234");
        assert_eq!(key("short").last_four(), "");
        assert_eq!(key("a").fingerprint(), key("a").fingerprint());
        assert_ne!(key("a").fingerprint(), key("b").fingerprint());
        assert_eq!(key("a").fingerprint().len(), 32);
    }
}
