//! The writes an export is made of, from what is asked and what Lever has: pure.

use std::collections::BTreeSet;

use domain::export::{Asked, Decision, ExportSettings, File, NewOpportunity, Verdict};
use domain::field_mapping::export::{self, Export, Profile};
use domain::field_mapping::{Content, FieldCode, FieldMapping, Policy, Rule, SourcePath};
use domain::link::{Link, names_another_scheme};
use domain::operation::{FileUpload, NoteText, UploadTarget};
use domain::text::meaningful;
use domain::{Timestamp, Write};
use lever::Phone;
use serde_json::Value;

use super::find::{Present, texts};
use crate::error::Result;
use crate::push::prepare::{self, ContactChange};

/// What the steps are made of, beside what Lever has.
pub(in crate::push) struct Order<'a> {
    pub(in crate::push) asked: &'a Asked,
    pub(in crate::push) settings: &'a ExportSettings,
    pub(in crate::push) mapping: &'a FieldMapping,
    /// Tags that were once added: one that is gone since was taken back by a person.
    pub(in crate::push) tags_given: BTreeSet<String>,
}

impl Order<'_> {
    /// The writes that a verdict comes to, in their order, and the tags that are left out since people have removed them.
    pub(in crate::push) fn steps(
        &self,
        verdict: &Verdict,
        present: Option<&Present>,
    ) -> Result<(Vec<Write>, Vec<String>)> {
        let mapping = with_places(self.mapping, self.asked);
        let records = present.map(|present| &present.records);
        let export = export::export(&mapping, &self.profile(&mapping), records);
        let (mut steps, attached) = match (verdict.decision, present) {
            (Decision::Create, _) => (vec![self.creation(verdict, &export)], true),
            (Decision::Update, Some(present)) => (updates(present, &export)?, false),
            _ => return Ok((Vec::new(), Vec::new())),
        };
        let files = (1..).zip(&self.asked.files);
        let others = files.filter(|(_, file)| !(attached && file.resume));
        steps.extend(others.map(|(number, file)| Write::UploadFile(upload(number, file))));
        let notes = export.notes.iter();
        steps.extend(notes.map(|text| Write::CreateNote(NoteText::plain(text.as_str()))));
        Ok((steps, export.tags_taken_back))
    }

    /// What the product knows, by its fields.
    ///
    /// The one place where it is settled which tags an export asks for, and which of them a person has taken back.
    fn profile(&self, mapping: &FieldMapping) -> Profile {
        let (asked, person) = (self.asked, &self.asked.profile);
        let mut profile = Profile {
            tags_given: self.tags_given.clone(),
            ..Profile::default()
        };
        let title = match meaningful(&person.headline) {
            Some(headline) => headline,
            None => person.title.clone(),
        };
        let one = |text: &String| vec![text.clone()];
        let link = |text: &String| match names_another_scheme(text) {
            true => Vec::new(),
            false => one(text),
        };
        let addresses = person.emails.iter();
        profile.unwanted_addresses = addresses
            .clone()
            .filter(|email| email.unwanted)
            .map(|email| email.address.clone())
            .collect();
        let named = [
            ("NAME", one(&person.name)),
            ("TITLE", vec![title]),
            ("COMPANY", person.companies.clone()),
            ("LOCATION", one(&person.location)),
            (
                "EMAIL",
                addresses.map(|email| email.address.clone()).collect(),
            ),
            ("TAGS", self.settings.tags(asked)),
            ("NOTES", one(&asked.note)),
            ("LINKEDIN_URL", link(&person.linkedin_url)),
            ("GITHUB_URL", link(&person.github_url)),
            ("PLATFORM_PROFILE_URL", link(&person.profile_url)),
            (OTHER_LINKS, person.links.clone()),
        ];
        let placed = [
            (PHONES, person.phones.clone()),
            (SOURCES, self.settings.sources(asked)),
        ];
        let by_place = placed.into_iter().flat_map(|((_, paths), texts)| {
            let rules = mapping
                .rules
                .iter()
                .filter(|rule| leads_to(rule, paths))
                .map(|rule| rule.field.clone());
            rules
                .map(|field| (field, texts.clone()))
                .collect::<Vec<_>>()
        });
        let by_name = named
            .into_iter()
            .filter_map(|(field, texts)| Some((FieldCode::parse(field).ok()?, texts)));
        for (field, texts) in by_name.chain(by_place) {
            let known = texts.into_iter().filter(|text| !text.is_empty());
            profile
                .values
                .insert(field, known.map(Content::Text).collect());
        }
        profile
    }

    fn creation(&self, verdict: &Verdict, export: &Export) -> Write {
        let body = Value::Object(export.body.clone());
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let entry = self.settings.entry(self.asked);
        let resume = (1..).zip(&self.asked.files).find(|(_, file)| file.resume);
        Write::CreateOpportunity(Box::new(NewOpportunity {
            name: text("name"),
            headline: text("headline"),
            location: text("location"),
            emails: texts(&body, "emails"),
            phones: body
                .get("phones")
                .and_then(Value::as_array)
                .map(|all| phones(all).into_iter().map(|phone| phone.value).collect())
                .unwrap_or_default(),
            links: texts(&body, "links"),
            tags: texts(&body, "tags"),
            sources: texts(&body, "sources"),
            stage: Some(entry.stage),
            origin: entry.origin,
            owner: self.asked.owner.clone(),
            contact: verdict.contact.clone(),
            posting: self.asked.posting.clone(),
            resume: resume.map(|(number, file)| upload(number, file)),
        }))
    }
}

/// What is missing in Lever of somebody who is there.
fn updates(present: &Present, export: &Export) -> Result<Vec<Write>> {
    let mut steps = Vec::new();
    if !export.add_tags.is_empty() {
        steps.push(Write::AddTags {
            tags: export.add_tags.clone(),
        });
    }
    let body = Value::Object(export.body.clone());
    let known = |source: &String| present.sources.contains(source);
    let sources: Vec<_> = texts(&body, "sources")
        .into_iter()
        .filter(|source| !known(source))
        .collect();
    if !sources.is_empty() {
        steps.push(Write::AddSources { sources });
    }
    let id = &present.opportunity;
    if !export.remove_links.is_empty() {
        steps.push(prepare::remove_links(id, export.remove_links.clone())?);
    }
    if !export.add_links.is_empty() {
        steps.push(prepare::add_links(id, export.add_links.clone())?);
    }
    steps.extend(contact(present, export)?);
    Ok(steps)
}

/// What changes of the person; none where nothing does, or an old record names nobody.
///
/// Addresses and numbers are added to those that are there when it is sent: Lever takes whole lists only.
fn contact(present: &Present, export: &Export) -> Result<Option<Write>> {
    let Some(contact) = &present.contact else {
        return Ok(None);
    };
    let body = &export.body;
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let change = ContactChange {
        name: text("name"),
        headline: text("headline"),
        location: text("location"),
        add_emails: export.add_emails.clone(),
        add_phones: phones(&export.add_phones),
        ..ContactChange::default()
    };
    if change == ContactChange::default() {
        return Ok(None);
    }
    prepare::contact_change(Some(contact), &change).map(Some)
}

fn phones(phones: &[Value]) -> Vec<Phone> {
    let read = |phone: &Value| serde_json::from_value(phone.clone()).ok();
    phones.iter().filter_map(read).collect()
}

fn upload(number: u32, file: &File) -> FileUpload {
    FileUpload {
        target: UploadTarget::Opportunity,
        name: file.name.clone(),
        content_type: file.content_type.clone(),
        size: file.size,
        sha256: file.sha256,
        number,
    }
}

/// Fields that the shipped mapping does not have, and where Lever has them.
const PHONES: (&str, &[&str]) = (
    "PHONES",
    &[
        "opportunities.phones",
        "opportunities.phones.value",
        "contacts.phones",
        "contacts.phones.value",
    ],
);
const SOURCES: (&str, &[&str]) = ("SOURCES", &["opportunities.sources"]);
const OTHER_LINKS: &str = "OTHER_LINKS";

/// The mapping, with a place for what an export carries and no rule speaks of.
///
/// A rule that somebody has set to import or protect stays as it is: what has no rule at all, or is NA, goes where
/// Lever has it. The host of the profile's page counts as the product's own.
pub(in crate::push) fn with_places(mapping: &FieldMapping, asked: &Asked) -> FieldMapping {
    let mut mapping = mapping.clone();
    for rule in &mut mapping.rules {
        if rule.field.as_str() == "LOCATION" && rule.not_available() {
            rule.path = SourcePath::parse("opportunities.location").ok();
            rule.derivation = None;
        }
    }
    for (field, paths) in [PHONES, SOURCES] {
        if !mapping.rules.iter().any(|rule| leads_to(rule, paths)) {
            mapping.rules.extend(adding(field, paths[0]));
        }
    }
    mapping
        .rules
        .extend(adding(OTHER_LINKS, "opportunities.links"));
    mapping
        .platform_hosts
        .extend(host(&asked.profile.profile_url));
    mapping
}

/// The host of a link; none for a text that is no address of the web.
fn host(link: &str) -> Option<String> {
    let canonical = Link::classify(link, &[])?.canonical?;
    let rest = canonical.strip_prefix("https://")?;
    rest.split(['/', '?']).next().map(str::to_owned)
}

fn leads_to(rule: &Rule, paths: &[&str]) -> bool {
    let path = rule.path.as_ref().map(ToString::to_string);
    path.is_some_and(|path| paths.contains(&path.as_str()))
}

/// A rule by which a list is added to.
fn adding(field: &str, path: &str) -> Option<Rule> {
    // The shipped mapping lends what a rule has beside field and path.
    let shipped = FieldMapping::initial(Timestamp::default()).rules;
    Some(Rule {
        field: FieldCode::parse(field).ok()?,
        label: String::new(),
        path: Some(SourcePath::parse(path).ok()?),
        link: None,
        derivation: None,
        derived: false,
        policy: Policy::Overwrite,
        ..shipped.into_iter().next()?
    })
}
