//! The app that asks for access, and the place it asks at.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, CONTENT_TYPE};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

use super::Error;
use crate::client::{BaseUrl, Http, Obstacle, Region};
use crate::time::Timestamp;

/// How long the authority may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest answer read, in bytes; tokens are far shorter.
const LONGEST_ANSWER: usize = 64 * 1024;
/// How long an access token lives when Lever does not say (Lever: "OAuth", `expires_in`).
const USUAL_LIFE: Duration = Duration::from_secs(3600);

/// Where admins grant access and tokens are had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    authorize: Url,
    token: Url,
    audience: String,
}

impl Authority {
    /// The authority for accounts of `region`; Europe has none of its own (behavior: "Hosts and transport").
    pub fn of(region: Region) -> Authority {
        let (host, audience) = match region {
            Region::Global | Region::Eu => ("https://auth.lever.co", "https://api.lever.co/v1/"),
            Region::Sandbox => (
                "https://sandbox-lever.auth0.com",
                "https://api.sandbox.lever.co/v1/",
            ),
        };
        let host = BaseUrl::parse(host).expect("the addresses of the authorities are well formed");
        Authority::at(&host, audience)
    }

    /// The same at another address: what is asked for stays.
    pub fn moved_to(&self, base: &BaseUrl) -> Authority {
        Authority::at(base, &self.audience)
    }

    /// An authority at another address, such as a simulator's: `{base}/authorize` and `{base}/oauth/token`.
    pub fn at(base: &BaseUrl, audience: &str) -> Authority {
        let below = |path: [&str; 2]| {
            let mut url = base.url().clone();
            if let Ok(mut segments) = url.path_segments_mut() {
                let path = path.into_iter().filter(|segment| !segment.is_empty());
                segments.pop_if_empty().extend(path);
            }
            url
        };
        Authority {
            authorize: below(["authorize", ""]),
            token: below(["oauth", "token"]),
            audience: audience.to_owned(),
        }
    }
}

/// An app registered with Lever.
#[derive(Clone)]
pub struct OAuthApp {
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: SecretString,
    /// Where Lever sends the admin back to, exactly as registered.
    pub redirect_uri: String,
    /// Where access is asked for.
    pub authority: Authority,
}

impl fmt::Debug for OAuthApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthApp")
            .field("client_id", &self.client_id)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

/// What Lever gives an app for one account.
#[derive(Clone)]
pub struct Tokens {
    /// Opens the account for an hour.
    pub access_token: SecretString,
    /// Gets the next tokens, once; none without the scope `offline_access`.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// What it opens, such as `opportunities:read:admin`.
    pub scopes: Vec<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl OAuthApp {
    /// Where to send the admin who is to grant access; only a Super Admin can.
    ///
    /// Lever answers at the redirect address with `code` and the same `state`, or with `error`. The scope
    /// `offline_access` is what brings a refresh token.
    ///
    /// With a `verifier` only whoever has it can exchange the code (RFC 7636, S256). Lever's description knows no such
    /// thing; an authority that does not either passes it over (RFC 6749, section 3.1).
    pub fn authorize_url(
        &self,
        scopes: &[&str],
        state: &str,
        verifier: Option<&SecretString>,
    ) -> Url {
        let mut url = self.authority.authorize.clone();
        let mut pairs = url.query_pairs_mut();
        pairs
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("state", state)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("audience", &self.authority.audience);
        if let Some(verifier) = verifier {
            pairs
                .append_pair("code_challenge", &challenge(verifier))
                .append_pair("code_challenge_method", "S256");
        }
        drop(pairs);
        url
    }

    /// Turns the code Lever sent the admin back with into tokens. A code works once, and with the `verifier` that it
    /// was asked with.
    ///
    /// # Errors
    /// [`Error::Refused`] when the code is wrong, old or used; the others as they say.
    pub async fn exchange(
        &self,
        http: &Http,
        code: &str,
        verifier: Option<&SecretString>,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let mut what = vec![("code", code), ("redirect_uri", self.redirect_uri.as_str())];
        what.extend(verifier.map(|verifier| ("code_verifier", verifier.expose_secret())));
        self.granted(http, "authorization_code", &what, now).await
    }

    /// Turns a refresh token into new tokens. Lever drops the old one: keep the new one at once.
    ///
    /// # Errors
    /// [`Error::Refused`] when the refresh token is dead: used, a year old, unused for 90 days, or taken back.
    pub async fn refresh(
        &self,
        http: &Http,
        refresh_token: &SecretString,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let token = [("refresh_token", refresh_token.expose_secret())];
        self.granted(http, "refresh_token", &token, now).await
    }

    async fn granted(
        &self,
        http: &Http,
        grant_type: &str,
        what: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let form = Serializer::new(String::new())
            .append_pair("grant_type", grant_type)
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .extend_pairs(what)
            .finish();
        let request = http
            .pool()
            .post(self.authority.token.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(form);
        let exchange = async {
            let response = request.send().await.map_err(unreachable)?;
            let status = response.status().as_u16();
            Ok((status, body(response).await?))
        };
        let (status, body) = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| Error::Unreachable {
                reason: "no answer in time".to_owned(),
                may_have_acted: true,
            })??;
        match status {
            200..=299 => tokens(&body, now),
            _ => Err(refusal(status, &body)),
        }
    }
}

/// What a verifier is recognized by (RFC 7636, section 4.2).
fn challenge(verifier: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret().as_bytes()))
}

async fn body(mut response: reqwest::Response) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Error::Malformed);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(error: reqwest::Error) -> Error {
    let unsent = error.is_connect();
    let reason = match unsent {
        true => Obstacle::behind(&error).to_string(),
        false => "the answer broke off".to_owned(),
    };
    Error::Unreachable {
        reason,
        may_have_acted: !unsent,
    }
}

fn tokens(body: &[u8], now: Timestamp) -> Result<Tokens, Error> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
        #[serde(default)]
        refresh_token: Option<String>,
        #[serde(default)]
        expires_in: Option<u64>,
        #[serde(default)]
        scope: Option<String>,
    }

    let granted: Granted = serde_json::from_slice(body).map_err(|_| Error::Malformed)?;
    if granted.access_token.is_empty() {
        return Err(Error::Malformed);
    }
    let life = granted.expires_in.map_or(USUAL_LIFE, Duration::from_secs);
    let scopes = granted.scope.unwrap_or_default();
    Ok(Tokens {
        access_token: granted.access_token.into(),
        refresh_token: granted.refresh_token.map(SecretString::from),
        expires_at: now.plus(life),
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
    })
}

/// What an answer other than success means (RFC 6749, section 5.2): none of them gives tokens.
fn refusal(status: u16, body: &[u8]) -> Error {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }

    if matches!(status, 408 | 425 | 429 | 500..) {
        return Error::Unreachable {
            reason: format!("status {status}"),
            may_have_acted: false,
        };
    }
    let code = match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) if is_code(&refusal.error) => refusal.error,
        _ => format!("status {status}"),
    };
    match code.as_str() {
        code if status == 404 && !is_known(code) => Error::Nowhere,
        "invalid_grant" | "access_denied" => Error::Refused {
            code,
            unanswered: false,
        },
        _ => Error::App { code },
    }
}

/// Whether an authority says so (RFC 6749, section 5.2; Lever: "OAuth" for the last).
fn is_known(code: &str) -> bool {
    matches!(
        code,
        "invalid_request"
            | "invalid_client"
            | "invalid_grant"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope"
            | "access_denied"
    )
}

fn is_code(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(region: Region) -> OAuthApp {
        OAuthApp {
            client_id: "id".to_owned(),
            client_secret: "secret".into(),
            redirect_uri: "https://fulcrum.test/back?x=1".to_owned(),
            authority: Authority::of(region),
        }
    }

    #[test]
    fn an_admin_is_sent_to_the_authority_of_the_region() {
        let scopes = ["opportunities:read:admin", "offline_access"];
        let sent = |region| String::from(app(region).authorize_url(&scopes, "s&1", None));
        let query = "client_id=id&redirect_uri=https%3A%2F%2Ffulcrum.test%2Fback%3Fx%3D1&response_type=code&state=s%261\
            &scope=opportunities%3Aread%3Aadmin+offline_access&audience=";
        let global =
            format!("https://auth.lever.co/authorize?{query}https%3A%2F%2Fapi.lever.co%2Fv1%2F");
        assert_eq!(sent(Region::Global), global);
        assert_eq!(sent(Region::Eu), global);
        assert_eq!(
            sent(Region::Sandbox),
            format!(
                "https://sandbox-lever.auth0.com/authorize?{query}https%3A%2F%2Fapi.sandbox.lever.co%2Fv1%2F"
            )
        );
    }

    #[test]
    fn a_code_can_be_bound_to_whoever_asked_for_it() {
        // RFC 7636, appendix B.
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let url = app(Region::Global).authorize_url(&[], "s", Some(&verifier));
        let end = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
        assert!(url.as_str().ends_with(end), "{url}");
    }

    #[test]
    fn another_authority_keeps_its_path() {
        let base = BaseUrl::parse("http://127.0.0.1:9/auth").unwrap();
        let authority = Authority::at(&base, "x");
        assert_eq!(
            authority.authorize.as_str(),
            "http://127.0.0.1:9/auth/authorize"
        );
        assert_eq!(
            authority.token.as_str(),
            "http://127.0.0.1:9/auth/oauth/token"
        );
    }

    #[test]
    fn tokens_read_with_and_without_what_is_optional() {
        let now = Timestamp::from_millis(1_000);
        let full =
            br#"{"access_token":"a","refresh_token":"r","expires_in":60,"scope":"x:read:admin y"}"#;
        let tokens = super::tokens(full, now).unwrap();
        assert_eq!(tokens.expires_at, Timestamp::from_millis(61_000));
        assert_eq!(tokens.scopes, ["x:read:admin", "y"]);
        let bare = super::tokens(br#"{"access_token":"a"}"#, now).unwrap();
        assert!(bare.refresh_token.is_none() && bare.scopes.is_empty());
        assert_eq!(bare.expires_at, now.plus(USUAL_LIFE));
        assert_eq!(super::tokens(b"<html>", now).unwrap_err(), Error::Malformed);
        assert!(!format!("{tokens:?} {:?}", app(Region::Global)).contains("secret"));
    }

    #[test]
    fn a_dead_grant_is_told_from_a_wrong_app_and_from_a_bad_moment() {
        let grant = refusal(
            403,
            br#"{"error":"invalid_grant","error_description":"Ada"}"#,
        );
        assert!(grant.needs_reconnect());
        assert!(!grant.to_string().contains("Ada"));
        let app = refusal(401, br#"{"error":"invalid_client"}"#);
        assert_eq!(
            app,
            Error::App {
                code: "invalid_client".to_owned()
            }
        );
        let odd = refusal(400, br#"{"error":"Unknown or invalid refresh token Ada"}"#);
        assert_eq!(odd.to_string(), "Lever refused the app (status 400)");
        // What is no authority may say anything.
        for body in [&b""[..], b"<html>", br#"{"error":"not_found"}"#] {
            assert_eq!(refusal(404, body), Error::Nowhere);
        }
        assert!(Error::Nowhere.gave_nothing() && !Error::Nowhere.needs_reconnect());
        let known = refusal(404, br#"{"error":"invalid_client"}"#);
        assert!(matches!(known, Error::App { .. }));
        for status in [429, 500, 503] {
            let later = refusal(status, b"");
            assert!(matches!(later, Error::Unreachable { .. }) && later.gave_nothing());
        }
    }
}
