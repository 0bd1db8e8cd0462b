//! What is wrong and what to do about it, in words for people.

use super::{Affected, IssueKind, MOST_AFFECTED};
use crate::PassedOver;
use crate::Timestamp;
use crate::operation::FailureKind;
use crate::stage_mapping::{Drift, DriftKind};

/// A problem as it stands, with what its words need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Lever does not accept the key.
    KeyRejected {
        /// Where the account is, such as `api.eu.lever.co`.
        environment: String,
        /// The last four characters of the key; may be empty.
        last_four: String,
    },
    /// The OAuth grant is lost.
    GrantLost {
        /// Why, with the way out.
        why: String,
    },
    /// The connection cannot be worked on.
    Unusable {
        /// Why.
        why: String,
    },
    /// The key lacks a permission.
    PermissionMissing {
        /// In Lever's words, such as `find all opportunity notes`.
        permission: String,
        /// What is lost without it, in one sentence; may be empty.
        loss: String,
    },
    /// A stream, or a list that completes one, cannot be read.
    StreamFailing {
        /// Its name.
        stream: String,
        /// Why, with the way out.
        why: String,
    },
    /// A stream is older than twice its period.
    StreamStale {
        /// Its name.
        stream: String,
    },
    /// Lever lets nothing through for long.
    PausedByLever {
        /// Why, in one sentence.
        why: String,
    },
    /// Webhooks cannot be registered.
    WebhooksNotRegistered {
        /// Why, with the way out.
        why: String,
    },
    /// Deliveries came that are not Lever's.
    WebhooksRefused,
    /// Records of a stream cannot be read.
    Quarantined {
        /// The stream.
        stream: String,
        /// How many, and whether there may be more.
        records: u64,
    },
    /// Lever has changed what the stage mapping speaks of; changes of one kind, and not none.
    MappingDrift {
        /// The kind of change.
        kind: DriftKind,
        /// The first few, in a sentence each.
        told: Vec<String>,
        /// How many there are.
        changes: usize,
    },
    /// Writes fail.
    WritesFailing {
        /// Their kind, such as `CREATE_NOTE`.
        write: String,
        /// Why.
        kind: FailureKind,
        /// The newest failure in its own words.
        message: String,
    },
    /// Nobody can tell whether writes are in Lever.
    WritesUncertain {
        /// Their kind.
        write: String,
    },
    /// Writes were made for somebody else than who asked, or for nobody.
    ActingUser(PassedOver),
    /// The default acting user is no active Lever user.
    DefaultActingUser {
        /// Whether Lever lists the user, deactivated.
        deactivated: bool,
    },
    /// The disk is nearly full.
    DiskLow {
        /// Whether writes have stopped; else only the first import has.
        writes_stopped: bool,
    },
    /// A worker of ours panicked.
    WorkerPanicked {
        /// Its name.
        worker: String,
    },
    /// The field mapping reads a custom field of requisitions that Lever does not list.
    FieldGone {
        /// The path, in the words of the mapping.
        path: String,
        /// The product fields that it feeds; not none.
        fields: Vec<String>,
    },
    /// Two notes carry the mark of one write of ours.
    NoteTwice,
    /// Lever answers nothing, whatever it is asked.
    LeverUnreachable {
        /// Where the account is, such as `api.eu.lever.co`.
        environment: String,
    },
    /// The rate limit leaves reads no turn.
    NoTurn,
}

/// Asks somebody of Lever's for a new key.
const NEW_KEY: &str = "ask a Lever Super Admin to make a new key, then replace the key with RotateCredential \
     (`fulcrum rotate-credential`)";

impl Problem {
    /// What kind of problem it is.
    pub fn kind(&self) -> IssueKind {
        match self {
            Problem::KeyRejected { .. } => IssueKind::KeyRejected,
            Problem::GrantLost { .. } => IssueKind::GrantLost,
            Problem::Unusable { .. } => IssueKind::Unusable,
            Problem::PermissionMissing { .. } => IssueKind::PermissionMissing,
            Problem::StreamFailing { .. } => IssueKind::StreamFailing,
            Problem::StreamStale { .. } => IssueKind::StreamStale,
            Problem::PausedByLever { .. } => IssueKind::PausedByLever,
            Problem::WebhooksNotRegistered { .. } => IssueKind::WebhooksNotRegistered,
            Problem::WebhooksRefused => IssueKind::WebhooksRefused,
            Problem::Quarantined { .. } => IssueKind::Quarantined,
            Problem::MappingDrift { .. } => IssueKind::MappingDrift,
            Problem::WritesFailing { .. } => IssueKind::WritesFailing,
            Problem::WritesUncertain { .. } => IssueKind::WritesUncertain,
            Problem::ActingUser(_) => IssueKind::ActingUser,
            Problem::DefaultActingUser { .. } => IssueKind::DefaultActingUser,
            Problem::DiskLow { .. } => IssueKind::DiskLow,
            Problem::WorkerPanicked { .. } => IssueKind::WorkerPanicked,
            Problem::FieldGone { .. } => IssueKind::FieldGone,
            Problem::NoteTwice => IssueKind::NoteTwice,
            Problem::LeverUnreachable { .. } => IssueKind::LeverUnreachable,
            Problem::NoTurn => IssueKind::NoTurn,
        }
    }

    /// What it is about, with which it is one problem; empty where the kind says it all.
    pub fn subject(&self) -> String {
        match self {
            Problem::PermissionMissing { permission, .. } => permission.clone(),
            Problem::StreamFailing { stream, .. }
            | Problem::StreamStale { stream }
            | Problem::Quarantined { stream, .. } => stream.clone(),
            Problem::MappingDrift { kind, .. } => kind.name().to_owned(),
            Problem::WritesFailing { write, kind, .. } => format!("{write} {}", kind.reason()),
            Problem::WritesUncertain { write } => write.clone(),
            Problem::ActingUser(why) => why.name().to_owned(),
            Problem::WorkerPanicked { worker } => worker.clone(),
            Problem::FieldGone { path, .. } => path.clone(),
            Problem::KeyRejected { .. }
            | Problem::GrantLost { .. }
            | Problem::Unusable { .. }
            | Problem::PausedByLever { .. }
            | Problem::WebhooksNotRegistered { .. }
            | Problem::WebhooksRefused
            | Problem::DefaultActingUser { .. }
            | Problem::DiskLow { .. }
            | Problem::NoteTwice
            | Problem::LeverUnreachable { .. }
            | Problem::NoTurn => String::new(),
        }
    }

    /// What is wrong.
    pub fn message(&self) -> String {
        match self {
            Problem::KeyRejected {
                environment,
                last_four,
            } => {
                let key = match last_four.as_str() {
                    "" => "the key".to_owned(),
                    four => format!("the key that ends in {four}"),
                };
                format!(
                    "Lever rejects {key}: it was revoked, or it is no Data API key of an account at {environment}. \
                     Nothing is read or written until it is replaced."
                )
            }
            Problem::GrantLost { why } => {
                format!(
                    "Lever's grant is lost, so nothing is read or written: {}.",
                    bare(why)
                )
            }
            Problem::Unusable { why } => {
                format!("The connection cannot be worked on: {}.", bare(why))
            }
            Problem::PermissionMissing { permission, loss } => {
                let lost = match loss.as_str() {
                    "" => String::new(),
                    loss => format!(" What that costs: {}.", bare(loss)),
                };
                format!(
                    "Lever refused to {}: the key lacks “{permission}”.{lost}",
                    refused(permission)
                )
            }
            Problem::StreamFailing { stream, why } => {
                format!("{} cannot be read from Lever: {}.", spelled(stream), bare(why))
            }
            Problem::StreamStale { stream } => format!(
                "{} were read last more than two periods ago, so answers about them may be out of date.",
                spelled(stream)
            ),
            Problem::PausedByLever { why } => format!(
                "Lever has let nothing through for a while: {}.",
                bare(why)
            ),
            Problem::WebhooksNotRegistered { why } => format!(
                "The webhooks of this connection are not registered in Lever, so changes come with the next pass \
                 instead of at once: {}.",
                bare(why)
            ),
            Problem::WebhooksRefused => "Deliveries reached the webhook address of this connection that Lever did not \
                 sign with a token known here. They were refused, and nothing was done for them."
                .to_owned(),
            Problem::Quarantined { stream, records } => format!(
                "{records} of the {} could not be read and are missing in the mirror.",
                spelled(stream).to_lowercase()
            ),
            Problem::MappingDrift { told, changes, .. } => drifted(told, *changes),
            Problem::WritesFailing { write, message, .. } => {
                let kind = kind_in_words(write);
                format!("Writes of the kind “{kind}” fail: {}.", bare(message))
            }
            Problem::WritesUncertain { write } => format!(
                "Lever's answer to writes of the kind “{}” was lost, and reading Lever does not tell whether they are \
                 there.",
                kind_in_words(write)
            ),
            Problem::ActingUser(why) => format!(
                "Writes for a product user were made for somebody else, for nobody, or refused: {}.",
                why.told()
            ),
            Problem::DefaultActingUser { deactivated: true } => {
                "The default acting user of this connection is deactivated in Lever.".to_owned()
            }
            Problem::DefaultActingUser { deactivated: false } => {
                "Lever does not list the default acting user of this connection.".to_owned()
            }
            Problem::DiskLow {
                writes_stopped: true,
            } => "The disk of this service is nearly full: writes are refused, nothing new is stored or written to \
                 Lever, what is stored can be read."
                .to_owned(),
            Problem::DiskLow {
                writes_stopped: false,
            } => "The disk of this service runs low: first imports have stopped.".to_owned(),
            Problem::LeverUnreachable { environment } => format!(
                "Lever cannot be reached: {environment} answers nothing, or only that it fails. What is named here is \
                 not read, and writes wait."
            ),
            Problem::NoTurn => {
                "Lever's rate limit leaves no turn for what is named here: as many requests as Lever allows were made \
                 for other things."
                    .to_owned()
            }
            Problem::NoteTwice => {
                "A note that was to be written once is in Lever twice: two notes on one person carry the mark of the \
                 same write."
                    .to_owned()
            }
            Problem::WorkerPanicked { worker } => format!(
                "The worker {worker} of this connection met a defect of Fulcrum and began again by itself."
            ),
            Problem::FieldGone { path, fields } => format!(
                "The field mapping reads {path} for {}, and Lever lists no such field of requisitions: nothing new \
                 comes from there.",
                fields.join(", ")
            ),
        }
    }

    /// What to do about it.
    pub fn repair(&self) -> String {
        let repair = match self {
            Problem::KeyRejected { environment, .. } => {
                return capital(&format!("{NEW_KEY}; it must be of {environment}."));
            }
            Problem::PermissionMissing { permission, .. } => {
                return capital(&format!(
                    "{NEW_KEY}: one with “{permission}” and whatever else CheckPermissions (`fulcrum permissions`) finds \
                     missing, since permissions of a key cannot be changed."
                ));
            }
            Problem::GrantLost { .. } => {
                "Have an admin of the account consent again, then give the new code to RotateCredential \
                 (`fulcrum rotate-credential --oauth-code`)."
            }
            Problem::Unusable { .. } => {
                "Put right what it says, then start the service again; if that does not help, use RotateCredential \
                 (`fulcrum rotate-credential`)."
            }
            Problem::StreamFailing { .. } => {
                "It is tried again by itself. If it lasts, see the runs of the stream (ListRuns, `fulcrum sync runs`) \
                 and the calls behind them (ListApiCalls, `fulcrum sync calls`)."
            }
            Problem::StreamStale { .. } => {
                "See whether the schedule asks for more than Lever's rate allows (GetSyncStatus), lengthen it with \
                 UpdateSchedule, or have it read now with StartSync."
            }
            Problem::PausedByLever { .. } => {
                "It goes on by itself. If it comes again and again, others use the same key: give Fulcrum a key of its \
                 own, or leave them a share with lever.share_left."
            }
            Problem::WebhooksNotRegistered { .. } => {
                "It is tried again once an hour, and after a change of settings or credential. Until then nothing is \
                 lost: changes arrive with the next pass."
            }
            Problem::WebhooksRefused => {
                "If a webhook was made by hand on Lever's settings page, give its signature token with \
                 UpdateConnection (webhook_signature_tokens). Otherwise somebody else knows the address; nothing needs \
                 to be done, since such deliveries have no effect."
            }
            Problem::Quarantined { .. } => {
                "See what is wrong with each (ListQuarantine, `fulcrum sync quarantine`) and mend it in Lever; they \
                 come in by themselves as soon as they can be read."
            }
            Problem::MappingDrift { .. } => {
                "Look at the stage mapping (`fulcrum mapping show`), change what needs changing, and save it: a saved \
                 mapping has taken note."
            }
            Problem::WritesFailing { kind, .. } => failing(*kind),
            Problem::WritesUncertain { .. } => {
                "Look at the people in Lever. Where the write is there, close the operation with CancelOperation; \
                 where it is not, send it again with RetryOperation."
            }
            Problem::ActingUser(_) => {
                "Link the product user's e-mail to an active Lever user with UpdateUserLink (`fulcrum user link`); the \
                 operations named here tell whose (acting_user)."
            }
            Problem::DefaultActingUser { .. } => {
                "Name an active Lever user as default_acting_user_id with UpdateConnection, or none."
            }
            Problem::DiskLow { .. } => {
                "Free space on the disk of the data directory, or move the directory to a larger one; what has stopped \
                 goes on by itself."
            }
            Problem::LeverUnreachable { .. } => {
                "It is tried again by itself, and nothing is lost. If it lasts, see whether Lever is down for everybody, \
                 and whether this service gets out to that address."
            }
            Problem::NoTurn => {
                "It is tried again by itself. If it lasts, give Fulcrum a key of its own, leave others less with \
                 lever.share_left, or have less read with UpdateSchedule."
            }
            Problem::NoteTwice => {
                "Look at the notes named here, the one that stays first, and delete the other by hand in Lever: from \
                 here nothing is deleted there. Then resolve the issue."
            }
            Problem::WorkerPanicked { .. } => {
                "Please report it, with the lines of the log from just before. Nothing needs to be done here: it goes on \
                 from what is stored."
            }
            Problem::FieldGone { .. } => {
                "Give the product field another path, or none, in the field mapping (UpdateFieldMapping; \
                 `fulcrum mapping fields` lists the paths there are), or make the field again in Lever under the same \
                 id."
            }
        };
        repair.to_owned()
    }
}

/// The first few changes in a sentence each, and how many more there are.
fn drifted(told: &[String], changes: usize) -> String {
    let told: Vec<&str> = told.iter().map(|one| bare(one)).collect();
    let first = format!("{}.", told.join(". "));
    match changes - told.len() {
        0 => first,
        more => format!("{first} There are {more} more of this kind."),
    }
}

/// What helps against a failure of writes.
fn failing(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotFound | FailureKind::Invalid => {
            "See each operation with its error (ListOperations, `fulcrum op list`), mend what it names, and send it \
             again with RetryOperation or a new request."
        }
        // A strict connection takes no default in place of the user who is named.
        FailureKind::ActingUserUnknown => {
            "Link the product's users to active Lever users with UpdateUserLink (`fulcrum user link`), or give them in \
             Lever an active user with their e-mail; then RetryOperation. Nobody else is named while \
             strict_acting_user is on."
        }
        FailureKind::ActingUserRequired => {
            "Name an active Lever user as default_acting_user_id with UpdateConnection, or link the product's users \
             with UpdateUserLink; then RetryOperation."
        }
        FailureKind::StageExcluded | FailureKind::ReasonExcluded => {
            "Name another stage or archive reason, or change what the stage mapping excludes; then ask again."
        }
        FailureKind::Blocked(_) => {
            "Look at who is held back and why, then overrule it for this export, or change the export settings with \
             UpdateExportSettings."
        }
        _ => {
            "See each operation with its error (ListOperations, `fulcrum op list`), then send it again with \
             RetryOperation."
        }
    }
}

/// What Lever was asked to do, of the name of the permission for it: `find all x` is read as `list x`.
fn refused(permission: &str) -> String {
    match permission.strip_prefix("find all ") {
        Some(rest) => format!("list {}", rest.strip_prefix("opportunity ").unwrap_or(rest)),
        None => permission.to_owned(),
    }
}

/// A reason as part of a sentence: without the stop at its end.
fn bare(why: &str) -> &str {
    why.trim_end().trim_end_matches('.')
}

/// The name of a stream as the beginning of a sentence.
fn spelled(stream: &str) -> String {
    capital(&stream.replace('_', " "))
}

/// The name of a kind of write as people say it.
pub(super) fn kind_in_words(write: &str) -> String {
    write.replace('_', " ").to_lowercase()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A problem that a look has found, and what it has to show for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub problem: Problem,
    /// What it concerns, the newest first.
    pub affected: Vec<Affected>,
    /// How often it has shown since the look before; 0 for one that just is there.
    pub times: u64,
    /// When it showed last; none for one that just is there.
    pub last: Option<Timestamp>,
}

impl Finding {
    /// A problem that just is there.
    pub fn lasting(problem: Problem, affected: Vec<Affected>) -> Finding {
        Finding {
            problem,
            affected,
            times: 0,
            last: None,
        }
    }

    /// The same with how often it has shown.
    #[must_use]
    pub fn shown(self, times: u64, last: Timestamp) -> Finding {
        Finding {
            times: self.times.saturating_add(times),
            last: self.last.max(Some(last)),
            ..self
        }
    }

    /// Two findings of the same problem as one; the words of the first hold.
    #[must_use]
    pub fn and(mut self, other: Finding) -> Finding {
        self.times = self.times.saturating_add(other.times);
        self.last = self.last.max(other.last);
        self.affected = newest(self.affected, other.affected);
        self
    }
}

/// The affected of both, each once, those of the first before the others.
pub(super) fn newest(mut first: Vec<Affected>, others: Vec<Affected>) -> Vec<Affected> {
    for other in others {
        if first.len() < MOST_AFFECTED && !first.contains(&other) {
            first.push(other);
        }
    }
    first.truncate(MOST_AFFECTED);
    first
}

impl Problem {
    /// The drift of a stage mapping as problems, one of each kind of change, with what they concern.
    pub fn of_drift(drift: &[Drift]) -> Vec<Finding> {
        const MOST_TOLD: usize = 3;
        let of = |kind: DriftKind| {
            let mine: Vec<&Drift> = drift.iter().filter(|one| one.kind == kind).collect();
            if mine.is_empty() {
                return None;
            }
            let affected = mine.iter().map(|one| Affected::new(kind.object(), &one.id));
            let problem = Problem::MappingDrift {
                kind,
                told: mine
                    .iter()
                    .take(MOST_TOLD)
                    .map(|one| one.to_string())
                    .collect(),
                changes: mine.len(),
            };
            Some(Finding::lasting(
                problem,
                affected.take(MOST_AFFECTED).collect(),
            ))
        };
        DriftKind::ALL.iter().copied().filter_map(of).collect()
    }
}
