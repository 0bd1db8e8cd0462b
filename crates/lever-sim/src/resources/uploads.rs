//! Uploads for applications. Lever: "Uploads"; fixture `upload.response.json`.

use super::files::named;
use crate::answer::{Answer, Outcome};
use crate::call::Call;
use crate::world::World;

/// Keeps a file for 24 hours, under a URI that an application can name.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let part = call.file()?;
    let (name, ext) = named(part)?;
    let upload = world.add_upload(name, ext, part.bytes.clone(), call.now);
    Ok(Answer::created(upload.json()))
}
