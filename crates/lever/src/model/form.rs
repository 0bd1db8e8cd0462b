//! Forms people fill in about a person: profile forms, referrals and their fields.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{debug_id_only, debug_nothing, lenient};
use crate::{FormId, FormTemplateId, ReferralId, StageId, Timestamp, UserId};

/// A form kept with an opportunity.
///
/// Lever: "Profile forms"; fixture `form.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileForm {
    /// Lever's id.
    pub id: FormId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// What those who fill it in are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub instructions: Option<String>,
    /// The template it was made from.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub base_template_id: Option<FormTemplateId>,
    /// The fields and what was filled in.
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<FormField>,
    /// Who filled it in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// The stage the opportunity was in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub stage: Option<StageId>,
    /// The group of its template.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub group: Option<Group>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it was finished.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub completed_at: Option<Timestamp>,
    /// When it was deleted.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub deleted_at: Option<Timestamp>,
}

/// What somebody said when referring a person.
///
/// Lever: "Referrals"; fixture `referral.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Referral {
    /// Lever's id.
    pub id: ReferralId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// What those who fill it in are told.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub instructions: Option<String>,
    /// The template it was made from.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub base_template_id: Option<FormTemplateId>,
    /// The fields and what was filled in.
    #[serde(default, deserialize_with = "lenient::list")]
    pub fields: Vec<FormField>,
    /// Who referred the person.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub referrer: Option<UserId>,
    /// Who filled it in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// The stage the opportunity was in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub stage: Option<StageId>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it was finished.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub completed_at: Option<Timestamp>,
}

/// A field of a form, and what was filled in.
///
/// Lever: "Forms", its kinds of fields. What a value looks like depends on the kind, so it stays as it came.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormField {
    /// Lever's id; forms about to be made have none.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// The kind, such as `text`, `dropdown` or `score-system` (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::or_default")]
    pub kind: String,
    /// The title.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub text: Option<String>,
    /// What it is about.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub description: Option<String>,
    /// Whether it must be filled in.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub required: bool,
    /// What an empty choice shows.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub prompt: Option<String>,
    /// What can be chosen.
    #[serde(default, deserialize_with = "lenient::list")]
    pub options: Vec<FormOption>,
    /// The currency of an amount.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub currency: Option<String>,
    /// What was filled in; null when nothing was.
    #[serde(default)]
    pub value: Value,
}

/// One choice of a field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormOption {
    /// What people see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// Its id, where Lever gives one.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub option_id: Option<String>,
    /// What it means.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub description: Option<String>,
}

/// The group a template belongs to: an object in most answers, its id alone in some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Lever's id.
    pub id: Option<String>,
    /// The name.
    pub name: Option<String>,
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Group, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Id(String),
            Object {
                #[serde(default, deserialize_with = "lenient::optional")]
                id: Option<String>,
                #[serde(default, deserialize_with = "lenient::optional")]
                name: Option<String>,
            },
        }

        Ok(match Either::deserialize(deserializer)? {
            Either::Id(id) => Group {
                id: Some(id),
                name: None,
            },
            Either::Object { id, name } => Group { id, name },
        })
    }
}

debug_id_only! { ProfileForm Referral }

debug_nothing! { FormField }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_reads_as_object_and_as_its_id() {
        let group = |text| serde_json::from_str::<Group>(text).ok();
        let named = Group {
            id: Some("g1".to_owned()),
            name: Some("Offers".to_owned()),
        };
        assert_eq!(group(r#"{"id":"g1","name":"Offers"}"#), Some(named));
        let bare = Group {
            id: Some("g1".to_owned()),
            name: None,
        };
        assert_eq!(group(r#""g1""#), Some(bare));
        assert_eq!(group("7"), None);
    }

    #[test]
    fn a_field_of_a_kind_nobody_knows_keeps_its_value() {
        let field: FormField =
            serde_json::from_str(r#"{"type":"hologram","value":{"x":[1]}}"#).unwrap();
        assert_eq!(field.kind, "hologram");
        assert_eq!(field.value["x"][0], 1);
        assert_eq!(format!("{field:?}"), "FormField { .. }");
    }
}
