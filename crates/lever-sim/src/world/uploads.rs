//! Uploads: files that wait for their application.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::World;
use super::files::{Document, Resume};

/// How long an upload can be used. Lever: "Upload a file".
const UPLOAD_LIFE_MS: i64 = 24 * 3_600_000;
/// Where the URIs of uploads lie; the host is Lever's whatever the simulator's address is.
const UPLOADS: &str = "https://api.lever.co/v1/uploads/";

/// A file that waits for its application. Fixture `upload.response.json`.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) ext: &'static str,
    pub(crate) bytes: Bytes,
    pub(crate) expires_at: i64,
}

impl Upload {
    /// The resume of the application that named the upload.
    pub(super) fn resume(self, id: String, file: String, now: i64) -> Resume {
        let file = Document::given(file, &self.name, self.ext, self.bytes, now);
        Resume::of_file(id, file, now)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "expiresAt": self.expires_at,
            "filename": self.name,
            "id": self.id,
            "uri": format!("{UPLOADS}{}", self.id),
            "size": self.bytes.len(),
        })
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload")
            .field("size", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// The uploads that wait.
#[derive(Debug, Default)]
pub(crate) struct Uploads(HashMap<String, Upload>);

impl Uploads {
    /// The upload behind a URI, while it lives.
    pub(crate) fn find(&self, uri: &str, now: i64) -> Option<&Upload> {
        let upload = self.0.get(uri.strip_prefix(UPLOADS)?)?;
        (upload.expires_at > now).then_some(upload)
    }
}

impl World {
    /// Keeps an upload for a day; expired ones go.
    pub(crate) fn add_upload(
        &mut self,
        name: &str,
        ext: &'static str,
        bytes: Bytes,
        now: i64,
    ) -> Upload {
        let upload = Upload {
            id: format!("{}-{name}", self.new_id()),
            name: name.to_owned(),
            ext,
            bytes,
            expires_at: now + UPLOAD_LIFE_MS,
        };
        self.revision += 1;
        let uploads = &mut self.uploads.0;
        uploads.retain(|_, known| known.expires_at > now);
        uploads.insert(upload.id.clone(), upload.clone());
        upload
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Children as Level;
    use crate::random::Random;
    use crate::world::{Account, Growth};

    #[test]
    fn an_upload_lives_for_a_day() {
        let growth = Growth {
            seed: 1,
            level: Level::None,
            at: 0,
        };
        let mut world = World::new(Account::default(), Random::new(1), growth);
        let upload = world.add_upload("cv.pdf", "pdf", Bytes::from_static(b"x"), 0);
        let uri = upload.json()["uri"].as_str().unwrap().to_owned();
        assert!(world.uploads.find(&uri, UPLOAD_LIFE_MS - 1).is_some());
        assert!(world.uploads.find(&uri, UPLOAD_LIFE_MS).is_none());
        assert!(
            world
                .uploads
                .find("https://example.com/cv.pdf", 0)
                .is_none()
        );
    }
}
