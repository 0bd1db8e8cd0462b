//! The form of a posting: what an applicant is asked. Fixtures `posting-apply.*.json`.
//!
//! A posting's form is drawn from its id, so that postings made later have one too.

use serde_json::{Value, json};

use super::posting::Posting;
use crate::random::Random;

/// What is asked of everybody: text, name, kind, required.
const PERSONAL: [(&str, &str, &str, bool); 7] = [
    ("Full name", "fullName", "text", true),
    ("Email", "email", "text", true),
    ("Current company", "currentCompany", "text", false),
    ("Current location", "currentLocation", "text", false),
    ("Phone", "phone", "text", false),
    ("Resume", "resume", "file-upload", false),
    (
        "Additional information",
        "additionalInformation",
        "textarea",
        false,
    ),
];
const URLS: [&str; 2] = ["LinkedIn", "Other"];

const DEGREES: &[&str] = &[
    "High school graduate, diploma or equivalent",
    "Associate degree",
    "Bachelor’s degree",
    "Master’s degree",
    "Doctorate degree",
];
const SKILLS: &[&str] = &["JavaScript", "Ruby", "Rust", "SQL"];
const DECLINE: &str = "Decline to self-identify";
/// Where applicants consent to a privacy policy.
const PRIVACY: [&str; 3] = ["DE", "GB", "GR"];
/// An answer, and what it means where that needs a word.
type Choice = (&'static str, Option<&'static str>);
/// Name, text, options. Only the enabled questions of Lever's six, as recorded.
const EEO: [(&str, &str, &[Choice]); 3] = [
    (
        "gender",
        "Gender",
        &[("Female", None), ("Male", None), (DECLINE, None)],
    ),
    (
        "race",
        "Race",
        &[
            (
                "Hispanic or Latino",
                Some("Of a Spanish culture or origin, whatever the race."),
            ),
            (
                "White (Not Hispanic or Latino)",
                Some("Of an origin in Europe, the Middle East or North Africa."),
            ),
            (
                "Black or African American (Not Hispanic or Latino)",
                Some("Of an origin in Africa."),
            ),
            (
                "Asian (Not Hispanic or Latino)",
                Some("Of an origin in Asia."),
            ),
            (
                "Two or More Races (Not Hispanic or Latino)",
                Some("Of more than one of these."),
            ),
            (DECLINE, None),
        ],
    ),
    (
        "veteran",
        "Veteran status",
        &[
            ("I am a veteran", None),
            ("I am not a veteran", None),
            (DECLINE, None),
        ],
    ),
];

/// One question of a custom set.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) text: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) required: bool,
    pub(crate) options: &'static [&'static str],
}

impl Question {
    /// The question with an answer, or with none as a form shows it.
    pub(crate) fn json(&self, value: &Value) -> Value {
        let mut json = json!({
            "description": "",
            "required": self.required,
            "text": self.text,
            "type": self.kind,
            "id": self.id,
            "prompt": "",
        });
        if !self.options.is_empty() {
            json["options"] = options(self.options);
        }
        json["value"] = value.clone();
        json
    }
}

/// A custom question set. Its answers are matched by order.
#[derive(Debug, Clone)]
pub(crate) struct QuestionSet {
    pub(crate) id: String,
    pub(crate) text: &'static str,
    pub(crate) questions: Vec<Question>,
    distribution: &'static [&'static str],
}

impl QuestionSet {
    fn json(&self) -> Value {
        let questions = self.questions.iter().map(|it| it.json(&Value::Null));
        json!({
            "id": self.id,
            "text": self.text,
            "fields": questions.collect::<Vec<_>>(),
            "distribution": self.distribution,
        })
    }

    fn shown_on(&self, distribution: Option<&str>) -> bool {
        distribution.is_none_or(|wanted| self.distribution.contains(&wanted))
    }
}

/// All that is asked.
#[derive(Debug, Clone)]
pub(crate) struct ApplyForm {
    posting: String,
    text: String,
    pub(crate) sets: Vec<QuestionSet>,
    /// Whether the questions of equal opportunity are asked: for jobs in the United States.
    pub(crate) eeo: bool,
    /// The privacy policy an applicant consents to.
    pub(crate) policy: Option<String>,
}

impl ApplyForm {
    pub(crate) fn of(posting: &Posting) -> ApplyForm {
        let mut random = Random::of(0, &posting.id);
        let mut sets = Vec::new();
        if random.percent(50) {
            sets.push(education(&mut random));
        }
        if random.percent(35) {
            sets.push(experience(&mut random));
        }
        let private = posting.country.is_some_and(|it| PRIVACY.contains(&it));
        let policy = private.then(|| random.uuid());
        ApplyForm {
            posting: posting.id.clone(),
            text: posting.text.clone(),
            sets,
            eeo: posting.country == Some("US"),
            policy,
        }
    }

    /// The form as it is shown to one audience, with the EEO questions or without.
    pub(crate) fn json(&self, distribution: Option<&str>, eeo: bool) -> Value {
        let sets = self.sets.iter().filter(|set| set.shown_on(distribution));
        let mut json = json!({
            "id": self.posting,
            "text": self.text,
            "customQuestions": sets.map(QuestionSet::json).collect::<Vec<_>>(),
        });
        if eeo && self.eeo {
            json["eeoQuestions"] = eeo_questions();
        }
        let personal =
            PERSONAL.map(|(text, name, kind, required)| field(text, name, kind, required));
        json["personalInformation"] = json!(personal);
        json["urls"] = json!(URLS.map(|name| field(name, name, "text", false)));
        json["consentDisclosures"] = json!(self.policy.as_ref().map(|policy| disclosures(policy)));
        json
    }
}

/// Whether `personalInformation` asks for this, and whether the answer is required.
pub(crate) fn personal_field(name: &str) -> Option<bool> {
    let mut all = PERSONAL.iter();
    all.find(|(_, known, ..)| *known == name)
        .map(|(.., required)| *required)
}

/// The names of `personalInformation` that must be answered.
pub(crate) fn required_fields() -> impl Iterator<Item = &'static str> {
    let required = PERSONAL.iter().filter(|(.., required)| *required);
    required.map(|(_, name, ..)| *name)
}

/// Whether `urls` asks for this.
pub(crate) fn url_field(name: &str) -> bool {
    URLS.contains(&name)
}

/// Whether this is an answer to this EEO question.
pub(crate) fn eeo_answer(question: &str, answer: &str) -> bool {
    let mut all = EEO.iter();
    let found = all.find(|(name, ..)| *name == question);
    found.is_some_and(|(.., options)| options.iter().any(|(text, _)| *text == answer))
}

fn education(random: &mut Random) -> QuestionSet {
    QuestionSet {
        id: random.uuid(),
        text: "Education",
        distribution: &["external"],
        questions: vec![
            Question {
                id: random.uuid(),
                text: "What is your highest level of education?",
                kind: "dropdown",
                required: false,
                options: DEGREES,
            },
            Question {
                id: random.uuid(),
                text: "What university did you attend?",
                kind: "university",
                required: false,
                options: &[],
            },
        ],
    }
}

fn experience(random: &mut Random) -> QuestionSet {
    QuestionSet {
        id: random.uuid(),
        text: "Experience",
        distribution: &["external", "internal"],
        questions: vec![
            Question {
                id: random.uuid(),
                text: "How long have you worked in this field?",
                kind: "text",
                required: true,
                options: &[],
            },
            Question {
                id: random.uuid(),
                text: "What do you know well?",
                kind: "multiple-select",
                required: false,
                options: SKILLS,
            },
        ],
    }
}

fn field(text: &str, name: &str, kind: &str, required: bool) -> Value {
    json!({ "text": text, "name": name, "type": kind, "required": required, "value": null })
}

fn options(texts: &[&str]) -> Value {
    let option = |text: &&str| json!({ "text": text });
    Value::Array(texts.iter().map(option).collect())
}

fn eeo_questions() -> Value {
    let option = |(text, description): &Choice| {
        let mut option = json!({ "text": text, "optionId": text });
        if let Some(description) = description {
            option["description"] = json!(description);
        }
        option
    };
    let question = |(name, text, options): (&str, &str, &[Choice])| {
        let question = json!({
            "description": null,
            "required": false,
            "text": text,
            "type": "dropdown",
            "options": options.iter().map(option).collect::<Vec<_>>(),
            "prompt": text,
            "value": null,
        });
        (name.to_owned(), question)
    };
    Value::Object(EEO.map(question).into_iter().collect())
}

fn disclosures(policy: &str) -> Value {
    let disclosure = |statement: &str, state: &str| {
        json!({
            "statement": statement,
            "statementHtml": format!("<p>{statement}</p>"),
            "displayState": state,
            "compliancePolicyId": policy,
        })
    };
    json!({
        "store": disclosure("We keep your data for a year.", "MANDATORY_DISCLOSURE_SHOWN"),
        "marketing": disclosure("We may tell you of other jobs.", "ASSUMED_DISCLOSURE_HIDDEN"),
    })
}
