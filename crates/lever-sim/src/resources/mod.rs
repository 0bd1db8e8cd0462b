//! The handlers of the API, one module per resource.

pub(crate) mod applications;
pub(crate) mod apply;
pub(crate) mod archive_reasons;
pub(crate) mod audit_events;
pub(crate) mod contacts;
pub(crate) mod expand;
pub(crate) mod files;
pub(crate) mod labels;
pub(crate) mod notes;
pub(crate) mod opportunities;
pub(crate) mod opportunity_create;
pub(crate) mod opportunity_filter;
pub(crate) mod opportunity_form;
pub(crate) mod opportunity_writes;
pub(crate) mod postings;
pub(crate) mod resumes;
pub(crate) mod stages;
pub(crate) mod surveys;
pub(crate) mod uploads;
pub(crate) mod users;
pub(crate) mod webhooks;

use crate::answer::Refusal;
use crate::call::Call;
use crate::world::{Opportunity, World};

/// The opportunity in the path, if the key may see it. Sub-resources follow their parent.
pub(crate) fn opportunity<'w>(
    world: &'w World,
    call: &Call<'_>,
) -> Result<&'w Opportunity, Refusal> {
    let id = call.id(0);
    let found = world
        .opportunity(id)
        .ok_or_else(|| Refusal::not_found("opportunities", id))?;
    if found.confidential && !call.confidential {
        return Err(Refusal::confidential());
    }
    Ok(found)
}

/// The user the change is made as: an active one, if one is named at all. Lever: "perform_as".
pub(crate) fn perform_as(world: &World, call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let Some(id) = call.query.one("perform_as") else {
        return Ok(None);
    };
    match world.account.active_user(id) {
        Some(user) => Ok(Some(user.id.clone())),
        None => Err(Refusal::bad_request("perform_as is not an active user")),
    }
}

/// Which records a list shows by their confidentiality. Lever: "Confidential data".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    NonConfidential,
    Confidential,
    All,
}

impl Shown {
    /// Only non-confidential records, unless others are asked for by a key that may see them.
    pub(crate) fn read(call: &Call<'_>) -> Result<Shown, Refusal> {
        let shown = match call.query.one("confidentiality") {
            None | Some("non-confidential") => Shown::NonConfidential,
            Some("confidential") => Shown::Confidential,
            Some("all") => Shown::All,
            Some(_) => {
                return Err(Refusal::bad_request(
                    "Invalid value for parameter: confidentiality",
                ));
            }
        };
        if shown != Shown::NonConfidential && !call.confidential {
            return Err(Refusal::confidential());
        }
        Ok(shown)
    }

    pub(crate) fn shows(self, confidential: bool) -> bool {
        match self {
            Shown::All => true,
            Shown::Confidential => confidential,
            Shown::NonConfidential => !confidential,
        }
    }
}
