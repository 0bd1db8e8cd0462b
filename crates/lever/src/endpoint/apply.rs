//! Applying to a posting.

use std::collections::BTreeMap;

use serde_json::Value;

use super::table::{bodies, calls};
use crate::page::Record;
use crate::{Applied, ApplyForm, PostingId};

calls! {
    /// Reads what an applicant is asked; needed to apply.
    ///
    /// Lever: "Retrieve posting application questions", `GET /postings/:posting/apply`.
    GetApplyForm(posting: PostingId) = GET_POSTING_APPLY_FORM => Record<ApplyForm> {
        only location: String, "Only EEO questions asked at this place of the posting.";
        only distribution: String, "Only questions asked there: `internal` or `external`.";
    }

    /// Applies to a posting for somebody. Sent twice the person applies twice.
    ///
    /// Lever: "Apply to a posting", `POST /postings/:posting/apply`; fixture `apply.request.json`.
    ApplyToPosting(posting: PostingId) = APPLY_TO_POSTING => Record<Applied>, sends ApplicationWrite {
        flag send_confirmation_email: bool, "Write to the applicant; otherwise nobody does.";
    }
}

bodies! {
    /// An application to hand in.
    ///
    /// The answers must fit the form ([`GetApplyForm`]). A file is answered by the `uri` of an
    /// [upload](crate::UploadFile).
    #[derive(Default)]
    struct ApplicationWrite
    must {
        /// Name and address at least: `fullName`, `email`.
        personal_information: Vec<Answered>,
    }
    may {
        /// The answers to the EEO questions, by the names the form gives them.
        eeo_responses: BTreeMap<String, String>,
        /// Where the applicant was on the net.
        ip_address: String,
        /// The source.
        source: String,
        /// What the applicant agreed to.
        consent: ConsentWrite,
        /// The answers to a diversity survey.
        diversity_survey: SurveyWrite,
        /// `applied` or `internal`.
        origin: String,
        /// The applicant's time zone; one that is none is refused.
        timezone: String,
        /// The applicant's browser.
        user_agent: String,
        /// The languages the browser asked for.
        accept_language: String,
        /// The page the applicant came from.
        referer: String,
    }
    lists {
        /// The answers to the posting's own questions.
        custom_questions: AnsweredSet,
        /// Links, by the names the form gives them.
        urls: Answered,
    }

    /// The answer to a question with a name.
    struct Answered
    must {
        /// The name, such as `fullName`.
        name: String,
        /// The answer.
        value: Value,
    }

    /// The answers to questions asked together.
    struct AnsweredSet
    must {
        /// Which questions.
        id: String,
        /// The answers: all of them, in the order of the questions.
        fields: Vec<AnsweredField>,
    }

    /// The answer to one question of a set.
    struct AnsweredField
    must {
        /// The answer, null for none.
        value: Value,
    }

    /// What an applicant agreed to.
    struct ConsentWrite
    may {
        /// That the data are kept.
        store: Consent,
        /// That the data are used to write to them.
        marketing: Consent,
    }

    /// Whether an applicant agreed.
    struct Consent
    must {
        /// Whether they did.
        provided: bool,
    }
    may {
        /// The policy that was shown.
        compliance_policy_id: String,
    }

    /// The answers to a diversity survey.
    struct SurveyWrite
    must {
        /// Which survey.
        survey_id: String,
        /// The answers.
        responses: Vec<SurveyAnswer>,
    }
    may {
        /// Where the applicant says to be.
        candidate_selected_location: String,
    }

    /// The answer to one question of a survey.
    struct SurveyAnswer
    must {
        /// Which question.
        question_id: String,
        /// What was asked.
        question_text: String,
        /// The kind of the answer.
        question_type: String,
        /// The answer.
        answer: Value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;
    use serde_json::json;

    #[test]
    fn the_form_is_asked_for_by_place_and_audience() {
        let get = GetApplyForm {
            posting: "p1".into(),
            location: Some("Oslo".to_owned()),
            distribution: Some("external".to_owned()),
        };
        let expected = "GET /postings/p1/apply?location=Oslo&distribution=external";
        assert_eq!(sent(&get), (expected.to_owned(), None));
    }

    #[test]
    fn an_application_is_handed_in_with_what_was_answered() {
        let text = |text: &str| text.to_owned();
        let answered = |name: &str, value: &str| Answered {
            name: name.to_owned(),
            value: value.into(),
        };
        let apply = ApplyToPosting {
            posting: "p1".into(),
            send_confirmation_email: true,
            body: ApplicationWrite {
                personal_information: vec![answered("fullName", "Ada")],
                eeo_responses: Some([(text("gender"), text("x"))].into()),
                consent: Some(ConsentWrite {
                    store: Some(Consent {
                        provided: true,
                        compliance_policy_id: Some(text("c1")),
                    }),
                    marketing: None,
                }),
                diversity_survey: Some(SurveyWrite {
                    survey_id: text("s1"),
                    responses: vec![SurveyAnswer {
                        question_id: text("q1"),
                        question_text: text("Age range"),
                        question_type: text("multiple-choice"),
                        answer: json!("26-40"),
                    }],
                    candidate_selected_location: Some(text("US")),
                }),
                custom_questions: vec![AnsweredSet {
                    id: text("q2"),
                    fields: vec![AnsweredField {
                        value: json!(["a", "b"]),
                    }],
                }],
                urls: vec![answered("LinkedIn", "https://example.com/in/ada")],
                timezone: Some(text("UTC")),
                ..ApplicationWrite::default()
            },
        };
        let body = json!({
            "personalInformation": [{"name": "fullName", "value": "Ada"}],
            "eeoResponses": {"gender": "x"},
            "consent": {"store": {"provided": true, "compliancePolicyId": "c1"}},
            "diversitySurvey": {"surveyId": "s1", "candidateSelectedLocation": "US", "responses": [
                {"questionId": "q1", "questionText": "Age range", "questionType": "multiple-choice", "answer": "26-40"},
            ]},
            "customQuestions": [{"id": "q2", "fields": [{"value": ["a", "b"]}]}],
            "urls": [{"name": "LinkedIn", "value": "https://example.com/in/ada"}],
            "timezone": "UTC",
        });
        let expected = "POST /postings/p1/apply?send_confirmation_email=true".to_owned();
        assert_eq!(sent(&apply), (expected, Some(body)));
        assert!(!format!("{apply:?}").contains("Ada"));
    }
}
