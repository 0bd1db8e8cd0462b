//! What was told of an SLA.

use domain::change::SlaMark;
use lever::Timestamp;
use prost::Message;

use super::Stored;

/// What was told last of the SLA of a candidacy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SlaTold {
    /// The mark, and when the clock of that stay started.
    pub(crate) mark: Option<(SlaMark, Timestamp)>,
    /// The end of the snooze that was told to be over.
    pub(crate) awake: Option<Timestamp>,
}

/// Version 1 always had a mark, and never `awake`.
#[derive(Clone, PartialEq, Message)]
struct SlaToldV2 {
    #[prost(int64, tag = "1")]
    entered_at: i64,
    /// 0 for none.
    #[prost(uint32, tag = "2")]
    mark: u32,
    #[prost(int64, optional, tag = "3")]
    awake: Option<i64>,
}

impl Stored for SlaTold {
    const VERSION: u8 = 2;

    fn to_payload(&self) -> Vec<u8> {
        let (mark, entered_at) = match self.mark {
            None => (0, 0),
            Some((SlaMark::AtRisk, entered_at)) => (1, entered_at.as_millis()),
            Some((SlaMark::Breached, entered_at)) => (2, entered_at.as_millis()),
        };
        SlaToldV2 {
            entered_at,
            mark,
            awake: self.awake.map(Timestamp::as_millis),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        if !matches!(version, 1 | 2) {
            return None;
        }
        let stored = SlaToldV2::decode(payload).ok()?;
        let entered_at = Timestamp::from_millis(stored.entered_at);
        let mark = match stored.mark {
            0 if version == 2 => None,
            1 => Some((SlaMark::AtRisk, entered_at)),
            2 => Some((SlaMark::Breached, entered_at)),
            _ => return None,
        };
        Some(Self {
            mark,
            awake: stored.awake.map(Timestamp::from_millis),
        })
    }
}
