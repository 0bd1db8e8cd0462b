//! Referrals of one opportunity. Lever: "Referrals"; fixture `referral.get.json`.

use super::{children_page, expand, opportunity};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Opportunity, Referral, World};

/// Lists the referral, if the person was referred.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&["referrer", "user", "stage"])?;
    let parent = opportunity(world, call)?;
    let item = |it: &Referral| expand::all(world, it.json(), &expanded);
    let all = referral(parent).into_iter();
    children_page(
        call,
        all.map(|it| (it.created_at, it.id.as_str(), item(it)))
            .collect(),
    )
}

/// Reads one referral.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = call.id(1);
    let found = referral(opportunity(world, call)?).filter(|it| it.id == id);
    let found = found.ok_or_else(|| Refusal::not_found("referrals", id))?;
    Ok(Answer::record(found.json()))
}

fn referral(parent: &Opportunity) -> Option<&Referral> {
    parent.application.as_ref()?.referral.as_deref()
}
