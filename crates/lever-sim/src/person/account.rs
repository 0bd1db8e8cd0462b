//! Acts on people and on the settings.

use super::Made;
use crate::error::Error;
use crate::world::{Stage, World};

pub(super) fn delete_posting(world: &mut World, id: &str, now: i64) -> Made {
    let known = world.account.posting(id);
    known.ok_or_else(|| Error::not_found("posting", id))?;
    world.delete_posting(id, now);
    Ok(None)
}

pub(super) fn anonymize(world: &mut World, contact: &str, now: i64) -> Made {
    let known = world.contact(contact);
    known.ok_or_else(|| Error::not_found("contact", contact))?;
    world.anonymize(contact, now);
    Ok(None)
}

pub(super) fn merge(world: &mut World, contact: &str, into: &str, now: i64) -> Made {
    for known in [contact, into] {
        let found = world.contact(known);
        found.ok_or_else(|| Error::not_found("contact", known))?;
    }
    if contact != into {
        world.merge(contact, into, now);
    }
    Ok(None)
}

pub(super) fn refuse_contact(world: &mut World, contact: &str) -> Made {
    let known = world.contact(contact);
    known.ok_or_else(|| Error::not_found("contact", contact))?;
    world.change_contact(contact, |contact| contact.refuses_contact = true);
    Ok(None)
}

pub(super) fn change_stage(world: &mut World, id: &str, change: impl FnOnce(&mut Stage)) -> Made {
    let known = world.account.stage(id);
    known.ok_or_else(|| Error::not_found("stage", id))?;
    world.change_account(|account| {
        if let Some(stage) = account.stages.iter_mut().find(|stage| stage.id == id) {
            change(stage);
        }
    });
    Ok(None)
}
