//! The person behind opportunities.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{debug_id_only, lenient};
use crate::ContactId;

/// A person; the attributes are repeated on each of the person's opportunities.
///
/// Lever: "Contacts"; fixture `contact.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Lever's id.
    pub id: ContactId,
    /// The full name.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The headline, most often employers.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub headline: Option<String>,
    /// Where the person lives.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub location: Option<Place>,
    /// Addresses; the first is the main one.
    #[serde(default, deserialize_with = "lenient::list")]
    pub emails: Vec<String>,
    /// Telephone numbers.
    #[serde(default, deserialize_with = "lenient::list")]
    pub phones: Vec<Phone>,
    /// Whether the personal data was removed.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub is_anonymized: bool,
    /// Consent, as Lever tells it.
    #[serde(default)]
    pub data_protection: serde_json::Value,
}

/// A place by name.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// The name as written; none when unknown.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
}

/// A telephone number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// `mobile`, `home`, `work`, `skype` or `other`; missing in old records (`type`).
    #[serde(
        rename = "type",
        default,
        deserialize_with = "lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<String>,
    /// The number as written.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub value: String,
}

debug_id_only! { Contact }

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phone").finish_non_exhaustive()
    }
}
