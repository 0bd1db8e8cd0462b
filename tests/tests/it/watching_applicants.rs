//! Applicants are told of as they come, change and go, over breaks too (F-40, F-55).

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use lever_sim::Act;
use proto::v1 as pb;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tonic::{Code, Status, Streaming};

use crate::support::{Door, Setup, World, program, refused, until};

type Watched = Streaming<pb::WatchApplicantsResponse>;

impl World {
    async fn watch_applicants(
        &self,
        resume_token: &str,
        stages: &[&str],
    ) -> Result<Watched, Status> {
        let request = pb::WatchApplicantsRequest {
            connection_id: self.connection.clone(),
            resume_token: resume_token.to_owned(),
            stage_ids: stages.iter().map(|id| (*id).to_owned()).collect(),
        };
        let answer = self.api.inbound().watch_applicants(request).await?;
        Ok(answer.into_inner())
    }
}

/// One who watches, and what they believe.
struct Watcher {
    stream: Watched,
    token: String,
    people: BTreeMap<String, pb::Applicant>,
}

impl Watcher {
    async fn begin(world: &World, list: &pb::ListApplicantsResponse) -> Watcher {
        let applicants = list.applicants.iter();
        let stream = world.watch_applicants(&list.watch_token, &[]).await;
        Watcher {
            stream: stream.expect("a stream"),
            token: list.watch_token.clone(),
            people: applicants
                .map(|one| (one.opportunity_id.clone(), one.clone()))
                .collect(),
        }
    }

    /// Comes back to where it was.
    async fn again(&mut self, world: &World) {
        let stream = world.watch_applicants(&self.token, &[]).await;
        self.stream = stream.expect("a stream");
    }

    /// Takes in one answer, and gives its events by what they say of whom.
    async fn next(&mut self) -> Vec<(pb::ApplicantEventKind, String)> {
        let message = tokio::time::timeout(Duration::from_secs(30), self.stream.message()).await;
        let message = message.expect("an answer in time").expect("no error");
        let answer = message.expect("the stream goes on");
        self.token = answer.resume_token;
        let mut told = Vec::new();
        for event in answer.events {
            told.push((event.kind(), event.opportunity_id.clone()));
            match event.applicant {
                Some(applicant) => self.people.insert(event.opportunity_id, applicant),
                None => self.people.remove(&event.opportunity_id),
            };
        }
        told
    }

    /// Waits until something was said of somebody.
    async fn until(&mut self, kind: pb::ApplicantEventKind, id: &str) {
        while !self.next().await.contains(&(kind, id.to_owned())) {}
    }

    fn ids(&self) -> Vec<&str> {
        self.people.keys().map(String::as_str).collect()
    }
}

fn ids(list: &pb::ListApplicantsResponse) -> Vec<&str> {
    let mut ids: Vec<_> = list
        .applicants
        .iter()
        .map(|one| one.opportunity_id.as_str())
        .collect();
    ids.sort_unstable();
    ids
}

use pb::ApplicantEventKind::{Arrived, Changed, Left};

#[tokio::test]
async fn f40_who_watches_sees_people_apply_move_on_and_come_by_a_mapping() {
    let mut world = World::synced(Setup::new(60)).await;
    let list = world.applicants().await;
    let mut watcher = Watcher::begin(&world, &list).await;
    assert!(watcher.next().await.is_empty(), "nothing has happened yet");

    let newcomer = world.apply("Nadia Newcomer");
    world.pull().await;
    watcher.until(Arrived, &newcomer).await;
    let seen = &watcher.people[&newcomer];
    assert_eq!(
        (
            seen.name.as_str(),
            seen.stage_id.as_str(),
            seen.product_stage.as_str()
        ),
        ("Nadia Newcomer", "applicant-new", "NEW_APPLICANT")
    );
    assert!(seen.sla.is_some() && !seen.posting_id.is_empty());

    // Away, over a kill: a tag, a move and a deletion are told afterwards.
    let (tagged, moved) = (ids(&list)[0].to_owned(), newcomer);
    let tags = pb::AddTagsRequest {
        connection_id: world.connection.clone(),
        opportunity_id: tagged.clone(),
        tags: vec!["worth a look".to_owned()],
        request_id: crate::support::fresh_id(),
        ..Default::default()
    };
    world.api.candidates().add_tags(tags).await.expect("taken");
    let far = world.lever.stages().last().expect("a stage")["id"].clone();
    let far = far.as_str().expect("an id").to_owned();
    let act = Act::MoveStage {
        opportunity: moved.clone(),
        stage: far.clone(),
        user: None,
    };
    world.lever.act(act).expect("moved");
    world.pull().await;
    until("the move is mirrored", async || {
        let person = world.opportunity(&moved).await.ok()?;
        (person["stage"] == far.as_str()).then_some(())
    })
    .await;
    world.kill().await;
    world.start().await;
    watcher.again(&world).await;
    watcher.until(Left, &moved).await;
    while !watcher.people[&tagged]
        .tags
        .contains(&"worth a look".to_owned())
    {
        watcher.next().await;
    }

    // A mapping that makes the far stage an inbound one brings whoever is in it, and takes nobody.
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.inbound_stage_ids.push(far.clone());
    world.save_mapping(mapping).await.expect("saved");
    watcher.until(Arrived, &moved).await;
    while watcher.ids() != ids(&world.applicants().await) {
        watcher.next().await;
    }
    // SLA days of one stage change how its people look, and nobody else.
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.stage_slas.push(pb::StageSla {
        stage_id: far.clone(),
        sla_days: 9,
    });
    world.save_mapping(mapping).await.expect("saved");
    let told = loop {
        let told = watcher.next().await;
        if told.contains(&(Changed, moved.clone())) {
            break told;
        }
    };
    for (kind, id) in told {
        let person = &watcher.people[&id];
        assert_eq!((kind, &person.stage_id), (Changed, &far));
        assert_eq!(person.sla.as_ref().and_then(|sla| sla.days), Some(9));
    }
}

#[tokio::test]
async fn a_watch_can_be_narrowed_to_stages_and_a_token_is_for_them() {
    let world = World::synced(Setup::new(40)).await;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    let far = world.lever.stages().last().expect("a stage")["id"].clone();
    let far = far.as_str().expect("an id").to_owned();
    mapping.inbound_stage_ids.push(far.clone());
    world.save_mapping(mapping).await.expect("saved");

    let mut narrow = world.watch_applicants("", &[&far]).await.expect("a stream");
    let first = narrow
        .message()
        .await
        .expect("an answer")
        .expect("an answer");
    assert!(first.events.is_empty() && !first.resume_token.is_empty());
    let list = world.applicants().await;
    let mut everybody = Watcher::begin(&world, &list).await;
    let newcomer = world.apply("Nadia Newcomer");
    world.pull().await;
    everybody.until(Arrived, &newcomer).await;
    let act = Act::MoveStage {
        opportunity: newcomer.clone(),
        stage: far,
        user: None,
    };
    world.lever.act(act).expect("moved");
    world.pull().await;
    everybody.until(Changed, &newcomer).await;
    // To one who watches the far stage alone, the newcomer arrives with the move.
    let mut narrow = Watcher {
        stream: narrow,
        token: String::new(),
        people: BTreeMap::new(),
    };
    let told = narrow.next().await;
    assert_eq!(told, [(Arrived, newcomer)]);

    for (token, stages, field) in [
        ("nonsense", &[][..], "resume_token"),
        // Who watches more people would miss those who were there before.
        (first.resume_token.as_str(), &[][..], "resume_token"),
        (
            list.watch_token.as_str(),
            &["applicant-new"][..],
            "resume_token",
        ),
        ("", &["applicant-new", "lead-new"][..], "stage_ids[1]"),
    ] {
        let told = refused(world.watch_applicants(token, stages).await);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, vec![field.to_owned()])
        );
    }
}

#[tokio::test]
async fn a_watch_in_a_terminal_goes_on_where_it_was_when_the_service_comes_back() {
    let mut world = World::synced(Setup::new(20)).await;
    let door = Door::open().await;
    door.lead_to(world.service().grpc);
    let mut watching = program()
        .args(["inbound", "--watch", "--json", &world.connection])
        .args(["--server", &door.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut said = lines(watching.stdout.take().expect("a pipe"));
    let mut beside = lines(watching.stderr.take().expect("a pipe"));
    // The list, and the first answer.
    said.until("").await;
    said.until("resumeToken").await;

    world.kill().await;
    beside.until("went away").await;
    let newcomer = world.apply("Nadia Newcomer");
    world.start().await;
    world.pull().await;
    door.lead_to(world.service().grpc);
    beside.until("is back").await;
    said.until(&newcomer).await;
}

/// What a program says, line by line.
struct Lines<R>(tokio::io::Lines<BufReader<R>>);

fn lines<R: AsyncRead + Unpin>(pipe: R) -> Lines<R> {
    Lines(BufReader::new(pipe).lines())
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads until a line has this in it.
    async fn until(&mut self, part: &str) {
        let found = async {
            while let Some(line) = self.0.next_line().await.expect("text") {
                if line.contains(part) {
                    return true;
                }
            }
            false
        };
        let found = tokio::time::timeout(Duration::from_secs(60), found).await;
        assert!(found.expect("in time"), "it ended without saying {part}");
    }
}
