//! Tokens of callers.

use std::str::FromStr as _;

use domain::ConnectionId;
use engine::{Error, Result};
use lever::Timestamp;
use proto::v1 as pb;
use store::TokenRecord;

use super::time::{from_timestamp, to_timestamp};
use crate::auth::Role;
use crate::tokens::NewToken;

/// What is known about a token, as the wire has it.
pub fn to_pb(token: &TokenRecord, last_use: Option<Timestamp>) -> pb::Token {
    let role = Role::from_name(&token.role);
    let ids = token.connections.iter();
    pb::Token {
        id: token.id.clone(),
        prefix: token.prefix.clone(),
        name: token.name.clone(),
        role: role.map_or(pb::TokenRole::Unspecified, to_role).into(),
        connection_ids: ids.map(ConnectionId::to_string).collect(),
        rights: token.rights.clone(),
        create_time: Some(to_timestamp(token.created_at)),
        expire_time: token.expires_at.map(to_timestamp),
        last_use_time: last_use.map(to_timestamp),
        revoke_time: token.revoked_at.map(to_timestamp),
    }
}

/// A token to make, from the wire; whether its connections exist is for others to say.
pub fn from_pb(request: pb::CreateTokenRequest) -> Result<NewToken> {
    let role = from_role(request.role())
        .ok_or_else(|| Error::invalid("role", "say what the token is for"))?;
    let expires_at = request
        .expire_time
        .map(|at| from_timestamp("expire_time", &at))
        .transpose()?;
    let mut connections = Vec::with_capacity(request.connection_ids.len());
    for text in &request.connection_ids {
        let known = ConnectionId::from_str(text);
        let id = known.map_err(|_| Error::not_found("connection", text))?;
        if !connections.contains(&id) {
            connections.push(id);
        }
    }
    Ok(NewToken {
        name: request.name,
        role,
        connections,
        rights: request.rights.into_iter().collect(),
        expires_at,
    })
}

/// The number of a role.
pub fn to_role(role: Role) -> pb::TokenRole {
    match role {
        Role::Admin => pb::TokenRole::Admin,
        Role::Product => pb::TokenRole::Product,
        Role::Reader => pb::TokenRole::Reader,
        Role::Inbound => pb::TokenRole::Inbound,
    }
}

/// The role of that number; none for one that is not given or unknown.
pub fn from_role(role: pb::TokenRole) -> Option<Role> {
    match role {
        pb::TokenRole::Unspecified => None,
        pb::TokenRole::Admin => Some(Role::Admin),
        pb::TokenRole::Product => Some(Role::Product),
        pb::TokenRole::Reader => Some(Role::Reader),
        pb::TokenRole::Inbound => Some(Role::Inbound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_without_its_secret_and_roles_survive_the_way_there_and_back() {
        for role in Role::ALL {
            assert_eq!(from_role(to_role(*role)), Some(*role));
        }
        let token = TokenRecord {
            id: "id".to_owned(),
            name: "backend".to_owned(),
            role: "reader".to_owned(),
            connections: vec![ConnectionId::from_bytes([1; 16])],
            rights: vec!["eeo".to_owned()],
            hash: [7; 32],
            prefix: "flc_abcd".to_owned(),
            created_at: Timestamp::from_millis(1_000),
            expires_at: None,
            revoked_at: Some(Timestamp::from_millis(2_000)),
        };
        let shown = to_pb(&token, Some(Timestamp::from_millis(60_000)));
        assert_eq!(shown.role(), pb::TokenRole::Reader);
        assert_eq!(
            shown.connection_ids,
            ["01010101-0101-0101-0101-010101010101"]
        );
        let seconds = |at: Option<prost_types::Timestamp>| at.map(|at| at.seconds);
        assert_eq!(
            [
                shown.create_time,
                shown.expire_time,
                shown.last_use_time,
                shown.revoke_time
            ]
            .map(seconds),
            [Some(1), None, Some(60), Some(2)]
        );
    }

    #[test]
    fn a_bad_wish_names_its_field() {
        let asked = |role: pb::TokenRole, id: &str| {
            from_pb(pb::CreateTokenRequest {
                role: role.into(),
                connection_ids: vec![id.to_owned()],
                ..Default::default()
            })
        };
        let error = asked(pb::TokenRole::Unspecified, "x").unwrap_err();
        assert!(error.to_string().starts_with("role"), "{error}");
        let error = asked(pb::TokenRole::Reader, "../etc").unwrap_err();
        assert!(matches!(error.kind(), engine::ErrorKind::NotFound { .. }));
    }
}
