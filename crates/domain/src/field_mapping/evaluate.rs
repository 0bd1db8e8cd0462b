//! From records to product fields: pure, and the same for a profile and a preview.

use super::found::Finding;
use super::records::Records;
use super::value::{Field, FieldState};
use super::{Derivation, FieldMapping, Rule, activity, attachments, person, resume, strict};

/// Values of one field beyond these are left out, so that a profile has a bound.
const MOST_VALUES: usize = 5_000;

impl FieldMapping {
    /// What the records of a person say, field by field in the order of the rules.
    ///
    /// A rule that only exports, or whose field is protected, gives nothing and is left out.
    pub fn evaluate(&self, records: &Records) -> Vec<Field> {
        let rules = self.rules.iter().filter(|rule| rule.imports());
        rules.map(|rule| self.field(rule, records)).collect()
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
        finding.values.truncate(MOST_VALUES);
        let state = match finding.state {
            Some(state) => state,
            None if finding.values.is_empty() => FieldState::Blank,
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
