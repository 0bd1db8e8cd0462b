//! What is sealed at rest: the one list of it, for whoever goes through all of it.
//!
//! The context of each value is its key, so that one moved to another row does not open.

use zeroize::Zeroizing;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{SealedCredential, Secret, frame, key};
use crate::opening::IDENTITY_SECRET;
use crate::ring::Ring;
use crate::seal::MasterKeyId;
use crate::table::{Entry, Scan, Table, Tables};
use crate::webhooks::{SIGNATURE_TOKENS, WEBHOOK};

/// The tables with sealed values. How far they were gone through is stored by the place in this list: add at its end.
pub(crate) const SEALED: [Table; 4] = [
    Table::Meta,
    Table::Credentials,
    Table::Webhooks,
    Table::WebhookTokens,
];

/// The sealed entries of a table of [`SEALED`] that come after a key; an empty one comes before all.
pub(crate) fn entries<'a>(tables: &'a Tables, table: Table, after: &[u8]) -> Scan<'a> {
    match (table, after) {
        // Of this table one entry is sealed.
        (Table::Meta, []) => tables.scan(table, key::IDENTITY_SECRET),
        (Table::Meta, after) => tables.scan_after(table, key::IDENTITY_SECRET, after),
        (table, after) => tables.scan_after(table, &[], after),
    }
}

/// A value with something sealed in it.
pub(crate) enum SealedValue {
    /// Of a connection.
    Credential(SealedCredential),
    /// All of the value, for a purpose.
    Whole(Secret, &'static str),
}

impl SealedValue {
    /// Reads an entry of a table of [`SEALED`]; none when it was removed since.
    pub(crate) fn of(tables: &Tables, table: Table, entry: Entry) -> Result<Option<Self>, Error> {
        let whole = |purpose| move |secret| SealedValue::Whole(secret, purpose);
        let entry = Ok(entry);
        Ok(match table {
            Table::Credentials => tables.value(table, entry)?.map(SealedValue::Credential),
            Table::Webhooks => tables.value(table, entry)?.map(whole(WEBHOOK)),
            Table::WebhookTokens => tables.value(table, entry)?.map(whole(SIGNATURE_TOKENS)),
            _ => tables.value(table, entry)?.map(whole(IDENTITY_SECRET)),
        })
    }

    /// Reads a value of a table of [`SEALED`], its pieces joined.
    pub(crate) fn read(table: Table, value: &[u8]) -> Result<Self, Error> {
        let whole = |purpose| move |secret| SealedValue::Whole(secret, purpose);
        match table {
            Table::Credentials => frame::open_as(table, value).map(SealedValue::Credential),
            Table::Webhooks => frame::open_as(table, value).map(whole(WEBHOOK)),
            Table::WebhookTokens => frame::open_as(table, value).map(whole(SIGNATURE_TOKENS)),
            _ => frame::open_as(table, value).map(whole(IDENTITY_SECRET)),
        }
    }

    /// The master key it is sealed with; none when that cannot be told.
    pub(crate) fn key(&self) -> Option<MasterKeyId> {
        MasterKeyId::named_by(self.sealed())
    }

    /// Opens it.
    pub(crate) fn open(&self, ring: &Ring, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        ring.unseal(self.purpose(), key, self.sealed())
            .map(Zeroizing::new)
    }

    /// Seals it anew and puts it in its place.
    pub(crate) fn put_sealed_anew(
        self,
        draft: &mut Draft<'_>,
        ring: &Ring,
        table: Table,
        key: Vec<u8>,
    ) -> Result<(), Error> {
        let plain = self.open(ring, &key)?;
        let sealed = ring.seal(self.purpose(), &key, &plain)?;
        match self {
            SealedValue::Credential(credential) => {
                draft.put(
                    table,
                    key,
                    &SealedCredential {
                        sealed,
                        ..credential
                    },
                );
            }
            SealedValue::Whole(..) => draft.put(table, key, &Secret(sealed)),
        }
        Ok(())
    }

    fn sealed(&self) -> &[u8] {
        match self {
            SealedValue::Credential(credential) => &credential.sealed,
            SealedValue::Whole(Secret(sealed), _) => sealed,
        }
    }

    fn purpose(&self) -> &'static str {
        match self {
            SealedValue::Credential(credential) => credential.purpose(),
            SealedValue::Whole(_, purpose) => purpose,
        }
    }
}
