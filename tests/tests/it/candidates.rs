//! Lists of candidacies by what the mirror tells of them.

use std::collections::BTreeSet;

use proto::v1 as pb;
use serde_json::Value;
use tonic::{Code, Status};

use crate::support::{Setup, World, refused};

impl World {
    async fn page(
        &self,
        request: pb::ListCandidatesRequest,
    ) -> Result<pb::ListCandidatesResponse, Status> {
        let request = pb::ListCandidatesRequest {
            connection_id: self.connection.clone(),
            ..request
        };
        let answer = self.api.candidates().list_candidates(request).await?;
        Ok(answer.into_inner())
    }

    /// All pages of a list, so many at a time.
    async fn all(
        &self,
        filter: pb::CandidateFilter,
        order: pb::CandidateOrder,
        page_size: i32,
    ) -> Vec<pb::Candidacy> {
        let mut request = pb::ListCandidatesRequest {
            page_size,
            filter: Some(filter),
            order: order.into(),
            ..Default::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self.page(request.clone()).await.expect("a page");
            assert!(page.as_of.is_some() && page.candidacies.len() <= page_size as usize);
            all.extend(page.candidacies);
            if page.next_page_token.is_empty() {
                assert_eq!(page.total_size as usize, all.len());
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }

    async fn ids(&self, filter: pb::CandidateFilter) -> BTreeSet<String> {
        let all = self.all(filter, pb::CandidateOrder::Unspecified, 40).await;
        let ids: BTreeSet<String> = all.iter().map(|row| row.opportunity_id.clone()).collect();
        assert_eq!(ids.len(), all.len(), "each once");
        ids
    }
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value[path].as_str().unwrap_or_default()
}

fn has(value: &Value, path: &str, wanted: &str) -> bool {
    let mut items = value[path].as_array().into_iter().flatten();
    items.any(|item| {
        item.as_str()
            .is_some_and(|item| item.eq_ignore_ascii_case(wanted))
    })
}

/// Those of Lever's that fit, as a filter without errors would find them.
fn expected(people: &[Value], fits: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let fitting = people.iter().filter(|person| fits(person));
    let ids: BTreeSet<String> = fitting
        .map(|person| text(person, "id").to_owned())
        .collect();
    assert!(!ids.is_empty(), "the population has none of these");
    ids
}

#[tokio::test]
async fn each_filter_lets_through_those_of_lever_that_fit_and_nobody_else() {
    let world = World::synced(Setup::new(300).keeping(&[])).await;
    let people = world.lever.opportunities();
    let now = crate::support::now();
    let first = |path: &str| {
        let mut values = people.iter().map(|person| text(person, path));
        values
            .find(|value| !value.is_empty())
            .expect("a value")
            .to_owned()
    };
    let first_of = |path: &str| {
        let mut values = people.iter().filter_map(|person| person[path][0].as_str());
        values.next().expect("a value").to_owned()
    };
    type Filter = pb::CandidateFilter;
    let (stage, owner, origin) = (first("stage"), first("owner"), first("origin"));
    let (tag, source) = (first_of("tags"), first_of("sources"));
    let asleep = |person: &Value| {
        person["snoozedUntil"]
            .as_i64()
            .is_some_and(|until| until > now)
    };

    let told = world.ids(Filter::default()).await;
    assert_eq!(told, expected(&people, |_| true));
    let filter = Filter {
        stage_ids: vec![stage.clone()],
        ..Filter::default()
    };
    assert_eq!(
        world.ids(filter.clone()).await,
        expected(&people, |one| text(one, "stage") == stage)
    );
    // The index of open ones says the same as the walk over everybody.
    let filter = Filter {
        archived: Some(false),
        ..filter
    };
    let open = expected(&people, |one| {
        text(one, "stage") == stage && one["archived"].is_null()
    });
    assert_eq!(world.ids(filter).await, open);
    let filter = Filter {
        archived: Some(true),
        ..Filter::default()
    };
    assert_eq!(
        world.ids(filter).await,
        expected(&people, |one| !one["archived"].is_null())
    );
    let filter = Filter {
        owner_ids: vec![owner.clone(), "nobody".to_owned()],
        ..Filter::default()
    };
    assert_eq!(
        world.ids(filter).await,
        expected(&people, |one| text(one, "owner") == owner)
    );
    let filter = Filter {
        origins: vec![origin.to_uppercase()],
        ..Filter::default()
    };
    assert_eq!(
        world.ids(filter).await,
        expected(&people, |one| text(one, "origin") == origin)
    );
    let ownerless = |one: &Value| one["owner"].is_null();
    let filter = Filter {
        without_owner: true,
        ..Filter::default()
    };
    assert_eq!(world.ids(filter).await, expected(&people, ownerless));
    let filter = Filter {
        owner_ids: vec![owner.clone()],
        without_owner: true,
        ..Filter::default()
    };
    assert_eq!(
        world.ids(filter).await,
        expected(&people, |one| ownerless(one) || text(one, "owner") == owner)
    );
    let filter = Filter {
        without_posting: true,
        ..Filter::default()
    };
    assert_eq!(
        world.ids(filter).await,
        expected(&people, |one| one["applications"]
            .as_array()
            .is_none_or(Vec::is_empty))
    );
    let filter = Filter {
        tags: vec![tag.to_uppercase()],
        ..Filter::default()
    };
    assert_eq!(
        world.ids(filter).await,
        expected(&people, |one| has(one, "tags", &tag))
    );
    let filter = Filter {
        sources: vec![source.to_uppercase()],
        ..Filter::default()
    };
    assert_eq!(
        world.ids(filter).await,
        expected(&people, |one| has(one, "sources", &source))
    );
    let filter = Filter {
        snoozed: Some(true),
        ..Filter::default()
    };
    assert_eq!(world.ids(filter).await, expected(&people, asleep));
    // Several fields at once.
    let both = Filter {
        tags: vec![tag.clone()],
        archived: Some(false),
        ..Filter::default()
    };
    let expected_both = expected(&people, |one| {
        has(one, "tags", &tag) && one["archived"].is_null()
    });
    assert_eq!(world.ids(both).await, expected_both);

    let mut stamps: Vec<i64> = people
        .iter()
        .filter_map(|one| one["updatedAt"].as_i64())
        .collect();
    stamps.sort_unstable();
    let since = stamps[stamps.len() / 2];
    let filter = Filter {
        updated_since: Some(prost_types::Timestamp {
            seconds: since.div_euclid(1000),
            nanos: i32::try_from(since.rem_euclid(1000)).expect("small") * 1_000_000,
        }),
        ..Filter::default()
    };
    let later = expected(&people, |one| {
        one["updatedAt"].as_i64().is_some_and(|at| at >= since)
    });
    assert_eq!(world.ids(filter).await, later);

    let all = world
        .all(Filter::default(), pb::CandidateOrder::Waiting, 40)
        .await;
    let posting = all
        .iter()
        .find(|row| !row.posting_id.is_empty())
        .expect("one with a posting");
    let filter = Filter {
        posting_ids: vec![posting.posting_id.clone()],
        ..Filter::default()
    };
    let of_posting = all
        .iter()
        .filter(|row| row.posting_id == posting.posting_id);
    let of_posting: BTreeSet<String> = of_posting.map(|row| row.opportunity_id.clone()).collect();
    assert_eq!(world.ids(filter).await, of_posting);
    for code in ["REJECTED", "NEW_APPLICANT", "UNMAPPED"] {
        let filter = Filter {
            product_stages: vec![code.to_owned()],
            ..Filter::default()
        };
        let of_code = all.iter().filter(|row| row.product_stage == code);
        let of_code: BTreeSet<String> = of_code.map(|row| row.opportunity_id.clone()).collect();
        assert!(!of_code.is_empty(), "{code}");
        assert_eq!(world.ids(filter).await, of_code, "{code}");
    }
    let state = all
        .iter()
        .find_map(|row| row.sla.as_ref())
        .expect("an SLA")
        .state;
    let filter = Filter {
        sla_states: vec![state],
        ..Filter::default()
    };
    let of_state = all
        .iter()
        .filter(|row| row.sla.as_ref().is_some_and(|sla| sla.state == state));
    let of_state: BTreeSet<String> = of_state.map(|row| row.opportunity_id.clone()).collect();
    assert_eq!(world.ids(filter).await, of_state);
}

#[tokio::test]
async fn each_order_holds_over_all_pages() {
    let world = World::synced(Setup::new(40)).await;
    let at = |at: &Option<prost_types::Timestamp>| at.map(|at| (at.seconds, at.nanos));
    type Key = fn(&pb::Candidacy) -> Option<prost_types::Timestamp>;
    let orders: [(pb::CandidateOrder, Key, bool); 4] = [
        (pb::CandidateOrder::Updated, |row| row.updated_at, true),
        (pb::CandidateOrder::Applied, |row| row.applied_at, true),
        (
            pb::CandidateOrder::EnteredStage,
            |row| row.entered_stage_at,
            true,
        ),
        (
            pb::CandidateOrder::Waiting,
            |row| row.entered_stage_at,
            false,
        ),
    ];
    for (order, key, newest_first) in orders {
        let all = world.all(pb::CandidateFilter::default(), order, 3).await;
        assert_eq!(all.len(), world.lever.opportunities().len());
        let sorted = all.is_sorted_by(|one, next| match newest_first {
            true => at(&key(one)) >= at(&key(next)),
            false => at(&key(one)) <= at(&key(next)),
        });
        assert!(sorted, "{order:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_of_a_list_is_refused_by_name() {
    let world = World::synced(Setup::new(10)).await;
    let filtered = |filter: pb::CandidateFilter| pb::ListCandidatesRequest {
        filter: Some(filter),
        ..Default::default()
    };
    let page = pb::ListCandidatesRequest {
        page_size: 3,
        ..Default::default()
    };
    let token = world.page(page).await.expect("a page").next_page_token;
    for (request, field) in [
        (
            pb::ListCandidatesRequest {
                page_size: -1,
                ..Default::default()
            },
            "page_size",
        ),
        (
            pb::ListCandidatesRequest {
                order: 9,
                ..Default::default()
            },
            "order",
        ),
        (
            pb::ListCandidatesRequest {
                page_token: token,
                ..filtered(pb::CandidateFilter {
                    archived: Some(true),
                    ..Default::default()
                })
            },
            "page_token",
        ),
        (
            filtered(pb::CandidateFilter {
                product_stages: vec!["NOPE".to_owned()],
                ..Default::default()
            }),
            "filter.product_stages",
        ),
        (
            filtered(pb::CandidateFilter {
                sla_states: vec![1, 0],
                ..Default::default()
            }),
            "filter.sla_states[1]",
        ),
        (
            filtered(pb::CandidateFilter {
                tags: vec!["x".to_owned(); 101],
                ..Default::default()
            }),
            "filter.tags",
        ),
        (
            filtered(pb::CandidateFilter {
                updated_since: Some(prost_types::Timestamp {
                    seconds: i64::MAX,
                    nanos: 0,
                }),
                ..Default::default()
            }),
            "filter.updated_since",
        ),
    ] {
        let told = refused(world.page(request).await);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, vec![field.to_owned()])
        );
    }
}
