//! Files of one opportunity. Lever: "Files"; fixtures `files.list.json`, `file.upload.response.json`.

use serde_json::{Value, json};

use super::{opportunity, perform_as};
use crate::answer::{Answer, Attachment, Outcome, Refusal};
use crate::asked::Part;
use crate::call::{Call, missing};
use crate::world::{Document, FileAction, FileStatus, Folder, World, format_of};

/// Lists files, newest first.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let range = call.query.range("uploaded_at")?;
    let files = folder(world, &parent.id).map_or(&[][..], |folder| &folder.files);
    let item = |file: &Document| -> (Value, Value) {
        (json!([file.uploaded_at, file.id]), file.json(&parent.id))
    };
    let shown = files.iter().filter(|file| range.holds(file.uploaded_at));
    call.page_of(shown.rev().map(item).collect())
}

/// Reads one file's record.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let file = file(world, &parent.id, call.id(1))?;
    Ok(Answer::record(file.json(&parent.id)))
}

/// Hangs a file on an opportunity.
pub(crate) fn upload(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    let by = perform_as(world, call)?.ok_or_else(|| missing("perform_as"))?;
    let (name, ext) = named(call.file()?)?;
    let bytes = call.file()?.bytes.clone();
    let file = Document::given(world.new_id(), name, ext, bytes, call.now);
    let answer = Answer::created(file.json(&id));
    world.add_file(&id, file, Some(by), call.now);
    Ok(answer)
}

/// The name of an uploaded file and its format, which must be one that Lever takes.
pub(super) fn named(part: &Part) -> Result<(&str, &'static str), Refusal> {
    let name = part.file_name.as_deref().ok_or_else(|| missing("file"))?;
    let ext = format_of(name).ok_or_else(|| Refusal::bad_request("Unsupported file format"))?;
    Ok((name, ext))
}

/// Downloads a file.
pub(crate) fn download(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    attachment(file(world, &parent.id, call.id(1))?)
}

/// The bytes of a file, unless its processing failed. Lever: 422 "download of a file whose processing failed".
pub(super) fn attachment(file: &Document) -> Outcome {
    if file.status == FileStatus::Error {
        return Err(Refusal::unprocessable("The file could not be processed"));
    }
    Ok(Answer::file(Attachment {
        name: file.name.clone(),
        content_type: file.content_type(),
        bytes: file.bytes(),
    }))
}

/// Takes a file away.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    let by = perform_as(world, call)?.ok_or_else(|| missing("perform_as"))?;
    let file = file(world, &id, call.id(1))?.id.clone();
    world.delete_file(&id, &file, Some(by), call.now);
    Ok(Answer::nothing())
}

/// Lists what was done to the files of an opportunity, newest first. The end of the range is exclusive.
pub(crate) fn actions(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let range = call.query.range("occurred_at")?;
    let actions = folder(world, &parent.id).map_or(&[][..], |folder| &folder.actions);
    let mut shown: Vec<&FileAction> = actions
        .iter()
        .filter(|action| range.holds_before_end(action.at))
        .collect();
    shown.sort_by_key(|action| std::cmp::Reverse(action.at));
    let item = |action: &FileAction| -> (Value, Value) {
        (json!([action.at, action.id]), action.json(&parent.id))
    };
    call.page_of(shown.into_iter().map(item).collect())
}

fn folder<'w>(world: &'w World, opportunity: &str) -> Option<&'w Folder> {
    world.files.folder(opportunity)
}

fn file<'w>(world: &'w World, opportunity: &str, id: &str) -> Result<&'w Document, Refusal> {
    folder(world, opportunity)
        .and_then(|folder| folder.files.iter().find(|file| file.id == id))
        .ok_or_else(|| Refusal::not_found("files", id))
}
