//! People who leave the mirror, and what is kept for a time only (X11, X23).

use std::collections::BTreeSet;
use std::time::Duration;

use domain::operation::{Failure, FailureKind, NoteText, State};
use domain::{ConnectionId, Disconnected, Operation, Parent, Stream, Write};
use secrecy::SecretString;
use store::{
    ApiCall, CallFilter, ChildList, ChildRead, ErrorKind, Forgotten, Incoming, Nudge, Options,
    Pruned, QuarantineCount, Quarantined, Recorded, Refresh, Retention, Run, RunFilter, RunOutcome,
    Store, Tombstones,
};

use crate::support::*;

const DAY: i64 = 24 * 3600 * 1000;

fn record(stream: Stream, id: &str, raw: &str) -> Incoming {
    Incoming {
        stream,
        raw: raw.to_owned(),
        ..tag(id, "")
    }
}

/// An opportunity with the application `app-of-<id>` and the contact `contact`.
fn person(id: &str, contact: &str) -> Vec<Incoming> {
    let application = format!("app-of-{id}");
    let mut candidacy = candidacy(id, "s", 5);
    candidacy.contact = Some(contact.into());
    let mut record_of = opportunity(candidacy);
    record_of.raw = format!(
        "{{\"id\":{id:?},\"name\":\"Ada Lovelace\",\"contact\":{contact:?},\"applications\":[{application:?}]}}"
    );
    vec![
        record_of,
        record(
            Stream::Applications,
            &application,
            "{\"email\":\"ada@example.com\"}",
        ),
        record(
            Stream::Contacts,
            contact,
            "{\"emails\":[\"ada@example.com\"]}",
        ),
    ]
}

fn quarantined(raw: &str, ms: i64) -> Quarantined {
    Quarantined {
        stream: Stream::Opportunities,
        id: None,
        parent: None,
        raw: raw.to_owned(),
        reason: "no".to_owned(),
        at: at(ms),
    }
}

async fn set_aside(store: &Store, c: ConnectionId, records: Vec<Quarantined>) {
    let mut page = page(c, 1, Vec::new());
    page.quarantined = records;
    store.apply(page).await.unwrap();
}

fn note(c: ConnectionId, number: u128, state: State) -> Operation {
    Operation {
        write: Write::CreateNote(NoteText::plain("Ada called")),
        state,
        ..operation(c, number, &format!("r{number}"))
    }
}

async fn recorded(store: &Store, operation: Operation) {
    store
        .record_operation(operation, Duration::ZERO)
        .await
        .unwrap();
}

async fn tombstone(store: &Store, stream: Stream, id: &str) -> bool {
    let record = store
        .record(self::id(1), stream, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.deleted_at.is_some(), record.raw.is_empty());
    record.deleted_at.is_some()
}

#[tokio::test]
async fn a_forgotten_person_leaves_tombstones_only() {
    let (_folder, store, c) = connected().await;
    for (id, contact) in [("o", "c1"), ("other", "c2")] {
        store
            .apply_refresh(refresh(c, 10, person(id, contact)))
            .await
            .unwrap();
    }
    set_aside(
        &store,
        c,
        vec![
            quarantined("{\"opportunityId\":\"app-of-o\"", 1),
            quarantined("{\"id\":\"elsewhere\"", 1),
        ],
    )
    .await;
    recorded(&store, note(c, 1, State::Succeeded)).await;

    let forgotten = store.forget_person(c, &"o".into(), at(20)).await.unwrap();
    assert_eq!(
        forgotten,
        Forgotten {
            records: 3,
            quarantined: 1,
            operations: 1,
            waiting: 0
        }
    );
    for (stream, gone, stays) in [
        (Stream::Opportunities, "o", "other"),
        (Stream::Applications, "app-of-o", "app-of-other"),
        (Stream::Contacts, "c1", "c2"),
    ] {
        assert!(tombstone(&store, stream, gone).await, "{stream}");
        assert!(!tombstone(&store, stream, stays).await, "{stream}");
        assert_eq!(store.count(c, stream).await.unwrap(), 1);
    }
    assert_eq!(store.candidacy(c, &"o".into()).await.unwrap(), None);
    assert_eq!(
        store
            .opportunities_of_contact(c, &"c1".into())
            .await
            .unwrap(),
        []
    );
    let left = store.quarantined(c, None, 9).await.unwrap();
    assert_eq!(left, [quarantined("{\"id\":\"elsewhere\"", 1)]);
    let operation = store.operation_by_request(c, "r1").await.unwrap().unwrap();
    assert!(matches!(&operation.write, Write::CreateNote(note) if note.value.is_empty()));
    assert_eq!((operation.state, operation.revision), (State::Succeeded, 1));
    // Nothing is left to do.
    let again = store.forget_deleted(c, at(30)).await.unwrap();
    assert_eq!(again, Forgotten::default());
}

#[tokio::test]
async fn a_late_answer_does_not_bring_a_forgotten_person_back() {
    let (_folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    store.forget_person(c, &"o".into(), at(20)).await.unwrap();
    for requested in [15, 25] {
        let applied = store
            .apply_refresh(refresh(c, requested, person("o", "c1")))
            .await
            .unwrap();
        assert_eq!((applied.stale, applied.created), (3, 0));
    }
}

#[tokio::test]
async fn the_contact_of_another_opportunity_stays() {
    let (_folder, store, c) = connected().await;
    for id in ["o", "o2"] {
        store
            .apply_refresh(refresh(c, 10, person(id, "shared")))
            .await
            .unwrap();
    }
    store.forget_person(c, &"o".into(), at(20)).await.unwrap();
    assert!(!tombstone(&store, Stream::Contacts, "shared").await);
    store.forget_person(c, &"o2".into(), at(21)).await.unwrap();
    assert!(tombstone(&store, Stream::Contacts, "shared").await);
}

#[tokio::test]
async fn whoever_applies_again_after_a_deletion_is_somebody_again() {
    let (_folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    let mut news = refresh(c, 20, Vec::new());
    news.deleted = vec![gone(Stream::Opportunities, "o", 15)];
    store.apply_refresh(news).await.unwrap();
    store.forget_deleted(c, at(40)).await.unwrap();
    assert!(tombstone(&store, Stream::Contacts, "c1").await);
    // Of what is gone nothing comes back, and what was asked for before the end of the forgetting counts.
    for (requested, id, back) in [(30, "o", false), (31, "o2", true), (32, "o2", true)] {
        store
            .apply_refresh(refresh(c, requested, person(id, "c1")))
            .await
            .unwrap();
        assert_eq!(
            !tombstone(&store, Stream::Contacts, "c1").await,
            back,
            "{id}"
        );
    }
    store.forget_person(c, &"o2".into(), at(50)).await.unwrap();
    assert!(tombstone(&store, Stream::Contacts, "c1").await);
}

#[tokio::test]
async fn a_deletion_told_by_lever_takes_the_children_along() {
    let (folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    recorded(&store, note(c, 1, State::Succeeded)).await;
    let mut news = refresh(c, 20, Vec::new());
    news.deleted = vec![gone(Stream::Opportunities, "o", 15)];
    store.apply_refresh(news).await.unwrap();
    store.close().await.unwrap();
    // The mark survives what comes between the deletion and the rest.
    let store = open(folder.path());
    assert!(!tombstone(&store, Stream::Contacts, "c1").await);
    let forgotten = store.forget_deleted(c, at(30)).await.unwrap();
    assert_eq!((forgotten.records, forgotten.operations), (2, 1));
    assert!(tombstone(&store, Stream::Contacts, "c1").await);
    assert!(tombstone(&store, Stream::Applications, "app-of-o").await);
}

#[tokio::test]
async fn a_person_who_was_only_missed_comes_back_whole() {
    let (_folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    recorded(&store, note(c, 1, State::Succeeded)).await;
    store
        .retire_unseen(c, Stream::Opportunities, at(20), at(21), None)
        .await
        .unwrap();
    let forgotten = store.forget_deleted(c, at(22)).await.unwrap();
    assert_eq!((forgotten.records, forgotten.operations), (2, 0));
    let applied = store
        .apply_refresh(refresh(c, 30, person("o", "c1")))
        .await
        .unwrap();
    assert_eq!(applied.created, 3);
}

/// X11: a walk over everybody can be quicker than the list of deletions.
#[tokio::test]
async fn x11_what_was_written_about_somebody_goes_with_the_news_of_the_deletion_though_they_were_missed_before()
 {
    let (_folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    for (number, opportunity) in [(1, "o"), (2, "never seen")] {
        let operation = Operation {
            opportunity: opportunity.into(),
            ..note(c, number, State::Succeeded)
        };
        recorded(&store, operation).await;
    }
    store
        .retire_unseen(c, Stream::Opportunities, at(20), at(21), None)
        .await
        .unwrap();
    let missed = store.forget_deleted(c, at(22)).await.unwrap();
    assert_eq!((missed.records, missed.operations), (2, 0));
    let mut news = refresh(c, 30, Vec::new());
    news.deleted = ["o", "never seen"]
        .map(|id| gone(Stream::Opportunities, id, 15))
        .into();
    store.apply_refresh(news).await.unwrap();
    let forgotten = store.forget_deleted(c, at(31)).await.unwrap();
    assert_eq!((forgotten.records, forgotten.operations), (0, 2));
    // Told again, nothing is left to forget.
    let mut news = refresh(c, 40, Vec::new());
    news.deleted = vec![gone(Stream::Opportunities, "o", 15)];
    store.apply_refresh(news).await.unwrap();
    assert_eq!(
        store.forget_deleted(c, at(41)).await.unwrap(),
        Forgotten::default()
    );
}

#[tokio::test]
async fn the_news_of_a_deletion_outweighs_that_somebody_was_missed() {
    let (_folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    recorded(&store, note(c, 1, State::Succeeded)).await;
    store
        .retire_unseen(c, Stream::Opportunities, at(20), at(21), None)
        .await
        .unwrap();
    let mut news = refresh(c, 30, Vec::new());
    news.deleted = vec![gone(Stream::Opportunities, "o", 15)];
    store.apply_refresh(news).await.unwrap();
    let forgotten = store.forget_deleted(c, at(31)).await.unwrap();
    assert_eq!((forgotten.records, forgotten.operations), (2, 1));
    assert!(tombstone(&store, Stream::Contacts, "c1").await);
}

/// The walk that misses somebody, and the list of deletions, are read by two workers at once.
///
/// Seen to fail while whoever was done removed the mark, whatever it had come to say: what was written stayed.
#[tokio::test]
async fn the_news_of_a_deletion_counts_that_comes_while_somebody_who_was_missed_is_being_forgotten()
{
    let (_folder, store, c) = connected().await;
    for number in 0..50 {
        let id = format!("o-{number}");
        store
            .apply_refresh(refresh(c, 10, person(&id, &format!("c-{number}"))))
            .await
            .unwrap();
        let operation = Operation {
            opportunity: id.as_str().into(),
            ..note(c, number, State::Succeeded)
        };
        recorded(&store, operation).await;
        store
            .retire_unseen(c, Stream::Opportunities, at(20), at(21), None)
            .await
            .unwrap();
        let mut news = refresh(c, 30, Vec::new());
        news.deleted = vec![gone(Stream::Opportunities, &id, 15)];
        let told = async {
            // Each time a little later.
            for _ in 0..number {
                tokio::task::yield_now().await;
            }
            store.apply_refresh(news).await
        };
        let (missed, told) = tokio::join!(store.forget_deleted(c, at(22)), told);
        let told = (missed.unwrap(), told.unwrap());
        store.forget_deleted(c, at(31)).await.unwrap();
        let request = format!("r{number}");
        let operation = store.operation_by_request(c, &request).await.unwrap();
        let write = operation.unwrap().write;
        assert!(
            matches!(&write, Write::CreateNote(note) if note.value.is_empty()),
            "{id}: {told:?}, {write:?}"
        );
    }
}

#[tokio::test]
async fn a_person_who_shows_again_in_time_is_left_alone() {
    let (_folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    store
        .retire_unseen(c, Stream::Opportunities, at(20), at(21), None)
        .await
        .unwrap();
    store
        .apply_refresh(refresh(c, 30, person("o", "c1")))
        .await
        .unwrap();
    let forgotten = store.forget_deleted(c, at(40)).await.unwrap();
    assert_eq!(forgotten, Forgotten::default());
    assert!(!tombstone(&store, Stream::Contacts, "c1").await);
}

#[tokio::test]
async fn an_operation_that_is_not_settled_keeps_its_content_until_it_is() {
    let (_folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    let open = note(c, 1, State::Recorded { not_before: None });
    recorded(&store, open.clone()).await;
    let forgotten = store.forget_person(c, &"o".into(), at(20)).await.unwrap();
    assert_eq!((forgotten.operations, forgotten.waiting), (0, 1));
    let still_open = store.open_operations(c).await.unwrap();
    assert_eq!(still_open, std::slice::from_ref(&open));
    store
        .save_operation(Operation {
            state: State::Cancelled(None),
            revision: 1,
            ..open
        })
        .await
        .unwrap();
    let forgotten = store.forget_deleted(c, at(30)).await.unwrap();
    assert_eq!((forgotten.operations, forgotten.waiting), (1, 0));
}

#[tokio::test]
async fn an_undecided_operation_is_over_once_its_content_is_gone() {
    let (_folder, store, c) = connected().await;
    let failure = Failure {
        kind: FailureKind::Unknown,
        message: "m".to_owned(),
        details: Vec::new(),
    };
    let undecided = note(c, 1, State::Uncertain(failure.clone()));
    recorded(&store, undecided.clone()).await;
    store.forget_person(c, &"o".into(), at(20)).await.unwrap();
    let over = store.operation(c, undecided.id).await.unwrap().unwrap();
    assert_eq!(over.state, State::Failed(failure));
    // Whoever read it before cannot put the content back.
    let error = store
        .save_operation(Operation {
            revision: 1,
            ..undecided
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Conflict);
}

#[tokio::test]
async fn a_person_with_many_records_is_forgotten_in_several_steps() {
    let (_folder, store, c) = connected().await;
    let ids: Vec<_> = (0..350).map(|n| format!("app-{n}")).collect();
    let mut records = person("o", "c1");
    records[0].raw = format!("{{\"id\":\"o\",\"applications\":{ids:?}}}");
    records.extend(ids.iter().map(|id| record(Stream::Applications, id, "{}")));
    store.apply_refresh(refresh(c, 10, records)).await.unwrap();
    let forgotten = store.forget_person(c, &"o".into(), at(20)).await.unwrap();
    assert_eq!(forgotten.records, 352);
    // The one application the opportunity does not name any more is not its own.
    assert_eq!(store.count(c, Stream::Applications).await.unwrap(), 1);
}

#[tokio::test]
async fn forgetting_needs_a_connection_and_takes_a_disconnected_one() {
    let (_folder, store, c) = connected().await;
    let error = store.forget_person(id(9), &"o".into(), at(1)).await;
    assert_eq!(error.unwrap_err().kind(), &ErrorKind::NotFound);
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    store.disconnect(c, Disconnected::at(at(15))).await.unwrap();
    let forgotten = store.forget_person(c, &"o".into(), at(20)).await.unwrap();
    assert_eq!(forgotten.records, 3);
}

#[tokio::test]
async fn x11_the_eeo_responses_of_a_deleted_or_anonymized_person_go_with_them() {
    let response = |id: &str| record(Stream::EeoResponses, id, "{\"gender\":\"x\"}");
    for anonymized in [false, true] {
        let (_folder, store, c) = connected().await;
        let mut people = person("o", "c1");
        people.push(response("app-of-o"));
        people.push(response("app-of-other"));
        store.apply_refresh(refresh(c, 10, people)).await.unwrap();
        let news = if anonymized {
            let mut bare = person("o", "c1").remove(0);
            bare.candidacy.as_mut().unwrap().anonymized = true;
            refresh(c, 20, vec![bare])
        } else {
            Refresh {
                deleted: vec![gone(Stream::Opportunities, "o", 15)],
                ..refresh(c, 20, Vec::new())
            }
        };
        store.apply_refresh(news).await.unwrap();
        store.forget_deleted(c, at(30)).await.unwrap();
        let kept = store.records(c, Stream::EeoResponses, None, 9, Tombstones::Without);
        let kept: Vec<_> = kept.await.unwrap().into_iter().map(|it| it.id).collect();
        assert_eq!(kept, ["app-of-other"], "{anonymized}");
    }
}

#[tokio::test]
async fn eeo_responses_are_removed_as_a_whole() {
    let (_folder, store, c) = connected().await;
    let responses = (0..1200)
        .map(|n| record(Stream::EeoResponses, &format!("r{n}"), "{\"race\":\"x\"}"))
        .collect();
    store
        .apply_refresh(refresh(c, 10, responses))
        .await
        .unwrap();
    store
        .apply_refresh(refresh(c, 10, person("o", "c1")))
        .await
        .unwrap();
    let mut aside = quarantined("{\"race\":", 1);
    aside.stream = Stream::EeoResponses;
    set_aside(&store, c, vec![aside, quarantined("{\"o\":", 1)]).await;
    assert_eq!(store.count(c, Stream::EeoResponses).await.unwrap(), 1200);
    let read = store.record(c, Stream::EeoResponses, "r7").await.unwrap();
    assert_eq!(read.unwrap().raw, "{\"race\":\"x\"}");

    store.remove_eeo(c).await.unwrap();
    let left = store
        .records(c, Stream::EeoResponses, None, 9, Tombstones::With)
        .await
        .unwrap();
    assert_eq!(left, []);
    assert_eq!(store.count(c, Stream::EeoResponses).await.unwrap(), 0);
    assert_eq!(store.quarantined(c, None, 9).await.unwrap().len(), 1);
    assert_eq!(store.quarantine_count(c).await.unwrap().kept, 1);
    assert_eq!(store.count(c, Stream::Opportunities).await.unwrap(), 1);
}

#[tokio::test]
async fn quarantine_is_listed_page_by_page_and_counted() {
    let (_folder, store, c) = connected().await;
    let records: Vec<_> = (0..7).map(|n| quarantined(&format!("{{{n}"), n)).collect();
    set_aside(&store, c, records.clone()).await;
    set_aside(&store, c, records[..3].to_vec()).await;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.quarantined(c, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.name());
        found.extend(page);
    }
    found.sort_by_key(|record| record.at);
    assert_eq!(found, records);
    let count = store.quarantine_count(c).await.unwrap();
    assert_eq!(
        count,
        QuarantineCount {
            kept: 7,
            dropped: 0
        }
    );
}

#[tokio::test]
async fn a_full_quarantine_counts_what_it_does_not_keep() {
    let (_folder, store, c) = connected().await;
    let many = (0..10_002)
        .map(|n| quarantined(&n.to_string(), 0))
        .collect();
    set_aside(&store, c, many).await;
    let count = store.quarantine_count(c).await.unwrap();
    assert_eq!(
        count,
        QuarantineCount {
            kept: 10_000,
            dropped: 2
        }
    );
    store.prune(at(31 * DAY)).await.unwrap();
    set_aside(&store, c, vec![quarantined("new", 31 * DAY)]).await;
    let count = store.quarantine_count(c).await.unwrap();
    assert_eq!(
        count,
        QuarantineCount {
            kept: 1,
            dropped: 2
        }
    );
}

fn run(c: ConnectionId, began: i64) -> Run {
    Run {
        connection: c,
        listing: "notes".to_owned(),
        lane: None,
        began: at(began),
        ended: at(began),
        pages: 0,
        records: 0,
        changes: 0,
        requests: 0,
        outcome: RunOutcome::Succeeded,
        cause: None,
        scope: None,
        counts: None,
        cursors: None,
    }
}

fn call(ms: i64) -> ApiCall {
    ApiCall {
        at: at(ms),
        operation: "listNotes".to_owned(),
        method: "GET".to_owned(),
        path: "/p".to_owned(),
        status: None,
        elapsed_ms: 0,
        waited_ms: 0,
        attempt: 1,
        lane: "follow".to_owned(),
        write: None,
        rpc: None,
        permission_test: false,
    }
}

fn nudge(ms: i64) -> Nudge {
    Nudge {
        event: "candidateHired".to_owned(),
        opportunity: None,
        contact: None,
        interview: None,
        at: at(ms),
    }
}

#[tokio::test]
async fn what_was_kept_long_enough_is_removed_and_nothing_else() {
    let (_folder, store, c) = connected().await;
    // One of everything on day 0, and one on day 20.
    for (number, day) in [(1, 0), (2, 20)] {
        let ms = day * DAY;
        store
            .apply(page(c, ms, vec![tag(&format!("tag {day}"), "{}")]))
            .await
            .unwrap();
        store.note_run(run(c, ms)).await.unwrap();
        store.note_calls(c, vec![call(ms)]).await.unwrap();
        set_aside(&store, c, vec![quarantined(&format!("{day}"), ms)]).await;
        store
            .record_nudge(c, [number as u8; 32], nudge(ms))
            .await
            .unwrap();
        let operation = Operation {
            created_at: at(ms),
            updated_at: at(ms),
            ..note(c, number, State::Succeeded)
        };
        recorded(&store, operation).await;
    }
    assert_eq!(store.prune(at(7 * DAY)).await.unwrap(), Pruned::default());

    let pruned = store.prune(at(26 * DAY)).await.unwrap();
    let weekly = Pruned {
        changes: 1,
        nudges: 2,
        request_ids: 1,
        ..Pruned::default()
    };
    assert_eq!(pruned, weekly);
    assert_eq!(store.nudges(c, 9).await.unwrap().len(), 1);
    assert_eq!(store.operation_by_request(c, "r1").await.unwrap(), None);
    assert!(store.operation_by_request(c, "r2").await.unwrap().is_some());

    let pruned = store.prune(at(31 * DAY)).await.unwrap();
    assert_eq!(
        pruned,
        Pruned {
            runs: 1,
            call_blocks: 1,
            quarantined: 1,
            scrubbed_operations: 1,
            ..weekly
        }
    );
    let runs = store.runs(c, RunFilter::default(), None, 9).await.unwrap();
    assert_eq!(runs, [run(c, 20 * DAY)]);
    let calls = store
        .calls(c, CallFilter::default(), None, 9)
        .await
        .unwrap();
    assert_eq!(calls.calls, [call(20 * DAY)]);
    let operations = store.operations(c, None, None, 9).await.unwrap();
    let texts = operations.iter().map(|operation| match &operation.write {
        Write::CreateNote(note) => note.value.as_str(),
        _ => panic!("another write"),
    });
    assert!(texts.eq(["Ada called", ""]));
    assert_eq!(store.prune(at(31 * DAY)).await.unwrap(), Pruned::default());

    // After 400 days the operation itself goes, and with it what finds it.
    store.prune(at(401 * DAY)).await.unwrap();
    for opportunity in [None, Some(&"o".into())] {
        let left = store.operations(c, opportunity, None, 9).await.unwrap();
        let numbers: Vec<_> = left.iter().map(|operation| operation.id).collect();
        assert_eq!(numbers, [note(c, 2, State::Succeeded).id]);
    }
}

#[tokio::test]
async fn changes_are_kept_as_long_as_was_set() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention {
        changes: Duration::from_secs(60),
        ..Retention::default()
    };
    let options = Options {
        retention,
        ..options()
    };
    let store = Store::open(folder.path(), options).unwrap();
    let settings = connection(1);
    let c = settings.id;
    let key = SecretString::from(KEY);
    store.create_connection(settings, key).await.unwrap();
    for second in [0, 1] {
        let one = tag(&format!("{second}"), "{}");
        store
            .apply(page(c, second * 1_000, vec![one]))
            .await
            .unwrap();
    }
    assert_eq!(store.prune(at(60_000)).await.unwrap().changes, 0);
    assert_eq!(store.prune(at(60_001)).await.unwrap().changes, 1);
    assert_eq!(store.changes(c, 1, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn changes_that_are_partly_gone_are_refused_not_skipped() {
    let (_folder, store, c) = connected().await;
    for day in 0..4 {
        store
            .apply(page(c, day * DAY, vec![tag(&format!("{day}"), "{}")]))
            .await
            .unwrap();
    }
    assert_eq!(store.changes(c, 0, 9).await.unwrap().len(), 4);
    // The changes of days 0 and 1 have expired: numbers 1 and 2.
    assert_eq!(store.prune(at(9 * DAY)).await.unwrap().changes, 2);
    for expired in [0, 1] {
        let error = store.changes(c, expired, 9).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::ResumeExpired);
    }
    assert_eq!(store.changes(c, 2, 9).await.unwrap().len(), 2);
    assert_eq!(store.changes(c, 4, 9).await.unwrap().len(), 0);
    assert_eq!(store.last_sequence(c).await.unwrap(), 4);
}

#[tokio::test]
async fn more_than_one_step_is_pruned_to_the_end() {
    let (_folder, store, c) = connected().await;
    let tags = (0..1234).map(|n| tag(&n.to_string(), "{}")).collect();
    store.apply(page(c, 0, tags)).await.unwrap();
    for number in 0..3 {
        let recorded = store.record_nudge(c, [number; 32], nudge(0)).await.unwrap();
        assert!(matches!(recorded, Recorded::New(_)));
    }
    let pruned = store.prune(at(8 * DAY)).await.unwrap();
    assert_eq!((pruned.changes, pruned.nudges), (1234, 6));
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 1234);
}

#[tokio::test]
async fn a_disconnected_account_goes_after_its_fourteen_days() {
    let (_folder, store, c) = connected().await;
    store.apply(page(c, 0, vec![tag("a", "{}")])).await.unwrap();
    let connection = store.disconnect(c, Disconnected::at(at(0))).await.unwrap();
    store.prune(at(14 * DAY - 1)).await.unwrap();
    assert_eq!(store.connection(c).await.unwrap(), Some(connection));
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 1);
    let pruned = store.prune(at(14 * DAY)).await.unwrap();
    assert_eq!(pruned.connections, 1);
    assert_eq!(store.connection(c).await.unwrap(), None);
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 0);
}

#[tokio::test]
async fn x11_of_an_anonymized_person_only_what_lever_still_shows_is_kept() {
    let (_dir, store, c) = connected().await;
    let parent = Parent::Opportunity("o".into());
    let shown = person("o", "k");
    store.apply_refresh(refresh(c, 1, shown)).await.unwrap();
    let note_below = Incoming {
        parent: Some(parent.clone()),
        ..record(Stream::Notes, "n", "{\"text\":\"Ada called\"}")
    };
    let read = ChildRead {
        connection: c,
        parent: parent.clone(),
        now: at(2),
        lists: vec![ChildList {
            stream: Stream::Notes,
            requested_at: at(2),
            records: vec![note_below],
            quarantined: Vec::new(),
            whole: true,
        }],
        refused: BTreeSet::new(),
    };
    store.apply_children(read).await.unwrap();
    recorded(&store, note(c, 1, State::Succeeded)).await;

    let mut bare = candidacy("o", "s", 5);
    bare.anonymized = true;
    bare.name = String::new();
    let mut anonymized = opportunity(bare);
    anonymized.raw = "{\"id\":\"o\",\"name\":\"\"}".to_owned();
    store
        .apply_refresh(refresh(c, 10, vec![anonymized.clone()]))
        .await
        .unwrap();
    let forgotten = store.forget_deleted(c, at(11)).await.unwrap();
    assert_eq!((forgotten.records, forgotten.operations), (0, 1));
    let kept = store
        .record(c, Stream::Opportunities, "o")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.raw, anonymized.raw);
    let notes = store
        .children(c, Stream::Notes, &parent, None, 10)
        .await
        .unwrap();
    assert!(notes.is_empty());
    // Seen again, nothing is left to forget.
    store
        .apply_refresh(refresh(c, 20, vec![anonymized]))
        .await
        .unwrap();
    assert_eq!(
        store.forget_deleted(c, at(21)).await.unwrap(),
        Forgotten::default()
    );
}
