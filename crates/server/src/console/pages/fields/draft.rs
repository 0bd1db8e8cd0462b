//! A field mapping while somebody edits it: what the form holds, valid or not.

use proto::v1 as pb;

use super::table::worked_out;
use crate::console::compare::Setting;
use crate::console::fault::Fault;
use crate::console::form::Form;
use crate::console::refusal::Refused;
use crate::console::words::plain;

/// Everything that can be set, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    /// Of the version that is to be replaced.
    pub(super) etag: String,
    /// The version that the editing began with.
    pub(super) version: u64,
    /// One a line.
    pub(super) hosts: String,
    pub(super) rows: Vec<Row>,
    /// Whom the mapping is tried on, as it was typed.
    pub(super) who: String,
    /// What was typed for a new field that has no name yet.
    pub(super) nameless: Nameless,
    /// Words that no form of ours has, and a new field without a name.
    pub(super) unknown: Vec<Fault>,
}

/// What was typed for a new field, but for its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Nameless {
    pub(super) path: String,
    pub(super) derivation: pb::FieldDerivation,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) field: String,
    pub(super) label: String,
    pub(super) path: String,
    pub(super) link: pb::FieldLink,
    pub(super) derivation: pb::FieldDerivation,
    pub(super) derived: bool,
    pub(super) direction: pb::FieldDirection,
    pub(super) policy: pb::FieldPolicy,
}

impl Row {
    fn of(rule: &pb::FieldRule) -> Row {
        Row {
            field: rule.field.clone(),
            label: rule.label.clone(),
            path: rule.path.clone(),
            link: rule.link(),
            derivation: rule.derivation(),
            derived: rule.derived,
            direction: rule.direction(),
            policy: rule.policy(),
        }
    }

    fn rule(&self) -> pb::FieldRule {
        pb::FieldRule {
            field: self.field.clone(),
            label: self.label.clone(),
            path: self.path.clone(),
            link: self.link.into(),
            derivation: self.derivation.into(),
            derived: self.derived,
            direction: self.direction.into(),
            policy: self.policy.into(),
            not_available: false,
        }
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        if self.label.is_empty() {
            &self.field
        } else {
            &self.label
        }
    }

    /// Whether there is no path, and nothing is worked out.
    pub(super) fn not_available(&self) -> bool {
        let derives = self.derived && self.derivation != pb::FieldDerivation::Unspecified;
        self.path.is_empty() && !derives
    }

    /// Whether its path leads to links, of which one can be picked by where it leads.
    pub(super) fn picks_links(&self) -> bool {
        self.path.ends_with(".links") || self.link != pb::FieldLink::Unspecified
    }
}

impl Draft {
    /// A saved mapping, to be edited.
    pub(super) fn of(mapping: &pb::FieldMapping) -> Draft {
        Draft {
            etag: mapping.etag.clone(),
            version: mapping.version,
            hosts: mapping.platform_hosts.join("\n"),
            rows: mapping.rules.iter().map(Row::of).collect(),
            who: String::new(),
            nameless: Nameless::default(),
            unknown: Vec::new(),
        }
    }

    /// What was filled in; a field whose name was typed into those for a new one is added.
    pub(super) fn read(form: &Form) -> Draft {
        let mut draft = Draft {
            etag: form.text("etag").to_owned(),
            version: form.text("version").parse().unwrap_or_default(),
            hosts: form.text("hosts").to_owned(),
            rows: Vec::new(),
            who: form.text("who").to_owned(),
            nameless: Nameless::default(),
            unknown: Vec::new(),
        };
        let mut words = Words::default();
        // Rows are known by what stands behind the point in the names of their fields.
        let mut places: Vec<&str> = Vec::new();
        for (name, value) in form.fields() {
            let Some((what, place)) = name.split_once('.') else {
                continue;
            };
            if what == "field" {
                places.push(place);
                draft.rows.push(Row {
                    field: value.to_owned(),
                    ..Row::default()
                });
            }
            let row = places.iter().position(|one| *one == place);
            let Some(row) = row.and_then(|row| draft.rows.get_mut(row)) else {
                continue;
            };
            match what {
                "label" => value.clone_into(&mut row.label),
                "path" => value.clone_into(&mut row.path),
                "link" => row.link = words.read(name, row.name(), "link", value, link_name),
                "derivation" => {
                    row.derivation =
                        words.read(name, row.name(), "derivation", value, derivation_name)
                }
                "derived" => row.derived = true,
                "direction" => {
                    row.direction = words.read(name, row.name(), "direction", value, direction_name)
                }
                "policy" => row.policy = words.read(name, row.name(), "policy", value, policy_name),
                _ => {}
            }
        }
        let (label, word) = (form.text("new_label"), form.text("new_derivation"));
        let derivation = match word {
            "" => pb::FieldDerivation::Unspecified,
            word => {
                let row = if label.is_empty() { "New field" } else { label };
                words.read("new_derivation", row, "derivation", word, derivation_name)
            }
        };
        if label.is_empty() {
            draft.nameless = Nameless {
                path: form.text("new_path").to_owned(),
                derivation,
            };
        } else {
            draft.rows.push(Row {
                field: code_of(label),
                label: label.to_owned(),
                path: form.text("new_path").to_owned(),
                link: pb::FieldLink::Unspecified,
                derivation,
                derived: derivation != pb::FieldDerivation::Unspecified
                    && form.text("new_path").is_empty(),
                direction: pb::FieldDirection::Import,
                policy: pb::FieldPolicy::FillIfBlank,
            });
        }
        draft.unknown = words.unknown;
        if draft.nameless != Nameless::default() {
            let message = "give the new field a name, or empty what was chosen for it";
            draft
                .unknown
                .push(Fault::new("new_label", "Name of the new field", message));
        }
        draft
    }

    /// Moves a row by one place.
    pub(super) fn shift(&mut self, place: usize, later: bool) {
        let other = match later {
            true => place.saturating_add(1),
            false => place.wrapping_sub(1),
        };
        if place < self.rows.len() && other < self.rows.len() {
            self.rows.swap(place, other);
        }
    }

    /// Takes a row away.
    pub(super) fn remove(&mut self, place: usize) {
        if place < self.rows.len() {
            self.rows.remove(place);
        }
    }

    /// The settings of another version, for the version that is there now.
    pub(super) fn reset(&mut self, to: &pb::FieldMapping) {
        let other = Draft::of(to);
        self.rows = other.rows;
        self.hosts = other.hosts;
    }

    /// The mapping it stands for, for the services to check.
    pub(super) fn mapping(&self) -> pb::FieldMapping {
        let hosts = self.hosts.split(|c: char| c.is_whitespace() || c == ',');
        pb::FieldMapping {
            etag: self.etag.clone(),
            platform_hosts: hosts
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .collect(),
            rules: self.rows.iter().map(Row::rule).collect(),
            ..Default::default()
        }
    }

    /// What a service found wrong, in the words of the form.
    pub(super) fn faults(&self, refused: &Refused) -> Vec<Fault> {
        let fields = refused.fields().into_iter();
        let mut faults: Vec<Fault> = fields
            .map(|(field, message)| self.fault(&field, message))
            .collect();
        if faults.is_empty() {
            faults.push(Fault::new("", "The service", refused.message()));
        }
        faults
    }

    fn fault(&self, field: &str, message: String) -> Fault {
        let path = field.strip_prefix("field_mapping.").unwrap_or(field);
        if path.starts_with("platform_hosts") {
            return Fault::new("hosts", "Hosts of the product", message);
        }
        if path == "rules" {
            return Fault::new("", "Fields", message);
        }
        let rule = path
            .strip_prefix("rules[")
            .and_then(|rest| rest.split_once("]."))
            .and_then(|(place, part)| {
                let place: usize = place.parse().ok()?;
                Some((place, part, self.rows.get(place)?))
            });
        let Some((place, part, row)) = rule else {
            return Fault::new("", path, message);
        };
        let (at, word) = match part {
            "path" => ("path", "source path"),
            "link" => ("link", "link"),
            "direction" => ("direction", "direction"),
            "policy" => ("policy", "policy"),
            "derived" | "derivation" => ("derived", "derivation"),
            "field" => ("label", "field"),
            _ => ("label", "name"),
        };
        Fault::new(
            format!("{at}.{place}"),
            format!("{}, {word}", row.name()),
            message,
        )
    }
}

/// The paths nearest to one that was refused, out of the message, and the message without them.
pub(super) fn nearest(message: &str) -> (&str, Vec<&str>) {
    let Some((message, list)) = message.split_once("; nearest: ") else {
        return (message, Vec::new());
    };
    let mut paths = Vec::new();
    let (mut began, mut quoted, mut escaped) = (0, false, false);
    for (at, letter) in list.char_indices() {
        match letter {
            '\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => {
                paths.push(list[began..at].trim());
                began = at + 1;
            }
            _ => {}
        }
        escaped = false;
    }
    paths.push(list[began..].trim());
    paths.retain(|path| !path.is_empty());
    (message, paths)
}

/// The words of a form, and those among them that no form of ours has.
#[derive(Default)]
struct Words {
    unknown: Vec<Fault>,
}

impl Words {
    /// The value that a word stands for; the one of 0 where nothing is said, and for a word that is told as unknown.
    fn read<T: TryFrom<i32> + Copy + Default>(
        &mut self,
        at: &str,
        row: &str,
        what: &str,
        word: &str,
        name: impl Fn(T) -> String,
    ) -> T {
        let mut all = (0..32).filter_map(|number| T::try_from(number).ok());
        let found = all.find(|one| name(*one) == word);
        if found.is_none() && !word.is_empty() {
            let message = "choose one of what is offered: this word is not known";
            let fault = Fault::new(at, format!("{row}, {what}"), message);
            self.unknown.push(fault);
        }
        found.unwrap_or_default()
    }
}

/// Every value of an enum that says something.
pub(super) fn all<T: TryFrom<i32>>() -> impl Iterator<Item = T> {
    (1..32).filter_map(|number| T::try_from(number).ok())
}

pub(super) fn link_name(link: pb::FieldLink) -> String {
    plain(link.as_str_name(), "FIELD_LINK")
}

pub(super) fn derivation_name(derivation: pb::FieldDerivation) -> String {
    plain(derivation.as_str_name(), "FIELD_DERIVATION")
}

pub(super) fn direction_name(direction: pb::FieldDirection) -> String {
    plain(direction.as_str_name(), "FIELD_DIRECTION")
}

pub(super) fn policy_name(policy: pb::FieldPolicy) -> String {
    plain(policy.as_str_name(), "FIELD_POLICY")
}

/// A code made of a name.
fn code_of(label: &str) -> String {
    let upper = label
        .chars()
        .map(|letter| match letter.is_ascii_alphanumeric() {
            true => letter.to_ascii_uppercase(),
            false => '_',
        });
    let code: String = upper.take(40).collect();
    match code.trim_matches('_') {
        "" => "FIELD".to_owned(),
        code => code.to_owned(),
    }
}

/// Every setting of a mapping by itself, to be compared.
pub(super) fn settings(mapping: &pb::FieldMapping) -> Vec<Setting> {
    let mut rows = Vec::new();
    for rule in &mapping.rules {
        let row = Row::of(rule);
        // A field may have a rule for each way.
        let key = match mapping
            .rules
            .iter()
            .filter(|other| other.field == rule.field)
            .count()
        {
            1 => row.field.clone(),
            _ => format!("{} ({})", row.field, direction_name(row.direction)),
        };
        let name = row.name().to_owned();
        let source = match (row.not_available(), row.derived) {
            (true, _) => "NA".to_owned(),
            (false, true) => worked_out(row.derivation).to_owned(),
            (false, false) => row.path.clone(),
        };
        let mut part = |what: &str, value: String| {
            rows.push(Setting::new(
                format!("{key}/{what}"),
                format!("{name}: {what}"),
                value,
            ));
        };
        part("source", source);
        if row.derived && !row.path.is_empty() {
            part("source path", row.path.clone());
        }
        if row.link != pb::FieldLink::Unspecified {
            part("link", link_name(row.link));
        }
        part("direction", direction_name(row.direction));
        part("policy", policy_name(row.policy));
        part("label", row.label.clone());
    }
    let order: Vec<&str> = mapping
        .rules
        .iter()
        .map(|rule| rule.field.as_str())
        .collect();
    rows.push(Setting::new("order", "Order of fields", order.join(", ")));
    let hosts = mapping.platform_hosts.join(", ");
    rows.push(Setting::new("hosts", "Hosts of the product", hosts));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::compare::{Changed, conflicts, differences};

    fn saved() -> pb::FieldMapping {
        let rule = |field: &str, path: &str| pb::FieldRule {
            field: field.to_owned(),
            label: field.to_lowercase(),
            path: path.to_owned(),
            direction: pb::FieldDirection::Both.into(),
            policy: pb::FieldPolicy::FillIfBlank.into(),
            ..Default::default()
        };
        let mut company = rule("COMPANY", "");
        company.derivation = pb::FieldDerivation::Company.into();
        let mut link = rule("LINKEDIN_URL", "opportunities.links");
        link.link = pb::FieldLink::Linkedin.into();
        pb::FieldMapping {
            version: 2,
            etag: "two".to_owned(),
            platform_hosts: vec!["app.example.com".to_owned()],
            rules: vec![rule("NAME", "opportunities.name"), company, link],
            ..Default::default()
        }
    }

    const FORM: &str = "etag=two&version=2&who=ada%40example.com&hosts=app.example.com\
        &field.0=NAME&label.0=name&path.0=opportunities.name&link.0=unspecified&derivation.0=unspecified&direction.0=both&policy.0=fill+if+blank\
        &field.1=COMPANY&label.1=company&path.1=&link.1=unspecified&derivation.1=company&direction.1=both&policy.1=fill+if+blank\
        &field.2=LINKEDIN_URL&label.2=linkedin_url&path.2=opportunities.links&link.2=linkedin&derivation.2=unspecified&direction.2=both&policy.2=fill+if+blank\
        &new_label=&new_path=&new_derivation=unspecified";

    fn read(form: &str) -> Draft {
        Draft::read(&Form::parse(form.as_bytes()))
    }

    #[test]
    fn a_form_that_nobody_changed_is_the_saved_mapping() {
        let draft = read(FORM);
        let expected = pb::FieldMapping {
            version: 0,
            ..saved()
        };
        assert_eq!(draft.mapping(), expected);
        assert_eq!(Draft::of(&saved()).mapping(), expected);
        assert_eq!(draft.who, "ada@example.com");
    }

    #[test]
    fn a_word_that_no_form_has_is_refused_at_its_field() {
        assert_eq!(read(FORM).unknown, []);
        for field in ["link.2", "derivation.1", "direction.0", "policy.2"] {
            let (before, after) = FORM.split_once(&format!("{field}=")).unwrap();
            let rest = &after[after.find('&').unwrap()..];
            let draft = read(&format!("{before}{field}=sideways{rest}"));
            let told: Vec<_> = draft.unknown.iter().map(|fault| &fault.at).collect();
            assert_eq!(told, [field]);
        }
        let new = FORM.replace(
            "new_label=&new_path=&new_derivation=unspecified",
            "new_label=A&new_derivation=x",
        );
        assert_eq!(read(&new).unknown[0].name, "A, derivation");
    }

    #[test]
    fn what_was_chosen_for_a_new_field_without_a_name_is_refused_and_kept() {
        for typed in [
            "new_label=&new_path=requisitions.x&new_derivation=unspecified",
            "new_label=&new_path=&new_derivation=company",
        ] {
            let form = FORM.replace("new_label=&new_path=&new_derivation=unspecified", typed);
            let draft = read(&form);
            assert_eq!(draft.unknown[0].at, "new_label", "{typed}");
            assert_ne!(draft.nameless, Nameless::default(), "{typed}");
            assert_eq!(draft.rows.len(), 3, "{typed}");
        }
        assert_eq!(read(FORM).nameless, Nameless::default());
    }

    #[test]
    fn rows_are_switched_moved_removed_and_added() {
        let form = FORM
            .replace("derivation.1=company", "derivation.1=company&derived.1=on")
            .replace(
                "new_label=&new_path=",
                "new_label=Cost+center&new_path=requisitions.x",
            );
        let mut draft = read(&form);
        assert!(draft.rows[1].derived && !draft.rows[1].not_available());
        assert!(!draft.rows[0].derived && !draft.rows[2].derived);
        assert_eq!(draft.rows[3].field, "COST_CENTER");
        draft.shift(3, false);
        draft.shift(0, false);
        draft.shift(99, true);
        draft.remove(0);
        draft.remove(99);
        let fields: Vec<_> = draft.rows.iter().map(|row| row.field.as_str()).collect();
        assert_eq!(fields, ["COMPANY", "COST_CENTER", "LINKEDIN_URL"]);
        draft.reset(&saved());
        assert_eq!((draft.rows.len(), draft.etag.as_str()), (3, "two"));
    }

    #[test]
    fn what_the_service_refuses_is_told_at_the_field_of_the_form() {
        let draft = read(FORM);
        let at = |field: &str| draft.fault(field, "bad".to_owned());
        let path = at("field_mapping.rules[1].path");
        assert_eq!(
            (path.at.as_str(), path.name.as_str()),
            ("path.1", "company, source path")
        );
        assert_eq!(at("field_mapping.rules[0].field").at, "label.0");
        assert_eq!(at("field_mapping.rules[9].path").at, "");
        assert_eq!(at("field_mapping.platform_hosts[0]").at, "hosts");
        assert_eq!(at("opportunity_id").name, "opportunity_id");
    }

    #[test]
    fn the_nearest_paths_are_read_from_a_message_whatever_their_titles() {
        let message = r#"Lever's records have no x; nearest: contacts.name, forms["A, \"b\""].fields["c"], offers.id"#;
        assert_eq!(
            nearest(message),
            (
                "Lever's records have no x",
                vec![
                    "contacts.name",
                    r#"forms["A, \"b\""].fields["c"]"#,
                    "offers.id"
                ]
            )
        );
        assert_eq!(nearest("give a path"), ("give a path", vec![]));
        assert_eq!(nearest("no x; nearest: "), ("no x", vec![]));
    }

    #[test]
    fn mappings_are_compared_setting_by_setting() {
        let (base, mut theirs, mut mine) = (saved(), saved(), saved());
        theirs.rules[0].policy = pb::FieldPolicy::Never.into();
        mine.rules[1].derived = true;
        let rows = [&base, &theirs, &mine].map(settings);
        let told: Vec<_> = conflicts(&rows[0], &rows[1], &rows[2])
            .iter()
            .map(|row| (row.name.to_owned(), row.changed))
            .collect();
        assert_eq!(
            told,
            [
                ("name: policy".to_owned(), Changed::Theirs),
                ("company: source".to_owned(), Changed::Mine),
            ]
        );
        assert_eq!(
            differences(&rows[0], &rows[2]),
            [(
                "company: source",
                Some("NA"),
                Some("derive from résumé, applications, headline")
            )]
        );
    }
}
