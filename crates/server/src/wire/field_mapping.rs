//! The field mapping in both directions.

use domain::field_mapping::catalog::PathKind;
use domain::field_mapping::{
    Derivation, Direction, FieldCode, FieldMapping, LinkPick, Policy, Rule, SourcePath,
};
use domain::{Versioned as _, Violation};
use engine::{FieldPreview, SavedMapping, SourceField};
use proto::v1 as pb;

use super::profile::{to_field, to_policy};
use super::time::to_timestamp;

/// For further faults no look-alikes of a path are searched.
const MOST_HINTS: usize = 10;
/// More rules than a mapping may have are not read one by one.
const MOST_READ: usize = 1_000;

/// A mapping as the wire has it.
pub fn to_pb(mapping: &FieldMapping) -> pb::FieldMapping {
    pb::FieldMapping {
        version: mapping.version,
        etag: mapping.etag(),
        author: mapping.author.clone(),
        update_time: Some(to_timestamp(mapping.created_at)),
        platform_hosts: mapping.platform_hosts.clone(),
        rules: mapping.rules.iter().map(to_rule).collect(),
    }
}

/// Reads a mapping; whether it fits the account is for the engine to say.
///
/// # Errors
/// Every field that cannot be read.
pub fn from_pb(mapping: &pb::FieldMapping) -> Result<FieldMapping, Vec<Violation>> {
    let mut violations = Vec::new();
    if mapping.rules.len() > MOST_READ {
        violations.push(violation("rules", "there are far too many".to_owned()));
    }
    let numbered = mapping.rules.iter().take(MOST_READ).enumerate();
    let rules = numbered.filter_map(|(index, rule)| from_rule(index, rule, &mut violations));
    let rules = rules.collect();
    match violations.is_empty() {
        true => Ok(FieldMapping {
            version: mapping.version,
            author: String::new(),
            created_at: Default::default(),
            platform_hosts: mapping.platform_hosts.clone(),
            rules,
        }),
        false => Err(violations),
    }
}

/// A version and what it changed.
pub fn to_version(version: &SavedMapping<FieldMapping>) -> pb::FieldMappingVersion {
    pb::FieldMappingVersion {
        field_mapping: Some(to_pb(&version.mapping)),
        differences: version.differences.clone(),
    }
}

/// A path that can feed a product field.
pub fn to_source(field: &SourceField) -> pb::SourceField {
    let kind = match field.known.kind {
        PathKind::Text => pb::SourceFieldKind::Text,
        PathKind::Number => pb::SourceFieldKind::Number,
        PathKind::Truth => pb::SourceFieldKind::Truth,
        PathKind::Moment => pb::SourceFieldKind::Moment,
        PathKind::List => pb::SourceFieldKind::List,
        PathKind::Object => pb::SourceFieldKind::Object,
        PathKind::Answer => pb::SourceFieldKind::Answer,
    };
    pb::SourceField {
        path: field.known.path.to_string(),
        kind: kind.into(),
        title: field.known.title.clone(),
        group: field.known.group.clone(),
        kept: field.kept,
    }
}

/// What a mapping would make of a person.
pub fn to_preview(preview: &FieldPreview) -> pb::PreviewFieldMappingResponse {
    pb::PreviewFieldMappingResponse {
        differences: preview.differences.clone(),
        before: preview.before.iter().map(to_field).collect(),
        after: preview.after.iter().map(to_field).collect(),
        as_of: preview.as_of.map(to_timestamp),
    }
}

fn to_rule(rule: &Rule) -> pb::FieldRule {
    let path = rule.path.as_ref().map(ToString::to_string);
    pb::FieldRule {
        field: rule.field.as_str().to_owned(),
        label: rule.label.clone(),
        path: path.unwrap_or_default(),
        link: rule.link.map_or(pb::FieldLink::Unspecified, to_link).into(),
        derivation: rule
            .derivation
            .map_or(pb::FieldDerivation::Unspecified, to_derivation)
            .into(),
        derived: rule.derived,
        direction: to_direction(rule.direction).into(),
        policy: to_policy(rule.policy).into(),
        not_available: rule.not_available(),
    }
}

fn from_rule(index: usize, rule: &pb::FieldRule, violations: &mut Vec<Violation>) -> Option<Rule> {
    let hints = violations.len() < MOST_HINTS;
    let mut bad = |field: &str, message: String| {
        violations.push(violation(&format!("rules[{index}].{field}"), message));
    };
    let field = FieldCode::parse(&rule.field).map_err(|error| bad("field", error.to_string()));
    let path = match rule.path.as_str() {
        "" => Ok(None),
        path => SourcePath::parse(path)
            .map(Some)
            .map_err(|error| match hints {
                true => bad("path", error.near(path)),
                false => bad("path", error.to_string()),
            }),
    };
    let link = from_word(rule.link, LinkPick::ALL, to_link)
        .map_err(|()| bad("link", "give one of FieldLink".to_owned()));
    let derivation = from_word(rule.derivation, Derivation::ALL, to_derivation)
        .map_err(|()| bad("derivation", "give one of FieldDerivation".to_owned()));
    let direction = from_word(rule.direction, Direction::ALL, to_direction)
        .map_err(|()| bad("direction", "give IMPORT, EXPORT or BOTH".to_owned()));
    let policy = from_word(rule.policy, Policy::ALL, to_policy).map_err(|()| {
        bad(
            "policy",
            "give OVERWRITE, FILL_IF_BLANK or NEVER".to_owned(),
        )
    });
    Some(Rule {
        field: field.ok()?,
        label: rule.label.clone(),
        path: path.ok()?,
        link: link.ok()?,
        derivation: derivation.ok()?,
        derived: rule.derived,
        direction: direction.ok()?.unwrap_or_default(),
        policy: policy.ok()?.unwrap_or_default(),
    })
}

/// The one of `all` whose number on the wire this is; none for 0, an error for a number of nothing.
fn from_word<T: Copy, P: Into<i32>>(
    number: i32,
    all: &[T],
    to: impl Fn(T) -> P,
) -> Result<Option<T>, ()> {
    match all.iter().find(|one| to(**one).into() == number) {
        Some(one) => Ok(Some(*one)),
        None if number == 0 => Ok(None),
        None => Err(()),
    }
}

fn to_direction(direction: Direction) -> pb::FieldDirection {
    match direction {
        Direction::Import => pb::FieldDirection::Import,
        Direction::Export => pb::FieldDirection::Export,
        Direction::Both => pb::FieldDirection::Both,
    }
}

fn to_link(link: LinkPick) -> pb::FieldLink {
    match link {
        LinkPick::LinkedIn => pb::FieldLink::Linkedin,
        LinkPick::LinkedInRecruiter => pb::FieldLink::LinkedinRecruiter,
        LinkPick::GitHub => pb::FieldLink::Github,
        LinkPick::Twitter => pb::FieldLink::Twitter,
        LinkPick::Platform => pb::FieldLink::Platform,
        LinkPick::SocialMedia => pb::FieldLink::SocialMedia,
        LinkPick::Portfolio => pb::FieldLink::Portfolio,
        LinkPick::Personal => pb::FieldLink::Personal,
    }
}

fn to_derivation(derivation: Derivation) -> pb::FieldDerivation {
    match derivation {
        Derivation::WorkExperience => pb::FieldDerivation::WorkExperience,
        Derivation::Company => pb::FieldDerivation::Company,
        Derivation::Location => pb::FieldDerivation::Location,
        Derivation::Title => pb::FieldDerivation::Title,
        Derivation::Education => pb::FieldDerivation::Education,
        Derivation::Attachments => pb::FieldDerivation::Attachments,
        Derivation::ActivityFeed => pb::FieldDerivation::ActivityFeed,
    }
}

fn violation(field: &str, message: String) -> Violation {
    Violation {
        field: field.to_owned(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_survives_the_way_there_and_back() {
        let mut mapping = FieldMapping::initial(Default::default());
        mapping.platform_hosts = vec!["app.example.com".to_owned()];
        let rule = mapping.rules[0].clone();
        let extra = |code: String, change: &dyn Fn(&mut Rule)| {
            let mut rule = rule.clone();
            rule.field = FieldCode::parse(&code).unwrap();
            change(&mut rule);
            rule
        };
        for (n, link) in LinkPick::ALL.iter().enumerate() {
            mapping
                .rules
                .push(extra(format!("L{n}"), &|rule| rule.link = Some(*link)));
        }
        for (n, derivation) in Derivation::ALL.iter().enumerate() {
            mapping.rules.push(extra(format!("D{n}"), &|rule| {
                rule.derivation = Some(*derivation);
                rule.derived = true;
            }));
        }
        for (n, direction) in Direction::ALL.iter().enumerate() {
            mapping
                .rules
                .push(extra(format!("W{n}"), &|rule| rule.direction = *direction));
        }
        for (n, policy) in Policy::ALL.iter().enumerate() {
            mapping
                .rules
                .push(extra(format!("P{n}"), &|rule| rule.policy = *policy));
        }
        assert_eq!(from_pb(&to_pb(&mapping)).unwrap(), mapping);
        let rules = to_pb(&mapping).rules;
        let not_available = rules.iter().filter(|rule| rule.not_available);
        assert_eq!(not_available.count(), 5);
    }

    #[test]
    fn what_is_left_out_takes_its_default_and_every_bad_field_is_named() {
        let rule = |change: &dyn Fn(&mut pb::FieldRule)| {
            let mut rule = pb::FieldRule {
                field: "NAME".to_owned(),
                ..Default::default()
            };
            change(&mut rule);
            rule
        };
        let least = pb::FieldMapping {
            rules: vec![rule(&|_| {})],
            ..Default::default()
        };
        let read = from_pb(&least).unwrap().rules.remove(0);
        assert_eq!(
            (read.direction, read.policy, read.path),
            (Direction::Both, Policy::FillIfBlank, None)
        );
        let bad = pb::FieldMapping {
            rules: vec![
                rule(&|rule| rule.field = "not a code".to_owned()),
                rule(&|rule| {
                    rule.path = "nowhere".to_owned();
                    (rule.link, rule.derivation, rule.direction, rule.policy) = (99, -1, 4, 4);
                }),
            ],
            ..Default::default()
        };
        let found: Vec<_> = from_pb(&bad)
            .unwrap_err()
            .into_iter()
            .map(|bad| bad.field)
            .collect();
        let expected = [
            "[0].field",
            "[1].path",
            "[1].link",
            "[1].derivation",
            "[1].direction",
            "[1].policy",
        ];
        assert_eq!(found, expected.map(|field| format!("rules{field}")));
        let flood = pb::FieldMapping {
            rules: vec![pb::FieldRule::default(); MOST_READ + 5],
            ..Default::default()
        };
        assert_eq!(from_pb(&flood).unwrap_err().len(), MOST_READ + 1);
    }

    #[test]
    fn a_text_that_is_no_path_is_refused_with_the_nearest_ones() {
        let rule = pb::FieldRule {
            field: "NAME".to_owned(),
            path: "opportunities headline".to_owned(),
            ..Default::default()
        };
        let mapping = pb::FieldMapping {
            rules: vec![rule; 2 * MOST_HINTS],
            ..Default::default()
        };
        let found = from_pb(&mapping).unwrap_err();
        let near = |bad: &&Violation| bad.message.contains("; nearest: opportunities.headline, ");
        assert_eq!(found.len(), 2 * MOST_HINTS);
        assert_eq!(found.iter().filter(near).count(), MOST_HINTS);
    }
}
