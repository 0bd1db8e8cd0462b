//! Requisitions and the custom fields they have in this account.

use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::world::{Account, FieldKind, FieldOption, Requisition, RequisitionField, Subfield};

const DAY: i64 = 86_400_000;
/// Requisitions that no posting has, to be planned ahead with.
const UNPOSTED: usize = 6;

pub(super) fn make(random: &mut Random, account: &mut Account, now: i64) {
    account.requisition_fields = fields(random);
    let posted: Vec<Option<usize>> = (0..account.postings.len()).map(Some).collect();
    let all = posted.into_iter().chain([None; UNPOSTED]);
    let mut made: Vec<Requisition> = all
        .enumerate()
        .map(|(nth, posting)| requisition(random, account, nth, posting, now))
        .collect();
    made.sort_by(|a, b| b.id.cmp(&a.id));
    account.requisitions = made;
}

fn fields(random: &mut Random) -> Vec<RequisitionField> {
    let subfield = |id: &str, text: &str, kind| Subfield {
        id: id.to_owned(),
        text: text.to_owned(),
        kind,
    };
    let option = |text: &&str| FieldOption {
        id: random.uuid(),
        text: (*text).to_owned(),
    };
    let work = ["hourly", "salaried"].iter().map(option).collect();
    let place = vec![
        subfield("city", "City", "text"),
        subfield("campus_code", "Campus code", "number"),
    ];
    [
        ("rec_start_date", "Recruiting Start Date", FieldKind::Date),
        ("target_hire_date", "Target Hire Date", FieldKind::Date),
        ("budget_number", "Budget number", FieldKind::Number),
        ("work_type", "Work type", FieldKind::Dropdown(work)),
        ("cost_center", "Cost center", FieldKind::Object(place)),
    ]
    .map(|(id, text, kind)| RequisitionField {
        id: id.to_owned(),
        text: text.to_owned(),
        required: false,
        kind,
    })
    .into()
}

fn requisition(
    random: &mut Random,
    account: &Account,
    nth: usize,
    posting: Option<usize>,
    now: i64,
) -> Requisition {
    let posting = posting.map(|nth| &account.postings[nth]);
    let of = posting.map(|posting| &posting.categories);
    let created_at = posting.map_or(now - random.between(5, 200) * DAY, |it| it.created_at - DAY);
    let status = match posting {
        Some(posting) if posting.state == "closed" => "closed",
        Some(_) => "open",
        None => random.weighted(&[(3, "open"), (1, "onHold"), (1, "draft"), (1, "rejected")]),
    };
    let owner = random.pick(&account.users).id.clone();
    let headcount = (!random.percent(10)).then(|| random.between(1, 8));
    let closed_at = (status == "closed").then(|| created_at + 30 * DAY);
    let approval = approval(random, account, created_at, status);
    Requisition {
        id: random.uuid(),
        code: format!("REQ-{}", 1001 + nth),
        name: posting.map_or_else(|| format!("Planned hire {nth}"), |it| it.text.clone()),
        status: status.to_owned(),
        headcount,
        hired: headcount.map_or(2, |total| random.between(0, total)),
        backfill: random.percent(15),
        creator: Some(owner.clone()),
        owner: Some(owner),
        hiring_manager: posting.and_then(|it| it.hiring_manager.clone()),
        internal_notes: String::new(),
        compensation: random.percent(60).then(|| compensation(random)),
        approval,
        employment_status: of.and_then(|of| of.commitment.clone()),
        location: of.and_then(|of| of.location.clone()),
        team: of.and_then(|of| of.team.clone()),
        department: of.and_then(|of| of.department.clone()),
        postings: posting.map(|it| it.id.clone()).into_iter().collect(),
        offers: Vec::new(),
        custom_fields: custom(random, created_at),
        created_at,
        updated_at: created_at + random.between(0, DAY),
        closed_at,
        states: vec![(status.to_owned(), created_at)],
    }
}

/// Half of them went through an approval of one step. Fixture `requisitions.list.json`.
fn approval(random: &mut Random, account: &Account, created_at: i64, status: &str) -> Value {
    if status == "draft" || random.percent(50) {
        return json!({ "steps": [] });
    }
    let approved = status != "rejected";
    let outcome = if approved { "approved" } else { "denied" };
    let at = created_at + 3_600_000;
    let user = random.pick(&account.users);
    let mut approver = json!({ "id": user.id, "approved": approved, "approvedAt": at });
    let fixed = random.percent(50);
    approver["isDynamic"] = json!(!fixed);
    approver["type"] = json!(if fixed { "static" } else { "dynamic" });
    approver["user"] = if fixed {
        json!({ "userId": user.id, "email": user.email })
    } else {
        json!("Requisition hiring manager")
    };
    json!({
        "id": random.uuid(),
        "status": outcome,
        "startedAt": created_at,
        "approvedAt": approved.then_some(at),
        "accountId": account.id,
        "createdBy": random.pick(&account.users).id,
        "steps": [{
            "id": random.uuid(),
            "completed": true,
            "status": outcome,
            "outOfBandOnly": false,
            "approvalsRequired": 1,
            "approvers": [approver],
        }],
    })
}

fn compensation(random: &mut Random) -> Value {
    let min = random.between(40, 120) * 1000;
    json!({ "min": min, "max": min + 30_000, "currency": "USD", "interval": "per-year-salary" })
}

/// Some requisitions fill in some of the fields.
fn custom(random: &mut Random, created_at: i64) -> Map<String, Value> {
    let values = [
        ("target_hire_date", json!(created_at + 60 * DAY)),
        ("budget_number", json!(random.between(1000, 9999))),
        ("work_type", json!("salaried")),
        (
            "cost_center",
            json!({ "city": "Berlin", "campus_code": random.between(1, 9) }),
        ),
    ];
    let kept = values.into_iter().filter(|_| random.percent(40));
    kept.map(|(id, value)| (id.to_owned(), value)).collect()
}
