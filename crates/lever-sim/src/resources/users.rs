//! Users. Lever: "Users"; fixtures `users.list.json`, `user.get.json`.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{User, World, canonical};

/// Lists users, newest first; active ones unless asked otherwise.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let query = call.query;
    let deactivated = query.flag("includeDeactivated")?.unwrap_or(false);
    let emails: Vec<String> = query.many("email").into_iter().map(canonical).collect();
    let mut roles = query.many("accessRole");
    roles.extend(query.many("accessRole[]"));
    let directory = query.many("external_directory_id");
    let shown = |user: &&User| {
        (deactivated || user.deactivated_at.is_none())
            && (emails.is_empty() || emails.contains(&canonical(&user.email)))
            && (roles.is_empty() || roles.contains(&user.role))
            && (directory.is_empty()
                || user
                    .external_directory_id
                    .as_deref()
                    .is_some_and(|id| directory.contains(&id)))
    };
    let item = |user: &User| -> (Value, Value) { (json!([user.created_at, user.id]), user.json()) };
    call.page_of(world.account.users.iter().filter(shown).map(item).collect())
}

/// Reads one user, deactivated or not.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = call.id(0);
    let user = world
        .account
        .user(id)
        .ok_or_else(|| Refusal::not_found("users", id))?;
    Ok(Answer::record(user.json()))
}
