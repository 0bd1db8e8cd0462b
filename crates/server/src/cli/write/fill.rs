//! `fulcrum write contact`, `form`, `apply` and `user`.

use proto::v1 as pb;

use super::super::client::wire_duration;
use super::super::{Client, Failure};
use super::{Manner, Target};

/// Something about no candidacy, and how to write to it.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    pub(super) connection: Option<String>,
    #[command(flatten)]
    manner: Manner,
}

/// What to change of a person.
#[derive(Debug, clap::Args)]
pub(crate) struct Contact {
    #[command(flatten)]
    pub(super) target: Target,
    /// The full name.
    #[arg(long)]
    name: Option<String>,
    /// The headline; "" for none.
    #[arg(long)]
    headline: Option<String>,
    /// Where the person lives; "" for nowhere.
    #[arg(long)]
    location: Option<String>,
    /// An address to have besides those there are; may be given several times.
    #[arg(long, value_name = "EMAIL")]
    add_email: Vec<String>,
    /// A telephone number to have besides those there are; may be given several times.
    #[arg(long, value_name = "NUMBER")]
    add_phone: Vec<String>,
    /// All addresses, in place of those there are; may be given several times.
    #[arg(long, value_name = "EMAIL", conflicts_with_all = ["add_email", "no_emails"])]
    email: Vec<String>,
    /// All telephone numbers, in place of those there are; may be given several times.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["add_phone", "no_phones"])]
    phone: Vec<String>,
    /// Take all addresses away.
    #[arg(long, conflicts_with = "add_email")]
    no_emails: bool,
    /// Take all telephone numbers away.
    #[arg(long, conflicts_with = "add_phone")]
    no_phones: bool,
}

/// What to fill in.
#[derive(Debug, clap::Args)]
pub(crate) struct Form {
    #[command(flatten)]
    pub(super) target: Target,
    /// Lever's id of the template.
    template: String,
    /// A field by its text or id, and its value; a field given several times has them all.
    #[arg(value_name = "FIELD=VALUE", value_parser = pair)]
    values: Vec<(String, String)>,
    /// Only for people with access to secret forms; without it as the template says.
    #[arg(long)]
    secret: Option<bool>,
}

/// To what to apply, and for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(super) place: Place,
    /// Lever's id of the posting.
    posting: String,
    /// A question by its name (fullName, email, resume, ...), text or id, and the answer; a question given several times
    /// has them all.
    #[arg(required = true, value_name = "QUESTION=ANSWER", value_parser = pair)]
    answers: Vec<(String, String)>,
    /// A question for equal opportunity by its name, and the answer.
    #[arg(long, value_name = "QUESTION=ANSWER", value_parser = pair)]
    eeo: Vec<(String, String)>,
    /// Whether the applicant agreed that the data are kept.
    #[arg(long)]
    consent_to_store: Option<bool>,
    /// Whether the applicant agreed to be written to.
    #[arg(long)]
    consent_to_marketing: Option<bool>,
    /// The source that Lever shows.
    #[arg(long, default_value = "", hide_default_value = true)]
    source: String,
    /// applied or internal.
    #[arg(long, default_value = "", hide_default_value = true)]
    origin: String,
    /// Let Lever write to the applicant.
    #[arg(long)]
    send_confirmation_email: bool,
}

/// What to change of a user.
#[derive(Debug, clap::Args)]
pub(crate) struct User {
    #[command(flatten)]
    pub(super) place: Place,
    /// Lever's id of the user.
    user: String,
    /// The full name.
    #[arg(long)]
    name: Option<String>,
    /// The address used to sign in.
    #[arg(long)]
    email: Option<String>,
    /// The role in Lever; needs a token with the role admin.
    #[arg(long)]
    access_role: Option<String>,
    /// The id in your own directory; "" for none.
    #[arg(long, value_name = "ID")]
    external_directory_id: Option<String>,
    /// The job title; "" for none.
    #[arg(long)]
    job_title: Option<String>,
    /// Lever's id of the user this one reports to; "" for nobody.
    #[arg(long, value_name = "ID")]
    manager: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected a name and a value such as Notes=\"Keen\"".to_owned())
}

/// One value for each name, in the order they come first; several are a list.
fn values(pairs: Vec<(String, String)>) -> Vec<pb::FormValue> {
    let mut grouped: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        match grouped.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => grouped.push((name, vec![value])),
        }
    }
    let value = |(question, values): (String, Vec<String>)| pb::FormValue {
        question,
        value: Some(several(values)),
    };
    grouped.into_iter().map(value).collect()
}

fn several(texts: Vec<String>) -> prost_types::Value {
    use prost_types::value::Kind;
    let one = |text| prost_types::Value {
        kind: Some(Kind::StringValue(text)),
    };
    let mut values: Vec<_> = texts.into_iter().map(one).collect();
    match values.len() {
        1 => values.remove(0),
        _ => prost_types::Value {
            kind: Some(Kind::ListValue(prost_types::ListValue { values })),
        },
    }
}

/// The names of the fields that were given.
fn mask(given: &[(&str, bool)]) -> Option<prost_types::FieldMask> {
    let paths = given.iter().filter(|(_, given)| *given);
    let paths: Vec<_> = paths.map(|(path, _)| (*path).to_owned()).collect();
    (!paths.is_empty()).then_some(prost_types::FieldMask { paths })
}

fn phones(numbers: Vec<String>) -> Vec<pb::Phone> {
    let phone = |value| pb::Phone {
        value,
        ..Default::default()
    };
    numbers.into_iter().map(phone).collect()
}

impl Contact {
    pub(super) async fn send(
        self,
        client: &Client,
        connection: String,
    ) -> Result<Option<pb::Operation>, Failure> {
        let emails = self.no_emails || !self.email.is_empty();
        let phones_given = self.no_phones || !self.phone.is_empty();
        let update_mask = mask(&[
            ("name", self.name.is_some()),
            ("headline", self.headline.is_some()),
            ("location", self.location.is_some()),
            ("emails", emails),
            ("phones", phones_given),
        ]);
        let manner = self.target.manner;
        let request = pb::UpdateContactRequest {
            connection_id: connection,
            opportunity_id: self.target.opportunity,
            request_id: manner.request_id,
            dry_run: manner.dry_run,
            wait: Some(wire_duration(manner.wait)),
            update_mask,
            name: self.name.unwrap_or_default(),
            headline: self.headline.unwrap_or_default(),
            location: self.location.unwrap_or_default(),
            emails: self.email,
            phones: phones(self.phone),
            add_emails: self.add_email,
            add_phones: phones(self.add_phone),
            ..Default::default()
        };
        let answer = client.candidates().update_contact(request).await?;
        Ok(answer.into_inner().operation)
    }
}

impl Form {
    pub(super) async fn send(
        self,
        client: &Client,
        connection: String,
    ) -> Result<Option<pb::Operation>, Failure> {
        let manner = self.target.manner;
        let request = pb::CreateFormRequest {
            connection_id: connection,
            opportunity_id: self.target.opportunity,
            request_id: manner.request_id,
            dry_run: manner.dry_run,
            wait: Some(wire_duration(manner.wait)),
            acting_user: manner.acting_user,
            perform_as: manner.perform_as,
            template_id: self.template,
            values: values(self.values),
            secret: self.secret,
        };
        let answer = client.candidates().create_form(request).await?;
        Ok(answer.into_inner().operation)
    }
}

impl Apply {
    pub(super) async fn send(
        self,
        client: &Client,
        connection: String,
    ) -> Result<Option<pb::Operation>, Failure> {
        let manner = self.place.manner;
        let request = pb::ApplyToPostingRequest {
            connection_id: connection,
            posting_id: self.posting,
            request_id: manner.request_id,
            dry_run: manner.dry_run,
            wait: Some(wire_duration(manner.wait)),
            answers: values(self.answers),
            eeo_responses: self.eeo.into_iter().collect(),
            consent_to_store: self.consent_to_store,
            consent_to_marketing: self.consent_to_marketing,
            source: self.source,
            origin: self.origin,
            send_confirmation_email: self.send_confirmation_email,
            ..Default::default()
        };
        let answer = client.candidates().apply_to_posting(request).await?;
        Ok(answer.into_inner().operation)
    }
}

impl User {
    pub(super) async fn send(
        self,
        client: &Client,
        connection: String,
    ) -> Result<Option<pb::Operation>, Failure> {
        let update_mask = mask(&[
            ("name", self.name.is_some()),
            ("email", self.email.is_some()),
            ("access_role", self.access_role.is_some()),
            (
                "external_directory_id",
                self.external_directory_id.is_some(),
            ),
            ("job_title", self.job_title.is_some()),
            ("manager_id", self.manager.is_some()),
        ]);
        let manner = self.place.manner;
        let request = pb::UpdateUserRequest {
            connection_id: connection,
            user_id: self.user,
            request_id: manner.request_id,
            dry_run: manner.dry_run,
            wait: Some(wire_duration(manner.wait)),
            update_mask,
            name: self.name.unwrap_or_default(),
            email: self.email.unwrap_or_default(),
            access_role: self.access_role.unwrap_or_default(),
            external_directory_id: self.external_directory_id.unwrap_or_default(),
            job_title: self.job_title.unwrap_or_default(),
            manager_id: self.manager.unwrap_or_default(),
        };
        let answer = client.candidates().update_user(request).await?;
        Ok(answer.into_inner().operation)
    }
}

#[cfg(test)]
mod tests {
    use prost_types::value::Kind;

    use super::*;

    #[test]
    fn a_field_given_several_times_has_a_list() {
        let pairs = ["a=1", "b=x=y", "a=2"].map(|text| pair(text).unwrap());
        let values = values(pairs.to_vec());
        let kinds: Vec<_> = values
            .into_iter()
            .map(|value| (value.question, value.value.unwrap().kind.unwrap()))
            .collect();
        let text = |text: &str| prost_types::Value {
            kind: Some(Kind::StringValue(text.to_owned())),
        };
        let both = prost_types::ListValue {
            values: vec![text("1"), text("2")],
        };
        assert_eq!(
            kinds,
            [
                ("a".to_owned(), Kind::ListValue(both)),
                ("b".to_owned(), Kind::StringValue("x=y".to_owned()))
            ]
        );
        assert!(pair("no value").is_err() && pair("=x").is_err());
    }
}
