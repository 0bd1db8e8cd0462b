//! `fulcrum write`: one write to one opportunity, person, posting or user.

mod fill;

use std::time::Duration;

use proto::v1 as pb;
use uuid::Uuid;

use super::client::wire_duration;
use super::view::{operation as page, time};
use super::{Client, Failure, Global, Output, json};
use crate::config::parse_duration;

/// What can be written.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Writes a note.
    Note {
        #[command(flatten)]
        target: Target,
        /// The text.
        text: String,
        /// Only for people with access to secret notes.
        #[arg(long)]
        secret: bool,
        /// Write a comment on this note instead of a note of its own.
        #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Adds or removes tags.
    #[command(subcommand)]
    Tag(Tags),
    /// Adds or removes sources.
    #[command(subcommand)]
    Source(Labels),
    /// Adds links to the person, or removes them.
    #[command(subcommand)]
    Link(Links),
    /// Moves the opportunity to another stage.
    Stage {
        #[command(flatten)]
        target: Target,
        /// Lever's id of the stage, as `fulcrum mapping show --ids` lists them.
        stage: String,
        /// Refuse if the opportunity is no longer in this stage.
        #[arg(
            long,
            value_name = "STAGE",
            default_value = "",
            hide_default_value = true
        )]
        expected: String,
    },
    /// Archives the opportunity.
    Archive {
        #[command(flatten)]
        target: Target,
        /// Lever's id of the archive reason; `fulcrum reasons` lists those that reject.
        reason: String,
        /// The requisition a hire counts for.
        #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
        requisition: String,
        /// Cancel pending interviews.
        #[arg(long)]
        clean_interviews: bool,
        /// Keep it back so long, such as 30m, 12h, or 2bd for two business days; until then `fulcrum op cancel` takes
        /// it back.
        #[arg(long, value_name = "TIME", value_parser = hold)]
        hold: Option<Delay>,
    },
    /// Takes the opportunity out of the archive.
    Unarchive {
        #[command(flatten)]
        target: Target,
    },
    /// Changes the person behind an opportunity; what is not given stays.
    Contact(fill::Contact),
    /// Fills in a profile form about an opportunity.
    Form(fill::Form),
    /// Applies to a posting for somebody.
    Apply(fill::Apply),
    /// Changes a user of the Lever account; what is not given stays.
    User(fill::User),
}

/// Adding and removing words.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Labels {
    /// Adds them; those already there are left alone.
    Add(Words),
    /// Removes them; those not there are ignored.
    Remove(Words),
}

/// Adding and removing tags.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Tags {
    /// Adds them; those already there are left alone.
    Add {
        #[command(flatten)]
        words: Words,
        /// Leave out those that we added once and that people have removed in Lever since.
        #[arg(long)]
        respect_removals: bool,
    },
    /// Removes them; those not there are ignored.
    Remove {
        #[command(flatten)]
        words: Words,
        /// Remove only those that came from us.
        #[arg(long)]
        only_ours: bool,
    },
}

/// Adding and removing links.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Links {
    /// Adds them; those already there are left alone.
    Add(Words),
    /// Removes them; those not there are ignored.
    Remove {
        #[command(flatten)]
        words: Words,
        /// Remove only those that came from us.
        #[arg(long)]
        only_ours: bool,
    },
}

/// The words, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Words {
    #[command(flatten)]
    pub(crate) target: Target,
    /// One or more.
    #[arg(required = true, value_name = "TEXT")]
    pub(crate) words: Vec<String>,
}

/// Where to write, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// Lever's id of the opportunity.
    opportunity: String,
    #[command(flatten)]
    manner: Manner,
}

/// How to write, and for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Manner {
    /// Your id for this write; repeating it writes nothing twice. Without it, a new one.
    #[arg(long, value_name = "ID", default_value_t = Uuid::new_v4().to_string(), hide_default_value = true)]
    pub(super) request_id: String,
    /// Show the calls to Lever and send none.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How long to wait for Lever, at most 60s.
    #[arg(long, default_value = "10s", value_parser = wait)]
    pub(super) wait: Duration,
    /// E-mail of the person it is made for.
    #[arg(
        long,
        value_name = "EMAIL",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) acting_user: String,
    /// Lever's id of the user it is made for; needs the right act_as_any.
    #[arg(
        long,
        value_name = "ID",
        default_value = "",
        hide_default_value = true,
        conflicts_with = "acting_user"
    )]
    pub(super) perform_as: String,
}

impl Target {
    /// An opportunity of one connection, under a request id of the caller's.
    pub(crate) fn new(opportunity: &str, request_id: &str) -> Target {
        Target {
            connection: None,
            opportunity: opportunity.to_owned(),
            manner: Manner::new(request_id),
        }
    }
}

impl Manner {
    /// As the flags are when none is given but the request id.
    pub(super) fn new(request_id: &str) -> Manner {
        Manner {
            request_id: request_id.to_owned(),
            dry_run: false,
            wait: Duration::from_secs(10),
            acting_user: String::new(),
            perform_as: String::new(),
        }
    }
}

/// How long a write is kept back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Delay {
    /// So long.
    For(Duration),
    /// So many business days.
    BusinessDays(u32),
}

pub(super) fn hold(text: &str) -> Result<Delay, String> {
    let days = text
        .strip_suffix("bd")
        .and_then(|days| days.trim().parse().ok());
    days.map(Delay::BusinessDays)
        .or_else(|| parse_duration(text).map(Delay::For))
        .ok_or_else(|| "expected a duration such as 30m, or business days such as 2bd".to_owned())
}

pub(super) fn to_hold(delay: Delay) -> pb::Hold {
    let delay = match delay {
        Delay::For(time) => pb::hold::Delay::Duration(wire_duration(time)),
        Delay::BusinessDays(days) => pb::hold::Delay::BusinessDays(days),
    };
    pb::Hold { delay: Some(delay) }
}

fn wait(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 10s".to_owned())
}

/// Fills the fields that all write requests share, and those given.
macro_rules! request {
    ($type:ident, $connection:expr, $target:expr $(, $field:ident: $value:expr)* $(,)?) => {
        pb::$type {
            connection_id: $connection,
            opportunity_id: $target.opportunity,
            request_id: $target.manner.request_id,
            dry_run: $target.manner.dry_run,
            wait: Some(wire_duration($target.manner.wait)),
            acting_user: $target.manner.acting_user,
            perform_as: $target.manner.perform_as,
            $($field: $value,)*
        }
    };
}

/// Writes, and shows the operation as it stands then.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection()).await?.id;
    let operation = send(&client, connection, command)
        .await?
        .unwrap_or_default();
    show(global, &operation)
}

/// Shows a write as it stands; fails where it did.
pub(super) fn show(global: &Global, operation: &pb::Operation) -> Result<(), Failure> {
    let mut output = Output::standard();
    if global.json {
        output.json(&json::of("Operation", operation)?)?;
    } else {
        output.text(page::page(operation, time::now_ms()))?;
    }
    if page::well(operation) {
        Ok(())
    } else {
        Err(Failure::told())
    }
}

impl Command {
    /// The connection as it was given.
    fn connection(&self) -> Option<&str> {
        let target = match self {
            Command::Apply(apply) => return apply.place.connection.as_deref(),
            Command::User(user) => return user.place.connection.as_deref(),
            Command::Contact(contact) => &contact.target,
            Command::Form(form) => &form.target,
            Command::Note { target, .. }
            | Command::Stage { target, .. }
            | Command::Archive { target, .. }
            | Command::Unarchive { target } => target,
            Command::Tag(Tags::Add { words, .. } | Tags::Remove { words, .. })
            | Command::Source(Labels::Add(words) | Labels::Remove(words))
            | Command::Link(Links::Add(words) | Links::Remove { words, .. }) => &words.target,
        };
        target.connection.as_deref()
    }
}

/// Sends one write, and answers with the operation as it stands when the wait ends.
pub(crate) async fn send(
    client: &Client,
    connection: String,
    command: Command,
) -> Result<Option<pb::Operation>, Failure> {
    let mut to = client.candidates();
    Ok(match command {
        Command::Note {
            target,
            text,
            secret,
            note,
        } => {
            let request = request!(CreateNoteRequest, connection, target, value: text, secret: secret,
                    score: 0, notify_followers: false, note_id: note);
            to.create_note(request).await?.into_inner().operation
        }
        Command::Tag(Tags::Add {
            words: Words { target, words },
            respect_removals,
        }) => {
            let request = request!(AddTagsRequest, connection, target, tags: words, respect_removals: respect_removals);
            to.add_tags(request).await?.into_inner().operation
        }
        Command::Tag(Tags::Remove {
            words: Words { target, words },
            only_ours,
        }) => {
            let request =
                request!(RemoveTagsRequest, connection, target, tags: words, only_ours: only_ours);
            to.remove_tags(request).await?.into_inner().operation
        }
        Command::Link(Links::Add(Words { target, words })) => {
            let request = request!(AddLinksRequest, connection, target, links: words);
            to.add_links(request).await?.into_inner().operation
        }
        Command::Link(Links::Remove {
            words: Words { target, words },
            only_ours,
        }) => {
            let request = request!(RemoveLinksRequest, connection, target, links: words, only_ours: only_ours);
            to.remove_links(request).await?.into_inner().operation
        }
        Command::Source(Labels::Add(Words { target, words })) => {
            let request = request!(AddSourcesRequest, connection, target, sources: words);
            to.add_sources(request).await?.into_inner().operation
        }
        Command::Source(Labels::Remove(Words { target, words })) => {
            let request = request!(RemoveSourcesRequest, connection, target, sources: words);
            to.remove_sources(request).await?.into_inner().operation
        }
        Command::Stage {
            target,
            stage,
            expected,
        } => {
            let request = request!(ChangeStageRequest, connection, target, stage_id: stage, expected_stage_id: expected);
            to.change_stage(request).await?.into_inner().operation
        }
        Command::Archive {
            target,
            reason,
            requisition,
            clean_interviews,
            hold,
        } => {
            let request = request!(
                ArchiveRequest, connection, target,
                archive_reason_id: reason, requisition_id: requisition, clean_interviews: clean_interviews, hold: hold.map(to_hold),
            );
            to.archive(request).await?.into_inner().operation
        }
        Command::Contact(contact) => contact.send(client, connection).await?,
        Command::Form(form) => form.send(client, connection).await?,
        Command::Apply(apply) => apply.send(client, connection).await?,
        Command::User(user) => user.send(client, connection).await?,
        Command::Unarchive { target } => {
            to.unarchive(request!(UnarchiveRequest, connection, target))
                .await?
                .into_inner()
                .operation
        }
    })
}
