//! Whether somebody may be exported, and what that comes to (X19, product.md 5.3 and 5.4).
//!
//! A person who is known for sure is never made anew: an open candidacy for the same posting is updated, else one is
//! made for the same person. On a weak sign alone nobody is taken for somebody else; it is told, and stands in the way
//! unless the settings say otherwise.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use lever::{ContactId, OpportunityId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Asked, ExportSettings, GuardRule};
use crate::Candidacy;
use crate::identity::Strength;
use crate::operation::{Failure, FailureKind};

/// What speaks against an export.
///
/// In the order in which they are named as the reason of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ground {
    /// The person wants no contact, or the consent has ended.
    DoNotContact,
    /// Lever has taken the personal data out of the record.
    Anonymized,
    /// The person was hired here.
    Hired,
    /// Somebody works on another candidacy of the person.
    ActiveElsewhere,
    /// The person was rejected a short time ago.
    CoolOff,
    /// Somebody of the same name and employer is there, and nothing surer.
    WeakMatch,
    /// Something of the person could not be read, so that it might be any of the others.
    NotJudged,
}

impl Ground {
    /// Every ground.
    pub const ALL: &[Ground] = &[
        Ground::DoNotContact,
        Ground::Anonymized,
        Ground::Hired,
        Ground::ActiveElsewhere,
        Ground::CoolOff,
        Ground::WeakMatch,
        Ground::NotJudged,
    ];

    /// The word for it, as requests and settings have it.
    pub fn code(self) -> &'static str {
        match self {
            Ground::DoNotContact => "DO_NOT_CONTACT",
            Ground::Anonymized => "ANONYMIZED",
            Ground::Hired => "HIRED",
            Ground::ActiveElsewhere => "ACTIVE_ELSEWHERE",
            Ground::CoolOff => "COOL_OFF",
            Ground::WeakMatch => "WEAK_MATCH",
            Ground::NotJudged => "NOT_JUDGED",
        }
    }

    /// The reason of an operation that failed on it.
    pub fn reason(self) -> &'static str {
        match self {
            Ground::DoNotContact => "BLOCKED_DO_NOT_CONTACT",
            Ground::Anonymized => "BLOCKED_ANONYMIZED",
            Ground::Hired => "BLOCKED_HIRED",
            Ground::ActiveElsewhere => "BLOCKED_ACTIVE_ELSEWHERE",
            Ground::CoolOff => "BLOCKED_COOL_OFF",
            Ground::WeakMatch => "BLOCKED_WEAK_MATCH",
            Ground::NotJudged => "BLOCKED_NOT_JUDGED",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Ground::DoNotContact => "the person must not be contacted",
            Ground::Anonymized => "Lever has anonymized the person",
            Ground::Hired => "the person was hired here",
            Ground::ActiveElsewhere => "another candidacy of the person is open",
            Ground::CoolOff => "the person was rejected a short time ago",
            Ground::WeakMatch => "somebody of the same name and employer is in Lever",
            Ground::NotJudged => "not all that Lever has of the person can be read",
        }
    }
}

/// What a finding does to the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It stands in the way, whatever the request says.
    Blocks,
    /// It stands in the way; a request that names it goes on.
    Overridable,
    /// The request has overruled it.
    Overridden,
    /// The settings let it pass.
    Allowed,
}

/// Something that speaks against an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub ground: Ground,
    /// What it does.
    pub weight: Weight,
    /// The opportunities that tell so.
    pub evidence: Vec<OpportunityId>,
    /// When it ends by itself; only of a cool-off.
    pub ends_at: Option<Timestamp>,
}

impl Finding {
    fn stands(&self) -> bool {
        matches!(self.weight, Weight::Blocks | Weight::Overridable)
    }
}

/// What an export comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// An opportunity is made.
    Create,
    /// An open one is updated.
    Update,
    /// Nothing is written.
    Blocked,
}

/// What was decided, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What the export comes to.
    pub decision: Decision,
    /// What speaks against it, also where it does not stand in the way.
    pub findings: Vec<Finding>,
    /// The open candidacy that is updated.
    pub opportunity: Option<OpportunityId>,
    /// The person in Lever, where they are known for sure.
    pub contact: Option<ContactId>,
    /// How the person was recognized, such as `email`; empty for nobody.
    pub matched_by: String,
}

impl Verdict {
    /// Why the export fails, if it does.
    pub fn failure(&self) -> Option<Failure> {
        if self.decision != Decision::Blocked {
            return None;
        }
        let standing: Vec<_> = self.findings.iter().filter(|one| one.stands()).collect();
        let first = standing.first()?;
        let words = |texts: Vec<String>| texts.join(",");
        let evidence = standing.iter().flat_map(|finding| &finding.evidence);
        let evidence: BTreeSet<_> = evidence.map(OpportunityId::as_str).collect();
        let mut details = vec![
            (
                "grounds".to_owned(),
                words(
                    standing
                        .iter()
                        .map(|one| one.ground.code().to_owned())
                        .collect(),
                ),
            ),
            (
                "opportunity_ids".to_owned(),
                words(evidence.into_iter().map(str::to_owned).collect()),
            ),
        ];
        let ends = standing.iter().find_map(|finding| finding.ends_at);
        if let Some(ends) = ends {
            details.push(("ends_at".to_owned(), written(ends)));
        }
        let sentences: Vec<_> = standing.iter().map(|one| one.ground.sentence()).collect();
        let hard = standing.iter().any(|one| one.weight == Weight::Blocks);
        let way_out = match hard {
            true => "the export settings of the connection do not let this be overruled",
            false => "name it in overrides to export the person all the same",
        };
        Some(Failure {
            kind: FailureKind::Blocked(first.ground),
            message: format!("{}: {way_out}", sentences.join("; ")),
            details,
        })
    }
}

/// A moment as other programs read it (RFC 3339).
fn written(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

/// One candidacy of somebody, and whether it ended with a hire.
#[derive(Debug, Clone)]
pub struct Known {
    /// The candidacy.
    pub candidacy: Candidacy,
    /// Whether it ended with a hire; none where nobody knows what its archive reason means.
    pub hired: Option<bool>,
}

/// What a look for a person has found.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Those the export may be about, in the order of what they were recognized by.
    pub people: Vec<Person>,
    /// Opportunities that are about the person, and that could not be read as a whole.
    pub unread: BTreeSet<OpportunityId>,
}

impl Seen {
    /// Takes out an opportunity that is gone, and whoever has no other.
    pub fn forget(&mut self, opportunity: &OpportunityId) {
        for person in &mut self.people {
            let other = |one: &Known| one.candidacy.opportunity != *opportunity;
            person.candidacies.retain(other);
        }
        self.people.retain(|person| !person.candidacies.is_empty());
        self.unread.remove(opportunity);
    }
}

/// Somebody in Lever who may be the one.
#[derive(Debug, Clone)]
pub struct Person {
    /// Lever's id of the person; none for an old record without one.
    pub contact: Option<ContactId>,
    /// How the person was recognized, such as `email`.
    pub by: &'static str,
    /// How sure that is.
    pub strength: Strength,
    /// All that is known of their candidacies.
    pub candidacies: Vec<Known>,
}

impl Person {
    fn anonymized(&self) -> bool {
        self.candidacies.iter().any(|one| one.candidacy.anonymized)
    }
}

/// Decides about an export, by what was seen of the person.
pub fn judge(asked: &Asked, settings: &ExportSettings, seen: &Seen, now: Timestamp) -> Verdict {
    let sure: Vec<&Person> = seen
        .people
        .iter()
        .filter(|person| person.strength == Strength::Strong)
        .collect();
    let target = sure.iter().find_map(|person| {
        let open = open_for(asked, person)?;
        Some((*person, open))
    });
    let same = target
        .map(|(person, _)| person)
        .or_else(|| sure.iter().copied().find(|person| person.contact.is_some()));
    let weigh = |ground: Ground| match settings.rule(ground) {
        GuardRule::Allow => Weight::Allowed,
        GuardRule::Overridable if asked.overrides.contains(&ground) => Weight::Overridden,
        GuardRule::Overridable => Weight::Overridable,
        GuardRule::Block => Weight::Blocks,
    };
    let mut findings = Vec::new();
    for ground in Ground::ALL {
        // Whoever is being worked on for this posting is not approached anew.
        let always = [Ground::DoNotContact, Ground::Anonymized, Ground::NotJudged];
        if target.is_some() && !always.contains(ground) {
            continue;
        }
        let (mut evidence, ends_at) = found(*ground, settings, &seen.people, &sure, now);
        if *ground == Ground::NotJudged {
            // For whoever is updated it is all one how others ended.
            let told = if target.is_some() {
                Vec::new()
            } else {
                evidence
            };
            let all: BTreeSet<_> = seen.unread.iter().cloned().chain(told).collect();
            evidence = all.into_iter().collect();
        }
        if !evidence.is_empty() {
            findings.push(Finding {
                ground: *ground,
                weight: weigh(*ground),
                evidence,
                ends_at,
            });
        }
    }
    let decision = match (findings.iter().any(Finding::stands), target) {
        (true, _) => Decision::Blocked,
        (false, Some(_)) => Decision::Update,
        (false, None) => Decision::Create,
    };
    Verdict {
        decision,
        findings,
        opportunity: target.map(|(_, open)| open.opportunity.clone()),
        // Lever attaches nothing to somebody anonymized.
        contact: same
            .filter(|person| !person.anonymized())
            .and_then(|person| person.contact.clone()),
        matched_by: same.map(|person| person.by.to_owned()).unwrap_or_default(),
    }
}

/// The open candidacy of somebody for the posting, or for none where none is asked for; the latest of several.
fn open_for<'p>(asked: &Asked, person: &'p Person) -> Option<&'p Candidacy> {
    let all = person.candidacies.iter().map(|one| &one.candidacy);
    all.filter(|one| one.active() && !one.anonymized && one.posting == asked.posting)
        .max_by_key(|one| (one.applied_at, Reverse(&one.opportunity)))
}

/// The opportunities that speak for a ground, and when it ends.
fn found(
    ground: Ground,
    settings: &ExportSettings,
    people: &[Person],
    sure: &[&Person],
    now: Timestamp,
) -> (Vec<OpportunityId>, Option<Timestamp>) {
    let cool_off = Duration::from_secs(u64::from(settings.cool_off_days) * 24 * 3600);
    let cools = |one: &Known| -> Option<Timestamp> {
        let rejected = one.hired != Some(true);
        let archived = one.candidacy.archived.as_ref().filter(|_| rejected)?;
        Some(archived.at.plus(cool_off)).filter(|ends| *ends > now)
    };
    let speaks = |one: &&Known| match ground {
        Ground::DoNotContact => one.candidacy.do_not_contact(now),
        Ground::Anonymized => one.candidacy.anonymized,
        Ground::Hired => one.hired == Some(true),
        Ground::ActiveElsewhere => one.candidacy.active(),
        Ground::CoolOff => cools(one).is_some(),
        Ground::WeakMatch => true,
        Ground::NotJudged => one.hired.is_none(),
    };
    let of_sure = sure.iter().flat_map(|person| &person.candidacies);
    let candidacies: Vec<&Known> = match ground {
        Ground::WeakMatch if !sure.is_empty() => Vec::new(),
        Ground::WeakMatch => people.iter().flat_map(|one| &one.candidacies).collect(),
        _ => of_sure.collect(),
    };
    let speaking: Vec<&Known> = candidacies.into_iter().filter(speaks).collect();
    let ends_at = match ground {
        Ground::CoolOff => speaking.iter().filter_map(|one| cools(one)).max(),
        _ => None,
    };
    let ids = speaking
        .into_iter()
        .map(|one| one.candidacy.opportunity.clone());
    (ids.collect(), ends_at)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::versioned::Versioned as _;

    const DAY: i64 = 24 * 3600 * 1000;
    const NOW: i64 = 1000 * DAY;

    fn known(value: Value, posting: Option<&str>, hired: bool) -> Known {
        let opportunity = serde_json::from_value(value).unwrap();
        let application = posting
            .map(|posting| serde_json::from_value(json!({"id": "a", "posting": posting})).unwrap());
        Known {
            candidacy: Candidacy::from_lever(&opportunity, application.as_ref()),
            hired: Some(hired),
        }
    }

    fn person(strength: Strength, candidacies: Vec<Known>) -> Person {
        Person {
            contact: Some("c".into()),
            by: "email",
            strength,
            candidacies,
        }
    }

    fn sure(candidacies: Vec<Known>) -> Vec<Person> {
        vec![person(Strength::Strong, candidacies)]
    }

    fn to(posting: Option<&str>) -> Asked {
        Asked {
            posting: posting.map(Into::into),
            ..Asked::default()
        }
    }

    fn judged(asked: &Asked, people: &[Person]) -> Verdict {
        let settings = ExportSettings::initial(Timestamp::default());
        let seen = Seen {
            people: people.to_vec(),
            ..Seen::default()
        };
        judge(asked, &settings, &seen, Timestamp::from_millis(NOW))
    }

    fn rejected(days_ago: i64) -> Known {
        let at = NOW - days_ago * DAY;
        let archived = json!({"archivedAt": at, "reason": "r"});
        known(
            json!({"id": "o", "contact": "c", "archived": archived}),
            Some("p"),
            false,
        )
    }

    #[test]
    fn nobody_known_is_made() {
        let verdict = judged(&to(Some("p")), &[]);
        assert_eq!(verdict.decision, Decision::Create);
        assert_eq!((verdict.contact, verdict.findings), (None, Vec::new()));
    }

    #[test]
    fn an_open_candidacy_for_the_same_posting_is_updated_whatever_else_is_open() {
        let open = |id: &str, posting| known(json!({"id": id, "contact": "c"}), posting, false);
        let people = sure(vec![open("o1", Some("p")), open("o2", None), rejected(1)]);
        for (posting, target) in [(Some("p"), "o1"), (None, "o2")] {
            let verdict = judged(&to(posting), &people);
            assert_eq!(verdict.decision, Decision::Update);
            assert_eq!(verdict.opportunity, Some(target.into()));
            assert_eq!(verdict.findings, []);
        }
        let verdict = judged(&to(Some("other")), &people);
        assert_eq!(verdict.decision, Decision::Blocked);
        let grounds: Vec<_> = verdict.findings.iter().map(|one| one.ground).collect();
        assert_eq!(grounds, [Ground::ActiveElsewhere, Ground::CoolOff]);
    }

    #[test]
    fn x19_a_rejection_ten_days_ago_blocks_until_the_cool_off_has_ended() {
        let verdict = judged(&to(None), &sure(vec![rejected(10)]));
        assert_eq!(verdict.decision, Decision::Blocked);
        let failure = verdict.failure().unwrap();
        assert_eq!(failure.kind, FailureKind::Blocked(Ground::CoolOff));
        assert_eq!(failure.kind.reason(), "BLOCKED_COOL_OFF");
        let ends = written(Timestamp::from_millis(NOW + 80 * DAY));
        assert!(failure.details.contains(&("ends_at".to_owned(), ends)));
        assert_eq!(
            judged(&to(None), &sure(vec![rejected(90)])).decision,
            Decision::Create
        );
    }

    #[test]
    fn a_ground_that_the_request_names_is_overruled_unless_it_is_hard() {
        let overrides: BTreeSet<_> = Ground::ALL.iter().copied().collect();
        let all = Asked {
            overrides,
            ..to(None)
        };
        let verdict = judged(&all, &sure(vec![rejected(10)]));
        assert_eq!(verdict.decision, Decision::Create);
        assert_eq!(verdict.findings[0].weight, Weight::Overridden);
        assert_eq!(verdict.contact, Some("c".into()));
        let consent = json!({"contact": {"allowed": false}});
        let refused = known(json!({"id": "o", "dataProtection": consent}), None, false);
        let verdict = judged(&all, &sure(vec![refused]));
        assert_eq!(verdict.decision, Decision::Blocked);
        assert_eq!(
            verdict.failure().unwrap().kind.reason(),
            "BLOCKED_DO_NOT_CONTACT"
        );
        let gone = known(json!({"id": "o", "isAnonymized": true}), None, false);
        let verdict = judged(&all, &sure(vec![gone]));
        assert_eq!(
            verdict.failure().unwrap().kind.reason(),
            "BLOCKED_ANONYMIZED"
        );
        assert_eq!(verdict.contact, None);
    }

    #[test]
    fn a_hire_is_no_rejection() {
        let archived = json!({"archivedAt": NOW - DAY, "reason": "h"});
        let hired = known(json!({"id": "o", "archived": archived}), None, true);
        let verdict = judged(&to(None), &sure(vec![hired]));
        let grounds: Vec<_> = verdict.findings.iter().map(|one| one.ground).collect();
        assert_eq!(grounds, [Ground::Hired]);
    }

    #[test]
    fn what_could_not_be_read_is_told_and_stands_in_the_way() {
        let settings = ExportSettings::initial(Timestamp::default());
        let now = Timestamp::from_millis(NOW);
        let grounds = |verdict: &Verdict| -> Vec<_> {
            let findings = verdict.findings.iter();
            findings
                .map(|one| (one.ground, one.evidence.clone()))
                .collect()
        };
        let mut unclear = rejected(10);
        unclear.hired = None;
        let mut seen = Seen {
            people: sure(vec![unclear]),
            unread: ["odd".into()].into(),
        };
        let verdict = judge(&to(None), &settings, &seen, now);
        assert_eq!(verdict.decision, Decision::Blocked);
        let both = vec!["o".into(), "odd".into()];
        // It may have been a rejection as well.
        let expected = [
            (Ground::CoolOff, vec!["o".into()]),
            (Ground::NotJudged, both),
        ];
        assert_eq!(grounds(&verdict), expected);
        let overrides = [Ground::CoolOff, Ground::NotJudged].into();
        let told = Asked {
            overrides,
            ..to(None)
        };
        let verdict = judge(&told, &settings, &seen, now);
        assert_eq!(verdict.decision, Decision::Create);
        // An open one for the posting is updated, however others ended; unless it cannot be read.
        let open = known(json!({"id": "open", "contact": "c"}), None, false);
        seen.people[0].candidacies.push(open);
        let verdict = judge(&to(None), &settings, &seen, now);
        let expected = [(Ground::NotJudged, vec!["odd".into()])];
        assert_eq!(grounds(&verdict), expected);
        seen.forget(&"odd".into());
        let verdict = judge(&to(None), &settings, &seen, now);
        assert_eq!(verdict.decision, Decision::Update);
        assert_eq!(verdict.findings, []);
    }

    #[test]
    fn a_weak_sign_links_nobody() {
        let weak = |asked: &Asked| {
            let open = known(json!({"id": "o", "contact": "c"}), None, false);
            judged(asked, &[person(Strength::Weak, vec![open])])
        };
        let verdict = weak(&to(None));
        assert_eq!(
            verdict.failure().unwrap().kind.reason(),
            "BLOCKED_WEAK_MATCH"
        );
        let told = Asked {
            overrides: [Ground::WeakMatch].into(),
            ..to(None)
        };
        let verdict = weak(&told);
        assert_eq!(
            (verdict.decision, verdict.contact),
            (Decision::Create, None)
        );
    }
}
