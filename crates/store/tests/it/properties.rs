//! The mirror against a model of it that is too simple to be wrong.

use std::collections::BTreeMap;

use domain::candidacy::Archived;
use domain::change::Place;
use domain::{Candidacy, Change, ChangeKind, RecordChange, Stream};
use proptest::prelude::*;
use store::{Order, Tombstones};

use crate::support::*;

/// What one step of a history does to one opportunity.
#[derive(Debug, Clone)]
enum Step {
    Seen {
        id: u8,
        stage: u8,
        entered: i64,
        archived: bool,
    },
    Deleted {
        id: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..12_u8, 0..4_u8, -3..6_i64, prop::bool::weighted(0.2))
            .prop_map(|(id, stage, entered, archived)| Step::Seen { id, stage, entered, archived }),
        1 => (0..12_u8).prop_map(|id| Step::Deleted { id }),
    ]
}

fn seen(id: u8, stage: u8, entered: i64, archived: bool) -> Candidacy {
    let mut candidacy = candidacy(
        &format!("o{id}"),
        &format!("s{}", "x".repeat(stage.into())),
        entered,
    );
    candidacy.archived = archived.then(|| Archived {
        at: at(entered),
        reason: None,
    });
    candidacy
}

/// The live candidacies by id; `None` marks those deleted.
type Model = BTreeMap<String, Option<Candidacy>>;

fn listed(model: &Model, order: Order) -> Vec<Candidacy> {
    let mut active: Vec<_> = model
        .values()
        .flatten()
        .filter(|candidacy| candidacy.active())
        .cloned()
        .collect();
    active.sort_by_key(|candidacy| (candidacy.entered_stage_at, candidacy.opportunity.clone()));
    if order == Order::NewestFirst {
        active.reverse();
    }
    active
}

/// Where everybody stands who stands somewhere.
type Places = BTreeMap<String, Place>;

fn places(model: &Model) -> Places {
    let present = model.iter().filter_map(|(id, candidacy)| {
        let place = Place::of(candidacy.as_ref()?)?;
        Some((id.clone(), place))
    });
    present.collect()
}

/// Where the moves that were noted lead, each beginning where the one before has ended.
fn replayed(changes: &[Change]) -> Places {
    let mut places = Places::new();
    for change in changes {
        let RecordChange { id, moved, .. } = record_of(change);
        let moved = moved.clone().unwrap();
        assert_eq!(moved.from, places.remove(id));
        if let Some(place) = moved.to {
            places.insert(id.clone(), place);
        }
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn lists_counts_and_changes_agree_with_a_naive_model(history in prop::collection::vec(prop::collection::vec(step(), 1..8), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_folder, store, c) = connected().await;
            let mut model = Model::new();
            for (time, page) in (1..).zip(&history) {
                let mut refresh = refresh(c, time, Vec::new());
                for step in page {
                    match step {
                        Step::Seen { id, stage, entered, archived } => {
                            let candidacy = seen(*id, *stage, *entered, *archived);
                            // Deletions of a page come after its records.
                            let known = model.entry(candidacy.opportunity.as_str().to_owned()).or_insert_with(|| Some(candidacy.clone()));
                            if known.is_some() {
                                *known = Some(candidacy.clone());
                            }
                            refresh.records.push(opportunity(candidacy));
                        }
                        Step::Deleted { id } => refresh.deleted.push(gone(Stream::Opportunities, &format!("o{id}"), time)),
                    }
                }
                for deleted in &refresh.deleted {
                    model.insert(deleted.id.clone(), None);
                }
                store.apply_refresh(refresh).await.unwrap();
                // Counted once, they are carried along with each commit from here on.
                store.count_by_stage(c).await.unwrap();
            }

            let stages: Vec<_> = (0..4).map(|stage| format!("s{}", "x".repeat(stage)).into()).collect();
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let mut found = Vec::new();
                let mut after = None;
                loop {
                    let page = store.list_in_stages(c, &stages, order, after.clone(), 3).await.unwrap();
                    let Some(last) = page.last() else { break };
                    after = Some((last.entered_stage_at, last.opportunity.clone()));
                    found.extend(page);
                }
                assert!(found == listed(&model, order));
            }

            let mut counts = BTreeMap::new();
            for candidacy in listed(&model, Order::OldestFirst) {
                *counts.entry(candidacy.stage.unwrap()).or_insert(0) += 1;
            }
            assert_eq!(store.count_by_stage(c).await.unwrap(), counts);
            let asked = &stages[1..];
            let in_those = asked.iter().filter_map(|stage| counts.get(stage)).sum::<u64>();
            assert_eq!(store.count_in_stages(c, asked).await.unwrap(), in_those);
            let live = model.values().flatten().count();
            assert_eq!(store.count(c, Stream::Opportunities).await.unwrap(), live as u64);
            let records = store.records(c, Stream::Opportunities, None, 99, Tombstones::Without).await.unwrap();
            assert_eq!(records.len(), live);

            let changes = store.changes(c, 0, usize::MAX).await.unwrap();
            assert!(changes.iter().map(|change| change.sequence).eq(1..=changes.len() as u64));
            let balance: i64 = changes.iter().map(|change| match record_of(change).kind {
                ChangeKind::Created => 1,
                ChangeKind::Updated => 0,
                ChangeKind::Deleted => -1,
            }).sum();
            assert_eq!(balance, live as i64);
            assert_eq!(replayed(&changes), places(&model));
        });
    }
}
