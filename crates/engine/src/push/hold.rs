//! Keeping a write back for a while, so that it can still be taken back (X4).

use std::time::Duration;

use domain::stage_mapping::DayUnit;
use domain::{Calendar, ConnectionId, Timestamp};

use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::mapping;

/// The longest a write is kept back.
const LONGEST_HOLD: Duration = Duration::from_secs(30 * 24 * 3600);

/// The most business days a write is kept back.
const MOST_BUSINESS_DAYS: u16 = 30;

/// How long a write is kept back before it gets in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// So long, at most 30 days.
    For(Duration),
    /// So many business days, at most 30: until the same local time, by the time zone, the working
    /// week and the holidays of the stage mapping.
    BusinessDays(u16),
}

impl Hold {
    /// Whether it keeps anything back.
    fn is_none(self) -> bool {
        matches!(self, Hold::For(Duration::ZERO) | Hold::BusinessDays(0))
    }
}

/// When a write gets in line that is asked for `now`; none for at once.
pub(super) async fn release_at(
    shared: &Shared,
    connection: ConnectionId,
    hold: Option<Hold>,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let Some(hold) = hold.filter(|hold| !hold.is_none()) else {
        return Ok(None);
    };
    match hold {
        Hold::For(time) if time > LONGEST_HOLD => {
            Err(Error::invalid("hold.duration", "give at most 30 days"))
        }
        Hold::For(time) => Ok(Some(now.plus(time))),
        Hold::BusinessDays(days) if days > MOST_BUSINESS_DAYS => {
            Err(Error::invalid("hold.business_days", "give at most 30 days"))
        }
        Hold::BusinessDays(days) => {
            let mut settings = mapping::present(shared, connection).await?.sla.clone();
            settings.unit = DayUnit::Business;
            let calendar = Calendar::new(&settings)
                .map_err(|_| Error::internal("the stage mapping has no calendar"))?;
            Ok(Some(calendar.due(now, days)))
        }
    }
}
