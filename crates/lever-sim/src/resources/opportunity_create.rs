//! Creating opportunities. Lever: "Create an opportunity"; fixture `opportunity.create.response.json`.

use serde_json::{Value, json};

use super::opportunity_form::{Details, Form};
use super::opportunity_writes::{known_reason, known_stage};
use super::perform_as;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{Contact, NewOpportunity, Phone, World};

const CREATE_FIELDS: [&str; 17] = [
    "name",
    "headline",
    "stage",
    "location",
    "phones",
    "emails",
    "links",
    "tags",
    "sources",
    "origin",
    "owner",
    "followers",
    "postings",
    "createdAt",
    "archived",
    "contact",
    "opportunityLocation",
];
const ORIGINS: [&str; 6] = [
    "agency",
    "applied",
    "internal",
    "referred",
    "sourced",
    "university",
];

/// Creates an opportunity, for a known contact or a new one, from JSON or, with files, from multipart.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let by = perform_as(world, call)?.ok_or_else(|| missing("perform_as"))?;
    let parse = call.query.flag("parse")? == Some(true);
    let form = Form::read(call.parts)?;
    let fields = if call.parts.is_empty() {
        call.fields(&CREATE_FIELDS)?
    } else {
        Fields::of(&form.fields, &CREATE_FIELDS)?
    };
    let mut new = read(world, call, fields, by.clone())?;
    if let Some(resume) = form.resume.filter(|_| parse) {
        Details::of(resume).complete(&mut new.person);
    }
    if call.query.flag("perform_as_posting_owner")? == Some(true) {
        let posting = new
            .posting
            .as_deref()
            .and_then(|id| world.account.posting(id));
        let posting = posting.ok_or_else(|| missing("postings"))?;
        new.owner = Some(posting.owner.clone());
    }
    let (id, deduped) = world.create(new, call.now);
    form.attach(world, &id, &by, call.now);
    let made = world
        .opportunity(&id)
        .ok_or_else(|| Refusal::not_found("opportunities", &id))?;
    let data = made.written_json(world.contact_of(made));
    Ok(Answer::json(
        201,
        json!({ "deduped": deduped, "data": data }),
    ))
}

fn read(
    world: &World,
    call: &Call<'_>,
    fields: Fields<'_>,
    by: String,
) -> Result<NewOpportunity, Refusal> {
    let stage = fields.text("stage")?;
    stage.map_or(Ok(()), |stage| known_stage(world, stage))?;
    let origin = fields.text("origin")?;
    if origin.is_some_and(|origin| !ORIGINS.contains(&origin)) {
        return Err(bad_field("origin"));
    }
    let owner = fields.text("owner")?;
    let followers = fields.texts("followers")?.unwrap_or_default();
    let users = owner
        .into_iter()
        .chain(followers.iter().map(String::as_str));
    if users
        .into_iter()
        .any(|user| world.account.user(user).is_none())
    {
        return Err(Refusal::bad_request("Unknown user"));
    }
    let created_at = fields.past("createdAt", call.now)?;
    Ok(NewOpportunity {
        person: person(fields)?,
        contact: contact(world, fields)?,
        stage: stage.map(str::to_owned),
        tags: fields.texts("tags")?.unwrap_or_default(),
        sources: fields.texts("sources")?.unwrap_or_default(),
        origin: origin.map(str::to_owned),
        owner: owner.map(str::to_owned),
        followers,
        posting: posting(world, call, fields)?,
        location: fields.text("opportunityLocation")?.map(str::to_owned),
        created_at,
        archived: archive(world, call, fields, created_at)?,
        by,
    })
}

fn person(fields: Fields<'_>) -> Result<Contact, Refusal> {
    let phones = fields.typed("phones", |value| {
        value.as_array()?.iter().map(phone).collect()
    })?;
    Ok(Contact {
        name: fields.text("name")?.unwrap_or_default().to_owned(),
        headline: fields.text("headline")?.unwrap_or_default().to_owned(),
        location: fields.text("location")?.unwrap_or_default().to_owned(),
        phones: phones.unwrap_or_default(),
        emails: fields.texts("emails")?.unwrap_or_default(),
        links: fields.texts("links")?.unwrap_or_default(),
        ..Contact::default()
    })
}

pub(super) fn phone(value: &Value) -> Option<Phone> {
    let kind = value.get("type").and_then(Value::as_str).map(str::to_owned);
    Some(Phone {
        kind,
        value: value.get("value")?.as_str()?.to_owned(),
    })
}

/// The contact to attach to; an anonymized one takes no new opportunities.
fn contact(world: &World, fields: Fields<'_>) -> Result<Option<String>, Refusal> {
    let Some(id) = fields.text("contact")? else {
        return Ok(None);
    };
    match world.contact(id) {
        Some(contact) if !contact.anonymized => Ok(Some(contact.id.clone())),
        _ => Err(bad_field("contact")),
    }
}

/// At most one posting; a confidential one needs that access.
fn posting(world: &World, call: &Call<'_>, fields: Fields<'_>) -> Result<Option<String>, Refusal> {
    let ids = fields.texts("postings")?.unwrap_or_default();
    let [id] = ids.as_slice() else {
        return if ids.is_empty() {
            Ok(None)
        } else {
            Err(bad_field("postings"))
        };
    };
    let posting = world
        .account
        .posting(id)
        .ok_or_else(|| bad_field("postings"))?;
    if posting.confidential && !call.confidential {
        return Err(Refusal::confidential());
    }
    Ok(Some(posting.id.clone()))
}

/// The archive state of a record that is created archived; a time without a reason is ignored.
fn archive(
    world: &World,
    call: &Call<'_>,
    fields: Fields<'_>,
    created_at: Option<i64>,
) -> Result<Option<(String, i64)>, Refusal> {
    let Some(archived) = fields.typed("archived", Value::as_object)? else {
        return Ok(None);
    };
    let Some(reason) = archived.get("reason").and_then(Value::as_str) else {
        return Ok(None);
    };
    known_reason(world, reason)?;
    let at = match archived.get("archivedAt").and_then(Value::as_i64) {
        None => call.now,
        Some(at) if at <= call.now && created_at.is_some_and(|created| created <= at) => at,
        Some(_) => return Err(bad_field("archived")),
    };
    Ok(Some((reason.to_owned(), at)))
}
