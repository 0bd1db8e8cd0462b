//! Applying to a posting. Lever: "Apply to a posting"; fixtures `posting-apply.*.json`, `apply.request.json`.

use serde_json::{Value, json};

use super::{apply_answers as answers, surveys};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{
    ApplyForm, Contact, Entry, Phone, Posting, Submitted, Upload, World, personal_field,
    required_fields, url_field,
};

const FIELDS: [&str; 13] = [
    "customQuestions",
    "personalInformation",
    "eeoResponses",
    "urls",
    "ipAddress",
    "source",
    "consent",
    "diversitySurvey",
    "origin",
    "timezone",
    "userAgent",
    "acceptLanguage",
    "referer",
];

/// Shows what applicants are asked.
pub(crate) fn form(world: &mut World, call: &Call<'_>) -> Outcome {
    let posting = posting(world, call)?;
    let distribution = call.query.one("distribution");
    call.query
        .choices("distribution", &["internal", "external"])?;
    let here = call.query.one("location");
    let eeo = here.is_none_or(|location| posting.categories.location.as_deref() == Some(location));
    Ok(Answer::record(
        ApplyForm::of(posting).json(distribution, eeo),
    ))
}

/// Submits an application; the person is told nothing either way, as the simulator sends no mail.
pub(crate) fn submit(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.flag("send_confirmation_email")?;
    let posting = posting(world, call)?.clone();
    if !matches!(posting.state, "published" | "internal") {
        return Err(Refusal::bad_request("The posting takes no applications"));
    }
    let entry = entry(world, call, posting)?;
    let made = world.enter(entry, call.now);
    let made = world.opportunity(&made);
    let application = made.and_then(|it| it.application.as_ref());
    let id = application.map(|application| &application.id);
    Ok(Answer::created(json!({ "applicationId": id })))
}

/// The application that a body describes, checked against the form of the posting.
fn entry(world: &World, call: &Call<'_>, posting: Posting) -> Result<Entry, Refusal> {
    let fields = call.fields(&FIELDS)?;
    let form = ApplyForm::of(&posting);
    let personal = Personal::read(fields)?;
    answers::consent(fields, &form)?;
    surveys::check(&posting, fields)?;
    Ok(Entry {
        person: personal.person(links(fields)?),
        resume: personal.resume(world, call.now)?,
        questions: answers::questions(world, fields, &form, call.now)?,
        eeo: answers::eeo(fields, &form, call.now)?,
        submitted: Some(submitted(fields, &personal)?),
        origin: origin(fields, &posting)?,
        source: fields
            .owned("source")?
            .unwrap_or_else(|| "Job site".to_owned()),
        posting: Some(posting),
    })
}

fn submitted(fields: Fields<'_>, personal: &Personal<'_>) -> Result<Submitted, Refusal> {
    Ok(Submitted {
        comments: personal.text("additionalInformation"),
        ip_address: fields.owned("ipAddress")?,
        referer: fields.owned("referer")?,
        user_agent: fields.owned("userAgent")?,
        accept_language: fields.owned("acceptLanguage")?,
        timezone: timezone(fields)?,
    })
}

fn links(fields: Fields<'_>) -> Result<Vec<String>, Refusal> {
    let urls = pairs(fields, "urls")?;
    if urls.iter().any(|(name, _)| !url_field(name)) {
        return Err(bad_field("urls"));
    }
    Ok(urls.into_iter().map(|(_, url)| url.to_owned()).collect())
}

fn posting<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Posting, Refusal> {
    let id = call.id(0);
    let found = world.account.posting(id);
    let found = found.ok_or_else(|| Refusal::not_found("postings", id))?;
    if found.confidential && !call.confidential {
        return Err(Refusal::confidential());
    }
    Ok(found)
}

/// The documented default is `applied`; for a posting in state `internal` it was `internal` (recorded).
fn origin(fields: Fields<'_>, posting: &Posting) -> Result<String, Refusal> {
    match fields.text("origin")? {
        Some(origin @ ("applied" | "internal")) => Ok(origin.to_owned()),
        Some(_) => Err(bad_field("origin")),
        None if posting.state == "internal" => Ok("internal".to_owned()),
        None => Ok("applied".to_owned()),
    }
}

/// An IANA time zone; any other is refused. Lever: "Updates", April 2026.
fn timezone(fields: Fields<'_>) -> Result<Option<String>, Refusal> {
    let zone = fields.owned("timezone")?;
    match &zone {
        Some(name) if jiff::tz::TimeZone::get(name).is_err() => Err(bad_field("timezone")),
        _ => Ok(zone),
    }
}

/// A list of objects with `name` and a text `value`; entries without a value are left out.
fn pairs<'a>(fields: Fields<'a>, list: &str) -> Result<Vec<(&'a str, &'a str)>, Refusal> {
    let items = fields.typed(list, Value::as_array)?;
    let pair = |item: &'a Value| {
        let name = item.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| bad_field(list))?;
        match item.get("value") {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let value = value.as_str().ok_or_else(|| bad_field(name))?;
                Ok(Some((name, value)))
            }
        }
    };
    let pairs = items.into_iter().flatten().map(pair);
    let pairs: Vec<Option<(&str, &str)>> = pairs.collect::<Result<_, _>>()?;
    Ok(pairs.into_iter().flatten().collect())
}

/// The answers under `personalInformation`.
struct Personal<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Personal<'a> {
    fn read(fields: Fields<'a>) -> Result<Personal<'a>, Refusal> {
        let personal = Personal(pairs(fields, "personalInformation")?);
        let unknown = |(name, _): &&(&str, &str)| personal_field(name).is_none();
        if let Some((name, _)) = personal.0.iter().find(unknown) {
            return Err(bad_field(name));
        }
        let open = required_fields().find(|name| personal.get(name).is_none());
        open.map_or(Ok(()), |name| Err(missing(name)))?;
        Ok(personal)
    }

    /// An answer that is not blank.
    fn get(&self, name: &str) -> Option<&'a str> {
        let mut answers = self.0.iter();
        let found = answers.find(|(known, _)| *known == name);
        found
            .map(|(_, value)| *value)
            .filter(|value| !value.trim().is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn person(&self, links: Vec<String>) -> Contact {
        let phone = |value| Phone { kind: None, value };
        Contact {
            name: self.text("fullName").unwrap_or_default(),
            headline: self.text("currentCompany").unwrap_or_default(),
            location: self.text("currentLocation").unwrap_or_default(),
            phones: self.text("phone").map(phone).into_iter().collect(),
            emails: self.text("email").into_iter().collect(),
            links,
            ..Contact::default()
        }
    }

    /// The upload named as resume, which must still live.
    fn resume(&self, world: &World, now: i64) -> Result<Option<Upload>, Refusal> {
        let uri = self.get("resume");
        uri.map(|uri| answers::upload(world, uri, now)).transpose()
    }
}
