//! What operations ask for, in Lever's words: for people who look at them.

use std::fmt;

use domain::operation::Prepared;
use domain::{Candidacy, ConnectionId, Operation, Write};
use lever::{ArchiveReasonId, PostingId, ReasonKind, StageId, UserId};

use crate::engine::{Engine, Shared};
use crate::error::Result;
use crate::legend::Legend;

/// Something of Lever's, and the text that Lever shows for it; empty where the mirror does not have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Lever's id.
    pub id: String,
    /// Lever's text.
    pub text: String,
}

/// Whom an operation is about, and what it asks for, as the mirror names them now.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The person's name; empty for a write about nobody, and for whom the mirror does not have or name, or the caller may
    /// not see.
    pub person: String,
    /// The name in what is to be written, of an export of somebody who is not in Lever yet; empty elsewhere.
    pub written_name: String,
    /// The stage the person is in now.
    pub present_stage: Option<Shown>,
    /// The posting that the opportunity is for now.
    pub present_posting: Option<Shown>,
    /// Whether the person is archived now.
    pub archived: bool,
    /// The stage it moves to, or begins in.
    pub stage: Option<Shown>,
    /// The stage the person must be in still.
    pub expected_stage: Option<Shown>,
    /// The reason it archives with.
    pub archive_reason: Option<Shown>,
    /// Whether that reason is a hire.
    pub hires: bool,
    /// Whether it rejects an applicant.
    pub rejects: bool,
    /// The posting it is about.
    pub posting: Option<Shown>,
    /// The tags it adds or removes.
    pub tags: Vec<String>,
    /// The sources it adds or removes.
    pub sources: Vec<String>,
    /// The name of the Lever user it is made for; empty for none, and for whom the mirror does not have.
    pub acting_user: String,
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summary")
            .field("stage", &self.stage)
            .field("archive_reason", &self.archive_reason)
            .field("posting", &self.posting)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// What each of some operations asks for; of a bulk, what the first of its items does that the caller may see
    /// (`confidential`: those about confidential people too), without the person.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn summaries(
        &self,
        connection: ConnectionId,
        operations: &[Operation],
        confidential: bool,
    ) -> Result<Vec<Summary>> {
        let words = Words {
            confidential,
            shared: &self.shared,
            legend: &*Legend::of(&self.shared, connection).await?,
            connection,
        };
        let mut summaries = Vec::with_capacity(operations.len());
        for operation in operations {
            summaries.push(words.summary(operation).await?);
        }
        Ok(summaries)
    }
}

/// The words of one connection.
struct Words<'a> {
    /// Whether the caller may see confidential people.
    confidential: bool,
    shared: &'a Shared,
    legend: &'a Legend,
    connection: ConnectionId,
}

impl Words<'_> {
    async fn summary(&self, operation: &Operation) -> Result<Summary> {
        let asked = match operation.write {
            Write::Bulk(_) => self.of_first_item(operation).await?,
            _ => self.asked(operation).await?,
        };
        let person = self.person(operation).await?;
        let stage = person.as_ref().and_then(|person| person.stage.as_ref());
        let posting = person.as_ref().and_then(|person| person.posting.as_ref());
        let present_posting = match posting {
            Some(posting) => Some(self.posting(posting).await?),
            None => None,
        };
        Ok(Summary {
            present_posting,
            present_stage: stage.map(|stage| self.stage(stage)),
            archived: person.as_ref().is_some_and(|person| !person.active()),
            person: person.map(|person| person.name).unwrap_or_default(),
            acting_user: match &operation.acting_user {
                Some(user) => self.user(user).await?,
                None => String::new(),
            },
            ..asked
        })
    }

    async fn of_first_item(&self, bulk: &Operation) -> Result<Summary> {
        for number in 1.. {
            let item = bulk.id.item(number);
            let item = self.shared.store.operation(self.connection, item).await?;
            let Some(item) = item else { break };
            let (store, about) = (&self.shared.store, &item.opportunity);
            let known = store.candidacy(self.connection, about).await?;
            if item.tells_of_nobody() || known.is_none_or(|known| self.shows(&known)) {
                return self.asked(&item).await;
            }
        }
        Ok(Summary::default())
    }

    /// Whom it is about, if the caller may see them.
    async fn person(&self, operation: &Operation) -> Result<Option<Candidacy>> {
        let opportunity = &operation.opportunity;
        if opportunity.as_str().is_empty() {
            return Ok(None);
        }
        let candidacy = self.shared.store.candidacy(self.connection, opportunity);
        Ok(candidacy.await?.filter(|known| self.shows(known)))
    }

    fn shows(&self, person: &Candidacy) -> bool {
        self.confidential || !person.confidential
    }

    /// What the write itself tells.
    async fn asked(&self, operation: &Operation) -> Result<Summary> {
        let mut told = Summary::default();
        match &operation.write {
            Write::ChangeStage {
                stage,
                expected_stage,
            } => {
                told.stage = Some(self.stage(stage));
                told.expected_stage = expected_stage.as_ref().map(|stage| self.stage(stage));
            }
            Write::Archive {
                reason, rejects, ..
            } => {
                let expected = rejects.as_ref().and_then(|one| one.expected_stage.as_ref());
                told.expected_stage = expected.map(|stage| self.stage(stage));
                told.rejects = rejects.is_some();
                (told.archive_reason, told.hires) = self.reason(reason);
            }
            Write::AddTags { tags } | Write::RemoveTags { tags } => told.tags.clone_from(tags),
            Write::AddSources { sources } | Write::RemoveSources { sources } => {
                told.sources.clone_from(sources);
            }
            Write::Raw(call) | Write::Prepared(Prepared { call, .. }) => {
                if let Some(posting) = call.path.get("posting") {
                    told.posting = Some(self.posting(&posting.as_str().into()).await?);
                }
            }
            Write::Export(export) => {
                // What was decided on holds, once it was.
                let made = operation.steps.iter().find_map(|step| match &step.write {
                    Write::CreateOpportunity(new) => new.stage.as_ref(),
                    _ => None,
                });
                let stage = made.or(export.asked.stage.as_ref());
                told.stage = stage.map(|stage| self.stage(stage));
                told.tags.clone_from(&export.asked.tags);
                told.sources.clone_from(&export.asked.sources);
                told.written_name.clone_from(&export.asked.profile.name);
                if let Some(posting) = &export.asked.posting {
                    told.posting = Some(self.posting(posting).await?);
                }
            }
            Write::CreateNote(_)
            | Write::Unarchive
            | Write::UploadFile(_)
            | Write::Bulk(_)
            | Write::CreateOpportunity(_) => {}
        }
        Ok(told)
    }

    fn stage(&self, stage: &StageId) -> Shown {
        Shown {
            id: stage.as_str().to_owned(),
            text: self.legend.stage_text(stage),
        }
    }

    /// The reason, and whether it is a hire.
    fn reason(&self, id: &ArchiveReasonId) -> (Option<Shown>, bool) {
        let known = self.legend.reasons.get(id);
        let shown = Shown {
            id: id.as_str().to_owned(),
            text: known.map(|reason| reason.text.clone()).unwrap_or_default(),
        };
        let hires = known.is_some_and(|reason| reason.kind == ReasonKind::Hired);
        (Some(shown), hires)
    }

    async fn posting(&self, posting: &PostingId) -> Result<Shown> {
        let text = self
            .legend
            .posting_text(self.shared, self.connection, posting);
        Ok(Shown {
            text: text.await?,
            id: posting.as_str().to_owned(),
        })
    }

    async fn user(&self, user: &UserId) -> Result<String> {
        self.legend
            .user_name(self.shared, self.connection, user)
            .await
    }
}

#[cfg(test)]
mod tests {
    use domain::Stream;
    use domain::operation::Rejection;
    use lever::Timestamp;
    use store::Refresh;

    use super::*;
    use crate::testing;

    async fn account() -> (tempfile::TempDir, Engine, ConnectionId) {
        let folder = tempfile::TempDir::new().unwrap();
        let records = [
            (Stream::Users, r#"{"id":"u","name":"Grace"}"#, "u"),
            (Stream::Postings, r#"{"id":"p","text":"Engineer"}"#, "p"),
            (Stream::Stages, r#"{"id":"s","text":"On-site"}"#, "s"),
            (
                Stream::ArchiveReasons,
                r#"{"id":"r","text":"Hired","status":"active","type":"hired"}"#,
                "r",
            ),
        ];
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let shown = Refresh {
            connection: id,
            requested_at: Timestamp::from_millis(9),
            now: Timestamp::from_millis(9),
            records: records
                .map(|(stream, raw, id)| testing::incoming(stream, id, raw))
                .into(),
            deleted: Vec::new(),
            quarantined: Vec::new(),
            policy: Default::default(),
        };
        engine.shared.store.apply_refresh(shown).await.unwrap();
        (folder, engine, id)
    }

    #[tokio::test]
    async fn what_is_asked_is_told_by_its_texts_and_what_is_gone_by_its_id_alone() {
        let (_folder, engine, id) = account().await;
        let reject = |reason: &str| Write::Archive {
            reason: reason.into(),
            requisition: None,
            clean_interviews: false,
            rejects: Some(Rejection {
                expected_stage: Some("gone".into()),
                email_template: None,
            }),
        };
        let mut asked = vec![
            testing::operation(
                id,
                "1",
                Write::ChangeStage {
                    stage: "s".into(),
                    expected_stage: None,
                },
            ),
            testing::operation(id, "2", reject("r")),
            testing::operation(id, "3", reject("other")),
        ];
        asked[0].acting_user = Some("u".into());
        let told = engine.summaries(id, &asked, true).await.unwrap();
        let shown = |id: &str, text: &str| {
            Some(Shown {
                id: id.to_owned(),
                text: text.to_owned(),
            })
        };
        assert_eq!(told[0].stage, shown("s", "On-site"));
        assert_eq!(told[0].acting_user, "Grace");
        assert_eq!(told[1].archive_reason, shown("r", "Hired"));
        assert_eq!(told[1].expected_stage, shown("gone", ""));
        assert!(told[1].hires && told[1].rejects && told[0] != told[1]);
        assert_eq!(told[2].archive_reason, shown("other", ""));
        assert!(!told[2].hires);
    }
}
