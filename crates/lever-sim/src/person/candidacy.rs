//! Acts on an opportunity itself.

use super::{Made, author, opportunity};
use crate::error::Error;
use crate::world::World;

pub(super) fn move_stage(
    world: &mut World,
    id: &str,
    stage: &str,
    user: Option<String>,
    now: i64,
) -> Made {
    let by = author(world, id, user)?;
    let known = world.account.stage(stage).filter(|stage| stage.active);
    known.ok_or_else(|| Error::not_found("stage", stage))?;
    world.move_stage(id, stage, by, now);
    Ok(None)
}

pub(super) fn archive(world: &mut World, id: &str, reason: Option<&str>, now: i64) -> Made {
    opportunity(world, id)?;
    if let Some(reason) = reason {
        let known = world.account.reason(reason);
        known.ok_or_else(|| Error::not_found("archive reason", reason))?;
    }
    world.archive(id, reason, now);
    Ok(None)
}

pub(super) fn snooze(world: &mut World, id: &str, until: Option<i64>, now: i64) -> Made {
    opportunity(world, id)?;
    world.snooze(id, until, now);
    Ok(None)
}

pub(super) fn touch(world: &mut World, id: &str, now: i64) -> Made {
    opportunity(world, id)?;
    world.touch(id, now);
    Ok(None)
}

pub(super) fn delete(world: &mut World, id: &str, user: Option<String>, now: i64) -> Made {
    let by = author(world, id, user)?;
    world.delete(id, by, now);
    Ok(None)
}

pub(super) fn apply(
    world: &mut World,
    id: &str,
    posting: &str,
    user: Option<String>,
    now: i64,
) -> Made {
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
