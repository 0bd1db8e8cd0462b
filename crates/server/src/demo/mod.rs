//! `fulcrum demo`: the main job against a simulated Lever, in one process, within a minute.
//!
//! Everything on the way is the real thing: the service listens on a loopback port, the tour is a client over gRPC,
//! and Lever's side of each step is read from the simulator itself.

mod render;
mod scene;
mod tour;

use std::path::PathBuf;

use crate::cli::{Failure, Output, Signals};

use scene::Scene;
use tour::Tour;

/// Arguments of `fulcrum demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// End after the tour instead of staying up.
    #[arg(long)]
    exit: bool,
    /// How many opportunities the simulated account has, 50 to 1,000,000.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    opportunities: u32,
    /// What everything random is drawn from: the same seed makes the same account.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Keep the data in this directory, which must be empty or new. Without it: a temporary one.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Gives the tour, then stays up until somebody asks to stop.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let mut output = Output::standard();
    let scene = Scene::set(&arguments).await?;
    let ended = tokio::select! {
        ended = give_tour(&arguments, &scene, &mut output) => ended,
        () = signals.stop() => Err(Failure::interrupted()),
        reason = scene.service.failed() => Err(Failure::new(reason)),
    };
    let ended = match ended {
        Ok(()) if !arguments.exit => tokio::select! {
            () = signals.stop() => Ok(()),
            reason = scene.service.failed() => Err(Failure::new(reason)),
        },
        ended => ended,
    };
    signals.end_at_next_interrupt();
    let struck = scene.strike().await;
    ended.and(struck)
}

async fn give_tour(
    arguments: &Arguments,
    scene: &Scene,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut tour = Tour::begin(scene, output).await?;
    tour.first_applicants().await?;
    tour.stage_mapping().await?;
    tour.applicants().await?;
    tour.whole_account().await?;
    tour.writes().await?;
    tour.never_twice().await?;
    tour.farewell(arguments.exit)
}
