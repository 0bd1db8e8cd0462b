//! Which nudges are answered by the same read: pure decisions.

use std::collections::HashMap;

use lever::{ContactId, OpportunityId, Timestamp, WebhookEvent};
use store::{Nudge, NudgeId};

/// What has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// One candidacy.
    Opportunity(OpportunityId),
    /// All candidacies of a person.
    Contact(ContactId),
    /// Lever does not say; the test delivery of its settings page does not either.
    Anything,
}

/// Nudges that one look answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) subject: Subject,
    /// The oldest first.
    pub(super) nudges: Vec<NudgeId>,
    /// When the last of them arrived.
    pub(super) latest: Timestamp,
    /// Whether Lever said that it is deleted.
    pub(super) deleted: bool,
    /// Whether Lever told of an interview.
    pub(super) interviews: bool,
    /// Whether somebody applied or moved: people wait for that.
    pub(super) urgent: bool,
}

/// Groups nudges by what they are about: urgent groups first, otherwise those that have waited longest.
pub(super) fn grouped(nudges: Vec<(NudgeId, Nudge)>) -> Vec<Group> {
    let mut places: HashMap<Subject, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (id, nudge) in nudges {
        let subject = subject(&nudge);
        let place = *places.entry(subject.clone()).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Group::of(subject));
        }
        groups[place].add(id, &nudge);
    }
    // The sort is stable: equals stay in the order of their first nudge.
    groups.sort_by_key(|group| !group.urgent);
    groups
}

impl Group {
    fn of(subject: Subject) -> Group {
        Group {
            subject,
            nudges: Vec::new(),
            latest: Timestamp::default(),
            deleted: false,
            interviews: false,
            urgent: false,
        }
    }

    fn add(&mut self, id: NudgeId, nudge: &Nudge) {
        self.nudges.push(id);
        self.latest = self.latest.max(nudge.at);
        match WebhookEvent::from(nudge.event.as_str()) {
            WebhookEvent::ApplicationCreated | WebhookEvent::CandidateStageChange => {
                self.urgent = true;
            }
            WebhookEvent::CandidateDeleted => self.deleted = true,
            event if is_of_interview(&event) => self.interviews = true,
            _ => {}
        }
    }
}

fn subject(nudge: &Nudge) -> Subject {
    let of_contact = matches!(
        WebhookEvent::from(nudge.event.as_str()),
        WebhookEvent::ContactCreated | WebhookEvent::ContactUpdated
    );
    match (&nudge.opportunity, &nudge.contact) {
        (_, Some(contact)) if of_contact => Subject::Contact(contact.clone()),
        (Some(opportunity), _) => Subject::Opportunity(opportunity.clone()),
        (None, Some(contact)) => Subject::Contact(contact.clone()),
        (None, None) => Subject::Anything,
    }
}

fn is_of_interview(event: &WebhookEvent) -> bool {
    matches!(
        event,
        WebhookEvent::InterviewCreated
            | WebhookEvent::InterviewUpdated
            | WebhookEvent::InterviewDeleted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nudge(event: &str, opportunity: &str, contact: &str, at: i64) -> Nudge {
        let some = |id: &str| (!id.is_empty()).then(|| id.to_owned());
        Nudge {
            event: event.to_owned(),
            opportunity: some(opportunity).map(|id| OpportunityId::from(id.as_str())),
            contact: some(contact).map(|id| ContactId::from(id.as_str())),
            interview: None,
            at: Timestamp::from_millis(at),
        }
    }

    /// The ids of a real queue, since nothing else makes them.
    async fn queued(nudges: &[Nudge]) -> Vec<(NudgeId, Nudge)> {
        let folder = tempfile::TempDir::new().unwrap();
        let store = crate::testing::store(folder.path()).await;
        let connection = crate::testing::connection(&[], Timestamp::default());
        let id = connection.id;
        let key = secrecy::SecretString::from("k");
        store.create_connection(connection, key).await.unwrap();
        for (number, nudge) in (0..).zip(nudges) {
            store
                .record_nudge(id, [number; 32], nudge.clone())
                .await
                .unwrap();
        }
        store.nudges(id, 100).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_about_the_same_is_looked_at_once_and_applicants_come_first() {
        let nudges = [
            nudge("interviewUpdated", "a", "x", 1),
            nudge("candidateHired", "b", "y", 2),
            nudge("candidateStageChange", "c", "z", 3),
            nudge("candidateDeleted", "a", "x", 4),
            nudge("contactUpdated", "", "x", 5),
            nudge("contactCreated", "b", "y", 6),
            nudge("candidateHired", "", "", 7),
            nudge("candidateCloned", "", "y", 8),
        ];
        let groups = grouped(queued(&nudges).await);
        let shown: Vec<_> = groups
            .iter()
            .map(|group| (group.subject.clone(), group.nudges.len()))
            .collect();
        let opportunity = |id: &str| Subject::Opportunity(id.into());
        let contact = |id: &str| Subject::Contact(id.into());
        assert_eq!(
            shown,
            [
                (opportunity("c"), 1),
                (opportunity("a"), 2),
                (opportunity("b"), 1),
                (contact("x"), 1),
                (contact("y"), 2),
                (Subject::Anything, 1),
            ]
        );
        assert!(groups[1].deleted && groups[1].interviews && !groups[1].urgent);
        assert_eq!(groups[1].latest, Timestamp::from_millis(4));
        assert!(!groups[2].deleted && !groups[2].interviews);
    }
}
