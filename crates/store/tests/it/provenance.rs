//! What of a candidacy came from us, as it is learnt from our writes and lost by what Lever shows since.

use std::time::Duration;

use domain::operation::State;
use domain::provenance::Added;
use domain::{ConnectionId, Listing, Operation};
use store::{Incoming, Page, Store};

use crate::support::{at, candidacy, connected, open, operation, opportunity, page, refresh};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// The candidacy `o` with these tags.
fn tagged(tags: &[&str]) -> Incoming {
    shown(format!(r#"{{"id":"o","tags":{tags:?},"links":[]}}"#))
}

fn shown(raw: String) -> Incoming {
    Incoming {
        raw,
        ..opportunity(candidacy("o", "s", 5))
    }
}

async fn show(store: &Store, c: ConnectionId, requested: i64, record: Incoming) {
    let seen = refresh(c, requested, vec![record]);
    store.apply_refresh(seen).await.unwrap();
}

/// Our write of the tag `x` succeeds at 10.
async fn tag_it(store: &Store, c: ConnectionId) {
    let asked = operation(c, 1, "r");
    store.record_operation(asked.clone(), WEEK).await.unwrap();
    let done = Operation {
        state: State::Succeeded,
        updated_at: at(10),
        revision: asked.revision + 1,
        ..asked
    };
    store.save_operation(done).await.unwrap();
}

/// The tags that came from us, each with whether it was seen to be gone.
async fn ours(store: &Store, c: ConnectionId) -> Vec<(String, bool)> {
    let ours = store.ours(c, &"o".into()).await.unwrap();
    let mark = |Added { what, gone, .. }| (what, gone);
    ours.tags.into_iter().map(mark).collect()
}

fn there() -> Vec<(String, bool)> {
    vec![("x".to_owned(), false)]
}

fn gone() -> Vec<(String, bool)> {
    vec![("x".to_owned(), true)]
}

#[tokio::test]
async fn a_tag_of_ours_that_is_shown_no_more_is_gone_and_stays_so_when_it_comes_back() {
    let (folder, store, c) = connected().await;
    show(&store, c, 5, tagged(&[])).await;
    tag_it(&store, c).await;
    // What was read before the write shows nothing of it yet, and takes nothing away.
    show(&store, c, 9, tagged(&["theirs"])).await;
    assert_eq!(ours(&store, c).await, there());
    show(&store, c, 20, tagged(&["theirs", "x"])).await;
    assert_eq!(ours(&store, c).await, there());
    show(&store, c, 30, tagged(&["x"])).await;
    assert_eq!(ours(&store, c).await, there(), "another one has gone");
    show(&store, c, 40, tagged(&[])).await;
    assert_eq!(ours(&store, c).await, gone());
    show(&store, c, 50, tagged(&["x"])).await;
    assert_eq!(ours(&store, c).await, gone());
    store.close().await.unwrap();
    let store = open(folder.path());
    assert_eq!(ours(&store, c).await, gone());
}

/// An answer that was overtaken, or a document that tells neither tags nor links, says nothing of what is gone.
#[tokio::test]
async fn what_does_not_tell_that_a_tag_is_gone_takes_none_away() {
    let (_folder, store, c) = connected().await;
    show(&store, c, 5, tagged(&[])).await;
    tag_it(&store, c).await;
    show(&store, c, 20, tagged(&["x"])).await;
    show(&store, c, 15, tagged(&[])).await;
    assert_eq!(ours(&store, c).await, there(), "it came late");
    show(&store, c, 30, shown(r#"{"id":"o"}"#.to_owned())).await;
    assert_eq!(ours(&store, c).await, there());
    // What was there before that is not known any more.
    show(&store, c, 40, tagged(&[])).await;
    assert_eq!(ours(&store, c).await, there());
}

/// A page of a walk takes note of it as a read after a write does.
#[tokio::test]
async fn a_page_of_the_opportunities_shows_what_is_gone_too() {
    let (_folder, store, c) = connected().await;
    show(&store, c, 5, tagged(&[])).await;
    tag_it(&store, c).await;
    show(&store, c, 20, tagged(&["x"])).await;
    let walked = Page {
        listing: Listing::Opportunities,
        ..page(c, 30, vec![tagged(&[])])
    };
    store.apply(walked).await.unwrap();
    assert_eq!(ours(&store, c).await, gone());
}
