//! Bearer tokens: how they are made, and who may administer which.

mod offline;
mod room;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ConnectionId;
use engine::{Error, Result, Violation};
use lever::Timestamp;
use secrecy::SecretString;
use store::TokenRecord;

pub use offline::{create, list, revoke};
pub(crate) use room::Room;

use crate::auth::{self, Caller, RIGHTS, Role, good};

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// A name for people; empty for one made up.
    pub name: String,
    /// What its bearer may call.
    pub role: Role,
    /// The connections it sees; empty for all.
    pub connections: Vec<ConnectionId>,
    /// Extra rights.
    pub rights: BTreeSet<String>,
    /// When it stops working; none for never.
    pub expires_at: Option<Timestamp>,
}

/// Room for the name of any program or person.
const LONGEST_NAME: usize = 200;

impl NewToken {
    /// What is wrong with it, whoever asks.
    pub(crate) fn faults(&self, now: Timestamp) -> Vec<Violation> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, message: String| {
            faults.push(Violation {
                field: field.to_owned(),
                message,
            });
        };
        if self.name.chars().count() > LONGEST_NAME
            || self.name.chars().any(domain::text::is_unseen)
        {
            fault(
                "name",
                format!("give at most {LONGEST_NAME} characters, in one line"),
            );
        }
        for right in &self.rights {
            if !RIGHTS.contains(&right.as_str()) {
                fault("rights", format!("the rights are {}", RIGHTS.join(", ")));
            }
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            fault("expire_time", "give a time in the future".to_owned());
        }
        faults
    }

    /// What in it goes beyond an admin who is limited to connections; nothing does for any other.
    pub(crate) fn beyond(&self, admin: &Caller) -> Vec<Violation> {
        let mut beyond = Vec::new();
        let mut fault = |field: &str, message: &str| {
            beyond.push(Violation {
                field: field.to_owned(),
                message: message.to_owned(),
            });
        };
        if !within_scope(admin, &self.connections) {
            let message = "your token is limited to connections: name some of those it sees";
            fault("connection_ids", message);
        }
        if !within_rights(admin, &self.rights) {
            fault("rights", "give rights that your own token has");
        }
        if !within_expiry(admin, self.expires_at) {
            fault(
                "expire_time",
                "give a time up to that at which your own token stops working",
            );
        }
        beyond
    }
}

/// Whether an admin administers a token: all of them, or those within its own scope, rights and expiry.
pub(crate) fn administers(admin: &Caller, token: &TokenRecord) -> bool {
    within_scope(admin, &token.connections)
        && within_rights(admin, &token.rights)
        && within_expiry(admin, token.expires_at)
}

fn within_scope(admin: &Caller, connections: &[ConnectionId]) -> bool {
    let seen = |scope: &std::collections::HashSet<ConnectionId>| {
        !connections.is_empty() && connections.iter().all(|id| scope.contains(id))
    };
    admin.scope.as_deref().is_none_or(seen)
}

fn within_rights<'a>(admin: &Caller, rights: impl IntoIterator<Item = &'a String>) -> bool {
    admin.scope.is_none() || rights.into_iter().all(|right| admin.has(right))
}

fn within_expiry(admin: &Caller, expires_at: Option<Timestamp>) -> bool {
    match (&admin.scope, admin.expires_at) {
        (None, _) | (Some(_), None) => true,
        (Some(_), Some(own)) => expires_at.is_some_and(|at| at <= own),
    }
}

/// Whether nobody could administer the whole service any more without this token.
pub(crate) fn is_last_admin(token: &TokenRecord, all: &[TokenRecord], now: Timestamp) -> bool {
    let administers_all = |token: &TokenRecord| {
        token.role == Role::Admin.name() && token.connections.is_empty() && good(token, now)
    };
    administers_all(token)
        && !all
            .iter()
            .any(|other| other.id != token.id && administers_all(other))
}

/// Makes a token, which is given out once, and what is kept of it.
///
/// # Errors
/// If the operating system gives no random numbers.
pub(crate) fn mint(new: NewToken, now: Timestamp) -> Result<(SecretString, TokenRecord)> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| Error::unavailable(NO_RANDOMNESS))?;
    let token = format!("flc_{}", URL_SAFE_NO_PAD.encode(random));
    let id = uuid::Uuid::now_v7().to_string();
    let record = TokenRecord {
        name: match new.name.as_str() {
            // The end of the id is its random part.
            "" => format!("{} {}", new.role.name(), &id[id.len() - 8..]),
            _ => new.name,
        },
        id,
        role: new.role.name().to_owned(),
        connections: new.connections,
        rights: new.rights.into_iter().collect(),
        hash: auth::hash(&token),
        prefix: token[..8].to_owned(),
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    Ok((SecretString::from(token), record))
}

const NO_RANDOMNESS: &str =
    "the operating system gives no random numbers: the token was not made, try again";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use secrecy::ExposeSecret as _;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn connection(n: u8) -> ConnectionId {
        ConnectionId::from_bytes([n; 16])
    }

    fn admin(scope: Option<&[u8]>, rights: &[&str], expires_at: Option<Timestamp>) -> Caller {
        let ids = |scope: &[u8]| scope.iter().map(|n| connection(*n)).collect::<HashSet<_>>();
        Caller {
            scope: scope.map(|scope| Arc::new(ids(scope))),
            rights: Arc::new(rights.iter().map(|right| (*right).to_owned()).collect()),
            expires_at,
            ..Caller::local()
        }
    }

    fn new(scope: &[u8], rights: &[&str], expires_at: Option<Timestamp>) -> NewToken {
        NewToken {
            name: String::new(),
            role: Role::Product,
            connections: scope.iter().map(|n| connection(*n)).collect(),
            rights: rights.iter().map(|right| (*right).to_owned()).collect(),
            expires_at,
        }
    }

    fn later(ms: i64) -> Option<Timestamp> {
        Some(Timestamp::from_millis(ms))
    }

    #[test]
    fn a_limited_admin_gives_and_administers_what_it_has_and_no_more() {
        let limited = admin(Some(&[1, 2]), &["eeo"], later(5_000));
        let all = admin(None, &[], later(5_000));
        let cases: [(NewToken, &[&str]); 6] = [
            (new(&[1], &["eeo"], later(5_000)), &[]),
            (new(&[1, 2], &[], later(2_000)), &[]),
            (new(&[], &[], later(5_000)), &["connection_ids"]),
            (new(&[1, 3], &[], later(5_000)), &["connection_ids"]),
            (new(&[1], &["confidential"], later(5_000)), &["rights"]),
            (new(&[1], &["act_as_any"], None), &["rights", "expire_time"]),
        ];
        for (token, expected) in cases {
            let beyond = token.beyond(&limited);
            let fields: Vec<_> = beyond.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(fields, expected);
            assert!(token.beyond(&all).is_empty());
            let record = mint(token, NOW).unwrap().1;
            assert_eq!(administers(&limited, &record), expected.is_empty());
            assert!(administers(&all, &record));
        }
        let endless = admin(Some(&[1]), &[], None);
        assert!(new(&[1], &[], None).beyond(&endless).is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let bad = NewToken {
            name: "two\nlines".to_owned(),
            ..new(&[], &["root"], Some(NOW))
        };
        let fields: Vec<_> = bad
            .faults(NOW)
            .into_iter()
            .map(|fault| fault.field)
            .collect();
        assert_eq!(fields, ["name", "rights", "expire_time"]);
        assert!(new(&[], &["eeo"], later(1_001)).faults(NOW).is_empty());
    }

    #[test]
    fn of_a_token_only_its_hash_and_first_characters_are_kept() {
        let (secret, record) = mint(new(&[], &[], None), NOW).unwrap();
        let secret = secret.expose_secret();
        assert_eq!(record.hash, auth::hash(secret));
        assert!(secret.starts_with(&record.prefix) && secret.len() == 47);
        assert_ne!(mint(new(&[], &[], None), NOW).unwrap().1.hash, record.hash);
    }

    #[test]
    fn the_last_admin_is_the_last_that_is_good_and_sees_all() {
        let of = |role, scope: &[u8], expires_at| {
            let new = NewToken {
                role,
                ..new(scope, &[], expires_at)
            };
            mint(new, NOW).unwrap().1
        };
        let one = of(Role::Admin, &[], None);
        let mut others = vec![
            of(Role::Admin, &[1], None),
            of(Role::Product, &[], None),
            of(Role::Admin, &[], Some(NOW)),
            one.clone(),
        ];
        assert!(is_last_admin(&one, &others, NOW));
        assert!(!is_last_admin(&others[0], &others, NOW));
        others.push(of(Role::Admin, &[], later(2_000)));
        assert!(!is_last_admin(&one, &others, NOW));
        assert!(is_last_admin(&one, &others, Timestamp::from_millis(2_000)));
    }
}
