//! Operations as they are kept: what was asked, of whom, and what Lever said is sealed.

use domain::Operation;
use lever::Timestamp;
use prost::{Message, Oneof};

use super::Stored;
use crate::error::Error;
use crate::seal::Sealer;
use crate::table::Table;

/// What an operation is sealed for; the context is its key.
const PURPOSE: &str = "operation";

/// An operation whose content opens with the store's secret only.
///
/// What restoring a backup has to know, and to say, is outside of the seal: it is done without the secret.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeptOperation {
    /// The version of the content.
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(oneof = "Content", tags = "2, 3")]
    content: Option<Content>,
    /// Whether nothing of it will be sent any more, whoever asks.
    #[prost(bool, tag = "4")]
    over: bool,
    #[prost(bool, tag = "5")]
    settled: bool,
    /// When the backup was taken that it comes from, while nothing else has become of it.
    #[prost(int64, optional, tag = "6")]
    restored_at: Option<i64>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Content {
    #[prost(bytes, tag = "2")]
    Sealed(Vec<u8>),
    /// Of before operations were sealed.
    #[prost(bytes, tag = "3")]
    Plain(Vec<u8>),
}

impl KeptOperation {
    /// Seals an operation for its key.
    ///
    /// # Errors
    /// If the operating system gives no random numbers.
    pub(crate) fn seal(sealer: &Sealer, key: &[u8], operation: &Operation) -> Result<Self, Error> {
        let sealed = sealer.seal(PURPOSE, key, &operation.to_payload())?;
        Ok(Self {
            content: Some(Content::Sealed(sealed)),
            ..Self::beside(operation, Operation::VERSION)
        })
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsealed`](crate::ErrorKind::Unsealed) for one that was altered or moved.
    pub(crate) fn open(self, sealer: &Sealer, key: &[u8]) -> Result<Operation, Error> {
        let corrupt = || Error::corrupt(Table::Operations);
        let payload = match self.content.ok_or_else(corrupt)? {
            Content::Sealed(sealed) => sealer.unseal(PURPOSE, key, &sealed)?,
            Content::Plain(payload) => payload,
        };
        let version = u8::try_from(self.version).map_err(|_| corrupt())?;
        let operation = Operation::from_payload(version, &payload).ok_or_else(corrupt)?;
        Ok(match self.restored_at {
            Some(taken) => operation.restored(Timestamp::from_millis(taken)),
            None => operation,
        })
    }

    /// As a store has it that was restored from a backup taken at `taken`; see [`Operation::restored`].
    pub(crate) fn restored(self, taken: Timestamp) -> Self {
        if self.over {
            return self;
        }
        Self {
            restored_at: Some(taken.as_millis()),
            ..self
        }
    }

    /// Whether it comes from a backup, and may have been sent by the service that went on after that.
    pub(crate) fn is_unsure(&self) -> bool {
        self.restored_at.is_some() && !self.settled
    }

    /// What is told beside the content of an operation.
    fn beside(operation: &Operation, version: u8) -> Self {
        Self {
            version: version.into(),
            content: None,
            over: operation.is_over(),
            settled: operation.state.settled(),
            restored_at: None,
        }
    }
}

impl Stored for KeptOperation {
    /// Lower ones are those of an operation that is not sealed.
    const VERSION: u8 = 128;

    fn to_payload(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        if version == Self::VERSION {
            return Self::decode(payload).ok();
        }
        let operation = Operation::from_payload(version, payload)?;
        Some(Self {
            content: Some(Content::Plain(payload.to_vec())),
            ..Self::beside(&operation, version)
        })
    }
}
