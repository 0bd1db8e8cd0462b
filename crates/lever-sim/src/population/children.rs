//! The children of one opportunity, made from the seed and its id alone.

use serde_json::{Value, json};

use super::names::COMMENTS;
use super::{meetings, papers};
use crate::config::Children as Level;
use crate::random::Random;
use crate::world::{Children, Feedback, Growth, Offer, Opportunity, ProfileForm, Template, World};

const DAY: i64 = 86_400_000;
/// The position of the stage Offer.
const OFFERS_BEGIN: usize = 9;

/// How many in a hundred opportunities have any of a kind, and how many of it at most.
struct Shares {
    panels: (u64, i64),
    feedback: (u64, i64),
    forms: (u64, i64),
}

const LIGHT: Shares = Shares {
    panels: (10, 1),
    feedback: (14, 2),
    forms: (6, 1),
};
const FULL: Shares = Shares {
    panels: (55, 3),
    feedback: (65, 5),
    forms: (45, 3),
};

/// The children an opportunity of the population had when the population was made.
pub(crate) fn children(growth: Growth, world: &World, opportunity: &Opportunity) -> Children {
    let shares = match growth.level {
        Level::None => return Children::default(),
        Level::Light => LIGHT,
        Level::Full => FULL,
    };
    let past = opportunity
        .stage_changes
        .iter()
        .take_while(|it| it.at <= growth.at);
    let Some(last) = past.last() else {
        return Children::default();
    };
    if world.contact_of(opportunity).anonymized || opportunity.created_at >= growth.at {
        return Children::default();
    }
    let mut grower = Grower {
        random: Random::of(growth.seed, &opportunity.id),
        world,
        opportunity,
        stage: last.stage.clone(),
        until: last.at,
    };
    let mut children = Children::default();
    if last.index >= OFFERS_BEGIN {
        children.offers.extend(grower.offer());
    }
    children.panels = grower.several(shares.panels, |it| meetings::panel(it, growth.at));
    children.feedback = grower.several(shares.feedback, Grower::feedback);
    children.forms = grower.several(shares.forms, Grower::form);
    papers::hand_out(growth, opportunity, &mut children);
    children
}

/// Makes the children of one opportunity, all of them between its creation and its last step.
pub(super) struct Grower<'w> {
    pub(super) random: Random,
    pub(super) world: &'w World,
    pub(super) opportunity: &'w Opportunity,
    /// The stage it was in.
    pub(super) stage: String,
    until: i64,
}

impl Grower<'_> {
    fn several<T>(&mut self, (share, most): (u64, i64), make: impl Fn(&mut Self) -> T) -> Vec<T> {
        if !self.random.percent(share) {
            return Vec::new();
        }
        let count = self.random.between(1, most);
        (0..count).map(|_| make(self)).collect()
    }

    pub(super) fn moment(&mut self) -> i64 {
        self.random.between(self.opportunity.created_at, self.until)
    }

    pub(super) fn user(&mut self) -> String {
        self.random.pick(&self.world.account.users).id.clone()
    }

    /// An offer for the posting applied to; without one there is nothing to offer.
    fn offer(&mut self) -> Option<Offer> {
        let application = self.opportunity.application.as_ref()?;
        let status = *self.random.weighted(&[
            (3, "draft"),
            (1, "approval-sent"),
            (1, "approved"),
            (3, "sent"),
            (1, "denied"),
            (4, "signed"),
        ]);
        let at = self.until;
        let sent = matches!(status, "sent" | "signed" | "denied").then_some(at + DAY / 4);
        Some(Offer {
            id: self.random.uuid(),
            status,
            posting: application.posting.clone(),
            creator: Some(self.user()),
            created_at: at,
            salary: self.random.between(40, 180) * 1000,
            approved_at: (sent.is_some() || status == "approved").then_some(at + DAY / 8),
            sent_at: sent,
            signed_at: sent.filter(|_| status == "signed").map(|at| at + DAY / 4),
        })
    }

    fn feedback(&mut self) -> Feedback {
        let usable = self
            .world
            .account
            .feedback_templates
            .iter()
            .filter(|it| !it.fields.is_empty());
        let usable: Vec<&Template> = usable.collect();
        let template = *self.random.pick(&usable);
        let at = self.moment();
        Feedback {
            id: self.random.uuid(),
            kind: "interview",
            template: template.id.clone(),
            text: template.text.clone(),
            instructions: template.instructions.clone(),
            fields: self.answers(template, at),
            interview: None,
            panel: None,
            user: Some(self.user()),
            created_at: at,
            completed_at: Some(at),
            updated_at: None,
            deleted_at: None,
        }
    }

    fn form(&mut self) -> ProfileForm {
        let template = self.random.pick(&self.world.account.form_templates).clone();
        let at = self.moment();
        ProfileForm {
            id: self.random.uuid(),
            template: template.id.clone(),
            text: template.text.clone(),
            instructions: template.instructions.clone(),
            fields: self.answers(&template, at),
            user: Some(self.user()),
            stage: self.stage.clone(),
            created_at: at,
        }
    }

    /// An answer to every field, fitting its kind.
    fn answers(&mut self, template: &Template, at: i64) -> Vec<Value> {
        let values: Vec<Value> = template
            .fields
            .iter()
            .map(|field| self.answer(field, at))
            .collect();
        let answered = template.answered(|_| None).into_iter().zip(values);
        answered
            .map(|(mut field, value)| {
                field["value"] = value;
                field
            })
            .collect()
    }

    fn answer(&mut self, field: &Value, at: i64) -> Value {
        let options = field["options"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        match field["type"].as_str().unwrap_or_default() {
            "score-system" => self.random.pick(options)["text"].clone(),
            "multiple-select" => json!([self.random.pick(options)["text"]]),
            "scorecard" => {
                let skills = field["scores"].as_array().map_or(0, Vec::len);
                (0..skills)
                    .map(|_| json!({ "score": self.random.between(1, 4), "comment": "" }))
                    .collect()
            }
            "yes-no" => json!(self.random.pick(&["yes", "no"])),
            "date" => json!(at + 30 * DAY),
            "currency" => json!(self.random.between(40, 180) * 1000),
            _ => json!(self.random.pick(COMMENTS)),
        }
    }
}
