//! The writes of the demo, and what Lever has afterwards.

use std::time::Instant;

use proto::v1 as pb;
use tokio_stream::StreamExt as _;

use super::super::render::{self, Snapshot};
use super::Tour;
use crate::cli::Failure;
use crate::cli::view::{DIM, operation, styled};
use crate::cli::write::{self, Command, Labels, Tags, Target, Words};

/// The request id of the note, which is asked for twice.
const NOTE_REQUEST: &str = "demo-note";
const NOTE: &str = "Keen, free from May.";
const LABEL: &str = "Fulcrum demo";

impl Tour<'_> {
    /// Performs one of each write, and shows what Lever has afterwards.
    pub(in crate::demo) async fn writes(&mut self) -> Result<(), Failure> {
        self.output.line(render::heading(
            6,
            "Write back to Lever",
            &styled(DIM, "recorded durably, then sent, then read again"),
        ))?;
        let stage = self.next_stage().await?;
        let reason = self.reject_reason().await?;
        self.note = self.write(note(&self.subject)).await?;
        for command in further(&self.subject, stage, reason) {
            self.write(command).await?;
        }
        Ok(())
    }

    /// Asks for the note once more, and counts what reached Lever.
    pub(in crate::demo) async fn never_twice(&mut self) -> Result<(), Failure> {
        self.output.line(render::heading(7, "Never twice", ""))?;
        let again = self.settle(note(&self.subject)).await?;
        let path = format!("/opportunities/{}/notes", self.subject);
        let calls = self
            .scene
            .sim
            .audit()
            .iter()
            .filter(|call| call.method == "POST" && call.path.ends_with(&path))
            .count();
        if again.id != self.note || calls != 1 {
            return Err(Failure::new(format!(
                "the note was asked for twice under one request id and sent {calls} times"
            )));
        }
        self.output.line(format!(
            "   the note asked for again as \"{NOTE_REQUEST}\": the same operation,"
        ))?;
        self.output
            .line(format!("   {}; Lever was called once", again.id))
    }

    /// Writes, and shows the settled operation with what changed in Lever. Answers with its id.
    async fn write(&mut self, command: Command) -> Result<String, Failure> {
        let before = self.snapshot();
        let began = Instant::now();
        let operation = self.settle(command).await?;
        let changes = before.changes(&self.snapshot(), &self.names);
        self.output
            .text(render::settled(&operation, began.elapsed(), &changes))?;
        if operation::well(&operation) {
            return Ok(operation.id);
        }
        let why = operation
            .error
            .map(|error| error.message)
            .unwrap_or_default();
        Err(Failure::new(format!(
            "a write to the simulated Lever did not succeed: {why}"
        )))
    }

    /// Sends a write and waits until it has settled.
    async fn settle(&self, command: Command) -> Result<pb::Operation, Failure> {
        let sent = write::send(&self.client, self.connection_id.clone(), command)
            .await?
            .unwrap_or_default();
        let request = pb::WatchOperationsRequest {
            connection_id: self.connection_id.clone(),
            operation_id: sent.id.clone(),
        };
        let mut moves = self
            .client
            .operations()
            .watch_operations(request)
            .await?
            .into_inner();
        let mut latest = sent;
        while let Some(moved) = moves.next().await {
            latest = moved?.operation.unwrap_or_default();
        }
        Ok(latest)
    }

    fn snapshot(&self) -> Snapshot {
        let opportunity = self
            .scene
            .sim
            .opportunity(&self.subject)
            .unwrap_or_default();
        Snapshot::of(&opportunity, &self.scene.sim.notes(&self.subject))
    }

    /// Somebody whose application is open, and who has not been noted yet.
    pub(super) fn choose(&self, applicants: &[pb::Applicant]) -> Result<String, Failure> {
        let untouched = |id: &&String| self.scene.sim.notes(id).is_empty();
        let mut ids = applicants.iter().map(|applicant| &applicant.opportunity_id);
        let chosen = ids.clone().find(untouched).or_else(|| ids.next());
        chosen.cloned().ok_or_else(|| {
            Failure::new("the simulated account has no inbound applicant; try another --seed")
        })
    }

    async fn next_stage(&self) -> Result<String, Failure> {
        let request = pb::ListAdvanceTargetsRequest {
            connection_id: self.connection_id.clone(),
            opportunity_id: self.subject.clone(),
        };
        let targets = self
            .client
            .inbound()
            .list_advance_targets(request)
            .await?
            .into_inner()
            .targets;
        let suggested = targets
            .iter()
            .find(|target| target.suggested)
            .or(targets.last());
        suggested
            .map(|target| target.stage_id.clone())
            .ok_or_else(|| Failure::new("there is no stage to advance to"))
    }

    async fn reject_reason(&mut self) -> Result<String, Failure> {
        let request = pb::ListRejectReasonsRequest {
            connection_id: self.connection_id.clone(),
        };
        let reasons = self
            .client
            .inbound()
            .list_reject_reasons(request)
            .await?
            .into_inner()
            .reasons;
        self.names.extend(
            reasons
                .iter()
                .map(|reason| (reason.archive_reason_id.clone(), reason.text.clone())),
        );
        let first = reasons.into_iter().next();
        first
            .map(|reason| reason.archive_reason_id)
            .ok_or_else(|| Failure::new("there is no reason to reject with"))
    }
}

fn note(subject: &str) -> Command {
    Command::Note {
        target: Target::new(subject, NOTE_REQUEST),
        text: NOTE.to_owned(),
        secret: false,
        note: String::new(),
    }
}

/// One of each write but the note.
fn further(subject: &str, stage: String, reason: String) -> [Command; 7] {
    let target = |request_id: &str| Target::new(subject, request_id);
    let words = |request_id: &str| Words {
        target: target(request_id),
        words: vec![LABEL.to_owned()],
    };
    [
        Command::Tag(Tags::Add {
            words: words("demo-tag"),
            respect_removals: false,
        }),
        Command::Tag(Tags::Remove {
            words: words("demo-untag"),
            only_ours: false,
        }),
        Command::Source(Labels::Add(words("demo-source"))),
        Command::Source(Labels::Remove(words("demo-unsource"))),
        Command::Stage {
            target: target("demo-stage"),
            stage,
            expected: String::new(),
        },
        Command::Archive {
            target: target("demo-archive"),
            reason,
            requisition: String::new(),
            clean_interviews: false,
            hold: None,
        },
        Command::Unarchive {
            target: target("demo-unarchive"),
        },
    ]
}
