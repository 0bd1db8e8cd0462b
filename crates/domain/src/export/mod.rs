//! Handing a person of the product to Lever: what is asked, by which settings, and what speaks against it (F-20, X19).
//!
//! What is known of a person comes in as a value, and so does the time. [`guard::judge`] decides whether the person is
//! made in Lever, updated there, or left alone; nothing here reads Lever or the mirror.

pub mod guard;
mod settings;

use std::collections::BTreeSet;
use std::fmt;

use lever::{ContactId, OpportunityId, PostingId, StageId, UserId};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::operation::FileUpload;

pub use guard::{Decision, Finding, Ground, Verdict, Weight};
pub use settings::{
    Entry, ExportAs, ExportSettings, GuardRule, InvalidGuardRule, LONGEST_COOL_OFF,
    ORIGINS_MESSAGE, is_origin,
};

/// The export of a person: what was asked, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Export {
    /// What was asked.
    pub asked: Asked,
    /// What is known by now.
    #[serde(default)]
    pub result: ExportResult,
}

impl Export {
    /// Nothing has been decided yet.
    pub fn of(asked: Asked) -> Export {
        Export {
            asked,
            result: ExportResult::default(),
        }
    }

    /// The same without what is known of the person; such an export is for the record only.
    pub(crate) fn scrubbed(&self) -> Export {
        Export {
            asked: Asked {
                posting: self.asked.posting.clone(),
                ..Asked::default()
            },
            // Ids of Lever's.
            result: self.result.clone(),
        }
    }
}

/// What came of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportResult {
    /// What was decided; none until Lever and the mirror were asked.
    pub verdict: Option<Verdict>,
    /// The person in Lever.
    pub contact: Option<ContactId>,
    /// Whether Lever knew the person; none when nothing was made, and where the answer was lost.
    pub deduped: Option<bool>,
}

/// An export as it is asked for.
///
/// The digest of a request is made of its JSON, so a field that is added later is left out where it is empty.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Who.
    pub profile: Profile,
    /// Lever's id of the person, where the caller knows it.
    pub contact: Option<ContactId>,
    /// The posting they are exported to; none for a candidacy of no posting.
    pub posting: Option<PostingId>,
    /// In place of the stage of the settings.
    pub stage: Option<StageId>,
    /// In place of the origin of the settings.
    pub origin: String,
    /// Who is to own the candidacy; without it, who acts.
    pub owner: Option<UserId>,
    /// As what; without it, as the settings say.
    pub export_as: Option<ExportAs>,
    /// Tags beside those of the template.
    pub tags: Vec<String>,
    /// In place of the source of the settings.
    pub sources: Vec<String>,
    /// What the template of tags puts in its places.
    pub named: Named,
    /// A note to write.
    pub note: String,
    /// Files to hand on, the resume among them.
    pub files: Vec<File>,
    /// What the caller knows of and has decided to overrule.
    pub overrides: BTreeSet<Ground>,
    /// Whether the caller may know of confidential people.
    pub confidential: bool,
}

/// What a template of tags puts in its places.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Named {
    /// The search that found the person.
    pub search: String,
    /// The name of its owner.
    pub owner: String,
    /// The name of who put the person on the list.
    pub shortlisted_by: String,
}

/// What the product knows of a person.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The full name.
    pub name: String,
    /// The headline in so many words; else the field mapping makes one of title or companies.
    pub headline: String,
    /// The present title.
    pub title: String,
    /// Where the person lives.
    pub location: String,
    /// Employers, the present one first.
    pub companies: Vec<String>,
    /// Addresses, the main one first.
    pub emails: Vec<Email>,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// The page on LinkedIn.
    pub linkedin_url: String,
    /// The page on GitHub.
    pub github_url: String,
    /// Other links.
    pub links: Vec<String>,
    /// The page of the person in the product; finds the candidacy again after a lost answer.
    pub profile_url: String,
}

/// An address of a person.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Email {
    /// The address.
    pub address: String,
    /// Whether the person wants nothing there, or it bounces: it tells who they are and is not sent.
    pub unwanted: bool,
}

/// A file of a person; its bytes are kept beside the operation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The name Lever shows.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Whether it is the resume.
    pub resume: bool,
}

/// An opportunity to make.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewOpportunity {
    /// The person's name.
    pub name: Option<String>,
    /// The person's headline.
    pub headline: Option<String>,
    /// Where the person lives.
    pub location: Option<String>,
    /// Addresses.
    pub emails: Vec<String>,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// Links.
    pub links: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Sources.
    pub sources: Vec<String>,
    /// The stage.
    pub stage: Option<StageId>,
    /// The origin in Lever's words.
    pub origin: String,
    /// Who owns it.
    pub owner: Option<UserId>,
    /// The person, when Lever knows them.
    pub contact: Option<ContactId>,
    /// The posting.
    pub posting: Option<PostingId>,
    /// The resume.
    pub resume: Option<FileUpload>,
}

impl NewOpportunity {
    /// The same without what is known of the person.
    pub(crate) fn scrubbed(&self) -> NewOpportunity {
        NewOpportunity {
            stage: self.stage.clone(),
            origin: self.origin.clone(),
            posting: self.posting.clone(),
            ..NewOpportunity::default()
        }
    }
}

/// What Lever has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The opportunity.
    pub opportunity: OpportunityId,
    /// The person behind it.
    pub contact: Option<ContactId>,
    /// Whether Lever knew the person; none where its answer was lost.
    pub deduped: Option<bool>,
}

impl Profile {
    /// By what the person is recognized, unwanted addresses too.
    pub fn identity(&self) -> Identity {
        let links = [&self.linkedin_url, &self.github_url];
        Identity {
            emails: self
                .emails
                .iter()
                .map(|email| email.address.clone())
                .collect(),
            links: links.into_iter().chain(&self.links).cloned().collect(),
            phones: Vec::new(),
            name: self.name.clone(),
            employers: self.companies.clone(),
        }
    }
}

/// The texts of people do not belong in a log.
macro_rules! no_details {
    ($($name:ident),*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}

no_details!(Asked, Named, Profile, Email, File, NewOpportunity);
