//! Who may be in Lever twice, and who was told apart (X2).

use std::collections::{BTreeMap, BTreeSet};

use lever_sim::Act;
use proto::v1 as pb;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::support::{Setup, World, fresh_id, refused, until};

/// Two people by their ids, the lesser first.
type Two = (String, String);

/// How long something is over its SLA grows from one page to the next, on business days.
fn without_the_clock(mut pair: pb::DuplicatePair) -> pb::DuplicatePair {
    let people = pair.people.iter_mut();
    for candidacy in people.flat_map(|person| &mut person.candidacies) {
        if let Some(sla) = &mut candidacy.sla {
            sla.over_by = None;
        }
    }
    pair
}

impl World {
    async fn duplicates(
        &self,
        request: pb::ListDuplicatesRequest,
    ) -> Result<pb::ListDuplicatesResponse, Status> {
        let request = pb::ListDuplicatesRequest {
            connection_id: self.connection.clone(),
            ..request
        };
        let answer = self.api.candidates().list_duplicates(request).await?;
        Ok(answer.into_inner())
    }

    /// The whole report, read in pages of so many.
    async fn report(&self, mut request: pb::ListDuplicatesRequest) -> pb::ListDuplicatesResponse {
        let mut report = pb::ListDuplicatesResponse::default();
        let mut walked = 0;
        loop {
            let page = self.duplicates(request.clone()).await.expect("a page");
            assert!(page.as_of.is_some());
            let size = page.pairs.len() + page.crowds.len();
            assert!(request.page_size == 0 || size as i32 <= request.page_size);
            report
                .pairs
                .extend(page.pairs.into_iter().map(without_the_clock));
            report.crowds.extend(page.crowds);
            assert!(page.walked_percent >= walked && page.walked_percent <= 100);
            walked = page.walked_percent;
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                assert_eq!(walked, 100);
                return report;
            }
        }
    }

    async fn pairs(&self) -> Vec<Two> {
        twos(&self.report(pb::ListDuplicatesRequest::default()).await)
    }

    async fn tell_apart(
        &self,
        one: &str,
        other: &str,
        undo: bool,
    ) -> Result<Option<pb::DuplicateDismissal>, Status> {
        let request = pb::DismissDuplicateRequest {
            connection_id: self.connection.clone(),
            contact_id: one.to_owned(),
            other_contact_id: other.to_owned(),
            undo,
        };
        let answer = self.api.candidates().dismiss_duplicate(request).await?;
        Ok(answer.into_inner().dismissal)
    }

    /// Gives somebody these addresses in Lever, in place of those of the contact.
    async fn address(&self, contact: &str, emails: &[&str]) {
        let body = json!({ "emails": emails });
        let update = pb::CallRequest {
            connection_id: self.connection.clone(),
            operation_id: "updateContact".to_owned(),
            path_parameters: [("contact".to_owned(), contact.to_owned())].into(),
            request_id: fresh_id(),
            body: Some(pb::call_request::Body::BodyJson(body.to_string().into())),
            ..Default::default()
        };
        let answer = self.api.lever().call(update).await.expect("taken");
        let operation = answer.into_inner().operation.expect("an operation");
        assert_eq!(operation.state(), pb::OperationState::Succeeded);
    }

    /// People in Lever of whom nothing is confidential, each by the id of the contact.
    fn open_people(&self) -> Vec<String> {
        let people = self.lever.opportunities();
        let secret: BTreeSet<&str> = people
            .iter()
            .filter(|person| person["confidentiality"] == "confidential")
            .map(|person| text(person, "contact"))
            .collect();
        let open = people.iter().map(|person| text(person, "contact"));
        let open: BTreeSet<&str> = open.filter(|contact| !secret.contains(contact)).collect();
        open.into_iter().map(str::to_owned).collect()
    }
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value[path].as_str().unwrap_or_default()
}

fn two(one: &str, other: &str) -> Two {
    let (first, second) = (one.min(other), one.max(other));
    (first.to_owned(), second.to_owned())
}

fn twos(report: &pb::ListDuplicatesResponse) -> Vec<Two> {
    let two = |pair: &pb::DuplicatePair| match pair.people.as_slice() {
        [one, other] => (one.contact_id.clone(), other.contact_id.clone()),
        people => panic!("{} people in a pair", people.len()),
    };
    report.pairs.iter().map(two).collect()
}

fn weak() -> pb::ListDuplicatesRequest {
    pb::ListDuplicatesRequest {
        include_weak: true,
        ..Default::default()
    }
}

#[tokio::test]
async fn x2_a_shared_address_is_told_once_and_never_again_once_told_apart() {
    let mut world = World::synced(Setup::new(60)).await;
    let people = world.open_people();
    let (one, other) = (people[0].as_str(), people[1].as_str());
    let expected = two(one, other);
    let same = ["Twice@example.com", "again@example.com"];
    world.address(one, &same).await;
    world
        .address(
            other,
            &same.map(str::to_uppercase).each_ref().map(String::as_str),
        )
        .await;
    world.pull().await;
    until("the two are a pair", async || {
        world.pairs().await.contains(&expected).then_some(())
    })
    .await;
    let report = world.report(weak()).await;
    let told = twos(&report);
    let ours: Vec<_> = told
        .iter()
        .zip(&report.pairs)
        .filter(|(two, _)| **two == expected)
        .map(|(_, pair)| pair)
        .collect();
    assert_eq!(ours.len(), 1, "two addresses, one pair");
    for person in &ours[0].people {
        assert_eq!(person.strength(), pb::MatchStrength::Strong);
        assert_eq!(person.evidence[0].kind, "email");
        let rows = &person.candidacies;
        assert!(rows.iter().all(|row| row.contact_id == person.contact_id));
        assert!(!rows.is_empty() && !person.name.is_empty());
    }
    assert_eq!(ours[0].dismissal, None);

    let told = world.tell_apart(other, one, false).await;
    let told = told.expect("told apart").expect("a dismissal");
    assert_eq!(told.dismissed_by, "local");
    let again = world.tell_apart(one, other, false).await;
    assert_eq!(again.expect("again").as_ref(), Some(&told));
    assert!(!world.pairs().await.contains(&expected));
    // Neither a restart nor something else in common brings it back.
    assert!(world.stop().await.success());
    world.start().await;
    world.address(one, &["third@example.com"]).await;
    world.address(other, &["third@example.com"]).await;
    world.pull().await;
    let shown = pb::ListDuplicatesRequest {
        include_dismissed: true,
        ..Default::default()
    };
    let pair = until("it is shown to who asks for it", async || {
        let report = world.report(shown.clone()).await;
        let at = twos(&report).iter().position(|pair| *pair == expected)?;
        Some(report.pairs[at].clone())
    })
    .await;
    assert_eq!(pair.dismissal, Some(told));
    assert!(!world.pairs().await.contains(&expected));

    let undone = world.tell_apart(one, other, true).await.expect("undone");
    assert_eq!(undone, None);
    assert!(world.pairs().await.contains(&expected));
    // Anonymized people are nobody's duplicates.
    let anonymize = Act::Anonymize {
        contact: one.to_owned(),
    };
    world.lever.act(anonymize).expect("done");
    world.pull().await;
    until("an anonymized person is left out", async || {
        (!world.pairs().await.contains(&expected)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_pair_comes_once_whatever_the_size_of_a_page_and_what_is_told_apart_meanwhile() {
    let world = World::synced(Setup::new(60)).await;
    let people = world.open_people();
    // Twelve share an address, three others another, and two of these a second one.
    let (agency, few) = (&people[..12], &people[12..15]);
    for contact in agency {
        world.address(contact, &["agency@example.com"]).await;
    }
    for contact in &few[..2] {
        let both = ["few@example.com", "two@example.com"];
        world.address(contact, &both).await;
    }
    world.address(&few[2], &["few@example.com"]).await;
    world.pull().await;
    let expected = [(0, 1), (0, 2), (1, 2)].map(|(one, other)| two(&few[one], &few[other]));
    let crowd = until("the twelve are a crowd", async || {
        let report = world.report(pb::ListDuplicatesRequest::default()).await;
        let pairs = twos(&report);
        let all = expected.iter().all(|pair| pairs.contains(pair));
        let crowd = report.crowds.into_iter().find(|crowd| crowd.people == 12);
        crowd.filter(|_| all)
    })
    .await;
    assert_eq!(crowd.kind, "email");
    assert_eq!(crowd.strength(), pb::MatchStrength::Strong);
    assert_eq!(crowd.contact_ids, agency[..10]);
    let strong = world.pairs().await;
    let within = |(one, other): &Two| agency.contains(one) && agency.contains(other);
    assert!(!strong.iter().any(within), "the crowd pairs nobody");

    for mut request in [pb::ListDuplicatesRequest::default(), weak()] {
        let whole = world.report(request.clone()).await;
        let pairs = twos(&whole);
        let once: BTreeSet<_> = pairs.iter().collect();
        assert_eq!(once.len(), pairs.len());
        for size in [1, 2, 3] {
            request.page_size = size;
            assert_eq!(world.report(request.clone()).await, whole, "by {size}");
        }
    }
    // What was told is told apart before the next page: nothing is skipped, nothing comes again.
    let mut request = pb::ListDuplicatesRequest {
        page_size: 1,
        ..Default::default()
    };
    let mut told: BTreeMap<Two, usize> = BTreeMap::new();
    loop {
        let page = world.duplicates(request.clone()).await.expect("a page");
        for (one, other) in twos(&page) {
            let answer = world.tell_apart(&one, &other, false).await;
            answer.expect("told apart");
            *told.entry((one, other)).or_default() += 1;
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let once: BTreeMap<Two, usize> = strong.into_iter().map(|pair| (pair, 1)).collect();
    assert_eq!(told, once);
    assert!(world.pairs().await.is_empty());
}

#[tokio::test]
async fn confidential_people_are_duplicates_for_those_who_may_see_them_only() {
    let mut world = World::synced(Setup::new(400).keeping(&[])).await;
    let people = world.lever.opportunities();
    let secret = people.iter().find(|person| {
        let same = |other: &&Value| other["contact"] == person["contact"];
        let mut all = people.iter().filter(same);
        all.all(|other| other["confidentiality"] == "confidential")
    });
    let secret = text(secret.expect("the population has some"), "contact").to_owned();
    let seen = world.open_people().remove(0);
    let expected = two(&secret, &seen);
    world.address(&secret, &["hidden@example.com"]).await;
    world.address(&seen, &["hidden@example.com"]).await;
    world.pull().await;
    until("the two are a pair", async || {
        world.pairs().await.contains(&expected).then_some(())
    })
    .await;
    assert!(world.stop().await.success());
    let trusted = world
        .home
        .token(&["--role", "product", "--right", "confidential"])
        .await;
    let plain = world.home.token(&["--role", "product"]).await;
    let reader = world.home.token(&["--role", "reader"]).await;
    let inbound = world.home.token(&["--role", "inbound"]).await;
    world.start().await;

    world.api = world.api.with_token(&plain);
    assert!(!world.pairs().await.contains(&expected));
    for (one, other) in [(&secret, &seen), (&seen, &secret)] {
        let told = refused(world.tell_apart(one, other, false).await);
        assert_eq!(told.code, Code::NotFound);
    }
    world.api = world.api.with_token(&reader);
    assert!(!world.pairs().await.contains(&expected));
    let told = refused(world.tell_apart(&secret, &seen, false).await);
    assert_eq!(told.code, Code::PermissionDenied);
    world.api = world.api.with_token(&inbound);
    let told = refused(world.duplicates(weak()).await);
    assert_eq!(told.code, Code::PermissionDenied);
    world.api = world.api.with_token(&trusted);
    assert!(world.pairs().await.contains(&expected));
    let told = world.tell_apart(&secret, &seen, false).await;
    assert!(told.expect("told apart").is_some());
    assert!(!world.pairs().await.contains(&expected));
}

#[tokio::test]
async fn what_cannot_be_told_apart_or_listed_is_refused_by_name() {
    let world = World::synced(Setup::new(10)).await;
    let person = &world.open_people()[0];
    let long = "x".repeat(1001);
    for (one, other, field) in [
        ("", person.as_str(), "contact_id"),
        (person, "", "other_contact_id"),
        (&long, person, "contact_id"),
        (person, &long, "other_contact_id"),
        (person, person, "other_contact_id"),
    ] {
        let told = refused(world.tell_apart(one, other, false).await);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, vec![field.to_owned()])
        );
    }
    for nobody in ["nobody", "a\0b"] {
        for undo in [false, true] {
            let told = refused(world.tell_apart(person, nobody, undo).await);
            assert_eq!(told.code, Code::NotFound);
        }
    }
    let negative = pb::ListDuplicatesRequest {
        page_size: -1,
        ..Default::default()
    };
    let forged = pb::ListDuplicatesRequest {
        page_token: "AAAA".to_owned(),
        ..Default::default()
    };
    for (request, field) in [(negative, "page_size"), (forged, "page_token")] {
        let told = refused(world.duplicates(request).await);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, vec![field.to_owned()])
        );
    }
}
