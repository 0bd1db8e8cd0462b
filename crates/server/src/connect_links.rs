//! Links by which somebody else connects an account: how they are made, and who administers which.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::{Error, Result};
use lever::Timestamp;
use secrecy::SecretString;
use store::{ConnectLink, LinkPurpose};

use crate::auth::{self, Caller};

/// How long a link works unless told otherwise.
pub(crate) const USUAL_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a link works at most.
pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How a secret begins, so that people and scanners recognize it.
const PREFIX: &str = "fcl_";

/// Makes a link, whose secret is given out once, and what is kept of it.
///
/// # Errors
/// Invalid for a time that has passed, is more than 30 days ahead, or later than the end of a token that names its
/// connections; unavailable if the operating system gives no random numbers.
pub(crate) fn mint(
    caller: &Caller,
    purpose: LinkPurpose,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(SecretString, ConnectLink)> {
    let expires_at = expiry(caller, expires_at, now)?;
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| Error::unavailable(NO_RANDOMNESS))?;
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let link = ConnectLink {
        id: uuid::Uuid::now_v7().to_string(),
        hash: auth::hash(&secret),
        purpose,
        made_by: caller.id.clone(),
        made_by_name: caller.name.clone(),
        scoped: caller.scope.is_some(),
        created_at: now,
        expires_at,
        used: None,
        revoked: None,
    };
    Ok((SecretString::from(secret), link))
}

const NO_RANDOMNESS: &str =
    "the operating system gives no random numbers: the link was not made, try again";

fn expiry(caller: &Caller, asked: Option<Timestamp>, now: Timestamp) -> Result<Timestamp> {
    // What a limited admin gives away ends with what it has.
    let own_end = caller.expires_at.filter(|_| caller.scope.is_some());
    let Some(asked) = asked else {
        let usual = now.plus(USUAL_LIFE);
        return Ok(own_end.map_or(usual, |end| end.min(usual)));
    };
    let fault = if asked <= now {
        "give a time in the future"
    } else if asked > now.plus(LONGEST_LIFE) {
        "a link works for 30 days at most"
    } else if own_end.is_some_and(|end| asked > end) {
        "give a time up to that at which your own token stops working"
    } else {
        return Ok(asked);
    };
    Err(Error::invalid("expire_time", fault))
}

/// Whether a caller lists and revokes a link: all of them, or those it made, and those of the connections it sees.
pub(crate) fn administers(caller: &Caller, link: &ConnectLink) -> bool {
    let about = match &link.purpose {
        LinkPurpose::Relink(connection) => Some(*connection),
        LinkPurpose::New { .. } => link.used.as_ref().map(|(_, connection)| *connection),
    };
    caller.scope.is_none()
        || link.made_by == caller.id
        || about.is_some_and(|connection| caller.sees(connection))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::ConnectionId;
    use secrecy::ExposeSecret as _;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn limited(expires_at: Option<Timestamp>) -> Caller {
        Caller {
            id: "limited".to_owned(),
            scope: Some(Arc::new([ConnectionId::from_bytes([1; 16])].into())),
            expires_at,
            ..Caller::local()
        }
    }

    fn relink(n: u8) -> LinkPurpose {
        LinkPurpose::Relink(ConnectionId::from_bytes([n; 16]))
    }

    #[test]
    fn of_a_link_only_the_hash_of_its_secret_is_kept() {
        let (secret, link) = mint(&Caller::local(), relink(1), None, NOW).unwrap();
        assert_eq!(link.hash, auth::hash(secret.expose_secret()));
        assert_eq!(link.expires_at, NOW.plus(USUAL_LIFE));
        assert_eq!(secret.expose_secret().len(), PREFIX.len() + 43);
        let (_, other) = mint(&Caller::local(), relink(1), None, NOW).unwrap();
        assert_ne!(link.hash, other.hash);
    }

    #[test]
    fn a_link_ends_in_time_and_no_later_than_a_limited_token() {
        let later = |ms| NOW.plus(Duration::from_millis(ms));
        let all = Caller {
            expires_at: Some(later(5)),
            ..Caller::local()
        };
        let ends = |caller: &Caller, at| expiry(caller, at, NOW).ok();
        assert_eq!(ends(&all, None), Some(NOW.plus(USUAL_LIFE)));
        assert_eq!(ends(&limited(Some(later(5))), None), Some(later(5)));
        assert_eq!(ends(&limited(None), Some(later(9))), Some(later(9)));
        let farthest = NOW.plus(LONGEST_LIFE);
        assert_eq!(ends(&all, Some(farthest)), Some(farthest));
        for (caller, at) in [
            (&all, NOW),
            (&all, farthest.plus(Duration::from_millis(1))),
            (&limited(Some(later(5))), later(6)),
        ] {
            let error = expiry(caller, Some(at), NOW).unwrap_err();
            assert!(error.to_string().starts_with("expire_time"), "{error}");
        }
    }

    #[test]
    fn a_limited_admin_looks_after_its_own_links_and_those_of_its_connections() {
        let link = |purpose| mint(&Caller::local(), purpose, None, NOW).unwrap().1;
        let own = mint(&limited(None), relink(2), None, NOW).unwrap().1;
        assert!(administers(&limited(None), &link(relink(1))));
        assert!(!administers(&limited(None), &link(relink(2))));
        assert!(administers(&limited(None), &own));
        assert!(administers(&Caller::local(), &own));
    }
}
