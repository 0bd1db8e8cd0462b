//! What of a candidacy came from us: so that it is not taken for the work of people in Lever, nor theirs for ours.

use lever::Timestamp;

use crate::link::Link;
use crate::operation::{Operation, Prepared, PreparedKind, Write};

/// How much is remembered of each kind for one candidacy; the oldest is forgotten beyond it.
pub const MOST_REMEMBERED: usize = 1000;

/// Something that we put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The text as we sent it, or Lever's id.
    pub what: String,
    /// When we knew that it was there.
    pub at: Timestamp,
}

/// What of one candidacy is ours.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Ours {
    /// Tags that were not there before.
    pub tags: Vec<Added>,
    /// Links that the person did not have before.
    pub links: Vec<Added>,
    /// Lever's ids of notes.
    pub notes: Vec<Added>,
    /// Lever's ids of files.
    pub files: Vec<Added>,
}

/// Tags and links tell of people.
impl std::fmt::Debug for Ours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ours")
            .field("tags", &self.tags.len())
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}

impl Ours {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        let Ours {
            tags,
            links,
            notes,
            files,
        } = self;
        [tags, links, notes, files].into_iter().all(Vec::is_empty)
    }

    /// Learns from an operation that has come from `before` to `after`; tells whether anything was new.
    pub fn learn(&mut self, before: &Operation, after: &Operation) -> bool {
        let known = self.clone();
        for (index, step) in after.steps.iter().enumerate() {
            let was_done = before.steps.get(index).is_some_and(|step| step.done);
            if step.done && !was_done && !step.there {
                self.learn_of(&step.write, step.result_id.as_deref(), after);
            }
        }
        let ended = |operation: &Operation| operation.state == crate::operation::State::Succeeded;
        if after.steps.is_empty() && ended(after) && !ended(before) {
            self.learn_of(&after.write, after.result_id.as_deref(), after);
        }
        known != *self
    }

    fn learn_of(&mut self, write: &Write, result_id: Option<&str>, operation: &Operation) {
        let at = operation.updated_at;
        let new = |texts: Vec<String>| {
            let found = |text: &String| operation.found.iter().any(|one| same_tag(one, text));
            texts.into_iter().filter(move |text| !found(text))
        };
        match write {
            Write::AddTags { tags } => add(&mut self.tags, new(tags.clone()), at),
            Write::RemoveTags { tags } => forget(&mut self.tags, tags),
            Write::CreateNote(note) if note.thread.is_none() => {
                add(&mut self.notes, result_id.map(str::to_owned), at);
            }
            Write::UploadFile(file) if file.target.keeps() => {
                add(&mut self.files, result_id.map(str::to_owned), at);
            }
            Write::Prepared(prepared) => match prepared.kind {
                PreparedKind::AddLinks => {
                    let there =
                        |link: &String| operation.found.iter().any(|one| same_link(one, link));
                    let added = links(prepared).into_iter().filter(|link| !there(link));
                    add(&mut self.links, added, at);
                }
                PreparedKind::RemoveLinks => {
                    let gone = links(prepared);
                    let is_gone =
                        |known: &Added| gone.iter().any(|one| same_link(one, &known.what));
                    self.links.retain(|known| !is_gone(known));
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Those of these tags that we added once and that are gone: somebody has removed them in Lever.
    pub fn removed_by_people<'a>(&self, wanted: &'a [String], present: &[String]) -> Vec<&'a str> {
        let has = |list: &[String], text: &str| list.iter().any(|one| same_tag(one, text));
        wanted
            .iter()
            .map(String::as_str)
            .filter(|tag| {
                self.tags.iter().any(|ours| same_tag(&ours.what, tag)) && !has(present, tag)
            })
            .collect()
    }

    /// Whether a tag is ours.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|ours| same_tag(&ours.what, tag))
    }

    /// Whether a link is ours.
    pub fn has_link(&self, link: &str) -> bool {
        self.links.iter().any(|ours| same_link(&ours.what, link))
    }
}

/// The links that a prepared call adds or removes.
pub fn links(prepared: &Prepared) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        links: Vec<String>,
    }
    let body = prepared.call.body.as_deref().unwrap_or_default();
    serde_json::from_str::<Body>(body).map_or_else(|_| Vec::new(), |body| body.links)
}

/// Lever does not tell tags apart by case, and puts a scheme before links that have none.
pub fn same_tag(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim().to_lowercase();
        let text = text
            .strip_prefix("https://")
            .or(text.strip_prefix("http://"))
            .unwrap_or(&text);
        text.to_owned()
    };
    bare(one) == bare(other)
}

/// Whether two links lead to the same, however they are spelled.
pub fn same_link(one: &str, other: &str) -> bool {
    let canonical = |text: &str| Link::classify(text, &[])?.canonical;
    same_tag(one, other) || canonical(one).is_some_and(|one| canonical(other) == Some(one))
}

fn add(list: &mut Vec<Added>, what: impl IntoIterator<Item = String>, at: Timestamp) {
    for what in what {
        if !list.iter().any(|known| same_tag(&known.what, &what)) {
            list.push(Added { what, at });
        }
    }
    let beyond = list.len().saturating_sub(MOST_REMEMBERED);
    list.drain(..beyond);
}

fn forget(list: &mut Vec<Added>, gone: &[String]) {
    list.retain(|known| !gone.iter().any(|gone| same_tag(gone, &known.what)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::State;
    use crate::testing;

    fn tags(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn done(write: Write, found: &[&str]) -> (Operation, Operation) {
        let before = Operation {
            found: tags(found),
            ..testing::operation(write)
        };
        let after = Operation {
            state: State::Succeeded,
            result_id: Some("r".to_owned()),
            ..before.clone()
        };
        (before, after)
    }

    #[test]
    fn only_what_was_not_there_before_is_ours() {
        let mut ours = Ours::default();
        let wanted = tags(&["Ours", "Theirs"]);
        let (before, after) = done(Write::AddTags { tags: wanted }, &["theirs"]);
        assert!(ours.learn(&before, &after));
        assert!(ours.has_tag("ours") && !ours.has_tag("Theirs"));
        assert!(!ours.learn(&after, &after), "it is learnt once");
    }

    #[test]
    fn what_we_remove_ourselves_is_not_taken_for_removed_by_people() {
        let mut ours = Ours::default();
        let (before, after) = done(
            Write::AddTags {
                tags: tags(&["a", "b"]),
            },
            &[],
        );
        ours.learn(&before, &after);
        let (before, after) = done(Write::RemoveTags { tags: tags(&["A"]) }, &[]);
        ours.learn(&before, &after);
        let wanted = tags(&["a", "b", "c"]);
        assert_eq!(ours.removed_by_people(&wanted, &tags(&["c"])), ["b"]);
        assert!(ours.removed_by_people(&wanted, &tags(&["B"])).is_empty());
    }

    fn change_of_links(kind: PreparedKind, links: &[&str]) -> Write {
        Write::Prepared(Prepared {
            kind,
            call: crate::operation::RawWrite {
                operation: "addOpportunityLinks".to_owned(),
                path: Default::default(),
                query: Vec::new(),
                body: Some(serde_json::json!({ "links": links }).to_string()),
                creates: false,
                bare: false,
            },
        })
    }

    /// F-24: the normal form of a link decides, not its spelling.
    #[test]
    fn f24_a_link_is_the_same_in_every_spelling() {
        let spellings = [
            "https://www.linkedin.com/in/grace-hopper",
            "http://linkedin.com/in/grace-hopper/",
            "linkedin.com/in/Grace-Hopper?trk=x",
        ];
        let others = [
            "https://www.linkedin.com/in/ada",
            "https://github.com/grace-hopper",
        ];
        for added in spellings {
            let mut ours = Ours::default();
            let (before, after) = done(change_of_links(PreparedKind::AddLinks, &[added]), &[]);
            ours.learn(&before, &after);
            for asked in spellings {
                assert!(ours.has_link(asked), "{asked} after {added}");
                let mut less = ours.clone();
                let remove = change_of_links(PreparedKind::RemoveLinks, &[asked]);
                let (before, after) = done(remove, &[]);
                less.learn(&before, &after);
                assert!(less.links.is_empty(), "{asked} after {added}");
                // Who had it before, however spelled, has it still.
                let mut theirs = Ours::default();
                let (before, after) =
                    done(change_of_links(PreparedKind::AddLinks, &[added]), &[asked]);
                theirs.learn(&before, &after);
                assert!(theirs.is_empty(), "{added} where {asked} was");
            }
            assert!(others.iter().all(|other| !ours.has_link(other)));
            let remove = change_of_links(PreparedKind::RemoveLinks, &others);
            let (before, after) = done(remove, &[]);
            assert!(!ours.learn(&before, &after));
        }
    }

    #[test]
    fn notes_are_known_by_their_ids_and_what_failed_is_not_ours() {
        let mut ours = Ours::default();
        let (before, after) = done(
            Write::CreateNote(crate::operation::NoteText::plain("x")),
            &[],
        );
        let failed = Operation {
            state: State::Cancelled(None),
            ..after.clone()
        };
        assert!(!ours.learn(&before, &failed));
        assert!(ours.learn(&before, &after));
        assert_eq!(ours.notes[0].what, "r");
    }
}
