//! The compact record of one opportunity that lists, lookups and the SLA read alone.

use lever::{ArchiveReasonId, ContactId, OpportunityId, PostingId, StageId, Timestamp, UserId};

/// How an opportunity is archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// When.
    pub at: Timestamp,
    /// The archive reason; a hire is a reason of type `hired`.
    pub reason: Option<ArchiveReasonId>,
}

/// Whether what Lever says of the confidentiality of a record keeps it from those without the right to see it.
///
/// A word that nobody knows keeps it too: Lever documents `confidential` and `non-confidential`, and older records have
/// none (behaviour.md section 9).
pub fn is_confidential_word(word: Option<&str>) -> bool {
    !matches!(word, None | Some("" | "non-confidential"))
}

/// One candidacy, cut down to what lists, lookups and the SLA need.
///
/// It is derived from the raw opportunity (and its application) and can be rebuilt from it at any time.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidacy {
    /// Lever's id.
    pub opportunity: OpportunityId,
    /// The person behind it.
    pub contact: Option<ContactId>,
    /// The person's name; empty when anonymized or unknown.
    pub name: String,
    /// The present stage (kept while archived).
    pub stage: Option<StageId>,
    /// When the present stay in that stage began.
    pub entered_stage_at: Timestamp,
    /// When the person applied, or else when the opportunity was created.
    pub applied_at: Timestamp,
    /// The archive state.
    pub archived: Option<Archived>,
    /// Lever sets this and leaves it when it has passed: snoozed means "later than now".
    pub snoozed_until: Option<Timestamp>,
    /// The owner.
    pub owner: Option<UserId>,
    /// The posting of the application, if there is one.
    pub posting: Option<PostingId>,
    /// Tags as Lever has them.
    pub tags: Vec<String>,
    /// Sources as Lever has them.
    pub sources: Vec<String>,
    /// The origin in Lever's words (`applied`, `sourced`, ...).
    pub origin: String,
    /// Whether it is confidential.
    pub confidential: bool,
    /// Lever's own stamp; null on old records.
    pub updated_at: Option<Timestamp>,
    /// When somebody last dealt with the person.
    pub last_interaction_at: Option<Timestamp>,
    /// Whether Lever has taken the personal data out of it (X11).
    pub anonymized: bool,
    /// Until when the person may be contacted; none without a limit, the epoch where contact was refused.
    pub contact_until: Option<Timestamp>,
}

impl std::fmt::Debug for Candidacy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidacy")
            .field("opportunity", &self.opportunity)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Candidacy {
    /// Reads a candidacy from an opportunity and the application it carries.
    ///
    /// The stay begins with the latest entry of `stageChanges` into the present stage;
    /// `lastAdvancedAt` will not do, since a move back leaves it unchanged (product.md 6.3).
    pub fn from_lever(
        opportunity: &lever::Opportunity,
        application: Option<&lever::Application>,
    ) -> Candidacy {
        let created_at = opportunity.created_at.unwrap_or_default();
        let applied_at = application
            .and_then(|application| application.created_at)
            .unwrap_or(created_at);
        Candidacy {
            opportunity: opportunity.id.clone(),
            contact: opportunity.contact.clone(),
            name: display_name(opportunity),
            stage: opportunity.stage.clone(),
            entered_stage_at: entered_stage_at(opportunity).unwrap_or(applied_at),
            applied_at,
            archived: opportunity
                .archived
                .as_ref()
                .filter(|archived| archived.archived_at.is_some() || archived.reason.is_some())
                .map(|archived| Archived {
                    at: archived.archived_at.unwrap_or_default(),
                    reason: archived.reason.clone(),
                }),
            snoozed_until: opportunity.snoozed_until,
            owner: opportunity.owner.clone(),
            posting: application.and_then(|application| application.posting.clone()),
            tags: opportunity.tags.clone(),
            sources: opportunity.sources.clone(),
            origin: opportunity
                .origin
                .as_ref()
                .map(|origin| origin.as_str().to_owned())
                .unwrap_or_default(),
            confidential: is_confidential_word(opportunity.confidentiality.as_deref()),
            updated_at: opportunity.updated_at,
            last_interaction_at: opportunity.last_interaction_at,
            anonymized: opportunity.is_anonymized,
            contact_until: contact_until(&opportunity.data_protection),
        }
    }

    /// With what the contact says of consent; the earlier end holds.
    #[must_use]
    pub fn with_consent(self, contact: &lever::Contact) -> Candidacy {
        let both = [self.contact_until, contact_until(&contact.data_protection)];
        Candidacy {
            contact_until: both.into_iter().flatten().min(),
            ..self
        }
    }

    /// Whether the person must not be contacted at `now`: consent was refused or has ended (X19).
    pub fn do_not_contact(&self, now: Timestamp) -> bool {
        self.contact_until.is_some_and(|until| until <= now)
    }

    /// Whether the candidacy is open.
    pub fn active(&self) -> bool {
        self.archived.is_none()
    }

    /// Whether it is asleep at `now`.
    pub fn snoozed(&self, now: Timestamp) -> bool {
        self.snoozed_until.is_some_and(|until| until > now)
    }
}

fn entered_stage_at(opportunity: &lever::Opportunity) -> Option<Timestamp> {
    let stage = opportunity.stage.as_ref()?;
    opportunity
        .stage_changes
        .iter()
        .filter(|change| change.to_stage_id.as_ref() == Some(stage))
        .filter_map(|change| change.updated_at)
        .max()
}

/// What `dataProtection` says of contact: none where no policy applies or it never ends.
fn contact_until(data_protection: &serde_json::Value) -> Option<Timestamp> {
    let consent = data_protection.get("contact")?;
    match consent.get("allowed").and_then(serde_json::Value::as_bool) {
        Some(false) => Some(Timestamp::default()),
        _ => {
            let ends = consent.get("expiresAt")?.as_i64()?;
            Some(Timestamp::from_millis(ends))
        }
    }
}

/// The name with its white space collapsed; nothing for an anonymized person, whatever Lever shows.
fn display_name(opportunity: &lever::Opportunity) -> String {
    if opportunity.is_anonymized {
        return String::new();
    }
    let name = opportunity.name.as_deref().unwrap_or_default();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn opportunity(value: serde_json::Value) -> lever::Opportunity {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_unknown_word_for_who_may_see_somebody_keeps_them_confidential() {
        for (word, confidential) in [
            (json!("confidential"), true),
            (json!("non-confidential"), false),
            (json!("for-some"), true),
            (json!(""), false),
            (json!(null), false),
        ] {
            let shown = opportunity(json!({"id": "o1", "confidentiality": word}));
            let candidacy = Candidacy::from_lever(&shown, None);
            assert_eq!(candidacy.confidential, confidential, "{word}");
        }
    }

    #[test]
    fn the_stay_begins_with_the_latest_entry_into_the_present_stage() {
        let moved_back = opportunity(json!({
            "id": "o1", "name": " Ada \t Lovelace ", "stage": "a", "createdAt": 1, "lastAdvancedAt": 20,
            "stageChanges": [
                {"toStageId": "a", "toStageIndex": 0, "updatedAt": 10},
                {"toStageId": "b", "toStageIndex": 1, "updatedAt": 20},
                {"toStageId": "a", "toStageIndex": 0, "updatedAt": 30}
            ]
        }));
        let candidacy = Candidacy::from_lever(&moved_back, None);
        assert_eq!(candidacy.entered_stage_at, Timestamp::from_millis(30));
        assert_eq!(candidacy.name, "Ada Lovelace");
    }

    #[test]
    fn without_history_the_stay_begins_when_the_person_applied() {
        let bare = opportunity(json!({"id": "o1", "stage": "a", "createdAt": 5}));
        assert_eq!(
            Candidacy::from_lever(&bare, None).entered_stage_at,
            Timestamp::from_millis(5)
        );
        let application =
            serde_json::from_value(json!({"id": "p", "posting": "job", "createdAt": 9})).unwrap();
        let candidacy = Candidacy::from_lever(&bare, Some(&application));
        assert_eq!(candidacy.entered_stage_at, Timestamp::from_millis(9));
        assert_eq!(candidacy.posting, Some(PostingId::from("job")));
    }

    #[test]
    fn an_anonymized_person_has_no_name() {
        let gone =
            opportunity(json!({"id": "o1", "name": "Anonymized Candidate", "isAnonymized": true}));
        assert_eq!(Candidacy::from_lever(&gone, None).name, "");
    }

    #[test]
    fn consent_that_was_refused_or_has_ended_means_do_not_contact() {
        let until = |consent: serde_json::Value| {
            let person = json!({"id": "o", "dataProtection": {"contact": consent}});
            Candidacy::from_lever(&opportunity(person), None)
        };
        let at = Timestamp::from_millis;
        assert!(until(json!({"allowed": false, "expiresAt": 90})).do_not_contact(at(1)));
        let ends = until(json!({"allowed": true, "expiresAt": 90}));
        assert!(!ends.do_not_contact(at(89)) && ends.do_not_contact(at(90)));
        assert!(!until(json!({"allowed": true, "expiresAt": null})).do_not_contact(at(90)));
        assert!(!until(json!(null)).do_not_contact(at(90)));
        let contact = json!({"id": "c", "dataProtection": {"contact": {"allowed": false}}});
        let refused = ends.with_consent(&serde_json::from_value(contact).unwrap());
        assert!(refused.do_not_contact(at(1)));
    }

    #[test]
    fn snoozed_means_later_than_now() {
        let mut candidacy =
            Candidacy::from_lever(&opportunity(json!({"id": "o", "snoozedUntil": 50})), None);
        assert!(candidacy.snoozed(Timestamp::from_millis(49)));
        assert!(!candidacy.snoozed(Timestamp::from_millis(50)));
        candidacy.snoozed_until = None;
        assert!(!candidacy.snoozed(Timestamp::from_millis(0)));
    }
}
