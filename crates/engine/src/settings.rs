//! What the operator can set.

use std::time::Duration;

use domain::Listing;
use domain::operation::Patience;
use lever::{BudgetConfig, Limits};

/// The engine's settings; the server reads them from its configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether a connection may name a base URL instead of a region (a request-forgery door otherwise).
    pub allow_base_url: bool,
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
    /// Between two looks at the deleted list.
    pub deleted_interval: Duration,
    /// Between two complete walks of the opportunities.
    pub sweep_interval: Duration,
}

impl PullSettings {
    /// Between two passes over a listing.
    pub fn interval(&self, listing: Listing) -> Duration {
        match listing {
            Listing::Postings => self.postings_interval,
            Listing::Opportunities => self.opportunities_interval,
            Listing::DeletedOpportunities => self.deleted_interval,
            Listing::OpportunitySweep => self.sweep_interval,
            Listing::Users
            | Listing::Stages
            | Listing::ArchiveReasons
            | Listing::Tags
            | Listing::Sources => self.account_interval,
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
            deleted_interval: Duration::from_secs(600),
            sweep_interval: Duration::from_secs(24 * 3600),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_base_url: false,
            budget: BudgetConfig::default(),
            limits: Limits::default(),
            pull: PullSettings::default(),
            patience: Patience::default(),
            parallel_operations: 16,
        }
    }
}
