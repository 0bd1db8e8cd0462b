//! The secret that opens an account.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::attempt::Stopped;
use crate::oauth::{self, OAuthCredential};

/// An API key or an OAuth grant. Never printed.
#[derive(Clone)]
pub struct Credential(Kind);

#[derive(Clone)]
enum Kind {
    ApiKey(SecretString),
    Bearer(SecretString),
    OAuth(OAuthCredential),
}

impl Credential {
    /// An API key: sent as the user name of basic authentication, with an empty password (Lever: "Authentication").
    pub fn api_key(key: SecretString) -> Credential {
        Credential(Kind::ApiKey(key))
    }

    /// An OAuth access token that somebody else renews.
    pub fn bearer(token: SecretString) -> Credential {
        Credential(Kind::Bearer(token))
    }

    /// An OAuth grant that renews its access token itself.
    pub fn oauth(grant: OAuthCredential) -> Credential {
        Credential(Kind::OAuth(grant))
    }

    /// Tells credentials apart without telling them: 32 hexadecimal digits of a SHA-256.
    ///
    /// Connections with the same fingerprint and base URL share one [`Budget`](crate::Budget). That of an OAuth grant
    /// comes from the name of its account, so that it stays when tokens change.
    pub fn fingerprint(&self) -> String {
        let digest = match &self.0 {
            Kind::ApiKey(secret) | Kind::Bearer(secret) => Sha256::digest(secret.expose_secret()),
            Kind::OAuth(grant) => Sha256::digest(format!("oauth\0{}", grant.account())),
        };
        digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The last four characters, for people to recognize it by; empty when it is shorter than twelve, and for an OAuth
    /// grant, whose tokens people never see.
    pub fn last_four(&self) -> String {
        let (Kind::ApiKey(secret) | Kind::Bearer(secret)) = &self.0 else {
            return String::new();
        };
        let characters: Vec<char> = secret.expose_secret().chars().collect();
        if characters.len() < 12 {
            String::new()
        } else {
            characters[characters.len() - 4..].iter().collect()
        }
    }

    /// Whether there may be another secret a moment after this one was refused.
    pub(crate) fn is_renewable(&self) -> bool {
        matches!(self.0, Kind::OAuth(_))
    }

    /// The `Authorization` header of a request about to be sent.
    pub(crate) async fn header(&self) -> Result<HeaderValue, Stopped> {
        let header = match &self.0 {
            Kind::ApiKey(key) => basic(key),
            Kind::Bearer(token) => bearer(token),
            Kind::OAuth(oauth) => bearer(&oauth.access_token().await.map_err(stopped)?),
        };
        header.ok_or(Stopped::Credential)
    }

    /// Takes note that Lever refused a request with this header.
    pub(crate) async fn refused(&self, header: &HeaderValue) {
        if let Kind::OAuth(oauth) = &self.0 {
            oauth
                .refused(|token| bearer(token).as_ref() == Some(header))
                .await;
        }
    }
}

fn stopped(error: oauth::Error) -> Stopped {
    match error {
        oauth::Error::Refused { unanswered, .. } => Stopped::Reconnect { unanswered },
        oauth::Error::App { .. } => Stopped::App,
        oauth::Error::Nowhere => Stopped::Nowhere,
        oauth::Error::Unreachable { .. }
        | oauth::Error::Malformed
        | oauth::Error::NotBegun
        | oauth::Error::NotKept => Stopped::NoToken,
    }
}

fn basic(key: &SecretString) -> Option<HeaderValue> {
    let user = Zeroizing::new(format!("{}:", key.expose_secret()));
    let user = Zeroizing::new(BASE64_STANDARD.encode(&*user));
    sensitive(&Zeroizing::new(format!("Basic {}", *user)))
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let text = format!("Bearer {}", token.expose_secret());
    sensitive(&Zeroizing::new(text))
}

/// Nothing when the text has characters no header can carry.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.0 {
            Kind::ApiKey(_) => "api_key",
            Kind::Bearer(_) => "bearer",
            Kind::OAuth(_) => "oauth",
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

    #[tokio::test]
    async fn an_api_key_is_the_user_name_with_an_empty_password() {
        assert_eq!(key("secret").header().await.unwrap(), "Basic c2VjcmV0Og==");
        assert_eq!(
            Credential::bearer("token".into()).header().await.unwrap(),
            "Bearer token"
        );
        let odd = Credential::bearer("two\nlines".into());
        assert_eq!(odd.header().await, Err(Stopped::Credential));
    }

    #[tokio::test]
    async fn a_credential_is_recognized_but_never_shown() {
        let shown = format!(
            "{:?} {:?}",
            key("abcdefgh1234"),
            key("abcdefgh1234").header().await
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
