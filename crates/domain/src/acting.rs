//! Why a write is made for the Lever user it is made for (X13).

/// How the Lever user of a write was found. Kept with each operation, so that people can see why it acted for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ActingBecause {
    /// Nobody acts: Lever knows no user for this call, or none was found and Lever does not insist.
    #[default]
    Nobody,
    /// The caller named the Lever user.
    Named,
    /// The product user's e-mail is the user's.
    Email,
    /// An admin linked the product user's e-mail to the user.
    Linked,
    /// The user owns the opportunity; nobody better was found.
    OpportunityOwner,
    /// The user owns the posting of the opportunity; nobody better was found.
    PostingOwner,
    /// The user is the default of the connection.
    ConnectionDefault,
}

impl ActingBecause {
    /// Every reason.
    pub const ALL: &[ActingBecause] = &[
        ActingBecause::Nobody,
        ActingBecause::Named,
        ActingBecause::Email,
        ActingBecause::Linked,
        ActingBecause::OpportunityOwner,
        ActingBecause::PostingOwner,
        ActingBecause::ConnectionDefault,
    ];

    /// The name, as the gRPC enum has it without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            ActingBecause::Nobody => "NOBODY",
            ActingBecause::Named => "NAMED",
            ActingBecause::Email => "EMAIL",
            ActingBecause::Linked => "LINKED",
            ActingBecause::OpportunityOwner => "OPPORTUNITY_OWNER",
            ActingBecause::PostingOwner => "POSTING_OWNER",
            ActingBecause::ConnectionDefault => "CONNECTION_DEFAULT",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<ActingBecause> {
        Self::ALL
            .iter()
            .copied()
            .find(|because| because.name() == name)
    }
}
