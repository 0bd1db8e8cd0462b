//! How a listing's last failure is kept and shown.

use crate::error::{Error, ErrorKind, KEY_REJECTED, PERMISSION_MISSING, permission_message};

const FORBIDDEN: &str = "forbidden: ";
const KEY: &str = "key rejected: ";
const FAILED: &str = "failed: ";

/// Why the last pass over a listing failed; stored as one line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The key lacks this permission.
    Forbidden(String),
    /// Lever does not accept the key.
    KeyRejected(String),
    /// Anything else, in one sentence.
    Failed(String),
}

impl Trouble {
    /// The trouble behind an error.
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
            _ => Trouble::Failed(error.to_string()),
        }
    }

    /// The stored form.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Trouble::Forbidden(permission) => format!("{FORBIDDEN}{permission}"),
            Trouble::KeyRejected(message) => format!("{KEY}{message}"),
            Trouble::Failed(message) => format!("{FAILED}{message}"),
        }
    }

    /// Reads the stored form.
    pub(crate) fn from_text(text: &str) -> Self {
        if let Some(permission) = text.strip_prefix(FORBIDDEN) {
            Trouble::Forbidden(permission.to_owned())
        } else if let Some(message) = text.strip_prefix(KEY) {
            Trouble::KeyRejected(message.to_owned())
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
            Trouble::KeyRejected(message) | Trouble::Failed(message) => message.clone(),
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
