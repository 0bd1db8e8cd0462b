//! A server that is not ours, and knows only the description of Lever's API, is mirrored completely.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::{Foreign, Setup, World};

/// The folder with the description, where it is at hand.
#[expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a skipped test says so; the documents are not part of the repository"
)]
fn docs() -> Option<PathBuf> {
    let docs = std::env::var_os("FULCRUM_LEVER_DOCS").map(PathBuf::from);
    if docs.is_none() {
        eprintln!("skipped: FULCRUM_LEVER_DOCS names no folder");
    }
    docs
}

/// The mirrored documents of a stream by id.
async fn mirrored(world: &World, stream: &str) -> BTreeMap<String, String> {
    world.records(stream).await.expect("all pages")
}

#[tokio::test]
async fn f10_x17_whatever_the_description_allows_is_mirrored_byte_for_byte() {
    let Some(docs) = docs() else { return };
    let foreign = Foreign::start(&docs, 230, &[]).await;
    // What is archived for longer is read on demand.
    let mut setup = Setup::new(0).with("FULCRUM__PULL__CHILDREN_ARCHIVED_WITHIN", "36500d");
    setup.connection.base_url = foreign.base_url();
    let world = World::synced(setup).await;

    for (stream, path) in [
        ("stages", "/stages"),
        ("archive_reasons", "/archive_reasons"),
        ("users", "/users"),
        ("tags", "/tags"),
        ("sources", "/sources"),
        ("postings", "/postings"),
        ("requisitions", "/requisitions"),
        ("requisition_fields", "/requisition_fields"),
        ("feedback_templates", "/feedback_templates"),
        ("form_templates", "/form_templates"),
        ("opportunities", "/opportunities"),
    ] {
        assert_eq!(
            mirrored(&world, stream).await,
            foreign.list(path),
            "{stream}"
        );
    }
    for (stream, ending) in [
        ("notes", "/notes"),
        ("offers", "/offers"),
        ("interviews", "/interviews"),
        ("panels", "/panels"),
        ("feedback", "/feedback"),
        ("resumes", "/resumes"),
        ("files", "/files"),
        ("forms", "/forms"),
        ("referrals", "/referrals"),
    ] {
        assert_eq!(
            mirrored(&world, stream).await,
            foreign.below(ending),
            "{stream}"
        );
    }
    assert_eq!(mirrored(&world, "posting_forms").await.len(), 9);
    let quarantined = world.status().await.streams;
    let aside: Vec<_> = quarantined
        .iter()
        .filter(|stream| stream.quarantined > 0)
        .collect();
    assert!(aside.is_empty(), "{aside:?}");
}

/// X23: nobody asked for EEO responses, so they are not asked for either.
#[tokio::test]
async fn x23_without_being_named_no_eeo_endpoint_is_called() {
    let Some(docs) = docs() else { return };
    let foreign = Foreign::start(&docs, 20, &[]).await;
    let mut setup = Setup::new(0);
    setup.connection.base_url = foreign.base_url();
    let world = World::synced(setup).await;
    world.pull().await;
    world.until_synced().await;
    let asked = foreign.asked();
    assert!(
        asked.iter().all(|path| !path.starts_with("/eeo")),
        "{asked:?}"
    );
}

/// S-10.
#[tokio::test]
async fn s10_a_list_that_is_not_there_is_empty_and_does_not_end_the_run() {
    let Some(docs) = docs() else { return };
    let foreign = Foreign::start(&docs, 40, &["resumes"]).await;
    let mut setup = Setup::new(0).with("FULCRUM__PULL__CHILDREN_ARCHIVED_WITHIN", "36500d");
    setup.connection.base_url = foreign.base_url();
    let world = World::synced(setup).await;
    assert!(mirrored(&world, "resumes").await.is_empty());
    assert_eq!(mirrored(&world, "notes").await, foreign.below("/notes"));
    assert!(
        foreign
            .asked()
            .iter()
            .any(|path| path.ends_with("/resumes"))
    );
}
