//! Offers of one opportunity. Lever: "Offers"; fixtures `offers.list.draft.json`, `offers.list.signed.json`.

use super::{children_page, expand, family, files, opportunity};
use crate::answer::{Outcome, Refusal};
use crate::call::Call;
use crate::world::{Offer, World};

/// Lists offers, newest first.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&["creator"])?;
    world.grow(call.id(0));
    let parent = opportunity(world, call)?;
    let contact = world.contact_of(parent);
    let item = |offer: &Offer| {
        let json = offer.json(&world.account, parent, contact);
        expand::all(world, json, &expanded)
    };
    let offers = world.children(&parent.id).offers.iter();
    children_page(
        call,
        offers
            .map(|it| (it.created_at, it.id.as_str(), item(it)))
            .collect(),
    )
}

/// Downloads the document of an offer; a draft has none.
pub(crate) fn download(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.choices("status", &["sent", "signed"])?;
    let (_, children) = family(world, call)?;
    let id = call.id(1);
    let offer = children.offers.iter().find(|offer| offer.id == id);
    let offer = offer.ok_or_else(|| Refusal::not_found("offers", id))?;
    let document = offer.download(call.query.one("status"));
    files::attachment(&document.ok_or_else(|| Refusal::not_found("files", id))?)
}
