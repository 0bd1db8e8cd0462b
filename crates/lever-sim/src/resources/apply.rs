//! Applying to a posting. Lever: "Apply to a posting"; fixtures `posting-apply.*.json`, `apply.request.json`.

use serde_json::{Value, json};

use super::surveys;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{
    ApplyForm, Contact, Eeo, Entry, Phone, Posting, Question, QuestionSet, Submitted, Upload,
    World, eeo_answer, personal_field, required_fields, url_field,
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
    let fields = call.fields(&FIELDS)?;
    let form = ApplyForm::of(&posting);
    let personal = Personal::read(fields)?;
    let urls = pairs(fields, "urls")?;
    if urls.iter().any(|(name, _)| !url_field(name)) {
        return Err(bad_field("urls"));
    }
    let eeo = eeo(fields, &form, call.now)?;
    consent(fields, &form)?;
    surveys::check(&posting, fields)?;
    let resume = personal.resume(world, call.now)?;
    let links: Vec<String> = urls.into_iter().map(|(_, url)| url.to_owned()).collect();
    let entry = Entry {
        submitted: Some(Submitted {
            comments: personal.text("additionalInformation"),
            ip_address: fields.owned("ipAddress")?,
            referer: fields.owned("referer")?,
            user_agent: fields.owned("userAgent")?,
            accept_language: fields.owned("acceptLanguage")?,
            timezone: timezone(fields)?,
        }),
        questions: answers(world, fields, &form, call.now)?,
        eeo,
        person: personal.person(links),
        origin: origin(fields, &posting)?,
        source: fields
            .owned("source")?
            .unwrap_or_else(|| "Job site".to_owned()),
        posting: Some(posting),
        resume,
    };
    let made = world.enter(entry, call.now);
    let application = world
        .opportunity(&made)
        .and_then(|it| it.application.as_ref());
    let application = application.ok_or_else(|| Refusal::not_found("applications", &made))?;
    Ok(Answer::created(json!({ "applicationId": application.id })))
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
        uri.map(|uri| upload(world, uri, now)).transpose()
    }
}

fn upload(world: &World, uri: &str, now: i64) -> Result<Upload, Refusal> {
    let upload = world.uploads.find(uri, now);
    upload
        .cloned()
        .ok_or_else(|| Refusal::bad_request("Unknown or expired upload"))
}

/// Questions that are not asked cannot be answered.
fn eeo(fields: Fields<'_>, form: &ApplyForm, now: i64) -> Result<Option<Eeo>, Refusal> {
    let Some(answers) = fields.typed("eeoResponses", Value::as_object)? else {
        return Ok(None);
    };
    let mut eeo = Eeo {
        responded_at: now,
        ..Eeo::default()
    };
    for (question, answer) in answers {
        let answer = answer.as_str().filter(|it| eeo_answer(question, it));
        let answer = answer.filter(|_| form.eeo).map(str::to_owned);
        let answer = Some(answer.ok_or_else(|| bad_field("eeoResponses"))?);
        match question.as_str() {
            "gender" => eeo.gender = answer,
            "race" => eeo.race = answer,
            _ => eeo.veteran = answer,
        }
    }
    Ok(Some(eeo))
}

/// A consent must name the policy of the form.
fn consent(fields: Fields<'_>, form: &ApplyForm) -> Result<(), Refusal> {
    let Some(consents) = fields.typed("consent", Value::as_object)? else {
        return Ok(());
    };
    let fits = |(kind, consent): (&String, &Value)| {
        let policy = consent.get("compliancePolicyId").and_then(Value::as_str);
        let provided = consent.get("provided").is_some_and(Value::is_boolean);
        matches!(kind.as_str(), "store" | "marketing")
            && provided
            && policy == form.policy.as_deref()
    };
    if consents.iter().all(fits) {
        Ok(())
    } else {
        Err(bad_field("consent"))
    }
}

/// The answered question sets, as the application shows them. A set with a required question must be there.
fn answers(
    world: &World,
    fields: Fields<'_>,
    form: &ApplyForm,
    now: i64,
) -> Result<Vec<Value>, Refusal> {
    let given = fields.typed("customQuestions", Value::as_array)?;
    let given = given.map_or(&[][..], Vec::as_slice);
    let id = |item: &Value| item.get("id").and_then(Value::as_str).map(str::to_owned);
    let asked = |item: &Value| id(item).is_some_and(|id| form.sets.iter().any(|set| set.id == id));
    if !given.iter().all(asked) {
        return Err(bad_field("customQuestions"));
    }
    let mut answered = Vec::new();
    for set in &form.sets {
        let item = given.iter().find(|item| id(item).as_ref() == Some(&set.id));
        match item {
            Some(item) => answered.push(answered_set(world, set, item, now)?),
            None if set.questions.iter().any(|question| question.required) => {
                return Err(missing(&set.id));
            }
            None => {}
        }
    }
    Ok(answered)
}

/// Values are matched to questions by order, so there must be as many.
fn answered_set(
    world: &World,
    set: &QuestionSet,
    item: &Value,
    now: i64,
) -> Result<Value, Refusal> {
    let values = item.get("fields").and_then(Value::as_array);
    let values = values.filter(|values| values.len() == set.questions.len());
    let values = values.ok_or_else(|| bad_field("customQuestions"))?;
    let mut fields = Vec::new();
    for (question, value) in set.questions.iter().zip(values) {
        let value = value.get("value").unwrap_or(&Value::Null);
        answer(world, question, value, now)?;
        fields.push(question.json(value));
    }
    Ok(json!({
        "id": set.id,
        "type": "posting",
        "text": set.text,
        "user": null,
        "stage": null,
        "baseTemplateId": set.id,
        "fields": fields,
        "createdAt": now,
        "completedAt": now,
    }))
}

fn answer(world: &World, question: &Question, value: &Value, now: i64) -> Result<(), Refusal> {
    let option = |text: &str| question.options.contains(&text);
    let fits = match (question.kind, value) {
        (_, Value::Null) => !question.required,
        ("dropdown", Value::String(text)) => option(text),
        ("multiple-select", Value::Array(chosen)) => {
            (!question.required || !chosen.is_empty())
                && chosen.iter().all(|it| it.as_str().is_some_and(option))
        }
        ("file-upload", Value::String(uri)) => upload(world, uri, now).is_ok(),
        ("dropdown" | "multiple-select" | "file-upload", _) => false,
        (_, Value::String(text)) => !question.required || !text.trim().is_empty(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(bad_field(question.text))
    }
}
