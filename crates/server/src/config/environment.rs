//! The environment: settings, and secrets that are never arguments.

use std::env;

use secrecy::SecretString;

use super::Error;

/// What the names of setting variables begin with.
pub(super) const PREFIX: &str = "FULCRUM__";

/// The variables that are settings, with their values.
///
/// # Errors
/// A value that is not UTF-8.
#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
pub(super) fn settings() -> Result<Vec<(String, String)>, Error> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Error::not_text(&name)),
        })
        .collect()
}

/// Reads a secret such as `FULCRUM_TOKEN`; `None` when it is unset or empty.
#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
pub fn secret(variable: &str) -> Option<SecretString> {
    env::var(variable)
        .ok()
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .map(Into::into)
}
