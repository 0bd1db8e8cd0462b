//! What is filled into a form of Lever's, checked against what the form asks.
//!
//! The kinds of questions and the values that fit them are Lever's ("Forms", "Field types"; schema `FormFieldValue`).
//! Values that can mean one thing only are put right: the case of an option, `true` for `yes`, a day for a time.

mod application;
mod profile_form;
mod value;

use std::fmt;

use lever::FormOption;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Violation;
use crate::violation::shortened;

pub use application::{Application, ApplicationAsk, Consented, application};
pub use profile_form::form_values;

/// The answer to one question.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The question: Lever's id or name of it, or its text without regard to case.
    pub question: String,
    /// What is answered, in the form that Lever takes for this kind of question.
    pub value: Value,
}

/// What somebody answers is theirs.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// A question of any form.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    /// Lever's id, or the name it goes by.
    id: &'a str,
    text: &'a str,
    kind: &'a str,
    required: bool,
    options: &'a [FormOption],
}

/// Where an answer belongs.
enum Place {
    At(usize),
    Nowhere,
    /// Several questions have this text.
    Ambiguous,
}

impl Place {
    fn of(name: &str, questions: &[Question<'_>]) -> Place {
        if let Some(at) = questions.iter().position(|question| question.id == name) {
            return Place::At(at);
        }
        let same = |text: &str| text.trim().to_lowercase() == name.trim().to_lowercase();
        let called = |question: &Question<'_>| same(question.text) || same(question.id);
        let numbered = questions.iter().enumerate();
        let mut found = numbered.filter(|(_, question)| called(question));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Place::At(at),
            (None, _) => Place::Nowhere,
            (Some(_), Some(_)) => Place::Ambiguous,
        }
    }
}

/// A value for each of the questions, in their order: null where nothing is answered.
///
/// # Errors
/// Each answer that fits no question, or not its question, as `field[index]`; each open question, as `field`.
fn filled(
    field: &str,
    questions: &[Question<'_>],
    answers: &[Answer],
) -> Result<Vec<Value>, Vec<Violation>> {
    let mut values: Vec<Option<Value>> = vec![None; questions.len()];
    let mut violations = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        let wrong = match Place::of(&answer.question, questions) {
            Place::At(at) if values[at].is_some() => Err("it is answered twice".to_owned()),
            Place::At(at) => {
                let fitted = value::fitted(&questions[at], &answer.value);
                // What is wrong is told once: the question is not open besides.
                let kept = fitted.as_ref().map_or(Value::Bool(false), Value::clone);
                values[at] = Some(kept);
                fitted.map(drop)
            }
            Place::Nowhere => Err(format!("it is not asked: {}", asked(questions))),
            Place::Ambiguous => {
                Err("several questions have this text: name it by Lever's id".to_owned())
            }
        };
        if let Err(message) = wrong {
            violations.push(Violation::new(format!("{field}[{index}]"), message));
        }
    }
    let values: Vec<Value> = values.into_iter().map(Option::unwrap_or_default).collect();
    let open = questions.iter().zip(&values);
    let open = open.filter(|(question, value)| question.required && value.is_null());
    violations.extend(open.map(|(question, _)| {
        let message = format!("\"{}\" must be answered", shortened(question.text));
        Violation::new(field, message)
    }));
    if violations.is_empty() {
        Ok(values)
    } else {
        Err(violations)
    }
}

/// The questions there are, for people.
fn asked(questions: &[Question<'_>]) -> String {
    if questions.is_empty() {
        return "nothing is".to_owned();
    }
    let named = questions
        .iter()
        .map(|question| format!("\"{}\"", shortened(question.text)));
    let named: Vec<String> = named.take(MOST_NAMED).collect();
    let more = if questions.len() > MOST_NAMED {
        ", ..."
    } else {
        ""
    };
    format!("there are {}{more}", named.join(", "))
}

/// How many questions or options a message names.
const MOST_NAMED: usize = 30;
