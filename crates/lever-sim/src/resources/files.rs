//! Files of one opportunity. Lever: "Files"; fixtures `files.list.json`, `file.upload.response.json`.

use super::{acting_user, children_page, family, opportunity};
use crate::answer::{Answer, Attachment, Outcome, Refusal};
use crate::asked::Part;
use crate::call::{Call, missing};
use crate::world::{Children, Document, FileStatus, World, format_of};

/// Lists files, newest first.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let range = call.query.range("uploaded_at")?;
    let (parent, children) = family(world, call)?;
    let shown = children.files.iter();
    let shown = shown.filter(|file| range.holds(file.uploaded_at));
    let item = |file: &Document| file.json(&parent.id);
    children_page(
        call,
        shown
            .map(|it| (it.uploaded_at, it.id.as_str(), item(it)))
            .collect(),
    )
}

/// Reads one file's record.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let (parent, children) = family(world, call)?;
    Ok(Answer::record(file(children, call.id(1))?.json(&parent.id)))
}

/// Hangs a file on an opportunity.
pub(crate) fn upload(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    let by = acting_user(world, call)?;
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
    let (_, children) = family(world, call)?;
    attachment(file(children, call.id(1))?)
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
    let by = acting_user(world, call)?;
    let (_, children) = family(world, call)?;
    let file = file(children, call.id(1))?.id.clone();
    world.delete_file(&id, &file, Some(by), call.now);
    Ok(Answer::nothing())
}

fn file<'w>(children: &'w Children, id: &str) -> Result<&'w Document, Refusal> {
    let mut files = children.files.iter();
    files
        .find(|file| file.id == id)
        .ok_or_else(|| Refusal::not_found("files", id))
}
