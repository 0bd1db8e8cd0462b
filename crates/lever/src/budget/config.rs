//! The settings of a budget.

/// How much of Lever's allowance a budget may spend, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetConfig {
    /// Requests a second that Lever allows the credential.
    pub rate_per_second: f64,
    /// Requests that may go out at once after a quiet time.
    pub burst: u32,
    /// How many of the burst are kept for [`Lane::Interactive`](crate::Lane::Interactive).
    pub interactive_reserve: u32,
    /// The share of the rate left to other programs on the same account, from 0 to 1.
    pub share_left: f64,
}

impl BudgetConfig {
    /// The rate the budget rises to, never below [`BudgetConfig::FLOOR`].
    pub(crate) fn ceiling(&self) -> f64 {
        let spent = 1.0 - finite_or(self.share_left, 0.0).clamp(0.0, 1.0);
        let rate = finite_or(self.rate_per_second, Self::FLOOR) * spent * Self::SPENT;
        rate.clamp(Self::FLOOR, Self::UTMOST)
    }

    /// The burst, at least one request.
    pub(crate) fn burst(&self) -> f64 {
        f64::from(self.burst.max(1))
    }

    /// The reserve, always leaving the other lanes one request of the burst.
    pub(crate) fn reserve(&self) -> f64 {
        f64::from(self.interactive_reserve.min(self.burst.max(1) - 1))
    }

    /// The part of the allowance that is spent at most.
    ///
    /// With the last hundredth spent too, Lever's bucket can stand empty whenever somebody else on the key looks into
    /// it: they are refused for minutes, while we see no 429 and learn nothing of them.
    const SPENT: f64 = 0.99;
    /// The rate a budget never falls below, in requests a second.
    pub(crate) const FLOOR: f64 = 1.0;
    /// More is a mistake in the settings, not a rate.
    const UTMOST: f64 = 10_000.0;
}

#[cfg(test)]
impl BudgetConfig {
    /// Of which exactly ten a second are spent.
    pub(crate) fn even() -> BudgetConfig {
        BudgetConfig {
            rate_per_second: 10.0 / Self::SPENT,
            ..BudgetConfig::default()
        }
    }
}

impl Default for BudgetConfig {
    /// Lever's documented allowance, spent but for a hundredth: ten a second, ten at once, three kept for people.
    fn default() -> BudgetConfig {
        BudgetConfig {
            rate_per_second: 10.0,
            burst: 10,
            interactive_reserve: 3,
            share_left: 0.0,
        }
    }
}

fn finite_or(number: f64, otherwise: f64) -> f64 {
    if number.is_finite() {
        number
    } else {
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_stops_the_budget() {
        let odd = BudgetConfig {
            rate_per_second: f64::NAN,
            burst: 0,
            interactive_reserve: 9,
            share_left: 7.0,
        };
        assert_eq!((odd.ceiling(), odd.burst(), odd.reserve()), (1.0, 1.0, 0.0));
    }

    #[test]
    fn the_share_left_to_others_lowers_the_rate() {
        let half = BudgetConfig {
            share_left: 0.5,
            ..BudgetConfig::default()
        };
        assert_eq!(half.ceiling(), 4.95);
    }
}
