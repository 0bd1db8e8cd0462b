//! Writes that put something in the place of what people may change: notes, people and users.
//!
//! What is there is read before each try and after a lost answer. Lever may have what was asked, or still what was there
//! before; anything else is the work of somebody who came between, and stays. Of what was there before only a digest is
//! kept, with the read that showed it.

use domain::operation::{
    Attempt, Event, Failure, FailureKind, Prepared, PreparedKind, RawWrite, State,
};
use domain::{Operation, Timestamp, Write};
use lever::{
    Client, Contact, ContactId, Endpoint, Error, ErrorKind, GetContact, GetNote, GetOpportunity,
    GetUser, Lane, Note, NoteId, OpportunityId, Phone, User, UserId,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::again;
use super::merge::{ContactChange, UserChange};
use super::plan::{self, PlannedCall};
use super::prepare::as_asked;
use super::reconcile::letters;
use super::send::{attempt, fresh_read, not_written};
use super::tried::{earliest, unclear_at};
use crate::engine::Shared;
use crate::link::Link;

/// In place of the digest of what the key may not read: nothing is ever like it.
const UNREADABLE: [u8; 32] = [0; 32];

/// What a write overwrites, as Lever has it now.
#[derive(Clone)]
pub(super) enum Present {
    Contact(Box<Contact>),
    User(Box<User>),
    Note(Box<Note>),
    /// The key may not read it.
    Unreadable,
}

/// The read that shows it.
#[derive(Debug, Clone)]
pub(super) enum Look {
    Contact(GetContact),
    User(GetUser),
    Note(GetNote),
}

/// How Lever stands to a write that may have been made.
#[derive(Debug, PartialEq, Eq)]
enum Stand {
    AsAsked,
    AsBefore,
    /// What else is there, by the names of its fields.
    Changed(Vec<&'static str>),
}

/// What follows from a look before a try.
pub(super) enum Seen {
    /// The write goes out, with the look noted and what it showed.
    Go(Box<Operation>, Present),
    /// It need not, or must not, go out.
    Ends(Box<Operation>, Event),
}

impl Look {
    /// The look that a write needs; none for one that overwrites nothing.
    pub(super) fn of(write: &Write) -> Option<Look> {
        let Write::Prepared(Prepared { kind, call }) = write else {
            return None;
        };
        let id = |name: &str| call.path.get(name).map(String::as_str);
        Some(match kind {
            PreparedKind::UpdateContact => Look::Contact(GetContact {
                contact: ContactId::from(id("contact")?),
            }),
            PreparedKind::UpdateUser => Look::User(GetUser {
                user: UserId::from(id("user")?),
            }),
            PreparedKind::UpdateNote => Look::Note(GetNote {
                opportunity: OpportunityId::from(id("opportunity")?),
                note: NoteId::from(id("note")?),
            }),
            _ => return None,
        })
    }

    /// The same as a dry run tells it.
    pub(super) fn planned(&self) -> PlannedCall {
        match self {
            Look::Contact(read) => plan::call(read),
            Look::User(read) => plan::call(read),
            Look::Note(read) => plan::call(read),
        }
    }

    async fn read(
        &self,
        shared: &Shared,
        client: &Client,
        step: u32,
    ) -> (Result<Present, Error>, Option<Attempt>) {
        async fn one<E: Endpoint>(
            shared: &Shared,
            client: &Client,
            step: u32,
            read: &E,
        ) -> (Result<E::Reply, Error>, Option<Attempt>) {
            let at = shared.clock.now();
            let answer = client.answer(read).await;
            let made = attempt(E::OPERATION.id, at, step, &answer);
            (answer.map(|answer| answer.value), made)
        }
        match self {
            Look::Contact(read) => {
                let (record, made) = one(shared, client, step, read).await;
                let present = record.map(|record| Present::Contact(Box::new(record.value)));
                (present, made)
            }
            Look::User(read) => {
                let (record, made) = one(shared, client, step, read).await;
                let present = record.map(|record| Present::User(Box::new(record.value)));
                (present, made)
            }
            Look::Note(read) => {
                let (record, made) = one(shared, client, step, read).await;
                let present = record.map(|record| Present::Note(Box::new(record.value)));
                (present, made)
            }
        }
    }
}

/// Reads what the write in hand overwrites, before a try; `operation` ends with the attempt about to be made.
pub(super) async fn before(
    shared: &Shared,
    link: &Link,
    look: &Look,
    mut operation: Operation,
) -> Seen {
    let lane = super::send::lane(&operation);
    let client = link.client(lane).with_limits(shared.clients.single_try());
    let step = plan::step_number(&operation);
    let (read, made) = look.read(shared, &client, step).await;
    let tried = unclear_at(&operation).is_some();
    let about_to_be_made = operation.attempts.pop();
    let present = match read {
        Ok(present) => present,
        Err(error) if is_closed(&error) && !needs_present(operation.present_write()) => {
            Present::Unreadable
        }
        Err(error) => {
            let operation = made.into_iter().fold(operation, Operation::with_attempt);
            return Seen::Ends(Box::new(operation), not_written(&error));
        }
    };
    let write = operation.present_write();
    let known = operation.seen_before();
    let stands = stand(write, &present, known);
    let found = known.is_none().then(|| digest(write, &present));
    let done = made_by(write);
    let made = made.map(|made| Attempt {
        seen: found,
        ..made
    });
    let operation = made.into_iter().fold(operation, Operation::with_attempt);
    match stands {
        Stand::AsAsked if tried => Seen::Ends(Box::new(operation), Event::Done { result_id: done }),
        // The first look of all: nothing came between.
        Stand::Changed(fields) if known.is_some_and(|known| known != UNREADABLE) => {
            Seen::Ends(Box::new(operation), Event::Refused(changed(&fields)))
        }
        _ => {
            let operation = about_to_be_made
                .into_iter()
                .fold(operation, Operation::with_attempt);
            Seen::Go(Box::new(operation), present)
        }
    }
}

/// Reads Lever back after a lost answer: what follows, none where Lever has still what was there before, and the calls.
pub(super) async fn after(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
) -> (crate::error::Result<Option<Event>>, Vec<Attempt>) {
    let write = operation.present_write();
    let State::Reconciling { sent, .. } = operation.state else {
        return (Ok(None), Vec::new());
    };
    let Some(look) = Look::of(write) else {
        return (Ok(None), Vec::new());
    };
    let client = link.client(Lane::Interactive);
    let step = plan::step_number(operation);
    let (read, made) = look.read(shared, &client, step).await;
    let mut calls = Vec::from_iter(made);
    let event = match read {
        // It was deleted, by whomever.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound) => Ok(Some(not_written(&error))),
        Err(error) => Err(error.into()),
        Ok(present) => Ok(match stand(write, &present, operation.seen_before()) {
            Stand::AsAsked => Some(Event::Found {
                result_id: made_by(write),
            }),
            Stand::AsBefore => {
                let since = earliest(shared, link, sent);
                let undone = may_be_undone(shared, &client, operation, since).await;
                calls.extend(undone.1);
                return (undone.0, calls);
            }
            Stand::Changed(fields) => Some(Event::Refused(changed(&fields))),
        }),
    };
    (event, calls)
}

/// What follows where a contact is as before, and people may have made it so again: what of it shows in the opportunity
/// moves the stamp of that.
async fn may_be_undone(
    shared: &Shared,
    client: &Client,
    operation: &Operation,
    since: Timestamp,
) -> (crate::error::Result<Option<Event>>, Option<Attempt>) {
    let of_contact = matches!(
        operation.present_write(),
        Write::Prepared(prepared) if prepared.kind == PreparedKind::UpdateContact
    );
    if !of_contact || operation.opportunity.as_str().is_empty() {
        return (Ok(None), None);
    }
    let at = shared.clock.now();
    let answer = client.answer(&fresh_read(&operation.opportunity)).await;
    let step = plan::step_number(operation);
    let made = attempt(GetOpportunity::OPERATION.id, at, step, &answer);
    let event = match answer {
        // Others may be left of the person.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(answer) => {
            let noted = again::noted_stamp(operation);
            let moved = again::has_moved(&answer.value.value, noted, since);
            Ok(moved.then(|| Event::Undecided(again::may_be_undone())))
        }
    };
    (event, made)
}

/// Lever's id of what is overwritten.
fn made_by(write: &Write) -> Option<String> {
    let Write::Prepared(Prepared { kind, call }) = write else {
        return None;
    };
    let name = match kind {
        PreparedKind::UpdateContact => "contact",
        PreparedKind::UpdateUser => "user",
        _ => "note",
    };
    call.path.get(name).cloned()
}

fn is_closed(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden { .. })
}

/// Whether a write cannot be made of what was asked alone.
fn needs_present(write: &Write) -> bool {
    let Write::Prepared(Prepared { kind, call }) = write else {
        return false;
    };
    match kind {
        PreparedKind::UpdateUser => true,
        PreparedKind::UpdateContact => as_asked::<ContactChange>(call)
            .is_some_and(|change| !change.add_emails.is_empty() || !change.add_phones.is_empty()),
        _ => false,
    }
}

/// Somebody else came between.
fn changed(fields: &[&'static str]) -> Failure {
    Failure {
        kind: FailureKind::ChangedInLever,
        message: "somebody has changed this in Lever meanwhile: nothing was written over that"
            .to_owned(),
        details: vec![("changed_fields".to_owned(), fields.join(","))],
    }
}

fn stand(write: &Write, present: &Present, before: Option<[u8; 32]>) -> Stand {
    let parts = parts(write, present);
    let readable = !matches!(present, Present::Unreadable);
    if readable && parts.iter().all(|part| part.as_asked) {
        return Stand::AsAsked;
    }
    if before.is_none_or(|before| before == digest_of(&parts)) {
        return Stand::AsBefore;
    }
    let others = parts.iter().filter(|part| !part.as_asked);
    Stand::Changed(others.map(|part| part.name).collect())
}

fn digest(write: &Write, present: &Present) -> [u8; 32] {
    match present {
        Present::Unreadable => UNREADABLE,
        present => digest_of(&parts(write, present)),
    }
}

fn digest_of(parts: &[Part]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for Part { name, there, .. } in parts {
        for text in std::iter::once(*name).chain(there.iter().map(String::as_str)) {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(u64::MAX.to_be_bytes());
    }
    hash.finalize().into()
}

/// One field that a write changes.
struct Part {
    name: &'static str,
    /// What is there, without what Lever may have tidied.
    there: Vec<String>,
    as_asked: bool,
}

impl Part {
    /// A field that is to be just this.
    fn replaced(name: &'static str, there: Vec<String>, asked: &[String]) -> Part {
        Part {
            as_asked: there == asked,
            name,
            there,
        }
    }
}

/// The fields that a write changes.
fn parts(write: &Write, present: &Present) -> Vec<Part> {
    let Write::Prepared(Prepared { call, .. }) = write else {
        return Vec::new();
    };
    match present {
        Present::Contact(contact) => parts_of_contact(call, contact),
        Present::User(user) => parts_of_user(call, user),
        Present::Note(note) => parts_of_note(call, note),
        Present::Unreadable => Vec::new(),
    }
}

fn parts_of_contact(call: &RawWrite, present: &Contact) -> Vec<Part> {
    let Some(change) = as_asked::<ContactChange>(call) else {
        return Vec::new();
    };
    let place = present.location.as_ref();
    let place = place.and_then(|place| place.name.as_ref());
    let texts = [
        ("name", &change.name, present.name.as_ref()),
        ("headline", &change.headline, present.headline.as_ref()),
        ("location", &change.location, place),
    ];
    let texts = texts.into_iter().filter_map(|(name, asked, there)| {
        Some(Part::replaced(name, text(there), &text(asked.as_ref()))).filter(|_| asked.is_some())
    });
    let mut parts: Vec<Part> = texts.collect();
    let emails = sorted(present.emails.iter().map(|email| address(email)));
    if let Some(asked) = &change.emails {
        let asked = sorted(asked.iter().map(|email| address(email)));
        parts.push(Part::replaced("emails", emails.clone(), &asked));
    }
    if !change.add_emails.is_empty() {
        let mut added = change.add_emails.iter().map(|email| address(email));
        parts.push(Part {
            name: "emails",
            as_asked: added.all(|email| emails.contains(&email)),
            there: emails,
        });
    }
    let phones = sorted(present.phones.iter().map(number_and_kind));
    if let Some(asked) = &change.phones {
        parts.push(Part {
            name: "phones",
            as_asked: same_numbers(asked, &present.phones),
            there: phones.clone(),
        });
    }
    if !change.add_phones.is_empty() {
        let there: Vec<_> = present.phones.iter().map(number).collect();
        let mut added = change.add_phones.iter().map(number);
        parts.push(Part {
            name: "phones",
            as_asked: added.all(|phone| there.contains(&phone)),
            there: phones,
        });
    }
    parts
}

fn parts_of_user(call: &RawWrite, present: &User) -> Vec<Part> {
    let Some(change) = as_asked::<UserChange>(call) else {
        return Vec::new();
    };
    let manager = present.manager_id.as_ref().map(|id| id.as_str().to_owned());
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    let (asked_email, email) = (lower(&change.email), lower(&present.email));
    let texts = [
        ("name", &change.name, &present.name),
        ("email", &asked_email, &email),
        ("access_role", &change.access_role, &present.access_role),
        (
            "external_directory_id",
            &change.external_directory_id,
            &present.external_directory_id,
        ),
        ("job_title", &change.job_title, &present.job_title),
        ("manager_id", &change.manager_id, &manager),
    ];
    let asked = texts.into_iter().filter(|(_, asked, _)| asked.is_some());
    let part = |(name, asked, there): (&'static str, &Option<String>, &Option<String>)| {
        Part::replaced(name, text(there.as_ref()), &text(asked.as_ref()))
    };
    asked.map(part).collect()
}

fn parts_of_note(call: &RawWrite, present: &Note) -> Vec<Part> {
    #[derive(Deserialize)]
    struct Body {
        values: Vec<Comment>,
    }
    #[derive(Deserialize)]
    struct Comment {
        value: String,
    }
    let body = call.body.as_deref().unwrap_or_default();
    let Ok(body) = serde_json::from_str::<Body>(body) else {
        return Vec::new();
    };
    let said = |texts: Vec<&String>| -> Vec<String> {
        let texts = texts.into_iter().map(|text| letters(text));
        texts.filter(|text| !text.is_empty()).collect()
    };
    let there = said(present.fields.iter().map(|field| &field.value).collect());
    let asked = said(body.values.iter().map(|comment| &comment.value).collect());
    vec![Part::replaced("values", there, &asked)]
}

/// A text as it is compared; one that says nothing is none.
fn text(text: Option<&String>) -> Vec<String> {
    let letters = text.map(|text| letters(text)).unwrap_or_default();
    Some(letters)
        .filter(|text| !text.is_empty())
        .into_iter()
        .collect()
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts.dedup();
    texts
}

fn address(email: &str) -> String {
    email.trim().to_lowercase()
}

fn number(phone: &Phone) -> String {
    phone.value.chars().filter(char::is_ascii_digit).collect()
}

fn kind(phone: &Phone) -> Option<String> {
    phone.kind.as_ref().map(|kind| kind.to_lowercase())
}

fn number_and_kind(phone: &Phone) -> String {
    format!("{} {}", number(phone), kind(phone).unwrap_or_default())
}

/// Whether these are the numbers that were asked for; a number without a kind may have got one.
fn same_numbers(asked: &[Phone], there: &[Phone]) -> bool {
    let is_there = |phone: &Phone| {
        let mut there = there.iter().filter(|one| number(one) == number(phone));
        there.any(|one| phone.kind.is_none() || kind(one) == kind(phone))
    };
    let is_asked = |phone: &Phone| asked.iter().any(|one| number(one) == number(phone));
    asked.iter().all(is_there) && there.iter().all(is_asked)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::push::prepare;

    fn contact(value: Value) -> Present {
        Present::Contact(Box::new(serde_json::from_value(value).unwrap()))
    }

    fn user(value: Value) -> Present {
        Present::User(Box::new(serde_json::from_value(value).unwrap()))
    }

    fn note(texts: &[&str]) -> Present {
        let fields: Vec<_> = texts.iter().map(|text| json!({"value": text})).collect();
        let note = json!({"id": "n", "fields": fields});
        Present::Note(Box::new(serde_json::from_value(note).unwrap()))
    }

    fn of_contact(change: Value) -> Write {
        let change: ContactChange = serde_json::from_value(change).unwrap();
        prepare::update_contact(Some(&"c".into()), &change).unwrap()
    }

    fn of_user(change: Value) -> Write {
        let change: UserChange = serde_json::from_value(change).unwrap();
        prepare::update_user(&"u".into(), &change).unwrap()
    }

    fn of_note(texts: &[&str]) -> Write {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        prepare::update_note(&"o".into(), &"n".into(), texts).unwrap()
    }

    /// What is told of Lever's present state, by what was there before.
    fn told(write: &Write, before: &Present, now: &Present) -> Stand {
        stand(write, now, Some(digest(write, before)))
    }

    #[test]
    fn what_was_asked_what_was_there_and_what_somebody_else_has_written_are_told_apart() {
        let write = of_contact(json!({"headline": "Admiral", "name": "Grace Hopper"}));
        let before = contact(json!({"id": "c", "name": "Grace", "headline": "Captain"}));
        let asked = contact(json!({"id": "c", "name": "Grace  Hopper", "headline": " Admiral"}));
        let other = contact(json!({"id": "c", "name": "Grace Hopper", "headline": "Retired"}));
        assert_eq!(told(&write, &before, &asked), Stand::AsAsked);
        assert_eq!(told(&write, &before, &before), Stand::AsBefore);
        assert_eq!(
            told(&write, &before, &other),
            Stand::Changed(vec!["headline"])
        );
        // What the write leaves alone may change.
        let elsewhere =
            json!({"id": "c", "name": "Grace", "headline": "Captain", "emails": ["a@b.c"]});
        assert_eq!(told(&write, &before, &contact(elsewhere)), Stand::AsBefore);
    }

    #[test]
    fn addresses_and_numbers_are_compared_as_such() {
        let write = of_contact(json!({
            "addEmails": ["New@example.com"], "phones": [{"value": "+1 555-0100"}, {"value": "2", "type": "home"}]
        }));
        let before = contact(json!({"id": "c", "emails": ["old@example.com"], "phones": []}));
        let now = |emails: Value, phones: Value| {
            contact(json!({"id": "c", "emails": emails, "phones": phones}))
        };
        let phones =
            json!([{"value": "2", "type": "Home"}, {"value": "15550100", "type": "other"}]);
        let emails = json!(["old@example.com", "new@example.com"]);
        let asked = now(emails.clone(), phones.clone());
        assert_eq!(told(&write, &before, &asked), Stand::AsAsked);
        for (emails, phones, field) in [
            (json!(["third@example.com"]), phones, "emails"),
            (
                emails.clone(),
                json!([{"value": "15550100"}, {"value": "2", "type": "work"}]),
                "phones",
            ),
            (emails, json!([{"value": "3"}]), "phones"),
        ] {
            let other = now(emails, phones);
            assert_eq!(told(&write, &before, &other), Stand::Changed(vec![field]));
        }
    }

    #[test]
    fn a_user_and_a_note_stand_likewise() {
        let write = of_user(json!({"jobTitle": "", "email": "Ada@Example.com"}));
        let before = user(json!({"id": "u", "email": "a@example.com", "jobTitle": "Engineer"}));
        let asked = user(json!({"id": "u", "email": "ada@example.com", "jobTitle": null}));
        let other = user(json!({"id": "u", "email": "a@example.com", "jobTitle": "Manager"}));
        assert_eq!(told(&write, &before, &asked), Stand::AsAsked);
        assert_eq!(told(&write, &before, &before), Stand::AsBefore);
        let fields = vec!["email", "job_title"];
        assert_eq!(told(&write, &before, &other), Stand::Changed(fields));
        let write = of_note(&["one", "two & three"]);
        let before = note(&["old"]);
        let asked = note(&["<p>one</p>", "two &amp; three"]);
        assert_eq!(told(&write, &before, &asked), Stand::AsAsked);
        assert_eq!(told(&write, &before, &before), Stand::AsBefore);
        for other in [note(&["one"]), note(&["two & three", "one"]), note(&[])] {
            assert_eq!(
                told(&write, &before, &other),
                Stand::Changed(vec!["values"])
            );
        }
    }

    #[test]
    fn of_what_nobody_could_read_before_only_what_was_asked_is_told_for_sure() {
        let write = of_note(&["new"]);
        let before = Present::Unreadable;
        assert_eq!(told(&write, &before, &note(&["new"])), Stand::AsAsked);
        let other = told(&write, &before, &note(&["old"]));
        assert_eq!(other, Stand::Changed(vec!["values"]));
        assert_eq!(stand(&write, &note(&["old"]), None), Stand::AsBefore);
    }
}
