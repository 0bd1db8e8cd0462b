//! Inbound applicants with their SLA in colors.

use std::time::Duration;

use proto::v1 as pb;

use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, PLAIN, WARN, styled, time};

/// What a list of applicants shows beside names and SLA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The job and how long the person has waited.
    Job,
    /// The ids that writes take.
    Ids,
}

/// Archive reasons as a table of so many columns.
pub(crate) fn reasons(reasons: &[pb::RejectReason], width: usize) -> String {
    let mut table = Table::new([
        Column::fixed("LEVER ID", Align::Left),
        Column::flexible("REASON"),
        Column::flexible("TEMPLATES"),
    ]);
    for reason in reasons {
        table.row([
            Cell::from(&reason.archive_reason_id),
            Cell::from(&reason.text),
            Cell::from(reason.templates.join(", ")),
        ]);
    }
    table.text(width)
}

/// Applicants as a table of so many columns.
pub(crate) fn table(
    applicants: &[pb::Applicant],
    detail: Detail,
    now_ms: i64,
    width: usize,
) -> String {
    let mut table = Table::new(match detail {
        Detail::Job => vec![
            Column::flexible("NAME"),
            Column::flexible("JOB"),
            Column::flexible("STAGE"),
            Column::fixed("WAITING", Align::Right),
            Column::fixed("SLA", Align::Left),
        ],
        Detail::Ids => vec![
            Column::fixed("OPPORTUNITY", Align::Left),
            Column::flexible("NAME"),
            Column::flexible("STAGE"),
            Column::fixed("SLA", Align::Left),
        ],
    });
    for applicant in applicants {
        let (name, stage) = (name(applicant), Cell::from(&applicant.stage_text));
        let sla = sla(applicant.sla.as_ref(), now_ms);
        table.row(match detail {
            Detail::Job => {
                let waiting = time::since(applicant.entered_stage_at.as_ref(), now_ms);
                vec![name, job(applicant), stage, Cell::from(waiting), sla]
            }
            Detail::Ids => vec![Cell::from(&applicant.opportunity_id), name, stage, sla],
        });
    }
    table.text(width)
}

/// What has happened to an applicant, on one line.
pub(crate) fn event(event: &pb::ApplicantEvent, now_ms: i64) -> String {
    let (style, word) = match event.kind() {
        pb::ApplicantEventKind::Arrived => (GOOD, "arrived"),
        pb::ApplicantEventKind::Left => (DIM, "left   "),
        pb::ApplicantEventKind::Changed | pb::ApplicantEventKind::Unspecified => (PLAIN, "changed"),
    };
    let word = styled(style, word);
    let Some(applicant) = &event.applicant else {
        return format!("{word}  {}", event.opportunity_id);
    };
    let sla = sla(applicant.sla.as_ref(), now_ms);
    let parts = [
        name(applicant),
        job(applicant),
        Cell::from(&applicant.stage_text),
        sla,
    ];
    let parts: Vec<String> = parts.iter().map(Cell::styled).collect();
    format!("{word}  {}  {}", event.opportunity_id, parts.join("  "))
}

fn name(applicant: &pb::Applicant) -> Cell {
    match applicant.name.as_str() {
        "" => Cell::new(DIM, "(anonymized)"),
        name => Cell::from(name),
    }
}

fn job(applicant: &pb::Applicant) -> Cell {
    match (
        applicant.posting_text.as_str(),
        applicant.posting_id.as_str(),
    ) {
        ("", "") => Cell::new(DIM, "(general)"),
        ("", id) => Cell::from(id),
        (text, _) => Cell::from(text),
    }
}

/// An SLA in a few words that can be told apart without colors, and its color.
pub(crate) fn sla(sla: Option<&pb::Sla>, now_ms: i64) -> Cell {
    let Some(sla) = sla else {
        return Cell::new(DIM, "-");
    };
    let ahead = sla
        .due_at
        .as_ref()
        .map_or("-".to_owned(), |due| time::until(due, now_ms));
    match sla.state() {
        pb::SlaState::OnTrack => Cell::new(GOOD, format!("due {ahead}")),
        pb::SlaState::AtRisk => Cell::new(WARN, format!("at risk, {ahead}")),
        pb::SlaState::Breached => Cell::new(BAD, overdue(sla, now_ms)),
        pb::SlaState::Paused => Cell::new(DIM, "paused"),
        pb::SlaState::None | pb::SlaState::Unspecified => Cell::new(PLAIN, "-"),
    }
}

fn overdue(sla: &pb::Sla, now_ms: i64) -> String {
    let by = match sla.over_by {
        Some(over) => time::length(Duration::try_from(over).unwrap_or_default()),
        None => time::since(sla.due_at.as_ref(), now_ms),
    };
    format!("{by} late")
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    const HOUR: i64 = 3_600;

    fn at(hours: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp {
            seconds: hours * HOUR,
            nanos: 0,
        })
    }

    fn applicant(name: &str, job: &str, state: pb::SlaState, due_hours: i64) -> pb::Applicant {
        pb::Applicant {
            opportunity_id: "11111111-2222-4333-8444-555555555555".to_owned(),
            name: name.to_owned(),
            stage_text: "New applicant".to_owned(),
            posting_text: job.to_owned(),
            entered_stage_at: at(0),
            sla: Some(pb::Sla {
                state: state.into(),
                due_at: at(due_hours),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn all() -> Vec<pb::Applicant> {
        vec![
            applicant(
                "Ada Example",
                "Backend Engineer",
                pb::SlaState::OnTrack,
                100,
            ),
            applicant("Björn Beispiel", "", pb::SlaState::AtRisk, 14),
            applicant("", "Designer", pb::SlaState::Breached, 5),
            applicant("Chika Sample", "Designer", pb::SlaState::Paused, 5),
            applicant("Dara Sample", "Designer", pb::SlaState::None, 5),
        ]
    }

    #[test]
    fn each_sla_state_reads_on_its_own() {
        assert_eq!(
            plain(&table(&all(), Detail::Job, 10 * HOUR * 1_000, 80)),
            "NAME            JOB               STAGE          WAITING  SLA\n\
             Ada Example     Backend Engineer  New applicant     10 h  due in 3 d\n\
             Björn Beispiel  (general)         New applicant     10 h  at risk, in 4 h\n\
             (anonymized)    Designer          New applicant     10 h  5 h late\n\
             Chika Sample    Designer          New applicant     10 h  paused\n\
             Dara Sample     Designer          New applicant     10 h  -\n"
        );
    }

    #[test]
    fn an_event_is_one_line_that_names_the_candidacy_first() {
        let now = 10 * HOUR * 1_000;
        let told = |kind: pb::ApplicantEventKind, applicant| {
            let event = pb::ApplicantEvent {
                kind: kind.into(),
                opportunity_id: "o-1".to_owned(),
                applicant,
                ..Default::default()
            };
            plain(&super::event(&event, now))
        };
        let ada = applicant("Ada\nExample", "", pb::SlaState::AtRisk, 14);
        assert_eq!(
            told(pb::ApplicantEventKind::Arrived, Some(ada)),
            "arrived  o-1  Ada Example  (general)  New applicant  at risk, in 4 h"
        );
        assert_eq!(told(pb::ApplicantEventKind::Left, None), "left     o-1");
    }

    #[test]
    fn each_sla_state_has_its_color() {
        let text = table(&all(), Detail::Job, 10 * HOUR * 1_000, 80);
        for colored in [
            "\u{1b}[32mdue in 3 d",
            "\u{1b}[33mat risk, in 4 h",
            "\u{1b}[31m5 h late",
            "\u{1b}[2mpaused",
        ] {
            assert!(text.contains(colored), "{text}");
        }
    }

    #[test]
    fn ids_are_never_cut() {
        let long = [applicant(
            &"Long Name ".repeat(9),
            "x",
            pb::SlaState::OnTrack,
            100,
        )];
        let text = plain(&table(&long, Detail::Ids, 0, 80));
        assert!(text.contains("11111111-2222-4333-8444-555555555555  "));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
