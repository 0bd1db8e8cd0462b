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
    misspelled(env::vars_os().filter_map(|(name, _)| name.into_string().ok()))?;
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Error::not_text(&name)),
        })
        .collect()
}

/// Refuses what is meant to be a setting and would be none.
fn misspelled(mut names: impl Iterator<Item = String>) -> Result<(), Error> {
    let meant = |name: &String| {
        let (name, given) = (name.to_uppercase(), name);
        let section = name.strip_prefix("FULCRUM_").unwrap_or_default();
        section.contains("__") && !given.starts_with(PREFIX)
    };
    match names.find(meant) {
        Some(name) => Err(Error::misspelled(&name)),
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_almost_a_setting_is_refused() {
        let told =
            |name: &str| misspelled(std::iter::once(name.to_owned())).map_err(|it| it.to_string());
        for wrong in [
            "FULCRUM_STORE__DIR",
            "fulcrum__store__dir",
            "Fulcrum__Store__Dir",
        ] {
            let error = told(wrong).unwrap_err();
            assert!(
                error.starts_with(wrong) && error.contains("FULCRUM__SECTION__KEY"),
                "{error}"
            );
        }
        for right in [
            "FULCRUM__STORE__DIR",
            "FULCRUM_TOKEN",
            "FULCRUM_LEVER_KEY",
            "OTHER__X",
        ] {
            assert!(told(right).is_ok(), "{right}");
        }
    }
}
