//! Acts on the files and resumes of an opportunity.

use super::{Made, author};
use crate::error::Error;
use crate::world::{Document, FileStatus, Resume, World, format_of};

/// How many bytes the file has that a person adds.
const SIZE: usize = 40_000;

pub(super) fn file(
    world: &mut World,
    id: &str,
    name: &str,
    user: Option<String>,
    now: i64,
) -> Made {
    let by = author(world, id, user)?;
    format_of(name).ok_or_else(|| Error::refused("Lever takes no files of this format"))?;
    let made = world.new_id();
    let file = Document::drawn(made.clone(), name, SIZE, FileStatus::Processed, now);
    world.add_file(id, file, by, now);
    Ok(Some(made))
}

pub(super) fn resume(world: &mut World, id: &str, user: Option<String>, now: i64) -> Made {
    let by = author(world, id, user)?;
    let (made, file) = (world.new_id(), world.new_id());
    let file = Document::drawn(file, "resume.pdf", SIZE, FileStatus::Processed, now);
    let resume = Resume::of_file(made.clone(), file, now);
    world.add_resume(id, resume, by);
    Ok(Some(made))
}
