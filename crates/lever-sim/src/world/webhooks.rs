//! Webhooks: who wants to hear of what, and the deliveries that wait to be sent.
//!
//! Lever: "Webhooks"; fixtures `webhook.create.response.json`, `webhook.deliveries.json`.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::World;

/// The events with conditions on the origin.
const WITH_ORIGINS: [&str; 4] = [
    "applicationCreated",
    "candidateHired",
    "candidateStageChange",
    "candidateArchiveChange",
];
/// The events without conditions.
const PLAIN: [&str; 6] = [
    "candidateDeleted",
    "interviewCreated",
    "interviewUpdated",
    "interviewDeleted",
    "contactCreated",
    "contactUpdated",
];
/// All origins in the recorded order.
pub(crate) const ORIGINS: [&str; 6] = [
    "applied",
    "sourced",
    "referred",
    "university",
    "internal",
    "agency",
];

/// The event of this name, if Lever has one.
pub(crate) fn event_name(name: &str) -> Option<&'static str> {
    let mut all = WITH_ORIGINS.iter().chain(&PLAIN);
    all.find(|known| **known == name).copied()
}

/// Whether webhooks of this event can be limited to some origins.
pub(crate) fn has_origins(event: &str) -> bool {
    WITH_ORIGINS.contains(&event)
}

/// Somebody who wants to hear of one kind of event.
#[derive(Clone)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) event: &'static str,
    pub(crate) url: String,
    /// Empty for events without conditions.
    pub(crate) origins: Vec<String>,
    pub(crate) signature_token: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl Webhook {
    /// The record as reads and updates show it: without the signature token.
    pub(crate) fn json(&self) -> Value {
        let configuration = if has_origins(self.event) {
            json!({ "conditions": { "origins": self.origins } })
        } else {
            json!({})
        };
        json!({
            "id": self.id,
            "event": self.event,
            "url": self.url,
            "configuration": configuration,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        })
    }

    /// The record as only the create call answers it.
    pub(crate) fn created_json(&self) -> Value {
        let mut json = self.json();
        json["configuration"]["signatureToken"] = json!(self.signature_token);
        json
    }

    fn wants(&self, event: &Event) -> bool {
        let origin = |origin: &String| self.origins.contains(origin);
        self.event == event.name
            && (!has_origins(self.event) || event.origin.as_ref().is_none_or(origin))
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// Something webhooks tell.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    /// The origin of the opportunity it is about.
    pub(crate) origin: Option<String>,
    pub(crate) data: Value,
}

/// One event on its way to one webhook. Retries and duplicates carry the same token.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) webhook: String,
    pub(crate) url: String,
    pub(crate) event: &'static str,
    pub(crate) triggered_at: i64,
    /// 48 hexadecimal characters.
    pub(crate) token: String,
    pub(crate) signature_token: String,
    pub(crate) data: Value,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("webhook", &self.webhook)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// The webhooks of the account, and what waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    hooks: Vec<Webhook>,
    waiting: VecDeque<Delivery>,
    bell: Arc<Notify>,
}

impl Webhooks {
    pub(crate) fn all(&self) -> &[Webhook] {
        &self.hooks
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Webhook> {
        self.hooks.iter().find(|hook| hook.id == id)
    }

    /// Rung when something waits.
    pub(crate) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// Takes what waits, oldest first.
    pub(crate) fn take_waiting(&mut self) -> VecDeque<Delivery> {
        std::mem::take(&mut self.waiting)
    }
}

impl World {
    /// Tells every webhook that wants to hear of it. The one way from a change to a delivery.
    pub(crate) fn emit(&mut self, event: &Event, now: i64) {
        let wanting = self.webhooks.hooks.iter().filter(|hook| hook.wants(event));
        for hook in wanting.cloned().collect::<Vec<_>>() {
            self.deliver(&hook, event.data.clone(), now);
        }
    }

    /// Sends the test delivery: a real one without data. `None` for an unknown webhook.
    pub(crate) fn test_webhook(&mut self, id: &str, now: i64) -> Option<()> {
        let hook = self.webhooks.find(id)?.clone();
        self.deliver(&hook, json!({}), now);
        Some(())
    }

    fn deliver(&mut self, hook: &Webhook, data: Value, now: i64) {
        let delivery = Delivery {
            id: self.new_id(),
            webhook: hook.id.clone(),
            url: hook.url.clone(),
            event: hook.event,
            triggered_at: now,
            token: self.random.token(),
            signature_token: hook.signature_token.clone(),
            data,
        };
        self.webhooks.waiting.push_back(delivery);
        self.webhooks.bell.notify_one();
    }

    /// Adds a webhook with a signature token of its own.
    pub(crate) fn add_webhook(
        &mut self,
        event: &'static str,
        url: &str,
        origins: Vec<String>,
        now: i64,
    ) -> Webhook {
        let hook = Webhook {
            id: self.new_id(),
            event,
            url: url.to_owned(),
            origins,
            signature_token: self.random.token(),
            created_at: now,
            updated_at: now,
        };
        self.revision += 1;
        self.webhooks.hooks.push(hook.clone());
        hook
    }

    /// Replaces a webhook that is there already.
    pub(crate) fn replace_webhook(&mut self, changed: Webhook) {
        let hooks = &mut self.webhooks.hooks;
        if let Some(hook) = hooks.iter_mut().find(|hook| hook.id == changed.id) {
            *hook = changed;
            self.revision += 1;
        }
    }

    /// Removes a webhook; what waits for it is not sent any more. `None` for an unknown one.
    pub(crate) fn delete_webhook(&mut self, id: &str) -> Option<()> {
        self.webhooks.find(id)?;
        self.webhooks.hooks.retain(|hook| hook.id != id);
        self.revision += 1;
        Some(())
    }
}
