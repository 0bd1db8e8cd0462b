//! What is in files.

use std::fs;
use std::path::Path;

use memchr::memmem;

/// The files below a folder that hold these bytes.
pub(crate) fn files_with(folder: &Path, wanted: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, wanted));
        } else if memmem::find(&fs::read(&path).expect("a file"), wanted).is_some() {
            found.push(path.display().to_string());
        }
    }
    found
}
