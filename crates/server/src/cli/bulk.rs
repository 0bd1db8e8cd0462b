//! `fulcrum advance` and `fulcrum reject`: many applicants at once.

use std::io::{self, Read as _};

use proto::v1 as pb;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;
use uuid::Uuid;

use super::progress::Progress;
use super::view::{operation as page, time};
use super::write::{Delay, hold, to_hold};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum advance`.
#[derive(Debug, clap::Args)]
pub(super) struct Advance {
    /// Lever's id of the stage to move to, as `fulcrum mapping show --ids` lists them.
    stage: String,
    #[command(flatten)]
    whom: Whom,
}

/// Arguments of `fulcrum reject`.
#[derive(Debug, clap::Args)]
pub(super) struct Reject {
    /// Lever's id of the archive reason, as `fulcrum reasons` lists them.
    reason: String,
    #[command(flatten)]
    whom: Whom,
    /// REASON is what the product calls it (`reject_templates` of the stage mapping), not an id of Lever's.
    #[arg(long)]
    template: bool,
    /// Cancel pending interviews.
    #[arg(long)]
    clean_interviews: bool,
}

/// Whom, and how.
#[derive(Debug, clap::Args)]
struct Whom {
    /// Lever's ids of the candidacies, 1 to 1,000; `-` reads them from standard input, separated by white space.
    #[arg(required = true, value_name = "OPPORTUNITY")]
    opportunities: Vec<String>,
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// Leave alone whoever is no longer in this stage.
    #[arg(
        long,
        value_name = "STAGE",
        default_value = "",
        hide_default_value = true
    )]
    expected: String,
    /// Keep them back so long, such as 30m, 12h, or 2bd for two business days; until then `fulcrum op cancel` takes
    /// them back, one or all.
    #[arg(long, value_name = "TIME", value_parser = hold)]
    hold: Option<Delay>,
    /// Your id for all of them; repeating it writes nothing twice. Without it, a new one.
    #[arg(long, value_name = "ID", default_value_t = Uuid::new_v4().to_string(), hide_default_value = true)]
    request_id: String,
    /// Show how many calls to Lever it takes and about how long, and send none.
    #[arg(long)]
    dry_run: bool,
    /// E-mail of the person it is done for.
    #[arg(
        long,
        value_name = "EMAIL",
        default_value = "",
        hide_default_value = true
    )]
    acting_user: String,
}

impl Whom {
    fn applicants(&self) -> Result<Vec<pb::ApplicantRef>, Failure> {
        let mut ids = self.opportunities.clone();
        if ids == ["-"] {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
            ids = text.split_whitespace().map(str::to_owned).collect();
        }
        let named = |id| pb::ApplicantRef {
            opportunity_id: id,
            expected_stage_id: self.expected.clone(),
        };
        Ok(ids.into_iter().map(named).collect())
    }
}

/// Moves applicants to a stage.
pub(super) async fn advance(global: &Global, command: Advance) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let whom = command.whom;
    let request = pb::AdvanceApplicantsRequest {
        connection_id: client.connection(whom.connection.as_deref()).await?.id,
        applicants: whom.applicants()?,
        request_id: whom.request_id,
        dry_run: whom.dry_run,
        acting_user: whom.acting_user,
        hold: whom.hold.map(to_hold),
        stage_id: command.stage,
        ..Default::default()
    };
    let told = client.inbound().advance_applicants(request).await?;
    let told = told.into_inner();
    follow(global, told.map(|message| message.map(|one| one.operation))).await
}

/// Archives applicants with a reason.
pub(super) async fn reject(global: &Global, command: Reject) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let whom = command.whom;
    let (archive_reason_id, reject_template) = match command.template {
        true => (String::new(), command.reason),
        false => (command.reason, String::new()),
    };
    let request = pb::RejectApplicantsRequest {
        connection_id: client.connection(whom.connection.as_deref()).await?.id,
        applicants: whom.applicants()?,
        request_id: whom.request_id,
        dry_run: whom.dry_run,
        acting_user: whom.acting_user,
        hold: whom.hold.map(to_hold),
        archive_reason_id,
        reject_template,
        clean_interviews: command.clean_interviews,
        ..Default::default()
    };
    let told = client.inbound().reject_applicants(request).await?;
    let told = told.into_inner();
    follow(global, told.map(|message| message.map(|one| one.operation))).await
}

/// Shows a bulk as its items settle; fails where an item did.
async fn follow(
    global: &Global,
    mut told: impl Stream<Item = Result<Option<pb::Operation>, Status>> + Unpin,
) -> Result<(), Failure> {
    let mut output = Output::standard();
    let mut bulk = pb::Operation::default();
    let mut progress: Option<Progress> = None;
    let (mut settled, mut bad, mut planned) = (0, Vec::new(), Vec::new());
    while let Some(operation) = told.next().await {
        let operation = operation?.unwrap_or_default();
        if global.json {
            output.line(json::of("Operation", &operation)?.to_string())?;
        }
        if operation.kind() == pb::OperationKind::Bulk {
            bulk = operation;
            // What is held settles when somebody says so, or in days: nobody waits here for that.
            if bulk.tally.is_some_and(|tally| tally.held > 0) {
                break;
            }
            continue;
        }
        settled += 1;
        // Of a dry run each item is told at once, and nothing settles.
        if operation.state() == pb::OperationState::Unspecified {
            planned.push(operation);
            continue;
        }
        if !global.json {
            let total = bulk.tally.map(|tally| u64::from(tally.items));
            let shown = progress.get_or_insert_with(|| Progress::records(&output, total));
            let line = || format!("{settled} of {} settled", total.unwrap_or_default());
            shown.show(&mut output, settled, "", line)?;
        }
        if operation.error.is_some() {
            bad.push(operation);
        }
    }
    drop(progress);
    if !global.json {
        if !bad.is_empty() {
            output.text(page::table(&bad, time::now_ms()))?;
        }
        output.text(page::page(&bulk, time::now_ms()))?;
        output.text(page::items_planned(&planned))?;
    }
    if page::well(&bulk) {
        Ok(())
    } else {
        Err(Failure::told())
    }
}
