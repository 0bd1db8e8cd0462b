//! What is wrong with the settings, where, and what to do.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::{Actual, Kind};

use super::check::Fault;

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of `--config` cannot be read.
    #[error("cannot read the configuration {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The file of `--config` is not TOML.
    #[error("{} is not valid TOML: {reason}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What is wrong, and on which line.
        reason: String,
    },
    /// A key that is no setting.
    #[error("{place} is not a setting; {}", way_out(nearest.as_deref()))]
    UnknownKey {
        /// The key and its layer.
        place: String,
        /// The most similar key, if one is like it at all.
        nearest: Option<String>,
    },
    /// A value of the wrong type or out of bounds.
    #[error("{place}: {problem}")]
    BadValue {
        /// The key and its layer.
        place: String,
        /// What was expected, and what was found.
        problem: String,
    },
}

impl Error {
    pub(super) fn unreadable(path: &Path, reason: std::io::Error) -> Error {
        Error::Unreadable {
            path: path.to_owned(),
            reason,
        }
    }

    /// A section, such as `server`, that holds no settings but a value of its own.
    pub(super) fn not_a_section(place: String, section: &str) -> Error {
        Error::BadValue {
            place,
            problem: format!(
                "expected settings below it, as in [{section}] of config/fulcrum.toml, found a value"
            ),
        }
    }

    /// A variable that is almost one of a setting.
    pub(super) fn misspelled(variable: &str) -> Error {
        Error::BadValue {
            place: format!("{variable} in the environment"),
            problem:
                "variables of settings are FULCRUM__SECTION__KEY, with two underscores each time"
                    .to_owned(),
        }
    }

    pub(super) fn not_text(variable: &str) -> Error {
        Error::BadValue {
            place: format!("{variable} in the environment"),
            problem: "expected UTF-8".to_owned(),
        }
    }

    /// A value that does not fit its setting, as figment found it.
    pub(super) fn mistyped(error: figment::Error) -> Error {
        let profile = error.profile.clone().unwrap_or_default();
        let place = match &error.metadata {
            Some(metadata) => metadata.interpolate(&profile, &error.path),
            None => format!("`{}`", error.path.join(".")),
        };
        Error::BadValue {
            place,
            problem: problem(&error.kind),
        }
    }

    /// A value outside its bounds, named by the layer it came from.
    pub(super) fn out_of_bounds(figment: &Figment, fault: &Fault) -> Error {
        let keys: Vec<&str> = fault.key.split('.').collect();
        let place = match figment.find_metadata(fault.key) {
            Some(metadata) => metadata.interpolate(figment.profile(), &keys),
            None => format!("`{}`", fault.key),
        };
        Error::BadValue {
            place,
            problem: fault.problem.clone(),
        }
    }
}

fn way_out(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("the nearest one is {nearest}"),
        None => "config/fulcrum.toml lists all there are".to_owned(),
    }
}

fn problem(kind: &Kind) -> String {
    match kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            let expected = in_words(expected);
            let quoted = match found {
                Actual::Str(text) if text.parse::<f64>().is_ok() => " in quotes",
                _ => "",
            };
            format!("expected {expected}, found {}{quoted}", found_value(found))
        }
        Kind::UnknownVariant(found, expected) => {
            format!("expected one of {}, found \"{found}\"", expected.join(", "))
        }
        other => other.to_string(),
    }
}

/// What is expected, without the names of types.
fn in_words(expected: &str) -> String {
    match expected {
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        other => other.to_owned(),
    }
}

fn found_value(found: &Actual) -> String {
    match found {
        Actual::Str(text) => format!("\"{text}\""),
        Actual::Bool(value) => value.to_string(),
        Actual::Signed(value) => value.to_string(),
        Actual::Unsigned(value) => value.to_string(),
        Actual::Float(value) => value.to_string(),
        other => other.to_string(),
    }
}
