//! The fault plan: which requests go wrong, and how.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// What goes wrong; empty by default. The first rule that fires decides, every rule that matches counts.
///
/// As JSON, for `POST /sim/faults`:
/// ```json
/// {"seed": 1, "rules": [
///   {"operation": "createOpportunityNote", "when": {"nth": 1}, "action": "reset_after"},
///   {"calls": "reads", "when": {"probability": 0.05}, "action": {"server_error_before": 503}},
///   {"method": "PUT", "path": "/opportunities/{opportunity}/stage", "action": {"stall_before": 2000}}
/// ]}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// What probabilities are drawn from.
    pub seed: u64,
    /// Tried in order.
    pub rules: Vec<FaultRule>,
}

/// One rule: every condition that is given must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The HTTP method, upper case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path template without `/v1`, such as `/opportunities/{opportunity}/notes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The operation id, such as `createOpportunityNote`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// An id in the path: only requests about that record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Reads, writes or both.
    #[serde(default)]
    pub calls: Calls,
    /// Which of the matching requests.
    #[serde(default)]
    pub when: When,
    /// What happens to them.
    pub action: Action,
}

impl FaultRule {
    /// A rule for every request of every kind; narrow it with the other fields.
    pub fn always(action: Action) -> FaultRule {
        FaultRule {
            method: None,
            path: None,
            operation: None,
            about: None,
            calls: Calls::All,
            when: When::Always,
            action,
        }
    }

    /// A rule for every request of one operation.
    pub fn on(operation: impl Into<String>, action: Action) -> FaultRule {
        FaultRule {
            operation: Some(operation.into()),
            ..FaultRule::always(action)
        }
    }

    /// The same rule for some of its requests only.
    #[must_use]
    pub fn when(self, when: When) -> FaultRule {
        FaultRule { when, ..self }
    }
}

/// The kind of requests a rule is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calls {
    /// Every request.
    #[default]
    All,
    /// GET only.
    Reads,
    /// Everything but GET.
    Writes,
}

/// Which of the requests that match a rule it fires for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All of them.
    #[default]
    Always,
    /// The nth, counted from 1.
    Nth(u64),
    /// The first n.
    First(u64),
    /// Every nth: with 3 the third, the sixth and so on.
    Every(u64),
    /// Each with this probability, 0 to 1.
    Probability(f64),
}

/// What happens to a request. Durations are whole milliseconds in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// 429, nothing done.
    TooManyRequests,
    /// 429 with a `Retry-After` of this many seconds, nothing done.
    RetryAfter(u64),
    /// This status of 5xx, nothing done.
    ServerErrorBefore(u16),
    /// Everything done, then this status of 5xx.
    ServerErrorAfter(u16),
    /// The connection is reset, nothing done.
    ResetBefore,
    /// Everything done, then the connection is reset without an answer.
    ResetAfter,
    /// Everything done, but the connection ends in the middle of the answer's body.
    TruncatedBody,
    /// A wait, then an ordinary answer. The effect comes after the wait, whether the caller is still there or not.
    StallBefore(#[serde(with = "millis")] Duration),
    /// The effect at once, then a wait, then the ordinary answer.
    StallAfter(#[serde(with = "millis")] Duration),
}

pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(wait: &Duration, out: S) -> Result<S::Ok, S::Error> {
        u64::try_from(wait.as_millis())
            .unwrap_or(u64::MAX)
            .serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

/// A plan at work: it remembers how often each rule has matched.
#[derive(Debug)]
pub(crate) struct Faults {
    plan: FaultPlan,
    matched: Vec<u64>,
    random: Random,
}

/// A request as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) method: &'a str,
    /// Template and id; `None` for an unknown route.
    pub(crate) operation: Option<(&'a str, &'a str)>,
    /// The path as it was asked for.
    pub(crate) path: &'a str,
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Faults {
        let matched = vec![0; plan.rules.len()];
        let random = Random::new(plan.seed);
        Faults {
            plan,
            matched,
            random,
        }
    }

    /// What happens to this request, if anything does.
    pub(crate) fn strike(&mut self, seen: Seen<'_>) -> Option<Action> {
        let mut struck = None;
        for (rule, matched) in self.plan.rules.iter().zip(&mut self.matched) {
            if !rule.matches(seen) {
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

impl FaultRule {
    fn matches(&self, seen: Seen<'_>) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
        };
        let kind = match self.calls {
            Calls::All => true,
            Calls::Reads => seen.method == "GET",
            Calls::Writes => seen.method != "GET",
        };
        kind && is(&self.method, Some(seen.method))
            && is(&self.path, seen.operation.map(|(path, _)| path))
            && is(&self.operation, seen.operation.map(|(_, id)| id))
            && self
                .about
                .as_deref()
                .is_none_or(|id| seen.path.split('/').any(|part| part == id))
    }
}

impl When {
    pub(crate) fn fires(self, nth: u64, random: &mut Random) -> bool {
        match self {
            When::Always => true,
            When::Nth(wanted) => nth == wanted,
            When::First(count) => nth <= count,
            When::Every(step) => step > 0 && nth.is_multiple_of(step),
            When::Probability(probability) => random.happens(probability),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOTE: Seen<'_> = Seen {
        method: "POST",
        operation: Some((
            "/opportunities/{opportunity}/notes",
            "createOpportunityNote",
        )),
        path: "/v1/opportunities/o1/notes",
    };

    fn struck(rule: FaultRule, times: usize) -> Vec<bool> {
        let mut faults = Faults::new(FaultPlan {
            seed: 1,
            rules: vec![rule],
        });
        (0..times).map(|_| faults.strike(NOTE).is_some()).collect()
    }

    #[test]
    fn a_rule_fires_when_it_says() {
        let rule = || FaultRule::always(Action::ResetBefore);
        assert_eq!(struck(rule().when(When::Nth(2)), 3), [false, true, false]);
        assert_eq!(struck(rule().when(When::First(2)), 3), [true, true, false]);
        assert_eq!(
            struck(rule().when(When::Every(2)), 4),
            [false, true, false, true]
        );
        assert_eq!(struck(rule().when(When::Every(0)), 2), [false, false]);
        let some = struck(rule().when(When::Probability(0.3)), 1000);
        assert!((200..400).contains(&some.iter().filter(|struck| **struck).count()));
    }

    #[test]
    fn every_condition_of_a_rule_must_hold() {
        let fires = |rule: FaultRule| struck(rule, 1)[0];
        let rule = || FaultRule::on("createOpportunityNote", Action::TooManyRequests);
        assert!(fires(rule()));
        assert!(fires(FaultRule {
            calls: Calls::Writes,
            method: Some("POST".into()),
            ..rule()
        }));
        assert!(!fires(FaultRule {
            calls: Calls::Reads,
            ..rule()
        }));
        assert!(!fires(FaultRule {
            method: Some("PUT".into()),
            ..rule()
        }));
        assert!(!fires(FaultRule {
            path: Some("/tags".into()),
            ..rule()
        }));
    }

    #[test]
    fn a_plan_reads_from_json() {
        let plan: FaultPlan = serde_json::from_value(json!({"seed": 2, "rules": [
            {"operation": "listTags", "when": {"nth": 3}, "action": {"stall_after": 1500}},
            {"calls": "writes", "when": {"probability": 0.5}, "action": {"server_error_before": 503}},
            {"action": "truncated_body"},
        ]}))
        .unwrap();
        assert_eq!(
            plan.rules[0].action,
            Action::StallAfter(Duration::from_millis(1500))
        );
        assert_eq!(plan.rules[1].when, When::Probability(0.5));
        assert_eq!(plan.rules[2], FaultRule::always(Action::TruncatedBody));
        assert!(serde_json::from_value::<FaultPlan>(json!({"rule": []})).is_err());
    }
}
