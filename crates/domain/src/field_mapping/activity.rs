//! What happened to a person, in order (product.md 5.1, "Activity Feed").
//!
//! Lever's records tell that somebody is archived, not that somebody was and no longer is.

use lever::Timestamp;
use serde_json::Value;

use super::found::Finding;
use super::records::{Record, Records, list, moment, text};
use super::value::{Activity, ActivityKind, Confidence, Content};
use crate::Stream;

/// Everything that has a time, the oldest first; of equal times in the order of the kinds, then of the ids.
pub(super) fn feed(records: &Records) -> Finding {
    let mut feed = Feed::default();
    for record in records.of(Stream::Opportunities) {
        opportunity(record, &mut feed);
    }
    for (stream, kind, at, detail) in BELOW {
        for record in records.of(*stream) {
            feed.add(record, *kind, at, &record.document, detail);
        }
    }
    feed.finding()
}

/// Records that are one event each, with the key of their time and that of their detail.
const BELOW: &[(Stream, ActivityKind, &str, &str)] = &[
    (
        Stream::Applications,
        ActivityKind::Applied,
        "createdAt",
        "posting",
    ),
    (Stream::Referrals, ActivityKind::Referred, "createdAt", ""),
    (Stream::Resumes, ActivityKind::Resume, "createdAt", ""),
    (Stream::Files, ActivityKind::File, "uploadedAt", "name"),
    (Stream::Notes, ActivityKind::Note, "createdAt", ""),
    (
        Stream::Interviews,
        ActivityKind::Interview,
        "date",
        "subject",
    ),
    (
        Stream::Interviews,
        ActivityKind::InterviewCanceled,
        "canceledAt",
        "subject",
    ),
    (
        Stream::Feedback,
        ActivityKind::Feedback,
        "completedAt",
        "text",
    ),
    (Stream::Offers, ActivityKind::Offer, "createdAt", "status"),
    (Stream::Forms, ActivityKind::Form, "completedAt", "text"),
];

fn opportunity(record: &Record, feed: &mut Feed) {
    feed.add(
        record,
        ActivityKind::Created,
        "createdAt",
        &record.document,
        "origin",
    );
    for (index, change) in list(&record.document, "stageChanges").iter().enumerate() {
        let path = format!("stageChanges[{index}]");
        feed.entry(
            record,
            ActivityKind::StageEntered,
            &path,
            moment(change, "updatedAt"),
            change,
            "toStageId",
        );
    }
    let archived = record.document.get("archived").unwrap_or(&Value::Null);
    feed.entry(
        record,
        ActivityKind::Archived,
        "archived",
        moment(archived, "archivedAt"),
        archived,
        "reason",
    );
}

#[derive(Default)]
struct Feed {
    finding: Finding,
}

impl Feed {
    fn add(
        &mut self,
        record: &Record,
        kind: ActivityKind,
        key: &str,
        document: &Value,
        detail: &str,
    ) {
        self.entry(record, kind, key, moment(document, key), document, detail);
    }

    /// Notes what has a time; what has none cannot be put in order.
    fn entry(
        &mut self,
        record: &Record,
        kind: ActivityKind,
        path: &str,
        at: Option<Timestamp>,
        entry: &Value,
        detail: &str,
    ) {
        let Some(at) = at else {
            return;
        };
        let user = ["userId", "user", "creator"]
            .into_iter()
            .find_map(|key| text(entry, key));
        let activity = Activity {
            kind,
            at,
            id: record.id.clone(),
            user: user.map(|user| user.into_owned()),
            detail: text(entry, detail).unwrap_or_default().into_owned(),
        };
        let raw = Value::from(at.as_millis());
        let content = Content::Activity(activity);
        self.finding
            .add(record, path.to_owned(), &raw, content, Confidence::Derived);
    }

    fn finding(mut self) -> Finding {
        self.finding
            .values
            .sort_by(|a, b| match (&a.content, &b.content) {
                (Content::Activity(a), Content::Activity(b)) => {
                    (a.at, a.kind, &a.id).cmp(&(b.at, b.kind, &b.id))
                }
                _ => std::cmp::Ordering::Equal,
            });
        self.finding
    }
}
