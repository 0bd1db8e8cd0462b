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
    /// Whether it was seen to be gone since, without us: what comes back then is of people. Of tags and links.
    pub gone: bool,
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

/// The tags and links that a candidacy has.
#[derive(Clone, Default)]
pub struct Shown {
    /// Its tags.
    pub tags: Vec<String>,
    /// Its links.
    pub links: Vec<String>,
}

impl Shown {
    /// As Lever's document of an opportunity tells; none for one that does not tell both.
    pub fn of_opportunity(document: &str) -> Option<Shown> {
        #[derive(serde::Deserialize)]
        struct Document {
            tags: Vec<String>,
            links: Vec<String>,
        }
        let Document { tags, links } = serde_json::from_str(document).ok()?;
        Some(Shown { tags, links })
    }
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

    /// Learns from a candidacy that was shown in one way before and in another now: what of ours has gone is ours no
    /// longer, even if it comes back. Tells whether anything was new.
    pub fn see(&mut self, before: &Shown, now: &Shown) -> bool {
        let tags = lose(&mut self.tags, |tag| {
            holds(&before.tags, tag, same_tag) && !holds(&now.tags, tag, same_tag)
        });
        let links = lose(&mut self.links, |link| {
            holds(&before.links, link, same_link) && !holds(&now.links, link, same_link)
        });
        tags || links
    }

    /// Whether there is a tag or a link that could be seen to go.
    pub fn could_lose(&self) -> bool {
        self.tags.iter().chain(&self.links).any(|known| !known.gone)
    }

    fn learn_of(&mut self, write: &Write, result_id: Option<&str>, operation: &Operation) {
        let at = operation.updated_at;
        let new = |texts: Vec<String>| {
            let found = |text: &String| operation.found.iter().any(|one| same_tag(one, text));
            texts.into_iter().filter(move |text| !found(text))
        };
        match write {
            Write::AddTags { tags } => add(&mut self.tags, new(tags.clone()), at, same_tag),
            Write::RemoveTags { tags } => forget(&mut self.tags, tags),
            Write::CreateNote(note) if note.thread.is_none() => {
                add(&mut self.notes, result_id.map(str::to_owned), at, same_tag);
            }
            Write::UploadFile(file) if file.target.keeps() => {
                add(&mut self.files, result_id.map(str::to_owned), at, same_tag);
            }
            Write::Prepared(prepared) => match prepared.kind {
                PreparedKind::AddLinks => {
                    let there =
                        |link: &String| operation.found.iter().any(|one| same_link(one, link));
                    let added = links(prepared).into_iter().filter(|link| !there(link));
                    add(&mut self.links, added, at, same_link);
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
        wanted
            .iter()
            .map(String::as_str)
            .filter(|tag| self.tags.iter().any(|ours| same_tag(&ours.what, tag)))
            .filter(|tag| !holds(present, tag, same_tag))
            .collect()
    }

    /// Whether a tag is ours.
    pub fn has_tag(&self, tag: &str) -> bool {
        let mut ours = self.tags.iter().filter(|ours| !ours.gone);
        ours.any(|ours| same_tag(&ours.what, tag))
    }

    /// Whether a link is ours.
    pub fn has_link(&self, link: &str) -> bool {
        let mut ours = self.links.iter().filter(|ours| !ours.gone);
        ours.any(|ours| same_link(&ours.what, link))
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

/// Whether two tags are one: Lever tells them apart by case as well (recorded: `Full-time` and `Full-Time`).
pub fn same_tag(one: &str, other: &str) -> bool {
    one.trim() == other.trim()
}

/// Whether two links lead to the same, however they are spelled.
pub fn same_link(one: &str, other: &str) -> bool {
    let canonical = |text: &str| Link::classify(text, &[])?.canonical;
    bare_link(one) == bare_link(other)
        || canonical(one).is_some_and(|one| canonical(other) == Some(one))
}

/// A link without its scheme, which Lever puts before links that have none. Hosts know no case, paths do.
fn bare_link(text: &str) -> String {
    let text = text.trim();
    let scheme = ["https://", "http://"].into_iter().find(|scheme| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let rest = &text[scheme.map_or(0, str::len)..];
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    host.to_lowercase() + path
}

fn add(
    list: &mut Vec<Added>,
    what: impl IntoIterator<Item = String>,
    at: Timestamp,
    alike: fn(&str, &str) -> bool,
) {
    for what in what {
        let added = Added {
            what,
            at,
            gone: false,
        };
        match list
            .iter_mut()
            .find(|known| alike(&known.what, &added.what))
        {
            // We have put it there again.
            Some(known) if known.gone => *known = added,
            Some(_) => {}
            None => list.push(added),
        }
    }
    let beyond = list.len().saturating_sub(MOST_REMEMBERED);
    list.drain(..beyond);
}

fn holds(list: &[String], text: &str, alike: fn(&str, &str) -> bool) -> bool {
    list.iter().any(|one| alike(one, text))
}

/// Marks what is ours and has gone; tells whether there was any.
fn lose(list: &mut [Added], has_gone: impl Fn(&str) -> bool) -> bool {
    let mut any = false;
    for known in list.iter_mut().filter(|known| !known.gone) {
        known.gone = has_gone(&known.what);
        any |= known.gone;
    }
    any
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
        let (before, after) = done(Write::AddTags { tags: wanted }, &["Theirs"]);
        assert!(ours.learn(&before, &after));
        assert!(ours.has_tag("Ours") && !ours.has_tag("Theirs"));
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
        let (before, after) = done(Write::RemoveTags { tags: tags(&["a"]) }, &[]);
        ours.learn(&before, &after);
        let wanted = tags(&["a", "b", "c"]);
        assert_eq!(ours.removed_by_people(&wanted, &tags(&["c"])), ["b"]);
        assert!(ours.removed_by_people(&wanted, &tags(&["b"])).is_empty());
    }

    /// Lever keeps what differs in case side by side: the one may be ours and the other of people.
    #[test]
    fn what_differs_in_case_is_something_else_but_for_the_host_of_a_link() {
        let mut ours = Ours::default();
        let (before, after) = done(
            Write::AddTags {
                tags: tags(&["own"]),
            },
            &["Own"],
        );
        ours.learn(&before, &after);
        let link = change_of_links(PreparedKind::AddLinks, &["https://A.example/ce60d"]);
        let (before, after) = done(link, &[]);
        ours.learn(&before, &after);
        assert!(ours.has_tag("own") && !ours.has_tag("Own"));
        assert!(ours.has_link("a.example/ce60d"));
        assert!(!ours.has_link("https://a.example/CE60D"));
        let (before, after) = done(
            Write::RemoveTags {
                tags: tags(&["Own"]),
            },
            &[],
        );
        assert!(!ours.learn(&before, &after));
        assert_eq!(
            ours.removed_by_people(&tags(&["own"]), &tags(&["Own"])),
            ["own"]
        );
    }

    #[test]
    fn what_people_took_away_and_put_back_is_theirs() {
        let shown = |texts: &[&str]| Shown {
            tags: tags(texts),
            links: texts
                .iter()
                .map(|text| format!("https://{text}.example"))
                .collect(),
        };
        let mut ours = Ours::default();
        let add = |ours: &mut Ours, found: &[&str]| {
            let tag = Write::AddTags { tags: tags(&["a"]) };
            let link = change_of_links(PreparedKind::AddLinks, &["http://a.example/"]);
            for write in [tag, link] {
                let (before, after) = done(write, found);
                ours.learn(&before, &after);
            }
        };
        let has = |ours: &Ours| (ours.has_tag("a"), ours.has_link("https://a.example"));
        add(&mut ours, &[]);
        // Who never saw it there has not seen it go.
        assert!(!ours.see(&shown(&[]), &shown(&["b"])));
        assert!(!ours.see(&shown(&[]), &shown(&["a"])));
        assert_eq!(has(&ours), (true, true));
        assert!(ours.see(&shown(&["a", "b"]), &shown(&["b"])));
        assert_eq!(has(&ours), (false, false));
        assert!(!ours.could_lose());
        // That they took it away stays known.
        assert_eq!(ours.removed_by_people(&tags(&["a"]), &tags(&["b"])), ["a"]);
        assert!(!ours.see(&shown(&["b"]), &shown(&["a"])));
        assert_eq!(has(&ours), (false, false));
        assert!(
            ours.removed_by_people(&tags(&["a"]), &tags(&["a"]))
                .is_empty()
        );
        // Put there by us again, it is ours again.
        add(&mut ours, &["a", "a.example"]);
        assert_eq!(has(&ours), (false, false));
        add(&mut ours, &[]);
        assert_eq!(has(&ours), (true, true));
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
