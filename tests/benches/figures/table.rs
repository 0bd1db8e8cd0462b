//! The table that is printed, a row as soon as it is known.

#![expect(clippy::print_stdout, reason = "the table is what the program is for")]

use std::process::ExitCode;

/// What a figure must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// So many times the floor, or more.
    AtLeast(f64),
    /// So many times the floor, or less.
    AtMost(f64),
    /// So much, whatever the floor is, or less.
    Bound(f64),
}

impl Target {
    fn met(self, measured: f64, floor: f64) -> bool {
        match self {
            Target::AtLeast(least) => measured >= least * floor,
            Target::AtMost(most) => measured <= most * floor,
            Target::Bound(most) => measured <= most,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Target::AtLeast(least) => format!("ratio >= {least}"),
            Target::AtMost(most) => format!("ratio <= {most}"),
            Target::Bound(most) => format!("<= {most}"),
        };
        f.pad(&text)
    }
}

/// One figure.
#[derive(Debug)]
pub(crate) struct Figure<'a> {
    pub(crate) name: &'a str,
    /// What was measured, and its floor, in the same unit.
    pub(crate) measured: f64,
    pub(crate) floor: f64,
    pub(crate) unit: &'a str,
    pub(crate) target: Target,
}

/// The table so far.
#[derive(Debug)]
pub(crate) struct Table {
    missed: usize,
}

impl Table {
    pub(crate) fn new() -> Table {
        println!(
            "{:<66} {:>10} {:>10} {:<13} {:>8} {:>14}",
            "figure", "measured", "floor", "unit", "ratio", "target"
        );
        Table { missed: 0 }
    }

    /// Prints a figure. Its ratio is what was measured over the floor.
    pub(crate) fn row(&mut self, figure: &Figure<'_>) {
        let met = figure.target.met(figure.measured, figure.floor);
        self.missed += usize::from(!met);
        println!(
            "{:<66} {:>10} {:>10} {:<13} {:>8} {:>14} {}",
            figure.name,
            short(figure.measured),
            short(figure.floor),
            figure.unit,
            short(figure.measured / figure.floor),
            figure.target,
            if met { "pass" } else { "FAIL" },
        );
    }

    /// Prints that a figure could not be measured, which is a miss.
    pub(crate) fn missing(&mut self, name: &str, why: &str) {
        self.missed += 1;
        println!("{name:<66} not measured: {why}");
    }

    /// Prints what somebody who reads the figures should know.
    pub(crate) fn note(&self, text: &str) {
        println!("  {text}");
    }

    /// The status the program ends with.
    pub(crate) fn end(self) -> ExitCode {
        if self.missed == 0 {
            println!("all figures reach their targets");
            ExitCode::SUCCESS
        } else {
            println!("{} figures miss their targets", self.missed);
            ExitCode::FAILURE
        }
    }
}

/// A number with as many decimals as it is worth.
fn short(number: f64) -> String {
    let decimals = match number.abs() {
        large if large >= 100.0 => 0,
        small if small < 10.0 => 3,
        _ => 1,
    };
    format!("{number:.decimals$}")
}
