//! Why somebody is not where they are looked for: not among the applicants, or not in the mirror at all.
//!
//! Everything here is decided from what is known of the connection and of the question, never from whom the asker may
//! not see: the answer about somebody hidden is the answer about a stranger.

use std::collections::BTreeSet;

use lever::{StageId, Timestamp};

use crate::change::Place;
use crate::stage_mapping::{StageCode, StageMapping};
use crate::{Candidacy, Connection};

/// Whether a candidacy stands open in one of these stages: the rule by which applicants are listed.
pub fn stands_in(candidacy: &Candidacy, stages: &BTreeSet<StageId>) -> bool {
    Place::of(candidacy).is_some_and(|place| stages.contains(&place.stage))
}

/// Why a candidacy is not among the applicants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotListed {
    /// It is archived.
    Archived,
    /// Its stage is mapped, and not an inbound one.
    StageNotInbound,
    /// Its stage is in no product stage, and not an inbound one.
    StageNotMapped,
    /// Lever tells no stage of it.
    NoStage,
}

impl NotListed {
    /// Each reason why a candidacy is not among the applicants; none where it is.
    pub fn all(candidacy: &Candidacy, mapping: &StageMapping) -> Vec<NotListed> {
        if stands_in(candidacy, &mapping.inbound_stages) {
            return Vec::new();
        }
        let archived = (!candidacy.active()).then_some(NotListed::Archived);
        let stage = match &candidacy.stage {
            None => Some(NotListed::NoStage),
            Some(stage) if mapping.inbound_stages.contains(stage) => None,
            Some(stage) if mapping.code_of(stage) == StageCode::unmapped() => {
                Some(NotListed::StageNotMapped)
            }
            Some(_) => Some(NotListed::StageNotInbound),
        };
        archived.into_iter().chain(stage).collect()
    }

    /// Why, for people.
    pub fn message(self) -> &'static str {
        match self {
            NotListed::Archived => "it is archived in Lever: applicants are open",
            NotListed::StageNotInbound => "its stage is not an inbound stage of the stage mapping",
            NotListed::StageNotMapped => {
                "its stage is in no group of the stage mapping, and not an inbound stage"
            }
            NotListed::NoStage => "Lever tells no stage of it, as of some old records",
        }
    }

    /// What to do about it, for people.
    pub fn repair(self) -> &'static str {
        match self {
            NotListed::Archived => "unarchive it, here or in Lever, if it is to be worked on again",
            NotListed::StageNotInbound => {
                "move the person to an inbound stage, or make the stage an inbound one in the stage mapping"
            }
            NotListed::StageNotMapped => {
                "put the stage in a group of the stage mapping, or make it an inbound one"
            }
            NotListed::NoStage => "give it a stage in Lever",
        }
    }
}

/// What of a connection's settings leaves an opportunity out of the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// Archived people are not mirrored.
    Archived,
    /// Snoozed people are not mirrored.
    Snoozed,
    /// The history begins later than it was created.
    BeforeHistory,
}

impl LeftOut {
    /// What leaves an opportunity out at `now`; one without a stamp of its creation is never too old.
    pub fn all(
        connection: &Connection,
        candidacy: &Candidacy,
        created_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Vec<LeftOut> {
        let start = connection.sync_start.unwrap_or_default();
        let archived = !connection.include_archived && !candidacy.active();
        let snoozed = !connection.include_snoozed && candidacy.snoozed(now);
        let old = created_at.is_some_and(|at| at < start);
        [
            (archived, LeftOut::Archived),
            (snoozed, LeftOut::Snoozed),
            (old, LeftOut::BeforeHistory),
        ]
        .into_iter()
        .filter_map(|(holds, left_out)| holds.then_some(left_out))
        .collect()
    }
}

/// The attributes of Lever's in which two states of one opportunity differ, in Lever's words.
///
/// What comes from elsewhere than the opportunity itself is left aside: posting, consent, time of application.
pub fn differences(one: &Candidacy, other: &Candidacy) -> Vec<&'static str> {
    [
        ("name", one.name != other.name),
        ("contact", one.contact != other.contact),
        ("stage", one.stage != other.stage),
        ("archived", one.archived != other.archived),
        ("snoozedUntil", one.snoozed_until != other.snoozed_until),
        ("owner", one.owner != other.owner),
        ("tags", one.tags != other.tags),
        ("sources", one.sources != other.sources),
        ("origin", one.origin != other.origin),
        ("confidentiality", one.confidential != other.confidential),
        ("isAnonymized", one.anonymized != other.anonymized),
        ("updatedAt", one.updated_at != other.updated_at),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// What somebody was looked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clue {
    /// Something that belongs to one person, such as an e-mail address.
    Strong,
    /// Only what others may share.
    Weak,
    /// Nothing that tells anybody from others.
    Nothing,
    /// Lever's id of an opportunity or of a person.
    Id,
}

/// A kind of Lever's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// Of an opportunity.
    Opportunity,
    /// Of a person.
    Contact,
    /// Of an application.
    Application,
}

impl IdKind {
    fn of_what(self) -> &'static str {
        match self {
            IdKind::Opportunity => "an opportunity",
            IdKind::Contact => "a person",
            IdKind::Application => "an application",
        }
    }
}

/// What is left of a record that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Since when it is known to be gone.
    pub at: Timestamp,
    /// Whether that was concluded from its absence, not told by Lever.
    pub absent: bool,
}

/// How the opportunities of a mirror are doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Lever does not accept the credential.
    KeyRejected {
        /// What was noted.
        detail: String,
    },
    /// The key lacks a permission.
    Forbidden {
        /// In Lever's words.
        permission: String,
    },
    /// The last pass failed.
    Failed {
        /// What was noted.
        detail: String,
    },
    /// Nothing was read yet.
    Pending,
    /// The first walk is under way.
    First,
    /// Complete once, and older than twice its period.
    Stale,
    /// All is well.
    Fresh,
}

/// What is known of a connection and of a question to which nobody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// What was looked for by.
    pub clue: Clue,
    /// What the id turned out to be one of.
    pub other_kind: Option<IdKind>,
    /// What is left of the record with the id, as far as the asker may know.
    pub gone: Option<Gone>,
    /// Since when the very record is known as one that cannot be read, as far as the asker may know.
    pub unreadable: Option<Timestamp>,
    /// Whether opportunities are kept.
    pub kept: bool,
    /// How they are doing.
    pub reading: Reading,
    /// Records that the first walk has brought.
    pub read: u64,
    /// How many Lever may have; 0 when not known.
    pub expected: u64,
    /// Whether people can be told by what they are recognized by.
    pub indexed: bool,
    /// Whether pulling is paused.
    pub paused: bool,
    /// The start of the last complete pass.
    pub as_of: Option<Timestamp>,
    /// Who was created before this is not mirrored.
    pub history_start: Option<Timestamp>,
    /// Whether archived people are mirrored.
    pub archived_kept: bool,
    /// Whether snoozed people are mirrored.
    pub snoozed_kept: bool,
    /// Whether the key is known not to see confidential people.
    pub key_hides: bool,
    /// Whether the asker may see confidential people.
    pub asker_sees_confidential: bool,
    /// Opportunities that could not be read, counted up to 1,000.
    pub quarantined: u64,
    /// Whether something is known to be wrong with the connection.
    pub wrong: bool,
}

/// What can be the reason that nobody is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// The account is disconnected.
    Disconnected {
        /// When its mirror goes.
        purge_at: Timestamp,
    },
    /// Nothing that was given tells anybody from others.
    IdentityTooWeak,
    /// The id is one of something else.
    IdOfAnotherKind(IdKind),
    /// Lever told that it was deleted, or it was forgotten here.
    Deleted {
        /// When.
        at: Timestamp,
    },
    /// Lever no longer shows it, or the settings leave it out.
    NoLongerShown {
        /// Since when.
        at: Timestamp,
    },
    /// The very record could not be understood.
    RecordUnreadable {
        /// Since when.
        at: Timestamp,
    },
    /// Opportunities are not kept.
    NotKept,
    /// Lever does not accept the key.
    KeyRejected {
        /// What was noted.
        detail: String,
    },
    /// The key may not read opportunities.
    Forbidden {
        /// In Lever's words.
        permission: String,
    },
    /// Nothing was read yet.
    NotRead,
    /// The first walk is under way.
    FirstImport {
        /// Records so far.
        read: u64,
        /// How many there may be; 0 when not known.
        expected: u64,
    },
    /// The index of people is being made.
    IndexBeingMade,
    /// The last pass failed.
    Failed {
        /// The start of the last complete one.
        as_of: Option<Timestamp>,
        /// What was noted.
        detail: String,
    },
    /// Pulling is paused.
    Paused {
        /// The start of the last complete pass.
        as_of: Option<Timestamp>,
    },
    /// The mirror is older than twice its period.
    Stale {
        /// The start of the last complete pass.
        as_of: Option<Timestamp>,
    },
    /// The history begins later.
    HistoryStart {
        /// When.
        at: Timestamp,
    },
    /// Archived people are not mirrored.
    ArchivedLeftOut,
    /// Snoozed people are not mirrored.
    SnoozedLeftOut,
    /// The key does not see confidential people.
    KeySeesNoConfidential,
    /// The asker does not see confidential people.
    AskerSeesNoConfidential,
    /// Some opportunities could not be read.
    SomeUnreadable {
        /// How many, counted up to 1,000.
        records: u64,
    },
    /// Only what others may share was given.
    IdentityWeak,
    /// Who came since is read with the next pass.
    NewerThanMirror {
        /// The start of the last complete pass.
        as_of: Timestamp,
    },
    /// Whoever is gone is not found any more.
    Forgotten,
    /// No record has the id.
    IdUnknown,
    /// Nothing known is wrong.
    KnownOtherwise,
}

impl Absence {
    /// What can explain that nobody is found, the most likely first; never nothing.
    pub fn causes(known: &Circumstances) -> Vec<Absence> {
        // What is known of the very record, or of the question, comes first.
        if let Some(kind) = known.other_kind {
            return vec![Absence::IdOfAnotherKind(kind)];
        }
        if known.clue == Clue::Nothing {
            return vec![Absence::IdentityTooWeak];
        }
        if let Some(gone) = known.gone {
            let at = gone.at;
            return vec![match gone.absent {
                true => Absence::NoLongerShown { at },
                false => Absence::Deleted { at },
            }];
        }
        let mut causes = Vec::new();
        causes.extend(known.unreadable.map(|at| Absence::RecordUnreadable { at }));
        causes.extend(known.reading_troubles());
        if causes.iter().any(Absence::certain) {
            return causes;
        }
        causes.extend(known.history_start.map(|at| Absence::HistoryStart { at }));
        let possible = [
            (!known.archived_kept, Absence::ArchivedLeftOut),
            (!known.snoozed_kept, Absence::SnoozedLeftOut),
            (known.clue == Clue::Weak, Absence::IdentityWeak),
        ];
        causes.extend(held(possible));
        if known.quarantined > 0 {
            let records = known.quarantined;
            causes.push(Absence::SomeUnreadable { records });
        }
        causes.extend(held([
            (known.key_hides, Absence::KeySeesNoConfidential),
            (
                !known.asker_sees_confidential && !known.key_hides,
                Absence::AskerSeesNoConfidential,
            ),
        ]));
        // A mirror that stands still has said so.
        let still = |cause: &Absence| {
            matches!(
                cause,
                Absence::Paused { .. }
                    | Absence::Stale { .. }
                    | Absence::Failed { .. }
                    | Absence::KeyRejected { .. }
            )
        };
        let still = causes.iter().any(still);
        match known.clue {
            Clue::Id => causes.push(Absence::IdUnknown),
            _ if still || known.wrong => {}
            _ => causes.push(Absence::KnownOtherwise),
        }
        if !still {
            causes.extend(known.as_of.map(|as_of| Absence::NewerThanMirror { as_of }));
        }
        causes.push(Absence::Forgotten);
        causes
    }

    /// Whether it explains the absence for sure, or leaves nothing else to be said until it is repaired.
    pub fn certain(&self) -> bool {
        matches!(
            self,
            Absence::Disconnected { .. }
                | Absence::IdentityTooWeak
                | Absence::IdOfAnotherKind(_)
                | Absence::Deleted { .. }
                | Absence::NoLongerShown { .. }
                | Absence::RecordUnreadable { .. }
                | Absence::NotKept
                | Absence::Forbidden { .. }
                | Absence::NotRead
                | Absence::IndexBeingMade
        )
    }

    /// Why, for people.
    pub fn message(&self) -> String {
        let told = match self {
            Absence::Disconnected { .. } => {
                "the account is disconnected: nothing of its mirror is shown"
            }
            Absence::IdentityTooWeak => {
                "nothing that was given tells anybody from others: a name counts together with an employer only, and \
                 an address, a number or a profile must be one"
            }
            Absence::IdOfAnotherKind(kind) => {
                return format!(
                    "this is Lever's id of {}, which is somebody else's question: whom it belongs to is shown",
                    kind.of_what()
                );
            }
            Absence::Deleted { .. } => {
                "it was deleted in Lever, or forgotten here: nothing but its id is kept"
            }
            Absence::NoLongerShown { .. } => {
                "it was here, and is not shown by Lever any more or left out by the settings: nothing but its id is \
                 kept"
            }
            Absence::RecordUnreadable { .. } => {
                "Lever sends the record in a form that cannot be read: it was set aside"
            }
            Absence::NotKept => "this account keeps no opportunities, and so nobody",
            Absence::KeyRejected { .. } => "Lever does not accept the key: nothing new is read",
            Absence::Forbidden { permission } => {
                return format!("the key may not read opportunities: it lacks {permission}");
            }
            Absence::NotRead => "nobody was read from Lever yet",
            Absence::FirstImport { .. } => {
                "the first import is under way: not everybody was read yet"
            }
            Absence::IndexBeingMade => {
                "the index by which people are found is being made for a mirror of an earlier version"
            }
            Absence::Failed { .. } => "people could not be read the last time that was due",
            Absence::Paused { .. } => {
                "reading is paused: who has come to Lever since the last pass is not here"
            }
            Absence::Stale { .. } => {
                "the mirror is older than it should be: who has come to Lever since is not here"
            }
            Absence::HistoryStart { .. } => {
                "only who came to Lever since the history begins is mirrored"
            }
            Absence::ArchivedLeftOut => "archived people are not mirrored",
            Absence::SnoozedLeftOut => "people are not mirrored while they are snoozed",
            Absence::KeySeesNoConfidential => {
                "the key has no access to confidential people: if this is one, Lever does not show them"
            }
            Absence::AskerSeesNoConfidential => {
                "confidential people are shown only to tokens with the right to see them"
            }
            Absence::SomeUnreadable { records } => {
                return match records {
                    1 => "one opportunity could not be read and was set aside: it may be theirs"
                        .to_owned(),
                    many => format!(
                        "{many} opportunities could not be read and were set aside: one may be theirs"
                    ),
                };
            }
            Absence::IdentityWeak => {
                "only what others may share was given, and nobody shares it: a telephone number or an employer may \
                 have changed"
            }
            Absence::NewerThanMirror { .. } => {
                "who came to Lever since the last complete pass is read with the next one"
            }
            Absence::Forgotten => {
                "who was deleted or anonymized in Lever, or forgotten here, is not found any more: nothing is kept to \
                 tell them by"
            }
            Absence::IdUnknown => "nobody here has this id",
            Absence::KnownOtherwise => {
                "nothing known is wrong: Lever may know them by another address"
            }
        };
        told.to_owned()
    }

    /// What to do about it, for people.
    pub fn repair(&self) -> &'static str {
        match self {
            Absence::Disconnected { .. } => {
                "connect the account again: until its mirror goes, it comes back as it was"
            }
            Absence::IdentityTooWeak => {
                "give an e-mail address, a profile, a telephone number, or a name with an employer"
            }
            Absence::IdOfAnotherKind(_) => "nothing; or look for the id as what it is",
            Absence::Deleted { .. } => "nothing: it does not come back",
            Absence::NoLongerShown { .. } => {
                "look in Lever whether it is there; it comes back when Lever shows it and the settings let it in"
            }
            Absence::RecordUnreadable { .. } => {
                "see what is wrong with it among the records that could not be read; it comes back when Lever sends it \
                 in a form that can be read"
            }
            Absence::NotKept => "let opportunities be mirrored in the settings of the account",
            Absence::KeyRejected { .. } => {
                "make a new key in Lever and put it in the place of the present one"
            }
            Absence::Forbidden { .. } => {
                "tick the permission in Lever: a key cannot be changed, so make a new one with it and put that in the \
                 place of the present one"
            }
            Absence::NotRead => "wait until the first import has begun, or start it",
            Absence::FirstImport { .. } => "wait until it has ended, or look in Lever meanwhile",
            Absence::IndexBeingMade => "ask again in a minute",
            Absence::Failed { .. } => "see what went wrong; it is tried again by itself",
            Absence::Paused { .. } => "resume reading",
            Absence::Stale { .. } => "see why it is late, or sync now",
            Absence::HistoryStart { .. } => "let the history begin earlier in the settings",
            Absence::ArchivedLeftOut => "let archived people be mirrored in the settings",
            Absence::SnoozedLeftOut => "let snoozed people be mirrored in the inbound settings",
            Absence::KeySeesNoConfidential => {
                "give the key access to confidential data when it is made in Lever, if they are to be seen"
            }
            Absence::AskerSeesNoConfidential => {
                "ask somebody whose token has the right confidential"
            }
            Absence::SomeUnreadable { .. } => "see the records that could not be read",
            Absence::IdentityWeak => "look by e-mail address or profile",
            Absence::NewerThanMirror { .. } => "look in Lever, or sync now",
            Absence::Forgotten => "look in Lever",
            Absence::IdUnknown => "check the id; or look in Lever, or by e-mail address",
            Absence::KnownOtherwise => "look by another address or profile, or in Lever",
        }
    }
}

impl Circumstances {
    /// What is wrong with reading, the worst first.
    fn reading_troubles(&self) -> Vec<Absence> {
        if !self.kept {
            return vec![Absence::NotKept];
        }
        let as_of = self.as_of;
        let first = || Absence::FirstImport {
            read: self.read,
            expected: self.expected,
        };
        let unread = as_of.is_none() && self.read > 0;
        let mut troubles = Vec::new();
        match &self.reading {
            Reading::KeyRejected { detail } => troubles.push(Absence::KeyRejected {
                detail: detail.clone(),
            }),
            Reading::Forbidden { permission } => troubles.push(Absence::Forbidden {
                permission: permission.clone(),
            }),
            Reading::Failed { detail } => troubles.push(Absence::Failed {
                as_of,
                detail: detail.clone(),
            }),
            Reading::Pending => troubles.push(Absence::NotRead),
            Reading::First => troubles.push(first()),
            Reading::Stale if !self.paused => troubles.push(Absence::Stale { as_of }),
            Reading::Stale | Reading::Fresh => {}
        }
        let failed = matches!(
            self.reading,
            Reading::KeyRejected { .. } | Reading::Failed { .. }
        );
        if failed && unread {
            troubles.push(first());
        }
        if self.paused {
            troubles.push(Absence::Paused { as_of });
        }
        if !self.indexed {
            troubles.push(Absence::IndexBeingMade);
        }
        troubles
    }
}

/// Those that hold.
fn held<const N: usize>(all: [(bool, Absence); N]) -> impl Iterator<Item = Absence> {
    all.into_iter()
        .filter_map(|(holds, cause)| holds.then_some(cause))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn candidacy(value: Value) -> Candidacy {
        Candidacy::from_lever(&serde_json::from_value(value).unwrap(), None)
    }

    fn mapping() -> StageMapping {
        let mut mapping = StageMapping::initial(at(0));
        mapping.inbound_stages = ["inbound".into(), "loose".into()].into();
        let code = mapping.product_stages[0].code.clone();
        mapping.assign("inbound".into(), &code).unwrap();
        mapping.assign("later".into(), &code).unwrap();
        mapping
    }

    #[test]
    fn each_reason_why_somebody_is_no_applicant_is_told_and_none_of_who_is_one() {
        let archived = json!({"archivedAt": 5, "reason": "r"});
        for (stage, archived, expected) in [
            (json!("inbound"), Value::Null, vec![]),
            (json!("loose"), Value::Null, vec![]),
            (
                json!("later"),
                Value::Null,
                vec![NotListed::StageNotInbound],
            ),
            (json!("odd"), Value::Null, vec![NotListed::StageNotMapped]),
            (Value::Null, Value::Null, vec![NotListed::NoStage]),
            (
                json!("inbound"),
                archived.clone(),
                vec![NotListed::Archived],
            ),
            (
                json!("odd"),
                archived.clone(),
                vec![NotListed::Archived, NotListed::StageNotMapped],
            ),
            (
                Value::Null,
                archived,
                vec![NotListed::Archived, NotListed::NoStage],
            ),
        ] {
            let person = candidacy(json!({"id": "o", "stage": stage, "archived": archived}));
            let told = NotListed::all(&person, &mapping());
            assert_eq!(
                told,
                expected,
                "{stage} {archived}",
                archived = person.active()
            );
            let listed = stands_in(&person, &mapping().inbound_stages);
            assert_eq!(told.is_empty(), listed);
        }
    }

    #[test]
    fn somebody_snoozed_is_an_applicant_all_the_same() {
        let person = candidacy(json!({"id": "o", "stage": "inbound", "snoozedUntil": 1}));
        assert!(NotListed::all(&person, &mapping()).is_empty());
    }

    #[test]
    fn what_differs_is_named_as_lever_does() {
        let one = candidacy(json!({"id": "o", "stage": "a", "name": "Ada", "updatedAt": 5}));
        assert_eq!(differences(&one, &one), [""; 0]);
        let other = candidacy(json!({
            "id": "o", "stage": "b", "name": "Ada", "archived": {"archivedAt": 9}, "updatedAt": 9
        }));
        assert_eq!(
            differences(&one, &other),
            ["stage", "archived", "updatedAt"]
        );
    }

    /// A mirror with which all is well, and an asker who sees everybody.
    fn well() -> Circumstances {
        Circumstances {
            clue: Clue::Strong,
            other_kind: None,
            gone: None,
            unreadable: None,
            kept: true,
            reading: Reading::Fresh,
            read: 10,
            expected: 0,
            indexed: true,
            paused: false,
            as_of: Some(at(100)),
            history_start: None,
            archived_kept: true,
            snoozed_kept: true,
            key_hides: false,
            asker_sees_confidential: true,
            quarantined: 0,
            wrong: false,
        }
    }

    #[test]
    fn where_nothing_is_wrong_lever_may_know_them_otherwise() {
        let as_of = at(100);
        let newer = Absence::NewerThanMirror { as_of };
        assert_eq!(
            Absence::causes(&well()),
            [Absence::KnownOtherwise, newer.clone(), Absence::Forgotten]
        );
        let by_id = Circumstances {
            clue: Clue::Id,
            ..well()
        };
        assert_eq!(
            Absence::causes(&by_id),
            [Absence::IdUnknown, newer, Absence::Forgotten]
        );
    }

    #[test]
    fn what_is_known_of_the_question_or_the_record_leaves_nothing_else_to_be_said() {
        let of = |change: fn(&mut Circumstances)| {
            let mut known = Circumstances {
                quarantined: 3,
                paused: true,
                ..well()
            };
            change(&mut known);
            Absence::causes(&known)
        };
        assert_eq!(
            of(|known| known.clue = Clue::Nothing),
            [Absence::IdentityTooWeak]
        );
        let gone = |absent| {
            move |known: &mut Circumstances| {
                known.gone = Some(Gone { at: at(7), absent });
            }
        };
        let told = |absent| {
            let mut known = well();
            gone(absent)(&mut known);
            Absence::causes(&known)
        };
        assert_eq!(told(false), [Absence::Deleted { at: at(7) }]);
        assert_eq!(told(true), [Absence::NoLongerShown { at: at(7) }]);
        assert_eq!(
            of(|known| known.other_kind = Some(IdKind::Contact)),
            [Absence::IdOfAnotherKind(IdKind::Contact)]
        );
        assert_eq!(
            of(|known| known.unreadable = Some(at(9)))[0],
            Absence::RecordUnreadable { at: at(9) }
        );
    }

    #[test]
    fn a_mirror_without_people_is_the_only_cause() {
        let of = |change: fn(&mut Circumstances)| {
            let mut known = Circumstances {
                as_of: None,
                read: 0,
                history_start: Some(at(1)),
                ..well()
            };
            change(&mut known);
            Absence::causes(&known)
        };
        assert_eq!(of(|known| known.kept = false), [Absence::NotKept]);
        assert_eq!(
            of(|known| known.reading = Reading::Pending),
            [Absence::NotRead]
        );
        let permission = "find all opportunities".to_owned();
        assert_eq!(
            of(|known| known.reading = Reading::Forbidden {
                permission: "find all opportunities".to_owned()
            }),
            [Absence::Forbidden { permission }]
        );
    }

    #[test]
    fn what_is_wrong_with_reading_comes_before_what_the_settings_leave_out() {
        let known = Circumstances {
            clue: Clue::Weak,
            reading: Reading::First,
            read: 40,
            expected: 100,
            as_of: None,
            history_start: Some(at(1)),
            archived_kept: false,
            snoozed_kept: false,
            key_hides: true,
            asker_sees_confidential: false,
            quarantined: 2,
            ..well()
        };
        assert_eq!(
            Absence::causes(&known),
            [
                Absence::FirstImport {
                    read: 40,
                    expected: 100
                },
                Absence::HistoryStart { at: at(1) },
                Absence::ArchivedLeftOut,
                Absence::SnoozedLeftOut,
                Absence::IdentityWeak,
                Absence::SomeUnreadable { records: 2 },
                Absence::KeySeesNoConfidential,
                Absence::KnownOtherwise,
                Absence::Forgotten,
            ]
        );
    }

    #[test]
    fn a_pause_is_told_in_place_of_the_age_that_it_makes() {
        let of = |paused| {
            let known = Circumstances {
                reading: Reading::Stale,
                paused,
                ..well()
            };
            Absence::causes(&known)
        };
        let rest = [Absence::Forgotten];
        let as_of = Some(at(100));
        assert_eq!(of(true)[0], Absence::Paused { as_of });
        assert_eq!(of(false)[0], Absence::Stale { as_of });
        assert!([true, false].iter().all(|paused| of(*paused)[1..] == rest));
    }

    #[test]
    fn where_anything_is_wrong_nobody_is_told_that_nothing_is() {
        let rejected = Reading::KeyRejected {
            detail: "no".to_owned(),
        };
        let failed = Reading::Failed {
            detail: "away".to_owned(),
        };
        let of = |reading, wrong| {
            let known = Circumstances {
                reading,
                wrong,
                ..well()
            };
            Absence::causes(&known)
        };
        for causes in [
            of(rejected, false),
            of(failed, false),
            of(Reading::Fresh, true),
        ] {
            assert!(!causes.contains(&Absence::KnownOtherwise), "{causes:?}");
        }
        assert!(of(Reading::Fresh, false).contains(&Absence::KnownOtherwise));
    }

    #[test]
    fn an_import_that_fails_says_both() {
        let known = Circumstances {
            reading: Reading::Failed {
                detail: "away".to_owned(),
            },
            as_of: None,
            ..well()
        };
        let causes = Absence::causes(&known);
        assert!(matches!(causes[0], Absence::Failed { .. }));
        assert!(matches!(causes[1], Absence::FirstImport { read: 10, .. }));
    }

    #[test]
    fn every_cause_says_what_to_do_in_words_for_people() {
        let known = Circumstances {
            clue: Clue::Weak,
            asker_sees_confidential: false,
            quarantined: 1,
            indexed: true,
            ..well()
        };
        for cause in Absence::causes(&known) {
            let (message, repair) = (cause.message(), cause.repair());
            assert!(!message.is_empty() && !repair.is_empty(), "{cause:?}");
            assert!(
                !message.ends_with('.') && !repair.ends_with('.'),
                "{cause:?}"
            );
        }
    }
}
