//! What came with the applications: referral forms, EEO answers, answers to a posting's questions.

use serde_json::{Value, json};

use crate::config::Children;
use crate::random::Random;
use crate::world::{Application, Eeo, Growth, Opportunity, RELATIONSHIPS, Referral, World};

/// Gives the application of a new opportunity what its person and its referrer wrote.
pub(super) fn give(growth: Growth, world: &World, opportunity: &mut Opportunity) {
    let anonymized = world.contact_of(opportunity).anonymized;
    if growth.level == Children::None || anonymized {
        return;
    }
    let Some(application) = &mut opportunity.application else {
        return;
    };
    let mut random = Random::of(growth.seed, &application.id);
    let full = growth.level == Children::Full;
    match application.kind {
        "referral" => {
            application.referral = referral(&mut random, world, application, &opportunity.stage)
        }
        "posting" => {
            application.eeo = random
                .percent(30)
                .then(|| Box::new(eeo(&mut random, application.created_at)));
            if random.percent(if full { 60 } else { 8 }) {
                application.questions = questions(&mut random, application.created_at);
            }
        }
        _ => {}
    }
}

fn referral(
    random: &mut Random,
    world: &World,
    application: &Application,
    stage: &str,
) -> Option<Box<Referral>> {
    let referrer = world.account.user(application.user.as_deref()?)?;
    Some(Box::new(Referral {
        id: random.uuid(),
        referrer: referrer.id.clone(),
        referrer_name: Some(referrer.name.clone()),
        relationship: Some(*random.pick::<&str>(&RELATIONSHIPS)),
        comments: random.percent(50).then_some("Great to work with."),
        stage: stage.to_owned(),
        created_at: application.created_at,
    }))
}

/// Every question may be left open.
fn eeo(random: &mut Random, applied_at: i64) -> Eeo {
    let mut answer = |choices: &[&str]| {
        random
            .percent(70)
            .then(|| (*random.pick(choices)).to_owned())
    };
    Eeo {
        gender: answer(&["Female", "Male", "Decline to self-identify"]),
        race: answer(&[
            "Asian",
            "White",
            "Two or More Races",
            "Decline to self-identify",
        ]),
        veteran: answer(&["I am a veteran", "I am not a veteran"]),
        disability: answer(&["Yes", "No", "I do not wish to answer"]),
        responded_at: applied_at + 60,
    }
}

/// One set of questions. Lever: "Applications", `customQuestions`.
fn questions(random: &mut Random, at: i64) -> Vec<Value> {
    let travel = random.pick(&["Yes", "No"]);
    let field = |id: String, kind: &str, text: &str, value: Value| json!({ "type": kind, "text": text, "description": "", "required": true, "id": id, "value": value });
    let mut choice = field(
        random.uuid(),
        "multiple-choice",
        "Are you willing to travel?",
        json!(travel),
    );
    choice["options"] = json!([{ "text": "Yes" }, { "text": "No" }]);
    let years = random.between(0, 20).to_string();
    let fields = [
        choice,
        field(random.uuid(), "text", "Years of experience", json!(years)),
    ];
    vec![json!({
        "id": random.uuid(),
        "type": "posting",
        "text": "Application questions",
        "instructions": "",
        "fields": fields,
        "baseTemplateId": random.uuid(),
        "user": null,
        "referrer": null,
        "stage": null,
        "createdAt": at,
        "completedAt": at,
    })]
}
