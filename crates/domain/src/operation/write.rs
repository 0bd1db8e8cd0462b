//! What a write asks of Lever.

use std::collections::BTreeMap;
use std::fmt;

use lever::{ArchiveReasonId, NoteId, OpportunityId, PostingId, RequisitionId, StageId};
use serde::{Deserialize, Serialize};

use super::Tally;
use crate::export::{Export, NewOpportunity};

/// The longest note that is written in one piece, in bytes.
pub const LONGEST_NOTE: usize = 60_000;

/// The largest file that is handed to Lever, in bytes: Lever takes 30 MB a request (behaviour: "Files"), and what stands
/// around the file in it counts too.
pub const LARGEST_FILE: u64 = (30 << 20) - AROUND_A_FILE;

/// The room that is left in such a request for names, types and other fields.
const AROUND_A_FILE: u64 = 64 << 10;

/// How the names of files end that Lever takes, in any case. Lever: "Files", its formats.
pub const FILE_ENDINGS: [&str; 7] = ["doc", "docx", "jpg", "js", "pdf", "png", "txt"];

/// What a write asks of Lever.
#[derive(Clone, PartialEq, Eq)]
pub enum Write {
    /// Writes a note on the opportunity, or a comment on a note.
    CreateNote(NoteText),
    /// Adds tags; those already there are left alone.
    AddTags {
        /// The tags.
        tags: Vec<String>,
    },
    /// Removes tags; those not there are ignored.
    RemoveTags {
        /// The tags.
        tags: Vec<String>,
    },
    /// Adds sources.
    AddSources {
        /// The sources.
        sources: Vec<String>,
    },
    /// Removes sources.
    RemoveSources {
        /// The sources.
        sources: Vec<String>,
    },
    /// Moves the opportunity to another stage.
    ChangeStage {
        /// The stage to move to.
        stage: StageId,
        /// Refuse if the opportunity is no longer here.
        expected_stage: Option<StageId>,
    },
    /// Archives the opportunity; a reason of type `hired` is a hire.
    Archive {
        /// The archive reason.
        reason: ArchiveReasonId,
        /// The requisition a hire counts for.
        requisition: Option<RequisitionId>,
        /// Whether pending interviews are cancelled.
        clean_interviews: bool,
        /// Leave alone who is no longer here, or is archived already: a rejection is of an open candidacy.
        rejects: Option<Rejection>,
    },
    /// Takes the opportunity out of the archive; its former stage shows again (F-26).
    Unarchive,
    /// Any write of Lever's API.
    Raw(RawWrite),
    /// Hands a file to Lever (F-27). Its bytes are kept beside the operation until that has settled.
    UploadFile(FileUpload),
    /// One call, ready to be made, of a kind that Fulcrum knows.
    Prepared(Prepared),
    /// Many writes of one kind, each an operation of its own below this one; it makes no call itself.
    Bulk(Bulk),
    /// Hands a person over (F-20): looks for them first, and then goes by the steps that were decided on.
    Export(Box<Export>),
    /// Makes an opportunity: a step of an export.
    CreateOpportunity(Box<NewOpportunity>),
}

/// The text of a note, and who sees it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct NoteText {
    /// The text.
    pub value: String,
    /// Whether only people with access to secret notes see it.
    pub secret: bool,
    /// From 1 (strong no) to 4 (strong yes).
    pub score: Option<u8>,
    /// Whether Lever tells the followers.
    pub notify_followers: bool,
    /// The note it is a comment on; none for a note of its own.
    pub thread: Option<NoteId>,
}

impl NoteText {
    /// A note that everybody may see, and nobody is told of.
    pub fn plain(value: impl Into<String>) -> NoteText {
        NoteText {
            value: value.into(),
            ..NoteText::default()
        }
    }
}

/// What somebody writes is theirs.
impl fmt::Debug for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoteText")
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

/// What makes an archiving the rejection of an applicant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejection {
    /// Refuse if the opportunity is no longer here.
    pub expected_stage: Option<StageId>,
    /// The product's own id of the e-mail that it sends once the person is rejected (X20).
    pub email_template: Option<String>,
}

/// A call that is ready to be made, with what its kind tells of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What it is.
    pub kind: PreparedKind,
    /// The call, without the acting user.
    pub call: RawWrite,
}

/// What a prepared call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PreparedKind {
    /// Replaces the comments of a note (F-21).
    UpdateNote,
    /// Adds links to the person (F-24).
    AddLinks,
    /// Removes links from the person, as Lever has them (F-24).
    RemoveLinks,
    /// Fills in a profile form.
    CreateForm,
    /// Applies to a posting for somebody (F-29).
    ApplyToPosting,
    /// Changes a person (F-28).
    UpdateContact,
    /// Changes a user of Lever (F-28): what the body leaves out stays.
    UpdateUser,
}

impl PreparedKind {
    /// Every kind.
    pub const ALL: &[PreparedKind] = &[
        PreparedKind::UpdateNote,
        PreparedKind::AddLinks,
        PreparedKind::RemoveLinks,
        PreparedKind::CreateForm,
        PreparedKind::ApplyToPosting,
        PreparedKind::UpdateContact,
        PreparedKind::UpdateUser,
    ];

    /// The name of the kind, as the gRPC enum has it without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            PreparedKind::UpdateNote => "UPDATE_NOTE",
            PreparedKind::AddLinks => "ADD_LINKS",
            PreparedKind::RemoveLinks => "REMOVE_LINKS",
            PreparedKind::CreateForm => "CREATE_FORM",
            PreparedKind::ApplyToPosting => "APPLY_TO_POSTING",
            PreparedKind::UpdateContact => "UPDATE_CONTACT",
            PreparedKind::UpdateUser => "UPDATE_USER",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<PreparedKind> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether sending it twice would leave two things behind in Lever; all such leave a mark.
    pub fn creates(self) -> bool {
        matches!(
            self,
            PreparedKind::CreateForm | PreparedKind::ApplyToPosting
        )
    }

    /// Whether it puts something in the place of what is there.
    pub fn overwrites(self) -> bool {
        matches!(
            self,
            PreparedKind::UpdateNote | PreparedKind::UpdateContact | PreparedKind::UpdateUser
        )
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.kind).finish()
    }
}

/// Many writes of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// The kind of its items, as the gRPC enum has it without its prefix.
    pub kind: String,
    /// How many items it has, 1 to [`Bulk::MOST_ITEMS`].
    pub items: u32,
    /// What became of them; none until all have settled, and where that was before it was kept here.
    pub tally: Option<Tally>,
}

impl Bulk {
    /// How many items one bulk takes.
    pub const MOST_ITEMS: usize = 1000;
}

/// A file for Lever, without its bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUpload {
    /// Where it goes.
    pub target: UploadTarget,
    /// The name Lever shows.
    pub name: String,
    /// The media type, such as `application/pdf`.
    pub content_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Which of the files of its operation it is, from 1; 0 for the only one of an upload.
    pub number: u32,
}

/// Where in Lever a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UploadTarget {
    /// To the files of the opportunity.
    Opportunity,
    /// To the same files by the old path below candidates, for a key that has only that permission.
    Candidate,
    /// To Lever's uploads, where an application can name it for 24 hours; it belongs to no opportunity.
    Application,
}

impl UploadTarget {
    /// Whether Lever keeps what goes there; what no application names is gone after 24 hours (behaviour: "Files").
    pub fn keeps(self) -> bool {
        self != UploadTarget::Application
    }
}

/// The name of a file may be a person's.
impl fmt::Debug for FileUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileUpload")
            .field("target", &self.target)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Any write of Lever's API, made of text.
#[derive(Clone, PartialEq, Eq)]
pub struct RawWrite {
    /// The name in Lever's API description, such as `createPosting`.
    pub operation: String,
    /// The parameters of the path by name.
    pub path: BTreeMap<String, String>,
    /// The query parameters in order, before encoding, without `perform_as`.
    pub query: Vec<(String, String)>,
    /// The JSON body.
    pub body: Option<String>,
    /// Whether sending it twice would leave two things behind in Lever.
    pub creates: bool,
    /// Whether what it carried was taken out of it: what is left is for the record, and must not be sent.
    pub bare: bool,
}

impl RawWrite {
    /// Lever's id of the opportunity the path names, by its new or its old name; none for a path without.
    pub fn opportunity(&self) -> Option<OpportunityId> {
        let id = self
            .path
            .get("opportunity")
            .or_else(|| self.path.get("candidate"));
        id.map(|id| OpportunityId::from(id.as_str()))
    }

    /// The same call without its query and body.
    fn scrubbed(&self) -> RawWrite {
        RawWrite {
            query: Vec::new(),
            body: None,
            bare: self.bare || !self.query.is_empty() || self.body.is_some(),
            ..self.clone()
        }
    }
}

impl fmt::Debug for RawWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawWrite")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl Write {
    /// The name of the kind, as the gRPC enum has it without its prefix.
    pub fn kind(&self) -> &'static str {
        match self {
            Write::CreateNote(_) => "CREATE_NOTE",
            Write::AddTags { .. } => "ADD_TAGS",
            Write::RemoveTags { .. } => "REMOVE_TAGS",
            Write::AddSources { .. } => "ADD_SOURCES",
            Write::RemoveSources { .. } => "REMOVE_SOURCES",
            Write::ChangeStage { .. } => "CHANGE_STAGE",
            Write::Archive { .. } => "ARCHIVE",
            Write::Unarchive => "UNARCHIVE",
            Write::Raw(_) => "RAW",
            Write::UploadFile(_) => "UPLOAD_FILE",
            Write::Prepared(prepared) => prepared.kind.name(),
            Write::Bulk(_) => "BULK",
            Write::Export(_) => "EXPORT_CANDIDATE",
            Write::CreateOpportunity(_) => "CREATE_OPPORTUNITY",
        }
    }

    /// The same write without what people wrote: note texts, tags, sources, names of files, what a raw write carries.
    ///
    /// None when there is nothing of that in it. Such a write is for the record only; it must not be sent.
    pub fn scrubbed(&self) -> Option<Write> {
        let bare = match self {
            Write::CreateNote(note) => Write::CreateNote(NoteText {
                value: String::new(),
                ..note.clone()
            }),
            Write::AddTags { .. } => Write::AddTags { tags: Vec::new() },
            Write::RemoveTags { .. } => Write::RemoveTags { tags: Vec::new() },
            Write::AddSources { .. } => Write::AddSources {
                sources: Vec::new(),
            },
            Write::RemoveSources { .. } => Write::RemoveSources {
                sources: Vec::new(),
            },
            Write::Raw(raw) => Write::Raw(raw.scrubbed()),
            Write::Prepared(prepared) => Write::Prepared(Prepared {
                kind: prepared.kind,
                call: prepared.call.scrubbed(),
            }),
            Write::UploadFile(file) => Write::UploadFile(FileUpload {
                name: String::new(),
                ..file.clone()
            }),
            Write::Export(export) => Write::Export(Box::new(export.scrubbed())),
            Write::CreateOpportunity(new) => Write::CreateOpportunity(Box::new(new.scrubbed())),
            Write::ChangeStage { .. }
            | Write::Archive { .. }
            | Write::Unarchive
            | Write::Bulk(_) => return None,
        };
        (bare != *self).then_some(bare)
    }

    /// The file it hands on.
    pub fn file(&self) -> Option<&FileUpload> {
        match self {
            Write::UploadFile(file) => Some(file),
            Write::CreateOpportunity(new) => new.resume.as_ref(),
            _ => None,
        }
    }

    /// The posting that somebody is exported to.
    pub fn posting(&self) -> Option<&PostingId> {
        match self {
            Write::Export(export) => export.asked.posting.as_ref(),
            _ => None,
        }
    }

    /// The numbers of the files that are kept beside an operation of this write.
    pub fn files(&self) -> Vec<u32> {
        match self {
            Write::UploadFile(file) => vec![file.number],
            Write::Export(export) => (1..).take(export.asked.files.len()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether sending it twice would leave two things behind in Lever.
    pub fn creates(&self) -> bool {
        match self {
            Write::CreateNote(_) | Write::CreateOpportunity(_) => true,
            Write::Raw(raw) => raw.creates,
            Write::UploadFile(file) => file.target.keeps(),
            Write::Prepared(prepared) => prepared.kind.creates(),
            _ => false,
        }
    }

    /// Whether it puts something in the place of what people may have changed: sent again blindly, it would undo that.
    pub fn overwrites(&self) -> bool {
        matches!(self, Write::Prepared(prepared) if prepared.kind.overwrites())
    }

    /// Whether it is sent once and never repeated by itself where Lever may have acted, whatever it does: nothing tells
    /// what it came to.
    pub fn sent_once(&self) -> bool {
        matches!(self, Write::Raw(_))
    }

    /// Whether what it created can be found again in Lever after a lost answer.
    pub fn leaves_a_mark(&self) -> bool {
        match self {
            Write::CreateNote(_) | Write::CreateOpportunity(_) => true,
            Write::UploadFile(file) => file.target.keeps(),
            Write::Prepared(prepared) => prepared.kind.creates(),
            _ => false,
        }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
