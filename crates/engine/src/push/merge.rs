//! Writes that depend on what is in Lever when they are sent: it is read first, and the change merged into it.
//!
//! Lever replaces a user as a whole, and the list of a person's addresses; what nobody asked to change must stay.

use domain::Write;
use domain::operation::{Failure, FailureKind, Prepared, PreparedKind};
use lever::{
    Contact, ContactId, ContactWrite, GetContact, GetUser, Phone, UpdateContact, UpdateUser, User,
    UserId, UserWrite,
};
use serde::{Deserialize, Serialize};

use super::prepare::{as_asked, prepared};

/// What is asked to change of a person; what is left out stays.
///
/// It is kept with the operation as JSON, with Lever's names for what Lever has.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContactChange {
    /// The full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The headline; empty for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// Where the person lives; empty for nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// All addresses; empty takes all away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emails: Option<Vec<String>>,
    /// All telephone numbers; empty takes all away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phones: Option<Vec<Phone>>,
    /// Addresses to have besides those there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_emails: Vec<String>,
    /// Telephone numbers to have besides those there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_phones: Vec<Phone>,
}

impl std::fmt::Debug for ContactChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactChange").finish_non_exhaustive()
    }
}

/// What is asked to change of a user; what is left out stays, and an empty text takes away.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserChange {
    /// The full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address used to sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The role in Lever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_role: Option<String>,
    /// The id in the customer's own directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_directory_id: Option<String>,
    /// The job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Lever's id of the user this one reports to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager_id: Option<String>,
}

impl std::fmt::Debug for UserChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserChange").finish_non_exhaustive()
    }
}

/// A write that is merged into what Lever has.
#[derive(Debug)]
pub(super) enum Merge {
    /// Of a person.
    Contact(ContactId, ContactChange),
    /// Of a user.
    User(UserId, UserChange),
}

impl Merge {
    /// The merging that a write needs; none for one that is sent as it is.
    pub(super) fn of(write: &Write) -> Option<Merge> {
        let Write::Prepared(Prepared { kind, call }) = write else {
            return None;
        };
        let id = |name: &str| call.path.get(name).map(String::as_str);
        match kind {
            PreparedKind::UpdateContact => {
                let contact = ContactId::from(id("contact")?);
                Some(Merge::Contact(contact, as_asked(call)?))
            }
            PreparedKind::UpdateUser => {
                Some(Merge::User(UserId::from(id("user")?), as_asked(call)?))
            }
            _ => None,
        }
    }
}

/// The read that a change of a user begins with.
pub(super) fn user_read(user: &UserId) -> GetUser {
    GetUser { user: user.clone() }
}

/// The read that a change of a person begins with, where it adds to what there is.
pub(super) fn contact_read(contact: &ContactId, change: &ContactChange) -> Option<GetContact> {
    let adds = !change.add_emails.is_empty() || !change.add_phones.is_empty();
    adds.then(|| GetContact {
        contact: contact.clone(),
    })
}

/// The write of a changed person; none if nothing is left to change. `present` is there if [`contact_read`] is.
pub(super) fn merged_contact(
    contact: &ContactId,
    change: &ContactChange,
    present: Option<&Contact>,
) -> Option<Write> {
    let added = |present: &Contact| {
        let emails = with_missing(&present.emails, &change.add_emails, |email| {
            email.trim().to_lowercase()
        });
        let phones = with_missing(&present.phones, &change.add_phones, |phone| {
            phone.value.chars().filter(char::is_ascii_digit).collect()
        });
        (emails, phones)
    };
    let (emails, phones) = present.map(added).unwrap_or_default();
    let body = ContactWrite {
        name: change.name.clone(),
        headline: change.headline.clone(),
        location: change.location.clone(),
        emails: change.emails.clone().or(emails),
        phones: change.phones.clone().or(phones),
    };
    if body == ContactWrite::default() {
        return None;
    }
    let endpoint = UpdateContact {
        contact: contact.clone(),
        body,
    };
    let path = [("contact", contact.as_str())];
    Some(prepared(PreparedKind::UpdateContact, &endpoint, &path))
}

/// Those there are, and behind them those to add that are not among them; none where nothing is to add.
fn with_missing<T: Clone>(
    present: &[T],
    added: &[T],
    key: impl Fn(&T) -> String,
) -> Option<Vec<T>> {
    let mut all = present.to_vec();
    for one in added {
        if all.iter().all(|known| key(known) != key(one)) {
            all.push(one.clone());
        }
    }
    (all.len() > present.len()).then_some(all)
}

/// The write of a changed user: all that Lever has of the user, with what is asked for in its place.
///
/// # Errors
/// Where Lever does not tell what it must be sent.
pub(super) fn merged_user(
    user: &UserId,
    change: &UserChange,
    present: &User,
) -> Result<Write, Failure> {
    let chosen = |asked: &Option<String>, present: &Option<String>| {
        let chosen = asked.as_ref().or(present.as_ref());
        chosen.filter(|text| !text.trim().is_empty()).cloned()
    };
    let needed = |field, chosen: Option<String>| chosen.ok_or_else(|| untold(field));
    let manager = present.manager_id.as_ref().map(|id| id.as_str().to_owned());
    let body = UserWrite {
        name: needed("name", chosen(&change.name, &present.name))?,
        email: needed("email", chosen(&change.email, &present.email))?,
        access_role: Some(needed(
            "access_role",
            chosen(&change.access_role, &present.access_role),
        )?),
        external_directory_id: chosen(
            &change.external_directory_id,
            &present.external_directory_id,
        ),
        job_title: chosen(&change.job_title, &present.job_title),
        manager_id: chosen(&change.manager_id, &manager).map(UserId::from),
    };
    let endpoint = UpdateUser {
        user: user.clone(),
        body,
    };
    let path = [("user", user.as_str())];
    Ok(prepared(PreparedKind::UpdateUser, &endpoint, &path))
}

fn untold(field: &str) -> Failure {
    Failure {
        kind: FailureKind::Invalid,
        message: format!(
            "Lever replaces users as a whole and does not tell the {field} of this one: give it, too"
        ),
        details: vec![("field".to_owned(), field.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn body(write: Option<Write>) -> Value {
        let Some(Write::Prepared(Prepared { call, .. })) = write else {
            panic!("nothing is sent")
        };
        serde_json::from_str(&call.body.unwrap()).unwrap()
    }

    fn contact() -> Contact {
        serde_json::from_value(json!({
            "id": "c", "name": "Ada", "emails": ["Ada@Example.com"],
            "phones": [{"type": "work", "value": "+1 555-0100"}]
        }))
        .unwrap()
    }

    fn change(change: Value) -> ContactChange {
        serde_json::from_value(change).unwrap()
    }

    #[test]
    fn what_is_added_comes_behind_what_there_is_and_only_once() {
        let change = change(json!({
            "addEmails": ["ada@example.com", "ada@work.example", "ADA@work.example"],
            "addPhones": [{"value": "+1 (555) 0100"}, {"value": "+1 555 0101"}],
            "headline": "Findem"
        }));
        let id = ContactId::from("c");
        assert!(contact_read(&id, &change).is_some());
        assert_eq!(
            body(merged_contact(&id, &change, Some(&contact()))),
            json!({
                "headline": "Findem",
                "emails": ["Ada@Example.com", "ada@work.example"],
                "phones": [{"type": "work", "value": "+1 555-0100"}, {"value": "+1 555 0101"}]
            })
        );
    }

    #[test]
    fn what_is_there_already_is_not_written_again() {
        let change = change(json!({"addEmails": ["ada@example.com"]}));
        let id = ContactId::from("c");
        assert_eq!(merged_contact(&id, &change, Some(&contact())), None);
    }

    #[test]
    fn a_list_that_is_given_replaces_and_an_empty_one_takes_all_away() {
        let change = change(json!({"emails": [], "name": "Ada L"}));
        let id = ContactId::from("c");
        assert!(contact_read(&id, &change).is_none());
        let sent = body(merged_contact(&id, &change, None));
        assert_eq!(sent, json!({"name": "Ada L", "emails": []}));
    }

    #[test]
    fn a_user_keeps_what_nobody_asked_to_change() {
        let present: User = serde_json::from_value(json!({
            "id": "u", "name": "Ada", "email": "ada@example.com", "accessRole": "admin",
            "jobTitle": "Recruiter", "managerId": "u2", "externalDirectoryId": "x"
        }))
        .unwrap();
        let change = UserChange {
            name: Some("Ada L".to_owned()),
            job_title: Some(String::new()),
            ..UserChange::default()
        };
        let merged = merged_user(&UserId::from("u"), &change, &present);
        assert_eq!(
            body(merged.ok()),
            json!({
                "name": "Ada L", "email": "ada@example.com", "accessRole": "admin",
                "managerId": "u2", "externalDirectoryId": "x"
            })
        );
    }

    #[test]
    fn a_user_whose_role_lever_does_not_tell_is_not_reset_to_interviewer() {
        let present: User =
            serde_json::from_value(json!({"id": "u", "name": "Ada", "email": "a@example.com"}))
                .unwrap();
        let merged = merged_user(&UserId::from("u"), &UserChange::default(), &present);
        assert_eq!(
            merged.unwrap_err().details,
            [("field".to_owned(), "access_role".to_owned())]
        );
    }
}
