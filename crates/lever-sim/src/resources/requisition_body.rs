//! What requisitions are written with. Lever: "Create a requisition", "Update a requisition".

use serde_json::{Map, Value};

use super::posting_body::salary;
use super::user_field;
use crate::answer::Refusal;
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{Requisition, World};

const FIELDS: [&str; 16] = [
    "requisitionCode",
    "name",
    "headcountTotal",
    "backfill",
    "compensationBand",
    "createdAt",
    "customFields",
    "employmentStatus",
    "hiringManager",
    "owner",
    "internalNotes",
    "location",
    "status",
    "team",
    "department",
    "postingIds",
];
const STATUSES: [&str; 4] = ["draft", "open", "closed", "onHold"];
const EMPLOYMENT: [&str; 5] = [
    "full-time",
    "part-time",
    "intern",
    "contractor",
    "temp-worker",
];

/// The requisition that a body describes: its identity, and its postings unless others are named, come from `known`.
pub(super) fn filled(
    world: &World,
    call: &Call<'_>,
    known: Requisition,
) -> Result<Requisition, Refusal> {
    let fields = call.fields(&FIELDS)?;
    let code = fields.needed("requisitionCode")?;
    let taken = |it: &Requisition| it.code == code && it.id != known.id;
    if world.account.requisitions.iter().any(taken) {
        return Err(Refusal::bad_request("A requisition with this code exists"));
    }
    let status = status(fields, &known)?;
    let mut states = known.states;
    if states.last().is_none_or(|(last, _)| last != status) {
        states.push((status.to_owned(), call.now));
    }
    let closed_at = known.closed_at.unwrap_or(call.now);
    Ok(Requisition {
        code: code.to_owned(),
        name: fields.needed("name")?.to_owned(),
        status: status.to_owned(),
        headcount: headcount(fields)?,
        backfill: fields.flag("backfill")?.unwrap_or(false),
        owner: user_field(world, fields, "owner")?.or(known.owner),
        hiring_manager: user_field(world, fields, "hiringManager")?,
        internal_notes: fields.text("internalNotes")?.unwrap_or_default().to_owned(),
        compensation: salary(fields, "compensationBand")?,
        employment_status: fields
            .choice("employmentStatus", &EMPLOYMENT)?
            .map(str::to_owned),
        location: fields.owned("location")?,
        team: fields.owned("team")?,
        department: fields.owned("department")?,
        postings: postings(world, call, fields)?.unwrap_or(known.postings),
        custom_fields: custom_fields(world, fields, &known.custom_fields)?,
        created_at: fields
            .past("createdAt", call.now)?
            .unwrap_or(known.created_at),
        updated_at: call.now,
        closed_at: (status == "closed").then_some(closed_at),
        states,
        ..known
    })
}

/// Nothing becomes a draft again.
fn status(fields: Fields<'_>, known: &Requisition) -> Result<&'static str, Refusal> {
    let status = fields.choice("status", &STATUSES)?.unwrap_or("open");
    let was_draft = known.states.last().is_none_or(|(last, _)| last == "draft");
    if status == "draft" && !was_draft {
        return Err(bad_field("status"));
    }
    Ok(status)
}

/// A number of people, or `None` for `unlimited`.
fn headcount(fields: Fields<'_>) -> Result<Option<i64>, Refusal> {
    match fields.get("headcountTotal") {
        None => Err(missing("headcountTotal")),
        Some(value) if value == "unlimited" => Ok(None),
        Some(value) => {
            let count = value.as_i64().filter(|count| *count >= 0);
            count.map(Some).ok_or_else(|| bad_field("headcountTotal"))
        }
    }
}

/// Known postings, either all confidential and visible to the key, or none of them.
fn postings(
    world: &World,
    call: &Call<'_>,
    fields: Fields<'_>,
) -> Result<Option<Vec<String>>, Refusal> {
    let Some(ids) = fields.texts("postingIds")? else {
        return Ok(None);
    };
    let known = |id: &String| world.account.posting(id).map(|it| it.confidential);
    let confidential: Option<Vec<bool>> = ids.iter().map(known).collect();
    let confidential = confidential.ok_or_else(|| bad_field("postingIds"))?;
    if confidential.contains(&true) && !call.confidential {
        return Err(Refusal::confidential());
    }
    if confidential.contains(&true) && ids.len() > 1 {
        return Err(Refusal::bad_request(
            "A confidential posting must be the only one",
        ));
    }
    Ok(Some(ids))
}

/// Each value must fit its field, and required fields must be filled.
///
/// A value whose field changed or is gone can only be sent back as it is.
fn custom_fields(
    world: &World,
    fields: Fields<'_>,
    known: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let given = fields
        .typed("customFields", Value::as_object)?
        .cloned()
        .unwrap_or_default();
    for (id, value) in &given {
        let field = world.account.requisition_field(id);
        let fits = value.is_null() || field.is_some_and(|field| field.kind.fits(value));
        if !fits && known.get(id) != Some(value) {
            return Err(bad_field(&format!("customFields.{id}")));
        }
    }
    let empty = |id: &str| given.get(id).is_none_or(Value::is_null);
    let mut required = world
        .account
        .requisition_fields
        .iter()
        .filter(|it| it.required);
    match required.find(|it| empty(&it.id)) {
        Some(field) => Err(missing(&format!("customFields.{}", field.id))),
        None => Ok(given),
    }
}
