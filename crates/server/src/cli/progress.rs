//! Progress: a bar where it can move, a line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Failure, Output};

/// Where nothing moves, a line at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The progress of one undertaking.
pub(crate) enum Progress {
    /// In a terminal.
    Bar(ProgressBar),
    /// Elsewhere.
    Lines {
        /// When the last line was written.
        last: Option<Instant>,
    },
}

impl Progress {
    /// Progress towards a number of records.
    pub(crate) fn records(output: &Output, total: Option<u64>) -> Progress {
        if !output.lively() {
            return Progress::Lines { last: None };
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stdout());
        let style = match total {
            Some(_) => "  {bar:30.green/dim} {human_pos} of {human_len} {wide_msg}",
            None => "  {spinner:.green} {human_pos} records {wide_msg}",
        };
        bar.set_style(ProgressStyle::with_template(style).expect("written above"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress::Bar(bar)
    }

    /// Shows how far things have come; `line` is for where nothing moves.
    pub(crate) fn show(
        &mut self,
        output: &mut Output,
        done: u64,
        beside: &str,
        line: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self {
            Progress::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(beside.to_owned());
                Ok(())
            }
            Progress::Lines { last } => {
                if last.is_some_and(|last| last.elapsed() < LINE_EVERY) {
                    return Ok(());
                }
                *last = Some(Instant::now());
                output.line(line())
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
