//! What is told of each SLA.

use domain::change::{SlaEvent, SlaMark};
use domain::{Change, Event, MappingKind, Stream};
use store::{ErrorKind, Store};

use crate::support::*;

fn due(opportunity: &str, entered: i64, mark: SlaMark) -> SlaEvent {
    SlaEvent {
        opportunity: opportunity.into(),
        entered_at: at(entered),
        mark,
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
