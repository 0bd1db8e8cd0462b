//! Audit events. Lever: "Audit events"; fixture `audit-events.list.json`.
//!
//! They are told from what is known of the users: when each was added and deactivated, that administrators were
//! made, and that deactivated users tried to log in.

use serde_json::{Value, json};

use crate::answer::{Outcome, Refusal};
use crate::call::{Call, Range};
use crate::random::Random;
use crate::world::{User, World};

const KINDS: [&str; 5] = [
    "user:added",
    "user.role:changed",
    "user:deactivated",
    "user.authentication:failed",
    "key:added",
];

/// Lists events, newest first.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let filter = Filter::read(call)?;
    let admin = world
        .account
        .users
        .iter()
        .find(|it| it.role == "super admin");
    let mut events: Vec<Event> = world
        .account
        .users
        .iter()
        .flat_map(|user| of_user(user, admin))
        .chain(admin.map(key_added))
        .filter(|event| filter.holds(event))
        .collect();
    events.sort_by(|a, b| (b.at, &a.id).cmp(&(a.at, &b.id)));
    let item = |event: Event| (json!([event.at, event.id]), event.json());
    call.page_of(events.into_iter().map(item).collect())
}

struct Event {
    id: String,
    kind: &'static str,
    at: i64,
    actor: Option<Value>,
    target: Value,
    meta: Value,
}

impl Event {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "createdAt": self.at,
            "type": self.kind,
            "user": self.actor,
            "target": self.target,
            "meta": self.meta,
        })
    }
}

fn id(kind: &str, of: &str) -> String {
    Random::of(0, &format!("{kind} {of}")).uuid()
}

fn person(user: &User) -> Value {
    json!({ "id": user.id, "email": user.email, "name": user.name, "role": user.role })
}

fn of_user(user: &User, admin: Option<&User>) -> Vec<Event> {
    let target = json!({ "id": user.id, "type": "user", "label": user.name });
    let event = |kind: &'static str, at: i64, actor: Option<&User>, meta: Value| Event {
        id: id(kind, &user.id),
        kind,
        at,
        actor: actor.map(person),
        target: target.clone(),
        meta,
    };
    let about = json!({ "user": person(user) });
    let mut events = vec![event("user:added", user.created_at, admin, about.clone())];
    if user.role == "admin" {
        let meta = json!({ "user": person(user), "from": "interviewer", "to": "admin" });
        let at = user.created_at + 3_600_000;
        events.push(event("user.role:changed", at, admin, meta));
    }
    if let Some(at) = user.deactivated_at {
        events.push(event("user:deactivated", at, admin, about));
        let failure = json!({
            "authentication": {
                "method": "direct",
                "error": { "message": "not allowed", "type": "user-deactivated" },
            },
            "user": person(user),
        });
        let at = at + 60_000;
        events.push(event("user.authentication:failed", at, Some(user), failure));
    }
    events
}

fn key_added(admin: &User) -> Event {
    let key = id("key", &admin.id);
    Event {
        id: id("key:added", &admin.id),
        kind: "key:added",
        at: admin.created_at + 1000,
        actor: Some(person(admin)),
        target: json!({ "id": key, "type": "key", "label": "HRIS key" }),
        meta: json!({ "key": {
            "id": key, "name": "HRIS key", "partner": false, "tokenLastFour": "a1B2", "service": "data-api",
        } }),
    }
}

struct Filter<'a> {
    kinds: Vec<&'a str>,
    user: Option<&'a str>,
    target_kind: Option<&'a str>,
    target: Option<&'a str>,
    created: Range,
}

impl<'a> Filter<'a> {
    fn read(call: &Call<'a>) -> Result<Filter<'a>, Refusal> {
        let query = call.query;
        let filter = Filter {
            kinds: query.choices("type", &KINDS)?,
            user: query.one("user_id"),
            target_kind: query.one("target_type"),
            target: query.one("target_id"),
            created: query.range("created_at")?,
        };
        if filter.target.is_some() && filter.target_kind.is_none() {
            return Err(Refusal::bad_request("target_id needs target_type"));
        }
        Ok(filter)
    }

    fn holds(&self, event: &Event) -> bool {
        let is = |wanted: Option<&str>, value: &Value| wanted.is_none_or(|wanted| value == wanted);
        let actor = match &event.actor {
            Some(actor) => is(self.user, &actor["id"]),
            None => self.user.is_none_or(|wanted| wanted == "null"),
        };
        actor
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && is(self.target_kind, &event.target["type"])
            && is(self.target, &event.target["id"])
            && self.created.holds(event.at)
    }
}
