//! Adding postings to a candidate: a legacy call without counterpart on the opportunity side.

use super::{acting_user, opportunity};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, bad_field, missing};
use crate::world::{NewOpportunity, Posting, World};

/// The first posting becomes the application, if there is none; each other one a new opportunity of the same contact.
pub(crate) fn add(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let by = acting_user(world, call)?;
    let ids = call.fields(&["postings"])?.texts("postings")?;
    let ids = ids.ok_or_else(|| missing("postings"))?;
    if ids.is_empty() || world.contact_of(parent).anonymized {
        return Err(bad_field("postings"));
    }
    let mut postings = postings(world, call, &ids)?;
    let (id, contact) = (parent.id.clone(), parent.contact.clone());
    if parent.application.is_none() {
        let first = postings.remove(0);
        world.add_application(&id, &first, Some(by.clone()), call.now);
    }
    for posting in postings {
        let new = NewOpportunity {
            contact: Some(contact.clone()),
            posting: Some(posting.id),
            by: by.clone(),
            ..NewOpportunity::default()
        };
        world.create(new, call.now);
    }
    let changed = opportunity(world, call)?;
    Ok(Answer::record(
        changed.written_json(world.contact_of(changed)),
    ))
}

fn postings(world: &World, call: &Call<'_>, ids: &[String]) -> Result<Vec<Posting>, Refusal> {
    let known = |id: &String| {
        let posting = world.account.posting(id);
        let posting = posting.ok_or_else(|| bad_field("postings"))?;
        if posting.confidential && !call.confidential {
            return Err(Refusal::confidential());
        }
        Ok(posting.clone())
    };
    ids.iter().map(known).collect()
}
