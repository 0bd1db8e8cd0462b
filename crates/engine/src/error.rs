//! What can go wrong when the engine is asked something.

use std::borrow::Cow;
use std::time::Duration;

use domain::Connection;

use crate::read::LONGEST_ID;

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request that could not be fulfilled.
///
/// `Display` is one sentence, fit to be logged: it never holds a secret or personal data of ours. Lever's own words may
/// name somebody, and what a caller wrote in place of an id may be anything: only [`Error::for_caller`] has them.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// The message with what the caller wrote, where `message` leaves that out.
    repeating: Option<Box<str>>,
    lever_says: Option<Box<str>>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The class of an error: what a caller can branch on.
#[derive(Debug, Clone, PartialEq)]
pub enum ErrorKind {
    /// The thing named does not exist.
    NotFound {
        /// What sort of thing, such as `opportunity`.
        what: &'static str,
    },
    /// Something with this name exists already.
    AlreadyExists {
        /// Details by name, such as the id of what is there.
        details: Vec<(&'static str, String)>,
    },
    /// The request itself is wrong.
    Invalid {
        /// What is wrong where.
        violations: Vec<Violation>,
    },
    /// The request is right, but not now.
    Precondition {
        /// The machine-readable reason.
        reason: &'static str,
        /// Details by name, such as `permission`.
        details: Vec<(&'static str, String)>,
    },
    /// Somebody else was first.
    Aborted {
        /// The machine-readable reason.
        reason: &'static str,
        /// Details by name, such as the present etag.
        details: Vec<(&'static str, String)>,
    },
    /// A limit of this machine is reached.
    Exhausted,
    /// Lever, or the store, cannot answer now.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// A defect of ours; the chain of sources goes to the log.
    Internal,
}

/// One bad field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, such as `stage_mapping.product_stages[2].code`.
    pub field: String,
    /// What is wrong, and the way out.
    pub message: String,
}

impl Violation {
    /// Faults of a part of a request, with the part's name before each field.
    pub fn within(part: &str, found: Vec<domain::Violation>) -> Vec<Violation> {
        let named = found.into_iter().map(|fault| Violation {
            field: format!("{part}.{}", fault.field),
            message: fault.message,
        });
        named.collect()
    }
}

impl Error {
    /// The class.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether the thing named does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind, ErrorKind::NotFound { .. })
    }

    /// The same error of what lies below a field: `items[3]` makes `links[0]` to `items[3].links[0]`.
    pub fn below(mut self, field: &str) -> Error {
        if let ErrorKind::Invalid { violations } = &mut self.kind {
            for violation in &mut *violations {
                violation.field = format!("{field}.{}", violation.field);
            }
            if !violations.is_empty() {
                self.message = sentence_of(violations);
            }
        }
        self
    }

    /// The same error of a request that has a field elsewhere: `links` at `add_links.values` makes `links[0]` to
    /// `add_links.values[0]`.
    pub fn with_field_at(mut self, field: &str, place: &str) -> Error {
        if let ErrorKind::Invalid { violations } = &mut self.kind {
            for violation in &mut *violations {
                if let Some(rest) = violation.field.strip_prefix(field) {
                    violation.field = format!("{place}{rest}");
                }
            }
            if !violations.is_empty() {
                self.message = sentence_of(violations);
            }
        }
        self
    }

    /// How long the key is in a pause after a 429, where that is what stood in the way; never zero.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.lever()?.pause()
    }

    /// The sentence for who asked for just this: with what was asked for, and Lever's own words, where it refused.
    ///
    /// Not to be logged or stored.
    pub fn for_caller(&self) -> String {
        match &self.lever_says {
            Some(words) => format!("{}: {words}", self.sentence()),
            None => self.sentence().to_owned(),
        }
    }

    /// The call to Lever behind it, where that is what failed.
    pub(crate) fn lever(&self) -> Option<&lever::Error> {
        self.source.as_ref()?.downcast_ref()
    }

    /// The sentence with what was asked for, but without Lever's own words: to be kept with what was asked, not logged.
    pub(crate) fn sentence(&self) -> &str {
        self.repeating.as_deref().unwrap_or(&self.message)
    }

    /// The chain of causes for the log. Of a bad field only its name: what is wrong with it may repeat it.
    pub fn for_log(&self) -> String {
        match &self.kind {
            ErrorKind::Invalid { violations } if !violations.is_empty() => {
                let fields = violations.iter().map(|bad| without_keys(&bad.field));
                format!("not valid: {}", Vec::from_iter(fields).join(", "))
            }
            _ => crate::report(self),
        }
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            repeating: None,
            lever_says: None,
            source: None,
        }
    }

    /// No such thing.
    pub fn not_found(what: &'static str, id: &str) -> Self {
        let sentence = |id: &str| format!("{what} {id} was not found");
        let repeating = (!is_id(id)).then(|| sentence(&shown(id)).into());
        let id = logged(id);
        Self {
            repeating,
            ..Self::new(ErrorKind::NotFound { what }, sentence(id))
        }
    }

    /// One bad field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::violations(vec![Violation {
            field: field.into(),
            message: message.into(),
        }])
    }

    /// Several bad fields.
    pub fn violations(violations: Vec<Violation>) -> Self {
        let message = sentence_of(&violations);
        Self::new(ErrorKind::Invalid { violations }, message)
    }

    /// It is there already.
    pub fn already_exists(
        message: impl Into<String>,
        details: Vec<(&'static str, String)>,
    ) -> Self {
        Self::new(ErrorKind::AlreadyExists { details }, message)
    }

    /// Not now.
    pub fn precondition(
        reason: &'static str,
        message: impl Into<String>,
        details: Vec<(&'static str, String)>,
    ) -> Self {
        Self::new(ErrorKind::Precondition { reason, details }, message)
    }

    /// Somebody else was first.
    pub fn aborted(
        reason: &'static str,
        message: impl Into<String>,
        details: Vec<(&'static str, String)>,
    ) -> Self {
        Self::new(ErrorKind::Aborted { reason, details }, message)
    }

    /// Lever cannot answer as it should.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let retry_after = Duration::from_secs(30);
        Self::new(ErrorKind::Unavailable { retry_after }, message)
    }

    /// A limit of this machine is reached.
    pub fn exhausted(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Exhausted, message)
    }

    /// A defect of ours.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            kind: ErrorKind::Internal,
            message: "an internal error occurred; the log of the service has more".to_owned(),
            repeating: None,
            lever_says: None,
            source: Some(source.into()),
        }
    }
}

fn sentence_of(violations: &[Violation]) -> String {
    match violations {
        [one] => format!("{}: {}", one.field, one.message),
        [one, rest @ ..] => format!("{}: {} (and {} more)", one.field, one.message, rest.len()),
        [] => "the request is not valid".to_owned(),
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let (kind, message) = match error.kind() {
            store::ErrorKind::DiskFull => (
                ErrorKind::Exhausted,
                "the disk of the service is nearly full: free space, then ask again; nothing was changed",
            ),
            store::ErrorKind::Poisoned | store::ErrorKind::Closed => (
                ErrorKind::Unavailable {
                    retry_after: Duration::from_secs(5),
                },
                "the store of the service has stopped; ask again after its restart",
            ),
            store::ErrorKind::Conflict => (
                ErrorKind::Aborted {
                    reason: "CONFLICT",
                    details: Vec::new(),
                },
                "somebody else changed this at the same moment: read it again, then repeat the change",
            ),
            store::ErrorKind::CursorMoved => (
                ErrorKind::Aborted {
                    reason: STREAM_MOVED,
                    details: Vec::new(),
                },
                "the stream was reset, or what is mirrored was changed, at the same moment: it is read anew",
            ),
            store::ErrorKind::ResumeExpired => (
                ErrorKind::Precondition {
                    reason: "RESUME_TOKEN_EXPIRED",
                    details: Vec::new(),
                },
                "this token is older than the time for which changes are kept (seven days, unless set to less), or of before the store was \
                 restored: read the present state, then watch from there without a token",
            ),
            store::ErrorKind::KeysGiven => (
                ErrorKind::Precondition {
                    reason: "MASTER_KEY_GIVEN",
                    details: Vec::new(),
                },
                "the master keys come from the settings store.master_key or store.master_key_file: put a new one first \
                 there, keep the present one after it, and restart the service",
            ),
            store::ErrorKind::NotFound => (
                ErrorKind::NotFound { what: "connection" },
                "the connection was not found",
            ),
            _ => (
                ErrorKind::Internal,
                "an internal error occurred; the log of the service has more",
            ),
        };
        Self {
            kind,
            message: message.to_owned(),
            repeating: None,
            lever_says: None,
            source: Some(Box::new(error)),
        }
    }
}

impl From<lever::Error> for Error {
    fn from(error: lever::Error) -> Self {
        if let Some(message) = credential_message(&error) {
            return Self {
                source: Some(Box::new(error)),
                ..Self::precondition(KEY_REJECTED, message, Vec::new())
            };
        }
        if let Some(retry_after) = error.pause() {
            return Self {
                kind: ErrorKind::Unavailable { retry_after },
                source: Some(Box::new(error)),
                ..Self::unavailable(
                    "Lever has answered that this key makes too many requests, and nothing is sent with it until the \
                     pause after that is over; ask again then",
                )
            };
        }
        let (kind, message) = match error.kind() {
            lever::ErrorKind::Forbidden { permission } => (
                ErrorKind::Precondition {
                    reason: PERMISSION_MISSING,
                    details: vec![("permission", (*permission).to_owned())],
                },
                permission_message(permission),
            ),
            lever::ErrorKind::NotFound => (
                ErrorKind::NotFound { what: "record" },
                "Lever does not have this record".to_owned(),
            ),
            lever::ErrorKind::Invalid {
                status: status @ 300..=399,
                ..
            } => (
                ErrorKind::Precondition {
                    reason: REDIRECTED,
                    details: Vec::new(),
                },
                format!(
                    "Lever's server answers with a redirect (status {status}) that is not followed, since the \
                     credential goes nowhere but to the base URL of the connection: check its region or base URL, \
                     and what stands between this service and Lever"
                ),
            ),
            lever::ErrorKind::Invalid { status, .. } => (
                ErrorKind::Invalid {
                    violations: Vec::new(),
                },
                format!("Lever refused the request with status {status}"),
            ),
            lever::ErrorKind::InvalidRequest => (
                ErrorKind::Invalid {
                    violations: Vec::new(),
                },
                "this cannot be asked of Lever, and was not: an id in it is none that Lever can have".to_owned(),
            ),
            lever::ErrorKind::Malformed => (
                ErrorKind::Unavailable {
                    retry_after: Duration::from_secs(2),
                },
                "Lever's answer could not be read; ask again".to_owned(),
            ),
            lever::ErrorKind::RateLimited => (
                ErrorKind::Unavailable {
                    retry_after: Duration::from_secs(30),
                },
                "Lever allows no more requests with this key for now; ask again later".to_owned(),
            ),
            lever::ErrorKind::Unreachable if error.had_no_turn() => (
                ErrorKind::Unavailable {
                    retry_after: Duration::from_secs(2),
                },
                "Lever's rate limit left no turn before the deadline; ask again".to_owned(),
            ),
            lever::ErrorKind::Unreachable => (
                ErrorKind::Unavailable {
                    retry_after: Duration::from_secs(2),
                },
                unreached_message(&error),
            ),
            lever::ErrorKind::Unavailable { status } => (
                ErrorKind::Unavailable {
                    retry_after: Duration::from_secs(2),
                },
                format!("Lever cannot answer for now (status {status}); ask again"),
            ),
            _ => (
                ErrorKind::Unavailable {
                    retry_after: Duration::from_secs(2),
                },
                "Lever gave no answer, or a part of one; ask again, and check the region or base URL of the \
                 connection if it never does"
                    .to_owned(),
            ),
        };
        Self {
            kind,
            message,
            repeating: None,
            lever_says: words(&error),
            source: Some(Box::new(error)),
        }
    }
}

/// What to tell a person about a call for which no connection came about.
fn unreached_message(error: &lever::Error) -> String {
    match error.unreached() {
        Some(unreached) => format!(
            "Lever was not reached at {}: {}; check the region or base URL of the connection and what stands between \
             this service and Lever, or ask again",
            unreached.at(),
            unreached.obstacle()
        ),
        None if error.had_no_token() => {
            "Lever's authorization server gave no access token; ask again".to_owned()
        }
        None => "Lever was not reached; ask again".to_owned(),
    }
}

/// The error of a call whose path holds the id a caller gave in `field`: one that no path can hold is the caller's.
pub(crate) fn about_id(error: lever::Error, field: &'static str) -> Error {
    if error.is_unsendable() {
        return Error::invalid(field, NO_ID);
    }
    error.into()
}

/// The name of a field for the log: a key in it is whatever the caller wrote.
fn without_keys(field: &str) -> Cow<'_, str> {
    match (field.find("[\""), field.rfind("\"]")) {
        (Some(from), Some(to)) if from < to => {
            Cow::Owned(format!("{}{MASK}{}", &field[..from], &field[to + 2..]))
        }
        _ => Cow::Borrowed(field),
    }
}

/// What is said of a text that is no id, whatever Lever has.
pub(crate) const NO_ID: &str = "this cannot be an id of Lever's";

/// Whether a text can be an id of Lever's: a path can hold it, and the store.
pub(crate) fn can_be_id(text: &str) -> bool {
    text.len() <= LONGEST_ID && lever::segment_fault(text).is_none()
}

/// An id for the log: what a caller wrote in the place of one may be anything.
pub(crate) fn logged(id: &str) -> &str {
    match is_id(id) {
        true => id,
        false => MASK,
    }
}

const MASK: &str = "[...]";

/// Lever's own words on a refusal; they may name somebody.
fn words(error: &lever::Error) -> Option<Box<str>> {
    match error.kind() {
        lever::ErrorKind::Invalid { message, .. } if !message.is_empty() => {
            Some(message.as_str().into())
        }
        _ => None,
    }
}

/// Another connection has the Lever account of a credential.
pub const ACCOUNT_CONNECTED: &str = "ACCOUNT_CONNECTED";

/// Lever answered 401.
pub const KEY_REJECTED: &str = "LEVER_KEY_REJECTED";

/// The server sends us elsewhere.
const REDIRECTED: &str = "LEVER_REDIRECTS";

/// The reason of an error that tells that a stream was given another place to read from meanwhile.
pub(crate) const STREAM_MOVED: &str = "STREAM_MOVED";

/// Lever answered 403.
pub const PERMISSION_MISSING: &str = "LEVER_PERMISSION_MISSING";

/// What to say about a key that Lever does not accept.
pub(crate) const KEY_REJECTED_MESSAGE: &str = "Lever rejects the API key: check that it is a Data API key \
     (not a Postings API key) of this environment and was not deleted, then give a new one";

/// What to say about an OAuth grant that is dead.
const LINK_AGAIN: &str = "Lever no longer accepts the OAuth grant of this account: link it again, \
     that is, let a Lever Super Admin consent once more and give the new code to \
     RotateCredential (`fulcrum rotate-credential --oauth-code`)";

/// What to say about an OAuth grant that is dead after a renewal whose answer never came.
const RENEWAL_LOST: &str = "Lever no longer accepts the OAuth grant of this account: a renewal of its tokens was cut \
     off, by a kill of the service or a broken connection, and the new tokens, which Lever gives only once, were most \
     likely lost with it; link it again, that is, let a Lever Super Admin consent once more and give the new code to \
     RotateCredential (`fulcrum rotate-credential --oauth-code`)";

/// What to say when Lever refuses to renew a grant for good; `unanswered` says that a renewal before was cut off.
pub(crate) fn grant_refused_message(unanswered: bool) -> &'static str {
    if unanswered { RENEWAL_LOST } else { LINK_AGAIN }
}

/// What to say when Lever does not accept what we prove ourselves with; none when that is not what failed.
pub(crate) fn credential_message(error: &lever::Error) -> Option<&'static str> {
    match error.kind() {
        _ if error.needs_reconnect() => Some(grant_refused_message(error.lost_renewal())),
        _ if error.is_refused_app() => Some(APP_REFUSED),
        _ if error.lacks_authority() => Some(NO_AUTHORITY),
        lever::ErrorKind::Unauthorized => Some(KEY_REJECTED_MESSAGE),
        _ => None,
    }
}

/// What to say when Lever does not accept our own OAuth client.
pub(crate) const APP_REFUSED: &str = "Lever does not accept this service's OAuth client: \
     have the operator check lever.oauth_client_id and lever.oauth_client_secret";

/// What to say when there is nothing where OAuth tokens are asked for.
pub(crate) const NO_AUTHORITY: &str = "there is nothing at the address where this service asks for OAuth tokens \
     (status 404): have the operator check lever.oauth_url, a base address to which /oauth/token is appended";

/// What to say about a permission the key lacks, in Lever's words.
pub(crate) fn permission_message(permission: &str) -> String {
    format!(
        "Lever refuses: the key lacks the permission \"{permission}\"; \
         ask a Lever Super Admin for a new key that has it, since permissions of a key cannot be changed"
    )
}

/// What is said of data that is not there yet.
pub(crate) fn not_read_yet(reason: &'static str, what: &str, connection: &Connection) -> Error {
    let way_out = match connection.paused {
        true => "nothing is read while the sync is paused: resume it",
        false => "try again in a moment",
    };
    Error::precondition(
        reason,
        format!("{what} have not been read from Lever yet; {way_out}"),
        Vec::new(),
    )
}

/// Whether a text is an id that we or Lever make, and so neither a secret nor a person: a UUID.
fn is_id(text: &str) -> bool {
    let is_hexadecimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.into_iter().all(is_hexadecimal)
}

/// Whether something failed since the disk is nearly full: the cause is the store's refusal to write.
pub(crate) fn is_for_want_of_room(error: &(dyn std::error::Error + 'static)) -> bool {
    let full = |error: &store::Error| *error.kind() == store::ErrorKind::DiskFull;
    std::iter::successors(Some(error), |error| (*error).source())
        .any(|error| error.downcast_ref().is_some_and(full))
}

/// An id as somebody wrote it: cut, and without what a terminal would act on.
fn shown(id: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown = String::new();
    for c in id.chars().take(LONGEST) {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;

    use domain::Timestamp;

    use super::*;
    use crate::pull::Trouble;
    use crate::testing;

    /// What becomes of a call that Lever answers with this status and body.
    async fn answered(status: u16, body: &'static str) -> Error {
        answered_with(status, "", body).await
    }

    /// The same with header lines, each with its end.
    async fn answered_with(status: u16, headers: &'static str, body: &'static str) -> Error {
        testing::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let lever = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n");
            // A request without a body fits one read.
            let read = stream.read(&mut [0; 4096]).unwrap();
            assert!(read > 0);
            write!(stream, "{head}connection: close\r\n\r\n{body}").unwrap();
        });
        let client = lever::Client::new(
            lever::Http::new().unwrap(),
            lever::BaseUrl::parse(&format!("http://{address}/v1")).unwrap(),
            lever::Credential::api_key("secret-key-1234".into()),
            Arc::new(lever::Budget::new(lever::BudgetConfig::default())),
            lever::Limits::default(),
        );
        let call = lever::GetOpportunity {
            opportunity: "o1".into(),
            expand: Vec::new(),
        };
        let error = client.send(&call).await.unwrap_err();
        lever.join().unwrap();
        error.into()
    }

    #[tokio::test]
    async fn lever_s_own_words_are_for_the_caller_alone() {
        let error = answered(400, r#"{"code":"BadRequestError","message":"Ada is odd"}"#).await;
        let sentence = "Lever refused the request with status 400";
        assert_eq!(error.for_caller(), format!("{sentence}: Ada is odd"));
        assert_eq!(error.to_string(), sentence);
        assert_eq!(Trouble::of(&error).sentence(), sentence);
        let logged = crate::report(&error);
        assert!(
            logged.contains("status 400") && !logged.contains("Ada"),
            "{logged}"
        );
    }

    #[tokio::test]
    async fn a_pause_that_lever_asks_for_is_told_with_its_length() {
        let error = answered_with(429, "retry-after: 3600\r\n", "").await;
        let retry_after = Duration::from_secs(3600);
        assert_eq!(*error.kind(), ErrorKind::Unavailable { retry_after });
        assert_eq!(error.pause(), Some(retry_after));
        assert!(error.to_string().contains("pause"), "{error}");
        assert_eq!(answered(400, "").await.pause(), None);
    }

    #[tokio::test]
    async fn a_redirect_is_named_and_not_followed() {
        for status in [301, 308] {
            let error = answered(status, "").await;
            let ErrorKind::Precondition { reason, .. } = error.kind() else {
                panic!("{error:?}")
            };
            assert_eq!(*reason, REDIRECTED);
            let told = error.to_string();
            assert!(
                told.contains(&format!("redirect (status {status})")),
                "{told}"
            );
        }
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_is_told_from_none() {
        let error = answered(200, r#"{"data":null}"#).await;
        assert_eq!(
            error.to_string(),
            "Lever's answer could not be read; ask again"
        );
        assert!(matches!(error.kind(), ErrorKind::Unavailable { .. }));
    }

    #[test]
    fn an_id_is_told_cut_and_without_what_a_terminal_would_act_on() {
        let told = |id: &str| Error::not_found("opportunity", id).for_caller();
        assert_eq!(
            told("a\0b\u{1b}[31m\n"),
            "opportunity a\\u{0}b\\u{1b}[31m\\n was not found"
        );
        assert_eq!(told("é 王"), "opportunity é 王 was not found");
        assert_eq!(
            told(&"x".repeat(999)).len(),
            "opportunity  was not found".len() + 80
        );
    }

    #[test]
    fn want_of_room_is_told_from_other_failures_of_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = store::Store::open_existing(&folder.path().join("none"), Default::default());
        let other = Error::from(nowhere.unwrap_err());
        assert!(!is_for_want_of_room(&other));
        let options = store::Options {
            open_floor_bytes: u64::MAX,
            ..Default::default()
        };
        let full = store::Store::open(folder.path(), options).unwrap_err();
        assert!(is_for_want_of_room(&full));
        assert!(is_for_want_of_room(&Error::from(full)));
    }

    #[test]
    fn what_a_caller_wrote_in_place_of_an_id_is_for_the_caller_alone() {
        let id = "0b2e51a1-0000-4000-8000-00000000abcd";
        let known = Error::not_found("connection", id);
        assert_eq!(
            known.for_log(),
            format!("connection {id} was not found"),
            "an id is logged"
        );
        for secret in [
            "flc_0123456789abcdef",
            "ada@example.com",
            "a-key-0003",
            "",
            "zb2e51a1-0000-4000-8000-00000000abcd",
        ] {
            let error = Error::not_found("connection", secret);
            assert_eq!(error.for_log(), "connection [...] was not found");
            assert_eq!(error.to_string(), error.for_log());
            let told = format!("connection {secret} was not found");
            assert_eq!(error.for_caller(), told);
        }
        let bad = Error::invalid("stage_id", "ada@example.com is no stage");
        assert_eq!(bad.for_log(), "not valid: stage_id");
        let key = Error::invalid("m.stage_slas[\"ada@example.com\"].sla_days", "too many");
        assert_eq!(key.for_log(), "not valid: m.stage_slas[...].sla_days");
    }

    #[test]
    fn what_a_pause_keeps_from_being_read_says_how_to_end_it() {
        let mut connection = testing::connection(&[], Timestamp::from_millis(0));
        let told =
            |connection: &Connection| not_read_yet("R", "the stages", connection).to_string();
        assert!(told(&connection).ends_with("try again in a moment"));
        connection.paused = true;
        assert!(told(&connection).ends_with("resume it"));
    }
}
