//! `fulcrum sim`: the Lever simulator alone.

use std::net::SocketAddr;

use lever_sim::{Config, DEFAULT_KEY, Key, Population, RateLimit, Sim};

use super::{Failure, Output, Signals};

/// Arguments of `fulcrum sim`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to listen. Its control calls ask for no key: keep it on a loopback address.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7470")]
    listen: SocketAddr,
    /// How many opportunities the account has.
    #[arg(long, value_name = "N", default_value_t = 200)]
    opportunities: usize,
    /// What everything random is drawn from: the same seed makes the same account.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The API key it accepts; made up, it opens nothing else.
    #[arg(long, default_value = DEFAULT_KEY)]
    key: String,
    /// Never answer 429.
    #[arg(long)]
    no_rate_limit: bool,
}

/// Runs the simulator until somebody asks to stop.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let sim = Sim::start(Config {
        population: Population {
            opportunities: arguments.opportunities,
            seed: arguments.seed,
        },
        keys: vec![Key::all(arguments.key.clone())],
        rate_limit: (!arguments.no_rate_limit).then(RateLimit::default),
        listen: arguments.listen,
        ..Config::default()
    })
    .await
    .map_err(|error| {
        let why = engine::report(&error);
        Failure::new(format!("cannot start the simulator: {why}"))
            .with("--listen names another address or port")
    })?;
    let mut output = Output::standard();
    output.line(format!("base URL  {}", sim.base_url()))?;
    output.line(format!("key       {}", arguments.key))?;
    output.line("Ctrl-C ends it; everything lives in memory.")?;
    signals.stop().await;
    sim.shutdown().await;
    Ok(())
}
