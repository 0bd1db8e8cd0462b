//! Candidacies and their applications.

use serde::Deserialize;
use serde_json::Value;

use super::contact::Phone;
use super::open::open_enum;
use super::{debug_id_only, lenient};
use crate::{
    ApplicationId, ArchiveReasonId, ContactId, OpportunityId, PostingId, RequisitionId, StageId,
    Timestamp, UserId,
};

/// One candidacy of one person.
///
/// Expanded attributes read too: only their id is kept (see [`crate::expand`] for the objects).
///
/// Lever: "Opportunities"; fixture `opportunity.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opportunity {
    /// Lever's id.
    pub id: OpportunityId,
    /// The person's name; blank in the answers to some writes.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The person.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub contact: Option<ContactId>,
    /// The person's headline, most often employers.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub headline: Option<String>,
    /// The present stage; kept when archived.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub stage: Option<StageId>,
    /// `confidential` or `non-confidential`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub confidentiality: Option<String>,
    /// Where the person lives.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub location: Option<String>,
    /// The person's telephone numbers.
    #[serde(default, deserialize_with = "lenient::readable")]
    pub phones: Vec<Phone>,
    /// The person's addresses.
    #[serde(default, deserialize_with = "lenient::readable")]
    pub emails: Vec<String>,
    /// The person's links.
    #[serde(default, deserialize_with = "lenient::readable")]
    pub links: Vec<String>,
    /// How it ended; none while active.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub archived: Option<Archived>,
    /// Tags; case matters.
    #[serde(default, deserialize_with = "lenient::readable")]
    pub tags: Vec<String>,
    /// Sources.
    #[serde(default, deserialize_with = "lenient::readable")]
    pub sources: Vec<String>,
    /// Every move into a stage, the first included.
    #[serde(default, deserialize_with = "lenient::list")]
    pub stage_changes: Vec<StageChange>,
    /// How it came into Lever.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub origin: Option<Origin>,
    /// Who sourced the person.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub sourced_by: Option<UserId>,
    /// Who owns it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub owner: Option<UserId>,
    /// Who follows it.
    #[serde(default, deserialize_with = "lenient::readable")]
    pub followers: Vec<UserId>,
    /// Its application; at most one.
    #[serde(default, deserialize_with = "lenient::readable")]
    pub applications: Vec<ApplicationId>,
    /// When it was made; may lie before it entered Lever.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// When it last changed; none on records not touched since Lever has this field.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
    /// When somebody last dealt with the person; a new note moves only this.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub last_interaction_at: Option<Timestamp>,
    /// When it last entered a stage or was archived.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub last_advanced_at: Option<Timestamp>,
    /// Asleep until then; stays set when it has passed.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub snoozed_until: Option<Timestamp>,
    /// Where people see it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub urls: Urls,
    /// Whether the personal data was removed.
    #[serde(default, deserialize_with = "lenient::truth")]
    pub is_anonymized: bool,
    /// Consent, as Lever tells it.
    #[serde(default)]
    pub data_protection: Value,
    /// The posting location, or `unspecified`; none without an application and in answers to writes.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub opportunity_location: Option<String>,
}

/// How an opportunity or application ended. A hire is a reason of kind hired.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Archived {
    /// Why.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub reason: Option<ArchiveReasonId>,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub archived_at: Option<Timestamp>,
}

/// A move into a stage.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageChange {
    /// The stage entered.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub to_stage_id: Option<StageId>,
    /// Its position in the pipeline, from 0.
    #[serde(default, deserialize_with = "lenient::number")]
    pub to_stage_index: Option<i64>,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub updated_at: Option<Timestamp>,
    /// Who; none when a person applied or an API key acted for nobody.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user_id: Option<UserId>,
}

/// Addresses of an opportunity in Lever's web application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Urls {
    /// The list it is in.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub list: Option<String>,
    /// The opportunity itself.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub show: Option<String>,
}

open_enum! {
    /// How an opportunity came into Lever.
    Origin {
        /// Through an agency.
        Agency = "agency",
        /// The person applied.
        Applied = "applied",
        /// From inside the company.
        Internal = "internal",
        /// Somebody referred the person.
        Referred = "referred",
        /// Somebody found the person.
        Sourced = "sourced",
        /// From a university.
        University = "university",
    }
}

/// An opportunity's tie to a posting.
///
/// Lever: "Applications"; fixture `application.get.json`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Lever's id.
    pub id: ApplicationId,
    /// How it was made (`type`).
    #[serde(rename = "type", default, deserialize_with = "lenient::optional")]
    pub kind: Option<ApplicationType>,
    /// The opportunity it belongs to.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub opportunity_id: Option<OpportunityId>,
    /// The posting.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub posting: Option<PostingId>,
    /// The owner of the posting.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub posting_owner: Option<UserId>,
    /// The hiring manager of the posting.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub posting_hiring_manager: Option<UserId>,
    /// Who added or referred the person.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<UserId>,
    /// The name given when applying.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// The address given when applying.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub email: Option<String>,
    /// The employer given when applying.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub company: Option<String>,
    /// When the person applied or was added.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<Timestamp>,
    /// How it ended; none while active.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub archived: Option<Archived>,
    /// The requisition hired against.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub requisition_for_hire: Option<RequisitionForHire>,
}

/// The requisition a hire was made against.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequisitionForHire {
    /// Lever's id.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<RequisitionId>,
    /// The customer's own code.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub requisition_code: Option<String>,
    /// Who was the hiring manager then.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub hiring_manager_on_hire: Option<UserId>,
}

open_enum! {
    /// How an application was made.
    ApplicationType {
        /// On the job site or by an apply call.
        Posting = "posting",
        /// By a Lever user.
        User = "user",
        /// By a referral.
        Referral = "referral",
    }
}

/// What Lever still says of a deleted opportunity.
///
/// Lever: "List deleted opportunities"; fixture `opportunities.deleted.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedOpportunity {
    /// Lever's id.
    pub id: OpportunityId,
    /// Who deleted it.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub deleted_by: Option<UserId>,
    /// When.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub deleted_at: Option<Timestamp>,
}

debug_id_only! { Opportunity Application }

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_alone_is_an_opportunity() {
        let bare: Opportunity = serde_json::from_value(json!({"id": "o1"})).unwrap();
        assert_eq!(bare.id, OpportunityId::from("o1"));
        assert!(bare.stage.is_none() && bare.tags.is_empty() && !bare.is_anonymized);
    }

    #[test]
    fn expanded_attributes_read_as_their_ids() {
        let expanded: Opportunity = serde_json::from_value(json!({
            "id": "o1",
            "contact": {"id": "c1", "name": "Ada"},
            "stage": {"id": "lead-new", "text": "New lead"},
            "applications": [{"id": "a1", "posting": "p1"}],
            "followers": [{"id": "u1"}, "u2"],
        }))
        .unwrap();
        assert_eq!(expanded.contact, Some(ContactId::from("c1")));
        assert_eq!(expanded.stage, Some(StageId::from("lead-new")));
        assert_eq!(expanded.applications, [ApplicationId::from("a1")]);
        assert_eq!(expanded.followers, [UserId::from("u1"), UserId::from("u2")]);
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let person: Opportunity = serde_json::from_value(
            json!({"id": "o1", "name": "Ada", "emails": ["ada@example.com"]}),
        )
        .unwrap();
        assert_eq!(
            format!("{person:?}"),
            r#"Opportunity { id: OpportunityId("o1"), .. }"#
        );
    }

    #[test]
    fn blanks_for_lists_and_fractions_of_milliseconds_spoil_nothing() {
        let odd: Opportunity = serde_json::from_str(
            r#"{"id": "o1", "updatedAt": 1500000000000.25, "headline": 5, "tags": "", "links": "", "sources": "",
                "applications": "", "followers": "", "stageChanges": "", "emails": "", "phones": "", "urls": "",
                "archived": ""}"#,
        )
        .unwrap();
        let updated_at = Timestamp::from_millis(1_500_000_000_000);
        let expected: Opportunity =
            serde_json::from_value(json!({"id": "o1", "updatedAt": updated_at, "headline": "5"}))
                .unwrap();
        assert!(odd == expected);
    }

    #[test]
    fn blanked_write_answers_read_as_nothing_given() {
        let blanked: Opportunity = serde_json::from_value(
            json!({"id": "o1", "name": "", "headline": "", "emails": [], "updatedAt": null}),
        )
        .unwrap();
        assert!(
            blanked.name.is_none() && blanked.headline.is_none() && blanked.updated_at.is_none()
        );
    }
}
