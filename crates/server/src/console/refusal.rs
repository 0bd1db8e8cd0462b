//! What went wrong, as a page.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::frame::bare;
use crate::wire::status::status;

/// A refusal of a service.
#[derive(Debug, Clone)]
pub(super) struct Refused(Status);

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

impl Refused {
    /// All that is wrong in fields, each by its name in the request with why, so that it is told at once; of what is
    /// wrong with one field the first.
    pub(super) fn of_fields(wrong: impl IntoIterator<Item = (String, String)>) -> Refused {
        let mut all: Vec<engine::Violation> = Vec::new();
        for (field, message) in wrong {
            if !all.iter().any(|one| one.field == field) {
                all.push(engine::Violation { field, message });
            }
        }
        status(engine::Error::violations(all)).into()
    }

    /// The message with what is wrong field by field, for a page that shows its form again.
    pub(super) fn notice(&self) -> Markup {
        let fields = self.fields();
        html! {
            div.notice.bad role="alert" {
                p { (self.message()) }
                @if fields.len() > 1 {
                    ul { @for (field, why) in &fields { li { (label(field)) @if !label(field).is_empty() { ": " } (sentence(why)) } } }
                }
            }
        }
    }

    /// What is wrong with a field, given by its name in the request; of a list, with the line it is in.
    pub(super) fn about(&self, field: &str) -> Option<String> {
        let bad = self.0.get_details_bad_request()?;
        let mut found = bad.field_violations.iter().filter_map(|violation| {
            let place = violation.field.strip_prefix(field)?;
            let told = sentence(&violation.description);
            if place.is_empty() {
                return Some(told);
            }
            let line: usize = place.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
            Some(format!("Line {}: {told}", line.saturating_add(1)))
        });
        found.next()
    }

    /// What went wrong, as a sentence.
    pub(super) fn message(&self) -> String {
        sentence(self.0.message())
    }

    /// Our word for why, such as `ETAG_MISMATCH`.
    pub(super) fn reason(&self) -> Option<String> {
        Some(self.0.get_details_error_info()?.reason)
    }

    /// What it is, for pages that show a form again.
    pub(super) fn code(&self) -> Code {
        self.0.code()
    }

    /// Whether somebody else saved first.
    pub(super) fn is_conflict(&self) -> bool {
        self.reason().as_deref() == Some("ETAG_MISMATCH")
    }

    /// What is wrong, field by field: the name of the field in the message, and why.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let fields = self.0.get_details_bad_request();
        let fields = fields.map(|bad| bad.field_violations).unwrap_or_default();
        let pairs = fields.into_iter();
        pairs.map(|bad| (bad.field, bad.description)).collect()
    }

    /// The status of a page that tells of it.
    pub(super) fn http(&self) -> StatusCode {
        match self.0.code() {
            Code::InvalidArgument | Code::OutOfRange => StatusCode::UNPROCESSABLE_ENTITY,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::PermissionDenied | Code::Unauthenticated => StatusCode::FORBIDDEN,
            Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => StatusCode::CONFLICT,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::Unavailable | Code::DeadlineExceeded => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let content = html! {
            h1 { "This did not work" }
            (self.notice())
            p { "Go back with your browser to try again, or " a href=(super::ROOT) { "start over" } "." }
        };
        let page = bare("This did not work", content);
        let mut response = (self.http(), page).into_response();
        // Whoever is signed in is told in the frame of the console (pages::refused).
        response.extensions_mut().insert(self);
        response
    }
}

/// A message of a service, which begins small, as a sentence in the words of the console.
pub(super) fn sentence(message: &str) -> String {
    let message = in_words(message);
    let mut letters = message.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let stop = if message.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{stop}", letters.as_str())
}

/// What forms call the fields of requests, by the last part of their names.
#[rustfmt::skip] // A table reads better in rows.
const LABELS: &[(&str, &str)] = &[
    ("acting_user", "acting user"),
    ("api_key", "API key"),
    ("base_url", "address"),
    ("connection_id", "connection"),
    ("cool_off_days", "cool-off"),
    ("default_acting_user_id", "user who acts where nobody else is found"),
    ("display_name", "name"),
    ("expire_time", "number of days it works"),
    ("external_id", "id of this customer in the product"),
    ("include_archived", "archived opportunities"),
    ("include_secret_notes", "secret notes"),
    ("include_snoozed", "snoozed opportunities"),
    ("lever_user_id", "id of the Lever user"),
    ("perform_as", "acting user"),
    ("strict_acting_user", "“Refuse instead”"),
    ("sync_start_time", "day of the first opportunities"),
    ("webhook_signature_tokens", "signature tokens of webhooks"),
];

/// What pages call the fields that only stand before a message: by the path, or by its last part. Those without a name
/// are ticks and buttons, of which the message says enough.
#[rustfmt::skip]
const HEADINGS: &[(&str, &str)] = &[
    ("act", ""),
    ("action", ""),
    ("again", ""),
    ("archive_reason_id", "archive reason"),
    ("connection.region", "environment"),
    ("connection.streams", "kinds of record"),
    ("cron", "at certain times"),
    ("do_not_contact", "who wants no contact"),
    ("email", "e-mail address in the product"),
    ("expected_stage_id", "only while the person is"),
    ("export_as", "people are exported as"),
    ("form", ""),
    ("interval", "after a time"),
    ("issue_id", "issue"),
    ("lever_user_id", "Lever user"),
    ("lose", ""),
    ("operation_id", "operation"),
    ("opportunity_id", "Lever's id of the opportunity"),
    ("page_token", ""),
    ("reject_hold_business_days", "hold before a rejection is sent"),
    ("restore", ""),
    ("schedule.kind", "this is read"),
    ("schedule.time_zone", "in the time zone"),
    ("schedule.unit", "unit"),
    ("since", "only what has changed since"),
    ("snoozed", "while somebody is snoozed in Lever"),
    ("stage_id", "stage"),
    ("streams", "kinds of record"),
    ("sure", ""),
    ("sync_start_time", "day (UTC)"),
    ("target.posting_id", "posting"),
    ("target.stage_id", "stage to advance to"),
    ("template.archive_reason_id", "reason in Lever"),
    ("template.name", "what the product calls it"),
    ("value", "text of the note"),
    ("values", "text of the note"),
    ("who", "who is missing"),
    ("within_days", "late within"),
    ("words", "Lever user"),
    ("writer", "the e-mail is sent by"),
];

/// Where the console has what rpcs do; the longer phrases first.
#[rustfmt::skip]
const PHRASES: &[(&str, &str)] = &[
    (": use that connection, or say with allow_connected_account that a second one is meant", "."),
    (", or say with allow_connected_account that a second one is meant", "."),
    ("name at least one stream", "tick at least one kind of record"),
    ("name the archive reason by Lever's id; Unarchive takes none", "choose an archive reason"),
    ("name the stage by Lever's id, such as lead-new", "choose the stage"),
    ("name the stage by Lever's id", "choose the stage"),
    ("name the posting by Lever's id", "choose the posting"),
    ("name the user by Lever's id", "choose the user"),
    ("give the reason by Lever's id: ListRejectReasons lists them", "choose the reason"),
    ("use RotateCredential to give it a new key", "replace its key in Settings"),
    ("use RotateCredential", "replace the key in Settings"),
    ("call RotateCredential", "replace the key in Settings"),
    ("to RotateCredential", "to “Replace the key” in Settings"),
    ("with RotateCredential", "by “Replace the key” in Settings"),
    ("RotateCredential gives it one", "“Replace the key” in Settings gives it one"),
    ("RotateCredential", "“Replace the key” in Settings"),
    ("whatever else CheckPermissions finds missing", "whatever else Permissions has as missing"),
    (
        "CreateConnection with the same external_id brings it back with its mirror until that is removed",
        "“Reconnect” on the page of the connections brings it back with its mirror until that is removed",
    ),
    (" (GetSyncStatus), lengthen it with UpdateSchedule, or have it read now with StartSync", ": its page under Sync shows it, makes it longer, and has it read now with “Sync now”"),
    ("call StartSync with the opportunity_id to keep them", "have this one opportunity read under Sync"),
    (", as acting_user has it: at most 320 bytes with an @", ": at most 320 characters, with an @"),
    ("at most 320 bytes", "at most 320 characters"),
    ("with UpdateSchedule", "on the page of the stream under Sync"),
    ("with StartSync", "with “Sync now” under Sync"),
    ("with ConnectionService.UpdateUserLink", "on the Users page"),
    ("with UpdateUserLink", "on the Users page"),
    ("close the operation with CancelOperation", "give the write up under Operations"),
    ("with RetryOperation or a new request", "from its page under Operations, or ask anew"),
    ("; then RetryOperation", "; then send the writes again under Operations"),
    ("with RetryOperation", "from its page under Operations"),
    ("the export settings with UpdateExportSettings", "the Export settings"),
    (" (UpdateFieldMapping; fulcrum mapping fields lists the paths there are)", ", which offers the paths there are"),
    ("; the operations named here tell whose (acting_user)", "; the writes named here tell whose"),
    ("GetSyncStatus", "Sync"),
    ("with UpdateConnection", "in Settings"),
    ("as ListUsers tells it", "as the Users page tells it"),
    ("LeverService.ListUsers lists them", "the Users page lists them"),
    ("ListSourceFields lists them", "the field for the path offers them as you type"),
    ("ListRejectReasons lists them", "the Inbound settings list them"),
    (": LeverService.ListArchiveReasons lists them", ""),
    (": LeverService.ListPostings lists them", ""),
    (": LeverService.ListFormTemplates lists them", ""),
    ("GetStageMapping lists", "the Stages page lists"),
    ("unarchive it, here or in Lever,", "unarchive it in Lever"),
    ("a label has", "the name has"),
    ("ListRuns", "Sync"),
    ("ListApiCalls", "API calls"),
    ("ListOperations", "Operations"),
    (
        "only an operation that waits to be sent, failed or is uncertain can be cancelled",
        "it is done, cancelled or on its way to Lever already, so nothing is left to cancel",
    ),
    ("ListQuarantine", "Sync, what could not be read"),
    ("UpdateConnection", "Settings"),
    ("UpdateUserLink", "the Users page"),
];

/// A message of a service without the names of the programming interface: what forms call the fields, where the
/// console has what an rpc does, and no commands.
pub(super) fn in_words(message: &str) -> String {
    let mut text = without_commands(message);
    for (phrase, words) in PHRASES {
        text = text.replace(phrase, words);
    }
    let (prefix, rest) = match text.split_once(": ") {
        Some((field, rest)) if is_path(field) => (Some(label(field)), rest),
        _ => (None, text.as_str()),
    };
    let words: Vec<String> = rest.split(' ').map(word).collect();
    let rest = words.join(" ");
    match prefix {
        Some(label) if !label.is_empty() => format!("{label}: {rest}"),
        _ => rest,
    }
}

/// What a form calls a field of a request, given by its path.
fn label(path: &str) -> String {
    let (path, place) = match path
        .strip_suffix(']')
        .and_then(|path| path.rsplit_once('['))
    {
        Some((list, place)) => (list, place.parse::<usize>().ok()),
        None => (path, None),
    };
    let last = path.rsplit('.').next().unwrap_or(path);
    let called = |name: &str| HEADINGS.iter().find(|(field, _)| *field == name);
    let known = called(path).or_else(|| called(last));
    let known = known.or_else(|| LABELS.iter().find(|(name, _)| *name == last));
    let words = known.map_or_else(|| last.replace('_', " "), |(_, label)| (*label).to_owned());
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let words = format!("{}{}", first.unwrap_or_default(), letters.as_str());
    match place {
        Some(place) => format!("{words}, line {}", place.saturating_add(1)),
        None => words,
    }
}

/// What an rpc is good for, for whoever never calls one.
pub(super) fn feature(rpc: &str) -> String {
    let (service, method) = rpc.split_once('.').unwrap_or(("", rpc));
    let words = match (service, method) {
        ("LeverService", "Call") => "other calls of the product to Lever",
        ("LeverService", _) => "reading live from Lever",
        ("SyncService", "StartSync") => "reading single people anew at once",
        (_, "DownloadFile") => "downloading files",
        (_, "UploadFile") => "uploading files",
        (_, "CreateNote") => "adding notes",
        (_, "AddTags" | "RemoveTags") => "adding and removing tags",
        (_, "AddSources" | "RemoveSources") => "adding and removing sources",
        (_, "ChangeStage") => "moving people to another stage",
        (_, "Archive") => "rejecting, hiring and archiving people",
        (_, "Unarchive") => "bringing archived people back",
        _ => return apart(method),
    };
    words.to_owned()
}

/// A name of several words in one, with the words apart: `ListNotes` is `list notes`.
pub(super) fn apart(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// Whether a text is the path of a field, and no words.
fn is_path(text: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_.[]".contains(letter);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(fits)
}

/// A word of a message, which may be a name of ours with a mark around it.
fn word(word: &str) -> String {
    let marks = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    let name = word.trim_matches(marks);
    let last = name.rsplit('.').next().unwrap_or(name);
    let of_a_request = |owner: &str| owner.is_empty() || is_path(owner);
    let known = LABELS.iter().find(|(field, _)| *field == last);
    let words = match (known, name.split_once('.')) {
        (Some((_, label)), _) if of_a_request(name.trim_end_matches(last)) => (*label).to_owned(),
        (_, Some((service, method)))
            if service.ends_with("Service") && method.chars().all(char::is_alphanumeric) =>
        {
            feature(name)
        }
        _ if domain::Stream::from_name(name).is_some() => name.replace('_', " "),
        _ => return word.to_owned(),
    };
    word.replacen(name, &words, 1)
}

/// The same without commands of ours that stand in brackets.
fn without_commands(message: &str) -> String {
    let mut text = message.to_owned();
    while let Some(at) = text.find("`fulcrum ") {
        let Some(length) = text[at + 1..].find('`') else {
            break;
        };
        let end = at + length + 2;
        let bracketed = text[..at].strip_suffix(" (").map(str::len);
        let (from, to) = match (bracketed, text[end..].starts_with(')')) {
            (Some(from), true) => (from, end + 1),
            _ => match text[..at].strip_suffix(", ") {
                Some(before) if text[end..].starts_with(')') => (before.len(), end),
                // Without the command nothing would be said: it stays, for whoever runs the service.
                _ => {
                    let command = text[at + 1..end - 1].to_owned();
                    text.replace_range(at..end, &command);
                    continue;
                }
            },
        };
        text.replace_range(from..to, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(
            sentence("api_key: Lever rejects the key"),
            "API key: Lever rejects the key."
        );
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn names_of_the_programming_interface_are_said_in_the_words_of_the_console() {
        let told = [
            (
                "Connection.display_name: give 1 to 200 characters",
                "Name: give 1 to 200 characters.",
            ),
            (
                "connection.display_name: give 1 to 200 characters",
                "Name: give 1 to 200 characters.",
            ),
            (
                "expire_time: give 1 to 30 days",
                "Number of days it works: give 1 to 30 days.",
            ),
            (
                "another connection has this external_id: use RotateCredential (`fulcrum rotate-credential`) to \
                 give it a new key",
                "Another connection has this id of this customer in the product: replace its key in Settings.",
            ),
            (
                "lever_user_id: Lever has no such user: LeverService.ListUsers lists them",
                "Lever user: Lever has no such user: the Users page lists them.",
            ),
            (
                "this is no inbound stage; GetStageMapping lists those",
                "This is no inbound stage; the Stages page lists those.",
            ),
            (
                "see its runs (ListRuns, `fulcrum sync runs`)",
                "See its runs (Sync).",
            ),
            (
                "stop the service and run `fulcrum store check`",
                "Stop the service and run fulcrum store check.",
            ),
            (
                "refused by Lever: CandidateService.CreateNote",
                "Refused by Lever: adding notes.",
            ),
            (
                "have the operator set lever.allow_base_url",
                "Have the operator set lever.allow_base_url.",
            ),
            (
                "unarchive it, here or in Lever, if it is to be worked on again",
                "Unarchive it in Lever if it is to be worked on again.",
            ),
            ("Europe/Nowhere is unknown", "Europe/Nowhere is unknown."),
            (
                "See whether the schedule asks for more than Lever's rate allows (GetSyncStatus), lengthen it with \
                 UpdateSchedule, or have it read now with StartSync.",
                "See whether the schedule asks for more than Lever's rate allows: its page under Sync shows it, makes it \
                 longer, and has it read now with “Sync now”.",
            ),
            (
                "the account is disconnected: CreateConnection with the same external_id brings it back with its mirror \
                 until that is removed",
                "The account is disconnected: “Reconnect” on the page of the connections brings it back with its mirror \
                 until that is removed.",
            ),
            (
                "streams[0]: eeo_responses is not kept by this connection",
                "Kinds of record, line 1: eeo responses is not kept by this connection.",
            ),
            (
                "email: give the e-mail of a product user, as acting_user has it: at most 320 bytes with an @",
                "E-mail address in the product: give the e-mail of a product user: at most 320 characters, with an @.",
            ),
            ("sure: tick the box", "Tick the box."),
            (
                "connection.streams: name at least one stream",
                "Kinds of record: tick at least one kind of record.",
            ),
            (
                "stage_id: name the stage by Lever's id",
                "Stage: choose the stage.",
            ),
            (
                "archive_reason_id: name the archive reason by Lever's id; Unarchive takes none",
                "Archive reason: choose an archive reason.",
            ),
            (
                "within_days: give 0 to 365 days",
                "Late within: give 0 to 365 days.",
            ),
        ];
        for (message, words) in told {
            assert_eq!(sentence(message), words);
        }
        assert_eq!(label("settings.tags[2]"), "Tags, line 3");
        assert_eq!(label("stage_mapping.product_stages[0].label"), "Label");
    }

    /// The names of fields that the pages give or look for, as their sources have them.
    fn fields_of_forms(source: &str) -> BTreeSet<String> {
        // What stands right before the name of a field.
        const BEFORE: [&str; 3] = ["Error::invalid(", "about(", "(refused, "];
        let mut fields = BTreeSet::new();
        for before in BEFORE {
            for rest in source.split(before).skip(1) {
                let Some(rest) = rest.trim_start().strip_prefix('"') else {
                    continue;
                };
                fields.extend(rest.split('"').next().map(str::to_owned));
            }
        }
        // The last text of a field's call is its name in the request.
        for rest in source
            .split(['(', '\n'])
            .filter_map(|rest| rest.split_once(')'))
        {
            let texts: Vec<&str> = rest.0.split('"').collect();
            if texts.len() >= 7
                && texts.first() == Some(&"")
                && let Some(last) = texts.iter().rev().nth(1)
                && is_path(last)
            {
                fields.insert((*last).to_owned());
            }
        }
        fields
    }

    fn sources(folder: &std::path::Path, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else if path.extension().is_some_and(|end| end == "rs")
                && !path.ends_with("refusal.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let service = text.split("#[cfg(test)]\nmod tests").next();
                all.extend(service.map(str::to_owned));
            }
        }
    }

    #[test]
    fn the_fields_of_all_forms_are_called_in_messages_what_their_pages_call_them() {
        let mut all = Vec::new();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console");
        sources(&folder, &mut all);
        let fields: BTreeSet<String> = all.iter().flat_map(|text| fields_of_forms(text)).collect();
        for known in [
            "writer",
            "restore",
            "schedule.interval",
            "settings.cool_off_days",
            "who",
        ] {
            assert!(fields.contains(known), "{known}: {fields:?}");
        }
        let pages = all.join("\n").to_lowercase();
        let unknown: Vec<String> = fields
            .iter()
            .map(|field| (field, label(field)))
            .filter(|(_, label)| !label.is_empty() && !pages.contains(&label.to_lowercase()))
            .map(|(field, label)| format!("{field} is called {label}"))
            .collect();
        assert_eq!(unknown, Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_found_by_its_field_and_in_a_list_by_its_line() {
        let error = engine::Error::invalid("settings.tags[2]", "say something");
        let refused = Refused::from(crate::wire::status::status(error));
        let line = refused.about("settings.tags");
        assert_eq!(line.as_deref(), Some("Line 3: Say something."));
        assert_eq!(refused.about("settings.tag"), None);
        assert_eq!(refused.about("settings"), None);
        assert_eq!(refused.reason().as_deref(), Some("INVALID_ARGUMENT"));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_each_at_its_field() {
        let wrong = [
            ("a.days", "give 0 to 9"),
            ("b", "say <b>"),
            ("a.days", "no"),
        ];
        let wrong = wrong.map(|(field, why)| (field.to_owned(), why.to_owned()));
        let refused = Refused::of_fields(wrong);
        assert_eq!(refused.about("a.days").as_deref(), Some("Give 0 to 9."));
        assert_eq!(refused.about("b").as_deref(), Some("Say <b>."));
        let text = refused.notice().into_string();
        assert!(
            text.contains("<li>Days: Give 0 to 9.</li><li>B: Say &lt;b&gt;.</li>"),
            "{text}"
        );
    }

    #[test]
    fn what_was_refused_is_shown_without_being_taken_for_markup() {
        let refused = Refused::from(Status::not_found("no connection <b>x</b>"));
        assert_eq!(refused.http(), StatusCode::NOT_FOUND);
        assert!(
            refused
                .notice()
                .into_string()
                .contains("No connection &lt;b&gt;x&lt;/b&gt;.")
        );
    }
}
