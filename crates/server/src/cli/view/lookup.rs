//! People who were looked up, with how each of their candidacies stands.

use proto::v1 as pb;

use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, PLAIN, WARN, applicants, time, word};

/// Matches as a table of so many columns: a line for each candidacy, the person's name on the first.
pub(crate) fn table<'m>(
    matches: impl Iterator<Item = &'m pb::CandidateMatch>,
    now_ms: i64,
    width: usize,
) -> String {
    let mut table = Table::new(vec![
        Column::flexible("NAME"),
        Column::fixed("MATCH", Align::Left),
        Column::flexible("JOB"),
        Column::flexible("STAGE"),
        Column::fixed("SLA", Align::Left),
        Column::fixed("LAST", Align::Right),
    ]);
    for person in matches {
        for (at, row) in person.candidacies.iter().enumerate() {
            let (name, strength) = match at {
                0 => (name(person), strength(person.strength())),
                _ => (Cell::from(""), Cell::from("")),
            };
            table.row(vec![
                name,
                strength,
                Cell::from(job(row)),
                stage(row),
                applicants::sla(row.sla.as_ref(), now_ms),
                Cell::from(time::since(row.last_interaction_at.as_ref(), now_ms)),
            ]);
        }
    }
    table.text(width)
}

pub(super) fn name(person: &pb::CandidateMatch) -> Cell {
    match person.name.as_str() {
        "" => Cell::new(DIM, "(anonymized)"),
        name if person.do_not_contact => Cell::new(BAD, format!("{name} (do not contact)")),
        name => Cell::from(name),
    }
}

pub(super) fn strength(strength: pb::MatchStrength) -> Cell {
    let style = match strength {
        pb::MatchStrength::Exact | pb::MatchStrength::Strong => GOOD,
        pb::MatchStrength::Weak => WARN,
        pb::MatchStrength::Unspecified => PLAIN,
    };
    Cell::new(style, word(strength.as_str_name(), "MATCH_STRENGTH_"))
}

pub(super) fn job(row: &pb::Candidacy) -> String {
    match (row.posting_text.as_str(), row.posting_id.as_str()) {
        ("", "") => "(general)".to_owned(),
        ("", id) => id.to_owned(),
        (text, _) => text.to_owned(),
    }
}

/// The stage of an open candidacy; what became of any other.
fn stage(row: &pb::Candidacy) -> Cell {
    match row.outcome() {
        pb::CandidacyOutcome::Pending => Cell::from(&row.stage_text),
        pb::CandidacyOutcome::Hired => Cell::new(GOOD, "hired"),
        pb::CandidacyOutcome::Declined if !row.archive_reason_text.is_empty() => {
            Cell::new(DIM, format!("archived: {}", row.archive_reason_text))
        }
        pb::CandidacyOutcome::Declined | pb::CandidacyOutcome::Unspecified => {
            Cell::new(DIM, "archived")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn a_person_is_named_once_and_each_candidacy_tells_how_it_stands() {
        let row = |outcome: pb::CandidacyOutcome, stage: &str, reason: &str| pb::Candidacy {
            stage_text: stage.to_owned(),
            archive_reason_text: reason.to_owned(),
            outcome: outcome.into(),
            posting_text: "Designer".to_owned(),
            ..Default::default()
        };
        let ada = pb::CandidateMatch {
            name: "Ada Example".to_owned(),
            strength: pb::MatchStrength::Strong.into(),
            candidacies: vec![
                row(pb::CandidacyOutcome::Pending, "Offer", ""),
                row(pb::CandidacyOutcome::Declined, "Offer", "Withdrew"),
            ],
            ..Default::default()
        };
        let warned = pb::CandidateMatch {
            name: "Björn Beispiel".to_owned(),
            strength: pb::MatchStrength::Weak.into(),
            do_not_contact: true,
            candidacies: vec![row(pb::CandidacyOutcome::Hired, "Offer", "Hired")],
            ..Default::default()
        };
        assert_eq!(
            plain(&table([&ada, &warned].into_iter(), 0, 100)),
            "NAME                             MATCH   JOB       STAGE               SLA  LAST\n\
             Ada Example                      strong  Designer  Offer               -       -\n\
             \x20                                        Designer  archived: Withdrew  -       -\n\
             Björn Beispiel (do not contact)  weak    Designer  hired               -       -\n"
        );
    }
}
