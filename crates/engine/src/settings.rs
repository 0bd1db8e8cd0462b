//! What the operator can set.

use std::time::Duration;

use domain::Listing;
use domain::operation::Patience;
use lever::{BaseUrl, BudgetConfig, Limits};
use secrecy::SecretString;

use crate::snapshots::SnapshotSettings;

/// The engine's settings; the server reads them from its configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether a connection may name a base URL instead of a region (a request-forgery door otherwise).
    pub allow_base_url: bool,
    /// Where this service's HTTP side is reached from outside; none when it is not.
    pub public_url: Option<String>,
    /// The OAuth client registered with Lever; none where accounts are linked by key only.
    pub oauth: Option<OAuthClient>,
    /// Lever's rate limit, and what of it is ours.
    pub budget: BudgetConfig,
    /// Deadlines and tries of one call to Lever.
    pub limits: Limits,
    /// When to pull what.
    pub pull: PullSettings,
    /// How long operations wait for what.
    pub patience: Patience,
    /// How many operations of one connection are under way at once.
    pub parallel_operations: usize,
    /// When snapshots are taken, and how many are kept.
    pub snapshots: SnapshotSettings,
}

/// An OAuth client registered with Lever.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Where tokens are had, other than at Lever's own place for the region: a simulator's.
    pub authority: Option<BaseUrl>,
}

/// When to pull what.
#[derive(Debug, Clone, Copy)]
pub struct PullSettings {
    /// Whether connections are pulled at all.
    pub enabled: bool,
    /// Between two walks of users, stages, archive reasons, tags and sources.
    pub account_interval: Duration,
    /// Between two walks of the postings.
    pub postings_interval: Duration,
    /// Between two follow passes over opportunities.
    pub opportunities_interval: Duration,
    /// How old what is known of the inbound stages may grow until they are followed on their own.
    pub inbound_interval: Duration,
    /// Between two looks at the deleted list.
    pub deleted_interval: Duration,
    /// Between two complete walks of the opportunities.
    pub sweep_interval: Duration,
    /// Notes, interviews and the like are kept of open opportunities and those archived within this time.
    pub children_archived_within: Duration,
    /// How long such a list may go without being looked at when no stamp of its opportunity moves.
    pub children_recheck: Duration,
    /// How many lists a day one connection plans to look at again for that reason.
    pub children_recheck_per_day: u64,
    /// How many of such lists one connection reads at once.
    pub children_parallel: usize,
}

impl PullSettings {
    /// Between two passes over a listing.
    pub fn interval(&self, listing: Listing) -> Duration {
        match listing {
            Listing::Postings => self.postings_interval,
            Listing::Opportunities => self.opportunities_interval,
            Listing::DeletedOpportunities
            | Listing::DeletedApplications
            | Listing::DeletedPostings => self.deleted_interval,
            Listing::OpportunitySweep => self.sweep_interval,
            Listing::InboundApplicants | Listing::StageMoves => self.inbound_interval,
            Listing::Users
            | Listing::Stages
            | Listing::ArchiveReasons
            | Listing::Tags
            | Listing::Sources
            | Listing::Requisitions
            | Listing::RequisitionFields
            | Listing::FeedbackTemplates
            | Listing::FormTemplates
            | Listing::EeoResponses => self.account_interval,
        }
    }
}

impl Default for PullSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            account_interval: Duration::from_secs(3600),
            postings_interval: Duration::from_secs(3600),
            opportunities_interval: Duration::from_secs(60),
            inbound_interval: Duration::from_secs(300),
            deleted_interval: Duration::from_secs(600),
            sweep_interval: Duration::from_secs(24 * 3600),
            children_archived_within: Duration::from_secs(365 * 24 * 3600),
            children_recheck: Duration::from_secs(7 * 24 * 3600),
            children_recheck_per_day: 20_000,
            children_parallel: 8,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_base_url: false,
            public_url: None,
            oauth: None,
            budget: BudgetConfig::default(),
            limits: Limits::default(),
            pull: PullSettings::default(),
            patience: Patience::default(),
            parallel_operations: 16,
            snapshots: SnapshotSettings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_listing_has_its_interval() {
        let settings = PullSettings {
            account_interval: Duration::from_secs(1),
            postings_interval: Duration::from_secs(2),
            opportunities_interval: Duration::from_secs(3),
            inbound_interval: Duration::from_secs(4),
            deleted_interval: Duration::from_secs(5),
            sweep_interval: Duration::from_secs(6),
            ..PullSettings::default()
        };
        for listing in Listing::ALL {
            let seconds = match listing {
                Listing::Postings => 2,
                Listing::Opportunities => 3,
                inbound if Listing::INBOUND.contains(inbound) => 4,
                deletions if deletions.tells_deletions() => 5,
                Listing::OpportunitySweep => 6,
                account => {
                    assert!(Listing::ACCOUNT.contains(account), "{account}");
                    1
                }
            };
            let interval = settings.interval(*listing);
            assert_eq!(interval, Duration::from_secs(seconds), "{listing}");
        }
    }
}
