//! `fulcrum inbound`.

use std::io::{self, Write as _};
use std::time::Duration;

use proto::v1 as pb;
use tokio_stream::StreamExt as _;
use tonic::{Code, Status};

use super::output::WIDTH;
use super::view::applicants::{self, Detail};
use super::view::{DIM, counted, grouped, styled, time};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum inbound`.
#[derive(Debug, clap::Args)]
pub(super) struct Inbound {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    /// Only this Lever stage; repeat for more.
    #[arg(long = "stage", value_name = "ID")]
    stages: Vec<String>,
    /// Those who wait longest come first.
    #[arg(long)]
    oldest_first: bool,
    /// How many to show, 1 to 1,000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    limit: i32,
    /// Show the ids that writes take instead of job and waiting time.
    #[arg(long)]
    ids: bool,
    /// Then tell who comes, changes and goes, until interrupted; goes on where it was when the service was away.
    #[arg(long)]
    watch: bool,
}

/// Arguments of `fulcrum reasons`.
#[derive(Debug, clap::Args)]
pub(super) struct Reasons {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
}

/// Lists what people can be rejected with.
pub(super) async fn reasons(global: &Global, command: Reasons) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let request = pb::ListRejectReasonsRequest {
        connection_id: client.connection(command.connection.as_deref()).await?.id,
    };
    let answer = client.inbound().list_reject_reasons(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    match global.json {
        true => output.json(&json::of("ListRejectReasonsResponse", &answer)?),
        false if answer.reasons.is_empty() => {
            output.line("the mirror has no archive reason that people may be rejected with")
        }
        false => output.text(applicants::reasons(&answer.reasons, WIDTH)),
    }
}

/// Lists inbound applicants.
pub(super) async fn run(global: &Global, command: Inbound) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let order = if command.oldest_first {
        pb::ApplicantOrder::OldestFirst
    } else {
        pb::ApplicantOrder::NewestFirst
    };
    let request = pb::ListApplicantsRequest {
        connection_id: connection.id.clone(),
        page_size: command.limit,
        stage_ids: command.stages.clone(),
        order: order.into(),
        ..Default::default()
    };
    let page = client
        .inbound()
        .list_applicants(request)
        .await?
        .into_inner();
    let mut output = Output::standard();
    if !global.json {
        let now = time::now_ms();
        let detail = if command.ids {
            Detail::Ids
        } else {
            Detail::Job
        };
        output.text(applicants::table(&page.applicants, detail, now, WIDTH))?;
        output.line(styled(DIM, &footer(&page, now)))?;
    } else if !command.watch {
        return output.json(&json::of("ListApplicantsResponse", &page)?);
    } else {
        output.line(json::of("ListApplicantsResponse", &page)?.to_string())?;
    }
    if !command.watch {
        return Ok(());
    }
    let request = pb::WatchApplicantsRequest {
        connection_id: connection.id,
        resume_token: page.watch_token,
        stage_ids: command.stages,
    };
    watch(global, &client, request, &mut output).await
}

/// Tells what happens; while the service is away it is asked again and again, and nothing is missed.
async fn watch(
    global: &Global,
    client: &Client,
    mut request: pb::WatchApplicantsRequest,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut away = Away::default();
    loop {
        match follow(global, client, &mut request, output, &mut away).await {
            Ok(()) => {}
            Err(Ended::Refused(status)) if is_away(&status) => {}
            Err(Ended::Refused(status)) => return Err(status.into()),
            Err(Ended::Failed(failure)) => return Err(failure),
        }
        let wait = away.noted();
        tell(&format!(
            "the service went away; asking again in {} s, to go on where this was",
            wait.as_secs()
        ));
        tokio::time::sleep(wait).await;
    }
}

/// Why no more answers come.
enum Ended {
    /// The service said so, or did not answer.
    Refused(Status),
    /// The answers cannot be told.
    Failed(Failure),
}

impl From<Status> for Ended {
    fn from(status: Status) -> Ended {
        Ended::Refused(status)
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended::Failed(failure)
    }
}

/// Tells each answer until no more come. Each event is a line, or each answer a JSON document on one.
async fn follow(
    global: &Global,
    client: &Client,
    request: &mut pb::WatchApplicantsRequest,
    output: &mut Output,
    away: &mut Away,
) -> Result<(), Ended> {
    let answers = client.inbound().watch_applicants(request.clone()).await?;
    let mut answers = answers.into_inner();
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        if away.ended() {
            tell("the service is back");
        }
        told(global, &answer, output)?;
        request.resume_token = answer.resume_token;
    }
    Ok(())
}

fn told(
    global: &Global,
    answer: &pb::WatchApplicantsResponse,
    output: &mut Output,
) -> Result<(), Failure> {
    if global.json {
        return output.line(json::of("WatchApplicantsResponse", answer)?.to_string());
    }
    let now = time::now_ms();
    for event in &answer.events {
        output.line(applicants::event(event, now))?;
    }
    Ok(())
}

/// Whether a call may well succeed later: the service is being restarted, or the way to it is broken.
fn is_away(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Cancelled => true,
        // Raised by the transport below us when an answer is cut short.
        Code::Unknown | Code::Internal => {
            status.details().is_empty() && std::error::Error::source(status).is_some()
        }
        _ => false,
    }
}

/// How long the service has been away.
#[derive(Debug, Default)]
struct Away {
    asked: u32,
}

impl Away {
    const FIRST_WAIT: Duration = Duration::from_secs(1);
    const LONGEST_WAIT: Duration = Duration::from_secs(30);

    /// It did not answer once more: how long to wait, twice as long each time.
    fn noted(&mut self) -> Duration {
        let wait = Self::FIRST_WAIT.saturating_mul(2_u32.saturating_pow(self.asked));
        self.asked = self.asked.saturating_add(1);
        wait.min(Self::LONGEST_WAIT)
    }

    /// It answers; tells whether it was away.
    fn ended(&mut self) -> bool {
        std::mem::take(&mut self.asked) > 0
    }
}

/// Tells the person at the terminal, beside what is listed.
fn tell(what: &str) {
    // There is nobody left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{what}");
}

fn footer(page: &pb::ListApplicantsResponse, now_ms: i64) -> String {
    let shown = page.applicants.len() as u64;
    let more = page.total_size.saturating_sub(shown);
    let more = if more > 0 {
        format!(", {} more", grouped(more))
    } else {
        String::new()
    };
    let as_of = match &page.as_of {
        Some(as_of) => format!(", as of {}", time::ago(Some(as_of), now_ms)),
        None => ", not everybody has been read yet".to_owned(),
    };
    format!("{}{more}{as_of}", counted(shown, "applicant"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_is_away_is_asked_less_and_less_often() {
        let mut away = Away::default();
        assert!(!away.ended());
        let mut waits = || (0..7).map(|_| away.noted().as_secs()).collect::<Vec<_>>();
        assert_eq!(waits(), [1, 2, 4, 8, 16, 30, 30]);
        assert!(away.ended());
        assert!(!away.ended());
        assert_eq!(away.noted().as_secs(), 1);
    }

    #[test]
    fn a_refusal_is_no_absence() {
        assert!(is_away(&Status::unavailable("the service stops")));
        for refusal in [
            Status::failed_precondition("RESUME_TOKEN_EXPIRED"),
            Status::unauthenticated("a token is required"),
            Status::internal("a fault"),
            Status::not_found("no connection"),
        ] {
            assert!(!is_away(&refusal), "{refusal}");
        }
        let broken = Status::from_error(Box::new(io::Error::other("broken pipe")));
        assert!(is_away(&broken));
    }
}
