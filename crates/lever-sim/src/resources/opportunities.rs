//! Reading opportunities. Lever: "Opportunities"; fixtures `opportunities.list.json`, `opportunity.get.json`.

use serde_json::Value;

use super::expand;
use super::opportunity_filter::Filter;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Opportunity, Position, World};

const EXPANDABLE: [&str; 6] = [
    "applications",
    "stage",
    "owner",
    "followers",
    "sourcedBy",
    "contact",
];

/// Lists opportunities in Lever's order: stage rank, last advance descending, id.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let filter = Filter::read(call)?;
    let expanded = call.query.expand(&EXPANDABLE)?;
    let limit = call.query.limit()?;
    let shown =
        |opportunity: &&Opportunity| filter.holds(opportunity, world.contact_of(opportunity));
    let mut found: Vec<&Opportunity> = match start(call)? {
        Some(start) => world
            .opportunities_from(start)
            .filter(shown)
            .take(limit + 1)
            .collect(),
        None => world
            .opportunities()
            .filter(shown)
            .take(limit + 1)
            .collect(),
    };
    let next = found
        .get(limit)
        .map(|opportunity| world.position(opportunity).names());
    found.truncate(limit);
    let data = found
        .into_iter()
        .map(|found| shape(world, found, call, &expanded))
        .collect();
    Ok(call.page(data, next))
}

/// Where a page begins. A token names a position, so a record that left it is simply passed over.
fn start(call: &Call<'_>) -> Result<Option<Position>, Refusal> {
    let invalid = || Refusal::bad_request("Invalid offset token");
    let names = call.offset()?;
    names
        .map(|names| Position::from_names(&names).ok_or_else(invalid))
        .transpose()
}

/// Reads one opportunity.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&EXPANDABLE)?;
    let opportunity = super::opportunity(world, call)?;
    Ok(Answer::record(shape(world, opportunity, call, &expanded)))
}

fn shape(world: &World, opportunity: &Opportunity, call: &Call<'_>, expanded: &[&str]) -> Value {
    let mut json = world.json(opportunity);
    expand::include(&mut json, call.query, expanded);
    if expanded.contains(&"applications") {
        expand::expand(&mut json, "applications", |_| {
            application(world, opportunity)
        });
    }
    expand::all(world, json, expanded)
}

fn application(world: &World, opportunity: &Opportunity) -> Option<Value> {
    let contact = world.contact_of(opportunity);
    opportunity
        .application
        .as_ref()
        .map(|application| application.json(&opportunity.id, contact))
}
