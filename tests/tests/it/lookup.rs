//! Who somebody is in Lever: found by what the product knows, with what tells so (F-51, X2).

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use lever_sim::Act;
use proto::v1 as pb;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::support::{Setup, World, fresh_id, refused, until};

impl World {
    async fn look_up(
        &self,
        identities: Vec<pb::Identity>,
    ) -> Result<pb::LookupCandidatesResponse, Status> {
        let request = pb::LookupCandidatesRequest {
            connection_id: self.connection.clone(),
            identities,
        };
        let answer = self.api.candidates().lookup_candidates(request).await?;
        Ok(answer.into_inner())
    }

    /// Who is found for one identity.
    async fn found(&self, identity: pb::Identity) -> Vec<pb::CandidateMatch> {
        let answer = self.look_up(vec![identity]).await.expect("an answer");
        answer.results.into_iter().next().expect("a result").matches
    }
}

fn by_email(email: &str) -> pb::Identity {
    pb::Identity {
        key: email.to_owned(),
        emails: vec![email.to_owned()],
        ..Default::default()
    }
}

fn texts<'v>(value: &'v Value, path: &str) -> Vec<&'v str> {
    let items = value[path].as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().or_else(|| item["value"].as_str()))
        .collect()
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value[path].as_str().unwrap_or_default()
}

/// Opportunities by what they are found under.
type Index = BTreeMap<String, BTreeSet<String>>;

fn index(people: &[Value], of: fn(&Value) -> Vec<String>) -> Index {
    let mut index = Index::new();
    for person in people {
        for key in of(person) {
            let opportunities = index.entry(key).or_default();
            opportunities.insert(text(person, "id").to_owned());
        }
    }
    index
}

fn opportunities(person: &pb::CandidateMatch) -> BTreeSet<String> {
    let rows = person.candidacies.iter();
    rows.map(|row| row.opportunity_id.clone()).collect()
}

#[tokio::test]
async fn f51_everybody_is_found_by_each_address_however_it_is_written() {
    let world = World::synced(Setup::new(300).keeping(&[])).await;
    let people = world.lever.opportunities();
    let emails = index(&people, |person| {
        texts(person, "emails")
            .into_iter()
            .map(str::to_lowercase)
            .collect()
    });
    let contacts = index(&people, |person| vec![text(person, "contact").to_owned()]);
    assert!(emails.len() > 100);
    for chunk in emails.keys().collect::<Vec<_>>().chunks(100) {
        let asked = chunk
            .iter()
            .map(|email| by_email(&email.to_uppercase()))
            .collect();
        let answer = world.look_up(asked).await.expect("an answer");
        assert!(answer.as_of.is_some());
        assert_eq!(answer.results.len(), chunk.len());
        for (email, result) in chunk.iter().zip(answer.results) {
            assert_eq!(result.key, email.to_uppercase());
            let told: BTreeSet<String> = result.matches.iter().flat_map(opportunities).collect();
            // Whoever has the address, with all that the same person has else.
            let expected: BTreeSet<String> = people
                .iter()
                .filter(|person| emails[*email].contains(text(person, "id")))
                .flat_map(|person| contacts[text(person, "contact")].clone())
                .collect();
            assert_eq!(told, expected, "{email}");
            let sure = |person: &pb::CandidateMatch| {
                person.strength() == pb::MatchStrength::Strong
                    && person
                        .evidence
                        .iter()
                        .any(|one| one.kind == "email" && one.field == "emails[0]")
            };
            assert!(result.matches.iter().all(sure), "{:?}", result.matches);
        }
    }
}

#[tokio::test]
async fn x2_what_others_may_share_is_weak_and_what_agrees_is_told() {
    let world = World::synced(Setup::new(60)).await;
    let people = world.lever.opportunities();
    let with = |path: &str| {
        let having = people.iter().find(|person| !texts(person, path).is_empty());
        having.expect("the population has some")
    };
    // A link that somebody adds counts from the moment it is there.
    let linked = &people[0];
    let body = json!({"links": ["http://linkedin.com/in/Ada-L/", "https://x.com/ada_l"]});
    let add = pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: "addOpportunityLinks".to_owned(),
        path_parameters: [("opportunity".to_owned(), text(linked, "id").to_owned())].into(),
        request_id: fresh_id(),
        body: Some(pb::call_request::Body::BodyJson(body.to_string().into())),
        ..Default::default()
    };
    let added = world
        .api
        .lever()
        .call(add)
        .await
        .expect("taken")
        .into_inner();
    let added = added.operation.expect("an operation");
    assert_eq!(added.state(), pb::OperationState::Succeeded);
    world.pull().await;
    let identity = pb::Identity {
        linkedin_url: "uk.linkedin.com/in/ADA-L?trk=x".to_owned(),
        emails: vec!["no address".to_owned()],
        github_url: "https://github.com.evil.io/ada".to_owned(),
        name: "Nobody Alone".to_owned(),
        ..Default::default()
    };
    until("the person is found by the link", async || {
        let found = world.found(identity.clone()).await;
        (!found.is_empty()).then_some(())
    })
    .await;
    let answer = world.look_up(vec![identity]).await.expect("an answer");
    let result = &answer.results[0];
    assert_eq!(result.unused_fields, ["emails[0]", "github_url", "name"]);
    let found = &result.matches[0];
    assert_eq!(found.strength(), pb::MatchStrength::Strong);
    assert_eq!(found.evidence[0].kind, "linkedin");
    assert_eq!(found.contact_id, text(linked, "contact"));

    let phoned = with("phones");
    let by_phone = pb::Identity {
        phones: vec![texts(phoned, "phones")[0].replace(['-', ' '], ".")],
        ..Default::default()
    };
    let found = world.found(by_phone).await;
    let same = found
        .iter()
        .find(|person| person.contact_id == text(phoned, "contact"));
    assert_eq!(same.expect("found").strength(), pb::MatchStrength::Weak);

    // Lever's own id is the surest, and comes before a stranger who shares an address.
    let (one, other) = (&people[0], with("emails"));
    let both = pb::Identity {
        contact_id: text(one, "contact").to_owned(),
        emails: vec![texts(other, "emails")[0].to_owned()],
        ..Default::default()
    };
    let found = world.found(both).await;
    assert_eq!(found[0].strength(), pb::MatchStrength::Exact);
    assert_eq!(found[0].contact_id, text(one, "contact"));
    assert!(
        world
            .found(by_email("nobody@example.invalid"))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_found_person_comes_with_how_each_candidacy_stands() {
    let world = World::synced(Setup::new(60)).await;
    let mapping = world.suggested().await.suggested.expect("a mapping");
    world.save_mapping(mapping).await.expect("saved");
    let people = world.lever.opportunities();
    let reasons = world.lever.archive_reasons();
    let mut seen = BTreeSet::new();
    for person in people
        .iter()
        .filter(|person| !texts(person, "emails").is_empty())
    {
        let found = world.found(by_email(texts(person, "emails")[0])).await;
        let rows = found.iter().flat_map(|found| &found.candidacies);
        let row = rows
            .into_iter()
            .find(|row| row.opportunity_id == text(person, "id"));
        let row = row.expect("the candidacy");
        assert_eq!(row.stage_id, text(person, "stage"));
        assert_eq!(row.owner_id, text(person, "owner"));
        assert_eq!(row.tags, texts(person, "tags"));
        assert_eq!(row.origin, text(person, "origin"));
        let reason = person["archived"]["reason"].as_str();
        let hires = reason.and_then(|id| reasons.iter().find(|reason| reason["id"] == id));
        let hires = hires.is_some_and(|reason| reason["type"] == "hired");
        let expected = match (person["archived"].is_null(), hires) {
            (true, _) => pb::CandidacyOutcome::Pending,
            (false, true) => pb::CandidacyOutcome::Hired,
            (false, false) => pb::CandidacyOutcome::Declined,
        };
        assert_eq!(row.outcome(), expected);
        match expected {
            pb::CandidacyOutcome::Hired => assert_eq!(row.product_stage, "HIRED"),
            pb::CandidacyOutcome::Declined => assert_eq!(row.product_stage, "REJECTED"),
            _ => assert!(!row.product_stage.is_empty() && row.archived_at.is_none()),
        }
        assert!(row.sla.is_some() && !row.stage_text.is_empty());
        seen.insert(expected as i32);
    }
    assert!(
        seen.len() >= 2,
        "the population has open and archived people"
    );
}

#[tokio::test]
async fn people_are_found_as_lever_has_them_now() {
    let world = World::synced(Setup::new(40)).await;
    let people = world.lever.opportunities();
    let mut reachable = people
        .iter()
        .filter(|person| !texts(person, "emails").is_empty());
    let (gone, anonymized) = (
        reachable.next().expect("one"),
        reachable.next().expect("two"),
    );
    let gone_email = texts(gone, "emails")[0].to_owned();
    let anonymized_email = texts(anonymized, "emails")[0].to_owned();
    for act in [
        Act::DeleteOpportunity {
            opportunity: text(gone, "id").to_owned(),
            user: None,
        },
        Act::Anonymize {
            contact: text(anonymized, "contact").to_owned(),
        },
    ] {
        world.lever.act(act).expect("done");
    }
    world.pull().await;
    until(
        "nobody is found by what was taken out of Lever",
        async || {
            let left = world.found(by_email(&gone_email)).await;
            let left = left
                .iter()
                .all(|found| !opportunities(found).contains(text(gone, "id")));
            let anonymized = world.found(by_email(&anonymized_email)).await;
            (left && anonymized.is_empty()).then_some(())
        },
    )
    .await;
    // By Lever's own id the person is still told, with the flag.
    let identity = pb::Identity {
        contact_id: text(anonymized, "contact").to_owned(),
        ..Default::default()
    };
    let found = world.found(identity).await;
    assert!(found[0].anonymized && found[0].name.is_empty());
}

#[tokio::test]
async fn confidential_people_are_found_by_those_who_may_see_them_only() {
    let mut world = World::synced(Setup::new(400).keeping(&[])).await;
    let people = world.lever.opportunities();
    let secret = people.iter().find(|person| {
        person["confidentiality"] == "confidential" && !texts(person, "emails").is_empty()
    });
    let secret = secret.expect("the population has some");
    let identity = pb::Identity {
        contact_id: text(secret, "contact").to_owned(),
        ..by_email(texts(secret, "emails")[0])
    };
    assert!(world.stop().await.success());
    let trusted = world
        .home
        .token(&["--role", "reader", "--right", "confidential"])
        .await;
    let plain = world.home.token(&["--role", "reader"]).await;
    let inbound = world.home.token(&["--role", "inbound"]).await;
    world.start().await;

    world.api = world.api.with_token(&trusted);
    let found = world.found(identity.clone()).await;
    assert!(
        found
            .iter()
            .any(|found| opportunities(found).contains(text(secret, "id")))
    );
    assert!(found[0].candidacies.iter().any(|row| row.confidential));
    world.api = world.api.with_token(&plain);
    for found in world.found(identity.clone()).await {
        assert!(!opportunities(&found).contains(text(secret, "id")));
    }
    world.api = world.api.with_token(&inbound);
    let told = refused(world.look_up(vec![identity]).await);
    assert_eq!(told.code, Code::PermissionDenied);
}

#[tokio::test]
async fn a_stream_of_any_length_is_answered_message_by_message() {
    let world = World::synced(Setup::new(30)).await;
    let people = world.lever.opportunities();
    let emails: Vec<String> = people
        .iter()
        .flat_map(|person| texts(person, "emails"))
        .map(str::to_owned)
        .collect();
    let first = world.connection.clone();
    let messages: Vec<_> = (0..50)
        .map(|at| pb::StreamLookupCandidatesRequest {
            connection_id: if at == 0 {
                first.clone()
            } else {
                String::new()
            },
            identities: emails.iter().map(|email| by_email(email)).collect(),
        })
        .collect();
    let asked = stream::iter(messages);
    let answers = world.api.candidates().stream_lookup_candidates(asked).await;
    let mut answers = answers.expect("a stream").into_inner();
    let mut count = 0;
    while let Some(answer) = answers.next().await {
        let answer = answer.expect("an answer");
        assert!(
            answer
                .results
                .iter()
                .all(|result| !result.matches.is_empty())
        );
        let keys: Vec<_> = answer.results.iter().map(|result| &result.key).collect();
        assert!(keys.into_iter().eq(&emails));
        count += 1;
    }
    assert_eq!(count, 50);

    let other = pb::StreamLookupCandidatesRequest {
        connection_id: uuid_of_nobody(),
        identities: vec![by_email(&emails[0])],
    };
    let own = pb::StreamLookupCandidatesRequest {
        connection_id: first,
        ..other.clone()
    };
    let asked = stream::iter([own, other]);
    let answers = world.api.candidates().stream_lookup_candidates(asked).await;
    let mut answers = answers.expect("a stream").into_inner();
    assert!(answers.next().await.expect("a message").is_ok());
    let told = refused(answers.next().await.expect("a message"));
    assert_eq!(
        (told.code, told.fields),
        (Code::InvalidArgument, vec!["connection_id".to_owned()])
    );
}

fn uuid_of_nobody() -> String {
    "00000000-0000-4000-8000-000000000000".to_owned()
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_refused_by_name() {
    let world = World::synced(Setup::new(10)).await;
    let long = "x".repeat(2001);
    let many = vec!["a@example.com".to_owned(); 51];
    for (identities, field) in [
        (Vec::new(), "identities"),
        (vec![pb::Identity::default(); 1001], "identities"),
        (
            vec![
                by_email("a@example.com"),
                pb::Identity {
                    key: long.clone(),
                    ..Default::default()
                },
            ],
            "identities[1].key",
        ),
        (
            vec![pb::Identity {
                emails: many.clone(),
                ..Default::default()
            }],
            "identities[0].emails",
        ),
        (
            vec![pb::Identity {
                phones: many,
                ..Default::default()
            }],
            "identities[0].phones",
        ),
        (
            vec![pb::Identity {
                linkedin_url: long.clone(),
                ..Default::default()
            }],
            "identities[0].linkedin_url",
        ),
        (
            vec![pb::Identity {
                contact_id: long,
                ..Default::default()
            }],
            "identities[0].contact_id",
        ),
    ] {
        let told = refused(world.look_up(identities).await);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, vec![field.to_owned()])
        );
    }
    // Ids that no key can hold are nobody's.
    let odd = pb::Identity {
        contact_id: "a\0b".to_owned(),
        ..Default::default()
    };
    assert!(world.found(odd).await.is_empty());
    assert!(world.found(pb::Identity::default()).await.is_empty());
}
