//! How far the pull of one listing has come.
//!
//! The cursor is stored with the records of every page, so a crash anywhere re-reads a page and never skips one.
//! Lever sorts opportunities by stage and last advance: a person who moves during a walk can be skipped.
//! A walk is therefore complete only when the first follow pass begun after it has ended (design.md, "Pull").

use std::time::Duration;

use lever::{Offset, Timestamp};

/// Which part of a listing a backfill is reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The listing has only one part.
    All,
    /// The inbound stages, which come first.
    Inbound,
    /// All other stages.
    Rest,
}

/// How far the pull of one listing has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cursor {
    /// Nothing was read yet.
    #[default]
    New,
    /// A pass over everything is under way.
    Backfill {
        /// When the pass began, by Lever's clock.
        began: Timestamp,
        /// The part being read.
        part: Part,
        /// The next page; none at the start of a part.
        offset: Option<Offset>,
    },
    /// A pass over what changed at or after `since` is under way.
    Follow {
        /// Where the pass reads from, before the overlap is taken off.
        since: Timestamp,
        /// When the pass began, by Lever's clock.
        began: Timestamp,
        /// The next page.
        offset: Option<Offset>,
    },
    /// No pass is under way.
    Idle {
        /// What changed from here on has not been read.
        since: Timestamp,
        /// Whether a pass begun after the walk of everything has ended.
        complete: bool,
    },
}

/// One request's worth of a pass: what to ask, and how to move on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// Read a part of everything.
    Backfill {
        /// The part.
        part: Part,
        /// The page.
        offset: Option<Offset>,
    },
    /// Read what changed.
    Follow {
        /// The lower bound, before the overlap is taken off.
        since: Timestamp,
        /// The page.
        offset: Option<Offset>,
    },
}

impl Pass {
    /// The page it reads; none for the first of a part.
    pub fn offset(&self) -> Option<&Offset> {
        match self {
            Pass::Backfill { offset, .. } | Pass::Follow { offset, .. } => offset.as_ref(),
        }
    }

    /// Whether an answer names the page it answers as the next one: such a list would be read for ever.
    pub fn stands_still(&self, next: Option<&Offset>) -> bool {
        next.is_some() && next == self.offset()
    }
}

impl Cursor {
    /// The next request of the pass under way, or the first of a new one.
    ///
    /// `first` is the part a walk of everything begins with.
    pub fn next(&self, first: Part) -> Pass {
        match self {
            Cursor::New => Pass::Backfill {
                part: first,
                offset: None,
            },
            Cursor::Backfill { part, offset, .. } => Pass::Backfill {
                part: *part,
                offset: offset.clone(),
            },
            Cursor::Follow { since, offset, .. } => Pass::Follow {
                since: *since,
                offset: offset.clone(),
            },
            Cursor::Idle { since, .. } => Pass::Follow {
                since: *since,
                offset: None,
            },
        }
    }

    /// The same for a listing that is only followed, and of which everything is known up to `since`.
    pub fn next_from(&self, since: Timestamp) -> Pass {
        let since = match self {
            Cursor::Follow { .. } => return self.next(Part::All),
            Cursor::Idle { since: own, .. } => since.max(*own),
            Cursor::New | Cursor::Backfill { .. } => since,
        };
        Pass::Follow {
            since,
            offset: None,
        }
    }

    /// The cursor after the page that answered `pass`.
    ///
    /// `lever_now` is Lever's time when the page was answered; it counts only for the first page of a pass.
    /// When a pass ends, the next one reads from the moment this one *began*:
    /// what changed while it was reading is read twice rather than missed.
    pub fn after(&self, pass: &Pass, next: Option<Offset>, lever_now: Timestamp) -> Cursor {
        let began = self.began().unwrap_or(lever_now);
        match (pass, next) {
            (Pass::Backfill { part, .. }, offset @ Some(_)) => Cursor::Backfill {
                began,
                part: *part,
                offset,
            },
            (
                Pass::Backfill {
                    part: Part::Inbound,
                    ..
                },
                None,
            ) => Cursor::Backfill {
                began,
                part: Part::Rest,
                offset: None,
            },
            (Pass::Backfill { .. }, None) => Cursor::Idle {
                since: began,
                complete: false,
            },
            (Pass::Follow { since, .. }, offset @ Some(_)) => Cursor::Follow {
                since: *since,
                began,
                offset,
            },
            (Pass::Follow { .. }, None) => Cursor::Idle {
                since: began,
                complete: true,
            },
        }
    }

    /// A walk of everything in one part that has yet to ask for its first page: whatever happens, it is gone through.
    pub fn begun(began: Timestamp) -> Cursor {
        Cursor::Backfill {
            began,
            part: Part::All,
            offset: None,
        }
    }

    /// The cursor after Lever refused the offset: the same part of the same pass, from its first page.
    pub fn rewound(&self) -> Cursor {
        match self.clone() {
            Cursor::Backfill { began, part, .. } => Cursor::Backfill {
                began,
                part,
                offset: None,
            },
            Cursor::Follow { since, began, .. } => Cursor::Follow {
                since,
                began,
                offset: None,
            },
            other => other,
        }
    }

    /// Whether the next page is the first of everything a pass reads.
    pub fn at_the_beginning(&self) -> bool {
        let first = self.began().map(Cursor::begun);
        self.idle() || first.as_ref() == Some(self)
    }

    /// When the pass under way began.
    pub fn began(&self) -> Option<Timestamp> {
        match self {
            Cursor::Backfill { began, .. } | Cursor::Follow { began, .. } => Some(*began),
            Cursor::New | Cursor::Idle { .. } => None,
        }
    }

    /// The start of the last pass that ended: what the mirror shows is at least as new as this.
    pub fn as_of(&self) -> Option<Timestamp> {
        match self {
            Cursor::Follow { since, .. } | Cursor::Idle { since, .. } => Some(*since),
            Cursor::New | Cursor::Backfill { .. } => None,
        }
    }

    /// Whether the walk of everything, and the follow pass that repairs it, have ended.
    pub fn complete(&self) -> bool {
        match self {
            Cursor::Idle { complete, .. } => *complete,
            Cursor::Follow { .. } | Cursor::New | Cursor::Backfill { .. } => false,
        }
    }

    /// Whether the inbound stages have been read once.
    pub fn inbound_read(&self) -> bool {
        !matches!(
            self,
            Cursor::New
                | Cursor::Backfill {
                    part: Part::Inbound | Part::All,
                    ..
                }
        )
    }

    /// From when on the inbound stages have not been read; none until they have been read once.
    pub fn inbound_since(&self) -> Option<Timestamp> {
        let walked = self.began().filter(|_| self.inbound_read());
        self.as_of().or(walked)
    }

    /// A cursor whose next pass reads what changed at or after `since`.
    pub fn following(since: Timestamp) -> Cursor {
        Cursor::Idle {
            since,
            complete: true,
        }
    }

    /// The cursor whose next pass reads once more what changed at or after `since`; none for a time that was not read
    /// yet, and until everybody was read once.
    pub fn again_since(&self, since: Timestamp) -> Option<Cursor> {
        match self {
            Cursor::Idle {
                since: read,
                complete,
            } if since < *read => Some(Cursor::Idle {
                since,
                complete: *complete,
            }),
            Cursor::Follow {
                since: read, began, ..
            } if since < *read => Some(Cursor::Follow {
                since,
                began: *began,
                offset: None,
            }),
            _ => None,
        }
    }

    /// Whether no pass is under way.
    pub fn idle(&self) -> bool {
        matches!(self, Cursor::New | Cursor::Idle { .. })
    }
}

/// What is taken off a lower bound so that clocks that differ and late commits lose nothing (P6).
pub const OVERLAP: Duration = Duration::from_secs(600);

/// What is taken off Lever's `Date` header, which is cut to whole seconds, to date a pass.
pub const DATE_SLACK: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn offset(text: &str) -> Option<Offset> {
        Some(Offset::from(text))
    }

    /// Walks from `cursor` over answers given as (next offset, Lever's time).
    fn walk(mut cursor: Cursor, first: Part, answers: &[(Option<&str>, i64)]) -> Cursor {
        for (next, now) in answers {
            let pass = cursor.next(first);
            cursor = cursor.after(&pass, next.map(Offset::from), at(*now));
        }
        cursor
    }

    #[test]
    fn what_was_followed_is_read_again_from_an_earlier_time_and_nothing_is_left_out() {
        let idle = Cursor::following(at(100));
        assert_eq!(idle.again_since(at(50)), Some(Cursor::following(at(50))));
        assert_eq!(idle.again_since(at(100)), None, "that is not read yet");
        let between = Cursor::Follow {
            since: at(100),
            began: at(200),
            offset: offset("b"),
        };
        let again = between.again_since(at(50)).unwrap();
        assert_eq!(
            again,
            Cursor::Follow {
                since: at(50),
                began: at(200),
                offset: None
            }
        );
        let ended = walk(again, Part::All, &[(None, 900)]);
        assert_eq!(
            ended.as_of(),
            Some(at(200)),
            "what changed meanwhile is next"
        );
        assert_eq!(Cursor::New.again_since(at(0)), None);
        assert_eq!(Cursor::begun(at(9)).again_since(at(0)), None);
    }

    #[test]
    fn a_backfill_reads_the_inbound_part_first_and_dates_itself_by_its_first_page() {
        let cursor = walk(Cursor::New, Part::Inbound, &[(Some("b"), 100), (None, 200)]);
        assert_eq!(
            cursor,
            Cursor::Backfill {
                began: at(100),
                part: Part::Rest,
                offset: None
            }
        );
        assert!(cursor.inbound_read());
        let ended = walk(cursor, Part::Inbound, &[(None, 300)]);
        assert_eq!(
            ended,
            Cursor::Idle {
                since: at(100),
                complete: false
            }
        );
    }

    #[test]
    fn a_walk_is_complete_only_after_the_follow_pass_begun_after_it() {
        let walked = walk(Cursor::New, Part::All, &[(None, 100)]);
        assert!(!walked.complete());
        let repaired = walk(walked, Part::All, &[(Some("x"), 150), (None, 170)]);
        assert_eq!(
            repaired,
            Cursor::Idle {
                since: at(150),
                complete: true
            }
        );
    }

    #[test]
    fn a_follow_pass_reads_from_the_start_of_the_one_before() {
        let cursor = Cursor::Idle {
            since: at(100),
            complete: true,
        };
        assert_eq!(
            cursor.next(Part::All),
            Pass::Follow {
                since: at(100),
                offset: None
            }
        );
        let middle = walk(cursor, Part::All, &[(Some("p2"), 500)]);
        assert_eq!(
            middle,
            Cursor::Follow {
                since: at(100),
                began: at(500),
                offset: offset("p2")
            }
        );
        assert_eq!(middle.as_of(), Some(at(100)));
        assert_eq!(
            walk(middle, Part::All, &[(None, 900)]),
            Cursor::Idle {
                since: at(500),
                complete: true
            }
        );
    }

    #[test]
    fn the_inbound_stages_are_followed_from_where_they_were_read() {
        let backfill = |part| Cursor::Backfill {
            began: at(100),
            part,
            offset: offset("p2"),
        };
        for unread in [Cursor::New, backfill(Part::Inbound), backfill(Part::All)] {
            assert_eq!(unread.inbound_since(), None, "{unread:?}");
        }
        assert_eq!(backfill(Part::Rest).inbound_since(), Some(at(100)));
        let follow = Cursor::Follow {
            since: at(100),
            began: at(500),
            offset: None,
        };
        assert_eq!(follow.inbound_since(), Some(at(100)));
        assert_eq!(Cursor::following(at(7)).inbound_since(), Some(at(7)));
    }

    #[test]
    fn a_listing_that_is_only_followed_reads_from_what_is_known() {
        let follow = |since| Pass::Follow {
            since: at(since),
            offset: None,
        };
        assert_eq!(Cursor::New.next_from(at(100)), follow(100));
        assert_eq!(Cursor::following(at(50)).next_from(at(100)), follow(100));
        assert_eq!(Cursor::following(at(150)).next_from(at(100)), follow(150));
        // A pass under way asks for the same to its end.
        let middle = Cursor::Follow {
            since: at(50),
            began: at(120),
            offset: offset("p2"),
        };
        assert_eq!(middle.next_from(at(100)), middle.next(Part::All));
        let ended = middle.after(&middle.next_from(at(100)), None, at(130));
        assert_eq!(ended, Cursor::following(at(120)));
    }

    #[test]
    fn a_list_that_names_the_same_page_again_stands_still() {
        let pass = Cursor::Follow {
            since: at(1),
            began: at(2),
            offset: offset("a"),
        }
        .next(Part::All);
        assert!(pass.stands_still(offset("a").as_ref()));
        assert!(!pass.stands_still(offset("b").as_ref()));
        assert!(!pass.stands_still(None));
        assert!(!Cursor::New.next(Part::All).stands_still(None));
    }

    #[test]
    fn a_refused_offset_starts_the_same_part_again_and_keeps_its_date() {
        let cursor = Cursor::Backfill {
            began: at(7),
            part: Part::Rest,
            offset: offset("stale"),
        };
        assert_eq!(
            cursor.rewound(),
            Cursor::Backfill {
                began: at(7),
                part: Part::Rest,
                offset: None
            }
        );
        let cursor = Cursor::Follow {
            since: at(1),
            began: at(7),
            offset: offset("stale"),
        };
        assert_eq!(
            cursor.rewound(),
            Cursor::Follow {
                since: at(1),
                began: at(7),
                offset: None
            }
        );
    }
}
