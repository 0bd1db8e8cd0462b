//! Files to send, and the parts of a body they are sent in.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, Stream};

/// The bytes of a file, read as they are sent.
pub type FileBytes = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A file to send: what it is called, and a way to read it from the beginning as often as it is sent.
///
/// It is never held in memory as a whole, unless it was given so. Lever takes 30 MB a request, and a call with more is
/// refused before anything is sent. `Debug` shows the length alone: a name may tell a person.
#[derive(Clone)]
pub struct FileSource {
    name: String,
    content_type: String,
    length: u64,
    open: Arc<dyn Fn() -> FileBytes + Send + Sync>,
}

impl FileSource {
    /// A file of `length` bytes; `open` begins to read it anew each time.
    ///
    /// A file that turns out longer or shorter is not sent to its end, and the call fails.
    pub fn new(
        name: impl Into<String>,
        length: u64,
        open: impl Fn() -> FileBytes + Send + Sync + 'static,
    ) -> FileSource {
        FileSource {
            name: name.into(),
            content_type: "application/octet-stream".to_owned(),
            length,
            open: Arc::new(open),
        }
    }

    /// A file that is in memory already.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> FileSource {
        let bytes: Bytes = bytes.into();
        let length = bytes.len() as u64;
        FileSource::new(name, length, move || {
            let bytes = bytes.clone();
            Box::pin(stream::iter([Ok(bytes)]))
        })
    }

    /// The same file with its media type, such as `application/pdf`.
    #[must_use]
    pub fn with_content_type(self, content_type: impl Into<String>) -> FileSource {
        FileSource {
            content_type: content_type.into(),
            ..self
        }
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn open(&self) -> FileBytes {
        (self.open)()
    }
}

/// Equal are sources of the same name, type and length that read from the same place.
impl PartialEq for FileSource {
    fn eq(&self, other: &FileSource) -> bool {
        (&self.name, &self.content_type, self.length)
            == (&other.name, &other.content_type, other.length)
            && Arc::ptr_eq(&self.open, &other.open)
    }
}

impl Eq for FileSource {}

impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// One part of a body of type `multipart/form-data`.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    name: String,
    content: Content,
}

#[derive(Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    File(FileSource),
}

impl Part {
    /// A field with a text.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Part {
        Part {
            name: name.into(),
            content: Content::Text(text.into()),
        }
    }

    /// A field with a file.
    pub fn file(name: impl Into<String>, file: FileSource) -> Part {
        Part {
            name: name.into(),
            content: Content::File(file),
        }
    }

    /// The name of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, unless it is a file.
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::File(_) => None,
        }
    }

    /// The file, unless it is text.
    pub fn as_file(&self) -> Option<&FileSource> {
        match &self.content {
            Content::Text(_) => None,
            Content::File(file) => Some(file),
        }
    }

    /// What stands before the content: the boundary and the headers of the part (RFC 7578).
    pub(crate) fn head(&self, boundary: &str) -> String {
        let name = quoted(&self.name);
        match &self.content {
            Content::Text(_) => {
                format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n")
            }
            Content::File(file) => format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{}\"\r\n\
                 content-type: {}\r\n\r\n",
                quoted(&file.name),
                one_line(&file.content_type)
            ),
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A text inside quotation marks, escaped as browsers do it (HTML: "multipart/form-data encoding algorithm").
fn quoted(text: &str) -> String {
    text.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_names_field_and_file_and_nothing_breaks_out_of_it() {
        let text = Part::text("tags[]", "a");
        assert_eq!(
            text.head("B"),
            "--B\r\ncontent-disposition: form-data; name=\"tags[]\"\r\n\r\n"
        );
        let file = FileSource::from_bytes("r\u{e9}sum\u{e9} \"x\"\r\nX: y.pdf", "%PDF")
            .with_content_type("application/pdf\r\nX: y");
        assert_eq!(
            Part::file("file", file).head("B"),
            "--B\r\ncontent-disposition: form-data; name=\"file\"; \
             filename=\"r\u{e9}sum\u{e9} %22x%22%0D%0AX: y.pdf\"\r\ncontent-type: application/pdfX: y\r\n\r\n"
        );
    }

    #[test]
    fn debug_tells_no_name() {
        let file = FileSource::from_bytes("ada-lovelace.pdf", "secret");
        let shown = format!("{file:?} {:?}", Part::text("name", "Ada"));
        assert!(!shown.contains("ada") && !shown.contains("Ada"), "{shown}");
    }
}
