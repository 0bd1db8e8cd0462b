//! Notes of one opportunity. Lever: "Notes"; fixtures `note.get.json`, `note.create.response.json`.

use serde_json::{Value, json};

use super::{children_page, expand, opportunity, perform_as};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{Comment, Note, Opportunity, World};

const CREATE_FIELDS: [&str; 5] = ["value", "secret", "score", "notifyFollowers", "createdAt"];
const UPDATE_FIELDS: [&str; 6] = [
    "values",
    "user",
    "secret",
    "score",
    "createdAt",
    "completedAt",
];

/// Lists notes, newest first, secret ones included, deleted ones not.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&["user"])?;
    let parent = opportunity(world, call)?;
    let live = parent.notes.iter().filter(|note| note.deleted_at.is_none());
    let item = |note: &Note| expand::all(world, note.json(), &expanded);
    children_page(
        call,
        live.map(|it| (it.created_at, it.id.as_str(), item(it)))
            .collect(),
    )
}

/// Reads one note; a deleted one too, which then has `deletedAt`.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    Ok(Answer::record(note(parent, call.id(1))?.json()))
}

/// Creates a note, or with `note_id` a comment on one. Answers the whole note and `noteId` (recorded).
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let id = parent.id.clone();
    let by = perform_as(world, call)?;
    let fields = call.fields(&CREATE_FIELDS)?;
    fields.flag("notifyFollowers")?;
    let comment = comment(parent, fields, by, call.now)?;
    let note_id = match call.query.one("note_id") {
        Some(thread) => {
            let thread = live(note(parent, thread)?)?.id.clone();
            world.add_comment(&id, &thread, comment, call.now);
            thread
        }
        None => {
            let secret = fields.flag("secret")?.unwrap_or(false);
            let note = Note::made_by_api(world.new_id(), comment, secret);
            let note_id = note.id.clone();
            world.add_note(&id, note, call.now);
            note_id
        }
    };
    let mut data = note(opportunity(world, call)?, &note_id)?.json();
    data["noteId"] = json!(note_id);
    Ok(Answer::created(data))
}

fn comment(
    parent: &Opportunity,
    fields: Fields<'_>,
    user: Option<String>,
    now: i64,
) -> Result<Comment, Refusal> {
    let value = fields.text("value")?.ok_or_else(|| missing("value"))?;
    Ok(Comment {
        created_at: fields.past("createdAt", now)?.unwrap_or(now),
        score: score(fields)?,
        stage: parent.stage.clone(),
        user,
        value: value.to_owned(),
    })
}

/// 1 (strong no) to 4 (strong yes).
fn score(fields: Fields<'_>) -> Result<Option<i64>, Refusal> {
    fields.typed("score", |value| {
        value.as_i64().filter(|score| (1..=4).contains(score))
    })
}

/// Replaces the thread of a note that was made through the API.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let mut changed = writable(parent, call)?.clone();
    let fields = call.fields(&UPDATE_FIELDS)?;
    let values = fields
        .typed("values", Value::as_array)?
        .ok_or_else(|| missing("values"))?;
    if values.is_empty() {
        return Err(bad_field("values"));
    }
    if let Some(user) = fields.text("user")? {
        changed.user = Some(known_user(world, user)?);
    }
    let (score, user) = (score(fields)?, changed.user.clone());
    let replace = |value: &Value| replacement(world, parent, value, user.clone(), score, call.now);
    changed.comments = values.iter().map(replace).collect::<Result<_, _>>()?;
    changed.secret = fields.flag("secret")?.unwrap_or(changed.secret);
    changed.created_at = fields
        .past("createdAt", call.now)?
        .unwrap_or(changed.created_at);
    changed.completed_at = fields
        .past("completedAt", call.now)?
        .unwrap_or(changed.completed_at);
    let (id, note_id) = (parent.id.clone(), changed.id.clone());
    world.replace_note(&id, changed, call.now);
    Ok(Answer::record(json!({ "noteId": note_id })))
}

/// One entry of `values`: text, and optionally when it was written and by whom.
fn replacement(
    world: &World,
    parent: &Opportunity,
    value: &Value,
    user: Option<String>,
    score: Option<i64>,
    now: i64,
) -> Result<Comment, Refusal> {
    let text = value
        .get("value")
        .and_then(Value::as_str)
        .ok_or_else(|| missing("value"))?;
    let created_at = match value.get("createdAt") {
        None => now,
        Some(at) => at
            .as_i64()
            .filter(|at| *at <= now)
            .ok_or_else(|| bad_field("createdAt"))?,
    };
    let user = match value.get("user").and_then(Value::as_str) {
        Some(user) => Some(known_user(world, user)?),
        None => user,
    };
    Ok(Comment {
        created_at,
        score,
        stage: parent.stage.clone(),
        user,
        value: text.to_owned(),
    })
}

/// Deletes a note that was made through the API.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let (id, note_id) = (parent.id.clone(), writable(parent, call)?.id.clone());
    world.delete_note(&id, &note_id, call.now);
    Ok(Answer::nothing())
}

fn known_user(world: &World, id: &str) -> Result<String, Refusal> {
    world
        .account
        .user(id)
        .map(|user| user.id.clone())
        .ok_or_else(|| bad_field("user"))
}

fn note<'w>(parent: &'w Opportunity, id: &str) -> Result<&'w Note, Refusal> {
    parent
        .note(id)
        .ok_or_else(|| Refusal::not_found("notes", id))
}

fn live(note: &Note) -> Result<&Note, Refusal> {
    match note.deleted_at {
        None => Ok(note),
        Some(_) => Err(Refusal::not_found("notes", &note.id)),
    }
}

fn writable<'w>(parent: &'w Opportunity, call: &Call<'_>) -> Result<&'w Note, Refusal> {
    let note = live(note(parent, call.id(1))?)?;
    if !note.made_by_api {
        return Err(Refusal::bad_request(
            "Only notes made through the API can be changed",
        ));
    }
    Ok(note)
}
