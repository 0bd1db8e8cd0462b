//! The command line: what can be asked for, and how it ends.
//!
//! `serve`, `demo` and `sim` work in this process, and so do `token` and `store` where they name a data directory;
//! everything else is a client of a running service over gRPC.
//! What a command says goes to standard output, what goes wrong to standard error.
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
//! Secrets are never arguments: they come from the environment, a file, or a prompt.

mod bulk;
mod call;
mod client;
mod connect_links;
mod connections;
mod download;
mod duplicates;
mod explain;
mod export;
mod failure;
mod history;
mod inbound;
mod issues;
mod json;
pub(crate) mod logging;
mod lookup;
mod mapping;
mod master_keys;
mod operations;
mod output;
mod permissions;
mod place;
mod progress;
mod prompt;
mod serve;
mod signals;
mod sim;
mod store;
mod sync;
mod tls;
mod token;
mod upload;
mod users;
pub(crate) mod view;
pub(crate) mod write;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub(crate) use client::Client;
pub(crate) use failure::Failure;
pub(crate) use output::Output;
pub(crate) use progress::Progress;
pub(crate) use signals::Signals;

use crate::{demo, serve as service};

/// Of every program that has this command line; sled asks for many small pieces and gives them back from other threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fulcrum: a faithful mirror of Lever, and a safe way to write back.
#[derive(Debug, Parser)]
#[command(name = "fulcrum", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

/// What every client command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "For commands that ask a running service")]
pub(crate) struct Global {
    /// The running service.
    #[arg(long, global = true, env = "FULCRUM_SERVER", default_value = client::DEFAULT_SERVER, value_name = "URL")]
    server: String,
    /// File with the bearer token; without it, the variable FULCRUM_TOKEN.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// For https: who has signed the certificate of the service, in PEM; without it, the authorities of this machine.
    #[arg(long, global = true, value_name = "FILE", env = "FULCRUM_CA")]
    ca: Option<PathBuf>,
    /// For https: a certificate of ours, in PEM, where the service asks for one.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "FULCRUM_CERT",
        requires = "cert_key"
    )]
    cert: Option<PathBuf>,
    /// The private key of --cert, in PEM.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "FULCRUM_CERT_KEY",
        requires = "cert"
    )]
    cert_key: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service.
    Serve(serve::Arguments),
    /// Shows the main job against a simulated Lever, in one process.
    Demo(demo::Arguments),
    /// Runs the Lever simulator alone.
    Sim(sim::Arguments),
    /// Creates, lists and revokes tokens, at a running service or with --data in a stopped data directory.
    #[command(subcommand)]
    Token(token::Command),
    /// Backs up, restores, checks or compacts a data directory; exchanges the master key of a running service.
    #[command(subcommand)]
    Store(store::Command),
    /// Links a Lever account.
    Connect(connections::Connect),
    /// Makes, lists and takes back links by which somebody else connects an account.
    #[command(subcommand)]
    ConnectLink(connect_links::Command),
    /// Gives a linked account a new key, or a new OAuth grant; everything else stays.
    RotateCredential(connections::RotateCredential),
    /// Unlinks a Lever account.
    Disconnect(connections::Disconnect),
    /// Lists the linked accounts.
    Connections,
    /// Tells what Lever lets the key do, permission by permission.
    Permissions(permissions::Permissions),
    /// Tells how far the mirror has come.
    Status(sync::Status),
    /// Lists what somebody should look after, with what to do about it.
    Issues(issues::Issues),
    /// Pulls now instead of at the next scheduled time, or shows what the pull did.
    Sync(sync::Sync),
    /// Lists inbound applicants with their SLA.
    Inbound(inbound::Inbound),
    /// Lists the archive reasons that people can be rejected with.
    Reasons(inbound::Reasons),
    /// Moves applicants to a stage, up to 1,000 at once.
    Advance(bulk::Advance),
    /// Rejects applicants, up to 1,000 at once, now or held so that it can be taken back.
    Reject(bulk::Reject),
    /// Tells who somebody is in Lever, from the mirror.
    Lookup(lookup::Lookup),
    /// Tells why somebody is not there: not among the applicants, or not in the mirror at all.
    Explain(explain::Explain),
    /// Lists people who may be in Lever twice, and tells them apart.
    Duplicates(duplicates::Duplicates),
    /// Hands a person over to Lever, or shows and sets how that is done.
    Export(export::Export),
    /// Tells who of the product is who in Lever, and links them.
    #[command(subcommand)]
    User(users::Command),
    /// Shows and changes how Lever's stages and fields map onto the product's.
    #[command(subcommand)]
    Mapping(mapping::Command),
    /// Writes to one opportunity in Lever.
    #[command(subcommand)]
    Write(write::Command),
    /// Shows what was written to Lever.
    #[command(subcommand)]
    Op(operations::Command),
    /// Calls any operation of Lever's API.
    Call(call::Call),
    /// Downloads a resume, a file, or the document of an offer.
    Download(download::Download),
    /// Uploads a file to an opportunity, or for an application.
    Upload(upload::Upload),
}

/// How many threads read the store at most, and do whatever else blocks: four for each core, and 16 at least.
///
/// More wait for the same cores, and each keeps a heap of about a megabyte: with tokio's 512 a soak had a hundred after
/// half an hour, and 60 MB more of memory.
fn blocking_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    (4 * cores).max(16)
}

/// Runs the program and tells how it ended.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    service::install_crypto();
    // What is made is for its owner alone, also what sled makes.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(blocking_threads())
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(format!("cannot start: {error}")).report(),
    };
    let ended = runtime.block_on(cli.run());
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

impl Cli {
    async fn run(self) -> Result<(), Failure> {
        let global = &self.global;
        match self.command {
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Sim(arguments) => sim::run(arguments).await,
            Command::Token(command) => token::run(global, command).await,
            Command::Store(command) => store::run(global, command).await,
            Command::Connect(command) => connections::connect(global, command).await,
            Command::ConnectLink(command) => connect_links::run(global, command).await,
            Command::RotateCredential(command) => connections::rotate(global, command).await,
            Command::Disconnect(command) => connections::disconnect(global, command).await,
            Command::Connections => connections::list(global).await,
            Command::Permissions(command) => permissions::run(global, command).await,
            Command::Status(command) => sync::status(global, command).await,
            Command::Issues(command) => issues::run(global, command).await,
            Command::Sync(command) => sync::sync(global, command).await,
            Command::Inbound(command) => inbound::run(global, command).await,
            Command::Reasons(command) => inbound::reasons(global, command).await,
            Command::Advance(command) => bulk::advance(global, command).await,
            Command::Reject(command) => bulk::reject(global, command).await,
            Command::Lookup(command) => lookup::run(global, command).await,
            Command::Explain(command) => explain::run(global, command).await,
            Command::Duplicates(command) => duplicates::run(global, command).await,
            Command::User(command) => users::run(global, command).await,
            Command::Export(command) => export::run(global, command).await,
            Command::Mapping(command) => mapping::run(global, command).await,
            Command::Write(command) => write::run(global, command).await,
            Command::Op(command) => operations::run(global, command).await,
            Command::Call(command) => call::run(global, command).await,
            Command::Download(command) => download::run(global, command).await,
            Command::Upload(command) => upload::run(global, command).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_connection_can_be_left_out_before_an_operation() {
        let long = Cli::try_parse_from(["fulcrum", "op", "show", "acme", "op-1"]).expect("both");
        let short = Cli::try_parse_from(["fulcrum", "op", "show", "op-1"]).expect("one");
        assert!(format!("{long:?}").contains("Some(\"acme\")"));
        assert!(format!("{short:?}").contains("connection: None"));
    }

    #[test]
    fn duplicates_are_listed_or_two_people_told_apart() {
        let parsed = |line: &str| {
            let words = ["fulcrum", "duplicates"].into_iter();
            Cli::try_parse_from(words.chain(line.split(' ').filter(|word| !word.is_empty())))
        };
        assert!(parsed("").is_ok() && parsed("acme --weak --dismissed").is_ok());
        assert!(parsed("dismiss a b").is_ok() && parsed("dismiss -c acme a b --undo").is_ok());
        assert!(parsed("dismiss a").is_err() && parsed("--weak dismiss a b").is_err());
    }

    #[test]
    fn somebody_is_explained_by_what_is_known_or_by_an_id_of_levers() {
        let parsed = |line: &str| {
            let words = ["fulcrum", "explain"].into_iter().chain(line.split(' '));
            Cli::try_parse_from(words).is_ok()
        };
        assert!(
            parsed("acme --email a@b.c --ask-lever") && parsed("-o o1") && parsed("--contact c")
        );
        assert!(!parsed("-o o1 --email a@b.c") && !parsed("-o o1 --contact c"));
        assert!(!parsed("--name Ada"));
    }

    #[test]
    fn users_are_listed_linked_and_unlinked() {
        let parsed = |line: &str| {
            let words = ["fulcrum", "user"].into_iter().chain(line.split(' '));
            Cli::try_parse_from(words).is_ok()
        };
        assert!(parsed("list") && parsed("list acme --limit 5"));
        assert!(parsed("link a@b.c u1") && parsed("link -c acme a@b.c u1"));
        assert!(parsed("unlink a@b.c") && !parsed("link a@b.c"));
    }

    #[test]
    fn issues_are_listed_or_one_of_them_acted_on() {
        let parsed = |line: &str| {
            let words = ["fulcrum", "issues"].into_iter();
            Cli::try_parse_from(words.chain(line.split(' ').filter(|word| !word.is_empty())))
        };
        assert!(parsed("").is_ok() && parsed("acme --all --limit 5 --json").is_ok());
        assert!(parsed("mute i1 --note known").is_ok() && parsed("unmute i1").is_ok());
        assert!(parsed("resolve i1").is_ok() && parsed("resolve").is_err());
        assert!(parsed("--all mute i1").is_err());
    }

    #[test]
    fn sync_takes_a_connection_or_a_question_about_the_past() {
        for line in [
            "sync",
            "sync acme --stream users",
            "sync runs acme",
            "sync calls",
            "sync quarantine --stream tags",
        ] {
            let words = ["fulcrum"].into_iter().chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn an_upload_is_for_an_opportunity_or_for_an_application() {
        let parsed = |flags: &[&str]| {
            let words = ["fulcrum", "upload", "f.pdf"].iter().chain(flags);
            Cli::try_parse_from(words).is_ok()
        };
        assert!(parsed(&["-o", "o"]) && parsed(&["-o", "o", "--as-candidate"]));
        assert!(parsed(&["--for-application"]));
        assert!(!parsed(&[]) && !parsed(&["-o", "o", "--for-application"]));
        assert!(!parsed(&["--for-application", "--as-candidate"]));
    }

    #[test]
    fn the_store_is_asked_where_it_runs_or_looked_after_where_it_stands() {
        let parsed = |line: &str| {
            let words = ["fulcrum", "store"].into_iter().chain(line.split(' '));
            Cli::try_parse_from(words).is_ok()
        };
        assert!(parsed("check --data d") && parsed("compact --data d"));
        assert!(parsed("keys --server http://h:1") && parsed("rotate-key --no-wait"));
        assert!(!parsed("rotate-key --data d"));
    }

    #[test]
    fn a_download_names_exactly_one_source() {
        let parse = |line: &str| {
            Cli::try_parse_from(
                ["fulcrum", "download", "o"]
                    .into_iter()
                    .chain(line.split(' ')),
            )
        };
        assert!(parse("--resume r").is_ok());
        assert!(parse("--offer f --status sent").is_ok());
        assert!(parse("--resume r --file f").is_err());
        assert!(Cli::try_parse_from(["fulcrum", "download", "o"]).is_err());
    }

    #[test]
    fn a_new_credential_is_a_key_or_a_code_with_its_redirect() {
        let parsed = |line: &str| {
            let words = ["fulcrum", "rotate-credential"].into_iter();
            let given = line.split(' ').filter(|word| !word.is_empty());
            Cli::try_parse_from(words.chain(given)).is_ok()
        };
        assert!(parsed("") && parsed("acme --key-file f"));
        assert!(parsed("acme --oauth-code c --redirect-uri u") && !parsed("--oauth-code c"));
        assert!(!parsed("--key secret") && !parsed("--key-file f --oauth-code c --redirect-uri u"));
    }

    #[test]
    fn a_connect_link_is_for_a_new_account_or_for_one_that_is_there() {
        let parsed = |line: &str| {
            let words = ["fulcrum", "connect-link"].into_iter();
            Cli::try_parse_from(words.chain(line.split(' '))).is_ok()
        };
        assert!(parsed("create --name Acme --region eu --ttl 2d"));
        assert!(parsed("create --relink acme") && parsed("list") && parsed("revoke l1"));
        assert!(!parsed("create") && !parsed("create --name Acme --relink acme"));
        assert!(!parsed("create --relink acme --region eu") && !parsed("create --name a --ttl 0s"));
    }

    #[test]
    fn secrets_are_no_arguments() {
        for secret in ["--token", "--key=secret"] {
            assert!(
                Cli::try_parse_from(["fulcrum", "connect", "--name", "x", secret]).is_err(),
                "{secret}"
            );
        }
    }
}
