//! The candidate side: contacts and their opportunities, applications and notes.

use super::account::ascii;
use super::answers;
use super::history::{self, History};
use super::names::{COMMENTS, COMPANIES, EXTRA_TAGS, FIRST, LAST, OTHER_SCRIPTS, PLACES};
use crate::random::Random;
use crate::world::{
    Application, Comment, Contact, Growth, Note, Opportunity, Phone, Posting, World,
};

const DAY: i64 = 86_400_000;

const ORIGINS: &[(u64, &str)] = &[
    (45, "applied"),
    (35, "sourced"),
    (8, "referred"),
    (5, "internal"),
    (4, "agency"),
    (3, "university"),
];

/// Makes one candidacy after the other.
pub(super) struct People {
    random: Random,
    growth: Growth,
    now: i64,
    contacts: Vec<String>,
}

impl People {
    pub(super) fn new(random: Random, growth: Growth) -> People {
        People {
            random,
            growth,
            now: growth.at,
            contacts: Vec::new(),
        }
    }

    pub(super) fn add_one(&mut self, world: &mut World) {
        let contact = self.contact(world);
        let opportunity = self.opportunity(world, contact);
        world.add(opportunity);
    }

    /// Mostly somebody new; a few people come back.
    fn contact(&mut self, world: &mut World) -> String {
        if !self.contacts.is_empty() && self.random.percent(7) {
            return self.random.pick(&self.contacts).clone();
        }
        let contact = self.person();
        let id = contact.id.clone();
        if !contact.anonymized {
            self.contacts.push(id.clone());
        }
        world.put_contact(contact);
        id
    }

    fn person(&mut self) -> Contact {
        let id = self.random.uuid();
        if self.random.percent(1) {
            return Contact {
                id,
                anonymized: true,
                ..Contact::default()
            };
        }
        let (name, address) = self.name();
        let number = self.random.below(10_000);
        let mut contact = Contact {
            id,
            name,
            ..Contact::default()
        };
        contact.headline = self.headline();
        contact.location = (*self.random.pick(PLACES)).to_owned();
        if self.random.percent(90) {
            contact
                .emails
                .push(format!("{address}.{number}@example.com"));
        }
        if self.random.percent(55) {
            let value = format!("+1 555-01{:02}", number % 100);
            contact.phones.push(Phone {
                kind: Some("mobile".to_owned()),
                value,
            });
        }
        if self.random.percent(40) {
            contact
                .links
                .push(format!("https://www.example.com/in/{address}-{number}"));
        }
        contact
    }

    /// A name and its form in an address.
    fn name(&mut self) -> (String, String) {
        if self.random.percent(12) {
            let (name, address) = *self.random.pick(OTHER_SCRIPTS);
            return (name.to_owned(), address.to_owned());
        }
        let (first, last) = (*self.random.pick(FIRST), *self.random.pick(LAST));
        (
            format!("{first} {last}"),
            format!("{}.{}", ascii(first), ascii(last)),
        )
    }

    /// The companies somebody worked for, the way Lever shows them.
    fn headline(&mut self) -> String {
        let count = self.random.below(4);
        let companies: Vec<&str> = (0..count).map(|_| *self.random.pick(COMPANIES)).collect();
        companies.join(", ")
    }

    fn opportunity(&mut self, world: &World, contact: String) -> Opportunity {
        let origin = *self.random.weighted(ORIGINS);
        let archived = self.random.percent(45);
        let inbound = origin != "sourced" || self.random.percent(5);
        let course = history::draw(
            &mut self.random,
            &world.account,
            inbound,
            archived,
            self.now,
        );
        let mut opportunity = self.course(contact, &course);
        opportunity.origin = origin.to_owned();
        self.people(world, &mut opportunity);
        self.apply(world, &mut opportunity);
        self.label(&mut opportunity);
        self.end(world, &mut opportunity, &course);
        self.write_notes(world, &mut opportunity);
        self.stamp(&mut opportunity);
        answers::give(self.growth, world, &mut opportunity);
        opportunity
    }

    fn course(&mut self, contact: String, course: &History) -> Opportunity {
        let first = &course.changes[0];
        let mut opportunity =
            Opportunity::new(self.random.uuid(), contact, first.at, first.clone());
        let last = &course.changes[course.changes.len() - 1];
        opportunity.stage.clone_from(&last.stage);
        opportunity.last_advanced_at = last.at;
        opportunity.last_interaction_at = last.at;
        opportunity.stage_changes.clone_from(&course.changes);
        opportunity
    }

    fn people(&mut self, world: &World, opportunity: &mut Opportunity) {
        let owner = self.random.pick(&world.account.users).id.clone();
        opportunity.sourced_by = (opportunity.origin == "sourced").then(|| owner.clone());
        opportunity.followers = vec![owner.clone()];
        opportunity.owner = self.random.percent(97).then_some(owner);
    }

    /// Half of the sourced leads are for no posting yet; everybody else has one.
    fn apply(&mut self, world: &World, opportunity: &mut Opportunity) {
        let kind = match opportunity.origin.as_str() {
            "sourced" if self.random.percent(50) => return,
            "applied" => "posting",
            "referred" => "referral",
            _ => "user",
        };
        let posting = self.posting(world);
        let id = self.random.uuid();
        let mut application = Application::new(id, kind, posting, opportunity.created_at + 1);
        if kind != "posting" {
            application.user.clone_from(&opportunity.owner);
        }
        opportunity.apply_to(posting, application);
        for follower in &posting.followers {
            if !opportunity.followers.contains(follower) {
                opportunity.followers.push(follower.clone());
            }
        }
    }

    /// One in thirty is for the confidential posting.
    fn posting<'w>(&mut self, world: &'w World) -> &'w Posting {
        let confidential = self.random.percent(4);
        let fitting: Vec<&Posting> = world
            .account
            .postings
            .iter()
            .filter(|it| it.confidential == confidential)
            .collect();
        let posting: &&Posting = self.random.pick(&fitting);
        posting
    }

    fn label(&mut self, opportunity: &mut Opportunity) {
        if self.random.percent(30) {
            let tag = (*self.random.pick(EXTRA_TAGS)).to_owned();
            opportunity.add_tags([tag]);
        }
        let source = match opportunity.origin.as_str() {
            "applied" => "Job site",
            "referred" => "Referral",
            "sourced" => self
                .random
                .pick(&["LinkedIn", "GitHub", "Added manually", "Extension"]),
            _ => self
                .random
                .pick(&["Glassdoor", "Xing", "Social referral", "Added manually"]),
        };
        if self.random.percent(92) {
            opportunity.sources.push(source.to_owned());
        }
    }

    fn end(&mut self, world: &World, opportunity: &mut Opportunity, course: &History) {
        if let Some(at) = course.archived_at {
            let late = opportunity
                .stage_changes
                .last()
                .is_some_and(|last| last.index >= 9);
            let hired = if late { 70 } else { 1 };
            let hired = self.random.percent(hired);
            let reasons = &world.account.reasons;
            let fitting: Vec<_> = reasons
                .iter()
                .filter(|reason| reason.hired == hired)
                .collect();
            let reason = self.random.pick(&fitting).id.clone();
            opportunity.archive(&reason, at);
        } else if self.random.percent(4) {
            opportunity.snoozed_until = Some(self.now + self.random.between(1, 40) * DAY);
        }
    }

    fn write_notes(&mut self, world: &World, opportunity: &mut Opportunity) {
        if !self.random.percent(20) {
            return;
        }
        for _ in 0..self.random.between(1, 3) {
            let at = self.random.between(opportunity.created_at, self.now);
            let user = Some(self.random.pick(&world.account.users).id.clone());
            let comment = Comment {
                created_at: at,
                score: self.random.percent(10).then(|| self.random.between(1, 4)),
                stage: opportunity.stage.clone(),
                user,
                value: (*self.random.pick(COMMENTS)).to_owned(),
            };
            let secret = self.random.percent(8);
            let note = Note::made_by_api(self.random.uuid(), comment, secret);
            opportunity.notes.push(Note {
                made_by_api: false,
                ..note
            });
            opportunity.last_interaction_at = opportunity.last_interaction_at.max(at);
        }
    }

    /// Most records that were left alone for long have no `updatedAt` (recorded: 964 of 1004).
    fn stamp(&mut self, opportunity: &mut Opportunity) {
        let last = opportunity.last_advanced_at;
        let fresh = self.now - last < 12 * DAY || self.random.percent(6);
        opportunity.updated_at = fresh.then_some((last + 1).min(self.now));
    }
}
