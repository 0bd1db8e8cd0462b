//! What we wrote is known as ours: it is not taken for the work of people, nor theirs for ours.

use proto::v1 as pb;
use proto::v1::OperationState::{Cancelled, Succeeded};
use serde_json::{Value, json};

use crate::support::{Setup, World, fresh_id, until, why};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl World {
    async fn tag(&self, opportunity: &str, tags: &[&str], respect_removals: bool) -> pb::Operation {
        let request = pb::AddTagsRequest {
            opportunity_id: opportunity.to_owned(),
            request_id: fresh_id(),
            tags: owned(tags),
            respect_removals,
            ..Default::default()
        };
        self.add_tags(request).await.expect("recorded")
    }

    async fn untag(&self, opportunity: &str, tags: &[&str], only_ours: bool) -> pb::Operation {
        let request = pb::RemoveTagsRequest {
            opportunity_id: opportunity.to_owned(),
            request_id: fresh_id(),
            tags: owned(tags),
            only_ours,
            ..Default::default()
        };
        self.remove_tags(request).await.expect("recorded")
    }

    fn has_tag(&self, opportunity: &str, tag: &str) -> bool {
        let person = self.lever.opportunity(opportunity).expect("there");
        person["tags"]
            .as_array()
            .expect("a list")
            .contains(&json!(tag))
    }

    /// Somebody works in Lever itself, and the mirror sees it.
    pub(crate) async fn somebody_in_lever(&self, opportunity: &str, call: &str, body: Value) {
        self.past_us(opportunity, call, body).await;
        self.pull_until_mirror_equals_lever().await;
    }

    /// Somebody works in Lever itself, past us.
    pub(crate) async fn past_us(&self, opportunity: &str, call: &str, body: Value) {
        let url = format!(
            "{}/opportunities/{opportunity}/{call}",
            self.lever.base_url()
        );
        // Another test may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let answer = reqwest::Client::new()
            .post(url)
            .basic_auth(lever_sim::DEFAULT_KEY, Some(""))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    async fn ours(&self, opportunity: &str) -> Option<pb::Ours> {
        let request = pb::GetCandidateRequest {
            connection_id: self.connection.clone(),
            whose: Some(pb::get_candidate_request::Whose::OpportunityId(
                opportunity.to_owned(),
            )),
            ..Default::default()
        };
        let answer = self.api.candidates().get_candidate(request).await;
        let candidacies = answer.expect("a candidate").into_inner().candidacies;
        let of = |detail: &pb::CandidacyDetail| {
            let candidacy = detail.candidacy.as_ref();
            candidacy.is_some_and(|candidacy| candidacy.opportunity_id == opportunity)
        };
        candidacies.into_iter().find(of).expect("this one").ours
    }
}

#[tokio::test]
async fn a_tag_that_people_removed_is_not_added_again_by_a_sync() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    world.tag(&person, &["Nightly", "Weekly"], true).await;
    world
        .somebody_in_lever(&person, "removeTags", json!({"tags": ["Nightly"]}))
        .await;
    let again = world
        .tag(&person, &["Nightly", "Weekly", "New"], true)
        .await;
    assert_eq!(
        (again.state(), again.left_out),
        (Succeeded, owned(&["Nightly"]))
    );
    assert!(!world.has_tag(&person, "Nightly") && world.has_tag(&person, "New"));
    let nothing = world.tag(&person, &["Nightly"], true).await;
    assert_eq!(nothing.state(), Cancelled);
    assert_eq!(why(&nothing).reason, "REMOVED_IN_LEVER");
    // Somebody who wants it back says so.
    world.tag(&person, &["Nightly"], false).await;
    assert!(world.has_tag(&person, "Nightly"));
}

#[tokio::test]
async fn only_what_is_ours_is_removed_where_that_is_asked_for() {
    let mut world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    world
        .somebody_in_lever(&person, "addTags", json!({"tags": ["Theirs"]}))
        .await;
    world.tag(&person, &["Ours", "Theirs"], false).await;
    let note = world
        .note(&person, &fresh_id(), "ours")
        .await
        .expect("recorded");
    world.kill().await;
    world.start().await;
    let ours = world.ours(&person).await.expect("something is ours");
    assert_eq!(
        (ours.tags, ours.note_ids),
        (owned(&["Ours"]), vec![note.result_id])
    );
    let nothing = world.untag(&person, &["Theirs"], true).await;
    assert_eq!(
        (nothing.state(), why(&nothing).reason.as_str()),
        (Cancelled, "NOT_OURS")
    );
    let some = world.untag(&person, &["Ours", "Theirs"], true).await;
    assert_eq!(
        (some.state(), some.left_out),
        (Succeeded, owned(&["Theirs"]))
    );
    assert!(world.has_tag(&person, "Theirs") && !world.has_tag(&person, "Ours"));
    world.untag(&person, &["Theirs"], false).await;
    assert!(!world.has_tag(&person, "Theirs"));
}

/// F-24: what we added goes, whichever spelling Lever has kept of it and whichever is asked for.
#[tokio::test]
async fn f24_a_link_of_ours_is_removed_in_another_spelling() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let added = "https://www.linkedin.com/in/grace-hopper/";
    let theirs = "https://theirs.example";
    let body = json!({"links": [theirs]});
    world.somebody_in_lever(&person, "addLinks", body).await;
    let add = pb::AddLinksRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        links: owned(&[added]),
        ..Default::default()
    };
    let done = world.add_links(add).await.expect("recorded");
    assert_eq!(done.state(), Succeeded, "{done:?}");
    let in_lever = || -> Vec<String> {
        let document = world.lever.opportunity(&person).expect("there");
        let links = document["links"].as_array().expect("a list").iter();
        links
            .map(|link| link.as_str().expect("a text").to_owned())
            .collect()
    };
    assert!(in_lever().contains(&added.to_owned()));
    let remove = pb::RemoveLinksRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        links: owned(&["linkedin.com/in/Grace-Hopper", theirs]),
        only_ours: true,
        ..Default::default()
    };
    let done = world.remove_links(remove).await.expect("recorded");
    assert_eq!((done.state(), done.left_out), (Succeeded, owned(&[theirs])));
    let left = in_lever();
    assert!(
        left.contains(&theirs.to_owned()) && !left.contains(&added.to_owned()),
        "{left:?}"
    );
    assert!(
        world
            .ours(&person)
            .await
            .is_none_or(|ours| ours.links.is_empty())
    );
}

/// The mirror tells of a write once, when it has read it back; the pulls that meet it again are no news.
#[tokio::test]
async fn the_echo_of_our_own_write_is_not_a_change() {
    let world = World::synced(Setup::new(40)).await;
    let people = world.open_opportunities();
    let request = pb::WatchChangesRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let watched = world.api.changes().watch_changes(request).await;
    let mut watched = watched.expect("a stream").into_inner();
    world.tag(&people[0], &["Echo"], false).await;
    for _ in 0..2 {
        let asked = world.calls("listOpportunities").len();
        world.pull().await;
        until("a pass over opportunities has begun", async || {
            (world.calls("listOpportunities").len() > asked).then_some(())
        })
        .await;
    }
    world.tag(&people[1], &["Last"], false).await;
    let mut told = 0;
    loop {
        let answer = watched.message().await.expect("no error").expect("goes on");
        let of = |id: &str| {
            answer
                .changes
                .iter()
                .filter(|change| change.id == id)
                .count()
        };
        told += of(&people[0]);
        if of(&people[1]) > 0 {
            break;
        }
    }
    assert_eq!(told, 1);
}

/// What people took away and put back is theirs from then on, also after a restart.
#[tokio::test]
async fn what_people_removed_and_put_back_is_not_ours_any_more() {
    let mut world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let link = "https://ours.example";
    world.tag(&person, &["Nightly", "Weekly"], false).await;
    let add = pb::AddLinksRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        links: owned(&[link]),
        ..Default::default()
    };
    let added = world.add_links(add).await.expect("recorded");
    assert_eq!((added.state(), added.result_id.as_str()), (Succeeded, ""));
    for (remove, add, body) in [
        ("removeTags", "addTags", json!({"tags": ["Nightly"]})),
        ("removeLinks", "addLinks", json!({"links": [link]})),
    ] {
        world.somebody_in_lever(&person, remove, body.clone()).await;
        world.somebody_in_lever(&person, add, body).await;
    }
    world.kill().await;
    world.start().await;
    let ours = world.ours(&person).await.expect("something is ours");
    assert_eq!((ours.tags, ours.links), (owned(&["Weekly"]), Vec::new()));
    let some = world.untag(&person, &["Nightly", "Weekly"], true).await;
    assert_eq!(
        (some.state(), some.left_out),
        (Succeeded, owned(&["Nightly"]))
    );
    let remove = pb::RemoveLinksRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        links: owned(&[link]),
        only_ours: true,
        ..Default::default()
    };
    let nothing = world.remove_links(remove).await.expect("recorded");
    assert_eq!(
        (nothing.state(), why(&nothing).reason.as_str()),
        (Cancelled, "NOT_OURS")
    );
    // That they removed it once is remembered.
    let body = json!({"tags": ["Nightly", "nightly"]});
    world.somebody_in_lever(&person, "removeTags", body).await;
    let again = world.tag(&person, &["Nightly"], true).await;
    assert_eq!(
        (again.state(), why(&again).reason.as_str()),
        (Cancelled, "REMOVED_IN_LEVER")
    );
}
