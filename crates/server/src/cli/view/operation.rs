//! Writes to Lever.

use anstyle::Style;
use proto::v1 as pb;

use super::super::failure;
use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, PLAIN, WARN, grouped, styled, time, word};

/// What an operation asks, in words.
pub(crate) fn kind(operation: &pb::Operation) -> String {
    word(operation.kind().as_str_name(), "OPERATION_KIND_")
}

/// Where an operation stands, in words.
pub(crate) fn state(operation: &pb::Operation) -> String {
    match operation.state() {
        pb::OperationState::Unspecified => "dry run".to_owned(),
        pb::OperationState::Sending if operation.reconciling => "finding out".to_owned(),
        state => word(state.as_str_name(), "OPERATION_STATE_"),
    }
}

/// The color of where an operation stands.
pub(crate) fn style(operation: &pb::Operation) -> Style {
    match operation.state() {
        pb::OperationState::Succeeded => GOOD,
        pb::OperationState::Failed => BAD,
        pb::OperationState::Uncertain => WARN,
        pb::OperationState::Cancelled => DIM,
        _ => PLAIN,
    }
}

/// Whether Lever has taken the write, or still may: nothing a script should stop for.
pub(crate) fn well(operation: &pb::Operation) -> bool {
    !matches!(
        operation.state(),
        pb::OperationState::Failed | pb::OperationState::Uncertain | pb::OperationState::Cancelled
    )
}

/// Operations as a table.
pub(crate) fn table(operations: &[pb::Operation], now_ms: i64) -> String {
    let mut table = Table::new([
        Column::fixed("ID", Align::Left),
        Column::fixed("KIND", Align::Left),
        Column::fixed("STATE", Align::Left),
        Column::fixed("MOVED", Align::Left),
    ]);
    for operation in operations {
        table.row([
            Cell::from(&operation.id),
            Cell::from(kind(operation)),
            Cell::new(style(operation), state(operation)),
            Cell::from(time::ago(operation.update_time.as_ref(), now_ms)),
        ]);
    }
    table.text(WIDTH)
}

/// One operation as a page.
pub(crate) fn page(operation: &pb::Operation, now_ms: i64) -> String {
    let mut page = String::new();
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            page.push_str(&format!("{name:<12} {value}\n"));
        }
    };
    fact("operation", &operation.id);
    fact("kind", &kind(operation));
    fact("state", &styled(style(operation), &state(operation)));
    let told = operation.summary.clone().unwrap_or_default();
    fact("person", &told.person_name);
    fact("opportunity", &operation.opportunity_id);
    fact("to stage", &told.stage_text);
    fact("reason", &told.archive_reason_text);
    fact("posting", &told.posting_text);
    fact("tags", &told.tags.join(", "));
    fact("sources", &told.sources.join(", "));
    fact("acts", &told.acting_user_name);
    fact("request id", &operation.request_id);
    fact("for user", &for_user(operation));
    fact("made in Lever", &operation.result_id);
    fact("asked by", &operation.asked_by);
    fact("asked for", &operation.acting_user);
    if let Some(at) = &operation.create_time {
        fact("recorded", &time::ago(Some(at), now_ms));
    }
    if let Some(at) = &operation.release_time {
        fact("released", &time::until(at, now_ms));
    }
    if let Some(at) = &operation.next_try_time {
        fact("next try", &time::until(at, now_ms));
    }
    if let Some(tally) = &operation.tally {
        fact("items", &items(operation, tally));
    }
    if operation.steps.len() > 1 {
        for (step, name) in operation
            .steps
            .iter()
            .zip(std::iter::once("steps").chain(std::iter::repeat("")))
        {
            fact(name, &step_in_words(step));
        }
    }
    if !operation.left_out.is_empty() {
        fact("left out", &operation.left_out.join(", "));
    }
    if operation.planned_calls > 0 {
        let seconds = operation.eta.as_ref().map_or(0, |eta| eta.seconds);
        let calls = grouped(u64::from(operation.planned_calls));
        fact(
            "would take",
            &format!("{calls} calls to Lever, about {seconds} s"),
        );
    }
    if operation.background_calls > 0 {
        let calls = grouped(u64::from(operation.background_calls));
        fact("then", &format!("about {calls} reads in the background"));
    }
    for (line, name) in operation
        .error
        .iter()
        .flat_map(failure::stored)
        .zip(std::iter::once("error").chain(std::iter::repeat("")))
    {
        page.push_str(&format!("{name:<12} {}\n", styled(BAD, &line)));
    }
    page + &calls(operation)
}

/// What a step is, and how it stands.
fn step_in_words(step: &pb::OperationStep) -> String {
    let state = word(step.state().as_str_name(), "OPERATION_STATE_");
    match step.there_already {
        true => format!("{}: was there already", step.name),
        false => format!("{}: {state}", step.name),
    }
}

/// How many items of a dry run are told one by one.
const ITEMS_TOLD: usize = 20;

/// What would be sent for each item of a bulk; nothing where nothing was planned.
pub(crate) fn items_planned(items: &[pb::Operation]) -> String {
    let told = items.iter().take(ITEMS_TOLD).map(|item| {
        let why = item.error.iter().flat_map(failure::stored);
        let why: String = why
            .map(|line| format!("  {}\n", styled(BAD, &line)))
            .collect();
        format!("{}\n{}{why}", item.opportunity_id, calls(item))
    });
    let mut text: String = told.collect();
    if items.len() > ITEMS_TOLD {
        let others = grouped((items.len() - ITEMS_TOLD) as u64);
        text += &format!("and {others} more: --json tells of each\n");
    }
    text
}

/// What became of the items of a bulk, in words.
fn items(operation: &pb::Operation, tally: &pb::Tally) -> String {
    let kind = word(operation.item_kind().as_str_name(), "OPERATION_KIND_");
    let counts = [
        (tally.succeeded, "succeeded"),
        (tally.failed, "failed"),
        (tally.uncertain, "uncertain"),
        (tally.cancelled, "cancelled"),
        (tally.held, "held"),
        (tally.open, "open"),
    ];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = some
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    format!("{} of {kind}: {}", tally.items, counts.join(", "))
}

/// The Lever user a write is made for, how that user was found, and why not the one asked for.
fn for_user(operation: &pb::Operation) -> String {
    let because = match operation.acting_because() {
        pb::ActingBecause::Unspecified => String::new(),
        because => word(because.as_str_name(), "ACTING_BECAUSE_"),
    };
    let instead = match operation.passed_over() {
        pb::PassedOver::Unspecified => "",
        pb::PassedOver::Unknown => "no Lever user has the e-mail of acting_user",
        pb::PassedOver::Deactivated => {
            "the Lever user with the e-mail of acting_user is deactivated"
        }
        pb::PassedOver::LinkUnknown => "the user linked to acting_user is unknown to Lever",
        pb::PassedOver::LinkDeactivated => "the Lever user linked to acting_user is deactivated",
        pb::PassedOver::DefaultDeactivated => "the connection's default user is deactivated",
        pb::PassedOver::DefaultUnknown => "the connection's default user is unknown to Lever",
        pb::PassedOver::UsersUnreadable => "Lever's users cannot be read, or are not kept",
    };
    let how = match (because.as_str(), instead) {
        ("nobody", "") => return String::new(),
        (because, "") => because.to_owned(),
        (because, instead) => format!("{because}: {instead}"),
    };
    match (operation.acting_user_id.as_str(), how.as_str()) {
        ("", how) => how.to_owned(),
        (user, "") => user.to_owned(),
        (user, how) => format!("{user} ({how})"),
    }
}

fn calls(operation: &pb::Operation) -> String {
    let mut text = String::new();
    for call in &operation.lever_calls {
        let query: Vec<String> = call
            .query
            .iter()
            .map(|parameter| format!("{}={}", parameter.name, parameter.value))
            .collect();
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{}", query.join("&"))
        };
        let outcome = match (&call.call_time, call.status) {
            (None, _) => "would be sent".to_owned(),
            (Some(_), 0) => "no answer".to_owned(),
            (Some(_), status) => status.to_string(),
        };
        text.push_str(&format!(
            "  {} {}{query}  {}\n",
            call.method,
            call.path,
            styled(DIM, &outcome)
        ));
        if !call.body_json.is_empty() {
            text.push_str(&format!("    {}\n", call.body_json));
        }
        if let Some(file) = &call.file {
            let size = grouped(file.size);
            text.push_str(&format!(
                "    {} ({}, {size} bytes)\n",
                file.name, file.content_type
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    fn operation() -> pb::Operation {
        pb::Operation {
            id: "op-1".to_owned(),
            request_id: "r-1".to_owned(),
            kind: pb::OperationKind::ChangeStage.into(),
            opportunity_id: "opp-1".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_failure_shows_its_sentence_and_the_calls_made() {
        let call = pb::LeverCall {
            method: "PUT".to_owned(),
            path: "/opportunities/opp-1/stage".to_owned(),
            query: vec![pb::QueryParameter {
                name: "perform_as".to_owned(),
                value: "u-1".to_owned(),
            }],
            status: 403,
            call_time: Some(prost_types::Timestamp::default()),
            ..Default::default()
        };
        let failed = pb::Operation {
            state: pb::OperationState::Failed.into(),
            error: Some(proto::google::rpc::Status {
                code: 9,
                message: "the key lacks a permission".to_owned(),
                details: vec![],
            }),
            lever_calls: vec![call],
            ..operation()
        };
        assert_eq!(
            plain(&page(&failed, 0)),
            "operation    op-1\nkind         change stage\nstate        failed\nopportunity  opp-1\n\
             request id   r-1\nerror        the key lacks a permission\n  \
             PUT /opportunities/opp-1/stage?perform_as=u-1  403\n"
        );
        assert!(!well(&failed));
    }

    #[test]
    fn whom_a_write_is_made_for_is_told_with_the_reason() {
        use pb::{ActingBecause, PassedOver};
        for (user, because, passed_over, told) in [
            ("", ActingBecause::Nobody, PassedOver::Unspecified, ""),
            (
                "u",
                ActingBecause::Unspecified,
                PassedOver::Unspecified,
                "u",
            ),
            (
                "u",
                ActingBecause::Linked,
                PassedOver::Unspecified,
                "u (linked)",
            ),
            (
                "u",
                ActingBecause::PostingOwner,
                PassedOver::LinkDeactivated,
                "u (posting owner: the Lever user linked to acting_user is deactivated)",
            ),
            (
                "",
                ActingBecause::Nobody,
                PassedOver::Unknown,
                "nobody: no Lever user has the e-mail of acting_user",
            ),
        ] {
            let operation = pb::Operation {
                acting_user_id: user.to_owned(),
                acting_because: because.into(),
                passed_over: passed_over.into(),
                ..operation()
            };
            assert_eq!(for_user(&operation), told);
        }
    }

    #[test]
    fn a_dry_run_of_a_bulk_shows_what_would_be_sent_for_each_of_the_first_items() {
        let item = |number: usize| pb::Operation {
            opportunity_id: format!("opp-{number}"),
            lever_calls: vec![pb::LeverCall {
                method: "PUT".to_owned(),
                path: format!("/opportunities/opp-{number}/stage"),
                ..Default::default()
            }],
            ..Default::default()
        };
        let refused = pb::Operation {
            opportunity_id: "opp-1".to_owned(),
            error: Some(proto::google::rpc::Status {
                message: "the stage is excluded".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(
            plain(&items_planned(&[item(0), refused])),
            "opp-0\n  PUT /opportunities/opp-0/stage  would be sent\nopp-1\n  the stage is excluded\n"
        );
        let many: Vec<_> = (0..23).map(item).collect();
        let text = plain(&items_planned(&many));
        assert!(
            text.ends_with("and 3 more: --json tells of each\n"),
            "{text}"
        );
        assert_eq!(text.matches("would be sent").count(), 20);
        assert_eq!(items_planned(&[]), "");
    }

    #[test]
    fn a_dry_run_shows_what_would_be_sent() {
        let call = pb::LeverCall {
            method: "PUT".to_owned(),
            path: "/opportunities/opp-1/stage".to_owned(),
            body_json: "{\"stage\":\"offer\"}".to_owned(),
            ..Default::default()
        };
        let text = plain(&page(
            &pb::Operation {
                lever_calls: vec![call],
                planned_calls: 1_200,
                background_calls: 1_800,
                ..operation()
            },
            0,
        ));
        assert!(text.contains("state        dry run\n"), "{text}");
        let costs = "would take   1,200 calls to Lever, about 0 s\nthen         about 1,800 reads in the background\n";
        assert!(text.contains(costs), "{text}");
        assert!(
            text.ends_with("stage  would be sent\n    {\"stage\":\"offer\"}\n"),
            "{text}"
        );
    }
}
