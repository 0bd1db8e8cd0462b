//! Writes to a person whose answer is lost, and what people make of them before the next try.

use lever_sim::{Act, Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::{Succeeded, Uncertain};
use serde_json::{Value, json};

use crate::support::{Setup, World, fresh_id, until, why};

const TAG: &str = "Kept tag";
const SOURCE: &str = "Kept source";
const LINK: &str = "https://example.org/kept";

/// A kind of write, as Lever names its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    AddTags,
    RemoveTags,
    AddSources,
    RemoveSources,
    AddLinks,
    RemoveLinks,
    Archive,
    Unarchive,
}

use Kind::{
    AddLinks, AddSources, AddTags, Archive, RemoveLinks, RemoveSources, RemoveTags, Unarchive,
};

const ALL: [Kind; 8] = [
    AddTags,
    RemoveTags,
    AddSources,
    RemoveSources,
    AddLinks,
    RemoveLinks,
    Archive,
    Unarchive,
];

impl Kind {
    fn call(self) -> &'static str {
        match self {
            AddTags => "addOpportunityTags",
            RemoveTags => "removeOpportunityTags",
            AddSources => "addOpportunitySources",
            RemoveSources => "removeOpportunitySources",
            AddLinks => "addOpportunityLinks",
            RemoveLinks => "removeOpportunityLinks",
            Archive | Unarchive => "updateOpportunityArchived",
        }
    }

    fn opposite(self) -> Kind {
        match self {
            AddTags => RemoveTags,
            RemoveTags => AddTags,
            AddSources => RemoveSources,
            RemoveSources => AddSources,
            AddLinks => RemoveLinks,
            RemoveLinks => AddLinks,
            Archive => Unarchive,
            Unarchive => Archive,
        }
    }
}

struct Room {
    world: World,
    person: String,
    reason: String,
}

impl Room {
    async fn new() -> Room {
        let world = World::synced(Setup::new(40)).await;
        let reasons = world.lever.archive_reasons();
        let usable = |one: &&Value| one["type"] == "non-hired" && one["status"] == "active";
        let reason = reasons.iter().find(usable).expect("a reason")["id"].clone();
        Room {
            person: world.open_opportunities().remove(0),
            reason: reason.as_str().expect("an id").to_owned(),
            world,
        }
    }

    /// Asks for a write; `wait` is how long its answer may take.
    async fn ask(&self, kind: Kind, wait: Option<prost_types::Duration>) -> pb::Operation {
        let (world, opportunity_id, request_id) = (&self.world, self.person.clone(), fresh_id());
        macro_rules! list {
            ($rpc:ident, $request:ident, $field:ident, $value:expr) => {
                world
                    .$rpc(pb::$request {
                        opportunity_id,
                        request_id,
                        $field: vec![$value.to_owned()],
                        wait,
                        ..Default::default()
                    })
                    .await
            };
        }
        let asked = match kind {
            AddTags => list!(add_tags, AddTagsRequest, tags, TAG),
            RemoveTags => list!(remove_tags, RemoveTagsRequest, tags, TAG),
            AddSources => list!(add_sources, AddSourcesRequest, sources, SOURCE),
            RemoveSources => list!(remove_sources, RemoveSourcesRequest, sources, SOURCE),
            AddLinks => list!(add_links, AddLinksRequest, links, LINK),
            RemoveLinks => list!(remove_links, RemoveLinksRequest, links, LINK),
            Archive => {
                let request = pb::ArchiveRequest {
                    opportunity_id,
                    request_id,
                    archive_reason_id: self.reason.clone(),
                    wait,
                    ..Default::default()
                };
                world.archive(request).await
            }
            Unarchive => {
                let request = pb::UnarchiveRequest {
                    opportunity_id,
                    request_id,
                    wait,
                    ..Default::default()
                };
                world.unarchive(request).await
            }
        };
        asked.expect("recorded")
    }

    /// The same done by somebody in Lever, past us.
    async fn by_people(&self, kind: Kind) {
        let at = |call: &'static str, field: &str, value: &str| (call, json!({ field: [value] }));
        let (call, body) = match kind {
            AddTags => at("addTags", "tags", TAG),
            RemoveTags => at("removeTags", "tags", TAG),
            AddSources => at("addSources", "sources", SOURCE),
            RemoveSources => at("removeSources", "sources", SOURCE),
            AddLinks => at("addLinks", "links", LINK),
            RemoveLinks => at("removeLinks", "links", LINK),
            Archive | Unarchive => {
                let act = Act::Archive {
                    opportunity: self.person.clone(),
                    reason: (kind == Archive).then(|| self.reason.clone()),
                };
                self.world.lever.act(act).expect("done");
                return;
            }
        };
        self.world.past_us(&self.person, call, body).await;
    }

    fn lose(&self, kind: Kind, action: Action, with: Vec<FaultRule>) {
        let lost = FaultRule::on(kind.call(), action).when(When::Nth(1));
        let rules = [vec![lost], with].concat();
        self.world.lever.set_faults(FaultPlan { seed: 0, rules });
    }

    fn is_there(&self, kind: Kind) -> bool {
        let now = self.world.lever.opportunity(&self.person).expect("there");
        let has = |list: &str, value: &str| {
            now[list]
                .as_array()
                .expect("a list")
                .contains(&json!(value))
        };
        match kind {
            AddTags => has("tags", TAG),
            AddSources => has("sources", SOURCE),
            AddLinks => has("links", LINK),
            Archive => !now["archived"].is_null(),
            other => !self.is_there(other.opposite()),
        }
    }
}

/// How often an operation made the call of its kind.
fn sent(operation: &pb::Operation, kind: Kind) -> usize {
    let calls = operation.lever_calls.iter();
    calls
        .filter(|call| call.lever_operation == kind.call())
        .count()
}

#[tokio::test]
async fn a_write_that_lever_shows_after_its_answer_was_lost_is_not_made_again() {
    each_is_there_after(Action::ResetAfter, 1).await;
}

/// Each comes right after another write to the same person, which has moved the stamp too.
#[tokio::test]
async fn a_write_that_had_no_effect_is_made_again_where_nobody_has_changed_the_person() {
    each_is_there_after(Action::ResetBefore, 2).await;
}

/// Asks for one of each kind whose first answer is lost in this way, and counts how often it is sent.
async fn each_is_there_after(first: Action, sends: usize) {
    let room = Room::new().await;
    for kind in ALL {
        room.lose(kind, first, Vec::new());
        let ended = room.ask(kind, None).await;
        assert_eq!(ended.state(), Succeeded, "{kind:?}: {ended:?}");
        assert_eq!(sent(&ended, kind), sends, "{kind:?}: {ended:?}");
        assert!(room.is_there(kind), "{kind:?}");
    }
}

/// What people took back stays so, and whoever asks again after that is heard.
#[tokio::test]
async fn a_write_that_people_took_back_before_another_try_is_not_made_again() {
    let room = Room::new().await;
    for kind in ALL {
        // The look before the second try is put off, so that there is time.
        let later = FaultRule::on("getOpportunity", Action::RetryAfter(3)).when(When::Nth(1));
        room.lose(kind, Action::ResetAfter, vec![later]);
        let asked = room.ask(kind, Some(prost_types::Duration::default())).await;
        until("the answer to the first try is lost", async || {
            let now = room.world.operation(&asked.id).await;
            let refused = now.lever_calls.iter().any(|call| call.status == 429);
            refused.then_some(())
        })
        .await;
        assert!(room.is_there(kind), "{kind:?}");
        room.by_people(kind.opposite()).await;

        let ended = room.world.settled(&asked.id).await;
        assert_eq!(ended.state(), Uncertain, "{kind:?}: {ended:?}");
        assert!(why(&ended).message.contains("taken it back"), "{ended:?}");
        assert_eq!(sent(&ended, kind), 1, "{kind:?}: {ended:?}");
        assert!(!room.is_there(kind), "{kind:?}");

        room.world.retry(&asked.id).await.expect("in line");
        let again = room.world.settled(&asked.id).await;
        assert_eq!(again.state(), Succeeded, "{kind:?}: {again:?}");
        assert!(room.is_there(kind), "{kind:?}");
    }
}

/// An address that a person took away again shows in no stamp of its own, but in that of the opportunity.
#[tokio::test]
async fn an_address_that_people_took_away_before_another_try_is_not_added_again() {
    let setup = Setup::new(40).with("FULCRUM__PUSH__SETTLE", "300ms");
    let world = World::synced(setup).await;
    let person = world.open_opportunities().remove(0);
    let document = world.lever.opportunity(&person).expect("there");
    let contact = document["contact"].as_str().expect("an id").to_owned();
    let before = document["emails"].clone();
    let lost = FaultRule::on("updateContact", Action::ResetAfter).when(When::Nth(1));
    // The look back is put off, so that there is time.
    let later = FaultRule::on("getContact", Action::RetryAfter(3)).when(When::Nth(2));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![lost, later],
    });
    let request = pb::UpdateContactRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        add_emails: vec!["second@example.org".to_owned()],
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let asked = world.update_contact(request).await.expect("recorded");
    until("the answer is lost", async || {
        let operation = world.operation(&asked.id).await;
        operation.reconciling.then_some(())
    })
    .await;
    world
        .change_in_lever(&contact, json!({ "emails": before }))
        .await;
    let ended = world.settled(&asked.id).await;
    assert_eq!(ended.state(), Uncertain, "{ended:?}");
    let now = world.lever.opportunity(&person).expect("there");
    assert_eq!(now["emails"], before);
    world.retry(&asked.id).await.expect("in line");
    let again = world.settled(&asked.id).await;
    assert_eq!(again.state(), Succeeded, "{again:?}");
}
