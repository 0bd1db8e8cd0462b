//! What a field mapping makes of a real candidate, before and after.

use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::field_value::Value;

use crate::console::fault::Fault;
use crate::console::in_lever;
use crate::console::refusal::sentence;
use crate::console::words::{moment, number, plain};

/// How many values of a field are shown; the others are counted.
const SHOWN: usize = 3;

/// The longest text of a value that is shown.
const LONGEST: usize = 160;

/// Whom a text means.
#[derive(Debug, PartialEq)]
pub(in crate::console::pages) enum Who {
    /// Nobody in particular.
    Anybody,
    /// To be looked up.
    Identity(Box<pb::Identity>),
    /// Lever's id of a candidacy or a person.
    Id(String),
    /// Nothing by which somebody can be found.
    Nobody,
}

/// Reads whom a text means.
pub(in crate::console::pages) fn who(text: &str) -> Who {
    let own = || text.to_owned();
    let lower = text.to_lowercase();
    let mut identity = pb::Identity::default();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let dialed = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    if text.is_empty() {
        return Who::Anybody;
    } else if lower.contains("linkedin.com/") {
        identity.linkedin_url = own();
    } else if lower.contains("github.com/") {
        identity.github_url = own();
    } else if lower.contains("twitter.com/") || lower.contains("x.com/") {
        identity.twitter_url = own();
    } else if text.contains('@') {
        identity.emails = vec![own()];
    } else if digits >= 6 && text.chars().all(dialed) {
        identity.phones = vec![own()];
    } else if let Some((name, company)) = text.split_once(',') {
        name.trim().clone_into(&mut identity.name);
        company.trim().clone_into(&mut identity.company);
    } else if in_lever::is_id(in_lever::opportunity(text)) {
        return Who::Id(in_lever::opportunity(text).to_owned());
    } else {
        return Who::Nobody;
    }
    Who::Identity(Box::new(identity))
}

/// A mapping that could not be tried.
pub(super) fn refused(faults: &[Fault]) -> Markup {
    html! {
        p { "This cannot be tried yet:" }
        ul { @for fault in faults { li { (fault.name) ": " (sentence(&fault.message)) } } }
    }
}

/// For roles that may not see people.
pub(super) fn withheld() -> Markup {
    html! { p.faint { "Your token may not see candidates, so that nothing is tried on one." } }
}

/// What would change, which `differs` lists, and what the mapping makes of somebody.
pub(super) fn shown(
    name: &str,
    preview: &pb::PreviewFieldMappingResponse,
    differs: &Markup,
) -> Markup {
    html! {
        @if preview.differences.is_empty() { p { "Nothing differs from what is saved." } }
        @else { (differs) }
        @if preview.after.is_empty() { p.faint { "Nobody is mirrored yet to try it on." } }
        @else {
            p.faint { (name) ", as of " (moment(preview.as_of.as_ref())) }
            div.scroll tabindex="0" role="region" aria-label="What the mapping makes of the candidate" {
                table.compare {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "As saved" } th scope="col" { "With these settings" } } }
                    tbody {
                        @for (place, field) in preview.after.iter().enumerate() { (row(field, earlier(preview, place))) }
                    }
                }
            }
        }
    }
}

/// What the saved mapping makes of the field at a place of the new one: a field can be there once for each way.
fn earlier(preview: &pb::PreviewFieldMappingResponse, place: usize) -> Option<&pb::ProfileField> {
    let field = &preview.after[place];
    let earlier = preview.after[..place].iter();
    let passed = earlier.filter(|other| other.field == field.field).count();
    let mut same = preview
        .before
        .iter()
        .filter(|other| other.field == field.field);
    same.nth(passed)
}

fn row(after: &pb::ProfileField, before: Option<&pb::ProfileField>) -> Markup {
    let new = cell(after);
    let old = before.map(cell);
    let moved = old.as_ref().is_none_or(|old| old.0 != new.0);
    html! {
        tr.moved[moved] {
            th scope="row" { @if after.label.is_empty() { (after.field) } @else { (after.label) } }
            td { @match &old { Some(old) => (old), None => span.faint { "not there" } } }
            td { @if moved { ins { "changed" } " " } (new) }
        }
    }
}

fn cell(field: &pb::ProfileField) -> Markup {
    html! {
        @if field.values.is_empty() { span.faint { (plain(field.state().as_str_name(), "FIELD_STATE")) } }
        @else {
            ul.values {
                @for one in field.values.iter().take(SHOWN) { li { (value(one)) } }
                @if field.values.len() > SHOWN { li.faint { "and " (number((field.values.len() - SHOWN) as u64)) " more" } }
            }
        }
        @for warning in field.warnings() { p.wrong { (told(warning)) } }
    }
}

fn value(one: &pb::FieldValue) -> Markup {
    let confidence = one.confidence();
    html! {
        (shortened(&text(one)))
        @match confidence {
            pb::FieldConfidence::Low => { " " span.badge.warn { "a guess" } }
            pb::FieldConfidence::Derived => { " " span.badge { "derived" } }
            _ => {}
        }
        @if let Some(source) = &one.source {
            br; small.faint { (source.object) @if !source.path.is_empty() { "." (source.path) } }
        }
    }
}

fn text(one: &pb::FieldValue) -> String {
    let joined = |parts: &[&str]| {
        let parts: Vec<&str> = parts
            .iter()
            .copied()
            .filter(|part| !part.is_empty())
            .collect();
        parts.join(", ")
    };
    let year = |date: &Option<pb::ProfileDate>| match date {
        Some(date) => date.year.to_string(),
        None => String::new(),
    };
    let span = |start: &Option<pb::ProfileDate>, end: &Option<pb::ProfileDate>| {
        let (start, end) = (year(start), year(end));
        if start.is_empty() && end.is_empty() {
            String::new()
        } else {
            format!("{start}–{end}")
        }
    };
    match &one.value {
        Some(Value::Text(text) | Value::Json(text)) => text.clone(),
        Some(Value::Position(at)) => joined(&[
            &at.title,
            &at.company,
            &at.location,
            &span(&at.start, &at.end),
        ]),
        Some(Value::School(at)) => {
            joined(&[&at.school, &at.degree, &at.field, &span(&at.start, &at.end)])
        }
        Some(Value::Attachment(file)) => file.name.clone(),
        Some(Value::Note(note)) => note.text.clone(),
        Some(Value::Activity(done)) => joined(&[
            &plain(done.kind().as_str_name(), "ACTIVITY_KIND"),
            &done.detail,
        ]),
        None => one.raw.clone(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn told(warning: pb::FieldWarning) -> &'static str {
    match warning {
        pb::FieldWarning::Unspecified => "Something is odd.",
        pb::FieldWarning::Placeholder => {
            "A value only said that nothing is known, and was left out."
        }
        pb::FieldWarning::HeadlineListsCompanies => {
            "The headline is a list of companies, and no title."
        }
        pb::FieldWarning::NameIsAddress => "The name is an e-mail address.",
        pb::FieldWarning::Shortened => "A value was cut, or some were left out.",
        pb::FieldWarning::DoubtfulAddress => "An address is none, or is not the person's own.",
        pb::FieldWarning::ResumeNotParsed => "Lever could not read a résumé.",
        pb::FieldWarning::ResumeBeingRead => "Lever is still reading a résumé.",
        pb::FieldWarning::ImpossibleDate => "A date that cannot be was left out.",
        pb::FieldWarning::FileUnavailable => "A file cannot be downloaded.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_found_by_what_was_typed() {
        let of = |text: &str| match who(text) {
            Who::Identity(identity) => *identity,
            other => panic!("{other:?}"),
        };
        assert_eq!(of("ada@example.com").emails, ["ada@example.com"]);
        assert_eq!(
            of("https://linkedin.com/in/ada").linkedin_url,
            "https://linkedin.com/in/ada"
        );
        assert_eq!(of("github.com/ada").github_url, "github.com/ada");
        assert_eq!(of("https://x.com/ada").twitter_url, "https://x.com/ada");
        assert_eq!(of("+49 30 123456").phones, ["+49 30 123456"]);
        let both = of("Ada L, Acme");
        assert_eq!(
            (both.name.as_str(), both.company.as_str()),
            ("Ada L", "Acme")
        );
        assert_eq!(who(""), Who::Anybody);
        assert_eq!(who("Ada"), Who::Nobody);
        let id = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(who(id), Who::Id(id.to_owned()));
    }

    #[test]
    fn what_changes_is_marked_and_long_lists_are_cut() {
        let field = |texts: &[&str]| pb::ProfileField {
            field: "TAGS".to_owned(),
            state: pb::FieldState::Known.into(),
            values: texts
                .iter()
                .map(|text| pb::FieldValue {
                    value: Some(Value::Text((*text).to_owned())),
                    confidence: pb::FieldConfidence::Low.into(),
                    ..Default::default()
                })
                .collect(),
            warnings: vec![pb::FieldWarning::Placeholder.into()],
            ..Default::default()
        };
        let page = |before: &[&str], after: &[&str]| {
            shown(
                "Ada",
                &pb::PreviewFieldMappingResponse {
                    before: vec![field(before)],
                    after: vec![field(after)],
                    ..Default::default()
                },
                &html! {},
            )
            .into_string()
        };
        let same = page(&["a"], &["a"]);
        assert!(!same.contains("<ins>") && same.contains("Nothing differs"));
        let moved = page(&["a"], &["<b>", "2", "3", "4", "5"]);
        assert!(moved.contains("<ins>changed</ins>") && moved.contains("&lt;b&gt;"));
        assert!(moved.contains("and 2 more") && moved.contains("a guess"));
        assert!(moved.contains("left out"));
    }
}
