//! An account of which jobs alone are mirrored, with a key that may read no more, on every page of the console (T-01).

use std::collections::BTreeSet;

use lever_sim::Key;
use reqwest::StatusCode;

use crate::console::{Browser, csrf};
use crate::support::{Setup, World};

/// The list that the console gives for jobs alone.
const PERMISSIONS: [&str; 3] = [
    "find all postings",
    "find a posting",
    "find a posting application question form",
];

impl World {
    /// The endpoints that Lever was asked for, by their operations.
    fn asked(&self) -> BTreeSet<String> {
        let audit = self.lever.audit().into_iter();
        audit.filter_map(|entry| entry.operation).collect()
    }
}

#[tokio::test]
async fn t01_an_account_of_jobs_alone_is_set_up_and_shown_on_every_page_and_nothing_else_is_asked_for()
 {
    let mut setup = Setup::new(20);
    setup.lever.keys = vec![Key::only(setup.key.clone(), PERMISSIONS)];
    let mut world = World::new(setup).await;
    let mut browser = Browser::new(&world);
    let form = browser.open("/console/connect?only=jobs").await;
    assert!(
        form.text.contains("To read, 3 permissions"),
        "{}",
        form.text
    );
    let (proof, base_url) = (csrf(&form), world.lever.base_url());
    let key = world.key().to_owned();
    let fields = [
        ("csrf", proof.as_str()),
        ("display_name", "Roles"),
        ("region", "other"),
        ("base_url", &base_url),
        ("api_key", &key),
        ("only", "jobs"),
        ("next", "setup"),
    ];
    let connected = browser.post("/console/connect", &fields).await;
    assert_eq!(
        connected.status,
        StatusCode::SEE_OTHER,
        "{}",
        connected.text
    );
    let steps = connected.to.trim_end_matches("/test").to_owned();
    let at = steps.trim_end_matches("/setup").to_owned();
    world.connection = at.rsplit('/').next().unwrap_or_default().to_owned();
    let start = format!("{steps}/start");
    let summary = browser.open(&start).await;
    assert_eq!(summary.status, StatusCode::OK);
    assert!(
        summary.text.contains("it takes few requests"),
        "{}",
        summary.text
    );
    assert!(!summary.text.contains("lacks the permission") && !summary.text.contains("History"));
    let started = browser.post(&start, &[("csrf", &proof)]).await;
    assert_eq!(started.to, at, "{}", started.text);
    world.until_synced().await;

    let mut others = world.asked();
    others.retain(|operation| !operation.contains("Posting"));
    assert_eq!(others, BTreeSet::new());

    let tested = browser
        .post(&format!("{steps}/test"), &[("csrf", &proof)])
        .await;
    assert_ne!(
        tested.status,
        StatusCode::INTERNAL_SERVER_ERROR,
        "{}",
        tested.text
    );
    let permissions = format!("{at}/permissions");
    browser.post(&permissions, &[("csrf", &proof)]).await;
    for (end, says) in [
        ("", "Jobs alone are mirrored"),
        ("/applicants", "there is nobody to show"),
        ("/applicants/sla", "there is nobody to show"),
        ("/duplicates", "there is nobody to show"),
        ("/find", "People are not mirrored for this account"),
        ("/issues", "Nothing is wrong"),
        ("/permissions", "Nothing that is needed is missing"),
        ("/stages", "stages are not mirrored"),
        ("/stages/versions", "Versions"),
        ("/fields", "Fields"),
        ("/sync", "kinds of record are not mirrored"),
        ("/operations", "Nothing was written yet"),
        ("/calls", "/postings"),
        ("/users", "Users are not mirrored"),
        ("/inbound", "People are not mirrored for this account"),
        ("/export", "People are not mirrored for this account"),
        ("/privacy", "What is mirrored"),
        ("/settings", "Replace the key"),
        ("/settings/disconnect", "Type the name of the connection"),
    ] {
        let page = browser.open(&format!("{at}{end}")).await;
        assert_eq!(page.status, StatusCode::OK, "{end}: {}", page.text);
        assert!(page.text.contains(says), "{end} says {says}: {}", page.text);
        for wrong in [
            "lacks the permission",
            "have not been read yet",
            "not read yet",
            "add it to the streams",
            "missing in Lever",
        ] {
            assert!(
                !page.text.contains(wrong),
                "{end} says {wrong}: {}",
                page.text
            );
        }
    }
    let page = browser.open(&permissions).await;
    assert!(
        !page.text.contains("find all opportunity notes\n"),
        "not to be ticked"
    );
}
