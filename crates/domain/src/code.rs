//! Codes that programs know product stages and product fields by.

/// The longest code, in characters.
const LONGEST: usize = 40;

/// Whether a text is 1 to 40 upper-case ASCII letters, digits and underscores.
pub(crate) fn is_code(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed)
}

/// Declares a type of codes, and the error of a text that is none.
macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $(#[$error_doc:meta])* $error:ident, $message:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::borrow::Cow<'static, str>);

        impl $name {
            /// Reads a code; reserved ones are codes too.
            ///
            /// # Errors
            /// If the text has another shape.
            pub fn parse(text: &str) -> Result<$name, $error> {
                match $crate::code::is_code(text) {
                    true => Ok($name(std::borrow::Cow::Owned(text.to_owned()))),
                    false => Err($error),
                }
            }

            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $(#[$error_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error($message)]
        pub struct $error;

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> String {
                code.0.into_owned()
            }
        }
    };
}

pub(crate) use code;
