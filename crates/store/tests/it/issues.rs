//! Issues of a connection.

use domain::Issue;
use store::{ErrorKind, IssueChanges, check};

use crate::support::*;

#[tokio::test]
async fn issues_are_written_as_what_is_made_of_those_there_are() {
    let (folder, store, c) = connected().await;
    change_issues(&store, c, vec![issue(1), issue(2)], Vec::new()).await;
    let change = |known: Vec<Issue>| {
        let (first, second) = (known[0].clone(), known[1].id);
        IssueChanges {
            changed: vec![Issue { count: 7, ..first }],
            removed: vec![second],
        }
    };
    let written = store.change_issues(c, change).await.unwrap();
    store.close().await.unwrap();
    let store = open(folder.path());
    assert_eq!(store.issues(c).await.unwrap(), written.changed);
}

#[tokio::test]
async fn issues_are_of_one_connection_and_go_with_it() {
    let (folder, store, c) = connected().await;
    change_issues(&store, c, vec![issue(1)], Vec::new()).await;
    assert!(store.issues(id(2)).await.unwrap().is_empty());
    let refused = store.change_issues(id(2), |_known| IssueChanges::default());
    assert_eq!(refused.await.unwrap_err().kind(), &ErrorKind::NotFound);
    store.delete_connection(c).await.unwrap();
    assert!(store.issues(c).await.unwrap().is_empty());
    store.close().await.unwrap();
    let examined = check(folder.path(), &options(), &mut |_| {}).unwrap();
    assert_eq!(examined.findings, [""; 0]);
}
