//! From records to product fields: pure, and the same for a profile and a preview.

use std::collections::BTreeSet;

use super::catalog::{ATTACHMENTS, NOTES};
use super::found::Finding;
use super::records::{Records, Unread};
use super::value::{Field, FieldState, Warning};
use super::{Derivation, FieldMapping, Rule, activity, attachments, person, resume, strict};
use crate::Stream;

/// Values of one field beyond these are left out, so that a profile has a bound.
const MOST_VALUES: usize = 5_000;

/// Values of a profile are kept up to so many bytes, so that it fits into a message.
const LARGEST: usize = 768 << 10;

impl FieldMapping {
    /// What the records of a person say, field by field in the order of the rules.
    ///
    /// A rule that only exports, or whose field is protected, gives nothing and is left out.
    pub fn evaluate(&self, records: &Records) -> Vec<Field> {
        let rules = self.rules.iter().filter(|rule| rule.imports());
        let mut room = LARGEST;
        let mut fields: Vec<_> = rules.map(|rule| self.field(rule, records)).collect();
        for field in &mut fields {
            keep_within(field, &mut room);
        }
        fields
    }

    /// The kinds of records that [`FieldMapping::evaluate`] looks at; no others need be read.
    pub fn streams(&self) -> BTreeSet<Stream> {
        let rules = || self.rules.iter().filter(|rule| rule.imports());
        let is_headline = |rule: &Rule| {
            rule.active_path()
                .is_some_and(|path| path.shape() == "headline")
        };
        // Whether a headline lists employers is told from the resume.
        let beside = rules().any(is_headline).then_some(Stream::Resumes);
        rules().flat_map(streams).chain(beside).collect()
    }

    fn field(&self, rule: &Rule, records: &Records) -> Field {
        let mut finding = match (rule.active_derivation(), &rule.path) {
            (Some(derivation), _) => derive(derivation, records),
            (None, Some(path)) => strict::read(rule, path, records, &self.platform_hosts),
            (None, None) => Finding {
                state: Some(FieldState::NotAvailable),
                ..Finding::default()
            },
        };
        if finding.values.len() > MOST_VALUES {
            finding.values.truncate(MOST_VALUES);
            finding.warn(Warning::Shortened);
        }
        let state = match finding.state {
            Some(state) => state,
            None if finding.values.is_empty() => blank(rule, records),
            None => FieldState::Known,
        };
        Field {
            code: rule.field.clone(),
            label: rule.label.clone(),
            state,
            values: finding.values,
            warnings: finding.warnings,
            policy: rule.policy,
        }
    }
}

/// Leaves out the values of a field that no longer fit, and says so.
fn keep_within(field: &mut Field, room: &mut usize) {
    let before = field.values.len();
    field
        .values
        .retain(|value| match room.checked_sub(value.raw.len()) {
            Some(left) => {
                *room = left;
                true
            }
            None => false,
        });
    if field.values.len() < before && !field.warnings.contains(&Warning::Shortened) {
        field.warnings.push(Warning::Shortened);
    }
}

/// Why there is no value: nothing is concluded from records that were not read.
fn blank(rule: &Rule, records: &Records) -> FieldState {
    let unread = streams(rule)
        .into_iter()
        .filter_map(|stream| records.unread(stream));
    match unread.min() {
        Some(Unread::Pending) => FieldState::Pending,
        Some(Unread::Withheld) => FieldState::Withheld,
        None => FieldState::Blank,
    }
}

/// The kinds of records that the values of a rule come from.
fn streams(rule: &Rule) -> BTreeSet<Stream> {
    let read: &[Stream] = match (rule.active_derivation(), &rule.path) {
        (Some(derivation), _) => derived_from(derivation),
        (None, Some(path)) => match path.to_string().as_str() {
            NOTES => &[Stream::Notes],
            ATTACHMENTS => &[Stream::Resumes, Stream::Files, Stream::Applications],
            _ => match path.stream() {
                Stream::Opportunities | Stream::Contacts => derived_from(Derivation::Location),
                other => return BTreeSet::from([other]),
            },
        },
        (None, None) => &[],
    };
    read.iter().copied().collect()
}

fn derived_from(derivation: Derivation) -> &'static [Stream] {
    use Stream as S;
    match derivation {
        Derivation::WorkExperience | Derivation::Education => &[S::Resumes],
        Derivation::Company => &[S::Resumes, S::Applications, S::Opportunities, S::Contacts],
        Derivation::Title => &[S::Resumes, S::Opportunities, S::Contacts],
        Derivation::Location => &[S::Opportunities, S::Contacts],
        Derivation::Attachments => &[S::Resumes, S::Files, S::Applications],
        Derivation::ActivityFeed => &[
            S::Opportunities,
            S::Applications,
            S::Referrals,
            S::Resumes,
            S::Files,
            S::Notes,
            S::Interviews,
            S::Feedback,
            S::Offers,
            S::Forms,
        ],
    }
}

fn derive(derivation: Derivation, records: &Records) -> Finding {
    match derivation {
        Derivation::WorkExperience => resume::positions(records),
        Derivation::Company => person::company(records),
        Derivation::Location => person::location(records),
        Derivation::Title => person::title(records),
        Derivation::Education => resume::schools(records),
        Derivation::Attachments => attachments::attachments(records),
        Derivation::ActivityFeed => activity::feed(records),
    }
}
