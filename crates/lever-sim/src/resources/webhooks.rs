//! Webhooks. Lever: "Webhooks"; fixtures `webhooks.list.json`, `webhook.create.response.json`.

use serde_json::Value;
use url::Url;

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{ORIGINS, Webhook, World, event_name, has_origins};

/// Lists all webhooks, in one answer without `hasNext` (recorded).
pub(crate) fn list(world: &mut World, _: &Call<'_>) -> Outcome {
    let all = world.webhooks.all().iter().map(Webhook::json).collect();
    Ok(Answer::record(Value::Array(all)))
}

/// Makes a webhook. Only this answer shows the signature token.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let wanted = Wanted::read(call.fields(&["url", "event", "configuration"])?)?;
    let event = wanted.event.ok_or_else(|| missing("event"))?;
    let url = wanted.url.ok_or_else(|| missing("url"))?;
    let origins = wanted.origins_for(event)?;
    let hook = world.add_webhook(event, url, origins.unwrap_or_default(), call.now);
    if wanted.verify {
        world.test_webhook(&hook.id, call.now);
    }
    Ok(Answer::created(hook.created_json()))
}

/// Changes webhooks, all or none.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let items = call.fields(&["data"])?.typed("data", Value::as_array)?;
    let items = items.filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| missing("data"))?;
    let changed = items.iter().map(|item| changed(world, item, call.now));
    let changed: Vec<(Webhook, bool)> = changed.collect::<Result<_, _>>()?;
    let mut shown = Vec::new();
    for (hook, verify) in changed {
        shown.push(hook.json());
        world.replace_webhook(hook.clone());
        if verify {
            world.test_webhook(&hook.id, call.now);
        }
    }
    Ok(Answer::record(Value::Array(shown)))
}

/// A webhook as an item of the update leaves it, and whether the connection is to be tried.
fn changed(world: &World, item: &Value, now: i64) -> Result<(Webhook, bool), Refusal> {
    let fields = Fields::of(item, &["id", "url", "event", "configuration"])?;
    let id = fields.text("id")?.ok_or_else(|| missing("id"))?;
    let found = world.webhooks.find(id);
    let mut hook = found
        .ok_or_else(|| Refusal::not_found("webhooks", id))?
        .clone();
    let wanted = Wanted::read(fields)?;
    let event = wanted.event.unwrap_or(hook.event);
    match wanted.origins_for(event)? {
        Some(origins) if wanted.origins.is_some() || event != hook.event => hook.origins = origins,
        Some(_) => {}
        None => hook.origins = Vec::new(),
    }
    hook.event = event;
    hook.url = wanted.url.map_or(hook.url, str::to_owned);
    hook.updated_at = now;
    Ok((hook, wanted.verify))
}

/// Removes a webhook.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = call.id(0);
    let gone = world.delete_webhook(id);
    gone.ok_or_else(|| Refusal::not_found("webhooks", id))?;
    Ok(Answer::nothing())
}

/// What a create or update call asks for.
struct Wanted<'a> {
    event: Option<&'static str>,
    url: Option<&'a str>,
    origins: Option<Vec<String>>,
    verify: bool,
}

impl<'a> Wanted<'a> {
    fn read(fields: Fields<'a>) -> Result<Wanted<'a>, Refusal> {
        let event = fields.text("event")?;
        let event = event.map(|event| event_name(event).ok_or_else(|| bad_field("event")));
        let url = fields.text("url")?;
        if url.is_some_and(|url| !reachable(url)) {
            return Err(bad_field("url"));
        }
        let (origins, verify) = match fields.get("configuration") {
            None | Some(Value::Null) => (None, false),
            Some(object) => {
                let fields = Fields::of(object, &["conditions", "verifyConnection"])?;
                let verify = fields.flag("verifyConnection")?.unwrap_or(false);
                (origins(fields)?, verify)
            }
        };
        Ok(Wanted {
            event: event.transpose()?,
            url,
            origins,
            verify,
        })
    }

    /// The origins of a webhook of this event: all when none are given, `None` where there are no conditions.
    fn origins_for(&self, event: &str) -> Result<Option<Vec<String>>, Refusal> {
        match (&self.origins, has_origins(event)) {
            (Some(_), false) => Err(bad_field("configuration")),
            (None, false) => Ok(None),
            (Some(origins), true) => Ok(Some(origins.clone())),
            (None, true) => Ok(Some(ORIGINS.map(str::to_owned).to_vec())),
        }
    }
}

fn origins(configuration: Fields<'_>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(conditions) = configuration.get("conditions") else {
        return Ok(None);
    };
    let origins = Fields::of(conditions, &["origins"])?.texts("origins")?;
    let origins = origins.filter(|origins| !origins.is_empty());
    let known = |origin: &String| ORIGINS.contains(&origin.as_str());
    match origins {
        Some(origins) if !origins.iter().all(known) => Err(bad_field("origins")),
        origins => Ok(origins),
    }
}

/// Lever wants https; plain http is taken too, for receivers in tests.
fn reachable(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}
