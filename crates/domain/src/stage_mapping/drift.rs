//! What Lever has changed since a mapping was saved (X7).
//!
//! The mapping goes on: everything goes by id. But somebody has to look at it, and saving the mapping takes note of
//! what Lever has then. Version 0 has noted nothing, so nothing is new to it; its stages are unmapped, and seen so.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use lever::{ArchiveReason, StageId};

use super::{KnownAccount, StageMapping};

/// One thing that Lever has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What.
    pub kind: DriftKind,
    /// Lever's id of the stage or the archive reason.
    pub id: String,
    /// Lever's text now; empty where Lever no longer lists it.
    pub text: String,
    /// The text when the mapping was saved; empty where none was noted.
    pub last_known_text: String,
}

/// What Lever can change under a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriftKind {
    /// A stage that was not there; it is in no product stage.
    NewStage,
    /// A stage has another text; it is mapped as before.
    RenamedStage,
    /// A stage that the mapping speaks of, or that people are in, is no longer listed.
    MissingStage,
    /// An archive reason that was not there; people may be rejected with it.
    NewReason,
    /// An archive reason has another text; it is excluded from rejections as before, or not.
    RenamedReason,
    /// An archive reason that the mapping excludes from rejections is no longer listed.
    MissingReason,
}

impl DriftKind {
    /// Every kind.
    pub const ALL: &[DriftKind] = &[
        DriftKind::NewStage,
        DriftKind::RenamedStage,
        DriftKind::MissingStage,
        DriftKind::NewReason,
        DriftKind::RenamedReason,
        DriftKind::MissingReason,
    ];

    /// The name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            DriftKind::NewStage => "NEW_STAGE",
            DriftKind::RenamedStage => "RENAMED_STAGE",
            DriftKind::MissingStage => "MISSING_STAGE",
            DriftKind::NewReason => "NEW_REASON",
            DriftKind::RenamedReason => "RENAMED_REASON",
            DriftKind::MissingReason => "MISSING_REASON",
        }
    }

    /// What has changed.
    pub fn object(self) -> &'static str {
        match self {
            DriftKind::NewStage | DriftKind::RenamedStage | DriftKind::MissingStage => "stage",
            DriftKind::NewReason | DriftKind::RenamedReason | DriftKind::MissingReason => {
                "archive_reason"
            }
        }
    }
}

/// A text of Lever's in quotation marks, without anything that is not shown.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('“')?;
        for letter in self.0.chars() {
            match letter {
                '"' | '\'' | '\\' => f.write_char(letter)?,
                letter => write!(f, "{}", letter.escape_debug())?,
            }
        }
        f.write_char('”')
    }
}

/// A sentence for people, with the way out.
impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = match self.last_known_text.as_str() {
            "" => Quoted(&self.id),
            known => Quoted(known),
        };
        let text = Quoted(&self.text);
        match self.kind {
            DriftKind::NewStage => write!(
                f,
                "Lever has a new stage {text}: put it into a product stage, or save the mapping to leave it unmapped"
            ),
            DriftKind::RenamedStage => write!(
                f,
                "The stage {known} is called {text} in Lever now: it is mapped as before; save the mapping to take note"
            ),
            DriftKind::MissingStage => write!(
                f,
                "Lever no longer lists the stage {known}: move whoever is in it, and take it out of the mapping where it \
                 is named"
            ),
            DriftKind::NewReason => write!(
                f,
                "Lever has a new archive reason {text}: people may be rejected with it; exclude it, or save the \
                 mapping to leave it so"
            ),
            DriftKind::RenamedReason => write!(
                f,
                "The archive reason {known} is called {text} in Lever now: save the mapping to take note"
            ),
            DriftKind::MissingReason => write!(
                f,
                "Lever no longer lists the archive reason {known}, which is excluded when rejecting: take it out of the \
                 mapping"
            ),
        }
    }
}

impl StageMapping {
    /// What Lever has changed since this version was saved: stages in Lever's order, missing ones, then archive
    /// reasons likewise. `occupied` are the stages that open candidacies are in.
    ///
    /// Nothing is missing from a list that has not been read.
    pub fn drift(&self, account: &KnownAccount<'_>, occupied: &BTreeSet<StageId>) -> Vec<Drift> {
        let mut found = Vec::new();
        let stages = account.stages.iter();
        found.extend(stages.filter_map(|stage| {
            let known = self.last_known_text.get(&stage.id);
            let kind = [DriftKind::NewStage, DriftKind::RenamedStage];
            let noted = !self.last_known_text.is_empty();
            changed(kind, stage.id.as_str(), &stage.text, known, noted)
        }));
        if !account.stages.is_empty() {
            let listed: BTreeSet<_> = account.stages.iter().map(|stage| &stage.id).collect();
            let mut spoken_of = self.mentioned_stages();
            spoken_of.extend(occupied);
            for id in spoken_of.into_iter().filter(|id| !listed.contains(id)) {
                let known = self.last_known_text.get(id);
                found.push(missing(DriftKind::MissingStage, id.as_str(), known));
            }
        }
        let offered = account.reasons.iter().filter(|reason| self.noted(reason));
        found.extend(offered.filter_map(|reason| {
            let known = self.last_known_reason_text.get(&reason.id);
            let kind = [DriftKind::NewReason, DriftKind::RenamedReason];
            let noted = !self.last_known_reason_text.is_empty();
            changed(kind, reason.id.as_str(), &reason.text, known, noted)
        }));
        if !account.reasons.is_empty() {
            let listed: BTreeSet<_> = account.reasons.iter().map(|reason| &reason.id).collect();
            let excluded = self.reject_excluded_reasons.iter();
            for id in excluded.filter(|id| !listed.contains(id)) {
                let known = self.last_known_reason_text.get(id);
                found.push(missing(DriftKind::MissingReason, id.as_str(), known));
            }
        }
        found
    }

    /// Whether a reason matters: people may be rejected with it, or were kept from it.
    fn noted(&self, reason: &ArchiveReason) -> bool {
        self.may_reject_with(reason).is_ok() || self.reject_excluded_reasons.contains(&reason.id)
    }
}

fn changed(
    [new, renamed]: [DriftKind; 2],
    id: &str,
    text: &str,
    known: Option<&String>,
    noted: bool,
) -> Option<Drift> {
    let kind = match known {
        Some(known) if known == text => return None,
        Some(_) => renamed,
        None if noted => new,
        None => return None,
    };
    Some(Drift {
        kind,
        id: id.to_owned(),
        text: text.to_owned(),
        last_known_text: known.cloned().unwrap_or_default(),
    })
}

fn missing(kind: DriftKind, id: &str, known: Option<&String>) -> Drift {
    Drift {
        kind,
        id: id.to_owned(),
        text: String::new(),
        last_known_text: known.cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{code, fixed_stages, initial, stage};
    use super::*;

    fn reason(id: &str, text: &str, kind: &str, status: &str) -> ArchiveReason {
        let reason = json!({"id": id, "text": text, "type": kind, "status": status});
        serde_json::from_value(reason).unwrap()
    }

    fn found(
        mapping: &StageMapping,
        stages: &[lever::Stage],
        reasons: &[ArchiveReason],
        occupied: &[&str],
    ) -> Vec<(DriftKind, String)> {
        let account = KnownAccount { stages, reasons };
        let occupied = occupied.iter().map(|id| StageId::from(*id)).collect();
        let drift = mapping.drift(&account, &occupied).into_iter();
        drift.map(|one| (one.kind, one.id)).collect()
    }

    fn told(all: &[(DriftKind, &str)]) -> Vec<(DriftKind, String)> {
        all.iter()
            .map(|(kind, id)| (*kind, (*id).to_owned()))
            .collect()
    }

    use DriftKind::{
        MissingReason, MissingStage, NewReason, NewStage, RenamedReason, RenamedStage,
    };

    /// X7 as stated: a stage is renamed, the mapping still works, and one notice is open.
    #[test]
    fn x7_a_renamed_stage_is_mapped_as_before_and_told_once_until_the_mapping_is_saved() {
        let mut mapping = initial();
        mapping
            .assign("p".into(), &code("RECRUITER_SCREEN"))
            .unwrap();
        let account = |text: &str| -> Vec<_> {
            let fixed = fixed_stages().into_iter();
            fixed.chain([stage("p", text)]).collect()
        };
        mapping.refresh_texts(&account("Phone"));
        assert_eq!(found(&mapping, &account("Phone"), &[], &[]), []);
        let renamed = account("Phone call");
        assert_eq!(
            found(&mapping, &renamed, &[], &["p"]),
            told(&[(RenamedStage, "p")])
        );
        assert_eq!(mapping.code_of(&"p".into()).as_str(), "RECRUITER_SCREEN");
        mapping.refresh_texts(&renamed);
        assert_eq!(found(&mapping, &renamed, &[], &["p"]), []);
    }

    #[test]
    fn x7_new_and_missing_stages_are_told_and_the_last_text_is_kept() {
        let mut mapping = initial();
        mapping.inbound_stages.insert("inbound-only".into());
        mapping.refresh_texts(&[
            stage("applicant-new", "New applicant"),
            stage("gone", "Homework"),
        ]);
        let lever = [
            stage("applicant-new", "New applicant"),
            stage("fresh", "Culture chat"),
        ];
        let all = found(&mapping, &lever, &[], &["gone"]);
        let mut expected = vec![
            (NewStage, "fresh"),
            (MissingStage, "gone"),
            (MissingStage, "inbound-only"),
        ];
        expected.extend(
            ["lead-new", "lead-reached-out", "lead-responded", "offer"]
                .map(|id| (MissingStage, id)),
        );
        expected[1..].sort_unstable();
        assert_eq!(all, told(&expected));
        let account = KnownAccount {
            stages: &lever,
            reasons: &[],
        };
        let gone = mapping.drift(&account, &["gone".into()].into());
        let gone = gone.iter().find(|one| one.id == "gone").unwrap();
        assert_eq!(
            gone.to_string(),
            "Lever no longer lists the stage “Homework”: move whoever is in it, and take it out of the mapping where it is named"
        );
        let renamed = Drift {
            kind: RenamedStage,
            id: "p".to_owned(),
            text: "Bob's \"call\"\u{202e}\n".to_owned(),
            last_known_text: "Phone".to_owned(),
        };
        assert_eq!(
            renamed.to_string(),
            "The stage “Phone” is called “Bob's \"call\"\\u{202e}\\n” in Lever now: it is mapped as before; save the mapping to take note"
        );
        // Nothing is missing from what was not read, and to version 0 nothing is new.
        assert_eq!(found(&mapping, &[], &[], &["gone"]), []);
        assert!(
            found(&initial(), &lever, &[], &[])
                .iter()
                .all(|(kind, _)| *kind == MissingStage)
        );
    }

    #[test]
    fn x7_archive_reasons_are_told_where_they_matter_for_rejections() {
        let mut mapping = initial();
        mapping.reject_excluded_reasons = ["dropped".into(), "kept".into()].into();
        let before = [
            reason("kept", "Withdrew", "non-hired", "active"),
            reason("dropped", "Old", "non-hired", "active"),
            reason("other", "Underqualified", "non-hired", "active"),
        ];
        let now = [
            reason("kept", "Withdrew", "non-hired", "active"),
            reason("other", "Not qualified", "non-hired", "active"),
            reason("new", "Timing", "non-hired", "active"),
            reason("hire", "Hired", "hired", "active"),
            reason("off", "Unused", "non-hired", "inactive"),
        ];
        // What an earlier build has saved noted no reasons: nothing is new to it.
        assert_eq!(
            found(&mapping, &[], &now, &[]),
            told(&[(MissingReason, "dropped")])
        );
        mapping.refresh_reason_texts(&before);
        assert_eq!(
            found(&mapping, &[], &now, &[]),
            told(&[
                (RenamedReason, "other"),
                (NewReason, "new"),
                (MissingReason, "dropped")
            ])
        );
    }
}
