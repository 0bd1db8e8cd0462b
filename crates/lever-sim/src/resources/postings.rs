//! Postings. Lever: "Postings"; fixture `postings.list.json`.

use serde_json::{Value, json};

use super::{Shown, expand};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Query, Range};
use crate::world::{Posting, STATES, World};

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
    let groups = ["location", "team", "department", "commitment"];
    let shown: Vec<&Posting> = shown.collect();
    match call.query.choices("group", &groups)?.first() {
        Some(group) => call.page_of(grouped(group, shown.into_iter().map(item).collect())),
        None => call.page_of(shown.into_iter().map(item).collect()),
    }
}

/// Lever does not say what a grouped list looks like; this is the shape of its public postings API.
fn grouped(group: &str, items: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (_, posting) in items {
        let title = posting["categories"][group].clone();
        match groups.iter_mut().find(|(known, _)| *known == title) {
            Some((_, postings)) => postings.push(posting),
            None => groups.push((title, vec![posting])),
        }
    }
    let item = |(title, postings)| {
        (
            json!([title]),
            json!({ "title": title, "postings": postings }),
        )
    };
    groups.into_iter().map(item).collect()
}

/// Reads one posting.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&EXPANDABLE)?;
    call.query
        .choices("distribution", &["internal", "external"])?;
    let posting = visible(world, call)?;
    Ok(Answer::record(shape(world, posting, call.query, &expanded)))
}

/// The posting in the path, if the key may see it.
pub(super) fn visible<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Posting, Refusal> {
    let id = call.id(0);
    let posting = world.account.posting(id);
    let posting = posting.ok_or_else(|| Refusal::not_found("postings", id))?;
    if posting.confidential && !call.confidential {
        return Err(Refusal::confidential());
    }
    Ok(posting)
}

fn shape(world: &World, posting: &Posting, query: Query<'_>, expanded: &[&str]) -> Value {
    let mut json = world.account.posting_json(posting);
    expand::include(&mut json, query, expanded);
    expand::all(world, json, expanded)
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
        let of = &posting.categories;
        self.shown.shows(posting.confidential)
            && (self.states.is_empty() || self.states.contains(&posting.state))
            && self.on_channel(posting)
            && self.named("team", of.team.as_slice())
            && self.named("department", of.department.as_slice())
            && self.named("location", of.location.as_slice())
            && self.named("commitment", of.commitment.as_slice())
            // No posting has a level: Lever dropped them.
            && self.named("level", &[])
            && self.named("tag", &posting.tags)
            && self.updated.holds(posting.updated_at)
    }

    fn named(&self, parameter: &'static str, values: &[String]) -> bool {
        let wanted = self.query.many(parameter);
        wanted.is_empty() || values.iter().any(|value| wanted.contains(&value.as_str()))
    }

    /// Asking for published postings means those on the public site, unless channels are named.
    fn on_channel(&self, posting: &Posting) -> bool {
        let on = |channel: &str| posting.channels.iter().any(|it| it == channel);
        if posting.state != "published" {
            true
        } else if self.channels.is_empty() {
            !self.states.contains(&"published") || on("public")
        } else {
            self.channels.iter().any(|channel| on(channel))
        }
    }
}
