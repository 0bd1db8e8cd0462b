//! What has reached Lever, and what it holds.

use std::collections::BTreeMap;

use lever_sim::AuditEntry;

use super::world::World;

impl World {
    /// The requests of one operation so far, oldest first.
    pub(crate) fn calls(&self, operation: &str) -> Vec<AuditEntry> {
        let audit = self.lever.audit().into_iter();
        audit
            .filter(|entry| entry.operation.as_deref() == Some(operation))
            .collect()
    }

    /// Writes so far, whether they had an effect or not.
    pub(crate) fn writes(&self) -> Vec<AuditEntry> {
        self.lever
            .audit()
            .into_iter()
            .filter(|entry| entry.method != "GET")
            .collect()
    }

    /// How often an operation changed something.
    pub(crate) fn effects(&self, operation: &str) -> usize {
        self.calls(operation)
            .iter()
            .filter(|entry| entry.effect)
            .count()
    }

    /// Lever's opportunities by id, as the bytes it sends.
    pub(crate) fn in_lever(&self) -> BTreeMap<String, String> {
        let documents = self.lever.opportunities().into_iter();
        documents
            .map(|document| {
                (
                    document["id"].as_str().expect("an id").to_owned(),
                    document.to_string(),
                )
            })
            .collect()
    }

    /// Ids of open opportunities, in Lever's order.
    pub(crate) fn open_opportunities(&self) -> Vec<String> {
        let documents = self.lever.opportunities().into_iter();
        let open = documents.filter(|document| {
            document["archived"].is_null() && document["snoozedUntil"].is_null()
        });
        open.map(|document| document["id"].as_str().expect("an id").to_owned())
            .collect()
    }

    /// Somebody applies on the job site for the newest job.
    pub(crate) fn apply(&self, name: &str) -> String {
        let applicant = lever_sim::Applicant {
            name: Some(name.to_owned()),
            ..Default::default()
        };
        let applies = lever_sim::Act::Apply { applicant };
        self.lever.act(applies).expect("applied").expect("an id")
    }

    /// Archives somebody in Lever, for the first of its reasons.
    pub(crate) fn archive_in_lever(&self, opportunity: &str) {
        let reasons = self.lever.archive_reasons();
        let reason = reasons[0]["id"].as_str().expect("an id");
        let archived = self.lever.archive(opportunity, Some(reason));
        archived.expect("archived");
    }

    /// How many notes with this text the opportunity has in Lever.
    pub(crate) fn notes_saying(&self, opportunity: &str, text: &str) -> usize {
        let notes = self.lever.notes(opportunity).into_iter();
        notes
            .filter(|note| note["fields"].to_string().contains(&format!("{text:?}")))
            .count()
    }
}
