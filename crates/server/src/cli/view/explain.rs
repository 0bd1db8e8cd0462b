//! Why somebody is not where they are looked for.

use proto::v1 as pb;

use super::lookup::job;
use super::{DIM, GOOD, HEADING, WARN, counted, grouped, styled, time, word};

/// Whom the mirror has, or what can explain that it has nobody; then what Lever has.
pub(crate) fn page(answer: &pb::ExplainCandidateResponse, now_ms: i64) -> String {
    let mut lines = Vec::new();
    for person in &answer.people {
        lines.extend(one_person(person, now_ms));
    }
    if answer.people.is_empty() {
        lines.push(styled(HEADING, "nobody is found"));
    }
    for (at, cause) in answer.causes.iter().enumerate() {
        lines.extend(one_cause(at + 1, cause, now_ms));
    }
    for field in &answer.unused_fields {
        lines.push(format!(
            "{field} is nothing that somebody can be recognized by"
        ));
    }
    if let Some(seen) = &answer.in_lever {
        lines.extend(in_lever(seen));
    }
    let as_of = match &answer.as_of {
        Some(as_of) => format!("as of {}", time::ago(Some(as_of), now_ms)),
        None => "not everybody has been read yet".to_owned(),
    };
    lines.push(styled(DIM, &as_of));
    lines.join("\n") + "\n"
}

fn one_person(person: &pb::ExplainedPerson, now_ms: i64) -> Vec<String> {
    let name = match person.name.as_str() {
        "" => "(no name)",
        name => name,
    };
    let kinds: Vec<&str> = person
        .evidence
        .iter()
        .map(|one| one.kind.as_str())
        .collect();
    let strength = word(person.strength().as_str_name(), "MATCH_STRENGTH_");
    let mut lines = vec![format!(
        "{} ({strength}: {})",
        styled(HEADING, name),
        kinds.join(", ")
    )];
    if !person.merged_contact_id.is_empty() {
        let merged = &person.merged_contact_id;
        lines.push(format!(
            "  {merged} was merged into {} in Lever",
            person.contact_id
        ));
    }
    for explained in &person.candidacies {
        lines.extend(one_candidacy(explained, now_ms));
    }
    if person.more_candidacies > 0 {
        lines.push(format!(
            "  and {} more",
            grouped(person.more_candidacies.into())
        ));
    }
    lines
}

fn one_candidacy(explained: &pb::ExplainedCandidacy, now_ms: i64) -> Vec<String> {
    let row = explained.candidacy.clone().unwrap_or_default();
    let stage = match row.stage_text.as_str() {
        "" => "no stage",
        stage => stage,
    };
    let listed = match explained.listed {
        true => styled(GOOD, "among the applicants"),
        false => styled(WARN, "not among the applicants"),
    };
    let read = time::ago(explained.read_time.as_ref(), now_ms);
    let mut lines = vec![format!(
        "  {}, {stage}: {listed}; read {read}  {}",
        job(&row),
        styled(DIM, &row.opportunity_id)
    )];
    if row.snoozed_until.is_some() {
        lines.push("    it is snoozed: its SLA is paused".to_owned());
    }
    if row.confidential {
        lines.push("    it is confidential: only tokens with that right see it".to_owned());
    }
    for reason in &explained.not_listed {
        lines.push(format!("    {}", reason.message));
        lines.push(styled(DIM, &format!("      {}", reason.repair)));
    }
    let stored: Vec<String> = explained
        .lists
        .iter()
        .filter(|list| list.records > 0)
        .map(|list| records_of(list.records, &list.stream))
        .collect();
    if !stored.is_empty() {
        lines.push(styled(DIM, &format!("    stored: {}", stored.join(", "))));
    }
    for list in explained
        .lists
        .iter()
        .filter(|list| !list.reason.is_empty())
    {
        lines.push(format!("    {} not shown: {}", list.stream, list.reason));
    }
    for record in &explained.set_aside {
        lines.push(format!(
            "    one of {} could not be read: {}",
            record.stream, record.reason
        ));
    }
    if explained.operations > 0 {
        let open = match explained.open_operations {
            0 => String::new(),
            open => format!(", {} of them open", grouped(open.into())),
        };
        let writes = counted(explained.operations.into(), "write");
        lines.push(styled(DIM, &format!("    {writes} about it{open}")));
    }
    lines
}

fn one_cause(place: usize, cause: &pb::AbsenceCause, now_ms: i64) -> Vec<String> {
    use pb::AbsenceReason as Reason;
    let more = match (cause.reason(), &cause.time) {
        (Reason::FirstImport, _) if cause.expected_records > 0 => format!(
            " ({} of about {} read)",
            grouped(cause.records),
            grouped(cause.expected_records)
        ),
        (Reason::FirstImport, _) => format!(" ({} read)", grouped(cause.records)),
        (Reason::Disconnected, Some(at)) => format!(" (it goes {})", time::until(at, now_ms)),
        (_, Some(at)) => format!(" ({})", time::ago(Some(at), now_ms)),
        (_, None) => String::new(),
    };
    let mut lines = vec![format!("{place}. {}{more}", cause.message)];
    if !cause.detail.is_empty() {
        lines.push(format!("   {}", cause.detail));
    }
    lines.push(styled(DIM, &format!("   {}", cause.repair)));
    lines
}

fn in_lever(seen: &pb::InLever) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", styled(HEADING, "in Lever"), seen.message)];
    for one in &seen.opportunities {
        let row = one.candidacy.clone().unwrap_or_default();
        let mirrored = match (one.mirrored, one.differences.is_empty()) {
            (false, _) => styled(WARN, "not in the mirror"),
            (true, true) => styled(GOOD, "as in the mirror"),
            (true, false) => format!("the mirror differs in {}", one.differences.join(", ")),
        };
        let state = match row.archived_at {
            Some(_) => "archived",
            None => "open",
        };
        lines.push(format!(
            "  {state}, {}: {mirrored}  {}",
            row.stage_text, row.opportunity_id
        ));
        for left_out in one.left_out() {
            let why = word(left_out.as_str_name(), "LEFT_OUT_");
            lines.push(format!("    the settings leave it out: {why}"));
        }
    }
    for gone in &seen.gone_opportunity_ids {
        lines.push(format!("  {gone} is no longer shown"));
    }
    lines
}

/// So many records of a stream, such as `1 eeo response`.
fn records_of(records: u64, stream: &str) -> String {
    let words = stream.replace('_', " ");
    match words.strip_suffix('s') {
        Some(one) => counted(records, one),
        // Feedback has no plural.
        None => format!("{} {words}", grouped(records)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn each_candidacy_says_why_it_is_not_listed_and_what_to_do() {
        let row = pb::Candidacy {
            opportunity_id: "o1".to_owned(),
            posting_text: "Designer".to_owned(),
            stage_text: "Offer".to_owned(),
            ..Default::default()
        };
        let explained = pb::ExplainedCandidacy {
            candidacy: Some(row),
            not_listed: vec![pb::NotListed {
                message: "its stage is not an inbound one".to_owned(),
                repair: "make it one".to_owned(),
                ..Default::default()
            }],
            lists: vec![
                pb::StoredList {
                    stream: "notes".to_owned(),
                    reason: "NOT_HYDRATED".to_owned(),
                    ..Default::default()
                },
                pb::StoredList {
                    stream: "files".to_owned(),
                    records: 2,
                    ..Default::default()
                },
                pb::StoredList {
                    stream: "contacts".to_owned(),
                    records: 1,
                    ..Default::default()
                },
            ],
            operations: 3,
            open_operations: 1,
            ..Default::default()
        };
        let answer = pb::ExplainCandidateResponse {
            people: vec![pb::ExplainedPerson {
                name: "Ada".to_owned(),
                strength: pb::MatchStrength::Strong.into(),
                evidence: vec![pb::MatchEvidence {
                    kind: "email".to_owned(),
                    field: String::new(),
                }],
                candidacies: vec![explained],
                ..Default::default()
            }],
            ..Default::default()
        };
        assert_eq!(
            plain(&page(&answer, 0)),
            "Ada (strong: email)\n\
             \x20 Designer, Offer: not among the applicants; read never  o1\n\
             \x20   its stage is not an inbound one\n\
             \x20     make it one\n\
             \x20   stored: 2 files, 1 contact\n\
             \x20   notes not shown: NOT_HYDRATED\n\
             \x20   3 writes about it, 1 of them open\n\
             not everybody has been read yet\n"
        );
    }

    #[test]
    fn of_nobody_the_causes_come_in_order_and_lever_last() {
        let answer = pb::ExplainCandidateResponse {
            causes: vec![pb::AbsenceCause {
                reason: pb::AbsenceReason::FirstImport.into(),
                message: "not everybody was read yet".to_owned(),
                repair: "wait".to_owned(),
                records: 1_200,
                expected_records: 5_000,
                ..Default::default()
            }],
            in_lever: Some(pb::InLever {
                message: "read it now".to_owned(),
                opportunities: vec![pb::LeverOpportunity {
                    candidacy: Some(pb::Candidacy {
                        opportunity_id: "o9".to_owned(),
                        stage_text: "New".to_owned(),
                        ..Default::default()
                    }),
                    left_out: vec![pb::LeftOut::BeforeHistory.into()],
                    ..Default::default()
                }],
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(
            plain(&page(&answer, 0)),
            "nobody is found\n\
             1. not everybody was read yet (1,200 of about 5,000 read)\n\
             \x20  wait\n\
             in Lever: read it now\n\
             \x20 open, New: not in the mirror  o9\n\
             \x20   the settings leave it out: before history\n\
             not everybody has been read yet\n"
        );
    }
}
