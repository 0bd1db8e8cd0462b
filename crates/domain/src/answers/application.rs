//! Applying to a posting for somebody.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use lever::{ApplyForm, FormOption, FormQuestion, QuestionSet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Question, filled, value};
use crate::Violation;
use crate::identity::IdentityKey;

/// An application as it is asked for.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ApplicationAsk {
    /// Answers to all questions but those for equal opportunity.
    pub answers: Vec<Answer>,
    /// Answers to the questions for equal opportunity, by Lever's name of the question.
    pub eeo: BTreeMap<String, String>,
    /// Whether the person agreed that the data are kept.
    pub store: Option<bool>,
    /// Whether the person agreed to be written to.
    pub marketing: Option<bool>,
    /// The source that Lever shows.
    pub source: Option<String>,
    /// `applied` or `internal`.
    pub origin: Option<String>,
    /// Where the applicant was on the net.
    pub ip_address: Option<String>,
    /// The applicant's time zone, by its IANA name.
    pub time_zone: Option<String>,
    /// The applicant's browser.
    pub user_agent: Option<String>,
    /// The languages that browser asked for.
    pub accept_language: Option<String>,
    /// The page the applicant came from.
    pub referer: Option<String>,
    /// Whether Lever writes to the applicant.
    pub send_confirmation_email: bool,
}

impl fmt::Debug for ApplicationAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationAsk").finish_non_exhaustive()
    }
}

/// The answers of an application, each where Lever wants it.
#[derive(Clone, PartialEq)]
pub struct Application {
    /// Name, address and the like, by Lever's names; only what is answered.
    pub personal: Vec<(String, Value)>,
    /// Links by Lever's names; only what is answered.
    pub urls: Vec<(String, Value)>,
    /// The posting's own questions: for each set that is answered its id, and a value for every question in order.
    pub sets: Vec<(String, Vec<Value>)>,
    /// Answers to the questions for equal opportunity, by Lever's names.
    pub eeo: BTreeMap<String, String>,
    /// Whether the data may be kept.
    pub store: Option<Consented>,
    /// Whether the person may be written to.
    pub marketing: Option<Consented>,
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").finish_non_exhaustive()
    }
}

/// What a person said to a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consented {
    /// Whether they agreed.
    pub provided: bool,
    /// Lever's id of the policy that the form shows.
    pub policy: Option<String>,
}

/// Puts the answers where the form of the posting wants them.
///
/// A set of questions that is not shown to such applicants (`distribution`) may stay open.
///
/// # Errors
/// Each answer that fits no question, or not its question, as `answers[index]`; each required question left open, the
/// full name and the e-mail among them, as `answers`; `eeo_responses[name]`, `consent_to_store`,
/// `consent_to_marketing`, `origin`, `ip_address` and `timezone` where these do not fit.
pub fn application(
    form: &ApplyForm,
    asked: &ApplicationAsk,
) -> Result<Application, Vec<Violation>> {
    let internal = asked.origin.as_deref() == Some("internal");
    let questions = questions(form, internal);
    let mut violations = Vec::new();
    let values = filled("answers", &questions, &asked.answers).unwrap_or_else(|found| {
        violations.extend(found);
        vec![Value::Null; questions.len()]
    });
    let values = Values::split(form, values);
    if violations.is_empty() && !values.has_address() {
        let message = "the question email needs an e-mail address";
        violations.push(Violation::new("answers", message));
    }
    let eeo = eeo(form, &asked.eeo).unwrap_or_else(|found| {
        violations.extend(found);
        BTreeMap::new()
    });
    let mut consent = |kind: &str, given: Option<bool>| {
        consent(form, kind, given).unwrap_or_else(|found| {
            violations.push(found);
            None
        })
    };
    let store = consent("store", asked.store);
    let marketing = consent("marketing", asked.marketing);
    violations.extend(circumstances(asked));
    if !violations.is_empty() {
        return Err(violations);
    }
    Ok(Application {
        personal: values.personal,
        urls: values.urls,
        sets: values.sets,
        eeo,
        store,
        marketing,
    })
}

/// All questions with names or ids, in the order of the form.
fn questions(form: &ApplyForm, internal: bool) -> Vec<Question<'_>> {
    let named = form.personal_information.iter().chain(&form.urls);
    let named = named.filter(|it| it.name.is_some()).map(of_person);
    let own = form.custom_questions.iter().flat_map(move |set| {
        let shown = is_shown(set, internal);
        set.fields.iter().map(move |it| Question {
            id: it.id.as_deref().unwrap_or_default(),
            required: it.required && shown,
            ..of_person(it)
        })
    });
    named.chain(own).collect()
}

/// A question that goes by its name. Lever itself needs name and address, whatever the form says.
fn of_person(question: &FormQuestion) -> Question<'_> {
    let name = question.name.as_deref().unwrap_or_default();
    Question {
        id: name,
        text: &question.text,
        kind: &question.kind,
        required: question.required || matches!(name, "fullName" | "email"),
        options: &question.options,
    }
}

fn is_shown(set: &QuestionSet, internal: bool) -> bool {
    let audience = if internal { "internal" } else { "external" };
    set.distribution.is_empty() || set.distribution.iter().any(|shown| shown == audience)
}

/// The values of a form by its parts.
struct Values {
    personal: Vec<(String, Value)>,
    urls: Vec<(String, Value)>,
    sets: Vec<(String, Vec<Value>)>,
}

impl Values {
    /// Takes apart what [`questions`] has put together.
    fn split(form: &ApplyForm, values: Vec<Value>) -> Values {
        let mut values = values.into_iter();
        let mut named = |questions: &[FormQuestion]| -> Vec<(String, Value)> {
            let names = questions.iter().filter_map(|it| it.name.clone());
            let pairs: Vec<_> = names.zip(values.by_ref()).collect();
            pairs.into_iter().filter(|(_, it)| !it.is_null()).collect()
        };
        let (personal, urls) = (named(&form.personal_information), named(&form.urls));
        let sets = form.custom_questions.iter().filter_map(|set| {
            let answers: Vec<Value> = values.by_ref().take(set.fields.len()).collect();
            let answered = answers.iter().any(|answer| !answer.is_null());
            let id = set.id.clone()?;
            answered.then_some((id, answers))
        });
        Values {
            sets: sets.collect(),
            personal,
            urls,
        }
    }

    fn has_address(&self) -> bool {
        let mut personal = self.personal.iter();
        let email = personal.find(|(name, _)| name == "email");
        let email = email.and_then(|(_, value)| value.as_str());
        email.and_then(IdentityKey::email).is_some()
    }
}

/// One question for equal opportunity, as far as its answers are concerned.
#[derive(Deserialize)]
struct EeoQuestion {
    #[serde(default)]
    text: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    options: Vec<FormOption>,
}

fn eeo(
    form: &ApplyForm,
    answers: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<Violation>> {
    // Null where the questions are switched off; one that cannot be read is not asked.
    let asked = form.eeo_questions.as_object().into_iter().flatten();
    let asked = asked.filter_map(|(name, question)| {
        let question: EeoQuestion = EeoQuestion::deserialize(question).ok()?;
        Some((name.as_str(), question))
    });
    let asked: BTreeMap<&str, EeoQuestion> = asked.collect();
    let (mut fitted, mut violations) = (BTreeMap::new(), Vec::new());
    for (name, answer) in answers {
        let field = format!("eeo_responses[{name}]");
        match asked.get(name.as_str()).map(|it| it.fitted(name, answer)) {
            Some(Ok(answer)) => {
                fitted.insert(name.clone(), answer);
            }
            Some(Err(message)) => violations.push(Violation::new(field, message)),
            None => violations.push(Violation::new(field, "the posting does not ask this")),
        }
    }
    let open = asked
        .iter()
        .filter(|(name, it)| it.required && !answers.contains_key(**name));
    violations.extend(
        open.map(|(name, _)| {
            Violation::new(format!("eeo_responses[{name}]"), "it must be answered")
        }),
    );
    if violations.is_empty() {
        Ok(fitted)
    } else {
        Err(violations)
    }
}

impl EeoQuestion {
    fn fitted(&self, name: &str, answer: &str) -> Result<String, String> {
        let question = Question {
            id: name,
            text: &self.text,
            kind: if self.options.is_empty() {
                "text"
            } else {
                "dropdown"
            },
            required: self.required,
            options: &self.options,
        };
        let value = value::fitted(&question, &Value::from(answer))?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }
}

/// What was said to the policy of the form.
fn consent(
    form: &ApplyForm,
    kind: &str,
    given: Option<bool>,
) -> Result<Option<Consented>, Violation> {
    let Some(provided) = given else {
        return Ok(None);
    };
    let Some(policy) = form.consent_disclosures.get(kind) else {
        let field = format!("consent_to_{kind}");
        return Err(Violation::new(
            field,
            "the posting shows no such policy: leave it out",
        ));
    };
    let policy = policy.get("compliancePolicyId").and_then(Value::as_str);
    Ok(Some(Consented {
        provided,
        policy: policy.map(str::to_owned),
    }))
}

fn circumstances(asked: &ApplicationAsk) -> Vec<Violation> {
    let mut violations = Vec::new();
    let origin = asked.origin.as_deref();
    if origin.is_some_and(|origin| !matches!(origin, "applied" | "internal")) {
        let message = "give applied or internal, or leave it out";
        violations.push(Violation::new("origin", message));
    }
    let address = asked.ip_address.as_deref();
    if address.is_some_and(|address| address.parse::<IpAddr>().is_err()) {
        let message = "give an IP address such as 203.0.113.7 or 2001:db8::7, or leave it out";
        violations.push(Violation::new("ip_address", message));
    }
    let zone = asked.time_zone.as_deref();
    if zone.is_some_and(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
        let message = "give a time zone such as Europe/Oslo, or leave it out";
        violations.push(Violation::new("timezone", message));
    }
    violations
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form() -> ApplyForm {
        let named = |name: &str, required: bool| json!({"text": name, "name": name, "type": "text", "required": required});
        serde_json::from_value(json!({
            "id": "p", "text": "Engineer",
            "personalInformation": [named("fullName", true), named("email", false), named("phone", false)],
            "urls": [named("LinkedIn", false)],
            "customQuestions": [
                {"id": "s1", "text": "Experience", "distribution": ["external", "internal"], "fields": [
                    {"id": "q1", "text": "How long?", "type": "text", "required": true},
                    {"id": "q2", "text": "What?", "type": "multiple-select", "options": [{"text": "Rust"}, {"text": "SQL"}]}]},
                {"id": "s2", "text": "Colleagues", "distribution": ["internal"], "fields": [
                    {"id": "q3", "text": "Which team?", "type": "text", "required": true}]},
                {"id": "s3", "text": "Education", "fields": [
                    {"id": "q4", "text": "Degree?", "type": "text"}]}
            ],
            "eeoQuestions": {"gender": {"type": "dropdown", "text": "Gender", "options": [{"text": "Female"}, {"text": "Male"}]}},
            "consentDisclosures": {"store": {"compliancePolicyId": "c1"}}
        }))
        .unwrap()
    }

    fn asked(answers: Value) -> ApplicationAsk {
        ApplicationAsk {
            answers: serde_json::from_value(answers).unwrap(),
            ..ApplicationAsk::default()
        }
    }

    fn enough() -> Value {
        json!([
            {"question": "fullName", "value": "Ada"}, {"question": "email", "value": "ada@example.com"},
            {"question": "how long?", "value": "Ten years"}
        ])
    }

    fn fields(asked: &ApplicationAsk) -> Vec<String> {
        let violations = application(&form(), asked).unwrap_err();
        violations.into_iter().map(|it| it.field).collect()
    }

    #[test]
    fn answers_go_where_lever_wants_them_and_sets_are_whole() {
        let mut answers = enough();
        let list = answers.as_array_mut().unwrap();
        list.push(json!({"question": "LinkedIn", "value": "https://example.com/ada"}));
        let asked = ApplicationAsk {
            eeo: [("gender".to_owned(), "female".to_owned())].into(),
            store: Some(true),
            ..asked(answers)
        };
        let placed = application(&form(), &asked).unwrap();
        let pair = |name: &str, value: Value| (name.to_owned(), value);
        assert_eq!(
            placed.personal,
            [
                pair("fullName", json!("Ada")),
                pair("email", json!("ada@example.com"))
            ]
        );
        assert_eq!(
            placed.urls,
            [pair("LinkedIn", json!("https://example.com/ada"))]
        );
        let set = vec![json!("Ten years"), Value::Null];
        assert_eq!(placed.sets, [("s1".to_owned(), set)]);
        assert_eq!(placed.eeo["gender"], "Female");
        let agreed = Consented {
            provided: true,
            policy: Some("c1".to_owned()),
        };
        assert_eq!((placed.store, placed.marketing), (Some(agreed), None));
    }

    #[test]
    fn what_is_required_of_such_an_applicant_must_be_answered() {
        assert_eq!(fields(&asked(json!([]))), ["answers", "answers", "answers"]);
        assert!(application(&form(), &asked(enough())).is_ok());
        let colleague = ApplicationAsk {
            origin: Some("internal".to_owned()),
            ..asked(enough())
        };
        let told = application(&form(), &colleague).unwrap_err();
        assert_eq!(told[0].message, "\"Which team?\" must be answered");
    }

    #[test]
    fn what_does_not_fit_names_its_field() {
        let mut answers = enough();
        answers[1]["value"] = json!("no address");
        assert_eq!(fields(&asked(answers)), ["answers"]);
        let wrong = ApplicationAsk {
            eeo: [("gender", "x"), ("race", "y")]
                .map(|(name, answer)| (name.to_owned(), answer.to_owned()))
                .into(),
            marketing: Some(false),
            origin: Some("referred".to_owned()),
            ip_address: Some("zz".to_owned()),
            time_zone: Some("Nowhere/Land".to_owned()),
            ..asked(enough())
        };
        assert_eq!(
            fields(&wrong),
            [
                "eeo_responses[gender]",
                "eeo_responses[race]",
                "consent_to_marketing",
                "origin",
                "ip_address",
                "timezone"
            ]
        );
        for address in ["203.0.113.7", "2001:db8::7"] {
            let right = ApplicationAsk {
                ip_address: Some(address.to_owned()),
                ..asked(enough())
            };
            assert!(application(&form(), &right).is_ok(), "{address}");
        }
    }
}
