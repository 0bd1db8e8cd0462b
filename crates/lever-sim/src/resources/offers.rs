//! Offers of one opportunity. Lever: "Offers"; fixtures `offers.list.draft.json`, `offers.list.signed.json`.

use super::{children_page, expand, opportunity};
use crate::answer::Outcome;
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
