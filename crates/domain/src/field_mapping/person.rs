//! Employer, place and title of a person, worked out (product.md 5.1, "derived").

use std::cmp::Reverse;

use serde_json::Value;

use super::found::Finding;
use super::records::{Record, Records, Scope, text};
use super::resume::{positions, schools};
use super::value::{Confidence, Content, Position, Sourced, Warning};
use crate::Stream;
use crate::employer;

/// From so many employers on, a headline is a list of them.
const MANY: usize = 3;

/// The present employer, else the last one, else that of an application, else the first of the headline.
pub(super) fn company(records: &Records) -> Finding {
    let work = positions(records);
    let mut finding = Finding {
        warnings: work.warnings.clone(),
        state: work.state,
        ..Finding::default()
    };
    let of = |position: &Position| position.company.clone();
    if let Some((position, sourced)) = latest(&work, |position| position.company.is_some()) {
        finding.values.push(taken(sourced, of(position), "org"));
    } else if !applied_from(records, &mut finding) {
        first_of_headline(records, &mut finding);
    }
    settle(finding)
}

/// The title of the present position, else of the last one, else the headline.
pub(super) fn title(records: &Records) -> Finding {
    let work = positions(records);
    let mut finding = Finding {
        warnings: work.warnings.clone(),
        state: work.state,
        ..Finding::default()
    };
    if let Some((position, sourced)) = latest(&work, |position| position.title.is_some()) {
        finding
            .values
            .push(taken(sourced, position.title.clone(), "title"));
    } else if let Some((record, headline)) = headline(records, &mut finding) {
        let confidence = match lists_companies(&headline, records) {
            true => {
                finding.warn(Warning::HeadlineListsCompanies);
                Confidence::Low
            }
            false => Confidence::Exact,
        };
        add_text(&mut finding, record, "headline", &headline, confidence);
    }
    settle(finding)
}

/// Where the person lives; of a person the contact is asked first, of a candidacy the opportunity. Else where the job
/// is, which says little.
pub(super) fn location(records: &Records) -> Finding {
    let mut finding = Finding::default();
    let opportunities = || {
        records
            .of(Stream::Opportunities)
            .map(|record| (record, "location"))
    };
    let contacts = || {
        records
            .of(Stream::Contacts)
            .map(|record| (record, "location"))
    };
    let jobs = records
        .of(Stream::Opportunities)
        .map(|record| (record, "opportunityLocation"));
    let mut places: Vec<_> = match records.scope() {
        Scope::Person => contacts().chain(opportunities()).collect(),
        Scope::Opportunity => opportunities().chain(contacts()).collect(),
    };
    places.extend(jobs);
    for (record, key) in places {
        let Some((place, path)) = place(record, key) else {
            continue;
        };
        let known = finding
            .meaningful(Some(&place))
            .filter(|_| place != "unspecified");
        if let Some(known) = known {
            let confidence = match key {
                "location" => Confidence::Exact,
                _ => Confidence::Low,
            };
            add_text(&mut finding, record, path, &known, confidence);
            finding.values[0].raw = place;
            break;
        }
    }
    finding
}

/// A place is a text, or an object with a name.
fn place(record: &Record, key: &'static str) -> Option<(String, &'static str)> {
    if let Some(name) = text(&record.document, key) {
        return Some((name.into_owned(), key));
    }
    let name = text(record.document.get(key)?, "name")?;
    Some((name.into_owned(), "location.name"))
}

/// Whether a headline lists employers: many of them, or those of the resume (product.md 5.0).
pub(super) fn lists_companies(headline: &str, records: &Records) -> bool {
    let listed = employer::of_headline(headline);
    let work = positions(records);
    let worked: Vec<_> = held(&work)
        .filter_map(|(position, _)| employer::normalized(position.company.as_deref()?))
        .collect();
    let known =
        |name: &String| employer::normalized(name).is_some_and(|name| worked.contains(&name));
    listed.len() >= MANY || (!listed.is_empty() && listed.iter().all(known))
}

fn applied_from(records: &Records, finding: &mut Finding) -> bool {
    for application in records.of(Stream::Applications) {
        let company = text(&application.document, "company");
        if let Some(company) = finding.meaningful(company.as_deref()) {
            add_text(
                finding,
                application,
                "company",
                &company,
                Confidence::Derived,
            );
            return true;
        }
    }
    false
}

/// A school at the head of the headline is no employer.
fn first_of_headline(records: &Records, finding: &mut Finding) {
    let Some((record, headline)) = headline(records, finding) else {
        return;
    };
    let learned = schools(records);
    let schools: Vec<_> = learned
        .values
        .iter()
        .filter_map(|value| match &value.content {
            Content::School(school) => employer::normalized(school.school.as_deref()?),
            _ => None,
        })
        .collect();
    let listed = employer::of_headline(&headline);
    let employer = listed
        .iter()
        .find(|name| employer::normalized(name).is_none_or(|name| !schools.contains(&name)));
    if let Some(employer) = employer {
        add_text(finding, record, "headline", employer, Confidence::Low);
        if let Some(value) = finding.values.last_mut() {
            value.raw = headline;
        }
    }
}

/// The newest headline that says something.
fn headline<'r>(records: &'r Records, finding: &mut Finding) -> Option<(&'r Record, String)> {
    let all = records
        .of(Stream::Opportunities)
        .chain(records.of(Stream::Contacts));
    for record in all {
        let headline = text(&record.document, "headline");
        if let Some(headline) = finding.meaningful(headline.as_deref()) {
            return Some((record, headline));
        }
    }
    None
}

fn add_text(
    finding: &mut Finding,
    record: &Record,
    path: &str,
    text: &str,
    confidence: Confidence,
) {
    let raw = Value::from(text);
    finding.add(
        record,
        path.to_owned(),
        &raw,
        Content::Text(text.to_owned()),
        confidence,
    );
}

/// The positions that were found, each with its source.
fn held(work: &Finding) -> impl Iterator<Item = (&Position, &Sourced)> {
    work.values.iter().filter_map(|value| match &value.content {
        Content::Position(position) => Some((position, value)),
        _ => None,
    })
}

/// The present position that began last, else the one that ended last.
fn latest(work: &Finding, fits: impl Fn(&Position) -> bool) -> Option<(&Position, &Sourced)> {
    let fitting = || held(work).filter(|(position, _)| fits(position));
    let present = fitting().find(|(position, _)| position.current);
    // Of equal ends the first of the list, which began last.
    present.or_else(|| fitting().min_by_key(|(position, _)| Reverse(position.end)))
}

/// A part of a position as a value of its own.
fn taken(position: &Sourced, text: Option<String>, key: &str) -> Sourced {
    let text = text.unwrap_or_default();
    let mut value = position.clone();
    value.source.path = format!("{}.{key}", value.source.path);
    value.raw.clone_from(&text);
    value.content = Content::Text(text);
    value
}

/// What was found elsewhere no longer waits for a resume.
fn settle(mut finding: Finding) -> Finding {
    if !finding.values.is_empty() {
        finding.state = None;
    }
    finding
}
