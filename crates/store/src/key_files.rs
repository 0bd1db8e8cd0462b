//! The files of master keys in the folder of a store.
//!
//! `master.key` holds the newest key, `master.<id>.key` one that came before; each is 32 bytes that only the owner of
//! the folder may read. A newer key takes the place of `master.key` once the one that seals has a file of its own
//! name: so after a crash between the two steps a key is there twice, and never missing.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind as IoKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::directory::Directory;
use crate::error::{Error, ErrorKind};
use crate::seal::{self, KeyBytes, MasterKeyId, Sealer};

/// Reads the keys of a folder, the newest first; none when there is no `master.key`.
///
/// # Errors
/// [`ErrorKind::MasterKey`] for a file that others can read, or that is no key.
pub(crate) fn read_all(directory: &Directory) -> Result<Option<Vec<Sealer>>, Error> {
    let Some(newest) = read(&directory.master_key())? else {
        return Ok(None);
    };
    let mut keys = vec![Sealer::new(newest)];
    for path in directory.former_keys()? {
        keys.extend(read(&path)?.map(Sealer::new));
    }
    Ok(Some(keys))
}

/// Makes the first key of a folder, durably.
pub(crate) fn make(directory: &Directory) -> Result<KeyBytes, Error> {
    let key = random()?;
    write(directory, &directory.master_key(), &key)?;
    Ok(key)
}

/// Makes a newer key, durably, and keeps `present` under a name of its own.
pub(crate) fn make_newer(directory: &Directory, present: &Sealer) -> Result<KeyBytes, Error> {
    write(
        directory,
        &directory.former_key(present.id()),
        present.key(),
    )?;
    make(directory)
}

/// Removes the file of a former key, durably; one that is not there is no error.
pub(crate) fn remove(directory: &Directory, id: MasterKeyId) -> Result<(), Error> {
    let path = directory.former_key(id);
    let removed = match fs::remove_file(&path) {
        Err(error) if error.kind() == IoKind::NotFound => Ok(()),
        removed => removed.and_then(|()| directory.sync()),
    };
    removed.map_err(|error| Error::io(format_args!("remove {}", path.display()), error))
}

fn random() -> Result<KeyBytes, Error> {
    let mut key = KeyBytes::default();
    seal::fill_random(&mut *key)?;
    Ok(key)
}

/// After a crash the file is as before, or whole.
fn write(directory: &Directory, path: &Path, key: &KeyBytes) -> Result<(), Error> {
    let fresh = directory.fresh_key();
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| file.write_all(&**key).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, path))
        .and_then(|()| directory.sync())
        .map_err(|error| Error::io(format_args!("write {}", path.display()), error))
}

/// Reads a key file; none when it does not exist.
fn read(path: &Path) -> Result<Option<KeyBytes>, Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_read(path, error)),
    };
    let metadata = file.metadata().map_err(|error| cannot_read(path, error))?;
    if metadata.mode() & 0o077 != 0 {
        let message = format!(
            "{} can be read by others: run chmod 600 on it",
            path.display()
        );
        return Err(Error::new(ErrorKind::MasterKey, message));
    }
    let mut key = KeyBytes::default();
    if metadata.len() != key.len() as u64 {
        let message = format!(
            "{} is not a master key of 32 bytes: restore it",
            path.display()
        );
        return Err(Error::new(ErrorKind::MasterKey, message));
    }
    file.read_exact(&mut *key)
        .map_err(|error| cannot_read(path, error))?;
    Ok(Some(key))
}

fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    Error::io(format_args!("read {}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_file_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::create(folder.path()).unwrap();
        let made = make(&directory).unwrap();
        let path = directory.master_key();
        assert_eq!(read(&path).unwrap().unwrap(), made);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), &ErrorKind::MasterKey);
    }

    #[test]
    fn a_newer_key_leaves_the_former_one_under_its_own_name_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::create(folder.path()).unwrap();
        let first = Sealer::new(make(&directory).unwrap());
        let second = Sealer::new(make_newer(&directory, &first).unwrap());
        let ids = || -> Vec<_> {
            let keys = read_all(&directory).unwrap().unwrap();
            keys.iter().map(Sealer::id).collect()
        };
        assert_eq!(ids(), [second.id(), first.id()]);
        assert!(
            directory.inspect().is_ok(),
            "its files are those of a store"
        );
        let mode = fs::metadata(directory.former_key(first.id()))
            .unwrap()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        remove(&directory, first.id()).unwrap();
        remove(&directory, first.id()).unwrap();
        assert_eq!(ids(), [second.id()]);
    }
}
