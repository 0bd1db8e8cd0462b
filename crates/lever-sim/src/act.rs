//! What people do in Lever itself, as values: the body of `POST /sim/act` and the argument of [`Sim::act`](crate::Sim::act).

use serde::Deserialize;

use crate::world::{Applicant, FileActionKind};

/// Something a person does in Lever. Over HTTP an object whose `do` names the act, such as
/// `{"do": "move_stage", "opportunity": "...", "stage": "offer"}`.
///
/// Where `user` is left out, it is the owner of the opportunity who acts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Moves an opportunity to a stage.
    MoveStage {
        /// The opportunity.
        opportunity: String,
        /// An active stage.
        stage: String,
        /// Who moves it.
        user: Option<String>,
    },
    /// Archives an opportunity, changes the reason, or without one unarchives it.
    Archive {
        /// The opportunity.
        opportunity: String,
        /// An archive reason.
        reason: Option<String>,
    },
    /// Snoozes an opportunity, or without a time wakes it.
    Snooze {
        /// The opportunity.
        opportunity: String,
        /// Until when, in milliseconds since 1970.
        until: Option<i64>,
    },
    /// Moves `updatedAt` by something that no attribute shows.
    Touch {
        /// The opportunity.
        opportunity: String,
    },
    /// Deletes an opportunity; its application is then among the deleted ones too.
    DeleteOpportunity {
        /// The opportunity.
        opportunity: String,
        /// Who deletes it.
        user: Option<String>,
    },
    /// Deletes a posting; applications keep its id.
    DeletePosting {
        /// The posting.
        posting: String,
    },
    /// Anonymizes a contact: only metadata stays, on all its opportunities and their children.
    Anonymize {
        /// The contact.
        contact: String,
    },
    /// Merges two contacts: one gets the addresses and opportunities of the other, which is no more.
    Merge {
        /// The contact that goes.
        contact: String,
        /// The one that stays.
        into: String,
    },
    /// Has a contact refuse to be contacted.
    RefuseContact {
        /// The contact.
        contact: String,
    },
    /// Writes a note, which the API can then neither change nor delete. Makes an id.
    AddNote {
        /// The opportunity.
        opportunity: String,
        /// What it says.
        text: String,
        /// Who writes it.
        user: Option<String>,
    },
    /// Gives feedback with the first template of the account. Makes an id.
    AddFeedback {
        /// The opportunity.
        opportunity: String,
        /// The answer to the first field that takes free text.
        text: String,
        /// Who gives it.
        user: Option<String>,
    },
    /// Edits feedback: its `updatedAt` moves, but no stamp of the opportunity.
    EditFeedback {
        /// The opportunity.
        opportunity: String,
        /// The feedback form.
        feedback: String,
        /// The new answer to the first field that takes free text.
        text: String,
    },
    /// Plans a panel of one interview, which the API then cannot change. Makes an id, of the panel.
    AddPanel {
        /// The opportunity.
        opportunity: String,
        /// When the interview begins, in milliseconds since 1970.
        date: i64,
        /// Who plans it and interviews.
        user: Option<String>,
    },
    /// Makes an offer for the posting applied to, as a draft. Makes an id.
    AddOffer {
        /// The opportunity, which must have an application.
        opportunity: String,
        /// Dollars a year.
        salary: i64,
    },
    /// Brings an offer to the next state that matters: sent, then signed.
    AdvanceOffer {
        /// The opportunity.
        opportunity: String,
        /// The offer.
        offer: String,
    },
    /// Adds a file of made-up content. Makes an id.
    AddFile {
        /// The opportunity.
        opportunity: String,
        /// Its name, in one of the formats Lever takes, such as `portfolio.pdf`.
        name: String,
        /// Who adds it.
        user: Option<String>,
    },
    /// Adds a resume with a file of made-up content. Makes an id.
    AddResume {
        /// The opportunity.
        opportunity: String,
        /// Who adds it.
        user: Option<String>,
    },
    /// Has something happen to a file, which only the log of file actions shows.
    LogFileAction {
        /// The opportunity.
        opportunity: String,
        /// What happened.
        action: FileActionKind,
        /// Who did it.
        user: Option<String>,
    },
    /// Makes the application of an opportunity that has none. Makes an id.
    CreateApplication {
        /// The opportunity.
        opportunity: String,
        /// The posting.
        posting: String,
        /// Who adds it.
        user: Option<String>,
    },
    /// Somebody applies on the job site. Makes an id, of the opportunity.
    Apply {
        /// Who, and for what; everything is optional.
        #[serde(default)]
        applicant: Applicant,
    },
    /// Renames a stage.
    RenameStage {
        /// The stage.
        stage: String,
        /// Its new name.
        text: String,
    },
    /// Deactivates a stage: it is gone from the lists, its opportunities stay in it.
    DeactivateStage {
        /// The stage.
        stage: String,
    },
}
