//! What a rule of the field mapping says.

use serde::{Deserialize, Serialize};

use super::SourcePath;
use crate::code::code;
use crate::link::LinkKind;

code! {
    /// The code of a product field: upper-case ASCII letters, digits and underscores, 1 to 40 of them.
    FieldCode,
    /// The text is not a product field code.
    InvalidFieldCode,
    "a product field code is 1 to 40 upper-case letters, digits and underscores, such as WORK_EXPERIENCE"
}

/// How one product field and Lever's records speak to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The product field.
    pub field: FieldCode,
    /// For people.
    #[serde(default)]
    pub label: String,
    /// Where Lever has it; none for a field that is NA there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<SourcePath>,
    /// Of a path to links: only those that lead there, and the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkPick>,
    /// How it can be worked out instead; none when it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation: Option<Derivation>,
    /// Whether it is worked out (`derived`) or taken as Lever has it (strict).
    #[serde(default)]
    pub derived: bool,
    /// Which way it goes.
    #[serde(default)]
    pub direction: Direction,
    /// What happens where the other side has a value already.
    #[serde(default)]
    pub policy: Policy,
}

impl Rule {
    /// The derivation in force; none in strict mode.
    pub fn active_derivation(&self) -> Option<Derivation> {
        self.derivation.filter(|_| self.derived)
    }

    /// The path in force; none in derived mode, and for a field that is NA.
    pub fn active_path(&self) -> Option<&SourcePath> {
        match self.active_derivation() {
            None => self.path.as_ref(),
            Some(_) => None,
        }
    }

    /// Whether Lever has no place for the field and nothing is worked out (F-31).
    pub fn not_available(&self) -> bool {
        self.active_derivation().is_none() && self.path.is_none()
    }

    /// Whether values go from Lever to the product.
    pub fn imports(&self) -> bool {
        self.direction != Direction::Export && self.policy != Policy::Never
    }

    /// Whether values go from the product to Lever.
    pub fn exports(&self) -> bool {
        self.direction != Direction::Import && self.policy != Policy::Never
    }
}

/// A word with a fixed set of values, as it is written in documents.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The word for it in documents.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Which way a field goes.
    #[derive(Default)]
    Direction {
        /// From Lever to the product.
        Import = "import",
        /// From the product to Lever.
        Export = "export",
        /// Both ways.
        #[default]
        Both = "both",
    }
}

impl Direction {
    /// Whether two rules of the same field would get in each other's way.
    pub fn overlaps(self, other: Direction) -> bool {
        self == other || self == Direction::Both || other == Direction::Both
    }
}

words! {
    /// What happens where the side that receives has a value already (X5).
    ///
    /// A blank value never takes the place of another, whatever the policy. Lists in Lever are added to, never cut.
    #[derive(Default)]
    Policy {
        /// The new value takes its place.
        Overwrite = "overwrite",
        /// The present value stays.
        #[default]
        FillIfBlank = "fill_if_blank",
        /// Nothing is ever written: the field is protected.
        Never = "never",
    }
}

impl Policy {
    /// Whether a value is written: `present` and `incoming` tell whether either side has one.
    pub fn writes(self, present: bool, incoming: bool) -> bool {
        match self {
            Policy::Overwrite => incoming,
            Policy::FillIfBlank => incoming && !present,
            Policy::Never => false,
        }
    }
}

words! {
    /// How a product field is worked out from Lever's records (product.md 5.1, "derived").
    Derivation {
        /// The positions of the newest resume that Lever read.
        WorkExperience = "work_experience",
        /// The present employer, else the last one, else what the application or the headline say.
        Company = "company",
        /// Where the person lives, else where the job is.
        Location = "location",
        /// The title of the present position, else the headline.
        Title = "title",
        /// The schools of the newest resume that Lever read.
        Education = "education",
        /// Resumes, files, and files given as answers.
        Attachments = "attachments",
        /// What happened to the person, in order.
        ActivityFeed = "activity_feed",
    }
}

words! {
    /// Which links a rule takes.
    LinkPick {
        /// Public profiles on LinkedIn.
        LinkedIn = "linkedin",
        /// Pages of LinkedIn's recruiting products.
        LinkedInRecruiter = "linkedin_recruiter",
        /// People's pages on GitHub.
        GitHub = "github",
        /// People's pages on X.
        Twitter = "twitter",
        /// Pages of the sourcing product, by `platform_hosts`.
        Platform = "platform",
        /// Profiles on other networks.
        SocialMedia = "social_media",
        /// Where people show their work.
        Portfolio = "portfolio",
        /// Anything else on the web.
        Personal = "personal",
    }
}

impl LinkPick {
    /// The kind of link that is taken.
    pub fn kind(self) -> LinkKind {
        match self {
            LinkPick::LinkedIn => LinkKind::LinkedIn,
            LinkPick::LinkedInRecruiter => LinkKind::LinkedInRecruiter,
            LinkPick::GitHub => LinkKind::GitHub,
            LinkPick::Twitter => LinkKind::Twitter,
            LinkPick::Platform => LinkKind::Platform,
            LinkPick::SocialMedia => LinkKind::SocialMedia,
            LinkPick::Portfolio => LinkKind::Portfolio,
            LinkPick::Personal => LinkKind::Personal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X5 as stated: with fill-if-blank a value that is there stays, whether the new one is blank or another.
    #[test]
    fn x5_a_policy_decides_and_blanks_never_win() {
        for (policy, present, incoming, written) in [
            (Policy::FillIfBlank, true, true, false),
            (Policy::FillIfBlank, true, false, false),
            (Policy::FillIfBlank, false, true, true),
            (Policy::Overwrite, true, true, true),
            (Policy::Overwrite, true, false, false),
            (Policy::Never, false, true, false),
        ] {
            assert_eq!(
                policy.writes(present, incoming),
                written,
                "{policy} {present} {incoming}"
            );
        }
    }

    #[test]
    fn words_are_written_as_they_are_read() {
        fn same<T: Serialize + std::fmt::Display>(values: &[T]) {
            for value in values {
                assert_eq!(serde_json::to_value(value).unwrap(), value.to_string());
            }
        }
        same(Direction::ALL);
        same(Policy::ALL);
        same(Derivation::ALL);
        same(LinkPick::ALL);
    }

    #[test]
    fn one_way_and_the_other_do_not_meet() {
        use Direction::{Both, Export, Import};
        assert!(!Import.overlaps(Export));
        assert!(Import.overlaps(Import) && Both.overlaps(Export) && Export.overlaps(Both));
    }
}
