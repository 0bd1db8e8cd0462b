//! The settings side: stages, archive reasons, users and postings.

use super::names::{FIRST, LAST};
use crate::random::Random;
use crate::world::{Account, Categories, Content, Posting, Reason, Stage, User};

const DAY: i64 = 86_400_000;

/// Text, pipeline, twice the rank, and the id where it is fixed. Fixture `disposition-stages.get.json`.
const STAGES: &[(&str, &str, i64, Option<&str>)] = &[
    ("New lead", "lead", 2, Some("lead-new")),
    ("Reached out", "lead", 6, Some("lead-reached-out")),
    ("Responded", "lead", 10, Some("lead-responded")),
    ("New applicant", "applicant", 202, Some("applicant-new")),
    ("HM Review", "applicant", 211, None),
    ("Recruiter screen", "screen", 402, None),
    ("HM Screen", "onsite", 461, None),
    ("On-site interview", "onsite", 462, None),
    ("Reference check", "onsite", 463, None),
    ("Offer", "offer", 522, Some("offer")),
    ("Background Check", "offer", 531, None),
    ("On Hold", "offer", 541, None),
];

/// Text, active.
const REASONS: &[(&str, bool)] = &[
    ("Position filled", true),
    ("Comp", true),
    ("Better for another role", true),
    ("Future hire", true),
    ("Under-qualified", true),
    ("Over-qualified", true),
    ("No Response - OLD", false),
    ("Timing", true),
    ("Withdrew", true),
    ("Offer declined", true),
    ("Position closed", true),
    ("Location", true),
    ("No Response", true),
];

const ROLES: &[(u64, &str)] = &[
    (2, "super admin"),
    (3, "admin"),
    (6, "team member"),
    (3, "limited team member"),
    (8, "interviewer"),
];

/// Title, department, team, location, country, commitment, state, workplace.
type Job = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const SF: &str = "San Francisco, CA";
#[rustfmt::skip] // A table reads better in rows.
const JOBS: &[Job] = &[
    ("Backend Engineer", "Research & Development", "Engineering", SF, "US", "Full-time", "published", "hybrid"),
    ("Front-end Developer", "Research & Development", "Engineering", "Berlin", "DE", "Full-time", "published", "remote"),
    ("Data Engineer", "Research & Development", "Data", "Toronto", "CA", "Full-time", "published", "remote"),
    ("Product Designer", "Product", "Design", SF, "US", "Full-time", "published", "hybrid"),
    ("Product Manager", "Product", "Product", "New York", "US", "Full-time", "published", "onsite"),
    ("Account Executive", "Sales", "Account Executive", "New York", "US", "Full-time", "published", "hybrid"),
    ("Sales Engineer", "Sales", "Sales Engineer", "London", "GB", "Full-time", "published", "hybrid"),
    ("Customer Success Manager", "Customer Success", "Customer Success", "Athens", "GR", "Full-time", "published", "onsite"),
    ("Recruiter", "People", "Recruiting", SF, "US", "Contract", "published", "remote"),
    ("Engineering Intern", "Research & Development", "Engineering", "Athens", "GR", "Intern", "internal", "onsite"),
    ("VP of Human Resources", "People", "Human Resources", SF, "US", "Full-time", "internal", "unspecified"),
    ("Marketing Analyst", "Marketing", "Marketing", "London", "GB", "Part-time", "internal", "hybrid"),
    ("Marketing Events", "Marketing", "Brand", SF, "US", "Full-time", "closed", "unspecified"),
    ("Financial Analyst", "Finance", "Finance", "New York", "US", "Full-time", "closed", "onsite"),
    ("Security Engineer", "Research & Development", "Security", "Berlin", "DE", "Full-time", "draft", "remote"),
    ("Office Manager", "Operations", "Operations", "Toronto", "CA", "Part-time", "pending", "onsite"),
    ("Growth Lead", "Marketing", "Growth", "New York", "US", "Full-time", "rejected", "unspecified"),
    ("Chief Financial Officer", "Finance", "Executive", SF, "US", "Full-time", "internal", "onsite"),
];
/// The one posting nobody without access may see.
const CONFIDENTIAL_JOB: &str = "Chief Financial Officer";

pub(super) fn make(random: &mut Random, now: i64) -> Account {
    let stages = STAGES
        .iter()
        .map(|stage| make_stage(random, *stage))
        .collect();
    let mut users: Vec<User> = (0..25).map(|nth| make_user(random, nth, now)).collect();
    let head = users[0].id.clone();
    for user in users
        .iter_mut()
        .skip(1)
        .filter(|user| user.job_title.is_some())
    {
        user.manager = Some(head.clone());
    }
    let mut postings: Vec<Posting> = JOBS
        .iter()
        .map(|job| make_posting(random, &users, *job, now))
        .collect();
    postings.sort_by(|a, b| (b.created_at, &a.id).cmp(&(a.created_at, &b.id)));
    users.sort_by(|a, b| (b.created_at, &a.id).cmp(&(a.created_at, &b.id)));
    Account {
        stages,
        reasons: make_reasons(random),
        users,
        postings,
        // From a source of its own, so that everything else stays what it was.
        id: Random::new(random.clone().next()).uuid(),
        ..Account::default()
    }
}

fn make_stage(
    random: &mut Random,
    (text, pipeline, half_ranks, id): (&str, &'static str, i64, Option<&str>),
) -> Stage {
    let id = id.map_or_else(|| random.uuid(), str::to_owned);
    Stage {
        id,
        text: text.to_owned(),
        pipeline,
        half_ranks,
        active: true,
    }
}

fn make_reasons(random: &mut Random) -> Vec<Reason> {
    let hired = ("Hired", true);
    let all = REASONS.iter().chain(std::iter::once(&hired));
    all.map(|&(text, active)| Reason {
        id: random.uuid(),
        text: text.to_owned(),
        active,
        hired: text == hired.0,
    })
    .collect()
}

/// The first is the head of talent; a few of the others are deactivated, two have no role to write with.
fn make_user(random: &mut Random, nth: usize, now: i64) -> User {
    let (first, last) = (FIRST[nth % FIRST.len()], LAST[(nth * 3) % LAST.len()]);
    let username = format!("{}.{}", ascii(first), ascii(last));
    let created_at = now - random.between(200, 3000) * DAY - random.between(0, DAY - 1);
    let recruiter = nth < 9;
    User {
        id: random.uuid(),
        name: format!("{first} {last}"),
        email: format!("{username}@example.com"),
        username,
        role: if nth == 0 {
            "super admin"
        } else {
            random.weighted::<&str>(ROLES)
        },
        created_at,
        deactivated_at: (nth % 8 == 7).then(|| now - random.between(5, 150) * DAY),
        external_directory_id: None,
        job_title: match nth {
            0 => Some("Head of Talent".to_owned()),
            _ if recruiter => Some("Recruiter".to_owned()),
            _ => None,
        },
        manager: None,
    }
}

fn make_posting(random: &mut Random, users: &[User], job: Job, now: i64) -> Posting {
    let (text, department, team, location, country, commitment, state, workplace) = job;
    // The first seven users are recruiters and active.
    let owner = users[random.below(7) as usize].id.clone();
    let hiring_manager = random
        .percent(70)
        .then(|| users[9 + random.below(6) as usize].id.clone());
    let created_at = now - random.between(20, 900) * DAY;
    let mut followers = vec![owner.clone()];
    followers.extend(hiring_manager.clone());
    let channels = match state {
        "published" if text == "Recruiter" => vec!["internal".to_owned()],
        "published" => vec!["public".to_owned()],
        _ => Vec::new(),
    };
    Posting {
        id: random.uuid(),
        text: text.to_owned(),
        state,
        channels,
        owner,
        hiring_manager,
        categories: Categories {
            commitment: Some(commitment.to_owned()),
            department: Some(department.to_owned()),
            team: Some(team.to_owned()),
            location: Some(location.to_owned()),
            all_locations: vec![location.to_owned()],
        },
        tags: Vec::new(),
        content: Content {
            description: format!("<div>{text} in our {team} team, {location}.</div>"),
            ..Content::default()
        },
        country: Some(country),
        workplace: workplace.to_owned(),
        salary: None,
        followers,
        confidential: text == CONFIDENTIAL_JOB,
        created_at,
        updated_at: created_at + random.between(0, 20) * DAY,
    }
}

/// The letters of a name that can stand in an address.
pub(super) fn ascii(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_lowercase()
}
