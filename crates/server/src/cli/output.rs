//! Standard output: colors only where they are seen, a closed pipe is no accident.

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};

use super::Failure;

/// Columns of a page.
pub(crate) const WIDTH: usize = 80;

/// Where a command writes its answer.
pub(crate) struct Output {
    stream: Box<dyn Write + Send>,
    lively: bool,
}

impl Output {
    /// Standard output; colors are taken out unless it is a terminal and `NO_COLOR` is unset.
    pub(crate) fn standard() -> Output {
        let lively =
            io::stdout().is_terminal() && AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        Output {
            stream: Box::new(anstream::stdout()),
            lively,
        }
    }

    /// Whether things may move and have colors.
    pub(crate) fn lively(&self) -> bool {
        self.lively
    }

    /// Writes text and a line break.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> Result<(), Failure> {
        Ok(writeln!(self.stream, "{}", text.as_ref())?)
    }

    /// Writes text that ends its own lines.
    pub(crate) fn text(&mut self, text: impl AsRef<str>) -> Result<(), Failure> {
        self.stream.write_all(text.as_ref().as_bytes())?;
        Ok(self.stream.flush()?)
    }

    /// Writes a JSON document.
    pub(crate) fn json(&mut self, value: &serde_json::Value) -> Result<(), Failure> {
        self.line(format!("{value:#}"))
    }
}
