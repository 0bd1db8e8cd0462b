//! How a connection exports people unless a request says otherwise.

use std::collections::BTreeMap;
use std::fmt;

use lever::{Origin, StageId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Asked, Ground, Named};
use crate::text::{UNSEEN_MESSAGE, is_unseen, meaningful};
use crate::versioned::{MappingKind, Stamp, Versioned};
use crate::violation::Violation;

/// The longest cool-off, in days.
pub const LONGEST_COOL_OFF: u16 = 3650;
/// The most tags of a template.
const MOST_TAGS: usize = 50;
/// The most characters of a tag or a source.
const LONGEST_TEXT: usize = 255;

/// The places that a template may have.
const PLACES: [&str; 3] = ["{search}", "{owner}", "{shortlisted_by}"];

/// What becomes of an export that something speaks against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardRule {
    /// Nobody is exported.
    Block,
    /// Nobody is exported unless the request names the ground.
    Overridable,
    /// It is told, and no more.
    Allow,
}

/// A text that is no guard rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("give block, overridable or allow")]
pub struct InvalidGuardRule;

impl GuardRule {
    /// Every rule.
    pub const ALL: &[GuardRule] = &[GuardRule::Block, GuardRule::Overridable, GuardRule::Allow];

    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            GuardRule::Block => "block",
            GuardRule::Overridable => "overridable",
            GuardRule::Allow => "allow",
        }
    }

    /// What holds where nobody has said otherwise: only what the person themselves, or the law, may want is hard.
    fn shipped(ground: Ground) -> GuardRule {
        match ground {
            Ground::DoNotContact | Ground::Anonymized => GuardRule::Block,
            _ => GuardRule::Overridable,
        }
    }
}

/// As what somebody is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportAs {
    /// Somebody who was found.
    Prospect,
    /// Somebody who applies to a posting.
    Applicant,
}

/// Where somebody begins in Lever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The stage.
    pub stage: StageId,
    /// The origin, in Lever's words.
    pub origin: String,
}

/// How a connection exports people unless a request says otherwise.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportSettings {
    /// Counts saves; 0 is what is shipped.
    #[serde(default)]
    pub version: u64,
    /// Who saved this version; empty for version 0.
    #[serde(default)]
    pub author: String,
    /// When this version was saved.
    #[serde(default)]
    pub created_at: Timestamp,
    /// What becomes of an export, by what speaks against it.
    pub rules: BTreeMap<Ground, GuardRule>,
    /// How many days after a rejection nobody asks the person again; 0 for none.
    pub cool_off_days: u16,
    /// As what people are exported.
    pub export_as: ExportAs,
    /// Where prospects begin.
    pub prospect: Entry,
    /// Where applicants begin.
    pub applicant: Entry,
    /// The source; empty for none.
    pub source: String,
    /// Tags with `{search}`, `{owner}` and `{shortlisted_by}` in them; one with a place for nothing is left out.
    pub tags: Vec<String>,
}

impl ExportSettings {
    /// The rule for a ground.
    pub fn rule(&self, ground: Ground) -> GuardRule {
        let rule = self.rules.get(&ground).copied();
        rule.unwrap_or_else(|| GuardRule::shipped(ground))
    }

    /// As what somebody is exported.
    pub fn export_as(&self, asked: &Asked) -> ExportAs {
        asked.export_as.unwrap_or(self.export_as)
    }

    /// Where somebody begins: by the request, or else by these settings.
    pub fn entry(&self, asked: &Asked) -> Entry {
        let entry = match self.export_as(asked) {
            ExportAs::Prospect => &self.prospect,
            ExportAs::Applicant => &self.applicant,
        };
        Entry {
            stage: asked.stage.clone().unwrap_or_else(|| entry.stage.clone()),
            origin: match asked.origin.as_str() {
                "" => entry.origin.clone(),
                origin => origin.to_owned(),
            },
        }
    }

    /// The sources of an export.
    pub fn sources(&self, asked: &Asked) -> Vec<String> {
        if !asked.sources.is_empty() || self.source.is_empty() {
            return asked.sources.clone();
        }
        vec![self.source.clone()]
    }

    /// The tags an export asks for: those of the template first, each once whatever its case.
    pub fn tags(&self, asked: &Asked) -> Vec<String> {
        let filled = self
            .tags
            .iter()
            .filter_map(|template| filled(template, &asked.named));
        let mut tags: Vec<String> = Vec::new();
        for tag in filled.chain(asked.tags.iter().cloned()) {
            let known = |other: &String| other.to_lowercase() == tag.to_lowercase();
            if !tags.iter().any(known) {
                tags.push(tag);
            }
        }
        tags
    }

    /// The fields of a request of which a tag holds only a part, since it would be longer than Lever's are.
    pub fn cut_short(&self, asked: &Asked) -> Vec<&'static str> {
        let is_cut = |at: &usize| {
            let mut tags = self.tags.iter();
            tags.any(|template| is_cut_short(template, *at, &asked.named))
        };
        let fields = ["search_name", "search_owner", "shortlisted_by"];
        let cut = (0..PLACES.len()).filter(is_cut);
        cut.map(|at| fields[at]).collect()
    }

    /// What is wrong with these settings themselves.
    pub fn validate(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut fault = |field: String, message: &str| found.push(Violation::new(field, message));
        if self.cool_off_days > LONGEST_COOL_OFF {
            fault("cool_off_days".to_owned(), "give 0 to 3650 days");
        }
        for (name, entry) in [("prospect", &self.prospect), ("applicant", &self.applicant)] {
            if entry.stage.as_str().is_empty() {
                fault(
                    format!("{name}.stage_id"),
                    "name the stage by Lever's id, such as lead-new",
                );
            }
            if !is_origin(&entry.origin) {
                fault(format!("{name}.origin"), ORIGINS_MESSAGE);
            }
        }
        if self.source.chars().count() > LONGEST_TEXT {
            fault("source".to_owned(), "give at most 255 characters");
        } else if self.source.contains(is_unseen) {
            fault("source".to_owned(), UNSEEN_MESSAGE);
        }
        if self.tags.len() > MOST_TAGS {
            fault("tags".to_owned(), "give at most 50 tags");
        }
        for (at, tag) in self.tags.iter().enumerate() {
            if tag.trim().is_empty() || tag.chars().count() > LONGEST_TEXT {
                fault(format!("tags[{at}]"), "give 1 to 255 characters");
            } else if tag.contains(is_unseen) {
                fault(format!("tags[{at}]"), UNSEEN_MESSAGE);
            } else if has_unknown_place(tag) {
                fault(
                    format!("tags[{at}]"),
                    "the places are {search}, {owner} and {shortlisted_by}",
                );
            }
        }
        found
    }
}

/// What to say where an origin is none.
pub const ORIGINS_MESSAGE: &str = "give agency, applied, internal, referred, sourced or university";

/// Whether Lever takes it as an origin (behaviour: "Opportunities").
pub fn is_origin(text: &str) -> bool {
    !matches!(Origin::from(text), Origin::Other(_))
}

/// The tag of a template; none where nothing is known for a place in it.
fn filled(template: &str, named: &Named) -> Option<String> {
    let whole = whole(template, named)?;
    let tag: String = whole.trim().chars().take(LONGEST_TEXT).collect();
    (!tag.is_empty()).then_some(tag)
}

/// The tag of a template, however long.
fn whole(template: &str, named: &Named) -> Option<String> {
    let values = [&named.search, &named.owner, &named.shortlisted_by];
    let mut tag = template.to_owned();
    for (place, value) in PLACES.into_iter().zip(values) {
        if tag.contains(place) {
            tag = tag.replace(place, &meaningful(value)?);
        }
    }
    Some(tag)
}

/// Whether the tag of a template ends before the value in a place of it does.
fn is_cut_short(template: &str, place: usize, named: &Named) -> bool {
    let place = PLACES[place];
    let Some(at) = template.rfind(place) else {
        return false;
    };
    let until = whole(&template[..at + place.len()], named);
    let is_made = whole(template, named).is_some();
    is_made && until.is_some_and(|until| until.trim_start().chars().count() > LONGEST_TEXT)
}

fn has_unknown_place(template: &str) -> bool {
    let bare = PLACES
        .into_iter()
        .fold(template.to_owned(), |text, place| text.replace(place, ""));
    bare.contains(['{', '}'])
}

impl Versioned for ExportSettings {
    const KIND: MappingKind = MappingKind::Exports;

    fn initial(now: Timestamp) -> ExportSettings {
        let rules = Ground::ALL.iter().copied();
        let entry = |stage: &str, origin: &str| Entry {
            stage: stage.into(),
            origin: origin.to_owned(),
        };
        ExportSettings {
            version: 0,
            author: String::new(),
            created_at: now,
            rules: rules
                .map(|ground| (ground, GuardRule::shipped(ground)))
                .collect(),
            cool_off_days: 90,
            export_as: ExportAs::Prospect,
            prospect: entry("lead-new", "sourced"),
            applicant: entry("applicant-new", "applied"),
            source: "Fulcrum".to_owned(),
            tags: [
                "{search}",
                "{owner}",
                "{shortlisted_by}",
                "Fulcrum Exported",
            ]
            .map(str::to_owned)
            .to_vec(),
        }
    }

    fn stamp(&self) -> Stamp<'_> {
        Stamp {
            version: self.version,
            author: &self.author,
            created_at: self.created_at,
        }
    }

    fn set_stamp(&mut self, stamp: Stamp<'_>) {
        self.version = stamp.version;
        self.author = stamp.author.to_owned();
        self.created_at = stamp.created_at;
    }

    fn differences(&self, before: &ExportSettings) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = |what: &str, was: String, is: String| {
            if was != is {
                lines.push(format!("{what}: {was} -> {is}"));
            }
        };
        for ground in Ground::ALL {
            let word = |settings: &ExportSettings| settings.rule(*ground).as_str().to_owned();
            line(ground.code(), word(before), word(self));
        }
        let (was, is) = (before, self);
        line(
            "cool-off days",
            was.cool_off_days.to_string(),
            is.cool_off_days.to_string(),
        );
        let kind = |settings: &ExportSettings| format!("{:?}", settings.export_as).to_lowercase();
        line("export as", kind(was), kind(is));
        let entry = |entry: &Entry| format!("{} ({})", entry.stage, entry.origin);
        line("prospects begin", entry(&was.prospect), entry(&is.prospect));
        line(
            "applicants begin",
            entry(&was.applicant),
            entry(&is.applicant),
        );
        line("source", was.source.clone(), is.source.clone());
        line("tags", was.tags.join(", "), is.tags.join(", "));
        lines
    }
}

/// Leaves out the author, who is a person.
impl fmt::Debug for ExportSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportSettings")
            .field("version", &self.version)
            .field("rules", &self.rules)
            .field("cool_off_days", &self.cool_off_days)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initial() -> ExportSettings {
        ExportSettings::initial(Timestamp::default())
    }

    #[test]
    fn a_template_is_filled_and_a_tag_without_its_value_is_left_out() {
        let asked = Asked {
            named: Named {
                search: "Rust, Oslo".to_owned(),
                owner: "N/A".to_owned(),
                shortlisted_by: String::new(),
            },
            tags: vec!["fulcrum exported".to_owned(), "2026".to_owned()],
            ..Asked::default()
        };
        let tags = initial().tags(&asked);
        assert_eq!(tags, ["Rust, Oslo", "Fulcrum Exported", "2026"]);
    }

    #[test]
    fn what_does_not_fit_into_a_tag_is_told() {
        let settings = ExportSettings {
            tags: vec![
                "{search}".to_owned(),
                " Search {search} of {owner}".to_owned(),
                "for {shortlisted_by}".to_owned(),
            ],
            ..initial()
        };
        let cut = |search: usize, owner: &str, shortlisted_by: usize| {
            let named = Named {
                search: "s".repeat(search),
                owner: owner.to_owned(),
                shortlisted_by: "\u{e9}".repeat(shortlisted_by),
            };
            let asked = Asked {
                named,
                ..Asked::default()
            };
            settings.cut_short(&asked)
        };
        assert_eq!(cut(240, "Ada", 251), [""; 0]);
        assert_eq!(cut(242, "Ada", 252), ["search_owner", "shortlisted_by"]);
        assert_eq!(cut(249, "Ada", 1), ["search_name", "search_owner"]);
        // A tag without its value is not made.
        assert_eq!(cut(249, "", 1), [""; 0]);
        assert_eq!(cut(256, "", 1), ["search_name"]);
    }

    #[test]
    fn a_request_goes_before_the_settings() {
        let settings = initial();
        let entry = settings.entry(&Asked::default());
        assert_eq!(
            (entry.stage.as_str(), entry.origin.as_str()),
            ("lead-new", "sourced")
        );
        let applicant = Asked {
            export_as: Some(ExportAs::Applicant),
            origin: "referred".to_owned(),
            sources: vec!["Meetup".to_owned()],
            ..Asked::default()
        };
        let entry = settings.entry(&applicant);
        assert_eq!(
            (entry.stage.as_str(), entry.origin.as_str()),
            ("applicant-new", "referred")
        );
        assert_eq!(settings.sources(&applicant), ["Meetup"]);
        assert_eq!(settings.sources(&Asked::default()), ["Fulcrum"]);
    }

    #[test]
    fn what_is_shipped_is_valid_and_faults_are_named() {
        assert_eq!(initial().validate(), []);
        let mut bad = initial();
        bad.cool_off_days = 4000;
        bad.prospect.origin = "heaven".to_owned();
        bad.applicant.stage = "".into();
        bad.tags = vec!["{serach}".to_owned(), " ".to_owned()];
        let fields: Vec<_> = bad.validate().into_iter().map(|one| one.field).collect();
        assert_eq!(
            fields,
            [
                "cool_off_days",
                "prospect.origin",
                "applicant.stage_id",
                "tags[0]",
                "tags[1]"
            ]
        );
    }

    #[test]
    fn differences_are_told_in_lines() {
        let mut after = initial();
        after.rules.insert(Ground::CoolOff, GuardRule::Block);
        after.cool_off_days = 30;
        assert_eq!(
            after.differences(&initial()),
            ["COOL_OFF: overridable -> block", "cool-off days: 90 -> 30"]
        );
    }
}
