//! Who is at Lever's consent page just now, and in which browser.
//!
//! What the answer needs is in the cookie of the browser that was sent there, sealed with the master key: nothing is
//! kept here, so that a restart in the middle loses nobody. The cookie opens for the `state` it was made with alone, so
//! that no other browser can bring the answer, and for ten minutes. That it counts once is seen to by what it is for:
//! a code works once at Lever, a link once here.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use engine::Result;
use prost::Message;
use secrecy::SecretString;
use store::Store;
use zeroize::Zeroizing;

use super::session::{hash, secret};

/// The cookie that binds what comes back to a browser.
pub(super) const COOKIE: &str = "fulcrum_connect";

/// How long somebody may take to consent.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

const PURPOSE: &str = "consent under way";

/// What somebody was sent to Lever for.
#[derive(Debug)]
pub(super) struct Errand {
    /// The secret of the link that is followed.
    pub(super) link: SecretString,
    /// What the code is exchanged with.
    pub(super) verifier: SecretString,
}

/// What somebody is sent to Lever with.
pub(super) struct Sent {
    /// For the consent page, which gives it back.
    pub(super) state: String,
    /// For the cookie.
    pub(super) browser: String,
    /// For the consent page, hashed.
    pub(super) verifier: SecretString,
}

/// What is sealed.
#[derive(Clone, PartialEq, Message)]
struct Plain {
    #[prost(string, tag = "1")]
    link: String,
    #[prost(string, tag = "2")]
    verifier: String,
    #[prost(int64, tag = "3")]
    until: i64,
}

/// Sends somebody to Lever who follows a link.
///
/// # Errors
/// If the operating system gives no random numbers.
pub(super) fn begin(store: &Store, link: &str, now: Timestamp) -> Result<Sent> {
    let (state, verifier) = (secret()?, secret()?);
    let plain = Plain {
        link: link.to_owned(),
        verifier: verifier.clone(),
        until: now.plus(PATIENCE).as_millis(),
    };
    let plain = Zeroizing::new(plain.encode_to_vec());
    let sealed = store.seal(PURPOSE, &hash(&state), &plain)?;
    Ok(Sent {
        state,
        browser: URL_SAFE_NO_PAD.encode(sealed),
        verifier: verifier.into(),
    })
}

/// What somebody was sent for who comes back; none in another browser, and none who comes too late.
pub(super) fn end(store: &Store, state: &str, browser: &str, now: Timestamp) -> Option<Errand> {
    let sealed = URL_SAFE_NO_PAD.decode(browser).ok()?;
    let plain = store.unseal(PURPOSE, &hash(state), &sealed).ok()?;
    let plain = Plain::decode(Zeroizing::new(plain).as_slice()).ok()?;
    (now < Timestamp::from_millis(plain.until)).then(|| Errand {
        link: plain.link.into(),
        verifier: plain.verifier.into(),
    })
}

/// The cookie of somebody who is sent to Lever. Lax, since the answer comes from Lever's site.
pub(super) fn cookie(browser: &str, secure: bool) -> String {
    let (life, secure) = (PATIENCE.as_secs(), if secure { "; Secure" } else { "" });
    format!("{COOKIE}={browser}; Path=/connect; Max-Age={life}; HttpOnly; SameSite=Lax{secure}")
}

/// The cookie of somebody who has come back: none.
pub(super) fn no_cookie(secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}=; Path=/connect; Max-Age=0; HttpOnly; SameSite=Lax{secure}")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use store::Options;

    use super::*;

    #[test]
    fn what_comes_back_counts_in_its_browser_for_ten_minutes_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(folder.path(), Options::default()).unwrap();
        let now = Timestamp::from_millis(1_000);
        let store = open();
        let sent = begin(&store, "fcl_x", now).unwrap();
        let other = begin(&store, "fcl_y", now).unwrap();
        assert!(!sent.browser.contains("fcl_x"));
        drop(store);
        let store = open();
        assert!(end(&store, &sent.state, &other.browser, now).is_none());
        assert!(end(&store, &sent.state, "", now).is_none());
        let errand = end(&store, &sent.state, &sent.browser, now).unwrap();
        assert_eq!(errand.link.expose_secret(), "fcl_x");
        assert_eq!(
            errand.verifier.expose_secret(),
            sent.verifier.expose_secret()
        );
        let late = now.plus(PATIENCE);
        assert!(end(&store, &other.state, &other.browser, late).is_none());
    }

    #[test]
    fn the_cookie_comes_back_from_another_site_and_ends_by_itself() {
        let set = cookie("abc", true);
        assert_eq!(
            set,
            "fulcrum_connect=abc; Path=/connect; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(no_cookie(false).contains("Max-Age=0"));
    }
}
