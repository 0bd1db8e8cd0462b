use std::collections::BTreeMap;

use domain::candidacy::Archived;
use domain::{Candidacy, Change, ChangeKind, Cursor, Listing, Stream};
use store::{
    Applied, ErrorKind, Incoming, ListingOutcome, Order, Quarantined, Refresh, Secrecy, Store,
    Tombstones,
};

use crate::support::*;

fn kinds(changes: &[Change]) -> Vec<(u64, &str, ChangeKind)> {
    changes
        .iter()
        .map(|change| {
            let record = record_of(change);
            (change.sequence, record.id.as_str(), record.kind)
        })
        .collect()
}

async fn raw(store: &Store, id: &str) -> Option<String> {
    let record = store
        .record(crate::support::id(1), Stream::Tags, id)
        .await
        .unwrap()?;
    record.deleted_at.is_none().then_some(record.raw)
}

#[tokio::test]
async fn a_page_is_applied_with_its_cursor_and_its_changes() {
    let (_folder, store, c) = connected().await;
    let mut first = page(c, 10, vec![tag("a", "{1}"), tag("b", "{2}")]);
    first.next = idle(10);
    let applied = store.apply(first).await.unwrap();
    assert_eq!(
        applied,
        Applied {
            created: 2,
            last_sequence: 2,
            ..Applied::default()
        }
    );
    assert_eq!(store.cursor(c, Listing::Tags).await.unwrap(), idle(10));
    assert_eq!(store.cursor(c, Listing::Users).await.unwrap(), Cursor::New);
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 2);

    let mut second = page(c, 20, vec![tag("a", "{1}"), tag("b", "{3}")]);
    (second.expected, second.next) = (idle(10), idle(20));
    let applied = store.apply(second).await.unwrap();
    assert_eq!(
        applied,
        Applied {
            updated: 1,
            unchanged: 1,
            last_sequence: 3,
            ..Applied::default()
        }
    );
    let changes = store.changes(c, 0, 9).await.unwrap();
    let expected = [
        (1, "a", ChangeKind::Created),
        (2, "b", ChangeKind::Created),
        (3, "b", ChangeKind::Updated),
    ];
    assert_eq!(kinds(&changes), expected);
    assert_eq!(
        kinds(&store.changes(c, 1, 1).await.unwrap()),
        expected[1..2]
    );
    assert_eq!(store.last_sequence(c).await.unwrap(), 3);
    let record = store.record(c, Stream::Tags, "a").await.unwrap().unwrap();
    assert_eq!(
        record.requested_at,
        at(20),
        "an unchanged record was seen again"
    );
}

#[tokio::test]
async fn a_page_read_from_a_cursor_that_has_moved_writes_nothing() {
    let (_folder, store, c) = connected().await;
    let mut first = page(c, 10, Vec::new());
    first.next = idle(10);
    store.apply(first.clone()).await.unwrap();
    // Of several slices, none of which is stored.
    first.records = many_tags();
    assert_eq!(
        store.apply(first).await.unwrap_err().kind(),
        &ErrorKind::CursorMoved
    );
    assert_eq!(store.cursor(c, Listing::Tags).await.unwrap(), idle(10));
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 0);
    assert_eq!(store.last_sequence(c).await.unwrap(), 0);
}

/// As many as one of Lever's pages has.
fn many_tags() -> Vec<Incoming> {
    (0..100).map(|n| tag(&format!("{n:02}"), "{}")).collect()
}

#[tokio::test]
async fn a_long_page_is_stored_in_several_transactions_that_share_a_flush() {
    let (folder, store, c) = connected().await;
    let (before, flushes) = (commits(folder.path()), store.commits().count);
    let mut long = page(c, 10, many_tags());
    long.next = idle(10);
    let applied = store.apply(long.clone()).await.unwrap();
    let expected = Applied {
        created: 100,
        last_sequence: 100,
        ..Applied::default()
    };
    assert_eq!(applied, expected);
    assert_eq!(commits(folder.path()), before + 2);
    assert_eq!(store.commits().count, flushes + 1);
    let changes = store.changes(c, 0, usize::MAX).await.unwrap();
    let numbers = changes.iter().map(|change| change.sequence);
    assert!(numbers.eq(1..=100));

    // Each is told where the page brings nothing new, too.
    (long.expected, long.next) = (idle(10), idle(20));
    let expected = Applied {
        unchanged: 100,
        last_sequence: 100,
        ..Applied::default()
    };
    assert_eq!(store.apply(long).await.unwrap(), expected);
}

/// P18: a stop right after it would have everybody walked over again.
#[tokio::test]
async fn the_first_walk_over_everybody_has_ended_with_its_last_page_and_later_ones_when_that_is_noted()
 {
    let (_folder, store, c) = connected().await;
    let walk = async |from: Cursor, to: Cursor| {
        let mut last = page(c, 100, Vec::new());
        last.listing = Listing::OpportunitySweep;
        (last.expected, last.next) = (from, to);
        store.apply(last).await.unwrap();
        store.cursors(c).await.unwrap()[&Listing::OpportunitySweep].last_success_at
    };
    let under_way = Cursor::begun(at(7));
    assert_eq!(walk(Cursor::New, under_way.clone()).await, None);
    assert_eq!(walk(under_way, idle(7)).await, Some(at(7)));
    assert_eq!(walk(idle(7), idle(9)).await, Some(at(7)));
}

#[tokio::test]
async fn a_record_keeps_its_place_in_levers_order_and_a_new_place_is_no_change() {
    let (_folder, store, c) = connected().await;
    for (time, rank) in [(10, 3), (20, 4)] {
        let record = Incoming {
            rank,
            ..tag("a", "{}")
        };
        let applied = store.apply(page(c, time, vec![record])).await.unwrap();
        assert_eq!(applied.last_sequence, 1);
        assert_eq!(
            store
                .record(c, Stream::Tags, "a")
                .await
                .unwrap()
                .unwrap()
                .rank,
            rank
        );
    }
}

#[tokio::test]
async fn a_late_page_never_undoes_a_newer_truth() {
    let (_folder, store, c) = connected().await;
    store
        .apply(page(c, 20, vec![tag("a", "new")]))
        .await
        .unwrap();
    let applied = store
        .apply(page(c, 19, vec![tag("a", "old")]))
        .await
        .unwrap();
    assert_eq!((applied.stale, applied.last_sequence), (1, 1));
    assert_eq!(raw(&store, "a").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_record_seen_unchanged_is_not_undone_by_an_older_request() {
    let (_folder, store, c) = connected().await;
    store.apply(page(c, 10, vec![tag("a", "x")])).await.unwrap();
    store.apply(page(c, 30, vec![tag("a", "x")])).await.unwrap();
    let applied = store.apply(page(c, 20, vec![tag("a", "y")])).await.unwrap();
    assert_eq!(applied.stale, 1);
}

#[tokio::test]
async fn a_deletion_leaves_a_tombstone_that_late_pages_do_not_undo() {
    let (_folder, store, c) = connected().await;
    let opportunities = vec![
        opportunity(candidacy("o1", "s", 5)),
        opportunity(candidacy("o2", "s", 6)),
    ];
    store
        .apply_refresh(refresh(c, 10, opportunities.clone()))
        .await
        .unwrap();
    let mut deletion = refresh(c, 20, Vec::new());
    deletion.deleted = vec![
        gone(Stream::Opportunities, "o1", 15),
        gone(Stream::Opportunities, "never", 15),
    ];
    let applied = store.apply_refresh(deletion.clone()).await.unwrap();
    assert_eq!((applied.deleted, applied.last_sequence), (1, 3));
    assert_eq!(store.apply_refresh(deletion).await.unwrap().deleted, 0);

    let applied = store
        .apply_refresh(refresh(c, 30, opportunities))
        .await
        .unwrap();
    assert_eq!((applied.stale, applied.unchanged), (1, 1));
    let never = opportunity(candidacy("never", "s", 5));
    assert_eq!(
        store
            .apply_refresh(refresh(c, 30, vec![never]))
            .await
            .unwrap()
            .stale,
        1
    );
    let record = store
        .record(c, Stream::Opportunities, "o1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((record.deleted_at, record.raw.as_str()), (Some(at(15)), ""));
    assert_eq!(store.candidacy(c, &"o1".into()).await.unwrap(), None);
    assert_eq!(store.count(c, Stream::Opportunities).await.unwrap(), 1);
    assert_eq!(
        store.count_by_stage(c).await.unwrap(),
        BTreeMap::from([("s".into(), 1)])
    );
    assert_eq!(
        store
            .opportunities_of_contact(c, &"contact-of-o1".into())
            .await
            .unwrap(),
        []
    );
    let live = store
        .records(c, Stream::Opportunities, None, 9, Tombstones::Without)
        .await
        .unwrap();
    assert_eq!(
        live.iter()
            .map(|record| record.id.as_str())
            .collect::<Vec<_>>(),
        ["o2"]
    );
    let all = store
        .records(c, Stream::Opportunities, None, 9, Tombstones::With)
        .await
        .unwrap();
    assert_eq!(all.len(), 3);
}

#[tokio::test]
async fn a_record_changed_after_its_deletion_is_back() {
    let (_folder, store, c) = connected().await;
    let stamped = |ms| Incoming {
        updated_at: Some(at(ms)),
        ..tag("a", "x")
    };
    store.apply(page(c, 10, vec![stamped(5)])).await.unwrap();
    let mut deletion = page(c, 20, Vec::new());
    deletion.deleted = vec![gone(Stream::Tags, "a", 15)];
    store.apply(deletion).await.unwrap();
    assert_eq!(
        store
            .apply(page(c, 30, vec![stamped(15)]))
            .await
            .unwrap()
            .stale,
        1
    );
    assert_eq!(
        store
            .apply(page(c, 30, vec![stamped(16)]))
            .await
            .unwrap()
            .created,
        1
    );
    assert_eq!(raw(&store, "a").await.as_deref(), Some("x"));
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 1);
}

#[tokio::test]
async fn what_a_complete_walk_did_not_bring_is_retired_until_it_shows_again() {
    let (_folder, store, c) = connected().await;
    let tags = |from: usize| {
        (from..1200)
            .map(|n| tag(&format!("{n:04}"), "x"))
            .collect::<Vec<_>>()
    };
    store.apply(page(c, 10, tags(0))).await.unwrap();
    store.apply(page(c, 20, tags(700))).await.unwrap();
    assert_eq!(
        store
            .retire_unseen(c, Stream::Tags, at(20), at(21), None)
            .await
            .unwrap(),
        700
    );
    assert_eq!(
        store
            .retire_unseen(c, Stream::Tags, at(20), at(22), None)
            .await
            .unwrap(),
        0
    );
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 500);
    assert_eq!(store.last_sequence(c).await.unwrap(), 1900);
    let applied = store.apply(page(c, 30, tags(699))).await.unwrap();
    assert_eq!((applied.created, applied.unchanged), (1, 500));
}

/// Judges documents by one word: an id is that of the opportunity.
fn secrecy(raw: &str) -> Secrecy {
    match raw {
        "confidential" => Secrecy::Confidential,
        "open" => Secrecy::Open,
        opportunity => Secrecy::AsOpportunity(opportunity.into()),
    }
}

/// F-04: a key without access does not see what confidential people said, and leaves it where it is.
#[tokio::test]
async fn f04_what_a_key_may_not_see_is_not_retired_and_all_else_is() {
    let (_folder, store, c) = connected().await;
    let hidden = Candidacy {
        confidential: true,
        ..candidacy("hidden", "s", 1)
    };
    let people = [hidden, candidacy("shown", "s", 1)];
    let people = refresh(c, 5, people.map(opportunity).into());
    store.apply_refresh(people).await.unwrap();
    let answers = [
        ("a", "confidential"),
        ("b", "open"),
        ("c", "hidden"),
        ("d", "shown"),
        ("e", "unknown"),
        ("f", "not\0an id"),
    ];
    let answers = answers.map(|(id, raw)| Incoming {
        stream: Stream::EeoResponses,
        ..tag(id, raw)
    });
    let answers = refresh(c, 10, answers.into());
    store.apply_refresh(answers).await.unwrap();
    let retire = |since, secrecy| {
        store.retire_unseen(c, Stream::EeoResponses, at(since), at(since + 1), secrecy)
    };
    let left = async || {
        let kept = store.records(c, Stream::EeoResponses, None, 10, Tombstones::Without);
        let kept = kept.await.unwrap().into_iter();
        kept.map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(retire(20, Some(secrecy)).await.unwrap(), 4);
    assert_eq!(left().await, ["a", "c"]);
    // Nobody is left of whom the answers could be.
    let deletion = Refresh {
        deleted: vec![gone(Stream::Opportunities, "hidden", 30)],
        ..refresh(c, 30, Vec::new())
    };
    store.apply_refresh(deletion).await.unwrap();
    assert_eq!(retire(40, Some(secrecy)).await.unwrap(), 1);
    assert_eq!(left().await, ["a"]);
    assert_eq!(retire(50, None).await.unwrap(), 1);
}

#[tokio::test]
async fn a_record_that_cannot_be_stored_is_quarantined_once_and_the_page_goes_on() {
    let (_folder, store, c) = connected().await;
    let mut bad = opportunity(candidacy("o1", "s", 5));
    bad.candidacy.as_mut().unwrap().stage = Some("s\0".into());
    let unread = Quarantined {
        stream: Stream::Tags,
        id: None,
        parent: None,
        raw: "{\"text\":1}".to_owned(),
        reason: "no text".to_owned(),
        at: at(1),
    };
    let mut page = page(c, 10, vec![tag("", "{}"), bad, tag("ok", "{}")]);
    page.quarantined = vec![unread.clone()];
    let applied = store.apply(page.clone()).await.unwrap();
    assert_eq!((applied.created, applied.quarantined), (1, 3));
    assert_eq!(store.apply(page).await.unwrap().quarantined, 0);
    let kept = store.quarantined(c, None, 9).await.unwrap();
    assert_eq!(kept.len(), 3);
    assert!(kept.contains(&unread));
    assert_eq!(store.record(c, Stream::Tags, "").await.unwrap(), None);
}

#[tokio::test]
async fn lists_go_through_stages_in_both_orders_page_by_page() {
    let (_folder, store, c) = connected().await;
    let mut records = Vec::new();
    for (id, stage, entered) in [
        ("a", "x", 3),
        ("b", "y", 1),
        ("c", "x", 3),
        ("d", "xx", 2),
        ("e", "y", -4),
        ("f", "z", 9),
    ] {
        records.push(opportunity(candidacy(id, stage, entered)));
    }
    let mut archived = candidacy("g", "x", 5);
    archived.archived = Some(Archived {
        at: at(6),
        reason: None,
    });
    records.push(opportunity(archived));
    store.apply_refresh(refresh(c, 10, records)).await.unwrap();

    let stages = [
        "y".into(),
        "x".into(),
        "x".into(),
        "xx".into(),
        "none".into(),
        "bad\0".into(),
    ];
    for (order, expected) in [
        (Order::OldestFirst, "e b d a c"),
        (Order::NewestFirst, "c a d b e"),
    ] {
        let all = store
            .list_in_stages(c, &stages, order, None, 99)
            .await
            .unwrap();
        let ids: Vec<_> = all
            .iter()
            .map(|candidacy| candidacy.opportunity.as_str())
            .collect();
        assert_eq!(ids.join(" "), expected);
        let mut walked = Vec::new();
        let mut after = None;
        while let [next] = &store
            .list_in_stages(c, &stages, order, after, 1)
            .await
            .unwrap()[..]
        {
            after = Some((next.entered_stage_at, next.opportunity.clone()));
            walked.push(next.clone());
        }
        assert!(walked == all);
    }
    let counts = BTreeMap::from([
        ("x".into(), 2),
        ("xx".into(), 1),
        ("y".into(), 2),
        ("z".into(), 1),
    ]);
    assert_eq!(store.count_by_stage(c).await.unwrap(), counts);
    assert_eq!(
        store
            .opportunities_of_contact(c, &"contact-of-g".into())
            .await
            .unwrap(),
        ["g".into()]
    );
}

#[tokio::test]
async fn a_moved_person_is_listed_in_the_new_stage_only() {
    let (_folder, store, c) = connected().await;
    store
        .apply_refresh(refresh(c, 10, vec![opportunity(candidacy("o", "x", 3))]))
        .await
        .unwrap();
    store
        .apply_refresh(refresh(c, 20, vec![opportunity(candidacy("o", "y", 15))]))
        .await
        .unwrap();
    assert_eq!(
        store.count_by_stage(c).await.unwrap(),
        BTreeMap::from([("y".into(), 1)])
    );
}

#[tokio::test]
async fn an_application_that_changes_the_candidacy_alone_is_seen() {
    let (_folder, store, c) = connected().await;
    let mut record = opportunity(candidacy("o", "x", 3));
    store
        .apply_refresh(refresh(c, 10, vec![record.clone()]))
        .await
        .unwrap();
    record.candidacy.as_mut().unwrap().posting = Some("p".into());
    let applied = store
        .apply_refresh(refresh(c, 20, vec![record.clone()]))
        .await
        .unwrap();
    assert_eq!(applied.unchanged, 1);
    assert!(store.candidacy(c, &"o".into()).await.unwrap() == record.candidacy);
}

#[tokio::test]
async fn long_documents_come_back_and_leave_no_blob_files() {
    let (folder, store, c) = connected().await;
    let long = |length| String::from_utf8(noise(length)).unwrap();
    let tags = (0..20)
        .map(|n| tag(&format!("t{n}"), &long(500_000 + n)))
        .collect();
    store.apply(page(c, 10, tags)).await.unwrap();
    assert_eq!(raw(&store, "t7").await, Some(long(500_007)));
    store
        .apply(page(
            c,
            20,
            vec![tag("t7", &long(100_000)), tag("t8", "short")],
        ))
        .await
        .unwrap();
    store.close().await.unwrap();

    let store = open(folder.path());
    assert_eq!(raw(&store, "t6").await, Some(long(500_006)));
    assert_eq!(raw(&store, "t7").await, Some(long(100_000)));
    assert_eq!(raw(&store, "t8").await.as_deref(), Some("short"));
    let blobs = folder.path().join("db/blobs");
    assert_eq!(std::fs::read_dir(blobs).map_or(0, Iterator::count), 0);
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "says that it was skipped")]
async fn recorded_documents_come_back_byte_for_byte() {
    let Some(docs) = std::env::var_os("FULCRUM_LEVER_DOCS") else {
        eprintln!("skipped: FULCRUM_LEVER_DOCS is not set");
        return;
    };
    let (_folder, store, c) = connected().await;
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(std::path::Path::new(&docs).join("fixtures")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    assert!(!texts.is_empty());
    let records = texts
        .iter()
        .enumerate()
        .map(|(n, text)| tag(&format!("document {n}"), text))
        .collect();
    store.apply(page(c, 10, records)).await.unwrap();
    for (n, text) in texts.iter().enumerate() {
        assert!(raw(&store, &format!("document {n}")).await.as_ref() == Some(text));
    }
}

#[tokio::test]
async fn a_watcher_hears_of_changes_once_they_are_durable() {
    let (_folder, store, c) = connected().await;
    store
        .apply(page(c, 10, vec![tag("a", "{}")]))
        .await
        .unwrap();
    let mut watcher = store.watch_changes(c).unwrap();
    assert_eq!(*watcher.borrow_and_update(), 1);
    store
        .apply(page(c, 20, vec![tag("a", "{}")]))
        .await
        .unwrap();
    store
        .apply(page(c, 30, vec![tag("a", "{2}")]))
        .await
        .unwrap();
    watcher.changed().await.unwrap();
    assert_eq!(*watcher.borrow_and_update(), 2);
}

#[tokio::test]
async fn two_passes_of_one_second_are_told_apart() {
    let (_dir, store, c) = connected().await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let outcome = ListingOutcome::Succeeded(at(1000));
        store.note_listing(c, Listing::Tags, outcome).await.unwrap();
        told.push(store.cursors(c).await.unwrap()[&Listing::Tags].last_success_at);
    }
    assert_eq!(told, [Some(at(1000)), Some(at(1001))]);
}
