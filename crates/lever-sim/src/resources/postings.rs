//! Postings. Lever: "Postings"; fixture `postings.list.json`.

use serde_json::{Value, json};

use super::{Shown, expand};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Query, Range};
use crate::world::{Posting, World};

const STATES: [&str; 6] = [
    "published",
    "internal",
    "closed",
    "draft",
    "pending",
    "rejected",
];
const EXPANDABLE: [&str; 4] = ["user", "owner", "hiringManager", "followers"];

/// Lists postings, newest first.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let filter = Filter::read(call)?;
    let expanded = call.query.expand(&EXPANDABLE)?;
    let item = |posting: &Posting| -> (Value, Value) {
        (
            json!([posting.created_at, posting.id]),
            shape(world, posting, call.query, &expanded),
        )
    };
    let shown = world
        .account
        .postings
        .iter()
        .filter(|posting| filter.holds(posting));
    call.page_of(shown.map(item).collect())
}

/// Reads one posting.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&EXPANDABLE)?;
    call.query
        .choices("distribution", &["internal", "external"])?;
    let id = call.id(0);
    let posting = world
        .account
        .posting(id)
        .ok_or_else(|| Refusal::not_found("postings", id))?;
    if posting.confidential && !call.confidential {
        return Err(Refusal::confidential());
    }
    Ok(Answer::record(shape(world, posting, call.query, &expanded)))
}

fn shape(world: &World, posting: &Posting, query: Query<'_>, expanded: &[&str]) -> Value {
    let mut json = posting.json();
    expand::include(&mut json, query, expanded);
    for attribute in expanded {
        expand::expand(&mut json, attribute, |id| expand::user(world, id));
    }
    json
}

struct Filter<'a> {
    query: Query<'a>,
    shown: Shown,
    states: Vec<&'a str>,
    channels: Vec<&'a str>,
    updated: Range,
}

impl<'a> Filter<'a> {
    fn read(call: &Call<'a>) -> Result<Filter<'a>, Refusal> {
        let query = call.query;
        Ok(Filter {
            query,
            shown: Shown::read(call)?,
            states: query.choices("state", &STATES)?,
            channels: query.choices("distributionChannel", &["public", "internal"])?,
            updated: query.range("updated_at")?,
        })
    }

    fn holds(&self, posting: &Posting) -> bool {
        self.shown.shows(posting.confidential)
            && (self.states.is_empty() || self.states.contains(&posting.state))
            && self.on_channel(posting)
            && self.named("team", Some(posting.team))
            && self.named("department", Some(posting.department))
            && self.named("location", Some(posting.location))
            && self.named("commitment", Some(posting.commitment))
            // No posting of the population has a level or a tag.
            && self.named("level", None)
            && self.named("tag", None)
            && self.updated.holds(posting.updated_at)
    }

    fn named(&self, parameter: &'static str, value: Option<&str>) -> bool {
        let wanted = self.query.many(parameter);
        wanted.is_empty() || value.is_some_and(|value| wanted.contains(&value))
    }

    /// Asking for published postings means those on the public site, unless channels are named.
    fn on_channel(&self, posting: &Posting) -> bool {
        let on = |channel: &str| posting.channels.contains(&channel);
        if posting.state != "published" {
            true
        } else if self.channels.is_empty() {
            !self.states.contains(&"published") || on("public")
        } else {
            self.channels.iter().any(|channel| on(channel))
        }
    }
}
