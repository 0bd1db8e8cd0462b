//! What goes wrong on the way to a receiver.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::faults::{When, millis};
use crate::random::Random;

/// What goes wrong with deliveries; empty by default. The first rule that fires decides, every rule that matches counts.
///
/// As JSON, for `POST /sim/webhooks/faults`:
/// ```json
/// {"seed": 1, "rules": [
///   {"event": "candidateStageChange", "when": {"nth": 1}, "action": "drop"},
///   {"when": {"probability": 0.05}, "action": {"delay": 2000}}
/// ]}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryPlan {
    /// What probabilities are drawn from.
    pub seed: u64,
    /// Tried in order.
    pub rules: Vec<DeliveryRule>,
}

/// One rule about deliveries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRule {
    /// The event's name; every event when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Which of the deliveries that match.
    #[serde(default)]
    pub when: When,
    /// What happens to them.
    pub action: DeliveryAction,
}

/// What happens to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryAction {
    /// It is never sent.
    Drop,
    /// It is sent twice, with the same token.
    Duplicate,
    /// It is sent later, in whole milliseconds; others go on meanwhile.
    Delay(#[serde(with = "millis")] Duration),
    /// It is sent after the next delivery to the same webhook.
    Swap,
    /// Its signature was made with another key.
    Forge,
}

/// A plan at work.
#[derive(Debug)]
pub(crate) struct DeliveryFaults {
    plan: DeliveryPlan,
    matched: Vec<u64>,
    random: Random,
}

impl DeliveryFaults {
    pub(crate) fn new(plan: DeliveryPlan) -> DeliveryFaults {
        DeliveryFaults {
            matched: vec![0; plan.rules.len()],
            random: Random::new(plan.seed),
            plan,
        }
    }

    /// What happens to this delivery, if anything does.
    pub(crate) fn strike(&mut self, event: &str) -> Option<DeliveryAction> {
        let mut struck = None;
        for (rule, matched) in self.plan.rules.iter().zip(&mut self.matched) {
            if rule.event.as_deref().is_some_and(|wanted| wanted != event) {
                continue;
            }
            *matched += 1;
            if rule.when.fires(*matched, &mut self.random) {
                struck = struck.or(Some(rule.action));
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_about_events_and_count_what_matches() {
        let plan = json!({"rules": [
            {"event": "candidateHired", "when": {"nth": 2}, "action": "drop"},
            {"event": "contactCreated", "action": {"delay": 5}},
        ]});
        let mut faults = DeliveryFaults::new(serde_json::from_value(plan).unwrap());
        assert_eq!(faults.strike("candidateHired"), None);
        let delay = DeliveryAction::Delay(Duration::from_millis(5));
        assert_eq!(faults.strike("contactCreated"), Some(delay));
        assert_eq!(faults.strike("candidateHired"), Some(DeliveryAction::Drop));
        assert_eq!(faults.strike("candidateHired"), None);
    }
}
