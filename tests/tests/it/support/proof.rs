//! What a test of a promise tells `just prove`.

/// Says how often a promise was put to the test, and with what; shown with `--nocapture`.
#[allow(
    clippy::print_stdout,
    reason = "the table of the promises is made of it"
)]
pub(crate) fn proof(promise: &str, runs: u64, faults: &str) {
    println!("proof {promise}: {runs} runs; {faults}");
}
