//! OAuth 2.0 of Lever's partners: asking for access, and keeping it.
//!
//! An [`OAuthApp`] sends an admin to Lever ([`OAuthApp::authorize_url`]), turns the code that comes back into
//! [`Tokens`] and renews them. An [`OAuthCredential`] does the renewing for a client: one refresher at a time, five
//! minutes before the access token expires or once after Lever refused it, and the new refresh token is kept by the
//! caller before it is used, because the old one dies with it. Lever documents no time for which the old one would
//! still be taken, and no way to have the same answer again: an answer that is lost takes the grant with it. So the
//! caller also notes that a renewal begins, and a refusal after one without an answer says so.
//!
//! Lever: "Authentication", "OAuth"; fixture `oauth.token.response.json`.

mod app;
mod grant;

pub use app::{Authority, OAuthApp, Tokens};
pub use grant::{Clock, Keep, OAuthCredential, SaveError, Underway};

/// Why there is no access token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Lever no longer accepts the code or the refresh token: the account must be connected again.
    #[error("Lever refused the grant ({code})")]
    Refused {
        /// Lever's code, such as `invalid_grant`.
        code: String,
        /// Whether an earlier renewal with the same refresh token was begun and its answer never came, so that the
        /// token may have been used up by it.
        unanswered: bool,
    },
    /// Lever does not accept the app or its request: client id, secret or redirect address are wrong.
    #[error("Lever refused the app ({code})")]
    App {
        /// Lever's code, such as `invalid_client`.
        code: String,
    },
    /// There is nothing where tokens are asked for (404): the address is not the authority's.
    #[error("there is no authority at the address where tokens are asked for")]
    Nowhere,
    /// No answer came, or one that says to try again later.
    #[error("Lever's authority was not reached: {reason}")]
    Unreachable {
        /// What happened; holds no secret.
        reason: String,
        /// Whether tokens may have been given all the same: the request was sent and no whole answer came.
        may_have_acted: bool,
    },
    /// An answer came that holds no tokens.
    #[error("Lever's authority answered with something else than tokens")]
    Malformed,
    /// A renewal must not begin now; nothing was asked.
    #[error("a renewal could not be begun")]
    NotBegun,
    /// There are new tokens, but they could not be kept, so they are not used yet.
    #[error("the new tokens could not be kept")]
    NotKept,
}

impl Error {
    /// Whether the authority gave no tokens for sure, so that the refresh token was not used up.
    pub(crate) fn gave_nothing(&self) -> bool {
        match self {
            Error::Refused { .. } | Error::App { .. } | Error::Nowhere | Error::NotBegun => true,
            Error::Unreachable { may_have_acted, .. } => !may_have_acted,
            Error::Malformed | Error::NotKept => false,
        }
    }

    /// Whether only connecting the account again helps.
    pub fn needs_reconnect(&self) -> bool {
        matches!(self, Error::Refused { .. })
    }
}
