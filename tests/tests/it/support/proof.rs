//! What a test of a promise and `just prove` tell each other.

/// How often to try: the quick number, or the long one where `just prove --long` runs the test.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told how thorough to be"
)]
pub(crate) fn rounds(quick: u64, long: u64) -> u64 {
    match std::env::var("FULCRUM_PROVE").as_deref() {
        Ok("long") => long,
        _ => quick,
    }
}

/// Says how often a promise was put to the test and with what; it is seen with `--nocapture`.
#[allow(
    clippy::print_stdout,
    reason = "the table of the promises is made of it"
)]
pub(crate) fn proved(promise: &str, runs: u64, faults: &str) {
    println!("\nproved {promise}: {runs} runs; {faults}");
}
