//! What belongs to one opportunity, beside its notes.
//!
//! Children of the seeded population are made when somebody asks for them first, from the seed and the id alone,
//! so that an account of 100,000 opportunities is there at once and the order of reads changes nothing.

use super::{Document, Feedback, FileAction, Offer, Panel, ProfileForm, Resume, World};
use crate::config::Children as Level;
use crate::population;

/// The children of one opportunity, each kind in order of arrival.
#[derive(Debug, Clone, Default)]
pub(crate) struct Children {
    pub(crate) offers: Vec<Offer>,
    pub(crate) panels: Vec<Panel>,
    pub(crate) feedback: Vec<Feedback>,
    pub(crate) forms: Vec<ProfileForm>,
    pub(crate) resumes: Vec<Resume>,
    pub(crate) files: Vec<Document>,
    pub(crate) file_actions: Vec<FileAction>,
}

static NONE: Children = Children {
    offers: Vec::new(),
    panels: Vec::new(),
    feedback: Vec::new(),
    forms: Vec::new(),
    resumes: Vec::new(),
    files: Vec::new(),
    file_actions: Vec::new(),
};

/// What the children of the population are made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) seed: u64,
    pub(crate) level: Level,
    /// When the population was made; younger opportunities have only what they are given.
    pub(crate) at: i64,
}

impl World {
    /// Makes the seeded children of an opportunity, if that has not happened. No change: they were there all along.
    pub(crate) fn grow(&mut self, id: &str) {
        if self.children.contains_key(id) {
            return;
        }
        if let Some(opportunity) = self.opportunity(id) {
            let children = population::children(self.growth, self, opportunity);
            self.children.insert(id.to_owned(), children);
        }
    }

    /// The children of an opportunity as far as they were [grown](World::grow).
    pub(crate) fn children(&self, id: &str) -> &Children {
        self.children.get(id).unwrap_or(&NONE)
    }

    /// Changes the children of an opportunity; does nothing when there is none of this id.
    pub(crate) fn change_children(&mut self, id: &str, change: impl FnOnce(&mut Children)) {
        self.grow(id);
        if let Some(children) = self.children.get_mut(id) {
            change(children);
            self.revision += 1;
        }
    }
}
