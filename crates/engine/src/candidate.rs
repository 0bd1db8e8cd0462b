//! Everything the mirror knows of one person: the profile, each candidacy with its way through the stages, and what
//! hangs on it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use domain::stage_history::{StageHistory, Stay};
use domain::stage_mapping::StageCode;
use domain::{Candidacy, ConnectionId, Ours, Stream};
use lever::StageId;

use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::mapping;
use crate::profile::Profile;
use crate::read::person::person;
use crate::read::{RawRecord, ReadFrom, ReadQuery, Viewer, Whose};
use crate::standing::Standing;

/// The lists that are shown with a candidacy.
pub(crate) const LISTS: [Stream; 9] = [
    Stream::Notes,
    Stream::Interviews,
    Stream::Panels,
    Stream::Feedback,
    Stream::Offers,
    Stream::Resumes,
    Stream::Files,
    Stream::Forms,
    Stream::Referrals,
];

/// Records of one list that are shown, at most.
const MOST_RECORDS: usize = 1_000;
/// Bytes of Lever's documents that are shown, at most: gRPC clients take 4 MB unless told otherwise.
const MOST_BYTES: usize = 2 << 20;

/// Everything the mirror knows of one person.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What the field mapping makes of the person.
    pub profile: Profile,
    /// Each candidacy the viewer may see: open ones first, then by their last change.
    pub candidacies: Vec<CandidacyDetail>,
    /// Whether consent to be contacted was refused or has ended (X19).
    pub do_not_contact: bool,
    /// Whether Lever has taken the personal data out (X11).
    pub anonymized: bool,
}

/// One candidacy with all that hangs on it.
#[derive(Debug, Clone)]
pub struct CandidacyDetail {
    /// How it stands.
    pub standing: Standing,
    /// Its way through the stages, the oldest stay first.
    pub stays: Vec<StageStay>,
    /// The time in each stage, all stays together, in the order of the first of them.
    pub times: Vec<StageTime>,
    /// The stage farthest down Lever's list that was ever entered (X8).
    pub furthest: Option<StageId>,
    /// The same, without what a later move back has taken back (X8).
    pub effective_furthest: Option<StageId>,
    /// What hangs on it.
    pub lists: Vec<(Stream, Vec<RawRecord>)>,
    /// Lists that are not shown, or not whole.
    pub unread: Vec<UnreadList>,
    /// What of it came from us.
    pub ours: Ours,
}

/// A stay in one stage, with the names a person needs.
#[derive(Debug, Clone)]
pub struct StageStay {
    /// The stay.
    pub stay: Stay,
    /// Lever's text of the stage; empty for one that it no longer lists.
    pub text: String,
    /// The product stage.
    pub code: StageCode,
}

/// The time spent in one stage.
#[derive(Debug, Clone)]
pub struct StageTime {
    /// The stage.
    pub stage: StageId,
    /// Lever's text of the stage.
    pub text: String,
    /// The product stage.
    pub code: StageCode,
    /// How long.
    pub time: Duration,
}

/// A list that is not shown, or not whole, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadList {
    /// Which.
    pub stream: Stream,
    /// Why, for programs.
    pub reason: &'static str,
    /// Why, for people, with the way out.
    pub message: String,
}

impl Engine {
    /// Everything the mirror knows of one person; of one whom an opportunity names, with all candidacies.
    ///
    /// # Errors
    /// Not found for nobody, and for somebody the viewer may not see; precondition until opportunities have been read.
    pub async fn candidate(
        &self,
        id: ConnectionId,
        whose: Whose,
        viewer: Viewer,
    ) -> Result<Candidate> {
        let whose = self.whole_person(id, whose, viewer).await?;
        let profile = self.profile(id, &whose, viewer).await?;
        let store = &self.shared.store;
        let mut rows = Vec::with_capacity(profile.opportunities.len());
        for opportunity in &profile.opportunities {
            rows.extend(store.candidacy(id, opportunity).await?);
        }
        let now = self.shared.clock.now();
        let do_not_contact = rows.iter().any(|row: &Candidacy| row.do_not_contact(now));
        let anonymized = rows.iter().any(|row| row.anonymized);
        let mut standings = self.standings(id, rows).await?;
        standings.sort_by_key(Standing::order);
        let stages = Stages::read(self, id).await?;
        let mut room = MOST_BYTES;
        let mut candidacies = Vec::with_capacity(standings.len());
        for standing in standings {
            let detail = self.detail(id, standing, viewer, &stages, &mut room);
            candidacies.push(detail.await?);
        }
        Ok(Candidate {
            profile,
            candidacies,
            do_not_contact,
            anonymized,
        })
    }

    /// The person behind an opportunity that the viewer may see; an old record that names nobody stays alone.
    async fn whole_person(&self, id: ConnectionId, whose: Whose, viewer: Viewer) -> Result<Whose> {
        let Whose::Opportunity(_) = &whose else {
            return Ok(whose);
        };
        let sight = self.sight(id, viewer)?;
        let seen = person(&sight, &whose, &BTreeSet::new()).await?;
        Ok(seen.contact.map_or(whose, Whose::Contact))
    }

    async fn detail(
        &self,
        id: ConnectionId,
        standing: Standing,
        viewer: Viewer,
        stages: &Stages,
        room: &mut usize,
    ) -> Result<CandidacyDetail> {
        let candidacy = &standing.candidacy;
        let changes = mapping::history(&self.shared, id, candidacy).await?;
        let began = candidacy.applied_at;
        let history = StageHistory::from_lever(&changes, candidacy.stage.as_ref(), began);
        let until = candidacy.archived.as_ref().map(|archived| archived.at);
        let until = until.unwrap_or_else(|| self.shared.clock.now());
        let times = history.time_in_stages(until);
        let mut seen = BTreeSet::new();
        let firsts = history.stays().iter().map(|stay| &stay.stage);
        let firsts = firsts.filter(|stage| seen.insert((*stage).clone()));
        let mut detail = CandidacyDetail {
            times: firsts
                .map(|stage| StageTime {
                    stage: stage.clone(),
                    text: stages.text(stage),
                    code: stages.mapping.code_of(stage).clone(),
                    time: times.get(stage).copied().unwrap_or_default(),
                })
                .collect(),
            stays: history
                .stays()
                .iter()
                .map(|stay| StageStay {
                    text: stages.text(&stay.stage),
                    code: stages.mapping.code_of(&stay.stage).clone(),
                    stay: stay.clone(),
                })
                .collect(),
            furthest: history.furthest(&stages.order).cloned(),
            effective_furthest: history.effective_furthest(&stages.order).cloned(),
            lists: Vec::new(),
            unread: Vec::new(),
            ours: self
                .shared
                .store
                .ours(id, &standing.candidacy.opportunity)
                .await?,
            standing,
        };
        for stream in LISTS {
            self.list(id, &mut detail, stream, viewer, room).await?;
        }
        Ok(detail)
    }

    /// Adds one list, or why it is not there.
    async fn list(
        &self,
        id: ConnectionId,
        detail: &mut CandidacyDetail,
        stream: Stream,
        viewer: Viewer,
        room: &mut usize,
    ) -> Result<()> {
        let query = ReadQuery {
            opportunity: Some(detail.standing.candidacy.opportunity.clone()),
            ..ReadQuery::new(stream, ReadFrom::Mirror, MOST_RECORDS, viewer)
        };
        let page = match self.read_page(id, &query, None).await {
            Ok(page) => page,
            Err(error) => {
                let ErrorKind::Precondition { reason, .. } = error.kind() else {
                    return Err(error);
                };
                detail.unread.push(UnreadList {
                    stream,
                    reason,
                    message: error.sentence().to_owned(),
                });
                return Ok(());
            }
        };
        let whole = page.records.len();
        let mut records = page.records;
        let fitting = records.iter().take_while(|record| {
            let fits = record.raw.len() <= *room;
            *room -= if fits { record.raw.len() } else { 0 };
            fits
        });
        let fitting = fitting.count();
        records.truncate(fitting);
        if fitting < whole || page.next.is_some() {
            detail.unread.push(UnreadList {
                stream,
                reason: "LIST_CUT_SHORT",
                message: format!(
                    "there are more {stream} than one answer holds: read them with LeverService"
                ),
            });
        }
        detail.lists.push((stream, records));
        Ok(())
    }
}

/// Lever's stages and what the mapping makes of them.
struct Stages {
    mapping: domain::StageMapping,
    order: Vec<StageId>,
    texts: HashMap<StageId, String>,
}

impl Stages {
    async fn read(engine: &Engine, id: ConnectionId) -> Result<Stages> {
        let stages = mapping::stages(&engine.shared, id).await?;
        Ok(Stages {
            mapping: mapping::present(&engine.shared, id).await?,
            order: stages.iter().map(|stage| stage.id.clone()).collect(),
            texts: stages
                .into_iter()
                .map(|stage| (stage.id, stage.text))
                .collect(),
        })
    }

    fn text(&self, stage: &StageId) -> String {
        self.texts.get(stage).cloned().unwrap_or_default()
    }
}
