//! From the product to Lever: the same rules, the other way (product.md 5.1, "P→L").
//!
//! Only what a rule sends is sent. Where the person is in Lever already, a policy decides, lists are added to, and what
//! a person at the customer has taken back stays away.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::catalog::{ATTACHMENTS, NOTES};
use super::records::{Records, list, text};
use super::value::{Attachment, Content, MonthOfYear, Position, School};
use super::{Derivation, FieldCode, FieldMapping, Policy, Rule};
use crate::Stream;
use crate::employer;
use crate::identity::{IdentityKey, bare_address};
use crate::link::{Link, LinkKind};
use crate::operation::{LARGEST_FILE, LONGEST_NOTE};
use crate::text::meaningful;

/// A headline names so many employers, at most.
const MOST_EMPLOYERS: usize = 10;

/// What the product knows of a person.
#[derive(Clone, Default)]
pub struct Profile {
    /// The values of each product field, the main one first.
    pub values: BTreeMap<FieldCode, Vec<Content>>,
    /// Addresses nothing may be sent to, in any spelling: opted out, or bounced.
    pub unwanted_addresses: BTreeSet<String>,
    /// Tags that were once added: one that is gone since was taken back by a person.
    pub tags_given: BTreeSet<String>,
}

/// What goes to Lever.
#[derive(Clone, Default, PartialEq)]
pub struct Export {
    /// Attributes of the opportunity to create, or of the contact to change. Lever: "Create an opportunity".
    pub body: Map<String, Value>,
    /// Addresses to add where the person is in Lever already.
    pub add_emails: Vec<String>,
    /// Telephone numbers to add where the person is in Lever already, as Lever has them: `{"value": ..}`.
    pub add_phones: Vec<Value>,
    /// Tags to add where the person is in Lever already.
    pub add_tags: Vec<String>,
    /// Tags that are not added, since a person has taken them back.
    pub tags_taken_back: Vec<String>,
    /// Links to add where the person is in Lever already.
    pub add_links: Vec<String>,
    /// Links to remove, as Lever has them: Lever goes by the exact text.
    pub remove_links: Vec<String>,
    /// Notes to write, in order.
    pub notes: Vec<String>,
    /// Files to upload.
    pub attachments: Vec<Attachment>,
    /// What is not sent, and why.
    pub left_out: Vec<(FieldCode, LeftOut)>,
}

/// Why a value is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It only says that nothing is known (X22).
    Placeholder,
    /// The person wants nothing there, or it bounces.
    Unwanted,
    /// It is no address.
    NoAddress,
    /// It leads elsewhere than the rule says.
    OtherLink,
    /// A person has taken it back.
    TakenBack,
    /// Lever takes files of at most 30 MB.
    TooLarge,
    /// It came from here, or is no value of this kind.
    NotSent,
}

/// Where a rule puts what it sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Attribute(&'static str),
    Headline,
    Employers,
    Emails,
    Phones,
    Links,
    Tags,
    Sources,
    Notes,
    Block,
    Attachments,
}

fn place(rule: &Rule) -> Option<Place> {
    if let Some(derivation) = rule.active_derivation() {
        return match derivation {
            Derivation::WorkExperience | Derivation::Education => Some(Place::Block),
            Derivation::Company | Derivation::Title => Some(Place::Employers),
            Derivation::Location => Some(Place::Attribute("location")),
            Derivation::Attachments => Some(Place::Attachments),
            // What happened in Lever is Lever's to tell.
            Derivation::ActivityFeed => None,
        };
    }
    Some(match rule.path.as_ref()?.to_string().as_str() {
        "opportunities.name" | "contacts.name" => Place::Attribute("name"),
        "opportunities.headline" | "contacts.headline" => Place::Headline,
        "opportunities.location" | "contacts.location.name" | "contacts.location" => {
            Place::Attribute("location")
        }
        "opportunities.emails" | "contacts.emails" => Place::Emails,
        "opportunities.phones" | "opportunities.phones.value" => Place::Phones,
        "contacts.phones" | "contacts.phones.value" => Place::Phones,
        "opportunities.links" => Place::Links,
        "opportunities.tags" => Place::Tags,
        "opportunities.sources" => Place::Sources,
        NOTES => Place::Notes,
        ATTACHMENTS => Place::Attachments,
        _ => return None,
    })
}

/// Whether Lever takes a value where the rule puts it; one that only imports by derivation is switched on for both.
pub(super) fn takes(rule: &Rule) -> bool {
    place(rule).is_some() || rule.active_derivation() == Some(Derivation::ActivityFeed)
}

/// What goes to Lever of a person: all of it for somebody new, what is missing for somebody whose records are given.
pub fn export(mapping: &FieldMapping, profile: &Profile, present: Option<&Records>) -> Export {
    let mut writer = Writer {
        mapping,
        profile,
        present: Present::of(present),
        new: present.is_none(),
        export: Export::default(),
    };
    for rule in mapping.rules.iter().filter(|rule| rule.exports()) {
        if let Some(place) = place(rule) {
            let values = profile
                .values
                .get(&rule.field)
                .map_or(&[][..], Vec::as_slice);
            writer.rule(rule, place, values);
        }
    }
    writer.export
}

/// What Lever has of the person.
#[derive(Default)]
struct Present {
    name: Option<String>,
    headline: Option<String>,
    location: Option<String>,
    emails: Vec<String>,
    phones: Vec<Value>,
    links: Vec<String>,
    tags: Vec<String>,
    sources: Vec<String>,
}

impl Present {
    fn of(records: Option<&Records>) -> Present {
        let Some(records) = records else {
            return Present::default();
        };
        let all: Vec<_> = records
            .of(Stream::Contacts)
            .chain(records.of(Stream::Opportunities))
            .collect();
        let first = |key: &str| {
            all.iter()
                .find_map(|record| text(&record.document, key))
                .map(|text| text.into_owned())
        };
        let located = all
            .iter()
            .find_map(|record| text(record.document.get("location")?, "name"));
        let texts = |key: &str| -> Vec<String> {
            let values = all.iter().flat_map(|record| list(&record.document, key));
            values
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        Present {
            name: first("name"),
            headline: first("headline"),
            location: first("location").or_else(|| located.map(|text| text.into_owned())),
            emails: unique(texts("emails")),
            // The contact and the opportunity show the same ones.
            phones: {
                let phones = all
                    .iter()
                    .flat_map(|record| list(&record.document, "phones"));
                let mut seen = BTreeSet::new();
                phones
                    .filter(|phone| {
                        let number = text(phone, "value").map(|text| text.into_owned());
                        number.is_none_or(|number| seen.insert(number))
                    })
                    .cloned()
                    .collect()
            },
            links: texts("links"),
            tags: texts("tags"),
            sources: texts("sources"),
        }
    }
}

struct Writer<'a> {
    mapping: &'a FieldMapping,
    profile: &'a Profile,
    present: Present,
    new: bool,
    export: Export,
}

impl Writer<'_> {
    fn rule(&mut self, rule: &Rule, place: Place, values: &[Content]) {
        match place {
            Place::Attribute(key) => {
                let present = match key {
                    "name" => self.present.name.is_some(),
                    _ => self.present.location.is_some(),
                };
                let text = self.texts(rule, values).into_iter().next();
                self.attribute(key, text, present, rule.policy);
            }
            Place::Headline => {
                let text = self.texts(rule, values).into_iter().next();
                let written =
                    text.is_some() && rule.policy.writes(self.present.headline.is_some(), true);
                if written {
                    // A title in so many words goes before a list of employers, whichever rule comes first.
                    self.export.body.shift_remove("headline");
                }
                self.attribute(
                    "headline",
                    text,
                    self.present.headline.is_some(),
                    rule.policy,
                );
            }
            Place::Employers => {
                let headline = self.employers(rule, values);
                self.attribute(
                    "headline",
                    headline,
                    self.present.headline.is_some(),
                    rule.policy,
                );
            }
            Place::Emails => self.emails(rule, values),
            Place::Phones => self.phones(rule, values),
            Place::Links => self.links(rule, values),
            Place::Tags => self.tags(rule, values),
            Place::Sources => self.sources(rule, values),
            Place::Notes => self.notes(rule, values),
            Place::Block => self.block(rule, values),
            Place::Attachments => self.attachments(rule, values),
        }
    }

    fn left_out(&mut self, rule: &Rule, why: LeftOut) {
        let entry = (rule.field.clone(), why);
        if !self.export.left_out.contains(&entry) {
            self.export.left_out.push(entry);
        }
    }

    /// The texts among the values that say something (X22: placeholders are rejected on this way too).
    fn texts(&mut self, rule: &Rule, values: &[Content]) -> Vec<String> {
        let mut texts = Vec::new();
        for value in values {
            match value.as_text().map(meaningful) {
                Some(Some(text)) => texts.push(text),
                Some(None) => self.left_out(rule, LeftOut::Placeholder),
                None => self.left_out(rule, LeftOut::NotSent),
            }
        }
        texts
    }

    fn attribute(&mut self, key: &str, text: Option<String>, present: bool, policy: Policy) {
        if let Some(text) = text.filter(|_| policy.writes(present, true)) {
            self.export.body.entry(key).or_insert(Value::from(text));
        }
    }

    /// Employers newest first, as people at Lever expect in a headline: of the positions where there are some, else of
    /// the field itself.
    fn employers(&mut self, rule: &Rule, values: &[Content]) -> Option<String> {
        let all = self.profile.values.values().flatten();
        let mut positions: Vec<&Position> = all
            .filter_map(|value| match value {
                Content::Position(position) => Some(position),
                _ => None,
            })
            .collect();
        positions.sort_by_key(|position| std::cmp::Reverse((position.current, position.start)));
        let held = positions
            .iter()
            .filter_map(|position| meaningful(position.company.as_deref()?));
        let own = match rule.derivation {
            Some(Derivation::Company) => self.texts(rule, values),
            _ => Vec::new(),
        };
        let mut seen = BTreeSet::new();
        let named: Vec<String> = held
            .chain(own)
            .filter(|name| employer::normalized(name).is_some_and(|name| seen.insert(name)))
            .take(MOST_EMPLOYERS)
            .collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    fn emails(&mut self, rule: &Rule, values: &[Content]) {
        let keys = |addresses: &mut dyn Iterator<Item = &String>| -> BTreeSet<IdentityKey> {
            let keys = addresses.filter_map(|address| IdentityKey::email(address));
            keys.collect()
        };
        let unwanted = keys(&mut self.profile.unwanted_addresses.iter());
        let there = self.present.emails.iter();
        let mut known = keys(&mut there.chain(&self.export.add_emails));
        let mut missing = Vec::new();
        for address in self.texts(rule, values) {
            match IdentityKey::email(&address) {
                None => self.left_out(rule, LeftOut::NoAddress),
                Some(key) if unwanted.contains(&key) => self.left_out(rule, LeftOut::Unwanted),
                Some(key) if known.contains(&key) => {}
                Some(key) => {
                    known.insert(key);
                    missing.push(bare_address(&address).to_owned());
                }
            }
        }
        let has_some = !self.present.emails.is_empty();
        if missing.is_empty() || !rule.policy.writes(has_some, true) {
            return;
        }
        match self.new {
            true => self.extend("emails", missing.into_iter().map(Value::from)),
            false => self.export.add_emails.extend(missing),
        }
    }

    fn phones(&mut self, rule: &Rule, values: &[Content]) {
        let key = |number: &str| IdentityKey::phone(number);
        let there = self.present.phones.iter().chain(&self.export.add_phones);
        let mut known: BTreeSet<_> = there
            .filter_map(|phone| key(&text(phone, "value")?))
            .collect();
        let mut missing = Vec::new();
        for number in self.texts(rule, values) {
            match key(&number) {
                Some(key) if known.contains(&key) => {}
                Some(key) => {
                    known.insert(key);
                    missing.push(json!({ "value": number }));
                }
                None => self.left_out(rule, LeftOut::NoAddress),
            }
        }
        let has_some = !self.present.phones.is_empty();
        if missing.is_empty() || !rule.policy.writes(has_some, true) {
            return;
        }
        match self.new {
            true => self.extend("phones", missing),
            false => self.export.add_phones.extend(missing),
        }
    }

    fn links(&mut self, rule: &Rule, values: &[Content]) {
        let hosts = &self.mapping.platform_hosts;
        let classify = |raw: &str| Link::classify(raw, hosts);
        let present: Vec<Link> = self
            .present
            .links
            .iter()
            .filter_map(|raw| classify(raw))
            .collect();
        let wanted = rule.link.map(super::LinkPick::kind);
        let mut added = Vec::new();
        let mut removed = Vec::new();
        for raw in self.texts(rule, values) {
            let Some(link) =
                classify(&raw).filter(|link| wanted.is_none_or(|kind| link.kind == kind))
            else {
                self.left_out(rule, LeftOut::OtherLink);
                continue;
            };
            if present.iter().any(|other| same_link(other, &link)) || added.contains(&raw) {
                continue;
            }
            let replaced = present
                .iter()
                .filter(|other| link.kind == LinkKind::Platform && same_host(other, &link));
            removed.extend(replaced.map(|other| other.raw.clone()));
            added.push(raw);
        }
        let has_some = present
            .iter()
            .any(|link| wanted.is_none_or(|kind| link.kind == kind));
        if added.is_empty() || !rule.policy.writes(has_some && removed.is_empty(), true) {
            return;
        }
        self.export.remove_links.extend(removed);
        match self.new {
            true => self.extend("links", added.into_iter().map(Value::from)),
            false => self.export.add_links.extend(added),
        }
    }

    fn tags(&mut self, rule: &Rule, values: &[Content]) {
        let folded = |tag: &str| tag.trim().to_lowercase();
        let present: BTreeSet<_> = self.present.tags.iter().map(|tag| folded(tag)).collect();
        let given: BTreeSet<_> = self
            .profile
            .tags_given
            .iter()
            .map(|tag| folded(tag))
            .collect();
        let mut missing = Vec::new();
        for tag in unique(self.texts(rule, values)) {
            match folded(&tag) {
                there if present.contains(&there) => {}
                gone if given.contains(&gone) => {
                    self.left_out(rule, LeftOut::TakenBack);
                    self.export.tags_taken_back.push(tag);
                }
                _ => missing.push(tag),
            }
        }
        if missing.is_empty() || !rule.policy.writes(!present.is_empty(), true) {
            return;
        }
        match self.new {
            true => self.extend("tags", missing.into_iter().map(Value::from)),
            false => self.export.add_tags.extend(missing),
        }
    }

    fn sources(&mut self, rule: &Rule, values: &[Content]) {
        let present = self.present.sources.clone();
        let known = present.len();
        let all = unique(
            present
                .into_iter()
                .chain(self.texts(rule, values))
                .collect(),
        );
        if all.len() > known && rule.policy.writes(known > 0, true) {
            self.extend("sources", all.into_iter().map(Value::from));
        }
    }

    /// Adds to a list of the body, each once.
    fn extend(&mut self, key: &str, values: impl IntoIterator<Item = Value>) {
        let list = self.export.body.entry(key).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            let new: Vec<_> = values
                .into_iter()
                .filter(|value| !list.contains(value))
                .collect();
            list.extend(new);
        }
    }

    /// What was written through this service is in Lever already (the echo of our own note).
    fn notes(&mut self, rule: &Rule, values: &[Content]) {
        for value in values {
            match value {
                Content::Note(note) if note.own => self.left_out(rule, LeftOut::NotSent),
                Content::Note(note) => self.note(rule, &note.text),
                Content::Text(text) => self.note(rule, text),
                _ => self.left_out(rule, LeftOut::NotSent),
            }
        }
    }

    /// One that only says that nothing is known is none (X22).
    fn note(&mut self, rule: &Rule, text: &str) {
        match meaningful(text) {
            Some(_) => self.export.notes.extend(pieces(text)),
            None => self.left_out(rule, LeftOut::Placeholder),
        }
    }

    /// Lever has no field for these: they go as a note.
    fn block(&mut self, rule: &Rule, values: &[Content]) {
        let lines: Vec<String> = values.iter().filter_map(line).collect();
        if !lines.is_empty() {
            let title = if rule.label.is_empty() {
                rule.field.as_str()
            } else {
                &rule.label
            };
            self.export
                .notes
                .extend(pieces(&format!("{title}\n{}", lines.join("\n"))));
        }
    }

    fn attachments(&mut self, rule: &Rule, values: &[Content]) {
        for value in values {
            match value {
                Content::Attachment(file) if file.size > LARGEST_FILE => {
                    self.left_out(rule, LeftOut::TooLarge)
                }
                Content::Attachment(file) if file.available => {
                    self.export.attachments.push(file.clone())
                }
                _ => self.left_out(rule, LeftOut::NotSent),
            }
        }
    }
}

/// Each once, whatever its case, the first spelling kept.
fn unique(texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts
        .into_iter()
        .filter(|text| seen.insert(text.to_lowercase()))
        .collect()
}

fn same_link(a: &Link, b: &Link) -> bool {
    match (&a.canonical, &b.canonical) {
        (Some(a), Some(b)) => a == b,
        _ => a.raw.trim() == b.raw.trim(),
    }
}

fn same_host(a: &Link, b: &Link) -> bool {
    let host = |link: &Link| {
        let canonical = link.canonical.as_deref()?.strip_prefix("https://")?;
        canonical.split(['/', '?']).next().map(str::to_owned)
    };
    host(a).is_some() && host(a) == host(b)
}

/// A text in notes of a size that Lever takes, each but a single one with its number: `(1/2)`.
fn pieces(text: &str) -> Vec<String> {
    let text = text.trim();
    // Room for the number.
    let room = LONGEST_NOTE - 32;
    let mut parts = Vec::new();
    let mut rest = if text.len() <= LONGEST_NOTE { "" } else { text };
    while !rest.is_empty() {
        let end = rest.floor_char_boundary(room);
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    match parts.len() {
        0 if text.is_empty() => Vec::new(),
        0 => vec![text.to_owned()],
        all => parts
            .iter()
            .enumerate()
            .map(|(at, part)| format!("({}/{all})\n{part}", at + 1))
            .collect(),
    }
}

fn line(value: &Content) -> Option<String> {
    let (parts, start, end, current) = match value {
        Content::Position(Position {
            title,
            company,
            location,
            start,
            end,
            current,
            ..
        }) => ([title, company, location], start, end, *current),
        Content::School(School {
            degree,
            field,
            school,
            start,
            end,
            ..
        }) => ([degree, field, school], start, end, false),
        _ => return None,
    };
    let named: Vec<String> = parts
        .into_iter()
        .filter_map(|part| meaningful(part.as_deref()?))
        .collect();
    let date = |date: &Option<MonthOfYear>| date.map_or("?".to_owned(), shown);
    let last = if current { "now".to_owned() } else { date(end) };
    let period = match (start, end) {
        (None, None) => String::new(),
        _ => format!(" ({} to {last})", date(start)),
    };
    (!named.is_empty()).then(|| format!("- {}{period}", named.join(", ")))
}

fn shown(date: MonthOfYear) -> String {
    match date.month {
        Some(month) => format!("{}-{month:02}", date.year),
        None => date.year.to_string(),
    }
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export")
            .field("left_out", &self.left_out)
            .finish_non_exhaustive()
    }
}
