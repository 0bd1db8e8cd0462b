//! What a write asks, looked at alone: whether it can be right, and whether it is the same as another.

use domain::Write;
use domain::export::Asked;
use domain::operation::{
    FileUpload, Hold, LARGEST_FILE, LONGEST_TEXT, NoteText, Prepared, Rejection, UploadTarget,
};
use sha2::{Digest, Sha256};

use super::export::check_export;
use super::submit::{Acting, WriteRequest, hex};
use crate::error::{Error, Result, Violation};

/// A request id must be fit to be kept.
pub(super) fn check_request_id(request_id: &str) -> Result<()> {
    if request_id.is_empty() || request_id.len() > 255 || request_id.contains('\0') {
        return Err(Error::invalid(
            "request_id",
            "give 1 to 255 bytes of your own, such as a UUID: the same id never writes twice",
        ));
    }
    Ok(())
}

/// What is wrong with the content itself, whatever the account.
pub(super) fn check_content(write: &Write) -> Result<()> {
    match write {
        Write::CreateNote(note)
            if note.value.trim().is_empty() || note.value.len() > LONGEST_TEXT =>
        {
            Err(Error::invalid("value", "give a text of 1 to 600,000 bytes"))
        }
        Write::CreateNote(NoteText {
            score: Some(score), ..
        }) if !(1..=4).contains(score) => Err(Error::invalid(
            "score",
            "give 1 (strong no) to 4 (strong yes), or leave it out",
        )),
        Write::AddTags { tags } | Write::RemoveTags { tags } => check_texts("tags", tags),
        Write::AddSources { sources } | Write::RemoveSources { sources } => {
            check_texts("sources", sources)
        }
        Write::ChangeStage { stage, .. } if stage.as_str().is_empty() => {
            Err(Error::invalid("stage_id", "name the stage by Lever's id"))
        }
        Write::Archive {
            rejects:
                Some(Rejection {
                    email_template: Some(template),
                    ..
                }),
            ..
        } if template.len() > 255 => Err(Error::invalid(
            "email_template_id",
            "give at most 255 bytes of your own",
        )),
        Write::Archive { reason, .. } if reason.as_str().is_empty() => Err(Error::invalid(
            "archive_reason_id",
            "name the archive reason by Lever's id; Unarchive takes none",
        )),
        Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. })
            if raw
                .body
                .as_ref()
                .is_some_and(|body| body.len() > LARGEST_BODY) =>
        {
            Err(Error::invalid("body", "give at most 1 MB of JSON"))
        }
        Write::CreateOpportunity(new)
            if new.name.is_none()
                && new.contact.is_none()
                && new.emails.is_empty()
                && new.links.is_empty() =>
        {
            Err(Error::invalid("write", "nothing is left of what it asked"))
        }
        // What is left of it when its content was taken away.
        Write::Raw(raw) if raw.bare => {
            Err(Error::invalid("write", "nothing is left of what it asked"))
        }
        Write::Prepared(Prepared { call, .. }) if call.body.is_none() => {
            Err(Error::invalid("write", "nothing is left of what it asked"))
        }
        Write::UploadFile(file) => check_file(file),
        Write::Export(export) => check_export(&export.asked),
        _ => Ok(()),
    }
}

/// The largest body of a raw write, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// What can be wrong with a file before its bytes are there.
pub(super) fn check_file(file: &FileUpload) -> Result<()> {
    let mut violations = Vec::new();
    let mut bad = |field: &str, message: &str| {
        violations.push(Violation {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    if matches!(file.name.trim(), "" | "." | "..")
        || file.name.chars().count() > 255
        || file.name.contains(not_in_a_name)
    {
        bad(
            "name",
            "give a file name of 1 to 255 characters without a path, such as resume.pdf",
        );
    }
    if !is_media_type(&file.content_type) {
        bad(
            "content_type",
            "give a media type such as application/pdf, or none",
        );
    }
    if file.size > LARGEST_FILE {
        bad("size", TOO_LARGE);
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::violations(violations))
    }
}

/// Whether a character has no place in the name of a file: those of paths, and those that hide what a name says, as
/// the marks that turn the direction of writing do.
fn not_in_a_name(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || c == '/' || c == '\\'
}

pub(super) const TOO_LARGE: &str = "Lever takes 30 MB a request, with what stands around a file in it: give at most 31,391,744 bytes";

/// Whether a text has the form `type/subtype`, with or without parameters behind it (RFC 9110, 8.3.1).
fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let is_token = |token: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        !token.is_empty() && token.chars().all(allowed)
    };
    let tokens = essence.split_once('/');
    text.len() <= 255
        && text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
        && tokens.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// The most characters of a tag or a source.
pub(super) const LONGEST_TAG: usize = 255;

fn check_texts(field: &str, texts: &[String]) -> Result<()> {
    check_texts_of(field, texts, LONGEST_TAG)
}

/// Whether 1 to 100 texts were given, each of 1 to `longest` characters.
pub(super) fn check_texts_of(field: &str, texts: &[String], longest: usize) -> Result<()> {
    let mut violations = Vec::new();
    if texts.is_empty() || texts.len() > 100 {
        violations.push(Violation {
            field: field.to_owned(),
            message: "give 1 to 100".to_owned(),
        });
    }
    violations.extend(faults_in_texts(field, texts, longest));
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::violations(violations))
    }
}

/// Which texts are not of 1 to `longest` characters.
pub(super) fn faults_in_texts(field: &str, texts: &[String], longest: usize) -> Vec<Violation> {
    let bad = |text: &String| text.trim().is_empty() || text.chars().count() > longest;
    let bad = texts.iter().enumerate().filter(|(_, text)| bad(text));
    let fault = |(index, _)| Violation {
        field: format!("{field}[{index}]"),
        message: format!("give 1 to {longest} characters that are not all blank"),
    };
    bad.map(fault).collect()
}

/// The digest that an earlier version has made of an export by a caller who may see confidential people; none for any
/// other write.
pub(super) fn former_digest(request: &WriteRequest) -> Option<[u8; 32]> {
    let Write::Export(export) = &request.write else {
        return None;
    };
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    begin(request, &mut part);
    let asked = Asked {
        confidential: true,
        ..export.asked.clone()
    };
    part(&serde_json::to_string(&asked).ok()?);
    Some(hash.finalize().into())
}

/// What the digest of every write begins with.
fn begin(request: &WriteRequest, part: &mut impl FnMut(&str)) {
    part(request.write.kind());
    part(request.opportunity.as_str());
    match &request.acting {
        Acting::Default => part("default"),
        Acting::Email(email) => part(&format!("email {}", email.trim().to_lowercase())),
        Acting::LeverUser(user) => part(&format!("user {}", user.as_str())),
    }
    if request.minds_provenance {
        part("minds provenance");
    }
    match request.hold {
        None => {}
        Some(Hold::For(time)) => part(&format!("held {} ms", time.as_millis())),
        Some(Hold::BusinessDays(days)) => part(&format!("held {days} business days")),
    }
}

/// SHA-256 over what is asked: the same content has the same digest in every version of Fulcrum.
pub(super) fn digest(request: &WriteRequest) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    begin(request, &mut part);
    match &request.write {
        Write::Export(export) => {
            // What the caller may see is not what was asked: access may be known otherwise when it is asked again.
            let bare = Asked {
                confidential: false,
                ..export.asked.clone()
            };
            let asked = serde_json::to_string(&bare);
            part(&asked.expect("texts, numbers and lists of them have a JSON form"));
        }
        // A step of an export, never asked for by itself.
        Write::CreateOpportunity(_) => {}
        Write::CreateNote(note) => {
            part(&note.value);
            part(&note.secret.to_string());
            if let Some(score) = note.score {
                part(&format!("score {score}"));
            }
            if note.notify_followers {
                part("notify followers");
            }
            if let Some(thread) = &note.thread {
                part(&format!("thread {}", thread.as_str()));
            }
        }
        Write::AddTags { tags: texts }
        | Write::RemoveTags { tags: texts }
        | Write::AddSources { sources: texts }
        | Write::RemoveSources { sources: texts } => texts.iter().for_each(|text| part(text)),
        Write::ChangeStage {
            stage,
            expected_stage,
        } => {
            part(stage.as_str());
            part(
                expected_stage
                    .as_ref()
                    .map(|stage| stage.as_str())
                    .unwrap_or_default(),
            );
        }
        Write::Archive {
            reason,
            requisition,
            clean_interviews,
            rejects,
        } => {
            part(reason.as_str());
            part(
                requisition
                    .as_ref()
                    .map(|requisition| requisition.as_str())
                    .unwrap_or_default(),
            );
            part(&clean_interviews.to_string());
            if let Some(rejects) = rejects {
                part("rejects");
                part(
                    rejects
                        .expected_stage
                        .as_ref()
                        .map_or("", |stage| stage.as_str()),
                );
                if let Some(template) = &rejects.email_template {
                    part(&format!("email {template}"));
                }
            }
        }
        Write::Unarchive => {}
        Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. }) => {
            part(&raw.operation);
            for (name, value) in &raw.path {
                part(name);
                part(value);
            }
            // Tells where the path ends and the query begins.
            part(&raw.query.len().to_string());
            for (name, value) in &raw.query {
                part(name);
                part(value);
            }
            part(raw.body.as_deref().unwrap_or_default());
        }
        // Its items have digests of their own.
        Write::Bulk(bulk) => part(&bulk.kind),
        Write::UploadFile(file) => {
            part(match file.target {
                UploadTarget::Opportunity => "opportunity",
                UploadTarget::Candidate => "candidate",
                UploadTarget::Application => "application",
            });
            part(&file.name);
            part(&file.content_type);
            part(&hex(&file.sha256));
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use domain::ConnectionId;
    use domain::operation::RawWrite;
    use lever::{OpportunityId, StageId, UserId};

    use super::*;
    use crate::error::ErrorKind;

    fn request(write: Write) -> WriteRequest {
        WriteRequest {
            connection: ConnectionId::from_bytes([1; 16]),
            opportunity: OpportunityId::from("o"),
            request_id: "r".to_owned(),
            write,
            acting: Acting::Default,
            hold: None,
            minds_provenance: false,
            confidential: true,
            asked_by: "token".to_owned(),
        }
    }

    fn note(value: &str) -> Write {
        Write::CreateNote(NoteText::plain(value))
    }

    fn tags(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn the_digest_tells_apart_what_differs_for_lever_and_nothing_else() {
        let base = request(note("a"));
        let other_name = WriteRequest {
            request_id: "other".to_owned(),
            asked_by: "x".to_owned(),
            ..base.clone()
        };
        assert_eq!(digest(&base), digest(&other_name));
        let acting = |acting| WriteRequest {
            acting,
            ..base.clone()
        };
        let different = [
            request(note("b")),
            request(Write::CreateNote(NoteText {
                secret: true,
                ..NoteText::plain("a")
            })),
            WriteRequest {
                opportunity: OpportunityId::from("p"),
                ..base.clone()
            },
            WriteRequest {
                hold: Some(Hold::For(std::time::Duration::ZERO)),
                ..base.clone()
            },
            WriteRequest {
                hold: Some(Hold::BusinessDays(2)),
                ..base.clone()
            },
            acting(Acting::Email("ada@example.com".to_owned())),
            acting(Acting::LeverUser(UserId::from("ada@example.com"))),
        ];
        for other in &different {
            assert_ne!(digest(&base), digest(other));
        }
        assert_ne!(
            digest(&request(Write::AddTags {
                tags: tags(&["ab"])
            })),
            digest(&request(Write::AddTags {
                tags: tags(&["a", "b"])
            }))
        );
        assert_ne!(
            digest(&request(Write::AddTags { tags: tags(&["a"]) })),
            digest(&request(Write::RemoveTags { tags: tags(&["a"]) }))
        );
    }

    #[test]
    fn raw_writes_differ_by_every_part_of_the_call() {
        let raw = |operation: &str, path: &[(&str, &str)], query: &[(&str, &str)], body: &str| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            digest(&request(Write::Raw(RawWrite {
                operation: operation.to_owned(),
                path: path.iter().map(owned).collect(),
                query: query.iter().map(owned).collect(),
                body: Some(body.to_owned()),
                creates: false,
                bare: false,
            })))
        };
        let base = raw("a", &[("p", "1")], &[("q", "2")], "{}");
        for other in [
            raw("b", &[("p", "1")], &[("q", "2")], "{}"),
            raw("a", &[("p", "2")], &[("q", "2")], "{}"),
            raw("a", &[("p", "1")], &[("q", "3")], "{}"),
            raw("a", &[("p", "1"), ("q", "2")], &[], "{}"),
            raw("a", &[("p", "1")], &[("q", "2")], "{ }"),
        ] {
            assert_ne!(base, other);
        }
    }

    fn export(asked: Asked) -> Write {
        Write::Export(Box::new(domain::export::Export {
            asked,
            ..Default::default()
        }))
    }

    /// Of what was asked, whatever the caller may see by then, and the same in every version: pinned.
    #[test]
    fn the_digest_of_an_export_is_of_what_was_asked() {
        let asked = Asked {
            note: "n".to_owned(),
            tags: tags(&["t"]),
            ..Asked::default()
        };
        let sees_all = Asked {
            confidential: true,
            ..asked.clone()
        };
        let digest_of = |asked: &Asked| digest(&request(export(asked.clone())));
        assert_eq!(digest_of(&asked), digest_of(&sees_all));
        for other in [
            Asked {
                note: "m".to_owned(),
                ..asked.clone()
            },
            Asked {
                tags: tags(&["t", "u"]),
                ..asked.clone()
            },
            Asked {
                origin: "sourced".to_owned(),
                ..asked.clone()
            },
        ] {
            assert_ne!(digest_of(&asked), digest_of(&other));
        }
        let pinned = hex(&digest_of(&asked));
        assert_eq!(
            pinned,
            "2bf825381950a7cd215719bb7aca5807e3cbf9170cbf1f725c17d34b0eb67af1"
        );
        // As an earlier version has made it of the same, for a caller who may see all.
        let former = former_digest(&request(export(asked.clone()))).unwrap();
        assert_eq!(
            hex(&former),
            "ba3d1780abefd17ada13f8657f384fb972205a6a1e2c68ac1be3a1555d54c147"
        );
        assert_eq!(former_digest(&request(export(sees_all))), Some(former));
        assert_eq!(former_digest(&request(note("n"))), None);
    }

    #[test]
    fn an_address_is_the_same_in_any_case() {
        let email = |text: &str| WriteRequest {
            acting: Acting::Email(text.to_owned()),
            ..request(note("a"))
        };
        assert_eq!(
            digest(&email("Ada@Example.com")),
            digest(&email(" ada@example.com"))
        );
    }

    fn upload(name: &str, content_type: &str, size: u64) -> FileUpload {
        FileUpload {
            target: UploadTarget::Opportunity,
            name: name.to_owned(),
            content_type: content_type.to_owned(),
            size,
            sha256: [0; 32],
            number: 0,
        }
    }

    #[test]
    fn uploads_differ_by_target_name_type_and_bytes() {
        let digest = |file: FileUpload| digest(&request(Write::UploadFile(file)));
        let base = upload("a.pdf", "application/pdf", 3);
        for other in [
            upload("b.pdf", "application/pdf", 3),
            upload("a.pdf", "text/plain", 3),
            FileUpload {
                target: UploadTarget::Candidate,
                ..base.clone()
            },
            FileUpload {
                sha256: [1; 32],
                ..base.clone()
            },
        ] {
            assert_ne!(digest(base.clone()), digest(other));
        }
    }

    #[test]
    fn a_file_needs_a_name_and_a_type_that_can_be_one() {
        let field = |file: &FileUpload| match check_file(file).map_err(|error| error.kind().clone())
        {
            Ok(()) => String::new(),
            Err(ErrorKind::Invalid { violations }) => violations[0].field.clone(),
            Err(other) => panic!("{other:?}"),
        };
        let named = |name: &str| field(&upload(name, "text/plain", 0));
        for name in [
            "resume.pdf",
            "Zusammenfassung – Jörg \"Jo\".docx",
            "履歴書.pdf",
        ] {
            assert_eq!(named(name), "", "{name}");
        }
        for name in [
            "",
            " ",
            "a/b.pdf",
            "a\\b.pdf",
            "a\r\nb.pdf",
            "..",
            "e\u{202e}fdp.exe",
            &"x".repeat(256),
        ] {
            assert_eq!(named(name), "name", "{name}");
        }
        let typed = |content_type: &str| field(&upload("a", content_type, 0));
        for good in [
            "application/pdf",
            "text/plain; charset=utf-8",
            "image/svg+xml",
        ] {
            assert_eq!(typed(good), "", "{good}");
        }
        for bad in [
            "",
            "pdf",
            "a/",
            "/b",
            "a/b/c",
            "a b/c",
            "text/plain\r\nx: y",
            "téxt/plain",
        ] {
            assert_eq!(typed(bad), "content_type", "{bad}");
        }
        assert_eq!(field(&upload("a", "text/plain", LARGEST_FILE)), "");
        assert_eq!(field(&upload("a", "text/plain", LARGEST_FILE + 1)), "size");
    }

    #[test]
    fn bad_content_is_refused_with_the_name_of_its_field() {
        let cases = [
            (note(" "), "value"),
            (note(&"x".repeat(600_001)), "value"),
            (Write::AddTags { tags: Vec::new() }, "tags"),
            (
                Write::AddTags {
                    tags: vec!["t".to_owned(); 101],
                },
                "tags",
            ),
            (
                Write::RemoveTags {
                    tags: tags(&["ok", ""]),
                },
                "tags[1]",
            ),
            (
                Write::AddSources {
                    sources: vec!["s".repeat(256)],
                },
                "sources[0]",
            ),
            (
                Write::ChangeStage {
                    stage: StageId::from(""),
                    expected_stage: None,
                },
                "stage_id",
            ),
        ];
        for (write, field) in cases {
            let error = check_content(&write).unwrap_err();
            let ErrorKind::Invalid { violations } = error.kind() else {
                panic!("{error}")
            };
            assert_eq!(violations[0].field, field);
        }
        assert!(check_content(&note(&"x".repeat(600_000))).is_ok());
        assert!(check_request_id("").is_err() && check_request_id(&"r".repeat(256)).is_err());
    }
}
