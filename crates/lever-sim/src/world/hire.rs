//! Hiring against a requisition. Lever: "Update opportunity archived state", `requisitionId`.

use super::{HiredFor, Offer, World};

/// Why somebody cannot be hired against a requisition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HireRefused {
    UnknownRequisition,
    ClosedRequisition,
    NoApplication,
    OfferNotSigned,
    OfferOfAnotherPosting,
}

impl HireRefused {
    pub(crate) fn message(self) -> &'static str {
        match self {
            HireRefused::UnknownRequisition => "Invalid value for field: requisitionId",
            HireRefused::ClosedRequisition => "The requisition is closed",
            HireRefused::NoApplication => "The opportunity has no application to hire for",
            HireRefused::OfferNotSigned => "An offer was extended and not signed",
            HireRefused::OfferOfAnotherPosting => "The offer is for no posting of the requisition",
        }
    }
}

impl World {
    /// Whether an opportunity can be filled into a requisition now.
    pub(crate) fn check_hire(&mut self, id: &str, requisition: &str) -> Result<(), HireRefused> {
        self.grow(id);
        let found = self.account.requisition(requisition);
        let found = found.ok_or(HireRefused::UnknownRequisition)?;
        if found.status == "closed" {
            return Err(HireRefused::ClosedRequisition);
        }
        let opportunity = self.opportunity(id);
        if opportunity.is_none_or(|it| it.application.is_none()) {
            return Err(HireRefused::NoApplication);
        }
        let offers = &self.children(id).offers;
        if offers.iter().any(Offer::extended) {
            return Err(HireRefused::OfferNotSigned);
        }
        let elsewhere = |offer: &Offer| !found.postings.contains(&offer.posting);
        match offers.last() {
            Some(active) if elsewhere(active) => Err(HireRefused::OfferOfAnotherPosting),
            _ => Ok(()),
        }
    }

    /// Counts the hire, takes the offer off the requisition, and names it on the application.
    pub(crate) fn hire_for(&mut self, id: &str, requisition: &str, now: i64) {
        let offers: Vec<String> = self
            .children(id)
            .offers
            .iter()
            .map(|it| it.id.clone())
            .collect();
        let mut hired_for = None;
        self.change_account(|account| {
            let mut all = account.requisitions.iter_mut();
            if let Some(found) = all.find(|it| it.id == requisition) {
                found.hired += 1;
                found.offers.retain(|offer| !offers.contains(offer));
                found.updated_at = now;
                hired_for = Some(HiredFor {
                    requisition: found.id.clone(),
                    code: found.code.clone(),
                    hiring_manager: found.hiring_manager.clone(),
                });
            }
        });
        self.change(id, |opportunity| {
            if let Some(application) = &mut opportunity.application {
                application.hired_for = hired_for.map(Box::new);
            }
        });
    }
}
