//! Exports of people: what was decided and why, and how they are made.

use proto::v1 as pb;

use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, PLAIN, WARN, operation, styled, time, word};

/// One export as a page: the verdict, and then the operation.
pub(crate) fn page(answer: &pb::ExportCandidateResponse, now_ms: i64) -> String {
    let verdict = answer.verdict.as_ref();
    let verdict = verdict.map(|one| decided(one, answer, now_ms));
    let operation = answer.operation.as_ref();
    let operation = operation.map(|one| operation::page(one, now_ms));
    verdict.unwrap_or_default() + &operation.unwrap_or_default()
}

fn decided(
    verdict: &pb::ExportVerdict,
    answer: &pb::ExportCandidateResponse,
    now_ms: i64,
) -> String {
    let (style, decision) = match verdict.decision() {
        pb::ExportDecision::Create => (GOOD, "an opportunity is made"),
        pb::ExportDecision::Update => (GOOD, "the open candidacy is updated"),
        pb::ExportDecision::Blocked => (BAD, "nothing is written"),
        pb::ExportDecision::Unspecified => (PLAIN, "not known"),
    };
    let mut page = fact("decision", &styled(style, decision));
    page += &fact("person", &person(verdict, answer));
    for finding in &verdict.findings {
        page += &fact("against it", &against(finding, now_ms));
    }
    page
}

fn person(verdict: &pb::ExportVerdict, answer: &pb::ExportCandidateResponse) -> String {
    let matched = word(&verdict.matched_by, "");
    let how = match (matched.as_str(), answer.deduped) {
        ("", Some(true)) => " (Lever knew them)".to_owned(),
        ("", _) => String::new(),
        (matched, _) => format!(" (known by {matched})"),
    };
    match answer.contact_id.as_str() {
        "" if matched.is_empty() => "new to Lever".to_owned(),
        "" => how.trim().to_owned(),
        id => format!("{id}{how}"),
    }
}

fn against(finding: &pb::ExportFinding, now_ms: i64) -> String {
    let (style, weight) = match finding.weight() {
        pb::ExportWeight::Blocks => (BAD, "stands in the way"),
        pb::ExportWeight::Overridable => (WARN, "stands in the way unless named in overrides"),
        pb::ExportWeight::Overridden => (DIM, "overruled by the request"),
        pb::ExportWeight::Allowed => (DIM, "let pass by the settings"),
        pb::ExportWeight::Unspecified => (PLAIN, "not known"),
    };
    let ground = ground(finding.ground());
    let ends = finding.ends_at.as_ref();
    let ends = ends.map_or(String::new(), |at| {
        format!(", ends {}", time::until(at, now_ms))
    });
    let told_by = finding.opportunity_ids.join(", ");
    format!(
        "{}: {told_by}{ends}",
        styled(style, &format!("{ground}, {weight}"))
    )
}

/// The settings as a page.
pub(crate) fn settings(settings: &pb::ExportSettings) -> String {
    let export_as = match settings.export_as() {
        pb::ExportAs::Applicant => "applicants",
        pb::ExportAs::Prospect | pb::ExportAs::Unspecified => "prospects",
    };
    let entry = |entry: &Option<pb::ExportEntry>| {
        let entry = entry.clone().unwrap_or_default();
        format!("begin in {} as {}", entry.stage_id, entry.origin)
    };
    let mut page = fact("version", &settings.etag);
    page += &fact("saved by", &settings.author);
    page += &fact("exported as", export_as);
    page += &fact("prospects", &entry(&settings.prospect));
    page += &fact("applicants", &entry(&settings.applicant));
    page += &fact("source", &settings.source);
    page += &fact("tags", &settings.tags.join(", "));
    page += &fact("cool-off", &format!("{} days", settings.cool_off_days));
    let mut table = Table::new([
        Column::fixed("AGAINST AN EXPORT", Align::Left),
        Column::fixed("RULE", Align::Left),
    ]);
    for guard in &settings.guards {
        table.row([
            Cell::from(ground(guard.ground())),
            Cell::from(word(guard.rule().as_str_name(), "GUARD_RULE_")),
        ]);
    }
    page + &table.text(WIDTH)
}

fn ground(ground: pb::ExportGround) -> String {
    word(ground.as_str_name(), "EXPORT_GROUND_")
}

/// A line of a page; none for what is not known.
fn fact(name: &str, value: &str) -> String {
    match value {
        "" => String::new(),
        value => format!("{name:<12} {value}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn a_verdict_is_told_in_words_before_the_operation() {
        let finding = |ground: pb::ExportGround, weight: pb::ExportWeight| pb::ExportFinding {
            ground: ground.into(),
            weight: weight.into(),
            opportunity_ids: vec!["o-1".to_owned(), "o-2".to_owned()],
            ends_at: None,
        };
        let answer = pb::ExportCandidateResponse {
            operation: Some(pb::Operation {
                id: "op-1".to_owned(),
                kind: pb::OperationKind::ExportCandidate.into(),
                ..Default::default()
            }),
            verdict: Some(pb::ExportVerdict {
                decision: pb::ExportDecision::Blocked.into(),
                findings: vec![
                    finding(pb::ExportGround::CoolOff, pb::ExportWeight::Overridable),
                    finding(pb::ExportGround::NotJudged, pb::ExportWeight::Allowed),
                ],
                matched_by: "email".to_owned(),
                ..Default::default()
            }),
            contact_id: "c-1".to_owned(),
            deduped: None,
        };
        assert_eq!(
            plain(&page(&answer, 0)),
            "decision     nothing is written\n\
             person       c-1 (known by email)\n\
             against it   cool off, stands in the way unless named in overrides: o-1, o-2\n\
             against it   not judged, let pass by the settings: o-1, o-2\n\
             operation    op-1\nkind         export candidate\nstate        dry run\n"
        );
    }

    #[test]
    fn somebody_whom_lever_does_not_know_is_new() {
        let verdict = pb::ExportVerdict::default();
        let mut answer = pb::ExportCandidateResponse::default();
        assert_eq!(person(&verdict, &answer), "new to Lever");
        answer.contact_id = "c-1".to_owned();
        answer.deduped = Some(true);
        assert_eq!(person(&verdict, &answer), "c-1 (Lever knew them)");
    }

    #[test]
    fn settings_are_told_in_words() {
        let settings_of = pb::ExportSettings {
            etag: "v3".to_owned(),
            cool_off_days: 30,
            guards: vec![pb::ExportGuard {
                ground: pb::ExportGround::Hired.into(),
                rule: pb::GuardRule::Allow.into(),
            }],
            prospect: Some(pb::ExportEntry {
                stage_id: "lead-new".to_owned(),
                origin: "sourced".to_owned(),
            }),
            tags: vec!["{search}".to_owned()],
            ..Default::default()
        };
        let text = plain(&settings(&settings_of));
        for line in [
            "version      v3\n",
            "exported as  prospects\n",
            "prospects    begin in lead-new as sourced\n",
            "tags         {search}\n",
            "cool-off     30 days\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.contains("hired") && text.contains("allow"), "{text}");
        assert!(!text.contains('"'), "it is no JSON: {text}");
    }
}
