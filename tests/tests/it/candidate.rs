//! All that the mirror knows of one person (F-30, X5, X8).

use std::collections::BTreeSet;

use domain::Stream;
use lever_sim::{Act, Permissions};
use proto::v1 as pb;
use proto::v1::get_candidate_request::Whose;
use serde_json::Value;
use tonic::{Code, Status};

use crate::support::{Setup, World, refused, until};

impl World {
    pub(crate) async fn candidate(&self, whose: Whose) -> Result<pb::GetCandidateResponse, Status> {
        let request = pb::GetCandidateRequest {
            connection_id: self.connection.clone(),
            whose: Some(whose),
            include_raw_json: true,
        };
        let answer = self.api.candidates().get_candidate(request).await?;
        Ok(answer.into_inner())
    }
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value[path].as_str().unwrap_or_default()
}

fn contact(person: &Value) -> Whose {
    Whose::ContactId(text(person, "contact").to_owned())
}

fn opportunity(person: &Value) -> Whose {
    Whose::OpportunityId(text(person, "id").to_owned())
}

/// The documents of a list by id.
fn ids<R: AsRef<[u8]>>(raws: impl IntoIterator<Item = R>) -> BTreeSet<String> {
    let documents = raws
        .into_iter()
        .map(|raw| serde_json::from_slice::<Value>(raw.as_ref()));
    let documents = documents.map(|document| document.expect("JSON"));
    documents
        .map(|document| text(&document, "id").to_owned())
        .collect()
}

#[tokio::test]
async fn a_person_is_told_whole_by_either_id() {
    let world = World::synced(Setup::full(40)).await;
    let people = world.lever.opportunities();
    let mut lists = 0;
    for person in &people {
        let told = world.candidate(opportunity(person)).await.expect("told");
        let by_contact = world.candidate(contact(person)).await.expect("told");
        assert_eq!(by_contact.contact_id, told.contact_id);
        assert_eq!(by_contact.candidacies.len(), told.candidacies.len());
        assert_eq!(told.contact_id, text(person, "contact"));
        let all: BTreeSet<&str> = people
            .iter()
            .filter(|other| other["contact"] == person["contact"])
            .map(|other| text(other, "id"))
            .collect();
        let rows = told
            .candidacies
            .iter()
            .filter_map(|detail| detail.candidacy.as_ref());
        let shown: BTreeSet<&str> = rows.map(|row| row.opportunity_id.as_str()).collect();
        assert_eq!(shown, all);
        let name = told.fields.iter().find(|field| field.field == "NAME");
        let name = name
            .expect("a name")
            .values
            .first()
            .map(|value| value.raw.as_str());
        assert_eq!(name.unwrap_or_default(), text(person, "name"));
        assert!(told.as_of.is_some());
        for detail in &told.candidacies {
            let id = &detail.candidacy.as_ref().expect("a row").opportunity_id;
            if detail
                .unread
                .iter()
                .any(|list| list.reason == "NOT_HYDRATED")
            {
                // Archived long ago: read when somebody asks.
                continue;
            }
            assert_eq!(detail.unread, []);
            let shown = [
                ("notes", ids(detail.notes.iter().map(|one| &one.raw_json))),
                ("offers", ids(detail.offers.iter().map(|one| &one.raw_json))),
                (
                    "interviews",
                    ids(detail.interviews.iter().map(|one| &one.raw_json)),
                ),
                ("panels", ids(detail.panels.iter().map(|one| &one.raw_json))),
                (
                    "feedback",
                    ids(detail.feedback.iter().map(|one| &one.raw_json)),
                ),
                ("files", ids(detail.files.iter().map(|one| &one.raw_json))),
                (
                    "resumes",
                    ids(detail.resumes.iter().map(|one| &one.raw_json)),
                ),
                ("forms", ids(detail.forms.iter().map(|one| &one.raw_json))),
                (
                    "referrals",
                    ids(detail.referrals.iter().map(|one| &one.raw_json)),
                ),
            ];
            for (kind, shown) in shown {
                let path = format!("/opportunities/{id}/{kind}");
                let records = world.listed_in_lever(&path).await.into_iter();
                let open = records.filter(|(_, raw)| !raw.contains("\"secret\":true"));
                let expected: BTreeSet<String> = open.map(|(id, _)| id).collect();
                assert_eq!(shown, expected, "{kind}");
            }
            lists += detail.notes.len().min(1) + detail.feedback.len().min(1);
        }
    }
    assert!(lists > 5, "the population has notes and feedback");
    for nobody in [
        Whose::ContactId("00000000-0000-4000-8000-000000000000".to_owned()),
        Whose::OpportunityId("00000000-0000-4000-8000-000000000000".to_owned()),
        Whose::OpportunityId("a\0b".to_owned()),
    ] {
        assert_eq!(refused(world.candidate(nobody).await).code, Code::NotFound);
    }
    let told = refused(world.candidate(Whose::ContactId(String::new())).await);
    assert_eq!(
        (told.code, told.fields),
        (Code::InvalidArgument, vec!["contact_id".to_owned()])
    );
}

#[tokio::test]
async fn x8_the_way_through_the_stages_goes_by_their_ids() {
    let world = World::synced(Setup::new(30)).await;
    let person = world.open_opportunities().remove(0);
    let stages = world.lever.stages();
    let stage = |at: usize| text(&stages[at], "id").to_owned();
    let (far, back) = (stage(stages.len() - 1), stage(2));
    for to in [&far, &back] {
        let act = Act::MoveStage {
            opportunity: person.clone(),
            stage: to.clone(),
            user: None,
        };
        world.lever.act(act).expect("moved");
    }
    world.pull().await;
    let whose = Whose::OpportunityId(person.clone());
    let detail = until("the moves are mirrored", async || {
        let told = world.candidate(whose.clone()).await.ok()?;
        let of_person = |detail: &pb::CandidacyDetail| {
            let row = detail.candidacy.as_ref().expect("a row");
            row.opportunity_id == person && row.stage_id == back
        };
        told.candidacies.into_iter().find(of_person)
    })
    .await;
    assert_eq!(detail.furthest_stage_id, far);
    assert_eq!(detail.effective_furthest_stage_id, back);
    let last: Vec<&str> = detail
        .stays
        .iter()
        .rev()
        .take(2)
        .map(|stay| stay.stage_id.as_str())
        .collect();
    assert_eq!(last, [back.as_str(), far.as_str()]);
    assert!(detail.stays.last().expect("a stay").left_at.is_none());
    let left = detail
        .stays
        .iter()
        .rev()
        .nth(1)
        .and_then(|stay| stay.left_at);
    assert_eq!(left, detail.stays.last().expect("a stay").entered_at);
    let of_history: BTreeSet<&str> = detail
        .stays
        .iter()
        .map(|stay| stay.stage_id.as_str())
        .collect();
    let of_times: BTreeSet<&str> = detail
        .stage_times
        .iter()
        .map(|time| time.stage_id.as_str())
        .collect();
    assert_eq!(of_history, of_times);
}

#[tokio::test]
async fn what_a_key_may_not_read_is_named_and_the_rest_is_there() {
    let mut setup = Setup::full(20);
    let missing = ["find all opportunity offers".to_owned()];
    setup.lever.keys[0].permissions = Permissions::AllBut(missing.into());
    let world = World::synced(setup).await;
    let person = world.open_opportunities().remove(0);
    let told = world
        .candidate(Whose::OpportunityId(person))
        .await
        .expect("told");
    let unread = &told.candidacies[0].unread;
    let told: Vec<_> = unread
        .iter()
        .map(|list| (list.stream.as_str(), list.reason.as_str()))
        .collect();
    assert_eq!(told, [("offers", "LEVER_PERMISSION_MISSING")]);
    assert!(unread[0].message.contains("find all opportunity offers"));
}

#[tokio::test]
async fn a_confidential_person_is_nobody_without_the_right() {
    let mut world = World::synced(Setup::new(400).keeping(&[Stream::Notes])).await;
    let people = world.lever.opportunities();
    let secret = people
        .iter()
        .find(|person| person["confidentiality"] == "confidential");
    let secret = secret.expect("the population has some").clone();
    assert!(world.stop().await.success());
    let trusted = world
        .home
        .token(&["--role", "reader", "--right", "confidential"])
        .await;
    let plain = world.home.token(&["--role", "reader"]).await;
    world.start().await;
    world.api = world.api.with_token(&trusted);
    let told = world.candidate(opportunity(&secret)).await.expect("told");
    assert!(
        told.candidacies
            .iter()
            .any(|one| one.candidacy.as_ref().expect("a row").confidential)
    );
    world.api = world.api.with_token(&plain);
    assert_eq!(
        refused(world.candidate(opportunity(&secret)).await).code,
        Code::NotFound
    );
    if let Ok(told) = world.candidate(contact(&secret)).await {
        assert!(
            !told
                .candidacies
                .iter()
                .any(|one| one.candidacy.as_ref().expect("a row").confidential)
        );
    }
}

/// X10: nobody would tell that the person of a contact without opportunities was deleted or anonymized.
#[tokio::test]
async fn x10_who_was_merged_into_another_is_told_as_that_one_alone() {
    let world = World::synced(Setup::new(60)).await;
    let people = world.lever.opportunities();
    let with_email = |person: &&Value| {
        person["emails"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    };
    let former = people.iter().find(with_email).expect("somebody");
    let email = former["emails"][0].as_str().expect("an address");
    let other = |person: &&Value| person["contact"] != former["contact"];
    let present = people.iter().rev().find(other).expect("somebody else");
    let merge = Act::Merge {
        contact: text(former, "contact").to_owned(),
        into: text(present, "contact").to_owned(),
    };
    world.lever.act(merge).expect("done");
    world.pull().await;
    // The lists below them may still be read, one after the other.
    until("they are one person", async || {
        let told = world.candidate(contact(former)).await.expect("told");
        let again = world.candidate(opportunity(former)).await.expect("told");
        let one = told.contact_id == text(present, "contact") && told.fields == again.fields;
        one.then_some(())
    })
    .await;
    let contacts = world.records("contacts").await.expect("listed");
    assert!(contacts.contains_key(text(present, "contact")));
    assert!(!contacts.contains_key(text(former, "contact")));

    let anonymize = Act::Anonymize {
        contact: text(present, "contact").to_owned(),
    };
    world.lever.act(anonymize).expect("done");
    world.pull().await;
    until("the person is anonymized under both ids", async || {
        let told = world.candidate(contact(former)).await.expect("told");
        let contacts = world.records("contacts").await.expect("listed");
        let named = contacts.values().any(|raw| raw.contains(email));
        (told.anonymized && !named).then_some(())
    })
    .await;
}
