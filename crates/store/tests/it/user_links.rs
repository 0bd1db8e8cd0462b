//! Which product user is which Lever user.

use lever::UserId;
use store::{ErrorKind, UserLink, check};

use crate::support::*;

#[tokio::test]
async fn a_link_is_found_in_any_case_and_the_last_one_holds() {
    let (folder, store, c) = connected().await;
    store
        .set_user_link(c, user_link("Ada@Example.com"))
        .await
        .unwrap();
    let later = UserLink {
        user: UserId::from("v"),
        ..user_link(" ada@example.COM")
    };
    store.set_user_link(c, later.clone()).await.unwrap();
    store.close().await.unwrap();

    let store = open(folder.path());
    let found = store.user_link(c, "ADA@example.com ").await.unwrap();
    assert_eq!(found, Some(later.clone()));
    assert_eq!(store.user_links(c).await.unwrap(), [later]);
    assert!(
        store
            .user_link(c, "ada@example.org")
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.clear_user_link(c, "Ada@example.com").await.unwrap());
    assert!(!store.clear_user_link(c, "Ada@example.com").await.unwrap());
    assert!(store.user_links(c).await.unwrap().is_empty());
}

#[tokio::test]
async fn links_are_of_one_connection_and_go_with_it() {
    let (folder, store, c) = connected().await;
    store.set_user_link(c, user_link("a@b.c")).await.unwrap();
    for refused in [
        store.set_user_link(id(2), user_link("a@b.c")).await.err(),
        store.clear_user_link(id(2), "a@b.c").await.err(),
    ] {
        assert_eq!(refused.unwrap().kind(), &ErrorKind::NotFound);
    }
    assert!(store.user_link(id(2), "a@b.c").await.unwrap().is_none());
    store.delete_connection(c).await.unwrap();
    assert!(store.user_links(c).await.unwrap().is_empty());
    store.close().await.unwrap();
    let examined = check(folder.path(), &options(), &mut |_| {}).unwrap();
    assert_eq!(examined.findings, [""; 0]);
}

#[tokio::test]
async fn no_key_and_no_debug_text_names_a_product_user() {
    let (folder, store, c) = connected().await;
    let link = user_link("unmistakable@example.com");
    assert!(!format!("{link:?}").contains("unmistakable"));
    store.set_user_link(c, link).await.unwrap();
    store.close().await.unwrap();
    let entries = database(folder.path()).open_tree("user_links").unwrap();
    let keys: Vec<_> = entries.iter().keys().map(Result::unwrap).collect();
    assert_eq!(keys.len(), 1);
    let holds = |text: &[u8], what: &[u8]| text.windows(what.len()).any(|part| part == what);
    assert!(!holds(&keys[0], b"unmistakable"));
}
