//! `fulcrum explain`.

use proto::v1 as pb;

use super::lookup::Person;
use super::view::{explain as page, time};
use super::{Client, Failure, Global, Output, json};

/// Arguments of `fulcrum explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// The connection by id, external id or name; may be left out when there is one.
    connection: Option<String>,
    #[command(flatten)]
    person: Person,
    /// Lever's id of one of the candidacies, in place of what is known of the person.
    #[arg(
        long,
        short,
        value_name = "ID",
        default_value = "",
        hide_default_value = true,
        conflicts_with_all = ["emails", "linkedin", "github", "twitter", "phones", "name", "company", "contact"]
    )]
    opportunity: String,
    /// Also ask Lever, with a few calls, what it has at this moment.
    #[arg(long)]
    ask_lever: bool,
}

/// Tells why somebody is not where they are looked for.
pub(super) async fn run(global: &Global, command: Explain) -> Result<(), Failure> {
    use pb::explain_candidate_request::Who;
    let identity = pb::Identity::from(command.person);
    let alone = pb::Identity {
        contact_id: identity.contact_id.clone(),
        ..Default::default()
    };
    let who = match (command.opportunity, identity) {
        (opportunity, _) if !opportunity.is_empty() => Who::OpportunityId(opportunity),
        (_, identity) if identity == pb::Identity::default() => {
            return Err(Failure::usage(
                "say who is missing: give --email, --linkedin, --github, --twitter, --phone, --contact, --opportunity, \
                 or --name with --company",
            ));
        }
        (_, identity) if identity == alone => Who::ContactId(identity.contact_id),
        (_, identity) => Who::Identity(identity),
    };
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let request = pb::ExplainCandidateRequest {
        connection_id: connection.id,
        who: Some(who),
        ask_lever: command.ask_lever,
    };
    let answer = client.candidates().explain_candidate(request).await?;
    let answer = answer.into_inner();
    let mut output = Output::standard();
    if global.json {
        return output.json(&json::of("ExplainCandidateResponse", &answer)?);
    }
    output.text(page::page(&answer, time::now_ms()))
}
