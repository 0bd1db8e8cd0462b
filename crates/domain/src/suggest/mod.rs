//! Suggests a product stage for each Lever stage, by its id or the words of its name (product.md 6.5).
//!
//! A suggestion is never applied by itself: a person confirms it, seeing the rule that fired.
//! Names in other languages than English stay unmapped by design, and position alone never decides.

mod rules;
mod words;

use std::collections::BTreeSet;

use lever::StageId;

use crate::stage_mapping::{StageCode, StageMapping};
use rules::{RULES, Rule};
use words::Words;

/// The stages every Lever account has, by id (product.md 6.1).
const FIXED: [(&str, &str); 5] = [
    ("lead-new", "NEW_LEAD"),
    ("lead-reached-out", "REACHED_OUT"),
    ("lead-responded", "RESPONDED"),
    ("applicant-new", "NEW_APPLICANT"),
    ("offer", "OFFER"),
];

/// Product stages whose people are inbound applicants by default (product.md 6.4).
const INBOUND: [&str; 2] = ["NEW_APPLICANT", "REVIEW"];
/// Product stages that come before an application.
const LEADS: [&str; 3] = ["NEW_LEAD", "REACHED_OUT", "RESPONDED"];

const ARCHIVE_WARNING: &str = "Lever records this as an archive reason";

/// What a Lever stage probably is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The Lever stage.
    pub stage: StageId,
    /// The suggested product stage; `UNMAPPED` when no rule fires or the name speaks of an outcome.
    pub code: StageCode,
    /// The rule that fired, in words: `by id`, `word: review`, or `no rule`.
    pub rule: &'static str,
    /// How sure the rule is, 0 to 100 percent; 100 by id, 0 when no rule fired.
    pub confidence: u8,
    /// Set when the name speaks of an outcome, which is never a stage.
    pub warning: Option<&'static str>,
}

/// Suggests a product stage for each stage, in the order given (that of `/stages`).
pub fn suggest(stages: &[lever::Stage]) -> Vec<Suggestion> {
    let applicants_begin = stages
        .iter()
        .position(|stage| stage.id.as_str() == "applicant-new");
    stages
        .iter()
        .enumerate()
        .map(|(place, stage)| match by_id(stage) {
            Some(suggestion) => suggestion,
            None => by_name(stage, applicants_begin.map(|begin| place < begin)),
        })
        .collect()
}

fn by_id(stage: &lever::Stage) -> Option<Suggestion> {
    let (_, code) = FIXED.iter().find(|(id, _)| *id == stage.id.as_str())?;
    Some(Suggestion {
        stage: stage.id.clone(),
        code: StageCode::from_static(code),
        rule: "by id",
        confidence: 100,
        warning: None,
    })
}

/// `before_applicants`: whether the stage comes before the first applicant stage, where that is known.
fn by_name(stage: &lever::Stage, before_applicants: Option<bool>) -> Suggestion {
    let words = Words::of(&stage.text);
    let Some((rule, fired)) = RULES
        .iter()
        .find_map(|rule| Some((rule, rule.fires(&words)?)))
    else {
        return Suggestion {
            stage: stage.id.clone(),
            code: StageCode::UNMAPPED,
            rule: "no rule",
            confidence: 0,
            warning: None,
        };
    };
    let code = StageCode::from_static(rule.code);
    let outcome = code.is_reserved();
    Suggestion {
        stage: stage.id.clone(),
        code: if outcome { StageCode::UNMAPPED } else { code },
        rule: fired.label,
        confidence: confidence(rule, fired.words, &words, before_applicants),
        warning: outcome.then_some(ARCHIVE_WARNING),
    }
}

/// More when the rule explains the whole name, less when the stage stands where such a stage should not.
fn confidence(
    rule: &Rule,
    fired_words: usize,
    words: &Words,
    before_applicants: Option<bool>,
) -> u8 {
    let explained = if fired_words >= words.len() { 90 } else { 70 };
    let misplaced = before_applicants.is_some_and(|before| before != LEADS.contains(&rule.code));
    if misplaced { explained - 10 } else { explained }
}

/// The mapping with suggestions of at least `min_confidence` percent for the stages that are unmapped now.
///
/// Stages newly put into `NEW_APPLICANT` or `REVIEW` become inbound. Mapped stages, and suggestions for a
/// product stage the mapping does not have, are left alone. The version is that of `mapping`.
pub fn apply(
    mapping: &StageMapping,
    suggestions: &[Suggestion],
    min_confidence: u8,
) -> StageMapping {
    let mut suggested = mapping.clone();
    let wanted = suggestions.iter().filter(|suggestion| {
        suggestion.confidence >= min_confidence
            && suggestion.code != StageCode::UNMAPPED
            && mapping.code_of(&suggestion.stage) == StageCode::unmapped()
    });
    let mut inbound = BTreeSet::new();
    for suggestion in wanted {
        let assigned = suggested
            .assign(suggestion.stage.clone(), &suggestion.code)
            .is_ok();
        if assigned && INBOUND.contains(&suggestion.code.as_str()) {
            inbound.insert(suggestion.stage.clone());
        }
    }
    suggested.inbound_stages.append(&mut inbound);
    suggested
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage_mapping::tests::{code, initial, stage};

    fn named(text: &str) -> Suggestion {
        suggest(&[stage("some-uuid", text)]).remove(0)
    }

    /// The suggested code, or the outcome its warning is about.
    fn read(text: &str) -> String {
        let suggestion = named(text);
        match suggestion.warning {
            None => suggestion.code.to_string(),
            Some(_) => {
                assert_eq!(suggestion.code, StageCode::UNMAPPED);
                let rule = RULES
                    .iter()
                    .find(|rule| rule.fires(&Words::of(text)).is_some());
                rule.unwrap().code.to_owned()
            }
        }
    }

    #[test]
    fn section_6_5_ready_test_vectors() {
        let vectors = [
            ("New lead", "NEW_LEAD"),
            ("Reached out", "REACHED_OUT"),
            ("Responded", "RESPONDED"),
            ("New applicant", "NEW_APPLICANT"),
            ("Recruiter screen", "RECRUITER_SCREEN"),
            ("Phone interview", "INTERVIEW"),
            ("On-site interview", "FINAL_INTERVIEW"),
            ("Offer", "OFFER"),
            ("Phone Screen", "RECRUITER_SCREEN"),
            ("Hiring Manager Screen", "INTERVIEW"),
            ("Technical Phone Screen", "INTERVIEW"),
            ("HM Review", "REVIEW"),
            ("Take-home", "ASSESSMENT"),
            ("HackerRank", "ASSESSMENT"),
            ("Case Study", "ASSESSMENT"),
            ("Final Round", "FINAL_INTERVIEW"),
            ("Reference Check", "OFFER"),
            ("On Hold", "HOLD"),
            ("Silver Medalist", "HOLD"),
            ("Offer Declined", "REJECTED"),
            ("Offer Accepted", "HIRED"),
            ("Offer review", "OFFER"),
            ("Compensation approval", "OFFER"),
            ("1. New Applicants", "NEW_APPLICANT"),
            ("2) Intro call", "RECRUITER_SCREEN"),
            ("Talent Pool", "NEW_LEAD"),
            ("Not interested", "REJECTED"),
            ("Interested", "RESPONDED"),
            ("System Design", "INTERVIEW"),
            ("2nd round", "INTERVIEW"),
            ("Abhinai Stage", "UNMAPPED"),
            ("Entretien", "UNMAPPED"),
            ("Stage 3", "UNMAPPED"),
            ("Vorstellungsgespräch", "UNMAPPED"),
            ("面接", "UNMAPPED"),
        ];
        for (text, expected) in vectors {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn section_6_5_measured_misses_stay_as_documented() {
        let misses = [
            ("Presented to Customer", "UNMAPPED"),
            ("Engagement", "UNMAPPED"),
            ("Nurture-Req Filled", "RESPONDED"),
            ("Interested in Other Roles", "RESPONDED"),
            ("Manager Screen", "RECRUITER_SCREEN"),
        ];
        for (text, expected) in misses {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn section_6_1_pipelines_of_real_products() {
        let names = [
            ("Recruiter Phone Screen", "RECRUITER_SCREEN"),
            ("SparkHire Assessment Stage", "ASSESSMENT"),
            ("TestGorilla Assessment", "ASSESSMENT"),
            ("SME Interview", "INTERVIEW"),
            ("Predictive Talent Assessment", "ASSESSMENT"),
            ("Client Interview", "INTERVIEW"),
            ("Reference check", "OFFER"),
            ("Prospect", "NEW_LEAD"),
            ("Application Review", "REVIEW"),
            ("Face to Face", "FINAL_INTERVIEW"),
            ("Hired", "HIRED"),
            ("Sourced", "NEW_LEAD"),
            ("Hiring manager interview", "INTERVIEW"),
            ("Onsite / loop", "FINAL_INTERVIEW"),
            ("Applied", "NEW_APPLICANT"),
            ("Shortlist", "REVIEW"),
            ("Exec Interview", "FINAL_INTERVIEW"),
            ("Assessment", "ASSESSMENT"),
            ("Contacted / applied", "REACHED_OUT"),
            ("HM Interview", "INTERVIEW"),
            ("Technical Interview", "INTERVIEW"),
        ];
        for (text, expected) in names {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    /// Each row of the table with each of its words.
    #[test]
    fn section_6_5_every_word_of_every_row() {
        let rows: [(&str, &[&str]); 15] = [
            ("REVIEW", &["review"]),
            (
                "HIRED",
                &[
                    "hired",
                    "onboarding",
                    "start date",
                    "started date",
                    "accepted",
                    "pre-boarding",
                ],
            ),
            (
                "REJECTED",
                &[
                    "rejected",
                    "declined",
                    "disqualified",
                    "archived",
                    "withdrawn",
                    "not a fit",
                    "not interested",
                ],
            ),
            (
                "HOLD",
                &[
                    "hold",
                    "parked",
                    "keep warm",
                    "silver medal",
                    "future",
                    "pending headcount",
                ],
            ),
            (
                "OFFER",
                &[
                    "offer",
                    "compensation review",
                    "compensation approval",
                    "verbal",
                    "background check",
                    "reference check",
                    "contract",
                ],
            ),
            (
                "ASSESSMENT",
                &[
                    "assessment",
                    "take-home",
                    "coding test",
                    "code test",
                    "skills test",
                    "technical test",
                    "coding challenge",
                    "code challenge",
                    "skills challenge",
                    "technical challenge",
                    "case study",
                    "work sample",
                    "HackerRank",
                    "Codility",
                    "CodeSignal",
                ],
            ),
            (
                "FINAL_INTERVIEW",
                &[
                    "on-site",
                    "final",
                    "panel",
                    "super day",
                    "face-to-face",
                    "loop",
                    "in-person",
                    "exec",
                    "founder",
                    "culture",
                    "values",
                    "bar raiser",
                    "debrief",
                ],
            ),
            (
                "INTERVIEW",
                &["hiring manager screen", "hm screen", "technical screen"],
            ),
            (
                "RECRUITER_SCREEN",
                &["pre-screen", "screen", "screening", "phone screen"],
            ),
            (
                "INTERVIEW",
                &[
                    "interview",
                    "phone",
                    "technical",
                    "hiring manager",
                    "3rd round",
                    "video",
                    "pair programming",
                    "presentation",
                    "system design",
                ],
            ),
            (
                "REVIEW",
                &[
                    "shortlist",
                    "shortlisted",
                    "screened",
                    "submitted to",
                    "qualified",
                ],
            ),
            (
                "RESPONDED",
                &["responded", "replied", "engaged", "interested", "nurture"],
            ),
            (
                "REACHED_OUT",
                &[
                    "reached out",
                    "outreach",
                    "contacted",
                    "messaged",
                    "emailed",
                    "InMail",
                    "sequence",
                ],
            ),
            (
                "NEW_APPLICANT",
                &[
                    "new applicant",
                    "applicant",
                    "applied",
                    "application",
                    "inbound",
                ],
            ),
            (
                "NEW_LEAD",
                &[
                    "new lead",
                    "lead",
                    "prospect",
                    "sourced",
                    "talent pool",
                    "referral",
                    "new",
                ],
            ),
        ];
        for (expected, names) in rows {
            for name in names {
                assert_eq!(read(name), expected, "{name}");
                // Told in other letters, with a number and with words that mean nothing.
                let dressed = format!("12. {} (Berlin)", name.to_uppercase());
                assert_eq!(read(&dressed), expected, "{dressed}");
            }
        }
        for who in ["recruiter", "talent", "HR", "intro", "initial", "first"] {
            for what in ["screen", "call", "chat", "interview"] {
                let name = format!("{who} {what}");
                assert_eq!(read(&name), "RECRUITER_SCREEN", "{name}");
            }
        }
    }

    /// The last column of the table.
    #[test]
    fn section_6_2_typical_stages_of_each_group() {
        let rows: [(&str, &[&str]); 11] = [
            ("NEW_LEAD", &["Sourced", "Prospect"]),
            ("REACHED_OUT", &["Contacted"]),
            ("RESPONDED", &["Interested"]),
            ("NEW_APPLICANT", &["Applied"]),
            ("REVIEW", &["Application review", "HM review", "Shortlist"]),
            ("RECRUITER_SCREEN", &["Recruiter screen", "Phone screen"]),
            ("ASSESSMENT", &["Take-home", "Skills tests"]),
            ("INTERVIEW", &["Phone interview", "HM interview"]),
            ("FINAL_INTERVIEW", &["On-site interview", "Panel"]),
            ("OFFER", &["Reference check"]),
            ("HOLD", &["Hold", "Silver medalist"]),
        ];
        for (expected, names) in rows {
            for name in names {
                assert_eq!(read(name), expected, "{name}");
            }
        }
    }

    #[test]
    fn every_row_of_the_table_fires() {
        let rows = [
            ("Comp review", "OFFER"),
            ("Pre-boarding", "HIRED"),
            ("Started date", "HIRED"),
            ("Withdrawn", "REJECTED"),
            ("Not a fit", "REJECTED"),
            ("Keep warm", "HOLD"),
            ("Pending Headcount", "HOLD"),
            ("Verbal", "OFFER"),
            ("Coding challenge", "ASSESSMENT"),
            ("Skills test", "ASSESSMENT"),
            ("Super Day", "FINAL_INTERVIEW"),
            ("Bar Raiser", "FINAL_INTERVIEW"),
            ("HM screen", "INTERVIEW"),
            ("HR chat", "RECRUITER_SCREEN"),
            ("Recruiter phone interview", "RECRUITER_SCREEN"),
            ("Pre-screen", "RECRUITER_SCREEN"),
            ("Pair-Programming", "INTERVIEW"),
            ("Video", "INTERVIEW"),
            ("Submitted to client", "REVIEW"),
            ("Screened", "REVIEW"),
            ("Replied", "RESPONDED"),
            ("InMail", "REACHED_OUT"),
            ("Inbound", "NEW_APPLICANT"),
            ("Referral", "NEW_LEAD"),
            ("ＯＦＦＥＲ", "OFFER"),
            ("", "UNMAPPED"),
            ("面接", "UNMAPPED"),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn fixed_stages_go_by_id_whatever_their_name() {
        for (id, expected) in FIXED {
            let suggestion = suggest(&[stage(id, "Hired")]).remove(0);
            assert_eq!(
                (suggestion.code.as_str(), suggestion.rule),
                (expected, "by id")
            );
            assert_eq!((suggestion.confidence, suggestion.warning), (100, None));
        }
    }

    #[test]
    fn the_rule_that_fired_is_told() {
        assert_eq!(named("HM Review").rule, "word: review");
        assert_eq!(
            named("Technical Phone Screen").rule,
            "words: technical ... screen"
        );
        assert_eq!(named("2nd round").rule, "words: nth round");
        assert_eq!(
            (named("Stage 3").rule, named("Stage 3").confidence),
            ("no rule", 0)
        );
        let outcome = named("Offer Declined");
        assert_eq!(outcome.rule, "word: declined");
        assert_eq!(
            outcome.warning,
            Some("Lever records this as an archive reason")
        );
    }

    #[test]
    fn confidence_falls_with_unexplained_words_and_a_strange_place() {
        let stages = [
            stage("lead-new", "New lead"),
            stage("a", "Phone screen"),
            stage("applicant-new", "New applicant"),
            stage("b", "Phone screen"),
            stage("c", "Phone screen in Berlin"),
            stage("d", "Sourced"),
        ];
        let confidence: Vec<_> = suggest(&stages).iter().map(|one| one.confidence).collect();
        assert_eq!(confidence, [100, 80, 100, 90, 70, 80]);
    }

    #[test]
    fn applying_maps_only_unmapped_stages_and_makes_reviews_inbound() {
        let mut mapping = initial();
        mapping.assign("mine".into(), &code("HOLD")).unwrap();
        let stages = [
            stage("applicant-new", "New applicant"),
            stage("mine", "Review"),
            stage("r", "HM Review"),
            stage("p", "Phone screen with Bo"),
            stage("h", "Hired"),
            stage("x", "Stage 3"),
        ];
        let suggested = apply(&mapping, &suggest(&stages), 0);
        let codes: Vec<_> = stages
            .iter()
            .map(|stage| suggested.code_of(&stage.id).as_str())
            .collect();
        assert_eq!(
            codes,
            [
                "NEW_APPLICANT",
                "HOLD",
                "REVIEW",
                "RECRUITER_SCREEN",
                "UNMAPPED",
                "UNMAPPED"
            ]
        );
        assert_eq!(
            suggested.inbound_stages,
            ["applicant-new", "r"].map(StageId::from).into()
        );
        assert_eq!(suggested.version, mapping.version);
        assert_eq!(apply(&mapping, &suggest(&stages), 101), mapping);
        let sure = apply(&mapping, &suggest(&stages), 75);
        assert_eq!(sure.code_of(&"p".into()).as_str(), "UNMAPPED");
    }

    #[test]
    fn a_product_stage_the_mapping_lacks_is_not_invented() {
        let mut mapping = initial();
        mapping
            .product_stages
            .retain(|row| row.code != code("REVIEW"));
        let suggested = apply(&mapping, &suggest(&[stage("r", "HM Review")]), 0);
        assert_eq!(suggested, mapping);
    }
}
