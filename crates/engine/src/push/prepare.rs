//! Calls of the kinds that Fulcrum knows, made ready when they are asked for.

use domain::Write;
use domain::answers::{Answer, ApplicationAsk};
use domain::identity::IdentityKey;
use domain::operation::{LONGEST_NOTE, Prepared, PreparedKind, RawWrite};
use lever::registry::{
    APPLY_TO_POSTING, CREATE_OPPORTUNITY_FORM, CREATE_USER, UPDATE_CONTACT, UPDATE_USER,
};
use lever::{
    AddLinks, CommentWrite, ContactId, Endpoint, NoteId, NoteWrite, Operation, OpportunityId,
    Phone, PostingId, RemoveLinks, UpdateNote, UserId,
};
use serde::{Deserialize, Serialize};

pub use super::merge::{ContactChange, UserChange};

use super::content::check_texts_of;
use crate::error::{Error, Result, Violation};

/// The most texts of a note.
const MOST_TEXTS: usize = 100;

/// The most characters of a link.
const LONGEST_LINK: usize = 2000;

/// Adds links to the person behind an opportunity.
///
/// # Errors
/// Invalid, naming the link.
pub fn add_links(opportunity: &OpportunityId, links: Vec<String>) -> Result<Write> {
    check_texts_of("links", &links, LONGEST_LINK)?;
    let endpoint = AddLinks {
        opportunity: opportunity.clone(),
        links,
        perform_as: None,
    };
    Ok(prepared(
        PreparedKind::AddLinks,
        &endpoint,
        &[("opportunity", opportunity.as_str())],
    ))
}

/// Removes links from the person behind an opportunity, as Lever has them.
///
/// # Errors
/// Invalid, naming the link.
pub fn remove_links(opportunity: &OpportunityId, links: Vec<String>) -> Result<Write> {
    check_texts_of("links", &links, LONGEST_LINK)?;
    let endpoint = RemoveLinks {
        opportunity: opportunity.clone(),
        links,
        perform_as: None,
    };
    Ok(prepared(
        PreparedKind::RemoveLinks,
        &endpoint,
        &[("opportunity", opportunity.as_str())],
    ))
}

/// Replaces the texts of a note.
///
/// # Errors
/// Invalid, naming the field.
pub fn update_note(
    opportunity: &OpportunityId,
    note: &NoteId,
    values: Vec<String>,
) -> Result<Write> {
    if note.as_str().is_empty() {
        return Err(Error::invalid("note_id", "name the note by Lever's id"));
    }
    let mut wrong = Wrong::default();
    wrong.add_if(
        values.is_empty() || values.len() > MOST_TEXTS,
        "values",
        "give 1 to 100",
    );
    for (index, value) in values.iter().enumerate() {
        if value.trim().is_empty() {
            let message = "give a text that is not all blank";
            wrong.add(format!("values[{index}]"), message);
        }
    }
    wrong.add_if(
        values.iter().map(String::len).sum::<usize>() > LONGEST_NOTE,
        "values",
        "give at most 60,000 bytes in all",
    );
    wrong.check()?;
    let comment = |value| CommentWrite {
        value,
        created_at: None,
        user: None,
    };
    let endpoint = UpdateNote {
        opportunity: opportunity.clone(),
        note: note.clone(),
        body: NoteWrite {
            values: values.into_iter().map(comment).collect(),
            user: None,
            secret: None,
            score: None,
            created_at: None,
            completed_at: None,
        },
    };
    Ok(prepared(
        PreparedKind::UpdateNote,
        &endpoint,
        &[
            ("opportunity", opportunity.as_str()),
            ("note", note.as_str()),
        ],
    ))
}

/// The texts that a change of a note puts in place; none once they are not kept any more.
pub fn note_texts(prepared: &Prepared) -> Vec<String> {
    #[derive(Deserialize)]
    struct Body {
        values: Vec<Text>,
    }
    #[derive(Deserialize)]
    struct Text {
        value: String,
    }
    let body = prepared.call.body.as_deref().unwrap_or_default();
    let body = serde_json::from_str::<Body>(body);
    body.map_or_else(|_| Vec::new(), |body| body.values)
        .into_iter()
        .map(|text| text.value)
        .collect()
}

/// A profile form as it is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FormAsk {
    /// Lever's id of the template.
    pub template: String,
    /// What is filled in; what no answer names stays empty.
    pub values: Vec<Answer>,
    /// Whether only people with access to secret forms see it; without it as the template says.
    pub secret: Option<bool>,
}

/// Fills in a profile form about an opportunity (F-21).
///
/// # Errors
/// Invalid, naming the field.
pub fn create_form(opportunity: &OpportunityId, ask: &FormAsk) -> Result<Write> {
    if ask.template.is_empty() {
        let message = "name the template by Lever's id: LeverService.ListFormTemplates lists them";
        return Err(Error::invalid("template_id", message));
    }
    let path = [("opportunity", opportunity.as_str())];
    asked(
        PreparedKind::CreateForm,
        &CREATE_OPPORTUNITY_FORM,
        &path,
        ask,
    )
}

/// Applies to a posting for somebody (F-29).
///
/// # Errors
/// Invalid, naming the field.
pub fn apply_to_posting(posting: &PostingId, ask: &ApplicationAsk) -> Result<Write> {
    if posting.as_str().is_empty() {
        return Err(Error::invalid(
            "posting_id",
            "name the posting by Lever's id",
        ));
    }
    let path = [("posting", posting.as_str())];
    asked(PreparedKind::ApplyToPosting, &APPLY_TO_POSTING, &path, ask)
}

/// Changes a person: the one named, or else the one behind the opportunity of the request (F-28).
///
/// # Errors
/// Invalid, naming the field.
pub fn update_contact(contact: Option<&ContactId>, change: &ContactChange) -> Result<Write> {
    check_contact(change)?;
    contact_change(contact, change)
}

/// A change of a person that may go as it is.
pub(super) fn contact_change(contact: Option<&ContactId>, change: &ContactChange) -> Result<Write> {
    let path = contact.map(|contact| ("contact", contact.as_str()));
    let path: Vec<_> = path.into_iter().collect();
    asked(PreparedKind::UpdateContact, &UPDATE_CONTACT, &path, change)
}

/// Changes a user; what is not asked for stays (F-28).
///
/// # Errors
/// Invalid, naming the field.
pub fn update_user(user: &UserId, change: &UserChange) -> Result<Write> {
    if user.as_str().is_empty() {
        return Err(Error::invalid("user_id", "name the user by Lever's id"));
    }
    check_user(change)?;
    let path = [("user", user.as_str())];
    asked(PreparedKind::UpdateUser, &UPDATE_USER, &path, change)
}

/// Whether a write gives a user a role in Lever.
pub fn changes_access_role(write: &Write) -> bool {
    match write {
        Write::Prepared(Prepared {
            kind: PreparedKind::UpdateUser,
            call,
        }) => {
            let change: Option<UserChange> = as_asked(call);
            change.is_some_and(|change| change.access_role.is_some())
        }
        Write::Raw(call) if [CREATE_USER.id, UPDATE_USER.id].contains(&call.operation.as_str()) => {
            let body = call.body.as_deref().unwrap_or_default();
            let body: Option<serde_json::Map<String, serde_json::Value>> =
                serde_json::from_str(body).ok();
            body.is_some_and(|body| body.contains_key("accessRole"))
        }
        _ => false,
    }
}

/// A call whose body says what is asked, until it is made ready (`ready`) or sent (`merge`).
fn asked(
    kind: PreparedKind,
    operation: &Operation,
    path: &[(&str, &str)],
    ask: &impl Serialize,
) -> Result<Write> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(Write::Prepared(Prepared {
        kind,
        call: RawWrite {
            operation: operation.id.to_owned(),
            path: path.iter().copied().map(owned).collect(),
            query: Vec::new(),
            body: Some(serde_json::to_string(ask).map_err(Error::internal)?),
            creates: kind.creates(),
            bare: false,
        },
    }))
}

/// What a call asks; none where that was taken away.
pub(super) fn as_asked<T: for<'de> Deserialize<'de>>(call: &RawWrite) -> Option<T> {
    serde_json::from_str(call.body.as_deref()?).ok()
}

/// The most addresses, or telephone numbers, of one person.
const MOST_ADDRESSES: usize = 50;

/// What is wrong, collected.
#[derive(Default)]
struct Wrong(Vec<Violation>);

impl Wrong {
    fn add(&mut self, field: impl Into<String>, message: &str) {
        self.0.push(Violation {
            field: field.into(),
            message: message.to_owned(),
        });
    }

    fn add_if(&mut self, wrong: bool, field: &str, message: &str) {
        if wrong {
            self.add(field, message);
        }
    }

    fn check(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::violations(self.0))
        }
    }
}

fn check_contact(change: &ContactChange) -> Result<()> {
    let mut wrong = Wrong::default();
    wrong.add_if(
        is_blank(&change.name),
        "name",
        "give a name, or leave it out",
    );
    for (field, text) in [
        ("name", &change.name),
        ("headline", &change.headline),
        ("location", &change.location),
    ] {
        let long = |text: &String| text.chars().count() > LONGEST_TEXT;
        wrong.add_if(
            text.as_ref().is_some_and(long),
            field,
            "give at most 1,000 characters",
        );
    }
    check_emails("emails", change.emails.as_deref(), &mut wrong);
    check_emails("add_emails", Some(&change.add_emails), &mut wrong);
    check_phones("phones", change.phones.as_deref(), &mut wrong);
    check_phones("add_phones", Some(&change.add_phones), &mut wrong);
    wrong.add_if(
        change.emails.is_some() && !change.add_emails.is_empty(),
        "add_emails",
        "give either emails or add_emails, not both",
    );
    wrong.add_if(
        change.phones.is_some() && !change.add_phones.is_empty(),
        "add_phones",
        "give either phones or add_phones, not both",
    );
    wrong.add_if(*change == ContactChange::default(), "update_mask", NOTHING);
    wrong.check()
}

fn check_emails(field: &str, emails: Option<&[String]>, wrong: &mut Wrong) {
    let emails = emails.unwrap_or_default();
    wrong.add_if(emails.len() > MOST_ADDRESSES, field, "give at most 50");
    for (index, email) in emails.iter().enumerate() {
        if IdentityKey::email(email).is_none() {
            wrong.add(format!("{field}[{index}]"), NO_ADDRESS);
        }
    }
}

fn check_phones(field: &str, phones: Option<&[Phone]>, wrong: &mut Wrong) {
    let phones = phones.unwrap_or_default();
    wrong.add_if(phones.len() > MOST_ADDRESSES, field, "give at most 50");
    for (index, phone) in phones.iter().enumerate() {
        if phone.value.trim().is_empty() || phone.value.chars().count() > 255 {
            let message = "give a telephone number of 1 to 255 characters";
            wrong.add(format!("{field}[{index}].value"), message);
        } else if phone.kind.as_deref() != Some("skype") && !phone.value.contains(char::is_numeric)
        {
            let message = "a telephone number has digits: give one, or type skype for a name there";
            wrong.add(format!("{field}[{index}].value"), message);
        }
        let kind = phone.kind.as_deref();
        if kind.is_some_and(|kind| !PHONE_KINDS.contains(&kind)) {
            let message = "give mobile, home, work, skype or other, or leave it out";
            wrong.add(format!("{field}[{index}].type"), message);
        }
    }
}

fn is_blank(text: &Option<String>) -> bool {
    text.as_deref().is_some_and(|text| text.trim().is_empty())
}

/// Lever's words for what a telephone number is (model: `Phone`).
const PHONE_KINDS: [&str; 5] = ["mobile", "home", "work", "skype", "other"];
/// The most characters of a name and the like.
const LONGEST_TEXT: usize = 1000;
const NO_ADDRESS: &str = "give an e-mail address such as ada@example.com, or leave it out";
const NOTHING: &str = "nothing is asked for: give fields to change";

fn check_user(change: &UserChange) -> Result<()> {
    let mut wrong = Wrong::default();
    let no_address = |email: &str| IdentityKey::email(email).is_none();
    wrong.add_if(
        is_blank(&change.name),
        "name",
        "a user has a name: give one, or leave it out",
    );
    wrong.add_if(
        change.email.as_deref().is_some_and(no_address),
        "email",
        NO_ADDRESS,
    );
    wrong.add_if(
        is_blank(&change.access_role),
        "access_role",
        "give a role of Lever's such as interviewer, or leave it out",
    );
    wrong.add_if(*change == UserChange::default(), "update_mask", NOTHING);
    wrong.check()
}

/// The call of an endpoint; `path` names its parameters.
pub(super) fn prepared<E: Endpoint>(
    kind: PreparedKind,
    endpoint: &E,
    path: &[(&str, &str)],
) -> Write {
    let request = endpoint.request();
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Write::Prepared(Prepared {
        kind,
        call: RawWrite {
            operation: E::OPERATION.id.to_owned(),
            path: path.iter().copied().map(owned).collect(),
            query: request.query_pairs().map(owned).collect(),
            body: request.body().map(ToString::to_string),
            creates: kind.creates(),
            bare: false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_texts_of_a_note_are_measured_in_bytes_and_none_is_blank() {
        let wrong = |values: &[&str]| {
            let values = values.iter().map(|text| (*text).to_owned()).collect();
            let update = update_note(&"o".into(), &"n".into(), values);
            match update.map_err(|error| error.kind().clone()) {
                Ok(_) => Vec::new(),
                Err(ErrorKind::Invalid { violations }) => violations
                    .into_iter()
                    .map(|one| (one.field, one.message))
                    .collect(),
                Err(other) => panic!("{other:?}"),
            }
        };
        let told = |field: &str, message: &str| vec![(field.to_owned(), message.to_owned())];
        assert_eq!(wrong(&[&"é".repeat(LONGEST_NOTE / 2)]), []);
        let long = "é".repeat(LONGEST_NOTE / 2 + 1);
        let bytes = told("values", "give at most 60,000 bytes in all");
        assert_eq!(wrong(&[&long]), bytes);
        let blank = told("values[1]", "give a text that is not all blank");
        assert_eq!(wrong(&["a", " "]), blank);
        assert_eq!(wrong(&[]), told("values", "give 1 to 100"));
    }
}
