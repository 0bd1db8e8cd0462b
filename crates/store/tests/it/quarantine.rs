//! What is kept of records that could not be read, and when it goes.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Candidacy, ConnectionId, Parent, Stream};
use proptest::prelude::*;
use store::{ChildList, ChildRead, Incoming, Quarantined, Refresh, Store, Tombstones};

use crate::support::{at, candidacy, connected, gone, opportunity, page, refresh, show, tag};

fn unread(stream: Stream, id: Option<&str>, raw: &str) -> Quarantined {
    Quarantined {
        stream,
        id: id.map(str::to_owned),
        parent: None,
        raw: raw.to_owned(),
        reason: "odd".to_owned(),
        at: at(1),
    }
}

fn below(parent: &Parent, record: Quarantined) -> Quarantined {
    Quarantined {
        parent: Some(parent.clone()),
        ..record
    }
}

fn person() -> Parent {
    Parent::Opportunity("o".into())
}

async fn set_aside(store: &Store, c: ConnectionId, requested: i64, records: Vec<Quarantined>) {
    let page = store::Page {
        quarantined: records,
        ..page(c, requested, Vec::new())
    };
    store.apply(page).await.unwrap();
}

/// The texts in quarantine, which must be as many as are counted.
async fn texts(store: &Store, c: ConnectionId) -> BTreeSet<String> {
    let kept = store.quarantined(c, None, usize::MAX).await.unwrap();
    let count = store.quarantine_count(c).await.unwrap();
    assert_eq!((count.kept, count.dropped), (kept.len() as u64, 0));
    kept.into_iter().map(|record| record.raw).collect()
}

fn these(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A read of the notes below the person: those with these ids, and these unread ones.
fn notes(c: ConnectionId, requested: i64, ids: &[&str], odd: Vec<Quarantined>) -> ChildRead {
    let note = |id: &&str| Incoming {
        stream: Stream::Notes,
        parent: Some(person()),
        ..tag(id, "{}")
    };
    ChildRead {
        connection: c,
        parent: person(),
        now: at(requested),
        lists: vec![ChildList {
            stream: Stream::Notes,
            requested_at: at(requested),
            records: ids.iter().map(note).collect(),
            quarantined: odd.into_iter().map(|odd| below(&person(), odd)).collect(),
            whole: true,
        }],
        refused: BTreeSet::new(),
    }
}

fn note(id: Option<&str>, raw: &str) -> Quarantined {
    unread(Stream::Notes, id, raw)
}

#[tokio::test]
async fn a_record_that_can_be_read_again_leaves_quarantine_with_its_text() {
    let (_dir, store, c) = connected().await;
    let odd = [("a", "odd a"), ("b", "odd b")]
        .map(|(id, raw)| unread(Stream::Tags, Some(id), raw))
        .to_vec();
    set_aside(&store, c, 10, odd).await;
    let other = unread(Stream::Users, Some("a"), "a user");
    set_aside(&store, c, 10, vec![other]).await;
    store
        .apply(page(c, 20, vec![tag("a", "{}")]))
        .await
        .unwrap();
    assert_eq!(texts(&store, c).await, these(&["odd b", "a user"]));
    let both = vec![tag("a", "{}"), tag("b", "{}")];
    store.apply_refresh(refresh(c, 30, both)).await.unwrap();
    assert_eq!(texts(&store, c).await, these(&["a user"]));
}

#[tokio::test]
async fn the_request_sent_later_decides_whether_a_record_can_be_read() {
    let (_dir, store, c) = connected().await;
    let odd = || vec![unread(Stream::Tags, Some("a"), "odd")];
    set_aside(&store, c, 20, odd()).await;
    store
        .apply(page(c, 19, vec![tag("a", "{}")]))
        .await
        .unwrap();
    assert_eq!(texts(&store, c).await, these(&["odd"]));
    store
        .apply(page(c, 20, vec![tag("a", "{}")]))
        .await
        .unwrap();
    assert_eq!(texts(&store, c).await, these(&[]));
    set_aside(&store, c, 19, odd()).await;
    assert_eq!(texts(&store, c).await, these(&[]));
    set_aside(&store, c, 21, odd()).await;
    assert_eq!(texts(&store, c).await, these(&["odd"]));
}

#[tokio::test]
async fn of_a_record_that_stays_unreadable_the_newest_text_is_kept() {
    let (_dir, store, c) = connected().await;
    let odd = |raw, ms| Quarantined {
        at: at(ms),
        ..unread(Stream::Tags, Some("a"), raw)
    };
    set_aside(&store, c, 20, vec![odd("second", 20)]).await;
    set_aside(&store, c, 10, vec![odd("first", 10)]).await;
    assert_eq!(texts(&store, c).await, these(&["second"]));
    set_aside(&store, c, 30, vec![odd("third", 30)]).await;
    let kept = store.quarantined(c, None, 9).await.unwrap();
    assert_eq!(kept, [odd("third", 20)]);
}

#[tokio::test]
async fn a_deletion_takes_what_is_in_quarantine_of_the_record_and_below_it() {
    let (_dir, store, c) = connected().await;
    show(&store, c, &["o"]).await;
    let posting = Parent::Posting("p".into());
    let form = below(&posting, unread(Stream::PostingForms, None, "a form"));
    let inside = below(&person(), unread(Stream::Applications, None, "inside"));
    let elsewhere = below(
        &Parent::Opportunity("o2".into()),
        note(Some("n"), "elsewhere"),
    );
    let people = ["o", "o2"].map(|id| unread(Stream::Opportunities, Some(id), id));
    set_aside(&store, c, 10, people.to_vec()).await;
    set_aside(&store, c, 10, vec![form, inside, elsewhere]).await;
    let odd = vec![note(Some("n"), "a note"), note(None, "no note")];
    store.apply_children(notes(c, 10, &[], odd)).await.unwrap();
    assert_eq!(texts(&store, c).await.len(), 7);

    let deletions = |deleted| Refresh {
        deleted,
        ..refresh(c, 20, Vec::new())
    };
    let deleted = vec![gone(Stream::Opportunities, "o", 15)];
    store.apply_refresh(deletions(deleted)).await.unwrap();
    assert_eq!(
        texts(&store, c).await,
        these(&["o2", "elsewhere", "a form"])
    );
    let deleted = vec![gone(Stream::Postings, "p", 15)];
    store.apply_refresh(deletions(deleted)).await.unwrap();
    assert_eq!(texts(&store, c).await, these(&["o2", "elsewhere"]));
}

/// Lever tells of a deletion again and again: what a late page brought in between goes with the next time.
#[tokio::test]
async fn a_deletion_that_is_known_already_takes_what_came_since() {
    let (_dir, store, c) = connected().await;
    let deletion = |requested| Refresh {
        deleted: vec![gone(Stream::Tags, "a", 5)],
        ..refresh(c, requested, Vec::new())
    };
    store.apply_refresh(deletion(10)).await.unwrap();
    set_aside(&store, c, 9, vec![unread(Stream::Tags, Some("a"), "late")]).await;
    assert_eq!(texts(&store, c).await, these(&[]));
    set_aside(&store, c, 11, vec![unread(Stream::Tags, Some("a"), "odd")]).await;
    assert_eq!(texts(&store, c).await, these(&["odd"]));
    store.apply_refresh(deletion(12)).await.unwrap();
    assert_eq!(texts(&store, c).await, these(&[]));
}

#[tokio::test]
async fn a_record_missing_from_a_whole_walk_leaves_quarantine_when_it_is_buried() {
    let (_dir, store, c) = connected().await;
    store
        .apply(page(c, 10, vec![tag("a", "{}")]))
        .await
        .unwrap();
    set_aside(&store, c, 15, vec![unread(Stream::Tags, Some("a"), "odd")]).await;
    let retired = store.retire_unseen(c, Stream::Tags, at(20), at(21), None);
    assert_eq!(retired.await.unwrap(), 1);
    assert_eq!(texts(&store, c).await, these(&[]));
}

#[tokio::test]
async fn a_record_that_came_though_it_could_not_be_read_is_not_buried() {
    let (_dir, store, c) = connected().await;
    let both = vec![tag("a", "{}"), tag("b", "{}")];
    store.apply(page(c, 10, both)).await.unwrap();
    set_aside(&store, c, 20, vec![unread(Stream::Tags, Some("a"), "odd")]).await;
    let retired = store.retire_unseen(c, Stream::Tags, at(20), at(21), None);
    assert_eq!(retired.await.unwrap(), 1);
    let record = store.record(c, Stream::Tags, "a").await.unwrap().unwrap();
    assert_eq!(record.deleted_at, None);
    assert_eq!(texts(&store, c).await, these(&["odd"]));
}

#[tokio::test]
async fn what_is_in_quarantine_below_a_person_goes_when_lever_anonymizes_them() {
    for known_before in [true, false] {
        let (_dir, store, c) = connected().await;
        let odd = vec![note(Some("n"), "a note"), note(None, "no note")];
        if known_before {
            show(&store, c, &["o"]).await;
            store.apply_children(notes(c, 10, &[], odd)).await.unwrap();
        } else {
            let odd = odd.into_iter().map(|odd| below(&person(), odd));
            set_aside(&store, c, 10, odd.collect()).await;
        }
        assert_eq!(texts(&store, c).await.len(), 2);
        let bare = Candidacy {
            anonymized: true,
            ..candidacy("o", "s", 5)
        };
        let shown = vec![opportunity(bare)];
        store.apply_refresh(refresh(c, 20, shown)).await.unwrap();
        assert_eq!(texts(&store, c).await, these(&[]), "{known_before}");
    }
}

#[tokio::test]
async fn a_forgotten_person_is_in_quarantine_no_longer_even_where_no_text_names_them() {
    let (_dir, store, c) = connected().await;
    let failure = below(&person(), note(None, ""));
    let application = below(&person(), unread(Stream::Applications, Some("a"), "hello"));
    set_aside(&store, c, 10, vec![failure, application]).await;
    let forgotten = store.forget_person(c, &"o".into(), at(20)).await.unwrap();
    assert_eq!(forgotten.records, 0);
    assert_eq!(texts(&store, c).await, these(&[]));
}

#[tokio::test]
async fn a_list_below_a_record_that_was_read_whole_keeps_only_what_it_brought() {
    let (_dir, store, c) = connected().await;
    show(&store, c, &["o"]).await;
    let odd = vec![
        note(Some("a"), "odd a"),
        note(Some("b"), "odd b"),
        note(None, "no id"),
    ];
    store.apply_children(notes(c, 10, &[], odd)).await.unwrap();
    let elsewhere = Parent::Opportunity("o2".into());
    set_aside(
        &store,
        c,
        10,
        vec![below(&elsewhere, note(Some("x"), "elsewhere"))],
    )
    .await;
    // What came of a list that failed says nothing about its records.
    let mut failed = notes(c, 20, &[], vec![note(None, "")]);
    failed.lists[0].whole = false;
    store.apply_children(failed).await.unwrap();
    assert_eq!(texts(&store, c).await.len(), 5);

    let still = vec![note(Some("b"), "odd b")];
    store
        .apply_children(notes(c, 30, &["a"], still))
        .await
        .unwrap();
    assert_eq!(texts(&store, c).await, these(&["odd b", "elsewhere"]));
    store
        .apply_children(notes(c, 40, &["a"], Vec::new()))
        .await
        .unwrap();
    assert_eq!(texts(&store, c).await, these(&["elsewhere"]));
}

#[tokio::test]
async fn what_stood_in_an_opportunity_without_an_id_goes_when_the_opportunity_comes_without_it() {
    let (_dir, store, c) = connected().await;
    let shown = || vec![opportunity(candidacy("o", "s", 5))];
    let first = Refresh {
        quarantined: vec![below(&person(), unread(Stream::Applications, None, "odd"))],
        ..refresh(c, 10, shown())
    };
    store.apply_refresh(first.clone()).await.unwrap();
    store.apply_refresh(first).await.unwrap();
    assert_eq!(texts(&store, c).await, these(&["odd"]));
    store.apply_refresh(refresh(c, 20, shown())).await.unwrap();
    assert_eq!(texts(&store, c).await, these(&[]));
}

#[tokio::test]
async fn a_whole_walk_takes_out_what_it_did_not_bring_again() {
    let (_dir, store, c) = connected().await;
    let met = unread(Stream::Tags, None, "met");
    let left = unread(Stream::Tags, None, "left");
    let user = unread(Stream::Users, None, "a user");
    set_aside(&store, c, 10, vec![met.clone(), left, user]).await;
    set_aside(&store, c, 20, vec![met]).await;
    let released = store.release_unseen(c, Stream::Tags, at(20)).await.unwrap();
    assert_eq!(released, 1);
    assert_eq!(texts(&store, c).await, these(&["met", "a user"]));
    let many = (0..1201).map(|n| unread(Stream::Tags, None, &n.to_string()));
    set_aside(&store, c, 30, many.collect()).await;
    let released = store.release_unseen(c, Stream::Tags, at(31)).await.unwrap();
    assert_eq!(released, 1202);
    assert_eq!(texts(&store, c).await, these(&["a user"]));
}

#[tokio::test]
async fn lists_that_could_not_be_read_are_told_page_by_page() {
    let (_dir, store, c) = connected().await;
    let failed = |n: usize| {
        let parent = Parent::Opportunity(format!("o{n}").as_str().into());
        below(&parent, note(None, ""))
    };
    set_aside(&store, c, 10, (0..5).map(failed).collect()).await;
    let mut found = BTreeSet::new();
    let mut after = None;
    while let Some(record) = store.quarantined(c, after, 1).await.unwrap().pop() {
        after = Some(record.name());
        found.insert(record.parent.unwrap());
    }
    assert_eq!(found.len(), 5);
}

#[derive(Debug, Clone)]
enum Step {
    /// A page that brings these, each readable or not.
    Page(BTreeMap<u8, bool>),
    Deleted(u8),
    /// A whole walk that has brought these.
    Walk(BTreeMap<u8, bool>),
}

fn step() -> impl Strategy<Value = Step> {
    let records = || proptest::collection::btree_map(0..6_u8, any::<bool>(), 0..6);
    prop_oneof![
        3 => records().prop_map(Step::Page),
        1 => (0..6_u8).prop_map(Step::Deleted),
        1 => records().prop_map(Step::Walk),
    ]
}

/// A page of tags of which some cannot be read.
fn brought(c: ConnectionId, now: i64, records: &[(u8, bool)]) -> store::Page {
    let (good, bad): (Vec<_>, Vec<_>) = records.iter().partition(|(_, readable)| *readable);
    let good = good.iter().map(|(id, _)| tag(&id.to_string(), "{}"));
    let bad = bad.iter().map(|(id, _)| {
        let id = id.to_string();
        unread(Stream::Tags, Some(&id), &format!("{id} at {now}"))
    });
    store::Page {
        quarantined: bad.collect(),
        ..page(c, now, good.collect())
    }
}

/// What quarantine and mirror must hold, told without any store.
#[derive(Default)]
struct Model {
    aside: BTreeMap<u8, String>,
    live: BTreeSet<u8>,
    /// Lever told of their deletion; tags have no stamps, so they do not come back.
    dead: BTreeSet<u8>,
}

impl Model {
    fn brought(&mut self, now: i64, records: &[(u8, bool)]) {
        for (id, readable) in records {
            if !*readable {
                self.aside.insert(*id, format!("{id} at {now}"));
                continue;
            }
            self.aside.remove(id);
            if !self.dead.contains(id) {
                self.live.insert(*id);
            }
        }
    }

    fn deleted(&mut self, id: u8) {
        self.aside.remove(&id);
        self.live.remove(&id);
        self.dead.insert(id);
    }

    fn walked(&mut self, records: &[(u8, bool)]) {
        let seen: BTreeSet<u8> = records.iter().map(|(id, _)| *id).collect();
        self.aside.retain(|id, _| seen.contains(id));
        self.live.retain(|id| seen.contains(id));
    }
}

async fn live(store: &Store, c: ConnectionId) -> BTreeSet<u8> {
    let records = store.records(c, Stream::Tags, None, 100, Tombstones::Without);
    let records = records.await.unwrap();
    records
        .iter()
        .map(|record| record.id.parse().unwrap())
        .collect()
}

async fn take(store: &Store, c: ConnectionId, now: i64, step: Step, model: &mut Model) {
    match step {
        Step::Page(records) => {
            let records: Vec<_> = records.into_iter().collect();
            store.apply(brought(c, now, &records)).await.unwrap();
            model.brought(now, &records);
        }
        Step::Deleted(id) => {
            let deletion = Refresh {
                deleted: vec![gone(Stream::Tags, &id.to_string(), 0)],
                ..refresh(c, now, Vec::new())
            };
            store.apply_refresh(deletion).await.unwrap();
            model.deleted(id);
        }
        Step::Walk(records) => {
            let records: Vec<_> = records.into_iter().collect();
            store.apply(brought(c, now, &records)).await.unwrap();
            let tags = Stream::Tags;
            store.release_unseen(c, tags, at(now)).await.unwrap();
            let retired = store.retire_unseen(c, tags, at(now), at(now), None);
            retired.await.unwrap();
            model.brought(now, &records);
            model.walked(&records);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In quarantine is, at any time, what was unreadable when it was seen last, and nobody who was seen is buried.
    #[test]
    fn quarantine_holds_what_was_unreadable_when_it_was_seen_last(
        steps in proptest::collection::vec(step(), 1..25)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_dir, store, c) = connected().await;
            let mut model = Model::default();
            for (step, now) in steps.into_iter().zip((1..).map(|n: i64| n * 10)) {
                take(&store, c, now, step, &mut model).await;
                let expected: BTreeSet<String> = model.aside.values().cloned().collect();
                assert_eq!(texts(&store, c).await, expected);
                assert_eq!(live(&store, c).await, model.live);
            }
        });
    }
}
