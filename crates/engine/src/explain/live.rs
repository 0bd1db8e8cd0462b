//! What Lever has at this moment of somebody who is looked for, with a bounded number of calls.

use std::collections::BTreeSet;

use domain::absence::{LeftOut, differences};
use domain::{Candidacy, Stream, Timestamp};
use lever::OpportunityId;

use super::{LookedFor, addresses};
use crate::ask::asks_for_another_path;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::lookup::Match;
use crate::read::{Filter, ReadFrom, ReadOne, ReadQuery, Sight};
use crate::standing::Standing;

/// Addresses that are looked for in Lever: each takes a call, and one more where confidential people are refused.
const MOST_ADDRESSES: usize = 3;
/// Opportunities of the mirror that Lever did not list and is asked for one by one.
const MOST_CHECKED: usize = 3;
/// Opportunities that one call brings.
const PAGE: usize = 100;

/// What Lever has.
#[derive(Debug, Clone)]
pub struct InLever {
    /// What came of asking.
    pub answer: LeverAnswer,
    /// Those that the caller may see.
    pub opportunities: Vec<LeverSees>,
    /// What the mirror has and Lever no longer shows.
    pub gone: Vec<OpportunityId>,
}

/// What came of asking Lever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeverAnswer {
    /// Somebody is there.
    Found,
    /// Nobody is there, or shown.
    Nobody,
    /// Lever cannot be asked by what is known.
    NotAskable,
    /// Lever refused.
    Refused {
        /// Why, with the way out.
        why: String,
    },
    /// Lever did not answer, or not so that it could be read.
    Unavailable {
        /// Why.
        why: String,
    },
}

/// An opportunity as Lever has it now.
#[derive(Debug, Clone)]
pub struct LeverSees {
    /// How it stands there.
    pub standing: Standing,
    /// Whether the mirror has it.
    pub mirrored: bool,
    /// In what the mirror differs, in Lever's words.
    pub differences: Vec<&'static str>,
    /// What of the settings leaves it out.
    pub left_out: Vec<LeftOut>,
}

/// One opportunity that Lever has shown.
struct Shown {
    candidacy: Candidacy,
    created_at: Option<Timestamp>,
}

/// What was asked so far.
#[derive(Default)]
struct Asking {
    shown: Vec<Shown>,
    /// Whether anything could be asked.
    asked: bool,
    /// What stood in the way.
    trouble: Option<LeverAnswer>,
}

/// Asks Lever for whoever is looked for, and for what the mirror `found` of them.
pub(super) async fn ask(
    engine: &Engine,
    sight: &Sight<'_>,
    looked_for: &LookedFor,
    found: &[Match],
) -> Result<InLever> {
    let mut asking = Asking::default();
    match looked_for {
        // An id may be one of the other kind, as for the mirror.
        LookedFor::Opportunity(opportunity) => {
            asking.opportunity(engine, sight, opportunity).await?;
            if asking.shown.is_empty() {
                let contact = opportunity.as_str().to_owned();
                asking.list(engine, sight, "contact_id", contact).await?;
            }
        }
        LookedFor::Contact(contact) => {
            let id = contact.as_str();
            asking
                .list(engine, sight, "contact_id", id.to_owned())
                .await?;
            if asking.shown.is_empty() {
                asking.opportunity(engine, sight, &id.into()).await?;
            }
        }
        LookedFor::Identity(known) => {
            if let Some(contact) = &known.contact {
                let contact = contact.as_str().to_owned();
                asking.list(engine, sight, "contact_id", contact).await?;
            }
            for address in addresses(known).into_iter().take(MOST_ADDRESSES) {
                asking.list(engine, sight, "email", address).await?;
            }
        }
    }
    let gone = asking.check_mirror(engine, sight, found).await?;
    let mut opportunities = Vec::with_capacity(asking.shown.len());
    for shown in asking.shown {
        opportunities.push(compared(engine, sight, shown).await?);
    }
    let answer = match (asking.trouble, opportunities.is_empty()) {
        (_, false) => LeverAnswer::Found,
        (Some(trouble), true) => trouble,
        (None, true) if asking.asked => LeverAnswer::Nobody,
        (None, true) => LeverAnswer::NotAskable,
    };
    Ok(InLever {
        answer,
        opportunities,
        gone,
    })
}

impl Asking {
    /// Asks for the opportunities that a filter of Lever's own lets through; after trouble nothing more is asked.
    async fn list(
        &mut self,
        engine: &Engine,
        sight: &Sight<'_>,
        filter: &'static str,
        text: String,
    ) -> Result<()> {
        if self.trouble.is_some() {
            return Ok(());
        }
        self.asked = true;
        let filter = Filter::live(filter, filter, vec![text]);
        let query = ReadQuery {
            filters: filter.into_iter().collect(),
            ..ReadQuery::new(Stream::Opportunities, ReadFrom::Lever, PAGE, sight.viewer)
        };
        match engine.read_page(sight.connection.id, &query, None).await {
            Ok(page) => {
                for record in page.records {
                    self.take(&record.raw);
                }
                Ok(())
            }
            Err(error) => self.failed(error),
        }
    }

    /// Asks for one opportunity.
    async fn opportunity(
        &mut self,
        engine: &Engine,
        sight: &Sight<'_>,
        opportunity: &OpportunityId,
    ) -> Result<()> {
        if self.trouble.is_some() {
            return Ok(());
        }
        self.asked = true;
        if asks_for_another_path(opportunity.as_str()) {
            return Ok(());
        }
        let wanted = ReadOne {
            stream: Stream::Opportunities,
            id: opportunity.as_str().to_owned(),
            opportunity: None,
            from: ReadFrom::Lever,
            viewer: sight.viewer,
        };
        match engine.read_one(sight.connection.id, &wanted).await {
            Ok((record, _now)) => {
                self.take(&record.raw);
                Ok(())
            }
            Err(error) => self.failed(error),
        }
    }

    /// Asks for what the mirror has and Lever did not list; tells what is gone.
    async fn check_mirror(
        &mut self,
        engine: &Engine,
        sight: &Sight<'_>,
        found: &[Match],
    ) -> Result<Vec<OpportunityId>> {
        let seen: BTreeSet<OpportunityId> = self
            .shown
            .iter()
            .map(|shown| shown.candidacy.opportunity.clone())
            .collect();
        let standings = found.iter().flat_map(|person| &person.candidacies);
        let unseen = standings
            .map(|standing| &standing.candidacy.opportunity)
            .filter(|opportunity| !seen.contains(opportunity));
        let mut gone = Vec::new();
        for opportunity in unseen.take(MOST_CHECKED) {
            let before = self.shown.len();
            self.opportunity(engine, sight, opportunity).await?;
            if self.trouble.is_none() && self.shown.len() == before {
                gone.push(opportunity.clone());
            }
        }
        Ok(gone)
    }

    /// Takes what Lever has shown, each opportunity once.
    fn take(&mut self, raw: &str) {
        let Ok(document) = serde_json::from_str::<lever::Opportunity>(raw) else {
            self.trouble.get_or_insert(LeverAnswer::Unavailable {
                why: "Lever sends the record in a form that cannot be read".to_owned(),
            });
            return;
        };
        let known = |shown: &Shown| shown.candidacy.opportunity == document.id;
        if !self.shown.iter().any(known) {
            self.shown.push(Shown {
                candidacy: Candidacy::from_lever(&document, None),
                created_at: document.created_at,
            });
        }
    }

    /// Takes note of what stood in the way; that Lever does not have something is no trouble.
    fn failed(&mut self, error: Error) -> Result<()> {
        let why = error.sentence().to_owned();
        match error.kind() {
            ErrorKind::NotFound { what } if *what != "connection" => {}
            ErrorKind::Invalid { .. } => {}
            ErrorKind::Precondition { .. } => self.trouble = Some(LeverAnswer::Refused { why }),
            ErrorKind::Unavailable { .. } | ErrorKind::Exhausted => {
                self.trouble = Some(LeverAnswer::Unavailable { why });
            }
            _ => return Err(error),
        }
        Ok(())
    }
}

/// What Lever has beside what the mirror has of it.
async fn compared(engine: &Engine, sight: &Sight<'_>, shown: Shown) -> Result<LeverSees> {
    let (id, now) = (sight.connection.id, engine.shared.clock.now());
    let Shown {
        mut candidacy,
        created_at,
    } = shown;
    let left_out = LeftOut::all(&sight.connection, &candidacy, created_at, now);
    let mirrored = engine.shared.store.candidacy(id, &candidacy.opportunity);
    let mirrored = mirrored
        .await?
        .filter(|row| sight.sees_confidential() || !row.confidential);
    let differing = mirrored
        .as_ref()
        .map(|mirrored| differences(mirrored, &candidacy));
    if let Some(mirrored) = &mirrored {
        // It comes with the application, which was not asked for.
        candidacy.posting.clone_from(&mirrored.posting);
        candidacy.applied_at = mirrored.applied_at;
    }
    let standing = engine
        .standings(id, vec![candidacy])
        .await?
        .into_iter()
        .next();
    Ok(LeverSees {
        standing: standing.ok_or_else(|| Error::internal("one row is told as one"))?,
        mirrored: mirrored.is_some(),
        differences: differing.unwrap_or_default(),
        left_out,
    })
}
