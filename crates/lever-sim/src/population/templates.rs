//! The templates of the account: what interviewers and recruiters are asked.

use serde_json::{Value, json};

use crate::random::Random;
use crate::world::{Account, Group, NO_FEEDBACK, Template};

const DAY: i64 = 86_400_000;

/// The groups on the settings page.
const GROUPS: &[&str] = &["On-site Interviews", "Phone Screens", "Offers"];

pub(super) fn make(random: &mut Random, account: &mut Account, now: i64) {
    let group = |name: &&'static str| Group {
        id: random.uuid(),
        name,
    };
    account.groups = GROUPS.iter().map(group).collect();
    let group = |nth: usize| Some(account.groups[nth].clone());
    let built_in = Template {
        id: NO_FEEDBACK.to_owned(),
        created_at: None,
        ..template(random, "No feedback form", None, Vec::new(), now)
    };
    let feedback = [
        (
            "General On-site Interview",
            group(0),
            vec![rating(), skills(), thoughts()],
        ),
        ("HM Phone Screen", group(1), vec![rating(), thoughts()]),
        (
            "Technical Interview",
            group(0),
            vec![rating(), languages(), pair(), thoughts()],
        ),
    ];
    account.feedback_templates = feedback
        .map(|(text, group, fields)| template(random, text, group, fields, now))
        .into();
    account.feedback_templates.push(built_in);
    let mut report = template(random, "Status report", None, vec![industry()], now);
    report.secret_by_default = true;
    let offer = vec![start(), compensation(), relocating(), notes()];
    account.form_templates = vec![
        template(random, "Offer information", group(2), offer, now),
        report,
    ];
}

fn template(
    random: &mut Random,
    text: &str,
    group: Option<Group>,
    mut fields: Vec<Value>,
    now: i64,
) -> Template {
    for field in &mut fields {
        field["id"] = json!(random.uuid());
    }
    Template {
        id: random.uuid(),
        text: text.to_owned(),
        instructions: String::new(),
        group,
        fields,
        created_at: Some(now - random.between(200, 900) * DAY),
        updated_at: None,
        made_by_api: false,
        secret_by_default: false,
    }
}

/// A field with what is particular to its kind.
fn field(kind: &str, text: &str, required: bool, more: Value) -> Value {
    let mut field =
        json!({ "description": "", "required": required, "text": text, "type": kind, "id": "" });
    if let (Some(field), Value::Object(more)) = (field.as_object_mut(), more) {
        field.extend(more);
    }
    field
}

fn options(texts: &[&str]) -> Value {
    texts.iter().map(|text| json!({ "text": text })).collect()
}

fn rating() -> Value {
    let choices = [
        "4 - Strong Hire",
        "3 - Hire",
        "2 - No Hire",
        "1 - Strong No Hire",
    ];
    let more = json!({ "prompt": "Select one", "options": options(&choices) });
    field("score-system", "Rating", false, more)
}

fn skills() -> Value {
    let skill = |text: &str, description: &str| json!({ "text": text, "description": description });
    let scores = [
        skill(
            "Adaptability",
            "Will this person work well when plans change?",
        ),
        skill("Prior success", "How did they do in their previous roles?"),
    ];
    field("scorecard", "", false, json!({ "scores": scores }))
}

fn languages() -> Value {
    let more = json!({ "options": options(&["Rust", "Python", "Java", "None of these"]) });
    field("multiple-select", "Which languages came up?", false, more)
}

fn pair() -> Value {
    field("yes-no", "Would you pair with them?", false, json!({}))
}

fn thoughts() -> Value {
    field("textarea", "Other thoughts?", false, json!({}))
}

fn start() -> Value {
    field("date", "Start date", true, json!({}))
}

fn compensation() -> Value {
    field(
        "currency",
        "Compensation",
        true,
        json!({ "currency": "USD" }),
    )
}

fn relocating() -> Value {
    field("yes-no", "Relocating?", false, json!({}))
}

fn notes() -> Value {
    field("textarea", "Notes", false, json!({}))
}

fn industry() -> Value {
    field("text", "Industry", true, json!({}))
}
