//! Offers.

use super::table::{downloads, lists};
use crate::{Offer, OfferId, OpportunityId};

lists! {
    /// Lists the offers of an opportunity.
    ///
    /// Lever: "List all offers", `GET /opportunities/:opportunity/offers`.
    ListOffers(opportunity: OpportunityId) = LIST_OPPORTUNITY_OFFERS => Offer {
        any expand: String, "Objects instead of ids for these attributes: `creator`.";
    }
}

downloads! {
    /// Downloads the document of an offer; when there is none Lever answers 404.
    ///
    /// Lever: "Download offer file", `GET /opportunities/:opportunity/offers/:offer/download`.
    DownloadOffer(opportunity: OpportunityId, offer: OfferId) = DOWNLOAD_OPPORTUNITY_OFFER {
        only status: String, "`sent` or `signed`; without it the signed one, or else the one sent.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::{asked, sent};

    #[test]
    fn offers_are_asked_for_page_by_page() {
        let list = ListOffers {
            opportunity: "o1".into(),
            expand: vec!["creator".to_owned()],
            limit: Some(5),
            offset: Some("t".into()),
        };
        let expected = "GET /opportunities/o1/offers?expand=creator&limit=5&offset=t";
        assert_eq!(sent(&list), (expected.to_owned(), None));
    }

    #[test]
    fn a_document_is_asked_for_by_its_state() {
        let download = DownloadOffer {
            opportunity: "o1".into(),
            offer: "f1".into(),
            status: Some("signed".to_owned()),
        };
        assert_eq!(
            asked(&download),
            "GET /opportunities/o1/offers/f1/download?status=signed"
        );
    }
}
