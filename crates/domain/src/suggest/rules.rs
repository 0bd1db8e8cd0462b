//! The table of product.md 6.5; order matters, the first rule that fires wins.

use super::words::Piece::{Gap, Ordinal, Word};
use super::words::{Piece, Words};

/// Phrases that speak for one product stage.
pub(super) struct Rule {
    pub(super) code: &'static str,
    phrases: &'static [Phrase],
    /// Words that begin with one of these silence the rule.
    unless: &'static [&'static str],
}

/// Words that make a rule fire.
pub(super) struct Phrase {
    pieces: &'static [Piece],
    label: &'static str,
}

/// The phrase that fired.
pub(super) struct Fired {
    pub(super) label: &'static str,
    /// How many words it explains.
    pub(super) words: usize,
}

impl Rule {
    pub(super) fn fires(&self, words: &Words) -> Option<Fired> {
        if self
            .unless
            .iter()
            .any(|prefix| words.contain_prefix(prefix))
        {
            return None;
        }
        let phrase = self
            .phrases
            .iter()
            .find(|phrase| words.contain(phrase.pieces))?;
        let explained = phrase.pieces.iter().filter(|piece| !matches!(piece, Gap));
        Some(Fired {
            label: phrase.label,
            words: explained.count(),
        })
    }
}

macro_rules! phrase {
    ($word:literal) => {
        Phrase { pieces: &[Word($word)], label: concat!("word: ", $word) }
    };
    (nth $word:literal) => {
        Phrase { pieces: &[Ordinal, Word($word)], label: concat!("words: nth ", $word) }
    };
    ($first:literal .. $last:literal) => {
        Phrase { pieces: &[Word($first), Gap, Word($last)], label: concat!("words: ", $first, " ... ", $last) }
    };
    ($first:literal $second:literal .. $last:literal) => {
        Phrase {
            pieces: &[Word($first), Word($second), Gap, Word($last)],
            label: concat!("words: ", $first, " ", $second, " ... ", $last),
        }
    };
    ($first:literal $($word:literal)+) => {
        Phrase { pieces: &[Word($first), $(Word($word)),+], label: concat!("words: ", $first, $(" ", $word),+) }
    };
}

macro_rules! rules {
    ($($code:ident $(unless $($unless:literal)|+)? : $([$($phrase:tt)+])+;)+) => {
        &[$(Rule {
            code: stringify!($code),
            phrases: &[$(phrase!($($phrase)+)),+],
            unless: &[$($($unless),+)?],
        }),+]
    };
}

/// Rows 1 to 15; row 0, by id, is the caller's.
pub(super) const RULES: &[Rule] = rules! {
    REVIEW unless "offer" | "comp":
        ["review"];
    HIRED:
        ["hired"] ["onboarding"] ["start" "date"] ["started" "date"] ["accepted"] ["pre" "boarding"] ["preboarding"];
    REJECTED:
        ["rejected"] ["declined"] ["disqualified"] ["archived"] ["withdrawn"] ["not" "a" "fit"] ["not" "interested"];
    HOLD:
        ["hold"] ["parked"] ["keep" "warm"] ["silver" "medal"] ["silver" "medalist"] ["silver" "medallist"]
        ["future"] ["pending" "headcount"];
    OFFER:
        ["offer"] ["compensation" "review"] ["compensation" "approval"] ["comp" "review"] ["comp" "approval"]
        ["verbal"] ["background" "check"] ["reference" "check"] ["contract"];
    ASSESSMENT:
        ["assessment"] ["take" "home"] ["takehome"]
        ["coding" "test"] ["coding" "challenge"] ["code" "test"] ["code" "challenge"]
        ["skill" "test"] ["skill" "challenge"] ["technical" "test"] ["technical" "challenge"]
        ["case" "study"] ["work" "sample"] ["hackerrank"] ["codility"] ["codesignal"];
    FINAL_INTERVIEW:
        ["on" "site"] ["onsite"] ["final"] ["panel"] ["super" "day"] ["superday"] ["face" "to" "face"] ["loop"]
        ["in" "person"] ["exec"] ["executive"] ["founder"] ["culture"] ["values"] ["bar" "raiser"] ["debrief"];
    INTERVIEW:
        ["hiring" "manager" .. "screen"] ["hiring" "manager" .. "screening"]
        ["hm" .. "screen"] ["hm" .. "screening"]
        ["technical" .. "screen"] ["technical" .. "screening"];
    RECRUITER_SCREEN:
        ["phone" "screen"] ["pre" "screen"] ["prescreen"]
        ["recruiter" .. "screen"] ["recruiter" .. "call"] ["recruiter" .. "chat"] ["recruiter" .. "interview"]
        ["talent" .. "screen"] ["talent" .. "call"] ["talent" .. "chat"] ["talent" .. "interview"]
        ["hr" .. "screen"] ["hr" .. "call"] ["hr" .. "chat"] ["hr" .. "interview"]
        ["intro" "screen"] ["intro" "call"] ["intro" "chat"] ["intro" "interview"]
        ["initial" "screen"] ["initial" "call"] ["initial" "chat"] ["initial" "interview"]
        ["first" "screen"] ["first" "call"] ["first" "chat"] ["first" "interview"]
        ["screen"] ["screening"];
    INTERVIEW:
        ["phone" "interview"] ["video" "interview"] ["technical" "interview"] ["hiring" "manager" "interview"]
        ["interview"] ["phone"] ["technical"] ["hiring" "manager"] [nth "round"] ["video"]
        ["pair" "programming"] ["presentation"] ["system" "design"];
    REVIEW:
        ["shortlist"] ["shortlisted"] ["screened"] ["submitted" "to"] ["qualified"];
    RESPONDED:
        ["responded"] ["replied"] ["engaged"] ["interested"] ["nurture"];
    REACHED_OUT:
        ["reached" "out"] ["outreach"] ["contacted"] ["messaged"] ["emailed"] ["inmail"] ["sequence"];
    NEW_APPLICANT:
        ["new" "applicant"] ["applicant"] ["applied"] ["application"] ["inbound"];
    NEW_LEAD:
        ["new" "lead"] ["lead"] ["prospect"] ["sourced"] ["talent" "pool"] ["referral"] ["new"];
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage_mapping::StageCode;
    use crate::stage_mapping::tests::initial;

    #[test]
    fn every_rule_leads_to_a_shipped_product_stage_or_an_outcome() {
        let shipped = initial().product_stages;
        for rule in RULES {
            let code = StageCode::parse(rule.code).unwrap();
            let known = shipped
                .iter()
                .any(|product_stage| product_stage.code == code);
            assert!(
                known || code == StageCode::HIRED || code == StageCode::REJECTED,
                "{code}"
            );
        }
    }

    #[test]
    fn a_review_of_an_offer_or_of_pay_is_no_review_of_a_person() {
        let review = &RULES[0];
        assert!(review.fires(&Words::of("Final review")).is_some());
        assert!(review.fires(&Words::of("Offers review")).is_none());
        assert!(review.fires(&Words::of("Compensation review")).is_none());
    }
}
