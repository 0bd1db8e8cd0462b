use std::time::Duration;

use domain::operation::{Bulk, Failure, FailureKind, NoteText, State};
use domain::{Operation, OperationId, Stream, Timestamp, Write};
use store::{ErrorKind, Recording, Store};
use uuid::Uuid;

use crate::support::*;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fn settled(operation: &Operation) -> Operation {
    Operation {
        state: State::Succeeded,
        revision: operation.revision + 1,
        ..operation.clone()
    }
}

#[tokio::test]
async fn what_an_operation_asks_of_lever_and_what_lever_said_is_sealed_in_every_file() {
    let (folder, store, c) = connected().await;
    let asked = Operation {
        write: Write::CreateNote(NoteText::plain("Asks for 90,000 a year")),
        asked_for: Some("ada@example.com".to_owned()),
        ..operation(c, 1, "r")
    };
    store.record_operation(asked.clone(), WEEK).await.unwrap();
    let answered = Operation {
        answer: Some("Lever answers with a name".to_owned()),
        ..settled(&asked)
    };
    store.save_operation(answered.clone()).await.unwrap();
    let snapshot = store.snapshot(at(9), 1).await.unwrap();
    assert!(snapshot.is_some());
    store.close().await.unwrap();

    for sealed in ["90,000", "ada@example.com", "with a name"] {
        assert!(!on_disk(folder.path(), sealed.as_bytes()), "{sealed}");
    }
    // It is not that nothing could be found there.
    assert!(on_disk(folder.path(), b"Account 1"));
    let store = open(folder.path());
    let read = store.operation(c, asked.id).await.unwrap();
    assert_eq!(read, Some(answered));
}

#[tokio::test]
async fn an_operation_in_the_place_of_another_does_not_open() {
    let (folder, store, c) = connected().await;
    for (number, request) in [(1, "one"), (2, "two")] {
        let asked = operation(c, number, request);
        store.record_operation(asked, WEEK).await.unwrap();
    }
    store.close().await.unwrap();
    let row = |number| {
        let id = OperationId::new(Uuid::from_u128(number));
        [c.as_bytes().as_slice(), id.as_bytes()].concat()
    };
    move_value(folder.path(), "operations", &row(1), &row(2));

    let store = open(folder.path());
    let error = store.operation(c, operation(c, 2, "two").id).await;
    assert_eq!(error.unwrap_err().kind(), &ErrorKind::Unsealed);
    store.close().await.unwrap();
    let examined = store::check(folder.path(), &options(), &mut |_| {}).unwrap();
    assert_eq!(
        examined.findings,
        ["1 sealed values in the table operations do not open"]
    );
}

#[tokio::test]
async fn the_same_request_id_gives_the_same_operation() {
    let (_folder, store, c) = connected().await;
    let first = operation(c, 1, "r");
    assert_eq!(
        store.record_operation(first.clone(), WEEK).await.unwrap(),
        Recording::New(first.clone())
    );
    store.save_operation(settled(&first)).await.unwrap();
    let again = operation(c, 2, "r");
    let recording = store.record_operation(again.clone(), WEEK).await.unwrap();
    assert_eq!(recording, Recording::Existing(settled(&first)));
    let other = Operation {
        digest: [2; 32],
        ..again
    };
    let recording = store.record_operation(other, WEEK).await.unwrap();
    assert_eq!(
        recording,
        Recording::Mismatch {
            existing: settled(&first)
        }
    );
    assert_eq!(store.operations(c, None, None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_id_is_free_again_after_its_time() {
    let (_folder, store, c) = connected().await;
    store
        .record_operation(operation(c, 1, "r"), WEEK)
        .await
        .unwrap();
    let mut later = operation(c, 2, "r");
    later.created_at = operation(c, 1, "r").created_at.plus(WEEK);
    assert!(matches!(
        store.record_operation(later.clone(), WEEK).await.unwrap(),
        Recording::Existing(_)
    ));
    later.created_at = later.created_at.plus(Duration::from_millis(1));
    assert!(matches!(
        store.record_operation(later.clone(), WEEK).await.unwrap(),
        Recording::New(_)
    ));
    later.id = operation(c, 3, "r").id;
    assert!(matches!(
        store.record_operation(later, WEEK).await.unwrap(),
        Recording::Existing(_)
    ));
}

#[tokio::test]
async fn of_many_that_ask_at_once_with_one_request_id_one_is_recorded() {
    let (_folder, store, c) = connected().await;
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..50 {
        let store = store.clone();
        asking.spawn(async move {
            store
                .record_operation(operation(c, number, "r"), WEEK)
                .await
                .unwrap()
        });
    }
    let recordings = asking.join_all().await;
    let new = recordings
        .iter()
        .filter(|recording| matches!(recording, Recording::New(_)))
        .count();
    assert_eq!((recordings.len(), new), (50, 1));
}

#[tokio::test]
async fn only_the_next_revision_of_an_operation_is_saved() {
    let (_folder, store, c) = connected().await;
    let first = operation(c, 1, "r");
    assert_eq!(
        store
            .save_operation(settled(&first))
            .await
            .unwrap_err()
            .kind(),
        &ErrorKind::NotFound
    );
    store.record_operation(first.clone(), WEEK).await.unwrap();
    assert_eq!(
        store
            .save_operation(first.clone())
            .await
            .unwrap_err()
            .kind(),
        &ErrorKind::Conflict
    );
    store.save_operation(settled(&first)).await.unwrap();
    assert_eq!(
        store
            .save_operation(settled(&first))
            .await
            .unwrap_err()
            .kind(),
        &ErrorKind::Conflict
    );
    assert_eq!(
        store.operation(c, first.id).await.unwrap(),
        Some(settled(&first))
    );
}

/// Whoever comes first: what a bulk and its items wish at once is put in order by the store.
#[tokio::test]
async fn a_bulk_settles_after_its_items_and_opens_again_before_them() {
    let (_folder, store, c) = connected().await;
    let id = OperationId::with_room(uuid::Uuid::from_u128(1 << 20));
    let bulk = Operation {
        id,
        write: Write::Bulk(Bulk {
            kind: "ADD_TAGS".to_owned(),
            items: 2,
            tally: None,
        }),
        ..operation(c, 1, "r")
    };
    let item = |number| Operation {
        id: id.item(number),
        parent: Some(id),
        ..operation(c, 1, "r")
    };
    // Another bulk, whose items come next.
    let other = Operation {
        id: OperationId::with_room(uuid::Uuid::from_u128(2 << 20)),
        request_id: "other".to_owned(),
        ..bulk.clone()
    };
    let of_other = Operation {
        id: other.id.item(1),
        parent: Some(other.id),
        ..item(1)
    };
    let items = vec![item(1), item(2)];
    store.record_bulk(bulk.clone(), items, WEEK).await.unwrap();
    let recorded = store.record_bulk(other, vec![of_other], WEEK).await;
    recorded.unwrap();
    let refused = async |next: Operation| {
        let error = store.save_operation(next).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Conflict);
    };
    store.save_operation(settled(&item(1))).await.unwrap();
    refused(settled(&bulk)).await;
    store.save_operation(settled(&item(2))).await.unwrap();
    let done = settled(&bulk);
    store.save_operation(done.clone()).await.unwrap();
    let opened = |settled: &Operation| Operation {
        state: State::Recorded { not_before: None },
        revision: settled.revision + 1,
        ..settled.clone()
    };
    let again = opened(&settled(&item(2)));
    refused(again.clone()).await;
    store.save_operation(opened(&done)).await.unwrap();
    store.save_operation(again).await.unwrap();
}

/// However many others there are: they are found by how they stand.
#[tokio::test]
async fn uncertain_operations_are_found_until_somebody_decides_or_they_lose_their_content() {
    let (folder, store, c) = connected().await;
    let uncertain = |of: &Operation| Operation {
        state: State::Uncertain(Failure {
            kind: FailureKind::Unknown,
            message: "m".to_owned(),
            details: Vec::new(),
        }),
        ..settled(of)
    };
    for number in 1..=4 {
        let recorded = operation(c, number, &number.to_string());
        store
            .record_operation(recorded.clone(), WEEK)
            .await
            .unwrap();
        let next = match number {
            3 => settled(&recorded),
            _ => uncertain(&recorded),
        };
        store.save_operation(next).await.unwrap();
    }
    let found = async |store: &Store| -> Vec<OperationId> {
        let found = store.uncertain_operations(c).await.unwrap();
        found.into_iter().map(|one| one.id).collect()
    };
    let ids = [1, 2, 4].map(|number| operation(c, number, "").id);
    assert_eq!(found(&store).await, ids);
    let closed = uncertain(&operation(c, 1, "1"));
    let closed = Operation {
        state: State::Cancelled(None),
        revision: closed.revision + 1,
        ..closed
    };
    store.save_operation(closed).await.unwrap();
    store.close().await.unwrap();
    let store = open(folder.path());
    assert_eq!(found(&store).await, ids[1..]);
    // Without its content it cannot be tried again: it has failed.
    let later = Timestamp::from_millis(90 * 24 * 3600 * 1000);
    store.prune(later).await.unwrap();
    let bare = store.operation(c, ids[1]).await.unwrap().unwrap();
    assert_eq!(bare.state.name(), "FAILED");
    assert!(found(&store).await.is_empty());
}

#[tokio::test]
async fn open_operations_are_those_not_settled_the_oldest_first() {
    let (folder, store, c) = connected().await;
    for number in [3, 1, 2] {
        store
            .record_operation(operation(c, number, &number.to_string()), WEEK)
            .await
            .unwrap();
    }
    store
        .save_operation(settled(&operation(c, 2, "2")))
        .await
        .unwrap();
    store.close().await.unwrap();
    let store = open(folder.path());
    let open: Vec<_> = store
        .open_operations(c)
        .await
        .unwrap()
        .into_iter()
        .map(|open| open.id)
        .collect();
    assert_eq!(open, [operation(c, 1, "").id, operation(c, 3, "").id]);
}

#[tokio::test]
async fn operations_are_listed_newest_first_of_one_opportunity_or_all() {
    let (_folder, store, c) = connected().await;
    for number in 1..=6 {
        let mut operation = operation(c, number, &number.to_string());
        operation.opportunity = if number % 2 == 0 {
            "even".into()
        } else {
            "odd".into()
        };
        store.record_operation(operation, WEEK).await.unwrap();
    }
    let numbers = |found: Vec<Operation>| {
        found
            .iter()
            .map(|operation| operation.request_id.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let before = Some(operation(c, 5, "").id);
    assert_eq!(
        numbers(store.operations(c, None, None, 99).await.unwrap()),
        "6 5 4 3 2 1"
    );
    assert_eq!(
        numbers(store.operations(c, None, before, 2).await.unwrap()),
        "4 3"
    );
    assert_eq!(
        numbers(
            store
                .operations(c, Some(&"odd".into()), before, 9)
                .await
                .unwrap()
        ),
        "3 1"
    );
    assert_eq!(
        numbers(
            store
                .operations(c, Some(&"od".into()), None, 9)
                .await
                .unwrap()
        ),
        ""
    );
}

#[tokio::test]
async fn an_operation_is_settled_together_with_the_record_read_after_it() {
    let (_folder, store, c) = connected().await;
    let first = operation(c, 1, "r");
    store.record_operation(first.clone(), WEEK).await.unwrap();
    let fresh = refresh(c, 10, vec![opportunity(candidacy("o", "s", 5))]);
    store
        .save_operation_with(settled(&first), fresh.clone())
        .await
        .unwrap();
    assert_eq!(store.count(c, Stream::Opportunities).await.unwrap(), 1);
    let newer = refresh(c, 20, vec![opportunity(candidacy("o", "t", 15))]);
    let error = store
        .save_operation_with(settled(&first), newer)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Conflict);
    assert!(
        store
            .candidacy(c, &"o".into())
            .await
            .unwrap()
            .unwrap()
            .stage
            == Some("s".into())
    );
}
