//! What is told of each SLA.

use domain::change::{SlaEvent, SlaMark, SlaTurn};
use domain::{Change, Event, MappingKind, Stream};
use store::{ErrorKind, Store};

use crate::support::*;

fn due(opportunity: &str, entered: i64, mark: SlaMark) -> SlaEvent {
    SlaEvent {
        opportunity: opportunity.into(),
        turn: SlaTurn::Closer {
            entered_at: at(entered),
            mark,
        },
    }
}

fn awake(opportunity: &str, snoozed_until: i64) -> SlaEvent {
    SlaEvent {
        opportunity: opportunity.into(),
        turn: SlaTurn::Awake {
            snoozed_until: at(snoozed_until),
        },
    }
}

/// What was told after the first change, in order.
async fn told(store: &Store) -> Vec<(u64, Event)> {
    let changes = store.changes(id(1), 1, 99).await.unwrap();
    let told = changes.into_iter().map(
        |Change {
             sequence, event, ..
         }| (sequence, event),
    );
    told.collect()
}

fn sla(mark: SlaMark) -> Event {
    Event::Sla {
        opportunity: "o".into(),
        mark,
    }
}

#[tokio::test]
async fn an_sla_is_told_once_for_each_stay_and_mark_also_after_a_restart() {
    let (folder, store, c) = connected().await;
    let person = opportunity(candidacy("o", "a", 10));
    store
        .apply_refresh(refresh(c, 1, vec![person]))
        .await
        .unwrap();

    let risk = due("o", 10, SlaMark::AtRisk);
    let all = vec![
        risk.clone(),
        risk.clone(),
        due("nobody", 10, SlaMark::AtRisk),
    ];
    assert_eq!(store.tell_sla_events(c, all, at(20)).await.unwrap(), 1);
    assert_eq!(store.watch_changes(c).unwrap().borrow().to_owned(), 2);
    store.close().await.unwrap();

    let store = open(folder.path());
    let breach = due("o", 10, SlaMark::Breached);
    let untold = store.untold_sla_events(c, vec![risk.clone(), breach.clone()]);
    assert_eq!(untold.await.unwrap(), std::slice::from_ref(&breach));
    let both = vec![risk.clone(), breach.clone()];
    assert_eq!(store.tell_sla_events(c, both, at(21)).await.unwrap(), 1);
    // Being at risk is no news of what is breached.
    assert_eq!(
        store.tell_sla_events(c, vec![risk], at(22)).await.unwrap(),
        0
    );
    // Another stay is.
    let again = due("o", 30, SlaMark::AtRisk);
    assert_eq!(
        store.tell_sla_events(c, vec![again], at(31)).await.unwrap(),
        1
    );
    let expected = [
        (2, sla(SlaMark::AtRisk)),
        (3, sla(SlaMark::Breached)),
        (4, sla(SlaMark::AtRisk)),
    ];
    assert_eq!(told(&store).await, expected);
}

#[tokio::test]
async fn the_end_of_a_snooze_is_told_once_and_beside_the_marks_of_the_stay() {
    let (_folder, store, c) = connected().await;
    let snoozed = |until: Option<i64>| {
        let mut person = candidacy("o", "a", 10);
        person.snoozed_until = until.map(at);
        opportunity(person)
    };
    let shown = refresh(c, 1, vec![snoozed(Some(20))]);
    store.apply_refresh(shown).await.unwrap();
    let risk = due("o", 10, SlaMark::AtRisk);
    // Told of another end than the one that is stored: it was moved meanwhile.
    for (events, many) in [
        (vec![awake("o", 19)], 0),
        (vec![risk.clone(), awake("o", 20)], 2),
        (vec![risk.clone(), awake("o", 20)], 0),
    ] {
        let told = store.tell_sla_events(c, events, at(21)).await.unwrap();
        assert_eq!(told, many);
    }
    let all = vec![risk.clone(), awake("o", 20), awake("o", 30)];
    let untold = store.untold_sla_events(c, all).await.unwrap();
    assert_eq!(untold, [awake("o", 30)]);
    // Another snooze is another one, and the mark of the stay stays told.
    let again = refresh(c, 22, vec![snoozed(Some(30))]);
    store.apply_refresh(again).await.unwrap();
    let both = vec![awake("o", 30), risk];
    assert_eq!(store.tell_sla_events(c, both, at(31)).await.unwrap(), 1);
    let opportunity = || "o".into();
    let told: Vec<Event> = told(&store)
        .await
        .into_iter()
        .map(|(_, event)| event)
        .collect();
    let told: Vec<Event> = told
        .into_iter()
        .filter(|event| !matches!(event, Event::Record(_)))
        .collect();
    let expected = [
        sla(SlaMark::AtRisk),
        Event::Awake {
            opportunity: opportunity(),
        },
        Event::Awake {
            opportunity: opportunity(),
        },
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_was_told_goes_with_the_opportunity_and_nothing_is_told_of_an_archived_one() {
    let (_folder, store, c) = connected().await;
    let person = opportunity(candidacy("o", "a", 10));
    store
        .apply_refresh(refresh(c, 1, vec![person.clone()]))
        .await
        .unwrap();
    let risk = || vec![due("o", 10, SlaMark::AtRisk)];
    assert_eq!(store.tell_sla_events(c, risk(), at(20)).await.unwrap(), 1);

    let mut deletion = refresh(c, 2, Vec::new());
    deletion.deleted.push(gone(Stream::Opportunities, "o", 2));
    store.apply_refresh(deletion).await.unwrap();
    assert_eq!(store.tell_sla_events(c, risk(), at(21)).await.unwrap(), 0);
    assert_eq!(store.untold_sla_events(c, risk()).await.unwrap(), risk());

    let mut archived = candidacy("p", "a", 10);
    archived.archived = Some(domain::candidacy::Archived {
        at: at(1),
        reason: None,
    });
    let archived = refresh(c, 3, vec![opportunity(archived)]);
    store.apply_refresh(archived).await.unwrap();
    let of_archived = vec![due("p", 10, SlaMark::AtRisk)];
    assert_eq!(
        store.tell_sla_events(c, of_archived, at(22)).await.unwrap(),
        0
    );
    let nowhere = store.tell_sla_events(id(9), risk(), at(22)).await;
    assert_eq!(nowhere.unwrap_err().kind(), &ErrorKind::NotFound);
}

#[tokio::test]
async fn a_stage_mapping_is_a_numbered_change_and_no_other_document_is_one() {
    let (_folder, store, c) = connected().await;
    for kind in MappingKind::ALL {
        store.put_mapping(c, *kind, mapping(1), 0).await.unwrap();
    }
    let stages = MappingKind::Stages;
    store
        .put_mapping(c, stages, mapping(1), 0)
        .await
        .unwrap_err();
    store.put_mapping(c, stages, mapping(2), 1).await.unwrap();
    let changes = store.changes(c, 0, 9).await.unwrap();
    let events: Vec<_> = changes.into_iter().map(|change| change.event).collect();
    assert_eq!(
        events,
        [1, 2].map(|version| Event::StagesMapped { version })
    );
}
