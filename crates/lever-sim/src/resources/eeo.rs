//! EEO answers, newest application first. Fixtures `eeo-responses.list.json`, `eeo-responses-pii.list.json`.

use serde_json::{Value, json};

use super::{Shown, expand};
use crate::answer::Outcome;
use crate::call::Call;
use crate::world::{Application, Eeo, Opportunity, World};

/// What is shown without bounds.
const WEEK: i64 = 7 * 86_400_000;

/// Lists answers without saying whose they are.
pub(crate) fn anonymous(world: &mut World, call: &Call<'_>) -> Outcome {
    let world: &World = world;
    list(world, call, ["fromDate", "toDate"], |(parent, of, eeo)| {
        eeo.json(&world.account, parent, of)
    })
}

/// Lists answers with who gave them.
pub(crate) fn personal(world: &mut World, call: &Call<'_>) -> Outcome {
    let world: &World = world;
    let expanded = call
        .query
        .expand(&["contact", "hiringManager", "posting"])?;
    let bounds = ["created_at_start", "created_at_end"];
    list(world, call, bounds, |(parent, of, eeo)| {
        expand::all(
            world,
            eeo.personal_json(&world.account, parent, of),
            &expanded,
        )
    })
}

type Row<'w> = (&'w Opportunity, &'w Application, &'w Eeo);

fn list<'w>(
    world: &'w World,
    call: &Call<'_>,
    [start, end]: [&str; 2],
    show: impl Fn(Row<'w>) -> Value,
) -> Outcome {
    let end = call.query.time(end)?.unwrap_or(call.now);
    let start = call.query.time(start)?.unwrap_or(call.now - WEEK);
    let shown = Shown::of_key(call);
    let row = |parent: &'w Opportunity| -> Option<Row<'w>> {
        let application = parent.application.as_ref()?;
        let eeo = application.eeo.as_deref()?;
        let holds =
            shown.shows(parent.confidential) && (start..=end).contains(&application.created_at);
        holds.then_some((parent, application, eeo))
    };
    let mut rows: Vec<Row<'w>> = world.opportunities().filter_map(row).collect();
    rows.sort_by(|(_, a, _), (_, b, _)| (b.created_at, &a.id).cmp(&(a.created_at, &b.id)));
    let item = |row: Row<'w>| (json!([row.1.created_at, row.1.id]), show(row));
    call.page_of(rows.into_iter().map(item).collect())
}
