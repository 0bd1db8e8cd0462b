//! Keeping a write back for a while, so that it can still be taken back (X4).

use std::time::Duration;

use lever::Timestamp;

use crate::stage_mapping::{DayUnit, SlaSettings};
use crate::{Calendar, Violation};

/// How long a write is kept back before it gets in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// So long, at most [`Hold::LONGEST`].
    For(Duration),
    /// So many business days, at most [`Hold::MOST_BUSINESS_DAYS`]: until the same local time, by the time zone, the
    /// working week and the holidays of the stage mapping.
    BusinessDays(u16),
}

impl Hold {
    /// The longest a write is kept back.
    pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

    /// The most business days a write is kept back.
    pub const MOST_BUSINESS_DAYS: u16 = 30;

    /// When a write is released that is asked for `now`; none where it is not kept back at all.
    ///
    /// # Errors
    /// A [`Violation`] of `hold.duration` or `hold.business_days`, or of the settings.
    pub fn release_at(
        self,
        settings: &SlaSettings,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Violation> {
        match self {
            Hold::For(Duration::ZERO) | Hold::BusinessDays(0) => Ok(None),
            Hold::For(time) if time > Self::LONGEST => {
                Err(Violation::new("hold.duration", "give at most 30 days"))
            }
            Hold::For(time) => Ok(Some(now.plus(time))),
            Hold::BusinessDays(days) if days > Self::MOST_BUSINESS_DAYS => {
                Err(Violation::new("hold.business_days", "give at most 30 days"))
            }
            Hold::BusinessDays(days) => {
                let business = SlaSettings {
                    unit: DayUnit::Business,
                    ..settings.clone()
                };
                Ok(Some(Calendar::new(&business)?.due(now, days)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let at: jiff::Zoned = text.parse().unwrap();
        Timestamp::from_millis(at.timestamp().as_millisecond())
    }

    /// X4: two business days from Friday 15:00 are Tuesday 15:00 where the customer works, also across a change of
    /// clocks, and one day later where Monday is a holiday.
    #[test]
    fn a_hold_of_business_days_ends_at_the_same_local_time() {
        let mut settings = SlaSettings {
            time_zone: "Europe/Berlin".to_owned(),
            // Business days are meant, whatever the SLA counts in.
            unit: DayUnit::Calendar,
            ..SlaSettings::default()
        };
        let friday = at("2026-03-27T15:00[Europe/Berlin]");
        let two = Hold::BusinessDays(2);
        let tuesday = at("2026-03-31T15:00[Europe/Berlin]");
        assert_eq!(two.release_at(&settings, friday), Ok(Some(tuesday)));
        settings.holidays = ["2026-03-30".parse().unwrap()].into();
        let wednesday = at("2026-04-01T15:00[Europe/Berlin]");
        assert_eq!(two.release_at(&settings, friday), Ok(Some(wednesday)));
    }

    #[test]
    fn a_hold_is_a_month_at_most_and_none_of_no_time() {
        let settings = SlaSettings::default();
        let now = Timestamp::from_millis(0);
        let release = |hold: Hold| hold.release_at(&settings, now);
        let month = now.plus(Hold::LONGEST);
        assert_eq!(release(Hold::For(Hold::LONGEST)), Ok(Some(month)));
        let longer = Hold::LONGEST + Duration::from_secs(1);
        assert_eq!(
            release(Hold::For(longer)).unwrap_err().field,
            "hold.duration"
        );
        assert!(release(Hold::BusinessDays(31)).is_err());
        assert_eq!(release(Hold::For(Duration::ZERO)), Ok(None));
        assert_eq!(release(Hold::BusinessDays(0)), Ok(None));
    }
}
