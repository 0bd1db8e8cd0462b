//! The bytes of a backup.
//!
//! ```text
//! file    = "FULCRUM1" record*
//! record  = kind 1, length of the payload 4, payload, CRC-32 of all these 4
//! ```
//!
//! | kind | payload | where |
//! |---|---|---|
//! | 1 header | protobuf [`Header`] | first, once |
//! | 2 file | protobuf: name and size of a file on its way to Lever | after the header; its bytes follow |
//! | 3 bytes | up to 64 KB of the file before it | |
//! | 4 table | the name of a table | once for each, in a fixed order |
//! | 5 entry | length of the key 4, key, value with its frame (`format`) | in the order of the keys of its table |
//! | 6 end | entries 8, files 8, SHA-256 of every byte before this record 32 | last, once |
//!
//! Numbers are big-endian. Values are whole: nothing of how sled keeps them is in there.
//! A reader believes nothing: lengths are bounded, order is checked, each value must be what its table holds.

use std::fs::File;
use std::io::{BufReader, ErrorKind as IoKind, Read, Write};
use std::path::{Path, PathBuf};

use lever::Timestamp;
use prost::Message;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Scope;
use crate::error::{Error, ErrorKind};
use crate::examine;
use crate::format::STORE_VERSION;
use crate::table::Table;
use crate::uploads;

const MAGIC: &[u8; 8] = b"FULCRUM1";
/// The version of what is described above.
const FORMAT: u32 = 1;
/// How many bytes of a file one record has at most.
const PIECE: usize = 64 << 10;
/// No value comes near this: requests are bounded, and documents are what Lever answers.
const LONGEST: u32 = 1 << 30;

const HEADER: u8 = 1;
const FILE: u8 = 2;
const BYTES: u8 = 3;
const TABLE: u8 = 4;
const ENTRY: u8 = 5;
const END: u8 = 6;

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What is in it.
    pub scope: Scope,
    /// The store it was taken of.
    pub store: Uuid,
    /// The number of the last commit that is in it.
    pub commit: u64,
    /// When it was taken.
    pub taken: Timestamp,
    /// The version of the program that took it.
    pub program: String,
}

#[derive(Clone, PartialEq, Message)]
struct HeaderV1 {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(bytes = "vec", tag = "2")]
    store: Vec<u8>,
    #[prost(fixed64, tag = "3")]
    commit: u64,
    #[prost(int64, tag = "4")]
    taken: i64,
    #[prost(bool, tag = "5")]
    only_ours: bool,
    #[prost(uint32, tag = "6")]
    store_format: u32,
    #[prost(string, tag = "7")]
    program: String,
}

#[derive(Clone, PartialEq, Message)]
struct FileV1 {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint64, tag = "2")]
    size: u64,
}

impl Header {
    fn to_payload(&self) -> Vec<u8> {
        HeaderV1 {
            format: FORMAT,
            store: self.store.as_bytes().to_vec(),
            commit: self.commit,
            taken: self.taken.as_millis(),
            only_ours: self.scope == Scope::Ours,
            store_format: STORE_VERSION,
            program: self.program.clone(),
        }
        .encode_to_vec()
    }
}

/// Writes a backup.
pub(crate) struct Writer<W> {
    to: W,
    hash: Sha256,
    bytes: u64,
    entries: u64,
    files: u64,
}

impl<W: Write> Writer<W> {
    /// Begins with the header.
    pub(crate) fn begin(to: W, header: &Header) -> std::io::Result<Self> {
        let mut writer = Self {
            to,
            hash: Sha256::new(),
            bytes: 0,
            entries: 0,
            files: 0,
        };
        writer.put(MAGIC)?;
        writer.record(HEADER, &[&header.to_payload()])?;
        Ok(writer)
    }

    /// Adds a file of `size` bytes; false when it ended before.
    pub(crate) fn file(
        &mut self,
        name: &str,
        size: u64,
        mut from: impl Read,
    ) -> std::io::Result<bool> {
        let named = FileV1 {
            name: name.to_owned(),
            size,
        };
        self.record(FILE, &[&named.encode_to_vec()])?;
        self.files += 1;
        let mut piece = vec![0; PIECE];
        let mut left = size;
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            if let Err(error) = from.read_exact(&mut piece[..room]) {
                return match error.kind() {
                    IoKind::UnexpectedEof => Ok(false),
                    _ => Err(error),
                };
            }
            self.record(BYTES, &[&piece[..room]])?;
            left -= room as u64;
        }
        Ok(true)
    }

    /// Begins a table.
    pub(crate) fn table(&mut self, table: Table) -> std::io::Result<()> {
        self.record(TABLE, &[table.name().as_bytes()])
    }

    /// Adds an entry of the table begun last.
    pub(crate) fn entry(&mut self, key: &[u8], value: &[u8]) -> std::io::Result<()> {
        self.entries += 1;
        let length = u32::try_from(key.len()).map_err(|_| IoKind::InvalidInput)?;
        self.record(ENTRY, &[&length.to_be_bytes(), key, value])
    }

    /// How many entries were written.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// Ends it; gives how many bytes it has.
    pub(crate) fn end(mut self) -> std::io::Result<(W, u64)> {
        let digest: [u8; 32] = self.hash.clone().finalize().into();
        let (entries, files) = (self.entries.to_be_bytes(), self.files.to_be_bytes());
        self.record(END, &[&entries, &files, &digest])?;
        self.to.flush()?;
        Ok((self.to, self.bytes))
    }

    fn record(&mut self, kind: u8, parts: &[&[u8]]) -> std::io::Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let length = u32::try_from(length)
            .ok()
            .filter(|length| *length <= LONGEST)
            .ok_or(IoKind::InvalidInput)?;
        let mut crc = crc32fast::Hasher::new();
        let head = [&[kind][..], &length.to_be_bytes()].concat();
        for part in [&[&head[..]], parts].concat() {
            crc.update(part);
            self.put(part)?;
        }
        self.put(&crc.finalize().to_be_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.to.write_all(bytes)
    }
}

/// What a backup holds, one after the other.
#[derive(Debug)]
pub(crate) enum Item {
    /// A file on its way to Lever.
    File { name: String },
    /// The next bytes of the file before.
    Bytes(Vec<u8>),
    /// An entry of a table.
    Entry {
        table: Table,
        key: Vec<u8>,
        value: Vec<u8>,
    },
}

/// Reads a backup from its beginning to its end, and checks everything there is to check.
pub(crate) struct Reader<R> {
    from: R,
    path: PathBuf,
    hash: Sha256,
    /// Of the record that is being read.
    record: u64,
    offset: u64,
    position: u64,
    entries: u64,
    files: u64,
    /// How many bytes of the present file are to come.
    owed: u64,
    table: Option<Table>,
    last_key: Option<Vec<u8>>,
    scope: Scope,
}

impl Reader<BufReader<File>> {
    /// Opens a backup and reads its header.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::Damaged`], or [`ErrorKind::NewerFormat`] for a backup of a newer version.
    pub(crate) fn open(path: &Path) -> Result<(Self, Header), Error> {
        let file = File::open(path)
            .map_err(|error| Error::io(format_args!("open {}", path.display()), error))?;
        Self::new(BufReader::with_capacity(1 << 20, file), path)
    }
}

impl<R: Read> Reader<R> {
    fn new(from: R, path: &Path) -> Result<(Self, Header), Error> {
        let mut reader = Self {
            from,
            path: path.to_owned(),
            hash: Sha256::new(),
            record: 0,
            offset: 0,
            position: 0,
            entries: 0,
            files: 0,
            owed: 0,
            table: None,
            last_key: None,
            scope: Scope::All,
        };
        let mut magic = [0; 8];
        reader.fill(&mut magic)?;
        if magic != *MAGIC {
            let message = format!("{} is not a backup of Fulcrum", path.display());
            return Err(Error::new(ErrorKind::Damaged, message));
        }
        let (kind, payload) = reader.next_record()?;
        let header = match kind {
            HEADER => reader.header(&payload)?,
            _ => return Err(reader.damaged("it does not begin with a header")),
        };
        reader.scope = header.scope;
        Ok((reader, header))
    }

    fn header(&self, payload: &[u8]) -> Result<Header, Error> {
        let HeaderV1 {
            format,
            store,
            commit,
            taken,
            only_ours,
            store_format,
            program,
        } = HeaderV1::decode(payload).map_err(|_| self.damaged("its header makes no sense"))?;
        if format > FORMAT || store_format > STORE_VERSION {
            return Err(self.newer(&format!("it was made by version {program}")));
        }
        Ok(Header {
            scope: if only_ours { Scope::Ours } else { Scope::All },
            store: Uuid::from_slice(&store).map_err(|_| self.damaged("it names no store"))?,
            commit,
            taken: Timestamp::from_millis(taken),
            program,
        })
    }

    /// The next thing it holds; none at its end, when all of it was found to be right.
    ///
    /// # Errors
    /// [`ErrorKind::Damaged`] with the number and the place of the record, [`ErrorKind::NewerFormat`], [`ErrorKind::Io`].
    pub(crate) fn next(&mut self) -> Result<Option<Item>, Error> {
        loop {
            let before = self.hash.clone();
            let (kind, payload) = self.next_record()?;
            if self.owed > 0 && kind != BYTES {
                return Err(self.damaged("bytes of a file are missing"));
            }
            match kind {
                FILE if self.table.is_none() => return self.file(&payload).map(Some),
                BYTES => return self.piece(payload).map(Some),
                TABLE => self.begin_table(&payload)?,
                ENTRY => return self.entry(payload).map(Some),
                END => return self.end(&payload, before).map(|()| None),
                _ => return Err(self.damaged("it is out of place")),
            }
        }
    }

    fn file(&mut self, payload: &[u8]) -> Result<Item, Error> {
        let FileV1 { name, size } =
            FileV1::decode(payload).map_err(|_| self.damaged("it makes no sense"))?;
        // A name that could lead out of the folder is none.
        if uploads::owner(&name).is_none() {
            return Err(self.damaged("a file has a name that no file has"));
        }
        self.files += 1;
        self.owed = size;
        Ok(Item::File { name })
    }

    fn piece(&mut self, payload: Vec<u8>) -> Result<Item, Error> {
        let length = payload.len() as u64;
        if length == 0 || length > self.owed {
            return Err(self.damaged("a file has more bytes than it should"));
        }
        self.owed -= length;
        Ok(Item::Bytes(payload))
    }

    fn begin_table(&mut self, payload: &[u8]) -> Result<(), Error> {
        let name = std::str::from_utf8(payload).map_err(|_| self.damaged("it makes no sense"))?;
        let table = Table::ALL.iter().copied().find(|one| one.name() == name);
        let Some(table) = table else {
            return Err(self.newer(&format!("this version knows no table {name:?}")));
        };
        if !self.scope.holds(table) || self.table.is_some_and(|before| before >= table) {
            return Err(self.damaged("the tables are out of order"));
        }
        self.table = Some(table);
        self.last_key = None;
        Ok(())
    }

    fn entry(&mut self, mut payload: Vec<u8>) -> Result<Item, Error> {
        let nonsense = |reader: &Self| reader.damaged("it makes no sense");
        let table = self.table.ok_or_else(|| nonsense(self))?;
        let length = payload
            .first_chunk::<4>()
            .map(|length| u32::from_be_bytes(*length) as usize);
        let end = length.and_then(|length| length.checked_add(4));
        let end = end.filter(|end| *end <= payload.len());
        let end = end.ok_or_else(|| nonsense(self))?;
        let value = payload.split_off(end);
        let key = payload.split_off(4);
        if self.last_key.as_ref().is_some_and(|last| *last >= key) {
            return Err(self.damaged("the entries are out of order"));
        }
        if examine::fits(table, &key, &value).is_err() {
            return Err(self.damaged("its value is none of this table"));
        }
        self.entries += 1;
        self.last_key = Some(key.clone());
        Ok(Item::Entry { table, key, value })
    }

    fn end(&mut self, payload: &[u8], before: Sha256) -> Result<(), Error> {
        let digest: [u8; 32] = before.finalize().into();
        let said = [
            &self.entries.to_be_bytes()[..],
            &self.files.to_be_bytes(),
            &digest,
        ]
        .concat();
        if payload != said {
            return Err(self.damaged("the whole does not fit its checksum"));
        }
        let mut more = [0];
        match self.from.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged("something follows its end")),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn next_record(&mut self) -> Result<(u8, Vec<u8>), Error> {
        self.record += 1;
        self.offset = self.position;
        let mut head = [0; 5];
        self.fill(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length);
        if length > LONGEST {
            return Err(self.damaged("it is too long"));
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head);
        let payload = self.take(length)?;
        crc.update(&payload);
        let mut told = [0; 4];
        self.fill(&mut told)?;
        if told != crc.finalize().to_be_bytes() {
            return Err(self.damaged("its checksum does not fit"));
        }
        Ok((kind, payload))
    }

    /// Grows with what is there, whatever the length says.
    fn take(&mut self, length: u32) -> Result<Vec<u8>, Error> {
        let mut payload = Vec::new();
        let read = (&mut self.from)
            .take(u64::from(length))
            .read_to_end(&mut payload);
        read.map_err(|error| self.unreadable(error))?;
        if payload.len() < length as usize {
            return Err(self.damaged("the file ends in the middle of it"));
        }
        self.hash.update(&payload);
        self.position += u64::from(length);
        Ok(payload)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        match self.from.read_exact(bytes) {
            Ok(()) => {
                self.hash.update(&*bytes);
                self.position += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == IoKind::UnexpectedEof => {
                Err(self.damaged("the file ends before it is whole"))
            }
            Err(error) => Err(self.unreadable(error)),
        }
    }

    /// How many entries were read.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    fn unreadable(&self, error: std::io::Error) -> Error {
        Error::io(format_args!("read {}", self.path.display()), error)
    }

    fn damaged(&self, what: &str) -> Error {
        let message = format!(
            "the backup {} is damaged at record {}, byte {} ({what}): use another backup",
            self.path.display(),
            self.record,
            self.offset
        );
        Error::new(ErrorKind::Damaged, message)
    }

    fn newer(&self, why: &str) -> Error {
        let message = format!(
            "the backup {} is of a newer version ({why}): restore it with that version",
            self.path.display()
        );
        Error::new(ErrorKind::NewerFormat, message)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::{Counter, Stored, frame};

    fn header(scope: Scope) -> Header {
        Header {
            scope,
            store: Uuid::from_u128(7),
            commit: 41,
            taken: Timestamp::from_millis(5),
            program: "1.2.3".to_owned(),
        }
    }

    fn read(bytes: &[u8]) -> Result<(Header, Vec<Item>), Error> {
        let (mut reader, header) = Reader::new(bytes, Path::new("f"))?;
        let mut items = Vec::new();
        while let Some(item) = reader.next()? {
            items.push(item);
        }
        Ok((header, items))
    }

    fn counter(number: u64) -> Vec<u8> {
        frame::seal(Counter::VERSION, &Counter(number).to_payload())
    }

    /// A backup of these records, whatever they are, with every checksum right.
    fn forged(records: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), &header(Scope::All)).unwrap();
        for (kind, payload) in records {
            writer.record(*kind, &[payload]).unwrap();
            writer.entries += u64::from(*kind == ENTRY);
            writer.files += u64::from(*kind == FILE);
        }
        writer.end().unwrap().0
    }

    #[test]
    fn the_bytes_are_pinned() {
        let mut writer = Writer::begin(Vec::new(), &header(Scope::Ours)).unwrap();
        writer.table(Table::Sequences).unwrap();
        writer.entry(b"k", &counter(1)).unwrap();
        let (bytes, length) = writer.end().unwrap();
        assert_eq!(length, bytes.len() as u64);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, PINNED);
        let (told, items) = read(&bytes).unwrap();
        assert_eq!(told, header(Scope::Ours));
        assert_eq!(items.len(), 1);
    }

    const PINNED: &str = "46554c4352554d31010000002a08011210000000000000000000000000000000071929000000000000002005280130013a05312e322e332eb995ab040000000973657175656e63657365eb79240500000013000000016b018db5416c0901000000000000001c3fbbc406000000300000000000000001000000000000000007e2aec43231a491ceda3d6c4c11e49c9bd7fdab8262f0d6912b79150fc2960054841045";

    #[test]
    fn what_is_out_of_place_is_refused_though_every_checksum_is_right() {
        let table = |name: &str| (TABLE, name.as_bytes().to_vec());
        let entry = |key: &[u8], value: &[u8]| {
            let length = (key.len() as u32).to_be_bytes();
            (ENTRY, [&length[..], key, value].concat())
        };
        let file = |name: &str, size| {
            let name = name.to_owned();
            (FILE, FileV1 { name, size }.encode_to_vec())
        };
        let one = counter(1);
        let sound = [table("counts"), entry(b"a", &one), entry(b"b", &one)];
        assert_eq!(read(&forged(&sound)).unwrap().1.len(), 2);
        let unsound: Vec<Vec<(u8, Vec<u8>)>> = vec![
            vec![entry(b"a", &one)],
            vec![table("counts"), entry(b"b", &one), entry(b"a", &one)],
            vec![table("counts"), entry(b"a", &one), entry(b"a", &one)],
            vec![table("counts"), table("counts")],
            vec![table("sequences"), table("counts")],
            vec![table("pieces")],
            vec![table("counts"), entry(b"a", b"no counter")],
            vec![table("counts"), (ENTRY, vec![0, 0, 0, 9, 1])],
            vec![table("counts"), (ENTRY, vec![0xff; 4])],
            vec![(HEADER, header(Scope::All).to_payload())],
            vec![(BYTES, vec![1])],
            vec![file("../../etc/passwd", 1), (BYTES, vec![1])],
            vec![file("a.b", 1), (BYTES, vec![1])],
            vec![(9, Vec::new())],
        ];
        for records in unsound {
            let refused = read(&forged(&records)).unwrap_err();
            assert_eq!(*refused.kind(), ErrorKind::Damaged, "{records:?}");
        }
        let unknown = read(&forged(&[table("of tomorrow")])).unwrap_err();
        assert_eq!(*unknown.kind(), ErrorKind::NewerFormat);
    }

    proptest! {
        #[test]
        fn records_that_nobody_wrote_never_panic(
            records in proptest::collection::vec(
                (0..8_u8, proptest::collection::vec(any::<u8>(), 0..64)), 0..12
            )
        ) {
            let _ = read(&forged(&records));
        }

        #[test]
        fn bytes_that_nobody_wrote_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let magic = [&MAGIC[..], &bytes].concat();
            prop_assert!(read(&magic).is_err());
            prop_assert!(read(&bytes).is_err());
        }
    }
}
