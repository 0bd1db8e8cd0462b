//! Leave to hire, and the fields an account keeps about it.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::open::open_enum;
use super::{SalaryRange, debug_id_only, debug_nothing, lenient};
use crate::time::WholeNumber;
use crate::{OfferId, PostingId, RequisitionFieldId, RequisitionId, Timestamp, UserId};

/// Leave to hire.
///
/// The answers to writes come in the form Lever stores it in (fixture `requisition.create.response.json`), with
/// other names for some things; both read.
///
/// Lever: "Requisitions"; fixture `requisition.full.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requisition {
    /// Lever's id.
    pub id: RequisitionId,
    /// The customer's own code.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub requisition_code: Option<String>,
    /// The title.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// Where it stands.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub status: Option<RequisitionStatus>,
    /// `confidential` or `non-confidential`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub confidentiality: Option<String>,
    /// Whether it replaces somebody.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub backfill: bool,
    /// How many may be hired.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub headcount_total: Option<Headcount>,
    /// How many were.
    #[serde(default, deserialize_with = "lenient::number")]
    pub headcount_hired: Option<i64>,
    /// Whether there is no bound.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub headcount_infinite: bool,
    /// What may be paid.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub compensation_band: Option<SalaryRange>,
    /// Such as `full-time`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub employment_status: Option<String>,
    /// Whom the hire will work for.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub hiring_manager: Option<UserId>,
    /// Who owns it.
    #[serde(alias = "ownerUserId", default, deserialize_with = "lenient::optional")]
    pub owner: Option<UserId>,
    /// Who made it; none when an API key acted for nobody.
    #[serde(
        alias = "creatorUserId",
        default,
        deserialize_with = "lenient::optional"
    )]
    pub creator: Option<UserId>,
    /// Notes for those who hire.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub internal_notes: Option<String>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub location: Option<String>,
    /// The team.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub team: Option<String>,
    /// The department.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub department: Option<String>,
    /// The postings it is tied to.
    #[serde(alias = "postingIds", default, deserialize_with = "lenient::list")]
    pub postings: Vec<PostingId>,
    /// The offers counted against it.
    #[serde(
        alias = "reservedOfferIds",
        default,
        deserialize_with = "lenient::list"
    )]
    pub offer_ids: Vec<OfferId>,
    /// Who has to approve it, and has.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub approval: Option<Approval>,
    /// The account's own fields, by the id of the field.
    #[serde(default)]
    pub custom_fields: Value,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
    /// When it was closed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub closed_at: Option<Timestamp>,
    /// From when the time to fill it counts.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub time_to_fill_start_at: Option<Timestamp>,
    /// Until when.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub time_to_fill_end_at: Option<Timestamp>,
}

open_enum! {
    /// Where a requisition stands.
    RequisitionStatus {
        /// People are hired for it.
        Open = "open",
        /// It waits.
        OnHold = "onHold",
        /// It is done.
        Closed = "closed",
        /// Being written.
        Draft = "draft",
        /// Waiting for approval.
        Pending = "pending",
        /// Not approved.
        Rejected = "rejected",
    }
}

/// How many may be hired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Headcount {
    /// So many.
    Limited(i64),
    /// As many as one likes (`unlimited`).
    Unlimited,
}

impl<'de> Deserialize<'de> for Headcount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Headcount, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Headcount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or `unlimited`")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Headcount, E> {
                Ok(Headcount::Limited(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Headcount, E> {
                WholeNumber.visit_u64(number).map(Headcount::Limited)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Headcount, E> {
                WholeNumber.visit_f64(number).map(Headcount::Limited)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Headcount, E> {
                match text {
                    "unlimited" => Ok(Headcount::Unlimited),
                    _ => WholeNumber.visit_str(text).map(Headcount::Limited),
                }
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// Who has to approve a requisition, and has.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Lever's id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// `approved`, `denied` or `inprogress`; none before it began.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub status: Option<String>,
    /// When it was asked for.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub started_at: Option<Timestamp>,
    /// When it was given.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub approved_at: Option<Timestamp>,
    /// Who asked for it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_by: Option<UserId>,
    /// One step after the other.
    #[serde(default, deserialize_with = "lenient::list")]
    pub steps: Vec<ApprovalStep>,
}

/// One step of an approval.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalStep {
    /// Lever's id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// Whether it is done.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub completed: bool,
    /// `approved`, `denied` or `inprogress`; none before it began.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub status: Option<String>,
    /// Whether it is only given outside the chain.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub out_of_band_only: bool,
    /// How many of its approvers are needed.
    #[serde(default, deserialize_with = "lenient::number")]
    pub approvals_required: Option<i64>,
    /// Who may approve.
    #[serde(default, deserialize_with = "lenient::list")]
    pub approvers: Vec<Approver>,
}

/// Somebody who may approve.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approver {
    /// Lever's id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// `static`, `dynamic` or `custom` (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::optional")]
    pub kind: Option<String>,
    /// The user as an object with `userId` and `email`, or the role as text.
    #[serde(default)]
    pub user: Value,
    /// Whether the role decides who it is.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub is_dynamic: bool,
    /// What was decided; none before that.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub approved: Option<bool>,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub approved_at: Option<Timestamp>,
    /// Who decided in their place.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub overriding_user_id: Option<UserId>,
}

/// A field the account keeps about requisitions.
///
/// Lever: "Requisition fields"; fixture `requisition-field.object.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequisitionField {
    /// Lever's id: text such as `cost_center`.
    pub id: RequisitionFieldId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// `number`, `text`, `date`, `object` or `dropdown` (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::or_default")]
    pub kind: String,
    /// Whether it must be filled in.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub is_required: bool,
    /// The parts of an object.
    #[serde(default, deserialize_with = "lenient::list")]
    pub subfields: Vec<RequisitionSubfield>,
    /// The choices of a dropdown.
    #[serde(default, deserialize_with = "lenient::list")]
    pub options: Vec<RequisitionOption>,
}

/// A part of a field of kind `object`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequisitionSubfield {
    /// Its id: text such as `city`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub id: String,
    /// The title.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// `number`, `text` or `date` (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::or_default")]
    pub kind: String,
}

/// A choice of a dropdown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequisitionOption {
    /// Lever's id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// What people see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
}

debug_id_only! { Requisition }

debug_nothing! { Approval ApprovalStep Approver }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_read_as_number_text_or_without_bound() {
        let read = |text| serde_json::from_str::<Headcount>(text).ok();
        for limited in ["3", "3.0", r#""3""#] {
            assert_eq!(read(limited), Some(Headcount::Limited(3)), "{limited}");
        }
        assert_eq!(read(r#""unlimited""#), Some(Headcount::Unlimited));
        for odd in [r#""many""#, "1.5", "true", "{}"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn both_names_of_a_field_read() {
        for text in [
            r#"{"id":"q1","owner":"u1","postings":["p1"]}"#,
            r#"{"id":"q1","ownerUserId":"u1","postingIds":["p1"]}"#,
        ] {
            let requisition: Requisition = serde_json::from_str(text).unwrap();
            assert_eq!(requisition.owner, Some("u1".into()));
            assert_eq!(requisition.postings, ["p1".into()]);
        }
    }
}
