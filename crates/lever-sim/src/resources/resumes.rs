//! Resumes of one opportunity. Lever: "Resumes"; fixtures `resumes.list.json`, `resume.get.json`.

use super::{children_page, family, files};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Children, Resume, World};

/// Lists resumes, newest first; the range compares `createdAt` where there is no file.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let range = call.query.range("uploaded_at")?;
    let (parent, children) = family(world, call)?;
    let shown = children.resumes.iter();
    let shown = shown.filter(|resume| range.holds(resume.uploaded_at()));
    let item = |resume: &Resume| resume.json(&parent.id);
    children_page(
        call,
        shown
            .map(|it| (it.created_at, it.id.as_str(), item(it)))
            .collect(),
    )
}

/// Reads one resume.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let (parent, children) = family(world, call)?;
    let resume = resume(children, call.id(1))?;
    Ok(Answer::record(resume.json(&parent.id)))
}

/// Downloads the file of a resume; one that was read from a profile has none.
pub(crate) fn download(world: &mut World, call: &Call<'_>) -> Outcome {
    let (_, children) = family(world, call)?;
    let resume = resume(children, call.id(1))?;
    let file = resume.file.as_ref();
    files::attachment(file.ok_or_else(|| Refusal::not_found("files", &resume.id))?)
}

fn resume<'w>(children: &'w Children, id: &str) -> Result<&'w Resume, Refusal> {
    let mut resumes = children.resumes.iter();
    resumes
        .find(|resume| resume.id == id)
        .ok_or_else(|| Refusal::not_found("resumes", id))
}
