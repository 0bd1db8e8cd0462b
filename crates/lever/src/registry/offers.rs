//! Offers.

use super::{Operation, download, list, operations};

operations! {
    /// Lists offers.
    LIST_OPPORTUNITY_OFFERS = list("listOpportunityOffers", "/opportunities/{opportunity}/offers", "ListOffers")
        .allowed_by("find all opportunity offers", &["offers:read:admin"])
        .query(&["limit", "offset", "expand"]);
    /// Downloads the offer document.
    DOWNLOAD_OPPORTUNITY_OFFER = download("downloadOpportunityOffer", "/opportunities/{opportunity}/offers/{offer}/download", "DownloadOffer")
        .allowed_by("download an opportunity offer file", &["offers:read:admin"])
        .query(&["status"]);
}
