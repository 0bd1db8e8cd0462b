//! OAuth 2.0 of Lever's partners: asking for access, and keeping it.
//!
//! An [`OAuthApp`] sends an admin to Lever ([`OAuthApp::authorize_url`]), turns the code that comes back into
//! [`Tokens`] and renews them. An [`OAuthCredential`] does the renewing for a client: one refresher at a time, five
//! minutes before the access token expires or once after Lever refused it, and the new refresh token is kept by the
//! caller before it is used, because the old one dies with it.
//!
//! Lever: "Authentication", "OAuth"; fixture `oauth.token.response.json`.

mod app;
mod grant;

pub use app::{Authority, OAuthApp, Tokens};
pub use grant::{Clock, OAuthCredential, OnRotate, SaveError};

/// Why there is no access token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Lever no longer accepts the code or the refresh token: the account must be connected again.
    #[error("Lever refused the grant ({code})")]
    Refused {
        /// Lever's code, such as `invalid_grant`.
        code: String,
    },
    /// Lever does not accept the app or its request: client id, secret or redirect address are wrong.
    #[error("Lever refused the app ({code})")]
    App {
        /// Lever's code, such as `invalid_client`.
        code: String,
    },
    /// No answer came, or one that says to try again later.
    #[error("Lever's authority was not reached: {reason}")]
    Unreachable {
        /// What happened; holds no secret.
        reason: String,
    },
    /// An answer came that holds no tokens.
    #[error("Lever's authority answered with something else than tokens")]
    Malformed,
    /// There are new tokens, but they could not be kept, so they are not used yet.
    #[error("the new tokens could not be kept")]
    NotKept,
}

impl Error {
    /// Whether only connecting the account again helps.
    pub fn needs_reconnect(&self) -> bool {
        matches!(self, Error::Refused { .. })
    }
}
