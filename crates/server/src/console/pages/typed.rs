//! What was typed in a form, in the words of its page: for when all that is left of it is to be copied.
//!
//! What is chosen from lists of an account, such as stages and people, travels by ids, which have no words without the
//! account: those are left out, and so is everything that nobody typed.

use super::{connect, export, inbound, stream};
use crate::console::form::Form;
use crate::console::models;

/// The values of a field with the words for them; none for what is told as it was typed.
type Choices = &'static [(&'static str, &'static str)];
/// A field: its name, what the page calls it, and its choices.
type Field = (&'static str, &'static str, Choices);

const FREE: Choices = &[];
const TICK: Choices = &[("on", "yes")];
const RULES: Choices = &export::RULES;

/// The forms of a page, by the part of their path that says so, each with its fields. Those without a page are called
/// alike everywhere.
#[rustfmt::skip] // A table reads better in rows.
const FIELDS: &[(&str, &[Field])] = &[
    ("/export", &[
        ("cool_off_days", "Cool-off, in days", FREE),
        ("export_as", "People are exported as", &export::KINDS),
        ("prospect_origin", "Origin of prospects", &export::ORIGINS),
        ("applicant_origin", "Origin of applicants", &export::ORIGINS),
        ("source", "Source", FREE),
        ("tags", "Tags, one in a line", FREE),
    ]),
    ("/inbound", &[
        ("reject_hold", inbound::HOLD, FREE),
        ("writer", inbound::WRITER, &inbound::WRITERS),
        ("do_not_contact", inbound::NO_CONTACT, RULES),
        ("cool_off_days", inbound::COOL_OFF, FREE),
        ("snoozed", inbound::WHILE_SNOOZED, &inbound::SNOOZED),
        ("name", "What the product calls it", FREE),
    ]),
    ("/stages", &[
        ("new_label", "Name of the new group", FREE),
        ("new_days", "SLA days of the new group", FREE),
        ("lever_sends_email", "Lever itself writes to people it archives", TICK),
        ("unit", "Days are", &[("business", "business days"), ("calendar", "calendar days")]),
        ("scope", "The clock starts", &[("stage", "with each Lever stage"), ("group", "with each group")]),
        ("zone", "Time zone", FREE),
        ("at_risk", "At risk from, in percent of the time", FREE),
        ("holidays", "Holidays", FREE),
        ("week", "Working week", FREE),
        ("pause", "The clock pauses while a person is snoozed", TICK),
    ]),
    ("/fields", &[
        ("new_label", "Name of the new field", FREE),
        ("new_path", "Source path of the new field", FREE),
        ("hosts", "Links of the product", FREE),
        ("who", "Candidate", FREE),
    ]),
    ("/find", &[("who", "Who is missing", FREE)]),
    ("/disconnect", &[("name", "Name of the connection", FREE)]),
    ("/sync", &[
        ("kind", "This is read", &stream::KINDS),
        ("interval", "After a time: how long", FREE),
        ("unit", "Unit", FREE),
        ("cron", "At certain times, as a cron line", FREE),
        ("time_zone", "In the time zone", FREE),
        ("since", "Only what has changed since", FREE),
    ]),
    ("/operations", &[
        ("value", "Text of the note", FREE),
        ("values", "Text of the note", FREE),
        ("tags", "Tags", FREE),
        ("sources", "Sources", FREE),
        ("links", "Links", FREE),
    ]),
    ("/users", &[
        ("email", "E-mail address in the product", FREE),
        ("whose", "E-mail address in the product", FREE),
    ]),
    ("/history", HISTORY),
    ("/settings", HISTORY),
    ("", &[
        ("display_name", "Name", FREE),
        ("external_id", "Id of this customer in the product", FREE),
        ("region", "Environment", &connect::ENVIRONMENTS),
        ("base_url", "Address", FREE),
        ("days", "Number of days it works", FREE),
        ("words", "Lever user, by name or e-mail", FREE),
        ("person", "Lever’s id of the opportunity, or the address of its page in Lever", FREE),
        ("strict", "Refuse instead", TICK),
        ("include_secret_notes", "Secret notes", TICK),
    ]),
];

const HISTORY: &[Field] = &[
    (
        "from",
        "Opportunities",
        &[
            ("date", "those created on this day or later"),
            ("all", "all there are"),
        ],
    ),
    ("start", "Day (UTC)", FREE),
    ("include_archived", "Archived opportunities", TICK),
    ("include_snoozed", "Snoozed opportunities", TICK),
];

/// What was typed in a form that was sent to a path, by what the page calls it.
pub(in crate::console) fn in_words(path: &str, form: &Form) -> Vec<(String, String)> {
    let typed = form.fields().filter(|(_, value)| !value.is_empty());
    typed
        .filter_map(|(name, value)| {
            let (label, choices) = called(path, form, name)?;
            let chosen = choices.iter().find(|(one, _)| *one == value);
            let words = chosen.map_or(value, |(_, words)| words);
            Some((label, words.to_owned()))
        })
        .collect()
}

/// What a page calls a field, and its choices.
fn called(path: &str, form: &Form, name: &str) -> Option<(String, Choices)> {
    let pages = FIELDS.iter().filter(|(page, _)| path.contains(page));
    let mut fields = pages.flat_map(|(_, fields)| *fields);
    if let Some((_, label, choices)) = fields.find(|(field, ..)| *field == name) {
        return Some(((*label).to_owned(), *choices));
    }
    if path.contains("/export") {
        let ground = export::GROUNDS.iter().find(|(ground, ..)| *ground == name);
        return ground.map(|(_, what, _)| (format!("Who {what}"), RULES));
    }
    let (what, of) = name.split_once('.')?;
    let whose = form.text(&format!("label.{of}"));
    match what {
        "stream" => Some((models::called(of).to_owned(), TICK)),
        "label" if path.contains("/stages") => Some(("Name of a group".to_owned(), FREE)),
        "label" => Some(("Name of a field".to_owned(), FREE)),
        "group_days" => Some((format!("SLA days of “{whose}”"), FREE)),
        "stage_days" => Some(("SLA days on the card of a stage".to_owned(), FREE)),
        "kind" => Some((format!("Kind of “{whose}”"), FREE)),
        "path" => Some((format!("Source path of “{whose}”"), FREE)),
        "derived" => Some((format!("“{whose}” is derived"), TICK)),
        "direction" => Some((format!("Direction of “{whose}”"), FREE)),
        "policy" => Some((
            format!("Policy of “{whose}”"),
            &[("never", "never (protected)")],
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, body: &str) -> Vec<String> {
        let form = Form::parse(body.as_bytes());
        let typed = in_words(path, &form).into_iter();
        typed
            .map(|(label, value)| format!("{label}: {value}"))
            .collect()
    }

    #[test]
    fn what_was_typed_is_told_in_the_words_of_its_page() {
        let export = "csrf=p&etag=v1&hired=overridable&prospect_stage=lead-new&prospect_origin=sourced&tags=a%0Ab";
        assert_eq!(
            told("/console/connections/c/export", export),
            [
                "Who was hired here: Warn: only when the request says so",
                "Origin of prospects: sourced",
                "Tags, one in a line: a\nb",
            ]
        );
        let inbound = "reject_hold=3&was.reject_hold=2&writer=lever&do_not_contact=allow&posting_id=p1&name=No+fit";
        assert_eq!(
            told("/console/connections/c/inbound/template", inbound),
            [
                "Hold before a rejection is sent, in business days: 3",
                "The e-mail is sent by: Lever, by an automation of the account",
                "Who wants no contact, or whose consent has ended: Allow: it is told, and no more",
                "What the product calls it: No fit",
            ]
        );
        let board = "group=SCREEN&label.SCREEN=Screen&kind.SCREEN=active&group_days.SCREEN=4&stage.0f3a-id=SCREEN&stage_days.0f3a-id=9&inbound=0f3a-id&week=monday";
        assert_eq!(
            told("/console/connections/c/stages", board),
            [
                "Name of a group: Screen",
                "Kind of “Screen”: active",
                "SLA days of “Screen”: 4",
                "SLA days on the card of a stage: 9",
                "Working week: monday",
            ]
        );
        let table = "field.0=NAME&label.0=Name&path.0=contact.name&derived.0=on&direction.0=both&policy.0=never";
        assert_eq!(
            told("/console/connections/c/fields", table),
            [
                "Name of a field: Name",
                "Source path of “Name”: contact.name",
                "“Name” is derived: yes",
                "Direction of “Name”: both",
                "Policy of “Name”: never (protected)",
            ]
        );
        let settings =
            "display_name=Acme&stream.notes=on&user=0f3a-id&from=all&include_archived=on";
        assert_eq!(
            told("/console/connections/c/settings", settings),
            [
                "Name: Acme",
                "Notes: yes",
                "Opportunities: all there are",
                "Archived opportunities: yes",
            ]
        );
    }

    #[test]
    fn keys_ids_and_what_nobody_typed_are_left_out() {
        let body = "csrf=p&act=save&etag=v&version=3&api_key=sesame&restore=0f3a&user=0f3a&connection=0f3a&sure=on";
        for path in ["/console/connect", "/console/connections/c/settings"] {
            assert_eq!(told(path, body), Vec::<String>::new(), "{path}");
        }
    }
}
