//! What a field mapping must satisfy before it is saved.
//!
//! Every fault is told at once, each with the field and the way out. A path that the previous version already had is
//! never refused: the account may have lost its form since.

use std::collections::BTreeSet;

use super::catalog::{self, AccountFields};
use super::export::takes;
use super::{FieldMapping, Rule, SourcePath};
use crate::Stream;
use crate::link;
use crate::text::is_unseen;
use crate::violation::{Violation, shortened};

const MOST_RULES: usize = 200;
const LONGEST_LABEL: usize = 100;
const MOST_HOSTS: usize = 20;
const LONGEST_HOST: usize = 253;
/// For further unknown paths no look-alikes are searched.
const MOST_HINTS: usize = 10;

impl FieldMapping {
    /// Checks that the mapping may be saved after `previous` in an account with these fields of its own.
    ///
    /// # Errors
    /// Every fault found, in the order of the fields; never empty.
    pub fn validate(
        &self,
        account: &AccountFields,
        previous: Option<&FieldMapping>,
    ) -> Result<(), Vec<Violation>> {
        let mut check = Check {
            account,
            kept: previous.into_iter().flat_map(FieldMapping::paths).collect(),
            hints: MOST_HINTS,
            found: Vec::new(),
        };
        check.rules(&self.rules);
        check.hosts(&self.platform_hosts);
        match check.found.is_empty() {
            true => Ok(()),
            false => Err(check.found),
        }
    }

    fn paths(&self) -> impl Iterator<Item = &SourcePath> {
        self.rules.iter().filter_map(|rule| rule.path.as_ref())
    }
}

struct Check<'a> {
    account: &'a AccountFields,
    kept: BTreeSet<&'a SourcePath>,
    hints: usize,
    found: Vec<Violation>,
}

impl Check<'_> {
    fn fault(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.found.push(Violation::new(field, message));
    }

    fn rules(&mut self, rules: &[Rule]) {
        if rules.len() > MOST_RULES {
            // Each further one would cost as much as the first ones.
            return self.fault("rules", format!("at most {MOST_RULES} are allowed"));
        }
        for (index, rule) in rules.iter().enumerate() {
            let place = format!("rules[{index}]");
            self.rule(rule, &place);
            let earlier = rules[..index].iter().position(|other| {
                other.field == rule.field && other.direction.overlaps(rule.direction)
            });
            if let Some(first) = earlier {
                let message = format!(
                    "rules[{first}] maps {} already; a field has two rules only where one imports and one exports",
                    rule.field
                );
                self.fault(format!("{place}.field"), message);
            }
        }
    }

    fn rule(&mut self, rule: &Rule, place: &str) {
        if rule.label.chars().count() > LONGEST_LABEL || rule.label.contains(is_unseen) {
            let message = format!(
                "a label has at most {LONGEST_LABEL} characters, and no line breaks or other control characters"
            );
            self.fault(format!("{place}.label"), message);
        }
        if rule.derived && rule.derivation.is_none() {
            self.fault(
                format!("{place}.derived"),
                "name the derivation, or set derived to false",
            );
        }
        let path = rule.path.as_ref();
        let known = path.is_none_or(|path| self.path(path, &format!("{place}.path")));
        if rule.link.is_some() && !rule.path.as_ref().is_some_and(leads_to_links) {
            let message =
                "only opportunities.links and applications.links lead to links; leave link out";
            self.fault(format!("{place}.link"), message);
        }
        let nothing = rule.path.is_none() && rule.derivation.is_none();
        if nothing {
            self.fault(
                format!("{place}.path"),
                "give a path, or a derivation that can be switched on",
            );
        }
        if known && rule.exports() && !rule.not_available() && !takes(rule) {
            let message =
                "Lever takes no value there when somebody is exported: set direction to import";
            self.fault(format!("{place}.direction"), message);
        }
    }

    /// Whether the path leads somewhere, or did when the version before was saved.
    fn path(&mut self, path: &SourcePath, field: &str) -> bool {
        if self.kept.contains(path) || catalog::knows(path, self.account) {
            return true;
        }
        let mut message = format!("Lever's records have no {}", shortened(&path.to_string()));
        if self.hints > 0 {
            self.hints -= 1;
            message.push_str("; nearest: ");
            message.push_str(&catalog::nearest_to(path, self.account).join(", "));
        }
        self.fault(field, message);
        false
    }

    fn hosts(&mut self, hosts: &[String]) {
        if hosts.len() > MOST_HOSTS {
            self.fault(
                "platform_hosts",
                format!("at most {MOST_HOSTS} are allowed"),
            );
        }
        for (index, host) in hosts.iter().take(MOST_HOSTS).enumerate() {
            let odd = |c: char| !(c.is_alphanumeric() || c == '.' || c == '-');
            if host.len() > LONGEST_HOST || !host.contains('.') || host.contains(odd) {
                let message = "give a host without scheme or path, such as app.example.com";
                self.fault(format!("platform_hosts[{index}]"), message);
            } else if link::is_of_a_network(host) {
                let message = format!(
                    "{} is a network where people have pages, whose links have fields of their own; give the hosts of \
                     your own product only",
                    shortened(host)
                );
                self.fault(format!("platform_hosts[{index}]"), message);
            }
        }
    }
}

fn leads_to_links(path: &SourcePath) -> bool {
    let stream = [Stream::Opportunities, Stream::Applications].contains(&path.stream());
    stream && path.shape() == "links" && path.entries().next().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{code, initial, rule_mut};
    use super::super::{Direction, LinkPick};
    use super::*;

    #[track_caller]
    fn faults(change: impl FnOnce(&mut FieldMapping)) -> Vec<String> {
        let mut mapping = initial();
        change(&mut mapping);
        let found = mapping
            .validate(&AccountFields::default(), None)
            .err()
            .unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    fn path(text: &str) -> Option<SourcePath> {
        Some(SourcePath::parse(text).unwrap())
    }

    #[test]
    fn the_shipped_mapping_is_valid_in_any_account_and_so_are_all_its_derivations() {
        assert_eq!(faults(|_| {}), Vec::<String>::new());
        let derived = faults(|mapping| {
            for rule in &mut mapping.rules {
                rule.derived = rule.derivation.is_some();
            }
        });
        assert_eq!(derived, Vec::<String>::new());
    }

    #[test]
    fn every_fault_is_named() {
        let found = faults(|mapping| {
            rule_mut(mapping, "NAME").path = path("opportunities.nam");
            rule_mut(mapping, "NAME").label = "x".repeat(101);
            rule_mut(mapping, "TAGS").derived = true;
            rule_mut(mapping, "TAGS").link = Some(LinkPick::GitHub);
            rule_mut(mapping, "NOTES").path = None;
            rule_mut(mapping, "EMAIL").path = path("opportunities.origin");
            mapping.rules.push(rule_mut(&mut initial(), "NAME").clone());
            mapping.platform_hosts = vec!["https://x.example/".to_owned()];
        });
        let starts = [
            "rules[0].label: a label has at most 100",
            "rules[0].path: Lever's records have no opportunities.nam; nearest: opportunities.name, ",
            "rules[5].direction: Lever takes no value there",
            "rules[7].derived: name the derivation",
            "rules[7].link: only opportunities.links",
            "rules[9].path: give a path, or a derivation",
            "rules[14].field: rules[0] maps NAME already",
            "platform_hosts[0]: give a host without scheme",
        ];
        assert_eq!(found.len(), starts.len(), "{found:#?}");
        for (fault, start) in found.iter().zip(starts) {
            assert!(fault.starts_with(start), "{fault}");
        }
    }

    #[test]
    fn a_host_where_people_have_pages_is_none_of_the_product() {
        let hosts = |hosts: &[&str]| {
            let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
            faults(|mapping| mapping.platform_hosts = hosts)
        };
        for host in [
            "linkedin.com",
            "www.LinkedIn.com",
            "de.linkedin.com",
            "github.com",
            "ada.github.io",
            "x.com",
            "medium.com",
            "en.medium.com",
        ] {
            let found = hosts(&["app.example.com", host]);
            let start = format!("platform_hosts[1]: {host} is a network");
            assert!(
                found.len() == 1 && found[0].starts_with(&start),
                "{found:?}"
            );
        }
        for host in [
            "app.example.com",
            "notlinkedin.com",
            "github.com.example.org",
        ] {
            assert_eq!(hosts(&[host]), Vec::<String>::new());
        }
    }

    #[test]
    fn a_path_into_answers_for_equal_opportunity_is_refused_with_others_that_lead_somewhere() {
        let found = faults(|mapping| {
            rule_mut(mapping, "NAME").path = path("eeo_responses.gender");
        });
        let known = catalog::nearest_to_text("eeo_responses.gender").join(", ");
        let expected = format!(
            "rules[0].path: Lever's records have no eeo_responses.gender; nearest: {known}"
        );
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_field_may_have_a_rule_for_each_way() {
        let found = faults(|mapping| {
            rule_mut(mapping, "NAME").direction = Direction::Import;
            let mut other = rule_mut(mapping, "NAME").clone();
            other.direction = Direction::Export;
            mapping.rules.push(other);
        });
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_path_of_the_version_before_may_stay_though_its_form_is_gone() {
        let mut before = initial();
        before.rules[0].direction = Direction::Import;
        before.rules[0].path = path(r#"forms.fields["Gone"]"#);
        let account = super::super::catalog::tests::account();
        assert_eq!(before.validate(&account, Some(&before)), Ok(()));
        assert_eq!(before.validate(&account, None).unwrap_err().len(), 1);
    }

    #[test]
    fn a_flood_is_answered_briefly() {
        let flood = faults(|mapping| {
            let rule = rule_mut(mapping, "NAME").clone();
            for n in 0..MOST_RULES - 14 {
                let mut rule = rule.clone();
                rule.field = code(&format!("F{n}"));
                rule.direction = Direction::Import;
                rule.path = path(&format!("contacts.x{n}{}", "x".repeat(300)));
                mapping.rules.push(rule);
            }
        });
        assert_eq!(
            flood
                .iter()
                .filter(|fault| fault.contains("nearest"))
                .count(),
            MOST_HINTS
        );
        assert!(flood.iter().all(|fault| fault.len() < 1_000));
        let too_many =
            faults(|mapping| mapping.rules = vec![mapping.rules[0].clone(); MOST_RULES + 1]);
        assert_eq!(too_many, ["rules: at most 200 are allowed"]);
    }
}
