//! Which records a list shows by their confidentiality. Lever: "Confidential data".

use crate::answer::Refusal;
use crate::call::Call;

/// What was asked for.
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

    /// For lists without that parameter: everything the key may see.
    pub(crate) fn of_key(call: &Call<'_>) -> Shown {
        if call.confidential {
            Shown::All
        } else {
            Shown::NonConfidential
        }
    }

    pub(crate) fn shows(self, confidential: bool) -> bool {
        match self {
            Shown::All => true,
            Shown::Confidential => confidential,
            Shown::NonConfidential => !confidential,
        }
    }
}
