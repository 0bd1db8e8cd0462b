//! Master keys from outside the data directory.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretBox};
use zeroize::Zeroizing;

use super::{Error, Store};

/// The bytes of a master key.
type Key = SecretBox<[u8; 32]>;

/// More than any file of keys has.
const LARGEST_FILE: u64 = 64 << 10;

impl Store {
    /// The master keys that the settings give, the newest first; none where they are files of the data directory.
    ///
    /// # Errors
    /// A file that cannot be read, that others can read, or that holds something else.
    pub fn master_keys(&self) -> Result<Vec<Key>, Error> {
        let path = &self.master_key_file;
        let bad = |place: String| move |problem| Error::BadValue { place, problem };
        if !path.as_os_str().is_empty() {
            let place = format!("`store.master_key_file` ({})", path.display());
            return from_file(path).map_err(bad(place));
        }
        match self.master_key.get() {
            Some(text) => parse(text.expose_secret()).map_err(bad("`store.master_key`".to_owned())),
            None => Ok(Vec::new()),
        }
    }
}

/// Reads keys of 64 hexadecimal digits, the newest first, with commas or space between them.
///
/// What is wrong is told without what was found.
pub(super) fn parse(text: &str) -> Result<Vec<Key>, String> {
    let words = text
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty());
    let keys = (1..).zip(words).map(|(number, word)| {
        let expected = "expected master keys of 64 hexadecimal digits each, as `openssl rand -hex 32` makes them, \
             the newest first, with commas between them";
        key(word).ok_or_else(|| format!("{expected}; number {number} is something else"))
    });
    keys.collect()
}

/// A file holds such a text, or the 32 bytes of a `master.key`.
fn from_file(path: &Path) -> Result<Vec<Key>, String> {
    let cannot_read = |error: std::io::Error| format!("cannot be read: {error}");
    let mut file = File::open(path).map_err(cannot_read)?;
    let metadata = file.metadata().map_err(cannot_read)?;
    if metadata.mode() & 0o077 != 0 {
        return Err("can be read by others: run chmod 600 on it".to_owned());
    }
    // With room for all of it, nothing is copied to a larger place and left behind.
    let room = usize::try_from(metadata.len().min(LARGEST_FILE)).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.by_ref()
        .take(LARGEST_FILE)
        .read_to_end(&mut bytes)
        .map_err(cannot_read)?;
    if let Ok(key) = <[u8; 32]>::try_from(bytes.as_slice()) {
        return Ok(vec![SecretBox::new(Box::new(key))]);
    }
    let keys = parse(std::str::from_utf8(&bytes).unwrap_or("no text"))?;
    if keys.is_empty() {
        return Err("holds no key".to_owned());
    }
    Ok(keys)
}

fn key(word: &str) -> Option<Key> {
    let mut key: Zeroizing<[u8; 32]> = Zeroizing::default();
    if word.len() != 2 * key.len() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(word.as_bytes().chunks(2)) {
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(SecretBox::new(Box::new(*key)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn first_bytes(keys: &[Key]) -> Vec<u8> {
        keys.iter().map(|key| key.expose_secret()[0]).collect()
    }

    fn hex(byte: u8) -> String {
        format!("{byte:02x}").repeat(32)
    }

    #[test]
    fn keys_are_read_in_their_order() {
        let text = format!(" {},{}\n{}\n", hex(0xA1), hex(2).to_uppercase(), hex(3));
        assert_eq!(first_bytes(&parse(&text).unwrap()), [0xA1, 2, 3]);
        assert!(parse(" \n").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_key_is_told_by_its_number_and_not_repeated() {
        let short = &hex(7)[1..];
        for bad in ["hunter2", short, &format!("{short}z"), &"é".repeat(32)] {
            let said = parse(&format!("{},{bad}", hex(1))).unwrap_err();
            assert!(said.contains("number 2"), "{said}");
            assert!(!said.contains(bad) && !said.contains(&hex(1)), "{said}");
        }
    }

    #[test]
    fn a_file_holds_a_key_as_it_was_in_the_data_directory_or_keys_as_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let store = Store {
            master_key_file: path.clone(),
            ..super::super::Settings::default().store
        };
        let said = || store.master_keys().unwrap_err().to_string();
        assert!(said().contains("store.master_key_file"), "{}", said());
        let write = |bytes: &[u8], mode| {
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write(&[b'a'; 32], 0o600);
        assert_eq!(first_bytes(&store.master_keys().unwrap()), [b'a']);
        write(format!("{}\n{}\n", hex(2), hex(1)).as_bytes(), 0o400);
        assert_eq!(first_bytes(&store.master_keys().unwrap()), [2, 1]);
        write(&[b'a'; 32], 0o640);
        assert!(said().contains("chmod 600"), "{}", said());
        for bad in [&[b'a'; 33][..], &[0xff; 40], b"\n"] {
            write(bad, 0o600);
            assert!(!said().contains("aaaa"), "{}", said());
        }
    }
}
