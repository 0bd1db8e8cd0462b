//! The diversity survey of the account. Lever: "Diversity surveys"; fixture `diversity-survey.get.json`.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field};
use crate::random::Random;
use crate::world::{Posting, World};

/// Where it is asked.
const COUNTRIES: [&str; 2] = ["US", "CA"];
const MADE_AT: i64 = 1_700_000_000_000;

/// Lists the surveys of a posting: the one of the account where it is asked, else none.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = call.id(0);
    let posting = world.account.posting(id);
    let posting = posting.ok_or_else(|| Refusal::not_found("postings", id))?;
    if posting.confidential && !call.confidential {
        return Err(Refusal::confidential());
    }
    let location = call.query.one("location");
    if location.is_some_and(|location| posting.categories.location.as_deref() != Some(location)) {
        return Err(Refusal::bad_request(
            "Invalid value for parameter: location",
        ));
    }
    let country = call.query.one("country_code");
    let asked = match country {
        Some(country) => COUNTRIES.contains(&country),
        None => asked_for(posting),
    };
    let surveys: Vec<Value> = asked.then(survey).into_iter().collect();
    Ok(Answer::record(json!(surveys)))
}

fn asked_for(posting: &Posting) -> bool {
    posting
        .country
        .is_some_and(|country| COUNTRIES.contains(&country))
}

/// Checks the survey answers of an application, if it has any.
pub(super) fn check(posting: &Posting, fields: Fields<'_>) -> Result<(), Refusal> {
    let Some(given) = fields.typed("diversitySurvey", Value::as_object)? else {
        return Ok(());
    };
    let survey = survey();
    let responses = given.get("responses").and_then(Value::as_array);
    let known = |response: &Value| {
        let questions = survey["fields"].as_array();
        let mut ids = questions
            .into_iter()
            .flatten()
            .map(|question| &question["id"]);
        ids.any(|id| response.get("questionId") == Some(id))
    };
    let place = given
        .get("candidateSelectedLocation")
        .and_then(Value::as_str);
    let asked = place.map_or_else(|| asked_for(posting), |place| COUNTRIES.contains(&place));
    let fits = given.get("surveyId") == Some(&survey["id"])
        && asked
        && responses.is_some_and(|responses| responses.iter().all(known));
    if fits {
        Ok(())
    } else {
        Err(bad_field("diversitySurvey"))
    }
}

fn survey() -> Value {
    let mut random = Random::of(0, "diversity survey");
    let id = random.uuid();
    let mut question = |kind: &str, text: &str, options: &[&str]| {
        let option = |text: &&str| json!({ "text": text });
        json!({
            "id": random.uuid(),
            "type": kind,
            "text": text,
            "description": "",
            "required": false,
            "options": options.iter().map(option).collect::<Vec<_>>(),
        })
    };
    let ages = ["18-25", "26-40", "41+", "Prefer not to say"];
    let fields = [
        question("multiple-choice", "Age range", &ages),
        question(
            "multiple-select",
            "Languages",
            &["English", "Spanish", "Other"],
        ),
    ];
    json!({
        "id": id,
        "createdAt": MADE_AT,
        "updatedAt": MADE_AT,
        "text": "Demographic survey",
        "candidateLocations": { "countryCodes": COUNTRIES },
        "instructions": "Optional.",
        "fields": fields,
    })
}
