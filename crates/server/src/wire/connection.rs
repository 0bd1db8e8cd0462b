//! Connections and their settings.

use std::collections::BTreeSet;

use ::lever::UserId;
use domain::{Connection, Environment, ExcludedField, Region, Stream, Timestamp};
use engine::{
    ConnectionPatch, CredentialKind, Error, MOST_GIVEN_TOKENS, NewConnection, NewCredential,
    OAuthGrant, Result, SyncState, WebhookState,
};
use proto::v1 as pb;
use secrecy::SecretString;

use super::sync::to_state;
use super::time::{from_timestamp, to_timestamp};

/// How a connection is doing, beside its settings.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its mirror.
    pub state: SyncState,
    /// Its webhooks.
    pub webhooks: WebhookState,
    /// What opens it; none while nothing does.
    pub credential: Option<CredentialKind>,
}

/// A connection as the wire has it.
pub fn to_pb(connection: &Connection, standing: Standing) -> pb::Connection {
    let (webhook_state, webhook_error) = to_webhook_state(standing.webhooks);
    let (region, base_url) = match &connection.environment {
        Environment::Region(region) => (to_region(*region), String::new()),
        Environment::BaseUrl(base_url) => (pb::Region::Unspecified, base_url.clone()),
    };
    pb::Connection {
        id: connection.id.to_string(),
        display_name: connection.display_name.clone(),
        external_id: connection.external_id.clone().unwrap_or_default(),
        region: region.into(),
        base_url,
        streams: connection
            .streams
            .iter()
            .map(|stream| stream.name().to_owned())
            .collect(),
        sync_start_time: connection.sync_start.map(to_timestamp),
        include_archived: Some(connection.include_archived),
        include_snoozed: Some(connection.include_snoozed),
        default_acting_user_id: connection
            .default_acting_user
            .as_ref()
            .map(|user| user.as_str().to_owned())
            .unwrap_or_default(),
        strict_acting_user: connection.strict_acting_user,
        state: to_state(standing.state).into(),
        etag: etag(connection.revision),
        create_time: Some(to_timestamp(connection.created_at)),
        key_last_four: connection.key_last_four.clone(),
        credential_time: connection.credential_since.map(to_timestamp),
        // Write only.
        webhook_signature_tokens: Vec::new(),
        excluded_fields: connection
            .excluded_fields
            .iter()
            .map(ToString::to_string)
            .collect(),
        include_secret_notes: connection.include_secret_notes,
        webhooks: connection.webhooks,
        webhook_state: webhook_state.into(),
        webhook_error,
        credential_kind: to_credential_kind(standing.credential).into(),
        disconnect_time: connection
            .disconnected
            .map(|disconnected| to_timestamp(disconnected.at)),
        purge_time: connection
            .disconnected
            .map(|disconnected| to_timestamp(disconnected.purge_at)),
    }
}

/// The state, and what went wrong.
fn to_webhook_state(state: WebhookState) -> (pb::WebhookState, String) {
    match state {
        WebhookState::Off => (pb::WebhookState::Off, String::new()),
        WebhookState::Pending(error) => (pb::WebhookState::Pending, error.unwrap_or_default()),
        WebhookState::Registered => (pb::WebhookState::Registered, String::new()),
        WebhookState::Failed(error) => (pb::WebhookState::Failed, error),
    }
}

fn to_credential_kind(kind: Option<CredentialKind>) -> pb::CredentialKind {
    match kind {
        None => pb::CredentialKind::Unspecified,
        Some(CredentialKind::ApiKey) => pb::CredentialKind::ApiKey,
        Some(CredentialKind::OAuth) => pb::CredentialKind::Oauth,
    }
}

/// The credential a request gives: an API key, or a grant of OAuth.
///
/// # Errors
/// Invalid for both or neither, and for a grant that is not whole.
pub fn from_credential(api_key: String, oauth: Option<pb::OAuthGrant>) -> Result<NewCredential> {
    match (api_key.is_empty(), oauth) {
        (_, None) => Ok(NewCredential::ApiKey(SecretString::from(api_key))),
        (true, Some(grant)) => from_grant(grant).map(NewCredential::OAuth),
        (false, Some(_)) => Err(Error::invalid(
            "oauth",
            "give either an API key or a grant, not both",
        )),
    }
}

fn from_grant(grant: pb::OAuthGrant) -> Result<OAuthGrant> {
    let pb::OAuthGrant {
        authorization_code,
        redirect_uri,
        refresh_token,
    } = grant;
    let fields = [
        ("oauth.authorization_code", &authorization_code),
        ("oauth.redirect_uri", &redirect_uri),
        ("oauth.refresh_token", &refresh_token),
    ];
    let torn = fields
        .into_iter()
        .find(|(_, text)| text.chars().any(char::is_control));
    if let Some((field, _)) = torn {
        return Err(Error::invalid(
            field,
            "it holds a line break or another control character: give it as Lever did",
        ));
    }
    match (authorization_code.as_str(), refresh_token.as_str()) {
        ("", "") => Err(Error::invalid(
            "oauth.authorization_code",
            "give the code that Lever sent to the redirect URI, or a refresh token",
        )),
        ("", _) => Ok(OAuthGrant::RefreshToken(SecretString::from(refresh_token))),
        (_, "") if redirect_uri.is_empty() => Err(Error::invalid(
            "oauth.redirect_uri",
            "give the redirect URI that the code was asked with, to the letter",
        )),
        (_, "") => Ok(OAuthGrant::Code {
            code: SecretString::from(authorization_code),
            redirect_uri,
            verifier: None,
        }),
        _ => Err(Error::invalid(
            "oauth.refresh_token",
            "give either a code or a refresh token, not both",
        )),
    }
}

/// The signature tokens of webhooks that were made by hand in Lever.
///
/// # Errors
/// Invalid for more than 20, and for one that is empty or longer than 200 bytes.
fn from_signature_tokens(tokens: &[String]) -> Result<Vec<SecretString>> {
    const FIELD: &str = "connection.webhook_signature_tokens";
    if tokens.len() > MOST_GIVEN_TOKENS {
        let message = format!("give at most {MOST_GIVEN_TOKENS}");
        return Err(Error::invalid(FIELD, message));
    }
    let fits = |token: &String| (1..=200).contains(&token.trim().len());
    if let Some(index) = tokens.iter().position(|token| !fits(token)) {
        return Err(Error::invalid(
            format!("{FIELD}[{index}]"),
            "give the token as Lever's settings page shows it",
        ));
    }
    Ok(tokens
        .iter()
        .map(|token| SecretString::from(token.trim()))
        .collect())
}

/// The most fields one connection leaves out.
const MOST_FIELDS: usize = 500;
/// The longest of them, in bytes; Lever's own are far shorter.
const LONGEST_FIELD: usize = 200;
/// The most steps of its path; Lever's own are far fewer.
const DEEPEST_FIELD: usize = 10;

/// The fields to leave out.
///
/// # Errors
/// Invalid for more than 500, and for one that cannot be left out, is none, or is longer or deeper than any of Lever's.
fn from_excluded_fields(fields: &[String]) -> Result<BTreeSet<ExcludedField>> {
    const FIELD: &str = "connection.excluded_fields";
    if fields.len() > MOST_FIELDS {
        return Err(Error::invalid(FIELD, format!("give at most {MOST_FIELDS}")));
    }
    let field = |(index, text): (usize, &String)| {
        let bad = |why| Error::invalid(format!("{FIELD}[{index}]"), why);
        if text.len() > LONGEST_FIELD || text.matches('.').count() > DEEPEST_FIELD {
            return Err(bad(format!(
                "Lever has no such field: give stream.path of at most {LONGEST_FIELD} bytes and {DEEPEST_FIELD} steps"
            )));
        }
        ExcludedField::parse(text).map_err(|refusal| bad(refusal.to_string()))
    };
    fields.iter().enumerate().map(field).collect()
}

/// The settings of an account to link.
///
/// # Errors
/// Invalid, naming the field.
pub fn from_pb(connection: &pb::Connection) -> Result<NewConnection> {
    Ok(NewConnection {
        display_name: from_name(connection),
        external_id: non_empty(&connection.external_id),
        environment: from_environment(connection)?,
        streams: from_streams("connection.streams", &connection.streams)?,
        sync_start: from_start(connection)?,
        include_archived: connection.include_archived.unwrap_or(true),
        include_snoozed: connection.include_snoozed.unwrap_or(true),
        default_acting_user: from_user(connection),
        strict_acting_user: connection.strict_acting_user,
        excluded_fields: from_excluded_fields(&connection.excluded_fields)?,
        include_secret_notes: connection.include_secret_notes,
        webhooks: connection.webhooks,
        paused: false,
        signature_tokens: from_signature_tokens(&connection.webhook_signature_tokens)?,
        restore: None,
        again: false,
    })
}

fn from_name(connection: &pb::Connection) -> String {
    connection.display_name.trim().to_owned()
}

fn from_start(connection: &pb::Connection) -> Result<Option<Timestamp>> {
    let start = connection.sync_start_time.as_ref();
    start
        .map(|at| from_timestamp("connection.sync_start_time", at))
        .transpose()
}

fn from_user(connection: &pb::Connection) -> Option<UserId> {
    non_empty(&connection.default_acting_user_id).map(UserId::from)
}

/// The changes an update asks for; what its mask does not name is not looked at.
///
/// # Errors
/// Invalid for a path that cannot be changed, and for a bad value.
pub fn from_update(connection: &pb::Connection, paths: &[String]) -> Result<ConnectionPatch> {
    if paths.is_empty() {
        return Err(Error::invalid("update_mask", "name the fields to change"));
    }
    let mut patch = ConnectionPatch::default();
    for (index, path) in paths.iter().enumerate() {
        match path.as_str() {
            "display_name" => patch.display_name = Some(from_name(connection)),
            "external_id" => patch.external_id = Some(non_empty(&connection.external_id)),
            "streams" => {
                patch.streams = Some(from_streams("connection.streams", &connection.streams)?)
            }
            "sync_start_time" => patch.sync_start = Some(from_start(connection)?),
            "include_archived" => {
                patch.include_archived = Some(connection.include_archived.unwrap_or(true));
            }
            "include_snoozed" => {
                patch.include_snoozed = Some(connection.include_snoozed.unwrap_or(true));
            }
            "default_acting_user_id" => patch.default_acting_user = Some(from_user(connection)),
            "strict_acting_user" => {
                patch.strict_acting_user = Some(connection.strict_acting_user);
            }
            "excluded_fields" => {
                patch.excluded_fields = Some(from_excluded_fields(&connection.excluded_fields)?);
            }
            "include_secret_notes" => {
                patch.include_secret_notes = Some(connection.include_secret_notes)
            }
            "webhooks" => patch.webhooks = Some(connection.webhooks),
            "webhook_signature_tokens" => {
                let tokens = from_signature_tokens(&connection.webhook_signature_tokens)?;
                patch.signature_tokens = Some(tokens);
            }
            _ => {
                return Err(Error::invalid(
                    format!("update_mask.paths[{index}]"),
                    "cannot be changed: allowed are display_name, external_id, streams, sync_start_time, \
                     include_archived, include_snoozed, default_acting_user_id, webhook_signature_tokens, \
                     excluded_fields, include_secret_notes, webhooks, strict_acting_user",
                ));
            }
        }
    }
    Ok(patch)
}

/// The revision an etag names; none when it is empty.
///
/// # Errors
/// Invalid for a text that never was an etag.
pub fn from_etag(etag: &str) -> Result<Option<u64>> {
    if etag.is_empty() {
        return Ok(None);
    }
    let revision = etag
        .strip_prefix('v')
        .and_then(|digits| digits.parse().ok());
    revision
        .map(Some)
        .ok_or_else(|| Error::invalid("connection.etag", "give the etag as GetConnection tells it"))
}

fn etag(revision: u64) -> String {
    format!("v{revision}")
}

pub(crate) fn from_environment(connection: &pb::Connection) -> Result<Environment> {
    let region = pb::Region::try_from(connection.region)
        .map_err(|_| Error::invalid("connection.region", "this is no known region"))?;
    match (region, connection.base_url.as_str()) {
        (pb::Region::Unspecified | pb::Region::Global, "") => {
            Ok(Environment::Region(Region::Global))
        }
        (pb::Region::Eu, "") => Ok(Environment::Region(Region::Eu)),
        (pb::Region::Sandbox, "") => Ok(Environment::Region(Region::Sandbox)),
        (pb::Region::Unspecified, base_url) => Ok(Environment::BaseUrl(base_url.to_owned())),
        _ => Err(Error::invalid(
            "connection.base_url",
            "name either a region or a base URL, not both",
        )),
    }
}

pub(crate) fn to_region(region: Region) -> pb::Region {
    match region {
        Region::Global => pb::Region::Global,
        Region::Eu => pb::Region::Eu,
        Region::Sandbox => pb::Region::Sandbox,
    }
}

/// Reads the names of streams that `field` lists.
///
/// # Errors
/// Invalid, with the names there are.
pub fn from_streams(field: &str, names: &[String]) -> Result<BTreeSet<Stream>> {
    let mut streams = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        streams.insert(from_stream(&format!("{field}[{index}]"), name)?);
    }
    Ok(streams)
}

/// Reads the name of a stream that can be kept.
///
/// # Errors
/// Invalid, with the names there are.
pub fn from_stream(field: &str, name: &str) -> Result<Stream> {
    let names = Stream::ALL.iter().map(|stream| stream.name());
    Stream::from_name(name).ok_or_else(|| no_stream(field, names))
}

/// What is said of a name that is none of these.
pub fn no_stream<'n>(field: &str, names: impl Iterator<Item = &'n str>) -> Error {
    let names: Vec<_> = names.collect();
    Error::invalid(
        field,
        format!("this is no stream: the streams are {}", names.join(", ")),
    )
}

/// An empty text means none.
pub fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unless_told_otherwise_everything_is_kept_in_the_global_region() {
        let new = from_pb(&pb::Connection {
            display_name: " Acme ".to_owned(),
            ..Default::default()
        })
        .unwrap();
        assert_eq!(new.environment, Environment::Region(Region::Global));
        assert_eq!(new.display_name, "Acme");
        assert!(new.include_archived && new.include_snoozed && new.streams.is_empty());
    }

    #[test]
    fn bad_settings_name_their_field() {
        let cases = [
            (
                pb::Connection {
                    region: 99,
                    ..Default::default()
                },
                "connection.region",
            ),
            (
                pb::Connection {
                    streams: vec!["users".into(), "jobs".into()],
                    ..Default::default()
                },
                "connection.streams[1]",
            ),
            (
                pb::Connection {
                    region: 2,
                    base_url: "http://x".into(),
                    ..Default::default()
                },
                "connection.base_url",
            ),
            (
                pb::Connection {
                    excluded_fields: vec!["contacts.phones".into(), "contacts.id".into()],
                    ..Default::default()
                },
                "connection.excluded_fields[1]",
            ),
        ];
        for (connection, field) in cases {
            let error = from_pb(&connection).unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }

    #[test]
    fn fields_to_leave_out_are_few_short_and_not_deep() {
        let steps = |count| format!("contacts.{}", vec!["x"; count].join("."));
        let bytes = |length| format!("contacts.{}", "x".repeat(length - "contacts.".len()));
        let refused = |fields: &[String]| {
            let read = from_excluded_fields(fields);
            read.map_err(|error| error.to_string()).err()
        };
        for most in [steps(DEEPEST_FIELD), bytes(LONGEST_FIELD)] {
            assert_eq!(refused(&[most]), None);
        }
        for endless in [steps(DEEPEST_FIELD + 1), bytes(LONGEST_FIELD + 1)] {
            let told = refused(&[steps(1), endless]).unwrap();
            assert!(
                told.starts_with("connection.excluded_fields[1]: "),
                "{told}"
            );
        }
        let many = |count| vec![steps(1); count];
        assert_eq!(refused(&many(MOST_FIELDS)), None);
        let told = refused(&many(MOST_FIELDS + 1)).unwrap();
        assert_eq!(told, "connection.excluded_fields: give at most 500");
    }

    #[test]
    fn an_update_changes_only_what_its_mask_names() {
        let connection = pb::Connection {
            display_name: "New".to_owned(),
            ..Default::default()
        };
        let patch = from_update(&connection, &["display_name".to_owned()]).unwrap();
        assert_eq!(patch.display_name.as_deref(), Some("New"));
        assert!(patch.external_id.is_none() && patch.streams.is_none());
        // Whoever sends all it was told may send what an earlier version let in.
        let earlier = pb::Connection {
            excluded_fields: vec!["contacts.id".to_owned()],
            ..connection.clone()
        };
        assert!(from_update(&earlier, &["display_name".to_owned()]).is_ok());
        assert!(from_update(&earlier, &["excluded_fields".to_owned()]).is_err());
        assert!(from_update(&connection, &["region".to_owned()]).is_err());
        assert!(from_update(&connection, &[]).is_err());
    }

    #[test]
    fn signature_tokens_are_bounded_and_never_shown() {
        let with = |tokens: &[&str]| {
            let tokens: Vec<_> = tokens.iter().map(|token| (*token).to_owned()).collect();
            from_signature_tokens(&tokens)
        };
        assert_eq!(with(&[" a ", "b"]).unwrap().len(), 2);
        let error = with(&["a", " "]).unwrap_err().to_string();
        assert!(
            error.starts_with("connection.webhook_signature_tokens[1]"),
            "{error}"
        );
        assert!(with(&["a"; 21]).is_err());
    }

    #[test]
    fn a_credential_is_a_key_or_a_whole_grant() {
        let grant = |code: &str, uri: &str, token: &str| {
            Some(pb::OAuthGrant {
                authorization_code: code.to_owned(),
                redirect_uri: uri.to_owned(),
                refresh_token: token.to_owned(),
            })
        };
        assert!(matches!(
            from_credential("k".to_owned(), None),
            Ok(NewCredential::ApiKey(_))
        ));
        assert!(matches!(
            from_credential(String::new(), grant("c", "u", "")),
            Ok(NewCredential::OAuth(OAuthGrant::Code { .. }))
        ));
        assert!(matches!(
            from_credential(String::new(), grant("", "", "t")),
            Ok(NewCredential::OAuth(OAuthGrant::RefreshToken(_)))
        ));
        for (key, oauth, field) in [
            ("k", grant("c", "u", ""), "oauth"),
            ("", grant("", "u", ""), "oauth.authorization_code"),
            ("", grant("c", "", ""), "oauth.redirect_uri"),
            ("", grant("c", "u", "t"), "oauth.refresh_token"),
            ("", grant("c\n", "u", ""), "oauth.authorization_code"),
            ("", grant("c", "u\0", ""), "oauth.redirect_uri"),
            ("", grant("", "", "t\r"), "oauth.refresh_token"),
        ] {
            let error = from_credential(key.to_owned(), oauth).unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }

    #[test]
    fn an_etag_leads_back_to_its_revision() {
        assert_eq!(from_etag("v7").unwrap(), Some(7));
        assert_eq!(from_etag("").unwrap(), None);
        assert!(from_etag("7").is_err());
    }
}
