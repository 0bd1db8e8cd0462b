//! Asking the person at the terminal.

use std::io::{self, IsTerminal as _, Write as _};

use secrecy::SecretString;

use super::Failure;

/// Whether somebody is there to ask.
pub(super) fn possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a secret without showing it.
pub(super) async fn secret(question: &'static str) -> Result<SecretString, Failure> {
    let answer = blocking(move || rpassword::prompt_password(format!("{question}: "))).await?;
    Ok(SecretString::from(answer.trim().to_owned()))
}

/// Asks a question that only `y` or `yes` agrees to.
pub(super) async fn agreed(question: String) -> Result<bool, Failure> {
    let answer = blocking(move || {
        let mut err = io::stderr();
        write!(err, "{question} [y/N] ")?;
        err.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer)
    })
    .await?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

async fn blocking(
    ask: impl FnOnce() -> io::Result<String> + Send + 'static,
) -> Result<String, Failure> {
    tokio::task::spawn_blocking(ask)
        .await
        .map_err(io::Error::other)
        .flatten()
        .map_err(|error| Failure::new(format!("cannot ask at the terminal: {error}")))
}
