//! Changing users. Lever: "Users"; fixtures `user.create.response.json`, `user.update.response.json`.

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{ROLES, User, World, canonical};

const FIELDS: [&str; 6] = [
    "name",
    "email",
    "accessRole",
    "externalDirectoryId",
    "jobTitle",
    "managerId",
];

/// Creates a user, by default an interviewer. Nobody is invited.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let blank = User {
        id: world.new_id(),
        name: String::new(),
        username: String::new(),
        email: String::new(),
        role: "interviewer",
        created_at: call.now,
        deactivated_at: None,
        external_directory_id: None,
        job_title: None,
        manager: None,
    };
    let user = filled(world, blank, call.fields(&FIELDS)?)?;
    let data = user.json();
    world.add_user(user);
    Ok(Answer::created(data))
}

/// Replaces a user: what is left out is reset, and the role must be sent.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let known = user(world, call)?.clone();
    let fields = call.fields(&FIELDS)?;
    if fields.text("accessRole")?.is_none() {
        return Err(missing("accessRole"));
    }
    let changed = filled(world, known, fields)?;
    replace(world, call, changed)
}

/// Deactivates a user; one who is deactivated keeps the stamp.
pub(crate) fn deactivate(world: &mut World, call: &Call<'_>) -> Outcome {
    let mut changed = user(world, call)?.clone();
    changed.deactivated_at.get_or_insert(call.now);
    replace(world, call, changed)
}

/// Reactivates a user.
pub(crate) fn reactivate(world: &mut World, call: &Call<'_>) -> Outcome {
    let mut changed = user(world, call)?.clone();
    changed.deactivated_at = None;
    replace(world, call, changed)
}

fn replace(world: &mut World, call: &Call<'_>, changed: User) -> Outcome {
    let data = changed.json();
    world.replace_user(changed, call.now);
    Ok(Answer::record(data))
}

/// The user a body describes. An address belongs to one user only.
fn filled(world: &World, known: User, fields: Fields<'_>) -> Result<User, Refusal> {
    let email = fields.needed("email")?;
    let Some((username, _)) = email.split_once('@') else {
        return Err(bad_field("email"));
    };
    let taken = |other: &User| other.id != known.id && canonical(&other.email) == canonical(email);
    if world.account.users.iter().any(taken) {
        return Err(Refusal::bad_request("A user with this email exists"));
    }
    Ok(User {
        name: fields.needed("name")?.to_owned(),
        username: username.to_owned(),
        email: email.to_owned(),
        role: fields.choice("accessRole", &ROLES)?.unwrap_or(known.role),
        external_directory_id: fields.owned("externalDirectoryId")?,
        job_title: fields.owned("jobTitle")?,
        manager: super::user_field(world, fields, "managerId")?,
        ..known
    })
}

fn user<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w User, Refusal> {
    let id = call.id(0);
    world
        .account
        .user(id)
        .ok_or_else(|| Refusal::not_found("users", id))
}
