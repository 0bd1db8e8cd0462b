//! How a listing's last failure is kept and shown.

use crate::error::{Error, ErrorKind, KEY_REJECTED, PERMISSION_MISSING, permission_message};

const FORBIDDEN: &str = "forbidden: ";
const KEY: &str = "key rejected: ";
const UNREACHABLE: &str = "unreachable: ";
const NO_TURN: &str = "no turn: ";
const FAILED: &str = "failed: ";

/// Why the last pass over a listing failed; stored as one line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The key lacks this permission.
    Forbidden(String),
    /// Lever does not accept the key.
    KeyRejected(String),
    /// Lever answers nothing, whatever it is asked.
    Unreachable(String),
    /// The rate limit left no turn.
    NoTurn(String),
    /// Anything else, in one sentence.
    Failed(String),
}

impl Trouble {
    /// The trouble behind an error, as far as the error alone tells: whether it is Lever or one list that does not answer,
    /// [`Link::trouble`](crate::link::Link::trouble) knows.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Precondition { reason, details } if *reason == PERMISSION_MISSING => {
                let permission = details.iter().find(|(name, _)| *name == "permission");
                Trouble::Forbidden(
                    permission
                        .map(|(_, value)| value.clone())
                        .unwrap_or_default(),
                )
            }
            ErrorKind::Precondition { reason, .. } if *reason == KEY_REJECTED => {
                Trouble::KeyRejected(error.to_string())
            }
            _ if error.lever().is_some_and(lever::Error::had_no_turn) => {
                Trouble::NoTurn(error.to_string())
            }
            _ => Trouble::Failed(error.to_string()),
        }
    }

    /// Whether it may pass without anybody doing anything.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Trouble::Unreachable(_) | Trouble::NoTurn(_) | Trouble::Failed(_) => true,
            Trouble::Forbidden(_) | Trouble::KeyRejected(_) => false,
        }
    }

    /// The stored form.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Trouble::Forbidden(permission) => format!("{FORBIDDEN}{permission}"),
            Trouble::KeyRejected(message) => format!("{KEY}{message}"),
            Trouble::Unreachable(message) => format!("{UNREACHABLE}{message}"),
            Trouble::NoTurn(message) => format!("{NO_TURN}{message}"),
            Trouble::Failed(message) => format!("{FAILED}{message}"),
        }
    }

    /// Reads the stored form.
    pub(crate) fn from_text(text: &str) -> Self {
        if let Some(permission) = text.strip_prefix(FORBIDDEN) {
            Trouble::Forbidden(permission.to_owned())
        } else if let Some(message) = text.strip_prefix(KEY) {
            Trouble::KeyRejected(message.to_owned())
        } else if let Some(message) = text.strip_prefix(UNREACHABLE) {
            Trouble::Unreachable(message.to_owned())
        } else if let Some(message) = text.strip_prefix(NO_TURN) {
            Trouble::NoTurn(message.to_owned())
        } else {
            Trouble::Failed(text.strip_prefix(FAILED).unwrap_or(text).to_owned())
        }
    }

    /// What to tell a person, with the way out.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Trouble::Forbidden(permission) => {
                format!(
                    "forbidden: {permission}. {}",
                    permission_message(permission)
                )
            }
            Trouble::KeyRejected(message)
            | Trouble::Unreachable(message)
            | Trouble::NoTurn(message)
            | Trouble::Failed(message) => message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_line_leads_back_to_the_trouble() {
        for trouble in [
            Trouble::Forbidden("find all users".to_owned()),
            Trouble::KeyRejected("no".to_owned()),
            Trouble::Unreachable("away".to_owned()),
            Trouble::NoTurn("busy".to_owned()),
            Trouble::Failed("forbid".to_owned()),
        ] {
            assert_eq!(Trouble::from_text(&trouble.to_text()), trouble);
        }
    }

    #[test]
    fn a_missing_permission_is_told_in_levers_words() {
        let sentence = Trouble::Forbidden("find all opportunity notes".to_owned()).sentence();
        assert!(
            sentence.starts_with("forbidden: find all opportunity notes. "),
            "{sentence}"
        );
    }
}
