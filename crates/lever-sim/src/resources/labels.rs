//! Tags and sources: what opportunities carry, counted. Fixtures `tags.list.json`, `sources.list.json`.

use std::collections::BTreeMap;

use serde_json::json;

use crate::answer::Outcome;
use crate::call::Call;
use crate::world::{Opportunity, World};

/// Lists tags alphabetically, ignoring case.
pub(crate) fn tags(world: &mut World, call: &Call<'_>) -> Outcome {
    list(world, call, |opportunity| &opportunity.tags)
}

/// Lists sources alphabetically, ignoring case.
pub(crate) fn sources(world: &mut World, call: &Call<'_>) -> Outcome {
    list(world, call, |opportunity| &opportunity.sources)
}

fn list(world: &World, call: &Call<'_>, of: impl Fn(&Opportunity) -> &Vec<String>) -> Outcome {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for label in world.opportunities().flat_map(of) {
        *counts.entry(label).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_cached_key(|(text, _)| text.to_lowercase());
    let item = |(text, count)| (json!([text]), json!({ "count": count, "text": text }));
    call.page_of(counts.into_iter().map(item).collect())
}
