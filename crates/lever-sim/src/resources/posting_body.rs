//! What postings are written with. Lever: "Create a posting", "Update a posting".

use serde_json::Value;

use super::html::{Place, allowed};
use super::user_field;
use crate::answer::Refusal;
use crate::call::{Fields, bad_field};
use crate::world::{Categories, Content, Posting, World};

pub(super) const FIELDS: [&str; 12] = [
    "text",
    "state",
    "distributionChannels",
    "owner",
    "hiringManager",
    "categories",
    "tags",
    "content",
    "workplaceType",
    "requisitionCodes",
    "salaryDescriptionHtml",
    "salaryRange",
];
/// The states a write can choose; the others belong to approvals.
const STATES: [&str; 4] = ["published", "internal", "closed", "draft"];
const WORKPLACES: [&str; 4] = ["onsite", "remote", "hybrid", "unspecified"];
const INTERVALS: [&str; 9] = [
    "per-year-salary",
    "per-month-salary",
    "semi-month-salary",
    "bi-month-salary",
    "bi-week-salary",
    "per-week-salary",
    "per-day-wage",
    "per-hour-wage",
    "one-time",
];

/// The posting with everything that is given.
pub(super) fn filled(
    world: &World,
    fields: Fields<'_>,
    known: Posting,
) -> Result<Posting, Refusal> {
    let text = fields
        .text("text")?
        .map(|_| fields.needed("text"))
        .transpose()?;
    let channels = fields.texts("distributionChannels")?;
    let channel = |it: &String| ["public", "internal"].contains(&it.as_str());
    if channels.as_ref().is_some_and(|it| !it.iter().all(channel)) {
        return Err(bad_field("distributionChannels"));
    }
    let workplace = workplace(fields, &known.workplace)?;
    let salary = salary(fields, "salaryRange")?;
    Ok(Posting {
        text: text.map_or(known.text, str::to_owned),
        state: fields.choice("state", &STATES)?.unwrap_or(known.state),
        channels: channels.unwrap_or(known.channels),
        owner: user_field(world, fields, "owner")?.unwrap_or(known.owner),
        hiring_manager: user_field(world, fields, "hiringManager")?.or(known.hiring_manager),
        categories: categories(fields, known.categories)?,
        tags: fields.texts("tags")?.unwrap_or(known.tags),
        content: content(fields, known.content)?,
        workplace,
        salary: salary.or(known.salary),
        ..known
    })
}

/// A place of work, once told, cannot be untold.
fn workplace(fields: Fields<'_>, known: &str) -> Result<String, Refusal> {
    match fields.choice("workplaceType", &WORKPLACES)? {
        Some("unspecified") if known != "unspecified" => Err(bad_field("workplaceType")),
        given => Ok(given.unwrap_or(known).to_owned()),
    }
}

fn categories(fields: Fields<'_>, known: Categories) -> Result<Categories, Refusal> {
    let Some(given) = fields.get("categories") else {
        return Ok(known);
    };
    let given = Fields::of(
        given,
        &[
            "team",
            "department",
            "location",
            "allLocations",
            "commitment",
        ],
    )?;
    let location = given.owned("location")?.or(known.location);
    let all = given.texts("allLocations")?;
    Ok(Categories {
        commitment: given.owned("commitment")?.or(known.commitment),
        department: given.owned("department")?.or(known.department),
        team: given.owned("team")?.or(known.team),
        all_locations: all.unwrap_or_else(|| location.iter().cloned().collect()),
        location,
    })
}

fn content(fields: Fields<'_>, known: Content) -> Result<Content, Refusal> {
    let salary = html(fields, "salaryDescriptionHtml")?.or(known.salary);
    let Some(given) = fields.get("content") else {
        return Ok(Content { salary, ..known });
    };
    let given = Fields::of(given, &["descriptionHtml", "lists", "closingPostingHtml"])?;
    let lists = given.typed("lists", Value::as_array)?;
    for list in lists.into_iter().flatten() {
        let list = Fields::of(list, &["text", "content"])?;
        list.needed("text")?;
        if !allowed(list.needed("content")?, Place::List) {
            return Err(bad_field("content"));
        }
    }
    Ok(Content {
        description: html(given, "descriptionHtml")?.unwrap_or(known.description),
        lists: lists.cloned().unwrap_or(known.lists),
        closing: html(given, "closingPostingHtml")?.unwrap_or(known.closing),
        salary,
    })
}

fn html(fields: Fields<'_>, name: &str) -> Result<Option<String>, Refusal> {
    match fields.owned(name)? {
        Some(html) if !allowed(&html, Place::Text) => Err(bad_field(name)),
        html => Ok(html),
    }
}

/// All four parts of a salary, or none.
pub(super) fn salary(fields: Fields<'_>, name: &str) -> Result<Option<Value>, Refusal> {
    let Some(given) = fields.get(name).filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    let range = Fields::of(given, &["min", "max", "currency", "interval"])?;
    let bound = |name| range.typed(name, Value::as_f64);
    let whole = bound("min")?
        .zip(bound("max")?)
        .is_some_and(|(min, max)| min <= max)
        && range.choice("interval", &INTERVALS)?.is_some();
    range.needed("currency")?;
    if whole {
        Ok(Some(given.clone()))
    } else {
        Err(bad_field(name))
    }
}

/// The codes a posting is linked to, if they are told; each must be one of a requisition.
pub(super) fn requisitions(
    world: &World,
    fields: Fields<'_>,
) -> Result<Option<Vec<String>>, Refusal> {
    let codes = fields.texts("requisitionCodes")?;
    let known = |code: &String| world.account.requisitions.iter().any(|it| it.code == *code);
    match codes {
        Some(codes) if !codes.iter().all(known) => Err(bad_field("requisitionCodes")),
        codes => Ok(codes),
    }
}
