//! Records below others: what waits to be read, what a whole list replaces, what goes with its parent.

use std::collections::BTreeSet;

use domain::hydration::{Policy, Urgency};
use domain::{Candidacy, ConnectionId, Parent, Stream};
use lever::PostingState;
use store::{ChildList, ChildRead, Incoming, Refresh, Store, Tombstones};

use crate::support::*;

fn keep(streams: &[Stream]) -> Policy {
    Policy {
        kept: streams.iter().copied().collect(),
        ..Policy::default()
    }
}

fn parent() -> Parent {
    Parent::Opportunity("o".into())
}

fn seen(c: ConnectionId, requested: i64, updated: i64, policy: Policy) -> Refresh {
    let candidacy = Candidacy {
        updated_at: Some(at(updated)),
        ..candidacy("o", "s", 5)
    };
    Refresh {
        policy,
        ..refresh(c, requested, vec![opportunity(candidacy)])
    }
}

fn note(id: &str) -> Incoming {
    Incoming {
        stream: Stream::Notes,
        parent: Some(parent()),
        ..tag(id, &format!("{{\"id\":\"{id}\"}}"))
    }
}

fn notes(c: ConnectionId, requested: i64, ids: &[&str]) -> ChildRead {
    ChildRead {
        connection: c,
        parent: parent(),
        now: at(requested),
        lists: vec![ChildList {
            stream: Stream::Notes,
            requested_at: at(requested),
            records: ids.iter().map(|id| note(id)).collect(),
            quarantined: Vec::new(),
            whole: true,
        }],
        refused: BTreeSet::new(),
    }
}

async fn listed(store: &Store, c: ConnectionId) -> Vec<String> {
    let records = store
        .children(c, Stream::Notes, &parent(), None, 100)
        .await
        .unwrap();
    records.into_iter().map(|record| record.id).collect()
}

/// X17: nobody waits for it, and nothing says that it was read.
#[tokio::test]
async fn a_list_that_cannot_be_read_is_set_aside_as_it_was_until_it_can_be() {
    let (_dir, store, c) = connected().await;
    let unreadable = |requested| {
        let mut read = notes(c, requested, &[]);
        read.lists[0].whole = false;
        read
    };
    let read_at = async || {
        let known = store.hydration(c, &parent()).await.unwrap().unwrap();
        known.read.get(&Stream::Notes).copied()
    };
    let in_line = async || {
        let waiting = store.waiting_parents(c, 10, BTreeSet::new()).await.unwrap();
        let aside = store.set_aside_parents(c, 10, BTreeSet::new()).await;
        (waiting.len(), aside.unwrap().len())
    };
    let first = seen(c, 10, 1, keep(&[Stream::Notes]));
    store.apply_refresh(first).await.unwrap();
    store.apply_children(unreadable(11)).await.unwrap();
    assert_eq!((read_at().await, in_line().await), (None, (0, 1)));
    assert_eq!(store.backlog(c).await.unwrap().requests(), 0);
    let except = [parent()].into();
    let others = store.set_aside_parents(c, 10, except).await.unwrap();
    assert_eq!(others, []);

    store.apply_children(notes(c, 12, &["n"])).await.unwrap();
    assert_eq!((read_at().await, in_line().await), (Some(at(12)), (0, 0)));
    let moved = seen(c, 20, 2, keep(&[Stream::Notes]));
    store.apply_refresh(moved).await.unwrap();
    store.apply_children(unreadable(21)).await.unwrap();
    assert_eq!((read_at().await, in_line().await), (Some(at(12)), (0, 1)));
    assert_eq!(listed(&store, c).await, ["n"]);
}

#[tokio::test]
async fn a_record_that_two_lists_have_brought_is_below_both_parents() {
    // The lists were asked for one after the other; either answer may come first.
    for order in [[10, 20], [20, 10]] {
        let (_dir, store, c) = connected().await;
        let other = Parent::Opportunity("o2".into());
        show(&store, c, &["o", "o2"]).await;
        let [first, second] = order;
        store.apply_children(notes(c, first, &["n"])).await.unwrap();
        let mut read = notes(c, second, &[]);
        read.parent = other.clone();
        read.lists[0].records = vec![Incoming {
            parent: Some(other.clone()),
            ..note("n")
        }];
        store.apply_children(read).await.unwrap();
        for (parent, id, below) in [
            (parent(), "n", true),
            (other, "n", true),
            (parent(), "m", false),
            (Parent::Opportunity("o3".into()), "n", false),
            (parent(), "", false),
        ] {
            let found = store.is_below(c, Stream::Notes, &parent, id).await;
            assert_eq!(found.unwrap(), below, "{order:?} {parent} {id}");
        }
    }
}

#[tokio::test]
async fn a_late_list_brings_nothing_back_that_was_deleted_since() {
    let (_dir, store, c) = connected().await;
    show(&store, c, &["o"]).await;
    store.apply_children(notes(c, 10, &["n"])).await.unwrap();
    store.apply_children(notes(c, 20, &[])).await.unwrap();
    store.apply_children(notes(c, 15, &["n"])).await.unwrap();
    let found = store.is_below(c, Stream::Notes, &parent(), "n").await;
    assert!(!found.unwrap());
    assert!(listed(&store, c).await.is_empty());
}

#[tokio::test]
async fn a_parent_waits_until_its_lists_were_read_after_it_was_seen() {
    let (_dir, store, c) = connected().await;
    let both = keep(&[Stream::Notes, Stream::Offers]);
    let applied = store.apply_refresh(seen(c, 10, 1, both)).await.unwrap();
    assert_eq!(applied.planned, 2);
    let waiting = store.waiting_parents(c, 10, BTreeSet::new()).await.unwrap();
    assert_eq!(
        (waiting[0].urgency, &waiting[0].parent),
        (Urgency::Active, &parent())
    );
    assert_eq!(store.backlog(c).await.unwrap().requests(), 2);

    store.apply_children(notes(c, 9, &["early"])).await.unwrap();
    assert_eq!(store.backlog(c).await.unwrap().of(Stream::Notes), 1);
    store
        .apply_children(notes(c, 10, &["a", "b"]))
        .await
        .unwrap();
    let backlog = store.backlog(c).await.unwrap();
    assert_eq!(
        (backlog.of(Stream::Notes), backlog.of(Stream::Offers)),
        (0, 1)
    );
    let states = store.stream_states(c).await.unwrap();
    assert_eq!(states[&Stream::Notes].caught_up_at, Some(at(10)));

    let refused = ChildRead {
        lists: Vec::new(),
        refused: [Stream::Offers].into(),
        ..notes(c, 20, &[])
    };
    store.apply_children(refused).await.unwrap();
    assert!(
        store
            .waiting_parents(c, 10, BTreeSet::new())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.backlog(c).await.unwrap().requests(), 0);
}

#[tokio::test]
async fn a_whole_list_buries_what_it_no_longer_has_but_nothing_read_later() {
    let (_dir, store, c) = connected().await;
    store
        .apply_refresh(seen(c, 1, 1, Policy::none()))
        .await
        .unwrap();
    store
        .apply_children(notes(c, 10, &["a", "b"]))
        .await
        .unwrap();
    assert_eq!(listed(&store, c).await, ["a", "b"]);
    store
        .apply_children(notes(c, 30, &["b", "c"]))
        .await
        .unwrap();
    let late = store
        .apply_children(notes(c, 20, &["a"]))
        .await
        .unwrap()
        .total;
    assert_eq!((late.stale, late.deleted), (1, 0));
    assert_eq!(listed(&store, c).await, ["b", "c"]);
    assert_eq!(store.count(c, Stream::Notes).await.unwrap(), 2);
    let all = store
        .records(c, Stream::Notes, None, 10, Tombstones::With)
        .await
        .unwrap();
    assert_eq!(all[0].id, "a");
    assert!(all[0].deleted_at.is_some() && all[0].parent.as_deref() == Some("o"));
}

#[tokio::test]
async fn a_list_with_a_record_that_cannot_be_read_buries_nothing() {
    let (_dir, store, c) = connected().await;
    let parent = seen(c, 1, 1, Policy::none());
    store.apply_refresh(parent).await.unwrap();
    store.apply_children(notes(c, 10, &["a"])).await.unwrap();
    let mut read = notes(c, 20, &["b"]);
    read.lists[0].quarantined.push(store::Quarantined {
        stream: Stream::Notes,
        id: None,
        parent: None,
        raw: "{}".to_owned(),
        reason: "no id".to_owned(),
        at: at(20),
    });
    let applied = store.apply_children(read).await.unwrap().total;
    assert_eq!((applied.quarantined, applied.deleted), (1, 0));
    assert_eq!(listed(&store, c).await, ["a", "b"]);
}

#[tokio::test]
async fn what_hangs_on_a_deleted_parent_goes_with_it() {
    let (_dir, store, c) = connected().await;
    let policy = keep(&[Stream::Notes]);
    store.apply_refresh(seen(c, 1, 1, policy)).await.unwrap();
    store
        .apply_children(notes(c, 1, &["a", "b"]))
        .await
        .unwrap();
    let deletion = Refresh {
        records: Vec::new(),
        deleted: vec![gone(Stream::Opportunities, "o", 40)],
        ..refresh(c, 40, Vec::new())
    };
    let applied = store.apply_refresh(deletion).await.unwrap();
    assert_eq!(applied.deleted, 3);
    assert!(listed(&store, c).await.is_empty());
    assert_eq!(store.count(c, Stream::Notes).await.unwrap(), 0);
    assert_eq!(store.hydration(c, &parent()).await.unwrap(), None);
}

#[tokio::test]
async fn x11_lists_that_come_in_after_their_parent_was_buried_are_not_kept() {
    let (_dir, store, c) = connected().await;
    let policy = keep(&[Stream::Notes]);
    store.apply_refresh(seen(c, 1, 1, policy)).await.unwrap();
    let missed = store.retire_unseen(c, Stream::Opportunities, at(30), at(31), None);
    assert_eq!(missed.await.unwrap(), 1);
    // Asked for after the walk had begun, and answered before Lever deleted the parent.
    let late = store
        .apply_children(notes(c, 35, &["a"]))
        .await
        .unwrap()
        .total;
    assert_eq!((late.stale, late.created), (1, 0));
    let kept = store.records(c, Stream::Notes, None, 10, Tombstones::With);
    assert!(kept.await.unwrap().is_empty());
    let waiting = store.waiting_parents(c, 10, BTreeSet::new()).await.unwrap();
    assert!(waiting.is_empty());
}

#[tokio::test]
async fn a_list_asked_for_before_its_parent_had_been_shown_is_read_again() {
    let (_dir, store, c) = connected().await;
    let shown = Policy {
        shown_by: at(20),
        ..keep(&[Stream::Notes])
    };
    store.apply_refresh(seen(c, 10, 1, shown)).await.unwrap();
    store.apply_children(notes(c, 15, &["a"])).await.unwrap();
    assert_eq!(store.backlog(c).await.unwrap().requests(), 1);
    assert!(listed(&store, c).await.is_empty());
    store.apply_children(notes(c, 20, &["b"])).await.unwrap();
    assert_eq!(store.backlog(c).await.unwrap().requests(), 0);
    assert_eq!(listed(&store, c).await, ["b"]);
}

#[tokio::test]
async fn the_most_urgent_parents_come_first_and_the_latest_of_them() {
    let (_dir, store, c) = connected().await;
    let policy = keep(&[Stream::Notes]);
    let person = |id: &str, updated: i64| {
        opportunity(Candidacy {
            updated_at: Some(at(updated)),
            ..candidacy(id, "s", 5)
        })
    };
    let people = vec![person("old", 10), person("new", 90), person("mid", 50)];
    let first = Refresh {
        policy: policy.clone(),
        ..refresh(c, 1, people)
    };
    store.apply_refresh(first).await.unwrap();
    let asked = Refresh {
        policy: Policy {
            asked: true,
            ..policy
        },
        ..refresh(c, 2, vec![person("old", 10)])
    };
    store.apply_refresh(asked).await.unwrap();
    let order = |waiting: Vec<store::Waiting>| -> Vec<String> {
        waiting
            .iter()
            .map(|one| one.parent.id().to_owned())
            .collect()
    };
    let all = store.waiting_parents(c, 10, BTreeSet::new()).await.unwrap();
    assert_eq!(order(all), ["old", "new", "mid"]);
    let except = [Parent::Opportunity("new".into())].into();
    let some = store.waiting_parents(c, 1, except).await.unwrap();
    assert_eq!(order(some), ["old"]);
}

#[tokio::test]
async fn a_list_that_is_kept_from_now_on_waits_below_everybody_known() {
    let (_dir, store, c) = connected().await;
    store
        .apply_refresh(seen(c, 1, 1, Policy::none()))
        .await
        .unwrap();
    let posting = Incoming {
        stream: Stream::Postings,
        ..tag("p", r#"{"id":"p","state":"published"}"#)
    };
    let closed = Incoming {
        stream: Stream::Postings,
        ..tag("q", r#"{"id":"q","state":"closed"}"#)
    };
    store
        .apply_refresh(refresh(c, 1, vec![posting, closed]))
        .await
        .unwrap();
    let policy = keep(&[Stream::Notes, Stream::PostingForms]);
    assert_eq!(store.plan_again(c, policy.clone(), at(9)).await.unwrap(), 2);
    assert_eq!(store.plan_again(c, policy, at(10)).await.unwrap(), 0);
    let waiting = store.waiting_parents(c, 10, BTreeSet::new()).await.unwrap();
    let parents: BTreeSet<_> = waiting.into_iter().map(|one| one.parent).collect();
    assert_eq!(parents, [parent(), Parent::Posting("p".into())].into());
}

#[tokio::test]
async fn the_form_of_a_posting_goes_when_nobody_can_apply_any_more() {
    let (_dir, store, c) = connected().await;
    let below = Parent::Posting("p".into());
    let posting = |state: PostingState| Incoming {
        stream: Stream::Postings,
        raw: format!("{{\"id\":\"p\",\"state\":\"{state:?}\"}}"),
        posting_state: Some(state),
        ..tag("p", "{}")
    };
    let show = async |requested: i64, state: PostingState, policy: Policy| {
        let shown = Refresh {
            policy,
            ..refresh(c, requested, vec![posting(state)])
        };
        store.apply_refresh(shown).await.unwrap().planned
    };
    let read = async |requested: i64| {
        let form = Incoming {
            stream: Stream::PostingForms,
            parent: Some(below.clone()),
            ..tag("p", "{}")
        };
        let read = ChildRead {
            parent: below.clone(),
            lists: vec![ChildList {
                stream: Stream::PostingForms,
                requested_at: at(requested),
                records: vec![form],
                quarantined: Vec::new(),
                whole: true,
            }],
            ..notes(c, requested, &[])
        };
        store.apply_children(read).await.unwrap();
    };
    let kept = async || {
        let form = store.record(c, Stream::PostingForms, "p").await.unwrap();
        let read = store.hydration(c, &below).await.unwrap();
        let live = form.is_some_and(|form| form.deleted_at.is_none());
        (live, read.is_some_and(|read| !read.read.is_empty()))
    };
    let keep = || keep(&[Stream::PostingForms]);
    assert_eq!(show(1, PostingState::Published, keep()).await, 1);
    read(2).await;
    assert_eq!(show(3, PostingState::Internal, keep()).await, 1);
    assert_eq!(kept().await, (true, true));
    show(4, PostingState::Closed, keep()).await;
    assert_eq!(kept().await, (false, false));
    // Who asks for it has it, and another look at the posting does not take it away.
    let asked = Policy {
        asked: true,
        ..keep()
    };
    assert_eq!(show(5, PostingState::Closed, asked).await, 1);
    read(6).await;
    show(7, PostingState::Closed, keep()).await;
    assert_eq!(kept().await, (true, true));
    // Whoever opens it again has it read again.
    show(8, PostingState::Rejected, keep()).await;
    assert_eq!(show(9, PostingState::Published, keep()).await, 1);
}
