//! People who may be in Lever twice, two by two.

use proto::v1 as pb;

use super::lookup::{job, name, strength};
use super::table::{Align, Cell, Column, Table};
use super::{DIM, grouped, time, word};

/// Pairs as a table of so many columns: two lines each, with the id by which they are told apart.
pub(crate) fn table(pairs: &[pb::DuplicatePair], now_ms: i64, width: usize) -> String {
    let mut table = Table::new(vec![
        Column::flexible("NAME"),
        Column::fixed("MATCH", Align::Left),
        Column::flexible("AGREE IN"),
        Column::flexible("JOB"),
        Column::fixed("CONTACT", Align::Left),
    ]);
    for pair in pairs {
        for (at, person) in pair.people.iter().enumerate() {
            let (strength, agreed) = match (at, &pair.dismissal) {
                (0, _) => (strength(person.strength()), Cell::from(kinds(person))),
                (_, Some(dismissal)) => {
                    let told = Cell::new(DIM, dismissed(dismissal, now_ms));
                    (Cell::from(""), told)
                }
                (_, None) => (Cell::from(""), Cell::from("")),
            };
            table.row(vec![
                name(person),
                strength,
                agreed,
                Cell::from(jobs(person)),
                Cell::new(DIM, &person.contact_id),
            ]);
        }
    }
    table.text(width)
}

/// What nobody is paired by, in a sentence.
pub(crate) fn crowd(crowd: &pb::DuplicateCrowd) -> String {
    let people = grouped(u64::from(crowd.people));
    let kind = word(&crowd.kind, "");
    format!("{people} people have the same {kind}, which therefore pairs nobody")
}

/// Who told two people apart, and when.
pub(crate) fn dismissed(dismissal: &pb::DuplicateDismissal, now_ms: i64) -> String {
    let at = time::ago(dismissal.dismissed_at.as_ref(), now_ms);
    format!("told apart by {} {at}", dismissal.dismissed_by)
}

fn kinds(person: &pb::CandidateMatch) -> String {
    let kinds = person.evidence.iter().map(|one| word(&one.kind, ""));
    kinds.collect::<Vec<_>>().join(", ")
}

/// The job of the first candidacy, and how many more there are.
fn jobs(person: &pb::CandidateMatch) -> String {
    match person.candidacies.as_slice() {
        [] => String::new(),
        [one] => job(one),
        [one, more @ ..] => format!("{} +{}", job(one), more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn a_pair_takes_two_lines_and_tells_once_what_it_agrees_in() {
        let person = |name: &str, contact: &str, candidacies: usize| pb::CandidateMatch {
            name: name.to_owned(),
            contact_id: contact.to_owned(),
            strength: pb::MatchStrength::Strong.into(),
            evidence: ["email", "name_and_employer"]
                .map(|kind| pb::MatchEvidence {
                    kind: kind.to_owned(),
                    field: String::new(),
                })
                .into(),
            candidacies: vec![
                pb::Candidacy {
                    posting_text: "Designer".to_owned(),
                    ..Default::default()
                };
                candidacies
            ],
            ..Default::default()
        };
        let pair = pb::DuplicatePair {
            people: vec![
                person("Ada Example", "c1", 3),
                person("A. Example", "c2", 1),
            ],
            dismissal: None,
        };
        let dismissal = pb::DuplicateDismissal {
            dismissed_by: "ben".to_owned(),
            dismissed_at: Some(prost_types::Timestamp::default()),
        };
        let told_apart = pb::DuplicatePair {
            dismissal: Some(dismissal),
            ..pair.clone()
        };
        assert_eq!(
            plain(&table(&[pair, told_apart], 120_000, 100)),
            "NAME         MATCH   AGREE IN                     JOB          CONTACT\n\
             Ada Example  strong  email, name and employer     Designer +2  c1\n\
             A. Example                                        Designer     c2\n\
             Ada Example  strong  email, name and employer     Designer +2  c1\n\
             A. Example           told apart by ben 2 min ago  Designer     c2\n"
        );
        let agency = pb::DuplicateCrowd {
            kind: "email".to_owned(),
            people: 1_000,
            ..Default::default()
        };
        assert_eq!(
            crowd(&agency),
            "1,000 people have the same email, which therefore pairs nobody"
        );
    }
}
