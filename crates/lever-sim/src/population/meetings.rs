//! Interview panels of the population, some of them still to come.

use super::children::Grower;
use crate::world::{Interview, Interviewer, NO_FEEDBACK, Panel};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const ZONES: [&str; 3] = ["America/Los_Angeles", "Europe/Berlin", "America/New_York"];

/// A panel of one to three interviews in a row, made by people in Lever, so closed to the API.
pub(super) fn panel(grower: &mut Grower<'_>, now: i64) -> Panel {
    let created_at = grower.moment();
    let user = grower.user();
    let coming = grower.opportunity.archived.is_none() && grower.random.percent(40);
    let earliest = if coming { now } else { created_at };
    let first = earliest + grower.random.between(1, 6) * DAY;
    let count = grower.random.between(1, 3);
    let application = grower.opportunity.application.iter();
    let application = application.filter(|it| it.created_at <= now);
    Panel {
        id: grower.random.uuid(),
        applications: application.map(|it| it.id.clone()).collect(),
        timezone: (*grower.random.pick(&ZONES)).to_owned(),
        reminder: "daily",
        note: None,
        external_url: None,
        externally_managed: false,
        stage: grower.stage.clone(),
        user: Some(user.clone()),
        created_at,
        canceled_at: None,
        interviews: (0..count)
            .map(|nth| interview(grower, &user, created_at, first + nth * HOUR))
            .collect(),
    }
}

fn interview(grower: &mut Grower<'_>, user: &str, created_at: i64, date: i64) -> Interview {
    let interviewer = Interviewer {
        user: grower.user(),
        template: NO_FEEDBACK.to_owned(),
    };
    let template = grower.random.pick(&grower.world.account.feedback_templates);
    Interview {
        id: grower.random.uuid(),
        subject: Some("Interview".to_owned()),
        note: None,
        location: None,
        interviewers: vec![interviewer],
        date,
        duration: *grower.random.pick(&[30, 45, 60]),
        template: Some(template.id.clone()),
        reminder: "daily",
        user: Some(user.to_owned()),
        created_at,
        canceled_at: None,
    }
}
