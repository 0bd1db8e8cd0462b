//! The program under test, built together with the scenarios so that they never run a stale one.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main()
}
