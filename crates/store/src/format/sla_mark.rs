//! What was told of an SLA.

use domain::change::SlaMark;
use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};

/// The last mark that was told of the SLA of a candidacy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlaTold {
    /// When the clock of the stay started.
    pub(crate) entered_at: Timestamp,
    /// The mark.
    pub(crate) mark: SlaMark,
}

#[derive(Clone, PartialEq, Message)]
struct SlaToldV1 {
    #[prost(int64, tag = "1")]
    entered_at: i64,
    #[prost(uint32, tag = "2")]
    mark: u32,
}

impl Stored for SlaTold {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        SlaToldV1 {
            entered_at: self.entered_at.as_millis(),
            mark: match self.mark {
                SlaMark::AtRisk => 1,
                SlaMark::Breached => 2,
            },
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: SlaToldV1 = version_1(version, payload)?;
        Some(Self {
            entered_at: Timestamp::from_millis(stored.entered_at),
            mark: match stored.mark {
                1 => SlaMark::AtRisk,
                2 => SlaMark::Breached,
                _ => return None,
            },
        })
    }
}
