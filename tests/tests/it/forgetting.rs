//! People who leave Lever leave no bytes behind (X11).

use lever_sim::Act;
use serde_json::Value;
use tonic::Code;

use crate::support::{Setup, World, files_with, fresh_id, until};

/// Somebody whom only one opportunity is about, and what tells who that is.
struct Person {
    id: String,
    contact: String,
    traces: Vec<String>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

impl World {
    /// Two people of whom nobody else carries name, address or number.
    fn two_strangers(&self) -> [Person; 2] {
        let people = self.lever.opportunities();
        let all = Value::from(people.clone()).to_string();
        let once = |trace: &String| all.matches(trace.as_str()).count() == 1;
        let found = people.iter().filter_map(|person| {
            let person = Person {
                id: text(&person["id"]),
                contact: text(&person["contact"]),
                traces: vec![
                    text(&person["name"]),
                    text(person["emails"].get(0)?),
                    text(&person["phones"].get(0)?["value"]),
                ],
            };
            let alone = once(&person.contact) && person.traces.iter().all(once);
            alone.then_some(person)
        });
        let found: Vec<_> = found.take(2).collect();
        found.try_into().ok().expect("two people")
    }

    /// Lets a note be written about somebody here, and one in Lever.
    async fn noted(&self, person: &mut Person) {
        let (here, there) = (
            format!("written here about {}", person.id),
            format!("written in Lever about {}", person.id),
        );
        let operation = self.note(&person.id, &fresh_id(), &here).await;
        operation.expect("recorded");
        self.lever.add_note(&person.id, &there).expect("known");
        until("both notes are mirrored", async || {
            self.pull().await;
            let notes = self.records("notes").await.ok()?;
            let mirrored = |note: &String| notes.values().any(|raw| raw.contains(note));
            [&here, &there].into_iter().all(mirrored).then_some(())
        })
        .await;
        person.traces.extend([here, there]);
    }

    /// The files of the stopped data directory in which something tells of somebody.
    fn files_about(&self, trace: &str) -> Vec<String> {
        files_with(&self.home.data(), trace.as_bytes())
    }
}

/// X11: one person is anonymized and one is deleted; after a compaction no file of the data directory knows of them.
/// Documents are stored as they are, so that the search finds them before.
#[tokio::test]
async fn x11_after_a_compaction_no_file_holds_anything_about_people_who_are_gone() {
    let setup = Setup::full(30)
        .with("FULCRUM__STORE__COMPRESS", "false")
        .with("FULCRUM__PULL__SWEEP_INTERVAL", "1s");
    let mut world = World::synced(setup).await;
    let [mut anonymous, mut deleted] = world.two_strangers();
    world.noted(&mut anonymous).await;
    world.noted(&mut deleted).await;
    let traces = [&anonymous.traces[..], &deleted.traces[..]].concat();
    assert!(world.stop().await.success());
    for trace in &traces {
        assert!(!world.files_about(trace).is_empty(), "{trace}");
    }

    world.start().await;
    let act = Act::Anonymize {
        contact: anonymous.contact,
    };
    world.lever.act(act).expect("known");
    world.lever.delete(&deleted.id).expect("known");
    until("the mirror is as Lever", async || {
        world.pull().await;
        let gone = world.opportunity(&deleted.id).await.err();
        let gone = gone.is_some_and(|status| status.code() == Code::NotFound);
        let document = world.opportunity(&anonymous.id).await.ok()?;
        let notes = world.records("notes").await.ok()?;
        let notes = notes == world.children_in_lever("notes").await;
        (gone && notes && document["isAnonymized"] == true).then_some(())
    })
    .await;
    // The sweep can be quicker than the list of deletions, which the last pull reads in the same round as the stages.
    // The round after that begins once everybody is forgotten.
    world.until_time_is_told().await;
    world.until_time_is_told().await;
    assert!(world.stop().await.success());
    let compacted = world.home.run(&["store", "compact"]).await;
    assert!(compacted.status.success(), "{compacted:?}");
    for trace in &traces {
        assert_eq!(world.files_about(trace), Vec::<String>::new(), "{trace}");
    }
    world.start().await;
    world.pull_until_mirror_equals_lever().await;
}
