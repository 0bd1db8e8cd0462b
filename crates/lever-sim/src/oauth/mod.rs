//! OAuth 2.0: consent, codes, and tokens that expire and rotate. Lever: "OAuth".
//!
//! Refused calls to the token endpoint answer 403 with `error` and `error_description`; the status is a choice.
//! So is that a code asked with a `code_challenge` needs its `code_verifier` (RFC 7636): Lever's description has neither.

mod config;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
pub use config::{Consent, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, OAuthApp, OAuthConfig};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::answer::Answer;
use crate::random::Random;
use crate::scopes;

const CODE_LIFE_MS: i64 = 10 * 60_000;
const DAY_MS: i64 = 86_400_000;
/// A refresh token dies when it is not used for this long. Lever: "OAuth".
const UNUSED_MS: i64 = 90 * DAY_MS;
/// However often it is used, access ends after this. Lever: "OAuth".
const GRANT_MS: i64 = 365 * DAY_MS;

/// What was granted to an application.
#[derive(Debug, Clone)]
struct Grant {
    client: String,
    /// `None` when the request named no scope: everything.
    scopes: Option<BTreeSet<String>>,
    granted_at: i64,
}

impl Grant {
    fn may(&self, operation: &str) -> bool {
        let opens = |scopes: &BTreeSet<String>| {
            let mut scopes = scopes.iter();
            scopes.any(|scope| scopes::opens(scope, operation))
        };
        self.scopes.as_ref().is_none_or(opens)
    }

    fn includes(&self, scope: &str) -> bool {
        self.scopes
            .as_ref()
            .is_none_or(|scopes| scopes.contains(scope))
    }

    /// Only an explicit `offline_access` gives a refresh token.
    fn offline(&self) -> bool {
        self.scopes.is_some() && self.includes("offline_access")
    }

    fn scope(&self) -> String {
        match &self.scopes {
            Some(scopes) => scopes.iter().map(String::as_str).collect::<Vec<_>>(),
            None => scopes::all()
                .filter(|scope| *scope != "offline_access")
                .collect(),
        }
        .join(" ")
    }
}

/// A grant as long as something can be had for it.
struct Held {
    grant: Grant,
    expires_at: i64,
}

struct Code {
    held: Held,
    redirect_uri: String,
    /// What the verifier has to hash to; `None` when the request named none.
    challenge: Option<String>,
}

impl Code {
    /// Whether a verifier is that of the request (RFC 7636, section 4.6). Without a challenge none is looked at.
    fn fits(&self, verifier: Option<&str>) -> bool {
        let hash = |text: &str| URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()));
        match &self.challenge {
            None => true,
            Some(challenge) => verifier.is_some_and(|text| hash(text) == *challenge),
        }
    }
}

/// What a token lets its bearer do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// Whose rate limit it spends from.
    pub(crate) client: String,
    pub(crate) may_call: bool,
    pub(crate) confidential: bool,
}

/// The authorization server.
pub(crate) struct OAuth {
    config: OAuthConfig,
    codes: HashMap<String, Code>,
    access: HashMap<String, Held>,
    refresh: HashMap<String, Held>,
    random: Random,
}

/// Why a call was refused: `error` and `error_description`.
pub(crate) struct Denied(&'static str, &'static str);

impl From<Denied> for Answer {
    fn from(Denied(error, description): Denied) -> Answer {
        Answer::json(
            403,
            json!({ "error": error, "error_description": description }),
        )
    }
}

/// Parameters of a query or a form.
type Pairs = [(String, String)];

fn one<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

fn needed<'a>(pairs: &'a Pairs, name: &'static str) -> Result<&'a str, Denied> {
    one(pairs, name).ok_or(Denied("invalid_request", name))
}

impl OAuth {
    pub(crate) fn new(config: OAuthConfig, seed: u64) -> OAuth {
        OAuth {
            config,
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            random: Random::of(seed, "oauth"),
        }
    }

    /// Answers `/authorize`: where to redirect to, or a refusal when that cannot be trusted.
    pub(crate) fn authorize(&mut self, query: &Pairs, now: i64) -> Result<Url, Denied> {
        let (client, redirect_uri) = self.redirect(query)?;
        let mut url =
            Url::parse(&redirect_uri).map_err(|_| Denied("invalid_request", "redirect_uri"))?;
        let outcome = self.consent(query, client, redirect_uri, now);
        let mut pairs = url.query_pairs_mut();
        match outcome {
            Ok(code) => pairs.append_pair("code", &code),
            Err(Denied(error, description)) => pairs
                .append_pair("error", error)
                .append_pair("error_description", description),
        };
        if let Some(state) = one(query, "state") {
            pairs.append_pair("state", state);
        }
        drop(pairs);
        Ok(url)
    }

    /// A known application and an address that is its own.
    fn redirect(&self, query: &Pairs) -> Result<(String, String), Denied> {
        let client = needed(query, "client_id")?;
        let app = self.config.apps.iter().find(|app| app.client_id == client);
        let app = app.ok_or(Denied("unauthorized_client", "Unknown client"))?;
        let uri = needed(query, "redirect_uri")?.to_owned();
        if !app.redirect_uris.is_empty() && !app.redirect_uris.contains(&uri) {
            return Err(Denied("unauthorized_client", "Callback URL mismatch"));
        }
        Ok((client.to_owned(), uri))
    }

    fn consent(
        &mut self,
        query: &Pairs,
        client: String,
        redirect_uri: String,
        now: i64,
    ) -> Result<String, Denied> {
        if needed(query, "response_type")? != "code" {
            return Err(Denied(
                "unsupported_response_type",
                "Only code is supported",
            ));
        }
        // The trailing slash is part of every audience of Lever's.
        if !needed(query, "audience")?.ends_with("/v1/") {
            return Err(Denied("access_denied", "Service not found"));
        }
        let scopes = scopes(query)?;
        if self.config.consent == Consent::Deny {
            return Err(Denied("access_denied", "The user denied the request"));
        }
        let challenge = challenge(query)?;
        let code = self.random.token();
        let grant = Grant {
            client,
            scopes,
            granted_at: now,
        };
        let held = Held {
            grant,
            expires_at: now + CODE_LIFE_MS,
        };
        let kept = Code {
            held,
            redirect_uri,
            challenge,
        };
        self.codes.insert(code.clone(), kept);
        Ok(code)
    }

    /// Answers `/oauth/token`, and tells whether tokens were issued.
    pub(crate) fn token(&mut self, form: &Pairs, now: i64) -> (Answer, bool) {
        match self.grant(form, now) {
            Ok(grant) => (self.issue(grant, now), true),
            Err(denied) => (denied.into(), false),
        }
    }

    fn grant(&mut self, form: &Pairs, now: i64) -> Result<Grant, Denied> {
        let kind = needed(form, "grant_type")?;
        let client = needed(form, "client_id")?;
        let secret = needed(form, "client_secret")?;
        let is = |app: &OAuthApp| app.client_id == client && app.client_secret == secret;
        if !self.config.apps.iter().any(is) {
            return Err(Denied("access_denied", "Unauthorized"));
        }
        let held = match kind {
            "authorization_code" => {
                let code = self.codes.remove(needed(form, "code")?);
                let uri = needed(form, "redirect_uri")?;
                let verifier = one(form, "code_verifier");
                code.filter(|code| code.redirect_uri == uri && code.fits(verifier))
                    .map(|code| code.held)
            }
            // Taking it away is the rotation: the old one is refused from here on.
            "refresh_token" => self.refresh.remove(needed(form, "refresh_token")?),
            _ => return Err(Denied("unsupported_grant_type", "Unknown grant type")),
        };
        let live = |held: &Held| held.grant.client == client && held.expires_at > now;
        let held = held.filter(live);
        held.map(|held| held.grant)
            .ok_or(Denied("invalid_grant", "Unknown or invalid grant"))
    }

    fn issue(&mut self, grant: Grant, now: i64) -> Answer {
        let ttl = i64::try_from(self.config.access_ttl.as_millis()).unwrap_or(i64::MAX);
        let access = self.random.token();
        let held = Held {
            grant: grant.clone(),
            expires_at: now.saturating_add(ttl),
        };
        self.access.retain(|_, held| held.expires_at > now);
        self.access.insert(access.clone(), held);
        let mut body = json!({
            "access_token": access,
            "token_type": "Bearer",
            "scope": grant.scope(),
            "expires_in": self.config.access_ttl.as_secs(),
        });
        if grant.offline() {
            let refresh = self.random.token();
            body["refresh_token"] = json!(refresh);
            let expires_at = (now + UNUSED_MS).min(grant.granted_at + GRANT_MS);
            self.refresh.insert(refresh, Held { grant, expires_at });
        }
        Answer::json(200, body)
    }

    /// What the bearer of a token may do; `None` when it is unknown or has expired.
    pub(crate) fn bearer(&self, token: &str, operation: &str, now: i64) -> Option<Bearer> {
        let held = self
            .access
            .get(token)
            .filter(|held| held.expires_at > now)?;
        Some(Bearer {
            client: held.grant.client.clone(),
            may_call: held.grant.may(operation),
            confidential: held.grant.includes("confidential:access:admin"),
        })
    }

    pub(crate) fn set_consent(&mut self, consent: Consent) {
        self.config.consent = consent;
    }

    /// Tokens issued from here on are good for this long.
    pub(crate) fn set_access_ttl(&mut self, ttl: Duration) {
        self.config.access_ttl = ttl;
    }

    /// Ends all access tokens; refresh tokens stay good.
    pub(crate) fn expire_access(&mut self) {
        self.access.clear();
    }

    /// Ends all access: the customer has removed the application.
    pub(crate) fn revoke(&mut self) {
        self.codes.clear();
        self.access.clear();
        self.refresh.clear();
    }
}

/// What a later verifier has to hash to; only SHA-256 will do.
fn challenge(query: &Pairs) -> Result<Option<String>, Denied> {
    let challenge = one(query, "code_challenge");
    match (challenge, one(query, "code_challenge_method")) {
        (None, _) => Ok(None),
        (Some(challenge), Some("S256")) => Ok(Some(challenge.to_owned())),
        (Some(_), _) => Err(Denied("invalid_request", "code_challenge_method")),
    }
}

/// The scopes asked for, all of which must exist; none at all asks for everything.
fn scopes(query: &Pairs) -> Result<Option<BTreeSet<String>>, Denied> {
    let Some(scope) = one(query, "scope") else {
        return Ok(None);
    };
    let scopes: BTreeSet<String> = scope.split_whitespace().map(str::to_owned).collect();
    match scopes.iter().all(|scope| scopes::known(scope)) {
        true if scopes.is_empty() => Ok(None),
        true => Ok(Some(scopes)),
        false => Err(Denied("invalid_scope", "Unknown scope")),
    }
}
