//! What to change in Lever so that its webhooks are those wished: pure decisions.

use std::collections::HashSet;

use lever::{Webhook, WebhookEvent, WebhookId};
use store::StoredWebhook;

/// Every event that Lever tells of (behavior: "Webhooks").
pub(crate) const EVENTS: [&str; 10] = [
    "applicationCreated",
    "candidateHired",
    "candidateStageChange",
    "candidateArchiveChange",
    "candidateDeleted",
    "interviewCreated",
    "interviewUpdated",
    "interviewDeleted",
    "contactCreated",
    "contactUpdated",
];

/// The steps from what Lever has to what is wished.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Registered in Lever, and ours, but of no use.
    pub(super) remove: Vec<WebhookId>,
    /// Ours, but not in Lever any more.
    pub(super) forget: Vec<String>,
    /// To be registered.
    pub(super) create: Vec<WebhookEvent>,
}

/// One webhook for each of `events` at `url`, and nothing else that is ours.
///
/// A webhook at our address without a stored token is of a registration that was cut short: nobody else can have
/// made it, and nobody knows what it signs with. Those of others, at other addresses, are left alone.
pub(super) fn plan(
    listed: &[Webhook],
    stored: &[StoredWebhook],
    url: &str,
    events: &[&str],
) -> Plan {
    let mut plan = Plan::default();
    let mut served = HashSet::new();
    for webhook in listed {
        let known = stored.iter().any(|known| known.id == webhook.id.as_str());
        let at_ours = webhook.url.trim_end_matches('/') == url;
        if !known && !at_ours {
            continue;
        }
        let event = webhook.event.as_ref().map(WebhookEvent::as_str);
        let serves = |event: &&str| events.contains(event);
        match event.filter(serves) {
            Some(event) if known && at_ours && served.insert(event) => {}
            _ => plan.remove.push(webhook.id.clone()),
        }
    }
    let in_lever = |id: &str| listed.iter().any(|webhook| webhook.id.as_str() == id);
    let lost = stored.iter().filter(|known| !in_lever(&known.id));
    plan.forget = lost.map(|known| known.id.clone()).collect();
    let missing = events.iter().filter(|event| !served.contains(*event));
    plan.create = missing.map(|event| WebhookEvent::from(*event)).collect();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;
    use serde_json::json;

    const URL: &str = "https://fulcrum.test/webhooks/lever/c";

    fn listed(id: &str, event: &str, url: &str) -> Webhook {
        serde_json::from_value(json!({ "id": id, "event": event, "url": url })).unwrap()
    }

    fn stored(id: &str, event: &str) -> StoredWebhook {
        StoredWebhook {
            id: id.to_owned(),
            event: event.to_owned(),
            signature_token: SecretString::from("t"),
        }
    }

    fn ids(ids: &[&str]) -> Vec<WebhookId> {
        ids.iter().map(|id| WebhookId::from(*id)).collect()
    }

    const TWO: [&str; 2] = ["candidateHired", "contactUpdated"];

    #[test]
    fn what_is_as_wished_is_left_alone_and_so_are_those_of_others() {
        let in_lever = [
            listed("1", "candidateHired", URL),
            listed("2", "contactUpdated", &format!("{URL}/")),
            listed("3", "candidateHired", "https://elsewhere.test/"),
        ];
        let ours = [stored("1", "candidateHired"), stored("2", "contactUpdated")];
        assert_eq!(plan(&in_lever, &ours, URL, &TWO), Plan::default());
    }

    #[test]
    fn a_registration_that_was_cut_short_is_made_anew() {
        // Created, and the process ended before its token was stored.
        let in_lever = [listed("1", "candidateHired", URL)];
        let plan = plan(&in_lever, &[], URL, &TWO);
        assert_eq!(plan.remove, ids(&["1"]));
        let events: Vec<_> = plan.create.iter().map(WebhookEvent::as_str).collect();
        assert_eq!(events, TWO);
    }

    #[test]
    fn what_moved_doubled_or_vanished_is_put_right() {
        let in_lever = [
            listed("1", "candidateHired", "https://old.test/webhooks/lever/c"),
            listed("2", "contactUpdated", URL),
            listed("3", "contactUpdated", URL),
            listed("4", "candidateCloned", URL),
        ];
        let ours = ["1", "2", "3", "4", "5"].map(|id| stored(id, "x"));
        let plan = plan(&in_lever, &ours, URL, &TWO);
        assert_eq!(plan.remove, ids(&["1", "3", "4"]));
        assert_eq!(plan.forget, ["5"]);
        assert_eq!(plan.create, [WebhookEvent::CandidateHired]);
    }

    #[test]
    fn without_a_wish_everything_of_ours_goes() {
        let in_lever = [
            listed("1", "candidateHired", URL),
            listed("2", "contactUpdated", URL),
            listed("3", "candidateHired", "https://elsewhere.test/"),
        ];
        let plan = plan(&in_lever, &[stored("1", "candidateHired")], URL, &[]);
        assert_eq!(plan.remove, ids(&["1", "2"]));
        assert!(plan.create.is_empty());
    }
}
