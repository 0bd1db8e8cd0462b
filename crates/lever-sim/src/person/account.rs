//! Acts on people and on the settings.

use super::{author, opportunity};
use crate::act::Act;
use crate::error::Error;
use crate::world::{Stage, World};

pub(super) fn perform(world: &mut World, act: Act, now: i64) -> Result<Option<String>, Error> {
    match act {
        Act::DeletePosting { posting } => {
            let known = world.account.posting(&posting);
            known.ok_or_else(|| Error::not_found("posting", &posting))?;
            world.delete_posting(&posting, now);
        }
        Act::Anonymize { contact } => {
            let known = world.contact(&contact);
            known.ok_or_else(|| Error::not_found("contact", &contact))?;
            world.anonymize(&contact, now);
        }
        Act::CreateApplication {
            opportunity,
            posting,
            user,
        } => return apply(world, &opportunity, &posting, user, now),
        Act::RenameStage { stage, text } => change_stage(world, &stage, |stage| stage.text = text)?,
        Act::DeactivateStage { stage } => {
            change_stage(world, &stage, |stage| stage.active = false)?
        }
        _ => {}
    }
    Ok(None)
}

fn apply(
    world: &mut World,
    id: &str,
    posting: &str,
    user: Option<String>,
    now: i64,
) -> Result<Option<String>, Error> {
    let by = author(world, id, user)?;
    let known = world.account.posting(posting).cloned();
    let known = known.ok_or_else(|| Error::not_found("posting", posting))?;
    if opportunity(world, id)?.application.is_some() {
        return Err(Error::refused("the opportunity has an application"));
    }
    world.add_application(id, &known, by, now);
    let made = opportunity(world, id)?.application.as_ref();
    Ok(made.map(|application| application.id.clone()))
}

fn change_stage(world: &mut World, id: &str, change: impl FnOnce(&mut Stage)) -> Result<(), Error> {
    world
        .account
        .stage(id)
        .ok_or_else(|| Error::not_found("stage", id))?;
    world.change_account(|account| {
        if let Some(stage) = account.stages.iter_mut().find(|stage| stage.id == id) {
            change(stage);
        }
    });
    Ok(())
}
