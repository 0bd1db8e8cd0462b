//! The SLA report of a connection: counted when it is asked for, of applicants from the roll that is kept of them.

use std::collections::BTreeMap;

use domain::calendar::Calendar;
use domain::sla;
use domain::sla_report::{SlaCounts, SlaReport};
use domain::{ConnectionId, Stream, Timestamp};
use lever::{PostingId, StageId, User, UserId};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::in_stages::InStages;
use crate::inbound::Applicant;
use crate::legend::Legend;
use crate::roll::Roll;
use crate::{mapping, status};

/// Which candidacies.
#[derive(Debug, Clone, Copy)]
pub struct SlaQuery {
    /// All open ones instead of those in inbound stages.
    pub all_stages: bool,
    /// Who breaches within this time is told.
    pub within: std::time::Duration,
    /// How many of them at most.
    pub limit: usize,
    /// Whether confidential people count and are shown.
    pub confidential: bool,
}

/// The candidacies of one stage, posting or owner.
#[derive(Debug, Clone)]
pub struct SlaRow {
    /// Lever's id; empty where there is none.
    pub id: String,
    /// Lever's text or name for it; empty if the mirror has none.
    pub text: String,
    /// How they stand.
    pub counts: SlaCounts,
}

/// The report with the names a person needs.
#[derive(Debug, Clone)]
pub struct SlaOverview {
    /// All together.
    pub total: SlaCounts,
    /// In Lever's stage order, then stages it no longer lists.
    pub stages: Vec<SlaRow>,
    /// Those with most breached candidacies first.
    pub postings: Vec<SlaRow>,
    /// Those with most breached candidacies first.
    pub owners: Vec<SlaRow>,
    /// Who breaches next, the earliest first.
    pub breaching: Vec<Applicant>,
    /// How many those are, shown or not.
    pub breaching_size: usize,
    /// The start of the oldest last-complete pass the report rests on.
    pub as_of: Option<Timestamp>,
}

impl Engine {
    /// Counts open candidacies by how they stand against their SLA now (product.md 6.3).
    ///
    /// # Errors
    /// Not found; precondition until the inbound stages have been read, or when the key may not read opportunities.
    pub async fn sla_report(&self, id: ConnectionId, query: SlaQuery) -> Result<SlaOverview> {
        let link = self.link(id)?;
        let connection = link.connection();
        let listings = self.shared.store.cursors(id).await?;
        crate::read::permitted(&connection, &listings, Stream::Opportunities)?;
        if !status::inbound_ready(&listings) {
            return Err(crate::error::not_read_yet(
                "INBOUND_NOT_READ",
                "the inbound stages",
                &connection,
            ));
        }
        let legend = Legend::of(&self.shared, id).await?;
        let report = self.counted(id, &legend, query).await?;
        let mut people = Vec::new();
        for due in report.due.iter().take(query.limit) {
            people.extend(self.shared.store.candidacy(id, &due.opportunity).await?);
        }
        Ok(SlaOverview {
            total: report.total,
            stages: self.stage_rows(id, &report).await?,
            postings: self.posting_rows(id, &legend, &report).await?,
            owners: self.owner_rows(id, &report).await?,
            breaching: self.described(id, &legend, people).await?,
            breaching_size: report.due.len(),
            as_of: status::as_of(&connection, &listings, &[Stream::Opportunities]),
        })
    }

    async fn counted(
        &self,
        id: ConnectionId,
        legend: &Legend,
        query: SlaQuery,
    ) -> Result<SlaReport> {
        let roll = match query.all_stages {
            true => None,
            false => Roll::of(&self.shared, id, legend).await?,
        };
        let Some(roll) = roll else {
            return self.counted_anew(id, &legend.mapping, query).await;
        };
        let all = query.confidential && self.shows_confidential(id);
        let now = self.shared.clock.now();
        let until = now.plus(query.within);
        let mut report = SlaReport::default();
        for entry in roll.people() {
            if all || !entry.candidacy.confidential {
                report.count(&entry.candidacy, entry.state(now), entry.due_at(), until);
            }
        }
        Ok(report.finish())
    }

    /// The same from the mirror alone.
    async fn counted_anew(
        &self,
        id: ConnectionId,
        mapping: &domain::StageMapping,
        query: SlaQuery,
    ) -> Result<SlaReport> {
        let all = query.confidential && self.shows_confidential(id);
        let stages: Vec<StageId> = match query.all_stages {
            true => self
                .shared
                .store
                .count_by_stage(id)
                .await?
                .into_keys()
                .collect(),
            false => mapping.inbound_stages.iter().cloned().collect(),
        };
        let calendar = Calendar::new(&mapping.sla).map_err(Error::internal)?;
        let now = self.shared.clock.now();
        let until = now.plus(query.within);
        let mut report = SlaReport::default();
        let mut walk = InStages::new(&self.shared.store, id, stages);
        while let Some(found) = walk.next().await? {
            for candidacy in found.iter().filter(|one| all || !one.confidential) {
                let group_entered_at =
                    mapping::group_entered_at(&self.shared, id, mapping, candidacy).await?;
                let sla = sla::assess(candidacy, mapping, &calendar, now, group_entered_at);
                report.count(candidacy, sla.state, sla.due_at, until);
            }
        }
        Ok(report.finish())
    }

    async fn stage_rows(&self, id: ConnectionId, report: &SlaReport) -> Result<Vec<SlaRow>> {
        let stages = mapping::stages(&self.shared, id).await?;
        let listed = stages.iter().filter_map(|stage| {
            let counts = report.by_stage.get(&stage.id)?;
            Some(row(stage.id.as_str(), &stage.text, *counts))
        });
        let gone = report
            .by_stage
            .iter()
            .filter(|(id, _counts)| stages.iter().all(|stage| stage.id != **id));
        let gone = gone.map(|(id, counts)| row(id.as_str(), "", *counts));
        Ok(listed.chain(gone).collect())
    }

    async fn posting_rows(
        &self,
        id: ConnectionId,
        legend: &Legend,
        report: &SlaReport,
    ) -> Result<Vec<SlaRow>> {
        let mut rows = Vec::with_capacity(report.by_posting.len());
        for (posting, counts) in &report.by_posting {
            let text = match posting {
                Some(posting) => legend.posting_text(&self.shared, id, posting).await?,
                None => String::new(),
            };
            let id = posting.as_ref().map_or("", PostingId::as_str);
            rows.push(row(id, &text, *counts));
        }
        Ok(worst_first(rows))
    }

    async fn owner_rows(&self, id: ConnectionId, report: &SlaReport) -> Result<Vec<SlaRow>> {
        let users: Vec<User> = mapping::typed(&self.shared, id, Stream::Users).await?;
        let names: BTreeMap<&UserId, &str> = users
            .iter()
            .filter_map(|user| Some((&user.id, user.name.as_deref()?)))
            .collect();
        let rows = report.by_owner.iter().map(|(owner, counts)| {
            let name = owner.as_ref().and_then(|owner| names.get(owner));
            let id = owner.as_ref().map_or("", UserId::as_str);
            row(id, name.copied().unwrap_or_default(), *counts)
        });
        Ok(worst_first(rows.collect()))
    }
}

fn row(id: &str, text: &str, counts: SlaCounts) -> SlaRow {
    SlaRow {
        id: id.to_owned(),
        text: text.to_owned(),
        counts,
    }
}

/// Most breached first, then most at risk; the rest by id.
fn worst_first(mut rows: Vec<SlaRow>) -> Vec<SlaRow> {
    rows.sort_by_key(|row| {
        let SlaCounts {
            breached, at_risk, ..
        } = row.counts;
        std::cmp::Reverse((breached, at_risk))
    });
    rows
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::Versioned as _;
    use store::Incoming;

    use super::*;
    use crate::in_stages::STEP;
    use crate::testing;

    fn person(number: usize, stage: &str, confidentiality: &str) -> Incoming {
        let id = format!("{stage}-{confidentiality}-{number}");
        let raw = format!(
            r#"{{"id":"{id}","stage":"{stage}","confidentiality":"{confidentiality}","createdAt":{number}}}"#
        );
        testing::opportunity(&id, &raw)
    }

    #[tokio::test]
    async fn everybody_is_counted_who_is_asked_about_and_may_be_seen() {
        let folder = tempfile::TempDir::new().unwrap();
        let open = (0..=STEP).map(|number| person(number, "new", "non-confidential"));
        let others = [
            person(0, "new", "confidential"),
            person(0, "offer", "non-confidential"),
        ];
        let (engine, id) = testing::engine(folder.path(), open.chain(others).collect()).await;
        let before = Legend::of(&engine.shared, id).await.unwrap();
        let mut mapping = (*before.mapping).clone();
        mapping.inbound_stages = [StageId::from("new")].into();
        let mapping = mapping.succeeding(&before.mapping, "admin", Timestamp::default());
        let saved = engine.save_version(id, &*before.mapping, &mapping).await;
        saved.unwrap();
        let legend = Legend::of(&engine.shared, id).await.unwrap();
        for (all_stages, confidential, more) in [
            (false, false, 0),
            (false, true, 1),
            (true, false, 1),
            (true, true, 2),
        ] {
            let query = SlaQuery {
                all_stages,
                within: Duration::ZERO,
                limit: 0,
                confidential,
            };
            let report = engine.counted_anew(id, &legend.mapping, query).await;
            let report = report.unwrap();
            let kept = engine.counted(id, &legend, query).await.unwrap();
            assert_eq!(kept, report, "{query:?}");
            let people: u64 = report.by_owner.values().map(|counts| sum(*counts)).sum();
            assert_eq!(people, STEP as u64 + 1 + more, "{query:?}");
        }
    }

    fn sum(counts: SlaCounts) -> u64 {
        counts.none + counts.on_track + counts.at_risk + counts.breached + counts.paused
    }

    #[tokio::test]
    async fn rows_have_lever_s_names_and_the_worst_come_first() {
        let folder = tempfile::TempDir::new().unwrap();
        let records = [
            (Stream::Stages, "s", r#"{"id":"s","text":"New"}"#),
            (Stream::Postings, "p", r#"{"id":"p","text":"Baker"}"#),
            (Stream::Users, "u", r#"{"id":"u","name":"Ada"}"#),
        ];
        let records = records.map(|(stream, id, raw)| testing::incoming(stream, id, raw));
        let (engine, id) = testing::engine(folder.path(), records.into()).await;
        let late = |breached, at_risk| SlaCounts {
            breached,
            at_risk,
            ..SlaCounts::default()
        };
        let report = SlaReport {
            by_stage: [("gone".into(), late(9, 9)), ("s".into(), late(0, 0))].into(),
            by_posting: [(None, late(1, 1)), (Some("p".into()), late(1, 2))].into(),
            by_owner: [
                (None, late(0, 3)),
                (Some("u".into()), late(1, 0)),
                (Some("v".into()), late(0, 3)),
            ]
            .into(),
            ..SlaReport::default()
        };
        let told = |rows: Vec<SlaRow>| -> Vec<(String, String, u64)> {
            let row = |row: SlaRow| (row.id, row.text, row.counts.at_risk);
            rows.into_iter().map(row).collect()
        };
        let expected = |rows: &[(&str, &str, u64)]| -> Vec<(String, String, u64)> {
            let row = |(id, text, at_risk): &(&str, &str, u64)| {
                ((*id).to_owned(), (*text).to_owned(), *at_risk)
            };
            rows.iter().map(row).collect()
        };
        let stages = engine.stage_rows(id, &report).await.unwrap();
        assert_eq!(told(stages), expected(&[("s", "New", 0), ("gone", "", 9)]));
        let legend = Legend::of(&engine.shared, id).await.unwrap();
        let postings = engine.posting_rows(id, &legend, &report).await.unwrap();
        assert_eq!(told(postings), expected(&[("p", "Baker", 2), ("", "", 1)]));
        let owners = engine.owner_rows(id, &report).await.unwrap();
        let owned = [("u", "Ada", 0), ("", "", 3), ("v", "", 3)];
        assert_eq!(told(owners), expected(&owned));
    }
}
