//! Resumes of one opportunity. Lever: "Resumes"; fixtures `resumes.list.json`, `resume.get.json`.

use serde_json::{Value, json};

use super::{files, opportunity};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Resume, World};

/// Lists resumes, newest first; the range compares `createdAt` where there is no file.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let range = call.query.range("uploaded_at")?;
    let item = |resume: &Resume| -> (Value, Value) {
        (
            json!([resume.created_at, resume.id]),
            resume.json(&parent.id),
        )
    };
    let shown = all(world, &parent.id).iter();
    let shown = shown.filter(|resume| range.holds(resume.uploaded_at()));
    call.page_of(shown.rev().map(item).collect())
}

/// Reads one resume.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let resume = resume(world, &parent.id, call.id(1))?;
    Ok(Answer::record(resume.json(&parent.id)))
}

/// Downloads the file of a resume; one that was read from a profile has none.
pub(crate) fn download(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let resume = resume(world, &parent.id, call.id(1))?;
    let file = resume.file.as_ref();
    files::attachment(file.ok_or_else(|| Refusal::not_found("files", &resume.id))?)
}

fn all<'w>(world: &'w World, opportunity: &str) -> &'w [Resume] {
    let folder = world.files.folder(opportunity);
    folder.map_or(&[], |folder| &folder.resumes)
}

fn resume<'w>(world: &'w World, opportunity: &str, id: &str) -> Result<&'w Resume, Refusal> {
    all(world, opportunity)
        .iter()
        .find(|resume| resume.id == id)
        .ok_or_else(|| Refusal::not_found("resumes", id))
}
