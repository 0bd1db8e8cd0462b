use std::collections::BTreeMap;

use super::*;
use crate::export::Decision;
use crate::testing::operation;

const SECOND: i64 = 1000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn note() -> Operation {
    operation(Write::CreateNote(NoteText::plain("hello")))
}

/// Runs events one second apart.
fn run(mut operation: Operation, events: &[Event]) -> Operation {
    for (second, event) in events.iter().enumerate() {
        let now = at((second as i64 + 1) * SECOND);
        operation = operation.after(event.clone(), now, &Patience::default());
    }
    operation
}

#[test]
fn what_is_under_way_when_the_account_is_disconnected_is_uncertain() {
    let lost = [Event::Started, Event::Lost];
    for events in [&lost[..1], &lost] {
        let mut operation = run(note(), events);
        operation = operation.after(Event::Abandoned, at(9), &Patience::default());
        let State::Uncertain(failure) = operation.state else {
            panic!("{:?}", operation.state)
        };
        assert_eq!(failure.kind, FailureKind::Unknown);
    }
    // What waits is cancelled instead, and what has ended stays.
    let waiting = run(note(), &[Event::Abandoned]);
    assert_eq!(waiting.state, State::Recorded { not_before: None });
    let done = Event::Done { result_id: None };
    let ended = run(note(), &[Event::Started, done, Event::Abandoned]);
    assert_eq!(ended.state, State::Succeeded);
}

#[test]
fn a_write_that_is_answered_has_succeeded_with_its_result() {
    let done = run(
        note(),
        &[
            Event::Started,
            Event::Done {
                result_id: Some("n1".to_owned()),
            },
        ],
    );
    assert_eq!(done.state, State::Succeeded);
    assert_eq!(done.result_id.as_deref(), Some("n1"));
    assert_eq!(done.revision, 2);
}

#[test]
fn a_lost_creation_is_looked_for_twice_before_it_is_sent_again() {
    let lost = run(note(), &[Event::Started, Event::Lost]);
    assert_eq!(
        lost.state,
        State::Reconciling {
            sent: at(SECOND),
            looks: 0,
            look_at: at(12 * SECOND)
        }
    );
    let once = run(note(), &[Event::Started, Event::Lost, Event::NotFound]);
    assert!(once.reconciling());
    let twice = run(
        note(),
        &[
            Event::Started,
            Event::Lost,
            Event::NotFound,
            Event::NotFound,
        ],
    );
    assert_eq!(twice.state, State::Recorded { not_before: None });
}

/// What was turned away for now (429) is not among the three times that an answer may be lost.
#[test]
fn a_creation_that_was_turned_away_is_sent_again_for_as_long_as_one_that_was_not() {
    let tried = |operation: Operation, status, event: Event| {
        let at = operation.queued_at;
        let sent = run(operation, &[Event::Started]).with_attempt(Attempt {
            lever_operation: "createOpportunityNote".to_owned(),
            at,
            status,
            step: 0,
            seen: None,
        });
        run(sent, &[event])
    };
    let looks = [Event::NotFound, Event::NotFound];
    let mut operation = note();
    for status in [Some(429), None, Some(429), Some(503)] {
        operation = match status {
            Some(429) => tried(operation, status, Event::NotSent),
            _ => run(tried(operation, status, Event::Lost), &looks),
        };
        assert_eq!(operation.state.name(), "RECORDED", "{status:?}");
    }
    let given_up = run(tried(operation, None, Event::Lost), &looks);
    assert!(matches!(given_up.state, State::Uncertain(_)));
}

fn raw(creates: bool) -> Operation {
    operation(Write::Raw(RawWrite {
        operation: "createPosting".to_owned(),
        path: BTreeMap::new(),
        query: Vec::new(),
        body: Some(r#"{"text":"Ada"}"#.to_owned()),
        creates,
        bare: false,
    }))
}

#[test]
fn a_lost_raw_write_is_for_a_person_whatever_it_does_and_says_what_was_seen() {
    let seen = |status| Attempt {
        lever_operation: "updatePosting".to_owned(),
        at: at(0),
        status,
        step: 0,
        seen: None,
    };
    for creates in [true, false] {
        for (status, told) in [(None, "no answer could be read"), (Some(502), "status 502")] {
            let sent = run(raw(creates), &[Event::Started]).with_attempt(seen(status));
            let lost = run(sent, &[Event::Lost]);
            let State::Uncertain(failure) = &lost.state else {
                panic!("{:?}", lost.state)
            };
            assert!(failure.message.contains(told), "{}", failure.message);
            let again = run(lost, &[Event::Retried]);
            assert_eq!(again.state, State::Recorded { not_before: None });
        }
        // Lever surely did not act.
        let held_back = run(raw(creates), &[Event::Started, Event::NotSent]);
        assert_eq!(held_back.state.name(), "RECORDED");
    }
}

fn upload(target: UploadTarget) -> Operation {
    operation(Write::UploadFile(FileUpload {
        target,
        name: "Ada.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        size: 3,
        sha256: [7; 32],
        number: 0,
    }))
}

#[test]
fn a_lost_upload_is_looked_for_unless_lever_lets_go_of_it_anyway() {
    for target in [UploadTarget::Opportunity, UploadTarget::Candidate] {
        assert!(run(upload(target), &[Event::Started, Event::Lost]).reconciling());
    }
    let lost = run(
        upload(UploadTarget::Application),
        &[Event::Started, Event::Lost],
    );
    assert_eq!(lost.state.name(), "RECORDED");
}

#[test]
fn the_name_of_a_file_is_neither_in_its_debug_form_nor_kept_when_scrubbed() {
    let upload = upload(UploadTarget::Opportunity).write;
    let Write::UploadFile(file) = &upload else {
        panic!("{upload:?}")
    };
    assert!(!format!("{file:?} {upload:?}").contains("Ada"));
    let bare = Write::UploadFile(FileUpload {
        name: String::new(),
        ..file.clone()
    });
    assert_eq!(upload.scrubbed(), Some(bare.clone()));
    assert_eq!(bare.scrubbed(), None);
}

#[test]
fn nothing_of_what_is_written_shows_in_debug() {
    let answered = Operation {
        answer: Some("Ada".to_owned()),
        ..raw(true)
    };
    let shown = format!("{answered:?}");
    assert!(shown.contains("RAW") && !shown.contains("Ada"), "{shown}");
}

#[test]
fn a_creation_that_never_shows_is_sent_three_times_at_most() {
    let attempt = Attempt {
        lever_operation: "createOpportunityNote".to_owned(),
        at: at(0),
        status: None,
        step: 0,
        seen: None,
    };
    let mut lost = note();
    for sent in 1..=3 {
        lost = run(lost, &[Event::Started]).with_attempt(attempt.clone());
        lost = run(lost, &[Event::Lost, Event::NotFound, Event::NotFound]);
        let state = if sent < 3 { "RECORDED" } else { "UNCERTAIN" };
        assert_eq!(lost.state.name(), state);
    }
}

#[test]
fn a_lost_creation_that_is_found_is_not_sent_again() {
    let found = Event::Found {
        result_id: Some("n1".to_owned()),
    };
    let settled = run(note(), &[Event::Started, Event::Lost, found]);
    assert_eq!(settled.state, State::Succeeded);
    assert_eq!(settled.result_id.as_deref(), Some("n1"));
}

fn change_of_note() -> Operation {
    operation(Write::Prepared(Prepared {
        kind: PreparedKind::UpdateNote,
        call: RawWrite {
            operation: "updateOpportunityNote".to_owned(),
            path: BTreeMap::new(),
            query: Vec::new(),
            body: Some("{}".to_owned()),
            creates: false,
            bare: false,
        },
    }))
}

/// A change that is on its way, with what was read before it.
fn changing(seen: Option<[u8; 32]>) -> Operation {
    let call = |lever_operation: &str, seen: Option<[u8; 32]>| Attempt {
        lever_operation: lever_operation.to_owned(),
        at: at(SECOND),
        status: seen.map(|_| 200),
        step: 0,
        seen,
    };
    let read = call("getOpportunityNote", seen);
    let write = call("updateOpportunityNote", None);
    let started = run(change_of_note(), &[Event::Started]);
    let noted = run(started.with_attempt(read), &[Event::Seen]);
    assert!(matches!(noted.state, State::Sending { .. }));
    noted.with_attempt(write)
}

#[test]
fn a_change_whose_answer_is_lost_is_compared_with_what_lever_has_before_it_is_sent_again() {
    let lost = run(changing(Some([7; 32])), &[Event::Lost]);
    assert!(lost.reconciling() && lost.seen_before() == Some([7; 32]));
    let there = run(lost.clone(), &[Event::Found { result_id: None }]);
    assert_eq!(there.state, State::Succeeded);
    // Somebody else came between: what they wrote stays.
    let failure = Failure {
        kind: FailureKind::ChangedInLever,
        message: String::new(),
        details: Vec::new(),
    };
    let changed = run(lost.clone(), &[Event::Refused(failure.clone())]);
    assert_eq!(changed.state, State::Failed(failure));
    let once = run(lost, &[Event::NotFound]);
    assert!(once.reconciling());
    let twice = run(once, &[Event::NotFound]);
    assert!(matches!(
        twice.state,
        State::Recorded {
            not_before: Some(_)
        }
    ));
    // A person who asks for it again has seen what there is.
    let again = changed.after(Event::Retried, at(60 * SECOND), &Patience::default());
    assert!(matches!(again.state, State::Recorded { .. }) && again.seen_before().is_none());
}

#[test]
fn a_change_that_was_lost_before_anything_was_read_was_not_sent() {
    let lost = run(changing(None), &[Event::Lost]);
    assert!(matches!(
        lost.state,
        State::Recorded {
            not_before: Some(_)
        }
    ));
}

#[test]
fn reads_are_forgotten_first_and_what_was_there_before_last() {
    let call = |lever_operation: &str, status, seen| Attempt {
        lever_operation: lever_operation.to_owned(),
        at: at(0),
        status,
        step: 0,
        seen,
    };
    let mut operation = change_of_note()
        .with_attempt(call("getOpportunityNote", Some(200), Some([7; 32])))
        .with_attempt(call("updateOpportunityNote", None, None));
    for _ in 0..Operation::MAX_ATTEMPTS_KEPT {
        operation = operation.with_attempt(call("getOpportunityNote", None, None));
    }
    assert_eq!(operation.attempts.len(), Operation::MAX_ATTEMPTS_KEPT);
    assert_eq!(operation.seen_before(), Some([7; 32]));
    assert_eq!(operation.lost_at(), Some(at(0)));
}

#[test]
fn an_export_of_which_everything_is_there_has_succeeded() {
    let export = run(operation(Write::Export(Box::default())), &[Event::Started]);
    let step = Step::there_already(Write::Unarchive, at(0), Some("n".to_owned()));
    let planned = |steps| {
        let verdict = Verdict {
            decision: Decision::Update,
            findings: Vec::new(),
            opportunity: None,
            contact: None,
            matched_by: String::new(),
        };
        run(
            export.clone(),
            &[Event::Planned(Box::new(Plan {
                verdict,
                steps,
                left_out: Vec::new(),
            }))],
        )
    };
    assert_eq!(planned(vec![step.clone()]).state, State::Succeeded);
    let more = planned(vec![step, Step::new(Write::Unarchive, at(0))]);
    assert!(matches!(more.state, State::Recorded { .. }) && more.present_step() == 1);
}

#[test]
fn a_lost_harmless_write_goes_back_in_line_and_waits() {
    let lost = run(operation(Write::Unarchive), &[Event::Started, Event::Lost]);
    assert_eq!(
        lost.state,
        State::Recorded {
            not_before: Some(at(3 * SECOND))
        }
    );
}

#[test]
fn the_pause_doubles_with_each_try_of_the_write_and_ends_growing_at_about_a_minute() {
    let attempt = |operation: &str| Attempt {
        lever_operation: operation.to_owned(),
        at: at(0),
        status: Some(503),
        step: 0,
        seen: None,
    };
    let pause = |tries: usize| {
        let mut tried = run(operation(Write::Unarchive), &[Event::Started]);
        for _ in 0..tries {
            tried = tried
                .with_attempt(attempt("getOpportunity"))
                .with_attempt(attempt("updateOpportunityArchived"));
        }
        let State::Recorded {
            not_before: Some(until),
        } = tried
            .after(Event::NotSent, at(SECOND), &Patience::default())
            .state
        else {
            panic!("it does not wait");
        };
        until.since(at(SECOND)).as_secs()
    };
    let pauses: Vec<_> = [1, 2, 3, 7, 8, 50].into_iter().map(pause).collect();
    assert_eq!(pauses, [1, 2, 4, 64, 64, 64]);
}

#[test]
fn a_creation_that_cannot_be_read_back_for_a_day_is_uncertain() {
    let lost = run(note(), &[Event::Started, Event::Lost]);
    let soon = lost.after(Event::LookFailed, at(3_600_000), &Patience::default());
    assert!(soon.reconciling());
    let late = lost.after(Event::LookFailed, at(25 * 3_600_000), &Patience::default());
    assert_eq!(late.state.name(), "UNCERTAIN");
}

#[test]
fn a_creation_that_may_not_be_read_back_is_uncertain_at_once() {
    let failure = Failure {
        kind: FailureKind::PermissionMissing,
        message: "m".to_owned(),
        details: Vec::new(),
    };
    let lost = run(note(), &[Event::Started, Event::Lost]);
    let refused = Event::LookRefused(failure.clone());
    let refused = lost.after(refused, at(9 * SECOND), &Patience::default());
    assert_eq!(refused.state, State::Uncertain(failure));
}

#[test]
fn a_write_lever_was_away_for_all_day_has_failed() {
    let late = run(note(), &[Event::Started]).after(
        Event::NotSent,
        at(25 * 3_600_000),
        &Patience::default(),
    );
    assert_eq!(late.state.name(), "FAILED");
}

#[test]
fn a_write_that_a_pause_after_429_held_back_stays_recorded_however_old_it_is() {
    for write in [note(), operation(Write::Unarchive)] {
        let sending = run(write, &[Event::Started]);
        for hours in [0, 25, 24 * 365] {
            let now = at(hours * 3_600_000);
            let held_back = sending.after(Event::HeldBack, now, &Patience::default());
            assert_eq!(held_back.state, State::Recorded { not_before: None });
        }
    }
    let lost = run(note(), &[Event::Started, Event::Lost]);
    let late = lost.after(Event::HeldBack, at(SECOND), &Patience::default());
    assert_eq!(late.state, lost.state);
}

#[test]
fn what_is_settled_stays_settled() {
    let refusal = Failure {
        kind: FailureKind::Invalid,
        message: String::new(),
        details: Vec::new(),
    };
    for settled in [
        run(note(), &[Event::Started, Event::Done { result_id: None }]),
        run(note(), &[Event::Started, Event::Refused(refusal)]),
        run(note(), &[Event::Withdrawn]),
    ] {
        for event in [
            Event::Started,
            Event::Lost,
            Event::NotFound,
            Event::NotSent,
            Event::HeldBack,
        ] {
            let after = settled.after(event, at(99 * SECOND), &Patience::default());
            assert_eq!(after.state, settled.state);
        }
    }
}

#[test]
fn what_failed_is_given_up_with_its_reason_and_never_tried_again() {
    let refusal = Failure {
        kind: FailureKind::Invalid,
        message: "no such tag".to_owned(),
        details: Vec::new(),
    };
    let failed = [Event::Started, Event::Refused(refusal.clone())];
    let given_up = run(run(note(), &failed), &[Event::Withdrawn]);
    assert_eq!(given_up.state, State::Cancelled(Some(refusal)));
    let retried = run(given_up.clone(), &[Event::Retried]);
    assert_eq!(retried.state, given_up.state);
}

#[test]
fn the_text_of_a_note_is_not_in_its_debug_form() {
    assert!(!format!("{:?}", note()).contains("hello"));
}

#[test]
fn a_scrubbed_operation_has_nothing_that_people_wrote_and_cannot_be_tried_again() {
    let failure = Failure {
        kind: FailureKind::Unknown,
        message: "m".to_owned(),
        details: Vec::new(),
    };
    let note = Write::CreateNote(NoteText {
        secret: true,
        ..NoteText::plain("Ada")
    });
    let undecided = Operation {
        state: State::Uncertain(failure.clone()),
        ..operation(note)
    };
    let bare = undecided.scrubbed().unwrap();
    let empty = Write::CreateNote(NoteText {
        secret: true,
        ..NoteText::default()
    });
    assert_eq!((&bare.write, bare.revision), (&empty, 1));
    assert_eq!(bare.state, State::Failed(failure));
    assert_eq!(bare.scrubbed(), None);
}

#[test]
fn a_raw_write_that_lost_what_it_carried_says_so_and_one_that_carried_nothing_does_not() {
    let bare = |write: &Write| match write {
        Write::Raw(raw) => raw.bare,
        other => panic!("{other:?}"),
    };
    let scrubbed = raw(false).write.scrubbed().unwrap();
    assert!(bare(&scrubbed));
    assert_eq!(scrubbed.scrubbed(), None);
    let Write::Raw(with) = raw(false).write else {
        panic!("a raw write")
    };
    let without = Write::Raw(RawWrite { body: None, ..with });
    assert_eq!((bare(&without), without.scrubbed()), (false, None));
}

#[test]
fn a_bulk_keeps_what_became_of_its_items_until_they_move_again() {
    let bulk = operation(Write::Bulk(Bulk {
        kind: "CREATE_NOTE".to_owned(),
        items: 3,
        tally: None,
    }));
    let tally = |bulk: &Operation| match &bulk.write {
        Write::Bulk(bulk) => bulk.tally,
        other => panic!("{other:?}"),
    };
    let counted = Tally {
        succeeded: 2,
        failed: 1,
        ..Tally::default()
    };
    let settled = run(bulk, &[Event::ItemsSettled(counted)]);
    assert_eq!(tally(&settled), Some(counted));
    let late = run(settled.clone(), &[Event::ItemsSettled(Tally::default())]);
    assert_eq!(tally(&late), Some(counted));
    assert_eq!(tally(&run(settled, &[Event::Retried])), None);
}

#[test]
fn texts_are_scrubbed_and_ids_are_kept() {
    let texts = || vec!["Ada".to_owned()];
    for write in [
        Write::AddTags { tags: texts() },
        Write::RemoveTags { tags: texts() },
        Write::AddSources { sources: texts() },
        Write::RemoveSources { sources: texts() },
    ] {
        let bare = write.scrubbed().unwrap();
        assert_eq!(bare.kind(), write.kind());
        assert_eq!(bare.scrubbed(), None);
    }
    let stage = Write::ChangeStage {
        stage: "s".into(),
        expected_stage: None,
    };
    assert_eq!(stage.scrubbed(), None);
}

mod exports {
    use super::*;
    use crate::export::{Decision, Export, Finding, Ground, NewOpportunity, Weight};

    fn export() -> Operation {
        Operation {
            opportunity: OpportunityId::from(""),
            ..operation(Write::Export(Box::default()))
        }
    }

    fn verdict(decision: Decision) -> Verdict {
        let finding = Finding {
            ground: Ground::Hired,
            weight: Weight::Overridable,
            evidence: vec!["old".into()],
            ends_at: None,
        };
        Verdict {
            decision,
            findings: match decision {
                Decision::Blocked => vec![finding],
                _ => Vec::new(),
            },
            opportunity: (decision == Decision::Update).then(|| "there".into()),
            contact: Some("c".into()),
            matched_by: "email".to_owned(),
        }
    }

    fn planned(decision: Decision, writes: Vec<Write>) -> Event {
        Event::Planned(Box::new(Plan {
            verdict: verdict(decision),
            steps: writes
                .into_iter()
                .map(|write| Step::new(write, at(7)))
                .collect(),
            left_out: Vec::new(),
        }))
    }

    fn create() -> Write {
        Write::CreateOpportunity(Box::default())
    }

    fn note() -> Write {
        Write::CreateNote(NoteText::plain("hello"))
    }

    fn made() -> Event {
        Event::Made(Made {
            opportunity: "new".into(),
            contact: Some("person".into()),
            deduped: Some(true),
        })
    }

    fn result(operation: &Operation) -> &crate::export::ExportResult {
        match &operation.write {
            Write::Export(export) => &export.result,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_export_looks_first_and_then_goes_by_its_steps() {
        let plan = planned(Decision::Create, vec![create(), note()]);
        let ready = run(export(), &[Event::Started, plan]);
        assert_eq!(ready.state, State::Recorded { not_before: None });
        assert_eq!(ready.present_write().kind(), "CREATE_OPPORTUNITY");
        let there = run(ready.clone(), &[Event::Started, made()]);
        assert_eq!(there.state, State::Recorded { not_before: None });
        assert_eq!(there.opportunity, OpportunityId::from("new"));
        assert_eq!(there.result_id.as_deref(), Some("new"));
        assert_eq!(result(&there).contact, Some("person".into()));
        assert_eq!(result(&there).deduped, Some(true));
        assert_eq!(there.present_write().kind(), "CREATE_NOTE");
        let noted = Event::Done {
            result_id: Some("n".to_owned()),
        };
        let done = run(there, &[Event::Started, noted]);
        assert_eq!(done.state, State::Succeeded);
        assert_eq!(done.result_id.as_deref(), Some("new"));
        assert_eq!(done.opportunity, OpportunityId::from("new"));
    }

    #[test]
    fn a_look_that_is_lost_is_repeated_and_a_creation_that_is_lost_is_looked_for() {
        let lost = run(export(), &[Event::Started, Event::Lost]);
        assert!(matches!(lost.state, State::Recorded { .. }));
        let plan = planned(Decision::Create, vec![create(), note()]);
        let lost = run(lost, &[Event::Started, plan, Event::Started, Event::Lost]);
        assert!(lost.reconciling(), "{:?}", lost.state);
        let found = run(lost, &[made()]);
        assert_eq!(found.present_step(), 1);
        assert_eq!(found.opportunity, OpportunityId::from("new"));
    }

    #[test]
    fn another_write_in_hand_takes_the_place_of_the_step_and_of_no_other() {
        let plan = planned(Decision::Update, vec![Write::Unarchive, note()]);
        let done = Event::Done { result_id: None };
        let ready = run(export(), &[Event::Started, plan, Event::Started, done]);
        let tags = Write::AddTags { tags: Vec::new() };
        let other = ready.clone().with_in_hand(tags.clone());
        assert!(*other.present_write() == tags && other.write == ready.write);
        assert!(other.steps[0] == ready.steps[0]);
        let alone = operation(note()).with_in_hand(tags.clone());
        assert!(alone.write == tags);
    }

    #[test]
    fn nobody_is_made_on_what_was_found_out_before_a_try_that_failed() {
        let sent = || {
            let plan = planned(Decision::Create, vec![create(), note()]);
            run(export(), &[Event::Started, plan, Event::Started])
        };
        for event in [Event::NotSent, Event::HeldBack] {
            let waits = run(sent(), &[event]);
            assert!(matches!(waits.state, State::Recorded { .. }));
            assert!(waits.is_unplanned());
        }
        let gone = [Event::Lost, Event::NotFound];
        assert!(!run(sent(), &gone).is_unplanned(), "it is looked for again");
        let gone = [Event::Lost, Event::NotFound, Event::NotFound];
        assert!(run(sent(), &gone).is_unplanned());
        // Who is made already, is.
        let noting = run(sent(), &[made(), Event::Started, Event::NotSent]);
        assert_eq!(noting.present_step(), 1);
    }

    #[test]
    fn nobody_is_made_on_what_was_found_out_more_than_a_minute_ago() {
        let plan = planned(Decision::Create, vec![create(), note()]);
        let ready = run(export(), &[Event::Started, plan]);
        let minute = Duration::from_secs(60);
        let found_out = ready.updated_at;
        assert!(!ready.clone().as_of(found_out.plus(minute)).is_unplanned());
        let later = found_out.plus(minute * 2);
        assert!(ready.clone().as_of(later).is_unplanned());
        let noting = run(ready, &[Event::Started, made()]);
        assert_eq!(noting.clone().as_of(later), noting);
    }

    #[test]
    fn what_is_blocked_fails_and_is_looked_at_anew_when_asked_again() {
        let plan = planned(Decision::Blocked, Vec::new());
        let blocked = run(export(), &[Event::Started, plan]);
        let failure = blocked.state.failure().expect("a failure");
        assert_eq!(failure.kind, FailureKind::Blocked(Ground::Hired));
        assert_eq!(blocked.opportunity, OpportunityId::from(""));
        assert!(result(&blocked).verdict.is_some());
        let again = run(blocked, &[Event::Retried]);
        assert!(again.is_unplanned());
        let plan = planned(Decision::Update, vec![note()]);
        let update = run(again, &[Event::Started, plan]);
        assert_eq!(update.opportunity, OpportunityId::from("there"));
        assert_eq!(update.present_write().kind(), "CREATE_NOTE");
    }

    #[test]
    fn an_update_that_has_nothing_to_add_is_done() {
        let plan = planned(Decision::Update, Vec::new());
        let done = run(export(), &[Event::Started, plan]);
        assert_eq!(done.state, State::Succeeded);
        assert_eq!(done.result_id.as_deref(), Some("there"));
    }

    #[test]
    fn a_step_that_fails_keeps_those_before_and_the_next_try_goes_on_with_it() {
        let plan = planned(Decision::Create, vec![create(), note()]);
        let refused = Event::Refused(Failure {
            kind: FailureKind::Invalid,
            message: String::new(),
            details: Vec::new(),
        });
        let events = [Event::Started, plan, Event::Started, made(), Event::Started];
        let failed = run(run(export(), &events), &[refused]);
        assert!(matches!(failed.state, State::Failed(_)));
        assert!(failed.needs_files());
        let late = planned(Decision::Blocked, Vec::new());
        let again = run(failed, &[Event::Retried, Event::Started, late]);
        assert_eq!(again.present_step(), 1, "a late decision changes nothing");
        assert!(matches!(again.state, State::Sending { .. }));
    }

    #[test]
    fn nothing_of_the_person_is_left_after_scrubbing() {
        let mut export = Export::default();
        export.asked.profile.name = "Ada".to_owned();
        export.asked.note = "Ada".to_owned();
        let new = NewOpportunity {
            name: Some("Ada".to_owned()),
            ..NewOpportunity::default()
        };
        let operation = Operation {
            steps: vec![Step::new(Write::CreateOpportunity(Box::new(new)), at(0))],
            ..operation(Write::Export(Box::new(export)))
        };
        let bare = operation.scrubbed().expect("there was something");
        assert!(bare.scrubbed().is_none());
        let Write::Export(export) = &bare.write else {
            panic!("{:?}", bare.write)
        };
        assert!(!serde_json::to_string(export).unwrap().contains("Ada"));
    }
}

#[test]
fn what_may_have_had_its_effect_outlasts_what_surely_had_none() {
    let attempt = |status| Attempt {
        lever_operation: "updateOpportunityStage".to_owned(),
        at: at(0),
        status,
        step: 0,
        seen: None,
    };
    let refused = std::iter::repeat_n(attempt(Some(429)), 3 * Operation::MAX_ATTEMPTS_KEPT);
    let tried = std::iter::once(attempt(None)).chain(refused);
    let operation = tried.fold(operation(Write::Unarchive), Operation::with_attempt);
    assert_eq!(operation.attempts.len(), Operation::MAX_ATTEMPTS_KEPT);
    assert_eq!(operation.lost_at(), Some(at(0)));
}

/// When the backup was taken.
const TAKEN: i64 = 500;

fn restored(operation: Operation) -> Operation {
    operation.restored(at(TAKEN))
}

/// As the outbox does when its turn comes and it may have been sent.
fn suspected(operation: &Operation) -> Operation {
    let since = operation.unsure_since().expect("it may have been sent");
    let attempt = Attempt {
        lever_operation: "createNote".to_owned(),
        at: since,
        status: None,
        step: operation.present_step() as u32,
        seen: None,
    };
    let suspected = operation.clone().with_attempt(attempt);
    suspected.after(Event::Suspected, at(9 * SECOND), &Patience::default())
}

#[test]
fn a_creation_from_a_restored_backup_is_looked_for_and_then_sent_once() {
    let looking = suspected(&restored(note()));
    let State::Reconciling { sent, looks: 0, .. } = looking.state else {
        panic!("{:?}", looking.state)
    };
    assert_eq!(sent, at(TAKEN));
    let found = Event::Found { result_id: None };
    assert_eq!(run(looking.clone(), &[found]).state, State::Succeeded);
    let free = run(looking, &[Event::NotFound, Event::NotFound]);
    assert_eq!(free.state, State::Recorded { not_before: None });
    assert_eq!(free.unsure_since(), None);
}

#[test]
fn a_raw_write_from_a_restored_backup_is_uncertain_until_a_person_asks_again() {
    for creates in [true, false] {
        let uncertain = suspected(&restored(raw(creates)));
        assert!(matches!(uncertain.state, State::Uncertain(_)));
        let again = run(uncertain, &[Event::Retried]);
        assert_eq!(again.state, State::Recorded { not_before: None });
        assert_eq!(again.unsure_since(), None);
    }
}

#[test]
fn what_is_repeated_without_harm_or_has_ended_needs_no_look() {
    let tags = restored(operation(Write::AddTags { tags: Vec::new() }));
    assert_eq!(tags.unsure_since(), None);
    let done = Event::Done { result_id: None };
    let done = run(note(), &[Event::Started, done]);
    assert_eq!(restored(done.clone()), done);
    let cancelled = run(note(), &[Event::Withdrawn]);
    assert_eq!(restored(cancelled.clone()), cancelled);
}

#[test]
fn each_creating_step_from_a_restored_backup_is_looked_for() {
    let step = |ms| Step::new(Write::CreateNote(NoteText::plain("s")), at(ms));
    let steps = vec![step(1), step(2)];
    let whole = restored(Operation { steps, ..note() });
    let looking = suspected(&whole);
    let found = Event::Found { result_id: None };
    let second = run(looking, &[found]);
    assert_eq!(second.present_step(), 1);
    assert_eq!(second.state, State::Recorded { not_before: None });
    assert_eq!(second.unsure_since(), Some(at(TAKEN)));
    assert!(suspected(&second).reconciling());
}

#[test]
fn what_is_held_in_a_restored_backup_is_looked_for_once_it_is_released() {
    let release_at = at(99 * SECOND);
    let held = Operation {
        state: State::Held { release_at },
        ..note()
    };
    let released = run(restored(held), &[Event::Released]);
    assert!(suspected(&released).reconciling());
}

#[test]
fn a_second_restore_has_it_looked_for_again() {
    let once = run(
        suspected(&restored(note())),
        &[Event::NotFound, Event::NotFound],
    );
    assert_eq!(once.unsure_since(), None);
    let twice = once.restored(at(2 * TAKEN));
    assert_eq!(twice.unsure_since(), Some(at(2 * TAKEN)));
}
