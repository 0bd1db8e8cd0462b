//! Links by which somebody else connects an account.

use domain::{ConnectionId, Environment};
use engine::{Error, Result, Violation};
use lever::Timestamp;
use proto::v1 as pb;
use store::{ConnectLink, LinkPurpose, LinkState};

use super::connection::{from_environment, to_region};
use super::time::{from_timestamp, to_timestamp};

/// A link as the wire has it, at a time.
pub fn to_pb(link: &ConnectLink, now: Timestamp) -> pb::ConnectLink {
    let used_for = link.used.as_ref().map(|(_, connection)| *connection);
    let mut shown = pb::ConnectLink {
        id: link.id.clone(),
        state: to_state(link.state(now)).into(),
        connection_id: used_for.map(|id| id.to_string()).unwrap_or_default(),
        created_by: link.made_by_name.clone(),
        create_time: Some(to_timestamp(link.created_at)),
        expire_time: Some(to_timestamp(link.expires_at)),
        use_time: link.used.as_ref().map(|(at, _)| to_timestamp(*at)),
        revoke_time: link.revoked.as_ref().map(|(at, _)| to_timestamp(*at)),
        revoked_by: link
            .revoked
            .as_ref()
            .map_or_else(String::new, |(_, by)| by.clone()),
        ..Default::default()
    };
    match &link.purpose {
        LinkPurpose::Relink(connection) => {
            shown.relink = true;
            shown.connection_id = connection.to_string();
        }
        LinkPurpose::New {
            display_name,
            external_id,
            environment,
        } => {
            shown.display_name = display_name.clone();
            shown.external_id = external_id.clone().unwrap_or_default();
            match environment {
                Environment::Region(region) => shown.region = to_region(*region).into(),
                Environment::BaseUrl(base_url) => shown.base_url = base_url.clone(),
            }
        }
    }
    shown
}

fn to_state(state: LinkState) -> pb::ConnectLinkState {
    match state {
        LinkState::Open => pb::ConnectLinkState::Open,
        LinkState::Used => pb::ConnectLinkState::Used,
        LinkState::Expired => pb::ConnectLinkState::Expired,
        LinkState::Revoked => pb::ConnectLinkState::Revoked,
    }
}

/// What a link is to be for, and when it ends; whether the connection exists is for others to say.
///
/// # Errors
/// Invalid, naming the field; not found for a connection that cannot exist.
pub fn from_pb(request: &pb::CreateConnectLinkRequest) -> Result<(LinkPurpose, Option<Timestamp>)> {
    let expires_at = request.expire_time.as_ref();
    let expires_at = expires_at
        .map(|at| from_timestamp("expire_time", at))
        .transpose()?;
    if !request.connection_id.is_empty() {
        let beside = [
            ("display_name", request.display_name.is_empty()),
            ("external_id", request.external_id.is_empty()),
            ("region", request.region() == pb::Region::Unspecified),
            ("base_url", request.base_url.is_empty()),
        ];
        let violations: Vec<_> = beside
            .into_iter()
            .filter(|(_, empty)| !empty)
            .map(|(field, _)| Violation {
                field: field.to_owned(),
                message: "leave it out: the connection has it already".to_owned(),
            })
            .collect();
        if !violations.is_empty() {
            return Err(Error::violations(violations));
        }
        let id: ConnectionId = super::connection_id(&request.connection_id)?;
        return Ok((LinkPurpose::Relink(id), expires_at));
    }
    let environment = from_environment(&pb::Connection {
        region: request.region,
        base_url: request.base_url.clone(),
        ..Default::default()
    })?;
    let external_id = request.external_id.clone();
    let purpose = LinkPurpose::New {
        display_name: request.display_name.trim().to_owned(),
        external_id: (!external_id.is_empty()).then_some(external_id),
        environment,
    };
    Ok((purpose, expires_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_for_a_new_account_or_for_one_that_is_there() {
        let id = "01010101-0101-0101-0101-010101010101";
        let relink = pb::CreateConnectLinkRequest {
            connection_id: id.to_owned(),
            ..Default::default()
        };
        let there = LinkPurpose::Relink(ConnectionId::from_bytes([1; 16]));
        assert_eq!(from_pb(&relink).unwrap(), (there, None));
        let both = pb::CreateConnectLinkRequest {
            display_name: "Acme".to_owned(),
            ..relink
        };
        assert!(
            from_pb(&both)
                .unwrap_err()
                .to_string()
                .starts_with("display_name")
        );
        let new = pb::CreateConnectLinkRequest {
            display_name: " Acme ".to_owned(),
            region: pb::Region::Sandbox.into(),
            ..Default::default()
        };
        let expected = LinkPurpose::New {
            display_name: "Acme".to_owned(),
            external_id: None,
            environment: Environment::Region(domain::Region::Sandbox),
        };
        assert_eq!(from_pb(&new).unwrap().0, expected);
    }

    #[test]
    fn a_link_is_shown_without_its_secret_and_with_what_became_of_it() {
        let at = Timestamp::from_millis;
        let link = ConnectLink {
            id: "l".to_owned(),
            hash: [1; 32],
            purpose: LinkPurpose::New {
                display_name: "Acme".to_owned(),
                external_id: None,
                environment: Environment::BaseUrl("http://a/v1".to_owned()),
            },
            made_by: "t".to_owned(),
            made_by_name: "ada".to_owned(),
            scoped: false,
            created_at: at(1_000),
            expires_at: at(9_000),
            used: Some((at(2_000), ConnectionId::from_bytes([1; 16]))),
            revoked: None,
        };
        let shown = to_pb(&link, at(10_000));
        assert_eq!(shown.state(), pb::ConnectLinkState::Used);
        assert_eq!(shown.connection_id, "01010101-0101-0101-0101-010101010101");
        assert_eq!((shown.created_by.as_str(), shown.relink), ("ada", false));
        let open = ConnectLink { used: None, ..link };
        assert_eq!(to_pb(&open, at(8_999)).state(), pb::ConnectLinkState::Open);
        assert_eq!(
            to_pb(&open, at(9_000)).state(),
            pb::ConnectLinkState::Expired
        );
    }
}
