//! Why somebody is not where they are looked for.

use domain::absence::{Absence, LeftOut, NotListed};
use engine::{
    Error, ExplainedCandidacy, ExplainedPerson, Explanation, InLever, LeverAnswer, LeverSees,
    LookedFor, Result, StoredList,
};
use proto::v1 as pb;
use store::Quarantined;

use super::candidate::{from_identity, to_candidacy, to_evidence, to_strength};
use super::time::to_timestamp;

/// Who is looked for.
///
/// # Errors
/// Invalid for nobody.
pub fn from_who(who: Option<pb::explain_candidate_request::Who>) -> Result<LookedFor> {
    use pb::explain_candidate_request::Who;
    let nobody = |field: &str| {
        Err(Error::invalid(
            field,
            "say who is looked for: by an identity, or by Lever's id of an opportunity or of a person",
        ))
    };
    match who {
        Some(Who::Identity(identity)) => {
            let unnamed = pb::Identity {
                key: String::new(),
                ..identity.clone()
            };
            match unnamed == pb::Identity::default() {
                true => nobody("identity"),
                false => Ok(LookedFor::Identity(from_identity(identity))),
            }
        }
        Some(Who::OpportunityId(id)) if !id.is_empty() => Ok(LookedFor::Opportunity(id.into())),
        Some(Who::ContactId(id)) if !id.is_empty() => Ok(LookedFor::Contact(id.into())),
        Some(Who::OpportunityId(_)) => nobody("opportunity_id"),
        Some(Who::ContactId(_)) => nobody("contact_id"),
        None => nobody("identity"),
    }
}

/// The answer as the wire has it.
pub fn to_explanation(explanation: Explanation) -> pb::ExplainCandidateResponse {
    pb::ExplainCandidateResponse {
        people: explanation.people.into_iter().map(to_person).collect(),
        causes: explanation.causes.iter().map(to_cause).collect(),
        unused_fields: explanation.unused,
        as_of: explanation.as_of.map(to_timestamp),
        history_start_time: explanation.history_start.map(to_timestamp),
        in_lever: explanation.in_lever.map(to_in_lever),
    }
}

fn to_person(person: ExplainedPerson) -> pb::ExplainedPerson {
    let id = |id: Option<lever::ContactId>| id.map(|id| id.to_string()).unwrap_or_default();
    pb::ExplainedPerson {
        contact_id: id(person.contact),
        merged_contact_id: id(person.merged),
        name: person.name,
        strength: to_strength(person.strength).into(),
        evidence: person.evidence.into_iter().map(to_evidence).collect(),
        do_not_contact: person.do_not_contact,
        anonymized: person.anonymized,
        candidacies: person.candidacies.into_iter().map(to_explained).collect(),
        more_candidacies: small(person.more),
    }
}

fn to_explained(explained: ExplainedCandidacy) -> pb::ExplainedCandidacy {
    pb::ExplainedCandidacy {
        anonymized: explained.standing.candidacy.anonymized,
        candidacy: Some(to_candidacy(explained.standing)),
        listed: explained.not_listed.is_empty(),
        not_listed: explained
            .not_listed
            .into_iter()
            .map(to_not_listed)
            .collect(),
        read_time: explained.read_at.map(to_timestamp),
        lists: explained.lists.into_iter().map(to_list).collect(),
        set_aside: explained.set_aside.into_iter().map(to_set_aside).collect(),
        operations: small(explained.operations),
        open_operations: small(explained.open_operations),
    }
}

fn to_not_listed(reason: NotListed) -> pb::NotListed {
    let known = match reason {
        NotListed::Archived => pb::NotListedReason::Archived,
        NotListed::StageNotInbound => pb::NotListedReason::StageNotInbound,
        NotListed::StageNotMapped => pb::NotListedReason::StageNotMapped,
        NotListed::NoStage => pb::NotListedReason::NoStage,
    };
    pb::NotListed {
        reason: known.into(),
        message: reason.message().to_owned(),
        repair: reason.repair().to_owned(),
    }
}

fn to_list(list: StoredList) -> pb::StoredList {
    let (reason, message) = match list.unread {
        Some(unread) => (unread.reason.to_owned(), unread.message),
        None => Default::default(),
    };
    pb::StoredList {
        stream: list.stream.name().to_owned(),
        records: list.records,
        read_time: list.read_at.map(to_timestamp),
        waiting: list.waiting,
        reason,
        message,
    }
}

fn to_set_aside(record: Quarantined) -> pb::SetAsideRecord {
    pb::SetAsideRecord {
        stream: record.stream.name().to_owned(),
        record_id: record.id.unwrap_or_default(),
        reason: record.reason,
        time: Some(to_timestamp(record.at)),
    }
}

fn to_cause(cause: &Absence) -> pb::AbsenceCause {
    let mut told = pb::AbsenceCause {
        reason: to_reason(cause).into(),
        message: cause.message(),
        repair: cause.repair().to_owned(),
        certain: cause.certain(),
        ..Default::default()
    };
    match cause {
        Absence::Disconnected { purge_at: at }
        | Absence::Deleted { at }
        | Absence::NoLongerShown { at }
        | Absence::RecordUnreadable { at }
        | Absence::HistoryStart { at }
        | Absence::NewerThanMirror { as_of: at } => told.time = Some(to_timestamp(*at)),
        Absence::Paused { as_of } | Absence::Stale { as_of } => {
            told.time = as_of.map(to_timestamp);
        }
        Absence::Failed { as_of, detail } => {
            told.time = as_of.map(to_timestamp);
            told.detail.clone_from(detail);
        }
        Absence::KeyRejected { detail } => told.detail.clone_from(detail),
        Absence::Forbidden { permission } => told.permission.clone_from(permission),
        Absence::FirstImport { read, expected } => {
            (told.records, told.expected_records) = (*read, *expected);
        }
        Absence::SomeUnreadable { records } => told.records = *records,
        Absence::IdentityTooWeak
        | Absence::IdOfAnotherKind(_)
        | Absence::NotKept
        | Absence::NotRead
        | Absence::IndexBeingMade
        | Absence::ArchivedLeftOut
        | Absence::SnoozedLeftOut
        | Absence::KeySeesNoConfidential
        | Absence::AskerSeesNoConfidential
        | Absence::IdentityWeak
        | Absence::Forgotten
        | Absence::IdUnknown
        | Absence::KnownOtherwise => {}
    }
    told
}

fn to_reason(cause: &Absence) -> pb::AbsenceReason {
    use pb::AbsenceReason as Reason;
    match cause {
        Absence::Disconnected { .. } => Reason::Disconnected,
        Absence::IdentityTooWeak => Reason::IdentityTooWeak,
        Absence::IdOfAnotherKind(_) => Reason::IdOfAnotherKind,
        Absence::Deleted { .. } => Reason::Deleted,
        Absence::NoLongerShown { .. } => Reason::NoLongerShown,
        Absence::RecordUnreadable { .. } => Reason::RecordUnreadable,
        Absence::NotKept => Reason::NotKept,
        Absence::KeyRejected { .. } => Reason::KeyRejected,
        Absence::Forbidden { .. } => Reason::Forbidden,
        Absence::NotRead => Reason::NotRead,
        Absence::FirstImport { .. } => Reason::FirstImport,
        Absence::IndexBeingMade => Reason::IndexBeingMade,
        Absence::Failed { .. } => Reason::Failed,
        Absence::Paused { .. } => Reason::Paused,
        Absence::Stale { .. } => Reason::Stale,
        Absence::HistoryStart { .. } => Reason::HistoryStart,
        Absence::ArchivedLeftOut => Reason::ArchivedLeftOut,
        Absence::SnoozedLeftOut => Reason::SnoozedLeftOut,
        Absence::KeySeesNoConfidential => Reason::KeySeesNoConfidential,
        Absence::AskerSeesNoConfidential => Reason::CallerSeesNoConfidential,
        Absence::SomeUnreadable { .. } => Reason::SomeUnreadable,
        Absence::IdentityWeak => Reason::IdentityWeak,
        Absence::NewerThanMirror { .. } => Reason::NewerThanMirror,
        Absence::Forgotten => Reason::Forgotten,
        Absence::IdUnknown => Reason::IdUnknown,
        Absence::KnownOtherwise => Reason::KnownOtherwise,
    }
}

fn to_in_lever(seen: InLever) -> pb::InLever {
    let (answer, message) = match seen.answer {
        LeverAnswer::Found => {
            let new = seen.opportunities.iter().any(|one| !one.mirrored);
            let message = match (new, seen.gone.is_empty()) {
                (true, _) => {
                    "Lever has an opportunity that the mirror does not have yet: StartSync with its opportunity_id \
                     reads it now"
                }
                (false, false) => {
                    "Lever no longer shows an opportunity that the mirror has: the next passes take it out"
                }
                (false, true) => "the mirror has every opportunity that Lever shows",
            };
            (pb::LeverAnswer::Found, message.to_owned())
        }
        LeverAnswer::Nobody => (
            pb::LeverAnswer::Nobody,
            "Lever has nobody like that, or does not show them to this key".to_owned(),
        ),
        LeverAnswer::NotAskable => (
            pb::LeverAnswer::NotAskable,
            "Lever finds people by e-mail address and by its own ids only: give one of these"
                .to_owned(),
        ),
        LeverAnswer::Refused { why } => (pb::LeverAnswer::Refused, why),
        LeverAnswer::Unavailable { why } => (pb::LeverAnswer::Unavailable, why),
    };
    let gone = seen.gone.iter().map(ToString::to_string);
    pb::InLever {
        answer: answer.into(),
        message,
        gone_opportunity_ids: gone.collect(),
        opportunities: seen.opportunities.into_iter().map(to_seen).collect(),
    }
}

fn to_seen(seen: LeverSees) -> pb::LeverOpportunity {
    let left_out = seen.left_out.into_iter().map(to_left_out);
    pb::LeverOpportunity {
        candidacy: Some(to_candidacy(seen.standing)),
        mirrored: seen.mirrored,
        differences: seen.differences.into_iter().map(str::to_owned).collect(),
        left_out: left_out.map(Into::into).collect(),
    }
}

pub(crate) fn to_left_out(left_out: LeftOut) -> pb::LeftOut {
    match left_out {
        LeftOut::Archived => pb::LeftOut::Archived,
        LeftOut::Snoozed => pb::LeftOut::Snoozed,
        LeftOut::BeforeHistory => pb::LeftOut::BeforeHistory,
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use pb::explain_candidate_request::Who;

    use super::*;

    #[test]
    fn nobody_is_refused_by_the_name_of_the_field() {
        for (who, field) in [
            (None, "identity"),
            (Some(Who::Identity(pb::Identity::default())), "identity"),
            (
                Some(Who::Identity(pb::Identity {
                    key: "mine".to_owned(),
                    ..Default::default()
                })),
                "identity",
            ),
            (Some(Who::OpportunityId(String::new())), "opportunity_id"),
            (Some(Who::ContactId(String::new())), "contact_id"),
        ] {
            let error = from_who(who).unwrap_err();
            let engine::ErrorKind::Invalid { violations } = error.kind() else {
                panic!("{error}");
            };
            assert_eq!(violations[0].field, field);
        }
        assert!(from_who(Some(Who::ContactId("c".to_owned()))).is_ok());
    }

    #[test]
    fn what_came_of_asking_lever_says_what_to_do() {
        let answer = |answer| {
            to_in_lever(InLever {
                answer,
                opportunities: Vec::new(),
                gone: vec!["o".into()],
            })
        };
        let gone = answer(LeverAnswer::Found);
        assert_eq!(gone.gone_opportunity_ids, ["o"]);
        assert!(gone.message.contains("no longer shows"));
        let refused = answer(LeverAnswer::Refused {
            why: "no".to_owned(),
        });
        assert_eq!(
            (refused.answer(), refused.message.as_str()),
            (pb::LeverAnswer::Refused, "no")
        );
    }

    #[test]
    fn a_cause_carries_what_its_words_leave_out() {
        let at = domain::Timestamp::from_millis(5_000);
        let start = to_cause(&Absence::HistoryStart { at });
        assert_eq!(start.reason(), pb::AbsenceReason::HistoryStart);
        assert_eq!(start.time.map(|time| time.seconds), Some(5));
        assert!(!start.certain && !start.repair.is_empty());
        let import = to_cause(&Absence::FirstImport {
            read: 3,
            expected: 9,
        });
        assert_eq!((import.records, import.expected_records), (3, 9));
        let permission = "find all opportunities".to_owned();
        let forbidden = to_cause(&Absence::Forbidden { permission });
        assert_eq!(forbidden.permission, "find all opportunities");
        assert!(forbidden.certain && forbidden.message.contains("find all opportunities"));
    }
}
