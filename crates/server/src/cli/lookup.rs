//! `fulcrum lookup`.

use proto::v1 as pb;

use super::output::WIDTH;
use super::view::{DIM, grouped, lookup, styled, time};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum lookup`.
#[derive(Debug, clap::Args)]
pub(super) struct Lookup {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    #[command(flatten)]
    person: Person,
}

/// What is known of somebody.
#[derive(Debug, clap::Args)]
pub(super) struct Person {
    /// An e-mail address; repeat for more.
    #[arg(long = "email", value_name = "ADDRESS")]
    emails: Vec<String>,
    /// A LinkedIn profile.
    #[arg(long, value_name = "URL", default_value = "")]
    linkedin: String,
    /// A GitHub page.
    #[arg(long, value_name = "URL", default_value = "")]
    github: String,
    /// A page on X.
    #[arg(long, value_name = "URL", default_value = "")]
    twitter: String,
    /// A telephone number; repeat for more.
    #[arg(long = "phone", value_name = "NUMBER")]
    phones: Vec<String>,
    /// The full name; counts together with --company.
    #[arg(long, default_value = "", requires = "company")]
    name: String,
    /// An employer; counts together with --name.
    #[arg(long, default_value = "", requires = "name")]
    company: String,
    /// Lever's id of the person.
    #[arg(long, value_name = "ID", default_value = "")]
    contact: String,
}

impl From<Person> for pb::Identity {
    fn from(person: Person) -> pb::Identity {
        pb::Identity {
            emails: person.emails,
            linkedin_url: person.linkedin,
            github_url: person.github,
            twitter_url: person.twitter,
            phones: person.phones,
            name: person.name,
            company: person.company,
            contact_id: person.contact,
            ..Default::default()
        }
    }
}

/// Tells who somebody is in Lever.
pub(super) async fn run(global: &Global, command: Lookup) -> Result<(), Failure> {
    let identity = pb::Identity::from(command.person);
    if identity == pb::Identity::default() {
        return Err(Failure::usage(
            "say whom to look up: give --email, --linkedin, --github, --twitter, --phone, --contact, \
             or --name with --company",
        ));
    }
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let request = pb::LookupCandidatesRequest {
        connection_id: connection.id,
        identities: vec![identity],
    };
    let answer = client.candidates().lookup_candidates(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("LookupCandidatesResponse", &answer)?);
    }
    let now = time::now_ms();
    let matches = answer.results.iter().flat_map(|result| &result.matches);
    let people = matches.clone().count() as u64;
    if people > 0 {
        output.text(lookup::table(matches, now, WIDTH))?;
    }
    for field in answer
        .results
        .iter()
        .flat_map(|result| &result.unused_fields)
    {
        output.line(format!(
            "{field} is nothing that somebody can be recognized by"
        ))?;
    }
    let as_of = match &answer.as_of {
        Some(as_of) => format!(", as of {}", time::ago(Some(as_of), now)),
        None => ", and not everybody has been read yet".to_owned(),
    };
    let who = match people {
        0 => "nobody is found".to_owned(),
        1 => "1 person".to_owned(),
        _ => format!("{} possible matches", grouped(people)),
    };
    output.line(styled(DIM, &format!("{who}{as_of}")))
}
