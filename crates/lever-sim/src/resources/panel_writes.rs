//! Changing panels. Lever: "Panels"; fixture `panel.create.response.json`.

use serde_json::Value;

use super::interview_writes::{self, Defaults};
use super::panels::writable;
use super::{acting_user, opportunity};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field};
use crate::world::{Interview, NO_FEEDBACK, Panel, REMINDERS, World};

const FIELDS: [&str; 6] = [
    "applications",
    "timezone",
    "feedbackReminder",
    "note",
    "externalUrl",
    "interviews",
];

/// Creates a panel with its interviews, which is then externally managed.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let (id, stage) = (parent.id.clone(), parent.stage.clone());
    let blank = Panel {
        id: String::new(),
        applications: Vec::new(),
        timezone: String::new(),
        reminder: "daily",
        note: None,
        external_url: None,
        externally_managed: true,
        stage,
        user: Some(acting_user(world, call)?),
        created_at: call.now,
        canceled_at: None,
        interviews: Vec::new(),
    };
    let mut panel = filled(world, call, blank)?;
    panel.id = world.new_id();
    let data = panel.json(&world.account);
    world.add_panel(&id, panel, call.now);
    Ok(Answer::created(data))
}

/// Replaces a panel; interviews that go on keep their id, new ones have none, the others are gone.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    acting_user(world, call)?;
    let known = writable(world, call, call.id(1))?.clone();
    let changed = filled(world, call, known)?;
    let data = changed.json(&world.account);
    world.replace_panel(&id, changed, call.now);
    Ok(Answer::record(data))
}

/// Deletes a panel and its interviews.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    acting_user(world, call)?;
    let panel = writable(world, call, call.id(1))?.id.clone();
    world.delete_panel(&id, &panel, call.now);
    Ok(Answer::nothing())
}

/// The panel that a body describes; nothing but its identity comes from `known`.
fn filled(world: &mut World, call: &Call<'_>, known: Panel) -> Result<Panel, Refusal> {
    let fields = call.fields(&FIELDS)?;
    let timezone = fields.needed("timezone")?;
    if !zone(timezone) {
        return Err(bad_field("timezone"));
    }
    let reminder = fields
        .choice("feedbackReminder", &REMINDERS)?
        .unwrap_or("daily");
    Ok(Panel {
        applications: applications(world, call, fields)?,
        timezone: timezone.to_owned(),
        reminder,
        note: fields.owned("note")?,
        external_url: fields.owned("externalUrl")?,
        interviews: interviews(world, call, fields, &known, reminder)?,
        ..known
    })
}

/// Whether this could be the name of a time zone.
fn zone(name: &str) -> bool {
    let plain = |part: &str| {
        let mut letters = part.bytes();
        letters.all(|it| it.is_ascii_alphanumeric() || b"_-+".contains(&it)) && !part.is_empty()
    };
    name.split('/').all(plain)
}

/// All active applications, unless some are named; an empty list is refused.
fn applications(
    world: &World,
    call: &Call<'_>,
    fields: Fields<'_>,
) -> Result<Vec<String>, Refusal> {
    let own = opportunity(world, call)?.application.as_ref();
    let Some(given) = fields.texts("applications")? else {
        let active = own.filter(|it| it.archived.is_none());
        return Ok(active.map(|it| it.id.clone()).into_iter().collect());
    };
    let known = |id: &String| own.is_some_and(|it| it.id == *id);
    if given.is_empty() || !given.iter().all(known) {
        return Err(bad_field("applications"));
    }
    Ok(given)
}

fn interviews(
    world: &mut World,
    call: &Call<'_>,
    fields: Fields<'_>,
    panel: &Panel,
    reminder: &'static str,
) -> Result<Vec<Interview>, Refusal> {
    let given = fields.list("interviews")?;
    if given.is_empty() {
        return Err(bad_field("interviews"));
    }
    let defaults = Defaults {
        template: Some(NO_FEEDBACK),
        reminder,
    };
    let mut read = |value: &Value| {
        let body = Fields::of(value, &interview_writes::IN_PANEL)?;
        let known = match body.text("id")? {
            None => interview_writes::blank(world.new_id(), panel.user.clone(), call.now),
            Some(id) => {
                let known = panel.interviews.iter().find(|it| it.id == id);
                known.cloned().ok_or_else(|| bad_field("interviews"))?
            }
        };
        interview_writes::filled(world, body, known, defaults)
    };
    given.iter().map(&mut read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_look_like_iana_names() {
        for good in [
            "America/Los_Angeles",
            "UTC",
            "Etc/GMT+3",
            "America/Argentina/Ushuaia",
        ] {
            assert!(zone(good), "{good}");
        }
        for bad in ["", "Pacific Time", "Europe/", "/Berlin"] {
            assert!(!zone(bad), "{bad}");
        }
    }
}
