use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;

const SECOND: i64 = 1000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn operation(write: Write) -> Operation {
    Operation {
        id: OperationId::new(Uuid::nil()),
        connection: ConnectionId::new(Uuid::nil()),
        parent: None,
        opportunity: OpportunityId::from("o"),
        request_id: "r".to_owned(),
        digest: [0; 32],
        write,
        steps: Vec::new(),
        state: State::Recorded { not_before: None },
        attempts: Vec::new(),
        result_id: None,
        answer: None,
        acting_user: None,
        acting_because: ActingBecause::Nobody,
        passed_over: None,
        asked_for: None,
        marker: at(0),
        asked_by: String::new(),
        created_at: at(0),
        queued_at: at(0),
        updated_at: at(0),
        revision: 0,
    }
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

fn raw(creates: bool) -> Operation {
    operation(Write::Raw(RawWrite {
        operation: "createPosting".to_owned(),
        path: BTreeMap::new(),
        query: Vec::new(),
        body: Some(r#"{"text":"Ada"}"#.to_owned()),
        creates,
    }))
}

#[test]
fn a_lost_raw_creation_is_for_a_person_since_nothing_tells_it_from_others() {
    let lost = run(raw(true), &[Event::Started, Event::Lost]);
    assert_eq!(lost.state.name(), "UNCERTAIN");
    let harmless = run(raw(false), &[Event::Started, Event::Lost]);
    assert_eq!(harmless.state.name(), "RECORDED");
}

fn upload(target: UploadTarget) -> Operation {
    operation(Write::UploadFile(FileUpload {
        target,
        name: "Ada.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        size: 3,
        sha256: [7; 32],
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
            Event::Withdrawn,
        ] {
            let after = settled.after(event, at(99 * SECOND), &Patience::default());
            assert_eq!(after.state, settled.state);
        }
    }
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
