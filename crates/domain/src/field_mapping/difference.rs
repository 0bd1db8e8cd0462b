//! What changes between two field mappings, in lines for people.

use super::{FieldMapping, Rule};

/// The differences between the settings of two mappings, one readable line each; empty when there are none.
pub fn diff(before: &FieldMapping, after: &FieldMapping) -> Vec<String> {
    let mut lines = Vec::new();
    for old in &before.rules {
        if find(after, old).is_none() {
            lines.push(format!("field {}: removed", named(old)));
        }
    }
    for new in &after.rules {
        match find(before, new) {
            None => lines.push(format!("field {}: added, {}", named(new), described(new))),
            Some(old) if described(old) != described(new) => {
                lines.push(format!(
                    "field {}: {} -> {}",
                    named(new),
                    described(old),
                    described(new)
                ));
            }
            Some(_) => {}
        }
    }
    let (old, new) = (shared_order(before, after), shared_order(after, before));
    if old != new {
        lines.push(format!("order of fields: {}", new.join(", ")));
    }
    if before.platform_hosts != after.platform_hosts {
        let hosts = |mapping: &FieldMapping| match mapping.platform_hosts.as_slice() {
            [] => "none".to_owned(),
            hosts => hosts.join(", "),
        };
        lines.push(format!(
            "platform hosts: {} -> {}",
            hosts(before),
            hosts(after)
        ));
    }
    lines
}

fn find<'m>(mapping: &'m FieldMapping, wanted: &Rule) -> Option<&'m Rule> {
    let of_field = || {
        mapping
            .rules
            .iter()
            .filter(|rule| rule.field == wanted.field)
    };
    let same_way = of_field().find(|rule| rule.direction == wanted.direction);
    same_way.or_else(|| of_field().find(|rule| rule.direction.overlaps(wanted.direction)))
}

/// Two rules of one field go different ways, so the way tells them apart.
fn named(rule: &Rule) -> String {
    rule.field.to_string()
}

fn described(rule: &Rule) -> String {
    let source = match (rule.active_derivation(), &rule.path) {
        (Some(derivation), _) => format!("derived {derivation}"),
        (None, Some(path)) => path.to_string(),
        (None, None) => "NA".to_owned(),
    };
    // What is not in force is still a setting.
    let kept = match (rule.derived, &rule.path, rule.derivation) {
        (true, Some(path), _) => format!(" (else {path})"),
        (false, _, Some(derivation)) => format!(" (can derive {derivation})"),
        _ => String::new(),
    };
    let link = rule
        .link
        .map(|link| format!(" {link} links"))
        .unwrap_or_default();
    let (direction, policy) = (rule.direction, rule.policy);
    format!("{:?} {source}{kept}{link} {direction} {policy}", rule.label)
}

fn shared_order(mapping: &FieldMapping, other: &FieldMapping) -> Vec<String> {
    let rules = mapping
        .rules
        .iter()
        .filter(|rule| find(other, rule).is_some());
    rules.map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{code, initial, rule_mut};
    use super::super::{Direction, Policy, SourcePath};
    use super::*;

    #[test]
    fn equal_settings_have_no_differences_whoever_saved_them() {
        let mut saved = initial();
        (saved.version, saved.author) = (3, "admin".to_owned());
        assert_eq!(diff(&initial(), &saved), Vec::<String>::new());
    }

    #[test]
    fn each_change_is_one_line() {
        let before = initial();
        let mut after = before.clone();
        after.rules.retain(|rule| rule.field != code("TAGS"));
        rule_mut(&mut after, "COMPANY").derived = true;
        rule_mut(&mut after, "TITLE").policy = Policy::Never;
        let mut own = rule_mut(&mut after, "NAME").clone();
        own.field = code("START_DATE");
        own.direction = Direction::Import;
        own.path = SourcePath::parse(r#"forms.fields["Start date"]"#).ok();
        own.label = "Start".to_owned();
        after.rules.insert(0, own);
        after.rules.swap(1, 2);
        after.platform_hosts.push("app.example.com".to_owned());
        assert_eq!(
            diff(&before, &after),
            [
                "field TAGS: removed",
                r#"field START_DATE: added, "Start" forms.fields["Start date"] import fill_if_blank"#,
                r#"field COMPANY: "Company" NA (can derive company) both fill_if_blank -> "Company" derived company both fill_if_blank"#,
                r#"field TITLE: "Title" opportunities.headline (can derive title) both fill_if_blank -> "Title" opportunities.headline (can derive title) both never"#,
                "order of fields: WORK_EXPERIENCE, NAME, COMPANY, LOCATION, TITLE, EMAIL, EDUCATION, ATTACHMENTS, \
                 NOTES, ACTIVITY_FEED, LINKEDIN_URL, PLATFORM_PROFILE_URL, GITHUB_URL",
                "platform hosts: none -> app.example.com",
            ]
        );
    }
}
