//! What a simulator is made of: its account, its keys, its limits, its faults, its clock.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::faults::FaultPlan;
use crate::oauth::OAuthConfig;
use crate::webhooks::DeliveryConfig;

/// The secret of the key that [`Config::default`] makes: all permissions, confidential access.
pub const DEFAULT_KEY: &str = "fulcrum-simulator-key-0000000000000001";

/// The present time in milliseconds since 1970 UTC, as the simulated Lever sees it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a simulator is set up.
#[derive(Clone)]
pub struct Config {
    /// The account it starts with.
    pub population: Population,
    /// How much its opportunities and settings hold beside the opportunities themselves.
    pub children: Children,
    /// The API keys it accepts.
    pub keys: Vec<Key>,
    /// The limit on each key; `None` never answers 429 by itself.
    pub rate_limit: Option<RateLimit>,
    /// How long the `next` token of a page can be used.
    pub offset_ttl: Duration,
    /// What goes wrong, and when.
    pub faults: FaultPlan,
    /// The applications of OAuth, and how they are treated.
    pub oauth: OAuthConfig,
    /// How webhook deliveries are tried.
    pub deliveries: DeliveryConfig,
    /// The clock behind every stamp and the `Date` header.
    pub clock: Clock,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
}

impl Default for Config {
    /// A loopback port, 200 opportunities of seed 1, the key [`DEFAULT_KEY`], Lever's rate limit, no faults.
    fn default() -> Config {
        Config {
            population: Population::default(),
            children: Children::default(),
            keys: vec![Key::all(DEFAULT_KEY)],
            rate_limit: Some(RateLimit::default()),
            offset_ttl: Duration::from_secs(15 * 60),
            faults: FaultPlan::default(),
            oauth: OAuthConfig::default(),
            deliveries: DeliveryConfig::default(),
            clock: Arc::new(system_time_ms),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("population", &self.population)
            .field("children", &self.children)
            .field("keys", &self.keys)
            .field("rate_limit", &self.rate_limit)
            .field("offset_ttl", &self.offset_ttl)
            .field("faults", &self.faults)
            .field("oauth", &self.oauth)
            .field("deliveries", &self.deliveries)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// The size and the seed of the account: the same seed and time give the same account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// How many opportunities there are.
    pub opportunities: usize,
    /// What everything random is drawn from.
    pub seed: u64,
}

impl Default for Population {
    fn default() -> Population {
        Population {
            opportunities: 200,
            seed: 1,
        }
    }
}

/// How many children the population has. The opportunities themselves are the same at every level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Children {
    /// Notes only: no offers, panels, feedback, forms, resumes, files, referrals, EEO answers or answers to questions.
    None,
    /// As in a real account: most opportunities have none of a kind, a few have several.
    #[default]
    Light,
    /// Most have several, and some records were deleted in the last weeks.
    Full,
}

/// An API key of the account.
///
/// Lever: "Authentication", and its help page "Generating and using API credentials".
#[derive(Clone)]
pub struct Key {
    /// What the caller sends as user name, with an empty password.
    pub secret: String,
    /// The calls it may make.
    pub permissions: Permissions,
    /// Whether it may see confidential records; in Lever this is fixed when the key is made.
    pub confidential: bool,
}

impl Key {
    /// A key that may do and see everything.
    pub fn all(secret: impl Into<String>) -> Key {
        Key {
            secret: secret.into(),
            permissions: Permissions::All,
            confidential: true,
        }
    }

    /// A key with these permissions, in Lever's words, and without confidential access.
    pub fn only<P: Into<String>>(
        secret: impl Into<String>,
        permissions: impl IntoIterator<Item = P>,
    ) -> Key {
        Key {
            secret: secret.into(),
            permissions: Permissions::Only(permissions.into_iter().map(Into::into).collect()),
            confidential: false,
        }
    }
}

/// The part of a secret that may be shown.
pub(crate) fn last4(secret: &str) -> String {
    let skip = secret.chars().count().saturating_sub(4);
    secret.chars().skip(skip).collect()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("secret", &"[redacted]")
            .field("permissions", &self.permissions)
            .field("confidential", &self.confidential)
            .finish()
    }
}

/// The calls a key may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// Every call.
    All,
    /// The calls behind these names of Lever's API-key page, such as `find all opportunity notes`.
    Only(BTreeSet<String>),
}

impl Permissions {
    /// Whether the permission of this name is granted.
    pub fn grants(&self, permission: &str) -> bool {
        match self {
            Permissions::All => true,
            Permissions::Only(names) => names.contains(permission),
        }
    }
}

/// A token bucket per key. Lever: "Rate limits" (10 a second, bursts up to 20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests that may come at once.
    pub burst: u32,
    /// Requests a second in the long run.
    pub per_second: u32,
}

impl Default for RateLimit {
    fn default() -> RateLimit {
        RateLimit {
            burst: 20,
            per_second: 10,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulator reads the clock"
)]
fn system_time_ms() -> i64 {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_shows_its_secret() {
        let shown = format!("{:?}", Config::default());
        assert!(!shown.contains(DEFAULT_KEY), "{shown}");
        assert_eq!(last4(DEFAULT_KEY), "0001");
        assert_eq!(last4("ab"), "ab");
    }
}
