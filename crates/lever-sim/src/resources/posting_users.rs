//! Who has access to a posting. Fixture `posting-users.get.json`, the one answer without `data`.

use serde_json::{Value, json};

use super::postings::visible;
use crate::answer::{Answer, Outcome};
use crate::call::Call;
use crate::world::{User, World};

/// Reads the people named on a posting, and the roles that see every posting.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let posting = visible(world, call)?;
    let named = std::iter::once(&posting.owner).chain(&posting.hiring_manager);
    let users = named
        .filter_map(|id| world.account.active_user(id))
        .map(user);
    Ok(Answer::json(
        200,
        json!({
            "posting": { "id": posting.id, "text": posting.text },
            "users": users.collect::<Vec<Value>>(),
            "roles": [
                { "id": "admin", "name": "Admin", "isReadOnly": true },
                { "id": "limited", "name": "Limited Team Member", "isReadOnly": true, "conditions": {} },
                { "id": "owner", "name": "Super Admin", "isReadOnly": true },
                { "id": "team", "name": "Team Member", "isReadOnly": true },
            ],
        }),
    ))
}

fn user(user: &User) -> Value {
    json!({ "id": user.id, "name": user.name, "email": user.email })
}
