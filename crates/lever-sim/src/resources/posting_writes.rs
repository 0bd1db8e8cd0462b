//! Changing postings. Lever: "Postings"; fixture `posting.update.response.json`. Approvals are skipped.

use super::postings::visible;
use super::{acting_user, posting_body};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, missing};
use crate::world::{Categories, Content, Posting, World};

/// Creates a posting, by default a draft that belongs to the acting user.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let by = acting_user(world, call)?;
    let fields = call.fields(&posting_body::FIELDS)?;
    if fields.text("text")?.is_none() {
        return Err(missing("text"));
    }
    let blank = Posting {
        id: world.new_id(),
        text: String::new(),
        state: "draft",
        channels: vec!["public".to_owned(), "internal".to_owned()],
        owner: by.clone(),
        hiring_manager: None,
        categories: Categories::default(),
        tags: Vec::new(),
        content: Content::default(),
        country: None,
        workplace: "unspecified".to_owned(),
        salary: None,
        followers: vec![by],
        confidential: false,
        created_at: call.now,
        updated_at: call.now,
    };
    let codes = posting_body::requisitions(world, fields)?;
    let posting = posting_body::filled(world, fields, blank)?;
    let id = posting.id.clone();
    world.add_posting(posting);
    link(world, &id, codes);
    Ok(Answer::created(shown(world, &id)?))
}

/// Changes what is given. Without `state` the posting becomes a draft, without `categories` it loses its
/// `allLocations`: Lever does so too (recorded), which is why callers send both along.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let known = visible(world, call)?.clone();
    if known.confidential {
        return Err(Refusal::forbidden(
            "A confidential posting cannot be changed through the API",
        ));
    }
    acting_user(world, call)?;
    let fields = call.fields(&posting_body::FIELDS)?;
    let codes = posting_body::requisitions(world, fields)?;
    let mut known = known;
    known.state = "draft";
    known.categories.all_locations.clear();
    known.updated_at = call.now;
    let changed = posting_body::filled(world, fields, known)?;
    let id = changed.id.clone();
    world.replace_posting(changed, call.now);
    link(world, &id, codes);
    Ok(Answer::record(shown(world, &id)?))
}

fn link(world: &mut World, id: &str, codes: Option<Vec<String>>) {
    if let Some(codes) = codes {
        world.link_requisitions(id, &codes);
    }
}

fn shown(world: &World, id: &str) -> Result<serde_json::Value, Refusal> {
    let posting = world.account.posting(id);
    let posting = posting.ok_or_else(|| Refusal::not_found("postings", id))?;
    Ok(world.account.posting_json(posting))
}
