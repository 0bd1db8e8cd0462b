//! Requests that fill in forms, or change people and users.

use std::time::Duration;

use ::lever::{ContactId, OpportunityId, Phone, PostingId, UserId};
use domain::Write;
use domain::answers::{Answer, ApplicationAsk};
use engine::prepare::{self, ContactChange, FormAsk, UserChange};
use engine::{Error, Result};
use proto::v1 as pb;

use super::connection::non_empty;
use super::lever::from_value;
use super::operation::{Common, Envelope, WriteMessage};

/// What all these requests share; those about no candidacy give an empty id of one.
macro_rules! envelope {
    ($request:expr, $opportunity:expr) => {
        Envelope {
            connection_id: &$request.connection_id,
            opportunity_id: $opportunity,
            request_id: &$request.request_id,
            dry_run: $request.dry_run,
            wait: $request.wait.as_ref(),
            acting_user: "",
            perform_as: "",
            hold: None,
            minds_provenance: false,
        }
    };
}

impl WriteMessage for pb::CreateFormRequest {
    fn read(self, asked_by: &str, default_wait: Duration) -> Result<Common> {
        let ask = FormAsk {
            template: self.template_id.clone(),
            values: from_values("values", &self.values)?,
            secret: self.secret,
        };
        let opportunity = OpportunityId::from(self.opportunity_id.as_str());
        let envelope = Envelope {
            acting_user: &self.acting_user,
            perform_as: &self.perform_as,
            ..envelope!(self, &self.opportunity_id)
        };
        envelope.asks(
            prepare::create_form(&opportunity, &ask)?,
            asked_by,
            default_wait,
        )
    }
}

impl WriteMessage for pb::ApplyToPostingRequest {
    fn read(self, asked_by: &str, default_wait: Duration) -> Result<Common> {
        let posting = PostingId::from(self.posting_id.as_str());
        let write = prepare::apply_to_posting(&posting, &from_application(&self)?)?;
        envelope!(self, "").asks(write, asked_by, default_wait)
    }
}

impl WriteMessage for pb::UpdateContactRequest {
    fn read(self, asked_by: &str, default_wait: Duration) -> Result<Common> {
        let write = from_contact(&self)?;
        envelope!(self, &self.opportunity_id).asks(write, asked_by, default_wait)
    }
}

impl WriteMessage for pb::UpdateUserRequest {
    fn read(self, asked_by: &str, default_wait: Duration) -> Result<Common> {
        let write = from_user(&self)?;
        envelope!(self, "").asks(write, asked_by, default_wait)
    }
}

fn from_values(field: &str, values: &[pb::FormValue]) -> Result<Vec<Answer>> {
    let numbered = values.iter().enumerate();
    let answers = numbered.map(|(index, value)| {
        let given = value.value.as_ref().map(from_value);
        let given = given.unwrap_or(Some(serde_json::Value::Null));
        let value_field = format!("{field}[{index}].value");
        let out_of_bounds =
            || Error::invalid(value_field, "it holds a number that JSON cannot hold");
        Ok(Answer {
            question: value.question.clone(),
            value: given.ok_or_else(out_of_bounds)?,
        })
    });
    answers.collect()
}

fn from_application(request: &pb::ApplyToPostingRequest) -> Result<ApplicationAsk> {
    let eeo = request.eeo_responses.iter();
    Ok(ApplicationAsk {
        answers: from_values("answers", &request.answers)?,
        eeo: eeo
            .map(|(name, answer)| (name.clone(), answer.clone()))
            .collect(),
        store: request.consent_to_store,
        marketing: request.consent_to_marketing,
        source: non_empty(&request.source),
        origin: non_empty(&request.origin),
        ip_address: non_empty(&request.ip_address),
        time_zone: non_empty(&request.timezone),
        user_agent: non_empty(&request.user_agent),
        accept_language: non_empty(&request.accept_language),
        referer: non_empty(&request.referer),
        send_confirmation_email: request.send_confirmation_email,
    })
}

fn from_contact(request: &pb::UpdateContactRequest) -> Result<Write> {
    let paths = ["name", "headline", "location", "emails", "phones"];
    let mask = Mask::read(request.update_mask.as_ref(), &paths)?;
    let phones = |phones: &[pb::Phone]| -> Vec<Phone> {
        let phone = |phone: &pb::Phone| Phone {
            kind: non_empty(&phone.r#type),
            value: phone.value.clone(),
        };
        phones.iter().map(phone).collect()
    };
    let change = ContactChange {
        name: mask.text("name", &request.name),
        headline: mask.text("headline", &request.headline),
        location: mask.text("location", &request.location),
        emails: mask
            .names("emails", !request.emails.is_empty())
            .then(|| request.emails.clone()),
        phones: mask
            .names("phones", !request.phones.is_empty())
            .then(|| phones(&request.phones)),
        add_emails: request.add_emails.clone(),
        add_phones: phones(&request.add_phones),
    };
    let contact = non_empty(&request.contact_id).map(ContactId::from);
    prepare::update_contact(contact.as_ref(), &change)
}

fn from_user(request: &pb::UpdateUserRequest) -> Result<Write> {
    let paths = [
        "name",
        "email",
        "access_role",
        "external_directory_id",
        "job_title",
        "manager_id",
    ];
    let mask = Mask::read(request.update_mask.as_ref(), &paths)?;
    let change = UserChange {
        name: mask.text("name", &request.name),
        email: mask.text("email", &request.email),
        access_role: mask.text("access_role", &request.access_role),
        external_directory_id: mask.text("external_directory_id", &request.external_directory_id),
        job_title: mask.text("job_title", &request.job_title),
        manager_id: mask.text("manager_id", &request.manager_id),
    };
    prepare::update_user(&UserId::from(request.user_id.as_str()), &change)
}

/// Which fields a request changes: those it names, or else those that are not empty.
struct Mask<'a>(Option<&'a [String]>);

impl<'a> Mask<'a> {
    fn read(mask: Option<&'a prost_types::FieldMask>, allowed: &[&str]) -> Result<Mask<'a>> {
        let paths = mask.map(|mask| mask.paths.as_slice());
        let mut numbered = paths.unwrap_or_default().iter().enumerate();
        match numbered.find(|(_, path)| !allowed.contains(&path.as_str())) {
            Some((index, _)) => Err(Error::invalid(
                format!("update_mask.paths[{index}]"),
                format!("cannot be changed: allowed are {}", allowed.join(", ")),
            )),
            None => Ok(Mask(paths.filter(|paths| !paths.is_empty()))),
        }
    }

    fn names(&self, path: &str, is_given: bool) -> bool {
        match self.0 {
            Some(paths) => paths.iter().any(|named| named == path),
            None => is_given,
        }
    }

    fn text(&self, path: &str, text: &str) -> Option<String> {
        self.names(path, !text.is_empty()).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use domain::operation::Prepared;
    use serde_json::{Value, json};

    use super::*;

    fn body(write: Result<Write>) -> Result<Value, String> {
        match write {
            Ok(Write::Prepared(Prepared { call, .. })) => {
                Ok(serde_json::from_str(&call.body.unwrap()).unwrap())
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
        Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        })
    }

    #[test]
    fn without_a_mask_what_is_not_empty_is_changed_and_no_list_is_emptied() {
        let request = pb::UpdateContactRequest {
            name: "Ada".to_owned(),
            add_emails: vec!["ada@example.com".to_owned()],
            ..Default::default()
        };
        let asked = json!({"name": "Ada", "addEmails": ["ada@example.com"]});
        assert_eq!(body(from_contact(&request)), Ok(asked));
    }

    #[test]
    fn with_a_mask_what_it_names_is_changed_also_to_nothing() {
        let request = pb::UpdateContactRequest {
            name: "Ada".to_owned(),
            update_mask: mask(&["headline", "emails"]),
            ..Default::default()
        };
        let asked = json!({"headline": "", "emails": []});
        assert_eq!(body(from_contact(&request)), Ok(asked));
        let request = pb::UpdateUserRequest {
            user_id: "u".to_owned(),
            name: "Ada".to_owned(),
            update_mask: mask(&["job_title"]),
            ..Default::default()
        };
        assert_eq!(body(from_user(&request)), Ok(json!({"jobTitle": ""})));
    }

    #[test]
    fn a_mask_that_names_what_cannot_be_changed_is_refused() {
        let request = pb::UpdateContactRequest {
            update_mask: mask(&["name", "links"]),
            ..Default::default()
        };
        let told = body(from_contact(&request)).unwrap_err();
        assert!(
            told.starts_with("update_mask.paths[1]: cannot be changed"),
            "{told}"
        );
    }
}
